/* Writes seeds for fuzz_gguf into a folder: whole models as small as they can be, of every type,
 * and a file with every kind of key. */
#include "model/synth.h"

#include "base/text.h"

#include <stdio.h>

static const met_synth_shape small = {"small", 1, 32, 32, 2, 1, 16, 270, 16, true};
static const met_synth_shape untied = {"untied", 2, 64, 32, 2, 2, 16, 259, 16, false};

/* Arrays in arrays, which the writer has no call for. */
static void write_nested(met_gguf_writer *writer)
{
    static const uint8_t value[] = {
        9, 0, 0, 0, 2, 0, 0, 0, 0,   0,   0, 0,          /* two arrays: */
        7, 0, 0, 0, 3, 0, 0, 0, 0,   0,   0, 0, 0, 1, 0, /* three bools, */
        8, 0, 0, 0, 1, 0, 0, 0, 0,   0,   0, 0,          /* one string */
        2, 0, 0, 0, 0, 0, 0, 0, 'h', 'i',
    };
    met_gguf_key key = {.name = met_str_of("nested"), .type = MET_GGUF_ARRAY, .value = value};
    key.array.end = value + sizeof value;
    met_gguf_write_copy(writer, &key);
}

static met_status write_keys(const char *path, met_error *err)
{
    met_gguf_writer *writer = NULL;
    const uint64_t shape[] = {32, 2};
    const uint8_t data[68] = {0};
    met_status status = met_gguf_writer_begin(path, 8, &writer, err);
    if (status != MET_OK) return status;
    met_gguf_write_u64(writer, "u64", 1);
    met_gguf_write_f64(writer, "f64", 1);
    met_gguf_write_bool(writer, "bool", true);
    met_gguf_write_str(writer, "string", met_str_of("text"));
    met_gguf_write_array(writer, "bytes", MET_GGUF_U8, data, sizeof data);
    write_nested(writer);
    met_gguf_describe_tensor(writer, "w", MET_DTYPE_Q8_0, 2, shape);
    met_gguf_write_data(writer, data, sizeof data);
    return met_gguf_writer_finish(writer, err);
}

int main(int argc, char **argv)
{
    met_error err;
    char path[4096];
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    snprintf(path, sizeof path, "%s/keys.gguf", argv[1]);
    met_status status = write_keys(path, &err);
    for (int type = MET_DTYPE_F32; type <= MET_DTYPE_Q8_0 && status == MET_OK; type++) {
        const met_synth_shape *shape = type == MET_DTYPE_F16 ? &untied : &small;
        snprintf(path, sizeof path, "%s/model-%s.gguf", argv[1], met_dtype_name((met_dtype)type));
        status = met_synth_write(shape, (met_dtype)type, 1, NULL, path, NULL, NULL, &err);
    }
    if (status != MET_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return 0;
}
