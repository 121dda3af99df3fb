/* base: errors, text, halves, arena, checked sums, the worker team. */
#include "base/arena.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/half.h"
#include "base/mapping.h"
#include "base/team.h"
#include "base/text.h"
#include "support/testing.h"

#include <math.h>
#include <stdatomic.h>

/* ---------------------------------------------------------------- errors and text */

static void an_error_is_utf8_without_controls(void **state)
{
    (void)state;
    met_error err;
    met_fail(&err, MET_E_IO, "%s", "caf\xc3\xa9 \xff \xc2\x9b[2J \xe2\x82");
    assert_string_equal(err.text, "caf\xc3\xa9 ? ??[2J ??");
    char text[2 * MET_ERROR_TEXT_BYTES];
    for (size_t i = 0; i + 2 < sizeof text; i += 2) memcpy(text + i, "\xc3\xa9", 3);
    met_fail(&err, MET_E_IO, "%s", text); /* cut, also within a character */
    assert_true(met_utf8_valid(met_str_of(err.text), NULL));
    met_fail(&err, MET_E_IO, "x%s", text);
    assert_true(met_utf8_valid(met_str_of(err.text), NULL));
}

static void an_error_is_one_printable_line(void **state)
{
    (void)state;
    met_error err = {0};
    assert_int_equal(met_fail(&err, MET_E_KEY, "name \x1b[2J%s\n", "x\ny"), MET_E_KEY);
    assert_int_equal(err.status, MET_E_KEY);
    assert_string_equal(err.text, "name ?[2Jx?y?");
    assert_int_equal(met_fail(NULL, MET_E_IO, "ignored"), MET_E_IO);
}

static void a_long_error_says_that_it_was_cut(void **state)
{
    (void)state;
    met_error err = {0};
    char text[2 * MET_ERROR_TEXT_BYTES];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    met_fail(&err, MET_E_IO, "%s", text);
    assert_int_equal(strlen(err.text), MET_ERROR_TEXT_BYTES - 1);
    assert_string_equal(err.text + MET_ERROR_TEXT_BYTES - 4, "...");
}

static void every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int a = MET_OK; a <= MET_E_DEVICE; a++) {
        assert_string_not_equal(met_status_name((met_status)a), "MET_E_UNKNOWN");
        for (int b = MET_OK; b < a; b++) {
            assert_string_not_equal(met_status_name((met_status)a), met_status_name((met_status)b));
        }
    }
}

static void a_buffer_grows_and_keeps_its_bytes(void **state)
{
    (void)state;
    met_buffer buffer = {0};
    met_error err = {0};
    met_text text;
    for (int i = 0; i < 1000; i++) met_buffer_printf(&buffer, "%03d,", i);
    assert_int_equal(buffer.bytes, 4000);
    assert_memory_equal(buffer.data + 4 * 999, "999,", 5);
    assert_ok(met_buffer_to_text(&buffer, &text, &err));
    assert_int_equal(text.bytes, 4000);
    assert_null(buffer.data);
    met_text_free(&text);
    assert_null(text.data);
}

static void a_buffer_refuses_sizes_that_overflow(void **state)
{
    (void)state;
    met_buffer buffer = {0};
    assert_false(met_buffer_reserve(&buffer, SIZE_MAX - 2));
    assert_true(buffer.failed);
    met_buffer_add(&buffer, "x", 1);
    assert_int_equal(buffer.bytes, 0);
    met_buffer_free(&buffer);
}

/* The definition, by arithmetic on the encoder's side. */
static size_t encode_utf8(uint32_t c, char *out)
{
    if (c < 0x80) return out[0] = (char)c, 1;
    if (c < 0x800) return out[0] = (char)(0xc0 | c >> 6), out[1] = (char)(0x80 | (c & 63)), 2;
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        return out[2] = (char)(0x80 | (c & 63)), 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    return out[3] = (char)(0x80 | (c & 63)), 4;
}

static void utf8_accepts_exactly_the_scalar_values(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        char bytes[4];
        uint32_t found = 0;
        size_t length = encode_utf8(c, bytes);
        bool scalar = c < 0xd800 || (c > 0xdfff && c < 0x110000);
        assert_int_equal(met_utf8_next(bytes, length, &found), scalar ? length : 0);
        if (scalar) assert_int_equal(found, c);
        if (length > 1) assert_int_equal(met_utf8_next(bytes, length - 1, &found), 0);
    }
}

static void utf8_refuses_overlong_and_broken_sequences(void **state)
{
    (void)state;
    static const char *const bad[] = {"\x80",         "\xc0\x80",         "\xc1\xbf", "\xe0\x9f\xbf",
                                      "\xf0\x8f\xbf\xbf", "\xf5\x80\x80\x80", "\xff",     "\xc3("};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t found = 0;
        assert_int_equal(met_utf8_next(bad[i], strlen(bad[i]), &found), 0);
        char text[32];
        size_t at = 0;
        snprintf(text, sizeof text, "123456789 %s", bad[i]);
        assert_false(met_utf8_valid(met_str_of(text), &at));
        assert_int_equal(at, 10);
    }
}

/* ---------------------------------------------------------------- halves */

static void every_half_survives_the_round_trip(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float value = met_half_to_float((uint16_t)h);
        uint16_t back = met_float_to_half(value);
        if (isnan(value)) assert_true((back & 0x7c00) == 0x7c00 && (back & 0x3ff) != 0);
        else assert_int_equal(back, h);
    }
}

static void floats_round_to_the_nearest_half_and_ties_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) { /* every finite step, its middle and just beside */
        float low = met_half_to_float((uint16_t)h);
        float high = h == 0x7bff ? 65536.0f : met_half_to_float((uint16_t)(h + 1));
        float middle = low + (high - low) / 2; /* exact: one bit more than a half has */
        assert_int_equal(met_float_to_half(middle), h % 2 == 0 ? h : h + 1);
        assert_int_equal(met_float_to_half(nextafterf(middle, 0)), h);
        assert_int_equal(met_float_to_half(nextafterf(middle, INFINITY)), h + 1);
        assert_int_equal(met_float_to_half(-middle), 0x8000u | (h % 2 == 0 ? h : h + 1));
    }
    assert_int_equal(met_float_to_half(INFINITY), 0x7c00);
    assert_int_equal(met_float_to_half(1e30f), 0x7c00);
    assert_int_equal(met_float_to_half(-0.0f), 0x8000);
    assert_int_equal(met_float_to_half(1e-30f), 0);
}

/* ---------------------------------------------------------------- memory */

static void an_arena_gives_zeroed_aligned_storage_that_stays(void **state)
{
    (void)state;
    met_arena arena = {0};
    unsigned char *blocks[200];
    for (size_t i = 0; i < 200; i++) {
        size_t bytes = i * i * 7 % 90000 + 1;
        blocks[i] = met_arena_alloc(&arena, bytes);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % (bytes >= 64 ? 64 : 16), 0);
        for (size_t b = 0; b < bytes; b++) assert_int_equal(blocks[i][b], 0);
        memset(blocks[i], (int)(i % 255 + 1), bytes);
    }
    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(blocks[i][0], i % 255 + 1);
        assert_int_equal(blocks[i][i * i * 7 % 90000], i % 255 + 1);
    }
    assert_null(met_arena_array(&arena, SIZE_MAX / 4, 8));
    met_arena_free(&arena);
}

static void a_mapping_reports_what_cannot_be_mapped(void **state)
{
    (void)state;
    met_mapping *mapping = (met_mapping *)1;
    met_error err = {0};
    assert_int_equal(met_mapping_open("/nonexistent/model.gguf", &mapping, &err), MET_E_IO);
    assert_null(mapping);
    assert_non_null(strstr(err.text, "/nonexistent/model.gguf: No such file"));
    assert_int_equal(met_mapping_open("/tmp", &mapping, &err), MET_E_IO);
    assert_non_null(strstr(err.text, "not a regular file"));
    assert_int_equal(met_mapping_open("/dev/null", &mapping, &err), MET_E_IO);
}

/* A GPU wraps whole pages of 16 KiB, whatever this machine's are. */
static void a_mapping_fills_whole_pages_with_zeros(void **state)
{
    (void)state;
    const size_t sizes[] = {1, 4096, 4097, 16384, 20000, ((size_t)2 << 20) + 5};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char path[] = "/tmp/metallic-test-XXXXXX";
        met_error err = {0};
        met_mapping *mapping = NULL;
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)sizes[i]), 0);
        assert_int_equal(pwrite(fd, "x", 1, (off_t)sizes[i] - 1), 1);
        close(fd);
        assert_ok(met_mapping_open(path, &mapping, &err));
        (void)unlink(path);
        const char *data = met_mapping_data(mapping);
        assert_int_equal((uintptr_t)data % MET_MAPPING_ALIGN, 0);
        assert_int_equal(met_mapping_bytes(mapping), sizes[i]);
        assert_int_equal(data[sizes[i] - 1], 'x');
        for (size_t at = sizes[i]; at % MET_MAPPING_ALIGN != 0; at++) assert_int_equal(data[at], 0);
        met_mapping_close(mapping);
    }
}

/* ---------------------------------------------------------------- team */

typedef struct rounds {
    met_team *team;
    int32_t *marks; /* [rounds][workers] */
    atomic_int late;
} rounds;

enum { ROUNDS = 300 };

/* After every barrier each worker must see what all others wrote before it. */
static void mark_rounds(void *arg, int32_t worker, int32_t workers)
{
    rounds *r = arg;
    for (int32_t i = 0; i < ROUNDS; i++) {
        r->marks[i * workers + worker] = i + 1;
        met_team_barrier(r->team, worker);
        for (int32_t w = 0; w < workers; w++) {
            if (r->marks[i * workers + w] != i + 1) atomic_fetch_add(&r->late, 1);
        }
    }
}

static void a_barrier_shows_every_write_to_every_worker(void **state)
{
    (void)state;
    for (int32_t threads = 1; threads <= 8; threads++) {
        met_error err = {0};
        rounds r = {.marks = calloc((size_t)threads * ROUNDS, sizeof(int32_t))};
        assert_ok(met_team_create(threads, &r.team, &err));
        assert_int_equal(met_team_threads(r.team), threads);
        for (int run = 0; run < 3; run++) met_team_run(r.team, mark_rounds, &r);
        assert_int_equal(atomic_load(&r.late), 0);
        met_team_free(r.team);
        free(r.marks);
    }
}

static void add_worker(void *arg, int32_t worker, int32_t workers)
{
    (void)workers;
    atomic_fetch_add((atomic_int *)arg, worker + 1);
}

static void a_parked_team_wakes_up(void **state)
{
    (void)state;
    met_error err = {0};
    met_team *team = NULL;
    assert_ok(met_team_create(3, &team, &err));
    for (int i = 0; i < 5; i++) {
        atomic_int sum = 0;
        usleep(20000); /* far beyond the spinning: the workers sleep now */
        met_team_run(team, add_worker, &sum);
        assert_int_equal(atomic_load(&sum), 1 + 2 + 3);
    }
    met_team_free(team);
}

static void slices_cover_everything_once(void **state)
{
    (void)state;
    for (size_t items = 0; items < 200; items += 7) {
        for (size_t grain = 1; grain <= 64; grain *= 4) {
            for (int32_t workers = 1; workers <= 9; workers++) {
                size_t at = 0;
                for (int32_t w = 0; w < workers; w++) {
                    size_t begin = 0, end = 0;
                    met_team_slice(items, grain, w, workers, &begin, &end);
                    assert_int_equal(begin, at);
                    assert_true(end >= begin);
                    assert_true(end == items || end % grain == 0);
                    at = end;
                }
                assert_int_equal(at, items);
            }
        }
    }
}

static void products_that_overflow_are_seen(void **state)
{
    (void)state;
    uint64_t out = 0;
    assert_true(met_mul_u64(1u << 31, 1u << 31, &out));
    assert_false(met_mul_u64(UINT64_MAX / 2, 3, &out));
    assert_false(met_add_u64(UINT64_MAX, 1, &out));
    assert_int_equal(met_align_up(0, 64), 0);
    assert_int_equal(met_align_up(65, 64), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_one_printable_line),
        cmocka_unit_test(an_error_is_utf8_without_controls),
        cmocka_unit_test(a_long_error_says_that_it_was_cut),
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(a_buffer_grows_and_keeps_its_bytes),
        cmocka_unit_test(a_buffer_refuses_sizes_that_overflow),
        cmocka_unit_test(utf8_accepts_exactly_the_scalar_values),
        cmocka_unit_test(utf8_refuses_overlong_and_broken_sequences),
        cmocka_unit_test(every_half_survives_the_round_trip),
        cmocka_unit_test(floats_round_to_the_nearest_half_and_ties_to_even),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_storage_that_stays),
        cmocka_unit_test(a_mapping_reports_what_cannot_be_mapped),
        cmocka_unit_test(a_mapping_fills_whole_pages_with_zeros),
        cmocka_unit_test(a_barrier_shows_every_write_to_every_worker),
        cmocka_unit_test(a_parked_team_wakes_up),
        cmocka_unit_test(slices_cover_everything_once),
        cmocka_unit_test(products_that_overflow_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
