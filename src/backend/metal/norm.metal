/* Owns: the input of a product of many tokens: each row normalised, then rounded as Q8_0 products
 * want it. A product of few tokens does the same by itself (matvec.metal).
 * The invariant: a row's bits are those that met_matvec makes of it. */
#include <metal_stdlib>

#include "backend/metal/kernels.h"

/* out[token] = x[token], normalised if fc_norm, rounded if fc_quantize; out may be x.
 *
 * One threadgroup a token, MET_METAL_MATVEC_THREADS threads. Threadgroup memory: 32 bytes of sums.
 * Order of the sum: met_row_squares. The barrier is between a simdgroup's sum and its readers.
 * Thread i handles elements i, i + 256, ...: 32 neighbouring lanes are one block of 32. */
kernel void met_prepare(constant met_metal_prepare &a [[buffer(0)]],
                        device const float *x [[buffer(1)]],
                        device const float *norm [[buffer(2)]],
                        device float *out [[buffer(3)]],
                        uint token [[threadgroup_position_in_grid]],
                        uint thread_index [[thread_index_in_threadgroup]],
                        uint lane [[thread_index_in_simdgroup]])
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
    for (int i = int(thread_index); i < a.cols; i += MET_METAL_MATVEC_THREADS) {
        float value = from[i];
        if (fc_norm) value = (value * factor) * norm[i];
        if (fc_quantize) value = met_round_q8(value); /* cols is a multiple of 32: all lanes here */
        to[i] = value;
    }
}
