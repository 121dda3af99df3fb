/* The executor: runs kernels on the processor, a fiber for every simulated thread.
 *
 * Owns: libraries (compiled kernels), the workers, the schedule, what is found wrong while kernels
 * run, and the count of the bytes they move. Does not own buffers, command queues or anything else
 * of an API: the caller binds addresses and decides what may run at the same time.
 * Invariant: with seed 0 and one worker a run is the same every time; with any seed it is one that
 * the programming model allows, so a kernel whose result depends on the seed is wrong.
 *
 * Build modes (of the whole process; the executor's own files are always compiled WITHOUT
 * -fsanitize, with -fno-builtin, and with the define):
 *   plain          nothing
 *   SIM_ASAN       the process is linked with AddressSanitizer: group memory overruns show
 *   SIM_TSAN       the process is linked with ThreadSanitizer: missing barriers show
 * Kernels call back into the process by name: link the executor as a shared library or the program
 * with -rdynamic (meson: export_dynamic). Nothing here reads the environment.
 */
#ifndef METALSIM_EXECUTOR_H
#define METALSIM_EXECUTOR_H

#include <stdbool.h>

#include "kernel_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIM_API __attribute__((visibility("default")))

/* ---- Libraries ------------------------------------------------------------------------------- */

typedef struct sim_library sim_library;

typedef struct sim_library_options {
    const char *compiler;     /* folder of the front end (tests/metalsim/mslc) */
    const char *cache_folder; /* compiled libraries by content; made if missing */
    const char *source;       /* text */
    const char *source_name;  /* in messages; NULL: "program_source", as Apple's compiler says */
    const char *const *flags; /* [flag_count] more arguments: -DNAME=VALUE */
    size_t flag_count;
    bool fast_math;   /* contraction and reassociation allowed */
    bool count_bytes; /* compile so that sim_report.traffic is filled; slower */
    bool no_check;    /* leave out the pass that checks address spaces and banned words */
} sim_library_options;

/* Compile (or take from the cache) and load. Safe for several processes at once. False: `message`
 * says why, in the compiler's words with the source's lines. */
SIM_API bool sim_library_open(const sim_library_options *options, sim_library **out, char *message,
                              size_t message_bytes);
SIM_API void sim_library_close(sim_library *library); /* accepts NULL; kernels go with it */
/* What the source declares, before any constant is set. Borrowed until close. */
SIM_API const sim_description *sim_library_description(const sim_library *library);
/* A kernel with its constants set: one for every distinct set of values, borrowed until close.
 * Constants that the library does not have are ignored, one of the wrong type is an error, and so
 * is a reachable constant that is not given unless the kernel asks whether it is defined. */
SIM_API const sim_kernel *sim_library_kernel(sim_library *library, const char *name,
                                             const sim_constant *constants, size_t count,
                                             char *message, size_t message_bytes);

/* ---- Running --------------------------------------------------------------------------------- */

typedef struct sim_executor sim_executor;

typedef struct sim_executor_options {
    int workers;   /* threads of this machine, each running one group at a time; 0: 1 */
    uint64_t seed; /* 0: everything in order; else fibers, groups and dispatches are shuffled */
} sim_executor_options;

typedef struct sim_buffer {
    void *address; /* with the offset of the binding */
    size_t bytes;  /* from the address to the end of the buffer: what traffic is counted for */
} sim_buffer;

typedef struct sim_dispatch {
    const sim_kernel *kernel;
    sim_buffer buffers[SIM_SLOTS];
    uint32_t group_memory_bytes[SIM_SLOTS];
    /* In threads. Not a multiple of group_threads: the groups at the edge are smaller. */
    uint32_t grid_threads[3];
    uint32_t group_threads[3];
    bool count_bytes; /* fill the report's traffic; the library must be compiled for it */
} sim_dispatch;

/* Device bytes of one bound buffer. An access belongs to the bound buffer with the greatest address
 * not beyond it. `total` counts every access, `unique` every byte once. */
typedef struct sim_traffic {
    uint64_t read_total, read_unique;
    uint64_t written_total, written_unique;
} sim_traffic;

enum { SIM_ERROR_BYTES = 512 };

typedef struct sim_report {
    char error[SIM_ERROR_BYTES]; /* "": none. Else kernel, line, what was found */
    uint64_t switches;           /* from fiber to fiber */
    size_t group_memory_bytes;   /* slots and variables of the group that had most */
    sim_traffic traffic[SIM_SLOTS];
} sim_report;

SIM_API sim_executor *sim_executor_open(const sim_executor_options *options); /* NULL: no memory */
SIM_API void sim_executor_close(sim_executor *executor);                      /* accepts NULL */
SIM_API void sim_executor_seed(sim_executor *executor, uint64_t seed);

/* Run dispatches between which there is no barrier: nothing orders them, and with a seed their
 * groups are mixed. Under ThreadSanitizer a race between two of them shows. Returns when all are
 * done; what one call did is visible to the next. `reports` is [count], filled for each.
 * Returns false when one failed; the buffers are then in an unknown state.
 * One call at a time for an executor. */
SIM_API bool sim_executor_run(sim_executor *executor, const sim_dispatch *dispatches, size_t count,
                              sim_report *reports);

#ifdef __cplusplus
}
#endif

#endif
