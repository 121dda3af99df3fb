/* Owns: what each command does. Does not own how it is spelled (tui_command.c). */
#include "cli/option.h"
#include "cli/tui/app.h"
#include "cli/tui/command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_system(met_tui *tui, met_str text)
{
    met_str now = met_tui_talk_system(&tui->talk);
    met_error err;

    if (text.bytes == 0) {
        if (now.bytes > 0) met_tui_say_system(tui);
        if (now.bytes == 0) met_tui_note(tui, "There is no system message.");
        return;
    }
    if (text.bytes == 1 && text.data[0] == '-') text.bytes = 0;
    if (met_tui_talk_set_system(&tui->talk, text, &err) != MET_OK) {
        met_tui_error(tui, err.text);
    } else if (text.bytes == 0) {
        met_tui_note(tui, "The system message is removed.");
    } else {
        met_tui_say_system(tui);
    }
}

static void set_temperature(met_tui *tui, const char *text)
{
    static const met_option option = {
        .name = "temp", .kind = MET_OPTION_REAL, .real_least = 0, .real_most = INFINITY};
    double value = 0;
    met_error err;

    if (text[0] != '\0' && met_option_store(&option, "/temp", text, &value, &err) != MET_OK) {
        met_tui_error(tui, err.text);
        return;
    }
    if (text[0] != '\0') tui->temperature = value;
    met_tui_note(tui, "Temperature %g%s", tui->temperature,
                 tui->temperature > 0 ? "." : ": always the likeliest token.");
}

static void save(met_tui *tui, const char *path)
{
    met_error err;

    if (met_tui_talk_save(&tui->talk, path, &err) != MET_OK) {
        met_tui_error(tui, err.text);
    } else {
        met_tui_note(tui, "Saved %zu message%s to %s", tui->talk.count,
                     tui->talk.count == 1 ? "" : "s", path);
    }
}

static void load(met_tui *tui, const char *path)
{
    met_error err;

    if (met_tui_talk_load(&tui->talk, path, &err) != MET_OK) {
        met_tui_error(tui, err.text);
        return;
    }
    met_tui_show_talk(tui);
    met_tui_note(tui, "Loaded %zu message%s from %s", tui->talk.count,
                 tui->talk.count == 1 ? "" : "s", path);
    size_t count = tui->talk.count;
    if (count > 0 && tui->talk.messages[count - 1].role == MET_TUI_ROLE_USER) {
        met_tui_ask(tui, (met_str){"", 0}); /* it ends with a question */
    }
}

static void clear(met_tui *tui)
{
    met_tui_talk_clear(&tui->talk);
    met_tui_chat_clear(&tui->chat);
    met_tui_worker_forget(tui->worker);
    tui->has_answer = false;
    met_tui_take_news(tui);
    met_tui_note(tui, "A new conversation.");
    tui->draw |= MET_TUI_DRAW_ALL;
}

static bool needs_rest(met_tui_command_kind kind)
{
    switch (kind) {
    case MET_TUI_COMMAND_CLEAR:
    case MET_TUI_COMMAND_SYSTEM:
    case MET_TUI_COMMAND_SAVE:
    case MET_TUI_COMMAND_LOAD: return true;
    case MET_TUI_COMMAND_HELP:
    case MET_TUI_COMMAND_TEMP:
    case MET_TUI_COMMAND_STATS:
    case MET_TUI_COMMAND_QUIT: return false;
    }
    return false;
}

void met_tui_do(met_tui *tui, met_str line)
{
    met_tui_command command;
    met_error err;

    met_tui_chat_to_end(&tui->chat);
    if (met_tui_command_parse(line, &command, &err) != MET_OK) {
        met_tui_error(tui, err.text);
        return;
    }
    if (tui->answering && needs_rest(command.kind)) {
        met_tui_error(tui, "an answer is being generated: Esc stops it");
        return;
    }
    char *argument = strndup(command.argument.data, command.argument.bytes);
    if (argument == NULL) {
        tui->chat.failed = true;
        return;
    }
    switch (command.kind) {
    case MET_TUI_COMMAND_HELP: met_tui_say_help(tui); break;
    case MET_TUI_COMMAND_CLEAR: clear(tui); break;
    case MET_TUI_COMMAND_SYSTEM: set_system(tui, command.argument); break;
    case MET_TUI_COMMAND_SAVE: save(tui, argument); break;
    case MET_TUI_COMMAND_LOAD: load(tui, argument); break;
    case MET_TUI_COMMAND_TEMP: set_temperature(tui, argument); break;
    case MET_TUI_COMMAND_STATS: met_tui_say_stats(tui); break;
    case MET_TUI_COMMAND_QUIT: tui->quit = true; break;
    }
    free(argument);
}
