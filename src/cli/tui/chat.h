/* What is shown of the conversation, and which part of it. */
#ifndef MET_CLI_TUI_CHAT_H
#define MET_CLI_TUI_CHAT_H

#include "cli/tui/buffer.h"
#include "cli/tui/wrap.h"

typedef enum met_tui_entry_kind {
    MET_TUI_ENTRY_USER,
    MET_TUI_ENTRY_ANSWER,
    MET_TUI_ENTRY_FOOT, /* figures of the answer above it */
    MET_TUI_ENTRY_NOTE,
    MET_TUI_ENTRY_ERROR,
} met_tui_entry_kind;

typedef struct met_tui_entry {
    met_tui_entry_kind kind;
    met_tui_buffer text;
    met_tui_lines lines;
    size_t first_row; /* of the whole transcript, at the last layout */
} met_tui_entry;

/* Zeroed is empty. */
typedef struct met_tui_chat {
    met_tui_entry *entries; /* [count] */
    size_t count;
    size_t capacity;
    uint64_t version; /* changes when an entry comes or goes; text only grows within one */
    bool failed;      /* memory is out */

    /* Of the last layout. */
    int columns;
    size_t rows;      /* of the transcript */
    size_t view_rows; /* that can be seen at once */
    size_t top;       /* the first that is seen */

    /* What the view holds on to while text arrives and the width changes; away from the end only.
     */
    bool scrolled;
    size_t anchor_entry, anchor_byte;
    bool anchor_air; /* the row before the entry */
} met_tui_chat;

/* One row to draw. An empty row has no text. */
typedef struct met_tui_row {
    const met_tui_entry *entry; /* NULL: an empty row */
    bool first;                 /* of its entry */
    met_str text;
    size_t index, begin; /* of the entry, and where the text begins in its */
} met_tui_row;

void met_tui_chat_add(met_tui_chat *chat, met_tui_entry_kind kind, met_str text);
/* The same before entry `index`, 0..count. */
void met_tui_chat_insert(met_tui_chat *chat, size_t index, met_tui_entry_kind kind, met_str text);
/* Add to entry `index`. */
void met_tui_chat_append(met_tui_chat *chat, size_t index, met_str text);
/* Remove the last entry. */
void met_tui_chat_drop(met_tui_chat *chat);
void met_tui_chat_clear(met_tui_chat *chat);

/* Place everything for a view of `rows` rows whose text has `columns` columns, both >= 1. */
void met_tui_chat_layout(met_tui_chat *chat, int columns, int rows);
/* Row `row` of the view, 0..view_rows. */
met_tui_row met_tui_chat_row(const met_tui_chat *chat, size_t row);
/* Move the view by rows, up when negative. At the end it follows what comes. */
void met_tui_chat_scroll(met_tui_chat *chat, int rows);
void met_tui_chat_to_end(met_tui_chat *chat);
/* Rows below the view. */
size_t met_tui_chat_below(const met_tui_chat *chat);

void met_tui_chat_free(met_tui_chat *chat);

#endif
