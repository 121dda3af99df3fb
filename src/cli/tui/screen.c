/* Owns: the way from text to cells of ncurses, colours and signs. Does not own what is drawn where.
 *
 * The invariant: a cluster takes exactly the columns that tui_text.c says. Where the C library has
 * another opinion about a character, ncurses would follow it and the rest of the line would shift:
 * such a character is replaced. */
#include "cli/tui/screen.h"

#include "cli/tui/text.h"

#include <string.h>
#include <wchar.h>

#include <ncurses.h>

enum { RUN_CELLS = 256 };
enum { PAIR_ACCENT = 1, PAIR_USER, PAIR_GOOD, PAIR_WARN, PAIR_ERROR };

static const met_tui_glyphs unicode_glyphs = {
    .line = "─",
    .column = "│",
    .tee_down = "┬",
    .tee_up = "┴",
    .prompt = "❯",
    .bullet = "·",
    .error = "✗",
    .dot = "●",
    .middle = " · ",
    .ellipsis = "…",
    .up = "↑",
    .down = "↓",
    .open = "▾",
    .closed = "▸",
    .bar_full = "█",
    .bar_empty = "░",
    .spark = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
};

static const met_tui_glyphs ascii_glyphs = {
    .line = "-",
    .column = "|",
    .tee_down = "+",
    .tee_up = "+",
    .prompt = ">",
    .bullet = "-",
    .error = "!",
    .dot = "*",
    .middle = " - ",
    .ellipsis = "...",
    .up = "^",
    .down = "v",
    .open = "-",
    .closed = "+",
    .bar_full = "#",
    .bar_empty = ".",
    .spark = {"_", ".", ",", "-", "=", "+", "*", "#"},
};

void met_tui_screen_init(met_tui_screen *screen, bool utf8)
{
    screen->utf8 = utf8;
    screen->glyphs = utf8 ? &unicode_glyphs : &ascii_glyphs;
    /* met_tui_terminal_enter starts colours only where they are wanted. The eight colours that a
     * theme defines, on the background that the terminal has. */
    screen->color = COLOR_PAIRS > PAIR_ERROR;
    if (!screen->color) return;
    (void)init_pair(PAIR_ACCENT, COLOR_CYAN, -1);
    (void)init_pair(PAIR_USER, COLOR_BLUE, -1);
    (void)init_pair(PAIR_GOOD, COLOR_GREEN, -1);
    (void)init_pair(PAIR_WARN, COLOR_YELLOW, -1);
    (void)init_pair(PAIR_ERROR, COLOR_RED, -1);
}

static void look_of(const met_tui_screen *screen, met_tui_style style, attr_t *attributes,
                    short *pair)
{
    *attributes = A_NORMAL;
    *pair = 0;
    switch (style) {
    case MET_TUI_STYLE_PLAIN: break;
    case MET_TUI_STYLE_DIM: *attributes = A_DIM; break;
    case MET_TUI_STYLE_STRONG: *attributes = A_BOLD; break;
    case MET_TUI_STYLE_ACCENT: *pair = PAIR_ACCENT; break;
    case MET_TUI_STYLE_USER:
        *attributes = A_BOLD;
        *pair = PAIR_USER;
        break;
    case MET_TUI_STYLE_GOOD: *pair = PAIR_GOOD; break;
    case MET_TUI_STYLE_WARN: *pair = PAIR_WARN; break;
    case MET_TUI_STYLE_ERROR: *pair = PAIR_ERROR; break;
    case MET_TUI_STYLE_SELECTED: *attributes = A_REVERSE; break;
    }
    if (!screen->color) *pair = 0;
}

/* One cell and what stands on it. */
typedef struct cell {
    wchar_t text[CCHARW_MAX + 1];
    int length;
    int columns;
} cell;

static void put_cell(const cell *c, attr_t attributes, short pair)
{
    cchar_t out;

    if (c->length == 0) return;
    if (setcchar(&out, c->text, attributes, pair, NULL) == OK) (void)add_wch(&out);
}

/* What stands for a character that cannot be shown: for control characters their pictures. */
static wchar_t replacement_of(const met_tui_screen *screen, int32_t code)
{
    wchar_t picture = code == 0x7f ? 0x2421 : 0x2400 + (wchar_t)code;

    if (!screen->utf8) return L'?';
    bool control = (code >= 0 && code < 0x20) || code == 0x7f;
    return control && wcwidth(picture) == 1 ? picture : 0xfffd;
}

/* In as many columns. */
static void set_replacement(const met_tui_screen *screen, cell *c, int32_t code, int columns)
{
    c->text[0] = replacement_of(screen, code);
    c->text[1] = 0;
    c->length = 1;
    c->columns = columns;
}

static void put_replacement(const cell *c, attr_t attributes, short pair)
{
    cell blank = {.text = L" ", .length = 1, .columns = 1};

    put_cell(c, attributes, pair);
    for (int i = 1; i < c->columns; i++)
        put_cell(&blank, attributes, pair);
}

static void put_cluster(const met_tui_screen *screen, met_str cluster, attr_t attributes,
                        short pair)
{
    cell c = {.length = 0};
    bool replaced = false;

    for (size_t at = 0; at < cluster.bytes;) {
        size_t bytes;
        int columns;
        int32_t code = met_tui_code_point(cluster, at, &bytes);
        met_tui_drawn drawn = met_tui_code_point_drawn(code, at == 0, &columns);
        at += bytes;
        if (drawn == MET_TUI_DRAWN_NOT) continue;
        if (drawn == MET_TUI_DRAWN_MARK) {
            bool fits = screen->utf8 && c.length > 0 && c.length < CCHARW_MAX && !replaced;
            if (!fits || wcwidth((wchar_t)code) != 0) continue;
            c.text[c.length++] = (wchar_t)code;
            c.text[c.length] = 0;
            continue;
        }
        replaced ? put_replacement(&c, attributes, pair) : put_cell(&c, attributes, pair);
        c = (cell){.text = {(wchar_t)code}, .length = 1, .columns = columns};
        replaced = drawn == MET_TUI_DRAWN_INSTEAD || (!screen->utf8 && code > 0x7e) ||
                   wcwidth((wchar_t)code) != columns;
        if (replaced) set_replacement(screen, &c, code, columns);
    }
    replaced ? put_replacement(&c, attributes, pair) : put_cell(&c, attributes, pair);
}

/* Printable ASCII from `at` on, at most `columns` of it, in one call of ncurses: most of all text.
 * Returns how many. */
static int put_ascii(met_str text, size_t at, int columns, attr_t attributes, short pair)
{
    cchar_t cells[RUN_CELLS];
    int count = 0;

    for (; count < columns && count < RUN_CELLS && met_tui_is_plain(text, at); at++) {
        wchar_t one[2] = {(unsigned char)text.data[at], 0};
        (void)setcchar(&cells[count++], one, attributes, pair, NULL);
    }
    if (count > 0) (void)add_wchnstr(cells, count); /* leaves the cursor where it was */
    return count;
}

int met_tui_put(const met_tui_screen *screen, int row, int column, int columns, met_str text,
                met_tui_style style)
{
    attr_t attributes;
    short pair;
    int used = 0;

    if (row < 0 || row >= LINES || column < 0 || column >= COLS) return 0;
    if (columns > COLS - column) columns = COLS - column;
    look_of(screen, style, &attributes, &pair);
    for (size_t at = 0; at < text.bytes;) {
        if (move(row, column + used) == ERR) break;
        int run = put_ascii(text, at, columns - used, attributes, pair);
        used += run;
        at += (size_t)run;
        if (run > 0) continue;
        met_tui_cluster cluster = met_tui_cluster_at(text, at);
        if (used + cluster.columns > columns) break;
        if (text.data[at] == '\t') {
            (void)put_ascii((met_str){"    ", 4}, 0, MET_TUI_TAB_COLUMNS, attributes, pair);
        } else if (cluster.instead) {
            cell c;
            set_replacement(screen, &c, -1, cluster.columns);
            put_replacement(&c, attributes, pair);
        } else if (cluster.columns > 0) {
            put_cluster(screen, (met_str){text.data + at, cluster.bytes}, attributes, pair);
        }
        used += cluster.columns;
        at += cluster.bytes;
    }
    return used;
}

int met_tui_put_text(const met_tui_screen *screen, int row, int column, int columns,
                     const char *text, met_tui_style style)
{
    return met_tui_put(screen, row, column, columns, (met_str){text, strlen(text)}, style);
}

void met_tui_put_right(const met_tui_screen *screen, int row, int column, int columns,
                       const char *text, met_tui_style style)
{
    int wide = met_tui_text_columns((met_str){text, strlen(text)});

    if (wide > columns) return;
    (void)met_tui_put_text(screen, row, column + columns - wide, wide, text, style);
}

void met_tui_fill(const met_tui_screen *screen, int row, int column, int columns, const char *glyph,
                  met_tui_style style)
{
    met_str text = {glyph, strlen(glyph)};
    attr_t attributes;
    cchar_t out;
    size_t bytes;
    short pair;

    if (columns <= 0) return;
    look_of(screen, style, &attributes, &pair);
    wchar_t character[2] = {(wchar_t)met_tui_code_point(text, 0, &bytes), 0};
    if (setcchar(&out, character, attributes, pair, NULL) != OK) return;
    (void)mvhline_set(row, column, &out, columns);
}

void met_tui_erase(const met_tui_screen *screen, const met_tui_area *area)
{
    for (int row = 0; row < area->rows; row++)
        met_tui_fill(screen, area->row + row, area->column, area->columns, " ",
                     MET_TUI_STYLE_PLAIN);
}

void met_tui_show(int row, int column)
{
    (void)curs_set(row < 0 ? 0 : 1);
    if (row >= 0) (void)move(row, column);
    (void)refresh();
}
