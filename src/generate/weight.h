/* Probabilities as integers. */
#ifndef MET_GENERATE_WEIGHT_H
#define MET_GENERATE_WEIGHT_H

#include "generate/select.h"

#include <string.h>

/* The exponent of a logit: (l - max) / temperature, 0 where both are the same infinity, bounded
 * below by -87, where weights are 0 and 2^n still has an exponent; also for a NaN. */
static inline float met_weight_exponent(float l, float max, float temperature)
{
    bool same = l == max;
    float x = (l - max) / temperature; /* before the choices: inside one it is not vectorised */
    x = x > -87.0f ? x : -87.0f;       /* in this order a NaN becomes -87 */
    return same ? 0.0f : x;
}

/* e^x for -87 <= x <= 0, within 2 units in the last place. Only additions, products and a bit
 * shift, and no contraction: the same bits everywhere, and a loop over it becomes vector code for
 * any instruction set. Cody-Waite reduction and polynomial of expf in S. Moshier's Cephes library
 * (https://www.netlib.org/cephes/). */
static inline float met_weight_exp(float x)
{
    float shifted = x * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: the sum rounds to an integer */
    float n = shifted - 12582912.0f;
    float r = x - n * 0.693359375f; /* exact: 9 bits times at most 7 */
    r = r - n * -2.12194440e-4f;
    float y = 1.9875691500e-4f;
    y = y * r + 1.3981999507e-3f;
    y = y * r + 8.3334519073e-3f;
    y = y * r + 4.1665795894e-2f;
    y = y * r + 1.6666665459e-1f;
    y = y * r + 5.0000001201e-1f;
    y = y * (r * r) + r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits); /* n in the low bits, in two's complement */
    bits = (bits + 127u) << 23;
    float scale;
    memcpy(&scale, &bits, sizeof scale); /* 2^n */
    return y * scale;
}

static inline uint64_t met_weight_of(float e)
{
    return (uint64_t)(int64_t)(e * 0x1p40f); /* one instruction, unlike to unsigned */
}

#endif
