/* A machine and a model, opened as the flags say. */
#ifndef MET_CLI_ENGINE_H
#define MET_CLI_ENGINE_H

#include "cli/command.h"

enum { MET_ENGINE_THREADS_MAX = 256 };

extern const char *const met_engine_backends[];
extern const char *const met_engine_matmuls[];

typedef struct met_engine_options {
    const char *gguf_path;  /* NULL: the bundled model */
    const char *backend;    /* NULL: not given */
    int64_t threads;        /* 0: not given */
    const char *matmul;     /* NULL: not given */
    int64_t context_length; /* 0: not given */
    const char *kv_type;    /* "f16" or "f32" */
} met_engine_options;

/* --gguf-path, --backend, --threads, --matmul, --context-length, --kv-type. A subcommand takes as
 * many as it needs. */
enum { MET_ENGINE_FLAGS_MODEL = 1, MET_ENGINE_FLAGS_MACHINE = 4, MET_ENGINE_FLAGS_SESSION = 6 };
extern const met_option met_engine_flags[MET_ENGINE_FLAGS_SESSION];

typedef struct met_engine {
    met_context *context;
    met_model *model;
    const char *model_name; /* the path, or "bundled" */
    double load_seconds;    /* to open both */
} met_engine;

/* Flags win over the environment; the invocation's logger hears of it. Files of metrics are opened
 * first. Errors as met_context_create and met_model_open. */
met_status met_engine_open(const met_engine_options *options, const met_invocation *invocation,
                           met_engine *engine, met_error *err);

/* The same for what only reads the vocabulary: one thread. */
met_status met_engine_open_vocabulary(const met_engine_options *options,
                                      const met_invocation *invocation, met_engine *engine,
                                      met_error *err);

/* Accepts a zeroed engine; leaves it zeroed. */
void met_engine_close(met_engine *engine);

/* A session with the cache that --kv-type asks for, of the length that the user wants:
 * --context-length; else the trained length, at most METALLIC_MAX_CONTEXT_LEN and, when it is not
 * 0, `most`. Errors as met_session_create, and MET_E_ARGUMENT when --context-length is more than
 * the model was trained for. */
met_status met_engine_create_session(const met_engine *engine, const met_engine_options *options,
                                     const met_environment *environment, int32_t most,
                                     met_session **out, met_error *err);

/* All of a text's ids. Allocates *tokens: free(). */
met_status met_engine_tokenize(const met_engine *engine, met_str text, const met_span *control,
                               size_t control_count, int32_t **tokens, size_t *count,
                               met_error *err);

#endif
