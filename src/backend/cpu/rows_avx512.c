/* Owns: the AVX-512 kernels that walk one row of numbers: quantizing, conversions, norm, rotation,
 * activation. The loops go 16 lanes at a time; the last lanes are masked. */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/math_avx512.h"

#include <math.h>

/* One block of 32. */
static inline void quantize_block(const float *x, int8_t *q, float *scale, int32_t *offset)
{
    const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
    __m512 x0 = _mm512_loadu_ps(x);
    __m512 x1 = _mm512_loadu_ps(x + 16);
    __m512i bits = _mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(x0), magnitude),
                                    _mm512_and_si512(_mm512_castps_si512(x1), magnitude));
    uint32_t max_bits = _mm512_reduce_max_epu32(bits);
    float max;
    memcpy(&max, &max_bits, sizeof max);
    bool usable = max >= 0x1p-119f && max < INFINITY;
    __mmask16 mask = usable ? 0xffff : 0; /* 0: every q is 0, whatever x is */
    __m512 inverse = _mm512_set1_ps(usable ? 127.0f / max : 0.0f);
    __m512i q0 = _mm512_maskz_cvtps_epi32(mask, _mm512_mul_ps(x0, inverse));
    __m512i q1 = _mm512_maskz_cvtps_epi32(mask, _mm512_mul_ps(x1, inverse));
    _mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128((__m128i *)(q + 16), _mm512_cvtepi32_epi8(q1));
    *scale = max / 127.0f;
    *offset = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(q0, q1));
}

void met_avx512_quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++) {
        quantize_block(x + b * MET_Q8_BLOCK, q + b * MET_Q8_BLOCK, scale + b, offset + b);
    }
}

void met_avx512_row_q8(const uint8_t *row, size_t cols, float *y)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++, row += MET_Q8_BLOCK_BYTES, y += MET_Q8_BLOCK) {
        __m512 scale = _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(read_u16(row))));
        __m512i q0 = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(row + 2)));
        __m512i q1 = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(row + 18)));
        _mm512_storeu_ps(y, _mm512_mul_ps(scale, _mm512_cvtepi32_ps(q0)));
        _mm512_storeu_ps(y + 16, _mm512_mul_ps(scale, _mm512_cvtepi32_ps(q1)));
    }
}

void met_avx512_row_f16(const uint16_t *row, size_t cols, float *y)
{
    for (size_t i = 0; i < cols; i += 16) {
        __mmask16 mask = mask16_first(cols - i);
        _mm512_mask_storeu_ps(y + i, mask, load16_half_masked(mask, row + i));
    }
}

void met_avx512_to_f16(const float *x, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = mask16_first(n - i);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        _mm256_mask_storeu_epi16(y + i, mask, _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
    }
}

void met_avx512_rmsnorm(const float *x, const float *w, size_t cols, float eps, float *y)
{
    if (cols == 0) return;
    __m512 p = _mm512_setzero_ps();
    for (size_t i = 0; i < cols; i += 16) {
        __mmask16 mask = mask16_first(cols - i);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        p = _mm512_mask3_fmadd_ps(v, v, p, mask);
    }
    __m512 s = _mm512_set1_ps(1.0f / sqrtf(tree16(p) / (float)cols + eps));
    for (size_t i = 0; i < cols; i += 16) {
        __mmask16 mask = mask16_first(cols - i);
        __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        __m512 g = _mm512_maskz_loadu_ps(mask, w + i);
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(_mm512_mul_ps(v, s), g));
    }
}

void met_avx512_rope(float *x, const float *cosine, const float *sine, size_t heads,
                     size_t head_dim)
{
    size_t half = head_dim / 2;
    for (size_t h = 0; h < heads; h++, x += head_dim) {
        for (size_t i = 0; i < half; i += 16) {
            __mmask16 mask = mask16_first(half - i);
            __m512 a = _mm512_maskz_loadu_ps(mask, x + i);
            __m512 b = _mm512_maskz_loadu_ps(mask, x + half + i);
            __m512 c = _mm512_maskz_loadu_ps(mask, cosine + i);
            __m512 s = _mm512_maskz_loadu_ps(mask, sine + i);
            _mm512_mask_storeu_ps(x + i, mask, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
            _mm512_mask_storeu_ps(x + half + i, mask, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
        }
    }
}

void met_avx512_swiglu(const float *g, const float *u, size_t n, float *y)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    const __m512 sign = _mm512_set1_ps(-0.0f);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = mask16_first(n - i);
        __m512 gate = _mm512_maskz_loadu_ps(mask, g + i);
        __m512 up = _mm512_maskz_loadu_ps(mask, u + i);
        __m512 below = _mm512_add_ps(one, exp16(_mm512_xor_ps(gate, sign)));
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(_mm512_div_ps(gate, below), up));
    }
}

void met_avx512_add(const float *a, const float *b, size_t n, float *y)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = mask16_first(n - i);
        __m512 v =
            _mm512_add_ps(_mm512_maskz_loadu_ps(mask, a + i), _mm512_maskz_loadu_ps(mask, b + i));
        _mm512_mask_storeu_ps(y + i, mask, v);
    }
}

void met_avx512_exp(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 mask = mask16_first(n - i);
        _mm512_mask_storeu_ps(y + i, mask, exp16(_mm512_maskz_loadu_ps(mask, x + i)));
    }
}
