/* Owns: the filters that work on lists, dicts and whatever can be iterated.
 * The invariant: what Python makes a generator is one here: it computes an item when asked. */
#include "template/run.h"

/* ---------------------------------------------------------------- attributes by path */

/* "address.city", or a number, taken apart. */
typedef struct path {
    met_jvalue *parts; /* [count] */
    size_t count;
    met_jvalue fallback; /* for what is undefined on the way; ABSENT: none */
    bool lower;          /* compare strings without case */
} path;

static bool path_add(met_eval *ev, path *out, met_str part)
{
    int64_t index = 0;
    bool valid = false;
    met_jvalue *value = &out->parts[out->count++];
    if (!met_str_is_digits(part)) return met_j_text(ev, part, value);
    if (!met_number_parse_int(ev, part, 10, &index, &valid)) return false;
    *value = met_j_int(index);
    return true;
}

static bool path_parse(met_eval *ev, met_jvalue attribute, path *out)
{
    *out = (path){.fallback = {.kind = MET_J_ABSENT}};
    if (!met_arg_given(attribute)) return true;
    bool text = attribute.kind == MET_J_STRING;
    met_str rest = text ? met_j_str_view(attribute) : met_str_of("");
    size_t most = 1;
    for (size_t i = 0; i < rest.bytes; i++) {
        most += rest.data[i] == '.';
    }
    out->parts = met_eval_array(ev, most, sizeof *out->parts);
    if (out->parts == NULL) return false;
    if (!text) {
        out->parts[out->count++] = attribute;
        return true;
    }
    for (;;) {
        const char *dot = memchr(rest.data, '.', rest.bytes);
        size_t length = dot == NULL ? rest.bytes : (size_t)(dot - rest.data);
        if (!path_add(ev, out, (met_str){rest.data, length})) return false;
        if (dot == NULL) return true;
        rest.data += length + 1;
        rest.bytes -= length + 1;
    }
}

static bool lower_case(met_eval *ev, met_jvalue *value)
{
    if (value->kind != MET_J_STRING) return true;
    return met_jstring_cased(ev, value->as.string, MET_JCASING_LOWER, value);
}

static bool path_get(met_eval *ev, const path *path_, met_jvalue item, met_jvalue *out)
{
    *out = item;
    for (size_t i = 0; i < path_->count; i++) {
        if (!met_run_item(ev, *out, path_->parts[i], out)) return false;
        if (out->kind == MET_J_UNDEFINED && path_->fallback.kind != MET_J_ABSENT) {
            *out = path_->fallback;
        }
    }
    return !path_->lower || lower_case(ev, out);
}

/* ---------------------------------------------------------------- sorting */

typedef struct sorter {
    met_eval *ev;
    met_jvalue *keys;
    met_jvalue *items;
    met_jvalue *spare_keys;
    met_jvalue *spare_items;
    bool reverse;
} sorter;

/* Whether the right one has to come before the left one, its equal staying behind. */
static bool comes_before(sorter *s, met_jvalue right, met_jvalue left, bool *out)
{
    met_jvalue a = s->reverse ? left : right;
    met_jvalue b = s->reverse ? right : left;
    return met_j_compare(s->ev, MET_JORDER_LT, a, b, out);
}

static bool merge_sort(sorter *s, size_t begin, size_t end)
{
    if (end - begin < 2) return true;
    size_t middle = begin + (end - begin) / 2;
    if (!merge_sort(s, begin, middle) || !merge_sort(s, middle, end)) return false;
    size_t left = begin;
    size_t right = middle;
    for (size_t to = begin; to < end; to++) {
        bool takes_right = left == middle;
        if (left < middle && right < end &&
            !comes_before(s, s->keys[right], s->keys[left], &takes_right)) {
            return false;
        }
        size_t from = takes_right ? right++ : left++;
        s->spare_keys[to] = s->keys[from];
        s->spare_items[to] = s->items[from];
    }
    memcpy(s->keys + begin, s->spare_keys + begin, (end - begin) * sizeof *s->keys);
    memcpy(s->items + begin, s->spare_items + begin, (end - begin) * sizeof *s->items);
    return true;
}

bool met_sort(met_eval *ev, met_jvalue *keys, met_jvalue *items, size_t count, bool reverse)
{
    sorter s = {.ev = ev, .keys = keys, .items = items, .reverse = reverse};
    s.spare_keys = met_eval_array(ev, count, sizeof *s.spare_keys);
    s.spare_items = met_eval_array(ev, count, sizeof *s.spare_items);
    if (s.spare_keys == NULL || s.spare_items == NULL) return false;
    return merge_sort(&s, 0, count);
}

/* Keys are lists, as in Jinja: then values that are equal are never asked for their order. */
static bool sort_key(met_eval *ev, const path *paths, size_t count, met_jvalue item,
                     met_jvalue *out)
{
    met_jvalue *parts = met_j_list_make(ev, MET_J_LIST, count, out);
    for (size_t i = 0; parts != NULL && i < count; i++) {
        if (!path_get(ev, &paths[i], item, &parts[i])) return false;
    }
    return parts != NULL;
}

/* "age,name" to paths. */
static bool sort_paths(met_eval *ev, met_jvalue attribute, bool lower, path **out, size_t *count)
{
    met_jvalue name = attribute;
    *count = 1;
    bool text = attribute.kind == MET_J_STRING;
    met_str rest = text ? met_j_str_view(attribute) : met_str_of("");
    for (size_t i = 0; i < rest.bytes; i++) {
        *count += rest.data[i] == ',';
    }
    path *paths = met_eval_array(ev, *count, sizeof *paths);
    if (paths == NULL) return false;
    for (size_t i = 0; i < *count; i++) {
        const char *comma = memchr(rest.data, ',', rest.bytes);
        size_t length = comma == NULL ? rest.bytes : (size_t)(comma - rest.data);
        if (text && !met_j_text(ev, (met_str){rest.data, length}, &name)) return false;
        if (!path_parse(ev, name, &paths[i])) return false;
        paths[i].lower = lower;
        if (comma == NULL) break;
        rest.data += length + 1;
        rest.bytes -= length + 1;
    }
    *out = paths;
    return true;
}

static bool run_sort(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    path *paths = NULL;
    size_t path_count = 0;
    met_jvalue list;
    met_jvalue sorted;
    met_jvalue unused;
    if (!sort_paths(ev, in->bound[2], !met_j_truth(in->bound[1]), &paths, &path_count) ||
        !met_iter_collect(ev, in->self, MET_J_LIST, &list)) {
        return false;
    }
    size_t count = list.as.list->count;
    met_jvalue *items = met_j_list_make(ev, MET_J_LIST, count, &sorted);
    met_jvalue *keys = met_j_list_make(ev, MET_J_LIST, count, &unused);
    if (items == NULL || keys == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        items[i] = list.as.list->items[i];
        if (!sort_key(ev, paths, path_count, items[i], &keys[i])) return false;
    }
    *out = sorted;
    return met_sort(ev, keys, items, count, met_j_truth(in->bound[0]));
}

static bool run_dictsort(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jvalue sorted;
    met_jvalue unused;
    met_str by = met_str_of("key");
    if (in->bound[1].kind == MET_J_STRING) by = met_j_str_view(in->bound[1]);
    bool value = met_str_is(by, "value");
    if ((!value && !met_str_is(by, "key")) ||
        (in->bound[1].kind != MET_J_STRING && in->bound[1].kind != MET_J_ABSENT)) {
        return met_eval_fail(ev, "dictsort: can sort by 'key' or 'value' only");
    }
    if (in->self.kind != MET_J_DICT) {
        return met_eval_fail(ev, "dictsort: %s, expected a dict", met_j_type_name(in->self));
    }
    const met_jdict *dict = in->self.as.dict;
    met_jvalue *items = met_j_list_make(ev, MET_J_LIST, dict->count, &sorted);
    met_jvalue *keys = met_j_list_make(ev, MET_J_LIST, dict->count, &unused);
    if (items == NULL || keys == NULL) return false;
    for (size_t i = 0; i < dict->count; i++) {
        met_jvalue *pair = met_j_list_make(ev, MET_J_TUPLE, 2, &items[i]);
        if (pair == NULL) return false;
        pair[0] = dict->entries[i].key;
        pair[1] = dict->entries[i].value;
        keys[i] = value ? pair[1] : pair[0];
        if (!met_j_truth(in->bound[0]) && !lower_case(ev, &keys[i])) return false;
    }
    *out = sorted;
    return met_sort(ev, keys, items, dict->count, met_j_truth(in->bound[2]));
}

/* The first of the smallest, or of the largest. */
static bool run_extreme(met_eval *ev, met_jvalue self, const met_jvalue *bound, met_jorder order,
                        met_jvalue *out)
{
    path path_;
    met_jiter *it = NULL;
    met_jvalue item;
    met_jvalue key;
    met_jvalue best_key = {.kind = MET_J_ABSENT};
    met_jstep step;
    if (!path_parse(ev, bound[1], &path_) || !met_iter_open(ev, self, &it)) return false;
    path_.lower = !met_j_truth(bound[0]);
    *out = met_j_undefined("No aggregated item, sequence was empty.");
    while ((step = met_iter_next(ev, it, &item)) == MET_JSTEP_ITEM) {
        bool better = best_key.kind == MET_J_ABSENT;
        if (!path_get(ev, &path_, item, &key)) return false;
        if (!better && !met_j_compare(ev, order, key, best_key, &better)) return false;
        if (better) {
            best_key = key;
            *out = item;
        }
    }
    return step == MET_JSTEP_END;
}

static bool run_min(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return run_extreme(ev, in->self, in->bound, MET_JORDER_LT, out);
}

static bool run_max(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return run_extreme(ev, in->self, in->bound, MET_JORDER_GT, out);
}

/* ---------------------------------------------------------------- one value from many */

static bool run_length(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    int64_t length = met_j_length(in->self);
    if (in->self.kind == MET_J_LOOP && !met_loop_length(ev, in->self.as.loop, &length))
        return false;
    if (length < 0) return met_eval_fail(ev, "%s has no length", met_j_type_name(in->self));
    *out = met_j_int(length);
    return true;
}

static bool run_default(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    (void)ev;
    static const met_jstring empty = {.data = ""};
    bool replaced =
        in->self.kind == MET_J_UNDEFINED || (met_j_truth(in->bound[1]) && !met_j_truth(in->self));
    met_jvalue fallback = in->bound[0].kind == MET_J_ABSENT ? met_j_string(&empty) : in->bound[0];
    *out = replaced ? fallback : in->self;
    return true;
}

static bool run_join(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    static const met_jstring empty = {.data = ""};
    const met_jstring *separator = &empty;
    path path_;
    met_jiter *it = NULL;
    met_jvalue item;
    met_jstep step;
    met_jwriter w = met_jwriter_start(ev);
    if (in->bound[0].kind != MET_J_ABSENT && !met_arg_string(ev, in->bound[0], &separator))
        return false;
    if (!path_parse(ev, in->bound[1], &path_) || !met_iter_open(ev, in->self, &it)) return false;
    for (size_t i = 0; (step = met_iter_next(ev, it, &item)) == MET_JSTEP_ITEM; i++) {
        if ((i > 0 && !met_jwriter_add_string(&w, separator)) ||
            !path_get(ev, &path_, item, &item) || !met_write_str(&w, item)) {
            return false;
        }
    }
    return step == MET_JSTEP_END && met_jwriter_finish(&w, out);
}

static bool run_first(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jiter *it = NULL;
    if (!met_iter_open(ev, in->self, &it)) return false;
    met_jstep step = met_iter_next(ev, it, out);
    if (step == MET_JSTEP_END) *out = met_j_undefined("No first item, sequence was empty.");
    return step != MET_JSTEP_FAILED;
}

static bool run_last(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jvalue items;
    if (in->self.kind == MET_J_ITERATOR) {
        return met_eval_fail(ev,
                             "last: '%s' gives an iterator, which has no end to begin from: "
                             "add '|list'",
                             in->self.as.iterator->name);
    }
    if (!met_iter_collect(ev, in->self, MET_J_LIST, &items)) return false;
    size_t count = items.as.list->count;
    *out = count > 0 ? items.as.list->items[count - 1]
                     : met_j_undefined("No last item, sequence was empty.");
    return true;
}

static bool run_sum(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    path path_;
    met_jiter *it = NULL;
    met_jvalue item;
    met_jstep step;
    met_jvalue total = in->bound[1].kind == MET_J_ABSENT ? met_j_int(0) : in->bound[1];
    if (total.kind == MET_J_STRING) return met_eval_fail(ev, "sum: strings cannot be summed");
    if (!path_parse(ev, in->bound[0], &path_) || !met_iter_open(ev, in->self, &it)) return false;
    while ((step = met_iter_next(ev, it, &item)) == MET_JSTEP_ITEM) {
        if (!path_get(ev, &path_, item, &item) ||
            !met_run_math(ev, MET_JOP_ADD, total, item, &total)) {
            return false;
        }
    }
    *out = total;
    return step == MET_JSTEP_END;
}

/* ---------------------------------------------------------------- many from many */

static bool run_list(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return met_iter_collect(ev, in->self, MET_J_LIST, out);
}

/* An iterator over a list that is there already. */
static bool as_iterator(met_eval *ev, const char *name, met_jvalue list, met_jvalue *out)
{
    met_jiter *it = NULL;
    if (!met_iter_open(ev, list, &it)) return false;
    it->name = name;
    *out = (met_jvalue){.kind = MET_J_ITERATOR, .as = {.iterator = it}};
    return true;
}

static bool run_reverse(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jvalue list;
    met_jvalue reversed;
    if (in->self.kind == MET_J_STRING) {
        int64_t chars = (int64_t)in->self.as.string->chars;
        return met_jstring_slice(ev, in->self.as.string, chars - 1, -1, chars, out);
    }
    if (!met_iter_collect(ev, in->self, MET_J_LIST, &list)) return false;
    size_t count = list.as.list->count;
    met_jvalue *items = met_j_list_make(ev, MET_J_LIST, count, &reversed);
    if (items == NULL) return false;
    for (size_t i = 0; i < count; i++) {
        items[i] = list.as.list->items[count - 1 - i];
    }
    if (in->self.kind == MET_J_ITERATOR) { /* Python has to make a list of it */
        *out = reversed;
        return true;
    }
    return as_iterator(ev, "reverse", reversed, out);
}

static met_jstep next_of_items(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    if (it->over.kind == MET_J_UNDEFINED) return MET_JSTEP_END;
    if (it->over.kind != MET_J_DICT) {
        (void)met_eval_fail(ev, "items: %s, expected a dict", met_j_type_name(it->over));
        return MET_JSTEP_FAILED;
    }
    const met_jdict *dict = it->over.as.dict;
    if (it->at >= dict->count) return MET_JSTEP_END;
    met_jvalue *pair = met_j_list_make(ev, MET_J_TUPLE, 2, out);
    if (pair == NULL) return MET_JSTEP_FAILED;
    pair[0] = dict->entries[it->at].key;
    pair[1] = dict->entries[it->at].value;
    it->at++;
    return MET_JSTEP_ITEM;
}

static bool run_items(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jiter *it = met_iter_make(ev, "items", next_of_items, out);
    if (it == NULL) return false;
    it->over = in->self;
    return true;
}

typedef struct unique_state {
    path path_;
    met_jdict seen;
} unique_state;

/* Open the source of a filter when it is first asked: only then can it fail. */
static bool open_source(met_eval *ev, met_jiter *it)
{
    return it->source != NULL || met_iter_open(ev, it->over, &it->source);
}

static met_jstep next_unique(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    unique_state *state = it->state;
    if (!open_source(ev, it)) return MET_JSTEP_FAILED;
    for (;;) {
        met_jvalue key;
        const met_jvalue *seen = NULL;
        met_jstep step = met_iter_next(ev, it->source, out);
        if (step != MET_JSTEP_ITEM) return step;
        if (!path_get(ev, &state->path_, *out, &key) ||
            !met_jdict_find(ev, &state->seen, key, &seen)) {
            return MET_JSTEP_FAILED;
        }
        if (seen != NULL) continue;
        return met_jdict_set(ev, &state->seen, key, *out) ? MET_JSTEP_ITEM : MET_JSTEP_FAILED;
    }
}

static bool run_unique(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    met_jiter *it = met_iter_make(ev, "unique", next_unique, out);
    unique_state *state = met_eval_alloc(ev, sizeof *state);
    if (it == NULL || state == NULL || !path_parse(ev, in->bound[1], &state->path_)) return false;
    state->path_.lower = !met_j_truth(in->bound[0]);
    it->over = in->self;
    it->state = state;
    return true;
}

/* ---------------------------------------------------------------- map, select, reject */

typedef struct apply_state {
    met_jcall call;              /* as given; what `builtin` takes once it is ready */
    const met_jbuiltin *builtin; /* NULL: the attribute of `map`, the truth of the others */
    path path_;
    bool ready;
    bool by_attribute;
    bool rejects;
} apply_state;

/* The builtin named by the first argument from `skip` on; what follows is for it. */
static bool take_builtin(met_eval *ev, apply_state *state, const char *kind, size_t skip)
{
    const met_jvalue *name = &state->call.positional[skip];
    bool filter = strcmp(kind, "filter") == 0;
    if (name->kind != MET_J_STRING) {
        return met_eval_fail(ev, "the name of a %s is %s, expected str", kind,
                             met_j_type_name(*name));
    }
    met_str text = met_j_str_view(*name);
    state->builtin = filter ? met_builtin_filter(text) : met_builtin_test(text);
    if (state->builtin == NULL) {
        return met_eval_fail(ev, "%s '%.*s' is not known", kind, met_str_shown(text), text.data);
    }
    state->call.positional += skip + 1;
    state->call.positional_count -= skip + 1;
    return true;
}

static bool prepare_map(met_eval *ev, apply_state *state)
{
    met_jvalue attribute = {.kind = MET_J_ABSENT};
    met_jvalue fallback = {.kind = MET_J_ABSENT};
    bool other = false;
    if (state->call.positional_count > 0) return take_builtin(ev, state, "filter", 0);
    for (size_t i = 0; i < state->call.named_count; i++) {
        met_str name = {state->call.named[i].name->data, state->call.named[i].name->bytes};
        if (met_str_is(name, "attribute")) {
            attribute = state->call.named[i].value;
        } else if (met_str_is(name, "default")) {
            fallback = state->call.named[i].value;
        } else {
            other = true;
        }
    }
    if (attribute.kind == MET_J_ABSENT || other) {
        return met_eval_fail(ev, "map needs the name of a filter, or attribute=");
    }
    if (!path_parse(ev, attribute, &state->path_)) return false;
    if (met_arg_given(fallback)) state->path_.fallback = fallback;
    return true;
}

static bool prepare_select(met_eval *ev, apply_state *state)
{
    size_t skip = 0;
    if (state->by_attribute) {
        if (state->call.positional_count == 0) {
            return met_eval_fail(ev, "the name of an attribute is missing");
        }
        if (!path_parse(ev, state->call.positional[0], &state->path_)) return false;
        skip = 1;
    }
    return state->call.positional_count <= skip || take_builtin(ev, state, "test", skip);
}

/* Whether there is anything to do; like Jinja, nothing is looked at for a false value. */
static bool start(met_eval *ev, met_jiter *it, bool (*prepare)(met_eval *ev, apply_state *state))
{
    apply_state *state = it->state;
    if (state->ready) return true;
    state->ready = true;
    if (!met_j_truth(it->over)) return true;
    return prepare(ev, state) && open_source(ev, it);
}

static met_jstep next_mapped(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    apply_state *state = it->state;
    met_jvalue item;
    if (!start(ev, it, prepare_map)) return MET_JSTEP_FAILED;
    if (it->source == NULL) return MET_JSTEP_END;
    met_jstep step = met_iter_next(ev, it->source, &item);
    if (step != MET_JSTEP_ITEM) return step;
    bool done = state->builtin == NULL
                    ? path_get(ev, &state->path_, item, out)
                    : met_builtin_call(ev, "filter", state->builtin, item, &state->call, out);
    return done ? MET_JSTEP_ITEM : MET_JSTEP_FAILED;
}

static met_jstep next_selected(met_eval *ev, met_jiter *it, met_jvalue *out)
{
    apply_state *state = it->state;
    if (!start(ev, it, prepare_select)) return MET_JSTEP_FAILED;
    if (it->source == NULL) return MET_JSTEP_END;
    for (;;) {
        met_jvalue tested;
        met_jstep step = met_iter_next(ev, it->source, out);
        if (step != MET_JSTEP_ITEM) return step;
        if (!path_get(ev, &state->path_, *out, &tested)) return MET_JSTEP_FAILED;
        if (state->builtin != NULL &&
            !met_builtin_call(ev, "test", state->builtin, tested, &state->call, &tested)) {
            return MET_JSTEP_FAILED;
        }
        if (met_j_truth(tested) != state->rejects) return MET_JSTEP_ITEM;
    }
}

static bool apply(met_eval *ev, met_jvalue self, const met_jcall *call, const char *name,
                  met_jiter_fn next, met_jvalue *out)
{
    met_jiter *it = met_iter_make(ev, name, next, out);
    apply_state *state = met_eval_alloc(ev, sizeof *state);
    if (it == NULL || state == NULL) return false;
    state->call = *call;
    state->path_.fallback.kind = MET_J_ABSENT;
    state->rejects = strncmp(name, "reject", 6) == 0;
    state->by_attribute = strlen(name) > 6; /* selectattr, rejectattr */
    it->over = self;
    it->state = state;
    return true;
}

static bool run_map(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return apply(ev, in->self, in->call, "map", next_mapped, out);
}

static bool run_select(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return apply(ev, in->self, in->call, "select", next_selected, out);
}

static bool run_reject(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return apply(ev, in->self, in->call, "reject", next_selected, out);
}

static bool run_selectattr(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return apply(ev, in->self, in->call, "selectattr", next_selected, out);
}

static bool run_rejectattr(met_eval *ev, const met_jargs *in, met_jvalue *out)
{
    return apply(ev, in->self, in->call, "rejectattr", next_selected, out);
}

const met_jbuiltin met_builtin_sequence_filters[] = {
    {"count", run_length, ""},
    {"d", run_default, "/ default_value boolean"},
    {"default", run_default, "/ default_value boolean"},
    {"dictsort", run_dictsort, "/ case_sensitive by reverse"},
    {"first", run_first, ""},
    {"items", run_items, ""},
    {"join", run_join, "/ d attribute"},
    {"last", run_last, ""},
    {"length", run_length, ""},
    {"list", run_list, ""},
    {"map", run_map, "*"},
    {"max", run_max, "/ case_sensitive attribute"},
    {"min", run_min, "/ case_sensitive attribute"},
    {"reject", run_reject, "*"},
    {"rejectattr", run_rejectattr, "*"},
    {"reverse", run_reverse, ""},
    {"select", run_select, "*"},
    {"selectattr", run_selectattr, "*"},
    {"sort", run_sort, "/ reverse case_sensitive attribute"},
    {"sum", run_sum, "/ attribute start"},
    {"unique", run_unique, "/ case_sensitive attribute"},
    {"attr", NULL, ""},
    {"batch", NULL, ""},
    {"groupby", NULL, ""},
    {"random", NULL, ""},
    {"slice", NULL, ""},
    {NULL, NULL, NULL},
};
