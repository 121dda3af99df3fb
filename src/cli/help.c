/* Owns: the look of --help. The invariant: every flag of the table is in it, with what it accepts.
 */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

enum { COLUMNS = 80, HELP_AT = 26 };

/* Words of `text`, wrapped, each line but the first indented to `at`. */
static void write_wrapped(met_output *output, const char *text, size_t at)
{
    size_t column = at;

    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > at && column + 1 + word > COLUMNS) {
            met_output_printf(output, "\n%*s", (int)at, "");
            column = at;
        }
        if (column > at) {
            met_output_text(output, " ");
            column++;
        }
        met_output_write(output, text, word);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    met_output_text(output, "\n");
}

/* The line of one option: `head` on the left, its help on the right. */
static void write_entry(met_output *output, const char *head, const char *help)
{
    size_t used = strlen(head);

    met_output_text(output, head);
    if (used + 2 > HELP_AT) {
        met_output_text(output, "\n");
        used = 0;
    }
    met_output_printf(output, "%*s", (int)(HELP_AT - used), "");
    write_wrapped(output, help, HELP_AT);
}

static void write_flag(met_output *output, const met_option *option)
{
    char letter[8] = "    ", head[96], help[512], accepted[MET_OPTION_ACCEPTED_BYTES];
    const char *fallback = option->fallback_help;

    if (option->letter != '\0') snprintf(letter, sizeof letter, "-%c, ", option->letter);
    if (!met_option_takes_value(option)) {
        snprintf(head, sizeof head, "  %s--%s", letter, option->name);
        write_entry(output, head, option->help);
        return;
    }
    if (fallback == NULL) fallback = option->fallback;
    met_option_accepted(option, accepted);
    bool ranged = option->kind == MET_OPTION_REAL || option->kind == MET_OPTION_CHOICE ||
                  (option->kind == MET_OPTION_INTEGER && option->most < INT32_MAX);
    snprintf(head, sizeof head, "  %s--%s %s", letter, option->name, option->value_name);
    snprintf(help, sizeof help, "%s%s%s%s%s%s", option->help, ranged ? "; " : "",
             ranged ? accepted : "", fallback != NULL ? " (default: " : "",
             fallback != NULL ? fallback : "", fallback != NULL ? ")" : "");
    write_entry(output, head, help);
}

static void write_synopsis(const met_command *command, met_output *output)
{
    const char *form = command->synopsis;
    const char *before = "Usage: ";

    while (*form != '\0') {
        size_t bytes = strcspn(form, "\n");
        met_output_printf(output, "%smetallic %.*s\n", before, (int)bytes, form);
        form += bytes + (form[bytes] == '\n');
        before = "       ";
    }
}

static void write_commands(met_output *output)
{
    char head[64];

    met_output_text(output, "\nSubcommands (each has its own --help):\n");
    for (const met_command *const *at = met_commands + 1; *at != NULL; at++) {
        if ((*at)->hidden) continue;
        snprintf(head, sizeof head, "  %s", (*at)->name);
        write_entry(output, head, (*at)->summary);
    }
}

static void write_environment(met_output *output)
{
    char head[64], help[256], accepted[MET_OPTION_ACCEPTED_BYTES];

    met_output_text(output, "\nEnvironment:\n");
    for (size_t i = 0; i < met_environment_count; i++) {
        const met_option *option = &met_environment_options[i];
        met_option_accepted(option, accepted);
        snprintf(head, sizeof head, "  %s", option->name);
        snprintf(help, sizeof help, "%s; %s", option->help, accepted);
        write_entry(output, head, help);
    }
}

void met_help_write(const met_command *command, met_output *output)
{
    bool is_default = command == met_commands[0];

    write_synopsis(command, output);
    met_output_text(output, "\n");
    write_wrapped(output, command->summary, 0);
    if (is_default) write_commands(output);
    met_output_text(output, "\nFlags:\n");
    for (size_t g = 0; g <= command->group_count; g++) {
        met_option_group group = met_command_group(command, g);
        for (size_t i = 0; i < group.count; i++) {
            write_flag(output, &group.options[i]);
        }
    }
    write_entry(output, "  -h, --help", "print this and exit");
    if (is_default) write_entry(output, "      --version", "print the version and exit");
    if (is_default) write_environment(output);
    if (command->notes != NULL) {
        met_output_text(output, "\n");
        write_wrapped(output, command->notes, 0);
    }
}
