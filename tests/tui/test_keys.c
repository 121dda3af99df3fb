/* Bytes of terminals' keyboards. */
#include "cli/tui/keys.h"
#include "support/testing.h"

/* The keys that the bytes give, all at once and then one by one. */
static void expect_keys(const char *bytes, size_t count, const met_tui_key *expected, size_t keys)
{
    for (int split = 0; split < 2; split++) {
        met_tui_keys reader = {0};
        met_tui_key_event event;
        size_t seen = 0;
        for (size_t i = 0; i < count; i += split ? 1 : count) {
            met_tui_keys_add(&reader, bytes + i, split ? 1 : count);
            while (met_tui_keys_next(&reader, false, &event)) {
                if (seen == keys || event.key != expected[seen]) {
                    fail_msg("key %zu of \"%s\": found %d", seen, bytes + 1, (int)event.key);
                }
                seen++;
            }
        }
        while (met_tui_keys_next(&reader, true, &event)) {
            assert_true(seen < keys);
            assert_int_equal(event.key, expected[seen]);
            seen++;
        }
        assert_int_equal(seen, keys);
        assert_false(met_tui_keys_waiting(&reader));
        met_tui_keys_free(&reader);
    }
}

static void sequences_of_xterm_rxvt_and_the_console_are_known(void **state)
{
    static const struct {
        const char *bytes;
        met_tui_key key;
    } cases[] = {
        {"\033[A", MET_TUI_KEY_UP},          {"\033OB", MET_TUI_KEY_DOWN},
        {"\033[1;5D", MET_TUI_KEY_WORD_LEFT}, {"\033[1;3C", MET_TUI_KEY_WORD_RIGHT},
        {"\033Od", MET_TUI_KEY_WORD_LEFT},   {"\033[H", MET_TUI_KEY_HOME},
        {"\033[1~", MET_TUI_KEY_HOME},       {"\033[8~", MET_TUI_KEY_END},
        {"\033[1;5H", MET_TUI_KEY_TOP},      {"\033[3~", MET_TUI_KEY_DELETE},
        {"\033[3;5~", MET_TUI_KEY_WORD_DELETE}, {"\033[3^", MET_TUI_KEY_WORD_DELETE},
        {"\033[5~", MET_TUI_KEY_PAGE_UP},    {"\033[6~", MET_TUI_KEY_PAGE_DOWN},
        {"\033OP", MET_TUI_KEY_F1},          {"\033[[B", MET_TUI_KEY_F2},
        {"\033[13~", MET_TUI_KEY_F3},        {"\033\r", MET_TUI_KEY_NEWLINE},
        {"\n", MET_TUI_KEY_NEWLINE},         {"\r", MET_TUI_KEY_ENTER},
        {"\033[13;2u", MET_TUI_KEY_NEWLINE}, {"\033[27;5;13~", MET_TUI_KEY_NEWLINE},
        {"\033[99;5u", MET_TUI_KEY_CONTROL}, {"\033b", MET_TUI_KEY_WORD_LEFT},
        {"\033\x7f", MET_TUI_KEY_WORD_BACKSPACE}, {"\x7f", MET_TUI_KEY_BACKSPACE},
        {"\b", MET_TUI_KEY_BACKSPACE},       {"\t", MET_TUI_KEY_TAB},
        {"\003", MET_TUI_KEY_CONTROL},       {"a", MET_TUI_KEY_TEXT},
        {"日", MET_TUI_KEY_TEXT},            {"\033", MET_TUI_KEY_ESCAPE},
        {"\033[<64;10;5M", MET_TUI_KEY_WHEEL_UP}, {"\033[<65;10;5M", MET_TUI_KEY_WHEEL_DOWN},
        {"\033[<0;10;5M", MET_TUI_KEY_NONE}, {"\033[I", MET_TUI_KEY_NONE},
        {"\033[?1;2c", MET_TUI_KEY_NONE},    {"\033[99999999999999~", MET_TUI_KEY_NONE},
        {"\xff", MET_TUI_KEY_NONE},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_keys(cases[i].bytes, strlen(cases[i].bytes), &cases[i].key, 1);
    met_tui_key two[] = {MET_TUI_KEY_ESCAPE, MET_TUI_KEY_UP};
    expect_keys("\033\033[A", 4, two, 2);
}

static void a_paste_is_one_event_whatever_is_in_it(void **state)
{
    const char *bytes = "x\033[200~line\r\033[A \033[201 日\n\033[201~y";
    met_tui_keys reader = {0};
    met_tui_key_event event;
    (void)state;

    for (size_t i = 0; i < strlen(bytes); i++) {
        met_tui_keys_add(&reader, bytes + i, 1);
        while (met_tui_keys_next(&reader, false, &event)) {
            if (event.key != MET_TUI_KEY_PASTE) {
                assert_int_equal(event.key, MET_TUI_KEY_TEXT);
                continue;
            }
            const char *pasted = "line\r\033[A \033[201 日\n";
            assert_int_equal(event.text.bytes, strlen(pasted));
            assert_memory_equal(event.text.data, pasted, strlen(pasted));
        }
    }
    assert_false(reader.pasting);
    met_tui_keys_free(&reader);
}

static void ctrl_c_gives_up_a_paste_whose_end_was_lost(void **state)
{
    met_tui_keys keys = {0};
    met_tui_key_event event;
    (void)state;

    met_tui_keys_add(&keys, "\033[200~a\003b", 9); /* one that was pasted is text */
    assert_false(met_tui_keys_next(&keys, true, &event));
    met_tui_keys_add(&keys, "\003", 1);
    assert_true(met_tui_keys_next(&keys, false, &event));
    assert_int_equal(event.key, MET_TUI_KEY_CONTROL);
    assert_int_equal(event.letter, 'c');
    met_tui_keys_add(&keys, "x", 1);
    assert_true(met_tui_keys_next(&keys, false, &event));
    assert_int_equal(event.key, MET_TUI_KEY_TEXT);
    assert_false(met_tui_keys_next(&keys, true, &event));
    met_tui_keys_free(&keys);
}

static void any_bytes_are_used_up(void **state)
{
    uint64_t seed = 99;
    (void)state;

    for (int round = 0; round < 2000; round++) {
        met_tui_keys reader = {0};
        met_tui_key_event event;
        char bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++) {
            static const char often[] = "\033[O<;0123456789~uMAm\r";
            bool any = test_random(&seed) % 3 == 0;
            bytes[i] = any ? (char)test_random(&seed)
                           : often[test_random(&seed) % (sizeof often - 1)];
        }
        met_tui_keys_add(&reader, bytes, sizeof bytes);
        while (met_tui_keys_next(&reader, true, &event)) {
        }
        assert_int_equal(reader.taken, reader.pending.bytes);
        met_tui_keys_free(&reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_of_xterm_rxvt_and_the_console_are_known),
        cmocka_unit_test(a_paste_is_one_event_whatever_is_in_it),
        cmocka_unit_test(ctrl_c_gives_up_a_paste_whose_end_was_lost),
        cmocka_unit_test(any_bytes_are_used_up),
    };
    return cmocka_run_group_tests_name("tui_keys", tests, NULL, NULL);
}
