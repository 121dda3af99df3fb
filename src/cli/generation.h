/* One run of the default command, as the sinks see it. */
#ifndef MET_CLI_GENERATION_H
#define MET_CLI_GENERATION_H

#include "cli/engine.h"
#include "cli/generate_flags.h"
#include "metallic.h"

typedef struct met_generation {
    const met_engine *engine;
    const met_generate_flags *flags;
    uint64_t seed; /* the one that is used */
    int32_t context_length;
    const int32_t *prompt; /* [prompt_count] ids */
    int32_t prompt_count;
    bool interrupted;           /* Ctrl-C ended it */
    met_finish finish;          /* when it has ended */
    met_generate_result result; /* when it has ended */
    bool has_summary;           /* the context records */
    met_summary summary;
    double start_seconds;       /* the clock when the process began */
    double first_token_at;      /* the clock at the first token; 0: none */
    double end_at;              /* the clock when it has ended */
} met_generation;

#endif
