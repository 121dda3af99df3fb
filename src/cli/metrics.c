/* Owns: which of the library's instruments are on, and the summary on standard error. Does not own
 * what is measured: the library. The invariant: nothing here makes a command fail but memory. */
#include "cli/metrics.h"

#include <stdio.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

const char *const met_metrics_consoles[] = {"off", "on", "ceiling", NULL};
const char *const met_metrics_levels[] = {"off", "token", "layer", "op", NULL};

static met_record_level level_of(const char *name)
{
    met_record_level level = MET_RECORD_OFF;
    while (strcmp(met_record_level_name(level), name) != 0)
        level++;
    return level;
}

static void tell_failure(met_logger *logger, met_status status, const met_error *err)
{
    if (status != MET_OK) met_logger_say(logger, MET_LOG_ERROR, "%s", err->text);
}

met_status met_metrics_record(met_metrics *metrics, met_record_level level, met_error *err)
{
    met_recorder_options options = met_recorder_options_default();

    if (metrics->recorder != NULL) return MET_OK;
    options.level = level;
    options.log = met_logger_write;
    options.log_user = metrics->logger;
    return met_recorder_create(&options, &metrics->recorder, err);
}

met_status met_metrics_open(met_metrics *metrics, const met_environment *environment,
                            met_logger *logger, met_error *err)
{
    const char *jsonl = environment->metrics_jsonl_path, *trace = environment->trace_path;
    met_record_level level = trace != NULL ? MET_RECORD_OP : MET_RECORD_TOKEN;

    *metrics = (met_metrics){.logger = logger, .environment = environment};
    metrics->console = strcmp(environment->metrics_console, "off") != 0;
    metrics->measures = strcmp(environment->metrics_console, "ceiling") == 0;
    if (environment->profiling != NULL) level = level_of(environment->profiling);
    if (!metrics->console && jsonl == NULL && trace == NULL && environment->profiling == NULL) {
        return MET_OK;
    }
    return met_metrics_record(metrics, level, err);
}

/* Whether the path names the terminal that the interface draws on, by whatever name. */
static bool names_screen(const char *path)
{
    struct stat named, controlling, screen;

    if (stat(path, &named) != 0 || !S_ISCHR(named.st_mode)) return false;
    if (stat("/dev/tty", &controlling) == 0 && controlling.st_rdev == named.st_rdev) return true;
    return fstat(STDOUT_FILENO, &screen) == 0 && screen.st_rdev == named.st_rdev;
}

typedef met_status (*export_fn)(met_recorder *recorder, const char *path, met_error *err);

static void open_file(met_metrics *metrics, const char *path, export_fn export)
{
    met_error reason;

    if (path == NULL) return;
    if (metrics->shares_screen && names_screen(path)) {
        met_logger_say(metrics->logger, MET_LOG_ERROR,
                       "%s: found the terminal that the interface draws on, expected a file; "
                       "nothing is written to it",
                       path);
        return;
    }
    tell_failure(metrics->logger, export(metrics->recorder, path, &reason), &reason);
}

void met_metrics_open_files(met_metrics *metrics)
{
    if (metrics->files_opened || metrics->environment == NULL) return;
    metrics->files_opened = true;
    open_file(metrics, metrics->environment->metrics_jsonl_path, met_recorder_export_jsonl);
    open_file(metrics, metrics->environment->trace_path, met_recorder_export_trace);
}

/* ---------------------------------------------------------------- the summary */

/* What decode and prefill are compared with, measured once. */
static void measure(met_metrics *metrics, met_context *context, const met_model *model)
{
    met_error reason;

    if (!metrics->measures) return;
    metrics->measures = false;
    met_str type = met_model_describe(model).weight_type;
    tell_failure(metrics->logger, met_context_measure(context, type, &metrics->ceilings, &reason),
                 &reason);
}

static void tell_times(met_logger *logger, const met_summary *s)
{
    const met_generate_result *r = &s->result;

    met_logger_tell(logger,
                    "first token after %.2f ms; prompt of %d tokens (%d reused), %.1f tok/s; %d "
                    "tokens generated, %.1f tok/s",
                    r->first_token_seconds * 1e3, r->prompt_tokens, r->reused_tokens,
                    s->prefill_tokens_per_second, r->generated_tokens,
                    s->decode_tokens_per_second);
    if (r->proposed_tokens > 0) {
        met_logger_tell(logger, "speculation: %d tokens guessed, %d of them right",
                        r->proposed_tokens, r->accepted_tokens);
    }
    if (r->generated_tokens < 2) return;
    met_logger_tell(logger, "from token to token: p50 %.3f ms, p95 %.3f, p99 %.3f, at most %.3f",
                    s->token_seconds_p50 * 1e3, s->token_seconds_p95 * 1e3,
                    s->token_seconds_p99 * 1e3, s->token_seconds_max * 1e3);
}

static void tell_rates(met_logger *logger, const met_summary *s, const met_ceilings *ceilings)
{
    double read = ceilings->read_bytes_per_second, macs = ceilings->macs_per_second;

    if (s->decode_bytes_per_second > 0) {
        met_logger_tell(logger, "decode reads %.2f GB/s", s->decode_bytes_per_second * 1e-9);
    }
    if (s->decode_bytes_per_second > 0 && read > 0) {
        met_logger_tell(logger, "that is %.0f%% of the %.1f GB/s that this machine reads",
                        1e2 * s->decode_bytes_per_second / read, read * 1e-9);
    }
    if (s->prefill_macs_per_second > 0 && macs > 0) {
        met_logger_tell(logger, "prefill multiplies at %.1f GMAC/s, %.0f%% of the %.1f there are",
                        s->prefill_macs_per_second * 1e-9, 1e2 * s->prefill_macs_per_second / macs,
                        macs * 1e-9);
    }
    if (s->barrier_wait_ns > 0) {
        met_logger_tell(logger, "the first worker waited %.2f ms for the others",
                        (double)s->barrier_wait_ns * 1e-6);
    }
}

static void tell_memory(met_logger *logger, const met_memory *memory)
{
    char text[MET_LOG_TEXT_BYTES] = "";

    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        const met_memory_use *use = &memory->kind[kind];
        size_t used = strlen(text);
        if (use->planned_bytes == 0 && use->peak_bytes == 0) continue;
        (void)snprintf(text + used, sizeof text - used, "%s%s %.1f (%.1f)", used > 0 ? ", " : "",
                       met_memory_name((met_memory_kind)kind), (double)use->peak_bytes * 1e-6,
                       (double)use->planned_bytes * 1e-6);
    }
    met_logger_tell(logger, "memory, MB at most (planned): %s", text);
}

void met_metrics_tell(met_metrics *metrics, met_context *context, const met_model *model,
                      const met_session *session)
{
    met_summary summary;

    if (!metrics->console || !met_session_summary(session, &summary)) return;
    measure(metrics, context, model);
    tell_times(metrics->logger, &summary);
    tell_rates(metrics->logger, &summary, &metrics->ceilings);
    tell_memory(metrics->logger, &summary.memory);
}

void met_metrics_close(met_metrics *metrics)
{
    if (metrics->recorder != NULL) {
        (void)met_recorder_close_exports(metrics->recorder, NULL); /* the log has been told */
    }
    met_recorder_free(metrics->recorder);
    *metrics = (met_metrics){0};
}
