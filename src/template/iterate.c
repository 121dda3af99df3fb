/* Owns: iteration over every kind of value, and the `loop` of for loops.
 * The invariant: an iterator draws from its source only when it is asked for an item, so that what
 * a template never looks at is never computed, as in Python. */
#include "template/iterate.h"

#include "template/builtins.h"
#include "template/jstring.h"

bool met_iter_is_possible(met_jvalue value)
{
    switch (value.kind) {
    case MET_J_UNDEFINED:
    case MET_J_STRING:
    case MET_J_LIST:
    case MET_J_TUPLE:
    case MET_J_DICT:
    case MET_J_RANGE:
    case MET_J_VIEW:
    case MET_J_ITERATOR: return true;
    case MET_J_ABSENT:
    case MET_J_NONE:
    case MET_J_BOOL:
    case MET_J_INT:
    case MET_J_FLOAT:
    case MET_J_NAMESPACE:
    case MET_J_LOOP: /* Python can, but what it gives is of no use */
    case MET_J_MACRO:
    case MET_J_FUNCTION: return false;
    }
    return false;
}

bool met_sequence_at(met_eval *ev, met_jvalue sequence, int64_t index, met_jvalue *out)
{
    if (sequence.kind == MET_J_STRING) {
        return met_jstring_slice(ev, sequence.as.string, index, 1, 1, out);
    }
    if (sequence.kind == MET_J_RANGE) {
        *out = met_j_int(sequence.as.range->start + index * sequence.as.range->step);
        return true;
    }
    *out = sequence.as.list->items[index];
    return true;
}

static bool pair_of(met_eval *ev, const met_jentry *entry, met_jvalue *out)
{
    met_jvalue *items = met_j_list_make(ev, MET_J_TUPLE, 2, out);
    if (items == NULL) return false;
    items[0] = entry->key;
    items[1] = entry->value;
    return true;
}

static bool next_of_view(met_eval *ev, const met_jview *view, size_t at, met_jvalue *out)
{
    const met_jentry *entry = &view->dict->entries[at];
    switch (view->of) {
    case MET_JVIEW_KEYS: *out = entry->key; return true;
    case MET_JVIEW_VALUES: *out = entry->value; return true;
    case MET_JVIEW_ITEMS: return pair_of(ev, entry, out);
    }
    return true;
}

static met_jstep next_char(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    const met_jstring *s = it->over.as.string;
    uint32_t c = 0;
    if (it->at >= s->bytes) return MET_JSTEP_END;
    size_t length = met_utf8_next(s->data + it->at, s->bytes - it->at, &c);
    it->at += length;
    bool made = met_jstring_range(ev, s, it->at - length, it->at, out);
    return made ? MET_JSTEP_ITEM : MET_JSTEP_FAILED;
}

/* The next item of a value with a length. */
static met_jstep next_item(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    if (it->over.kind == MET_J_STRING) return next_char(ev, it, out);
    if ((int64_t)it->at >= met_j_length(it->over)) return MET_JSTEP_END;
    size_t at = it->at++;
    bool made = true;
    if (it->over.kind == MET_J_DICT) {
        *out = it->over.as.dict->entries[at].key;
    } else if (it->over.kind == MET_J_VIEW) {
        made = next_of_view(ev, it->over.as.view, at, out);
    } else {
        made = met_sequence_at(ev, it->over, (int64_t)at, out);
    }
    return made ? MET_JSTEP_ITEM : MET_JSTEP_FAILED;
}

met_jiter *met_iter_make(met_eval *ev, const char *name, met_jiter_fn next, met_jvalue *out)
{
    met_jiter *it = met_eval_alloc(ev, sizeof *it);
    if (it == NULL) return NULL;
    it->next = next;
    it->name = name;
    *out = (met_jvalue){.kind = MET_J_ITERATOR, .as = {.iterator = it}};
    return it;
}

bool met_iter_open(met_eval *ev, met_jvalue value, met_jiter **out)
{
    if (value.kind == MET_J_ITERATOR) {
        *out = value.as.iterator;
        return true;
    }
    if (!met_iter_is_possible(value)) {
        return met_eval_fail(ev, "'%s' is not iterable", met_j_type_name(value));
    }
    met_jvalue made;
    *out = met_iter_make(ev, "iterator", next_item, &made);
    if (*out == NULL) return false;
    (*out)->over = value;
    if (value.kind == MET_J_STRING && value.as.string->markup) {
        met_jstring *plain = met_eval_alloc(ev, sizeof *plain); /* its characters are not safe */
        if (plain == NULL) return false;
        *plain = *value.as.string;
        plain->markup = false;
        (*out)->over = met_j_string(plain);
    }
    return true;
}

met_jstep met_iter_next(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    if (!met_eval_step(ev) || !met_eval_enter(ev)) return MET_JSTEP_FAILED;
    met_jstep step = it->next(ev, it, out);
    met_eval_leave(ev);
    return step;
}

bool met_iter_collect(met_eval *ev, met_jvalue value, met_jkind kind, met_jvalue *out)
{
    met_jiter *it = NULL;
    met_jvalue next;
    met_jvalue *items = NULL;
    size_t count = 0;
    size_t capacity = 0;
    met_jstep step;
    if ((value.kind == MET_J_LIST || value.kind == MET_J_TUPLE)) {
        *out = met_j_list(kind, value.as.list); /* nothing can change it: shared */
        return true;
    }
    if (!met_iter_open(ev, value, &it)) return false;
    while ((step = met_iter_next(ev, it, &next)) == MET_JSTEP_ITEM) {
        if (count == capacity) {
            capacity = capacity == 0 ? 8 : 2 * capacity;
            met_jvalue *grown = met_eval_array(ev, capacity, sizeof *grown);
            if (grown == NULL) return false;
            if (count > 0) memcpy(grown, items, count * sizeof *grown);
            items = grown;
        }
        items[count++] = next;
    }
    met_jlist *list = met_eval_alloc(ev, sizeof *list);
    if (list == NULL || step == MET_JSTEP_FAILED) return false;
    list->items = items;
    list->count = count;
    *out = met_j_list(kind, list);
    return true;
}

/* ---------------------------------------------------------------- for loops */

/* Make sure that the item after the current one is known. */
static bool look_ahead(met_eval *ev, met_jloop *loop)
{
    if (loop->at_end || loop->after.kind != MET_J_ABSENT) return true;
    met_jstep step = met_iter_next(ev, loop->it, &loop->after);
    if (step == MET_JSTEP_END) {
        loop->at_end = true;
        loop->after.kind = MET_J_ABSENT;
    }
    return step != MET_JSTEP_FAILED;
}

met_jstep met_loop_next(met_eval *ev, met_jloop *loop, met_jvalue *out)
{
    if (!look_ahead(ev, loop)) return MET_JSTEP_FAILED;
    if (loop->at_end) return MET_JSTEP_END;
    loop->index0++;
    loop->previous = loop->current;
    loop->current = loop->after;
    loop->after.kind = MET_J_ABSENT;
    *out = loop->current;
    return MET_JSTEP_ITEM;
}

bool met_loop_length(met_eval *ev, met_jloop *loop, int64_t *out)
{
    if (loop->length < 0) {
        met_jvalue rest;
        met_jvalue walked = {.kind = MET_J_ITERATOR, .as = {.iterator = loop->it}};
        bool ahead = loop->after.kind != MET_J_ABSENT;
        if (!met_iter_collect(ev, walked, MET_J_LIST, &rest)) return false;
        if (!met_iter_open(ev, rest, &loop->it)) return false;
        loop->length = loop->index0 + 1 + (ahead ? 1 : 0) + met_j_length(rest);
    }
    *out = loop->length;
    return true;
}

bool met_loop_attribute(met_eval *ev, met_jloop *loop, met_str name, met_jvalue *out, bool *found)
{
    int64_t length = 0;
    *found = true;
    if (met_str_is(name, "index0")) {
        *out = met_j_int(loop->index0);
    } else if (met_str_is(name, "index")) {
        *out = met_j_int(loop->index0 + 1);
    } else if (met_str_is(name, "first")) {
        *out = met_j_bool(loop->index0 == 0);
    } else if (met_str_is(name, "depth0")) {
        *out = met_j_int(loop->depth0);
    } else if (met_str_is(name, "depth")) {
        *out = met_j_int(loop->depth0 + 1);
    } else if (met_str_is(name, "last")) {
        if (!look_ahead(ev, loop)) return false;
        *out = met_j_bool(loop->at_end);
    } else if (met_str_is(name, "nextitem")) {
        if (!look_ahead(ev, loop)) return false;
        *out = loop->at_end ? met_j_undefined("there is no next item") : loop->after;
    } else if (met_str_is(name, "previtem")) {
        *out = loop->index0 == 0 ? met_j_undefined("there is no previous item") : loop->previous;
    } else if (met_str_is(name, "length")) {
        if (!met_loop_length(ev, loop, &length)) return false;
        *out = met_j_int(length);
    } else if (met_str_is(name, "revindex")) {
        if (!met_loop_length(ev, loop, &length)) return false;
        *out = met_j_int(length - loop->index0);
    } else if (met_str_is(name, "revindex0")) {
        if (!met_loop_length(ev, loop, &length)) return false;
        *out = met_j_int(length - loop->index0 - 1);
    } else {
        const met_jbuiltin *method = met_builtin_loop_method(name);
        *found = method != NULL;
        met_jvalue self = {.kind = MET_J_LOOP, .as = {.loop = loop}};
        return method == NULL || met_j_function(ev, method, self, out);
    }
    return true;
}
