/* metal: what the machine records: spans that nest and add up, a device's on a track of its own. */
#include "metrics/spans.h"

/* Spans of a device's track: in number and in time. */
static size_t device_spans(const world *w, uint64_t *ns)
{
    char name[32];
    size_t count = 0;
    *ns = 0;
    for (size_t i = 0; i < event_count; i++) {
        assert_true(met_recorder_track(w->recorder, events[i].track, name, sizeof name) > 0);
        if (strncmp(name, "device ", 7) != 0) continue;
        count++;
        *ns += events[i].end_ns - events[i].begin_ns;
    }
    return count;
}

/* Tokens are chosen on the device, which runs ahead of the steps that take them; then, because
 * layers are asked for, on the host. */
static void spans_nest_and_layers_tile_their_steps_at_every_level(void **state)
{
    (void)state;
    for (int level = MET_RECORD_TOKEN; level <= MET_RECORD_OP; level++) {
        world w;
        uint64_t device_ns = 0;
        open_world(&w, "metal", (met_record_level)level, 0);
        met_session *session = open_session(&w, 0);
        met_generate_result result = generate(session, PROMPT, 0);
        read_all(&w);
        assert_nested();
        size_t steps = count_named("prefill") + count_named("decode"), tiled = 0;
        assert_true(steps >= TOKENS);
        for (size_t i = 0; i < event_count; i++) {
            const met_event *e = &events[i];
            bool step = strcmp(e->name, "prefill") == 0 || strcmp(e->name, "decode") == 0;
            if (step) assert_true(e->bytes > 0 && e->macs > 0);
            if (step || strcmp(e->name, "layer") == 0) tiled += assert_tiled(e) > 0;
        }
        size_t layers = steps * (size_t)met_model_describe(w.model).layers;
        size_t whole = level == MET_RECORD_TOKEN ? 0 : steps;
        assert_int_equal(count_named("layer"), level == MET_RECORD_TOKEN ? 0 : layers);
        assert_int_equal(tiled, whole + (level == MET_RECORD_OP ? layers : 0));
        assert_true(device_spans(&w, &device_ns) >= steps);

        met_counters counters = met_recorder_counters(w.recorder);
        assert_int_equal(counters.prompt_tokens, result.prompt_tokens);
        assert_int_equal(counters.generated_tokens, result.generated_tokens);
        assert_int_equal(counters.prefill_tokens, PROMPT);
        assert_true(counters.device_ns > 0 && device_ns > 0);
        met_session_free(session);
        close_world(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_nest_and_layers_tile_their_steps_at_every_level),
    };
    return cmocka_run_group_tests_name("metal_spans", tests, NULL, NULL);
}
