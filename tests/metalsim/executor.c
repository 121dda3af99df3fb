/* The executor: workers, runs and their reports. See executor.h.
 *
 * The caller is worker 0; the others sleep between runs. Which worker takes which group is left to
 * chance when there are several: the order in which groups begin is the schedule's.
 */
#include "executor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "fiber.h"
#include "group.h"
#include "schedule.h"
#include "traffic.h"

/* What the workers share while a run lasts. */
typedef struct run {
    const sim_dispatch *dispatches;
    sim_report *reports;
    sim_traffic_map **maps; /* [count] */
    sim_schedule schedule;
    uint64_t random; /* 0: in order */
    _Atomic size_t next;
    _Atomic bool failed;
} run;

typedef struct worker {
    sim_executor *executor;
    sim_group *group;
    pthread_t thread;
} worker;

struct sim_executor {
    uint64_t seed;
    int worker_count; /* threads[0] is the caller */
    pthread_mutex_t mutex;
    pthread_cond_t begin, end;
    /* Under the mutex: */
    run *current;
    uint64_t runs; /* begun */
    int busy;      /* workers that have not finished the current one */
    bool closing;
    worker workers[];
};

/* ---- Workers --------------------------------------------------------------------------------- */

static void work(worker *self, run *r)
{
    sim_executor *executor = self->executor;
    char message[SIM_ERROR_BYTES];

    sim_fault_watch();
    while (!atomic_load(&r->failed)) {
        size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= r->schedule.count) break;
        sim_task task = r->schedule.tasks[i];
        uint64_t random = r->random == 0 ? 0 : sim_schedule_mix(r->random + i) | 1;
        uint64_t switches = 0;
        sim_traffic_select(r->maps[task.dispatch]);
        bool ok = sim_group_run(self->group, &r->dispatches[task.dispatch], task.group, random,
                                message, &switches);
        sim_traffic_select(NULL);
        pthread_mutex_lock(&executor->mutex);
        sim_report *report = &r->reports[task.dispatch];
        size_t memory = sim_group_memory_bytes(self->group);
        report->switches += switches;
        if (memory > report->group_memory_bytes) report->group_memory_bytes = memory;
        if (!ok && report->error[0] == '\0') memcpy(report->error, message, sizeof message);
        pthread_mutex_unlock(&executor->mutex);
        if (!ok) atomic_store(&r->failed, true);
    }
}

static void *worker_body(void *argument)
{
    worker *self = argument;
    sim_executor *executor = self->executor;
    uint64_t seen = 0;

    pthread_mutex_lock(&executor->mutex);
    for (;;) {
        while (executor->runs == seen && !executor->closing)
            pthread_cond_wait(&executor->begin, &executor->mutex);
        if (executor->closing) break;
        seen = executor->runs;
        run *r = executor->current;
        pthread_mutex_unlock(&executor->mutex);
        work(self, r);
        pthread_mutex_lock(&executor->mutex);
        if (--executor->busy == 0) pthread_cond_signal(&executor->end);
    }
    pthread_mutex_unlock(&executor->mutex);
    return NULL;
}

/* ---- Runs ------------------------------------------------------------------------------------ */

static const char *fault_of(const sim_dispatch *d, char *text, size_t bytes)
{
    uint64_t threads = 1, groups = 1;
    for (int axis = 0; axis < 3; axis++) {
        if (d->group_threads[axis] == 0 || d->grid_threads[axis] == 0)
            return "a grid or group without threads";
        threads *= d->group_threads[axis];
        groups *= sim_groups_along(d, axis);
        if (threads > SIM_MAX_THREADS || groups > UINT32_MAX)
            return "more threads in a group, or groups, than there can be";
    }
    if (d->kernel->max_threads != 0 && threads > (uint64_t)d->kernel->max_threads)
        return "more threads in a group than the kernel declares";
    for (int i = 0; i < d->kernel->parameter_count; i++) {
        const sim_parameter *p = &d->kernel->parameters[i];
        const char *missing = NULL;
        if (p->source == SIM_BUFFER && d->buffers[p->index].address == NULL) missing = "buffer";
        if (p->source == SIM_GROUP_MEMORY && d->group_memory_bytes[p->index] == 0)
            missing = "group memory";
        if (missing == NULL || p->condition >= 0) continue;
        snprintf(text, bytes, "parameter %s: no %s in slot %d", p->name, missing, p->index);
        return text;
    }
    return NULL;
}

static bool validate(const sim_dispatch *dispatches, size_t count, sim_report *reports)
{
    char text[SIM_ERROR_BYTES - 128];
    for (size_t i = 0; i < count; i++) {
        const char *fault = fault_of(&dispatches[i], text, sizeof text);
        if (fault == NULL) continue;
        snprintf(reports[i].error, sizeof reports[i].error, "kernel %.100s: %s",
                 dispatches[i].kernel->name, fault);
        return false;
    }
    return true;
}

static void run_on_all(sim_executor *executor, run *r)
{
    pthread_mutex_lock(&executor->mutex);
    executor->current = r;
    executor->runs++;
    executor->busy = executor->worker_count - 1;
    pthread_cond_broadcast(&executor->begin);
    pthread_mutex_unlock(&executor->mutex);
    work(&executor->workers[0], r);
    pthread_mutex_lock(&executor->mutex);
    while (executor->busy > 0)
        pthread_cond_wait(&executor->end, &executor->mutex);
    executor->current = NULL;
    pthread_mutex_unlock(&executor->mutex);
}

bool sim_executor_run(sim_executor *executor, const sim_dispatch *dispatches, size_t count,
                      sim_report *reports)
{
    run r = {.dispatches = dispatches, .reports = reports};
    bool ready = false;

    memset(reports, 0, count * sizeof *reports);
    if (count == 0) return true;
    if (!validate(dispatches, count, reports)) return false;
    if (executor->seed != 0) r.random = sim_schedule_mix(executor->seed) + executor->runs;
    r.maps = calloc(count, sizeof(sim_traffic_map *));
    ready = r.maps != NULL && sim_schedule_open(&r.schedule, dispatches, count, executor->seed);
    for (size_t i = 0; ready && i < count; i++) {
        if (!dispatches[i].count_bytes) continue;
        r.maps[i] = sim_traffic_open(&dispatches[i]);
        ready = r.maps[i] != NULL;
    }
    if (ready) {
        run_on_all(executor, &r);
        SIM_ACQUIRE(&sim_token_end);
    } else {
        snprintf(reports[0].error, sizeof reports[0].error, "no memory for a run of %zu dispatches",
                 count);
    }
    for (size_t i = 0; r.maps != NULL && i < count; i++)
        sim_traffic_close(r.maps[i], reports[i].traffic);
    free(r.maps);
    sim_schedule_close(&r.schedule);
    return ready && !atomic_load(&r.failed);
}

void sim_executor_seed(sim_executor *executor, uint64_t seed)
{
    executor->seed = seed;
}

/* ---- Life ------------------------------------------------------------------------------------ */

void sim_executor_close(sim_executor *executor)
{
    if (executor == NULL) return;
    pthread_mutex_lock(&executor->mutex);
    executor->closing = true;
    pthread_cond_broadcast(&executor->begin);
    pthread_mutex_unlock(&executor->mutex);
    for (int i = 0; i < executor->worker_count; i++) {
        if (i > 0) pthread_join(executor->workers[i].thread, NULL);
        sim_group_free(executor->workers[i].group);
    }
    pthread_cond_destroy(&executor->begin);
    pthread_cond_destroy(&executor->end);
    pthread_mutex_destroy(&executor->mutex);
    free(executor);
}

sim_executor *sim_executor_open(const sim_executor_options *options)
{
    int count = options->workers > 0 ? options->workers : 1;
    sim_executor *executor = calloc(1, sizeof *executor + (size_t)count * sizeof(worker));
    if (executor == NULL) return NULL;
    executor->seed = options->seed;
    pthread_mutex_init(&executor->mutex, NULL);
    pthread_cond_init(&executor->begin, NULL);
    pthread_cond_init(&executor->end, NULL);
    for (int i = 0; i < count; i++) {
        worker *w = &executor->workers[i];
        w->executor = executor;
        w->group = sim_group_create();
        if (w->group == NULL) goto failed;
        if (i > 0 && pthread_create(&w->thread, NULL, worker_body, w) != 0) {
            sim_group_free(w->group);
            goto failed;
        }
        executor->worker_count = i + 1;
    }
    return executor;
failed:
    sim_executor_close(executor);
    return NULL;
}
