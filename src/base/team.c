/* Owns: worker threads, their wake-up and their barrier. Does not own what they run.
 *
 * The invariant: between two runs every worker waits for `generation` to move, first spinning, then
 * parked on a condition variable, so that an idle team uses no processor. Inside a run the barrier
 * spins, and yields after a while because the worker it waits for may have lost its core. With more
 * threads than cores it never spins: the others can only arrive when this one steps aside. */
#include "base/team.h"

#include "base/error.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CACHE_LINE = 128, /* two lines: the adjacent one is prefetched with it */
    SPINS_BEFORE_PARK = 20000, /* some 100 us: longer than the host's work between two steps */
    SPINS_BEFORE_YIELD = 2000
};

typedef struct worker_slot {
    _Alignas(CACHE_LINE) uint32_t barrier_sense;
} worker_slot;

/* CPUs that this process may use, one of each physical core first. */
typedef struct core_list {
    int32_t cpu[MET_TEAM_THREADS_MAX];
    int32_t count;
    int32_t physical; /* distinct cores among them */
} core_list;

struct met_team {
    int32_t threads;
    core_list cores;
    pthread_t *handles; /* [threads - 1] */
    worker_slot *slots; /* [threads] */
    bool crowded; /* more threads than cores */
    met_team_fn fn;
    void *arg;

    _Alignas(CACHE_LINE) atomic_uint generation; /* a new run begins */
    _Alignas(CACHE_LINE) atomic_int parked;
    _Alignas(CACHE_LINE) atomic_int arrived;
    _Alignas(CACHE_LINE) atomic_uint sense;
    bool quit;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
};

typedef struct worker_start {
    met_team *team;
    int32_t worker;
} worker_start;

static inline void cpu_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#if defined(__linux__)
/* Lowest CPU that shares a core with `cpu`, itself where the system does not say: the name of the
 * core. */
static int32_t core_of(int32_t cpu)
{
    char path[96];
    int lowest = cpu;
    (void)snprintf(path, sizeof path,
                   "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *file = fopen(path, "re");
    if (file == NULL) return cpu;
    if (fscanf(file, "%d", &lowest) != 1) lowest = cpu;
    fclose(file);
    return lowest;
}
#endif

static void list_cores(core_list *list)
{
    *list = (core_list){0};
#if defined(__linux__)
    cpu_set_t mask, taken;
    CPU_ZERO(&taken);
    if (sched_getaffinity(0, sizeof mask, &mask) != 0) return;
    for (int pass = 0; pass < 2; pass++) { /* a thread of each core, then their siblings */
        cpu_set_t cores;
        CPU_ZERO(&cores);
        for (int32_t cpu = 0; cpu < CPU_SETSIZE && list->count < MET_TEAM_THREADS_MAX; cpu++) {
            if (!CPU_ISSET((size_t)cpu, &mask) || CPU_ISSET((size_t)cpu, &taken)) continue;
            size_t core = (size_t)core_of(cpu);
            if (pass == 0 && core < CPU_SETSIZE && CPU_ISSET(core, &cores)) continue;
            if (core < CPU_SETSIZE) CPU_SET(core, &cores);
            CPU_SET((size_t)cpu, &taken);
            list->cpu[list->count++] = cpu;
        }
        if (pass == 0) list->physical = list->count;
    }
#endif
}

/* Pin the calling thread to the `index`-th CPU of the list, when there are that many. */
static void pin_to_core(const core_list *list, int32_t index)
{
#if defined(__linux__)
    if (index >= list->count) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)list->cpu[index], &one);
    (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
#else
    (void)list;
    (void)index;
#endif
}

void met_team_barrier(met_team *team, int32_t worker)
{
    if (team->threads == 1) return;
    uint32_t sense = team->slots[worker].barrier_sense + 1;
    team->slots[worker].barrier_sense = sense;
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == team->threads - 1) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->sense, sense, memory_order_release);
        return;
    }
    uint32_t spins = team->crowded ? 0 : SPINS_BEFORE_YIELD;
    while (atomic_load_explicit(&team->sense, memory_order_acquire) != sense) {
        if (spins > 0) {
            spins--;
            cpu_relax();
        } else {
            sched_yield();
        }
    }
}

/* Wait until `generation` differs from `seen`. */
static void wait_for_run(met_team *team, uint32_t seen)
{
    for (int32_t spins = team->crowded ? 0 : SPINS_BEFORE_PARK; spins > 0; spins--) {
        if (atomic_load_explicit(&team->generation, memory_order_acquire) != seen) return;
        cpu_relax();
    }
    pthread_mutex_lock(&team->mutex);
    atomic_fetch_add(&team->parked, 1);
    while (atomic_load(&team->generation) == seen) pthread_cond_wait(&team->wake, &team->mutex);
    atomic_fetch_sub(&team->parked, 1);
    pthread_mutex_unlock(&team->mutex);
}

static void *worker_main(void *start_arg)
{
    worker_start start = *(worker_start *)start_arg;
    free(start_arg);
    met_team *team = start.team;
    pin_to_core(&team->cores, start.worker);
    for (uint32_t seen = 0;; seen++) {
        wait_for_run(team, seen);
        if (team->quit) return NULL;
        team->fn(team->arg, start.worker, team->threads);
        met_team_barrier(team, start.worker);
    }
}

/* Publish a run (or the end) to every worker. */
static void start_run(met_team *team)
{
    atomic_fetch_add(&team->generation, 1);
    /* Sequentially consistent with wait_for_run: either we see the parked worker, or it sees the
     * new generation before it sleeps. */
    if (atomic_load(&team->parked) > 0) {
        pthread_mutex_lock(&team->mutex);
        pthread_cond_broadcast(&team->wake);
        pthread_mutex_unlock(&team->mutex);
    }
}

void met_team_run(met_team *team, met_team_fn fn, void *arg)
{
    if (team->threads > 1) {
        team->fn = fn;
        team->arg = arg;
        start_run(team);
    }
    fn(arg, 0, team->threads);
    met_team_barrier(team, 0);
}

int32_t met_team_threads(const met_team *team)
{
    return team->threads;
}

int32_t met_team_cpu(const met_team *team, int32_t worker)
{
    return worker > 0 && worker < team->cores.count ? team->cores.cpu[worker] : -1;
}

bool met_team_crowded(const met_team *team)
{
    return team->crowded;
}

/* Whole cores that the cgroup (v2, then v1) grants; `cores` when it sets no limit. */
static int32_t cgroup_cores(int32_t cores)
{
    long long quota = -1, period = 100000;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file != NULL) {
        if (fscanf(file, "%lld %lld", &quota, &period) != 2) quota = -1; /* "max 100000" */
        fclose(file);
    } else if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re")) != NULL) {
        if (fscanf(file, "%lld", &quota) != 1) quota = -1;
        fclose(file);
        if ((file = fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re")) != NULL) {
            if (fscanf(file, "%lld", &period) != 1) period = 0;
            fclose(file);
        }
    }
    if (quota <= 0 || period <= 0) return cores;
    long long granted = (quota + period - 1) / period;
    return granted < cores ? (int32_t)granted : cores;
}

static int32_t usable_cores(const core_list *list)
{
    int32_t cores = list->physical;
    if (cores < 1) cores = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    if (cores < 1) cores = 1;
    cores = cgroup_cores(cores);
    return cores < MET_TEAM_THREADS_MAX ? cores : MET_TEAM_THREADS_MAX;
}

int32_t met_team_cores(void)
{
    core_list list;
    list_cores(&list);
    return usable_cores(&list);
}

static bool start_worker(met_team *team, int32_t worker)
{
    worker_start *start = malloc(sizeof *start);
    if (start == NULL) return false;
    *start = (worker_start){team, worker};
    if (pthread_create(&team->handles[worker - 1], NULL, worker_main, start) != 0) {
        free(start);
        return false;
    }
    return true;
}

met_status met_team_create(int32_t threads, met_team **out, met_error *err)
{
    met_status status = MET_OK;
    *out = NULL;
    met_team *team = aligned_alloc(CACHE_LINE, sizeof *team);
    if (team == NULL) return met_fail_memory(err, "worker team", sizeof *team);
    memset(team, 0, sizeof *team);
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->wake, NULL);
    team->threads = 1; /* as many as are running, for met_team_free */
    list_cores(&team->cores);
    team->crowded = threads > usable_cores(&team->cores);

    size_t slot_bytes = (size_t)threads * sizeof *team->slots;
    team->slots = aligned_alloc(CACHE_LINE, slot_bytes);
    team->handles = calloc((size_t)threads, sizeof *team->handles);
    if (team->slots == NULL || team->handles == NULL) {
        status = met_fail_memory(err, "worker team", slot_bytes);
        goto done;
    }
    memset(team->slots, 0, slot_bytes);
    int32_t started = 1;
    while (started < threads && start_worker(team, started)) started++;
    team->threads = started; /* workers read it only once a run has begun */
    if (started < threads) {
        status = met_fail(err, MET_E_DEVICE, "worker team: the system started %d of %d threads",
                          started, threads);
        goto done;
    }
    *out = team;
    team = NULL;
done:
    met_team_free(team);
    return status;
}

void met_team_free(met_team *team)
{
    if (team == NULL) return;
    if (team->threads > 1) {
        team->quit = true;
        start_run(team);
        for (int32_t i = 0; i < team->threads - 1; i++) pthread_join(team->handles[i], NULL);
    }
    pthread_cond_destroy(&team->wake);
    pthread_mutex_destroy(&team->mutex);
    free(team->handles);
    free(team->slots);
    free(team);
}
