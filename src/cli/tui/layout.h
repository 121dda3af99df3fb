/* Which part of the window shows what. */
#ifndef MET_CLI_TUI_LAYOUT_H
#define MET_CLI_TUI_LAYOUT_H

#include <stdbool.h>

enum {
    MET_TUI_LEAST_COLUMNS = 24,
    MET_TUI_LEAST_ROWS = 7,
    MET_TUI_PANEL_COLUMNS = 35, /* with the line that parts it from the chat */
    MET_TUI_PANEL_FROM = 100,   /* columns of a window that shows the panel unasked */
    MET_TUI_PANEL_BESIDE = 72,  /* columns below which the panel takes the chat's place */
    MET_TUI_GUTTER = 2,         /* columns before every text */
};

typedef enum met_tui_panel_choice {
    MET_TUI_PANEL_AUTO, /* where there is room */
    MET_TUI_PANEL_ON,
    MET_TUI_PANEL_OFF,
} met_tui_panel_choice;

typedef struct met_tui_wishes {
    met_tui_panel_choice panel;
    bool log;
    int input_rows; /* that the text being typed would take */
} met_tui_wishes;

/* A rectangle; nothing is in it when `rows` or `columns` is 0. */
typedef struct met_tui_area {
    int row, column, rows, columns;
} met_tui_area;

typedef struct met_tui_layout {
    bool too_small; /* only one line can be shown */
    int rows, columns;
    met_tui_area header; /* one row */
    met_tui_area chat;
    met_tui_area panel;
    met_tui_area log;
    met_tui_area input;
    met_tui_area status; /* one row */
} met_tui_layout;

/* Any size will do. Rows between the areas are for lines. */
met_tui_layout met_tui_layout_of(int rows, int columns, const met_tui_wishes *wishes);

/* Columns of text in the chat and in the input: less the gutter, and a column for the cursor or for
 * what follows the view. */
int met_tui_layout_text_columns(const met_tui_area *area);

#endif
