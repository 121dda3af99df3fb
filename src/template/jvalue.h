/* The values that a template computes with: Python's, as far as templates see them.
 *
 * Strings know which of their bytes came from the template itself (`trusted`): only there may the
 * spelling of a control token count as one. Whatever cannot be told is not trusted. */
#ifndef MET_TEMPLATE_JVALUE_H
#define MET_TEMPLATE_JVALUE_H

#include "base/text.h"
#include "metallic.h"

typedef struct met_eval met_eval;

typedef enum met_jkind {
    MET_J_ABSENT = 0, /* not a value: an argument that was not given, a name that is not set */
    MET_J_UNDEFINED,
    MET_J_NONE,
    MET_J_BOOL,
    MET_J_INT,
    MET_J_FLOAT,
    MET_J_STRING,
    MET_J_LIST,
    MET_J_TUPLE,
    MET_J_DICT,
    MET_J_RANGE,
    MET_J_VIEW,     /* dict.items(), .keys(), .values() */
    MET_J_ITERATOR, /* what Python makes a generator: can be walked once */
    MET_J_NAMESPACE,
    MET_J_LOOP,
    MET_J_MACRO,
    MET_J_FUNCTION, /* of the environment, or bound to `self` */
} met_jkind;

/* Immutable text, valid UTF-8. */
typedef struct met_jstring {
    const char *data;
    size_t bytes;
    size_t chars;            /* code points */
    const met_span *trusted; /* [trusted_count] ascending, apart from each other */
    size_t trusted_count;
    bool markup; /* went through `safe` or `escape`: adding to it escapes what is added */
} met_jstring;

typedef struct met_jvalue met_jvalue;
typedef struct met_jlist met_jlist;
typedef struct met_jdict met_jdict;
typedef struct met_jnamespace met_jnamespace;
typedef struct met_jmacro met_jmacro;
typedef struct met_jfunction met_jfunction;
typedef struct met_jloop met_jloop;
typedef struct met_jiter met_jiter;
typedef struct met_jrange met_jrange;
typedef struct met_jview met_jview;

struct met_jvalue {
    met_jkind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        const char *undefined; /* why it is: "'x' is undefined" */
        const met_jstring *string;
        const met_jlist *list; /* also of a tuple */
        const met_jdict *dict;
        const met_jrange *range;
        const met_jview *view;
        met_jnamespace *namespace_;
        met_jiter *iterator;
        met_jloop *loop;
        const met_jmacro *macro;
        const met_jfunction *function;
    } as;
};

struct met_jlist {
    const met_jvalue *items;
    size_t count;
};

typedef struct met_jentry {
    met_jvalue key;
    met_jvalue value;
    uint64_t hash;
} met_jentry;

/* In order of insertion. Filled by met_jdict_set and then left alone. */
struct met_jdict {
    met_jentry *entries;
    size_t count;
    size_t capacity;
    uint32_t *slots; /* [slot_count] position + 1, 0: free; NULL while small */
    size_t slot_count;
};

struct met_jrange {
    int64_t start;
    int64_t stop; /* as it was given */
    int64_t step;
    int64_t count;
};

typedef enum met_jview_of {
    MET_JVIEW_KEYS,
    MET_JVIEW_VALUES,
    MET_JVIEW_ITEMS,
} met_jview_of;

struct met_jview {
    const met_jdict *dict;
    met_jview_of of;
};

struct met_jnamespace {
    met_jdict attributes;
};

/* ---------------------------------------------------------------- making */

static inline met_jvalue met_j_none(void)
{
    return (met_jvalue){.kind = MET_J_NONE, .as = {.integer = 0}};
}

static inline met_jvalue met_j_bool(bool boolean)
{
    return (met_jvalue){.kind = MET_J_BOOL, .as = {.boolean = boolean}};
}

static inline met_jvalue met_j_int(int64_t integer)
{
    return (met_jvalue){.kind = MET_J_INT, .as = {.integer = integer}};
}

static inline met_jvalue met_j_float(double real)
{
    return (met_jvalue){.kind = MET_J_FLOAT, .as = {.real = real}};
}

/* `why` has static storage or lives as long as the evaluation. */
static inline met_jvalue met_j_undefined(const char *why)
{
    return (met_jvalue){.kind = MET_J_UNDEFINED, .as = {.undefined = why}};
}

static inline met_jvalue met_j_string(const met_jstring *string)
{
    return (met_jvalue){.kind = MET_J_STRING, .as = {.string = string}};
}

static inline met_jvalue met_j_list(met_jkind list_or_tuple, const met_jlist *list)
{
    return (met_jvalue){.kind = list_or_tuple, .as = {.list = list}};
}

/* [count] places for items, and the list or tuple that holds them. NULL: failed. */
met_jvalue *met_j_list_make(met_eval *ev, met_jkind list_or_tuple, size_t count, met_jvalue *out);

/* A copy of untrusted bytes that are valid UTF-8. */
bool met_j_text(met_eval *ev, met_str text, met_jvalue *out);

/* ---------------------------------------------------------------- asking */

/* Python's name for the type, for messages. */
const char *met_j_type_name(met_jvalue value);
static inline bool met_j_is(met_jvalue value, met_jkind kind)
{
    return value.kind == kind;
}
/* A bool counts as the number that it is in Python. */
static inline bool met_j_is_integer(met_jvalue value)
{
    return value.kind == MET_J_INT || value.kind == MET_J_BOOL;
}
static inline int64_t met_j_integer(met_jvalue value)
{
    return value.kind == MET_J_BOOL ? (int64_t)value.as.boolean : value.as.integer;
}
static inline bool met_j_is_number(met_jvalue value)
{
    return met_j_is_integer(value) || value.kind == MET_J_FLOAT;
}
static inline double met_j_real(met_jvalue value)
{
    return value.kind == MET_J_FLOAT ? value.as.real : (double)met_j_integer(value);
}
static inline met_str met_j_str_view(met_jvalue value)
{
    return (met_str){value.as.string->data, value.as.string->bytes};
}

bool met_j_truth(met_jvalue value);
/* len(value); -1 where Python has none. */
int64_t met_j_length(met_jvalue value);
bool met_j_equal(met_eval *ev, met_jvalue a, met_jvalue b, bool *out);

typedef enum met_jorder {
    MET_JORDER_LT,
    MET_JORDER_LE,
    MET_JORDER_GT,
    MET_JORDER_GE,
} met_jorder;

bool met_j_compare(met_eval *ev, met_jorder order, met_jvalue a, met_jvalue b, bool *out);
/* item in container */
bool met_j_contains(met_eval *ev, met_jvalue container, met_jvalue item, bool *out);

/* ---------------------------------------------------------------- dicts */

bool met_jdict_set(met_eval *ev, met_jdict *dict, met_jvalue key, met_jvalue value);
/* NULL in *out when the dict has no such key; fails for a key that cannot be hashed. */
bool met_jdict_find(met_eval *ev, const met_jdict *dict, met_jvalue key, const met_jvalue **out);
/* For a key that is a string; cannot fail. */
const met_jvalue *met_jdict_find_text(const met_jdict *dict, met_str key);

#endif
