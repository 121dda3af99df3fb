/* Owns: command buffers: a step from its encoding to its result, and what is on its way.
 *
 * A step whose logits nobody wants is committed and not waited for: the next one is encoded while
 * it runs. While a decode step runs, the one after it is encoded too, and lacks only its token,
 * which the host writes before the commit.
 *
 * The invariant: what the host writes for a step (tokens, rotations) lies in that step's slot, and
 * a slot is used again only when its command buffer is done. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/error.h"

#include <math.h>
#include <string.h>

/* ---------------------------------------------------------------- slots */

met_status met_metal_slot_wait(metal_timeline *timeline, int32_t slot, met_trace *trace,
                               met_error *err)
{
    id<MTLCommandBuffer> buffer = timeline->flights[slot].buffer;
    if (buffer == nil) return MET_OK;
    met_status status = MET_OK;
    [buffer waitUntilCompleted];
    if ([buffer status] != MTLCommandBufferStatusCompleted) {
        status = met_metal_fail(err, MET_E_DEVICE, "step", [buffer error]);
    } else {
        timeline->device_seconds += [buffer GPUEndTime] - [buffer GPUStartTime];
        met_metal_trace_buffer(timeline, trace, &(met_event){.name = "step", .layer = -1}, buffer);
    }
    timeline->flights[slot].buffer = nil;
    [buffer release];
    return status;
}

met_status met_metal_slot(metal_timeline *timeline, int32_t *slot, met_error *err)
{
    *slot = timeline->next_slot;
    timeline->next_slot = (timeline->next_slot + 1) % METAL_FLIGHTS;
    return met_metal_slot_wait(timeline, *slot, NULL, err);
}

static void give_ahead(metal_machine *machine)
{
    (void)__atomic_fetch_sub(&machine->ahead_count, 1, __ATOMIC_RELAXED);
}

/* A queue gives out 64 command buffers that are not completed, and then waits for one of them. One
 * that is not committed completes when its session goes on, which may be never: so idle sessions
 * together keep fewer. Returns whether one more may be kept. */
static bool take_ahead(metal_machine *machine)
{
    if (__atomic_fetch_add(&machine->ahead_count, 1, __ATOMIC_RELAXED) < METAL_AHEAD_MAX) {
        return true;
    }
    give_ahead(machine);
    return false;
}

void met_metal_ahead_drop(metal_timeline *timeline)
{
    if (timeline->ahead.buffer == nil) return;
    [timeline->ahead.buffer release]; /* never committed: it does not run */
    timeline->ahead.buffer = nil;
    give_ahead(metal_machine_of(timeline));
}

met_status met_metal_drain(metal_timeline *timeline, met_error *err)
{
    met_status first = MET_OK;
    met_metal_ahead_drop(timeline);
    for (int32_t i = 0; i < METAL_FLIGHTS; i++) { /* in the order of their commits */
        int32_t slot = (timeline->next_slot + i) % METAL_FLIGHTS;
        met_status status = met_metal_slot_wait(timeline, slot, NULL, first == MET_OK ? err : NULL);
        if (first == MET_OK) first = status;
    }
    return first;
}

/* ---------------------------------------------------------------- encoding a step */

/* cos and sin of every angle that the step's positions need, in double and rounded once. */
static void write_rotations(const metal_timeline *timeline, int32_t slot, int32_t tokens,
                            int32_t position)
{
    const metal_loaded *loaded = metal_loaded_of(timeline);
    size_t half = (size_t)loaded->program->head_dim / 2;
    float *to = (float *)[timeline->rotations contents] +
                (size_t)slot * (size_t)timeline->step_tokens * half * 2;
    for (int32_t t = 0; t < tokens; t++) {
        for (size_t i = 0; i < half; i++) {
            double angle = ((double)position + t) * loaded->rope_frequency[i];
            *to++ = (float)cos(angle);
            *to++ = (float)sin(angle);
        }
    }
}

static void write_tokens(const metal_timeline *timeline, int32_t slot, const int32_t *tokens,
                         int32_t count)
{
    int32_t *to = (int32_t *)[timeline->tokens contents] +
                  (size_t)slot * (size_t)timeline->step_tokens;
    memcpy(to, tokens, (size_t)count * sizeof *tokens);
}

metal_run met_metal_run_make(metal_timeline *timeline, int32_t tokens, int32_t position,
                             int32_t logit_rows, int32_t slot)
{
    const metal_loaded *loaded = metal_loaded_of(timeline);
    size_t row = (size_t)slot * (size_t)timeline->step_tokens;
    size_t half = (size_t)loaded->program->head_dim / 2;
    write_rotations(timeline, slot, tokens, position);
    return (metal_run){
        .timeline = timeline,
        .loaded = loaded,
        .program = loaded->program,
        .machine = metal_machine_of(timeline),
        .tokens = tokens,
        .position = position,
        .logit_rows = logit_rows,
        .ids = {timeline->tokens, row * sizeof(int32_t)},
        .rotations = {timeline->rotations, row * half * 2 * sizeof(float)},
        .buffer = [metal_machine_of(timeline)->queue commandBuffer],
    };
}

met_status met_metal_encode_phases(metal_run *run, met_error *err)
{
    const metal_phases *phases = &run->loaded->phases;
    met_status status = MET_OK;
    if (run->buffer == nil) {
        return met_fail(err, MET_E_DEVICE, "metal: step: the queue has no command buffer");
    }
    for (int32_t i = 0; i < phases->count && status == MET_OK; i++) {
        if (phases->list[i].after_logits && run->logit_rows == 0) break; /* nobody reads them */
        status = met_metal_encode_phase(run, i, err);
    }
    return status;
}

static met_status encode_step(metal_run *run, met_error *err)
{
    met_status status = met_metal_encode_phases(run, err);
    met_metal_encoder_end(run);
    return status;
}

/* ---------------------------------------------------------------- one decode step ahead */

static void encode_ahead(metal_timeline *timeline, int32_t position)
{
    metal_machine *machine = metal_machine_of(timeline);
    int32_t slot = 0;
    if (position >= timeline->context_length) return;
    if (position >= timeline->kv_blocks * MET_METAL_KV_BLOCK) return; /* the cache grows first */
    if (timeline->flights[timeline->next_slot].buffer != nil) return; /* not worth a wait */
    if (met_metal_slot(timeline, &slot, NULL) != MET_OK) return;
    if (!take_ahead(machine)) return;
    metal_run run = met_metal_run_make(timeline, 1, position, 1, slot);
    if (encode_step(&run, NULL) != MET_OK) { /* the step itself will say why */
        give_ahead(machine);
        return;
    }
    timeline->ahead = (metal_ahead){[run.buffer retain], position, slot};
}

/* ---------------------------------------------------------------- steps */

/* Commit, and wait when somebody wants the logits. */
static met_status finish(metal_timeline *timeline, id<MTLCommandBuffer> buffer, int32_t slot,
                         const met_step *step, const float **logits, met_error *err)
{
    [buffer commit];
    timeline->flights[slot].buffer = [buffer retain];
    if (step->want == MET_WANT_NONE) return MET_OK;
    if (step->count == 1) encode_ahead(timeline, step->position + 1);
    met_status status = MET_OK;
    for (int32_t i = 0; i < METAL_FLIGHTS && status == MET_OK; i++) {
        /* The oldest first: this step builds on those before it. */
        status = met_metal_slot_wait(timeline, (slot + 1 + i) % METAL_FLIGHTS, step->trace, err);
    }
    if (status == MET_OK && logits != NULL) *logits = [timeline->logits contents];
    return status;
}

static met_status run_step(metal_timeline *timeline, const met_step *step, const float **logits,
                           met_error *err)
{
    int32_t logit_rows = step->want == MET_WANT_NONE  ? 0
                         : step->want == MET_WANT_ALL ? step->count
                                                      : 1;
    int32_t slot = 0;
    met_status status = met_metal_timeline_prepare(timeline, step->count, step->position,
                                                   logit_rows > 0 ? logit_rows : 1, err);
    if (status != MET_OK) return status;
    bool by_phase = timeline->times != NULL ||
                    (step->trace != NULL && step->trace->level >= MET_RECORD_LAYER);
    met_metal_trace_begin(timeline, step->trace, step->count, step->position, logit_rows);
    metal_ahead ahead = timeline->ahead;
    bool ready = ahead.buffer != nil && ahead.position == step->position && step->count == 1 &&
                 logit_rows == 1 && !by_phase;
    if (ready) {
        timeline->ahead.buffer = nil;
        give_ahead(metal_machine_of(timeline));
        write_tokens(timeline, ahead.slot, step->tokens, 1);
        status = finish(timeline, ahead.buffer, ahead.slot, step, logits, err);
        [ahead.buffer release];
        return status;
    }
    met_metal_ahead_drop(timeline);
    status = met_metal_slot(timeline, &slot, err);
    if (status != MET_OK) return status;
    write_tokens(timeline, slot, step->tokens, step->count);
    metal_run run = met_metal_run_make(timeline, step->count, step->position, logit_rows, slot);
    if (by_phase) {
        status = met_metal_drain(timeline, err);
        if (status == MET_OK) status = met_metal_profiled_step(&run, step->trace, err);
        if (status == MET_OK && logits != NULL) {
            *logits = logit_rows > 0 ? [timeline->logits contents] : NULL;
        }
        return status;
    }
    status = encode_step(&run, err);
    if (status != MET_OK) return status;
    return finish(timeline, run.buffer, slot, step, logits, err);
}

met_status met_metal_step(met_timeline *base, const met_step *step, const float **logits,
                          met_error *err)
{
    met_status status = MET_OK;
    if (logits != NULL) *logits = NULL;
    @autoreleasepool {
        status = run_step((metal_timeline *)base, step, logits, err);
    }
    return status;
}
