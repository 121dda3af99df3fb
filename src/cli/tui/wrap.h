/* A text cut into lines of a terminal. */
#ifndef MET_CLI_TUI_WRAP_H
#define MET_CLI_TUI_WRAP_H

#include "metallic.h"

typedef enum met_tui_wrap_at {
    MET_TUI_WRAP_WORDS, /* spaces at the end of a line are not in any line */
    MET_TUI_WRAP_CELLS, /* every byte but line feeds is in a line: for text that is edited */
} met_tui_wrap_at;

/* Lines of one text. Zeroed is empty; then the text was wrapped at no width yet. */
typedef struct met_tui_lines {
    met_span *items; /* [count] bytes of the text */
    size_t count;
    size_t capacity;
    int columns;       /* that they were cut for */
    size_t text_bytes; /* that were cut */
    bool failed;       /* memory is out */
} met_tui_lines;

/* Cut `text` into lines of at most `columns` >= 1 columns; there is always one. A cluster that is
 * wider stands alone. When the width is the same and the text only grew since the last call, only
 * its last lines are looked at again. */
void met_tui_wrap(met_tui_lines *lines, met_str text, int columns, met_tui_wrap_at at);

/* The line that byte `at` is in; count >= 1. Where two lines of one long line meet, the second. */
size_t met_tui_lines_at(const met_tui_lines *lines, size_t at);

/* Forget the lines that a change of the text at `at` and behind it may move. */
void met_tui_lines_cut(met_tui_lines *lines, size_t at);

/* Forget all lines. Keeps the memory. */
void met_tui_lines_clear(met_tui_lines *lines);
void met_tui_lines_free(met_tui_lines *lines);

#endif
