/* metrics: the ring, its readers, counters, names of tracks and details. */
#include "metrics/recorder.h"
#include "support/testing.h"

#include <pthread.h>

enum { CAPACITY = 1024 };

static met_error err;

static met_recorder *open_recorder(size_t capacity)
{
    met_recorder *recorder = NULL;
    met_recorder_options options = met_recorder_options_default();
    options.capacity_events = capacity;
    assert_ok(met_recorder_create(&options, &recorder, &err));
    return recorder;
}

/* An event of which every word says `number`, so that a torn one shows. */
static void add_numbered(met_recorder *recorder, uint64_t number)
{
    met_event event = {
        .id = number,
        .parent = number,
        .name = "numbered",
        .detail = {"", 0},
        .layer = -1,
        .begin_ns = met_clock_ns(),
        .wait_ns = number,
        .tokens = number,
        .bytes = number,
        .macs = number,
    };
    event.end_ns = event.begin_ns + number;
    met_recorder_add(recorder, &event);
}

static void assert_numbered(const met_event *event)
{
    assert_string_equal(event->name, "numbered");
    assert_int_equal(event->detail.bytes, 0);
    assert_int_equal(event->layer, -1);
    assert_int_equal(event->parent, event->id);
    assert_int_equal(event->end_ns - event->begin_ns, event->id);
    assert_int_equal(event->wait_ns, event->id);
    assert_int_equal(event->tokens, event->id);
    assert_int_equal(event->bytes, event->id);
    assert_int_equal(event->macs, event->id);
}

static void events_come_out_as_they_went_in_and_once(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(0);
    met_event out[8];
    uint64_t cursor = 0, lost = 0;
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 8, &lost), 0);
    for (uint64_t i = 1; i <= 10; i++)
        add_numbered(recorder, i);
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 8, &lost), 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(out[i].id, i + 1);
        assert_numbered(&out[i]);
    }
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 8, &lost), 2);
    assert_int_equal(out[1].id, 10);
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 8, &lost), 0);
    assert_int_equal(lost, 0);
    met_recorder_free(recorder);
}

static void a_full_ring_keeps_the_newest_and_counts_what_was_lost(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(1); /* the least there is */
    static met_event out[2 * CAPACITY];
    uint64_t cursor = 0, lost = 0;
    for (uint64_t i = 1; i <= 3 * CAPACITY + 5; i++)
        add_numbered(recorder, i);
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 2 * CAPACITY, &lost), CAPACITY);
    assert_int_equal(lost, 2 * CAPACITY + 5);
    for (uint64_t i = 0; i < CAPACITY; i++) {
        assert_int_equal(out[i].id, 2 * CAPACITY + 6 + i);
        assert_numbered(&out[i]);
    }
    assert_int_equal(met_recorder_counters(recorder).events, 3 * CAPACITY + 5);
    assert_int_equal(met_recorder_counters(recorder).dropped_events, 0);
    met_recorder_free(recorder);
}

static void a_cursor_of_another_recorder_reads_nothing(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(0);
    met_event out[1];
    uint64_t cursor = UINT64_MAX;
    add_numbered(recorder, 1);
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 1, NULL), 0);
    add_numbered(recorder, 2);
    assert_int_equal(met_recorder_read(recorder, &cursor, out, 1, NULL), 1);
    assert_int_equal(out[0].id, 2);
    met_recorder_free(recorder);
}

/* ---------------------------------------------------------------- threads */

enum { WRITERS = 3, EACH = 20000 };

typedef struct writer {
    met_recorder *recorder;
    uint64_t first;
} writer;

static void *write_many(void *arg)
{
    const writer *w = arg;
    for (uint64_t i = 0; i < EACH; i++) {
        add_numbered(w->recorder, w->first + i);
        met_recorder_count(w->recorder, MET_COUNT_LOADS, 1);
    }
    return NULL;
}

/* Whole events only, each once, and in each writer's order. Every one that was written was read,
 * lost or dropped. */
static void threads_write_and_read_at_the_same_time(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(CAPACITY);
    pthread_t threads[WRITERS];
    writer writers[WRITERS];
    static met_event out[CAPACITY];
    uint64_t cursor = 0, lost = 0, read = 0, last[WRITERS] = {0};
    for (uint64_t i = 0; i < WRITERS; i++) {
        writers[i] = (writer){recorder, 1 + i * EACH};
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, &writers[i]), 0);
    }
    for (bool running = true, more = true; more;) {
        if (running && met_recorder_counters(recorder).loads == WRITERS * EACH) {
            for (int i = 0; i < WRITERS; i++)
                pthread_join(threads[i], NULL);
            running = false;
        }
        size_t count = met_recorder_read(recorder, &cursor, out, CAPACITY, &lost);
        for (size_t i = 0; i < count; i++) {
            assert_numbered(&out[i]);
            uint64_t from = (out[i].id - 1) / EACH;
            assert_true(from < WRITERS && out[i].id > last[from]);
            last[from] = out[i].id;
        }
        read += count;
        more = running || count > 0;
    }
    met_counters counters = met_recorder_counters(recorder);
    assert_int_equal(read + lost, counters.events);
    assert_int_equal(counters.events + counters.dropped_events, WRITERS * EACH);
    assert_true(read > 0);
    met_recorder_free(recorder);
}

/* ---------------------------------------------------------------- names */

static void a_detail_outlives_its_text_and_is_kept_once(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(0);
    char text[] = "blk.0.attn_q.weight";
    met_str kept = met_recorder_intern(recorder, (met_str){text, sizeof text - 1});
    text[0] = 'X';
    assert_string_equal(kept.data, "blk.0.attn_q.weight");
    text[0] = 'b';
    assert_ptr_equal(met_recorder_intern(recorder, (met_str){text, sizeof text - 1}).data,
                     kept.data);
    assert_int_equal(met_recorder_intern(NULL, (met_str){"x", 1}).bytes, 0);
    assert_int_equal(met_recorder_intern(recorder, (met_str){"", 0}).bytes, 0);
    met_recorder_free(recorder);
}

static void assert_track(met_recorder *recorder, int32_t track, const char *name)
{
    char found[32];
    assert_int_equal(met_recorder_track(recorder, track, found, sizeof found), strlen(name));
    assert_string_equal(found, name);
}

static void tracks_have_names_and_are_used_again(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(0);
    int32_t first = met_recorder_open_tracks(recorder, "session", 1);
    int32_t workers = met_recorder_open_tracks(recorder, "worker", 3);
    int32_t second = met_recorder_open_tracks(recorder, "session", 1);
    assert_track(recorder, MET_TRACK_MAIN, "main");
    assert_track(recorder, first, "session 1");
    assert_track(recorder, second, "session 2");
    assert_track(recorder, workers, "worker 1");
    assert_track(recorder, workers + 2, "worker 3");
    met_recorder_close_tracks(recorder, first, 1);
    met_recorder_close_tracks(recorder, workers, 3);
    assert_int_not_equal(met_recorder_open_tracks(recorder, "gpu", 1), first);
    assert_int_equal(met_recorder_open_tracks(recorder, "session", 1), first);
    assert_track(recorder, first, "session 1");

    char small[4];
    assert_int_equal(met_recorder_track(recorder, second, small, sizeof small), 9);
    assert_string_equal(small, "ses");
    assert_int_equal(met_recorder_track(recorder, -1, small, sizeof small), 0);
    assert_int_equal(met_recorder_track(recorder, MET_TRACKS_MAX, small, sizeof small), 0);
    assert_int_equal(met_recorder_track(recorder, MET_TRACKS_MAX - 1, small, sizeof small), 0);
    met_recorder_free(recorder);
}

static void without_a_track_spans_are_the_main_ones(void **state)
{
    (void)state;
    met_recorder *recorder = open_recorder(0);
    for (int i = 1; i < MET_TRACKS_MAX; i++)
        assert_int_equal(met_recorder_open_tracks(recorder, "session", 1), i);
    assert_int_equal(met_recorder_open_tracks(recorder, "session", 1), MET_TRACK_MAIN);
    assert_int_equal(met_recorder_open_tracks(recorder, "worker", MET_TRACKS_MAX), MET_TRACK_MAIN);
    met_recorder_close_tracks(recorder, MET_TRACK_MAIN, 1);
    met_recorder_free(recorder);
}

static void bad_options_are_refused_and_the_level_is_kept(void **state)
{
    (void)state;
    met_recorder *recorder = NULL;
    met_recorder_options options = {.level = (met_record_level)17};
    assert_int_equal(met_recorder_create(&options, &recorder, &err), MET_E_ARGUMENT);
    assert_null(recorder);
    options = (met_recorder_options){.level = MET_RECORD_OFF, .capacity_events = SIZE_MAX};
    assert_int_equal(met_recorder_create(&options, &recorder, &err), MET_E_ARGUMENT);
    assert_ok(met_recorder_create(NULL, &recorder, &err));
    for (int level = MET_RECORD_OFF; level <= MET_RECORD_OP; level++) {
        met_recorder_set_level(recorder, (met_record_level)level);
        assert_int_equal(met_recorder_level(recorder), level);
    }
    met_recorder_free(recorder);
    met_recorder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_out_as_they_went_in_and_once),
        cmocka_unit_test(a_full_ring_keeps_the_newest_and_counts_what_was_lost),
        cmocka_unit_test(a_cursor_of_another_recorder_reads_nothing),
        cmocka_unit_test(threads_write_and_read_at_the_same_time),
        cmocka_unit_test(a_detail_outlives_its_text_and_is_kept_once),
        cmocka_unit_test(tracks_have_names_and_are_used_again),
        cmocka_unit_test(without_a_track_spans_are_the_main_ones),
        cmocka_unit_test(bad_options_are_refused_and_the_level_is_kept),
    };
    return cmocka_run_group_tests_name("recorder", tests, NULL, NULL);
}
