/* The thread that generates, so that the screen never waits for the model. */
#ifndef MET_CLI_TUI_WORKER_H
#define MET_CLI_TUI_WORKER_H

#include "cli/engine.h"
#include "cli/tui/buffer.h"

typedef struct met_tui_worker met_tui_worker;

typedef enum met_tui_phase {
    MET_TUI_PHASE_IDLE,
    MET_TUI_PHASE_PREFILL,
    MET_TUI_PHASE_DECODE,
} met_tui_phase;

/* What is known now of the answer that is being generated, or of the last one. */
typedef struct met_tui_progress {
    met_tui_phase phase;
    int32_t prompt_done; /* tokens of the prompt that the session holds */
    int32_t prompt_tokens;
    int32_t generated;     /* tokens of the answer */
    double start_seconds;  /* the clock when it was asked for */
    double first_seconds;  /* the clock at the first token; 0: none yet */
    double latest_seconds; /* the clock at the newest token */
    int32_t context_used;  /* tokens that the session holds */
} met_tui_progress;

/* An answer that has ended. */
typedef struct met_tui_answer {
    met_status status; /* of met_generate */
    met_error error;
    met_generate_result result;
    met_summary summary; /* when has_summary: the context records */
    bool has_summary;
    const int32_t *tokens; /* [token_count] of the answer; borrowed until the next start */
    size_t token_count;
} met_tui_answer;

/* A session and the thread that uses it. `wake` is called on that thread when there is news, once
 * until it is taken. Everything is borrowed until the worker is freed. */
met_status met_tui_worker_create(const met_engine *engine, const met_engine_options *options,
                                 const met_invocation *invocation, void (*wake)(void *user),
                                 void *user, met_tui_worker **out, met_error *err);

int32_t met_tui_worker_context_length(const met_tui_worker *worker);

/* Begin to answer `tokens`, which are borrowed until the answer has ended. Only when idle. The
 * callbacks of `options` are the worker's own. */
void met_tui_worker_start(met_tui_worker *worker, const int32_t *tokens, size_t count,
                          const met_generate_options *options);

/* End the answer after the token at hand. */
void met_tui_worker_stop(met_tui_worker *worker);

/* What happened since the last call: text is added to `text`. True once after each answer, with
 * what came of it. */
bool met_tui_worker_take(met_tui_worker *worker, met_tui_buffer *text, met_tui_progress *progress,
                         met_tui_answer *answer);

/* Times of the operations, of the prompt while it is read, then of the tokens after it. Copies at
 * most `capacity` and returns how many there are; 0: the session cannot be timed. A copy of the
 * last quarter of a second. */
size_t met_tui_worker_op_times(met_tui_worker *worker, met_op_time *out, size_t capacity);

/* Whether operations are timed: from the next token on. */
void met_tui_worker_profile(met_tui_worker *worker, bool on);

/* Forget the conversation. Only when idle. */
void met_tui_worker_forget(met_tui_worker *worker);

/* Stops an answer and waits for the thread. Accepts NULL. */
void met_tui_worker_free(met_tui_worker *worker);

#endif
