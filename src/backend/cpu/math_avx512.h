/* What the AVX-512 kernels share: masks for tails, the fixed tree of sums, the exponential.
 *
 * Included only by files that are compiled for AVX-512; everything is static. Tails are masked, not
 * padded with zeros: fma(0, 0, -0) is +0, which would show. */
#ifndef MET_BACKEND_CPU_MATH_AVX512_H
#define MET_BACKEND_CPU_MATH_AVX512_H

#include "backend/cpu/exp.h"
#include "backend/cpu/q8_scales.h"
#include "backend/cpu/unroll.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first n of 16 lanes; all when n >= 16. */
static inline __mmask16 mask16_first(size_t n)
{
    if (n >= 16) return 0xffff;
    return (__mmask16)((1u << n) - 1u);
}

static inline __m512 load16_half(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static inline __m512 load16_half_masked(__mmask16 mask, const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p));
}

/* Elements i .. i + 15 of a row of f16 (`half`, a constant) or f32. */
MET_FORCE_INLINE __m512 load16(const uint8_t *row, size_t i, const bool half)
{
    return half ? load16_half((const uint16_t *)row + i) : _mm512_loadu_ps((const float *)row + i);
}

MET_FORCE_INLINE __m512 load16_masked(__mmask16 mask, const uint8_t *row, size_t i, const bool half)
{
    return half ? load16_half_masked(mask, (const uint16_t *)row + i)
                : _mm512_maskz_loadu_ps(mask, (const float *)row + i);
}

/* kernels.h: p[i] = p[i] + p[i + h] for h = 8, 4, 2, 1. */
static inline float tree16(__m512 p)
{
    __m256 h8 = _mm256_add_ps(_mm512_castps512_ps256(p), _mm512_extractf32x8_ps(p, 1));
    __m128 h4 = _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
    __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
    return _mm_cvtss_f32(_mm_add_ss(h2, _mm_movehdup_ps(h2)));
}

/* tree16 of four vectors, in the first four lanes; the others are 0. The result is not narrowed:
 * gcc 12 would fuse the narrowing with a masked store into vextractf32x4, whose mask does not keep
 * it from faulting on what is masked out. */
static inline __m512 tree16_of4(__m512 p0, __m512 p1, __m512 p2, __m512 p3)
{
    __m512 a =
        _mm512_add_ps(_mm512_shuffle_f32x4(p0, p1, 0x44), _mm512_shuffle_f32x4(p0, p1, 0xee));
    __m512 b =
        _mm512_add_ps(_mm512_shuffle_f32x4(p2, p3, 0x44), _mm512_shuffle_f32x4(p2, p3, 0xee));
    __m512 h4 = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    __m512 h2 = _mm512_add_ps(h4, _mm512_permute_ps(h4, 0x4e));
    __m512 h1 = _mm512_add_ps(h2, _mm512_permute_ps(h2, 0xb1));
    return _mm512_maskz_compress_ps(0x1111, h1);
}

/* The largest lane of each of four vectors, in the first four lanes; no lane is NaN. */
static inline __m512 max16_of4(__m512 p0, __m512 p1, __m512 p2, __m512 p3)
{
    __m512 a =
        _mm512_max_ps(_mm512_shuffle_f32x4(p0, p1, 0x44), _mm512_shuffle_f32x4(p0, p1, 0xee));
    __m512 b =
        _mm512_max_ps(_mm512_shuffle_f32x4(p2, p3, 0x44), _mm512_shuffle_f32x4(p2, p3, 0xee));
    __m512 h4 = _mm512_max_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
    __m512 h2 = _mm512_max_ps(h4, _mm512_permute_ps(h4, 0x4e));
    __m512 h1 = _mm512_max_ps(h2, _mm512_permute_ps(h2, 0xb1));
    return _mm512_maskz_compress_ps(0x1111, h1);
}

/* exp.h, of `count` vectors (a constant, at most 4) in place: step by step for all of them, so that
 * one does not wait for another. min(c, x) and max(c, x) return x when it is NaN: the operands'
 * order matters. The scaling by 2^n rounds once, as the two products of the definition do: their
 * first is exact. */
MET_FORCE_INLINE void exp16_each(__m512 *x, const size_t count)
{
    static const float coefficients[] = {MET_EXP_P5, MET_EXP_P4, MET_EXP_P3, MET_EXP_P2,
                                         MET_EXP_P1, 1.0f,       1.0f};
    const __m512 magic = _mm512_set1_ps(MET_EXP_MAGIC);
    __m512 n[4];
    __m512 p[4];

    MET_UNROLL
    for (size_t i = 0; i < count; i++) {
        x[i] = _mm512_min_ps(_mm512_set1_ps(MET_EXP_HI), x[i]);
        x[i] = _mm512_max_ps(_mm512_set1_ps(MET_EXP_LO), x[i]);
    }
    MET_UNROLL
    for (size_t i = 0; i < count; i++)
        n[i] = _mm512_fmadd_ps(x[i], _mm512_set1_ps(MET_EXP_LOG2E), magic);
    MET_UNROLL
    for (size_t i = 0; i < count; i++)
        n[i] = _mm512_sub_ps(n[i], magic);
    MET_UNROLL
    for (size_t i = 0; i < count; i++)
        x[i] = _mm512_fmadd_ps(n[i], _mm512_set1_ps(MET_EXP_MINUS_LN2_HIGH), x[i]);
    MET_UNROLL
    for (size_t i = 0; i < count; i++)
        x[i] = _mm512_fmadd_ps(n[i], _mm512_set1_ps(MET_EXP_MINUS_LN2_LOW), x[i]);
    MET_UNROLL
    for (size_t i = 0; i < count; i++)
        p[i] = _mm512_set1_ps(MET_EXP_P6);
    MET_UNROLL
    for (size_t c = 0; c < sizeof coefficients / sizeof *coefficients; c++) {
        MET_UNROLL
        for (size_t i = 0; i < count; i++)
            p[i] = _mm512_fmadd_ps(p[i], x[i], _mm512_set1_ps(coefficients[c]));
    }
    MET_UNROLL
    for (size_t i = 0; i < count; i++)
        x[i] = _mm512_scalef_ps(p[i], n[i]);
}

static inline __m512 exp16(__m512 x)
{
    exp16_each(&x, 1);
    return x;
}

#endif
