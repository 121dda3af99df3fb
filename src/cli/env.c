/* Owns: the subcommand env: the table of variables, their values and where those come from. */
#include "cli/command.h"
#include "cli/json_value.h"

#include <string.h>

typedef struct env_options {
    bool json;
} env_options;

static const char *fallback_of(const met_option *option)
{
    return option->fallback_help != NULL ? option->fallback_help : option->fallback;
}

/* The value as JSON has it; null when the variable is not set and its default is no fixed value. */
static json_t *value_of(const met_option *option, const met_environment *environment, bool is_set)
{
    const void *field = (const char *)environment + option->offset;
    const char *text;

    if (!is_set && option->fallback == NULL) return json_null();
    switch (option->kind) {
    case MET_OPTION_SWITCH:
    case MET_OPTION_BOOL: return json_boolean(*(const bool *)field);
    case MET_OPTION_COUNT:
    case MET_OPTION_INTEGER: return json_integer(*(const int64_t *)field);
    case MET_OPTION_REAL: return met_json_real(*(const double *)field);
    case MET_OPTION_TEXT:
    case MET_OPTION_PATH:
    case MET_OPTION_CHOICE:
        text = *(const char *const *)field;
        return met_json_text(text, strlen(text));
    case MET_OPTION_TEXTS: break; /* no variable holds a list */
    }
    return json_null();
}

static void write_value(const met_option *option, const met_environment *environment, bool is_set,
                        met_output *output)
{
    json_t *value = value_of(option, environment, is_set);
    const char *fallback = fallback_of(option);

    if (json_is_null(value)) {
        met_output_text(output, fallback != NULL ? fallback : "none");
    } else if (json_is_string(value)) {
        met_output_escaped(output, (met_str){json_string_value(value), json_string_length(value)});
    } else if (json_is_boolean(value)) {
        met_output_text(output, json_is_true(value) ? "on" : "off");
    } else if (json_is_integer(value)) {
        met_output_printf(output, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        met_output_printf(output, "%g", json_real_value(value));
    }
    json_decref(value);
}

static void write_table(const met_environment *environment, met_output *output)
{
    char accepted[MET_OPTION_ACCEPTED_BYTES];

    for (size_t i = 0; i < met_environment_count; i++) {
        const met_option *option = &met_environment_options[i];
        bool is_set = (environment->set >> i & 1) != 0;
        met_option_accepted(option, accepted);
        met_output_printf(output, "%s: ", option->name);
        write_value(option, environment, is_set, output);
        met_output_printf(output, " (%s)\n    %s\n    %s: %s\n",
                          is_set ? "from the environment" : "default", option->help,
                          met_option_kind_name(option->kind), accepted);
    }
}

static void write_document(const met_environment *environment, met_output *output)
{
    char accepted[MET_OPTION_ACCEPTED_BYTES];
    json_t *rows = json_array();
    bool bad = false;

    for (size_t i = 0; i < met_environment_count; i++) {
        const met_option *option = &met_environment_options[i];
        bool is_set = (environment->set >> i & 1) != 0;
        met_option_accepted(option, accepted);
        json_t *row =
            json_pack("{s:s, s:s, s:s, s:s?, s:o, s:s, s:s}", "name", option->name, "type",
                      met_option_kind_name(option->kind), "accepted", accepted, "default",
                      fallback_of(option), "value", value_of(option, environment, is_set),
                      "source", is_set ? "environment" : "default", "help", option->help);
        if (json_array_append_new(rows, row) != 0) bad = true;
    }
    json_t *document = json_pack("{s:s, s:o}", "schema", "metallic.env/1", "variables", rows);
    if (bad) {
        json_decref(document);
        document = NULL;
    }
    met_output_json(output, document, MET_JSON_DOUBLE_DIGITS);
}

/* Every value was read, and so accepted, before a subcommand runs. */
static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    const env_options *options = any_options;

    (void)err;
    if (options->json) {
        write_document(invocation->environment, invocation->output);
    } else {
        write_table(invocation->environment, invocation->output);
    }
    return MET_OK;
}

static met_json_failure json_failure(const void *options)
{
    const env_options *flags = options;
    return (met_json_failure){flags->json ? "metallic.env/1" : NULL, false};
}

static const met_option flags[] = {
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(env_options, json),
     .help = "print a JSON document"},
};

static const met_option_group groups[] = {{flags, sizeof flags / sizeof flags[0], 0}};

const met_command met_command_env = {
    .name = "env",
    .summary = "Print the environment variables that are read, and their values.",
    .synopsis = "env [--json]",
    .notes = "A flag wins over a variable, and a variable over the default. An empty variable "
             "counts as not set. A value that is not accepted is bad usage, here as everywhere.",
    .runs_no_model = true,
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(env_options),
    .run = run,
    .json_failure = json_failure,
};
