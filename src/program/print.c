/* Owns: the printable listing of a program: what the model does, one operation a line. */
#include "program/program.h"

#include "base/error.h"
#include "base/text.h"

static void print_activation(met_buffer *out, const met_program *program, int32_t index)
{
    const met_activation *activation = &program->activations[index];
    met_buffer_printf(out, "%s[%s, %d]", activation->name,
                      activation->rows == MET_ROWS_TOKENS ? "n" : "rows", activation->cols);
}

static void print_weight(met_buffer *out, const met_program *program, int32_t index)
{
    const met_weight *weight = &program->weights[index];
    met_buffer_printf(out, "%.*s", met_str_shown(weight->name), weight->name.data);
    if (weight->rows > 1) met_buffer_printf(out, "[%d, %d]", weight->rows, weight->cols);
    else met_buffer_printf(out, "[%d]", weight->cols);
    met_buffer_printf(out, " %s", met_dtype_name(weight->type));
}

static void print_matmul(met_buffer *out, const met_program *program, const met_op *op)
{
    if (op->swiglu) {
        met_buffer_printf(out, "silu(in . ");
        print_weight(out, program, op->weight[0]);
        met_buffer_printf(out, ") * (in . ");
        print_weight(out, program, op->weight[1]);
        met_buffer_printf(out, ")");
        return;
    }
    for (int32_t i = 0; i < op->weights; i++) {
        met_buffer_printf(out, i == 0 ? "in . " : "; in . ");
        print_weight(out, program, op->weight[i]);
        if (op->bias[i] != MET_NONE) met_buffer_printf(out, " + bias");
        if (op->residual != MET_NONE) {
            met_buffer_printf(out, " + ");
            print_activation(out, program, op->residual);
        }
    }
}

/* What an op computes, without where it goes. */
static void print_work(met_buffer *out, const met_program *program, const met_op *op)
{
    switch (op->kind) {
    case MET_OP_EMBED:
        met_buffer_printf(out, "rows of ");
        print_weight(out, program, op->weight[0]);
        break;
    case MET_OP_RMSNORM:
        met_buffer_printf(out, "in * rsqrt(mean(in^2) + %g) * ", (double)op->eps);
        print_weight(out, program, op->weight[0]);
        break;
    case MET_OP_MATMUL: print_matmul(out, program, op); break;
    case MET_OP_ROPE:
        met_buffer_printf(out, "%d heads of %d, halves paired, base %g", op->heads,
                          program->head_dim, program->rope_base);
        break;
    case MET_OP_KV_APPEND:
        met_buffer_printf(out, "%d heads of %d to cache %d", program->kv_heads,
                          program->head_dim, op->layer);
        break;
    case MET_OP_ATTENTION:
        met_buffer_printf(out, "%d heads over %d of cache %d, causal", op->heads,
                          program->kv_heads, op->layer);
        break;
    case MET_OP_LAST_ROW: met_buffer_printf(out, "rows whose logits are asked for"); break;
    }
}

static void print_op(met_buffer *out, const met_program *program, const met_op *op)
{
    met_buffer_printf(out, "  %-9s  ", met_op_name(op->kind));
    if (op->in != MET_NONE) print_activation(out, program, op->in);
    else met_buffer_printf(out, "tokens[n]");
    if (op->in2 != MET_NONE) {
        met_buffer_printf(out, ", ");
        print_activation(out, program, op->in2);
    }
    met_buffer_printf(out, " -> ");
    int32_t outs = op->kind == MET_OP_MATMUL && !op->swiglu ? op->weights : 1;
    if (op->out[0] == MET_NONE) met_buffer_printf(out, "cache %d", op->layer);
    else for (int32_t i = 0; i < outs; i++) {
        if (i > 0) met_buffer_printf(out, ", ");
        print_activation(out, program, op->out[i]);
    }
    met_buffer_printf(out, " :  ");
    print_work(out, program, op);
    met_buffer_printf(out, "\n");
}

/* Whether two ops differ in nothing that a reader would see but the layer's number. */
static bool same_work(const met_program *program, const met_op *a, const met_op *b)
{
    if (a->kind != b->kind || a->weights != b->weights || a->in != b->in || a->in2 != b->in2) {
        return false;
    }
    for (int32_t i = 0; i < MET_MATMUL_WEIGHTS_MAX; i++) {
        if (a->out[i] != b->out[i]) return false;
        if ((a->weight[i] == MET_NONE) != (b->weight[i] == MET_NONE)) return false;
        if (a->weight[i] == MET_NONE) continue;
        const met_weight *weights = program->weights;
        if (weights[a->weight[i]].type != weights[b->weight[i]].type) return false;
    }
    return true;
}

/* Ops [begin, begin + length) are one layer; how many layers that are just the same follow. */
static int32_t same_layers(const met_program *program, int32_t begin, int32_t length)
{
    int32_t same = 0;
    for (int32_t at = begin + length; at + length <= program->op_count; at += length) {
        for (int32_t i = 0; i < length; i++) {
            const met_op *op = &program->ops[at + i];
            if (op->layer != program->ops[at].layer || op->layer < 0) return same;
            if (!same_work(program, &program->ops[begin + i], op)) return same;
        }
        bool longer = at + length < program->op_count &&
                      program->ops[at + length].layer == program->ops[at].layer;
        if (longer) return same;
        same++;
    }
    return same;
}

static void print_totals(met_buffer *out, const met_program *program)
{
    uint64_t bytes = 0, parameters = 0;
    for (int32_t i = 0; i < program->weight_count; i++) {
        const met_weight *w = &program->weights[i];
        bytes += (uint64_t)w->rows * met_dtype_row_bytes(w->type, (size_t)w->cols);
        parameters += (uint64_t)w->rows * (uint64_t)w->cols;
    }
    int64_t kv = 2ll * program->layers * program->kv_heads * program->head_dim;
    met_buffer_printf(out,
                      "%d ops; %llu parameters in %llu bytes; %lld numbers of KV cache and %lld "
                      "bytes of scratch a token; %lld bytes a row of logits\n",
                      program->op_count, (unsigned long long)parameters, (unsigned long long)bytes,
                      (long long)kv, (long long)(4 * program->scratch_cols[MET_ROWS_TOKENS]),
                      (long long)(4 * program->scratch_cols[MET_ROWS_LOGITS]));
}

met_status met_program_print(const met_program *program, met_text *out, met_error *err)
{
    met_buffer text = {0};
    for (int32_t i = 0; i < program->op_count;) {
        int32_t layer = program->ops[i].layer;
        int32_t length = 0;
        while (i + length < program->op_count && program->ops[i + length].layer == layer) length++;
        int32_t same = layer < 0 ? 0 : same_layers(program, i, length);
        if (layer < 0) met_buffer_printf(&text, i == 0 ? "begin\n" : "end\n");
        else if (same == 0) met_buffer_printf(&text, "layer %d\n", layer);
        else met_buffer_printf(&text, "layers %d to %d, each as this one\n", layer, layer + same);
        for (int32_t j = 0; j < length; j++) print_op(&text, program, &program->ops[i + j]);
        i += length * (1 + same);
    }
    print_totals(&text, program);
    return met_buffer_to_text(&text, out, err);
}
