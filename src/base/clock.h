/* The clock of every duration: monotonic, not moved by adjustments of the date. */
#ifndef MET_BASE_CLOCK_H
#define MET_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t met_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double met_clock_seconds(void)
{
    return (double)met_clock_ns() * 1e-9;
}

#endif
