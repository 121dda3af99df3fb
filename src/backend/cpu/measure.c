/* Owns: the ceilings of this machine, measured with its own team. Does not own the loops: peak.h.
 *
 * The invariant: every worker does the same amount, and the slowest counts: a step waits for it. */
#include "backend/cpu/cpu.h"
#include "backend/cpu/peak.h"

#include "base/clock.h"
#include "base/error.h"

#include <string.h>
#include <sys/mman.h>

enum {
    READ_GRAIN = 1 << 16,
    READ_AHEAD = 4096, /* it hardly matters: docs/BENCHMARKS.md has 18 ways to read */
    ROUNDS = 5
};

static const size_t read_bytes = (size_t)1 << 30;

typedef struct measurement {
    char *memory;
    bool floats;
    double macs; /* of one worker */
    atomic_ullong sink;
} measurement;

static void touch(void *arg, int32_t worker, int32_t workers)
{
    measurement *m = arg;
    size_t begin = 0, end = 0;
    met_team_slice(read_bytes, READ_GRAIN, worker, workers, &begin, &end);
    memset(m->memory + begin, worker + 1, end - begin);
}

static void read_all(void *arg, int32_t worker, int32_t workers)
{
    measurement *m = arg;
    size_t begin = 0, end = 0;
    met_team_slice(read_bytes, READ_GRAIN, worker, workers, &begin, &end);
    atomic_fetch_xor(&m->sink, met_cpu_peak_read(m->memory + begin, end - begin, 1, READ_AHEAD));
}

static void multiply_all(void *arg, int32_t worker, int32_t workers)
{
    (void)workers;
    measurement *m = arg;
    double macs = m->floats ? met_cpu_peak_float_macs() : met_cpu_peak_int8_macs();
    if (worker == 0) m->macs = macs;
}

/* The median of a few runs: one run may have been disturbed, and the best may never come again. */
static double median_seconds(met_team *team, met_team_fn fn, measurement *m)
{
    double sorted[ROUNDS];
    met_team_run(team, fn, m); /* caches, clocks and page tables as in the middle of a run */
    for (int32_t i = 0; i < ROUNDS; i++) {
        double start = met_clock_seconds();
        met_team_run(team, fn, m);
        double seconds = met_clock_seconds() - start;
        int32_t at = i;
        for (; at > 0 && sorted[at - 1] > seconds; at--) sorted[at] = sorted[at - 1];
        sorted[at] = seconds;
    }
    return sorted[ROUNDS / 2];
}

met_status met_cpu_measure(met_machine *base, met_dtype weight_type, met_ceilings *out,
                           met_error *err)
{
    cpu_machine *machine = (cpu_machine *)base;
    measurement m = {.floats = weight_type != MET_DTYPE_Q8_0};
    m.memory = mmap(NULL, read_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m.memory == MAP_FAILED) return met_fail_memory(err, "read ceiling", read_bytes);
#if defined(MADV_HUGEPAGE)
    (void)madvise(m.memory, read_bytes, MADV_HUGEPAGE);
#endif
    pthread_mutex_lock(&machine->mutex);
    met_team_run(machine->team, touch, &m);
    out->read_bytes_per_second =
        (double)read_bytes / median_seconds(machine->team, read_all, &m);
    double seconds = median_seconds(machine->team, multiply_all, &m);
    out->macs_per_second = m.macs * met_team_threads(machine->team) / seconds;
    pthread_mutex_unlock(&machine->mutex);
    (void)munmap(m.memory, read_bytes);
    return MET_OK;
}
