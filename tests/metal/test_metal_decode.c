/* metal: tokens chosen on the device are those that the host's sampler chooses from the same logits,
 * whatever ends the generation. A report of logprobs makes the host choose: that is the other side. */
#include "support/testing.h"

#include <unistd.h>

enum { CONTEXT_MOST = 300, TOKENS_MOST = 40 };

static met_error err;

/* MET_TEST_QUICK: a little of everything, for the sanitizers, which are fifty times as slow. */
static bool quick(void)
{
    return getenv("MET_TEST_QUICK") != NULL;
}

static int32_t context_length(void)
{
    return quick() ? 30 : CONTEXT_MOST;
}

static int32_t most_tokens(void)
{
    return quick() ? 8 : TOKENS_MOST;
}

typedef struct fixture {
    met_context *context;
    met_model *model;
    met_session *session;
} fixture;

static void set_up(fixture *f, const char *type)
{
    char path[] = "/tmp/metallic-metal-XXXXXX";
    close(mkstemp(path));
    met_synth_options synth = {.shape = "tiny", .type = type, .seed = 5};
    met_context_options options = {.backend = "metal"};
    met_session_options session = {.context_length = context_length(), .kv_type = "f16"};
    assert_ok(met_synth(&synth, path, NULL, NULL, &err));
    assert_ok(met_context_create(&options, &f->context, &err));
    assert_ok(met_model_open(f->context, path, &f->model, &err));
    (void)unlink(path);
    assert_ok(met_session_create(f->model, &session, &f->session, &err));
}

static void tear_down(fixture *f)
{
    met_session_free(f->session);
    met_model_free(f->model);
    met_context_free(f->context);
}

typedef struct answer {
    int32_t tokens[CONTEXT_MOST];
    int32_t count;
    int32_t stop_after; /* 0: never */
    met_generate_result result;
} answer;

static bool collect(void *user, const met_token_event *event)
{
    answer *a = user;
    if (event->token < 0) return true;
    a->tokens[a->count++] = event->token;
    return a->count != a->stop_after;
}

static const int32_t prompt[] = {5, 17, 33, 33, 5, 90, 41, 2, 5};
enum { PROMPT = sizeof prompt / sizeof *prompt };

static met_status generate(fixture *f, const met_sampling *sampling, int32_t most, bool on_host,
                           answer *a)
{
    met_generate_options options = met_generate_options_default();
    options.sampling = *sampling;
    options.max_tokens = most;
    options.ignore_end = true;
    options.logprobs = on_host ? 0 : -1;
    options.on_token = collect;
    options.user = a;
    a->count = 0;
    return met_generate(f->session, prompt, PROMPT, &options, &a->result, &err);
}

/* The session holds the prompt and every token but the last. */
static void expect_held(const fixture *f, const answer *a)
{
    int32_t count = 0;
    const int32_t *tokens = met_session_tokens(f->session, &count);
    assert_int_equal(count, PROMPT + a->count - 1);
    assert_memory_equal(tokens, prompt, sizeof prompt);
    assert_memory_equal(tokens + PROMPT, a->tokens, (size_t)(a->count - 1) * sizeof *tokens);
}

static void expect_same_choice(fixture *f, const met_sampling *sampling, const char *what)
{
    answer device = {0}, host = {0};
    assert_ok(generate(f, sampling, most_tokens(), false, &device));
    expect_held(f, &device);
    assert_ok(generate(f, sampling, most_tokens(), true, &host));
    expect_held(f, &host);
    assert_int_equal(device.count, most_tokens());
    for (int32_t i = 0; i < most_tokens(); i++) {
        if (device.tokens[i] == host.tokens[i]) continue;
        fail_msg("%s: token %d is %d, expected %d", what, i, device.tokens[i], host.tokens[i]);
    }
}

static void every_way_to_choose_is_the_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        met_sampling sampling;
    } cases[] = {
        {"greedy", {.top_p = 1, .repeat_penalty = 1}},
        {"temperature", {.temperature = 1, .top_p = 1, .repeat_penalty = 1, .seed = 1}},
        {"hot", {.temperature = 3, .top_p = 1, .repeat_penalty = 1, .seed = 2}},
        {"top_k 1", {.temperature = 1, .top_k = 1, .top_p = 1, .repeat_penalty = 1, .seed = 3}},
        {"top_k 20", {.temperature = 2, .top_k = 20, .top_p = 1, .repeat_penalty = 1, .seed = 4}},
        {"top_k all", {.temperature = 2, .top_k = 1 << 20, .top_p = 1, .repeat_penalty = 1,
                       .seed = 5}},
        {"top_p", {.temperature = 2, .top_p = 0.8f, .repeat_penalty = 1, .seed = 6}},
        {"top_p tiny", {.temperature = 2, .top_p = 1e-7f, .repeat_penalty = 1, .seed = 7}},
        {"min_p", {.temperature = 2, .top_p = 1, .min_p = 0.1f, .repeat_penalty = 1, .seed = 8}},
        {"all of them", {.temperature = 1.5f, .top_k = 40, .top_p = 0.9f, .min_p = 0.02f,
                         .repeat_penalty = 1.3f, .presence_penalty = 0.5f,
                         .frequency_penalty = 0.25f, .repeat_last_n = 7, .seed = 9}},
        {"greedy, penalties", {.top_p = 1, .repeat_penalty = 1.5f, .presence_penalty = 0.3f,
                               .frequency_penalty = 0.2f, .repeat_last_n = 64}},
        {"penalties, window of 1", {.top_p = 1, .repeat_penalty = 5, .repeat_last_n = 1}},
        {"penalties, no end", {.temperature = 1, .top_p = 1, .repeat_penalty = 1.2f,
                               .frequency_penalty = 0.1f, .repeat_last_n = -1, .seed = 10}},
        {"penalties off", {.top_p = 1, .repeat_penalty = 9, .repeat_last_n = 0}},
        {"negative penalties", {.temperature = 1, .top_p = 1, .repeat_penalty = 0.5f,
                                .presence_penalty = -1, .repeat_last_n = 5, .seed = 11}},
    };
    fixture f;
    set_up(&f, "q8_0");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i += quick() ? 3 : 1)
        expect_same_choice(&f, &cases[i].sampling, cases[i].what);
    tear_down(&f);
}

static void other_seeds_give_other_texts_and_the_same_seed_the_same(void **state)
{
    (void)state;
    fixture f;
    answer a = {0}, b = {0}, c = {0};
    met_sampling hot = {.temperature = 2, .top_p = 1, .repeat_penalty = 1, .seed = 1};
    set_up(&f, "f16");
    assert_ok(generate(&f, &hot, most_tokens(), false, &a));
    assert_ok(generate(&f, &hot, most_tokens(), false, &b));
    hot.seed = 2;
    assert_ok(generate(&f, &hot, most_tokens(), false, &c));
    assert_memory_equal(a.tokens, b.tokens, (size_t)most_tokens() * sizeof *a.tokens);
    assert_memory_not_equal(a.tokens, c.tokens, (size_t)most_tokens() * sizeof *a.tokens);
    tear_down(&f);
}

/* Some steps are on their way when the end comes: nothing of them shows. */
static void whatever_ends_it_leaves_the_session_in_order(void **state)
{
    (void)state;
    fixture f;
    answer whole = {0}, part = {0};
    met_sampling greedy = {.top_p = 1, .repeat_penalty = 1.4f, .repeat_last_n = 32};
    set_up(&f, "f32");
    assert_ok(generate(&f, &greedy, most_tokens(), false, &whole));
    for (int32_t most = 1; most <= (quick() ? 3 : 6); most++) {
        assert_ok(generate(&f, &greedy, most, false, &part));
        assert_int_equal(part.count, most);
        assert_int_equal(part.result.finish, MET_FINISH_LENGTH);
        assert_memory_equal(part.tokens, whole.tokens, (size_t)most * sizeof *part.tokens);
        expect_held(&f, &part);
    }
    for (int32_t stop = 1; stop <= (quick() ? 3 : 6); stop++) {
        part.stop_after = stop;
        assert_ok(generate(&f, &greedy, most_tokens(), false, &part));
        assert_int_equal(part.count, stop);
        assert_int_equal(part.result.finish, MET_FINISH_CALLBACK);
        assert_memory_equal(part.tokens, whole.tokens, (size_t)stop * sizeof *part.tokens);
        expect_held(&f, &part);
    }
    /* A step of the host's choice goes on where the machine was. */
    const float *logits = NULL;
    assert_ok(met_session_feed(f.session, &part.tokens[part.count - 1], 1, &logits, &err));
    part.stop_after = 0;
    assert_ok(generate(&f, &greedy, most_tokens(), false, &part));
    assert_memory_equal(part.tokens, whole.tokens, (size_t)most_tokens() * sizeof *part.tokens);
    tear_down(&f);
}

/* The cache grows on the way, and the last position is used. */
static void a_context_can_be_filled(void **state)
{
    (void)state;
    fixture f;
    answer device = {0}, host = {0};
    met_sampling hot = {.temperature = 1, .top_p = 1, .repeat_penalty = 1, .seed = 3};
    set_up(&f, "q8_0");
    assert_ok(generate(&f, &hot, 0, false, &device));
    assert_int_equal(device.result.finish, MET_FINISH_CONTEXT);
    assert_int_equal(device.count, context_length() - PROMPT + 1);
    assert_ok(generate(&f, &hot, 0, true, &host));
    assert_int_equal(host.count, device.count);
    assert_memory_equal(device.tokens, host.tokens, (size_t)host.count * sizeof *host.tokens);
    tear_down(&f);
}

/* An end token of the device's choice ends it as one of the host's does. */
static void an_end_token_ends_it(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, "f32");
    met_generate_result results[2];
    int32_t held[2];
    met_generate_options options = met_generate_options_default();
    options.sampling = (met_sampling){.temperature = 4, .top_p = 1, .repeat_penalty = 1, .seed = 2};
    for (int on_host = 0; on_host < 2; on_host++) {
        options.logprobs = on_host ? 0 : -1;
        assert_ok(met_generate(f.session, prompt, PROMPT, &options, &results[on_host], &err));
        (void)met_session_tokens(f.session, &held[on_host]);
    }
    assert_int_equal(results[0].finish, results[1].finish);
    assert_int_equal(results[0].generated_tokens, results[1].generated_tokens);
    assert_int_equal(held[0], held[1]);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_to_choose_is_the_hosts),
        cmocka_unit_test(other_seeds_give_other_texts_and_the_same_seed_the_same),
        cmocka_unit_test(whatever_ends_it_leaves_the_session_in_order),
        cmocka_unit_test(a_context_can_be_filled),
        cmocka_unit_test(an_end_token_ends_it),
    };
    return cmocka_run_group_tests_name("metal_decode", tests, NULL, NULL);
}
