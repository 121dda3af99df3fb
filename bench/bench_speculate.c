/* What prompt lookup speculation gains, and what it could gain.
 *
 *   bench_speculate [OPTION...] [--guesses N] [MODEL.gguf]     --help has them
 *
 * First the price: one step of 1 to 17 tokens with logits for all, at a depth of 256 tokens, in
 * rounds over all lengths; median and fastest. Then two texts, generated with and without
 * speculation in turns; medians of tokens a second and of the pairs' ratios:
 *   copy    greedy, the end ignored: the model goes on repeating what its prompt repeats;
 *   prose   drawn at temperature 1 with a frequency penalty over the whole text: nothing is
 *           repeated for long, as in an answer that says something new.
 * The tokens of both must be the same, else it fails. A large model gets fewer rounds: no part goes
 * on after 20 seconds, once it has three. Without MODEL it is the bundled one. */
#include "metallic.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUNDS_LEAST = 3,
    ROUNDS_MAX = 101,
    STEP_TOKENS_MAX = 17,
    DEPTH = 256,
    TOKENS = 128,
    PROMPT_MAX = 256,
};

typedef struct bench {
    met_context *context;
    met_model *model;
    met_session *session;
    bool json;
    const char *filter; /* part of a case's name; NULL: all */
    int32_t rounds;
    int32_t guesses;
} bench;

typedef struct bench_text {
    const char *name;
    const char *prompt;
    met_sampling sampling;
} bench_text;

/* One run: how fast, and what came out. */
typedef struct bench_run {
    double tokens_per_second;
    met_generate_result result;
    int32_t tokens[TOKENS];
    int32_t count;
} bench_run;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 2];
}

static bool wanted(const bench *b, const char *name)
{
    return b->filter == NULL || strstr(name, b->filter) != NULL;
}

/* Whether a part that began at `start` and has `done` rounds of `most` goes on. */
static bool goes_on(double start, int32_t done, int32_t most)
{
    return done < most && (done < ROUNDS_LEAST || seconds_now() - start < 20);
}

/* ---------------------------------------------------------------- the price of a step */

static met_status time_steps(bench *b, met_error *err)
{
    static double seconds[STEP_TOKENS_MAX + 1][ROUNDS_MAX];
    int32_t tokens[DEPTH];
    int32_t vocab = met_model_describe(b->model).vocab;
    const float *logits = NULL;
    for (int32_t i = 0; i < DEPTH; i++)
        tokens[i] = i * 7 % vocab;
    met_status status = met_session_set(b->session, tokens, DEPTH, NULL, NULL, err);
    int32_t rounds = -1; /* the first warms up */
    for (double begin = seconds_now(); status == MET_OK && goes_on(begin, rounds, b->rounds);
         rounds++) {
        for (int32_t n = 1; status == MET_OK && n <= STEP_TOKENS_MAX; n++) {
            status = met_session_rewind(b->session, DEPTH, err);
            if (status != MET_OK) break;
            double start = seconds_now();
            status = met_session_feed_all(b->session, tokens, n, &logits, err);
            if (rounds >= 0) seconds[n][rounds] = seconds_now() - start;
        }
    }
    if (status != MET_OK) return status;
    double one = 0, one_best = 0;
    for (int32_t n = 1; n <= STEP_TOKENS_MAX; n++) {
        double middle = median(seconds[n], (size_t)rounds), best = seconds[n][0];
        if (n == 1) one = middle, one_best = best;
        if (b->json) {
            printf("{\"schema\":\"metallic.bench.speculate/1\",\"case\":\"step\",\"tokens\":%d,"
                   "\"median_ms\":%.4f,\"best_ms\":%.4f,\"median_ratio\":%.3f,"
                   "\"best_ratio\":%.3f}\n",
                   n, middle * 1e3, best * 1e3, middle / one, best / one_best);
        } else {
            printf("step of %2d: median %8.3f ms, %5.2f of one token; best %8.3f ms, %5.2f\n", n,
                   middle * 1e3, middle / one, best * 1e3, best / one_best);
        }
    }
    return MET_OK;
}

/* ---------------------------------------------------------------- texts */

static bool keep_token(void *user, const met_token_event *event)
{
    bench_run *run = user;
    if (event->token >= 0 && run->count < TOKENS) run->tokens[run->count++] = event->token;
    return true;
}

static met_status run_once(bench *b, const bench_text *text, int32_t speculate, bench_run *run,
                           met_error *err)
{
    int32_t prompt[PROMPT_MAX];
    size_t count = 0;
    met_str source = {text->prompt, strlen(text->prompt)};
    met_generate_options options = met_generate_options_default();
    options.sampling = text->sampling;
    options.max_tokens = TOKENS;
    options.ignore_end = true;
    options.speculate = speculate;
    options.on_token = keep_token;
    options.user = run;
    memset(run, 0, sizeof *run);
    met_status status =
        met_model_tokenize(b->model, source, NULL, 0, prompt, PROMPT_MAX, &count, err);
    if (status == MET_OK) status = met_session_rewind(b->session, 0, err);
    if (status == MET_OK) {
        status = met_generate(b->session, prompt, (int32_t)count, &options, &run->result, err);
    }
    if (status != MET_OK) return status;
    run->tokens_per_second = (run->result.generated_tokens - 1) / run->result.decode_seconds;
    return MET_OK;
}

static void print_text(const bench *b, const bench_text *text, const bench_run *run,
                       const double *rates, double speedup)
{
    int32_t proposed = run->result.proposed_tokens, accepted = run->result.accepted_tokens;
    double acceptance = proposed > 0 ? (double)accepted / proposed : 0;
    if (b->json) {
        printf("{\"schema\":\"metallic.bench.speculate/1\",\"case\":\"%s\",\"guesses\":%d,"
               "\"generated_tokens\":%d,\"proposed_tokens\":%d,\"accepted_tokens\":%d,"
               "\"acceptance\":%.4f,\"plain_tok_s\":%.3f,\"speculate_tok_s\":%.3f,"
               "\"speedup\":%.3f}\n",
               text->name, b->guesses, run->result.generated_tokens, proposed, accepted, acceptance,
               rates[0], rates[1], speedup);
    } else {
        printf("%-5s %d tokens: %d of %d guesses accepted (%.0f%%); %.1f tok/s without, %.1f with "
               "--speculate %d: %.2f times\n",
               text->name, run->result.generated_tokens, accepted, proposed, acceptance * 100,
               rates[0], rates[1], b->guesses, speedup);
    }
}

static met_status time_text(bench *b, const bench_text *text, bool *same, met_error *err)
{
    static bench_run runs[2];
    double rates[2][ROUNDS_MAX], ratios[ROUNDS_MAX], medians[2];
    int32_t pair = -1; /* the first warms up */
    for (double begin = seconds_now(); goes_on(begin, pair, b->rounds); pair++) {
        for (int i = 0; i < 2; i++) {
            int with = (i + pair + 1) % 2; /* which one comes first changes */
            met_status status = run_once(b, text, with ? b->guesses : 0, &runs[with], err);
            if (status != MET_OK) return status;
            if (pair >= 0) rates[with][pair] = runs[with].tokens_per_second;
        }
        if (pair >= 0) ratios[pair] = rates[1][pair] / rates[0][pair];
        if (runs[0].count != runs[1].count ||
            memcmp(runs[0].tokens, runs[1].tokens, sizeof runs[0].tokens) != 0) {
            fprintf(stderr, "bench_speculate: %s: found other tokens with speculation\n",
                    text->name);
            *same = false;
            return MET_OK;
        }
    }
    for (int i = 0; i < 2; i++)
        medians[i] = median(rates[i], (size_t)pair);
    print_text(b, text, &runs[1], medians, median(ratios, (size_t)pair));
    return MET_OK;
}

static met_status time_texts(bench *b, bool *same, met_error *err)
{
    bench_text texts[] = {
        {"copy",
         "The session holds tokens. A model file holds metadata and tensors. The session holds "
         "tokens. A model file holds metadata and tensors. The session holds",
         met_sampling_default()},
        {"prose", "A model file holds metadata and tensors.", met_sampling_default()},
    };
    texts[1].sampling.temperature = 1;
    texts[1].sampling.frequency_penalty = 1.5f;
    texts[1].sampling.repeat_last_n = -1;
    met_status status = MET_OK;
    for (size_t i = 0; status == MET_OK && *same && i < sizeof texts / sizeof *texts; i++) {
        if (wanted(b, texts[i].name)) status = time_text(b, &texts[i], same, err);
    }
    return status;
}

static void usage(FILE *to)
{
    fputs("bench_speculate [--json] [--quick] [--rounds N] [--threads N] [--level NAME]\n"
          "                [--filter TEXT] [--guesses N] [MODEL.gguf]\n",
          to);
}

/* Options as the other benches have them. Ends the program for a wrong one and for --help. */
static void read_options(bench *b, met_context_options *context, const char **path, int argc,
                         char **argv)
{
    static const struct option known[] = {
        {"json", no_argument, NULL, 'j'},          {"quick", no_argument, NULL, 'q'},
        {"best", no_argument, NULL, 'b'},          {"rounds", required_argument, NULL, 'r'},
        {"threads", required_argument, NULL, 't'}, {"level", required_argument, NULL, 'l'},
        {"filter", required_argument, NULL, 'f'},  {"guesses", required_argument, NULL, 'g'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    for (int option = 0; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (option) {
        case 'j': b->json = true; break;
        case 'q': b->rounds = 1; break;
        case 'b': break; /* both are printed */
        case 'r': b->rounds = (int32_t)strtol(optarg, NULL, 10); break;
        case 't': context->threads = (int32_t)strtol(optarg, NULL, 10); break;
        case 'l': context->isa = optarg; break;
        case 'f': b->filter = optarg; break;
        case 'g': b->guesses = (int32_t)strtol(optarg, NULL, 10); break;
        case 'h': usage(stdout); exit(0);
        default: usage(stderr); exit(2);
        }
    }
    if (optind < argc) *path = argv[optind];
    if (b->rounds < 1 || b->rounds > ROUNDS_MAX) {
        fprintf(stderr, "bench_speculate: rounds: expected 1 to %d\n", ROUNDS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    bench b = {.guesses = 8, .rounds = 11};
    met_error err = {.text = ""};
    met_context_options options = met_context_options_default();
    met_session_options session_options = {.context_length = PROMPT_MAX + TOKENS};
    const char *path = BENCH_SOURCE "/models/bundled-q8_0.gguf";
    bool same = true;
    setvbuf(stdout, NULL, _IOLBF, 0);
    read_options(&b, &options, &path, argc, argv);
    met_status status = met_context_create(&options, &b.context, &err);
    if (status == MET_OK) status = met_model_open(b.context, path, &b.model, &err);
    if (status == MET_OK) status = met_session_create(b.model, &session_options, &b.session, &err);
    if (status == MET_OK && wanted(&b, "step")) status = time_steps(&b, &err);
    if (status == MET_OK) status = time_texts(&b, &same, &err);
    if (status != MET_OK) fprintf(stderr, "bench_speculate: %s\n", err.text);
    met_session_free(b.session);
    met_model_free(b.model);
    met_context_free(b.context);
    return status == MET_OK && same ? 0 : 1;
}
