/* Owns: how dispatches are encoded, and the phases that are not products. Does not own products
 * (product.m), command buffers (step.m), nor what kernels compute.
 *
 * The invariant: every phase ends with a barrier, so that the next one reads what it wrote. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"

#include <math.h>

id<MTLComputeCommandEncoder> met_metal_encoder(metal_run *run)
{
    if (run->encoder == nil) {
        /* Borrowed from the autorelease pool around the step. */
        run->encoder =
            [run->buffer computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent];
    }
    return run->encoder;
}

void met_metal_encoder_end(metal_run *run)
{
    [run->encoder endEncoding];
    run->encoder = nil;
}

void met_metal_dispatch(metal_run *run, const metal_dispatch *dispatch)
{
    id<MTLComputeCommandEncoder> encoder = met_metal_encoder(run);
    metal_place some = {nil, 0};
    for (size_t i = 0; i < dispatch->place_count && some.buffer == nil; i++)
        some = dispatch->places[i];
    [encoder setComputePipelineState:dispatch->pipeline];
    [encoder setBytes:dispatch->arguments length:dispatch->argument_bytes atIndex:0];
    for (size_t i = 0; i < dispatch->place_count; i++) {
        metal_place place = dispatch->places[i].buffer != nil ? dispatch->places[i] : some;
        [encoder setBuffer:place.buffer offset:place.offset atIndex:i + 1];
    }
    if (dispatch->group_bytes > 0) {
        [encoder setThreadgroupMemoryLength:dispatch->group_bytes atIndex:0];
    }
    [encoder dispatchThreadgroups:dispatch->groups
            threadsPerThreadgroup:MTLSizeMake(dispatch->threads, 1, 1)];
}

void met_metal_barrier(metal_run *run)
{
    [met_metal_encoder(run) memoryBarrierWithScope:MTLBarrierScopeBuffers];
}

metal_place met_metal_activation(const metal_run *run, int32_t index)
{
    const metal_timeline *timeline = run->timeline;
    int32_t source = run->loaded->phases.alias[index];
    if (source != MET_NONE) { /* the last rows of another one */
        metal_place place = met_metal_activation(run, source);
        size_t skip = (size_t)(run->tokens - run->logit_rows);
        size_t cols = (size_t)run->program->activations[source].cols;
        place.offset += skip * cols * sizeof(float);
        return place;
    }
    if (index == run->program->logits) return (metal_place){timeline->logits, 0};
    const met_activation *activation = &run->program->activations[index];
    bool tokens = activation->rows == MET_ROWS_TOKENS;
    size_t rows = (size_t)(tokens ? timeline->step_tokens : timeline->logit_rows);
    return (metal_place){timeline->scratch[activation->rows],
                         (size_t)activation->offset_cols * rows * sizeof(float)};
}

metal_place met_metal_cache(const metal_run *run, int32_t layer)
{
    const met_program *program = run->program;
    uint64_t elements = (uint64_t)layer * (uint64_t)program->kv_heads *
                        met_metal_head_elements(program->head_dim);
    return (metal_place){run->timeline->kv,
                         elements * met_dtype_row_bytes(run->timeline->kv_type, 1)};
}

static met_status encode_embed(metal_run *run, const met_op *op, met_error *err)
{
    const met_weight *weight = &run->program->weights[op->weight[0]];
    metal_variant variant = {.function = "met_embed"};
    metal_variant_int(&variant, MET_METAL_FC_WEIGHT_TYPE, (int32_t)weight->type);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    met_metal_embed arguments = {.cols = weight->cols, .vocab = weight->rows};
    metal_place places[] = {run->loaded->weights[op->weight[0]], run->ids,
                            met_metal_activation(run, op->out[0])};
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = &arguments,
                                .argument_bytes = sizeof arguments,
                                .places = places,
                                .place_count = 3,
                                .groups = MTLSizeMake((NSUInteger)run->tokens, 1, 1),
                                .threads = MET_METAL_EMBED_THREADS,
                            });
    met_metal_barrier(run);
    return MET_OK;
}

static met_status encode_norm(metal_run *run, const met_op *op, met_error *err)
{
    metal_variant variant = {.function = "met_prepare"};
    metal_variant_bool(&variant, MET_METAL_FC_NORM, true);
    metal_variant_bool(&variant, MET_METAL_FC_QUANTIZE, false);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    met_metal_prepare arguments = {.cols = run->program->activations[op->in].cols, .eps = op->eps};
    metal_place places[] = {met_metal_activation(run, op->in), run->loaded->weights[op->weight[0]],
                            met_metal_activation(run, op->out[0])};
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = &arguments,
                                .argument_bytes = sizeof arguments,
                                .places = places,
                                .place_count = 3,
                                .groups = MTLSizeMake((NSUInteger)metal_rows(run, op->in), 1, 1),
                                .threads = MET_METAL_MATVEC_THREADS,
                            });
    met_metal_barrier(run);
    return MET_OK;
}

/* ---------------------------------------------------------------- attention */

static met_metal_attention attention_arguments(const metal_run *run, const met_op *op)
{
    const met_program *program = run->program;
    return (met_metal_attention){
        .tokens = run->tokens,
        .heads = op->heads,
        .kv_heads = program->kv_heads,
        .head_dim = program->head_dim,
        .position = run->position,
        .chunk = met_metal_attention_chunk(program->head_dim, op->heads / program->kv_heads),
        .splits = met_metal_splits(run->position + run->tokens - 1),
        .scale = 1.0f / sqrtf((float)program->head_dim),
        .block_elements = (uint64_t)program->layers * (uint64_t)program->kv_heads *
                          met_metal_head_elements(program->head_dim),
    };
}

/* Partial results of each block of keys, then their merge, for at most MET_METAL_MATVEC_TOKENS
 * tokens: as many as the partial results have room for. */
static met_status encode_split(metal_run *run, met_metal_attention arguments,
                               const metal_place *qco, met_error *err)
{
    metal_variant split = {.function = "met_attention"};
    metal_variant merge = {.function = "met_attention_merge"};
    metal_variant_bool(&split, MET_METAL_FC_KV_F32, run->timeline->kv_type == MET_DTYPE_F32);
    id<MTLComputePipelineState> pipeline = nil, merging = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &split, &pipeline, err);
    if (status == MET_OK && arguments.splits > 1) {
        status = met_metal_pipeline(run->machine->pipelines, &merge, &merging, err);
    }
    if (status != MET_OK) return status;
    metal_place partials = {run->timeline->partials, 0};
    metal_place places[] = {qco[0], qco[1], qco[2], partials};
    int32_t group = arguments.heads / arguments.kv_heads;
    int32_t chunks = (group + arguments.chunk - 1) / arguments.chunk;
    met_metal_dispatch(
        run, &(metal_dispatch){
                 .pipeline = pipeline,
                 .arguments = &arguments,
                 .argument_bytes = sizeof arguments,
                 .places = places,
                 .place_count = 4,
                 .group_bytes = met_metal_attention_bytes(arguments.head_dim, arguments.chunk),
                 .groups = MTLSizeMake((NSUInteger)arguments.splits,
                                       (NSUInteger)(arguments.kv_heads * chunks),
                                       (NSUInteger)arguments.tokens),
                 .threads = MET_METAL_ATTENTION_THREADS,
             });
    met_metal_barrier(run);
    if (arguments.splits == 1) return MET_OK;
    metal_place merged[] = {{nil, 0}, {nil, 0}, qco[2], partials};
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = merging,
                                .arguments = &arguments,
                                .argument_bytes = sizeof arguments,
                                .places = merged,
                                .place_count = 4,
                                .groups = MTLSizeMake((NSUInteger)arguments.heads,
                                                      (NSUInteger)arguments.tokens, 1),
                                .threads = MET_METAL_MERGE_THREADS,
                            });
    met_metal_barrier(run);
    return MET_OK;
}

static met_status encode_tiles(metal_run *run, met_metal_attention arguments,
                               const metal_place *qco, met_error *err)
{
    metal_variant variant = {.function = "met_attention_tiles"};
    metal_variant_bool(&variant, MET_METAL_FC_KV_F32, run->timeline->kv_type == MET_DTYPE_F32);
    metal_variant_int(&variant, MET_METAL_FC_HEAD_DIM, arguments.head_dim);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    NSUInteger tiles = (NSUInteger)(arguments.tokens + MET_METAL_TILE_TOKENS - 1) /
                       MET_METAL_TILE_TOKENS;
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = &arguments,
                                .argument_bytes = sizeof arguments,
                                .places = qco,
                                .place_count = 3,
                                .group_bytes = met_metal_tiles_bytes(arguments.head_dim),
                                .groups = MTLSizeMake(tiles, (NSUInteger)arguments.heads, 1),
                                .threads = MET_METAL_TILE_THREADS,
                            });
    met_metal_barrier(run);
    return MET_OK;
}

static met_status encode_attention(metal_run *run, const met_op *op, met_error *err)
{
    met_metal_attention whole = attention_arguments(run, op);
    metal_place qco[] = {met_metal_activation(run, op->in), met_metal_cache(run, op->layer),
                         met_metal_activation(run, op->out[0])};
    bool tiles = whole.head_dim % 8 == 0 && whole.head_dim <= MET_METAL_TILE_DIM_MAX;
    if (tiles && whole.tokens > MET_METAL_MATVEC_TOKENS) {
        return encode_tiles(run, whole, qco, err);
    }
    size_t row_bytes = (size_t)whole.heads * (size_t)whole.head_dim * sizeof(float);
    met_status status = MET_OK;
    for (int32_t at = 0; at < whole.tokens && status == MET_OK; at += MET_METAL_MATVEC_TOKENS) {
        met_metal_attention part = whole;
        int32_t left = whole.tokens - at;
        part.tokens = left < MET_METAL_MATVEC_TOKENS ? left : MET_METAL_MATVEC_TOKENS;
        part.position = whole.position + at;
        part.splits = met_metal_splits(part.position + part.tokens - 1);
        metal_place rows[] = {qco[0], qco[1], qco[2]};
        rows[0].offset += (size_t)at * row_bytes;
        rows[2].offset += (size_t)at * row_bytes;
        status = encode_split(run, part, rows, err);
    }
    return status;
}

met_status met_metal_encode_phase(metal_run *run, int32_t index, met_error *err)
{
    const metal_phase *phase = &run->loaded->phases.list[index];
    switch (phase->kind) {
    case METAL_PHASE_EMBED: return encode_embed(run, phase->op, err);
    case METAL_PHASE_NORM: return encode_norm(run, phase->op, err);
    case METAL_PHASE_MATMUL: return met_metal_encode_product(run, index, err);
    case METAL_PHASE_SWIGLU: return met_metal_encode_swiglu(run, index, err);
    case METAL_PHASE_ATTENTION: return encode_attention(run, phase->op, err);
    }
    return MET_OK;
}
