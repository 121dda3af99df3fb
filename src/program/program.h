/* The program: a model as a short list of operations over typed operands.
 *
 * Built once for a loaded model, verified, planned, then run by a machine for every step with n
 * tokens (1 = decode, many = prefill). It is data: it can be printed, and each machine lowers it to
 * its own schedule. The meaning is that of the operations run one by one, as the scalar machine
 * does. */
#ifndef MET_PROGRAM_PROGRAM_H
#define MET_PROGRAM_PROGRAM_H

#include "base/arena.h"
#include "base/dtype.h"
#include "metallic.h"

/* Indices into the program's tables; MET_NONE is "no operand". */
enum { MET_NONE = -1, MET_MATMUL_WEIGHTS_MAX = 3 };

typedef struct met_weight {
    met_str name;     /* "blk.0.attn_q.weight" */
    met_dtype type;
    int32_t rows;     /* outputs; 1 for a vector */
    int32_t cols;     /* inputs: contiguous */
    const void *data; /* in the mapping; not owned */
} met_weight;

/* How many rows an activation has in a step of n tokens. */
typedef enum met_rows {
    MET_ROWS_TOKENS = 0, /* n */
    MET_ROWS_LOGITS,     /* as many as logits are asked for: 1 or n */
} met_rows;

typedef struct met_activation {
    const char *name; /* "x", "q"; static */
    met_rows rows;
    int32_t cols;        /* float32 each */
    int64_t offset_cols; /* planner: place within its block, in floats for each row */
} met_activation;

typedef enum met_op_kind {
    MET_OP_EMBED = 0, /* out[0] = rows of weight[0] for the step's token ids, as float32 */
    MET_OP_RMSNORM,   /* out[0] = in / sqrt(mean(in^2) + eps) * weight[0] */
    MET_OP_MATMUL,    /* out[i] = in . weight[i]^T (+ bias[i]) (+ residual); see swiglu */
    MET_OP_ROPE,      /* out[0] = in with each head rotated by position; may be in place */
    MET_OP_KV_APPEND, /* cache of `layer` gets in (keys) and in2 (values) at the step's positions */
    MET_OP_ATTENTION, /* out[0] = causal attention of the queries `in` over the cache of `layer` */
    MET_OP_LAST_ROW,  /* out[0] = the rows of `in` whose logits are asked for */
} met_op_kind;

enum { MET_OP_KINDS = 7 };

typedef struct met_op {
    met_op_kind kind;
    int32_t layer; /* -1: outside the layers */
    int32_t in, in2;
    int32_t out[MET_MATMUL_WEIGHTS_MAX];
    int32_t weight[MET_MATMUL_WEIGHTS_MAX];
    int32_t bias[MET_MATMUL_WEIGHTS_MAX];
    int32_t residual;    /* MATMUL with one weight: added to out[0] */
    int32_t weights;     /* MATMUL: how many */
    bool swiglu;         /* MATMUL with two weights: out[0] = silu(in.w0^T) * (in.w1^T) */
    int32_t heads;       /* ROPE, ATTENTION */
    float eps;           /* RMSNORM */
} met_op;

typedef struct met_program {
    met_arena arena; /* owns the tables */
    met_op *ops;
    met_weight *weights;
    met_activation *activations;
    int32_t op_count, weight_count, activation_count;
    int32_t op_capacity, weight_capacity, activation_capacity; /* internal */
    int32_t layers;
    int32_t heads, kv_heads, head_dim;
    int32_t vocab;          /* cols of the logits */
    int32_t context_length; /* trained */
    double rope_base;
    int32_t logits;         /* activation: the result, never overwritten by a later op */
    /* Planner: floats of scratch for each row, by met_rows. An activation of r rows lies at
     * block + offset_cols * r_max, rows one after the other. */
    int64_t scratch_cols[2];
    /* The file mapping that the weights' data lies in: whole pages of MET_MAPPING_ALIGN, which a
     * GPU reads in place. NULL: they lie anywhere, and must be copied to be read by one. */
    const void *pages;
    size_t page_bytes;
    bool failed; /* an adder ran out of memory */
} met_program;

/* ---------------------------------------------------------------- building
 * Adders return the new index, or MET_NONE when memory is out or an earlier call failed;
 * met_program_seal reports it. */

/* Zeroed storage becomes an empty program. */
void met_program_init(met_program *program);
/* Leaves it zeroed; a zeroed program is accepted. */
void met_program_free(met_program *program);

int32_t met_program_add_weight(met_program *program, met_weight weight);
int32_t met_program_add_activation(met_program *program, const char *name, met_rows rows,
                                   int32_t cols);
/* An op with every operand MET_NONE, to be filled in by a designated assignment. */
met_op met_op_make(met_op_kind kind, int32_t layer);
void met_program_add_op(met_program *program, met_op op);

/* Verify and plan; afterwards the program is immutable. Verification: every operand exists, shapes
 * and types agree, nothing is read before it is written, every key-value append precedes the
 * attention of its layer. MET_E_FORMAT names op, operand, found and expected. */
met_status met_program_seal(met_program *program, met_error *err);

/* "matmul". Static storage. */
const char *met_op_name(met_op_kind kind);

/* One operation a line, operands with shapes and types, then totals. Layers like the first are
 * not repeated. */
met_status met_program_print(const met_program *program, met_text *out, met_error *err);

/* The two halves of met_program_seal, for tests. */
met_status met_program_verify(const met_program *program, met_error *err);
met_status met_program_plan(met_program *program, met_error *err);

#endif
