/* Owns: the terminal's modes and screen, the signals that concern them, and standard error while it
 * is the same terminal. Does not own what is drawn.
 *
 * The invariant: whatever ends the process, but for SIGKILL, the terminal is as it was found. A
 * handler only writes to a pipe, or, in a crash, bytes that were prepared before. */
#include "cli/tui/terminal.h"

#include "cli/failure.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <ncurses.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

/* Bracketed paste; the wheel, in its form that has no limit of columns. */
static const char modes_on[] = "\033[?2004h\033[?1000h\033[?1006h";
static const char modes_off[] = "\033[?1006l\033[?1000l\033[?2004l";

enum { RESTORE_BYTES = 256, CRASH_STACK_BYTES = 64 * 1024, STRAY_BYTES = 4096 };

static const int watched[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
enum {
    WATCHED_COUNT = sizeof watched / sizeof watched[0],
    CRASH_COUNT = sizeof crashes / sizeof crashes[0],
};

struct met_tui_terminal {
    SCREEN *screen;
    bool utf8;
    struct termios before;
    int end_signal;
    int real_stderr; /* what standard error was; -1: it is left alone */
    struct sigaction watched_before[WATCHED_COUNT];
    struct sigaction crash_before[CRASH_COUNT];
    void *crash_stack;
    bool taken;
};

/* What the handlers need, the second mutable global of the command: a handler has no other way to
 * know anything. Written before the handlers are set and after they are taken back. */
static struct {
    int pipe_read, pipe_write;
    int stray_read, real_stderr;
    struct termios modes;
    char restore[RESTORE_BYTES];
    size_t restore_bytes;
    struct sigaction crash_before[CRASH_COUNT];
    atomic_flag crashed;
} held = {.pipe_read = -1,
          .pipe_write = -1,
          .stray_read = -1,
          .real_stderr = -1,
          .crashed = ATOMIC_FLAG_INIT};

static void remember(int number)
{
    int saved = errno;
    unsigned char byte = (unsigned char)number;

    /* A full pipe has news enough. */
    (void)!write(held.pipe_write, &byte, 1);
    errno = saved;
}

/* Only functions that POSIX lets a handler call. */
static void crash(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = NULL;
    char stray[512];
    ssize_t bytes;

    if (atomic_flag_test_and_set(&held.crashed)) { /* another thread brings it to its end */
        for (;;) (void)pause();
    }
    for (size_t i = 0; i < CRASH_COUNT; i++) {
        if (crashes[i] == number) before = &held.crash_before[i];
    }
    (void)!write(STDOUT_FILENO, held.restore, held.restore_bytes);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &held.modes);
    if (held.real_stderr >= 0) { /* the last words: an assertion, a sanitizer */
        (void)dup2(held.real_stderr, STDERR_FILENO);
        while ((bytes = read(held.stray_read, stray, sizeof stray)) > 0)
            (void)!write(STDERR_FILENO, stray, (size_t)bytes);
    }
    /* From here on as if nobody had stood before it. */
    (void)sigaction(number, before, NULL);
    if ((before->sa_flags & SA_SIGINFO) != 0) {
        before->sa_sigaction(number, info, context); /* which may look at what happened */
    } else {
        (void)raise(number);
    }
}

bool met_tui_terminal_usable(const char *term, const char **why)
{
    *why = NULL;
    if (isatty(STDIN_FILENO) != 1) {
        *why = "standard input is not a terminal";
    } else if (isatty(STDOUT_FILENO) != 1) {
        *why = "standard output is not a terminal";
    } else if (term == NULL || term[0] == '\0') {
        *why = "TERM is not set";
    } else if (strcmp(term, "dumb") == 0) {
        *why = "TERM is dumb";
    } else {
        int known = 0;
        if (setupterm(term, STDOUT_FILENO, &known) == ERR) {
            *why = "TERM names a terminal that is not known here";
        } else {
            const char *move = tigetstr("cup");
            if (move == NULL || move == (char *)-1) {
                *why = "TERM names a terminal without a cursor to move";
            }
            (void)del_curterm(cur_term);
        }
    }
    return *why == NULL;
}

/* UTF-8 is what models speak: a locale that lacks it is passed over when there is another. */
static bool set_locale(void)
{
    static const char *const names[] = {"", "C.UTF-8", "C.utf8", "en_US.UTF-8", "UTF-8"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_CTYPE, names[i]) == NULL) continue;
        if (strcmp(nl_langinfo(CODESET), "UTF-8") == 0) return true;
    }
    (void)setlocale(LC_CTYPE, "");
    return false;
}

/* Append a terminfo string without its delays, which no terminal of today needs. */
static void add_restore(const char *text)
{
    if (text == NULL || text == (char *)-1) return;
    while (*text != '\0' && held.restore_bytes < RESTORE_BYTES) {
        const char *end = text[0] == '$' && text[1] == '<' ? strchr(text, '>') : NULL;
        if (end != NULL) {
            text = end + 1;
            continue;
        }
        held.restore[held.restore_bytes++] = *text++;
    }
}

static void prepare_restore(void)
{
    held.restore_bytes = 0;
    add_restore(modes_off);
    add_restore(tigetstr("sgr0"));
    add_restore(tigetstr("op"));
    add_restore(tigetstr("cnorm"));
    add_restore(tigetstr("rmcup"));
}

static void send(const char *text)
{
    (void)!write(STDOUT_FILENO, text, strlen(text));
}

static void watch(int number)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = remember;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

static void take_signals(met_tui_terminal *terminal)
{
    struct sigaction action;
    stack_t stack = {.ss_sp = terminal->crash_stack, .ss_size = CRASH_STACK_BYTES};

    for (size_t i = 0; i < WATCHED_COUNT; i++) {
        (void)sigaction(watched[i], NULL, &terminal->watched_before[i]);
        /* nohup ignores SIGHUP, and so do we. */
        if (terminal->watched_before[i].sa_handler == SIG_IGN) continue;
        watch(watched[i]);
    }
    (void)sigaltstack(&stack, NULL); /* a stack that overflowed has no room for the handler */
    memset(&action, 0, sizeof action);
    action.sa_sigaction = crash;
    action.sa_flags = (int)(SA_ONSTACK | SA_SIGINFO);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < CRASH_COUNT; i++) {
        (void)sigaction(crashes[i], NULL, &terminal->crash_before[i]);
        held.crash_before[i] = terminal->crash_before[i];
        (void)sigaction(crashes[i], &action, NULL);
    }
}

static void give_signals(const met_tui_terminal *terminal)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    for (size_t i = 0; i < CRASH_COUNT; i++)
        (void)sigaction(crashes[i], &terminal->crash_before[i], NULL);
    for (size_t i = 0; i < WATCHED_COUNT; i++)
        (void)sigaction(watched[i], &terminal->watched_before[i], NULL);
    (void)sigaltstack(&none, NULL);
}

static bool open_pipe(int *read_end, int *write_end, int flags)
{
    int ends[2];

    if (pipe(ends) != 0) return false; /* macOS has no pipe2 */
    for (int i = 0; i < 2; i++) {
        (void)fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[i], F_SETFL, flags);
    }
    *read_end = ends[0];
    *write_end = ends[1];
    return true;
}

static void close_descriptor(int *descriptor)
{
    if (*descriptor >= 0) close(*descriptor);
    *descriptor = -1;
}

/* Standard error goes through a pipe while it would write into the screen. */
static void take_stderr(met_tui_terminal *terminal)
{
    int write_end = -1;

    terminal->real_stderr = -1;
    if (isatty(STDERR_FILENO) != 1) return;
    if (!open_pipe(&held.stray_read, &write_end, O_NONBLOCK)) return;
    /* Not blocking: whoever writes must not wait for the screen, and what a full pipe refuses is
     * lost. */
    terminal->real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (terminal->real_stderr >= 0 && dup2(write_end, STDERR_FILENO) < 0) {
        close_descriptor(&terminal->real_stderr);
    }
    close(write_end);
    if (terminal->real_stderr < 0) close_descriptor(&held.stray_read);
    held.real_stderr = terminal->real_stderr;
}

static void give_stderr(met_tui_terminal *terminal)
{
    char stray[STRAY_BYTES];
    ssize_t bytes;

    if (terminal->real_stderr < 0) return;
    fflush(stderr);
    (void)dup2(terminal->real_stderr, STDERR_FILENO);
    while ((bytes = read(held.stray_read, stray, sizeof stray)) > 0)
        (void)!write(STDERR_FILENO, stray, (size_t)bytes);
    close_descriptor(&terminal->real_stderr);
    close_descriptor(&held.stray_read);
    held.real_stderr = -1;
}

static void set_curses(bool no_color)
{
    (void)raw(); /* Ctrl-C, Ctrl-Z and Ctrl-S are keys */
    (void)noecho();
    (void)nonl(); /* Enter and Ctrl-J differ */
    (void)intrflush(stdscr, FALSE);
    (void)typeahead(-1); /* ncurses has no business with the keyboard */
    (void)leaveok(stdscr, FALSE);
    if (!no_color && has_colors()) {
        (void)start_color();
        (void)use_default_colors();
    }
}

met_status met_tui_terminal_create(met_tui_terminal **out, met_error *err)
{
    met_tui_terminal *terminal = calloc(1, sizeof *terminal);

    *out = NULL;
    if (terminal == NULL) return met_failure_memory(err);
    terminal->real_stderr = -1;
    terminal->crash_stack = malloc(CRASH_STACK_BYTES);
    if (terminal->crash_stack == NULL) {
        met_tui_terminal_free(terminal);
        return met_failure_memory(err);
    }
    if (!open_pipe(&held.pipe_read, &held.pipe_write, O_NONBLOCK)) {
        met_failure_set(err, MET_E_IO, "pipe: %s", strerror(errno));
        met_tui_terminal_free(terminal);
        return MET_E_IO;
    }
    terminal->utf8 = set_locale();
    *out = terminal;
    return MET_OK;
}

met_status met_tui_terminal_enter(met_tui_terminal *terminal, const char *term, bool no_color,
                                  met_error *err)
{
    if (tcgetattr(STDIN_FILENO, &terminal->before) != 0) {
        return met_failure_set(err, MET_E_IO, "terminal: %s", strerror(errno));
    }
    held.modes = terminal->before;
    fflush(stdout);
    take_signals(terminal); /* before ncurses, which then keeps its own handlers to itself */
    terminal->taken = true;
    terminal->screen = newterm(term, stdout, stdin);
    if (terminal->screen == NULL) {
        met_tui_terminal_leave(terminal);
        return met_failure_set(err, MET_E_IO, "terminal: ncurses cannot use \"%.32s\"", term);
    }
    prepare_restore();
    take_stderr(terminal);
    set_curses(no_color);
    send(modes_on);
    return MET_OK;
}

void met_tui_terminal_leave(met_tui_terminal *terminal)
{
    if (!terminal->taken) return;
    terminal->taken = false;
    if (terminal->screen != NULL) {
        send(modes_off);
        (void)endwin();
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
    }
    give_stderr(terminal);
    give_signals(terminal);
    if (terminal->screen != NULL) delscreen(terminal->screen);
    terminal->screen = NULL;
}

void met_tui_terminal_free(met_tui_terminal *terminal)
{
    if (terminal == NULL) return;
    met_tui_terminal_leave(terminal);
    close_descriptor(&held.pipe_read);
    close_descriptor(&held.pipe_write);
    free(terminal->crash_stack);
    free(terminal);
}

bool met_tui_terminal_has_utf8(const met_tui_terminal *terminal)
{
    return terminal->utf8;
}

/* What the bytes in the pipe stand for. */
static unsigned read_signals(met_tui_terminal *terminal)
{
    unsigned char bytes[64];
    unsigned events = 0;
    ssize_t count;

    while ((count = read(held.pipe_read, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            switch (bytes[i]) {
            case 0: events |= MET_TUI_EVENT_WAKE; break;
            case SIGINT: events |= MET_TUI_EVENT_INTERRUPT; break;
            case SIGWINCH: events |= MET_TUI_EVENT_RESIZE; break;
            case SIGTSTP: events |= MET_TUI_EVENT_SUSPEND; break;
            case SIGCONT: events |= MET_TUI_EVENT_CONTINUE; break;
            case SIGTERM:
            case SIGHUP:
            case SIGQUIT:
                events |= MET_TUI_EVENT_END;
                terminal->end_signal = bytes[i];
                break;
            }
        }
    }
    return events;
}

/* One read, so that a flood cannot hold the screen up. False: nothing will come any more. */
static bool read_some(int descriptor, met_tui_buffer *into)
{
    char bytes[STRAY_BYTES];
    ssize_t count = read(descriptor, bytes, sizeof bytes);

    if (count > 0) met_tui_buffer_add(into, bytes, (size_t)count);
    return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

unsigned met_tui_terminal_wait(met_tui_terminal *terminal, int milliseconds, met_tui_buffer *keys,
                               met_tui_buffer *stray)
{
    struct pollfd sources[] = {
        {.fd = held.pipe_read, .events = POLLIN},
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = held.stray_read, .events = POLLIN}, /* -1 is skipped */
    };
    unsigned events = 0;

    (void)poll(sources, sizeof sources / sizeof sources[0], milliseconds);
    events |= read_signals(terminal); /* also when a signal ended the wait */
    if (sources[1].revents != 0) {
        size_t before = keys->bytes;
        if (!read_some(STDIN_FILENO, keys)) events |= MET_TUI_EVENT_END;
        if (keys->bytes > before) events |= MET_TUI_EVENT_INPUT;
    }
    if (sources[2].revents != 0 && read_some(held.stray_read, stray)) events |= MET_TUI_EVENT_STRAY;
    return events;
}

void met_tui_terminal_wake(void *user)
{
    unsigned char byte = 0;
    (void)user;
    (void)!write(held.pipe_write, &byte, 1);
}

void met_tui_terminal_resume(met_tui_terminal *terminal)
{
    (void)terminal;
    (void)reset_prog_mode();
    send(modes_on);
    (void)clearok(curscr, TRUE);
    (void)refresh();
}

void met_tui_terminal_suspend(met_tui_terminal *terminal)
{
    struct sigaction plain;

    send(modes_off);
    (void)endwin();
    (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    sigemptyset(&plain.sa_mask);
    (void)sigaction(SIGTSTP, &plain, NULL);
    (void)kill(0, SIGTSTP); /* the whole job, as the keyboard's Ctrl-Z would; here time stops */
    watch(SIGTSTP);
    met_tui_terminal_resume(terminal); /* a job that nobody could continue was not stopped */
}

void met_tui_terminal_measure(met_tui_terminal *terminal)
{
    struct winsize size;
    (void)terminal;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return;
    if (size.ws_row != LINES || size.ws_col != COLS) (void)resizeterm(size.ws_row, size.ws_col);
}

int met_tui_terminal_end_signal(const met_tui_terminal *terminal)
{
    return terminal->end_signal;
}
