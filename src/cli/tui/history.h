/* What was typed before. */
#ifndef MET_CLI_TUI_HISTORY_H
#define MET_CLI_TUI_HISTORY_H

#include "cli/tui/buffer.h"

enum { MET_TUI_HISTORY_MAX = 500 };

/* Zeroed is empty. */
typedef struct met_tui_history {
    met_tui_buffer items[MET_TUI_HISTORY_MAX]; /* [count] oldest first */
    size_t count;
    size_t at;            /* the one that is shown; count: the draft */
    met_tui_buffer draft; /* what stood there before the first step back */
} met_tui_history;

/* Keep a text; the same as the last one is not kept twice. Steps begin at the draft again.
 * False: memory is out. */
bool met_tui_history_add(met_tui_history *history, met_str text);
/* The one before (-1) or after (1) the one shown, byte for byte; false at either end. `now` is what
 * is being typed: the first step back keeps it, and the last step forward gives it back. *text is
 * borrowed until the next call. */
bool met_tui_history_step(met_tui_history *history, int delta, met_str now, met_str *text);
void met_tui_history_free(met_tui_history *history);

#endif
