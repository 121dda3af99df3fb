/* Owns: where lines end. Words are kept whole where they fit; Chinese, Japanese and other wide
 * characters may part anywhere but before closing punctuation.
 *
 * The invariant: a line depends on the text from its beginning to the first cluster that does not
 * fit, so that a change moves a few lines before it and those behind. */
#include "cli/tui/wrap.h"

#include "cli/tui/text.h"

#include <stdlib.h>
#include <string.h>

/* How many lines up to a change it can move. The cluster that did not fit into a line may be the
 * first of the next, or, where a word was moved down whole and still had to be cut, of the one
 * behind that; and such a cluster may reach to the changed line's beginning, and grow there. */
enum { MOVED_LINES = 4 };

static void drop_lines(met_tui_lines *lines)
{
    lines->count = lines->count > MOVED_LINES ? lines->count - MOVED_LINES : 0;
}

static void add_line(met_tui_lines *lines, size_t begin, size_t end)
{
    if (lines->failed) return;
    if (lines->count == lines->capacity) {
        size_t capacity = lines->capacity == 0 ? 8 : 2 * lines->capacity;
        met_span *items = realloc(lines->items, capacity * sizeof *items);
        if (items == NULL) {
            lines->failed = true;
            return;
        }
        lines->items = items;
        lines->capacity = capacity;
    }
    lines->items[lines->count++] = (met_span){begin, end};
}

/* Marks that may not begin a line. */
static bool closes(met_str text, size_t at)
{
    static const char *const marks[] = {"、", "。", "，", "．", "！", "？", "；", "：", "）",
                                        "」", "』", "】", "》", "〉", "”",  "’",  "ー", "々"};

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        size_t bytes = strlen(marks[i]);
        if (text.bytes - at >= bytes && memcmp(text.data + at, marks[i], bytes) == 0) return true;
    }
    return false;
}

/* The end of the line that begins at `begin`; *next is where the following one begins, or
 * text.bytes + 1 when this is the last. */
static size_t line_end(met_str text, size_t begin, int columns, met_tui_wrap_at mode, size_t *next)
{
    size_t at = begin;
    size_t cut = begin, cut_next = begin; /* the last place where the line may end */
    size_t word_end = begin;              /* the end of what is not blank */
    bool wide_before = false;
    int used = 0;

    if (mode == MET_TUI_WRAP_CELLS) { /* a line of a megabyte is wrapped anew at every key */
        while (used < columns && met_tui_is_plain(text, at)) {
            used++;
            at++;
        }
    }
    while (at < text.bytes) {
        met_tui_cluster cluster = met_tui_cluster_at(text, at);
        bool blank = text.data[at] == ' ' || text.data[at] == '\t' ||
                     (text.data[at] == '\r' && cluster.columns == 0); /* of a CR LF */
        if (text.data[at] == '\n') {
            *next = at + 1;
            return mode == MET_TUI_WRAP_WORDS ? word_end : at;
        }
        bool wide = cluster.columns >= 2 && !blank;
        if (!blank && at > begin && (wide || wide_before) && word_end == at && !closes(text, at)) {
            cut = word_end;
            cut_next = at;
        }
        bool fits = used + cluster.columns <= columns || at == begin;
        if (!fits && (mode == MET_TUI_WRAP_CELLS || !blank)) {
            if (mode == MET_TUI_WRAP_WORDS && cut_next > begin) {
                *next = cut_next;
                return cut;
            }
            *next = at; /* one word, wider than the line; or blanks before it that are */
            return mode == MET_TUI_WRAP_WORDS ? word_end : at;
        }
        used += cluster.columns;
        at += cluster.bytes;
        if (!blank) {
            word_end = at;
        } else if (word_end > begin) { /* not in the indentation of a line */
            cut = word_end;
            cut_next = at;
        }
        wide_before = wide;
    }
    *next = text.bytes + 1;
    return mode == MET_TUI_WRAP_WORDS ? word_end : text.bytes;
}

void met_tui_wrap(met_tui_lines *lines, met_str text, int columns, met_tui_wrap_at mode)
{
    size_t begin = 0;

    if (lines->columns == columns && lines->count > 0 && lines->text_bytes <= text.bytes) {
        if (lines->text_bytes == text.bytes) return;
        drop_lines(lines);
        begin = lines->items[lines->count].begin;
    } else {
        lines->count = 0;
    }
    lines->columns = columns;
    lines->text_bytes = text.bytes;
    while (begin <= text.bytes && !lines->failed) {
        size_t next;
        size_t end = line_end(text, begin, columns, mode, &next);
        add_line(lines, begin, end);
        begin = next;
    }
}

size_t met_tui_lines_at(const met_tui_lines *lines, size_t at)
{
    size_t low = 0, high = lines->count;

    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (lines->items[middle].begin <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

void met_tui_lines_cut(met_tui_lines *lines, size_t at)
{
    if (lines->count > 0) lines->count = met_tui_lines_at(lines, at) + 1;
    drop_lines(lines);
    if (lines->count == 0) {
        met_tui_lines_clear(lines);
    } else { /* less than the text has, wherever behind it was changed */
        lines->text_bytes = lines->items[lines->count - 1].begin;
    }
}

void met_tui_lines_clear(met_tui_lines *lines)
{
    lines->count = 0;
    lines->columns = 0;
    lines->text_bytes = 0;
}

void met_tui_lines_free(met_tui_lines *lines)
{
    free(lines->items);
    *lines = (met_tui_lines){0};
}
