/* Inside the Metal machine: its objects, and the pieces that run a step.
 *
 * Objective-C only. A step is one command buffer with one concurrent encoder: a dispatch or two
 * for each phase (phases.h), a memory barrier after each. Command buffers of a timeline run in the
 * order in which they are committed; docs/TENSOR_SYNC.md says what waits for what. Everything is
 * retained and released by hand. */
#ifndef MET_BACKEND_METAL_METAL_H
#define MET_BACKEND_METAL_METAL_H

#include "backend/backend.h"
#include "backend/metal/arguments.h"
#include "backend/metal/phases.h"
#import "backend/metal/pipelines.h"
#include "base/checked.h"

#import <Metal/Metal.h>

enum {
    METAL_STEP_TOKENS_MAX = 512, /* tokens of one step: bounds scratch */
    METAL_FLIGHTS = 4,           /* command buffers of a timeline on their way at once */
    METAL_AHEAD_MAX = 32, /* steps encoded ahead on a machine: half of what a queue gives out */
    METAL_SIZES = MET_METAL_MATVEC_TOKENS + 1, /* products of 1 .. 8 tokens, and of many */
    METAL_VENDOR_TOKENS = 32, /* from here on "vendor" multiplies: as on the CPU */
    METAL_PANEL_ROWS = 512,   /* weights that are widened at a time for it */
    METAL_DRAW_THREADS = 1024, /* of met_sample_draw */
};

typedef struct metal_machine {
    met_machine base;
    id<MTLDevice> device;
    id<MTLCommandQueue> queue;
    metal_pipelines *pipelines;
    met_recorder *recorder; /* borrowed, or NULL */
    int32_t track;          /* of the device */
    bool vendor; /* products of many tokens go to MPS */
    int32_t ahead_count; /* of all timelines, by __atomic: sessions may be on several threads */
    id<MTLBuffer> row_numbers; /* vendor: int32 0 .. METAL_PANEL_ROWS - 1 */
    char name[96];
    char choice[160];
} metal_machine;

/* Where something lies. The buffer is borrowed from whoever owns the memory. */
typedef struct metal_place {
    id<MTLBuffer> buffer;
    NSUInteger offset;
} metal_place;

typedef struct metal_loaded {
    met_loaded base;
    const met_program *program;
    metal_phases phases;
    id<MTLBuffer> *regions; /* [region_count] owned: the weights, in place or copied */
    int32_t region_count;
    uint64_t region_bytes;
    metal_place *weights;   /* [weight_count] */
    double *rope_frequency; /* [head_dim / 2] radians a position */
    met_str *phase_weights; /* [phases] names for the recorder */
    uint64_t weight_bytes[2], weight_macs[2]; /* of all products, by met_rows */
    uint64_t attentions;
} metal_loaded;

/* What a phase cost since profiling began. */
typedef struct metal_phase_time {
    uint64_t calls, bytes, macs;
    double seconds; /* by the device's clock */
} metal_phase_time;

/* A command buffer on its way, and the place of what the host writes for it. */
typedef struct metal_flight {
    id<MTLCommandBuffer> buffer; /* retained; nil: free */
} metal_flight;

/* The next decode step, encoded while the one before it runs; it lacks only its token. */
typedef struct metal_ahead {
    id<MTLCommandBuffer> buffer; /* retained, not committed; nil: none */
    int32_t position;
    int32_t slot;
} metal_ahead;

typedef struct metal_sampling metal_sampling; /* sample.m */

typedef struct metal_timeline {
    met_timeline base;
    int32_t context_length;
    met_dtype kv_type; /* F16 or F32 */

    /* Blocks of MET_METAL_KV_BLOCK positions, see arguments.h; grows by doubling. */
    id<MTLBuffer> kv;
    size_t kv_block_bytes;
    int32_t kv_blocks, kv_blocks_max;
    id<MTLBuffer> partials; /* of attention over kv_blocks blocks, up to 8 tokens */

    int32_t step_tokens; /* rows that the scratch has room for */
    int32_t logit_rows;
    id<MTLBuffer> scratch[2]; /* by met_rows; private */
    id<MTLBuffer> prepared;   /* [step_tokens][max_cols] inputs of products of many tokens */
    id<MTLBuffer> panel;      /* MPS: widened weights, or nil */
    id<MTLBuffer> products;   /* MPS, sums of gate and up: [step_tokens][max_output], or nil */
    id<MTLBuffer> logits;     /* [logit_rows][vocab]; shared */
    id<MTLBuffer> tokens;     /* [METAL_FLIGHTS][step_tokens] int32; shared */
    id<MTLBuffer> rotations;  /* [METAL_FLIGHTS][step_tokens][head_dim / 2] float2; shared */

    id<MTLComputePipelineState> *products_of; /* [phases][METAL_SIZES], nil until needed */
    metal_flight flights[METAL_FLIGHTS];
    int32_t next_slot;
    metal_ahead ahead;
    metal_sampling *sampling; /* NULL: none was asked for */
    metal_phase_time *times;  /* [phases] or NULL: not profiled */
    double device_seconds;    /* of all steps, by the device's clock */
} metal_timeline;

/* A step while it is encoded. */
typedef struct metal_run {
    metal_timeline *timeline;
    const metal_loaded *loaded;
    const met_program *program;
    metal_machine *machine;
    int32_t tokens, position;
    int32_t logit_rows; /* 0, 1 or tokens */
    metal_place ids;    /* of the tokens */
    metal_place rotations;
    id<MTLCommandBuffer> buffer;
    id<MTLComputeCommandEncoder> encoder; /* nil: none is open */
} metal_run;

static inline metal_machine *metal_machine_of(const metal_timeline *timeline)
{
    return (metal_machine *)timeline->base.loaded->machine;
}

static inline const metal_loaded *metal_loaded_of(const metal_timeline *timeline)
{
    return (const metal_loaded *)timeline->base.loaded;
}

/* Rows of an activation in this step. */
static inline int32_t metal_rows(const metal_run *run, int32_t activation)
{
    bool tokens = run->program->activations[activation].rows == MET_ROWS_TOKENS;
    return tokens ? run->tokens : run->logit_rows;
}

/* weights.m: wrap the weights of loaded->program in buffers. MET_E_MEMORY when the device cannot
 * hold them. */
met_status met_metal_weights_open(metal_loaded *loaded, met_error *err);
void met_metal_weights_close(metal_loaded *loaded);

/* timeline.m */
met_status met_metal_timeline_create(met_loaded *loaded, int32_t context_length, met_dtype kv_type,
                                     met_timeline **out, met_error *err);
void met_metal_timeline_free(met_timeline *timeline);
met_status met_metal_timeline_reserve(met_timeline *timeline, int32_t tokens, met_error *err);
met_timeline_memory met_metal_timeline_memory(const met_timeline *timeline);
/* Room for a step of `count` tokens from `position`; on MET_E_MEMORY nothing has changed. */
met_status met_metal_timeline_prepare(metal_timeline *timeline, int32_t count, int32_t position,
                                      int32_t logit_rows, met_error *err);

/* encode.m: the dispatches of a phase. What it writes is visible to what is encoded after it. */
met_status met_metal_encode_phase(metal_run *run, int32_t index, met_error *err);
/* An open encoder of run->buffer, and its end. */
id<MTLComputeCommandEncoder> met_metal_encoder(metal_run *run);
void met_metal_encoder_end(metal_run *run);
/* Encode one dispatch, without a barrier. The bytes of `arguments` go to buffer(0), places[i] to
 * buffer(i + 1); where a place has no buffer, some other one is bound, which the kernel leaves
 * alone. group_bytes: threadgroup(0), 0 for none. */
typedef struct metal_dispatch {
    id<MTLComputePipelineState> pipeline;
    const void *arguments;
    size_t argument_bytes;
    const metal_place *places;
    size_t place_count;
    NSUInteger group_bytes;
    MTLSize groups;
    NSUInteger threads;
} metal_dispatch;
void met_metal_dispatch(metal_run *run, const metal_dispatch *dispatch);
/* What was encoded before is done and visible to what is encoded after. */
void met_metal_barrier(metal_run *run);
/* Where an activation's row 0 is in this step. */
metal_place met_metal_activation(const metal_run *run, int32_t index);
/* The keys and values of a layer in block 0. */
metal_place met_metal_cache(const metal_run *run, int32_t layer);

/* product.m */
met_status met_metal_encode_product(metal_run *run, int32_t index, met_error *err);
/* Gate and up of different types, whose sums are there. */
met_status met_metal_encode_swiglu(metal_run *run, int32_t index, met_error *err);
/* Compile the products that steps of 1 token and of many need. */
met_status met_metal_products_prepare(metal_timeline *timeline, met_error *err);

/* mps.m: products by Metal Performance Shaders. */
bool met_metal_mps_available(id<MTLDevice> device);
/* out = x . weight^T, float [tokens][rows] at `out`. Ends the open encoder. */
met_status met_metal_mps_product(metal_run *run, int32_t weight, metal_place x, metal_place out,
                                 int32_t tokens, met_error *err);

/* step.m */
met_status met_metal_step(met_timeline *timeline, const met_step *step, const float **logits,
                          met_error *err);
/* A slot whose last command buffer is done. MET_E_DEVICE when that failed. */
met_status met_metal_slot(metal_timeline *timeline, int32_t *slot, met_error *err);
/* Wait for the command buffer of a slot, if there is one. `trace` may be NULL. */
met_status met_metal_slot_wait(metal_timeline *timeline, int32_t slot, met_trace *trace,
                               met_error *err);
/* Forget what was encoded ahead: the buffers that it uses are about to change. */
void met_metal_ahead_drop(metal_timeline *timeline);
/* Wait for everything on its way; what was encoded ahead is dropped. */
met_status met_metal_drain(metal_timeline *timeline, met_error *err);
/* Encode every phase of a step; the last encoder stays open. */
met_status met_metal_encode_phases(metal_run *run, met_error *err);
/* Fill in a run of `tokens` tokens at `position`, with the host's part of slot `slot`. */
metal_run met_metal_run_make(metal_timeline *timeline, int32_t tokens, int32_t position,
                             int32_t logit_rows, int32_t slot);

/* sample.m */
met_status met_metal_decode_begin(met_timeline *timeline, const met_decode *decode, met_error *err);
met_status met_metal_decode_next(met_timeline *timeline, met_trace *trace, int32_t *token,
                                 met_error *err);
met_status met_metal_decode_end(met_timeline *timeline, met_error *err);
void met_metal_sampling_free(metal_sampling *sampling); /* accepts NULL */

/* profile.m */
/* What a phase reads of weights and cache in a step, and its multiply-adds. */
typedef struct metal_cost {
    uint64_t tokens, bytes, macs;
} metal_cost;
void met_metal_profile_load(metal_loaded *loaded);
/* Fill in the totals of a step of `tokens` tokens at `position`. `trace` may be NULL. */
void met_metal_trace_begin(const metal_timeline *timeline, met_trace *trace, int32_t tokens,
                           int32_t position, int32_t logit_rows);
/* A command buffer that is done, on the device's track. `trace` may be NULL. */
void met_metal_trace_buffer(const metal_timeline *timeline, const met_trace *trace,
                            const met_event *op, id<MTLCommandBuffer> buffer);
met_status met_metal_profile(met_timeline *timeline, bool on, met_error *err);
size_t met_metal_op_times(const met_timeline *timeline, met_op_time *out, size_t capacity);
/* A step with a command buffer for each phase, timed. */
met_status met_metal_profiled_step(metal_run *run, met_trace *trace, met_error *err);

/* measure.m */
met_status met_metal_measure(met_machine *machine, met_dtype weight_type, met_ceilings *out,
                             met_error *err);

#endif
