/* Owns: the pre-tokenizer's pattern, by hand instead of by a regex engine. Knows nothing of tokens.
 * The invariant: a word ends at a character boundary and is never empty. */
#include "tokenizer/scan.h"

#include "tokenizer/unicode.h"

#include <stdbool.h>

typedef const unsigned char *cursor;

static inline unsigned class_at(cursor s, size_t *bytes)
{
    return met_unicode_flags(met_unicode_decode(s, bytes)) & MET_UNICODE_CLASS;
}

static inline bool is_newline(unsigned char c)
{
    return c == '\n' || c == '\r';
}

/* \p{L}* */
static inline cursor skip_letters(cursor s, cursor end)
{
    while (s < end) {
        if (*s < 0x80) {
            if ((unsigned)((*s | 0x20) - 'a') >= 26) break;
            s++;
            continue;
        }
        size_t bytes = 0;
        if (class_at(s, &bytes) != MET_UNICODE_LETTER) break;
        s += bytes;
    }
    return s;
}

/* [^\s\p{L}\p{N}]*[\r\n]* */
static cursor skip_others(cursor s, cursor end)
{
    while (s < end) {
        size_t bytes = 0;
        if (class_at(s, &bytes) != MET_UNICODE_OTHER) break;
        s += bytes;
    }
    while (s < end && is_newline(*s))
        s++;
    return s;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ : up to the last line break of the run; without one, all of a run that
 * ends the text; else all but the last character, which the next word takes or which is one. */
static cursor skip_spaces(cursor s, cursor end)
{
    cursor first = s;
    cursor last = s;    /* beginning of the last white space seen */
    cursor line = NULL; /* end of the last line break seen */
    while (s < end) {
        size_t bytes = 0;
        if (class_at(s, &bytes) != MET_UNICODE_SPACE) break;
        last = s;
        s += bytes;
        if (is_newline(*last)) line = s;
    }
    if (line != NULL) return line;
    if (s == end || last == first) return s;
    return last;
}

/* Bytes of the contraction at the apostrophe `s`, or 0. Without case: also U+017F, the long s,
 * which folds to s; no other letter here has a folding outside ASCII. */
static size_t contraction_bytes(cursor s, cursor end)
{
    if (end - s < 2) return 0;
    unsigned char first = s[1] | 0x20;
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
    if (end - s < 3) return 0;
    if (s[1] == 0xc5 && s[2] == 0xbf) return 3;
    unsigned char second = s[2] | 0x20;
    if (second == 'e' && (first == 'r' || first == 'v')) return 3;
    return first == 'l' && second == 'l' ? 3 : 0;
}

static cursor next_word(cursor s, cursor end)
{
    size_t bytes = 0;
    unsigned kind = class_at(s, &bytes);
    if (kind == MET_UNICODE_LETTER) return skip_letters(s + bytes, end);
    if (kind == MET_UNICODE_NUMBER) return s + bytes;
    if (*s == '\'') {
        size_t contraction = contraction_bytes(s, end);
        if (contraction > 0) return s + contraction;
    }
    cursor next = s + bytes;
    if (next < end && !is_newline(*s)) {
        size_t next_bytes = 0;
        unsigned next_kind = class_at(next, &next_bytes);
        if (next_kind == MET_UNICODE_LETTER) return skip_letters(next + next_bytes, end);
        if (next_kind == MET_UNICODE_OTHER && *s == ' ') {
            return skip_others(next + next_bytes, end);
        }
    }
    return kind == MET_UNICODE_OTHER ? skip_others(next, end) : skip_spaces(s, end);
}

size_t met_scan_qwen2(const char *text, size_t bytes, size_t at)
{
    cursor begin = (cursor)text;
    return (size_t)(next_word(begin + at, begin + bytes) - begin);
}
