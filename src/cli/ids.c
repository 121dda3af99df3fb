/* Owns: the spelling of lists of token ids. Does not know which ids a model has. */
#include "cli/ids.h"

#include "cli/failure.h"

#include <stdlib.h>

static bool push(met_ids *ids, int32_t id)
{
    if (ids->count == ids->capacity) {
        size_t wanted = ids->capacity == 0 ? 64 : 2 * ids->capacity;
        int32_t *larger = realloc(ids->items, wanted * sizeof *larger);
        if (larger == NULL) return false;
        ids->items = larger;
        ids->capacity = wanted;
    }
    ids->items[ids->count++] = id;
    return true;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

met_status met_ids_parse(met_ids *ids, const char *subject, const char *text, size_t bytes,
                         met_error *err)
{
    size_t at = 0;

    while (bytes > 0 && is_space(text[bytes - 1])) {
        bytes--;
    }
    while (at < bytes && is_space(text[at])) {
        at++;
    }
    if (bytes - at >= 2 && text[at] == '[' && text[bytes - 1] == ']') {
        at++;
        bytes--;
    }
    for (bool first = true;; first = false) {
        bool comma = false; /* one at most, and between two ids */
        while (at < bytes && (is_space(text[at]) || (text[at] == ',' && !comma && !first))) {
            comma = comma || text[at] == ',';
            at++;
        }
        if (at == bytes && !comma) return MET_OK;
        int64_t id = -1;
        size_t begin = at;
        for (; at < bytes && text[at] >= '0' && text[at] <= '9' && id <= INT32_MAX; at++) {
            id = (id < 0 ? 0 : 10 * id) + (text[at] - '0');
        }
        bool ends = at == bytes || is_space(text[at]) || text[at] == ',';
        if (id < 0 || id > INT32_MAX || !ends) {
            size_t shown = bytes - begin < 24 ? bytes - begin : 24;
            return met_failure_set(err, MET_E_ARGUMENT,
                                   "%s: found \"%.*s\", expected token ids such as 1,2,3", subject,
                                   (int)shown, text + begin);
        }
        if (!push(ids, (int32_t)id)) return met_failure_memory(err);
    }
}
