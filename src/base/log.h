/* Saying what happens: a line to whoever listens, and next to nothing when nobody does. */
#ifndef MET_BASE_LOG_H
#define MET_BASE_LOG_H

#include "metallic.h"

/* Where lines go, and up to which level. Zeroed is silent. Copied freely; what it points to
 * outlives the context. */
typedef struct met_log {
    met_log_fn fn;
    void *user;
    met_log_level level;
} met_log;

/* Whether a line of this level would be heard: for what is costly to find out. */
static inline bool met_log_on(const met_log *log, met_log_level level)
{
    return log->fn != NULL && level <= log->level;
}

/* Format a line and pass it on: "subject: what". Control characters and what is not UTF-8 become
 * '?', a line that is too long ends in "...". Use MET_LOG instead. */
void met_log_write(const met_log *log, met_log_level level, const char *format, ...)
    MET_PRINTF(3, 4);

/* met_log_write when the level is on; the arguments are evaluated only then. */
#define MET_LOG(log, level, ...)                                                                   \
    do {                                                                                           \
        if (met_log_on((log), (level))) met_log_write((log), (level), __VA_ARGS__);                \
    } while (0)

#endif
