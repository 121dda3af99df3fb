/* Atomic operations (MSL specification, "Atomic functions"): relaxed order only, as in Metal 3.0. */
#pragma once

namespace metal {

enum memory_order { memory_order_relaxed };
template <class T> struct atomic { T value; };
typedef atomic<int> atomic_int;
typedef atomic<uint> atomic_uint;
typedef atomic<bool> atomic_bool;
typedef atomic<float> atomic_float;
typedef atomic<ulong> atomic_ulong;

/* Declared for the spaces that atomics can lie in; the check pass needs no bodies. */
#ifdef SIM_CHECK
#define SIM_BODY(...) ;
#else
#define SIM_BODY(...) { __VA_ARGS__ }
#endif

#define SIM_FETCH(SPACE, name, expression)                                                         \
    template <class T>                                                                             \
    SIM_INLINE T name(volatile SPACE atomic<T> *object, typename sim::given<T>::type b,            \
                      memory_order)                                                                \
    SIM_BODY(T a; T next;                                                                          \
             __atomic_load(&object->value, &a, __ATOMIC_RELAXED);                                  \
             do next = (T)(expression);                                                            \
             while (!__atomic_compare_exchange(&object->value, &a, &next, true, __ATOMIC_RELAXED,  \
                                               __ATOMIC_RELAXED));                                 \
             return a;)

#define SIM_ATOMICS(SPACE)                                                                         \
    template <class T>                                                                             \
    SIM_INLINE void atomic_store_explicit(volatile SPACE atomic<T> *object,                        \
                                          typename sim::given<T>::type value, memory_order)        \
    SIM_BODY(__atomic_store(&object->value, &value, __ATOMIC_RELAXED);)                            \
    template <class T>                                                                             \
    SIM_INLINE T atomic_load_explicit(const volatile SPACE atomic<T> *object, memory_order)        \
    SIM_BODY(T r; __atomic_load(&object->value, &r, __ATOMIC_RELAXED); return r;)                  \
    template <class T>                                                                             \
    SIM_INLINE T atomic_exchange_explicit(volatile SPACE atomic<T> *object,                        \
                                          typename sim::given<T>::type value, memory_order)        \
    SIM_BODY(T r; __atomic_exchange(&object->value, &value, &r, __ATOMIC_RELAXED); return r;)      \
    template <class T>                                                                             \
    SIM_INLINE bool atomic_compare_exchange_weak_explicit(                                         \
        volatile SPACE atomic<T> *object, T *expected, typename sim::given<T>::type desired,       \
        memory_order, memory_order)                                                                \
    SIM_BODY(return __atomic_compare_exchange(&object->value, expected, &desired, true,            \
                                              __ATOMIC_RELAXED, __ATOMIC_RELAXED);)                \
    SIM_FETCH(SPACE, atomic_fetch_add_explicit, a + b)                                             \
    SIM_FETCH(SPACE, atomic_fetch_sub_explicit, a - b)                                             \
    SIM_FETCH(SPACE, atomic_fetch_and_explicit, a &b)                                              \
    SIM_FETCH(SPACE, atomic_fetch_or_explicit, a | b)                                              \
    SIM_FETCH(SPACE, atomic_fetch_xor_explicit, a ^ b)                                             \
    SIM_FETCH(SPACE, atomic_fetch_max_explicit, a < b ? b : a)                                     \
    SIM_FETCH(SPACE, atomic_fetch_min_explicit, b < a ? b : a)

SIM_ATOMICS(device)
#ifdef SIM_CHECK
SIM_ATOMICS(threadgroup)
#endif
} // namespace metal
