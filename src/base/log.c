/* Owns: making lines of the log. Does not own where they go. The invariant: a line is printable and
 * fits LINE_BYTES. */
#include "base/log.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_BYTES = 512 };

const char *met_log_level_name(met_log_level level)
{
    switch (level) {
    case MET_LOG_OFF: return "off";
    case MET_LOG_ERROR: return "error";
    case MET_LOG_WARN: return "warn";
    case MET_LOG_INFO: return "info";
    case MET_LOG_DEBUG: return "debug";
    case MET_LOG_TRACE: return "trace";
    }
    return "unknown";
}

void met_log_write(const met_log *log, met_log_level level, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, format);
    int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (length < 0) return;
    if (length >= (int)sizeof line) memcpy(line + sizeof line - 4, "...", 4);
    met_utf8_make_printable(line);
    log->fn(log->user, level, line);
}
