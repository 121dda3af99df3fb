/* GGUF files made byte by byte, right or wrong, and what the reader says of them. */
#ifndef MET_TESTS_GGUF_FORGE_H
#define MET_TESTS_GGUF_FORGE_H

#include "support/testing.h"

#include "base/text.h"
#include "gguf/gguf.h"

static inline void forge_u8(met_buffer *f, uint8_t value)
{
    met_buffer_add(f, &value, sizeof value);
}

static inline void forge_u32(met_buffer *f, uint32_t value)
{
    met_buffer_add(f, &value, sizeof value);
}

static inline void forge_u64(met_buffer *f, uint64_t value)
{
    met_buffer_add(f, &value, sizeof value);
}

static inline void forge_str(met_buffer *f, const char *text)
{
    forge_u64(f, strlen(text));
    met_buffer_add(f, text, strlen(text));
}

static inline void forge_header(met_buffer *f, uint32_t version, uint64_t tensors, uint64_t keys)
{
    met_buffer_add(f, "GGUF", 4);
    forge_u32(f, version);
    forge_u64(f, tensors);
    forge_u64(f, keys);
}

/* A key's name and type; its value follows. */
static inline void forge_key(met_buffer *f, const char *name, uint32_t type)
{
    forge_str(f, name);
    forge_u32(f, type);
}

static inline void forge_key_u32(met_buffer *f, const char *name, uint32_t value)
{
    forge_key(f, name, MET_GGUF_U32);
    forge_u32(f, value);
}

static inline void forge_tensor(met_buffer *f, const char *name, uint32_t dims,
                                const uint64_t *shape, uint32_t ggml_type, uint64_t offset)
{
    forge_str(f, name);
    forge_u32(f, dims);
    for (uint32_t i = 0; i < dims; i++)
        forge_u64(f, shape[i]);
    forge_u32(f, ggml_type);
    forge_u64(f, offset);
}

/* Zeros up to a multiple of `alignment`. */
static inline void forge_pad(met_buffer *f, size_t alignment)
{
    while (f->bytes % alignment != 0)
        forge_u8(f, 0);
}

static inline void forge_zeros(met_buffer *f, size_t count)
{
    for (size_t i = 0; i < count; i++)
        forge_u8(f, 0);
}

/* Parse the first `bytes` bytes from a buffer that ends at an unreadable page. */
static inline met_status forge_parse_part(const met_buffer *f, size_t bytes, met_error *err)
{
    met_gguf *gguf = (met_gguf *)(uintptr_t)1; /* a failure must clear it */
    char *copy = test_guarded(bytes);
    if (bytes > 0) memcpy(copy, f->data, bytes);
    memset(err, 0, sizeof *err);
    met_status status = met_gguf_parse(copy, bytes, "m.gguf", &gguf, err);
    if (status == MET_OK) {
        assert_non_null(gguf);
        met_gguf_free(gguf);
    } else {
        assert_null(gguf);
        assert_int_equal(err->status, status);
        assert_memory_equal(err->text, "m.gguf: ", 8);
    }
    test_guarded_free(copy, bytes);
    return status;
}

/* The reader refuses the file with this status and exactly this text. Frees the file. */
static inline void forge_refused(met_buffer *f, met_status status, const char *text)
{
    met_error err;
    met_status found = forge_parse_part(f, f->bytes, &err);
    if (found != status) {
        fail_msg("%s \"%s\", expected %s", met_status_name(found), err.text,
                 met_status_name(status));
    }
    assert_string_equal(err.text, text);
    met_buffer_free(f);
}

#endif
