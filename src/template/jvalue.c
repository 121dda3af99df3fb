/* Owns: what Python's data model says of values: truth, length, equality, order, hashing, dicts.
 * Does not own their text (write.c) nor their arithmetic (number.c).
 * The invariant: equal keys have equal hashes, also 1, 1.0 and True. */
#include "template/jvalue.h"

#include "template/builtins.h"
#include "template/iterate.h"
#include "template/jstring.h"

#include <math.h>

enum { LINEAR_MAX = 8 };

met_jvalue *met_j_list_make(met_eval *ev, met_jkind list_or_tuple, size_t count, met_jvalue *out)
{
    met_jlist *list = met_eval_alloc(ev, sizeof *list);
    met_jvalue *items = list == NULL ? NULL : met_eval_array(ev, count, sizeof *items);
    if (items == NULL) return NULL;
    list->items = items;
    list->count = count;
    *out = met_j_list(list_or_tuple, list);
    return items;
}

bool met_j_text(met_eval *ev, met_str text, met_jvalue *out)
{
    met_jwriter w = met_jwriter_start(ev);
    return met_jwriter_reserve(&w, text.bytes) && met_jwriter_add(&w, text) &&
           met_jwriter_finish(&w, out);
}

const char *met_j_type_name(met_jvalue value)
{
    switch (value.kind) {
    case MET_J_ABSENT: return "nothing";
    case MET_J_UNDEFINED: return "Undefined";
    case MET_J_NONE: return "None";
    case MET_J_BOOL: return "bool";
    case MET_J_INT: return "int";
    case MET_J_FLOAT: return "float";
    case MET_J_STRING: return "str";
    case MET_J_LIST: return "list";
    case MET_J_TUPLE: return "tuple";
    case MET_J_DICT: return "dict";
    case MET_J_RANGE: return "range";
    case MET_J_VIEW: return "dict view";
    case MET_J_ITERATOR: return "generator";
    case MET_J_NAMESPACE: return "Namespace";
    case MET_J_LOOP: return "LoopContext";
    case MET_J_MACRO: return "Macro";
    case MET_J_FUNCTION: return "function";
    }
    return "unknown";
}

int64_t met_j_length(met_jvalue value)
{
    switch (value.kind) {
    case MET_J_UNDEFINED: return 0;
    case MET_J_STRING: return (int64_t)value.as.string->chars;
    case MET_J_LIST:
    case MET_J_TUPLE: return (int64_t)value.as.list->count;
    case MET_J_DICT: return (int64_t)value.as.dict->count;
    case MET_J_RANGE: return value.as.range->count;
    case MET_J_VIEW: return (int64_t)value.as.view->dict->count;
    case MET_J_ABSENT:
    case MET_J_NONE:
    case MET_J_BOOL:
    case MET_J_INT:
    case MET_J_FLOAT:
    case MET_J_ITERATOR:
    case MET_J_NAMESPACE:
    case MET_J_LOOP: /* has one that may need to walk ahead: met_loop_length */
    case MET_J_MACRO:
    case MET_J_FUNCTION: return -1;
    }
    return -1;
}

bool met_j_truth(met_jvalue value)
{
    switch (value.kind) {
    case MET_J_ABSENT:
    case MET_J_UNDEFINED:
    case MET_J_NONE: return false;
    case MET_J_BOOL: return value.as.boolean;
    case MET_J_INT: return value.as.integer != 0;
    case MET_J_FLOAT: return value.as.real != 0.0;
    case MET_J_STRING:
    case MET_J_LIST:
    case MET_J_TUPLE:
    case MET_J_DICT:
    case MET_J_RANGE:
    case MET_J_VIEW: return met_j_length(value) > 0;
    case MET_J_ITERATOR:
    case MET_J_NAMESPACE:
    case MET_J_LOOP: /* exists only while it has an item */
    case MET_J_MACRO:
    case MET_J_FUNCTION: return true;
    }
    return false;
}

/* ---------------------------------------------------------------- equality and order */

/* Exactly: a double cannot hold every integer. -1, 0, 1; 2 when the real is not a number. */
static int compare_int_real(int64_t integer, double real)
{
    if (isnan(real)) return 2;
    if (real >= 0x1p63) return -1;
    if (real < -0x1p63) return 1;
    double whole = floor(real);
    int64_t floored = (int64_t)whole;
    if (integer != floored) return integer < floored ? -1 : 1;
    return real > whole ? -1 : 0;
}

static int compare_numbers(met_jvalue a, met_jvalue b)
{
    if (met_j_is_integer(a) && met_j_is_integer(b)) {
        int64_t left = met_j_integer(a);
        int64_t right = met_j_integer(b);
        return left < right ? -1 : left > right;
    }
    if (met_j_is_integer(a)) return compare_int_real(met_j_integer(a), b.as.real);
    if (met_j_is_integer(b)) {
        int order = compare_int_real(met_j_integer(b), a.as.real);
        return order == 2 ? 2 : -order;
    }
    if (isnan(a.as.real) || isnan(b.as.real)) return 2;
    return a.as.real < b.as.real ? -1 : a.as.real > b.as.real;
}

static bool equal_lists(met_eval *ev, const met_jlist *a, const met_jlist *b, bool *out)
{
    *out = a->count == b->count;
    for (size_t i = 0; *out && i < a->count; i++) {
        if (!met_j_equal(ev, a->items[i], b->items[i], out)) return false;
    }
    return true;
}

static bool equal_dicts(met_eval *ev, const met_jdict *a, const met_jdict *b, bool *out)
{
    *out = a->count == b->count;
    for (size_t i = 0; *out && i < a->count; i++) {
        const met_jvalue *other = NULL;
        if (!met_jdict_find(ev, b, a->entries[i].key, &other)) return false;
        *out = other != NULL;
        if (*out && !met_j_equal(ev, a->entries[i].value, *other, out)) return false;
    }
    return true;
}

static bool equal_views(met_eval *ev, const met_jview *a, const met_jview *b, bool *out)
{
    if (a->of == MET_JVIEW_VALUES || b->of == MET_JVIEW_VALUES) {
        *out = a == b;
        return true;
    }
    if (a->of != b->of) return met_eval_fail(ev, "comparing these dict views is not supported");
    if (a->of == MET_JVIEW_ITEMS) return equal_dicts(ev, a->dict, b->dict, out);
    *out = a->dict->count == b->dict->count;
    for (size_t i = 0; *out && i < a->dict->count; i++) {
        const met_jvalue *other = NULL;
        if (!met_jdict_find(ev, b->dict, a->dict->entries[i].key, &other)) return false;
        *out = other != NULL;
    }
    return true;
}

/* Of two values of one kind that is not a number. */
static bool equal_same_kind(met_eval *ev, met_jvalue a, met_jvalue b, bool *out)
{
    *out = true;
    switch (a.kind) {
    case MET_J_ABSENT:
    case MET_J_UNDEFINED:
    case MET_J_NONE: return true;
    case MET_J_STRING:
        *out = met_str_equal(met_j_str_view(a), met_j_str_view(b));
        return met_eval_charge_bytes(ev, a.as.string->bytes);
    case MET_J_LIST:
    case MET_J_TUPLE: return equal_lists(ev, a.as.list, b.as.list, out);
    case MET_J_DICT: return equal_dicts(ev, a.as.dict, b.as.dict, out);
    case MET_J_RANGE: {
        const met_jrange *x = a.as.range;
        const met_jrange *y = b.as.range;
        *out = x->count == y->count && (x->count == 0 || x->start == y->start) &&
               (x->count <= 1 || x->step == y->step);
        return true;
    }
    case MET_J_VIEW: return equal_views(ev, a.as.view, b.as.view, out);
    case MET_J_ITERATOR: *out = a.as.iterator == b.as.iterator; return true;
    case MET_J_NAMESPACE: *out = a.as.namespace_ == b.as.namespace_; return true;
    case MET_J_LOOP: *out = a.as.loop == b.as.loop; return true;
    case MET_J_MACRO: *out = a.as.macro == b.as.macro; return true;
    case MET_J_FUNCTION:
        *out = a.as.function->builtin == b.as.function->builtin &&
               a.as.function->self.kind == b.as.function->self.kind;
        return true;
    case MET_J_BOOL:
    case MET_J_INT:
    case MET_J_FLOAT: return true; /* met_j_equal compares numbers */
    }
    return true;
}

bool met_j_equal(met_eval *ev, met_jvalue a, met_jvalue b, bool *out)
{
    if (!met_eval_step(ev) || !met_eval_enter(ev)) return false;
    bool done = true;
    if (met_j_is_number(a) && met_j_is_number(b)) {
        *out = compare_numbers(a, b) == 0;
    } else if (a.kind != b.kind) {
        *out = false;
    } else {
        done = equal_same_kind(ev, a, b, out);
    }
    met_eval_leave(ev);
    return done;
}

static bool holds(met_jorder order, int compared)
{
    switch (order) {
    case MET_JORDER_LT: return compared == -1;
    case MET_JORDER_LE: return compared == -1 || compared == 0;
    case MET_JORDER_GT: return compared == 1;
    case MET_JORDER_GE: return compared == 1 || compared == 0;
    }
    return false;
}

static int compare_strings(const met_jstring *a, const met_jstring *b)
{
    size_t shared = a->bytes < b->bytes ? a->bytes : b->bytes;
    int order = shared == 0 ? 0 : memcmp(a->data, b->data, shared); /* UTF-8 keeps the order */
    if (order != 0) return order < 0 ? -1 : 1;
    return a->bytes < b->bytes ? -1 : a->bytes > b->bytes;
}

/* The first items that differ decide; else the lengths. */
static bool compare_lists(met_eval *ev, met_jorder order, const met_jlist *a, const met_jlist *b,
                          bool *out)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        bool equal = false;
        if (!met_j_equal(ev, a->items[i], b->items[i], &equal)) return false;
        if (!equal) return met_j_compare(ev, order, a->items[i], b->items[i], out);
    }
    *out = holds(order, a->count < b->count ? -1 : a->count > b->count);
    return true;
}

bool met_j_compare(met_eval *ev, met_jorder order, met_jvalue a, met_jvalue b, bool *out)
{
    static const char *const signs[] = {"<", "<=", ">", ">="};
    if (!met_eval_step(ev)) return false;
    if (met_j_is_number(a) && met_j_is_number(b)) {
        *out = holds(order, compare_numbers(a, b));
        return true;
    }
    if (a.kind == MET_J_STRING && b.kind == MET_J_STRING) {
        *out = holds(order, compare_strings(a.as.string, b.as.string));
        return met_eval_charge_bytes(ev, a.as.string->bytes);
    }
    if ((a.kind == MET_J_LIST || a.kind == MET_J_TUPLE) && a.kind == b.kind) {
        if (!met_eval_enter(ev)) return false;
        bool done = compare_lists(ev, order, a.as.list, b.as.list, out);
        met_eval_leave(ev);
        return done;
    }
    if (a.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", a.as.undefined);
    if (b.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", b.as.undefined);
    return met_eval_fail(ev, "'%s' between %s and %s is not supported", signs[order],
                         met_j_type_name(a), met_j_type_name(b));
}

bool met_j_contains(met_eval *ev, met_jvalue container, met_jvalue item, bool *out)
{
    *out = false;
    if (container.kind == MET_J_STRING) {
        if (item.kind != MET_J_STRING) {
            return met_eval_fail(ev, "'in <string>' needs a string, found %s",
                                 met_j_type_name(item));
        }
        met_str text = met_j_str_view(container);
        *out = met_jstring_find(text, met_j_str_view(item), 0, text.bytes) != SIZE_MAX;
        return met_eval_charge_bytes(ev, text.bytes);
    }
    bool keys = container.kind == MET_J_VIEW && container.as.view->of == MET_JVIEW_KEYS;
    if (container.kind == MET_J_DICT || keys) {
        const met_jdict *dict = keys ? container.as.view->dict : container.as.dict;
        const met_jvalue *found = NULL;
        if (!met_jdict_find(ev, dict, item, &found)) return false;
        *out = found != NULL;
        return true;
    }
    if (!met_iter_is_possible(container)) {
        return met_eval_fail(ev, "'in' %s: it cannot be searched", met_j_type_name(container));
    }
    met_jiter *it = NULL;
    met_jvalue next;
    met_jstep step = MET_JSTEP_ITEM;
    if (!met_iter_open(ev, container, &it)) return false;
    while (!*out && (step = met_iter_next(ev, it, &next)) == MET_JSTEP_ITEM) {
        if (!met_j_equal(ev, next, item, out)) return false;
    }
    return step != MET_JSTEP_FAILED;
}

/* ---------------------------------------------------------------- dicts */

static uint64_t mix(uint64_t hash, uint64_t more)
{
    hash = (hash ^ more) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

static uint64_t hash_text(met_str text)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.bytes; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3u;
    }
    return mix(hash, text.bytes);
}

static uint64_t hash_number(met_jvalue value)
{
    if (met_j_is_integer(value)) return mix(1, (uint64_t)met_j_integer(value));
    double real = value.as.real;
    bool whole = real >= -0x1p63 && real < 0x1p63 && floor(real) == real;
    if (whole) return mix(1, (uint64_t)(int64_t)real);
    uint64_t bits = 0;
    memcpy(&bits, &real, sizeof bits);
    return mix(2, bits);
}

static bool hash_value(met_eval *ev, met_jvalue value, uint64_t *out)
{
    *out = mix(3, value.kind);
    switch (value.kind) {
    case MET_J_BOOL:
    case MET_J_INT:
    case MET_J_FLOAT: *out = hash_number(value); return true;
    case MET_J_STRING:
        *out = hash_text(met_j_str_view(value));
        return met_eval_charge_bytes(ev, value.as.string->bytes);
    case MET_J_TUPLE:
        if (!met_eval_enter(ev)) return false;
        for (size_t i = 0; i < value.as.list->count; i++) {
            uint64_t item = 0;
            if (!hash_value(ev, value.as.list->items[i], &item)) return false;
            *out = mix(*out, item);
        }
        met_eval_leave(ev);
        return true;
    case MET_J_RANGE: *out = mix(*out, (uint64_t)value.as.range->count); return true;
    case MET_J_ABSENT:
    case MET_J_UNDEFINED:
    case MET_J_NONE:
    case MET_J_ITERATOR:
    case MET_J_NAMESPACE:
    case MET_J_LOOP:
    case MET_J_MACRO:
    case MET_J_FUNCTION: return true;
    case MET_J_LIST:
    case MET_J_DICT:
    case MET_J_VIEW: return met_eval_fail(ev, "unhashable type: '%s'", met_j_type_name(value));
    }
    return true;
}

static void slots_put(met_jdict *dict, size_t position)
{
    size_t at = (size_t)dict->entries[position].hash & (dict->slot_count - 1);
    while (dict->slots[at] != 0) {
        at = (at + 1) & (dict->slot_count - 1);
    }
    dict->slots[at] = (uint32_t)position + 1;
}

static bool slots_grow(met_eval *ev, met_jdict *dict)
{
    size_t count = dict->count + 1;
    if (count <= LINEAR_MAX || 2 * count <= dict->slot_count) return true;
    size_t slot_count = dict->slot_count == 0 ? 32 : 2 * dict->slot_count;
    dict->slots = met_eval_array(ev, slot_count, sizeof *dict->slots);
    if (dict->slots == NULL) return false;
    dict->slot_count = slot_count;
    for (size_t i = 0; i < dict->count; i++) {
        slots_put(dict, i);
    }
    return true;
}

static bool is_key(met_eval *ev, const met_jentry *entry, met_jvalue key, uint64_t hash, bool *out)
{
    *out = false;
    return entry->hash != hash || met_j_equal(ev, entry->key, key, out);
}

/* The entry of a key, or NULL. */
static bool find_entry(met_eval *ev, const met_jdict *dict, met_jvalue key, uint64_t hash,
                       met_jentry **out)
{
    bool same = false;
    *out = NULL;
    if (dict->slots == NULL) {
        for (size_t i = 0; i < dict->count && *out == NULL; i++) {
            if (!is_key(ev, &dict->entries[i], key, hash, &same)) return false;
            if (same) *out = &dict->entries[i];
        }
        return true;
    }
    size_t at = (size_t)hash & (dict->slot_count - 1);
    for (; dict->slots[at] != 0 && *out == NULL; at = (at + 1) & (dict->slot_count - 1)) {
        met_jentry *entry = &dict->entries[dict->slots[at] - 1];
        if (!is_key(ev, entry, key, hash, &same)) return false;
        if (same) *out = entry;
    }
    return true;
}

bool met_jdict_find(met_eval *ev, const met_jdict *dict, met_jvalue key, const met_jvalue **out)
{
    uint64_t hash = 0;
    met_jentry *entry = NULL;
    *out = NULL;
    if (!hash_value(ev, key, &hash) || !find_entry(ev, dict, key, hash, &entry)) return false;
    if (entry != NULL) *out = &entry->value;
    return true;
}

const met_jvalue *met_jdict_find_text(const met_jdict *dict, met_str key)
{
    uint64_t hash = hash_text(key);
    size_t at = dict->slots == NULL ? 0 : (size_t)hash & (dict->slot_count - 1);
    for (;;) {
        if (dict->slots == NULL ? at == dict->count : dict->slots[at] == 0) return NULL;
        const met_jentry *entry = &dict->entries[dict->slots == NULL ? at : dict->slots[at] - 1];
        if (entry->hash == hash && entry->key.kind == MET_J_STRING &&
            met_str_equal(met_j_str_view(entry->key), key)) {
            return &entry->value;
        }
        at = dict->slots == NULL ? at + 1 : (at + 1) & (dict->slot_count - 1);
    }
}

bool met_jdict_set(met_eval *ev, met_jdict *dict, met_jvalue key, met_jvalue value)
{
    uint64_t hash = 0;
    met_jentry *entry = NULL;
    if (!hash_value(ev, key, &hash) || !find_entry(ev, dict, key, hash, &entry)) return false;
    if (entry != NULL) {
        entry->value = value;
        return true;
    }
    if (dict->count == dict->capacity) {
        size_t capacity = dict->capacity == 0 ? 4 : 2 * dict->capacity;
        met_jentry *entries = met_eval_array(ev, capacity, sizeof *entries);
        if (entries == NULL) return false;
        if (dict->count > 0) memcpy(entries, dict->entries, dict->count * sizeof *entries);
        dict->entries = entries;
        dict->capacity = capacity;
    }
    if (!slots_grow(ev, dict)) return false;
    dict->entries[dict->count] = (met_jentry){key, value, hash};
    if (dict->slots != NULL) slots_put(dict, dict->count);
    dict->count++;
    return true;
}
