/* Owns: which ops become one phase. Does not own how a phase is encoded.
 *
 * The invariant: ops are taken in order, each exactly once; an op joins its neighbour only where
 * nobody else can see the difference. */
#include "backend/metal/phases.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* A product has one for each of its weights at most, or gate, up and what takes them together. */
enum { PHASES_OF_OP = MET_MATMUL_WEIGHTS_MAX };

static bool reads(const met_op *op, int32_t activation)
{
    return op->in == activation || op->in2 == activation || op->residual == activation;
}

static bool writes(const met_op *op, int32_t activation)
{
    for (int32_t i = 0; i < MET_MATMUL_WEIGHTS_MAX; i++) {
        if (op->out[i] == activation) return true;
    }
    return false;
}

/* Whether any op from `from` on, but `but`, reads the value that `activation` has before `from`. */
static bool read_later(const met_program *program, int32_t from, int32_t but, int32_t activation)
{
    if (activation == program->logits) return true;
    for (int32_t i = from; i < program->op_count; i++) {
        if (i != but && reads(&program->ops[i], activation)) return true;
        if (writes(&program->ops[i], activation)) return false;
    }
    return false;
}

static bool is_op(const met_program *program, int32_t index, met_op_kind kind)
{
    return index < program->op_count && program->ops[index].kind == kind;
}

/* After a product of queries, keys and values: rope in place, append. Returns how many ops follow
 * the product into its phase, 0: it is a product like any other. */
static int32_t match_append(const met_program *program, int32_t at, metal_phase *phase)
{
    const met_op *product = &program->ops[at];
    int32_t next = at + 1;
    bool rotate[MET_MATMUL_WEIGHTS_MAX] = {false};
    if (product->weights != 3) return 0;
    for (; is_op(program, next, MET_OP_ROPE); next++) {
        const met_op *rope = &program->ops[next];
        if (rope->in != rope->out[0]) return 0;
        if (rope->in != product->out[0] && rope->in != product->out[1]) return 0;
        bool *mark = &rotate[rope->in == product->out[0] ? 0 : 1];
        if (*mark) return 0; /* twice */
        *mark = true;
    }
    const met_op *append = &program->ops[next];
    if (!is_op(program, next, MET_OP_KV_APPEND)) return 0;
    if (append->in != product->out[1] || append->in2 != product->out[2]) return 0;
    /* Keys and values live on in the cache alone. */
    if (read_later(program, next + 1, MET_NONE, append->in)) return 0;
    if (read_later(program, next + 1, MET_NONE, append->in2)) return 0;
    memcpy(phase->rotate, rotate, sizeof rotate);
    phase->append = append;
    return next - at;
}

/* The phase that begins at op `at`; returns how many ops it took, 0: no schedule. */
static int32_t match_phase(const met_program *program, int32_t at, metal_phase *phase)
{
    const met_op *op = &program->ops[at];
    *phase = (metal_phase){.op = op};
    switch (op->kind) {
    case MET_OP_EMBED: phase->kind = METAL_PHASE_EMBED; return 1;
    case MET_OP_RMSNORM:
        if (is_op(program, at + 1, MET_OP_MATMUL) && op[1].in == op->out[0] &&
            op[1].residual != op->out[0] && !read_later(program, at + 2, MET_NONE, op->out[0])) {
            *phase = (metal_phase){.kind = METAL_PHASE_MATMUL, .op = op + 1, .norm = op};
            return 2 + match_append(program, at + 1, phase);
        }
        phase->kind = METAL_PHASE_NORM;
        return 1;
    case MET_OP_MATMUL:
        phase->kind = METAL_PHASE_MATMUL;
        return 1 + match_append(program, at, phase);
    case MET_OP_ATTENTION: phase->kind = METAL_PHASE_ATTENTION; return 1;
    case MET_OP_ROPE:
    case MET_OP_KV_APPEND:
    case MET_OP_LAST_ROW: return 0;
    }
    return 0;
}

/* The rows that LAST_ROW copies can be used where they are when nothing writes or reads the rows of
 * all tokens afterwards. */
static met_status alias_rows(const met_program *program, int32_t at, metal_phases *phases,
                             met_error *err)
{
    const met_op *op = &program->ops[at];
    for (int32_t i = at + 1; i < program->op_count; i++) {
        const met_op *later = &program->ops[i];
        bool conflict = later->kind != MET_OP_LAST_ROW && reads(later, op->in);
        for (int32_t j = 0; j < MET_MATMUL_WEIGHTS_MAX; j++) {
            int32_t out = later->out[j];
            if (out != MET_NONE && program->activations[out].rows == MET_ROWS_TOKENS) {
                conflict = true;
            }
        }
        if (conflict) {
            return met_fail(err, MET_E_DEVICE,
                            "metal: op %d (last_row): op %d (%s) still works on all tokens, "
                            "expected only rows of logits",
                            at, i, met_op_name(later->kind));
        }
    }
    phases->alias[op->out[0]] = op->in;
    return MET_OK;
}

/* A product as phases, one for each type of its weights: a kernel reads weights of one type. */
static void add_product(const met_program *program, const metal_phase *product,
                        metal_phases *phases)
{
    const met_op *op = product->op;
    bool taken[MET_MATMUL_WEIGHTS_MAX] = {false};
    int32_t first = phases->count;
    for (int32_t i = 0; i < op->weights; i++) {
        if (taken[i]) continue;
        metal_phase *phase = &phases->list[phases->count++];
        *phase = *product;
        phase->append = NULL;
        for (int32_t j = i; j < op->weights; j++) {
            if (program->weights[op->weight[j]].type != program->weights[op->weight[i]].type) {
                continue;
            }
            taken[j] = true;
            phase->weight[phase->weights++] = j;
            if (j > 0) phase->append = product->append; /* keys or values */
        }
    }
    if (!op->swiglu || phases->count == first + 1) return;
    for (int32_t i = first; i < phases->count; i++)
        phases->list[i].leaves_sums = true;
    phases->leaves_sums = true;
    phases->list[phases->count++] = (metal_phase){.kind = METAL_PHASE_SWIGLU,
                                                  .op = op,
                                                  .weight = {0, 1},
                                                  .weights = 2,
                                                  .after_logits = product->after_logits};
}

static void note_sizes(const met_program *program, const metal_phase *phase, metal_phases *phases)
{
    if (phase->kind != METAL_PHASE_MATMUL) return;
    int32_t cols = program->activations[phase->op->in].cols, rows = 0;
    for (int32_t i = 0; i < phase->op->weights; i++)
        rows += program->weights[phase->op->weight[i]].rows;
    if (cols > phases->max_cols) phases->max_cols = cols;
    if (rows > phases->max_output) phases->max_output = rows;
}

met_status met_metal_lower(const met_program *program, metal_phases *out, met_error *err)
{
    size_t ops = (size_t)program->op_count, activations = (size_t)program->activation_count;
    *out = (metal_phases){0};
    out->list = calloc(PHASES_OF_OP * ops + 1, sizeof *out->list);
    out->alias = calloc(activations + 1, sizeof *out->alias);
    if (out->list == NULL || out->alias == NULL) {
        return met_fail_memory(err, "metal program", ops * sizeof *out->list);
    }
    for (size_t i = 0; i < activations; i++)
        out->alias[i] = MET_NONE;
    bool after_logits = false;
    for (int32_t at = 0; at < program->op_count;) {
        if (is_op(program, at, MET_OP_LAST_ROW)) {
            met_status status = alias_rows(program, at++, out, err);
            if (status != MET_OK) return status;
            after_logits = true;
            continue;
        }
        metal_phase phase;
        int32_t taken = match_phase(program, at, &phase);
        if (taken == 0) {
            return met_fail(err, MET_E_DEVICE,
                            "metal: op %d (%s) has no schedule here, expected it after a product "
                            "of queries, keys and values",
                            at, met_op_name(program->ops[at].kind));
        }
        phase.after_logits = after_logits;
        note_sizes(program, &phase, out);
        if (phase.kind == METAL_PHASE_MATMUL) {
            add_product(program, &phase, out);
        } else {
            out->list[out->count++] = phase;
        }
        at += taken;
    }
    return MET_OK;
}

void met_metal_phases_free(metal_phases *phases)
{
    free(phases->list);
    free(phases->alias);
    *phases = (metal_phases){0};
}
