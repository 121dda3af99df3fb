/* Owns: the judgement whether a program makes sense, before any machine sees it.
 *
 * The invariant of a verified program: every operand exists and has the shape that its op expects,
 * nothing is read before it is written, and keys are appended before attention reads them. */
#include "program/program.h"

#include "base/error.h"

#include <stdlib.h>

typedef struct verifier {
    const met_program *program;
    const met_op *op;
    int32_t op_index;
    bool *written;      /* [activations] */
    bool *appended;     /* [layers] */
    met_error *err;
} verifier;

static met_status wrong(const verifier *v, const char *operand, const char *what, int64_t found,
                        int64_t expected)
{
    return met_fail(v->err, MET_E_FORMAT,
                    "program: op %d (%s, layer %d): %s: %s is %lld, expected %lld", v->op_index,
                    met_op_name(v->op->kind), v->op->layer, operand, what, (long long)found,
                    (long long)expected);
}

/* An activation that is there, with `cols` columns. */
static met_status check_activation(const verifier *v, const char *operand, int32_t index,
                                   int32_t cols)
{
    if (index < 0 || index >= v->program->activation_count) {
        return wrong(v, operand, "activation index", index, v->program->activation_count - 1);
    }
    int32_t found = v->program->activations[index].cols;
    return found == cols ? MET_OK : wrong(v, operand, "width", found, cols);
}

static met_status check_read(const verifier *v, const char *operand, int32_t index, int32_t cols)
{
    met_status status = check_activation(v, operand, index, cols);
    if (status == MET_OK && !v->written[index]) {
        status = wrong(v, operand, "written before it is read", 0, 1);
    }
    return status;
}

static met_status check_write(verifier *v, const char *operand, int32_t index, int32_t cols)
{
    met_status status = check_activation(v, operand, index, cols);
    if (status == MET_OK) v->written[index] = true;
    return status;
}

/* A weight that is there, of rows x cols; type < 0: any. */
static met_status check_weight(const verifier *v, const char *operand, int32_t index, int32_t rows,
                               int32_t cols, int type)
{
    if (index < 0 || index >= v->program->weight_count) {
        return wrong(v, operand, "weight index", index, v->program->weight_count - 1);
    }
    const met_weight *weight = &v->program->weights[index];
    if (weight->rows != rows) return wrong(v, operand, "rows", weight->rows, rows);
    if (weight->cols != cols) return wrong(v, operand, "cols", weight->cols, cols);
    if (type >= 0 && weight->type != (met_dtype)type) {
        return wrong(v, operand, "type", (int64_t)weight->type, type);
    }
    if (weight->type == MET_DTYPE_Q8_0 && cols % MET_Q8_BLOCK != 0) {
        return wrong(v, operand, "cols modulo 32", cols % MET_Q8_BLOCK, 0);
    }
    return MET_OK;
}

static int32_t width(const verifier *v, int32_t index)
{
    if (index < 0 || index >= v->program->activation_count) return -1;
    return v->program->activations[index].cols;
}

static met_rows rows_of(const verifier *v, int32_t index)
{
    return v->program->activations[index].rows;
}

static met_status check_same_rows(const verifier *v, const char *operand, int32_t a, int32_t b)
{
    if (rows_of(v, a) == rows_of(v, b)) return MET_OK;
    return wrong(v, operand, "kind of rows", (int64_t)rows_of(v, a), (int64_t)rows_of(v, b));
}

static met_status check_matmul(verifier *v)
{
    const met_op *op = v->op;
    int32_t most = op->swiglu ? 2 : MET_MATMUL_WEIGHTS_MAX;
    if (op->weights < (op->swiglu ? 2 : 1) || op->weights > most) {
        return wrong(v, "weights", "count", op->weights, most);
    }
    met_status status = check_read(v, "in", op->in, width(v, op->in));
    if (status == MET_OK && op->residual != MET_NONE) {
        if (op->weights != 1) return wrong(v, "residual", "weights", op->weights, 1);
        status = check_read(v, "residual", op->residual, width(v, op->out[0]));
        if (status == MET_OK) status = check_same_rows(v, "residual", op->residual, op->in);
    }
    for (int32_t i = 0; i < op->weights && status == MET_OK; i++) {
        int32_t out = op->swiglu ? op->out[0] : op->out[i];
        if (out == op->in) return wrong(v, "out", "distance to in", 0, 1);
        status = check_write(v, "out", out, width(v, out));
        if (status == MET_OK) status = check_same_rows(v, "out", out, op->in);
        if (status == MET_OK) {
            status = check_weight(v, "weight", op->weight[i], width(v, out), width(v, op->in), -1);
        }
        if (status == MET_OK && op->bias[i] != MET_NONE) {
            if (op->swiglu) return wrong(v, "bias", "with swiglu", 1, 0);
            status = check_weight(v, "bias", op->bias[i], 1, width(v, out), MET_DTYPE_F32);
        }
    }
    return status;
}

static met_status check_layer(const verifier *v)
{
    if (v->op->layer >= 0 && v->op->layer < v->program->layers) return MET_OK;
    return wrong(v, "layer", "index", v->op->layer, v->program->layers - 1);
}

static met_status check_op(verifier *v)
{
    const met_program *program = v->program;
    const met_op *op = v->op;
    int32_t kv_cols = program->kv_heads * program->head_dim;
    met_status status = MET_OK;

    switch (op->kind) {
    case MET_OP_EMBED:
        status = check_write(v, "out", op->out[0], width(v, op->out[0]));
        if (status != MET_OK) return status;
        return check_weight(v, "weight", op->weight[0], program->vocab, width(v, op->out[0]), -1);
    case MET_OP_RMSNORM:
        status = check_read(v, "in", op->in, width(v, op->in));
        if (status == MET_OK) status = check_write(v, "out", op->out[0], width(v, op->in));
        if (status == MET_OK) status = check_same_rows(v, "out", op->out[0], op->in);
        if (status != MET_OK) return status;
        return check_weight(v, "weight", op->weight[0], 1, width(v, op->in), MET_DTYPE_F32);
    case MET_OP_MATMUL: return check_matmul(v);
    case MET_OP_ROPE:
        status = check_read(v, "in", op->in, op->heads * program->head_dim);
        if (status != MET_OK) return status;
        return check_write(v, "out", op->out[0], op->heads * program->head_dim);
    case MET_OP_KV_APPEND:
        status = check_layer(v);
        if (status == MET_OK) status = check_read(v, "keys", op->in, kv_cols);
        if (status == MET_OK) status = check_read(v, "values", op->in2, kv_cols);
        if (status == MET_OK) v->appended[op->layer] = true;
        return status;
    case MET_OP_ATTENTION:
        status = check_layer(v);
        if (status != MET_OK) return status;
        if (!v->appended[op->layer]) return wrong(v, "cache", "appended before it is read", 0, 1);
        if (op->heads <= 0 || op->heads % program->kv_heads != 0) {
            return wrong(v, "heads", "multiple of kv_heads", op->heads, program->kv_heads);
        }
        status = check_read(v, "in", op->in, op->heads * program->head_dim);
        if (status != MET_OK) return status;
        return check_write(v, "out", op->out[0], op->heads * program->head_dim);
    case MET_OP_LAST_ROW:
        status = check_read(v, "in", op->in, width(v, op->in));
        if (status == MET_OK) status = check_write(v, "out", op->out[0], width(v, op->in));
        if (status != MET_OK) return status;
        if (rows_of(v, op->in) != MET_ROWS_TOKENS) return wrong(v, "in", "kind of rows", 1, 0);
        if (rows_of(v, op->out[0]) != MET_ROWS_LOGITS) {
            return wrong(v, "out", "kind of rows", 0, 1);
        }
        return MET_OK;
    }
    return wrong(v, "op", "kind", (int64_t)op->kind, MET_OP_KINDS - 1);
}

/* Numbers that every op relies on. */
static met_status check_header(const met_program *program, met_error *err)
{
    if (program->heads <= 0 || program->kv_heads <= 0 || program->head_dim <= 0 ||
        program->vocab <= 0 || program->layers <= 0) {
        return met_fail(err, MET_E_FORMAT,
                        "program: layers %d, heads %d, kv_heads %d, head_dim %d, vocab %d: "
                        "expected all to be positive",
                        program->layers, program->heads, program->kv_heads, program->head_dim,
                        program->vocab);
    }
    if (program->head_dim % 2 != 0) {
        return met_fail(err, MET_E_FORMAT, "program: head_dim is %d, expected an even number",
                        program->head_dim);
    }
    return MET_OK;
}

met_status met_program_verify(const met_program *program, met_error *err)
{
    met_status status = check_header(program, err);
    if (status != MET_OK) return status;
    verifier v = {.program = program, .err = err};
    v.written = calloc((size_t)program->activation_count + 1, sizeof *v.written);
    v.appended = calloc((size_t)program->layers, sizeof *v.appended);
    if (v.written == NULL || v.appended == NULL) {
        status = met_fail_memory(err, "program verifier", (size_t)program->activation_count);
        goto done;
    }
    for (int32_t i = 0; i < program->op_count && status == MET_OK; i++) {
        v.op = &program->ops[i];
        v.op_index = i;
        status = check_op(&v);
    }
    if (status != MET_OK) goto done;
    if (program->logits < 0 || program->logits >= program->activation_count ||
        !v.written[program->logits] ||
        program->activations[program->logits].cols != program->vocab ||
        program->activations[program->logits].rows != MET_ROWS_LOGITS) {
        status = met_fail(err, MET_E_FORMAT,
                          "program: logits: activation %d is not written as %d columns of logits "
                          "rows",
                          program->logits, program->vocab);
    }
done:
    free(v.written);
    free(v.appended);
    return status;
}
