/* Owns: which kernel multiplies, and what it is given. Does not own the vendor's products (mps.m).
 *
 * The invariant: up to MET_METAL_MATVEC_TOKENS tokens go to one kernel that normalises, rounds,
 * multiplies and finishes; more are prepared by a dispatch of their own. */
#import "backend/metal/metal.h"

#include "base/error.h"

enum {
    FEW_GROUPS = 128 /* threadgroups below which a simdgroup takes one pair of rows, not two */
};

/* The weight of a phase's part. */
static const met_weight *phase_weight(const met_program *program, const metal_phase *phase,
                                      int32_t part)
{
    return &program->weights[phase->op->weight[phase->weight[part]]];
}

static bool is_quantized(const metal_run *run, const metal_phase *phase)
{
    return phase_weight(run->program, phase, 0)->type == MET_DTYPE_Q8_0;
}

static met_metal_product product_arguments(const met_program *program, const metal_phase *phase,
                                           int32_t tokens, int32_t position)
{
    const met_op *op = phase->op;
    met_metal_product arguments = {
        .parts = phase->weights,
        .cols = program->activations[op->in].cols,
        .tokens = tokens,
        .residual = op->residual != MET_NONE,
        .eps = phase->norm != NULL ? phase->norm->eps : 0,
        .head_dim = program->head_dim,
        .position = position,
        .block_elements = (uint64_t)program->layers * (uint64_t)program->kv_heads *
                          met_metal_head_elements(program->head_dim),
    };
    if (tokens <= MET_METAL_MATVEC_TOKENS) {
        arguments.tile_cols = met_metal_matvec_tile(arguments.cols, tokens);
    }
    for (int32_t i = 0; i < phase->weights; i++) {
        int32_t of_op = phase->weight[i];
        bool cached = phase->append != NULL && of_op > 0;
        arguments.part[i] = (met_metal_part){
            .rows = phase_weight(program, phase, i)->rows,
            .kind = !cached      ? MET_METAL_PART_ROWS
                    : of_op == 1 ? MET_METAL_PART_KEYS
                                 : MET_METAL_PART_VALUES,
            .rotate = phase->rotate[of_op],
            .bias = op->bias[of_op] != MET_NONE && !phase->leaves_sums,
        };
    }
    return arguments;
}

/* Rows of a simdgroup share the reading of x; but first every core gets work. */
static int32_t choose_pairs(const met_metal_product *arguments, bool swiglu)
{
    return met_metal_matvec_groups(arguments, swiglu, 2) >= FEW_GROUPS ? 2 : 1;
}

/* The pipeline of a product of `tokens` tokens, kept beside its phase. */
static met_status find_pipeline(metal_timeline *timeline, int32_t index,
                                const met_metal_product *arguments,
                                id<MTLComputePipelineState> *out, met_error *err)
{
    const metal_loaded *loaded = metal_loaded_of(timeline);
    const metal_phase *phase = &loaded->phases.list[index];
    bool few = arguments->tokens <= MET_METAL_MATVEC_TOKENS;
    int32_t size = few ? arguments->tokens - 1 : METAL_SIZES - 1;
    id<MTLComputePipelineState> *kept = &timeline->products_of[index * METAL_SIZES + size];
    met_status status = MET_OK;
    if (*kept == nil) {
        bool kv_f32 = phase->append != NULL && timeline->kv_type == MET_DTYPE_F32;
        metal_variant variant = {.function = few ? "met_matvec" : "met_matmul"};
        metal_variant_int(&variant, MET_METAL_FC_WEIGHT_TYPE,
                          (int32_t)phase_weight(loaded->program, phase, 0)->type);
        metal_variant_bool(&variant, MET_METAL_FC_SWIGLU, metal_phase_swiglu(phase));
        metal_variant_bool(&variant, MET_METAL_FC_KV_F32, kv_f32);
        if (few) {
            metal_variant_int(&variant, MET_METAL_FC_TOKENS, arguments->tokens);
            metal_variant_int(&variant, MET_METAL_FC_PAIRS,
                              choose_pairs(arguments, metal_phase_swiglu(phase)));
            metal_variant_bool(&variant, MET_METAL_FC_NORM, phase->norm != NULL);
        }
        status = met_metal_pipeline(metal_machine_of(timeline)->pipelines, &variant, kept, err);
    }
    *out = *kept;
    return status;
}

met_status met_metal_products_prepare(metal_timeline *timeline, met_error *err)
{
    const metal_loaded *loaded = metal_loaded_of(timeline);
    for (int32_t i = 0; i < loaded->phases.count; i++) {
        const metal_phase *phase = &loaded->phases.list[i];
        if (phase->kind != METAL_PHASE_MATMUL) continue;
        const int32_t sizes[] = {1, METAL_STEP_TOKENS_MAX};
        for (size_t s = 0; s < 2; s++) {
            met_metal_product arguments = product_arguments(loaded->program, phase, sizes[s], 0);
            id<MTLComputePipelineState> unused = nil;
            met_status status = find_pipeline(timeline, i, &arguments, &unused, err);
            if (status != MET_OK) return status;
        }
    }
    return MET_OK;
}

/* ---------------------------------------------------------------- encoding */

enum { PLACES = MET_METAL_AT_KV };

/* Where a phase leaves the sums of gate (0) or up (1) for the phase that takes them together. */
static metal_place sums_place(const metal_run *run, const metal_phase *phase, int32_t of_op)
{
    const met_op *op = phase->op;
    size_t gate = (size_t)run->program->weights[op->weight[0]].rows;
    size_t tokens = (size_t)metal_rows(run, op->in);
    return (metal_place){run->timeline->products, of_op == 0 ? 0 : gate * tokens * sizeof(float)};
}

/* Everything that the kernels of a product are bound to; x is to be filled in. */
static void bind(const metal_run *run, const metal_phase *phase, metal_place places[PLACES])
{
    const met_op *op = phase->op;
    const metal_place *weights = run->loaded->weights;
    for (int32_t i = 0; i < PLACES; i++)
        places[i] = (metal_place){nil, 0};
    if (phase->norm != NULL) places[MET_METAL_AT_NORM - 1] = weights[phase->norm->weight[0]];
    for (int32_t i = 0; i < phase->weights; i++) {
        int32_t of_op = phase->weight[i], bias = op->bias[of_op], out = op->out[of_op];
        bool cached = phase->append != NULL && of_op > 0;
        places[MET_METAL_AT_WEIGHT - 1 + i] = weights[op->weight[of_op]];
        if (bias != MET_NONE) places[MET_METAL_AT_BIAS - 1 + i] = weights[bias];
        if (phase->leaves_sums) {
            places[MET_METAL_AT_OUT - 1 + i] = sums_place(run, phase, of_op);
        } else if (out != MET_NONE && !cached) {
            places[MET_METAL_AT_OUT - 1 + i] = met_metal_activation(run, out);
        }
    }
    if (op->residual != MET_NONE) {
        places[MET_METAL_AT_RESIDUAL - 1] = met_metal_activation(run, op->residual);
    }
    places[MET_METAL_AT_ROTATION - 1] = run->rotations;
    if (phase->append != NULL) {
        places[MET_METAL_AT_KV - 1] = met_metal_cache(run, phase->append->layer);
    }
}

/* The input of a product of many tokens: normalised, and rounded for Q8_0 weights. Where there is
 * nothing to do it is the activation itself. */
static met_status prepare_input(metal_run *run, const metal_phase *phase, int32_t tokens,
                                metal_place *x, met_error *err)
{
    const met_op *source = phase->norm != NULL ? phase->norm : phase->op;
    bool quantize = is_quantized(run, phase);
    *x = met_metal_activation(run, source->in);
    if (phase->norm == NULL && !quantize) return MET_OK;
    metal_variant variant = {.function = "met_prepare"};
    metal_variant_bool(&variant, MET_METAL_FC_NORM, phase->norm != NULL);
    metal_variant_bool(&variant, MET_METAL_FC_QUANTIZE, quantize);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    met_metal_prepare arguments = {.cols = run->program->activations[source->in].cols,
                                   .eps = phase->norm != NULL ? phase->norm->eps : 0};
    metal_place norm = {nil, 0}, prepared = {run->timeline->prepared, 0};
    if (phase->norm != NULL) norm = run->loaded->weights[phase->norm->weight[0]];
    metal_place places[] = {*x, norm, prepared};
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = &arguments,
                                .argument_bytes = sizeof arguments,
                                .places = places,
                                .place_count = 3,
                                .groups = MTLSizeMake((NSUInteger)tokens, 1, 1),
                                .threads = MET_METAL_MATVEC_THREADS,
                            });
    met_metal_barrier(run);
    *x = prepared;
    return MET_OK;
}

/* What ends a product whose sums are there already, in place of its weights. */
static met_status encode_finish(metal_run *run, const metal_phase *phase,
                                const met_metal_product *arguments,
                                const metal_place places[PLACES], met_error *err)
{
    bool swiglu = metal_phase_swiglu(phase);
    metal_variant variant = {.function = "met_finish"};
    metal_variant_bool(&variant, MET_METAL_FC_SWIGLU, swiglu);
    metal_variant_bool(&variant, MET_METAL_FC_KV_F32,
                       phase->append != NULL && run->timeline->kv_type == MET_DTYPE_F32);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    NSUInteger groups = (NSUInteger)met_metal_finish_groups(arguments, swiglu);
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = arguments,
                                .argument_bytes = sizeof *arguments,
                                .places = places,
                                .place_count = PLACES,
                                .groups = MTLSizeMake(groups, (NSUInteger)arguments->tokens, 1),
                                .threads = MET_METAL_FINISH_THREADS,
                            });
    met_metal_barrier(run);
    return MET_OK;
}

/* The vendor multiplies; a dispatch of ours does what ends a product. */
static met_status encode_vendor(metal_run *run, const metal_phase *phase,
                                const met_metal_product *arguments, metal_place places[PLACES],
                                met_error *err)
{
    const met_op *op = phase->op;
    bool plain = phase->leaves_sums ||
                 (op->weights == 1 && op->bias[0] == MET_NONE && op->residual == MET_NONE);
    metal_place product = {run->timeline->products, 0};
    for (int32_t i = 0; i < phase->weights; i++) {
        metal_place out = plain ? places[MET_METAL_AT_OUT - 1] : product;
        met_status status =
            met_metal_mps_product(run, op->weight[phase->weight[i]], places[MET_METAL_AT_X - 1],
                                  out, arguments->tokens, err);
        if (status != MET_OK) return status;
        places[MET_METAL_AT_WEIGHT - 1 + i] = product;
        product.offset += (size_t)arguments->part[i].rows * (size_t)arguments->tokens * 4;
    }
    return plain ? MET_OK : encode_finish(run, phase, arguments, places, err);
}

met_status met_metal_encode_swiglu(metal_run *run, int32_t index, met_error *err)
{
    const metal_phase *phase = &run->loaded->phases.list[index];
    met_metal_product arguments =
        product_arguments(run->program, phase, metal_rows(run, phase->op->in), run->position);
    metal_place places[PLACES];
    bind(run, phase, places);
    for (int32_t i = 0; i < phase->weights; i++)
        places[MET_METAL_AT_WEIGHT - 1 + i] = sums_place(run, phase, i);
    return encode_finish(run, phase, &arguments, places, err);
}

met_status met_metal_encode_product(metal_run *run, int32_t index, met_error *err)
{
    const metal_phase *phase = &run->loaded->phases.list[index];
    const met_op *op = phase->op;
    bool swiglu = metal_phase_swiglu(phase);
    int32_t tokens = metal_rows(run, op->in);
    bool few = tokens <= MET_METAL_MATVEC_TOKENS;
    met_metal_product arguments =
        product_arguments(run->program, phase, tokens, run->position);
    metal_place places[PLACES];
    bind(run, phase, places);
    metal_place *x = &places[MET_METAL_AT_X - 1];
    met_status status = MET_OK;
    if (few) {
        *x = met_metal_activation(run, phase->norm != NULL ? phase->norm->in : op->in);
    } else {
        status = prepare_input(run, phase, tokens, x, err);
    }
    if (status == MET_OK && run->machine->vendor && tokens >= METAL_VENDOR_TOKENS) {
        return encode_vendor(run, phase, &arguments, places, err);
    }
    id<MTLComputePipelineState> pipeline = nil;
    if (status == MET_OK) status = find_pipeline(run->timeline, index, &arguments, &pipeline, err);
    if (status != MET_OK) return status;
    metal_dispatch dispatch = {
        .pipeline = pipeline,
        .arguments = &arguments,
        .argument_bytes = sizeof arguments,
        .places = places,
        .place_count = PLACES,
    };
    if (few) {
        int32_t pairs = choose_pairs(&arguments, swiglu);
        dispatch.group_bytes = met_metal_matvec_bytes(arguments.cols, tokens);
        dispatch.groups = MTLSizeMake(
            (NSUInteger)met_metal_matvec_groups(&arguments, swiglu, pairs), 1, 1);
        dispatch.threads = MET_METAL_MATVEC_THREADS;
    } else {
        NSUInteger rows = (NSUInteger)met_metal_matmul_groups(&arguments, swiglu);
        NSUInteger tiles =
            (NSUInteger)(tokens + MET_METAL_MATMUL_TOKENS - 1) / MET_METAL_MATMUL_TOKENS;
        dispatch.group_bytes = MET_METAL_MATMUL_BYTES;
        dispatch.groups = MTLSizeMake(rows, tiles, 1);
        dispatch.threads = MET_METAL_MATMUL_THREADS;
    }
    met_metal_dispatch(run, &dispatch);
    met_metal_barrier(run);
    return MET_OK;
}
