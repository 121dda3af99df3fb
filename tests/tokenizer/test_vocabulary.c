/* Loading a vocabulary: what is accepted, what is refused and how, what it says of its tokens. */
#include "tokenizer/vocabulary.h"

#include "tokenizer/vocab.h"

#include <dirent.h>

static void bytes_are(const met_tokenizer *t, int32_t id, const char *text)
{
    met_str found = met_tokenizer_bytes(t, id);
    assert_int_equal(found.bytes, strlen(text));
    assert_memory_equal(found.data, text, found.bytes);
}

/* ---------------------------------------------------------------- refused */

static void an_unknown_model_is_refused_by_name(void **state)
{
    (void)state;
    vocabulary v = {.model = "llama"};
    vocabulary_bytes(&v);
    vocabulary_refused(&v, MET_E_TOKENIZER,
                       "m.gguf: tokenizer.ggml.model is \"llama\", supported is \"gpt2\"");
}

static void an_unknown_pre_tokenizer_is_refused_by_name(void **state)
{
    (void)state;
    vocabulary v = {.pre = "llama-bpe"};
    vocabulary_bytes(&v);
    vocabulary_refused(&v, MET_E_TOKENIZER,
                       "m.gguf: tokenizer.ggml.pre is \"llama-bpe\", supported is \"qwen2\"");
}

static void every_key_that_is_needed_is_named_when_it_is_missing(void **state)
{
    (void)state;
    static const char *const names[] = {"model", "pre", "tokens", "token_type", "merges"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        vocabulary v = {.omit = names[i]};
        met_error err;
        loaded l;
        char key[64];
        vocabulary_bytes(&v);
        snprintf(key, sizeof key, "tokenizer.ggml.%s", names[i]);
        assert_int_equal(vocabulary_load(&v, &l, &err), MET_E_KEY);
        assert_non_null(strstr(err.text, key));
        assert_null(l.tokenizer);
        loaded_free(&l);
    }
}

static void an_empty_vocabulary_is_refused(void **state)
{
    (void)state;
    vocabulary v = {0};
    vocabulary_refused(&v, MET_E_TOKENIZER,
                       "m.gguf: tokenizer.ggml.tokens has 0 tokens, supported are 1 to 16777216");
}

static void types_must_be_one_for_each_token(void **state)
{
    (void)state;
    vocabulary v = {0};
    vocabulary_bytes(&v);
    v.type_count--;
    v.types.bytes -= 4;
    vocabulary_refused(&v, MET_E_TOKENIZER,
                       "m.gguf: tokenizer.ggml.token_type has 255 entries, expected one for each "
                       "of 256 tokens");
}

static void a_type_out_of_range_is_refused(void **state)
{
    (void)state;
    static const int32_t bad[] = {0, 7, -1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vocabulary v = {0};
        char text[128];
        vocabulary_bytes(&v);
        vocabulary_token(&v, "x", bad[i]);
        snprintf(text, sizeof text, "m.gguf: tokenizer.ggml.token_type[256] is %d, expected 1 to 6",
                 bad[i]);
        vocabulary_refused(&v, MET_E_TOKENIZER, text);
    }
}

static void types_may_be_stored_unsigned_and_not_as_strings(void **state)
{
    (void)state;
    vocabulary v = {.type_kind = MET_GGUF_U32};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_accepted(&v, &l);
    loaded_free(&l);

    met_error err;
    v.type_kind = MET_GGUF_F32;
    vocabulary_bytes(&v);
    assert_int_equal(vocabulary_load(&v, &l, &err), MET_E_KEY);
    assert_non_null(strstr(err.text, "tokenizer.ggml.token_type"));
    loaded_free(&l);
}

static void a_byte_without_a_token_is_named(void **state)
{
    (void)state;
    vocabulary v = {0};
    for (unsigned byte = 0; byte < 256; byte++) {
        char spelling[3];
        vocabulary_spell(byte, spelling);
        vocabulary_token(&v, byte == 0x1f ? "unused" : spelling, 1);
    }
    vocabulary_refused(&v, MET_E_TOKENIZER,
                       "m.gguf: tokenizer.ggml.tokens has no token for byte 0x1f, expected one "
                       "for each byte");
}

static void a_merge_that_is_not_two_parts_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"ab", " b", "a ", "", " "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vocabulary v = {0};
        char text[128];
        vocabulary_bytes(&v);
        vocabulary_merge_only(&v, bad[i]);
        vocabulary_token(&v, "ab", 1);
        snprintf(text, sizeof text,
                 "m.gguf: tokenizer.ggml.merges[0] is \"%s\": expected two parts and a space",
                 bad[i]);
        vocabulary_refused(&v, MET_E_TOKENIZER, text);
    }
}

static void a_merge_of_what_is_no_token_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *merge;
        const char *why;
    } bad[] = {
        {"xy z", "its left part is not a token for text"},
        {"x yz", "its right part is not a token for text"},
        {"x z", "what it makes is not a token for text"},
        {"x y z", "its right part spells no bytes"}, /* a space is spelled otherwise */
        {"\xe4\xb8\xad x", "its left part spells no bytes"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        vocabulary v = {0};
        char text[160];
        vocabulary_bytes(&v);
        vocabulary_token(&v, "ab", 1);
        vocabulary_merge_only(&v, "a b");
        vocabulary_merge_only(&v, bad[i].merge);
        snprintf(text, sizeof text, "m.gguf: tokenizer.ggml.merges[1] is \"%s\": %s", bad[i].merge,
                 bad[i].why);
        vocabulary_refused(&v, MET_E_TOKENIZER, text);
    }
}

static void a_merge_may_not_make_a_control_token(void **state)
{
    (void)state;
    vocabulary v = {0};
    vocabulary_bytes(&v);
    vocabulary_token(&v, "ab", 3);
    vocabulary_merge_only(&v, "a b");
    vocabulary_refused(&v, MET_E_TOKENIZER,
                       "m.gguf: tokenizer.ggml.merges[0] is \"a b\": what it makes is not a token "
                       "for text");
}

static void an_id_beyond_the_vocabulary_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"bos", "eos", "eot", "eom"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        vocabulary v = {0};
        char key[64];
        char text[128];
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", keys[i]);
        snprintf(text, sizeof text, "m.gguf: %s is 256, expected an id below 256", key);
        vocabulary_bytes(&v);
        vocabulary_u32(&v, key, 256);
        vocabulary_refused(&v, MET_E_TOKENIZER, text);
    }
}

static void add_bos_without_a_bos_is_refused(void **state)
{
    (void)state;
    vocabulary v = {0};
    vocabulary_bytes(&v);
    forge_key(&v.extra, "tokenizer.ggml.add_bos_token", MET_GGUF_BOOL);
    forge_u8(&v.extra, 1);
    v.extra_count++;
    vocabulary_refused(&v, MET_E_KEY,
                       "m.gguf: tokenizer.ggml.bos_token_id is missing, expected because "
                       "tokenizer.ggml.add_bos_token is true");
}

/* ---------------------------------------------------------------- asked */

static void tokens_give_back_the_bytes_they_stand_for(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_token(&v, "\xc4\xa0hello", 1); /* U+0120: a space */
    vocabulary_token(&v, "printable-ascii-is-itself", 1);
    vocabulary_token(&v,
                     "\xc4\x8a\xc4\x8a"
                     "0123456\xc3\xa9"
                     "7",
                     1);                 /* U+010A: a line feed */
    vocabulary_token(&v, "<|a b|>", 3);  /* literal */
    vocabulary_token(&v, "\xc4\xa0", 4); /* literal */
    vocabulary_token(&v, "", 1);
    vocabulary_token(&v, "\xe4\xb8\xad", 1); /* spells no bytes: literal, as in the reference */
    vocabulary_token(&v, "[PAD263]", 5);
    vocabulary_accepted(&v, &l);
    for (int32_t byte = 0; byte < 256; byte++) {
        met_str found = met_tokenizer_bytes(l.tokenizer, byte);
        assert_int_equal(found.bytes, 1);
        assert_int_equal((uint8_t)found.data[0], byte);
    }
    bytes_are(l.tokenizer, 256, " hello");
    bytes_are(l.tokenizer, 257, "printable-ascii-is-itself");
    bytes_are(l.tokenizer, 258,
              "\n\n0123456\xe9"
              "7");
    bytes_are(l.tokenizer, 259, "<|a b|>");
    bytes_are(l.tokenizer, 260, "\xc4\xa0");
    bytes_are(l.tokenizer, 261, "");
    bytes_are(l.tokenizer, 262, "\xe4\xb8\xad");
    bytes_are(l.tokenizer, 263, ""); /* pads the vocabulary */
    assert_int_equal(met_tokenizer_count(l.tokenizer), 264);
    loaded_free(&l);
}

static void a_vocabulary_outlives_its_file(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    met_error err;
    int32_t ids[4];
    size_t count = 0;
    vocabulary_bytes(&v);
    vocabulary_merge(&v, "a b");
    vocabulary_token(&v, "<|x|>", 3);
    vocabulary_accepted(&v, &l);
    met_gguf_free(l.gguf);
    l.gguf = NULL;
    memset(l.bytes, 0xee, l.size);
    met_span all = {0, 7};
    assert_ok(
        met_tokenizer_encode(l.tokenizer, met_str_of("ab<|x|>"), &all, 1, ids, 4, &count, &err));
    assert_int_equal(count, 2);
    assert_int_equal(ids[0], 256);
    assert_int_equal(ids[1], 257);
    loaded_free(&l);
}

static void end_tokens_are_those_of_the_keys_and_the_known_names(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_token(&v, "<|im_end|>", 3);
    vocabulary_token(&v, "<|endoftext|>", 4); /* by name only as a control token */
    vocabulary_token(&v, "<|eot|>", 3);
    vocabulary_u32(&v, "tokenizer.ggml.eos_token_id", 3);
    vocabulary_u32(&v, "tokenizer.ggml.eot_token_id", 258);
    vocabulary_u32(&v, "tokenizer.ggml.eom_token_id", 5);
    vocabulary_accepted(&v, &l);
    for (int32_t id = 0; id < 259; id++) {
        assert_int_equal(met_tokenizer_is_end(l.tokenizer, id),
                         id == 3 || id == 5 || id == 256 || id == 258);
        assert_int_equal(met_tokenizer_is_control(l.tokenizer, id), id == 256 || id == 258);
    }
    loaded_free(&l);
}

static void control_tokens_are_found_by_their_whole_spelling(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    vocabulary_bytes(&v);
    vocabulary_token(&v, "<|b|>", 3);
    vocabulary_token(&v, "<|a|>", 3);
    vocabulary_token(&v, "<|a|>longer", 3);
    vocabulary_token(&v, "<user>", 4);
    vocabulary_token(&v, "<|b|>", 3); /* a second one of this spelling: it wins */
    vocabulary_token(&v, "", 3);
    vocabulary_token(&v, "\xff", 3); /* cannot be in a text */
    vocabulary_accepted(&v, &l);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<|a|>")), 257);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<|a|>longer")), 258);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<|b|>")), 260);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<|a|>long")), -1);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<|a|")), -1);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<|a|>x")), -1);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("<user>")), -1);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("a")), -1);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, met_str_of("")), -1);
    assert_int_equal(met_tokenizer_find_control(l.tokenizer, (met_str){NULL, 0}), -1);
    loaded_free(&l);
}

static void a_bos_is_never_added_to_a_text(void **state)
{
    (void)state;
    for (int add = -1; add <= 1; add++) {
        vocabulary v = {0};
        loaded l;
        vocabulary_bytes(&v);
        vocabulary_u32(&v, "tokenizer.ggml.bos_token_id", 7);
        if (add >= 0) {
            forge_key(&v.extra, "tokenizer.ggml.add_bos_token", MET_GGUF_BOOL);
            forge_u8(&v.extra, (uint8_t)add);
            v.extra_count++;
        }
        vocabulary_accepted(&v, &l);
        int32_t token = -1;
        size_t count = 0;
        assert_int_equal(met_tokenizer_encode(l.tokenizer, met_str_of("a"), NULL, 0, &token, 1,
                                              &count, NULL),
                         MET_OK);
        assert_int_equal(count, 1);
        met_str spelled = met_tokenizer_bytes(l.tokenizer, token);
        assert_true(met_str_is(spelled, "a"));
        loaded_free(&l);
    }
}

/* ---------------------------------------------------------------- the two kinds */

static bool is_ranked(vocabulary *v)
{
    met_vocab vocab = {0};
    met_error err;
    loaded l;
    vocabulary_accepted(v, &l);
    assert_ok(met_vocab_init(&vocab, l.gguf, &err));
    bool ranked = vocab.ranked;
    met_vocab_free(&vocab);
    loaded_free(&l);
    return ranked;
}

static void a_vocabulary_in_the_order_of_its_merges_needs_no_pairs(void **state)
{
    (void)state;
    vocabulary v = {0};
    vocabulary_bytes(&v);
    assert_true(is_ranked(&v)); /* no merges at all */

    vocabulary_bytes(&v);
    vocabulary_merge(&v, "a b");
    vocabulary_merge(&v, "ab \xc4\xa0");
    vocabulary_token(&v, "<|x|>", 3);
    vocabulary_token(&v, "[PAD]", 5);
    vocabulary_token(&v, "[PAD]", 5); /* text never becomes it: no matter that there are two */
    assert_true(is_ranked(&v));
}

static void any_other_order_is_seen(void **state)
{
    (void)state;
    vocabulary v = {0};
    vocabulary_bytes(&v); /* the products in another order */
    vocabulary_token(&v, "ab", 1);
    vocabulary_token(&v, "cd", 1);
    vocabulary_merge_only(&v, "c d");
    vocabulary_merge_only(&v, "a b");
    assert_false(is_ranked(&v));

    vocabulary_token(&v, "ab", 1); /* the bytes not first */
    vocabulary_bytes(&v);
    vocabulary_merge_only(&v, "a b");
    assert_false(is_ranked(&v));

    vocabulary_bytes(&v); /* two ways to one token */
    vocabulary_merge(&v, "a b");
    vocabulary_merge(&v, "b c");
    vocabulary_merge(&v, "ab c");
    vocabulary_merge_only(&v, "a bc");
    assert_false(is_ranked(&v));

    vocabulary_bytes(&v); /* two tokens with the same bytes */
    vocabulary_merge(&v, "a b");
    vocabulary_token(&v, "ab", 1);
    assert_false(is_ranked(&v));

    vocabulary_bytes(&v); /* not a normal token */
    vocabulary_token(&v, "ab", 4);
    vocabulary_merge_only(&v, "a b");
    assert_false(is_ranked(&v));
}

static void a_product_too_long_for_ranking_still_loads(void **state)
{
    (void)state;
    /* 512 bytes at most in a ranked vocabulary: a doubling ten times makes 1024. */
    for (int doublings = 9; doublings <= 10; doublings++) {
        vocabulary v = {0};
        vocabulary_bytes(&v);
        for (int i = 0; i < doublings; i++) {
            char part[1025] = {0};
            char merge[1200];
            memset(part, 'a', (size_t)1 << i);
            snprintf(merge, sizeof merge, "%s %s", part, part);
            vocabulary_merge_only(&v, merge);
            snprintf(merge, sizeof merge, "%s%s", part, part);
            vocabulary_token(&v, merge, 1);
        }
        assert_int_equal(is_ranked(&v), doublings == 9);
    }
}

/* ---------------------------------------------------------------- large */

enum { LARGE = 20000 }; /* merges: enough for the thread that fills the table (slots.c) */

/* Pairs of the 94 printable characters, and triples that begin with them. */
static void large_vocabulary(vocabulary *v)
{
    vocabulary_bytes(v);
    for (int i = 0; i < LARGE; i++) {
        int pair = i % (94 * 94);
        char merge[8];
        if (i < 94 * 94)
            snprintf(merge, sizeof merge, "%c %c", '!' + pair / 94, '!' + pair % 94);
        else
            snprintf(merge, sizeof merge, "%c%c %c", '!' + pair / 94, '!' + pair % 94,
                     '!' + i / (94 * 94));
        vocabulary_merge(v, merge);
    }
}

static void every_token_of_a_large_vocabulary_is_found(void **state)
{
    (void)state;
    vocabulary v = {0};
    met_vocab vocab = {0};
    met_error err;
    loaded l;
    large_vocabulary(&v);
    vocabulary_accepted(&v, &l);
    assert_ok(met_vocab_init(&vocab, l.gguf, &err));
    assert_int_equal(vocab.count, 256 + LARGE);
    assert_true(vocab.ranked);
    for (int32_t id = 0; id < vocab.count; id++) {
        met_str token = met_vocab_bytes(&vocab, id);
        assert_int_equal(met_vocab_find(&vocab, token.data, token.bytes), id);
    }
    assert_int_equal(met_vocab_find(&vocab, "!!!!", 4), -1);
    met_vocab_free(&vocab);
    loaded_free(&l);
}

static void the_last_of_two_equal_tokens_is_found_in_a_large_vocabulary_too(void **state)
{
    (void)state;
    vocabulary v = {0};
    loaded l;
    int32_t id = -1;
    size_t count = 0;
    met_error err;
    met_str text = {"!!", 2};
    large_vocabulary(&v);
    vocabulary_token(&v, "!!", 1);
    vocabulary_accepted(&v, &l);
    assert_ok(met_tokenizer_encode(l.tokenizer, text, NULL, 0, &id, 1, &count, &err));
    assert_int_equal(count, 1);
    assert_int_equal(id, 256 + LARGE);
    loaded_free(&l);

    large_vocabulary(&v);
    vocabulary_token(&v, "!!", 1);
    assert_false(is_ranked(&v));
}

static size_t threads_of_this_process(void)
{
    size_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return 0; /* not Linux: the same before and after */
    while (readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count;
}

static void a_large_vocabulary_that_is_refused_leaves_no_thread(void **state)
{
    (void)state;
    size_t before = threads_of_this_process();
    for (int round = 0; round < 20; round++) {
        vocabulary v = {0};
        large_vocabulary(&v);
        vocabulary_token(&v, "x", 7);
        vocabulary_refused(&v, MET_E_TOKENIZER,
                           "m.gguf: tokenizer.ggml.token_type[20256] is 7, expected 1 to 6");
        large_vocabulary(&v);
        vocabulary_merge_only(&v, "nospace");
        vocabulary_refused(&v, MET_E_TOKENIZER,
                           "m.gguf: tokenizer.ggml.merges[20000] is \"nospace\": expected two parts "
                           "and a space");
    }
    assert_int_equal(threads_of_this_process(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_model_is_refused_by_name),
        cmocka_unit_test(an_unknown_pre_tokenizer_is_refused_by_name),
        cmocka_unit_test(every_key_that_is_needed_is_named_when_it_is_missing),
        cmocka_unit_test(an_empty_vocabulary_is_refused),
        cmocka_unit_test(types_must_be_one_for_each_token),
        cmocka_unit_test(a_type_out_of_range_is_refused),
        cmocka_unit_test(types_may_be_stored_unsigned_and_not_as_strings),
        cmocka_unit_test(a_byte_without_a_token_is_named),
        cmocka_unit_test(a_merge_that_is_not_two_parts_is_refused),
        cmocka_unit_test(a_merge_of_what_is_no_token_is_refused),
        cmocka_unit_test(a_merge_may_not_make_a_control_token),
        cmocka_unit_test(an_id_beyond_the_vocabulary_is_refused),
        cmocka_unit_test(add_bos_without_a_bos_is_refused),
        cmocka_unit_test(tokens_give_back_the_bytes_they_stand_for),
        cmocka_unit_test(a_vocabulary_outlives_its_file),
        cmocka_unit_test(end_tokens_are_those_of_the_keys_and_the_known_names),
        cmocka_unit_test(control_tokens_are_found_by_their_whole_spelling),
        cmocka_unit_test(a_bos_is_never_added_to_a_text),
        cmocka_unit_test(a_vocabulary_in_the_order_of_its_merges_needs_no_pairs),
        cmocka_unit_test(any_other_order_is_seen),
        cmocka_unit_test(a_product_too_long_for_ranking_still_loads),
        cmocka_unit_test(every_token_of_a_large_vocabulary_is_found),
        cmocka_unit_test(the_last_of_two_equal_tokens_is_found_in_a_large_vocabulary_too),
        cmocka_unit_test(a_large_vocabulary_that_is_refused_leaves_no_thread),
    };
    return cmocka_run_group_tests_name("tokenizer_vocabulary", tests, NULL, NULL);
}
