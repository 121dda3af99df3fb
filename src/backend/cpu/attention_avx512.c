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

/* The next block comes during this one, its keys during the scores and its values during the
 * weighing, a line or two in every turn: all at once they would fill the queue of misses, and the
 * loads behind them would wait. `from`: when there is no next block. */
static inline const uint8_t *next_from(const met_attend *task, size_t offset, const uint8_t *from)
{
    return task->next == NULL ? from : (const uint8_t *)task->next + offset;
}

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
        const uint8_t *next = next_from(task, tile * tile_bytes, k0);
        __m512 acc[QUERIES][PAIR];
        MET_UNROLL
        for (size_t i = 0; i < queries; i++)
            acc[i][0] = acc[i][1] = _mm512_setzero_ps();
        for (size_t d = 0; d < head_dim; d++) {
            __m512 a = load16(k0, d * MET_KEY_TILE, half);
            __m512 b = load16(k1, d * MET_KEY_TILE, half);
            __builtin_prefetch(next);
            if (!half) __builtin_prefetch(next + 64);
            next += half ? 64 : 128;
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

/* Which keys of the tile that begins with key `first` a query sees. */
static inline __mmask16 sees(const query_batch *batch, size_t query, size_t first)
{
    return batch->keys[query] <= first ? 0 : mask16_first(batch->keys[query] - first);
}

/* The largest score of each query. `queries` is a constant. */
MET_FORCE_INLINE void find_max(const query_batch *batch, float *max, const size_t queries)
{
    const __m512 lowest = _mm512_set1_ps(-INFINITY);
    __m512 highest[QUERIES];
    MET_UNROLL
    for (size_t i = 0; i < QUERIES; i++)
        highest[i] = lowest;
    for (size_t j = 0; j < batch->keys_max; j += PAIR * MET_KEY_TILE) {
        MET_UNROLL
        for (size_t i = 0; i < queries; i++) {
            MET_UNROLL
            for (size_t k = j; k < j + PAIR * MET_KEY_TILE; k += MET_KEY_TILE) {
                __m512 s = _mm512_mask_load_ps(lowest, sees(batch, i, k), batch->p[i] + k);
                highest[i] = _mm512_max_ps(s, highest[i]); /* a NaN is passed over */
            }
        }
    }
    MET_UNROLL
    for (size_t i = 0; i < queries; i += 4) {
        __m512 four = max16_of4(highest[i], highest[i + 1], highest[i + 2], highest[i + 3]);
        four = _mm512_add_ps(four, _mm512_setzero_ps()); /* never -0 */
        _mm512_mask_storeu_ps(max + i, mask16_first(queries - i) & 0xf, four);
    }
}

/* Scores become weights, in place: two queries and two tiles at a time. `queries` is a constant. */
MET_FORCE_INLINE void soften(query_batch *batch, float *max, float *sum, const size_t queries)
{
    __m512 sums[QUERIES];
    find_max(batch, max, queries);
    MET_UNROLL
    for (size_t i = 0; i < QUERIES; i++)
        sums[i] = _mm512_setzero_ps();
    for (size_t j = 0; j < batch->keys_max; j += PAIR * MET_KEY_TILE) {
        MET_UNROLL
        for (size_t i = 0; i < queries; i += 2) {
            const size_t count = PAIR * (queries - i < 2 ? 1 : 2);
            __m512 e[2 * PAIR];
            MET_UNROLL
            for (size_t c = 0; c < count; c++) {
                const float *p = batch->p[i + c / PAIR] + j + c % PAIR * MET_KEY_TILE;
                e[c] = _mm512_sub_ps(_mm512_load_ps(p), _mm512_set1_ps(max[i + c / PAIR]));
            }
            exp16_each(e, count);
            MET_UNROLL
            for (size_t c = 0; c < count; c++) {
                size_t q = i + c / PAIR, k = j + c % PAIR * MET_KEY_TILE;
                sums[q] = _mm512_mask_add_ps(sums[q], sees(batch, q, k), sums[q], e[c]);
                _mm512_store_ps(batch->p[q] + k, e[c]);
            }
        }
    }
    MET_UNROLL
    for (size_t i = 0; i < queries; i += 4) {
        __m512 four = tree16_of4(sums[i], sums[i + 1], sums[i + 2], sums[i + 3]);
        _mm512_mask_storeu_ps(sum + i, mask16_first(queries - i) & 0xf, four);
    }
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
    const size_t next_offset = MET_KEY_BLOCK * (row_bytes + d * element_bytes(half));
    const uint8_t *next = next_from(task, next_offset, v);
    __m512 acc[QUERIES][PAIR];
    MET_UNROLL
    for (size_t i = 0; i < queries; i++)
        acc[i][0] = acc[i][1] = _mm512_setzero_ps();
    for (size_t j = 0; j < batch->keys_min; j++, v += row_bytes) {
        __m512 a = load16_masked(mask0, v, 0, half);
        __m512 b = load16_masked(mask1, v, 16, half);
        __builtin_prefetch(next);
        if (!half) __builtin_prefetch(next + 64);
        next += half ? 64 : 128;
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
            __mmask16 seen = j < batch->keys[i] ? 0xffff : 0;
            __m512 p = _mm512_set1_ps(batch->p[i][j]);
            acc[i][0] = _mm512_mask3_fmadd_ps(p, a, acc[i][0], seen);
            acc[i][1] = _mm512_mask3_fmadd_ps(p, b, acc[i][1], seen);
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
    soften(&batch, task->max + first, task->sum + first, queries);
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
