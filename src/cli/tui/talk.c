/* Owns: the messages of a conversation, and the tokens that stand for them. Does not own their look
 * (tui_chat.c) nor their file (tui_talk_file.c).
 *
 * The invariant: an answer's tokens are those the model chose. Text cut into tokens again may be
 * cut otherwise: then the model would read another past than it had, and everything from there on
 * would have to be computed again. */
#include "cli/tui/talk.h"

#include "cli/failure.h"

#include <stdlib.h>
#include <string.h>

const char *met_tui_role_name(met_tui_role role)
{
    switch (role) {
    case MET_TUI_ROLE_SYSTEM: return "system";
    case MET_TUI_ROLE_USER: return "user";
    case MET_TUI_ROLE_ASSISTANT: return "assistant";
    }
    return "?";
}

met_status met_tui_talk_add(met_tui_talk *talk, met_tui_role role, met_str text, met_error *err)
{
    if (talk->count == talk->capacity) {
        size_t capacity = talk->capacity == 0 ? 8 : 2 * talk->capacity;
        met_tui_message *messages = realloc(talk->messages, capacity * sizeof *messages);
        if (messages == NULL) return met_failure_memory(err);
        talk->messages = messages;
        talk->capacity = capacity;
    }
    char *copy = malloc(text.bytes + 1);
    if (copy == NULL) return met_failure_memory(err);
    if (text.bytes > 0) memcpy(copy, text.data, text.bytes);
    copy[text.bytes] = '\0';
    talk->messages[talk->count++] = (met_tui_message){role, copy, text.bytes};
    return MET_OK;
}

void met_tui_talk_drop(met_tui_talk *talk)
{
    if (talk->count > 0) free(talk->messages[--talk->count].text);
}

met_str met_tui_talk_system(const met_tui_talk *talk)
{
    if (talk->count == 0 || talk->messages[0].role != MET_TUI_ROLE_SYSTEM) return (met_str){"", 0};
    return (met_str){talk->messages[0].text, talk->messages[0].bytes};
}

met_status met_tui_talk_set_system(met_tui_talk *talk, met_str text, met_error *err)
{
    bool had = talk->count > 0 && talk->messages[0].role == MET_TUI_ROLE_SYSTEM;

    if (text.bytes > 0) {
        met_status status = met_tui_talk_add(talk, MET_TUI_ROLE_SYSTEM, text, err);
        if (status != MET_OK) return status;
        met_tui_message added = talk->messages[--talk->count];
        if (had) {
            free(talk->messages[0].text);
        } else {
            memmove(talk->messages + 1, talk->messages, talk->count * sizeof added);
            talk->count++;
        }
        talk->messages[0] = added;
    } else if (had) {
        free(talk->messages[0].text);
        talk->count--;
        memmove(talk->messages, talk->messages + 1, talk->count * sizeof *talk->messages);
    }
    return MET_OK;
}

void met_tui_talk_clear(met_tui_talk *talk)
{
    size_t kept = talk->count > 0 && talk->messages[0].role == MET_TUI_ROLE_SYSTEM ? 1 : 0;

    while (talk->count > kept)
        met_tui_talk_drop(talk);
}

static met_value *make_message(const met_tui_message *message)
{
    const char *role = met_tui_role_name(message->role);
    met_value *value = met_value_dict();

    if (value == NULL) return NULL;
    if (met_value_set(value, "role", met_value_string(role, strlen(role))) == MET_OK &&
        met_value_set(value, "content", met_value_string(message->text, message->bytes)) ==
            MET_OK) {
        return value;
    }
    met_value_free(value);
    return NULL;
}

static met_status render(const met_tui_talk *talk, const met_engine *engine, const met_value *tools,
                         met_text *out, met_error *err)
{
    met_value *messages = met_value_list();
    met_status status = messages == NULL ? met_failure_memory(err) : MET_OK;

    for (size_t i = 0; i < talk->count && status == MET_OK; i++) {
        if (met_value_push(messages, make_message(&talk->messages[i])) != MET_OK) {
            status = met_failure_memory(err);
        }
    }
    if (status == MET_OK) status = met_model_chat_values(engine->model, messages, tools, out, err);
    met_value_free(messages);
    return status;
}

/* Bytes that the last prompt and its answer are of `text`, or 0 when it does not begin so. */
static size_t known_bytes(const met_tui_talk *talk, const met_text *text)
{
    size_t prompt = talk->rendered.bytes, answer = talk->answer.bytes;

    if (talk->tokens == NULL || text->bytes < prompt + answer) return 0;
    if (memcmp(text->data, talk->rendered.data, prompt) != 0) return 0;
    if (answer > 0 && memcmp(text->data + prompt, talk->answer.data, answer) != 0) return 0;
    return prompt + answer;
}

/* Tokens of what `text` has behind its first `skip` bytes. */
static met_status tokenize_rest(const met_engine *engine, const met_text *text, size_t skip,
                                int32_t **tokens, size_t *count, met_error *err)
{
    met_str rest = {text->data + skip, text->bytes - skip};
    met_span *control = malloc((text->control_count + 1) * sizeof *control);
    size_t spans = 0;

    if (control == NULL) return met_failure_memory(err);
    for (size_t i = 0; i < text->control_count; i++) {
        met_span span = text->control[i];
        if (span.end <= skip) continue;
        control[spans++] = (met_span){span.begin < skip ? 0 : span.begin - skip, span.end - skip};
    }
    met_status status = met_engine_tokenize(engine, rest, control, spans, tokens, count, err);
    free(control);
    return status;
}

met_status met_tui_talk_prompt(met_tui_talk *talk, const met_engine *engine, const met_value *tools,
                               const int32_t **tokens, size_t *count, met_error *err)
{
    met_text text = {0};
    int32_t *rest = NULL;
    size_t rest_count = 0;

    *tokens = NULL;
    *count = 0;
    met_status status = render(talk, engine, tools, &text, err);
    if (status != MET_OK) return status;
    size_t known = known_bytes(talk, &text);
    size_t kept = known > 0 ? talk->prompt_count + talk->answer_count : 0;
    status = tokenize_rest(engine, &text, known, &rest, &rest_count, err);
    if (status != MET_OK) goto done;
    if (kept + rest_count == 0 || kept + rest_count > INT32_MAX) {
        status = met_failure_set(err, MET_E_CONTEXT_FULL,
                                 "conversation: found %zu tokens, expected 1 to %d",
                                 kept + rest_count, INT32_MAX);
        goto done;
    }
    int32_t *all = realloc(talk->tokens, (kept + rest_count) * sizeof *all);
    if (all == NULL) {
        status = met_failure_memory(err);
        goto done;
    }
    if (rest_count > 0) memcpy(all + kept, rest, rest_count * sizeof *all);
    talk->tokens = all;
    talk->prompt_count = kept + rest_count;
    talk->answer_count = 0;
    met_tui_buffer_clear(&talk->answer);
    met_text_free(&talk->rendered);
    talk->rendered = text;
    text = (met_text){0};
    *tokens = talk->tokens;
    *count = talk->prompt_count;
done:
    free(rest);
    met_text_free(&text);
    return status;
}

met_status met_tui_talk_answered(met_tui_talk *talk, met_str text, const int32_t *tokens,
                                 size_t count, met_error *err)
{
    met_status status = met_tui_talk_add(talk, MET_TUI_ROLE_ASSISTANT, text, err);

    if (status != MET_OK) return status;
    size_t total = talk->prompt_count + count;
    int32_t *all = realloc(talk->tokens, (total > 0 ? total : 1) * sizeof *all);
    if (all == NULL) {
        met_tui_talk_drop(talk);
        return met_failure_memory(err);
    }
    if (count > 0) memcpy(all + talk->prompt_count, tokens, count * sizeof *all);
    talk->tokens = all;
    talk->answer_count = count;
    met_tui_buffer_clear(&talk->answer);
    met_tui_buffer_add(&talk->answer, text.data, text.bytes);
    return talk->answer.failed ? met_failure_memory(err) : MET_OK;
}

void met_tui_talk_free(met_tui_talk *talk)
{
    while (talk->count > 0)
        met_tui_talk_drop(talk);
    free(talk->messages);
    free(talk->tokens);
    met_text_free(&talk->rendered);
    met_tui_buffer_free(&talk->answer);
    *talk = (met_tui_talk){0};
}
