/* Walking what can be iterated, one item at a time, as Python's iterators do. */
#ifndef MET_TEMPLATE_ITERATE_H
#define MET_TEMPLATE_ITERATE_H

#include "template/eval.h"

typedef enum met_jstep {
    MET_JSTEP_FAILED,
    MET_JSTEP_ITEM,
    MET_JSTEP_END,
} met_jstep;

/* The next item of what a source gives, into *out. */
typedef met_jstep (*met_jiter_fn)(met_eval *ev, met_jiter *it, met_jvalue *out);

struct met_jiter {
    met_jiter_fn next;
    met_jvalue over;   /* what is walked */
    size_t at;         /* next position, or byte offset in a string */
    met_jiter *source; /* that this one draws from, for filters */
    void *state;       /* of `next` */
    const char *name;  /* "map": for messages */
};

/* Whether it can be iterated at all. */
bool met_iter_is_possible(met_jvalue value);
/* iter(value); an iterator gives itself. Fails when it cannot be iterated. */
bool met_iter_open(met_eval *ev, met_jvalue value, met_jiter **out);
met_jstep met_iter_next(met_eval *ev, met_jiter *it, met_jvalue *out);
/* list(value), or a tuple of the same. */
bool met_iter_collect(met_eval *ev, met_jvalue value, met_jkind kind, met_jvalue *out);
/* An iterator as a value. */
met_jiter *met_iter_make(met_eval *ev, const char *name, met_jiter_fn next, met_jvalue *out);

/* The item of a sequence at 0 <= index < length: list, tuple, range, string. */
bool met_sequence_at(met_eval *ev, met_jvalue sequence, int64_t index, met_jvalue *out);

/* ---------------------------------------------------------------- for loops */

/* The `loop` of a for loop, and what drives it. */
struct met_jloop {
    met_jiter *it;
    int64_t index0;
    int64_t length; /* -1: not counted yet */
    met_jvalue previous;
    met_jvalue current;
    met_jvalue after; /* ABSENT unless the next item was looked at already */
    bool at_end;      /* there is no item after the current one */
    met_jvalue changed;
    int depth0;
};

met_jstep met_loop_next(met_eval *ev, met_jloop *loop, met_jvalue *out);
bool met_loop_attribute(met_eval *ev, met_jloop *loop, met_str name, met_jvalue *out, bool *found);
bool met_loop_length(met_eval *ev, met_jloop *loop, int64_t *out);

#endif
