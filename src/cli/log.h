/* Standard error: log lines, failures and the line of progress, or a ring of log lines for an
 * interface that has the screen. */
#ifndef MET_CLI_LOG_H
#define MET_CLI_LOG_H

#include "metallic.h"

#include <pthread.h>
#include <stdio.h>

enum { MET_LOG_TEXT_BYTES = 512 };

typedef struct met_log_line {
    met_log_level level;
    double seconds; /* since the process began */
    char text[MET_LOG_TEXT_BYTES]; /* one printable line, NUL-terminated */
} met_log_line;

/* The last lines of the log, oldest first. Any thread may call it. */
typedef struct met_log_ring met_log_ring;

/* Room for `lines` >= 1. `wake` is called after each new line, on the thread that logged; it must
 * not log, and may be NULL. NULL: memory is out. */
met_log_ring *met_log_ring_create(size_t lines, void (*wake)(void *user), void *user);
void met_log_ring_free(met_log_ring *ring); /* accepts NULL */

/* Copy up to `capacity` lines that are newer than *cursor (0: from the oldest), and move the cursor
 * behind them. Returns how many; `lost`, when not NULL, how many before them were overwritten. */
size_t met_log_ring_read(met_log_ring *ring, uint64_t *cursor, met_log_line *out, size_t capacity,
                         uint64_t *lost);

typedef struct met_logger {
    met_log_level level;  /* set before any other thread logs */
    double start_seconds; /* the clock when the process began */
    pthread_mutex_t mutex; /* of everything below */
    FILE *stream;
    met_log_ring *ring;  /* borrowed; NULL: lines go to the stream */
    bool shows_progress; /* the cursor stands behind a line of progress */
    bool within_answer;  /* the cursor stands behind a part of a line of the answer */
} met_logger;

/* Level MET_LOG_WARN, to `stream`. */
void met_logger_open(met_logger *logger, FILE *stream, double start_seconds);
void met_logger_close(met_logger *logger);

/* From now on log lines go to the ring; NULL: to the stream again, and when it returns no thread
 * uses the ring before any more. Failures go to the stream always. */
void met_logger_divert(met_logger *logger, met_log_ring *ring);

/* A met_log_fn; `user` is the met_logger. Lines above its level are dropped. */
void met_logger_write(void *user, met_log_level level, const char *line);

/* The command's own line of the log. */
void met_logger_say(met_logger *logger, met_log_level level, const char *format, ...)
    MET_PRINTF(3, 4);

/* "metallic: TEXT", whatever the level: what was asked for by name. */
void met_logger_tell(met_logger *logger, const char *format, ...) MET_PRINTF(2, 3);

/* "metallic: TEXT": why the command fails. It is told at every level. */
void met_logger_fail(met_logger *logger, const char *text);

/* Where standard output has the same terminal: whether it has written a part of a line now. What
 * comes next begins on a line of its own. */
void met_logger_note_answer(met_logger *logger, bool within_line);

/* Show `text` as the line of progress, in place of the one before; "" erases it. On a terminal,
 * from one thread. `text` fits into its width. */
void met_logger_show_progress(met_logger *logger, const char *text);

#endif
