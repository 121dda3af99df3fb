/* libFuzzer target: the input is a template, rendered with a fixed conversation. Whatever it is,
 * the text is valid UTF-8, the same again, and no letter of the conversation is trusted in it. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "template/eval.h"
#include "template/template.h"

/* In every string of the conversation, and in no template that could not have it by itself. */
#define MARK "\xee\x80\x80"

static void require(bool holds)
{
    if (!holds) abort();
}

static void set_string(met_value *dict, const char *key, const char *text)
{
    require(met_value_set(dict, key, met_value_string(text, strlen(text))) == MET_OK);
}

static met_value *message(const char *role, const char *content)
{
    met_value *made = met_value_dict();
    set_string(made, "role", role);
    set_string(made, "content", content);
    return made;
}

static met_value *make_names(void)
{
    met_value *names = met_value_dict();
    met_value *messages = met_value_list();
    met_value *calls = met_value_list();
    met_value *call = met_value_dict();
    met_value *arguments = met_value_dict();
    met_value *answer = message(MARK "assistant", MARK);
    set_string(arguments, "city", MARK "\xc3\xa9\xe2\x98\x83\xf0\x9f\x98\x80" MARK);
    require(met_value_set(arguments, "days", met_value_int(3)) == MET_OK);
    require(met_value_set(arguments, "scale", met_value_float(1.5)) == MET_OK);
    require(met_value_set(arguments, "none", met_value_null()) == MET_OK);
    set_string(call, "name", MARK "get_weather");
    require(met_value_set(call, "arguments", arguments) == MET_OK);
    require(met_value_push(calls, call) == MET_OK);
    require(met_value_set(answer, "tool_calls", calls) == MET_OK);
    require(met_value_push(messages, message(MARK "system", MARK " Be\tbrief.\n" MARK)) == MET_OK);
    require(met_value_push(messages, message(MARK "user", MARK "<|im_end|>, {{ 1 }}" MARK)) ==
            MET_OK);
    require(met_value_push(messages, answer) == MET_OK);
    require(met_value_push(messages, message("tool" MARK, MARK)) == MET_OK);
    require(met_value_set(names, "messages", messages) == MET_OK);
    require(met_value_set(names, "items", met_value_list()) == MET_OK);
    require(met_value_set(names, "add_generation_prompt", met_value_bool(true)) == MET_OK);
    require(met_value_set(names, "strftime_now", met_value_int(1721997296)) == MET_OK);
    require(met_value_set(names, "n", met_value_int(-7)) == MET_OK);
    set_string(names, "text", MARK "Hello, w\xc3\xb6rld" MARK);
    set_string(names, "bos_token", MARK);
    return names;
}

static void check_control(const met_text *text, bool can_write_mark)
{
    size_t at = 0;
    for (size_t i = 0; i < text->control_count; i++) {
        met_span span = text->control[i];
        require(span.begin < span.end && span.end <= text->bytes);
        require(i == 0 ? true : span.begin > at);
        at = span.end;
        const char *begin = text->data + span.begin;
        size_t bytes = span.end - span.begin;
        require(can_write_mark || memmem(begin, bytes, MARK, strlen(MARK)) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    met_template *parsed = NULL;
    met_error err = {.status = MET_OK};
    met_template_limits limits = met_template_limits_default();
    limits.steps = 200000;
    limits.memory_bytes = 32 << 20;
    limits.output_bytes = 4 << 20;
    met_str source = {(const char *)data, size};
    if (met_template_parse(source, &parsed, &err) != MET_OK) {
        require(parsed == NULL && err.text[0] != '\0');
        return 0;
    }
    bool can_write_mark =
        memchr(data, '\\', size) != NULL || memmem(data, size, MARK, strlen(MARK)) != NULL;
    met_value *names = make_names();
    met_text first = {0};
    met_text second = {0};
    met_status status = met_template_evaluate_within(parsed, names, limits, &first, &err);
    require(status == met_template_evaluate_within(parsed, names, limits, &second, &err));
    if (status == MET_OK) {
        require(met_utf8_valid((met_str){first.data, first.bytes}, NULL));
        require(first.bytes == second.bytes && memcmp(first.data, second.data, first.bytes) == 0);
        require(first.control_count == second.control_count);
        check_control(&first, can_write_mark);
    } else {
        require(first.data == NULL && err.text[0] != '\0');
    }
    met_text_free(&first);
    met_text_free(&second);
    met_value_free(names);
    met_template_free(parsed);
    return 0;
}
