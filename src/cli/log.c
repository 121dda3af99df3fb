/* Owns: what reaches standard error, and the ring that can take its place. Does not own when
 * progress is worth a line: progress.h. The invariant: a line is written in one piece, and never
 * behind a line of progress. */
#include "cli/log.h"

#include "cli/clock.h"
#include "cli/failure.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct met_log_ring {
    pthread_mutex_t mutex;
    void (*wake)(void *user);
    void *user;
    size_t capacity;
    uint64_t written; /* lines ever; line i lies in lines[i % capacity] */
    met_log_line lines[];
};

/* ---------------------------------------------------------------- the ring */

met_log_ring *met_log_ring_create(size_t lines, void (*wake)(void *user), void *user)
{
    if (lines > (SIZE_MAX - sizeof(met_log_ring)) / sizeof(met_log_line)) return NULL;
    met_log_ring *ring = calloc(1, sizeof *ring + lines * sizeof *ring->lines);
    if (ring == NULL) return NULL;
    pthread_mutex_init(&ring->mutex, NULL);
    ring->wake = wake;
    ring->user = user;
    ring->capacity = lines;
    return ring;
}

void met_log_ring_free(met_log_ring *ring)
{
    if (ring == NULL) return;
    pthread_mutex_destroy(&ring->mutex);
    free(ring);
}

static void add_line(met_log_ring *ring, met_log_level level, double seconds, const char *text)
{
    pthread_mutex_lock(&ring->mutex);
    met_log_line *line = &ring->lines[ring->written++ % ring->capacity];
    line->level = level;
    line->seconds = seconds;
    (void)snprintf(line->text, sizeof line->text, "%s", text);
    pthread_mutex_unlock(&ring->mutex);
    if (ring->wake != NULL) ring->wake(ring->user);
}

size_t met_log_ring_read(met_log_ring *ring, uint64_t *cursor, met_log_line *out, size_t capacity,
                         uint64_t *lost)
{
    size_t count = 0;

    pthread_mutex_lock(&ring->mutex);
    uint64_t oldest = ring->written > ring->capacity ? ring->written - ring->capacity : 0;
    if (lost != NULL) *lost = *cursor < oldest ? oldest - *cursor : 0;
    if (*cursor < oldest) *cursor = oldest;
    while (count < capacity && *cursor < ring->written) {
        out[count++] = ring->lines[(*cursor)++ % ring->capacity];
    }
    pthread_mutex_unlock(&ring->mutex);
    return count;
}

/* ---------------------------------------------------------------- the stream */

void met_logger_open(met_logger *logger, FILE *stream, double start_seconds)
{
    *logger = (met_logger){
        .level = MET_LOG_WARN, .start_seconds = start_seconds, .stream = stream};
    pthread_mutex_init(&logger->mutex, NULL);
}

void met_logger_close(met_logger *logger)
{
    met_logger_show_progress(logger, "");
    pthread_mutex_destroy(&logger->mutex);
}

void met_logger_divert(met_logger *logger, met_log_ring *ring)
{
    pthread_mutex_lock(&logger->mutex);
    logger->ring = ring;
    pthread_mutex_unlock(&logger->mutex);
}

/* The mutex is held. What cannot be written to standard error cannot be told anywhere. */
static void write_progress(met_logger *logger, const char *text)
{
    if (text[0] == '\0' && !logger->shows_progress) return;
    fprintf(logger->stream, "\r%s\x1b[K", text); /* then erase to the end of the line */
    fflush(logger->stream);
    logger->shows_progress = text[0] != '\0';
}

static void write_line(met_logger *logger, const char *line)
{
    pthread_mutex_lock(&logger->mutex);
    write_progress(logger, "");
    fprintf(logger->stream, "%s%s\n", logger->within_answer ? "\n" : "", line);
    logger->within_answer = false;
    fflush(logger->stream);
    pthread_mutex_unlock(&logger->mutex);
}

/* Into the ring, where there is one. The mutex keeps it alive: see met_logger_divert. */
static bool divert_line(met_logger *logger, met_log_level level, const char *text)
{
    double seconds = met_clock_seconds() - logger->start_seconds;

    pthread_mutex_lock(&logger->mutex);
    bool diverted = logger->ring != NULL;
    if (diverted) add_line(logger->ring, level, seconds, text);
    pthread_mutex_unlock(&logger->mutex);
    return diverted;
}

/* When someone debugs, the time of each line tells where the time goes. */
void met_logger_write(void *user, met_log_level level, const char *text)
{
    met_logger *logger = user;
    char line[MET_LOG_TEXT_BYTES + 64];

    if (level > logger->level) return;
    if (divert_line(logger, level, text)) return;
    double seconds = met_clock_seconds() - logger->start_seconds;
    if (logger->level >= MET_LOG_DEBUG) {
        (void)snprintf(line, sizeof line, "metallic: [%.6f] %s: %s", seconds,
                       met_log_level_name(level), text);
    } else {
        (void)snprintf(line, sizeof line, "metallic: %s: %s", met_log_level_name(level), text);
    }
    write_line(logger, line);
}

void met_logger_say(met_logger *logger, met_log_level level, const char *format, ...)
{
    char text[MET_LOG_TEXT_BYTES];
    va_list args;

    if (level > logger->level) return;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0) return;
    if (length >= (int)sizeof text) memcpy(text + sizeof text - 4, "...", 4);
    met_failure_make_printable(text);
    met_logger_write(logger, level, text);
}

void met_logger_tell(met_logger *logger, const char *format, ...)
{
    char line[MET_LOG_TEXT_BYTES] = "metallic: ";
    size_t prefix = strlen(line);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line + prefix, sizeof line - prefix, format, args);
    va_end(args);
    met_failure_make_printable(line);
    if (!divert_line(logger, MET_LOG_INFO, line + prefix)) write_line(logger, line);
}

void met_logger_fail(met_logger *logger, const char *text)
{
    char line[MET_ERROR_TEXT_BYTES + 16];

    (void)snprintf(line, sizeof line, "metallic: %s", text);
    write_line(logger, line);
}

void met_logger_note_answer(met_logger *logger, bool within_line)
{
    pthread_mutex_lock(&logger->mutex);
    logger->within_answer = within_line;
    pthread_mutex_unlock(&logger->mutex);
}

void met_logger_show_progress(met_logger *logger, const char *text)
{
    pthread_mutex_lock(&logger->mutex);
    write_progress(logger, text);
    pthread_mutex_unlock(&logger->mutex);
}
