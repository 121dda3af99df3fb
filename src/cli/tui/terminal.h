/* The terminal as a thing that is borrowed: taken, and given back whatever happens. */
#ifndef MET_CLI_TUI_TERMINAL_H
#define MET_CLI_TUI_TERMINAL_H

#include "cli/tui/buffer.h"

/* What came from outside. */
enum {
    MET_TUI_EVENT_INPUT = 1,     /* bytes of the keyboard were added */
    MET_TUI_EVENT_WAKE = 2,      /* met_tui_terminal_wake was called */
    MET_TUI_EVENT_RESIZE = 4,    /* the window has another size */
    MET_TUI_EVENT_INTERRUPT = 8, /* SIGINT from outside: the keyboard's Ctrl-C is a key */
    MET_TUI_EVENT_END = 16,      /* SIGTERM, SIGHUP, or the terminal is gone */
    MET_TUI_EVENT_SUSPEND = 32,  /* SIGTSTP */
    MET_TUI_EVENT_CONTINUE = 64, /* SIGCONT: everything has to be drawn again */
    MET_TUI_EVENT_STRAY = 128,   /* bytes of standard error were added */
};

typedef struct met_tui_terminal met_tui_terminal;

/* Whether standard input and output are a terminal that the interface can use. When not, *why says
 * so: "TERM is dumb". `term`: what TERM says, or NULL. */
bool met_tui_terminal_usable(const char *term, const char **why);

/* Everything but the terminal itself: what wakes the wait, and the locale's characters (LC_CTYPE),
 * for which there must be no other threads yet. One at a time in a process. MET_E_IO, MET_E_MEMORY.
 */
met_status met_tui_terminal_create(met_tui_terminal **out, met_error *err);

/* Take the terminal: its modes, its other screen, its signals, and standard error when that is the
 * terminal too, so that nothing can write into the screen. `no_color`: NO_COLOR is set. MET_E_IO.
 */
met_status met_tui_terminal_enter(met_tui_terminal *terminal, const char *term, bool no_color,
                                  met_error *err);

/* Give it back: the process goes on as if nothing had been. Nothing when it is not taken. */
void met_tui_terminal_leave(met_tui_terminal *terminal);

/* After the last met_tui_terminal_wake. Accepts NULL. */
void met_tui_terminal_free(met_tui_terminal *terminal);

/* Whether the locale has UTF-8; otherwise only ASCII can be shown. */
bool met_tui_terminal_has_utf8(const met_tui_terminal *terminal);

/* Wait until something comes, at most `milliseconds` (-1: any time); returns what came, 0: nothing.
 * Keys are added to `keys`, what was written to standard error to `stray`. */
unsigned met_tui_terminal_wait(met_tui_terminal *terminal, int milliseconds, met_tui_buffer *keys,
                               met_tui_buffer *stray);

/* End a wait, from any thread. `user` is ignored: there is one terminal. */
void met_tui_terminal_wake(void *user);

/* Stop the process as Ctrl-Z does, with the terminal given back for the time. */
void met_tui_terminal_suspend(met_tui_terminal *terminal);

/* Take the modes again that a shell may have changed. */
void met_tui_terminal_resume(met_tui_terminal *terminal);

/* Ask for the size of the window and tell ncurses. */
void met_tui_terminal_measure(met_tui_terminal *terminal);

/* The signal that asked to end, 0: none. */
int met_tui_terminal_end_signal(const met_tui_terminal *terminal);

#endif
