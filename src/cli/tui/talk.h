/* The conversation as the model sees it. */
#ifndef MET_CLI_TUI_TALK_H
#define MET_CLI_TUI_TALK_H

#include "cli/engine.h"
#include "cli/tui/buffer.h"

#include <jansson.h>

typedef enum met_tui_role {
    MET_TUI_ROLE_SYSTEM,
    MET_TUI_ROLE_USER,
    MET_TUI_ROLE_ASSISTANT,
} met_tui_role;

typedef struct met_tui_message {
    met_tui_role role;
    char *text; /* [bytes] and a NUL */
    size_t bytes;
} met_tui_message;

/* Zeroed is empty. A system message is the first one. */
typedef struct met_tui_talk {
    met_tui_message *messages; /* [count] */
    size_t count;
    size_t capacity;

    /* What the model holds: the last prompt and the tokens of the answer to it. */
    met_text rendered; /* the prompt's text */
    int32_t *tokens;   /* [prompt_count + answer_count] */
    size_t prompt_count;
    size_t answer_count;
    met_tui_buffer answer; /* the answer's text */
} met_tui_talk;

/* "user". Static storage. */
const char *met_tui_role_name(met_tui_role role);

met_status met_tui_talk_add(met_tui_talk *talk, met_tui_role role, met_str text, met_error *err);
/* Remove the last message. */
void met_tui_talk_drop(met_tui_talk *talk);
/* Set the system message; an empty one removes it. */
met_status met_tui_talk_set_system(met_tui_talk *talk, met_str text, met_error *err);
/* Empty when there is none; borrowed. */
met_str met_tui_talk_system(const met_tui_talk *talk);
/* Remove all messages but the system message. */
void met_tui_talk_clear(met_tui_talk *talk);

/* Tokens of the conversation for its next answer: those of the last prompt and of the answer to it
 * as the model chose them, then what has been added since. Where the conversation does not go on
 * from there, all of it is cut into tokens again. Only the template's own text can become control
 * tokens. `tools` is a list or NULL. *tokens is borrowed until the next call. */
met_status met_tui_talk_prompt(met_tui_talk *talk, const met_engine *engine, const met_value *tools,
                               const int32_t **tokens, size_t *count, met_error *err);

/* Add the answer to the last prompt, with the tokens that it was generated as. */
met_status met_tui_talk_answered(met_tui_talk *talk, met_str text, const int32_t *tokens,
                                 size_t count, met_error *err);

/* Write the messages as JSON, as --messages reads them. The file appears under its name only when
 * it is whole. A file that holds anything but a conversation is not overwritten: MET_E_ARGUMENT;
 * MET_E_IO. */
met_status met_tui_talk_save(const met_tui_talk *talk, const char *path, met_error *err);

/* Take the messages of a file or of a document; on failure the talk is unchanged.
 * MET_E_IO, MET_E_FORMAT: which message, what was found, what was expected. */
met_status met_tui_talk_load(met_tui_talk *talk, const char *path, met_error *err);
met_status met_tui_talk_take(met_tui_talk *talk, const json_t *list, const char *subject,
                             met_error *err);

void met_tui_talk_free(met_tui_talk *talk);

#endif
