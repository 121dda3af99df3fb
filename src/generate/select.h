/* Finding the most likely tokens without sorting. */
#ifndef MET_GENERATE_SELECT_H
#define MET_GENERATE_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A candidate is one 64-bit key, so that comparing keys compares rank and then id, lowest first.
 * Of the two kinds, a logit key keeps the logit's order in its upper half, and a weight key keeps
 * a probability as an integer:
 *
 *     logit key    ordered(logit) << 32 | ~id
 *     weight key   weight << 23 | (2^23 - 1 - id),   weight = floor(2^40 * p / p_max)
 *
 * Sums of integer weights are exact, so their order does not matter: a cut is the same however it
 * is found, here or on another machine. */
enum { MET_SELECT_ID_BITS = 23, MET_SELECT_WEIGHT_BITS = 40, MET_SELECT_BLOCK = 64 };

static inline uint64_t met_select_weight(uint64_t weight_key)
{
    return weight_key >> MET_SELECT_ID_BITS;
}

static inline int32_t met_select_weight_id(uint64_t weight_key)
{
    int32_t mask = (1 << MET_SELECT_ID_BITS) - 1;
    return mask - (int32_t)(weight_key & (uint32_t)mask);
}

static inline uint64_t met_select_weight_key(uint64_t weight, int32_t id)
{
    return weight << MET_SELECT_ID_BITS | (uint32_t)((1 << MET_SELECT_ID_BITS) - 1 - id);
}

static inline int32_t met_select_logit_id(uint64_t logit_key)
{
    return (int32_t) ~(uint32_t)logit_key;
}

/* Floats needed for `block_max` below. */
static inline size_t met_select_blocks(int32_t vocab)
{
    return ((size_t)vocab + MET_SELECT_BLOCK - 1) / MET_SELECT_BLOCK;
}

/* The lowest id that holds `max`. max, block_max here and below: as the pass `max` of passes.h
 * gives them. */
int32_t met_select_first(const float *logits, int32_t vocab, const float *block_max, float max);

/* The `top` largest logits above -infinity as logit keys in no particular order; fewer when there
 * are not that many. top >= 1. keys, scratch: [vocab].
 * Cost: the blocks that hold a candidate, some 64 * top logits. */
size_t met_select_top(const float *logits, int32_t vocab, const float *block_max, int32_t top,
                      uint64_t *keys, uint64_t *scratch);

/* The smallest key of the smallest set of largest keys whose weights (or, with `weighted` false,
 * whose number) reach `target`: 1 <= target <= total. `reached`, when not NULL: the weight of that
 * set. keys [count] are unique, of weight >= 1, and unchanged unless scratch [count] is the same
 * array. Linear: eight passes at most. */
uint64_t met_select_cut(const uint64_t *keys, size_t count, bool weighted, uint64_t target,
                        uint64_t *reached, uint64_t *scratch);

#endif
