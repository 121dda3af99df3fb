/* Owns: the grammar of statements, and what both halves of the parser share: names, memory, the
 * bound on nesting. The invariant: `token` never passes the END token. */
#include "template/parser.h"

#include "base/error.h"
#include "template/template.h"

#include <stdarg.h>
#include <stdio.h>

/* ---------------------------------------------------------------- shared */

static bool fail_at(met_parser *p, uint32_t line, const char *text)
{
    if (p->status == MET_OK) {
        p->status = met_fail(p->err, MET_E_TEMPLATE, "template line %u: %s", line, text);
    }
    return false;
}

bool met_parser_fail(met_parser *p, const char *format, ...)
{
    char text[MET_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail_at(p, p->token->line, text);
}

bool met_parser_expected(met_parser *p, const char *what)
{
    met_str found = p->token->text;
    if (p->token->kind == MET_JTOKEN_END) {
        return met_parser_fail(p, "the template ends, expected %s", what);
    }
    if (p->token->kind == MET_JTOKEN_DATA) {
        return met_parser_fail(p, "text, expected %s", what);
    }
    return met_parser_fail(p, "'%.*s', expected %s", met_str_shown(found), found.data, what);
}

void *met_parser_alloc(met_parser *p, size_t bytes)
{
    void *made = met_arena_alloc(p->arena, bytes);
    if (made == NULL && p->status == MET_OK) {
        p->status = met_fail_memory(p->err, "parsed template", bytes);
    }
    return made;
}

void *met_parser_grow(met_parser *p, void *items, size_t count, size_t element_bytes)
{
    void *grown = met_lexer_grow(p->arena, items, count, element_bytes);
    if (grown == NULL && p->status == MET_OK) {
        p->status = met_fail_memory(p->err, "parsed template", 2 * count * element_bytes);
    }
    return grown;
}

bool met_parser_enter(met_parser *p)
{
    if (p->depth >= MET_TEMPLATE_DEPTH_MAX) {
        return met_parser_fail(p, "constructs are nested deeper than %d", MET_TEMPLATE_DEPTH_MAX);
    }
    p->depth++;
    return true;
}

void met_parser_leave(met_parser *p)
{
    p->depth--;
}

bool met_parser_at_operator(const met_parser *p, const char *text)
{
    return p->token->kind == MET_JTOKEN_OPERATOR && met_str_is(p->token->text, text);
}

bool met_parser_at_name(const met_parser *p, const char *text)
{
    return p->token->kind == MET_JTOKEN_NAME && met_str_is(p->token->text, text);
}

bool met_parser_skip_operator(met_parser *p, const char *text)
{
    bool found = met_parser_at_operator(p, text);
    if (found) p->token++;
    return found;
}

bool met_parser_skip_name(met_parser *p, const char *text)
{
    bool found = met_parser_at_name(p, text);
    if (found) p->token++;
    return found;
}

bool met_parser_expect_operator(met_parser *p, const char *text)
{
    char what[8];
    if (met_parser_skip_operator(p, text)) return true;
    (void)snprintf(what, sizeof what, "'%s'", text);
    return met_parser_expected(p, what);
}

static size_t name_slot(const met_parser *p, met_str name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < name.bytes; i++) {
        hash = (hash ^ (unsigned char)name.data[i]) * 0x100000001b3u;
    }
    size_t at = (size_t)(hash ^ hash >> 32) & (p->slot_count - 1);
    for (; p->name_slots[at] != 0; at = (at + 1) & (p->slot_count - 1)) {
        const met_jstring *known = p->names[p->name_slots[at] - 1];
        if (met_str_equal((met_str){known->data, known->bytes}, name)) break;
    }
    return at;
}

static bool grow_slots(met_parser *p)
{
    if (2 * (p->name_count + 1) <= p->slot_count) return true;
    size_t slot_count = p->slot_count == 0 ? 64 : 2 * p->slot_count;
    p->name_slots = met_parser_alloc(p, slot_count * sizeof *p->name_slots);
    if (p->name_slots == NULL) return false;
    p->slot_count = slot_count;
    for (size_t id = 0; id < p->name_count; id++) {
        met_str name = {p->names[id]->data, p->names[id]->bytes};
        p->name_slots[name_slot(p, name)] = (uint32_t)id + 1;
    }
    return true;
}

bool met_parser_intern(met_parser *p, const met_jstring *name, uint32_t *id)
{
    if (!grow_slots(p)) return false;
    size_t slot = name_slot(p, (met_str){name->data, name->bytes});
    if (p->name_slots[slot] == 0) {
        const met_jstring **grown =
            met_parser_grow(p, p->names, p->name_count, sizeof(met_jstring *));
        if (grown == NULL) return false;
        p->names = grown;
        p->names[p->name_count++] = name;
        p->name_slots[slot] = (uint32_t)p->name_count;
    }
    *id = p->name_slots[slot] - 1;
    return true;
}

/* ---------------------------------------------------------------- targets */

static bool is_constant_name(met_str name)
{
    return met_str_is(name, "true") || met_str_is(name, "True") || met_str_is(name, "false") ||
           met_str_is(name, "False") || met_str_is(name, "none") || met_str_is(name, "None");
}

static bool at_target_end(const met_parser *p, const char *end)
{
    return p->token->kind == MET_JTOKEN_BLOCK_END || met_parser_at_operator(p, ")") ||
           met_parser_at_operator(p, "=") || (end != NULL && met_parser_at_name(p, end));
}

static bool parse_name_to_set(met_parser *p, met_jtarget *target)
{
    if (p->token->kind != MET_JTOKEN_NAME) return met_parser_expected(p, "a name to assign to");
    if (is_constant_name(p->token->text)) {
        return met_parser_fail(p, "cannot assign to '%.*s'", met_str_shown(p->token->text),
                               p->token->text.data);
    }
    if (p->for_depth > 0 && met_parser_at_name(p, "loop")) {
        return met_parser_fail(p, "cannot assign to 'loop' inside a for loop");
    }
    target->line = p->token->line;
    if (!met_parser_intern(p, p->token->string, &target->name)) return false;
    p->token++;
    return true;
}

static met_jtarget *parse_targets(met_parser *p, const char *end);

static met_jtarget *parse_target(met_parser *p)
{
    if (met_parser_skip_operator(p, "(")) {
        if (!met_parser_enter(p)) return NULL;
        met_jtarget *inner = parse_targets(p, NULL);
        met_parser_leave(p);
        if (inner == NULL || !met_parser_expect_operator(p, ")")) return NULL;
        return inner;
    }
    met_jtarget *target = met_parser_alloc(p, sizeof *target);
    return target != NULL && parse_name_to_set(p, target) ? target : NULL;
}

/* a, b: a tuple when there is a comma. Ends before the name `end`. */
static met_jtarget *parse_targets(met_parser *p, const char *end)
{
    met_jtarget *first = parse_target(p);
    if (first == NULL || !met_parser_at_operator(p, ",")) return first;
    met_jtarget *tuple = met_parser_alloc(p, sizeof *tuple);
    if (tuple == NULL) return NULL;
    tuple->line = first->line;
    met_jtarget *next = first;
    while (next != NULL) {
        met_jtarget **grown = met_parser_grow(p, tuple->items, tuple->count, sizeof(met_jtarget *));
        if (grown == NULL) return NULL;
        tuple->items = grown;
        tuple->items[tuple->count++] = next;
        if (!met_parser_skip_operator(p, ",") || at_target_end(p, end)) return tuple;
        next = parse_target(p);
    }
    return NULL;
}

/* Also namespace.attribute. */
static met_jtarget *parse_set_target(met_parser *p)
{
    bool dotted = p->token->kind == MET_JTOKEN_NAME && p->token[1].kind == MET_JTOKEN_OPERATOR &&
                  met_str_is(p->token[1].text, ".");
    if (!dotted) return parse_targets(p, NULL);
    met_jtarget *target = met_parser_alloc(p, sizeof *target);
    if (target == NULL || !met_parser_intern(p, p->token->string, &target->name)) return NULL;
    target->line = p->token->line;
    p->token += 2;
    if (p->token->kind != MET_JTOKEN_NAME) {
        (void)met_parser_expected(p, "the name of an attribute");
        return NULL;
    }
    target->attribute = p->token->string;
    p->token++;
    return target;
}

/* ---------------------------------------------------------------- statements */

/* The names that end a body, in one string: "elif else endif". */
static bool at_end_name(const met_parser *p, const char *ends)
{
    met_str found = p->token->text;
    for (const char *word = ends; *word != '\0'; word += *word == ' ') {
        size_t length = strcspn(word, " ");
        if (found.bytes == length && memcmp(found.data, word, length) == 0) return true;
        word += length;
    }
    return false;
}

static met_jstatement *parse_statement(met_parser *p);

static bool add_statement(met_parser *p, met_jbody *body, met_jstatement *statement)
{
    if (statement == NULL) return false;
    met_jstatement **grown =
        met_parser_grow(p, body->statements, body->count, sizeof(met_jstatement *));
    if (grown == NULL) return false;
    body->statements = grown;
    body->statements[body->count++] = statement;
    return true;
}

static met_jstatement *make(met_parser *p, met_jstatement_kind kind, uint32_t line)
{
    met_jstatement *statement = met_parser_alloc(p, sizeof *statement);
    if (statement != NULL) {
        statement->kind = kind;
        statement->line = line;
    }
    return statement;
}

static bool expect_block_end(met_parser *p)
{
    if (p->token->kind != MET_JTOKEN_BLOCK_END) return met_parser_expected(p, "'%}'");
    p->token++;
    return true;
}

static met_jstatement *parse_output(met_parser *p)
{
    met_jstatement *print = make(p, MET_JSTATEMENT_PRINT, p->token->line);
    p->token++;
    if (print == NULL) return NULL;
    print->expr = met_parser_tuple(p, true, NULL);
    if (print->expr == NULL) return NULL;
    if (p->token->kind != MET_JTOKEN_PRINT_END) {
        (void)met_parser_expected(p, "'}}'");
        return NULL;
    }
    p->token++;
    return print;
}

/* Statements up to a tag named in `ends`, whose name is then the current token; NULL: all. */
static bool parse_statements(met_parser *p, const char *ends, met_jbody *body)
{
    uint32_t line = p->token->line;
    for (;;) {
        met_jstatement *next = NULL;
        if (p->token->kind == MET_JTOKEN_END) {
            if (ends == NULL) return true;
            char text[128];
            (void)snprintf(text, sizeof text, "the template ends without %s",
                           strrchr(ends, ' ') == NULL ? ends : strrchr(ends, ' ') + 1);
            return fail_at(p, line, text);
        }
        if (p->token->kind == MET_JTOKEN_DATA) {
            next = make(p, MET_JSTATEMENT_DATA, p->token->line);
            if (next != NULL) next->data = p->token->string;
            p->token++;
        } else if (p->token->kind == MET_JTOKEN_PRINT_BEGIN) {
            next = parse_output(p);
        } else {
            p->token++;
            if (ends != NULL && p->token->kind == MET_JTOKEN_NAME && at_end_name(p, ends)) {
                return true;
            }
            next = parse_statement(p);
            if (next != NULL && !expect_block_end(p)) return false;
        }
        if (!add_statement(p, body, next)) return false;
    }
}

/* The rest of a tag, and what it encloses. */
static bool parse_body(met_parser *p, const char *ends, met_jbody *body)
{
    (void)met_parser_skip_operator(p, ":");
    if (!expect_block_end(p) || !met_parser_enter(p)) return false;
    bool parsed = parse_statements(p, ends, body);
    met_parser_leave(p);
    return parsed;
}

/* The same for a body that is a scope of its own, in which unknown filters are not forgiven and,
 * unless `loops`, no loop around can be left. Its end is consumed. */
static bool parse_scope(met_parser *p, const char *end, bool loops, met_jbody *body)
{
    bool forgives = p->forgives_unknown;
    int loop_depth = p->loop_depth;
    p->forgives_unknown = false;
    if (!loops) p->loop_depth = 0;
    bool parsed = parse_body(p, end, body);
    p->forgives_unknown = forgives;
    p->loop_depth = loop_depth;
    if (parsed) p->token++;
    return parsed;
}

static bool parse_if(met_parser *p, met_jstatement *statement)
{
    bool forgives = p->forgives_unknown;
    p->forgives_unknown = true;
    bool has_test = true;
    bool parsed = false;
    do {
        met_jbranch *grown = met_parser_grow(p, statement->branches, statement->branch_count,
                                             sizeof *statement->branches);
        if (grown == NULL) break;
        statement->branches = grown;
        met_jbranch *branch = &statement->branches[statement->branch_count++];
        branch->line = p->token->line;
        if (has_test) {
            branch->test = met_parser_tuple(p, false, NULL);
            if (branch->test == NULL) break;
        }
        if (!parse_body(p, has_test ? "elif else endif" : "endif", &branch->body)) break;
        parsed = met_parser_at_name(p, "endif");
        has_test = met_parser_at_name(p, "elif");
        p->token++;
    } while (!parsed);
    p->forgives_unknown = forgives;
    return parsed;
}

static bool parse_for(met_parser *p, met_jstatement *statement)
{
    static const met_jstring loop = {.data = "loop", .bytes = 4, .chars = 4};
    bool forgives = p->forgives_unknown;
    if (!met_parser_intern(p, &loop, &statement->loop_name)) return false;
    p->for_depth++;
    statement->target = parse_targets(p, "in");
    if (statement->target == NULL) return false;
    if (!met_parser_skip_name(p, "in")) return met_parser_expected(p, "'in'");
    statement->expr = met_parser_tuple(p, false, "recursive");
    if (statement->expr == NULL) return false;
    p->forgives_unknown = false;
    if (met_parser_skip_name(p, "if")) {
        statement->test = met_parser_expression(p);
        if (statement->test == NULL) return false;
    }
    if (met_parser_at_name(p, "recursive")) {
        return met_parser_fail(p, "recursive for loops are not supported");
    }
    p->loop_depth++;
    if (!parse_body(p, "else endfor", &statement->body)) return false;
    p->loop_depth--;
    if (met_parser_skip_name(p, "else")) {
        if (!parse_body(p, "endfor", &statement->otherwise)) return false;
    }
    p->token++;
    p->for_depth--;
    p->forgives_unknown = forgives;
    return true;
}

static bool parse_set(met_parser *p, met_jstatement *statement)
{
    statement->target = parse_set_target(p);
    if (statement->target == NULL) return false;
    if (met_parser_skip_operator(p, "=")) {
        statement->expr = met_parser_tuple(p, true, NULL);
        return statement->expr != NULL;
    }
    bool forgives = p->forgives_unknown;
    statement->kind = MET_JSTATEMENT_SET_BLOCK;
    p->forgives_unknown = false;
    bool parsed = met_parser_filters(p, false, &statement->expr);
    p->forgives_unknown = forgives;
    return parsed && parse_scope(p, "endset", true, &statement->body);
}

static bool parse_parameter(met_parser *p, met_jmacro_node *macro)
{
    if (macro->count == MET_PARSER_PARAMETERS_MAX) {
        return met_parser_fail(p, "more than %d parameters", MET_PARSER_PARAMETERS_MAX);
    }
    met_jparameter *grown =
        met_parser_grow(p, macro->parameters, macro->count, sizeof *macro->parameters);
    if (grown == NULL) return false;
    macro->parameters = grown;
    met_jparameter *parameter = &macro->parameters[macro->count];
    *parameter = (met_jparameter){.text = p->token->string};
    met_jtarget name = {0};
    if (!parse_name_to_set(p, &name)) return false;
    parameter->name = name.name;
    for (size_t i = 0; i < macro->count; i++) {
        if (macro->parameters[i].name == parameter->name) {
            return met_parser_fail(p, "parameter '%.*s' appears twice", (int)parameter->text->bytes,
                                   parameter->text->data);
        }
    }
    bool needs_default = macro->count > 0 && macro->parameters[macro->count - 1].default_ != NULL;
    macro->count++;
    if (met_parser_skip_operator(p, "=")) {
        parameter->default_ = met_parser_expression(p);
        return parameter->default_ != NULL;
    }
    return !needs_default ||
           met_parser_fail(p, "a parameter without a default follows one that has one");
}

static bool parse_macro(met_parser *p, met_jstatement *statement)
{
    met_jmacro_node *macro = met_parser_alloc(p, sizeof *macro);
    if (macro == NULL) return false;
    statement->macro = macro;
    met_jtarget name = {0};
    macro->text = p->token->string;
    if (!parse_name_to_set(p, &name) || !met_parser_expect_operator(p, "(")) return false;
    macro->name = name.name;
    bool forgives = p->forgives_unknown;
    p->forgives_unknown = false;
    while (!met_parser_at_operator(p, ")")) {
        if (macro->count > 0 && !met_parser_expect_operator(p, ",")) return false;
        if (!parse_parameter(p, macro)) return false;
    }
    p->token++;
    macro->enclosing = p->macro;
    p->macro = macro;
    bool parsed = parse_scope(p, "endmacro", false, &macro->body);
    p->macro = macro->enclosing;
    p->forgives_unknown = forgives;
    for (size_t i = 0; i < macro->count; i++) { /* as parameters they are nothing special */
        met_str text = {macro->parameters[i].text->data, macro->parameters[i].text->bytes};
        if (met_str_is(text, "varargs")) macro->takes_varargs = false;
        if (met_str_is(text, "kwargs")) macro->takes_kwargs = false;
        if (met_str_is(text, "caller")) macro->takes_caller = false;
    }
    return parsed;
}

static bool parse_with(met_parser *p, met_jstatement *statement)
{
    while (p->token->kind != MET_JTOKEN_BLOCK_END) {
        if (statement->count > 0 && !met_parser_expect_operator(p, ",")) return false;
        met_jtarget **targets =
            met_parser_grow(p, statement->targets, statement->count, sizeof(met_jtarget *));
        met_jexpr **values =
            met_parser_grow(p, statement->values, statement->count, sizeof(met_jexpr *));
        if (targets == NULL || values == NULL) return false;
        statement->targets = targets;
        statement->values = values;
        targets[statement->count] = parse_targets(p, NULL);
        if (targets[statement->count] == NULL || !met_parser_expect_operator(p, "=")) return false;
        values[statement->count] = met_parser_expression(p);
        if (values[statement->count] == NULL) return false;
        statement->count++;
    }
    return parse_scope(p, "endwith", true, &statement->body);
}

/* {% print a, b %}: a tuple of expressions, printed one after the other. */
static bool parse_print(met_parser *p, met_jstatement *statement)
{
    while (p->token->kind != MET_JTOKEN_BLOCK_END) {
        if (statement->count > 0 && !met_parser_expect_operator(p, ",")) return false;
        met_jexpr **values =
            met_parser_grow(p, statement->values, statement->count, sizeof(met_jexpr *));
        if (values == NULL) return false;
        statement->values = values;
        values[statement->count] = met_parser_expression(p);
        if (values[statement->count] == NULL) return false;
        statement->count++;
    }
    return true;
}

static bool parse_filter_block(met_parser *p, met_jstatement *statement)
{
    bool forgives = p->forgives_unknown;
    p->forgives_unknown = false;
    bool parsed = met_parser_filters(p, true, &statement->expr);
    p->forgives_unknown = forgives;
    return parsed && parse_scope(p, "endfilter", true, &statement->body);
}

static bool parse_loop_control(met_parser *p, const char *name)
{
    return p->loop_depth > 0 || met_parser_fail(p, "'%s' outside of a for loop", name);
}

static bool refuse(met_parser *p, met_str name)
{
    static const char *const known[] = {"block", "extends", "include",    "import",
                                        "from",  "call",    "autoescape", "do"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (met_str_is(name, known[i])) {
            return met_parser_fail(p, "the tag '%s' is not supported", known[i]);
        }
    }
    return met_parser_fail(p, "the tag '%.*s' is not known here", met_str_shown(name), name.data);
}

typedef bool (*statement_parser)(met_parser *p, met_jstatement *statement);

/* One statement after '{%', up to its last '%}', which is left. */
static met_jstatement *parse_statement(met_parser *p)
{
    static const struct {
        const char *name;
        met_jstatement_kind kind;
        statement_parser parse;
    } tags[] = {
        {"if", MET_JSTATEMENT_IF, parse_if},
        {"for", MET_JSTATEMENT_FOR, parse_for},
        {"set", MET_JSTATEMENT_SET, parse_set},
        {"macro", MET_JSTATEMENT_MACRO, parse_macro},
        {"print", MET_JSTATEMENT_PRINT, parse_print},
        {"with", MET_JSTATEMENT_WITH, parse_with},
        {"filter", MET_JSTATEMENT_FILTER, parse_filter_block},
    };
    uint32_t line = p->token->line;
    met_str name = p->token->text;
    if (p->token->kind != MET_JTOKEN_NAME) {
        (void)met_parser_expected(p, "the name of a tag");
        return NULL;
    }
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        if (!met_str_is(name, tags[i].name)) continue;
        met_jstatement *statement = make(p, tags[i].kind, line);
        p->token++;
        return statement != NULL && tags[i].parse(p, statement) ? statement : NULL;
    }
    if (met_str_is(name, "break") || met_str_is(name, "continue")) {
        bool leaves = met_str_is(name, "break");
        if (!parse_loop_control(p, leaves ? "break" : "continue")) return NULL;
        p->token++;
        return make(p, leaves ? MET_JSTATEMENT_BREAK : MET_JSTATEMENT_CONTINUE, line);
    }
    if (met_str_is(name, "generation")) { /* marks what the assistant says; shows as it is */
        met_jstatement *statement = make(p, MET_JSTATEMENT_SCOPE, line);
        p->token++;
        bool parsed = statement != NULL && parse_scope(p, "endgeneration", false, &statement->body);
        return parsed ? statement : NULL;
    }
    (void)refuse(p, name);
    return NULL;
}

bool met_parser_template(met_parser *p, met_jbody *out)
{
    if (!parse_statements(p, NULL, out)) return false;
    if (p->unknown.name == NULL) return true;
    char text[160];
    met_str name = {p->unknown.name->data, p->unknown.name->bytes};
    (void)snprintf(text, sizeof text, "%s '%.*s' is not known",
                   p->unknown.filter ? "filter" : "test", met_str_shown(name), name.data);
    return fail_at(p, p->unknown.line, text);
}
