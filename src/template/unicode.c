/* Owns: the properties and case mappings of single characters as Python's str has them. The data
 * is utf8proc's; what it lacks (mappings to several characters) is a generated table. */
#include "template/unicode.h"

#include <utf8proc.h>

static const struct {
    uint32_t code;
    uint32_t lower[MET_UNICODE_MAPPED_MAX];
    uint32_t upper[MET_UNICODE_MAPPED_MAX];
    uint32_t title[MET_UNICODE_MAPPED_MAX];
} specials[] = {
#include "template/special_casing.inc"
};

enum { SPECIAL_COUNT = sizeof specials / sizeof specials[0] };

bool met_unicode_is_space(uint32_t c)
{
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x1f);
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool met_unicode_is_line_break(uint32_t c)
{
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 ||
           c == 0x2029;
}

static utf8proc_category_t category(uint32_t c)
{
    return utf8proc_category((utf8proc_int32_t)c);
}

static bool is_one_of(uint32_t c, utf8proc_category_t first, utf8proc_category_t last)
{
    utf8proc_category_t found = category(c);
    return found >= first && found <= last;
}

bool met_unicode_is_printable(uint32_t c)
{
    if (c == ' ') return true;
    return !is_one_of(c, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_CO) &&
           category(c) != UTF8PROC_CATEGORY_CN;
}

bool met_unicode_is_alpha(uint32_t c)
{
    return is_one_of(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool met_unicode_is_decimal(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_ND;
}

bool met_unicode_is_numeric(uint32_t c)
{
    return is_one_of(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool met_unicode_is_lower(uint32_t c)
{
    return utf8proc_islower((utf8proc_int32_t)c) != 0;
}

bool met_unicode_is_upper(uint32_t c)
{
    return utf8proc_isupper((utf8proc_int32_t)c) != 0;
}

bool met_unicode_is_cased(uint32_t c)
{
    return met_unicode_is_lower(c) || met_unicode_is_upper(c) ||
           category(c) == UTF8PROC_CATEGORY_LT;
}

bool met_unicode_is_case_ignorable(uint32_t c)
{
    static const uint32_t within_words[] = {0x27,   0x2e,   0x3a,   0xb7,   0x387,  0x55f,
                                            0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                            0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
    for (size_t i = 0; i < sizeof within_words / sizeof within_words[0]; i++) {
        if (within_words[i] == c) return true;
    }
    utf8proc_category_t found = category(c);
    return found == UTF8PROC_CATEGORY_MN || found == UTF8PROC_CATEGORY_ME ||
           found == UTF8PROC_CATEGORY_CF || found == UTF8PROC_CATEGORY_LM ||
           found == UTF8PROC_CATEGORY_SK;
}

bool met_unicode_begins_name(uint32_t c)
{
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return met_unicode_is_alpha(c) || category(c) == UTF8PROC_CATEGORY_NL;
}

bool met_unicode_continues_name(uint32_t c)
{
    if (c < 0x80) return met_unicode_begins_name(c) || (c >= '0' && c <= '9');
    utf8proc_category_t found = category(c);
    return met_unicode_begins_name(c) || found == UTF8PROC_CATEGORY_MN ||
           found == UTF8PROC_CATEGORY_MC || found == UTF8PROC_CATEGORY_ND ||
           found == UTF8PROC_CATEGORY_PC;
}

/* The position of a character in `specials`, or SPECIAL_COUNT. */
static size_t special_position(uint32_t c)
{
    size_t low = 0;
    size_t high = SPECIAL_COUNT;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (specials[middle].code < c) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < SPECIAL_COUNT && specials[low].code == c ? low : SPECIAL_COUNT;
}

static size_t map_special(const uint32_t from[], uint32_t out[])
{
    size_t count = 0;
    while (count < MET_UNICODE_MAPPED_MAX && from[count] != 0) {
        out[count] = from[count];
        count++;
    }
    return count;
}

size_t met_unicode_map(uint32_t c, met_unicode_case to, uint32_t out[MET_UNICODE_MAPPED_MAX])
{
    if (c < 0x80) {
        bool lower = c >= 'a' && c <= 'z';
        bool upper = c >= 'A' && c <= 'Z';
        out[0] = to == MET_UNICODE_LOWER ? (upper ? c + 32 : c) : (lower ? c - 32 : c);
        return 1;
    }
    size_t special = special_position(c);
    utf8proc_int32_t code = (utf8proc_int32_t)c;
    switch (to) {
    case MET_UNICODE_LOWER:
        if (special < SPECIAL_COUNT) return map_special(specials[special].lower, out);
        out[0] = (uint32_t)utf8proc_tolower(code);
        return 1;
    case MET_UNICODE_UPPER:
        if (special < SPECIAL_COUNT) return map_special(specials[special].upper, out);
        out[0] = (uint32_t)utf8proc_toupper(code);
        return 1;
    case MET_UNICODE_TITLE:
        if (special < SPECIAL_COUNT) return map_special(specials[special].title, out);
        out[0] = (uint32_t)utf8proc_totitle(code);
        return 1;
    }
    out[0] = c;
    return 1;
}

size_t met_unicode_encode(uint32_t c, char out[4])
{
    return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}
