/* Owns: building a program. Does not judge it (verify.c) nor place its activations (plan.c).
 *
 * The invariant: tables only grow, and indices handed out stay valid. */
#include "program/program.h"

#include "base/error.h"

#include <string.h>

void met_program_init(met_program *program)
{
    memset(program, 0, sizeof *program);
    program->logits = MET_NONE;
}

void met_program_free(met_program *program)
{
    met_arena_free(&program->arena);
    memset(program, 0, sizeof *program);
    program->logits = MET_NONE;
}

/* Room for one more element of a table in the arena; doubling leaves the old copy to the arena. */
static void *grow(met_program *program, void *table, int32_t count, int32_t *capacity,
                  size_t element_bytes)
{
    if (count < *capacity) return table;
    int32_t wanted = *capacity == 0 ? 64 : 2 * *capacity;
    void *larger = met_arena_array(&program->arena, (size_t)wanted, element_bytes);
    if (larger == NULL) {
        program->failed = true;
        return table;
    }
    if (count > 0) memcpy(larger, table, (size_t)count * element_bytes);
    *capacity = wanted;
    return larger;
}

int32_t met_program_add_weight(met_program *program, met_weight weight)
{
    program->weights = grow(program, program->weights, program->weight_count,
                            &program->weight_capacity, sizeof *program->weights);
    if (program->failed) return MET_NONE;
    program->weights[program->weight_count] = weight;
    return program->weight_count++;
}

int32_t met_program_add_activation(met_program *program, const char *name, met_rows rows,
                                   int32_t cols)
{
    program->activations = grow(program, program->activations, program->activation_count,
                                &program->activation_capacity, sizeof *program->activations);
    if (program->failed) return MET_NONE;
    met_activation *activation = &program->activations[program->activation_count];
    activation->name = name;
    activation->rows = rows;
    activation->cols = cols;
    return program->activation_count++;
}

met_op met_op_make(met_op_kind kind, int32_t layer)
{
    met_op op = {.kind = kind, .layer = layer, .in = MET_NONE, .in2 = MET_NONE,
                 .residual = MET_NONE};
    for (int32_t i = 0; i < MET_MATMUL_WEIGHTS_MAX; i++) {
        op.out[i] = MET_NONE;
        op.weight[i] = MET_NONE;
        op.bias[i] = MET_NONE;
    }
    return op;
}

void met_program_add_op(met_program *program, met_op op)
{
    program->ops = grow(program, program->ops, program->op_count, &program->op_capacity,
                        sizeof *program->ops);
    if (program->failed) return;
    program->ops[program->op_count++] = op;
}

met_status met_program_seal(met_program *program, met_error *err)
{
    if (program->failed) return met_fail_memory(err, "program", program->arena.bytes);
    met_status status = met_program_verify(program, err);
    return status != MET_OK ? status : met_program_plan(program, err);
}

const char *met_op_name(met_op_kind kind)
{
    switch (kind) {
    case MET_OP_EMBED: return "embed";
    case MET_OP_RMSNORM: return "rmsnorm";
    case MET_OP_MATMUL: return "matmul";
    case MET_OP_ROPE: return "rope";
    case MET_OP_KV_APPEND: return "kv_append";
    case MET_OP_ATTENTION: return "attention";
    case MET_OP_LAST_ROW: return "last_row";
    }
    return "?";
}
