/* Owns: the NEON kernels that walk one row of numbers: quantizing, conversions, norm, rotation,
 * activation. The loops go 4 lanes at a time; of the last lanes only those that exist are loaded
 * and stored. */
#include "backend/cpu/kernels_neon.h"

#include "backend/cpu/math_neon.h"

#include <math.h>

enum { PARTS = MET_Q8_BLOCK / 4 }; /* registers of floats in a block */

/* One block of 32. */
static inline void quantize_block(const float *x, int8_t *q, float *scale, int32_t *offset)
{
    const uint32x4_t magnitude = vdupq_n_u32(0x7fffffff);
    float32x4_t v[PARTS];
    int32x4_t n[PARTS];
    uint32x4_t largest = vdupq_n_u32(0);
    for (size_t i = 0; i < PARTS; i++) {
        v[i] = vld1q_f32(x + 4 * i);
        largest = vmaxq_u32(largest, vandq_u32(vreinterpretq_u32_f32(v[i]), magnitude));
    }
    uint32_t max_bits = vmaxvq_u32(largest);
    float max;
    memcpy(&max, &max_bits, sizeof max);
    bool usable = max >= 0x1p-119f && max < INFINITY;
    int32x4_t mask = vdupq_n_s32(usable ? -1 : 0); /* 0: every q is 0, whatever x is */
    float inverse = usable ? 127.0f / max : 0.0f;
    int32x4_t sum = vdupq_n_s32(0);
    for (size_t i = 0; i < PARTS; i++) {
        n[i] = vandq_s32(mask, vcvtnq_s32_f32(vmulq_n_f32(v[i], inverse)));
        sum = vaddq_s32(sum, n[i]);
    }
    for (size_t i = 0; i < PARTS; i += 2) {
        int16x8_t words = vcombine_s16(vmovn_s32(n[i]), vmovn_s32(n[i + 1]));
        vst1_s8(q + 4 * i, vmovn_s16(words));
    }
    *scale = max / 127.0f;
    *offset = -128 * vaddvq_s32(sum);
}

void met_neon_quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++) {
        quantize_block(x + b * MET_Q8_BLOCK, q + b * MET_Q8_BLOCK, scale + b, offset + b);
    }
}

void met_neon_row_q8(const uint8_t *row, size_t cols, float *y)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++, row += MET_Q8_BLOCK_BYTES) {
        const float32x4_t scale = widen4(vdup_n_u16(read_u16(row)));
        const int8_t *q = (const int8_t *)row + 2;
        for (size_t i = 0; i < MET_Q8_BLOCK; i += 8, y += 8) {
            int16x8_t words = vmovl_s8(vld1_s8(q + i));
            float32x4_t low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(words)));
            float32x4_t high = vcvtq_f32_s32(vmovl_s16(vget_high_s16(words)));
            vst1q_f32(y, vmulq_f32(scale, low));
            vst1q_f32(y + 4, vmulq_f32(scale, high));
        }
    }
}

void met_neon_row_f16(const uint16_t *row, size_t cols, float *y)
{
    for (size_t i = 0; i < cols; i += 4) {
        store4_first(cols - i, y + i, load4_half_first(cols - i, row + i));
    }
}

void met_neon_to_f16(const float *x, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i += 4) {
        float32x4_t v = load4_first(n - i, x + i);
        uint16x4_t halves = vreinterpret_u16_f16(vcvt_f16_f32(v));
        if (n - i >= 4) {
            vst1_u16(y + i, halves);
        } else {
            memcpy(y + i, &halves, (n - i) * sizeof y[0]);
        }
    }
}

void met_neon_rmsnorm(const float *x, const float *w, size_t cols, float eps, float *y)
{
    if (cols == 0) return;
    const size_t whole = cols / 16 * 16;
    float32x4_t p[4] = {vdupq_n_f32(0.0f), vdupq_n_f32(0.0f), vdupq_n_f32(0.0f), vdupq_n_f32(0.0f)};
    for (size_t i = 0; i < whole; i += 16) {
        MET_UNROLL
        for (size_t j = 0; j < 4; j++) {
            float32x4_t v = vld1q_f32(x + i + 4 * j);
            p[j] = vfmaq_f32(p[j], v, v);
        }
    }
    MET_UNROLL
    for (size_t j = 0; j < 4; j++) {
        size_t i = whole + 4 * j;
        if (i >= cols) break;
        float32x4_t v = load4_first(cols - i, x + i);
        p[j] = fma_first(cols - i, p[j], v, v);
    }
    const float s = 1.0f / sqrtf(tree16(p) / (float)cols + eps);
    for (size_t i = 0; i < cols; i += 4) {
        float32x4_t v = load4_first(cols - i, x + i);
        float32x4_t g = load4_first(cols - i, w + i);
        store4_first(cols - i, y + i, vmulq_f32(vmulq_n_f32(v, s), g));
    }
}

void met_neon_rope(float *x, const float *cosine, const float *sine, size_t heads, size_t head_dim)
{
    size_t half = head_dim / 2;
    for (size_t h = 0; h < heads; h++, x += head_dim) {
        for (size_t i = 0; i < half; i += 4) {
            float32x4_t a = load4_first(half - i, x + i);
            float32x4_t b = load4_first(half - i, x + half + i);
            float32x4_t c = load4_first(half - i, cosine + i);
            float32x4_t s = load4_first(half - i, sine + i);
            store4_first(half - i, x + i, vfmaq_f32(vnegq_f32(vmulq_f32(b, s)), a, c));
            store4_first(half - i, x + half + i, vfmaq_f32(vmulq_f32(a, s), b, c));
        }
    }
}

void met_neon_swiglu(const float *g, const float *u, size_t n, float *y)
{
    const float32x4_t one = vdupq_n_f32(1.0f);
    for (size_t i = 0; i < n; i += 4) {
        float32x4_t gate = load4_first(n - i, g + i);
        float32x4_t up = load4_first(n - i, u + i);
        float32x4_t below = vaddq_f32(one, exp4(vnegq_f32(gate)));
        store4_first(n - i, y + i, vmulq_f32(vdivq_f32(gate, below), up));
    }
}

void met_neon_add(const float *a, const float *b, size_t n, float *y)
{
    for (size_t i = 0; i < n; i += 4) {
        float32x4_t v = vaddq_f32(load4_first(n - i, a + i), load4_first(n - i, b + i));
        store4_first(n - i, y + i, v);
    }
}

void met_neon_exp(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i += 4)
        store4_first(n - i, y + i, exp4(load4_first(n - i, x + i)));
}
