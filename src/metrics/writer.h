/* A file that text is written to through a buffer, and the little of JSON that exporters need. */
#ifndef MET_METRICS_WRITER_H
#define MET_METRICS_WRITER_H

#include "metallic.h"

#include <string.h>

enum { MET_WRITER_BUFFER_BYTES = 1 << 16 };

/* After the first failure every call does nothing; the owner looks at `failure`. */
typedef struct met_writer {
    int fd;      /* -1: closed */
    int failure; /* errno of the first failure; 0: none */
    size_t used_bytes;
    char *buffer; /* [MET_WRITER_BUFFER_BYTES] */
} met_writer;

/* A closed writer. */
static inline met_writer met_writer_none(void)
{
    return (met_writer){.fd = -1};
}

/* Open what `path` names as met_target_open does. Errors as there, and MET_E_MEMORY. */
met_status met_writer_open(met_writer *writer, const char *path, met_str signature,
                           met_error *err);
/* Whether `path` names the file that is being written: two writers would tear each other's lines.
 * Never of what is no regular file: a terminal, /dev/null. */
bool met_writer_has(const met_writer *writer, const char *path);
/* Write what is in the buffer. */
void met_writer_flush(met_writer *writer);
/* Flush and close; accepts a closed one. `failure` stays. */
void met_writer_close(met_writer *writer);

/* What does not fit into the buffer. */
void met_writer_bytes_slow(met_writer *writer, const char *data, size_t bytes);

static inline void met_writer_bytes(met_writer *writer, const char *data, size_t bytes)
{
    if (writer->fd < 0) return;
    if (bytes > MET_WRITER_BUFFER_BYTES - writer->used_bytes) {
        met_writer_bytes_slow(writer, data, bytes);
        return;
    }
    memcpy(writer->buffer + writer->used_bytes, data, bytes);
    writer->used_bytes += bytes;
}

/* A string literal as it is. */
#define met_writer_literal(writer, text) met_writer_bytes((writer), "" text, sizeof(text) - 1)
void met_writer_uint(met_writer *writer, uint64_t value);
/* `value` / 10^digits: 1234567 with 3 digits is 1234.567. */
void met_writer_decimal(met_writer *writer, uint64_t value, int digits);
/* A JSON string with its quotes. What is not UTF-8 becomes U+FFFD. */
void met_writer_string(met_writer *writer, met_str text);

#endif
