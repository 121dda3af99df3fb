/* Owns: one evaluation's memory, bounds and first failure; bringing the caller's values in.
 * The invariant: everything that an evaluation makes lives in its arena until it ends. */
#include "template/eval.h"

#include "base/checked.h"
#include "base/error.h"
#include "template/locale.h"
#include "template/run.h"
#include "template/value.h"

#include <stdarg.h>
#include <stdio.h>

met_template_limits met_template_limits_default(void)
{
    return (met_template_limits){.output_bytes = MET_TEMPLATE_OUTPUT_MAX,
                                 .memory_bytes = MET_TEMPLATE_MEMORY_MAX,
                                 .steps = MET_TEMPLATE_STEPS_MAX,
                                 .depth = MET_TEMPLATE_DEPTH_MAX * 10};
}

static bool fail_with(met_eval *ev, met_status status, const char *text)
{
    if (ev->status == MET_OK) {
        ev->status = met_fail(ev->err, status, "template line %u: %s", ev->line, text);
    }
    return false;
}

bool met_eval_fail(met_eval *ev, const char *format, ...)
{
    char text[MET_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail_with(ev, MET_E_TEMPLATE, text);
}

bool met_eval_fail_as(met_eval *ev, met_status status, const char *format, ...)
{
    char text[MET_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return fail_with(ev, status, text);
}

void *met_eval_alloc(met_eval *ev, size_t bytes)
{
    size_t most = ev->limits.memory_bytes;
    if (bytes > most || ev->arena.bytes > most - bytes) {
        (void)met_eval_fail(ev, "evaluation needs more than the bound of %zu bytes of memory",
                            most);
        return NULL;
    }
    void *made = met_arena_alloc(&ev->arena, bytes);
    if (made == NULL) {
        (void)met_eval_fail_as(ev, MET_E_MEMORY, "out of memory: %zu bytes", bytes);
    }
    return made;
}

void *met_eval_array(met_eval *ev, size_t count, size_t element_bytes)
{
    size_t bytes = 0;
    return met_eval_alloc(ev, met_mul_size(count, element_bytes, &bytes) ? bytes : SIZE_MAX);
}

static bool charge(met_eval *ev, uint64_t steps)
{
    ev->steps += steps;
    if (ev->steps <= ev->limits.steps) return true;
    return met_eval_fail(ev, "evaluation takes more than the bound of %llu steps",
                         (unsigned long long)ev->limits.steps);
}

bool met_eval_step(met_eval *ev)
{
    return charge(ev, 1);
}

bool met_eval_charge_bytes(met_eval *ev, size_t bytes)
{
    return charge(ev, bytes / 64);
}

const char *met_eval_message(met_eval *ev, const char *format, ...)
{
    char text[MET_ERROR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t bytes = strlen(text) + 1;
    char *copy = met_eval_alloc(ev, bytes);
    if (copy != NULL) memcpy(copy, text, bytes);
    return copy;
}

bool met_eval_enter(met_eval *ev)
{
    if (ev->depth >= ev->limits.depth) {
        return met_eval_fail(ev, "evaluation nests deeper than the bound of %d", ev->limits.depth);
    }
    ev->depth++;
    return true;
}

void met_eval_leave(met_eval *ev)
{
    ev->depth--;
}

/* ---------------------------------------------------------------- the caller's values */

static bool import_string(met_eval *ev, met_str text, bool trusted, met_jvalue *out)
{
    size_t bad_at = 0;
    met_jstring *s = met_eval_alloc(ev, sizeof *s);
    if (s == NULL) return false;
    if (!met_utf8_valid(text, &bad_at)) {
        return met_eval_fail_as(ev, MET_E_FORMAT,
                                "a string of the values is not valid UTF-8 at byte %zu", bad_at);
    }
    s->data = text.data;
    s->bytes = text.bytes;
    s->chars = met_jstring_count_chars(text);
    if (trusted && text.bytes > 0) {
        met_span *all = met_eval_alloc(ev, sizeof *all);
        if (all == NULL) return false;
        *all = (met_span){0, text.bytes};
        s->trusted = all;
        s->trusted_count = 1;
    }
    *out = met_j_string(s);
    return true;
}

static bool import_value(met_eval *ev, const met_value *value, met_jvalue *out);

static bool import_list(met_eval *ev, const met_value *value, met_jvalue *out)
{
    size_t count = met_value_get_count(value);
    met_jvalue *items = met_j_list_make(ev, MET_J_LIST, count, out);
    for (size_t i = 0; items != NULL && i < count; i++) {
        if (!import_value(ev, met_value_get_item(value, i), &items[i])) return false;
    }
    return items != NULL;
}

static bool import_dict(met_eval *ev, const met_value *value, met_jvalue *out)
{
    met_jdict *dict = met_eval_alloc(ev, sizeof *dict);
    if (dict == NULL) return false;
    for (size_t i = 0; i < met_value_get_count(value); i++) {
        met_jvalue key;
        met_jvalue item;
        if (!import_string(ev, met_value_get_key(value, i), false, &key) ||
            !import_value(ev, met_value_get_item(value, i), &item) ||
            !met_jdict_set(ev, dict, key, item)) {
            return false;
        }
    }
    *out = (met_jvalue){.kind = MET_J_DICT, .as = {.dict = dict}};
    return true;
}

static bool import_value(met_eval *ev, const met_value *value, met_jvalue *out)
{
    bool done = false;
    if (!met_eval_step(ev) || !met_eval_enter(ev)) return false;
    switch (met_value_get_kind(value)) {
    case MET_VALUE_NULL:
        *out = met_j_none();
        done = true;
        break;
    case MET_VALUE_BOOL:
        *out = met_j_bool(met_value_get_bool(value));
        done = true;
        break;
    case MET_VALUE_INT:
        *out = met_j_int(met_value_get_int(value));
        done = true;
        break;
    case MET_VALUE_UINT:
        done = met_eval_fail(ev, "integer %llu of the values does not fit 64 bits with a sign",
                             (unsigned long long)met_value_get_uint(value));
        break;
    case MET_VALUE_FLOAT:
        *out = met_j_float(met_value_get_float(value));
        done = true;
        break;
    case MET_VALUE_STRING:
        done = import_string(ev, met_value_get_string(value), met_value_is_trusted(value), out);
        break;
    case MET_VALUE_LIST: done = import_list(ev, value, out); break;
    case MET_VALUE_DICT: done = import_dict(ev, value, out); break;
    }
    met_eval_leave(ev);
    return done;
}

/* The number given for strftime_now stands for a function that formats it. */
static bool import_clock(met_eval *ev, const met_value *value, met_jvalue *out)
{
    met_jvalue now;
    if (!import_value(ev, value, &now)) return false;
    if (!met_j_is_number(now)) {
        return met_eval_fail(ev, "strftime_now of the values: %s, expected seconds since 1970",
                             met_j_type_name(now));
    }
    return met_j_function(ev, met_builtin_function(met_str_of("strftime_now")), now, out);
}

/* What the names of the template stand for outside of it. */
static bool import_names(met_eval *ev)
{
    const met_template *t = ev->template_;
    ev->globals = met_eval_array(ev, t->name_count, sizeof *ev->globals);
    if (ev->globals == NULL) return false;
    for (size_t id = 0; id < t->name_count; id++) {
        met_str name = {t->names[id]->data, t->names[id]->bytes};
        const met_value *value = met_value_find(ev->names, name);
        const met_jbuiltin *function = met_builtin_function(name);
        bool clock = met_str_is(name, "strftime_now");
        bool done = true;
        if (value != NULL) {
            done = clock ? import_clock(ev, value, &ev->globals[id])
                         : import_value(ev, value, &ev->globals[id]);
        } else if (function != NULL && !clock) {
            met_jvalue absent = {.kind = MET_J_ABSENT};
            done = met_j_function(ev, function, absent, &ev->globals[id]);
        }
        if (!done) return false;
    }
    return true;
}

/* ---------------------------------------------------------------- the whole */

static met_status export_text(met_eval *ev, const met_jwriter *w, met_text *out)
{
    met_text text = {0};
    text.data = malloc(w->bytes + 1);
    if (text.data == NULL) return met_fail_memory(ev->err, "rendered template", w->bytes + 1);
    if (w->bytes > 0) memcpy(text.data, w->data, w->bytes);
    text.data[w->bytes] = '\0';
    text.bytes = w->bytes;
    if (w->trusted_count > 0) {
        size_t bytes = w->trusted_count * sizeof *text.control;
        text.control = malloc(bytes);
        if (text.control == NULL) {
            met_text_free(&text);
            return met_fail_memory(ev->err, "control ranges", bytes);
        }
        memcpy(text.control, w->trusted, bytes);
        text.control_count = w->trusted_count;
    }
    *out = text;
    return MET_OK;
}

met_status met_template_evaluate_within(const met_template *template_, const met_value *names,
                                        met_template_limits limits, met_text *out, met_error *err)
{
    met_eval ev = {.err = err, .limits = limits, .template_ = template_, .names = names, .line = 1};
    met_jwriter w = met_jwriter_start(&ev);
    met_jflow flow = MET_JFLOW_ON;
    memset(out, 0, sizeof *out);
    if (names != NULL && met_value_get_kind(names) != MET_VALUE_DICT) {
        return met_fail(err, MET_E_ARGUMENT, "template: the names are not a dict");
    }
    met_locale plain = met_locale_enter();
    ev.out = &w;
    ev.scope = met_scope_make(&ev, NULL, &template_->hidden);
    if (ev.scope != NULL && import_names(&ev) && met_run_body(&ev, &template_->body, &flow)) {
        ev.status = export_text(&ev, &w, out);
    }
    met_locale_leave(plain);
    met_arena_free(&ev.arena);
    return ev.status;
}
