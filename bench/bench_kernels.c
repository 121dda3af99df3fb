/* bench_kernels: how fast the CPU kernels are, beside what this machine can do at most.
 *
 * Machines change their speed while one measures (clocks, neighbours, where the host puts virtual
 * cores), so only ratios count: every timing of a kernel lies between two timings of its yardstick
 * in the same run, and the median of the ratios is printed. Products with one token are compared
 * with reading the same bytes; products with many tokens with multiply-adds in registers. */
#include "backend/cpu/kernels.h"
#include "base/team.h"
#include "backend/cpu/peak.h"

#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sys/mman.h>

enum {
    REGION_KIB = 256 << 10,  /* weights: many times what caches hold */
    GUARD_BYTES = 128 << 20, /* the largest matrix, and prefetches past the end */
    COLS_MAX = 11008,
    ROWS_MAX = 11008,
    TOKENS_MAX = 512,
    ROUNDS_MAX = 101,
    CALIBRATIONS = 5,
    THREADS_MAX = 64,
    ROW_GRAIN = 32
};

/* Settings and buffers, shared by all benches. */
typedef struct bench {
    const char *filter; /* part of "kernel shape"; NULL: all */
    const char *level;  /* NULL: all that this processor has */
    size_t region_bytes;
    int rounds;
    bool large; /* also the shapes of a 3B model */
    bool best;  /* of all rounds, instead of the median: for a machine that is busy */
    bool json;
    bool first_result;

    met_team *team;
    int32_t threads;
    size_t streams; /* of the fastest reading */
    size_t ahead;

    uint8_t *weights; /* region_bytes */
    float *x;         /* [TOKENS_MAX][COLS_MAX] */
    float *y;         /* [TOKENS_MAX][ROWS_MAX] */
    met_q8_rows q8;
    void *panel[THREADS_MAX];
    _Atomic uint64_t sink;
} bench;

/* One kernel on one shape. */
typedef struct bench_job {
    bench *bench;
    met_cpu_kernels kernels;
    met_dtype type;
    size_t rows;
    size_t cols;
    size_t tokens;
    size_t copies; /* of the matrix, one after another in the region */
    size_t repeats;
    const struct row_kernel *row_kernel;
    met_attend attend;
} bench_job;

/* A yardstick or a kernel in one number: units of work a second. */
typedef double (*rate_fn)(bench_job *job);

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One thread is timed by its own clock, which stands still while something else has the core. */
static double seconds(bench_job *job, met_team_fn fn)
{
    clockid_t clock = job->bench->threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    double start = now(clock);
    met_team_run(job->bench->team, fn, job);
    return now(clock) - start;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, compare);
    return values[n / 2];
}

static double largest(const double *values, int n)
{
    double most = values[0];
    for (int i = 1; i < n; i++)
        most = values[i] > most ? values[i] : most;
    return most;
}

/* ---------------------------------------------------------------- yardsticks */

static void read_work(void *arg, int32_t worker, int32_t workers)
{
    const bench_job *job = arg;
    bench *b = job->bench;
    size_t part = b->region_bytes / (size_t)workers / 4096 * 4096;
    b->sink += met_cpu_peak_read(b->weights + part * (size_t)worker, part, b->streams, b->ahead);
}

static double read_rate(bench_job *job)
{
    return (double)job->bench->region_bytes / seconds(job, read_work);
}

static void int8_work(void *arg, int32_t worker, int32_t workers)
{
    (void)arg, (void)worker, (void)workers;
    (void)met_cpu_peak_int8_macs();
}

static double int8_rate(bench_job *job)
{
    return met_cpu_peak_int8_macs() * job->bench->threads / seconds(job, int8_work);
}

static void float_work(void *arg, int32_t worker, int32_t workers)
{
    (void)arg, (void)worker, (void)workers;
    (void)met_cpu_peak_float_macs();
}

static double float_rate(bench_job *job)
{
    return met_cpu_peak_float_macs() * job->bench->threads / seconds(job, float_work);
}

/* Find how this machine reads fastest with these threads. */
static void calibrate(bench *b)
{
    static const size_t streams[] = {1, 2, 4};
    static const size_t distances[] = {0, 1024, 2048, 4096, 8192};
    bench_job job = {.bench = b};
    double best = 0.0;
    size_t best_streams = 1;
    size_t best_ahead = 0;
    for (size_t s = 0; s < 3; s++) {
        for (size_t d = 0; d < 5; d++) {
            b->streams = streams[s];
            b->ahead = distances[d];
            double rates[CALIBRATIONS];
            for (int i = 0; i < CALIBRATIONS; i++)
                rates[i] = read_rate(&job);
            double rate = b->best ? largest(rates, CALIBRATIONS) : median(rates, CALIBRATIONS);
            if (rate <= best) continue;
            best = rate;
            best_streams = streams[s];
            best_ahead = distances[d];
        }
    }
    b->streams = best_streams;
    b->ahead = best_ahead;
}

/* ---------------------------------------------------------------- products */

static void product_work(void *arg, int32_t worker, int32_t workers)
{
    const bench_job *job = arg;
    const bench *b = job->bench;
    const met_cpu_kernels *k = &job->kernels;
    size_t row_bytes = met_dtype_row_bytes(job->type, job->cols);
    size_t begin = 0;
    size_t end = 0;
    met_team_slice(job->rows, ROW_GRAIN, worker, workers, &begin, &end);
    size_t rows = end - begin;
    float *y = b->y + begin;
    for (size_t c = 0; c < job->copies; c++) {
        const void *w = b->weights + (c * job->rows + begin) * row_bytes;
        bool one = job->tokens == 1;
        switch (job->type) {
        case MET_DTYPE_Q8_0:
            if (one) {
                k->matvec_q8(w, rows, job->cols, b->q8.q, b->q8.scale, b->q8.offset, y);
            } else {
                k->matmul_q8(w, rows, job->cols, &b->q8, job->tokens, y, job->rows,
                             b->panel[worker]);
            }
            break;
        case MET_DTYPE_F16:
            if (one) {
                k->matvec_f16(w, rows, job->cols, b->x, y);
            } else {
                k->matmul_f16(w, rows, job->cols, b->x, job->tokens, y, job->rows,
                              b->panel[worker]);
            }
            break;
        case MET_DTYPE_F32:
            if (one) {
                k->matvec_f32(w, rows, job->cols, b->x, y);
            } else {
                k->matmul_f32(w, rows, job->cols, b->x, job->tokens, y, job->rows,
                              b->panel[worker]);
            }
            break;
        }
    }
}

static double matvec_rate(bench_job *job)
{
    double bytes = (double)(met_dtype_row_bytes(job->type, job->cols) * job->rows * job->copies);
    return bytes / seconds(job, product_work);
}

static double matmul_rate(bench_job *job)
{
    double macs = (double)(job->rows * job->cols * job->tokens * job->copies);
    return macs / seconds(job, product_work);
}

/* ---------------------------------------------------------------- rows */

/* A kernel over `cols` numbers that lie in cache. */
typedef struct row_kernel {
    const char *name;
    void (*run)(const bench *b, const met_cpu_kernels *k, size_t cols);
} row_kernel;

static void run_quantize(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->quantize_q8(b->x, cols, b->q8.q, b->q8.scale, b->q8.offset);
}

static void run_rmsnorm(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->rmsnorm(b->x, b->x + COLS_MAX, cols, 1e-6f, b->y);
}

static void run_rope(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    enum { HEAD_DIM = 64 };
    k->rope(b->y, b->x, b->x + COLS_MAX, cols / HEAD_DIM, HEAD_DIM);
}

static void run_swiglu(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->swiglu(b->x, b->x + COLS_MAX, cols, b->y);
}

static void run_add(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->add(b->x, b->x + COLS_MAX, cols, b->y);
}

static void run_exp(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->exp(b->x, cols, b->y);
}

static void run_to_f16(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->to_f16(b->x, cols, (uint16_t *)b->y);
}

static void run_row_q8(const bench *b, const met_cpu_kernels *k, size_t cols)
{
    k->row_q8(b->weights, cols, b->y);
}

static const row_kernel row_kernels[] = {
    {"quantize_q8", run_quantize}, {"rmsnorm", run_rmsnorm}, {"rope", run_rope},
    {"swiglu", run_swiglu},        {"add", run_add},         {"exp", run_exp},
    {"to_f16", run_to_f16},        {"row_q8", run_row_q8},
};

static void row_work(void *arg, int32_t worker, int32_t workers)
{
    const bench_job *job = arg;
    (void)workers;
    if (worker != 0) return; /* they run once for every worker: one is enough to measure */
    for (size_t i = 0; i < job->repeats; i++) {
        job->row_kernel->run(job->bench, &job->kernels, job->cols);
    }
}

static double row_rate(bench_job *job)
{
    return (double)(job->repeats * job->cols) / seconds(job, row_work);
}

/* ---------------------------------------------------------------- attention */

static void attend_work(void *arg, int32_t worker, int32_t workers)
{
    bench_job *job = arg;
    (void)workers;
    if (worker != 0) return;
    for (size_t i = 0; i < job->repeats; i++)
        job->kernels.attend(&job->attend);
}

static double attend_rate(bench_job *job)
{
    const met_attend *a = &job->attend;
    size_t macs = (size_t)(a->tokens * a->group * a->head_dim) * 2 * MET_KEY_BLOCK;
    return (double)(macs * job->repeats) / seconds(job, attend_work);
}

/* ---------------------------------------------------------------- report */

/* What is printed about one kernel. */
typedef struct result {
    const char *kernel;
    const char *shape;
    double work;      /* units in one call */
    double unit;      /* 1e9: giga */
    const char *name; /* of the unit */
    const char *of;   /* name of the yardstick, or NULL */
} result;

static void print_result(bench *b, const bench_job *job, const result *r, double rate,
                         double fraction, double yardstick)
{
    if (b->json) {
        printf("%s\n  {\"level\": \"%s\", \"kernel\": \"%s\", \"shape\": \"%s\", \"threads\": %d, "
               "\"microseconds\": %.4g, \"rate\": %.4g, \"unit\": \"%s\"",
               b->first_result ? "" : ",", job->kernels.name, r->kernel, r->shape, (int)b->threads,
               r->work / rate * 1e6, rate / r->unit, r->name);
        if (r->of != NULL) {
            printf(", \"of\": \"%s\", \"fraction\": %.4f, \"yardstick\": %.4g", r->of, fraction,
                   yardstick / r->unit);
        }
        printf("}");
    } else {
        printf("%-7s %-11s %-28s %2dT %11.2f us %9.2f %s", job->kernels.name, r->kernel, r->shape,
               (int)b->threads, r->work / rate * 1e6, rate / r->unit, r->name);
        if (r->of != NULL) {
            printf("  %5.1f%% of %s %.1f", 100.0 * fraction, r->of, yardstick / r->unit);
        }
        printf("\n");
    }
    b->first_result = false;
    fflush(stdout);
}

static bool wanted(const bench *b, const result *r)
{
    char text[128];
    snprintf(text, sizeof text, "%s %s", r->kernel, r->shape);
    return b->filter == NULL || strstr(text, b->filter) != NULL;
}

/* Time a kernel, each time between two timings of its yardstick. */
static void measure(bench *b, bench_job *job, const result *r, rate_fn kernel, rate_fn yardstick)
{
    double rates[ROUNDS_MAX];
    double fractions[ROUNDS_MAX];
    double yards[ROUNDS_MAX];
    (void)kernel(job); /* warm */
    double before = yardstick == NULL ? 1.0 : yardstick(job);
    for (int i = 0; i < b->rounds; i++) {
        rates[i] = kernel(job);
        double after = yardstick == NULL ? 1.0 : yardstick(job);
        yards[i] = after;
        fractions[i] = rates[i] / (0.5 * (before + after));
        before = after;
    }
    if (b->best) {
        double rate = largest(rates, b->rounds);
        double yard = largest(yards, b->rounds);
        print_result(b, job, r, rate, rate / yard, yard);
        return;
    }
    double rate = median(rates, b->rounds);
    print_result(b, job, r, rate, median(fractions, b->rounds), median(yards, b->rounds));
}

/* Of Qwen2.5 0.5B, then of 3B. */
static const struct {
    size_t cols;
    size_t rows;
} shapes[] = {{896, 896}, {896, 4864}, {4864, 896}, {2048, 11008}, {11008, 2048}};

enum { SHAPES = sizeof shapes / sizeof shapes[0], SMALL_SHAPES = 3 };

static const char *const matvec_names[] = {"matvec_f32", "matvec_f16", "matvec_q8"};
static const char *const matmul_names[] = {"matmul_f32", "matmul_f16", "matmul_q8"};

/* A region of numbers of this type that are fit for arithmetic. */
static void fill_weights(bench *b, met_dtype type)
{
    uint64_t state = 88172645463325252u;
    uint8_t *w = b->weights;
    for (size_t i = 0; i < b->region_bytes; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t word = state;
        if (type == MET_DTYPE_F32) word = (word & 0x807fffff807fffffu) | 0x3f0000003f000000u;
        if (type == MET_DTYPE_F16) word = (word & 0x83ff83ff83ff83ffu) | 0x3800380038003800u;
        memcpy(w + i, &word, sizeof word);
    }
    if (type != MET_DTYPE_Q8_0) return;
    for (size_t at = 0; at + MET_Q8_BLOCK_BYTES <= b->region_bytes; at += MET_Q8_BLOCK_BYTES) {
        w[at + 1] = 0x10 | (w[at + 1] & 3); /* scales about 2^-11 */
    }
}

/* At least one: a region smaller than the matrix is extended by GUARD_BYTES and more. */
static size_t copies_in(size_t region_bytes, double bytes)
{
    size_t copies = (size_t)((double)region_bytes / bytes);
    return copies > 0 ? copies : 1;
}

static void bench_matvec(bench *b, bench_job *job, met_dtype type)
{
    for (size_t i = 0; i < (b->large ? SHAPES : SMALL_SHAPES); i++) {
        char shape[64];
        snprintf(shape, sizeof shape, "%zu x %zu", shapes[i].rows, shapes[i].cols);
        double bytes = (double)(met_dtype_row_bytes(type, shapes[i].cols) * shapes[i].rows);
        result r = {matvec_names[type], shape, bytes, 1e9, "GB/s", "read"};
        if (!wanted(b, &r)) continue;
        job->type = type;
        job->cols = shapes[i].cols;
        job->rows = shapes[i].rows;
        job->tokens = 1;
        job->copies =
            strcmp(job->kernels.name, "scalar") == 0 ? 1 : copies_in(b->region_bytes, bytes);
        measure(b, job, &r, matvec_rate, read_rate);
    }
}

static void bench_matmul(bench *b, bench_job *job, met_dtype type)
{
    static const size_t tokens[] = {2, 3, 4, 6, 8, 16, 32, TOKENS_MAX};
    bool integers = type == MET_DTYPE_Q8_0;
    for (size_t i = 0; i < (b->large ? SHAPES : SMALL_SHAPES); i++) {
        for (size_t t = 0; t < sizeof tokens / sizeof tokens[0]; t++) {
            char shape[64];
            snprintf(shape, sizeof shape, "%zu x %zu x %zu", shapes[i].rows, shapes[i].cols,
                     tokens[t]);
            double macs = (double)(shapes[i].rows * shapes[i].cols * tokens[t]);
            result r = {matmul_names[type],
                        shape,
                        macs,
                        1e9,
                        "GMAC/s",
                        integers ? "int8 peak" : "float peak"};
            if (!wanted(b, &r)) continue;
            job->type = type;
            job->cols = shapes[i].cols;
            job->rows = shapes[i].rows;
            job->tokens = tokens[t];
            double bytes = (double)(met_dtype_row_bytes(type, job->cols) * job->rows);
            /* Few tokens: from memory, as a step would find them. Many: enough to time. */
            job->copies = tokens[t] <= 32 ? copies_in(b->region_bytes / 4, bytes) : 1;
            measure(b, job, &r, matmul_rate, integers ? int8_rate : float_rate);
        }
    }
}

static void bench_rows(bench *b, bench_job *job)
{
    static const size_t cols[] = {896, 4864};
    for (size_t i = 0; i < sizeof row_kernels / sizeof row_kernels[0]; i++) {
        for (size_t c = 0; c < 2; c++) {
            char shape[64];
            snprintf(shape, sizeof shape, "%zu", cols[c]);
            result r = {row_kernels[i].name, shape, (double)cols[c], 1e9, "Gelement/s", NULL};
            if (!wanted(b, &r)) continue;
            job->row_kernel = &row_kernels[i];
            job->cols = cols[c];
            job->repeats = 1000;
            measure(b, job, &r, row_rate, NULL);
        }
    }
}

static void bench_attend(bench *b, bench_job *job, met_dtype kv_type)
{
    static const struct {
        int32_t tokens;
        int32_t group;
        int32_t head_dim;
    } tasks[] = {{1, 7, 64}, {1, 6, 128}, {1, 8, 128}, {16, 7, 64}, {16, 6, 128}};
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        char shape[64];
        snprintf(shape, sizeof shape, "%d tokens x %d heads of %d", (int)tasks[i].tokens,
                 (int)tasks[i].group, (int)tasks[i].head_dim);
        int32_t queries = tasks[i].tokens * tasks[i].group;
        double macs = 2.0 * MET_KEY_BLOCK * queries * tasks[i].head_dim;
        const char *kernel = kv_type == MET_DTYPE_F32 ? "attend_f32" : "attend";
        size_t block_bytes = met_dtype_row_bytes(kv_type, (size_t)tasks[i].head_dim) * MET_KEY_BLOCK;
        result r = {kernel, shape, macs, 1e9, "GMAC/s", "float peak"};
        if (!wanted(b, &r)) continue;
        job->attend = (met_attend){
            .q = b->x,
            .q_stride = (size_t)(tasks[i].group * tasks[i].head_dim),
            .k = b->weights,
            .v = b->weights + block_bytes,
            .kv_f32 = kv_type == MET_DTYPE_F32,
            .tokens = tasks[i].tokens,
            .group = tasks[i].group,
            .head_dim = tasks[i].head_dim,
            .visible = MET_KEY_BLOCK,
            .scale = 0.125f,
            .max = b->y,
            .sum = b->y + 1024,
            .out = b->y + 2048,
        };
        job->repeats = 2000 / (size_t)tasks[i].tokens;
        measure(b, job, &r, attend_rate, float_rate);
    }
}

static void bench_level(bench *b, int32_t level, met_dtype type)
{
    bench_job job = {.bench = b, .kernels = met_cpu_level_kernels(level)};
    bench_matvec(b, &job, type);
    if (level > 0) bench_matmul(b, &job, type); /* the reference would take minutes */
    if (b->threads > 1) return;
    if (type == MET_DTYPE_Q8_0) bench_rows(b, &job);
    if (type != MET_DTYPE_Q8_0) bench_attend(b, &job, type);
}

static void bench_threads(bench *b, int32_t threads)
{
    met_error err;
    b->threads = threads;
    if (met_team_create(threads, &b->team, &err) != MET_OK) {
        fprintf(stderr, "bench_kernels: %s\n", err.text);
        exit(1);
    }
    calibrate(b);
    static const met_dtype types[] = {MET_DTYPE_Q8_0, MET_DTYPE_F16, MET_DTYPE_F32};
    for (size_t i = 0; i < 3; i++) {
        fill_weights(b, types[i]);
        for (int32_t level = 0; level < met_cpu_level_count(); level++) {
            const char *name = met_cpu_level_name(level);
            if (b->level != NULL && strcmp(b->level, name) != 0) continue;
            if (met_cpu_level_available(level)) bench_level(b, level, types[i]);
        }
    }
    met_team_free(b->team);
}

static void *allocate(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) {
        perror("bench_kernels: mmap");
        exit(1);
    }
#if defined(MADV_HUGEPAGE)
    (void)madvise(p, bytes, MADV_HUGEPAGE);
#endif
    return p;
}

static void prepare(bench *b)
{
    b->weights = allocate(b->region_bytes + GUARD_BYTES);
    b->x = allocate(sizeof(float) * TOKENS_MAX * COLS_MAX);
    b->y = allocate(sizeof(float) * TOKENS_MAX * ROWS_MAX);
    b->q8.q = allocate((size_t)TOKENS_MAX * COLS_MAX);
    b->q8.scale = allocate(sizeof(float) * TOKENS_MAX * COLS_MAX / MET_Q8_BLOCK);
    b->q8.offset = allocate(sizeof(int32_t) * TOKENS_MAX * COLS_MAX / MET_Q8_BLOCK);
    for (int i = 0; i < THREADS_MAX; i++)
        b->panel[i] = allocate(met_cpu_panel_bytes(COLS_MAX));
    uint64_t state = 1;
    for (size_t i = 0; i < (size_t)TOKENS_MAX * COLS_MAX; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        b->x[i] = (float)(int64_t)(state >> 40) * 0x1p-23f - 1.0f;
    }
    met_cpu_level_kernels(0).quantize_q8(b->x, (size_t)TOKENS_MAX * COLS_MAX, b->q8.q, b->q8.scale,
                                         b->q8.offset);
}

static const char usage[] =
    "usage: bench_kernels [--threads N] [--level NAME] [--filter TEXT] [--rounds N]\n"
    "                     [--region-kib N] [--large] [--best] [--json]\n"
    "  --threads N    only N threads (otherwise 1, then every core)\n"
    "  --level NAME   only this level\n"
    "  --filter TEXT  only kernels whose \"name shape\" contains TEXT\n"
    "  --rounds N     timings of each kernel, 1 to 101 (5)\n"
    "  --region-kib N bytes of weights that the products walk through (262144: from memory)\n"
    "  --large        also the shapes of a 3B model\n"
    "  --best         the best round and the best yardstick, not medians: for a busy machine\n"
    "  --json         one document instead of lines\n";

static int number(const char *text, int least, int most)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least || value > most) {
        fprintf(stderr, "bench_kernels: \"%s\" is not a number from %d to %d\n%s", text, least,
                most, usage);
        exit(2);
    }
    return (int)value;
}

/* A level that is there to be measured, or out with an error that names those that are. */
static const char *level_name(const char *name)
{
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        bool same = strcmp(name, met_cpu_level_name(level)) == 0;
        if (same && met_cpu_level_available(level)) return name;
    }
    fprintf(stderr, "bench_kernels: no level \"%s\" on this processor; there are", name);
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        if (met_cpu_level_available(level)) fprintf(stderr, " %s", met_cpu_level_name(level));
    }
    fprintf(stderr, "\n");
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"threads", required_argument, NULL, 't'},
                                            {"level", required_argument, NULL, 'l'},
                                            {"filter", required_argument, NULL, 'f'},
                                            {"rounds", required_argument, NULL, 'r'},
                                            {"region-kib", required_argument, NULL, 'k'},
                                            {"large", no_argument, NULL, 'L'},
                                            {"best", no_argument, NULL, 'b'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static bench b = {.rounds = 5, .first_result = true, .region_bytes = (size_t)REGION_KIB << 10};
    int threads = 0;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 't': threads = number(optarg, 1, THREADS_MAX); break;
        case 'l': b.level = level_name(optarg); break;
        case 'f': b.filter = optarg; break;
        case 'r': b.rounds = number(optarg, 1, ROUNDS_MAX); break;
        case 'k': b.region_bytes = (size_t)number(optarg, 64, 16 << 20) << 10; break;
        case 'L': b.large = true; break;
        case 'b': b.best = true; break;
        case 'j': b.json = true; break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    prepare(&b);
    if (b.json) printf("{\"schema\": 1, \"results\": [");
    int32_t cores = met_team_cores() < THREADS_MAX ? met_team_cores() : THREADS_MAX;
    bench_threads(&b, threads > 0 ? threads : 1);
    if (threads == 0 && cores > 1) bench_threads(&b, cores);
    if (b.json) printf("\n]}\n");
    return 0;
}
