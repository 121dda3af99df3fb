/* The variables that the command reads. */
#ifndef MET_CLI_ENVIRONMENT_H
#define MET_CLI_ENVIRONMENT_H

#include "cli/option.h"

/* What the environment says. A flag wins over it. */
typedef struct met_environment {
    const char *backend;        /* NULL: not set */
    int64_t threads;            /* 0: not set */
    const char *matmul;         /* NULL: not set */
    int64_t max_context_length; /* 0: not set */
    const char *log_level;      /* "warn" when it is not set */
} met_environment;

enum { MET_ENVIRONMENT_COUNT = 5 };
extern const met_option met_environment_options[MET_ENVIRONMENT_COUNT];

/* Read every variable of the table. An empty variable counts as not set.
 * MET_E_ARGUMENT: name, found, accepted. Texts are borrowed from the environment. */
met_status met_environment_read(met_environment *environment, met_error *err);

#endif
