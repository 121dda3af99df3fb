/* Owns: the steps from logits to a token, in their documented order. Does not own how candidates
 * are found (select.h), weighed (weight.h) or counted (window.h).
 *
 * The invariant: after create nothing is allocated, and what is chosen depends on nothing but the
 * options, the tokens accepted, the logits and the draws. */
#include "generate/sampler.h"

#include "base/error.h"
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

static bool penalizes(const met_sampling *o)
{
    return o->repeat_last_n != 0 && (o->repeat_penalty != 1.0f || o->presence_penalty != 0.0f ||
                                     o->frequency_penalty != 0.0f);
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

/* Steps 3 and 4: the candidates as weight keys in sampler->keys, and their number. */
static size_t weigh(met_sampler *sampler, const float *logits, float max)
{
    int32_t top_k = sampler->options.top_k;
    float temperature = sampler->options.temperature;
    uint64_t *keys = sampler->keys;
    if (top_k == 0 || top_k >= sampler->vocab) {
        return met_weight_all(logits, sampler->vocab, max, temperature, keys);
    }
    size_t found =
        met_select_top(logits, sampler->vocab, sampler->block_max, top_k, keys, sampler->scratch);
    size_t count = 0;
    for (size_t i = 0; i < found; i++) {
        int32_t id = met_select_logit_id(keys[i]);
        float exponent = met_weight_exponent(logits[id], max, temperature);
        uint64_t weight = met_weight_of(met_weight_exp(exponent));
        if (weight > 0) keys[count++] = met_select_weight_key(weight, id);
    }
    return count;
}

/* Steps 5 and 6: the weight of the tokens that stay. Both keep a first part of the order "most
 * likely first", so the smaller part is what both leave, and nothing needs to be removed. */
static uint64_t remaining_weight(met_sampler *sampler, size_t count)
{
    const met_sampling *o = &sampler->options;
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += met_select_weight(sampler->keys[i]);
    uint64_t left = total;
    if (o->top_p < 1) {
        /* At most `total`: top_p <= 1 - 2^-24 outweighs a rounding of 2^-53. */
        uint64_t target = (uint64_t)ceil((double)o->top_p * (double)total);
        (void)met_select_cut(sampler->keys, count, true, target, &left, sampler->scratch);
    }
    if (o->min_p > 0) {
        uint64_t least = (uint64_t)ceil((double)o->min_p * 0x1p40);
        uint64_t above = 0;
        for (size_t i = 0; i < count; i++) {
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

met_status met_sampler_create(const met_sampling *options, int32_t vocab, met_sampler **out,
                              met_error *err)
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
    sampler->penalizes = penalizes(options);
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
    float max = met_select_max(logits, sampler->vocab, sampler->block_max);
    if (!(max > -INFINITY)) return met_sampler_fail(sampler->vocab, err);
    if (sampler->options.temperature == 0) { /* step 2 */
        *token = met_select_first(logits, sampler->vocab, sampler->block_max, max);
        return MET_OK;
    }
    size_t count = weigh(sampler, logits, max);
    uint64_t left = remaining_weight(sampler, count);
    uint64_t r = (uint64_t)((uint128)draw * left >> 64); /* step 7: below `left` */
    uint64_t key = met_select_cut(sampler->keys, count, true, r + 1, NULL, sampler->scratch);
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
    float max = met_select_max(logits, sampler->vocab, sampler->block_max);
    double log_sum = log(met_weight_sum(logits, sampler->vocab, max));
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
