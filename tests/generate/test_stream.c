/* generate: text held back and stop strings, against the slow definition. */
#include "generate/stream.h"
#include "support/testing.h"

static met_error err;

typedef struct run {
    char shown[4096];
    size_t bytes;
    bool stopped;
} run;

static void take(run *r, met_str text)
{
    assert_true(r->bytes + text.bytes < sizeof r->shown);
    assert_true(met_utf8_valid(text, NULL)); /* whole characters, each time */
    memcpy(r->shown + r->bytes, text.data, text.bytes);
    r->bytes += text.bytes;
    r->shown[r->bytes] = '\0';
}

/* Stream `text` in pieces of 1 .. most bytes. */
static run stream_text(const char *text, size_t most, const char *const *stop, size_t stop_count)
{
    run r = {.bytes = 0};
    met_text_stream stream;
    uint64_t seed = most;
    assert_ok(met_text_stream_init(&stream, stop, stop_count, &err));
    for (size_t at = 0, bytes = strlen(text); at < bytes;) {
        size_t n = 1 + test_random(&seed) % most;
        if (n > bytes - at) n = bytes - at;
        met_str out = {NULL, 0};
        assert_ok(met_text_stream_add(&stream, (met_str){text + at, n}, &out, &err));
        take(&r, out);
        at += n;
    }
    met_str out = {NULL, 0};
    assert_ok(met_text_stream_finish(&stream, &out, &err));
    take(&r, out);
    r.stopped = stream.stopped;
    met_text_stream_close(&stream);
    return r;
}

static void assert_shows(const char *text, const char *const *stop, size_t stop_count,
                         const char *expected, bool stopped)
{
    for (size_t most = 1; most <= 9; most++) {
        run r = stream_text(text, most, stop, stop_count);
        assert_string_equal(r.shown, expected);
        assert_int_equal(r.stopped, stopped);
    }
}

static void text_without_stop_strings_passes(void **state)
{
    (void)state;
    assert_shows("", NULL, 0, "", false);
    assert_shows("plain", NULL, 0, "plain", false);
    assert_shows("gr\u00fc\u00df \u20ac \U0001f600!", NULL, 0, "gr\u00fc\u00df \u20ac \U0001f600!",
                 false);
}

static void bytes_that_are_no_character_come_out_replaced(void **state)
{
    (void)state;
    assert_shows("a\xff"
                 "b",
                 NULL, 0, "a\ufffdb", false);
    assert_shows("a\xe2\x82", NULL, 0, "a\ufffd", false); /* the end cuts a character */
    assert_shows("\xf0\x9f\x98", NULL, 0, "\ufffd", false);
    const char *const stop[] = {"\ufffd"};
    assert_shows("a\xe2\x82", stop, 1, "a", true); /* found at the very end */
}

static void the_stop_string_that_is_complete_first_ends_the_text(void **state)
{
    (void)state;
    const char *const both[] = {"abc", "ab"}, *const one[] = {"abc"};
    assert_shows("xxabcyy", both, 2, "xx", true);
    assert_shows("xxabcyy", one, 1, "xx", true);
    const char *const inner[] = {"abcd", "c"}; /* "c" is there first, though it begins later */
    assert_shows("xabcd", inner, 2, "xab", true);
    const char *const same_end[] = {"c", "bc", "abc"}; /* all at the same byte: the longest */
    assert_shows("xabc", same_end, 3, "x", true);
    assert_shows("abc", same_end, 3, "", true);
    const char *const newline[] = {"\n\n"};
    assert_shows("one\ntwo\n\nthree", newline, 1, "one\ntwo", true);
    const char *const doubled[] = {"x", "x"};
    assert_shows("axb", doubled, 2, "a", true);
}

static void what_only_looked_like_a_stop_string_is_shown(void **state)
{
    (void)state;
    const char *const stop[] = {"ababc"};
    assert_shows("abababab", stop, 1, "abababab", false); /* held, released, held, at the end */
    assert_shows("abababc!", stop, 1, "ab", true);        /* a match that begins inside another */
    const char *const user[] = {"User:", "\nUser:"};
    assert_shows("Use\nUse\nUser", user, 2, "Use\nUse\nUser", false);
    assert_shows("a\nUser: b", user, 2, "a", true);
}

static void stop_strings_may_be_of_many_bytes_a_character(void **state)
{
    (void)state;
    const char *const euro[] = {"\u20ac"}, *const smile[] = {"\U0001f600\u20ac"};
    assert_shows("12 \u20ac 34", euro, 1, "12 ", true);
    assert_shows("12 \u20ad 34", euro, 1, "12 \u20ad 34", false); /* same first two bytes */
    assert_shows("\U0001f600\U0001f600\u20ac", smile, 1, "\U0001f600", true);
}

/* Where the text ends by the definition: at the first byte where some stop string is complete. */
static size_t slow_end(const char *text, const char *const *stop, size_t stop_count, bool *stopped)
{
    size_t bytes = strlen(text);
    for (size_t end = 1; end <= bytes; end++) {
        size_t longest = 0;
        for (size_t s = 0; s < stop_count; s++) {
            size_t n = strlen(stop[s]);
            if (n <= end && n > longest && memcmp(text + end - n, stop[s], n) == 0) longest = n;
        }
        if (longest > 0) {
            *stopped = true;
            return end - longest;
        }
    }
    *stopped = false;
    return bytes;
}

/* The longest end of text[0..end) with which a stop string goes on. */
static size_t slow_held(const char *text, size_t end, const char *const *stop, size_t stop_count)
{
    for (size_t held = end; held > 0; held--) {
        for (size_t s = 0; s < stop_count; s++) {
            if (held < strlen(stop[s]) && memcmp(text + end - held, stop[s], held) == 0) {
                return held;
            }
        }
    }
    return 0;
}

static void random_text(uint64_t *seed, char *text, size_t most)
{
    size_t bytes = 1 + test_random(seed) % most;
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)('a' + test_random(seed) % 2);
    text[bytes] = '\0';
}

static void any_text_is_shown_as_early_as_it_can_be(void **state)
{
    (void)state;
    uint64_t seed = 1123;
    for (int round = 0; round < 3000; round++) {
        char text[65], stops[3][9];
        const char *stop[3] = {stops[0], stops[1], stops[2]};
        size_t stop_count = 1 + test_random(&seed) % 3;
        random_text(&seed, text, 64);
        for (size_t s = 0; s < stop_count; s++)
            random_text(&seed, stops[s], 8);
        bool stopped = false;
        size_t end = slow_end(text, stop, stop_count, &stopped);

        met_text_stream stream;
        assert_ok(met_text_stream_init(&stream, stop, stop_count, &err));
        run r = {.bytes = 0};
        for (size_t at = 0; at < strlen(text) && !stream.stopped;) {
            size_t n = 1 + test_random(&seed) % 5;
            if (n > strlen(text) - at) n = strlen(text) - at;
            met_str out;
            assert_ok(met_text_stream_add(&stream, (met_str){text + at, n}, &out, &err));
            take(&r, out);
            at += n;
            size_t shown = stream.stopped ? end : at - slow_held(text, at, stop, stop_count);
            assert_int_equal(r.bytes, shown);
        }
        met_str out;
        assert_ok(met_text_stream_finish(&stream, &out, &err));
        take(&r, out);
        assert_int_equal(stream.stopped, stopped);
        assert_int_equal(r.bytes, end);
        assert_memory_equal(r.shown, text, end);
        met_text_stream_close(&stream);
    }
}

static void nothing_comes_after_a_stop_string(void **state)
{
    (void)state;
    const char *const stop[] = {"."};
    met_text_stream stream;
    met_str out;
    assert_ok(met_text_stream_init(&stream, stop, 1, &err));
    assert_ok(met_text_stream_add(&stream, met_str_of("One. Two."), &out, &err));
    assert_true(met_str_is(out, "One"));
    assert_ok(met_text_stream_add(&stream, met_str_of("Three"), &out, &err));
    assert_int_equal(out.bytes, 0);
    assert_ok(met_text_stream_finish(&stream, &out, &err));
    assert_int_equal(out.bytes, 0);
    met_text_stream_close(&stream);
}

static void a_long_text_that_is_held_back_stays_in_a_small_buffer(void **state)
{
    (void)state;
    /* "aaaa...ab": every "a" is held, and only moved on; the buffer holds two of them at most. */
    char long_stop[2001];
    memset(long_stop, 'a', 2000);
    long_stop[1999] = 'b';
    long_stop[2000] = '\0';
    const char *const stop[] = {long_stop};
    met_text_stream stream;
    met_str out;
    size_t shown = 0;
    assert_ok(met_text_stream_init(&stream, stop, 1, &err));
    size_t capacity = stream.text.capacity_bytes;
    for (int i = 0; i < 20000; i++) {
        assert_ok(met_text_stream_add(&stream, met_str_of("a"), &out, &err));
        shown += out.bytes;
        assert_int_equal(shown, i < 1999 ? 0 : i - 1998);
    }
    assert_int_equal(stream.text.capacity_bytes, capacity);
    assert_ok(met_text_stream_add(&stream, met_str_of("b"), &out, &err));
    assert_true(stream.stopped);
    assert_int_equal(shown + out.bytes, 20000 - 1999);
    met_text_stream_close(&stream);
}

static void a_token_may_be_longer_than_the_buffer(void **state)
{
    (void)state;
    char *text = malloc(100001);
    assert_non_null(text);
    memset(text, '\xff', 100000); /* each becomes three bytes */
    text[100000] = '\0';
    met_text_stream stream;
    met_str out;
    assert_ok(met_text_stream_init(&stream, NULL, 0, &err));
    assert_ok(met_text_stream_add(&stream, met_str_of(text), &out, &err));
    assert_int_equal(out.bytes, 300000);
    met_text_stream_close(&stream);
    free(text);
}

static void a_stop_string_that_is_no_text_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"", NULL, "a\xff", "\xe2\x82"};
    for (size_t i = 0; i < 4; i++) {
        const char *const stop[] = {"good", bad[i]};
        met_text_stream stream;
        assert_int_equal(met_text_stream_init(&stream, stop, 2, &err), MET_E_ARGUMENT);
        assert_non_null(strstr(err.text, "stop string 1"));
        met_text_stream_close(&stream);
    }
    met_text_stream zeroed = {0};
    met_text_stream_close(&zeroed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_without_stop_strings_passes),
        cmocka_unit_test(bytes_that_are_no_character_come_out_replaced),
        cmocka_unit_test(the_stop_string_that_is_complete_first_ends_the_text),
        cmocka_unit_test(what_only_looked_like_a_stop_string_is_shown),
        cmocka_unit_test(stop_strings_may_be_of_many_bytes_a_character),
        cmocka_unit_test(any_text_is_shown_as_early_as_it_can_be),
        cmocka_unit_test(nothing_comes_after_a_stop_string),
        cmocka_unit_test(a_long_text_that_is_held_back_stays_in_a_small_buffer),
        cmocka_unit_test(a_token_may_be_longer_than_the_buffer),
        cmocka_unit_test(a_stop_string_that_is_no_text_is_refused),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
