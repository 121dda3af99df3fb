/* metrics: what a machine says of a step becomes spans: operations, other workers, devices. */
#include "metrics/recorder.h"
#include "support/testing.h"

static met_error err;
static met_recorder *recorder;
static met_event events[64];
static size_t event_count;
static uint64_t cursor;

static int open_recorder(void **state)
{
    (void)state;
    cursor = 0;
    return met_recorder_create(NULL, &recorder, &err) == MET_OK ? 0 : -1;
}

static int close_recorder(void **state)
{
    (void)state;
    met_recorder_free(recorder);
    return 0;
}

/* Those since the last call. */
static void read_events(void)
{
    event_count = met_recorder_read(recorder, &cursor, events, 64, NULL);
}

/* An operation that ends `ns` after the step began and counts 1, 2, 3 of everything. */
static void add_op(met_trace *trace, const char *name, int32_t layer, uint64_t ns)
{
    met_event op = {.name = name, .detail = {"", 0}, .layer = layer, .wait_ns = 1, .tokens = 4,
                    .bytes = 2, .macs = 3};
    op.end_ns = trace->begin_ns + ns;
    met_trace_op(trace, &op);
}

static void an_operation_begins_where_the_one_before_it_ended(void **state)
{
    (void)state;
    met_trace trace;
    met_trace_begin(&trace, recorder, MET_RECORD_OP, 5);
    add_op(&trace, "a", -1, 10);
    add_op(&trace, "b", 0, 30);
    add_op(&trace, "c", 0, 31);
    add_op(&trace, "d", 1, 50);
    add_op(&trace, "e", -1, 60);
    met_trace_end(&trace);
    assert_int_equal(trace.end_ns, trace.begin_ns + 60);
    assert_int_equal(trace.wait_ns, 5);
    read_events();
    static const struct {
        const char *name;
        uint64_t begin, end;
        int32_t layer;
        uint64_t parts;
    } expected[] = {{"a", 0, 10, -1, 1}, {"b", 10, 30, 0, 1}, {"c", 30, 31, 0, 1},
                    {"layer", 10, 31, 0, 2}, {"d", 31, 50, 1, 1}, {"layer", 31, 50, 1, 1},
                    {"e", 50, 60, -1, 1}};
    assert_int_equal(event_count, sizeof expected / sizeof expected[0]);
    uint64_t zero = events[0].begin_ns;
    for (size_t i = 0; i < event_count; i++) {
        const met_event *e = &events[i];
        assert_string_equal(e->name, expected[i].name);
        assert_int_equal(e->begin_ns - zero, expected[i].begin);
        assert_int_equal(e->end_ns - zero, expected[i].end);
        assert_int_equal(e->layer, expected[i].layer);
        assert_int_equal(e->track, 5);
        assert_int_equal(e->tokens, 4);
        assert_int_equal(e->wait_ns, expected[i].parts);
        assert_int_equal(e->bytes, 2 * expected[i].parts);
        assert_int_equal(e->macs, 3 * expected[i].parts);
    }
    assert_int_equal(events[1].parent, events[3].id);
    assert_int_equal(events[2].parent, events[3].id);
    assert_int_equal(events[4].parent, events[5].id);
    for (size_t i = 0; i < event_count; i++) {
        if (events[i].layer < 0 || strcmp(events[i].name, "layer") == 0) {
            assert_int_equal(events[i].parent, trace.step);
        }
    }
}

static void at_level_layer_only_what_is_in_no_layer_has_a_span_of_its_own(void **state)
{
    (void)state;
    met_trace trace;
    met_trace_begin(&trace, recorder, MET_RECORD_LAYER, 0);
    add_op(&trace, "a", -1, 10);
    add_op(&trace, "b", 0, 30);
    add_op(&trace, "c", 0, 31);
    met_trace_end(&trace);
    read_events();
    assert_int_equal(event_count, 2);
    assert_string_equal(events[0].name, "a");
    assert_string_equal(events[1].name, "layer");
    assert_int_equal(events[1].end_ns - events[1].begin_ns, 21);
    assert_int_equal(trace.end_ns, trace.begin_ns + 31); /* a layer may be the last */
}

static void a_machine_that_says_nothing_gets_a_step_that_ends_now(void **state)
{
    (void)state;
    met_trace trace;
    met_trace_begin(&trace, recorder, MET_RECORD_OP, 0);
    met_trace_end(&trace);
    uint64_t now = met_clock_ns();
    assert_true(trace.end_ns >= trace.begin_ns && trace.end_ns <= now);
    read_events();
    assert_int_equal(event_count, 0);
}

static void what_lies_beside_the_step_is_kept_within_it(void **state)
{
    (void)state;
    met_trace trace;
    met_trace_begin(&trace, recorder, MET_RECORD_OP, 0);
    met_event op = {.name = "x", .detail = {"", 0}, .track = 9, .layer = 2};
    op.begin_ns = trace.begin_ns - 100;
    op.end_ns = trace.begin_ns + 5;
    met_trace_aside(&trace, &op);
    op.begin_ns = trace.begin_ns + 7;
    op.end_ns = trace.begin_ns + 3; /* ends before it began */
    met_trace_aside(&trace, &op);
    met_trace_end(&trace);
    read_events();
    assert_int_equal(event_count, 2);
    assert_int_equal(events[0].end_ns - events[0].begin_ns, 5);
    assert_int_equal(events[1].end_ns, events[1].begin_ns);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(events[i].parent, trace.step);
        assert_int_equal(events[i].track, 9);
        assert_int_equal(events[i].layer, 2);
    }
}

/* A clock that began long before ours: seconds near 1e6 have steps of 2^-33 in a double, some 0.1
 * ns, and three roundings. */
enum { ROUNDING_NS = 3 };

static void assert_about(uint64_t found, uint64_t expected)
{
    assert_true(found + ROUNDING_NS >= expected && found <= expected + ROUNDING_NS);
}

/* The device says: from 3 ms to 1 ms ago. The recorder and the step are older than that, or only
 * the recorder. */
static void a_devices_times_are_moved_to_the_hosts_clock_and_counted(void **state)
{
    (void)state;
    met_trace trace;
    met_event op = {.name = "gpu", .detail = {"", 0}, .track = 3, .layer = -1};
    while (met_recorder_now(recorder) < 4000000)
        continue;
    for (int ahead = 0; ahead < 2; ahead++) {
        met_trace_begin(&trace, recorder, MET_RECORD_TOKEN, 0);
        if (!ahead) trace.begin_ns -= 3500000;
        uint64_t before = met_recorder_now(recorder);
        met_trace_device(&trace, &op, 1e6 + 0.001, 1e6 + 0.003, 1e6 + 0.004);
        uint64_t after = met_recorder_now(recorder);
        read_events();
        assert_int_equal(event_count, 1);
        assert_true(events[0].begin_ns + 3000000 + ROUNDING_NS >= before);
        assert_true(events[0].begin_ns + 3000000 <= after + ROUNDING_NS);
        assert_about(events[0].end_ns - events[0].begin_ns, 2000000);
        assert_int_equal(events[0].parent, ahead ? MET_SPAN_PROCESS : trace.step);
        assert_int_equal(events[0].track, 3);
    }
    assert_about(met_recorder_counters(recorder).device_ns, 2 * 2000000);
}

/* Two ms lie between the end that the host saw and the reading of its clock, but by the device's clock
 * the end was half a ms ago. */
static void a_devices_span_ends_by_when_the_host_saw_its_end(void **state)
{
    (void)state;
    met_trace trace;
    met_event op = {.name = "gpu", .detail = {"", 0}, .track = 3, .layer = -1};
    while (met_recorder_now(recorder) < 4000000)
        continue;
    met_trace_begin(&trace, recorder, MET_RECORD_TOKEN, 0);
    trace.begin_ns -= 3500000;
    uint64_t seen = met_recorder_now(recorder);
    op.end_ns = met_recorder_epoch(recorder) + seen;
    while (met_recorder_now(recorder) < seen + 2000000)
        continue;
    met_trace_device(&trace, &op, 1e6 + 0.001, 1e6 + 0.002, 1e6 + 0.0025);
    read_events();
    assert_int_equal(event_count, 1);
    assert_int_equal(events[0].end_ns, seen);
    assert_about(events[0].end_ns - events[0].begin_ns, 1000000);
    assert_int_equal(events[0].parent, trace.step);
}

static void a_device_that_talks_nonsense_is_kept_within_the_recorders_time(void **state)
{
    (void)state;
    static const double times[][3] = {
        {5, 4, 6}, {7, 8, 6}, {0.0 / 0.0, 1, 2}, {1, 0.0 / 0.0, 2}, {-1e300, 1e300, 0}};
    met_trace trace;
    met_event op = {.name = "gpu", .detail = {"", 0}, .track = 3, .layer = -1};
    met_trace_begin(&trace, recorder, MET_RECORD_TOKEN, 0);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        met_trace_device(&trace, &op, times[i][0], times[i][1], times[i][2]);
    uint64_t end = met_recorder_now(recorder);
    read_events();
    assert_int_equal(event_count, 5);
    for (size_t i = 0; i < event_count; i++) {
        assert_true(events[i].begin_ns <= events[i].end_ns && events[i].end_ns <= end);
    }
    assert_int_equal(met_recorder_counters(recorder).device_ns, 1000000000); /* of {7, 8, 6} */
}

static void laps_follow_each_other_and_without_a_recorder_are_nothing(void **state)
{
    (void)state;
    met_laps laps;
    met_laps_begin(&laps, recorder, 4, 0);
    met_laps_next(&laps, "one");
    met_laps_next(&laps, "two");
    met_laps_skip(&laps);
    met_laps_next(&laps, "three");
    met_event whole = {.name = "whole", .detail = {"", 0}, .parent = MET_SPAN_PROCESS, .bytes = 9};
    met_laps_end(&laps, &whole);
    met_laps_next(&laps, "after the end");
    read_events();
    assert_int_equal(event_count, 4);
    const met_event *all = &events[3];
    assert_string_equal(all->name, "whole");
    assert_int_equal(all->bytes, 9);
    assert_int_equal(events[0].begin_ns, all->begin_ns);
    assert_int_equal(events[1].begin_ns, events[0].end_ns);
    assert_true(events[2].begin_ns >= events[1].end_ns && all->end_ns >= events[2].end_ns);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(events[i].parent, all->id);
        assert_int_equal(events[i].track, 4);
    }

    met_laps_begin(&laps, NULL, 0, 0);
    met_laps_next(&laps, "nothing");
    met_laps_skip(&laps);
    met_laps_end(&laps, &whole);
    read_events();
    assert_int_equal(event_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_recorder, close_recorder)
        TEST(an_operation_begins_where_the_one_before_it_ended),
        TEST(at_level_layer_only_what_is_in_no_layer_has_a_span_of_its_own),
        TEST(a_machine_that_says_nothing_gets_a_step_that_ends_now),
        TEST(what_lies_beside_the_step_is_kept_within_it),
        TEST(a_devices_times_are_moved_to_the_hosts_clock_and_counted),
        TEST(a_devices_span_ends_by_when_the_host_saw_its_end),
        TEST(a_device_that_talks_nonsense_is_kept_within_the_recorders_time),
        TEST(laps_follow_each_other_and_without_a_recorder_are_nothing),
#undef TEST
    };
    return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
