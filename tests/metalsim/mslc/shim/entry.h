/* From a simulated thread to the arguments of a kernel.
 *
 * The types come from the kernel itself: a table says where each parameter's value is found, the
 * template below converts it. The table is constant and all is inlined, so nothing of it is left at
 * run time but the loads.
 */
#pragma once

namespace sim {

SIM_INLINE const uint32_t *value_of(const sim_thread *t, int source)
{
    static const uint32_t width[3] = {SIM_LANES, 1, 1};
    switch (source) {
    case SIM_THREAD_IN_GRID: return t->thread_in_grid;
    case SIM_GROUP_IN_GRID: return t->group_in_grid;
    case SIM_THREAD_IN_GROUP: return t->thread_in_group;
    case SIM_THREAD_INDEX_IN_GROUP: return &t->thread_index_in_group;
    case SIM_LANE: return &t->lane;
    case SIM_SUBGROUP_IN_GROUP: return &t->subgroup_in_group;
    case SIM_SUBGROUPS_IN_GROUP: return &t->subgroups_in_group;
    case SIM_THREADS_IN_GROUP: return t->threads_in_group;
    case SIM_FULL_THREADS_IN_GROUP: return t->full_threads_in_group;
    case SIM_GROUPS_IN_GRID: return t->groups_in_grid;
    case SIM_THREADS_IN_GRID: return t->threads_in_grid;
    default: return width;
    }
}

template <class P> struct argument {
    static P of(const sim_thread *t, const sim_parameter &p)
    {
        return (P)value_of(t, p.source)[0];
    }
};
template <class T, int N> struct argument<T __attribute__((ext_vector_type(N)))> {
    typedef T V __attribute__((ext_vector_type(N)));
    static_assert(N <= 3, "positions and sizes have up to three parts");
    static V of(const sim_thread *t, const sim_parameter &p)
    {
        const uint32_t *parts = value_of(t, p.source);
        V v;
        for (int i = 0; i < N; i++) v[i] = (T)parts[i];
        return v;
    }
};
template <class P> struct argument<const P> : argument<P> {};
template <class T> struct argument<T *> {
    static T *of(const sim_thread *t, const sim_parameter &p)
    {
        return (T *)(p.source == SIM_BUFFER ? t->buffers : t->group_memory)[p.index];
    }
};
template <class T> struct argument<T &> {
    static T &of(const sim_thread *t, const sim_parameter &p)
    {
        return *argument<T *>::of(t, p);
    }
};

template <size_t... I> struct numbers {};
template <size_t N, size_t... I> struct count_to : count_to<N - 1, N - 1, I...> {};
template <size_t... I> struct count_to<0, I...> { typedef numbers<I...> type; };

template <class... P, size_t... I>
SIM_INLINE void call(void (*f)(P...), const sim_thread *t, const sim_parameter *p, numbers<I...>)
{
    f(argument<P>::of(t, p[I])...);
}
template <class... P>
SIM_INLINE void enter(void (*f)(P...), const sim_thread *t, const sim_parameter *p)
{
    call(f, t, p, typename count_to<sizeof...(P)>::type());
}

/* Has every parameter a slot of its own? Two that exist under conditions may share one. */
constexpr bool fit(const sim_parameter *p, int count)
{
    for (int i = 0; i < count; i++) {
        if (p[i].index < 0 || p[i].index >= SIM_SLOTS) return false;
        for (int k = 0; k < i; k++) {
            bool slots = p[i].source == p[k].source && p[i].source <= SIM_GROUP_MEMORY;
            bool always = p[i].condition < 0 || p[k].condition < 0;
            if (slots && always && p[i].index == p[k].index) return false;
        }
    }
    return true;
}

/* A constant's value among those given; false leaves it zero. */
template <class T>
SIM_INLINE bool take(const sim_constant *values, int count, int index, T &to)
{
    to = T();
    for (int i = 0; i < count; i++) {
        if (values[i].index != index) continue;
        __builtin_memcpy(&to, values[i].bytes, sizeof to);
        return true;
    }
    return false;
}
} // namespace sim
