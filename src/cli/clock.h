/* Wall clock for durations. */
#ifndef MET_CLI_CLOCK_H
#define MET_CLI_CLOCK_H

#include <time.h>

/* Seconds since some fixed moment; never goes back. */
static inline double met_clock_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#endif
