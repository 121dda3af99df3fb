/* Owns: running statements: output, assignment, if, for, macros, blocks.
 * The invariant: whatever a body changes of the evaluation (scope, writer) is put back when it is
 * left, by break and continue too; after a failure nothing more is run. */
#include "template/run.h"

static bool run_print(met_eval *ev, const met_jstatement *statement)
{
    met_jvalue value;
    if (statement->expr != NULL) {
        return met_run_expression(ev, statement->expr, &value) && met_write_str(ev->out, value);
    }
    for (size_t i = 0; i < statement->count; i++) {
        if (!met_run_expression(ev, statement->values[i], &value) ||
            !met_write_str(ev->out, value)) {
            return false;
        }
    }
    return true;
}

/* A body as text, in a scope of its own. */
static bool capture(met_eval *ev, const met_jbody *body, met_jscope *scope, met_jvalue *out,
                    met_jflow *flow)
{
    met_jwriter w = met_jwriter_start(ev);
    met_jwriter *outer_writer = ev->out;
    met_jscope *outer_scope = ev->scope;
    if (scope == NULL) return false;
    ev->out = &w;
    ev->scope = scope;
    bool done = met_run_body(ev, body, flow);
    ev->out = outer_writer;
    ev->scope = outer_scope;
    return done && met_jwriter_finish(&w, out);
}

static bool run_set_block(met_eval *ev, const met_jstatement *statement, met_jflow *flow)
{
    met_jvalue text;
    met_jscope *scope = met_scope_make(ev, ev->scope, &statement->hidden);
    if (!capture(ev, &statement->body, scope, &text, flow)) return false;
    if (*flow != MET_JFLOW_ON) return true; /* left before the assignment */
    met_jscope *outer = ev->scope;
    ev->scope = scope;
    bool done = met_run_filters(ev, statement->expr, text, &text);
    ev->scope = outer;
    return done && met_scope_assign(ev, statement->target, text);
}

static bool run_filter_block(met_eval *ev, const met_jstatement *statement, met_jflow *flow)
{
    met_jvalue text;
    met_jscope *scope = met_scope_make(ev, ev->scope, &statement->hidden);
    if (!capture(ev, &statement->body, scope, &text, flow)) return false;
    if (*flow != MET_JFLOW_ON) return true;
    met_jscope *outer = ev->scope;
    ev->scope = scope;
    bool done = met_run_filters(ev, statement->expr, text, &text);
    ev->scope = outer;
    if (done && text.kind != MET_J_STRING) {
        return met_eval_fail(ev, "the filters of a block give %s, expected str",
                             met_j_type_name(text));
    }
    return done && met_write_str(ev->out, text);
}

static bool run_if(met_eval *ev, const met_jstatement *statement, met_jflow *flow)
{
    for (size_t i = 0; i < statement->branch_count; i++) {
        const met_jbranch *branch = &statement->branches[i];
        met_jvalue test = met_j_bool(true);
        if (branch->test != NULL && !met_run_expression(ev, branch->test, &test)) return false;
        if (met_j_truth(test)) return met_run_body(ev, &branch->body, flow);
    }
    return true;
}

/* ---------------------------------------------------------------- for */

/* for x in y if test: what the filter needs to ask. */
typedef struct for_filter {
    const met_jstatement *statement;
    met_jscope *scope; /* of the target while testing */
} for_filter;

static met_jstep next_filtered(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    for_filter *filter = it->state;
    for (;;) {
        met_jvalue test;
        met_jstep step = met_iter_next(ev, it->source, out);
        if (step != MET_JSTEP_ITEM) return step;
        met_jscope *outer = ev->scope;
        ev->scope = filter->scope;
        bool done = met_scope_assign(ev, filter->statement->target, *out) &&
                    met_run_expression(ev, filter->statement->test, &test);
        ev->scope = outer;
        if (!done) return MET_JSTEP_FAILED;
        if (met_j_truth(test)) return MET_JSTEP_ITEM;
    }
}

/* The iterator of the loop, with its test if it has one. */
static bool open_loop(met_eval *ev, const met_jstatement *statement, met_jloop *loop)
{
    static const met_jhidden nothing = {NULL, 0};
    met_jvalue over;
    if (!met_run_expression(ev, statement->expr, &over)) return false;
    ev->line = statement->line;
    loop->index0 = -1;
    loop->length = -1;
    if (!met_iter_open(ev, over, &loop->it)) return false;
    if (statement->test == NULL) {
        loop->length = over.kind == MET_J_ITERATOR ? -1 : met_j_length(over);
        return true;
    }
    met_jvalue made;
    met_jiter *filtered = met_iter_make(ev, "for ... if", next_filtered, &made);
    for_filter *filter = met_eval_alloc(ev, sizeof *filter);
    if (filtered == NULL || filter == NULL) return false;
    filter->statement = statement;
    filter->scope = met_scope_make(ev, ev->scope, &nothing);
    filtered->source = loop->it;
    filtered->state = filter;
    loop->it = filtered;
    return filter->scope != NULL;
}

/* All passes over the body. *finished: one of them came to its end, so `else` is not run. */
static bool run_passes(met_eval *ev, const met_jstatement *statement, met_jloop *loop,
                       bool *finished)
{
    met_jvalue item;
    met_jstep step = MET_JSTEP_END;
    met_jscope *scope = ev->scope;
    while ((step = met_loop_next(ev, loop, &item)) == MET_JSTEP_ITEM) {
        met_jflow flow = MET_JFLOW_ON;
        met_jvalue self = {.kind = MET_J_LOOP, .as = {.loop = loop}};
        /* What a pass sets is gone in the next. */
        if (!met_scope_reset(ev, scope, &statement->hidden) ||
            !met_scope_set(ev, scope, statement->loop_name, self) ||
            !met_scope_assign(ev, statement->target, item) ||
            !met_run_body(ev, &statement->body, &flow)) {
            return false;
        }
        if (flow == MET_JFLOW_BREAK) return true;
        if (flow == MET_JFLOW_ON) *finished = true;
    }
    return step != MET_JSTEP_FAILED;
}

static bool run_for(met_eval *ev, const met_jstatement *statement, met_jflow *flow)
{
    met_jloop *loop = met_eval_alloc(ev, sizeof *loop);
    met_jscope *outer = ev->scope;
    bool finished = false;
    if (loop == NULL || !open_loop(ev, statement, loop)) return false;
    ev->scope = met_scope_make(ev, outer, &statement->hidden);
    bool done = ev->scope != NULL && run_passes(ev, statement, loop, &finished);
    ev->scope = outer;
    if (!done || finished || statement->otherwise.count == 0) return done;
    ev->scope = met_scope_make(ev, outer, &statement->hidden_otherwise);
    done = ev->scope != NULL && met_run_body(ev, &statement->otherwise, flow);
    ev->scope = outer;
    return done;
}

/* ---------------------------------------------------------------- macros */

static const met_jnamed *find_named(const met_jcall *call, const met_jstring *name)
{
    met_str wanted = {name->data, name->bytes};
    for (size_t i = 0; i < call->named_count; i++) {
        met_str known = {call->named[i].name->data, call->named[i].name->bytes};
        if (met_str_equal(known, wanted)) return &call->named[i];
    }
    return NULL;
}

static bool is_parameter_left(const met_jmacro_node *node, size_t positional, met_str name)
{
    for (size_t i = positional; i < node->count; i++) {
        met_str known = {node->parameters[i].text->data, node->parameters[i].text->bytes};
        if (met_str_equal(known, name)) return true;
    }
    return false;
}

/* Named arguments that no parameter takes: `kwargs`, `caller`, or an error. */
static bool bind_named_rest(met_eval *ev, const met_jmacro_node *node, const met_jcall *call)
{
    met_jdict *rest = met_eval_alloc(ev, sizeof *rest);
    met_jvalue caller = met_j_undefined("No caller defined");
    if (rest == NULL) return false;
    for (size_t i = 0; i < call->named_count; i++) {
        met_str name = {call->named[i].name->data, call->named[i].name->bytes};
        if (is_parameter_left(node, call->positional_count, name)) continue;
        if (node->takes_caller && met_str_is(name, "caller")) {
            caller = call->named[i].value;
            continue;
        }
        if (!node->takes_kwargs) {
            return met_eval_fail(ev, "macro '%.*s' takes no argument named '%.*s'",
                                 (int)node->text->bytes, node->text->data, met_str_shown(name),
                                 name.data);
        }
        met_jvalue key = met_j_string(call->named[i].name);
        if (!met_jdict_set(ev, rest, key, call->named[i].value)) return false;
    }
    met_jvalue all = {.kind = MET_J_DICT, .as = {.dict = rest}};
    return (!node->takes_caller || met_scope_set(ev, ev->scope, node->caller_name, caller)) &&
           (!node->takes_kwargs || met_scope_set(ev, ev->scope, node->kwargs_name, all));
}

static bool bind_positional_rest(met_eval *ev, const met_jmacro_node *node, const met_jcall *call)
{
    size_t taken = call->positional_count < node->count ? call->positional_count : node->count;
    size_t more = call->positional_count - taken;
    met_jvalue rest;
    if (!node->takes_varargs) {
        return more == 0 || met_eval_fail(ev, "macro '%.*s' takes at most %zu arguments, found %zu",
                                          (int)node->text->bytes, node->text->data, node->count,
                                          call->positional_count);
    }
    met_jvalue *items = met_j_list_make(ev, MET_J_TUPLE, more, &rest);
    if (items == NULL) return false;
    if (more > 0) memcpy(items, call->positional + taken, more * sizeof *items);
    return met_scope_set(ev, ev->scope, node->varargs_name, rest);
}

/* Parameters in the macro's scope, which is the innermost; defaults see those before them. */
static bool bind_parameters(met_eval *ev, const met_jmacro_node *node, const met_jcall *call)
{
    if (!met_eval_charge_bytes(ev, (node->count + 1) * call->named_count * sizeof *call->named)) {
        return false;
    }
    if (!bind_named_rest(ev, node, call) || !bind_positional_rest(ev, node, call)) return false;
    for (size_t i = 0; i < node->count; i++) {
        const met_jparameter *parameter = &node->parameters[i];
        const met_jnamed *named = find_named(call, parameter->text);
        met_str text = {parameter->text->data, parameter->text->bytes};
        met_jvalue value;
        if (i < call->positional_count) {
            value = call->positional[i];
        } else if (named != NULL) {
            value = named->value;
        } else if (parameter->default_ != NULL) {
            if (!met_run_expression(ev, parameter->default_, &value)) return false;
        } else {
            const char *why = met_eval_message(ev, "parameter '%.*s' was not provided",
                                               met_str_shown(text), text.data);
            if (why == NULL) return false;
            value = met_j_undefined(why);
        }
        if (!met_scope_set(ev, ev->scope, parameter->name, value)) return false;
    }
    return true;
}

bool met_run_macro(met_eval *ev, const met_jmacro *macro, const met_jcall *call, met_jvalue *out)
{
    met_jflow flow = MET_JFLOW_ON;
    met_jscope *outer = ev->scope;
    met_jscope *scope = met_scope_make(ev, macro->scope, &macro->node->hidden);
    if (scope == NULL) return false;
    ev->scope = scope;
    bool bound = bind_parameters(ev, macro->node, call);
    ev->scope = outer;
    return bound && capture(ev, &macro->node->body, scope, out, &flow);
}

static bool run_macro_definition(met_eval *ev, const met_jstatement *statement)
{
    met_jmacro *macro = met_eval_alloc(ev, sizeof *macro);
    if (macro == NULL) return false;
    macro->node = statement->macro;
    macro->scope = ev->scope;
    met_jvalue value = {.kind = MET_J_MACRO, .as = {.macro = macro}};
    return met_scope_set(ev, ev->scope, statement->macro->name, value);
}

/* ---------------------------------------------------------------- bodies */

static bool run_scope(met_eval *ev, const met_jstatement *statement, met_jflow *flow)
{
    met_jscope *outer = ev->scope;
    met_jscope *scope = met_scope_make(ev, outer, &statement->hidden);
    if (scope == NULL) return false;
    for (size_t i = 0; i < statement->count; i++) {
        met_jvalue value;
        if (!met_run_expression(ev, statement->values[i], &value)) return false;
        ev->scope = scope;
        bool assigned = met_scope_assign(ev, statement->targets[i], value);
        ev->scope = outer;
        if (!assigned) return false;
    }
    ev->scope = scope;
    bool done = met_run_body(ev, &statement->body, flow);
    ev->scope = outer;
    return done;
}

static bool run_statement(met_eval *ev, const met_jstatement *statement, met_jflow *flow)
{
    met_jvalue value;
    switch (statement->kind) {
    case MET_JSTATEMENT_DATA: return met_jwriter_add_string(ev->out, statement->data);
    case MET_JSTATEMENT_PRINT: return run_print(ev, statement);
    case MET_JSTATEMENT_SET:
        return met_run_expression(ev, statement->expr, &value) &&
               met_scope_assign(ev, statement->target, value);
    case MET_JSTATEMENT_SET_BLOCK: return run_set_block(ev, statement, flow);
    case MET_JSTATEMENT_IF: return run_if(ev, statement, flow);
    case MET_JSTATEMENT_FOR: return run_for(ev, statement, flow);
    case MET_JSTATEMENT_MACRO: return run_macro_definition(ev, statement);
    case MET_JSTATEMENT_FILTER: return run_filter_block(ev, statement, flow);
    case MET_JSTATEMENT_WITH:
    case MET_JSTATEMENT_SCOPE: return run_scope(ev, statement, flow);
    case MET_JSTATEMENT_BREAK: *flow = MET_JFLOW_BREAK; return true;
    case MET_JSTATEMENT_CONTINUE: *flow = MET_JFLOW_CONTINUE; return true;
    }
    return true;
}

bool met_run_body(met_eval *ev, const met_jbody *body, met_jflow *flow)
{
    bool done = true;
    if (!met_eval_enter(ev)) return false;
    for (size_t i = 0; done && *flow == MET_JFLOW_ON && i < body->count; i++) {
        ev->line = body->statements[i]->line;
        done = met_eval_step(ev) && run_statement(ev, body->statements[i], flow);
    }
    met_eval_leave(ev);
    return done;
}
