/* What a compiled kernel and the executor know of each other.
 *
 * Owns: the argument table and the description that a compiled library exports, the state of one
 * simulated thread, and the calls a kernel makes back. Nothing here names a graphics API: a library
 * is made by a front end (mslc for Metal), and any front end that fills these tables can be run.
 * Invariant: SIM_ABI changes with every change of this file, so that a cached library that does not
 * fit is refused instead of run.
 * Read as C11 by the executor and as C++14, without any system header, by the kernels.
 */
#ifndef METALSIM_KERNEL_ABI_H
#define METALSIM_KERNEL_ABI_H

#ifndef SIM_NO_SYSTEM_HEADERS
#include <stddef.h>
#include <stdint.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SIM_ABI = 1,
    SIM_SLOTS = 31,           /* buffer slots and group memory slots of a kernel, each */
    SIM_LANES = 32,           /* threads that run in lockstep: a simdgroup, a warp */
    SIM_LANE_BYTES = 64,      /* the most that one lane can hand to the others at once */
    SIM_GROUP_VARIABLES = 64, /* of one kernel */
    SIM_MAX_THREADS = 1024,   /* a group */
};

/* Where the value of a kernel's parameter comes from. */
enum sim_source {
    SIM_BUFFER,       /* pointer or reference into device memory, slot = index */
    SIM_GROUP_MEMORY, /* pointer into memory shared by a group, slot = index */
    SIM_THREAD_IN_GRID,
    SIM_GROUP_IN_GRID,
    SIM_THREAD_IN_GROUP,
    SIM_THREAD_INDEX_IN_GROUP,
    SIM_LANE,
    SIM_SUBGROUP_IN_GROUP,
    SIM_SUBGROUPS_IN_GROUP,
    SIM_THREADS_IN_GROUP,      /* of this group: smaller at the edge of a ragged grid */
    SIM_FULL_THREADS_IN_GROUP, /* as dispatched */
    SIM_GROUPS_IN_GRID,
    SIM_THREADS_IN_GRID,
    SIM_THREADS_IN_SUBGROUP,
};

/* Scalar types of constants that are set when a kernel is specialised. */
enum sim_type {
    SIM_TYPE_BOOL,
    SIM_TYPE_CHAR,
    SIM_TYPE_UCHAR,
    SIM_TYPE_SHORT,
    SIM_TYPE_USHORT,
    SIM_TYPE_INT,
    SIM_TYPE_UINT,
    SIM_TYPE_LONG,
    SIM_TYPE_ULONG,
    SIM_TYPE_HALF,
    SIM_TYPE_FLOAT,
};

/* One parameter of a kernel, in the order of its signature. */
typedef struct sim_parameter {
    const char *name;
    int32_t source;    /* enum sim_source */
    int32_t index;     /* of the slot; 0 for values */
    int32_t writable;  /* SIM_BUFFER: the kernel may store through it */
    int32_t condition; /* index of the boolean constant that must be true for it to exist, or -1 */
} sim_parameter;

/* A constant that a library leaves open until a kernel is specialised. */
typedef struct sim_constant_slot {
    const char *name;
    int32_t index;
    int32_t type;     /* enum sim_type */
    int32_t optional; /* the source asks whether it is defined */
} sim_constant_slot;

/* The value given to one. */
typedef struct sim_constant {
    int32_t index;
    int32_t type; /* enum sim_type; must be the slot's */
    unsigned char bytes[8];
} sim_constant;

/* One simulated thread: what its kernel can ask about itself. */
typedef struct sim_thread {
    uint32_t thread_in_grid[3], group_in_grid[3], thread_in_group[3];
    uint32_t threads_in_group[3], full_threads_in_group[3], groups_in_grid[3], threads_in_grid[3];
    uint32_t thread_index_in_group, lane, subgroup_in_group, subgroups_in_group;
    void *const *buffers;      /* [SIM_SLOTS] */
    void *const *group_memory; /* [SIM_SLOTS] */
} sim_thread;

typedef struct sim_kernel {
    const char *name;
    void (*entry)(const sim_thread *thread);
    const sim_parameter *parameters;
    int32_t parameter_count;
    int32_t max_threads;      /* a group may have; 0: SIM_MAX_THREADS */
    const int32_t *constants; /* indices of the constants its code can reach */
    int32_t constant_count;
    int32_t line; /* of its definition */
} sim_kernel;

/* What a library exports, as the symbol `sim_description`. */
typedef struct sim_description {
    int32_t abi; /* SIM_ABI */
    int32_t kernel_count;
    const sim_kernel *kernels;
    int32_t constant_count;
    const sim_constant_slot *constants;
    /* Set the open constants of this copy of the library; the rest become undefined. */
    void (*specialise)(const sim_constant *values, int32_t count);
} sim_description;

/* The calls of a kernel. `line` is the source line, for messages; the caller's address tells two
 * places apart. They are convergent: the compiler must not put them under another condition. */
#if defined(__clang__)
#define SIM_TOGETHER __attribute__((convergent, nomerge, visibility("default")))
#else
#define SIM_TOGETHER __attribute__((visibility("default")))
#endif

/* Wait for the group. `orders_memory`: what was written before is visible after. */
SIM_TOGETHER void sim_group_barrier(int orders_memory, int line);
/* Wait for the subgroup. */
SIM_TOGETHER void sim_subgroup_barrier(int orders_memory, int line);
/* Hand `size` bytes to the other lanes: returns SIM_LANES packed values, valid until the lane's
 * next exchange but one; `present` has a bit for every lane that took part. */
SIM_TOGETHER const void *sim_subgroup_exchange(const void *value, uint32_t size, uint32_t *present,
                                               int line);
/* The caller's lane: the same for as long as a kernel's thread lives, so it may be asked for once.
 */
__attribute__((const, visibility("default"))) uint32_t sim_lane(void);
/* Storage of a variable that a group shares: `size` bytes, all ones until somebody writes. */
__attribute__((visibility("default"))) void *sim_group_variable(uint32_t id, size_t size, int line);
/* A turn of a loop that may be waiting for another thread: the others may run first. A group of which
 * no thread does anything but turn is an error. */
__attribute__((visibility("default"))) void sim_turn(int line);
/* The kernel found out that it is wrong; the run ends with this message. */
__attribute__((visibility("default"))) void sim_fail(const char *message, int line);

#ifdef __cplusplus
}
#endif

#endif
