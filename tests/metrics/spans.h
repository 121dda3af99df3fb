/* What the tests of recorded spans share: a machine that records, its events, and that they nest and
 * add up. */
#ifndef MET_TESTS_METRICS_SPANS_H
#define MET_TESTS_METRICS_SPANS_H

#include "generate/fixture.h"

enum { EVENTS_MAX = 60000, PROMPT = 12, TOKENS = 9 };

static met_error err;
static met_event events[EVENTS_MAX];
static size_t event_count;
static const int32_t prompt[PROMPT] = {5, 9, 40, 41, 42, 7, 8, 60, 61, 62, 63, 64};

typedef struct world {
    met_recorder *recorder;
    met_context *context;
    met_model *model;
} world;

static inline void open_world(world *w, const char *backend, met_record_level level,
                              int32_t threads)
{
    met_recorder_options options = {.level = level};
    assert_ok(met_recorder_create(&options, &w->recorder, &err));
    met_context_options machine = {
        .backend = backend, .threads = threads, .recorder = w->recorder};
    assert_ok(met_context_create(&machine, &w->context, &err));
    assert_ok(fixture_open_file(w->context, &w->model, &err));
}

static inline void close_world(world *w)
{
    met_model_free(w->model);
    met_context_free(w->context);
    met_recorder_free(w->recorder);
}

static inline met_session *open_session(const world *w, int32_t context_length)
{
    met_session *session = NULL;
    met_session_options options = {.context_length = context_length};
    assert_ok(met_session_create(w->model, &options, &session, &err));
    return session;
}

static inline met_generate_result generate(met_session *session, int32_t count, int32_t speculate)
{
    met_generate_result result;
    met_generate_options options = met_generate_options_default();
    options.max_tokens = TOKENS;
    options.ignore_end = true;
    options.speculate = speculate;
    assert_ok(met_generate(session, prompt, count, &options, &result, &err));
    return result;
}

/* All events so far. */
static inline void read_all(const world *w)
{
    uint64_t cursor = 0, lost = 0;
    event_count = met_recorder_read(w->recorder, &cursor, events, EVENTS_MAX, &lost);
    assert_int_equal(lost, 0);
    assert_int_equal(cursor, met_recorder_counters(w->recorder).events);
}

static inline size_t count_named(const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < event_count; i++)
        count += strcmp(events[i].name, name) == 0;
    return count;
}

static inline const met_event *named(const char *name, size_t index)
{
    for (size_t i = 0; i < event_count; i++) {
        if (strcmp(events[i].name, name) == 0 && index-- == 0) return &events[i];
    }
    fail_msg("no event %s", name);
    return NULL;
}

static inline const met_event *with_id(uint64_t id)
{
    for (size_t i = 0; i < event_count; i++) {
        if (events[i].id == id) return &events[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- nesting */

/* Ids are unlike each other, every span lies in its parent, and those of one track and one parent
 * do not overlap. */
static inline void assert_nested(void)
{
    for (size_t i = 0; i < event_count; i++) {
        const met_event *e = &events[i];
        assert_true(e->id > MET_SPAN_PROCESS && e->begin_ns <= e->end_ns);
        assert_true(e->wait_ns <= e->end_ns - e->begin_ns);
        assert_ptr_equal(with_id(e->id), e);
        if (e->parent == MET_SPAN_PROCESS) continue;
        const met_event *parent = with_id(e->parent);
        assert_non_null(parent);
        assert_true(parent > e || parent->track != e->track); /* recorded when it ended */
        assert_true(e->begin_ns >= parent->begin_ns && e->end_ns <= parent->end_ns);
        for (size_t j = 0; j < i; j++) {
            const met_event *other = &events[j];
            if (other->track != e->track || other->parent != e->parent) continue;
            assert_true(other->end_ns <= e->begin_ns || e->end_ns <= other->begin_ns);
        }
    }
}

/* The children of a span on its own track follow each other without a gap from its beginning to
 * its end, and what they did adds up to what it did. */
static inline size_t assert_tiled(const met_event *whole)
{
    uint64_t at = whole->begin_ns, wait = 0, bytes = 0, macs = 0;
    size_t children = 0;
    for (size_t i = 0; i < event_count; i++) {
        const met_event *e = &events[i];
        if (e->parent != whole->id || e->track != whole->track) continue;
        assert_int_equal(e->begin_ns, at);
        at = e->end_ns;
        wait += e->wait_ns;
        bytes += e->bytes;
        macs += e->macs;
        children++;
    }
    if (children == 0) return 0;
    assert_int_equal(at, whole->end_ns);
    assert_int_equal(wait, whole->wait_ns);
    assert_int_equal(bytes, whole->bytes);
    assert_int_equal(macs, whole->macs);
    return children;
}

#endif
