/* metallic: run GGUF language models with the lowest latency there is.
 *
 * This is the whole public interface. Four things, each living inside the one before it:
 *
 *     met_context   a machine (CPU or Apple GPU) and its worker threads
 *     met_model     one GGUF file, mapped and bound to the machine; immutable
 *     met_session   one timeline of tokens: KV cache, position, logits
 *     met_generate  a loop over a session that samples and streams text
 *
 * Rules that hold everywhere:
 *   - A function that can fail returns met_status and takes a `met_error *`, which may be NULL.
 *     On failure outputs are NULL or unchanged, and the error text names subject, found, expected.
 *   - The library never prints, exits, aborts on bad input, or reads the environment.
 *   - `const` pointers that are returned are borrowed; the comment says until when.
 *   - Contexts and models may be shared by threads. A session, a value or a result may be used by
 *     one thread at a time.
 *   - Text is UTF-8 and sized in bytes; it need not end in NUL where a byte count goes with it.
 */
#ifndef METALLIC_H
#define METALLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define MET_API __attribute__((visibility("default")))
#define MET_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#else
#define MET_API
#define MET_PRINTF(format_at, args_at)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- status and errors */

typedef enum met_status {
    MET_OK = 0,
    MET_E_ARGUMENT,     /* the caller passed what the contract forbids */
    MET_E_MEMORY,       /* an allocation failed or would exceed a limit; the text gives bytes */
    MET_E_IO,           /* the operating system refused: open, map, write */
    MET_E_TRUNCATED,    /* a file ends before what it announces */
    MET_E_FORMAT,       /* a file, or text in a known format, is malformed */
    MET_E_TYPE,         /* a tensor type or a metadata type that is not supported here */
    MET_E_KEY,          /* a metadata key is missing or has an unusable value */
    MET_E_TENSOR,       /* a tensor is missing or has the wrong shape */
    MET_E_ARCHITECTURE, /* the model's architecture is not known */
    MET_E_TOKENIZER,    /* the vocabulary or the pre-tokenizer is not known or not usable */
    MET_E_TEMPLATE,     /* a chat template cannot be parsed or evaluated */
    MET_E_RANGE,        /* a token id or a position is out of range */
    MET_E_CONTEXT_FULL, /* position + count exceeds the context length */
    MET_E_DEVICE        /* the machine is not available or failed */
} met_status;

enum { MET_ERROR_TEXT_BYTES = 512 };

/* Why a call failed. Plain storage of the caller; no clean-up is needed. */
typedef struct met_error {
    met_status status;
    char text[MET_ERROR_TEXT_BYTES]; /* one line, NUL-terminated */
} met_error;

/* A short constant name, "MET_E_TRUNCATED". Static storage. */
MET_API const char *met_status_name(met_status status);

/* "1.2.3". Static storage. */
MET_API const char *met_version(void);

/* ---------------------------------------------------------------- text */

/* A view of bytes. Not NUL-terminated. */
typedef struct met_str {
    const char *data;
    size_t bytes;
} met_str;

/* A range of bytes in a text. */
typedef struct met_span {
    size_t begin; /* first byte */
    size_t end;   /* one past the last */
} met_span;

/* Text that the library allocated. Free with met_text_free.
 * `control` lists, in ascending order and without overlap, the ranges in which spellings of control
 * tokens such as <|im_end|> count as control tokens. Everything outside is plain text: what a user
 * typed never becomes a control token. */
typedef struct met_text {
    char *data; /* `bytes` bytes and a NUL */
    size_t bytes;
    met_span *control;
    size_t control_count;
} met_text;

/* Accepts NULL and a zeroed text; leaves the text zeroed. */
MET_API void met_text_free(met_text *text);

/* ---------------------------------------------------------------- log */

/* What the library says while it works, for whoever tunes or debugs. Failures are not said here:
 * a call that fails says why in its met_error. */
typedef enum met_log_level {
    MET_LOG_OFF = 0,
    MET_LOG_ERROR, /* something failed that no call can return */
    MET_LOG_WARN,  /* it works, but not as well as it could */
    MET_LOG_INFO,  /* what was chosen and why; what each model, session and generation cost */
    MET_LOG_DEBUG, /* the stages of loading, memory planned, tokens reused */
    MET_LOG_TRACE, /* every step */
} met_log_level;

/* "off", "error", "warn", "info", "debug", "trace". Static storage. */
MET_API const char *met_log_level_name(met_log_level level);

/* Receives one line: printable UTF-8 without a line feed, borrowed until it returns. Called on the
 * thread that called the library, several at once when several threads use one context. It must not
 * call the library with the objects at hand. */
typedef void (*met_log_fn)(void *user, met_log_level level, const char *line);

/* ---------------------------------------------------------------- instrumentation */

/* What a process did and when: spans in a ring of fixed size, counters, and the files that they are
 * written to. A recorder is given to met_context_options; everything of that context records into
 * it. It may serve several contexts and outlives them. Recording takes no lock and waits for
 * nobody; every function here may be called by any thread at any time.
 * docs/METRICS.md has the names of spans, the formats of files and what each level costs. */
typedef struct met_recorder met_recorder;

typedef enum met_record_level {
    MET_RECORD_OFF = 0, /* nothing: one comparison a step */
    MET_RECORD_TOKEN,   /* loads, generations, steps and what lies between them; counters */
    MET_RECORD_LAYER,   /* and every layer of a step */
    MET_RECORD_OP,      /* and every operation of a layer */
} met_record_level;

typedef struct met_recorder_options {
    met_record_level level;
    size_t capacity_events; /* of the ring: rounded up to a power of two, 1024 at least; 0: 65536 */
    met_log_fn log;         /* is told once of each file that can no longer be written; or NULL */
    void *log_user;
} met_recorder_options;

MET_API met_recorder_options met_recorder_options_default(void); /* token level */

/* NULL options are the defaults. MET_E_ARGUMENT; MET_E_MEMORY. */
MET_API met_status met_recorder_create(const met_recorder_options *options, met_recorder **out,
                                       met_error *err);
/* Free after every context that was given it. Accepts NULL. */
MET_API void met_recorder_free(met_recorder *recorder);

/* Takes effect with the next step. */
MET_API void met_recorder_set_level(met_recorder *recorder, met_record_level level);
MET_API met_record_level met_recorder_level(const met_recorder *recorder);

/* "off", "token", "layer", "op". Static storage. */
MET_API const char *met_record_level_name(met_record_level level);

/* A span. Those of one track nest: a child begins and ends within its parent, and comes before it,
 * because a span is recorded when it has ended. */
typedef struct met_event {
    uint64_t id;      /* > 0, unlike every other's of this recorder */
    uint64_t parent;  /* id of the span around it; 1: the process itself */
    const char *name; /* "generate", "prefill", "layer", "rmsnorm, matmul"; static storage */
    met_str detail;   /* weight, file or machine, or empty; valid until the recorder is freed */
    int32_t track;    /* a thread or a device: see met_recorder_track */
    int32_t layer;    /* -1: not one layer's */
    uint64_t begin_ns, end_ns; /* since the recorder was created; the clock never goes back */
    uint64_t wait_ns; /* of that, at the end: for the other workers */
    uint64_t tokens;  /* that it computed */
    uint64_t bytes;   /* of weights and KV cache that had to be read */
    uint64_t macs;    /* multiply-adds with weights */
} met_event;

/* Copy what was recorded after *cursor, at most `capacity` events, oldest first, and move the
 * cursor; it begins at 0. `lost`, when not NULL, is increased by the events that were overwritten
 * before they were read. Returns how many were copied. */
MET_API size_t met_recorder_read(met_recorder *recorder, uint64_t *cursor, met_event *out,
                                 size_t capacity, uint64_t *lost);

/* "main", "session 2", "worker 1". Returns the name's length; at most capacity - 1 bytes and a NUL
 * are written. 0: there is no such track. */
MET_API size_t met_recorder_track(met_recorder *recorder, int32_t track, char *name,
                                  size_t capacity);

/* Nanoseconds on the clock of the events. */
MET_API uint64_t met_recorder_now(const met_recorder *recorder);

/* Totals since the recorder was created, of everything that happened at level TOKEN or above.
 * Each is exact; together they may be of slightly different moments while steps run. */
typedef struct met_counters {
    uint64_t loads;            /* models opened */
    uint64_t generations;      /* calls of met_generate that took their prompt */
    uint64_t prompt_tokens;    /* that those were given, reused ones included */
    uint64_t reused_tokens;    /* of those, found in the session: hits of the prefix cache */
    uint64_t generated_tokens; /* as in met_generate_result */
    uint64_t proposed_tokens;
    uint64_t accepted_tokens;
    uint64_t prefill_steps, prefill_tokens, prefill_ns, prefill_bytes;
    uint64_t decode_steps, decode_tokens, decode_ns, decode_bytes; /* tokens: all computed ones */
    uint64_t barrier_wait_ns; /* of the first worker; from level LAYER on */
    uint64_t device_ns;       /* busy time of a GPU, by its own clock */
    uint64_t events;          /* recorded */
    uint64_t dropped_events;  /* not recorded, because a writer was held up for a whole ring */
} met_counters;

MET_API met_counters met_recorder_counters(const met_recorder *recorder);

/* Write to a file what the ring holds and everything that is recorded from now on: as JSON Lines,
 * one event a line, schema metallic.metrics/1; or as a Chrome trace, for ui.perfetto.dev. The file
 * is made; an empty one, or an earlier export of the same format, is emptied; any other stays as it
 * was. A FIFO needs a reader, and one who takes nothing for five seconds is given up. It is written
 * between steps by the thread that takes them, 1024 spans or so at a time, and to the last one
 * after each load and generation: nothing is lost, however long it runs, and what is in the file is
 * whole when the process is killed. One file of each format.
 * MET_E_IO with path and reason; MET_E_MEMORY; MET_E_ARGUMENT a second file, one with something
 * else in it, or one that another export writes. */
MET_API met_status met_recorder_export_jsonl(met_recorder *recorder, const char *path,
                                             met_error *err);
MET_API met_status met_recorder_export_trace(met_recorder *recorder, const char *path,
                                             met_error *err);

/* Write what is left and close the files; met_recorder_free does it too. A file that could not be
 * written, now or earlier, was closed then and stopped nothing: MET_E_IO names the first. */
MET_API met_status met_recorder_close_exports(met_recorder *recorder, met_error *err);

/* What memory is used for. */
typedef enum met_memory_kind {
    MET_MEMORY_MAPPED = 0, /* weights in place, in the file's mapping or the caller's memory */
    MET_MEMORY_REPACKED,   /* weights that a machine copied into another order */
    MET_MEMORY_KV,         /* cached keys and values */
    MET_MEMORY_SCRATCH,    /* activations, logits, work space */
    MET_MEMORY_TOKENIZER,  /* vocabulary and its tables */
    MET_MEMORY_GPU,        /* of a device that has its own */
} met_memory_kind;

enum { MET_MEMORY_KINDS = 6 };

/* "mapped", "repacked", "kv", "scratch", "tokenizer", "gpu". Static storage. */
MET_API const char *met_memory_name(met_memory_kind kind);

typedef struct met_memory_use {
    uint64_t bytes;         /* now */
    uint64_t peak_bytes;    /* at most, so far */
    uint64_t planned_bytes; /* at most, as planned when models and sessions were opened */
} met_memory_use;

typedef struct met_memory {
    met_memory_use kind[MET_MEMORY_KINDS];
} met_memory;

/* ---------------------------------------------------------------- context */

typedef struct met_context met_context;

typedef struct met_context_options {
    const char *backend; /* "auto", "cpu" or "metal"; NULL is "auto" */
    const char *isa;     /* the highest level to use: "auto", "scalar"; on x86 "avx2", "avxvnni",
                          * "avx512"; on ARM "neon", "i8mm" */
    int32_t threads;     /* 1..256; 0: one for each core that this process may use */
    const char *matmul;  /* who multiplies F32 and F16 weights by 32 tokens or more: "native" or
                            "mlx", "vendor" or "mps", "auto" (native); NULL is "auto" */
    const char *cache;   /* a folder in which a GPU's compiled kernels are kept for the next start,
                            made when its parent is there; NULL: they are not kept. What is wrong
                            with it is never a failure. Needed only during met_context_create */
    /* Lines up to `log_level` about the context and everything in it go to `log`; NULL: silence. A
     * level that is off costs one comparison. */
    met_log_fn log;
    void *log_user;
    met_log_level log_level;
    met_recorder *recorder; /* borrowed until the context is freed; NULL: nothing is recorded */
} met_context_options;

MET_API met_context_options met_context_options_default(void);

/* Open a machine. NULL options are the defaults. "auto" is the Apple GPU where there is one, else
 * the CPU; a machine that is asked for by name and cannot run is an error.
 * "vendor" is a BLAS library of the system. It chooses the order of its sums: logits are then
 * within rounding of the native ones, but not the same bits for every number of threads or split of
 * the tokens. OpenBLAS built on threads of its own is set to one of them for the whole process.
 * MET_E_ARGUMENT a bad option; MET_E_DEVICE the machine, the ISA level or the vendor's library is
 * not available here. */
MET_API met_status met_context_create(const met_context_options *options, met_context **out,
                                      met_error *err);

/* Free after every model of this context. Accepts NULL. */
MET_API void met_context_free(met_context *context);

typedef struct met_context_info {
    const char *backend; /* "cpu", "metal" */
    const char *isa;     /* "avx512"; of a GPU its name */
    const char *choice;  /* one line: what was chosen and why others were passed over */
    int32_t threads;
    const char *matmul; /* "native", or "vendor: libopenblas.so.0" */
} met_context_info;

/* Strings are borrowed until the context is freed. */
MET_API met_context_info met_context_describe(const met_context *context);

/* The memory of all models and sessions of this context, recorder or not. Peaks of two kinds need
 * not be of one moment. */
MET_API met_memory met_context_memory(const met_context *context);

/* What the machine can do at most, measured now with all of its threads. A ceiling moves with
 * clocks and neighbours: measure it in the same run as what is compared with it. */
typedef struct met_ceilings {
    double read_bytes_per_second; /* streaming read over 1 GiB: the limit of decode */
    double macs_per_second;       /* multiply-adds of the kernel for `weight_type`: the limit of
                                     prefill; 0: not known for this level */
} met_ceilings;

/* Takes about a second and 1 GiB of memory, which is given back. `weight_type` is a name as in
 * met_model_info. MET_E_ARGUMENT an unknown type; MET_E_MEMORY. */
MET_API met_status met_context_measure(met_context *context, met_str weight_type,
                                       met_ceilings *out, met_error *err);

/* ---------------------------------------------------------------- model */

typedef struct met_model met_model;

/* Open a GGUF file: map, check, bind. Costs milliseconds whatever the size; weights are used in
 * place, so the file must stay as it is until the model is freed: a page that was truncated away is
 * a SIGBUS. MET_E_IO, _TRUNCATED, _FORMAT, _TYPE, _KEY, _TENSOR, _ARCHITECTURE, _TOKENIZER,
 * _MEMORY, _DEVICE. */
MET_API met_status met_model_open(met_context *context, const char *path, met_model **out,
                                  met_error *err);

/* The same over bytes in memory, which are borrowed until the model is freed and must be aligned
 * to 64 bytes, else MET_E_ARGUMENT. `name` is what errors call it. */
MET_API met_status met_model_open_memory(met_context *context, const void *data, size_t bytes,
                                         const char *name, met_model **out, met_error *err);

/* Free after every session of this model. Accepts NULL. */
MET_API void met_model_free(met_model *model);

typedef struct met_model_info {
    met_str name;         /* general.name, or empty */
    met_str architecture; /* "qwen2" */
    met_str weight_type;  /* type of most weights: "F32", "F16", "Q8_0" */
    met_str chat_template; /* tokenizer.chat_template, or empty */
    uint64_t file_bytes;
    uint64_t weight_bytes;
    uint64_t parameters;
    int32_t vocab;          /* rows of the logits */
    int32_t context_length; /* trained length, tokens */
    int32_t layers;
    int32_t embedding_length;
    int32_t feed_forward_length;
    int32_t heads;
    int32_t kv_heads;
    int32_t head_dim;
    double open_seconds; /* wall clock of met_model_open */
} met_model_info;

/* Views are borrowed until the model is freed. */
MET_API met_model_info met_model_describe(const met_model *model);

/* The program that a machine runs for this model, one operation a line. Allocates `out`. */
MET_API met_status met_model_program(const met_model *model, met_text *out, met_error *err);

/* ---------------------------------------------------------------- tokens */

/* Text to token ids. Text is brought to NFC first, as the reference tokenizer does.
 *
 * control        ranges in which control tokens are recognised; NULL with count 0 for none
 *                (see met_text). Ranges ascend and do not overlap.
 * tokens         out: [capacity] ids; may be NULL when capacity is 0.
 * count          out: ids that the text has, also when capacity is smaller.
 * Returns MET_OK; MET_E_RANGE when capacity is too small (nothing is lost: call again with
 * *count); MET_E_FORMAT when the text is not valid UTF-8; MET_E_ARGUMENT for ranges that do not
 * ascend within the text; MET_E_MEMORY. */
MET_API met_status met_model_tokenize(const met_model *model, met_str text,
                                      const met_span *control, size_t control_count,
                                      int32_t *tokens, size_t capacity, size_t *count,
                                      met_error *err);

/* Token ids to bytes. Control tokens are written as spelled when `control` is true, else left
 * out. Bytes may end within a UTF-8 character when the tokens do. Allocates `out`.
 * MET_E_RANGE an id outside the vocabulary; MET_E_MEMORY. */
MET_API met_status met_model_detokenize(const met_model *model, const int32_t *tokens,
                                        size_t count, bool control, met_text *out,
                                        met_error *err);

/* True for an id that ends generation: eos, eot and the end-of-message ids of the metadata. */
MET_API bool met_model_is_end(const met_model *model, int32_t token);

/* ---------------------------------------------------------------- values and chat templates */

/* What a template is rendered with: null, bool, integer, float, string, list or dict. */
typedef struct met_value met_value;

/* Makers return NULL when memory is out. A container owns what was added to it. */
MET_API met_value *met_value_null(void);
MET_API met_value *met_value_bool(bool value);
MET_API met_value *met_value_int(int64_t value);
MET_API met_value *met_value_float(double value);
MET_API met_value *met_value_string(const char *data, size_t bytes); /* copied */
MET_API met_value *met_value_list(void);
MET_API met_value *met_value_dict(void); /* keeps the order of insertion */
MET_API void met_value_free(met_value *value);

/* Both take `item`, also on failure, and accept NULL for it (then MET_E_MEMORY). Setting a key
 * again replaces its value. MET_E_ARGUMENT when the container is of another kind. */
MET_API met_status met_value_push(met_value *list, met_value *item);
MET_API met_status met_value_set(met_value *dict, const char *key, met_value *item);

/* Render a chat template (Jinja as GGUF models carry it) with the names in `names`, a dict or NULL:
 * usually messages, tools, add_generation_prompt. In `out`, `control` covers exactly the text that
 * came from the template itself. MET_E_TEMPLATE names construct and line; MET_E_FORMAT for text
 * that is not UTF-8; MET_E_ARGUMENT names of another kind; MET_E_MEMORY. Allocates `out`. */
MET_API met_status met_template_render(met_str source, const met_value *names, met_text *out,
                                       met_error *err);

typedef struct met_message {
    const char *role; /* "system", "user", "assistant" */
    const char *content;
} met_message;

/* Messages to a prompt by the model's own template, with the generation prompt added.
 * MET_E_KEY when the model has no template; MET_E_ARGUMENT a role or content that is NULL; else as
 * met_template_render. Allocates `out`. */
MET_API met_status met_model_chat(const met_model *model, const met_message *messages,
                                  size_t count, met_text *out, met_error *err);

/* The same with values, for tools and tool calls. `messages` is a list of dicts; `tools` is a list
 * or NULL. Both are borrowed for the call. MET_E_ARGUMENT what is no list; else as
 * met_model_chat. */
MET_API met_status met_model_chat_values(const met_model *model, const met_value *messages,
                                         const met_value *tools, met_text *out, met_error *err);

/* ---------------------------------------------------------------- session */

typedef struct met_session met_session;

typedef struct met_session_options {
    int32_t context_length; /* most tokens, up to the model's trained length; 0: that length */
    const char *kv_type;    /* of cached keys and values: "f16" or "f32"; NULL is "f16" */
} met_session_options;

MET_API met_session_options met_session_options_default(void);

/* Memory is planned first and refused with exact bytes if it cannot be had; the KV cache takes
 * memory as positions are used. NULL options are the defaults. An "f32" cache takes twice the
 * memory and removes the rounding of keys and values, some 5e-4 of the largest |logit|.
 * MET_E_ARGUMENT a bad option; MET_E_MEMORY. */
MET_API met_status met_session_create(met_model *model, const met_session_options *options,
                                      met_session **out, met_error *err);
MET_API void met_session_free(met_session *session); /* accepts NULL */

/* Tokens held, in order. Borrowed until the next call that takes the session. */
MET_API const int32_t *met_session_tokens(const met_session *session, int32_t *count);
MET_API int32_t met_session_context_length(const met_session *session);

/* Feed tokens at the session's position; leave the next token's logits.
 *
 * tokens  [count] ids in [0, vocab), borrowed for this call.
 * count   >= 1; position + count may not exceed the context length.
 * logits  out: [vocab] float32, unnormalised, owned by the session and valid until the next call
 *         that takes it. May be NULL: then they are not computed.
 * Returns MET_OK; MET_E_ARGUMENT no tokens, MET_E_RANGE a bad id, MET_E_CONTEXT_FULL no room,
 * MET_E_MEMORY: the session is unchanged; MET_E_DEVICE the machine failed: the session may only be
 * freed.
 * The logits are the same bits for any split of the tokens into calls, but with matmul "vendor". */
MET_API met_status met_session_feed(met_session *session, const int32_t *tokens, int32_t count,
                                    const float **logits, met_error *err);

/* The same, with logits for every token fed: [count][vocab], or NULL. Takes memory for so many,
 * kept by the session. */
MET_API met_status met_session_feed_all(met_session *session, const int32_t *tokens,
                                        int32_t count, const float **logits, met_error *err);

/* Forget everything from `position` on. 0 <= position <= tokens held, else MET_E_RANGE. There are
 * no logits then: feed at least one token. */
MET_API met_status met_session_rewind(met_session *session, int32_t position, met_error *err);

/* Make the session hold exactly these tokens, computing only what differs from what it holds.
 * The last token is always computed, so that logits are there. reused may be NULL; out: tokens
 * that were not computed again. Errors as met_session_feed, but after MET_E_MEMORY the session
 * holds only the tokens that both lists begin with. */
MET_API met_status met_session_set(met_session *session, const int32_t *tokens, int32_t count,
                                   const float **logits, int32_t *reused, met_error *err);

typedef struct met_session_memory {
    uint64_t kv_bytes;      /* allocated now */
    uint64_t scratch_bytes; /* activations, logits, machine's work space */
} met_session_memory;

MET_API met_session_memory met_session_memory_used(const met_session *session);

/* Where the time of steps goes. One entry for each phase of the machine's schedule: one operation
 * of the program, or several that the machine fused. */
typedef struct met_op_time {
    const char *work;  /* "rmsnorm, matmul, swiglu"; static storage */
    met_str weight;    /* name of its first matrix, or empty; borrowed until the model is freed */
    int32_t layer;     /* -1: outside the layers */
    uint64_t calls;
    uint64_t bytes;    /* of weights and KV cache that had to be read, all calls together */
    uint64_t macs;     /* multiply-adds with weights, all calls together */
    double seconds;    /* of the first worker, without the wait */
    double wait_seconds; /* of the first worker, for the others at the end */
} met_op_time;

/* Begin (from zero) or end timing every phase of this session's steps. Costs two clock readings a
 * phase. MET_E_MEMORY. */
MET_API met_status met_session_profile(met_session *session, bool on, met_error *err);

/* Copy at most `capacity` entries, in the order in which they run; returns how many there are, 0
 * when nothing is timed. */
MET_API size_t met_session_op_times(const met_session *session, met_op_time *out,
                                    size_t capacity);

/* ---------------------------------------------------------------- generation */

/* How the next token is chosen. Steps, in this order:
 *   1. penalties over the last `repeat_last_n` tokens (prompt included): a token seen there has
 *      its logit divided (when > 0) or multiplied (when <= 0) by repeat_penalty, then lowered by
 *      frequency_penalty * count + presence_penalty;
 *   2. temperature 0: the largest logit wins, the lowest id among equals. Otherwise
 *   3. top_k: the k largest stay;  4. softmax of logits / temperature;
 *   5. top_p: the smallest set of most likely tokens whose probability reaches p stays;
 *   6. min_p: tokens below min_p times the most likely one go;
 *   7. one draw from what is left, renormalised, most likely first, the lowest id among equals.
 * Probabilities are held as integers of 2^-40 of the largest, so that sums do not depend on their
 * order. The generator is xoshiro256** seeded by SplitMix64: the same seed gives the same text.
 * Defaults: greedy, every step off, a window of 64. */
typedef struct met_sampling {
    float temperature;       /* >= 0; 0 is greedy */
    int32_t top_k;           /* >= 0; 0: off */
    float top_p;             /* (0, 1]; 1: off */
    float min_p;             /* [0, 1); 0: off */
    float repeat_penalty;    /* > 0; 1: off */
    float presence_penalty;  /* 0: off */
    float frequency_penalty; /* 0: off */
    int32_t repeat_last_n;   /* window, tokens; 0: off, -1: the whole context */
    uint64_t seed;
} met_sampling;

MET_API met_sampling met_sampling_default(void);

typedef struct met_logprob {
    int32_t token;
    float logprob; /* natural logarithm, of the model's own distribution before step 1 */
} met_logprob;

/* One generated token. All pointers are borrowed until the callback returns.
 * `text` is what can be shown now: whole UTF-8 characters, nothing that may still turn out to be a
 * stop string. It may be empty, and may hold bytes of earlier tokens. A control token has no text,
 * and the end token no event. */
typedef struct met_token_event {
    int32_t token; /* -1 for a last event that only releases held-back text */
    met_str text;
    float logprob;           /* of this token; valid when logprobs were asked for */
    const met_logprob *top;  /* [top_count], most likely first */
    size_t top_count;
    int32_t index; /* 0 for the first generated token */
} met_token_event;

/* Return false to stop: it is not called again, and text that is held back is not shown. For the
 * last event (token -1) the answer does not matter. */
typedef bool (*met_token_fn)(void *user, const met_token_event *event);

/* Called between chunks of a long prompt, with the tokens that the session holds and shall hold.
 * Return false to stop: the session keeps what was computed, and the next call goes on there. */
typedef bool (*met_progress_fn)(void *user, int32_t done, int32_t total);

/* Asked many times while a prompt is computed, within the steps of a machine that can be stopped
 * there (the CPU), on the thread that called the library: be quick. Return false to stop: the
 * session keeps the chunks that were done, as if met_progress_fn had said it. */
typedef bool (*met_poll_fn)(void *user);

typedef enum met_finish {
    MET_FINISH_END = 0,  /* the model ended its answer */
    MET_FINISH_STOP,     /* a stop string appeared */
    MET_FINISH_LENGTH,   /* max_tokens were generated */
    MET_FINISH_CONTEXT,  /* the context is full */
    MET_FINISH_CALLBACK, /* a callback asked to stop */
} met_finish;

/* "end", "stop", "length", "context", "interrupted". Static storage. */
MET_API const char *met_finish_name(met_finish finish);

typedef struct met_generate_options {
    met_sampling sampling;
    int32_t max_tokens;      /* >= 0; 0: until something else ends it */
    int32_t logprobs;        /* how many alternatives to report, 0..64; -1: none at all */
    bool ignore_end;         /* go on after an end token: for benchmarks */
    /* 0..16; 0: off. When the last tokens stood in the text before, guess that up to so many tokens
     * follow as they did there, and compute them together with the token at hand. Every token is
     * still chosen from its own logits, which are the same bits: text, events and what the session
     * holds do not change, only time does. Faster where an answer repeats its prompt or itself,
     * and kept close to off elsewhere: fewer are guessed when guesses fail. Costs memory for the
     * logits of so many more tokens, taken at the beginning. */
    int32_t speculate;
    /* [stop_count] UTF-8 strings, none empty, that end the text and are not part of it. The one
     * that is complete first counts, of several at the same byte the longest. */
    const char *const *stop;
    size_t stop_count;
    met_token_fn on_token;       /* may be NULL */
    met_progress_fn on_progress; /* may be NULL */
    met_poll_fn on_poll;         /* may be NULL */
    void *user;
} met_generate_options;

MET_API met_generate_options met_generate_options_default(void);

typedef struct met_generate_result {
    met_finish finish;
    int32_t prompt_tokens;    /* that the session holds: all, unless it was stopped before */
    int32_t reused_tokens;    /* of the prompt, found in the session */
    int32_t generated_tokens; /* those of a stop string too; an end token is not counted */
    int32_t proposed_tokens;  /* guesses that were computed: see `speculate` */
    int32_t accepted_tokens;  /* of those, tokens that the answer went on with */
    double prefill_seconds;   /* prompt tokens to first logits */
    double first_token_seconds; /* call to first token chosen */
    double decode_seconds;      /* everything after the first token */
} met_generate_result;

/* Make the session hold `tokens` (as met_session_set) and generate after them. Every generated
 * token but the last is fed to the session; an end token is not. So the next turn of a conversation
 * (the same tokens, the answer's, its end token, a new message) computes only what is new.
 * NULL options are the defaults; `result` may be NULL. Errors as met_session_set and MET_E_ARGUMENT
 * for options out of range; on failure `result` still counts what was done.
 * MET_E_DEVICE also when every logit is NaN or -infinity. */
MET_API met_status met_generate(met_session *session, const int32_t *tokens, int32_t count,
                                const met_generate_options *options,
                                met_generate_result *result, met_error *err);

/* What a generation came to: the numbers that the command shows. Rates are 0 where nothing was
 * counted. Times between tokens are held in classes of 1/64 of an octave: percentiles are exact to
 * 0.8%. */
typedef struct met_summary {
    met_generate_result result;
    double prefill_tokens_per_second; /* tokens that were computed */
    double decode_tokens_per_second;  /* after the first */
    double token_seconds_p50;         /* from one generated token to the next */
    double token_seconds_p95;
    double token_seconds_p99;
    double token_seconds_max;
    double prefill_bytes_per_second; /* weights and KV cache, read by the machine's steps */
    double decode_bytes_per_second;  /* to be compared with met_ceilings.read_bytes_per_second */
    double prefill_macs_per_second;  /* with met_ceilings.macs_per_second */
    uint64_t barrier_wait_ns;        /* of the first worker; from level LAYER on */
    met_memory memory;               /* of the session's context, when it ended */
} met_summary;

/* Of the session's last met_generate. False, and `out` is zeroed, when there was none or its
 * context does not record. */
MET_API bool met_session_summary(const met_session *session, met_summary *out);

/* ---------------------------------------------------------------- files */

/* A GGUF file as it is, without running it: for inspection. */
typedef struct met_file met_file;

typedef struct met_file_key {
    met_str key;
    met_str type;  /* "u32", "string", "array<string>" */
    uint64_t count; /* elements of an array, else 1 */
} met_file_key;

typedef struct met_file_tensor {
    met_str name;
    met_str type;          /* "F16" */
    uint32_t dims;         /* 1..4 */
    uint64_t shape[4];     /* ne[0] first: the contiguous dimension */
    uint64_t offset_bytes; /* from the beginning of the file */
    uint64_t bytes;
} met_file_tensor;

typedef struct met_file_info {
    uint32_t version;
    uint32_t alignment_bytes;
    uint64_t file_bytes;
    uint64_t data_offset_bytes;
    uint64_t keys;
    uint64_t tensors;
} met_file_info;

/* MET_E_IO, _TRUNCATED, _FORMAT, _TYPE, _KEY, _TENSOR, _MEMORY: see docs/GGUF_SPEC.md.
 * Bytes in memory are borrowed until the file is closed; any alignment will do. */
MET_API met_status met_file_open(const char *path, met_file **out, met_error *err);
MET_API met_status met_file_open_memory(const void *data, size_t bytes, const char *name,
                                        met_file **out, met_error *err);
MET_API void met_file_close(met_file *file); /* accepts NULL */
MET_API met_file_info met_file_describe(const met_file *file);
/* Views are borrowed until the file is closed. `index` is below keys / tensors. */
MET_API met_file_key met_file_key_at(const met_file *file, uint64_t index);
MET_API met_file_tensor met_file_tensor_at(const met_file *file, uint64_t index);
/* The value as a met_value; an array longer than `most` gives its first `most` elements. Free with
 * met_value_free. NULL when memory is out. */
MET_API met_value *met_file_value_at(const met_file *file, uint64_t index, uint64_t most);

/* Reading a met_value back. A wrong kind gives false, 0, an empty view or NULL. */
typedef enum met_value_kind {
    MET_VALUE_NULL = 0,
    MET_VALUE_BOOL,
    MET_VALUE_INT,
    MET_VALUE_UINT, /* only for integers above INT64_MAX, from files */
    MET_VALUE_FLOAT,
    MET_VALUE_STRING,
    MET_VALUE_LIST,
    MET_VALUE_DICT,
} met_value_kind;

MET_API met_value_kind met_value_get_kind(const met_value *value);
MET_API bool met_value_get_bool(const met_value *value);
MET_API int64_t met_value_get_int(const met_value *value);
MET_API uint64_t met_value_get_uint(const met_value *value);
MET_API double met_value_get_float(const met_value *value);
MET_API met_str met_value_get_string(const met_value *value);
MET_API size_t met_value_get_count(const met_value *value); /* of a list or dict */
MET_API const met_value *met_value_get_item(const met_value *value, size_t index);
MET_API met_str met_value_get_key(const met_value *value, size_t index); /* of a dict */

typedef struct met_synth_options {
    const char *shape; /* "tiny", "qwen2.5-0.5b", "-1.5b", "-3b", "-7b" (with the prefix) */
    const char *type;  /* "f32", "f16", "q8_0" */
    uint64_t seed;
    const char *vocab_path; /* a GGUF whose tokenizer keys are copied; NULL: a made-up one */
} met_synth_options;

/* Write a model of an exact shape with random weights: for measuring speed and for tests.
 * The file appears under `path` only when it is whole. MET_E_ARGUMENT names the accepted shapes
 * or types, or says that the vocabulary is larger than the shape's; MET_E_IO with the path, also
 * when it is a folder, a device or a pipe; errors of met_file_open and MET_E_KEY for vocab_path.
 * `progress` may be NULL; it is called with tensors written and tensors in all, and may stop with
 * false, which is MET_E_IO too. */
MET_API met_status met_synth(const met_synth_options *options, const char *path,
                             met_progress_fn progress, void *user, met_error *err);

#ifdef __cplusplus
}
#endif

#endif
