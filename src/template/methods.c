/* Owns: the methods of strings, as Python's str has them. */
#include "template/run.h"

static met_str view(const met_jstring *s)
{
    return (met_str){s->data, s->bytes};
}

/* Methods that would escape their arguments on text that went through `safe` are refused on it. */
static bool needs_plain(met_eval *ev, met_jvalue self, const char *method)
{
    return !self.as.string->markup ||
           met_eval_fail(ev, "method '%s' of text marked safe is not supported", method);
}

/* ---------------------------------------------------------------- case and white space */

static bool run_upper(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return met_jstring_cased(ev, in->self.as.string, MET_JCASING_UPPER, out);
}

static bool run_lower(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return met_jstring_cased(ev, in->self.as.string, MET_JCASING_LOWER, out);
}

static bool run_title(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return met_jstring_cased(ev, in->self.as.string, MET_JCASING_TITLE, out);
}

static bool run_capitalize(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return met_jstring_cased(ev, in->self.as.string, MET_JCASING_CAPITALIZE, out);
}

static bool run_swapcase(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return met_jstring_cased(ev, in->self.as.string, MET_JCASING_SWAP, out);
}

static bool strip(met_eval *ev, met_jvalue self, const met_jvalue *bound, int sides,
                  met_jvalue *out)
{
    const met_jstring *chars = NULL;
    if (met_arg_given(bound[0]) && !met_arg_need_string(ev, bound[0], "strip", &chars)) {
        return false;
    }
    return met_jstring_strip(ev, self.as.string, chars, sides, out);
}

static bool run_strip(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return strip(ev, in->self, in->bound, MET_JSTRIP_LEFT | MET_JSTRIP_RIGHT, out);
}

static bool run_lstrip(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return strip(ev, in->self, in->bound, MET_JSTRIP_LEFT, out);
}

static bool run_rstrip(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return strip(ev, in->self, in->bound, MET_JSTRIP_RIGHT, out);
}

/* ---------------------------------------------------------------- searching */

/* The bytes of self[start:end] for arguments that are integers or None. inside: start is not
 * past the end, where even the empty string is not found. */
static bool search_range(met_eval *ev, const met_jstring *s, const met_jvalue *bound, size_t *begin,
                         size_t *end, bool *inside)
{
    int64_t from = 0;
    int64_t to = INT64_MAX;
    int64_t chars = (int64_t)s->chars;
    if (!met_arg_int(ev, bound[0], "start", 0, &from) ||
        !met_arg_int(ev, bound[1], "end", INT64_MAX, &to)) {
        return false;
    }
    if (from < 0) from = from + chars < 0 ? 0 : from + chars;
    if (to < 0) to = to + chars < 0 ? 0 : to + chars;
    if (to > chars) to = chars;
    *inside = from <= to;
    if (!*inside) from = to;
    *begin = met_jstring_offset(s, (size_t)from);
    *end = met_jstring_offset(s, (size_t)to);
    return met_eval_charge_bytes(ev, s->bytes);
}

static bool search(met_eval *ev, met_jvalue self, const met_jvalue *bound, bool last, int64_t *out)
{
    const met_jstring *s = self.as.string;
    const met_jstring *wanted = NULL;
    size_t begin = 0;
    size_t end = 0;
    bool inside = false;
    if (!met_arg_need_string(ev, bound[0], "find", &wanted) ||
        !search_range(ev, s, bound + 1, &begin, &end, &inside)) {
        return false;
    }
    /* Backwards is the plain search: its work is the product. */
    size_t work = 0;
    if (__builtin_mul_overflow(end - begin, wanted->bytes, &work)) work = SIZE_MAX;
    if (last && !met_eval_charge_bytes(ev, work)) return false;
    size_t found = last ? met_jstring_find_last(view(s), view(wanted), begin, end)
                        : met_jstring_find(view(s), view(wanted), begin, end);
    bool missing = !inside || found == SIZE_MAX;
    *out = missing ? -1 : (int64_t)met_jstring_count_chars((met_str){s->data, found});
    return true;
}

static bool run_find(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t found = 0;
    if (!search(ev, in->self, in->bound, false, &found)) return false;
    *out = met_j_int(found);
    return true;
}

static bool run_rfind(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t found = 0;
    if (!search(ev, in->self, in->bound, true, &found)) return false;
    *out = met_j_int(found);
    return true;
}

static bool run_index(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    if (!run_find(ev, in, out)) return false;
    return out->as.integer >= 0 || met_eval_fail(ev, "index: substring not found");
}

static bool run_rindex(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    if (!run_rfind(ev, in, out)) return false;
    return out->as.integer >= 0 || met_eval_fail(ev, "rindex: substring not found");
}

static bool run_count(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = in->self.as.string;
    const met_jstring *wanted = NULL;
    size_t begin = 0;
    size_t end = 0;
    bool inside = false;
    int64_t count = 0;
    if (!met_arg_need_string(ev, in->bound[0], "count", &wanted) ||
        !search_range(ev, s, in->bound + 1, &begin, &end, &inside)) {
        return false;
    }
    if (inside && wanted->bytes == 0) {
        met_str range = {s->data + begin, end - begin};
        *out = met_j_int((int64_t)met_jstring_count_chars(range) + 1);
        return true;
    }
    while (inside && (begin = met_jstring_find(view(s), view(wanted), begin, end)) != SIZE_MAX) {
        begin += wanted->bytes;
        count++;
    }
    *out = met_j_int(count);
    return true;
}

static bool has_affix(const met_jstring *s, const met_jstring *affix, size_t begin, size_t end,
                      bool at_end)
{
    if (end - begin < affix->bytes) return false;
    size_t at = at_end ? end - affix->bytes : begin;
    return affix->bytes == 0 || memcmp(s->data + at, affix->data, affix->bytes) == 0;
}

/* startswith and endswith: of one string, or of any in a tuple. */
static bool affix(met_eval *ev, met_jvalue self, const met_jvalue *bound, bool at_end,
                  met_jvalue *out)
{
    const met_jstring *s = self.as.string;
    const met_jstring *one = NULL;
    size_t begin = 0;
    size_t end = 0;
    bool inside = false;
    bool found = false;
    const char *what = at_end ? "endswith" : "startswith";
    if (!search_range(ev, s, bound + 1, &begin, &end, &inside)) return false;
    if (bound[0].kind == MET_J_TUPLE) {
        const met_jlist *tuple = bound[0].as.list;
        for (size_t i = 0; !found && i < tuple->count; i++) {
            if (!met_eval_step(ev) || !met_arg_need_string(ev, tuple->items[i], what, &one)) {
                return false;
            }
            found = inside && has_affix(s, one, begin, end, at_end);
        }
    } else {
        if (!met_arg_need_string(ev, bound[0], what, &one)) return false;
        found = inside && has_affix(s, one, begin, end, at_end);
    }
    *out = met_j_bool(found);
    return true;
}

static bool run_startswith(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return affix(ev, in->self, in->bound, false, out);
}

static bool run_endswith(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return affix(ev, in->self, in->bound, true, out);
}

static bool remove_affix(met_eval *ev, met_jvalue self, const met_jvalue *bound, bool at_end,
                         met_jvalue *out)
{
    const met_jstring *s = self.as.string;
    const met_jstring *one = NULL;
    if (!met_arg_need_string(ev, bound[0], "affix", &one)) return false;
    size_t cut = has_affix(s, one, 0, s->bytes, at_end) ? one->bytes : 0;
    return met_jstring_range(ev, s, at_end ? 0 : cut, at_end ? s->bytes - cut : s->bytes, out);
}

static bool run_removeprefix(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return remove_affix(ev, in->self, in->bound, false, out);
}

static bool run_removesuffix(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return remove_affix(ev, in->self, in->bound, true, out);
}

/* ---------------------------------------------------------------- taking apart */

/* Pieces of one string, as a list. */
typedef struct pieces {
    met_eval *ev;
    const met_jstring *s;
    met_jvalue *items;
    size_t count;
    size_t capacity;
} pieces;

static bool add_piece(pieces *p, size_t begin, size_t end)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity == 0 ? 8 : 2 * p->capacity;
        met_jvalue *grown = met_eval_array(p->ev, capacity, sizeof *grown);
        if (grown == NULL) return false;
        if (p->count > 0) memcpy(grown, p->items, p->count * sizeof *grown);
        p->items = grown;
        p->capacity = capacity;
    }
    return met_eval_step(p->ev) &&
           met_jstring_range(p->ev, p->s, begin, end, &p->items[p->count++]);
}

static bool finish_pieces(pieces *p, bool backwards, met_jvalue *out)
{
    met_jvalue *items = met_j_list_make(p->ev, MET_J_LIST, p->count, out);
    if (items == NULL) return false;
    for (size_t i = 0; i < p->count; i++) {
        items[i] = p->items[backwards ? p->count - 1 - i : i];
    }
    return true;
}

static size_t char_before(const met_jstring *s, size_t at, uint32_t *c)
{
    do {
        at--;
    } while (((unsigned char)s->data[at] & 0xc0) == 0x80);
    (void)met_utf8_next(s->data + at, s->bytes - at, c);
    return at;
}

/* Words between white space; after `most` of them the rest is one. */
static bool split_words(pieces *p, int64_t most)
{
    const met_jstring *s = p->s;
    size_t at = 0;
    uint32_t c = 0;
    for (;;) {
        size_t length = met_utf8_next(s->data + at, s->bytes - at, &c);
        while (length > 0 && met_unicode_is_space(c)) {
            at += length;
            length = met_utf8_next(s->data + at, s->bytes - at, &c);
        }
        if (at == s->bytes) return true;
        if (most-- == 0) return add_piece(p, at, s->bytes);
        size_t begin = at;
        while (length > 0 && !met_unicode_is_space(c)) {
            at += length;
            length = met_utf8_next(s->data + at, s->bytes - at, &c);
        }
        if (!add_piece(p, begin, at)) return false;
    }
}

static bool split_words_backwards(pieces *p, int64_t most)
{
    const met_jstring *s = p->s;
    size_t at = s->bytes;
    uint32_t c = 0;
    for (;;) {
        size_t before = at;
        while (at > 0 && (before = char_before(s, at, &c), met_unicode_is_space(c))) {
            at = before;
        }
        if (at == 0) return true;
        if (most-- == 0) return add_piece(p, 0, at);
        size_t end = at;
        while (at > 0 && (before = char_before(s, at, &c), !met_unicode_is_space(c))) {
            at = before;
        }
        if (!add_piece(p, at, end)) return false;
    }
}

static bool split_at(pieces *p, const met_jstring *separator, int64_t most, bool backwards)
{
    size_t begin = 0;
    size_t end = p->s->bytes;
    while (most-- != 0) {
        size_t found = backwards ? met_jstring_find_last(view(p->s), view(separator), begin, end)
                                 : met_jstring_find(view(p->s), view(separator), begin, end);
        if (found == SIZE_MAX) break;
        size_t after = found + separator->bytes;
        if (!add_piece(p, backwards ? after : begin, backwards ? end : found)) return false;
        if (backwards) {
            end = found;
        } else {
            begin = after;
        }
    }
    return add_piece(p, begin, end);
}

static bool split(met_eval *ev, met_jvalue self, const met_jvalue *bound, bool backwards,
                  met_jvalue *out)
{
    pieces p = {.ev = ev, .s = self.as.string};
    const met_jstring *separator = NULL;
    int64_t most = -1;
    if (!needs_plain(ev, self, "split") ||
        !met_arg_int(ev, bound[1], "split: maxsplit", -1, &most)) {
        return false;
    }
    if (bound[1].kind == MET_J_NONE) return met_eval_fail(ev, "split: maxsplit is None");
    bool done = false;
    if (!met_arg_given(bound[0])) {
        done = backwards ? split_words_backwards(&p, most) : split_words(&p, most);
    } else {
        if (!met_arg_need_string(ev, bound[0], "split: sep", &separator)) return false;
        if (separator->bytes == 0) return met_eval_fail(ev, "split: the separator is empty");
        size_t work = 0;
        if (__builtin_mul_overflow(p.s->bytes, separator->bytes, &work)) work = SIZE_MAX;
        if (backwards && !met_eval_charge_bytes(ev, work)) return false;
        done = split_at(&p, separator, most, backwards);
    }
    return done && met_eval_charge_bytes(ev, p.s->bytes) && finish_pieces(&p, backwards, out);
}

static bool run_split(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return split(ev, in->self, in->bound, false, out);
}

static bool run_rsplit(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return split(ev, in->self, in->bound, true, out);
}

static bool run_splitlines(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    pieces p = {.ev = ev, .s = in->self.as.string};
    const met_jstring *s = p.s;
    bool keeps = met_j_truth(in->bound[0]);
    size_t begin = 0;
    for (size_t at = 0; at < s->bytes;) {
        uint32_t c = 0;
        size_t length = met_utf8_next(s->data + at, s->bytes - at, &c);
        size_t end = at;
        at += length;
        if (!met_unicode_is_line_break(c)) continue;
        if (c == '\r' && at < s->bytes && s->data[at] == '\n') at++;
        if (!add_piece(&p, begin, keeps ? at : end)) return false;
        begin = at;
    }
    if (begin < s->bytes && !add_piece(&p, begin, s->bytes)) return false;
    return finish_pieces(&p, false, out);
}

static bool partition(met_eval *ev, met_jvalue self, const met_jvalue *bound, bool last,
                      met_jvalue *out)
{
    const met_jstring *s = self.as.string;
    const met_jstring *separator = NULL;
    int64_t at_char = 0;
    met_jvalue made;
    if (!needs_plain(ev, self, "partition") ||
        !met_arg_need_string(ev, bound[0], "partition", &separator)) {
        return false;
    }
    if (separator->bytes == 0) return met_eval_fail(ev, "partition: the separator is empty");
    met_jvalue wanted[3] = {bound[0], {.kind = MET_J_ABSENT}, {.kind = MET_J_ABSENT}};
    if (!search(ev, self, wanted, last, &at_char)) return false;
    size_t found = at_char < 0 ? 0 : met_jstring_offset(s, (size_t)at_char);
    size_t begin = at_char >= 0 ? found : last ? 0 : s->bytes;
    size_t end = at_char >= 0 ? found + separator->bytes : begin;
    met_jvalue *items = met_j_list_make(ev, MET_J_TUPLE, 3, &made);
    if (items == NULL) return false;
    *out = made;
    return met_jstring_range(ev, s, 0, begin, &items[0]) &&
           met_jstring_range(ev, s, begin, end, &items[1]) &&
           met_jstring_range(ev, s, end, s->bytes, &items[2]);
}

static bool run_partition(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return partition(ev, in->self, in->bound, false, out);
}

static bool run_rpartition(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return partition(ev, in->self, in->bound, true, out);
}

/* ---------------------------------------------------------------- putting together */

static bool run_replace(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *from = NULL;
    const met_jstring *to = NULL;
    int64_t most = -1;
    if (in->bound[2].kind == MET_J_NONE) return met_eval_fail(ev, "replace: count is None");
    return needs_plain(ev, in->self, "replace") &&
           met_arg_need_string(ev, in->bound[0], "replace", &from) &&
           met_arg_need_string(ev, in->bound[1], "replace", &to) &&
           met_arg_int(ev, in->bound[2], "replace: count", -1, &most) &&
           met_jstring_replace(ev, in->self.as.string, from, to, most, out);
}

static bool run_join(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jiter *it = NULL;
    met_jvalue item;
    met_jstep step;
    met_jwriter w = met_jwriter_start(ev);
    if (!needs_plain(ev, in->self, "join") || !met_iter_open(ev, in->bound[0], &it)) return false;
    for (size_t i = 0; (step = met_iter_next(ev, it, &item)) == MET_JSTEP_ITEM; i++) {
        const met_jstring *s = NULL;
        if (!met_arg_need_string(ev, item, "join", &s) ||
            (i > 0 && !met_jwriter_add_string(&w, in->self.as.string)) ||
            !met_jwriter_add_string(&w, s)) {
            return false;
        }
    }
    return step == MET_JSTEP_END && met_jwriter_finish(&w, out);
}

static bool run_format(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return needs_plain(ev, in->self, "format") &&
           met_format_braces(ev, in->self.as.string, in->call, out);
}

static bool pad(met_eval *ev, met_jvalue self, const met_jvalue *bound, met_jpad where,
                met_jvalue *out)
{
    int64_t width = 0;
    uint32_t fill = ' ';
    const met_jstring *given = NULL;
    if (bound[0].kind == MET_J_NONE) return met_eval_fail(ev, "the width is None");
    if (!met_arg_int(ev, bound[0], "width", 0, &width)) return false;
    if (bound[1].kind != MET_J_ABSENT) {
        if (!met_arg_need_string(ev, bound[1], "fill character", &given)) return false;
        if (given->chars != 1) return met_eval_fail(ev, "the fill is not one character");
        (void)met_utf8_next(given->data, given->bytes, &fill);
    }
    return met_jstring_pad(ev, self.as.string, width, where, fill, out);
}

static bool run_center(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return pad(ev, in->self, in->bound, MET_JPAD_CENTER, out);
}

static bool run_ljust(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return pad(ev, in->self, in->bound, MET_JPAD_RIGHT, out);
}

static bool run_rjust(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return pad(ev, in->self, in->bound, MET_JPAD_LEFT, out);
}

/* Zeros go after a sign. */
static bool run_zfill(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = in->self.as.string;
    met_jvalue digits;
    met_jvalue padded;
    size_t sign = s->bytes > 0 && (s->data[0] == '-' || s->data[0] == '+') ? 1 : 0;
    int64_t width = 0;
    if (in->bound[0].kind == MET_J_NONE) return met_eval_fail(ev, "zfill: the width is None");
    if (!met_arg_int(ev, in->bound[0], "zfill", 0, &width) ||
        !met_jstring_range(ev, s, sign, s->bytes, &digits)) {
        return false;
    }
    if (width < INT64_MIN + 1) width = 0;
    if (!met_jstring_pad(ev, digits.as.string, width - (int64_t)sign, MET_JPAD_LEFT, '0',
                         &padded)) {
        return false;
    }
    met_jwriter w = met_jwriter_start(ev);
    return met_jwriter_add_range(&w, s, 0, sign) && met_jwriter_add_string(&w, padded.as.string) &&
           met_jwriter_finish(&w, out);
}

/* ---------------------------------------------------------------- questions */

typedef bool (*char_test)(uint32_t c);

static bool is_alphanumeric(uint32_t c)
{
    return met_unicode_is_alpha(c) || met_unicode_is_numeric(c);
}

static bool is_ascii(uint32_t c)
{
    return c < 0x80;
}

static bool all_chars(met_eval *ev, met_jvalue self, char_test test, bool empty, met_jvalue *out)
{
    const met_jstring *s = self.as.string;
    bool all = s->bytes > 0 || empty;
    for (size_t at = 0; all && at < s->bytes;) {
        uint32_t c = 0;
        at += met_utf8_next(s->data + at, s->bytes - at, &c);
        all = test(c);
    }
    *out = met_j_bool(all);
    return met_eval_charge_bytes(ev, s->bytes);
}

static bool run_isalpha(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return all_chars(ev, in->self, met_unicode_is_alpha, false, out);
}

static bool run_isalnum(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return all_chars(ev, in->self, is_alphanumeric, false, out);
}

static bool run_isdecimal(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return all_chars(ev, in->self, met_unicode_is_decimal, false, out);
}

static bool run_isspace(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return all_chars(ev, in->self, met_unicode_is_space, false, out);
}

static bool run_isascii(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return all_chars(ev, in->self, is_ascii, true, out);
}

static bool run_isprintable(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return all_chars(ev, in->self, met_unicode_is_printable, true, out);
}

static bool run_isupper(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    *out = met_j_bool(met_jstring_is_cased(in->self.as.string, true));
    return met_eval_charge_bytes(ev, in->self.as.string->bytes);
}

static bool run_islower(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    *out = met_j_bool(met_jstring_is_cased(in->self.as.string, false));
    return met_eval_charge_bytes(ev, in->self.as.string->bytes);
}

const met_jbuiltin met_builtin_string_methods[] = {
    {"capitalize", run_capitalize, ""},
    {"center", run_center, "- / -"},
    {"count", run_count, "- / - -"},
    {"endswith", run_endswith, "- / - -"},
    {"find", run_find, "- / - -"},
    {"format", run_format, "*"},
    {"index", run_index, "- / - -"},
    {"isalnum", run_isalnum, ""},
    {"isalpha", run_isalpha, ""},
    {"isascii", run_isascii, ""},
    {"isdecimal", run_isdecimal, ""},
    {"isdigit", run_isdecimal, ""},
    {"islower", run_islower, ""},
    {"isprintable", run_isprintable, ""},
    {"isspace", run_isspace, ""},
    {"isupper", run_isupper, ""},
    {"join", run_join, "-"},
    {"ljust", run_ljust, "- / -"},
    {"lower", run_lower, ""},
    {"lstrip", run_lstrip, "/ -"},
    {"partition", run_partition, "-"},
    {"removeprefix", run_removeprefix, "-"},
    {"removesuffix", run_removesuffix, "-"},
    {"replace", run_replace, "- - / -"},
    {"rfind", run_rfind, "- / - -"},
    {"rindex", run_rindex, "- / - -"},
    {"rjust", run_rjust, "- / -"},
    {"rpartition", run_rpartition, "-"},
    {"rsplit", run_rsplit, "/ sep maxsplit"},
    {"rstrip", run_rstrip, "/ -"},
    {"split", run_split, "/ sep maxsplit"},
    {"splitlines", run_splitlines, "/ keepends"},
    {"startswith", run_startswith, "- / - -"},
    {"strip", run_strip, "/ -"},
    {"swapcase", run_swapcase, ""},
    {"title", run_title, ""},
    {"upper", run_upper, ""},
    {"zfill", run_zfill, "-"},
    {"casefold", NULL, ""},
    {"encode", NULL, ""},
    {"expandtabs", NULL, ""},
    {"format_map", NULL, ""},
    {"isidentifier", NULL, ""},
    {"isnumeric", NULL, ""},
    {"istitle", NULL, ""},
    {"maketrans", NULL, ""},
    {"translate", NULL, ""},
    {NULL, NULL, NULL},
};
