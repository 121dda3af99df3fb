/* generate: the loop, on a machine that says what the test wrote down. */
#include "fixture.h"

#include "base/text.h"
#include "generate/sampler.h"


enum { CHUNK = 16, ANSWER_MAX = 400, EVENTS_MAX = 512 };

static met_error err;

/* What the callbacks saw. */
typedef struct seen {
    met_token_event events[EVENTS_MAX]; /* text and top are copied */
    met_logprob top[EVENTS_MAX][8];
    size_t event_count;
    char text[4096];
    size_t text_bytes;
    size_t event_end[EVENTS_MAX]; /* bytes of text after each event */
    int32_t stop_at_event;        /* return false there; -1: never */
    int32_t progress[64][2];
    int32_t progress_count;
    int32_t stop_at_progress;
    int32_t polls;
    int32_t stop_at_poll;
} seen;

static bool on_token(void *user, const met_token_event *event)
{
    seen *s = user;
    assert_true(s->event_count < EVENTS_MAX);
    size_t i = s->event_count++;
    s->events[i] = *event;
    assert_true(event->top_count <= 8);
    if (event->top_count > 0) memcpy(s->top[i], event->top, event->top_count * sizeof *event->top);
    memcpy(s->text + s->text_bytes, event->text.data, event->text.bytes);
    s->text_bytes += event->text.bytes;
    s->text[s->text_bytes] = '\0';
    s->event_end[i] = s->text_bytes;
    assert_true(met_utf8_valid(event->text, NULL));
    return (int32_t)i != s->stop_at_event;
}

static bool on_progress(void *user, int32_t done, int32_t total)
{
    seen *s = user;
    s->progress[s->progress_count][0] = done;
    s->progress[s->progress_count][1] = total;
    return s->progress_count++ != s->stop_at_progress;
}

static bool on_poll(void *user)
{
    seen *s = user;
    return s->polls++ != s->stop_at_poll;
}

static met_generate_options options_for(seen *s)
{
    memset(s, 0, sizeof *s);
    s->stop_at_event = -1;
    s->stop_at_progress = -1;
    met_generate_options options = met_generate_options_default();
    options.on_token = on_token;
    options.user = s;
    return options;
}

/* Script the machine: after a prompt of prompt_count tokens it says `text`, a byte a token, and
 * then the end token. */
typedef struct script {
    int32_t prompt[64];
    int32_t prompt_count;
    int32_t answer[ANSWER_MAX];
    int32_t answer_count; /* the end token included */
} script;

static void script_text(fixture *f, script *s, int32_t prompt_count, const char *text)
{
    memset(s, 0, sizeof *s);
    s->prompt_count = prompt_count;
    for (int32_t i = 0; i < prompt_count; i++)
        s->prompt[i] = f->byte['p'];
    for (const char *c = text; *c != '\0'; c++) {
        s->answer[s->answer_count++] = f->byte[(unsigned char)*c];
    }
    s->answer[s->answer_count++] = f->end;
    f->fake.answer = s->answer;
    f->fake.answer_count = s->answer_count;
    f->fake.answer_at = prompt_count;
}

static met_generate_result generate(met_session *session, const script *s,
                                    const met_generate_options *options)
{
    met_generate_result result;
    memset(&result, 0x55, sizeof result);
    assert_ok(met_generate(session, s->prompt, s->prompt_count, options, &result, &err));
    return result;
}

/* The session holds the prompt and the first `answered` tokens of the answer. */
static void assert_holds_answer(const met_session *session, const script *s, int32_t answered)
{
    int32_t count = -1;
    const int32_t *tokens = met_session_tokens(session, &count);
    assert_int_equal(count, s->prompt_count + answered);
    assert_memory_equal(tokens, s->prompt, (size_t)s->prompt_count * sizeof *tokens);
    assert_memory_equal(tokens + s->prompt_count, s->answer, (size_t)answered * sizeof *tokens);
}

/* ---------------------------------------------------------------- how it ends */

static void an_answer_ends_at_its_end_token(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_END);
    assert_int_equal(result.prompt_tokens, 5);
    assert_int_equal(result.reused_tokens, 0);
    assert_int_equal(result.generated_tokens, 6);
    assert_string_equal(saw.text, "Hello!");
    assert_int_equal(saw.event_count, 6);
    for (int32_t i = 0; i < 6; i++) {
        assert_int_equal(saw.events[i].index, i);
        assert_int_equal(saw.events[i].token, s.answer[i]);
        assert_int_equal(saw.event_end[i], i + 1); /* each as soon as it is there */
        assert_int_equal(saw.events[i].top_count, 0);
    }
    assert_holds_answer(session, &s, 6);
    assert_true(result.prefill_seconds >= 0 && result.decode_seconds >= 0);
    assert_true(result.first_token_seconds >= result.prefill_seconds);
    met_session_free(session);
    fixture_close(&f);
}

static void an_empty_answer_is_an_answer(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 3, "");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_END);
    assert_int_equal(result.generated_tokens, 0);
    assert_int_equal(saw.event_count, 0);
    assert_true(result.first_token_seconds > 0);
    assert_holds_answer(session, &s, 0);
    met_session_free(session);
    fixture_close(&f);
}

static void max_tokens_ends_it_and_the_last_token_is_not_fed(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    for (int32_t most = 1; most <= 8; most++) {
        met_session *session = fixture_session(&f, 0);
        met_generate_options options = options_for(&saw);
        options.max_tokens = most;
        fake_machine_clear(&f.fake);
        met_generate_result result = generate(session, &s, &options);
        assert_int_equal(result.finish, most <= 6 ? MET_FINISH_LENGTH : MET_FINISH_END);
        assert_int_equal(result.generated_tokens, most <= 6 ? most : 6);
        assert_int_equal(saw.text_bytes, result.generated_tokens);
        assert_holds_answer(session, &s, most <= 6 ? most - 1 : 6);
        assert_int_equal(f.fake.computed, 5 + (most <= 6 ? most - 1 : 6));
        met_session_free(session);
    }
    fixture_close(&f);
}

static void a_full_context_ends_it(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    for (int32_t context = 5; context <= 8; context++) {
        met_session *session = fixture_session(&f, context);
        met_generate_options options = options_for(&saw);
        met_generate_result result = generate(session, &s, &options);
        assert_int_equal(result.finish, MET_FINISH_CONTEXT);
        assert_int_equal(result.generated_tokens, context - 5 + 1);
        assert_holds_answer(session, &s, context - 5);
        options = options_for(&saw); /* both at once: the limit that was asked for */
        options.max_tokens = context - 5 + 1;
        assert_int_equal(generate(session, &s, &options).finish, MET_FINISH_LENGTH);
        met_session_free(session);
    }
    met_session *session = fixture_session(&f, 4);
    met_generate_result result;
    assert_int_equal(met_generate(session, s.prompt, 5, NULL, &result, &err), MET_E_CONTEXT_FULL);
    assert_int_equal(result.generated_tokens, 0);
    met_session_free(session);
    fixture_close(&f);
}

static void the_callback_can_stop_at_any_token(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    const char *const stop[] = {"lo!!"};
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    for (int32_t at = 0; at < 6; at++) {
        met_session *session = fixture_session(&f, 0);
        met_generate_options options = options_for(&saw);
        saw.stop_at_event = at;
        options.stop = stop; /* text is held back from the "l" on */
        options.stop_count = 1;
        met_generate_result result = generate(session, &s, &options);
        assert_int_equal(result.finish, MET_FINISH_CALLBACK);
        assert_int_equal(result.generated_tokens, at + 1);
        assert_int_equal(saw.event_count, at + 1); /* not called again */
        assert_holds_answer(session, &s, at);
        met_session_free(session);
    }
    fixture_close(&f);
}

static void an_end_token_can_be_ignored(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 2, "ab");
    s.answer[3] = f.byte['c'];
    s.answer[4] = f.end;
    f.fake.answer_count = 5;
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    options.ignore_end = true;
    options.max_tokens = 5;
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_LENGTH);
    assert_int_equal(result.generated_tokens, 5);
    assert_string_equal(saw.text, "abc"); /* a control token has no text */
    assert_int_equal(saw.events[2].token, f.end);
    assert_int_equal(saw.events[2].text.bytes, 0);
    assert_holds_answer(session, &s, 4);
    met_session_free(session);
    fixture_close(&f);
}

static void every_finish_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(met_finish_name(MET_FINISH_END), "end");
    assert_string_equal(met_finish_name(MET_FINISH_STOP), "stop");
    assert_string_equal(met_finish_name(MET_FINISH_LENGTH), "length");
    assert_string_equal(met_finish_name(MET_FINISH_CONTEXT), "context");
    assert_string_equal(met_finish_name(MET_FINISH_CALLBACK), "interrupted");
}

/* ---------------------------------------------------------------- text */

static void characters_come_out_whole(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "\u00e9\u20ac\U0001f600.\xe2\x82");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.generated_tokens, 12);
    const size_t ends[] = {0, 2, 2, 2, 5, 5, 5, 5, 9, 10, 10, 10};
    for (size_t i = 0; i < 12; i++)
        assert_int_equal(saw.event_end[i], ends[i]);
    /* The character that never ended comes in an event of its own. */
    assert_int_equal(saw.event_count, 13);
    assert_int_equal(saw.events[12].token, -1);
    assert_int_equal(saw.events[12].index, 12);
    assert_string_equal(saw.text, "\u00e9\u20ac\U0001f600.\ufffd");
    met_session_free(session);
    fixture_close(&f);
}

static void a_stop_string_ends_it_across_tokens(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    const char *const stop[] = {"User:", "\n\n"};
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Us. User: me");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    options.stop = stop;
    options.stop_count = 2;
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_STOP);
    assert_string_equal(saw.text, "Us. ");
    assert_int_equal(result.generated_tokens, 9);
    assert_int_equal(saw.event_count, 9);
    const size_t ends[] = {0, 0, 3, 4, 4, 4, 4, 4, 4};
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(saw.event_end[i], ends[i]);
    assert_holds_answer(session, &s, 8);
    met_session_free(session);
    fixture_close(&f);
}

static void text_held_back_comes_at_the_end(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    const char *const stop[] = {"User:"};
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "a Use");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    options.stop = stop;
    options.stop_count = 1;
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_END);
    assert_string_equal(saw.text, "a Use");
    assert_int_equal(saw.event_count, 6);
    assert_int_equal(saw.events[5].token, -1);
    assert_int_equal(saw.events[5].text.bytes, 3);
    options = options_for(&saw);
    options.stop = stop;
    options.stop_count = 1;
    options.max_tokens = 4;
    saw.stop_at_event = 4; /* the last event: nothing is left to stop */
    result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_LENGTH);
    assert_string_equal(saw.text, "a Us");
    /* A character that never ends may be the stop string itself. */
    const char *const replaced[] = {"\ufffd"};
    script_text(&f, &s, 5, "a\xe2\x82");
    options = options_for(&saw);
    options.stop = replaced;
    options.stop_count = 1;
    result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_STOP);
    assert_string_equal(saw.text, "a");
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- turns */

static void the_next_turn_computes_only_what_is_new(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 20, "Hello!");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    (void)generate(session, &s, &options);
    /* The next prompt: the last one, the answer, its end token, a new question of 10. */
    int32_t next[64], count = 20;
    memcpy(next, s.prompt, 20 * sizeof *next);
    memcpy(next + 20, s.answer, 7 * sizeof *next);
    for (count = 27; count < 37; count++)
        next[count] = f.byte['q'];
    fake_machine_clear(&f.fake);
    int32_t answer[] = {f.byte['o'], f.byte['k'], f.end};
    f.fake.answer = answer;
    f.fake.answer_count = 3;
    f.fake.answer_at = count;
    options = options_for(&saw);
    met_generate_result result;
    assert_ok(met_generate(session, next, count, &options, &result, &err));
    assert_int_equal(result.prompt_tokens, 37);
    assert_int_equal(result.reused_tokens, 26);
    assert_int_equal(f.fake.computed, 37 - 26 + 2);
    assert_string_equal(saw.text, "ok");
    met_session_free(session);
    fixture_close(&f);
}

static void an_answer_cut_short_is_reused_but_for_its_last_token(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 10, "Hello!");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    options.max_tokens = 4;
    (void)generate(session, &s, &options);
    int32_t next[14];
    memcpy(next, s.prompt, 10 * sizeof *next);
    memcpy(next + 10, s.answer, 4 * sizeof *next);
    options = options_for(&saw);
    met_generate_result result;
    assert_ok(met_generate(session, next, 14, &options, &result, &err));
    assert_int_equal(result.reused_tokens, 13);
    assert_string_equal(saw.text, "o!");
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- progress */

static void progress_is_told_between_chunks(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 50, "x");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    options.on_progress = on_progress;
    (void)generate(session, &s, &options);
    assert_int_equal(saw.progress_count, 3);
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal(saw.progress[i][0], CHUNK * (i + 1));
        assert_int_equal(saw.progress[i][1], 50);
    }
    /* What is found in the session counts as done. */
    s.prompt[20] = f.byte['q'];
    options = options_for(&saw);
    options.on_progress = on_progress;
    (void)generate(session, &s, &options);
    assert_int_equal(saw.progress_count, 1);
    assert_int_equal(saw.progress[0][0], 20 + CHUNK);
    assert_int_equal(saw.progress[0][1], 50);
    met_session_free(session);
    fixture_close(&f);
}

static void a_poll_can_stop_within_a_chunk_and_whole_chunks_are_kept(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 50, "x");
    for (int32_t at = 0; at <= 50; at += 5) { /* the fake asks at every token */
        met_session *session = fixture_session(&f, 0);
        met_generate_options options = options_for(&saw);
        options.on_progress = on_progress;
        options.on_poll = on_poll;
        saw.stop_at_poll = at;
        met_generate_result result = generate(session, &s, &options);
        bool whole = at == 50;
        int32_t kept = whole ? 50 : at / CHUNK * CHUNK;
        assert_int_equal(result.finish, whole ? MET_FINISH_END : MET_FINISH_CALLBACK);
        assert_int_equal(result.prompt_tokens, kept);
        assert_int_equal(saw.event_count, whole ? 1 : 0);
        assert_int_equal(saw.progress_count, whole ? 3 : at / CHUNK);
        int32_t held = -1;
        (void)met_session_tokens(session, &held);
        assert_int_equal(held, kept + whole);
        options = options_for(&saw); /* what the stopped step left behind is not seen */
        result = generate(session, &s, &options);
        assert_int_equal(result.reused_tokens, whole ? 49 : kept);
        assert_string_equal(saw.text, "x");
        met_session_free(session);
    }
    fixture_close(&f);
}

static void progress_can_stop_and_what_was_computed_is_kept(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 50, "x");
    met_session *session = fixture_session(&f, 0);
    met_generate_options options = options_for(&saw);
    options.on_progress = on_progress;
    saw.stop_at_progress = 1;
    met_generate_result result = generate(session, &s, &options);
    assert_int_equal(result.finish, MET_FINISH_CALLBACK);
    assert_int_equal(result.prompt_tokens, 2 * CHUNK);
    assert_int_equal(result.generated_tokens, 0);
    assert_int_equal(saw.event_count, 0);
    assert_true(result.first_token_seconds == 0 && result.decode_seconds == 0);
    options = options_for(&saw);
    result = generate(session, &s, &options);
    assert_int_equal(result.reused_tokens, 2 * CHUNK);
    assert_int_equal(result.finish, MET_FINISH_END);
    assert_string_equal(saw.text, "x");
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- options */

static void assert_option_refused(met_session *session, met_generate_options options,
                                  const char *name)
{
    int32_t token = 1;
    met_generate_result result;
    memset(&result, 0x55, sizeof result);
    assert_int_equal(met_generate(session, &token, 1, &options, &result, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, name));
    assert_int_equal(result.prompt_tokens + result.generated_tokens, 0);
}

static void options_out_of_range_are_refused_before_anything_runs(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, CHUNK);
    met_session *session = fixture_session(&f, 0);
    const char *const empty[] = {""};
    met_generate_options o = met_generate_options_default(), good = o;
    o.max_tokens = -1, assert_option_refused(session, o, "max_tokens"), o = good;
    o.logprobs = -2, assert_option_refused(session, o, "logprobs"), o = good;
    o.logprobs = 65, assert_option_refused(session, o, "logprobs"), o = good;
    o.sampling.temperature = -1, assert_option_refused(session, o, "temperature"), o = good;
    o.stop_count = 1, assert_option_refused(session, o, "stop");
    o.stop = empty, assert_option_refused(session, o, "stop string 0");
    assert_int_equal(f.fake.step_count, 0);
    met_session_free(session);
    fixture_close(&f);
}

static void defaults_need_no_options_callbacks_or_result(void **state)
{
    (void)state;
    fixture f;
    script s;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    met_session *session = fixture_session(&f, 0);
    assert_ok(met_generate(session, s.prompt, 5, NULL, NULL, NULL));
    assert_holds_answer(session, &s, 6);
    met_session_free(session);
    fixture_close(&f);
}

static void logprobs_come_with_every_token(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hi");
    met_session *session = fixture_session(&f, 0);
    for (int32_t top = 0; top <= 5; top += 5) {
        met_generate_options options = options_for(&saw);
        options.logprobs = top;
        (void)generate(session, &s, &options);
        assert_int_equal(saw.event_count, 2);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(saw.events[i].top_count, top);
            /* 50 against 511 logits in (-1, 1): within e^-49 * 511 of certain. */
            assert_true(saw.events[i].logprob <= 0 && saw.events[i].logprob > -1e-6f);
            if (top == 0) continue;
            assert_int_equal(saw.top[i][0].token, s.answer[i]);
            assert_true(saw.top[i][0].logprob == saw.events[i].logprob);
            for (int t = 1; t < 5; t++) {
                assert_true(saw.top[i][t].logprob <= saw.top[i][t - 1].logprob);
                assert_true(saw.top[i][t].logprob < -48.9f);
            }
        }
    }
    met_session_free(session);
    fixture_close(&f);
}

/* The loop, done by hand: what met_generate chooses is what the sampler chooses when it is shown
 * the prompt and every token. */
static void sampling_sees_prompt_and_answer(void **state)
{
    (void)state;
    fixture f;
    seen saw;
    fixture_open(&f, CHUNK);
    const int32_t windows[] = {-1, 0, 1, 7, 30, INT32_MAX};
    for (size_t w = 0; w < 6; w++) {
        int32_t tokens[80];
        uint64_t seed = 77 + w;
        for (int32_t i = 0; i < 20; i++)
            tokens[i] = (int32_t)(test_random(&seed) % 500);
        met_generate_options options = options_for(&saw);
        options.max_tokens = 60;
        options.ignore_end = true;
        options.sampling.temperature = 0.5f;
        options.sampling.top_p = 0.9f;
        options.sampling.repeat_penalty = 1.2f;
        options.sampling.frequency_penalty = 0.3f;
        options.sampling.repeat_last_n = windows[w];
        options.sampling.seed = 1000 + w;
        met_session *session = fixture_session(&f, 0);
        assert_ok(met_generate(session, tokens, 20, &options, NULL, &err));

        met_sampler *sampler = NULL;
        if (options.sampling.repeat_last_n > FIXTURE_CONTEXT) options.sampling.repeat_last_n = -1;
        assert_ok(met_sampler_create(&options.sampling, met_model_describe(f.model).vocab,
                                     MET_ISA_BASELINE, &sampler, &err));
        met_session *by_hand = fixture_session(&f, 0);
        const float *logits = NULL;
        assert_ok(met_session_feed(by_hand, tokens, 20, &logits, &err));
        for (int32_t i = 0; i < 20; i++)
            met_sampler_accept(sampler, tokens[i]);
        for (int32_t n = 0; n < 60; n++) {
            int32_t *token = &tokens[20 + n];
            assert_ok(met_sampler_choose(sampler, logits, token, &err));
            assert_int_equal(saw.events[n].token, *token);
            met_sampler_accept(sampler, *token);
            assert_ok(met_session_feed(by_hand, token, 1, &logits, &err));
        }
        met_sampler_free(sampler);
        met_session_free(by_hand);
        met_session_free(session);
    }
    fixture_close(&f);
}

static void the_same_seed_gives_the_same_text_in_any_session(void **state)
{
    (void)state;
    fixture f;
    static seen saw[3];
    fixture_open(&f, CHUNK);
    int32_t prompt[] = {1, 2, 3};
    met_session *session = fixture_session(&f, 0);
    for (uint64_t i = 0; i < 3; i++) {
        met_generate_options options = options_for(&saw[i]);
        options.sampling.temperature = 1;
        options.sampling.seed = i < 2 ? 5 : 6;
        options.max_tokens = 40;
        options.ignore_end = true;
        assert_ok(met_generate(session, prompt, 3, &options, NULL, &err)); /* a used session */
        assert_int_equal(saw[i].event_count - (saw[i].events[saw[i].event_count - 1].token < 0),
                         40);
    }
    assert_string_equal(saw[0].text, saw[1].text);
    assert_string_not_equal(saw[0].text, saw[2].text);
    met_session_free(session);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- failures */

static void a_failure_in_the_middle_counts_what_was_done(void **state)
{
    (void)state;
    fixture f;
    script s;
    seen saw;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    const met_status failures[] = {MET_E_MEMORY, MET_E_DEVICE};
    for (size_t i = 0; i < 2; i++) {
        met_session *session = fixture_session(&f, 0);
        met_generate_options options = options_for(&saw);
        f.fake.fail_in = 3; /* the prompt and two tokens */
        f.fake.fail_with = failures[i];
        met_generate_result result;
        assert_int_equal(met_generate(session, s.prompt, 5, &options, &result, &err), failures[i]);
        assert_string_equal(err.text, "failed, says the fake");
        assert_int_equal(result.prompt_tokens, 5);
        assert_int_equal(result.generated_tokens, 3);
        assert_string_equal(saw.text, "Hel");
        assert_holds_answer(session, &s, 2);
        f.fake.fail_in = -1;
        if (failures[i] == MET_E_MEMORY) { /* the session goes on */
            options = options_for(&saw);
            result = generate(session, &s, &options);
            assert_string_equal(saw.text, "Hello!");
            assert_int_equal(result.reused_tokens, 4);
        }
        met_session_free(session);
    }
    fixture_close(&f);
}

static void a_prompt_that_is_refused_changes_nothing(void **state)
{
    (void)state;
    fixture f;
    script s;
    fixture_open(&f, CHUNK);
    script_text(&f, &s, 5, "Hello!");
    met_session *session = fixture_session(&f, 0);
    assert_ok(met_generate(session, s.prompt, 5, NULL, NULL, &err));
    int32_t bad[] = {1, 2, 99999};
    assert_int_equal(met_generate(session, bad, 3, NULL, NULL, &err), MET_E_RANGE);
    assert_int_equal(met_generate(session, bad, 0, NULL, NULL, &err), MET_E_ARGUMENT);
    assert_holds_answer(session, &s, 6);
    met_session_free(session);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_ends_at_its_end_token),
        cmocka_unit_test(an_empty_answer_is_an_answer),
        cmocka_unit_test(max_tokens_ends_it_and_the_last_token_is_not_fed),
        cmocka_unit_test(a_full_context_ends_it),
        cmocka_unit_test(the_callback_can_stop_at_any_token),
        cmocka_unit_test(an_end_token_can_be_ignored),
        cmocka_unit_test(every_finish_has_its_name),
        cmocka_unit_test(characters_come_out_whole),
        cmocka_unit_test(a_stop_string_ends_it_across_tokens),
        cmocka_unit_test(text_held_back_comes_at_the_end),
        cmocka_unit_test(the_next_turn_computes_only_what_is_new),
        cmocka_unit_test(an_answer_cut_short_is_reused_but_for_its_last_token),
        cmocka_unit_test(progress_is_told_between_chunks),
        cmocka_unit_test(progress_can_stop_and_what_was_computed_is_kept),
        cmocka_unit_test(a_poll_can_stop_within_a_chunk_and_whole_chunks_are_kept),
        cmocka_unit_test(options_out_of_range_are_refused_before_anything_runs),
        cmocka_unit_test(defaults_need_no_options_callbacks_or_result),
        cmocka_unit_test(logprobs_come_with_every_token),
        cmocka_unit_test(sampling_sees_prompt_and_answer),
        cmocka_unit_test(the_same_seed_gives_the_same_text_in_any_session),
        cmocka_unit_test(a_failure_in_the_middle_counts_what_was_done),
        cmocka_unit_test(a_prompt_that_is_refused_changes_nothing),
    };
    return cmocka_run_group_tests_name("generate", tests, NULL, NULL);
}
