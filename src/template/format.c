/* Owns: "..." % values and "...".format(values): two notations, one way of writing a value.
 * The invariant: bytes of the format and of strings keep their provenance, what is computed is not
 * trusted. */
#include "template/run.h"

#include <math.h>
#include <stdio.h>

enum { NUMBER_TEXT_BYTES = 1024, PRECISION_MAX = 400 };

/* How to write one value, whichever notation asked for it. */
typedef struct directive {
    uint32_t fill;
    char align; /* '<' '>' '^' '=' (after the sign), or 0 */
    char sign;  /* '+' ' ' or 0 */
    bool alternate;
    bool zero;
    int64_t width;
    int64_t precision; /* -1: none */
    char group;        /* ',' '_' or 0 */
    char type;         /* 0: none */
} directive;

/* ---------------------------------------------------------------- values */

/* prefix is the sign and 0x; it stands before zeros that fill. */
static bool write_padded(met_jwriter *w, const char *prefix, const met_jstring *body,
                         const directive *d)
{
    int64_t length = (int64_t)strlen(prefix) + (int64_t)body->chars;
    int64_t missing = d->width > length ? d->width - length : 0;
    int64_t before = d->align == '>' ? missing : d->align == '^' ? missing / 2 : 0;
    int64_t between = d->align == '=' ? missing : 0;
    if (!met_jwriter_reserve(w, (size_t)missing + body->bytes)) return false;
    for (int64_t i = 0; i < before; i++) {
        if (!met_jwriter_add_char(w, d->fill, false)) return false;
    }
    if (!met_jwriter_add_text(w, prefix)) return false;
    for (int64_t i = 0; i < between; i++) {
        if (!met_jwriter_add_char(w, d->fill, false)) return false;
    }
    if (!met_jwriter_add_string(w, body)) return false;
    for (int64_t i = before + between; i < missing; i++) {
        if (!met_jwriter_add_char(w, d->fill, false)) return false;
    }
    return true;
}

static bool write_text(met_jwriter *w, const met_jstring *s, const directive *d)
{
    met_jvalue cut = met_j_string(s);
    if (d->precision >= 0 && d->precision < (int64_t)s->chars) {
        size_t end = met_jstring_offset(s, (size_t)d->precision);
        if (!met_jstring_range(w->ev, s, 0, end, &cut)) return false;
    }
    return write_padded(w, "", cut.as.string, d);
}

/* Thousands, or fours of a base that is a power of two. */
static void group_digits(char *text, size_t bytes, char mark, size_t every)
{
    size_t digits = strspn(text, "0123456789abcdefABCDEF");
    size_t length = strlen(text);
    size_t marks = digits == 0 ? 0 : (digits - 1) / every;
    if (length + marks + 1 > bytes) return;
    memmove(text + digits + marks, text + digits, length - digits + 1);
    size_t to = digits + marks;
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && i % every == 0) text[--to] = mark;
        text[--to] = text[digits - 1 - i];
    }
}

static const char *sign_of(bool minus, const directive *d)
{
    return minus ? "-" : d->sign == '+' ? "+" : d->sign == ' ' ? " " : "";
}

static bool write_number_text(met_jwriter *w, bool minus, const char *base, char *text,
                              const directive *d)
{
    char prefix[8];
    met_jstring body = {.data = text};
    if (d->group != 0) {
        bool powers = d->type == 'x' || d->type == 'X' || d->type == 'o' || d->type == 'b';
        group_digits(text, NUMBER_TEXT_BYTES, d->group, powers ? 4 : 3);
    }
    (void)snprintf(prefix, sizeof prefix, "%s%s", sign_of(minus, d), base);
    body.bytes = strlen(text);
    body.chars = body.bytes;
    directive filled = *d;
    if (filled.zero && filled.align == 0) {
        filled.align = '=';
        filled.fill = '0';
    }
    if (filled.align == 0) filled.align = '>';
    return write_padded(w, prefix, &body, &filled);
}

static bool write_integer(met_jwriter *w, int64_t value, const directive *d)
{
    char text[NUMBER_TEXT_BYTES];
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    unsigned base = d->type == 'x' || d->type == 'X' ? 16
                    : d->type == 'o'                 ? 8
                    : d->type == 'b'                 ? 2
                                                     : 10;
    const char *symbols = d->type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[65];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = symbols[rest % base];
        rest /= base;
    } while (rest > 0);
    size_t count = sizeof digits - 1 - at;
    size_t zeros = d->precision > (int64_t)count ? (size_t)d->precision - count : 0;
    memset(text, '0', zeros);
    memcpy(text + zeros, digits + at, count + 1);
    const char *prefix = "";
    if (d->alternate && base != 10) {
        prefix = base == 16 ? (d->type == 'X' ? "0X" : "0x") : base == 8 ? "0o" : "0b";
    }
    return write_number_text(w, value < 0, prefix, text, d);
}

static bool write_real(met_jwriter *w, double value, const directive *d)
{
    char text[NUMBER_TEXT_BYTES];
    double magnitude = fabs(value);
    bool percent = d->type == '%';
    char type = percent ? 'f' : d->type;
    int precision = d->precision < 0 ? 6 : (int)d->precision;
    if (percent) magnitude *= 100.0;
    if (isnan(magnitude) || isinf(magnitude)) {
        bool capital = type == 'F' || type == 'E' || type == 'G';
        const char *name = isnan(magnitude) ? (capital ? "NAN" : "nan") : capital ? "INF" : "inf";
        (void)snprintf(text, sizeof text, "%s", name);
    } else {
        char pattern[8];
        (void)snprintf(pattern, sizeof pattern, "%%%s.*%c", d->alternate ? "#" : "", type);
        int length = snprintf(text, sizeof text, pattern, precision, magnitude);
        if (length < 0 || (size_t)length >= sizeof text) {
            return met_eval_fail(w->ev, "format: a number is too long");
        }
    }
    if (percent) (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%%");
    return write_number_text(w, signbit(value) != 0 && !isnan(value), "", text, d);
}

static bool bad_type(met_jwriter *w, const directive *d, met_jvalue value)
{
    return met_eval_fail(w->ev, "format: '%c' does not take %s", d->type == 0 ? 's' : d->type,
                         met_j_type_name(value));
}

static bool check_precision(met_jwriter *w, const directive *d)
{
    return d->precision <= PRECISION_MAX ||
           met_eval_fail(w->ev, "format: precision %lld, expected at most %d",
                         (long long)d->precision, PRECISION_MAX);
}

/* ---------------------------------------------------------------- the percent notation */

typedef struct percent_format {
    met_eval *ev;
    const met_jstring *s;
    size_t at;
    met_jvalue arguments;
    size_t next;
    bool named; /* a value was taken by name */
} percent_format;

static char char_here(const percent_format *f)
{
    return f->at < f->s->bytes ? f->s->data[f->at] : '\0';
}

static bool next_argument(percent_format *f, met_jvalue *out)
{
    bool tuple = f->arguments.kind == MET_J_TUPLE;
    size_t count = tuple ? f->arguments.as.list->count : 1;
    if (f->next >= count) return met_eval_fail(f->ev, "not enough arguments for format string");
    *out = tuple ? f->arguments.as.list->items[f->next] : f->arguments;
    f->next++;
    return true;
}

static bool named_argument(percent_format *f, met_jvalue *out)
{
    const met_jvalue *found = NULL;
    size_t begin = ++f->at;
    for (int open = 1; open > 0; f->at++) {
        if (f->at >= f->s->bytes) return met_eval_fail(f->ev, "incomplete format key");
        open += char_here(f) == '(' ? 1 : char_here(f) == ')' ? -1 : 0;
    }
    met_str name = {f->s->data + begin, f->at - 1 - begin};
    if (f->arguments.kind != MET_J_DICT) return met_eval_fail(f->ev, "format requires a mapping");
    found = met_jdict_find_text(f->arguments.as.dict, name);
    if (found == NULL) {
        return met_eval_fail(f->ev, "format: no value named '%.*s'", met_str_shown(name),
                             name.data);
    }
    *out = *found;
    f->named = true;
    return true;
}

/* Digits, or * for the next argument. */
static bool number_or_star(percent_format *f, int64_t *out)
{
    if (char_here(f) == '*') {
        met_jvalue value;
        f->at++;
        if (!next_argument(f, &value)) return false;
        if (!met_j_is_integer(value)) return met_eval_fail(f->ev, "* wants int");
        *out = met_j_integer(value);
        return true;
    }
    *out = 0;
    for (; char_here(f) >= '0' && char_here(f) <= '9'; f->at++) {
        *out = *out * 10 + (char_here(f) - '0');
        if (*out > INT32_MAX) return met_eval_fail(f->ev, "format: a width is too large");
    }
    return true;
}

static bool parse_percent(percent_format *f, directive *d)
{
    bool left = false;
    *d = (directive){.fill = ' ', .precision = -1};
    for (;; f->at++) {
        char c = char_here(f);
        if (c == '-') {
            left = true;
        } else if (c == '+') {
            d->sign = '+';
        } else if (c == ' ') {
            if (d->sign == 0) d->sign = ' ';
        } else if (c == '#') {
            d->alternate = true;
        } else if (c == '0') {
            d->zero = true;
        } else {
            break;
        }
    }
    if (!number_or_star(f, &d->width)) return false;
    if (d->width < 0) {
        left = true;
        d->width = d->width < -INT32_MAX ? INT32_MAX : -d->width;
    }
    if (char_here(f) == '.') {
        f->at++;
        if (!number_or_star(f, &d->precision)) return false;
        if (d->precision < 0) d->precision = 0;
    }
    while (char_here(f) == 'h' || char_here(f) == 'l' || char_here(f) == 'L') {
        f->at++;
    }
    d->type = char_here(f);
    if (f->at >= f->s->bytes) return met_eval_fail(f->ev, "incomplete format");
    f->at++;
    if (left) d->align = '<';
    return true;
}

static bool write_percent_char(met_jwriter *w, met_jvalue value, directive *d)
{
    uint32_t c = 0;
    d->precision = -1;
    if (value.kind == MET_J_STRING && value.as.string->chars == 1) {
        return write_text(w, value.as.string, d);
    }
    if (!met_j_is_integer(value)) return bad_type(w, d, value);
    int64_t code = met_j_integer(value);
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
        return met_eval_fail(w->ev, "format: %%c is not given a character");
    }
    c = (uint32_t)code;
    char encoded[4];
    met_jstring one = {.data = encoded, .bytes = met_unicode_encode(c, encoded), .chars = 1};
    return write_padded(w, "", &one, d);
}

static bool write_percent_value(met_jwriter *w, met_jvalue value, directive *d)
{
    const met_jstring *text = NULL;
    met_jvalue made;
    bool real = strchr("eEfFgG", d->type) != NULL;
    bool integer = strchr("diuxXo", d->type) != NULL;
    if (d->type == 's' || d->type == 'r' || d->type == 'c') {
        if (d->align == 0) d->align = '>';
        if (d->type == 'c') return write_percent_char(w, value, d);
        if (d->type == 's') {
            return met_arg_string(w->ev, value, &text) && write_text(w, text, d);
        }
        met_jwriter repr = met_jwriter_start(w->ev);
        return met_write_repr(&repr, value) && met_jwriter_finish(&repr, &made) &&
               write_text(w, made.as.string, d);
    }
    if (!check_precision(w, d)) return false;
    if (real) {
        return met_j_is_number(value) ? write_real(w, met_j_real(value), d) : bad_type(w, d, value);
    }
    if (!integer) {
        return met_eval_fail(w->ev, "format: directive '%%%c' is not supported",
                             d->type < ' ' ? '?' : d->type);
    }
    int64_t whole = 0;
    bool decimal = d->type == 'd' || d->type == 'i' || d->type == 'u';
    if (value.kind == MET_J_FLOAT && decimal && !isnan(value.as.real)) {
        if (!met_number_truncate(w->ev, value.as.real, &whole)) return false;
    } else if (met_j_is_integer(value)) {
        whole = met_j_integer(value);
    } else {
        return bad_type(w, d, value);
    }
    return write_integer(w, whole, d);
}

/* One directive after its percent sign. */
static bool run_percent(percent_format *f, met_jwriter *w)
{
    met_jvalue value = {.kind = MET_J_ABSENT};
    directive d;
    if (char_here(f) == '(' && !named_argument(f, &value)) return false;
    if (!parse_percent(f, &d)) return false;
    if (d.type == '%') return met_jwriter_add_range(w, f->s, f->at - 1, f->at);
    if (value.kind == MET_J_ABSENT && !next_argument(f, &value)) return false;
    return write_percent_value(w, value, &d);
}

bool met_format_percent(met_eval *ev, const met_jstring *format, met_jvalue arguments,
                        met_jvalue *out)
{
    percent_format f = {.ev = ev, .s = format, .arguments = arguments};
    met_jwriter w = met_jwriter_start(ev);
    if (format->markup) {
        return met_eval_fail(ev, "formatting text marked safe is not supported");
    }
    while (f.at < format->bytes) {
        const char *percent = memchr(format->data + f.at, '%', format->bytes - f.at);
        size_t end = percent == NULL ? format->bytes : (size_t)(percent - format->data);
        if (!met_jwriter_add_range(&w, format, f.at, end)) return false;
        if (percent == NULL) break;
        f.at = end + 1;
        if (!met_eval_step(ev) || !run_percent(&f, &w)) return false;
    }
    size_t count = arguments.kind == MET_J_TUPLE ? arguments.as.list->count : 1;
    bool mapping = arguments.kind == MET_J_DICT || arguments.kind == MET_J_LIST ||
                   arguments.kind == MET_J_RANGE || arguments.kind == MET_J_UNDEFINED;
    if (f.next < count && !f.named && !mapping) {
        return met_eval_fail(ev, "not all arguments were converted by the format string");
    }
    return met_jwriter_finish(&w, out);
}

/* ---------------------------------------------------------------- the notation with braces */

typedef struct brace_format {
    met_eval *ev;
    const met_jstring *s;
    size_t at;
    const met_jcall *call;
    size_t next;
    bool numbered; /* a field has a number */
    bool automatic;
} brace_format;

static bool small_number(met_eval *ev, met_str digits, int64_t *out)
{
    bool valid = false;
    return met_number_parse_int(ev, digits, 10, out, &valid) &&
           (valid || met_eval_fail(ev, "format: a malformed number"));
}

/* The value that the first part of a field names. */
static bool field_base(brace_format *f, met_str name, met_jvalue *out)
{
    int64_t index = 0;
    if (name.bytes == 0 || met_str_is_digits(name)) {
        bool automatic = name.bytes == 0;
        f->automatic = f->automatic || automatic;
        f->numbered = f->numbered || !automatic;
        if (f->automatic && f->numbered) {
            return met_eval_fail(f->ev, "format: numbered and automatic fields are mixed");
        }
        if (automatic) {
            index = (int64_t)f->next++;
        } else if (!small_number(f->ev, name, &index)) {
            return false;
        }
        if (index >= (int64_t)f->call->positional_count) {
            return met_eval_fail(f->ev, "format: no argument %lld", (long long)index);
        }
        *out = f->call->positional[index];
        return true;
    }
    for (size_t i = 0; i < f->call->named_count; i++) {
        met_str known = {f->call->named[i].name->data, f->call->named[i].name->bytes};
        if (met_str_equal(known, name)) {
            *out = f->call->named[i].value;
            return true;
        }
    }
    return met_eval_fail(f->ev, "format: no argument named '%.*s'", met_str_shown(name), name.data);
}

/* name.attribute[item] */
static bool field_value(brace_format *f, met_str field, met_jvalue *out)
{
    size_t end = 0;
    while (end < field.bytes && field.data[end] != '.' && field.data[end] != '[') {
        end++;
    }
    if (!field_base(f, (met_str){field.data, end}, out)) return false;
    while (end < field.bytes) {
        bool item = field.data[end] == '[';
        size_t begin = end + 1;
        end = begin;
        while (end < field.bytes &&
               (item ? field.data[end] != ']' : field.data[end] != '.' && field.data[end] != '[')) {
            end++;
        }
        met_str name = {field.data + begin, end - begin};
        met_jvalue key;
        int64_t index = 0;
        if (name.bytes == 0 || (item && end == field.bytes)) {
            return met_eval_fail(f->ev, "format: a malformed field");
        }
        if (!met_j_text(f->ev, name, &key)) return false;
        if (item && met_str_is_digits(name)) {
            if (!small_number(f->ev, name, &index)) return false;
            key = met_j_int(index);
        }
        bool done = item ? met_run_item(f->ev, *out, key, out)
                         : met_run_attribute(f->ev, *out, key.as.string, out);
        if (!done) return false;
        if (item) end++;
        if (end < field.bytes && field.data[end] != '.' && field.data[end] != '[') {
            return met_eval_fail(f->ev, "format: a malformed field");
        }
    }
    return true;
}

/* [[fill]align][sign][#][0][width][grouping][.precision][type] */
static bool parse_spec(met_eval *ev, met_str spec, directive *d)
{
    size_t at = 0;
    uint32_t first = 0;
    *d = (directive){.fill = ' ', .precision = -1};
    size_t length = met_utf8_next(spec.data, spec.bytes, &first);
    if (length > 0 && length < spec.bytes && strchr("<>=^", spec.data[length]) != NULL) {
        d->fill = first;
        d->align = spec.data[length];
        at = length + 1;
    } else if (spec.bytes > 0 && strchr("<>=^", spec.data[0]) != NULL) {
        d->align = spec.data[0];
        at = 1;
    }
    if (at < spec.bytes && strchr("+- ", spec.data[at]) != NULL) {
        d->sign = spec.data[at] == '-' ? 0 : spec.data[at];
        at++;
    }
    if (at < spec.bytes && spec.data[at] == '#') {
        d->alternate = true;
        at++;
    }
    if (at < spec.bytes && spec.data[at] == '0') {
        d->zero = true;
        at++;
    }
    for (; at < spec.bytes && spec.data[at] >= '0' && spec.data[at] <= '9'; at++) {
        d->width = d->width * 10 + (spec.data[at] - '0');
        if (d->width > INT32_MAX) return met_eval_fail(ev, "format: a width is too large");
    }
    if (at < spec.bytes && (spec.data[at] == ',' || spec.data[at] == '_')) {
        d->group = spec.data[at++];
    }
    if (at < spec.bytes && spec.data[at] == '.') {
        size_t begin = ++at;
        d->precision = 0;
        for (; at < spec.bytes && spec.data[at] >= '0' && spec.data[at] <= '9'; at++) {
            d->precision = d->precision * 10 + (spec.data[at] - '0');
            if (d->precision > INT32_MAX) return met_eval_fail(ev, "format: too precise");
        }
        if (at == begin) return met_eval_fail(ev, "format: the precision is missing");
    }
    if (at < spec.bytes) d->type = spec.data[at++];
    return at == spec.bytes || met_eval_fail(ev, "format: a malformed specification");
}

static bool write_spec_value(met_jwriter *w, met_jvalue value, directive *d)
{
    if (value.kind == MET_J_STRING) {
        bool plain = (d->type == 0 || d->type == 's') && d->sign == 0 && !d->alternate &&
                     d->group == 0 && d->align != '=';
        if (!plain) return bad_type(w, d, value);
        if (d->zero && d->align == 0) d->fill = '0';
        if (d->align == 0) d->align = '<';
        return write_text(w, value.as.string, d);
    }
    if (!met_j_is_number(value)) {
        return met_eval_fail(w->ev, "format: %s takes no specification", met_j_type_name(value));
    }
    /* 0 before the width only gives what fills; an alignment stays. */
    if (d->zero && d->align != 0 && d->fill == ' ') d->fill = '0';
    if (met_j_is_integer(value) && (d->type == 0 || strchr("dxXob", d->type) != NULL)) {
        if (d->precision >= 0) return met_eval_fail(w->ev, "format: an int has no precision");
        return write_integer(w, met_j_integer(value), d);
    }
    if (d->type == 0 || strchr("eEfFgG%", d->type) == NULL) {
        return met_eval_fail(w->ev, "format: this specification of %s is not supported",
                             met_j_type_name(value));
    }
    return check_precision(w, d) && write_real(w, met_j_real(value), d);
}

static bool write_field(brace_format *f, met_jwriter *w, met_jvalue value, char conversion,
                        met_str spec)
{
    directive d;
    if (conversion == 'r') {
        met_jwriter repr = met_jwriter_start(f->ev);
        if (!met_write_repr(&repr, value) || !met_jwriter_finish(&repr, &value)) return false;
    } else if (conversion == 's') {
        const met_jstring *s = NULL;
        if (!met_arg_string(f->ev, value, &s)) return false;
        value = met_j_string(s);
    } else if (conversion != 0) {
        return met_eval_fail(f->ev, "format: conversion '!%c' is not supported", conversion);
    }
    if (spec.bytes == 0) return met_write_str(w, value);
    return parse_spec(f->ev, spec, &d) && write_spec_value(w, value, &d);
}

/* {field!conversion:spec} with `at` after the brace. */
static bool run_field(brace_format *f, met_jwriter *w)
{
    met_str field = {f->s->data + f->at, 0};
    met_str spec = {"", 0};
    char conversion = 0;
    size_t at = f->at;
    size_t end = f->s->bytes;
    const char *data = f->s->data;
    bool in_item = false;
    while (at < end && (in_item || (data[at] != '!' && data[at] != ':' && data[at] != '}'))) {
        if (data[at] == '{') return met_eval_fail(f->ev, "format: '{' inside a field");
        in_item = data[at] == '[' || (in_item && data[at] != ']');
        at++;
    }
    field.bytes = at - f->at;
    if (at + 1 < end && data[at] == '!') {
        conversion = data[at + 1];
        at += 2;
    }
    if (at < end && data[at] == ':') {
        size_t begin = ++at;
        while (at < end && data[at] != '}') {
            if (data[at] == '{') {
                return met_eval_fail(f->ev, "format: fields inside a specification are not "
                                            "supported");
            }
            at++;
        }
        spec = (met_str){data + begin, at - begin};
    }
    if (at >= end || data[at] != '}') return met_eval_fail(f->ev, "format: '}' is missing");
    f->at = at + 1;
    met_jvalue value;
    return field_value(f, field, &value) && write_field(f, w, value, conversion, spec);
}

bool met_format_braces(met_eval *ev, const met_jstring *format, const met_jcall *call,
                       met_jvalue *out)
{
    brace_format f = {.ev = ev, .s = format, .call = call};
    met_jwriter w = met_jwriter_start(ev);
    while (f.at < format->bytes) {
        char c = format->data[f.at];
        bool doubled = f.at + 1 < format->bytes && format->data[f.at + 1] == c;
        if (!met_eval_step(ev)) return false;
        if ((c == '{' || c == '}') && doubled) {
            if (!met_jwriter_add_range(&w, format, f.at, f.at + 1)) return false;
            f.at += 2;
        } else if (c == '{') {
            f.at++;
            if (!run_field(&f, &w)) return false;
        } else if (c == '}') {
            return met_eval_fail(ev, "format: a single '}'");
        } else {
            size_t begin = f.at;
            while (f.at < format->bytes && format->data[f.at] != '{' && format->data[f.at] != '}') {
                f.at++;
            }
            if (!met_jwriter_add_range(&w, format, begin, f.at)) return false;
        }
    }
    return met_jwriter_finish(&w, out);
}
