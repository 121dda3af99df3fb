/* Common, math, integer, relational and geometric functions (MSL specification,
 * chapter "Metal standard library").
 *
 * Functions of half are computed in float and rounded once: for + - * / and sqrt that is the
 * correctly rounded result (24 bits are at least 2 * 11 + 2). fma of half goes through double; its
 * sum can be inexact there when the exponents differ by more than 31.
 * fast:: and precise:: are the same functions: the simulator says nothing about fast math.
 */
#pragma once

extern "C" {
float sqrtf(float) noexcept;
float expf(float) noexcept;
float exp2f(float) noexcept;
float logf(float) noexcept;
float log2f(float) noexcept;
float log10f(float) noexcept;
float sinf(float) noexcept;
float cosf(float) noexcept;
float tanf(float) noexcept;
float asinf(float) noexcept;
float acosf(float) noexcept;
float atanf(float) noexcept;
float sinhf(float) noexcept;
float coshf(float) noexcept;
float tanhf(float) noexcept;
float powf(float, float) noexcept;
float fmodf(float, float) noexcept;
float atan2f(float, float) noexcept;
float ldexpf(float, int) noexcept;
}

namespace sim {
/* Apply a function of scalars to every lane. */
template <class T> struct each {
    template <class F> static T of(F f, T a)
    {
        T r;
        for (int i = 0; i < (int)shape<T>::lanes; i++) r[i] = f(a[i]);
        return r;
    }
    template <class F> static T of(F f, T a, T b)
    {
        T r;
        for (int i = 0; i < (int)shape<T>::lanes; i++) r[i] = f(a[i], b[i]);
        return r;
    }
    template <class F> static T of(F f, T a, T b, T c)
    {
        T r;
        for (int i = 0; i < (int)shape<T>::lanes; i++) r[i] = f(a[i], b[i], c[i]);
        return r;
    }
};
#define SIM_EACH_SCALAR(T)                                                                         \
    template <> struct each<T> {                                                                   \
        template <class F> static T of(F f, T a) { return f(a); }                                  \
        template <class F> static T of(F f, T a, T b) { return f(a, b); }                          \
        template <class F> static T of(F f, T a, T b, T c) { return f(a, b, c); }                  \
    };
SIM_EACH_SCALAR(float)
SIM_EACH_SCALAR(half)
SIM_EACH_SCALAR(char)
SIM_EACH_SCALAR(signed char)
SIM_EACH_SCALAR(uchar)
SIM_EACH_SCALAR(short)
SIM_EACH_SCALAR(ushort)
SIM_EACH_SCALAR(int)
SIM_EACH_SCALAR(uint)
SIM_EACH_SCALAR(long)
SIM_EACH_SCALAR(ulong)

SIM_INLINE float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
SIM_INLINE half fused(half a, half b, half c)
{
    return (half)__builtin_fma((double)a, (double)b, (double)c);
}
template <class T> SIM_INLINE T magnitude(T x) { return x < 0 ? (T)-x : x; }
SIM_INLINE float magnitude(float x) { return __builtin_fabsf(x); }
SIM_INLINE half magnitude(half x) { return (half)__builtin_fabsf((float)x); }
SIM_INLINE bool is_nan(float x) { return __builtin_isnan(x); }
SIM_INLINE float larger(float a, float b) { return is_nan(a) || a < b ? b : a; }
SIM_INLINE float smaller(float a, float b) { return is_nan(a) || b < a ? b : a; }
} // namespace sim

namespace metal {
namespace fast = ::metal;
namespace precise = ::metal;

#define SIM_FLOATS(T)                                                                              \
    static_assert(sim::is_float<typename sim::shape<T>::element>::value,                           \
                  "a function of floating-point numbers got integers")
#define SIM_UNARY(name, expression)                                                                \
    template <class T> SIM_INLINE T name(T v)                                                      \
    {                                                                                              \
        SIM_FLOATS(T);                                                                             \
        typedef typename sim::shape<T>::element E;                                                 \
        return sim::each<T>::of([](E e) { float x = (float)e; return (E)(expression); }, v);       \
    }
SIM_UNARY(sqrt, ::sqrtf(x))
SIM_UNARY(rsqrt, 1.0f / ::sqrtf(x))
SIM_UNARY(exp, ::expf(x))
SIM_UNARY(exp2, ::exp2f(x))
SIM_UNARY(exp10, ::powf(10.0f, x))
SIM_UNARY(log, ::logf(x))
SIM_UNARY(log2, ::log2f(x))
SIM_UNARY(log10, ::log10f(x))
SIM_UNARY(sin, ::sinf(x))
SIM_UNARY(cos, ::cosf(x))
SIM_UNARY(tan, ::tanf(x))
SIM_UNARY(asin, ::asinf(x))
SIM_UNARY(acos, ::acosf(x))
SIM_UNARY(atan, ::atanf(x))
SIM_UNARY(sinh, ::sinhf(x))
SIM_UNARY(cosh, ::coshf(x))
SIM_UNARY(tanh, ::tanhf(x))
SIM_UNARY(fabs, __builtin_fabsf(x))
SIM_UNARY(floor, __builtin_floorf(x))
SIM_UNARY(ceil, __builtin_ceilf(x))
SIM_UNARY(trunc, __builtin_truncf(x))
SIM_UNARY(round, __builtin_roundf(x)) /* halves away from zero */
SIM_UNARY(rint, __builtin_rintf(x))   /* halves to even */
SIM_UNARY(fract, x - __builtin_floorf(x))
SIM_UNARY(saturate, x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f)
SIM_UNARY(sign, x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : x == 0.0f ? x : 0.0f)

#define SIM_BINARY(name, expression)                                                               \
    template <class T> SIM_INLINE T name(T v, T w)                                                 \
    {                                                                                              \
        SIM_FLOATS(T);                                                                             \
        typedef typename sim::shape<T>::element E;                                                 \
        return sim::each<T>::of(                                                                   \
            [](E e, E f) { float x = (float)e, y = (float)f; return (E)(expression); }, v, w);     \
    }
SIM_BINARY(pow, ::powf(x, y))
SIM_BINARY(powr, ::powf(x, y))
SIM_BINARY(fmod, ::fmodf(x, y))
SIM_BINARY(atan2, ::atan2f(x, y))
SIM_BINARY(copysign, __builtin_copysignf(x, y))
SIM_BINARY(fmax, sim::larger(x, y)) /* the number, when one is not */
SIM_BINARY(fmin, sim::smaller(x, y))
SIM_BINARY(divide, x / y)
SIM_BINARY(step, y < x ? 0.0f : 1.0f)

template <class T> SIM_INLINE T fma(T a, T b, T c)
{
    SIM_FLOATS(T);
    typedef typename sim::shape<T>::element E;
    return sim::each<T>::of([](E x, E y, E z) { return sim::fused(x, y, z); }, a, b, c);
}
SIM_INLINE float ldexp(float x, int e) { return ::ldexpf(x, e); }
SIM_INLINE half ldexp(half x, int e) { return (half)::ldexpf((float)x, e); }

/* Of numbers of any kind. Both arguments have one type, or the second is a scalar for a vector. */
#define SIM_CHOICE(name, expression)                                                               \
    template <class T> SIM_INLINE T name(T v, T w)                                                 \
    {                                                                                              \
        typedef typename sim::shape<T>::element E;                                                 \
        return sim::each<T>::of([](E x, E y) { return (E)(expression); }, v, w);                   \
    }                                                                                              \
    template <class T, int N>                                                                      \
    SIM_INLINE vec<T, N> name(vec<T, N> v, typename sim::given<T>::type w)                         \
    {                                                                                              \
        return metal::name(v, (vec<T, N>)w);                                                       \
    }
SIM_CHOICE(max, x < y ? y : x)
SIM_CHOICE(min, y < x ? y : x)
template <class T> SIM_INLINE T clamp(T x, T low, T high)
{
    return metal::min(metal::max(x, low), high);
}
template <class T, int N>
SIM_INLINE vec<T, N> clamp(vec<T, N> x, typename sim::given<T>::type low,
                           typename sim::given<T>::type high)
{
    return metal::clamp(x, (vec<T, N>)low, (vec<T, N>)high);
}
template <class T> SIM_INLINE T abs(T v)
{
    typedef typename sim::shape<T>::element E;
    return sim::each<T>::of([](E x) { return (E)sim::magnitude(x); }, v);
}
template <class T> SIM_INLINE T mix(T x, T y, T a) { return x + (y - x) * a; }
template <class T, int N>
SIM_INLINE vec<T, N> mix(vec<T, N> x, vec<T, N> y, typename sim::given<T>::type a)
{
    return x + (y - x) * a;
}

/* Integers. */
template <class T> SIM_INLINE T popcount(T x)
{
    return (T)__builtin_popcountll((unsigned long long)x & (~0ull >> (64 - 8 * sizeof(T))));
}
template <class T> SIM_INLINE T clz(T x)
{
    unsigned long long bits = (unsigned long long)x & (~0ull >> (64 - 8 * sizeof(T)));
    return (T)(bits == 0 ? 8 * (int)sizeof(T) : __builtin_clzll(bits) - 64 + 8 * (int)sizeof(T));
}
template <class T> SIM_INLINE T ctz(T x)
{
    unsigned long long bits = (unsigned long long)x & (~0ull >> (64 - 8 * sizeof(T)));
    return (T)(bits == 0 ? 8 * (int)sizeof(T) : __builtin_ctzll(bits));
}
SIM_INLINE int mulhi(int a, int b) { return (int)((long)a * b >> 32); }
SIM_INLINE uint mulhi(uint a, uint b) { return (uint)((ulong)a * b >> 32); }
SIM_INLINE long mulhi(long a, long b) { return (long)((__int128)a * b >> 64); }
SIM_INLINE ulong mulhi(ulong a, ulong b) { return (ulong)((unsigned __int128)a * b >> 64); }

/* Relations. A comparison of vectors gives a vector of integers here, of bool in Metal: both choose
 * by not being zero. */
SIM_INLINE bool isnan(float x) { return __builtin_isnan(x); }
SIM_INLINE bool isnan(half x) { return __builtin_isnan((float)x); }
SIM_INLINE bool isinf(float x) { return __builtin_isinf(x); }
SIM_INLINE bool isinf(half x) { return __builtin_isinf((float)x); }
SIM_INLINE bool isfinite(float x) { return __builtin_isfinite(x); }
SIM_INLINE bool isfinite(half x) { return __builtin_isfinite((float)x); }
SIM_INLINE bool signbit(float x) { return __builtin_signbitf(x); }
template <class T> SIM_INLINE T select(T a, T b, bool c) { return c ? b : a; }
template <class T, class C, int N>
SIM_INLINE vec<T, N> select(vec<T, N> a, vec<T, N> b, vec<C, N> c)
{
    vec<T, N> r;
    for (int i = 0; i < N; i++) r[i] = c[i] ? b[i] : a[i];
    return r;
}
template <class C, int N> SIM_INLINE bool any(vec<C, N> c)
{
    bool r = false;
    for (int i = 0; i < N; i++) r = r || c[i];
    return r;
}
template <class C, int N> SIM_INLINE bool all(vec<C, N> c)
{
    bool r = true;
    for (int i = 0; i < N; i++) r = r && c[i];
    return r;
}

/* Geometry. */
template <class T, int N> SIM_INLINE T dot(vec<T, N> a, vec<T, N> b)
{
    T sum = a[0] * b[0];
    for (int i = 1; i < N; i++) sum += a[i] * b[i];
    return sum;
}
template <class T, int N> SIM_INLINE T length(vec<T, N> a) { return metal::sqrt(dot(a, a)); }
template <class T, int N> SIM_INLINE vec<T, N> normalize(vec<T, N> a)
{
    return a * metal::rsqrt(dot(a, a));
}
} // namespace metal
