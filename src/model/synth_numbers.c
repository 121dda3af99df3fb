/* Owns: the random numbers of synthetic weights. The invariant: an element's value depends on the
 * tensor's key and the element's position alone, so that any division of the work gives the same
 * bytes. */
#include "model/synth.h"

#include "base/half.h"

#include <math.h>
#include <string.h>

/* The finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes every bit. */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t met_synth_key(uint64_t seed, uint64_t tensor)
{
    return mix(mix(seed + 0x9e3779b97f4a7c15u) + tensor);
}

/* Up to 32 elements from `first`, a multiple of 32: two come from each 64 random bits. */
static void draw(const met_synth_numbers *numbers, uint64_t first, float out[MET_Q8_BLOCK])
{
    for (uint64_t i = 0; i < MET_Q8_BLOCK / 2; i++) {
        uint64_t bits = mix(numbers->key + (first / 2 + i) * 0x9e3779b97f4a7c15u);
        out[2 * i] = (float)(int32_t)(bits & 0xffffffffu);
        out[2 * i + 1] = (float)(int32_t)(bits >> 32);
    }
    for (size_t i = 0; i < MET_Q8_BLOCK; i++) {
        out[i] = numbers->centre + numbers->spread * (out[i] * 0x1p-31f);
    }
}

static void quantize(const float x[MET_Q8_BLOCK], uint8_t out[MET_Q8_BLOCK_BYTES])
{
    /* Without their sign, floats order as their bits do; integers let the compiler use vectors. */
    int32_t bits[MET_Q8_BLOCK];
    int32_t largest_bits = 0;
    memcpy(bits, x, sizeof bits);
    for (size_t i = 0; i < MET_Q8_BLOCK; i++) {
        int32_t magnitude = bits[i] & 0x7fffffff;
        largest_bits = magnitude > largest_bits ? magnitude : largest_bits;
    }
    float largest = 0;
    memcpy(&largest, &largest_bits, sizeof largest);
    float scale = largest / 127.0f;
    float inverse = scale > 0 ? 1.0f / scale : 0;
    uint16_t half = met_float_to_half(scale);
    memcpy(out, &half, sizeof half);
    for (size_t i = 0; i < MET_Q8_BLOCK; i++) {
        float scaled = x[i] * inverse; /* within [-127, 127] */
        out[sizeof half + i] = (uint8_t)(int32_t)(scaled + copysignf(0.5f, scaled));
    }
}

static void store(met_dtype type, const float x[MET_Q8_BLOCK], size_t count, uint8_t *out)
{
    switch (type) {
    case MET_DTYPE_F32: memcpy(out, x, count * sizeof *x); break;
    case MET_DTYPE_F16:
        for (size_t i = 0; i < count; i++) {
            uint16_t half = met_float_to_half(x[i]);
            memcpy(out + i * sizeof half, &half, sizeof half);
        }
        break;
    case MET_DTYPE_Q8_0: quantize(x, out); break;
    }
}

void met_synth_fill(const met_synth_numbers *numbers, met_dtype type, uint64_t first, size_t count,
                    void *out)
{
    float x[MET_Q8_BLOCK];
    uint8_t *at = out;
    size_t block_bytes = met_dtype_row_bytes(type, MET_Q8_BLOCK);
    for (size_t done = 0; done < count; done += MET_Q8_BLOCK) {
        size_t part = count - done < MET_Q8_BLOCK ? count - done : MET_Q8_BLOCK;
        draw(numbers, first + done, x);
        store(type, x, part, at);
        at += block_bytes;
    }
}
