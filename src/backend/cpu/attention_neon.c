/* Owns: attention of a few queries over one block of keys, NEON.
 *
 * Queries that share a key-value head go together, up to 4 at a time, so that each key and value is
 * loaded and widened once for all of them. Scores: a lane is a key (the cache keeps 16 keys side by
 * side for this). Outputs: a lane is an element of the head. Both orders of summation are those of
 * the contract without any shuffling. */
#include "backend/cpu/kernels_neon.h"

#include "backend/cpu/math_neon.h"

#include <math.h>

enum {
    QUERIES = 4, /* that go together */
    PARTS = 4    /* registers of keys or of elements in flight */
};

_Static_assert(MET_KEY_TILE == 4 * PARTS, "a tile of keys is in flight");

/* Of a key or value; `half` is a constant. */
MET_FORCE_INLINE size_t element_bytes(const bool half)
{
    return half ? sizeof(uint16_t) : sizeof(float);
}

/* Some queries on their way through the three stages. */
typedef struct query_batch {
    const float *q[QUERIES];
    size_t keys[QUERIES]; /* that each sees */
    size_t keys_max;
    float p[QUERIES][MET_KEY_BLOCK]; /* scores, then weights */
} query_batch;

/* Scores of `queries` against all the tiles that one of them sees. Constants: `queries` and `half`,
 * whether keys and values are f16. */
MET_FORCE_INLINE void score(const met_attend *task, query_batch *batch, const size_t queries,
                            const bool half)
{
    const size_t head_dim = (size_t)task->head_dim;
    for (size_t first = 0; first < batch->keys_max; first += MET_KEY_TILE) {
        const uint8_t *k = (const uint8_t *)task->k + first * head_dim * element_bytes(half);
        float32x4_t acc[QUERIES][PARTS];
        MET_UNROLL
        for (size_t i = 0; i < queries; i++)
            acc[i][0] = acc[i][1] = acc[i][2] = acc[i][3] = vdupq_n_f32(0.0f);
        for (size_t d = 0; d < head_dim; d++, k += MET_KEY_TILE * element_bytes(half)) {
            float32x4_t keys[PARTS];
            MET_UNROLL
            for (size_t j = 0; j < PARTS; j++)
                keys[j] = load4(k, 4 * j, half);
            MET_UNROLL
            for (size_t i = 0; i < queries; i++) {
                float32x4_t q = vdupq_n_f32(batch->q[i][d]);
                MET_UNROLL
                for (size_t j = 0; j < PARTS; j++)
                    acc[i][j] = vfmaq_f32(acc[i][j], q, keys[j]);
            }
        }
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            MET_UNROLL
            for (size_t j = 0; j < PARTS; j++)
                vst1q_f32(batch->p[i] + first + 4 * j, vmulq_n_f32(acc[i][j], task->scale));
        }
    }
}

/* Scores become weights, in place; keys that the query does not see are left out. */
static inline void soften(float *p, size_t keys, float *max_out, float *sum_out)
{
    const float32x4_t lowest = vdupq_n_f32(-INFINITY);
    float32x4_t highest = lowest;
    for (size_t j = 0; j < keys; j += 4) {
        float32x4_t s = vbslq_f32(mask4_first(keys - j), vld1q_f32(p + j), lowest);
        highest = vmaxnmq_f32(s, highest); /* a NaN is passed over */
    }
    float max = vmaxnmvq_f32(highest) + 0.0f;
    float32x4_t sums[4] = {vdupq_n_f32(0.0f), vdupq_n_f32(0.0f), vdupq_n_f32(0.0f),
                           vdupq_n_f32(0.0f)};
    for (size_t j = 0; j < keys; j += 4) {
        float32x4_t e = exp4(vsubq_f32(vld1q_f32(p + j), vdupq_n_f32(max)));
        float32x4_t *sum = &sums[j / 4 % 4];
        *sum = vbslq_f32(mask4_first(keys - j), vaddq_f32(*sum, e), *sum);
        vst1q_f32(p + j, e);
    }
    *max_out = max;
    *sum_out = tree16(sums);
}

/* Elements [d, d + 4 * parts) of the outputs of `queries`. With one part, some of its elements may
 * be beyond the head. Constants: `queries`, `parts` and `half`. */
MET_FORCE_INLINE void weigh(const met_attend *task, const query_batch *batch, size_t d, float *out,
                            const size_t queries, const size_t parts, const bool half)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t row_bytes = head_dim * element_bytes(half);
    const uint8_t *v = (const uint8_t *)task->v + d * element_bytes(half);
    float32x4_t acc[QUERIES][PARTS];
    MET_UNROLL
    for (size_t i = 0; i < queries; i++) {
        MET_UNROLL
        for (size_t r = 0; r < parts; r++)
            acc[i][r] = vdupq_n_f32(0.0f);
    }
    for (size_t j = 0; j < batch->keys_max; j++, v += row_bytes) {
        float32x4_t values[PARTS];
        MET_UNROLL
        for (size_t r = 0; r < parts; r++)
            values[r] =
                parts == 1 ? load4_of_first(head_dim - d, v, 0, half) : load4(v, 4 * r, half);
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            if (j >= batch->keys[i]) continue; /* some of the queries do not see this key */
            float32x4_t p = vdupq_n_f32(batch->p[i][j]);
            MET_UNROLL
            for (size_t r = 0; r < parts; r++)
                acc[i][r] = vfmaq_f32(acc[i][r], p, values[r]);
        }
    }
    MET_UNROLL
    for (size_t i = 0; i < queries; i++) {
        MET_UNROLL
        for (size_t r = 0; r < parts; r++)
            store4_first(head_dim - d - 4 * r, out + i * head_dim + d + 4 * r, acc[i][r]);
    }
}

/* Queries [first, first + queries) of all tokens x group. */
MET_FORCE_INLINE void attend_batch(const met_attend *task, size_t first, const size_t queries,
                                   const bool half)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t group = (size_t)task->group;
    float *out = task->out + first * head_dim;
    query_batch batch;
    batch.keys_max = 0;
    for (size_t i = 0; i < queries; i++) {
        size_t t = (first + i) / group;
        size_t keys = (size_t)task->visible + t;
        if (keys > MET_KEY_BLOCK) keys = MET_KEY_BLOCK;
        batch.q[i] = task->q + t * task->q_stride + (first + i) % group * head_dim;
        batch.keys[i] = keys;
        if (keys > batch.keys_max) batch.keys_max = keys;
    }
    score(task, &batch, queries, half);
    for (size_t i = 0; i < queries; i++) {
        soften(batch.p[i], batch.keys[i], task->max + first + i, task->sum + first + i);
    }
    size_t d = 0;
    for (; d + 4 * PARTS <= head_dim; d += 4 * PARTS)
        weigh(task, &batch, d, out, queries, PARTS, half);
    for (; d < head_dim; d += 4)
        weigh(task, &batch, d, out, queries, 1, half);
}

MET_FORCE_INLINE void attend_all(const met_attend *task, const bool half)
{
    const size_t all = (size_t)task->tokens * (size_t)task->group;
    for (size_t first = 0; first < all; first += QUERIES) {
        switch (all - first) {
        case 1: attend_batch(task, first, 1, half); break;
        case 2: attend_batch(task, first, 2, half); break;
        case 3: attend_batch(task, first, 3, half); break;
        default: attend_batch(task, first, QUERIES, half); break;
        }
    }
}

void met_neon_attend(const met_attend *task)
{
    if (task->kv_f32) {
        attend_all(task, false);
    } else {
        attend_all(task, true);
    }
}

/* out = fma(out, a, block_out * b). */
static inline void merge_out(float *out, const float *block_out, float a, float b, size_t n)
{
    const float32x4_t keep = vdupq_n_f32(a);
    for (size_t d = 0; d < n; d += 4) {
        float32x4_t added = vmulq_n_f32(load4_first(n - d, block_out + d), b);
        store4_first(n - d, out + d, vfmaq_f32(added, load4_first(n - d, out + d), keep));
    }
}

void met_neon_attend_merge(float *max, float *sum, float *out, const float *block_max,
                           const float *block_sum, const float *block_out, size_t queries,
                           size_t head_dim)
{
    for (size_t first = 0; first < queries; first += 4) {
        size_t n = queries - first;
        float32x4_t old_max = load4_first(n, max + first);
        float32x4_t new_max = load4_first(n, block_max + first);
        /* FMAX would make +0 of -0 and +0, and NaN of a NaN in either. */
        float32x4_t m = vbslq_f32(vcgtq_f32(new_max, old_max), new_max, old_max);
        float32x4_t a = exp4(vsubq_f32(old_max, m));
        float32x4_t b = exp4(vsubq_f32(new_max, m));
        float32x4_t added = vmulq_f32(load4_first(n, block_sum + first), b);
        store4_first(n, sum + first, vfmaq_f32(added, load4_first(n, sum + first), a));
        store4_first(n, max + first, m);

        float keep[4];
        float take[4];
        vst1q_f32(keep, a);
        vst1q_f32(take, b);
        for (size_t i = 0; i < 4 && first + i < queries; i++) {
            merge_out(out, block_out, keep[i], take[i], head_dim);
            out += head_dim;
            block_out += head_dim;
        }
    }
}

void met_neon_attend_finish(const float *sum, const float *out, size_t tokens, size_t group,
                            size_t head_dim, float *y, size_t y_stride)
{
    for (size_t i = 0; i < tokens * group; i++, out += head_dim) {
        float *head = y + i / group * y_stride + i % group * head_dim;
        float32x4_t s = vdupq_n_f32(sum[i]);
        for (size_t d = 0; d < head_dim; d += 4) {
            float32x4_t v = load4_first(head_dim - d, out + d);
            store4_first(head_dim - d, head + d, vdivq_f32(v, s));
        }
    }
}
