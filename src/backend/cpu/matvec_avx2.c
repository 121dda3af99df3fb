/* Owns: AVX2 products of a weight matrix with one vector: the kernels that decoding lives on.
 *
 * All of them are bound by reading the weights once. What decides is that one linear stream of
 * prefetches runs through the rows that come next: several rows are read side by side, which the
 * hardware's prefetcher follows badly (docs/KERNELS.md has the figures). The prefetches stand in
 * the loops themselves: gcc 12 drops them from a loop or an inline function of their own, which it
 * takes to be without effect. */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/matvec_q8_256.h"

enum {
    FLOAT_ROWS = 2,
    AHEAD_BYTES = 2048, /* how far into the next rows the prefetches point */
    LINE_BYTES = 64
};

/* Eight partial sums of w * x over one block of one row, as |w| * (x with w's sign): |w| <= 128 and
 * |x| <= 127, so that the sum of two products, at most 32512, does not saturate. */
static inline __m256i block_dot(const uint8_t *block, __m256i x)
{
    __m256i w = _mm256_loadu_si256((const __m256i *)(block + 2));
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

void met_avx2_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                        const float *scale, const int32_t *offset, float *y)
{
    (void)offset; /* for products that take unsigned weights */
    matvec_q8_256(w, rows, cols, q, scale, y, block_dot);
}

/* The last lanes: sums[lane] = fma(w, x, sums[lane]) for the first n (at most 8) lanes. */
MET_FORCE_INLINE __m256 fma_first(size_t n, const uint8_t *row, size_t k, const float *x,
                                  __m256 sums, const bool half)
{
    __m256i mask = mask8_first(n);
    __m256 w = half ? load8_half_first(n, (const uint16_t *)row + k)
                    : _mm256_maskload_ps((const float *)row + k, mask);
    __m256 all = _mm256_fmadd_ps(w, _mm256_maskload_ps(x + k, mask), sums);
    return _mm256_blendv_ps(sums, all, _mm256_castsi256_ps(mask));
}

/* y[0 .. rows) for rows that lie row_bytes apart; `rows` (1 or 2) and `half` are constants. Four
 * rows are quicker in cache, but slower from memory when rows are long: what was prefetched for the
 * next rows leaves the first cache before it is used. */
MET_FORCE_INLINE void float_dot(const uint8_t *w, size_t row_bytes, size_t cols, const float *x,
                                float *y, const size_t rows, const bool half)
{
    const size_t step_bytes = rows * 16 * (half ? sizeof(uint16_t) : sizeof(float));
    const uint8_t *ahead = w + rows * row_bytes + AHEAD_BYTES;
    __m256 low[FLOAT_ROWS] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    __m256 high[FLOAT_ROWS] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    size_t k = 0;
    for (; k + 16 <= cols; k += 16) {
        __m256 x0 = _mm256_loadu_ps(x + k);
        __m256 x1 = _mm256_loadu_ps(x + k + 8);
        MET_UNROLL
        for (size_t r = 0; r < rows; r++) {
            const uint8_t *row = w + r * row_bytes;
            low[r] = _mm256_fmadd_ps(load8(row, k, half), x0, low[r]);
            high[r] = _mm256_fmadd_ps(load8(row, k + 8, half), x1, high[r]);
        }
        __builtin_prefetch(ahead);
        if (!half) __builtin_prefetch(ahead + LINE_BYTES);
        ahead += step_bytes;
    }
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *row = w + r * row_bytes;
        size_t n = cols - k;
        if (n > 0) low[r] = fma_first(n < 8 ? n : 8, row, k, x, low[r], half);
        if (n > 8) high[r] = fma_first(n - 8, row, k + 8, x, high[r], half);
        y[r] = tree16(low[r], high[r]);
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

void met_avx2_matvec_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y)
{
    matvec_float((const uint8_t *)w, rows, cols, x, y, true);
}

void met_avx2_matvec_f32(const float *w, size_t rows, size_t cols, const float *x, float *y)
{
    matvec_float((const uint8_t *)w, rows, cols, x, y, false);
}
