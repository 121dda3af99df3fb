/* base: lines of the log. */
#include "base/log.h"
#include "base/pages.h"
#include "base/text.h"
#include "support/testing.h"

typedef struct heard {
    int count;
    met_log_level level;
    char line[1024];
} heard;

static void hear(void *user, met_log_level level, const char *line)
{
    heard *to = user;
    to->count++;
    to->level = level;
    (void)snprintf(to->line, sizeof to->line, "%s", line);
}

static int count_up(int *calls)
{
    return ++*calls;
}

static void a_level_that_is_off_evaluates_nothing(void **state)
{
    (void)state;
    heard to = {0};
    int calls = 0;
    met_log silent = {0};
    MET_LOG(&silent, MET_LOG_ERROR, "%d", count_up(&calls));
    met_log deaf = {.level = MET_LOG_TRACE}; /* no function */
    MET_LOG(&deaf, MET_LOG_ERROR, "%d", count_up(&calls));
    met_log log = {hear, &to, MET_LOG_INFO};
    MET_LOG(&log, MET_LOG_DEBUG, "%d", count_up(&calls));
    assert_int_equal(calls, 0);
    assert_int_equal(to.count, 0);
    MET_LOG(&log, MET_LOG_INFO, "call %d", count_up(&calls));
    assert_int_equal(to.count, 1);
    assert_int_equal(to.level, MET_LOG_INFO);
    assert_string_equal(to.line, "call 1");
}

static void a_line_is_printable_and_says_that_it_was_cut(void **state)
{
    (void)state;
    heard to = {0};
    met_log log = {hear, &to, MET_LOG_TRACE};
    MET_LOG(&log, MET_LOG_WARN, "%s", "a\x1b[2J\nb\xff caf\xc3\xa9");
    assert_string_equal(to.line, "a?[2J?b? caf\xc3\xa9");
    char text[2048];
    for (size_t i = 0; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xc3\xa9", 3);
    for (int shift = 0; shift < 2; shift++) { /* cut also within a character */
        MET_LOG(&log, MET_LOG_WARN, "%s%s", shift == 0 ? "" : "x", text);
        assert_true(strlen(to.line) < sizeof text);
        assert_true(met_utf8_valid(met_str_of(to.line), NULL));
        assert_string_equal(to.line + strlen(to.line) - 3, "...");
    }
}

static void every_level_has_its_own_name(void **state)
{
    (void)state;
    for (int a = MET_LOG_OFF; a <= MET_LOG_TRACE; a++) {
        const char *name = met_log_level_name((met_log_level)a);
        assert_string_not_equal(name, "unknown");
        for (int b = MET_LOG_OFF; b < a; b++) {
            assert_string_not_equal(name, met_log_level_name((met_log_level)b));
        }
    }
    assert_string_equal(met_log_level_name((met_log_level)77), "unknown");
}

static void resident_bytes_are_those_that_were_touched(void **state)
{
    (void)state;
    met_pages pages;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 64 * page;
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
#ifdef MADV_NOHUGEPAGE
    (void)madvise(memory, bytes, MADV_NOHUGEPAGE);
#endif
    /* A mapping of its own: the system joins neighbours that are alike. */
    assert_int_equal(mprotect(memory, page, PROT_NONE), 0);
    assert_int_equal(mprotect(memory + bytes - page, page, PROT_NONE), 0);
    memset(memory + page, 1, 10 * page);
    if (!met_pages_query(memory + page, bytes - 2 * page, &pages)) {
        (void)munmap(memory, bytes);
        print_message("only Linux tells\n");
        skip();
    }
    assert_int_equal(pages.resident_bytes, 10 * page);
    assert_int_equal(pages.large_bytes, 0);
    (void)munmap(memory, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_that_is_off_evaluates_nothing),
        cmocka_unit_test(a_line_is_printable_and_says_that_it_was_cut),
        cmocka_unit_test(every_level_has_its_own_name),
        cmocka_unit_test(resident_bytes_are_those_that_were_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
