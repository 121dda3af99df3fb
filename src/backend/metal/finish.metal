/* Owns: the end of products that one kernel could not end: a library's (MPS), which knows nothing
 * of biases, rotation or the cache, and those of gate and up where their types differ.
 * The invariant: the same bits as if met_matmul had had the same sums. */
#include <metal_stdlib>

#include "backend/metal/products.h"

/* See arguments.h: weight[part] holds the sums, [tokens][rows]. A thread has one pair of rows of
 * one token, reads both before it writes either, and nobody else touches them; so out may be the
 * sums. No threadgroup memory, no barriers. */
[[max_total_threads_per_threadgroup(MET_METAL_FINISH_THREADS)]]
kernel void met_finish(constant met_metal_product &a [[buffer(0)]],
                       device const float *sums0 [[buffer(3)]],
                       device const float *sums1 [[buffer(4)]],
                       device const float *sums2 [[buffer(5)]],
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
                       uint thread_index [[thread_index_in_threadgroup]])
{
    const met_place place = met_find_place(a, int(group.x), MET_METAL_FINISH_THREADS);
    const int part = place.part, token = int(group.y);
    const int pair = place.first_pair + int(thread_index);
    if (pair >= place.pairs) return;
    device const float *bias = met_of_part(part, bias0, bias1, bias2);
    const met_sink sink = {bias, fc_swiglu ? bias1 : bias, residual,
                           met_of_part(part, out0, out1, out2), rotation, kv};

    device const float *first = met_of_part(part, sums0, sums1, sums2);
    device const float *second = fc_swiglu ? sums1 : first;
    const int2 row = met_pair_rows(a, part, pair);
    const ulong at = ulong(token) * ulong(a.part[part].rows);
    const float x0 = first[at + ulong(row.x)];
    const float x1 = row.y < a.part[part].rows ? second[at + ulong(row.y)] : 0.0f;
    met_finish_pair(a, sink, part, pair, token, x0, x1);
}
