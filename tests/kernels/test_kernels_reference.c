/* The reference level against arithmetic in double, and the table of levels.
 *
 * Bounds: one rounding is EPS relative. A chain of n roundings errs by at most n * EPS of the sum
 * of the magnitudes that went into it; GROWTH covers the products of such terms. */
#include "support/testing.h"

#include "backend/cpu/kernels.h"
#include "base/half.h"

#include <math.h>

#define EPS 0x1p-24
#define GROWTH 1.01

static met_cpu_kernels reference(void)
{
    return met_cpu_level_kernels(0);
}

static void assert_close(double expected, float found, double bound, const char *what, size_t at)
{
    if (!(fabs(expected - (double)found) <= bound)) {
        fail_msg("%s: element %zu is %.9g, expected %.9g within %.3g", what, at, (double)found,
                 expected, bound);
    }
}

static float *random_floats(uint64_t *seed, size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = test_random_float(seed);
    return x;
}

static uint16_t *random_halves(uint64_t *seed, size_t n)
{
    uint16_t *h = malloc((n + 1) * sizeof *h);
    for (size_t i = 0; i < n; i++)
        h[i] = met_float_to_half(test_random_float(seed));
    return h;
}

/* ---------------------------------------------------------------- the exponential */

static void exp_is_within_nine_tenths_of_an_ulp(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    for (float x = -87.3f; x < 88.7f; x += 0.0037f) {
        float y;
        k.exp(&x, 1, &y);
        double expected = exp((double)x);
        double ulp = ldexp(1.0, ilogb(expected) - 23);
        assert_close(expected, y, 0.9 * ulp, "exp", (size_t)((x + 88.0f) * 1000.0f));
    }
}

static void exp_of_small_results_is_within_an_ulp_of_the_subnormals(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    for (float x = -104.5f; x < -87.3f; x += 0.0013f) {
        float y;
        k.exp(&x, 1, &y);
        assert_close(exp((double)x), y, 0x1p-149, "exp", (size_t)((x + 105.0f) * 1000.0f));
    }
}

static void exp_keeps_nan_and_ends_in_zero_and_infinity(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    const float x[] = {0.0f, -0.0f, NAN, -NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 88.8f, -104.1f};
    float y[10];
    k.exp(x, 10, y);
    assert_true(y[0] == 1.0f && y[1] == 1.0f);
    assert_true(isnan(y[2]) && isnan(y[3]));
    assert_true(isinf(y[4]) && isinf(y[6]) && isinf(y[8]));
    assert_true(y[5] == 0.0f && y[7] == 0.0f && y[9] == 0.0f);
}

/* ---------------------------------------------------------------- conversions */

static double half_value(uint32_t h)
{
    int exponent = (int)(h >> 10 & 31);
    int mantissa = (int)(h & 1023);
    double magnitude = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, exponent - 25);
    return h & 0x8000 ? -magnitude : magnitude;
}

static void row_f16_is_exact(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    for (uint32_t h = 0; h < 0x10000; h++) {
        uint16_t half = (uint16_t)h;
        float y;
        k.row_f16(&half, 1, &y);
        if ((h & 0x7c00) != 0x7c00) {
            assert_true((double)y == half_value(h) && (signbit(y) != 0) == (h >> 15 != 0));
        } else {
            assert_true((h & 0x3ff) == 0 ? isinf(y) && (signbit(y) != 0) == (h >> 15 != 0)
                                         : isnan(y));
        }
    }
}

/* The nearest f16; of two, the even one; past 65520, infinity. */
static void to_f16_rounds_to_nearest_even(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    uint64_t seed = 5;
    for (int i = 0; i < 300000; i++) {
        float x = ldexpf(test_random_float(&seed), (int)(test_random(&seed) >> 33) % 45 - 27);
        uint16_t h;
        k.to_f16(&x, 1, &h);
        assert_true((signbit(x) != 0) == (h >> 15 != 0));
        if (fabsf(x) >= 65520.0f) {
            assert_int_equal(h & 0x7fff, 0x7c00);
            continue;
        }
        uint32_t magnitude = h & 0x7fffu;
        double here = fabs(fabs((double)x) - half_value(magnitude));
        double above = fabs(half_value(magnitude + 1) - fabs((double)x));
        double below =
            magnitude == 0 ? INFINITY : fabs(fabs((double)x) - half_value(magnitude - 1));
        assert_true(here <= above && here <= below);
        if (here == above || here == below) assert_int_equal(h & 1, 0);
    }
}

static void row_q8_multiplies_scale_and_number(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    uint8_t block[MET_Q8_BLOCK_BYTES] = {0x00, 0xb8}; /* -0.5 */
    float y[MET_Q8_BLOCK];
    for (int i = 0; i < MET_Q8_BLOCK; i++)
        block[2 + i] = (uint8_t)(i * 8 - 128);
    k.row_q8(block, MET_Q8_BLOCK, y);
    for (int i = 0; i < MET_Q8_BLOCK; i++)
        assert_true(y[i] == -0.5f * (float)(i * 8 - 128));
}

/* ---------------------------------------------------------------- quantizing */

static void quantize_keeps_within_half_a_step(void **state)
{
    (void)state;
    enum { COLS = 320 };
    met_cpu_kernels k = reference();
    uint64_t seed = 11;
    float *x = random_floats(&seed, COLS);
    int8_t q[COLS];
    float scale[COLS / 32];
    int32_t offset[COLS / 32];
    k.quantize_q8(x, COLS, q, scale, offset);
    for (size_t b = 0; b < COLS / 32; b++) {
        float max = 0.0f;
        int32_t sum = 0;
        for (size_t i = 32 * b; i < 32 * b + 32; i++) {
            max = fmaxf(max, fabsf(x[i]));
            sum += q[i];
            /* x * inverse and inverse round: 2 of 127 steps times EPS each, scale once more */
            assert_close((double)x[i], (float)q[i] * scale[b],
                         (0.5 + 127 * 4 * EPS) * (double)scale[b], "quantize_q8", i);
        }
        assert_true(scale[b] == max / 127.0f);
        assert_int_equal(offset[b], -128 * sum);
    }
    free(x);
}

static void quantize_of_odd_blocks_gives_zeros(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    const float firsts[] = {0.0f, -0.0f, 0x1p-120f, 1e-45f, INFINITY, -INFINITY, NAN};
    for (size_t f = 0; f < sizeof firsts / sizeof firsts[0]; f++) {
        float x[32] = {firsts[f]};
        int8_t q[32];
        float scale;
        int32_t offset;
        k.quantize_q8(x, 32, q, &scale, &offset);
        for (size_t i = 0; i < 32; i++)
            assert_int_equal(q[i], 0);
        assert_int_equal(offset, 0);
        assert_true(isnan(firsts[f]) ? isnan(scale) : scale == fabsf(firsts[f]) / 127.0f);
    }
}

static void quantize_rounds_halves_to_even(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    const float x[32] = {127.0f, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -127.0f};
    const int8_t expected[32] = {127, 0, 2, 2, 0, -2, -2, 126, -127};
    int8_t q[32];
    float scale;
    int32_t offset;
    k.quantize_q8(x, 32, q, &scale, &offset);
    assert_memory_equal(q, expected, sizeof q);
    assert_true(scale == 1.0f);
}

/* ---------------------------------------------------------------- products */

static void matvec_q8_is_close_to_the_exact_sum(void **state)
{
    (void)state;
    enum { ROWS = 5, COLS = 896, BLOCKS = COLS / 32 };
    met_cpu_kernels k = reference();
    uint64_t seed = 21;
    float *x = random_floats(&seed, COLS);
    int8_t q[COLS];
    float scale[BLOCKS];
    int32_t offset[BLOCKS];
    static uint8_t w[ROWS][BLOCKS][MET_Q8_BLOCK_BYTES];
    float y[ROWS];
    k.quantize_q8(x, COLS, q, scale, offset);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t b = 0; b < BLOCKS; b++) {
            uint16_t half = met_float_to_half(0.01f * test_random_float(&seed));
            memcpy(w[r][b], &half, 2);
            for (size_t i = 0; i < 32; i++)
                w[r][b][2 + i] = (uint8_t)test_random(&seed);
        }
    }
    k.matvec_q8(&w[0][0][0], ROWS, COLS, q, scale, offset, y);
    for (size_t r = 0; r < ROWS; r++) {
        double sum = 0.0, magnitude = 0.0;
        for (size_t b = 0; b < BLOCKS; b++) {
            uint16_t half;
            memcpy(&half, w[r][b], 2);
            double d = half_value(half) * (double)scale[b];
            int32_t block = 0;
            for (size_t i = 0; i < 32; i++)
                block += (int8_t)w[r][b][2 + i] * q[32 * b + i];
            sum += d * block;
            magnitude += fabs(d * block);
        }
        assert_close(sum, y[r], GROWTH * (BLOCKS + 1) * EPS * magnitude, "matvec_q8", r);
    }
    free(x);
}

static void matvec_of_floats_is_close_to_the_exact_sum(void **state)
{
    (void)state;
    enum { ROWS = 7 };
    met_cpu_kernels k = reference();
    uint64_t seed = 31;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 31, 896, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t cols = sizes[s];
        float *x = random_floats(&seed, cols);
        float *w = random_floats(&seed, ROWS * cols);
        uint16_t *h = random_halves(&seed, ROWS * cols);
        float y[2][ROWS];
        k.matvec_f32(w, ROWS, cols, x, y[0]);
        k.matvec_f16(h, ROWS, cols, x, y[1]);
        for (size_t r = 0; r < ROWS; r++) {
            double sum[2] = {0.0, 0.0}, magnitude[2] = {0.0, 0.0};
            for (size_t i = 0; i < cols; i++) {
                double a = (double)w[r * cols + i] * (double)x[i];
                double b = half_value(h[r * cols + i]) * (double)x[i];
                sum[0] += a, magnitude[0] += fabs(a);
                sum[1] += b, magnitude[1] += fabs(b);
            }
            double roundings = (double)(cols / 16 + 1) + 4; /* a lane's chain, then the tree */
            for (int i = 0; i < 2; i++) {
                assert_close(sum[i], y[i][r], GROWTH * roundings * EPS * magnitude[i],
                             i == 0 ? "matvec_f32" : "matvec_f16", r);
            }
        }
        free(x), free(w), free(h);
    }
}

static void matmul_is_matvec_for_each_token(void **state)
{
    (void)state;
    enum { ROWS = 6, COLS = 64, TOKENS = 3, STRIDE = 8, BLOCKS = COLS / 32 };
    met_cpu_kernels k = reference();
    uint64_t seed = 41;
    float *x = random_floats(&seed, TOKENS * COLS);
    float *w = random_floats(&seed, ROWS * COLS);
    uint16_t *h = random_halves(&seed, ROWS * COLS);
    int8_t q[TOKENS * COLS];
    float scale[TOKENS * BLOCKS];
    int32_t offset[TOKENS * BLOCKS];
    k.quantize_q8(x, TOKENS * COLS, q, scale, offset);
    met_q8_rows rows = {q, scale, offset};
    static uint8_t w8[ROWS * BLOCKS * MET_Q8_BLOCK_BYTES];
    for (size_t i = 0; i < sizeof w8; i++)
        w8[i] = (uint8_t)(test_random(&seed) & 0x3f);
    float y[TOKENS * STRIDE], one[ROWS];
    for (size_t t = 0; t < TOKENS; t++) {
        k.matmul_f32(w, ROWS, COLS, x, TOKENS, y, STRIDE, NULL);
        k.matvec_f32(w, ROWS, COLS, x + t * COLS, one);
        assert_memory_equal(y + t * STRIDE, one, sizeof one);
        k.matmul_f16(h, ROWS, COLS, x, TOKENS, y, STRIDE, NULL);
        k.matvec_f16(h, ROWS, COLS, x + t * COLS, one);
        assert_memory_equal(y + t * STRIDE, one, sizeof one);
        k.matmul_q8(w8, ROWS, COLS, &rows, TOKENS, y, STRIDE, NULL);
        k.matvec_q8(w8, ROWS, COLS, q + t * COLS, scale + t * BLOCKS, offset + t * BLOCKS, one);
        assert_memory_equal(y + t * STRIDE, one, sizeof one);
    }
    free(x), free(w), free(h);
}

/* ---------------------------------------------------------------- norm, rotation, activation */

static void rmsnorm_is_close_to_its_formula(void **state)
{
    (void)state;
    enum { COLS = 900 };
    met_cpu_kernels k = reference();
    uint64_t seed = 51;
    float *x = random_floats(&seed, COLS);
    float *w = random_floats(&seed, COLS);
    float y[COLS];
    double sum = 0.0;
    for (size_t i = 0; i < COLS; i++)
        sum += (double)x[i] * (double)x[i];
    double s = 1.0 / sqrt(sum / COLS + 1e-6);
    k.rmsnorm(x, w, COLS, 1e-6f, y);
    for (size_t i = 0; i < COLS; i++) {
        double expected = (double)x[i] * s * (double)w[i];
        /* All squares are positive: chain and tree, then mean, eps (twice: 1e-6 itself rounds) and
         * half of it through the root; root, inverse and two products add one each. */
        double roundings = 0.5 * (COLS / 16 + 1 + 4 + 3) + 4;
        assert_close(expected, y[i], GROWTH * roundings * EPS * fabs(expected), "rmsnorm", i);
    }
    free(x), free(w);
}

static void rope_rotates_pairs_half_a_head_apart(void **state)
{
    (void)state;
    enum { HEADS = 3, HALF = 5, DIM = 2 * HALF };
    met_cpu_kernels k = reference();
    uint64_t seed = 61;
    float *x = random_floats(&seed, HEADS * DIM);
    float y[HEADS * DIM], cosine[HALF], sine[HALF];
    for (size_t i = 0; i < HALF; i++) {
        cosine[i] = cosf((float)i + 0.3f);
        sine[i] = sinf((float)i + 0.3f);
    }
    memcpy(y, x, sizeof y);
    k.rope(y, cosine, sine, HEADS, DIM);
    for (size_t h = 0; h < HEADS; h++) {
        for (size_t i = 0; i < HALF; i++) {
            double a = (double)x[h * DIM + i], b = (double)x[h * DIM + HALF + i];
            double c = (double)cosine[i], s = (double)sine[i];
            double bound = GROWTH * 2 * EPS * (fabs(a) + fabs(b));
            assert_close(a * c - b * s, y[h * DIM + i], bound, "rope", h * DIM + i);
            assert_close(b * c + a * s, y[h * DIM + HALF + i], bound, "rope", h * DIM + HALF + i);
        }
    }
    free(x);
}

static void swiglu_is_close_to_its_formula(void **state)
{
    (void)state;
    met_cpu_kernels k = reference();
    for (float g = -80.0f; g < 80.0f; g += 0.37f) {
        float u = 0.7f;
        float y;
        k.swiglu(&g, &u, 1, &y);
        double expected = (double)g / (1.0 + exp(-(double)g)) * (double)u;
        /* exp errs by 2 roundings; sum, quotient and product add one each */
        assert_close(expected, y, GROWTH * 5 * EPS * fabs(expected), "swiglu", (size_t)(g + 81.0f));
    }
}

/* ---------------------------------------------------------------- attention */

enum { HEAD_DIM = 20, GROUP = 2, KEYS = 150, BLOCKS = 3 };

/* Softmax attention of one query over `keys` keys, in double. Returns the largest |score|. */
static double attend_exactly(const float *q, const uint16_t *k, const uint16_t *v, size_t keys,
                             double out[HEAD_DIM])
{
    double p[KEYS], sum = 0.0, most = 0.0;
    for (size_t j = 0; j < keys; j++) {
        double s = 0.0;
        for (size_t d = 0; d < HEAD_DIM; d++)
            s += (double)q[d] * half_value(k[j * HEAD_DIM + d]);
        s /= sqrt(HEAD_DIM);
        most = fmax(most, fabs(s));
        p[j] = exp(s);
        sum += p[j];
    }
    for (size_t d = 0; d < HEAD_DIM; d++) {
        out[d] = 0.0;
        for (size_t j = 0; j < keys; j++)
            out[d] += p[j] / sum * half_value(v[j * HEAD_DIM + d]);
    }
    return most;
}

/* A cache block: keys tiled by 16, values as they are, zeros beyond the end. */
static void fill_block(const uint16_t *k, const uint16_t *v, size_t first, uint16_t *tiles,
                       uint16_t *values)
{
    memset(tiles, 0, MET_KEY_BLOCK * HEAD_DIM * sizeof *tiles);
    memset(values, 0, MET_KEY_BLOCK * HEAD_DIM * sizeof *values);
    for (size_t j = 0; j < MET_KEY_BLOCK && first + j < KEYS; j++) {
        for (size_t d = 0; d < HEAD_DIM; d++) {
            tiles[(j / MET_KEY_TILE * HEAD_DIM + d) * MET_KEY_TILE + j % MET_KEY_TILE] =
                k[(first + j) * HEAD_DIM + d];
            values[j * HEAD_DIM + d] = v[(first + j) * HEAD_DIM + d];
        }
    }
}

static void attention_over_merged_blocks_is_close_to_softmax(void **state)
{
    (void)state;
    met_cpu_kernels kernels = reference();
    uint64_t seed = 71;
    float *q = random_floats(&seed, GROUP * HEAD_DIM);
    uint16_t *k = random_halves(&seed, KEYS * HEAD_DIM);
    uint16_t *v = random_halves(&seed, KEYS * HEAD_DIM);
    static uint16_t tiles[MET_KEY_BLOCK * HEAD_DIM], values[MET_KEY_BLOCK * HEAD_DIM];
    float max[GROUP], sum[GROUP], out[GROUP * HEAD_DIM];
    float block_max[GROUP], block_sum[GROUP], block_out[GROUP * HEAD_DIM];
    for (size_t i = 0; i < GROUP * HEAD_DIM; i++)
        q[i] *= 4.0f;
    for (size_t i = 0; i < GROUP; i++)
        max[i] = -INFINITY, sum[i] = 0.0f;
    memset(out, 0, sizeof out);
    for (size_t b = 0; b < BLOCKS; b++) {
        fill_block(k, v, b * MET_KEY_BLOCK, tiles, values);
        met_attend task = {.q = q,
                           .k = tiles,
                           .v = values,
                           .tokens = 1,
                           .group = GROUP,
                           .head_dim = HEAD_DIM,
                           .scale = 1.0f / sqrtf(HEAD_DIM),
                           .visible = (int32_t)(KEYS - b * MET_KEY_BLOCK),
                           .max = block_max,
                           .sum = block_sum,
                           .out = block_out};
        kernels.attend(&task);
        kernels.attend_merge(max, sum, out, block_max, block_sum, block_out, GROUP, HEAD_DIM);
    }
    float y[GROUP * HEAD_DIM];
    kernels.attend_finish(sum, out, 1, GROUP, HEAD_DIM, y, 0);
    for (size_t g = 0; g < GROUP; g++) {
        double expected[HEAD_DIM];
        double score = attend_exactly(q + g * HEAD_DIM, k, v, KEYS, expected);
        /* A score is made of |q| <= 4 and |k| <= 1: HEAD_DIM roundings of at most 4 * HEAD_DIM /
         * sqrt(HEAD_DIM), scale twice. A weight errs by what its score and the maximum err, by the
         * difference's rounding and by exp's 2; sums by at most 64 + 4, merging by 4 a block and
         * exp again. Weights appear above and below the line, and |v| <= 1. */
        double scores = (HEAD_DIM + 2) * 4 * sqrt(HEAD_DIM);
        double weights = 2 * scores + 2 * score + 2;
        double bound = 2 * (weights + MET_KEY_BLOCK + 4 + BLOCKS * (4 + 2 + 2 * score)) + 1;
        for (size_t d = 0; d < HEAD_DIM; d++) {
            assert_close(expected[d], y[g * HEAD_DIM + d], GROWTH * bound * EPS, "attention", d);
        }
    }
    free(q), free(k), free(v);
}

/* A token sees one key more than the token before it. */
static void attend_shows_each_token_its_own_keys(void **state)
{
    (void)state;
    enum { TOKENS = 5, DIM = 2, VISIBLE = 61 };
    met_cpu_kernels kernels = reference();
    static uint16_t tiles[MET_KEY_BLOCK * DIM], values[MET_KEY_BLOCK * DIM];
    for (size_t j = 0; j < MET_KEY_BLOCK; j++)
        values[j * DIM] = met_float_to_half((float)j);
    float q[TOKENS * DIM] = {0}, max[TOKENS], sum[TOKENS], out[TOKENS * DIM];
    met_attend task = {.q = q,
                       .q_stride = DIM,
                       .k = tiles,
                       .v = values,
                       .tokens = TOKENS,
                       .group = 1,
                       .head_dim = DIM,
                       .visible = VISIBLE,
                       .scale = 1.0f,
                       .max = max,
                       .sum = sum,
                       .out = out};
    kernels.attend(&task); /* all scores are 0, all weights 1 */
    for (size_t t = 0; t < TOKENS; t++) {
        size_t n = VISIBLE + t < MET_KEY_BLOCK ? VISIBLE + t : MET_KEY_BLOCK;
        assert_true(max[t] == 0.0f && sum[t] == (float)n);
        assert_true(out[t * DIM] == (float)(n * (n - 1) / 2) && out[t * DIM + 1] == 0.0f);
    }
}

/* One visible key: its score is the maximum, its weight 1. Neither number has an f16. */
static void attend_takes_f32_keys_and_values_as_they_are(void **state)
{
    (void)state;
    enum { DIM = 2 };
    met_cpu_kernels kernels = reference();
    static float tiles[MET_KEY_BLOCK * DIM], values[MET_KEY_BLOCK * DIM];
    const float key = 1.0f + 0x1p-23f, value = 0x1p100f;
    tiles[0] = key;
    values[0] = value;
    values[1] = -key;
    float q[DIM] = {1.0f, 1.0f}, max, sum, out[DIM];
    met_attend task = {.q = q,
                       .k = tiles,
                       .v = values,
                       .kv_f32 = true,
                       .tokens = 1,
                       .group = 1,
                       .head_dim = DIM,
                       .visible = 1,
                       .scale = 1.0f,
                       .max = &max,
                       .sum = &sum,
                       .out = out};
    kernels.attend(&task);
    assert_true(max == key && sum == 1.0f && out[0] == value && out[1] == -key);
}

/* The same numbers give the same bits in either type. */
static void attend_over_widened_keys_and_values_is_the_same(void **state)
{
    (void)state;
    enum { COUNT = MET_KEY_BLOCK * HEAD_DIM };
    met_cpu_kernels kernels = reference();
    uint64_t seed = 73;
    float *q = random_floats(&seed, GROUP * HEAD_DIM);
    uint16_t *halves[2] = {random_halves(&seed, COUNT), random_halves(&seed, COUNT)};
    static float floats[2][COUNT];
    float max[2][GROUP], sum[2][GROUP], out[2][GROUP * HEAD_DIM];
    for (size_t i = 0; i < 2; i++)
        kernels.row_f16(halves[i], COUNT, floats[i]);
    for (size_t i = 0; i < 2; i++) {
        met_attend task = {.q = q,
                           .k = i == 0 ? (const void *)halves[0] : floats[0],
                           .v = i == 0 ? (const void *)halves[1] : floats[1],
                           .kv_f32 = i == 1,
                           .tokens = 1,
                           .group = GROUP,
                           .head_dim = HEAD_DIM,
                           .visible = 50,
                           .scale = 1.0f / sqrtf(HEAD_DIM),
                           .max = max[i],
                           .sum = sum[i],
                           .out = out[i]};
        kernels.attend(&task);
    }
    assert_memory_equal(max[0], max[1], sizeof max[0]);
    assert_memory_equal(sum[0], sum[1], sizeof sum[0]);
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    free(q), free(halves[0]), free(halves[1]);
}

/* ---------------------------------------------------------------- levels */

enum {
    ENTRIES = (sizeof(met_cpu_kernels) - offsetof(met_cpu_kernels, quantize_q8)) /
              sizeof(void (*)(void))
};

/* The functions of a level's table, one after the other. */
static void read_entries(int32_t level, void (*entries[ENTRIES])(void))
{
    met_cpu_kernels kernels = met_cpu_level_kernels(level);
    assert_string_equal(kernels.name, met_cpu_level_name(level));
    memcpy(entries, (char *)&kernels + offsetof(met_cpu_kernels, quantize_q8),
           ENTRIES * sizeof entries[0]);
}

static void every_level_fills_the_whole_table(void **state)
{
    (void)state;
    assert_true(met_cpu_level_count() >= 1);
    assert_string_equal(met_cpu_level_name(0), "scalar");
    assert_true(met_cpu_level_available(0));
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        void (*entries[ENTRIES])(void);
        read_entries(level, entries);
        for (size_t i = 0; i < ENTRIES; i++)
            assert_true(entries[i] != NULL);
    }
}

/* What this processor lacks adds nothing; what it has adds something. */
static void a_table_holds_only_what_the_processor_can_run(void **state)
{
    (void)state;
    for (int32_t level = 1; level < met_cpu_level_count(); level++) {
        void (*below[ENTRIES])(void);
        void (*entries[ENTRIES])(void);
        size_t added = 0;
        read_entries(level - 1, below);
        read_entries(level, entries);
        for (size_t i = 0; i < ENTRIES; i++)
            added += entries[i] != below[i];
        assert_true((added > 0) == met_cpu_level_available(level));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp_is_within_nine_tenths_of_an_ulp),
        cmocka_unit_test(exp_of_small_results_is_within_an_ulp_of_the_subnormals),
        cmocka_unit_test(exp_keeps_nan_and_ends_in_zero_and_infinity),
        cmocka_unit_test(row_f16_is_exact),
        cmocka_unit_test(to_f16_rounds_to_nearest_even),
        cmocka_unit_test(row_q8_multiplies_scale_and_number),
        cmocka_unit_test(quantize_keeps_within_half_a_step),
        cmocka_unit_test(quantize_of_odd_blocks_gives_zeros),
        cmocka_unit_test(quantize_rounds_halves_to_even),
        cmocka_unit_test(matvec_q8_is_close_to_the_exact_sum),
        cmocka_unit_test(matvec_of_floats_is_close_to_the_exact_sum),
        cmocka_unit_test(matmul_is_matvec_for_each_token),
        cmocka_unit_test(rmsnorm_is_close_to_its_formula),
        cmocka_unit_test(rope_rotates_pairs_half_a_head_apart),
        cmocka_unit_test(swiglu_is_close_to_its_formula),
        cmocka_unit_test(attention_over_merged_blocks_is_close_to_softmax),
        cmocka_unit_test(attend_shows_each_token_its_own_keys),
        cmocka_unit_test(attend_takes_f32_keys_and_values_as_they_are),
        cmocka_unit_test(attend_over_widened_keys_and_values_is_the_same),
        cmocka_unit_test(every_level_fills_the_whole_table),
        cmocka_unit_test(a_table_holds_only_what_the_processor_can_run),
    };
    return cmocka_run_group_tests_name("kernels_reference", tests, NULL, NULL);
}
