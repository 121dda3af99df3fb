/* What Python's str methods know of characters: white space, case, what can be printed. */
#ifndef MET_TEMPLATE_UNICODE_H
#define MET_TEMPLATE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MET_UNICODE_MAPPED_MAX = 3 };

typedef enum met_unicode_case {
    MET_UNICODE_LOWER,
    MET_UNICODE_UPPER,
    MET_UNICODE_TITLE,
} met_unicode_case;

/* As str.isspace, str.strip and the \s of Python's re have it. */
bool met_unicode_is_space(uint32_t c);
/* Ends a line for str.splitlines. */
bool met_unicode_is_line_break(uint32_t c);
/* Shown as itself by repr. */
bool met_unicode_is_printable(uint32_t c);
bool met_unicode_is_alpha(uint32_t c);
bool met_unicode_is_decimal(uint32_t c);
/* Any of the N categories, as str.isalnum counts them. */
bool met_unicode_is_numeric(uint32_t c);
bool met_unicode_is_lower(uint32_t c);
bool met_unicode_is_upper(uint32_t c); /* not title case */
bool met_unicode_is_cased(uint32_t c);
/* Skipped when the rule for a final sigma looks for a neighbour. */
bool met_unicode_is_case_ignorable(uint32_t c);
/* May begin, may continue a name in a template. */
bool met_unicode_begins_name(uint32_t c);
bool met_unicode_continues_name(uint32_t c);

/* The full mapping of one character; returns how many characters it became, 1..3. */
size_t met_unicode_map(uint32_t c, met_unicode_case to, uint32_t out[MET_UNICODE_MAPPED_MAX]);

/* Writes 1..4 bytes of a valid code point. */
size_t met_unicode_encode(uint32_t c, char out[4]);

#endif
