/* The interface as a whole: what its parts share. */
#ifndef MET_CLI_TUI_APP_H
#define MET_CLI_TUI_APP_H

#include "cli/generate_flags.h"
#include "cli/log.h"
#include "cli/prompt.h"
#include "cli/tui/chat.h"
#include "cli/tui/edit.h"
#include "cli/tui/history.h"
#include "cli/tui/keys.h"
#include "cli/tui/layout.h"
#include "cli/tui/rate.h"
#include "cli/tui/screen.h"
#include "cli/tui/talk.h"
#include "cli/tui/terminal.h"
#include "cli/tui/tree.h"
#include "cli/tui/worker.h"

/* Areas that have to be drawn again. */
enum {
    MET_TUI_DRAW_HEADER = 1,
    MET_TUI_DRAW_CHAT = 2,
    MET_TUI_DRAW_PANEL = 4,
    MET_TUI_DRAW_LOG = 8,
    MET_TUI_DRAW_INPUT = 16, /* and the status below it */
    MET_TUI_DRAW_ALL = 31,
    MET_TUI_DRAW_LAYOUT = 32, /* the areas themselves may have moved */
};

enum { MET_TUI_LOG_LINES = 512 };

/* What a row of the chat shows. Entries only grow, so the place of the text tells the text. */
typedef struct met_tui_shown_row {
    bool any, first;
    size_t index, begin, bytes;
} met_tui_shown_row;

typedef struct met_tui {
    met_invocation *invocation;
    const met_generate_flags *flags;
    const met_engine *engine;
    met_value *tools; /* NULL: none */

    met_tui_terminal *terminal;
    met_tui_worker *worker;
    met_tui_screen screen;
    met_tui_layout layout;
    unsigned draw;            /* MET_TUI_DRAW_ bits */
    met_tui_shown_row *drawn; /* [drawn_count] rows of the chat as they are on the screen */
    size_t drawn_count;       /* 0: nothing is known of the screen */
    uint64_t drawn_version;

    met_tui_talk talk;
    met_tui_chat chat;
    met_tui_edit edit;
    met_tui_history history;
    met_tui_keys keys;
    met_tui_buffer key_bytes, typed, stray;
    met_log_ring *log_ring;
    met_log_line *log; /* [log_count] the newest lines, at most MET_TUI_LOG_LINES */
    size_t log_count;
    bool log_unseen; /* an error went to the pane while it was folded away */
    uint64_t log_cursor;

    double temperature;
    met_tui_wishes wishes;
    bool tree_focus; /* keys go to the tree */
    met_tui_tree tree;
    bool was_timed;        /* the panel was there when the last answer was asked for */
    met_op_time *op_times; /* [op_count] */
    size_t op_count;

    bool answering;
    bool stopping;       /* and asked to end */
    bool has_answer;     /* its first text is there */
    size_t answer_entry; /* of the chat, when has_answer */
    met_tui_progress progress;
    met_tui_rate rate;
    met_tui_answer last; /* the last answer that ended well */
    bool has_last;

    bool leave_armed; /* Ctrl-C was pressed once: the next one leaves */
    bool quit;
    bool interrupted; /* left by Ctrl-C */
} met_tui;

/* tui_draw.c: draw what `draw` names and show it. */
void met_tui_draw(met_tui *tui);
/* tui_panel.c: the panel beside the chat. */
void met_tui_draw_panel(met_tui *tui);
/* tui_input.c: what a key does. */
void met_tui_key_pressed(met_tui *tui, const met_tui_key_event *event);
/* Ctrl-C, from the keyboard or as a signal. */
void met_tui_interrupted(met_tui *tui);
/* tui_do.c: what a typed command does. */
void met_tui_do(met_tui *tui, met_str line);
/* tui_turn.c: ask the model. `text` is the user's, or empty to answer the conversation as it is. */
void met_tui_ask(met_tui *tui, met_str text);
/* Take what the worker has. */
void met_tui_take_news(met_tui *tui);
/* Show the messages of the talk, after they were loaded. */
void met_tui_show_talk(met_tui *tui);
/* tui_say.c: what the interface itself says in the chat. */
void met_tui_welcome(met_tui *tui);
void met_tui_say_help(met_tui *tui);
/* The conversation's system message, all of its bytes. */
void met_tui_say_system(met_tui *tui);
void met_tui_say_stats(met_tui *tui);
/* The line below an answer. */
void met_tui_say_foot(met_tui *tui, const met_tui_answer *answer);
void met_tui_note(met_tui *tui, const char *format, ...) MET_PRINTF(2, 3);
void met_tui_error(met_tui *tui, const char *text);

/* "1.2 MB"; decimal, three digits. */
void met_tui_bytes(char text[16], uint64_t bytes);
/* "31 ms", "1.2 s", "15 us". */
void met_tui_seconds(char text[16], double seconds);

#endif
