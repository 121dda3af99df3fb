/* Products with F16 and F32 weights against the reference. */
#include "kernels/kernel_test.h"

/* A weight matrix of either type in a guarded buffer. */
typedef struct weights {
    void *w;
    size_t bytes;
    bool half;
} weights;

static weights weights_open(uint64_t *seed, fill_kind kind, bool half, size_t n)
{
    weights w = {.bytes = n * (half ? sizeof(uint16_t) : sizeof(float)), .half = half};
    w.w = test_guarded(w.bytes);
    if (half) {
        fill_weights_f16(seed, kind, w.w, n);
    } else {
        fill_weights_f32(seed, kind, w.w, n);
    }
    return w;
}

static float *vector_open(uint64_t *seed, fill_kind kind, size_t n)
{
    float *x = test_guarded(n * sizeof(float));
    fill_floats(seed, kind, x, n);
    if (kind == FILL_TINY || kind == FILL_TINY_NEGATIVE) { /* f16 weights are at least 2^-24 */
        for (size_t i = 0; i < n; i++)
            x[i] *= 0x1p-52f;
    }
    return x;
}

static void matvec(const met_cpu_kernels *k, const weights *w, size_t rows, size_t cols,
                   const float *x, float *y)
{
    if (w->half) {
        k->matvec_f16(w->w, rows, cols, x, y);
    } else {
        k->matvec_f32(w->w, rows, cols, x, y);
    }
}

static void matmul(const met_cpu_kernels *k, const weights *w, size_t rows, size_t cols,
                   const float *x, size_t tokens, float *y, size_t y_stride, void *panel)
{
    if (w->half) {
        k->matmul_f16(w->w, rows, cols, x, tokens, y, y_stride, panel);
    } else {
        k->matmul_f32(w->w, rows, cols, x, tokens, y, y_stride, panel);
    }
}

static void check_matvec(const kernel_case *c, fill_kind kind, bool half, size_t rows, size_t cols,
                         uint64_t start)
{
    uint64_t seed = start;
    weights w = weights_open(&seed, kind, half, rows * cols);
    float *x = vector_open(&seed, kind, cols);
    float *y0 = output_open(rows * sizeof(float));
    float *y1 = output_open(rows * sizeof(float));
    matvec(c->reference, &w, rows, cols, x, y0);
    matvec(c->kernels, &w, rows, cols, x, y1);
    expect_same_floats(y0, y1, rows,
                       describe("matvec_%s %s rows %zu cols %zu seed %llu", half ? "f16" : "f32",
                                fill_name(kind), rows, cols, (unsigned long long)start));
    output_close(y0, rows * sizeof(float));
    output_close(y1, rows * sizeof(float));
    test_guarded_free(x, cols * sizeof(float));
    test_guarded_free(w.w, w.bytes);
}

/* Also against this level's own matvec, which is what a decoded token comes from. */
static void check_matmul(const kernel_case *c, fill_kind kind, bool half, size_t rows, size_t cols,
                         size_t tokens, uint64_t start)
{
    uint64_t seed = start;
    size_t stride = rows + 3; /* results of other workers lie between */
    size_t y_bytes = (tokens == 0 || rows == 0 ? 0 : (tokens - 1) * stride + rows) * sizeof(float);
    size_t panel_bytes = (met_cpu_panel_bytes(cols) + 63) / 64 * 64;
    weights w = weights_open(&seed, kind, half, rows * cols);
    float *x = vector_open(&seed, kind, tokens * cols);
    void *panel = test_guarded(panel_bytes);
    float *y0 = output_open(y_bytes);
    float *y1 = output_open(y_bytes);
    float *y2 = output_open(rows * sizeof(float));
    matmul(c->reference, &w, rows, cols, x, tokens, y0, stride, panel);
    matmul(c->kernels, &w, rows, cols, x, tokens, y1, stride, panel);
    const char *what =
        describe("matmul_%s %s rows %zu cols %zu tokens %zu seed %llu", half ? "f16" : "f32",
                 fill_name(kind), rows, cols, tokens, (unsigned long long)start);
    expect_same_floats(y0, y1, y_bytes / sizeof(float), what);
    for (size_t t = 0; t < tokens; t++) {
        matvec(c->kernels, &w, rows, cols, x + t * cols, y2);
        expect_same_floats(y1 + t * stride, y2, rows, what);
    }
    output_close(y0, y_bytes);
    output_close(y1, y_bytes);
    output_close(y2, rows * sizeof(float));
    test_guarded_free(panel, panel_bytes);
    test_guarded_free(x, tokens * cols * sizeof(float));
    test_guarded_free(w.w, w.bytes);
}

static void matvec_equals_reference(const kernel_case *c, bool half)
{
    static const size_t rows[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 17};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t cols = 0; cols <= 50; cols++) {
            fill_kind kind = (fill_kind)((i + cols) % FILL_KINDS);
            check_matvec(c, kind, half, rows[i], cols, 100 * i + cols + 1);
        }
    }
    for (fill_kind kind = 0; kind < FILL_KINDS; kind++) { /* every tail with every kind */
        for (size_t cols = 16; cols <= 48; cols++) {
            check_matvec(c, kind, half, 5, cols, 3000 + 100 * (size_t)kind + cols);
        }
    }
}

static void matvec_of_model_sizes_equals_reference(const kernel_case *c, bool half)
{
    static const size_t cols[] = {896, 1536, 2048, 4864, 8960, 11008};
    for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
        check_matvec(c, FILL_RANDOM, half, 11, cols[j], 500 + j);
        check_matvec(c, FILL_WIDE, half, 4, cols[j], 550 + j);
        check_matvec(c, FILL_TINY, half, 4, cols[j], 560 + j);
    }
}

static void matmul_equals_reference(const kernel_case *c, bool half)
{
    static const size_t rows[] = {1, 4, 5, 31, 32, 33};
    for (size_t tokens = 0; tokens <= 13; tokens++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            fill_kind kind = (fill_kind)((tokens + i) % FILL_KINDS);
            check_matmul(c, kind, half, rows[i], 48 + tokens, tokens, 100 * tokens + i + 1);
        }
    }
    for (size_t cols = 0; cols <= 40; cols++) {
        for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
            check_matmul(c, kind, half, 6, cols, 7, 4000 + 10 * cols + kind);
        }
    }
}

static void matmul_of_model_sizes_equals_reference(const kernel_case *c, bool half)
{
    static const size_t cols[] = {896, 1024, 1025, 1536, 2048, 4864, 11008};
    for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
        check_matmul(c, FILL_RANDOM, half, 7, cols[j], 8, 900 + j);
        check_matmul(c, FILL_WIDE, half, 4, cols[j] - 3, 11, 950 + j); /* chunks with a tail */
        check_matmul(c, FILL_TINY, half, 5, cols[j] - 9, 3, 970 + j);
    }
}

/* Enough of everything that each loop of a blocked product goes round more than once. */
static void matmul_of_many_tokens_equals_reference(const kernel_case *c, bool half)
{
    check_matmul(c, FILL_RANDOM, half, 37, 1232, 49, 1);
    check_matmul(c, FILL_RANDOM, half, 34, 2453, 55, 2);
    check_matmul(c, FILL_WIDE, half, 65, 1217, 97, 3);
    check_matmul(c, FILL_INTEGER, half, 33, 3000, 103, 4);
}

static void matvec_f16_equals_reference(const kernel_case *c)
{
    matvec_equals_reference(c, true);
}

static void matvec_f32_equals_reference(const kernel_case *c)
{
    matvec_equals_reference(c, false);
}

static void matvec_f16_of_model_sizes_equals_reference(const kernel_case *c)
{
    matvec_of_model_sizes_equals_reference(c, true);
}

static void matvec_f32_of_model_sizes_equals_reference(const kernel_case *c)
{
    matvec_of_model_sizes_equals_reference(c, false);
}

static void matmul_f16_equals_reference(const kernel_case *c)
{
    matmul_equals_reference(c, true);
}

static void matmul_f32_equals_reference(const kernel_case *c)
{
    matmul_equals_reference(c, false);
}

static void matmul_f16_of_model_sizes_equals_reference(const kernel_case *c)
{
    matmul_of_model_sizes_equals_reference(c, true);
}

static void matmul_f32_of_model_sizes_equals_reference(const kernel_case *c)
{
    matmul_of_model_sizes_equals_reference(c, false);
}

static void matmul_f16_of_many_tokens_equals_reference(const kernel_case *c)
{
    matmul_of_many_tokens_equals_reference(c, true);
}

static void matmul_f32_of_many_tokens_equals_reference(const kernel_case *c)
{
    matmul_of_many_tokens_equals_reference(c, false);
}

int main(void)
{
    static const kernel_test tests[] = {
        {"matvec_f16 equals the reference", matvec_f16_equals_reference},
        {"matvec_f32 equals the reference", matvec_f32_equals_reference},
        {"matvec_f16 of model sizes equals the reference",
         matvec_f16_of_model_sizes_equals_reference},
        {"matvec_f32 of model sizes equals the reference",
         matvec_f32_of_model_sizes_equals_reference},
        {"matmul_f16 equals the reference and matvec_f16", matmul_f16_equals_reference},
        {"matmul_f32 equals the reference and matvec_f32", matmul_f32_equals_reference},
        {"matmul_f16 of model sizes equals the reference",
         matmul_f16_of_model_sizes_equals_reference},
        {"matmul_f32 of model sizes equals the reference",
         matmul_f32_of_model_sizes_equals_reference},
        {"matmul_f16 of many tokens equals the reference",
         matmul_f16_of_many_tokens_equals_reference},
        {"matmul_f32 of many tokens equals the reference",
         matmul_f32_of_many_tokens_equals_reference},
    };
    return run_kernel_tests("kernels_float", tests, sizeof tests / sizeof tests[0]);
}
