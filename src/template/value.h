/* What the rooms need of met_value beyond the public interface. */
#ifndef MET_TEMPLATE_VALUE_H
#define MET_TEMPLATE_VALUE_H

#include "metallic.h"

/* Nested values are walked with recursion; deeper ones are refused where they are walked. */
enum { MET_VALUE_DEPTH_MAX = 1000 };

/* An integer of a file: MET_VALUE_INT where it fits, MET_VALUE_UINT above INT64_MAX. NULL when
 * memory is out. */
met_value *met_value_uint(uint64_t value);

/* A string that counts as the template's own text: spellings of control tokens in it are control
 * tokens. For what comes from the model's file, such as the name of its first token; never for what
 * a user wrote. */
met_value *met_value_trusted_string(const char *data, size_t bytes);
bool met_value_is_trusted(const met_value *value);

/* The value of a key; NULL when the dict has none or `dict` is not one. O(1). */
const met_value *met_value_find(const met_value *dict, met_str key);

/* met_value_set for a key that may hold NUL bytes or has no NUL at its end. */
met_status met_value_set_view(met_value *dict, met_str key, met_value *item);

#endif
