/* Owns: which key does what. The invariant: every key leaves the state complete; a key that has no
 * meaning does nothing. */
#include "cli/tui/app.h"
#include "cli/tui/command.h"
#include "cli/tui/text.h"

static void stop_answer(met_tui *tui)
{
    met_tui_worker_stop(tui->worker);
    tui->stopping = true;
    tui->draw |= MET_TUI_DRAW_INPUT;
}

void met_tui_interrupted(met_tui *tui)
{
    tui->draw |= MET_TUI_DRAW_INPUT;
    if (tui->leave_armed) {
        tui->quit = true;
        tui->interrupted = true;
        return;
    }
    if (tui->answering) stop_answer(tui);
    if (!tui->answering && tui->edit.text.bytes > 0) { /* as a shell drops its line */
        met_tui_edit_set(&tui->edit, (met_str){"", 0});
        tui->draw |= MET_TUI_DRAW_LAYOUT;
        return;
    }
    tui->leave_armed = true;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Without blanks around it. */
static met_str typed(const met_tui *tui)
{
    met_str text = met_tui_buffer_view(&tui->edit.text);

    while (text.bytes > 0 && is_blank(text.data[text.bytes - 1]))
        text.bytes--;
    while (text.bytes > 0 && (text.data[0] == '\n' || text.data[0] == ' ')) {
        text.data++;
        text.bytes--;
    }
    return text;
}

static void send(met_tui *tui)
{
    met_str text = typed(tui);
    bool command = met_tui_command_is(text);

    if (text.bytes == 0 || (tui->answering && !command)) return; /* the status says why */
    if (!met_tui_history_add(&tui->history, text)) tui->chat.failed = true;
    met_tui_buffer taken = tui->edit.text; /* what `text` points into */
    tui->edit.text = (met_tui_buffer){.failed = taken.failed};
    met_tui_edit_set(&tui->edit, (met_str){"", 0});
    tui->draw |= MET_TUI_DRAW_INPUT | MET_TUI_DRAW_LAYOUT;
    command ? met_tui_do(tui, text) : met_tui_ask(tui, text);
    met_tui_buffer_free(&taken);
}

/* Up and Down: within the text, at its edges through what was typed before. */
static void move_row(met_tui *tui, int delta)
{
    int columns = met_tui_layout_text_columns(&tui->layout.input);

    if (met_tui_edit_move_row(&tui->edit, delta, columns)) return;
    met_str now = met_tui_buffer_view(&tui->edit.text), other;
    if (!met_tui_history_step(&tui->history, delta, now, &other)) return;
    met_tui_edit_set(&tui->edit, other);
    tui->draw |= MET_TUI_DRAW_LAYOUT;
}

static void scroll(met_tui *tui, int rows)
{
    met_tui_chat_scroll(&tui->chat, rows);
    tui->draw |= MET_TUI_DRAW_CHAT;
}

static void toggle_panel(met_tui *tui)
{
    bool shown = tui->layout.panel.rows > 0;

    tui->wishes.panel = shown ? MET_TUI_PANEL_OFF : MET_TUI_PANEL_ON;
    tui->draw |= MET_TUI_DRAW_LAYOUT;
}

static void toggle_log(met_tui *tui)
{
    tui->wishes.log = !tui->wishes.log;
    tui->draw |= MET_TUI_DRAW_LAYOUT;
}

/* Ctrl and a letter. */
static void control(met_tui *tui, char letter)
{
    met_tui_edit *edit = &tui->edit;

    switch (letter) {
    case 'a': met_tui_edit_move(edit, MET_TUI_STEP_LINE_BEGIN); break;
    case 'b': met_tui_edit_move(edit, MET_TUI_STEP_LEFT); break;
    case 'c': met_tui_interrupted(tui); break;
    case 'd':
        if (edit->text.bytes == 0 && !tui->answering) tui->quit = true;
        met_tui_edit_remove(edit, MET_TUI_STEP_RIGHT, false);
        break;
    case 'e': met_tui_edit_move(edit, MET_TUI_STEP_LINE_END); break;
    case 'f': met_tui_edit_move(edit, MET_TUI_STEP_RIGHT); break;
    case 'g': toggle_log(tui); break;
    case 'k': met_tui_edit_remove(edit, MET_TUI_STEP_LINE_END, true); break;
    case 'l':
        met_tui_terminal_resume(tui->terminal); /* draws the whole window again */
        break;
    case 'n': move_row(tui, 1); break;
    case 'p': move_row(tui, -1); break;
    case 't': toggle_panel(tui); break;
    case 'u': met_tui_edit_remove(edit, MET_TUI_STEP_LINE_BEGIN, true); break;
    case 'w': met_tui_edit_remove(edit, MET_TUI_STEP_WORD_LEFT, true); break;
    case 'y': met_tui_edit_yank(edit); break;
    case 'z': met_tui_terminal_suspend(tui->terminal); break;
    }
}

/* A key while the tree has them; true: it was for the tree. */
static bool tree_key(met_tui *tui, const met_tui_key_event *event)
{
    met_tui_tree *tree = &tui->tree;

    switch (event->key) {
    case MET_TUI_KEY_UP: met_tui_tree_select(tree, -1); return true;
    case MET_TUI_KEY_DOWN: met_tui_tree_select(tree, 1); return true;
    case MET_TUI_KEY_PAGE_UP: met_tui_tree_select(tree, -10); return true;
    case MET_TUI_KEY_PAGE_DOWN: met_tui_tree_select(tree, 10); return true;
    case MET_TUI_KEY_RIGHT: met_tui_tree_expand(tree, 1); return true;
    case MET_TUI_KEY_LEFT: met_tui_tree_expand(tree, -1); return true;
    case MET_TUI_KEY_ENTER: met_tui_tree_expand(tree, 0); return true;
    case MET_TUI_KEY_TAB:
    case MET_TUI_KEY_ESCAPE: tui->tree_focus = false; return true;
    case MET_TUI_KEY_TEXT:
        if (event->text.bytes == 1 && event->text.data[0] == 's') {
            met_tui_tree_sort(tree, !tree->by_time);
        }
        return true;
    case MET_TUI_KEY_PASTE:
    case MET_TUI_KEY_CONTROL:
    case MET_TUI_KEY_NEWLINE:
    case MET_TUI_KEY_BACKSPACE:
    case MET_TUI_KEY_DELETE:
    case MET_TUI_KEY_WORD_LEFT:
    case MET_TUI_KEY_WORD_RIGHT:
    case MET_TUI_KEY_WORD_BACKSPACE:
    case MET_TUI_KEY_WORD_DELETE:
    case MET_TUI_KEY_HOME:
    case MET_TUI_KEY_END:
    case MET_TUI_KEY_TOP:
    case MET_TUI_KEY_BOTTOM:
    case MET_TUI_KEY_WHEEL_UP:
    case MET_TUI_KEY_WHEEL_DOWN:
    case MET_TUI_KEY_F1:
    case MET_TUI_KEY_F2:
    case MET_TUI_KEY_F3:
    case MET_TUI_KEY_NONE: return false;
    }
    return false;
}

static void chat_key(met_tui *tui, const met_tui_key_event *event)
{
    met_tui_edit *edit = &tui->edit;
    int page = tui->layout.chat.rows > 2 ? tui->layout.chat.rows - 2 : 1;

    switch (event->key) {
    case MET_TUI_KEY_TEXT:
    case MET_TUI_KEY_PASTE: met_tui_edit_insert(edit, event->text.data, event->text.bytes); break;
    case MET_TUI_KEY_CONTROL: control(tui, event->letter); break;
    case MET_TUI_KEY_ENTER: send(tui); break;
    case MET_TUI_KEY_NEWLINE: met_tui_edit_insert(edit, "\n", 1); break;
    case MET_TUI_KEY_TAB: tui->tree_focus = tui->layout.panel.rows > 0; break;
    case MET_TUI_KEY_ESCAPE:
        if (tui->answering) stop_answer(tui);
        break;
    case MET_TUI_KEY_BACKSPACE: met_tui_edit_remove(edit, MET_TUI_STEP_LEFT, false); break;
    case MET_TUI_KEY_DELETE: met_tui_edit_remove(edit, MET_TUI_STEP_RIGHT, false); break;
    case MET_TUI_KEY_LEFT: met_tui_edit_move(edit, MET_TUI_STEP_LEFT); break;
    case MET_TUI_KEY_RIGHT: met_tui_edit_move(edit, MET_TUI_STEP_RIGHT); break;
    case MET_TUI_KEY_UP: move_row(tui, -1); break;
    case MET_TUI_KEY_DOWN: move_row(tui, 1); break;
    case MET_TUI_KEY_WORD_LEFT: met_tui_edit_move(edit, MET_TUI_STEP_WORD_LEFT); break;
    case MET_TUI_KEY_WORD_RIGHT: met_tui_edit_move(edit, MET_TUI_STEP_WORD_RIGHT); break;
    case MET_TUI_KEY_WORD_BACKSPACE: met_tui_edit_remove(edit, MET_TUI_STEP_WORD_LEFT, true); break;
    case MET_TUI_KEY_WORD_DELETE: met_tui_edit_remove(edit, MET_TUI_STEP_WORD_RIGHT, true); break;
    case MET_TUI_KEY_HOME: met_tui_edit_move(edit, MET_TUI_STEP_LINE_BEGIN); break;
    case MET_TUI_KEY_END: met_tui_edit_move(edit, MET_TUI_STEP_LINE_END); break;
    case MET_TUI_KEY_TOP: met_tui_edit_move(edit, MET_TUI_STEP_BEGIN); break;
    case MET_TUI_KEY_BOTTOM: met_tui_edit_move(edit, MET_TUI_STEP_END); break;
    case MET_TUI_KEY_PAGE_UP: scroll(tui, -page); break;
    case MET_TUI_KEY_PAGE_DOWN: scroll(tui, page); break;
    case MET_TUI_KEY_WHEEL_UP: scroll(tui, -3); break;
    case MET_TUI_KEY_WHEEL_DOWN: scroll(tui, 3); break;
    case MET_TUI_KEY_F1: met_tui_say_help(tui); break;
    case MET_TUI_KEY_F2: toggle_panel(tui); break;
    case MET_TUI_KEY_F3: toggle_log(tui); break;
    case MET_TUI_KEY_NONE: break;
    }
}

void met_tui_key_pressed(met_tui *tui, const met_tui_key_event *event)
{
    bool was_armed = tui->leave_armed;
    size_t lines = tui->edit.lines.count;

    tui->draw |= MET_TUI_DRAW_INPUT;
    if (tui->tree_focus && tree_key(tui, event)) {
        tui->draw |= MET_TUI_DRAW_PANEL;
        return;
    }
    if (tui->tree_focus && event->key != MET_TUI_KEY_CONTROL) tui->draw |= MET_TUI_DRAW_PANEL;
    chat_key(tui, event);
    if (event->key == MET_TUI_KEY_TAB) tui->draw |= MET_TUI_DRAW_PANEL;
    /* Any other key than a second Ctrl-C is a change of mind. */
    if (was_armed && !tui->quit) tui->leave_armed = false;
    if (tui->edit.lines.count == 0 || tui->edit.lines.count != lines) {
        tui->draw |= MET_TUI_DRAW_LAYOUT; /* the text has changed: it may need more rows */
    }
}
