/* The state of one evaluation: its memory, its bounds, its first failure. */
#ifndef MET_TEMPLATE_EVAL_H
#define MET_TEMPLATE_EVAL_H

#include "base/arena.h"
#include "template/ast.h"
#include "template/jvalue.h"
#include "template/template.h"

#include <stdlib.h>

typedef struct met_jwriter met_jwriter;
typedef struct met_jscope met_jscope;

/* What one evaluation may use; the constants of template.h unless a test asks for less. */
typedef struct met_template_limits {
    size_t output_bytes;
    size_t memory_bytes;
    uint64_t steps;
    int depth;
} met_template_limits;

met_template_limits met_template_limits_default(void);

/* met_template_evaluate with other bounds. */
met_status met_template_evaluate_within(const met_template *template_, const met_value *names,
                                        met_template_limits limits, met_text *out, met_error *err);

struct met_eval {
    met_arena arena;
    met_error *err;
    met_status status; /* of the first failure */
    met_template_limits limits;
    const met_template *template_;
    const met_value *names;
    met_jvalue *globals; /* [name_count] by name id; ABSENT where there is none */
    met_jscope *scope;   /* innermost */
    met_jwriter *out;    /* innermost */
    uint64_t steps;
    int depth;
    uint32_t line; /* of what is being evaluated, for messages */
};

/* Functions that can fail return false, and the first failure is recorded in the evaluation. */
bool met_eval_fail(met_eval *ev, const char *format, ...) MET_PRINTF(2, 3);
/* A failure that is not the template's: memory, malformed values. */
bool met_eval_fail_as(met_eval *ev, met_status status, const char *format, ...) MET_PRINTF(3, 4);

/* Zeroed; valid until the evaluation ends. NULL: the failure is recorded. */
void *met_eval_alloc(met_eval *ev, size_t bytes);
void *met_eval_array(met_eval *ev, size_t count, size_t element_bytes);

/* Count work against the bound. One step is an expression, a statement, an item, or so many bytes
 * searched or copied. */
bool met_eval_step(met_eval *ev);
bool met_eval_charge_bytes(met_eval *ev, size_t bytes);

/* A message that lives as long as the evaluation; NULL: failed. */
const char *met_eval_message(met_eval *ev, const char *format, ...) MET_PRINTF(2, 3);

/* Around anything that can nest: a construct, a nested value, a macro's call. Enter fails at the
 * bound; each enter that succeeded has its leave. */
bool met_eval_enter(met_eval *ev);
void met_eval_leave(met_eval *ev);

#endif
