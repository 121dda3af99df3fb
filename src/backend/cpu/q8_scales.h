/* The f16 scales that Q8_0 blocks begin with, as bits. */
#ifndef MET_BACKEND_CPU_Q8_SCALES_H
#define MET_BACKEND_CPU_Q8_SCALES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t read_u16(const uint8_t *p)
{
    uint16_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

#ifdef __SSE4_1__
#include <immintrin.h>

/* Those of one block of eight rows. Kept in a register: sixteen bytes stored two by two and loaded
 * at once would wait for the stores. */
static inline __m128i q8_scales8(const uint8_t *w, size_t row_bytes)
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
#endif

#endif
