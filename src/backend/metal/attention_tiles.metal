/* Owns: attention of many tokens: 32 queries of one head at a time over tiles of 32 keys, with an
 * online softmax and simdgroup matrices.
 * The invariant: keys after a query's own position have weight 0, and unwritten ones are zeros. An
 * infinity or a NaN in a value may also reach queries of the same 32 tokens that come before it:
 * 0 * NaN is NaN in a matrix product. In a key it may not. */
#include <metal_stdlib>
#include <metal_simdgroup_matrix>

#include "backend/metal/kernels.h"

#define TILE_KEYS 32
#define TILE_ROWS 8 /* queries of a simdgroup */
#define TILE_SCORE_STRIDE 36
#define TILE_MATRICES 16 /* of 8 columns: MET_METAL_TILE_DIM_MAX */

/* The queries of a simdgroup while it walks the keys. */
struct met_tile_state {
    simdgroup_float8x8 q[TILE_MATRICES];
    simdgroup_float8x8 sums[TILE_MATRICES]; /* the output, before it is divided by total */
    float largest[TILE_ROWS];               /* score; the same in all lanes */
    float total[TILE_ROWS];                 /* of the weights; the same in all lanes */
    int row0, row1; /* rows of the two elements of a matrix that this lane holds */
};

/* `tokens` queries of one head into the tile; zeros after them. */
static inline void met_stage_queries(device const float *x, int tokens, int row_floats,
                                     threadgroup float *tile, uint thread_index)
{
    const int dim = fc_head_dim, stride = dim + 4;
    for (int i = int(thread_index); i < MET_METAL_TILE_TOKENS * dim; i += MET_METAL_TILE_THREADS) {
        const int t = i / dim, d = i % dim;
        tile[t * stride + d] = t < tokens ? x[ulong(t) * ulong(row_floats) + ulong(d)] : 0.0f;
    }
}

/* A tile of keys, [32 keys][dim], from their place in the cache. */
static inline void met_stage_keys(device const uchar *kv, ulong keys, threadgroup float *tile,
                                  uint thread_index)
{
    const int dim = fc_head_dim, stride = dim + 4;
    for (int i = int(thread_index); i < TILE_KEYS * dim / 4; i += MET_METAL_TILE_THREADS) {
        const int key = i % TILE_KEYS, d = i / TILE_KEYS * 4;
        ((threadgroup float4 *)(tile + key * stride + d))[0] =
            met_kv_read4(kv, keys + ulong(d * TILE_KEYS + 4 * key));
    }
}

/* A tile of values; those that nobody has written become zeros, to be finite. */
static inline void met_stage_values(device const uchar *kv, ulong values, int written,
                                    threadgroup float *tile, uint thread_index)
{
    const int dim = fc_head_dim, stride = dim + 4;
    for (int i = int(thread_index); i < TILE_KEYS * dim / 4; i += MET_METAL_TILE_THREADS) {
        const int key = i / (dim / 4), d = i % (dim / 4) * 4;
        float4 v = float4(0.0f);
        if (key < written) v = met_kv_read4(kv, values + ulong(key * dim + d));
        ((threadgroup float4 *)(tile + key * stride + d))[0] = v;
    }
}

/* Queries and which rows a lane holds: the latter by loading a matrix of row numbers, because it is
 * the hardware's business. */
static inline void met_begin(thread met_tile_state &state, threadgroup const float *queries,
                             threadgroup const float *row_numbers)
{
    simdgroup_float8x8 rows;
    simdgroup_load(rows, row_numbers, TILE_SCORE_STRIDE);
    state.row0 = int(rows.thread_elements()[0]);
    state.row1 = int(rows.thread_elements()[1]);
    MET_UNROLL
    for (int m = 0; m < TILE_MATRICES; m++) {
        if (m >= fc_head_dim / 8) continue;
        simdgroup_load(state.q[m], queries + 8 * m, ulong(fc_head_dim + 4));
        state.sums[m] = make_filled_simdgroup_matrix<float, 8>(0.0f);
    }
    MET_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        state.largest[r] = -INFINITY;
        state.total[r] = 0.0f;
    }
}

/* A simdgroup's queries times the tile of keys, [8][32]. The state is not const: what is multiplied
 * is taken by reference to what may change. */
static inline void met_score(thread met_tile_state &state, threadgroup const float *tile,
                             threadgroup float *scores)
{
    const int stride = fc_head_dim + 4;
    for (int k = 0; k < TILE_KEYS; k += 8) {
        simdgroup_float8x8 s = make_filled_simdgroup_matrix<float, 8>(0.0f), keys;
        MET_UNROLL
        for (int m = 0; m < TILE_MATRICES; m++) {
            if (m >= fc_head_dim / 8) continue;
            simdgroup_load(keys, tile + k * stride + 8 * m, ulong(stride), ulong2(0, 0), true);
            simdgroup_multiply_accumulate(s, state.q[m], keys, s);
        }
        simdgroup_store(s, scores + k, TILE_SCORE_STRIDE);
    }
}

/* Scores to weights, and what came before to the new largest score. A lane is a key; row r sees
 * `visible` + r of them. A NaN is passed over by the largest score, and shows in the weights. */
static inline void met_online_softmax(thread met_tile_state &state, threadgroup float *scores,
                                      float scale, int visible, bool is_first, uint lane)
{
    float factor0 = 1.0f, factor1 = 1.0f;
    MET_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        const bool sees = int(lane) < visible + r;
        const float score = scores[r * TILE_SCORE_STRIDE + int(lane)] * scale;
        const float of_tile = simd_max(sees && score > -INFINITY ? score : -INFINITY);
        const float largest = max(state.largest[r], of_tile);
        const float weight = sees ? met_exp(score - largest) : 0.0f;
        const float factor = is_first ? 0.0f : met_exp(state.largest[r] - largest);
        state.total[r] = fma(state.total[r], factor, simd_sum(weight));
        state.largest[r] = largest;
        scores[r * TILE_SCORE_STRIDE + int(lane)] = weight;
        if (r == state.row0) factor0 = factor;
        if (r == state.row1) factor1 = factor;
    }
    MET_UNROLL
    for (int m = 0; m < TILE_MATRICES; m++) {
        if (m >= fc_head_dim / 8) continue;
        state.sums[m].thread_elements()[0] *= factor0;
        state.sums[m].thread_elements()[1] *= factor1;
    }
}

/* Weights times the tile of values. */
static inline void met_weigh_tile(thread met_tile_state &state, threadgroup const float *weights,
                                  threadgroup const float *tile)
{
    const int stride = fc_head_dim + 4;
    for (int k = 0; k < TILE_KEYS; k += 8) {
        simdgroup_float8x8 w, v;
        simdgroup_load(w, weights + k, TILE_SCORE_STRIDE);
        MET_UNROLL
        for (int m = 0; m < TILE_MATRICES; m++) {
            if (m >= fc_head_dim / 8) continue;
            simdgroup_load(v, tile + k * stride + 8 * m, ulong(stride));
            simdgroup_multiply_accumulate(state.sums[m], w, v, state.sums[m]);
        }
    }
}

/* The output of a simdgroup's rows into the tile. */
static inline void met_end(thread met_tile_state &state, threadgroup float *to)
{
    float total0 = 1.0f, total1 = 1.0f;
    MET_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        if (r == state.row0) total0 = state.total[r];
        if (r == state.row1) total1 = state.total[r];
    }
    MET_UNROLL
    for (int m = 0; m < TILE_MATRICES; m++) {
        if (m >= fc_head_dim / 8) continue;
        state.sums[m].thread_elements()[0] /= total0;
        state.sums[m].thread_elements()[1] /= total1;
        simdgroup_store(state.sums[m], to + 8 * m, ulong(fc_head_dim + 4));
    }
}

/* See arguments.h. A threadgroup has 32 tokens of one query head; each of its 4 simdgroups 8 of
 * them, with their queries and outputs in matrices of 8 x 8. The longest tiles come first.
 *
 * Threadgroup memory: met_metal_tiles_bytes: one tile [32][head_dim + 4] that holds the queries,
 * then keys and values in turn, then the output; and scores [32][36].
 * Order of sums: scores in eights of elements, ascending; the sum of weights over the lanes of each
 * tile; outputs in eights of keys, ascending; tiles ascending, with a factor between them.
 * Barriers: around every use of the tile, and after the weights are written. */
[[max_total_threads_per_threadgroup(MET_METAL_TILE_THREADS)]]
kernel void met_attention_tiles(constant met_metal_attention &a [[buffer(0)]],
                                device const float *x [[buffer(1)]],
                                device const uchar *kv [[buffer(2)]],
                                device float *out [[buffer(3)]],
                                threadgroup float *tile [[threadgroup(0)]],
                                uint2 group [[threadgroup_position_in_grid]],
                                uint2 groups [[threadgroups_per_grid]],
                                uint thread_index [[thread_index_in_threadgroup]],
                                uint lane [[thread_index_in_simdgroup]],
                                uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    const int dim = fc_head_dim, stride = dim + 4;
    const int head = int(group.y), kv_head = head / (a.heads / a.kv_heads);
    const int first_token = int(groups.x - 1 - group.x) * MET_METAL_TILE_TOKENS;
    const int tokens = min(MET_METAL_TILE_TOKENS, a.tokens - first_token);
    const int first_position = a.position + first_token, positions = first_position + tokens;
    const int my_row = int(simdgroup) * TILE_ROWS;
    const ulong row = (ulong(first_token) * ulong(a.heads) + ulong(head)) * ulong(dim);
    threadgroup float *scores =
        tile + MET_METAL_TILE_TOKENS * stride + my_row * TILE_SCORE_STRIDE;

    met_stage_queries(x + row, tokens, a.heads * dim, tile, thread_index);
    for (int i = int(lane); i < 64; i += MET_METAL_LANES)
        scores[i / 8 * TILE_SCORE_STRIDE + i % 8] = float(i / 8);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    met_tile_state state;
    met_begin(state, tile + my_row * stride, scores);

    for (int first_key = 0; first_key < positions; first_key += TILE_KEYS) {
        const int at = first_key % MET_METAL_KV_BLOCK;
        const ulong base = ulong(first_key / MET_METAL_KV_BLOCK) * a.block_elements +
                           ulong(kv_head) * ulong(2 * MET_METAL_KV_BLOCK * dim);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        met_stage_keys(kv, base + ulong(at * dim), tile, thread_index);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        met_score(state, tile, scores);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        met_stage_values(kv, base + ulong((MET_METAL_KV_BLOCK + at) * dim), positions - first_key,
                         tile, thread_index);
        met_online_softmax(state, scores, a.scale, first_position + my_row + 1 - first_key,
                           first_key == 0, lane);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        met_weigh_tile(state, scores, tile);
    }

    threadgroup_barrier(mem_flags::mem_threadgroup);
    met_end(state, tile + my_row * stride);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int i = int(thread_index); i < tokens * dim; i += MET_METAL_TILE_THREADS) {
        const int t = i / dim, d = i % dim;
        out[row + ulong(t) * ulong(a.heads * dim) + ulong(d)] = tile[t * stride + d];
    }
}
