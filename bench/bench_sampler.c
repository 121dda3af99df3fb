/* What choosing a token costs, for the vocabulary of Qwen2.5. GB/s are of logits. */
#include "harness.h"

#include "generate/sampler.h"

enum { VOCAB = 151936, WINDOW = 64 };

typedef struct sampler_job {
    const float *logits; /* [VOCAB] */
    met_sampler *sampler;
    int32_t token;
    met_status status;
    met_error err;
} sampler_job;

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

static void run_choose(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    sampler_job *job = arg;
    met_status status = met_sampler_choose(job->sampler, job->logits, &job->token, &job->err);
    if (status != MET_OK) job->status = status;
}

static void bench_choose(bench *b, const char *name, const met_sampling *options,
                         const float *logits)
{
    sampler_job job = {.logits = logits};
    met_cpu_kernels kernels = met_cpu_level_kernels(bench_level_best(b));
    if (met_sampler_create(options, VOCAB, kernels.isa, &job.sampler, &job.err) != MET_OK)
        bench_fail(b, job.err.text);
    for (int32_t i = 0; i < WINDOW; i++)
        met_sampler_accept(job.sampler, 997 * i);
    bench_measure(b, NULL,
                  &(bench_case){.name = name,
                                .level = kernels.name,
                                .run = run_choose,
                                .arg = &job,
                                .bytes = VOCAB * sizeof *logits,
                                .ceiling = BENCH_CEILING_READ,
                                .memory = logits,
                                .memory_bytes = VOCAB * sizeof *logits});
    if (job.status != MET_OK) bench_fail(b, job.err.text);
    met_sampler_free(job.sampler);
}

int main(int argc, char **argv)
{
    met_sampling off = met_sampling_default();
    struct {
        const char *name;
        met_sampling options;
    } cases[] = {{"greedy", off},
                 {"temperature, top-k 40, top-p 0.95", off},
                 {"the same with penalties", off},
                 {"temperature", off},
                 {"temperature, top-p 0.95", off},
                 {"temperature, min-p 0.05", off}};
    size_t count = sizeof cases / sizeof cases[0];
    for (size_t i = 1; i < count; i++)
        cases[i].options.temperature = 0.8f;
    for (size_t i = 1; i < 3; i++)
        cases[i].options.top_k = 40;
    cases[1].options.top_p = cases[2].options.top_p = cases[4].options.top_p = 0.95f;
    cases[2].options.repeat_penalty = 1.1f;
    cases[5].options.min_p = 0.05f;

    bench b;
    bench_begin(&b, "sampler", NULL, argc, argv);
    float *logits = bench_memory(&b, VOCAB * sizeof *logits + 4096);
    fill_logits(logits);
    for (size_t i = 0; i < count; i++)
        bench_choose(&b, cases[i].name, &cases[i].options, logits);
    return bench_end(&b);
}
