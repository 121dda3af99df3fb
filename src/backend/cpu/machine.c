/* Owns: the CPU machine itself and the walk over the phases of a step.
 *
 * The invariant: every worker walks the same phases and meets every barrier. */
#include "backend/cpu/cpu.h"

#include "base/clock.h"
#include "base/error.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- phases */

static void embed_token(const cpu_run *run, const met_op *op, size_t row)
{
    const met_weight *weight = &run->program->weights[op->weight[0]];
    size_t cols = (size_t)weight->cols;
    size_t row_bytes = met_dtype_row_bytes(weight->type, cols);
    size_t token = (size_t)run->step->tokens[row];
    const uint8_t *from = (const uint8_t *)weight->data + token * row_bytes;
    float *to = cpu_activation(run, op->out[0]) + row * cols;
    switch (weight->type) {
    case MET_DTYPE_F32: memcpy(to, from, row_bytes); return;
    case MET_DTYPE_F16: run->kernels->row_f16((const void *)from, cols, to); return;
    case MET_DTYPE_Q8_0: run->kernels->row_q8(from, cols, to); return;
    }
}

/* cos and sin of every angle that the step's positions need, in double and rounded once. */
static void fill_rotations(const cpu_run *run, size_t row)
{
    size_t half = (size_t)run->program->head_dim / 2;
    double position = run->step->position + (double)row;
    for (size_t i = 0; i < half; i++) {
        double angle = position * run->loaded->rope_frequency[i];
        run->timeline->cosine[row * half + i] = (float)cos(angle);
        run->timeline->sine[row * half + i] = (float)sin(angle);
    }
}

static void run_embed(const cpu_run *run, const met_op *op, int32_t worker, int32_t workers)
{
    size_t begin = 0, end = 0;
    met_team_slice((size_t)run->step->count, 1, worker, workers, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        embed_token(run, op, row);
        fill_rotations(run, row);
    }
}

static void run_norm(const cpu_run *run, const met_op *op, int32_t worker, int32_t workers)
{
    size_t cols = (size_t)run->program->activations[op->in].cols;
    const float *weight = run->program->weights[op->weight[0]].data;
    size_t begin = 0, end = 0;
    met_team_slice((size_t)cpu_rows(run, op->in), 1, worker, workers, &begin, &end);
    for (size_t row = begin; row < end; row++) {
        run->kernels->rmsnorm(cpu_activation(run, op->in) + row * cols, weight, cols, op->eps,
                              cpu_activation(run, op->out[0]) + row * cols);
    }
}

static void run_last_row(const cpu_run *run, const cpu_phase *phase, int32_t worker,
                         int32_t workers)
{
    for (int32_t i = 0; i < phase->count; i++) {
        const met_op *op = &phase->op[i];
        size_t cols = (size_t)run->program->activations[op->in].cols;
        size_t skip = (size_t)(run->step->count - run->logit_rows);
        size_t begin = 0, end = 0;
        met_team_slice((size_t)run->logit_rows * cols, 32, worker, workers, &begin, &end);
        memcpy(cpu_activation(run, op->out[0]) + begin,
               cpu_activation(run, op->in) + skip * cols + begin, (end - begin) * sizeof(float));
    }
}

/* Worker 0, before the barrier of phase `index`: when the step is to end, it ends there. A worker
 * that is still behind the barrier before may see it already, and it is not its phase yet. */
static void note_last_phase(const cpu_run *run, int32_t index)
{
    if (cpu_goes_on(run, 0)) return;
    atomic_store_explicit(&run->stop->phase, index, memory_order_relaxed);
}

/* Behind the barrier of phase `index`: the same answer for every worker. */
static bool is_last_phase(const cpu_run *run, int32_t index)
{
    return run->stop != NULL &&
           atomic_load_explicit(&run->stop->phase, memory_order_relaxed) <= index;
}

/* One step on one worker. */
static void run_phases(void *arg, int32_t worker, int32_t workers)
{
    const cpu_run *run = arg;
    bool timed = met_cpu_profile_wanted(run, worker);
    uint64_t begin = timed ? met_clock_ns() : 0;
    if (timed) met_cpu_profile_begin(run, worker, begin);
    for (int32_t i = 0; i < run->loaded->phase_count; i++) {
        const cpu_phase *phase = &run->loaded->phases[i];
        switch (phase->kind) {
        case CPU_PHASE_EMBED: run_embed(run, phase->op, worker, workers); break;
        case CPU_PHASE_NORM: run_norm(run, phase->op, worker, workers); break;
        case CPU_PHASE_MATMUL: met_cpu_run_matmul(run, phase, worker, workers); break;
        case CPU_PHASE_ATTENTION: met_cpu_run_attention(run, phase, i, worker, workers); break;
        case CPU_PHASE_LAST_ROW:
            if (run->logit_rows == 0) return; /* all workers: nothing after it is wanted */
            run_last_row(run, phase, worker, workers);
            break;
        }
        uint64_t done = timed ? met_clock_ns() : 0;
        if (worker == 0) note_last_phase(run, i);
        met_team_barrier(run->team, worker);
        if (timed) {
            uint64_t end = met_clock_ns();
            met_cpu_profile_phase(run, i, worker, begin, done, end);
            begin = end;
        }
        if (is_last_phase(run, i)) return;
    }
}

static met_status cpu_step(met_timeline *base, const met_step *step, const float **logits,
                           met_error *err)
{
    cpu_timeline *timeline = (cpu_timeline *)base;
    const cpu_loaded *loaded = (const cpu_loaded *)base->loaded;
    cpu_machine *machine = (cpu_machine *)base->loaded->machine;
    met_status status = met_cpu_timeline_prepare(timeline, step, err);
    if (status != MET_OK) return status;
    for (int32_t i = 0; i < loaded->phase_count; i++)
        atomic_init(&timeline->cursors[i], 0);

    cpu_run run = {
        .timeline = timeline,
        .loaded = loaded,
        .program = loaded->program,
        .kernels = &machine->kernels,
        .vendor = machine->vendor,
        .team = machine->team,
        .step = step,
    };
    cpu_stop stop;
    atomic_init(&stop.asked, false);
    atomic_init(&stop.phase, INT_MAX);
    if (step->go_on != NULL) run.stop = &stop;
    switch (step->want) {
    case MET_WANT_NONE: run.logit_rows = 0; break;
    case MET_WANT_LAST: run.logit_rows = 1; break;
    case MET_WANT_ALL: run.logit_rows = step->count; break;
    }
    if (step->trace != NULL) met_cpu_profile_step(&run);
    pthread_mutex_lock(&machine->mutex);
    met_team_run(machine->team, run_phases, &run);
    pthread_mutex_unlock(&machine->mutex);
    if (run.stop != NULL) *step->stopped = atomic_load(&stop.asked);
    if (logits != NULL) {
        *logits = run.logit_rows == 0 ? NULL : cpu_activation(&run, loaded->program->logits);
    }
    return MET_OK;
}

/* ---------------------------------------------------------------- lifetimes */

static void cpu_unload(met_loaded *base)
{
    if (base == NULL) return;
    cpu_loaded *loaded = (cpu_loaded *)base;
    free(loaded->phases);
    free(loaded->rope_frequency);
    free(loaded);
}

static met_status cpu_load(met_machine *machine, const met_program *program, met_loaded **out,
                           met_error *err)
{
    *out = NULL;
    cpu_loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL) return met_fail_memory(err, "cpu program", sizeof *loaded);
    loaded->base.machine = machine;
    met_status status = met_cpu_lower(program, loaded, err);
    if (status != MET_OK) {
        cpu_unload(&loaded->base);
        return status;
    }
    met_cpu_profile_load((const cpu_machine *)machine, loaded);
    *out = &loaded->base;
    return MET_OK;
}

static void cpu_close(met_machine *base)
{
    if (base == NULL) return;
    cpu_machine *machine = (cpu_machine *)base;
    if (machine->team != NULL) met_cpu_profile_close(machine);
    met_team_free(machine->team);
    met_cpu_vendor_close(machine->vendor);
    pthread_mutex_destroy(&machine->mutex);
    free(machine);
}

static void cpu_describe(const met_machine *base, met_context_info *info)
{
    const cpu_machine *machine = (const cpu_machine *)base;
    info->backend = base->ops->name;
    info->isa = machine->kernels.name;
    info->choice = machine->choice;
    info->matmul = machine->matmul;
    info->threads = met_team_threads(machine->team);
}

static const met_machine_ops cpu_ops = {
    .name = "cpu",
    .close = cpu_close,
    .describe = cpu_describe,
    .load = cpu_load,
    .unload = cpu_unload,
    .timeline_create = met_cpu_timeline_create,
    .timeline_free = met_cpu_timeline_free,
    .step = cpu_step,
    .timeline_reserve = met_cpu_timeline_reserve,
    .timeline_memory = met_cpu_timeline_memory,
    .profile = met_cpu_profile,
    .op_times = met_cpu_op_times,
    .measure = met_cpu_measure,
    .max_step_tokens = CPU_STEP_TOKENS_MAX,
};

/* The level asked for by name, or the highest that this processor has. */
static met_status choose_level(const char *isa, int32_t *level, met_error *err)
{
    bool highest = isa == NULL || strcmp(isa, "auto") == 0;
    for (int32_t i = met_cpu_level_count() - 1; i >= 0; i--) {
        const char *name = met_cpu_level_name(i);
        if (!highest && strcmp(isa, name) != 0) continue;
        *level = i;
        if (met_cpu_level_available(i)) return MET_OK;
        if (!highest) {
            return met_fail(err, MET_E_DEVICE,
                            "cpu: ISA level %s is not available on this processor", name);
        }
    }
    char known[128] = "auto";
    for (int32_t i = 0; i < met_cpu_level_count(); i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, ", %s", met_cpu_level_name(i));
    }
    return met_fail(err, MET_E_ARGUMENT, "cpu: ISA level \"%s\" is not known, expected one of %s",
                    isa, known);
}

/* "auto" is native: its bits are the contract's, and it is the faster one (docs/MATMUL.md). */
static met_status choose_matmul(const struct met_machine_options *options, cpu_machine *machine,
                                met_error *err)
{
    static const struct {
        const char *name;
        bool vendor;
    } choices[] = {
        {"auto", false}, {"native", false}, {"mlx", false}, {"vendor", true}, {"mps", true}};
    const char *asked = options->matmul == NULL ? "auto" : options->matmul;
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(asked, choices[i].name) != 0) continue;
        snprintf(machine->matmul, sizeof machine->matmul, "native");
        if (!choices[i].vendor) return MET_OK;
        met_status status = met_cpu_vendor_open(options->vendor_libraries, &machine->vendor, err);
        if (status != MET_OK) return status;
        snprintf(machine->matmul, sizeof machine->matmul, "vendor: %s",
                 met_cpu_vendor_library(machine->vendor));
        return MET_OK;
    }
    return met_fail(err, MET_E_ARGUMENT,
                    "matmul: found \"%.64s\", expected auto, native, vendor, mlx or mps", asked);
}

/* What was chosen, and what this processor has besides. */
static void log_choice(const cpu_machine *machine)
{
    const met_log *log = &machine->base.log;
    int32_t threads = met_team_threads(machine->team);
    char text[256] = "";
    size_t used = 0;

    MET_LOG(log, MET_LOG_INFO, "%s, matmul %s", machine->choice, machine->matmul);
    if (met_team_crowded(machine->team)) {
        MET_LOG(log, MET_LOG_INFO, "cpu: %d threads share %d cores: fewer would be faster", threads,
                met_team_cores());
    }
    if (!met_log_on(log, MET_LOG_DEBUG)) return;
    for (int32_t i = 0; i < met_cpu_level_count() && used < sizeof text; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, " %s%s", met_cpu_level_name(i),
                                 met_cpu_level_available(i) ? "" : " (not here)");
    }
    MET_LOG(log, MET_LOG_DEBUG, "cpu: levels of this build:%s", text);
    used = 0;
    for (int32_t i = 1; i < threads && used < sizeof text; i++) {
        int32_t cpu = met_team_cpu(machine->team, i);
        if (cpu < 0) break;
        used += (size_t)snprintf(text + used, sizeof text - used, " %d", cpu);
    }
    MET_LOG(log, MET_LOG_DEBUG, "cpu: the caller's thread is a worker%s%s",
            used > 0 ? ", the others are pinned to CPU" : "", used > 0 ? text : "");
}

met_status met_cpu_machine_open(const struct met_machine_options *options, met_machine **out,
                                met_error *err)
{
    int32_t level = 0;
    int32_t threads = options->threads == 0 ? met_team_cores() : options->threads;
    *out = NULL;
    if (threads < 1 || threads > MET_TEAM_THREADS_MAX) {
        return met_fail(err, MET_E_ARGUMENT, "threads: found %d, expected 1 to %d, or 0 to choose",
                        options->threads, MET_TEAM_THREADS_MAX);
    }
    met_status status = choose_level(options->isa, &level, err);
    if (status != MET_OK) return status;
    cpu_machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) return met_fail_memory(err, "cpu machine", sizeof *machine);
    machine->base.ops = &cpu_ops;
    machine->base.log = options->log;
    machine->recorder = options->recorder;
    machine->kernels = met_cpu_level_kernels(level);
    machine->base.isa = machine->kernels.isa;
    pthread_mutex_init(&machine->mutex, NULL);
    status = choose_matmul(options, machine, err);
    if (status == MET_OK) status = met_team_create(threads, &machine->team, err);
    if (status != MET_OK) {
        cpu_close(&machine->base);
        return status;
    }
    met_cpu_profile_open(machine);
    snprintf(machine->choice, sizeof machine->choice, "cpu: level %s, %d %s", machine->kernels.name,
             threads, threads == 1 ? "thread" : "threads");
    log_choice(machine);
    *out = &machine->base;
    return MET_OK;
}
