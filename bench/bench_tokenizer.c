/* How long a vocabulary takes to load, and how fast text is encoded, on one thread.
 *
 *   bench_tokenizer [--json]                        the bundled model and the project's own texts
 *   bench_tokenizer [--json] MODEL.gguf [FILE...]
 *
 * Loading: the median and the fastest of 21, from mapped bytes to a tokenizer. Encoding: each file
 * again and again for half a second after one round that is not counted; the median round. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mapping.h"
#include "tokenizer/tokenizer.h"

enum { LOADS = 21, ROUNDS_MAX = 10000 };

typedef struct result {
    double median_seconds;
    double least_seconds;
    size_t tokens;
} result;

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

static result summarise(double *seconds, size_t count)
{
    qsort(seconds, count, sizeof *seconds, compare_doubles);
    return (result){.median_seconds = seconds[count / 2], .least_seconds = seconds[0]};
}

static met_status load(const met_gguf *gguf, result *out, met_error *err)
{
    double seconds[LOADS];
    for (size_t i = 0; i < LOADS; i++) {
        met_tokenizer *tokenizer = NULL;
        double begin = now_seconds();
        met_status status = met_tokenizer_create(gguf, &tokenizer, err);
        seconds[i] = now_seconds() - begin;
        met_tokenizer_free(tokenizer);
        if (status != MET_OK) return status;
    }
    *out = summarise(seconds, LOADS);
    return MET_OK;
}

static met_status encode(const met_tokenizer *tokenizer, met_str text, result *out, met_error *err)
{
    static double seconds[ROUNDS_MAX];
    size_t tokens = 0;
    (void)met_tokenizer_encode(tokenizer, text, NULL, 0, NULL, 0, &tokens, NULL);
    int32_t *ids = malloc((tokens + 1) * sizeof *ids);
    if (ids == NULL) {
        err->status = MET_E_MEMORY;
        snprintf(err->text, sizeof err->text, "out of memory for %zu ids", tokens);
        return MET_E_MEMORY;
    }
    met_status status = MET_OK;
    size_t rounds = 0;
    double end = now_seconds() + 0.5;
    do {
        double begin = now_seconds();
        status = met_tokenizer_encode(tokenizer, text, NULL, 0, ids, tokens, &tokens, err);
        seconds[rounds++] = now_seconds() - begin;
    } while (status == MET_OK && rounds < ROUNDS_MAX && now_seconds() < end);
    free(ids);
    *out = summarise(seconds, rounds);
    out->tokens = tokens;
    return status;
}

static met_status bench_file(const met_tokenizer *tokenizer, const char *path, bool json,
                             met_error *err)
{
    met_mapping *mapping = NULL;
    result r = {0};
    met_status status = met_mapping_open(path, &mapping, err);
    if (status != MET_OK) return status;
    met_str text = {met_mapping_data(mapping), met_mapping_bytes(mapping)};
    status = encode(tokenizer, text, &r, err);
    if (status == MET_OK) {
        double megabytes = (double)text.bytes * 1e-6;
        printf(json ? "{\"bench\": \"tokenizer_encode\", \"file\": \"%s\", \"bytes\": %zu, "
                      "\"tokens\": %zu, \"mb_per_s\": %.2f, \"mb_per_s_best\": %.2f}\n"
                    : "encode %s: %zu bytes, %zu tokens, %.1f MB/s (best %.1f)\n",
               path, text.bytes, r.tokens, megabytes / r.median_seconds,
               megabytes / r.least_seconds);
    }
    met_mapping_close(mapping);
    return status;
}

static met_status run(const char *model, const char *const *files, int count, bool json,
                      met_error *err)
{
    met_mapping *mapping = NULL;
    met_gguf *gguf = NULL;
    met_tokenizer *tokenizer = NULL;
    result r = {0};
    met_status status = met_mapping_open(model, &mapping, err);
    if (status != MET_OK) goto done;
    status =
        met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping), model, &gguf, err);
    if (status != MET_OK) goto done;
    status = load(gguf, &r, err);
    if (status != MET_OK) goto done;
    status = met_tokenizer_create(gguf, &tokenizer, err);
    if (status != MET_OK) goto done;
    printf(json ? "{\"bench\": \"tokenizer_load\", \"file\": \"%s\", \"tokens\": %d, "
                  "\"ms\": %.3f, \"ms_best\": %.3f}\n"
                : "load %s: %d tokens, %.2f ms (best %.2f)\n",
           model, met_tokenizer_count(tokenizer), 1e3 * r.median_seconds, 1e3 * r.least_seconds);
    for (int i = 0; status == MET_OK && i < count; i++) {
        status = bench_file(tokenizer, files[i], json, err);
    }
done:
    met_tokenizer_free(tokenizer);
    met_gguf_free(gguf);
    met_mapping_close(mapping);
    return status;
}

int main(int argc, char **argv)
{
    static const char *const defaults[] = {BENCH_SOURCE "/models/bundled-q8_0.gguf",
                                           BENCH_SOURCE "/docs/ARCHITECTURE.md",
                                           BENCH_SOURCE "/include/metallic.h"};
    met_error err = {0};
    bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
    const char *const *paths = (const char *const *)(argv + 1 + json);
    int count = argc - 1 - json;
    if (count == 0) {
        paths = defaults;
        count = sizeof defaults / sizeof *defaults;
    }
    met_status status = run(paths[0], paths + 1, count - 1, json, &err);
    if (status != MET_OK) fprintf(stderr, "bench_tokenizer: %s\n", err.text);
    return status == MET_OK ? 0 : 1;
}
