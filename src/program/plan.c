/* Owns: the place of every activation. Two blocks, one for each kind of rows; within a block
 * activations whose lives do not overlap share room.
 *
 * The invariant: two activations that are alive at the same op never overlap. What an op reads
 * stays alive through the op after it, because machines fuse neighbours: while some workers still
 * read the first op's input, others already write the second op's output. */
#include "program/program.h"

#include "base/checked.h"
#include "base/error.h"

#include <stdlib.h>

enum { PLACE_GRAIN = 16 }; /* floats: one cache line */

typedef struct life {
    int32_t first; /* op that writes it first; INT32_MAX: never used */
    int32_t last;  /* last op that touches it */
} life;

static void touch(life *lives, int32_t activation, int32_t op)
{
    if (activation == MET_NONE) return;
    if (op < lives[activation].first) lives[activation].first = op;
    if (op > lives[activation].last) lives[activation].last = op;
}

static void find_lives(const met_program *program, life *lives)
{
    for (int32_t i = 0; i < program->activation_count; i++) {
        lives[i] = (life){INT32_MAX, -1};
    }
    for (int32_t i = 0; i < program->op_count; i++) {
        const met_op *op = &program->ops[i];
        const int32_t inputs[3] = {op->in, op->in2, op->residual};
        for (int32_t j = 0; j < 3; j++) {
            touch(lives, inputs[j], i);
            touch(lives, inputs[j], i + 1);
        }
        for (int32_t j = 0; j < MET_MATMUL_WEIGHTS_MAX; j++) touch(lives, op->out[j], i);
    }
    lives[program->logits].last = INT32_MAX; /* read by the host after the step */
}

static int64_t end_of(const met_activation *activation)
{
    return activation->offset_cols + (int64_t)met_align_up((size_t)activation->cols, PLACE_GRAIN);
}

/* The lowest place of `index` among the activations before it that live at the same time. */
static int64_t find_place(const met_program *program, const life *lives, int32_t index)
{
    const met_activation *self = &program->activations[index];
    int64_t place = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int32_t i = 0; i < index; i++) {
            const met_activation *other = &program->activations[i];
            bool together = other->rows == self->rows && lives[i].first <= lives[index].last &&
                            lives[index].first <= lives[i].last;
            if (together && place < end_of(other) && other->offset_cols < place + self->cols) {
                place = end_of(other);
                moved = true;
            }
        }
    }
    return place;
}

met_status met_program_plan(met_program *program, met_error *err)
{
    size_t count = (size_t)program->activation_count;
    life *lives = malloc((count + 1) * sizeof *lives);
    if (lives == NULL) return met_fail_memory(err, "program planner", count * sizeof *lives);
    find_lives(program, lives);
    program->scratch_cols[MET_ROWS_TOKENS] = 0;
    program->scratch_cols[MET_ROWS_LOGITS] = 0;
    for (int32_t i = 0; i < program->activation_count; i++) {
        met_activation *activation = &program->activations[i];
        activation->offset_cols = find_place(program, lives, i);
        int64_t end = end_of(activation);
        int64_t *total = &program->scratch_cols[activation->rows];
        if (end > *total) *total = end;
    }
    free(lives);
    return MET_OK;
}
