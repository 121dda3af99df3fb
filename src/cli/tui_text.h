/* What text looks like on a terminal: characters as people count them, and their columns. */
#ifndef MET_CLI_TUI_TEXT_H
#define MET_CLI_TUI_TEXT_H

#include "metallic.h"

/* One grapheme cluster: what the cursor steps over at once. */
typedef struct met_tui_cluster {
    size_t bytes; /* >= 1 */
    int columns;  /* that met_tui_screen draws it in, 0..; 0 only for a line feed and what belongs
                     to it, and for what has no look at all */
} met_tui_cluster;

enum { MET_TUI_TAB_COLUMNS = 4 };

/* The cluster at `at`; at < text.bytes. Any bytes will do: one that is not UTF-8 is a cluster. */
met_tui_cluster met_tui_cluster_at(met_str text, size_t at);

/* Where the cluster before `at` begins; 0 < at <= text.bytes. Linear in the line. */
size_t met_tui_cluster_before(met_str text, size_t at);

/* Columns of one line. */
int met_tui_text_columns(met_str text);

/* Bytes of the longest beginning that fits into `columns`. */
size_t met_tui_text_fit(met_str text, int columns);

/* The code point at `at`, and its bytes; -1 and 1 when the bytes are not UTF-8. */
int32_t met_tui_code_point(met_str text, size_t at, size_t *bytes);

/* How a code point is drawn: the columns of its own cell; 0 adds to the cell before it. */
typedef enum met_tui_drawn {
    MET_TUI_DRAWN_CELL,    /* in one or two columns */
    MET_TUI_DRAWN_MARK,    /* onto the cell before it */
    MET_TUI_DRAWN_NOT,     /* joiners, selectors, directions: terminals disagree on their widths */
    MET_TUI_DRAWN_INSTEAD, /* the replacement character, in one column */
} met_tui_drawn;

/* `first`: it begins its cluster. */
met_tui_drawn met_tui_code_point_drawn(int32_t code_point, bool first, int *columns);

#endif
