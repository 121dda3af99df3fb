/* Owns: what may follow `is`. */
#include "template/run.h"

#define UNUSED(x) (void)(x)

typedef const met_jvalue *arguments;

/* A test that asks for nothing but the kind of a value. */
#define KIND_TEST(name, condition)                                                                 \
    static bool name(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,        \
                     met_jvalue *out)                                                              \
    {                                                                                              \
        UNUSED(ev), UNUSED(bound), UNUSED(call);                                                   \
        *out = met_j_bool(condition);                                                              \
        return true;                                                                               \
    }

KIND_TEST(is_defined, self.kind != MET_J_UNDEFINED)
KIND_TEST(is_undefined, self.kind == MET_J_UNDEFINED)
KIND_TEST(is_none, self.kind == MET_J_NONE)
KIND_TEST(is_boolean, self.kind == MET_J_BOOL)
KIND_TEST(is_true, self.kind == MET_J_BOOL && self.as.boolean)
KIND_TEST(is_false, self.kind == MET_J_BOOL && !self.as.boolean)
KIND_TEST(is_integer, self.kind == MET_J_INT)
KIND_TEST(is_float, self.kind == MET_J_FLOAT)
KIND_TEST(is_number, met_j_is_number(self))
KIND_TEST(is_string, self.kind == MET_J_STRING)
KIND_TEST(is_mapping, self.kind == MET_J_DICT)
KIND_TEST(is_iterable, met_iter_is_possible(self) || self.kind == MET_J_LOOP)
KIND_TEST(is_sequence, self.kind != MET_J_VIEW && met_j_length(self) >= 0)
KIND_TEST(is_callable, self.kind == MET_J_MACRO || self.kind == MET_J_FUNCTION ||
                           self.kind == MET_J_UNDEFINED || self.kind == MET_J_LOOP)
KIND_TEST(is_escaped, self.kind == MET_J_STRING && self.as.string->markup)

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

static bool is_odd(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                   met_jvalue *out)
{
    UNUSED(bound), UNUSED(call);
    return remainder_of(ev, self, met_j_int(2), met_j_int(1), out);
}

static bool is_even(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                    met_jvalue *out)
{
    UNUSED(bound), UNUSED(call);
    return remainder_of(ev, self, met_j_int(2), met_j_int(0), out);
}

static bool is_divisible(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                         met_jvalue *out)
{
    UNUSED(call);
    return remainder_of(ev, self, bound[0], met_j_int(0), out);
}

/* str(self).islower(): some cased character, and none of another case. */
static bool is_cased(met_eval *ev, met_jvalue self, bool upper, met_jvalue *out)
{
    const met_jstring *s = NULL;
    if (!met_arg_string(ev, self, &s)) return false;
    *out = met_j_bool(met_jstring_is_cased(s, upper));
    return met_eval_charge_bytes(ev, s->bytes);
}

static bool is_lower(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                     met_jvalue *out)
{
    UNUSED(bound), UNUSED(call);
    return is_cased(ev, self, false, out);
}

static bool is_upper(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                     met_jvalue *out)
{
    UNUSED(bound), UNUSED(call);
    return is_cased(ev, self, true, out);
}

static bool is_in(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                  met_jvalue *out)
{
    bool found = false;
    UNUSED(call);
    if (!met_j_contains(ev, bound[0], self, &found)) return false;
    *out = met_j_bool(found);
    return true;
}

static bool is_equal(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                     met_jvalue *out)
{
    bool equal = false;
    UNUSED(call);
    if (!met_j_equal(ev, self, bound[0], &equal)) return false;
    *out = met_j_bool(equal);
    return true;
}

static bool is_unequal(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                       met_jvalue *out)
{
    if (!is_equal(ev, self, bound, call, out)) return false;
    *out = met_j_bool(!out->as.boolean);
    return true;
}

static bool is_ordered(met_eval *ev, met_jorder order, met_jvalue self, arguments bound,
                       met_jvalue *out)
{
    bool holds = false;
    if (!met_j_compare(ev, order, self, bound[0], &holds)) return false;
    *out = met_j_bool(holds);
    return true;
}

static bool is_less(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                    met_jvalue *out)
{
    UNUSED(call);
    return is_ordered(ev, MET_JORDER_LT, self, bound, out);
}

static bool is_less_or_equal(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                             met_jvalue *out)
{
    UNUSED(call);
    return is_ordered(ev, MET_JORDER_LE, self, bound, out);
}

static bool is_greater(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                       met_jvalue *out)
{
    UNUSED(call);
    return is_ordered(ev, MET_JORDER_GT, self, bound, out);
}

static bool is_greater_or_equal(met_eval *ev, met_jvalue self, arguments bound,
                                const met_jcall *call, met_jvalue *out)
{
    UNUSED(call);
    return is_ordered(ev, MET_JORDER_GE, self, bound, out);
}

/* `is` of Python: only for what has one object for each value can it be told here. */
static bool is_same(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                    met_jvalue *out)
{
    bool single = self.kind == MET_J_NONE || self.kind == MET_J_BOOL;
    UNUSED(call);
    if (self.kind == bound[0].kind && !single) {
        return met_eval_fail(ev, "sameas between two of %s is not supported",
                             met_j_type_name(self));
    }
    *out = met_j_bool(self.kind == bound[0].kind &&
                      (self.kind == MET_J_NONE || self.as.boolean == bound[0].as.boolean));
    return true;
}

static bool names_filter(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                         met_jvalue *out)
{
    const met_jstring *name = NULL;
    UNUSED(bound), UNUSED(call);
    if (!met_arg_need_string(ev, self, "is filter", &name)) return false;
    *out = met_j_bool(met_builtin_filter((met_str){name->data, name->bytes}) != NULL);
    return true;
}

static bool names_test(met_eval *ev, met_jvalue self, arguments bound, const met_jcall *call,
                       met_jvalue *out)
{
    const met_jstring *name = NULL;
    UNUSED(bound), UNUSED(call);
    if (!met_arg_need_string(ev, self, "is test", &name)) return false;
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
