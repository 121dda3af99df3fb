/* Owns: the steps from logits to a token, in their documented order. Does not own how candidates
 * are found (passes.h, select.h), weighed (weight.h) or counted (window.h).
 *
 * The invariant: after create nothing is allocated, and what is chosen depends on nothing but the
 * options, the tokens accepted, the logits and the draws. */
#include "generate/sampler.h"

#include "backend/backend.h"
#include "base/error.h"
#include "generate/passes.h"
#include "generate/random.h"
#include "generate/select.h"
#include "generate/weight.h"
#include "generate/window.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 uint128; /* gcc and clang on every 64-bit target */

struct met_sampler {
    met_sampling options;
    int32_t vocab;
    const met_passes *passes;
    met_random random;
    bool penalizes;
    met_window window; /* when it penalizes */
    float *penalized;  /* [vocab], when it penalizes */
    float *block_max;  /* [met_select_blocks(vocab)] */
    uint64_t *keys;    /* [vocab]; like scratch not touched by a greedy choice */
    uint64_t *scratch; /* [vocab] */
};

static met_status refuse(met_error *err, const char *option, double found, const char *expected)
{
    return met_fail(err, MET_E_ARGUMENT, "sampling option %s: found %g, expected %s", option, found,
                    expected);
}

static met_status check_options(const met_sampling *o, met_error *err)
{
    /* Written so that a NaN fails. */
    if (!(o->temperature >= 0 && isfinite(o->temperature))) {
        return refuse(err, "temperature", (double)o->temperature, "a finite number >= 0");
    }
    if (o->top_k < 0) return refuse(err, "top_k", o->top_k, "an integer >= 0");
    if (!(o->top_p > 0 && o->top_p <= 1)) {
        return refuse(err, "top_p", (double)o->top_p, "a number above 0 and up to 1");
    }
    if (!(o->min_p >= 0 && o->min_p < 1)) {
        return refuse(err, "min_p", (double)o->min_p, "a number from 0 to below 1");
    }
    if (!(o->repeat_penalty > 0 && isfinite(o->repeat_penalty))) {
        return refuse(err, "repeat_penalty", (double)o->repeat_penalty, "a finite number > 0");
    }
    if (!isfinite(o->presence_penalty)) {
        return refuse(err, "presence_penalty", (double)o->presence_penalty, "a finite number");
    }
    if (!isfinite(o->frequency_penalty)) {
        return refuse(err, "frequency_penalty", (double)o->frequency_penalty, "a finite number");
    }
    if (o->repeat_last_n < -1) {
        return refuse(err, "repeat_last_n", o->repeat_last_n, "-1 or an integer >= 0");
    }
    return MET_OK;
}

/* Step 1. */
static const float *penalize(met_sampler *sampler, const float *logits)
{
    if (!sampler->penalizes) return logits;
    const met_sampling *o = &sampler->options;
    const met_window *window = &sampler->window;
    float *out = sampler->penalized;
    memcpy(out, logits, (size_t)sampler->vocab * sizeof *out);
    for (int32_t i = 0; i < window->distinct_count; i++) {
        int32_t token = window->distinct[i];
        float l = out[token];
        l = l > 0 ? l / o->repeat_penalty : l * o->repeat_penalty;
        float lowered = o->frequency_penalty * (float)window->count[token] + o->presence_penalty;
        out[token] = l - lowered;
    }
    return out;
}

/* What may be chosen: weight keys in sampler->keys. Without top_k nearly all of a vocabulary weighs
 * next to nothing, so only the heavy ones are taken, and all when a cut lies below them: "most
 * likely first" begins with them, and nothing that is cut above them depends on the rest. */
typedef struct candidates {
    const float *logits;
    float max;
    size_t count;
    uint64_t weight; /* of the keys */
    uint64_t least;  /* the keys are all candidates that weigh as much or more */
} candidates;

/* 2^-12 of the most likely one. */
static const uint64_t HEAVY = UINT64_C(1) << (MET_SELECT_WEIGHT_BITS - 12);

static uint64_t weight_of(const uint64_t *keys, size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += met_select_weight(keys[i]);
    return sum;
}

/* Steps 3 and 4 with top_k: those that are left. */
static void take_top(met_sampler *sampler, candidates *c)
{
    uint64_t *keys = sampler->keys;
    size_t found = met_select_top(c->logits, sampler->vocab, sampler->block_max,
                                  sampler->options.top_k, keys, sampler->scratch);
    for (size_t i = 0; i < found; i++) {
        int32_t id = met_select_logit_id(keys[i]);
        float exponent = met_weight_exponent(c->logits[id], c->max, sampler->options.temperature);
        uint64_t weight = met_weight_of(met_weight_exp(exponent));
        if (weight > 0) keys[c->count++] = met_select_weight_key(weight, id);
    }
    c->weight = weight_of(keys, c->count);
    c->least = 1;
}

/* Steps 3 and 4 without: all that weigh at least `least`. */
static void take_heavy(met_sampler *sampler, candidates *c, uint64_t least)
{
    c->count = sampler->passes->keys(c->logits, sampler->vocab, sampler->block_max, c->max,
                                     sampler->options.temperature, least, sampler->keys);
    c->weight = weight_of(sampler->keys, c->count);
    c->least = least;
}

/* The smallest key of the most likely tokens whose weight reaches `target`, which is at most the
 * weight of all candidates. */
static uint64_t cut_at(met_sampler *sampler, candidates *c, uint64_t target, uint64_t *reached)
{
    if (c->weight < target) take_heavy(sampler, c, 1);
    return met_select_cut(sampler->keys, c->count, true, target, reached, sampler->scratch);
}

/* Steps 5 and 6: the weight of the tokens that stay. Both keep a first part of the order "most
 * likely first", so the smaller part is what both leave, and nothing needs to be removed. */
static uint64_t remaining_weight(met_sampler *sampler, candidates *c)
{
    const met_sampling *o = &sampler->options;
    uint64_t left = UINT64_MAX;
    if (o->top_p < 1 || o->min_p == 0) {
        left = c->least == 1 ? c->weight
                             : sampler->passes->total(c->logits, sampler->vocab, sampler->block_max,
                                                      c->max, o->temperature);
    }
    if (o->top_p < 1) {
        /* At most the total: top_p <= 1 - 2^-24 outweighs a rounding of 2^-53. */
        uint64_t target = (uint64_t)ceil((double)o->top_p * (double)left);
        (void)cut_at(sampler, c, target, &left);
    }
    if (o->min_p > 0) {
        uint64_t least = (uint64_t)ceil((double)o->min_p * 0x1p40);
        if (least < c->least) take_heavy(sampler, c, least);
        uint64_t above = 0;
        for (size_t i = 0; i < c->count; i++) {
            uint64_t weight = met_select_weight(sampler->keys[i]);
            above += weight >= least ? weight : 0;
        }
        if (above < left) left = above;
    }
    return left;
}

met_sampling met_sampling_default(void)
{
    return (met_sampling){
        .temperature = 0,
        .top_k = 0,
        .top_p = 1,
        .min_p = 0,
        .repeat_penalty = 1,
        .presence_penalty = 0,
        .frequency_penalty = 0,
        .repeat_last_n = 64,
        .seed = 0,
    };
}

met_status met_sampler_create(const met_sampling *options, int32_t vocab, met_isa isa,
                              met_sampler **out, met_error *err)
{
    *out = NULL;
    met_status status = check_options(options, err);
    if (status != MET_OK) return status;
    if (vocab < 1 || vocab > MET_SAMPLER_VOCAB_MAX) {
        return met_fail(err, MET_E_ARGUMENT, "sampler: found %d logits, expected 1 to %d", vocab,
                        MET_SAMPLER_VOCAB_MAX);
    }
    met_sampler *sampler = calloc(1, sizeof *sampler);
    if (sampler == NULL) return met_fail_memory(err, "sampler", sizeof *sampler);
    sampler->options = *options;
    sampler->vocab = vocab;
    sampler->passes = met_passes_for(isa);
    sampler->penalizes = met_sampling_penalizes(options);
    met_random_seed(&sampler->random, options->seed);

    /* Not zeroed: pages that a choice never touches cost nothing. */
    size_t key_bytes = (size_t)vocab * sizeof *sampler->keys;
    size_t logit_bytes = (size_t)vocab * sizeof *sampler->penalized;
    sampler->block_max = malloc(met_select_blocks(vocab) * sizeof *sampler->block_max);
    sampler->keys = malloc(key_bytes);
    sampler->scratch = malloc(key_bytes);
    if (sampler->penalizes) {
        sampler->penalized = malloc(logit_bytes);
        status = met_window_init(&sampler->window, vocab, options->repeat_last_n, err);
        if (status != MET_OK) goto done;
    }
    if (sampler->block_max == NULL || sampler->keys == NULL || sampler->scratch == NULL ||
        (sampler->penalizes && sampler->penalized == NULL)) {
        status = met_fail_memory(err, "sampler", 2 * key_bytes + logit_bytes);
        goto done;
    }
    *out = sampler;
    sampler = NULL;
done:
    met_sampler_free(sampler);
    return status;
}

void met_sampler_free(met_sampler *sampler)
{
    if (sampler == NULL) return;
    met_window_close(&sampler->window);
    free(sampler->penalized);
    free(sampler->block_max);
    free(sampler->keys);
    free(sampler->scratch);
    free(sampler);
}

void met_sampler_accept(met_sampler *sampler, int32_t token)
{
    assert(token >= 0 && token < sampler->vocab);
    if (sampler->penalizes) met_window_add(&sampler->window, token);
}

int32_t met_sampler_window(const met_sampler *sampler)
{
    return sampler->penalizes ? sampler->options.repeat_last_n : 0;
}

met_status met_sampler_fail(int32_t vocab, met_error *err)
{
    return met_fail(err, MET_E_DEVICE,
                    "logits: found none of %d above -infinity, expected at least one", vocab);
}

met_status met_sampler_choose_at(met_sampler *sampler, const float *logits, uint64_t draw,
                                 int32_t *token, met_error *err)
{
    logits = penalize(sampler, logits);
    float max = sampler->passes->max(logits, sampler->vocab, sampler->block_max);
    if (!(max > -INFINITY)) return met_sampler_fail(sampler->vocab, err);
    if (sampler->options.temperature == 0) { /* step 2 */
        *token = met_select_first(logits, sampler->vocab, sampler->block_max, max);
        return MET_OK;
    }
    candidates c = {.logits = logits, .max = max};
    if (sampler->options.top_k > 0 && sampler->options.top_k < sampler->vocab) {
        take_top(sampler, &c);
    } else {
        take_heavy(sampler, &c, HEAVY);
    }
    uint64_t left = remaining_weight(sampler, &c);
    uint64_t r = (uint64_t)((uint128)draw * left >> 64); /* step 7: below `left` */
    uint64_t key = cut_at(sampler, &c, r + 1, NULL);
    *token = met_select_weight_id(key);
    return MET_OK;
}

uint64_t met_sampler_draw(met_sampler *sampler)
{
    return sampler->options.temperature > 0 ? met_random_next(&sampler->random) : 0;
}

met_status met_sampler_choose(met_sampler *sampler, const float *logits, int32_t *token,
                              met_error *err)
{
    return met_sampler_choose_at(sampler, logits, met_sampler_draw(sampler), token, err);
}

/* Descending; for the few alternatives of a report. */
static void sort_keys(uint64_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        size_t j = i;
        for (; j > 0 && keys[j - 1] < key; j--)
            keys[j] = keys[j - 1];
        keys[j] = key;
    }
}

/* log p of a logit, where log_sum = log of the sum of e^(l - max). */
static float logprob_of(float l, float max, double log_sum)
{
    if (!(l > -INFINITY) || !(max > -INFINITY)) return -INFINITY;
    double below = l == max ? 0 : (double)l - (double)max;
    return (float)(below - log_sum);
}

void met_sampler_logprobs(met_sampler *sampler, const float *logits, int32_t token, float *logprob,
                          met_logprob *top, int32_t count)
{
    assert(count >= 0 && count <= sampler->vocab && token >= 0 && token < sampler->vocab);
    float max = sampler->passes->max(logits, sampler->vocab, sampler->block_max);
    double log_sum = log(sampler->passes->sum(logits, sampler->vocab, max));
    *logprob = logprob_of(logits[token], max, log_sum);
    if (count == 0) return;
    uint64_t *keys = sampler->keys;
    size_t found =
        met_select_top(logits, sampler->vocab, sampler->block_max, count, keys, sampler->scratch);
    sort_keys(keys, found);
    for (size_t i = 0; i < found; i++) {
        int32_t id = met_select_logit_id(keys[i]);
        top[i] = (met_logprob){id, logprob_of(logits[id], max, log_sum)};
    }
    /* Fewer logits than asked for are above -infinity: the others follow by id. */
    for (int32_t id = 0; found < (size_t)count; id++) {
        if (!(logits[id] > -INFINITY)) top[found++] = (met_logprob){id, -INFINITY};
    }
}
