/* How kernels tell gcc and clang to keep arrays in registers. */
#ifndef MET_BACKEND_CPU_UNROLL_H
#define MET_BACKEND_CPU_UNROLL_H

/* Unrolled kernels take their sizes as constants and must be inlined for the registers to work. */
#define MET_FORCE_INLINE static inline __attribute__((always_inline))

/* The next loop disappears: its count is a constant of at most 16, and what it indexes are
 * registers. Left to themselves, gcc unrolls such loops too late and clang keeps the arrays in
 * memory. */
#if defined(__clang__)
#define MET_UNROLL _Pragma("clang loop unroll(full)")
#else
#define MET_UNROLL _Pragma("GCC unroll 16")
#endif

/* A loop around such loops that leaves no register free. clang must not unroll it: it would hoist
 * the loads of all turns and spill. gcc must: otherwise it keeps the arrays in memory. */
#if defined(__clang__)
#define MET_UNROLL_TIGHT _Pragma("clang loop unroll(disable)")
#else
#define MET_UNROLL_TIGHT MET_UNROLL
#endif

#endif
