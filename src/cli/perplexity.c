/* Owns: the subcommand perplexity: how well a model predicts a text. The invariant: every token but
 * the first of the text, and of each window that begins without context, is predicted exactly once.
 */
#include "cli/clock.h"
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/interrupt.h"
#include "cli/json_value.h"
#include "cli/likelihood.h"
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES_MAX = 32 << 20, CONTEXT_LENGTH_MOST = 2048, CONTEXT_CHUNK = 256 };

typedef struct perplexity_options {
    met_engine_options engine;
    const char *file;
    int64_t stride; /* 0: the context length */
    bool json;
} perplexity_options;

/* Sums over the text. */
typedef struct score {
    double nll; /* of all predicted tokens, nats */
    size_t predicted;
    size_t fed; /* tokens computed */
    size_t windows;
    double seconds;
    bool interrupted;
} score;

static void show_progress(met_progress *progress, size_t done, const score *so_far)
{
    char note[48] = "";
    if (so_far->predicted > 0) {
        (void)snprintf(note, sizeof note, "%.4f so far",
                       exp(so_far->nll / (double)so_far->predicted));
    }
    met_progress_at(progress, done, note);
}

/* Tokens [begin, end) as one context; those from `first` on are predicted. first > begin. */
static met_status score_window(met_session *session, const int32_t *tokens, size_t begin,
                               size_t first, size_t end, size_t vocab, score *total, met_error *err)
{
    const float *logits = NULL;
    size_t chunk = CHUNK_BYTES_MAX / (vocab * sizeof *logits);
    size_t at = begin;

    if (chunk == 0) chunk = 1;
    met_status status = met_session_rewind(session, 0, err);
    while (status == MET_OK && at < first - 1 && !met_interrupt_requested()) {
        /* context only: no logits are needed */
        size_t count = first - 1 - at < CONTEXT_CHUNK ? first - 1 - at : CONTEXT_CHUNK;
        status = met_session_feed(session, tokens + at, (int32_t)count, NULL, err);
        at += count;
    }
    while (status == MET_OK && at + 1 < end && !met_interrupt_requested()) {
        size_t count = end - 1 - at < chunk ? end - 1 - at : chunk;
        status = met_session_feed_all(session, tokens + at, (int32_t)count, &logits, err);
        if (status != MET_OK) return status;
        for (size_t i = 0; i < count; i++) {
            total->nll +=
                met_likelihood_negative_log(logits + i * vocab, vocab, tokens[at + i + 1]);
        }
        total->predicted += count;
        at += count;
    }
    total->fed += at - begin;
    total->windows++;
    return status;
}

static met_status score_text(met_session *session, const int32_t *tokens, size_t count,
                             size_t window, size_t stride, size_t vocab,
                             met_progress *progress, score *total, met_error *err)
{
    double start = met_clock_seconds();
    met_status status = MET_OK;
    size_t done = 1; /* tokens [0, done) are predicted, or have nothing to be predicted from */

    *total = (score){0};
    for (size_t begin = 0; status == MET_OK && done < count && !total->interrupted;
         begin += stride) {
        size_t end = count - begin < window ? count : begin + window;
        size_t first = done > begin ? done : begin + 1;
        if (first < end) {
            status = score_window(session, tokens, begin, first, end, vocab, total, err);
        }
        done = end;
        total->interrupted = met_interrupt_requested();
        show_progress(progress, done, total);
    }
    total->seconds = met_clock_seconds() - start;
    return status;
}

static void write_report(const score *total, size_t tokens, size_t window, size_t stride,
                         const char *model, bool json, met_output *output)
{
    double mean = total->predicted > 0 ? total->nll / (double)total->predicted : NAN;
    double rate = total->seconds > 0 ? (double)total->fed / total->seconds : 0;

    if (!json) {
        met_output_printf(output,
                          "perplexity %.6f\nnll %.6f nats a token\npredicted %zu of %zu tokens, "
                          "%zu windows of %zu, stride %zu\nspeed %.1f tokens/s\n",
                          exp(mean), mean, total->predicted, tokens, total->windows, window, stride,
                          rate);
        return;
    }
    json_t *document = json_pack(
        "{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:b, s:o}", "schema",
        "metallic.perplexity/1", "perplexity", met_json_real(exp(mean)), "nll", met_json_real(mean),
        "tokens", (json_int_t)tokens, "predicted_tokens", (json_int_t)total->predicted, "windows",
        (json_int_t)total->windows, "context_length", (json_int_t)window, "stride",
        (json_int_t)stride, "seconds", met_json_real(total->seconds), "tokens_per_second",
        met_json_real(rate), "interrupted", (int)total->interrupted, "model",
        met_json_text(model, strlen(model)));
    met_output_json(output, document, MET_JSON_DOUBLE_DIGITS);
}

static met_status measure(met_invocation *invocation, const perplexity_options *options,
                          met_str text, met_error *err)
{
    met_engine engine = {0};
    met_session *session = NULL;
    int32_t *tokens = NULL;
    size_t count = 0;
    score total = {0};

    met_progress *progress = met_progress_create(invocation);

    met_interrupt_watch();
    met_progress_begin(progress, "opening the model", "", 0);
    met_status status = met_engine_open(&options->engine, invocation, &engine, err);
    if (status != MET_OK) goto done;
    status = met_engine_tokenize(&engine, text, NULL, 0, &tokens, &count, err);
    if (status != MET_OK) goto done;
    if (count < 2) {
        status = met_failure_set(err, MET_E_FORMAT, "%s: found %zu tokens, expected at least 2",
                                 met_input_name(options->file), count);
        goto done;
    }
    status = met_engine_create_session(&engine, &options->engine, invocation->environment,
                                       CONTEXT_LENGTH_MOST, &session, err);
    if (status != MET_OK) goto done;
    int32_t window = met_session_context_length(session);
    int64_t stride = options->stride != 0 ? options->stride : window;
    if (window < 2 || stride > window) {
        status = met_failure_set(err, MET_E_ARGUMENT,
                                 window < 2 ? "--context-length: found %d, expected at least 2"
                                            : "--stride: more than the context length of %d",
                                 window);
        goto done;
    }
    size_t vocab = (size_t)met_model_describe(engine.model).vocab;
    met_progress_begin(progress, "measuring perplexity", "tokens", count);
    status = score_text(session, tokens, count, (size_t)window, (size_t)stride, vocab, progress,
                        &total, err);
    met_progress_end(progress);
    if (status != MET_OK) goto done;
    invocation->interrupted = total.interrupted;
    write_report(&total, count, (size_t)window, (size_t)stride, engine.model_name, options->json,
                 invocation->output);
done:
    met_progress_free(progress);
    met_session_free(session);
    free(tokens);
    met_engine_close(&engine);
    return status;
}

static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    const perplexity_options *options = any_options;
    char *data = NULL;
    size_t bytes = 0;

    if (options->file == NULL) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--file: not given, expected a file name or - for standard input");
    }
    met_status status = met_input_read(options->file, &data, &bytes, err);
    if (status == MET_OK) status = measure(invocation, options, (met_str){data, bytes}, err);
    free(data);
    return status;
}

static met_json_failure json_failure(const void *options)
{
    const perplexity_options *flags = options;
    return (met_json_failure){flags->json ? "metallic.perplexity/1" : NULL, false};
}

static const met_option flags[] = {
    {.name = "file",
     .letter = 'f',
     .kind = MET_OPTION_PATH,
     .offset = offsetof(perplexity_options, file),
     .value_name = "FILE",
     .help = "the text; - is standard input"},
    {.name = "stride",
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(perplexity_options, stride),
     .value_name = "N",
     .fallback = "0",
     .fallback_help = "the context length: windows do not overlap",
     .least = 1,
     .most = INT32_MAX,
     .help = "begin a window every N tokens; tokens already predicted are context only"},
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(perplexity_options, json),
     .help = "print a JSON document"},
};

static const met_option_group groups[] = {
    {flags, sizeof flags / sizeof flags[0], 0},
    {met_engine_flags, MET_ENGINE_FLAGS_SESSION, offsetof(perplexity_options, engine)},
};

const met_command met_command_perplexity = {
    .name = "perplexity",
    .summary = "Measure how well a model predicts a text.",
    .synopsis = "perplexity [--gguf-path FILE] --file FILE [--stride N] [--json]",
    .notes = "The text is cut into windows of --context-length tokens (default: the trained "
             "length, at most 2048). Perplexity is exp of the mean negative log likelihood "
             "of all predicted tokens; the first token of a window without overlap is not "
             "predicted.",
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(perplexity_options),
    .run = run,
    .json_failure = json_failure,
};
