/* Owns: the subcommand bench: how fast a model runs, beside what this machine can do at most.
 *
 * Machines change their speed while one measures, so every repetition lies between two measurements
 * of the ceilings, and fractions are of their mean. The invariant: what is timed is not profiled;
 * bytes and multiply-adds are counted in the warm-up run of the same shape. */
#include "cli/clock.h"
#include "cli/command.h"
#include "cli/engine.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/json_value.h"
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPETITIONS_MAX = 100, OPS_MAX = 4096, WEIGHT_BYTES = 64, DEPTH_CHUNK = 512 };

typedef struct bench_options {
    met_engine_options engine;
    int64_t prompt;      /* tokens of the prefill test; 0: none */
    int64_t generate;    /* tokens of the decode test; 0: none */
    int64_t depth;       /* tokens in the session before each test */
    int64_t repetitions;
    bool roofline;
    bool json;
} bench_options;

/* One test: prefill of `tokens` in one call, or decode of them one by one. */
typedef struct bench_test {
    char name[32]; /* "pp512", "tg128" */
    bool prefill;
    int32_t tokens;
    double bytes; /* read by one run: weights of every step, keys and values */
    double macs;
    double rates[REPETITIONS_MAX];     /* tokens a second */
    double fractions[REPETITIONS_MAX]; /* of the ceiling around the repetition */
    met_op_time *ops;                  /* [op_count] of the profiled run; NULL without --roofline */
    size_t op_count;
} bench_test;

typedef struct bench {
    const bench_options *options;
    met_engine engine;
    met_session *session;
    int32_t *tokens; /* [depth + longest test] */
    met_ceilings ceilings[REPETITIONS_MAX + 1];
    bench_test tests[2];
    size_t test_count;
    size_t repetitions; /* that are whole: an interrupt leaves the others out */
    bool interrupted;
    met_progress *progress;
    uint64_t runs_done; /* of tests and ceilings, warm-up included */
} bench;

/* ---------------------------------------------------------------- running */

static void count_run(bench *b)
{
    met_progress_at(b->progress, ++b->runs_done, NULL);
}

static met_status run_test(bench *b, const bench_test *test, double *seconds, met_error *err)
{
    int32_t depth = (int32_t)b->options->depth;
    met_status status = met_session_rewind(b->session, depth, err);
    if (status != MET_OK) return status;
    const float *logits = NULL;
    double start = met_clock_seconds();
    if (test->prefill) {
        status = met_session_feed(b->session, b->tokens + depth, test->tokens, &logits, err);
    }
    for (int32_t i = 0; !test->prefill && i < test->tokens && status == MET_OK; i++) {
        if (met_interrupt_requested()) break; /* the repetition does not count */
        status = met_session_feed(b->session, b->tokens + depth + i, 1, &logits, err);
    }
    *seconds = met_clock_seconds() - start;
    count_run(b);
    return status;
}

/* The warm-up: it also counts what a run moves and computes. */
static met_status count_test(bench *b, bench_test *test, met_error *err)
{
    double seconds = 0;
    met_status status = met_session_profile(b->session, true, err);
    if (status == MET_OK) status = run_test(b, test, &seconds, err);
    if (status != MET_OK) return status;
    test->ops = calloc(OPS_MAX, sizeof *test->ops);
    if (test->ops == NULL) return met_failure_memory(err);
    test->op_count = met_session_op_times(b->session, test->ops, OPS_MAX);
    if (test->op_count > OPS_MAX) test->op_count = OPS_MAX;
    for (size_t i = 0; i < test->op_count; i++) {
        test->bytes += (double)test->ops[i].bytes;
        test->macs += (double)test->ops[i].macs;
    }
    return met_session_profile(b->session, false, err);
}

static double fraction_of(const bench_test *test, double seconds, const met_ceilings *before,
                          const met_ceilings *after)
{
    if (test->prefill) {
        double most = (before->macs_per_second + after->macs_per_second) / 2;
        return most > 0 ? test->macs / seconds / most : 0;
    }
    double most = (before->read_bytes_per_second + after->read_bytes_per_second) / 2;
    return test->bytes / seconds / most;
}

static met_status measure_ceilings(bench *b, met_str weight_type, int64_t index, met_error *err)
{
    met_status status =
        met_context_measure(b->engine.context, weight_type, &b->ceilings[index], err);
    count_run(b);
    return status;
}

/* The tokens that lie before every test. */
static met_status fill_depth(bench *b, met_error *err)
{
    int32_t depth = (int32_t)b->options->depth;
    met_status status = MET_OK;
    for (int32_t at = 0; at < depth && status == MET_OK; at += DEPTH_CHUNK) {
        int32_t count = depth - at < DEPTH_CHUNK ? depth - at : DEPTH_CHUNK;
        if (met_interrupt_requested()) break;
        status = met_session_feed(b->session, b->tokens + at, count, NULL, err);
    }
    return status;
}

/* All tests once, and the ceilings behind them. */
static met_status repeat(bench *b, met_str weight_type, size_t r, met_error *err)
{
    met_status status = MET_OK;
    double seconds[2] = {0};
    for (size_t t = 0; t < b->test_count && status == MET_OK && !met_interrupt_requested(); t++) {
        status = run_test(b, &b->tests[t], &seconds[t], err);
    }
    if (status == MET_OK && !met_interrupt_requested()) {
        status = measure_ceilings(b, weight_type, (int64_t)r + 1, err);
    }
    if (status != MET_OK || met_interrupt_requested()) return status;
    for (size_t t = 0; t < b->test_count; t++) {
        bench_test *test = &b->tests[t];
        test->rates[r] = test->tokens / seconds[t];
        test->fractions[r] = fraction_of(test, seconds[t], &b->ceilings[r], &b->ceilings[r + 1]);
    }
    b->repetitions++;
    return MET_OK;
}

static met_status measure(bench *b, met_str weight_type, met_error *err)
{
    size_t wanted = (size_t)b->options->repetitions;
    met_progress_begin(b->progress, "measuring", "runs", (b->test_count + 1) * (wanted + 1));
    met_status status = fill_depth(b, err);
    for (size_t t = 0; t < b->test_count && status == MET_OK && !met_interrupt_requested(); t++) {
        status = count_test(b, &b->tests[t], err);
    }
    if (status == MET_OK && !met_interrupt_requested()) {
        status = measure_ceilings(b, weight_type, 0, err);
    }
    for (size_t r = 0; r < wanted && status == MET_OK && !met_interrupt_requested(); r++) {
        status = repeat(b, weight_type, r, err);
    }
    if (status == MET_OK && b->repetitions == 0) {
        return met_failure_set(err, MET_E_IO, "bench: interrupted before the first repetition was "
                                              "whole");
    }
    return status;
}

/* ---------------------------------------------------------------- reporting */

typedef struct spread {
    double median, least, most;
} spread;

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static spread spread_of(const double *values, size_t count)
{
    double sorted[REPETITIONS_MAX + 1];
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare_doubles);
    double middle = count % 2 == 1 ? sorted[count / 2]
                                   : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
    return (spread){middle, sorted[0], sorted[count - 1]};
}

static void ceiling_spreads(const bench *b, spread *read, spread *macs)
{
    size_t count = b->repetitions + 1;
    double values[REPETITIONS_MAX + 1];
    for (size_t i = 0; i < count; i++) values[i] = b->ceilings[i].read_bytes_per_second * 1e-9;
    *read = spread_of(values, count);
    for (size_t i = 0; i < count; i++) values[i] = b->ceilings[i].macs_per_second * 1e-9;
    *macs = spread_of(values, count);
}

/* "blk.3.ffn_up.weight" and "blk.7.ffn_up.weight" are one line of the roofline. */
static void name_without_layer(met_str name, char text[WEIGHT_BYTES])
{
    size_t skip = 0;
    if (name.bytes > 4 && memcmp(name.data, "blk.", 4) == 0) {
        const char *dot = memchr(name.data + 4, '.', name.bytes - 4);
        if (dot != NULL) skip = (size_t)(dot + 1 - name.data);
    }
    (void)snprintf(text, WEIGHT_BYTES, "%.*s", (int)(name.bytes - skip), name.data + skip);
}

/* Add up the ops of all layers that do the same work, in the order of their first appearance. */
static size_t merge_layers(const bench_test *test, met_op_time *merged, int *layers)
{
    size_t count = 0;
    for (size_t i = 0; i < test->op_count; i++) {
        const met_op_time *op = &test->ops[i];
        char name[WEIGHT_BYTES], other[WEIGHT_BYTES];
        size_t at = 0;
        name_without_layer(op->weight, name);
        for (; at < count; at++) {
            name_without_layer(merged[at].weight, other);
            if (strcmp(merged[at].work, op->work) == 0 && strcmp(name, other) == 0) break;
        }
        if (at == count) {
            merged[count] = *op;
            layers[count++] = 1;
            continue;
        }
        merged[at].calls += op->calls;
        merged[at].bytes += op->bytes;
        merged[at].macs += op->macs;
        merged[at].seconds += op->seconds;
        merged[at].wait_seconds += op->wait_seconds;
        layers[at]++;
    }
    return count;
}

static met_status write_roofline(const bench *b, const bench_test *test, met_output *output,
                                 met_error *err)
{
    spread read, macs;
    met_op_time *merged = calloc(OPS_MAX, sizeof *merged);
    int *layers = calloc(OPS_MAX, sizeof *layers);
    if (merged == NULL || layers == NULL) {
        free(merged);
        free(layers);
        return met_failure_memory(err);
    }
    size_t count = merge_layers(test, merged, layers);
    ceiling_spreads(b, &read, &macs);
    met_output_printf(output, "\n%s by operation, all layers together (one profiled run)\n",
                      test->name);
    met_output_printf(output, "%-28s %-24s %4s %10s %10s %8s %9s %8s\n", "work", "weight", "ops",
                      "time ms", "wait ms", "GB/s", "GMAC/s", "ceiling");
    for (size_t i = 0; i < count; i++) {
        char name[WEIGHT_BYTES];
        const met_op_time *op = &merged[i];
        double seconds = op->seconds + op->wait_seconds;
        double gbs = seconds > 0 ? (double)op->bytes / seconds * 1e-9 : 0;
        double gops = seconds > 0 ? (double)op->macs / seconds * 1e-9 : 0;
        double part = test->prefill ? (macs.median > 0 ? gops / macs.median : 0)
                                    : gbs / read.median;
        name_without_layer(op->weight, name);
        met_output_printf(output, "%-28s %-24s %4d %10.3f %10.3f %8.1f %9.1f %7.1f%%\n", op->work,
                          name, layers[i], op->seconds * 1e3, op->wait_seconds * 1e3, gbs, gops,
                          part * 100);
    }
    free(merged);
    free(layers);
    return MET_OK;
}

static met_status write_text(const bench *b, met_output *output, met_error *err)
{
    met_model_info model = met_model_describe(b->engine.model);
    met_context_info context = met_context_describe(b->engine.context);
    size_t runs = b->repetitions;
    spread read, macs;

    ceiling_spreads(b, &read, &macs);
    met_output_escaped(output, model.name);
    met_output_printf(output, " %.*s, %.3f GB of weights; %s %s, %d %s, matmul %s\n",
                      (int)model.weight_type.bytes, model.weight_type.data,
                      (double)model.weight_bytes * 1e-9, context.backend, context.isa,
                      context.threads, context.threads == 1 ? "thread" : "threads", context.matmul);
    met_output_printf(output, "%-14s %10s %21s %12s %12s\n", "test", "tok/s", "least .. most",
                      "moved", "of ceiling");
    for (size_t t = 0; t < b->test_count; t++) {
        const bench_test *test = &b->tests[t];
        spread rate = spread_of(test->rates, runs);
        spread part = spread_of(test->fractions, runs);
        double per_token = (test->prefill ? test->macs : test->bytes) / test->tokens;
        met_output_printf(output, "%-14s %10.2f %10.2f %10.2f %8.1f %s %8.1f%%\n", test->name,
                          rate.median, rate.least, rate.most, rate.median * per_token * 1e-9,
                          test->prefill ? "GMAC/s" : "GB/s  ", part.median * 100);
    }
    met_output_printf(output, "%-14s %.1f GB/s read (%.1f .. %.1f), %.0f GMAC/s multiply "
                              "(%.0f .. %.0f)\n", "ceilings", read.median, read.least, read.most,
                      macs.median, macs.least, macs.most);
    met_status status = MET_OK;
    for (size_t t = 0; b->options->roofline && t < b->test_count && status == MET_OK; t++) {
        status = write_roofline(b, &b->tests[t], output, err);
    }
    return status;
}

static json_t *ops_document(const bench_test *test)
{
    json_t *list = json_array();
    for (size_t i = 0; i < test->op_count; i++) {
        const met_op_time *op = &test->ops[i];
        json_array_append_new(
            list, json_pack("{s:s, s:o, s:i, s:I, s:I, s:I, s:o, s:o}", "work", op->work, "weight",
                            met_json_text(op->weight.data, op->weight.bytes), "layer",
                            (int)op->layer, "calls", (json_int_t)op->calls, "bytes",
                            (json_int_t)op->bytes, "macs", (json_int_t)op->macs, "seconds",
                            met_json_real(op->seconds), "wait_seconds",
                            met_json_real(op->wait_seconds)));
    }
    return list;
}

static json_t *test_document(const bench *b, const bench_test *test)
{
    size_t runs = b->repetitions;
    spread rate = spread_of(test->rates, runs);
    double per_token = (test->prefill ? test->macs : test->bytes) / test->tokens;
    json_t *document = json_pack(
        "{s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "name", test->name, "tokens",
        (json_int_t)test->tokens, "depth", (json_int_t)b->options->depth, "tok_s_median",
        met_json_real(rate.median), "tok_s_min", met_json_real(rate.least), "tok_s_max",
        met_json_real(rate.most), test->prefill ? "gmac_s" : "gb_s",
        met_json_real(rate.median * per_token * 1e-9), "ceiling_fraction",
        met_json_real(spread_of(test->fractions, runs).median));
    if (b->options->roofline) json_object_set_new(document, "ops", ops_document(test));
    return document;
}

static void write_json(const bench *b, met_output *output)
{
    met_model_info model = met_model_describe(b->engine.model);
    met_context_info context = met_context_describe(b->engine.context);
    json_t *tests = json_array();
    spread read, macs;

    ceiling_spreads(b, &read, &macs);
    for (size_t t = 0; t < b->test_count; t++) {
        json_array_append_new(tests, test_document(b, &b->tests[t]));
    }
    json_t *facts = json_pack(
        "{s:o, s:o, s:o, s:I, s:I, s:I}", "path",
        met_json_text(b->engine.model_name, strlen(b->engine.model_name)), "name",
        met_json_text(model.name.data, model.name.bytes), "weight_type",
        met_json_text(model.weight_type.data, model.weight_type.bytes), "parameters",
        (json_int_t)model.parameters, "weight_bytes", (json_int_t)model.weight_bytes, "layers",
        (json_int_t)model.layers);
    met_output_json(output,
                    json_pack("{s:s, s:o, s:s, s:i, s:s, s:s, s:I, s:b, s:o, s:o, s:o}", "schema",
                              "metallic.bench/1", "model", facts, "backend", context.backend,
                              "threads", (int)context.threads, "isa", context.isa, "matmul",
                              context.matmul, "repetitions", (json_int_t)b->repetitions,
                              "interrupted", (int)b->interrupted, "read_ceiling_gbs",
                              met_json_real(read.median), "mac_ceiling_gops",
                              met_json_real(macs.median), "tests", tests),
                    MET_JSON_DOUBLE_DIGITS);
}

/* ---------------------------------------------------------------- set-up */

static void add_test(bench *b, bool prefill, int64_t tokens)
{
    if (tokens == 0) return;
    bench_test *test = &b->tests[b->test_count++];
    *test = (bench_test){.prefill = prefill, .tokens = (int32_t)tokens};
    int used = snprintf(test->name, sizeof test->name, "%s%lld", prefill ? "pp" : "tg",
                        (long long)tokens);
    if (b->options->depth > 0 && used > 0) {
        (void)snprintf(test->name + used, sizeof test->name - (size_t)used, "@%lld",
                       (long long)b->options->depth);
    }
}

/* Any ids do: the time does not depend on them. A fixed sequence, spread over the vocabulary. */
static met_status make_tokens(bench *b, int32_t vocab, met_error *err)
{
    int64_t longest = b->options->prompt > b->options->generate ? b->options->prompt
                                                                : b->options->generate;
    size_t count = (size_t)(b->options->depth + longest);
    b->tokens = malloc(count * sizeof *b->tokens);
    if (b->tokens == NULL) return met_failure_memory(err);
    for (size_t i = 0; i < count; i++) {
        b->tokens[i] = (int32_t)((i * 7919 + 13) % (size_t)vocab);
    }
    return MET_OK;
}

static met_status prepare(bench *b, met_invocation *invocation, met_error *err)
{
    const bench_options *options = b->options;
    met_status status = met_engine_open(&options->engine, invocation, &b->engine, err);
    if (status != MET_OK) return status;
    add_test(b, true, options->prompt);
    add_test(b, false, options->generate);
    status = met_engine_create_session(&b->engine, &options->engine, invocation->environment, 0,
                                       &b->session, err);
    if (status != MET_OK) return status;
    bool prompt = options->prompt > options->generate;
    int64_t wanted = options->depth + (prompt ? options->prompt : options->generate);
    int32_t room = met_session_context_length(b->session);
    if (wanted > room) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--%s: found %lld tokens with those of --depth, expected at most "
                               "%d, the model's context",
                               prompt ? "prompt-tokens" : "generate-tokens", (long long)wanted,
                               room);
    }
    return make_tokens(b, met_model_describe(b->engine.model).vocab, err);
}

static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    bench *b = calloc(1, sizeof *b);
    if (b == NULL) return met_failure_memory(err);
    b->options = any_options;
    met_interrupt_watch();
    b->progress = met_progress_create(invocation);
    met_progress_begin(b->progress, "opening the model", "", 0);
    met_status status = prepare(b, invocation, err);
    if (status == MET_OK && b->test_count == 0) {
        status = met_failure_set(err, MET_E_ARGUMENT,
                                 "--prompt-tokens, --generate-tokens: both are 0, expected one "
                                 "to be more");
    }
    if (status == MET_OK) {
        status = measure(b, met_model_describe(b->engine.model).weight_type, err);
    }
    met_progress_free(b->progress);
    b->interrupted = met_interrupt_requested();
    invocation->interrupted = b->interrupted;
    if (status == MET_OK && b->repetitions < (size_t)b->options->repetitions) {
        met_logger_say(invocation->logger, MET_LOG_WARN, "interrupted after %zu of %d repetitions",
                       b->repetitions, (int)b->options->repetitions);
    }
    if (status == MET_OK && b->options->json) write_json(b, invocation->output);
    else if (status == MET_OK) status = write_text(b, invocation->output, err);
    for (size_t t = 0; t < b->test_count; t++) free(b->tests[t].ops);
    met_session_free(b->session);
    free(b->tokens);
    met_engine_close(&b->engine);
    free(b);
    return status;
}

static met_json_failure json_failure(const void *options)
{
    const bench_options *flags = options;
    return (met_json_failure){flags->json ? "metallic.bench/1" : NULL, false};
}

static const met_option flags[] = {
    {.name = "prompt-tokens",
     .letter = 'p',
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(bench_options, prompt),
     .value_name = "N",
     .fallback = "512",
     .least = 0,
     .most = 1 << 20,
     .help = "prefill this many tokens; 0: no such test"},
    {.name = "generate-tokens",
     .letter = 'n',
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(bench_options, generate),
     .value_name = "N",
     .fallback = "128",
     .least = 0,
     .most = 1 << 20,
     .help = "decode this many tokens; 0: no such test"},
    {.name = "depth",
     .letter = 'd',
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(bench_options, depth),
     .value_name = "N",
     .fallback = "0",
     .least = 0,
     .most = 1 << 20,
     .help = "tokens that are in the context before each test"},
    {.name = "repetitions",
     .letter = 'r',
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(bench_options, repetitions),
     .value_name = "N",
     .fallback = "5",
     .least = 1,
     .most = REPETITIONS_MAX,
     .help = "runs of each test, in turn with the ceilings"},
    {.name = "roofline",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(bench_options, roofline),
     .help = "also show time, bytes and waiting of every operation"},
    {.name = "json",
     .kind = MET_OPTION_SWITCH,
     .offset = offsetof(bench_options, json),
     .help = "print a JSON document"},
};

static const met_option_group groups[] = {
    {flags, sizeof flags / sizeof flags[0], 0},
    {met_engine_flags, MET_ENGINE_FLAGS_SESSION, offsetof(bench_options, engine)},
};

const met_command met_command_bench = {
    .name = "bench",
    .summary = "Measure speed beside what this machine can do at most.",
    .synopsis = "bench [-m FILE] [-p N] [-n N] [-d N] [-r N] [--json]",
    .notes = "The ceilings are a streaming read over 1 GiB and the peak of the multiply "
             "instruction in use, with the same threads, measured before and after each "
             "repetition; a model that fits the caches, as the bundled one, may be read faster. "
             "Ctrl-C reports the repetitions that are whole. Use synth to make a model of any "
             "Qwen2.5 shape.",
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(bench_options),
    .run = run,
    .json_failure = json_failure,
};
