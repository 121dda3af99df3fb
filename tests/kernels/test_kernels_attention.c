/* Attention over a block of keys, and the folding of blocks, against the reference. */
#include "kernels/kernel_test.h"

typedef struct shape {
    size_t tokens;
    size_t group;
    size_t head_dim;
    size_t visible;
} shape;

static const char *describe_shape(const char *kernel, fill_kind kind, const shape *s, uint64_t seed)
{
    return describe("%s %s tokens %zu group %zu head_dim %zu visible %zu seed %llu", kernel,
                    fill_name(kind), s->tokens, s->group, s->head_dim, s->visible,
                    (unsigned long long)seed);
}

/* Keys that no query sees become infinities and NaNs: to look at them would show. */
static void spoil_unseen(const shape *s, bool kv_f32, void *k, void *v)
{
    size_t seen = s->visible + s->tokens - 1;
    for (size_t j = seen; j < MET_KEY_BLOCK; j++) {
        for (size_t d = 0; d < s->head_dim; d++) {
            size_t k_at = (j / MET_KEY_TILE * s->head_dim + d) * MET_KEY_TILE + j % MET_KEY_TILE;
            size_t v_at = j * s->head_dim + d;
            if (kv_f32) {
                ((float *)k)[k_at] = NAN;
                ((float *)v)[v_at] = j % 2 == 0 ? NAN : INFINITY;
            } else {
                ((uint16_t *)k)[k_at] = 0x7e00;
                ((uint16_t *)v)[v_at] = j % 2 == 0 ? 0x7e00 : 0x7c00;
            }
        }
    }
}

static void *guarded_kv(uint64_t *seed, fill_kind kind, size_t count, bool kv_f32)
{
    void *kv = test_guarded(count * (kv_f32 ? sizeof(float) : sizeof(uint16_t)));
    if (kv_f32) fill_weights_f32(seed, kind, kv, count);
    else fill_weights_f16(seed, kind, kv, count);
    return kv;
}

static void check_attend_of_type(const kernel_case *c, fill_kind kind, shape s, uint64_t start,
                                 bool kv_f32)
{
    uint64_t seed = start;
    size_t q_stride = s.group * s.head_dim + 5;
    size_t q_bytes = ((s.tokens - 1) * q_stride + s.group * s.head_dim) * sizeof(float);
    size_t kv_count = MET_KEY_BLOCK * s.head_dim;
    size_t kv_bytes = kv_count * (kv_f32 ? sizeof(float) : sizeof(uint16_t));
    size_t queries = s.tokens * s.group;
    float *q = test_guarded(q_bytes);
    fill_floats(&seed, kind, q, q_bytes / sizeof(float));
    void *k = guarded_kv(&seed, kind, kv_count, kv_f32);
    void *v = guarded_kv(&seed, kind, kv_count, kv_f32);
    spoil_unseen(&s, kv_f32, k, v);
    met_attend task[2];
    for (int i = 0; i < 2; i++) {
        task[i] = (met_attend){
            .q = q,
            .q_stride = q_stride,
            .k = k,
            .v = v,
            .kv_f32 = kv_f32,
            .tokens = (int32_t)s.tokens,
            .group = (int32_t)s.group,
            .head_dim = (int32_t)s.head_dim,
            .visible = (int32_t)s.visible,
            .scale = 1.0f / sqrtf((float)s.head_dim),
            .max = output_open(queries * sizeof(float)),
            .sum = output_open(queries * sizeof(float)),
            .out = output_open(queries * s.head_dim * sizeof(float)),
        };
        (i == 0 ? c->reference : c->kernels)->attend(&task[i]);
    }
    const char *what = describe_shape(kv_f32 ? "attend f32" : "attend f16", kind, &s, start);
    expect_same_floats(task[0].max, task[1].max, queries, what);
    expect_same_floats(task[0].sum, task[1].sum, queries, what);
    expect_same_floats(task[0].out, task[1].out, queries * s.head_dim, what);
    for (int i = 0; i < 2; i++) {
        output_close(task[i].max, queries * sizeof(float));
        output_close(task[i].sum, queries * sizeof(float));
        output_close(task[i].out, queries * s.head_dim * sizeof(float));
    }
    test_guarded_free(q, q_bytes);
    test_guarded_free(k, kv_bytes);
    test_guarded_free(v, kv_bytes);
}

/* With keys and values of either type. */
static void check_attend(const kernel_case *c, fill_kind kind, shape s, uint64_t start)
{
    check_attend_of_type(c, kind, s, start, false);
    check_attend_of_type(c, kind, s, start, true);
}

static void attend_equals_reference_for_any_number_of_keys(const kernel_case *c)
{
    for (size_t visible = 1; visible <= MET_KEY_BLOCK; visible++) {
        fill_kind kind = (fill_kind)(visible % FILL_KINDS);
        check_attend(c, FILL_RANDOM, (shape){1, 7, 64, visible}, visible);
        check_attend(c, kind, (shape){3, 2, 20, visible}, 100 + visible);
    }
}

static void attend_equals_reference_for_any_group_and_tokens(const kernel_case *c)
{
    for (size_t tokens = 1; tokens <= 13; tokens++) {
        for (size_t group = 1; group <= 9; group++) {
            fill_kind kind = (fill_kind)((tokens + group) % FILL_KINDS);
            check_attend(c, kind, (shape){tokens, group, 16, 1 + 7 * group}, 10 * tokens + group);
        }
    }
    check_attend(c, FILL_RANDOM, (shape){70, 3, 32, 1}, 77); /* a whole diagonal */
}

static void attend_equals_reference_for_any_head(const kernel_case *c)
{
    for (size_t head_dim = 2; head_dim <= 80; head_dim += 2) {
        for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
            check_attend(c, kind, (shape){2, 3, head_dim, 40}, 10 * head_dim + kind);
        }
    }
    check_attend(c, FILL_RANDOM, (shape){5, 6, 128, 33}, 3);
    check_attend(c, FILL_WIDE, (shape){1, 8, 256, 64}, 4);
}

/* The largest score is a zero of either sign, wherever it comes first. */
static void attend_never_reports_a_negative_zero(const kernel_case *c)
{
    enum { HEAD_DIM = 2 };
    static uint16_t k[MET_KEY_BLOCK * HEAD_DIM];
    static uint16_t v[MET_KEY_BLOCK * HEAD_DIM];
    for (size_t plus = 0; plus <= MET_KEY_BLOCK; plus++) {
        float q[HEAD_DIM] = {0x1p-130f, -0.0f};
        float max;
        float sum;
        float out[HEAD_DIM];
        for (size_t j = 0; j < MET_KEY_BLOCK; j++) { /* q * k underflows to -0 but for one key */
            k[(j / MET_KEY_TILE * HEAD_DIM) * MET_KEY_TILE + j % MET_KEY_TILE] =
                j == plus ? 0x0001 : 0x8001;
        }
        met_attend task = {.q = q,
                           .k = k,
                           .v = v,
                           .tokens = 1,
                           .group = 1,
                           .head_dim = HEAD_DIM,
                           .visible = MET_KEY_BLOCK,
                           .scale = 1.0f,
                           .max = &max,
                           .sum = &sum,
                           .out = out};
        c->kernels->attend(&task);
        expect_same_floats(&(float){0.0f}, &max, 1, describe("key %zu is +0", plus));
        expect_same_floats(&(float){MET_KEY_BLOCK}, &sum, 1, describe("key %zu is +0", plus));
    }
}

/* What a block gave: guarded copies, because merging is in place. */
typedef struct block_result {
    float *max;
    float *sum;
    float *out;
} block_result;

static block_result block_copy(const block_result *from, size_t queries, size_t head_dim)
{
    return (block_result){
        .max = guarded_copy(from->max, queries * sizeof(float)),
        .sum = guarded_copy(from->sum, queries * sizeof(float)),
        .out = guarded_copy(from->out, queries * head_dim * sizeof(float)),
    };
}

static void block_free(block_result *b, size_t queries, size_t head_dim)
{
    test_guarded_free(b->max, queries * sizeof(float));
    test_guarded_free(b->sum, queries * sizeof(float));
    test_guarded_free(b->out, queries * head_dim * sizeof(float));
}

static block_result block_fill(uint64_t *seed, fill_kind kind, size_t queries, size_t head_dim)
{
    block_result none = {0};
    block_result b = block_copy(&none, queries, head_dim);
    fill_floats(seed, kind, b.max, queries);
    fill_floats(seed, kind, b.sum, queries);
    fill_floats(seed, kind, b.out, queries * head_dim);
    for (size_t i = 0; i < queries; i++)
        b.max[i] *= 30.0f;
    return b;
}

static void check_merge(const kernel_case *c, fill_kind kind, size_t queries, size_t head_dim,
                        uint64_t start)
{
    uint64_t seed = start;
    block_result block = block_fill(&seed, kind, queries, head_dim);
    block_result r0 = block_fill(&seed, kind, queries, head_dim);
    if (start % 3 == 0) { /* as before the first block */
        for (size_t i = 0; i < queries; i++) {
            r0.max[i] = -INFINITY;
            r0.sum[i] = 0.0f;
        }
    }
    block_result r1 = block_copy(&r0, queries, head_dim);
    c->reference->attend_merge(r0.max, r0.sum, r0.out, block.max, block.sum, block.out, queries,
                               head_dim);
    c->kernels->attend_merge(r1.max, r1.sum, r1.out, block.max, block.sum, block.out, queries,
                             head_dim);
    const char *what = describe("attend_merge %s queries %zu head_dim %zu seed %llu",
                                fill_name(kind), queries, head_dim, (unsigned long long)start);
    expect_same_floats(r0.max, r1.max, queries, what);
    expect_same_floats(r0.sum, r1.sum, queries, what);
    expect_same_floats(r0.out, r1.out, queries * head_dim, what);
    block_free(&block, queries, head_dim);
    block_free(&r0, queries, head_dim);
    block_free(&r1, queries, head_dim);
}

static void merge_equals_reference(const kernel_case *c)
{
    for (size_t queries = 0; queries <= 20; queries++) {
        for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
            check_merge(c, kind, queries, 2 + 2 * queries, 10 * queries + kind + 1);
            check_merge(c, kind, queries, 64, 500 + 10 * queries + kind);
        }
    }
}

static void check_finish(const kernel_case *c, fill_kind kind, shape s, uint64_t start)
{
    uint64_t seed = start;
    size_t queries = s.tokens * s.group;
    size_t stride = s.group * s.head_dim + 3;
    size_t y_bytes =
        (queries == 0 ? 0 : (s.tokens - 1) * stride + s.group * s.head_dim) * sizeof(float);
    float *sum = test_guarded(queries * sizeof(float));
    float *out = test_guarded(queries * s.head_dim * sizeof(float));
    float *y0 = output_open(y_bytes);
    float *y1 = output_open(y_bytes);
    fill_floats(&seed, kind, sum, queries);
    fill_floats(&seed, kind, out, queries * s.head_dim);
    c->reference->attend_finish(sum, out, s.tokens, s.group, s.head_dim, y0, stride);
    c->kernels->attend_finish(sum, out, s.tokens, s.group, s.head_dim, y1, stride);
    expect_same_floats(y0, y1, y_bytes / sizeof(float),
                       describe_shape("attend_finish", kind, &s, start));
    output_close(y0, y_bytes);
    output_close(y1, y_bytes);
    test_guarded_free(sum, queries * sizeof(float));
    test_guarded_free(out, queries * s.head_dim * sizeof(float));
}

static void finish_equals_reference(const kernel_case *c)
{
    for (size_t tokens = 0; tokens <= 5; tokens++) {
        for (size_t head_dim = 2; head_dim <= 68; head_dim += 6) {
            for (fill_kind kind = 0; kind < FILL_KINDS; kind++) {
                check_finish(c, kind, (shape){tokens, 3, head_dim, 1}, tokens + head_dim + kind);
            }
        }
    }
}

int main(void)
{
    static const kernel_test tests[] = {
        {"attend over 1 to 64 keys equals the reference and looks at no other",
         attend_equals_reference_for_any_number_of_keys},
        {"attend of any group and tokens equals the reference",
         attend_equals_reference_for_any_group_and_tokens},
        {"attend with any head size equals the reference", attend_equals_reference_for_any_head},
        {"attend never reports a negative zero as the maximum",
         attend_never_reports_a_negative_zero},
        {"attend_merge equals the reference", merge_equals_reference},
        {"attend_finish equals the reference", finish_equals_reference},
    };
    return run_kernel_tests("kernels_attention", tests, sizeof tests / sizeof tests[0]);
}
