/* Owns: generation on the device: steps that choose their token there and hand it to the next one.
 * Does not own what choosing means: src/generate/sampler.h says it, sample.metal does it.
 *
 * Step i reads its token from ring[i] and leaves the one it chose in ring[i + 1]; so several steps
 * can be on their way, and the host only reads the ring, a token when its command buffer is done.
 *
 * The invariant: draws are taken in the order of the steps, one each, whoever stops when. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH = METAL_FLIGHTS - 1, /* steps on their way: one runs, others wait for it */
    RING = 16
};
_Static_assert((int)RING > 2 * (int)METAL_FLIGHTS, "a place is read before it is used again");

struct metal_sampling {
    met_decode decode;
    bool penalizes;
    int32_t committed, taken; /* steps */
    int32_t slots[METAL_FLIGHTS]; /* of step i at i % METAL_FLIGHTS */
    id<MTLBuffer> ring;      /* int32 [RING]; shared */
    id<MTLBuffer> counts;    /* int32 [vocab] of tokens in the window; shared */
    id<MTLBuffer> history;   /* int32 [context_length] the text by place; shared */
    id<MTLBuffer> maxima;    /* uint64 [MET_METAL_SAMPLE_GROUPS] */
    id<MTLBuffer> penalized; /* float [vocab] */
    id<MTLBuffer> keys;      /* uint64 [met_metal_sample_keys] */
};

void met_metal_sampling_free(metal_sampling *sampling)
{
    if (sampling == NULL) return;
    id<MTLBuffer> owned[] = {sampling->ring,   sampling->counts,    sampling->history,
                             sampling->maxima, sampling->penalized, sampling->keys};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        [owned[i] release];
    free(sampling);
}

static met_status make(metal_timeline *timeline, met_error *err)
{
    if (timeline->sampling != NULL) return MET_OK;
    id<MTLDevice> device = metal_machine_of(timeline)->device;
    size_t vocab = (size_t)metal_loaded_of(timeline)->program->vocab;
    metal_sampling *sampling = calloc(1, sizeof *sampling);
    if (sampling == NULL) return met_fail_memory(err, "sampling", sizeof *sampling);
    const struct {
        id<MTLBuffer> *place;
        size_t bytes;
        MTLResourceOptions options;
    } wanted[] = {
        {&sampling->ring, RING * sizeof(int32_t), MTLResourceStorageModeShared},
        {&sampling->counts, vocab * sizeof(int32_t), MTLResourceStorageModeShared},
        {&sampling->history, (size_t)timeline->context_length * sizeof(int32_t) + sizeof(int32_t),
         MTLResourceStorageModeShared},
        {&sampling->maxima, MET_METAL_SAMPLE_GROUPS * sizeof(uint64_t),
         MTLResourceStorageModePrivate},
        {&sampling->penalized, vocab * sizeof(float), MTLResourceStorageModePrivate},
        {&sampling->keys, met_metal_sample_keys((int32_t)vocab) * sizeof(uint64_t),
         MTLResourceStorageModePrivate},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        *wanted[i].place = [device newBufferWithLength:wanted[i].bytes options:wanted[i].options];
        if (*wanted[i].place != nil) continue;
        met_metal_sampling_free(sampling);
        return met_metal_fail_memory(err, "sampling", wanted[i].bytes);
    }
    timeline->sampling = sampling;
    return MET_OK;
}

/* ---------------------------------------------------------------- encoding */

static met_metal_sample arguments_of(const metal_run *run, const metal_sampling *sampling)
{
    const met_sampling *o = &sampling->decode.sampling;
    uint64_t draw = sampling->decode.draw(sampling->decode.user);
    return (met_metal_sample){
        .vocab = run->program->vocab,
        .top_k = o->top_k >= run->program->vocab ? 0 : o->top_k,
        .temperature = o->temperature,
        .top_p = o->top_p,
        .repeat_penalty = o->repeat_penalty,
        .presence_penalty = o->presence_penalty,
        .frequency_penalty = o->frequency_penalty,
        .window = o->repeat_last_n > 0 ? o->repeat_last_n : 0,
        .least = (uint64_t)ceil((double)o->min_p * 0x1p40),
        .draw = draw,
        .place = run->position + 1,
    };
}

typedef struct kernel {
    const char *function;
    NSUInteger groups, threads;
    bool penalized_logits; /* reads those, where there are any */
} kernel;

static met_status encode_kernel(metal_run *run, const metal_sampling *sampling, kernel k,
                                const met_metal_sample *arguments, int32_t chosen, met_error *err)
{
    metal_variant variant = {.function = k.function};
    metal_variant_bool(&variant, MET_METAL_FC_PENALIZE, sampling->penalizes);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    /* A kernel that needs many registers takes fewer threads: any multiple of a simdgroup will do
     * for met_sample_draw, and the others are small. */
    NSUInteger most = [pipeline maxTotalThreadsPerThreadgroup] / 32 * 32;
    metal_place logits = {run->timeline->logits, 0};
    if (k.penalized_logits && sampling->penalizes) logits.buffer = sampling->penalized;
    metal_place places[] = {
        logits,
        {sampling->maxima, 0},
        {sampling->counts, 0},
        {sampling->penalized, 0},
        {sampling->history, 0},
        {sampling->ring, (NSUInteger)chosen * sizeof(int32_t)},
        {sampling->keys, 0},
    };
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = arguments,
                                .argument_bytes = sizeof *arguments,
                                .places = places,
                                .place_count = sizeof places / sizeof *places,
                                .groups = MTLSizeMake(k.groups, 1, 1),
                                .threads = k.threads < most ? k.threads : most,
                            });
    met_metal_barrier(run);
    return MET_OK;
}

/* From the logits that the step left to ring[chosen]. */
static met_status encode_choice(metal_run *run, const metal_sampling *sampling, int32_t chosen,
                                met_error *err)
{
    met_metal_sample arguments = arguments_of(run, sampling);
    kernel max = {"met_sample_max", MET_METAL_SAMPLE_GROUPS, MET_METAL_SAMPLE_THREADS, false};
    kernel first = {"met_sample_first", 1, MET_METAL_SAMPLE_GROUPS, true};
    kernel draw = {"met_sample_draw", 1, METAL_DRAW_THREADS, true};
    met_status status = encode_kernel(run, sampling, max, &arguments, chosen, err);
    if (status != MET_OK) return status;
    kernel last = arguments.temperature > 0 ? draw : first;
    return encode_kernel(run, sampling, last, &arguments, chosen, err);
}

/* Commit the next step. */
static met_status commit_step(metal_timeline *timeline, met_error *err)
{
    metal_sampling *sampling = timeline->sampling;
    int32_t index = sampling->committed, position = sampling->decode.position + index, slot = 0;
    met_status status = met_metal_timeline_prepare(timeline, 1, position, 1, err);
    if (status == MET_OK) status = met_metal_slot(timeline, &slot, err);
    if (status != MET_OK) return status;
    metal_run run = met_metal_run_make(timeline, 1, position, 1, slot);
    run.ids = (metal_place){sampling->ring, (NSUInteger)(index % RING) * sizeof(int32_t)};
    status = met_metal_encode_phases(&run, err);
    if (status == MET_OK) {
        status = encode_choice(&run, sampling, (index + 1) % RING, err);
    }
    met_metal_encoder_end(&run);
    if (status != MET_OK) return status;
    [run.buffer commit];
    timeline->flights[slot].buffer = [run.buffer retain];
    sampling->slots[index % METAL_FLIGHTS] = slot;
    sampling->committed++;
    return MET_OK;
}

/* ---------------------------------------------------------------- the calls */

/* What penalties look at: the text by place, and the tokens in the window, counted. */
static void write_text(metal_timeline *timeline)
{
    metal_sampling *sampling = timeline->sampling;
    const met_decode *decode = &sampling->decode;
    size_t vocab = (size_t)metal_loaded_of(timeline)->program->vocab;
    int32_t *counts = [sampling->counts contents], *history = [sampling->history contents];
    int32_t held = decode->position + 1, window = decode->sampling.repeat_last_n;
    memcpy(history, decode->history, (size_t)decode->position * sizeof *history);
    history[decode->position] = decode->token;
    memset(counts, 0, vocab * sizeof *counts);
    for (int32_t i = window > 0 && window < held ? held - window : 0; i < held; i++)
        counts[history[i]]++;
}

met_status met_metal_decode_begin(met_timeline *base, const met_decode *decode, met_error *err)
{
    metal_timeline *timeline = (metal_timeline *)base;
    met_status status = MET_OK;
    @autoreleasepool {
        status = met_metal_drain(timeline, err);
        if (status == MET_OK) status = make(timeline, err);
        if (status == MET_OK) {
            metal_sampling *sampling = timeline->sampling;
            sampling->decode = *decode;
            sampling->penalizes = met_sampling_penalizes(&decode->sampling);
            sampling->committed = sampling->taken = 0;
            ((int32_t *)[sampling->ring contents])[0] = decode->token;
            if (sampling->penalizes) write_text(timeline);
        }
        for (int32_t i = 0; i < DEPTH && i < decode->steps && status == MET_OK; i++)
            status = commit_step(timeline, err);
    }
    return status;
}

met_status met_metal_decode_next(met_timeline *base, met_trace *trace, int32_t *token,
                                 met_error *err)
{
    metal_timeline *timeline = (metal_timeline *)base;
    metal_sampling *sampling = timeline->sampling;
    met_status status = MET_OK;
    @autoreleasepool {
        if (sampling->committed < sampling->decode.steps) status = commit_step(timeline, err);
        if (status == MET_OK) {
            int32_t slot = sampling->slots[sampling->taken % METAL_FLIGHTS];
            met_metal_trace_begin(timeline, trace, 1, sampling->decode.position + sampling->taken,
                                  1);
            status = met_metal_slot_wait(timeline, slot, trace, err);
        }
    }
    if (status != MET_OK) return status;
    sampling->taken++;
    *token = ((const int32_t *)[sampling->ring contents])[sampling->taken % RING];
    return MET_OK;
}

met_status met_metal_decode_end(met_timeline *base, met_error *err)
{
    met_status status = MET_OK;
    @autoreleasepool {
        status = met_metal_drain((metal_timeline *)base, err);
    }
    return status;
}
