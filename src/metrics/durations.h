/* Percentiles of durations, of any number of them in fixed memory. */
#ifndef MET_METRICS_DURATIONS_H
#define MET_METRICS_DURATIONS_H

#include <stdint.h>

enum {
    MET_DURATION_BITS = 6, /* an octave has 64 classes, each within 1/128 of its middle */
    MET_DURATION_CLASSES = (64 - MET_DURATION_BITS + 1) << MET_DURATION_BITS
};

/* Zero-initialised is empty. */
typedef struct met_durations {
    uint64_t count;
    uint64_t most_ns;
    uint32_t classes[MET_DURATION_CLASSES];
} met_durations;

void met_durations_add(met_durations *durations, uint64_t ns);

/* The smallest duration that at least `part` (0 to 1) of all do not exceed, to 1/128. 0 of none. */
uint64_t met_durations_percentile(const met_durations *durations, double part);

#endif
