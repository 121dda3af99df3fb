/* Owns: the subcommand logits and the NPY file that it writes (format version 1.0, as
 * numpy.lib.format describes it). The invariant: a file that is there is whole, also after
 * Ctrl-C. */
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/failure.h"
#include "cli/ids.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the NPY header says little-endian"
#endif

/* Between chunks Ctrl-C is looked for. */
enum { CHUNK_BYTES_MAX = 32 << 20, CHUNK_TOKENS_MAX = 512, NPY_ALIGN = 64, NPY_PREAMBLE = 10 };

typedef struct logits_options {
    met_engine_options engine;
    const char *tokens;
    const char *output;
    bool last;
} logits_options;

/* Magic, version, length, then a Python dict padded with spaces so that the data begins at a
 * multiple of 64. */
static void write_npy_header(met_output *output, size_t rows, size_t cols)
{
    char dict[256];
    int used =
        snprintf(dict, sizeof dict,
                 "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, cols);
    size_t whole = (NPY_PREAMBLE + (size_t)used + 1 + NPY_ALIGN - 1) / NPY_ALIGN * NPY_ALIGN;
    size_t dict_bytes = whole - NPY_PREAMBLE;
    char preamble[NPY_PREAMBLE] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(dict_bytes & 0xff), (char)(dict_bytes >> 8)};
    memset(dict + used, ' ', dict_bytes - (size_t)used - 1);
    dict[dict_bytes - 1] = '\n';
    met_output_write(output, preamble, sizeof preamble);
    met_output_write(output, dict, dict_bytes);
}

/* Feed all tokens; write the logits of each, or of the last. `whole`: nobody interrupted it. */
static met_status write_logits(met_session *session, const met_ids *ids, size_t vocab, bool last,
                               met_progress *progress, met_output *output, bool *whole,
                               met_error *err)
{
    const size_t row_bytes = vocab * sizeof(float);
    size_t chunk = CHUNK_BYTES_MAX / row_bytes;
    size_t at = 0;
    met_status status = MET_OK;

    if (chunk == 0) chunk = 1;
    if (chunk > CHUNK_TOKENS_MAX || last) chunk = CHUNK_TOKENS_MAX;
    write_npy_header(output, last ? 1 : ids->count, vocab);
    while (at < ids->count && !met_output_failed(output) && !met_interrupt_requested()) {
        const int32_t *tokens = ids->items + at;
        size_t count = ids->count - at < chunk ? ids->count - at : chunk;
        const float *logits = NULL;
        bool wanted = !last || at + count == ids->count;
        status = !last ? met_session_feed_all(session, tokens, (int32_t)count, &logits, err)
                       : met_session_feed(session, tokens, (int32_t)count,
                                          wanted ? &logits : NULL, err);
        if (status != MET_OK) return status;
        if (wanted) met_output_write(output, logits, last ? row_bytes : count * row_bytes);
        at += count;
        met_progress_at(progress, at, NULL);
    }
    *whole = at == ids->count;
    return MET_OK;
}

static met_status write_file(met_session *session, const met_ids *ids, size_t vocab,
                             const logits_options *options, met_progress *progress, bool *whole,
                             met_error *err)
{
    met_replacement file;
    met_error closing;

    met_status status = met_replace_begin(&file, options->output, err);
    if (status != MET_OK) return status;
    status = write_logits(session, ids, vocab, options->last, progress, &file.output, whole, err);
    met_status closed = met_replace_end(&file, status == MET_OK && *whole, &closing);
    if (status != MET_OK || closed == MET_OK) return status;
    if (err != NULL) *err = closing;
    return closed;
}

static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    const logits_options *options = any_options;
    met_engine engine = {0};
    met_session *session = NULL;
    met_ids ids = {0};
    met_status status = MET_OK;
    met_progress *progress = NULL;
    bool whole = true;

    if (options->tokens == NULL || options->output == NULL) {
        return met_failure_set(err, MET_E_ARGUMENT, "--%s: not given, expected %s",
                               options->tokens == NULL ? "tokens" : "output",
                               options->tokens == NULL ? "token ids such as 1,2,3" : "a file name");
    }
    status = met_ids_parse(&ids, "--tokens", options->tokens, strlen(options->tokens), err);
    if (status == MET_OK && (ids.count == 0 || ids.count > INT32_MAX)) {
        status = met_failure_set(err, MET_E_ARGUMENT,
                                 "--tokens: found %zu ids, expected at least one", ids.count);
    }
    if (status != MET_OK) goto done;
    progress = met_progress_create(invocation);
    met_progress_begin(progress, "opening the model", "", 0);
    status = met_engine_open(&options->engine, invocation, &engine, err);
    if (status != MET_OK) goto done;
    status = met_engine_create_session(&engine, &options->engine, invocation->environment, 0,
                                       &session, err);
    if (status != MET_OK) goto done;
    met_interrupt_watch();
    size_t vocab = (size_t)met_model_describe(engine.model).vocab;
    met_progress_begin(progress, "computing logits", "tokens", ids.count);
    if (strcmp(options->output, "-") == 0) {
        status = write_logits(session, &ids, vocab, options->last, progress, invocation->output,
                              &whole, err);
    } else {
        status = write_file(session, &ids, vocab, options, progress, &whole, err);
    }
    invocation->interrupted = !whole && status == MET_OK && met_interrupt_requested();
done:
    met_progress_free(progress);
    met_session_free(session);
    met_engine_close(&engine);
    free(ids.items);
    return status;
}

static const met_option flags[] = {
    {.name = "tokens",
     .kind = MET_OPTION_TEXT,
     .offset = offsetof(logits_options, tokens),
     .value_name = "IDS",
     .help = "token ids such as 1,2,3"},
    {.name = "last",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(logits_options, last),
     .help = "only the logits after the last token"},
    {.name = "output",
     .letter = 'o',
     .kind = MET_OPTION_PATH,
     .offset = offsetof(logits_options, output),
     .value_name = "FILE",
     .help = "the NPY file to write; - is standard output"},
};

static const met_option_group groups[] = {
    {flags, sizeof flags / sizeof flags[0], 0},
    {met_engine_flags, MET_ENGINE_FLAGS_SESSION, offsetof(logits_options, engine)},
};

const met_command met_command_logits = {
    .name = "logits",
    .summary = "Write the logits after each token to a NumPy file.",
    .synopsis = "logits [--gguf-path FILE] --tokens IDS [--last] --output FILE",
    .notes = "The file holds float32 in the shape [tokens, vocab]; [1, vocab] with --last.",
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(logits_options),
    .run = run,
};
