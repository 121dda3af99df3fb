/* Owns: AVX2 products of a weight matrix with one vector: the kernels that decoding lives on.
 *
 * All of them are bound by reading the weights once. What decides is that one linear stream of
 * prefetches runs through the rows that come next: several rows are read side by side, which the
 * hardware's prefetcher follows badly (docs/KERNELS.md has the figures). The prefetches stand in
 * the loops themselves: gcc 12 drops them from a loop or an inline function of their own, which it
 * takes to be without effect. */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/math_avx2.h"

enum {
    Q8_ROWS = 8,
    FLOAT_ROWS = 2,
    AHEAD_BYTES = 2048, /* how far into the next rows the prefetches point */
    LINE_BYTES = 64
};

/* [u0+u1, u2+u3, v0+v1, v2+v3] in each half. */
static inline __m256i add_pairs(__m256i u, __m256i v)
{
    __m256 a = _mm256_castsi256_ps(u);
    __m256 b = _mm256_castsi256_ps(v);
    return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                            _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)));
}

/* Eight partial sums of w * x over one block of one row, as |w| * (x with w's sign): |w| <= 128 and
 * |x| <= 127, so that the sum of two products, at most 32512, does not saturate. */
static inline __m256i block_dot(const uint8_t *block, __m256i x)
{
    __m256i w = _mm256_loadu_si256((const __m256i *)(block + 2));
    __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
    return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* The f16 scales of one block of eight rows. */
static inline __m128i block_scales(const uint8_t *w, size_t row_bytes)
{
    const uint8_t *w4 = w + 4 * row_bytes;
    __m128i h = _mm_cvtsi32_si128(read_u16(w));
    h = _mm_insert_epi16(h, read_u16(w + row_bytes), 1);
    h = _mm_insert_epi16(h, read_u16(w + 2 * row_bytes), 2);
    h = _mm_insert_epi16(h, read_u16(w + 3 * row_bytes), 3);
    h = _mm_insert_epi16(h, read_u16(w4), 4);
    h = _mm_insert_epi16(h, read_u16(w4 + row_bytes), 5);
    h = _mm_insert_epi16(h, read_u16(w4 + 2 * row_bytes), 6);
    return _mm_insert_epi16(h, read_u16(w4 + 3 * row_bytes), 7);
}

/* Eight rows that lie row_bytes apart; with row_bytes 0, one row eight times. The block sums of
 * the rows are transposed while they are added, so that one conversion, multiplication and fma
 * serves eight rows. */
static inline __m256 q8_dot8(const uint8_t *w, size_t row_bytes, size_t blocks, const int8_t *q,
                             const float *scale)
{
    const uint8_t *ahead = w + Q8_ROWS * row_bytes + AHEAD_BYTES;
    __m256 acc = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES, q += MET_Q8_BLOCK) {
        const uint8_t *w4 = w + 4 * row_bytes;
        __m256i x = _mm256_loadu_si256((const __m256i *)q);
        __m256i low =
            add_pairs(add_pairs(block_dot(w, x), block_dot(w + row_bytes, x)),
                      add_pairs(block_dot(w + 2 * row_bytes, x), block_dot(w + 3 * row_bytes, x)));
        __m256i high = add_pairs(
            add_pairs(block_dot(w4, x), block_dot(w4 + row_bytes, x)),
            add_pairs(block_dot(w4 + 2 * row_bytes, x), block_dot(w4 + 3 * row_bytes, x)));
        __m256i sums = _mm256_add_epi32(_mm256_permute2x128_si256(low, high, 0x20),
                                        _mm256_permute2x128_si256(low, high, 0x31));
        __m256 d =
            _mm256_mul_ps(_mm256_cvtph_ps(block_scales(w, row_bytes)), _mm256_set1_ps(scale[b]));
        acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), d, acc);

        /* Eight blocks are 272 bytes: four lines, and a fifth every fourth time. */
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + LINE_BYTES);
        __builtin_prefetch(ahead + 2 * LINE_BYTES);
        __builtin_prefetch(ahead + 3 * LINE_BYTES);
        if (b % 4 == 3) __builtin_prefetch(ahead + 4 * LINE_BYTES);
        ahead += Q8_ROWS * MET_Q8_BLOCK_BYTES;
    }
    return acc;
}

void met_avx2_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                        const float *scale, const int32_t *offset, float *y)
{
    (void)offset; /* for products that take unsigned weights */
    size_t blocks = cols / MET_Q8_BLOCK;
    size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    size_t r = 0;
    for (; r + Q8_ROWS <= rows; r += Q8_ROWS, w += Q8_ROWS * row_bytes) {
        _mm256_storeu_ps(y + r, q8_dot8(w, row_bytes, blocks, q, scale));
    }
    for (; r < rows; r++, w += row_bytes) {
        y[r] = _mm256_cvtss_f32(q8_dot8(w, 0, blocks, q, scale));
    }
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
