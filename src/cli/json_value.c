/* Owns: conversion of values and of text to JSON and back. The invariant: nothing is lost on the
 * way but bytes that are not text. */
#include "cli/json_value.h"

#include "cli/failure.h"
#include "cli/input.h"
#include "cli/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *met_json_text(const char *data, size_t bytes)
{
    static const char replacement[] = "\xef\xbf\xbd";
    json_t *text = json_stringn(bytes == 0 ? "" : data, bytes);
    if (text != NULL) return text;

    /* Not UTF-8, or no memory: every bad byte may grow to three. */
    if (bytes > SIZE_MAX / 3) return NULL;
    char *repaired = malloc(3 * bytes);
    if (repaired == NULL) return NULL;
    size_t used = 0;
    for (size_t i = 0; i < bytes;) {
        size_t length = met_utf8_sequence(data + i, bytes - i);
        size_t step = length == 0 ? 1 : length;
        const char *from = length == 0 ? replacement : data + i;
        size_t wide = length == 0 ? sizeof replacement - 1 : length;
        memcpy(repaired + used, from, wide);
        used += wide;
        i += step;
    }
    text = json_stringn(repaired, used);
    free(repaired);
    return text;
}

json_t *met_json_real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *met_json_ids(const int32_t *ids, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count && list != NULL; i++) {
        if (json_array_append_new(list, json_integer(ids[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

met_status met_json_read(const char *path, json_t **document, met_error *err)
{
    char *data;
    size_t bytes;
    json_error_t found;

    *document = NULL;
    met_status status = met_input_read(path, &data, &bytes, err);
    if (status != MET_OK) return status;
    size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL;
    *document = json_loadb(data, bytes, flags, &found);
    free(data);
    if (*document != NULL) return MET_OK;
    return met_failure_set(err, MET_E_FORMAT, "%s: line %d: %s, expected a JSON document",
                           met_input_name(path), found.line, found.text);
}

static met_value *list_to_value(const json_t *list)
{
    met_value *value = met_value_list();
    size_t index;
    json_t *item;

    json_array_foreach(list, index, item)
    {
        if (value == NULL) return NULL;
        if (met_value_push(value, met_json_to_value(item)) != MET_OK) {
            met_value_free(value);
            return NULL;
        }
    }
    return value;
}

static met_value *dict_to_value(const json_t *dict)
{
    met_value *value = met_value_dict();
    const char *key;
    json_t *item;

    json_object_foreach((json_t *)(uintptr_t)dict, key, item)
    {
        if (value == NULL) return NULL;
        if (met_value_set(value, key, met_json_to_value(item)) != MET_OK) {
            met_value_free(value);
            return NULL;
        }
    }
    return value;
}

met_value *met_json_to_value(const json_t *document)
{
    switch (json_typeof(document)) {
    case JSON_OBJECT: return dict_to_value(document);
    case JSON_ARRAY: return list_to_value(document);
    case JSON_STRING:
        return met_value_string(json_string_value(document), json_string_length(document));
    case JSON_INTEGER: return met_value_int(json_integer_value(document));
    case JSON_REAL: return met_value_float(json_real_value(document));
    case JSON_TRUE: return met_value_bool(true);
    case JSON_FALSE: return met_value_bool(false);
    case JSON_NULL: return met_value_null();
    }
    return NULL;
}

static json_t *text_of_uint(uint64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return json_string(digits);
}

static json_t *list_from_value(const met_value *value)
{
    json_t *list = json_array();
    size_t count = met_value_get_count(value);

    for (size_t i = 0; i < count && list != NULL; i++) {
        /* append_new takes the item also on failure, and fails for NULL. */
        if (json_array_append_new(list, met_json_from_value(met_value_get_item(value, i))) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *dict_from_value(const met_value *value)
{
    json_t *dict = json_object();
    size_t count = met_value_get_count(value);

    for (size_t i = 0; i < count && dict != NULL; i++) {
        met_str key = met_value_get_key(value, i);
        json_t *item = met_json_from_value(met_value_get_item(value, i));
        char *name = strndup(key.data, key.bytes);
        if (name == NULL || json_object_set_new(dict, name, item) != 0) {
            if (name == NULL) json_decref(item);
            json_decref(dict);
            dict = NULL;
        }
        free(name);
    }
    return dict;
}

json_t *met_json_from_value(const met_value *value)
{
    met_str text;

    switch (met_value_get_kind(value)) {
    case MET_VALUE_NULL: return json_null();
    case MET_VALUE_BOOL: return json_boolean(met_value_get_bool(value));
    case MET_VALUE_INT: return json_integer(met_value_get_int(value));
    case MET_VALUE_UINT: return text_of_uint(met_value_get_uint(value));
    case MET_VALUE_FLOAT: return met_json_real(met_value_get_float(value));
    case MET_VALUE_STRING:
        text = met_value_get_string(value);
        return met_json_text(text.data, text.bytes);
    case MET_VALUE_LIST: return list_from_value(value);
    case MET_VALUE_DICT: return dict_from_value(value);
    }
    return NULL;
}
