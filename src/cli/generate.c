/* Owns: the default command: a prompt in, an answer out. Does not own what the answer looks like:
 * the sinks. The invariant: whatever ends a generation early, what was generated has been written.
 */
#include "cli/clock.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/generate_flags.h"
#include "cli/interrupt.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "cli/sink.h"
#include "cli/tui/tui.h"
#include "cli/tui/talk.h"
#include "cli/tui/terminal.h"

#include <stdlib.h>
#include <string.h>

#include <unistd.h>

/* What the library's callbacks see. */
typedef struct run_state {
    met_generation generation;
    met_sink *sink;
    met_logger *logger;
    met_progress *progress;
    bool counts_tokens;   /* nothing is written until the end: progress tells of the answer too */
    bool shares_terminal; /* log lines may appear within the answer */
    bool out_of_memory;
} run_state;

/* The prompt has been read. */
static void begin_answer(run_state *state)
{
    met_progress_end(state->progress);
    if (!state->counts_tokens) return;
    met_progress_begin(state->progress, "answering", "tokens",
                       (uint64_t)state->generation.flags->max_tokens);
}

static bool on_token(void *user, const met_token_event *event)
{
    run_state *state = user;

    if (event->token >= 0 && state->generation.first_token_at == 0) {
        state->generation.first_token_at = met_clock_seconds();
        begin_answer(state);
    }
    if (state->counts_tokens) met_progress_at(state->progress, (uint64_t)event->index + 1, NULL);
    if (!state->sink->token(state->sink, &state->generation, event)) state->out_of_memory = true;
    if (state->shares_terminal && event->text.bytes > 0) {
        met_logger_note_answer(state->logger, event->text.data[event->text.bytes - 1] != '\n');
    }
    return !state->out_of_memory && !met_output_failed(state->sink->output) &&
           !met_interrupt_requested();
}

static bool on_progress(void *user, int32_t done, int32_t total)
{
    run_state *state = user;

    met_progress_at(state->progress, (uint64_t)done, NULL);
    state->sink->progress(state->sink, done, total);
    return !met_output_failed(state->sink->output) && !met_interrupt_requested();
}

static bool on_poll(void *user)
{
    (void)user;
    return !met_interrupt_requested();
}

static met_sink *create_sink(const char *format, met_output *output)
{
    if (strcmp(format, "json") == 0) return met_sink_json_create(output);
    if (strcmp(format, "jsonl") == 0) return met_sink_jsonl_create(output);
    if (strcmp(format, "none") == 0) return met_sink_none_create(output);
    return met_sink_text_create(output);
}

static met_status generate(met_session *session, run_state *state, met_error *err)
{
    met_generation *generation = &state->generation;
    met_generate_options options = met_generate_flags_options(generation->flags, generation->seed);

    options.on_token = on_token;
    options.on_progress = on_progress;
    options.on_poll = on_poll;
    options.user = state;
    state->sink->begin(state->sink, generation);
    met_progress_begin(state->progress, "reading the prompt", "tokens",
                       (uint64_t)generation->prompt_count);
    met_status status = met_generate(session, generation->prompt, generation->prompt_count,
                                     &options, &generation->result, err);
    met_progress_end(state->progress);
    if (status != MET_OK) return status;
    if (state->out_of_memory) return met_failure_memory(err);
    generation->end_at = met_clock_seconds();
    generation->finish = generation->result.finish;
    generation->has_summary = met_session_summary(session, &generation->summary);
    generation->interrupted =
        generation->finish == MET_FINISH_CALLBACK && met_interrupt_requested();
    state->sink->end(state->sink, generation);
    met_logger_note_answer(state->logger, false);
    if (generation->finish == MET_FINISH_CONTEXT &&
        strcmp(generation->flags->output_format, "text") == 0) {
        met_logger_say(state->logger, MET_LOG_WARN,
                       "the context of %d tokens is full: the answer is not complete",
                       generation->context_length);
    }
    return MET_OK;
}

/* What is shown and recorded beside the answer depends on its form. */
static met_status watch(met_invocation *invocation, const char *format, run_state *state,
                        met_error *err)
{
    bool text = strcmp(format, "text") == 0, json = strcmp(format, "json") == 0;
    bool events = strcmp(format, "jsonl") == 0;

    state->shares_terminal = text && met_output_shares_terminal();
    state->counts_tokens = json || strcmp(format, "none") == 0;
    /* Events are told while progress is shown, and their reader may write to this terminal. */
    if (!events) state->progress = met_progress_create(invocation);
    /* Times from token to token, and memory. */
    return json || events ? met_metrics_record(invocation->metrics, MET_RECORD_TOKEN, err) : MET_OK;
}

static met_status run_prompt(met_invocation *invocation, const met_generate_flags *flags,
                             const met_prompt *prompt, met_error *err)
{
    met_engine engine = {0};
    met_session *session = NULL;
    int32_t *tokens = NULL;
    size_t token_count = 0;
    run_state state = {.logger = invocation->logger};

    met_interrupt_watch();
    met_status status = watch(invocation, flags->output_format, &state, err);
    if (status != MET_OK) goto done;
    met_progress_begin(state.progress, "opening the model", "", 0);
    status = met_engine_open(&flags->engine, invocation, &engine, err);
    if (status != MET_OK) goto done;
    status = met_prompt_tokenize(prompt, flags, &engine, &tokens, &token_count, err);
    if (status != MET_OK) goto done;
    status = met_engine_create_session(&engine, &flags->engine, invocation->environment, 0,
                                       &session, err);
    if (status != MET_OK) goto done;

    state.sink = create_sink(flags->output_format, invocation->output);
    if (state.sink == NULL) {
        status = met_failure_memory(err);
        goto done;
    }
    state.generation = (met_generation){
        .engine = &engine,
        .flags = flags,
        .seed = flags->seed >= 0 ? (uint64_t)flags->seed : met_generate_random_seed(),
        .context_length = met_session_context_length(session),
        .prompt = tokens,
        .prompt_count = (int32_t)token_count,
        .start_seconds = invocation->start_seconds,
    };
    status = generate(session, &state, err);
    if (status == MET_OK) {
        met_metrics_tell(invocation->metrics, engine.context, engine.model, session);
    }
    invocation->interrupted = state.generation.interrupted;
done:
    met_progress_free(state.progress);
    if (state.sink != NULL) state.sink->free(state.sink);
    met_session_free(session);
    free(tokens);
    met_engine_close(&engine);
    return status;
}

static bool is_dash(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

/* Whether the prompt comes from what the interface needs for its keys. */
static bool reads_stdin(const met_generate_flags *flags, bool dash)
{
    return dash || is_dash(flags->prompt_file) || is_dash(flags->messages) || is_dash(flags->tools);
}

/* "tui" where there is a terminal and nothing else was asked for; says when it could not be had.
 * MET_E_ARGUMENT: flags that the interface does not go with. */
static met_status choose_format(met_generate_flags *flags, bool dash,
                                const met_invocation *invocation, met_error *err)
{
    bool given = flags->output_format != NULL;
    bool terminal = met_output_is_terminal(STDIN_FILENO) && met_output_is_terminal(STDOUT_FILENO);
    const char *why;

    if (given && strcmp(flags->output_format, "tui") != 0) return MET_OK;
    if (!given && (!terminal || flags->raw || reads_stdin(flags, dash))) {
        flags->output_format = "text";
        return MET_OK;
    }
    if (given && flags->raw) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--raw: found beside --output-format tui, expected text, json, "
                               "jsonl or none");
    }
    flags->output_format = "tui";
    if (met_tui_terminal_usable(invocation->environment->terminal, &why)) {
        if (!reads_stdin(flags, dash)) return MET_OK;
        return met_failure_set(err, MET_E_ARGUMENT,
                               "-: found beside --output-format tui, which reads keys from "
                               "standard input");
    }
    met_logger_say(invocation->logger, MET_LOG_WARN,
                   "--output-format tui: %s, so the answer comes as text", why);
    flags->output_format = "text";
    return MET_OK;
}

/* A conversation that only templates understand, as one with the answers of tools, has no place in
 * the interface: where nobody asked for it, the answer comes as text. */
static bool fits_interface(const met_prompt *prompt, const met_invocation *invocation)
{
    met_tui_talk talk = {0};
    met_error why;

    if (prompt->messages == NULL) return true;
    met_status status = met_tui_talk_take(&talk, prompt->messages, "--messages", &why);
    met_tui_talk_free(&talk);
    if (status == MET_OK) return true;
    met_logger_say(invocation->logger, MET_LOG_INFO,
                   "--output-format tui: %s; so the answer comes as text", why.text);
    return false;
}

static met_status check_flags(const met_generate_flags *flags, met_error *err)
{
    for (size_t i = 0; i < flags->stop.count; i++) {
        if (flags->stop.items[i][0] != '\0') continue;
        return met_failure_set(err, MET_E_ARGUMENT, "--stop: found \"\", expected a text");
    }
    if (flags->logprobs >= 0 && strncmp(flags->output_format, "json", 4) != 0) {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "--logprobs: found beside --output-format %s, "
                               "expected json or jsonl",
                               flags->output_format);
    }
    return MET_OK;
}

static met_status run(met_invocation *invocation, const void *options, met_error *err)
{
    met_generate_flags flags = *(const met_generate_flags *)options;
    met_prompt prompt = {0};
    bool dash = invocation->argument_count == 1;

    if (dash && strcmp(invocation->arguments[0], "-") != 0) {
        const char *found = invocation->arguments[0];
        return met_failure_set(err, MET_E_ARGUMENT, "\"%.64s\": unexpected argument, expected %s",
                               found,
                               met_command_find(found) != NULL ? "the subcommand before all flags"
                                                               : "the prompt after --prompt");
    }
    met_status status = choose_format(&flags, dash, invocation, err);
    if (status == MET_OK) status = check_flags(&flags, err);
    if (status != MET_OK) return status;

    bool interface = strcmp(flags.output_format, "tui") == 0;
    bool waits = interface && flags.prompt == NULL && flags.prompt_file == NULL &&
                 flags.messages == NULL; /* the prompt will be typed */
    if (waits) {
        status = met_prompt_read_tools(&flags, &prompt, err);
    } else {
        status = met_prompt_read(&flags, dash, &prompt, err);
    }
    if (status != MET_OK) return status;
    bool asked = ((const met_generate_flags *)options)->output_format != NULL;
    if (interface && !asked && !fits_interface(&prompt, invocation)) {
        interface = false;
        flags.output_format = "text";
    }
    status = interface ? met_tui_run(invocation, &flags, &prompt, err)
                       : run_prompt(invocation, &flags, &prompt, err);
    met_prompt_free(&prompt);
    return status;
}

static met_json_failure json_failure(const void *options)
{
    const met_generate_flags *flags = options;
    met_json_failure form = {NULL, false};

    if (flags->output_format == NULL) return form;
    if (strcmp(flags->output_format, "json") == 0) form.schema = "metallic.generate/1";
    if (strcmp(flags->output_format, "jsonl") == 0) {
        form.schema = "metallic.events/1";
        form.event = true;
    }
    return form;
}

static const met_option_group groups[] = {
    {met_generate_flag_table, MET_GENERATE_FLAG_COUNT, 0},
    {met_engine_flags, MET_ENGINE_FLAGS_SESSION, offsetof(met_generate_flags, engine)},
};

const met_command met_command_generate = {
    .name = "generate",
    .summary = "Run a language model: a prompt goes in, text comes out.",
    .synopsis = "[FLAGS] --prompt TEXT\n"
                "[FLAGS] --prompt-file FILE | --messages FILE | -\n"
                "SUBCOMMAND ...",
    .notes = "The answer goes to standard output and everything else to standard error. "
             "Without a prompt, standard input is read when it is not a terminal. Control "
             "tokens spelled in a prompt are plain text, also with --raw. Ctrl-C stops after "
             "the token at hand. Exit codes: 0 done, 1 failed, 2 bad usage, 130 interrupted.",
    .groups = groups,
    .group_count = sizeof groups / sizeof groups[0],
    .options_bytes = sizeof(met_generate_flags),
    .arguments_most = 1,
    .run = run,
    .json_failure = json_failure,
};
