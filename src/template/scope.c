/* Owns: names and what they stand for, scope within scope, and assignment.
 * The invariant: reading a name looks outwards; setting one always sets the innermost scope. */
#include "template/run.h"

/* A search counts as work, so that a template with very many names has its bound, too. */
static met_jvalue *find_binding(met_eval *ev, met_jscope *scope, uint32_t name)
{
    ev->steps += scope->count / 8;
    for (size_t i = 0; i < scope->count; i++) {
        if (scope->bindings[i].name == name) return &scope->bindings[i].value;
    }
    return NULL;
}

bool met_scope_set(met_eval *ev, met_jscope *scope, uint32_t name, met_jvalue value)
{
    met_jvalue *bound = find_binding(ev, scope, name);
    if (bound != NULL) {
        *bound = value;
        return true;
    }
    if (scope->count == scope->capacity) {
        size_t capacity = scope->capacity == 0 ? 4 : 2 * scope->capacity;
        met_jbinding *bindings = met_eval_array(ev, capacity, sizeof *bindings);
        if (bindings == NULL) return false;
        if (scope->count > 0) {
            memcpy(bindings, scope->bindings, scope->count * sizeof *bindings);
        }
        scope->bindings = bindings;
        scope->capacity = capacity;
    }
    scope->bindings[scope->count++] = (met_jbinding){name, value};
    return true;
}

bool met_scope_reset(met_eval *ev, met_jscope *scope, const met_jhidden *hidden)
{
    const met_jvalue absent = {.kind = MET_J_ABSENT};
    scope->count = 0;
    for (size_t i = 0; i < hidden->count; i++) {
        if (!met_scope_set(ev, scope, hidden->names[i], absent)) return false;
    }
    return true;
}

met_jscope *met_scope_make(met_eval *ev, met_jscope *parent, const met_jhidden *hidden)
{
    met_jscope *scope = met_eval_alloc(ev, sizeof *scope);
    if (scope == NULL) return NULL;
    scope->parent = parent;
    return met_scope_reset(ev, scope, hidden) ? scope : NULL;
}

static bool undefined_name(met_eval *ev, uint32_t name, met_jvalue *out)
{
    const met_jstring *text = ev->template_->names[name];
    met_str view = {text->data, text->bytes};
    const char *why = met_eval_message(ev, "'%.*s' is undefined", met_str_shown(view), view.data);
    *out = met_j_undefined(why);
    return why != NULL;
}

bool met_scope_get(met_eval *ev, uint32_t name, met_jvalue *out)
{
    for (met_jscope *scope = ev->scope; scope != NULL; scope = scope->parent) {
        met_jvalue *bound = find_binding(ev, scope, name);
        if (bound == NULL) continue;
        *out = *bound;
        return bound->kind != MET_J_ABSENT || undefined_name(ev, name, out);
    }
    *out = ev->globals[name];
    return out->kind != MET_J_ABSENT || undefined_name(ev, name, out);
}

static bool assign_attribute(met_eval *ev, const met_jtarget *target, met_jvalue value)
{
    met_jvalue owner;
    if (!met_scope_get(ev, target->name, &owner)) return false;
    if (owner.kind != MET_J_NAMESPACE) {
        return met_eval_fail(ev, "cannot assign to an attribute of %s, expected a namespace",
                             met_j_type_name(owner));
    }
    return met_jdict_set(ev, &owner.as.namespace_->attributes, met_j_string(target->attribute),
                         value);
}

bool met_scope_assign(met_eval *ev, const met_jtarget *target, met_jvalue value)
{
    if (target->attribute != NULL) return assign_attribute(ev, target, value);
    if (target->items == NULL) return met_scope_set(ev, ev->scope, target->name, value);
    met_jiter *it = NULL;
    met_jvalue item;
    if (!met_iter_open(ev, value, &it)) return false;
    for (size_t i = 0; i < target->count; i++) {
        met_jstep step = met_iter_next(ev, it, &item);
        if (step == MET_JSTEP_FAILED) return false;
        if (step == MET_JSTEP_END) {
            return met_eval_fail(ev, "not enough values to assign: found %zu, expected %zu", i,
                                 target->count);
        }
        if (!met_scope_assign(ev, target->items[i], item)) return false;
    }
    met_jstep step = met_iter_next(ev, it, &item);
    if (step == MET_JSTEP_FAILED) return false;
    return step == MET_JSTEP_END ||
           met_eval_fail(ev, "too many values to assign, expected %zu", target->count);
}
