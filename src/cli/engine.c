/* Owns: which machine, which model, which context length. The invariant: a flag wins over the
 * environment, and the environment over the default. */
#include "cli/engine.h"

#include "cli/bundled.h"
#include "cli/clock.h"
#include "cli/failure.h"

#include <stdio.h>
#include <stdlib.h>

const char *const met_engine_backends[] = {"auto", "cpu", "metal", NULL};
const char *const met_engine_matmuls[] = {"auto", "native", "vendor", "mlx", "mps", NULL};
static const char *const kv_types[] = {"f16", "f32", NULL};

const met_option met_engine_flags[MET_ENGINE_FLAGS_SESSION] = {
    {.name = "gguf-path",
     .letter = 'm',
     .kind = MET_OPTION_PATH,
     .offset = offsetof(met_engine_options, gguf_path),
     .value_name = "FILE",
     .fallback_help = "the bundled model",
     .help = "the model to run"},
    {.name = "backend",
     .kind = MET_OPTION_CHOICE,
     .offset = offsetof(met_engine_options, backend),
     .value_name = "NAME",
     .choices = met_engine_backends,
     .fallback_help = "auto",
     .help = "the machine to run on"},
    {.name = "threads",
     .letter = 't',
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(met_engine_options, threads),
     .value_name = "N",
     .least = 1,
     .most = MET_ENGINE_THREADS_MAX,
     .fallback_help = "one for each core",
     .help = "worker threads"},
    {.name = "matmul",
     .kind = MET_OPTION_CHOICE,
     .offset = offsetof(met_engine_options, matmul),
     .value_name = "NAME",
     .choices = met_engine_matmuls,
     .fallback_help = "auto",
     .help = "F32 and F16 prefill: native, or vendor: a BLAS library"},
    {.name = "context-length",
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(met_engine_options, context_length),
     .value_name = "N",
     .least = 1,
     .most = INT32_MAX,
     .fallback_help = "the model's trained length",
     .help = "most tokens, prompt and answer together"},
    {.name = "kv-type",
     .kind = MET_OPTION_CHOICE,
     .offset = offsetof(met_engine_options, kv_type),
     .value_name = "TYPE",
     .choices = kv_types,
     .fallback = "f16",
     .help = "of cached keys and values; f32: more exact, twice the memory"},
};

static met_status open_model(const met_engine_options *options, met_engine *engine, met_error *err)
{
    if (options->gguf_path != NULL) {
        engine->model_name = options->gguf_path;
        return met_model_open(engine->context, options->gguf_path, &engine->model, err);
    }
    met_str bundled = met_bundled_model();
    engine->model_name = "bundled";
    return met_model_open_memory(engine->context, bundled.data, bundled.bytes, "bundled model",
                                 &engine->model, err);
}

static met_status open_engine(const met_context_options *context_options,
                              const met_engine_options *options, met_engine *engine, met_error *err)
{
    double start = met_clock_seconds();

    *engine = (met_engine){0};
    met_status status = met_context_create(context_options, &engine->context, err);
    if (status == MET_OK) status = open_model(options, engine, err);
    engine->load_seconds = met_clock_seconds() - start;
    if (status != MET_OK) met_engine_close(engine);
    return status;
}

static met_context_options options_for(const met_invocation *invocation)
{
    met_context_options options = met_context_options_default();
    met_metrics_open_files(invocation->metrics);
    options.log = met_logger_write;
    options.log_user = invocation->logger;
    options.log_level = invocation->logger->level;
    options.recorder = invocation->metrics->recorder;
    return options;
}

/* The folder for compiled kernels, as the XDG base directory specification has it; or NULL. */
static const char *cache_folder(const met_environment *environment, char *path, size_t bytes)
{
    const char *folder = environment->cache_home, *inner = "metallic";
    if (folder == NULL || folder[0] != '/') { /* relative ones are to be ignored */
        folder = environment->home;
        inner = ".cache/metallic";
    }
    if (folder == NULL || folder[0] != '/') return NULL;
    int length = snprintf(path, bytes, "%s/%s", folder, inner);
    return length > 0 && (size_t)length < bytes ? path : NULL;
}

met_status met_engine_open(const met_engine_options *options, const met_invocation *invocation,
                           met_engine *engine, met_error *err)
{
    const met_environment *environment = invocation->environment;
    met_context_options context_options = options_for(invocation);

    context_options.backend = environment->backend;
    if (options->backend != NULL) context_options.backend = options->backend;
    context_options.threads = (int32_t)environment->threads; /* 0: the library chooses */
    if (options->threads != 0) context_options.threads = (int32_t)options->threads;
    context_options.matmul = environment->matmul;
    if (options->matmul != NULL) context_options.matmul = options->matmul;
    char cache[4096];
    context_options.cache = cache_folder(environment, cache, sizeof cache);
    return open_engine(&context_options, options, engine, err);
}

met_status met_engine_open_vocabulary(const met_engine_options *options,
                                      const met_invocation *invocation, met_engine *engine,
                                      met_error *err)
{
    met_context_options context_options = options_for(invocation);

    context_options.backend = "cpu";
    context_options.threads = 1;
    return open_engine(&context_options, options, engine, err);
}

void met_engine_close(met_engine *engine)
{
    met_model_free(engine->model);
    met_context_free(engine->context);
    *engine = (met_engine){0};
}

met_status met_engine_create_session(const met_engine *engine, const met_engine_options *options,
                                     const met_environment *environment, int32_t most,
                                     met_session **out, met_error *err)
{
    met_session_options session_options = met_session_options_default();
    int64_t trained = met_model_describe(engine->model).context_length;
    int64_t length = trained;

    *out = NULL;
    if (options->context_length > trained) {
        return met_failure_set(
            err, MET_E_ARGUMENT,
            "--context-length: found %lld, expected at most %lld, the length that "
            "the model was trained for",
            (long long)options->context_length, (long long)trained);
    }
    if (environment->max_context_length != 0 && environment->max_context_length < length) {
        length = environment->max_context_length;
    }
    if (most != 0 && most < length) length = most;
    if (options->context_length != 0) length = options->context_length;
    session_options.context_length = (int32_t)length;
    session_options.kv_type = options->kv_type;
    return met_session_create(engine->model, &session_options, out, err);
}

met_status met_engine_tokenize(const met_engine *engine, met_str text, const met_span *control,
                               size_t control_count, int32_t **tokens, size_t *count,
                               met_error *err)
{
    /* A token has at least one byte of the text; NFC rarely makes a text longer. */
    size_t capacity = text.bytes + 16;
    int32_t *ids = NULL;
    met_status status = MET_E_RANGE;

    *tokens = NULL;
    *count = 0;
    while (status == MET_E_RANGE) {
        free(ids);
        ids = calloc(capacity, sizeof *ids);
        if (ids == NULL) return met_failure_memory(err);
        status = met_model_tokenize(engine->model, text, control, control_count, ids, capacity,
                                    count, err);
        if (status == MET_E_RANGE && *count <= capacity) break; /* some other range: no loop */
        capacity = *count;
    }
    if (status != MET_OK) {
        free(ids);
        *count = 0;
        return status;
    }
    *tokens = ids;
    return MET_OK;
}
