/* The last tokens of a text, counted: what penalties look at. */
#ifndef MET_GENERATE_WINDOW_H
#define MET_GENERATE_WINDOW_H

#include "metallic.h"

/* A sparse set of the tokens in the window with their counts, and a ring that knows which one
 * leaves next. Adding costs O(1), walking the distinct tokens O(distinct). */
typedef struct met_window {
    int32_t *count;    /* [vocab] occurrences in the window */
    int32_t *place;    /* [vocab] index in `distinct`, valid where count > 0 */
    int32_t *distinct; /* [vocab] tokens with count > 0, in no particular order */
    int32_t distinct_count;
    int32_t *ring; /* [capacity]; NULL when the window has no end */
    int32_t capacity;
    int32_t held, next;
} met_window;

/* length >= 1 tokens, or -1 for every token there will be. MET_E_MEMORY; met_window_close is due
 * also then. */
met_status met_window_init(met_window *window, int32_t vocab, int32_t length, met_error *err);
/* Accepts a zeroed window. */
void met_window_close(met_window *window);

/* `token` enters; when the window is full, the oldest leaves. */
void met_window_add(met_window *window, int32_t token);

#endif
