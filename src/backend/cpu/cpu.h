/* Inside the CPU machine: its objects, and the pieces that run a step.
 *
 * A step is one parallel region. Every worker walks the same list of phases; a phase is one op or
 * several neighbours fused, and ends with a barrier. Fusing never changes a result: each phase
 * computes what its ops say, in the order of operations that kernels.h fixes. */
#ifndef MET_BACKEND_CPU_CPU_H
#define MET_BACKEND_CPU_CPU_H

#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/vendor.h"
#include "base/checked.h"
#include "base/team.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    CPU_STEP_TOKENS_MAX = 512, /* tokens of one step: bounds scratch, keeps activations in cache */
    CPU_QUERY_TILE = 16        /* tokens that share each visit of a key block at prefill */
};

typedef struct cpu_machine {
    met_machine base;
    met_cpu_kernels kernels;
    met_cpu_vendor *vendor; /* NULL: all products are native */
    met_team *team;
    pthread_mutex_t mutex; /* one step at a time */
    met_recorder *recorder; /* borrowed; NULL: nothing is recorded */
    int32_t tracks;         /* of workers 1, 2, ...: the first of [threads - 1] */
    char choice[160];
    char matmul[160]; /* "native", or "vendor: " and the library */
} cpu_machine;

typedef enum cpu_phase_kind {
    CPU_PHASE_EMBED = 0, /* embed, and the step's table of rotations */
    CPU_PHASE_NORM,      /* a norm that could not be fused */
    CPU_PHASE_MATMUL,    /* norm (when `norm` is set), quantize, matmul, epilogue */
    CPU_PHASE_ATTENTION, /* rope of q and k, append, attention */
    CPU_PHASE_LAST_ROW,  /* `count` neighbouring ops */
} cpu_phase_kind;

typedef struct cpu_phase {
    cpu_phase_kind kind;
    const met_op *op;     /* the op itself; the attention op; the first last_row */
    const met_op *norm;   /* MATMUL: the norm whose output only this op reads */
    const met_op *append; /* ATTENTION */
    bool rope_q, rope_k;  /* ATTENTION */
    int32_t count;        /* LAST_ROW */
    met_str weight;       /* name of its first matrix, kept by the recorder; or empty */
} cpu_phase;

/* Of all matmuls that have rows of one kind (met_rows). */
typedef struct cpu_matmul_cost {
    uint64_t bytes; /* of weights */
    uint64_t macs;  /* for each row */
} cpu_matmul_cost;

typedef struct cpu_loaded {
    met_loaded base;
    const met_program *program;
    cpu_phase *phases;
    int32_t phase_count;
    int32_t max_cols;       /* widest input of a matmul */
    bool vendor;            /* some products of many tokens go to the vendor's library */
    int32_t group;          /* query heads of one key-value head */
    double *rope_frequency; /* [head_dim / 2] radians a position */
    cpu_matmul_cost matmuls[2]; /* by met_rows */
    int32_t attentions;         /* phases */
} cpu_loaded;

/* Rows of a worker's tile in steps of up to `tokens` tokens. */
static inline size_t cpu_tile_rows(const cpu_loaded *loaded, size_t tokens)
{
    return loaded->vendor && tokens >= MET_VENDOR_TOKENS ? MET_VENDOR_ROWS : MET_PANEL_ROWS;
}

/* What a phase has to do in one step. */
typedef struct cpu_phase_cost {
    uint64_t tokens; /* rows that its matmul or attention has; 0: logits that nobody asked for */
    uint64_t bytes;  /* of weights and KV cache that have to be read */
    uint64_t macs;   /* multiply-adds with weights */
} cpu_phase_cost;

/* What a phase cost since profiling began. */
typedef struct cpu_phase_time {
    uint64_t calls;
    uint64_t bytes;
    uint64_t macs;
    uint64_t busy_ns;
    uint64_t wait_ns;
} cpu_phase_time;

/* One worker's own work space, carved from the timeline's scratch. */
typedef struct cpu_worker {
    void *panel;    /* met_cpu_panel_bytes(max_cols); the vendor's when that is larger */
    float *row;     /* [max_cols] a normalised row */
    met_q8_rows q8; /* one quantized row */
    float *tile;    /* [step tokens][cpu_tile_rows] outputs before the epilogue */
    float *queries; /* [group * head_dim] rotated queries of one key-value head (decode) */
    float *key;     /* [head_dim] */
    float *running; /* [CPU_QUERY_TILE * group] of (max, sum, out[head_dim]) */
    float *partial; /* the same */
} cpu_worker;

typedef struct cpu_timeline {
    met_timeline base;
    int32_t context_length;

    /* Positions in blocks of MET_KEY_BLOCK; a block holds, for each layer and key-value head, its
     * keys [4][head_dim][16] and then its values [64][head_dim]. The address space of the whole
     * context is reserved at the start; memory is used as positions are. */
    uint8_t *kv;
    met_dtype kv_type; /* of keys and values: F16 or F32 */
    size_t kv_block_bytes;
    size_t kv_reserved_bytes;
    int32_t positions_used; /* most positions ever written */

    int32_t step_tokens; /* rows that the scratch has room for */
    int32_t logit_rows;
    void *scratch; /* one block; everything below lies in it */
    size_t scratch_bytes;
    size_t scratch_bytes_max; /* planned, partial results included */
    float *activations[2]; /* by met_rows */
    float *cosine, *sine;  /* [step tokens][head_dim / 2] */
    met_q8_rows q8;        /* [step tokens][max_cols] */
    float *norm;           /* [step tokens][max_cols] normalised rows of the current phase */
    float *partials;       /* decode: [kv_heads][blocks][group] of (max, sum), then out */
    size_t partial_blocks; /* blocks that `partials` has room for */
    size_t partial_bytes;
    cpu_worker *workers; /* [threads] */
    atomic_int *cursors; /* [phases] next task of a phase that shares tasks out dynamically */
    cpu_phase_time *times; /* [phases] or NULL: not profiled */
} cpu_timeline;

/* How a step ends early: all workers leave behind the same barrier. */
typedef struct cpu_stop {
    atomic_bool asked; /* what the step would write is not wanted: tasks may be left out */
    atomic_int phase;  /* the last one; INT_MAX: no end is near */
} cpu_stop;

/* A step while it runs. */
typedef struct cpu_run {
    cpu_timeline *timeline;
    const cpu_loaded *loaded;
    const met_program *program;
    const met_cpu_kernels *kernels;
    const met_cpu_vendor *vendor; /* NULL: native */
    met_team *team;
    const met_step *step;
    int32_t logit_rows; /* 0, 1 or count */
    cpu_stop *stop;     /* NULL: nobody may stop it */
} cpu_run;

/* Whether the step's results are still wanted; worker 0 asks. Between tasks of a phase: whoever
 * gets false leaves the rest of them out, and meets every barrier all the same. */
static inline bool cpu_goes_on(const cpu_run *run, int32_t worker)
{
    if (run->stop == NULL) return true;
    if (atomic_load_explicit(&run->stop->asked, memory_order_relaxed)) return false;
    if (worker != 0 || run->step->go_on(run->step->user)) return true;
    atomic_store_explicit(&run->stop->asked, true, memory_order_relaxed);
    return false;
}

/* max, sum and out of some queries; each part contiguous over queries, out on a cache line. */
typedef struct cpu_partial {
    float *max;
    float *sum;
    float *out; /* [queries][head_dim] */
} cpu_partial;

static inline cpu_partial cpu_partial_at(float *at, size_t queries)
{
    size_t padded = met_align_up(queries, 16);
    return (cpu_partial){at, at + padded, at + 2 * padded};
}

/* Room that it takes, in floats. */
static inline size_t cpu_partial_floats(size_t queries, size_t head_dim)
{
    return met_align_up(2 * met_align_up(queries, 16) + queries * head_dim, 16);
}

/* Where an activation's row 0 is, and how many rows it has in this step. */
static inline float *cpu_activation(const cpu_run *run, int32_t index)
{
    const met_activation *activation = &run->program->activations[index];
    const cpu_timeline *timeline = run->timeline;
    int32_t rows =
        activation->rows == MET_ROWS_TOKENS ? timeline->step_tokens : timeline->logit_rows;
    return timeline->activations[activation->rows] + activation->offset_cols * rows;
}

static inline int32_t cpu_rows(const cpu_run *run, int32_t index)
{
    bool tokens = run->program->activations[index].rows == MET_ROWS_TOKENS;
    return tokens ? run->step->count : run->logit_rows;
}

/* Keys and values of one layer and key-value head within a position block. */
typedef struct cpu_kv_view {
    void *keys;   /* [4][head_dim][16] */
    void *values; /* [64][head_dim] */
} cpu_kv_view;

static inline cpu_kv_view cpu_kv(const cpu_timeline *timeline, const met_program *program,
                                 int32_t layer, int32_t kv_head, int32_t block)
{
    size_t bytes = MET_KEY_BLOCK * met_dtype_row_bytes(timeline->kv_type,
                                                       (size_t)program->head_dim);
    size_t index = (size_t)layer * (size_t)program->kv_heads + (size_t)kv_head;
    uint8_t *keys = timeline->kv + (size_t)block * timeline->kv_block_bytes + index * 2 * bytes;
    return (cpu_kv_view){keys, keys + bytes};
}

/* Phases from ops. */
met_status met_cpu_lower(const met_program *program, cpu_loaded *loaded, met_error *err);

/* The pieces of a step; each is called by every worker and contains its own inner barriers. */
void met_cpu_run_matmul(const cpu_run *run, const cpu_phase *phase, int32_t worker,
                        int32_t workers);
void met_cpu_run_attention(const cpu_run *run, const cpu_phase *phase, int32_t phase_index,
                           int32_t worker, int32_t workers);

/* profile.c */
met_status met_cpu_profile(met_timeline *timeline, bool on, met_error *err);
size_t met_cpu_op_times(const met_timeline *timeline, met_op_time *out, size_t capacity);
/* With the machine: tracks for its workers, when there is a recorder. */
void met_cpu_profile_open(cpu_machine *machine);
void met_cpu_profile_close(cpu_machine *machine);
/* After lowering: what a step of this program costs, and names for the recorder. */
void met_cpu_profile_load(const cpu_machine *machine, cpu_loaded *loaded);
/* Before a step that is recorded: its totals. */
void met_cpu_profile_step(const cpu_run *run);
/* In a step, whether this worker is to read the clock around every phase. */
bool met_cpu_profile_wanted(const cpu_run *run, int32_t worker);
/* Then before its first phase, and after each: it began, finished its part, and was let go. */
void met_cpu_profile_begin(const cpu_run *run, int32_t worker, uint64_t now_ns);
void met_cpu_profile_phase(const cpu_run *run, int32_t index, int32_t worker, uint64_t begin_ns,
                           uint64_t done_ns, uint64_t end_ns);

/* measure.c */
met_status met_cpu_measure(met_machine *machine, met_dtype weight_type, met_ceilings *out,
                           met_error *err);

/* Timelines. met_cpu_timeline_prepare makes room for a step; on MET_E_MEMORY nothing changed. */
met_status met_cpu_timeline_create(met_loaded *loaded, int32_t context_length, met_dtype kv_type,
                                   met_timeline **out, met_error *err);
void met_cpu_timeline_free(met_timeline *timeline);
met_status met_cpu_timeline_reserve(met_timeline *timeline, int32_t tokens, met_error *err);
met_timeline_memory met_cpu_timeline_memory(const met_timeline *timeline);
met_status met_cpu_timeline_prepare(cpu_timeline *timeline, const met_step *step, met_error *err);

#endif
