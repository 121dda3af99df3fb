/* What the tests of whole models on the Metal machine share: models, runs on a machine, distances. */
#ifndef MET_TESTS_METAL_MODEL_H
#define MET_TESTS_METAL_MODEL_H

#include "backend/backend.h"
#include "base/checked.h"
#include "support/tiny_model.h"

#include <math.h>

/* Shapes that reach each kernel: tiles of attention (head_dim a multiple of 8) and its fallback,
 * groups of several sizes, rows and columns that fill no tile. */
static const test_shape metal_shapes[] = {
    {.name = "f32, head 64", .type = "f32", .layers = 2, .heads = 4, .kv_heads = 2, .head_dim = 64,
     .ffn = 300, .vocab = 301, .untied = true},
    {.name = "f16, head 10", .type = "f16", .layers = 2, .heads = 6, .kv_heads = 2, .head_dim = 10,
     .ffn = 70, .vocab = 301},
    {.name = "f16, head 128", .type = "f16", .layers = 2, .heads = 3, .kv_heads = 1,
     .head_dim = 128, .ffn = 96, .vocab = 67},
    {.name = "q8_0, head 64", .type = "q8_0", .layers = 2, .heads = 7, .kv_heads = 1,
     .head_dim = 64, .ffn = 160, .vocab = 301},
    {.name = "q8_0, head 32", .type = "q8_0", .layers = 3, .heads = 4, .kv_heads = 4,
     .head_dim = 32, .ffn = 96, .vocab = 130, .untied = true},
    /* Weights of two types share an input, then of three; gate and up in both orders. */
    {.name = "f16 with q8_0", .type = "f16", .layers = 2, .heads = 4, .kv_heads = 2,
     .head_dim = 32, .ffn = 96, .vocab = 130,
     .other = {{"attn_k", "q8_0"}, {"ffn_gate", "q8_0"}}},
    {.name = "three types", .type = "q8_0", .layers = 2, .heads = 2, .kv_heads = 1, .head_dim = 32,
     .ffn = 160, .vocab = 67, .untied = true,
     .other = {{"attn_q", "f32"}, {"attn_k", "f16"}, {"ffn_up", "f32"}, {"ffn_down", "f16"}}},
};
enum { METAL_SHAPES = sizeof metal_shapes / sizeof *metal_shapes };

static inline void metal_model_make(test_model *model, const test_shape *shape)
{
    test_model_make(model, shape);
    model->program.pages = met_mapping_data(model->mapping);
    model->program.page_bytes =
        met_align_up(met_mapping_bytes(model->mapping), MET_MAPPING_ALIGN);
}

static inline met_machine *metal_open(const char *matmul)
{
    met_error err = {0};
    met_machine *machine = NULL;
    struct met_machine_options options = {.matmul = matmul};
    assert_ok(met_metal_machine_open(&options, &machine, &err));
    return machine;
}

static inline met_machine *metal_open_cpu(void)
{
    met_error err = {0};
    met_machine *machine = NULL;
    struct met_machine_options options = {.isa = "scalar", .threads = 1};
    assert_ok(met_cpu_machine_open(&options, &machine, &err));
    return machine;
}

static inline void metal_tokens(const met_program *program, int32_t *tokens, int32_t count)
{
    uint64_t seed = 3;
    for (int32_t i = 0; i < count; i++)
        tokens[i] = (int32_t)(test_random(&seed) % (uint64_t)program->vocab);
}

/* Logits of `count` positions from 0 on, in steps of the given sizes (the last repeats). */
static inline float *metal_run(met_machine *machine, const met_program *program, met_dtype kv_type,
                               int32_t count, const int32_t *sizes, int32_t size_count)
{
    met_error err = {0};
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    size_t vocab = (size_t)program->vocab;
    int32_t *tokens = malloc((size_t)count * sizeof *tokens);
    float *logits = malloc((size_t)count * vocab * sizeof *logits);
    metal_tokens(program, tokens, count);
    assert_ok(machine->ops->load(machine, program, &loaded, &err));
    assert_ok(machine->ops->timeline_create(loaded, count, kv_type, &timeline, &err));
    for (int32_t at = 0, i = 0; at < count; i++) {
        int32_t size = sizes[i < size_count ? i : size_count - 1];
        if (size > count - at) size = count - at;
        met_step step = {.tokens = tokens + at, .count = size, .position = at, .want = MET_WANT_ALL};
        const float *rows = NULL;
        assert_ok(machine->ops->step(timeline, &step, &rows, &err));
        memcpy(logits + (size_t)at * vocab, rows, (size_t)size * vocab * sizeof *rows);
        at += size;
    }
    machine->ops->timeline_free(timeline);
    machine->ops->unload(loaded);
    free(tokens);
    return logits;
}

/* The largest difference; NaN counts as infinite. */
static inline double metal_distance(const float *a, const float *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double apart = fabs((double)a[i] - b[i]);
        if (!(apart <= most)) most = isnan(apart) ? (double)INFINITY : apart;
    }
    return most;
}

static inline double metal_largest(const float *a, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fmax(most, fabs((double)a[i]));
    return most;
}

/* The same program with float weights moved up or down by `part` of themselves, at random: matrices
 * of F32 and F16 (which become F32), and vectors. Matrices of Q8_0 cannot be moved so little, but
 * the vectors before and after them can. */
static inline met_program metal_move(const met_program *program, double part, uint64_t seed)
{
    met_program moved = *program;
    moved.pages = NULL;
    moved.weights = malloc((size_t)program->weight_count * sizeof *moved.weights);
    memcpy(moved.weights, program->weights, (size_t)program->weight_count * sizeof *moved.weights);
    for (int32_t i = 0; i < moved.weight_count; i++) {
        met_weight *weight = &moved.weights[i];
        size_t count = (size_t)weight->rows * (size_t)weight->cols;
        if (weight->type == MET_DTYPE_Q8_0) {
            size_t bytes = met_dtype_row_bytes(MET_DTYPE_Q8_0, count);
            weight->data = memcpy(malloc(bytes), weight->data, bytes);
            continue;
        }
        float *data = malloc(count * sizeof *data);
        for (size_t j = 0; j < count; j++) {
            float value = weight->type == MET_DTYPE_F32
                              ? ((const float *)weight->data)[j]
                              : met_half_to_float(((const uint16_t *)weight->data)[j]);
            double sign = (test_random(&seed) >> 63) != 0 ? 1 : -1;
            data[j] = (float)(value * (1 + sign * part));
        }
        weight->type = MET_DTYPE_F32;
        weight->data = data;
    }
    return moved;
}

static inline void metal_move_free(met_program *moved)
{
    for (int32_t i = 0; i < moved->weight_count; i++)
        free((void *)(uintptr_t)moved->weights[i].data);
    free(moved->weights);
}

#endif
