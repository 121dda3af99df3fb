/* Owns: turning text into a typed value, and the words for what is accepted. Knows nothing of argv
 * or of the environment. The invariant: a field changes only when its whole text was understood. */
#include "cli/option.h"

#include "cli/failure.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_integer(const char *text, int64_t *value)
{
    /* strtoll alone would take leading spaces. */
    if (text[0] == '\0' || text[strspn(text, "+-0123456789")] != '\0') return false;
    char *end = NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') return false;
    *value = parsed;
    return true;
}

static bool parse_real(const char *text, double *value)
{
    /* strtod alone would take spaces, hexadecimal, "inf" and "nan". The command sets
     * no locale but that of characters, so the decimal point is a point everywhere. */
    if (text[0] == '\0' || text[strspn(text, "+-0123456789.eE")] != '\0') return false;
    char *end = NULL;
    double parsed = strtod(text, &end);
    if (end == text || *end != '\0' || !(fabs(parsed) <= (double)FLT_MAX)) return false;
    *value = parsed;
    return true;
}

static bool real_in_range(const met_option *option, double value)
{
    bool above = option->least_open ? value > option->real_least : value >= option->real_least;
    bool below = option->most_open ? value < option->real_most : value <= option->real_most;
    return above && below;
}

static bool parse_bool(const char *text, bool *value)
{
    static const char *const words[][2] = {
        {"off", "on"}, {"0", "1"}, {"false", "true"}, {"no", "yes"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int truth = 0; truth < 2; truth++) {
            if (strcmp(text, words[i][truth]) != 0) continue;
            *value = truth == 1;
            return true;
        }
    }
    return false;
}

static const char *find_choice(const met_option *option, const char *text)
{
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        if (strcmp(*choice, text) == 0) return *choice;
    }
    return NULL;
}

static void describe_choices(const met_option *option, char *text, size_t text_bytes)
{
    size_t used = 0;
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        const char *before = choice == option->choices ? "" : choice[1] == NULL ? " or " : ", ";
        int wrote = snprintf(text + used, text_bytes - used, "%s%s", before, *choice);
        assert(wrote > 0 && (size_t)wrote < text_bytes - used);
        used += (size_t)wrote;
    }
}

static void describe_real(const met_option *option, char *text, size_t text_bytes)
{
    char low[48] = "", high[48] = "";
    if (option->real_least > -INFINITY) {
        snprintf(low, sizeof low, " %s %g", option->least_open ? "above" : "from",
                 option->real_least);
    }
    if (option->real_most < INFINITY) {
        snprintf(high, sizeof high, "%s %g", option->most_open ? ", below" : " up to",
                 option->real_most);
    }
    snprintf(text, text_bytes, "a number%s%s", low, high);
}

const char *met_option_kind_name(met_option_kind kind)
{
    switch (kind) {
    case MET_OPTION_SWITCH: return "switch";
    case MET_OPTION_COUNT: return "count";
    case MET_OPTION_BOOL: return "bool";
    case MET_OPTION_INTEGER: return "integer";
    case MET_OPTION_REAL: return "real";
    case MET_OPTION_TEXT: return "text";
    case MET_OPTION_PATH: return "path";
    case MET_OPTION_CHOICE: return "choice";
    case MET_OPTION_TEXTS: return "texts";
    }
    return "unknown";
}

void met_option_accepted(const met_option *option, char text[MET_OPTION_ACCEPTED_BYTES])
{
    size_t bytes = MET_OPTION_ACCEPTED_BYTES;
    switch (option->kind) {
    case MET_OPTION_SWITCH:
    case MET_OPTION_COUNT: snprintf(text, bytes, "no value"); return;
    case MET_OPTION_BOOL: snprintf(text, bytes, "on or off"); return;
    case MET_OPTION_INTEGER:
        snprintf(text, bytes, "a whole number from %lld to %lld", (long long)option->least,
                 (long long)option->most);
        return;
    case MET_OPTION_REAL: describe_real(option, text, bytes); return;
    case MET_OPTION_TEXT:
    case MET_OPTION_TEXTS: snprintf(text, bytes, "a text"); return;
    case MET_OPTION_PATH: snprintf(text, bytes, "a file name"); return;
    case MET_OPTION_CHOICE: describe_choices(option, text, bytes); return;
    }
    text[0] = '\0';
}

/* False: the text is not what the option accepts. */
static bool store(const met_option *option, const char *text, bool check_range, void *field)
{
    int64_t integer;
    double real;
    const char *choice;

    switch (option->kind) {
    case MET_OPTION_SWITCH: *(bool *)field = true; return true;
    case MET_OPTION_COUNT: (*(int64_t *)field)++; return true;
    case MET_OPTION_BOOL: return parse_bool(text, field);
    case MET_OPTION_INTEGER:
        if (!parse_integer(text, &integer)) return false;
        if (check_range && (integer < option->least || integer > option->most)) return false;
        *(int64_t *)field = integer;
        return true;
    case MET_OPTION_REAL:
        if (!parse_real(text, &real)) return false;
        if (check_range && !real_in_range(option, real)) return false;
        *(double *)field = real;
        return true;
    case MET_OPTION_TEXT: *(const char **)field = text; return true;
    case MET_OPTION_PATH:
        if (text[0] == '\0') return false;
        *(const char **)field = text;
        return true;
    case MET_OPTION_CHOICE:
        choice = find_choice(option, text);
        if (choice == NULL) return false;
        *(const char **)field = choice;
        return true;
    case MET_OPTION_TEXTS: {
        met_texts *texts = field;
        if (texts->count == MET_TEXTS_MAX) return false;
        texts->items[texts->count++] = text;
        return true;
    }
    }
    return false;
}

met_status met_option_store(const met_option *option, const char *subject, const char *text,
                            void *fields, met_error *err)
{
    if (store(option, text, true, (char *)fields + option->offset)) return MET_OK;
    if (option->kind == MET_OPTION_TEXTS) {
        return met_failure_set(err, MET_E_ARGUMENT, "%s: found more than %d, expected at most %d",
                               subject, MET_TEXTS_MAX, MET_TEXTS_MAX);
    }
    char accepted[MET_OPTION_ACCEPTED_BYTES];
    met_option_accepted(option, accepted);
    return met_failure_set(err, MET_E_ARGUMENT, "%s: found \"%.64s\", expected %s", subject, text,
                           accepted);
}

void met_option_store_fallbacks(const met_option *options, size_t count, void *fields)
{
    for (size_t i = 0; i < count; i++) {
        if (options[i].fallback == NULL) continue;
        bool stored =
            store(&options[i], options[i].fallback, false, (char *)fields + options[i].offset);
        assert(stored);
        (void)stored;
    }
}
