/* Owns: errors that the command itself finds. The library has its own maker, which the command may
 * not include. The invariant: the text is one printable line. */
#include "cli/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void met_failure_make_printable(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    }
}

met_status met_failure_set(met_error *err, met_status status, const char *format, ...)
{
    if (err == NULL) return status;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (length >= (int)sizeof err->text) memcpy(err->text + sizeof err->text - 4, "...", 4);
    met_failure_make_printable(err->text);
    err->status = status;
    return status;
}

met_status met_failure_memory(met_error *err)
{
    return met_failure_set(err, MET_E_MEMORY, "out of memory");
}
