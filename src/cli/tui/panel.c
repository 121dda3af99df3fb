/* Owns: the panel: speed, context, memory, model, and the timing tree, each where there is room.
 * The invariant: every figure is the library's; what is not known is left out, never shown as 0. */
#include "cli/tui/app.h"
#include "cli/tui/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 128, TREE_LEAST_ROWS = 4 };

/* Where the next row goes. */
typedef struct pen {
    met_tui *tui;
    int row, end; /* end: the first row that is not the panel's */
    int column, columns;
} pen;

static void put_row(pen *p, const char *label, const char *value, met_tui_style style)
{
    if (p->row >= p->end) return;
    int used = 1 + met_tui_put_text(&p->tui->screen, p->row, p->column, p->columns, label,
                                    MET_TUI_STYLE_DIM);
    met_tui_put_right(&p->tui->screen, p->row, p->column + used, p->columns - used, value, style);
    p->row++;
}

static void put_title(pen *p, const char *title)
{
    if (p->row >= p->end) return;
    (void)met_tui_put_text(&p->tui->screen, p->row, p->column, p->columns, title,
                           MET_TUI_STYLE_ACCENT);
    p->row++;
}

static void put_air(pen *p)
{
    if (p->row < p->end) p->row++;
}

/* Tokens a second now, or of the last answer; 0: not known. */
static double rate_now(const met_tui *tui)
{
    const met_tui_progress *progress = &tui->progress;
    double passed = progress->latest_seconds - progress->first_seconds;

    return progress->generated > 1 && passed > 0 ? (progress->generated - 1) / passed : 0;
}

static void draw_speed(pen *p)
{
    met_tui *tui = p->tui;
    const met_tui_progress *progress = &tui->progress;
    int levels[MET_TUI_RATE_SAMPLES];
    char text[TEXT_BYTES] = "", first[16];

    put_title(p, "speed");
    double rate = rate_now(tui);
    if (rate > 0) snprintf(text, sizeof text, "%.1f tok/s", rate);
    put_row(p, "decode", rate > 0 ? text : "-", MET_TUI_STYLE_STRONG);
    if (p->row < p->end) {
        int most = p->columns < MET_TUI_RATE_SAMPLES ? p->columns : MET_TUI_RATE_SAMPLES;
        int shown = met_tui_rate_levels(&tui->rate, most, levels);
        for (int i = 0; i < shown; i++) {
            (void)met_tui_put_text(&tui->screen, p->row, p->column + p->columns - shown + i, 1,
                                   tui->screen.glyphs->spark[levels[i]], MET_TUI_STYLE_ACCENT);
        }
        p->row++;
    }
    bool known = progress->first_seconds > 0;
    if (known) met_tui_seconds(first, progress->first_seconds - progress->start_seconds);
    put_row(p, "first token", known ? first : "-", MET_TUI_STYLE_PLAIN);
}

static void draw_context(pen *p)
{
    met_tui *tui = p->tui;
    int32_t used = tui->progress.context_used;
    int32_t total = met_tui_worker_context_length(tui->worker);
    char text[TEXT_BYTES];

    put_title(p, "context");
    snprintf(text, sizeof text, "%d / %d", used, total);
    put_row(p, "tokens", text, MET_TUI_STYLE_PLAIN);
    if (p->row >= p->end) return;
    int filled = (int)((int64_t)used * p->columns / (total > 0 ? total : 1));
    if (used > 0 && filled == 0) filled = 1;
    met_tui_style style =
        (int64_t)used * 10 >= (int64_t)total * 9 ? MET_TUI_STYLE_WARN : MET_TUI_STYLE_ACCENT;
    met_tui_fill(&tui->screen, p->row, p->column, filled, tui->screen.glyphs->bar_full, style);
    met_tui_fill(&tui->screen, p->row, p->column + filled, p->columns - filled,
                 tui->screen.glyphs->bar_empty, MET_TUI_STYLE_DIM);
    p->row++;
}

static void draw_memory(pen *p)
{
    met_memory memory = met_context_memory(p->tui->engine->context);

    put_title(p, "memory");
    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        char text[16];
        if (memory.kind[kind].peak_bytes == 0) continue;
        met_tui_bytes(text, memory.kind[kind].bytes);
        put_row(p, met_memory_name((met_memory_kind)kind), text, MET_TUI_STYLE_PLAIN);
    }
}

static int memory_rows(const met_tui *tui)
{
    met_memory memory = met_context_memory(tui->engine->context);
    int rows = 1;

    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++)
        rows += memory.kind[kind].peak_bytes > 0;
    return rows;
}

static void draw_model(pen *p)
{
    met_model_info model = met_model_describe(p->tui->engine->model);
    met_context_info context = met_context_describe(p->tui->engine->context);
    const char *middle = p->tui->screen.glyphs->middle;
    char text[TEXT_BYTES], bytes[16];

    put_title(p, "model");
    if (model.name.bytes > 0 && p->row < p->end) {
        (void)met_tui_put(&p->tui->screen, p->row++, p->column, p->columns, model.name,
                          MET_TUI_STYLE_PLAIN);
    }
    snprintf(text, sizeof text, "%.1f M", (double)model.parameters * 1e-6);
    put_row(p, "parameters", text, MET_TUI_STYLE_PLAIN);
    met_tui_bytes(bytes, model.weight_bytes);
    snprintf(text, sizeof text, "%.*s%s%s", (int)model.weight_type.bytes, model.weight_type.data,
             middle, bytes);
    put_row(p, "weights", text, MET_TUI_STYLE_PLAIN);
    snprintf(text, sizeof text, "%d, %d wide", model.layers, model.embedding_length);
    put_row(p, "layers", text, MET_TUI_STYLE_PLAIN);
    snprintf(text, sizeof text, "%d, %d of keys", model.heads, model.kv_heads);
    put_row(p, "heads", text, MET_TUI_STYLE_PLAIN);
    snprintf(text, sizeof text, "%s %s%s%d thread%s", context.backend, context.isa, middle,
             context.threads, context.threads == 1 ? "" : "s");
    put_row(p, "machine", text, MET_TUI_STYLE_PLAIN);
}

static void draw_tree_row(pen *p, const met_tui_tree_row *row, bool selected)
{
    met_tui *tui = p->tui;
    const met_tui_glyphs *glyphs = tui->screen.glyphs;
    met_tui_style style = selected          ? MET_TUI_STYLE_SELECTED
                          : row->depth == 0 ? MET_TUI_STYLE_STRONG
                                            : MET_TUI_STYLE_PLAIN;
    char text[TEXT_BYTES], time[16];

    met_tui_seconds(time, row->step_seconds);
    snprintf(text, sizeof text, "%*s%s %s", row->depth, "",
             !row->expandable ? " "
             : row->expanded  ? glyphs->open
                              : glyphs->closed,
             row->label);
    if (selected) {
        met_tui_fill(&tui->screen, p->row, p->column, p->columns, " ", MET_TUI_STYLE_SELECTED);
    }
    (void)met_tui_put_text(&tui->screen, p->row, p->column, p->columns - 15, text, style);
    snprintf(text, sizeof text, "%8s %4.0f%%", time, row->share * 100);
    met_tui_put_right(&tui->screen, p->row, p->column, p->columns, text,
                      selected || row->depth == 0 ? style : MET_TUI_STYLE_DIM);
    p->row++;
}

/* What there is to know of the selected row, on the last row of the panel. */
static void draw_detail(pen *p, const met_tui_tree_row *row)
{
    char text[TEXT_BYTES], wait[16];

    met_tui_seconds(wait, row->wait_seconds);
    double busy = row->op != NULL ? row->op->seconds + row->op->wait_seconds : 0;
    if (row->op != NULL && row->op->bytes > 0 && busy > 0) {
        snprintf(text, sizeof text, "%.1f GB/s, waits %s", (double)row->op->bytes * 1e-9 / busy,
                 wait);
    } else {
        snprintf(text, sizeof text, "of that, %s waiting", wait);
    }
    (void)met_tui_put_text(&p->tui->screen, p->end - 1, p->column, p->columns, text,
                           MET_TUI_STYLE_DIM);
}

/* Copies of the times; they belong to the tree until the next build. */
static void take_times(met_tui *tui)
{
    size_t count = met_tui_worker_op_times(tui->worker, tui->op_times, tui->op_count);

    if (count != tui->op_count) {
        met_op_time *times = realloc(tui->op_times, (count + 1) * sizeof *times);
        if (times == NULL) return;
        tui->op_times = times;
        tui->op_count = count;
        (void)met_tui_worker_op_times(tui->worker, times, count);
    }
    met_tui_tree_build(&tui->tree, tui->op_times, tui->op_count);
}

static void draw_tree(pen *p)
{
    met_tui *tui = p->tui;
    met_tui_tree *tree = &tui->tree;
    char title[TEXT_BYTES];

    if (p->row + 2 > p->end) return;
    take_times(tui);
    snprintf(title, sizeof title, "time of a %s%s",
             tui->progress.phase == MET_TUI_PHASE_PREFILL ? "prompt's step" : "token",
             tree->by_time ? ", slowest first" : "");
    put_title(p, title);
    if (tree->count == 0) {
        bool untimed = tui->has_last && tui->op_count == 0 && !tui->answering && tui->was_timed;
        (void)met_tui_put_text(&tui->screen, p->row, p->column, p->columns,
                               untimed ? "this machine does not tell" : "with the next answer",
                               MET_TUI_STYLE_DIM);
        return;
    }
    int detail = tui->tree_focus ? 1 : 0;
    size_t room = (size_t)(p->end - p->row - detail), first = 0;
    if (tui->tree_focus && tree->selected >= room) first = tree->selected - room + 1;
    for (size_t i = first; i < tree->count && i < first + room; i++)
        draw_tree_row(p, &tree->rows[i], tui->tree_focus && i == tree->selected);
    if (detail > 0) draw_detail(p, &tree->rows[tree->selected]);
}

void met_tui_draw_panel(met_tui *tui)
{
    met_tui_area area = tui->layout.panel;

    if (area.rows == 0) return;
    if (area.column > 0) { /* the line beside the chat is not ours */
        area.column++;
        area.columns--;
    }
    met_tui_erase(&tui->screen, &area);
    pen p = {tui, area.row, area.row + area.rows, area.column + 1, area.columns - 2};
    if (p.columns < 1) return;
    if (tui->tree_focus) { /* all the room for what is looked at */
        draw_tree(&p);
        return;
    }
    draw_speed(&p);
    put_air(&p);
    draw_context(&p);
    /* The rest where there is room: memory first, then the model, and rows for the tree. */
    int memory = memory_rows(tui) + 1, model = 8;
    if (p.row + memory + TREE_LEAST_ROWS + 1 <= p.end) {
        put_air(&p);
        draw_memory(&p);
    }
    if (p.row + model + TREE_LEAST_ROWS + 1 <= p.end) {
        put_air(&p);
        draw_model(&p);
    }
    put_air(&p);
    draw_tree(&p);
}
