/* Owns: the subcommand synth: random-weight models of exact shapes. */
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

typedef struct synth_options {
    int64_t seed;
    const char *vocab;
} synth_options;

typedef struct watcher {
    met_progress *progress;
    bool counting; /* how many there are is known */
} watcher;

static bool on_progress(void *user, int32_t done, int32_t total)
{
    watcher *watch = user;

    if (!watch->counting) {
        met_progress_begin(watch->progress, "writing the model", "tensors", (uint64_t)total);
    }
    watch->counting = true;
    met_progress_at(watch->progress, (uint64_t)done, NULL);
    return !met_interrupt_requested();
}

static met_status run(met_invocation *invocation, const void *any_options, met_error *err)
{
    const synth_options *options = any_options;
    met_synth_options synth = {
        .shape = invocation->arguments[0],
        .type = invocation->arguments[1],
        .seed = (uint64_t)options->seed,
        .vocab_path = options->vocab,
    };
    watcher watch = {.progress = met_progress_create(invocation)};

    met_interrupt_watch();
    met_progress_begin(watch.progress, "writing the model", "tensors", 0);
    met_status status = met_synth(&synth, invocation->arguments[2], on_progress, &watch, err);
    met_progress_free(watch.progress);
    if (status == MET_OK || !met_interrupt_requested()) return status;
    /* Stopped by Ctrl-C: the library left no file, and that is no error. */
    invocation->interrupted = true;
    return MET_OK;
}

static const met_option flags[] = {
    {.name = "seed",
     .kind = MET_OPTION_INTEGER,
     .offset = offsetof(synth_options, seed),
     .value_name = "N",
     .fallback = "0",
     .least = 0,
     .most = INT64_MAX,
     .help = "the same seed gives the same file"},
    {.name = "vocab",
     .kind = MET_OPTION_PATH,
     .offset = offsetof(synth_options, vocab),
     .value_name = "FILE",
     .fallback_help = "a made-up one",
     .help = "a GGUF file whose vocabulary is copied"},
};

static const met_option_group groups[] = {{flags, sizeof flags / sizeof flags[0], 0}};

const met_command met_command_synth = {
    .name = "synth",
    .summary = "Write a model of an exact shape with random weights.",
    .synopsis = "synth SHAPE TYPE OUT [--seed N] [--vocab FILE.gguf]",
    .notes = "SHAPE is tiny, qwen2.5-0.5b, qwen2.5-1.5b, qwen2.5-3b or qwen2.5-7b; TYPE is "
             "f32, f16 or q8_0. Its text is noise; its speed is that of a trained model.",
    .runs_no_model = true,
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(synth_options),
    .arguments_least = 3,
    .arguments_most = 3,
    .run = run,
};
