/* The text that is being typed. */
#ifndef MET_CLI_TUI_EDIT_H
#define MET_CLI_TUI_EDIT_H

#include "cli/tui/buffer.h"
#include "cli/tui/wrap.h"

/* Zeroed is empty. The cursor always stands between clusters. */
typedef struct met_tui_edit {
    met_tui_buffer text;
    size_t cursor;         /* byte, 0..text.bytes */
    met_tui_buffer killed; /* what Ctrl-W, Ctrl-U and Ctrl-K took last; Ctrl-Y puts it back */
    met_tui_lines lines;   /* of the text, at the width of the last call that gave one */
    int wanted_column;     /* that Up and Down keep to; -1: that of the cursor */
} met_tui_edit;

typedef enum met_tui_step {
    MET_TUI_STEP_LEFT,
    MET_TUI_STEP_RIGHT,
    MET_TUI_STEP_WORD_LEFT,
    MET_TUI_STEP_WORD_RIGHT,
    MET_TUI_STEP_LINE_BEGIN, /* lines as typed, between line feeds */
    MET_TUI_STEP_LINE_END,
    MET_TUI_STEP_BEGIN,
    MET_TUI_STEP_END,
} met_tui_step;

/* Insert at the cursor, which moves behind it. CR LF and CR become line feeds, a tab stays, other
 * control characters and bytes that are not UTF-8 are left out. */
void met_tui_edit_insert(met_tui_edit *edit, const char *data, size_t bytes);
void met_tui_edit_move(met_tui_edit *edit, met_tui_step step);
/* Remove between the cursor and where the step leads. `keep`: Ctrl-Y can put it back. */
void met_tui_edit_remove(met_tui_edit *edit, met_tui_step step, bool keep);
void met_tui_edit_yank(met_tui_edit *edit);
/* The line above (-1) or below (1) as shown at this width; false: there is none, nothing moved. */
bool met_tui_edit_move_row(met_tui_edit *edit, int delta, int columns);
/* Replace all by UTF-8 as it is, also its control characters; the cursor goes to the end. */
void met_tui_edit_set(met_tui_edit *edit, met_str text);
/* Where the cursor is shown at this width. */
void met_tui_edit_place(met_tui_edit *edit, int columns, size_t *row, int *column);
void met_tui_edit_free(met_tui_edit *edit);

#endif
