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

/* See arguments.h. A threadgroup has 32 tokens of one query head; each of its 4 simdgroups 8 of
 * them, with their queries and outputs in matrices of 8 x 8. The longest tiles come first.
 *
 * Threadgroup memory: met_metal_tiles_bytes: one tile [32][head_dim + 4] that holds the queries,
 * then keys and values in turn, then the output; and scores [32][36].
 * Order of sums: scores in eights of elements, ascending; the sum of weights over the lanes of each
 * tile; outputs in eights of keys, ascending; tiles ascending, with a factor between them.
 * Barriers: around every use of the tile, and after the weights are written. */
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
    const int dim = fc_head_dim, stride = dim + 4, matrices = dim / 8;
    const int head = int(group.y), kv_head = head / (a.heads / a.kv_heads);
    const int first_token = int(groups.x - 1 - group.x) * MET_METAL_TILE_TOKENS;
    const int tokens = min(MET_METAL_TILE_TOKENS, a.tokens - first_token);
    const int first_position = a.position + first_token;
    const int positions = first_position + tokens; /* that exist for this tile */
    const int my_row = int(simdgroup) * TILE_ROWS;
    threadgroup float *scores = tile + MET_METAL_TILE_TOKENS * stride;
    threadgroup float *my_scores = scores + my_row * TILE_SCORE_STRIDE;

    for (int i = int(thread_index); i < MET_METAL_TILE_TOKENS * dim; i += MET_METAL_TILE_THREADS) {
        const int t = i / dim, d = i % dim;
        const ulong at = (ulong(first_token + t) * ulong(a.heads) + ulong(head)) * ulong(dim);
        tile[t * stride + d] = t < tokens ? x[at + ulong(d)] : 0.0f;
    }
    /* Row numbers: which rows of a matrix a lane holds is the hardware's business. */
    for (int i = int(lane); i < 64; i += MET_METAL_LANES)
        my_scores[i / 8 * TILE_SCORE_STRIDE + i % 8] = float(i / 8);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    simdgroup_float8x8 q[TILE_MATRICES], sums[TILE_MATRICES], rows;
    MET_UNROLL
    for (int m = 0; m < TILE_MATRICES; m++) {
        if (m >= matrices) continue;
        simdgroup_load(q[m], tile + my_row * stride + 8 * m, ulong(stride));
        sums[m] = make_filled_simdgroup_matrix<float, 8>(0.0f);
    }
    simdgroup_load(rows, my_scores, TILE_SCORE_STRIDE);
    const int row0 = int(rows.thread_elements()[0]), row1 = int(rows.thread_elements()[1]);

    float largest[TILE_ROWS], total[TILE_ROWS]; /* the same in all lanes */
    MET_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        largest[r] = -INFINITY;
        total[r] = 0.0f;
    }
    for (int first_key = 0; first_key < positions; first_key += TILE_KEYS) {
        const int at = first_key % MET_METAL_KV_BLOCK;
        const ulong base = ulong(first_key / MET_METAL_KV_BLOCK) * a.block_elements +
                           ulong(kv_head) * ulong(2 * MET_METAL_KV_BLOCK * dim);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int i = int(thread_index); i < TILE_KEYS * dim / 4; i += MET_METAL_TILE_THREADS) {
            const int key = i % TILE_KEYS, d = i / TILE_KEYS * 4;
            ((threadgroup float4 *)(tile + key * stride + d))[0] =
                met_kv_read4(kv, base + ulong(at * dim + d * TILE_KEYS + 4 * key));
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int k = 0; k < TILE_KEYS; k += 8) {
            simdgroup_float8x8 s = make_filled_simdgroup_matrix<float, 8>(0.0f), keys;
            MET_UNROLL
            for (int m = 0; m < TILE_MATRICES; m++) {
                if (m >= matrices) continue;
                simdgroup_load(keys, tile + k * stride + 8 * m, ulong(stride), ulong2(0, 0), true);
                simdgroup_multiply_accumulate(s, q[m], keys, s);
            }
            simdgroup_store(s, my_scores + k, TILE_SCORE_STRIDE);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);

        for (int i = int(thread_index); i < TILE_KEYS * dim / 4; i += MET_METAL_TILE_THREADS) {
            const int key = i / (dim / 4), d = i % (dim / 4) * 4;
            float4 v = float4(0.0f); /* what nobody has written must be finite */
            if (first_key + key < positions)
                v = met_kv_read4(kv, base + ulong((MET_METAL_KV_BLOCK + at + key) * dim + d));
            ((threadgroup float4 *)(tile + key * stride + d))[0] = v;
        }
        /* A lane is a key. A NaN is passed over by the largest score, and shows in the weights. */
        float factor0 = 1.0f, factor1 = 1.0f;
        MET_UNROLL
        for (int r = 0; r < TILE_ROWS; r++) {
            const bool visible = first_key + int(lane) <= first_position + my_row + r;
            const float score = my_scores[r * TILE_SCORE_STRIDE + int(lane)] * a.scale;
            const float most =
                max(largest[r], simd_max(visible && score > -INFINITY ? score : -INFINITY));
            const float weight = visible ? met_exp(score - most) : 0.0f;
            const float factor = first_key == 0 ? 0.0f : met_exp(largest[r] - most);
            total[r] = fma(total[r], factor, simd_sum(weight));
            largest[r] = most;
            my_scores[r * TILE_SCORE_STRIDE + int(lane)] = weight;
            if (r == row0) factor0 = factor;
            if (r == row1) factor1 = factor;
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
        MET_UNROLL
        for (int m = 0; m < TILE_MATRICES; m++) {
            if (m >= matrices) continue;
            sums[m].thread_elements()[0] *= factor0;
            sums[m].thread_elements()[1] *= factor1;
        }
        for (int k = 0; k < TILE_KEYS; k += 8) {
            simdgroup_float8x8 w, v;
            simdgroup_load(w, my_scores + k, TILE_SCORE_STRIDE);
            MET_UNROLL
            for (int m = 0; m < TILE_MATRICES; m++) {
                if (m >= matrices) continue;
                simdgroup_load(v, tile + k * stride + 8 * m, ulong(stride));
                simdgroup_multiply_accumulate(sums[m], w, v, sums[m]);
            }
        }
    }

    float total0 = 1.0f, total1 = 1.0f;
    MET_UNROLL
    for (int r = 0; r < TILE_ROWS; r++) {
        if (r == row0) total0 = total[r];
        if (r == row1) total1 = total[r];
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    MET_UNROLL
    for (int m = 0; m < TILE_MATRICES; m++) {
        if (m >= matrices) continue;
        sums[m].thread_elements()[0] /= total0;
        sums[m].thread_elements()[1] /= total1;
        simdgroup_store(sums[m], tile + my_row * stride + 8 * m, ulong(stride));
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int i = int(thread_index); i < tokens * dim; i += MET_METAL_TILE_THREADS) {
        const int t = i / dim, d = i % dim;
        const ulong to = (ulong(first_token + t) * ulong(a.heads) + ulong(head)) * ulong(dim);
        out[to + ulong(d)] = tile[t * stride + d];
    }
}
