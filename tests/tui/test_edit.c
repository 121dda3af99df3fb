/* The text being typed, and what was typed before. */
#include "cli/tui/edit.h"
#include "cli/tui/history.h"
#include "cli/tui/text.h"
#include "support/testing.h"

static met_str view(const char *text)
{
    met_str out = {text, strlen(text)};
    return out;
}

/* The text with '|' at the cursor. */
static void expect_edit(const met_tui_edit *edit, const char *expected)
{
    char found[256];
    const char *text = met_tui_buffer_view(&edit->text).data;

    snprintf(found, sizeof found, "%.*s|%s", (int)edit->cursor, text, text + edit->cursor);
    assert_string_equal(found, expected);
}

static void insert(met_tui_edit *edit, const char *text)
{
    met_tui_edit_insert(edit, text, strlen(text));
}

static void pasted_text_loses_what_could_move_a_cursor(void **state)
{
    met_tui_edit edit = {0};
    (void)state;

    insert(&edit, "a\r\nb\rc\td\x1b[2J\x7f\xff\xc2\x9b" "e");
    expect_edit(&edit, "a\nb\nc\td[2Je|");
    met_tui_edit_free(&edit);
}

static void steps_go_by_characters_words_and_lines(void **state)
{
    met_tui_edit edit = {0};
    (void)state;

    insert(&edit, "one two\n日本 e\xcc\x81");
    met_tui_edit_move(&edit, MET_TUI_STEP_LEFT);
    expect_edit(&edit, "one two\n日本 |e\xcc\x81");
    met_tui_edit_move(&edit, MET_TUI_STEP_WORD_LEFT);
    expect_edit(&edit, "one two\n|日本 e\xcc\x81");
    met_tui_edit_move(&edit, MET_TUI_STEP_RIGHT);
    met_tui_edit_move(&edit, MET_TUI_STEP_LINE_BEGIN);
    expect_edit(&edit, "one two\n|日本 e\xcc\x81");
    met_tui_edit_move(&edit, MET_TUI_STEP_LINE_END);
    expect_edit(&edit, "one two\n日本 e\xcc\x81|");
    met_tui_edit_move(&edit, MET_TUI_STEP_BEGIN);
    met_tui_edit_move(&edit, MET_TUI_STEP_WORD_RIGHT);
    expect_edit(&edit, "one| two\n日本 e\xcc\x81");
    met_tui_edit_move(&edit, MET_TUI_STEP_END);
    met_tui_edit_move(&edit, MET_TUI_STEP_RIGHT); /* nowhere to go */
    expect_edit(&edit, "one two\n日本 e\xcc\x81|");
    met_tui_edit_free(&edit);
}

static void what_is_cut_can_be_put_back(void **state)
{
    met_tui_edit edit = {0};
    (void)state;

    insert(&edit, "one two three");
    met_tui_edit_remove(&edit, MET_TUI_STEP_WORD_LEFT, true);
    expect_edit(&edit, "one two |");
    met_tui_edit_remove(&edit, MET_TUI_STEP_LEFT, false); /* not kept */
    met_tui_edit_move(&edit, MET_TUI_STEP_BEGIN);
    met_tui_edit_yank(&edit);
    expect_edit(&edit, "three|one two");
    met_tui_edit_remove(&edit, MET_TUI_STEP_LINE_END, true);
    expect_edit(&edit, "three|");
    met_tui_edit_remove(&edit, MET_TUI_STEP_LINE_END, true); /* nothing: what was cut stays */
    met_tui_edit_yank(&edit);
    expect_edit(&edit, "threeone two|");
    met_tui_edit_free(&edit);
}

static void rows_keep_their_column_and_end_at_the_edges(void **state)
{
    met_tui_edit edit = {0};
    size_t row;
    int column;
    (void)state;

    insert(&edit, "abcdefgh\nx\n12345"); /* at 5 columns: abcde, fgh, x, 12345, and the cursor */
    met_tui_edit_place(&edit, 5, &row, &column);
    assert_int_equal(row, 3);
    assert_int_equal(column, 5);
    assert_true(met_tui_edit_move_row(&edit, -1, 5));
    expect_edit(&edit, "abcdefgh\nx|\n12345");
    assert_true(met_tui_edit_move_row(&edit, -1, 5));
    expect_edit(&edit, "abcdefgh|\nx\n12345");
    assert_true(met_tui_edit_move_row(&edit, -1, 5));
    expect_edit(&edit, "abcd|efgh\nx\n12345"); /* behind e would be the row below */
    assert_false(met_tui_edit_move_row(&edit, -1, 5));
    assert_true(met_tui_edit_move_row(&edit, 1, 5));
    expect_edit(&edit, "abcdefgh|\nx\n12345");
    met_tui_edit_free(&edit);
}

/* Any keys leave UTF-8 and a cursor between characters. */
static void random_keys_keep_the_invariant(void **state)
{
    static const char *const typed[] = {"a", " ", "日", "\xcc\x81", "👩", "\xe2\x80\x8d", "\n",
                                        "word ", "\xff", "\t"};
    uint64_t seed = 7;
    (void)state;

    for (int round = 0; round < 300; round++) {
        met_tui_edit edit = {0};
        for (int i = 0; i < 60; i++) {
            uint64_t choice = test_random(&seed) % 8;
            met_tui_step step = (met_tui_step)(test_random(&seed) % 8);
            if (choice < 4) insert(&edit, typed[test_random(&seed) % 10]);
            if (choice == 4) met_tui_edit_move(&edit, step);
            if (choice == 5) met_tui_edit_remove(&edit, step, true);
            if (choice == 6) (void)met_tui_edit_move_row(&edit, i % 2 == 0 ? -1 : 1, 6);
            if (choice == 7) met_tui_edit_yank(&edit);
            met_str text = met_tui_buffer_view(&edit.text);
            size_t at = 0;
            while (at < edit.cursor)
                at += met_tui_cluster_at(text, at).bytes;
            if (at != edit.cursor) fail_msg("round %d, key %d: cursor within a character", round, i);
            for (size_t b = 0; b < text.bytes;) {
                size_t bytes;
                assert_true(met_tui_code_point(text, b, &bytes) >= 0);
                b += bytes;
            }
        }
        met_tui_edit_free(&edit);
    }
}

/* Changes anywhere leave the lines that wrapping it all anew would give. */
static void lines_are_those_of_the_whole_text_after_any_change(void **state)
{
    static const char *const typed[] = {
        "a", "word ", "日", "\xcc\x81", "👩", "\xe2\x80\x8d", "\n", "1234567890", "\t",
        "👩\xe2\x80\x8d👩\xe2\x80\x8d👩\xe2\x80\x8d👩\xe2\x80\x8d👩\xe2\x80\x8d"};
    uint64_t seed = 11;
    (void)state;

    for (int round = 0; round < 500; round++) {
        met_tui_edit edit = {0};
        int columns = 1 + (int)(test_random(&seed) % 24);
        for (int i = 0; i < 80; i++) {
            uint64_t choice = test_random(&seed) % 8;
            met_tui_step step = (met_tui_step)(test_random(&seed) % 8);
            if (choice < 5) insert(&edit, typed[test_random(&seed) % 10]);
            if (choice == 5) met_tui_edit_move(&edit, step);
            if (choice == 6) met_tui_edit_remove(&edit, (met_tui_step)(step % 4), true);
            if (choice == 7) met_tui_edit_yank(&edit);
            size_t row;
            int column;
            met_tui_lines whole = {0};
            met_tui_edit_place(&edit, columns, &row, &column);
            met_tui_wrap(&whole, met_tui_buffer_view(&edit.text), columns, MET_TUI_WRAP_CELLS);
            if (edit.lines.count != whole.count ||
                memcmp(edit.lines.items, whole.items, whole.count * sizeof *whole.items) != 0) {
                fail_msg("round %d, change %d: other lines than those of the whole", round, i);
            }
            assert_true(whole.items[row].begin <= edit.cursor);
            assert_true(row + 1 == whole.count || edit.cursor < whole.items[row + 1].begin);
            met_tui_lines_free(&whole);
        }
        met_tui_edit_free(&edit);
    }
}

static void what_is_set_keeps_every_byte_and_what_is_pasted_does_not(void **state)
{
    static const char text[] = "a\0b\x1b\r\nc";
    met_tui_edit edit = {0};
    (void)state;

    met_tui_edit_set(&edit, (met_str){text, sizeof text - 1});
    assert_int_equal(edit.text.bytes, sizeof text - 1);
    assert_memory_equal(edit.text.data, text, sizeof text - 1);
    assert_int_equal(edit.cursor, sizeof text - 1);
    met_tui_edit_remove(&edit, MET_TUI_STEP_BEGIN, true);
    assert_int_equal(edit.text.bytes, 0);
    met_tui_edit_yank(&edit); /* is put back whole, too */
    assert_memory_equal(edit.text.data, text, sizeof text - 1);
    met_tui_edit_set(&edit, view(""));
    met_tui_edit_insert(&edit, text, sizeof text - 1);
    expect_edit(&edit, "ab\nc|");
    met_tui_edit_free(&edit);
}

/* The step there is, to a text; NULL stands for none. */
static void expect_step(met_tui_history *history, int delta, const char *now, const char *expected)
{
    met_str text = {"", 0};

    assert_int_equal(met_tui_history_step(history, delta, view(now), &text), expected != NULL);
    if (expected == NULL) return;
    assert_int_equal(text.bytes, strlen(expected));
    assert_memory_equal(text.data, expected, text.bytes);
}

static void history_walks_back_and_gives_the_draft_back(void **state)
{
    met_tui_history history = {0};
    (void)state;

    expect_step(&history, -1, "x", NULL);
    assert_true(met_tui_history_add(&history, view("one")));
    assert_true(met_tui_history_add(&history, view("two")));
    assert_true(met_tui_history_add(&history, view("two"))); /* not twice */
    expect_step(&history, 1, "draft", NULL);
    expect_step(&history, -1, "draft", "two");
    expect_step(&history, -1, "two", "one");
    expect_step(&history, -1, "one", NULL);
    expect_step(&history, 1, "one", "two");
    expect_step(&history, 1, "two", "draft");
    expect_step(&history, 1, "draft", NULL);
    met_tui_history_free(&history);
}

static void history_keeps_what_stands_behind_a_nul(void **state)
{
    met_tui_history history = {0};
    met_str text = {"", 0};
    (void)state;

    assert_true(met_tui_history_add(&history, (met_str){"a\0b", 3}));
    assert_true(met_tui_history_add(&history, (met_str){"a\0c", 3})); /* another one */
    assert_int_equal(history.count, 2);
    assert_true(met_tui_history_step(&history, -1, (met_str){"d\0e", 3}, &text));
    assert_int_equal(text.bytes, 3);
    assert_memory_equal(text.data, "a\0c", 3);
    assert_true(met_tui_history_step(&history, 1, text, &text)); /* the draft */
    assert_int_equal(text.bytes, 3);
    assert_memory_equal(text.data, "d\0e", 3);
    met_tui_history_free(&history);
}

static void history_forgets_the_oldest_when_it_is_full(void **state)
{
    met_tui_history history = {0};
    char text[16];
    (void)state;

    for (int i = 0; i < MET_TUI_HISTORY_MAX + 3; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_true(met_tui_history_add(&history, view(text)));
    }
    assert_int_equal(history.count, MET_TUI_HISTORY_MAX);
    assert_string_equal(history.items[0].data, "3");
    met_tui_history_free(&history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pasted_text_loses_what_could_move_a_cursor),
        cmocka_unit_test(steps_go_by_characters_words_and_lines),
        cmocka_unit_test(what_is_cut_can_be_put_back),
        cmocka_unit_test(rows_keep_their_column_and_end_at_the_edges),
        cmocka_unit_test(random_keys_keep_the_invariant),
        cmocka_unit_test(lines_are_those_of_the_whole_text_after_any_change),
        cmocka_unit_test(what_is_set_keeps_every_byte_and_what_is_pasted_does_not),
        cmocka_unit_test(history_walks_back_and_gives_the_draft_back),
        cmocka_unit_test(history_keeps_what_stands_behind_a_nul),
        cmocka_unit_test(history_forgets_the_oldest_when_it_is_full),
    };
    return cmocka_run_group_tests_name("tui_edit", tests, NULL, NULL);
}
