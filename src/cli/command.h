/* What a subcommand is, and the list of them. */
#ifndef MET_CLI_COMMAND_H
#define MET_CLI_COMMAND_H

#include "cli/environment.h"
#include "cli/log.h"
#include "cli/metrics.h"
#include "cli/option.h"
#include "cli/output.h"
#include "metallic.h"

/* Exit codes. Part of the command's contract with scripts. */
typedef enum met_exit {
    MET_EXIT_DONE = 0,
    MET_EXIT_FAILED = 1,
    MET_EXIT_USAGE = 2,
    MET_EXIT_INTERRUPTED = 130,
} met_exit;

/* What a subcommand is run with. */
typedef struct met_invocation {
    const met_environment *environment;
    met_output *output; /* standard output */
    met_logger *logger; /* standard error */
    met_metrics *metrics;
    bool shows_progress; /* someone watches standard error: see progress.h */
    char **arguments;   /* [argument_count] what is not a flag */
    int argument_count;
    double start_seconds; /* the clock when the process began */
    bool interrupted;     /* out: Ctrl-C ended it early, and what was there has been written */
} met_invocation;

/* Options that several subcommands share are one group; each has its own place in the struct. */
typedef struct met_option_group {
    const met_option *options;
    size_t count;
    size_t offset; /* of the group's struct in the subcommand's */
} met_option_group;

/* How a failure shows on standard output, for a program that reads it. */
typedef struct met_json_failure {
    const char *schema; /* NULL: not at all */
    bool event;         /* one event of a stream rather than the document */
} met_json_failure;

typedef struct met_command {
    const char *name;     /* "tokenize" */
    const char *summary;  /* one line, for the list of subcommands */
    const char *synopsis; /* forms, one a line, without "metallic " */
    const char *notes;    /* closing paragraph of --help; may be NULL */
    bool hidden;          /* not listed */
    bool runs_no_model;   /* nothing is recorded: files of an earlier run's metrics stay */

    const met_option_group *groups;
    size_t group_count;
    size_t options_bytes; /* of the struct that the groups fill */
    int arguments_least;  /* how many arguments that are not flags */
    int arguments_most;

    /* MET_E_ARGUMENT is bad usage, every other failure a failure. */
    met_status (*run)(met_invocation *invocation, const void *options, met_error *err);
    /* NULL: this subcommand never writes JSON. */
    met_json_failure (*json_failure)(const void *options);
} met_command;

/* Every subcommand; the first is the default. Ends in NULL. */
extern const met_command *const met_commands[];

extern const met_command met_command_generate;
extern const met_command met_command_tokenize;
extern const met_command met_command_detokenize;
extern const met_command met_command_logits;
extern const met_command met_command_perplexity;
extern const met_command met_command_inspect;
extern const met_command met_command_template;
extern const met_command met_command_synth;
extern const met_command met_command_bench;
extern const met_command met_command_env;
extern const met_command met_command_completions;

/* The subcommand of that name, or NULL. */
const met_command *met_command_find(const char *name);

/* The flags that every subcommand has beside its own. --help and --version are not among them. */
typedef struct met_common_flags {
    int64_t verbose; /* how often */
    bool quiet;
} met_common_flags;

/* Group `index` of the command's flags; behind its own groups, at group_count, lies the common one.
 */
met_option_group met_command_group(const met_command *command, size_t index);

#endif
