/* What a machine is: it loads programs and runs steps of them on timelines.
 *
 * A machine knows programs, not models or files. Three objects, one inside the other:
 *     machine    the device: threads, queues, compiled kernels
 *     loaded     a program lowered for the machine, weights where it needs them
 *     timeline   KV cache and scratch of one sequence of tokens */
#ifndef MET_BACKEND_BACKEND_H
#define MET_BACKEND_BACKEND_H

#include "base/isa.h"
#include "base/log.h"
#include "metrics/recorder.h"
#include "program/program.h"

typedef struct met_machine met_machine;
typedef struct met_loaded met_loaded;
typedef struct met_timeline met_timeline;

/* Which rows of a step get logits. */
typedef enum met_want {
    MET_WANT_NONE = 0, /* a chunk of a prompt that is not the last */
    MET_WANT_LAST,
    MET_WANT_ALL,
} met_want;

typedef struct met_step {
    const int32_t *tokens; /* [count], checked to be in [0, vocab) */
    int32_t count;         /* 1 .. max_step_tokens */
    int32_t position;      /* of tokens[0]; position + count <= context_length */
    met_want want;
    met_trace *trace; /* NULL: not recorded. Else the machine fills in its totals, and from level
                         LAYER on its operations: see met_trace_op */
    /* A machine that can asks `go_on` again and again, on the calling thread; NULL: nobody may stop
     * it. After it said false the step may end early: *stopped is set, the status is MET_OK, and
     * what the step has written is not used. */
    met_poll_fn go_on;
    void *user;
    bool *stopped; /* false before the step; NULL when go_on is */
} met_step;

typedef struct met_timeline_memory {
    uint64_t kv_bytes;          /* allocated now */
    uint64_t scratch_bytes;     /* allocated now */
    uint64_t gpu_bytes;         /* of a device that has its own, allocated now */
    uint64_t kv_bytes_max;      /* at full context */
    uint64_t scratch_bytes_max; /* of the longest step with logits for one token */
    uint64_t gpu_bytes_max;     /* the same */
} met_timeline_memory;

/* What a loaded program takes besides the weights in place. */
typedef struct met_loaded_memory {
    uint64_t repacked_bytes; /* weights copied into another order */
    uint64_t gpu_bytes;      /* weights on a device that has its own memory */
} met_loaded_memory;

struct met_machine_options {
    const char *isa; /* "auto" or a level's name */
    int32_t threads; /* 0: choose */
    const char *matmul; /* as met_context_options; NULL is "auto" */
    met_recorder *recorder; /* as met_context_options: for tracks of workers and names */
    const char *cache;  /* folder for compiled kernels; NULL: they are not kept */
    met_log log;
    /* Names that "vendor" opens instead of the system's, ending in NULL: for tests. */
    const char *const *vendor_libraries;
};

/* Whether earlier tokens have a say in the choice. */
static inline bool met_sampling_penalizes(const met_sampling *o)
{
    return o->repeat_last_n != 0 && (o->repeat_penalty != 1.0f || o->presence_penalty != 0.0f ||
                                     o->frequency_penalty != 0.0f);
}

/* Tokens that the machine chooses itself, each fed to the next step without the host. */
typedef struct met_decode {
    int32_t token;    /* fed first, at `position` */
    int32_t position; /* tokens held */
    int32_t steps;    /* most that are fed, `token` included; position + steps <= context_length */
    met_sampling sampling;  /* checked; as generate/sampler.h says, bit for bit */
    const int32_t *history; /* [position] the tokens held, in order: for penalties */
    uint64_t (*draw)(void *user); /* the generator: called once for each step, in order */
    void *user;
} met_decode;

/* Every machine begins with this table. All calls but `describe` take one thread at a time for each
 * timeline; steps of different timelines may be called from different threads. */
typedef struct met_machine_ops {
    const char *name; /* "cpu" */
    void (*close)(met_machine *machine);
    void (*describe)(const met_machine *machine, met_context_info *info);
    /* `program` is borrowed until unload. */
    met_status (*load)(met_machine *machine, const met_program *program, met_loaded **out,
                       met_error *err);
    void (*unload)(met_loaded *loaded);
    /* Plans memory for context_length tokens; MET_E_MEMORY with exact bytes when it cannot fit.
     * kv_type: of cached keys and values, MET_DTYPE_F16 or MET_DTYPE_F32. */
    met_status (*timeline_create)(met_loaded *loaded, int32_t context_length, met_dtype kv_type,
                                  met_timeline **out, met_error *err);
    void (*timeline_free)(met_timeline *timeline);
    /* Run one step: KV cache positions [position, position + count) are written; logits
     * [1 or count][vocab] are left for `logits` until the next step. On MET_E_MEMORY nothing has
     * changed. Rewinding is stepping again from an earlier position. */
    met_status (*step)(met_timeline *timeline, const met_step *step, const float **logits,
                       met_error *err);
    /* Make room for steps of up to `tokens` tokens, logits of all of them included, so that they
     * allocate nothing; 1 <= tokens <= max_step_tokens. Logits of earlier steps are gone. On
     * MET_E_MEMORY nothing has changed. */
    met_status (*timeline_reserve)(met_timeline *timeline, int32_t tokens, met_error *err);
    met_timeline_memory (*timeline_memory)(const met_timeline *timeline);
    met_loaded_memory (*loaded_memory)(const met_loaded *loaded); /* NULL: takes nothing */
    /* See met_session_profile and met_session_op_times. */
    met_status (*profile)(met_timeline *timeline, bool on, met_error *err);
    size_t (*op_times)(const met_timeline *timeline, met_op_time *out, size_t capacity);
    /* See met_context_measure. */
    met_status (*measure)(met_machine *machine, met_dtype weight_type, met_ceilings *out,
                          met_error *err);
    /* Generate on the device; NULL where the host chooses. `begin` copies the history and starts;
     * each `next` gives the token chosen after one more step, at most `steps` times; `end` waits
     * for what is still on its way. Steps beyond the last one asked for may have run: cache
     * positions from there on are undefined. No other call of the timeline comes between begin and
     * end. `trace` is as in met_step, for one step. *token is -1 when no logit is above -infinity.
     */
    met_status (*decode_begin)(met_timeline *timeline, const met_decode *decode, met_error *err);
    met_status (*decode_next)(met_timeline *timeline, met_trace *trace, int32_t *token,
                              met_error *err);
    met_status (*decode_end)(met_timeline *timeline, met_error *err);
    int32_t decode_vocab_max; /* most logits that the device chooses from */
    int32_t max_step_tokens; /* most tokens that one step takes */
} met_machine_ops;

struct met_machine {
    const met_machine_ops *ops;
    met_log log; /* that of its options; everything above that has this machine uses it too */
    met_isa isa; /* for what the host does between steps; this processor can run it */
};
struct met_loaded {
    met_machine *machine;
};
struct met_timeline {
    met_loaded *loaded;
};

/* The machines that are built in. Each returns MET_E_DEVICE when it cannot run here. Metal is
 * only in builds that have MET_METAL_NATIVE or MET_METAL_SIMULATED defined. */
met_status met_metal_machine_open(const struct met_machine_options *options, met_machine **out,
                                  met_error *err);
met_status met_cpu_machine_open(const struct met_machine_options *options, met_machine **out,
                                met_error *err);

#endif
