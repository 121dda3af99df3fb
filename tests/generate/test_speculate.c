/* generate: speculation changes nothing but the time. Every case runs with and without it, and
 * everything that a caller can see is compared byte for byte: events with text, log probabilities
 * and what the session holds meanwhile; the result; the tokens held at the end. */
#include "fixture.h"

#include "base/text.h"
#include "generate/lookup.h"

enum { CHUNK = 16, PROMPT_MAX = 400, BUNDLED_CASES = 240 };

static met_error err;

/* All that a run showed. */
typedef struct trace {
    met_buffer bytes;
    met_session *session;
    int32_t events;
    int32_t stop_at_event; /* -1: never */
    bool logprobs;
    met_status status;
    met_generate_result result;
} trace;

static void note(trace *t, const void *data, size_t bytes)
{
    met_buffer_add(&t->bytes, data, bytes);
    assert_false(t->bytes.failed);
}

static void note_number(trace *t, int64_t number)
{
    note(t, &number, sizeof number);
}

/* What the session holds now: how many tokens, and a checksum of them. */
static void note_session(trace *t)
{
    int32_t count = 0;
    const int32_t *tokens = met_session_tokens(t->session, &count);
    uint64_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum = (sum + (uint64_t)tokens[i] + 1) * 0x9e3779b97f4a7c15u;
    note_number(t, count);
    note(t, &sum, sizeof sum);
}

static bool on_token(void *user, const met_token_event *event)
{
    trace *t = user;
    note_number(t, event->token);
    note_number(t, event->index);
    note_number(t, (int64_t)event->text.bytes);
    note(t, event->text.data, event->text.bytes);
    note_number(t, (int64_t)event->top_count);
    if (t->logprobs && event->token >= 0) note(t, &event->logprob, sizeof event->logprob);
    for (size_t i = 0; i < event->top_count; i++) {
        note_number(t, event->top[i].token);
        note(t, &event->top[i].logprob, sizeof event->top[i].logprob);
    }
    note_session(t);
    return t->events++ != t->stop_at_event;
}

typedef struct speculation_case {
    met_generate_options options;
    int32_t prompt[PROMPT_MAX];
    int32_t prompt_count;
    int32_t context_length;
    int32_t stop_at_event;
} speculation_case;

/* One run in a session of its own. */
static trace run(met_model *model, const speculation_case *c, int32_t speculate)
{
    trace t = {.stop_at_event = c->stop_at_event, .logprobs = c->options.logprobs >= 0};
    met_session_options session_options = {.context_length = c->context_length};
    met_generate_options options = c->options;
    assert_ok(met_session_create(model, &session_options, &t.session, &err));
    options.speculate = speculate;
    options.on_token = on_token;
    options.user = &t;
    t.status = met_generate(t.session, c->prompt, c->prompt_count, &options, &t.result, &err);
    note_number(&t, t.status);
    note_number(&t, t.result.finish);
    note_number(&t, t.result.prompt_tokens);
    note_number(&t, t.result.reused_tokens);
    note_number(&t, t.result.generated_tokens);
    note_session(&t);
    int32_t count = 0;
    const int32_t *tokens = met_session_tokens(t.session, &count);
    note(&t, tokens, (size_t)count * sizeof *tokens);
    assert_in_range(t.result.accepted_tokens, 0, t.result.proposed_tokens);
    if (speculate == 0) assert_int_equal(t.result.proposed_tokens, 0);
    return t;
}

static void close_trace(trace *t)
{
    met_session_free(t->session);
    met_buffer_free(&t->bytes);
}

static void assert_same(const trace *plain, const trace *speculated, const char *what, int number)
{
    size_t least =
        plain->bytes.bytes < speculated->bytes.bytes ? plain->bytes.bytes : speculated->bytes.bytes;
    for (size_t i = 0; i < least; i++) {
        if (plain->bytes.data[i] == speculated->bytes.data[i]) continue;
        fail_msg("%s %d: differs at byte %zu of the trace; %d events without, %d with", what,
                 number, i, plain->events, speculated->events);
    }
    assert_int_equal(plain->bytes.bytes, speculated->bytes.bytes);
}

/* ---------------------------------------------------------------- on a machine that counts */

/* After the prompt the machine says `answer`, a byte a token, and then the end token. */
static void script(fixture *f, speculation_case *c, const char *prompt, const char *answer,
                   int32_t *tokens)
{
    memset(c, 0, sizeof *c);
    c->options = met_generate_options_default();
    c->stop_at_event = -1;
    for (const char *p = prompt; *p != '\0'; p++)
        c->prompt[c->prompt_count++] = f->byte[(unsigned char)*p];
    f->fake.answer = tokens;
    f->fake.answer_at = c->prompt_count;
    f->fake.answer_count = 0;
    for (const char *a = answer; *a != '\0'; a++)
        tokens[f->fake.answer_count++] = f->byte[(unsigned char)*a];
    tokens[f->fake.answer_count++] = f->end;
}

static void guesses_that_are_right_save_steps(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "the quick brown fox jumps over the lazy dog. ", "the quick brown fox jumps",
           answer);
    trace plain = run(f.model, &c, 0);
    int32_t steps = f.fake.step_count;
    assert_int_equal(f.fake.reserved, 0);
    fake_machine_clear(&f.fake);
    trace fast = run(f.model, &c, 8);
    assert_same(&plain, &fast, "copy", 0);
    assert_int_equal(f.fake.reserved, 9);
    assert_true(fast.result.accepted_tokens >= 10);
    /* Each step after the prompt's makes one token that was not guessed, or the end token. */
    assert_int_equal(f.fake.step_count, steps - fast.result.accepted_tokens);
    assert_int_equal(f.fake.computed, c.prompt_count + fast.result.generated_tokens +
                                          fast.result.proposed_tokens -
                                          fast.result.accepted_tokens);
    close_trace(&plain);
    close_trace(&fast);
    fixture_close(&f);
}

/* After a wrong guess the next step begins where the right tokens end. */
static void a_wrong_guess_is_computed_over(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "abcdefghij.abc", "dXYZ", answer);
    trace fast = run(f.model, &c, 4);
    /* The prompt; d with no guess before it was seen to follow "abc"; then guesses efg, as many as
     * are worth computing, of which none is right: X is fed at the next position, and what follows
     * is new. */
    assert_int_equal(fast.result.proposed_tokens, 3);
    assert_int_equal(fast.result.accepted_tokens, 0);
    const int32_t positions[] = {0, 14, 15, 16, 17}, counts[] = {14, 4, 1, 1, 1};
    assert_int_equal(f.fake.step_count, 5);
    for (int32_t i = 0; i < 5; i++) {
        assert_int_equal(f.fake.steps[i].position, positions[i]);
        assert_int_equal(f.fake.steps[i].count, counts[i]);
    }
    close_trace(&fast);
    fixture_close(&f);
}

static void nothing_is_computed_beyond_max_tokens_or_the_context(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "abcdefghijklmnop.abcd", "efghijklmnop", answer);
    for (int32_t limit = 1; limit <= 14; limit++) {
        for (int context = 0; context < 2; context++) {
            c.options.max_tokens = context ? 0 : limit;
            c.context_length = context ? c.prompt_count + limit - 1 : 0;
            trace plain = run(f.model, &c, 0);
            fake_machine_clear(&f.fake);
            trace fast = run(f.model, &c, MET_LOOKUP_GUESSES_MAX);
            assert_same(&plain, &fast, context ? "context" : "max_tokens", limit);
            /* Up to the end token after 12 all guesses are right, and the last token chosen is
             * not computed. */
            int32_t wrong = fast.result.proposed_tokens - fast.result.accepted_tokens;
            if (limit <= 12) assert_int_equal(wrong, 0);
            assert_int_equal(f.fake.computed,
                             c.prompt_count + (limit <= 12 ? limit - 1 : 12) + wrong);
            close_trace(&plain);
            close_trace(&fast);
        }
    }
    fixture_close(&f);
}

static void an_end_token_is_not_computed_ahead(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "abcdef!xyzxyz.abc", "def", answer);
    c.prompt[6] = f.end; /* what followed "def" the last time */
    trace plain = run(f.model, &c, 0);
    fake_machine_clear(&f.fake);
    trace fast = run(f.model, &c, 8);
    assert_same(&plain, &fast, "end", 0);
    assert_int_equal(fast.result.finish, MET_FINISH_END);
    assert_int_equal(fast.result.proposed_tokens, 2); /* e and f */
    assert_int_equal(fast.result.accepted_tokens, 2);
    assert_int_equal(f.fake.computed, c.prompt_count + 3);
    close_trace(&fast);
    /* Unless end tokens are tokens like others. */
    c.options.ignore_end = true;
    c.options.max_tokens = 10;
    fast = run(f.model, &c, 8);
    assert_true(fast.result.proposed_tokens > 2);
    close_trace(&plain);
    close_trace(&fast);
    fixture_close(&f);
}

/* Random prompts of few letters, answers that copy pieces of them with mistakes, random options. */
static void random_case(fixture *f, speculation_case *c, uint64_t *seed, int32_t *answer)
{
    char prompt[80], text[80];
    size_t prompt_count = 4 + test_random(seed) % 60, at = test_random(seed) % prompt_count;
    for (size_t i = 0; i < prompt_count; i++)
        prompt[i] = (char)('a' + test_random(seed) % 4);
    prompt[prompt_count] = '\0';
    size_t count = test_random(seed) % 70;
    for (size_t i = 0; i < count; i++, at++) {
        if (test_random(seed) % 12 == 0) at = test_random(seed) % prompt_count;
        text[i] = test_random(seed) % 20 == 0 ? 'e' : prompt[at % prompt_count];
    }
    text[count] = '\0';
    script(f, c, prompt, text, answer);
    met_generate_options *o = &c->options;
    o->max_tokens = (int32_t)(test_random(seed) % 80);
    o->ignore_end = test_random(seed) % 4 == 0 && o->max_tokens > 0;
    o->logprobs = (int32_t)(test_random(seed) % 8) - 1;
    o->sampling.seed = test_random(seed);
    if (test_random(seed) % 2) o->sampling.temperature = 8; /* the script's 50 do not always win */
    if (test_random(seed) % 2) o->sampling.top_k = 5;
    if (test_random(seed) % 3 == 0) o->sampling.repeat_penalty = 1.1f;
    if (test_random(seed) % 3 == 0) o->sampling.frequency_penalty = 4;
    o->sampling.repeat_last_n = (int32_t)(test_random(seed) % 40) - 1;
    if (test_random(seed) % 3 == 0) {
        c->context_length = c->prompt_count + (int32_t)(test_random(seed) % 40);
    }
    if (test_random(seed) % 4 == 0) c->stop_at_event = (int32_t)(test_random(seed) % 30);
}

static void random_cases_show_the_same_with_and_without(void **state)
{
    (void)state;
    static const char *const stop[] = {"abcab", "dd", "ec"};
    fixture f;
    speculation_case c;
    int32_t answer[100], accepted = 0, rejected = 0, finishes[5] = {0};
    uint64_t seed = 20261123;
    fixture_open(&f, CHUNK);
    for (int i = 0; i < 3000; i++) {
        random_case(&f, &c, &seed, answer);
        if (i % 3 == 0) {
            c.options.stop = stop;
            c.options.stop_count = 3;
        }
        /* 16 guesses and their token are more than the machine takes at once. */
        int32_t speculate = 1 + (int32_t)(test_random(&seed) % MET_LOOKUP_GUESSES_MAX);
        trace plain = run(f.model, &c, 0);
        fake_machine_clear(&f.fake);
        trace fast = run(f.model, &c, speculate);
        assert_same(&plain, &fast, "case", i);
        int32_t wrong = fast.result.proposed_tokens - fast.result.accepted_tokens, held = 0;
        (void)met_session_tokens(fast.session, &held);
        assert_int_equal(f.fake.computed, held + wrong);
        assert_in_range(f.fake.reserved, 1 + (speculate < 16 ? speculate : 15), 16);
        accepted += fast.result.accepted_tokens;
        rejected += wrong;
        finishes[fast.result.finish]++;
        close_trace(&plain);
        close_trace(&fast);
    }
    assert_true(accepted > 3000 && rejected > 3000);
    for (int i = 0; i < 5; i++) /* every way to end is among them */
        assert_true(finishes[i] > 50);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- failures */

static void a_failure_in_the_middle_leaves_what_was_shown(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "abcdefghijkl.abc", "defgXabcdeYdefghijkl", answer);
    const met_status failures[] = {MET_E_MEMORY, MET_E_DEVICE};
    for (int32_t at = 0; at < 8; at++) {
        for (size_t i = 0; i < 2; i++) {
            f.fake.fail_in = at;
            f.fake.fail_with = failures[i];
            trace t = run(f.model, &c, 6);
            assert_int_equal(t.status, failures[i]);
            assert_int_equal(t.result.generated_tokens, t.events);
            int32_t held = 0;
            const int32_t *tokens = met_session_tokens(t.session, &held);
            /* The last token shown is the one that could not be fed. */
            assert_int_equal(held, at == 0 ? 0 : c.prompt_count + t.events - 1);
            for (int32_t k = c.prompt_count; k < held; k++)
                assert_int_equal(tokens[k], answer[k - c.prompt_count]);
            f.fake.fail_in = -1;
            close_trace(&t);
        }
    }
    fixture_close(&f);
}

static void memory_that_cannot_be_had_is_told_before_anything_runs(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "abc", "abc", answer);
    f.fake.fail_reserve = true;
    trace t = run(f.model, &c, 4);
    assert_int_equal(t.status, MET_E_MEMORY);
    assert_int_equal(f.fake.step_count, 0);
    assert_int_equal(t.events, 0);
    close_trace(&t);
    t = run(f.model, &c, 0); /* without it, none is needed */
    assert_int_equal(t.status, MET_OK);
    close_trace(&t);
    fixture_close(&f);
}

static void more_guesses_than_sixteen_or_fewer_than_none_are_refused(void **state)
{
    (void)state;
    fixture f;
    speculation_case c;
    int32_t answer[100];
    fixture_open(&f, CHUNK);
    script(&f, &c, "abc", "abc", answer);
    const int32_t bad[] = {-1, 17, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        trace t = run(f.model, &c, bad[i]);
        assert_int_equal(t.status, MET_E_ARGUMENT);
        assert_non_null(strstr(err.text, "speculate"));
        assert_int_equal(f.fake.step_count, 0);
        close_trace(&t);
    }
    fixture_close(&f);
}

/* ---------------------------------------------------------------- with the bundled model */

static const char *const questions[] = {
    "What is 17 + 25?",
    "Sort these numbers: 9, 4, 7, 1, 3",
    "Reverse the word metal",
    "Write the word framework in upper case",
    "What is GGUF?",
    "How do I see the tensors of a model?",
    "Who are you?",
    "How do you spell quantization?",
    "What is the largest of 12, 45, 8, 45, 3, 12, 45, 8?",
    "What does --seed do?",
    "Count the letters in lookup",
    "What is the capital of France?",
};
enum { QUESTIONS = sizeof questions / sizeof *questions };

/* Case by case another question, in the model's chat or repeated as plain text, and other options.
 * Plain text that repeats is what the model goes on copying. */
static void bundled_case(met_model *model, speculation_case *c, int number)
{
    const char *question = questions[number % QUESTIONS];
    met_text text = {0};
    size_t count = 0;
    char plain[512];
    memset(c, 0, sizeof *c);
    c->stop_at_event = -1;
    if (number % 2 == 0) {
        met_message message = {"user", question};
        assert_ok(met_model_chat(model, &message, 1, &text, &err));
    } else {
        int bytes = snprintf(plain, sizeof plain, "%d. %s %s %s %.*s", number, question, question,
                             questions[number / 3 % QUESTIONS], number % 9, question);
        assert_in_range(bytes, 1, sizeof plain - 1);
    }
    met_str shown = number % 2 == 0 ? (met_str){text.data, text.bytes} : met_str_of(plain);
    assert_ok(met_model_tokenize(model, shown, text.control, text.control_count, c->prompt,
                                 PROMPT_MAX, &count, &err));
    c->prompt_count = (int32_t)count;
    met_text_free(&text);
}

static void bundled_options(speculation_case *c, int number)
{
    static const char *const stop[] = {"the", "\n", "."};
    met_generate_options *o = &c->options;
    *o = met_generate_options_default();
    o->max_tokens = 8 + number % 57;
    o->ignore_end = number % 5 != 0; /* a model that must go on repeats itself */
    o->sampling.seed = (uint64_t)number;
    if (number % 3 == 1) o->sampling.temperature = 0.7f;
    if (number % 6 == 1) o->sampling.top_k = 20;
    if (number % 6 == 4) o->sampling.top_p = 0.9f;
    if (number % 7 == 3) o->sampling.repeat_penalty = 1.15f;
    if (number % 11 == 5) o->sampling.frequency_penalty = 0.2f;
    if (number % 4 == 2) o->logprobs = number % 3 * 5;
    if (number % 10 == 7) {
        o->stop = stop;
        o->stop_count = 3;
    }
    if (number % 8 == 6) c->context_length = c->prompt_count + number % 40;
    if (number % 13 == 9) c->stop_at_event = number % 20;
}

static void answers_of_the_bundled_model_are_the_same_with_and_without(void **state)
{
    (void)state;
    char path[1024];
    met_context *context = NULL;
    met_model *model = NULL;
    int32_t accepted = 0, rejected = 0, sampled = 0, generated = 0;
    met_context_options context_options = {.backend = "cpu", .threads = 1};
    test_source_path("models/bundled-q8_0.gguf", path, sizeof path);
    assert_ok(met_context_create(&context_options, &context, &err));
    assert_ok(met_model_open(context, path, &model, &err));
    for (int i = 0; i < BUNDLED_CASES; i++) {
        speculation_case c;
        bundled_case(model, &c, i);
        bundled_options(&c, i);
        trace plain = run(model, &c, 0);
        trace fast = run(model, &c, 1 + i % MET_LOOKUP_GUESSES_MAX);
        assert_int_equal(plain.status, MET_OK);
        assert_same(&plain, &fast, "prompt", i);
        accepted += fast.result.accepted_tokens;
        rejected += fast.result.proposed_tokens - fast.result.accepted_tokens;
        if (c.options.sampling.temperature > 0) sampled += fast.result.accepted_tokens;
        generated += fast.result.generated_tokens;
        close_trace(&plain);
        close_trace(&fast);
    }
    print_message("# %d prompts: %d tokens, %d guessed right, %d wrong\n", BUNDLED_CASES, generated,
                  accepted, rejected);
    /* Both happen often enough that a mistake in either would show. */
    assert_true(accepted > 500 && rejected > 200 && sampled > 100);
    met_model_free(model);
    met_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses_that_are_right_save_steps),
        cmocka_unit_test(a_wrong_guess_is_computed_over),
        cmocka_unit_test(nothing_is_computed_beyond_max_tokens_or_the_context),
        cmocka_unit_test(an_end_token_is_not_computed_ahead),
        cmocka_unit_test(random_cases_show_the_same_with_and_without),
        cmocka_unit_test(a_failure_in_the_middle_leaves_what_was_shown),
        cmocka_unit_test(memory_that_cannot_be_had_is_told_before_anything_runs),
        cmocka_unit_test(more_guesses_than_sixteen_or_fewer_than_none_are_refused),
        cmocka_unit_test(answers_of_the_bundled_model_are_the_same_with_and_without),
    };
    return cmocka_run_group_tests_name("speculate", tests, NULL, NULL);
}
