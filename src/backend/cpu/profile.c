/* Owns: what every phase cost while a timeline is profiled. Does not own any clock reading in a
 * phase: machine.c takes them around it.
 *
 * The invariant: only worker 0 writes, between two barriers. */
#include "backend/cpu/cpu.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

met_status met_cpu_profile(met_timeline *base, bool on, met_error *err)
{
    cpu_timeline *timeline = (cpu_timeline *)base;
    const cpu_loaded *loaded = (const cpu_loaded *)base->loaded;
    cpu_phase_time *times = NULL;
    if (on) {
        times = calloc((size_t)loaded->phase_count, sizeof *times);
        if (times == NULL) {
            return met_fail_memory(err, "profile", (size_t)loaded->phase_count * sizeof *times);
        }
    }
    free(timeline->times);
    timeline->times = times;
    return MET_OK;
}

void met_cpu_profile_phase(const cpu_run *run, int32_t index, uint64_t begin_ns, uint64_t done_ns,
                           uint64_t end_ns)
{
    const cpu_phase *phase = &run->loaded->phases[index];
    cpu_phase_time *time = &run->timeline->times[index];
    uint64_t tokens = phase->op->in == MET_NONE ? (uint64_t)run->step->count
                                                : (uint64_t)cpu_rows(run, phase->op->in);
    if (tokens == 0) return; /* logits that nobody asked for */
    time->calls++;
    time->tokens += tokens;
    time->busy_ns += done_ns - begin_ns;
    time->wait_ns += end_ns - done_ns;
    if (phase->kind == CPU_PHASE_ATTENTION) {
        /* A tile of queries reads every block up to its last token once. */
        for (int32_t t = 0; t < run->step->count; t += CPU_QUERY_TILE) {
            int32_t last = t + CPU_QUERY_TILE < run->step->count ? t + CPU_QUERY_TILE
                                                                 : run->step->count;
            int32_t blocks = (run->step->position + last - 1) / MET_KEY_BLOCK + 1;
            time->keys += (uint64_t)blocks * (uint64_t)run->program->kv_heads;
        }
    }
}

static const char *work_of(const cpu_phase *phase)
{
    switch (phase->kind) {
    case CPU_PHASE_EMBED: return "embed";
    case CPU_PHASE_NORM: return "rmsnorm";
    case CPU_PHASE_MATMUL:
        if (phase->norm == NULL) return phase->op->swiglu ? "matmul, swiglu" : "matmul";
        return phase->op->swiglu ? "rmsnorm, matmul, swiglu" : "rmsnorm, matmul";
    case CPU_PHASE_ATTENTION: return "rope, kv_append, attention";
    case CPU_PHASE_LAST_ROW: return "last_row";
    }
    return "?";
}

/* Weights are read once a call, whatever the number of tokens: that is what a step has to move. */
static void count_weights(const met_program *program, const cpu_phase *phase,
                          const cpu_phase_time *time, met_op_time *out)
{
    for (int32_t i = 0; i < phase->op->weights; i++) {
        const met_weight *weight = &program->weights[phase->op->weight[i]];
        uint64_t elements = (uint64_t)weight->rows * (uint64_t)weight->cols;
        out->bytes += time->calls * (uint64_t)weight->rows *
                      met_dtype_row_bytes(weight->type, (size_t)weight->cols);
        out->macs += time->tokens * elements;
    }
    out->weight = program->weights[phase->op->weight[0]].name;
}

size_t met_cpu_op_times(const met_timeline *base, met_op_time *out, size_t capacity)
{
    const cpu_timeline *timeline = (const cpu_timeline *)base;
    const cpu_loaded *loaded = (const cpu_loaded *)base->loaded;
    const met_program *program = loaded->program;
    if (timeline->times == NULL) return 0;
    for (size_t i = 0; i < (size_t)loaded->phase_count && i < capacity; i++) {
        const cpu_phase *phase = &loaded->phases[i];
        const cpu_phase_time *time = &timeline->times[i];
        out[i] = (met_op_time){
            .work = work_of(phase),
            .weight = {"", 0},
            .layer = phase->op->layer,
            .calls = time->calls,
            .seconds = (double)time->busy_ns * 1e-9,
            .wait_seconds = (double)time->wait_ns * 1e-9,
        };
        if (phase->kind == CPU_PHASE_MATMUL) count_weights(program, phase, time, &out[i]);
        if (phase->kind == CPU_PHASE_ATTENTION) {
            out[i].bytes = time->keys * 2 * MET_KEY_BLOCK *
                           met_dtype_row_bytes(timeline->kv_type, (size_t)program->head_dim);
        }
    }
    return (size_t)loaded->phase_count;
}
