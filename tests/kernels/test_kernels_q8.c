/* Products with Q8_0 weights, and the quantizing of activations, against the reference. */
#include "kernels/kernel_test.h"


/* Quantized activations in guarded buffers. */
typedef struct activations {
    met_q8_rows rows;
    size_t tokens;
    size_t cols;
} activations;

static activations activations_open(const kernel_case *c, uint64_t *seed, fill_kind kind,
                                    size_t tokens, size_t cols)
{
    size_t blocks = cols / MET_Q8_BLOCK;
    activations a = {.tokens = tokens, .cols = cols};
    a.rows.q = test_guarded(tokens * cols);
    a.rows.scale = test_guarded(tokens * blocks * sizeof(float));
    a.rows.offset = test_guarded(tokens * blocks * sizeof(int32_t));
    float *x = test_guarded(tokens * cols * sizeof(float));
    fill_floats(seed, kind, x, tokens * cols);
    for (size_t t = 0; t < tokens; t++) {
        c->reference->quantize_q8(x + t * cols, cols, a.rows.q + t * cols,
                                  a.rows.scale + t * blocks, a.rows.offset + t * blocks);
    }
    test_guarded_free(x, tokens * cols * sizeof(float));
    return a;
}

static void activations_close(activations *a)
{
    size_t blocks = a->cols / MET_Q8_BLOCK;
    test_guarded_free(a->rows.q, a->tokens * a->cols);
    test_guarded_free(a->rows.scale, a->tokens * blocks * sizeof(float));
    test_guarded_free(a->rows.offset, a->tokens * blocks * sizeof(int32_t));
}

static void check_quantize(const kernel_case *c, fill_kind kind, size_t cols, uint64_t start)
{
    uint64_t seed = start;
    size_t blocks = cols / MET_Q8_BLOCK;
    float *x = test_guarded(cols * sizeof(float));
    fill_floats(&seed, kind, x, cols);
    if (cols > 0 && start % 4 == 0) memset(x, 0, MET_Q8_BLOCK * sizeof(float)); /* zeros */
    if (cols > 0 && start % 4 == 1) x[cols - 1] = -0.0f;
    int8_t *q[2];
    float *scale[2];
    int32_t *offset[2];
    for (int i = 0; i < 2; i++) {
        q[i] = output_open(cols);
        scale[i] = output_open(blocks * sizeof(float));
        offset[i] = output_open(blocks * sizeof(int32_t));
        (i == 0 ? c->reference : c->kernels)->quantize_q8(x, cols, q[i], scale[i], offset[i]);
    }
    const char *what = describe("quantize_q8 %s cols %zu seed %llu", fill_name(kind), cols,
                                (unsigned long long)start);
    expect_same_floats(scale[0], scale[1], blocks, what);
    expect_same_bytes(q[0], q[1], cols, what);
    expect_same_bytes(offset[0], offset[1], blocks * sizeof(int32_t), what);
    for (int i = 0; i < 2; i++) {
        output_close(q[i], cols);
        output_close(scale[i], blocks * sizeof(float));
        output_close(offset[i], blocks * sizeof(int32_t));
    }
    test_guarded_free(x, cols * sizeof(float));
}

static void quantize_equals_reference(const kernel_case *c)
{
    static const size_t cols[] = {0, 32, 64, 96, 896, 4864};
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) {
        for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
            for (uint64_t seed = 1; seed <= 8; seed++)
                check_quantize(c, kind, cols[i], seed);
        }
    }
}

/* Where 127 / max would overflow, and where max nearly does. */
static void quantize_of_any_magnitude_equals_reference(const kernel_case *c)
{
    uint64_t seed = 77;
    for (int i = 2 * -149; i <= 2 * 128; i++) {
        int exponent = i / 2;
        float x[MET_Q8_BLOCK];
        int8_t q[2][MET_Q8_BLOCK];
        float scale[2];
        int32_t offset[2];
        for (size_t j = 0; j < MET_Q8_BLOCK; j++)
            x[j] = ldexpf(test_random_float(&seed), exponent);
        if (i % 2 == 0) x[7] = ldexpf(1.0f, exponent); /* the largest, a power of two */
        c->reference->quantize_q8(x, MET_Q8_BLOCK, q[0], &scale[0], &offset[0]);
        c->kernels->quantize_q8(x, MET_Q8_BLOCK, q[1], &scale[1], &offset[1]);
        const char *what = describe("quantize_q8 of magnitude 2^%d", exponent);
        expect_same_bytes(q[0], q[1], sizeof q[0], what);
        expect_same_floats(&scale[0], &scale[1], 1, what);
        assert_int_equal(offset[0], offset[1]);
    }
}

/* Rounding is decided at halves: every half between -127 and 127, in one block after another. */
static void quantize_rounds_halves_to_even(const kernel_case *c)
{
    float x[MET_Q8_BLOCK];
    int8_t q[2][MET_Q8_BLOCK];
    float scale;
    int32_t offset;
    for (int first = -254; first <= 254 - 30; first++) {
        x[0] = 127.0f; /* so that the scale is 1 */
        for (int i = 1; i < MET_Q8_BLOCK; i++)
            x[i] = 0.5f * (float)(first + i - 1);
        c->reference->quantize_q8(x, MET_Q8_BLOCK, q[0], &scale, &offset);
        c->kernels->quantize_q8(x, MET_Q8_BLOCK, q[1], &scale, &offset);
        expect_same_bytes(q[0], q[1], sizeof q[0], describe("halves from %d / 2", first));
        for (int i = 1; i < MET_Q8_BLOCK; i++)
            assert_int_equal(q[1][i], (int)rintf(x[i]));
    }
}

static void check_matvec(const kernel_case *c, fill_kind kind, size_t rows, size_t cols,
                         uint64_t start)
{
    uint64_t seed = start;
    size_t bytes = rows * (cols / MET_Q8_BLOCK) * MET_Q8_BLOCK_BYTES;
    activations x = activations_open(c, &seed, kind, 1, cols);
    uint8_t *w = test_guarded(bytes);
    fill_weights_q8(&seed, kind, w, rows * (cols / MET_Q8_BLOCK));
    float *y0 = output_open(rows * sizeof(float));
    float *y1 = output_open(rows * sizeof(float));
    c->reference->matvec_q8(w, rows, cols, x.rows.q, x.rows.scale, x.rows.offset, y0);
    c->kernels->matvec_q8(w, rows, cols, x.rows.q, x.rows.scale, x.rows.offset, y1);
    expect_same_floats(y0, y1, rows,
                       describe("matvec_q8 %s rows %zu cols %zu seed %llu", fill_name(kind), rows,
                                cols, (unsigned long long)start));
    output_close(y0, rows * sizeof(float));
    output_close(y1, rows * sizeof(float));
    test_guarded_free(w, bytes);
    activations_close(&x);
}

static void matvec_equals_reference(const kernel_case *c)
{
    static const size_t rows[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33};
    static const size_t cols[] = {0, 32, 64, 96, 128, 160, 288};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
            for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
                check_matvec(c, kind, rows[i], cols[j], 100 * i + 10 * j + kind + 1);
            }
        }
    }
}

static void matvec_of_model_sizes_equals_reference(const kernel_case *c)
{
    static const size_t cols[] = {896, 1536, 2048, 4864, 8960, 11008};
    for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
        for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
            check_matvec(c, kind, 67, cols[j], 7000 + 10 * j + kind);
        }
    }
}

/* Also against this level's own matvec, which is what a decoded token comes from. */
static void check_matmul(const kernel_case *c, fill_kind kind, size_t rows, size_t cols,
                         size_t tokens, uint64_t start)
{
    uint64_t seed = start;
    size_t blocks = cols / MET_Q8_BLOCK;
    size_t bytes = rows * blocks * MET_Q8_BLOCK_BYTES;
    size_t stride = rows + 3; /* results of other workers lie between */
    size_t y_bytes = (tokens == 0 || rows == 0 ? 0 : (tokens - 1) * stride + rows) * sizeof(float);
    size_t panel_bytes = met_cpu_panel_bytes(cols);
    activations x = activations_open(c, &seed, kind, tokens, cols);
    uint8_t *w = test_guarded(bytes);
    fill_weights_q8(&seed, kind, w, rows * blocks);
    void *panel = test_guarded((panel_bytes + 63) / 64 * 64);
    float *y0 = output_open(y_bytes);
    float *y1 = output_open(y_bytes);
    float *y2 = output_open(rows * sizeof(float));
    c->reference->matmul_q8(w, rows, cols, &x.rows, tokens, y0, stride, panel);
    c->kernels->matmul_q8(w, rows, cols, &x.rows, tokens, y1, stride, panel);
    const char *what = describe("matmul_q8 %s rows %zu cols %zu tokens %zu seed %llu",
                                fill_name(kind), rows, cols, tokens, (unsigned long long)start);
    expect_same_floats(y0, y1, y_bytes / sizeof(float), what);
    for (size_t t = 0; t < tokens; t++) {
        c->kernels->matvec_q8(w, rows, cols, x.rows.q + t * cols, x.rows.scale + t * blocks,
                              x.rows.offset + t * blocks, y2);
        expect_same_floats(y1 + t * stride, y2, rows, what);
    }
    output_close(y0, y_bytes);
    output_close(y1, y_bytes);
    output_close(y2, rows * sizeof(float));
    test_guarded_free(panel, (panel_bytes + 63) / 64 * 64);
    test_guarded_free(w, bytes);
    activations_close(&x);
}

static void matmul_equals_reference_for_any_number_of_tokens(const kernel_case *c)
{
    static const size_t rows[] = {1, 8, 15, 17, 31, 32, 33, 67};
    for (size_t tokens = 0; tokens <= 36; tokens++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            fill_kind kind = (fill_kind)((tokens + i) % FILL_KINDS);
            check_matmul(c, kind, rows[i], 288, tokens, 100 * tokens + i + 1);
            check_matmul(c, FILL_RANDOM, rows[i], 64, tokens, 5000 + 100 * tokens + i);
        }
    }
}

static void matmul_equals_reference_for_any_shape(const kernel_case *c)
{
    static const size_t rows[] = {0, 1, 2, 3, 4, 5, 7, 9, 16, 24, 40, 63, 64, 65};
    static const size_t cols[] = {0, 32, 96, 256, 320};
    static const size_t tokens[] = {2, 7, 19, 41};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
            for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
                check_matmul(c, kind, rows[i], cols[j], tokens[(i + j) % 4], 100 * i + j + 1);
            }
        }
    }
}

static void matmul_of_model_sizes_equals_reference(const kernel_case *c)
{
    static const size_t cols[] = {896, 1536, 2048, 4864, 8960, 11008};
    for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
        check_matmul(c, FILL_RANDOM, 37, cols[j], 13, 900 + j);
        check_matmul(c, FILL_WIDE, 32, cols[j], 14, 950 + j);
        check_matmul(c, FILL_RANDOM, 33, cols[j], 34, 970 + j);
    }
    check_matmul(c, FILL_RANDOM, 65, 4864, 61, 999);
}

static void row_equals_reference(const kernel_case *c)
{
    for (size_t blocks = 0; blocks < 6; blocks++) {
        for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
            uint64_t seed = 10 * blocks + kind + 1;
            size_t cols = blocks * MET_Q8_BLOCK;
            uint8_t *w = test_guarded(blocks * MET_Q8_BLOCK_BYTES);
            fill_weights_q8(&seed, kind, w, blocks);
            float *y0 = output_open(cols * sizeof(float));
            float *y1 = output_open(cols * sizeof(float));
            c->reference->row_q8(w, cols, y0);
            c->kernels->row_q8(w, cols, y1);
            expect_same_floats(y0, y1, cols, describe("row_q8 %s cols %zu", fill_name(kind), cols));
            output_close(y0, cols * sizeof(float));
            output_close(y1, cols * sizeof(float));
            test_guarded_free(w, blocks * MET_Q8_BLOCK_BYTES);
        }
    }
}

int main(void)
{
    static const kernel_test tests[] = {
        {"quantize_q8 equals the reference", quantize_equals_reference},
        {"quantize_q8 of any magnitude equals the reference",
         quantize_of_any_magnitude_equals_reference},
        {"quantize_q8 rounds halves to even", quantize_rounds_halves_to_even},
        {"matvec_q8 equals the reference", matvec_equals_reference},
        {"matvec_q8 of model sizes equals the reference", matvec_of_model_sizes_equals_reference},
        {"matmul_q8 of 0 to 36 tokens equals the reference and matvec_q8",
         matmul_equals_reference_for_any_number_of_tokens},
        {"matmul_q8 of any shape equals the reference", matmul_equals_reference_for_any_shape},
        {"matmul_q8 of model sizes equals the reference", matmul_of_model_sizes_equals_reference},
        {"row_q8 equals the reference", row_equals_reference},
    };
    return run_kernel_tests("kernels_q8", tests, sizeof tests / sizeof tests[0]);
}
