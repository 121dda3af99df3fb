/* Owns: the grammar of expressions, precedence by precedence as Jinja has it: if-else, or, and,
 * not, comparison, + -, ~, * / // %, **, sign, and what follows a value. */
#include "template/parser.h"

#include "template/builtins.h"
#include "template/template.h"

static met_jexpr *make(met_parser *p, met_jexpr_kind kind, uint32_t line)
{
    met_jexpr *expr = met_parser_alloc(p, sizeof *expr);
    if (expr != NULL) {
        expr->kind = kind;
        expr->line = line;
    }
    return expr;
}

static met_jexpr *make_constant(met_parser *p, met_jvalue value)
{
    met_jexpr *expr = make(p, MET_JEXPR_CONSTANT, p->token->line);
    if (expr != NULL) expr->constant = value;
    return expr;
}

static bool add_item(met_parser *p, met_jexpr *to, met_jexpr *item)
{
    if (item == NULL) return false;
    met_jexpr **grown = met_parser_grow(p, to->items, to->count, sizeof *to->items);
    if (grown == NULL) return false;
    to->items = grown;
    to->items[to->count++] = item;
    return true;
}

/* Put `operator` between what the chain has and what comes next. */
static bool add_operator(met_parser *p, met_jexpr *chain, met_joperator operator_)
{
    size_t count = chain->count - 1;
    met_joperator *grown = met_parser_grow(p, chain->operators, count, sizeof *chain->operators);
    if (grown == NULL) return false;
    chain->operators = grown;
    chain->operators[count] = operator_;
    return true;
}

/* ---------------------------------------------------------------- values */

static met_jexpr *parse_strings(met_parser *p)
{
    const met_jstring *first = p->token->string;
    uint32_t line = p->token->line;
    size_t bytes = 0;
    const met_jtoken *end = p->token;
    for (; end->kind == MET_JTOKEN_STRING; end++) {
        bytes += end->string->bytes;
    }
    met_jexpr *expr = make(p, MET_JEXPR_CONSTANT, line);
    if (expr == NULL) return NULL;
    expr->constant = met_j_string(first);
    if (end > p->token + 1) { /* "a" "b" is one string */
        met_jstring *joined = met_parser_alloc(p, sizeof *joined);
        char *data = met_parser_alloc(p, bytes + 1);
        met_span *span = met_parser_alloc(p, sizeof *span);
        if (joined == NULL || data == NULL || span == NULL) return NULL;
        for (const met_jtoken *t = p->token; t < end; t++) {
            memcpy(data + joined->bytes, t->string->data, t->string->bytes);
            joined->bytes += t->string->bytes;
            joined->chars += t->string->chars;
        }
        *span = (met_span){0, bytes};
        joined->data = data;
        joined->trusted = span;
        joined->trusted_count = bytes > 0 ? 1 : 0;
        expr->constant = met_j_string(joined);
    }
    p->token = end;
    return expr;
}

/* Macros that enclose a use of these names take what the names hold. */
static void note_special_name(met_parser *p, met_str name, uint32_t id)
{
    for (met_jmacro_node *macro = p->macro; macro != NULL; macro = macro->enclosing) {
        if (met_str_is(name, "varargs")) {
            macro->takes_varargs = true;
            macro->varargs_name = id;
        } else if (met_str_is(name, "kwargs")) {
            macro->takes_kwargs = true;
            macro->kwargs_name = id;
        } else if (met_str_is(name, "caller")) {
            macro->takes_caller = true;
            macro->caller_name = id;
        }
    }
}

static met_jexpr *parse_name(met_parser *p)
{
    met_str text = p->token->text;
    met_jexpr *expr = NULL;
    if (met_str_is(text, "true") || met_str_is(text, "True")) {
        expr = make_constant(p, met_j_bool(true));
    } else if (met_str_is(text, "false") || met_str_is(text, "False")) {
        expr = make_constant(p, met_j_bool(false));
    } else if (met_str_is(text, "none") || met_str_is(text, "None")) {
        expr = make_constant(p, met_j_none());
    } else {
        expr = make(p, MET_JEXPR_NAME, p->token->line);
        if (expr == NULL || !met_parser_intern(p, p->token->string, &expr->name)) return NULL;
        note_special_name(p, text, expr->name);
    }
    p->token++;
    return expr;
}

/* Items up to `close`, which is consumed; a comma may follow the last. */
static met_jexpr *parse_list(met_parser *p)
{
    met_jexpr *list = make(p, MET_JEXPR_LIST, p->token->line);
    p->token++;
    while (list != NULL && !met_parser_at_operator(p, "]")) {
        if (list->count > 0 && !met_parser_expect_operator(p, ",")) return NULL;
        if (met_parser_at_operator(p, "]")) break;
        if (!add_item(p, list, met_parser_expression(p))) return NULL;
    }
    p->token++;
    return list;
}

static met_jexpr *parse_dict(met_parser *p)
{
    met_jexpr *dict = make(p, MET_JEXPR_DICT, p->token->line);
    p->token++;
    while (dict != NULL && !met_parser_at_operator(p, "}")) {
        if (dict->count > 0 && !met_parser_expect_operator(p, ",")) return NULL;
        if (met_parser_at_operator(p, "}")) break;
        if (!add_item(p, dict, met_parser_expression(p))) return NULL;
        if (!met_parser_expect_operator(p, ":")) return NULL;
        if (!add_item(p, dict, met_parser_expression(p))) return NULL;
    }
    p->token++;
    return dict;
}

static met_jexpr *parse_or(met_parser *p);

static bool at_tuple_end(const met_parser *p, const char *end)
{
    return p->token->kind == MET_JTOKEN_PRINT_END || p->token->kind == MET_JTOKEN_BLOCK_END ||
           met_parser_at_operator(p, ")") || (end != NULL && met_parser_at_name(p, end));
}

/* `brackets`: inside ( ), where nothing at all is the empty tuple. */
static met_jexpr *parse_tuple(met_parser *p, bool conditional, const char *end, bool brackets)
{
    met_jexpr *tuple = make(p, MET_JEXPR_TUPLE, p->token->line);
    bool commas = false;
    while (tuple != NULL) {
        if (at_tuple_end(p, end)) break;
        met_jexpr *item = conditional ? met_parser_expression(p) : parse_or(p);
        if (!add_item(p, tuple, item)) return NULL;
        if (!met_parser_skip_operator(p, ",")) break;
        commas = true;
    }
    if (tuple == NULL || commas) return tuple;
    if (tuple->count > 0) return tuple->items[0];
    if (!brackets) {
        (void)met_parser_expected(p, "an expression");
        return NULL;
    }
    return tuple;
}

met_jexpr *met_parser_tuple(met_parser *p, bool conditional, const char *end)
{
    return parse_tuple(p, conditional, end, false);
}

static met_jexpr *parse_primary(met_parser *p)
{
    met_jexpr *expr = NULL;
    switch (p->token->kind) {
    case MET_JTOKEN_NAME: return parse_name(p);
    case MET_JTOKEN_STRING: return parse_strings(p);
    case MET_JTOKEN_INTEGER:
        expr = make_constant(p, met_j_int(p->token->integer));
        p->token++;
        return expr;
    case MET_JTOKEN_FLOAT:
        expr = make_constant(p, met_j_float(p->token->real));
        p->token++;
        return expr;
    case MET_JTOKEN_OPERATOR:
        if (met_parser_at_operator(p, "[")) return parse_list(p);
        if (met_parser_at_operator(p, "{")) return parse_dict(p);
        if (!met_parser_skip_operator(p, "(")) break;
        expr = parse_tuple(p, true, NULL, true);
        if (expr == NULL || !met_parser_expect_operator(p, ")")) return NULL;
        return expr;
    case MET_JTOKEN_END:
    case MET_JTOKEN_DATA:
    case MET_JTOKEN_PRINT_BEGIN:
    case MET_JTOKEN_PRINT_END:
    case MET_JTOKEN_BLOCK_BEGIN:
    case MET_JTOKEN_BLOCK_END: break;
    }
    (void)met_parser_expected(p, "a value");
    return NULL;
}

/* ---------------------------------------------------------------- what follows a value */

static bool parse_argument(met_parser *p, met_jarguments *out)
{
    bool plain = out->star == NULL && out->star_star == NULL;
    if (met_parser_at_operator(p, "*")) {
        if (!plain) return met_parser_fail(p, "'*' twice, or after '**', in a call");
        p->token++;
        out->star = met_parser_expression(p);
        return out->star != NULL;
    }
    if (met_parser_at_operator(p, "**")) {
        if (out->star_star != NULL) return met_parser_fail(p, "'**' twice in a call");
        p->token++;
        out->star_star = met_parser_expression(p);
        return out->star_star != NULL;
    }
    if (p->token->kind == MET_JTOKEN_NAME && p->token[1].kind == MET_JTOKEN_OPERATOR &&
        met_str_is(p->token[1].text, "=")) {
        if (out->star_star != NULL) return met_parser_fail(p, "named argument after '**'");
        if (out->named_count == MET_PARSER_PARAMETERS_MAX) {
            return met_parser_fail(p, "more than %d named arguments", MET_PARSER_PARAMETERS_MAX);
        }
        for (size_t i = 0; i < out->named_count; i++) {
            met_str name = {out->named[i].name->data, out->named[i].name->bytes};
            if (met_str_equal(p->token->text, name)) {
                return met_parser_fail(p, "argument '%.*s' is given twice", met_str_shown(name),
                                       name.data);
            }
        }
        met_jkeyword *grown = met_parser_grow(p, out->named, out->named_count, sizeof *out->named);
        if (grown == NULL) return false;
        out->named = grown;
        met_jkeyword *keyword = &out->named[out->named_count++];
        keyword->name = p->token->string;
        p->token += 2;
        keyword->value = met_parser_expression(p);
        return keyword->value != NULL;
    }
    if (!plain || out->named_count > 0) {
        return met_parser_fail(p, "positional argument after a named one, '*' or '**'");
    }
    met_jexpr **grown =
        met_parser_grow(p, out->positional, out->positional_count, sizeof *out->positional);
    if (grown == NULL) return false;
    out->positional = grown;
    out->positional[out->positional_count] = met_parser_expression(p);
    return out->positional[out->positional_count++] != NULL;
}

static bool parse_arguments(met_parser *p, met_jarguments *out)
{
    bool first = true;
    if (!met_parser_expect_operator(p, "(")) return false;
    while (!met_parser_at_operator(p, ")")) {
        if (!first && !met_parser_expect_operator(p, ",")) return false;
        if (!first && met_parser_at_operator(p, ")")) break;
        if (!parse_argument(p, out)) return false;
        first = false;
    }
    p->token++;
    return true;
}

/* One of a:b:c, or a plain index. */
static bool parse_subscript(met_parser *p, met_jsuffix *suffix)
{
    suffix->kind = MET_JSUFFIX_ITEM;
    if (!met_parser_at_operator(p, ":")) {
        suffix->index = met_parser_expression(p);
        if (suffix->index == NULL) return false;
        if (!met_parser_at_operator(p, ":")) return true;
        suffix->slice[0] = suffix->index;
        suffix->index = NULL;
    }
    suffix->kind = MET_JSUFFIX_SLICE;
    for (size_t i = 1; i < 3 && met_parser_skip_operator(p, ":"); i++) {
        bool left_out = met_parser_at_operator(p, ":") || met_parser_at_operator(p, "]") ||
                        met_parser_at_operator(p, ",");
        if (left_out) continue;
        suffix->slice[i] = met_parser_expression(p);
        if (suffix->slice[i] == NULL) return false;
    }
    return true;
}

/* x[a, b] has a tuple for its index. */
static bool parse_item(met_parser *p, met_jsuffix *suffix)
{
    p->token++;
    if (met_parser_skip_operator(p, "]")) { /* x[] has the empty tuple */
        suffix->kind = MET_JSUFFIX_ITEM;
        suffix->index = make(p, MET_JEXPR_TUPLE, suffix->line);
        return suffix->index != NULL;
    }
    if (!parse_subscript(p, suffix)) return false;
    if (met_parser_at_operator(p, ",")) {
        if (suffix->kind == MET_JSUFFIX_SLICE) {
            return met_parser_fail(p, "slices in a tuple of indices are not supported");
        }
        met_jexpr *tuple = make(p, MET_JEXPR_TUPLE, suffix->line);
        if (tuple == NULL || !add_item(p, tuple, suffix->index)) return false;
        while (met_parser_skip_operator(p, ",")) {
            met_jsuffix next = {.kind = MET_JSUFFIX_ITEM};
            if (!parse_subscript(p, &next)) return false;
            if (next.kind == MET_JSUFFIX_SLICE) {
                return met_parser_fail(p, "slices in a tuple of indices are not supported");
            }
            if (!add_item(p, tuple, next.index)) return false;
        }
        suffix->index = tuple;
    }
    return met_parser_expect_operator(p, "]");
}

static bool parse_dot(met_parser *p, met_jsuffix *suffix)
{
    p->token++;
    if (p->token->kind == MET_JTOKEN_NAME) {
        suffix->kind = MET_JSUFFIX_ATTRIBUTE;
        suffix->name = p->token->string;
    } else if (p->token->kind == MET_JTOKEN_INTEGER) {
        suffix->kind = MET_JSUFFIX_ITEM;
        suffix->index = make_constant(p, met_j_int(p->token->integer));
        if (suffix->index == NULL) return false;
    } else {
        return met_parser_expected(p, "a name or a number after '.'");
    }
    p->token++;
    return true;
}

/* Find the filter or test that the suffix names. One that is not known fails the parse, unless it
 * turns out to stand in a condition: then it fails when it is reached, as in Jinja. */
static void resolve(met_parser *p, met_jsuffix *suffix, bool filter)
{
    met_str name = {suffix->name->data, suffix->name->bytes};
    suffix->builtin = filter ? met_builtin_filter(name) : met_builtin_test(name);
    if (suffix->builtin == NULL && !p->forgives_unknown && p->unknown.name == NULL) {
        p->unknown = (met_parser_unknown){suffix->name, suffix->line, filter};
    }
}

static bool expect_name(met_parser *p, const char *what, const met_jstring **out)
{
    if (p->token->kind != MET_JTOKEN_NAME) return met_parser_expected(p, what);
    *out = p->token->string;
    if (p->token[1].kind == MET_JTOKEN_OPERATOR && met_str_is(p->token[1].text, ".")) {
        return met_parser_fail(p, "%s with a dot in it is not supported", what);
    }
    return true;
}

static bool parse_filter(met_parser *p, met_jsuffix *suffix)
{
    suffix->kind = MET_JSUFFIX_FILTER;
    if (!expect_name(p, "the name of a filter", &suffix->name)) return false;
    resolve(p, suffix, true);
    p->token++;
    return !met_parser_at_operator(p, "(") || parse_arguments(p, &suffix->arguments);
}

static bool add_suffix(met_parser *p, met_jexpr *postfix, const met_jsuffix *suffix)
{
    met_jsuffix *grown =
        met_parser_grow(p, postfix->suffixes, postfix->suffix_count, sizeof *postfix->suffixes);
    if (grown == NULL) return false;
    postfix->suffixes = grown;
    postfix->suffixes[postfix->suffix_count++] = *suffix;
    return true;
}

/* `base` with room for suffixes; reuses a postfix expression that is not bracketed. */
static met_jexpr *as_postfix(met_parser *p, met_jexpr *base)
{
    if (base == NULL || base->kind == MET_JEXPR_POSTFIX) return base;
    met_jexpr *postfix = make(p, MET_JEXPR_POSTFIX, base->line);
    if (postfix != NULL) postfix->operand = base;
    return postfix;
}

/* .name [index] (arguments) */
static met_jexpr *parse_postfix(met_parser *p, met_jexpr *base)
{
    while (base != NULL) {
        met_jsuffix suffix = {.line = p->token->line};
        bool parsed = false;
        if (met_parser_at_operator(p, ".")) {
            parsed = parse_dot(p, &suffix);
        } else if (met_parser_at_operator(p, "[")) {
            parsed = parse_item(p, &suffix);
        } else if (met_parser_at_operator(p, "(")) {
            suffix.kind = MET_JSUFFIX_CALL;
            parsed = parse_arguments(p, &suffix.arguments);
        } else {
            return base;
        }
        base = parsed ? as_postfix(p, base) : NULL;
        if (base == NULL || !add_suffix(p, base, &suffix)) return NULL;
    }
    return NULL;
}

/* The operand of a test without brackets: `is divisibleby 3`. */
static bool at_test_operand(const met_parser *p)
{
    switch (p->token->kind) {
    case MET_JTOKEN_NAME:
        return !met_parser_at_name(p, "else") && !met_parser_at_name(p, "or") &&
               !met_parser_at_name(p, "and");
    case MET_JTOKEN_STRING:
    case MET_JTOKEN_INTEGER:
    case MET_JTOKEN_FLOAT: return true;
    case MET_JTOKEN_OPERATOR:
        return met_parser_at_operator(p, "[") || met_parser_at_operator(p, "{");
    case MET_JTOKEN_END:
    case MET_JTOKEN_DATA:
    case MET_JTOKEN_PRINT_BEGIN:
    case MET_JTOKEN_PRINT_END:
    case MET_JTOKEN_BLOCK_BEGIN:
    case MET_JTOKEN_BLOCK_END: return false;
    }
    return false;
}

static bool parse_test(met_parser *p, met_jsuffix *suffix)
{
    p->token++;
    suffix->kind = met_parser_skip_name(p, "not") ? MET_JSUFFIX_TEST_NOT : MET_JSUFFIX_TEST;
    if (!expect_name(p, "the name of a test", &suffix->name)) return false;
    resolve(p, suffix, false);
    p->token++;
    if (met_parser_at_operator(p, "(")) return parse_arguments(p, &suffix->arguments);
    if (!at_test_operand(p)) return true;
    if (met_parser_at_name(p, "is")) return met_parser_fail(p, "tests cannot be chained with 'is'");
    met_jexpr *operand = parse_postfix(p, parse_primary(p));
    met_jexpr **place = met_parser_grow(p, NULL, 0, sizeof *place);
    if (operand == NULL || place == NULL) return false;
    place[0] = operand;
    suffix->arguments.positional = place;
    suffix->arguments.positional_count = 1;
    return true;
}

/* |filter, is test, and calls of what they give. A negated test ends a chain that can go on. */
static met_jexpr *parse_filters_and_tests(met_parser *p, met_jexpr *base)
{
    while (base != NULL) {
        met_jsuffix suffix = {.line = p->token->line};
        bool parsed = false;
        if (met_parser_skip_operator(p, "|")) {
            parsed = parse_filter(p, &suffix);
        } else if (met_parser_at_name(p, "is")) {
            parsed = parse_test(p, &suffix);
        } else if (met_parser_at_operator(p, "(")) {
            suffix.kind = MET_JSUFFIX_CALL;
            parsed = parse_arguments(p, &suffix.arguments);
        } else {
            return base;
        }
        base = parsed ? as_postfix(p, base) : NULL;
        if (base == NULL || !add_suffix(p, base, &suffix)) return NULL;
    }
    return NULL;
}

bool met_parser_filters(met_parser *p, bool bare, met_jexpr **out)
{
    *out = NULL;
    while (bare || met_parser_skip_operator(p, "|")) {
        met_jsuffix suffix = {.line = p->token->line};
        bare = false;
        if (*out == NULL) *out = make(p, MET_JEXPR_POSTFIX, p->token->line);
        if (*out == NULL || !parse_filter(p, &suffix) || !add_suffix(p, *out, &suffix)) {
            return false;
        }
    }
    return true;
}

/* ---------------------------------------------------------------- operators */

/* A sign binds tighter than a filter: -1|abs is (-1)|abs. */
static met_jexpr *parse_unary(met_parser *p, bool filters)
{
    met_jexpr *expr = NULL;
    if (met_parser_at_operator(p, "-") || met_parser_at_operator(p, "+")) {
        bool minus = met_parser_at_operator(p, "-");
        expr = make(p, minus ? MET_JEXPR_NEGATE : MET_JEXPR_POSITIVE, p->token->line);
        p->token++;
        if (expr == NULL || !met_parser_enter(p)) return NULL;
        expr->operand = parse_unary(p, false);
        met_parser_leave(p);
        if (expr->operand == NULL) return NULL;
    } else {
        expr = parse_primary(p);
    }
    expr = parse_postfix(p, expr);
    return filters && expr != NULL ? parse_filters_and_tests(p, expr) : expr;
}

typedef struct operator_name {
    const char *text;
    met_joperator operator_;
} operator_name;

static const operator_name pow_names[] = {{"**", MET_JOP_POW}};
static const operator_name mul_names[] = {
    {"*", MET_JOP_MUL}, {"/", MET_JOP_DIV}, {"//", MET_JOP_FLOORDIV}, {"%", MET_JOP_MOD}};
static const operator_name add_names[] = {{"+", MET_JOP_ADD}, {"-", MET_JOP_SUB}};
static const operator_name compare_names[] = {{"==", MET_JOP_EQ}, {"!=", MET_JOP_NE},
                                              {"<", MET_JOP_LT},  {"<=", MET_JOP_LE},
                                              {">", MET_JOP_GT},  {">=", MET_JOP_GE}};

/* The operator at the current token, which is consumed. */
static bool skip_one_of(met_parser *p, const operator_name *names, size_t count,
                        met_joperator *found)
{
    for (size_t i = 0; i < count; i++) {
        if (met_parser_skip_operator(p, names[i].text)) {
            *found = names[i].operator_;
            return true;
        }
    }
    return false;
}

/* `first`, `operator_` (already consumed), and one more operand, in a chain. */
static met_jexpr *extend(met_parser *p, met_jexpr *chain, met_jexpr_kind kind, met_jexpr *first,
                         met_joperator operator_)
{
    if (chain == NULL) {
        chain = make(p, kind, first->line);
        if (chain == NULL || !add_item(p, chain, first)) return NULL;
    }
    return add_operator(p, chain, operator_) ? chain : NULL;
}

static met_jexpr *parse_pow(met_parser *p)
{
    met_jexpr *first = parse_unary(p, true);
    met_jexpr *chain = NULL;
    met_joperator found = MET_JOP_POW;
    while (first != NULL && skip_one_of(p, pow_names, 1, &found)) {
        chain = extend(p, chain, MET_JEXPR_MATH, first, found);
        if (chain == NULL || !add_item(p, chain, parse_unary(p, true))) return NULL;
    }
    return chain != NULL ? chain : first;
}

static met_jexpr *parse_mul(met_parser *p)
{
    met_jexpr *first = parse_pow(p);
    met_jexpr *chain = NULL;
    met_joperator found = MET_JOP_MUL;
    while (first != NULL && skip_one_of(p, mul_names, 4, &found)) {
        chain = extend(p, chain, MET_JEXPR_MATH, first, found);
        if (chain == NULL || !add_item(p, chain, parse_pow(p))) return NULL;
    }
    return chain != NULL ? chain : first;
}

static met_jexpr *parse_concat(met_parser *p)
{
    met_jexpr *first = parse_mul(p);
    if (first == NULL || !met_parser_at_operator(p, "~")) return first;
    met_jexpr *chain = make(p, MET_JEXPR_CONCAT, first->line);
    if (chain == NULL || !add_item(p, chain, first)) return NULL;
    while (met_parser_skip_operator(p, "~")) {
        if (!add_item(p, chain, parse_mul(p))) return NULL;
    }
    return chain;
}

static met_jexpr *parse_add(met_parser *p)
{
    met_jexpr *first = parse_concat(p);
    met_jexpr *chain = NULL;
    met_joperator found = MET_JOP_ADD;
    while (first != NULL && skip_one_of(p, add_names, 2, &found)) {
        chain = extend(p, chain, MET_JEXPR_MATH, first, found);
        if (chain == NULL || !add_item(p, chain, parse_concat(p))) return NULL;
    }
    return chain != NULL ? chain : first;
}

static bool skip_comparison(met_parser *p, met_joperator *found)
{
    if (skip_one_of(p, compare_names, 6, found)) return true;
    if (met_parser_skip_name(p, "in")) {
        *found = MET_JOP_IN;
        return true;
    }
    if (met_parser_at_name(p, "not") && p->token[1].kind == MET_JTOKEN_NAME &&
        met_str_is(p->token[1].text, "in")) {
        p->token += 2;
        *found = MET_JOP_NOT_IN;
        return true;
    }
    return false;
}

static met_jexpr *parse_compare(met_parser *p)
{
    met_jexpr *first = parse_add(p);
    met_jexpr *chain = NULL;
    met_joperator found = MET_JOP_EQ;
    while (first != NULL && skip_comparison(p, &found)) {
        chain = extend(p, chain, MET_JEXPR_COMPARE, first, found);
        if (chain == NULL || !add_item(p, chain, parse_add(p))) return NULL;
    }
    return chain != NULL ? chain : first;
}

static met_jexpr *parse_not(met_parser *p)
{
    if (!met_parser_at_name(p, "not")) return parse_compare(p);
    met_jexpr *expr = make(p, MET_JEXPR_NOT, p->token->line);
    p->token++;
    if (expr == NULL || !met_parser_enter(p)) return NULL;
    expr->operand = parse_not(p);
    met_parser_leave(p);
    return expr->operand == NULL ? NULL : expr;
}

static met_jexpr *parse_and(met_parser *p)
{
    met_jexpr *first = parse_not(p);
    if (first == NULL || !met_parser_at_name(p, "and")) return first;
    met_jexpr *chain = make(p, MET_JEXPR_AND, first->line);
    if (chain == NULL || !add_item(p, chain, first)) return NULL;
    while (met_parser_skip_name(p, "and")) {
        if (!add_item(p, chain, parse_not(p))) return NULL;
    }
    return chain;
}

static met_jexpr *parse_or(met_parser *p)
{
    met_jexpr *first = parse_and(p);
    if (first == NULL || !met_parser_at_name(p, "or")) return first;
    met_jexpr *chain = make(p, MET_JEXPR_OR, first->line);
    if (chain == NULL || !add_item(p, chain, first)) return NULL;
    while (met_parser_skip_name(p, "or")) {
        if (!add_item(p, chain, parse_and(p))) return NULL;
    }
    return chain;
}

/* then if test else otherwise, where `otherwise` may be another such or missing. */
static met_jexpr *parse_condition(met_parser *p)
{
    met_parser_unknown unknown = p->unknown;
    met_jexpr *expr = parse_or(p);
    int chained = 0;
    while (expr != NULL && met_parser_at_name(p, "if")) {
        if (++chained > MET_TEMPLATE_DEPTH_MAX) {
            (void)met_parser_fail(p, "conditions are nested too deep");
            return NULL;
        }
        met_jexpr *condition = make(p, MET_JEXPR_CONDITION, expr->line);
        p->token++;
        if (condition == NULL || !add_item(p, condition, parse_or(p)) ||
            !add_item(p, condition, expr)) {
            return NULL;
        }
        if (met_parser_skip_name(p, "else")) {
            if (!add_item(p, condition, met_parser_expression(p))) return NULL;
        }
        expr = condition;
        p->unknown = unknown;
    }
    return expr;
}

met_jexpr *met_parser_expression(met_parser *p)
{
    if (!met_parser_enter(p)) return NULL;
    met_jexpr *expr = parse_condition(p);
    met_parser_leave(p);
    return expr;
}
