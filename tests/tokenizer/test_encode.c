/* Encoding: control ranges, room, bad input, long words, threads. Ids against the reference are in
 * test_reference.py. */
#include "tokenizer/vocabulary.h"

#include "tokenizer/bpe.h"

#include <pthread.h>

enum { MEGABYTE = 1 << 20 };

/* 256.. : the words below; 300.. by name in `small`. */
static void small(loaded *l)
{
    vocabulary v = {0};
    vocabulary_bytes(&v);
    vocabulary_merge(&v, "a a");               /* 256 */
    vocabulary_merge(&v, "aa aa");             /* 257 */
    vocabulary_merge(&v, "\xc4\xa0 \xc4\xa0"); /* 258: two spaces */
    vocabulary_merge(&v, "\xc4\x8a \xc4\x8a"); /* 259: two line feeds */
    vocabulary_merge(&v, "\xc4\xa0 b");        /* 260 */
    vocabulary_merge(&v, "\xc3\x83 \xc2\xa1"); /* 261: bytes c3 a1, U+00E1 */
    vocabulary_token(&v, "<|x|>", 3);          /* 262 */
    vocabulary_token(&v, "<|x|>y", 3);         /* 263 */
    vocabulary_token(&v, "<tool>", 4);         /* 264 */
    vocabulary_token(&v, "e\xcc\x81", 3);      /* 265: e and U+0301, not in NFC */
    vocabulary_accepted(&v, l);
    assert_int_equal(met_tokenizer_count(l->tokenizer), 266);
}

/* The same merges where they are not in the order of the ids. */
static void small_unranked(loaded *l)
{
    vocabulary v = {0};
    vocabulary_bytes(&v);
    vocabulary_token(&v, "aaaa", 1);
    vocabulary_token(&v, "aa", 1);
    vocabulary_token(&v, "\xc4\xa0\xc4\xa0", 1);
    vocabulary_token(&v, "\xc4\x8a\xc4\x8a", 1);
    vocabulary_merge_only(&v, "\xc4\xa0 \xc4\xa0");
    vocabulary_merge_only(&v, "\xc4\x8a \xc4\x8a");
    vocabulary_merge_only(&v, "a a");
    vocabulary_merge_only(&v, "aa aa");
    vocabulary_accepted(&v, l);
}

typedef struct ids {
    int32_t at[64];
    size_t count;
} ids;

static ids encode(const loaded *l, const char *text, const met_span *control, size_t ranges)
{
    ids out;
    met_error err;
    assert_ok(met_tokenizer_encode(l->tokenizer, met_str_of(text), control, ranges, out.at, 64,
                                   &out.count, &err));
    return out;
}

#define assert_ids(found, ...)                                                                     \
    do {                                                                                           \
        const int32_t expected_ids[] = {__VA_ARGS__};                                              \
        ids found_ids = (found);                                                                   \
        assert_int_equal(found_ids.count, sizeof expected_ids / sizeof *expected_ids);             \
        assert_memory_equal(found_ids.at, expected_ids, sizeof expected_ids);                      \
    } while (0)

/* ---------------------------------------------------------------- control ranges */

static void text_never_becomes_control_tokens(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    assert_ids(encode(&l, "<|x|>", NULL, 0), '<', '|', 'x', '|', '>');
    assert_ids(encode(&l, "<tool>", NULL, 0), '<', 't', 'o', 'o', 'l', '>');
    met_span before = {0, 1};
    assert_ids(encode(&l, "a<|x|>", &before, 1), 'a', '<', '|', 'x', '|', '>');
    loaded_free(&l);
}

static void a_control_range_gives_control_and_user_tokens(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    met_span all = {0, 14};
    assert_ids(encode(&l, "<|x|>aa<tool>b", &all, 1), 262, 256, 264, 'b');
    loaded_free(&l);
}

static void the_longest_spelling_within_the_range_wins(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    met_span all = {0, 7};
    met_span short_range = {0, 5};
    met_span too_short = {0, 4};
    met_span inside = {1, 7};
    assert_ids(encode(&l, "<|x|>yy", &all, 1), 263, 'y');
    assert_ids(encode(&l, "<|x|>yy", &short_range, 1), 262, 'y', 'y');
    assert_ids(encode(&l, "<|x|>yy", &too_short, 1), '<', '|', 'x', '|', '>', 'y', 'y');
    assert_ids(encode(&l, "<|x|>yy", &inside, 1), '<', '|', 'x', '|', '>', 'y', 'y');
    loaded_free(&l);
}

static void a_spelling_across_two_ranges_is_text(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    met_span halves[] = {{0, 3}, {3, 5}};
    assert_ids(encode(&l, "<|x|>", halves, 2), '<', '|', 'x', '|', '>');
    met_span around[] = {{0, 2}, {4, 5}}; /* a user types the middle */
    assert_ids(encode(&l, "<|x|>", around, 2), '<', '|', 'x', '|', '>');
    loaded_free(&l);
}

static void many_ranges_and_empty_ones_are_in_order(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    met_span ranges[] = {{0, 0}, {0, 5}, {5, 5}, {10, 15}, {15, 15}};
    assert_ids(encode(&l, "<|x|><|x|><|x|>", ranges, 5), 262, '<', '|', 'x', '|', '>', 262);
    loaded_free(&l);
}

static void a_range_border_does_not_cut_words(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    met_span half = {0, 2};
    assert_ids(encode(&l, "aaaa", &half, 1), 257);
    met_span x = {0, 5}; /* but a control token does */
    assert_ids(encode(&l, "<|x|>aaaa", &x, 1), 262, 257);
    loaded_free(&l);
}

static void text_is_normalised_between_control_tokens(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    /* a + U+0301 is U+00E1, also across the border of a range; not across a token. */
    assert_ids(encode(&l, "a\xcc\x81", NULL, 0), 261);
    met_span half = {0, 1};
    assert_ids(encode(&l, "a\xcc\x81", &half, 1), 261);
    met_span all = {0, 8};
    assert_ids(encode(&l, "a<|x|>\xcc\x81", &all, 1), 'a', 262, 0xcc, 0x81);
    /* Tokens are found before anything is normalised. */
    assert_ids(encode(&l, "e\xcc\x81", NULL, 0), 0xc3, 0xa9);
    met_span three = {0, 3};
    assert_ids(encode(&l, "e\xcc\x81", &three, 1), 265);
    loaded_free(&l);
}

/* ---------------------------------------------------------------- input and room */

static void nothing_gives_no_tokens(void **state)
{
    (void)state;
    loaded l;
    met_error err;
    size_t count = 1;
    small(&l);
    assert_int_equal(encode(&l, "", NULL, 0).count, 0);
    assert_ok(
        met_tokenizer_encode(l.tokenizer, (met_str){NULL, 0}, NULL, 0, NULL, 0, &count, &err));
    assert_int_equal(count, 0);
    loaded_free(&l);
}

static void too_little_room_tells_how_much_is_needed(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    met_str text = met_str_of("aaaa bcd");
    for (size_t capacity = 0; capacity <= 5; capacity++) {
        int32_t out[5] = {-7, -7, -7, -7, -7};
        size_t count = 0;
        met_error err = {0};
        met_status status = met_tokenizer_encode(
            l.tokenizer, text, NULL, 0, capacity == 0 ? NULL : out, capacity, &count, &err);
        assert_int_equal(count, 4);
        assert_int_equal(status, capacity < 4 ? MET_E_RANGE : MET_OK);
        if (capacity == 3) assert_string_equal(err.text, "text has 4 tokens, room is for 3");
        static const int32_t expected[] = {257, 260, 'c', 'd'};
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(out[i], i < capacity && i < 4 ? expected[i] : -7);
        }
    }
    loaded_free(&l);
}

static void text_that_is_not_utf8_is_refused_with_the_offset(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    static const struct {
        const char *text;
        const char *error;
    } bad[] = {
        {"\xff", "text has byte 0xff at offset 0, expected UTF-8"},
        {"ab\x80", "text has byte 0x80 at offset 2, expected UTF-8"},
        {"12345678901\xe4\xb8", "text has byte 0xe4 at offset 11, expected UTF-8"},
        {"\xc3\xa1\xed\xa0\x80", "text has byte 0xed at offset 2, expected UTF-8"},
        {"\xc0\xaf", "text has byte 0xc0 at offset 0, expected UTF-8"},
        {"\xf4\x90\x80\x80", "text has byte 0xf4 at offset 0, expected UTF-8"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        met_error err = {0};
        int32_t out[16];
        size_t count = 99;
        assert_int_equal(met_tokenizer_encode(l.tokenizer, met_str_of(bad[i].text), NULL, 0, out,
                                              16, &count, &err),
                         MET_E_FORMAT);
        assert_string_equal(err.text, bad[i].error);
        assert_int_equal(count, 99);
    }
    loaded_free(&l);
}

static void ranges_that_do_not_ascend_or_fit_are_refused(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    static const met_span bad[][2] = {
        {{0, 6}, {6, 6}},
        {{3, 2}, {4, 4}},
        {{0, 3}, {2, 4}},
        {{4, 5}, {0, 1}},
        {{0, SIZE_MAX}, {SIZE_MAX, SIZE_MAX}},
        {{SIZE_MAX, SIZE_MAX}, {0, 0}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        met_error err = {0};
        int32_t out[16];
        size_t count = 0;
        assert_int_equal(met_tokenizer_encode(l.tokenizer, met_str_of("hello"), bad[i], 2, out, 16,
                                              &count, &err),
                         MET_E_ARGUMENT);
        assert_memory_equal(err.text, "control range ", 14);
    }
    loaded_free(&l);
}

static void nothing_is_read_beyond_the_text(void **state)
{
    (void)state;
    static const char *const ends[] = {"a",         "'",
                                       " ",         "\n",
                                       "'l",        "\xc5\xbf",
                                       "'\xc5\xbf", "\xe4\xb8\xad",
                                       "a\xcc\x81", "\xf0\x9f\x98\x80"};
    loaded l[2];
    small(&l[0]);
    small_unranked(&l[1]);
    for (size_t length = 0; length < 80; length++) {
        for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
            size_t bytes = length + strlen(ends[i]);
            char *text = test_guarded(bytes);
            memset(text, 'a', length);
            memcpy(text + length, ends[i], bytes - length);
            for (size_t k = 0; k < 2; k++) {
                met_span all = {0, bytes};
                int32_t out[128];
                size_t count = 0;
                met_error err;
                assert_ok(met_tokenizer_encode(l[k].tokenizer, (met_str){text, bytes}, &all, 1, out,
                                               128, &count, &err));
            }
            test_guarded_free(text, bytes);
        }
    }
    loaded_free(&l[0]);
    loaded_free(&l[1]);
}

/* ---------------------------------------------------------------- long words */

static void a_queue_gives_what_searching_gives(void **state)
{
    (void)state;
    loaded l[2];
    small(&l[0]);
    small_unranked(&l[1]);
    uint64_t seed = 0x5eed;
    for (size_t k = 0; k < 2; k++) {
        met_vocab vocab = {0};
        met_error err;
        met_bpe_work work = {0};
        assert_ok(met_vocab_init(&vocab, l[k].gguf, &err));
        assert_int_equal(vocab.ranked, k == 0);
        for (int round = 0; round < 20000; round++) {
            char word[MET_BPE_SHORT_BYTES];
            int32_t a[MET_BPE_SHORT_BYTES];
            int32_t b[MET_BPE_SHORT_BYTES];
            size_t bytes = 1 + test_random(&seed) % MET_BPE_SHORT_BYTES;
            for (size_t i = 0; i < bytes; i++)
                word[i] = " \n  abaaa"[test_random(&seed) % 9];
            met_ids searched = {a, MET_BPE_SHORT_BYTES, 0};
            met_ids queued = {b, MET_BPE_SHORT_BYTES, 0};
            assert_ok(met_bpe_encode(&vocab, word, bytes, &work, &searched, &err));
            assert_ok(met_bpe_encode_long(&vocab, word, bytes, &work, &queued, &err));
            assert_int_equal(searched.count, queued.count);
            assert_memory_equal(a, b, searched.count * sizeof *a);
        }
        met_bpe_work_free(&work);
        met_vocab_free(&vocab);
        loaded_free(&l[k]);
    }
}

/* A megabyte of `piece`: ends at all, and in exactly these tokens, the last one `tail`. */
static void megabyte(const loaded *l, const char *piece, int32_t each, size_t count, int32_t tail)
{
    size_t piece_bytes = strlen(piece);
    char *text = malloc(MEGABYTE);
    int32_t *out = malloc(MEGABYTE * sizeof *out);
    met_error err;
    size_t found = 0;
    assert_non_null(text);
    assert_non_null(out);
    for (size_t i = 0; i < MEGABYTE; i++)
        text[i] = piece[i % piece_bytes];
    assert_ok(met_tokenizer_encode(l->tokenizer, (met_str){text, MEGABYTE}, NULL, 0, out, MEGABYTE,
                                   &found, &err));
    assert_int_equal(found, count);
    for (size_t i = 0; i + 1 < found; i++)
        assert_int_equal(out[i], each);
    assert_int_equal(out[found - 1], tail);
    free(text);
    free(out);
}

static void a_megabyte_of_one_character_ends(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    megabyte(&l, "a", 257, MEGABYTE / 4, 257);
    megabyte(&l, " ", 258, MEGABYTE / 2, 258);
    megabyte(&l, "\n", 259, MEGABYTE / 2, 259);
    megabyte(&l, "z", 'z', MEGABYTE, 'z');
    megabyte(&l, "!", '!', MEGABYTE, '!');
    megabyte(&l, "7", '7', MEGABYTE, '7');
    megabyte(&l, "\r", '\r', MEGABYTE, '\r');
    megabyte(&l, "\t", '\t', MEGABYTE, '\t');
    megabyte(&l, "'", '\'', MEGABYTE, '\'');
    megabyte(&l, " b", 260, MEGABYTE / 2, 260);
    loaded_free(&l);
    small_unranked(&l);
    megabyte(&l, "a", 256, MEGABYTE / 4, 256);
    megabyte(&l, " ", 258, MEGABYTE / 2, 258);
    megabyte(&l, "\n", 259, MEGABYTE / 2, 259);
    loaded_free(&l);
}

static void a_megabyte_of_openings_of_control_tokens_ends(void **state)
{
    (void)state;
    loaded l;
    small(&l);
    char *text = malloc(MEGABYTE);
    assert_non_null(text);
    for (size_t i = 0; i < MEGABYTE; i++)
        text[i] = "<|x|"[i % 4];
    met_span all = {0, MEGABYTE};
    met_error err = {0};
    size_t count = 0;
    assert_int_equal(met_tokenizer_encode(l.tokenizer, (met_str){text, MEGABYTE}, &all, 1, NULL, 0,
                                          &count, &err),
                     MET_E_RANGE);
    assert_int_equal(count, MEGABYTE);
    free(text);
    loaded_free(&l);
}

/* ---------------------------------------------------------------- threads */

typedef struct job {
    const met_tokenizer *tokenizer;
    int32_t ids[4096];
    size_t count;
    met_status status;
} job;

static const char *const shared_text = "aa aaaa b  b\n\n aaa a\xcc\x81 b aaaa aa  aaaa\n\n\n";

static void *encode_in_thread(void *argument)
{
    job *j = argument;
    for (int round = 0; round < 200; round++) {
        j->status = met_tokenizer_encode(j->tokenizer, met_str_of(shared_text), NULL, 0, j->ids,
                                         4096, &j->count, NULL);
    }
    return NULL;
}

static void threads_share_a_tokenizer(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    loaded l;
    pthread_t threads[THREADS];
    job *jobs = calloc(THREADS, sizeof *jobs);
    assert_non_null(jobs);
    small(&l); /* fresh: nothing is known of any word yet */
    for (int i = 0; i < THREADS; i++) {
        jobs[i].tokenizer = l.tokenizer;
        assert_int_equal(pthread_create(&threads[i], NULL, encode_in_thread, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    ids expected = encode(&l, shared_text, NULL, 0);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(jobs[i].status, MET_OK);
        assert_int_equal(jobs[i].count, expected.count);
        assert_memory_equal(jobs[i].ids, expected.at, expected.count * sizeof *expected.at);
    }
    free(jobs);
    loaded_free(&l);
}

/* ---------------------------------------------------------------- tokens of one spelling */

static void of_two_tokens_with_the_same_bytes_the_later_is_used(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_merge(&v, "a b");   /* 256 */
    vocabulary_token(&v, "ab", 1); /* 257 */
    vocabulary_token(&v, "z", 1);  /* 258 */
    vocabulary_token(&v, "ab", 4); /* 259: does not take the place of what merges make */
    vocabulary_token(&v, "ab", 3); /* 260 */
    vocabulary_token(&v, "q", 5);  /* 261: unused */
    vocabulary_accepted(&v, &l);
    assert_ids(encode(&l, "ab", NULL, 0), 257);
    assert_ids(encode(&l, "abz", NULL, 0), 257, 258);
    assert_ids(encode(&l, "q", NULL, 0), 'q');
    met_span all = {0, 2};
    assert_ids(encode(&l, "ab", &all, 1), 260);
    loaded_free(&l);
}

static void a_token_that_merges_do_not_reach_is_not_used(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_merge(&v, "b c");      /* 256 */
    vocabulary_merge(&v, "a b");      /* 257 */
    vocabulary_merge(&v, "ab c");     /* 258: b c merges first, so that a b never does here */
    vocabulary_token(&v, "hello", 1); /* 259: no merges at all */
    vocabulary_accepted(&v, &l);
    for (int round = 0; round < 3; round++) { /* also when it has been found out */
        assert_ids(encode(&l, "abc", NULL, 0), 'a', 256);
        assert_ids(encode(&l, "ab", NULL, 0), 257);
        assert_ids(encode(&l, "hello", NULL, 0), 'h', 'e', 'l', 'l', 'o');
    }
    loaded_free(&l);
}

static void of_two_merges_of_one_pair_the_later_counts(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_merge(&v, "a b");      /* 256 */
    vocabulary_merge(&v, "b c");      /* 257 */
    vocabulary_merge_only(&v, "a b"); /* again: after b c */
    vocabulary_accepted(&v, &l);
    assert_ids(encode(&l, "abc", NULL, 0), 'a', 257);
    loaded_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_never_becomes_control_tokens),
        cmocka_unit_test(a_control_range_gives_control_and_user_tokens),
        cmocka_unit_test(the_longest_spelling_within_the_range_wins),
        cmocka_unit_test(a_spelling_across_two_ranges_is_text),
        cmocka_unit_test(many_ranges_and_empty_ones_are_in_order),
        cmocka_unit_test(a_range_border_does_not_cut_words),
        cmocka_unit_test(text_is_normalised_between_control_tokens),
        cmocka_unit_test(nothing_gives_no_tokens),
        cmocka_unit_test(too_little_room_tells_how_much_is_needed),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_with_the_offset),
        cmocka_unit_test(ranges_that_do_not_ascend_or_fit_are_refused),
        cmocka_unit_test(nothing_is_read_beyond_the_text),
        cmocka_unit_test(a_queue_gives_what_searching_gives),
        cmocka_unit_test(a_megabyte_of_one_character_ends),
        cmocka_unit_test(a_megabyte_of_openings_of_control_tokens_ends),
        cmocka_unit_test(threads_share_a_tokenizer),
        cmocka_unit_test(of_two_tokens_with_the_same_bytes_the_later_is_used),
        cmocka_unit_test(a_token_that_merges_do_not_reach_is_not_used),
        cmocka_unit_test(of_two_merges_of_one_pair_the_later_counts),
    };
    return cmocka_run_group_tests_name("tokenizer_encode", tests, NULL, NULL);
}
