/* The products with weights, kernel by kernel and level by level. With one token they live on
 * memory: GB/s of weights, walked through in a region that no cache holds, against reading the same
 * region. With many tokens they are arithmetic: GMAC/s, against multiply-adds in registers. */
#include "harness.h"

#include "base/dtype.h"

#include <stdio.h>
#include <string.h>

enum {
    REGION_BYTES = 256 << 20, /* weights: many times what caches hold */
    REGION_QUICK_BYTES = 4 << 20,
    COLS_MAX = 11008,
    ROWS_MAX = 11008,
    MATRIX_BYTES_MAX = 4 * 11008 * 2048,
    TOKENS_MAX = 512,
    TOKENS_QUICK = 8,
    TOKENS_FROM_MEMORY = 32, /* up to here weights come from memory, as a step finds them */
    ROW_GRAIN = 32
};

/* Of Qwen2.5 0.5B, then of 3B. */
static const struct {
    size_t cols;
    size_t rows;
} shapes[] = {{896, 4864}, {4864, 896}, {896, 896}, {2048, 11008}, {11008, 2048}};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Where a worker is in the region: on a cache line of its own. */
typedef struct product_cursor {
    _Alignas(64) size_t next;
} product_cursor;

/* One kernel on one shape, and the buffers of all. */
typedef struct product {
    met_cpu_kernels kernels;
    met_dtype type;
    size_t rows, cols, tokens;
    size_t copies; /* of the matrix, one after another in the region: each call takes the next */

    size_t region_bytes;
    uint8_t *weights; /* [region_bytes] and room for one matrix */
    float *x;         /* [TOKENS_MAX][COLS_MAX] */
    float *y;         /* [TOKENS_MAX][ROWS_MAX] */
    met_q8_rows q8;
    void *panel[BENCH_THREADS_MAX];
    product_cursor cursors[BENCH_THREADS_MAX];
} product;

static void run_one(const product *p, const void *w, size_t rows, float *y)
{
    const met_cpu_kernels *k = &p->kernels;
    switch (p->type) {
    case MET_DTYPE_Q8_0:
        k->matvec_q8(w, rows, p->cols, p->q8.q, p->q8.scale, p->q8.offset, y);
        return;
    case MET_DTYPE_F16: k->matvec_f16(w, rows, p->cols, p->x, y); return;
    case MET_DTYPE_F32: k->matvec_f32(w, rows, p->cols, p->x, y); return;
    }
}

static void run_many(const product *p, const void *w, size_t rows, float *y, void *panel)
{
    const met_cpu_kernels *k = &p->kernels;
    switch (p->type) {
    case MET_DTYPE_Q8_0:
        k->matmul_q8(w, rows, p->cols, &p->q8, p->tokens, y, p->rows, panel);
        return;
    case MET_DTYPE_F16: k->matmul_f16(w, rows, p->cols, p->x, p->tokens, y, p->rows, panel); return;
    case MET_DTYPE_F32: k->matmul_f32(w, rows, p->cols, p->x, p->tokens, y, p->rows, panel); return;
    }
}

static void run_product(void *arg, int32_t worker, int32_t workers)
{
    product *p = arg;
    size_t begin = 0, end = 0;
    met_team_slice(p->rows, ROW_GRAIN, worker, workers, &begin, &end);
    size_t copy = p->cursors[worker].next++ % p->copies;
    const void *w = p->weights + (copy * p->rows + begin) * met_dtype_row_bytes(p->type, p->cols);
    if (p->tokens == 1)
        run_one(p, w, end - begin, p->y + begin);
    else
        run_many(p, w, end - begin, p->y + begin, p->panel[worker]);
}

static void measure(bench *b, product *p, met_team *team, size_t shape, size_t tokens)
{
    static const char *const types[] = {"f32", "f16", "q8"};
    bool one = tokens == 1;
    char name[96];
    p->rows = shapes[shape].rows;
    p->cols = shapes[shape].cols;
    p->tokens = tokens;
    (void)snprintf(name, sizeof name, "%s_%s %zu x %zu, %zu token%s", one ? "matvec" : "matmul",
                   types[p->type], p->rows, p->cols, tokens, one ? "" : "s");
    size_t bytes = met_dtype_row_bytes(p->type, p->cols) * p->rows;
    p->copies =
        tokens > TOKENS_FROM_MEMORY || bytes > p->region_bytes ? 1 : p->region_bytes / bytes;
    bench_case what = {.name = name,
                       .level = p->kernels.name,
                       .run = run_product,
                       .arg = p,
                       .bytes = (double)bytes,
                       .macs = (double)(p->rows * p->cols * tokens),
                       .ceiling = BENCH_CEILING_READ,
                       .memory = p->weights,
                       .memory_bytes = p->copies * bytes};
    if (!one) what.ceiling = p->type == MET_DTYPE_Q8_0 ? BENCH_CEILING_INT8 : BENCH_CEILING_FMA;
    bench_measure(b, team, &what);
}

/* Whether a level has kernels of its own for this type, and not those of the level below. */
static bool improves(const product *p, int32_t level)
{
    if (level == 0) return true;
    met_cpu_kernels own = met_cpu_level_kernels(level), below = met_cpu_level_kernels(level - 1);
    switch (p->type) {
    case MET_DTYPE_Q8_0:
        return own.matvec_q8 != below.matvec_q8 || own.matmul_q8 != below.matmul_q8;
    case MET_DTYPE_F16:
        return own.matvec_f16 != below.matvec_f16 || own.matmul_f16 != below.matmul_f16;
    case MET_DTYPE_F32:
        return own.matvec_f32 != below.matvec_f32 || own.matmul_f32 != below.matmul_f32;
    }
    return true;
}

/* Everything for the first shape; of the others, and of F32, what a reader would ask for. The
 * reference has one token and one shape: more would take minutes. */
static void bench_type(bench *b, product *p, met_team *team)
{
    static const size_t few[] = {2, 3, 4, 6, 8, 16, TOKENS_FROM_MEMORY};
    bool floats = p->type == MET_DTYPE_F32;
    for (size_t shape = 0; shape < (b->quick ? 1 : SHAPES); shape++) {
        for (int32_t level = 0; level < met_cpu_level_count(); level++) {
            if (!bench_level_wanted(b, level) || (level == 0 && shape > 0)) continue;
            if (b->level == NULL && !improves(p, level)) continue;
            p->kernels = met_cpu_level_kernels(level);
            measure(b, p, team, shape, 1);
            if (level == 0 || (floats && shape > 0)) continue;
            bool series = shape == 0 && !floats && !b->quick;
            for (size_t i = 0; series && i < sizeof few / sizeof few[0]; i++)
                measure(b, p, team, shape, few[i]);
            measure(b, p, team, shape, b->quick ? TOKENS_QUICK : TOKENS_MAX);
        }
    }
}

/* A region of numbers of this type that are fit for arithmetic. */
static void fill_weights(const product *p)
{
    uint64_t state = 88172645463325252u;
    uint8_t *w = p->weights;
    size_t bytes = p->region_bytes + MATRIX_BYTES_MAX;
    for (size_t i = 0; i < bytes; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t word = state;
        if (p->type == MET_DTYPE_F32) word = (word & 0x807fffff807fffffu) | 0x3f0000003f000000u;
        if (p->type == MET_DTYPE_F16) word = (word & 0x83ff83ff83ff83ffu) | 0x3800380038003800u;
        memcpy(w + i, &word, sizeof word);
    }
    if (p->type != MET_DTYPE_Q8_0) return;
    for (size_t at = 0; at + MET_Q8_BLOCK_BYTES <= bytes; at += MET_Q8_BLOCK_BYTES) {
        w[at + 1] = 0x10 | (w[at + 1] & 3); /* scales about 2^-11 */
    }
}

static void prepare(const bench *b, product *p)
{
    size_t count = (size_t)TOKENS_MAX * COLS_MAX;
    p->region_bytes = b->quick ? REGION_QUICK_BYTES : REGION_BYTES;
    p->weights = bench_memory(b, p->region_bytes + MATRIX_BYTES_MAX);
    p->x = bench_memory(b, sizeof(float) * count);
    p->y = bench_memory(b, sizeof(float) * TOKENS_MAX * ROWS_MAX);
    p->q8.q = bench_memory(b, count);
    p->q8.scale = bench_memory(b, sizeof(float) * count / MET_Q8_BLOCK);
    p->q8.offset = bench_memory(b, sizeof(int32_t) * count / MET_Q8_BLOCK);
    for (int32_t i = 0; i < bench_threads(b); i++)
        p->panel[i] = bench_memory(b, met_cpu_panel_bytes(COLS_MAX));
    bench_fill(p->x, count, 1);
    met_cpu_level_kernels(bench_level_best(b))
        .quantize_q8(p->x, count, p->q8.q, p->q8.scale, p->q8.offset);
}

int main(int argc, char **argv)
{
    static const met_dtype types[] = {MET_DTYPE_Q8_0, MET_DTYPE_F16, MET_DTYPE_F32};
    static product p;
    bench b;
    bench_begin(&b, "kernels", NULL, argc, argv);
    prepare(&b, &p);
    met_team *team = bench_team(&b, bench_threads(&b));
    for (size_t i = 0; i < MET_DTYPES; i++) {
        p.type = types[i];
        fill_weights(&p);
        bench_type(&b, &p, team);
    }
    met_team_free(team);
    return bench_end(&b);
}
