/* Characters, their columns, and where lines end. */
#include "cli/tui/text.h"
#include "cli/tui/wrap.h"
#include "support/testing.h"

static met_str view(const char *text)
{
    met_str out = {text, strlen(text)};
    return out;
}

/* The lines of a text, joined by '|'. */
static void expect_lines(const char *text, int columns, met_tui_wrap_at at, const char *expected)
{
    met_tui_lines lines = {0};
    char found[1024] = "";
    size_t used = 0;

    met_tui_wrap(&lines, view(text), columns, at);
    for (size_t i = 0; i < lines.count; i++) {
        met_span line = lines.items[i];
        used += (size_t)snprintf(found + used, sizeof found - used, "%s%.*s", i > 0 ? "|" : "",
                                 (int)(line.end - line.begin), text + line.begin);
    }
    assert_string_equal(found, expected);
    met_tui_lines_free(&lines);
}

static void clusters_have_the_columns_that_are_drawn(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
        int columns;
    } cases[] = {
        {"a", 1, 1},
        {"e\xcc\x81x", 3, 1},                  /* a letter and its mark */
        {"日本", 3, 2},                        /* wide */
        {"👩\xe2\x80\x8d💻", 11, 4},           /* joined pictures, drawn side by side */
        {"👍\xf0\x9f\x8f\xbd", 8, 2},          /* the tone of a skin is not drawn */
        {"❤\xef\xb8\x8f", 6, 1},               /* nor is a selector */
        {"🇩🇪", 8, 2},                          /* two letters of a flag */
        {"\xcc\x81", 2, 1},                    /* a mark alone: the replacement */
        {"\xff", 1, 1},                        /* not UTF-8 */
        {"\xe6\x97", 1, 1},                    /* the beginning of a character */
        {"\x1b[2J", 1, 1},                     /* a control character: the replacement */
        {"\xc2\x9b", 2, 1},                    /* one of the second set */
        {"\xe2\x80\xae", 3, 0},                /* a direction is not drawn */
        {"\t", 1, MET_TUI_TAB_COLUMNS},
        {"\n", 1, 0},
        {"\r\n", 1, 0},
        {"\r", 1, 1},
        {"\0", 1, 1},
        {"👩\xe2\x80\x8d👩\xe2\x80\x8d👧\xe2\x80\x8d👦", 25, 8},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met_str text = {cases[i].text, strlen(cases[i].text)};
        if (text.bytes == 0) text.bytes = 1; /* the NUL itself */
        met_tui_cluster cluster = met_tui_cluster_at(text, 0);
        if (cluster.bytes != cases[i].bytes || cluster.columns != cases[i].columns) {
            fail_msg("case %zu: found %zu bytes, %d columns", i, cluster.bytes, cluster.columns);
        }
    }
}

static void going_back_undoes_going_on(void **state)
{
    met_str text = view("a👩\xe2\x80\x8d💻e\xcc\x81\n日\xff🇩🇪 x\r\n\ty");
    (void)state;

    for (size_t at = 0; at < text.bytes;) {
        size_t next = at + met_tui_cluster_at(text, at).bytes;
        assert_int_equal(met_tui_cluster_before(text, next), at);
        at = next;
    }
}

/* Letters, marks, joiners, flags, Hangul in parts, bytes that are nothing. */
static const char *const parts[] = {"a", "\xcc\x81", "日", "👩", "\xe2\x80\x8d", "🇩", "🇪", "\r", "\n",
                                    "\t", "\xe1\x84\x80", "\xe1\x85\xa1", "\xea\xb0\x80",
                                    "\xe0\xa4\x95", "\xe0\xa5\x8d", "\xe0\xa4\xb7", "\xd8\x80",
                                    "\xff", "\xe6\x97", "\xf0\x9f\x8f\xbd", "\x01", "\xe0\xb8\xb3"};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* Going back begins near, and must come to what going on from the beginning of the text comes to. */
static void going_back_undoes_going_on_in_any_bytes(void **state)
{
    uint64_t seed = 4;
    (void)state;

    for (int round = 0; round < 20000; round++) {
        char text[64] = "";
        met_str all = {text, 0};
        for (int i = 0; i < 12; i++) {
            all.bytes += (size_t)snprintf(text + all.bytes, sizeof text - all.bytes, "%s",
                                          parts[test_random(&seed) % PARTS]);
        }
        for (size_t at = 0; at < all.bytes;) {
            size_t next = at + met_tui_cluster_at(all, at).bytes;
            size_t found = met_tui_cluster_before(all, next);
            if (found != at) {
                fail_msg("round %d: before %zu found %zu, expected %zu", round, next, found, at);
            }
            at = next;
        }
    }
}

/* Joined pictures without an end: one cluster, which no window would have room for. */
static void a_cluster_wider_than_any_line_is_one_replacement(void **state)
{
    char text[1024] = "";
    size_t bytes = 0;
    (void)state;

    for (int pictures = 1; pictures <= 60; pictures++) {
        bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, "%s👩",
                                  pictures > 1 ? "\xe2\x80\x8d" : "");
        met_tui_cluster cluster = met_tui_cluster_at((met_str){text, bytes}, 0);
        bool fits = 2 * pictures <= MET_TUI_CLUSTER_MOST_COLUMNS;
        assert_int_equal(cluster.bytes, bytes);
        assert_int_equal(cluster.columns, fits ? 2 * pictures : 1);
        assert_int_equal(cluster.instead, !fits);
    }
    expect_lines(text, 21, MET_TUI_WRAP_WORDS, text);
}

static void words_stay_whole_where_they_fit(void **state)
{
    (void)state;
    expect_lines("", 5, MET_TUI_WRAP_WORDS, "");
    expect_lines("one two three", 7, MET_TUI_WRAP_WORDS, "one two|three");
    expect_lines("one two three", 6, MET_TUI_WRAP_WORDS, "one|two|three");
    expect_lines("one  two   ", 20, MET_TUI_WRAP_WORDS, "one  two");
    expect_lines("one      two", 5, MET_TUI_WRAP_WORDS, "one|two");
    expect_lines("abcdefghij", 4, MET_TUI_WRAP_WORDS, "abcd|efgh|ij");
    expect_lines("ab cdefghij", 4, MET_TUI_WRAP_WORDS, "ab|cdef|ghij");
    expect_lines("a\n\nb\n", 9, MET_TUI_WRAP_WORDS, "a||b|");
    expect_lines("    code here", 9, MET_TUI_WRAP_WORDS, "    code|here");
    expect_lines("a\r\nb", 9, MET_TUI_WRAP_WORDS, "a|b");
    expect_lines("        x", 4, MET_TUI_WRAP_WORDS, "|x");
}

static void wide_characters_part_anywhere_but_before_closing_marks(void **state)
{
    (void)state;
    expect_lines("日本語日本語", 5, MET_TUI_WRAP_WORDS, "日本|語日|本語");
    expect_lines("日本語。日", 6, MET_TUI_WRAP_WORDS, "日本|語。日");
    expect_lines("ab日本", 4, MET_TUI_WRAP_WORDS, "ab日|本");
    expect_lines("日", 1, MET_TUI_WRAP_WORDS, "日"); /* wider than the line: alone */
}

static void cells_keep_every_byte_that_is_edited(void **state)
{
    (void)state;
    expect_lines("one two  ", 5, MET_TUI_WRAP_CELLS, "one t|wo  ");
    expect_lines("a  \nb", 5, MET_TUI_WRAP_CELLS, "a  |b");
    expect_lines("12345", 5, MET_TUI_WRAP_CELLS, "12345");
}

/* Random text that arrives in random pieces, at whole characters as a model's does. */
static void text_that_grows_has_the_lines_of_the_whole(void **state)
{
    static const char *const pieces[] = {"a", "bc", " ", "  ", "\n", "日", "。", "e\xcc\x81", "\t",
                                         "longer", "👩", "\xe2\x80\x8d", "💻", "\xcc\x81", "\r\n",
                                         "👩\xe2\x80\x8d👩\xe2\x80\x8d👩\xe2\x80\x8d👩\xe2\x80\x8d👩\xe2\x80\x8d"};
    uint64_t seed = 20261123;
    (void)state;

    for (int round = 0; round < 3000; round++) {
        met_tui_lines grown = {0}, whole = {0};
        char text[1024] = "";
        size_t bytes = 0;
        int columns = 1 + (int)(test_random(&seed) % 24);
        for (int i = 0; i < 24; i++) {
            const char *piece = pieces[test_random(&seed) % (sizeof pieces / sizeof pieces[0])];
            bytes += (size_t)snprintf(text + bytes, sizeof text - bytes, "%s", piece);
            if (test_random(&seed) % 2 == 0) {
                met_tui_wrap(&grown, (met_str){text, bytes}, columns, MET_TUI_WRAP_WORDS);
            }
        }
        met_tui_wrap(&grown, (met_str){text, bytes}, columns, MET_TUI_WRAP_WORDS);
        met_tui_wrap(&whole, (met_str){text, bytes}, columns, MET_TUI_WRAP_WORDS);
        assert_int_equal(grown.count, whole.count);
        assert_memory_equal(grown.items, whole.items, whole.count * sizeof *whole.items);
        for (size_t i = 0; i < whole.count; i++) {
            met_str line = {text + whole.items[i].begin,
                            whole.items[i].end - whole.items[i].begin};
            bool alone = line.bytes == 0 || met_tui_cluster_at(line, 0).bytes == line.bytes;
            if (met_tui_text_columns(line) > columns && !alone) {
                fail_msg("round %d: \"%.*s\" in %d columns", round, (int)line.bytes, line.data,
                         columns);
            }
        }
        met_tui_lines_free(&grown);
        met_tui_lines_free(&whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clusters_have_the_columns_that_are_drawn),
        cmocka_unit_test(going_back_undoes_going_on),
        cmocka_unit_test(going_back_undoes_going_on_in_any_bytes),
        cmocka_unit_test(a_cluster_wider_than_any_line_is_one_replacement),
        cmocka_unit_test(words_stay_whole_where_they_fit),
        cmocka_unit_test(wide_characters_part_anywhere_but_before_closing_marks),
        cmocka_unit_test(cells_keep_every_byte_that_is_edited),
        cmocka_unit_test(text_that_grows_has_the_lines_of_the_whole),
    };
    return cmocka_run_group_tests_name("tui_wrap", tests, NULL, NULL);
}
