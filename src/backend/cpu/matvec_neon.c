/* Owns: NEON products of a weight matrix with one vector: the kernels that decoding lives on.
 *
 * All of them are bound by reading the weights once: one linear stream of prefetches runs through
 * the rows that come next, because several rows are read side by side. The prefetches stand in the
 * loops themselves: gcc 12 drops them from a loop or an inline function of their own. The distance
 * and the rows in flight are those of matvec_avx2.c, where they were measured. */
#include "backend/cpu/kernels_neon.h"

#include "backend/cpu/math_neon.h"

enum {
    Q8_ROWS = 8,
    FLOAT_ROWS = 2,
    AHEAD_BYTES = 2048, /* how far into the next rows the prefetches point */
    LINE_BYTES = 64
};

/* Four partial sums of w * x over one block of one row. */
static inline int32x4_t block_dot(const uint8_t *block, int8x16_t x0, int8x16_t x1)
{
    const int8_t *w = (const int8_t *)block + 2;
    int32x4_t sums = vdotq_s32(vdupq_n_s32(0), vld1q_s8(w), x0);
    return vdotq_s32(sums, vld1q_s8(w + 16), x1);
}

/* The sums of one block of four rows. */
static inline int32x4_t block_sums4(const uint8_t *w, size_t row_bytes, int8x16_t x0, int8x16_t x1)
{
    int32x4_t low = vpaddq_s32(block_dot(w, x0, x1), block_dot(w + row_bytes, x0, x1));
    int32x4_t high =
        vpaddq_s32(block_dot(w + 2 * row_bytes, x0, x1), block_dot(w + 3 * row_bytes, x0, x1));
    return vpaddq_s32(low, high);
}

/* The scales of one block of four rows. */
static inline float32x4_t block_scales4(const uint8_t *w, size_t row_bytes)
{
    uint16x4_t h = vdup_n_u16(read_u16(w));
    h = vset_lane_u16(read_u16(w + row_bytes), h, 1);
    h = vset_lane_u16(read_u16(w + 2 * row_bytes), h, 2);
    h = vset_lane_u16(read_u16(w + 3 * row_bytes), h, 3);
    return widen4(h);
}

/* y[0 .. 7] for eight rows that lie row_bytes apart; with row_bytes 0, one row eight times. The
 * block sums of four rows are transposed while they are added, so that one conversion,
 * multiplication and fma serves four rows. */
static inline void q8_dot8(const uint8_t *w, size_t row_bytes, size_t blocks, const int8_t *q,
                           const float *scale, float y[Q8_ROWS])
{
    const uint8_t *ahead = w + Q8_ROWS * row_bytes + AHEAD_BYTES;
    float32x4_t low = vdupq_n_f32(0.0f);
    float32x4_t high = vdupq_n_f32(0.0f);
    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES, q += MET_Q8_BLOCK) {
        const uint8_t *w4 = w + 4 * row_bytes;
        int8x16_t x0 = vld1q_s8(q);
        int8x16_t x1 = vld1q_s8(q + 16);
        float32x4_t d0 = vmulq_n_f32(block_scales4(w, row_bytes), scale[b]);
        float32x4_t d1 = vmulq_n_f32(block_scales4(w4, row_bytes), scale[b]);
        low = vfmaq_f32(low, vcvtq_f32_s32(block_sums4(w, row_bytes, x0, x1)), d0);
        high = vfmaq_f32(high, vcvtq_f32_s32(block_sums4(w4, row_bytes, x0, x1)), d1);

        /* Eight blocks are 272 bytes: four lines, and a fifth every fourth time. */
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + LINE_BYTES);
        __builtin_prefetch(ahead + 2 * LINE_BYTES);
        __builtin_prefetch(ahead + 3 * LINE_BYTES);
        if (b % 4 == 3) __builtin_prefetch(ahead + 4 * LINE_BYTES);
        ahead += Q8_ROWS * MET_Q8_BLOCK_BYTES;
    }
    vst1q_f32(y, low);
    vst1q_f32(y + 4, high);
}

void met_neon_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                        const float *scale, const int32_t *offset, float *y)
{
    (void)offset; /* for products that take unsigned weights */
    size_t blocks = cols / MET_Q8_BLOCK;
    size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    size_t r = 0;
    for (; r + Q8_ROWS <= rows; r += Q8_ROWS, w += Q8_ROWS * row_bytes) {
        q8_dot8(w, row_bytes, blocks, q, scale, y + r);
    }
    for (; r < rows; r++, w += row_bytes) {
        float same[Q8_ROWS];
        q8_dot8(w, 0, blocks, q, scale, same);
        y[r] = same[0];
    }
}

void met_neon_matvec_q8_each(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                             size_t tokens, float *y, size_t y_stride)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        for (size_t t = 0; t < tokens; t++) {
            met_neon_matvec_q8(w + r * blocks * MET_Q8_BLOCK_BYTES, here, cols, x->q + t * cols,
                               x->scale + t * blocks, x->offset + t * blocks, y + t * y_stride + r);
        }
    }
}

/* y[0 .. rows) for rows that lie row_bytes apart; `rows` (1 or 2) and `half` are constants. */
MET_FORCE_INLINE void float_dot(const uint8_t *w, size_t row_bytes, size_t cols, const float *x,
                                float *y, const size_t rows, const bool half)
{
    const size_t step_bytes = rows * 16 * (half ? sizeof(uint16_t) : sizeof(float));
    const uint8_t *ahead = w + rows * row_bytes + AHEAD_BYTES;
    const size_t whole = cols / 16 * 16;
    float32x4_t p[FLOAT_ROWS][4];
    for (size_t r = 0; r < rows; r++)
        p[r][0] = p[r][1] = p[r][2] = p[r][3] = vdupq_n_f32(0.0f);
    for (size_t k = 0; k < whole; k += 16) {
        MET_UNROLL
        for (size_t i = 0; i < 4; i++) {
            float32x4_t v = vld1q_f32(x + k + 4 * i);
            MET_UNROLL
            for (size_t r = 0; r < rows; r++)
                p[r][i] = vfmaq_f32(p[r][i], load4(w + r * row_bytes, k + 4 * i, half), v);
        }
        __builtin_prefetch(ahead);
        if (!half) __builtin_prefetch(ahead + LINE_BYTES);
        ahead += step_bytes;
    }
    MET_UNROLL
    for (size_t r = 0; r < rows; r++) {
        MET_UNROLL
        for (size_t i = 0; i < 4; i++) {
            size_t k = whole + 4 * i;
            if (k >= cols) break;
            p[r][i] =
                fma_first(cols - k, p[r][i], load4_of_first(cols - k, w + r * row_bytes, k, half),
                          load4_first(cols - k, x + k));
        }
        y[r] = tree16(p[r]);
    }
}

MET_FORCE_INLINE void matvec_float(const uint8_t *w, size_t rows, size_t cols, const float *x,
                                   float *y, const bool half)
{
    size_t row_bytes = cols * (half ? sizeof(uint16_t) : sizeof(float));
    size_t r = 0;
    for (; r + FLOAT_ROWS <= rows; r += FLOAT_ROWS, w += FLOAT_ROWS * row_bytes) {
        float_dot(w, row_bytes, cols, x, y + r, FLOAT_ROWS, half);
    }
    if (r < rows) float_dot(w, row_bytes, cols, x, y + r, 1, half);
}

void met_neon_matvec_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y)
{
    matvec_float((const uint8_t *)w, rows, cols, x, y, true);
}

void met_neon_matvec_f32(const float *w, size_t rows, size_t cols, const float *x, float *y)
{
    matvec_float((const uint8_t *)w, rows, cols, x, y, false);
}
