/* Owns: the sums of a step's times by layer and operation, and which of them are open. Does not own
 * the clock: the machine took the times.
 *
 * The invariant: the children of a row add up to it, because every row is the sum of operations and
 * every operation belongs to one child. */
#include "cli/tui/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nodes: the step, the layers together, each layer, each operation. */
enum { NODE_STEP = 0, NODE_LAYERS = 1, NODE_FIRST_LAYER = 2 };

typedef struct build {
    met_tui_tree *tree;
    const met_op_time *times; /* [count] */
    size_t count;
    int layers;
    double steps;
    double step_seconds;
} build;

/* A run of operations: those of a layer, or one. */
typedef struct part {
    int node;
    size_t begin, end; /* of the times */
    double seconds;
} part;

static double seconds_of(const met_op_time *time)
{
    return time->seconds + time->wait_seconds;
}

static double sum(const build *b, size_t begin, size_t end)
{
    double seconds = 0;
    for (size_t i = begin; i < end; i++)
        seconds += seconds_of(&b->times[i]);
    return seconds;
}

static bool is_expanded(const met_tui_tree *tree, int node)
{
    return (size_t)node < tree->node_capacity && tree->expanded[node];
}

/* "ffn_down" for "blk.3.ffn_down.weight"; without a weight the last work: "attention". */
static void name_op(const met_op_time *time, char label[MET_TUI_TREE_LABEL_BYTES])
{
    met_str name = time->weight;
    const char *suffix = ".weight";

    if (time->layer < 0 && strstr(time->work, "matmul") != NULL) {
        snprintf(label, MET_TUI_TREE_LABEL_BYTES, "output"); /* its weights may be token_embd */
        return;
    }
    if (name.bytes == 0) {
        const char *comma = strrchr(time->work, ',');
        snprintf(label, MET_TUI_TREE_LABEL_BYTES, "%s", comma != NULL ? comma + 2 : time->work);
        return;
    }
    if (name.bytes > strlen(suffix) &&
        memcmp(name.data + name.bytes - strlen(suffix), suffix, strlen(suffix)) == 0) {
        name.bytes -= strlen(suffix);
    }
    if (name.bytes > 4 && memcmp(name.data, "blk.", 4) == 0) {
        const char *dot = memchr(name.data + 4, '.', name.bytes - 4);
        if (dot != NULL) {
            name.bytes -= (size_t)(dot + 1 - name.data);
            name.data = dot + 1;
        }
    }
    snprintf(label, MET_TUI_TREE_LABEL_BYTES, "%.*s", name.bytes < 40 ? (int)name.bytes : 40,
             name.data);
}

static met_tui_tree_row *add_row(build *b, int node, int depth, size_t begin, size_t end)
{
    met_tui_tree *tree = b->tree;

    if (tree->count == tree->capacity) {
        size_t capacity = tree->capacity == 0 ? 64 : 2 * tree->capacity;
        met_tui_tree_row *rows = realloc(tree->rows, capacity * sizeof *rows);
        if (rows == NULL) {
            tree->failed = true;
            return NULL;
        }
        tree->rows = rows;
        tree->capacity = capacity;
    }
    double seconds = sum(b, begin, end), wait = 0;
    for (size_t i = begin; i < end; i++)
        wait += b->times[i].wait_seconds;
    met_tui_tree_row *row = &tree->rows[tree->count++];
    *row = (met_tui_tree_row){
        .node = node,
        .depth = depth,
        .expanded = is_expanded(tree, node),
        .step_seconds = b->steps > 0 ? seconds / b->steps : 0,
        .wait_seconds = b->steps > 0 ? wait / b->steps : 0,
        .share = b->step_seconds > 0 ? seconds / b->step_seconds : 0,
    };
    return row;
}

static void add_op(build *b, size_t index, int depth)
{
    int node = NODE_FIRST_LAYER + b->layers + (int)index;
    met_tui_tree_row *row = add_row(b, node, depth, index, index + 1);

    if (row == NULL) return;
    row->op = &b->times[index];
    name_op(row->op, row->label);
}

static int slower_first(const void *left, const void *right)
{
    const part *a = left, *b = right;
    if (a->seconds != b->seconds) return a->seconds < b->seconds ? 1 : -1;
    return a->begin < b->begin ? -1 : 1;
}

static void order(const build *b, part *parts, size_t count)
{
    if (b->tree->by_time) qsort(parts, count, sizeof *parts, slower_first);
}

/* The operations of [begin, end), one row each. */
static void add_ops(build *b, size_t begin, size_t end, int depth)
{
    size_t count = end - begin;
    part *parts = malloc((count + 1) * sizeof *parts);

    if (parts == NULL) {
        b->tree->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        parts[i] = (part){0, begin + i, begin + i + 1, seconds_of(&b->times[begin + i])};
    order(b, parts, count);
    for (size_t i = 0; i < count; i++)
        add_op(b, parts[i].begin, depth);
    free(parts);
}

/* The layers of [begin, end), a row each, and what is open in them. */
static void add_layers(build *b, size_t begin, size_t end)
{
    part *parts = malloc(((size_t)b->layers + 1) * sizeof *parts);
    size_t count = 0;

    if (parts == NULL) {
        b->tree->failed = true;
        return;
    }
    for (size_t i = begin; i < end && count < (size_t)b->layers;) {
        size_t next = i;
        while (next < end && b->times[next].layer == b->times[i].layer)
            next++;
        parts[count++] = (part){NODE_FIRST_LAYER + b->times[i].layer, i, next, sum(b, i, next)};
        i = next;
    }
    order(b, parts, count);
    for (size_t i = 0; i < count; i++) {
        met_tui_tree_row *row = add_row(b, parts[i].node, 2, parts[i].begin, parts[i].end);
        if (row == NULL) break;
        row->expandable = true;
        snprintf(row->label, sizeof row->label, "layer %d", parts[i].node - NODE_FIRST_LAYER);
        if (row->expanded) add_ops(b, parts[i].begin, parts[i].end, 3);
    }
    free(parts);
}

/* The step's children: the layers together, and every operation that is in none. */
static void add_step(build *b)
{
    part *parts = malloc((b->count + 1) * sizeof *parts);
    size_t first = 0, last = 0, count = 0;

    if (parts == NULL) {
        b->tree->failed = true;
        return;
    }
    while (first < b->count && b->times[first].layer < 0)
        first++;
    for (size_t i = first; i < b->count; i++) {
        if (b->times[i].layer >= 0) last = i + 1;
    }
    for (size_t i = 0; i < b->count; i = parts[count++].end) {
        bool layers = i == first && first < last;
        size_t end = layers ? last : i + 1;
        parts[count] = (part){layers ? NODE_LAYERS : NODE_STEP, i, end, sum(b, i, end)};
    }
    order(b, parts, count);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].node != NODE_LAYERS) {
            add_op(b, parts[i].begin, 1);
            continue;
        }
        met_tui_tree_row *row = add_row(b, NODE_LAYERS, 1, first, last);
        if (row == NULL) break;
        row->expandable = true;
        snprintf(row->label, sizeof row->label, "%d layers", b->layers);
        if (row->expanded) add_layers(b, first, last);
    }
    free(parts);
}

/* Flags for every node there can be; the step and its layers begin open. */
static bool hold_nodes(met_tui_tree *tree, size_t nodes)
{
    if (nodes <= tree->node_capacity) return true;
    bool *expanded = realloc(tree->expanded, nodes * sizeof *expanded);
    if (expanded == NULL) return false;
    memset(expanded + tree->node_capacity, 0, nodes - tree->node_capacity);
    if (tree->node_capacity == 0) expanded[NODE_STEP] = true;
    tree->expanded = expanded;
    tree->node_capacity = nodes;
    return true;
}

void met_tui_tree_build(met_tui_tree *tree, const met_op_time *times, size_t count)
{
    build b = {.tree = tree, .times = times, .count = count};
    int node = tree->selected < tree->count ? tree->rows[tree->selected].node : NODE_STEP;

    tree->times = times;
    tree->time_count = count;
    tree->count = 0;
    uint64_t steps = 0;
    for (size_t i = 0; i < count; i++) {
        if (times[i].layer >= b.layers) b.layers = times[i].layer + 1;
        if (times[i].calls > steps) steps = times[i].calls;
    }
    if (steps == 0) return;
    if (!hold_nodes(tree, NODE_FIRST_LAYER + (size_t)b.layers + count)) {
        tree->failed = true;
        return;
    }
    b.steps = (double)steps;
    b.step_seconds = sum(&b, 0, count);
    met_tui_tree_row *row = add_row(&b, NODE_STEP, 0, 0, count);
    if (row == NULL) return;
    row->expandable = true;
    snprintf(row->label, sizeof row->label, "step");
    if (row->expanded) add_step(&b);

    tree->selected = 0; /* the same node as before, wherever it stands now */
    for (size_t i = 0; i < tree->count; i++) {
        if (tree->rows[i].node == node) tree->selected = i;
    }
}

void met_tui_tree_select(met_tui_tree *tree, int delta)
{
    if (delta < 0) {
        size_t by = (size_t)-delta;
        tree->selected = tree->selected > by ? tree->selected - by : 0;
    } else {
        tree->selected += (size_t)delta;
    }
    if (tree->selected >= tree->count) tree->selected = tree->count > 0 ? tree->count - 1 : 0;
}

void met_tui_tree_expand(met_tui_tree *tree, int how)
{
    if (tree->selected >= tree->count) return;
    const met_tui_tree_row *row = &tree->rows[tree->selected];
    if (row->expandable && (how >= 0 || row->expanded)) {
        tree->expanded[row->node] = how == 0 ? !row->expanded : how > 0;
        met_tui_tree_build(tree, tree->times, tree->time_count); /* the next key sees it */
        return;
    }
    if (how >= 0) return;
    for (size_t i = tree->selected; i > 0; i--) { /* closing a leaf goes to its parent */
        if (tree->rows[i - 1].depth >= row->depth) continue;
        tree->selected = i - 1;
        return;
    }
}

void met_tui_tree_sort(met_tui_tree *tree, bool by_time)
{
    tree->by_time = by_time;
    met_tui_tree_build(tree, tree->times, tree->time_count);
}

void met_tui_tree_free(met_tui_tree *tree)
{
    free(tree->rows);
    free(tree->expanded);
    *tree = (met_tui_tree){0};
}
