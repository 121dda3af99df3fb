/* Owns: products of many tokens, in tiles of simdgroup matrices: the "mlx" path of prefill.
 * The invariant: a tile beyond the tokens or rows computes zeros and stores nothing; so no element
 * depends on what lies beside it. */
#include <metal_stdlib>
#include <metal_simdgroup_matrix>

#include "backend/metal/products.h"

/* Rows of 32 columns in threadgroup memory are 36 floats apart, so that the eight rows of a matrix
 * begin in different banks. */
#define MATMUL_COLS 32
#define MATMUL_STRIDE 36
#define MATMUL_SLOTS 64 /* of rows: first rows of 32 pairs, then their second rows */
#define MATMUL_OUT_STRIDE 68
#define MATMUL_WEIGHT_FLOATS 2304 /* 64 * 36; also the results, 32 * 68 */
#define MATMUL_INPUT_FLOATS 1152  /* 32 * 36 */

/* Half a row of a tile of weights: 16 columns, scaled. Rows that do not exist are zeros. */
static inline void met_stage_weights(device const uchar *row, bool exists, int column, int cols,
                                     threadgroup float *to)
{
    for (int c = 0; c < 16; c += 8) {
        float4 low = float4(0.0f), high = float4(0.0f);
        if (exists && column + c < cols) {
            const float scale = met_weights8(row, column + c, cols, low, high);
            low = low * scale; /* exact for Q8_0: 11 and 8 bits */
            high = high * scale;
        }
        ((threadgroup float4 *)(to + c))[0] = low;
        ((threadgroup float4 *)(to + c))[1] = high;
    }
}

/* 8 columns of one token's input; zeros beyond the tokens and the columns. */
static inline void met_stage_inputs(constant met_metal_product &a, device const float *x, int token,
                                    int column, threadgroup float *to)
{
    device const float *from = x + ulong(token) * ulong(a.cols) + ulong(column);
    const int count = token < a.tokens ? a.cols - column : 0;
    ((threadgroup float4 *)to)[0] = met_load4(from, 0, count);
    ((threadgroup float4 *)to)[1] = met_load4(from, 4, count);
}

/* See arguments.h. A threadgroup has 32 pairs of rows (64 rows) and 32 tokens; each of its 4
 * simdgroups 32 of the rows and 16 of the tokens: 8 matrices of 8 x 8. 32 columns of weights and
 * inputs at a time are staged in threadgroup memory, weights as float.
 *
 * Threadgroup memory: 13824 bytes; the results go where the weights were.
 * Order of a sum: columns ascending in eights; within eight the hardware's.
 * Barriers: after staging, before matrices are read; after they were read, before the next staging;
 * and likewise around the results. */
kernel void met_matmul(constant met_metal_product &a [[buffer(0)]],
                       device const float *x [[buffer(1)]],
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
                       uint2 group [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]],
                       uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    threadgroup float weights[MATMUL_WEIGHT_FLOATS];
    threadgroup float inputs[MATMUL_INPUT_FLOATS];
    const met_place place = met_find_place(a, int(group.x), MET_METAL_MATMUL_PAIRS);
    const int part = place.part, first_token = int(group.y) * MET_METAL_MATMUL_TOKENS;
    device const uchar *first = part == 0 ? weight0 : part == 1 ? weight1 : weight2;
    device const uchar *second = fc_swiglu ? weight1 : first;
    device const float *bias = part == 0 ? bias0 : part == 1 ? bias1 : bias2;
    const met_sink sink = {bias,     fc_swiglu ? bias1 : bias,
                           residual, part == 0 ? out0 : part == 1 ? out1 : out2,
                           rotation, kv};

    /* Two threads stage a row of weights, four a token's inputs. */
    const int slot = int(thread_index) / 2, half_row = int(thread_index) % 2 * 16;
    const int slot_pair = place.first_pair + slot % MET_METAL_MATMUL_PAIRS;
    const bool is_second = slot >= MET_METAL_MATMUL_PAIRS;
    const int2 rows = met_pair_rows(a, part, slot_pair);
    const int slot_row = is_second ? rows.y : rows.x;
    const bool exists = slot_row < a.part[part].rows; /* so does its pair then */
    device const uchar *row = is_second ? second : first;
    if (exists) row += slot_row * met_row_bytes(a.cols);
    const int input = int(thread_index) / 4, input_column = int(thread_index) % 4 * 8;

    const int slots = int(simdgroup) % 2 * 32, tokens = int(simdgroup) / 2 * 16;
    simdgroup_float8x8 sums[2][4];
    MET_UNROLL
    for (int t = 0; t < 2; t++) {
        MET_UNROLL
        for (int s = 0; s < 4; s++)
            sums[t][s] = make_filled_simdgroup_matrix<float, 8>(0.0f);
    }
    for (int column = 0; column < a.cols; column += MATMUL_COLS) {
        met_stage_weights(row, exists, column + half_row, a.cols,
                          weights + slot * MATMUL_STRIDE + half_row);
        met_stage_inputs(a, x, first_token + input, column + input_column,
                         inputs + input * MATMUL_STRIDE + input_column);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        for (int c = 0; c < MATMUL_COLS; c += 8) {
            simdgroup_float8x8 in[2], w[4];
            MET_UNROLL
            for (int t = 0; t < 2; t++)
                simdgroup_load(in[t], inputs + (tokens + 8 * t) * MATMUL_STRIDE + c, MATMUL_STRIDE);
            MET_UNROLL
            for (int s = 0; s < 4; s++) { /* transposed: columns down, rows across */
                simdgroup_load(w[s], weights + (slots + 8 * s) * MATMUL_STRIDE + c, MATMUL_STRIDE,
                               ulong2(0, 0), true);
            }
            MET_UNROLL
            for (int t = 0; t < 2; t++) {
                MET_UNROLL
                for (int s = 0; s < 4; s++)
                    simdgroup_multiply_accumulate(sums[t][s], in[t], w[s], sums[t][s]);
            }
        }
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }

    /* Results as [token][slot], so that one thread finds both rows of its pair. */
    threadgroup float *results = weights;
    MET_UNROLL
    for (int t = 0; t < 2; t++) {
        MET_UNROLL
        for (int s = 0; s < 4; s++) {
            simdgroup_store(sums[t][s],
                            results + (tokens + 8 * t) * MATMUL_OUT_STRIDE + slots + 8 * s,
                            MATMUL_OUT_STRIDE);
        }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    for (int i = int(thread_index); i < MET_METAL_MATMUL_PAIRS * MET_METAL_MATMUL_TOKENS;
         i += MET_METAL_MATMUL_THREADS) {
        const int pair = i % MET_METAL_MATMUL_PAIRS, token = i / MET_METAL_MATMUL_PAIRS;
        if (place.first_pair + pair >= place.pairs || first_token + token >= a.tokens) continue;
        threadgroup const float *result = results + token * MATMUL_OUT_STRIDE + pair;
        met_finish_pair(a, sink, part, place.first_pair + pair, first_token + token, result[0],
                        result[MET_METAL_MATMUL_PAIRS]);
    }
}
