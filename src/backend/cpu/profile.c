/* Owns: what the phases of a step cost: summed up while a timeline is profiled, and as spans when
 * the step is recorded. Does not own any clock reading in a phase: machine.c takes them around it.
 *
 * The invariant: sums and the step's own spans are written by worker 0 alone, between two barriers;
 * another worker has a track of its own. */
#include "backend/cpu/cpu.h"

#include "base/error.h"

#include <stdlib.h>

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

static met_str weight_of(const met_program *program, const cpu_phase *phase)
{
    if (phase->kind != CPU_PHASE_MATMUL) return (met_str){"", 0};
    return program->weights[phase->op->weight[0]].name;
}

/* ---------------------------------------------------------------- costs */

/* Weights are read once, whatever the number of rows: that is what a step has to move. */
static cpu_matmul_cost matmul_cost(const met_program *program, const met_op *op)
{
    cpu_matmul_cost cost = {0, 0};
    for (int32_t i = 0; i < op->weights; i++) {
        const met_weight *weight = &program->weights[op->weight[i]];
        cost.bytes +=
            (uint64_t)weight->rows * met_dtype_row_bytes(weight->type, (size_t)weight->cols);
        cost.macs += (uint64_t)weight->rows * (uint64_t)weight->cols;
    }
    return cost;
}

/* Of keys and values that attention reads in one layer: a tile of queries reads every block up to
 * its last token once. */
static uint64_t attention_bytes(const cpu_run *run)
{
    const met_step *step = run->step;
    uint64_t blocks = 0;
    for (int32_t t = 0; t < step->count; t += CPU_QUERY_TILE) {
        int32_t last = t + CPU_QUERY_TILE < step->count ? t + CPU_QUERY_TILE : step->count;
        blocks += (uint64_t)((step->position + last - 1) / MET_KEY_BLOCK + 1);
    }
    size_t row = met_dtype_row_bytes(run->timeline->kv_type, (size_t)run->program->head_dim);
    return blocks * (uint64_t)run->program->kv_heads * 2 * MET_KEY_BLOCK * row;
}

static cpu_phase_cost cost_of(const cpu_run *run, const cpu_phase *phase)
{
    cpu_phase_cost cost = {.tokens = (uint64_t)run->step->count};
    if (phase->op->in != MET_NONE) cost.tokens = (uint64_t)cpu_rows(run, phase->op->in);
    if (phase->kind == CPU_PHASE_MATMUL) {
        cpu_matmul_cost matmul = matmul_cost(run->program, phase->op);
        cost.bytes = matmul.bytes;
        cost.macs = matmul.macs * cost.tokens;
    }
    if (phase->kind == CPU_PHASE_ATTENTION) cost.bytes = attention_bytes(run);
    return cost;
}

void met_cpu_profile_load(const cpu_machine *machine, cpu_loaded *loaded)
{
    const met_program *program = loaded->program;
    for (int32_t i = 0; i < loaded->phase_count; i++) {
        cpu_phase *phase = &loaded->phases[i];
        phase->weight = met_recorder_intern(machine->recorder, weight_of(program, phase));
        if (phase->kind == CPU_PHASE_ATTENTION) loaded->attentions++;
        if (phase->kind != CPU_PHASE_MATMUL) continue;
        cpu_matmul_cost cost = matmul_cost(program, phase->op);
        cpu_matmul_cost *all = &loaded->matmuls[program->activations[phase->op->in].rows];
        all->bytes += cost.bytes;
        all->macs += cost.macs;
    }
}

void met_cpu_profile_step(const cpu_run *run)
{
    met_trace *trace = run->step->trace;
    const cpu_matmul_cost *tokens = &run->loaded->matmuls[MET_ROWS_TOKENS];
    const cpu_matmul_cost *logits = &run->loaded->matmuls[MET_ROWS_LOGITS];
    trace->bytes = tokens->bytes + (uint64_t)run->loaded->attentions * attention_bytes(run);
    trace->macs = tokens->macs * (uint64_t)run->step->count;
    if (run->logit_rows > 0) trace->bytes += logits->bytes;
    trace->macs += logits->macs * (uint64_t)run->logit_rows;
}

/* ---------------------------------------------------------------- spans */

void met_cpu_profile_open(cpu_machine *machine)
{
    int32_t others = met_team_threads(machine->team) - 1;
    if (machine->recorder == NULL || others == 0) return;
    machine->tracks = met_recorder_open_tracks(machine->recorder, "worker", others);
}

void met_cpu_profile_close(cpu_machine *machine)
{
    met_recorder_close_tracks(machine->recorder, machine->tracks,
                              met_team_threads(machine->team) - 1);
}

/* Worker 0 sees every phase; the others are of interest beside it. */
bool met_cpu_profile_wanted(const cpu_run *run, int32_t worker)
{
    const met_trace *trace = run->step->trace;
    if (worker != 0) return trace != NULL && trace->level >= MET_RECORD_OP;
    return run->timeline->times != NULL || (trace != NULL && trace->level >= MET_RECORD_LAYER);
}

/* From the step's begin to here: memory was made ready, another session's step ended, the team came
 * together. */
void met_cpu_profile_begin(const cpu_run *run, int32_t worker, uint64_t now_ns)
{
    met_trace *trace = run->step->trace;
    if (worker != 0 || trace == NULL || trace->level < MET_RECORD_LAYER) return;
    met_trace_op(trace, &(met_event){.name = "dispatch", .layer = -1, .end_ns = now_ns});
}

void met_cpu_profile_phase(const cpu_run *run, int32_t index, int32_t worker, uint64_t begin_ns,
                           uint64_t done_ns, uint64_t end_ns)
{
    const cpu_phase *phase = &run->loaded->phases[index];
    const cpu_machine *machine = (const cpu_machine *)run->loaded->base.machine;
    met_trace *trace = run->step->trace;
    met_event op = {.name = work_of(phase), .detail = phase->weight, .layer = phase->op->layer};
    if (worker != 0) {
        if (machine->tracks == MET_TRACK_MAIN) return;
        op.track = machine->tracks + worker - 1;
        op.begin_ns = begin_ns;
        op.end_ns = done_ns;
        met_trace_aside(trace, &op);
        return;
    }
    cpu_phase_cost cost = cost_of(run, phase);
    if (run->timeline->times != NULL && cost.tokens > 0) {
        cpu_phase_time *time = &run->timeline->times[index];
        time->calls++;
        time->bytes += cost.bytes;
        time->macs += cost.macs;
        time->busy_ns += done_ns - begin_ns;
        time->wait_ns += end_ns - done_ns;
    }
    if (trace == NULL || trace->level < MET_RECORD_LAYER) return;
    op.end_ns = end_ns;
    op.wait_ns = end_ns - done_ns;
    op.tokens = cost.tokens;
    op.bytes = cost.bytes;
    op.macs = cost.macs;
    met_trace_op(trace, &op);
}

size_t met_cpu_op_times(const met_timeline *base, met_op_time *out, size_t capacity)
{
    const cpu_timeline *timeline = (const cpu_timeline *)base;
    const cpu_loaded *loaded = (const cpu_loaded *)base->loaded;
    if (timeline->times == NULL) return 0;
    for (size_t i = 0; i < (size_t)loaded->phase_count && i < capacity; i++) {
        const cpu_phase *phase = &loaded->phases[i];
        const cpu_phase_time *time = &timeline->times[i];
        out[i] = (met_op_time){
            .work = work_of(phase),
            .weight = weight_of(loaded->program, phase),
            .layer = phase->op->layer,
            .calls = time->calls,
            .bytes = time->bytes,
            .macs = time->macs,
            .seconds = (double)time->busy_ns * 1e-9,
            .wait_seconds = (double)time->wait_ns * 1e-9,
        };
    }
    return (size_t)loaded->phase_count;
}
