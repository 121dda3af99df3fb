/* What the user asks, as token ids. */
#ifndef MET_CLI_PROMPT_H
#define MET_CLI_PROMPT_H

#include "cli/generate_flags.h"

#include <jansson.h>

/* What was read, before any model is open. */
typedef struct met_prompt {
    char *text; /* NULL when there are messages */
    size_t text_bytes;
    json_t *messages; /* NULL when there is a text */
    json_t *tools;    /* NULL: none */
} met_prompt;

/* Find the one source of the prompt and read it. `dash`: the argument "-" was given.
 * MET_E_ARGUMENT: none, several, or flags that do not go together; MET_E_IO, MET_E_FORMAT. */
met_status met_prompt_read(const met_generate_flags *flags, bool dash, met_prompt *prompt,
                           met_error *err);

/* The same for a prompt that is typed later: only the system message is checked and the tools are
 * read. */
met_status met_prompt_read_tools(const met_generate_flags *flags, met_prompt *prompt,
                                 met_error *err);

/* Accepts a zeroed prompt. */
void met_prompt_free(met_prompt *prompt);

/* Ids for the model: the text as it is with --raw, else what the model's chat template makes of
 * the messages. Only the template's own text can become control tokens. Allocates *tokens: free().
 */
met_status met_prompt_tokenize(const met_prompt *prompt, const met_generate_flags *flags,
                               const met_engine *engine, int32_t **tokens, size_t *count,
                               met_error *err);

#endif
