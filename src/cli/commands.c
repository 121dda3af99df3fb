/* Owns: the list of subcommands. */
#include "cli/command.h"

#include <string.h>

const met_command *const met_commands[] = {
    &met_command_generate,    &met_command_tokenize,
    &met_command_detokenize,  &met_command_logits,
    &met_command_perplexity,  &met_command_inspect,
    &met_command_template,    &met_command_synth,
    &met_command_bench,       &met_command_env,
    &met_command_completions, NULL,
};

static const met_option common_flags[] = {
    {.name = "verbose",
     .letter = 'v',
     .kind = MET_OPTION_COUNT,
     .offset = offsetof(met_common_flags, verbose),
     .help = "tell more on standard error: -v what was chosen and what it cost, -vv also "
             "stages, -vvv also every step"},
    {.name = "quiet",
     .letter = 'q',
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(met_common_flags, quiet),
     .help = "tell only errors, and show no progress"},
};

met_option_group met_command_group(const met_command *command, size_t index)
{
    if (index < command->group_count) return command->groups[index];
    return (met_option_group){common_flags, sizeof common_flags / sizeof common_flags[0], 0};
}

const met_command *met_command_find(const char *name)
{
    for (const met_command *const *command = met_commands; *command != NULL; command++) {
        if (strcmp((*command)->name, name) == 0) return *command;
    }
    return NULL;
}
