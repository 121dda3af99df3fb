/* Owns: the AVX2 product of a Q8_0 matrix with a few tokens: guesses of speculation, short prompts.
 *
 * As matvec_q8 with 8 rows, for up to 3 tokens at once: what is loaded of the weights, their
 * absolute values and their scales serve all of them. Every lane makes its sums in the order of
 * matvec_q8, so the number of tokens does not show in the result. */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/matvec_q8_256.h"

enum { GROUP_TOKENS = 3 }; /* more do not fit 16 registers */

/* Some tokens and where their results for 8 rows go. */
typedef struct few_tokens {
    const int8_t *q;
    const float *scale;
    size_t cols;
    float *y;
    size_t y_stride;
} few_tokens;

/* Products of one block of two rows with each token, their partial sums added in pairs; `tokens`
 * is a constant in every call, as below. No saturation: see matvec_avx2.c. */
MET_FORCE_INLINE void dot2(const uint8_t *w, size_t row_bytes, const __m256i *x, __m256i *sums,
                           const size_t tokens)
{
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i w0 = _mm256_loadu_si256((const __m256i *)(w + 2));
    __m256i w1 = _mm256_loadu_si256((const __m256i *)(w + row_bytes + 2));
    __m256i a0 = _mm256_abs_epi8(w0);
    __m256i a1 = _mm256_abs_epi8(w1);
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        __m256i p0 = _mm256_maddubs_epi16(a0, _mm256_sign_epi8(x[t], w0));
        __m256i p1 = _mm256_maddubs_epi16(a1, _mm256_sign_epi8(x[t], w1));
        sums[t] = add_pairs(_mm256_madd_epi16(p0, ones), _mm256_madd_epi16(p1, ones));
    }
}

MET_FORCE_INLINE void dot4(const uint8_t *w, size_t row_bytes, const __m256i *x, __m256i *sums,
                           const size_t tokens)
{
    __m256i a[GROUP_TOKENS];
    __m256i b[GROUP_TOKENS];
    dot2(w, row_bytes, x, a, tokens);
    dot2(w + 2 * row_bytes, row_bytes, x, b, tokens);
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        sums[t] = add_pairs(a[t], b[t]);
}

/* 8 rows from `w` on. */
MET_FORCE_INLINE void run_rows(const uint8_t *w, size_t blocks, const few_tokens *few,
                               const size_t tokens)
{
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    const uint8_t *ahead = w + Q8_ROWS * row_bytes + Q8_AHEAD_BYTES;
    __m256 acc[GROUP_TOKENS];
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        acc[t] = _mm256_setzero_ps();
    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES) {
        __m256i x[GROUP_TOKENS];
        __m256i low[GROUP_TOKENS];
        __m256i high[GROUP_TOKENS];
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            const int8_t *q = few->q + t * few->cols + b * MET_Q8_BLOCK;
            x[t] = _mm256_loadu_si256((const __m256i *)q);
        }
        dot4(w, row_bytes, x, low, tokens);
        dot4(w + 4 * row_bytes, row_bytes, x, high, tokens);
        __m256 w_scale = _mm256_cvtph_ps(q8_scales8(w, row_bytes));
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            __m256i sums = _mm256_add_epi32(_mm256_permute2x128_si256(low[t], high[t], 0x20),
                                            _mm256_permute2x128_si256(low[t], high[t], 0x31));
            __m256 d = _mm256_mul_ps(w_scale, _mm256_set1_ps(few->scale[t * blocks + b]));
            acc[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), d, acc[t]);
        }
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + Q8_LINE_BYTES);
        __builtin_prefetch(ahead + 2 * Q8_LINE_BYTES);
        __builtin_prefetch(ahead + 3 * Q8_LINE_BYTES);
        if (b % 4 == 3) __builtin_prefetch(ahead + 4 * Q8_LINE_BYTES);
        ahead += Q8_ROWS * MET_Q8_BLOCK_BYTES;
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        _mm256_storeu_ps(few->y + t * few->y_stride, acc[t]);
}

static void rows_of(size_t tokens, const uint8_t *w, size_t blocks, const few_tokens *few)
{
    switch (tokens) {
    case 1: run_rows(w, blocks, few, 1); break;
    case 2: run_rows(w, blocks, few, 2); break;
    default: run_rows(w, blocks, few, GROUP_TOKENS); break;
    }
}

void met_avx2_matmul_q8_few(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                            size_t tokens, float *y, size_t y_stride)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    size_t r = 0;
    for (; r + Q8_ROWS <= rows; r += Q8_ROWS, w += Q8_ROWS * blocks * MET_Q8_BLOCK_BYTES) {
        for (size_t t = 0, here; t < tokens; t += here) {
            size_t groups = (tokens - t + GROUP_TOKENS - 1) / GROUP_TOKENS;
            here = (tokens - t + groups - 1) / groups; /* 4 are 2 and 2 */
            few_tokens few = {.q = x->q + t * cols,
                              .scale = x->scale + t * blocks,
                              .cols = cols,
                              .y = y + t * y_stride + r,
                              .y_stride = y_stride};
            rows_of(here, w, blocks, &few);
        }
    }
    for (size_t t = 0; t < tokens && r < rows; t++) {
        met_avx2_matvec_q8(w, rows - r, cols, x->q + t * cols, x->scale + t * blocks,
                           x->offset + t * blocks, y + t * y_stride + r);
    }
}
