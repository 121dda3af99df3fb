/* Owns: products of 1 to 8 tokens with up to three matrices: what decoding spends its time on.
 * The invariant: a token's sums are added in the same order whatever the number of tokens, so 8
 * guessed tokens have the bits that they have one by one; and every weight is read once. */
#include <metal_stdlib>

#include "backend/metal/products.h"

#define MATVEC_SIMDGROUPS 8 /* of MET_METAL_MATVEC_THREADS threads */
#define MATVEC_SUMS 64     /* of that many simdgroups for up to 8 tokens */

/* Columns [begin, begin + count) of every token into `tile` (rows of a.tile_cols), normalised and
 * rounded as asked. A lane has 4 columns, a simdgroup 128; `count` is a multiple of 32 for Q8_0.
 * Columns up to a multiple of 8 become zeros. */
static inline void met_stage(constant met_metal_product &a, device const float *x,
                             device const float *norm, threadgroup const float *squares,
                             int begin, int count, uint simdgroup, uint lane,
                             threadgroup float *tile)
{
    for (int t = 0; t < fc_tokens; t++) {
        device const float *from = x + ulong(t) * ulong(a.cols) + ulong(begin);
        float factor = 1.0f;
        if (fc_norm) factor = met_row_factor(squares + t * MATVEC_SIMDGROUPS, a.cols, a.eps);
        for (int first = 128 * int(simdgroup); first < count;
             first += 4 * MET_METAL_MATVEC_THREADS) {
            const int i = first + 4 * int(lane);
            float4 value = met_load4(from, i, count);
            if (fc_norm) value = (value * factor) * met_load4(norm + begin, i, count);
            if (fc_weight_type == MET_METAL_Q8_0) value = met_round_q8(value);
            if (i < (count + 7) / 8 * 8)
                ((threadgroup float4 *)(tile + t * a.tile_cols + i))[0] = value;
        }
    }
}

/* The weights of a simdgroup: row 2 p + i is pair p's first or second. */
struct met_rows {
    device const uchar *of[4];
    int count; /* the last pairs may be missing, and the last pair's second row */
};

static inline met_rows met_find_rows(constant met_metal_product &a, met_place place,
                                     int first_pair, device const uchar *first,
                                     device const uchar *second)
{
    met_rows rows;
    rows.count = 0;
    MET_UNROLL
    for (int p = 0; p < 2; p++) {
        if (p >= fc_pairs || first_pair + p >= place.pairs) continue;
        const int2 pair = met_pair_rows(a, place.part, first_pair + p);
        rows.of[2 * p] = first + pair.x * met_row_bytes(a.cols);
        rows.of[2 * p + 1] = second + pair.y * met_row_bytes(a.cols);
        rows.count += pair.y < a.part[place.part].rows ? 2 : 1;
    }
    return rows;
}

/* Onto sums[row][token]: a lane's columns of the staged tile. */
static inline void met_multiply(constant met_metal_product &a, thread const met_rows &rows,
                                threadgroup const float *tile, int begin, int count, uint lane,
                                thread float (&sums)[4][MET_METAL_MATVEC_TOKENS])
{
    for (int c = 8 * int(lane); c < count; c += 256) {
        MET_UNROLL
        for (int r = 0; r < 4; r++) {
            if (r >= 2 * fc_pairs || r >= rows.count) continue; /* for the whole simdgroup */
            float4 low, high;
            const float scale = met_weights8(rows.of[r], begin + c, a.cols, low, high);
            MET_UNROLL
            for (int t = 0; t < MET_METAL_MATVEC_TOKENS; t++) {
                if (t >= fc_tokens) continue;
                threadgroup const float4 *in =
                    (threadgroup const float4 *)(tile + t * a.tile_cols + c);
                const float4 u = in[0], v = in[1];
                float sum = low.x * u.x;
                sum = fma(low.y, u.y, sum);
                sum = fma(low.z, u.z, sum);
                sum = fma(low.w, u.w, sum);
                sum = fma(high.x, v.x, sum);
                sum = fma(high.y, v.y, sum);
                sum = fma(high.z, v.z, sum);
                sum = fma(high.w, v.w, sum);
                sums[r][t] = fma(scale, sum, sums[r][t]);
            }
        }
    }
}

/* The sums of all lanes: lane p * tokens + t gets those of pair p and token t. */
static inline float2 met_collect(thread float (&sums)[4][MET_METAL_MATVEC_TOKENS], uint lane)
{
    float2 mine = float2(0.0f);
    MET_UNROLL
    for (int p = 0; p < 2; p++) {
        MET_UNROLL
        for (int t = 0; t < MET_METAL_MATVEC_TOKENS; t++) {
            if (p >= fc_pairs || t >= fc_tokens) continue;
            const float first = simd_sum(sums[2 * p][t]);
            const float second = simd_sum(sums[2 * p + 1][t]);
            if (int(lane) == p * fc_tokens + t) mine = float2(first, second);
        }
    }
    return mine;
}

/* See arguments.h. A threadgroup of 8 simdgroups, each with fc_pairs pairs of rows. A tile of the
 * inputs is staged for all, normalised and rounded; then lane l takes columns 8 l .. 8 l + 7 of
 * each 256 of the tile, for all rows and tokens of its simdgroup.
 *
 * Threadgroup memory: threadgroup(0), tile_cols * tokens floats (at most 16 KiB), and 256 bytes of
 * sums for the norm.
 * Order of a sum: 8 products of a lane by fma, ascending; times the block's scale onto the lane's
 * sum by fma, columns ascending; then the lanes.
 * Barriers: after the sums of squares; after a tile is written, before it is read; after it was
 * read, before the next one is written. */
[[max_total_threads_per_threadgroup(MET_METAL_MATVEC_THREADS)]]
kernel void met_matvec(constant met_metal_product &a [[buffer(0)]],
                       device const float *x [[buffer(1)]],
                       device const float *norm [[buffer(2)]],
                       device const uchar *weight0 [[buffer(3)]],
                       device const uchar *weight1 [[buffer(4)]],
                       device const uchar *weight2 [[buffer(5)]],
                       device const float *bias0 [[buffer(6)]],
                       device const float *bias1 [[buffer(7)]],
                       device const float *bias2 [[buffer(8)]],
                       device const float *residual [[buffer(9)]],
                       device float *out0 [[buffer(10)]],
                       device float *out1 [[buffer(11)]],
                       device float *out2 [[buffer(12)]],
                       device const float2 *rotation [[buffer(13)]],
                       device uchar *kv [[buffer(14)]],
                       threadgroup float *tile [[threadgroup(0)]],
                       uint group [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]],
                       uint lane [[thread_index_in_simdgroup]],
                       uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    threadgroup float squares[MATVEC_SUMS];
    const met_place place = met_find_place(a, int(group), fc_pairs * MATVEC_SIMDGROUPS);
    const int part = place.part, first_pair = place.first_pair + int(simdgroup) * fc_pairs;
    device const uchar *first = met_of_part(part, weight0, weight1, weight2);
    device const float *bias = met_of_part(part, bias0, bias1, bias2);
    const met_sink sink = {bias, fc_swiglu ? bias1 : bias, residual,
                           met_of_part(part, out0, out1, out2), rotation, kv};
    const met_rows rows =
        met_find_rows(a, place, first_pair, first, fc_swiglu ? weight1 : first);

    if (fc_norm) {
        for (int t = 0; t < fc_tokens; t++) {
            met_row_squares(x + ulong(t) * ulong(a.cols), a.cols, thread_index, lane,
                            squares + t * MATVEC_SIMDGROUPS);
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    float sums[4][MET_METAL_MATVEC_TOKENS] = {};
    for (int begin = 0; begin < a.cols; begin += a.tile_cols) {
        const int count = min(a.tile_cols, a.cols - begin);
        met_stage(a, x, norm, squares, begin, count, simdgroup, lane, tile);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        met_multiply(a, rows, tile, begin, count, lane, sums);
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }
    const float2 pair_sums = met_collect(sums, lane);
    const int pair = first_pair + int(lane) / fc_tokens;
    if (int(lane) < fc_pairs * fc_tokens && pair < place.pairs)
        met_finish_pair(a, sink, part, pair, int(lane) % fc_tokens, pair_sums.x, pair_sums.y);
}
