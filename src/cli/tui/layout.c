/* Owns: the arithmetic of the window. The invariant: areas lie within the window and apart. */
#include "cli/tui/layout.h"

#include "cli/tui/text.h"

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

static bool shows_panel(int columns, met_tui_panel_choice choice)
{
    switch (choice) {
    case MET_TUI_PANEL_AUTO: return columns >= MET_TUI_PANEL_FROM;
    case MET_TUI_PANEL_ON: return true;
    case MET_TUI_PANEL_OFF: return false;
    }
    return false;
}

met_tui_layout met_tui_layout_of(int rows, int columns, const met_tui_wishes *wishes)
{
    met_tui_layout layout = {.rows = rows, .columns = columns};

    layout.too_small = rows < MET_TUI_LEAST_ROWS || columns < MET_TUI_LEAST_COLUMNS;
    if (layout.too_small) return layout;

    /* Header and line above; a line, the input and the status below; the chat has what is left. */
    int body = rows - 4;
    int input = most(1, least(wishes->input_rows, most(1, body / 3)));
    int log = wishes->log ? least(10, (body - input) / 3) : 0;
    int chat = body - input - (log > 0 ? log + 1 : 0);
    bool panel = shows_panel(columns, wishes->panel);
    bool alone = panel && columns < MET_TUI_PANEL_BESIDE; /* instead of the chat */
    int beside = panel && !alone ? MET_TUI_PANEL_COLUMNS : 0;

    layout.header = (met_tui_area){0, 0, 1, columns};
    layout.chat = (met_tui_area){2, 0, alone ? 0 : chat, columns - beside};
    if (alone) layout.panel = (met_tui_area){2, 0, chat, columns};
    if (beside > 0) layout.panel = (met_tui_area){2, columns - beside, chat, beside};
    if (log > 0) layout.log = (met_tui_area){2 + chat + 1, 0, log, columns};
    layout.input = (met_tui_area){rows - 1 - input, 0, input, columns};
    layout.status = (met_tui_area){rows - 1, 0, 1, columns};
    return layout;
}

_Static_assert(MET_TUI_LEAST_COLUMNS - MET_TUI_GUTTER - 1 >= MET_TUI_CLUSTER_MOST_COLUMNS,
               "every cluster fits into a line");

int met_tui_layout_text_columns(const met_tui_area *area)
{
    return most(1, area->columns - MET_TUI_GUTTER - 1);
}
