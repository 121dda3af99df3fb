/* Owns: the AVX2 kernels that walk one row of numbers: quantizing, conversions, norm, rotation,
 * activation. The loops go 8 lanes at a time; the last lanes are masked. */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/math_avx2.h"

#include <math.h>

static inline __m256i magnitude_bits(__m256 x)
{
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
}

/* The largest of 8; none is negative. */
static inline uint32_t max_of8(__m256i v)
{
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

static inline int32_t sum_of8(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
    return _mm_cvtsi128_si32(s);
}

/* One block of 32. */
static inline void quantize_block(const float *x, int8_t *q, float *scale, int32_t *offset)
{
    __m256 x0 = _mm256_loadu_ps(x);
    __m256 x1 = _mm256_loadu_ps(x + 8);
    __m256 x2 = _mm256_loadu_ps(x + 16);
    __m256 x3 = _mm256_loadu_ps(x + 24);
    uint32_t max_bits =
        max_of8(_mm256_max_epi32(_mm256_max_epi32(magnitude_bits(x0), magnitude_bits(x1)),
                                 _mm256_max_epi32(magnitude_bits(x2), magnitude_bits(x3))));
    float max;
    memcpy(&max, &max_bits, sizeof max);
    bool usable = max >= 0x1p-119f && max < INFINITY;
    __m256i mask = _mm256_set1_epi32(usable ? -1 : 0); /* 0: every q is 0, whatever x is */
    __m256 inverse = _mm256_set1_ps(usable ? 127.0f / max : 0.0f);
    __m256i q0 = _mm256_and_si256(mask, _mm256_cvtps_epi32(_mm256_mul_ps(x0, inverse)));
    __m256i q1 = _mm256_and_si256(mask, _mm256_cvtps_epi32(_mm256_mul_ps(x1, inverse)));
    __m256i q2 = _mm256_and_si256(mask, _mm256_cvtps_epi32(_mm256_mul_ps(x2, inverse)));
    __m256i q3 = _mm256_and_si256(mask, _mm256_cvtps_epi32(_mm256_mul_ps(x3, inverse)));
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q0, q1), _mm256_packs_epi32(q2, q3));
    /* packs works in each half for itself: four bytes of q0, q1, q2, q3, then their other four. */
    bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm256_storeu_si256((__m256i *)q, bytes);
    *scale = max / 127.0f;
    *offset = -128 * sum_of8(_mm256_add_epi32(_mm256_add_epi32(q0, q1), _mm256_add_epi32(q2, q3)));
}

void met_avx2_quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++) {
        quantize_block(x + b * MET_Q8_BLOCK, q + b * MET_Q8_BLOCK, scale + b, offset + b);
    }
}

void met_avx2_row_q8(const uint8_t *row, size_t cols, float *y)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++, row += MET_Q8_BLOCK_BYTES) {
        __m256 scale = _mm256_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(read_u16(row))));
        for (size_t i = 0; i < MET_Q8_BLOCK; i += 8, y += 8) {
            __m256i q = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(row + 2 + i)));
            _mm256_storeu_ps(y, _mm256_mul_ps(scale, _mm256_cvtepi32_ps(q)));
        }
    }
}

void met_avx2_row_f16(const uint16_t *row, size_t cols, float *y)
{
    size_t i = 0;
    for (; i + 8 <= cols; i += 8)
        _mm256_storeu_ps(y + i, load8_half(row + i));
    if (i == cols) return;
    _mm256_maskstore_ps(y + i, mask8_first(cols - i), load8_half_first(cols - i, row + i));
}

void met_avx2_to_f16(const float *x, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_maskload_ps(x + i, mask8_first(n - i));
        __m128i halves = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
        if (n - i >= 8) {
            _mm_storeu_si128((__m128i *)(y + i), halves);
        } else {
            memcpy(y + i, &halves, (n - i) * sizeof y[0]);
        }
    }
}

/* The contract's sum: 16 partial sums and their tree. */
static inline float sum_squares(const float *x, size_t cols)
{
    __m256 low = _mm256_setzero_ps();
    __m256 high = _mm256_setzero_ps();
    size_t i = 0;
    for (; i + 16 <= cols; i += 16) {
        __m256 v0 = _mm256_loadu_ps(x + i);
        __m256 v1 = _mm256_loadu_ps(x + i + 8);
        low = _mm256_fmadd_ps(v0, v0, low);
        high = _mm256_fmadd_ps(v1, v1, high);
    }
    if (i < cols) {
        __m256i mask0 = mask8_first(cols - i);
        __m256i mask1 = mask8_first(cols - i > 8 ? cols - i - 8 : 0);
        __m256 v0 = _mm256_maskload_ps(x + i, mask0);
        __m256 v1 = _mm256_maskload_ps(x + i + 8, mask1);
        low = _mm256_blendv_ps(low, _mm256_fmadd_ps(v0, v0, low), _mm256_castsi256_ps(mask0));
        high = _mm256_blendv_ps(high, _mm256_fmadd_ps(v1, v1, high), _mm256_castsi256_ps(mask1));
    }
    return tree16(low, high);
}

void met_avx2_rmsnorm(const float *x, const float *w, size_t cols, float eps, float *y)
{
    if (cols == 0) return;
    __m256 s = _mm256_set1_ps(1.0f / sqrtf(sum_squares(x, cols) / (float)cols + eps));
    for (size_t i = 0; i < cols; i += 8) {
        __m256i mask = mask8_first(cols - i);
        __m256 v = _mm256_maskload_ps(x + i, mask);
        __m256 g = _mm256_maskload_ps(w + i, mask);
        _mm256_maskstore_ps(y + i, mask, _mm256_mul_ps(_mm256_mul_ps(v, s), g));
    }
}

void met_avx2_rope(float *x, const float *cosine, const float *sine, size_t heads, size_t head_dim)
{
    size_t half = head_dim / 2;
    for (size_t h = 0; h < heads; h++, x += head_dim) {
        for (size_t i = 0; i < half; i += 8) {
            __m256i mask = mask8_first(half - i);
            __m256 a = _mm256_maskload_ps(x + i, mask);
            __m256 b = _mm256_maskload_ps(x + half + i, mask);
            __m256 c = _mm256_maskload_ps(cosine + i, mask);
            __m256 s = _mm256_maskload_ps(sine + i, mask);
            _mm256_maskstore_ps(x + i, mask, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)));
            _mm256_maskstore_ps(x + half + i, mask, _mm256_fmadd_ps(b, c, _mm256_mul_ps(a, s)));
        }
    }
}

void met_avx2_swiglu(const float *g, const float *u, size_t n, float *y)
{
    const __m256 one = _mm256_set1_ps(1.0f);
    const __m256 sign = _mm256_set1_ps(-0.0f);
    for (size_t i = 0; i < n; i += 8) {
        __m256i mask = mask8_first(n - i);
        __m256 gate = _mm256_maskload_ps(g + i, mask);
        __m256 up = _mm256_maskload_ps(u + i, mask);
        __m256 below = _mm256_add_ps(one, exp8(_mm256_xor_ps(gate, sign)));
        _mm256_maskstore_ps(y + i, mask, _mm256_mul_ps(_mm256_div_ps(gate, below), up));
    }
}

void met_avx2_add(const float *a, const float *b, size_t n, float *y)
{
    for (size_t i = 0; i < n; i += 8) {
        __m256i mask = mask8_first(n - i);
        __m256 v = _mm256_add_ps(_mm256_maskload_ps(a + i, mask), _mm256_maskload_ps(b + i, mask));
        _mm256_maskstore_ps(y + i, mask, v);
    }
}

void met_avx2_exp(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i += 8) {
        __m256i mask = mask8_first(n - i);
        _mm256_maskstore_ps(y + i, mask, exp8(_mm256_maskload_ps(x + i, mask)));
    }
}
