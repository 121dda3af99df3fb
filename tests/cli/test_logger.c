/* The command's logger: its stream, the line of progress on it, and the ring. */
#include "support/testing.h"

#include "cli/log.h"

#include <pthread.h>
#include <sched.h>

enum { THREADS = 4, LINES_EACH = 500 };

/* Everything that was written to the stream. */
static char *contents(FILE *stream)
{
    long bytes = ftell(stream);
    char *text = calloc(1, (size_t)bytes + 1);
    assert_non_null(text);
    rewind(stream);
    assert_int_equal(fread(text, 1, (size_t)bytes, stream), bytes);
    return text;
}

static void lines_have_their_level_and_from_debug_on_their_time(void **state)
{
    (void)state;
    met_logger logger;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    met_logger_open(&logger, stream, 0);
    met_logger_say(&logger, MET_LOG_INFO, "not %s", "heard");
    met_logger_say(&logger, MET_LOG_WARN, "%s", "a\nb");
    met_logger_fail(&logger, "it failed");
    logger.level = MET_LOG_ERROR;
    met_logger_say(&logger, MET_LOG_WARN, "quiet");
    met_logger_fail(&logger, "told all the same");
    char *text = contents(stream);
    assert_string_equal(text, "metallic: warn: a?b\nmetallic: it failed\n"
                              "metallic: told all the same\n");
    free(text);
    rewind(stream);
    logger.level = MET_LOG_DEBUG;
    met_logger_say(&logger, MET_LOG_INFO, "now");
    text = contents(stream);
    double seconds = 0;
    char level[16];
    assert_int_equal(sscanf(text, "metallic: [%lf] %15[a-z]: now\n", &seconds, level), 2);
    assert_string_equal(level, "info");
    free(text);
    met_logger_close(&logger);
    fclose(stream);
}

static void a_line_never_stands_behind_progress(void **state)
{
    (void)state;
    met_logger logger;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    met_logger_open(&logger, stream, 0);
    met_logger_show_progress(&logger, ""); /* nothing to erase, nothing written */
    met_logger_show_progress(&logger, "1 of 2");
    met_logger_say(&logger, MET_LOG_WARN, "w");
    met_logger_show_progress(&logger, "2 of 2");
    met_logger_fail(&logger, "f");
    met_logger_show_progress(&logger, "3");
    met_logger_close(&logger);
    char *text = contents(stream);
    assert_string_equal(text, "\r1 of 2\x1b[K\r\x1b[Kmetallic: warn: w\n"
                              "\r2 of 2\x1b[K\r\x1b[Kmetallic: f\n"
                              "\r3\x1b[K\r\x1b[K");
    free(text);
    fclose(stream);
}

static void count_wake(void *user)
{
    ++*(int *)user;
}

static void a_ring_keeps_the_last_lines_and_counts_the_lost(void **state)
{
    (void)state;
    met_logger logger;
    int woken = 0;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    met_log_ring *ring = met_log_ring_create(3, count_wake, &woken);
    assert_non_null(ring);
    met_logger_open(&logger, stream, 0);
    met_logger_divert(&logger, ring);

    uint64_t cursor = 0, lost = 9;
    met_log_line lines[8];
    assert_int_equal(met_log_ring_read(ring, &cursor, lines, 8, &lost), 0);
    assert_int_equal(lost, 0);
    for (int i = 0; i < 5; i++) met_logger_say(&logger, MET_LOG_WARN, "line %d", i);
    assert_int_equal(woken, 5);
    assert_int_equal(met_log_ring_read(ring, &cursor, lines, 2, &lost), 2);
    assert_int_equal(lost, 2);
    assert_string_equal(lines[0].text, "line 2");
    assert_int_equal(lines[0].level, MET_LOG_WARN);
    assert_string_equal(lines[1].text, "line 3");
    assert_int_equal(met_log_ring_read(ring, &cursor, lines, 8, &lost), 1);
    assert_int_equal(lost, 0);
    assert_string_equal(lines[0].text, "line 4");
    assert_int_equal(met_log_ring_read(ring, &cursor, lines, 8, NULL), 0);

    assert_int_equal(ftell(stream), 0); /* the screen belongs to someone else */
    met_logger_fail(&logger, "to the stream");
    met_logger_divert(&logger, NULL);
    met_logger_say(&logger, MET_LOG_WARN, "again");
    char *text = contents(stream);
    assert_string_equal(text, "metallic: to the stream\nmetallic: warn: again\n");
    free(text);
    met_logger_close(&logger);
    met_log_ring_free(ring);
    met_log_ring_free(NULL);
    fclose(stream);
    assert_null(met_log_ring_create(SIZE_MAX / 2, NULL, NULL));
}

static void *log_lines(void *user)
{
    for (int i = 0; i < LINES_EACH; i++) met_logger_say(user, MET_LOG_WARN, "0123456789 %d", i);
    return NULL;
}

static void threads_do_not_tear_each_others_lines(void **state)
{
    (void)state;
    met_logger logger;
    pthread_t threads[THREADS];
    FILE *stream = tmpfile();
    assert_non_null(stream);
    met_logger_open(&logger, stream, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, &logger), 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    char *text = contents(stream);
    int lines = 0, number = 0, used = 0;
    for (char *at = text; *at != '\0'; at += used, lines++) {
        used = 0;
        int found = sscanf(at, "metallic: warn: 0123456789 %d%n", &number, &used);
        assert_int_equal(found, 1);
        assert_int_equal(at[used++], '\n');
    }
    assert_int_equal(lines, THREADS * LINES_EACH);
    free(text);
    met_logger_close(&logger);
    fclose(stream);
}

/* Lines are in the stream or were in a ring, and no thread uses a ring that is gone. */
static void a_ring_may_come_and_go_while_threads_log(void **state)
{
    (void)state;
    met_logger logger;
    pthread_t threads[THREADS];
    met_log_line lines[64];
    uint64_t in_rings = 0;
    FILE *stream = tmpfile();
    assert_non_null(stream);
    met_logger_open(&logger, stream, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_lines, &logger), 0);
    }
    for (int i = 0; i < 100; i++) {
        uint64_t cursor = 0, lost = 0;
        met_log_ring *ring = met_log_ring_create(4, NULL, NULL);
        met_logger_divert(&logger, ring);
        sched_yield();
        met_logger_divert(&logger, NULL);
        in_rings += met_log_ring_read(ring, &cursor, lines, 64, &lost);
        in_rings += lost;
        met_log_ring_free(ring);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    char *text = contents(stream);
    uint64_t in_stream = 0;
    for (const char *c = text; *c != '\0'; c++) in_stream += *c == '\n';
    assert_int_equal(in_stream + in_rings, THREADS * LINES_EACH);
    free(text);
    met_logger_close(&logger);
    fclose(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_have_their_level_and_from_debug_on_their_time),
        cmocka_unit_test(a_line_never_stands_behind_progress),
        cmocka_unit_test(a_ring_keeps_the_last_lines_and_counts_the_lost),
        cmocka_unit_test(threads_do_not_tear_each_others_lines),
        cmocka_unit_test(a_ring_may_come_and_go_while_threads_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
