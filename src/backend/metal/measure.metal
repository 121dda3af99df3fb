/* Owns: what the device can do at most: reading memory, and multiplying with simdgroup matrices.
 * Does not own any op of a model.
 * The invariant: every result is written, so that no compiler leaves the work out. */
#include <metal_stdlib>
#include <metal_simdgroup_matrix>

#include "backend/metal/arguments.h"

using namespace metal;

/* out[thread] = sum of the vectors thread, thread + threads, ...: neighbouring threads read
 * neighbouring vectors. No threadgroup memory, no barriers. */
[[max_total_threads_per_threadgroup(MET_METAL_READ_THREADS)]]
kernel void met_measure_read(constant met_metal_ceiling &a [[buffer(0)]],
                             device const float4 *data [[buffer(1)]],
                             device float *out [[buffer(2)]],
                             uint index [[thread_position_in_grid]],
                             uint threads [[threads_per_grid]])
{
    float4 sum = float4(0.0f);
    for (ulong i = index; i < a.count; i += threads)
        sum = sum + data[i];
    out[index] = (sum.x + sum.y) + (sum.z + sum.w);
}

/* count rounds of four independent products of 8 x 8 matrices in each simdgroup: 2048 multiply-adds
 * a round. No threadgroup memory, no barriers. */
[[max_total_threads_per_threadgroup(MET_METAL_MACS_THREADS)]]
kernel void met_measure_macs(constant met_metal_ceiling &a [[buffer(0)]],
                             device float *out [[buffer(1)]],
                             uint index [[threadgroup_position_in_grid]])
{
    simdgroup_float8x8 left = make_filled_simdgroup_matrix<float, 8, 8>(0.5f);
    simdgroup_float8x8 right = make_filled_simdgroup_matrix<float, 8, 8>(0.0625f);
    simdgroup_float8x8 sums[4];
    for (int s = 0; s < 4; s++)
        sums[s] = make_filled_simdgroup_matrix<float, 8, 8>(0.0f);
    for (ulong i = 0; i < a.count; i++) {
        for (int s = 0; s < 4; s++)
            simdgroup_multiply_accumulate(sums[s], left, right, sums[s]);
    }
    for (int s = 0; s < 4; s++)
        simdgroup_store(sums[s], out + ulong(index) * 256 + s * 64, 8);
}
