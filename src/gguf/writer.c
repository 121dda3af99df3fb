/* Owns: writing GGUF files. Does not own the meaning of what is written, nor that names are unique.
 *
 * The invariant: the bytes go to a file beside the target, which takes the target's name only when
 * everything was written. The header is kept in memory until the first tensor data arrives, since
 * it begins with its own counts. */
#include "gguf/gguf.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"
#include "gguf/internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_NAMES_MAX = 100, FILE_BUFFER_BYTES = 1 << 20 };

struct met_gguf_writer {
    char *path;      /* as it was given, for errors */
    char *target;    /* where it leads */
    char *temporary; /* beside `target`; NULL: no file was made */
    FILE *file;
    uint32_t alignment;
    met_buffer keys;
    uint64_t key_count;
    met_buffer tensors;
    uint64_t tensor_count;
    uint64_t *tensor_bytes; /* [tensor_count] */
    uint64_t data_bytes;    /* where the next tensor begins, from the data's beginning */
    bool header_written;
    uint64_t current;      /* tensor that is being written */
    uint64_t current_left; /* its bytes still to come */
    met_status status;     /* the first failure, and its text */
    met_error error;
};

/* Remember the first failure. */
static void remember_io(met_gguf_writer *w, const char *what)
{
    if (w->status != MET_OK) return;
    w->status = met_fail(&w->error, MET_E_IO, "%s: cannot %s: %s", w->path, what, strerror(errno));
}

static void remember_memory(met_gguf_writer *w)
{
    if (w->status != MET_OK) return;
    w->status = met_fail(&w->error, MET_E_MEMORY, "%s: out of memory for the header", w->path);
}

static void put_u32(met_buffer *buffer, uint32_t value)
{
    met_buffer_add(buffer, &value, sizeof value);
}

static void put_u64(met_buffer *buffer, uint64_t value)
{
    met_buffer_add(buffer, &value, sizeof value);
}

static void put_str(met_buffer *buffer, met_str text)
{
    put_u64(buffer, text.bytes);
    met_buffer_add_str(buffer, text);
}

/* What belongs in the header cannot come after it. */
static void remember_late(met_gguf_writer *w, met_str name)
{
    if (w->status != MET_OK || !w->header_written) return;
    w->status =
        met_fail(&w->error, MET_E_ARGUMENT, "%s: %.*s comes after tensor data, expected before",
                 w->path, met_str_shown(name), name.data);
}

static void put_key(met_gguf_writer *w, met_str key, met_gguf_type type)
{
    remember_late(w, key);
    put_str(&w->keys, key);
    put_u32(&w->keys, type);
    w->key_count++;
}

static void put_bytes(met_gguf_writer *w, const void *data, size_t bytes)
{
    if (w->status != MET_OK || bytes == 0) return;
    if (fwrite(data, 1, bytes, w->file) != bytes) remember_io(w, "write");
}

static void put_padding(met_gguf_writer *w, uint64_t written_bytes)
{
    static const uint8_t zeros[64];
    uint64_t left = (w->alignment - written_bytes % w->alignment) % w->alignment;
    while (left > 0 && w->status == MET_OK) {
        size_t bytes = left < sizeof zeros ? (size_t)left : sizeof zeros;
        put_bytes(w, zeros, bytes);
        left -= bytes;
    }
}

static void write_header(met_gguf_writer *w)
{
    if (w->header_written) return;
    w->header_written = true;
    if (w->keys.failed || w->tensors.failed) remember_memory(w);
    met_buffer head = {0};
    met_buffer_add(&head, "GGUF", 4);
    put_u32(&head, MET_GGUF_VERSION);
    put_u64(&head, w->tensor_count);
    put_u64(&head, w->key_count);
    if (head.failed) remember_memory(w);
    put_bytes(w, head.data, head.bytes);
    put_bytes(w, w->keys.data, w->keys.bytes);
    put_bytes(w, w->tensors.data, w->tensors.bytes);
    put_padding(w, head.bytes + w->keys.bytes + w->tensors.bytes);
    met_buffer_free(&head);
    if (w->tensor_count > 0) w->current_left = w->tensor_bytes[0];
}

/* What takes the name in the end would take the place of a device, a pipe, a folder or a link too.
 */
static bool find_target(met_gguf_writer *w)
{
    struct stat info;
    if (w->path[0] == '\0') {
        w->status = met_fail(&w->error, MET_E_ARGUMENT, "file name: found \"\", expected a path");
        return false;
    }
    if (stat(w->path, &info) == 0 && !S_ISREG(info.st_mode)) {
        w->status = met_fail(&w->error, MET_E_IO,
                             "%s: not a regular file, expected one to replace or a new name",
                             w->path);
        return false;
    }
    w->target = realpath(w->path, NULL);
    if (w->target == NULL && errno == ENOENT && lstat(w->path, &info) != 0) {
        w->target = strdup(w->path); /* a new name */
    }
    if (w->target != NULL) return true;
    if (errno == ENOMEM) {
        remember_memory(w);
    } else {
        remember_io(w, "find what it leads to");
    }
    return false;
}

/* Create a file beside the target that nobody else has, and nobody reads who cannot read what it
 * replaces. */
static bool open_temporary(met_gguf_writer *w)
{
    size_t bytes = strlen(w->target) + 64;
    struct stat there;
    bool replaces = stat(w->target, &there) == 0;
    mode_t mode = replaces ? there.st_mode & 0777 : 0666;
    w->temporary = malloc(bytes);
    if (w->temporary == NULL) {
        remember_memory(w);
        return false;
    }
    int fd = -1;
    for (int i = 0; i < TEMPORARY_NAMES_MAX && fd < 0; i++) {
        (void)snprintf(w->temporary, bytes, "%s.%ld-%d.part", w->target, (long)getpid(), i);
        fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd >= 0 && replaces) (void)fchmod(fd, mode); /* what the umask took away */
    if (fd >= 0) w->file = fdopen(fd, "wb");
    if (w->file == NULL) {
        remember_io(w, "create a file beside it");
        if (fd >= 0) {
            close(fd);
            (void)unlink(w->temporary);
        }
        free(w->temporary);
        w->temporary = NULL;
        return false;
    }
    (void)setvbuf(w->file, NULL, _IOFBF, FILE_BUFFER_BYTES);
    return true;
}

met_status met_gguf_writer_begin(const char *path, uint32_t alignment, met_gguf_writer **out,
                                 met_error *err)
{
    *out = NULL;
    if (alignment < MET_GGUF_ALIGNMENT_LEAST || (alignment & (alignment - 1)) != 0) {
        return met_fail(err, MET_E_ARGUMENT,
                        "%s: alignment %" PRIu32 ", expected a power of two of at least %d", path,
                        alignment, MET_GGUF_ALIGNMENT_LEAST);
    }
    met_gguf_writer *w = calloc(1, sizeof *w);
    if (w == NULL) return met_fail_memory(err, "GGUF writer", sizeof *w);
    w->alignment = alignment;
    w->path = strdup(path);
    if (w->path == NULL || !find_target(w) || !open_temporary(w)) {
        met_status status = w->status == MET_OK
                                ? met_fail_memory(err, "GGUF writer", strlen(path) + 1)
                                : met_fail(err, w->status, "%s", w->error.text);
        met_gguf_writer_abandon(w);
        return status;
    }
    if (alignment != MET_GGUF_ALIGNMENT) met_gguf_write_u32(w, "general.alignment", alignment);
    *out = w;
    return MET_OK;
}

void met_gguf_write_u32(met_gguf_writer *writer, const char *key, uint32_t value)
{
    put_key(writer, met_str_of(key), MET_GGUF_U32);
    put_u32(&writer->keys, value);
}

void met_gguf_write_u64(met_gguf_writer *writer, const char *key, uint64_t value)
{
    put_key(writer, met_str_of(key), MET_GGUF_U64);
    put_u64(&writer->keys, value);
}

void met_gguf_write_f32(met_gguf_writer *writer, const char *key, float value)
{
    put_key(writer, met_str_of(key), MET_GGUF_F32);
    met_buffer_add(&writer->keys, &value, sizeof value);
}

void met_gguf_write_f64(met_gguf_writer *writer, const char *key, double value)
{
    put_key(writer, met_str_of(key), MET_GGUF_F64);
    met_buffer_add(&writer->keys, &value, sizeof value);
}

void met_gguf_write_bool(met_gguf_writer *writer, const char *key, bool value)
{
    put_key(writer, met_str_of(key), MET_GGUF_BOOL);
    met_buffer_add(&writer->keys, value ? "\1" : "\0", 1);
}

void met_gguf_write_str(met_gguf_writer *writer, const char *key, met_str value)
{
    put_key(writer, met_str_of(key), MET_GGUF_STRING);
    put_str(&writer->keys, value);
}

static void put_array(met_gguf_writer *w, const char *key, met_gguf_type type, uint64_t count)
{
    put_key(w, met_str_of(key), MET_GGUF_ARRAY);
    put_u32(&w->keys, type);
    put_u64(&w->keys, count);
}

void met_gguf_write_array(met_gguf_writer *writer, const char *key, met_gguf_type type,
                          const void *data, uint64_t count)
{
    assert(met_gguf_type_bytes(type) > 0); /* strings have their own function */
    put_array(writer, key, type, count);
    met_buffer_add(&writer->keys, data, (size_t)count * met_gguf_type_bytes(type));
}

void met_gguf_write_strings(met_gguf_writer *writer, const char *key, const met_str *strings,
                            uint64_t count)
{
    put_array(writer, key, MET_GGUF_STRING, count);
    for (uint64_t i = 0; i < count; i++)
        put_str(&writer->keys, strings[i]);
}

void met_gguf_write_copy(met_gguf_writer *writer, const met_gguf_key *key)
{
    put_key(writer, key->name, key->type);
    met_buffer_add(&writer->keys, key->value, met_gguf_key_bytes(key));
}

static uint32_t ggml_type_of(met_dtype type)
{
    switch (type) {
    case MET_DTYPE_F32: return MET_GGML_F32;
    case MET_DTYPE_F16: return MET_GGML_F16;
    case MET_DTYPE_Q8_0: return MET_GGML_Q8_0;
    }
    return MET_GGML_F32;
}

/* Bytes of a tensor that the reader would accept; 0 for what it would refuse. */
static uint64_t tensor_bytes(met_dtype type, uint32_t dims, const uint64_t *shape)
{
    if (dims < 1 || dims > MET_GGUF_DIMS_MAX || shape[0] > INT32_MAX) return 0;
    if (type == MET_DTYPE_Q8_0 && shape[0] % MET_Q8_BLOCK != 0) return 0;
    uint64_t bytes = met_dtype_row_bytes(type, (size_t)shape[0]);
    for (uint32_t i = 1; i < dims; i++) {
        if (!met_mul_u64(bytes, shape[i], &bytes) || bytes > INT64_MAX) return 0;
    }
    return bytes;
}

void met_gguf_describe_tensor(met_gguf_writer *writer, const char *name, met_dtype type,
                              uint32_t dims, const uint64_t *shape)
{
    remember_late(writer, met_str_of(name));
    if (writer->status != MET_OK) return;
    uint64_t bytes = tensor_bytes(type, dims, shape);
    if (bytes == 0 || bytes > INT64_MAX - writer->data_bytes) {
        writer->status =
            met_fail(&writer->error, MET_E_ARGUMENT,
                     "%s: tensor %s: %" PRIu32 " dimensions, rows of %" PRIu64
                     " %s; expected 1 to 4, none 0, whole blocks, and a size that fits",
                     writer->path, name, dims, dims > 0 ? shape[0] : 0, met_dtype_name(type));
        return;
    }
    uint64_t *grown = realloc(writer->tensor_bytes,
                              (size_t)(writer->tensor_count + 1) * sizeof *writer->tensor_bytes);
    if (grown == NULL) {
        remember_memory(writer);
        return;
    }
    writer->tensor_bytes = grown;
    writer->tensor_bytes[writer->tensor_count++] = bytes;
    put_str(&writer->tensors, met_str_of(name));
    put_u32(&writer->tensors, dims);
    for (uint32_t i = 0; i < dims; i++)
        put_u64(&writer->tensors, shape[i]);
    put_u32(&writer->tensors, ggml_type_of(type));
    put_u64(&writer->tensors, writer->data_bytes);
    writer->data_bytes = met_align_up((size_t)(writer->data_bytes + bytes), writer->alignment);
}

void met_gguf_write_data(met_gguf_writer *writer, const void *data, size_t bytes)
{
    write_header(writer);
    const uint8_t *at = data;
    while (bytes > 0 && writer->status == MET_OK) {
        if (writer->current == writer->tensor_count) {
            writer->status =
                met_fail(&writer->error, MET_E_ARGUMENT,
                         "%s: %zu bytes of data more than the tensors have", writer->path, bytes);
            return;
        }
        size_t part = bytes < writer->current_left ? bytes : (size_t)writer->current_left;
        put_bytes(writer, at, part);
        at += part;
        bytes -= part;
        writer->current_left -= part;
        if (writer->current_left > 0) continue;
        put_padding(writer, writer->tensor_bytes[writer->current]);
        writer->current++;
        if (writer->current < writer->tensor_count) {
            writer->current_left = writer->tensor_bytes[writer->current];
        }
    }
}

bool met_gguf_writer_failed(const met_gguf_writer *writer)
{
    return writer->status != MET_OK;
}

met_status met_gguf_writer_finish(met_gguf_writer *writer, met_error *err)
{
    write_header(writer);
    if (writer->status == MET_OK && writer->current < writer->tensor_count) {
        writer->status =
            met_fail(&writer->error, MET_E_ARGUMENT,
                     "%s: tensor number %" PRIu64 " of %" PRIu64 " lacks %" PRIu64 " bytes of data",
                     writer->path, writer->current, writer->tensor_count, writer->current_left);
    }
    if (fclose(writer->file) != 0) remember_io(writer, "write");
    writer->file = NULL;
    if (writer->status == MET_OK && rename(writer->temporary, writer->target) != 0) {
        remember_io(writer, "rename the finished file");
    }
    met_status status = writer->status;
    if (status == MET_OK) {
        free(writer->temporary); /* it has the target's name now: nothing to remove */
        writer->temporary = NULL;
    } else {
        (void)met_fail(err, status, "%s", writer->error.text);
    }
    met_gguf_writer_abandon(writer);
    return status;
}

void met_gguf_writer_abandon(met_gguf_writer *writer)
{
    if (writer == NULL) return;
    if (writer->file != NULL) (void)fclose(writer->file);
    if (writer->temporary != NULL) (void)unlink(writer->temporary);
    free(writer->temporary);
    free(writer->path);
    free(writer->target);
    free(writer->tensor_bytes);
    met_buffer_free(&writer->keys);
    met_buffer_free(&writer->tensors);
    free(writer);
}
