/* How long a vocabulary takes to load, and how fast text is encoded on one thread.
 *
 *   bench_tokenizer [OPTION]...                      the bundled model, the project's own texts
 *   bench_tokenizer [OPTION]... MODEL.gguf [FILE...]
 *
 * Loading: from mapped bytes to a tokenizer; its bytes are those of the file's header. A large one
 * has a second thread, so that the wall clock counts. */
#include "harness.h"

#include "base/mapping.h"
#include "tokenizer/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct tokenizer_job {
    const met_gguf *gguf;
    const met_tokenizer *tokenizer;
    met_str text;
    int32_t *ids; /* [capacity] */
    size_t capacity;
    size_t tokens;
    met_status status;
    met_error err;
} tokenizer_job;

static void run_load(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    tokenizer_job *job = arg;
    met_tokenizer *tokenizer = NULL;
    met_status status = met_tokenizer_create(job->gguf, &tokenizer, &job->err);
    if (status != MET_OK) job->status = status;
    met_tokenizer_free(tokenizer);
}

static void run_encode(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    tokenizer_job *job = arg;
    met_status status = met_tokenizer_encode(job->tokenizer, job->text, NULL, 0, job->ids,
                                             job->capacity, &job->tokens, &job->err);
    if (status != MET_OK) job->status = status;
}

static const char *last_part(const char *path)
{
    const char *last = path;
    for (const char *at = path; *at != '\0'; at++) {
        if (*at == '/' && at[1] != '\0') last = at + 1;
    }
    return last;
}

static void bench_load(bench *b, const met_gguf *gguf, const char *path)
{
    char name[128];
    tokenizer_job job = {.gguf = gguf};
    (void)snprintf(name, sizeof name, "load %s", last_part(path));
    bench_measure(b, NULL,
                  &(bench_case){.name = name,
                                .run = run_load,
                                .arg = &job,
                                .bytes = (double)met_gguf_data_offset(gguf),
                                .waits = true});
    if (job.status != MET_OK) bench_fail(b, job.err.text);
}

static void bench_encode(bench *b, const met_tokenizer *tokenizer, const char *path)
{
    char name[128];
    met_mapping *mapping = NULL;
    tokenizer_job job = {.tokenizer = tokenizer};
    if (met_mapping_open(path, &mapping, &job.err) != MET_OK) bench_fail(b, job.err.text);
    job.text = (met_str){met_mapping_data(mapping), met_mapping_bytes(mapping)};
    (void)met_tokenizer_encode(tokenizer, job.text, NULL, 0, NULL, 0, &job.capacity, NULL);
    job.ids = malloc((job.capacity + 1) * sizeof *job.ids);
    if (job.ids == NULL) bench_fail(b, "out of memory");
    (void)snprintf(name, sizeof name, "encode %s, %zu tokens", last_part(path), job.capacity);
    bench_measure(
        b, NULL,
        &(bench_case){
            .name = name, .run = run_encode, .arg = &job, .bytes = (double)job.text.bytes});
    if (job.status != MET_OK) bench_fail(b, job.err.text);
    free(job.ids);
    met_mapping_close(mapping);
}

static void bench_paths(bench *b, const char *const *paths, int32_t count)
{
    met_error err = {0};
    met_mapping *mapping = NULL;
    met_gguf *gguf = NULL;
    met_tokenizer *tokenizer = NULL;
    if (met_mapping_open(paths[0], &mapping, &err) != MET_OK ||
        met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping), paths[0], &gguf,
                       &err) != MET_OK ||
        met_tokenizer_create(gguf, &tokenizer, &err) != MET_OK) {
        bench_fail(b, err.text);
    }
    bench_load(b, gguf, paths[0]);
    for (int32_t i = 1; i < count; i++)
        bench_encode(b, tokenizer, paths[i]);
    met_tokenizer_free(tokenizer);
    met_gguf_free(gguf);
    met_mapping_close(mapping);
}

int main(int argc, char **argv)
{
    static const char *const defaults[] = {BENCH_SOURCE "/models/bundled-q8_0.gguf",
                                           BENCH_SOURCE "/docs/ARCHITECTURE.md",
                                           BENCH_SOURCE "/include/metallic.h"};
    bench b;
    bench_begin(&b, "tokenizer", "[MODEL.gguf [FILE...]]", argc, argv);
    if (b.operand_count > 0)
        bench_paths(&b, b.operands, b.operand_count);
    else
        bench_paths(&b, defaults, sizeof defaults / sizeof defaults[0]);
    return bench_end(&b);
}
