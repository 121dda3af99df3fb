/* generate: sessions, on a machine that counts. */
#include "fixture.h"

enum { CHUNK = 4 };

static met_error err;

static void fill_tokens(int32_t *tokens, int32_t count, uint64_t seed)
{
    for (int32_t i = 0; i < count; i++)
        tokens[i] = (int32_t)(test_random(&seed) % 300);
}

static void assert_holds(const met_session *session, const int32_t *tokens, int32_t count)
{
    int32_t held = -1;
    const int32_t *list = met_session_tokens(session, &held);
    assert_int_equal(held, count);
    assert_memory_equal(list, tokens, (size_t)count * sizeof *tokens);
}

/* The logits that a session fed one token at a time has after all of them. */
static void fresh_logits(fixture *f, const int32_t *tokens, int32_t count, float *logits)
{
    met_session *session = fixture_session(f, 0);
    const float *row = NULL;
    for (int32_t i = 0; i < count; i++) {
        assert_ok(met_session_feed(session, &tokens[i], 1, &row, &err));
    }
    memcpy(logits, row, (size_t)met_model_describe(f->model).vocab * sizeof *logits);
    met_session_free(session);
}

static void assert_logits_are_fresh(fixture *f, const float *logits, const int32_t *tokens,
                                    int32_t count)
{
    float expected[1024];
    fresh_logits(f, tokens, count, expected);
    assert_memory_equal(logits, expected,
                        (size_t)met_model_describe(f->model).vocab * sizeof *logits);
}

/* ---------------------------------------------------------------- creating */

static void the_context_length_is_the_trained_one_or_less(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = NULL;
    assert_ok(met_session_create(f.model, NULL, &session, &err));
    assert_int_equal(met_session_context_length(session), FIXTURE_CONTEXT);
    met_session_free(session);
    const int32_t good[] = {0, 1, 100, FIXTURE_CONTEXT};
    for (size_t i = 0; i < 4; i++) {
        session = fixture_session(&f, good[i]);
        int32_t expected = good[i] == 0 ? FIXTURE_CONTEXT : good[i];
        assert_int_equal(met_session_context_length(session), expected);
        met_session_free(session);
    }
    const int32_t bad[] = {-1, FIXTURE_CONTEXT + 1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        met_session_options options = {.context_length = bad[i]};
        session = (met_session *)&err;
        assert_int_equal(met_session_create(f.model, &options, &session, &err), MET_E_ARGUMENT);
        assert_null(session);
        assert_non_null(strstr(err.text, "512"));
    }
    met_session_free(NULL);
    fixture_close(&f);
}

static void the_kv_type_reaches_the_machine_and_others_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        met_dtype type;
    } good[] = {{"f16", MET_DTYPE_F16}, {"f32", MET_DTYPE_F32}, {NULL, MET_DTYPE_F16}};
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = NULL;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        met_session_options options = {.kv_type = good[i].name};
        f.fake.kv_type = MET_DTYPE_Q8_0;
        assert_ok(met_session_create(f.model, &options, &session, &err));
        assert_int_equal(f.fake.kv_type, good[i].type);
        met_session_free(session);
    }
    assert_string_equal(met_session_options_default().kv_type, "f16");
    assert_ok(met_session_create(f.model, NULL, &session, &err));
    assert_int_equal(f.fake.kv_type, MET_DTYPE_F16);
    met_session_free(session);
    static const char *const bad[] = {"", "F16", "f16 ", "q8_0", "bf16"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char expected[64];
        snprintf(expected, sizeof expected, "kv_type: found \"%s\", expected f16 or f32", bad[i]);
        met_session_options options = {.kv_type = bad[i]};
        session = (met_session *)&err;
        assert_int_equal(met_session_create(f.model, &options, &session, &err), MET_E_ARGUMENT);
        assert_null(session);
        assert_string_equal(err.text, expected);
    }
    fixture_close(&f);
}

static void a_timeline_that_does_not_fit_is_reported(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    f.fake.fail_timeline = true;
    met_session *session = (met_session *)&err;
    assert_int_equal(met_session_create(f.model, NULL, &session, &err), MET_E_MEMORY);
    assert_null(session);
    assert_string_equal(err.text, "no memory, says the fake");
    fixture_close(&f);
}

static void memory_used_includes_what_the_session_holds(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 100);
    met_session_memory memory = met_session_memory_used(session);
    assert_int_equal(memory.kv_bytes, 1000);
    assert_int_equal(memory.scratch_bytes, 100 + 100 * 4);
    int32_t tokens[10];
    fill_tokens(tokens, 10, 1);
    assert_ok(met_session_feed_all(session, tokens, 10, NULL, &err));
    size_t vocab = (size_t)met_model_describe(f.model).vocab;
    memory = met_session_memory_used(session);
    assert_int_equal(memory.scratch_bytes, 100 + 100 * 4 + 10 * vocab * sizeof(float));
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- feeding */

static void a_long_feed_goes_in_chunks_and_only_the_last_has_logits(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    int32_t tokens[10];
    const float *logits = NULL;
    fill_tokens(tokens, 10, 1);
    assert_ok(met_session_feed(session, tokens, 10, &logits, &err));
    assert_int_equal(f.fake.step_count, 3);
    for (int32_t i = 0; i < 3; i++) {
        const met_step *step = &f.fake.steps[i];
        assert_int_equal(step->position, CHUNK * i);
        assert_int_equal(step->count, i < 2 ? CHUNK : 2);
        assert_int_equal(step->want, i < 2 ? MET_WANT_NONE : MET_WANT_LAST);
    }
    assert_holds(session, tokens, 10);
    assert_logits_are_fresh(&f, logits, tokens, 10);
    met_session_free(session);
    fixture_close(&f);
}

static void logits_nobody_asks_for_are_not_computed(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    int32_t tokens[6];
    fill_tokens(tokens, 6, 1);
    assert_ok(met_session_feed(session, tokens, 6, NULL, &err));
    assert_int_equal(f.fake.steps[1].want, MET_WANT_NONE);
    assert_holds(session, tokens, 6);
    met_session_free(session);
    fixture_close(&f);
}

static void any_split_of_a_feed_ends_the_same(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    int32_t tokens[30];
    uint64_t seed = 17;
    fill_tokens(tokens, 30, 2);
    for (int round = 0; round < 20; round++) {
        met_session *session = fixture_session(&f, 30);
        const float *logits = NULL;
        for (int32_t done = 0; done < 30;) {
            int32_t most = 30 - done;
            int32_t count = 1 + (int32_t)(test_random(&seed) % (uint64_t)most);
            assert_ok(met_session_feed(session, tokens + done, count, &logits, &err));
            done += count;
        }
        assert_holds(session, tokens, 30);
        assert_logits_are_fresh(&f, logits, tokens, 30);
        met_session_free(session);
    }
    fixture_close(&f);
}

static void feeding_all_gives_a_row_for_every_token(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    size_t vocab = (size_t)met_model_describe(f.model).vocab;
    int32_t tokens[40];
    fill_tokens(tokens, 40, 3);
    const int32_t counts[] = {1, 3, CHUNK, CHUNK + 1, 11, 2, 14}; /* 39 in all */
    met_session *session = fixture_session(&f, 0);
    int32_t position = 0;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const float *logits = NULL;
        assert_ok(met_session_feed_all(session, tokens + position, counts[c], &logits, &err));
        for (int32_t i = 0; i < counts[c]; i++) {
            assert_logits_are_fresh(&f, logits + (size_t)i * vocab, tokens, position + i + 1);
        }
        position += counts[c];
        assert_holds(session, tokens, position);
    }
    met_session_free(session);
    fixture_close(&f);
}

static void a_refused_feed_changes_nothing(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    int32_t vocab = met_model_describe(f.model).vocab;
    met_session *session = fixture_session(&f, 20);
    int32_t tokens[21];
    fill_tokens(tokens, 21, 4);
    assert_ok(met_session_feed(session, tokens, 10, NULL, &err));
    fake_machine_clear(&f.fake);
    const float *logits = (const float *)&err;
    const float *before = logits;
    int32_t bad_ids[] = {-1, vocab, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        int32_t list[6] = {1, 2, 3, 4, 5, bad_ids[i]};
        char found[16];
        snprintf(found, sizeof found, "%d", bad_ids[i]);
        assert_int_equal(met_session_feed(session, list, 6, &logits, &err), MET_E_RANGE);
        assert_non_null(strstr(err.text, found));
        assert_non_null(strstr(err.text, "token 5 of 6"));
        assert_int_equal(met_session_feed_all(session, list, 6, &logits, &err), MET_E_RANGE);
        assert_int_equal(met_session_set(session, list, 6, &logits, NULL, &err), MET_E_RANGE);
    }
    assert_int_equal(met_session_feed(session, tokens, 11, &logits, &err), MET_E_CONTEXT_FULL);
    assert_non_null(strstr(err.text, "20"));
    assert_int_equal(met_session_feed_all(session, tokens, 11, &logits, &err), MET_E_CONTEXT_FULL);
    assert_int_equal(met_session_set(session, tokens, 21, &logits, NULL, &err), MET_E_CONTEXT_FULL);
    assert_int_equal(met_session_feed(session, tokens, 0, &logits, &err), MET_E_ARGUMENT);
    assert_int_equal(met_session_feed(session, tokens, -5, &logits, &err), MET_E_ARGUMENT);
    assert_int_equal(met_session_set(session, tokens, 0, &logits, NULL, &err), MET_E_ARGUMENT);
    assert_int_equal(met_session_feed(session, tokens, INT32_MAX, &logits, NULL),
                     MET_E_CONTEXT_FULL);
    assert_ptr_equal(logits, before);
    assert_int_equal(f.fake.step_count, 0);
    assert_holds(session, tokens, 10);
    assert_ok(met_session_feed(session, tokens + 10, 10, &logits, &err));
    assert_logits_are_fresh(&f, logits, tokens, 20);
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- rewinding and setting */

static void a_rewound_session_goes_on_as_if_nothing_had_followed(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    int32_t first[20], second[20];
    const float *logits = NULL;
    fill_tokens(first, 20, 5);
    fill_tokens(second, 20, 6);
    assert_ok(met_session_feed(session, first, 20, NULL, &err));
    assert_int_equal(met_session_rewind(session, 21, &err), MET_E_RANGE);
    assert_int_equal(met_session_rewind(session, -1, &err), MET_E_RANGE);
    assert_holds(session, first, 20);
    assert_ok(met_session_rewind(session, 20, &err));
    assert_ok(met_session_rewind(session, 7, &err));
    assert_holds(session, first, 7);
    assert_ok(met_session_feed(session, second + 7, 6, &logits, &err));
    memcpy(second, first, 7 * sizeof *first);
    assert_holds(session, second, 13);
    assert_logits_are_fresh(&f, logits, second, 13);
    assert_ok(met_session_rewind(session, 0, &err));
    assert_ok(met_session_feed(session, first, 2, &logits, &err));
    assert_logits_are_fresh(&f, logits, first, 2);
    met_session_free(session);
    fixture_close(&f);
}

static void setting_computes_only_what_differs(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    int32_t tokens[24];
    fill_tokens(tokens, 24, 7);
    const struct {
        int32_t change_at; /* this token becomes another; -1: none */
        int32_t count;
        int32_t reused;
    } cases[] = {
        {-1, 12, 0},  /* nothing was held */
        {-1, 12, 11}, /* the same again: the last one, for its logits */
        {-1, 24, 12}, /* longer */
        {-1, 5, 4},   /* a prefix */
        {-1, 24, 5},  /* longer again: what was cut off is computed again */
        {10, 24, 10}, /* another token in the middle */
        {23, 24, 23}, /* another last token */
        {0, 24, 0},   /* another first token */
        {-1, 1, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        if (cases[c].change_at >= 0) tokens[cases[c].change_at] ^= 1;
        int32_t reused = -1;
        const float *logits = NULL;
        fake_machine_clear(&f.fake);
        assert_ok(met_session_set(session, tokens, cases[c].count, &logits, &reused, &err));
        assert_int_equal(reused, cases[c].reused);
        assert_int_equal(f.fake.computed, cases[c].count - cases[c].reused);
        assert_holds(session, tokens, cases[c].count);
        assert_logits_are_fresh(&f, logits, tokens, cases[c].count);
    }
    met_session_free(session);
    fixture_close(&f);
}

static void a_session_may_be_set_from_its_own_list(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 40);
    int32_t tokens[20], held = 0, reused = -1;
    fill_tokens(tokens, 20, 8);
    assert_ok(met_session_feed(session, tokens, 20, NULL, &err));
    const int32_t *own = met_session_tokens(session, &held);
    assert_ok(met_session_set(session, own, 9, NULL, &reused, &err));
    assert_int_equal(reused, 8);
    assert_holds(session, tokens, 9);
    own = met_session_tokens(session, &held);
    assert_ok(met_session_feed(session, own, 9, NULL, &err));
    int32_t twice[18];
    memcpy(twice, tokens, 9 * sizeof *tokens);
    memcpy(twice + 9, tokens, 9 * sizeof *tokens);
    assert_holds(session, twice, 18);
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- failures */

static void a_feed_without_memory_changes_nothing(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    int32_t tokens[30];
    fill_tokens(tokens, 30, 9);
    for (int32_t fail_in = 0; fail_in < 3; fail_in++) { /* in the first, second, third chunk */
        met_session *session = fixture_session(&f, 0);
        const float *logits = NULL;
        assert_ok(met_session_feed(session, tokens, 6, NULL, &err));
        f.fake.fail_in = fail_in;
        f.fake.fail_with = MET_E_MEMORY;
        assert_int_equal(met_session_feed(session, tokens + 6, 12, &logits, &err), MET_E_MEMORY);
        assert_null(logits);
        assert_string_equal(err.text, "failed, says the fake");
        assert_holds(session, tokens, 6);
        f.fake.fail_in = -1;
        assert_ok(met_session_feed(session, tokens + 6, 12, &logits, &err));
        assert_logits_are_fresh(&f, logits, tokens, 18);
        met_session_free(session);
    }
    fixture_close(&f);
}

static void a_set_without_memory_keeps_what_it_reuses(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    int32_t tokens[30], reused = -1;
    const float *logits = NULL;
    fill_tokens(tokens, 30, 10);
    assert_ok(met_session_feed(session, tokens, 20, NULL, &err));
    tokens[8] ^= 1;
    f.fake.fail_in = 1;
    f.fake.fail_with = MET_E_MEMORY;
    assert_int_equal(met_session_set(session, tokens, 30, &logits, &reused, &err), MET_E_MEMORY);
    assert_true(logits == NULL && reused == -1);
    assert_holds(session, tokens, 8);
    f.fake.fail_in = -1;
    assert_ok(met_session_set(session, tokens, 30, &logits, &reused, &err));
    assert_int_equal(reused, 8);
    assert_logits_are_fresh(&f, logits, tokens, 30);
    met_session_free(session);
    fixture_close(&f);
}

static void after_the_machine_failed_only_free_is_left(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    met_session *other = fixture_session(&f, 0);
    int32_t tokens[30];
    fill_tokens(tokens, 30, 11);
    assert_ok(met_session_feed(session, tokens, 6, NULL, &err));
    f.fake.fail_in = 1;
    f.fake.fail_with = MET_E_DEVICE;
    assert_int_equal(met_session_feed(session, tokens, 12, NULL, &err), MET_E_DEVICE);
    f.fake.fail_in = -1;
    fake_machine_clear(&f.fake);
    assert_int_equal(met_session_feed(session, tokens, 1, NULL, &err), MET_E_DEVICE);
    assert_non_null(strstr(err.text, "only be freed"));
    assert_int_equal(met_session_feed_all(session, tokens, 1, NULL, &err), MET_E_DEVICE);
    assert_int_equal(met_session_set(session, tokens, 1, NULL, NULL, &err), MET_E_DEVICE);
    assert_int_equal(met_session_rewind(session, 0, &err), MET_E_DEVICE);
    met_generate_result result;
    assert_int_equal(met_generate(session, tokens, 3, NULL, &result, &err), MET_E_DEVICE);
    assert_int_equal(f.fake.step_count, 0);
    assert_ok(met_session_feed(other, tokens, 5, NULL, &err)); /* others are not affected */
    met_session_free(session);
    met_session_free(other);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- on the CPU */

static void reuse_on_the_cpu_gives_the_same_bits(void **state)
{
    (void)state;
    met_context *context = NULL;
    met_model *model = NULL;
    met_session *fresh = NULL, *used = NULL;
    met_context_options options = {.backend = "cpu", .threads = 2};
    assert_ok(met_context_create(&options, &context, &err));
    assert_ok(fixture_open_file(context, &model, &err));
    assert_ok(met_session_create(model, NULL, &used, &err));
    size_t bytes = (size_t)met_model_describe(model).vocab * sizeof(float);
    int32_t tokens[300];
    fill_tokens(tokens, 300, 12);
    const struct {
        int32_t change_at, count;
    } cases[] = {{0, 150}, {149, 150}, {70, 300}, {64, 65}, {3, 200}, {63, 64}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const float *expected = NULL, *logits = NULL;
        int32_t reused = -1;
        tokens[cases[c].change_at] ^= 1;
        assert_ok(met_session_set(used, tokens, cases[c].count, &logits, &reused, &err));
        assert_int_equal(reused, c == 0 ? 0 : cases[c].change_at);
        assert_ok(met_session_create(model, NULL, &fresh, &err));
        assert_ok(met_session_feed(fresh, tokens, cases[c].count, &expected, &err));
        assert_memory_equal(logits, expected, bytes);
        met_session_free(fresh);
    }
    met_session_free(used);
    met_model_free(model);
    met_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_context_length_is_the_trained_one_or_less),
        cmocka_unit_test(the_kv_type_reaches_the_machine_and_others_are_refused),
        cmocka_unit_test(a_timeline_that_does_not_fit_is_reported),
        cmocka_unit_test(memory_used_includes_what_the_session_holds),
        cmocka_unit_test(a_long_feed_goes_in_chunks_and_only_the_last_has_logits),
        cmocka_unit_test(logits_nobody_asks_for_are_not_computed),
        cmocka_unit_test(any_split_of_a_feed_ends_the_same),
        cmocka_unit_test(feeding_all_gives_a_row_for_every_token),
        cmocka_unit_test(a_refused_feed_changes_nothing),
        cmocka_unit_test(a_rewound_session_goes_on_as_if_nothing_had_followed),
        cmocka_unit_test(setting_computes_only_what_differs),
        cmocka_unit_test(a_session_may_be_set_from_its_own_list),
        cmocka_unit_test(a_feed_without_memory_changes_nothing),
        cmocka_unit_test(a_set_without_memory_keeps_what_it_reuses),
        cmocka_unit_test(after_the_machine_failed_only_free_is_left),
        cmocka_unit_test(reuse_on_the_cpu_gives_the_same_bits),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
