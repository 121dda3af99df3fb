/* Owns: cutting template source into tokens, with Jinja's rules for white space around tags.
 * Does not own the grammar. The invariant: `at` is on a character boundary and `line` is the line
 * of `at`. */
#include "template/lexer.h"

#include "base/checked.h"
#include "base/error.h"
#include "template/jstring.h"
#include "template/unicode.h"


enum { SOURCE_BYTES_MAX = 1 << 20, NESTING_MAX = 1000 };

typedef struct lexer {
    met_arena *arena;   /* what tokens point to */
    met_arena *scratch; /* tokens */
    met_error *err;
    met_status status;
    const char *source; /* [bytes] and a NUL */
    size_t bytes;
    size_t at;
    uint32_t line;
    bool line_starting; /* what was consumed last ended with a newline */
    met_jtoken *tokens;
    size_t count;
    char open[NESTING_MAX]; /* closing brackets that are awaited */
    size_t open_count;
} lexer;

void *met_lexer_grow(met_arena *arena, void *items, size_t count, size_t element_bytes)
{
    bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!full) return items;
    void *grown = met_arena_array(arena, count == 0 ? 4 : 2 * count, element_bytes);
    if (grown != NULL && count > 0) memcpy(grown, items, count * element_bytes);
    return grown;
}

static bool out_of_memory(lexer *lx)
{
    lx->status = met_fail_memory(lx->err, "template tokens", lx->count * sizeof *lx->tokens);
    return false;
}

static bool fail(lexer *lx, const char *what)
{
    lx->status = met_fail(lx->err, MET_E_TEMPLATE, "template line %u: %s", lx->line, what);
    return false;
}

/* Consume up to `end`. */
static void advance(lexer *lx, size_t end)
{
    for (; lx->at < end; lx->at++) {
        if (lx->source[lx->at] == '\n') lx->line++;
    }
    lx->line_starting = end > 0 && lx->source[end - 1] == '\n';
}

static size_t char_at(const lexer *lx, size_t at, uint32_t *c)
{
    return met_utf8_next(lx->source + at, lx->bytes - at, c);
}

static size_t skip_space(const lexer *lx, size_t at)
{
    uint32_t c = 0;
    size_t length = char_at(lx, at, &c);
    while (length > 0 && met_unicode_is_space(c)) {
        at += length;
        length = char_at(lx, at, &c);
    }
    return at;
}

/* The end of begin..end without the white space there. */
static size_t without_trailing_space(const lexer *lx, size_t begin, size_t end)
{
    while (end > begin) {
        size_t at = end - 1;
        while (((unsigned char)lx->source[at] & 0xc0) == 0x80) {
            at--;
        }
        uint32_t c = 0;
        (void)char_at(lx, at, &c);
        if (!met_unicode_is_space(c)) break;
        end = at;
    }
    return end;
}

static bool has_at(const lexer *lx, size_t at, const char *text)
{
    size_t length = strlen(text);
    return lx->bytes - at >= length && memcmp(lx->source + at, text, length) == 0;
}

static met_jtoken *add_token(lexer *lx, met_jtoken_kind kind, size_t begin, size_t end)
{
    met_jtoken *grown = met_lexer_grow(lx->scratch, lx->tokens, lx->count, sizeof *lx->tokens);
    if (grown == NULL) {
        (void)out_of_memory(lx);
        return NULL;
    }
    lx->tokens = grown;
    met_jtoken *token = &lx->tokens[lx->count++];
    memset(token, 0, sizeof *token);
    token->kind = kind;
    token->line = lx->line;
    token->text = (met_str){lx->source + begin, end - begin};
    return token;
}

/* A string of the template: trusted from end to end. */
static bool set_string(lexer *lx, met_jtoken *token, met_str text)
{
    met_jstring *s = met_arena_alloc(lx->arena, sizeof *s);
    met_span *span = met_arena_alloc(lx->arena, sizeof *span);
    if (s == NULL || span == NULL) return out_of_memory(lx);
    *span = (met_span){0, text.bytes};
    s->data = text.data;
    s->bytes = text.bytes;
    s->chars = met_jstring_count_chars(text);
    s->trusted = span;
    s->trusted_count = text.bytes > 0 ? 1 : 0;
    token->string = s;
    return true;
}

/* ---------------------------------------------------------------- text between tags */

/* Add begin..end as data, trimmed before a tag of this sign: '-' takes all white space, '+' none;
 * otherwise what indents the tag goes when `strips_indent`. */
static bool add_data(lexer *lx, size_t begin, size_t end, char sign, bool strips_indent)
{
    size_t kept = end;
    if (sign == '-') {
        kept = without_trailing_space(lx, begin, end);
    } else if (sign != '+' && strips_indent) {
        size_t line_begin = end;
        while (line_begin > begin && lx->source[line_begin - 1] != '\n') {
            line_begin--;
        }
        bool begins_line = line_begin > begin || lx->line_starting;
        if (begins_line && skip_space(lx, line_begin) >= end) kept = line_begin;
    }
    if (kept > begin) {
        met_jtoken *token = add_token(lx, MET_JTOKEN_DATA, begin, kept);
        if (token == NULL || !set_string(lx, token, token->text)) return false;
    }
    advance(lx, end);
    return true;
}

static char sign_at(const lexer *lx, size_t at)
{
    return at < lx->bytes && (lx->source[at] == '-' || lx->source[at] == '+') ? lx->source[at] : 0;
}

/* The end of a tag's closing bracket at `at`, with what it trims after itself; 0: none there.
 * `close` is its two letters; trims_newline: a newline right after belongs to it. */
static size_t close_at(const lexer *lx, size_t at, const char *close, bool plus, bool trims_newline)
{
    if (has_at(lx, at, close)) {
        at += 2;
        return trims_newline && at < lx->bytes && lx->source[at] == '\n' ? at + 1 : at;
    }
    char sign = sign_at(lx, at);
    if (sign == 0 || !has_at(lx, at + 1, close)) return 0;
    if (sign == '-') return skip_space(lx, at + 3);
    return plus ? at + 3 : 0;
}

/* The end of {% word %} at `at`, 0: something else is there. */
static size_t bare_tag_at(const lexer *lx, size_t at, const char *word, bool plus,
                          bool trims_newline)
{
    if (!has_at(lx, at, "{%")) return 0;
    at += 2;
    if (sign_at(lx, at) != 0) at++;
    at = skip_space(lx, at);
    if (!has_at(lx, at, word)) return 0;
    return close_at(lx, skip_space(lx, at + strlen(word)), "%}", plus, trims_newline);
}

/* What {% raw %} encloses is data. Like a comment it may stay open when nothing follows it. */
static bool run_raw(lexer *lx, size_t tag_end)
{
    advance(lx, tag_end);
    if (tag_end == lx->bytes) return true;
    for (size_t at = lx->at; at < lx->bytes; at++) {
        size_t end = bare_tag_at(lx, at, "endraw", true, true);
        if (end == 0) continue;
        if (!add_data(lx, lx->at, at, sign_at(lx, at + 2), true)) return false;
        advance(lx, end);
        return true;
    }
    return fail(lx, "{% raw %} is not closed by {% endraw %}");
}

static bool run_comment(lexer *lx)
{
    size_t at = lx->at + 2;
    if (sign_at(lx, at) != 0) at++;
    if (at == lx->bytes) {
        advance(lx, at);
        return true;
    }
    for (; at < lx->bytes; at++) {
        size_t end = close_at(lx, at, "#}", true, true);
        if (end == 0) continue;
        advance(lx, end);
        return true;
    }
    return fail(lx, "comment {# is not closed by #}");
}

/* ---------------------------------------------------------------- inside tags */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The end of digits with single underscores between them, or `at` when there are none. */
static size_t skip_digits(const lexer *lx, size_t at)
{
    if (!is_digit(lx->source[at])) return at;
    while (is_digit(lx->source[at]) || (lx->source[at] == '_' && is_digit(lx->source[at + 1]))) {
        at++;
    }
    return at;
}

static size_t float_end(const lexer *lx, size_t at)
{
    if (at > 0 && lx->source[at - 1] == '.') return 0;
    size_t end = skip_digits(lx, at);
    if (end == at) return 0;
    bool fraction = lx->source[end] == '.' && is_digit(lx->source[end + 1]);
    if (fraction) end = skip_digits(lx, end + 1);
    if (lx->source[end] == 'e' || lx->source[end] == 'E') {
        size_t digits = end + 1;
        if (lx->source[digits] == '+' || lx->source[digits] == '-') digits++;
        size_t exponent = skip_digits(lx, digits);
        if (exponent > digits) return exponent;
    }
    return fraction ? end : 0;
}

static int digit_value(char c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

static bool run_integer(lexer *lx)
{
    const char *source = lx->source;
    size_t begin = lx->at;
    size_t at = begin;
    int base = 10;
    if (source[at] == '0') {
        char letter = (char)(source[at + 1] | 0x20);
        int wanted = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 10;
        size_t first = at + 2 + (wanted != 10 && source[at + 2] == '_' ? 1 : 0);
        if (wanted != 10 && digit_value(source[first]) < wanted) {
            base = wanted;
            at = first;
        }
    }
    bool only_zeros = base == 10 && source[at] == '0'; /* 012 is two tokens, 0 and 12 */
    int64_t value = 0;
    for (;; at++) {
        if (source[at] == '_' && digit_value(source[at + 1]) < (only_zeros ? 1 : base)) continue;
        int digit = digit_value(source[at]);
        if (digit >= (only_zeros ? 1 : base)) break;
        if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
            __builtin_add_overflow(value, (int64_t)digit, &value)) {
            return fail(lx, "integer does not fit 64 bits");
        }
    }
    met_jtoken *token = add_token(lx, MET_JTOKEN_INTEGER, begin, at);
    if (token == NULL) return false;
    token->integer = value;
    advance(lx, at);
    return true;
}

static bool run_float(lexer *lx, size_t end)
{
    char digits[512];
    size_t length = 0;
    for (size_t i = lx->at; i < end; i++) {
        if (lx->source[i] == '_') continue;
        if (length + 1 == sizeof digits) return fail(lx, "number has more than 511 digits");
        digits[length++] = lx->source[i];
    }
    digits[length] = '\0';
    met_jtoken *token = add_token(lx, MET_JTOKEN_FLOAT, lx->at, end);
    if (token == NULL) return false;
    token->real = strtod(digits, NULL);
    advance(lx, end);
    return true;
}

static bool run_name(lexer *lx)
{
    uint32_t c = 0;
    size_t end = lx->at;
    size_t length = char_at(lx, end, &c);
    while (length > 0 && met_unicode_continues_name(c)) {
        end += length;
        length = char_at(lx, end, &c);
    }
    met_jtoken *token = add_token(lx, MET_JTOKEN_NAME, lx->at, end);
    if (token == NULL || !set_string(lx, token, token->text)) return false;
    advance(lx, end);
    return true;
}

/* The code point of an escape with exactly `digits` hexadecimal digits at `at`; UINT32_MAX: bad. */
static uint32_t hex_escape(const lexer *lx, size_t at, size_t end, size_t digits)
{
    uint32_t value = 0;
    if (end - at < digits) return UINT32_MAX;
    for (size_t i = 0; i < digits; i++) {
        int digit = digit_value(lx->source[at + i]);
        if (digit > 15) return UINT32_MAX;
        value = value << 4 | (uint32_t)digit;
    }
    bool surrogate = value >= 0xd800 && value < 0xe000;
    return value > 0x10ffff || surrogate ? UINT32_MAX : value;
}

/* One escape whose backslash is at `at`, into `out`; returns the bytes of source used, 0: bad. */
static size_t unescape(const lexer *lx, size_t at, size_t end, met_buffer *out)
{
    static const char letters[] = "\\'\"abfnrtv";
    static const char meanings[] = "\\'\"\a\b\f\n\r\t\v";
    char c = lx->source[at + 1];
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    uint32_t code = 0;
    size_t used = 2;
    if (c == '\n') return 2; /* a line that goes on */
    if (letter != NULL) {
        met_buffer_add(out, &meanings[letter - letters], 1);
        return 2;
    }
    if (c >= '0' && c <= '7') {
        for (used = 1; used <= 3 && at + used < end; used++) {
            char digit = lx->source[at + used];
            if (digit < '0' || digit > '7') break;
            code = code << 3 | (uint32_t)(digit - '0');
        }
    } else if (c == 'x' || c == 'u' || c == 'U') {
        size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        code = hex_escape(lx, at + 2, end, digits);
        used = 2 + digits;
        if (code == UINT32_MAX) return 0;
    } else if (c == 'N') {
        return 0; /* \N{name} needs the names of all characters */
    } else if ((unsigned char)c >= 0x80) {
        /* Jinja escapes the character first and then sees the two backslashes as one. */
        size_t length = char_at(lx, at + 1, &code);
        met_buffer_printf(out,
                          code < 0x100     ? "\\x%02x"
                          : code < 0x10000 ? "\\u%04x"
                                           : "\\U%08x",
                          code);
        return 1 + length;
    } else {
        met_buffer_add(out, lx->source + at, 2); /* unknown escapes stay as they are */
        return 2;
    }
    char encoded[4];
    met_buffer_add(out, encoded, met_unicode_encode(code, encoded));
    return used;
}

static bool run_string(lexer *lx)
{
    char quote = lx->source[lx->at];
    size_t begin = lx->at + 1;
    size_t end = begin;
    bool escapes = false;
    while (end < lx->bytes && lx->source[end] != quote) {
        if (lx->source[end] == '\\') {
            escapes = true;
            end++;
        }
        end++;
    }
    if (end >= lx->bytes) return fail(lx, "string is not closed");
    met_jtoken *token = add_token(lx, MET_JTOKEN_STRING, begin, end);
    if (token == NULL) return false;
    if (!escapes) {
        if (!set_string(lx, token, token->text)) return false;
        advance(lx, end + 1);
        return true;
    }
    met_buffer plain = {0};
    size_t used = 0;
    for (size_t at = begin; at < end; at += used) {
        used = 1;
        if (lx->source[at] != '\\') {
            met_buffer_add(&plain, lx->source + at, 1);
            continue;
        }
        used = unescape(lx, at, end, &plain);
        if (used == 0) {
            met_buffer_free(&plain);
            return fail(lx, "string has a malformed escape, or one for a surrogate or by name");
        }
    }
    char *copy = met_arena_alloc(lx->arena, plain.bytes + 1);
    if (copy != NULL && plain.bytes > 0) memcpy(copy, plain.data, plain.bytes);
    met_str text = {copy, plain.bytes};
    bool failed = copy == NULL || plain.failed;
    met_buffer_free(&plain);
    if (failed) return out_of_memory(lx);
    if (!set_string(lx, token, text)) return false;
    advance(lx, end + 1);
    return true;
}

static bool run_operator(lexer *lx)
{
    static const char *const operators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                            "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                            ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (!has_at(lx, lx->at, operators[i])) continue;
        char c = operators[i][0];
        if (c == '(' || c == '[' || c == '{') {
            if (lx->open_count == NESTING_MAX) return fail(lx, "brackets are nested too deep");
            lx->open[lx->open_count++] = (char)(c == '(' ? ')' : c == '[' ? ']' : '}');
        } else if (c == ')' || c == ']' || c == '}') {
            if (lx->open_count == 0 || lx->open[lx->open_count - 1] != c) {
                char text[] = "unexpected ' '";
                text[12] = c;
                return fail(lx, text);
            }
            lx->open_count--;
        }
        size_t end = lx->at + strlen(operators[i]);
        if (add_token(lx, MET_JTOKEN_OPERATOR, lx->at, end) == NULL) return false;
        advance(lx, end);
        return true;
    }
    uint32_t c = 0;
    size_t length = char_at(lx, lx->at, &c);
    lx->status = met_fail(lx->err, MET_E_TEMPLATE, "template line %u: unexpected character '%.*s'",
                          lx->line, (int)length, lx->source + lx->at);
    return false;
}

static bool run_tag(lexer *lx, bool prints)
{
    uint32_t begin_line = lx->line;
    size_t begin = lx->at;
    size_t end = begin + 2 + (sign_at(lx, begin + 2) != 0 ? 1 : 0);
    if (!add_token(lx, prints ? MET_JTOKEN_PRINT_BEGIN : MET_JTOKEN_BLOCK_BEGIN, begin, end)) {
        return false;
    }
    advance(lx, end);
    lx->open_count = 0;
    for (;;) {
        advance(lx, skip_space(lx, lx->at));
        if (lx->at >= lx->bytes) {
            lx->line = begin_line;
            return fail(lx, prints ? "{{ is not closed by }}" : "{% is not closed by %}");
        }
        end = lx->open_count > 0 ? 0 : close_at(lx, lx->at, prints ? "}}" : "%}", !prints, !prints);
        if (end > 0) {
            bool added = add_token(lx, prints ? MET_JTOKEN_PRINT_END : MET_JTOKEN_BLOCK_END, lx->at,
                                   end) != NULL;
            advance(lx, end);
            return added;
        }
        uint32_t c = 0;
        (void)char_at(lx, lx->at, &c);
        bool done = false;
        size_t number = float_end(lx, lx->at);
        if (number > 0) {
            done = run_float(lx, number);
        } else if (c >= '0' && c <= '9') {
            done = run_integer(lx);
        } else if (met_unicode_begins_name(c)) {
            done = run_name(lx);
        } else if (c == '\'' || c == '"') {
            done = run_string(lx);
        } else {
            done = run_operator(lx);
        }
        if (!done) return false;
    }
}

/* ---------------------------------------------------------------- all of it */

/* A copy with \n line ends and without the last of them. */
static bool normalise(lexer *lx, met_str source)
{
    char *copy = met_arena_alloc(lx->arena, source.bytes + 2); /* zeroed: ends in NUL */
    if (copy == NULL) return out_of_memory(lx);
    size_t bytes = 0;
    for (size_t i = 0; i < source.bytes; i++) {
        char c = source.data[i];
        if (c == '\r') {
            if (i + 1 < source.bytes && source.data[i + 1] == '\n') i++;
            c = '\n';
        }
        copy[bytes++] = c;
    }
    if (bytes > 0 && copy[bytes - 1] == '\n') copy[--bytes] = '\0';
    lx->source = copy;
    lx->bytes = bytes;
    return true;
}

static bool run_all(lexer *lx)
{
    while (lx->at < lx->bytes) {
        size_t tag = lx->at;
        while (tag < lx->bytes && !(lx->source[tag] == '{' &&
                                    (lx->source[tag + 1] == '{' || lx->source[tag + 1] == '%' ||
                                     lx->source[tag + 1] == '#'))) {
            tag++;
        }
        if (tag == lx->bytes) return add_data(lx, lx->at, tag, '+', false);
        char kind = lx->source[tag + 1];
        size_t raw_end = bare_tag_at(lx, tag, "raw", false, false);
        if (!add_data(lx, lx->at, tag, sign_at(lx, tag + 2), kind != '{')) return false;
        bool done = raw_end > 0 ? run_raw(lx, raw_end)
                                : (kind == '#' ? run_comment(lx) : run_tag(lx, kind == '{'));
        if (!done) return false;
    }
    return true;
}

met_status met_lexer_run(met_arena *arena, met_arena *scratch, met_str source,
                         const met_jtoken **tokens, met_error *err)
{
    lexer lx = {.arena = arena, .scratch = scratch, .err = err, .line = 1, .line_starting = true};
    size_t bad_at = 0;
    if (source.bytes > SOURCE_BYTES_MAX) {
        return met_fail(err, MET_E_TEMPLATE, "template: %zu bytes, expected at most %d",
                        source.bytes, SOURCE_BYTES_MAX);
    }
    if (!met_utf8_valid(source, &bad_at)) {
        return met_fail(err, MET_E_TEMPLATE, "template: byte %zu is not valid UTF-8", bad_at);
    }
    if (!normalise(&lx, source) || !run_all(&lx) ||
        add_token(&lx, MET_JTOKEN_END, lx.at, lx.at) == NULL) {
        return lx.status;
    }
    *tokens = lx.tokens;
    return MET_OK;
}
