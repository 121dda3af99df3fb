/* What a line that begins with a slash means. */
#ifndef MET_CLI_TUI_COMMAND_H
#define MET_CLI_TUI_COMMAND_H

#include "metallic.h"

typedef enum met_tui_command_kind {
    MET_TUI_COMMAND_HELP,
    MET_TUI_COMMAND_CLEAR,
    MET_TUI_COMMAND_SYSTEM,
    MET_TUI_COMMAND_SAVE,
    MET_TUI_COMMAND_LOAD,
    MET_TUI_COMMAND_TEMP,
    MET_TUI_COMMAND_STATS,
    MET_TUI_COMMAND_QUIT,
} met_tui_command_kind;

enum { MET_TUI_COMMAND_COUNT = 8 };

typedef struct met_tui_command {
    met_tui_command_kind kind;
    met_str argument; /* without blanks around it; empty: none. Borrowed from the line */
} met_tui_command;

/* One row of the table, for /help. */
typedef struct met_tui_command_entry {
    met_tui_command_kind kind;
    const char *name;     /* "save" */
    const char *argument; /* "FILE", "[TEXT]" or "" */
    const char *help;
} met_tui_command_entry;

extern const met_tui_command_entry met_tui_commands[MET_TUI_COMMAND_COUNT];

/* Whether a typed text is a command rather than a message: one line, a slash and a letter, or a
 * slash alone, and no other slash in the first word: "/etc/hosts is a file?" is a question. */
bool met_tui_command_is(met_str text);

/* MET_E_ARGUMENT: unknown, with the nearest; an argument too many or too few. */
met_status met_tui_command_parse(met_str text, met_tui_command *out, met_error *err);

#endif
