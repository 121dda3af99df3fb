/* Owns: arithmetic as Python does it, and reading numbers. Integers have 64 bits where Python's
 * have no bound: what does not fit is an error, never a wrong number. */
#include "template/run.h"

#include <ctype.h>
#include <math.h>

__extension__ typedef unsigned __int128 u128;

static bool overflows(met_eval *ev)
{
    return met_eval_fail(ev, "an integer does not fit 64 bits");
}

/* a / b rounded once, which dividing two doubles is not when an operand has more than 53 bits. */
static double divide_exactly(int64_t a, int64_t b)
{
    const uint64_t exact = (uint64_t)1 << 53;
    uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
    uint64_t y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;
    if (x <= exact && y <= exact) return (double)a / (double)b;
    /* The quotient has at least 63 bits; what is below it can only matter as not being zero. */
    int shift = 63 + (x == 0 ? 0 : __builtin_clzll(x));
    u128 scaled = (u128)x << shift;
    u128 quotient = scaled / y | (u128)(scaled % y != 0);
    double result = ldexp((double)quotient, -shift);
    return (a < 0) != (b < 0) ? -result : result;
}

static bool power(met_eval *ev, int64_t base, int64_t exponent, met_jvalue *out)
{
    if (exponent < 0) {
        if (base == 0) return met_eval_fail(ev, "0 to a negative power");
        *out = met_j_float(pow((double)base, (double)exponent));
        return true;
    }
    int64_t result = 1;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) {
            return overflows(ev);
        }
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return overflows(ev);
    }
    *out = met_j_int(result);
    return true;
}

static bool math_integers(met_eval *ev, met_joperator operator_, int64_t a, int64_t b,
                          met_jvalue *out)
{
    int64_t result = 0;
    bool divides =
        operator_ == MET_JOP_DIV || operator_ == MET_JOP_FLOORDIV || operator_ == MET_JOP_MOD;
    if (divides && b == 0) return met_eval_fail(ev, "division by zero");
    switch (operator_) {
    case MET_JOP_ADD:
        if (__builtin_add_overflow(a, b, &result)) return overflows(ev);
        break;
    case MET_JOP_SUB:
        if (__builtin_sub_overflow(a, b, &result)) return overflows(ev);
        break;
    case MET_JOP_MUL:
        if (__builtin_mul_overflow(a, b, &result)) return overflows(ev);
        break;
    case MET_JOP_DIV: *out = met_j_float(divide_exactly(a, b)); return true;
    case MET_JOP_FLOORDIV:
        if (b == -1) {
            if (__builtin_sub_overflow((int64_t)0, a, &result)) return overflows(ev);
            break;
        }
        result = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
        break;
    case MET_JOP_MOD:
        result = b == -1 ? 0 : a % b;
        if (result != 0 && (result < 0) != (b < 0)) result += b;
        break;
    case MET_JOP_POW: return power(ev, a, b, out);
    case MET_JOP_EQ:
    case MET_JOP_NE:
    case MET_JOP_LT:
    case MET_JOP_LE:
    case MET_JOP_GT:
    case MET_JOP_GE:
    case MET_JOP_IN:
    case MET_JOP_NOT_IN: break;
    }
    *out = met_j_int(result);
    return true;
}

/* Quotient and remainder towards minus infinity, the remainder with the sign of b. */
static void divide_floor(double a, double b, double *quotient, double *remainder)
{
    double rest = fmod(a, b);
    double times = (a - rest) / b;
    if (rest != 0.0) {
        if ((b < 0) != (rest < 0)) {
            rest += b;
            times -= 1.0;
        }
    } else {
        rest = copysign(0.0, b);
    }
    if (times != 0.0) {
        double whole = floor(times);
        if (times - whole > 0.5) whole += 1.0;
        times = whole;
    } else {
        times = copysign(0.0, a / b);
    }
    *quotient = times;
    *remainder = rest;
}

static bool power_reals(met_eval *ev, double a, double b, met_jvalue *out)
{
    if (a == 0.0 && b < 0.0) return met_eval_fail(ev, "0 to a negative power");
    if (a < 0.0 && isfinite(a) && isfinite(b) && floor(b) != b) {
        return met_eval_fail(ev, "a complex number: negative number to a fractional power");
    }
    double result = pow(a, b);
    if (isinf(result) && isfinite(a) && isfinite(b)) {
        return met_eval_fail(ev, "a power is too large for a float");
    }
    *out = met_j_float(result);
    return true;
}

static bool math_reals(met_eval *ev, met_joperator operator_, double a, double b, met_jvalue *out)
{
    double quotient = 0.0;
    double remainder = 0.0;
    bool divides =
        operator_ == MET_JOP_DIV || operator_ == MET_JOP_FLOORDIV || operator_ == MET_JOP_MOD;
    if (divides && b == 0.0) return met_eval_fail(ev, "division by zero");
    switch (operator_) {
    case MET_JOP_ADD: *out = met_j_float(a + b); break;
    case MET_JOP_SUB: *out = met_j_float(a - b); break;
    case MET_JOP_MUL: *out = met_j_float(a * b); break;
    case MET_JOP_DIV: *out = met_j_float(a / b); break;
    case MET_JOP_FLOORDIV:
        divide_floor(a, b, &quotient, &remainder);
        *out = met_j_float(quotient);
        break;
    case MET_JOP_MOD:
        divide_floor(a, b, &quotient, &remainder);
        *out = met_j_float(remainder);
        break;
    case MET_JOP_POW: return power_reals(ev, a, b, out);
    case MET_JOP_EQ:
    case MET_JOP_NE:
    case MET_JOP_LT:
    case MET_JOP_LE:
    case MET_JOP_GT:
    case MET_JOP_GE:
    case MET_JOP_IN:
    case MET_JOP_NOT_IN: break;
    }
    return true;
}

static bool is_list(met_jvalue value)
{
    return value.kind == MET_J_LIST || value.kind == MET_J_TUPLE;
}

static bool add_lists(met_eval *ev, met_jvalue a, met_jvalue b, met_jvalue *out)
{
    size_t first = a.as.list->count;
    size_t second = b.as.list->count;
    met_jvalue *items = met_j_list_make(ev, a.kind, first + second, out);
    if (items == NULL || !met_eval_charge_bytes(ev, (first + second) * sizeof *items)) {
        return false;
    }
    if (first > 0) memcpy(items, a.as.list->items, first * sizeof *items);
    if (second > 0) memcpy(items + first, b.as.list->items, second * sizeof *items);
    return true;
}

static bool repeat_list(met_eval *ev, met_jvalue list, int64_t times, met_jvalue *out)
{
    size_t count = list.as.list->count;
    size_t repeats = times <= 0 || count == 0 ? 0 : (size_t)times;
    size_t total = 0;
    if (__builtin_mul_overflow(repeats, count, &total)) total = SIZE_MAX / 2;
    met_jvalue *items = met_j_list_make(ev, list.kind, total, out);
    if (items == NULL || !met_eval_charge_bytes(ev, total * sizeof *items)) return false;
    for (size_t i = 0; i < repeats; i++) {
        memcpy(items + i * count, list.as.list->items, count * sizeof *items);
    }
    return true;
}

static bool multiply_sequence(met_eval *ev, met_jvalue sequence, met_jvalue times, met_jvalue *out)
{
    int64_t count = met_j_integer(times);
    if (sequence.kind == MET_J_STRING) {
        return met_jstring_repeat(ev, sequence.as.string, count, out);
    }
    return repeat_list(ev, sequence, count, out);
}

bool met_run_math(met_eval *ev, met_joperator operator_, met_jvalue a, met_jvalue b,
                  met_jvalue *out)
{
    static const char *const signs[] = {"+", "-", "*", "/", "//", "%", "**"};
    if (met_j_is_integer(a) && met_j_is_integer(b)) {
        return math_integers(ev, operator_, met_j_integer(a), met_j_integer(b), out);
    }
    if (met_j_is_number(a) && met_j_is_number(b)) {
        return math_reals(ev, operator_, met_j_real(a), met_j_real(b), out);
    }
    if (operator_ == MET_JOP_MOD && a.kind == MET_J_STRING) {
        return met_format_percent(ev, a.as.string, b, out);
    }
    if (a.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", a.as.undefined);
    if (b.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", b.as.undefined);
    if (operator_ == MET_JOP_ADD && a.kind == b.kind) {
        if (a.kind == MET_J_STRING) {
            return met_jstring_add(ev, a.as.string, b.as.string, out);
        }
        if (is_list(a)) return add_lists(ev, a, b, out);
    }
    if (operator_ == MET_JOP_MUL) {
        bool left = a.kind == MET_J_STRING || is_list(a);
        bool right = b.kind == MET_J_STRING || is_list(b);
        if (left && met_j_is_integer(b)) return multiply_sequence(ev, a, b, out);
        if (right && met_j_is_integer(a)) return multiply_sequence(ev, b, a, out);
    }
    return met_eval_fail(ev, "'%s' between %s and %s is not supported", signs[operator_],
                         met_j_type_name(a), met_j_type_name(b));
}

bool met_run_sign(met_eval *ev, bool minus, met_jvalue value, met_jvalue *out)
{
    int64_t negated = 0;
    if (value.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", value.as.undefined);
    if (value.kind == MET_J_FLOAT) {
        *out = met_j_float(minus ? -value.as.real : value.as.real);
        return true;
    }
    if (!met_j_is_integer(value)) {
        return met_eval_fail(ev, "sign '%c' before %s", minus ? '-' : '+', met_j_type_name(value));
    }
    if (!minus) {
        *out = met_j_int(met_j_integer(value));
        return true;
    }
    if (__builtin_sub_overflow((int64_t)0, met_j_integer(value), &negated)) return overflows(ev);
    *out = met_j_int(negated);
    return true;
}

bool met_number_truncate(met_eval *ev, double real, int64_t *out)
{
    if (!(real > -0x1p63 - 1025.0 && real < 0x1p63)) {
        return met_eval_fail(ev, "a float does not fit an integer of 64 bits");
    }
    *out = (int64_t)real;
    return true;
}

/* ---------------------------------------------------------------- reading */

static met_str stripped(met_str text)
{
    uint32_t c = 0;
    while (text.bytes > 0) {
        size_t length = met_utf8_next(text.data, text.bytes, &c);
        if (!met_unicode_is_space(c)) break;
        text.data += length;
        text.bytes -= length;
    }
    while (text.bytes > 0) {
        size_t at = text.bytes - 1;
        while (((unsigned char)text.data[at] & 0xc0) == 0x80) {
            at--;
        }
        (void)met_utf8_next(text.data + at, text.bytes - at, &c);
        if (!met_unicode_is_space(c)) break;
        text.bytes = at;
    }
    return text;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    if (c >= 'A' && c <= 'Z') return c - 'A' + 10;
    return 99;
}

/* Skip 0x, 0o, 0b where the base allows it; base 0 takes the base from it. */
static size_t skip_prefix(met_str text, size_t at, int *base)
{
    if (text.bytes - at < 2 || text.data[at] != '0') {
        if (*base == 0) *base = 10;
        return at;
    }
    char letter = (char)tolower((unsigned char)text.data[at + 1]);
    int named = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (named == 0 || (*base != 0 && *base != named)) {
        /* 0 followed by digits has no base; only zeros may follow. */
        if (*base == 0) *base = 1;
        return at;
    }
    *base = named;
    at += 2;
    return at < text.bytes && text.data[at] == '_' ? at + 1 : at;
}

bool met_number_parse_int(met_eval *ev, met_str text, int base, int64_t *out, bool *valid)
{
    int64_t value = 0;
    size_t at = 0;
    *valid = false;
    if (!met_eval_charge_bytes(ev, text.bytes)) return false;
    text = stripped(text);
    if (base != 0 && (base < 2 || base > 36)) return true;
    bool minus = text.bytes > 0 && text.data[0] == '-';
    if (text.bytes > 0 && (text.data[0] == '-' || text.data[0] == '+')) at++;
    at = skip_prefix(text, at, &base);
    bool digit_before = false;
    bool fits = true;
    for (; at < text.bytes; at++) {
        if (text.data[at] == '_' && digit_before) {
            digit_before = false;
            continue;
        }
        int digit = digit_of(text.data[at]);
        if (digit >= base) return true;
        int64_t signed_digit = minus ? -digit : digit;
        fits = fits && !__builtin_mul_overflow(value, (int64_t)base, &value) &&
               !__builtin_add_overflow(value, signed_digit, &value);
        digit_before = true;
    }
    if (!digit_before) return true;
    if (!fits) return overflows(ev);
    *valid = true;
    *out = value;
    return true;
}

static bool is_word(met_str text, const char *word)
{
    if (text.bytes != strlen(word)) return false;
    for (size_t i = 0; i < text.bytes; i++) {
        if (tolower((unsigned char)text.data[i]) != word[i]) return false;
    }
    return true;
}

/* Copy digits with single underscores between them; returns the offset after them. */
static size_t copy_digits(met_str text, size_t at, char *to, size_t *length)
{
    size_t begin = at;
    while (at < text.bytes) {
        bool digit = digit_of(text.data[at]) < 10;
        bool between = text.data[at] == '_' && at > begin && text.data[at - 1] != '_' &&
                       at + 1 < text.bytes && digit_of(text.data[at + 1]) < 10;
        if (!digit && !between) break;
        if (digit) to[(*length)++] = text.data[at];
        at++;
    }
    return at;
}

bool met_number_parse_float(met_eval *ev, met_str text, double *out, bool *valid)
{
    size_t at = 0;
    size_t length = 0;
    *valid = false;
    text = stripped(text);
    char *plain = met_eval_alloc(ev, text.bytes + 1);
    if (plain == NULL) return false;
    bool minus = text.bytes > 0 && text.data[0] == '-';
    if (text.bytes > 0 && (text.data[0] == '-' || text.data[0] == '+')) at++;
    met_str word = {text.data + at, text.bytes - at};
    if (is_word(word, "inf") || is_word(word, "infinity") || is_word(word, "nan")) {
        *out = is_word(word, "nan") ? (double)NAN : minus ? -HUGE_VAL : HUGE_VAL;
        *valid = true;
        return true;
    }
    at = copy_digits(text, at, plain, &length);
    size_t digits = length;
    if (at < text.bytes && text.data[at] == '.') {
        plain[length++] = '.';
        at = copy_digits(text, at + 1, plain, &length);
        digits = length - 1;
    }
    if (digits == 0) return true;
    if (at < text.bytes && (text.data[at] == 'e' || text.data[at] == 'E')) {
        plain[length++] = 'e';
        at++;
        if (at < text.bytes && (text.data[at] == '-' || text.data[at] == '+')) {
            plain[length++] = text.data[at++];
        }
        size_t before = length;
        at = copy_digits(text, at, plain, &length);
        if (length == before) return true;
    }
    if (at != text.bytes) return true;
    double magnitude = strtod(plain, NULL);
    *out = minus ? -magnitude : magnitude;
    *valid = true;
    return true;
}
