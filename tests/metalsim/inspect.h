/* What a test may ask of the simulated device and do to it, beyond what Metal's API offers.
 *
 * Owns: the log of what ran with the bytes it moved, the switches (seed, sizes, injected failures)
 * and the count of live objects. Plain C, for tests and tools; the product never includes it.
 * Every switch can also be set before the process starts, by an environment variable named below.
 * Calls are safe from any thread; a returned log entry is borrowed until the log is cleared.
 */
#ifndef METALSIM_INSPECT_H
#define METALSIM_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What ran ------------------------------------------------------------------------------ */

enum { METALSIM_BINDINGS = 31, METALSIM_LABEL_BYTES = 48 };

/* Device bytes of one bound argument: `unique` counts a byte once, `total` every access. Zero
 * unless kernels are compiled for counting (METALSIM_TRAFFIC=1 or metalsim_count_traffic). */
struct metalsim_traffic {
    char label[METALSIM_LABEL_BYTES]; /* of the buffer; "" where it has none or is setBytes */
    bool bound;
    bool is_bytes; /* setBytes, which is not device memory */
    uint64_t read_total, read_unique;
    uint64_t written_total, written_unique;
};

enum metalsim_work { METALSIM_DISPATCH, METALSIM_COPY, METALSIM_FILL, METALSIM_MATMUL };

/* One piece of work in the order in which it ran. Of a copy, bindings[0] is the source and [1] the
 * target; of a fill, [0] is the target; of MPS's product, left, right and result. */
struct metalsim_entry {
    enum metalsim_work work;
    char kernel[METALSIM_LABEL_BYTES];
    char encoder[METALSIM_LABEL_BYTES]; /* its label */
    uint64_t command_buffer;            /* 1 for the first committed in this process */
    uint32_t window; /* of the command buffer: pieces in one window ran without a barrier between */
    uint32_t groups[3];       /* threadgroups; the last may be smaller */
    uint32_t grid_threads[3]; /* of the whole grid */
    uint32_t group_threads[3];
    uint32_t group_memory_bytes; /* set by the host, all indices together */
    struct metalsim_traffic bindings[METALSIM_BINDINGS];
};

/* Sums since the start or the last clear; kept whether or not the log is on. */
struct metalsim_totals {
    uint64_t command_buffers; /* completed */
    uint64_t dispatches;
    uint64_t barriers;                    /* memoryBarrier calls that were reached */
    uint64_t read_unique, written_unique; /* device bytes of dispatches, each dispatch for itself */
    uint64_t read_total, written_total;
};

void metalsim_log_enable(bool on); /* off at the start: a log grows without end */
void metalsim_log_clear(void);     /* entries and totals */
size_t metalsim_log_count(void);
const struct metalsim_entry *metalsim_log_entry(size_t index); /* NULL beyond the end */
struct metalsim_totals metalsim_log_totals(void);

/* ---- Switches ------------------------------------------------------------------------------ */

/* METALSIM_SEED: 0 runs in order, and only when somebody waits. Others shuffle threads, groups and,
 * between barriers, dispatches; 1 runs at commit, the rest then or at the wait by chance. */
void metalsim_set_seed(uint64_t seed);
/* METALSIM_TRAFFIC: kernels compiled from now on count the bytes they move. */
void metalsim_count_traffic(bool on);
/* METALSIM_MAX_BUFFER and METALSIM_WORKING_SET, in bytes: maxBufferLength and
 * recommendedMaxWorkingSetSize of the device. 0: what they are by default. */
void metalsim_set_max_buffer_bytes(uint64_t bytes);
void metalsim_set_working_set_bytes(uint64_t bytes);

/* What can be made to fail; the names are those of METALSIM_FAIL=name:n[,name:n...]. */
enum metalsim_fault {
    METALSIM_FAULT_BUFFER,   /* "buffer": newBuffer... returns nil */
    METALSIM_FAULT_LIBRARY,  /* "library": newLibraryWithSource: returns nil and an error */
    METALSIM_FAULT_FUNCTION, /* "function": newFunctionWithName: returns nil */
    METALSIM_FAULT_PIPELINE, /* "pipeline": newComputePipelineState... returns nil and an error */
    METALSIM_FAULT_ARCHIVE,  /* "archive": opening, adding to or writing a MTLBinaryArchive fails */
    METALSIM_FAULT_COMMAND, /* "command": a command buffer ends with an error, nothing of it runs */
    METALSIM_FAULT_DEVICE_LOST, /* "device-lost": the same, and all that come after it as well */
    METALSIM_FAULT_NO_DEVICE,   /* "no-device": MTLCreateSystemDefaultDevice returns nil */
    METALSIM_FAULT_QUEUE,       /* "queue": newCommandQueue returns nil */
};
enum { METALSIM_FAULT_COUNT = 9 };

/* The nth of these from now on fails, once (1: the next); 0: none does. */
void metalsim_fail(enum metalsim_fault fault, unsigned nth);

/* ---- Objects ------------------------------------------------------------------------------- */

/* Objects that were made and not yet released to the end, without the device itself. A line for
 * each goes to stderr when `print` is set. METALSIM_LEAKS=report prints them when the process exits
 * (the default), =fail also ends it with status 86, =off does neither. */
size_t metalsim_live_objects(bool print);
/* Command buffers committed and not yet run: nothing waited for them. */
size_t metalsim_pending_command_buffers(void);

#ifdef __cplusplus
}
#endif

#endif
