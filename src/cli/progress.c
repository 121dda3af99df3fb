/* Owns: when and how progress is shown. Does not own the stream: log.h. The invariant: nothing is
 * shown unless an activity is on.
 *
 * A thread draws, so that a line also appears, and its seconds move, while the main thread is in
 * one long call. It sleeps while there is nothing to show. */
#include "cli/progress.h"

#include "cli/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sys/ioctl.h>
#include <unistd.h>

enum { TICK_MS = 100, COLUMNS_MAX = 200, NOTE_BYTES = 64 };

/* Before it, a line would only flicker. */
static const double patience_seconds = 0.3;

struct met_progress {
    met_logger *logger;
    pthread_t thread;
    pthread_mutex_t mutex; /* of everything below */
    pthread_cond_t changed;
    bool quit;
    const char *what; /* NULL: no activity */
    const char *unit;
    uint64_t total;
    uint64_t done;
    char note[NOTE_BYTES];
    double begin_seconds;
};

/* A job in the background shares its terminal with the shell, where somebody types now. */
static bool in_background(void)
{
    pid_t front = tcgetpgrp(STDERR_FILENO); /* -1: it is no terminal of this session */
    return front != -1 && front != getpgrp();
}

static size_t terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col < COLUMNS_MAX ? size.ws_col : COLUMNS_MAX;
}

/* "reading the prompt: 1536 of 4096 tokens, 12 s, 20 s left". One column stays free: behind the
 * last one some terminals begin a new line. */
static void draw(const met_progress *p, double seconds)
{
    char line[COLUMNS_MAX + NOTE_BYTES], left[48] = "", counted[96] = "";

    if (p->total > 0) {
        (void)snprintf(counted, sizeof counted, ": %" PRIu64 " of %" PRIu64 " %s", p->done,
                       p->total, p->unit);
    } else if (p->done > 0) {
        (void)snprintf(counted, sizeof counted, ": %" PRIu64 " %s", p->done, p->unit);
    }
    if (p->total > p->done && p->done > 0) {
        double rest = seconds * (double)(p->total - p->done) / (double)p->done;
        (void)snprintf(left, sizeof left, ", %.0f s left", rest);
    }
    int length = snprintf(line, sizeof line, "%s%s%s%s, %.0f s%s", p->what, counted,
                          p->note[0] != '\0' ? ", " : "", p->note, seconds, left);
    size_t columns = terminal_columns();
    if (length < 0) return;
    if ((size_t)length >= columns) line[columns - 1] = '\0';
    met_logger_show_progress(p->logger, line);
}

static void *draw_main(void *user)
{
    met_progress *p = user;

    pthread_mutex_lock(&p->mutex);
    while (!p->quit) {
        if (p->what == NULL) {
            pthread_cond_wait(&p->changed, &p->mutex);
            continue;
        }
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until); /* what the condition variable counts in */
        until.tv_nsec += TICK_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        (void)pthread_cond_timedwait(&p->changed, &p->mutex, &until);
        double seconds = met_clock_seconds() - p->begin_seconds;
        if (p->what != NULL && seconds >= patience_seconds && !in_background()) draw(p, seconds);
    }
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

met_progress *met_progress_create(const met_invocation *invocation)
{
    if (!invocation->shows_progress) return NULL;
    met_progress *p = calloc(1, sizeof *p);
    if (p == NULL) return NULL;
    p->logger = invocation->logger;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->changed, NULL);
    if (pthread_create(&p->thread, NULL, draw_main, p) != 0) {
        pthread_cond_destroy(&p->changed);
        pthread_mutex_destroy(&p->mutex);
        free(p);
        return NULL;
    }
    return p;
}

void met_progress_free(met_progress *p)
{
    if (p == NULL) return;
    met_progress_end(p);
    pthread_mutex_lock(&p->mutex);
    p->quit = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

void met_progress_begin(met_progress *p, const char *what, const char *unit, uint64_t total)
{
    if (p == NULL) return;
    met_progress_end(p);
    pthread_mutex_lock(&p->mutex);
    p->what = what;
    p->unit = unit;
    p->total = total;
    p->done = 0;
    p->note[0] = '\0';
    p->begin_seconds = met_clock_seconds();
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->mutex);
}

void met_progress_at(met_progress *p, uint64_t done, const char *note)
{
    if (p == NULL) return;
    pthread_mutex_lock(&p->mutex);
    p->done = done;
    (void)snprintf(p->note, sizeof p->note, "%s", note != NULL ? note : "");
    pthread_mutex_unlock(&p->mutex);
}

void met_progress_end(met_progress *p)
{
    if (p == NULL) return;
    pthread_mutex_lock(&p->mutex);
    p->what = NULL;
    met_logger_show_progress(p->logger, "");
    pthread_mutex_unlock(&p->mutex);
}
