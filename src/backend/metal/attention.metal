/* Owns: attention of a few tokens, split over blocks of keys so that one token fills the device;
 * and the merge of what the splits leave.
 * The invariant: a split is a block of 128 keys at fixed positions, and its sums do not depend on
 * the number of tokens; so a token has the same bits alone and among others. Keys that a token does
 * not see change nothing, whatever the cache holds there. */
#include <metal_stdlib>

#include "backend/metal/kernels.h"

#define ATTENTION_QUERIES 8    /* most of a threadgroup: met_metal_attention_chunk */
#define ATTENTION_SIMDGROUPS 4 /* each with one tile of 32 keys */

/* Onto the scores of a lane's key with all queries: one running sum each, elements ascending. */
static inline void met_scores(device const uchar *kv, ulong keys, int padded, int queries,
                              threadgroup const float *q, uint lane,
                              thread float *scores)
{
    for (int d = 0; d < padded; d += 4) {
        const float4 k = met_kv_read4(kv, keys + ulong(d * MET_METAL_KEY_TILE + 4 * int(lane)));
        MET_UNROLL
        for (int i = 0; i < ATTENTION_QUERIES; i++) {
            if (i >= queries) continue;
            const float4 u = ((threadgroup const float4 *)(q + i * padded + d))[0];
            float sum = scores[i];
            sum = fma(u.x, k.x, sum);
            sum = fma(u.y, k.y, sum);
            sum = fma(u.z, k.z, sum);
            sum = fma(u.w, k.w, sum);
            scores[i] = sum;
        }
    }
}

/* See arguments.h. A threadgroup has one block of keys, one key-value head, one token, and up to 8
 * of the query heads that share that head. 4 simdgroups; in the scores a lane is a key, in the
 * output it is 4 elements of the head (head_dim up to 64: half a simdgroup has the even keys).
 *
 * Threadgroup memory: met_metal_attention_bytes. Queries, output, weights of the keys, then largest
 * scores and sums by simdgroup.
 * Order of sums: a score over the elements, ascending; the sum of weights over the lanes, then over
 * simdgroups; an output element over the keys of a simdgroup (ascending; for head_dim up to 64 even
 * ones and odd ones apart), then over simdgroups, ascending.
 * Barriers: after the queries are staged; after the largest scores; after the weights and their
 * sums; after each simdgroup's turn at the output. */
kernel void met_attention(constant met_metal_attention &a [[buffer(0)]],
                          device const float *x [[buffer(1)]],
                          device const uchar *kv [[buffer(2)]],
                          device float *out [[buffer(3)]],
                          device float *partials [[buffer(4)]],
                          threadgroup float *shared [[threadgroup(0)]],
                          uint3 group [[threadgroup_position_in_grid]],
                          uint thread_index [[thread_index_in_threadgroup]],
                          uint lane [[thread_index_in_simdgroup]],
                          uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    const int block = int(group.x), token = int(group.z), position = a.position + token;
    const int splits = position / MET_METAL_KV_BLOCK + 1;
    if (block >= splits) return; /* an earlier token of the step: the whole threadgroup leaves */
    const int padded = (a.head_dim + 3) / 4 * 4;
    const int group_heads = a.heads / a.kv_heads;
    const int chunks = (group_heads + a.chunk - 1) / a.chunk;
    const int kv_head = int(group.y) / chunks, first_query = int(group.y) % chunks * a.chunk;
    const int queries = min(a.chunk, group_heads - first_query);
    const int visible = min(MET_METAL_KV_BLOCK, position + 1 - block * MET_METAL_KV_BLOCK);
    const ulong base = ulong(block) * a.block_elements +
                       ulong(kv_head) * ulong(2 * MET_METAL_KV_BLOCK * padded);
    /* [tokens][heads], of query 0 */
    const ulong row = ulong(token) * ulong(a.heads) + ulong(kv_head * group_heads + first_query);

    threadgroup float *q = shared;                       /* [chunk][padded] */
    threadgroup float *sums = q + a.chunk * padded;      /* [chunk][padded]: the output */
    threadgroup float *weights = sums + a.chunk * padded; /* [chunk][128] */
    threadgroup float *most = weights + a.chunk * MET_METAL_KV_BLOCK; /* [chunk][4] */
    threadgroup float *totals = most + a.chunk * ATTENTION_SIMDGROUPS; /* [chunk][4] */

    for (int i = int(thread_index); i < queries * padded; i += MET_METAL_ATTENTION_THREADS) {
        const int d = i % padded;
        q[i] = d < a.head_dim ? x[(row + ulong(i / padded)) * ulong(a.head_dim) + ulong(d)] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    /* Scores; their largest. A NaN is passed over, as on the CPU, and shows in the weights. */
    const int first_key = int(simdgroup) * MET_METAL_KEY_TILE, key = first_key + int(lane);
    float scores[ATTENTION_QUERIES] = {};
    if (first_key < visible) /* for the whole simdgroup */
        met_scores(kv, base + ulong(first_key * padded), padded, queries, q, lane, scores);
    MET_UNROLL
    for (int i = 0; i < ATTENTION_QUERIES; i++) {
        if (i >= queries) continue;
        scores[i] = scores[i] * a.scale;
        const bool counts = key < visible && scores[i] > -INFINITY;
        const float of_lanes = simd_max(counts ? scores[i] : -INFINITY);
        if (lane == 0) most[i * ATTENTION_SIMDGROUPS + int(simdgroup)] = of_lanes;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    float largest[ATTENTION_QUERIES];
    MET_UNROLL
    for (int i = 0; i < ATTENTION_QUERIES; i++) {
        if (i >= queries) continue;
        const float4 of = ((threadgroup const float4 *)most)[i];
        largest[i] = max(max(of.x, of.y), max(of.z, of.w));
        const float weight = key < visible ? met_exp(scores[i] - largest[i]) : 0.0f;
        const float total = simd_sum(weight);
        weights[i * MET_METAL_KV_BLOCK + key] = weight;
        if (lane == 0) totals[i * ATTENTION_SIMDGROUPS + int(simdgroup)] = total;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    const int quads = padded / 4;
    const int sides = quads <= 16 ? 2 : 1; /* keys that a simdgroup has at once */
    const int width = MET_METAL_LANES / sides, side = int(lane) / width;
    const int keys = min(MET_METAL_KEY_TILE, visible - first_key);
    const ulong values = base + ulong((MET_METAL_KV_BLOCK + first_key) * padded);
    for (int first_quad = 0; first_quad < quads; first_quad += width) {
        const int quad = first_quad + int(lane) % width;
        float4 acc[ATTENTION_QUERIES] = {};
        for (int j = side; j < keys && quad < quads; j += sides) {
            const float4 v = met_kv_read4(kv, values + ulong(j * padded + 4 * quad));
            MET_UNROLL
            for (int i = 0; i < ATTENTION_QUERIES; i++) {
                if (i >= queries) continue;
                acc[i] = fma(float4(weights[i * MET_METAL_KV_BLOCK + first_key + j]), v, acc[i]);
            }
        }
        MET_UNROLL
        for (int i = 0; i < ATTENTION_QUERIES; i++) {
            if (i >= queries || sides == 1) continue;
            acc[i] += simd_shuffle_xor(acc[i], 16);
        }
        for (int s = 0; s < ATTENTION_SIMDGROUPS; s++) {
            MET_UNROLL
            for (int i = 0; i < ATTENTION_QUERIES; i++) {
                if (i >= queries || s != int(simdgroup) || side != 0 || quad >= quads) continue;
                threadgroup float4 *to = (threadgroup float4 *)(sums + i * padded + 4 * quad);
                to[0] = s == 0 ? acc[i] : to[0] + acc[i];
            }
            threadgroup_barrier(mem_flags::mem_threadgroup);
        }
    }

    /* Alone: done. Else (largest, total, sums) of this block. */
    for (int i = int(thread_index); i < queries * a.head_dim; i += MET_METAL_ATTENTION_THREADS) {
        const int query = i / a.head_dim, d = i % a.head_dim;
        const float4 of = ((threadgroup const float4 *)totals)[query];
        const float total = ((of.x + of.y) + of.z) + of.w;
        const float sum = sums[query * padded + d];
        if (splits == 1) {
            out[(row + ulong(query)) * ulong(a.head_dim) + ulong(d)] = sum / total;
            continue;
        }
        device float *to = partials + ((row + ulong(query)) * ulong(a.splits) + ulong(block)) *
                                          ulong(a.head_dim + 2);
        if (d == 0) {
            const float4 at = ((threadgroup const float4 *)most)[query];
            to[0] = max(max(at.x, at.y), max(at.z, at.w));
            to[1] = total;
        }
        to[2 + d] = sum;
    }
}

/* out = the blocks' sums, each times exp(its largest score - the largest of all), over the same of
 * their totals. One threadgroup a query head and token. Order of sums: blocks ascending, by fma. No
 * threadgroup memory, no barriers. */
kernel void met_attention_merge(constant met_metal_attention &a [[buffer(0)]],
                                device float *out [[buffer(3)]],
                                device const float *partials [[buffer(4)]],
                                uint2 group [[threadgroup_position_in_grid]],
                                uint thread_index [[thread_index_in_threadgroup]])
{
    const int splits = (a.position + int(group.y)) / MET_METAL_KV_BLOCK + 1;
    if (splits == 1) return; /* met_attention has finished it */
    const ulong row = ulong(group.y) * ulong(a.heads) + ulong(group.x);
    const int step = a.head_dim + 2;
    device const float *from = partials + row * ulong(a.splits) * ulong(step);
    float largest = from[0];
    for (int b = 1; b < splits; b++)
        largest = from[b * step] > largest ? from[b * step] : largest;
    float total = 0.0f;
    for (int b = 0; b < splits; b++)
        total = fma(met_exp(from[b * step] - largest), from[b * step + 1], total);
    for (int d = int(thread_index); d < a.head_dim; d += MET_METAL_MERGE_THREADS) {
        float sum = 0.0f;
        for (int b = 0; b < splits; b++)
            sum = fma(met_exp(from[b * step] - largest), from[b * step + 2 + d], sum);
        out[row * ulong(a.head_dim) + ulong(d)] = sum / total;
    }
}
