/* Scalar, vector and packed types; conversions between them; reinterpretation of bits.
 *
 * A vector is clang's ext_vector_type, which has MSL's swizzles and arithmetic. What it lacks are
 * constructors: the rewriter turns T(...) and (T)x into sim_make<T>(...).
 */
#pragma once

typedef _Float16 half;
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

constexpr half operator""h(long double x) { return (half)x; }
constexpr half operator""h(unsigned long long x) { return (half)x; }

template <class T, int N> using vec = T __attribute__((ext_vector_type(N)));

/* packed_T2 and packed_T4 are vectors that may lie at any element's address. Three elements fill
 * only three places: a struct (a plain vector for the check pass, which does not care for sizes and
 * could not convert a struct in another address space). */
template <class T> struct sim_packed3 {
    T x, y, z;
    sim_packed3() = default;
    sim_packed3(vec<T, 3> v) : x(v.x), y(v.y), z(v.z) {}
    sim_packed3(T a, T b, T c) : x(a), y(b), z(c) {}
    operator vec<T, 3>() const { return vec<T, 3>{x, y, z}; }
    T &operator[](int i) { return (&x)[i]; }
    T operator[](int i) const { return (&x)[i]; }
};
#ifdef SIM_CHECK
#define SIM_PACKED3(T) typedef T packed_##T##3 __attribute__((ext_vector_type(3)));
#else
#define SIM_PACKED3(T) typedef sim_packed3<T> packed_##T##3;
#endif
#define SIM_VECTORS(T)                                                                             \
    typedef T T##2 __attribute__((ext_vector_type(2)));                                            \
    typedef T T##3 __attribute__((ext_vector_type(3)));                                            \
    typedef T T##4 __attribute__((ext_vector_type(4)));                                            \
    typedef T packed_##T##2 __attribute__((ext_vector_type(2), aligned(sizeof(T))));               \
    typedef T packed_##T##4 __attribute__((ext_vector_type(4), aligned(sizeof(T))));               \
    SIM_PACKED3(T)
SIM_VECTORS(float)
SIM_VECTORS(half)
SIM_VECTORS(char)
SIM_VECTORS(uchar)
SIM_VECTORS(short)
SIM_VECTORS(ushort)
SIM_VECTORS(int)
SIM_VECTORS(uint)
SIM_VECTORS(long)
SIM_VECTORS(ulong)

namespace sim {
template <bool> struct truth {};
typedef truth<true> yes;
typedef truth<false> no;

/* How many lanes a type has (0: neither scalar nor vector), and what one is. */
template <class T> struct shape { enum { lanes = 0 }; typedef T element; };
template <class T, int N> struct shape<T __attribute__((ext_vector_type(N)))> {
    enum { lanes = N };
    typedef T element;
};
#define SIM_SCALAR(T, tag)                                                                         \
    template <> struct shape<T> {                                                                  \
        enum { lanes = 1, type = tag };                                                            \
        typedef T element;                                                                         \
    };
SIM_SCALAR(bool, SIM_TYPE_BOOL)
SIM_SCALAR(char, SIM_TYPE_CHAR)
SIM_SCALAR(signed char, SIM_TYPE_CHAR)
SIM_SCALAR(uchar, SIM_TYPE_UCHAR)
SIM_SCALAR(short, SIM_TYPE_SHORT)
SIM_SCALAR(ushort, SIM_TYPE_USHORT)
SIM_SCALAR(int, SIM_TYPE_INT)
SIM_SCALAR(uint, SIM_TYPE_UINT)
SIM_SCALAR(long, SIM_TYPE_LONG)
SIM_SCALAR(ulong, SIM_TYPE_ULONG)
SIM_SCALAR(half, SIM_TYPE_HALF)
SIM_SCALAR(float, SIM_TYPE_FLOAT)

template <class T> struct is_float { enum { value = 0 }; };
template <> struct is_float<float> { enum { value = 1 }; };
template <> struct is_float<half> { enum { value = 1 }; };
template <class A, class B> struct same { enum { value = 0 }; };
template <class A> struct same<A, A> { enum { value = 1 }; };

template <class T> struct plain { typedef T type; };
template <class T> struct plain<const T> { typedef T type; };
template <class T> struct given { typedef T type; }; /* keeps a parameter out of deduction */

/* One value to V, by the lanes of both. */
template <class V, class S, int TO, int FROM> struct convert_one {
    static_assert(TO == FROM, "a vector is made from one of another length");
    static V from(S s) { return __builtin_convertvector(s, V); }
};
template <class V, class S, int FROM> struct convert_one<V, S, 0, FROM> {
    static V from(S s) { return V(s); }
};
template <class V, class S> struct convert_one<V, S, 1, 1> {
    static V from(S s) { return (V)s; }
};
template <class V, class S, int TO> struct convert_one<V, S, TO, 1> {
    static V from(S s) { return (V)(typename shape<V>::element)s; }
};
template <class V, class S> struct convert_one<V, S, 0, 1> {
    static V from(S s) { return V(s); }
};
template <class V, class S> struct convert_one<V, S, 1, 0> {
    static V from(S s) { return (V)s; }
};
template <class V, class S, int TO> struct convert_one<V, S, TO, 0> {
    static V from(S s) { return (V)s; }
};

template <class D, class E> SIM_INLINE void put(D &to, int &at, E from, yes)
{
    to[at++] = (typename shape<D>::element)from;
}
template <class D, class E> SIM_INLINE void put(D &to, int &at, E from, no)
{
    for (int i = 0; i < (int)shape<E>::lanes; i++) to[at++] = (typename shape<D>::element)from[i];
}
template <class... A> struct lanes_of { enum { value = 0 }; };
template <class A, class... R> struct lanes_of<A, R...> {
    enum { value = shape<A>::lanes + lanes_of<R...>::value };
};

/* Several values to V: their lanes one after another. */
template <class V, int LANES> struct make_many {
    template <class... A> static V from(A... parts)
    {
        static_assert(lanes_of<A...>::value == LANES, "a vector has another number of lanes");
        V v;
        int at = 0;
        int order[] = {(put(v, at, parts, truth<shape<A>::lanes == 1>()), 0)...};
        (void)order;
        return v;
    }
};
template <class V> struct make_many<V, 0> {
    template <class... A> static V from(A... parts) { return V(parts...); }
};
} // namespace sim

template <class V> SIM_INLINE V sim_make() { return V{}; }
template <class V, class S> SIM_INLINE V sim_make(S s)
{
    return sim::convert_one<V, S, sim::shape<V>::lanes, sim::shape<S>::lanes>::from(s);
}
template <class V, class A, class B, class... R> SIM_INLINE V sim_make(A a, B b, R... rest)
{
    return sim::make_many<V, sim::shape<V>::lanes>::from(a, b, rest...);
}
/* A cast of a pointer may change what it points to, not where that lies. */
#ifdef SIM_CHECK
namespace sim {
template <class T> struct space { enum { value = 0 }; };
template <class T> struct space<device T *> { enum { value = 1 }; };
template <class T> struct space<__attribute__((address_space(2))) T *> { enum { value = 2 }; };
template <class T> struct space<threadgroup T *> { enum { value = 3 }; };
} // namespace sim
template <class D, class S> SIM_INLINE D sim_pointer_cast(S *s)
{
    static_assert((int)sim::space<D>::value == (int)sim::space<S *>::value,
                  "a cast changes the address space");
    return (D)s;
}
template <class D> SIM_INLINE D sim_pointer_cast(ulong address) { return (D)address; }
#endif

template <class D, class S> SIM_INLINE D as_type(S s)
{
    static_assert(sizeof(D) == sizeof(S), "as_type to a type of another size");
    D d;
    __builtin_memcpy(&d, &s, sizeof d);
    return d;
}

namespace metal {
using ::sim_make;
using ::as_type;
using ::vec;
} // namespace metal
