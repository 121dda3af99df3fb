/* A parsed template. Chains (a + b - c, x.y[0]|f|g) are arrays, not trees leaning to one side, so
 * that the depth of the tree is the nesting that the author wrote. Immutable once parsed. */
#ifndef MET_TEMPLATE_AST_H
#define MET_TEMPLATE_AST_H

#include "base/arena.h"
#include "template/jvalue.h"

typedef struct met_jexpr met_jexpr;
typedef struct met_jstatement met_jstatement;
typedef struct met_jbuiltin met_jbuiltin;

/* ---------------------------------------------------------------- expressions */

typedef struct met_jkeyword {
    const met_jstring *name;
    met_jexpr *value;
} met_jkeyword;

/* f(positional, *star, named=..., **star_star) */
typedef struct met_jarguments {
    met_jexpr **positional; /* [positional_count] */
    size_t positional_count;
    met_jkeyword *named; /* [named_count] */
    size_t named_count;
    met_jexpr *star;      /* NULL: none */
    met_jexpr *star_star; /* NULL: none */
} met_jarguments;

typedef enum met_jsuffix_kind {
    MET_JSUFFIX_ATTRIBUTE, /* .name */
    MET_JSUFFIX_ITEM,      /* [index] */
    MET_JSUFFIX_SLICE,     /* [start:stop:step] */
    MET_JSUFFIX_CALL,      /* (arguments) */
    MET_JSUFFIX_FILTER,    /* |name(arguments) */
    MET_JSUFFIX_TEST,      /* is name(arguments) */
    MET_JSUFFIX_TEST_NOT,  /* is not name(arguments) */
} met_jsuffix_kind;

typedef struct met_jsuffix {
    met_jsuffix_kind kind;
    uint32_t line;
    const met_jstring *name;
    const met_jbuiltin *builtin; /* of a filter or test; NULL: not known, fails when reached */
    met_jexpr *index;
    met_jexpr *slice[3]; /* start, stop, step; NULL where left out */
    met_jarguments arguments;
} met_jsuffix;

typedef enum met_jexpr_kind {
    MET_JEXPR_CONSTANT,
    MET_JEXPR_NAME,
    MET_JEXPR_LIST,
    MET_JEXPR_TUPLE,
    MET_JEXPR_DICT, /* items are key, value, key, value ... */
    MET_JEXPR_CONDITION,
    MET_JEXPR_OR,
    MET_JEXPR_AND,
    MET_JEXPR_NOT,
    MET_JEXPR_COMPARE, /* items and the operators between them */
    MET_JEXPR_MATH,    /* the same, from left to right */
    MET_JEXPR_CONCAT,
    MET_JEXPR_NEGATE,
    MET_JEXPR_POSITIVE,
    MET_JEXPR_POSTFIX, /* a base and what is applied to it */
} met_jexpr_kind;

typedef enum met_joperator {
    MET_JOP_ADD,
    MET_JOP_SUB,
    MET_JOP_MUL,
    MET_JOP_DIV,
    MET_JOP_FLOORDIV,
    MET_JOP_MOD,
    MET_JOP_POW,
    MET_JOP_EQ,
    MET_JOP_NE,
    MET_JOP_LT,
    MET_JOP_LE,
    MET_JOP_GT,
    MET_JOP_GE,
    MET_JOP_IN,
    MET_JOP_NOT_IN,
} met_joperator;

struct met_jexpr {
    met_jexpr_kind kind;
    uint32_t line;
    uint32_t name; /* id of MET_JEXPR_NAME */
    met_jvalue constant;
    met_jexpr **items;        /* [count]; the test, then, else of a condition, else may be NULL */
    met_joperator *operators; /* [count - 1] of a COMPARE or MATH */
    size_t count;
    met_jexpr *operand; /* of NOT, NEGATE, POSITIVE, POSTFIX */
    met_jsuffix *suffixes;
    size_t suffix_count;
};

/* ---------------------------------------------------------------- statements */

typedef struct met_jbody {
    met_jstatement **statements;
    size_t count;
} met_jbody;

typedef struct met_jtarget met_jtarget;

/* Where an assignment goes: a name, an attribute of a namespace, or a tuple of targets. */
struct met_jtarget {
    uint32_t name; /* unless a tuple */
    uint32_t line;
    const met_jstring *attribute; /* NULL: the name itself */
    met_jtarget **items;          /* [count]; NULL unless a tuple */
    size_t count;
};

/* Names that a scope sets and that are undefined in it until then, whatever is further out. */
typedef struct met_jhidden {
    uint32_t *names;
    size_t count;
} met_jhidden;

typedef struct met_jbranch {
    met_jexpr *test; /* NULL: else */
    uint32_t line;
    met_jbody body;
} met_jbranch;

typedef struct met_jparameter {
    uint32_t name;
    const met_jstring *text;
    met_jexpr *default_; /* NULL: none */
} met_jparameter;

typedef struct met_jmacro_node met_jmacro_node;
struct met_jmacro_node {
    met_jmacro_node *enclosing; /* the macro in which this one is defined, or NULL */
    uint32_t name;
    const met_jstring *text;
    met_jparameter *parameters; /* [count] */
    size_t count;
    bool takes_varargs; /* its body names `varargs`, `kwargs`, `caller` */
    bool takes_kwargs;
    bool takes_caller;
    uint32_t varargs_name; /* their ids, where they are taken */
    uint32_t kwargs_name;
    uint32_t caller_name;
    met_jbody body;
    met_jhidden hidden;
};

typedef enum met_jstatement_kind {
    MET_JSTATEMENT_DATA,
    MET_JSTATEMENT_PRINT,
    MET_JSTATEMENT_SET,
    MET_JSTATEMENT_SET_BLOCK,
    MET_JSTATEMENT_IF,
    MET_JSTATEMENT_FOR,
    MET_JSTATEMENT_MACRO,
    MET_JSTATEMENT_FILTER,
    MET_JSTATEMENT_WITH,
    MET_JSTATEMENT_SCOPE, /* {% generation %} */
    MET_JSTATEMENT_BREAK,
    MET_JSTATEMENT_CONTINUE,
} met_jstatement_kind;

struct met_jstatement {
    met_jstatement_kind kind;
    uint32_t line;
    const met_jstring *data; /* DATA */
    met_jexpr *expr;         /* PRINT, SET; the iterable of a FOR; filters of a FILTER, SET_BLOCK */
    met_jtarget *target;     /* SET, SET_BLOCK, FOR */
    met_jexpr *test;         /* of a FOR; NULL: none */
    met_jbranch *branches;   /* IF */
    size_t branch_count;
    met_jbody body;      /* FOR, FILTER, SET_BLOCK, WITH, SCOPE */
    met_jbody otherwise; /* FOR */
    met_jhidden hidden;  /* in `body` */
    met_jhidden hidden_otherwise;
    uint32_t loop_name; /* FOR: the id of `loop` */
    met_jmacro_node *macro;
    met_jtarget **targets; /* WITH */
    met_jexpr **values;
    size_t count;
};

/* ---------------------------------------------------------------- the whole */

struct met_template {
    met_arena arena;
    const met_jstring **names; /* [name_count] by id */
    size_t name_count;
    met_jbody body;
    met_jhidden hidden;
};

#endif
