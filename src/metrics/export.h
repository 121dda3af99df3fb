/* Files that a recorder writes. */
#ifndef MET_METRICS_EXPORT_H
#define MET_METRICS_EXPORT_H

#include "base/log.h"
#include "metrics/recorder.h"

typedef struct met_exports met_exports;

/* With its recorder. NULL: no memory. */
met_exports *met_exports_create(met_log log);
/* Closes what is open. */
void met_exports_free(met_recorder *recorder, met_exports *exports);

/* Between steps, on any thread: write what was recorded when there is enough of it, or all of it
 * when `all`. Costs a comparison when no file is open. True when something was written. */
bool met_exports_drain(met_recorder *recorder, bool all);

/* After a generation: all that was recorded, then its summary and the counters. `finish` is the
 * name of how it ended. */
void met_exports_summary(met_recorder *recorder, int32_t track, const met_summary *summary,
                         const char *finish);

#endif
