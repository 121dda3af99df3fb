/* The order in which the groups of concurrent dispatches are begun. See schedule.h. */
#include "schedule.h"

#include <stdlib.h>

#include "group.h"

uint64_t sim_schedule_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void shuffle(sim_task *tasks, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = (size_t)(sim_schedule_mix(seed + i) % i);
        sim_task swap = tasks[i - 1];
        tasks[i - 1] = tasks[j];
        tasks[j] = swap;
    }
}

static size_t groups_of(const sim_dispatch *dispatch)
{
    return (size_t)sim_groups_along(dispatch, 0) * sim_groups_along(dispatch, 1) *
           sim_groups_along(dispatch, 2);
}

/* The order of whole dispatches, as a list of their first groups. */
static void order_dispatches(sim_task *order, size_t count, uint64_t seed)
{
    bool reversed = seed == 1;
    for (size_t i = 0; i < count; i++)
        order[i] = (sim_task){.dispatch = (uint32_t)(reversed ? count - 1 - i : i)};
    if (seed > 1) shuffle(order, count, seed);
}

bool sim_schedule_open(sim_schedule *schedule, const sim_dispatch *dispatches, size_t count,
                       uint64_t seed)
{
    *schedule = (sim_schedule){0};
    sim_task *order = malloc((count + 1) * sizeof *order);
    if (order == NULL) return false;
    order_dispatches(order, count, seed);

    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += groups_of(&dispatches[i]);
    schedule->tasks = malloc((total + 1) * sizeof *schedule->tasks);
    for (size_t i = 0; i < count && schedule->tasks != NULL; i++) {
        size_t groups = groups_of(&dispatches[order[i].dispatch]);
        sim_task *first = &schedule->tasks[schedule->count];
        for (size_t g = 0; g < groups; g++)
            first[g] = (sim_task){.dispatch = order[i].dispatch, .group = (uint32_t)g};
        if (seed % 2 == 1) shuffle(first, groups, seed + i);
        schedule->count += groups;
    }
    if (seed != 0 && seed % 2 == 0 && schedule->tasks != NULL)
        shuffle(schedule->tasks, schedule->count, seed);
    free(order);
    return schedule->tasks != NULL;
}

void sim_schedule_close(sim_schedule *schedule)
{
    free(schedule->tasks);
    *schedule = (sim_schedule){0};
}
