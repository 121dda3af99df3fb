/* Owns: the list of subcommands. */
#include "cli/command.h"

#include <string.h>

const met_command *const met_commands[] = {
    &met_command_generate,    &met_command_tokenize,
    &met_command_detokenize,  &met_command_logits,
    &met_command_perplexity,  &met_command_inspect,
    &met_command_template,    &met_command_synth,
    &met_command_bench,       &met_command_completions,
    NULL,
};

const met_command *met_command_find(const char *name)
{
    for (const met_command *const *command = met_commands; *command != NULL; command++) {
        if (strcmp((*command)->name, name) == 0) return *command;
    }
    return NULL;
}
