/* Between JSON documents and the library's values. */
#ifndef MET_CLI_JSON_VALUE_H
#define MET_CLI_JSON_VALUE_H

#include "metallic.h"

#include <jansson.h>

/* A JSON string of any bytes: what is not UTF-8 becomes U+FFFD. NULL: memory is out. */
json_t *met_json_text(const char *data, size_t bytes);

/* A JSON number, or null for what JSON cannot write (infinity, NaN). */
json_t *met_json_real(double value);

/* [count] ids. NULL: memory is out. */
json_t *met_json_ids(const int32_t *ids, size_t count);

/* Read a file ("-": standard input) as one JSON document; free with json_decref.
 * MET_E_IO, MET_E_MEMORY; MET_E_FORMAT names file, line and what is wrong. */
met_status met_json_read(const char *path, json_t **document, met_error *err);

/* A new value that equals the document, order of keys included. NULL: memory is out. */
met_value *met_json_to_value(const json_t *document);

/* A new document that equals the value. An unsigned number above INT64_MAX becomes a string of
 * digits, for JSON readers would round it. NULL: memory is out. */
json_t *met_json_from_value(const met_value *value);

#endif
