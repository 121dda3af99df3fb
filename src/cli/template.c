/* Owns: the subcommand template: a chat template rendered without any model. */
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/json_value.h"

#include <stdlib.h>
#include <string.h>

typedef struct template_options {
    const char *template_file;
    const char *messages;
    const char *tools;
    bool no_generation_prompt;
    bool json;
} template_options;

static met_status check(const template_options *options, met_error *err)
{
    const char *paths[] = {options->template_file, options->messages, options->tools};
    int from_stdin = 0;

    if (options->template_file == NULL || options->messages == NULL) {
        return met_failure_set(err, MET_E_ARGUMENT, "--%s: not given, expected a file name",
                               options->template_file == NULL ? "template-file" : "messages");
    }
    for (size_t i = 0; i < 3; i++) {
        if (paths[i] != NULL && strcmp(paths[i], "-") == 0) from_stdin++;
    }
    if (from_stdin > 1) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "template: found - for %d files, expected at most one", from_stdin);
    }
    return MET_OK;
}

/* Set names[key] to what the file holds. An object of messages gives all its keys as names. */
static met_status read_name(met_value *names, const char *key, const char *path, met_error *err)
{
    json_t *document = NULL;
    const char *name;
    json_t *item;

    met_status status = met_json_read(path, &document, err);
    if (status != MET_OK) return status;
    bool may_be_object = strcmp(key, "messages") == 0;
    if (json_is_object(document) && may_be_object) {
        json_object_foreach(document, name, item)
        {
            if (met_value_set(names, name, met_json_to_value(item)) == MET_OK) continue;
            status = met_failure_memory(err);
            break;
        }
    } else if (!json_is_array(document)) {
        status = met_failure_set(err, MET_E_FORMAT, "--%s: %s: expected a JSON list%s", key,
                                 met_input_name(path), may_be_object ? " or object" : "");
    } else if (met_value_set(names, key, met_json_to_value(document)) != MET_OK) {
        status = met_failure_memory(err);
    }
    json_decref(document);
    return status;
}

static met_status make_names(const template_options *options, met_value **out, met_error *err)
{
    met_value *names = met_value_dict();
    met_status status = MET_OK;

    *out = NULL;
    if (names == NULL) return met_failure_memory(err);
    if (met_value_set(names, "add_generation_prompt",
                      met_value_bool(!options->no_generation_prompt)) != MET_OK) {
        status = met_failure_memory(err);
    }
    if (status == MET_OK) status = read_name(names, "messages", options->messages, err);
    if (status == MET_OK && options->tools != NULL) {
        status = read_name(names, "tools", options->tools, err);
    }
    if (status != MET_OK) {
        met_value_free(names);
        return status;
    }
    *out = names;
    return MET_OK;
}

static void write_document(const met_text *text, met_output *output)
{
    json_t *control = json_array();
    bool bad = false;

    for (size_t i = 0; i < text->control_count; i++) {
        json_t *span = json_pack("[I, I]", (json_int_t)text->control[i].begin,
                                 (json_int_t)text->control[i].end);
        if (json_array_append_new(control, span) != 0) bad = true;
    }
    json_t *document = json_pack("{s:s, s:o, s:o}", "schema", "metallic.template/1", "text",
                                 met_json_text(text->data, text->bytes), "control", control);
    if (bad) {
        json_decref(document);
        document = NULL;
    }
    met_output_json(output, document, MET_JSON_DOUBLE_DIGITS);
}

static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    const template_options *options = any_options;
    char *source = NULL;
    size_t source_bytes = 0;
    met_value *names = NULL;
    met_text text = {0};

    met_status status = check(options, err);
    if (status == MET_OK) {
        status = met_input_read(options->template_file, &source, &source_bytes, err);
    }
    if (status == MET_OK) status = make_names(options, &names, err);
    if (status == MET_OK) {
        status = met_template_render((met_str){source, source_bytes}, names, &text, err);
    }
    if (status == MET_OK && options->json) {
        write_document(&text, invocation->output);
    } else if (status == MET_OK) {
        met_output_write(invocation->output, text.data, text.bytes);
    }
    met_text_free(&text);
    met_value_free(names);
    free(source);
    return status;
}

static met_json_failure json_failure(const void *options)
{
    const template_options *flags = options;
    return (met_json_failure){flags->json ? "metallic.template/1" : NULL, false};
}

static const met_option flags[] = {
    {.name = "template-file",
     .kind = MET_OPTION_PATH,
     .offset = offsetof(template_options, template_file),
     .value_name = "FILE",
     .help = "the Jinja source"},
    {.name = "messages",
     .kind = MET_OPTION_PATH,
     .offset = offsetof(template_options, messages),
     .value_name = "FILE",
     .help = "JSON: a list of messages, or an object of all names that the template sees"},
    {.name = "tools",
     .kind = MET_OPTION_PATH,
     .offset = offsetof(template_options, tools),
     .value_name = "FILE",
     .help = "JSON: a list of tools"},
    {.name = "no-generation-prompt",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(template_options, no_generation_prompt),
     .help = "end after the last message"},
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(template_options, json),
     .help = "print a JSON document that also lists the template's own bytes"},
};

static const met_option_group groups[] = {{flags, sizeof flags / sizeof flags[0], 0}};

const met_command met_command_template = {
    .name = "template",
    .summary = "Render a chat template.",
    .synopsis = "template --template-file FILE --messages FILE [--tools FILE]",
    .notes = "The text is printed as it is, byte for byte. A file name may be - for standard "
             "input. In the JSON document, \"control\" lists the byte ranges in which "
             "control tokens are recognised: those that came from the template itself.",
    .runs_no_model = true,
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(template_options),
    .run = run,
    .json_failure = json_failure,
};
