/* A block of 16 rows of a Q8_0 matrix turned so that a lane is a row: what the AVX-512 products
 * with several tokens share. Included only by files that are compiled for AVX-512. */
#ifndef MET_BACKEND_CPU_Q8_COLUMNS_AVX512_H
#define MET_BACKEND_CPU_Q8_COLUMNS_AVX512_H

#include "backend/cpu/math_avx512.h"
#include "base/dtype.h"

enum {
    Q8_LANE_ROWS = 16,
    Q8_QUADS = MET_Q8_BLOCK / 4,
    Q8_AHEAD_BYTES = 2048 /* how far into the next rows the prefetches of a product point */
};

/* The block at `w` and those of the 15 rows after it: quad[i] has columns 4i .. 4i + 3 of all rows,
 * each + 128. Returns the scales. As many bytes as it reads are prefetched at `ahead`. */
MET_FORCE_INLINE __m512 q8_columns(const uint8_t *w, size_t row_bytes, __m512i quad[Q8_QUADS],
                                   const uint8_t *ahead)
{
    const uint8_t *w8 = w + 8 * row_bytes;
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    const __m512i low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    __m512i z[8];
    __m512i t[8];

    MET_UNROLL
    for (size_t i = 0; i < 8; i++) { /* rows i and i + 8 */
        const __m256i *a = (const __m256i *)(w + i * row_bytes + 2);
        const __m256i *b = (const __m256i *)(w8 + i * row_bytes + 2);
        __m512i both = _mm512_castsi256_si512(_mm256_loadu_si256(a));
        both = _mm512_inserti64x4(both, _mm256_loadu_si256(b), 1);
        z[i] = _mm512_xor_si512(both, flip);
        __builtin_prefetch(ahead + 2 * i * MET_Q8_BLOCK_BYTES);
    }
    MET_UNROLL
    for (size_t i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi32(z[i], z[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(z[i], z[i + 1]);
    }
    MET_UNROLL
    for (size_t i = 0; i < 8; i += 4) {
        z[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        z[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        z[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        z[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* z[c], c < 4: quads c and c + 4 of rows 0-3, then of rows 8-11; z[4 + c]: of the others. */
    MET_UNROLL
    for (size_t c = 0; c < 4; c++) {
        quad[c] = _mm512_permutex2var_epi64(z[c], low, z[4 + c]);
        quad[c + 4] = _mm512_permutex2var_epi64(z[c], high, z[4 + c]);
    }
    __m256i halves = _mm256_castsi128_si256(q8_scales8(w, row_bytes));
    return _mm512_cvtph_ps(_mm256_inserti128_si256(halves, q8_scales8(w8, row_bytes), 1));
}

#endif
