/* Byte views and a growing byte buffer. */
#ifndef MET_BASE_TEXT_H
#define MET_BASE_TEXT_H

#include "metallic.h"

#include <string.h>

/* A view of a NUL-terminated string. */
static inline met_str met_str_of(const char *text)
{
    met_str view = {text, strlen(text)};
    return view;
}

static inline bool met_str_equal(met_str a, met_str b)
{
    return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

static inline bool met_str_is(met_str a, const char *text)
{
    return met_str_equal(a, met_str_of(text));
}

/* One digit 0 to 9 at least, and nothing else. */
static inline bool met_str_is_digits(met_str a)
{
    for (size_t i = 0; i < a.bytes; i++) {
        if (a.data[i] < '0' || a.data[i] > '9') return false;
    }
    return a.bytes > 0;
}

/* For "%.*s": the bytes of a view, bounded so that one name cannot fill an error text. */
static inline int met_str_shown(met_str s)
{
    return s.bytes < 96 ? (int)s.bytes : 96;
}

/* A buffer that grows by doubling. Zero-initialised is empty. After a failed allocation `failed`
 * is set, later calls do nothing, and the owner checks once at the end. */
typedef struct met_buffer {
    char *data; /* NUL-terminated once anything was added */
    size_t bytes;
    size_t capacity_bytes;
    bool failed;
} met_buffer;

void met_buffer_add(met_buffer *buffer, const void *data, size_t bytes);
void met_buffer_add_str(met_buffer *buffer, met_str text);
void met_buffer_printf(met_buffer *buffer, const char *format, ...) MET_PRINTF(2, 3);
/* Make room for `bytes` more without adding them. False: out of memory. */
bool met_buffer_reserve(met_buffer *buffer, size_t bytes);
/* Frees the storage and zeroes the buffer. */
void met_buffer_free(met_buffer *buffer);
/* Move the bytes into a met_text without control ranges; the buffer is empty afterwards. */
met_status met_buffer_to_text(met_buffer *buffer, met_text *out, met_error *err);

/* Length in bytes (1..4) of the well-formed UTF-8 sequence at `at`, and its code point; 0 when it
 * is malformed or `bytes` is 0. Overlong forms, surrogates and values above 10FFFF are malformed
 * (Unicode 15.0, table 3-7). */
size_t met_utf8_next(const char *at, size_t bytes, uint32_t *code_point);

/* Replace, with as many '?', control characters, so that a name from a file cannot move the cursor
 * or forge lines, and what is not UTF-8 (a path may be anything, a long name is cut anywhere), so
 * that the text fits into JSON. `text` ends in NUL. */
void met_utf8_make_printable(char *text);

/* Whether all of it is well-formed. `bad_at`, when not NULL, receives the first bad offset. */
bool met_utf8_valid(met_str text, size_t *bad_at);

#endif
