/* Rows on Metal against the scalar CPU kernels: norms within a bound, rounding and embeddings bit
 * for bit. */
#include "metal/kernel_run.h"

#include "backend/cpu/kernels.h"
#include "kernels/kernel_test.h"

#include <math.h>

enum { TOKENS = 3 };

/* x [TOKENS][cols] through met_prepare. */
static void prepare(const float *x, const float *weight, size_t cols, bool norm, bool quantize,
                    float *out)
{
    met_metal_prepare arguments = {(int32_t)cols, 1e-6f};
    size_t bytes = TOKENS * cols * sizeof(float);
    if (out != x) memset(out, 0xff, bytes);
    kernel_run run = {
        .function = "met_prepare",
        .arguments = &arguments,
        .argument_bytes = sizeof arguments,
        .buffers = {{0},
                    {(void *)(uintptr_t)x, bytes, false},
                    {(void *)(uintptr_t)weight, cols * sizeof(float), false},
                    {out, bytes, true}},
        .groups = {TOKENS, 1, 1},
        .threads = MET_METAL_MATVEC_THREADS,
    };
    run.constants[MET_METAL_FC_NORM] = norm;
    run.constants[MET_METAL_FC_QUANTIZE] = quantize;
    kernel_run_now(&run);
}

/* What a Q8_0 product on the CPU sees of a row. */
static void cpu_round(const float *x, size_t cols, float *out)
{
    met_cpu_kernels k = met_cpu_level_kernels(0);
    int8_t *q = malloc(cols);
    float *scale = malloc(cols / 32 * sizeof *scale);
    int32_t *offset = malloc(cols / 32 * sizeof *offset);
    k.quantize_q8(x, cols, q, scale, offset);
    for (size_t i = 0; i < cols; i++)
        out[i] = (float)q[i] * scale[i / 32];
    free(q);
    free(scale);
    free(offset);
}

static void rounding_has_the_bits_of_the_cpu(void **state)
{
    static const size_t cols[] = {32, 64, 896};
    (void)state;
    for (size_t i = 0; i < 3 * (size_t)FILL_KINDS; i++) {
        fill_kind kind = (fill_kind)(i / 3);
        size_t n = cols[i % 3];
        float *x = calloc(TOKENS * n, sizeof *x), *out = calloc(TOKENS * n, sizeof *out);
        float *expected = calloc(TOKENS * n, sizeof *expected);
        uint64_t seed = 5 + i;
        fill_floats(&seed, kind, x, TOKENS * n);
        memset(x, 0, 32 * sizeof *x); /* a block of zeros */
        memset(x + n, 0, 32 * sizeof *x); /* and both sides of what has a reciprocal */
        x[n + 3] = -0x1.fffffep-120f;
        memset(x + 2 * n, 0, 32 * sizeof *x);
        x[2 * n + 31] = 0x1p-119f;
        cpu_round(x, TOKENS * n, expected);
        prepare(x, expected, n, false, true, out);
        expect_same_floats(expected, out, TOKENS * n, describe("%s, cols %zu", fill_name(kind), n));
        prepare(x, expected, n, false, true, x); /* in place */
        expect_same_floats(expected, x, TOKENS * n, describe("in place, cols %zu", n));
        free(x);
        free(out);
        free(expected);
    }
}

/* s = 1 / sqrt(mean + eps): the sum of squares passes through 4 ceil(cols / 1024) + 5 + 7 roundings
 * (norm.metal), the mean through two more, of which the root leaves half; root, reciprocal and two
 * products are four. All terms are positive, so the bound is relative. */
static void norms_are_within_the_bound(void **state)
{
    static const size_t cols[] = {1, 7, 64, 257, 896, 4864};
    (void)state;
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) {
        size_t n = cols[i];
        double k = (4 * ceil((double)n / 1024) + 5 + 7 + 2) / 2 + 4;
        double bound = k * 0x1p-24 / (1 - k * 0x1p-24);
        float *x = calloc(TOKENS * n, sizeof *x), *out = calloc(TOKENS * n, sizeof *out);
        float *weight = calloc(n, sizeof *weight);
        uint64_t seed = 31 + i;
        fill_floats(&seed, FILL_RANDOM, x, TOKENS * n);
        fill_floats(&seed, FILL_RANDOM, weight, n);
        prepare(x, weight, n, true, false, out);
        for (size_t t = 0; t < TOKENS; t++) {
            double sum = 0;
            for (size_t c = 0; c < n; c++)
                sum += (double)x[t * n + c] * (double)x[t * n + c];
            double s = 1 / sqrt(sum / (double)n + (double)1e-6f);
            for (size_t c = 0; c < n; c++) {
                double exact = (double)x[t * n + c] * s * (double)weight[c];
                double off = fabs((double)out[t * n + c] - exact);
                if (!(off <= bound * fabs(exact) + 0x1p-149)) {
                    fail_msg("cols %zu token %zu element %zu is off by %g of %g", n, t, c, off,
                             exact);
                }
            }
        }
        free(x);
        free(out);
        free(weight);
    }
}

static void a_norm_is_rounded_like_any_other_row(void **state)
{
    enum { COLS = 896 };
    float *x = calloc(TOKENS * COLS, sizeof *x), *weight = calloc(COLS, sizeof *weight);
    float *plain = calloc(TOKENS * COLS, sizeof *plain), *both = calloc(TOKENS * COLS, sizeof *both);
    float *expected = calloc(TOKENS * COLS, sizeof *expected);
    uint64_t seed = 41;
    (void)state;
    fill_floats(&seed, FILL_RANDOM, x, TOKENS * COLS);
    fill_floats(&seed, FILL_RANDOM, weight, COLS);
    prepare(x, weight, COLS, true, false, plain);
    prepare(x, weight, COLS, true, true, both);
    cpu_round(plain, TOKENS * COLS, expected);
    expect_same_floats(expected, both, TOKENS * COLS, "norm, rounded");
    free(x);
    free(weight);
    free(plain);
    free(both);
    free(expected);
}

static void embeddings_are_the_rows_of_the_cpu(void **state)
{
    enum { VOCAB = 11 };
    static const int32_t tokens[] = {10, 0, 3, 3, -1, VOCAB, INT32_MIN, INT32_MAX, 7};
    enum { COUNT = sizeof tokens / sizeof tokens[0] };
    met_cpu_kernels k = met_cpu_level_kernels(0);
    (void)state;
    for (int32_t i = 0; i < 3 * 2; i++) {
        met_dtype type = (met_dtype)(i / 2);
        size_t cols = i % 2 == 0 ? 32 : 896, row_bytes = met_dtype_row_bytes(type, cols);
        met_metal_embed arguments = {(int32_t)cols, VOCAB};
        uint8_t *weight = malloc(VOCAB * row_bytes);
        float *out = malloc(COUNT * cols * sizeof *out);
        float *expected = calloc(COUNT * cols, sizeof *expected);
        uint64_t seed = 51 + (uint64_t)i;
        switch (type) {
        case MET_DTYPE_F32: fill_weights_f32(&seed, FILL_WIDE, (void *)weight, VOCAB * cols); break;
        case MET_DTYPE_F16: fill_weights_f16(&seed, FILL_WIDE, (void *)weight, VOCAB * cols); break;
        case MET_DTYPE_Q8_0: fill_weights_q8(&seed, FILL_WIDE, weight, VOCAB * cols / 32); break;
        }
        for (size_t t = 0; t < COUNT; t++) {
            if (tokens[t] < 0 || tokens[t] >= VOCAB) continue; /* zeros */
            const void *row = weight + (size_t)tokens[t] * row_bytes;
            float *y = expected + t * cols;
            if (type == MET_DTYPE_F32)
                memcpy(y, row, row_bytes);
            else if (type == MET_DTYPE_F16)
                k.row_f16(row, cols, y);
            else
                k.row_q8(row, cols, y);
        }
        memset(out, 0xff, COUNT * cols * sizeof *out);
        kernel_run run = {
            .function = "met_embed",
            .arguments = &arguments,
            .argument_bytes = sizeof arguments,
            .buffers = {{0},
                        {weight, VOCAB * row_bytes, false},
                        {(void *)(uintptr_t)tokens, sizeof tokens, false},
                        {out, COUNT * cols * sizeof *out, true}},
            .groups = {COUNT, 1, 1},
            .threads = MET_METAL_EMBED_THREADS,
        };
        run.constants[MET_METAL_FC_WEIGHT_TYPE] = (int32_t)type;
        kernel_run_now(&run);
        expect_same_floats(expected, out, COUNT * cols,
                           describe("%s cols %zu", met_dtype_name(type), cols));
        free(weight);
        free(out);
        free(expected);
    }
}

static int close_device(void **state)
{
    (void)state;
    kernel_run_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_has_the_bits_of_the_cpu),
        cmocka_unit_test(norms_are_within_the_bound),
        cmocka_unit_test(a_norm_is_rounded_like_any_other_row),
        cmocka_unit_test(embeddings_are_the_rows_of_the_cpu),
    };
    return cmocka_run_group_tests_name("metal rows", tests, NULL, close_device);
}
