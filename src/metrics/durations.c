/* Owns: durations by classes. The invariant: a class is 1/64 of the power of two that it begins in,
 * or one nanosecond; so what is told of a member is off by 1/128 of it at most. */
#include "metrics/durations.h"

#include <math.h>

static uint32_t class_of(uint64_t ns)
{
    uint32_t exponent = 63u - (uint32_t)__builtin_clzll(ns | 1);
    if (exponent <= MET_DURATION_BITS) return (uint32_t)ns; /* below 128: exact */
    uint32_t shift = exponent - MET_DURATION_BITS;
    return (shift << MET_DURATION_BITS) + (uint32_t)(ns >> shift);
}

static uint64_t middle_of(uint32_t class)
{
    if (class < 2u << MET_DURATION_BITS) return class;
    uint32_t shift = (class >> MET_DURATION_BITS) - 1;
    uint64_t first = (uint64_t)(class - (shift << MET_DURATION_BITS)) << shift;
    return first + ((uint64_t)1 << shift) / 2;
}

void met_durations_add(met_durations *durations, uint64_t ns)
{
    durations->classes[class_of(ns)]++;
    durations->count++;
    if (ns > durations->most_ns) durations->most_ns = ns;
}

uint64_t met_durations_percentile(const met_durations *durations, double part)
{
    uint64_t rank = (uint64_t)ceil(part * (double)durations->count), seen = 0;
    if (durations->count == 0) return 0;
    if (rank < 1) rank = 1;
    for (uint32_t c = 0; c < MET_DURATION_CLASSES; c++) {
        seen += durations->classes[c];
        if (seen < rank) continue;
        uint64_t middle = middle_of(c);
        return middle < durations->most_ns ? middle : durations->most_ns;
    }
    return durations->most_ns;
}
