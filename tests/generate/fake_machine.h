/* A machine that computes nothing: its logits are a checksum of the tokens that its cache holds, or
 * follow a script. So a test sees exactly which tokens were computed, and a session whose cache
 * does not hold what it says gets other logits. */
#ifndef MET_TESTS_FAKE_MACHINE_H
#define MET_TESTS_FAKE_MACHINE_H

#include "generate/objects.h"
#include "support/testing.h"

enum { FAKE_STEPS_MAX = 4096 };

typedef struct fake_machine {
    met_machine machine; /* first: what the library holds */
    met_machine_ops ops;
    /* Script: token answer[i] follows position answer_at + i - 1, as if the model had said it. */
    const int32_t *answer;
    int32_t answer_count, answer_at;
    int32_t fail_in; /* this many more steps succeed; -1: all */
    met_status fail_with;
    bool fail_timeline, fail_load, fail_reserve; /* there is no memory for it */
    met_dtype kv_type;             /* that the last timeline was asked for */
    /* What happened. */
    met_step steps[FAKE_STEPS_MAX]; /* tokens are not kept */
    int32_t step_count;
    int32_t computed; /* tokens in all steps */
    int32_t reserved; /* tokens of the last reservation */
    int32_t loaded, timelines, closed;
} fake_machine;

typedef struct fake_loaded {
    met_loaded loaded;
    int32_t vocab;
} fake_loaded;

typedef struct fake_timeline {
    met_timeline timeline;
    int32_t *cache; /* [context_length] */
    int32_t filled, context_length;
    float *logits;
} fake_timeline;

static inline fake_machine *fake_of(met_machine *machine)
{
    return (fake_machine *)machine;
}

static inline void fake_close(met_machine *machine)
{
    fake_of(machine)->closed++;
}

static inline void fake_describe(const met_machine *machine, met_context_info *info)
{
    (void)machine;
    info->backend = "fake";
    info->isa = "none";
    info->threads = 1;
}

static inline met_status fake_load(met_machine *machine, const met_program *program,
                                   met_loaded **out, met_error *err)
{
    if (fake_of(machine)->fail_load) {
        snprintf(err->text, sizeof err->text, "no memory, says the fake");
        return MET_E_MEMORY;
    }
    fake_loaded *loaded = calloc(1, sizeof *loaded);
    assert_non_null(loaded);
    loaded->loaded.machine = machine;
    loaded->vocab = program->vocab;
    fake_of(machine)->loaded++;
    *out = &loaded->loaded;
    return MET_OK;
}

static inline void fake_unload(met_loaded *loaded)
{
    fake_of(loaded->machine)->loaded--;
    free(loaded);
}

static inline met_status fake_timeline_create(met_loaded *loaded, int32_t context_length,
                                              met_dtype kv_type, met_timeline **out,
                                              met_error *err)
{
    fake_machine *fake = fake_of(loaded->machine);
    if (fake->fail_timeline) {
        snprintf(err->text, sizeof err->text, "no memory, says the fake");
        return MET_E_MEMORY;
    }
    fake_timeline *timeline = calloc(1, sizeof *timeline);
    assert_non_null(timeline);
    timeline->timeline.loaded = loaded;
    timeline->context_length = context_length;
    fake->kv_type = kv_type;
    timeline->cache = calloc((size_t)context_length, sizeof *timeline->cache);
    size_t vocab = (size_t)((fake_loaded *)loaded)->vocab;
    timeline->logits = calloc((size_t)fake->ops.max_step_tokens * vocab, sizeof *timeline->logits);
    assert_true(timeline->cache != NULL && timeline->logits != NULL);
    fake->timelines++;
    *out = &timeline->timeline;
    return MET_OK;
}

static inline void fake_timeline_free(met_timeline *base)
{
    fake_timeline *timeline = (fake_timeline *)base;
    fake_of(base->loaded->machine)->timelines--;
    free(timeline->cache);
    free(timeline->logits);
    free(timeline);
}

/* Logits after position `last`: in (-1, 1) from the cache's contents; 50 for the scripted token. */
static inline void fake_logits(const fake_machine *fake, const fake_timeline *timeline,
                               int32_t last, int32_t vocab, float *logits)
{
    uint64_t sum = 0x9e3779b97f4a7c15u;
    for (int32_t i = 0; i <= last; i++)
        sum = (sum ^ (uint64_t)timeline->cache[i]) * 0x100000001b3u;
    sum |= 1;
    for (int32_t i = 0; i < vocab; i++)
        logits[i] = test_random_float(&sum);
    int32_t next = last + 1 - fake->answer_at;
    if (next >= 0 && next < fake->answer_count) logits[fake->answer[next]] = 50;
}

static inline met_status fake_step(met_timeline *base, const met_step *step, const float **logits,
                                   met_error *err)
{
    fake_timeline *timeline = (fake_timeline *)base;
    fake_machine *fake = fake_of(base->loaded->machine);
    int32_t vocab = ((fake_loaded *)base->loaded)->vocab;
    if (fake->fail_in == 0) {
        snprintf(err->text, sizeof err->text, "failed, says the fake");
        return fake->fail_with;
    }
    if (fake->fail_in > 0) fake->fail_in--;
    /* What backend.h promises to a machine. */
    assert_in_range(step->count, 1, fake->ops.max_step_tokens);
    assert_in_range(step->position, 0, timeline->filled);
    assert_true(step->position + step->count <= timeline->context_length);
    for (int32_t i = 0; i < step->count; i++) {
        assert_in_range(step->tokens[i], 0, vocab - 1);
        timeline->cache[step->position + i] = step->tokens[i];
        if (step->go_on == NULL || step->go_on(step->user)) continue;
        *step->stopped = true; /* what it has written is of no use to anybody */
        for (int32_t at = step->position; at < timeline->context_length; at++) {
            timeline->cache[at] = -1;
        }
        return MET_OK;
    }
    timeline->filled = step->position + step->count;
    if (fake->step_count < FAKE_STEPS_MAX) fake->steps[fake->step_count] = *step;
    fake->step_count++;
    fake->computed += step->count;
    int32_t rows = step->want == MET_WANT_NONE ? 0 : step->want == MET_WANT_LAST ? 1 : step->count;
    for (int32_t r = 0; r < rows; r++) {
        fake_logits(fake, timeline, timeline->filled - rows + r, vocab,
                    timeline->logits + (size_t)r * (size_t)vocab);
    }
    *logits = timeline->logits;
    return MET_OK;
}

static inline met_status fake_timeline_reserve(met_timeline *base, int32_t tokens, met_error *err)
{
    fake_machine *fake = fake_of(base->loaded->machine);
    assert_in_range(tokens, 1, fake->ops.max_step_tokens);
    if (fake->fail_reserve) {
        snprintf(err->text, sizeof err->text, "no memory, says the fake");
        return MET_E_MEMORY;
    }
    fake->reserved = tokens;
    return MET_OK;
}

static inline met_timeline_memory fake_timeline_memory(const met_timeline *timeline)
{
    (void)timeline;
    return (met_timeline_memory){.kv_bytes = 1000, .scratch_bytes = 100, .kv_bytes_max = 9999};
}

static inline void fake_machine_init(fake_machine *fake, int32_t max_step_tokens)
{
    memset(fake, 0, sizeof *fake);
    fake->ops = (met_machine_ops){
        .name = "fake",
        .close = fake_close,
        .describe = fake_describe,
        .load = fake_load,
        .unload = fake_unload,
        .timeline_create = fake_timeline_create,
        .timeline_free = fake_timeline_free,
        .step = fake_step,
        .timeline_reserve = fake_timeline_reserve,
        .timeline_memory = fake_timeline_memory,
        .max_step_tokens = max_step_tokens,
    };
    fake->machine.ops = &fake->ops;
    fake->fail_in = -1;
}

/* Forget what happened so far. */
static inline void fake_machine_clear(fake_machine *fake)
{
    fake->step_count = 0;
    fake->computed = 0;
}

#endif
