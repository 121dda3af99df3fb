/* Text with provenance: making it, and what Python's str can do with it. */
#ifndef MET_TEMPLATE_JSTRING_H
#define MET_TEMPLATE_JSTRING_H

#include "template/eval.h"
#include "template/unicode.h"

/* Text that grows. Zero-initialise all but `ev`. Lives in the arena: nothing to free. */
struct met_jwriter {
    met_eval *ev;
    char *data;
    size_t bytes;
    size_t capacity_bytes;
    met_span *trusted;
    size_t trusted_count;
    size_t trusted_capacity;
};

static inline met_jwriter met_jwriter_start(met_eval *ev)
{
    return (met_jwriter){.ev = ev};
}

/* Room for exactly `bytes` more, so that a text of known size is not grown by doubling. */
bool met_jwriter_reserve(met_jwriter *w, size_t bytes);
/* Untrusted bytes. */
bool met_jwriter_add(met_jwriter *w, met_str text);
bool met_jwriter_add_text(met_jwriter *w, const char *text);
bool met_jwriter_printf(met_jwriter *w, const char *format, ...) MET_PRINTF(2, 3);
/* Bytes of a string, with their provenance. */
bool met_jwriter_add_string(met_jwriter *w, const met_jstring *s);
bool met_jwriter_add_range(met_jwriter *w, const met_jstring *s, size_t begin, size_t end);
/* One character, trusted or not. */
bool met_jwriter_add_char(met_jwriter *w, uint32_t c, bool trusted);
/* The text so far as a string that shares the writer's storage. */
bool met_jwriter_finish(met_jwriter *w, met_jvalue *out);

size_t met_jstring_count_chars(met_str text);
bool met_jstring_is_trusted_at(const met_jstring *s, size_t at);
/* The offset of a character, 0 <= index <= chars. */
size_t met_jstring_offset(const met_jstring *s, size_t index);

/* Bytes begin..end as a string of their own, which shares the bytes. */
bool met_jstring_range(met_eval *ev, const met_jstring *s, size_t begin, size_t end,
                       met_jvalue *out);
/* The first (or last) occurrence of `wanted` in begin..end; SIZE_MAX: none. */
size_t met_jstring_find(met_str text, met_str wanted, size_t begin, size_t end);
size_t met_jstring_find_last(met_str text, met_str wanted, size_t begin, size_t end);

enum { MET_JSTRIP_LEFT = 1, MET_JSTRIP_RIGHT = 2 };

/* str.strip, with `chars` NULL for white space. */
bool met_jstring_strip(met_eval *ev, const met_jstring *s, const met_jstring *chars, int sides,
                       met_jvalue *out);
/* str.replace; `most` < 0: all. */
bool met_jstring_replace(met_eval *ev, const met_jstring *s, const met_jstring *from,
                         const met_jstring *to, int64_t most, met_jvalue *out);
/* s * times */
bool met_jstring_repeat(met_eval *ev, const met_jstring *s, int64_t times, met_jvalue *out);
bool met_jstring_add(met_eval *ev, const met_jstring *a, const met_jstring *b, met_jvalue *out);
/* str[start:stop:step] with the indices already clipped: `count` characters from `start`. */
bool met_jstring_slice(met_eval *ev, const met_jstring *s, int64_t start, int64_t step,
                       int64_t count, met_jvalue *out);
/* html.escape as MarkupSafe does it; the result is markup. */
bool met_jstring_escape(met_eval *ev, const met_jstring *s, met_jvalue *out);

typedef enum met_jpad {
    MET_JPAD_LEFT, /* spaces on the left: str.rjust */
    MET_JPAD_RIGHT,
    MET_JPAD_CENTER, /* str.center */
} met_jpad;

/* Up to `width` characters with `fill`, which is not trusted. */
bool met_jstring_pad(met_eval *ev, const met_jstring *s, int64_t width, met_jpad where,
                     uint32_t fill, met_jvalue *out);

typedef enum met_jcasing {
    MET_JCASING_LOWER,
    MET_JCASING_UPPER,
    MET_JCASING_CAPITALIZE, /* str.capitalize */
    MET_JCASING_TITLE,      /* str.title */
    MET_JCASING_SWAP,       /* str.swapcase */
    MET_JCASING_WORDS,      /* Jinja's title filter */
} met_jcasing;

/* str.isupper or str.islower. */
bool met_jstring_is_cased(const met_jstring *s, bool upper);
bool met_jstring_cased(met_eval *ev, const met_jstring *s, met_jcasing casing, met_jvalue *out);

#endif
