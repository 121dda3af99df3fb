/* Arguments of the command line to a struct of options. */
#ifndef MET_CLI_ARGS_H
#define MET_CLI_ARGS_H

#include "cli/command.h"

typedef struct met_args {
    char **arguments; /* [argument_count] what is not a flag, in order */
    int argument_count;
    bool help;    /* --help was there: nothing else was checked */
    bool version; /* the same for --version */
    met_common_flags common;
} met_args;

/* Parse argv[0..argc) (no program name, no subcommand) by the command's table.
 *
 * Forms: --name VALUE, --name=VALUE, --switch, -n VALUE, -s, -ss for several switches; "--" ends
 * the flags; "-" is no flag. A value is taken as it is, also when it begins with a dash. Of a flag
 * given twice the last counts.
 *
 * argv     is reordered; texts in `options` and `args` point into its strings.
 * options  [command->options_bytes], zeroed by the caller; defaults are stored first.
 * MET_E_ARGUMENT: the first thing that was wrong. The rest is read all the same, so that --json is
 * known when the error is written. */
met_status met_args_parse(const met_command *command, int argc, char **argv, void *options,
                          met_args *args, met_error *err);

/* Whether a flag or an argument of the command names this file, or a standard stream is it. */
bool met_args_name_file(const met_command *command, const void *options, const met_args *args,
                        const char *path);

/* The nearest of the candidates offered to a word that is not known; see met_nearest_offer. */
typedef struct met_nearest {
    const char *word;
    size_t word_bytes;
    const char *best; /* NULL: nothing is near enough */
    size_t best_distance;
} met_nearest;

/* Edit distance with transpositions; a candidate counts when less than half of it would change. */
void met_nearest_offer(met_nearest *nearest, const char *candidate);

#endif
