/* The generator behind every draw: xoshiro256** seeded by SplitMix64, both public domain, by
 * D. Blackman and S. Vigna (https://prng.di.unimi.it). Integers only, so every machine agrees. */
#ifndef MET_GENERATE_RANDOM_H
#define MET_GENERATE_RANDOM_H

#include <stdint.h>

typedef struct met_random {
    uint64_t state[4];
} met_random;

static inline uint64_t met_random_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

/* SplitMix64: any seed, also 0, gives four words that are not all zero. */
static inline void met_random_seed(met_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        random->state[i] = z ^ z >> 31;
    }
}

static inline uint64_t met_random_next(met_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = met_random_rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = met_random_rotate(s[3], 45);
    return result;
}

#endif
