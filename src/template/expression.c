/* Owns: evaluating expressions: names, operators, attributes, items, slices, calls.
 * The invariant: what Python raises is an error here, and so is what this does not know. */
#include "template/run.h"

/* ---------------------------------------------------------------- attributes and items */

static bool undefined_attribute(met_eval *ev, met_jvalue value, met_str name, met_jvalue *out)
{
    const char *why = met_eval_message(ev, "'%s object' has no attribute '%.*s'",
                                       met_j_type_name(value), met_str_shown(name), name.data);
    *out = met_j_undefined(why);
    return why != NULL;
}

/* The sandbox hides what would change a value and what Python keeps to itself. */
static bool is_hidden(met_jvalue value, met_str name)
{
    static const char *const of_list[] = {"append", "clear",   "extend", "insert", "pop",
                                          "remove", "reverse", "sort",   NULL};
    static const char *const of_dict[] = {"clear", "pop", "popitem", "setdefault", "update", NULL};
    static const char *const of_none[] = {NULL};
    const char *const *names = value.kind == MET_J_LIST   ? of_list
                               : value.kind == MET_J_DICT ? of_dict
                                                          : of_none;
    for (size_t i = 0; names[i] != NULL; i++) {
        if (met_str_is(name, names[i])) return true;
    }
    return name.bytes > 4 && memcmp(name.data, "__", 2) == 0 &&
           memcmp(name.data + name.bytes - 2, "__", 2) == 0;
}

/* Attributes of numbers and the like that Python has and this does not. */
static bool is_number_attribute(met_jvalue value, met_str name)
{
    static const char *const names[] = {
        "real",       "imag",      "numerator", "denominator", "conjugate",
        "bit_length", "bit_count", "to_bytes",  "from_bytes",  "as_integer_ratio",
        "is_integer", "hex",       "fromhex"};
    for (size_t i = 0; met_j_is_number(value) && i < sizeof names / sizeof names[0]; i++) {
        if (met_str_is(name, names[i])) return true;
    }
    return false;
}

static bool macro_attribute(met_eval *ev, const met_jmacro *macro, met_str name, met_jvalue *out,
                            bool *found)
{
    const met_jmacro_node *node = macro->node;
    *found = true;
    if (met_str_is(name, "name")) {
        *out = met_j_string(node->text);
    } else if (met_str_is(name, "catch_kwargs")) {
        *out = met_j_bool(node->takes_kwargs);
    } else if (met_str_is(name, "catch_varargs")) {
        *out = met_j_bool(node->takes_varargs);
    } else if (met_str_is(name, "caller")) {
        *out = met_j_bool(node->takes_caller);
    } else if (met_str_is(name, "arguments")) {
        met_jvalue *items = met_j_list_make(ev, MET_J_TUPLE, node->count, out);
        if (items == NULL) return false;
        for (size_t i = 0; i < node->count; i++) {
            items[i] = met_j_string(node->parameters[i].text);
        }
    } else {
        *found = false;
    }
    return true;
}

/* getattr(value, name). found: it has one. */
static bool get_attribute(met_eval *ev, met_jvalue value, met_str name, met_jvalue *out,
                          bool *found)
{
    const met_jbuiltin *method = NULL;
    const met_jvalue *held = NULL;
    *found = true;
    if (is_hidden(value, name)) {
        const char *why = met_eval_message(ev, "access to attribute '%.*s' of %s is unsafe",
                                           met_str_shown(name), name.data, met_j_type_name(value));
        *out = met_j_undefined(why);
        return why != NULL;
    }
    if (is_number_attribute(value, name)) {
        return met_eval_fail(ev, "attribute '%.*s' of %s is not supported", met_str_shown(name),
                             name.data, met_j_type_name(value));
    }
    switch (value.kind) {
    case MET_J_STRING: method = met_builtin_string_method(name); break;
    case MET_J_LIST:
    case MET_J_TUPLE:
    case MET_J_RANGE: method = met_builtin_list_method(name); break;
    case MET_J_DICT: method = met_builtin_dict_method(name); break;
    case MET_J_LOOP: return met_loop_attribute(ev, value.as.loop, name, out, found);
    case MET_J_MACRO: return macro_attribute(ev, value.as.macro, name, out, found);
    case MET_J_NAMESPACE:
        held = met_jdict_find_text(&value.as.namespace_->attributes, name);
        *found = held != NULL && name.data[0] != '_';
        if (*found) *out = *held;
        return true;
    case MET_J_ABSENT:
    case MET_J_UNDEFINED:
    case MET_J_NONE:
    case MET_J_BOOL:
    case MET_J_INT:
    case MET_J_FLOAT:
    case MET_J_VIEW:
    case MET_J_ITERATOR:
    case MET_J_FUNCTION: break;
    }
    *found = method != NULL;
    return method == NULL || met_j_function(ev, method, value, out);
}

/* value[index] for a whole number: -1 is the last. found: it is there. */
static bool get_position(met_eval *ev, met_jvalue value, int64_t index, met_jvalue *out,
                         bool *found)
{
    int64_t length = met_j_length(value);
    if (index < 0) index += length;
    *found = index >= 0 && index < length;
    return !*found || met_sequence_at(ev, value, index, out);
}

/* value[index] by Python's rules. found: there is such an item. */
static bool get_item(met_eval *ev, met_jvalue value, met_jvalue index, met_jvalue *out, bool *found)
{
    const met_jvalue *held = NULL;
    *found = false;
    switch (value.kind) {
    case MET_J_DICT:
        if (index.kind == MET_J_LIST || index.kind == MET_J_DICT) return true; /* unhashable */
        if (!met_jdict_find(ev, value.as.dict, index, &held)) return false;
        *found = held != NULL;
        if (*found) *out = *held;
        return true;
    case MET_J_STRING:
    case MET_J_LIST:
    case MET_J_TUPLE:
    case MET_J_RANGE:
        if (!met_j_is_integer(index)) return true;
        return get_position(ev, value, met_j_integer(index), out, found);
    case MET_J_ABSENT:
    case MET_J_UNDEFINED:
    case MET_J_NONE:
    case MET_J_BOOL:
    case MET_J_INT:
    case MET_J_FLOAT:
    case MET_J_VIEW:
    case MET_J_ITERATOR:
    case MET_J_NAMESPACE:
    case MET_J_LOOP:
    case MET_J_MACRO:
    case MET_J_FUNCTION: return true;
    }
    return true;
}

bool met_run_attribute(met_eval *ev, met_jvalue value, const met_jstring *name, met_jvalue *out)
{
    bool found = false;
    met_str text = {name->data, name->bytes};
    if (value.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", value.as.undefined);
    if (!get_attribute(ev, value, text, out, &found)) return false;
    if (found) return true;
    if (!get_item(ev, value, met_j_string(name), out, &found)) return false;
    return found || undefined_attribute(ev, value, text, out);
}

bool met_run_item(met_eval *ev, met_jvalue value, met_jvalue index, met_jvalue *out)
{
    bool found = false;
    if (value.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", value.as.undefined);
    if (!get_item(ev, value, index, out, &found)) return false;
    if (found) return true;
    if (index.kind == MET_J_STRING) {
        met_str name = met_j_str_view(index);
        if (!get_attribute(ev, value, name, out, &found)) return false;
        return found || undefined_attribute(ev, value, name, out);
    }
    const char *why =
        met_eval_message(ev, "'%s object' has no such element", met_j_type_name(value));
    *out = met_j_undefined(why);
    return why != NULL;
}

/* ---------------------------------------------------------------- slices */

static bool slice_bound(met_eval *ev, met_jvalue bound, int64_t fallback, int64_t *out)
{
    *out = fallback;
    if (bound.kind == MET_J_ABSENT || bound.kind == MET_J_NONE) return true;
    if (!met_j_is_integer(bound)) {
        return met_eval_fail(ev, "a slice has %s in it, expected integers or None",
                             met_j_type_name(bound));
    }
    *out = met_j_integer(bound);
    return true;
}

/* A bound that counts from the end, brought into low..high. */
static int64_t clip(int64_t bound, int64_t length, int64_t low, int64_t high)
{
    if (bound < 0) bound += length;
    return bound < low ? low : bound > high ? high : bound;
}

bool met_run_slice(met_eval *ev, met_jvalue value, const met_jvalue bounds[3], met_jvalue *out)
{
    int64_t start = 0;
    int64_t stop = 0;
    int64_t step = 1;
    if (value.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", value.as.undefined);
    bool list = value.kind == MET_J_LIST || value.kind == MET_J_TUPLE;
    if (!list && value.kind != MET_J_STRING && value.kind != MET_J_RANGE) {
        return met_eval_fail(ev, "%s cannot be sliced", met_j_type_name(value));
    }
    int64_t length = met_j_length(value);
    if (!slice_bound(ev, bounds[2], 1, &step)) return false;
    if (step == 0) return met_eval_fail(ev, "the step of a slice is 0");
    int64_t low = step > 0 ? 0 : -1;
    int64_t high = step > 0 ? length : length - 1;
    if (!slice_bound(ev, bounds[0], step > 0 ? 0 : INT64_MAX, &start) ||
        !slice_bound(ev, bounds[1], step > 0 ? INT64_MAX : INT64_MIN, &stop)) {
        return false;
    }
    start = clip(start, length, low, high);
    stop = stop == INT64_MIN ? low : clip(stop, length, low, high);
    int64_t count = 0;
    if (step > 0 && start < stop) count = (stop - start - 1) / step + 1;
    if (step < 0 && start > stop) count = (start - stop - 1) / -(step + (step == INT64_MIN)) + 1;
    if (value.kind == MET_J_STRING) {
        return met_jstring_slice(ev, value.as.string, start, step, count, out);
    }
    if (value.kind == MET_J_RANGE) {
        met_jrange *range = met_eval_alloc(ev, sizeof *range);
        if (range == NULL) return false;
        *range = *value.as.range;
        range->start += start * value.as.range->step;
        range->stop = value.as.range->start + stop * value.as.range->step;
        if (__builtin_mul_overflow(step, value.as.range->step, &range->step)) {
            return met_eval_fail(ev, "the step of a range does not fit 64 bits");
        }
        range->count = count;
        *out = (met_jvalue){.kind = MET_J_RANGE, .as = {.range = range}};
        return true;
    }
    met_jvalue *items = met_j_list_make(ev, value.kind, (size_t)count, out);
    if (items == NULL || !met_eval_charge_bytes(ev, (size_t)count * 64)) return false;
    for (int64_t i = 0; i < count; i++) {
        items[i] = value.as.list->items[start + i * step];
    }
    return true;
}

/* ---------------------------------------------------------------- calls */

bool met_run_call(met_eval *ev, met_jvalue callee, const met_jcall *call, met_jvalue *out)
{
    if (callee.kind == MET_J_FUNCTION) {
        const met_jfunction *function = callee.as.function;
        bool method = function->self.kind != MET_J_ABSENT;
        return met_builtin_call(ev, method ? "method" : "function", function->builtin,
                                function->self, call, out);
    }
    if (callee.kind == MET_J_MACRO) return met_run_macro(ev, callee.as.macro, call, out);
    if (callee.kind == MET_J_UNDEFINED) return met_eval_fail(ev, "%s", callee.as.undefined);
    return met_eval_fail(ev, "%s cannot be called", met_j_type_name(callee));
}

static bool add_named(met_eval *ev, met_jnamed *named, size_t *count, met_jvalue name,
                      met_jvalue value)
{
    if (name.kind != MET_J_STRING) {
        return met_eval_fail(ev, "'**' needs names that are strings, found %s",
                             met_j_type_name(name));
    }
    if (!met_eval_charge_bytes(ev, *count * sizeof *named)) return false;
    for (size_t i = 0; i < *count; i++) {
        met_str known = {named[i].name->data, named[i].name->bytes};
        if (met_str_equal(known, met_j_str_view(name))) {
            return met_eval_fail(ev, "argument '%.*s' is given twice", met_str_shown(known),
                                 known.data);
        }
    }
    named[*count].name = name.as.string;
    named[*count].value = value;
    (*count)++;
    return true;
}

static bool evaluate_positional(met_eval *ev, const met_jarguments *arguments, met_jcall *call)
{
    met_jvalue star = {.kind = MET_J_ABSENT};
    size_t count = arguments->positional_count;
    size_t more = 0;
    met_jvalue *values = met_eval_array(ev, count, sizeof *values);
    if (values == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        if (!met_run_expression(ev, arguments->positional[i], &values[i])) return false;
    }
    if (arguments->star != NULL) {
        if (!met_run_expression(ev, arguments->star, &star) ||
            !met_iter_collect(ev, star, MET_J_TUPLE, &star)) {
            return false;
        }
        more = star.as.list->count;
        met_jvalue *all = met_eval_array(ev, count + more, sizeof *all);
        if (all == NULL) return false;
        if (count > 0) memcpy(all, values, count * sizeof *all);
        if (more > 0) memcpy(all + count, star.as.list->items, more * sizeof *all);
        values = all;
    }
    call->positional = values;
    call->positional_count = count + more;
    return true;
}

static bool evaluate_named(met_eval *ev, const met_jarguments *arguments, met_jcall *call)
{
    met_jvalue all = {.kind = MET_J_ABSENT};
    met_jvalue value;
    size_t count = 0;
    if (arguments->star_star != NULL) {
        if (!met_run_expression(ev, arguments->star_star, &all)) return false;
        if (all.kind != MET_J_DICT) {
            return met_eval_fail(ev, "'**' before %s, expected a dict", met_j_type_name(all));
        }
    }
    size_t more = all.kind == MET_J_DICT ? all.as.dict->count : 0;
    met_jnamed *named = met_eval_array(ev, arguments->named_count + more, sizeof *named);
    if (named == NULL) return false;
    for (size_t i = 0; i < arguments->named_count; i++) {
        const met_jkeyword *keyword = &arguments->named[i];
        if (!met_run_expression(ev, keyword->value, &value) ||
            !add_named(ev, named, &count, met_j_string(keyword->name), value)) {
            return false;
        }
    }
    for (size_t i = 0; i < more; i++) {
        const met_jentry *entry = &all.as.dict->entries[i];
        if (!add_named(ev, named, &count, entry->key, entry->value)) return false;
    }
    call->named = named;
    call->named_count = count;
    return true;
}

static bool evaluate_arguments(met_eval *ev, const met_jarguments *arguments, met_jcall *call)
{
    *call = (met_jcall){0};
    bool positional = arguments->positional_count > 0 || arguments->star != NULL;
    bool named = arguments->named_count > 0 || arguments->star_star != NULL;
    return (!positional || evaluate_positional(ev, arguments, call)) &&
           (!named || evaluate_named(ev, arguments, call));
}

/* ---------------------------------------------------------------- suffixes */

static bool run_builtin(met_eval *ev, const met_jsuffix *suffix, met_jvalue self, met_jvalue *out)
{
    bool filter = suffix->kind == MET_JSUFFIX_FILTER;
    met_jcall call;
    if (!evaluate_arguments(ev, &suffix->arguments, &call)) return false;
    ev->line = suffix->line;
    if (suffix->builtin == NULL) {
        met_str name = {suffix->name->data, suffix->name->bytes};
        return met_eval_fail(ev, "%s '%.*s' is not known", filter ? "filter" : "test",
                             met_str_shown(name), name.data);
    }
    return met_builtin_call(ev, filter ? "filter" : "test", suffix->builtin, self, &call, out);
}

static bool run_slice(met_eval *ev, const met_jsuffix *suffix, met_jvalue value, met_jvalue *out)
{
    met_jvalue bounds[3];
    for (size_t i = 0; i < 3; i++) {
        bounds[i].kind = MET_J_ABSENT;
        if (suffix->slice[i] != NULL && !met_run_expression(ev, suffix->slice[i], &bounds[i])) {
            return false;
        }
    }
    return met_run_slice(ev, value, bounds, out);
}

static bool run_suffix(met_eval *ev, const met_jsuffix *suffix, met_jvalue value, met_jvalue *out)
{
    met_jvalue index;
    met_jcall call;
    ev->line = suffix->line;
    switch (suffix->kind) {
    case MET_JSUFFIX_ATTRIBUTE: return met_run_attribute(ev, value, suffix->name, out);
    case MET_JSUFFIX_ITEM:
        return met_run_expression(ev, suffix->index, &index) && met_run_item(ev, value, index, out);
    case MET_JSUFFIX_SLICE: return run_slice(ev, suffix, value, out);
    case MET_JSUFFIX_CALL:
        if (!evaluate_arguments(ev, &suffix->arguments, &call)) return false;
        ev->line = suffix->line;
        return met_run_call(ev, value, &call, out);
    case MET_JSUFFIX_FILTER:
    case MET_JSUFFIX_TEST: return run_builtin(ev, suffix, value, out);
    case MET_JSUFFIX_TEST_NOT:
        if (!run_builtin(ev, suffix, value, out)) return false;
        *out = met_j_bool(!met_j_truth(*out));
        return true;
    }
    return true;
}

bool met_run_filters(met_eval *ev, const met_jexpr *filters, met_jvalue text, met_jvalue *out)
{
    *out = text;
    for (size_t i = 0; filters != NULL && i < filters->suffix_count; i++) {
        if (!run_suffix(ev, &filters->suffixes[i], *out, out)) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- operators */

static bool compare(met_eval *ev, met_joperator operator_, met_jvalue a, met_jvalue b, bool *out)
{
    bool found = false;
    switch (operator_) {
    case MET_JOP_EQ: return met_j_equal(ev, a, b, out);
    case MET_JOP_NE:
        if (!met_j_equal(ev, a, b, &found)) return false;
        *out = !found;
        return true;
    case MET_JOP_LT: return met_j_compare(ev, MET_JORDER_LT, a, b, out);
    case MET_JOP_LE: return met_j_compare(ev, MET_JORDER_LE, a, b, out);
    case MET_JOP_GT: return met_j_compare(ev, MET_JORDER_GT, a, b, out);
    case MET_JOP_GE: return met_j_compare(ev, MET_JORDER_GE, a, b, out);
    case MET_JOP_IN: return met_j_contains(ev, b, a, out);
    case MET_JOP_NOT_IN:
        if (!met_j_contains(ev, b, a, &found)) return false;
        *out = !found;
        return true;
    case MET_JOP_ADD:
    case MET_JOP_SUB:
    case MET_JOP_MUL:
    case MET_JOP_DIV:
    case MET_JOP_FLOORDIV:
    case MET_JOP_MOD:
    case MET_JOP_POW: break;
    }
    return true;
}

/* a < b < c: each pair, until one does not hold. */
static bool run_compare(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    met_jvalue left;
    met_jvalue right;
    bool holds = true;
    if (!met_run_expression(ev, expr->items[0], &left)) return false;
    for (size_t i = 1; holds && i < expr->count; i++) {
        if (!met_run_expression(ev, expr->items[i], &right)) return false;
        ev->line = expr->line;
        if (!compare(ev, expr->operators[i - 1], left, right, &holds)) return false;
        left = right;
    }
    *out = met_j_bool(holds);
    return true;
}

static bool run_math(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    met_jvalue right;
    if (!met_run_expression(ev, expr->items[0], out)) return false;
    for (size_t i = 1; i < expr->count; i++) {
        if (!met_run_expression(ev, expr->items[i], &right)) return false;
        ev->line = expr->line;
        if (!met_run_math(ev, expr->operators[i - 1], *out, right, out)) return false;
    }
    return true;
}

static bool run_concat(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    met_jwriter w = met_jwriter_start(ev);
    met_jvalue item;
    for (size_t i = 0; i < expr->count; i++) {
        if (!met_run_expression(ev, expr->items[i], &item) || !met_write_str(&w, item)) {
            return false;
        }
    }
    return met_jwriter_finish(&w, out);
}

/* `and` and `or` give the operand that decided. */
static bool run_logic(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    for (size_t i = 0; i < expr->count; i++) {
        if (!met_run_expression(ev, expr->items[i], out)) return false;
        if (met_j_truth(*out) == (expr->kind == MET_JEXPR_OR)) break;
    }
    return true;
}

static bool run_condition(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    met_jvalue test;
    if (!met_run_expression(ev, expr->items[0], &test)) return false;
    if (met_j_truth(test)) return met_run_expression(ev, expr->items[1], out);
    if (expr->count == 3) return met_run_expression(ev, expr->items[2], out);
    *out = met_j_undefined("the inline if-expression was false and has no else");
    return true;
}

static bool run_list(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    met_jkind kind = expr->kind == MET_JEXPR_LIST ? MET_J_LIST : MET_J_TUPLE;
    met_jvalue made;
    met_jvalue *items = met_j_list_make(ev, kind, expr->count, &made);
    if (items == NULL) return false;
    for (size_t i = 0; i < expr->count; i++) {
        if (!met_run_expression(ev, expr->items[i], &items[i])) return false;
    }
    *out = made;
    return true;
}

static bool run_dict(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    met_jdict *dict = met_eval_alloc(ev, sizeof *dict);
    met_jvalue key;
    met_jvalue value;
    if (dict == NULL) return false;
    for (size_t i = 0; i < expr->count; i += 2) {
        if (!met_run_expression(ev, expr->items[i], &key) ||
            !met_run_expression(ev, expr->items[i + 1], &value) ||
            !met_jdict_set(ev, dict, key, value)) {
            return false;
        }
    }
    *out = (met_jvalue){.kind = MET_J_DICT, .as = {.dict = dict}};
    return true;
}

static bool run_postfix(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    if (!met_run_expression(ev, expr->operand, out)) return false;
    for (size_t i = 0; i < expr->suffix_count; i++) {
        if (!run_suffix(ev, &expr->suffixes[i], *out, out)) return false;
    }
    return true;
}

static bool run_kind(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    switch (expr->kind) {
    case MET_JEXPR_CONSTANT: *out = expr->constant; return true;
    case MET_JEXPR_NAME: return met_scope_get(ev, expr->name, out);
    case MET_JEXPR_LIST:
    case MET_JEXPR_TUPLE: return run_list(ev, expr, out);
    case MET_JEXPR_DICT: return run_dict(ev, expr, out);
    case MET_JEXPR_CONDITION: return run_condition(ev, expr, out);
    case MET_JEXPR_OR:
    case MET_JEXPR_AND: return run_logic(ev, expr, out);
    case MET_JEXPR_NOT:
        if (!met_run_expression(ev, expr->operand, out)) return false;
        *out = met_j_bool(!met_j_truth(*out));
        return true;
    case MET_JEXPR_COMPARE: return run_compare(ev, expr, out);
    case MET_JEXPR_MATH: return run_math(ev, expr, out);
    case MET_JEXPR_CONCAT: return run_concat(ev, expr, out);
    case MET_JEXPR_NEGATE:
    case MET_JEXPR_POSITIVE:
        return met_run_expression(ev, expr->operand, out) &&
               met_run_sign(ev, expr->kind == MET_JEXPR_NEGATE, *out, out);
    case MET_JEXPR_POSTFIX: return run_postfix(ev, expr, out);
    }
    return true;
}

bool met_run_expression(met_eval *ev, const met_jexpr *expr, met_jvalue *out)
{
    if (!met_eval_step(ev) || !met_eval_enter(ev)) return false;
    ev->line = expr->line;
    bool done = run_kind(ev, expr, out);
    met_eval_leave(ev);
    return done;
}
