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
    _Alignas(64) float p[QUERIES][MET_KEY_BLOCK]; /* scores, then weights */
} query_batch;

/* Scores of `queries` against all the tiles that one of them sees. Constants: `queries` and `half`,
 * whether keys and values are f16. */
MET_FORCE_INLINE void score(const met_attend *task, query_batch *batch, const size_t queries,
                            const bool half)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t tile_bytes = head_dim * MET_KEY_TILE * element_bytes(half);
    const __m512 scale = _mm512_set1_ps(task->scale);
    for (size_t tile = 0; tile * MET_KEY_TILE < batch->keys_max; tile += PAIR) {
        const uint8_t *k0 = (const uint8_t *)task->k + tile * tile_bytes;
        const uint8_t *k1 = k0 + tile_bytes;
        /* Half of the next block for each pair of tiles, a little in every turn: all at once they
         * would fill the queue of misses, and the loads behind them would wait. */
        const uint8_t *next =
            task->next == NULL ? k0 : (const uint8_t *)task->next + 2 * tile * tile_bytes;
        __m512 acc[QUERIES][PAIR];
        MET_UNROLL
        for (size_t i = 0; i < queries; i++)
            acc[i][0] = acc[i][1] = _mm512_setzero_ps();
        for (size_t d = 0; d < head_dim; d++) {
            __m512 a = load16(k0, d * MET_KEY_TILE, half);
            __m512 b = load16(k1, d * MET_KEY_TILE, half);
            __builtin_prefetch(next);
            __builtin_prefetch(next + 64);
            next += 128;
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

/* Elements [d, d + 32) of the outputs of `queries`. `mask0` and `mask1`: those of them that the
 * head has. Constants: `queries` and `half`. */
MET_FORCE_INLINE void weigh(const met_attend *task, const query_batch *batch, size_t d,
                            __mmask16 mask0, __mmask16 mask1, float *out, const size_t queries,
                            const bool half)
{
    const size_t head_dim = (size_t)task->head_dim;
    const size_t row_bytes = head_dim * element_bytes(half);
    const uint8_t *v = (const uint8_t *)task->v + d * element_bytes(half);
    __m512 acc[QUERIES][PAIR];
    MET_UNROLL
    for (size_t i = 0; i < queries; i++)
        acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (size_t j = 0; j < batch->keys_min; j++, v += row_bytes) {
        __m512 a = load16_masked(mask0, v, 0, half);
        __m512 b = load16_masked(mask1, v, 16, half);
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            __m512 p = _mm512_set1_ps(batch->p[i][j]);
            acc[i][0] = _mm512_fmadd_ps(p, a, acc[i][0]);
            acc[i][1] = _mm512_fmadd_ps(p, b, acc[i][1]);
        }
    }
    for (size_t j = batch->keys_min; j < batch->keys_max; j++, v += row_bytes) {
        __m512 a = load16_masked(mask0, v, 0, half);
        __m512 b = load16_masked(mask1, v, 16, half);
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
MET_FORCE_INLINE void attend_batch(const met_attend *task, size_t first, const size_t queries,
                                   const bool half)
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
    score(task, &batch, queries, half);
    for (size_t i = 0; i < queries; i++) {
        soften(batch.p[i], batch.keys[i], task->max + first + i, task->sum + first + i);
    }
    for (size_t d = 0; d < head_dim; d += PAIR * 16) {
        __mmask16 mask0 = mask16_first(head_dim - d);
        __mmask16 mask1 = head_dim - d > 16 ? mask16_first(head_dim - d - 16) : 0;
        weigh(task, &batch, d, mask0, mask1, task->out + first * head_dim, queries, half);
    }
}

MET_FORCE_INLINE void attend_all(const met_attend *task, const bool half)
{
    const size_t all = (size_t)task->tokens * (size_t)task->group;
    for (size_t first = 0; first < all; first += QUERIES) {
        switch (all - first) {
        case 1: attend_batch(task, first, 1, half); break;
        case 2: attend_batch(task, first, 2, half); break;
        case 3: attend_batch(task, first, 3, half); break;
        case 4: attend_batch(task, first, 4, half); break;
        case 5: attend_batch(task, first, 5, half); break;
        case 6: attend_batch(task, first, 6, half); break;
        case 7: attend_batch(task, first, 7, half); break;
        default: attend_batch(task, first, QUERIES, half); break;
        }
    }
}

void met_avx512_attend(const met_attend *task)
{
    if (task->kv_f32) attend_all(task, false);
    else attend_all(task, true);
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
