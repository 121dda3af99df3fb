/* The operations on activations between the products: conversions of rows, sums, norms, rotations,
 * copies. GB/s of everything read and written, against reading as many bytes. */
#include "rows.h"

#include <string.h>

enum { HEAD_DIM = 64 };

static void run_add(const met_cpu_kernels *k, const bench_row *row)
{
    k->add(row->a, row->b, row->cols, row->y);
}

static void run_copy(const met_cpu_kernels *k, const bench_row *row)
{
    (void)k;
    memcpy(row->y, row->a, row->cols * sizeof *row->y);
}

static void run_rmsnorm(const met_cpu_kernels *k, const bench_row *row)
{
    k->rmsnorm(row->a, row->shared, row->cols, 1e-6f, row->y);
}

/* In place; rotating again and again keeps the lengths of all pairs. */
static void run_rope(const met_cpu_kernels *k, const bench_row *row)
{
    k->rope(row->b, row->shared, row->shared + row->cols / 2, row->cols / HEAD_DIM, HEAD_DIM);
}

int main(int argc, char **argv)
{
    static const bench_row_op ops[] = {
        {"add", 12, run_add, false},
        {"rmsnorm", 8, run_rmsnorm, false},
        {"rope", 8, run_rope, false},
        {"f16 to f32", BENCH_F16_TO_F32_BYTES, bench_run_f16_to_f32, false},
        {"f32 to f16", BENCH_F16_TO_F32_BYTES, bench_run_f32_to_f16, false},
        {"q8_0 to f32", BENCH_Q8_TO_F32_BYTES, bench_run_q8_to_f32, false},
        {"copy", 8, run_copy, true},
    };
    /* A token of 0.5B and of 3B, then the longest step of each. */
    static const bench_shape shapes[] = {{1, 896}, {1, 2048}, {512, 896}, {512, 2048}};
    bench b;
    bench_begin(&b, "tensor", NULL, argc, argv);
    bench_rows(&b, ops, sizeof ops / sizeof ops[0], shapes, sizeof shapes / sizeof shapes[0]);
    return bench_end(&b);
}
