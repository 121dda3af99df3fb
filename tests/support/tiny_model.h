/* A Qwen2 model of any shape with random weights, written as a GGUF, read back and bound. */
#ifndef MET_TESTS_TINY_MODEL_H
#define MET_TESTS_TINY_MODEL_H

#include "base/half.h"
#include "base/mapping.h"
#include "gguf/gguf.h"
#include "model/model.h"
#include "support/testing.h"

#include <math.h>

typedef struct test_shape {
    const char *name;
    const char *type; /* of the matrices: "f32", "f16", "q8_0" */
    int32_t layers, heads, kv_heads, head_dim, ffn, vocab;
    bool untied; /* an output.weight of its own */
    struct {
        const char *part, *type; /* "attn_k": these matrices of all layers have another type */
    } other[4];
} test_shape;

typedef struct test_model {
    test_shape shape;
    char path[64];
    met_mapping *mapping;
    met_gguf *gguf;
    met_hyper hyper;
    met_program program;
} test_model;

typedef struct test_tensor {
    char name[64];
    met_dtype type;
    int32_t rows, cols; /* rows 0: a vector */
    float middle, spread;
} test_tensor;

typedef struct test_tensors {
    test_tensor list[600];
    size_t count;
} test_tensors;

static inline met_dtype test_dtype(const char *name)
{
    if (strcmp(name, "f32") == 0) return MET_DTYPE_F32;
    return strcmp(name, "f16") == 0 ? MET_DTYPE_F16 : MET_DTYPE_Q8_0;
}

/* What a matrix of a layer has: the model's type, unless the shape names another one. */
static inline met_dtype test_dtype_of(const test_shape *s, const char *name)
{
    for (size_t i = 0; i < sizeof s->other / sizeof s->other[0]; i++) {
        const char *part = s->other[i].part;
        if (part == NULL) continue;
        size_t length = strlen(part);
        if (strncmp(name, part, length) == 0 && name[length] == '.')
            return test_dtype(s->other[i].type);
    }
    return test_dtype(s->type);
}

static inline void test_add(test_tensors *all, const char *name, met_dtype type, int32_t rows,
                            int32_t cols, float middle)
{
    assert_true(all->count < sizeof all->list / sizeof all->list[0]);
    test_tensor *tensor = &all->list[all->count++];
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->type = rows == 0 ? MET_DTYPE_F32 : type;
    tensor->rows = rows;
    tensor->cols = cols;
    tensor->middle = middle;
    tensor->spread = rows == 0 ? 0.2f : 2.0f / sqrtf((float)cols);
}

static inline void test_list_tensors(test_tensors *all, const test_shape *s)
{
    met_dtype type = test_dtype(s->type);
    int32_t width = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;
    all->count = 0;
    test_add(all, "token_embd.weight", type, s->vocab, width, 0);
    test_add(all, "output_norm.weight", type, 0, width, 1);
    if (s->untied) test_add(all, "output.weight", type, s->vocab, width, 0);
    for (int32_t l = 0; l < s->layers; l++) {
        const struct { const char *name; int32_t rows, cols; float middle; } parts[] = {
            {"attn_norm.weight", 0, width, 1},   {"attn_q.weight", width, width, 0},
            {"attn_q.bias", 0, width, 0},        {"attn_k.weight", kv, width, 0},
            {"attn_k.bias", 0, kv, 0},           {"attn_v.weight", kv, width, 0},
            {"attn_v.bias", 0, kv, 0},           {"attn_output.weight", width, width, 0},
            {"ffn_norm.weight", 0, width, 1},    {"ffn_gate.weight", s->ffn, width, 0},
            {"ffn_up.weight", s->ffn, width, 0}, {"ffn_down.weight", width, s->ffn, 0},
        };
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%d.%s", l, parts[i].name);
            test_add(all, name, test_dtype_of(s, parts[i].name), parts[i].rows, parts[i].cols,
                     parts[i].middle);
        }
    }
}

static inline void test_write_values(met_gguf_writer *writer, const test_tensor *tensor,
                                     uint64_t *seed)
{
    size_t count = (size_t)(tensor->rows == 0 ? 1 : tensor->rows) * (size_t)tensor->cols;
    for (size_t i = 0; i < count; i += MET_Q8_BLOCK) {
        size_t n = count - i < MET_Q8_BLOCK ? count - i : MET_Q8_BLOCK;
        float x[MET_Q8_BLOCK];
        uint16_t h[MET_Q8_BLOCK];
        for (size_t j = 0; j < n; j++) {
            x[j] = tensor->middle + tensor->spread * test_random_float(seed);
            h[j] = met_float_to_half(x[j]);
        }
        if (tensor->type == MET_DTYPE_F32) met_gguf_write_data(writer, x, n * sizeof *x);
        else if (tensor->type == MET_DTYPE_F16) met_gguf_write_data(writer, h, n * sizeof *h);
        else {
            int8_t q[MET_Q8_BLOCK];
            uint16_t scale = met_float_to_half(tensor->spread / 127.0f);
            for (size_t j = 0; j < n; j++) q[j] = (int8_t)(test_random(seed) >> 56);
            met_gguf_write_data(writer, &scale, 2);
            met_gguf_write_data(writer, q, sizeof q);
        }
    }
}

static inline void test_write_model(const char *path, const test_shape *s)
{
    static test_tensors all;
    met_error err = {0};
    met_gguf_writer *writer = NULL;
    uint64_t seed = 12345;
    test_list_tensors(&all, s);
    assert_ok(met_gguf_writer_begin(path, 32, &writer, &err));
    met_gguf_write_str(writer, "general.architecture", (met_str){"qwen2", 5});
    met_gguf_write_u32(writer, "qwen2.block_count", (uint32_t)s->layers);
    met_gguf_write_u32(writer, "qwen2.context_length", 1024);
    met_gguf_write_u32(writer, "qwen2.embedding_length", (uint32_t)(s->heads * s->head_dim));
    met_gguf_write_u32(writer, "qwen2.feed_forward_length", (uint32_t)s->ffn);
    met_gguf_write_u32(writer, "qwen2.attention.head_count", (uint32_t)s->heads);
    met_gguf_write_u32(writer, "qwen2.attention.head_count_kv", (uint32_t)s->kv_heads);
    met_gguf_write_f32(writer, "qwen2.rope.freq_base", 10000.0f);
    met_gguf_write_f32(writer, "qwen2.attention.layer_norm_rms_epsilon", 1e-6f);
    for (size_t i = 0; i < all.count; i++) {
        const test_tensor *t = &all.list[i];
        uint64_t shape[2] = {(uint64_t)t->cols, (uint64_t)t->rows};
        met_gguf_describe_tensor(writer, t->name, t->type, t->rows == 0 ? 1 : 2, shape);
    }
    for (size_t i = 0; i < all.count; i++) test_write_values(writer, &all.list[i], &seed);
    assert_ok(met_gguf_writer_finish(writer, &err));
}

static inline void test_model_make(test_model *model, const test_shape *shape)
{
    met_error err = {0};
    memset(model, 0, sizeof *model);
    model->shape = *shape;
    snprintf(model->path, sizeof model->path, "/tmp/metallic-test-XXXXXX");
    int fd = mkstemp(model->path);
    assert_true(fd >= 0);
    close(fd);
    test_write_model(model->path, shape);
    assert_ok(met_mapping_open(model->path, &model->mapping, &err));
    (void)unlink(model->path); /* the mapping keeps it alive */
    assert_ok(met_gguf_parse(met_mapping_data(model->mapping), met_mapping_bytes(model->mapping),
                             shape->name, &model->gguf, &err));
    assert_ok(met_model_bind(model->gguf, &model->hyper, &model->program, &err));
}

static inline void test_model_free(test_model *model)
{
    met_program_free(&model->program);
    met_gguf_free(model->gguf);
    met_mapping_close(model->mapping);
}

#endif
