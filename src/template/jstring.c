/* Owns: text with provenance and the operations that keep it right. A byte of a result is trusted
 * only when it is a copy, or the changed case, of a trusted byte.
 * The invariant: trusted ranges ascend, do not touch, and lie within the text; a text is valid
 * UTF-8 and no longer than the output bound. */
#include "template/jstring.h"

#include "base/checked.h"

#include <stdarg.h>
#include <stdio.h>

size_t met_jstring_count_chars(met_str text)
{
    size_t chars = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        chars += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    }
    return chars;
}

/* The first range that ends after `at`. */
static size_t span_after(const met_jstring *s, size_t at)
{
    size_t low = 0;
    size_t high = s->trusted_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->trusted[middle].end <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool met_jstring_is_trusted_at(const met_jstring *s, size_t at)
{
    size_t i = span_after(s, at);
    return i < s->trusted_count && s->trusted[i].begin <= at;
}

size_t met_jstring_offset(const met_jstring *s, size_t index)
{
    if (s->chars == s->bytes) return index;
    size_t at = 0;
    while (index > 0 && at < s->bytes) {
        at++;
        while (at < s->bytes && ((unsigned char)s->data[at] & 0xc0) == 0x80) {
            at++;
        }
        index--;
    }
    return at;
}

/* ---------------------------------------------------------------- writing */

static bool grow_to(met_jwriter *w, size_t capacity)
{
    if (capacity <= w->capacity_bytes) return true;
    char *data = met_eval_alloc(w->ev, capacity);
    if (data == NULL) return false;
    if (w->bytes > 0) memcpy(data, w->data, w->bytes);
    w->data = data;
    w->capacity_bytes = capacity;
    return true;
}

static bool fits(met_jwriter *w, size_t bytes)
{
    size_t most = w->ev->limits.output_bytes;
    if (bytes <= most && w->bytes <= most - bytes) return true;
    return met_eval_fail(w->ev, "a text grows past the bound of %zu bytes", most);
}

bool met_jwriter_reserve(met_jwriter *w, size_t bytes)
{
    return fits(w, bytes) && grow_to(w, w->bytes + bytes);
}

static bool make_room(met_jwriter *w, size_t bytes)
{
    if (!fits(w, bytes)) return false;
    size_t needed = w->bytes + bytes;
    if (needed <= w->capacity_bytes) return true;
    size_t capacity = 2 * w->capacity_bytes;
    if (capacity < 64) capacity = 64;
    return grow_to(w, capacity < needed ? needed : capacity);
}

bool met_jwriter_add(met_jwriter *w, met_str text)
{
    if (!make_room(w, text.bytes) || !met_eval_charge_bytes(w->ev, text.bytes)) return false;
    if (text.bytes > 0) memcpy(w->data + w->bytes, text.data, text.bytes);
    w->bytes += text.bytes;
    return true;
}

bool met_jwriter_add_text(met_jwriter *w, const char *text)
{
    return met_jwriter_add(w, met_str_of(text));
}

bool met_jwriter_printf(met_jwriter *w, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof text) {
        return met_eval_fail(w->ev, "a formatted value is longer than %zu bytes", sizeof text);
    }
    return met_jwriter_add(w, (met_str){text, (size_t)length});
}

static bool trust(met_jwriter *w, size_t begin, size_t end)
{
    if (begin == end) return true;
    if (w->trusted_count > 0 && w->trusted[w->trusted_count - 1].end == begin) {
        w->trusted[w->trusted_count - 1].end = end;
        return true;
    }
    if (w->trusted_count == w->trusted_capacity) {
        size_t capacity = w->trusted_capacity == 0 ? 4 : 2 * w->trusted_capacity;
        met_span *spans = met_eval_array(w->ev, capacity, sizeof *spans);
        if (spans == NULL) return false;
        if (w->trusted_count > 0) {
            memcpy(spans, w->trusted, w->trusted_count * sizeof *spans);
        }
        w->trusted = spans;
        w->trusted_capacity = capacity;
    }
    w->trusted[w->trusted_count++] = (met_span){begin, end};
    return true;
}

bool met_jwriter_add_range(met_jwriter *w, const met_jstring *s, size_t begin, size_t end)
{
    size_t at = w->bytes;
    if (!met_jwriter_add(w, (met_str){s->data + begin, end - begin})) return false;
    for (size_t i = span_after(s, begin); i < s->trusted_count; i++) {
        met_span span = s->trusted[i];
        if (span.begin >= end) break;
        if (span.begin < begin) span.begin = begin;
        if (span.end > end) span.end = end;
        if (!trust(w, at + (span.begin - begin), at + (span.end - begin))) return false;
    }
    return true;
}

bool met_jwriter_add_string(met_jwriter *w, const met_jstring *s)
{
    return met_jwriter_add_range(w, s, 0, s->bytes);
}

bool met_jwriter_add_char(met_jwriter *w, uint32_t c, bool trusted)
{
    char encoded[4];
    size_t bytes = met_unicode_encode(c, encoded);
    size_t at = w->bytes;
    if (!make_room(w, bytes)) return false;
    memcpy(w->data + at, encoded, bytes);
    w->bytes += bytes;
    return !trusted || trust(w, at, at + bytes);
}

bool met_jwriter_finish(met_jwriter *w, met_jvalue *out)
{
    met_jstring *s = met_eval_alloc(w->ev, sizeof *s);
    if (s == NULL) return false;
    s->data = w->bytes == 0 ? "" : w->data;
    s->bytes = w->bytes;
    s->chars = met_jstring_count_chars((met_str){s->data, s->bytes});
    s->trusted = w->trusted;
    s->trusted_count = w->trusted_count;
    *out = met_j_string(s);
    return true;
}

/* ---------------------------------------------------------------- parts and searching */

bool met_jstring_range(met_eval *ev, const met_jstring *s, size_t begin, size_t end,
                       met_jvalue *out)
{
    if (begin == 0 && end == s->bytes) {
        *out = met_j_string(s);
        return true;
    }
    met_jstring *part = met_eval_alloc(ev, sizeof *part);
    if (part == NULL || !met_eval_charge_bytes(ev, end - begin)) return false;
    part->data = s->data + begin;
    part->bytes = end - begin;
    part->chars = met_jstring_count_chars((met_str){part->data, part->bytes});
    part->markup = s->markup;
    size_t first = span_after(s, begin);
    size_t last = first;
    while (last < s->trusted_count && s->trusted[last].begin < end) {
        last++;
    }
    if (last > first) {
        met_span *spans = met_eval_array(ev, last - first, sizeof *spans);
        if (spans == NULL) return false;
        for (size_t i = first; i < last; i++) {
            met_span span = s->trusted[i];
            spans[i - first].begin = span.begin < begin ? 0 : span.begin - begin;
            spans[i - first].end = (span.end > end ? end : span.end) - begin;
        }
        part->trusted = spans;
        part->trusted_count = last - first;
    }
    *out = met_j_string(part);
    return true;
}

size_t met_jstring_find(met_str text, met_str wanted, size_t begin, size_t end)
{
    if (begin > end || end - begin < wanted.bytes) return SIZE_MAX;
    if (wanted.bytes == 0) return begin;
    const char *found = memmem(text.data + begin, end - begin, wanted.data, wanted.bytes);
    return found == NULL ? SIZE_MAX : (size_t)(found - text.data);
}

size_t met_jstring_find_last(met_str text, met_str wanted, size_t begin, size_t end)
{
    if (begin > end || end - begin < wanted.bytes) return SIZE_MAX;
    for (size_t at = end - wanted.bytes + 1; at > begin; at--) {
        if (memcmp(text.data + at - 1, wanted.data, wanted.bytes) == 0) return at - 1;
    }
    return SIZE_MAX;
}

static bool is_stripped(uint32_t c, const met_jstring *chars)
{
    if (chars == NULL) return met_unicode_is_space(c);
    char encoded[4];
    size_t bytes = met_unicode_encode(c, encoded);
    met_str text = {chars->data, chars->bytes};
    /* UTF-8 is self-synchronising: a character is found only where it is one. */
    return met_jstring_find(text, (met_str){encoded, bytes}, 0, text.bytes) != SIZE_MAX;
}

bool met_jstring_strip(met_eval *ev, const met_jstring *s, const met_jstring *chars, int sides,
                       met_jvalue *out)
{
    size_t begin = 0;
    size_t end = s->bytes;
    size_t work = chars == NULL ? 1 : chars->bytes; /* for each character */
    uint32_t c = 0;
    while ((sides & MET_JSTRIP_LEFT) != 0 && begin < end) {
        size_t length = met_utf8_next(s->data + begin, end - begin, &c);
        if (!is_stripped(c, chars)) break;
        if (!met_eval_charge_bytes(ev, work)) return false;
        begin += length;
    }
    while ((sides & MET_JSTRIP_RIGHT) != 0 && begin < end) {
        size_t at = end - 1;
        while (((unsigned char)s->data[at] & 0xc0) == 0x80) {
            at--;
        }
        (void)met_utf8_next(s->data + at, end - at, &c);
        if (!is_stripped(c, chars)) break;
        if (!met_eval_charge_bytes(ev, work)) return false;
        end = at;
    }
    return met_jstring_range(ev, s, begin, end, out);
}

/* ---------------------------------------------------------------- new texts */

static bool finish_as(met_jwriter *w, bool markup, met_jvalue *out)
{
    if (!met_jwriter_finish(w, out)) return false;
    if (markup) {
        met_jstring *copy = met_eval_alloc(w->ev, sizeof *copy);
        if (copy == NULL) return false;
        *copy = *out->as.string;
        copy->markup = true;
        *out = met_j_string(copy);
    }
    return true;
}

/* Where each gap of an empty `from` is: before every character and at the end. */
static bool replace_gaps(met_jwriter *w, const met_jstring *s, const met_jstring *to, int64_t most)
{
    size_t at = 0;
    uint32_t c = 0;
    while (most != 0) {
        if (!met_jwriter_add_string(w, to)) return false;
        most--;
        if (at == s->bytes) return true;
        size_t length = met_utf8_next(s->data + at, s->bytes - at, &c);
        if (!met_jwriter_add_range(w, s, at, at + length)) return false;
        at += length;
    }
    return met_jwriter_add_range(w, s, at, s->bytes);
}

bool met_jstring_replace(met_eval *ev, const met_jstring *s, const met_jstring *from,
                         const met_jstring *to, int64_t most, met_jvalue *out)
{
    met_jwriter w = met_jwriter_start(ev);
    if (from->bytes == 0) {
        return replace_gaps(&w, s, to, most) && finish_as(&w, s->markup, out);
    }
    met_str text = {s->data, s->bytes};
    met_str wanted = {from->data, from->bytes};
    size_t at = 0;
    while (most != 0) {
        size_t found = met_jstring_find(text, wanted, at, s->bytes);
        if (found == SIZE_MAX) break;
        if (!met_jwriter_add_range(&w, s, at, found) || !met_jwriter_add_string(&w, to)) {
            return false;
        }
        at = found + from->bytes;
        most--;
    }
    if (!met_eval_charge_bytes(ev, s->bytes)) return false;
    return met_jwriter_add_range(&w, s, at, s->bytes) && finish_as(&w, s->markup, out);
}

bool met_jstring_repeat(met_eval *ev, const met_jstring *s, int64_t times, met_jvalue *out)
{
    met_jwriter w = met_jwriter_start(ev);
    size_t count = times <= 0 || s->bytes == 0 ? 0 : (size_t)times;
    size_t bytes = 0;
    if (!met_mul_size(count, s->bytes, &bytes)) bytes = SIZE_MAX;
    if (!met_jwriter_reserve(&w, bytes)) return false;
    for (size_t i = 0; i < count; i++) {
        if (!met_jwriter_add_string(&w, s)) return false;
    }
    return finish_as(&w, s->markup, out);
}

bool met_jstring_escape(met_eval *ev, const met_jstring *s, met_jvalue *out)
{
    met_jwriter w = met_jwriter_start(ev);
    size_t begin = 0;
    for (size_t i = 0; !s->markup && i < s->bytes; i++) {
        const char *entity = NULL;
        if (s->data[i] == '&') entity = "&amp;";
        if (s->data[i] == '<') entity = "&lt;";
        if (s->data[i] == '>') entity = "&gt;";
        if (s->data[i] == '"') entity = "&#34;";
        if (s->data[i] == '\'') entity = "&#39;";
        if (entity == NULL) continue;
        if (!met_jwriter_add_range(&w, s, begin, i) || !met_jwriter_add_text(&w, entity)) {
            return false;
        }
        begin = i + 1;
    }
    return met_jwriter_add_range(&w, s, begin, s->bytes) && finish_as(&w, true, out);
}

bool met_jstring_add(met_eval *ev, const met_jstring *a, const met_jstring *b, met_jvalue *out)
{
    bool markup = a->markup || b->markup;
    met_jvalue escaped;
    if (markup && !a->markup) {
        if (!met_jstring_escape(ev, a, &escaped)) return false;
        a = escaped.as.string;
    } else if (markup && !b->markup) {
        if (!met_jstring_escape(ev, b, &escaped)) return false;
        b = escaped.as.string;
    }
    met_jwriter w = met_jwriter_start(ev);
    if (!met_jwriter_reserve(&w, a->bytes + b->bytes)) return false;
    return met_jwriter_add_string(&w, a) && met_jwriter_add_string(&w, b) &&
           finish_as(&w, markup, out);
}

bool met_jstring_slice(met_eval *ev, const met_jstring *s, int64_t start, int64_t step,
                       int64_t count, met_jvalue *out)
{
    if (count <= 0) return met_jstring_range(ev, s, 0, 0, out);
    if (step == 1) {
        size_t begin = met_jstring_offset(s, (size_t)start);
        size_t end = s->chars == s->bytes ? begin + (size_t)count
                                          : met_jstring_offset(s, (size_t)(start + count));
        if (!met_eval_charge_bytes(ev, end)) return false;
        return met_jstring_range(ev, s, begin, end, out);
    }
    /* Offsets of all characters, so that steps of any size and sign cost the same. */
    size_t *offsets = met_eval_array(ev, s->chars + 1, sizeof *offsets);
    if (offsets == NULL || !met_eval_charge_bytes(ev, s->bytes)) return false;
    size_t chars = 0;
    for (size_t i = 0; i < s->bytes; i++) {
        if (((unsigned char)s->data[i] & 0xc0) != 0x80) offsets[chars++] = i;
    }
    offsets[chars] = s->bytes;
    met_jwriter w = met_jwriter_start(ev);
    for (int64_t i = 0; i < count; i++) {
        size_t at = (size_t)(start + i * step);
        if (!met_jwriter_add_range(&w, s, offsets[at], offsets[at + 1])) return false;
    }
    return finish_as(&w, s->markup, out);
}

static bool add_fill(met_jwriter *w, uint32_t fill, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        if (!met_jwriter_add_char(w, fill, false)) return false;
    }
    return true;
}

bool met_jstring_pad(met_eval *ev, const met_jstring *s, int64_t width, met_jpad where,
                     uint32_t fill, met_jvalue *out)
{
    met_jwriter w = met_jwriter_start(ev);
    int64_t chars = (int64_t)s->chars;
    int64_t missing = width > chars ? width - chars : 0;
    int64_t left = where == MET_JPAD_LEFT ? missing : 0;
    if (where == MET_JPAD_CENTER) left = missing / 2 + (missing & width & 1);
    if (missing == 0) {
        *out = met_j_string(s);
        return true;
    }
    return met_jwriter_reserve(&w, s->bytes + (size_t)missing) && add_fill(&w, fill, left) &&
           met_jwriter_add_string(&w, s) && add_fill(&w, fill, missing - left) &&
           finish_as(&w, s->markup, out);
}

/* ---------------------------------------------------------------- case */

/* Whether the capital sigma at `at` ends a word: then its small form is another letter. */
static bool is_final_sigma(const met_jstring *s, size_t at, size_t length)
{
    uint32_t c = 0;
    size_t before = at;
    bool cased_before = false;
    while (before > 0) {
        before--;
        while (((unsigned char)s->data[before] & 0xc0) == 0x80) {
            before--;
        }
        (void)met_utf8_next(s->data + before, s->bytes - before, &c);
        if (met_unicode_is_case_ignorable(c)) continue;
        cased_before = met_unicode_is_cased(c);
        break;
    }
    if (!cased_before) return false;
    for (size_t after = at + length; after < s->bytes;) {
        after += met_utf8_next(s->data + after, s->bytes - after, &c);
        if (!met_unicode_is_case_ignorable(c)) return !met_unicode_is_cased(c);
    }
    return true;
}

/* How the character at `at` is to be written, given whether a word is under way. */
static met_unicode_case case_at(met_jcasing casing, size_t at, uint32_t c, bool in_word)
{
    switch (casing) {
    case MET_JCASING_LOWER: return MET_UNICODE_LOWER;
    case MET_JCASING_UPPER: return MET_UNICODE_UPPER;
    case MET_JCASING_CAPITALIZE: return at == 0 ? MET_UNICODE_TITLE : MET_UNICODE_LOWER;
    case MET_JCASING_TITLE: return in_word ? MET_UNICODE_LOWER : MET_UNICODE_TITLE;
    case MET_JCASING_SWAP: return met_unicode_is_upper(c) ? MET_UNICODE_LOWER : MET_UNICODE_UPPER;
    case MET_JCASING_WORDS: return in_word ? MET_UNICODE_LOWER : MET_UNICODE_UPPER;
    }
    return MET_UNICODE_LOWER;
}

static bool continues_word(met_jcasing casing, uint32_t c)
{
    if (casing == MET_JCASING_TITLE) return met_unicode_is_cased(c);
    bool breaks = c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    return !breaks && !met_unicode_is_space(c);
}

bool met_jstring_is_cased(const met_jstring *s, bool upper)
{
    bool found = false;
    for (size_t at = 0; at < s->bytes;) {
        uint32_t c = 0;
        at += met_utf8_next(s->data + at, s->bytes - at, &c);
        bool right = upper ? met_unicode_is_upper(c) : met_unicode_is_lower(c);
        if (!right && met_unicode_is_cased(c)) return false;
        found = found || right;
    }
    return found;
}

bool met_jstring_cased(met_eval *ev, const met_jstring *s, met_jcasing casing, met_jvalue *out)
{
    enum { CAPITAL_SIGMA = 0x3a3, FINAL_SIGMA = 0x3c2 };
    met_jwriter w = met_jwriter_start(ev);
    if (!met_jwriter_reserve(&w, s->bytes) || !met_eval_charge_bytes(ev, s->bytes)) return false;
    bool in_word = false;
    for (size_t at = 0; at < s->bytes;) {
        uint32_t c = 0;
        uint32_t mapped[MET_UNICODE_MAPPED_MAX];
        size_t length = met_utf8_next(s->data + at, s->bytes - at, &c);
        met_unicode_case to = case_at(casing, at, c, in_word);
        size_t count = met_unicode_map(c, to, mapped);
        if (c == CAPITAL_SIGMA && to == MET_UNICODE_LOWER && is_final_sigma(s, at, length)) {
            mapped[0] = FINAL_SIGMA;
        }
        bool trusted = met_jstring_is_trusted_at(s, at);
        for (size_t i = 0; i < count; i++) {
            if (!met_jwriter_add_char(&w, mapped[i], trusted)) return false;
        }
        in_word = continues_word(casing, c);
        at += length;
    }
    return finish_as(&w, s->markup, out);
}
