/* Owns: Qwen2 and Qwen2.5 as a program. The whole architecture is this file.
 *
 * A layer is x += attention(norm(x)); x += feed_forward(norm(x)). Queries, keys and values have
 * biases; keys and values have fewer heads than queries; positions enter by rotating halves of each
 * head (RoPE, NeoX pairing); the feed-forward is SwiGLU. Source: Qwen2 technical report,
 * arXiv:2407.10671, section 2.2, and Hugging Face's modeling_qwen2.py. */
#include "model/model.h"

#include <stdio.h>

/* Activations; the two kinds of rows are planned apart. */
typedef struct qwen2_rows {
    int32_t x;   /* residual stream [embedding_length] */
    int32_t h;   /* its normalised copy */
    int32_t ffn; /* [feed_forward_length] */
    int32_t attn; /* [heads * head_dim] */
} qwen2_rows;

typedef struct qwen2_builder {
    const met_gguf *gguf;
    const met_hyper *hyper;
    met_program *program;
    met_error *err;
    int32_t q, k, v;
    qwen2_rows tokens; /* every token of the step */
    qwen2_rows last;   /* only rows whose logits are asked for */
} qwen2_builder;

static met_status layer_matrix(qwen2_builder *b, int32_t layer, const char *suffix, int32_t rows,
                               int32_t cols, int32_t *weight)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%d.%s.weight", layer, suffix);
    return met_model_matrix(b->gguf, b->program, name, rows, cols, weight, b->err);
}

static met_status layer_vector(qwen2_builder *b, int32_t layer, const char *suffix, int32_t cols,
                               int32_t *weight)
{
    char name[64];
    snprintf(name, sizeof name, "blk.%d.%s", layer, suffix);
    return met_model_vector(b->gguf, b->program, name, cols, weight, b->err);
}

static qwen2_rows make_rows(qwen2_builder *b, met_rows rows)
{
    const met_hyper *hyper = b->hyper;
    qwen2_rows made = {
        .x = met_program_add_activation(b->program, "x", rows, hyper->embedding_length),
        .h = met_program_add_activation(b->program, "h", rows, hyper->embedding_length),
        .ffn = met_program_add_activation(b->program, "ffn", rows, hyper->feed_forward_length),
        .attn = met_program_add_activation(b->program, "attn", rows,
                                           hyper->heads * hyper->head_dim),
    };
    return made;
}

/* h = rmsnorm(x) */
static met_status add_norm(qwen2_builder *b, int32_t layer, const char *suffix, qwen2_rows rows)
{
    met_op op = met_op_make(MET_OP_RMSNORM, layer);
    op.in = rows.x;
    op.out[0] = rows.h;
    op.eps = b->hyper->norm_eps;
    met_status status = layer_vector(b, layer, suffix, b->hyper->embedding_length, &op.weight[0]);
    met_program_add_op(b->program, op);
    return status;
}

static void add_rope(qwen2_builder *b, int32_t layer, int32_t activation, int32_t heads)
{
    met_op op = met_op_make(MET_OP_ROPE, layer);
    op.in = activation;
    op.out[0] = activation;
    op.heads = heads;
    met_program_add_op(b->program, op);
}

/* q, k, v = h . W^T + bias; positions; cache; attn = attention(q) */
static met_status add_attention(qwen2_builder *b, int32_t layer)
{
    const met_hyper *hyper = b->hyper;
    static const char *const part[3] = {"attn_q", "attn_k", "attn_v"};
    const int32_t out[3] = {b->q, b->k, b->v};
    const int32_t heads[3] = {hyper->heads, hyper->kv_heads, hyper->kv_heads};
    met_status status = add_norm(b, layer, "attn_norm.weight", b->tokens);

    met_op qkv = met_op_make(MET_OP_MATMUL, layer);
    qkv.in = b->tokens.h;
    qkv.weights = 3;
    for (int32_t i = 0; i < 3 && status == MET_OK; i++) {
        char bias[32];
        int32_t rows = heads[i] * hyper->head_dim;
        qkv.out[i] = out[i];
        status = layer_matrix(b, layer, part[i], rows, hyper->embedding_length, &qkv.weight[i]);
        snprintf(bias, sizeof bias, "%s.bias", part[i]);
        if (status == MET_OK) status = layer_vector(b, layer, bias, rows, &qkv.bias[i]);
    }
    met_program_add_op(b->program, qkv);
    add_rope(b, layer, b->q, hyper->heads);
    add_rope(b, layer, b->k, hyper->kv_heads);

    met_op append = met_op_make(MET_OP_KV_APPEND, layer);
    append.in = b->k;
    append.in2 = b->v;
    met_program_add_op(b->program, append);

    met_op attention = met_op_make(MET_OP_ATTENTION, layer);
    attention.in = b->q;
    attention.out[0] = b->tokens.attn;
    attention.heads = hyper->heads;
    met_program_add_op(b->program, attention);
    return status;
}

static void add_last_row(qwen2_builder *b, int32_t layer, int32_t in, int32_t out)
{
    met_op op = met_op_make(MET_OP_LAST_ROW, layer);
    op.in = in;
    op.out[0] = out;
    met_program_add_op(b->program, op);
}

/* x += in . W^T */
static met_status add_projection(qwen2_builder *b, int32_t layer, const char *suffix, int32_t in,
                                 int32_t in_cols, int32_t x)
{
    met_op op = met_op_make(MET_OP_MATMUL, layer);
    op.in = in;
    op.weights = 1;
    op.out[0] = x;
    op.residual = x;
    met_status status =
        layer_matrix(b, layer, suffix, b->hyper->embedding_length, in_cols, &op.weight[0]);
    met_program_add_op(b->program, op);
    return status;
}

/* x += attn . Wo^T; x += (silu(h . Wg^T) * (h . Wu^T)) . Wd^T */
static met_status add_feed_forward(qwen2_builder *b, int32_t layer, qwen2_rows rows)
{
    const met_hyper *hyper = b->hyper;
    met_status status = add_projection(b, layer, "attn_output", rows.attn,
                                       hyper->heads * hyper->head_dim, rows.x);
    if (status == MET_OK) status = add_norm(b, layer, "ffn_norm.weight", rows);

    met_op gate_up = met_op_make(MET_OP_MATMUL, layer);
    gate_up.in = rows.h;
    gate_up.weights = 2;
    gate_up.swiglu = true;
    gate_up.out[0] = rows.ffn;
    if (status == MET_OK) {
        status = layer_matrix(b, layer, "ffn_gate", hyper->feed_forward_length,
                              hyper->embedding_length, &gate_up.weight[0]);
    }
    if (status == MET_OK) {
        status = layer_matrix(b, layer, "ffn_up", hyper->feed_forward_length,
                              hyper->embedding_length, &gate_up.weight[1]);
    }
    met_program_add_op(b->program, gate_up);
    if (status != MET_OK) return status;
    return add_projection(b, layer, "ffn_down", rows.ffn, hyper->feed_forward_length, rows.x);
}

/* logits = rmsnorm(x) . W^T, where W is output.weight or, when that is absent, the embedding. */
static met_status add_head(qwen2_builder *b, int32_t embedding)
{
    const met_hyper *hyper = b->hyper;
    met_program *program = b->program;
    met_op norm = met_op_make(MET_OP_RMSNORM, -1);
    norm.in = b->last.x;
    norm.out[0] = b->last.h;
    norm.eps = hyper->norm_eps;
    met_status status = met_model_vector(b->gguf, program, "output_norm.weight",
                                         hyper->embedding_length, &norm.weight[0], b->err);
    met_program_add_op(program, norm);

    program->logits =
        met_program_add_activation(program, "logits", MET_ROWS_LOGITS, hyper->vocab);
    met_op head = met_op_make(MET_OP_MATMUL, -1);
    head.in = b->last.h;
    head.weights = 1;
    head.out[0] = program->logits;
    head.weight[0] = embedding;
    if (status == MET_OK && met_gguf_find_tensor(b->gguf, "output.weight") != NULL) {
        status = met_model_matrix(b->gguf, program, "output.weight", hyper->vocab,
                                  hyper->embedding_length, &head.weight[0], b->err);
    }
    met_program_add_op(program, head);
    return status;
}

met_status met_qwen2_build(const met_gguf *gguf, const met_hyper *hyper, met_program *program,
                           met_error *err)
{
    qwen2_builder builder = {.gguf = gguf, .hyper = hyper, .program = program, .err = err};
    qwen2_builder *b = &builder;
    program->layers = hyper->layers;
    program->heads = hyper->heads;
    program->kv_heads = hyper->kv_heads;
    program->head_dim = hyper->head_dim;
    program->vocab = hyper->vocab;
    program->context_length = hyper->context_length;
    program->rope_base = hyper->rope_base;

    b->tokens = make_rows(b, MET_ROWS_TOKENS);
    b->last = make_rows(b, MET_ROWS_LOGITS);
    const int32_t q_cols = hyper->heads * hyper->head_dim;
    const int32_t kv_cols = hyper->kv_heads * hyper->head_dim;
    b->q = met_program_add_activation(program, "q", MET_ROWS_TOKENS, q_cols);
    b->k = met_program_add_activation(program, "k", MET_ROWS_TOKENS, kv_cols);
    b->v = met_program_add_activation(program, "v", MET_ROWS_TOKENS, kv_cols);

    met_op embed = met_op_make(MET_OP_EMBED, -1);
    embed.out[0] = b->tokens.x;
    met_status status = met_model_matrix(gguf, program, "token_embd.weight", hyper->vocab,
                                         hyper->embedding_length, &embed.weight[0], err);
    met_program_add_op(program, embed);

    for (int32_t layer = 0; layer < hyper->layers && status == MET_OK; layer++) {
        qwen2_rows rows = b->tokens;
        status = add_attention(b, layer);
        if (layer == hyper->layers - 1) {
            /* What follows does not mix rows: compute it only where logits are asked for. */
            add_last_row(b, layer, b->tokens.x, b->last.x);
            add_last_row(b, layer, b->tokens.attn, b->last.attn);
            rows = b->last;
        }
        if (status == MET_OK) status = add_feed_forward(b, layer, rows);
    }
    return status != MET_OK ? status : add_head(b, embed.weight[0]);
}
