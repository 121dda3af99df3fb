/* Products on Metal against exact arithmetic and against the scalar CPU kernels.
 *
 * With integers every sum is exact in any order, so that index, layout and epilogue are compared bit
 * for bit. With random numbers the bound is that of summation: a sum of products that each pass
 * through k roundings is off by at most k u / (1 - k u) * sum |w x|, u = 2^-24 (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 3.1). */
#include "metal/product_case.h"

#include <math.h>

static const double unit = 0x1p-24;

/* Roundings between a product and its sum: matvec.metal and matmul.metal say the order. */
static double matvec_roundings(const product_shape *s)
{
    return 8 + ceil(s->cols / 256.0) + 5;
}

static double matmul_roundings(const product_shape *s)
{
    return 1 + s->cols;
}

typedef void (*run_fn)(product_case *c);

/* Out of a product with bias and residual: two more roundings, of what is no larger than the sum of
 * all magnitudes. */
static void expect_near_exact(product_case *c, run_fn run, double roundings)
{
    const product_shape *s = &c->shape;
    size_t cols = (size_t)s->cols, rows = (size_t)s->rows[0];
    float *prepared = calloc((size_t)s->tokens * cols, sizeof *prepared);
    double k = (roundings + s->bias + s->residual) * unit;
    product_prepare(c, prepared);
    run(c);
    for (int32_t t = 0; t < s->tokens; t++) {
        for (int32_t r = 0; r < s->rows[0]; r++) {
            size_t at = (size_t)t * rows + (size_t)r;
            double sum = 0, size = 0;
            for (int32_t i = 0; i < s->cols; i++) {
                double p = product_weight(c, 0, r, i) * (double)prepared[(size_t)t * cols + (size_t)i];
                sum += p;
                size += fabs(p);
            }
            if (s->bias) sum += (double)c->bias[0][r], size += fabs((double)c->bias[0][r]);
            if (s->residual) sum += (double)c->residual[at], size += fabs((double)c->residual[at]);
            double bound = k / (1 - k) * size + 0x1p-126 * (double)s->cols; /* flushed subnormals */
            double off = fabs((double)c->out[0][at] - sum);
            if (!(off <= bound)) {
                fail_msg("%s: token %d row %d is off by %g, bound %g", product_name(s), t, r, off,
                         bound);
            }
        }
    }
    free(prepared);
}

static void expect_bits_of_cpu(const product_shape *shape, run_fn run, uint64_t seed)
{
    float *expected[MET_METAL_PARTS];
    product_case *c = product_open(shape, seed);
    product_expect(c, expected);
    run(c);
    for (int32_t i = 0; i < c->arguments.parts; i++) {
        size_t n = (size_t)shape->tokens * (size_t)shape->rows[i];
        float *found = calloc(n, sizeof *found);
        product_found(c, i, found);
        if (!(shape->swiglu && i == 1)) {
            expect_same_floats(expected[i], found, n, product_name(shape));
        }
        free(found);
    }
    for (int32_t i = 0; i < MET_METAL_PARTS; i++)
        free(expected[i]);
    product_close(c);
}

static const met_dtype types[] = {MET_DTYPE_F32, MET_DTYPE_F16, MET_DTYPE_Q8_0};

/* ---------------------------------------------------------------- tests */

static void run_random(const product_shape *shape, run_fn run, double roundings, uint64_t seed)
{
    product_case *c = product_open(shape, seed);
    expect_near_exact(c, run, roundings);
    product_close(c);
}

static void products_of_few_tokens_are_within_the_bound(void **state)
{
    static const int32_t tokens[] = {1, 3, 8};
    static const int32_t rows[] = {1, 7, 64};
    (void)state;
    for (size_t i = 0; i < 3 * 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            product_shape s = {.type = types[i % 3], .tokens = tokens[i / 3], .rows = {rows[j]}};
            s.cols = (const int32_t[]){32, 64, 896}[(i + j) % 3];
            s.bias = j != 1;
            s.residual = j == 2;
            run_random(&s, product_run_matvec, matvec_roundings(&s), 11 + i * 3 + j);
        }
    }
}

static void widths_beside_the_vectors_are_within_the_bound(void **state)
{
    static const int32_t cols[] = {1, 7, 9, 33, 70, 255, 257, 1023};
    (void)state;
    for (size_t i = 0; i < sizeof cols / sizeof cols[0]; i++) {
        product_shape s = {.type = types[i % 2], .tokens = 3, .rows = {9}, .cols = cols[i]};
        run_random(&s, product_run_matvec, matvec_roundings(&s), 51 + i);
        run_random(&s, product_run_matmul, matmul_roundings(&s), 51 + i);
    }
}

static void a_row_longer_than_a_tile_is_within_the_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        product_shape s = {.type = types[i], .tokens = i == 2 ? 8 : 1, .rows = {33}, .cols = 4864};
        run_random(&s, product_run_matvec, matvec_roundings(&s), 71 + i);
    }
}

/* Products that underflow, and x so small that Q8_0 has no scale for it. */
static void small_numbers_are_within_the_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3 * 2; i++) {
        product_shape s = {.type = types[i % 3], .cols = 64, .tokens = 3, .rows = {9},
                           .fill = i < 3 ? FILL_TINY : FILL_TINY_NEGATIVE};
        run_random(&s, product_run_matvec, matvec_roundings(&s), 81 + i);
        run_random(&s, product_run_matmul, matmul_roundings(&s), 81 + i);
    }
}

static void products_of_many_tokens_are_within_the_bound(void **state)
{
    static const int32_t tokens[] = {9, 17, 33, 64};
    (void)state;
    for (size_t i = 0; i < 4 * 3; i++) {
        product_shape s = {.type = types[i % 3], .tokens = tokens[i / 3], .rows = {7 + 29 * (int)i}};
        s.cols = (const int32_t[]){32, 64, 896}[(i / 3) % 3];
        s.bias = i % 2 == 0;
        s.residual = i % 4 == 1;
        run_random(&s, product_run_matmul, matmul_roundings(&s), 91 + i);
    }
}

static void a_token_has_the_same_bits_alone_and_among_eight(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        product_shape s = {.type = types[i], .tokens = 8, .rows = {17}, .cols = 896, .norm = true,
                           .bias = true, .pairs = 2};
        product_case *all = product_open(&s, 5 + i);
        product_run_matvec(all);
        for (int32_t t = 0; t < 8; t += 3) {
            product_shape alone = s;
            alone.tokens = 1;
            alone.pairs = 1;
            product_case *one = product_open(&alone, 5 + i);
            memcpy(one->x, all->x + t * s.cols, (size_t)s.cols * sizeof(float));
            memcpy(one->norm, all->norm, (size_t)s.cols * sizeof(float));
            memcpy(one->bias[0], all->bias[0], (size_t)s.rows[0] * sizeof(float));
            product_run_matvec(one);
            expect_same_floats(all->out[0] + t * s.rows[0], one->out[0], (size_t)s.rows[0],
                               product_name(&s));
            product_close(one);
        }
        product_close(all);
    }
}

static void the_norm_of_a_product_is_that_of_prepare(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        product_shape s = {.type = types[i], .tokens = 3, .rows = {16}, .cols = 896, .norm = true};
        product_case *fused = product_open(&s, 31 + i);
        float *prepared = calloc((size_t)(s.tokens * s.cols), sizeof *prepared);
        product_prepare(fused, prepared);
        product_run_matvec(fused);
        s.norm = false;
        product_case *plain = product_open(&s, 31 + i);
        memcpy(plain->x, prepared, (size_t)(s.tokens * s.cols) * sizeof(float));
        if (s.type != MET_DTYPE_Q8_0) { /* rounding twice is not rounding once */
            product_run_matvec(plain);
            expect_same_floats(plain->out[0], fused->out[0], (size_t)(s.tokens * s.rows[0]),
                               product_name(&s));
        }
        s.norm = true;
        product_case *again = product_open(&s, 31 + i);
        expect_near_exact(again, product_run_matvec, matvec_roundings(&s));
        product_close(again);
        product_close(plain);
        product_close(fused);
        free(prepared);
    }
}

static void integers_are_exact(void **state)
{
    static const int32_t rows[] = {1, 7, 64, 65};
    (void)state;
    for (size_t i = 0; i < 3 * 4; i++) {
        product_shape s = {.type = types[i % 3], .rows = {rows[i / 3]}, .fill = FILL_INTEGER,
                           .bias = i % 2 == 0, .residual = i % 4 == 1, .pairs = 1 + (int)(i % 2)};
        s.cols = i % 5 == 0 ? 896 : 64;
        s.tokens = 3;
        expect_bits_of_cpu(&s, product_run_matvec, 101 + i);
        expect_bits_of_cpu(&s, product_run_finish, 101 + i);
        s.tokens = 33;
        expect_bits_of_cpu(&s, product_run_matmul, 101 + i);
    }
}

/* Queries, keys and values at once: biases, rotation, cache. `position` is such that the tokens go
 * over the edge of a block or of a tile of keys. */
static void queries_keys_and_values_have_the_bits_of_the_cpu(void **state)
{
    static const struct {
        int32_t heads, kv_heads, head_dim, position;
    } cases[] = {{2, 1, 64, 126}, {7, 1, 32, 0}, {1, 1, 6, 30}, {4, 2, 80, 255}, {8, 1, 128, 127}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t q = cases[i].heads * cases[i].head_dim, kv = cases[i].kv_heads * cases[i].head_dim;
        product_shape s = {
            .type = types[(i + 2) % 3],
            .cols = 64,
            .tokens = 5,
            .rows = {q, kv, kv},
            .kind = {MET_METAL_PART_ROWS, MET_METAL_PART_KEYS, MET_METAL_PART_VALUES},
            .rotate = {true, true, false},
            .bias = true,
            .head_dim = cases[i].head_dim,
            .position = cases[i].position,
            .kv_type = i % 2 == 0 ? MET_DTYPE_F16 : MET_DTYPE_F32,
            .fill = FILL_INTEGER,
            .pairs = 2,
        };
        expect_bits_of_cpu(&s, product_run_matvec, 131 + i);
        expect_bits_of_cpu(&s, product_run_finish, 131 + i);
        s.tokens = 40;
        expect_bits_of_cpu(&s, product_run_matmul, 131 + i);
    }
}

static void gate_and_up_become_the_bits_of_the_cpu(void **state)
{
    static const int32_t rows[] = {1, 7, 64};
    (void)state;
    for (size_t i = 0; i < 3 * 3; i++) {
        product_shape s = {.type = types[i % 3], .cols = 64, .tokens = 8, .swiglu = true,
                           .rows = {rows[i / 3], rows[i / 3]}, .bias = i % 2 == 0,
                           .fill = FILL_INTEGER, .pairs = 2};
        expect_bits_of_cpu(&s, product_run_matvec, 151 + i);
        expect_bits_of_cpu(&s, product_run_finish, 151 + i);
        s.tokens = 17;
        expect_bits_of_cpu(&s, product_run_matmul, 151 + i);
    }
}

/* What is no number on the CPU is none here, and what is one is one; which of them it is depends
 * on the order of sums where a block's scale is infinite. */
static void infinities_and_nans_stay_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for (int32_t tokens = 8; tokens <= 34; tokens += 26) {
            product_shape s = {.type = types[i % 3], .tokens = tokens, .rows = {40},
                               .fill = FILL_SPECIAL, .bias = true};
            s.cols = i < 3 ? 32 : 23; /* beside the vectors: what is past a row is another's */
            float *expected[MET_METAL_PARTS];
            product_case *c = product_open(&s, 171 + i);
            size_t numbers = 0;
            product_expect(c, expected);
            if (tokens <= MET_METAL_MATVEC_TOKENS)
                product_run_matvec(c);
            else
                product_run_matmul(c);
            for (int32_t j = 0; j < tokens * s.rows[0]; j++) {
                bool number = isfinite(expected[0][j]);
                numbers += number;
                if (number != (bool)isfinite(c->out[0][j])) {
                    fail_msg("%s: element %d is %g, expected %g", product_name(&s), j,
                             (double)c->out[0][j], (double)expected[0][j]);
                }
            }
            assert_in_range(numbers, 1, (size_t)(tokens * s.rows[0]) - 1);
            for (int32_t j = 0; j < MET_METAL_PARTS; j++)
                free(expected[j]);
            product_close(c);
        }
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
        cmocka_unit_test(products_of_few_tokens_are_within_the_bound),
        cmocka_unit_test(widths_beside_the_vectors_are_within_the_bound),
        cmocka_unit_test(a_row_longer_than_a_tile_is_within_the_bound),
        cmocka_unit_test(small_numbers_are_within_the_bound),
        cmocka_unit_test(products_of_many_tokens_are_within_the_bound),
        cmocka_unit_test(a_token_has_the_same_bits_alone_and_among_eight),
        cmocka_unit_test(the_norm_of_a_product_is_that_of_prepare),
        cmocka_unit_test(integers_are_exact),
        cmocka_unit_test(queries_keys_and_values_have_the_bits_of_the_cpu),
        cmocka_unit_test(gate_and_up_become_the_bits_of_the_cpu),
        cmocka_unit_test(infinities_and_nans_stay_where_they_are),
    };
    return cmocka_run_group_tests_name("metal products", tests, NULL, close_device);
}
