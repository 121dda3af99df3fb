/* Drawing: text in styles at places of the window. */
#ifndef MET_CLI_TUI_SCREEN_H
#define MET_CLI_TUI_SCREEN_H

#include "cli/tui/layout.h"
#include "metallic.h"

typedef enum met_tui_style {
    MET_TUI_STYLE_PLAIN,
    MET_TUI_STYLE_DIM,
    MET_TUI_STYLE_STRONG,
    MET_TUI_STYLE_ACCENT, /* the interface's own colour */
    MET_TUI_STYLE_USER,   /* what the person wrote */
    MET_TUI_STYLE_GOOD,
    MET_TUI_STYLE_WARN,
    MET_TUI_STYLE_ERROR,
    MET_TUI_STYLE_SELECTED,
} met_tui_style;

/* What is drawn with characters that not every locale has. */
typedef struct met_tui_glyphs {
    const char *line, *column, *tee_down, *tee_up; /* of lines between areas */
    const char *prompt, *bullet, *error, *dot, *middle, *ellipsis, *up, *down;
    const char *open, *closed; /* of a tree */
    const char *bar_full, *bar_empty;
    const char *spark[8]; /* rising */
} met_tui_glyphs;

/* After met_tui_terminal_enter, which this draws into. */
typedef struct met_tui_screen {
    bool utf8;
    bool color;
    const met_tui_glyphs *glyphs;
} met_tui_screen;

void met_tui_screen_init(met_tui_screen *screen, bool utf8);

/* Draw the beginning of a line that fits into `columns`; returns the columns that it took. What
 * cannot be shown here is shown as a replacement. */
int met_tui_put(const met_tui_screen *screen, int row, int column, int columns, met_str text,
                met_tui_style style);
int met_tui_put_text(const met_tui_screen *screen, int row, int column, int columns,
                     const char *text, met_tui_style style);
/* The same at the right end of the `columns`. */
void met_tui_put_right(const met_tui_screen *screen, int row, int column, int columns,
                       const char *text, met_tui_style style);
/* `glyph`, one code point of one column, again and again. */
void met_tui_fill(const met_tui_screen *screen, int row, int column, int columns, const char *glyph,
                  met_tui_style style);
void met_tui_erase(const met_tui_screen *screen, const met_tui_area *area);

/* Show what was drawn, with the cursor there; `row` < 0 hides it. */
void met_tui_show(int row, int column);

#endif
