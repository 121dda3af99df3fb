/* Filters, tests, methods and functions: one shape, found by name in tables. */
#ifndef MET_TEMPLATE_BUILTINS_H
#define MET_TEMPLATE_BUILTINS_H

#include "template/eval.h"

enum { MET_BUILTIN_PARAMETERS_MAX = 6 };

typedef struct met_jnamed {
    const met_jstring *name;
    met_jvalue value;
} met_jnamed;

/* The arguments of a call as they were given. */
typedef struct met_jcall {
    const met_jvalue *positional; /* [positional_count] */
    size_t positional_count;
    const met_jnamed *named; /* [named_count] */
    size_t named_count;
} met_jcall;

/* What a builtin is run on. */
typedef struct met_jargs {
    met_jvalue self;         /* of a filter, test or method; ABSENT for a function */
    const met_jvalue *bound; /* [MET_BUILTIN_PARAMETERS_MAX] by parameter; ABSENT: not given */
    const met_jcall *call;   /* as given, for builtins that take any */
} met_jargs;

typedef bool (*met_builtin_fn)(met_eval *ev, const met_jargs *in, met_jvalue *out);

struct met_jbuiltin {
    const char *name;
    met_builtin_fn run; /* NULL: Jinja has it, this does not */
    /* Names separated by spaces; those after `/` need not be given, `-` is a place that cannot be
     * given by name, "*" alone takes anything. */
    const char *parameters;
};

/* NULL: not known. */
const met_jbuiltin *met_builtin_filter(met_str name);
const met_jbuiltin *met_builtin_test(met_str name);
const met_jbuiltin *met_builtin_function(met_str name);
const met_jbuiltin *met_builtin_string_method(met_str name);
const met_jbuiltin *met_builtin_dict_method(met_str name);
const met_jbuiltin *met_builtin_list_method(met_str name);
const met_jbuiltin *met_builtin_loop_method(met_str name);

/* Where they come from; the last entry of each has no name. */
extern const met_jbuiltin met_builtin_text_filters[];
extern const met_jbuiltin met_builtin_sequence_filters[];
extern const met_jbuiltin met_builtin_tests[];
extern const met_jbuiltin met_builtin_string_methods[];
extern const met_jbuiltin met_builtin_functions[];
extern const met_jbuiltin met_builtin_dict_methods[];
extern const met_jbuiltin met_builtin_list_methods[];
extern const met_jbuiltin met_builtin_loop_methods[];

/* Match arguments to parameters and run. `kind` is "filter", "test", "method", "function". */
bool met_builtin_call(met_eval *ev, const char *kind, const met_jbuiltin *builtin, met_jvalue self,
                      const met_jcall *call, met_jvalue *out);

struct met_jfunction {
    const met_jbuiltin *builtin;
    met_jvalue self; /* ABSENT for a function of the environment */
};

/* A builtin as a value, bound to self. */
bool met_j_function(met_eval *ev, const met_jbuiltin *builtin, met_jvalue self, met_jvalue *out);

/* ---------------------------------------------------------------- arguments of builtins */

/* str(value) as a string that keeps its provenance. */
bool met_arg_string(met_eval *ev, met_jvalue value, const met_jstring **out);
/* Whether an argument was given, and not as None. */
static inline bool met_arg_given(met_jvalue value)
{
    return value.kind != MET_J_ABSENT && value.kind != MET_J_NONE;
}
/* A string, or an error that names `what`. */
bool met_arg_need_string(met_eval *ev, met_jvalue value, const char *what, const met_jstring **out);
/* An integer (or bool), or `fallback` for ABSENT and None. */
bool met_arg_int(met_eval *ev, met_jvalue value, const char *what, int64_t fallback, int64_t *out);

#endif
