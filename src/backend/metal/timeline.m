/* Owns: the memory of a timeline: KV cache and scratch. Does not own what runs in it.
 *
 * The cache grows by doubling, in whole blocks of positions, and its contents are copied by the
 * device in the order of the steps; scratch grows by doubling with the longest step and keeps
 * nothing. The invariant: after met_metal_timeline_prepare succeeds, the step it was called for
 * cannot run out of memory. Command buffers on their way keep the buffers that they use. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/error.h"

#include <assert.h>
#include <stdlib.h>

enum { FIRST_BLOCKS = 2 };

/* Bytes of everything that grows with the length of a step. */
typedef struct scratch_bytes {
    size_t rows[2]; /* by met_rows */
    size_t prepared, panel, products, logits, tokens, rotations;
} scratch_bytes;

static size_t at_least_one(size_t bytes)
{
    return bytes == 0 ? 4 : bytes; /* Metal has no empty buffers */
}

/* Columns of the activations with rows of logits, but the logits: they have their own buffer. */
static size_t logit_scratch_cols(const met_program *program)
{
    size_t cols = 0;
    for (int32_t i = 0; i < program->activation_count; i++) {
        const met_activation *activation = &program->activations[i];
        if (activation->rows != MET_ROWS_LOGITS || i == program->logits) continue;
        size_t end = (size_t)activation->offset_cols + (size_t)activation->cols;
        if (end > cols) cols = end;
    }
    return cols;
}

static scratch_bytes plan_scratch(const metal_timeline *timeline, size_t tokens, size_t logit_rows)
{
    const metal_loaded *loaded = metal_loaded_of(timeline);
    const met_program *program = loaded->program;
    bool vendor = metal_machine_of(timeline)->vendor;
    bool sums = vendor || loaded->phases.leaves_sums;
    size_t half = (size_t)program->head_dim / 2;
    size_t cols = (size_t)loaded->phases.max_cols, outputs = (size_t)loaded->phases.max_output;
    size_t token_cols = (size_t)program->scratch_cols[MET_ROWS_TOKENS];
    return (scratch_bytes){
        .rows[MET_ROWS_TOKENS] = at_least_one(token_cols * tokens * sizeof(float)),
        .rows[MET_ROWS_LOGITS] =
            at_least_one(logit_scratch_cols(program) * logit_rows * sizeof(float)),
        .prepared = at_least_one(cols * tokens * sizeof(float)),
        .panel = vendor ? METAL_PANEL_ROWS * cols * sizeof(float) : 0,
        .products = sums ? at_least_one(outputs * tokens * sizeof(float)) : 0,
        .logits = (size_t)program->vocab * logit_rows * sizeof(float),
        .tokens = METAL_FLIGHTS * tokens * sizeof(int32_t),
        .rotations = at_least_one(METAL_FLIGHTS * tokens * half * 2 * sizeof(float)),
    };
}

static uint64_t sum_scratch(const scratch_bytes *bytes)
{
    return (uint64_t)bytes->rows[0] + bytes->rows[1] + bytes->prepared + bytes->panel +
           bytes->products + bytes->logits + bytes->tokens + bytes->rotations;
}

/* A buffer in place of *place, which is released; on failure nothing changes. bytes 0: none. */
typedef struct wanted_buffer {
    id<MTLBuffer> *place;
    size_t bytes;
    MTLResourceOptions options;
    const char *label;
} wanted_buffer;

static met_status replace_buffers(metal_machine *machine, const wanted_buffer *wanted, size_t count,
                                  met_error *err)
{
    enum { MOST = 8 };
    id<MTLBuffer> made[MOST] = {nil};
    assert(count <= MOST);
    for (size_t i = 0; i < count; i++) {
        if (wanted[i].bytes == 0) continue;
        if (wanted[i].bytes <= [machine->device maxBufferLength]) {
            made[i] = [machine->device newBufferWithLength:wanted[i].bytes
                                                   options:wanted[i].options];
        }
        if (made[i] == nil) {
            for (size_t j = 0; j < i; j++)
                [made[j] release];
            return met_metal_fail_memory(err, wanted[i].label, wanted[i].bytes);
        }
        [made[i] setLabel:[NSString stringWithUTF8String:wanted[i].label]];
    }
    for (size_t i = 0; i < count; i++) {
        [*wanted[i].place release];
        *wanted[i].place = made[i];
    }
    return MET_OK;
}

/* Make room for longer steps, by doubling. What the host wrote for steps on their way would be
 * lost: they are waited for. */
static met_status grow_scratch(metal_timeline *timeline, int32_t step_tokens, int32_t logit_rows,
                               met_error *err)
{
    int32_t tokens = 1;
    while (tokens < step_tokens)
        tokens *= 2;
    if (tokens <= timeline->step_tokens && logit_rows <= timeline->logit_rows) return MET_OK;
    if (tokens < timeline->step_tokens) tokens = timeline->step_tokens;
    if (logit_rows < timeline->logit_rows) logit_rows = timeline->logit_rows;
    met_status status = met_metal_drain(timeline, err);
    if (status != MET_OK) return status;
    scratch_bytes bytes = plan_scratch(timeline, (size_t)tokens, (size_t)logit_rows);
    const MTLResourceOptions here = MTLResourceStorageModePrivate;
    const MTLResourceOptions both = MTLResourceStorageModeShared;
    const wanted_buffer wanted[] = {
        {&timeline->scratch[MET_ROWS_TOKENS], bytes.rows[MET_ROWS_TOKENS], here, "scratch"},
        {&timeline->scratch[MET_ROWS_LOGITS], bytes.rows[MET_ROWS_LOGITS], here, "last rows"},
        {&timeline->prepared, bytes.prepared, here, "prepared"},
        {&timeline->panel, bytes.panel, here, "panel"},
        {&timeline->products, bytes.products, here, "products"},
        {&timeline->logits, bytes.logits, both, "logits"},
        {&timeline->tokens, bytes.tokens, both, "tokens"},
        {&timeline->rotations, bytes.rotations, both, "rotations"},
    };
    status = replace_buffers(metal_machine_of(timeline), wanted, sizeof wanted / sizeof *wanted,
                             err);
    if (status != MET_OK) return status;
    timeline->step_tokens = tokens;
    timeline->logit_rows = logit_rows;
    return MET_OK;
}

/* ---------------------------------------------------------------- the cache */

static size_t partial_bytes(const metal_timeline *timeline, int32_t blocks)
{
    const met_program *program = metal_loaded_of(timeline)->program;
    uint64_t floats = met_metal_partial_floats(MET_METAL_MATVEC_TOKENS, program->heads,
                                               program->head_dim, blocks);
    return at_least_one((size_t)floats * sizeof(float));
}

/* Let the device copy the old cache after all steps that wrote it. The queue keeps the order. */
static void copy_cache(metal_timeline *timeline, id<MTLBuffer> from, size_t bytes)
{
    id<MTLCommandBuffer> buffer = [metal_machine_of(timeline)->queue commandBuffer];
    [buffer setLabel:@"cache grows"];
    id<MTLBlitCommandEncoder> encoder = [buffer blitCommandEncoder];
    [encoder copyFromBuffer:from
               sourceOffset:0
                   toBuffer:timeline->kv
          destinationOffset:0
                       size:bytes];
    [encoder endEncoding];
    [buffer commit];
}

static met_status grow_cache(metal_timeline *timeline, int32_t positions, met_error *err)
{
    int32_t needed = (positions + MET_METAL_KV_BLOCK - 1) / MET_METAL_KV_BLOCK;
    if (needed <= timeline->kv_blocks) return MET_OK;
    int32_t blocks = timeline->kv_blocks < FIRST_BLOCKS ? FIRST_BLOCKS : timeline->kv_blocks;
    while (blocks < needed)
        blocks *= 2;
    if (blocks > timeline->kv_blocks_max) blocks = timeline->kv_blocks_max;
    met_metal_ahead_drop(timeline);
    id<MTLBuffer> old = [timeline->kv retain];
    const wanted_buffer wanted[] = {
        {&timeline->kv, (size_t)blocks * timeline->kv_block_bytes, MTLResourceStorageModePrivate,
         "KV cache"},
        {&timeline->partials, partial_bytes(timeline, blocks), MTLResourceStorageModePrivate,
         "attention scratch"},
    };
    met_status status = replace_buffers(metal_machine_of(timeline), wanted, 2, err);
    if (status == MET_OK) {
        if (old != nil) {
            copy_cache(timeline, old, (size_t)timeline->kv_blocks * timeline->kv_block_bytes);
        }
        timeline->kv_blocks = blocks;
    }
    [old release];
    return status;
}

met_status met_metal_timeline_prepare(metal_timeline *timeline, int32_t count, int32_t position,
                                      int32_t logit_rows, met_error *err)
{
    met_status status = grow_scratch(timeline, count, logit_rows, err);
    return status != MET_OK ? status : grow_cache(timeline, position + count, err);
}

/* ---------------------------------------------------------------- the plan */

/* At full context, of the longest step with logits for one token. */
static uint64_t scratch_bytes_most(const metal_timeline *timeline)
{
    size_t tokens = METAL_STEP_TOKENS_MAX;
    if ((size_t)timeline->context_length < tokens) tokens = (size_t)timeline->context_length;
    scratch_bytes scratch = plan_scratch(timeline, tokens, 1);
    return sum_scratch(&scratch) + partial_bytes(timeline, timeline->kv_blocks_max);
}

/* Refuse what the device can never hold, before anything is taken. */
static met_status check_plan(const metal_timeline *timeline, met_error *err)
{
    id<MTLDevice> device = metal_machine_of(timeline)->device;
    uint64_t kv = (uint64_t)timeline->kv_blocks_max * timeline->kv_block_bytes;
    uint64_t work = scratch_bytes_most(timeline);
    uint64_t most = [device recommendedMaxWorkingSetSize], used = [device currentAllocatedSize];
    if (kv > [device maxBufferLength]) {
        return met_fail(err, MET_E_MEMORY,
                        "session: %d tokens of context need a buffer of %llu bytes for the KV "
                        "cache, this device allows %llu",
                        timeline->context_length, (unsigned long long)kv,
                        (unsigned long long)[device maxBufferLength]);
    }
    if (most == 0 || used + kv + work <= most) return MET_OK;
    return met_fail(err, MET_E_MEMORY,
                    "session: %d tokens of context need %llu bytes of KV cache and %llu bytes of "
                    "scratch, this device recommends at most %llu, of which %llu are taken",
                    timeline->context_length, (unsigned long long)kv, (unsigned long long)work,
                    (unsigned long long)most, (unsigned long long)used);
}

static met_status plan_cache(metal_timeline *timeline, met_error *err)
{
    const met_program *program = metal_loaded_of(timeline)->program;
    size_t heads = (size_t)program->layers * (size_t)program->kv_heads, bytes = 0;
    timeline->kv_blocks_max =
        (timeline->context_length + MET_METAL_KV_BLOCK - 1) / MET_METAL_KV_BLOCK;
    timeline->kv_block_bytes = heads * met_metal_head_elements(program->head_dim) *
                               met_dtype_row_bytes(timeline->kv_type, 1);
    if (met_mul_size((size_t)timeline->kv_blocks_max, timeline->kv_block_bytes, &bytes)) {
        return check_plan(timeline, err);
    }
    return met_fail(err, MET_E_MEMORY,
                    "session: %d tokens of context overflow the address space",
                    timeline->context_length);
}

static met_status create(metal_timeline *timeline, met_error *err)
{
    size_t phases = (size_t)metal_loaded_of(timeline)->phases.count;
    timeline->products_of = calloc(phases * METAL_SIZES + 1, sizeof *timeline->products_of);
    if (timeline->products_of == NULL) return met_fail_memory(err, "session", phases);
    met_status status = plan_cache(timeline, err);
    if (status == MET_OK) status = met_metal_timeline_prepare(timeline, 1, 0, 1, err);
    if (status == MET_OK) status = met_metal_products_prepare(timeline, err);
    return status;
}

met_status met_metal_timeline_create(met_loaded *base, int32_t context_length, met_dtype kv_type,
                                     met_timeline **out, met_error *err)
{
    assert(kv_type == MET_DTYPE_F16 || kv_type == MET_DTYPE_F32);
    met_status status = MET_OK;
    *out = NULL;
    metal_timeline *timeline = calloc(1, sizeof *timeline);
    if (timeline == NULL) return met_fail_memory(err, "session", sizeof *timeline);
    timeline->base.loaded = base;
    timeline->context_length = context_length;
    timeline->kv_type = kv_type;
    @autoreleasepool {
        status = create(timeline, err);
    }
    if (status != MET_OK) {
        met_metal_timeline_free(&timeline->base);
        return status;
    }
    *out = &timeline->base;
    return MET_OK;
}

void met_metal_timeline_free(met_timeline *base)
{
    if (base == NULL) return;
    metal_timeline *timeline = (metal_timeline *)base;
    @autoreleasepool {
        (void)met_metal_drain(timeline, NULL); /* nobody is left to hear of a failure */
    }
    met_metal_sampling_free(timeline->sampling);
    id<MTLBuffer> owned[] = {timeline->kv,       timeline->partials, timeline->scratch[0],
                             timeline->scratch[1], timeline->prepared, timeline->panel,
                             timeline->products, timeline->logits,   timeline->tokens,
                             timeline->rotations};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        [owned[i] release];
    free(timeline->products_of);
    free(timeline->times);
    free(timeline);
}

met_status met_metal_timeline_reserve(met_timeline *base, int32_t tokens, met_error *err)
{
    met_status status;
    @autoreleasepool {
        status = grow_scratch((metal_timeline *)base, tokens, tokens, err);
    }
    return status;
}

met_timeline_memory met_metal_timeline_memory(const met_timeline *base)
{
    const metal_timeline *timeline = (const metal_timeline *)base;
    scratch_bytes scratch =
        plan_scratch(timeline, (size_t)timeline->step_tokens, (size_t)timeline->logit_rows);
    return (met_timeline_memory){
        .kv_bytes = (uint64_t)timeline->kv_blocks * timeline->kv_block_bytes,
        .scratch_bytes = sum_scratch(&scratch) + partial_bytes(timeline, timeline->kv_blocks),
        .kv_bytes_max = (uint64_t)timeline->kv_blocks_max * timeline->kv_block_bytes,
        .scratch_bytes_max = scratch_bytes_most(timeline),
    }; /* gpu_bytes stay 0: the device has the processor's memory */
}
