/* What the processor can do at most: the yardsticks that kernels are measured with. */
#ifndef MET_BACKEND_CPU_PEAK_H
#define MET_BACKEND_CPU_PEAK_H

#include <stddef.h>
#include <stdint.h>

/* Read `bytes` (a multiple of 4096) in `streams` equal parts side by side, with prefetches
 * `ahead` bytes in front. Returns something that depends on every word. */
uint64_t met_cpu_peak_read(const void *from, size_t bytes, size_t streams, size_t ahead);

/* A loop of independent multiply-adds in registers. Returns how many it did, 0 where this processor
 * has no such instruction. */
double met_cpu_peak_int8_macs(void);  /* vpdpbusd, 512 bits */
double met_cpu_peak_float_macs(void); /* fused multiply-add of floats, the widest there is */

#endif
