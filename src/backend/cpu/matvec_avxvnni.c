/* Owns: the AVX-VNNI product of a Q8_0 matrix with one vector. */
#include "backend/cpu/kernels_avxvnni.h"

#include "backend/cpu/matvec_q8_256.h"

/* As |w| * (x with w's sign): vpdpbusd takes unsigned bytes on one side, and |-128| is one. */
static inline __m256i block_dot(const uint8_t *block, __m256i x)
{
    __m256i w = _mm256_loadu_si256((const __m256i *)(block + 2));
    return _mm256_dpbusd_avx_epi32(_mm256_setzero_si256(), _mm256_abs_epi8(w),
                                   _mm256_sign_epi8(x, w));
}

void met_avxvnni_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                           const float *scale, const int32_t *offset, float *y)
{
    (void)offset; /* for products that take unsigned weights, as in matmul */
    matvec_q8_256(w, rows, cols, q, scale, y, block_dot);
}
