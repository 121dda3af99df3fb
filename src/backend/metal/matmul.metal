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
MET_METAL_CHECK((MATMUL_WEIGHT_FLOATS + MATMUL_INPUT_FLOATS) * 4 == MET_METAL_MATMUL_BYTES);

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

/* Which row of weights and which input a thread stages: two threads a row, four an input. */
struct met_stager {
    device const uchar *row;
    bool exists;     /* the row */
    int slot, begin; /* of the row, and its first column in the tile */
    int input, input_begin;
};

static inline met_stager met_find_stager(constant met_metal_product &a, met_place place,
                                         device const uchar *first, device const uchar *second,
                                         int thread_index)
{
    met_stager s = {first,        false, thread_index / 2, thread_index % 2 * 16, thread_index / 4,
                    thread_index % 4 * 8};
    const int pair = place.first_pair + s.slot % MET_METAL_MATMUL_PAIRS;
    const int2 rows = met_pair_rows(a, place.part, pair);
    const bool is_second = s.slot >= MET_METAL_MATMUL_PAIRS;
    const int row = is_second ? rows.y : rows.x;
    s.exists = row < a.part[place.part].rows; /* so does its pair then */
    s.row = is_second ? second : first;
    if (s.exists) s.row += row * met_row_bytes(a.cols);
    return s;
}

/* Onto a simdgroup's 2 x 4 matrices of sums [token][slot]: the staged columns. `inputs` and
 * `weights` begin at the simdgroup's first token and slot. */
static inline void met_multiply_tile(threadgroup const float *inputs,
                                     threadgroup const float *weights,
                                     thread simdgroup_float8x8 (&sums)[2][4])
{
    for (int c = 0; c < MATMUL_COLS; c += 8) {
        simdgroup_float8x8 in[2], w[4];
        MET_UNROLL
        for (int t = 0; t < 2; t++)
            simdgroup_load(in[t], inputs + 8 * t * MATMUL_STRIDE + c, MATMUL_STRIDE);
        MET_UNROLL
        for (int s = 0; s < 4; s++) { /* transposed: columns down, rows across */
            simdgroup_load(w[s], weights + 8 * s * MATMUL_STRIDE + c, MATMUL_STRIDE, ulong2(0, 0),
                           true);
        }
        MET_UNROLL
        for (int t = 0; t < 2; t++) {
            MET_UNROLL
            for (int s = 0; s < 4; s++)
                simdgroup_multiply_accumulate(sums[t][s], in[t], w[s], sums[t][s]);
        }
    }
}

/* The results of a threadgroup, [token][slot]: a thread takes both rows of a pair. */
static inline void met_finish_tile(constant met_metal_product &a, thread const met_sink &sink,
                                   met_place place, int first_token,
                                   threadgroup const float *results, uint thread_index)
{
    for (int i = int(thread_index); i < MET_METAL_MATMUL_PAIRS * MET_METAL_MATMUL_TOKENS;
         i += MET_METAL_MATMUL_THREADS) {
        const int pair = i % MET_METAL_MATMUL_PAIRS, token = i / MET_METAL_MATMUL_PAIRS;
        if (place.first_pair + pair >= place.pairs || first_token + token >= a.tokens) continue;
        threadgroup const float *result = results + token * MATMUL_OUT_STRIDE + pair;
        met_finish_pair(a, sink, place.part, place.first_pair + pair, first_token + token,
                        result[0], result[MET_METAL_MATMUL_PAIRS]);
    }
}

/* See arguments.h. A threadgroup has 32 pairs of rows (64 rows) and 32 tokens; each of its 4
 * simdgroups 32 of the rows and 16 of the tokens: 8 matrices of 8 x 8. 32 columns of weights and
 * inputs at a time are staged in threadgroup memory, weights as float.
 *
 * Threadgroup memory: MET_METAL_MATMUL_BYTES; the results go where the weights were.
 * Order of a sum: columns ascending in eights; within eight the hardware's.
 * Barriers: after staging, before matrices are read; after they were read, before the next staging;
 * and likewise around the results. */
[[max_total_threads_per_threadgroup(MET_METAL_MATMUL_THREADS)]]
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
                       threadgroup float *shared [[threadgroup(0)]],
                       uint2 group [[threadgroup_position_in_grid]],
                       uint thread_index [[thread_index_in_threadgroup]],
                       uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    threadgroup float *weights = shared, *inputs = shared + MATMUL_WEIGHT_FLOATS;
    const met_place place = met_find_place(a, int(group.x), MET_METAL_MATMUL_PAIRS);
    const int part = place.part, first_token = int(group.y) * MET_METAL_MATMUL_TOKENS;
    device const uchar *first = met_of_part(part, weight0, weight1, weight2);
    device const float *bias = met_of_part(part, bias0, bias1, bias2);
    const met_sink sink = {bias, fc_swiglu ? bias1 : bias, residual,
                           met_of_part(part, out0, out1, out2), rotation, kv};
    const met_stager my =
        met_find_stager(a, place, first, fc_swiglu ? weight1 : first, int(thread_index));

    const int slots = int(simdgroup) % 2 * 32, tokens = int(simdgroup) / 2 * 16;
    simdgroup_float8x8 sums[2][4];
    MET_UNROLL
    for (int i = 0; i < 8; i++)
        sums[i / 4][i % 4] = make_filled_simdgroup_matrix<float, 8>(0.0f);
    for (int column = 0; column < a.cols; column += MATMUL_COLS) {
        met_stage_weights(my.row, my.exists, column + my.begin, a.cols,
                          weights + my.slot * MATMUL_STRIDE + my.begin);
        met_stage_inputs(a, x, first_token + my.input, column + my.input_begin,
                         inputs + my.input * MATMUL_STRIDE + my.input_begin);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        met_multiply_tile(inputs + tokens * MATMUL_STRIDE, weights + slots * MATMUL_STRIDE, sums);
        threadgroup_barrier(mem_flags::mem_threadgroup);
    }

    threadgroup float *results = weights;
    MET_UNROLL
    for (int i = 0; i < 8; i++) {
        simdgroup_store(sums[i / 4][i % 4],
                        results + (tokens + i / 4 * 8) * MATMUL_OUT_STRIDE + slots + i % 4 * 8,
                        MATMUL_OUT_STRIDE);
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    met_finish_tile(a, sink, place, first_token, results, thread_index);
}
