/* Owns: a program whose layers are attention and the smallest product that feeds it, and the walk
 * over its attention phases. Does not own any of their work: backend/cpu.
 *
 * The invariant: a real step has been run at the position that is timed, so queries, keys, values
 * and rotations are those that it left. */
#include "sdpa_step.h"

#include "backend/cpu/cpu.h"

#include <stdlib.h>
#include <string.h>

struct bench_sdpa {
    bench_sdpa_options options;
    met_program program;
    met_machine *machine;
    met_loaded *loaded;
    met_timeline *timeline;
    uint8_t *weights;                    /* F16, random; every matrix is the beginning of it */
    int32_t tokens[CPU_STEP_TOKENS_MAX]; /* all 0 */
    met_step step;
    cpu_run run;
};

/* ---------------------------------------------------------------- building */

static int32_t add_matrix(bench_sdpa *s, const char *name, int32_t rows, int32_t cols)
{
    return met_program_add_weight(&s->program, (met_weight){.name = {name, strlen(name)},
                                                            .type = MET_DTYPE_F16,
                                                            .rows = rows,
                                                            .cols = cols,
                                                            .data = s->weights});
}

/* qkv = in . weights; rope; append; a = attention: as src/model/qwen2.c builds it, but for norms
 * and for the products that follow. */
static void add_layer(bench_sdpa *s, int32_t layer, int32_t in, const int32_t *qkv,
                      const int32_t *weights, int32_t a)
{
    met_op matmul = met_op_make(MET_OP_MATMUL, layer);
    matmul.in = in;
    matmul.weights = 3;
    memcpy(matmul.weight, weights, sizeof matmul.weight);
    memcpy(matmul.out, qkv, sizeof matmul.out);
    met_program_add_op(&s->program, matmul);
    for (int32_t i = 0; i < 2; i++) {
        met_op rope = met_op_make(MET_OP_ROPE, layer);
        rope.in = rope.out[0] = qkv[i];
        rope.heads = i == 0 ? s->options.heads : s->options.kv_heads;
        met_program_add_op(&s->program, rope);
    }
    met_op append = met_op_make(MET_OP_KV_APPEND, layer);
    append.in = qkv[1];
    append.in2 = qkv[2];
    met_program_add_op(&s->program, append);
    met_op attention = met_op_make(MET_OP_ATTENTION, layer);
    attention.in = qkv[0];
    attention.out[0] = a;
    attention.heads = s->options.heads;
    met_program_add_op(&s->program, attention);
}

static met_status build(bench_sdpa *s, met_error *err)
{
    met_program *p = &s->program;
    int32_t dim = s->options.head_dim;
    int32_t width = s->options.heads * dim, kv_width = s->options.kv_heads * dim;
    met_program_init(p);
    p->layers = s->options.layers;
    p->heads = s->options.heads;
    p->kv_heads = s->options.kv_heads;
    p->head_dim = dim;
    p->vocab = width; /* the logits are the last row itself */
    p->context_length = s->options.context_length;
    p->rope_base = 1e6;
    int32_t x = met_program_add_activation(p, "x", MET_ROWS_TOKENS, width);
    int32_t a = met_program_add_activation(p, "a", MET_ROWS_TOKENS, width);
    const int32_t qkv[] = {met_program_add_activation(p, "q", MET_ROWS_TOKENS, width),
                           met_program_add_activation(p, "k", MET_ROWS_TOKENS, kv_width),
                           met_program_add_activation(p, "v", MET_ROWS_TOKENS, kv_width)};
    const int32_t weights[] = {add_matrix(s, "q", width, width),
                               add_matrix(s, "k", kv_width, width),
                               add_matrix(s, "v", kv_width, width)};
    p->logits = met_program_add_activation(p, "logits", MET_ROWS_LOGITS, width);

    met_op embed = met_op_make(MET_OP_EMBED, -1);
    embed.out[0] = x;
    embed.weight[0] = weights[0];
    met_program_add_op(p, embed);
    for (int32_t layer = 0; layer < p->layers; layer++)
        add_layer(s, layer, layer == 0 ? x : a, qkv, weights, a);
    met_op last = met_op_make(MET_OP_LAST_ROW, -1);
    last.in = a;
    last.out[0] = p->logits;
    met_program_add_op(p, last);
    return met_program_seal(p, err);
}

/* Halves of [0.5, 1), or floats of about that, of either sign: fit for scores of about 1. */
static void fill_cache(cpu_timeline *timeline)
{
    bool half = timeline->kv_type == MET_DTYPE_F16;
    uint64_t clear = half ? 0x83ff83ff83ff83ffu : 0x807fffff807fffffu;
    uint64_t set = half ? 0x3800380038003800u : 0x3f0000003f000000u;
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < timeline->kv_reserved_bytes; i += 8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        uint64_t word = (state & clear) | set;
        memcpy(timeline->kv + i, &word, sizeof word);
    }
}

/* Entries of about 2^-5: a product of some hundred of them stays near 1. */
static void fill_weights(bench_sdpa *s, size_t count)
{
    uint16_t *to = (uint16_t *)s->weights;
    uint64_t state = 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        to[i] = (uint16_t)((state >> 48 & 0x83ffu) | 0x2800u);
    }
}

static met_status open_parts(bench_sdpa *s, met_error *err)
{
    size_t width = (size_t)(s->options.heads * s->options.head_dim);
    struct met_machine_options machine = {.isa = met_cpu_level_name(s->options.level),
                                          .threads = s->options.threads};
    s->weights = malloc(width * width * sizeof(uint16_t));
    if (s->weights == NULL) return MET_E_MEMORY;
    fill_weights(s, width * width);
    met_status status = build(s, err);
    if (status == MET_OK) status = met_cpu_machine_open(&machine, &s->machine, err);
    if (status != MET_OK) return status;
    const met_machine_ops *ops = s->machine->ops;
    status = ops->load(s->machine, &s->program, &s->loaded, err);
    if (status == MET_OK) {
        status = ops->timeline_create(s->loaded, s->options.context_length, s->options.kv_type,
                                      &s->timeline, err);
    }
    if (status == MET_OK) fill_cache((cpu_timeline *)s->timeline);
    return status;
}

/* ---------------------------------------------------------------- running */

/* As run_phases of backend/cpu/machine.c, but for everything that is no attention. */
static void run_attention(void *arg, int32_t worker, int32_t workers)
{
    const bench_sdpa *s = arg;
    const cpu_run *run = &s->run;
    if (run->step->count > 1) {
        if (worker == 0) {
            for (int32_t i = 0; i < run->loaded->phase_count; i++)
                atomic_init(&run->timeline->cursors[i], 0);
        }
        met_team_barrier(run->team, worker);
    }
    for (int32_t i = 0; i < run->loaded->phase_count; i++) {
        const cpu_phase *phase = &run->loaded->phases[i];
        if (phase->kind != CPU_PHASE_ATTENTION) continue;
        met_cpu_run_attention(run, phase, i, worker, workers);
        met_team_barrier(run->team, worker);
    }
}

void bench_sdpa_measure(bench *b, bench_sdpa *s, const char *name, int32_t position, int32_t count)
{
    met_error err = {0};
    const bench_sdpa_options *o = &s->options;
    cpu_machine *machine = (cpu_machine *)s->machine;
    if (!bench_wanted(b, name)) return;
    s->step = (met_step){
        .tokens = s->tokens, .count = count, .position = position, .want = MET_WANT_NONE};
    if (s->machine->ops->step(s->timeline, &s->step, NULL, &err) != MET_OK) bench_fail(b, err.text);
    s->run = (cpu_run){
        .timeline = (cpu_timeline *)s->timeline,
        .loaded = (const cpu_loaded *)s->loaded,
        .program = &s->program,
        .kernels = &machine->kernels,
        .team = machine->team,
        .step = &s->step,
    };
    double keys = 0; /* that the queries see, all together */
    for (int32_t t = 0; t < count; t++)
        keys += position + t + 1;
    size_t row_bytes = met_dtype_row_bytes(o->kv_type, (size_t)o->head_dim);
    size_t bytes = (size_t)(position + count) * (size_t)(o->layers * o->kv_heads) * 2 * row_bytes;
    bench_measure(b, machine->team,
                  &(bench_case){
                      .name = name,
                      .level = met_cpu_level_name(o->level),
                      .run = run_attention,
                      .arg = s,
                      .bytes = (double)bytes,
                      .macs = keys * 2 * o->heads * o->head_dim * o->layers,
                      .ceiling = count == 1 ? BENCH_CEILING_READ : BENCH_CEILING_FMA,
                      .memory = s->run.timeline->kv,
                      .memory_bytes = bytes,
                  });
}

bench_sdpa *bench_sdpa_open(const bench *b, const bench_sdpa_options *options)
{
    met_error err = {.text = "out of memory"};
    bench_sdpa *s = calloc(1, sizeof *s);
    if (s == NULL) bench_fail(b, err.text);
    s->options = *options;
    if (open_parts(s, &err) != MET_OK) bench_fail(b, err.text);
    return s;
}

void bench_sdpa_close(bench_sdpa *s)
{
    if (s == NULL) return;
    const met_machine_ops *ops = s->machine->ops;
    ops->timeline_free(s->timeline);
    ops->unload(s->loaded);
    ops->close(s->machine);
    met_program_free(&s->program);
    free(s->weights);
    free(s);
}
