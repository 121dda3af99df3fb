/* One group of threads, run to its end by one worker.
 *
 * Owns: the fibers of a worker, which of them runs next, barriers, what lanes hand each other, the
 * memory that a group shares. Does not own: which group runs when (executor.c).
 * Invariant: a group has ended when sim_group_run returns; after an error its fibers are at their
 * start again.
 */
#ifndef METALSIM_GROUP_H
#define METALSIM_GROUP_H

#include "executor.h"

typedef struct sim_group sim_group;

sim_group *sim_group_create(void);     /* NULL: no memory */
void sim_group_free(sim_group *group); /* accepts NULL */

/* Run group number `number` (x fastest) of a dispatch on the calling thread. `random` is 0 for
 * threads in order. False: `message` [SIM_ERROR_BYTES] says what was found. `switches` is added
 * to. */
bool sim_group_run(sim_group *group, const sim_dispatch *dispatch, uint64_t number, uint64_t random,
                   char *message, uint64_t *switches);
/* Bytes that the last group shared: slots, and variables that it reached. */
size_t sim_group_memory_bytes(const sim_group *group);

/* Groups of a dispatch along each axis. */
static inline uint32_t sim_groups_along(const sim_dispatch *dispatch, int axis)
{
    uint32_t size = dispatch->group_threads[axis];
    return dispatch->grid_threads[axis] / size + (dispatch->grid_threads[axis] % size != 0);
}

/* What the calling thread is running, for a message from a signal handler: bytes written into
 * `text`, 0 when it runs no kernel. */
size_t sim_group_describe(char *text, size_t bytes, const void *address);

/* Ends of the happens-before edges between the host and all kernels of a run. */
extern char sim_token_start, sim_token_end;

#endif
