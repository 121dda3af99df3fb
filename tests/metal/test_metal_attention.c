/* Attention on Metal against exact arithmetic, over caches that hold NaNs wherever a token may not
 * look.
 *
 * The bound. A score is a sum of head_dim products, each rounded up to head_dim + 1 times with the
 * scale; let A be the sum of their magnitudes. Its weight e^(s - m) is then off by a factor e^d with
 * d <= (head_dim + 2) u A + |s - m| u + 2 u (subtraction, exponential), u = 2^-24. Output and total
 * are sums of n weights: off by n + 2 roundings, and 4 for each tile or block that they pass
 * through (factor, product, sum). Their quotient is off by both, relative to sum p |v| / sum p. */
#include "metal/kernel_run.h"

#include "base/dtype.h"
#include "base/half.h"
#include "kernels/kernel_test.h"

#include <math.h>

typedef struct attention_case {
    int32_t heads, kv_heads, head_dim, position, tokens;
    met_dtype kv_type;
    fill_kind fill;
    met_metal_attention arguments;
    float *q, *out; /* [tokens][heads][head_dim] */
    uint8_t *kv;
    size_t kv_bytes;
    float *keys, *values; /* [positions][kv_heads][head_dim], as the cache has them */
} attention_case;

static size_t positions_of(const attention_case *c)
{
    return (size_t)(c->position + c->tokens);
}

/* Place of element d, in elements: arguments.h. */
static size_t cache_index(const attention_case *c, bool is_key, size_t position, size_t head,
                          size_t d)
{
    size_t padded = (size_t)met_metal_padded_dim(c->head_dim), at = position % MET_METAL_KV_BLOCK;
    size_t index = position / MET_METAL_KV_BLOCK * (size_t)c->arguments.block_elements +
                   head * (size_t)met_metal_head_elements(c->head_dim);
    if (!is_key) return index + MET_METAL_KV_BLOCK * padded + at * padded + d;
    return index + at / 32 * padded * 32 + d / 4 * 128 + at % 32 * 4 + d % 4;
}

/* Writes an element and returns what it has become. */
static float cache_put(attention_case *c, size_t index, float x)
{
    if (c->kv_type == MET_DTYPE_F32) {
        ((float *)(void *)c->kv)[index] = x;
        return x;
    }
    uint16_t half = met_float_to_half(x);
    ((uint16_t *)(void *)c->kv)[index] = half;
    return met_half_to_float(half);
}

static attention_case *attention_open(const attention_case *shape, uint64_t seed)
{
    attention_case *c = calloc(1, sizeof *c);
    size_t dim = (size_t)shape->head_dim, kv_heads = (size_t)shape->kv_heads;
    *c = *shape;
    size_t n = (size_t)c->tokens * (size_t)c->heads * dim;
    c->arguments = (met_metal_attention){
        .tokens = c->tokens,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_dim = c->head_dim,
        .position = c->position,
        .chunk = met_metal_attention_chunk(c->head_dim, c->heads / c->kv_heads),
        .splits = met_metal_splits(c->position + c->tokens - 1),
        .scale = 1.0f / sqrtf((float)c->head_dim),
        .block_elements = kv_heads * met_metal_head_elements(c->head_dim),
    };
    c->q = calloc(n, sizeof *c->q);
    c->out = malloc(n * sizeof *c->out);
    c->kv_bytes = (size_t)c->arguments.splits * (size_t)c->arguments.block_elements *
                  (c->kv_type == MET_DTYPE_F32 ? 4 : 2);
    c->kv = malloc(c->kv_bytes);
    c->keys = calloc(positions_of(c) * kv_heads * dim, sizeof *c->keys);
    c->values = calloc(positions_of(c) * kv_heads * dim, sizeof *c->values);
    memset(c->out, 0xff, n * sizeof *c->out);
    memset(c->kv, 0xff, c->kv_bytes); /* NaNs in both types */
    fill_floats(&seed, c->fill, c->q, n);
    for (size_t p = 0; p < positions_of(c); p++) {
        for (size_t h = 0; h < kv_heads; h++) {
            for (size_t d = 0; d < (size_t)met_metal_padded_dim(c->head_dim); d++) {
                size_t at = (p * kv_heads + h) * dim + d;
                if (d >= dim) { /* padding of keys */
                    (void)cache_put(c, cache_index(c, true, p, h, d), 0.0f);
                    continue;
                }
                float x[2];
                fill_floats(&seed, c->fill == FILL_SPECIAL ? FILL_RANDOM : c->fill, x, 2);
                c->keys[at] = cache_put(c, cache_index(c, true, p, h, d), x[0]);
                c->values[at] = cache_put(c, cache_index(c, false, p, h, d), x[1]);
            }
        }
    }
    return c;
}

static void attention_close(attention_case *c)
{
    free(c->q);
    free(c->out);
    free(c->kv);
    free(c->keys);
    free(c->values);
    free(c);
}

static const char *attention_name(const attention_case *c)
{
    return describe("heads %d of %d, head_dim %d, position %d, tokens %d, %s", c->heads,
                    c->kv_heads, c->head_dim, c->position, c->tokens, met_dtype_name(c->kv_type));
}

/* ---------------------------------------------------------------- the kernels */

static kernel_run make_run(attention_case *c, const char *function)
{
    size_t n = (size_t)c->tokens * (size_t)c->heads * (size_t)c->head_dim * sizeof(float);
    kernel_run run = {
        .function = function,
        .arguments = &c->arguments,
        .argument_bytes = sizeof c->arguments,
        .buffers = {{0}, {c->q, n, false}, {c->kv, c->kv_bytes, false}, {c->out, n, true}},
    };
    run.constants[MET_METAL_FC_KV_F32] = c->kv_type == MET_DTYPE_F32;
    run.constants[MET_METAL_FC_HEAD_DIM] = c->head_dim;
    return run;
}

static void run_splits(attention_case *c)
{
    const met_metal_attention *a = &c->arguments;
    int32_t group = c->heads / c->kv_heads, splits = a->splits;
    size_t floats =
        (size_t)met_metal_partial_floats(c->tokens, c->heads, c->head_dim, splits);
    float *partials = malloc(floats * sizeof *partials);
    memset(partials, 0xff, floats * sizeof *partials);
    kernel_run run = make_run(c, "met_attention");
    run.buffers[4] = (kernel_buffer){partials, floats * sizeof *partials, true};
    run.groups[0] = (uint32_t)splits;
    run.groups[1] = (uint32_t)(c->kv_heads * ((group + a->chunk - 1) / a->chunk));
    run.groups[2] = (uint32_t)c->tokens;
    run.threads = MET_METAL_ATTENTION_THREADS;
    run.group_bytes = met_metal_attention_bytes(c->head_dim, a->chunk);
    kernel_run_now(&run);
    if (splits > 1) {
        run.function = "met_attention_merge";
        run.groups[0] = (uint32_t)c->heads;
        run.groups[1] = (uint32_t)c->tokens;
        run.groups[2] = 1;
        run.threads = MET_METAL_MERGE_THREADS;
        run.group_bytes = 0;
        kernel_run_now(&run);
    }
    free(partials);
}

static void run_tiles(attention_case *c)
{
    kernel_run run = make_run(c, "met_attention_tiles");
    run.groups[0] = (uint32_t)(c->tokens + MET_METAL_TILE_TOKENS - 1) / MET_METAL_TILE_TOKENS;
    run.groups[1] = (uint32_t)c->heads;
    run.groups[2] = 1;
    run.threads = MET_METAL_TILE_THREADS;
    run.group_bytes = met_metal_tiles_bytes(c->head_dim);
    kernel_run_now(&run);
}

/* ---------------------------------------------------------------- exact arithmetic */

/* One query: scores, then every element of its output with its bound. */
static void expect_query(const attention_case *c, size_t token, size_t head)
{
    const double u = 0x1p-24;
    size_t dim = (size_t)c->head_dim, n = (size_t)c->position + token + 1;
    size_t kv_heads = (size_t)c->kv_heads, kv_head = head / (size_t)(c->heads / c->kv_heads);
    const float *q = c->q + (token * (size_t)c->heads + head) * dim;
    const float *out = c->out + (token * (size_t)c->heads + head) * dim;
    double *score = calloc(n, sizeof *score), *size = calloc(n, sizeof *size);
    double most = -INFINITY, off = 0, total = 0;
    for (size_t j = 0; j < n; j++) {
        const float *key = c->keys + (j * kv_heads + kv_head) * dim;
        for (size_t d = 0; d < dim; d++) {
            double p = (double)q[d] * (double)key[d] * (double)c->arguments.scale;
            score[j] += p;
            size[j] += fabs(p);
        }
        most = score[j] > most ? score[j] : most;
    }
    for (size_t j = 0; j < n; j++) {
        double d = ((double)dim + 2) * u * size[j] + (most - score[j]) * u + 2 * u;
        off = d > off ? d : off;
        score[j] = exp(score[j] - most);
        total += score[j];
    }
    double tiles = ceil((double)n / 32.0);
    double bound = 2 * expm1(off) + 2 * ((double)n + 2 + 4 * tiles) * u;
    for (size_t d = 0; d < dim; d++) {
        double sum = 0, magnitude = 0;
        for (size_t j = 0; j < n; j++) {
            double p = score[j] * (double)c->values[(j * kv_heads + kv_head) * dim + d];
            sum += p;
            magnitude += fabs(p);
        }
        double error = fabs((double)out[d] - sum / total);
        if (!(error <= bound * magnitude / total)) {
            fail_msg("%s: token %zu head %zu element %zu is off by %g, bound %g", attention_name(c),
                     token, head, d, error, bound * magnitude / total);
        }
    }
    free(score);
    free(size);
}

static void expect_near_exact(const attention_case *c)
{
    for (size_t t = 0; t < (size_t)c->tokens; t++) {
        for (size_t h = 0; h < (size_t)c->heads; h++)
            expect_query(c, t, h);
    }
}

/* ---------------------------------------------------------------- tests */

static void a_few_tokens_are_within_the_bound(void **state)
{
    static const attention_case cases[] = {
        {.heads = 1, .kv_heads = 1, .head_dim = 64, .position = 0, .tokens = 1},
        {.heads = 2, .kv_heads = 2, .head_dim = 128, .position = 31, .tokens = 1},
        {.heads = 14, .kv_heads = 2, .head_dim = 64, .position = 126, .tokens = 3},
        {.heads = 8, .kv_heads = 1, .head_dim = 128, .position = 255, .tokens = 2},
        {.heads = 9, .kv_heads = 1, .head_dim = 32, .position = 128, .tokens = 1},
        {.heads = 2, .kv_heads = 1, .head_dim = 80, .position = 63, .tokens = 8},
        {.heads = 3, .kv_heads = 1, .head_dim = 6, .position = 127, .tokens = 2},
        {.heads = 3, .kv_heads = 1, .head_dim = 300, .position = 40, .tokens = 1},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        attention_case shape = cases[i / 2];
        shape.kv_type = i % 2 == 0 ? MET_DTYPE_F16 : MET_DTYPE_F32;
        attention_case *c = attention_open(&shape, 7 + i);
        run_splits(c);
        expect_near_exact(c);
        attention_close(c);
    }
}

static void many_tokens_are_within_the_bound(void **state)
{
    static const attention_case cases[] = {
        {.heads = 1, .kv_heads = 1, .head_dim = 64, .position = 0, .tokens = 9},
        {.heads = 7, .kv_heads = 1, .head_dim = 64, .position = 5, .tokens = 33},
        {.heads = 2, .kv_heads = 1, .head_dim = 128, .position = 100, .tokens = 64},
        {.heads = 4, .kv_heads = 2, .head_dim = 80, .position = 31, .tokens = 17},
        {.heads = 2, .kv_heads = 2, .head_dim = 32, .position = 127, .tokens = 40},
        {.heads = 1, .kv_heads = 1, .head_dim = 8, .position = 64, .tokens = 32},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        attention_case shape = cases[i];
        shape.kv_type = i % 2 == 0 ? MET_DTYPE_F16 : MET_DTYPE_F32;
        attention_case *c = attention_open(&shape, 37 + i);
        run_tiles(c);
        expect_near_exact(c);
        attention_close(c);
    }
}

static void a_token_has_the_same_bits_alone_and_among_eight(void **state)
{
    attention_case shape = {.heads = 6, .kv_heads = 2, .head_dim = 64, .position = 124, .tokens = 8};
    (void)state;
    attention_case *all = attention_open(&shape, 3);
    size_t row = (size_t)(shape.heads * shape.head_dim);
    run_splits(all);
    for (int32_t t = 0; t < 8; t++) {
        shape.tokens = 1;
        shape.position = all->position + t;
        attention_case *one = attention_open(&shape, 3);
        memcpy(one->q, all->q + (size_t)t * row, row * sizeof(float));
        assert_true(one->kv_bytes <= all->kv_bytes);
        memcpy(one->kv, all->kv, one->kv_bytes);
        run_splits(one);
        expect_same_floats(all->out + (size_t)t * row, one->out, row, attention_name(one));
        attention_close(one);
    }
    attention_close(all);
}

/* All scores equal: the weights are all 1, and the mean of small integers is exact but for one
 * division. */
static void equal_scores_give_the_mean(void **state)
{
    (void)state;
    for (int32_t tiles = 0; tiles < 2; tiles++) {
        attention_case shape = {.heads = 2, .kv_heads = 1, .head_dim = 64, .position = 199,
                                .tokens = 1, .fill = FILL_INTEGER};
        attention_case *c = attention_open(&shape, 9);
        memset(c->q, 0, 2 * 64 * sizeof(float));
        if (tiles)
            run_tiles(c);
        else
            run_splits(c);
        for (size_t d = 0; d < 64; d++) {
            float sum = 0;
            for (size_t p = 0; p < 200; p++)
                sum += c->values[p * 64 + d];
            float expected[2] = {sum / 200.0f, sum / 200.0f}, found[2] = {c->out[d], c->out[64 + d]};
            expect_same_floats(expected, found, 2, attention_name(c));
        }
        attention_close(c);
    }
}

/* A query that is no number makes its own output no number, and no other. */
static void nans_of_a_query_stay_in_its_row(void **state)
{
    (void)state;
    for (int32_t tiles = 0; tiles < 2; tiles++) {
        attention_case shape = {.heads = 3, .kv_heads = 1, .head_dim = 64, .position = 130,
                                .tokens = 6};
        attention_case *c = attention_open(&shape, 19);
        size_t bad = (2 * 3 + 1) * 64; /* token 2, head 1 */
        c->q[bad + 7] = NAN;
        if (tiles)
            run_tiles(c);
        else
            run_splits(c);
        for (size_t i = 0; i < 6 * 3 * 64; i++)
            assert_int_equal(isnan(c->out[i]), i >= bad && i < bad + 64);
        attention_close(c);
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
        cmocka_unit_test(a_few_tokens_are_within_the_bound),
        cmocka_unit_test(many_tokens_are_within_the_bound),
        cmocka_unit_test(a_token_has_the_same_bits_alone_and_among_eight),
        cmocka_unit_test(equal_scores_give_the_mean),
        cmocka_unit_test(nans_of_a_query_stay_in_its_row),
    };
    return cmocka_run_group_tests_name("metal attention", tests, NULL, close_device);
}
