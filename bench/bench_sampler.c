/* What choosing a token costs, for the vocabulary of Qwen2.5: best and median of many choices.
 *
 *   bench_sampler [--json] */
#include "generate/sampler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VOCAB = 151936, ROUNDS = 301, WINDOW = 64 };

typedef struct bench_case {
    const char *name;
    met_sampling options;
} bench_case;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_seconds(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* Near to a normal distribution with a few clear favourites, as a model gives. */
static void fill_logits(float *logits)
{
    uint64_t state = 88172645463325252u;
    for (int32_t i = 0; i < VOCAB; i++) {
        float sum = 0;
        for (int n = 0; n < 6; n++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            sum += (float)(state >> 40) * 0x1p-24f - 0.5f;
        }
        logits[i] = 3 * sum;
    }
    for (int32_t i = 0; i < 20; i++)
        logits[7001 * i] = 14 - 0.4f * (float)i;
}

static bool run(const bench_case *one, const float *logits, bool json)
{
    static double seconds[ROUNDS];
    met_error err;
    met_sampler *sampler = NULL;
    if (met_sampler_create(&one->options, VOCAB, &sampler, &err) != MET_OK) goto fail;
    for (int32_t i = 0; i < WINDOW; i++)
        met_sampler_accept(sampler, 997 * i);
    for (int r = 0; r < ROUNDS; r++) {
        int32_t token = 0;
        double start = seconds_now();
        if (met_sampler_choose(sampler, logits, &token, &err) != MET_OK) goto fail;
        seconds[r] = seconds_now() - start;
    }
    met_sampler_free(sampler);
    qsort(seconds, ROUNDS, sizeof *seconds, compare_seconds);
    double best_ms = seconds[0] * 1e3, median_ms = seconds[ROUNDS / 2] * 1e3;
    double gb_per_s = VOCAB * sizeof *logits / seconds[0] * 1e-9;
    if (json) {
        printf("{\"schema\":\"metallic.bench.sampler/1\",\"case\":\"%s\",\"vocab\":%d,"
               "\"best_ms\":%.4f,\"median_ms\":%.4f}\n",
               one->name, VOCAB, best_ms, median_ms);
    } else {
        printf("%-34s best %.3f ms  median %.3f ms  (%.1f GB/s of logits)\n", one->name, best_ms,
               median_ms, gb_per_s);
    }
    return true;
fail:
    fprintf(stderr, "bench_sampler: %s\n", err.text);
    met_sampler_free(sampler);
    return false;
}

int main(int argc, char **argv)
{
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    met_sampling off = met_sampling_default();
    bench_case cases[] = {{"greedy", off},
                          {"temperature, top-k 40, top-p 0.95", off},
                          {"the same with penalties", off},
                          {"temperature", off},
                          {"temperature, top-p 0.95", off},
                          {"temperature, min-p 0.05", off}};
    for (size_t i = 1; i < sizeof cases / sizeof *cases; i++)
        cases[i].options.temperature = 0.8f;
    for (size_t i = 1; i < 3; i++)
        cases[i].options.top_k = 40;
    cases[1].options.top_p = cases[2].options.top_p = cases[4].options.top_p = 0.95f;
    cases[2].options.repeat_penalty = 1.1f;
    cases[5].options.min_p = 0.05f;

    float *logits = malloc(VOCAB * sizeof *logits);
    bool good = logits != NULL;
    if (good) fill_logits(logits);
    for (size_t i = 0; good && i < sizeof cases / sizeof *cases; i++) {
        good = run(&cases[i], logits, json);
    }
    free(logits);
    return good ? 0 : 1;
}
