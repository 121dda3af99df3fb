/* A persistent team of workers that runs one function at a time, all of them together. */
#ifndef MET_BASE_TEAM_H
#define MET_BASE_TEAM_H

#include "metallic.h"

enum { MET_TEAM_THREADS_MAX = 256 };

typedef struct met_team met_team;

typedef void (*met_team_fn)(void *arg, int32_t worker, int32_t workers);

/* Physical cores that this process may use: affinity mask, siblings counted once, bounded by the
 * cgroup's CPU quota. >= 1. */
int32_t met_team_cores(void);

/* threads in [1, MET_TEAM_THREADS_MAX]; the caller of met_team_run is worker 0, so threads - 1 are
 * started. MET_E_DEVICE when the system refuses a thread. */
met_status met_team_create(int32_t threads, met_team **out, met_error *err);
/* Accepts NULL. */
void met_team_free(met_team *team);

/* Run fn(arg, worker, workers) on every worker and return when all are done. One caller at a time:
 * the machine serialises its sessions. */
void met_team_run(met_team *team, met_team_fn fn, void *arg);

/* Inside met_team_run: wait until every worker is here. What was written before is visible to all
 * after. */
void met_team_barrier(met_team *team, int32_t worker);

int32_t met_team_threads(const met_team *team);

/* The CPU that a worker is pinned to; -1: none, which is so for worker 0, the caller's thread, and
 * for workers beyond the CPUs that there are. */
int32_t met_team_cpu(const met_team *team, int32_t worker);

/* More threads than cores: workers take turns, and barriers wait for the system's scheduler. */
bool met_team_crowded(const met_team *team);

/* The part of `items` that belongs to `worker`, in whole multiples of `grain` but for the end. */
static inline void met_team_slice(size_t items, size_t grain, int32_t worker, int32_t workers,
                                  size_t *begin, size_t *end)
{
    size_t grains = (items + grain - 1) / grain;
    size_t first = grains * (size_t)worker / (size_t)workers * grain;
    size_t last = grains * ((size_t)worker + 1) / (size_t)workers * grain;
    *begin = first < items ? first : items;
    *end = last < items ? last : items;
}

#endif
