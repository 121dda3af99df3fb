/* Running a parsed template: what the files that evaluate share. */
#ifndef MET_TEMPLATE_RUN_H
#define MET_TEMPLATE_RUN_H

#include "template/builtins.h"
#include "template/iterate.h"
#include "template/jstring.h"

/* ---------------------------------------------------------------- scopes */

typedef struct met_jbinding {
    uint32_t name;
    met_jvalue value;
} met_jbinding;

struct met_jscope {
    met_jscope *parent; /* NULL: the template itself */
    met_jbinding *bindings;
    size_t count;
    size_t capacity;
};

/* A scope in which `hidden` names are undefined until they are set. NULL: failed. */
met_jscope *met_scope_make(met_eval *ev, met_jscope *parent, const met_jhidden *hidden);
/* As it was when it was made. */
bool met_scope_reset(met_eval *ev, met_jscope *scope, const met_jhidden *hidden);
bool met_scope_set(met_eval *ev, met_jscope *scope, uint32_t name, met_jvalue value);
/* The value of a name from the innermost scope outwards; undefined when there is none. */
bool met_scope_get(met_eval *ev, uint32_t name, met_jvalue *out);
/* Assign to a target in the innermost scope, taking a tuple apart. */
bool met_scope_assign(met_eval *ev, const met_jtarget *target, met_jvalue value);

/* ---------------------------------------------------------------- expressions */

struct met_jmacro {
    const met_jmacro_node *node;
    met_jscope *scope; /* where it was defined */
};

bool met_run_expression(met_eval *ev, const met_jexpr *expr, met_jvalue *out);
/* The filters of a block, applied to its text. */
bool met_run_filters(met_eval *ev, const met_jexpr *filters, met_jvalue text, met_jvalue *out);
/* value.name and value[index] as Jinja's sandbox has them. */
bool met_run_attribute(met_eval *ev, met_jvalue value, const met_jstring *name, met_jvalue *out);
bool met_run_item(met_eval *ev, met_jvalue value, met_jvalue index, met_jvalue *out);
bool met_run_slice(met_eval *ev, met_jvalue value, const met_jvalue bounds[3], met_jvalue *out);
bool met_run_call(met_eval *ev, met_jvalue callee, const met_jcall *call, met_jvalue *out);

/* a operator_ b; -a and +a */
bool met_run_math(met_eval *ev, met_joperator operator_, met_jvalue a, met_jvalue b,
                  met_jvalue *out);
bool met_run_sign(met_eval *ev, bool minus, met_jvalue value, met_jvalue *out);

/* ---------------------------------------------------------------- statements */

typedef enum met_jflow {
    MET_JFLOW_ON,
    MET_JFLOW_BREAK,
    MET_JFLOW_CONTINUE,
} met_jflow;

bool met_run_body(met_eval *ev, const met_jbody *body, met_jflow *flow);
bool met_run_macro(met_eval *ev, const met_jmacro *macro, const met_jcall *call, met_jvalue *out);

/* ---------------------------------------------------------------- text of values */

/* str(value), repr(value). */
bool met_write_str(met_jwriter *w, met_jvalue value);
bool met_write_repr(met_jwriter *w, met_jvalue value);
bool met_write_float(met_jwriter *w, double value);

typedef struct met_json_style {
    bool ascii;
    bool sorted;
    bool indents;   /* lines and `indent`, else all on one line */
    met_str indent; /* of one level */
    met_str item_separator;
    met_str key_separator;
} met_json_style;

/* json.dumps */
bool met_write_json(met_jwriter *w, met_jvalue value, const met_json_style *style);

/* "format" % arguments, and "format".format(...). */
bool met_format_percent(met_eval *ev, const met_jstring *format, met_jvalue arguments,
                        met_jvalue *out);
bool met_format_braces(met_eval *ev, const met_jstring *format, const met_jcall *call,
                       met_jvalue *out);

/* int(text, base), float(text): false in *valid where Python raises ValueError. */
bool met_number_parse_int(met_eval *ev, met_str text, int base, int64_t *out, bool *valid);
bool met_number_parse_float(met_eval *ev, met_str text, double *out, bool *valid);
/* int(real); not for one that is not a number. */
bool met_number_truncate(met_eval *ev, double real, int64_t *out);

/* A stable sort by keys; `keys` and `items` [count] move together. */
bool met_sort(met_eval *ev, met_jvalue *keys, met_jvalue *items, size_t count, bool reverse);

#endif
