/* Owns: what may follow `is`. */
#include "template/run.h"

static bool is_defined(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind != MET_J_UNDEFINED);
    return true;
}

static bool is_undefined(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_UNDEFINED);
    return true;
}

static bool is_none(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_NONE);
    return true;
}

static bool is_boolean(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_BOOL);
    return true;
}

static bool is_true(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_BOOL && in->self.as.boolean);
    return true;
}

static bool is_false(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_BOOL && !in->self.as.boolean);
    return true;
}

static bool is_integer(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_INT);
    return true;
}

static bool is_float(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_FLOAT);
    return true;
}

static bool is_number(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(met_j_is_number(in->self));
    return true;
}

static bool is_string(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_STRING);
    return true;
}

static bool is_mapping(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_DICT);
    return true;
}

static bool is_iterable(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(met_iter_is_possible(in->self) || in->self.kind == MET_J_LOOP);
    return true;
}

static bool is_sequence(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind != MET_J_VIEW && met_j_length(in->self) >= 0);
    return true;
}

static bool is_callable(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_MACRO || in->self.kind == MET_J_FUNCTION ||
                      in->self.kind == MET_J_UNDEFINED || in->self.kind == MET_J_LOOP);
    return true;
}

static bool is_escaped(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    *out = met_j_bool(in->self.kind == MET_J_STRING && in->self.as.string->markup);
    return true;
}

static bool remainder_of(met_eval *ev, met_jvalue self, met_jvalue by, met_jvalue wanted,
                         met_jvalue *out)
{
    met_jvalue rest;
    bool equal = false;
    if (!met_run_math(ev, MET_JOP_MOD, self, by, &rest) || !met_j_equal(ev, rest, wanted, &equal)) {
        return false;
    }
    *out = met_j_bool(equal);
    return true;
}

static bool is_odd(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return remainder_of(ev, in->self, met_j_int(2), met_j_int(1), out);
}

static bool is_even(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return remainder_of(ev, in->self, met_j_int(2), met_j_int(0), out);
}

static bool is_divisible(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return remainder_of(ev, in->self, in->bound[0], met_j_int(0), out);
}

/* str(self).islower(): some cased character, and none of another case. */
static bool is_cased(met_eval *ev, met_jvalue self, bool upper, met_jvalue *out)
{
    const met_jstring *s = NULL;
    if (!met_arg_string(ev, self, &s)) return false;
    *out = met_j_bool(met_jstring_is_cased(s, upper));
    return met_eval_charge_bytes(ev, s->bytes);
}

static bool is_lower(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return is_cased(ev, in->self, false, out);
}

static bool is_upper(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return is_cased(ev, in->self, true, out);
}

static bool is_in(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    bool found = false;
    if (!met_j_contains(ev, in->bound[0], in->self, &found)) return false;
    *out = met_j_bool(found);
    return true;
}

static bool is_equal(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    bool equal = false;
    if (!met_j_equal(ev, in->self, in->bound[0], &equal)) return false;
    *out = met_j_bool(equal);
    return true;
}

static bool is_unequal(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    if (!is_equal(ev, in, out)) return false;
    *out = met_j_bool(!out->as.boolean);
    return true;
}

static bool is_ordered(met_eval *ev, met_jorder order, met_jvalue self, const met_jvalue *bound,
                       met_jvalue *out)
{
    bool holds = false;
    if (!met_j_compare(ev, order, self, bound[0], &holds)) return false;
    *out = met_j_bool(holds);
    return true;
}

static bool is_less(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return is_ordered(ev, MET_JORDER_LT, in->self, in->bound, out);
}

static bool is_less_or_equal(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return is_ordered(ev, MET_JORDER_LE, in->self, in->bound, out);
}

static bool is_greater(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return is_ordered(ev, MET_JORDER_GT, in->self, in->bound, out);
}

static bool is_greater_or_equal(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return is_ordered(ev, MET_JORDER_GE, in->self, in->bound, out);
}

/* `is` of Python: only for what has one object for each value can it be told here. */
static bool is_same(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    bool single = in->self.kind == MET_J_NONE || in->self.kind == MET_J_BOOL;
    if (in->self.kind == in->bound[0].kind && !single) {
        return met_eval_fail(ev, "sameas between two of %s is not supported",
                             met_j_type_name(in->self));
    }
    *out =
        met_j_bool(in->self.kind == in->bound[0].kind &&
                   (in->self.kind == MET_J_NONE || in->self.as.boolean == in->bound[0].as.boolean));
    return true;
}

static bool names_filter(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *name = NULL;
    if (!met_arg_need_string(ev, in->self, "is filter", &name)) return false;
    *out = met_j_bool(met_builtin_filter((met_str){name->data, name->bytes}) != NULL);
    return true;
}

static bool names_test(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *name = NULL;
    if (!met_arg_need_string(ev, in->self, "is test", &name)) return false;
    *out = met_j_bool(met_builtin_test((met_str){name->data, name->bytes}) != NULL);
    return true;
}

const met_jbuiltin met_builtin_tests[] = {
    {"!=", is_unequal, "-"},
    {"<", is_less, "-"},
    {"<=", is_less_or_equal, "-"},
    {"==", is_equal, "-"},
    {">", is_greater, "-"},
    {">=", is_greater_or_equal, "-"},
    {"boolean", is_boolean, ""},
    {"callable", is_callable, ""},
    {"defined", is_defined, ""},
    {"divisibleby", is_divisible, "num"},
    {"eq", is_equal, "-"},
    {"equalto", is_equal, "-"},
    {"escaped", is_escaped, ""},
    {"even", is_even, ""},
    {"false", is_false, ""},
    {"filter", names_filter, ""},
    {"float", is_float, ""},
    {"ge", is_greater_or_equal, "-"},
    {"greaterthan", is_greater, "-"},
    {"gt", is_greater, "-"},
    {"in", is_in, "seq"},
    {"integer", is_integer, ""},
    {"iterable", is_iterable, ""},
    {"le", is_less_or_equal, "-"},
    {"lessthan", is_less, "-"},
    {"lower", is_lower, ""},
    {"lt", is_less, "-"},
    {"mapping", is_mapping, ""},
    {"ne", is_unequal, "-"},
    {"none", is_none, ""},
    {"number", is_number, ""},
    {"odd", is_odd, ""},
    {"sameas", is_same, "other"},
    {"sequence", is_sequence, ""},
    {"string", is_string, ""},
    {"test", names_test, ""},
    {"true", is_true, ""},
    {"undefined", is_undefined, ""},
    {"upper", is_upper, ""},
    {NULL, NULL, NULL},
};
