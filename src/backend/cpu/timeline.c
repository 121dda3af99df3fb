/* Owns: the memory of a timeline: KV cache and scratch.
 *
 * The cache's address space is reserved for the whole context and ordered by position, so that it
 * grows by being touched: nothing is copied and a decode step never allocates. Scratch grows by
 * doubling with the longest step. The invariant: after met_cpu_timeline_prepare succeeds, the step
 * it was called for cannot run out of memory. */
#include "backend/cpu/cpu.h"

#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Hands out aligned parts of one block; with base NULL it only adds up. */
typedef struct carver {
    char *base;
    size_t bytes;
} carver;

static void *carve(carver *c, size_t count, size_t element_bytes)
{
    size_t at = c->bytes;
    c->bytes += met_align_up(count * element_bytes, 128);
    return c->base == NULL ? NULL : c->base + at;
}

static void carve_q8(carver *c, met_q8_rows *rows, size_t tokens, size_t cols)
{
    size_t blocks = (cols + MET_Q8_BLOCK - 1) / MET_Q8_BLOCK;
    rows->q = carve(c, tokens * cols, sizeof *rows->q);
    rows->scale = carve(c, tokens * blocks, sizeof *rows->scale);
    rows->offset = carve(c, tokens * blocks, sizeof *rows->offset);
}

static void carve_worker(carver *c, cpu_worker *worker, const cpu_loaded *loaded, size_t tokens)
{
    size_t cols = (size_t)loaded->max_cols, group = (size_t)loaded->group;
    size_t head_dim = (size_t)loaded->program->head_dim;
    size_t tile = tokens < CPU_QUERY_TILE ? tokens : CPU_QUERY_TILE;
    size_t panel_bytes = met_cpu_panel_bytes(cols), vendor_bytes = met_cpu_vendor_panel_bytes(cols);
    bool vendor = loaded->vendor && tokens >= MET_VENDOR_TOKENS;
    if (vendor && panel_bytes < vendor_bytes) panel_bytes = vendor_bytes;
    worker->panel = carve(c, panel_bytes, 1);
    worker->row = carve(c, cols, sizeof(float));
    carve_q8(c, &worker->q8, 1, cols);
    worker->tile = carve(c, tokens * cpu_tile_rows(loaded, tokens), sizeof(float));
    worker->queries = carve(c, group * head_dim, sizeof(float));
    worker->key = carve(c, head_dim, sizeof(float));
    worker->running = carve(c, cpu_partial_floats(tile * group, head_dim), sizeof(float));
    worker->partial = carve(c, cpu_partial_floats(tile * group, head_dim), sizeof(float));
}

static const cpu_machine *machine_of(const cpu_timeline *timeline)
{
    return (const cpu_machine *)timeline->base.loaded->machine;
}

/* Lay out everything for steps of `tokens` tokens and `logit_rows` rows of logits; with base NULL
 * only the size is computed. */
static size_t lay_out(cpu_timeline *timeline, char *base, size_t tokens, size_t logit_rows)
{
    const cpu_loaded *loaded = (const cpu_loaded *)timeline->base.loaded;
    const met_program *program = loaded->program;
    size_t cols = (size_t)loaded->max_cols, half = (size_t)program->head_dim / 2;
    size_t shared = tokens > 1 ? tokens : 0; /* one token is prepared by every worker for itself */
    carver c = {base, 0};
    timeline->activations[MET_ROWS_TOKENS] =
        carve(&c, (size_t)program->scratch_cols[MET_ROWS_TOKENS] * tokens, sizeof(float));
    timeline->activations[MET_ROWS_LOGITS] =
        carve(&c, (size_t)program->scratch_cols[MET_ROWS_LOGITS] * logit_rows, sizeof(float));
    timeline->cosine = carve(&c, tokens * half, sizeof(float));
    timeline->sine = carve(&c, tokens * half, sizeof(float));
    carve_q8(&c, &timeline->q8, shared, cols);
    timeline->norm = carve(&c, shared * cols, sizeof(float));
    timeline->cursors = carve(&c, (size_t)loaded->phase_count, sizeof(atomic_int));
    cpu_worker unused;
    for (int32_t i = 0; i < met_team_threads(machine_of(timeline)->team); i++) {
        carve_worker(&c, base == NULL ? &unused : &timeline->workers[i], loaded, tokens);
    }
    return c.bytes;
}

/* Make room for longer steps, by doubling. Contents are not kept: scratch lives for one step. */
static met_status grow_scratch(cpu_timeline *timeline, int32_t step_tokens, int32_t logit_rows,
                               met_error *err)
{
    int32_t tokens = 1;
    while (tokens < step_tokens)
        tokens *= 2;
    if (tokens <= timeline->step_tokens && logit_rows <= timeline->logit_rows) return MET_OK;
    if (tokens < timeline->step_tokens) tokens = timeline->step_tokens;
    if (logit_rows < timeline->logit_rows) logit_rows = timeline->logit_rows;
    cpu_timeline sizing = *timeline; /* lay_out writes its pointers */
    size_t bytes = lay_out(&sizing, NULL, (size_t)tokens, (size_t)logit_rows);
    void *scratch = aligned_alloc(128, bytes);
    if (scratch == NULL) return met_fail_memory(err, "scratch", bytes);
    free(timeline->scratch);
    timeline->scratch = scratch;
    timeline->scratch_bytes = bytes;
    timeline->step_tokens = tokens;
    timeline->logit_rows = logit_rows;
    (void)lay_out(timeline, scratch, (size_t)tokens, (size_t)logit_rows);
    return MET_OK;
}

/* Partial attention results of one token: one for each key-value head and block. */
static met_status grow_partials(cpu_timeline *timeline, size_t blocks, met_error *err)
{
    if (blocks <= timeline->partial_blocks) return MET_OK;
    const cpu_loaded *loaded = (const cpu_loaded *)timeline->base.loaded;
    size_t floats = cpu_partial_floats((size_t)loaded->group, (size_t)loaded->program->head_dim);
    size_t bytes = (size_t)loaded->program->kv_heads * blocks * floats * sizeof(float);
    bytes = met_align_up(bytes, 128);
    void *memory = aligned_alloc(128, bytes);
    if (memory == NULL) return met_fail_memory(err, "attention scratch", bytes);
    free(timeline->partials);
    timeline->partials = memory;
    timeline->partial_blocks = blocks;
    timeline->partial_bytes = bytes;
    return MET_OK;
}

met_status met_cpu_timeline_prepare(cpu_timeline *timeline, const met_step *step, met_error *err)
{
    int32_t logit_rows = step->want == MET_WANT_ALL ? step->count : 1;
    met_status status = grow_scratch(timeline, step->count, logit_rows, err);
    if (status != MET_OK) return status;
    int32_t used = step->position + step->count;
    if (used > timeline->positions_used) timeline->positions_used = used;
    return MET_OK;
}

/* The longest step that the context has room for, as grow_scratch rounds it. */
static size_t plan_scratch(const cpu_timeline *timeline)
{
    cpu_timeline sizing = *timeline;
    size_t longest = CPU_STEP_TOKENS_MAX, tokens = 1;
    if ((size_t)timeline->context_length < longest) longest = (size_t)timeline->context_length;
    while (tokens < longest)
        tokens *= 2;
    return lay_out(&sizing, NULL, tokens, 1);
}

/* Refuse what the machine's memory can never hold, before anything is taken. */
static met_status check_plan(cpu_timeline *timeline, size_t partial_bytes, met_error *err)
{
    size_t scratch = plan_scratch(timeline);
    timeline->scratch_bytes_max = scratch + partial_bytes;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (pages <= 0 || page <= 0) return MET_OK;
    uint64_t physical = (uint64_t)pages * (uint64_t)page;
    uint64_t needed = (uint64_t)timeline->kv_reserved_bytes + scratch + partial_bytes;
    if (needed <= physical) return MET_OK;
    return met_fail(err, MET_E_MEMORY,
                    "session: %d tokens of context need %zu bytes of KV cache and %zu bytes of "
                    "scratch, this machine has %llu bytes",
                    timeline->context_length, timeline->kv_reserved_bytes, scratch + partial_bytes,
                    (unsigned long long)physical);
}

static met_status reserve_cache(cpu_timeline *timeline, met_error *err)
{
    void *kv = mmap(NULL, timeline->kv_reserved_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (kv == MAP_FAILED) {
        return met_fail(err, MET_E_MEMORY, "session: cannot reserve %zu bytes of KV cache: %s",
                        timeline->kv_reserved_bytes, strerror(errno));
    }
    #if defined(MADV_HUGEPAGE)
    /* A step visits a piece of every position block: with small pages nearly each is a walk. */
    (void)madvise(kv, timeline->kv_reserved_bytes, MADV_HUGEPAGE);
#endif
    timeline->kv = kv;
    return MET_OK;
}

met_status met_cpu_timeline_create(met_loaded *base, int32_t context_length, met_dtype kv_type,
                                   met_timeline **out, met_error *err)
{
    assert(kv_type == MET_DTYPE_F16 || kv_type == MET_DTYPE_F32);
    met_status status = MET_OK;
    const cpu_loaded *loaded = (const cpu_loaded *)base;
    const met_program *program = loaded->program;
    size_t blocks = ((size_t)context_length + MET_KEY_BLOCK - 1) / MET_KEY_BLOCK;

    *out = NULL;
    cpu_timeline *timeline = calloc(1, sizeof *timeline);
    if (timeline == NULL) return met_fail_memory(err, "session", sizeof *timeline);
    timeline->base.loaded = base;
    timeline->context_length = context_length;
    timeline->kv_type = kv_type;
    timeline->kv_block_bytes = (size_t)program->layers * (size_t)program->kv_heads * 2 *
                               MET_KEY_BLOCK *
                               met_dtype_row_bytes(kv_type, (size_t)program->head_dim);
    if (!met_mul_size(blocks, timeline->kv_block_bytes, &timeline->kv_reserved_bytes)) {
        status = met_fail(err, MET_E_MEMORY,
                          "session: %d tokens of context overflow the address "
                          "space",
                          context_length);
        goto done;
    }
    size_t floats = cpu_partial_floats((size_t)loaded->group, (size_t)program->head_dim);
    size_t partial_bytes =
        met_align_up((size_t)program->kv_heads * blocks * floats * sizeof(float), 128);
    timeline->workers =
        calloc((size_t)met_team_threads(machine_of(timeline)->team), sizeof *timeline->workers);
    if (timeline->workers == NULL) {
        status = met_fail_memory(err, "session", sizeof *timeline->workers);
        goto done;
    }
    status = check_plan(timeline, partial_bytes, err);
    if (status == MET_OK) status = reserve_cache(timeline, err);
    if (status == MET_OK) status = grow_scratch(timeline, 1, 1, err);
    if (status == MET_OK) status = grow_partials(timeline, blocks, err);
    if (status != MET_OK) goto done;
    *out = &timeline->base;
    timeline = NULL;
done:
    if (timeline != NULL) met_cpu_timeline_free(&timeline->base);
    return status;
}

void met_cpu_timeline_free(met_timeline *base)
{
    if (base == NULL) return;
    cpu_timeline *timeline = (cpu_timeline *)base;
    if (timeline->kv != NULL) (void)munmap(timeline->kv, timeline->kv_reserved_bytes);
    free(timeline->scratch);
    free(timeline->partials);
    free(timeline->workers);
    free(timeline->times);
    free(timeline);
}

met_status met_cpu_timeline_reserve(met_timeline *base, int32_t tokens, met_error *err)
{
    return grow_scratch((cpu_timeline *)base, tokens, tokens, err);
}

met_timeline_memory met_cpu_timeline_memory(const met_timeline *base)
{
    const cpu_timeline *timeline = (const cpu_timeline *)base;
    size_t blocks = ((size_t)timeline->positions_used + MET_KEY_BLOCK - 1) / MET_KEY_BLOCK;
    return (met_timeline_memory){
        .kv_bytes = blocks * timeline->kv_block_bytes,
        .scratch_bytes = timeline->scratch_bytes + timeline->partial_bytes,
        .kv_bytes_max = timeline->kv_reserved_bytes,
        .scratch_bytes_max = timeline->scratch_bytes_max,
    };
}
