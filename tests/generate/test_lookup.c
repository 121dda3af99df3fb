/* generate: guesses for the next tokens, on lists of tokens that a test writes down. */
#include "generate/lookup.h"
#include "support/testing.h"

enum { TEXT_MAX = 200 };

/* Tokens of a text: one a character. Guess `most` after it, and write the guesses down as text. */
static met_lookup guess_after(const char *text, int32_t most, char *guesses)
{
    int32_t tokens[TEXT_MAX], count = (int32_t)strlen(text);
    met_lookup lookup;
    assert_in_range(count, 1, TEXT_MAX);
    for (int32_t i = 0; i < count; i++)
        tokens[i] = text[i];
    met_lookup_init(&lookup);
    met_lookup_guess(&lookup, tokens, count - 1, tokens[count - 1], most);
    assert_int_equal(lookup.batch[0], tokens[count - 1]);
    assert_in_range(lookup.computed, 0, lookup.guesses);
    for (int32_t i = 0; i < lookup.guesses; i++)
        guesses[i] = (char)lookup.batch[1 + i];
    guesses[lookup.guesses] = '\0';
    return lookup;
}

static void expect_guess(const char *text, int32_t most, const char *expected, int32_t match)
{
    char guesses[MET_LOOKUP_GUESSES_MAX + 1];
    met_lookup lookup = guess_after(text, most, guesses);
    assert_string_equal(guesses, expected);
    if (expected[0] != '\0') assert_int_equal(lookup.match, match);
}

static void what_followed_the_last_three_tokens_is_guessed(void **state)
{
    (void)state;
    expect_guess("xabcdefgh.abc", 4, "defg", 3);
    expect_guess("abcdefgh.abc", 5, "defgh", 3); /* from the very beginning */
}

static void two_tokens_or_one_serve_where_three_are_not_found(void **state)
{
    (void)state;
    expect_guess("xbcdefgh.abc", 4, "defg", 2);
    expect_guess("xxcdefgh.abc", 4, "defg", 1);
    expect_guess("cdefgh.abc", 4, "defg", 1); /* nothing stands before it */
    expect_guess("bcdefgh.abc", 4, "defg", 2);
}

static void more_tokens_in_common_count_before_being_recent(void **state)
{
    (void)state;
    expect_guess("abcd..xbce..xxcf..abc", 1, "d", 3);
    expect_guess("xbce..xxcf..abc", 1, "e", 2);
}

static void of_equal_matches_the_most_recent_counts(void **state)
{
    (void)state;
    expect_guess("abcd..abce..abc", 1, "e", 3);
    expect_guess("bcd..bce..abc", 1, "e", 2);
    expect_guess("cd..ce..abc", 1, "e", 1);
}

static void a_repetition_goes_on_over_its_own_end(void **state)
{
    (void)state;
    expect_guess("aa", 4, "aaaa", 1);
    expect_guess("xabab", 7, "abababa", 2);
    expect_guess("abcabc", 16, "abcabcabcabcabca", 3);
}

static void nothing_is_guessed_where_nothing_was_said_before(void **state)
{
    (void)state;
    expect_guess("a", 8, "", 0);
    expect_guess("abcdef", 8, "", 0);
    expect_guess("aaaa", 0, "", 0);
}

/* The text is the tokens given: what lies behind them is another session's business. */
static void tokens_behind_the_text_are_not_looked_at(void **state)
{
    (void)state;
    int32_t *held = test_guarded(3 * sizeof *held);
    met_lookup lookup;
    held[0] = 7, held[1] = 8, held[2] = 7;
    met_lookup_init(&lookup);
    met_lookup_guess(&lookup, held, 3, 8, MET_LOOKUP_GUESSES_MAX);
    for (int32_t i = 0; i < MET_LOOKUP_GUESSES_MAX; i++)
        assert_int_equal(lookup.batch[1 + i], i % 2 == 0 ? 7 : 8);
    test_guarded_free(held, 3 * sizeof *held);
}

static void computed_guesses_are_accepted_until_the_first_wrong_one(void **state)
{
    (void)state;
    char guesses[MET_LOOKUP_GUESSES_MAX + 1];
    met_lookup lookup = guess_after("abcdefgh.abc", 8, guesses);
    assert_in_range(lookup.computed, 2, 8); /* three in common are tried at once */
    assert_true(met_lookup_judge(&lookup, 'd'));
    assert_false(met_lookup_judge(&lookup, 'x'));
    assert_false(met_lookup_judge(&lookup, 'f')); /* the guesses are over */
    lookup = guess_after("abcdefgh.abc", 8, guesses);
    for (int32_t i = 0; i < lookup.computed; i++)
        assert_true(met_lookup_judge(&lookup, guesses[i]));
    assert_false(met_lookup_judge(&lookup, guesses[lookup.computed])); /* right, not computed */
}

/* Tell the lookup how its next guess went; returns how many it computed. */
static int32_t try_once(met_lookup *lookup, bool right)
{
    const int32_t held[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 2};
    met_lookup_guess(lookup, held, 14, 3, 8);
    assert_int_equal(lookup->match, 3);
    int32_t computed = lookup->computed;
    for (int32_t i = 0; i < (computed > 0 ? computed : 1); i++)
        (void)met_lookup_judge(lookup, right ? lookup->batch[1 + i] : 99);
    return computed;
}

static void fewer_are_computed_when_guesses_fail_and_all_when_they_are_right(void **state)
{
    (void)state;
    met_lookup lookup;
    met_lookup_init(&lookup);
    int32_t wrong = 0, last = try_once(&lookup, false);
    assert_in_range(last, 1, 8);
    while (last > 0 && wrong < 100) {
        int32_t now = try_once(&lookup, false);
        assert_true(now <= last);
        last = now;
        wrong++;
    }
    /* After 21 wrong ones the estimate is 0.6 * 0.95^21 = 0.204, and no number of guesses is worth
     * it: (1 + p + ... + p^n) / (1.15 + 0.12 (n - 1)) is at most 1.204 / 1.15, and 1.05 is asked. */
    assert_in_range(wrong, 1, 21);
    /* Guesses that were right bring it back, computed or not: from 0.6 * 0.95^22 = 0.194 the
     * estimate reaches 1 - 0.806 * 0.95^38 = 0.885 after 38, where 8 guesses gain 5.80 / 1.99 and 7
     * gain 5.42 / 1.87. */
    int32_t tries = 0;
    while (try_once(&lookup, true) < 8 && tries < 100)
        tries++;
    assert_in_range(tries, 1, 38);
}

static void matches_of_different_length_are_judged_apart(void **state)
{
    (void)state;
    met_lookup lookup;
    met_lookup_init(&lookup);
    double three = lookup.right[3], one = lookup.right[1];
    const int32_t held[] = {5, 6};
    met_lookup_guess(&lookup, held, 2, 5, 8);
    assert_int_equal(lookup.match, 1);
    assert_int_equal(lookup.computed, 0); /* one in common is not worth it before it is proven */
    (void)met_lookup_judge(&lookup, 6);
    assert_true(lookup.right[1] > one);
    assert_true(lookup.right[3] == three);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_followed_the_last_three_tokens_is_guessed),
        cmocka_unit_test(two_tokens_or_one_serve_where_three_are_not_found),
        cmocka_unit_test(more_tokens_in_common_count_before_being_recent),
        cmocka_unit_test(of_equal_matches_the_most_recent_counts),
        cmocka_unit_test(a_repetition_goes_on_over_its_own_end),
        cmocka_unit_test(nothing_is_guessed_where_nothing_was_said_before),
        cmocka_unit_test(tokens_behind_the_text_are_not_looked_at),
        cmocka_unit_test(computed_guesses_are_accepted_until_the_first_wrong_one),
        cmocka_unit_test(fewer_are_computed_when_guesses_fail_and_all_when_they_are_right),
        cmocka_unit_test(matches_of_different_length_are_judged_apart),
    };
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
