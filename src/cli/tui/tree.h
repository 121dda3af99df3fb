/* Where the time of a step goes, as a tree that opens and closes. */
#ifndef MET_CLI_TUI_TREE_H
#define MET_CLI_TUI_TREE_H

#include "metallic.h"

enum { MET_TUI_TREE_LABEL_BYTES = 48 };

typedef struct met_tui_tree_row {
    int node;  /* which one it is, from build to build */
    int depth; /* 0: the step itself */
    bool expandable, expanded;
    char label[MET_TUI_TREE_LABEL_BYTES];
    double step_seconds;   /* of one step, waiting included */
    double wait_seconds;   /* of that, for other workers */
    double share;          /* of the step, 0..1 */
    const met_op_time *op; /* NULL: a sum of several; borrowed from the times of the build */
} met_tui_tree_row;

/* Zeroed is closed and empty. */
typedef struct met_tui_tree {
    met_tui_tree_row *rows; /* [count] that can be seen */
    size_t count;
    size_t capacity;
    bool *expanded; /* [node_capacity] */
    size_t node_capacity;
    bool by_time; /* the slowest first; otherwise in the order in which they run */
    size_t selected;
    const met_op_time *times; /* [time_count] of the last build */
    size_t time_count;
    bool failed; /* memory is out */
} met_tui_tree;

/* Make the rows from the times of all operations, [count], which are borrowed until the next build.
 */
void met_tui_tree_build(met_tui_tree *tree, const met_op_time *times, size_t count);
void met_tui_tree_select(met_tui_tree *tree, int delta);
/* Open or close the selected row: -1 close, 1 open, 0 the other. */
void met_tui_tree_expand(met_tui_tree *tree, int how);
void met_tui_tree_sort(met_tui_tree *tree, bool by_time);
void met_tui_tree_free(met_tui_tree *tree);

#endif
