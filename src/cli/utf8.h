/* Well-formed UTF-8. */
#ifndef MET_CLI_UTF8_H
#define MET_CLI_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed sequence at `text`, 1..4, or 0 when there is none (Unicode 15.0, table
 * 3-7). bytes >= 1 may be read. */
static inline size_t met_utf8_sequence(const char *text, size_t bytes)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t length;

    if (at[0] < 0x80) return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        length = 2;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        length = 3;
        if (at[0] == 0xe0) low = 0xa0;  /* overlong */
        if (at[0] == 0xed) high = 0x9f; /* surrogates */
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        length = 4;
        if (at[0] == 0xf0) low = 0x90;
        if (at[0] == 0xf4) high = 0x8f; /* above 10FFFF */
    } else {
        return 0;
    }
    if (bytes < length || at[1] < low || at[1] > high) return 0;
    for (size_t i = 2; i < length; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) return 0;
    }
    return length;
}

#endif
