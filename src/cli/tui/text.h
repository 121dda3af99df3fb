/* What text looks like on a terminal: characters as people count them, and their columns. */
#ifndef MET_CLI_TUI_TEXT_H
#define MET_CLI_TUI_TEXT_H

#include "metallic.h"

/* One grapheme cluster: what the cursor steps over at once. */
typedef struct met_tui_cluster {
    size_t bytes; /* >= 1 */
    int columns;  /* that met_tui_screen draws it in, 0..; 0 only for a line feed and what belongs
                     to it, and for what has no look at all */
    bool instead; /* wider than any line need be: drawn as one replacement character */
} met_tui_cluster;

/* A family of four is 8 columns. More would not fit into the narrowest line, and so be seen
 * nowhere: joiners can make one cluster of any number of pictures. */
enum { MET_TUI_TAB_COLUMNS = 4, MET_TUI_CLUSTER_MOST_COLUMNS = 16 };

/* The cluster at `at`; at < text.bytes. Any bytes will do: one that is not UTF-8 is a cluster. */
met_tui_cluster met_tui_cluster_at(met_str text, size_t at);

/* Where the cluster before `at` begins; 0 < at <= text.bytes, between code points. Takes as long as
 * the run of marks, joiners or flags that `at` stands in. */
size_t met_tui_cluster_before(met_str text, size_t at);

/* Whether a printable ASCII character stands at `at` that nothing can join: a cluster of one
 * column. False at the end. */
static inline bool met_tui_is_plain(met_str text, size_t at)
{
    if (at >= text.bytes) return false;
    unsigned char byte = (unsigned char)text.data[at];
    bool alone = at + 1 == text.bytes || (unsigned char)text.data[at + 1] < 0x80;
    return byte >= 0x20 && byte < 0x7f && alone;
}

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
