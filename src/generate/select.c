/* Owns: the k largest of an array and weighted cuts, both in linear time. Does not own what the
 * weights mean.
 *
 * Radix descent: sum the weights by the top byte of the keys, walk down from the largest byte to
 * the one in which the target is reached, keep only its keys, go on with the next byte. Unlike
 * quickselect it has no bad inputs, and ties need no care because keys are unique. */
#include "generate/select.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static size_t block_size(int32_t vocab, size_t block)
{
    size_t rest = (size_t)vocab - block * MET_SELECT_BLOCK;
    return rest < MET_SELECT_BLOCK ? rest : MET_SELECT_BLOCK;
}

/* A float that is no NaN as an integer of the same order; both zeros are equal. */
static uint32_t ordered(float x)
{
    x += 0.0f; /* -0 becomes +0 */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000u;
}

static uint64_t logit_key(float logit, int32_t id)
{
    return (uint64_t)ordered(logit) << 32 | (uint32_t) ~(uint32_t)id;
}

/* A value that at least `top` logits reach: the top-th largest of the block maxima. */
static float threshold_of(const float *block_max, size_t blocks, size_t top, uint64_t *keys)
{
    if (blocks < top) return -INFINITY;
    for (size_t b = 0; b < blocks; b++)
        keys[b] = logit_key(block_max[b], (int32_t)b);
    uint64_t cut = met_select_cut(keys, blocks, false, top, NULL, keys);
    return block_max[met_select_logit_id(cut)];
}

int32_t met_select_first(const float *logits, int32_t vocab, const float *block_max, float max)
{
    size_t b = 0;
    while (!(block_max[b] == max))
        b++;
    int32_t id = (int32_t)(b * MET_SELECT_BLOCK);
    while (!(logits[id] == max))
        id++;
    assert(id < vocab);
    (void)vocab;
    return id;
}

size_t met_select_top(const float *logits, int32_t vocab, const float *block_max, int32_t top,
                      uint64_t *keys, uint64_t *scratch)
{
    size_t blocks = met_select_blocks(vocab);
    float threshold = threshold_of(block_max, blocks, (size_t)top, keys);
    size_t count = 0;
    for (size_t b = 0; b < blocks; b++) {
        if (!(block_max[b] >= threshold)) continue;
        size_t first = b * MET_SELECT_BLOCK;
        for (size_t i = first; i < first + block_size(vocab, b); i++) {
            if (logits[i] >= threshold && logits[i] > -INFINITY) {
                keys[count++] = logit_key(logits[i], (int32_t)i);
            }
        }
    }
    if (count <= (size_t)top) return count;
    uint64_t cut = met_select_cut(keys, count, false, (uint64_t)top, NULL, scratch);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (keys[i] >= cut) keys[kept++] = keys[i];
    }
    return kept;
}

uint64_t met_select_cut(const uint64_t *keys, size_t count, bool weighted, uint64_t target,
                        uint64_t *reached, uint64_t *scratch)
{
    assert(count >= 1 && target >= 1);
    uint64_t left = target;
    for (unsigned shift = 56; count > 1; shift -= 8) {
        uint64_t sum[256] = {0};
        for (size_t i = 0; i < count; i++) {
            sum[keys[i] >> shift & 255] += weighted ? met_select_weight(keys[i]) : 1;
        }
        uint64_t bin = 255;
        while (sum[bin] < left) {
            left -= sum[bin];
            assert(bin > 0);
            bin--;
        }
        size_t kept = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t key = keys[i];
            scratch[kept] = key; /* without a branch: a miss is overwritten */
            kept += (key >> shift & 255) == bin;
        }
        keys = scratch;
        count = kept;
    }
    uint64_t weight = weighted ? met_select_weight(keys[0]) : 1;
    assert(left <= weight);
    if (reached != NULL) *reached = target - left + weight;
    return keys[0];
}
