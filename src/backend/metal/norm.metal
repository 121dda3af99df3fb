/* Owns: the input of a product of many tokens: each row normalised, then rounded as Q8_0 products
 * want it. A product of few tokens does the same by itself (matvec.metal).
 * The invariant: a row's bits are those that met_matvec makes of it. */
#include <metal_stdlib>

#include "backend/metal/kernels.h"

/* out[token] = x[token], normalised if fc_norm, rounded if fc_quantize; out may be x.
 *
 * One threadgroup a token, MET_METAL_MATVEC_THREADS threads. Threadgroup memory: 32 bytes of sums.
 * Order of the sum: met_row_squares. The barrier is between a simdgroup's sum and its readers.
 * A lane has 4 elements, a simdgroup 128: eight neighbouring lanes are one block of 32. */
[[max_total_threads_per_threadgroup(MET_METAL_MATVEC_THREADS)]]
kernel void met_prepare(constant met_metal_prepare &a [[buffer(0)]],
                        device const float *x [[buffer(1)]],
                        device const float *norm [[buffer(2)]],
                        device float *out [[buffer(3)]],
                        uint token [[threadgroup_position_in_grid]],
                        uint thread_index [[thread_index_in_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]],
                        uint simdgroup [[simdgroup_index_in_threadgroup]])
{
    threadgroup float sums[8]; /* of each simdgroup */
    device const float *from = x + ulong(token) * ulong(a.cols);
    device float *to = out + ulong(token) * ulong(a.cols);
    float factor = 1.0f;
    if (fc_norm) {
        met_row_squares(from, a.cols, thread_index, lane, sums);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        factor = met_row_factor(sums, a.cols, a.eps);
    }
    for (int first = 128 * int(simdgroup); first < a.cols; first += 4 * MET_METAL_MATVEC_THREADS) {
        const int i = first + 4 * int(lane);
        float4 value = met_load4(from, i, a.cols);
        if (fc_norm) value = (value * factor) * met_load4(norm, i, a.cols);
        if (fc_quantize) value = met_round_q8(value);
        if (i + 4 <= a.cols) {
            ((device packed_float4 *)(to + i))[0] = packed_float4(value);
            continue;
        }
        for (int c = 0; i + c < a.cols; c++)
            to[i + c] = value[c];
    }
}
