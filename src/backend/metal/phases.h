/* A program as the Metal machine runs it: phases, each a dispatch or two between barriers.
 *
 * Plain C: what is fused is decided here, how it is encoded in encode.m. */
#ifndef MET_BACKEND_METAL_PHASES_H
#define MET_BACKEND_METAL_PHASES_H

#include "program/program.h"

typedef enum metal_phase_kind {
    METAL_PHASE_EMBED = 0,
    METAL_PHASE_NORM,      /* a norm that could not be fused */
    METAL_PHASE_MATMUL,    /* norm (when `norm` is set), product, epilogue; rope and append too */
    METAL_PHASE_SWIGLU,    /* of a gate and an up that could not be multiplied together */
    METAL_PHASE_ATTENTION,
} metal_phase_kind;

/* A kernel multiplies weights of one type. Where those of an op differ, each type is a phase of its
 * own; gate and up then leave their sums, and a SWIGLU phase makes the output of them. */
typedef struct metal_phase {
    metal_phase_kind kind;
    const met_op *op;     /* the op itself */
    const met_op *norm;   /* MATMUL: the norm whose output only this op reads */
    const met_op *append; /* MATMUL with keys or values: the append that follows */
    bool rotate[MET_MATMUL_WEIGHTS_MAX]; /* MATMUL: this output of the op is rotated */
    int32_t weight[MET_MATMUL_WEIGHTS_MAX]; /* MATMUL, SWIGLU: [weights] which of the op's */
    int32_t weights;
    bool leaves_sums;     /* MATMUL: one weight, its sums go to where the SWIGLU phase looks */
    bool after_logits;    /* runs only where logits are asked for, on their rows */
} metal_phase;

/* Whether the phase takes gate and up to one output. */
static inline bool metal_phase_swiglu(const metal_phase *phase)
{
    return phase->op->swiglu && !phase->leaves_sums;
}

typedef struct metal_phases {
    metal_phase *list; /* [count] */
    int32_t count;
    /* [activations] the activation of all tokens whose last rows this one is, or MET_NONE: what a
     * LAST_ROW copies is read in place. */
    int32_t *alias;
    int32_t max_cols;   /* widest input of a product */
    int32_t max_output; /* most outputs of one product, all its weights together */
    bool leaves_sums;   /* some phase does */
} metal_phases;

/* MET_E_DEVICE names the op that has no schedule here. `out` is to be freed also on failure. */
met_status met_metal_lower(const met_program *program, metal_phases *out, met_error *err);
/* Accepts zeroed storage. */
void met_metal_phases_free(metal_phases *phases);

#endif
