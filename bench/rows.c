/* Owns: buffers of rows, and the walk over ops, shapes and levels. Does not own any kernel.
 *
 * The invariant: a row's buffers lie apart from those of every other row. */
#include "rows.h"

#include "base/dtype.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SKEW_BYTES = 192 /* so that equal places of two buffers are not equal modulo 4096 */ };

typedef struct rows_job {
    const bench_row_op *op;
    met_cpu_kernels kernels;
    size_t rows;
    bench_row first;
} rows_job;

static bench_row row_at(const bench_row *first, size_t row)
{
    size_t at = row * first->cols, block = at / MET_Q8_BLOCK;
    return (bench_row){
        .cols = first->cols,
        .a = first->a + at,
        .b = first->b + at,
        .shared = first->shared,
        .half = first->half + at,
        .q8 = first->q8 + block * MET_Q8_BLOCK_BYTES,
        .q = first->q + at,
        .scale = first->scale + block,
        .offset = first->offset + block,
        .y = first->y + at,
    };
}

static void run_rows(void *arg, int32_t worker, int32_t workers)
{
    const rows_job *job = arg;
    size_t begin = 0, end = 0;
    met_team_slice(job->rows, 1, worker, workers, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        bench_row at = row_at(&job->first, row);
        job->op->run(&job->kernels, &at);
    }
}

/* Buffers for `count` numbers, one after the other; with `base` NULL only their size. */
static size_t lay_out(bench_row *row, char *base, size_t count)
{
    size_t at = 0;
    size_t blocks = count / MET_Q8_BLOCK;
    const struct {
        void *field;
        size_t bytes;
    } parts[] = {
        {&row->a, 4 * count},      {&row->b, 4 * count},        {&row->y, 4 * count},
        {&row->half, 2 * count},   {&row->q8, count / 16 * 17}, {&row->q, count},
        {&row->scale, 4 * blocks}, {&row->offset, 4 * blocks},  {&row->shared, 4 * row->cols},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char *to = base == NULL ? NULL : base + at;
        memcpy(parts[i].field, &to, sizeof to);
        at += (parts[i].bytes + 63) / 64 * 64 + SKEW_BYTES;
    }
    return at;
}

static void fill(bench_row *row, const met_cpu_kernels *scalar, size_t count)
{
    static const float pi = 3.14159265f;
    bench_fill(row->a, count, 1);
    bench_fill(row->b, count, 2);
    for (size_t i = 0; i < row->cols; i++) { /* pairs of cos and sin, half a row apart */
        float angle = 2 * pi * (float)(i % (row->cols / 2)) / (float)row->cols;
        row->shared[i] = i < row->cols / 2 ? cosf(angle) : sinf(angle);
    }
    scalar->to_f16(row->a, count, row->half);
    for (size_t block = 0; block < count / MET_Q8_BLOCK; block++) {
        uint16_t scale = 0x1400; /* 2^-10 */
        uint8_t *to = row->q8 + block * MET_Q8_BLOCK_BYTES;
        memcpy(to, &scale, sizeof scale);
        for (size_t i = 0; i < MET_Q8_BLOCK; i++)
            to[2 + i] = (uint8_t)(int8_t)(127 * row->a[block * MET_Q8_BLOCK + i]);
    }
}

static void bench_op(bench *b, rows_job *job, met_team *team, const char *name, const char *level)
{
    double bytes = job->op->bytes * (double)(job->rows * job->first.cols);
    bench_measure(b, team,
                  &(bench_case){.name = name,
                                .level = level,
                                .run = run_rows,
                                .arg = job,
                                .bytes = bytes,
                                .ceiling = BENCH_CEILING_READ,
                                .memory = job->first.a,
                                .memory_bytes = (size_t)bytes});
}

static void bench_shape_ops(bench *b, const bench_row_op *ops, size_t op_count,
                            const bench_shape *shape, met_team *team)
{
    met_cpu_kernels scalar = met_cpu_level_kernels(0);
    rows_job job = {.rows = shape->rows, .first = {.cols = shape->cols}};
    size_t count = shape->rows * shape->cols;
    (void)lay_out(&job.first, bench_memory(b, lay_out(&job.first, NULL, count) + 4096), count);
    fill(&job.first, &scalar, count);
    for (size_t i = 0; i < op_count; i++) {
        char name[96];
        (void)snprintf(name, sizeof name, "%s %zu x %zu", ops[i].name, shape->rows, shape->cols);
        job.op = &ops[i];
        for (int32_t level = 0; level < met_cpu_level_count(); level++) {
            if (!bench_level_wanted(b, level) || (level == 0 && shape->rows > 1)) continue;
            if (ops[i].plain && level != bench_level_best(b)) continue;
            job.kernels = met_cpu_level_kernels(level);
            bench_op(b, &job, team, name, ops[i].plain ? NULL : met_cpu_level_name(level));
        }
    }
}

void bench_rows(bench *b, const bench_row_op *ops, size_t op_count, const bench_shape *shapes,
                size_t shape_count)
{
    met_team *team = bench_team(b, bench_threads(b));
    for (size_t i = 0; i < (b->quick ? 1 : shape_count); i++)
        bench_shape_ops(b, ops, op_count, &shapes[i], shapes[i].rows > 1 ? team : NULL);
    met_team_free(team);
}

void bench_run_q8_to_f32(const met_cpu_kernels *kernels, const bench_row *row)
{
    kernels->row_q8(row->q8, row->cols, row->y);
}

void bench_run_f16_to_f32(const met_cpu_kernels *kernels, const bench_row *row)
{
    kernels->row_f16(row->half, row->cols, row->y);
}

void bench_run_f32_to_f16(const met_cpu_kernels *kernels, const bench_row *row)
{
    kernels->to_f16(row->a, row->cols, row->half);
}
