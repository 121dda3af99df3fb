/* Owns: the public inspection of files. Does not run them: types and shapes that no machine here
 * could run are shown like any other. */
#include "metallic.h"

#include "base/error.h"
#include "base/mapping.h"
#include "base/text.h"
#include "gguf/gguf.h"
#include "template/value.h"

#include <stdlib.h>

struct met_file {
    met_mapping *mapping; /* NULL: the bytes are the caller's */
    met_gguf *gguf;
    uint64_t bytes;
};

/* Takes the mapping, also on failure. */
static met_status open_bytes(met_mapping *mapping, const void *data, size_t bytes, const char *name,
                             met_file **out, met_error *err)
{
    met_status status = MET_OK;
    met_file *file = calloc(1, sizeof *file);
    *out = NULL;
    if (file == NULL) {
        met_mapping_close(mapping);
        return met_fail_memory(err, "file", sizeof *file);
    }
    file->mapping = mapping;
    file->bytes = bytes;
    status = met_gguf_parse(data, bytes, name, &file->gguf, err);
    if (status != MET_OK) {
        met_file_close(file);
        return status;
    }
    *out = file;
    return MET_OK;
}

met_status met_file_open(const char *path, met_file **out, met_error *err)
{
    met_mapping *mapping = NULL;
    *out = NULL;
    met_status status = met_mapping_open(path, &mapping, err);
    if (status != MET_OK) return status;
    return open_bytes(mapping, met_mapping_data(mapping), met_mapping_bytes(mapping), path, out,
                      err);
}

met_status met_file_open_memory(const void *data, size_t bytes, const char *name, met_file **out,
                                met_error *err)
{
    return open_bytes(NULL, data, bytes, name, out, err);
}

void met_file_close(met_file *file)
{
    if (file == NULL) return;
    met_gguf_free(file->gguf);
    met_mapping_close(file->mapping);
    free(file);
}

met_file_info met_file_describe(const met_file *file)
{
    met_file_info info = {
        .version = met_gguf_version(file->gguf),
        .alignment_bytes = met_gguf_alignment(file->gguf),
        .file_bytes = file->bytes,
        .data_offset_bytes = met_gguf_data_offset(file->gguf),
        .keys = met_gguf_key_count(file->gguf),
        .tensors = met_gguf_tensor_count(file->gguf),
    };
    return info;
}

static const char *type_name(const met_gguf_key *key)
{
    static const char *const array_names[] = {
        [MET_GGUF_U8] = "array<u8>",         [MET_GGUF_I8] = "array<i8>",
        [MET_GGUF_U16] = "array<u16>",       [MET_GGUF_I16] = "array<i16>",
        [MET_GGUF_U32] = "array<u32>",       [MET_GGUF_I32] = "array<i32>",
        [MET_GGUF_F32] = "array<f32>",       [MET_GGUF_BOOL] = "array<bool>",
        [MET_GGUF_STRING] = "array<string>", [MET_GGUF_ARRAY] = "array<array>",
        [MET_GGUF_U64] = "array<u64>",       [MET_GGUF_I64] = "array<i64>",
        [MET_GGUF_F64] = "array<f64>",
    };
    if (key->type == MET_GGUF_ARRAY) return array_names[key->array.type];
    return met_gguf_type_name(key->type);
}

met_file_key met_file_key_at(const met_file *file, uint64_t index)
{
    const met_gguf_key *key = met_gguf_key_at(file->gguf, index);
    met_file_key shown = {
        .key = key->name,
        .type = met_str_of(type_name(key)),
        .count = key->type == MET_GGUF_ARRAY ? key->array.count : 1,
    };
    return shown;
}

met_file_tensor met_file_tensor_at(const met_file *file, uint64_t index)
{
    const met_gguf_tensor *tensor = met_gguf_tensor_at(file->gguf, index);
    met_file_tensor shown = {
        .name = tensor->name,
        .type = met_str_of(met_gguf_tensor_type_name(tensor->ggml_type)),
        .dims = tensor->dims,
        .offset_bytes = tensor->offset_bytes,
        .bytes = tensor->bytes,
    };
    for (uint32_t i = 0; i < MET_GGUF_DIMS_MAX; i++)
        shown.shape[i] = tensor->shape[i];
    return shown;
}

static met_value *scalar_value(const met_gguf_key *key)
{
    switch (key->type) {
    case MET_GGUF_U8:
    case MET_GGUF_U16:
    case MET_GGUF_U32:
    case MET_GGUF_U64: return met_value_uint(met_gguf_key_u64(key));
    case MET_GGUF_I8:
    case MET_GGUF_I16:
    case MET_GGUF_I32:
    case MET_GGUF_I64: return met_value_int(met_gguf_key_i64(key));
    case MET_GGUF_F32:
    case MET_GGUF_F64: return met_value_float(met_gguf_key_f64(key));
    case MET_GGUF_BOOL: return met_value_bool(met_gguf_key_u64(key) != 0);
    case MET_GGUF_STRING: {
        met_str text = met_gguf_key_str(key);
        return met_value_string(text.data, text.bytes);
    }
    case MET_GGUF_ARRAY: break;
    }
    return NULL;
}

/* Arrays nest as deep as the reader allowed, and so does this. */
static met_value *value_of(const met_gguf_key *key, uint64_t most)
{
    if (key->type != MET_GGUF_ARRAY) return scalar_value(key);
    met_value *list = met_value_list();
    if (list == NULL) return NULL;
    const uint8_t *at = key->array.data;
    uint64_t count = key->array.count < most ? key->array.count : most;
    for (uint64_t i = 0; i < count; i++) {
        met_gguf_key element = met_gguf_next_element(&key->array, &at);
        if (met_value_push(list, value_of(&element, most)) != MET_OK) {
            met_value_free(list);
            return NULL;
        }
    }
    return list;
}

met_value *met_file_value_at(const met_file *file, uint64_t index, uint64_t most)
{
    return value_of(met_gguf_key_at(file->gguf, index), most);
}
