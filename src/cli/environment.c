/* Owns: the only getenv of the project, behind a typed table. */
#include "cli/environment.h"

#include "cli/engine.h"

#include <stdlib.h>
#include <string.h>

static const char *const log_levels[] = {"error", "warn", "info", "debug", "trace", NULL};

const met_option met_environment_options[MET_ENVIRONMENT_COUNT] = {
    {.name = "METALLIC_BACKEND",
     .kind = MET_OPTION_CHOICE,
     .offset = offsetof(met_environment, backend),
     .choices = met_engine_backends,
     .help = "the machine to run on; --backend wins"},
    {.name = "METALLIC_THREADS",
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(met_environment, threads),
     .least = 1,
     .most = MET_ENGINE_THREADS_MAX,
     .help = "worker threads; --threads wins"},
    {.name = "FORCE_MATMUL_BACKEND",
     .kind = MET_OPTION_CHOICE,
     .offset = offsetof(met_environment, matmul),
     .choices = met_engine_matmuls,
     .help = "who multiplies at prefill; --matmul wins"},
    {.name = "METALLIC_MAX_CONTEXT_LEN",
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(met_environment, max_context_length),
     .least = 1,
     .most = INT32_MAX,
     .help = "most tokens of a context; --context-length wins"},
    {.name = "METALLIC_LOG_LEVEL",
     .kind = MET_OPTION_CHOICE,
     .offset = offsetof(met_environment, log_level),
     .choices = log_levels,
     .fallback = "warn",
     .help = "what standard error is told; --verbose and --quiet win"},
};

met_status met_environment_read(met_environment *environment, met_error *err)
{
    memset(environment, 0, sizeof *environment);
    met_option_store_fallbacks(met_environment_options, MET_ENVIRONMENT_COUNT, environment);
    for (size_t i = 0; i < MET_ENVIRONMENT_COUNT; i++) {
        const met_option *option = &met_environment_options[i];
        const char *text = getenv(option->name);
        if (text == NULL || text[0] == '\0') continue;
        met_status status = met_option_store(option, option->name, text, environment, err);
        if (status != MET_OK) return status;
    }
    return MET_OK;
}
