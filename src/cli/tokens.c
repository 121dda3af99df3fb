/* Owns: the subcommands tokenize and detokenize. The invariant: what tokenize prints for a text,
 * detokenize turns back into that text (in NFC). */
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/failure.h"
#include "cli/ids.h"
#include "cli/input.h"
#include "cli/json_value.h"

#include <stdlib.h>
#include <string.h>

#include <unistd.h>

typedef struct tokenize_options {
    met_engine_options engine;
    const char *file;
    const char *batch;
    bool control;
    bool json;
} tokenize_options;

/* "1 2 3" or "[1,2,3]", and a line feed. The digits are made here: a JSON tree and its printf made
 * a batch five times as slow. */
static void write_ids(met_output *output, const int32_t *ids, size_t count, bool json)
{
    char text[4096], digits[12];
    size_t used = json ? 1 : 0;

    text[0] = '[';
    for (size_t i = 0; i < count; i++) {
        if (used + sizeof digits + 1 > sizeof text) {
            met_output_write(output, text, used);
            used = 0;
        }
        if (i > 0) text[used++] = json ? ',' : ' ';
        size_t first = sizeof digits;
        for (uint32_t rest = (uint32_t)ids[i]; rest > 0 || first == sizeof digits; rest /= 10) {
            digits[--first] = (char)('0' + rest % 10);
        }
        memcpy(text + used, digits + first, sizeof digits - first);
        used += sizeof digits - first;
    }
    met_output_write(output, text, used);
    met_output_text(output, json ? "]\n" : "\n");
}

static met_status tokenize_text(const met_engine *engine, const tokenize_options *options,
                                met_str text, bool json, met_output *output, met_error *err)
{
    met_span all = {0, text.bytes};
    bool control = options->control && text.bytes > 0;
    int32_t *ids = NULL;
    size_t count = 0;

    met_status status = met_engine_tokenize(engine, text, control ? &all : NULL, control ? 1 : 0,
                                            &ids, &count, err);
    if (status == MET_OK) write_ids(output, ids, count, json);
    free(ids);
    return status;
}

/* One line of a batch: an object with "text". */
static met_status tokenize_line(const met_engine *engine, const tokenize_options *options,
                                const char *line, size_t bytes, met_output *output, met_error *err)
{
    json_error_t found;
    json_t *document = json_loadb(line, bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &found);
    const json_t *text = json_object_get(document, "text");
    met_status status;

    if (document == NULL) {
        status = met_failure_set(err, MET_E_FORMAT, "%s, expected a JSON object", found.text);
    } else if (!json_is_string(text)) {
        status = met_failure_set(err, MET_E_FORMAT, "no string \"text\", expected {\"text\": ...}");
    } else {
        met_str view = {json_string_value(text), json_string_length(text)};
        status = tokenize_text(engine, options, view, true, output, err);
        met_output_flush(output); /* whoever feeds lines through a pipe waits for this one */
    }
    json_decref(document);
    return status;
}

static met_status tokenize_batch(const met_engine *engine, const tokenize_options *options,
                                 met_output *output, met_error *err)
{
    FILE *file = NULL;
    met_input_text line = {0};
    size_t number = 0;
    const char *name = met_input_name(options->batch);
    met_error reason = {MET_OK, ""};

    met_status status = met_input_open(options->batch, &file, err);
    if (status != MET_OK) return status;
    while (status == MET_OK && !met_output_failed(output)) {
        status = met_input_line(file, name, &line, err);
        if (status != MET_OK || line.bytes == 0) break;
        number++;
        status = tokenize_line(engine, options, line.data, line.bytes, output, &reason);
        if (status == MET_OK) continue;
        (void)met_failure_set(err, status, "%s: line %zu: %s", name, number, reason.text);
    }
    free(line.data);
    if (file != stdin) fclose(file);
    return status;
}

static met_status check_tokenize(const met_invocation *invocation, const tokenize_options *options,
                                 met_error *err)
{
    int sources = (options->file != NULL) + (options->batch != NULL) + invocation->argument_count;

    if (sources > 1) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "tokenize: found %d texts, expected one of TEXT, --file and --batch",
                               sources);
    }
    if (sources == 0 && met_output_is_terminal(STDIN_FILENO)) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "tokenize: no text, expected TEXT, --file FILE, "
                               "--batch FILE, or standard input that is not a terminal");
    }
    return MET_OK;
}

static met_status run_tokenize(met_invocation *invocation, const void *any_options, met_error *err)
{
    const tokenize_options *options = any_options;
    met_engine engine = {0};
    char *read = NULL;
    met_str text = {NULL, 0};

    met_status status = check_tokenize(invocation, options, err);
    if (status != MET_OK) return status;
    if (invocation->argument_count > 0) {
        text = (met_str){invocation->arguments[0], strlen(invocation->arguments[0])};
    } else if (options->batch == NULL) {
        const char *path = options->file != NULL ? options->file : "-";
        status = met_input_read(path, &read, &text.bytes, err);
        text.data = read;
    }
    if (status == MET_OK) {
        status = met_engine_open_vocabulary(&options->engine, invocation, &engine, err);
    }
    if (status == MET_OK && options->batch != NULL) {
        status = tokenize_batch(&engine, options, invocation->output, err);
    } else if (status == MET_OK) {
        status = tokenize_text(&engine, options, text, options->json, invocation->output, err);
    }
    met_engine_close(&engine);
    free(read);
    return status;
}

static met_json_failure tokenize_json_failure(const void *options)
{
    const tokenize_options *flags = options;
    bool json = flags->json || flags->batch != NULL;
    return (met_json_failure){json ? "metallic.tokenize/1" : NULL, false};
}

static const met_option tokenize_flags[] = {
    {.name = "file",
     .kind = MET_OPTION_PATH,
     .offset = offsetof(tokenize_options, file),
     .value_name = "FILE",
     .help = "read the text from a file; - is standard input"},
    {.name = "batch",
     .kind = MET_OPTION_PATH,
     .offset = offsetof(tokenize_options, batch),
     .value_name = "FILE",
     .help = "read lines, each a JSON object with \"text\"; print a JSON array for each"},
    {.name = "control",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(tokenize_options, control),
     .help = "recognise control tokens such as <|im_end|>; otherwise they are plain text"},
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(tokenize_options, json),
     .help = "print a JSON array"},
};

static const met_option_group tokenize_groups[] = {
    {tokenize_flags, sizeof tokenize_flags / sizeof tokenize_flags[0], 0},
    {met_engine_flags, MET_ENGINE_FLAGS_MODEL, offsetof(tokenize_options, engine)},
};

const met_command met_command_tokenize = {
    .name = "tokenize",
    .summary = "Print the token ids of a text.",
    .synopsis = "tokenize [--gguf-path FILE] [TEXT | --file FILE] [--json]\n"
                "tokenize [--gguf-path FILE] --batch FILE.jsonl",
    .notes = "Without TEXT, --file and --batch, standard input is read when it is not a "
             "terminal.",
    .groups = tokenize_groups,
    .group_count = sizeof tokenize_groups / sizeof tokenize_groups[0],
    .options_bytes = sizeof(tokenize_options),
    .arguments_most = 1,
    .run = run_tokenize,
    .json_failure = tokenize_json_failure,
};

/* ---- detokenize */

typedef struct detokenize_options {
    met_engine_options engine;
    bool skip_control;
    bool json;
} detokenize_options;

static met_status read_ids(const met_invocation *invocation, met_ids *ids, met_error *err)
{
    met_status status = MET_OK;
    char *text = NULL;
    size_t bytes = 0;

    for (int i = 0; i < invocation->argument_count && status == MET_OK; i++) {
        const char *argument = invocation->arguments[i];
        status = met_ids_parse(ids, "detokenize", argument, strlen(argument), err);
    }
    if (invocation->argument_count > 0) return status;
    if (met_output_is_terminal(STDIN_FILENO)) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "detokenize: no ids, expected ids as arguments or "
                               "standard input that is not a terminal");
    }
    status = met_input_read("-", &text, &bytes, err);
    if (status == MET_OK) status = met_ids_parse(ids, "standard input", text, bytes, err);
    if (status == MET_E_ARGUMENT) { /* what a file holds is no bad usage */
        status = MET_E_FORMAT;
        err->status = status;
    }
    free(text);
    return status;
}

static met_status run_detokenize(met_invocation *invocation, const void *any_options,
                                 met_error *err)
{
    const detokenize_options *options = any_options;
    met_output *output = invocation->output;
    met_engine engine = {0};
    met_ids ids = {0};
    met_text text = {0};

    met_status status = read_ids(invocation, &ids, err);
    if (status == MET_OK) {
        status = met_engine_open_vocabulary(&options->engine, invocation, &engine, err);
    }
    if (status == MET_OK) {
        status = met_model_detokenize(engine.model, ids.items, ids.count, !options->skip_control,
                                      &text, err);
    }
    if (status == MET_OK && options->json) {
        met_output_json(output, met_json_text(text.data, text.bytes), MET_JSON_DOUBLE_DIGITS);
    } else if (status == MET_OK) {
        /* The exact bytes, so that a round trip is exact; a person gets the line feed too. */
        met_output_write(output, text.data, text.bytes);
        if (met_output_is_terminal(STDOUT_FILENO)) met_output_text(output, "\n");
    }
    met_text_free(&text);
    met_engine_close(&engine);
    free(ids.items);
    return status;
}

static met_json_failure detokenize_json_failure(const void *options)
{
    const detokenize_options *flags = options;
    return (met_json_failure){flags->json ? "metallic.detokenize/1" : NULL, false};
}

static const met_option detokenize_flags[] = {
    {.name = "skip-control",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(detokenize_options, skip_control),
     .help = "leave control tokens out"},
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(detokenize_options, json),
     .help = "print a JSON string"},
};

static const met_option_group detokenize_groups[] = {
    {detokenize_flags, sizeof detokenize_flags / sizeof detokenize_flags[0], 0},
    {met_engine_flags, MET_ENGINE_FLAGS_MODEL, offsetof(detokenize_options, engine)},
};

const met_command met_command_detokenize = {
    .name = "detokenize",
    .summary = "Print the text of token ids.",
    .synopsis = "detokenize [--gguf-path FILE] [--skip-control] [--json] [ID ...]",
    .notes = "Ids are separated by commas or spaces and may stand in brackets. Without ids, "
             "standard input is read. The text is printed as it is, byte for byte; a line "
             "feed is added only on a terminal.",
    .groups = detokenize_groups,
    .group_count = sizeof detokenize_groups / sizeof detokenize_groups[0],
    .options_bytes = sizeof(detokenize_options),
    .arguments_most = INT32_MAX,
    .run = run_detokenize,
    .json_failure = detokenize_json_failure,
};
