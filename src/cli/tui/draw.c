/* Owns: what the window looks like, but for the panel. The invariant: a frame draws only what has
 * changed, and everything that is drawn comes from the state: any frame can be the first. */
#include "cli/tui/app.h"
#include "cli/tui/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ncurses.h>

enum { ROW_BYTES = 512 };

static void draw_lines(met_tui *tui)
{
    const met_tui_layout *layout = &tui->layout;
    const met_tui_glyphs *glyphs = tui->screen.glyphs;
    const met_tui_area *panel = &layout->panel;
    int below = layout->chat.row + (panel->rows > 0 ? panel->rows : layout->chat.rows);
    bool beside = panel->rows > 0 && panel->column > 0;

    met_tui_fill(&tui->screen, 1, 0, layout->columns, glyphs->line, MET_TUI_STYLE_DIM);
    met_tui_fill(&tui->screen, below, 0, layout->columns, glyphs->line, MET_TUI_STYLE_DIM);
    if (layout->log.rows > 0) {
        met_tui_fill(&tui->screen, layout->log.row + layout->log.rows, 0, layout->columns,
                     glyphs->line, MET_TUI_STYLE_DIM);
        (void)met_tui_put_text(&tui->screen, below, 2, 5, " log ", MET_TUI_STYLE_DIM);
    }
    if (!beside) return;
    (void)met_tui_put_text(&tui->screen, 1, panel->column, 1, glyphs->tee_down, MET_TUI_STYLE_DIM);
    (void)met_tui_put_text(&tui->screen, below, panel->column, 1, glyphs->tee_up,
                           MET_TUI_STYLE_DIM);
    for (int row = 0; row < panel->rows; row++) {
        (void)met_tui_put_text(&tui->screen, panel->row + row, panel->column, 1, glyphs->column,
                               MET_TUI_STYLE_DIM);
    }
}

static void draw_header(met_tui *tui)
{
    met_model_info model = met_model_describe(tui->engine->model);
    met_context_info context = met_context_describe(tui->engine->context);
    const met_tui_area *area = &tui->layout.header;
    const char *middle = tui->screen.glyphs->middle;
    const char *file = strrchr(tui->engine->model_name, '/');
    char text[ROW_BYTES];

    file = file != NULL ? file + 1 : tui->engine->model_name;
    met_tui_erase(&tui->screen, area);
    int used = met_tui_put_text(&tui->screen, area->row, 1, area->columns - 1, "metallic",
                                MET_TUI_STYLE_STRONG);
    snprintf(text, sizeof text, "%s%s%s%.*s%s%s", middle, file, middle,
             (int)(model.weight_type.bytes < 16 ? model.weight_type.bytes : 16),
             model.weight_type.data, middle, context.backend);
    used += met_tui_put_text(&tui->screen, area->row, 1 + used, area->columns - 2 - used, text,
                             MET_TUI_STYLE_DIM);
    met_tui_put_right(&tui->screen, area->row, 2 + used, area->columns - 3 - used, "/help",
                      MET_TUI_STYLE_DIM);
}

static met_tui_style text_style(met_tui_entry_kind kind)
{
    switch (kind) {
    case MET_TUI_ENTRY_USER: return MET_TUI_STYLE_USER;
    case MET_TUI_ENTRY_ANSWER: return MET_TUI_STYLE_PLAIN;
    case MET_TUI_ENTRY_FOOT: return MET_TUI_STYLE_DIM;
    case MET_TUI_ENTRY_NOTE: return MET_TUI_STYLE_DIM;
    case MET_TUI_ENTRY_ERROR: return MET_TUI_STYLE_ERROR;
    }
    return MET_TUI_STYLE_PLAIN;
}

/* The sign in the gutter beside the first row of an entry. */
static const char *sign_of(const met_tui *tui, met_tui_entry_kind kind)
{
    switch (kind) {
    case MET_TUI_ENTRY_USER: return tui->screen.glyphs->prompt;
    case MET_TUI_ENTRY_ERROR: return tui->screen.glyphs->error;
    case MET_TUI_ENTRY_NOTE: return tui->screen.glyphs->bullet;
    case MET_TUI_ENTRY_ANSWER:
    case MET_TUI_ENTRY_FOOT: return " ";
    }
    return " ";
}

static void draw_chat_row(met_tui *tui, int i, const met_tui_row *row)
{
    const met_tui_area *area = &tui->layout.chat;
    int columns = met_tui_layout_text_columns(area), line = area->row + i, used = 0;

    if (row->entry != NULL) {
        met_tui_style style = text_style(row->entry->kind);
        const char *sign = row->first ? sign_of(tui, row->entry->kind) : " ";
        (void)met_tui_put_text(&tui->screen, line, area->column, 1, sign, style);
        (void)met_tui_put_text(&tui->screen, line, area->column + 1, 1, " ", MET_TUI_STYLE_PLAIN);
        used = MET_TUI_GUTTER + met_tui_put(&tui->screen, line, area->column + MET_TUI_GUTTER,
                                            columns, row->text, style);
    }
    met_tui_fill(&tui->screen, line, area->column + used, area->columns - used, " ",
                 MET_TUI_STYLE_PLAIN);
}

/* Make room to remember what each row shows; without memory every row is drawn every time. */
static void hold_drawn(met_tui *tui, size_t rows)
{
    if (tui->drawn_count == rows && tui->drawn_version == tui->chat.version) return;
    met_tui_shown_row *drawn = realloc(tui->drawn, rows * sizeof *drawn);
    if (drawn != NULL) tui->drawn = drawn;
    tui->drawn_count = drawn != NULL ? rows : 0;
    tui->drawn_version = tui->chat.version;
    for (size_t i = 0; i < tui->drawn_count; i++)
        tui->drawn[i] = (met_tui_shown_row){.any = true, .bytes = SIZE_MAX}; /* like no row */
}

static void draw_chat(met_tui *tui)
{
    const met_tui_area *area = &tui->layout.chat;
    char more[48];

    if (area->rows == 0) return;
    met_tui_chat_layout(&tui->chat, met_tui_layout_text_columns(area), area->rows);
    hold_drawn(tui, (size_t)area->rows);
    for (int i = 0; i < area->rows; i++) {
        met_tui_row row = met_tui_chat_row(&tui->chat, (size_t)i);
        met_tui_shown_row now = {row.entry != NULL, row.first, row.index, row.begin,
                                 row.text.bytes};
        if (tui->drawn_count > 0) {
            met_tui_shown_row *then = &tui->drawn[i];
            if (now.any == then->any && now.first == then->first && now.index == then->index &&
                now.begin == then->begin && now.bytes == then->bytes) {
                continue;
            }
            *then = now;
        }
        draw_chat_row(tui, i, &row);
    }
    size_t below = met_tui_chat_below(&tui->chat);
    int line = area->row + area->rows;
    met_tui_fill(&tui->screen, line, area->columns > 30 ? area->columns - 24 : 0, 22,
                 tui->screen.glyphs->line, MET_TUI_STYLE_DIM);
    if (below == 0) return;
    snprintf(more, sizeof more, " %s %zu more row%s ", tui->screen.glyphs->down, below,
             below == 1 ? "" : "s");
    met_tui_put_right(&tui->screen, line, 0, area->columns - 2, more, MET_TUI_STYLE_ACCENT);
}

static met_tui_style log_style(met_log_level level)
{
    switch (level) {
    case MET_LOG_ERROR: return MET_TUI_STYLE_ERROR;
    case MET_LOG_WARN: return MET_TUI_STYLE_WARN;
    case MET_LOG_OFF:
    case MET_LOG_INFO: return MET_TUI_STYLE_PLAIN;
    case MET_LOG_DEBUG:
    case MET_LOG_TRACE: return MET_TUI_STYLE_DIM;
    }
    return MET_TUI_STYLE_PLAIN;
}

static void draw_log(met_tui *tui)
{
    const met_tui_area *area = &tui->layout.log;
    size_t shown = tui->log_count < (size_t)area->rows ? tui->log_count : (size_t)area->rows;
    char head[48];

    if (area->rows == 0) return;
    tui->log_unseen = false;
    met_tui_erase(&tui->screen, area);
    for (size_t i = 0; i < shown; i++) {
        const met_log_line *line = &tui->log[tui->log_count - shown + i];
        int row = area->row + (int)i;
        snprintf(head, sizeof head, "%8.3f %-5.5s ", line->seconds,
                 met_log_level_name(line->level));
        int used =
            met_tui_put_text(&tui->screen, row, 1, area->columns - 1, head, MET_TUI_STYLE_DIM);
        (void)met_tui_put_text(&tui->screen, row, 1 + used, area->columns - 2 - used, line->text,
                               log_style(line->level));
    }
    if (shown == 0) {
        (void)met_tui_put_text(&tui->screen, area->row, 1, area->columns - 1, "nothing yet",
                               MET_TUI_STYLE_DIM);
    }
}

/* What the left of the status line says, and how. */
static met_tui_style status_text(const met_tui *tui, char text[ROW_BYTES])
{
    const met_tui_progress *progress = &tui->progress;

    if (tui->leave_armed) {
        snprintf(text, ROW_BYTES, "%s%sCtrl-C again leaves", tui->screen.glyphs->dot,
                 tui->stopping ? " stopping, " : " ");
        return MET_TUI_STYLE_WARN;
    }
    if (tui->stopping) {
        snprintf(text, ROW_BYTES, "%s stopping", tui->screen.glyphs->dot);
        return MET_TUI_STYLE_WARN;
    }
    if (tui->answering && progress->generated == 0) {
        snprintf(text, ROW_BYTES, "%s reading %d of %d tokens", tui->screen.glyphs->dot,
                 progress->prompt_done, progress->prompt_tokens);
        return MET_TUI_STYLE_ACCENT;
    }
    if (tui->answering) {
        double passed = progress->latest_seconds - progress->first_seconds;
        double rate = passed > 0 ? (progress->generated - 1) / passed : 0;
        snprintf(text, ROW_BYTES, "%s answering%s%.1f tok/s", tui->screen.glyphs->dot,
                 tui->screen.glyphs->middle, rate);
        return MET_TUI_STYLE_ACCENT;
    }
    snprintf(text, ROW_BYTES, "%s ready", tui->screen.glyphs->dot);
    return MET_TUI_STYLE_GOOD;
}

static void draw_status(met_tui *tui)
{
    const met_tui_area *area = &tui->layout.status;
    const char *hint = tui->answering    ? "Esc stops"
                       : tui->tree_focus ? "arrows  s sort  Tab back"
                       : tui->log_unseen ? "F3 shows an error in the log"
                                         : "Alt-Enter new line  F2 panel  F3 log";
    char text[ROW_BYTES];

    met_tui_erase(&tui->screen, area);
    met_tui_style style = status_text(tui, text);
    int used = met_tui_put_text(&tui->screen, area->row, 0, area->columns, text, style);
    bool error = tui->log_unseen && !tui->answering && !tui->tree_focus;
    met_tui_put_right(&tui->screen, area->row, used + 2, area->columns - used - 3, hint,
                      error ? MET_TUI_STYLE_ERROR : MET_TUI_STYLE_DIM);
}

/* The text being typed; leaves in *row and *column where the cursor belongs. */
static void draw_input(met_tui *tui, int *row, int *column)
{
    const met_tui_area *area = &tui->layout.input;
    int columns = met_tui_layout_text_columns(area);
    size_t cursor_row, first = 0;
    int cursor_column;

    met_tui_erase(&tui->screen, area);
    met_tui_edit_place(&tui->edit, columns, &cursor_row, &cursor_column);
    if (cursor_row >= (size_t)area->rows) first = cursor_row - (size_t)area->rows + 1;
    met_str text = met_tui_buffer_view(&tui->edit.text);
    for (size_t i = 0; i < (size_t)area->rows && first + i < tui->edit.lines.count; i++) {
        met_span line = tui->edit.lines.items[first + i];
        (void)met_tui_put(&tui->screen, area->row + (int)i, area->column + MET_TUI_GUTTER, columns,
                          (met_str){text.data + line.begin, line.end - line.begin},
                          MET_TUI_STYLE_PLAIN);
    }
    (void)met_tui_put_text(&tui->screen, area->row, area->column, MET_TUI_GUTTER,
                           first == 0 ? tui->screen.glyphs->prompt : tui->screen.glyphs->up,
                           tui->tree_focus ? MET_TUI_STYLE_DIM : MET_TUI_STYLE_ACCENT);
    if (text.bytes == 0) {
        (void)met_tui_put_text(&tui->screen, area->row, area->column + MET_TUI_GUTTER, columns,
                               "Ask something", MET_TUI_STYLE_DIM);
    }
    *row = area->row + (int)(cursor_row - first);
    *column = area->column + MET_TUI_GUTTER + cursor_column;
}

/* Sizes as they are now; what moved is drawn again. */
static void place_areas(met_tui *tui)
{
    met_tui_area whole = {0, 0, 1, COLS};
    size_t row;
    int column;

    met_tui_edit_place(&tui->edit, met_tui_layout_text_columns(&whole), &row, &column);
    tui->wishes.input_rows = tui->edit.lines.count < 100 ? (int)tui->edit.lines.count : 100;
    met_tui_layout layout = met_tui_layout_of(LINES, COLS, &tui->wishes);
    if (memcmp(&layout, &tui->layout, sizeof layout) != 0) {
        tui->layout = layout;
        tui->draw |= MET_TUI_DRAW_ALL;
        tui->drawn_count = 0;
        (void)erase();
        if (!layout.too_small) draw_lines(tui);
    }
    if (tui->layout.panel.rows == 0) tui->tree_focus = false;
    met_tui_worker_profile(tui->worker, tui->layout.panel.rows > 0);
}

void met_tui_draw(met_tui *tui)
{
    int row = -1, column = 0;

    if ((tui->draw & MET_TUI_DRAW_LAYOUT) != 0) place_areas(tui);
    if (tui->layout.too_small) {
        (void)erase();
        (void)met_tui_put_text(&tui->screen, 0, 0, COLS, "window too small", MET_TUI_STYLE_WARN);
        met_tui_show(-1, 0);
        tui->draw = 0;
        return;
    }
    if ((tui->draw & MET_TUI_DRAW_HEADER) != 0) draw_header(tui);
    if ((tui->draw & MET_TUI_DRAW_CHAT) != 0) draw_chat(tui);
    if ((tui->draw & MET_TUI_DRAW_PANEL) != 0) met_tui_draw_panel(tui);
    if ((tui->draw & MET_TUI_DRAW_LOG) != 0) draw_log(tui);
    if ((tui->draw & MET_TUI_DRAW_INPUT) != 0) draw_status(tui);
    draw_input(tui, &row, &column); /* always: the cursor's place comes with it */
    met_tui_show(tui->tree_focus ? -1 : row, column);
    tui->draw = 0;
}
