/* generate: the passes over a vocabulary, at every level of this processor, against their
 * definition one logit at a time. Nothing but the same bits will do. */
#include "generate/passes.h"
#include "generate/weight.h"
#include "support/testing.h"

#include <math.h>

/* Up to 70: every tail of every vector, and more than a block. Then the strips of 256 logits and of
 * 16 blocks, one less and one more, and a few of them with a tail. */
enum { SMALL = 70 };
static const int32_t large[] = {127, 128, 255, 256, 257, 1023, 1024, 1025, 1087, 2048, 5003};
enum { SIZES = SMALL + (int)(sizeof large / sizeof large[0]) };

static int32_t size_at(int32_t i)
{
    return i < SMALL ? i + 1 : large[i - SMALL];
}

/* ---------------------------------------------------------------- logits */

typedef struct odd_logits {
    const char *name;
    float (*at)(uint64_t *seed, int32_t i);
} odd_logits;

static float near_normal(uint64_t *seed, int32_t i)
{
    (void)i;
    float sum = 0;
    for (int n = 0; n < 6; n++)
        sum += test_random_float(seed);
    return 6 * sum;
}

/* Weights on both sides of 2^-40 of the best, where they become 0. */
static float hardly_any(uint64_t *seed, int32_t i)
{
    return i == 0 ? 0 : -27.7f + 0.5f * test_random_float(seed);
}

static float all_equal(uint64_t *seed, int32_t i)
{
    (void)seed, (void)i;
    return -3.25f;
}

static float zeros_of_both_signs(uint64_t *seed, int32_t i)
{
    (void)i;
    return test_random(seed) % 2 == 0 ? 0.0f : -0.0f;
}

static float with_infinities_and_nans(uint64_t *seed, int32_t i)
{
    static const float odd[] = {-INFINITY, NAN, 1e38f, -1e38f, 0x1p-149f};
    uint64_t kind = test_random(seed) % 8;
    return kind < 5 ? odd[kind] : near_normal(seed, i);
}

static float with_infinite_best(uint64_t *seed, int32_t i)
{
    return test_random(seed) % 16 == 0 ? INFINITY : with_infinities_and_nans(seed, i);
}

static float nothing(uint64_t *seed, int32_t i)
{
    (void)i;
    return test_random(seed) % 2 == 0 ? -INFINITY : NAN;
}

static const odd_logits kinds[] = {{"near normal", near_normal},
                                   {"hardly any", hardly_any},
                                   {"all equal", all_equal},
                                   {"zeros of both signs", zeros_of_both_signs},
                                   {"with infinities and NaNs", with_infinities_and_nans},
                                   {"with infinite best", with_infinite_best},
                                   {"nothing", nothing}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* One vocabulary; it and its maxima end at guard pages, so logits have every alignment. */
typedef struct vocabulary {
    char name[96];
    int32_t size;
    float *logits;    /* [size] */
    float *block_max; /* [blocks] */
    size_t logit_bytes, block_bytes;
    float max;
} vocabulary;

/* Does not use any of the passes. */
static vocabulary vocabulary_of(const odd_logits *kind, int32_t size, uint64_t seed)
{
    vocabulary v = {.size = size, .max = -INFINITY};
    snprintf(v.name, sizeof v.name, "%s, %d logits", kind->name, (int)size);
    v.logit_bytes = (size_t)size * sizeof *v.logits;
    v.block_bytes = met_select_blocks(size) * sizeof *v.block_max;
    v.logits = test_guarded(v.logit_bytes);
    v.block_max = test_guarded(v.block_bytes);
    for (size_t b = 0; b < met_select_blocks(size); b++)
        v.block_max[b] = -INFINITY;
    for (int32_t i = 0; i < size; i++) {
        v.logits[i] = kind->at(&seed, i);
        float *most = &v.block_max[i / MET_SELECT_BLOCK];
        if (v.logits[i] > *most) *most = v.logits[i];
        if (v.logits[i] > v.max) v.max = v.logits[i];
    }
    return v;
}

static void vocabulary_free(vocabulary *v)
{
    test_guarded_free(v->logits, v->logit_bytes);
    test_guarded_free(v->block_max, v->block_bytes);
}

/* nothing_too: also those in which no logit is above -infinity. */
static void for_all(const met_passes *passes, bool nothing_too,
                    void (*check)(const met_passes *passes, const vocabulary *v))
{
    for (int32_t i = 0; i < SIZES; i++) {
        for (size_t k = 0; k < KINDS; k++) {
            vocabulary v = vocabulary_of(&kinds[k], size_at(i), 1 + (uint64_t)i);
            if (nothing_too || v.max > -INFINITY) check(passes, &v);
            vocabulary_free(&v);
        }
    }
}

/* ---------------------------------------------------------------- the passes */

static const float temperatures[] = {1.0f, 0.8f, 0.05f, 3.0f, 1e-30f, 1e30f};
enum { TEMPERATURES = sizeof temperatures / sizeof temperatures[0] };

static uint64_t weight_at(const vocabulary *v, int32_t i, float temperature)
{
    return met_weight_of(met_weight_exp(met_weight_exponent(v->logits[i], v->max, temperature)));
}

static void check_max(const met_passes *passes, const vocabulary *v)
{
    size_t blocks = met_select_blocks(v->size);
    float *block_max = test_guarded(v->block_bytes);
    float *baseline = test_guarded(v->block_bytes);
    float max = passes->max(v->logits, v->size, block_max);
    float same = met_passes_baseline.max(v->logits, v->size, baseline);
    /* The sign of a zero is not defined, but the same at every level. */
    if (memcmp(block_max, baseline, v->block_bytes) != 0 || memcmp(&max, &same, sizeof max) != 0)
        fail_msg("%s: maxima are not those of the baseline", v->name);
    if (max != v->max) fail_msg("%s: found %g, expected %g", v->name, (double)max, (double)v->max);
    for (size_t b = 0; b < blocks; b++) {
        if (block_max[b] == v->block_max[b]) continue;
        fail_msg("%s: block %zu: found %g, expected %g", v->name, b, (double)block_max[b],
                 (double)v->block_max[b]);
    }
    test_guarded_free(block_max, v->block_bytes);
    test_guarded_free(baseline, v->block_bytes);
}

static void maxima_are_those_of_all_logits_but_nans(const met_passes *passes)
{
    for_all(passes, true, check_max);
}

static void check_total(const met_passes *passes, const vocabulary *v)
{
    for (size_t t = 0; t < TEMPERATURES; t++) {
        uint64_t expected = 0;
        for (int32_t i = 0; i < v->size; i++)
            expected += weight_at(v, i, temperatures[t]);
        uint64_t found = passes->total(v->logits, v->size, v->block_max, v->max, temperatures[t]);
        if (found == expected) continue;
        fail_msg("%s, temperature %g: found %llu, expected %llu", v->name, (double)temperatures[t],
                 (unsigned long long)found, (unsigned long long)expected);
    }
}

static void totals_are_sums_of_integer_weights(const met_passes *passes)
{
    for_all(passes, false, check_total);
}

static void check_keys(const met_passes *passes, const vocabulary *v)
{
    static const uint64_t least[] = {1, 3, 1000, UINT64_C(1) << 28, UINT64_C(1) << 40};
    size_t bytes = (size_t)v->size * sizeof(uint64_t);
    uint64_t *expected = test_guarded(bytes);
    uint64_t *found = test_guarded(bytes);
    for (size_t t = 0; t < TEMPERATURES; t++) {
        for (size_t l = 0; l < sizeof least / sizeof least[0]; l++) {
            size_t count = 0;
            for (int32_t i = 0; i < v->size; i++) {
                uint64_t weight = weight_at(v, i, temperatures[t]);
                if (weight >= least[l]) expected[count++] = met_select_weight_key(weight, i);
            }
            size_t same = passes->keys(v->logits, v->size, v->block_max, v->max, temperatures[t],
                                       least[l], found);
            if (same == count && memcmp(found, expected, count * sizeof *found) == 0) continue;
            fail_msg("%s, temperature %g: found %zu keys of %llu and more, expected %zu", v->name,
                     (double)temperatures[t], same, (unsigned long long)least[l], count);
        }
    }
    test_guarded_free(expected, bytes);
    test_guarded_free(found, bytes);
}

static void keys_are_of_all_that_weigh_enough(const met_passes *passes)
{
    for_all(passes, false, check_keys);
}

/* With nothing above -infinity as well: a report of logprobs asks then, too. */
static void check_sum(const met_passes *passes, const vocabulary *v)
{
    double sums[16] = {0};
    double expected = 0;
    for (int32_t i = 0; i < v->size; i++)
        sums[i % 16] += (double)met_weight_exp(met_weight_exponent(v->logits[i], v->max, 1.0f));
    for (size_t i = 0; i < 16; i++)
        expected += sums[i];
    double found = passes->sum(v->logits, v->size, v->max);
    if (memcmp(&found, &expected, sizeof found) != 0)
        fail_msg("%s: found %.17g, expected %.17g", v->name, found, expected);
}

static void sums_of_exponentials_are_added_in_their_order(const met_passes *passes)
{
    for_all(passes, true, check_sum);
}

/* ---------------------------------------------------------------- choice */

static void an_instruction_set_has_the_widest_passes_that_it_can_run(void **state)
{
    (void)state;
    assert_ptr_equal(met_passes_for(MET_ISA_BASELINE), &met_passes_baseline);
#if defined(__x86_64__)
    assert_ptr_equal(met_passes_for(MET_ISA_AVX2), &met_passes_avx2);
    assert_ptr_equal(met_passes_for(MET_ISA_AVXVNNI), &met_passes_avx2);
    assert_ptr_equal(met_passes_for(MET_ISA_AVX512), &met_passes_avx512);
    assert_false(met_isa_available(MET_ISA_NEON) || met_isa_available(MET_ISA_I8MM));
#else
    assert_ptr_equal(met_passes_for(MET_ISA_NEON), &met_passes_baseline);
    assert_ptr_equal(met_passes_for(MET_ISA_I8MM), &met_passes_baseline);
    assert_false(met_isa_available(MET_ISA_AVX2) || met_isa_available(MET_ISA_AVX512));
#endif
}

/* ---------------------------------------------------------------- levels */

static const struct {
    const char *name;
    met_isa isa;
} levels[] = {
    {"baseline", MET_ISA_BASELINE},
#if defined(__x86_64__)
    {"avx2", MET_ISA_AVX2},
    {"avx512", MET_ISA_AVX512},
#endif
};

static const struct {
    const char *behaviour;
    void (*run)(const met_passes *passes);
} behaviours[] = {
    {"maxima are those of all logits but NaNs", maxima_are_those_of_all_logits_but_nans},
    {"totals are sums of integer weights", totals_are_sums_of_integer_weights},
    {"keys are of all that weigh enough", keys_are_of_all_that_weigh_enough},
    {"sums of exponentials are added in their order",
     sums_of_exponentials_are_added_in_their_order},
};

enum {
    LEVELS = sizeof levels / sizeof levels[0],
    BEHAVIOURS = sizeof behaviours / sizeof behaviours[0]
};

typedef struct level_test {
    size_t level, behaviour;
    char name[96];
} level_test;

static void run_level_test(void **state)
{
    const level_test *t = *state;
    if (!met_isa_available(levels[t->level].isa)) {
        print_message("# not on this processor: %s\n", levels[t->level].name);
        skip();
    }
    const met_passes *passes = met_passes_for(levels[t->level].isa);
    assert_string_equal(passes->name, levels[t->level].name);
    behaviours[t->behaviour].run(passes);
}

int main(void)
{
    level_test all[LEVELS * BEHAVIOURS];
    struct CMUnitTest tests[LEVELS * BEHAVIOURS + 1];
    for (size_t i = 0; i < LEVELS * BEHAVIOURS; i++) {
        all[i].level = i / BEHAVIOURS;
        all[i].behaviour = i % BEHAVIOURS;
        snprintf(all[i].name, sizeof all[i].name, "%s: %s", levels[all[i].level].name,
                 behaviours[all[i].behaviour].behaviour);
        tests[i] = (struct CMUnitTest){
            .name = all[i].name, .test_func = run_level_test, .initial_state = &all[i]};
    }
    tests[LEVELS * BEHAVIOURS] = (struct CMUnitTest)cmocka_unit_test(
        an_instruction_set_has_the_widest_passes_that_it_can_run);
    return cmocka_run_group_tests_name("passes", tests, NULL, NULL);
}
