/* Bytes from a terminal become keys. */
#ifndef MET_CLI_TUI_KEYS_H
#define MET_CLI_TUI_KEYS_H

#include "cli/tui/buffer.h"

typedef enum met_tui_key {
    MET_TUI_KEY_TEXT,    /* one UTF-8 character, in `text` */
    MET_TUI_KEY_PASTE,   /* everything that was pasted, in `text` */
    MET_TUI_KEY_CONTROL, /* Ctrl and a letter, in `letter`: 'a' for Ctrl-A */
    MET_TUI_KEY_ENTER,
    MET_TUI_KEY_NEWLINE, /* Alt-Enter, Shift-Enter where the terminal tells, Ctrl-J */
    MET_TUI_KEY_TAB,
    MET_TUI_KEY_ESCAPE,
    MET_TUI_KEY_BACKSPACE,
    MET_TUI_KEY_DELETE,
    MET_TUI_KEY_LEFT,
    MET_TUI_KEY_RIGHT,
    MET_TUI_KEY_UP,
    MET_TUI_KEY_DOWN,
    MET_TUI_KEY_WORD_LEFT,
    MET_TUI_KEY_WORD_RIGHT,
    MET_TUI_KEY_WORD_BACKSPACE,
    MET_TUI_KEY_WORD_DELETE,
    MET_TUI_KEY_HOME,
    MET_TUI_KEY_END,
    MET_TUI_KEY_TOP,    /* Ctrl-Home */
    MET_TUI_KEY_BOTTOM, /* Ctrl-End */
    MET_TUI_KEY_PAGE_UP,
    MET_TUI_KEY_PAGE_DOWN,
    MET_TUI_KEY_WHEEL_UP,
    MET_TUI_KEY_WHEEL_DOWN,
    MET_TUI_KEY_F1,
    MET_TUI_KEY_F2,
    MET_TUI_KEY_F3,
    MET_TUI_KEY_NONE, /* a key that nothing is done with */
} met_tui_key;

typedef struct met_tui_key_event {
    met_tui_key key;
    char letter;
    met_str text; /* borrowed until the next call */
} met_tui_key_event;

/* Zeroed has read nothing. */
typedef struct met_tui_keys {
    met_tui_buffer pending; /* bytes that are not a key yet */
    size_t taken;           /* of them, by keys that were given out */
    bool pasting;
    met_tui_buffer pasted;
} met_tui_keys;

/* Add what was read. */
void met_tui_keys_add(met_tui_keys *keys, const char *data, size_t bytes);

/* The next key; false: more bytes are needed. Escape alone, or a sequence that breaks off, waits
 * for them until `late` says that none came for MET_TUI_ESCAPE_MS. */
bool met_tui_keys_next(met_tui_keys *keys, bool late, met_tui_key_event *event);

/* Whether bytes wait that `late` would settle. */
bool met_tui_keys_waiting(const met_tui_keys *keys);

void met_tui_keys_free(met_tui_keys *keys);

/* A terminal sends a key in one piece, so this only has to outlast a slow line. */
enum { MET_TUI_ESCAPE_MS = 40 };

#endif
