/* The attention phases of a step, run by the CPU machine itself and by nothing else: rotation,
 * append, scores, softmax, values, merging, and the barriers between. */
#ifndef MET_BENCH_SDPA_STEP_H
#define MET_BENCH_SDPA_STEP_H

#include "harness.h"

typedef struct bench_sdpa bench_sdpa;

typedef struct bench_sdpa_options {
    int32_t level;
    int32_t threads;
    int32_t layers;
    int32_t heads, kv_heads, head_dim; /* heads * head_dim a multiple of 32 */
    met_dtype kv_type;                 /* F16 or F32 */
    int32_t context_length;            /* the cache is filled with random numbers up to here */
} bench_sdpa_options;

/* A machine, a program of attention layers, and a timeline. An error ends the program. */
bench_sdpa *bench_sdpa_open(const bench *b, const bench_sdpa_options *options);
/* Accepts NULL. */
void bench_sdpa_close(bench_sdpa *s);

/* Time steps of `count` tokens (1 .. 512) at `position`. The bytes are those of the keys and values
 * that are visible, each once; the products those of scores and values. One token is compared
 * with reading the same bytes of the same cache, many with multiply-adds. */
void bench_sdpa_measure(bench *b, bench_sdpa *s, const char *name, int32_t position, int32_t count);

#endif
