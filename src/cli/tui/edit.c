/* Owns: the text being typed, its cursor and what was cut out of it. Does not own keys: which key
 * does what is the business of tui_input.c.
 *
 * The invariant: the text is UTF-8, and the cursor stands between two clusters. */
#include "cli/tui/edit.h"

#include "cli/tui/text.h"
#include "cli/utf8.h"

#include <string.h>

/* From `at` on. */
static void changed(met_tui_edit *edit, size_t at)
{
    met_tui_lines_cut(&edit->lines, at);
    edit->wanted_column = -1;
}

/* A cluster may have grown around the cursor: a mark typed or pasted behind its letter. */
static void settle(met_tui_edit *edit)
{
    met_str text = met_tui_buffer_view(&edit->text);

    if (edit->cursor == 0 || edit->cursor >= text.bytes) return;
    size_t before = met_tui_cluster_before(text, edit->cursor);
    edit->cursor = before + met_tui_cluster_at(text, before).bytes;
}

/* In one piece, however long: what stands behind the cursor moves once. */
static void insert(met_tui_edit *edit, const char *data, size_t bytes)
{
    size_t had = edit->text.bytes, at = edit->cursor;

    met_tui_buffer_insert(&edit->text, at, data, bytes);
    edit->cursor += edit->text.bytes - had;
    changed(edit, at);
    settle(edit);
}

/* Control characters but tab and line feed, as they are or of two bytes. */
static bool is_control(const char *data, size_t length)
{
    unsigned char first = (unsigned char)data[0];

    return (first < 0x20 && first != '\n' && first != '\t') || first == 0x7f ||
           (first == 0xc2 && length == 2 && (unsigned char)data[1] < 0xa0);
}

void met_tui_edit_insert(met_tui_edit *edit, const char *data, size_t bytes)
{
    met_tui_buffer clean = {0};
    size_t at = 0;

    while (at < bytes) {
        size_t length = met_utf8_sequence(data + at, bytes - at);
        size_t step = length == 0 ? 1 : length;
        if (data[at] == '\r') {
            if (at + 1 < bytes && data[at + 1] == '\n') step = 2;
            met_tui_buffer_add(&clean, "\n", 1);
        } else if (!is_control(data + at, length)) {
            met_tui_buffer_add(&clean, data + at, length);
        }
        at += step;
    }
    edit->text.failed = edit->text.failed || clean.failed;
    insert(edit, clean.data, clean.bytes);
    met_tui_buffer_free(&clean);
}

/* What Ctrl-Left and Ctrl-W take for a part of a word. */
static bool in_word(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '_' || ((unsigned char)byte >= 0x80);
}

static size_t word_left(met_str text, size_t at)
{
    while (at > 0 && !in_word(text.data[at - 1]))
        at--;
    while (at > 0 && in_word(text.data[at - 1]))
        at--;
    return at;
}

static size_t word_right(met_str text, size_t at)
{
    while (at < text.bytes && !in_word(text.data[at]))
        at++;
    while (at < text.bytes && in_word(text.data[at]))
        at++;
    return at;
}

static size_t target(const met_tui_edit *edit, met_tui_step step)
{
    met_str text = met_tui_buffer_view(&edit->text);
    size_t at = edit->cursor;

    switch (step) {
    case MET_TUI_STEP_LEFT: return at == 0 ? 0 : met_tui_cluster_before(text, at);
    case MET_TUI_STEP_RIGHT: return at == text.bytes ? at : at + met_tui_cluster_at(text, at).bytes;
    case MET_TUI_STEP_WORD_LEFT: return word_left(text, at);
    case MET_TUI_STEP_WORD_RIGHT: return word_right(text, at);
    case MET_TUI_STEP_LINE_BEGIN:
        while (at > 0 && text.data[at - 1] != '\n')
            at--;
        return at;
    case MET_TUI_STEP_LINE_END:
        while (at < text.bytes && text.data[at] != '\n')
            at++;
        return at;
    case MET_TUI_STEP_BEGIN: return 0;
    case MET_TUI_STEP_END: return text.bytes;
    }
    return at;
}

void met_tui_edit_move(met_tui_edit *edit, met_tui_step step)
{
    edit->cursor = target(edit, step);
    edit->wanted_column = -1;
    settle(edit);
}

void met_tui_edit_remove(met_tui_edit *edit, met_tui_step step, bool keep)
{
    size_t other = target(edit, step);
    size_t begin = other < edit->cursor ? other : edit->cursor;
    size_t end = other < edit->cursor ? edit->cursor : other;

    /* Ctrl-K at the end of a line joins it with the next. */
    if (begin == end && step == MET_TUI_STEP_LINE_END && end < edit->text.bytes) end++;
    if (begin == end) return;
    if (keep) {
        met_tui_buffer_clear(&edit->killed);
        met_tui_buffer_add(&edit->killed, edit->text.data + begin, end - begin);
    }
    met_tui_buffer_remove(&edit->text, begin, end);
    edit->cursor = begin;
    changed(edit, begin);
    settle(edit);
}

void met_tui_edit_yank(met_tui_edit *edit)
{
    met_str killed = met_tui_buffer_view(&edit->killed);
    insert(edit, killed.data, killed.bytes);
}

void met_tui_edit_place(met_tui_edit *edit, int columns, size_t *row, int *column)
{
    met_str text = met_tui_buffer_view(&edit->text);

    met_tui_wrap(&edit->lines, text, columns, MET_TUI_WRAP_CELLS);
    *row = 0;
    *column = 0;
    if (edit->lines.count == 0) return;
    *row = met_tui_lines_at(&edit->lines, edit->cursor);
    size_t begin = edit->lines.items[*row].begin;
    *column = met_tui_text_columns((met_str){text.data + begin, edit->cursor - begin});
}

bool met_tui_edit_move_row(met_tui_edit *edit, int delta, int columns)
{
    met_str text = met_tui_buffer_view(&edit->text);
    size_t row;
    int column;

    met_tui_edit_place(edit, columns, &row, &column);
    if (edit->wanted_column < 0) edit->wanted_column = column;
    if ((delta < 0 && row == 0) || (delta > 0 && row + 1 >= edit->lines.count)) return false;
    met_span line = edit->lines.items[delta < 0 ? row - 1 : row + 1];
    met_str shown = {text.data + line.begin, line.end - line.begin};
    edit->cursor = line.begin + met_tui_text_fit(shown, edit->wanted_column);
    /* The end of a line that goes on is the beginning of the next: stay before it. */
    if (edit->cursor == line.end && edit->cursor < text.bytes && text.data[line.end] != '\n' &&
        edit->cursor > line.begin) {
        edit->cursor = met_tui_cluster_before(text, edit->cursor);
    }
    return true;
}

void met_tui_edit_set(met_tui_edit *edit, met_str text)
{
    met_tui_buffer_clear(&edit->text);
    edit->cursor = 0;
    changed(edit, 0);
    insert(edit, text.data, text.bytes);
}

void met_tui_edit_free(met_tui_edit *edit)
{
    met_tui_buffer_free(&edit->text);
    met_tui_buffer_free(&edit->killed);
    met_tui_lines_free(&edit->lines);
    *edit = (met_tui_edit){0};
}
