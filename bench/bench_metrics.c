/* What recording costs a decoded token.
 *
 *   bench_metrics [OPTION...] [MODEL.gguf]     --help has them
 *
 * The same tokens are decoded by a context without a recorder and by one that has it, at each level
 * and with files, in an order that is drawn for each round: a case feels what the one before it left
 * in the caches. Every round has new contexts, opened in changing order: where their memory lies
 * makes one faster than the other by a percent. With files, what is written is within the time,
 * opening and closing them is not. Reported is the median of each case's
 * ratios to its own round's run without a recorder, and the interval in which the true median lies
 * with 95% certainty (by order statistics). One thread is timed by its own CPU clock, which stands
 * still while something else has the core; several by the wall clock. No part goes on after 60
 * seconds, once it has 3 rounds. Without MODEL it is the bundled one. */
#include "metallic.h"

#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_LEAST = 3, ROUNDS_MAX = 2001, PROMPT = 32, TOKENS_MAX = 256, SECONDS_MAX = 60 };

typedef struct bench_case {
    const char *name;
    bool recorder;
    met_record_level level;
    bool jsonl, trace;
} bench_case;

static const bench_case cases[] = {
    {"none", false, MET_RECORD_OFF, false, false},
    {"off", true, MET_RECORD_OFF, false, false},
    {"token", true, MET_RECORD_TOKEN, false, false},
    {"layer", true, MET_RECORD_LAYER, false, false},
    {"op", true, MET_RECORD_OP, false, false},
    {"token, jsonl", true, MET_RECORD_TOKEN, true, false},
    {"op, jsonl", true, MET_RECORD_OP, true, false},
    {"op, trace", true, MET_RECORD_OP, false, true},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* A context without a recorder, and one with it. */
typedef struct bench_side {
    met_context *context;
    met_model *model;
    met_session *session;
} bench_side;

typedef struct bench {
    met_context_options options;
    const char *path;
    bench_side sides[2];
    met_recorder *recorder;
    clockid_t clock;
    bool json;
    const char *filter; /* part of a case's name; NULL: all */
    int32_t rounds, tokens;
    double seconds[CASES][ROUNDS_MAX];
    double ratios[ROUNDS_MAX];
} bench;

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static met_status open_side(const bench *b, bench_side *side, met_recorder *recorder,
                            met_error *err)
{
    met_context_options options = b->options;
    met_session_options session = {.context_length = PROMPT + TOKENS_MAX};
    options.recorder = recorder;
    met_status status = met_context_create(&options, &side->context, err);
    if (status == MET_OK) status = met_model_open(side->context, b->path, &side->model, err);
    if (status == MET_OK) status = met_session_create(side->model, &session, &side->session, err);
    return status;
}

static void close_side(bench_side *side)
{
    met_session_free(side->session);
    met_model_free(side->model);
    met_context_free(side->context);
    *side = (bench_side){NULL, NULL, NULL};
}

static met_status open_files(const bench *b, const bench_case *what, met_error *err)
{
    met_status status = MET_OK;
    char path[64];
    (void)snprintf(path, sizeof path, "/tmp/bench-metrics-%d", (int)getpid());
    if (what->jsonl) status = met_recorder_export_jsonl(b->recorder, path, err);
    if (what->trace && status == MET_OK) status = met_recorder_export_trace(b->recorder, path, err);
    (void)unlink(path); /* it is written and gone */
    return status;
}

/* The same tokens each time: the session holds the prompt, all but its last token. */
static met_status generate(const bench *b, const bench_side *side, met_error *err)
{
    int32_t prompt[PROMPT];
    met_generate_options options = met_generate_options_default();
    options.max_tokens = b->tokens;
    options.ignore_end = true;
    for (int32_t i = 0; i < PROMPT; i++)
        prompt[i] = 10 + i;
    return met_generate(side->session, prompt, PROMPT, &options, NULL, err);
}

static met_status run_once(bench *b, const bench_case *what, double *seconds, met_error *err)
{
    met_recorder_set_level(b->recorder, what->level);
    met_status status = open_files(b, what, err);
    if (status != MET_OK) return status;
    double start = seconds_of(b->clock);
    status = generate(b, &b->sides[what->recorder], err);
    *seconds = seconds_of(b->clock) - start;
    met_status closed = met_recorder_close_exports(b->recorder, status == MET_OK ? err : NULL);
    return status != MET_OK ? status : closed;
}

/* Both anew, and all of their memory touched. */
static met_status open_sides(bench *b, int32_t round, met_error *err)
{
    met_status status = MET_OK;
    for (int i = 0; i < 2; i++)
        close_side(&b->sides[i]);
    met_recorder_set_level(b->recorder, MET_RECORD_OFF);
    for (int i = 0; i < 2 && status == MET_OK; i++) {
        int at = (i + round + 2) % 2; /* the second one has the recorder */
        status = open_side(b, &b->sides[at], at == 1 ? b->recorder : NULL, err);
        if (status == MET_OK) status = generate(b, &b->sides[at], err);
    }
    return status;
}

static bool wanted(const bench *b, size_t index)
{
    return index == 0 || b->filter == NULL || strstr(cases[index].name, b->filter) != NULL;
}

/* A permutation of the cases (Fisher-Yates on xorshift64); the same in every run. */
static void draw_order(size_t order[CASES], uint64_t *state)
{
    for (size_t i = 0; i < CASES; i++)
        order[i] = i;
    for (size_t i = CASES - 1; i > 0; i--) {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        size_t j = (size_t)(*state >> 33) % (i + 1), moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
}

static met_status run_rounds(bench *b, int32_t *rounds, met_error *err)
{
    double begin = seconds_of(CLOCK_MONOTONIC), unused = 0;
    met_status status = MET_OK;
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (int32_t round = -1; round < b->rounds && status == MET_OK; round++) {
        bool enough = seconds_of(CLOCK_MONOTONIC) - begin > SECONDS_MAX;
        if (enough && round >= ROUNDS_LEAST) break;
        size_t order[CASES];
        draw_order(order, &state);
        status = open_sides(b, round, err);
        for (size_t i = 0; i < CASES && status == MET_OK; i++) {
            size_t at = order[i];
            if (!wanted(b, at)) continue;
            /* The first round warms up. */
            status = run_once(b, &cases[at], round < 0 ? &unused : &b->seconds[at][round], err);
        }
        *rounds = round + 1;
    }
    return status;
}

static void print_case(bench *b, size_t index, int32_t rounds)
{
    double best = b->seconds[index][0], best_none = b->seconds[0][0];
    for (int32_t r = 0; r < rounds; r++) {
        b->ratios[r] = b->seconds[index][r] / b->seconds[0][r];
        best = fmin(best, b->seconds[index][r]);
        best_none = fmin(best_none, b->seconds[0][r]);
    }
    qsort(b->ratios, (size_t)rounds, sizeof *b->ratios, compare_doubles);
    /* A rank is normal about n / 2 with a deviation of sqrt(n) / 2. */
    int32_t reach = (int32_t)ceil(0.98 * sqrt((double)rounds));
    int32_t low = rounds / 2 - reach, high = rounds / 2 + reach;
    double least = b->ratios[low < 0 ? 0 : low];
    double most = b->ratios[high >= rounds ? rounds - 1 : high];
    double median = b->ratios[rounds / 2], token = best / b->tokens * 1e6;
    if (b->json) {
        printf("{\"schema\":\"metallic.bench.metrics/1\",\"case\":\"%s\",\"rounds\":%d,"
               "\"tokens\":%d,\"token_us_best\":%.3f,\"ratio_median\":%.5f,\"ratio_low\":%.5f,"
               "\"ratio_high\":%.5f,\"ratio_best\":%.5f}\n",
               cases[index].name, rounds, b->tokens, token, median, least, most, best / best_none);
    } else {
        printf("%-14s %9.1f us a token at best; median %+6.2f%% (%+.2f to %+.2f), best %+6.2f%%\n",
               cases[index].name, token, 1e2 * (median - 1), 1e2 * (least - 1), 1e2 * (most - 1),
               1e2 * (best / best_none - 1));
    }
}

static void usage(FILE *to)
{
    fputs("bench_metrics [--json] [--quick] [--rounds N] [--tokens N] [--threads N] [--level NAME]\n"
          "              [--filter TEXT] [MODEL.gguf]\n",
          to);
}

/* Options as the other benches have them. Ends the program for a wrong one and for --help. */
static void read_options(bench *b, int argc, char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},          {"quick", no_argument, NULL, 'q'},
        {"best", no_argument, NULL, 'b'},          {"rounds", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'}, {"level", required_argument, NULL, 'l'},
        {"filter", required_argument, NULL, 'f'},  {"tokens", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    for (int option = 0; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'j': b->json = true; break;
        case 'q': b->rounds = ROUNDS_LEAST; break;
        case 'b': break; /* both are printed */
        case 'r': b->rounds = (int32_t)strtol(optarg, NULL, 10); break;
        case 't': b->options.threads = (int32_t)strtol(optarg, NULL, 10); break;
        case 'l': b->options.isa = optarg; break;
        case 'f': b->filter = optarg; break;
        case 'n': b->tokens = (int32_t)strtol(optarg, NULL, 10); break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    if (optind < argc) b->path = argv[optind];
    if (b->rounds < ROUNDS_LEAST || b->rounds > ROUNDS_MAX || b->tokens < 1 ||
        b->tokens > TOKENS_MAX) {
        fprintf(stderr, "bench_metrics: expected %d to %d rounds, 1 to %d tokens\n", ROUNDS_LEAST,
                ROUNDS_MAX, TOKENS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static bench b = {.rounds = ROUNDS_MAX, .tokens = 32};
    met_error err = {.text = ""};
    int32_t rounds = 0;
    b.options = met_context_options_default();
    b.options.threads = 1;
    b.path = BENCH_SOURCE "/models/bundled-q8_0.gguf";
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(&b, argc, argv);
    b.clock = b.options.threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    met_status status = met_recorder_create(NULL, &b.recorder, &err);
    if (status == MET_OK) status = run_rounds(&b, &rounds, &err);
    if (status == MET_OK && !b.json) printf("%d rounds of %d tokens\n", rounds, b.tokens);
    for (size_t i = 0; i < CASES && status == MET_OK; i++) {
        if (wanted(&b, i)) print_case(&b, i, rounds);
    }
    if (status != MET_OK) fprintf(stderr, "bench_metrics: %s\n", err.text);
    close_side(&b.sides[1]);
    close_side(&b.sides[0]);
    met_recorder_free(b.recorder);
    return status == MET_OK ? 0 : 1;
}
