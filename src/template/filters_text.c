/* Owns: the filters that work on one text or one number. */
#include "template/run.h"

#include <math.h>
#include <stdio.h>

/* ---------------------------------------------------------------- text */

static bool change_case(met_eval *ev, met_jvalue self, met_jcasing casing, met_jvalue *out)
{
    const met_jstring *s = NULL;
    return met_arg_string(ev, self, &s) && met_jstring_cased(ev, s, casing, out);
}

static bool run_upper(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return change_case(ev, in->self, MET_JCASING_UPPER, out);
}

static bool run_lower(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return change_case(ev, in->self, MET_JCASING_LOWER, out);
}

static bool run_title(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return change_case(ev, in->self, MET_JCASING_WORDS, out);
}

static bool run_capitalize(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return change_case(ev, in->self, MET_JCASING_CAPITALIZE, out);
}

static bool run_string(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    if (!met_arg_string(ev, in->self, &s)) return false;
    *out = met_j_string(s);
    return true;
}

static bool run_trim(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    const met_jstring *chars = NULL;
    if (met_arg_given(in->bound[0]) && !met_arg_need_string(ev, in->bound[0], "trim", &chars)) {
        return false;
    }
    return met_arg_string(ev, in->self, &s) &&
           met_jstring_strip(ev, s, chars, MET_JSTRIP_LEFT | MET_JSTRIP_RIGHT, out);
}

static bool as_plain(met_eval *ev, const met_jstring *s, const met_jstring **out)
{
    met_jstring *copy = met_eval_alloc(ev, sizeof *copy);
    if (copy == NULL) return false;
    *copy = *s;
    copy->markup = false;
    *out = copy;
    return true;
}

static bool run_replace(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    const met_jstring *from = NULL;
    const met_jstring *to = NULL;
    int64_t most = -1;
    return met_arg_string(ev, in->self, &s) && as_plain(ev, s, &s) &&
           met_arg_string(ev, in->bound[0], &from) && met_arg_string(ev, in->bound[1], &to) &&
           met_arg_int(ev, in->bound[2], "replace: count", -1, &most) &&
           met_jstring_replace(ev, s, from, to, most, out);
}

static bool run_escape(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    return met_arg_string(ev, in->self, &s) && met_jstring_escape(ev, s, out);
}

static bool run_forceescape(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    return met_arg_string(ev, in->self, &s) && as_plain(ev, s, &s) &&
           met_jstring_escape(ev, s, out);
}

static bool run_safe(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    met_jstring *copy = met_eval_alloc(ev, sizeof *copy);
    if (copy == NULL || !met_arg_string(ev, in->self, &s)) return false;
    *copy = *s;
    copy->markup = true;
    *out = met_j_string(copy);
    return true;
}

static bool run_format(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    met_jvalue given;
    if (in->call->positional_count > 0 && in->call->named_count > 0) {
        return met_eval_fail(ev, "filter 'format' takes positional or named arguments, not both");
    }
    if (!met_arg_string(ev, in->self, &s)) return false;
    if (in->call->named_count > 0) {
        met_jdict *dict = met_eval_alloc(ev, sizeof *dict);
        if (dict == NULL) return false;
        for (size_t i = 0; i < in->call->named_count; i++) {
            met_jvalue key = met_j_string(in->call->named[i].name);
            if (!met_jdict_set(ev, dict, key, in->call->named[i].value)) return false;
        }
        given = (met_jvalue){.kind = MET_J_DICT, .as = {.dict = dict}};
    } else {
        met_jvalue *items = met_j_list_make(ev, MET_J_TUPLE, in->call->positional_count, &given);
        if (items == NULL) return false;
        for (size_t i = 0; i < in->call->positional_count; i++) {
            items[i] = in->call->positional[i];
        }
    }
    return met_format_percent(ev, s, given, out);
}

/* The end of the line that begins at `at`, and where the next one begins. */
static size_t line_end(const met_jstring *s, size_t at, size_t *next)
{
    while (at < s->bytes) {
        uint32_t c = 0;
        size_t length = met_utf8_next(s->data + at, s->bytes - at, &c);
        if (met_unicode_is_line_break(c)) {
            bool pair = c == '\r' && at + 1 < s->bytes && s->data[at + 1] == '\n';
            *next = at + length + (pair ? 1 : 0);
            return at;
        }
        at += length;
    }
    *next = at;
    return at;
}

static bool run_indent(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    const met_jstring *indent = NULL;
    met_jvalue spaces;
    int64_t width = 4;
    bool first = met_j_truth(in->bound[1]);
    bool blank = met_j_truth(in->bound[2]);
    if (!met_arg_need_string(ev, in->self, "indent", &s)) return false;
    if (in->bound[0].kind == MET_J_STRING) {
        indent = in->bound[0].as.string;
    } else {
        static const met_jstring space = {.data = " ", .bytes = 1, .chars = 1};
        if (in->bound[0].kind == MET_J_NONE) return met_eval_fail(ev, "indent: width is None");
        if (!met_arg_int(ev, in->bound[0], "indent: width", 4, &width) ||
            !met_jstring_repeat(ev, &space, width, &spaces)) {
            return false;
        }
        indent = spaces.as.string;
    }
    met_jwriter w = met_jwriter_start(ev);
    size_t at = 0;
    for (size_t line = 0; at < s->bytes || line == 0; line++) {
        size_t next = 0;
        size_t end = line_end(s, at, &next);
        bool indents = line == 0 ? first : blank || end > at;
        if ((line > 0 && !met_jwriter_add_text(&w, "\n")) ||
            (indents && !met_jwriter_add_string(&w, indent)) ||
            !met_jwriter_add_range(&w, s, at, end)) {
            return false;
        }
        at = next;
        /* A line break at the very end begins one more line, which is empty. */
        bool joins = next > end && s->data[next - 1] == '\r'; /* the quirk: \r and an added \n */
        if (at == s->bytes && next > end && !joins) {
            if (!met_jwriter_add_text(&w, "\n")) return false;
            if (blank && !met_jwriter_add_string(&w, indent)) return false;
        }
    }
    return met_jwriter_finish(&w, out);
}

static bool run_center(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    int64_t width = 80;
    if (!met_arg_string(ev, in->self, &s) ||
        !met_arg_int(ev, in->bound[0], "center: width", 80, &width)) {
        return false;
    }
    return met_jstring_pad(ev, s, width, MET_JPAD_CENTER, ' ', out);
}

static bool run_truncate(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    static const met_jstring dots = {.data = "...", .bytes = 3, .chars = 3};
    const met_jstring *s = NULL;
    const met_jstring *end = &dots;
    int64_t length = 255;
    int64_t leeway = 5;
    if (!met_arg_int(ev, in->bound[0], "truncate: length", 255, &length) ||
        (in->bound[2].kind != MET_J_ABSENT &&
         !met_arg_need_string(ev, in->bound[2], "truncate: end", &end)) ||
        !met_arg_int(ev, in->bound[3], "truncate: leeway", 5, &leeway)) {
        return false;
    }
    if (length < (int64_t)end->chars || leeway < 0) {
        return met_eval_fail(ev, "truncate: length or leeway is too small");
    }
    int64_t longest = 0;
    int64_t found = met_j_length(in->self);
    if (found >= 0 && (__builtin_add_overflow(length, leeway, &longest) || found <= longest)) {
        *out = in->self; /* also what is no text */
        return true;
    }
    if (!met_arg_need_string(ev, in->self, "truncate", &s)) return false;
    size_t kept = met_jstring_offset(s, (size_t)(length - (int64_t)end->chars));
    if (!met_j_truth(in->bound[1])) {
        size_t space =
            met_jstring_find_last((met_str){s->data, s->bytes}, met_str_of(" "), 0, kept);
        if (space != SIZE_MAX) kept = space;
    }
    met_jwriter w = met_jwriter_start(ev);
    return met_jwriter_add_range(&w, s, 0, kept) && met_jwriter_add_string(&w, end) &&
           met_jwriter_finish(&w, out);
}

static bool run_wordcount(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *s = NULL;
    int64_t words = 0;
    bool in_word = false;
    if (!met_arg_string(ev, in->self, &s) || !met_eval_charge_bytes(ev, s->bytes)) return false;
    for (size_t at = 0; at < s->bytes;) {
        uint32_t c = 0;
        at += met_utf8_next(s->data + at, s->bytes - at, &c);
        bool letter = c == '_' || met_unicode_is_alpha(c) || met_unicode_is_numeric(c);
        if (letter && !in_word) words++;
        in_word = letter;
    }
    *out = met_j_int(words);
    return true;
}

/* HF's filter: json.dumps(value, ensure_ascii, indent, separators, sort_keys). */
static bool run_tojson(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_json_style style = {.ascii = met_j_truth(in->bound[0]),
                            .sorted = met_j_truth(in->bound[3])};
    met_jvalue spaces;
    style.indents = met_arg_given(in->bound[1]);
    style.item_separator = met_str_of(style.indents ? "," : ", ");
    style.key_separator = met_str_of(": ");
    if (style.indents && in->bound[1].kind == MET_J_STRING) {
        style.indent = met_j_str_view(in->bound[1]);
    } else if (style.indents) {
        static const met_jstring space = {.data = " ", .bytes = 1, .chars = 1};
        int64_t width = 0;
        if (!met_arg_int(ev, in->bound[1], "tojson: indent", 0, &width) ||
            !met_jstring_repeat(ev, &space, width, &spaces)) {
            return false;
        }
        style.indent = met_j_str_view(spaces);
    }
    if (met_arg_given(in->bound[2])) {
        met_jvalue pair;
        if (!met_iter_collect(ev, in->bound[2], MET_J_TUPLE, &pair)) return false;
        const met_jlist *two = pair.as.list;
        if (two->count != 2 || two->items[0].kind != MET_J_STRING ||
            two->items[1].kind != MET_J_STRING) {
            return met_eval_fail(ev, "tojson: separators are not two strings");
        }
        style.item_separator = met_j_str_view(two->items[0]);
        style.key_separator = met_j_str_view(two->items[1]);
    }
    met_jwriter w = met_jwriter_start(ev);
    return met_write_json(&w, in->self, &style) && met_jwriter_finish(&w, out);
}

/* ---------------------------------------------------------------- numbers */

static bool run_int(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t base = 10;
    int64_t integer = 0;
    double real = 0.0;
    bool valid = false;
    *out = in->bound[0].kind == MET_J_ABSENT ? met_j_int(0) : in->bound[0];
    if (in->self.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", in->self.as.undefined);
    if (met_j_is_integer(in->self)) {
        *out = met_j_int(met_j_integer(in->self));
        return true;
    }
    if (in->self.kind == MET_J_FLOAT) {
        real = in->self.as.real;
        valid = true;
    } else if (in->self.kind == MET_J_STRING) {
        met_str text = met_j_str_view(in->self);
        if (!met_arg_int(ev, in->bound[1], "int: base", 10, &base) ||
            !met_number_parse_int(ev, text, base < 0 || base > 36 ? 1 : (int)base, &integer,
                                  &valid)) {
            return false;
        }
        if (valid) {
            *out = met_j_int(integer);
            return true;
        }
        if (!met_number_parse_float(ev, text, &real, &valid)) return false;
    }
    if (!valid || isnan(real)) return true;
    if (!met_number_truncate(ev, real, &integer)) return false;
    *out = met_j_int(integer);
    return true;
}

static bool run_float(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    double real = 0.0;
    bool valid = false;
    if (in->self.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", in->self.as.undefined);
    if (met_j_is_number(in->self)) {
        *out = met_j_float(met_j_real(in->self));
        return true;
    }
    if (in->self.kind == MET_J_STRING &&
        !met_number_parse_float(ev, met_j_str_view(in->self), &real, &valid)) {
        return false;
    }
    *out = valid                               ? met_j_float(real)
           : in->bound[0].kind == MET_J_ABSENT ? met_j_float(0.0)
                                               : in->bound[0];
    return true;
}

static bool run_abs(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    if (in->self.kind == MET_J_FLOAT) {
        *out = met_j_float(fabs(in->self.as.real));
        return true;
    }
    if (!met_j_is_integer(in->self)) {
        return met_eval_fail(ev, "abs: %s, expected a number", met_j_type_name(in->self));
    }
    return met_run_sign(ev, met_j_integer(in->self) < 0, in->self, out);
}

/* round(integer, digits): for digits < 0 to tens, hundreds ..., half to even. */
static bool round_integer(met_eval *ev, int64_t value, int64_t digits, met_jvalue *out)
{
    enum { POWERS_THAT_FIT = 18 };
    int64_t unit = 1;
    if (digits < -POWERS_THAT_FIT) {
        const int64_t half = 5000000000000000000; /* of 10 to the 19th, which does not fit */
        bool far = digits == -POWERS_THAT_FIT - 1 && (value > half || value < -half);
        *out = met_j_int(0);
        return !far || met_eval_fail(ev, "an integer does not fit 64 bits");
    }
    for (int64_t i = digits; i < 0; i++) {
        unit *= 10;
    }
    int64_t rest = value % unit;
    int64_t down = value - rest;
    int64_t above = rest < 0 ? unit + rest : unit - rest; /* to the next unit away from 0 */
    int64_t magnitude = rest < 0 ? -rest : rest;
    bool odd = (down / unit) % 2 != 0;
    bool away = rest != 0 && (magnitude > above || (magnitude == above && odd));
    if (away && __builtin_add_overflow(down, value < 0 ? -unit : unit, &down)) {
        return met_eval_fail(ev, "an integer does not fit 64 bits");
    }
    *out = met_j_int(down);
    return true;
}

/* round(real, digits): the double nearest to the decimal that is nearest to it. */
static double round_real(double real, int64_t digits)
{
    char text[512];
    if (!isfinite(real) || real == 0.0 || digits > 330) return real;
    if (digits >= 0) {
        if (fabs(real) >= 0x1p52) return real;
        (void)snprintf(text, sizeof text, "%.*f", (int)digits, real);
        return strtod(text, NULL);
    }
    if (digits < -308) return copysign(0.0, real);
    (void)snprintf(text, sizeof text, "%.17e", real);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    int64_t precision = exponent + digits;
    if (precision >= 0) {
        (void)snprintf(text, sizeof text, "%.*e", (int)precision, real);
        return strtod(text, NULL);
    }
    if (precision < -1) return copysign(0.0, real);
    (void)snprintf(text, sizeof text, "1e%lld", (long long)-digits);
    double unit = strtod(text, NULL);
    return copysign(fabs(real) > unit / 2 ? unit : 0.0, real);
}

static bool round_towards(met_eval *ev, met_jvalue self, int64_t precision, bool up,
                          met_jvalue *out)
{
    met_jvalue scale;
    met_jvalue scaled;
    int64_t whole = 0;
    if (!met_run_math(ev, MET_JOP_POW, met_j_int(10), met_j_int(precision), &scale) ||
        !met_run_math(ev, MET_JOP_MUL, self, scale, &scaled)) {
        return false;
    }
    if (scaled.kind == MET_J_FLOAT) {
        double real = up ? ceil(scaled.as.real) : floor(scaled.as.real);
        if (isnan(real)) return met_eval_fail(ev, "round: not a number");
        if (!met_number_truncate(ev, real, &whole)) return false;
        scaled = met_j_int(whole);
    }
    return met_run_math(ev, MET_JOP_DIV, scaled, scale, out);
}

static bool run_round(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t precision = 0;
    met_str method = met_str_of("common");
    if (in->bound[1].kind == MET_J_STRING) method = met_j_str_view(in->bound[1]);
    bool known =
        met_str_is(method, "common") || met_str_is(method, "ceil") || met_str_is(method, "floor");
    if (!known || (in->bound[1].kind != MET_J_STRING && in->bound[1].kind != MET_J_ABSENT)) {
        return met_eval_fail(ev, "round: the method is not common, ceil or floor");
    }
    if (!met_j_is_number(in->self)) {
        return met_eval_fail(ev, "round: %s, expected a number", met_j_type_name(in->self));
    }
    if (in->bound[0].kind == MET_J_NONE) return met_eval_fail(ev, "round: precision is None");
    if (!met_arg_int(ev, in->bound[0], "round: precision", 0, &precision)) return false;
    if (!met_str_is(method, "common")) {
        return round_towards(ev, in->self, precision, met_str_is(method, "ceil"), out);
    }
    if (met_j_is_integer(in->self))
        return round_integer(ev, met_j_integer(in->self), precision, out);
    double rounded = round_real(in->self.as.real, precision);
    if (isinf(rounded) && isfinite(in->self.as.real)) {
        return met_eval_fail(ev, "round: the result is too large for a float");
    }
    *out = met_j_float(rounded);
    return true;
}

const met_jbuiltin met_builtin_text_filters[] = {
    {"abs", run_abs, ""},
    {"capitalize", run_capitalize, ""},
    {"center", run_center, "/ width"},
    {"e", run_escape, ""},
    {"escape", run_escape, ""},
    {"float", run_float, "/ default"},
    {"forceescape", run_forceescape, ""},
    {"format", run_format, "*"},
    {"indent", run_indent, "/ width first blank"},
    {"int", run_int, "/ default base"},
    {"lower", run_lower, ""},
    {"replace", run_replace, "old new / count"},
    {"round", run_round, "/ precision method"},
    {"safe", run_safe, ""},
    {"string", run_string, ""},
    {"title", run_title, ""},
    {"tojson", run_tojson, "/ ensure_ascii indent separators sort_keys"},
    {"trim", run_trim, "/ chars"},
    {"truncate", run_truncate, "/ length killwords end leeway"},
    {"upper", run_upper, ""},
    {"wordcount", run_wordcount, ""},
    {"filesizeformat", NULL, ""},
    {"pprint", NULL, ""},
    {"striptags", NULL, ""},
    {"urlencode", NULL, ""},
    {"urlize", NULL, ""},
    {"wordwrap", NULL, ""},
    {"xmlattr", NULL, ""},
    {NULL, NULL, NULL},
};
