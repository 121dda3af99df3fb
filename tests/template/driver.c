/* Renders templates for the tests: each line of standard input is an object with "template" and
 * "names"; each line of standard output has "status" and "error", or "text" and "control". */
#include "metallic.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static met_value *convert(const json_t *json)
{
    met_value *made = NULL;
    const char *key = NULL;
    json_t *item = NULL;
    size_t i = 0;
    switch (json_typeof(json)) {
    case JSON_NULL: return met_value_null();
    case JSON_TRUE: return met_value_bool(true);
    case JSON_FALSE: return met_value_bool(false);
    case JSON_INTEGER: return met_value_int(json_integer_value(json));
    case JSON_REAL: return met_value_float(json_real_value(json));
    case JSON_STRING: return met_value_string(json_string_value(json), json_string_length(json));
    case JSON_ARRAY:
        made = met_value_list();
        json_array_foreach(json, i, item)
        {
            if (met_value_push(made, convert(item)) != MET_OK) abort();
        }
        return made;
    case JSON_OBJECT:
        made = met_value_dict();
        json_object_foreach((json_t *)json, key, item)
        {
            if (met_value_set(made, key, convert(item)) != MET_OK) abort();
        }
        return made;
    }
    return NULL;
}

static json_t *control_of(const met_text *text)
{
    json_t *spans = json_array();
    for (size_t i = 0; i < text->control_count; i++) {
        json_array_append_new(spans, json_pack("[II]", (json_int_t)text->control[i].begin,
                                               (json_int_t)text->control[i].end));
    }
    return spans;
}

static json_t *render(const json_t *request)
{
    met_error err = {.status = MET_OK};
    met_text text = {0};
    json_t *source = json_object_get(request, "template");
    met_value *names = convert(json_object_get(request, "names"));
    met_str view = {json_string_value(source), json_string_length(source)};
    met_status status = met_template_render(view, names, &text, &err);
    json_t *reply = NULL;
    if (status == MET_OK) {
        reply = json_pack("{s:s, s:s%, s:o}", "status", met_status_name(status), "text", text.data,
                          text.bytes, "control", control_of(&text));
    } else {
        reply = json_pack("{s:s, s:s}", "status", met_status_name(status), "error", err.text);
    }
    met_text_free(&text);
    met_value_free(names);
    return reply;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        json_error_t problem;
        json_t *request = json_loads(line, JSON_ALLOW_NUL, &problem);
        json_t *reply = request == NULL ? NULL : render(request);
        if (reply == NULL) {
            fprintf(stderr, "malformed request or reply: %s\n", problem.text);
            return 1;
        }
        json_dumpf(reply, stdout, JSON_ENSURE_ASCII | JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(reply);
        json_decref(request);
    }
    free(line);
    return 0;
}
