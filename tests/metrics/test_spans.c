/* metrics: what sessions and the CPU machine record: spans that nest and add up, counters that equal
 * the results, levels, summaries. */
#include "metrics/spans.h"

#include <pthread.h>

static void operations_tile_layers_and_layers_tile_steps(void **state)
{
    (void)state;
    for (int32_t threads = 1; threads <= 3; threads++) {
        world w;
        open_world(&w, "cpu", MET_RECORD_OP, threads);
        met_session *session = open_session(&w, 0);
        (void)generate(session, PROMPT, 0);
        read_all(&w);
        assert_nested();
        int32_t layers = met_model_describe(w.model).layers;
        size_t steps = count_named("prefill") + count_named("decode");
        assert_int_equal(steps, 1 + TOKENS - 1);
        assert_int_equal(count_named("layer"), steps * (size_t)layers);
        for (size_t i = 0; i < event_count; i++) {
            const met_event *e = &events[i];
            if (strcmp(e->name, "prefill") == 0 || strcmp(e->name, "decode") == 0) {
                assert_true(assert_tiled(e) > (size_t)layers);
                assert_true(e->bytes > 0 && e->macs > 0);
            } else if (strcmp(e->name, "layer") == 0) {
                assert_true(assert_tiled(e) >= 4);
            }
        }
        assert_string_equal(named("rmsnorm, matmul", 0)->detail.data, "blk.0.attn_q.weight");
        met_session_free(session);
        close_world(&w);
    }
}

static void other_workers_have_tracks_of_their_own(void **state)
{
    (void)state;
    world w;
    char name[32];
    open_world(&w, "cpu", MET_RECORD_OP, 3);
    met_session *session = open_session(&w, 0);
    (void)generate(session, PROMPT, 0);
    read_all(&w);
    size_t asides[3] = {0};
    for (size_t i = 0; i < event_count; i++) {
        assert_true(met_recorder_track(w.recorder, events[i].track, name, sizeof name) > 0);
        if (strncmp(name, "worker ", 7) != 0) continue;
        int worker = atoi(name + 7);
        assert_in_range(worker, 1, 2);
        asides[worker]++;
        assert_non_null(with_id(events[i].parent));
    }
    assert_true(asides[1] > 0);
    assert_int_equal(asides[1], asides[2]);
    met_session_free(session);
    close_world(&w);
}

static void a_load_is_recorded_with_its_stages(void **state)
{
    (void)state;
    static const char *const stages[] = {"map",        "header",   "bind",
                                         "vocabulary", "template", "upload"};
    world w;
    open_world(&w, "cpu", MET_RECORD_TOKEN, 1);
    read_all(&w);
    const met_event *load = named("load", 0);
    assert_int_equal(event_count, 7);
    assert_nested();
    assert_true(strstr(load->detail.data, ".gguf") != NULL);
    assert_int_equal(load->bytes, met_model_describe(w.model).file_bytes);
    for (size_t i = 0; i < sizeof stages / sizeof stages[0]; i++) {
        assert_string_equal(events[i].name, stages[i]);
        assert_int_equal(events[i].parent, load->id);
        if (i > 0) assert_int_equal(events[i].begin_ns, events[i - 1].end_ns);
    }
    assert_int_equal(met_recorder_counters(w.recorder).loads, 1);
    close_world(&w);
}

/* ---------------------------------------------------------------- levels */

static void a_level_records_what_it_says_and_no_more(void **state)
{
    (void)state;
    world w;
    open_world(&w, "cpu", MET_RECORD_OFF, 2);
    met_session *session = open_session(&w, 0);
    (void)generate(session, PROMPT, 0);
    read_all(&w);
    assert_int_equal(event_count, 0);
    assert_int_equal(met_recorder_counters(w.recorder).generated_tokens, 0);

    met_recorder_set_level(w.recorder, MET_RECORD_TOKEN);
    (void)generate(session, PROMPT, 0);
    read_all(&w);
    assert_int_equal(count_named("generate"), 1);
    assert_int_equal(count_named("prefill"), 1);
    assert_int_equal(count_named("decode"), TOKENS - 1);
    assert_int_equal(count_named("sample"), TOKENS);
    assert_int_equal(count_named("show"), TOKENS);
    assert_int_equal(event_count, 2 + TOKENS - 1 + 2 * TOKENS);

    met_recorder_set_level(w.recorder, MET_RECORD_LAYER);
    (void)generate(session, PROMPT, 0);
    read_all(&w);
    assert_int_equal(count_named("layer"), TOKENS * met_model_describe(w.model).layers);
    assert_int_equal(count_named("rope, kv_append, attention"), 0);
    assert_nested();
    for (size_t i = 0; i < TOKENS - 1; i++)
        assert_true(assert_tiled(named("decode", TOKENS - 1 + i)) > 2);
    met_session_free(session);
    close_world(&w);
}

static bool set_level(void *user, const met_token_event *event)
{
    met_recorder *recorder = user;
    static const met_record_level levels[] = {MET_RECORD_OP, MET_RECORD_OFF, MET_RECORD_LAYER,
                                              MET_RECORD_TOKEN};
    if (event->token >= 0) met_recorder_set_level(recorder, levels[event->index % 4]);
    return true;
}

static void the_level_may_change_within_a_generation(void **state)
{
    (void)state;
    for (int start = MET_RECORD_OFF; start <= MET_RECORD_TOKEN; start++) {
        world w;
        open_world(&w, "cpu", (met_record_level)start, 2);
        met_session *session = open_session(&w, 0);
        met_generate_options options = met_generate_options_default();
        options.max_tokens = 12;
        options.ignore_end = true;
        options.on_token = set_level;
        options.user = w.recorder;
        assert_ok(met_generate(session, prompt, PROMPT, &options, NULL, &err));
        read_all(&w);
        assert_nested();
        assert_true(count_named("layer") > 0 && count_named("decode") >= 8);
        assert_int_equal(count_named("generate"), start == MET_RECORD_TOKEN);
        met_session_free(session);
        close_world(&w);
    }
}

/* ---------------------------------------------------------------- counters */

static void counters_are_the_sums_of_results_and_of_steps(void **state)
{
    (void)state;
    world w;
    open_world(&w, "cpu", MET_RECORD_OP, 2);
    met_session *session = open_session(&w, 0);
    met_generate_result all = {0};
    for (int turn = 0; turn < 3; turn++) {
        met_generate_result one = generate(session, PROMPT - turn, turn == 2 ? 6 : 0);
        all.prompt_tokens += one.prompt_tokens;
        all.reused_tokens += one.reused_tokens;
        all.generated_tokens += one.generated_tokens;
        all.proposed_tokens += one.proposed_tokens;
        all.accepted_tokens += one.accepted_tokens;
    }
    assert_true(all.reused_tokens > 0);
    met_counters c = met_recorder_counters(w.recorder);
    assert_int_equal(c.generations, 3);
    assert_int_equal(c.prompt_tokens, all.prompt_tokens);
    assert_int_equal(c.reused_tokens, all.reused_tokens);
    assert_int_equal(c.generated_tokens, all.generated_tokens);
    assert_int_equal(c.proposed_tokens, all.proposed_tokens);
    assert_int_equal(c.accepted_tokens, all.accepted_tokens);
    assert_int_equal(c.prefill_tokens, all.prompt_tokens - all.reused_tokens);
    /* All but the last token of each turn, those that were guessed right counted as guesses. */
    assert_int_equal(c.decode_tokens, all.generated_tokens - 3 + all.proposed_tokens -
                                          all.accepted_tokens);

    met_counters seen = {0};
    read_all(&w);
    for (size_t i = 0; i < event_count; i++) {
        const met_event *e = &events[i];
        bool prefill = strcmp(e->name, "prefill") == 0;
        if (!prefill && strcmp(e->name, "decode") != 0) continue;
        *(prefill ? &seen.prefill_steps : &seen.decode_steps) += 1;
        *(prefill ? &seen.prefill_tokens : &seen.decode_tokens) += e->tokens;
        *(prefill ? &seen.prefill_ns : &seen.decode_ns) += e->end_ns - e->begin_ns;
        *(prefill ? &seen.prefill_bytes : &seen.decode_bytes) += e->bytes;
        seen.barrier_wait_ns += e->wait_ns;
    }
    assert_int_equal(c.prefill_steps, seen.prefill_steps);
    assert_int_equal(c.prefill_tokens, seen.prefill_tokens);
    assert_int_equal(c.prefill_ns, seen.prefill_ns);
    assert_int_equal(c.prefill_bytes, seen.prefill_bytes);
    assert_int_equal(c.decode_steps, seen.decode_steps);
    assert_int_equal(c.decode_tokens, seen.decode_tokens);
    assert_int_equal(c.decode_ns, seen.decode_ns);
    assert_int_equal(c.decode_bytes, seen.decode_bytes);
    assert_int_equal(c.barrier_wait_ns, seen.barrier_wait_ns);
    met_session_free(session);
    close_world(&w);
}

/* A token reads every weight but the embeddings' table once, of which it reads a row (uncounted),
 * or all when it is the output too; and the key blocks up to its position. */
static void the_bytes_of_a_step_are_its_weights_and_its_cache(void **state)
{
    (void)state;
    world w;
    const float *logits = NULL;
    open_world(&w, "cpu", MET_RECORD_TOKEN, 1);
    met_session *session = open_session(&w, 0);
    uint64_t weights = 0, vectors = 0;
    const met_program *program = &w.model->program;
    for (int32_t i = 0; i < program->op_count; i++) {
        const met_op *op = &program->ops[i];
        if (op->kind != MET_OP_MATMUL) continue;
        for (int32_t j = 0; j < op->weights; j++) {
            const met_weight *weight = &program->weights[op->weight[j]];
            weights += (uint64_t)weight->rows * met_dtype_row_bytes(weight->type,
                                                                    (size_t)weight->cols);
            vectors += (uint64_t)weight->rows * (uint64_t)weight->cols;
        }
    }
    for (int32_t i = 0; i < 130; i++)
        assert_ok(met_session_feed(session, &prompt[i % PROMPT], 1, &logits, &err));
    read_all(&w);
    assert_int_equal(count_named("decode"), 130);
    uint64_t block = (uint64_t)program->layers * (uint64_t)program->kv_heads * 2 * 64 *
                     (uint64_t)program->head_dim * 2; /* F16 */
    for (size_t i = 0; i < 130; i++) {
        const met_event *step = named("decode", i);
        assert_int_equal(step->parent, MET_SPAN_PROCESS);
        assert_int_equal(step->tokens, 1);
        assert_int_equal(step->bytes, weights + (i / 64 + 1) * block);
        assert_int_equal(step->macs, vectors);
    }
    met_session_free(session);
    close_world(&w);
}

/* ---------------------------------------------------------------- summaries */

static void a_summary_is_of_the_last_generation(void **state)
{
    (void)state;
    world w;
    met_summary s;
    open_world(&w, "cpu", MET_RECORD_TOKEN, 2);
    met_session *session = open_session(&w, 0);
    assert_false(met_session_summary(session, &s));
    for (int turn = 0; turn < 2; turn++) {
        met_generate_result result = generate(session, PROMPT, 0);
        assert_true(met_session_summary(session, &s));
        assert_memory_equal(&s.result, &result, sizeof result);
        assert_true(s.prefill_tokens_per_second > 0 && s.decode_tokens_per_second > 0);
        assert_true(s.prefill_bytes_per_second > 0 && s.decode_bytes_per_second > 0);
        assert_true(s.prefill_macs_per_second > 0);
        assert_true(s.token_seconds_p50 > 0 && s.token_seconds_p50 <= s.token_seconds_p95);
        assert_true(s.token_seconds_p95 <= s.token_seconds_p99);
        assert_true(s.token_seconds_p99 <= s.token_seconds_max);
        assert_true(s.token_seconds_max <= result.decode_seconds);
        met_memory memory = met_context_memory(w.context);
        assert_memory_equal(&s.memory, &memory, sizeof memory);
    }
    met_recorder_set_level(w.recorder, MET_RECORD_OFF);
    (void)generate(session, PROMPT, 0);
    assert_false(met_session_summary(session, &s)); /* not that of the one before */
    assert_int_equal(s.result.prompt_tokens, 0);
    met_session_free(session);
    close_world(&w);

    met_context_options plain = {.backend = "cpu", .threads = 1};
    assert_ok(met_context_create(&plain, &w.context, &err));
    assert_ok(fixture_open_file(w.context, &w.model, &err));
    session = open_session(&w, 0);
    (void)generate(session, PROMPT, 0);
    assert_false(met_session_summary(session, &s));
    met_session_free(session);
    met_model_free(w.model);
    met_context_free(w.context);
}

static void a_step_that_fails_counts_nothing_and_the_generation_still_ends(void **state)
{
    (void)state;
    fixture f;
    met_recorder *recorder = NULL;
    met_summary s;
    world w = {0};
    fixture_open(&f, 4);
    assert_ok(met_recorder_create(NULL, &recorder, &err));
    f.context->recorder = w.recorder = recorder;
    met_session *session = fixture_session(&f, 0);
    f.fake.fail_in = 2; /* of three chunks */
    f.fake.fail_with = MET_E_DEVICE;
    assert_int_equal(met_generate(session, prompt, PROMPT, NULL, NULL, &err), MET_E_DEVICE);
    read_all(&w);
    assert_int_equal(count_named("prefill"), 3);
    assert_int_equal(named("prefill", 1)->tokens, 4);
    assert_int_equal(named("prefill", 2)->tokens, 0);
    assert_int_equal(count_named("generate"), 1);
    assert_nested();
    assert_int_equal(met_recorder_counters(recorder).generations, 0);
    assert_int_equal(met_recorder_counters(recorder).prefill_tokens, 8);
    assert_true(met_session_summary(session, &s));
    assert_int_equal(s.result.prompt_tokens, 0);
    assert_true(s.prefill_tokens_per_second == 0);
    met_session_free(session);
    fixture_close(&f);
    met_recorder_free(recorder);
}

static bool count_down(void *user)
{
    return (*(int *)user)-- != 0;
}

static void a_step_that_is_stopped_counts_nothing_and_has_what_was_done_of_it(void **state)
{
    (void)state;
    int stopped = 0;
    for (int at = 0, whole = 0; whole == 0; at++) { /* at every question that there is */
        world w;
        int polls = at;
        met_generate_result result;
        met_generate_options options = met_generate_options_default();
        options.on_poll = count_down;
        options.user = &polls;
        open_world(&w, "cpu", MET_RECORD_OP, 2);
        met_session *session = open_session(&w, 0);
        options.max_tokens = 1;
        options.ignore_end = true;
        assert_ok(met_generate(session, prompt, PROMPT, &options, &result, &err));
        whole = result.finish == MET_FINISH_LENGTH;
        read_all(&w);
        assert_nested();
        if (whole) {
            met_session_free(session);
            close_world(&w);
            continue;
        }
        stopped++;
        assert_int_equal(result.finish, MET_FINISH_CALLBACK);
        assert_int_equal(result.prompt_tokens, 0);
        assert_int_equal(count_named("prefill"), 1);
        assert_int_equal(named("prefill", 0)->tokens, 0);
        for (size_t i = 0; i < event_count; i++) {
            bool step = strcmp(events[i].name, "prefill") == 0;
            if (!step && strcmp(events[i].name, "layer") != 0) continue;
            assert_true(assert_tiled(&events[i]) > 0);
        }
        met_counters counters = met_recorder_counters(w.recorder);
        assert_int_equal(counters.prefill_tokens, 0);
        assert_int_equal(counters.prefill_bytes, 0);
        met_session_free(session);
        close_world(&w);
    }
    assert_true(stopped > 10); /* two layers of more than five phases */
}

/* ---------------------------------------------------------------- threads */

enum { SESSIONS = 3 };

static void *run_session(void *arg)
{
    const world *w = arg;
    met_session *session = NULL;
    met_error mine;
    met_generate_options options = met_generate_options_default();
    options.max_tokens = TOKENS;
    options.ignore_end = true;
    if (met_session_create(w->model, NULL, &session, &mine) != MET_OK) return NULL;
    met_status status = met_generate(session, prompt, PROMPT, &options, NULL, &mine);
    met_session_free(session);
    return status == MET_OK ? arg : NULL;
}

static void sessions_in_threads_record_on_tracks_of_their_own(void **state)
{
    (void)state;
    world w;
    pthread_t threads[SESSIONS];
    open_world(&w, "cpu", MET_RECORD_OP, 2);
    for (int i = 0; i < SESSIONS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_session, &w), 0);
    static met_event some[64];
    uint64_t cursor = 0;
    while (met_recorder_counters(w.recorder).generated_tokens < SESSIONS * TOKENS)
        (void)met_recorder_read(w.recorder, &cursor, some, 64, NULL);
    for (int i = 0; i < SESSIONS; i++) {
        void *answer = NULL;
        pthread_join(threads[i], &answer);
        assert_non_null(answer);
    }
    read_all(&w);
    assert_nested();
    assert_int_equal(count_named("generate"), SESSIONS);
    met_memory memory = met_context_memory(w.context);
    assert_int_equal(memory.kind[MET_MEMORY_KV].bytes, 0);
    assert_true(memory.kind[MET_MEMORY_KV].peak_bytes > 0);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_tile_layers_and_layers_tile_steps),
        cmocka_unit_test(other_workers_have_tracks_of_their_own),
        cmocka_unit_test(a_load_is_recorded_with_its_stages),
        cmocka_unit_test(a_level_records_what_it_says_and_no_more),
        cmocka_unit_test(the_level_may_change_within_a_generation),
        cmocka_unit_test(counters_are_the_sums_of_results_and_of_steps),
        cmocka_unit_test(the_bytes_of_a_step_are_its_weights_and_its_cache),
        cmocka_unit_test(a_summary_is_of_the_last_generation),
        cmocka_unit_test(a_step_that_fails_counts_nothing_and_the_generation_still_ends),
        cmocka_unit_test(a_step_that_is_stopped_counts_nothing_and_has_what_was_done_of_it),
        cmocka_unit_test(sessions_in_threads_record_on_tracks_of_their_own),
    };
    return cmocka_run_group_tests_name("spans", tests, NULL, NULL);
}
