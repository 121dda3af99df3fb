/* Owns: attention of a few queries over one block of keys, AVX2.
 *
 * Queries that share a key-value head go together, up to 4 at a time, so that each key and value is
 * loaded and widened once for all of them. Scores: a lane is a key (the cache keeps 16 keys side by
 * side for this). Outputs: a lane is an element of the head. Both orders of summation are those of
 * the contract without any shuffling. */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/math_avx2.h"

#include <math.h>

enum {
    QUERIES = 4, /* that go together */
    PAIR = 2     /* registers of keys or of elements in flight */
};

/* Of a key or value; `half` is a constant. */
MET_FORCE_INLINE size_t element_bytes(const bool half)
{
    return half ? sizeof(uint16_t) : sizeof(float);
}

/* Some queries on their way through the three stages. */
typedef struct query_batch {
    const float *q[QUERIES];
    size_t keys[QUERIES]; /* that each sees */
    size_t keys_min;
    size_t keys_max;
    _Alignas(32) float p[QUERIES][MET_KEY_BLOCK]; /* scores, then weights */
} query_batch;

/* The first n (at most 8) of 8 elements of f16 (`half`, a constant) or f32, then zeros. */
MET_FORCE_INLINE __m256 load8_first(size_t n, const uint8_t *p, const bool half)
{
    return half ? load8_half_first(n, (const uint16_t *)p)
                : _mm256_maskload_ps((const float *)p, mask8_first(n));
}

/* Scores of `queries` against all the tiles that one of them sees. Constants: `queries` and `half`,
 * whether keys and values are f16. */
MET_FORCE_INLINE void score(const met_attend *task, query_batch *batch, const size_t queries,
                            const bool half)
{
    const size_t head_dim = (size_t)task->head_dim;
    const __m256 scale = _mm256_set1_ps(task->scale);
    for (size_t first = 0; first < batch->keys_max; first += MET_KEY_TILE) {
        const size_t before = first * head_dim * element_bytes(half);
        const uint8_t *k = (const uint8_t *)task->k + before;
        /* A quarter of the next block for each tile: see attention_avx512.c. */
        const uint8_t *next = task->next == NULL ? k : (const uint8_t *)task->next + 2 * before;
        __m256 acc[QUERIES][PAIR];
        MET_UNROLL
        for (size_t i = 0; i < queries; i++)
            acc[i][0] = acc[i][1] = _mm256_setzero_ps();
        for (size_t d = 0; d < head_dim; d++, k += MET_KEY_TILE * element_bytes(half)) {
            __m256 a = load8(k, 0, half);
            __m256 b = load8(k, 8, half);
            __builtin_prefetch(next);
            next += 64;
            MET_UNROLL
            for (size_t i = 0; i < queries; i++) {
                __m256 q = _mm256_set1_ps(batch->q[i][d]);
                acc[i][0] = _mm256_fmadd_ps(q, a, acc[i][0]);
                acc[i][1] = _mm256_fmadd_ps(q, b, acc[i][1]);
            }
        }
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            _mm256_store_ps(batch->p[i] + first, _mm256_mul_ps(acc[i][0], scale));
            _mm256_store_ps(batch->p[i] + first + 8, _mm256_mul_ps(acc[i][1], scale));
        }
    }
}

static inline float max_of8(__m256 v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

/* Scores become weights, in place; keys that the query does not see are left out. */
static inline void soften(float *p, size_t keys, float *max_out, float *sum_out)
{
    const __m256 lowest = _mm256_set1_ps(-INFINITY);
    __m256 highest = lowest;
    for (size_t j = 0; j < keys; j += 8) {
        __m256 mask = _mm256_castsi256_ps(mask8_first(keys - j));
        __m256 s = _mm256_blendv_ps(lowest, _mm256_load_ps(p + j), mask);
        highest = _mm256_max_ps(s, highest); /* a NaN is passed over */
    }
    float max = max_of8(highest) + 0.0f;
    __m256 sums[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t j = 0; j < keys; j += 8) {
        __m256 mask = _mm256_castsi256_ps(mask8_first(keys - j));
        __m256 e = exp8(_mm256_sub_ps(_mm256_load_ps(p + j), _mm256_set1_ps(max)));
        __m256 *sum = &sums[j / 8 % 2];
        *sum = _mm256_blendv_ps(*sum, _mm256_add_ps(*sum, e), mask);
        _mm256_store_ps(p + j, e);
    }
    *max_out = max;
    *sum_out = tree16(sums[0], sums[1]);
}

/* Elements [d, d + 8 * PAIR) of the outputs of `queries`; with `tail` some of them are beyond the
 * head. Constants: `queries`, `half` and `tail`. */
MET_FORCE_INLINE void weigh(const met_attend *task, const query_batch *batch, size_t d, float *out,
                            const size_t queries, const bool half, const bool tail)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t row_bytes = head_dim * element_bytes(half);
    const uint8_t *v = (const uint8_t *)task->v + d * element_bytes(half);
    const size_t left = head_dim - d;
    const size_t left0 = left < 8 ? left : 8;
    const size_t left1 = left - left0 < 8 ? left - left0 : 8;
    __m256 acc[QUERIES][PAIR];
    MET_UNROLL
    for (size_t i = 0; i < queries; i++)
        acc[i][0] = acc[i][1] = _mm256_setzero_ps();
    for (size_t j = 0; j < batch->keys_max; j++, v += row_bytes) {
        __m256 a = tail ? load8_first(left0, v, half) : load8(v, 0, half);
        __m256 b = tail ? load8_first(left1, v + left0 * element_bytes(half), half)
                        : load8(v, 8, half);
        if (j < batch->keys_min) {
            MET_UNROLL
            for (size_t i = 0; i < queries; i++) {
                __m256 p = _mm256_set1_ps(batch->p[i][j]);
                acc[i][0] = _mm256_fmadd_ps(p, a, acc[i][0]);
                acc[i][1] = _mm256_fmadd_ps(p, b, acc[i][1]);
            }
            continue;
        }
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) { /* some of the queries do not see this key */
            __m256 p = _mm256_set1_ps(batch->p[i][j]);
            __m256 sees = _mm256_castsi256_ps(_mm256_set1_epi32(j < batch->keys[i] ? -1 : 0));
            acc[i][0] = _mm256_blendv_ps(acc[i][0], _mm256_fmadd_ps(p, a, acc[i][0]), sees);
            acc[i][1] = _mm256_blendv_ps(acc[i][1], _mm256_fmadd_ps(p, b, acc[i][1]), sees);
        }
    }
    MET_UNROLL
    for (size_t i = 0; i < queries; i++) {
        float *y = out + i * head_dim + d;
        _mm256_maskstore_ps(y, mask8_first(left0), acc[i][0]);
        _mm256_maskstore_ps(y + 8, mask8_first(left1), acc[i][1]);
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
    batch.keys_min = MET_KEY_BLOCK;
    batch.keys_max = 0;
    for (size_t i = 0; i < queries; i++) {
        size_t t = (first + i) / group;
        size_t keys = (size_t)task->visible + t;
        if (keys > MET_KEY_BLOCK) keys = MET_KEY_BLOCK;
        batch.q[i] = task->q + t * task->q_stride + (first + i) % group * head_dim;
        batch.keys[i] = keys;
        if (keys < batch.keys_min) batch.keys_min = keys;
        if (keys > batch.keys_max) batch.keys_max = keys;
    }
    score(task, &batch, queries, half);
    for (size_t i = 0; i < queries; i++) {
        soften(batch.p[i], batch.keys[i], task->max + first + i, task->sum + first + i);
    }
    size_t d = 0;
    for (; d + 8 * PAIR <= head_dim; d += 8 * PAIR)
        weigh(task, &batch, d, out, queries, half, false);
    if (d < head_dim) weigh(task, &batch, d, out, queries, half, true);
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

void met_avx2_attend(const met_attend *task)
{
    if (task->kv_f32) attend_all(task, false);
    else attend_all(task, true);
}

/* out = fma(out, a, block_out * b). */
static inline void merge_out(float *out, const float *block_out, float a, float b, size_t n)
{
    const __m256 keep = _mm256_set1_ps(a);
    const __m256 take = _mm256_set1_ps(b);
    for (size_t d = 0; d < n; d += 8) {
        __m256i mask = mask8_first(n - d);
        __m256 added = _mm256_mul_ps(_mm256_maskload_ps(block_out + d, mask), take);
        __m256 merged = _mm256_fmadd_ps(_mm256_maskload_ps(out + d, mask), keep, added);
        _mm256_maskstore_ps(out + d, mask, merged);
    }
}

void met_avx2_attend_merge(float *max, float *sum, float *out, const float *block_max,
                           const float *block_sum, const float *block_out, size_t queries,
                           size_t head_dim)
{
    for (size_t first = 0; first < queries; first += 8) {
        __m256i mask = mask8_first(queries - first);
        __m256 old_max = _mm256_maskload_ps(max + first, mask);
        __m256 new_max = _mm256_maskload_ps(block_max + first, mask);
        __m256 m = _mm256_max_ps(new_max, old_max); /* new > old ? new : old */
        __m256 a = exp8(_mm256_sub_ps(old_max, m));
        __m256 b = exp8(_mm256_sub_ps(new_max, m));
        __m256 added = _mm256_mul_ps(_mm256_maskload_ps(block_sum + first, mask), b);
        __m256 s = _mm256_fmadd_ps(_mm256_maskload_ps(sum + first, mask), a, added);
        _mm256_maskstore_ps(sum + first, mask, s);
        _mm256_maskstore_ps(max + first, mask, m);

        float keep[8];
        float take[8];
        _mm256_storeu_ps(keep, a);
        _mm256_storeu_ps(take, b);
        for (size_t i = 0; i < 8 && first + i < queries; i++) {
            merge_out(out, block_out, keep[i], take[i], head_dim);
            out += head_dim;
            block_out += head_dim;
        }
    }
}

void met_avx2_attend_finish(const float *sum, const float *out, size_t tokens, size_t group,
                            size_t head_dim, float *y, size_t y_stride)
{
    for (size_t i = 0; i < tokens * group; i++, out += head_dim) {
        float *head = y + i / group * y_stride + i % group * head_dim;
        __m256 s = _mm256_set1_ps(sum[i]);
        for (size_t d = 0; d < head_dim; d += 8) {
            __m256i mask = mask8_first(head_dim - d);
            __m256 v = _mm256_maskload_ps(out + d, mask);
            _mm256_maskstore_ps(head + d, mask, _mm256_div_ps(v, s));
        }
    }
}
