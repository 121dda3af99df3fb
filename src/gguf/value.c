/* Owns: typed reading of metadata. Knows that met_gguf_parse has checked every bound. */
#include "gguf/gguf.h"

#include "base/error.h"
#include "base/text.h"
#include "gguf/internal.h"

#include <inttypes.h>
#include <string.h>

/* The signed value of an integer type, sign-extended; U64 wraps. */
static int64_t read_integer(met_gguf_type type, const uint8_t *at)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint16_t u16;
        int16_t i16;
        uint32_t u32;
        int32_t i32;
        int64_t i64;
    } value = {.i64 = 0};
    memcpy(&value, at, met_gguf_type_bytes(type));
    switch (type) {
    case MET_GGUF_BOOL:
    case MET_GGUF_U8: return value.u8;
    case MET_GGUF_I8: return value.i8;
    case MET_GGUF_U16: return value.u16;
    case MET_GGUF_I16: return value.i16;
    case MET_GGUF_U32: return value.u32;
    case MET_GGUF_I32: return value.i32;
    case MET_GGUF_U64:
    case MET_GGUF_I64: return value.i64;
    case MET_GGUF_F32:
    case MET_GGUF_F64:
    case MET_GGUF_STRING:
    case MET_GGUF_ARRAY: break;
    }
    return 0;
}

static bool is_integer(met_gguf_type type)
{
    switch (type) {
    case MET_GGUF_U8:
    case MET_GGUF_I8:
    case MET_GGUF_U16:
    case MET_GGUF_I16:
    case MET_GGUF_U32:
    case MET_GGUF_I32:
    case MET_GGUF_U64:
    case MET_GGUF_I64: return true;
    case MET_GGUF_F32:
    case MET_GGUF_F64:
    case MET_GGUF_BOOL:
    case MET_GGUF_STRING:
    case MET_GGUF_ARRAY: break;
    }
    return false;
}

int64_t met_gguf_key_i64(const met_gguf_key *key)
{
    return read_integer(key->type, key->value);
}

uint64_t met_gguf_key_u64(const met_gguf_key *key)
{
    return (uint64_t)read_integer(key->type, key->value);
}

double met_gguf_key_f64(const met_gguf_key *key)
{
    if (key->type == MET_GGUF_F64) {
        double value = 0;
        memcpy(&value, key->value, sizeof value);
        return value;
    }
    float value = 0;
    if (key->type == MET_GGUF_F32) memcpy(&value, key->value, sizeof value);
    return value;
}

met_str met_gguf_key_str(const met_gguf_key *key)
{
    if (key->type != MET_GGUF_STRING) return (met_str){"", 0};
    const uint8_t *at = key->value;
    return met_gguf_next_string(&at);
}

size_t met_gguf_key_bytes(const met_gguf_key *key)
{
    if (key->type == MET_GGUF_STRING) return 8 + met_gguf_key_str(key).bytes;
    if (key->type == MET_GGUF_ARRAY) return (size_t)(key->array.end - key->value);
    return met_gguf_type_bytes(key->type);
}

/* The array whose type is stored at `at`. Its end is found by walking it. */
static met_gguf_array read_array(const uint8_t *at)
{
    met_gguf_array array = {.type = MET_GGUF_U8};
    uint32_t type = 0;
    memcpy(&type, at, sizeof type);
    memcpy(&array.count, at + sizeof type, sizeof array.count);
    array.type = (met_gguf_type)type;
    array.data = at + sizeof type + sizeof array.count;
    array.end = array.data;
    if (met_gguf_type_bytes(array.type) > 0) {
        array.end += array.count * met_gguf_type_bytes(array.type);
        return array;
    }
    for (uint64_t i = 0; i < array.count; i++) {
        if (array.type == MET_GGUF_STRING)
            (void)met_gguf_next_string(&array.end);
        else
            array.end = read_array(array.end).end;
    }
    return array;
}

met_gguf_key met_gguf_next_element(const met_gguf_array *array, const uint8_t **at)
{
    met_gguf_key element = {.name = {"", 0}, .type = array->type, .value = *at};
    if (array->type == MET_GGUF_ARRAY) element.array = read_array(*at);
    *at += met_gguf_key_bytes(&element);
    return element;
}

static met_status missing(const met_gguf *gguf, const char *key, const char *expected,
                          met_error *err)
{
    return met_fail(err, MET_E_KEY, "%s: key %s is missing, expected %s", met_gguf_name(gguf), key,
                    expected);
}

static met_status wrong_type(const met_gguf *gguf, const met_gguf_key *key, const char *expected,
                             met_error *err)
{
    bool array = key->type == MET_GGUF_ARRAY;
    return met_fail(err, MET_E_KEY, "%s: key %.*s is of type %s%s%s, expected %s",
                    met_gguf_name(gguf), met_str_shown(key->name), key->name.data,
                    met_gguf_type_name(key->type), array ? " of " : "",
                    array ? met_gguf_type_name(key->array.type) : "", expected);
}

met_status met_gguf_maybe_u32(const met_gguf *gguf, const char *key, uint32_t *out, met_error *err)
{
    const met_gguf_key *found = met_gguf_find(gguf, key);
    if (found == NULL) return MET_OK;
    if (!is_integer(found->type)) return wrong_type(gguf, found, "an integer", err);
    int64_t value = met_gguf_key_i64(found);
    if (found->type == MET_GGUF_U64 && value < 0) {
        return met_fail(err, MET_E_KEY, "%s: key %s is %" PRIu64 ", expected 0 to %" PRIu32,
                        met_gguf_name(gguf), key, (uint64_t)value, UINT32_MAX);
    }
    if (value < 0 || value > UINT32_MAX) {
        return met_fail(err, MET_E_KEY, "%s: key %s is %" PRId64 ", expected 0 to %" PRIu32,
                        met_gguf_name(gguf), key, value, UINT32_MAX);
    }
    *out = (uint32_t)value;
    return MET_OK;
}

met_status met_gguf_maybe_f64(const met_gguf *gguf, const char *key, double *out, met_error *err)
{
    const met_gguf_key *found = met_gguf_find(gguf, key);
    if (found == NULL) return MET_OK;
    if (found->type != MET_GGUF_F32 && found->type != MET_GGUF_F64) {
        return wrong_type(gguf, found, "f32 or f64", err);
    }
    *out = met_gguf_key_f64(found);
    return MET_OK;
}

met_status met_gguf_maybe_str(const met_gguf *gguf, const char *key, met_str *out, met_error *err)
{
    const met_gguf_key *found = met_gguf_find(gguf, key);
    if (found == NULL) return MET_OK;
    if (found->type != MET_GGUF_STRING) return wrong_type(gguf, found, "a string", err);
    *out = met_gguf_key_str(found);
    return MET_OK;
}

met_status met_gguf_maybe_bool(const met_gguf *gguf, const char *key, bool *out, met_error *err)
{
    const met_gguf_key *found = met_gguf_find(gguf, key);
    if (found == NULL) return MET_OK;
    if (found->type != MET_GGUF_BOOL) return wrong_type(gguf, found, "bool", err);
    *out = met_gguf_key_u64(found) != 0;
    return MET_OK;
}

met_status met_gguf_get_u32(const met_gguf *gguf, const char *key, uint32_t *out, met_error *err)
{
    if (met_gguf_find(gguf, key) == NULL) return missing(gguf, key, "an integer", err);
    return met_gguf_maybe_u32(gguf, key, out, err);
}

met_status met_gguf_get_f64(const met_gguf *gguf, const char *key, double *out, met_error *err)
{
    if (met_gguf_find(gguf, key) == NULL) return missing(gguf, key, "f32 or f64", err);
    return met_gguf_maybe_f64(gguf, key, out, err);
}

met_status met_gguf_get_str(const met_gguf *gguf, const char *key, met_str *out, met_error *err)
{
    if (met_gguf_find(gguf, key) == NULL) return missing(gguf, key, "a string", err);
    return met_gguf_maybe_str(gguf, key, out, err);
}

met_status met_gguf_get_array(const met_gguf *gguf, const char *key, met_gguf_type type,
                              met_gguf_array *out, met_error *err)
{
    char expected[32] = "array of ";
    strcat(expected, met_gguf_type_name(type));
    const met_gguf_key *found = met_gguf_find(gguf, key);
    if (found == NULL) return missing(gguf, key, expected, err);
    if (found->type != MET_GGUF_ARRAY || found->array.type != type) {
        return wrong_type(gguf, found, expected, err);
    }
    *out = found->array;
    return MET_OK;
}
