/* What the AVX2 kernels share: masks for tails, the fixed tree of sums, the exponential.
 *
 * Included only by files that are compiled for AVX2, FMA and F16C; everything is static. The 16
 * partial sums of the contract are two registers, `low` (0-7) and `high` (8-15). Tails are blended,
 * not padded with zeros: fma(0, 0, -0) is +0, which would show. */
#ifndef MET_BACKEND_CPU_MATH_AVX2_H
#define MET_BACKEND_CPU_MATH_AVX2_H

#include "backend/cpu/exp.h"
#include "backend/cpu/q8_scales.h"
#include "backend/cpu/unroll.h"

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All bits of the first n of 8 lanes; all when n >= 8. */
static inline __m256i mask8_first(size_t n)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n >= 8 ? 8 : (int)n), lanes);
}

static inline __m256 load8_half(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

/* The first n (at most 8) of 8 lanes, then zeros. */
static inline __m256 load8_half_first(size_t n, const uint16_t *p)
{
    uint16_t lanes[8] = {0};
    memcpy(lanes, p, n * sizeof lanes[0]);
    return load8_half(lanes);
}

/* Elements i .. i + 7 of a row of f16 (`half`, a constant) or f32. */
MET_FORCE_INLINE __m256 load8(const uint8_t *row, size_t i, const bool half)
{
    return half ? load8_half((const uint16_t *)row + i) : _mm256_loadu_ps((const float *)row + i);
}

/* Steps 8 and 4 of the tree. */
static inline __m128 tree16_to4(__m256 low, __m256 high)
{
    __m256 h8 = _mm256_add_ps(low, high);
    return _mm_add_ps(_mm256_castps256_ps128(h8), _mm256_extractf128_ps(h8, 1));
}

/* kernels.h: p[i] = p[i] + p[i + h] for h = 8, 4, 2, 1. */
static inline float tree16(__m256 low, __m256 high)
{
    __m128 h4 = tree16_to4(low, high);
    __m128 h2 = _mm_add_ps(h4, _mm_movehl_ps(h4, h4));
    return _mm_cvtss_f32(_mm_add_ss(h2, _mm_movehdup_ps(h2)));
}

/* Steps 2 and 1 of four trees. */
static inline __m128 tree4_of4(__m128 p0, __m128 p1, __m128 p2, __m128 p3)
{
    __m128 a = _mm_add_ps(_mm_shuffle_ps(p0, p1, 0x44), _mm_shuffle_ps(p0, p1, 0xee));
    __m128 b = _mm_add_ps(_mm_shuffle_ps(p2, p3, 0x44), _mm_shuffle_ps(p2, p3, 0xee));
    return _mm_add_ps(_mm_shuffle_ps(a, b, 0x88), _mm_shuffle_ps(a, b, 0xdd));
}

/* exp.h. min(c, x) and max(c, x) return x when it is NaN: the operands' order matters. */
static inline __m256 exp8(__m256 x)
{
    const __m256 magic = _mm256_set1_ps(MET_EXP_MAGIC);
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256i bias = _mm256_set1_epi32(127);

    x = _mm256_min_ps(_mm256_set1_ps(MET_EXP_HI), x);
    x = _mm256_max_ps(_mm256_set1_ps(MET_EXP_LO), x);
    __m256 t = _mm256_fmadd_ps(x, _mm256_set1_ps(MET_EXP_LOG2E), magic);
    __m256 n = _mm256_sub_ps(t, magic);
    __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(MET_EXP_MINUS_LN2_HIGH), x);
    r = _mm256_fmadd_ps(n, _mm256_set1_ps(MET_EXP_MINUS_LN2_LOW), r);
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(MET_EXP_P6), r, _mm256_set1_ps(MET_EXP_P5));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MET_EXP_P4));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MET_EXP_P3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MET_EXP_P2));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(MET_EXP_P1));
    p = _mm256_fmadd_ps(p, r, one);
    p = _mm256_fmadd_ps(p, r, one);

    __m256i k = _mm256_sub_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(MET_EXP_MAGIC_BITS));
    __m256i a = _mm256_srai_epi32(k, 1);
    __m256i b = _mm256_sub_epi32(k, a);
    __m256i scale_a = _mm256_slli_epi32(_mm256_add_epi32(a, bias), 23);
    __m256i scale_b = _mm256_slli_epi32(_mm256_add_epi32(b, bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(p, _mm256_castsi256_ps(scale_a)),
                         _mm256_castsi256_ps(scale_b));
}

#endif
