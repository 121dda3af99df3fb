// What test_language.py runs and compares with numpy: arithmetic, conversions, the functions of the
// standard library, simdgroups, matrices, atomics, arguments.
#include <metal_stdlib>
#include <metal_simdgroup_matrix>
using namespace metal;

// a and b are any bits; six results a pair.
kernel void half_arithmetic(device const half *a [[buffer(0)]], device const half *b [[buffer(1)]],
                            device half *out [[buffer(2)]], uint i [[thread_position_in_grid]])
{
    const half x = a[i], y = b[i];
    out[8 * i + 0] = x + y;
    out[8 * i + 1] = x - y;
    out[8 * i + 2] = x * y;
    out[8 * i + 3] = x / y;
    out[8 * i + 4] = x * y + x; // rounded twice
    out[8 * i + 5] = sqrt(fabs(x));
    out[8 * i + 6] = half(float(x) * 1.0009765625f);
    out[8 * i + 7] = fma(x, y, x);
}

kernel void half_vectors(device const half4 *a [[buffer(0)]], device half4 *out [[buffer(1)]],
                         uint i [[thread_position_in_grid]])
{
    half4 v = a[i];
    v = v * v.yxwz + half4(1.0h, 0.5h, 2.0h, 4.0h);
    v.xy += v.zw;
    out[i] = half4(v.x, v.zyx) + half4(half2(v.w), v.xy);
}

template <typename T, typename U> static T convert_one(U x) { return T(x); }

kernel void conversions(device const float4 *in [[buffer(0)]], device float *out [[buffer(1)]],
                        uint i [[thread_position_in_grid]])
{
    const float4 v = in[i];
    const int4 n = int4(v);
    const char4 c = char4(n);
    const float3 f3(v.x, v.yz);
    const float4 joined = float4(f3.zy, float2(c.xy));
    const uint bits = as_type<uint>(v.x);
    device float *o = out + 16 * i;
    o[0] = float(n.x);
    o[1] = (float4(c)).y;
    o[2] = joined.x;
    o[3] = joined.y;
    o[4] = joined.z;
    o[5] = as_type<float>(bits ^ 0x80000000u);
    o[6] = ((float4)n * 0.5).z;
    o[7] = convert_one<float4>(n).w;
    o[8] = float(convert_one<half>(v.x));
    o[9] = dot(v, float4(1, 2, 3, 4));
    o[10] = max(v, 0.0f).x + min(v, v.wzyx).y;
    o[11] = clamp(v.z, -1.0f, 1.0f);
    o[12] = select(v.x, v.y, v.z > 0.0f);
    o[13] = any(v > 0.0f) ? 1.0f : 0.0f;
    o[14] = 1.0 / 3.0 * v.x; // literals are single precision
    o[15] = static_cast<float2>(n.xy).y;
}

kernel void functions(device const float *in [[buffer(0)]], device float *out [[buffer(1)]],
                      uint i [[thread_position_in_grid]])
{
    const float x = in[i];
    device float *o = out + 16 * i;
    o[0] = precise::exp(x);
    o[1] = log(fabs(x));
    o[2] = rsqrt(fabs(x));
    o[3] = rint(x);
    o[4] = round(x);
    o[5] = floor(x);
    o[6] = tanh(x);
    o[7] = fmax(x, NAN);
    o[8] = sin(x);
    o[9] = pow(fabs(x), 0.3f);
    o[10] = float(popcount(as_type<uint>(x)));
    o[11] = float(clz(as_type<uint>(x)));
    o[12] = sign(x);
    o[13] = fma(x, x, 1.0f);
    o[14] = trunc(x);
    o[15] = float(mulhi(as_type<uint>(x), 3u));
}

struct packed_row {
    packed_float3 position;
    packed_char4 codes;
    half scale;
};

kernel void packed(device const packed_row *rows [[buffer(0)]], device float *out [[buffer(1)]],
                   device const char *bytes [[buffer(2)]], uint i [[thread_position_in_grid]])
{
    const float3 p = float3(rows[i].position) * 2.0f;
    const float4 c = float4(char4(rows[i].codes)) * float(rows[i].scale);
    const packed_char4 odd = *(device const packed_char4 *)(bytes + 1 + 4 * i);
    device float *o = out + 8 * i;
    o[0] = p.x;
    o[1] = p.z;
    o[2] = c.x;
    o[3] = c.w;
    o[4] = float(sizeof(packed_row));
    o[5] = float(odd.y);
    o[6] = float(odd.w);
    o[7] = float(sizeof(packed_float3));
}

// in: one float a lane. out: 16 results a lane.
kernel void simdgroups(device const float *in [[buffer(0)]], device float *out [[buffer(1)]],
                       uint t [[thread_index_in_threadgroup]],
                       ushort lane [[thread_index_in_simdgroup]],
                       ushort sg [[simdgroup_index_in_threadgroup]],
                       ushort sgs [[simdgroups_per_threadgroup]])
{
    const float x = in[t];
    device float *o = out + 16 * t;
    o[0] = simd_sum(x);
    o[1] = simd_max(x);
    o[2] = simd_min(x);
    o[3] = simd_shuffle_xor(x, ushort(5));
    o[4] = simd_shuffle_down(x, ushort(1));
    o[5] = simd_shuffle_up(x, ushort(2));
    o[6] = simd_broadcast(x, ushort(7));
    o[7] = simd_broadcast_first(x);
    o[8] = simd_prefix_inclusive_sum(x);
    o[9] = simd_prefix_exclusive_sum(x);
    o[10] = simd_any(x > 0.99f) ? 1.0f : 0.0f;
    o[11] = simd_all(x > -2.0f) ? 1.0f : 0.0f;
    o[12] = float(ulong(simd_vote::vote_t(simd_ballot(x > 0.0f))));
    o[13] = simd_sum(float4(x)).w;
    o[14] = float(sg) + 100.0f * float(sgs) + 10000.0f * float(lane);
    o[15] = quad_sum(x);
}

// d = a b + c for one 8 x 8 tile; e = a b^T, stored transposed; m: the elements that a lane holds.
kernel void matrices(device const half *a [[buffer(0)]], device const half *b [[buffer(1)]],
                     device const float *c [[buffer(2)]], device float *d [[buffer(3)]],
                     device float *e [[buffer(4)]], device float *m [[buffer(5)]],
                     uint lane [[thread_index_in_simdgroup]])
{
    threadgroup float tile[2 * 64];
    simdgroup_half8x8 left, right, turned;
    simdgroup_float8x8 sum;
    simdgroup_float8x8 other = make_filled_simdgroup_matrix<float, 8>(0.0f);
    simdgroup_load(left, a, 16, ulong2(8, 1)); // column 8, row 1 of a matrix with rows of 16
    simdgroup_load(right, b);
    simdgroup_load(turned, b, 8, 0, true);
    simdgroup_load(sum, c, 8);
    simdgroup_multiply_accumulate(sum, left, right, sum);
    simdgroup_multiply(other, left, turned);
    simdgroup_store(sum, tile, 16, ulong2(4, 0));
    simdgroup_barrier(mem_flags::mem_threadgroup);
    for (uint i = lane; i < 64; i += 32) d[i] = tile[i / 8 * 16 + i % 8 + 4];
    simdgroup_store(other, e, 8, 0, true);
    m[2 * lane] = sum.thread_elements()[0];
    m[2 * lane + 1] = sum.thread_elements()[1];
}

kernel void atomics(device const uint *in [[buffer(0)]], device atomic_uint *histogram [[buffer(1)]],
                    device atomic_int *extreme [[buffer(2)]], device atomic_float *sum [[buffer(3)]],
                    uint i [[thread_position_in_grid]], uint t [[thread_index_in_threadgroup]])
{
    threadgroup atomic_uint own[8];
    if (t < 8) atomic_store_explicit(&own[t], 0u, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    atomic_fetch_add_explicit(&own[in[i] & 7], 1u, memory_order_relaxed);
    atomic_fetch_max_explicit(extreme, int(in[i] & 0xffff), memory_order_relaxed);
    atomic_fetch_add_explicit(sum, 0.5f, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t < 8)
        atomic_fetch_add_explicit(&histogram[t], atomic_load_explicit(&own[t], memory_order_relaxed),
                                  memory_order_relaxed);
}

// Where every thread is, on a grid that the groups do not divide.
kernel void positions(device ushort *out [[buffer(0)]], uint3 grid [[thread_position_in_grid]],
                      ushort3 group [[threadgroup_position_in_grid]],
                      ushort3 inside [[thread_position_in_threadgroup]],
                      uint3 size [[threads_per_threadgroup]],
                      uint3 full [[dispatch_threads_per_threadgroup]],
                      uint3 groups [[threadgroups_per_grid]], uint3 all [[threads_per_grid]],
                      uint width [[threads_per_simdgroup]])
{
    device ushort *o = out + 16 * ((grid.z * all.y + grid.y) * all.x + grid.x);
    o[0] = group.x;
    o[1] = group.y;
    o[2] = group.z;
    o[3] = inside.x;
    o[4] = inside.y;
    o[5] = ushort(size.x);
    o[6] = ushort(size.y);
    o[7] = ushort(size.z);
    o[8] = ushort(full.x);
    o[9] = ushort(full.y);
    o[10] = ushort(groups.x);
    o[11] = ushort(groups.y);
    o[12] = ushort(groups.z);
    o[13] = ushort(all.x);
    o[14] = ushort(all.z);
    o[15] = ushort(width);
}

constant bool has_bias [[function_constant(0)]];
constant int rows_at_once [[function_constant(1)]];
constant float scale [[function_constant(2)]];
constant ushort offset [[function_constant(3)]];
constant bool scaled = is_function_constant_defined(scale);
constant float factor = scaled ? scale * 2.0 : 1.0;
constant int table[4] = {10, 20, 30, 40};

static float value_of(uint i) { return float(i) * factor + float(offset); }

kernel void constants(device float *out [[buffer(0)]],
                      device const float *bias [[buffer(1), function_constant(has_bias)]],
                      uint i [[thread_position_in_grid]])
{
    float v = value_of(i);
    for (int r = 0; r < rows_at_once; r++) v += float(table[r & 3]);
    if (has_bias) v += bias[i];
    out[i] = v;
}

template <typename T, int N> kernel void repeat(device const T *in [[buffer(0)]],
                                                device T *out [[buffer(1)]],
                                                uint i [[thread_position_in_grid]])
{
    T v = T(0);
    for (int k = 0; k < N; k++) v += in[i];
    out[i] = v;
}
typedef decltype(repeat<float, 2>) repeat_type;
template [[host_name("repeat_float_2")]] kernel repeat_type repeat<float, 2>;
template [[host_name("repeat_short4_3")]] kernel void repeat<short4, 3>(
    device const short4 *in [[buffer(0)]], device short4 *out [[buffer(1)]],
    uint i [[thread_position_in_grid]]);

struct sizes {
    int rows;
    int cols;
};
[[kernel, max_total_threads_per_threadgroup(64)]] void declared(
    constant sizes &s [[buffer(0)]], constant float *w [[buffer(1)]], device float *out [[buffer(2)]],
    threadgroup float *a [[threadgroup(0)]], threadgroup int *b [[threadgroup(1)]],
    uint t [[thread_index_in_threadgroup]])
{
    threadgroup float grid[8][9], more[3];
    a[t] = w[t];
    b[t] = int(t);
    grid[t % 8][t / 8 % 9] = 1.0f;
    if (t < 3) more[t] = 2.0f;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = a[t ^ 1] + float(b[t ^ 2]) + float(s.rows * 1000 + s.cols) + grid[1][0] + more[2];
}
