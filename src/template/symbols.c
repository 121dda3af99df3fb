/* Owns: what Jinja's compiler decides about names before a template runs. A name that a scope sets
 * before it reads it, and that no scope around it mentions, belongs to that scope from its first
 * line: read too early, from an inner scope, it is undefined, even when the caller gave a value
 * of that name. Setting in only some branches of an `if` leaves the outer value visible.
 *
 * The invariant: between scopes every name is unmarked. */
#include "template/symbols.h"

typedef enum mark {
    NONE,      /* not mentioned in this scope */
    LOOKED_UP, /* read first: found outside */
    COPIED,    /* set here; a scope around has it */
    HIDDEN,    /* set here; nobody around mentions it */
    PARAMETER,
} mark;

/* What is known of a name in the scope being looked at. */
typedef struct symbol {
    mark mark_;
    bool set;
    bool seen;        /* while a branch's outcomes are gathered */
    uint32_t setting; /* branches that set it, while they are merged */
    uint32_t outside; /* scopes around that mention it */
} symbol;

/* A name with its mark: before a change, or as a branch left it. */
typedef struct record {
    uint32_t name;
    mark mark_;
    bool set;
} record;

typedef struct records {
    record *items;
    size_t count;
    size_t capacity;
} records;

typedef struct analysis {
    met_parser *p;
    symbol *symbols;  /* [name_count] by id */
    records changes;  /* of this scope, to be taken back */
    records outcomes; /* of branches that are not merged yet */
} analysis;

static bool add_record(analysis *a, records *to, uint32_t name)
{
    if (to->count == to->capacity) {
        size_t capacity = to->capacity == 0 ? 64 : 2 * to->capacity;
        record *items = met_parser_alloc(a->p, capacity * sizeof *items);
        if (items == NULL) return false;
        if (to->count > 0) memcpy(items, to->items, to->count * sizeof *items);
        to->items = items;
        to->capacity = capacity;
    }
    const symbol *now = &a->symbols[name];
    to->items[to->count++] = (record){name, now->mark_, now->set};
    return true;
}

static bool change(analysis *a, uint32_t name, mark mark_, bool set)
{
    if (!add_record(a, &a->changes, name)) return false;
    a->symbols[name].mark_ = mark_;
    a->symbols[name].set = set;
    return true;
}

/* ---------------------------------------------------------------- names in expressions */

static bool load(analysis *a, uint32_t name)
{
    const symbol *now = &a->symbols[name];
    if (now->mark_ != NONE || now->outside > 0) return true;
    return change(a, name, LOOKED_UP, now->set);
}

static bool store(analysis *a, uint32_t name)
{
    const symbol *now = &a->symbols[name];
    mark mark_ = now->mark_ != NONE ? now->mark_ : now->outside > 0 ? COPIED : HIDDEN;
    return change(a, name, mark_, true);
}

static bool visit_expression(analysis *a, const met_jexpr *expr);

static bool visit_arguments(analysis *a, const met_jarguments *arguments)
{
    for (size_t i = 0; i < arguments->positional_count; i++) {
        if (!visit_expression(a, arguments->positional[i])) return false;
    }
    for (size_t i = 0; i < arguments->named_count; i++) {
        if (!visit_expression(a, arguments->named[i].value)) return false;
    }
    return visit_expression(a, arguments->star) && visit_expression(a, arguments->star_star);
}

/* NULL is nothing to visit. */
static bool visit_expression(analysis *a, const met_jexpr *expr)
{
    if (expr == NULL) return true;
    if (expr->kind == MET_JEXPR_NAME) return load(a, expr->name);
    if (!visit_expression(a, expr->operand)) return false;
    for (size_t i = 0; i < expr->count; i++) {
        if (!visit_expression(a, expr->items[i])) return false;
    }
    for (size_t i = 0; i < expr->suffix_count; i++) {
        const met_jsuffix *suffix = &expr->suffixes[i];
        if (!visit_expression(a, suffix->index) || !visit_expression(a, suffix->slice[0]) ||
            !visit_expression(a, suffix->slice[1]) || !visit_expression(a, suffix->slice[2]) ||
            !visit_arguments(a, &suffix->arguments)) {
            return false;
        }
    }
    return true;
}

static bool visit_target(analysis *a, const met_jtarget *target, bool parameter)
{
    if (target->attribute != NULL) return load(a, target->name);
    if (target->items == NULL) {
        return parameter ? change(a, target->name, PARAMETER, true) : store(a, target->name);
    }
    for (size_t i = 0; i < target->count; i++) {
        if (!visit_target(a, target->items[i], parameter)) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- branches */

static bool visit_body(analysis *a, const met_jbody *body);

/* Put down what changed since `begin` as the outcome of a branch, and take it back. */
static bool end_branch(analysis *a, size_t begin)
{
    size_t first = a->outcomes.count;
    for (size_t i = begin; i < a->changes.count; i++) {
        uint32_t name = a->changes.items[i].name;
        if (a->symbols[name].seen) continue;
        a->symbols[name].seen = true;
        if (!add_record(a, &a->outcomes, name)) return false;
    }
    for (size_t i = first; i < a->outcomes.count; i++) {
        a->symbols[a->outcomes.items[i].name].seen = false;
    }
    while (a->changes.count > begin) {
        const record *before = &a->changes.items[--a->changes.count];
        a->symbols[before->name].mark_ = before->mark_;
        a->symbols[before->name].set = before->set;
    }
    return true;
}

/* Take over the outcomes since `first`, of three branches: if, all elif, else. */
static bool merge_branches(analysis *a, size_t first)
{
    enum { BRANCHES = 3 };
    for (size_t i = first; i < a->outcomes.count; i++) {
        const record *made = &a->outcomes.items[i];
        symbol *now = &a->symbols[made->name];
        if (made->set && !now->set) now->setting++;
    }
    for (size_t i = first; i < a->outcomes.count; i++) {
        record made = a->outcomes.items[i];
        bool set = a->symbols[made.name].set || made.set;
        if (!change(a, made.name, made.mark_, set)) return false;
    }
    for (size_t i = first; i < a->outcomes.count; i++) {
        uint32_t name = a->outcomes.items[i].name;
        symbol *now = &a->symbols[name];
        uint32_t setting = now->setting;
        now->setting = 0;
        if (setting == 0 || setting == BRANCHES) continue;
        if (!change(a, name, now->outside > 0 ? COPIED : LOOKED_UP, now->set)) return false;
    }
    a->outcomes.count = first;
    return true;
}

/* One `if` or `elif` with its test and body alone: nothing else sets what it sets. */
static bool visit_single(analysis *a, const met_jbranch *branch)
{
    size_t first = a->outcomes.count;
    if (!visit_expression(a, branch->test)) return false;
    size_t begin = a->changes.count;
    return visit_body(a, &branch->body) && end_branch(a, begin) && merge_branches(a, first);
}

static bool visit_if(analysis *a, const met_jstatement *statement)
{
    const met_jbranch *branches = statement->branches;
    size_t count = statement->branch_count;
    bool has_else = branches[count - 1].test == NULL;
    size_t first = a->outcomes.count;
    if (!visit_expression(a, branches[0].test)) return false;
    size_t begin = a->changes.count;
    if (!visit_body(a, &branches[0].body) || !end_branch(a, begin)) return false;
    for (size_t i = 1; i + (has_else ? 1 : 0) < count; i++) {
        if (!visit_single(a, &branches[i])) return false;
    }
    if (!end_branch(a, begin)) return false;
    if (has_else && (!visit_body(a, &branches[count - 1].body) || !end_branch(a, begin))) {
        return false;
    }
    return merge_branches(a, first);
}

/* What a statement does to the names of the scope that it stands in; not what is inside a scope
 * of its own. */
static bool visit_statement(analysis *a, const met_jstatement *statement)
{
    switch (statement->kind) {
    case MET_JSTATEMENT_SET:
        return visit_expression(a, statement->expr) && visit_target(a, statement->target, false);
    case MET_JSTATEMENT_SET_BLOCK: return visit_target(a, statement->target, false);
    case MET_JSTATEMENT_IF: return visit_if(a, statement);
    case MET_JSTATEMENT_MACRO: return store(a, statement->macro->name);
    case MET_JSTATEMENT_FOR:
    case MET_JSTATEMENT_FILTER: return visit_expression(a, statement->expr);
    case MET_JSTATEMENT_PRINT:
    case MET_JSTATEMENT_WITH:
        if (!visit_expression(a, statement->expr)) return false;
        for (size_t i = 0; i < statement->count; i++) {
            if (!visit_expression(a, statement->values[i])) return false;
        }
        return true;
    case MET_JSTATEMENT_DATA:
    case MET_JSTATEMENT_SCOPE:
    case MET_JSTATEMENT_BREAK:
    case MET_JSTATEMENT_CONTINUE: return true;
    }
    return true;
}

static bool visit_body(analysis *a, const met_jbody *body)
{
    for (size_t i = 0; i < body->count; i++) {
        if (!visit_statement(a, body->statements[i])) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- scopes */

static bool visit_inner_scopes(analysis *a, const met_jbody *body);

/* The scope is `body` with what was changed since `begin` as its parameters. */
static bool finish_scope(analysis *a, size_t begin, const met_jbody *body, met_jhidden *hidden)
{
    uint32_t *mentioned = NULL;
    size_t count = 0;
    if (!visit_body(a, body)) return false;
    for (size_t i = begin; i < a->changes.count; i++) {
        uint32_t name = a->changes.items[i].name;
        symbol *now = &a->symbols[name];
        if (now->mark_ == NONE) continue; /* seen already */
        mentioned = met_parser_grow(a->p, mentioned, count, sizeof *mentioned);
        if (mentioned == NULL) return false;
        mentioned[count++] = name;
        if (now->mark_ == HIDDEN) {
            uint32_t *grown =
                met_parser_grow(a->p, hidden->names, hidden->count, sizeof *hidden->names);
            if (grown == NULL) return false;
            hidden->names = grown;
            hidden->names[hidden->count++] = name;
        }
        now->mark_ = NONE;
        now->set = false;
    }
    a->changes.count = begin;
    for (size_t i = 0; i < count; i++) {
        a->symbols[mentioned[i]].outside++;
    }
    bool done = visit_inner_scopes(a, body);
    for (size_t i = 0; i < count; i++) {
        a->symbols[mentioned[i]].outside--;
    }
    return done;
}

static bool visit_macro(analysis *a, met_jmacro_node *macro)
{
    size_t begin = a->changes.count;
    for (size_t i = 0; i < macro->count; i++) {
        if (!change(a, macro->parameters[i].name, PARAMETER, true)) return false;
    }
    if ((macro->takes_varargs && !change(a, macro->varargs_name, PARAMETER, true)) ||
        (macro->takes_kwargs && !change(a, macro->kwargs_name, PARAMETER, true)) ||
        (macro->takes_caller && !change(a, macro->caller_name, PARAMETER, true))) {
        return false;
    }
    for (size_t i = 0; i < macro->count; i++) {
        if (!visit_expression(a, macro->parameters[i].default_)) return false;
    }
    return finish_scope(a, begin, &macro->body, &macro->hidden);
}

static bool visit_for(analysis *a, met_jstatement *statement)
{
    size_t begin = a->changes.count;
    return change(a, statement->loop_name, PARAMETER, true) &&
           visit_target(a, statement->target, true) &&
           finish_scope(a, begin, &statement->body, &statement->hidden) &&
           finish_scope(a, begin, &statement->otherwise, &statement->hidden_otherwise);
}

static bool visit_scope(analysis *a, met_jstatement *statement)
{
    size_t begin = a->changes.count;
    for (size_t i = 0; statement->kind == MET_JSTATEMENT_WITH && i < statement->count; i++) {
        if (!visit_target(a, statement->targets[i], true)) return false;
    }
    return finish_scope(a, begin, &statement->body, &statement->hidden);
}

static bool visit_inner_scopes(analysis *a, const met_jbody *body)
{
    bool done = true;
    for (size_t i = 0; done && i < body->count; i++) {
        met_jstatement *statement = body->statements[i];
        switch (statement->kind) {
        case MET_JSTATEMENT_FOR: done = visit_for(a, statement); break;
        case MET_JSTATEMENT_MACRO: done = visit_macro(a, statement->macro); break;
        case MET_JSTATEMENT_SET_BLOCK:
        case MET_JSTATEMENT_FILTER:
        case MET_JSTATEMENT_WITH:
        case MET_JSTATEMENT_SCOPE: done = visit_scope(a, statement); break;
        case MET_JSTATEMENT_IF:
            for (size_t j = 0; done && j < statement->branch_count; j++) {
                done = visit_inner_scopes(a, &statement->branches[j].body);
            }
            break;
        case MET_JSTATEMENT_DATA:
        case MET_JSTATEMENT_PRINT:
        case MET_JSTATEMENT_SET:
        case MET_JSTATEMENT_BREAK:
        case MET_JSTATEMENT_CONTINUE: break;
        }
    }
    return done;
}

bool met_symbols_find_hidden(met_parser *p, const met_jbody *body, met_jhidden *hidden)
{
    analysis a = {.p = p};
    a.symbols = met_parser_alloc(p, p->name_count * sizeof *a.symbols);
    return a.symbols != NULL && finish_scope(&a, 0, body, hidden);
}
