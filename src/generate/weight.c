/* Owns: passes of the exponential over a whole vocabulary. Split into strips, so that the
 * arithmetic of a strip is one vector loop and the branches come after it. */
#include "generate/weight.h"

enum { STRIP = 256, SUMS = 16 };

/* e[i] = e^exponent of logits[i]. In two loops: in one, compilers turn the bound of the exponent
 * into a branch around the polynomial. */
static void exp_strip(const float *logits, int32_t n, float max, float temperature, float *e)
{
    for (int32_t i = 0; i < n; i++)
        e[i] = met_weight_exponent(logits[i], max, temperature);
    for (int32_t i = 0; i < n; i++)
        e[i] = met_weight_exp(e[i]);
}

size_t met_weight_all(const float *logits, int32_t vocab, float max, float temperature,
                      uint64_t *keys)
{
    float e[STRIP];
    size_t count = 0;
    for (int32_t base = 0; base < vocab; base += STRIP) {
        int32_t n = vocab - base < STRIP ? vocab - base : STRIP;
        exp_strip(logits + base, n, max, temperature, e);
        for (int32_t i = 0; i < n; i++) {
            uint64_t weight = met_weight_of(e[i]);
            keys[count] = met_select_weight_key(weight, base + i);
            count += weight > 0;
        }
    }
    return count;
}

double met_weight_sum(const float *logits, int32_t vocab, float max)
{
    double sum[SUMS] = {0};
    float e[STRIP];
    for (int32_t base = 0; base < vocab; base += STRIP) {
        int32_t n = vocab - base < STRIP ? vocab - base : STRIP;
        exp_strip(logits + base, n, max, 1.0f, e);
        for (int32_t i = n; i < STRIP; i++)
            e[i] = 0;
        for (int32_t i = 0; i < STRIP; i += SUMS) {
            for (int32_t j = 0; j < SUMS; j++)
                sum[j] += (double)e[i + j];
        }
    }
    double total = 0;
    for (int32_t j = 0; j < SUMS; j++)
        total += sum[j];
    return total;
}
