/* The sampler's contract, written the slow way: a full sort, naive counting, a running sum. It
 * shares the exponential and the documented rounding with the library, and nothing else. */
#ifndef MET_TESTS_SAMPLER_ORACLE_H
#define MET_TESTS_SAMPLER_ORACLE_H

#include "generate/sampler.h"
#include "generate/weight.h"
#include "support/testing.h"

#include <math.h>

typedef struct oracle_token {
    int32_t id;
    float logit;
    uint64_t weight;
} oracle_token;

static inline int oracle_by_logit(const void *left, const void *right)
{
    const oracle_token *a = left, *b = right;
    if (a->logit != b->logit) return a->logit > b->logit ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

static inline int oracle_by_weight(const void *left, const void *right)
{
    const oracle_token *a = left, *b = right;
    if (a->weight != b->weight) return a->weight > b->weight ? -1 : 1;
    return a->id < b->id ? -1 : 1;
}

/* Step 1, for the tokens accepted so far. */
static inline float oracle_penalty(const met_sampling *o, float l, int32_t id,
                                   const int32_t *accepted, size_t count)
{
    size_t window = o->repeat_last_n < 0 ? count : (size_t)o->repeat_last_n;
    size_t first = count > window ? count - window : 0;
    int32_t seen = 0;
    for (size_t i = first; i < count; i++)
        seen += accepted[i] == id;
    if (seen == 0) return l;
    l = l > 0 ? l / o->repeat_penalty : l * o->repeat_penalty;
    return l - (o->frequency_penalty * (float)seen + o->presence_penalty);
}

/* floor(draw * weight / 2^64), by long multiplication. */
static inline uint64_t oracle_scale(uint64_t draw, uint64_t weight)
{
    uint64_t dl = draw & 0xffffffffu, dh = draw >> 32;
    uint64_t wl = weight & 0xffffffffu, wh = weight >> 32;
    uint64_t middle = dh * wl + (dl * wl >> 32);
    uint64_t low = dl * wh + (middle & 0xffffffffu);
    return dh * wh + (middle >> 32) + (low >> 32);
}

/* How many of the sorted tokens steps 5 and 6 leave. */
static inline size_t oracle_keep(const met_sampling *o, const oracle_token *t, size_t count)
{
    uint64_t total = 0, sum = 0;
    for (size_t i = 0; i < count; i++)
        total += t[i].weight;
    size_t kept = count;
    if (o->top_p < 1) {
        uint64_t target = (uint64_t)ceil((double)o->top_p * (double)total);
        for (kept = 0; sum < target; kept++)
            sum += t[kept].weight;
    }
    if (o->min_p > 0) {
        uint64_t least = (uint64_t)ceil((double)o->min_p * 0x1p40);
        while (t[kept - 1].weight < least)
            kept--;
    }
    return kept;
}

/* The token, or -1 when there is none to choose. */
static inline int32_t oracle_choose(const met_sampling *o, const float *logits, int32_t vocab,
                                    const int32_t *accepted, size_t accepted_count, uint64_t draw)
{
    oracle_token *t = malloc((size_t)vocab * sizeof *t);
    assert_non_null(t);
    size_t count = 0;
    for (int32_t id = 0; id < vocab; id++) {
        float l = o->repeat_last_n == 0
                      ? logits[id]
                      : oracle_penalty(o, logits[id], id, accepted, accepted_count);
        if (l > -INFINITY) t[count++] = (oracle_token){id, l, 0};
    }
    int32_t chosen = -1;
    if (count > 0) {
        qsort(t, count, sizeof *t, oracle_by_logit);
        float max = t[0].logit;
        chosen = t[0].id;
        if (o->top_k > 0 && (size_t)o->top_k < count) count = (size_t)o->top_k;
        if (o->temperature > 0) {
            size_t weighted = 0;
            for (size_t i = 0; i < count; i++) {
                float e = met_weight_exp(met_weight_exponent(t[i].logit, max, o->temperature));
                t[weighted] = t[i];
                t[weighted].weight = (uint64_t)floor((double)e * 0x1p40);
                weighted += t[weighted].weight > 0;
            }
            qsort(t, weighted, sizeof *t, oracle_by_weight);
            size_t kept = oracle_keep(o, t, weighted);
            uint64_t sum = 0;
            for (size_t i = 0; i < kept; i++)
                sum += t[i].weight;
            uint64_t r = oracle_scale(draw, sum);
            size_t at = 0;
            for (sum = t[0].weight; sum <= r; sum += t[at].weight)
                at++;
            chosen = t[at].id;
        }
    }
    free(t);
    return chosen;
}

#endif
