/* Running one Metal kernel by itself: on a Mac's GPU, or in the simulator.
 *
 * Buffers are copied in, the kernel runs, and those marked `out` are copied back, so that tests are
 * plain C. A buffer has exactly the bytes that it is given: in the simulator it ends at a guard
 * page. */
#ifndef MET_TESTS_METAL_KERNEL_RUN_H
#define MET_TESTS_METAL_KERNEL_RUN_H

#include "support/testing.h"

#include "backend/metal/arguments.h"

enum { KERNEL_BINDINGS = 16 };

typedef struct kernel_buffer {
    void *data; /* NULL: not used. The same pointer twice is the same buffer */
    size_t bytes;
    bool out;
} kernel_buffer;

typedef struct kernel_run {
    const char *function; /* "met_matvec"; static storage */
    int32_t constants[MET_METAL_FC_COUNT]; /* by MET_METAL_FC_... */
    const void *arguments;                 /* buffer(0) */
    size_t argument_bytes;
    kernel_buffer buffers[KERNEL_BINDINGS]; /* by binding; 0 is not used */
    uint32_t groups[3];
    uint32_t threads;
    uint32_t group_bytes; /* threadgroup(0) */
} kernel_run;

/* Runs it and waits. A failure fails the test with Metal's words. */
void kernel_run_now(const kernel_run *run);

/* Frees the device; after the last test. */
void kernel_run_close(void);

#endif
