/* Owns: finding builtins by name and matching the arguments of a call to their parameters, with
 * Python's rules. Does not own what they do. */
#include "template/run.h"


static const met_jbuiltin *find(const met_jbuiltin *table, met_str name)
{
    for (; table->name != NULL; table++) {
        if (met_str_is(name, table->name)) return table;
    }
    return NULL;
}

const met_jbuiltin *met_builtin_filter(met_str name)
{
    const met_jbuiltin *found = find(met_builtin_text_filters, name);
    return found != NULL ? found : find(met_builtin_sequence_filters, name);
}

const met_jbuiltin *met_builtin_test(met_str name)
{
    return find(met_builtin_tests, name);
}

const met_jbuiltin *met_builtin_function(met_str name)
{
    return find(met_builtin_functions, name);
}

const met_jbuiltin *met_builtin_string_method(met_str name)
{
    return find(met_builtin_string_methods, name);
}

const met_jbuiltin *met_builtin_dict_method(met_str name)
{
    return find(met_builtin_dict_methods, name);
}

const met_jbuiltin *met_builtin_list_method(met_str name)
{
    return find(met_builtin_list_methods, name);
}

const met_jbuiltin *met_builtin_loop_method(met_str name)
{
    return find(met_builtin_loop_methods, name);
}

bool met_j_function(met_eval *ev, const met_jbuiltin *builtin, met_jvalue self, met_jvalue *out)
{
    met_jfunction *function = met_eval_alloc(ev, sizeof *function);
    if (function == NULL) return false;
    function->builtin = builtin;
    function->self = self;
    *out = (met_jvalue){.kind = MET_J_FUNCTION, .as = {.function = function}};
    return true;
}

/* ---------------------------------------------------------------- calling */

/* The next word of a parameter list; false at its end. */
static bool next_word(const char **at, met_str *word)
{
    *at += strspn(*at, " ");
    *word = (met_str){*at, strcspn(*at, " ")};
    *at += word->bytes;
    return word->bytes > 0;
}

static const met_jnamed *find_named(const met_jcall *call, met_str name)
{
    for (size_t i = 0; i < call->named_count; i++) {
        met_str known = {call->named[i].name->data, call->named[i].name->bytes};
        if (met_str_equal(known, name)) return &call->named[i];
    }
    return NULL;
}

static bool bind(met_eval *ev, const char *kind, const met_jbuiltin *builtin, const met_jcall *call,
                 met_jvalue *bound)
{
    const char *at = builtin->parameters;
    met_str word;
    size_t count = 0;
    size_t named = 0;
    bool optional = false;
    while (next_word(&at, &word)) {
        if (met_str_is(word, "/")) {
            optional = true;
            continue;
        }
        const met_jnamed *given = find_named(call, word);
        if (count < call->positional_count) {
            bound[count] = call->positional[count];
        } else if (given != NULL) {
            bound[count] = given->value;
            named++;
        } else if (!optional) {
            return met_eval_fail(ev, "%s '%s' needs %zu or more arguments", kind, builtin->name,
                                 count + 1);
        }
        count++;
    }
    if (call->positional_count > count) {
        return met_eval_fail(ev, "%s '%s' takes at most %zu arguments, found %zu", kind,
                             builtin->name, count, call->positional_count);
    }
    if (named < call->named_count) {
        return met_eval_fail(ev, "%s '%s' does not take one of the named arguments", kind,
                             builtin->name);
    }
    return true;
}

bool met_builtin_call(met_eval *ev, const char *kind, const met_jbuiltin *builtin, met_jvalue self,
                      const met_jcall *call, met_jvalue *out)
{
    met_jvalue bound[MET_BUILTIN_PARAMETERS_MAX];
    if (builtin->run == NULL) {
        return met_eval_fail(ev, "%s '%s' is not supported", kind, builtin->name);
    }
    for (size_t i = 0; i < MET_BUILTIN_PARAMETERS_MAX; i++) {
        bound[i] = (met_jvalue){.kind = MET_J_ABSENT};
    }
    if (strcmp(builtin->parameters, "*") != 0 && !bind(ev, kind, builtin, call, bound)) {
        return false;
    }
    const met_jargs in = {self, bound, call};
    return builtin->run(ev, &in, out);
}

/* ---------------------------------------------------------------- arguments */

bool met_arg_string(met_eval *ev, met_jvalue value, const met_jstring **out)
{
    met_jvalue text = value;
    if (value.kind != MET_J_STRING) {
        met_jwriter w = met_jwriter_start(ev);
        if (!met_write_str(&w, value) || !met_jwriter_finish(&w, &text)) return false;
    }
    *out = text.as.string;
    return true;
}

bool met_arg_need_string(met_eval *ev, met_jvalue value, const char *what, const met_jstring **out)
{
    if (value.kind != MET_J_STRING) {
        return met_eval_fail(ev, "%s: %s, expected str", what, met_j_type_name(value));
    }
    *out = value.as.string;
    return true;
}

bool met_arg_int(met_eval *ev, met_jvalue value, const char *what, int64_t fallback, int64_t *out)
{
    *out = fallback;
    if (!met_arg_given(value)) return true;
    if (!met_j_is_integer(value)) {
        return met_eval_fail(ev, "%s: %s, expected int", what, met_j_type_name(value));
    }
    *out = met_j_integer(value);
    return true;
}
