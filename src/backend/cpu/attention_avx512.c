/* Owns: attention of a few queries over one block of keys, AVX-512.
 *
 * Queries that share a key-value head go together, up to 8 at a time, so that each key and value is
 * loaded and widened once for all of them. Scores: a lane is a key (the cache keeps 16 keys side by
 * side for this). Outputs: a lane is an element of the head. Both orders of summation are those of
 * the contract without any shuffling. */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/math_avx512.h"

#include <math.h>

enum {
    QUERIES = 8,                          /* that go together */
    TILES = MET_KEY_BLOCK / MET_KEY_TILE, /* tiles of keys in a block */
    PAIR = 2                              /* registers of keys or of elements in flight */
};

/* Some queries on their way through the three stages. */
typedef struct query_batch {
    const float *q[QUERIES];
    size_t keys[QUERIES]; /* that each sees */
    size_t keys_min;
    size_t keys_max;
    _Alignas(64) float p[QUERIES][MET_KEY_BLOCK]; /* scores, then weights */
} query_batch;

/* Scores of `queries` (a constant) against all the tiles that one of them sees. */
MET_FORCE_INLINE void score(const met_attend *task, query_batch *batch, const size_t queries)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t tile_halves = head_dim * MET_KEY_TILE;
    const __m512 scale = _mm512_set1_ps(task->scale);
    for (size_t tile = 0; tile * MET_KEY_TILE < batch->keys_max; tile += PAIR) {
        const uint16_t *k0 = task->k + tile * tile_halves;
        const uint16_t *k1 = k0 + tile_halves;
        __m512 acc[QUERIES][PAIR];
        MET_UNROLL
        for (size_t i = 0; i < queries; i++)
            acc[i][0] = acc[i][1] = _mm512_setzero_ps();
        for (size_t d = 0; d < head_dim; d++) {
            __m512 a = load16_half(k0 + d * MET_KEY_TILE);
            __m512 b = load16_half(k1 + d * MET_KEY_TILE);
            MET_UNROLL
            for (size_t i = 0; i < queries; i++) {
                __m512 q = _mm512_set1_ps(batch->q[i][d]);
                acc[i][0] = _mm512_fmadd_ps(q, a, acc[i][0]);
                acc[i][1] = _mm512_fmadd_ps(q, b, acc[i][1]);
            }
        }
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            float *p = batch->p[i] + tile * MET_KEY_TILE;
            _mm512_store_ps(p, _mm512_mul_ps(acc[i][0], scale));
            _mm512_store_ps(p + MET_KEY_TILE, _mm512_mul_ps(acc[i][1], scale));
        }
    }
}

/* Scores become weights, in place; keys that the query does not see are left out. */
static inline void soften(float *p, size_t keys, float *max_out, float *sum_out)
{
    const __m512 lowest = _mm512_set1_ps(-INFINITY);
    __m512 highest = lowest;
    for (size_t j = 0; j < keys; j += 16) {
        __m512 s = _mm512_mask_loadu_ps(lowest, mask16_first(keys - j), p + j);
        highest = _mm512_max_ps(s, highest); /* a NaN is passed over */
    }
    float max = _mm512_reduce_max_ps(highest) + 0.0f;
    __m512 sums = _mm512_setzero_ps();
    for (size_t j = 0; j < keys; j += 16) {
        __mmask16 mask = mask16_first(keys - j);
        __m512 e = exp16(_mm512_sub_ps(_mm512_load_ps(p + j), _mm512_set1_ps(max)));
        sums = _mm512_mask_add_ps(sums, mask, sums, e);
        _mm512_store_ps(p + j, e);
    }
    *max_out = max;
    *sum_out = tree16(sums);
}

/* Elements [d, d + 32) of the outputs of `queries` (a constant). `mask0` and `mask1`: those of them
 * that the head has. */
MET_FORCE_INLINE void weigh(const met_attend *task, const query_batch *batch, size_t d,
                            __mmask16 mask0, __mmask16 mask1, float *out, const size_t queries)
{
    const size_t head_dim = (size_t)task->head_dim;
    const uint16_t *v = task->v + d;
    __m512 acc[QUERIES][PAIR];
    MET_UNROLL
    for (size_t i = 0; i < queries; i++)
        acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (size_t j = 0; j < batch->keys_min; j++, v += head_dim) {
        __m512 a = load16_half_masked(mask0, v);
        __m512 b = load16_half_masked(mask1, v + 16);
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            __m512 p = _mm512_set1_ps(batch->p[i][j]);
            acc[i][0] = _mm512_fmadd_ps(p, a, acc[i][0]);
            acc[i][1] = _mm512_fmadd_ps(p, b, acc[i][1]);
        }
    }
    for (size_t j = batch->keys_min; j < batch->keys_max; j++, v += head_dim) {
        __m512 a = load16_half_masked(mask0, v);
        __m512 b = load16_half_masked(mask1, v + 16);
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            __mmask16 sees = j < batch->keys[i] ? 0xffff : 0;
            __m512 p = _mm512_set1_ps(batch->p[i][j]);
            acc[i][0] = _mm512_mask3_fmadd_ps(p, a, acc[i][0], sees);
            acc[i][1] = _mm512_mask3_fmadd_ps(p, b, acc[i][1], sees);
        }
    }
    MET_UNROLL
    for (size_t i = 0; i < queries; i++) {
        _mm512_mask_storeu_ps(out + i * head_dim + d, mask0, acc[i][0]);
        _mm512_mask_storeu_ps(out + i * head_dim + d + 16, mask1, acc[i][1]);
    }
}

/* Queries [first, first + queries) of all tokens x group. */
MET_FORCE_INLINE void attend_batch(const met_attend *task, size_t first, const size_t queries)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t group = (size_t)task->group;
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
    score(task, &batch, queries);
    for (size_t i = 0; i < queries; i++) {
        soften(batch.p[i], batch.keys[i], task->max + first + i, task->sum + first + i);
    }
    for (size_t d = 0; d < head_dim; d += PAIR * 16) {
        __mmask16 mask0 = mask16_first(head_dim - d);
        __mmask16 mask1 = head_dim - d > 16 ? mask16_first(head_dim - d - 16) : 0;
        weigh(task, &batch, d, mask0, mask1, task->out + first * head_dim, queries);
    }
}

void met_avx512_attend(const met_attend *task)
{
    const size_t all = (size_t)task->tokens * (size_t)task->group;
    for (size_t first = 0; first < all; first += QUERIES) {
        switch (all - first) {
        case 1: attend_batch(task, first, 1); break;
        case 2: attend_batch(task, first, 2); break;
        case 3: attend_batch(task, first, 3); break;
        case 4: attend_batch(task, first, 4); break;
        case 5: attend_batch(task, first, 5); break;
        case 6: attend_batch(task, first, 6); break;
        case 7: attend_batch(task, first, 7); break;
        default: attend_batch(task, first, QUERIES); break;
        }
    }
}

/* out = fma(out, a, block_out * b). */
static inline void merge_out(float *out, const float *block_out, float a, float b, size_t n)
{
    const __m512 keep = _mm512_set1_ps(a);
    const __m512 take = _mm512_set1_ps(b);
    for (size_t d = 0; d < n; d += 16) {
        __mmask16 mask = mask16_first(n - d);
        __m512 old = _mm512_maskz_loadu_ps(mask, out + d);
        __m512 new = _mm512_maskz_loadu_ps(mask, block_out + d);
        _mm512_mask_storeu_ps(out + d, mask, _mm512_fmadd_ps(old, keep, _mm512_mul_ps(new, take)));
    }
}

void met_avx512_attend_merge(float *max, float *sum, float *out, const float *block_max,
                             const float *block_sum, const float *block_out, size_t queries,
                             size_t head_dim)
{
    for (size_t first = 0; first < queries; first += 16) {
        __mmask16 mask = mask16_first(queries - first);
        __m512 old_max = _mm512_maskz_loadu_ps(mask, max + first);
        __m512 new_max = _mm512_maskz_loadu_ps(mask, block_max + first);
        __m512 m = _mm512_max_ps(new_max, old_max); /* new > old ? new : old */
        __m512 a = exp16(_mm512_sub_ps(old_max, m));
        __m512 b = exp16(_mm512_sub_ps(new_max, m));
        __m512 old_sum = _mm512_maskz_loadu_ps(mask, sum + first);
        __m512 new_sum = _mm512_maskz_loadu_ps(mask, block_sum + first);
        __m512 s = _mm512_fmadd_ps(old_sum, a, _mm512_mul_ps(new_sum, b));
        _mm512_mask_storeu_ps(sum + first, mask, s);
        _mm512_mask_storeu_ps(max + first, mask, m);

        float keep[16];
        float take[16];
        _mm512_storeu_ps(keep, a);
        _mm512_storeu_ps(take, b);
        for (size_t i = 0; i < 16 && first + i < queries; i++) {
            merge_out(out, block_out, keep[i], take[i], head_dim);
            out += head_dim;
            block_out += head_dim;
        }
    }
}

void met_avx512_attend_finish(const float *sum, const float *out, size_t tokens, size_t group,
                              size_t head_dim, float *y, size_t y_stride)
{
    for (size_t i = 0; i < tokens * group; i++, out += head_dim) {
        float *head = y + i / group * y_stride + i % group * head_dim;
        __m512 s = _mm512_set1_ps(sum[i]);
        for (size_t d = 0; d < head_dim; d += 16) {
            __mmask16 mask = mask16_first(head_dim - d);
            __m512 v = _mm512_maskz_loadu_ps(mask, out + d);
            _mm512_mask_storeu_ps(head + d, mask, _mm512_div_ps(v, s));
        }
    }
}
