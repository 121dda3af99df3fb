/* GGUF: bytes to views of keys and tensors, and back. Hostile input stops here: whatever
 * met_gguf_parse accepts can be read without another check of bounds.
 *
 * The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md and docs/GGUF_SPEC.md. */
#ifndef MET_GGUF_GGUF_H
#define MET_GGUF_GGUF_H

#include "base/dtype.h"
#include "metallic.h"

/* Metadata types, as stored. */
typedef enum met_gguf_type {
    MET_GGUF_U8 = 0,
    MET_GGUF_I8 = 1,
    MET_GGUF_U16 = 2,
    MET_GGUF_I16 = 3,
    MET_GGUF_U32 = 4,
    MET_GGUF_I32 = 5,
    MET_GGUF_F32 = 6,
    MET_GGUF_BOOL = 7,
    MET_GGUF_STRING = 8,
    MET_GGUF_ARRAY = 9,
    MET_GGUF_U64 = 10,
    MET_GGUF_I64 = 11,
    MET_GGUF_F64 = 12,
} met_gguf_type;

/* An array: `count` elements of `type`, stored one after the other from `data`. Strings and nested
 * arrays vary in size: walk them with a cursor. */
typedef struct met_gguf_array {
    met_gguf_type type;
    uint64_t count;
    const uint8_t *data;
    const uint8_t *end;
} met_gguf_array;

/* A key with its value, or an element of an array (then the name is empty). */
typedef struct met_gguf_key {
    met_str name;
    met_gguf_type type;
    const uint8_t
        *value; /* first byte of a scalar, a string's length, an array's type; unaligned */
    met_gguf_array array; /* when type is MET_GGUF_ARRAY */
} met_gguf_key;

enum { MET_GGUF_DIMS_MAX = 4 };

/* The reader knows every type of ggml; what runs here is narrower: see met_gguf_tensor_dtype. */
typedef struct met_gguf_tensor {
    met_str name;
    uint32_t ggml_type;                /* as stored; met_gguf_tensor_type_name knows it */
    uint32_t dims;                     /* 1..4 */
    uint64_t shape[MET_GGUF_DIMS_MAX]; /* ne[0] first: contiguous; 1 beyond dims; all >= 1 */
    uint64_t offset_bytes;             /* from the beginning of the file */
    uint64_t bytes;                    /* of the data; the product of the shape fits int64_t */
    const void *data;                  /* aligned as offset_bytes is and the file's base allows */
} met_gguf_tensor;

typedef struct met_gguf met_gguf;

/* Check everything and index it. The bytes are borrowed until met_gguf_free; `name` (a path) is
 * copied and begins every error text. Cost: one pass over the header, none over tensor data, and a
 * sort of the names. Tensor data is aligned only as far as `data` is: to run a model from it, give
 * a base that is aligned to at least 64 bytes.
 *
 * MET_E_TRUNCATED  the file ends before what it announces;
 * MET_E_FORMAT     magic, version, a name, a bool, an offset, an overlap, a duplicate;
 * MET_E_TYPE       an unknown metadata or tensor type;
 * MET_E_KEY        general.alignment; MET_E_TENSOR dimensions; MET_E_MEMORY. */
met_status met_gguf_parse(const void *data, size_t bytes, const char *name, met_gguf **out,
                          met_error *err);
/* Accepts NULL. */
void met_gguf_free(met_gguf *gguf);

const char *met_gguf_name(const met_gguf *gguf);
uint32_t met_gguf_version(const met_gguf *gguf);
uint32_t met_gguf_alignment(const met_gguf *gguf);
uint64_t met_gguf_data_offset(const met_gguf *gguf); /* where tensor data begins */

uint64_t met_gguf_key_count(const met_gguf *gguf);
const met_gguf_key *met_gguf_key_at(const met_gguf *gguf, uint64_t index);
const met_gguf_key *met_gguf_find(const met_gguf *gguf, const char *key); /* NULL: absent */

uint64_t met_gguf_tensor_count(const met_gguf *gguf);
const met_gguf_tensor *met_gguf_tensor_at(const met_gguf *gguf, uint64_t index);
const met_gguf_tensor *met_gguf_find_tensor(const met_gguf *gguf, const char *name);

/* Typed reading. A required key that is absent or of another kind is MET_E_KEY naming the key, what
 * was found and what was expected. Integers accept every integer type whose value fits; floats
 * accept f32 and f64. */
met_status met_gguf_get_u32(const met_gguf *gguf, const char *key, uint32_t *out, met_error *err);
met_status met_gguf_get_f64(const met_gguf *gguf, const char *key, double *out, met_error *err);
met_status met_gguf_get_str(const met_gguf *gguf, const char *key, met_str *out, met_error *err);
met_status met_gguf_get_array(const met_gguf *gguf, const char *key, met_gguf_type type,
                              met_gguf_array *out, met_error *err);
/* The same for a key that may be absent: then *out keeps what it holds. A present key of the wrong
 * kind is still an error. */
met_status met_gguf_maybe_u32(const met_gguf *gguf, const char *key, uint32_t *out, met_error *err);
met_status met_gguf_maybe_f64(const met_gguf *gguf, const char *key, double *out, met_error *err);
met_status met_gguf_maybe_str(const met_gguf *gguf, const char *key, met_str *out, met_error *err);
met_status met_gguf_maybe_bool(const met_gguf *gguf, const char *key, bool *out, met_error *err);

/* Scalars of a key whose type is known. */
uint64_t met_gguf_key_u64(const met_gguf_key *key); /* U8..U64, BOOL; negative wraps */
int64_t met_gguf_key_i64(const met_gguf_key *key);
double met_gguf_key_f64(const met_gguf_key *key);
met_str met_gguf_key_str(const met_gguf_key *key);

/* Bytes that the value takes in the file: from `value` on. */
size_t met_gguf_key_bytes(const met_gguf_key *key);

/* Walk any array: start with `at = array->data`; each call returns one of its `count` elements and
 * moves `at`. Elements that are arrays are walked in turn. */
met_gguf_key met_gguf_next_element(const met_gguf_array *array, const uint8_t **at);

/* Walk an array of strings: start with `at = array->data`; each call returns one and moves `at`. */
static inline met_str met_gguf_next_string(const uint8_t **at)
{
    uint64_t bytes = 0;
    __builtin_memcpy(&bytes, *at, 8); /* little-endian, checked by met_gguf_parse */
    met_str text = {(const char *)*at + 8, (size_t)bytes};
    *at += 8 + bytes;
    return text;
}

/* "u32", "array". Static storage. */
const char *met_gguf_type_name(met_gguf_type type);
/* Name of a ggml tensor type by number, also of those not supported here ("Q4_K"); NULL: none. */
const char *met_gguf_tensor_type_name(uint32_t ggml_type);
/* What a tensor's elements are here. MET_E_TYPE, naming the tensor, for every type but F32, F16 and
 * Q8_0. */
met_status met_gguf_tensor_dtype(const met_gguf *gguf, const met_gguf_tensor *tensor,
                                 met_dtype *out, met_error *err);

/* ---------------------------------------------------------------- writing */

/* Writes version 3. Keys and tensor descriptions first, then tensor data in the order of the
 * descriptions; the file appears under its name only when met_gguf_writer_finish succeeds. Errors
 * are remembered: only begin and finish need a check. Names are the caller's to keep unique. */
typedef struct met_gguf_writer met_gguf_writer;

/* alignment: a power of two of at least 8; the writer adds general.alignment when it is not 32.
 * MET_E_ARGUMENT, MET_E_MEMORY; MET_E_IO with the path when the folder cannot be written, or when
 * something has the name that is not a regular file: a folder, a device, a pipe. */
met_status met_gguf_writer_begin(const char *path, uint32_t alignment, met_gguf_writer **out,
                                 met_error *err);
void met_gguf_write_u32(met_gguf_writer *writer, const char *key, uint32_t value);
void met_gguf_write_u64(met_gguf_writer *writer, const char *key, uint64_t value);
void met_gguf_write_f32(met_gguf_writer *writer, const char *key, float value);
void met_gguf_write_f64(met_gguf_writer *writer, const char *key, double value);
void met_gguf_write_bool(met_gguf_writer *writer, const char *key, bool value);
void met_gguf_write_str(met_gguf_writer *writer, const char *key, met_str value);
/* `data`: elements as stored, fixed-size types. */
void met_gguf_write_array(met_gguf_writer *writer, const char *key, met_gguf_type type,
                          const void *data, uint64_t count);
void met_gguf_write_strings(met_gguf_writer *writer, const char *key, const met_str *strings,
                            uint64_t count);
/* A key as another file has it, of any type. */
void met_gguf_write_copy(met_gguf_writer *writer, const met_gguf_key *key);
void met_gguf_describe_tensor(met_gguf_writer *writer, const char *name, met_dtype type,
                              uint32_t dims, const uint64_t *shape);
/* Bytes of the tensors in the order of description, in any portions; padding is added. */
void met_gguf_write_data(met_gguf_writer *writer, const void *data, size_t bytes);
/* Whether an error is remembered: for a caller whose data takes long to make. */
bool met_gguf_writer_failed(const met_gguf_writer *writer);
/* Close and rename into place. Frees the writer. On failure nothing is left behind.
 * MET_E_IO with the path when the disk is full; MET_E_ARGUMENT when a description was not possible
 * or the data does not fill exactly what was described. */
met_status met_gguf_writer_finish(met_gguf_writer *writer, met_error *err);
/* Give up: remove what was written. Accepts NULL. */
void met_gguf_writer_abandon(met_gguf_writer *writer);

#endif
