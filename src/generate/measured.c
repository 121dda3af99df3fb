/* Owns: the spans and counters of a session's steps and generations. Does not own the ring
 * (metrics/recorder.h) nor what a step consists of: its machine. The invariant: counters are what
 * met_generate_result adds up to. */
#include "generate/measured.h"

#include "base/error.h"
#include "metrics/export.h"

#include <stdlib.h>

met_status met_measured_create(met_recorder *recorder, met_measured **out, met_error *err)
{
    *out = NULL;
    if (recorder == NULL) return MET_OK;
    met_measured *measured = calloc(1, sizeof *measured);
    if (measured == NULL) return met_fail_memory(err, "session", sizeof *measured);
    measured->recorder = recorder;
    measured->track = met_recorder_open_tracks(recorder, "session", 1);
    *out = measured;
    return MET_OK;
}

void met_measured_free(met_measured *measured)
{
    if (measured == NULL) return;
    met_recorder_close_tracks(measured->recorder, measured->track, 1);
    free(measured);
}

/* Outside met_generate nobody says what a step is for: many tokens are a prompt. */
static bool is_prefill(const met_measured *measured, const met_step *step)
{
    if (measured->generation.recorder != NULL) return measured->prompt;
    return step->count > 1;
}

static void count_step(met_measured *measured, const met_step *step, const met_trace *trace,
                       bool prefill)
{
    met_recorder *recorder = trace->recorder;
    uint64_t ns = trace->end_ns - trace->begin_ns;
    met_recorder_count(recorder, prefill ? MET_COUNT_PREFILL_STEPS : MET_COUNT_DECODE_STEPS, 1);
    met_recorder_count(recorder, prefill ? MET_COUNT_PREFILL_TOKENS : MET_COUNT_DECODE_TOKENS,
                       (uint64_t)step->count);
    met_recorder_count(recorder, prefill ? MET_COUNT_PREFILL_NS : MET_COUNT_DECODE_NS, ns);
    met_recorder_count(recorder, prefill ? MET_COUNT_PREFILL_BYTES : MET_COUNT_DECODE_BYTES,
                       trace->bytes);
    met_recorder_count(recorder, MET_COUNT_BARRIER_WAIT_NS, trace->wait_ns);
    *(prefill ? &measured->prefill_ns : &measured->decode_ns) += ns;
    *(prefill ? &measured->prefill_bytes : &measured->decode_bytes) += trace->bytes;
    if (prefill) measured->prefill_macs += trace->macs;
    measured->summary.barrier_wait_ns += trace->wait_ns;
}

static met_record_level level_of(const met_measured *measured)
{
    return measured == NULL ? MET_RECORD_OFF : met_recorder_asks(measured->recorder);
}

bool met_measured_wants_layers(const met_measured *measured)
{
    return level_of(measured) >= MET_RECORD_LAYER;
}

/* The step that `trace` is of has ended. One that failed or was stopped has computed no token, but
 * its operations are there and need a parent. */
static void record_step(met_measured *measured, const met_step *step, const met_trace *trace,
                        met_status status)
{
    bool prefill = is_prefill(measured, step);
    bool generating = measured->generation.recorder != NULL;
    bool whole = status == MET_OK && (step->stopped == NULL || !*step->stopped);
    if (whole) count_step(measured, step, trace, prefill);
    met_event span = {
        .id = trace->step,
        .parent = generating ? measured->generation.id : MET_SPAN_PROCESS,
        .name = prefill ? "prefill" : "decode",
        .track = measured->track,
        .layer = -1,
        .begin_ns = trace->begin_ns,
        .end_ns = trace->end_ns,
        .wait_ns = trace->wait_ns,
        .tokens = whole ? (uint64_t)step->count : 0,
        .bytes = whole ? trace->bytes : trace->done_bytes,
        .macs = whole ? trace->macs : trace->done_macs,
    };
    met_recorder_add(measured->recorder, &span);
    met_laps_skip(&measured->generation);
    bool wrote = met_exports_drain(measured->recorder, false);
    if (wrote) met_laps_next(&measured->generation, "export");
}

met_status met_measured_step(met_measured *measured, met_timeline *timeline, met_step *step,
                             const float **logits, met_error *err)
{
    const met_machine_ops *ops = timeline->loaded->machine->ops;
    met_record_level level = level_of(measured);
    if (level == MET_RECORD_OFF) return ops->step(timeline, step, logits, err);

    met_trace trace;
    met_trace_begin(&trace, measured->recorder, level, measured->track);
    step->trace = &trace;
    met_status status = ops->step(timeline, step, logits, err);
    step->trace = NULL;
    met_trace_end(&trace);
    record_step(measured, step, &trace, status);
    return status;
}

met_status met_measured_decode(met_measured *measured, met_timeline *timeline, int32_t *token,
                               met_error *err)
{
    const met_machine_ops *ops = timeline->loaded->machine->ops;
    met_record_level level = level_of(measured);
    if (level == MET_RECORD_OFF) return ops->decode_next(timeline, NULL, token, err);

    met_trace trace;
    met_trace_begin(&trace, measured->recorder, level, measured->track);
    met_status status = ops->decode_next(timeline, &trace, token, err);
    met_trace_end(&trace);
    met_step step = {.count = 1};
    record_step(measured, &step, &trace, status);
    return status;
}

void met_measured_begin(met_measured *measured)
{
    if (measured == NULL) return;
    measured->summed = false;
    if (met_recorder_asks(measured->recorder) == MET_RECORD_OFF) return;
    measured->prompt = true;
    measured->summary = (met_summary){0};
    measured->prefill_ns = measured->prefill_bytes = measured->prefill_macs = 0;
    measured->decode_ns = measured->decode_bytes = 0;
    measured->token_ns = 0;
    measured->between = (met_durations){0};
    met_laps_begin(&measured->generation, measured->recorder, measured->track, 0);
}

static bool is_generating(const met_measured *measured)
{
    return measured != NULL && measured->generation.recorder != NULL;
}

void met_measured_prompt(met_measured *measured, const met_generate_result *result)
{
    if (!is_generating(measured)) return;
    measured->prompt = false;
    met_recorder *recorder = measured->recorder;
    met_recorder_count(recorder, MET_COUNT_GENERATIONS, 1);
    met_recorder_count(recorder, MET_COUNT_PROMPT_TOKENS, (uint64_t)result->prompt_tokens);
    met_recorder_count(recorder, MET_COUNT_REUSED_TOKENS, (uint64_t)result->reused_tokens);
    met_laps_skip(&measured->generation);
}

void met_measured_chosen(met_measured *measured)
{
    if (!is_generating(measured)) return;
    met_laps_next(&measured->generation, "sample");
    uint64_t now = measured->generation.at_ns;
    if (measured->token_ns != 0) met_durations_add(&measured->between, now - measured->token_ns);
    measured->token_ns = now;
    met_recorder_count(measured->recorder, MET_COUNT_GENERATED_TOKENS, 1);
}

void met_measured_shown(met_measured *measured)
{
    if (is_generating(measured)) met_laps_next(&measured->generation, "show");
}

static double per_second(uint64_t amount, double seconds)
{
    return seconds > 0 ? (double)amount / seconds : 0;
}

static double percentile(const met_measured *measured, double part)
{
    return (double)met_durations_percentile(&measured->between, part) * 1e-9;
}

static void sum_up(met_measured *measured, const met_generate_result *result, met_memory memory)
{
    met_summary *s = &measured->summary;
    double prefill_seconds = (double)measured->prefill_ns * 1e-9;
    double decode_seconds = (double)measured->decode_ns * 1e-9;
    int32_t computed = result->prompt_tokens - result->reused_tokens; /* none when it failed */
    int32_t after_first = result->generated_tokens > 0 ? result->generated_tokens - 1 : 0;
    s->result = *result;
    s->prefill_tokens_per_second = per_second((uint64_t)computed, result->prefill_seconds);
    s->decode_tokens_per_second = per_second((uint64_t)after_first, result->decode_seconds);
    s->token_seconds_p50 = percentile(measured, 0.50);
    s->token_seconds_p95 = percentile(measured, 0.95);
    s->token_seconds_p99 = percentile(measured, 0.99);
    s->token_seconds_max = (double)measured->between.most_ns * 1e-9;
    s->prefill_bytes_per_second = per_second(measured->prefill_bytes, prefill_seconds);
    s->decode_bytes_per_second = per_second(measured->decode_bytes, decode_seconds);
    s->prefill_macs_per_second = per_second(measured->prefill_macs, prefill_seconds);
    s->memory = memory;
    measured->summed = true;
}

void met_measured_end(met_measured *measured, const met_generate_result *result, met_memory memory)
{
    if (!is_generating(measured)) return;
    met_recorder *recorder = measured->recorder;
    met_recorder_count(recorder, MET_COUNT_PROPOSED_TOKENS, (uint64_t)result->proposed_tokens);
    met_recorder_count(recorder, MET_COUNT_ACCEPTED_TOKENS, (uint64_t)result->accepted_tokens);
    sum_up(measured, result, memory);
    met_event span = {
        .parent = MET_SPAN_PROCESS,
        .name = "generate",
        .detail = {"", 0},
        .tokens = (uint64_t)result->generated_tokens,
        .bytes = measured->prefill_bytes + measured->decode_bytes,
    };
    met_laps_end(&measured->generation, &span);
    met_exports_summary(recorder, measured->track, &measured->summary,
                        met_finish_name(result->finish));
}
