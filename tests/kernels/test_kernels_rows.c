/* Kernels that walk rows of numbers (conversions, norm, rotation, activation) against the
 * reference. */
#include "kernels/kernel_test.h"

#include "base/half.h"

enum { LENGTHS = 70 }; /* every length up to here: all tails of 8 and 16 lanes */

static const size_t long_lengths[] = {128, 896, 1536, 4864, 11008};

/* Calls `check` for every length and kind. */
static void for_all_lengths(const kernel_case *c,
                            void (*check)(const kernel_case *c, fill_kind kind, size_t n,
                                          uint64_t seed))
{
    for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
        for (size_t n = 0; n <= LENGTHS; n++)
            check(c, kind, n, 100 * n + (size_t)kind + 1);
        for (size_t i = 0; i < sizeof long_lengths / sizeof long_lengths[0]; i++) {
            check(c, kind, long_lengths[i], 9000 + 10 * i + (size_t)kind);
        }
    }
}

static const char *describe_row(const char *kernel, fill_kind kind, size_t n, uint64_t seed)
{
    return describe("%s %s n %zu seed %llu", kernel, fill_name(kind), n, (unsigned long long)seed);
}

static float *floats_open(uint64_t *seed, fill_kind kind, size_t n)
{
    float *x = test_guarded(n * sizeof(float));
    fill_floats(seed, kind, x, n);
    return x;
}

static void check_to_f16(const kernel_case *c, fill_kind kind, size_t n, uint64_t start)
{
    uint64_t seed = start;
    float *x = floats_open(&seed, kind, n);
    uint16_t *y0 = output_open(n * sizeof(uint16_t));
    uint16_t *y1 = output_open(n * sizeof(uint16_t));
    float *f0 = calloc(n + 1, sizeof(float));
    float *f1 = calloc(n + 1, sizeof(float));
    c->reference->to_f16(x, n, y0);
    c->kernels->to_f16(x, n, y1);
    for (size_t i = 0; i < n; i++) { /* so that NaNs are compared as NaNs */
        f0[i] = met_half_to_float(y0[i]);
        f1[i] = met_half_to_float(y1[i]);
    }
    expect_same_floats(f0, f1, n, describe_row("to_f16", kind, n, start));
    free(f0);
    free(f1);
    output_close(y0, n * sizeof(uint16_t));
    output_close(y1, n * sizeof(uint16_t));
    test_guarded_free(x, n * sizeof(float));
}

static void to_f16_equals_reference(const kernel_case *c)
{
    for_all_lengths(c, check_to_f16);
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Each finite f16, the midpoint to the next one up, and the floats on both sides of both. */
static void to_f16_rounds_around_every_half_as_the_reference(const kernel_case *c)
{
    float x[6];
    uint16_t y[2][6];
    for (uint32_t h = 0; h < 0x10000u; h++) {
        if ((h & 0x7c00u) == 0x7c00u) continue;
        uint32_t exact;
        uint32_t middle;
        float a = met_half_to_float((uint16_t)h);
        float b = (h & 0x7fffu) == 0x7bffu ? copysignf(65536.0f, a)
                                           : met_half_to_float((uint16_t)(h + 1));
        float m = 0.5f * (a + b);
        memcpy(&exact, &a, sizeof exact);
        memcpy(&middle, &m, sizeof middle);
        x[0] = a;
        x[1] = float_of(exact + 1);
        x[2] = float_of(middle - 1);
        x[3] = m;
        x[4] = float_of(middle + 1);
        x[5] = (exact & 0x7fffffffu) == 0 ? a : float_of(exact - 1);
        c->reference->to_f16(x, 6, y[0]);
        c->kernels->to_f16(x, 6, y[1]);
        expect_same_bytes(y[0], y[1], sizeof y[0], describe("to_f16 around 0x%04x", h));
    }
}

static void row_f16_widens_every_half_as_the_reference(const kernel_case *c)
{
    enum { HALVES = 0x10000 };
    uint16_t *h = malloc(HALVES * sizeof *h);
    float *y0 = malloc(HALVES * sizeof *y0);
    float *y1 = malloc(HALVES * sizeof *y1);
    for (size_t i = 0; i < HALVES; i++)
        h[i] = (uint16_t)i;
    c->reference->row_f16(h, HALVES, y0);
    c->kernels->row_f16(h, HALVES, y1);
    expect_same_floats(y0, y1, HALVES, "row_f16 of every half");
    free(h);
    free(y0);
    free(y1);
}

static void check_row_f16(const kernel_case *c, fill_kind kind, size_t n, uint64_t start)
{
    uint64_t seed = start;
    uint16_t *h = test_guarded(n * sizeof *h);
    float *y0 = output_open(n * sizeof(float));
    float *y1 = output_open(n * sizeof(float));
    fill_weights_f16(&seed, kind, h, n);
    c->reference->row_f16(h, n, y0);
    c->kernels->row_f16(h, n, y1);
    expect_same_floats(y0, y1, n, describe_row("row_f16", kind, n, start));
    output_close(y0, n * sizeof(float));
    output_close(y1, n * sizeof(float));
    test_guarded_free(h, n * sizeof *h);
}

static void row_f16_equals_reference(const kernel_case *c)
{
    for_all_lengths(c, check_row_f16);
}

static void check_rmsnorm(const kernel_case *c, fill_kind kind, size_t n, uint64_t start)
{
    uint64_t seed = start;
    float *x = floats_open(&seed, kind, n);
    float *w = floats_open(&seed, kind == FILL_TINY ? FILL_RANDOM : kind, n);
    float *y0 = output_open(n * sizeof(float));
    float *y1 = output_open(n * sizeof(float));
    float eps = start % 2 == 0 ? 1e-6f : 1e-5f;
    const char *what = describe_row("rmsnorm", kind, n, start);
    c->reference->rmsnorm(x, w, n, eps, y0);
    c->kernels->rmsnorm(x, w, n, eps, y1);
    expect_same_floats(y0, y1, n, what);
    c->kernels->rmsnorm(x, w, n, eps, x); /* in place */
    expect_same_floats(y0, x, n, what);
    output_close(y0, n * sizeof(float));
    output_close(y1, n * sizeof(float));
    test_guarded_free(w, n * sizeof(float));
    test_guarded_free(x, n * sizeof(float));
}

static void rmsnorm_equals_reference(const kernel_case *c)
{
    for_all_lengths(c, check_rmsnorm);
}

static void check_rope(const kernel_case *c, fill_kind kind, size_t half, uint64_t start)
{
    uint64_t seed = start;
    size_t heads = start % 4;
    size_t head_dim = 2 * half;
    size_t n = heads * head_dim;
    float *x0 = floats_open(&seed, kind, n);
    float *x1 = guarded_copy(x0, n * sizeof(float));
    float *cosine = floats_open(&seed, kind, half);
    float *sine = floats_open(&seed, kind, half);
    c->reference->rope(x0, cosine, sine, heads, head_dim);
    c->kernels->rope(x1, cosine, sine, heads, head_dim);
    expect_same_floats(x0, x1, n, describe_row("rope", kind, half, start));
    test_guarded_free(sine, half * sizeof(float));
    test_guarded_free(cosine, half * sizeof(float));
    test_guarded_free(x1, n * sizeof(float));
    test_guarded_free(x0, n * sizeof(float));
}

static void rope_equals_reference(const kernel_case *c)
{
    for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
        for (size_t half = 1; half <= LENGTHS; half++) {
            for (uint64_t heads = 0; heads < 4; heads++)
                check_rope(c, kind, half, 4 * half + heads);
        }
    }
}

/* swiglu and add take two inputs, and the output may be either of them. */
static void check_pair(const kernel_case *c, bool swiglu, fill_kind kind, size_t n, uint64_t start)
{
    uint64_t seed = start;
    float *a = floats_open(&seed, kind, n);
    float *b = floats_open(&seed, kind, n);
    if (swiglu && start % 2 == 0) {
        for (size_t i = 0; i < n; i++)
            a[i] *= 60.0f; /* where the exponential ends */
    }
    float *a1 = guarded_copy(a, n * sizeof(float));
    float *b1 = guarded_copy(b, n * sizeof(float));
    float *y0 = output_open(n * sizeof(float));
    float *y1 = output_open(n * sizeof(float));
    const char *what = describe_row(swiglu ? "swiglu" : "add", kind, n, start);
    (swiglu ? c->reference->swiglu : c->reference->add)(a, b, n, y0);
    (swiglu ? c->kernels->swiglu : c->kernels->add)(a, b, n, y1);
    expect_same_floats(y0, y1, n, what);
    (swiglu ? c->kernels->swiglu : c->kernels->add)(a1, b, n, a1);
    expect_same_floats(y0, a1, n, what);
    (swiglu ? c->kernels->swiglu : c->kernels->add)(a, b1, n, b1);
    expect_same_floats(y0, b1, n, what);
    output_close(y0, n * sizeof(float));
    output_close(y1, n * sizeof(float));
    test_guarded_free(b1, n * sizeof(float));
    test_guarded_free(a1, n * sizeof(float));
    test_guarded_free(b, n * sizeof(float));
    test_guarded_free(a, n * sizeof(float));
}

static void check_swiglu(const kernel_case *c, fill_kind kind, size_t n, uint64_t seed)
{
    check_pair(c, true, kind, n, seed);
}

static void swiglu_equals_reference(const kernel_case *c)
{
    for_all_lengths(c, check_swiglu);
}

static void check_add(const kernel_case *c, fill_kind kind, size_t n, uint64_t seed)
{
    check_pair(c, false, kind, n, seed);
}

static void add_equals_reference(const kernel_case *c)
{
    for_all_lengths(c, check_add);
}

static void check_exp(const kernel_case *c, fill_kind kind, size_t n, uint64_t start)
{
    uint64_t seed = start;
    float *x = floats_open(&seed, kind, n);
    float *y0 = output_open(n * sizeof(float));
    float *y1 = output_open(n * sizeof(float));
    c->reference->exp(x, n, y0);
    c->kernels->exp(x, n, y1);
    expect_same_floats(y0, y1, n, describe_row("exp", kind, n, start));
    output_close(y0, n * sizeof(float));
    output_close(y1, n * sizeof(float));
    test_guarded_free(x, n * sizeof(float));
}

static void exp_equals_reference(const kernel_case *c)
{
    for_all_lengths(c, check_exp);
}

/* A sample of all 2^32 floats that visits every exponent, and all floats near where it ends. */
static void exp_equals_reference_everywhere(const kernel_case *c)
{
    enum { BATCH = 4096, STEP = 4099 };
    static float x[BATCH];
    static float y0[BATCH];
    static float y1[BATCH];
    for (uint64_t first = 0; first < UINT32_MAX; first += (uint64_t)BATCH * STEP) {
        for (uint64_t i = 0; i < BATCH; i++)
            x[i] = float_of((uint32_t)(first + i * STEP));
        c->reference->exp(x, BATCH, y0);
        c->kernels->exp(x, BATCH, y1);
        expect_same_floats(y0, y1, BATCH,
                           describe("exp of floats from 0x%llx", //
                                    (unsigned long long)first));
    }
    static const float ends[] = {89.0f, 88.7228f, -87.3366f, -103.972f, -104.0f, 0.0f, -0.0f};
    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++) {
        uint32_t bits;
        memcpy(&bits, &ends[e], sizeof bits);
        for (uint32_t i = 0; i < BATCH; i++)
            x[i] = float_of(bits - BATCH / 2 + i);
        c->reference->exp(x, BATCH, y0);
        c->kernels->exp(x, BATCH, y1);
        expect_same_floats(y0, y1, BATCH, describe("exp near %g", (double)ends[e]));
    }
}

int main(void)
{
    static const kernel_test tests[] = {
        {"to_f16 equals the reference", to_f16_equals_reference},
        {"to_f16 rounds around every half as the reference",
         to_f16_rounds_around_every_half_as_the_reference},
        {"row_f16 widens every half as the reference", row_f16_widens_every_half_as_the_reference},
        {"row_f16 equals the reference", row_f16_equals_reference},
        {"rmsnorm equals the reference", rmsnorm_equals_reference},
        {"rope equals the reference", rope_equals_reference},
        {"swiglu equals the reference", swiglu_equals_reference},
        {"add equals the reference", add_equals_reference},
        {"exp equals the reference", exp_equals_reference},
        {"exp equals the reference over all exponents", exp_equals_reference_everywhere},
    };
    return run_kernel_tests("kernels_rows", tests, sizeof tests / sizeof tests[0]);
}
