/* Owns: the text of values as Python's str, repr and json.dumps write it.
 * The invariant: strings inside other values lose their provenance; only str of a string keeps
 * it. */
#include "template/run.h"

#include <math.h>
#include <stdio.h>

/* ---------------------------------------------------------------- numbers */

/* Add one to the last digit before the exponent; false when all of them are nines. */
static bool count_up(char *scientific)
{
    for (char *at = strchr(scientific, 'e') - 1; at >= scientific && *at != '-'; at--) {
        if (*at == '.') continue;
        if (*at != '9') {
            (*at)++;
            return true;
        }
        *at = '0';
    }
    return false;
}

/* The shortest digits that read back as the same double, "d.ddde+xx". What is nearest to a power
 * of two may read back as its neighbour below, which is only half as far as the one above: then
 * the digits above it are as short. */
static void shortest_digits(double value, char *out, size_t out_bytes)
{
    int exponent = 0;
    bool power_of_two = fabs(frexp(value, &exponent)) == 0.5;
    for (int precision = 0; precision < 17; precision++) {
        (void)snprintf(out, out_bytes, "%.*e", precision, value);
        if (strtod(out, NULL) == value) return;
        if (power_of_two && count_up(out) && strtod(out, NULL) == value) return;
    }
    (void)snprintf(out, out_bytes, "%.16e", value);
}

bool met_write_float(met_jwriter *w, double value)
{
    if (isnan(value)) return met_jwriter_add_text(w, "nan");
    if (isinf(value)) return met_jwriter_add_text(w, value < 0 ? "-inf" : "inf");
    char scientific[40];
    shortest_digits(value, scientific, sizeof scientific);
    char *mark = strchr(scientific, 'e');
    int exponent = (int)strtol(mark + 1, NULL, 10);
    size_t length = (size_t)(mark - scientific);
    if (exponent < -4 || exponent >= 16) { /* 1e-05, 1.5e+16 */
        return met_jwriter_printf(w, "%.*se%c%02d", (int)length, scientific,
                                  exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
    }
    /* As many decimals as the digits need, and one at least. */
    bool minus = scientific[0] == '-';
    int digits = (int)length - (minus ? 1 : 0);
    if (digits > 1) digits--; /* the point */
    int decimals = digits - 1 - exponent;
    return met_jwriter_printf(w, "%.*f", decimals < 1 ? 1 : decimals, value);
}

/* ---------------------------------------------------------------- repr */

static bool write_repr_char(met_jwriter *w, uint32_t c, char quote, const char *raw, size_t bytes)
{
    if (c == (uint32_t)quote || c == '\\') return met_jwriter_printf(w, "\\%c", (char)c);
    if (c == '\n') return met_jwriter_add_text(w, "\\n");
    if (c == '\r') return met_jwriter_add_text(w, "\\r");
    if (c == '\t') return met_jwriter_add_text(w, "\\t");
    if (met_unicode_is_printable(c)) return met_jwriter_add(w, (met_str){raw, bytes});
    if (c < 0x100) return met_jwriter_printf(w, "\\x%02x", c);
    if (c < 0x10000) return met_jwriter_printf(w, "\\u%04x", c);
    return met_jwriter_printf(w, "\\U%08x", c);
}

static bool write_repr_string(met_jwriter *w, const met_jstring *s)
{
    bool single = s->bytes > 0 && memchr(s->data, '\'', s->bytes) != NULL;
    bool double_ = s->bytes > 0 && memchr(s->data, '"', s->bytes) != NULL;
    char quote = single && !double_ ? '"' : '\'';
    met_str mark = {&quote, 1};
    if (s->markup && !met_jwriter_add_text(w, "Markup(")) return false;
    if (!met_jwriter_add(w, mark)) return false;
    for (size_t at = 0; at < s->bytes;) {
        uint32_t c = 0;
        size_t length = met_utf8_next(s->data + at, s->bytes - at, &c);
        if (!write_repr_char(w, c, quote, s->data + at, length)) return false;
        at += length;
    }
    return met_jwriter_add(w, mark) && (!s->markup || met_jwriter_add_text(w, ")"));
}

static bool write_repr_list(met_jwriter *w, const met_jlist *list, const char *brackets)
{
    if (!met_jwriter_add(w, (met_str){brackets, 1})) return false;
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0 && !met_jwriter_add_text(w, ", ")) return false;
        if (!met_write_repr(w, list->items[i])) return false;
    }
    if (brackets[0] == '(' && list->count == 1 && !met_jwriter_add_text(w, ",")) return false;
    return met_jwriter_add(w, (met_str){brackets + 1, 1});
}

static bool write_repr_dict(met_jwriter *w, const met_jdict *dict)
{
    if (!met_jwriter_add_text(w, "{")) return false;
    for (size_t i = 0; i < dict->count; i++) {
        if (i > 0 && !met_jwriter_add_text(w, ", ")) return false;
        if (!met_write_repr(w, dict->entries[i].key) || !met_jwriter_add_text(w, ": ") ||
            !met_write_repr(w, dict->entries[i].value)) {
            return false;
        }
    }
    return met_jwriter_add_text(w, "}");
}

static bool write_repr_view(met_jwriter *w, met_jvalue view)
{
    static const char *const names[] = {"dict_keys(", "dict_values(", "dict_items("};
    met_jvalue items;
    if (!met_iter_collect(w->ev, view, MET_J_LIST, &items)) return false;
    return met_jwriter_add_text(w, names[view.as.view->of]) &&
           write_repr_list(w, items.as.list, "[]") && met_jwriter_add_text(w, ")");
}

static bool write_repr_range(met_jwriter *w, const met_jrange *range)
{
    long long start = (long long)range->start;
    long long stop = (long long)range->stop;
    if (range->step == 1) return met_jwriter_printf(w, "range(%lld, %lld)", start, stop);
    return met_jwriter_printf(w, "range(%lld, %lld, %lld)", start, stop, (long long)range->step);
}

static bool write_repr_loop(met_jwriter *w, met_jloop *loop)
{
    int64_t length = 0;
    if (!met_loop_length(w->ev, loop, &length)) return false;
    return met_jwriter_printf(w, "<LoopContext %lld/%lld>", (long long)loop->index0 + 1,
                              (long long)length);
}

static bool write_repr_macro(met_jwriter *w, const met_jmacro *macro)
{
    met_jvalue name = met_j_string(macro->node->text);
    return met_jwriter_add_text(w, "<Macro ") && met_write_repr(w, name) &&
           met_jwriter_add_text(w, ">");
}

static bool write_repr_kind(met_jwriter *w, met_jvalue value)
{
    switch (value.kind) {
    case MET_J_ABSENT: return true;
    case MET_J_UNDEFINED: return met_jwriter_add_text(w, "Undefined");
    case MET_J_NONE: return met_jwriter_add_text(w, "None");
    case MET_J_BOOL: return met_jwriter_add_text(w, value.as.boolean ? "True" : "False");
    case MET_J_INT: return met_jwriter_printf(w, "%lld", (long long)value.as.integer);
    case MET_J_FLOAT: return met_write_float(w, value.as.real);
    case MET_J_STRING: return write_repr_string(w, value.as.string);
    case MET_J_LIST: return write_repr_list(w, value.as.list, "[]");
    case MET_J_TUPLE: return write_repr_list(w, value.as.list, "()");
    case MET_J_DICT: return write_repr_dict(w, value.as.dict);
    case MET_J_RANGE: return write_repr_range(w, value.as.range);
    case MET_J_VIEW: return write_repr_view(w, value);
    case MET_J_NAMESPACE:
        return met_jwriter_add_text(w, "<Namespace ") &&
               write_repr_dict(w, &value.as.namespace_->attributes) && met_jwriter_add_text(w, ">");
    case MET_J_LOOP: return write_repr_loop(w, value.as.loop);
    case MET_J_MACRO: return write_repr_macro(w, value.as.macro);
    case MET_J_ITERATOR:
        return met_eval_fail(w->ev, "'%s' gives an iterator, which has no text: add '|list'",
                             value.as.iterator->name);
    case MET_J_FUNCTION:
        return met_eval_fail(w->ev, "'%s' is a function, which has no text: call it",
                             value.as.function->builtin->name);
    }
    return true;
}

bool met_write_repr(met_jwriter *w, met_jvalue value)
{
    if (!met_eval_step(w->ev) || !met_eval_enter(w->ev)) return false;
    bool written = write_repr_kind(w, value);
    met_eval_leave(w->ev);
    return written;
}

bool met_write_str(met_jwriter *w, met_jvalue value)
{
    if (value.kind == MET_J_STRING) return met_jwriter_add_string(w, value.as.string);
    if (value.kind == MET_J_UNDEFINED) return true;
    return met_write_repr(w, value);
}

/* ---------------------------------------------------------------- JSON */

static bool write_json_char(met_jwriter *w, uint32_t c, bool ascii, const char *raw, size_t bytes)
{
    static const char controls[] = "\"\\\n\r\t\f\b";
    static const char letters[] = "\"\\nrtfb";
    const char *control = c != 0 && c < 0x80 ? strchr(controls, (int)c) : NULL;
    if (control != NULL) return met_jwriter_printf(w, "\\%c", letters[control - controls]);
    if (c < 0x20 || (ascii && c >= 0x7f && c < 0x10000)) {
        return met_jwriter_printf(w, "\\u%04x", c);
    }
    if (ascii && c >= 0x10000) {
        uint32_t offset = c - 0x10000;
        return met_jwriter_printf(w, "\\u%04x\\u%04x", 0xd800 | offset >> 10,
                                  0xdc00 | (offset & 0x3ff));
    }
    return met_jwriter_add(w, (met_str){raw, bytes});
}

static bool write_json_string(met_jwriter *w, met_str s, bool ascii)
{
    if (!met_jwriter_add_text(w, "\"")) return false;
    for (size_t at = 0; at < s.bytes;) {
        uint32_t c = 0;
        size_t length = met_utf8_next(s.data + at, s.bytes - at, &c);
        if (!write_json_char(w, c, ascii, s.data + at, length)) return false;
        at += length;
    }
    return met_jwriter_add_text(w, "\"");
}

static bool write_json_float(met_jwriter *w, double value)
{
    if (isnan(value)) return met_jwriter_add_text(w, "NaN");
    if (isinf(value)) return met_jwriter_add_text(w, value < 0 ? "-Infinity" : "Infinity");
    return met_write_float(w, value);
}

static bool write_json(met_jwriter *w, met_jvalue value, const met_json_style *style, int level);

static bool new_line(met_jwriter *w, const met_json_style *style, int level)
{
    if (!style->indents) return true;
    if (!met_jwriter_add_text(w, "\n")) return false;
    for (int i = 0; i < level; i++) {
        if (!met_jwriter_add(w, style->indent)) return false;
    }
    return true;
}

static bool write_json_list(met_jwriter *w, const met_jlist *list, const met_json_style *style,
                            int level)
{
    if (list->count == 0) return met_jwriter_add_text(w, "[]");
    if (!met_jwriter_add_text(w, "[")) return false;
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0 && !met_jwriter_add(w, style->item_separator)) return false;
        if (!new_line(w, style, level + 1)) return false;
        if (!write_json(w, list->items[i], style, level + 1)) return false;
    }
    return new_line(w, style, level) && met_jwriter_add_text(w, "]");
}

/* A key is a string, or a scalar that is written inside quotes. */
static bool write_json_key(met_jwriter *w, met_jvalue key, const met_json_style *style)
{
    if (key.kind == MET_J_STRING) return write_json_string(w, met_j_str_view(key), style->ascii);
    if (!met_j_is_number(key) && key.kind != MET_J_NONE) {
        return met_eval_fail(w->ev, "tojson: a key is %s, expected str, int, float, bool or None",
                             met_j_type_name(key));
    }
    return met_jwriter_add_text(w, "\"") && write_json(w, key, style, 0) &&
           met_jwriter_add_text(w, "\"");
}

static bool write_json_dict(met_jwriter *w, const met_jdict *dict, const met_json_style *style,
                            int level)
{
    if (dict->count == 0) return met_jwriter_add_text(w, "{}");
    met_jvalue keys;
    met_jvalue values;
    met_jvalue *key = met_j_list_make(w->ev, MET_J_LIST, dict->count, &keys);
    met_jvalue *value = met_j_list_make(w->ev, MET_J_LIST, dict->count, &values);
    if (key == NULL || value == NULL) return false;
    for (size_t i = 0; i < dict->count; i++) {
        key[i] = dict->entries[i].key;
        value[i] = dict->entries[i].value;
    }
    if (style->sorted && !met_sort(w->ev, key, value, dict->count, false)) return false;
    if (!met_jwriter_add_text(w, "{")) return false;
    for (size_t i = 0; i < dict->count; i++) {
        if (i > 0 && !met_jwriter_add(w, style->item_separator)) return false;
        if (!new_line(w, style, level + 1) || !write_json_key(w, key[i], style) ||
            !met_jwriter_add(w, style->key_separator) ||
            !write_json(w, value[i], style, level + 1)) {
            return false;
        }
    }
    return new_line(w, style, level) && met_jwriter_add_text(w, "}");
}

static bool write_json_kind(met_jwriter *w, met_jvalue value, const met_json_style *style,
                            int level)
{
    switch (value.kind) {
    case MET_J_NONE: return met_jwriter_add_text(w, "null");
    case MET_J_BOOL: return met_jwriter_add_text(w, value.as.boolean ? "true" : "false");
    case MET_J_INT: return met_jwriter_printf(w, "%lld", (long long)value.as.integer);
    case MET_J_FLOAT: return write_json_float(w, value.as.real);
    case MET_J_STRING: return write_json_string(w, met_j_str_view(value), style->ascii);
    case MET_J_LIST:
    case MET_J_TUPLE: return write_json_list(w, value.as.list, style, level);
    case MET_J_DICT: return write_json_dict(w, value.as.dict, style, level);
    case MET_J_UNDEFINED:
        return met_eval_fail(w->ev, "tojson of an undefined value: %s", value.as.undefined);
    case MET_J_ABSENT:
    case MET_J_RANGE:
    case MET_J_VIEW:
    case MET_J_ITERATOR:
    case MET_J_NAMESPACE:
    case MET_J_LOOP:
    case MET_J_MACRO:
    case MET_J_FUNCTION: break;
    }
    return met_eval_fail(w->ev, "tojson: %s has no JSON", met_j_type_name(value));
}

static bool write_json(met_jwriter *w, met_jvalue value, const met_json_style *style, int level)
{
    if (!met_eval_step(w->ev) || !met_eval_enter(w->ev)) return false;
    bool written = write_json_kind(w, value, style, level);
    met_eval_leave(w->ev);
    return written;
}

bool met_write_json(met_jwriter *w, met_jvalue value, const met_json_style *style)
{
    return write_json(w, value, style, 0);
}
