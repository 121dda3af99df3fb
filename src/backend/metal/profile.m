/* Owns: what steps and their phases cost, by the device's clock. Does not own the phases.
 *
 * A whole step is timed by its command buffer. A phase is timed in a command buffer of its own,
 * when a profile or a recorder asks for phases: it is then slower than in a step of one command
 * buffer, where one follows the other without a pause; what it costs in proportion is what that is
 * for. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <time.h>

/* ---------------------------------------------------------------- costs */

/* Weights are read once a step, whatever the number of tokens: that is what a step has to move. */
static metal_cost product_cost(const met_program *program, const metal_phase *phase)
{
    metal_cost cost = {0};
    for (int32_t i = 0; i < phase->weights; i++) {
        const met_weight *weight = &program->weights[phase->op->weight[phase->weight[i]]];
        cost.bytes +=
            (uint64_t)weight->rows * met_dtype_row_bytes(weight->type, (size_t)weight->cols);
        cost.macs += (uint64_t)weight->rows * (uint64_t)weight->cols;
    }
    return cost;
}

/* Of keys and values that attention reads in one layer: few tokens each visit their blocks, many
 * share them in tiles. */
static uint64_t attention_bytes(const metal_timeline *timeline, int32_t tokens, int32_t position)
{
    const met_program *program = metal_loaded_of(timeline)->program;
    uint64_t blocks = 0;
    int32_t tile = tokens <= MET_METAL_MATVEC_TOKENS ? 1 : MET_METAL_TILE_TOKENS;
    for (int32_t t = 0; t < tokens; t += tile) {
        int32_t last = t + tile < tokens ? t + tile : tokens;
        blocks += (uint64_t)met_metal_splits(position + last - 1);
    }
    return blocks * (uint64_t)program->kv_heads * met_metal_head_elements(program->head_dim) *
           met_dtype_row_bytes(timeline->kv_type, 1);
}

static metal_cost cost_of(const metal_run *run, const metal_phase *phase)
{
    metal_cost cost = {0};
    if (phase->kind == METAL_PHASE_MATMUL) cost = product_cost(run->program, phase);
    if (phase->kind == METAL_PHASE_ATTENTION) {
        cost.bytes = attention_bytes(run->timeline, run->tokens, run->position);
    }
    cost.tokens = (uint64_t)(phase->op->in == MET_NONE ? run->tokens
                                                       : metal_rows(run, phase->op->in));
    cost.macs *= cost.tokens;
    return cost;
}

static met_str weight_of(const met_program *program, const metal_phase *phase)
{
    if (phase->kind != METAL_PHASE_MATMUL) return (met_str){"", 0};
    return program->weights[phase->op->weight[phase->weight[0]]].name;
}

void met_metal_profile_load(metal_loaded *loaded)
{
    const met_program *program = loaded->program;
    const metal_machine *machine = (const metal_machine *)loaded->base.machine;
    for (int32_t i = 0; i < loaded->phases.count; i++) {
        const metal_phase *phase = &loaded->phases.list[i];
        loaded->phase_weights[i] =
            met_recorder_intern(machine->recorder, weight_of(program, phase));
        if (phase->kind == METAL_PHASE_ATTENTION) loaded->attentions++;
        if (phase->kind != METAL_PHASE_MATMUL) continue;
        metal_cost cost = product_cost(program, phase);
        loaded->weight_bytes[program->activations[phase->op->in].rows] += cost.bytes;
        loaded->weight_macs[program->activations[phase->op->in].rows] += cost.macs;
    }
}

/* ---------------------------------------------------------------- spans */

/* The clock of GPUStartTime: seconds since the system started. */
static double device_clock_seconds(void)
{
#if defined(__APPLE__)
    return (double)clock_gettime_nsec_np(CLOCK_UPTIME_RAW) * 1e-9;
#else
    return met_clock_seconds();
#endif
}

void met_metal_trace_begin(const metal_timeline *timeline, met_trace *trace, int32_t tokens,
                           int32_t position, int32_t logit_rows)
{
    if (trace == NULL) return;
    const metal_loaded *loaded = metal_loaded_of(timeline);
    trace->bytes = loaded->weight_bytes[MET_ROWS_TOKENS] +
                   loaded->attentions * attention_bytes(timeline, tokens, position);
    trace->macs = loaded->weight_macs[MET_ROWS_TOKENS] * (uint64_t)tokens;
    if (logit_rows > 0) trace->bytes += loaded->weight_bytes[MET_ROWS_LOGITS];
    trace->macs += loaded->weight_macs[MET_ROWS_LOGITS] * (uint64_t)logit_rows;
}

void met_metal_trace_buffer(const metal_timeline *timeline, const met_trace *trace,
                            const met_event *op, id<MTLCommandBuffer> buffer)
{
    if (trace == NULL) return;
    met_event span = *op;
    span.track = metal_machine_of(timeline)->track;
    met_trace_device(trace, &span, [buffer GPUStartTime], [buffer GPUEndTime],
                     device_clock_seconds());
}

/* [norm][what ends the product] */
static const char *work_of_product(const metal_phase *phase)
{
    enum { PLAIN, SWIGLU, ROPE, APPEND, ROPE_APPEND, ENDINGS };
    static const char *const names[2][ENDINGS] = {
        {"matmul", "matmul, swiglu", "matmul, rope", "matmul, kv_append",
         "matmul, rope, kv_append"},
        {"rmsnorm, matmul", "rmsnorm, matmul, swiglu", "rmsnorm, matmul, rope",
         "rmsnorm, matmul, kv_append", "rmsnorm, matmul, rope, kv_append"},
    };
    bool rotates = false;
    for (int32_t i = 0; i < phase->weights; i++)
        rotates = rotates || phase->rotate[phase->weight[i]];
    int ending = metal_phase_swiglu(phase) ? SWIGLU : rotates ? ROPE : PLAIN;
    if (phase->append != NULL) ending = rotates ? ROPE_APPEND : APPEND;
    return names[phase->norm != NULL][ending];
}

static const char *work_of(const metal_phase *phase)
{
    switch (phase->kind) {
    case METAL_PHASE_EMBED: return "embed";
    case METAL_PHASE_NORM: return "rmsnorm";
    case METAL_PHASE_MATMUL: return work_of_product(phase);
    case METAL_PHASE_SWIGLU: return "swiglu";
    case METAL_PHASE_ATTENTION: return "attention";
    }
    return "?";
}

/* ---------------------------------------------------------------- phase by phase */

met_status met_metal_profile(met_timeline *base, bool on, met_error *err)
{
    metal_timeline *timeline = (metal_timeline *)base;
    size_t phases = (size_t)metal_loaded_of(timeline)->phases.count;
    metal_phase_time *times = NULL;
    if (on) {
        times = calloc(phases + 1, sizeof *times);
        if (times == NULL) return met_fail_memory(err, "profile", phases * sizeof *times);
    }
    free(timeline->times);
    timeline->times = times;
    return MET_OK;
}

static void note_phase(metal_run *run, int32_t index, met_trace *trace)
{
    const metal_phase *phase = &run->loaded->phases.list[index];
    metal_cost cost = cost_of(run, phase);
    double seconds = [run->buffer GPUEndTime] - [run->buffer GPUStartTime];
    run->timeline->device_seconds += seconds;
    if (run->timeline->times != NULL) {
        metal_phase_time *time = &run->timeline->times[index];
        time->calls++;
        time->bytes += cost.bytes;
        time->macs += cost.macs;
        time->seconds += seconds;
    }
    if (trace == NULL || trace->level < MET_RECORD_LAYER) return;
    met_event op = {
        .name = work_of(phase),
        .detail = run->loaded->phase_weights[index],
        .layer = phase->op->layer,
        .end_ns = met_clock_ns(),
        .tokens = cost.tokens,
        .bytes = cost.bytes,
        .macs = cost.macs,
    };
    met_trace_op(trace, &op);
    met_metal_trace_buffer(run->timeline, trace, &op, run->buffer);
}

met_status met_metal_profiled_step(metal_run *run, met_trace *trace, met_error *err)
{
    const metal_phases *phases = &run->loaded->phases;
    met_status status = MET_OK;
    for (int32_t i = 0; i < phases->count && status == MET_OK; i++) {
        if (phases->list[i].after_logits && run->logit_rows == 0) break;
        run->buffer = [run->machine->queue commandBuffer];
        status = met_metal_encode_phase(run, i, err);
        met_metal_encoder_end(run);
        if (status != MET_OK) return status;
        [run->buffer commit];
        [run->buffer waitUntilCompleted];
        if ([run->buffer status] != MTLCommandBufferStatusCompleted) {
            return met_metal_fail(err, MET_E_DEVICE, "step", [run->buffer error]);
        }
        note_phase(run, i, trace);
    }
    return status;
}

size_t met_metal_op_times(const met_timeline *base, met_op_time *out, size_t capacity)
{
    const metal_timeline *timeline = (const metal_timeline *)base;
    const metal_loaded *loaded = metal_loaded_of(timeline);
    if (timeline->times == NULL) return 0;
    for (size_t i = 0; i < (size_t)loaded->phases.count && i < capacity; i++) {
        const metal_phase *phase = &loaded->phases.list[i];
        const metal_phase_time *time = &timeline->times[i];
        out[i] = (met_op_time){
            .work = work_of(phase),
            .weight = weight_of(loaded->program, phase),
            .layer = phase->op->layer,
            .calls = time->calls,
            .bytes = time->bytes,
            .macs = time->macs,
            .seconds = time->seconds,
        };
    }
    return (size_t)loaded->phases.count;
}
