/* What all of the API layer stands on: misuse, settings, injected failures, the one lock.
 *
 * Owns: the process-wide state of the simulated device. A GPU and its driver are one for a process,
 * so is this; every field of it is behind the lock.
 */
#ifndef METALSIM_SUPPORT_H
#define METALSIM_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inspect.h"

enum api_leaks { API_LEAKS_OFF, API_LEAKS_REPORT, API_LEAKS_FAIL };

struct api_settings {
    uint64_t seed;
    int workers;
    bool count_traffic;
    uint64_t max_buffer_bytes;
    uint64_t working_set_bytes;
    enum api_leaks leaks;
    char compiler[512];     /* METALSIM_COMPILER: folder of the front end */
    char cache_folder[512]; /* METALSIM_CACHE */
    char flags[512];        /* METALSIM_FLAGS: more arguments for it, split at spaces */
    char log_path[512];     /* METALSIM_LOG: one line a piece of work, appended; "" for none */
};

/* The program uses the API against its rules: one line on stderr, then abort(). */
__attribute__((noreturn, format(printf, 1, 2))) void api_misuse(const char *format, ...);

/* Read the environment at the first call. Change only with the lock held. */
struct api_settings *api_settings_get(void);

/* True when this call is the one that was chosen to fail. */
bool api_fault_due(enum metalsim_fault fault);

/* Recursive: what runs under it may call the API again. */
void api_lock(void);
void api_unlock(void);

double api_seconds(void); /* monotonic */

#endif
