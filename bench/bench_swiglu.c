/* SwiGLU between the gate and up products and the down product: silu(g) * u. GB/s of everything
 * read and written, against reading as many bytes. */
#include "rows.h"

static void run_swiglu(const met_cpu_kernels *k, const bench_row *row)
{
    k->swiglu(row->a, row->b, row->cols, row->y);
}

int main(int argc, char **argv)
{
    static const bench_row_op ops[] = {{"swiglu", 12, run_swiglu, false}};
    /* The feed-forward widths of 0.5B and 3B: a token, a panel of the machine's 32 rows (with which
     * it is fused into the products), the longest step. */
    static const bench_shape shapes[] = {
        {1, 4864}, {1, 11008}, {512, 32}, {512, 4864}, {512, 11008}};
    bench b;
    bench_begin(&b, "swiglu", NULL, argc, argv);
    bench_rows(&b, ops, sizeof ops / sizeof ops[0], shapes, sizeof shapes / sizeof shapes[0]);
    return bench_end(&b);
}
