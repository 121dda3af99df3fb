/* Owns: the only getenv of the project, behind a typed table. The list is short on purpose: a
 * variable is there because something reads it. */
#include "cli/environment.h"

#include "cli/engine.h"
#include "cli/metrics.h"

#include <stdlib.h>
#include <string.h>

#define FIELD(name) offsetof(met_environment, name)

static const char *const log_levels[] = {"error", "warn", "info", "debug", "trace", NULL};

const met_option met_environment_options[] = {
    {.name = "METALLIC_LOG_LEVEL",
     .kind = MET_OPTION_CHOICE,
     .offset = FIELD(log_level),
     .choices = log_levels,
     .fallback = "warn",
     .help = "what standard error is told; --verbose and --quiet win"},
    {.name = "METALLIC_BACKEND",
     .kind = MET_OPTION_CHOICE,
     .offset = FIELD(backend),
     .choices = met_engine_backends,
     .fallback = "auto",
     .help = "the machine to run on; --backend wins"},
    {.name = "METALLIC_THREADS",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(threads),
     .least = 1,
     .most = MET_ENGINE_THREADS_MAX,
     .fallback_help = "one for each core",
     .help = "worker threads; --threads wins"},
    {.name = "METALLIC_MAX_CONTEXT_LEN",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(max_context_length),
     .least = 1,
     .most = INT32_MAX,
     .fallback_help = "the model's trained length",
     .help = "most tokens of a context; --context-length wins"},
    {.name = "FORCE_MATMUL_BACKEND",
     .kind = MET_OPTION_CHOICE,
     .offset = FIELD(matmul),
     .choices = met_engine_matmuls,
     .fallback = "auto",
     .help = "who multiplies at prefill; --matmul wins"},
    {.name = "METALLIC_METRICS_CONSOLE",
     .kind = MET_OPTION_CHOICE,
     .offset = FIELD(metrics_console),
     .choices = met_metrics_consoles,
     .fallback = "off",
     .help = "tell what a generation came to; ceiling: of what can be reached"},
    {.name = "METALLIC_METRICS_JSONL_PATH",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(metrics_jsonl_path),
     .fallback_help = "none",
     .help = "a file for all that is measured, as JSON Lines"},
    {.name = "METALLIC_TRACE_PATH",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(trace_path),
     .fallback_help = "none",
     .help = "a file for a timeline that opens in ui.perfetto.dev"},
    {.name = "METALLIC_ENABLE_PROFILING",
     .kind = MET_OPTION_CHOICE,
     .offset = FIELD(profiling),
     .choices = met_metrics_levels,
     .fallback_help = "op for a trace, else token",
     .help = "how fine the files are; what nobody asks for is not recorded"},
    {.name = "XDG_CACHE_HOME",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(cache_home),
     .fallback_help = ".cache in HOME",
     .help = "compiled GPU kernels are kept in its folder metallic"},
    {.name = "HOME",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(home),
     .fallback_help = "none",
     .help = "where XDG_CACHE_HOME is not set; neither: kernels are not kept"},
    {.name = "TERM",
     .kind = MET_OPTION_TEXT,
     .offset = FIELD(terminal),
     .fallback_help = "none",
     .help = "the kind of terminal; none or dumb has no interface and no progress"},
    {.name = "NO_COLOR",
     .kind = MET_OPTION_TEXT,
     .offset = FIELD(no_color),
     .fallback_help = "not set",
     .help = "anything: the interface has no colours"},
};
const size_t met_environment_count =
    sizeof met_environment_options / sizeof met_environment_options[0];
_Static_assert(sizeof met_environment_options / sizeof met_environment_options[0] <= 64,
               "met_environment.set has a bit for each row");

met_status met_environment_read(met_environment *environment, met_error *err)
{
    memset(environment, 0, sizeof *environment);
    met_option_store_fallbacks(met_environment_options, met_environment_count, environment);
    for (size_t i = 0; i < met_environment_count; i++) {
        const met_option *option = &met_environment_options[i];
        const char *text = getenv(option->name);
        if (text == NULL || text[0] == '\0') continue;
        met_status status = met_option_store(option, option->name, text, environment, err);
        if (status != MET_OK) return status;
        environment->set |= UINT64_C(1) << i;
    }
    return MET_OK;
}
