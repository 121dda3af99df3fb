/* When a mapped file cannot be read any more: somebody truncated it, or its disk or network failed.
 * Weights are read in place, so the system says that with a signal, not with an error. */
#ifndef MET_CLI_FAULT_H
#define MET_CLI_FAULT_H

#include "cli/command.h"

/* From here on that ends the process as every failure does: one line on standard error, the
 * failure's document in `form`, exit code 1. To be called once, before a file is mapped.
 * `progress`: a line that is rewritten in place may stand on standard error. */
void met_fault_watch(met_json_failure form, bool progress);

/* A file that is not to be left behind then, or NULL for none any more. `path` must live until the
 * next call. Called by one thread. */
void met_fault_removes(const char *path);

#endif
