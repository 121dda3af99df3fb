/* The product of a Q8_0 matrix with one vector in 256-bit registers: the kernel that decoding lives
 * on, shared by the x86 levels, which differ only in how they multiply the bytes of a block.
 *
 * It is bound by reading the weights once. What decides is that one linear stream of prefetches
 * runs through the rows that come next: eight rows are read side by side, which the hardware's
 * prefetcher follows badly (docs/KERNELS.md has the figures). The prefetches stand in the loop
 * itself: gcc 12 drops them from a loop or an inline function of their own, which it takes to be
 * without effect. */
#ifndef MET_BACKEND_CPU_MATVEC_Q8_256_H
#define MET_BACKEND_CPU_MATVEC_Q8_256_H

#include "backend/cpu/kernels.h"
#include "backend/cpu/math_avx2.h"

enum {
    Q8_ROWS = 8,
    Q8_AHEAD_BYTES = 2048, /* how far into the next rows the prefetches point */
    Q8_LINE_BYTES = 64
};

/* Eight partial sums of w * x over one block of one row. */
typedef __m256i (*q8_block_dot)(const uint8_t *block, __m256i x);

/* [u0+u1, u2+u3, v0+v1, v2+v3] in each half. */
static inline __m256i add_pairs(__m256i u, __m256i v)
{
    __m256 a = _mm256_castsi256_ps(u);
    __m256 b = _mm256_castsi256_ps(v);
    return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                            _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)));
}

/* Eight rows that lie row_bytes apart; with row_bytes 0, one row eight times. The block sums of
 * the rows are transposed while they are added, so that one conversion, multiplication and fma
 * serves eight rows. `dot` is a constant in every call. */
MET_FORCE_INLINE __m256 q8_dot8(const uint8_t *w, size_t row_bytes, size_t blocks, const int8_t *q,
                                const float *scale, const q8_block_dot dot)
{
    const uint8_t *ahead = w + Q8_ROWS * row_bytes + Q8_AHEAD_BYTES;
    __m256 acc = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES, q += MET_Q8_BLOCK) {
        const uint8_t *w4 = w + 4 * row_bytes;
        __m256i x = _mm256_loadu_si256((const __m256i *)q);
        __m256i low = add_pairs(add_pairs(dot(w, x), dot(w + row_bytes, x)),
                                add_pairs(dot(w + 2 * row_bytes, x), dot(w + 3 * row_bytes, x)));
        __m256i high = add_pairs(add_pairs(dot(w4, x), dot(w4 + row_bytes, x)),
                                 add_pairs(dot(w4 + 2 * row_bytes, x), dot(w4 + 3 * row_bytes, x)));
        __m256i sums = _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20),
                                        _mm256_permute2x128_si256(low, high, 0x31));
        __m256 d =
            _mm256_mul_ps(_mm256_cvtph_ps(q8_scales8(w, row_bytes)), _mm256_set1_ps(scale[b]));
        acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), d, acc);

        /* Eight blocks are 272 bytes: four lines, and a fifth every fourth time. */
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + Q8_LINE_BYTES);
        __builtin_prefetch(ahead + 2 * Q8_LINE_BYTES);
        __builtin_prefetch(ahead + 3 * Q8_LINE_BYTES);
        if (b % 4 == 3) __builtin_prefetch(ahead + 4 * Q8_LINE_BYTES);
        ahead += Q8_ROWS * MET_Q8_BLOCK_BYTES;
    }
    return acc;
}

/* matvec_q8 of kernels.h. */
MET_FORCE_INLINE void matvec_q8_256(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                                    const float *scale, float *y, const q8_block_dot dot)
{
    size_t blocks = cols / MET_Q8_BLOCK;
    size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    size_t r = 0;
    for (; r + Q8_ROWS <= rows; r += Q8_ROWS, w += Q8_ROWS * row_bytes) {
        _mm256_storeu_ps(y + r, q8_dot8(w, row_bytes, blocks, q, scale, dot));
    }
    for (; r < rows; r++, w += row_bytes) {
        y[r] = _mm256_cvtss_f32(q8_dot8(w, 0, blocks, q, scale, dot));
    }
}

#endif
