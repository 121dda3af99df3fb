/* Owns: hyper-parameters and the finding of tensors. Does not know any architecture's layers. */
#include "model/model.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>

enum {
    /* Far above any model, far below overflow of what is computed from them. */
    LAYERS_MAX = 1 << 12,
    WIDTH_MAX = 1 << 20,
    VOCAB_MAX = 1 << 24,
    CONTEXT_MAX = 1 << 24
};

static met_status find(const met_gguf *gguf, const char *name, const met_gguf_tensor **out,
                       met_error *err)
{
    *out = met_gguf_find_tensor(gguf, name);
    if (*out != NULL) return MET_OK;
    return met_fail(err, MET_E_TENSOR, "%s: tensor %s is missing", met_gguf_name(gguf), name);
}

/* "[4864, 896]": contiguous dimension first, as the file lists it. */
static void shape_text(const met_gguf_tensor *tensor, char *text, size_t bytes)
{
    size_t used = 0;
    for (uint32_t i = 0; i < tensor->dims && used < bytes; i++) {
        used += (size_t)snprintf(text + used, bytes - used, "%s%llu", i == 0 ? "[" : ", ",
                                 (unsigned long long)tensor->shape[i]);
    }
    if (used < bytes) snprintf(text + used, bytes - used, "]");
}

met_status met_model_matrix(const met_gguf *gguf, met_program *program, const char *name,
                            int32_t rows, int32_t cols, int32_t *weight, met_error *err)
{
    const met_gguf_tensor *tensor = NULL;
    met_dtype type;
    *weight = MET_NONE;
    met_status status = find(gguf, name, &tensor, err);
    if (status != MET_OK) return status;
    if (tensor->dims != 2 || tensor->shape[0] != (uint64_t)cols ||
        tensor->shape[1] != (uint64_t)rows) {
        char found[96];
        shape_text(tensor, found, sizeof found);
        return met_fail(err, MET_E_TENSOR, "%s: tensor %s has shape %s, expected [%d, %d]",
                        met_gguf_name(gguf), name, found, cols, rows);
    }
    status = met_gguf_tensor_dtype(gguf, tensor, &type, err);
    if (status != MET_OK) return status;
    *weight = met_program_add_weight(
        program, (met_weight){tensor->name, type, rows, cols, tensor->data});
    return MET_OK;
}

met_status met_model_vector(const met_gguf *gguf, met_program *program, const char *name,
                            int32_t cols, int32_t *weight, met_error *err)
{
    const met_gguf_tensor *tensor = NULL;
    met_dtype type;
    *weight = MET_NONE;
    met_status status = find(gguf, name, &tensor, err);
    if (status != MET_OK) return status;
    if (tensor->shape[0] != (uint64_t)cols || tensor->dims != 1) {
        char found[96];
        shape_text(tensor, found, sizeof found);
        return met_fail(err, MET_E_TENSOR, "%s: tensor %s has shape %s, expected [%d]",
                        met_gguf_name(gguf), name, found, cols);
    }
    status = met_gguf_tensor_dtype(gguf, tensor, &type, err);
    if (status != MET_OK) return status;
    if (type != MET_DTYPE_F32) {
        return met_fail(err, MET_E_TYPE, "%s: tensor %s has type %s, expected F32",
                        met_gguf_name(gguf), name, met_dtype_name(type));
    }
    *weight = met_program_add_weight(
        program, (met_weight){tensor->name, type, 1, cols, tensor->data});
    return MET_OK;
}

/* A size of the architecture: "<arch>.<suffix>" within [1, most]. */
static met_status read_size(const met_gguf *gguf, met_str arch, const char *suffix, int32_t most,
                            int32_t *out, met_error *err)
{
    char key[128];
    uint32_t value = 0;
    snprintf(key, sizeof key, "%.*s.%s", met_str_shown(arch), arch.data, suffix);
    met_status status = met_gguf_get_u32(gguf, key, &value, err);
    if (status != MET_OK) return status;
    if (value < 1 || value > (uint32_t)most) {
        return met_fail(err, MET_E_KEY, "%s: key %s is %u, expected 1 to %d", met_gguf_name(gguf),
                        key, value, most);
    }
    *out = (int32_t)value;
    return MET_OK;
}

/* A positive finite number; `value` keeps its default when the key is absent and optional. */
static met_status read_number(const met_gguf *gguf, met_str arch, const char *suffix,
                              bool required, double *value, met_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%.*s.%s", met_str_shown(arch), arch.data, suffix);
    met_status status = required ? met_gguf_get_f64(gguf, key, value, err)
                                 : met_gguf_maybe_f64(gguf, key, value, err);
    if (status == MET_OK && !(*value > 0 && isfinite(*value))) {
        status = met_fail(err, MET_E_KEY, "%s: key %s is %g, expected a positive number",
                          met_gguf_name(gguf), key, *value);
    }
    return status;
}

/* Heads must share out evenly; head_dim may be given or follows from the width. */
static met_status read_heads(const met_gguf *gguf, met_hyper *hyper, met_error *err)
{
    char key[128];
    met_status status = read_size(gguf, hyper->architecture, "attention.head_count", WIDTH_MAX,
                                  &hyper->heads, err);
    hyper->kv_heads = hyper->heads;
    snprintf(key, sizeof key, "%.*s.attention.head_count_kv", met_str_shown(hyper->architecture),
             hyper->architecture.data);
    if (status == MET_OK && met_gguf_find(gguf, key) != NULL) {
        status = read_size(gguf, hyper->architecture, "attention.head_count_kv", WIDTH_MAX,
                           &hyper->kv_heads, err);
    }
    if (status != MET_OK) return status;
    if (hyper->heads % hyper->kv_heads != 0) {
        return met_fail(err, MET_E_KEY, "%s: key %s is %d, expected a divisor of the %d heads",
                        met_gguf_name(gguf), key, hyper->kv_heads, hyper->heads);
    }
    snprintf(key, sizeof key, "%.*s.attention.key_length", met_str_shown(hyper->architecture),
             hyper->architecture.data);
    if (met_gguf_find(gguf, key) != NULL) {
        status = read_size(gguf, hyper->architecture, "attention.key_length", 1024,
                           &hyper->head_dim, err);
        if (status != MET_OK) return status;
    } else if (hyper->embedding_length % hyper->heads == 0) {
        hyper->head_dim = hyper->embedding_length / hyper->heads;
    }
    if (hyper->head_dim < 2 || hyper->head_dim > 1024 || hyper->head_dim % 2 != 0) {
        return met_fail(err, MET_E_KEY,
                        "%s: head_dim of embedding_length %d and %d heads is %d, expected an even "
                        "number from 2 to 1024",
                        met_gguf_name(gguf), hyper->embedding_length, hyper->heads,
                        hyper->head_dim);
    }
    return MET_OK;
}

/* Rows of the embedding: the one place where the vocabulary's size is always true. */
static met_status read_vocab(const met_gguf *gguf, met_hyper *hyper, met_error *err)
{
    const met_gguf_tensor *embedding = NULL;
    met_status status = find(gguf, "token_embd.weight", &embedding, err);
    if (status != MET_OK) return status;
    if (embedding->dims != 2 || embedding->shape[1] > VOCAB_MAX) {
        char found[96];
        shape_text(embedding, found, sizeof found);
        return met_fail(err, MET_E_TENSOR,
                        "%s: tensor token_embd.weight has shape %s, expected [%d, vocabulary]",
                        met_gguf_name(gguf), found, hyper->embedding_length);
    }
    hyper->vocab = (int32_t)embedding->shape[1];
    return MET_OK;
}

/* Extensions of the positions that would change every answer if they were overlooked. */
static met_status refuse_rope_scaling(const met_gguf *gguf, const met_hyper *hyper, met_error *err)
{
    char key[128];
    met_str type = {0};
    snprintf(key, sizeof key, "%.*s.rope.scaling.type", met_str_shown(hyper->architecture),
             hyper->architecture.data);
    met_status status = met_gguf_maybe_str(gguf, key, &type, err);
    if (status != MET_OK || type.bytes == 0 || met_str_is(type, "none")) return status;
    return met_fail(err, MET_E_KEY, "%s: key %s is \"%.*s\", expected \"none\": scaled positions "
                    "are not supported", met_gguf_name(gguf), key, met_str_shown(type), type.data);
}

static met_status read_hyper(const met_gguf *gguf, met_hyper *hyper, met_error *err)
{
    met_str arch = hyper->architecture;
    double eps = 0;
    hyper->rope_base = 10000.0; /* the format's default */
    met_status status = read_size(gguf, arch, "block_count", LAYERS_MAX, &hyper->layers, err);
    if (status == MET_OK) {
        status =
            read_size(gguf, arch, "embedding_length", WIDTH_MAX, &hyper->embedding_length, err);
    }
    if (status == MET_OK) {
        status = read_size(gguf, arch, "feed_forward_length", WIDTH_MAX,
                           &hyper->feed_forward_length, err);
    }
    if (status == MET_OK) {
        status = read_size(gguf, arch, "context_length", CONTEXT_MAX, &hyper->context_length, err);
    }
    if (status == MET_OK) status = read_heads(gguf, hyper, err);
    if (status == MET_OK) {
        status = read_number(gguf, arch, "rope.freq_base", false, &hyper->rope_base, err);
    }
    if (status == MET_OK) {
        status = read_number(gguf, arch, "attention.layer_norm_rms_epsilon", true, &eps, err);
    }
    if (status == MET_OK) status = refuse_rope_scaling(gguf, hyper, err);
    if (status == MET_OK) status = read_vocab(gguf, hyper, err);
    hyper->norm_eps = (float)eps;
    return status;
}

/* A large model may come in several files, of which each alone lacks tensors. */
static met_status refuse_part(const met_gguf *gguf, met_error *err)
{
    uint32_t parts = 1;
    met_status status = met_gguf_maybe_u32(gguf, "split.count", &parts, err);
    if (status != MET_OK || parts <= 1) return status;
    return met_fail(err, MET_E_KEY,
                    "%s: key split.count is %u: this is one of %u parts, expected a whole model; "
                    "merge them first",
                    met_gguf_name(gguf), parts, parts);
}

met_status met_model_bind(const met_gguf *gguf, met_hyper *hyper, met_program *program,
                          met_error *err)
{
    *hyper = (met_hyper){0};
    met_program_init(program);
    met_status status = refuse_part(gguf, err);
    if (status != MET_OK) return status;
    status = met_gguf_get_str(gguf, "general.architecture", &hyper->architecture, err);
    if (status != MET_OK) return status;
    if (!met_str_is(hyper->architecture, "qwen2")) {
        return met_fail(err, MET_E_ARCHITECTURE,
                        "%s: architecture \"%.*s\" is not known, expected \"qwen2\"",
                        met_gguf_name(gguf), met_str_shown(hyper->architecture),
                        hyper->architecture.data);
    }
    status = read_hyper(gguf, hyper, err);
    if (status == MET_OK) status = met_qwen2_build(gguf, hyper, program, err);
    if (status == MET_OK) status = met_program_seal(program, err);
    if (status != MET_OK) met_program_free(program);
    return status;
}
