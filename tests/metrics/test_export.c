/* metrics: files of events: all of them, whole, and never a reason to fail. */
#include "metrics/export.h"
#include "metrics/writer.h"
#include "support/testing.h"

#include <locale.h>
#include <pthread.h>
#include <signal.h>

#include <fcntl.h>
#include <sys/stat.h>

static met_error err;
static char folder[] = "/tmp/metallic-export-XXXXXX";
static char jsonl_path[64], trace_path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(jsonl_path, sizeof jsonl_path, "%s/m.jsonl", folder);
    (void)snprintf(trace_path, sizeof trace_path, "%s/t.json", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(jsonl_path);
    (void)unlink(trace_path);
    return rmdir(folder);
}

/* The whole file as a string; free(). */
static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long bytes = ftell(file);
    rewind(file);
    char *text = malloc((size_t)bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)bytes, file), bytes);
    text[bytes] = '\0';
    (void)fclose(file);
    return text;
}

/* Not strstr: a sanitizer's looks at the whole rest of the text each time. */
static size_t count_text(const char *text, const char *part)
{
    size_t count = 0, bytes = strlen(part);
    for (; *text != '\0'; text++)
        count += *text == *part && strncmp(text, part, bytes) == 0;
    return count;
}

/* ---------------------------------------------------------------- the recorder */

typedef struct heard {
    int lines;
    char last[MET_ERROR_TEXT_BYTES];
} heard;

static void hear(void *user, met_log_level level, const char *line)
{
    heard *h = user;
    assert_int_equal(level, MET_LOG_ERROR);
    h->lines++;
    (void)snprintf(h->last, sizeof h->last, "%s", line);
}

static met_recorder *open_recorder(size_t capacity, heard *h)
{
    met_recorder *recorder = NULL;
    met_recorder_options options = met_recorder_options_default();
    options.capacity_events = capacity;
    options.log = hear;
    options.log_user = h;
    *h = (heard){0};
    assert_ok(met_recorder_create(&options, &recorder, &err));
    return recorder;
}

static void add(met_recorder *recorder, const char *name, const char *detail, int32_t track,
                int32_t layer)
{
    uint64_t now = met_clock_ns();
    met_event event = {
        .id = met_recorder_new_id(recorder),
        .parent = MET_SPAN_PROCESS,
        .name = name,
        .detail = met_recorder_intern(recorder, (met_str){detail, strlen(detail)}),
        .track = track,
        .layer = layer,
        .begin_ns = now,
        .end_ns = now + 1500,
        .tokens = 7,
    };
    met_recorder_add(recorder, &event);
}

static void a_long_run_through_a_small_ring_loses_nothing(void **state)
{
    (void)state;
    heard h;
    enum { STEPS = 500, EACH = 400 }; /* 200 times the ring */
    met_recorder *recorder = open_recorder(1024, &h);
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < EACH; i++)
            add(recorder, "op", "", MET_TRACK_MAIN, i);
        (void)met_exports_drain(recorder, false);
    }
    assert_ok(met_recorder_close_exports(recorder, &err));
    char *lines = read_file(jsonl_path), *trace = read_file(trace_path);
    assert_int_equal(count_text(lines, "\"name\":\"op\""), STEPS * EACH);
    assert_int_equal(count_text(lines, "\"event\":\"lost\""), 0);
    assert_int_equal(count_text(trace, "\"name\":\"op\""), STEPS * EACH);
    assert_int_equal(h.lines, 0);
    free(lines);
    free(trace);
    met_recorder_free(recorder);
}

static void what_was_overwritten_is_said_in_both_files(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(1024, &h);
    for (int i = 0; i < 1030; i++)
        add(recorder, "op", "", MET_TRACK_MAIN, -1);
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
    assert_true(met_exports_drain(recorder, true));
    assert_false(met_exports_drain(recorder, true)); /* nothing is left */
    assert_ok(met_recorder_close_exports(recorder, &err));
    char *lines = read_file(jsonl_path), *trace = read_file(trace_path);
    assert_int_equal(count_text(lines, "\"event\":\"lost\",\"events\":6}"), 1);
    assert_int_equal(count_text(trace, "\"name\":\"events lost\",\"args\":{\"events\":6}"), 1);
    assert_int_equal(count_text(lines, "\"name\":\"op\""), 1024);
    free(lines);
    free(trace);
    met_recorder_free(recorder);
}

static void between_steps_only_what_is_worth_it_is_written(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    assert_false(met_exports_drain(recorder, true)); /* no file */
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    for (int i = 0; i < 1023; i++)
        add(recorder, "op", "", MET_TRACK_MAIN, -1);
    assert_false(met_exports_drain(recorder, false));
    add(recorder, "op", "", MET_TRACK_MAIN, -1);
    assert_true(met_exports_drain(recorder, false));
    char *lines = read_file(jsonl_path); /* and it is there when the process dies now */
    assert_int_equal(count_text(lines, "\"name\":\"op\""), 1024);
    assert_int_equal(lines[strlen(lines) - 1], '\n');
    free(lines);
    met_recorder_free(recorder); /* closes */
    lines = read_file(jsonl_path);
    assert_int_equal(count_text(lines, "\"event\":\"end\""), 1);
    free(lines);
}

static void names_from_hostile_files_stay_within_their_strings(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    int32_t track = met_recorder_open_tracks(recorder, "session", 1);
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
    add(recorder, "layer", "a\"b\\c\n\x01\x7f \xff\xc3 \xe2\x82\xac \xed\xa0\x80", track, 3);
    assert_ok(met_recorder_close_exports(recorder, &err));
    static const char expected[] = "\"detail\":\"a\\\"b\\\\c\\u000a\\u0001\\u007f \xef\xbf\xbd"
                                   "\xef\xbf\xbd \xe2\x82\xac \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                                   "\"";
    char *lines = read_file(jsonl_path), *trace = read_file(trace_path);
    assert_non_null(strstr(lines, expected));
    assert_non_null(strstr(trace, expected));
    assert_non_null(strstr(lines, "\"name\":\"layer\""));
    assert_non_null(strstr(lines, "\"layer\":3,"));
    assert_non_null(strstr(trace, "\"name\":\"layer 3\""));
    assert_non_null(strstr(trace, "\"dur\":1.500,"));
    assert_non_null(strstr(trace, "\"name\":\"thread_name\",\"args\":{\"name\":\"session 1\"}"));
    free(lines);
    free(trace);
    met_recorder_free(recorder);
}

/* ---------------------------------------------------------------- files that fail */

static void a_full_disk_is_told_once_and_the_other_file_goes_on(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("# needs /dev/full\n");
        skip();
    }
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_ok(met_recorder_export_trace(recorder, "/dev/full", &err));
    for (int i = 0; i < 3000; i++) {
        add(recorder, "op", "", MET_TRACK_MAIN, -1);
        (void)met_exports_drain(recorder, false);
    }
    assert_int_equal(h.lines, 1);
    assert_non_null(strstr(h.last, "/dev/full: No space left on device"));
    assert_int_equal(met_recorder_close_exports(recorder, &err), MET_E_IO);
    assert_non_null(strstr(err.text, "/dev/full: No space left on device"));
    assert_int_equal(h.lines, 1);
    assert_ok(met_recorder_close_exports(recorder, &err)); /* and only once */
    char *lines = read_file(jsonl_path);
    assert_int_equal(count_text(lines, "\"name\":\"op\""), 3000);
    assert_int_equal(count_text(lines, "\"event\":\"end\""), 1);
    free(lines);
    met_recorder_free(recorder);
}

/* Also when the last bytes do not fit. */
static void a_failure_at_the_end_is_told(void **state)
{
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        print_message("# needs /dev/full\n");
        skip();
    }
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    assert_ok(met_recorder_export_jsonl(recorder, "/dev/full", &err));
    met_recorder_free(recorder);
    assert_int_equal(h.lines, 1);
}

static void a_path_that_cannot_be_written_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    (void)unlink(trace_path);
    assert_int_equal(met_recorder_export_jsonl(recorder, folder, &err), MET_E_IO);
    assert_int_equal(met_recorder_export_jsonl(recorder, "/nowhere/m.jsonl", &err), MET_E_IO);
    assert_string_equal(err.text, "/nowhere/m.jsonl: No such file or directory");
    assert_int_equal(met_recorder_export_jsonl(recorder, "", &err), MET_E_IO);
    assert_int_equal(met_recorder_export_trace(recorder, NULL, &err), MET_E_ARGUMENT);
    assert_false(met_exports_drain(recorder, true));
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_int_equal(met_recorder_export_jsonl(recorder, trace_path, &err), MET_E_ARGUMENT);
    assert_int_not_equal(access(trace_path, F_OK), 0); /* the second is not made */
    assert_ok(met_recorder_close_exports(recorder, &err));
    assert_ok(met_recorder_close_exports(recorder, &err));
    assert_int_equal(h.lines, 0);
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err)); /* again, from nothing */
    met_recorder_free(recorder);
    char *lines = read_file(jsonl_path);
    assert_int_equal(count_text(lines, "\"event\":\"start\""), 1);
    free(lines);
}

static void one_file_for_both_formats_is_refused_by_any_name(void **state)
{
    (void)state;
    heard h;
    char other[80];
    met_recorder *recorder = open_recorder(0, &h);
    (void)snprintf(other, sizeof other, "%s/../%s", folder, strrchr(folder, '/') + 1);
    (void)snprintf(other + strlen(other), sizeof other - strlen(other), "/m.jsonl");
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_int_equal(met_recorder_export_trace(recorder, jsonl_path, &err), MET_E_ARGUMENT);
    assert_int_equal(met_recorder_export_trace(recorder, other, &err), MET_E_ARGUMENT);
    add(recorder, "op", "", MET_TRACK_MAIN, -1);
    assert_ok(met_recorder_close_exports(recorder, &err));
    char *lines = read_file(jsonl_path);
    assert_int_equal(count_text(lines, "\"event\":\"start\""), 1);
    assert_int_equal(count_text(lines, "\"name\":\"op\""), 1);
    free(lines);
    assert_ok(met_recorder_export_jsonl(recorder, "/dev/null", &err)); /* has room for both */
    assert_ok(met_recorder_export_trace(recorder, "/dev/null", &err));
    assert_ok(met_recorder_close_exports(recorder, &err));
    met_recorder_free(recorder);
}

/* ---------------------------------------------------------------- what is someone else's */

static void write_file(const char *path, const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

static void a_file_with_something_else_in_it_stays_as_it_was(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
    } cases[] = {{"GGUF\3\0\0\0", 8},
                 {"{", 1}, /* shorter than the signature, and its beginning */
                 {"{\"schema\":\"metallic.metric", 26},
                 {"{\"schema\":\"metallic.events/1\",\"event\":\"start\"}\n", 47},
                 {"[\n{\"role\":\"user\",\"content\":\"x\"}]", 32},
                 {"\n", 1}};
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int trace = 0; trace < 2; trace++) {
            write_file(jsonl_path, cases[i].text, cases[i].bytes);
            met_status status = trace ? met_recorder_export_trace(recorder, jsonl_path, &err)
                                      : met_recorder_export_jsonl(recorder, jsonl_path, &err);
            assert_int_equal(status, MET_E_ARGUMENT);
            assert_non_null(strstr(err.text, "found a file that is no earlier export"));
            char *text = read_file(jsonl_path);
            assert_memory_equal(text, cases[i].text, cases[i].bytes + 1); /* and its end */
            free(text);
        }
    }
    assert_int_equal(h.lines, 0);
    met_recorder_free(recorder);
}

static void an_earlier_export_and_an_empty_file_are_written_anew(void **state)
{
    (void)state;
    heard h;
    for (int round = 0; round < 2; round++) {
        met_recorder *recorder = open_recorder(0, &h);
        write_file(trace_path, "", 0);
        if (round == 0) write_file(jsonl_path, "", 0);
        assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
        assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
        for (int i = 0; round == 0 && i < 100; i++) /* longer than the second will be */
            add(recorder, "op", "", MET_TRACK_MAIN, -1);
        assert_ok(met_recorder_close_exports(recorder, &err));
        assert_int_equal(met_recorder_export_trace(recorder, jsonl_path, &err), MET_E_ARGUMENT);
        assert_int_equal(met_recorder_export_jsonl(recorder, trace_path, &err), MET_E_ARGUMENT);
        assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
        met_recorder_free(recorder);
    }
    char *lines = read_file(jsonl_path);
    assert_int_equal(count_text(lines, "\"event\":\"start\""), 1);
    assert_int_equal(count_text(lines, "\"name\":\"op\""), 0);
    free(lines);
}

static void a_file_that_another_export_writes_is_refused(void **state)
{
    (void)state;
    heard h, other_h;
    met_recorder *recorder = open_recorder(0, &h), *other = open_recorder(0, &other_h);
    assert_ok(met_recorder_export_jsonl(recorder, jsonl_path, &err));
    assert_int_equal(met_recorder_export_jsonl(other, jsonl_path, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "found a file that is being written to"));
    add(recorder, "op", "", MET_TRACK_MAIN, -1);
    assert_ok(met_recorder_close_exports(recorder, &err));
    char *lines = read_file(jsonl_path);
    assert_int_equal(count_text(lines, "\"event\":\"start\""), 1);
    free(lines);
    assert_ok(met_recorder_export_jsonl(other, jsonl_path, &err)); /* and now it is free */
    met_recorder_free(other);
    met_recorder_free(recorder);
}

/* ---------------------------------------------------------------- readers */

static void make_fifo(void)
{
    (void)unlink(trace_path);
    assert_int_equal(mkfifo(trace_path, 0600), 0);
}

static void a_fifo_that_nobody_reads_is_refused_and_not_waited_for(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    make_fifo();
    assert_int_equal(met_recorder_export_trace(recorder, trace_path, &err), MET_E_IO);
    assert_non_null(strstr(err.text, "found a FIFO that nobody reads"));
    met_recorder_free(recorder);
    (void)unlink(trace_path);
}

/* With SIGPIPE as programs have it: the process would be ended. */
static void a_reader_who_leaves_is_told_once_and_brings_no_signal(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    assert_ptr_not_equal(signal(SIGPIPE, SIG_DFL), SIG_ERR);
    make_fifo();
    int reader = open(trace_path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
    close(reader);
    for (int i = 0; i < 3000; i++) {
        add(recorder, "op", "", MET_TRACK_MAIN, -1);
        (void)met_exports_drain(recorder, false);
    }
    assert_int_equal(h.lines, 1);
    assert_non_null(strstr(h.last, "Broken pipe; no more is written to it"));
    sigset_t pending;
    assert_int_equal(sigpending(&pending), 0);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    sigset_t blocked;
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
    assert_int_equal(sigismember(&blocked, SIGPIPE), 0);
    met_recorder_free(recorder);
    (void)unlink(trace_path);
}

static void a_reader_who_takes_nothing_is_given_up(void **state)
{
    (void)state;
    heard h;
    met_recorder *recorder = open_recorder(0, &h);
    make_fifo();
    int reader = open(trace_path, O_RDONLY | O_NONBLOCK);
    assert_true(reader >= 0);
    assert_ok(met_recorder_export_trace(recorder, trace_path, &err));
    for (int i = 0; i < 3000; i++) { /* of 100 bytes and more: more than a pipe holds */
        add(recorder, "op", "", MET_TRACK_MAIN, -1);
        (void)met_exports_drain(recorder, false);
    }
    assert_int_equal(h.lines, 1);
    assert_non_null(strstr(h.last, "its reader takes nothing; no more is written to it"));
    met_recorder_free(recorder);
    close(reader);
    (void)unlink(trace_path);
}

/* ---------------------------------------------------------------- numbers */

static void numbers_are_whole_in_any_locale(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        int digits;
        const char *text;
    } cases[] = {{0, 0, "0"},       {7, 0, "7"},          {1234567, 3, "1234.567"},
                 {0, 3, "0.000"},   {1, 3, "0.001"},      {1000, 3, "1.000"},
                 {999, 3, "0.999"}, {UINT64_MAX, 0, "18446744073709551615"},
                 {UINT64_MAX, 3, "18446744073709551.615"}};
    met_writer writer;
    (void)setlocale(LC_ALL, ""); /* whatever this machine has */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(met_writer_open(&writer, jsonl_path, (met_str){"", 0}, &err));
        met_writer_decimal(&writer, cases[i].value, cases[i].digits);
        met_writer_close(&writer);
        assert_int_equal(writer.failure, 0);
        char *text = read_file(jsonl_path);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
    (void)setlocale(LC_ALL, "C");
}

/* Longer than the buffer, in one piece and in many. */
static void what_is_longer_than_the_buffer_is_written_whole(void **state)
{
    (void)state;
    enum { BYTES = 3 * MET_WRITER_BUFFER_BYTES + 17 };
    met_writer writer;
    char *data = malloc(BYTES);
    assert_non_null(data);
    for (size_t i = 0; i < BYTES; i++)
        data[i] = (char)('a' + i % 23);
    assert_ok(met_writer_open(&writer, jsonl_path, (met_str){"", 0}, &err));
    met_writer_bytes(&writer, data, BYTES);
    for (size_t i = 0; i < BYTES; i += 13)
        met_writer_bytes(&writer, data + i, BYTES - i < 13 ? BYTES - i : 13);
    met_writer_close(&writer);
    char *text = read_file(jsonl_path);
    assert_int_equal(strlen(text), 2 * BYTES);
    assert_memory_equal(text, data, BYTES);
    assert_memory_equal(text + BYTES, data, BYTES);
    free(text);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_run_through_a_small_ring_loses_nothing),
        cmocka_unit_test(what_was_overwritten_is_said_in_both_files),
        cmocka_unit_test(between_steps_only_what_is_worth_it_is_written),
        cmocka_unit_test(names_from_hostile_files_stay_within_their_strings),
        cmocka_unit_test(a_full_disk_is_told_once_and_the_other_file_goes_on),
        cmocka_unit_test(a_failure_at_the_end_is_told),
        cmocka_unit_test(a_path_that_cannot_be_written_is_refused_and_changes_nothing),
        cmocka_unit_test(one_file_for_both_formats_is_refused_by_any_name),
        cmocka_unit_test(a_file_with_something_else_in_it_stays_as_it_was),
        cmocka_unit_test(an_earlier_export_and_an_empty_file_are_written_anew),
        cmocka_unit_test(a_file_that_another_export_writes_is_refused),
        cmocka_unit_test(a_fifo_that_nobody_reads_is_refused_and_not_waited_for),
        cmocka_unit_test(a_reader_who_leaves_is_told_once_and_brings_no_signal),
        cmocka_unit_test(a_reader_who_takes_nothing_is_given_up),
        cmocka_unit_test(numbers_are_whole_in_any_locale),
        cmocka_unit_test(what_is_longer_than_the_buffer_is_written_whole),
    };
    return cmocka_run_group_tests_name("export", tests, make_folder, remove_folder);
}
