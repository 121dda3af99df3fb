/* Owns: error texts and status names. The invariant: a met_error is always one printable line. */
#include "base/error.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

met_status met_fail(met_error *err, met_status status, const char *format, ...)
{
    if (err == NULL) return status;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (length >= (int)sizeof err->text) {
        memcpy(err->text + sizeof err->text - 4, "...", 4); /* say that there was more */
    }
    met_utf8_make_printable(err->text);
    err->status = status;
    return status;
}

met_status met_fail_memory(met_error *err, const char *what, size_t bytes)
{
    return met_fail(err, MET_E_MEMORY, "out of memory: %s needs %zu bytes", what, bytes);
}

const char *met_status_name(met_status status)
{
    switch (status) {
    case MET_OK: return "MET_OK";
    case MET_E_ARGUMENT: return "MET_E_ARGUMENT";
    case MET_E_MEMORY: return "MET_E_MEMORY";
    case MET_E_IO: return "MET_E_IO";
    case MET_E_TRUNCATED: return "MET_E_TRUNCATED";
    case MET_E_FORMAT: return "MET_E_FORMAT";
    case MET_E_TYPE: return "MET_E_TYPE";
    case MET_E_KEY: return "MET_E_KEY";
    case MET_E_TENSOR: return "MET_E_TENSOR";
    case MET_E_ARCHITECTURE: return "MET_E_ARCHITECTURE";
    case MET_E_TOKENIZER: return "MET_E_TOKENIZER";
    case MET_E_TEMPLATE: return "MET_E_TEMPLATE";
    case MET_E_RANGE: return "MET_E_RANGE";
    case MET_E_CONTEXT_FULL: return "MET_E_CONTEXT_FULL";
    case MET_E_DEVICE: return "MET_E_DEVICE";
    }
    return "MET_E_UNKNOWN";
}
