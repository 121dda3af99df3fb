/* Products of a prompt with F16 and F32 weights: native against the vendor's library, one case
 * after the other, each against multiply-adds in registers. Without a library it says so and does
 * the native ones alone. */
#include "harness.h"

#include "backend/cpu/vendor.h"

#include <stdio.h>
#include <string.h>

/* The matrices of a layer, those that share an input taken together. */
static const struct {
    const char *name;
    size_t rows;
    size_t cols;
} shapes[] = {
    {"0.5B qkv", 1152, 896},     {"0.5B out", 896, 896},   {"0.5B gate+up", 9728, 896},
    {"0.5B down", 896, 4864},    {"3B qkv", 2560, 2048},   {"3B out", 2048, 2048},
    {"3B gate+up", 22016, 2048}, {"3B down", 2048, 11008},
};

enum {
    SHAPES = sizeof shapes / sizeof shapes[0],
    QUICK_SHAPES = 2,
    TOKENS = 512,
    QUICK_TOKENS = 64
};

typedef struct product {
    met_cpu_kernels kernels;
    const met_cpu_vendor *vendor; /* NULL: native */
    met_dtype type;
    size_t rows, cols, tokens;
    void *weights; /* of the largest shape, as F32 */
    float *x;      /* [tokens][cols] */
    float *y;      /* [tokens][rows] */
    void *panels[BENCH_THREADS_MAX];
} product;

static void multiply(void *arg, int32_t worker, int32_t workers)
{
    const product *p = arg;
    size_t begin = 0, end = 0;
    met_team_slice(p->rows, MET_PANEL_ROWS, worker, workers, &begin, &end);
    if (begin == end) return;
    size_t rows = end - begin;
    const char *w = (const char *)p->weights + begin * met_dtype_row_bytes(p->type, p->cols);
    float *y = p->y + begin;
    void *panel = p->panels[worker];
    if (p->type == MET_DTYPE_F32 && p->vendor != NULL) {
        met_cpu_vendor_matmul_f32(p->vendor, (const void *)w, rows, p->cols, p->x, p->tokens, y,
                                  p->rows);
    } else if (p->type == MET_DTYPE_F32) {
        p->kernels.matmul_f32((const void *)w, rows, p->cols, p->x, p->tokens, y, p->rows, panel);
    } else if (p->vendor != NULL) {
        met_cpu_vendor_matmul_f16(p->vendor, &p->kernels, (const void *)w, rows, p->cols, p->x,
                                  p->tokens, y, p->rows, panel);
    } else {
        p->kernels.matmul_f16((const void *)w, rows, p->cols, p->x, p->tokens, y, p->rows, panel);
    }
}

static void measure(bench *b, met_team *team, product *p, const char *shape, const char *who)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%s %zux%zu %s %s", p->type == MET_DTYPE_F16 ? "f16" : "f32",
                   p->rows, p->cols, shape, who);
    bench_case what = {
        .name = name,
        .level = p->vendor == NULL ? p->kernels.name : NULL,
        .run = multiply,
        .arg = p,
        .macs = (double)(p->rows * p->cols * p->tokens),
        .ceiling = BENCH_CEILING_FMA,
    };
    bench_measure(b, team, &what);
}

/* Numbers of either sign between 1/2 and 1, as F16 or F32. */
static void fill_weights(void *weights, met_dtype type, size_t bytes)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i + 8 <= bytes; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t word = type == MET_DTYPE_F16 ? (state & 0x83ff83ff83ff83ffu) | 0x3800380038003800u
                                              : (state & 0x807fffff807fffffu) | 0x3f0000003f000000u;
        memcpy((char *)weights + i, &word, sizeof word);
    }
}

static void run(bench *b, const met_cpu_vendor *vendor)
{
    static const met_dtype types[] = {MET_DTYPE_F16, MET_DTYPE_F32};
    static product p;
    size_t count = b->quick ? QUICK_SHAPES : SHAPES, elements = 0, rows = 0, cols = 0;
    met_team *team = bench_team(b, bench_threads(b));
    for (size_t i = 0; i < count; i++) {
        if (shapes[i].rows * shapes[i].cols > elements) elements = shapes[i].rows * shapes[i].cols;
        if (shapes[i].rows > rows) rows = shapes[i].rows;
        if (shapes[i].cols > cols) cols = shapes[i].cols;
    }
    p.kernels = met_cpu_level_kernels(bench_level_best(b));
    p.tokens = b->quick ? QUICK_TOKENS : TOKENS;
    p.weights = bench_memory(b, elements * sizeof(float));
    p.x = bench_memory(b, p.tokens * cols * sizeof(float));
    p.y = bench_memory(b, p.tokens * rows * sizeof(float));
    bench_fill(p.x, p.tokens * cols, 1);
    for (int32_t i = 0; i < met_team_threads(team); i++) {
        size_t native = met_cpu_panel_bytes(cols), vendors = met_cpu_vendor_panel_bytes(cols);
        p.panels[i] = bench_memory(b, native > vendors ? native : vendors);
    }
    for (size_t t = 0; t < 2; t++) {
        p.type = types[t];
        fill_weights(p.weights, p.type, elements * met_dtype_row_bytes(p.type, 1));
        for (size_t i = 0; i < count; i++) {
            p.rows = shapes[i].rows;
            p.cols = shapes[i].cols;
            p.vendor = NULL;
            measure(b, team, &p, shapes[i].name, "native");
            p.vendor = vendor;
            if (vendor == NULL) continue;
            measure(b, team, &p, shapes[i].name, met_cpu_vendor_library(vendor));
        }
    }
    met_team_free(team);
}

int main(int argc, char **argv)
{
    bench b;
    met_error err = {0};
    met_cpu_vendor *vendor = NULL;
    bench_begin(&b, "matmul", NULL, argc, argv);
    if (met_cpu_vendor_open(NULL, &vendor, &err) != MET_OK) {
        fprintf(stderr, "bench_matmul: native alone: %s\n", err.text);
    }
    run(&b, vendor);
    met_cpu_vendor_close(vendor);
    return bench_end(&b);
}
