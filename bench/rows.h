/* Benches of kernels that walk over rows of numbers: at every level, on one row as at decode and
 * on many as at prefill, where the team shares the rows out. */
#ifndef MET_BENCH_ROWS_H
#define MET_BENCH_ROWS_H

#include "harness.h"

/* Where a kernel finds and leaves one row of `cols` numbers. */
typedef struct bench_row {
    size_t cols;
    float *a;       /* uniform in [-1, 1) */
    float *b;       /* the same */
    float *shared;  /* [cols] the same for all rows: weights of a norm, half cos, half sin */
    uint16_t *half; /* f16 of about 1 */
    uint8_t *q8;    /* Q8_0 of about 1/8 */
    int8_t *q;      /* outputs of quantizing */
    float *scale;
    int32_t *offset;
    float *y; /* outputs */
} bench_row;

typedef struct bench_row_op {
    const char *name;
    double bytes; /* read and written for one number of a row; what rows share is not counted */
    void (*run)(const met_cpu_kernels *kernels, const bench_row *row);
    bool plain; /* the same at every level: a function of libc */
} bench_row_op;

typedef struct bench_shape {
    size_t rows;
    size_t cols; /* a multiple of 32 */
} bench_shape;

/* One row is timed on one thread, as every worker of the machine computes it for itself; many rows
 * on as many threads as were asked for. The reference is timed on one row only: it would take
 * minutes. With --quick only the first shape. */
void bench_rows(bench *b, const bench_row_op *ops, size_t op_count, const bench_shape *shapes,
                size_t shape_count);

/* The conversions, which two benches look at. */
void bench_run_q8_to_f32(const met_cpu_kernels *kernels, const bench_row *row);
void bench_run_f16_to_f32(const met_cpu_kernels *kernels, const bench_row *row);
void bench_run_f32_to_f16(const met_cpu_kernels *kernels, const bench_row *row);

/* Bytes of them for one number: 4 of a float, 34 of a block of 32 as Q8_0, 2 of a half. */
#define BENCH_Q8_TO_F32_BYTES (4 + 34.0 / 32)
#define BENCH_F16_TO_F32_BYTES 6.0

#endif
