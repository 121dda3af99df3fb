/* What the files of this room share: the index of a file, and the state of reading it. */
#ifndef MET_GGUF_INTERNAL_H
#define MET_GGUF_INTERNAL_H

#include "gguf/gguf.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF is read in place, little-endian");

enum {
    MET_GGUF_VERSION = 3,
    MET_GGUF_ALIGNMENT = 32,         /* when general.alignment is absent */
    MET_GGUF_ALIGNMENT_LEAST = 8,    /* of the format: a multiple of 8 */
    MET_GGUF_NAME_BYTES_MAX = 65535, /* of the format */
    MET_GGUF_DEPTH_MAX = 8,          /* arrays inside arrays: ours, it bounds the recursion */
};

/* ggml's numbers of the types that run here. */
enum { MET_GGML_F32 = 0, MET_GGML_F16 = 1, MET_GGML_Q8_0 = 8 };

struct met_gguf {
    char *name;
    const uint8_t *data;
    uint64_t bytes;
    uint32_t version;
    uint32_t alignment;
    uint64_t data_offset;
    met_gguf_key *keys; /* [key_count] in the order of the file */
    uint64_t key_count;
    met_gguf_tensor *tensors; /* [tensor_count] in the order of the file */
    uint64_t tensor_count;
    const met_str **keys_by_name;    /* [key_count] sorted; each points into `keys` */
    const met_str **tensors_by_name; /* [tensor_count] */
};

/* Where reading stands and what is being read. The first failure stays: `status` is set, reads
 * give zeros from then on, and the caller looks at `status` before it uses what it read. */
typedef struct met_gguf_reader {
    met_gguf *gguf;
    const uint8_t *at;
    const uint8_t *end;
    const char *kind; /* "key", "tensor"; NULL in the header */
    uint64_t index;
    met_str label; /* the name, once it was read and is valid */
    met_status status;
    met_error *err;
} met_gguf_reader;

/* Record a failure: "FILE: tensor NAME <format>". */
void met_gguf_refuse(met_gguf_reader *r, met_status status, const char *format, ...)
    MET_PRINTF(3, 4);

/* Bytes left to read. */
static inline uint64_t met_gguf_left(const met_gguf_reader *r)
{
    return (uint64_t)(r->end - r->at);
}

/* The next `bytes` bytes, called `what` in errors; NULL when the file ends before. */
const uint8_t *met_gguf_take(met_gguf_reader *r, uint64_t bytes, const char *what);
uint32_t met_gguf_take_u32(met_gguf_reader *r, const char *what);
uint64_t met_gguf_take_u64(met_gguf_reader *r, const char *what);
/* A name of a key or tensor: not empty, UTF-8, no NUL. Becomes the label. */
met_str met_gguf_take_name(met_gguf_reader *r);
/* Whether the rest of the file can hold `count` things of at least `bytes_least` bytes each. */
bool met_gguf_may_hold(met_gguf_reader *r, uint64_t count, uint64_t bytes_least, const char *what);

/* One tensor description. */
void met_gguf_read_tensor(met_gguf_reader *r, met_gguf_tensor *tensor);
/* Once data_offset is known: every tensor inside the file, aligned, none over another. */
void met_gguf_place_tensors(met_gguf_reader *r);

/* Bytes of a scalar; 0 for strings and arrays. */
size_t met_gguf_type_bytes(met_gguf_type type);

/* How a tensor type packs its elements. */
typedef struct met_gguf_block {
    const char *name; /* "Q8_0" */
    uint32_t elements;
    uint32_t bytes;
} met_gguf_block;

/* NULL: no such type. */
const met_gguf_block *met_gguf_block_of(uint32_t ggml_type);

#endif
