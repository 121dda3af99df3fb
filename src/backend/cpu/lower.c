/* Owns: the lowering of a program to phases. The invariant: ops are taken in order, each exactly
 * once; an op joins its neighbour only where nobody else can see the difference. */
#include "backend/cpu/cpu.h"

#include "base/error.h"

#include <math.h>
#include <stdlib.h>

/* Whether any op but `but` reads the value that op `from` leaves in `activation`. */
static bool read_elsewhere(const met_program *program, int32_t from, int32_t but,
                           int32_t activation)
{
    if (activation == program->logits) return true;
    for (int32_t i = from + 1; i < program->op_count; i++) {
        const met_op *op = &program->ops[i];
        bool reads = op->in == activation || op->in2 == activation || op->residual == activation;
        if (reads && i != but) return true;
        for (int32_t j = 0; j < MET_MATMUL_WEIGHTS_MAX; j++) {
            if (op->out[j] == activation) return false; /* a new value from here on */
        }
    }
    return false;
}

static bool is_op(const met_program *program, int32_t index, met_op_kind kind)
{
    return index < program->op_count && program->ops[index].kind == kind;
}

/* rope q, rope k, kv_append, attention in one layer; returns how many ops it took, 0: no match. */
static int32_t match_attention(const met_program *program, int32_t at, cpu_phase *phase)
{
    int32_t next = at;
    const met_op *ropes[2] = {NULL, NULL};
    for (int32_t i = 0; i < 2 && is_op(program, next, MET_OP_ROPE); i++) {
        ropes[i] = &program->ops[next++];
        if (ropes[i]->in != ropes[i]->out[0]) return 0;
    }
    if (!is_op(program, next, MET_OP_KV_APPEND)) return 0;
    if (!is_op(program, next + 1, MET_OP_ATTENTION)) return 0;
    phase->kind = CPU_PHASE_ATTENTION;
    phase->append = &program->ops[next];
    phase->op = &program->ops[next + 1];
    for (int32_t i = 0; i < 2 && ropes[i] != NULL; i++) {
        if (ropes[i]->in == phase->op->in)
            phase->rope_q = true;
        else if (ropes[i]->in == phase->append->in)
            phase->rope_k = true;
        else
            return 0;
    }
    /* The rotated queries and keys live only inside the phase. */
    if (read_elsewhere(program, next + 1, MET_NONE, phase->op->in)) return 0;
    if (read_elsewhere(program, next + 1, MET_NONE, phase->append->in)) return 0;
    return next + 2 - at;
}

/* The phase that begins at op `at`; returns how many ops it took. */
static int32_t match_phase(const met_program *program, int32_t at, cpu_phase *phase)
{
    const met_op *op = &program->ops[at];
    *phase = (cpu_phase){.op = op, .count = 1};
    switch (op->kind) {
    case MET_OP_EMBED: phase->kind = CPU_PHASE_EMBED; return 1;
    case MET_OP_RMSNORM:
        if (is_op(program, at + 1, MET_OP_MATMUL) && op[1].in == op->out[0] &&
            op[1].residual != op->out[0] && !read_elsewhere(program, at, at + 1, op->out[0])) {
            *phase = (cpu_phase){.kind = CPU_PHASE_MATMUL, .op = op + 1, .norm = op};
            return 2;
        }
        phase->kind = CPU_PHASE_NORM;
        return 1;
    case MET_OP_MATMUL: phase->kind = CPU_PHASE_MATMUL; return 1;
    case MET_OP_ROPE:
    case MET_OP_KV_APPEND:
    case MET_OP_ATTENTION: return match_attention(program, at, phase);
    case MET_OP_LAST_ROW:
        phase->kind = CPU_PHASE_LAST_ROW;
        while (is_op(program, at + phase->count, MET_OP_LAST_ROW))
            phase->count++;
        return phase->count;
    }
    return 0;
}

met_status met_cpu_lower(const met_program *program, cpu_loaded *loaded, met_error *err)
{
    const cpu_machine *machine = (const cpu_machine *)loaded->base.machine;
    int32_t half = program->head_dim / 2;
    loaded->program = program;
    loaded->group = program->heads / program->kv_heads;
    loaded->phases = calloc((size_t)program->op_count, sizeof *loaded->phases);
    loaded->rope_frequency = calloc((size_t)half, sizeof *loaded->rope_frequency);
    if (loaded->phases == NULL || loaded->rope_frequency == NULL) {
        return met_fail_memory(err, "cpu program", (size_t)program->op_count * sizeof(cpu_phase));
    }
    for (int32_t i = 0; i < half; i++) {
        /* RoFormer, arXiv:2104.09864, equation 15. */
        loaded->rope_frequency[i] = pow(program->rope_base, -2.0 * i / program->head_dim);
    }
    for (int32_t at = 0; at < program->op_count;) {
        cpu_phase *phase = &loaded->phases[loaded->phase_count];
        int32_t taken = match_phase(program, at, phase);
        if (taken == 0) {
            return met_fail(err, MET_E_DEVICE,
                            "cpu: op %d (%s) has no schedule here: expected rope, kv_append and "
                            "attention together",
                            at, met_op_name(program->ops[at].kind));
        }
        if (phase->kind == CPU_PHASE_MATMUL) {
            int32_t cols = program->activations[phase->op->in].cols;
            if (cols > loaded->max_cols) loaded->max_cols = cols;
            for (int32_t i = 0; machine->vendor != NULL && i < phase->op->weights; i++) {
                met_dtype type = program->weights[phase->op->weight[i]].type;
                if (type != MET_DTYPE_Q8_0) loaded->vendor = true;
            }
        }
        loaded->phase_count++;
        at += taken;
    }
    return MET_OK;
}
