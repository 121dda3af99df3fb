/* Owns: attention of a few tokens, split over blocks of keys so that one token fills the device;
 * and the merge of what the splits leave.
 * The invariant: a split is a block of 128 keys at fixed positions, and its sums do not depend on
 * the number of tokens; so a token has the same bits alone and among others. Keys that a token does
 * not see change nothing, whatever the cache holds there. */
#include <metal_stdlib>

#include "backend/metal/kernels.h"

#define ATTENTION_QUERIES 8    /* most of a threadgroup: met_metal_attention_chunk */
#define ATTENTION_SIMDGROUPS 4 /* each with one tile of 32 keys */

/* What a threadgroup has. */
struct met_attention_place {
    int token, block, splits; /* blocks that the token sees */
    int visible;              /* keys of the block */
    int queries;
    int padded;  /* head_dim in the cache */
    ulong base;  /* of the block's keys, in elements; its values follow */
    ulong row;   /* of query 0 in [tokens][heads] */
};

/* Threadgroup memory; [chunk] of each. */
struct met_attention_memory {
    threadgroup float *q;       /* [padded] */
    threadgroup float *sums;    /* [padded]: the output */
    threadgroup float *weights; /* [128] of the keys */
    threadgroup float4 *most;   /* largest score of each simdgroup */
    threadgroup float4 *totals; /* of its weights */
};

static inline met_attention_place met_find_block(constant met_metal_attention &a, uint3 group)
{
    met_attention_place p;
    const int position = a.position + int(group.z);
    const int group_heads = a.heads / a.kv_heads;
    const int chunks = (group_heads + a.chunk - 1) / a.chunk;
    const int kv_head = int(group.y) / chunks, first_query = int(group.y) % chunks * a.chunk;
    p.token = int(group.z);
    p.block = int(group.x);
    p.splits = position / MET_METAL_KV_BLOCK + 1;
    p.visible = min(MET_METAL_KV_BLOCK, position + 1 - p.block * MET_METAL_KV_BLOCK);
    p.queries = min(int(a.chunk), group_heads - first_query);
    p.padded = (a.head_dim + 3) / 4 * 4;
    p.base = ulong(p.block) * a.block_elements +
             ulong(kv_head) * ulong(2 * MET_METAL_KV_BLOCK * p.padded);
    p.row = ulong(p.token) * ulong(a.heads) + ulong(kv_head * group_heads + first_query);
    return p;
}

static inline met_attention_memory met_divide_memory(threadgroup float *shared, int chunk,
                                                     int padded)
{
    met_attention_memory memory;
    memory.q = shared;
    memory.sums = memory.q + chunk * padded;
    memory.weights = memory.sums + chunk * padded;
    memory.most = (threadgroup float4 *)(memory.weights + chunk * MET_METAL_KV_BLOCK);
    memory.totals = memory.most + chunk;
    return memory;
}

static inline float met_largest4(float4 of)
{
    return max(max(of.x, of.y), max(of.z, of.w));
}

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

/* Scores to weights of the keys and their totals. Barriers: after the largest scores of simdgroups.
 * A NaN is passed over by the largest, as on the CPU, and shows in the weights. */
static inline void met_weigh_keys(constant met_metal_attention &a, met_attention_place p,
                                  met_attention_memory memory, thread float *scores, uint lane,
                                  uint simdgroup)
{
    const int key = int(simdgroup) * MET_METAL_KEY_TILE + int(lane);
    MET_UNROLL
    for (int i = 0; i < ATTENTION_QUERIES; i++) {
        if (i >= p.queries) continue;
        scores[i] = scores[i] * a.scale;
        const bool counts = key < p.visible && scores[i] > -INFINITY;
        const float of_lanes = simd_max(counts ? scores[i] : -INFINITY);
        if (lane == 0) ((threadgroup float *)(memory.most + i))[simdgroup] = of_lanes;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    MET_UNROLL
    for (int i = 0; i < ATTENTION_QUERIES; i++) {
        if (i >= p.queries) continue;
        const float largest = met_largest4(memory.most[i]);
        const float weight = key < p.visible ? met_exp(scores[i] - largest) : 0.0f;
        const float total = simd_sum(weight);
        memory.weights[i * MET_METAL_KV_BLOCK + key] = weight;
        if (lane == 0) ((threadgroup float *)(memory.totals + i))[simdgroup] = total;
    }
}

/* Weights times values, into memory.sums. Each simdgroup has its 32 keys; a lane has 4 elements of
 * the head, and up to 64 elements half a simdgroup has the even keys. Barriers: after each
 * simdgroup's turn. */
static inline void met_weigh_values(device const uchar *kv, met_attention_place p,
                                    met_attention_memory memory, uint lane, uint simdgroup)
{
    const int quads = p.padded / 4, first_key = int(simdgroup) * MET_METAL_KEY_TILE;
    const int sides = quads <= 16 ? 2 : 1; /* keys that a simdgroup has at once */
    const int width = MET_METAL_LANES / sides, side = int(lane) / width;
    const int keys = min(MET_METAL_KEY_TILE, p.visible - first_key);
    const ulong values = p.base + ulong((MET_METAL_KV_BLOCK + first_key) * p.padded);
    for (int first_quad = 0; first_quad < quads; first_quad += width) {
        const int quad = first_quad + int(lane) % width;
        float4 acc[ATTENTION_QUERIES] = {};
        for (int j = side; j < keys && quad < quads; j += sides) {
            const float4 v = met_kv_read4(kv, values + ulong(j * p.padded + 4 * quad));
            MET_UNROLL
            for (int i = 0; i < ATTENTION_QUERIES; i++) {
                if (i >= p.queries) continue;
                const float weight = memory.weights[i * MET_METAL_KV_BLOCK + first_key + j];
                acc[i] = fma(float4(weight), v, acc[i]);
            }
        }
        MET_UNROLL
        for (int i = 0; i < ATTENTION_QUERIES; i++) {
            if (i >= p.queries || sides == 1) continue;
            acc[i] += simd_shuffle_xor(acc[i], 16);
        }
        for (int s = 0; s < ATTENTION_SIMDGROUPS; s++) {
            MET_UNROLL
            for (int i = 0; i < ATTENTION_QUERIES; i++) {
                if (i >= p.queries || s != int(simdgroup) || side != 0 || quad >= quads) continue;
                threadgroup float4 *to =
                    (threadgroup float4 *)(memory.sums + i * p.padded + 4 * quad);
                to[0] = s == 0 ? acc[i] : to[0] + acc[i];
            }
            threadgroup_barrier(mem_flags::mem_threadgroup);
        }
    }
}

/* Where the token sees no other block the output; else (largest, total, sums) of this one. */
static inline void met_leave(constant met_metal_attention &a, met_attention_place p,
                             met_attention_memory memory, device float *out,
                             device float *partials, uint thread_index)
{
    for (int i = int(thread_index); i < p.queries * a.head_dim; i += MET_METAL_ATTENTION_THREADS) {
        const int query = i / a.head_dim, d = i % a.head_dim;
        const ulong row = p.row + ulong(query);
        const float4 of = memory.totals[query];
        const float total = ((of.x + of.y) + of.z) + of.w;
        const float sum = memory.sums[query * p.padded + d];
        if (p.splits == 1) {
            out[row * ulong(a.head_dim) + ulong(d)] = sum / total;
            continue;
        }
        device float *to =
            partials + (row * ulong(a.splits) + ulong(p.block)) * ulong(a.head_dim + 2);
        if (d == 0) {
            to[0] = met_largest4(memory.most[query]);
            to[1] = total;
        }
        to[2 + d] = sum;
    }
}

/* See arguments.h. A threadgroup has one block of keys, one key-value head, one token, and up to 8
 * of the query heads that share that head. 4 simdgroups; in the scores a lane is a key, in the
 * output it is 4 elements of the head.
 *
 * Threadgroup memory: met_metal_attention_bytes. Queries, output, weights of the keys, then largest
 * scores and sums by simdgroup.
 * Order of sums: a score over the elements, ascending; the sum of weights over the lanes, then over
 * simdgroups; an output element over the keys of a simdgroup (ascending; for head_dim up to 64 even
 * ones and odd ones apart), then over simdgroups, ascending.
 * Barriers: after the queries are staged; after the largest scores; after the weights and their
 * sums; after each simdgroup's turn at the output. */
[[max_total_threads_per_threadgroup(MET_METAL_ATTENTION_THREADS)]]
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
    const met_attention_place p = met_find_block(a, group);
    if (p.block >= p.splits) return; /* an earlier token: for the whole threadgroup */
    const met_attention_memory memory = met_divide_memory(shared, a.chunk, p.padded);
    for (int i = int(thread_index); i < p.queries * p.padded; i += MET_METAL_ATTENTION_THREADS) {
        const int query = i / p.padded, d = i % p.padded;
        const ulong at = (p.row + ulong(query)) * ulong(a.head_dim) + ulong(d);
        memory.q[i] = d < a.head_dim ? x[at] : 0.0f;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);

    const int first_key = int(simdgroup) * MET_METAL_KEY_TILE;
    float scores[ATTENTION_QUERIES] = {};
    if (first_key < p.visible) { /* for the whole simdgroup */
        met_scores(kv, p.base + ulong(first_key * p.padded), p.padded, p.queries, memory.q, lane,
                   scores);
    }
    met_weigh_keys(a, p, memory, scores, lane, simdgroup);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    met_weigh_values(kv, p, memory, lane, simdgroup);
    met_leave(a, p, memory, out, partials, thread_index);
}

/* out = the blocks' sums, each times exp(its largest score - the largest of all), over the same of
 * their totals. One threadgroup a query head and token. Order of sums: blocks ascending, by fma. No
 * threadgroup memory, no barriers. */
[[max_total_threads_per_threadgroup(MET_METAL_MERGE_THREADS)]]
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
