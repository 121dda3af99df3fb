/* Owns: the AVX-512 product of a Q8_0 matrix with one vector. F16 and F32 matrices are
 * left to AVX2, whose narrower steps wait less for memory. */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/matvec_q8_256.h"

/* Eight partial sums of w * x over one block of one row, as |w| * (x with w's sign). Adding 128 to
 * w instead, and the block's offset to the sum, is quicker in cache and up to a tenth slower from
 * memory. */
static inline __m256i block_dot(const uint8_t *block, __m256i x)
{
    __m256i w = _mm256_loadu_si256((const __m256i *)(block + 2));
    return _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
}

void met_avx512_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                          const float *scale, const int32_t *offset, float *y)
{
    (void)offset; /* for products that take unsigned weights, as in matmul */
    matvec_q8_256(w, rows, cols, q, scale, y, block_dot);
}
