/* Tokens to a tree. The state is shared by the two halves of the parser: expressions, statements.
 */
#ifndef MET_TEMPLATE_PARSER_H
#define MET_TEMPLATE_PARSER_H

#include "template/ast.h"
#include "template/lexer.h"

/* The first filter or test that is not known and not forgiven. */
typedef struct met_parser_unknown {
    const met_jstring *name; /* NULL: none */
    uint32_t line;
    bool filter;
} met_parser_unknown;

/* Of a macro, or named ones of a call; they are compared with each other. */
enum { MET_PARSER_PARAMETERS_MAX = 255 };

typedef struct met_parser {
    met_arena *arena; /* of the template */
    met_error *err;
    met_status status;
    const met_jtoken *token;   /* current; the last one is END and is never passed */
    const met_jstring **names; /* [name_count] */
    size_t name_count;
    uint32_t *name_slots; /* [slot_count] id + 1 */
    size_t slot_count;
    int depth;
    int for_depth;         /* for loops around, also outside of a macro */
    int loop_depth;        /* loops that `break` can leave */
    bool forgives_unknown; /* inside `if` an unknown filter fails only when it is reached */
    met_parser_unknown unknown;
    met_jmacro_node *macro; /* innermost being parsed */
} met_parser;

/* Record a failure at the current token; always false. */
bool met_parser_fail(met_parser *p, const char *format, ...) MET_PRINTF(2, 3);
/* The same, with what was found there. */
bool met_parser_expected(met_parser *p, const char *what);

void *met_parser_alloc(met_parser *p, size_t bytes);
/* One more place in an array of `count` elements; NULL: failed. */
void *met_parser_grow(met_parser *p, void *items, size_t count, size_t element_bytes);

bool met_parser_enter(met_parser *p);
void met_parser_leave(met_parser *p);

bool met_parser_at_operator(const met_parser *p, const char *text);
bool met_parser_at_name(const met_parser *p, const char *text);
bool met_parser_skip_operator(met_parser *p, const char *text);
bool met_parser_skip_name(met_parser *p, const char *text);
bool met_parser_expect_operator(met_parser *p, const char *text);
/* The id of a name. */
bool met_parser_intern(met_parser *p, const met_jstring *name, uint32_t *id);

/* Expressions; NULL: failed. */
met_jexpr *met_parser_expression(met_parser *p);
/* a, b, c without brackets. `conditional`: `a if b else c` may be part of it; ends also before the
 * name `end`, when that is not NULL. */
met_jexpr *met_parser_tuple(met_parser *p, bool conditional, const char *end);
/* |f|g(x): filters alone, applied to a placeholder; `bare`: the first has no bar before it. NULL in
 * *out when there is none. */
bool met_parser_filters(met_parser *p, bool bare, met_jexpr **out);

/* All of the template. */
bool met_parser_template(met_parser *p, met_jbody *out);

#endif
