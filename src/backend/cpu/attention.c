/* Owns: the attention phase: rotation, cache, scores over key blocks, merging.
 *
 * One token: tasks are (key-value head, key block), so that long contexts use every core; partial
 * results are merged in ascending order of blocks afterwards. Several tokens: tasks are (key-value
 * head, tile of tokens), each walking its blocks in ascending order. Both do the same operations
 * on the same numbers in the same order.
 *
 * The invariant: a key block covers fixed absolute positions, whatever the step. */
#include "backend/cpu/cpu.h"

#include <math.h>
#include <string.h>

/* Put the key and value of one position into the cache. */
static void append(const cpu_run *run, const met_op *op, int32_t kv_head, int32_t position,
                   const float *key, const float *value)
{
    size_t dim = (size_t)run->program->head_dim;
    uint16_t half[1024]; /* head_dim is at most that: model/bind.c */
    size_t in_block = (size_t)position % MET_KEY_BLOCK;
    size_t tile_at = in_block / MET_KEY_TILE * dim * MET_KEY_TILE + in_block % MET_KEY_TILE;
    size_t value_at = in_block * dim;
    cpu_kv_view kv =
        cpu_kv(run->timeline, run->program, op->layer, kv_head, position / MET_KEY_BLOCK);
    if (run->timeline->kv_type == MET_DTYPE_F32) {
        float *tile = (float *)kv.keys + tile_at;
        for (size_t d = 0; d < dim; d++)
            tile[d * MET_KEY_TILE] = key[d];
        memcpy((float *)kv.values + value_at, value, dim * sizeof *value);
        return;
    }
    uint16_t *tile = (uint16_t *)kv.keys + tile_at;
    run->kernels->to_f16(key, dim, half);
    for (size_t d = 0; d < dim; d++)
        tile[d * MET_KEY_TILE] = half[d];
    run->kernels->to_f16(value, dim, (uint16_t *)kv.values + value_at);
}

static void rotate(const cpu_run *run, float *x, size_t heads, size_t token)
{
    size_t half = (size_t)run->program->head_dim / 2;
    run->kernels->rope(x, run->timeline->cosine + token * half, run->timeline->sine + token * half,
                       heads, 2 * half);
}

static void attend_block(const cpu_run *run, const met_op *op, int32_t kv_head, int32_t block,
                         const float *q, size_t q_stride, int32_t tokens, int32_t visible,
                         const void *next, cpu_partial to)
{
    int32_t dim = run->program->head_dim;
    cpu_kv_view kv = cpu_kv(run->timeline, run->program, op->layer, kv_head, block);
    met_attend task = {
        .q = q,
        .q_stride = q_stride,
        .k = kv.keys,
        .v = kv.values,
        .kv_f32 = run->timeline->kv_type == MET_DTYPE_F32,
        .tokens = tokens,
        .group = run->loaded->group,
        .head_dim = dim,
        .visible = visible,
        .scale = 1.0f / sqrtf((float)dim),
        .next = next,
        .max = to.max,
        .sum = to.sum,
        .out = to.out,
    };
    run->kernels->attend(&task);
}

/* ---------------------------------------------------------------- one token */

/* Where the partial result of (key-value head, block) is. */
static cpu_partial decode_partial(const cpu_run *run, int32_t kv_head, int32_t block)
{
    size_t group = (size_t)run->loaded->group;
    size_t floats = cpu_partial_floats(group, (size_t)run->program->head_dim);
    size_t index = (size_t)kv_head * run->timeline->partial_blocks + (size_t)block;
    return cpu_partial_at(run->timeline->partials + index * floats, group);
}

/* Tasks [begin, end) of kv_heads x blocks, head-major. While one is computed the next comes from
 * memory: blocks of a head lie a whole cache block apart, where no hardware looks ahead. */
static void decode_tasks(const cpu_run *run, const cpu_phase *phase, size_t begin, size_t end,
                         int32_t blocks, cpu_worker *own)
{
    const met_op *op = phase->op;
    size_t dim = (size_t)run->program->head_dim, group = (size_t)run->loaded->group;
    int32_t position = run->step->position;
    int32_t rotated_head = MET_NONE;
    for (size_t task = begin; task < end; task++) {
        int32_t kv_head = (int32_t)(task / (size_t)blocks);
        int32_t block = (int32_t)(task % (size_t)blocks);
        if (kv_head != rotated_head) {
            const float *q = cpu_activation(run, op->in) + (size_t)kv_head * group * dim;
            memcpy(own->queries, q, group * dim * sizeof *q);
            if (phase->rope_q) rotate(run, own->queries, group, 0);
            rotated_head = kv_head;
        }
        const void *next = NULL;
        if (task + 1 < end) {
            next = cpu_kv(run->timeline, run->program, op->layer,
                          (int32_t)((task + 1) / (size_t)blocks),
                          (int32_t)((task + 1) % (size_t)blocks)).keys;
        }
        int32_t visible = MET_KEY_BLOCK;
        if (block == blocks - 1) { /* the block that this token's own key belongs to */
            const float *key = cpu_activation(run, phase->append->in) + (size_t)kv_head * dim;
            const float *value = cpu_activation(run, phase->append->in2) + (size_t)kv_head * dim;
            memcpy(own->key, key, dim * sizeof *key);
            if (phase->rope_k) rotate(run, own->key, 1, 0);
            append(run, op, kv_head, position, own->key, value);
            visible = position % MET_KEY_BLOCK + 1;
        }
        attend_block(run, op, kv_head, block, own->queries, group * dim, 1, visible,
                     next, decode_partial(run, kv_head, block));
    }
}

/* Merge and finish query heads [begin, end). */
static void decode_merge(const cpu_run *run, const met_op *op, size_t begin, size_t end,
                         int32_t blocks)
{
    size_t dim = (size_t)run->program->head_dim, group = (size_t)run->loaded->group;
    float *y = cpu_activation(run, op->out[0]);
    for (size_t head = begin; head < end;) {
        int32_t kv_head = (int32_t)(head / group);
        size_t g = head % group;
        size_t queries = group - g < end - head ? group - g : end - head;
        cpu_partial first = decode_partial(run, kv_head, 0);
        for (int32_t block = 1; block < blocks; block++) {
            cpu_partial next = decode_partial(run, kv_head, block);
            run->kernels->attend_merge(first.max + g, first.sum + g, first.out + g * dim,
                                       next.max + g, next.sum + g, next.out + g * dim, queries,
                                       dim);
        }
        run->kernels->attend_finish(first.sum + g, first.out + g * dim, 1, queries, dim,
                                    y + head * dim, 0);
        head += queries;
    }
}

static void run_one(const cpu_run *run, const cpu_phase *phase, int32_t worker, int32_t workers)
{
    int32_t blocks = run->step->position / MET_KEY_BLOCK + 1;
    size_t begin = 0, end = 0;
    met_team_slice((size_t)run->program->kv_heads * (size_t)blocks, 1, worker, workers, &begin,
                   &end);
    decode_tasks(run, phase, begin, end, blocks, &run->timeline->workers[worker]);
    met_team_barrier(run->team, worker);
    met_team_slice((size_t)run->program->heads, 1, worker, workers, &begin, &end);
    decode_merge(run, phase->op, begin, end, blocks);
}

/* ---------------------------------------------------------------- several tokens */

/* Rotate and append the keys of a slice of the step's tokens. */
static void append_tokens(const cpu_run *run, const cpu_phase *phase, size_t begin, size_t end)
{
    const met_program *program = run->program;
    size_t dim = (size_t)program->head_dim;
    size_t kv_heads = (size_t)program->kv_heads;
    for (size_t t = begin; t < end; t++) {
        float *k = cpu_activation(run, phase->append->in) + t * kv_heads * dim;
        const float *v = cpu_activation(run, phase->append->in2) + t * kv_heads * dim;
        if (phase->rope_k) rotate(run, k, kv_heads, t);
        for (size_t h = 0; h < kv_heads; h++) {
            append(run, phase->op, (int32_t)h, run->step->position + (int32_t)t, k + h * dim,
                   v + h * dim);
        }
    }
}

/* All blocks of one key-value head for the tokens [first, first + tokens) of the step. Their
 * queries are rotated here, where they are read next, and by nobody else. */
static void prefill_task(const cpu_run *run, const cpu_phase *phase, int32_t kv_head, int32_t first,
                         int32_t tokens, cpu_worker *own)
{
    const met_op *op = phase->op;
    size_t dim = (size_t)run->program->head_dim, group = (size_t)run->loaded->group;
    size_t stride = (size_t)op->heads * dim;
    size_t head_at = (size_t)kv_head * group * dim;
    float *q = cpu_activation(run, op->in) + (size_t)first * stride + head_at;
    int32_t position = run->step->position + first;
    int32_t blocks = (position + tokens - 1) / MET_KEY_BLOCK + 1;
    size_t queries = (size_t)tokens * group;
    cpu_partial running = cpu_partial_at(own->running, queries);
    cpu_partial partial = cpu_partial_at(own->partial, queries);

    for (size_t t = 0; phase->rope_q && t < (size_t)tokens; t++)
        rotate(run, q + t * stride, group, (size_t)first + t);
    attend_block(run, op, kv_head, 0, q, stride, tokens, position + 1, NULL, running);
    for (int32_t block = 1; block < blocks; block++) {
        int32_t begin = block * MET_KEY_BLOCK;
        int32_t skip = begin > position ? begin - position : 0; /* tokens before this block */
        size_t skipped = (size_t)skip * group;
        attend_block(run, op, kv_head, block, q + (size_t)skip * stride, stride, tokens - skip,
                     position + skip - begin + 1, NULL, partial);
        run->kernels->attend_merge(running.max + skipped, running.sum + skipped,
                                   running.out + skipped * dim, partial.max, partial.sum,
                                   partial.out, queries - skipped, dim);
    }
    run->kernels->attend_finish(running.sum, running.out, (size_t)tokens, group, dim,
                                cpu_activation(run, op->out[0]) + (size_t)first * stride + head_at,
                                stride);
}

static void run_many(const cpu_run *run, const cpu_phase *phase, int32_t phase_index,
                     int32_t worker, int32_t workers)
{
    int32_t count = run->step->count, kv_heads = run->program->kv_heads;
    int32_t tiles = (count + CPU_QUERY_TILE - 1) / CPU_QUERY_TILE;
    size_t begin = 0, end = 0;
    met_team_slice((size_t)count, 1, worker, workers, &begin, &end);
    append_tokens(run, phase, begin, end);
    met_team_barrier(run->team, worker);

    /* Later tiles see more keys: hand them out one by one, the longest first. */
    atomic_int *cursor = &run->timeline->cursors[phase_index];
    while (cpu_goes_on(run, worker)) {
        int32_t task = atomic_fetch_add_explicit(cursor, 1, memory_order_relaxed);
        if (task >= tiles * kv_heads) break;
        int32_t first = (tiles - 1 - task / kv_heads) * CPU_QUERY_TILE;
        int32_t tokens = count - first < CPU_QUERY_TILE ? count - first : CPU_QUERY_TILE;
        prefill_task(run, phase, task % kv_heads, first, tokens,
                     &run->timeline->workers[worker]);
    }
}

void met_cpu_run_attention(const cpu_run *run, const cpu_phase *phase, int32_t phase_index,
                           int32_t worker, int32_t workers)
{
    if (run->step->count == 1)
        run_one(run, phase, worker, workers);
    else
        run_many(run, phase, phase_index, worker, workers);
}
