/* generate: choosing a token. Every choice is checked with the draw given, never by luck. */
#include "generate/passes.h"
#include "generate/random.h"
#include "sampler_oracle.h"

static met_error err;

static met_sampling options_of(float temperature, int32_t top_k, float top_p, float min_p)
{
    met_sampling o = met_sampling_default();
    o.temperature = temperature;
    o.top_k = top_k;
    o.top_p = top_p;
    o.min_p = min_p;
    return o;
}

/* The best of this processor; test_passes.c says that the others are the same. */
static met_isa widest(void)
{
    met_isa isa = MET_ISA_I8MM;
    while (!met_isa_available(isa))
        isa--;
    return isa;
}

static met_sampler *sampler_of(const met_sampling *options, int32_t vocab)
{
    met_sampler *sampler = NULL;
    assert_ok(met_sampler_create(options, vocab, widest(), &sampler, &err));
    return sampler;
}

static int32_t choose_at(met_sampler *sampler, const float *logits, uint64_t draw)
{
    int32_t token = -1;
    assert_ok(met_sampler_choose_at(sampler, logits, draw, &token, &err));
    return token;
}

/* One choice by a sampler made for it. */
static int32_t choose_once(met_sampling options, const float *logits, int32_t vocab, uint64_t draw)
{
    met_sampler *sampler = sampler_of(&options, vocab);
    int32_t token = choose_at(sampler, logits, draw);
    met_sampler_free(sampler);
    return token;
}

/* How often each token is chosen over evenly spaced draws: its probability, exactly. */
enum { DRAWS = 1 << 13 };
static void count_choices(met_sampling options, const float *logits, int32_t vocab, int32_t *counts)
{
    met_sampler *sampler = sampler_of(&options, vocab);
    memset(counts, 0, (size_t)vocab * sizeof *counts);
    for (uint64_t i = 0; i < DRAWS; i++) {
        counts[choose_at(sampler, logits, (i << 51) + (1ull << 50))]++;
    }
    met_sampler_free(sampler);
}

/* A token owns an interval of draws, so evenly spaced ones hit it p * DRAWS times, give or take
 * one; and float32 weights are right to 2^-22. */
static void assert_share(int32_t count, double p)
{
    double expected = p * DRAWS;
    assert_true(fabs((double)count - expected) <= 1.0 + expected * 0x1p-20);
}

/* ---------------------------------------------------------------- options */

static void assert_refused(met_sampling options, const char *name, const char *found)
{
    met_sampler *sampler = (met_sampler *)&err; /* anything but NULL */
    assert_int_equal(met_sampler_create(&options, 8, MET_ISA_BASELINE, &sampler, &err),
                     MET_E_ARGUMENT);
    assert_null(sampler);
    assert_non_null(strstr(err.text, name));
    assert_non_null(strstr(err.text, found));
    assert_non_null(strstr(err.text, "expected"));
}

static void every_option_out_of_range_is_refused_by_name(void **state)
{
    (void)state;
    const float bad_everywhere[] = {NAN, INFINITY, -INFINITY};
    met_sampling good = met_sampling_default();
    for (size_t i = 0; i < 3; i++) {
        float bad = bad_everywhere[i];
        char found[16];
        snprintf(found, sizeof found, "%g", (double)bad);
        met_sampling o = good;
        o.temperature = bad, assert_refused(o, "temperature", found), o = good;
        o.top_p = bad, assert_refused(o, "top_p", found), o = good;
        o.min_p = bad, assert_refused(o, "min_p", found), o = good;
        o.repeat_penalty = bad, assert_refused(o, "repeat_penalty", found), o = good;
        o.presence_penalty = bad, assert_refused(o, "presence_penalty", found), o = good;
        o.frequency_penalty = bad, assert_refused(o, "frequency_penalty", found), o = good;
    }
    assert_refused((met_sampling){.temperature = -0.5f, .top_p = 1, .repeat_penalty = 1},
                   "temperature", "-0.5");
    assert_refused(options_of(1, -1, 1, 0), "top_k", "-1");
    assert_refused(options_of(1, 0, 0, 0), "top_p", "0");
    assert_refused(options_of(1, 0, 1.5f, 0), "top_p", "1.5");
    assert_refused(options_of(1, 0, 1, 1), "min_p", "1");
    assert_refused(options_of(1, 0, 1, -0.25f), "min_p", "-0.25");
    met_sampling o = good;
    o.repeat_penalty = 0, assert_refused(o, "repeat_penalty", "0"), o = good;
    o.repeat_last_n = -2, assert_refused(o, "repeat_last_n", "-2");
}

static void a_vocabulary_out_of_range_is_refused(void **state)
{
    (void)state;
    met_sampling o = met_sampling_default();
    met_sampler *sampler = NULL;
    assert_int_equal(met_sampler_create(&o, 0, MET_ISA_BASELINE, &sampler, &err), MET_E_ARGUMENT);
    assert_int_equal(
        met_sampler_create(&o, MET_SAMPLER_VOCAB_MAX + 1, MET_ISA_BASELINE, &sampler, &err),
        MET_E_ARGUMENT);
    assert_ok(met_sampler_create(&o, MET_SAMPLER_VOCAB_MAX, MET_ISA_BASELINE, &sampler, &err));
    met_sampler_free(sampler);
    met_sampler_free(NULL);
}

/* ---------------------------------------------------------------- parts */

static void the_generator_gives_its_authors_numbers(void **state)
{
    (void)state;
    /* SplitMix64 from 0, and xoshiro256** from 1, 2, 3, 4: the authors' reference code. */
    met_random random;
    met_random_seed(&random, 0);
    assert_true(random.state[0] == 0xe220a8397b1dcdafu && random.state[1] == 0x6e789e6aa1b965f4u);
    assert_true(random.state[2] == 0x06c45d188009454fu && random.state[3] == 0xf88bb8a8724c81ecu);
    const uint64_t expected[] = {11520u,
                                 0u,
                                 1509978240u,
                                 1215971899390074240u,
                                 1216172134540287360u,
                                 607988272756665600u,
                                 16172922978634559625u,
                                 8476171486693032832u,
                                 10595114339597558777u,
                                 2904607092377533576u};
    random = (met_random){{1, 2, 3, 4}};
    for (size_t i = 0; i < 10; i++)
        assert_true(met_random_next(&random) == expected[i]);
}

static void the_exponential_is_right_to_two_units_in_the_last_place(void **state)
{
    (void)state;
    assert_true(met_weight_exp(0.0f) == 1.0f);
    for (int32_t i = 0; i <= 1000000; i++) {
        float x = -87.0f * (float)i / 1000000.0f;
        double exact = exp((double)x);
        int exponent;
        (void)frexp(exact, &exponent);
        double unit = ldexp(1.0, exponent - 24); /* of a float32 of this size */
        if (fabs((double)met_weight_exp(x) - exact) > 2 * unit) {
            fail_msg("exp(%.9g) is %.9g, expected %.9g", (double)x, (double)met_weight_exp(x),
                     exact);
        }
        assert_true(met_weight_exp(x) <= 1.0f);
    }
    assert_true(met_weight_of(met_weight_exp(met_weight_exponent(NAN, 1, 1))) == 0);
    assert_true(met_weight_of(met_weight_exp(met_weight_exponent(-INFINITY, 1, 1))) == 0);
    assert_true(met_weight_of(met_weight_exp(met_weight_exponent(-28, 0, 1))) == 0);
    assert_true(met_weight_of(met_weight_exp(met_weight_exponent(-27, 0, 1))) == 2); /* 2.07 */
    assert_true(met_weight_exponent(INFINITY, INFINITY, 1) == 0);
    assert_true(met_weight_of(1.0f) == 1ull << 40);
}

static int descending(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a > b ? -1 : a < b;
}

static void a_cut_is_where_sorting_puts_it(void **state)
{
    (void)state;
    uint64_t seed = 7;
    uint64_t keys[300], sorted[300], scratch[300];
    for (int round = 0; round < 500; round++) {
        size_t count = 1 + test_random(&seed) % 300;
        unsigned bits = 1 + (unsigned)(test_random(&seed) % 40); /* few bits: many equal weights */
        uint64_t total = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t weight = 1 + (test_random(&seed) >> (64 - bits));
            keys[i] = met_select_weight_key(weight, (int32_t)i);
            total += weight;
        }
        memcpy(sorted, keys, sizeof keys);
        qsort(sorted, count, sizeof *sorted, descending);
        uint64_t target = 1 + test_random(&seed) % total;
        if (round % 10 == 0) target = round % 20 == 0 ? 1 : total;
        size_t at = 0;
        uint64_t sum = met_select_weight(sorted[0]);
        while (sum < target)
            sum += met_select_weight(sorted[++at]);
        uint64_t reached = 0;
        assert_true(met_select_cut(keys, count, true, target, &reached, scratch) == sorted[at]);
        assert_true(reached == sum);
        size_t nth = 1 + (size_t)(test_random(&seed) % count);
        uint64_t key = met_select_cut(keys, count, false, nth, &reached, scratch);
        assert_true(key == sorted[nth - 1] && reached == nth);
    }
}

static void the_largest_logits_are_found_for_any_size_and_number(void **state)
{
    (void)state;
    const int32_t sizes[] = {1, 2, 63, 64, 65, 127, 1000, 4097};
    uint64_t seed = 11;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int32_t vocab = sizes[s];
        size_t n = (size_t)vocab;
        float *logits = test_guarded(n * sizeof *logits);
        float *block_max = malloc(met_select_blocks(vocab) * sizeof *block_max);
        uint64_t *keys = malloc(n * sizeof *keys), *scratch = malloc(n * sizeof *scratch);
        oracle_token *sorted = malloc(n * sizeof *sorted);
        for (int round = 0; round < 60; round++) {
            /* Coarse values: ties; and now and then a -infinity or a NaN. */
            size_t count = 0;
            for (int32_t i = 0; i < vocab; i++) {
                float x =
                    round % 2 ? floorf(8 * test_random_float(&seed)) : test_random_float(&seed);
                if (test_random(&seed) % 8 == 0) x = round % 3 ? -INFINITY : NAN;
                logits[i] = x;
                if (x > -INFINITY) sorted[count++] = (oracle_token){i, x, 0};
            }
            qsort(sorted, count, sizeof *sorted, oracle_by_logit);
            float max = met_passes_baseline.max(logits, vocab, block_max);
            assert_true(max == (count > 0 ? sorted[0].logit : -INFINITY));
            if (count > 0) {
                assert_int_equal(met_select_first(logits, vocab, block_max, max), sorted[0].id);
            }
            int32_t top = 1 + (int32_t)(test_random(&seed) % (uint64_t)vocab);
            size_t found = met_select_top(logits, vocab, block_max, top, keys, scratch);
            assert_int_equal(found, count < (size_t)top ? count : (size_t)top);
            qsort(keys, found, sizeof *keys, descending);
            for (size_t i = 0; i < found; i++) {
                assert_int_equal(met_select_logit_id(keys[i]), sorted[i].id);
            }
        }
        test_guarded_free(logits, n * sizeof *logits);
        free(block_max), free(keys), free(scratch), free(sorted);
    }
}

/* ---------------------------------------------------------------- greedy */

static void greedy_takes_the_largest_and_the_lowest_id_among_equals(void **state)
{
    (void)state;
    met_sampling greedy = met_sampling_default();
    const float plain[] = {-3, 2, 7, 7, -INFINITY, 6};
    assert_int_equal(choose_once(greedy, plain, 6, 0), 2);
    const float zeros[] = {-1, -0.0f, 0.0f};
    assert_int_equal(choose_once(greedy, zeros, 3, 0), 1);
    const float negative[] = {-INFINITY, -1e30f, -3e38f};
    assert_int_equal(choose_once(greedy, negative, 3, 0), 1);
    const float infinite[] = {1, INFINITY, 3, INFINITY};
    assert_int_equal(choose_once(greedy, infinite, 4, 0), 1);
    const float one[] = {-5};
    assert_int_equal(choose_once(greedy, one, 1, 0), 0);
    /* In every place of a block, and in the last, short one. */
    for (int32_t at = 0; at < 200; at++) {
        float many[200] = {0};
        many[at] = 1;
        assert_int_equal(choose_once(greedy, many, 200, 0), at);
    }
}

static void a_nan_is_never_chosen(void **state)
{
    (void)state;
    const float logits[] = {NAN, 1, NAN, 3, NAN};
    const met_sampling all[] = {met_sampling_default(), options_of(1, 0, 1, 0),
                                options_of(1, 3, 1, 0), options_of(2, 4, 0.9f, 0.1f)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (uint64_t draw = 0; draw < 16; draw++) {
            int32_t token = choose_once(all[i], logits, 5, draw << 60);
            assert_true(token == 1 || token == 3);
        }
    }
}

static void nothing_to_choose_is_an_error(void **state)
{
    (void)state;
    const float nans[] = {NAN, NAN}, none[] = {-INFINITY, NAN, -INFINITY};
    const met_sampling all[] = {met_sampling_default(), options_of(1, 0, 1, 0),
                                options_of(1, 2, 0.5f, 0.1f)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int32_t token = -7;
        met_sampler *sampler = sampler_of(&all[i], 2);
        assert_int_equal(met_sampler_choose(sampler, nans, &token, &err), MET_E_DEVICE);
        met_sampler_free(sampler);
        sampler = sampler_of(&all[i], 3);
        assert_int_equal(met_sampler_choose(sampler, none, &token, &err), MET_E_DEVICE);
        assert_non_null(strstr(err.text, "none of 3"));
        met_sampler_free(sampler);
        assert_int_equal(token, -7);
    }
}

/* ---------------------------------------------------------------- sampling */

static void tokens_come_with_their_probability(void **state)
{
    (void)state;
    const float logits[] = {1.5f, -2, 0.25f, 3, 2.9f, -INFINITY};
    int32_t counts[6];
    const float temperatures[] = {1, 0.5f, 2.5f};
    for (size_t t = 0; t < 3; t++) {
        double total = 0;
        for (int i = 0; i < 5; i++)
            total += exp((double)logits[i] / (double)temperatures[t]);
        count_choices(options_of(temperatures[t], 0, 1, 0), logits, 6, counts);
        for (int i = 0; i < 5; i++) {
            assert_share(counts[i], exp((double)logits[i] / (double)temperatures[t]) / total);
        }
        assert_int_equal(counts[5], 0);
    }
}

static void equal_logits_are_equally_likely(void **state)
{
    (void)state;
    float logits[100];
    int32_t counts[100];
    for (int i = 0; i < 100; i++)
        logits[i] = -4.5f;
    count_choices(options_of(0.7f, 0, 1, 0), logits, 100, counts);
    for (int i = 0; i < 100; i++)
        assert_share(counts[i], 0.01);
    /* Among equals the lowest ids stay. */
    count_choices(options_of(0.7f, 10, 1, 0), logits, 100, counts);
    for (int i = 0; i < 100; i++)
        assert_share(counts[i], i < 10 ? 0.1 : 0);
    count_choices(options_of(0.7f, 0, 0.25f, 0), logits, 100, counts);
    for (int i = 0; i < 100; i++)
        assert_share(counts[i], i < 25 ? 0.04 : 0);
    count_choices(options_of(0.7f, 0, 1, 0.9f), logits, 100, counts);
    for (int i = 0; i < 100; i++)
        assert_share(counts[i], 0.01);
}

static void infinite_logits_share_everything(void **state)
{
    (void)state;
    const float logits[] = {3, INFINITY, 5, INFINITY};
    int32_t counts[4];
    count_choices(options_of(1, 0, 1, 0), logits, 4, counts);
    assert_true(counts[0] == 0 && counts[2] == 0);
    assert_share(counts[1], 0.5);
    assert_share(counts[3], 0.5);
}

static void the_draw_goes_from_the_most_likely_down(void **state)
{
    (void)state;
    const float logits[] = {0, 2, 1, 2};
    met_sampling o = options_of(1, 0, 1, 0);
    assert_int_equal(choose_once(o, logits, 4, 0), 1);
    assert_int_equal(choose_once(o, logits, 4, UINT64_MAX), 0);
    int32_t last = 1;
    const int32_t rank[] = {3, 0, 2, 1};
    for (uint64_t i = 0; i < 1024; i++) {
        int32_t token = choose_once(o, logits, 4, i << 54);
        assert_true(rank[token] >= rank[last]);
        last = token;
    }
}

static void top_k_keeps_k(void **state)
{
    (void)state;
    const float logits[] = {0.5f, 4, 1, 3, 2};
    int32_t counts[5];
    for (uint64_t i = 0; i < 64; i++) {
        assert_int_equal(choose_once(options_of(5, 1, 1, 0), logits, 5, i << 58), 1);
    }
    count_choices(options_of(1, 3, 1, 0), logits, 5, counts);
    double total = exp(4) + exp(3) + exp(2);
    assert_share(counts[1], exp(4) / total);
    assert_share(counts[3], exp(3) / total);
    assert_share(counts[4], exp(2) / total);
    assert_int_equal(counts[0] + counts[2], 0);
    /* As many as there are, or more: off. */
    int32_t all[5];
    count_choices(options_of(1, 0, 1, 0), logits, 5, all);
    count_choices(options_of(1, 5, 1, 0), logits, 5, counts);
    assert_memory_equal(counts, all, sizeof all);
    count_choices(options_of(1, INT32_MAX, 1, 0), logits, 5, counts);
    assert_memory_equal(counts, all, sizeof all);
}

static void top_p_keeps_the_smallest_set_that_reaches_p(void **state)
{
    (void)state;
    /* Probabilities 8/15, 4/15, 2/15, 1/15, up to rounding. */
    const float logits[] = {0.69314718f, 2.0794415f, 0, 1.3862944f};
    const struct {
        float p;
        int32_t kept; /* of the ids 1, 3, 0, 2 */
    } cases[] = {{0.000001f, 1}, {0.5f, 1},  {0.53f, 1}, {0.54f, 2},     {0.79f, 2},
                 {0.81f, 3},     {0.93f, 3}, {0.94f, 4}, {0.9999999f, 4}};
    const int32_t order[] = {1, 3, 0, 2};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int32_t counts[4];
        count_choices(options_of(1, 0, cases[c].p, 0), logits, 4, counts);
        double total = 0;
        for (int32_t i = 0; i < cases[c].kept; i++)
            total += 8 >> i;
        for (int32_t i = 0; i < 4; i++) {
            assert_share(counts[order[i]], i < cases[c].kept ? (8 >> i) / total : 0);
        }
    }
}

static void min_p_drops_what_is_far_below_the_best(void **state)
{
    (void)state;
    const float logits[] = {0.69314718f, 2.0794415f, 0, 1.3862944f}; /* 2 : 8 : 1 : 4 */
    const struct {
        float p;
        double total;
    } cases[] = {{0.12f, 15}, {0.13f, 14}, {0.26f, 12}, {0.51f, 8}, {0.999f, 8}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int32_t counts[4];
        count_choices(options_of(1, 0, 1, cases[c].p), logits, 4, counts);
        const double share[] = {2, 8, 1, 4};
        for (int i = 0; i < 4; i++) {
            bool stays = share[i] / 8 >= (double)cases[c].p;
            assert_share(counts[i], stays ? share[i] / cases[c].total : 0);
        }
    }
}

static void min_p_keeps_what_is_exactly_at_it(void **state)
{
    (void)state;
    const float logits[] = {0, -1};
    float e = met_weight_exp(-1); /* 24 bits: the weight is exactly e * 2^40 */
    int32_t counts[2];
    count_choices(options_of(1, 0, 1, e), logits, 2, counts);
    assert_share(counts[1], 1 / (1 + exp(1)));
    count_choices(options_of(1, 0, 1, nextafterf(e, 1)), logits, 2, counts);
    assert_int_equal(counts[1], 0);
}

static void steps_have_their_documented_order(void **state)
{
    (void)state;
    int32_t counts[4];
    const float logits[] = {0.69314718f, 2.0794415f, 0, 1.3862944f}; /* 2 : 8 : 1 : 4 */
    /* top_k before top_p: of {8, 4} alone, 8 is 2/3 and reaches 0.6; of all it would not. */
    count_choices(options_of(1, 2, 0.6f, 0), logits, 4, counts);
    assert_int_equal(counts[1], DRAWS);
    /* temperature before top_p: at 1/2 the ratios are 4 : 64 : 1 : 16, and 64/85 reaches 0.7. */
    count_choices(options_of(0.5f, 0, 0.7f, 0), logits, 4, counts);
    assert_int_equal(counts[1], DRAWS);
    /* temperature before min_p: at 1/2, 16/64 is below 0.3; before, 4/8 would not be. */
    count_choices(options_of(0.5f, 0, 1, 0.3f), logits, 4, counts);
    assert_int_equal(counts[1], DRAWS);
    /* top_p before min_p: 12/15 is reached by {8, 4}; after dropping 1 and 2, 8/12 would do. */
    count_choices(options_of(1, 0, 0.66f, 0.3f), logits, 4, counts);
    assert_share(counts[1], 8.0 / 12);
    assert_share(counts[3], 4.0 / 12);
    /* penalties before top_k: the best falls out. */
    met_sampling o = options_of(1, 1, 1, 0);
    o.presence_penalty = 10;
    met_sampler *sampler = sampler_of(&o, 4);
    met_sampler_accept(sampler, 1);
    assert_int_equal(choose_at(sampler, logits, 0), 3);
    met_sampler_free(sampler);
}

/* ---------------------------------------------------------------- penalties */

static void each_penalty_does_what_its_formula_says(void **state)
{
    (void)state;
    const struct {
        float repeat, presence, frequency;
        int32_t times;                /* token 0 was seen */
        float logit0;                 /* of token 0 */
        float just_below, just_above; /* of token 1: chosen with the second only */
    } cases[] = {
        {2, 0, 0, 1, 6, 2.99f, 3.01f},        {2, 0, 0, 5, 6, 2.99f, 3.01f},
        {2, 0, 0, 1, -3, -6.01f, -5.99f},     {0.5f, 0, 0, 1, 3, 5.99f, 6.01f},
        {1, 1.5f, 0, 1, 6, 4.49f, 4.51f},     {1, 1.5f, 0, 3, 6, 4.49f, 4.51f},
        {1, 0, 1.5f, 3, 6, 1.49f, 1.51f},     {1, -1, 0, 1, 6, 6.99f, 7.01f},
        {2, 0.5f, 0.25f, 2, 6, 1.99f, 2.01f},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        met_sampling o = met_sampling_default();
        o.repeat_penalty = cases[c].repeat;
        o.presence_penalty = cases[c].presence;
        o.frequency_penalty = cases[c].frequency;
        met_sampler *sampler = sampler_of(&o, 2);
        for (int32_t i = 0; i < cases[c].times; i++)
            met_sampler_accept(sampler, 0);
        const float below[] = {cases[c].logit0, cases[c].just_below};
        const float above[] = {cases[c].logit0, cases[c].just_above};
        assert_int_equal(choose_at(sampler, below, 0), 0);
        assert_int_equal(choose_at(sampler, above, 0), 1);
        met_sampler_free(sampler);
    }
}

static void penalties_look_at_the_last_n_tokens(void **state)
{
    (void)state;
    const float logits[] = {5, 4, 3, 2};
    met_sampling o = met_sampling_default();
    o.presence_penalty = 100;
    o.repeat_last_n = 3;
    met_sampler *sampler = sampler_of(&o, 4);
    const int32_t fed[] = {0, 1, 2, 3, 3, 3, 0, 0};
    const int32_t best[] = {1, 2, 3, 0, 0, 0, 1, 1}; /* with {0}, {0 1}, {0 1 2}, {1 2 3}, ... */
    for (size_t i = 0; i < 8; i++) {
        met_sampler_accept(sampler, fed[i]);
        assert_int_equal(choose_at(sampler, logits, 0), best[i]);
    }
    assert_int_equal(met_sampler_window(sampler), 3);
    met_sampler_free(sampler);

    o.repeat_last_n = 0;
    sampler = sampler_of(&o, 4);
    met_sampler_accept(sampler, 0);
    assert_int_equal(choose_at(sampler, logits, 0), 0);
    assert_int_equal(met_sampler_window(sampler), 0);
    met_sampler_free(sampler);

    o.repeat_last_n = -1;
    sampler = sampler_of(&o, 4);
    met_sampler_accept(sampler, 0);
    for (int i = 0; i < 1000; i++)
        met_sampler_accept(sampler, 3);
    assert_int_equal(choose_at(sampler, logits, 0), 1);
    assert_int_equal(met_sampler_window(sampler), -1);
    met_sampler_free(sampler);
}

/* ---------------------------------------------------------------- all of it against the oracle */

static met_sampling random_options(uint64_t *seed)
{
    met_sampling o = met_sampling_default();
    uint64_t r = test_random(seed);
    if (r & 15) o.temperature = 0.05f + 2 * fabsf(test_random_float(seed));
    if (r & 16) o.top_k = 1 + (int32_t)(test_random(seed) % 60);
    if (r & 32) o.top_p = fmaxf(0.001f, fabsf(test_random_float(seed)));
    if (r & 64) o.min_p = 0.5f * fabsf(test_random_float(seed));
    if (r & 128) o.repeat_penalty = 1 + fabsf(test_random_float(seed));
    if (r & 256) o.presence_penalty = test_random_float(seed);
    if (r & 512) o.frequency_penalty = test_random_float(seed);
    if (r & 1024) o.repeat_last_n = (int32_t)(test_random(seed) % 20) - 1;
    return o;
}

static void any_options_choose_as_the_oracle_does(void **state)
{
    (void)state;
    uint64_t seed = 20261123;
    float logits[700];
    int32_t accepted[40];
    for (int round = 0; round < 1500; round++) {
        uint64_t round_seed = seed;
        int32_t vocab = 1 + (int32_t)(test_random(&seed) % 700);
        met_sampling o = random_options(&seed);
        float spread = (float)(1 + test_random(&seed) % 20);
        bool coarse = test_random(&seed) % 4 == 0; /* ties */
        bool odd = test_random(&seed) % 4 == 0;    /* infinities and NaNs */
        for (int32_t i = 0; i < vocab; i++) {
            logits[i] = spread * test_random_float(&seed);
            if (coarse) logits[i] = floorf(logits[i]);
            if (odd && test_random(&seed) % 16 == 0) {
                const float odd_values[] = {NAN, -INFINITY, INFINITY, -0.0f};
                logits[i] = odd_values[test_random(&seed) % 4];
            }
        }
        float before[700];
        memcpy(before, logits, sizeof logits);
        met_sampler *sampler = sampler_of(&o, vocab);
        for (size_t n = 0; n < 40; n++) {
            uint64_t draw = test_random(&seed);
            int32_t token = -1;
            met_status status = met_sampler_choose_at(sampler, logits, draw, &token, &err);
            int32_t expected = oracle_choose(&o, logits, vocab, accepted, n, draw);
            if (status != (expected < 0 ? MET_E_DEVICE : MET_OK) || token != expected) {
                fail_msg("seed %llu, token %zu: chose %d, expected %d",
                         (unsigned long long)round_seed, n, token, expected);
            }
            accepted[n] =
                n % 3 == 0 && token >= 0 ? token : (int32_t)(test_random(&seed) % (uint64_t)vocab);
            met_sampler_accept(sampler, accepted[n]);
        }
        assert_memory_equal(before, logits, sizeof logits);
        met_sampler_free(sampler);
    }
}

static void a_whole_vocabulary_chooses_as_the_oracle_does(void **state)
{
    (void)state;
    enum { VOCAB = 151936 };
    float *logits = malloc(VOCAB * sizeof *logits);
    uint64_t seed = 3;
    for (int32_t i = 0; i < VOCAB; i++) {
        logits[i] = 0; /* near to a normal distribution */
        for (int n = 0; n < 4; n++)
            logits[i] += 3 * test_random_float(&seed);
    }
    const met_sampling all[] = {options_of(0.8f, 40, 0.95f, 0), options_of(1, 0, 1, 0),
                                options_of(1, 0, 0.9f, 0.001f), options_of(1.5f, 5000, 0.99f, 0)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (int n = 0; n < 3; n++) {
            uint64_t draw = test_random(&seed);
            assert_int_equal(choose_once(all[i], logits, VOCAB, draw),
                             oracle_choose(&all[i], logits, VOCAB, NULL, 0, draw));
        }
    }
    free(logits);
}

/* One favourite, and many that weigh less than 2^-12 of it: together 12 times as much. */
static void many_unlikely_tokens_choose_as_the_oracle_does(void **state)
{
    (void)state;
    enum { VOCAB = 100003 };
    float *logits = malloc(VOCAB * sizeof *logits);
    uint64_t seed = 4;
    for (int32_t i = 0; i < VOCAB; i++)
        logits[i] = -9 + 0.1f * test_random_float(&seed);
    logits[70001] = 0;
    logits[VOCAB - 1] = -26; /* the only one of its block's end that weighs next to nothing */
    const met_sampling all[] = {options_of(1, 0, 1, 0), options_of(1, 0, 0.05f, 0),
                                options_of(1, 0, 0.5f, 0), options_of(1, 0, 1, 0.0001f),
                                options_of(1, 0, 0.9f, 0.00012f)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const uint64_t draws[] = {0, UINT64_MAX, UINT64_MAX / 13, test_random(&seed)};
        for (size_t n = 0; n < sizeof draws / sizeof *draws; n++) {
            assert_int_equal(choose_once(all[i], logits, VOCAB, draws[n]),
                             oracle_choose(&all[i], logits, VOCAB, NULL, 0, draws[n]));
        }
    }
    free(logits);
}

/* ---------------------------------------------------------------- seeds */

static void make_text(uint64_t seed, bool with_logprobs, int32_t *tokens, size_t count)
{
    met_sampling o = options_of(1, 0, 0.9f, 0);
    o.seed = seed;
    o.frequency_penalty = 0.5f;
    met_sampler *sampler = sampler_of(&o, 50);
    uint64_t random = 99;
    for (size_t n = 0; n < count; n++) {
        float logits[50], logprob;
        met_logprob top[5];
        for (int i = 0; i < 50; i++)
            logits[i] = 4 * test_random_float(&random);
        if (with_logprobs) met_sampler_logprobs(sampler, logits, 3, &logprob, top, 5);
        assert_ok(met_sampler_choose(sampler, logits, &tokens[n], &err));
        met_sampler_accept(sampler, tokens[n]);
    }
    met_sampler_free(sampler);
}

static void the_same_seed_gives_the_same_text(void **state)
{
    (void)state;
    int32_t first[64], again[64], other[64];
    make_text(42, false, first, 64);
    make_text(42, false, again, 64);
    assert_memory_equal(first, again, sizeof first);
    make_text(42, true, again, 64); /* asking for logprobs draws nothing */
    assert_memory_equal(first, again, sizeof first);
    make_text(43, false, other, 64);
    assert_memory_not_equal(first, other, sizeof first);
    /* Recorded once: what a seed means must not change by accident. */
    const int32_t recorded[] = {36, 10, 19, 48, 5, 21, 17, 20, 10, 39, 43, 18,
                                20, 7,  26, 46, 6, 45, 29, 43, 15, 35, 4,  31};
    assert_memory_equal(first, recorded, sizeof recorded);
}

/* ---------------------------------------------------------------- logprobs */

static void logprobs_are_those_of_the_raw_distribution(void **state)
{
    (void)state;
    uint64_t seed = 5;
    float logits[300];
    met_logprob top[64];
    met_sampling o = options_of(0.1f, 2, 0.3f, 0.5f); /* none of it matters */
    o.repeat_penalty = 3;
    for (int round = 0; round < 100; round++) {
        int32_t vocab = 64 + (int32_t)(test_random(&seed) % 237);
        oracle_token sorted[300];
        double total = 0;
        for (int32_t i = 0; i < vocab; i++) {
            logits[i] = 10 * test_random_float(&seed);
            if (round % 2) logits[i] = floorf(logits[i]);
            if (round % 3 == 0 && i % 7 == 0) logits[i] = -INFINITY;
            total += exp((double)logits[i]);
            sorted[i] = (oracle_token){i, logits[i], 0};
        }
        qsort(sorted, (size_t)vocab, sizeof *sorted, oracle_by_logit);
        met_sampler *sampler = sampler_of(&o, vocab);
        int32_t token = (int32_t)(test_random(&seed) % (uint64_t)vocab);
        met_sampler_accept(sampler, token);
        float logprob = 1;
        met_sampler_logprobs(sampler, logits, token, &logprob, top, 64);
        /* Terms are right to 2^-22, and the result is rounded to a float below 32. */
        double bound = 0x1p-22 + 32 * 0x1p-24;
        for (int i = -1; i < 64; i++) {
            float found = i < 0 ? logprob : top[i].logprob;
            float logit = i < 0 ? logits[token] : sorted[i].logit;
            if (i >= 0) assert_int_equal(top[i].token, sorted[i].id);
            if (logit > -INFINITY) {
                assert_true(fabs((double)found - ((double)logit - log(total))) <= bound);
            } else {
                assert_true(found == -INFINITY);
            }
        }
        met_sampler_logprobs(sampler, logits, token, &logprob, NULL, 0);
        met_sampler_free(sampler);
    }
}

static void logprobs_of_odd_logits_are_defined(void **state)
{
    (void)state;
    met_sampling o = met_sampling_default();
    met_sampler *sampler = sampler_of(&o, 4);
    met_logprob top[4];
    float logprob;
    const float one[] = {-INFINITY, NAN, 2, -INFINITY};
    met_sampler_logprobs(sampler, one, 2, &logprob, top, 4);
    assert_true(logprob == 0 && top[0].token == 2 && top[0].logprob == 0);
    const int32_t rest[] = {0, 1, 3};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(top[i + 1].token, rest[i]);
        assert_true(top[i + 1].logprob == -INFINITY);
    }
    met_sampler_logprobs(sampler, one, 1, &logprob, top, 1);
    assert_true(logprob == -INFINITY && top[0].token == 2);
    const float infinite[] = {1, INFINITY, 0, INFINITY};
    met_sampler_logprobs(sampler, infinite, 3, &logprob, top, 4);
    assert_true(fabs((double)logprob + log(2)) < 1e-6);
    assert_true(top[0].token == 1 && top[1].token == 3 && top[2].token == 0);
    const float none[] = {NAN, -INFINITY, NAN, NAN};
    met_sampler_logprobs(sampler, none, 0, &logprob, top, 4);
    assert_true(logprob == -INFINITY && top[3].token == 3 && top[3].logprob == -INFINITY);
    met_sampler_free(sampler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_out_of_range_is_refused_by_name),
        cmocka_unit_test(a_vocabulary_out_of_range_is_refused),
        cmocka_unit_test(the_generator_gives_its_authors_numbers),
        cmocka_unit_test(the_exponential_is_right_to_two_units_in_the_last_place),
        cmocka_unit_test(a_cut_is_where_sorting_puts_it),
        cmocka_unit_test(the_largest_logits_are_found_for_any_size_and_number),
        cmocka_unit_test(greedy_takes_the_largest_and_the_lowest_id_among_equals),
        cmocka_unit_test(a_nan_is_never_chosen),
        cmocka_unit_test(nothing_to_choose_is_an_error),
        cmocka_unit_test(tokens_come_with_their_probability),
        cmocka_unit_test(equal_logits_are_equally_likely),
        cmocka_unit_test(infinite_logits_share_everything),
        cmocka_unit_test(the_draw_goes_from_the_most_likely_down),
        cmocka_unit_test(top_k_keeps_k),
        cmocka_unit_test(top_p_keeps_the_smallest_set_that_reaches_p),
        cmocka_unit_test(min_p_drops_what_is_far_below_the_best),
        cmocka_unit_test(min_p_keeps_what_is_exactly_at_it),
        cmocka_unit_test(steps_have_their_documented_order),
        cmocka_unit_test(each_penalty_does_what_its_formula_says),
        cmocka_unit_test(penalties_look_at_the_last_n_tokens),
        cmocka_unit_test(any_options_choose_as_the_oracle_does),
        cmocka_unit_test(a_whole_vocabulary_chooses_as_the_oracle_does),
        cmocka_unit_test(many_unlikely_tokens_choose_as_the_oracle_does),
        cmocka_unit_test(the_same_seed_gives_the_same_text),
        cmocka_unit_test(logprobs_are_those_of_the_raw_distribution),
        cmocka_unit_test(logprobs_of_odd_logits_are_defined),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
