/* The order in which the groups of concurrent dispatches are begun.
 *
 * Owns: the list of groups and the order a seed stands for. Invariant: every group of every
 * dispatch is in the list once, whatever the seed.
 */
#ifndef METALSIM_SCHEDULE_H
#define METALSIM_SCHEDULE_H

#include "executor.h"

/* One group of one dispatch. */
typedef struct sim_task {
    uint32_t dispatch, group;
} sim_task;

typedef struct sim_schedule {
    sim_task *tasks;
    size_t count;
} sim_schedule;

/* Seed 0: as given. Seed 1: the last dispatch first, so that a barrier missing between two shows
 * for certain. Other odd seeds: dispatches in any order, and groups within each. Even seeds: the
 * groups of all dispatches mixed. False: no memory. */
bool sim_schedule_open(sim_schedule *schedule, const sim_dispatch *dispatches, size_t count,
                       uint64_t seed);
void sim_schedule_close(sim_schedule *schedule);

/* A number that looks unlike `x` (splitmix64, Steele, Lea and Flood 2014). */
uint64_t sim_schedule_mix(uint64_t x);

#endif
