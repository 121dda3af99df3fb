/* Owns: the passes over a whole vocabulary (passes.h), as plain loops. Everything is static: each
 * of passes*.c includes this once and is compiled for its own vectors.
 *
 * The invariant: only IEEE operations, whose order the source fixes, and nothing that may be fused,
 * so that the same bits come from every compiler and every width. Exponentials are split into
 * strips, so that the arithmetic of a strip is one vector loop and the branches come after it. */
#ifndef MET_GENERATE_PASSES_LOOPS_H
#define MET_GENERATE_PASSES_LOOPS_H

#include "generate/passes.h"
#include "generate/weight.h"

#include <math.h>

enum { STRIP = 256, SUMS = 16, LANES = 16, BLOCKS = 16 };

_Static_assert(STRIP % MET_SELECT_BLOCK == 0, "a strip is whole blocks");
_Static_assert(MET_SELECT_BLOCK == 4 * LANES && LANES == 16, "steps of max_blocks");

/* b where a is a NaN, as fmaxf, which would be a call. */
static inline float larger(float a, float b)
{
    return a > b ? a : b;
}

/* y[i] = the larger of the neighbours x[2 i] and x[2 i + 1]. */
static void max_pairs(const float *restrict x, int32_t n, float *restrict y)
{
    for (int32_t i = 0; i < n / 2; i++)
        y[i] = larger(x[2 * i], x[2 * i + 1]);
}

/* The largest of each of BLOCKS whole blocks, in two steps that compilers make vectors of: LANES
 * maxima of each block, then those of pairs in all blocks at once. Only logits may be NaN. */
static void max_blocks(const float *logits, float *block_max)
{
    float a[BLOCKS * LANES];
    float b[BLOCKS * LANES / 2];
    for (int32_t block = 0; block < BLOCKS; block++) {
        const float *x = logits + block * MET_SELECT_BLOCK;
        float half[2 * LANES];
        for (int32_t j = 0; j < 2 * LANES; j++)
            half[j] = larger(x[2 * LANES + j], larger(x[j], -INFINITY));
        for (int32_t j = 0; j < LANES; j++)
            a[block * LANES + j] = larger(half[LANES + j], half[j]);
    }
    max_pairs(a, BLOCKS * LANES, b);
    max_pairs(b, BLOCKS * LANES / 2, a);
    max_pairs(a, BLOCKS * LANES / 4, b);
    max_pairs(b, BLOCKS * LANES / 8, block_max);
}

static float max_of(const float *x, int32_t n)
{
    float max = -INFINITY;
    for (int32_t i = 0; i < n; i++)
        max = larger(x[i], max);
    return max;
}

static float max_pass(const float *logits, int32_t vocab, float *block_max)
{
    float *next = block_max;
    int32_t base = 0;
    for (; vocab - base >= BLOCKS * MET_SELECT_BLOCK; base += BLOCKS * MET_SELECT_BLOCK) {
        max_blocks(logits + base, next);
        next += BLOCKS;
    }
    for (; base < vocab; base += MET_SELECT_BLOCK) {
        int32_t n = vocab - base < MET_SELECT_BLOCK ? vocab - base : MET_SELECT_BLOCK;
        *next++ = max_of(logits + base, n);
    }
    return max_of(block_max, (int32_t)met_select_blocks(vocab));
}

/* e[i] = e^exponent of logits[i]. In two loops: in one, compilers turn the bound of the exponent
 * into a branch around the polynomial. */
static void exp_strip(const float *logits, int32_t n, float max, float temperature, float *e)
{
    for (int32_t i = 0; i < n; i++)
        e[i] = met_weight_exponent(logits[i], max, temperature);
    for (int32_t i = 0; i < n; i++)
        e[i] = met_weight_exp(e[i]);
}

/* An exponent below which nothing weighs `least`: that of half of it, because the polynomial is
 * within 2 units in the last place and need not be monotone. */
static float lowest_exponent(uint64_t least)
{
    return logf((float)least) - 41 * 0.693147181f;
}

/* Add e[0 .. STRIP) to the running sums. */
static void sum_strip(const float *e, double *sum)
{
    for (int32_t i = 0; i < STRIP; i += SUMS) {
        for (int32_t j = 0; j < SUMS; j++)
            sum[j] += (double)e[i + j];
    }
}

static double sum_of(const double *sum)
{
    double total = 0;
    for (int32_t j = 0; j < SUMS; j++)
        total += sum[j];
    return total;
}

/* met_weight_of each, still as a float: from 2^24 on a float is an integer, and what lies below is
 * truncated by the conversion to 32 bits and back, which every instruction set has for vectors. The
 * difference and the sum are exact. In two loops: in one, compilers turn the choice into a branch
 * around the conversion. */
static void weigh_strip(float *e)
{
    float low[STRIP];
    for (int32_t i = 0; i < STRIP; i++) {
        e[i] *= 0x1p40f;
        low[i] = e[i] < 0x1p24f ? e[i] : 0x1p24f;
    }
    for (int32_t i = 0; i < STRIP; i++)
        e[i] = (float)(int32_t)low[i] + (e[i] - low[i]);
}

static uint64_t total_pass(const float *logits, int32_t vocab, const float *block_max, float max,
                           float temperature)
{
    float lowest = lowest_exponent(1);
    float e[STRIP];
    uint64_t total = 0;
    for (int32_t base = 0; base < vocab; base += STRIP) {
        int32_t n = vocab - base < STRIP ? vocab - base : STRIP;
        bool some = false;
        for (int32_t i = base; i < base + n; i += MET_SELECT_BLOCK) {
            float most = block_max[i / MET_SELECT_BLOCK];
            some |= met_weight_exponent(most, max, temperature) >= lowest;
        }
        if (!some) continue;
        exp_strip(logits + base, n, max, temperature, e);
        for (int32_t i = n; i < STRIP; i++)
            e[i] = 0;
        weigh_strip(e);
        double sum[SUMS] = {0}; /* exact: a weight is below 2^41, and a strip has 2^8 of them */
        sum_strip(e, sum);
        total += (uint64_t)(int64_t)sum_of(sum);
    }
    return total;
}

static size_t keys_pass(const float *logits, int32_t vocab, const float *block_max, float max,
                        float temperature, uint64_t least, uint64_t *keys)
{
    float lowest = lowest_exponent(least);
    float e[MET_SELECT_BLOCK];
    size_t count = 0;
    for (int32_t base = 0; base < vocab; base += MET_SELECT_BLOCK) {
        float largest = block_max[base / MET_SELECT_BLOCK];
        if (met_weight_exponent(largest, max, temperature) < lowest) continue;
        int32_t n = vocab - base < MET_SELECT_BLOCK ? vocab - base : MET_SELECT_BLOCK;
        exp_strip(logits + base, n, max, temperature, e);
        for (int32_t i = 0; i < n; i++) {
            uint64_t weight = met_weight_of(e[i]);
            keys[count] = met_select_weight_key(weight, base + i);
            count += weight >= least;
        }
    }
    return count;
}

static double sum_pass(const float *logits, int32_t vocab, float max)
{
    double sum[SUMS] = {0};
    float e[STRIP];
    for (int32_t base = 0; base < vocab; base += STRIP) {
        int32_t n = vocab - base < STRIP ? vocab - base : STRIP;
        exp_strip(logits + base, n, max, 1.0f, e);
        for (int32_t i = n; i < STRIP; i++)
            e[i] = 0;
        sum_strip(e, sum);
    }
    return sum_of(sum);
}

#endif
