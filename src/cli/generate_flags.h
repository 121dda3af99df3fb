/* The flags of the default command. */
#ifndef MET_CLI_GENERATE_FLAGS_H
#define MET_CLI_GENERATE_FLAGS_H

#include "cli/engine.h"
#include "cli/option.h"

/* Sampling numbers are kept as typed, so that a report says 0.8 and not 0.800000012. */
typedef struct met_generate_flags {
    met_engine_options engine;
    const char *prompt;
    const char *prompt_file;
    const char *messages;
    const char *tools;
    const char *system;
    bool raw;
    int64_t max_tokens;
    met_texts stop;
    double temperature;
    int64_t top_k;
    double top_p;
    double min_p;
    double repeat_penalty;
    double presence_penalty;
    double frequency_penalty;
    int64_t repeat_last_n;
    int64_t seed; /* -1: not given */
    bool ignore_end;
    const char *output_format; /* NULL: not given */
    int64_t logprobs;          /* -1: none */
    int64_t speculate;         /* 0: off */
} met_generate_flags;

enum { MET_GENERATE_FLAG_COUNT = 21 };
extern const met_option met_generate_flag_table[MET_GENERATE_FLAG_COUNT];

/* The library's options as the flags have them, without callbacks. Texts are borrowed. */
met_generate_options met_generate_flags_options(const met_generate_flags *flags, uint64_t seed);

/* A new seed, which any JSON reader holds exactly. */
uint64_t met_generate_random_seed(void);

#endif
