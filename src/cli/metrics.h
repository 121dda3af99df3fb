/* What the command records about itself, as the environment asks. */
#ifndef MET_CLI_METRICS_H
#define MET_CLI_METRICS_H

#include "cli/environment.h"
#include "cli/log.h"
#include "metallic.h"

extern const char *const met_metrics_consoles[]; /* METALLIC_METRICS_CONSOLE */
extern const char *const met_metrics_levels[];   /* METALLIC_ENABLE_PROFILING */

typedef struct met_metrics {
    met_recorder *recorder; /* NULL: nothing is asked for */
    met_logger *logger;
    const met_environment *environment;
    bool files_opened;      /* or refused: once */
    bool shares_screen;     /* an interface draws on the terminal: no lines there */
    bool console;           /* tell what a generation came to */
    bool measures;          /* and what the machine can do at most */
    met_ceilings ceilings;  /* once it was measured */
} met_metrics;

/* Make a recorder when the environment, borrowed, wants one. MET_E_MEMORY. */
met_status met_metrics_open(met_metrics *metrics, const met_environment *environment,
                            met_logger *logger, met_error *err);

/* Before the model, after all other input: open the files that the environment names. One that
 * cannot be, or must not be written is told and is no failure. Later calls do nothing. */
void met_metrics_open_files(met_metrics *metrics);

/* Make a recorder where the environment wants none: for an interface that shows it. An existing one
 * keeps its level. MET_E_MEMORY. */
met_status met_metrics_record(met_metrics *metrics, met_record_level level, met_error *err);

/* Tell on standard error what the session's last generation came to, when it is asked for. */
void met_metrics_tell(met_metrics *metrics, met_context *context, const met_model *model,
                      const met_session *session);

/* After every context: write what is left. Leaves it zeroed. */
void met_metrics_close(met_metrics *metrics);

#endif
