/* Owns: the subcommand inspect: what is in a GGUF file. The invariant: whatever bytes names and
 * texts of the file hold, a terminal shows them and does not obey them. */
#include "cli/bundled.h"
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/failure.h"
#include "cli/json_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_ELEMENTS = 8, SHOWN_TEXT_BYTES = 160 };

typedef struct inspect_options {
    bool json;
    bool program;
} inspect_options;

typedef struct subject {
    const char *path; /* NULL: the bundled model */
    met_file *file;
} subject;

static const char *subject_name(const subject *what)
{
    return what->path != NULL ? what->path : "bundled";
}

/* ---- for people */

static void write_text(met_output *output, met_str text)
{
    met_str shown = text;

    if (shown.bytes > SHOWN_TEXT_BYTES) {
        shown.bytes = SHOWN_TEXT_BYTES;
        while (shown.bytes > 0 && ((unsigned char)shown.data[shown.bytes] & 0xc0) == 0x80) {
            shown.bytes--; /* not within a character */
        }
    }
    met_output_text(output, "\"");
    met_output_escaped(output, shown);
    met_output_text(output, "\"");
    if (shown.bytes < text.bytes) met_output_printf(output, " ... %zu bytes", text.bytes);
}

/* `digits` of real numbers: what their type holds. */
static void write_value(met_output *output, const met_value *value, int digits)
{
    size_t count = met_value_get_count(value);

    switch (met_value_get_kind(value)) {
    case MET_VALUE_NULL: met_output_text(output, "null"); return;
    case MET_VALUE_BOOL:
        met_output_text(output, met_value_get_bool(value) ? "true" : "false");
        return;
    case MET_VALUE_INT: met_output_printf(output, "%" PRId64, met_value_get_int(value)); return;
    case MET_VALUE_UINT: met_output_printf(output, "%" PRIu64, met_value_get_uint(value)); return;
    case MET_VALUE_FLOAT:
        met_output_printf(output, "%.*g", digits, met_value_get_float(value));
        return;
    case MET_VALUE_STRING: write_text(output, met_value_get_string(value)); return;
    case MET_VALUE_LIST:
        met_output_text(output, "[");
        for (size_t i = 0; i < count && i < SHOWN_ELEMENTS; i++) {
            if (i > 0) met_output_text(output, ", ");
            write_value(output, met_value_get_item(value, i), digits);
        }
        met_output_text(output, count > SHOWN_ELEMENTS ? ", ...]" : "]");
        return;
    case MET_VALUE_DICT: return; /* GGUF has none */
    }
}

static met_status write_keys(met_output *output, const met_file *file, uint64_t count,
                             met_error *err)
{
    met_output_text(output, "\nkeys\n");
    for (uint64_t i = 0; i < count && !met_output_failed(output); i++) {
        met_file_key key = met_file_key_at(file, i);
        /* One element more than is shown, so that the dots are told. */
        met_value *value = met_file_value_at(file, i, SHOWN_ELEMENTS + 1);
        if (value == NULL) return met_failure_memory(err);
        bool is_list = met_value_get_kind(value) == MET_VALUE_LIST;
        bool is_f64 = key.type.bytes >= 3 && memcmp(key.type.data, "f64", 3) == 0;
        met_output_text(output, "  ");
        met_output_escaped(output, key.key);
        met_output_printf(output, "  %.*s", (int)key.type.bytes, key.type.data);
        if (is_list) met_output_printf(output, "[%" PRIu64 "]", key.count);
        met_output_text(output, "  ");
        write_value(output, value, is_f64 ? 15 : 7);
        met_output_text(output, "\n");
        met_value_free(value);
    }
    return MET_OK;
}

static void write_tensors(met_output *output, const met_file *file, uint64_t count)
{
    met_output_text(output, "\ntensors\n");
    for (uint64_t i = 0; i < count && !met_output_failed(output); i++) {
        met_file_tensor tensor = met_file_tensor_at(file, i);
        char shape[4 * 24];
        size_t used = 0;
        for (uint32_t d = 0; d < tensor.dims && d < 4; d++) {
            used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRIu64,
                                     d == 0 ? "" : " x ", tensor.shape[d]);
        }
        met_output_text(output, "  ");
        met_output_escaped(output, tensor.name);
        int pad = tensor.name.bytes < 32 ? (int)(32 - tensor.name.bytes) : 1;
        met_output_printf(output, "%*s%-5.*s %-20s %12" PRIu64 " bytes at %" PRIu64 "\n", pad, "",
                          (int)tensor.type.bytes, tensor.type.data, shape, tensor.bytes,
                          tensor.offset_bytes);
    }
}

static uint64_t elements(const met_file_tensor *tensor)
{
    uint64_t product = 1;
    for (uint32_t d = 0; d < tensor->dims; d++) {
        product *= tensor->shape[d]; /* the reader has checked that it does not overflow */
    }
    return product;
}

static uint64_t parameter_count(const met_file *file, uint64_t tensors)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < tensors; i++) {
        met_file_tensor tensor = met_file_tensor_at(file, i);
        sum += elements(&tensor);
    }
    return sum;
}

static met_status write_report(met_output *output, const subject *what, met_error *err)
{
    met_file_info info = met_file_describe(what->file);
    uint64_t parameters = parameter_count(what->file, info.tensors);

    met_output_printf(output, "file        %s\n", subject_name(what));
    met_output_printf(output, "format      GGUF %u, alignment %u\n", info.version,
                      info.alignment_bytes);
    met_output_printf(output, "size        %" PRIu64 " bytes, tensor data from byte %" PRIu64 "\n",
                      info.file_bytes, info.data_offset_bytes);
    met_output_printf(output, "keys        %" PRIu64 "\n", info.keys);
    met_output_printf(output, "tensors     %" PRIu64 "\n", info.tensors);
    met_output_printf(output, "parameters  %" PRIu64 "\n", parameters);
    met_status status = write_keys(output, what->file, info.keys, err);
    if (status == MET_OK) write_tensors(output, what->file, info.tensors);
    return status;
}

/* ---- for programs. Jansson's makers and setters accept NULL as "memory is out" and pass it on. */

static json_t *text_of(met_str text)
{
    return met_json_text(text.data, text.bytes);
}

static json_t *keys_document(const met_file *file, uint64_t count)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < count && list != NULL; i++) {
        met_file_key key = met_file_key_at(file, i);
        met_value *value = met_file_value_at(file, i, UINT64_MAX);
        json_t *item = value == NULL
                           ? NULL
                           : json_pack("{s:o, s:o, s:I, s:o}", "key", text_of(key.key), "type",
                                       text_of(key.type), "count", (json_int_t)key.count, "value",
                                       met_json_from_value(value));
        met_value_free(value);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *tensors_document(const met_file *file, uint64_t count)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < count && list != NULL; i++) {
        met_file_tensor tensor = met_file_tensor_at(file, i);
        json_t *shape = json_array();
        for (uint32_t d = 0; d < tensor.dims; d++) {
            (void)json_array_append_new(shape, json_integer((json_int_t)tensor.shape[d]));
        }
        if (json_array_size(shape) != tensor.dims) {
            json_decref(shape);
            shape = NULL;
        }
        json_t *item =
            json_pack("{s:o, s:o, s:o, s:I, s:I}", "name", text_of(tensor.name), "type",
                      text_of(tensor.type), "shape", shape, "offset_bytes",
                      (json_int_t)tensor.offset_bytes, "bytes", (json_int_t)tensor.bytes);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static void write_document(met_output *output, const subject *what, const met_text *program)
{
    met_file_info info = met_file_describe(what->file);
    const char *name = subject_name(what);
    json_t *document = json_pack(
        "{s:s, s:o, s:i, s:i, s:I, s:I, s:I, s:o, s:o}", "schema", "metallic.inspect/1", "path",
        met_json_text(name, strlen(name)), "version", (int)info.version, "alignment_bytes",
        (int)info.alignment_bytes, "file_bytes", (json_int_t)info.file_bytes, "data_offset_bytes",
        (json_int_t)info.data_offset_bytes, "parameters",
        (json_int_t)parameter_count(what->file, info.tensors), "keys",
        keys_document(what->file, info.keys), "tensors",
        tensors_document(what->file, info.tensors));

    if (program->data != NULL && document != NULL &&
        json_object_set_new(document, "program", met_json_text(program->data, program->bytes)) !=
            0) {
        json_decref(document);
        document = NULL;
    }
    met_output_json(output, document, MET_JSON_DOUBLE_DIGITS);
}

static met_status read_program(const met_invocation *invocation, const subject *what,
                               met_text *program, met_error *err)
{
    met_engine_options options = {.gguf_path = what->path};
    met_engine engine = {0};

    met_status status = met_engine_open(&options, invocation, &engine, err);
    if (status == MET_OK) status = met_model_program(engine.model, program, err);
    met_engine_close(&engine);
    return status;
}

static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    const inspect_options *options = any_options;
    subject what = {.path = invocation->argument_count > 0 ? invocation->arguments[0] : NULL};
    met_text program = {0};
    met_str bundled = met_bundled_model();

    if (what.path != NULL && what.path[0] == '\0') {
        return met_failure_set(err, MET_E_ARGUMENT, "FILE.gguf: found \"\", expected a file name");
    }
    met_status status = what.path != NULL ? met_file_open(what.path, &what.file, err)
                                          : met_file_open_memory(bundled.data, bundled.bytes,
                                                                 "bundled model", &what.file, err);
    if (status == MET_OK && options->program) {
        status = read_program(invocation, &what, &program, err);
    }
    if (status == MET_OK && options->json) {
        write_document(invocation->output, &what, &program);
    } else if (status == MET_OK && options->program) {
        met_output_write(invocation->output, program.data, program.bytes);
    } else if (status == MET_OK) {
        status = write_report(invocation->output, &what, err);
    }
    met_text_free(&program);
    met_file_close(what.file);
    return status;
}

static met_json_failure json_failure(const void *options)
{
    const inspect_options *flags = options;
    return (met_json_failure){flags->json ? "metallic.inspect/1" : NULL, false};
}

static const met_option flags[] = {
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(inspect_options, json),
     .help = "print a JSON document with every value in full"},
    {.name = "program",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(inspect_options, program),
     .help = "print the program that a machine runs for this model; with --json, in the document"},
};

static const met_option_group groups[] = {{flags, sizeof flags / sizeof flags[0], 0}};

const met_command met_command_inspect = {
    .name = "inspect",
    .summary = "Print what is in a GGUF file: facts, keys and tensors.",
    .synopsis = "inspect [FILE.gguf] [--json] [--program]",
    .notes = "Without a file it is the bundled model. Long arrays and texts are shortened; "
             "--json gives all of them.",
    .runs_no_model = true,
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(inspect_options),
    .arguments_most = 1,
    .run = run,
    .json_failure = json_failure,
};
