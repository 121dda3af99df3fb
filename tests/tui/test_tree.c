/* The timing tree, the samples of the sparkline, and the view of the chat. */
#include "cli/tui/chat.h"
#include "cli/tui/rate.h"
#include "cli/tui/tree.h"
#include "support/testing.h"

#include <math.h>

static met_str view(const char *text)
{
    met_str out = {text, strlen(text)};
    return out;
}

/* Two layers of two operations between an embedding and the output, ten steps. */
static const met_op_time times[] = {
    {.work = "embed", .weight = {"token_embd.weight", 17}, .layer = -1, .calls = 10, .seconds = 1},
    {.work = "rmsnorm, matmul", .weight = {"blk.0.attn_q.weight", 19}, .layer = 0, .calls = 10,
     .seconds = 2, .wait_seconds = 1},
    {.work = "rope, kv_append, attention", .layer = 0, .calls = 10, .seconds = 4},
    {.work = "rmsnorm, matmul", .weight = {"blk.1.attn_q.weight", 19}, .layer = 1, .calls = 10,
     .seconds = 8},
    {.work = "rope, kv_append, attention", .layer = 1, .calls = 10, .seconds = 1},
    {.work = "rmsnorm, matmul", .weight = {"output.weight", 13}, .layer = -1, .calls = 10,
     .seconds = 3},
};
enum { TIMES = sizeof times / sizeof times[0] };

/* Labels of the rows, indented by depth. */
static void expect_rows(const met_tui_tree *tree, const char *expected)
{
    char found[512] = "";
    size_t used = 0;

    for (size_t i = 0; i < tree->count; i++)
        used += (size_t)snprintf(found + used, sizeof found - used, "%d%s,", tree->rows[i].depth,
                                 tree->rows[i].label);
    assert_string_equal(found, expected);
}

static void rows_open_close_and_add_up(void **state)
{
    met_tui_tree tree = {0};
    (void)state;

    met_tui_tree_build(&tree, times, TIMES);
    expect_rows(&tree, "0step,1token_embd,12 layers,1output,");
    assert_true(fabs(tree.rows[0].step_seconds - 2.0) < 1e-12); /* 20 s over 10 steps */
    assert_true(fabs(tree.rows[2].share - 16.0 / 20) < 1e-12);
    assert_true(fabs(tree.rows[2].wait_seconds - 0.1) < 1e-12);
    met_tui_tree_select(&tree, 2);
    met_tui_tree_expand(&tree, 1);
    met_tui_tree_select(&tree, 1);
    met_tui_tree_expand(&tree, 0);
    expect_rows(&tree, "0step,1token_embd,12 layers,2layer 0,3attn_q,3attention,2layer 1,1output,");
    double sum = 0, layers = 0;
    for (size_t i = 0; i < tree.count; i++) {
        if (tree.rows[i].depth == 1) sum += tree.rows[i].share;
        if (tree.rows[i].depth == 2) layers += tree.rows[i].share;
    }
    assert_true(fabs(sum - 1) < 1e-12);
    assert_true(fabs(layers - 16.0 / 20) < 1e-12);
    met_tui_tree_sort(&tree, true);
    expect_rows(&tree, "0step,12 layers,2layer 1,2layer 0,3attention,3attn_q,1output,1token_embd,");
    assert_string_equal(tree.rows[tree.selected].label, "layer 0"); /* the same row */
    met_tui_tree_select(&tree, 1);
    met_tui_tree_expand(&tree, -1); /* a leaf: to its parent */
    met_tui_tree_expand(&tree, -1);
    met_tui_tree_expand(&tree, -1);
    met_tui_tree_expand(&tree, -1);
    expect_rows(&tree, "0step,12 layers,1output,1token_embd,");
    met_tui_tree_select(&tree, -100);
    met_tui_tree_expand(&tree, 0);
    expect_rows(&tree, "0step,");
    met_tui_tree_build(&tree, times, 0);
    assert_int_equal(tree.count, 0);
    met_tui_tree_select(&tree, 3);
    met_tui_tree_expand(&tree, 1);
    met_tui_tree_free(&tree);
}

static void samples_are_tokens_over_the_time_between_two_looks(void **state)
{
    met_tui_rate rate = {0};
    int levels[8];
    (void)state;

    met_tui_rate_begin(&rate);
    assert_false(met_tui_rate_add(&rate, 1, 100.0));
    assert_false(met_tui_rate_add(&rate, 5, 100.1)); /* too soon */
    assert_true(met_tui_rate_add(&rate, 101, 100.5));
    assert_true(fabs(rate.samples[0] - 200) < 1e-9);
    assert_true(met_tui_rate_add(&rate, 201, 101.5));
    assert_int_equal(met_tui_rate_levels(&rate, 8, levels), 2);
    assert_int_equal(levels[0], 7);
    assert_int_equal(levels[1], 4); /* 100 of 200, of 7, rounded */
    met_tui_rate_begin(&rate);      /* the pause between two answers is no sample */
    assert_false(met_tui_rate_add(&rate, 1, 900.0));
    for (int i = 1; i < 200; i++)
        assert_true(met_tui_rate_add(&rate, 1 + i, 900.0 + i));
    assert_int_equal(rate.count, MET_TUI_RATE_SAMPLES);
    assert_int_equal(met_tui_rate_levels(&rate, 8, levels), 8);
}

static void the_view_follows_the_end_or_holds_on_to_its_text(void **state)
{
    met_tui_chat chat = {0};
    (void)state;

    for (int i = 0; i < 50; i++) {
        char text[32];
        snprintf(text, sizeof text, "entry %d of them all", i);
        met_tui_chat_add(&chat, MET_TUI_ENTRY_NOTE, view(text));
    }
    met_tui_chat_layout(&chat, 40, 10);
    assert_int_equal(chat.rows, 99); /* with air between */
    assert_string_equal(met_tui_chat_row(&chat, 9).text.data, "entry 49 of them all");
    met_tui_chat_scroll(&chat, -20);
    met_tui_row row = met_tui_chat_row(&chat, 1);
    assert_memory_equal(row.text.data, "entry 35", 8);
    assert_int_equal(met_tui_chat_below(&chat), 20);

    met_tui_chat_add(&chat, MET_TUI_ENTRY_ANSWER, view("more\nand\nmore"));
    met_tui_chat_layout(&chat, 40, 10);
    assert_memory_equal(met_tui_chat_row(&chat, 1).text.data, "entry 35", 8);
    met_tui_chat_layout(&chat, 8, 10); /* narrower: other rows, the same text at the top */
    assert_memory_equal(met_tui_chat_row(&chat, 1).text.data, "entry 35", 8);

    met_tui_chat_scroll(&chat, 100000);
    assert_int_equal(met_tui_chat_below(&chat), 0);
    met_tui_chat_append(&chat, chat.count - 1, view(" and the end"));
    met_tui_chat_layout(&chat, 40, 10);
    assert_string_equal(met_tui_chat_row(&chat, 9).text.data, "more and the end");
    met_tui_chat_scroll(&chat, -100000);
    assert_memory_equal(met_tui_chat_row(&chat, 0).text.data, "entry 0", 7);
    met_tui_chat_layout(&chat, 40, 500); /* everything fits */
    assert_null(met_tui_chat_row(&chat, 499).entry);
    met_tui_chat_free(&chat);
}

static void figures_stand_right_below_their_answer(void **state)
{
    met_tui_chat chat = {0};
    (void)state;

    met_tui_chat_layout(&chat, 10, 5); /* nothing at all */
    assert_null(met_tui_chat_row(&chat, 0).entry);
    met_tui_chat_add(&chat, MET_TUI_ENTRY_ANSWER, view("answer"));
    met_tui_chat_add(&chat, MET_TUI_ENTRY_NOTE, view("note"));
    met_tui_chat_insert(&chat, 1, MET_TUI_ENTRY_FOOT, view("foot"));
    met_tui_chat_layout(&chat, 10, 5);
    assert_string_equal(met_tui_chat_row(&chat, 1).text.data, "foot");
    assert_null(met_tui_chat_row(&chat, 2).entry);
    assert_string_equal(met_tui_chat_row(&chat, 3).text.data, "note");
    met_tui_chat_free(&chat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_open_close_and_add_up),
        cmocka_unit_test(samples_are_tokens_over_the_time_between_two_looks),
        cmocka_unit_test(the_view_follows_the_end_or_holds_on_to_its_text),
        cmocka_unit_test(figures_stand_right_below_their_answer),
    };
    return cmocka_run_group_tests_name("tui_tree", tests, NULL, NULL);
}
