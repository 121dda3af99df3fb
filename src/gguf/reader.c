/* Owns: reading a GGUF file's header and metadata, and the index by name. Tensor descriptions are
 * read in tensors.c; values are handed out in value.c.
 *
 * The invariant: nothing is allocated for a count before the rest of the file was found large
 * enough to hold it, and no byte is read before it was found inside the file. Reading costs time
 * linear in the header, also for a hostile file; sorting the names adds a logarithm and, other than
 * a hash table, has no bad case that a file could aim at. */
#include "gguf/gguf.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"
#include "gguf/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The least that a key takes: name length, one letter, type, one byte. */
enum { KEY_BYTES_LEAST = 8 + 1 + 4 + 1, TENSOR_BYTES_LEAST = 8 + 1 + 4 + 8 + 4 + 8 };

void met_gguf_refuse(met_gguf_reader *r, met_status status, const char *format, ...)
{
    if (r->status != MET_OK) return; /* the first failure is the one that explains */
    char text[MET_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *file = r->gguf->name;
    if (r->label.bytes > 0) {
        r->status = met_fail(r->err, status, "%s: %s %.*s %s", file, r->kind,
                             met_str_shown(r->label), r->label.data, text);
    } else if (r->kind != NULL) {
        r->status =
            met_fail(r->err, status, "%s: %s number %" PRIu64 " %s", file, r->kind, r->index, text);
    } else {
        r->status = met_fail(r->err, status, "%s: %s", file, text);
    }
}

const uint8_t *met_gguf_take(met_gguf_reader *r, uint64_t bytes, const char *what)
{
    if (r->status != MET_OK) return NULL;
    if (bytes > met_gguf_left(r)) {
        met_gguf_refuse(r, MET_E_TRUNCATED,
                        "has a %s of %" PRIu64 " bytes at byte %" PRIu64
                        ", but the file ends at byte %" PRIu64,
                        what, bytes, (uint64_t)(r->at - r->gguf->data), r->gguf->bytes);
        return NULL;
    }
    const uint8_t *at = r->at;
    r->at += bytes;
    return at;
}

uint32_t met_gguf_take_u32(met_gguf_reader *r, const char *what)
{
    uint32_t value = 0;
    const uint8_t *at = met_gguf_take(r, sizeof value, what);
    if (at != NULL) memcpy(&value, at, sizeof value);
    return value;
}

uint64_t met_gguf_take_u64(met_gguf_reader *r, const char *what)
{
    uint64_t value = 0;
    const uint8_t *at = met_gguf_take(r, sizeof value, what);
    if (at != NULL) memcpy(&value, at, sizeof value);
    return value;
}

bool met_gguf_may_hold(met_gguf_reader *r, uint64_t count, uint64_t bytes_least, const char *what)
{
    if (r->status != MET_OK) return false;
    if (count <= met_gguf_left(r) / bytes_least) return true;
    met_gguf_refuse(r, MET_E_TRUNCATED,
                    "announces %" PRIu64 " %s of at least %" PRIu64 " bytes each, but %" PRIu64
                    " bytes are left in the file",
                    count, what, bytes_least, met_gguf_left(r));
    return false;
}

met_str met_gguf_take_name(met_gguf_reader *r)
{
    met_str name = {"", 0};
    uint64_t bytes = met_gguf_take_u64(r, "length of its name");
    const uint8_t *at = met_gguf_take(r, bytes, "name");
    if (at == NULL) return name;
    if (bytes == 0 || bytes > MET_GGUF_NAME_BYTES_MAX) {
        met_gguf_refuse(r, MET_E_FORMAT, "has a name of %" PRIu64 " bytes, expected 1 to %d", bytes,
                        MET_GGUF_NAME_BYTES_MAX);
        return name;
    }
    met_str found = {(const char *)at, (size_t)bytes};
    size_t bad_at = 0;
    if (memchr(found.data, 0, found.bytes) != NULL) {
        met_gguf_refuse(r, MET_E_FORMAT, "has a NUL in its name, expected text");
    } else if (!met_utf8_valid(found, &bad_at)) {
        met_gguf_refuse(r, MET_E_FORMAT,
                        "has byte 0x%02x at position %zu of its name, expected UTF-8", at[bad_at],
                        bad_at);
    } else {
        name = found;
        r->label = found;
    }
    return name;
}

static met_gguf_type take_type(met_gguf_reader *r)
{
    uint32_t type = met_gguf_take_u32(r, "type");
    if (type > MET_GGUF_F64) {
        met_gguf_refuse(r, MET_E_TYPE, "has metadata type %" PRIu32 ", expected 0 (u8) to 12 (f64)",
                        type);
        type = MET_GGUF_U8;
    }
    return (met_gguf_type)type;
}

static void check_bools(met_gguf_reader *r, const uint8_t *at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (at[i] <= 1) continue;
        met_gguf_refuse(r, MET_E_FORMAT, "has a bool of value %d, expected 0 or 1", at[i]);
        return;
    }
}

/* The strings of an array: the longest part of most headers, so it keeps its place in registers. */
static void skip_strings(met_gguf_reader *r, uint64_t count)
{
    const uint8_t *at = r->at;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t bytes = 0;
        uint64_t left = (uint64_t)(r->end - at);
        if (left >= sizeof bytes) memcpy(&bytes, at, sizeof bytes);
        if (left < sizeof bytes || bytes > left - sizeof bytes) {
            met_gguf_refuse(r, MET_E_TRUNCATED,
                            "has string %" PRIu64 " of %" PRIu64 " with %" PRIu64
                            " bytes at byte %" PRIu64 ", but the file ends at byte %" PRIu64,
                            i, count, bytes, (uint64_t)(at - r->gguf->data), r->gguf->bytes);
            return;
        }
        at += sizeof bytes + bytes;
    }
    r->at = at;
}

/* The least that an element of an array takes: a length; a type and a count. */
static uint64_t element_bytes_least(met_gguf_type type)
{
    if (type == MET_GGUF_STRING) return 8;
    if (type == MET_GGUF_ARRAY) return 4 + 8;
    return met_gguf_type_bytes(type);
}

static met_gguf_array take_array(met_gguf_reader *r, int depth)
{
    met_gguf_array array = {.type = take_type(r)};
    array.count = met_gguf_take_u64(r, "array length");
    uint64_t bytes_least = element_bytes_least(array.type);
    array.data = r->at;
    array.end = r->at;
    if (!met_gguf_may_hold(r, array.count, bytes_least, "array elements")) return array;
    if (array.type == MET_GGUF_STRING) {
        skip_strings(r, array.count);
    } else if (array.type == MET_GGUF_ARRAY) {
        if (depth == MET_GGUF_DEPTH_MAX) {
            met_gguf_refuse(r, MET_E_FORMAT, "nests arrays deeper than %d, expected at most %d",
                            MET_GGUF_DEPTH_MAX, MET_GGUF_DEPTH_MAX);
        }
        for (uint64_t i = 0; i < array.count && r->status == MET_OK; i++) {
            (void)take_array(r, depth + 1);
        }
    } else {
        (void)met_gguf_take(r, array.count * bytes_least, "array");
        if (array.type == MET_GGUF_BOOL) check_bools(r, array.data, array.count);
    }
    array.end = r->at;
    return array;
}

static void read_key(met_gguf_reader *r, met_gguf_key *key)
{
    r->label = (met_str){"", 0};
    key->name = met_gguf_take_name(r);
    key->type = take_type(r);
    key->value = r->at;
    if (key->type == MET_GGUF_STRING) {
        uint64_t bytes = met_gguf_take_u64(r, "string length");
        (void)met_gguf_take(r, bytes, "string");
    } else if (key->type == MET_GGUF_ARRAY) {
        key->array = take_array(r, 1);
    } else {
        const uint8_t *at = met_gguf_take(r, met_gguf_type_bytes(key->type), "value");
        if (at != NULL && key->type == MET_GGUF_BOOL) check_bools(r, at, 1);
    }
}

static void read_header(met_gguf_reader *r)
{
    met_gguf *gguf = r->gguf;
    int magic_bytes = gguf->bytes < 4 ? (int)gguf->bytes : 4;
    if (memcmp(gguf->data, "GGUF", (size_t)magic_bytes) != 0) {
        char shown[5] = "";
        for (int i = 0; i < magic_bytes; i++) {
            bool printable = gguf->data[i] >= 0x20 && gguf->data[i] < 0x7f;
            shown[i] = printable ? (char)gguf->data[i] : '?';
        }
        met_gguf_refuse(r, MET_E_FORMAT,
                        "not a GGUF file: it begins with \"%s\", expected \"GGUF\"", shown);
    }
    (void)met_gguf_take(r, 4, "magic \"GGUF\"");
    gguf->version = met_gguf_take_u32(r, "version");
    if (r->status != MET_OK) return;
    if (__builtin_bswap32(gguf->version) <= MET_GGUF_VERSION && gguf->version != 0) {
        met_gguf_refuse(r, MET_E_FORMAT, "big-endian GGUF file, expected little-endian");
    } else if (gguf->version == 1) {
        met_gguf_refuse(
            r, MET_E_FORMAT,
            "GGUF version 1 is not supported, expected 2 or 3: convert the model again");
    } else if (gguf->version < 2 || gguf->version > MET_GGUF_VERSION) {
        met_gguf_refuse(r, MET_E_FORMAT, "GGUF version %" PRIu32 ", expected 2 or 3",
                        gguf->version);
    }
    gguf->tensor_count = met_gguf_take_u64(r, "tensor count");
    gguf->key_count = met_gguf_take_u64(r, "key count");
    (void)met_gguf_may_hold(r, gguf->tensor_count, TENSOR_BYTES_LEAST, "tensors");
    (void)met_gguf_may_hold(r, gguf->key_count, KEY_BYTES_LEAST, "keys");
}

/* `count` zeroed things; at least one, so that NULL means that memory is out. */
static void *allocate(met_gguf_reader *r, uint64_t count, size_t bytes_each)
{
    void *items = calloc(count > 0 ? (size_t)count : 1, bytes_each);
    if (items == NULL && r->status == MET_OK) {
        r->status = met_fail_memory(r->err, "index of a GGUF file", (size_t)count * bytes_each);
    }
    return items;
}

static int compare_names(const void *left, const void *right)
{
    const met_str *a = *(const met_str *const *)left;
    const met_str *b = *(const met_str *const *)right;
    size_t common = a->bytes < b->bytes ? a->bytes : b->bytes;
    int order = memcmp(a->data, b->data, common);
    if (order != 0) return order;
    return (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

/* Pointers to the names of `count` items, sorted. Names are the first member of keys and of
 * tensors. Refuses names that come twice. */
static const met_str **sort_names(met_gguf_reader *r, const void *items, size_t item_bytes,
                                  uint64_t count)
{
    if (r->status != MET_OK) return NULL;
    const met_str **sorted = allocate(r, count, sizeof *sorted);
    if (sorted == NULL) return NULL;
    for (uint64_t i = 0; i < count; i++) {
        sorted[i] = (const met_str *)(const void *)((const char *)items + i * item_bytes);
    }
    qsort(sorted, (size_t)count, sizeof *sorted, compare_names);
    for (uint64_t i = 1; i < count; i++) {
        if (!met_str_equal(*sorted[i - 1], *sorted[i])) continue;
        r->label = *sorted[i];
        met_gguf_refuse(r, MET_E_FORMAT, "is there twice, expected once");
        break;
    }
    return sorted;
}

static const met_str *find_name(const met_str **sorted, uint64_t count, const char *name)
{
    met_str wanted = met_str_of(name);
    const met_str *wanted_at = &wanted;
    const met_str **found =
        bsearch(&wanted_at, sorted, (size_t)count, sizeof *sorted, compare_names);
    return found == NULL ? NULL : *found;
}

static void read_alignment(met_gguf_reader *r)
{
    if (r->status != MET_OK) return;
    met_gguf *gguf = r->gguf;
    gguf->alignment = MET_GGUF_ALIGNMENT;
    const met_gguf_key *key = met_gguf_find(gguf, "general.alignment");
    if (key == NULL) return;
    r->label = key->name;
    if (key->type != MET_GGUF_U32) {
        met_gguf_refuse(r, MET_E_KEY, "is of type %s, expected u32", met_gguf_type_name(key->type));
        return;
    }
    uint64_t alignment = met_gguf_key_u64(key);
    if (alignment < MET_GGUF_ALIGNMENT_LEAST || (alignment & (alignment - 1)) != 0) {
        met_gguf_refuse(r, MET_E_KEY, "is %" PRIu64 ", expected a power of two of at least %d",
                        alignment, MET_GGUF_ALIGNMENT_LEAST);
        return;
    }
    gguf->alignment = (uint32_t)alignment;
}

static void read_keys(met_gguf_reader *r)
{
    if (r->status != MET_OK) return;
    met_gguf *gguf = r->gguf;
    gguf->keys = allocate(r, gguf->key_count, sizeof *gguf->keys);
    r->kind = "key";
    for (r->index = 0; r->index < gguf->key_count && r->status == MET_OK; r->index++) {
        read_key(r, &gguf->keys[r->index]);
    }
    gguf->keys_by_name = sort_names(r, gguf->keys, sizeof *gguf->keys, gguf->key_count);
    read_alignment(r);
}

static void read_tensors(met_gguf_reader *r)
{
    if (r->status != MET_OK) return;
    met_gguf *gguf = r->gguf;
    r->kind = "tensor";
    gguf->tensors = allocate(r, gguf->tensor_count, sizeof *gguf->tensors);
    for (r->index = 0; r->index < gguf->tensor_count && r->status == MET_OK; r->index++) {
        r->label = (met_str){"", 0};
        met_gguf_read_tensor(r, &gguf->tensors[r->index]);
    }
    gguf->tensors_by_name = sort_names(r, gguf->tensors, sizeof *gguf->tensors, gguf->tensor_count);
    uint64_t header_bytes = (uint64_t)(r->at - gguf->data);
    gguf->data_offset = (header_bytes + gguf->alignment - 1) / gguf->alignment * gguf->alignment;
    met_gguf_place_tensors(r);
}

met_status met_gguf_parse(const void *data, size_t bytes, const char *name, met_gguf **out,
                          met_error *err)
{
    *out = NULL;
    met_gguf *gguf = calloc(1, sizeof *gguf);
    if (gguf == NULL) return met_fail_memory(err, "index of a GGUF file", sizeof *gguf);
    met_gguf_reader r = {.gguf = gguf, .at = data, .label = {"", 0}, .status = MET_OK, .err = err};
    gguf->name = strdup(name);
    if (gguf->name == NULL) {
        r.status = met_fail_memory(err, "name of a GGUF file", strlen(name) + 1);
        goto done;
    }
    if (bytes == 0) {
        r.status = met_fail(err, MET_E_TRUNCATED, "%s: 0 bytes, expected a GGUF file", name);
        goto done;
    }
    gguf->data = data;
    gguf->bytes = bytes;
    r.end = gguf->data + bytes;
    read_header(&r);
    read_keys(&r);
    read_tensors(&r);
    if (r.status != MET_OK) goto done;
    *out = gguf;
    gguf = NULL;
done:
    met_gguf_free(gguf);
    return r.status;
}

void met_gguf_free(met_gguf *gguf)
{
    if (gguf == NULL) return;
    free(gguf->name);
    free(gguf->keys);
    free(gguf->tensors);
    free(gguf->keys_by_name);
    free(gguf->tensors_by_name);
    free(gguf);
}

const char *met_gguf_name(const met_gguf *gguf)
{
    return gguf->name;
}

uint32_t met_gguf_version(const met_gguf *gguf)
{
    return gguf->version;
}

uint32_t met_gguf_alignment(const met_gguf *gguf)
{
    return gguf->alignment;
}

uint64_t met_gguf_data_offset(const met_gguf *gguf)
{
    return gguf->data_offset;
}

uint64_t met_gguf_key_count(const met_gguf *gguf)
{
    return gguf->key_count;
}

const met_gguf_key *met_gguf_key_at(const met_gguf *gguf, uint64_t index)
{
    return &gguf->keys[index];
}

const met_gguf_key *met_gguf_find(const met_gguf *gguf, const char *key)
{
    return (const met_gguf_key *)(const void *)find_name(gguf->keys_by_name, gguf->key_count, key);
}

uint64_t met_gguf_tensor_count(const met_gguf *gguf)
{
    return gguf->tensor_count;
}

const met_gguf_tensor *met_gguf_tensor_at(const met_gguf *gguf, uint64_t index)
{
    return &gguf->tensors[index];
}

const met_gguf_tensor *met_gguf_find_tensor(const met_gguf *gguf, const char *name)
{
    return (const met_gguf_tensor *)(const void *)find_name(gguf->tensors_by_name,
                                                            gguf->tensor_count, name);
}
