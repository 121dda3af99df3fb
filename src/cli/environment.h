/* The variables that the command reads. */
#ifndef MET_CLI_ENVIRONMENT_H
#define MET_CLI_ENVIRONMENT_H

#include "cli/option.h"

/* What the environment says. A flag wins over it. A variable takes a field here, a row in
 * environment.c and a reader of the field. */
typedef struct met_environment {
    const char *log_level;      /* "warn" when it is not set */
    const char *backend;        /* "auto" when it is not set */
    int64_t threads;            /* 0: not set */
    int64_t max_context_length; /* 0: not set */
    const char *matmul;         /* "auto" when it is not set */
    const char *metrics_console;    /* "off" when it is not set */
    const char *metrics_jsonl_path; /* NULL: not set */
    const char *trace_path;         /* NULL: not set */
    const char *profiling;          /* NULL: not set */
    const char *cache_home;     /* XDG_CACHE_HOME; NULL: not set */
    const char *home;           /* HOME; NULL: not set */
    const char *terminal;       /* TERM; NULL: not set */
    const char *no_color;       /* NO_COLOR; NULL: not set */
    uint64_t set;               /* bit i: row i of the table was set, and not empty */
} met_environment;

/* The table, one row for each variable: at most 64. */
extern const met_option met_environment_options[];
extern const size_t met_environment_count;

/* Read every variable of the table. An empty variable counts as not set, and has its default.
 * MET_E_ARGUMENT: name, found, accepted. Texts are borrowed from the environment. */
met_status met_environment_read(met_environment *environment, met_error *err);

#endif
