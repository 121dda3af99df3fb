/* Owns: the syntax of the command line. Does not own types and ranges: option.c. */
#include "cli/args.h"

#include "cli/failure.h"

#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

enum { NAME_BYTES_MAX = 40 };

static size_t least_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damerau-Levenshtein distance (optimal string alignment), three rows at a time. Words longer than
 * any flag are as far as can be. */
static size_t distance(const char *a, size_t a_bytes, const char *b, size_t b_bytes)
{
    size_t rows[3][NAME_BYTES_MAX + 1];

    if (a_bytes > NAME_BYTES_MAX || b_bytes > NAME_BYTES_MAX) return SIZE_MAX;
    for (size_t j = 0; j <= b_bytes; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_bytes; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_bytes; j++) {
            size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least_of(least_of(above[j], row[j - 1]) + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = least_of(row[j], two_above[j - 2] + 1);
            }
        }
    }
    return rows[a_bytes % 3][b_bytes];
}

void met_nearest_offer(met_nearest *nearest, const char *candidate)
{
    size_t candidate_bytes = strlen(candidate);
    size_t found = distance(nearest->word, nearest->word_bytes, candidate, candidate_bytes);
    /* A word that was cut short ("temp") is near to what it begins. */
    if (nearest->word_bytes >= 3 && nearest->word_bytes < candidate_bytes &&
        memcmp(candidate, nearest->word, nearest->word_bytes) == 0) {
        found = 1;
    }
    if (found == SIZE_MAX || 2 * found >= candidate_bytes) return;
    if (nearest->best == NULL || found < nearest->best_distance) {
        nearest->best = candidate;
        nearest->best_distance = found;
    }
}

/* Where a command line is parsed to. */
typedef struct target {
    const met_command *command;
    void *options;
    met_args *args;
} target;

/* Where the values of a group go. */
static void *fields_of(const target *to, size_t group)
{
    if (group == to->command->group_count) return &to->args->common;
    return (char *)to->options + to->command->groups[group].offset;
}

/* An option by its name without dashes, or when `name` is NULL by its letter; NULL: none. `group`
 * receives its group. */
static const met_option *find_option(const met_command *command, const char *name,
                                     size_t name_bytes, char letter, size_t *group)
{
    for (size_t g = 0; g <= command->group_count; g++) {
        met_option_group options = met_command_group(command, g);
        *group = g;
        for (size_t i = 0; i < options.count; i++) {
            const met_option *option = &options.options[i];
            if (name == NULL && option->letter == letter) return option;
            if (name != NULL && strlen(option->name) == name_bytes &&
                memcmp(option->name, name, name_bytes) == 0) {
                return option;
            }
        }
    }
    return NULL;
}

static met_status fail_unknown_flag(const met_command *command, const char *flag, size_t flag_bytes,
                                    met_error *err)
{
    size_t dashes = strspn(flag, "-");
    int shown = flag_bytes < 64 ? (int)flag_bytes : 64;
    met_nearest nearest = {.word = flag + dashes, .word_bytes = flag_bytes - dashes};
    for (size_t g = 0; g <= command->group_count; g++) {
        met_option_group options = met_command_group(command, g);
        for (size_t i = 0; i < options.count; i++) {
            met_nearest_offer(&nearest, options.options[i].name);
        }
    }
    met_nearest_offer(&nearest, "help");
    met_nearest_offer(&nearest, "version");
    if (nearest.best != NULL) {
        return met_failure_set(err, MET_E_ARGUMENT, "%.*s: unknown flag, did you mean --%s?", shown,
                               flag, nearest.best);
    }
    return met_failure_set(err, MET_E_ARGUMENT,
                           "%.*s: unknown flag; metallic %s --help lists what there is", shown,
                           flag, command->name);
}

/* "-vv": every letter is a flag without a value. False, and nothing is stored, when one is not. */
static bool parse_letters(const target *to, const char *letters)
{
    size_t group = 0;

    for (const char *letter = letters; *letter != '\0'; letter++) {
        const met_option *option = find_option(to->command, NULL, 0, *letter, &group);
        if (option == NULL || met_option_takes_value(option)) return false;
    }
    for (; *letters != '\0'; letters++) {
        const met_option *option = find_option(to->command, NULL, 0, *letters, &group);
        (void)met_option_store(option, "", "", fields_of(to, group), NULL); /* cannot fail */
    }
    return true;
}

/* The flag at argv[*at], with its value; *at moves past what was taken. */
static met_status parse_flag(const target *to, int argc, char **argv, int *at, met_error *err)
{
    const char *text = argv[(*at)++];
    bool is_long = text[1] == '-';
    const char *equals = is_long ? strchr(text, '=') : NULL;
    size_t text_bytes = equals != NULL ? (size_t)(equals - text) : strlen(text);
    const met_option *option = NULL;
    size_t group = 0;
    char subject[NAME_BYTES_MAX + 8], accepted[MET_OPTION_ACCEPTED_BYTES];

    if (is_long) {
        option = find_option(to->command, text + 2, text_bytes - 2, '\0', &group);
    } else if (text_bytes == 2) {
        option = find_option(to->command, NULL, 0, text[1], &group);
    } else if (parse_letters(to, text + 1)) {
        return MET_OK;
    }
    if (option == NULL) return fail_unknown_flag(to->command, text, text_bytes, err);

    void *fields = fields_of(to, group);
    snprintf(subject, sizeof subject, "--%s", option->name);
    if (!met_option_takes_value(option)) {
        if (equals == NULL) return met_option_store(option, subject, "", fields, err);
        return met_failure_set(err, MET_E_ARGUMENT, "%s: found \"%.64s\", expected no value",
                               subject, equals + 1);
    }
    if (equals != NULL) return met_option_store(option, subject, equals + 1, fields, err);
    if (*at == argc) {
        met_option_accepted(option, accepted);
        return met_failure_set(err, MET_E_ARGUMENT, "%s: no value, expected %s", subject, accepted);
    }
    return met_option_store(option, subject, argv[(*at)++], fields, err);
}

static met_status check_argument_count(const met_command *command, const met_args *args,
                                       met_error *err)
{
    if (args->argument_count > command->arguments_most) {
        const char *extra = args->arguments[command->arguments_most];
        const char *hint = met_command_find(extra) != NULL ? " (a subcommand comes first)" : "";
        return met_failure_set(err, MET_E_ARGUMENT,
                               "\"%.64s\": unexpected argument%s; see metallic %s --help", extra,
                               hint, command->name);
    }
    if (args->argument_count < command->arguments_least) {
        return met_failure_set(err, MET_E_ARGUMENT, "%s: found %d arguments, expected: metallic %s",
                               command->name, args->argument_count, command->synopsis);
    }
    return MET_OK;
}

/* Whether `name` is the file at `path`; `there` is NULL where it is still to be made. */
static bool is_file(const char *name, const char *path, const struct stat *there)
{
    struct stat info;
    if (there == NULL) return strcmp(name, path) == 0;
    return stat(name, &info) == 0 && info.st_dev == there->st_dev && info.st_ino == there->st_ino;
}

bool met_args_name_file(const met_command *command, const void *options, const met_args *args,
                        const char *path)
{
    struct stat file, stream;
    const struct stat *there = stat(path, &file) == 0 ? &file : NULL;

    if (there != NULL && !S_ISREG(file.st_mode)) return false;
    for (int descriptor = 0; there != NULL && descriptor < 3; descriptor++) {
        if (fstat(descriptor, &stream) == 0 && stream.st_dev == file.st_dev &&
            stream.st_ino == file.st_ino) {
            return true;
        }
    }
    for (int i = 0; i < args->argument_count; i++) {
        if (is_file(args->arguments[i], path, there)) return true;
    }
    for (size_t g = 0; g < command->group_count; g++) {
        const met_option_group *group = &command->groups[g];
        for (size_t i = 0; i < group->count; i++) {
            const char *named = NULL;
            if (group->options[i].kind != MET_OPTION_PATH) continue;
            memcpy(&named, (const char *)options + group->offset + group->options[i].offset,
                   sizeof named);
            if (named != NULL && is_file(named, path, there)) return true;
        }
    }
    return false;
}

met_status met_args_parse(const met_command *command, int argc, char **argv, void *options,
                          met_args *args, met_error *err)
{
    met_status status = MET_OK;
    met_error later; /* only the first error counts */
    bool flags_over = false;

    *args = (met_args){.arguments = argv};
    target to = {command, options, args};
    for (size_t g = 0; g <= command->group_count; g++) {
        met_option_group group = met_command_group(command, g);
        met_option_store_fallbacks(group.options, group.count, fields_of(&to, g));
    }
    for (int at = 0; at < argc;) {
        char *text = argv[at];
        if (flags_over || text[0] != '-' || text[1] == '\0') {
            args->arguments[args->argument_count++] = text; /* never ahead of `at` */
            at++;
        } else if (strcmp(text, "--") == 0) {
            flags_over = true;
            at++;
        } else if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
            args->help = true;
            return MET_OK;
        } else if (strcmp(text, "--version") == 0) {
            args->version = true;
            return MET_OK;
        } else {
            met_error *why = status == MET_OK ? err : &later;
            met_status found = parse_flag(&to, argc, argv, &at, why);
            if (status == MET_OK) status = found;
        }
    }
    if (status != MET_OK) return status;
    if (args->common.quiet && args->common.verbose > 0) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--quiet: found beside --verbose, expected one of them");
    }
    return check_argument_count(command, args, err);
}
