/* A list of token ids as people write it. */
#ifndef MET_CLI_IDS_H
#define MET_CLI_IDS_H

#include "metallic.h"

/* A list that grows. Zeroed is empty; free(items). */
typedef struct met_ids {
    int32_t *items;
    size_t count;
    size_t capacity;
} met_ids;

/* Append the ids in `text`: whole numbers separated by commas or white space, perhaps in brackets:
 * "1,2,3", "1 2 3", "[1, 2, 3]". MET_E_ARGUMENT: subject, found, expected. */
met_status met_ids_parse(met_ids *ids, const char *subject, const char *text, size_t bytes,
                         met_error *err);

#endif
