/* Owns: the functions that templates find in their environment, and the methods of dicts, lists
 * and loops. */
#include "template/run.h"

#include <math.h>
#include <time.h>

/* ---------------------------------------------------------------- functions */

/* As the sandbox of Jinja: longer ranges are refused. */
enum { RANGE_MAX = 100000 };

static bool run_range(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t numbers[3] = {0, 0, 1};
    for (size_t i = 0; i < 3; i++) {
        if (in->bound[i].kind == MET_J_NONE) return met_eval_fail(ev, "range: None, expected int");
        if (!met_arg_int(ev, in->bound[i], "range", numbers[i], &numbers[i])) return false;
    }
    if (in->bound[1].kind == MET_J_ABSENT) { /* range(stop) */
        numbers[1] = numbers[0];
        numbers[0] = 0;
    }
    if (numbers[2] == 0) return met_eval_fail(ev, "range: the step is 0");
    met_jrange *range = met_eval_alloc(ev, sizeof *range);
    if (range == NULL) return false;
    uint64_t step = numbers[2] > 0 ? (uint64_t)numbers[2] : 0 - (uint64_t)numbers[2];
    int64_t low = numbers[2] > 0 ? numbers[0] : numbers[1];
    int64_t high = numbers[2] > 0 ? numbers[1] : numbers[0];
    uint64_t count = low < high ? ((uint64_t)high - (uint64_t)low - 1) / step + 1 : 0;
    if (count > RANGE_MAX) {
        return met_eval_fail(ev, "range: %llu items, expected at most %d",
                             (unsigned long long)count, RANGE_MAX);
    }
    *range = (met_jrange){numbers[0], numbers[1], numbers[2], (int64_t)count};
    *out = (met_jvalue){.kind = MET_J_RANGE, .as = {.range = range}};
    return true;
}

/* What dict() and namespace() take: a dict, or pairs, and then names. */
static bool fill_dict(met_eval *ev, const char *what, const met_jcall *call, met_jdict *dict)
{
    met_jiter *it = NULL;
    met_jvalue pair;
    met_jstep step = MET_JSTEP_END;
    if (call->positional_count > 1) {
        return met_eval_fail(ev, "%s takes one argument at most, found %zu", what,
                             call->positional_count);
    }
    if (call->positional_count == 1 && call->positional[0].kind == MET_J_UNDEFINED) {
        return met_eval_fail(ev, "%s", call->positional[0].as.undefined);
    }
    if (call->positional_count == 1 && call->positional[0].kind == MET_J_DICT) {
        const met_jdict *given = call->positional[0].as.dict;
        for (size_t i = 0; i < given->count; i++) {
            const met_jentry *entry = &given->entries[i];
            if (!met_eval_step(ev) || !met_jdict_set(ev, dict, entry->key, entry->value)) {
                return false;
            }
        }
    } else if (call->positional_count == 1) {
        if (!met_iter_open(ev, call->positional[0], &it)) return false;
        while ((step = met_iter_next(ev, it, &pair)) == MET_JSTEP_ITEM) {
            if (!met_iter_collect(ev, pair, MET_J_TUPLE, &pair)) return false;
            if (pair.as.list->count != 2) {
                return met_eval_fail(ev, "%s: an item has %zu values, expected 2", what,
                                     pair.as.list->count);
            }
            if (!met_jdict_set(ev, dict, pair.as.list->items[0], pair.as.list->items[1])) {
                return false;
            }
        }
        if (step == MET_JSTEP_FAILED) return false;
    }
    for (size_t i = 0; i < call->named_count; i++) {
        met_jvalue key = met_j_string(call->named[i].name);
        if (!met_jdict_set(ev, dict, key, call->named[i].value)) return false;
    }
    return true;
}

static bool run_dict(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jdict *dict = met_eval_alloc(ev, sizeof *dict);
    if (dict == NULL || !fill_dict(ev, "dict", in->call, dict)) return false;
    *out = (met_jvalue){.kind = MET_J_DICT, .as = {.dict = dict}};
    return true;
}

static bool run_namespace(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jnamespace *space = met_eval_alloc(ev, sizeof *space);
    if (space == NULL || !fill_dict(ev, "namespace", in->call, &space->attributes)) return false;
    *out = (met_jvalue){.kind = MET_J_NAMESPACE, .as = {.namespace_ = space}};
    return true;
}

static bool run_raise_exception(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)out;
    const met_jstring *message = NULL;
    if (!met_arg_string(ev, in->bound[0], &message)) return false;
    return met_eval_fail(ev, "%.*s", message->bytes < 400 ? (int)message->bytes : 400,
                         message->data);
}

/* self: seconds since 1970 of the local clock, so that no time zone has to be looked up. */
static bool run_strftime_now(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jstring *format = NULL;
    char pattern[128];
    char text[512];
    struct tm broken;
    double seconds = floor(met_j_real(in->self));
    time_t now = (time_t)seconds;
    if (!met_arg_need_string(ev, in->bound[0], "strftime_now", &format)) return false;
    if (format->bytes == 0) return met_j_text(ev, met_str_of(""), out);
    if (!(fabs(seconds) < 1e11) || gmtime_r(&now, &broken) == NULL) {
        return met_eval_fail(ev, "strftime_now: the time given is out of range");
    }
    if (format->bytes >= sizeof pattern || memchr(format->data, 0, format->bytes) != NULL) {
        return met_eval_fail(ev, "strftime_now: the format is longer than %zu bytes",
                             sizeof pattern - 1);
    }
    memcpy(pattern, format->data, format->bytes);
    pattern[format->bytes] = '\0';
    size_t bytes = strftime(text, sizeof text, pattern, &broken);
    met_str made = {text, bytes};
    if (!met_utf8_valid(made, NULL)) return met_eval_fail(ev, "strftime_now: a malformed format");
    return met_j_text(ev, made, out);
}

const met_jbuiltin met_builtin_functions[] = {
    {"dict", run_dict, "*"},
    {"namespace", run_namespace, "*"},
    {"raise_exception", run_raise_exception, "message"},
    {"range", run_range, "- / - -"},
    {"strftime_now", run_strftime_now, "format"},
    {"cycler", NULL, ""},
    {"joiner", NULL, ""},
    {"lipsum", NULL, ""},
    {"self", NULL, ""},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------- dicts */

static bool run_get(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    const met_jvalue *found = NULL;
    if (!met_jdict_find(ev, in->self.as.dict, in->bound[0], &found)) return false;
    met_jvalue fallback = in->bound[1].kind == MET_J_ABSENT ? met_j_none() : in->bound[1];
    *out = found != NULL ? *found : fallback;
    return true;
}

static bool view_of(met_eval *ev, met_jvalue self, met_jview_of of, met_jvalue *out)
{
    met_jview *view = met_eval_alloc(ev, sizeof *view);
    if (view == NULL) return false;
    view->dict = self.as.dict;
    view->of = of;
    *out = (met_jvalue){.kind = MET_J_VIEW, .as = {.view = view}};
    return true;
}

static bool run_items(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return view_of(ev, in->self, MET_JVIEW_ITEMS, out);
}

static bool run_keys(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return view_of(ev, in->self, MET_JVIEW_KEYS, out);
}

static bool run_values(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return view_of(ev, in->self, MET_JVIEW_VALUES, out);
}

/* Nothing can change a list or dict, so that a copy is the same one. */
static bool run_copy(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    *out = in->self;
    return in->self.kind == MET_J_LIST || in->self.kind == MET_J_DICT ||
           met_eval_fail(ev, "%s has no method 'copy'", met_j_type_name(in->self));
}

const met_jbuiltin met_builtin_dict_methods[] = {
    {"copy", run_copy, ""}, {"get", run_get, "- / -"},  {"items", run_items, ""},
    {"keys", run_keys, ""}, {"values", run_values, ""}, {"fromkeys", NULL, ""},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------- lists */

/* How often `wanted` is among items begin..end; first: where it is first, or -1. */
static bool count_items(met_eval *ev, met_jvalue self, met_jvalue wanted, int64_t begin,
                        int64_t end, int64_t *count, int64_t *first)
{
    *count = 0;
    *first = -1;
    for (int64_t i = begin; i < end; i++) {
        met_jvalue item;
        bool equal = false;
        if (!met_sequence_at(ev, self, i, &item) || !met_j_equal(ev, item, wanted, &equal)) {
            return false;
        }
        if (equal && *first < 0) *first = i;
        *count += equal;
    }
    return true;
}

static bool run_count(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t count = 0;
    int64_t first = 0;
    if (!count_items(ev, in->self, in->bound[0], 0, met_j_length(in->self), &count, &first))
        return false;
    *out = met_j_int(count);
    return true;
}

static bool run_index(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t length = met_j_length(in->self);
    int64_t begin = 0;
    int64_t end = length;
    int64_t count = 0;
    int64_t first = 0;
    if (!met_arg_int(ev, in->bound[1], "index: start", 0, &begin) ||
        !met_arg_int(ev, in->bound[2], "index: stop", length, &end)) {
        return false;
    }
    if (begin < 0) begin = begin + length < 0 ? 0 : begin + length;
    if (end < 0) end += length;
    if (end > length) end = length;
    if (!count_items(ev, in->self, in->bound[0], begin, end, &count, &first)) return false;
    if (first < 0)
        return met_eval_fail(ev, "index: the value is not in the %s", met_j_type_name(in->self));
    *out = met_j_int(first);
    return true;
}

const met_jbuiltin met_builtin_list_methods[] = {
    {"copy", run_copy, ""},
    {"count", run_count, "-"},
    {"index", run_index, "- / - -"},
    {NULL, NULL, NULL},
};

/* ---------------------------------------------------------------- loops */

static bool run_cycle(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    if (in->call->positional_count == 0 || in->call->named_count > 0) {
        return met_eval_fail(ev, "loop.cycle needs items, without names");
    }
    *out = in->call->positional[(size_t)in->self.as.loop->index0 % in->call->positional_count];
    return true;
}

static bool run_changed(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jvalue now;
    bool same = false;
    if (in->call->named_count > 0) return met_eval_fail(ev, "loop.changed takes no names");
    met_jvalue *items = met_j_list_make(ev, MET_J_TUPLE, in->call->positional_count, &now);
    if (items == NULL) return false;
    for (size_t i = 0; i < in->call->positional_count; i++) {
        items[i] = in->call->positional[i];
    }
    if (!met_j_equal(ev, in->self.as.loop->changed, now, &same)) return false;
    if (!same) in->self.as.loop->changed = now;
    *out = met_j_bool(!same);
    return true;
}

const met_jbuiltin met_builtin_loop_methods[] = {
    {"changed", run_changed, "*"},
    {"cycle", run_cycle, "*"},
    {NULL, NULL, NULL},
};
