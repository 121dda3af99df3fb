/* generate: one context and one model, many threads with a session each. Under the thread sanitizer
 * this is also the test that nothing they share is written. */
#include "fixture.h"

#include <pthread.h>

enum { THREADS = 4, TOKENS = 40 };

static met_error err;

typedef struct job {
    met_model *model;
    int32_t prompt; /* its first token */
    int32_t tokens[TOKENS];
    int32_t count;
    met_status status;
    met_error err;
} job;

static bool on_token(void *user, const met_token_event *event)
{
    job *j = user;
    if (event->token >= 0) j->tokens[j->count++] = event->token;
    return true;
}

static void *work(void *arg)
{
    job *j = arg;
    met_session *session = NULL;
    met_text text = {0};
    int32_t prompt[] = {j->prompt, 20, 30, 40};
    met_generate_options options = met_generate_options_default();
    options.on_token = on_token;
    options.user = j;
    options.max_tokens = TOKENS;
    options.ignore_end = true;
    options.sampling.temperature = 0.8f;
    options.sampling.seed = 1;
    j->count = 0;
    j->status = met_session_create(j->model, NULL, &session, &j->err);
    if (j->status == MET_OK) {
        j->status = met_generate(session, prompt, 4, &options, NULL, &j->err);
    }
    if (j->status == MET_OK) {
        j->status = met_model_detokenize(j->model, j->tokens, TOKENS, true, &text, &j->err);
    }
    met_text_free(&text);
    const met_message message = {"user", "Hello"};
    if (j->status == MET_OK) j->status = met_model_chat(j->model, &message, 1, &text, &j->err);
    met_text_free(&text);
    met_session_free(session);
    return NULL;
}

static void sessions_in_threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    static job alone[THREADS], together[THREADS];
    met_context *context = NULL;
    met_model *model = NULL;
    pthread_t threads[THREADS];
    met_context_options options = {.backend = "cpu", .threads = 2};
    assert_ok(met_context_create(&options, &context, &err));
    assert_ok(fixture_open_file(context, &model, &err));
    for (int32_t i = 0; i < THREADS; i++) {
        alone[i] = together[i] = (job){.model = model, .prompt = i};
        (void)work(&alone[i]);
        assert_int_equal(alone[i].status, MET_OK);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, &together[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(together[i].status, MET_OK);
        assert_int_equal(together[i].count, TOKENS);
        assert_memory_equal(together[i].tokens, alone[i].tokens, sizeof alone[i].tokens);
    }
    assert_memory_not_equal(alone[0].tokens, alone[1].tokens, sizeof alone[0].tokens);
    met_model_free(model);
    met_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_in_threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("threads", tests, NULL, NULL);
}
