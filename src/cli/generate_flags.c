/* Owns: the table of the default command's flags. The invariant: the sampling defaults are those of
 * met_sampling_default(), which a test compares. */
#include "cli/generate_flags.h"

#include "cli/clock.h"

#include <math.h>

#include <sys/random.h>
#include <unistd.h>

#define FIELD(name) offsetof(met_generate_flags, name)

static const char *const formats[] = {"tui", "text", "json", "jsonl", "none", NULL};

const met_option met_generate_flag_table[MET_GENERATE_FLAG_COUNT] = {
    /* what to answer */
    {.name = "prompt",
     .letter = 'p',
     .kind = MET_OPTION_TEXT,
     .offset = FIELD(prompt),
     .value_name = "TEXT",
     .help = "the user's message"},
    {.name = "prompt-file",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(prompt_file),
     .value_name = "FILE",
     .help = "read the prompt from a file; - is standard input"},
    {.name = "messages",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(messages),
     .value_name = "FILE",
     .help =
         "read a whole conversation: a JSON list of {\"role\", \"content\"}; - is standard input"},
    {.name = "tools",
     .kind = MET_OPTION_PATH,
     .offset = FIELD(tools),
     .value_name = "FILE",
     .help = "read the tools that the model may call: a JSON list"},
    {.name = "system",
     .kind = MET_OPTION_TEXT,
     .offset = FIELD(system),
     .value_name = "TEXT",
     .help = "the system message before the prompt"},
    {.name = "raw",
     .kind = MET_OPTION_SWITCH,
     .offset = FIELD(raw),
     .help = "give the prompt to the model as it is, without its chat template"},
    /* when to end */
    {.name = "max-tokens",
     .letter = 'n',
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(max_tokens),
     .value_name = "N",
     .fallback = "0",
     .fallback_help = "0, until the answer ends or the context is full",
     .least = 0,
     .most = INT32_MAX,
     .help = "most tokens to generate"},
    {.name = "stop",
     .kind = MET_OPTION_TEXTS,
     .offset = FIELD(stop),
     .value_name = "TEXT",
     .help = "end before this text; may be given 16 times"},
    {.name = "ignore-end",
     .kind = MET_OPTION_SWITCH,
     .offset = FIELD(ignore_end),
     .help = "go on after the model ended its answer, for benchmarks"},
    /* how to choose tokens */
    {.name = "temperature",
     .kind = MET_OPTION_REAL,
     .offset = FIELD(temperature),
     .value_name = "X",
     .fallback = "0",
     .fallback_help = "0, always the likeliest token",
     .real_least = 0,
     .real_most = INFINITY,
     .help = "randomness"},
    {.name = "top-k",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(top_k),
     .value_name = "K",
     .fallback = "0",
     .fallback_help = "0, all",
     .least = 0,
     .most = INT32_MAX,
     .help = "draw from the K likeliest tokens"},
    {.name = "top-p",
     .kind = MET_OPTION_REAL,
     .offset = FIELD(top_p),
     .value_name = "P",
     .fallback = "1",
     .fallback_help = "1, all",
     .real_least = 0,
     .least_open = true,
     .real_most = 1,
     .help = "draw from the likeliest tokens that hold this much probability"},
    {.name = "min-p",
     .kind = MET_OPTION_REAL,
     .offset = FIELD(min_p),
     .value_name = "P",
     .fallback = "0",
     .fallback_help = "0, all",
     .real_least = 0,
     .real_most = 1,
     .most_open = true,
     .help = "drop tokens less likely than P times the likeliest"},
    {.name = "repeat-penalty",
     .kind = MET_OPTION_REAL,
     .offset = FIELD(repeat_penalty),
     .value_name = "X",
     .fallback = "1",
     .fallback_help = "1, off",
     .real_least = 0,
     .least_open = true,
     .real_most = INFINITY,
     .help = "divide logits of tokens in the window"},
    {.name = "presence-penalty",
     .kind = MET_OPTION_REAL,
     .offset = FIELD(presence_penalty),
     .value_name = "X",
     .fallback = "0",
     .fallback_help = "0, off",
     .real_least = -INFINITY,
     .real_most = INFINITY,
     .help = "lower logits of tokens in the window"},
    {.name = "frequency-penalty",
     .kind = MET_OPTION_REAL,
     .offset = FIELD(frequency_penalty),
     .value_name = "X",
     .fallback = "0",
     .fallback_help = "0, off",
     .real_least = -INFINITY,
     .real_most = INFINITY,
     .help = "the same, for each time a token is in the window"},
    {.name = "repeat-last-n",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(repeat_last_n),
     .value_name = "N",
     .fallback = "64",
     .least = -1,
     .most = INT32_MAX,
     .help = "the window of the penalties, in tokens; 0: off, -1: the whole context"},
    {.name = "seed",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(seed),
     .value_name = "N",
     .fallback = "-1",
     .fallback_help = "a new one each time, which json reports",
     .least = 0,
     .most = INT64_MAX,
     .help = "the same seed gives the same text"},
    /* what to print */
    {.name = "output-format",
     .letter = 'o',
     .kind = MET_OPTION_CHOICE,
     .offset = FIELD(output_format),
     .value_name = "FORMAT",
     .choices = formats,
     .fallback_help = "tui on a terminal, text elsewhere",
     .help = "what standard output gets"},
    {.name = "logprobs",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(logprobs),
     .value_name = "K",
     .fallback = "-1",
     .fallback_help = "none",
     .least = 0,
     .most = 64,
     .help = "report each token's log probability and the K likeliest, in json and jsonl"},
    /* how fast */
    {.name = "speculate",
     .kind = MET_OPTION_INTEGER,
     .offset = FIELD(speculate),
     .value_name = "N",
     .fallback = "0",
     .fallback_help = "0, off",
     .least = 0,
     .most = 16,
     .help = "guess up to N tokens at once from what the text said before; the answer stays the "
             "same, and comes faster where it repeats"},
};

uint64_t met_generate_random_seed(void)
{
    uint64_t seed;
    if (getentropy(&seed, sizeof seed) != 0) {
        seed = (uint64_t)(met_clock_seconds() * 1e9) * 0x9e3779b97f4a7c15u + (uint64_t)getpid();
    }
    return seed >> 11;
}

met_generate_options met_generate_flags_options(const met_generate_flags *flags, uint64_t seed)
{
    met_generate_options options = met_generate_options_default();

    options.sampling = (met_sampling){
        .temperature = (float)flags->temperature,
        .top_k = (int32_t)flags->top_k,
        .top_p = (float)flags->top_p,
        .min_p = (float)flags->min_p,
        .repeat_penalty = (float)flags->repeat_penalty,
        .presence_penalty = (float)flags->presence_penalty,
        .frequency_penalty = (float)flags->frequency_penalty,
        .repeat_last_n = (int32_t)flags->repeat_last_n,
        .seed = seed,
    };
    options.max_tokens = (int32_t)flags->max_tokens;
    options.logprobs = (int32_t)flags->logprobs;
    options.ignore_end = flags->ignore_end;
    options.speculate = (int32_t)flags->speculate;
    options.stop = flags->stop.items;
    options.stop_count = flags->stop.count;
    return options;
}
