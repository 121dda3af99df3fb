/* Owns: what every kernel is made of: the constants that specialise it, the exponential, and the
 * rounding of activations. MSL only; to a C compiler this file is empty.
 * Does not own: any op.
 * The invariant: exp and rounding do the operations of the CPU machine in the same order, so that
 * they differ only where the GPU flushes subnormal numbers.
 *
 * Compiled with fast math off: infinities and NaNs go the way that IEEE 754 gives them. */
#ifndef MET_BACKEND_METAL_KERNELS_H
#define MET_BACKEND_METAL_KERNELS_H

#ifdef __METAL_VERSION__

#include "backend/metal/arguments.h"

using namespace metal;

constant int fc_weight_type [[function_constant(MET_METAL_FC_WEIGHT_TYPE)]];
constant int fc_tokens [[function_constant(MET_METAL_FC_TOKENS)]];
constant int fc_pairs [[function_constant(MET_METAL_FC_PAIRS)]];
constant bool fc_norm [[function_constant(MET_METAL_FC_NORM)]];
constant bool fc_quantize [[function_constant(MET_METAL_FC_QUANTIZE)]];
constant bool fc_swiglu [[function_constant(MET_METAL_FC_SWIGLU)]];
constant bool fc_kv_f32 [[function_constant(MET_METAL_FC_KV_F32)]];
constant int fc_head_dim [[function_constant(MET_METAL_FC_HEAD_DIM)]];
constant bool fc_penalize [[function_constant(MET_METAL_FC_PENALIZE)]];

/* met_dtype */
#define MET_METAL_F32 0
#define MET_METAL_F16 1
#define MET_METAL_Q8_0 2

#define MET_METAL_LANES 32

/* Before a loop over an array that is to stay in registers: every index becomes a constant. So the
 * bound is a number, and what a function constant leaves out is skipped inside. */
#define MET_UNROLL _Pragma("clang loop unroll(full)")

/* e^x by the polynomial of src/backend/cpu/exp.h, operation by operation: every step that could be
 * contracted is an fma already. */
static inline float met_exp(float x)
{
    x = 89.0f < x ? 89.0f : x; /* in this order a NaN stays */
    x = -104.0f > x ? -104.0f : x;
    const float magic = 12582912.0f; /* 1.5 * 2^23: adding it leaves the nearest integer below */
    const float t = fma(x, 1.44269504088896341f, magic);
    const float n = t - magic;
    float r = fma(n, -0.693359375f, x);
    r = fma(n, 2.12194440e-4f, r);
    float p = fma(1.9875691500e-4f, r, 1.3981999507e-3f);
    p = fma(p, r, 8.3334519073e-3f);
    p = fma(p, r, 4.1665795894e-2f);
    p = fma(p, r, 1.6666665459e-1f);
    p = fma(p, r, 5.0000001201e-1f);
    p = fma(p, r, 1.0f);
    p = fma(p, r, 1.0f);
    const int k = int(as_type<uint>(t) - 0x4b400000u);
    const int a = k >> 1, b = k - a;
    return p * as_type<float>(uint(a + 127) << 23) * as_type<float>(uint(b + 127) << 23);
}

/* Four neighbouring elements of the cache; `index` is a multiple of 4. */
static inline float4 met_kv_read4(device const uchar *kv, ulong index)
{
    if (fc_kv_f32) return ((device const float4 *)kv)[index / 4];
    return float4(((device const half4 *)kv)[index / 4]);
}

/* silu(gate) * up */
static inline float met_swiglu(float gate, float up)
{
    return (gate / (1.0f + met_exp(-gate))) * up;
}

/* x[i .. i + 3]; zeros from `count` on. */
static inline float4 met_load4(device const float *x, int i, int count)
{
    if (i + 4 <= count) return float4(((device const packed_float4 *)(x + i))[0]);
    float4 value = float4(0.0f);
    for (int c = 0; i + c < count; c++)
        value[c] = x[i + c];
    return value;
}

/* A lane's four elements as a Q8_0 product sees them: 8-bit numbers times the block's scale. Eight
 * neighbouring lanes have a block; all lanes of the simdgroup call it.
 * scale = m / 127 with m = max |x|, taken on bits so that a NaN wins; the numbers are
 * round_half_even(x * (127 / m)), or 0 where m is too small for 127 / m. With an infinity or a NaN
 * in the block all of it becomes NaN, as on the CPU. */
static inline float4 met_round_q8(float4 x)
{
    const uint4 bits = as_type<uint4>(x) & 0x7fffffffu;
    uint most_bits = max(max(bits.x, bits.y), max(bits.z, bits.w));
    most_bits = max(most_bits, simd_shuffle_xor(most_bits, 1));
    most_bits = max(most_bits, simd_shuffle_xor(most_bits, 2));
    most_bits = max(most_bits, simd_shuffle_xor(most_bits, 4));
    const float most = as_type<float>(most_bits);
    float4 q = float4(0.0f);
    if (most >= 1.5046328e-36f)                 /* 2^-119 */
        q = rint(x * (127.0f / most)) + 0.0f; /* -0 is no int8 */
    return q * (most / 127.0f);
}

/* One row's factor 1 / sqrt(mean(x^2) + eps), for all MET_METAL_MATVEC_THREADS threads of a group.
 * Order: thread i sums elements 4 i .. 4 i + 3 of each 1024; the lanes of a simdgroup; the
 * simdgroups, ascending.
 * met_row_squares leaves the simdgroups' sums in sums[8]; a barrier; met_row_factor reads them. */
static inline void met_row_squares(device const float *x, int cols, uint thread_index, uint lane,
                                   threadgroup float *sums)
{
    float sum = 0.0f;
    for (int i = 4 * int(thread_index); i < cols; i += 4 * MET_METAL_MATVEC_THREADS) {
        const float4 value = met_load4(x, i, cols);
        for (int c = 0; c < 4; c++)
            sum = fma(value[c], value[c], sum);
    }
    sum = simd_sum(sum);
    if (lane == 0) sums[thread_index / MET_METAL_LANES] = sum;
}

static inline float met_row_factor(threadgroup const float *sums, int cols, float eps)
{
    float sum = sums[0];
    for (int i = 1; i < MET_METAL_MATVEC_THREADS / MET_METAL_LANES; i++)
        sum += sums[i];
    return 1.0f / precise::sqrt(sum / float(cols) + eps);
}

#endif

#endif
