/* Sampling on Metal against the sampler of the CPU: the same token for the same logits, options and
 * draw, every time; probabilities are integers, so there is no bound. */
#include "metal/kernel_run.h"

#include "generate/sampler.h"
#include "generate/weight.h"
#include "kernels/kernel_test.h"

#include <math.h>

/* One timeline's state on the device. */
typedef struct device_sampler {
    met_sampling options;
    int32_t vocab, threads;
    bool penalize;
    float *penalized;
    uint64_t *maxima, *keys;
    int32_t *counts, *history;
    int32_t place, history_tokens;
} device_sampler;

static device_sampler *device_open(const met_sampling *options, int32_t vocab, int32_t threads,
                                   int32_t history_tokens)
{
    device_sampler *d = calloc(1, sizeof *d);
    d->options = *options;
    d->vocab = vocab;
    d->threads = threads;
    d->penalize = options->repeat_last_n != 0 &&
                  (options->repeat_penalty != 1 || options->presence_penalty != 0 ||
                   options->frequency_penalty != 0);
    d->history_tokens = history_tokens;
    d->penalized = calloc((size_t)vocab, sizeof *d->penalized);
    d->maxima = calloc(MET_METAL_SAMPLE_GROUPS, sizeof *d->maxima);
    d->keys = calloc(met_metal_sample_keys(vocab), sizeof *d->keys);
    d->counts = calloc((size_t)vocab, sizeof *d->counts);
    d->history = calloc((size_t)history_tokens, sizeof *d->history);
    return d;
}

static void device_close(device_sampler *d)
{
    free(d->penalized);
    free(d->maxima);
    free(d->keys);
    free(d->counts);
    free(d->history);
    free(d);
}

static int32_t device_choose(device_sampler *d, const float *logits, uint64_t draw)
{
    const met_sampling *o = &d->options;
    size_t vocab = (size_t)d->vocab;
    int32_t token = -2;
    met_metal_sample arguments = {
        .vocab = d->vocab,
        .top_k = o->top_k,
        .temperature = o->temperature,
        .top_p = o->top_p,
        .repeat_penalty = o->repeat_penalty,
        .presence_penalty = o->presence_penalty,
        .frequency_penalty = o->frequency_penalty,
        .window = o->repeat_last_n > 0 ? o->repeat_last_n : 0,
        .least = (uint64_t)ceil((double)o->min_p * 0x1p40),
        .draw = draw,
        .place = d->place,
    };
    kernel_run run = {
        .function = "met_sample_max",
        .arguments = &arguments,
        .argument_bytes = sizeof arguments,
        .buffers = {{0},
                    {(void *)(uintptr_t)logits, vocab * 4, false},
                    {d->maxima, MET_METAL_SAMPLE_GROUPS * sizeof *d->maxima, true},
                    {d->counts, vocab * sizeof *d->counts, true},
                    {d->penalized, vocab * 4, true}},
        .groups = {MET_METAL_SAMPLE_GROUPS, 1, 1},
        .threads = MET_METAL_SAMPLE_THREADS,
    };
    run.constants[MET_METAL_FC_PENALIZE] = d->penalize;
    kernel_run_now(&run);

    run.groups[0] = 1;
    run.buffers[4] = (kernel_buffer){0};
    run.buffers[5] = (kernel_buffer){d->history, (size_t)d->history_tokens * 4, true};
    run.buffers[6] = (kernel_buffer){&token, sizeof token, true};
    if (o->temperature == 0) {
        run.function = "met_sample_first";
        run.threads = MET_METAL_SAMPLE_GROUPS;
    } else {
        run.function = "met_sample_draw";
        run.threads = (uint32_t)d->threads;
        if (d->penalize) run.buffers[1].data = d->penalized;
        size_t key_bytes = met_metal_sample_keys(d->vocab) * sizeof *d->keys;
        run.buffers[7] = (kernel_buffer){d->keys, key_bytes, false};
    }
    kernel_run_now(&run);
    if (token >= 0) d->place++;
    return token;
}

/* The same from the CPU; -1 where it finds none. */
static int32_t cpu_choose(met_sampler *sampler, const float *logits, uint64_t draw)
{
    met_error err = {0};
    int32_t token = -1;
    if (met_sampler_choose_at(sampler, logits, draw, &token, &err) != MET_OK) return -1;
    met_sampler_accept(sampler, token);
    return token;
}

static void expect_same_token(const met_sampling *o, int32_t found, int32_t expected,
                              const char *what, size_t round)
{
    if (found == expected) return;
    fail_msg("%s, round %zu: temperature %g top_k %d top_p %g min_p %g penalties %g %g %g over %d: "
             "found token %d, expected %d",
             what, round, (double)o->temperature, o->top_k, (double)o->top_p, (double)o->min_p,
             (double)o->repeat_penalty, (double)o->presence_penalty, (double)o->frequency_penalty,
             o->repeat_last_n, found, expected);
}

/* `rounds` choices in a row from the same logits: penalties make them differ. */
static void expect_choices(const met_sampling *options, const float *logits, int32_t vocab,
                           int32_t threads, size_t rounds, uint64_t seed, const char *what)
{
    met_error err = {0};
    met_sampler *sampler = NULL;
    device_sampler *device = device_open(options, vocab, threads, (int32_t)rounds);
    assert_ok(met_sampler_create(options, vocab, MET_ISA_BASELINE, &sampler, &err));
    for (size_t i = 0; i < rounds; i++) {
        uint64_t draw = i == 0 ? 0 : i == 1 ? UINT64_MAX : test_random(&seed);
        int32_t expected = cpu_choose(sampler, logits, draw);
        expect_same_token(options, device_choose(device, logits, draw), expected, what, i);
    }
    met_sampler_free(sampler);
    device_close(device);
}

static void fill_logits(uint64_t *seed, float spread, float *logits, int32_t vocab)
{
    for (int32_t i = 0; i < vocab; i++)
        logits[i] = spread * test_random_float(seed);
}

/* ---------------------------------------------------------------- tests */

static void greedy_takes_the_lowest_id_of_the_largest(void **state)
{
    enum { VOCAB = 1000 };
    float logits[VOCAB];
    met_sampling greedy = met_sampling_default();
    uint64_t seed = 3;
    (void)state;
    fill_logits(&seed, 9.0f, logits, VOCAB);
    expect_choices(&greedy, logits, VOCAB, 64, 1, seed, "random");
    logits[700] = logits[123] = logits[999] = 20.0f;
    expect_choices(&greedy, logits, VOCAB, 64, 1, seed, "three equals");
    logits[5] = logits[990] = INFINITY;
    logits[2] = NAN;
    expect_choices(&greedy, logits, VOCAB, 64, 1, seed, "infinities and a NaN");
    for (int32_t i = 0; i < VOCAB; i++)
        logits[i] = i % 2 == 0 ? -0.0f : 0.0f;
    expect_choices(&greedy, logits, VOCAB, 64, 1, seed, "zeros of both signs");
    for (int32_t i = 0; i < VOCAB; i++)
        logits[i] = i % 2 == 0 ? NAN : -INFINITY;
    expect_choices(&greedy, logits, VOCAB, 64, 1, seed, "nothing to choose");
    logits[400] = -3e38f;
    expect_choices(&greedy, logits, VOCAB, 64, 1, seed, "one left");
    for (int32_t vocab = 1; vocab <= 65; vocab += 16)
        expect_choices(&greedy, logits, vocab, 64, 1, seed, "small");
}

static void every_step_chooses_what_the_cpu_chooses(void **state)
{
    enum { VOCAB = 3000 };
    static const struct {
        float temperature;
        int32_t top_k;
        float top_p, min_p;
    } cases[] = {
        {1.0f, 0, 1.0f, 0},       {0.01f, 0, 1.0f, 0},     {5.0f, 0, 1.0f, 0},
        {1.0f, 1, 1.0f, 0},       {1.0f, 40, 1.0f, 0},     {1.0f, VOCAB, 1.0f, 0},
        {1.0f, VOCAB + 7, 1, 0},  {1.0f, 0, 0.9f, 0},      {1.0f, 0, 1e-6f, 0},
        {1.0f, 0, 1e-40f, 0},     {1.0f, 0, 0.99999994f, 0}, {1.0f, 0, 1.0f, 0.05f},
        {1.0f, 0, 1e-15f, 0},
        {1.0f, 0, 1.0f, 0.999f},  {0.7f, 20, 0.8f, 0.01f}, {1e30f, 0, 0.5f, 0},
        {1e-30f, 0, 0.5f, 0.5f},
    };
    static float logits[VOCAB];
    uint64_t seed = 17;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met_sampling o = met_sampling_default();
        o.temperature = cases[i].temperature;
        o.top_k = cases[i].top_k;
        o.top_p = cases[i].top_p;
        o.min_p = cases[i].min_p;
        fill_logits(&seed, 12.0f, logits, VOCAB);
        expect_choices(&o, logits, VOCAB, 256, 4, seed + i, "random");
    }
}

static void ties_and_extremes_choose_what_the_cpu_chooses(void **state)
{
    enum { VOCAB = 777 };
    static float logits[VOCAB];
    met_sampling o = met_sampling_default();
    uint64_t seed = 23;
    (void)state;
    o.temperature = 1;
    o.top_k = 13;
    o.top_p = 0.7f;
    expect_choices(&o, logits, VOCAB, 96, 5, seed, "all equal");
    for (int32_t i = 0; i < VOCAB; i++)
        logits[i] = (float)(i % 3);
    expect_choices(&o, logits, VOCAB, 96, 5, seed, "three values");
    met_sampling edge = met_sampling_default(); /* weights of exactly min_p stay */
    edge.temperature = 1;
    edge.min_p = met_weight_exp(-1);
    expect_choices(&edge, logits, VOCAB, 96, 5, seed, "weights of min_p");
    logits[50] = logits[60] = INFINITY;
    logits[70] = NAN;
    expect_choices(&o, logits, VOCAB, 96, 5, seed, "infinities and a NaN");
    for (int32_t i = 0; i < VOCAB; i++)
        logits[i] = -INFINITY;
    expect_choices(&o, logits, VOCAB, 96, 2, seed, "nothing to choose");
    logits[333] = 1;
    o.top_k = 0;
    expect_choices(&o, logits, VOCAB, 96, 2, seed, "one left");
    expect_choices(&o, logits + 333, 1, 32, 2, seed, "a vocabulary of one");
}

static void penalties_follow_the_window_of_the_cpu(void **state)
{
    enum { VOCAB = 50 };
    static const met_sampling cases[] = {
        {.repeat_penalty = 1.3f, .repeat_last_n = 4},
        {.repeat_penalty = 1, .presence_penalty = 0.7f, .frequency_penalty = 0.3f,
         .repeat_last_n = -1},
        {.temperature = 0.8f, .repeat_penalty = 1.1f, .presence_penalty = -0.1f,
         .frequency_penalty = 0.33f, .repeat_last_n = 7, .top_k = 20, .top_p = 0.95f},
        {.temperature = 0.8f, .repeat_penalty = 1.1f, .repeat_last_n = 0, .top_p = 1},
    };
    float logits[VOCAB];
    uint64_t seed = 29;
    (void)state;
    fill_logits(&seed, 2.0f, logits, VOCAB);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met_sampling o = cases[i];
        if (o.top_p == 0) o.top_p = 1;
        expect_choices(&o, logits, VOCAB, 64, 20, seed + i, "penalties");
    }
}

/* The size of Qwen2.5's vocabulary, and as many threads as a threadgroup can have. */
static void a_large_vocabulary_chooses_what_the_cpu_chooses(void **state)
{
    enum { VOCAB = 151936 };
    float *logits = malloc(VOCAB * sizeof *logits);
    met_sampling o = met_sampling_default();
    uint64_t seed = 31;
    (void)state;
    fill_logits(&seed, 10.0f, logits, VOCAB);
    expect_choices(&o, logits, VOCAB, 256, 1, seed, "greedy");
    o.temperature = 1;
    o.top_p = 0.95f;
    expect_choices(&o, logits, VOCAB, 1024, 3, seed, "top_p");
    o.top_k = 50;
    expect_choices(&o, logits, VOCAB, 256, 3, seed, "top_k");
    free(logits);
}

static int close_device(void **state)
{
    (void)state;
    kernel_run_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_lowest_id_of_the_largest),
        cmocka_unit_test(every_step_chooses_what_the_cpu_chooses),
        cmocka_unit_test(ties_and_extremes_choose_what_the_cpu_chooses),
        cmocka_unit_test(penalties_follow_the_window_of_the_cpu),
        cmocka_unit_test(a_large_vocabulary_chooses_what_the_cpu_chooses),
    };
    return cmocka_run_group_tests_name("metal sampling", tests, NULL, close_device);
}
