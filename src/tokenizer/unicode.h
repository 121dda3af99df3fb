/* What the tokenizer asks of a code point. The tables are generated; `tools/make_unicode_tables.py`
 * says from what. */
#ifndef MET_TOKENIZER_UNICODE_H
#define MET_TOKENIZER_UNICODE_H

#include <stddef.h>
#include <stdint.h>

/* The pre-tokenizer's classes: \p{L}, \p{N}, \s, and everything else. */
enum {
    MET_UNICODE_OTHER = 0,
    MET_UNICODE_LETTER = 1,
    MET_UNICODE_NUMBER = 2,
    MET_UNICODE_SPACE = 3,
    MET_UNICODE_CLASS = 3,    /* mask of the class */
    MET_UNICODE_COMPOSES = 4, /* NFC_Quick_Check is not Yes */
    MET_UNICODE_COMBINES = 8, /* the combining class is not 0 */
};

enum { MET_UNICODE_BLOCK_BITS = 7 };

extern const uint8_t met_unicode_index[0x110000 >> MET_UNICODE_BLOCK_BITS];
extern const uint8_t met_unicode_blocks[][1 << MET_UNICODE_BLOCK_BITS];

/* Class and flags of a code point below 0x110000. */
static inline unsigned met_unicode_flags(uint32_t code_point)
{
    uint32_t low = code_point & ((1u << MET_UNICODE_BLOCK_BITS) - 1);
    return met_unicode_blocks[met_unicode_index[code_point >> MET_UNICODE_BLOCK_BITS]][low];
}

/* The code point at `s`, which is the beginning of a well-formed sequence, and its bytes. */
static inline uint32_t met_unicode_decode(const unsigned char *s, size_t *bytes)
{
    if (s[0] < 0x80) {
        *bytes = 1;
        return s[0];
    }
    if (s[0] < 0xe0) {
        *bytes = 2;
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    }
    if (s[0] < 0xf0) {
        *bytes = 3;
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    }
    *bytes = 4;
    return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

#endif
