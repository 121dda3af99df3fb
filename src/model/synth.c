/* Owns: the shapes of synthetic models and the writing of them. Does not own the numbers
 * (synth_numbers.c) nor the vocabulary (synth_vocab.c).
 *
 * Weights are uniform with a standard deviation of 1 / sqrt(cols), so that a product of a
 * normalised vector has entries of about 1 and nothing overflows or dies away, however many
 * layers. */
#include "model/synth.h"

#include "base/error.h"
#include "base/mapping.h"
#include "base/team.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Qwen2.5-Instruct as its config.json gives it. */
static const met_synth_shape shapes[] = {
    {"tiny", 2, 64, 160, 4, 2, 16, 512, 512, true},
    {"qwen2.5-0.5b", 24, 896, 4864, 14, 2, 64, 151936, 32768, true},
    {"qwen2.5-1.5b", 28, 1536, 8960, 12, 2, 128, 151936, 32768, true},
    {"qwen2.5-3b", 36, 2048, 11008, 16, 2, 128, 151936, 32768, true},
    {"qwen2.5-7b", 28, 3584, 18944, 28, 4, 128, 152064, 32768, false},
};

enum {
    SHAPES = sizeof shapes / sizeof shapes[0],
    LAYER_TENSORS = 12,
    OTHER_TENSORS = 3,        /* embedding, last norm, output */
    CHUNK_ELEMENTS = 1 << 21, /* made at a time: 8 MiB of F32 */
};

typedef enum tensor_kind {
    TENSOR_MATRIX = 0, /* of the model's type, zero-centred */
    TENSOR_NORM,       /* F32 around 1 */
    TENSOR_BIAS,       /* F32 around 0 */
} tensor_kind;

typedef struct tensor_plan {
    char name[48];
    tensor_kind kind;
    uint64_t rows; /* 1 for a vector */
    uint64_t cols;
} tensor_plan;

typedef struct model_plan {
    tensor_plan *tensors; /* [count] */
    int32_t count;
} model_plan;

static void plan_add(model_plan *plan, tensor_kind kind, const char *name, int32_t rows,
                     int32_t cols)
{
    tensor_plan *tensor = &plan->tensors[plan->count++];
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->kind = kind;
    tensor->rows = (uint64_t)rows;
    tensor->cols = (uint64_t)cols;
}

/* "blk.N.<name>" */
static void plan_layer(model_plan *plan, int32_t layer, tensor_kind kind, const char *name,
                       int32_t rows, int32_t cols)
{
    char full[48];
    (void)snprintf(full, sizeof full, "blk.%d.%s", layer, name);
    plan_add(plan, kind, full, rows, cols);
}

/* Every tensor, with the names that llama.cpp's converter gives. False: memory is out. */
static bool plan_tensors(const met_synth_shape *shape, model_plan *plan)
{
    size_t most = (size_t)shape->layers * LAYER_TENSORS + OTHER_TENSORS;
    *plan = (model_plan){.tensors = calloc(most, sizeof *plan->tensors), .count = 0};
    if (plan->tensors == NULL) return false;
    int32_t width = shape->embedding_length;
    int32_t ffn = shape->feed_forward_length;
    int32_t q = shape->heads * shape->head_dim;
    int32_t kv = shape->kv_heads * shape->head_dim;
    plan_add(plan, TENSOR_MATRIX, "token_embd.weight", shape->vocab, width);
    for (int32_t i = 0; i < shape->layers; i++) {
        plan_layer(plan, i, TENSOR_NORM, "attn_norm.weight", 1, width);
        plan_layer(plan, i, TENSOR_MATRIX, "attn_q.weight", q, width);
        plan_layer(plan, i, TENSOR_BIAS, "attn_q.bias", 1, q);
        plan_layer(plan, i, TENSOR_MATRIX, "attn_k.weight", kv, width);
        plan_layer(plan, i, TENSOR_BIAS, "attn_k.bias", 1, kv);
        plan_layer(plan, i, TENSOR_MATRIX, "attn_v.weight", kv, width);
        plan_layer(plan, i, TENSOR_BIAS, "attn_v.bias", 1, kv);
        plan_layer(plan, i, TENSOR_MATRIX, "attn_output.weight", width, q);
        plan_layer(plan, i, TENSOR_NORM, "ffn_norm.weight", 1, width);
        plan_layer(plan, i, TENSOR_MATRIX, "ffn_gate.weight", ffn, width);
        plan_layer(plan, i, TENSOR_MATRIX, "ffn_up.weight", ffn, width);
        plan_layer(plan, i, TENSOR_MATRIX, "ffn_down.weight", width, ffn);
    }
    plan_add(plan, TENSOR_NORM, "output_norm.weight", 1, width);
    if (!shape->tied) plan_add(plan, TENSOR_MATRIX, "output.weight", shape->vocab, width);
    return true;
}

static met_dtype type_of(const tensor_plan *tensor, met_dtype type)
{
    return tensor->kind == TENSOR_MATRIX ? type : MET_DTYPE_F32;
}

static met_synth_numbers numbers_of(const tensor_plan *tensor, uint64_t key)
{
    met_synth_numbers numbers = {.key = key, .centre = 0, .spread = 0.1f};
    switch (tensor->kind) {
    case TENSOR_MATRIX: /* a uniform number in [-a, a) has the deviation a / sqrt(3) */
        numbers.spread = (float)sqrt(3.0 / (double)tensor->cols);
        break;
    case TENSOR_NORM: numbers.centre = 1; break;
    case TENSOR_BIAS: break;
    }
    return numbers;
}

/* `general.file_type`: what most tensors are. */
static uint32_t file_type(met_dtype type)
{
    switch (type) {
    case MET_DTYPE_F32: return 0;
    case MET_DTYPE_F16: return 1;
    case MET_DTYPE_Q8_0: return 7;
    }
    return 0;
}

static void write_hyper(met_gguf_writer *writer, const met_synth_shape *shape, met_dtype type)
{
    char name[96];
    (void)snprintf(name, sizeof name, "synthetic %s", shape->name);
    met_gguf_write_str(writer, "general.architecture", met_str_of("qwen2"));
    met_gguf_write_str(writer, "general.name", met_str_of(name));
    met_gguf_write_u32(writer, "general.file_type", file_type(type));
    if (type == MET_DTYPE_Q8_0) met_gguf_write_u32(writer, "general.quantization_version", 2);
    const struct {
        const char *key;
        int32_t value;
    } sizes[] = {
        {"qwen2.block_count", shape->layers},
        {"qwen2.context_length", shape->context_length},
        {"qwen2.embedding_length", shape->embedding_length},
        {"qwen2.feed_forward_length", shape->feed_forward_length},
        {"qwen2.attention.head_count", shape->heads},
        {"qwen2.attention.head_count_kv", shape->kv_heads},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        met_gguf_write_u32(writer, sizes[i].key, (uint32_t)sizes[i].value);
    }
    if (shape->heads * shape->head_dim != shape->embedding_length) {
        met_gguf_write_u32(writer, "qwen2.attention.key_length", (uint32_t)shape->head_dim);
        met_gguf_write_u32(writer, "qwen2.attention.value_length", (uint32_t)shape->head_dim);
    }
    met_gguf_write_f32(writer, "qwen2.rope.freq_base", 1000000.0f);
    met_gguf_write_f32(writer, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
}

/* All tokenizer keys of another file. */
static met_status copy_vocab(met_gguf_writer *writer, const met_synth_shape *shape,
                             const met_gguf *vocab, met_error *err)
{
    static const char prefix[] = "tokenizer.";
    met_gguf_array tokens;
    met_status status =
        met_gguf_get_array(vocab, "tokenizer.ggml.tokens", MET_GGUF_STRING, &tokens, err);
    if (status != MET_OK) return status;
    if (tokens.count > (uint64_t)shape->vocab) {
        return met_fail(err, MET_E_ARGUMENT,
                        "%s: key tokenizer.ggml.tokens has %llu elements, expected at most the %d "
                        "of shape %s",
                        met_gguf_name(vocab), (unsigned long long)tokens.count, shape->vocab,
                        shape->name);
    }
    for (uint64_t i = 0; i < met_gguf_key_count(vocab); i++) {
        const met_gguf_key *key = met_gguf_key_at(vocab, i);
        if (key->name.bytes < sizeof prefix - 1 ||
            memcmp(key->name.data, prefix, sizeof prefix - 1) != 0) {
            continue;
        }
        met_gguf_write_copy(writer, key);
    }
    return MET_OK;
}

/* A part of one tensor, made by the whole team. */
typedef struct fill_job {
    met_synth_numbers numbers;
    met_dtype type;
    uint64_t first;
    size_t count;
    uint8_t *out;
} fill_job;

static void fill_slice(void *arg, int32_t worker, int32_t workers)
{
    const fill_job *job = arg;
    size_t begin = 0, end = 0;
    met_team_slice(job->count, MET_Q8_BLOCK, worker, workers, &begin, &end);
    if (begin == end) return;
    met_synth_fill(&job->numbers, job->type, job->first + begin, end - begin,
                   job->out + met_dtype_row_bytes(job->type, begin));
}

static void write_tensor(met_gguf_writer *writer, met_team *team, const tensor_plan *tensor,
                         met_dtype type, uint64_t key, uint8_t *chunk)
{
    fill_job job = {.numbers = numbers_of(tensor, key), .type = type, .out = chunk};
    uint64_t elements = tensor->rows * tensor->cols;
    for (; job.first < elements; job.first += job.count) {
        uint64_t left = elements - job.first;
        job.count = left < CHUNK_ELEMENTS ? (size_t)left : CHUNK_ELEMENTS;
        met_team_run(team, fill_slice, &job);
        met_gguf_write_data(writer, chunk, met_dtype_row_bytes(type, job.count));
    }
}

static met_status write_tensors(met_gguf_writer *writer, const model_plan *plan, met_dtype type,
                                uint64_t seed, met_progress_fn progress, void *user, met_error *err)
{
    met_team *team = NULL;
    uint8_t *chunk = malloc(CHUNK_ELEMENTS * sizeof(float));
    met_status status = MET_OK;
    if (chunk == NULL) {
        return met_fail_memory(err, "weights", CHUNK_ELEMENTS * sizeof(float));
    }
    status = met_team_create(met_team_cores(), &team, err);
    for (int32_t i = 0; i < plan->count && status == MET_OK; i++) {
        const tensor_plan *tensor = &plan->tensors[i];
        write_tensor(writer, team, tensor, type_of(tensor, type), met_synth_key(seed, (uint64_t)i),
                     chunk);
        if (met_gguf_writer_failed(writer)) break; /* finish gives the error */
        if (progress != NULL && !progress(user, i + 1, plan->count)) {
            status = met_fail(err, MET_E_IO, "stopped by the caller after tensor %d of %d", i + 1,
                              plan->count);
        }
    }
    met_team_free(team);
    free(chunk);
    return status;
}

met_status met_synth_write(const met_synth_shape *shape, met_dtype type, uint64_t seed,
                           const met_gguf *vocab, const char *path, met_progress_fn progress,
                           void *user, met_error *err)
{
    met_status status = MET_OK;
    met_gguf_writer *writer = NULL;
    model_plan plan;
    if (!plan_tensors(shape, &plan)) {
        return met_fail(err, MET_E_MEMORY, "out of memory: names of %d layers", shape->layers);
    }
    status = met_gguf_writer_begin(path, 32, &writer, err);
    if (status != MET_OK) goto done;
    write_hyper(writer, shape, type);
    status = vocab == NULL ? met_synth_write_vocab(writer, shape->vocab, err)
                           : copy_vocab(writer, shape, vocab, err);
    if (status != MET_OK) goto done;
    for (int32_t i = 0; i < plan.count; i++) {
        const tensor_plan *tensor = &plan.tensors[i];
        const uint64_t ne[2] = {tensor->cols, tensor->rows};
        met_gguf_describe_tensor(writer, tensor->name, type_of(tensor, type),
                                 tensor->kind == TENSOR_MATRIX ? 2 : 1, ne);
    }
    status = write_tensors(writer, &plan, type, seed, progress, user, err);
    if (status != MET_OK) goto done;
    status = met_gguf_writer_finish(writer, err);
    writer = NULL;
done:
    met_gguf_writer_abandon(writer);
    free(plan.tensors);
    return status;
}

uint64_t met_synth_parameters(const met_synth_shape *shape)
{
    model_plan plan;
    uint64_t parameters = 0;
    if (!plan_tensors(shape, &plan)) return 0;
    for (int32_t i = 0; i < plan.count; i++) {
        parameters += plan.tensors[i].rows * plan.tensors[i].cols;
    }
    free(plan.tensors);
    return parameters;
}

const met_synth_shape *met_synth_find_shape(const char *name)
{
    for (size_t i = 0; i < SHAPES; i++) {
        if (strcmp(shapes[i].name, name) == 0) return &shapes[i];
    }
    return NULL;
}

static bool find_type(const char *name, met_dtype *type)
{
    static const struct {
        const char *name;
        met_dtype type;
    } types[] = {{"f32", MET_DTYPE_F32}, {"f16", MET_DTYPE_F16}, {"q8_0", MET_DTYPE_Q8_0}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].name, name) != 0) continue;
        *type = types[i].type;
        return true;
    }
    return false;
}

met_status met_synth(const met_synth_options *options, const char *path, met_progress_fn progress,
                     void *user, met_error *err)
{
    met_mapping *mapping = NULL;
    met_gguf *vocab = NULL;
    met_dtype type = MET_DTYPE_F32;
    const char *shape_name = options->shape == NULL ? "" : options->shape;
    const char *type_name = options->type == NULL ? "" : options->type;
    const met_synth_shape *shape = met_synth_find_shape(shape_name);
    if (shape == NULL) {
        char names[128] = "";
        for (size_t i = 0; i < SHAPES; i++) {
            size_t used = strlen(names);
            (void)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ",
                           shapes[i].name);
        }
        return met_fail(err, MET_E_ARGUMENT, "shape \"%s\", expected one of %s", shape_name, names);
    }
    if (!find_type(type_name, &type)) {
        return met_fail(err, MET_E_ARGUMENT, "type \"%s\", expected one of f32, f16, q8_0",
                        type_name);
    }
    met_status status = MET_OK;
    if (options->vocab_path != NULL) {
        status = met_mapping_open(options->vocab_path, &mapping, err);
        if (status != MET_OK) goto done;
        status = met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping),
                                options->vocab_path, &vocab, err);
        if (status != MET_OK) goto done;
    }
    status = met_synth_write(shape, type, options->seed, vocab, path, progress, user, err);
done:
    met_gguf_free(vocab);
    met_mapping_close(mapping);
    return status;
}
