/* Barriers and what the lanes of a simdgroup do together (MSL specification,
 * "SIMD-group functions" and "Synchronization").
 *
 * Every function takes the caller's line as a hidden last argument, for messages. All live lanes of
 * a simdgroup must come to the same call: Metal would compute over the active ones; here lanes that
 * go elsewhere are reported, because which of them are active is what kernels get wrong.
 * Sums go over the lanes as a tree. Metal names no order: a test's bound must hold for any.
 */
#pragma once

namespace metal {

enum class mem_flags { mem_none = 0, mem_device = 1, mem_threadgroup = 2, mem_texture = 4 };
constexpr mem_flags operator|(mem_flags a, mem_flags b) { return (mem_flags)((int)a | (int)b); }

SIM_INLINE void threadgroup_barrier(mem_flags flags, int line = __builtin_LINE())
{
    sim_group_barrier(flags != mem_flags::mem_none, line);
}
SIM_INLINE void simdgroup_barrier(mem_flags flags, int line = __builtin_LINE())
{
    sim_subgroup_barrier(flags != mem_flags::mem_none, line);
}

} // namespace metal

namespace sim {
/* The slots are the executor's, and ordered by it: ThreadSanitizer need not look at them, and
 * looking took most of its time. */
#if __has_feature(thread_sanitizer)
#define SIM_UNWATCHED __attribute__((noinline, no_sanitize("thread"), no_builtin("memcpy")))
#else
#define SIM_UNWATCHED __attribute__((always_inline))
#endif
template <class T> SIM_UNWATCHED static inline void fetch(T *to, const void *from, int count)
{
    struct __attribute__((packed, may_alias)) loose { T value; };
    for (int i = 0; i < count; i++) to[i] = static_cast<const loose *>(from)[i].value;
}

/* What the lanes handed over. */
template <class T> struct handed {
    const char *slots;
    uint32_t present;
    bool has(int lane) const { return lane >= 0 && lane < SIM_LANES && (present >> lane & 1); }
    T at(int lane) const
    {
        T value;
        fetch(&value, slots + sizeof(T) * (size_t)lane, 1);
        return value;
    }
    /* Undefined in Metal when the lane is not there: all bits set, so that it shows. */
    T at_or_ones(int lane) const
    {
        T value;
        if (has(lane)) return at(lane);
        __builtin_memset(&value, 0xff, sizeof value);
        return value;
    }
};

template <class T> SIM_INLINE handed<T> hand_over(T value, int line)
{
    static_assert(sizeof(T) <= SIM_LANE_BYTES, "too large for the lanes to exchange");
    handed<T> h;
    h.slots = (const char *)sim_subgroup_exchange(&value, sizeof value, &h.present, line);
    return h;
}

template <class T, class F> SIM_INLINE T reduce(T value, F f, int line)
{
    handed<T> h = hand_over(value, line);
    T t[SIM_LANES];
    fetch(t, h.slots, SIM_LANES);
    if (h.present == ~0u) {
        for (int width = SIM_LANES / 2; width != 0; width /= 2)
            for (int i = 0; i < width; i++) t[i] = f(t[i], t[i + width]);
        return t[0];
    }
    uint32_t there = h.present;
    for (int width = SIM_LANES / 2; width != 0; width /= 2) {
        for (int i = 0; i < width; i++) {
            if (!(there >> (i + width) & 1)) continue;
            t[i] = there >> i & 1 ? f(t[i], t[i + width]) : t[i + width];
            there |= 1u << i;
        }
    }
    return t[0];
}

/* Over the lanes before this one; `inclusive`: and itself. */
template <class T, class F> SIM_INLINE T scan(T value, T unit, F f, bool inclusive, int line)
{
    handed<T> h = hand_over(value, line);
    int end = (int)sim_lane() + inclusive;
    T sum = unit;
    for (int i = 0; i < end; i++)
        if (h.has(i)) sum = f(sum, h.at(i));
    return sum;
}
} // namespace sim

namespace metal {

#define SIM_REDUCTION(name, expression)                                                            \
    template <class T> SIM_INLINE T name(T value, int line = __builtin_LINE())                     \
    {                                                                                              \
        return sim::reduce(value, [](T a, T b) { return (T)(expression); }, line);                 \
    }
SIM_REDUCTION(simd_sum, a + b)
SIM_REDUCTION(simd_product, a *b)
SIM_REDUCTION(simd_max, metal::max(a, b))
SIM_REDUCTION(simd_min, metal::min(a, b))
SIM_REDUCTION(simd_or, a | b)
SIM_REDUCTION(simd_and, a &b)
SIM_REDUCTION(simd_xor, a ^ b)

template <class T> SIM_INLINE T simd_prefix_inclusive_sum(T v, int line = __builtin_LINE())
{
    return sim::scan(v, (T)0, [](T a, T b) { return (T)(a + b); }, true, line);
}
template <class T> SIM_INLINE T simd_prefix_exclusive_sum(T v, int line = __builtin_LINE())
{
    return sim::scan(v, (T)0, [](T a, T b) { return (T)(a + b); }, false, line);
}
template <class T> SIM_INLINE T simd_prefix_inclusive_product(T v, int line = __builtin_LINE())
{
    return sim::scan(v, (T)1, [](T a, T b) { return (T)(a * b); }, true, line);
}
template <class T> SIM_INLINE T simd_prefix_exclusive_product(T v, int line = __builtin_LINE())
{
    return sim::scan(v, (T)1, [](T a, T b) { return (T)(a * b); }, false, line);
}

#define SIM_SHUFFLE(name, lane)                                                                    \
    template <class T> SIM_INLINE T name(T value, ushort n, int line = __builtin_LINE())           \
    {                                                                                              \
        return sim::hand_over(value, line).at_or_ones(lane);                                       \
    }
SIM_SHUFFLE(simd_shuffle, n)
SIM_SHUFFLE(simd_broadcast, n)
SIM_SHUFFLE(simd_shuffle_xor, (int)sim_lane() ^ n)
SIM_SHUFFLE(simd_shuffle_down, (int)sim_lane() + n)
SIM_SHUFFLE(simd_shuffle_up, (int)sim_lane() - n)
SIM_SHUFFLE(simd_shuffle_rotate_down, ((int)sim_lane() + n) % SIM_LANES)
SIM_SHUFFLE(simd_shuffle_rotate_up, ((int)sim_lane() - n) & (SIM_LANES - 1))
SIM_SHUFFLE(quad_broadcast, ((int)sim_lane() & ~3) + n)
SIM_SHUFFLE(quad_shuffle, ((int)sim_lane() & ~3) + n)
SIM_SHUFFLE(quad_shuffle_xor, (int)sim_lane() ^ (n & 3))

template <class T> SIM_INLINE T simd_broadcast_first(T value, int line = __builtin_LINE())
{
    sim::handed<T> h = sim::hand_over(value, line);
    return h.at(__builtin_ctz(h.present));
}
#define SIM_QUAD(name, expression)                                                                 \
    template <class T> SIM_INLINE T name(T value, int line = __builtin_LINE())                     \
    {                                                                                              \
        sim::handed<T> h = sim::hand_over(value, line);                                            \
        int first = (int)sim_lane() & ~3, last = first + 3;                                        \
        while (!h.has(first)) first++;                                                             \
        T a = h.at(first);                                                                         \
        for (int i = first + 1; i <= last; i++) {                                                  \
            if (!h.has(i)) continue;                                                               \
            T b = h.at(i);                                                                         \
            a = (T)(expression);                                                                   \
        }                                                                                          \
        return a;                                                                                  \
    }
SIM_QUAD(quad_sum, a + b)
SIM_QUAD(quad_max, metal::max(a, b))
SIM_QUAD(quad_min, metal::min(a, b))

class simd_vote {
public:
    typedef ulong vote_t;
    explicit simd_vote(vote_t bits = 0) : votes(bits) {}
    explicit operator vote_t() const { return votes; }
    bool any() const { return votes != 0; }
    bool all() const { return votes == 0xffffffffu; }
private:
    vote_t votes;
};
SIM_INLINE simd_vote simd_ballot(bool value, int line = __builtin_LINE())
{
    sim::handed<bool> h = sim::hand_over(value, line);
    ulong bits = 0;
    for (int i = 0; i < SIM_LANES; i++)
        if (h.has(i) && h.at(i)) bits |= 1ul << i;
    return simd_vote(bits);
}
SIM_INLINE simd_vote simd_active_threads_mask(int line = __builtin_LINE())
{
    return simd_ballot(true, line);
}
SIM_INLINE bool simd_any(bool v, int line = __builtin_LINE())
{
    return sim::reduce((uint)v, [](uint a, uint b) { return a | b; }, line) != 0;
}
SIM_INLINE bool simd_all(bool v, int line = __builtin_LINE())
{
    return sim::reduce((uint)v, [](uint a, uint b) { return a & b; }, line) != 0;
}
SIM_INLINE bool simd_is_first(int line = __builtin_LINE())
{
    return (int)sim_lane() == __builtin_ctz(sim::hand_over(true, line).present);
}
} // namespace metal
