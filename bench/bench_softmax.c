/* The two softmaxes: that of attention, over 64 scores at a time, and that of the sampler, over the
 * vocabulary.
 *
 * Attention has no softmax by itself: scores, largest score, exponentials, their sum and the sum of
 * values are one kernel. So it is timed with heads of 2, where there is next to nothing but the
 * softmax, beside heads of 64 and 128; and the exponential alone. GB/s are of scores and logits
 * read as floats (with heads of 64 and 128 a fraction is what is left to the softmax). */
#include "rows.h"

#include "generate/passes.h"
#include "generate/select.h"

#include <stdio.h>

enum { GROUP = 7, HEAD_DIM_MAX = 128, VOCAB = 151936 };

static void run_exp(const met_cpu_kernels *k, const bench_row *row)
{
    k->exp(row->a, row->cols, row->y);
}

/* ---------------------------------------------------------------- attention */

typedef struct attend_job {
    met_cpu_kernels kernels;
    met_attend task;
} attend_job;

static void run_attend(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    const attend_job *job = arg;
    job->kernels.attend(&job->task);
}

static void bench_attention(bench *b)
{
    static const int32_t head_dims[] = {2, 64, 128};
    size_t block = (size_t)MET_KEY_BLOCK * HEAD_DIM_MAX;
    float *memory = bench_memory(b, 4 * block * sizeof *memory);
    attend_job job;
    bench_fill(memory, 4 * block, 3);
    job.task = (met_attend){.q = memory,
                            .k = memory + block,
                            .v = memory + 2 * block,
                            .kv_f32 = true,
                            .tokens = 1,
                            .group = GROUP,
                            .visible = MET_KEY_BLOCK,
                            .scale = 0.125f,
                            .max = memory + 3 * block,
                            .sum = memory + 3 * block + 16,
                            .out = memory + 3 * block + 32};
    for (size_t i = 0; i < sizeof head_dims / sizeof head_dims[0]; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "attend, %d x 64 scores, heads of %d", GROUP,
                       (int)head_dims[i]);
        job.task.head_dim = head_dims[i];
        job.task.q_stride = (size_t)(GROUP * head_dims[i]);
        for (int32_t level = 0; level < met_cpu_level_count(); level++) {
            if (!bench_level_wanted(b, level)) continue;
            double bytes = 4.0 * GROUP * MET_KEY_BLOCK;
            job.kernels = met_cpu_level_kernels(level);
            bench_measure(b, NULL,
                          &(bench_case){.name = name,
                                        .level = met_cpu_level_name(level),
                                        .run = run_attend,
                                        .arg = &job,
                                        .bytes = bytes,
                                        .ceiling = BENCH_CEILING_READ,
                                        .memory = memory,
                                        .memory_bytes = (size_t)bytes});
        }
    }
}

/* ---------------------------------------------------------------- sampler */

typedef struct sampler_job {
    float *logits;    /* [vocab] */
    float *block_max; /* [met_select_blocks(vocab)] */
    int32_t vocab;
    const met_passes *passes;
    double sum;
} sampler_job;

static void run_max(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    sampler_job *job = arg;
    job->sum = (double)job->passes->max(job->logits, job->vocab, job->block_max);
}

static void run_sum(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    sampler_job *job = arg;
    float max = job->passes->max(job->logits, job->vocab, job->block_max);
    job->sum = job->passes->sum(job->logits, job->vocab, max);
}

static void run_total(void *arg, int32_t worker, int32_t workers)
{
    (void)worker, (void)workers;
    sampler_job *job = arg;
    float max = job->passes->max(job->logits, job->vocab, job->block_max);
    job->sum = (double)job->passes->total(job->logits, job->vocab, job->block_max, max, 0.8f);
}

static void bench_sampler(bench *b)
{
    static const struct {
        const char *name;
        met_team_fn run;
    } passes[] = {{"largest logit", run_max},
                  {"logits to a log-sum (max, exp, sum)", run_sum},
                  {"logits to a total of weights (max, exp, sum)", run_total}};
    met_cpu_kernels kernels = met_cpu_level_kernels(bench_level_best(b));
    sampler_job job = {.vocab = b->quick ? 1024 : VOCAB, .passes = met_passes_for(kernels.isa)};
    size_t bytes = (size_t)job.vocab * sizeof *job.logits;
    job.logits = bench_memory(b, bytes + 4096);
    job.block_max = bench_memory(b, met_select_blocks(job.vocab) * sizeof *job.block_max);
    bench_fill(job.logits, (size_t)job.vocab, 4);
    for (int32_t i = 0; i < job.vocab; i++)
        job.logits[i] *= 8; /* about as wide as a model's */
    for (size_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s, %d", passes[i].name, (int)job.vocab);
        bench_measure(b, NULL,
                      &(bench_case){.name = name,
                                    .level = kernels.name,
                                    .run = passes[i].run,
                                    .arg = &job,
                                    .bytes = (double)bytes,
                                    .ceiling = BENCH_CEILING_READ,
                                    .memory = job.logits,
                                    .memory_bytes = bytes});
    }
}

int main(int argc, char **argv)
{
    static const bench_row_op ops[] = {{"exp", 8, run_exp, false}};
    static const bench_shape shapes[] = {{1, 448}, {1, 151936}};
    bench b;
    bench_begin(&b, "softmax", NULL, argc, argv);
    bench_rows(&b, ops, sizeof ops / sizeof ops[0], shapes, sizeof shapes / sizeof shapes[0]);
    bench_attention(&b);
    bench_sampler(&b);
    return bench_end(&b);
}
