/* metrics: memory by kind is what was taken, and in the end what was planned; durations. */
#include "generate/fixture.h"
#include "metrics/durations.h"

static met_error err;

static met_memory_use use_of(met_context *context, met_memory_kind kind)
{
    return met_context_memory(context).kind[kind];
}

static void open_model(met_context **context, met_model **model)
{
    met_context_options options = {.backend = "cpu", .threads = 2};
    assert_ok(met_context_create(&options, context, &err));
    assert_ok(fixture_open_file(*context, model, &err));
}

static met_session *open_session(met_model *model, int32_t context_length, const char *kv_type)
{
    met_session *session = NULL;
    met_session_options options = {.context_length = context_length, .kv_type = kv_type};
    assert_ok(met_session_create(model, &options, &session, &err));
    return session;
}

/* Fill the whole context with one prompt. */
static void fill(met_session *session)
{
    static int32_t tokens[FIXTURE_CONTEXT];
    const float *logits = NULL;
    int32_t count = met_session_context_length(session);
    assert_true(count <= FIXTURE_CONTEXT);
    for (int32_t i = 0; i < count; i++)
        tokens[i] = i % 200;
    assert_ok(met_session_feed(session, tokens, count, &logits, &err));
}

static void a_model_takes_its_weights_and_its_vocabulary(void **state)
{
    (void)state;
    met_context *context = NULL;
    met_model *model = NULL, *second = NULL;
    open_model(&context, &model);
    met_memory_use mapped = use_of(context, MET_MEMORY_MAPPED);
    uint64_t weights = met_model_describe(model).weight_bytes;
    assert_int_equal(mapped.bytes, weights);
    assert_int_equal(mapped.peak_bytes, weights);
    assert_int_equal(mapped.planned_bytes, weights);
    met_memory_use tokenizer = use_of(context, MET_MEMORY_TOKENIZER);
    assert_int_equal(tokenizer.bytes, met_tokenizer_memory(model->tokenizer));
    assert_true(tokenizer.bytes > 65536 * 4); /* the ranks of pairs of bytes */
    assert_int_equal(use_of(context, MET_MEMORY_REPACKED).peak_bytes, 0);
    assert_int_equal(use_of(context, MET_MEMORY_GPU).peak_bytes, 0);
    assert_int_equal(use_of(context, MET_MEMORY_KV).planned_bytes, 0);

    assert_ok(fixture_open_file(context, &second, &err));
    assert_int_equal(use_of(context, MET_MEMORY_MAPPED).bytes, 2 * weights);
    met_model_free(second);
    met_model_free(model);
    assert_int_equal(use_of(context, MET_MEMORY_MAPPED).bytes, 0);
    assert_int_equal(use_of(context, MET_MEMORY_MAPPED).planned_bytes, 0);
    assert_int_equal(use_of(context, MET_MEMORY_MAPPED).peak_bytes, 2 * weights);
    assert_int_equal(use_of(context, MET_MEMORY_TOKENIZER).bytes, 0);
    met_context_free(context);
}

/* Whatever the length: with a whole number of blocks, with a rest, shorter than one. */
static void a_full_session_takes_what_was_planned(void **state)
{
    (void)state;
    static const int32_t lengths[] = {1, 63, 64, 65, 200, 256, FIXTURE_CONTEXT};
    met_context *context = NULL;
    met_model *model = NULL;
    open_model(&context, &model);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const char *kv_type = i % 2 == 0 ? "f16" : "f32";
        met_session *session = open_session(model, lengths[i], kv_type);
        met_memory_use kv = use_of(context, MET_MEMORY_KV);
        uint64_t element = i % 2 == 0 ? 2 : 4, blocks = ((uint64_t)lengths[i] + 63) / 64;
        met_model_info info = met_model_describe(model);
        assert_int_equal(kv.bytes, 0); /* nothing is there before a token is */
        assert_int_equal(kv.planned_bytes, blocks * 64 * 2 * (uint64_t)info.layers *
                                               (uint64_t)info.kv_heads *
                                               (uint64_t)info.head_dim * element);
        fill(session);
        kv = use_of(context, MET_MEMORY_KV);
        met_memory_use scratch = use_of(context, MET_MEMORY_SCRATCH);
        assert_int_equal(kv.bytes, kv.planned_bytes);
        assert_int_equal(scratch.bytes, scratch.planned_bytes);
        met_session_memory own = met_session_memory_used(session);
        assert_int_equal(kv.bytes, own.kv_bytes);
        assert_int_equal(scratch.bytes, own.scratch_bytes);
        met_session_free(session);
        assert_int_equal(use_of(context, MET_MEMORY_KV).bytes, 0);
        assert_int_equal(use_of(context, MET_MEMORY_KV).planned_bytes, 0);
        assert_true(use_of(context, MET_MEMORY_KV).peak_bytes >= kv.bytes);
    }
    met_model_free(model);
    met_context_free(context);
}

static void memory_grows_with_the_tokens_held_and_sessions_add_up(void **state)
{
    (void)state;
    met_context *context = NULL;
    met_model *model = NULL;
    const int32_t token = 3;
    open_model(&context, &model);
    met_session *one = open_session(model, 0, "f16"), *two = open_session(model, 128, "f16");
    uint64_t planned = use_of(context, MET_MEMORY_KV).planned_bytes;
    assert_ok(met_session_feed(one, &token, 1, NULL, &err));
    uint64_t block = use_of(context, MET_MEMORY_KV).bytes;
    assert_int_equal(planned, (FIXTURE_CONTEXT / 64 + 2) * block);
    assert_ok(met_session_feed(two, &token, 1, NULL, &err));
    assert_int_equal(use_of(context, MET_MEMORY_KV).bytes, 2 * block);
    for (int i = 1; i < 65; i++)
        assert_ok(met_session_feed(one, &token, 1, NULL, &err));
    assert_int_equal(use_of(context, MET_MEMORY_KV).bytes, 3 * block);
    met_session_free(two);
    assert_int_equal(use_of(context, MET_MEMORY_KV).bytes, 2 * block);
    assert_int_equal(use_of(context, MET_MEMORY_KV).peak_bytes, 3 * block);
    met_session_free(one);
    met_model_free(model);
    met_context_free(context);
}

static void logits_of_all_tokens_come_on_top_of_the_plan(void **state)
{
    (void)state;
    met_context *context = NULL;
    met_model *model = NULL;
    static int32_t tokens[100];
    const float *logits = NULL;
    open_model(&context, &model);
    met_session *session = open_session(model, 0, "f16");
    fill(session);
    assert_ok(met_session_rewind(session, 0, &err));
    assert_ok(met_session_feed_all(session, tokens, 100, &logits, &err));
    met_memory_use scratch = use_of(context, MET_MEMORY_SCRATCH);
    assert_true(scratch.bytes > scratch.planned_bytes);
    assert_int_equal(scratch.bytes, met_session_memory_used(session).scratch_bytes);
    met_session_free(session);
    met_model_free(model);
    met_context_free(context);
}

static void a_session_that_is_refused_takes_nothing(void **state)
{
    (void)state;
    fixture f;
    met_session *session = NULL;
    fixture_open(&f, 8);
    f.fake.fail_timeline = true;
    assert_int_equal(met_session_create(f.model, NULL, &session, &err), MET_E_MEMORY);
    assert_null(session);
    for (int kind = MET_MEMORY_KV; kind <= MET_MEMORY_SCRATCH; kind++) {
        assert_int_equal(use_of(f.context, (met_memory_kind)kind).planned_bytes, 0);
        assert_int_equal(use_of(f.context, (met_memory_kind)kind).peak_bytes, 0);
    }
    fixture_close(&f);
}

static void every_kind_of_memory_has_a_name(void **state)
{
    (void)state;
    for (int a = 0; a < MET_MEMORY_KINDS; a++) {
        assert_string_not_equal(met_memory_name((met_memory_kind)a), "unknown");
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(met_memory_name((met_memory_kind)a),
                                    met_memory_name((met_memory_kind)b));
        }
    }
}

/* ---------------------------------------------------------------- durations */

static met_durations durations;

static void assert_near(uint64_t found, uint64_t expected)
{
    uint64_t off = found > expected ? found - expected : expected - found;
    assert_true(off <= expected / 128);
}

static void percentiles_are_within_the_width_of_a_class(void **state)
{
    (void)state;
    memset(&durations, 0, sizeof durations);
    assert_int_equal(met_durations_percentile(&durations, 0.5), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        met_durations_add(&durations, i * 12345);
    assert_near(met_durations_percentile(&durations, 0.50), 500 * 12345);
    assert_near(met_durations_percentile(&durations, 0.95), 950 * 12345);
    assert_near(met_durations_percentile(&durations, 0.99), 990 * 12345);
    assert_near(met_durations_percentile(&durations, 0), 12345);
    assert_near(met_durations_percentile(&durations, 1), 1000 * 12345);
    assert_int_equal(durations.most_ns, 1000 * 12345);
}

/* Each alone, from the smallest to the largest, on both sides of every border of classes. */
static void a_single_duration_of_any_size_is_told_to_a_128th(void **state)
{
    (void)state;
    for (int shift = 0; shift < 64; shift++) {
        for (int off = -1; off <= 1; off++) {
            uint64_t ns = ((uint64_t)1 << shift) + (uint64_t)off;
            memset(&durations, 0, sizeof durations);
            met_durations_add(&durations, ns);
            assert_near(met_durations_percentile(&durations, 0.5), ns);
        }
    }
    memset(&durations, 0, sizeof durations);
    met_durations_add(&durations, UINT64_MAX);
    assert_near(met_durations_percentile(&durations, 1), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_takes_its_weights_and_its_vocabulary),
        cmocka_unit_test(a_full_session_takes_what_was_planned),
        cmocka_unit_test(memory_grows_with_the_tokens_held_and_sessions_add_up),
        cmocka_unit_test(logits_of_all_tokens_come_on_top_of_the_plan),
        cmocka_unit_test(a_session_that_is_refused_takes_nothing),
        cmocka_unit_test(every_kind_of_memory_has_a_name),
        cmocka_unit_test(percentiles_are_within_the_width_of_a_class),
        cmocka_unit_test(a_single_duration_of_any_size_is_told_to_a_128th),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
