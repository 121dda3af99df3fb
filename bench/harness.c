/* Owns: options, timing, ceilings and reports of all benches. Does not own the register and memory
 * loops of the ceilings (backend/cpu/peak.h), nor any kernel.
 *
 * The invariant: a fraction is a ratio of two timings that follow one another. */
#include "harness.h"

#include "backend/cpu/peak.h"
#include "base/clock.h"

#include <getopt.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    ROUNDS_DEFAULT = 11,
    ROUNDS_LEAST = 3, /* of a case that is slow */
    PAGE = 4096,
    READ_AHEAD = 4096, /* as backend/cpu/measure.c */
    REPEATS_MAX = 1 << 24
};

static const double timing_seconds = 2e-3; /* what one timing lasts at least */
static const double case_seconds = 0.3;    /* after that a case has no more rounds */
static const double slow_seconds = 30e-3;  /* what takes as long needs no warming */

/* A case or its ceiling while it is timed. */
typedef struct timing {
    const bench_case *what;
    met_team *team; /* NULL: the calling thread */
    bool ahead;     /* how the ceiling reads: with prefetches, or straight */
    size_t repeats; /* calls in one timing of the case */
    size_t reads;   /* of the whole memory in one timing of the ceiling */
    atomic_ullong sink;
} timing;

/* ---------------------------------------------------------------- clocks */

static int32_t team_threads(const met_team *team)
{
    return team == NULL ? 1 : met_team_threads(team);
}

/* One thread is timed by its own clock, which stands still while something else has the core. */
static double now(const timing *t)
{
    if (team_threads(t->team) > 1 || t->what->waits) return met_clock_seconds();
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double seconds(timing *t, met_team_fn fn)
{
    double start = now(t);
    if (t->team == NULL)
        fn(t, 0, 1);
    else
        met_team_run(t->team, fn, t);
    return now(t) - start;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, int32_t count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

/* ---------------------------------------------------------------- ceilings */

/* From caches, where prefetches are only in the way. `bytes`: a multiple of 256. */
#define READ_STRAIGHT(type, from, bytes)                                                           \
    type x[4] = {0};                                                                               \
    for (size_t i = 0; i < (bytes) / sizeof(type); i += 4) {                                       \
        for (size_t lane = 0; lane < 4; lane++)                                                    \
            x[lane] ^= ((const type *)(from))[i + lane];                                           \
    }                                                                                              \
    type all = x[0] ^ x[1] ^ x[2] ^ x[3]

#if defined(__x86_64__)
typedef uint64_t words8 __attribute__((vector_size(64)));

__attribute__((target("avx512f"))) static uint64_t read_straight_512(const void *from, size_t bytes)
{
    READ_STRAIGHT(words8, from, bytes);
    return all[0] ^ all[1] ^ all[2] ^ all[3] ^ all[4] ^ all[5] ^ all[6] ^ all[7];
}
#endif

typedef uint64_t words2 __attribute__((vector_size(16)));

static uint64_t read_straight_128(const void *from, size_t bytes)
{
    READ_STRAIGHT(words2, from, bytes);
    return all[0] ^ all[1];
}

static uint64_t read_straight(const void *from, size_t bytes)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return read_straight_512(from, bytes);
#endif
    return read_straight_128(from, bytes);
}

static size_t ceiling_bytes(const bench_case *what)
{
    return (what->memory_bytes + PAGE - 1) / PAGE * PAGE;
}

static void read_work(void *arg, int32_t worker, int32_t workers)
{
    timing *t = arg;
    size_t begin = 0, end = 0;
    met_team_slice(ceiling_bytes(t->what), PAGE, worker, workers, &begin, &end);
    const char *from = (const char *)t->what->memory + begin;
    uint64_t sink = 0;
    for (size_t i = 0; i < t->reads; i++) {
        __asm__ volatile("" ::: "memory"); /* read it again, whatever the compiler knows */
        sink ^= t->ahead ? met_cpu_peak_read(from, end - begin, 1, READ_AHEAD)
                         : read_straight(from, end - begin);
    }
    atomic_fetch_xor(&t->sink, sink);
}

static void fma_work(void *arg, int32_t worker, int32_t workers)
{
    (void)arg, (void)worker, (void)workers;
    (void)met_cpu_peak_float_macs();
}

static void int8_work(void *arg, int32_t worker, int32_t workers)
{
    (void)arg, (void)worker, (void)workers;
    (void)met_cpu_peak_int8_macs();
}

/* Units a second; 0 where this machine has no such ceiling. */
static double ceiling_rate(timing *t)
{
    int32_t threads = team_threads(t->team);
    switch (t->what->ceiling) {
    case BENCH_CEILING_NONE: return 0;
    case BENCH_CEILING_READ:
        return (double)(ceiling_bytes(t->what) * t->reads) / seconds(t, read_work);
    case BENCH_CEILING_FMA: return met_cpu_peak_float_macs() * threads / seconds(t, fma_work);
    case BENCH_CEILING_INT8: return met_cpu_peak_int8_macs() * threads / seconds(t, int8_work);
    }
    return 0;
}

static const char *ceiling_name(bench_ceiling ceiling)
{
    switch (ceiling) {
    case BENCH_CEILING_NONE: return NULL;
    case BENCH_CEILING_READ: return "read";
    case BENCH_CEILING_FMA: return "fma";
    case BENCH_CEILING_INT8: return "int8";
    }
    return NULL;
}

/* ---------------------------------------------------------------- timing */

static void case_work(void *arg, int32_t worker, int32_t workers)
{
    timing *t = arg;
    for (size_t i = 0; i < t->repeats; i++)
        t->what->run(t->what->arg, worker, workers);
}

/* How often `fn` has to be repeated, through `*repeats`, to last for a timing. The faster of two
 * tries: one that was interrupted must not pass for a long one. */
static void calibrate(const bench *b, timing *t, met_team_fn fn, size_t *repeats)
{
    *repeats = 1;
    if (seconds(t, fn) > slow_seconds || b->quick) return;
    for (;;) {
        double took = seconds(t, fn);
        double again = took < timing_seconds ? took : seconds(t, fn);
        took = again < took ? again : took;
        if (took >= timing_seconds || *repeats >= REPEATS_MAX) return;
        double factor = took > 0 ? timing_seconds / took : 1024;
        *repeats = (size_t)((double)*repeats * (factor < 1024 ? 1.1 * factor + 1 : 1024));
    }
}

/* Whatever reads these bytes faster is the ceiling. */
static void choose_reading(const bench *b, timing *t)
{
    double rates[2];
    size_t reads[2];
    for (int way = 0; way < 2; way++) {
        double tries[3];
        t->ahead = way == 1;
        calibrate(b, t, read_work, &t->reads);
        for (int i = 0; i < 3; i++)
            tries[i] = ceiling_rate(t);
        rates[way] = median(tries, 3);
        reads[way] = t->reads;
    }
    t->ahead = rates[1] > rates[0];
    t->reads = reads[t->ahead];
}

typedef struct result {
    int32_t rounds;
    double median, least, most; /* seconds of one call */
    double seconds;             /* the one that counts: the median, or with --best the least */
    double ceiling;             /* units a second; 0: none */
    double fraction;
} result;

static result time_case(const bench *b, timing *t)
{
    static double took[BENCH_ROUNDS_MAX], fractions[BENCH_ROUNDS_MAX], ceilings[BENCH_ROUNDS_MAX];
    const bench_case *what = t->what;
    double units = what->ceiling == BENCH_CEILING_READ ? what->bytes : what->macs;
    if (what->ceiling == BENCH_CEILING_READ) choose_reading(b, t);
    int32_t rounds = b->rounds, least = ROUNDS_LEAST;
    t->repeats = 1;
    if (what->calls > 0)
        rounds = least = what->calls < rounds ? what->calls : rounds;
    else
        calibrate(b, t, case_work, &t->repeats);
    double end = met_clock_seconds() + case_seconds;
    double before = ceiling_rate(t);
    int32_t n = 0;
    while (n < rounds && (n < least || met_clock_seconds() < end)) {
        if (what->prepare != NULL) what->prepare(what->arg);
        took[n] = seconds(t, case_work) / (double)t->repeats;
        double after = ceiling_rate(t);
        ceilings[n] = after;
        fractions[n] = after > 0 ? units / took[n] / (0.5 * (before + after)) : 0;
        before = after;
        n++;
    }
    result r = {.rounds = n, .median = median(took, n), .ceiling = median(ceilings, n)};
    r.least = took[0]; /* sorted now */
    r.most = took[n - 1];
    r.seconds = b->best ? r.least : r.median;
    r.fraction = median(fractions, n);
    if (b->best) {
        r.ceiling = ceilings[n - 1];
        r.fraction = r.ceiling > 0 ? units / r.least / r.ceiling : 0;
    }
    return r;
}

/* ---------------------------------------------------------------- report */

static json_t *number_or_null(bool known, double value)
{
    return known ? json_real(value) : json_null();
}

static void add_result(bench *b, const timing *t, const result *r)
{
    const bench_case *what = t->what;
    bool compared = r->ceiling > 0;
    json_t *name = json_string(what->name);
    json_t *one =
        json_pack("{s:o, s:s?, s:i, s:i, s:f, s:f, s:f, s:o, s:o, s:s?, s:o, s:o}", "name",
                  name == NULL ? json_string("?") : name /* not UTF-8 */, "level", what->level,
                  "threads", (int)team_threads(t->team), "rounds", (int)r->rounds, "us_median",
                  1e6 * r->median, "us_min", 1e6 * r->least, "us_max", 1e6 * r->most, "gb_s",
                  number_or_null(what->bytes > 0, 1e-9 * what->bytes / r->seconds), "gmac_s",
                  number_or_null(what->macs > 0, 1e-9 * what->macs / r->seconds), "ceiling_name",
                  compared ? ceiling_name(what->ceiling) : NULL, "ceiling",
                  number_or_null(compared, 1e-9 * r->ceiling), "ceiling_fraction",
                  number_or_null(compared, r->fraction));
    if (one == NULL || json_array_append_new(b->results, one) != 0) bench_fail(b, "out of memory");
}

static void print_result(const timing *t, const result *r)
{
    const bench_case *what = t->what;
    double gb = 1e-9 * what->bytes / r->seconds;
    printf("%-46s %-8s %2dT %11.2f us", what->name, what->level == NULL ? "" : what->level,
           (int)team_threads(t->team), 1e6 * r->seconds);
    if (what->bytes > 0) printf(gb < 0.5 ? " %8.1f MB/s" : " %8.1f GB/s", gb < 0.5 ? 1e3 * gb : gb);
    if (what->macs > 0) printf(" %8.1f GMAC/s", 1e-9 * what->macs / r->seconds);
    if (r->ceiling > 0) {
        printf("  %5.1f%% of %s %.1f", 100 * r->fraction, ceiling_name(what->ceiling),
               1e-9 * r->ceiling);
    }
    printf("\n");
    fflush(stdout);
}

void bench_measure(bench *b, met_team *team, const bench_case *what)
{
    if (!bench_wanted(b, what->name)) return;
    timing t = {.what = what, .team = team};
    result r = time_case(b, &t);
    add_result(b, &t, &r);
    if (!b->json) print_result(&t, &r);
}

int bench_end(bench *b)
{
    if (json_array_size(b->results) == 0) {
        fprintf(stderr, "bench_%s: no case is called \"%s\"\n", b->name,
                b->filter == NULL ? "" : b->filter);
        json_decref(b->results);
        return 2;
    }
    json_t *document = json_pack(
        "{s:s, s:s, s:s, s:i, s:s, s:b, s:o}", "schema", "metallic.bench.kernels/1", "bench",
        b->name, "isa", met_cpu_level_name(bench_level_best(b)), "cores", (int)met_team_cores(),
        "statistic", b->best ? "best" : "median", "quick", (int)b->quick, "results", b->results);
    if (document == NULL) bench_fail(b, "out of memory");
    if (b->json) {
        (void)json_dumpf(document, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
        printf("\n");
    }
    json_decref(document);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* ---------------------------------------------------------------- options */

static void print_usage(const bench *b, const char *operands, FILE *to)
{
    fprintf(to, "usage: bench_%s [OPTION]...%s%s\n", b->name, operands == NULL ? "" : " ",
            operands == NULL ? "" : operands);
    fputs("  --json         one document instead of lines\n"
          "  --quick        small cases only: to see that it runs\n"
          "  --best         the best round and the best ceiling, not medians: for a busy machine\n"
          "  --rounds N     timings of each case, at most; 1 to 1001 (11)\n"
          "  --threads N    instead of one for each core; 1 to 64\n"
          "  --level NAME   only this level\n"
          "  --filter TEXT  only cases whose name contains TEXT\n",
          to);
}

static int32_t number(const bench *b, const char *option, const char *text, int32_t most)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > most) {
        fprintf(stderr, "bench_%s: --%s: found \"%s\", expected a number from 1 to %d\n", b->name,
                option, text, (int)most);
        exit(2);
    }
    return (int32_t)value;
}

static void check_level(const bench *b)
{
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        if (bench_level_wanted(b, level)) return;
    }
    fprintf(stderr, "bench_%s: --level: found \"%s\", expected a level of this processor:", b->name,
            b->level);
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        if (met_cpu_level_available(level)) fprintf(stderr, " %s", met_cpu_level_name(level));
    }
    fprintf(stderr, "\n");
    exit(2);
}

void bench_begin(bench *b, const char *name, const char *operands, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"quick", no_argument, NULL, 'q'},
                                            {"best", no_argument, NULL, 'b'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"threads", required_argument, NULL, 't'},
                                            {"level", required_argument, NULL, 'l'},
                                            {"filter", required_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    *b = (bench){.name = name, .rounds = ROUNDS_DEFAULT, .results = json_array()};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'j': b->json = true; break;
        case 'q': b->quick = true; break;
        case 'b': b->best = true; break;
        case 'r': b->rounds = number(b, "rounds", optarg, BENCH_ROUNDS_MAX); break;
        case 't': b->threads = number(b, "threads", optarg, BENCH_THREADS_MAX); break;
        case 'l': b->level = optarg; break;
        case 'f': b->filter = optarg; break;
        case 'h': print_usage(b, operands, stdout); exit(0);
        default: print_usage(b, operands, stderr); exit(2);
        }
    }
    b->operands = (const char *const *)(argv + optind);
    b->operand_count = (int32_t)(argc - optind);
    if (b->operand_count > 0 && operands == NULL) {
        fprintf(stderr, "bench_%s: found \"%s\", expected only options\n", name, b->operands[0]);
        exit(2);
    }
    check_level(b);
    if (b->results == NULL) bench_fail(b, "out of memory");
}

bool bench_wanted(const bench *b, const char *name)
{
    return b->filter == NULL || strstr(name, b->filter) != NULL;
}

bool bench_level_wanted(const bench *b, int32_t level)
{
    if (!met_cpu_level_available(level)) return false;
    return b->level == NULL || strcmp(b->level, met_cpu_level_name(level)) == 0;
}

int32_t bench_level_best(const bench *b)
{
    int32_t level = met_cpu_level_count() - 1;
    while (level > 0 && !bench_level_wanted(b, level))
        level--;
    return level;
}

int32_t bench_threads(const bench *b)
{
    if (b->threads > 0) return b->threads;
    int32_t cores = met_team_cores();
    return cores < BENCH_THREADS_MAX ? cores : BENCH_THREADS_MAX;
}

/* ---------------------------------------------------------------- what cases need */

_Noreturn void bench_fail(const bench *b, const char *text)
{
    fprintf(stderr, "bench_%s: %s\n", b->name, text);
    exit(1);
}

met_team *bench_team(const bench *b, int32_t threads)
{
    met_error err = {0};
    met_team *team = NULL;
    if (met_team_create(threads, &team, &err) != MET_OK) bench_fail(b, err.text);
    return team;
}

void *bench_memory(const bench *b, size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) bench_fail(b, "out of memory");
#if defined(MADV_HUGEPAGE)
    (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

void bench_fill(float *to, size_t count, uint64_t seed)
{
    uint64_t state = seed;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        to[i] = (float)(int64_t)(state >> 40) * 0x1p-23f - 1.0f;
    }
}
