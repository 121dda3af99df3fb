// One planted bug for each mode that claims to find it. With -DFIXED the bug is gone and nothing may
// be reported. test_planted_bugs.py says which mode finds which.
#include <metal_stdlib>
using namespace metal;

#ifdef FIXED
#define BARRIER_IF_FIXED() threadgroup_barrier(mem_flags::mem_threadgroup)
#else
#define BARRIER_IF_FIXED()
#endif

// Neighbours read what a thread wrote; nobody waits in between.
kernel void no_barrier_before_read(device float *out [[buffer(0)]],
                                   uint t [[thread_index_in_threadgroup]],
                                   uint n [[threads_per_threadgroup]],
                                   uint g [[threadgroup_position_in_grid]])
{
    threadgroup float shared[64];
    shared[t] = float(t);
    BARRIER_IF_FIXED();
    out[g * n + t] = shared[(t + 33) % n];
}

// The next round overwrites what slow threads still read.
kernel void no_second_barrier(device float *out [[buffer(0)]],
                              uint t [[thread_index_in_threadgroup]],
                              uint n [[threads_per_threadgroup]],
                              uint g [[threadgroup_position_in_grid]])
{
    threadgroup float shared[64];
    float sum = 0.0f;
    for (uint round = 0; round < 4; round++) {
        shared[t] = float(round * 100 + t);
        threadgroup_barrier(mem_flags::mem_threadgroup);
        sum += shared[(t + 33) % n];
        BARRIER_IF_FIXED();
    }
    out[g * n + t] = sum;
}

// A barrier that orders no memory does not help.
kernel void barrier_without_memory(device float *out [[buffer(0)]],
                                   uint t [[thread_index_in_threadgroup]],
                                   uint n [[threads_per_threadgroup]])
{
    threadgroup float shared[64];
    shared[t] = float(t);
#ifdef FIXED
    threadgroup_barrier(mem_flags::mem_threadgroup);
#else
    threadgroup_barrier(mem_flags::mem_none);
#endif
    out[t] = shared[(t + 1) % n];
}

// Lanes of one simdgroup need no barrier of the group, but one of their own.
kernel void no_simdgroup_barrier(device float *out [[buffer(0)]],
                                 uint t [[thread_index_in_threadgroup]],
                                 uint lane [[thread_index_in_simdgroup]])
{
    threadgroup float shared[64];
    shared[t] = float(t);
#ifdef FIXED
    simdgroup_barrier(mem_flags::mem_threadgroup);
#endif
    out[t] = shared[t - lane + (lane + 1) % 32];
}

// Groups are not ordered: no barrier can help here, only another cell.
kernel void groups_share_a_cell(device float *out [[buffer(0)]],
                                uint t [[thread_index_in_threadgroup]],
                                uint n [[threads_per_threadgroup]],
                                uint g [[threadgroup_position_in_grid]])
{
#ifdef FIXED
    out[g * n + t] = float(g);
#else
    out[t] = float(g);
#endif
}

// The same with a barrier before it: what orders the threads of a group orders no groups.
kernel void groups_share_a_cell_after_a_barrier(device float *out [[buffer(0)]],
                                                uint t [[thread_index_in_threadgroup]],
                                                uint n [[threads_per_threadgroup]],
                                                uint g [[threadgroup_position_in_grid]])
{
    threadgroup_barrier(mem_flags::mem_device);
#ifdef FIXED
    out[g * n + t] = float(g);
#else
    out[t] = float(g);
#endif
}

// Two lanes of a simdgroup in two operations.
kernel void divergent_simd_operation(device float *out [[buffer(0)]],
                                     uint t [[thread_index_in_threadgroup]])
{
#ifdef FIXED
    const float sum = simd_sum(1.0f), most = simd_max(float(t));
    out[t] = t & 1 ? sum : most;
#else
    if (t & 1)
        out[t] = simd_sum(1.0f);
    else
        out[t] = simd_max(float(t));
#endif
}

// Half of a simdgroup in an operation, the other half at a barrier.
kernel void simd_operation_against_barrier(device float *out [[buffer(0)]],
                                           uint t [[thread_index_in_threadgroup]])
{
#ifdef FIXED
    out[t] = simd_sum(1.0f);
#else
    if (t < 16) out[t] = simd_sum(1.0f);
#endif
    threadgroup_barrier(mem_flags::mem_threadgroup);
}

// Half of the group returns, the rest waits for it.
kernel void barrier_after_return(device float *out [[buffer(0)]],
                                 uint t [[thread_index_in_threadgroup]])
{
#ifndef FIXED
    if (t >= 16) return;
#endif
    out[t] = 1.0f;
    threadgroup_barrier(mem_flags::mem_device);
    out[t] = 2.0f;
}

// Threads of one group at two barriers.
kernel void two_barriers(device float *out [[buffer(0)]], uint t [[thread_index_in_threadgroup]])
{
#ifdef FIXED
    threadgroup_barrier(mem_flags::mem_device);
#else
    if (t < 32)
        threadgroup_barrier(mem_flags::mem_device);
    else
        threadgroup_barrier(mem_flags::mem_threadgroup);
#endif
    out[t] = 1.0f;
}

#ifdef FIXED
#define LENGTH 65
#else
#define LENGTH 64
#endif
// One element behind a threadgroup variable, read.
kernel void variable_overrun_read(device float *out [[buffer(0)]],
                                  uint t [[thread_index_in_threadgroup]])
{
    threadgroup float shared[LENGTH];
    shared[t] = float(t);
    if (t == 0 && LENGTH > 64) shared[LENGTH - 1] = 0.0f;
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = shared[t + 1];
}

// The same, written.
kernel void variable_overrun_write(device float *out [[buffer(0)]],
                                   uint t [[thread_index_in_threadgroup]])
{
    threadgroup float shared[LENGTH];
    shared[t + 1] = float(t);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = t == 0 ? 0.0f : shared[t];
}

// Behind the memory that the dispatch gave (64 floats; 65 for the fixed one).
kernel void argument_overrun(device float *out [[buffer(0)]],
                             threadgroup float *shared [[threadgroup(0)]],
                             uint t [[thread_index_in_threadgroup]])
{
    shared[t + 1] = float(t);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = t == 0 ? 0.0f : shared[t];
}

// What nobody wrote is not zero.
kernel void read_of_nothing(device float *out [[buffer(0)]],
                            uint t [[thread_index_in_threadgroup]])
{
    threadgroup float shared[64];
#ifdef FIXED
    shared[t] = 1.0f;
#else
    if (t != 7) shared[t] = 1.0f;
#endif
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = shared[t];
}

// Behind the buffer.
kernel void buffer_overrun(device float *out [[buffer(0)]], uint i [[thread_position_in_grid]])
{
#ifdef FIXED
    out[i] = 1.0f;
#else
    out[i + 64] = 1.0f;
#endif
}

// Three elements are not a place for four to lie on.
kernel void misaligned_vector(device float *out [[buffer(0)]], uint t [[thread_index_in_threadgroup]])
{
    threadgroup float shared[260];
    threadgroup float4 *p = (threadgroup float4 *)(shared + 1);
#ifdef FIXED
    p = (threadgroup float4 *)shared;
#endif
    p[t] = float4(float(t));
    out[t] = p[t].x;
}

// Behind an array of the thread's own.
kernel void local_array_overrun(device float *out [[buffer(0)]], device const int *n [[buffer(1)]],
                                uint t [[thread_index_in_threadgroup]])
{
    float own[4] = {1, 2, 3, 4};
#ifdef FIXED
    out[t] = own[n[0] - 1];
#else
    out[t] = own[n[0]];
#endif
}

// More of its own than a thread's stack holds.
#ifdef FIXED
#define OWN 1000
#else
#define OWN 100000
#endif
kernel void large_thread(device float *out [[buffer(0)]], device const int *n [[buffer(1)]],
                         uint t [[thread_index_in_threadgroup]])
{
    float own[OWN];
    for (int i = 0; i < OWN; i++) own[i] = out[(i + n[0]) % 32];
    float sum = 0.0f;
    for (int i = 0; i < OWN; i++) sum += own[(i * n[0]) % OWN];
    out[t] = sum;
}

// Two dispatches without a barrier between them.
kernel void write_it(device float *out [[buffer(0)]], uint t [[thread_position_in_grid]])
{
    out[t] = float(t) + 1.0f;
}
// Reads what write_it wrote in a dispatch before it.
kernel void read_it(device float *out [[buffer(0)]], device float *copy [[buffer(1)]],
                    uint t [[thread_position_in_grid]], uint n [[threads_per_grid]])
{
    copy[t] = out[n - 1 - t];
}

// Each group waits for the next one's flag, which that one raises when it has seen its own neighbour's.
kernel void groups_wait_for_each_other(device float *out [[buffer(0)]],
                                       uint t [[thread_index_in_threadgroup]],
                                       uint n [[threads_per_threadgroup]],
                                       uint g [[threadgroup_position_in_grid]],
                                       uint groups [[threadgroups_per_grid]])
{
    device atomic_uint *flags = (device atomic_uint *)out;
#ifdef FIXED
    if (t == 0) atomic_store_explicit(flags + g * n, 1u, memory_order_relaxed);
#else
    while (atomic_load_explicit(flags + (g + 1) % groups * n, memory_order_relaxed) == 0) {
    }
    if (t == 0) atomic_store_explicit(flags + g * n, 1u, memory_order_relaxed);
#endif
}

// A loop that has lost its end, while the other threads wait at the barrier.
kernel void loop_without_an_end(device float *out [[buffer(0)]],
                                uint t [[thread_index_in_threadgroup]])
{
    float sum = 0.0f;
    uint left = t;
#ifdef FIXED
    for (; left != 0;) left -= 1;
#else
    for (;;) {
        sum += 1.0f;
        if (left == t) continue;
        break;
    }
#endif
    threadgroup_barrier(mem_flags::mem_none);
    out[t] = sum;
}

// What Metal does not promise, but executes: a thread of another simdgroup raises the flag.
kernel void wait_for_a_neighbour(device float *out [[buffer(0)]],
                                 uint t [[thread_index_in_threadgroup]])
{
    threadgroup atomic_uint flag;
    if (t == 0) atomic_store_explicit(&flag, 0u, memory_order_relaxed);
    threadgroup_barrier(mem_flags::mem_threadgroup);
    if (t == 40) {
        atomic_store_explicit(&flag, 7u, memory_order_relaxed);
    } else if (t < 32) {
        while (atomic_load_explicit(&flag, memory_order_relaxed) == 0) {
        }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup);
    out[t] = float(atomic_load_explicit(&flag, memory_order_relaxed));
}
