/* What the NEON kernels share: tails, the fixed tree of sums, the exponential.
 *
 * Included only by files that are compiled for ARMv8 with NEON; everything is static. The 16
 * partial sums of the contract are four registers, p[0] (sums 0-3) to p[3] (12-15). vfmaq_f32(c, a,
 * b) is fma(a, b, c). Tails are blended into sums, not padded with zeros: fma(0, 0, -0) is +0,
 * which would show. The conversions of f16 here are exact or round to nearest even and quiet NaNs,
 * as half.h does: FPCR is left as the system sets it (no flush to zero, IEEE half precision). */
#ifndef MET_BACKEND_CPU_MATH_NEON_H
#define MET_BACKEND_CPU_MATH_NEON_H

#include "backend/cpu/exp.h"
#include "backend/cpu/q8_scales.h"
#include "backend/cpu/unroll.h"

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* All bits of the first n of 4 lanes; all when n >= 4. */
static inline uint32x4_t mask4_first(size_t n)
{
    const uint32_t lanes[4] = {0, 1, 2, 3};
    return vcgtq_u32(vdupq_n_u32(n >= 4 ? 4 : (uint32_t)n), vld1q_u32(lanes));
}

/* The first n of 4 lanes, then zeros; all when n >= 4. */
static inline float32x4_t load4_first(size_t n, const float *p)
{
    if (n >= 4) return vld1q_f32(p);
    float lanes[4] = {0};
    memcpy(lanes, p, n * sizeof lanes[0]);
    return vld1q_f32(lanes);
}

static inline void store4_first(size_t n, float *p, float32x4_t v)
{
    if (n >= 4) {
        vst1q_f32(p, v);
        return;
    }
    float lanes[4];
    vst1q_f32(lanes, v);
    memcpy(p, lanes, n * sizeof lanes[0]);
}

static inline float32x4_t widen4(uint16x4_t halves)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(halves));
}

static inline float32x4_t load4_half(const uint16_t *p)
{
    return widen4(vld1_u16(p));
}

static inline float32x4_t load4_half_first(size_t n, const uint16_t *p)
{
    if (n >= 4) return load4_half(p);
    uint16_t lanes[4] = {0};
    memcpy(lanes, p, n * sizeof lanes[0]);
    return load4_half(lanes);
}

/* Elements i .. i + 3 of a row of f16 (`half`, a constant) or f32. */
MET_FORCE_INLINE float32x4_t load4(const uint8_t *row, size_t i, const bool half)
{
    return half ? load4_half((const uint16_t *)row + i) : vld1q_f32((const float *)row + i);
}

/* The first n of them, then zeros; all when n >= 4. */
MET_FORCE_INLINE float32x4_t load4_of_first(size_t n, const uint8_t *row, size_t i, const bool half)
{
    return half ? load4_half_first(n, (const uint16_t *)row + i)
                : load4_first(n, (const float *)row + i);
}

/* sums[lane] = fma(a, b, sums[lane]) for the first n lanes. */
static inline float32x4_t fma_first(size_t n, float32x4_t sums, float32x4_t a, float32x4_t b)
{
    return vbslq_f32(mask4_first(n), vfmaq_f32(sums, a, b), sums);
}

/* Steps 8 and 4 of the tree. */
static inline float32x4_t tree16_to4(const float32x4_t p[4])
{
    return vaddq_f32(vaddq_f32(p[0], p[2]), vaddq_f32(p[1], p[3]));
}

/* kernels.h: p[i] = p[i] + p[i + h] for h = 8, 4, 2, 1. */
static inline float tree16(const float32x4_t p[4])
{
    float32x4_t h4 = tree16_to4(p);
    return vpadds_f32(vadd_f32(vget_low_f32(h4), vget_high_f32(h4)));
}

/* Steps 2 and 1 of four trees. */
static inline float32x4_t tree4_of4(float32x4_t p0, float32x4_t p1, float32x4_t p2, float32x4_t p3)
{
    float32x4_t a = vaddq_f32(vcombine_f32(vget_low_f32(p0), vget_low_f32(p1)),
                              vcombine_f32(vget_high_f32(p0), vget_high_f32(p1)));
    float32x4_t b = vaddq_f32(vcombine_f32(vget_low_f32(p2), vget_low_f32(p3)),
                              vcombine_f32(vget_high_f32(p2), vget_high_f32(p3)));
    return vpaddq_f32(a, b);
}

/* exp.h. A NaN stays: FMIN and FMAX return it, unlike FMINNM and FMAXNM. */
static inline float32x4_t exp4(float32x4_t x)
{
    const float32x4_t magic = vdupq_n_f32(MET_EXP_MAGIC);
    const float32x4_t one = vdupq_n_f32(1.0f);
    const int32x4_t bias = vdupq_n_s32(127);

    x = vminq_f32(x, vdupq_n_f32(MET_EXP_HI));
    x = vmaxq_f32(x, vdupq_n_f32(MET_EXP_LO));
    float32x4_t t = vfmaq_f32(magic, x, vdupq_n_f32(MET_EXP_LOG2E));
    float32x4_t n = vsubq_f32(t, magic);
    float32x4_t r = vfmaq_f32(x, n, vdupq_n_f32(MET_EXP_MINUS_LN2_HIGH));
    r = vfmaq_f32(r, n, vdupq_n_f32(MET_EXP_MINUS_LN2_LOW));
    float32x4_t p = vfmaq_f32(vdupq_n_f32(MET_EXP_P5), vdupq_n_f32(MET_EXP_P6), r);
    p = vfmaq_f32(vdupq_n_f32(MET_EXP_P4), p, r);
    p = vfmaq_f32(vdupq_n_f32(MET_EXP_P3), p, r);
    p = vfmaq_f32(vdupq_n_f32(MET_EXP_P2), p, r);
    p = vfmaq_f32(vdupq_n_f32(MET_EXP_P1), p, r);
    p = vfmaq_f32(one, p, r);
    p = vfmaq_f32(one, p, r);

    int32x4_t k = vsubq_s32(vreinterpretq_s32_f32(t), vdupq_n_s32(MET_EXP_MAGIC_BITS));
    int32x4_t a = vshrq_n_s32(k, 1);
    int32x4_t b = vsubq_s32(k, a);
    int32x4_t scale_a = vshlq_n_s32(vaddq_s32(a, bias), 23);
    int32x4_t scale_b = vshlq_n_s32(vaddq_s32(b, bias), 23);
    return vmulq_f32(vmulq_f32(p, vreinterpretq_f32_s32(scale_a)), vreinterpretq_f32_s32(scale_b));
}

#endif
