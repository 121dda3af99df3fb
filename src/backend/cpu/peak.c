/* Owns: the loops behind peak.h. Does not own: clocks and threads. */
#include "backend/cpu/peak.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { LINE_BYTES = 64, STEP_BYTES = 256 };

/* `x` is xor-ed with every word: four lines a step, from `streams` places in turn. */
#define READ_LOOP(type, x)                                                                         \
    for (size_t i = 0; i < part; i += STEP_BYTES) {                                                \
        for (size_t s = 0; s < streams; s++) {                                                     \
            const char *at = (const char *)from + s * part + i;                                    \
            __builtin_prefetch(at + ahead);                                                        \
            __builtin_prefetch(at + ahead + LINE_BYTES);                                           \
            __builtin_prefetch(at + ahead + 2 * LINE_BYTES);                                       \
            __builtin_prefetch(at + ahead + 3 * LINE_BYTES);                                       \
            for (size_t w = 0; w < STEP_BYTES / sizeof(type); w += 4) {                            \
                for (size_t lane = 0; lane < 4; lane++)                                            \
                    x[lane] ^= ((const type *)at)[w + lane];                                       \
            }                                                                                      \
        }                                                                                          \
    }

#if defined(__x86_64__)
typedef long long words4 __attribute__((vector_size(32)));

__attribute__((target("avx2"))) static uint64_t read_256(const void *from, size_t part,
                                                         size_t streams, size_t ahead)
{
    words4 x[4] = {0};
    READ_LOOP(words4, x)
    words4 all = x[0] ^ x[1] ^ x[2] ^ x[3];
    return (uint64_t)(all[0] ^ all[1] ^ all[2] ^ all[3]);
}
#endif

static uint64_t read_64(const void *from, size_t part, size_t streams, size_t ahead)
{
    uint64_t x[4] = {0};
    READ_LOOP(uint64_t, x)
    return x[0] ^ x[1] ^ x[2] ^ x[3];
}

uint64_t met_cpu_peak_read(const void *from, size_t bytes, size_t streams, size_t ahead)
{
    size_t part = bytes / streams / STEP_BYTES * STEP_BYTES;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return read_256(from, part, streams, ahead);
#endif
    return read_64(from, part, streams, ahead);
}

#if defined(__x86_64__)
enum { LOOPS = 1000000, CHAINS = 12 };

/* Twelve independent chains hide the latency of both units; the assembler keeps them apart. */
#define TWELVE(op)                                                                                 \
    op " %13, %12, %0\n" op " %13, %12, %1\n" op " %13, %12, %2\n" op " %13, %12, %3\n" op         \
       " %13, %12, %4\n" op " %13, %12, %5\n" op " %13, %12, %6\n" op " %13, %12, %7\n" op         \
       " %13, %12, %8\n" op " %13, %12, %9\n" op " %13, %12, %10\n" op " %13, %12, %11"
#define OUTPUTS(z)                                                                                 \
    "+v"(z[0]), "+v"(z[1]), "+v"(z[2]), "+v"(z[3]), "+v"(z[4]), "+v"(z[5]), "+v"(z[6]),            \
        "+v"(z[7]), "+v"(z[8]), "+v"(z[9]), "+v"(z[10]), "+v"(z[11])

__attribute__((target("avx512f,avx512vnni"))) static void int8_loop(void)
{
    __m512i z[CHAINS];
    __m512i x = _mm512_set1_epi32(0x01010101);
    for (int i = 0; i < CHAINS; i++)
        z[i] = _mm512_setzero_si512();
    for (int n = 0; n < LOOPS; n++)
        __asm__ volatile(TWELVE("vpdpbusd") : OUTPUTS(z) : "v"(x), "v"(x));
}

__attribute__((target("avx512f"))) static void float_loop_512(void)
{
    __m512 z[CHAINS];
    __m512 x = _mm512_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++)
        z[i] = _mm512_setzero_ps();
    for (int n = 0; n < LOOPS; n++)
        __asm__ volatile(TWELVE("vfmadd231ps") : OUTPUTS(z) : "v"(x), "v"(x));
}

__attribute__((target("avx2,fma"))) static void float_loop_256(void)
{
    __m256 z[CHAINS];
    __m256 x = _mm256_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++)
        z[i] = _mm256_setzero_ps();
    for (int n = 0; n < LOOPS; n++)
        __asm__ volatile(TWELVE("vfmadd231ps") : OUTPUTS(z) : "x"(x), "x"(x));
}

double met_cpu_peak_int8_macs(void)
{
    if (!__builtin_cpu_supports("avx512vnni")) return 0.0;
    int8_loop();
    return 64.0 * CHAINS * LOOPS;
}

double met_cpu_peak_float_macs(void)
{
    if (__builtin_cpu_supports("avx512f")) {
        float_loop_512();
        return 16.0 * CHAINS * LOOPS;
    }
    if (!__builtin_cpu_supports("fma")) return 0.0;
    float_loop_256();
    return 8.0 * CHAINS * LOOPS;
}
#else
double met_cpu_peak_int8_macs(void)
{
    return 0.0;
}

double met_cpu_peak_float_macs(void)
{
    return 0.0;
}
#endif
