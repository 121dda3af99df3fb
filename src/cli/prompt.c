/* Owns: where a prompt comes from and how it becomes tokens. The invariant: bytes that a user or a
 * file gave never become control tokens. */
#include "cli/prompt.h"

#include "cli/failure.h"
#include "cli/input.h"
#include "cli/json_value.h"
#include "cli/output.h"
#include "cli/utf8.h"

#include <stdlib.h>
#include <string.h>

#include <unistd.h>

static met_status check_sources(const met_generate_flags *flags, bool dash, met_error *err)
{
    int sources = (flags->prompt != NULL) + (flags->prompt_file != NULL) +
                  (flags->messages != NULL) + (dash ? 1 : 0);

    if (sources > 1) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--prompt: found %d sources of the prompt, "
                               "expected one of --prompt, --prompt-file, --messages and -",
                               sources);
    }
    if (sources == 0 && met_output_is_terminal(STDIN_FILENO)) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--prompt: not given, expected --prompt TEXT, "
                               "--prompt-file FILE, or - for standard input");
    }
    if (flags->raw && (flags->system != NULL || flags->messages != NULL || flags->tools != NULL)) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--raw: found beside --%s, which needs the chat template",
                               flags->system != NULL     ? "system"
                               : flags->messages != NULL ? "messages"
                                                         : "tools");
    }
    if (flags->messages != NULL && flags->system != NULL) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--system: found beside --messages, expected a "
                               "message with the role \"system\" there");
    }
    if (flags->messages != NULL && flags->tools != NULL && strcmp(flags->messages, "-") == 0 &&
        strcmp(flags->tools, "-") == 0) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--tools: standard input is already read for --messages");
    }
    return MET_OK;
}

static met_status read_list(const char *flag, const char *path, json_t **list, met_error *err)
{
    met_status status = met_json_read(path, list, err);

    if (status != MET_OK || json_is_array(*list)) return status;
    json_decref(*list);
    *list = NULL;
    return met_failure_set(err, MET_E_FORMAT, "%s: %s: expected a JSON list", flag,
                           met_input_name(path));
}

/* The template would refuse these too, and name the model instead of the file. */
static met_status check_messages(const json_t *list, const char *path, met_error *err)
{
    const char *name = met_input_name(path);

    if (json_array_size(list) == 0) {
        return met_failure_set(err, MET_E_FORMAT,
                               "--messages: %s: found no message, expected at least one", name);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *message = json_array_get(list, i);
        if (!json_is_string(json_object_get(message, "role"))) {
            return met_failure_set(err, MET_E_FORMAT,
                                   "--messages: %s: message %zu: expected an object with a role",
                                   name, i + 1);
        }
        if (json_object_get(message, "content") == NULL &&
            json_object_get(message, "tool_calls") == NULL) {
            return met_failure_set(err, MET_E_FORMAT,
                                   "--messages: %s: message %zu: no content", name, i + 1);
        }
    }
    return MET_OK;
}

static met_status read_text(const met_generate_flags *flags, bool dash, met_prompt *prompt,
                            met_error *err)
{
    if (flags->prompt != NULL) {
        prompt->text = strdup(flags->prompt);
        if (prompt->text == NULL) return met_failure_memory(err);
        prompt->text_bytes = strlen(prompt->text);
        return MET_OK;
    }
    const char *path = flags->prompt_file != NULL ? flags->prompt_file : "-";
    met_status status = met_input_read(path, &prompt->text, &prompt->text_bytes, err);
    if (status != MET_OK) return status;
    if (prompt->text_bytes == 0 && flags->prompt_file == NULL && !dash) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--prompt: not given, and standard input is empty");
    }
    /* `echo question | metallic` asks the question, not the question and a line feed. */
    if (!flags->raw && prompt->text_bytes > 0 && prompt->text[prompt->text_bytes - 1] == '\n') {
        prompt->text_bytes--;
        if (prompt->text_bytes > 0 && prompt->text[prompt->text_bytes - 1] == '\r') {
            prompt->text_bytes--;
        }
    }
    return MET_OK;
}

/* The template would refuse it too, but could not say what it is. */
static met_status check_utf8(const char *subject, const char *text, size_t bytes, met_error *err)
{
    for (size_t at = 0; at < bytes;) {
        size_t length = met_utf8_sequence(text + at, bytes - at);
        if (length == 0) {
            return met_failure_set(err, MET_E_FORMAT, "%s: byte %zu is not UTF-8, expected text",
                                   subject, at);
        }
        at += length;
    }
    return MET_OK;
}

/* What goes with any source of the prompt. */
static met_status finish_read(const met_generate_flags *flags, met_prompt *prompt, met_error *err)
{
    met_status status = MET_OK;

    if (flags->system != NULL) {
        status = check_utf8("--system", flags->system, strlen(flags->system), err);
    }
    if (status == MET_OK && flags->tools != NULL) {
        status = read_list("--tools", flags->tools, &prompt->tools, err);
    }
    return status;
}

met_status met_prompt_read_tools(const met_generate_flags *flags, met_prompt *prompt,
                                 met_error *err)
{
    *prompt = (met_prompt){0};
    return finish_read(flags, prompt, err);
}

met_status met_prompt_read(const met_generate_flags *flags, bool dash, met_prompt *prompt,
                           met_error *err)
{
    *prompt = (met_prompt){0};
    met_status status = check_sources(flags, dash, err);
    if (status != MET_OK) return status;

    if (flags->messages != NULL) {
        status = read_list("--messages", flags->messages, &prompt->messages, err);
        if (status == MET_OK) status = check_messages(prompt->messages, flags->messages, err);
    } else {
        status = read_text(flags, dash, prompt, err);
        if (status == MET_OK) status = check_utf8("prompt", prompt->text, prompt->text_bytes, err);
    }
    if (status == MET_OK) status = finish_read(flags, prompt, err);
    if (status != MET_OK) met_prompt_free(prompt);
    return status;
}

void met_prompt_free(met_prompt *prompt)
{
    free(prompt->text);
    json_decref(prompt->messages);
    json_decref(prompt->tools);
    *prompt = (met_prompt){0};
}

/* Append {"role": role, "content": text}. */
static met_status push_message(met_value *messages, const char *role, const char *text,
                               size_t text_bytes, met_error *err)
{
    met_value *message = met_value_dict();

    if (message == NULL) return met_failure_memory(err);
    met_status status = met_value_set(message, "role", met_value_string(role, strlen(role)));
    if (status == MET_OK) {
        status = met_value_set(message, "content", met_value_string(text, text_bytes));
    }
    if (status != MET_OK) {
        met_value_free(message);
        return met_failure_memory(err);
    }
    if (met_value_push(messages, message) != MET_OK) return met_failure_memory(err);
    return MET_OK;
}

static met_status make_messages(const met_prompt *prompt, const met_generate_flags *flags,
                                met_value **out, met_error *err)
{
    met_status status = MET_OK;
    met_value *messages =
        prompt->messages != NULL ? met_json_to_value(prompt->messages) : met_value_list();

    *out = NULL;
    if (messages == NULL) return met_failure_memory(err);
    if (prompt->messages == NULL && flags->system != NULL) {
        status = push_message(messages, "system", flags->system, strlen(flags->system), err);
    }
    if (prompt->messages == NULL && status == MET_OK) {
        status = push_message(messages, "user", prompt->text, prompt->text_bytes, err);
    }
    if (status != MET_OK) {
        met_value_free(messages);
        return status;
    }
    *out = messages;
    return MET_OK;
}

static met_status tokenize_chat(const met_prompt *prompt, const met_generate_flags *flags,
                                const met_engine *engine, int32_t **tokens, size_t *count,
                                met_error *err)
{
    met_value *messages = NULL, *tools = NULL;
    met_text text = {0};

    if (met_model_describe(engine->model).chat_template.bytes == 0) {
        return met_failure_set(err, MET_E_KEY,
                               "%s: no tokenizer.chat_template, expected one; --raw "
                               "gives the prompt to the model as it is",
                               engine->model_name);
    }
    met_status status = make_messages(prompt, flags, &messages, err);
    if (status != MET_OK) goto done;
    if (prompt->tools != NULL) {
        tools = met_json_to_value(prompt->tools);
        if (tools == NULL) {
            status = met_failure_memory(err);
            goto done;
        }
    }
    status = met_model_chat_values(engine->model, messages, tools, &text, err);
    if (status != MET_OK) goto done;
    met_str view = {text.data, text.bytes};
    status =
        met_engine_tokenize(engine, view, text.control, text.control_count, tokens, count, err);
done:
    met_text_free(&text);
    met_value_free(tools);
    met_value_free(messages);
    return status;
}

met_status met_prompt_tokenize(const met_prompt *prompt, const met_generate_flags *flags,
                               const met_engine *engine, int32_t **tokens, size_t *count,
                               met_error *err)
{
    met_status status;

    *tokens = NULL;
    *count = 0;
    if (flags->raw) {
        met_str text = {prompt->text, prompt->text_bytes};
        status = met_engine_tokenize(engine, text, NULL, 0, tokens, count, err);
    } else {
        status = tokenize_chat(prompt, flags, engine, tokens, count, err);
    }
    if (status != MET_OK || (*count > 0 && *count <= INT32_MAX)) return status;
    status = *count == 0 ? met_failure_set(err, MET_E_ARGUMENT,
                                           "--prompt: found no tokens, expected at least one")
                         : met_failure_set(err, MET_E_CONTEXT_FULL,
                                           "--prompt: found %zu tokens, expected at most %d",
                                           *count, INT32_MAX);
    free(*tokens);
    *tokens = NULL;
    *count = 0;
    return status;
}
