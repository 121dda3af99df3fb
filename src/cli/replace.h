/* A file that is there whole or not at all. */
#ifndef MET_CLI_REPLACE_H
#define MET_CLI_REPLACE_H

#include "cli/output.h"

#include <stdbool.h>

/* What is written to `output` goes to a file beside the target, which takes its name in the end.
 * A link stays one: the file that it names is replaced, and its mode is kept. */
typedef struct met_replacement {
    met_output output;
    char *target;
    char *temporary; /* NULL: no regular file (a pipe, a device), written directly */
} met_replacement;

/* Open. `path` lives as long as the replacement. MET_E_IO with path and reason; MET_E_MEMORY. */
met_status met_replace_begin(met_replacement *replacement, const char *path, met_error *err);

/* Close. The file takes its name when it is `whole` and every write succeeded; else what was there
 * stays as it was. Errors as met_output_close. */
met_status met_replace_end(met_replacement *replacement, bool whole, met_error *err);

#endif
