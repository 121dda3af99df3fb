/* Owns: the negative log likelihood of a token. With libm's expf, one at a time, it took half of
 * the time of measuring a small model's perplexity; these loops go over lanes, so that compilers
 * use vectors. */
#include "cli/likelihood.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    LANES = 16,
    RUN = 8, /* exponentials that a lane adds in float32: less than 8 * 2^-24 of the sum is lost */
};

static inline int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of(int32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* exp(x) for x <= 0, to 2e-7 of itself; exp(-87), which is as good as 0, below. 2^k e^r with
 * |r| <= log(2) / 2: Cephes' expf. */
static inline float exp_of(float x)
{
    uint32_t deepest = (uint32_t)bits_of(-87.0f), bits = (uint32_t)bits_of(x);
    float bounded = float_of((int32_t)(bits < deepest ? bits : deepest)); /* both are negative */
    float k = (bounded * 1.44269504f + 12582912.0f) - 12582912.0f;        /* rounds to whole */
    float r = (bounded - k * 0.693359375f) + k * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    return p * float_of(((int32_t)k + 127) << 23);
}

/* Integers that are ordered as the floats are, NaNs outside of both infinities; its own inverse.
 * Compilers take comparisons of floats out of a loop over lanes only when NaN may be forgotten. */
static inline int32_t key_of(int32_t bits)
{
    return bits ^ ((bits >> 31) & INT32_MAX);
}

/* The largest; NaN when one is NaN. */
static float largest(const float *logits, size_t count)
{
    int32_t high[LANES], low[LANES];
    size_t whole = count / LANES * LANES;

    for (size_t j = 0; j < LANES; j++) {
        high[j] = low[j] = key_of(bits_of(logits[0]));
    }
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            int32_t key = key_of(bits_of(logits[i + j]));
            high[j] = key > high[j] ? key : high[j];
            low[j] = key < low[j] ? key : low[j];
        }
    }
    for (size_t i = whole; i < count; i++) {
        int32_t key = key_of(bits_of(logits[i]));
        high[0] = key > high[0] ? key : high[0];
        low[0] = key < low[0] ? key : low[0];
    }
    for (size_t j = 1; j < LANES; j++) {
        high[0] = high[j] > high[0] ? high[j] : high[0];
        low[0] = low[j] < low[0] ? low[j] : low[0];
    }
    bool strange = high[0] > key_of(bits_of(INFINITY)) || low[0] < key_of(bits_of(-INFINITY));
    return strange ? NAN : float_of(key_of(high[0]));
}

static double sum_of_exponentials(const float *logits, size_t count, float most)
{
    double sum = 0;
    size_t step = (size_t)LANES * RUN, whole = count / step * step;

    for (size_t i = 0; i < whole; i += step) {
        float lanes[LANES] = {0};
        for (size_t run = 0; run < RUN; run++) {
            for (size_t j = 0; j < LANES; j++) {
                lanes[j] += exp_of(logits[i + run * LANES + j] - most);
            }
        }
        for (size_t j = 0; j < LANES; j++) {
            sum += (double)lanes[j];
        }
    }
    for (size_t i = whole; i < count; i++) {
        sum += (double)exp_of(logits[i] - most);
    }
    return sum;
}

double met_likelihood_negative_log(const float *logits, size_t vocab, int32_t token)
{
    float most = largest(logits, vocab);
    if (!isfinite(most)) return NAN;
    return log(sum_of_exponentials(logits, vocab, most)) + (double)most - (double)logits[token];
}
