/* Filling a met_error: the one way a failure gets its text. */
#ifndef MET_BASE_ERROR_H
#define MET_BASE_ERROR_H

#include "metallic.h"

/* Record a failure and return `status`, so that callers write `return met_fail(...)`. The text is
 * one line: subject, found, expected. Control characters and what is not UTF-8 become '?', since
 * names come from hostile files. `err` may be NULL. */
met_status met_fail(met_error *err, met_status status, const char *format, ...) MET_PRINTF(3, 4);

/* met_fail for an allocation of `bytes` for `what`. */
met_status met_fail_memory(met_error *err, const char *what, size_t bytes);

#endif
