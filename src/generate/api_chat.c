/* Owns: messages to a prompt by the model's own template, with the names that Hugging Face's
 * apply_chat_template gives it: messages, tools, add_generation_prompt, bos_token, eos_token. Does
 * not own templates or values. */
#include "generate/objects.h"

#include "base/error.h"
#include "base/text.h"
#include "template/value.h"

static met_value *copy_value(const met_value *value, int32_t depth);

static met_value *copy_container(const met_value *value, met_value *copy, int32_t depth)
{
    bool is_dict = met_value_get_kind(value) == MET_VALUE_DICT;
    for (size_t i = 0; copy != NULL && i < met_value_get_count(value); i++) {
        met_value *item = copy_value(met_value_get_item(value, i), depth - 1);
        met_status status = is_dict ? met_value_set_view(copy, met_value_get_key(value, i), item)
                                    : met_value_push(copy, item);
        if (status != MET_OK) {
            met_value_free(copy);
            copy = NULL;
        }
    }
    return copy;
}

/* NULL when memory is out or the value is nested deeper than `depth`. */
static met_value *copy_value(const met_value *value, int32_t depth)
{
    if (depth == 0) return NULL;
    switch (met_value_get_kind(value)) {
    case MET_VALUE_NULL: return met_value_null();
    case MET_VALUE_BOOL: return met_value_bool(met_value_get_bool(value));
    case MET_VALUE_INT: return met_value_int(met_value_get_int(value));
    case MET_VALUE_UINT: return met_value_uint(met_value_get_uint(value));
    case MET_VALUE_FLOAT: return met_value_float(met_value_get_float(value));
    case MET_VALUE_STRING: {
        met_str text = met_value_get_string(value);
        return met_value_string(text.data, text.bytes);
    }
    case MET_VALUE_LIST: return copy_container(value, met_value_list(), depth);
    case MET_VALUE_DICT: return copy_container(value, met_value_dict(), depth);
    }
    return NULL;
}

/* The spelling of the token that a key names, when there is such a key: where a template writes it,
 * it is that token. */
static met_status add_token_name(const met_model *model, met_value *names, const char *name,
                                 const char *key, met_error *err)
{
    uint32_t id = UINT32_MAX;
    met_status status = met_gguf_maybe_u32(model->gguf, key, &id, err);
    if (status != MET_OK) return status;
    if (id >= (uint32_t)met_tokenizer_count(model->tokenizer)) return MET_OK;
    met_str spelling = met_tokenizer_bytes(model->tokenizer, (int32_t)id);
    return met_value_set(names, name, met_value_trusted_string(spelling.data, spelling.bytes));
}

static met_status check_template(const met_model *model, met_error *err)
{
    if (model->chat != NULL) return MET_OK;
    if (model->chat_error.status != MET_OK) {
        return met_fail(err, model->chat_error.status, "%s", model->chat_error.text);
    }
    return met_fail(err, MET_E_KEY,
                    "%s: key tokenizer.chat_template is missing, expected a template",
                    met_gguf_name(model->gguf));
}

static met_status evaluate(const met_model *model, const met_value *names, met_text *out,
                           met_error *err)
{
    met_error reason;
    met_status status = met_template_evaluate(model->chat, names, out, &reason);
    if (status == MET_OK) return MET_OK;
    return met_fail(err, status, "%s: key tokenizer.chat_template: %s", met_gguf_name(model->gguf),
                    reason.text);
}

/* Takes `messages` and `tools`, also on failure. */
static met_status render(const met_model *model, met_value *messages, met_value *tools,
                         met_text *out, met_error *err)
{
    met_value *names = met_value_dict();
    if (names == NULL) {
        met_value_free(messages);
        met_value_free(tools);
        return met_fail_memory(err, "chat", 0);
    }
    met_status status = met_value_set(names, "messages", messages);
    met_status tools_status = tools == NULL ? MET_OK : met_value_set(names, "tools", tools);
    if (status == MET_OK) status = tools_status;
    if (status == MET_OK) {
        status = met_value_set(names, "add_generation_prompt", met_value_bool(true));
    }
    if (status == MET_OK) {
        status = add_token_name(model, names, "bos_token", "tokenizer.ggml.bos_token_id", err);
    }
    if (status == MET_OK) {
        status = add_token_name(model, names, "eos_token", "tokenizer.ggml.eos_token_id", err);
    }
    if (status == MET_E_MEMORY) (void)met_fail(err, status, "out of memory: names of a chat");
    if (status == MET_OK) status = evaluate(model, names, out, err);
    met_value_free(names);
    return status;
}

met_status met_model_chat(const met_model *model, const met_message *messages, size_t count,
                          met_text *out, met_error *err)
{
    *out = (met_text){0};
    met_status status = check_template(model, err);
    if (status != MET_OK) return status;
    met_value *list = met_value_list();
    status = list == NULL ? MET_E_MEMORY : MET_OK;
    for (size_t i = 0; status == MET_OK && i < count; i++) {
        const char *role = messages[i].role;
        const char *content = messages[i].content;
        if (role == NULL || content == NULL) {
            status = met_fail(err, MET_E_ARGUMENT, "message %zu: %s is NULL, expected text", i,
                              role == NULL ? "role" : "content");
            met_value_free(list);
            return status;
        }
        met_value *dict = met_value_dict();
        if (dict == NULL) {
            status = MET_E_MEMORY;
            break;
        }
        status = met_value_set(dict, "role", met_value_string(role, strlen(role)));
        if (status == MET_OK) {
            status = met_value_set(dict, "content", met_value_string(content, strlen(content)));
        }
        met_status pushed = met_value_push(list, dict);
        if (status == MET_OK) status = pushed;
    }
    if (status != MET_OK) {
        met_value_free(list);
        return met_fail(err, status, "out of memory: %zu messages", count);
    }
    return render(model, list, NULL, out, err);
}

met_status met_model_chat_values(const met_model *model, const met_value *messages,
                                 const met_value *tools, met_text *out, met_error *err)
{
    *out = (met_text){0};
    met_status status = check_template(model, err);
    if (status != MET_OK) return status;
    if (met_value_get_kind(messages) != MET_VALUE_LIST ||
        (tools != NULL && met_value_get_kind(tools) != MET_VALUE_LIST)) {
        return met_fail(err, MET_E_ARGUMENT, "chat: %s are not a list, expected a list of dicts",
                        met_value_get_kind(messages) != MET_VALUE_LIST ? "messages" : "tools");
    }
    met_value *messages_copy = copy_value(messages, MET_VALUE_DEPTH_MAX);
    met_value *tools_copy = tools == NULL ? NULL : copy_value(tools, MET_VALUE_DEPTH_MAX);
    if (messages_copy == NULL || (tools != NULL && tools_copy == NULL)) {
        met_value_free(messages_copy);
        met_value_free(tools_copy);
        return met_fail(err, MET_E_MEMORY,
                        "chat: out of memory, or messages are nested deeper than %d",
                        MET_VALUE_DEPTH_MAX);
    }
    return render(model, messages_copy, tools_copy, out, err);
}
