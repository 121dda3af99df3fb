/* What every bench shares: options, clocks, ceilings, medians, lines and JSON.
 *
 * Machines change their speed while one measures (clocks, neighbours, where the host puts virtual
 * cores), so only ratios count: every timing of a case lies between two timings of its ceiling,
 * and the median of the ratios is reported. docs/BENCHMARKS.md has the keys of the JSON. */
#ifndef MET_BENCH_HARNESS_H
#define MET_BENCH_HARNESS_H

#include "backend/cpu/kernels.h"
#include "base/team.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BENCH_ROUNDS_MAX = 1001, BENCH_THREADS_MAX = 64 };

/* What a case is compared with. */
typedef enum bench_ceiling {
    BENCH_CEILING_NONE = 0,
    BENCH_CEILING_READ, /* reading as many bytes, from the cache or memory that they lie in */
    BENCH_CEILING_FMA,  /* multiply-adds of floats in registers */
    BENCH_CEILING_INT8, /* the same of bytes */
} bench_ceiling;

typedef struct bench {
    const char *name;   /* "sdpa" */
    const char *filter; /* part of a case's name; NULL: all */
    const char *level;  /* one of this processor's; NULL: not given */
    int32_t threads;    /* 0: not given */
    int32_t rounds;     /* at most, for each case */
    bool quick;         /* small cases, for a test that everything runs */
    bool best;          /* the best round counts, not the median */
    bool json;
    const char *const *operands; /* [operand_count] what is no option */
    int32_t operand_count;
    void *results; /* a JSON array */
} bench;

/* One thing to time. */
typedef struct bench_case {
    const char *name;
    const char *level; /* NULL: not a question of levels */
    met_team_fn run;   /* one call, on every worker of the team; it may use barriers */
    void *arg;
    double bytes; /* moved by one call; 0: not counted */
    double macs;  /* multiply-adds of one call; 0: not counted */
    bench_ceiling ceiling;
    const void *memory;  /* READ: page-aligned, of memory_bytes at least: what is read instead */
    size_t memory_bytes; /* what one call touches; rounded up to pages */
    bool waits;          /* for files, or for threads that are not the team's */
    int32_t calls;       /* 0: as many as a timing needs; else that many timings of one, unwarmed */
    void (*prepare)(void *arg); /* before each timing, not timed; NULL: nothing; with `calls` */
} bench_case;

/* Read the options; a wrong one ends the program with 2, --help with 0. `operands` is what the
 * usage says of them, NULL when there are none. */
void bench_begin(bench *b, const char *name, const char *operands, int argc, char **argv);

/* Whether a case of this name is asked for: to be asked before it is prepared. */
bool bench_wanted(const bench *b, const char *name);

/* Whether a level is on this processor and asked for. */
bool bench_level_wanted(const bench *b, int32_t level);

/* The level asked for, or the highest of this processor. */
int32_t bench_level_best(const bench *b);

/* The number of threads asked for, or as many as there are cores. */
int32_t bench_threads(const bench *b);

/* Time it and print its line. `team` NULL: on the calling thread alone. */
void bench_measure(bench *b, met_team *team, const bench_case *what);

/* Print the document when it was asked for. Returns the exit status. */
int bench_end(bench *b);

/* A team, or an error and the end of the program. */
met_team *bench_team(const bench *b, int32_t threads);

/* Memory of zeros in huge pages where there are some; it lasts until the program ends, which it
 * does at once where there is no memory. */
void *bench_memory(const bench *b, size_t bytes);

/* Uniform in [-1, 1); the same for the same seed. */
void bench_fill(float *to, size_t count, uint64_t seed);

/* Say what went wrong and end the program with 1. */
_Noreturn void bench_fail(const bench *b, const char *text);

#endif
