/* Filling a met_error from the command's own code. */
#ifndef MET_CLI_FAILURE_H
#define MET_CLI_FAILURE_H

#include "metallic.h"

/* Say why and return `status`: "subject: found, expected". Bytes that could move a cursor become
 * '?', and a text that is too long ends in "...". `err` may be NULL. */
met_status met_failure_set(met_error *err, met_status status, const char *format, ...)
    MET_PRINTF(3, 4);

/* Bytes of `text` that could move a cursor become '?'. */
void met_failure_make_printable(char *text);

/* MET_E_MEMORY for an allocation whose size is not worth naming. */
met_status met_failure_memory(met_error *err);

#endif
