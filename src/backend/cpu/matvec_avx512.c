/* Owns: AVX-512 products of a weight matrix with one vector: the kernels that decoding lives on.
 *
 * All of them are bound by reading the weights once. What decides is that one linear stream of
 * prefetches runs through the rows that come next: several rows are read side by side, which the
 * hardware's prefetcher follows badly (docs/KERNELS.md has the figures). */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/math_avx512.h"

enum {
    Q8_ROWS = 8,
    FLOAT_ROWS = 4,
    AHEAD_BYTES = 2048, /* how far into the next rows the prefetches point */
    LINE_BYTES = 64
};

static inline void prefetch(const uint8_t *p)
{
    _mm_prefetch((const char *)p, _MM_HINT_T0);
}

/* [u0+u1, u2+u3, v0+v1, v2+v3] in each half. */
static inline __m256i add_pairs(__m256i u, __m256i v)
{
    __m256 a = _mm256_castsi256_ps(u);
    __m256 b = _mm256_castsi256_ps(v);
    return _mm256_add_epi32(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                            _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)));
}

/* Eight partial sums of (w + 128) * x over one block of one row. */
static inline __m256i block_dot(const uint8_t *block, __m256i x)
{
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    __m256i w = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(block + 2)), flip);
    return _mm256_dpbusd_epi32(_mm256_setzero_si256(), w, x);
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
                             const float *scale, const int32_t *offset)
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
        sums = _mm256_add_epi32(sums, _mm256_set1_epi32(offset[b]));
        __m256 d =
            _mm256_mul_ps(_mm256_cvtph_ps(block_scales(w, row_bytes)), _mm256_set1_ps(scale[b]));
        acc = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), d, acc);

        prefetch(ahead); /* eight blocks are 272 bytes: four lines, and a fifth every fourth time */
        prefetch(ahead + LINE_BYTES);
        prefetch(ahead + 2 * LINE_BYTES);
        prefetch(ahead + 3 * LINE_BYTES);
        if (b % 4 == 3) prefetch(ahead + 4 * LINE_BYTES);
        ahead += Q8_ROWS * MET_Q8_BLOCK_BYTES;
    }
    return acc;
}

void met_avx512_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                          const float *scale, const int32_t *offset, float *y)
{
    size_t blocks = cols / MET_Q8_BLOCK;
    size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    size_t r = 0;
    for (; r + Q8_ROWS <= rows; r += Q8_ROWS, w += Q8_ROWS * row_bytes) {
        _mm256_storeu_ps(y + r, q8_dot8(w, row_bytes, blocks, q, scale, offset));
    }
    for (; r < rows; r++, w += row_bytes) {
        y[r] = _mm256_cvtss_f32(q8_dot8(w, 0, blocks, q, scale, offset));
    }
}

/* Four rows that lie row_bytes apart (0: one row four times), the 16 partial sums of each in one
 * register. */
MET_FORCE_INLINE __m512 float_dot4(const uint8_t *w, size_t row_bytes, size_t cols, const float *x,
                                   const bool half)
{
    const size_t step_bytes = FLOAT_ROWS * 16 * (half ? sizeof(uint16_t) : sizeof(float));
    const uint8_t *ahead = w + FLOAT_ROWS * row_bytes + AHEAD_BYTES;
    const uint8_t *w1 = w + row_bytes;
    const uint8_t *w2 = w + 2 * row_bytes;
    const uint8_t *w3 = w + 3 * row_bytes;
    __m512 p0 = _mm512_setzero_ps();
    __m512 p1 = _mm512_setzero_ps();
    __m512 p2 = _mm512_setzero_ps();
    __m512 p3 = _mm512_setzero_ps();
    size_t k = 0;
    for (; k + 16 <= cols; k += 16) {
        __m512 v = _mm512_loadu_ps(x + k);
        p0 = _mm512_fmadd_ps(load16(w, k, half), v, p0);
        p1 = _mm512_fmadd_ps(load16(w1, k, half), v, p1);
        p2 = _mm512_fmadd_ps(load16(w2, k, half), v, p2);
        p3 = _mm512_fmadd_ps(load16(w3, k, half), v, p3);
        for (size_t i = 0; i < step_bytes; i += LINE_BYTES)
            prefetch(ahead + i);
        ahead += step_bytes;
    }
    if (k < cols) {
        __mmask16 mask = mask16_first(cols - k);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + k);
        p0 = _mm512_mask3_fmadd_ps(load16_masked(mask, w, k, half), v, p0, mask);
        p1 = _mm512_mask3_fmadd_ps(load16_masked(mask, w1, k, half), v, p1, mask);
        p2 = _mm512_mask3_fmadd_ps(load16_masked(mask, w2, k, half), v, p2, mask);
        p3 = _mm512_mask3_fmadd_ps(load16_masked(mask, w3, k, half), v, p3, mask);
    }
    return tree16_of4(p0, p1, p2, p3);
}

MET_FORCE_INLINE void matvec_float(const uint8_t *w, size_t rows, size_t cols, const float *x,
                                   float *y, const bool half)
{
    size_t row_bytes = cols * (half ? sizeof(uint16_t) : sizeof(float));
    size_t r = 0;
    for (; r + FLOAT_ROWS <= rows; r += FLOAT_ROWS, w += FLOAT_ROWS * row_bytes) {
        _mm_storeu_ps(y + r, _mm512_castps512_ps128(float_dot4(w, row_bytes, cols, x, half)));
    }
    for (; r < rows; r++, w += row_bytes) {
        y[r] = _mm512_cvtss_f32(float_dot4(w, 0, cols, x, half));
    }
}

void met_avx512_matvec_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y)
{
    matvec_float((const uint8_t *)w, rows, cols, x, y, true);
}

void met_avx512_matvec_f32(const float *w, size_t rows, size_t cols, const float *x, float *y)
{
    matvec_float((const uint8_t *)w, rows, cols, x, y, false);
}
