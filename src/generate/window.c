/* Owns: counting the tokens of the penalty window. Does not own what a penalty is.
 * The invariant: distinct[place[t]] == t exactly for the tokens with count[t] > 0. */
#include "generate/window.h"

#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

static void remove_oldest(met_window *window)
{
    int32_t token = window->ring[window->next];
    if (--window->count[token] > 0) return;
    int32_t last = window->distinct[--window->distinct_count];
    window->distinct[window->place[token]] = last;
    window->place[last] = window->place[token];
}

met_status met_window_init(met_window *window, int32_t vocab, int32_t length, met_error *err)
{
    assert(vocab >= 1 && (length >= 1 || length == -1));
    size_t tokens = (size_t)vocab;
    size_t capacity = length > 0 ? (size_t)length : 0;
    *window = (met_window){.capacity = (int32_t)capacity};
    window->count = calloc(tokens, sizeof *window->count);
    window->place = malloc(tokens * sizeof *window->place);
    window->distinct = malloc(tokens * sizeof *window->distinct);
    if (capacity > 0) window->ring = malloc(capacity * sizeof *window->ring);
    if (window->count == NULL || window->place == NULL || window->distinct == NULL ||
        (capacity > 0 && window->ring == NULL)) {
        return met_fail_memory(err, "penalty window", (3 * tokens + capacity) * sizeof(int32_t));
    }
    return MET_OK;
}

void met_window_close(met_window *window)
{
    free(window->count);
    free(window->place);
    free(window->distinct);
    free(window->ring);
    *window = (met_window){0};
}

void met_window_add(met_window *window, int32_t token)
{
    if (window->ring != NULL) {
        if (window->held == window->capacity)
            remove_oldest(window);
        else
            window->held++;
        window->ring[window->next] = token;
        window->next = window->next + 1 == window->capacity ? 0 : window->next + 1;
    }
    if (window->count[token]++ > 0) return;
    window->place[token] = window->distinct_count;
    window->distinct[window->distinct_count++] = token;
}
