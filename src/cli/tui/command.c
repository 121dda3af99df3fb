/* Owns: the table of commands and how a line names one. Does not own what they do. */
#include "cli/tui/command.h"

#include "cli/args.h"
#include "cli/failure.h"

#include <string.h>

const met_tui_command_entry met_tui_commands[MET_TUI_COMMAND_COUNT] = {
    {MET_TUI_COMMAND_HELP, "help", "", "keys and commands"},
    {MET_TUI_COMMAND_CLEAR, "clear", "", "begin a new conversation; the system message stays"},
    {MET_TUI_COMMAND_SYSTEM, "system", "[TEXT]", "show or set the system message; - removes it"},
    {MET_TUI_COMMAND_SAVE, "save", "FILE", "write the conversation as JSON"},
    {MET_TUI_COMMAND_LOAD, "load", "FILE", "go on with a saved conversation"},
    {MET_TUI_COMMAND_TEMP, "temp", "[X]", "show or set the temperature; 0 is the likeliest token"},
    {MET_TUI_COMMAND_STATS, "stats", "", "times, rates and memory of the last answer"},
    {MET_TUI_COMMAND_QUIT, "quit", "", "leave; so does Ctrl-D on an empty line"},
};

static met_str trim(met_str text)
{
    while (text.bytes > 0 && (unsigned char)text.data[0] <= ' ') {
        text.data++;
        text.bytes--;
    }
    while (text.bytes > 0 && (unsigned char)text.data[text.bytes - 1] <= ' ')
        text.bytes--;
    return text;
}

/* The first word without its slash; `rest` is what follows. */
static met_str first_word(met_str text, met_str *rest)
{
    size_t end = 1;

    while (end < text.bytes && (unsigned char)text.data[end] > ' ')
        end++;
    *rest = trim((met_str){text.data + end, text.bytes - end});
    return (met_str){text.data + 1, end - 1};
}

bool met_tui_command_is(met_str text)
{
    met_str rest;

    text = trim(text);
    if (text.bytes == 0 || text.data[0] != '/') return false;
    met_str word = first_word(text, &rest);
    if (memchr(text.data, '\n', text.bytes) != NULL && word.bytes == 0) return false;
    for (size_t i = 0; i < word.bytes; i++) {
        char letter = word.data[i];
        if (letter == '/' || (i == 0 && !(letter >= 'a' && letter <= 'z') &&
                              !(letter >= 'A' && letter <= 'Z') && letter != '?')) {
            return false;
        }
    }
    return word.bytes > 0 || text.bytes == 1;
}

static met_status unknown(met_str word, met_error *err)
{
    met_nearest nearest = {.word = word.data, .word_bytes = word.bytes};

    for (size_t i = 0; i < MET_TUI_COMMAND_COUNT; i++)
        met_nearest_offer(&nearest, met_tui_commands[i].name);
    bool near = nearest.best != NULL;
    return met_failure_set(err, MET_E_ARGUMENT, "/%.*s: unknown command%s%s%s; see /help",
                           word.bytes < 64 ? (int)word.bytes : 64, word.data,
                           near ? ", did you mean /" : "", near ? nearest.best : "",
                           near ? "?" : "");
}

met_status met_tui_command_parse(met_str text, met_tui_command *out, met_error *err)
{
    met_str rest;
    met_str word = first_word(trim(text), &rest);

    for (size_t i = 0; i < MET_TUI_COMMAND_COUNT; i++) {
        const met_tui_command_entry *entry = &met_tui_commands[i];
        if (strlen(entry->name) != word.bytes || memcmp(entry->name, word.data, word.bytes) != 0) {
            continue;
        }
        if (entry->argument[0] == '\0' && rest.bytes > 0) {
            return met_failure_set(err, MET_E_ARGUMENT, "/%s: found \"%.*s\", expected nothing",
                                   entry->name, rest.bytes < 64 ? (int)rest.bytes : 64, rest.data);
        }
        if (entry->argument[0] >= 'A' && entry->argument[0] <= 'Z' && rest.bytes == 0) {
            return met_failure_set(err, MET_E_ARGUMENT, "/%s: found nothing, expected %s",
                                   entry->name, entry->argument);
        }
        *out = (met_tui_command){entry->kind, rest};
        return MET_OK;
    }
    return unknown(word, err);
}
