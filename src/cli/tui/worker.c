/* Owns: the session, the thread that uses it, and the queue between that thread and the screen.
 *
 * The invariant: while an answer runs only the thread touches the session; while none runs only the
 * caller does. The mutex is held for copying, never for computing. */
#include "cli/tui/worker.h"

#include "cli/clock.h"
#include "cli/failure.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* How often times of operations are copied: as often as a person reads them. */
static const double snapshot_seconds = 0.25;

struct met_tui_worker {
    const met_engine *engine;
    const met_engine_options *options;
    const met_invocation *invocation;
    met_session *session; /* NULL after the machine failed, until the next start */
    int32_t context_length;
    pthread_t thread;
    bool has_thread;
    void (*wake)(void *user);
    void *user;
    atomic_bool stop;
    atomic_bool profile;

    /* The thread's own, while an answer runs. */
    bool profiling;
    double snapshot_at;
    int32_t prompt_done;
    met_op_time *fresh_times; /* [op_count] */

    pthread_mutex_t mutex; /* of everything below */
    pthread_cond_t asked;
    bool quit;
    bool running; /* an answer was asked for, and its end is not taken yet */
    bool busy;    /* the thread has not ended it */
    bool told;    /* wake was called and the news is not taken */
    const int32_t *prompt;
    size_t prompt_count;
    met_generate_options generate;
    met_tui_buffer text;
    met_tui_progress progress;
    met_tui_answer answer;
    int32_t *tokens; /* [token_capacity] */
    size_t token_capacity;
    met_op_time *times; /* [op_count] */
    size_t op_count;
};

static void lock(met_tui_worker *worker)
{
    (void)pthread_mutex_lock(&worker->mutex);
}

/* Leave the lock and say that there is news. */
static void unlock_and_tell(met_tui_worker *worker)
{
    bool tell = !worker->told;

    worker->told = true;
    (void)pthread_mutex_unlock(&worker->mutex);
    if (tell) worker->wake(worker->user);
}

/* Make room for the times of all operations. */
static void size_times(met_tui_worker *worker)
{
    size_t count = met_session_op_times(worker->session, NULL, 0);

    if (count == worker->op_count) return;
    met_op_time *fresh = realloc(worker->fresh_times, (count + 1) * sizeof *fresh);
    if (fresh != NULL) worker->fresh_times = fresh;
    met_op_time *times = realloc(worker->times, (count + 1) * sizeof *times);
    if (times != NULL) worker->times = times;
    worker->op_count = fresh != NULL && times != NULL ? count : 0;
}

/* Begin, restart or end timing, on the session's thread between two steps. A failure to get the
 * memory leaves the answer without times. */
static void set_profile(met_tui_worker *worker, bool on)
{
    met_error ignored;

    worker->profiling = met_session_profile(worker->session, on, &ignored) == MET_OK && on;
    lock(worker);
    if (worker->profiling) size_times(worker);
    if (worker->op_count > 0) memset(worker->times, 0, worker->op_count * sizeof *worker->times);
    (void)pthread_mutex_unlock(&worker->mutex);
}

static void snapshot(met_tui_worker *worker, double now, bool at_once)
{
    if (!at_once && now - worker->snapshot_at < snapshot_seconds) return;
    worker->snapshot_at = now;
    if (!worker->profiling) return;
    size_t count = met_session_op_times(worker->session, worker->fresh_times, worker->op_count);
    lock(worker);
    if (count == worker->op_count && count > 0) {
        memcpy(worker->times, worker->fresh_times, count * sizeof *worker->times);
    }
    (void)pthread_mutex_unlock(&worker->mutex);
}

static bool on_progress(void *user, int32_t done, int32_t total)
{
    met_tui_worker *worker = user;

    worker->prompt_done = done;
    snapshot(worker, met_clock_seconds(), false);
    lock(worker);
    worker->progress.prompt_done = done;
    worker->progress.prompt_tokens = total;
    worker->progress.context_used = done;
    unlock_and_tell(worker);
    return !atomic_load(&worker->stop);
}

static bool on_poll(void *user)
{
    met_tui_worker *worker = user;
    return !atomic_load(&worker->stop);
}

static bool keep_token(met_tui_worker *worker, int32_t token)
{
    if (worker->answer.token_count == worker->token_capacity) {
        size_t capacity = worker->token_capacity == 0 ? 256 : 2 * worker->token_capacity;
        int32_t *tokens = realloc(worker->tokens, capacity * sizeof *tokens);
        if (tokens == NULL) return false;
        worker->tokens = tokens;
        worker->token_capacity = capacity;
    }
    worker->tokens[worker->answer.token_count++] = token;
    return true;
}

static bool on_token(void *user, const met_token_event *event)
{
    met_tui_worker *worker = user;
    double now = met_clock_seconds();
    bool profile = atomic_load(&worker->profile), kept = true;

    if (event->index == 0 && event->token >= 0) {
        if (profile) set_profile(worker, true); /* from here on the times are those of decoding */
        worker->snapshot_at = now;
    } else if (profile != worker->profiling) {
        set_profile(worker, profile);
    }
    snapshot(worker, now, false);
    lock(worker);
    if (event->token >= 0) {
        met_tui_progress *progress = &worker->progress;
        kept = keep_token(worker, event->token);
        if (progress->first_seconds == 0) progress->first_seconds = now;
        progress->phase = MET_TUI_PHASE_DECODE;
        progress->latest_seconds = now;
        progress->prompt_done = progress->prompt_tokens;
        progress->generated = event->index + 1;
        progress->context_used = progress->prompt_tokens + event->index;
    }
    met_tui_buffer_add(&worker->text, event->text.data, event->text.bytes);
    kept = kept && !worker->text.failed;
    unlock_and_tell(worker);
    return kept && !atomic_load(&worker->stop);
}

/* A session that can hold an answer; the one before may be gone with its machine. */
static met_status hold_session(met_tui_worker *worker, met_error *err)
{
    if (worker->session != NULL) return MET_OK;
    return met_engine_create_session(worker->engine, worker->options,
                                     worker->invocation->environment, 0, &worker->session, err);
}

/* Answer once, on the thread, without the lock. */
static void answer(met_tui_worker *worker, met_tui_answer *out)
{
    met_generate_options options = worker->generate;

    options.on_token = on_token;
    options.on_progress = on_progress;
    options.on_poll = on_poll;
    options.user = worker;
    out->status = hold_session(worker, &out->error);
    if (out->status != MET_OK) return;
    set_profile(worker, atomic_load(&worker->profile));
    worker->snapshot_at = met_clock_seconds();
    out->status = met_generate(worker->session, worker->prompt, (int32_t)worker->prompt_count,
                               &options, &out->result, &out->error);
    if (out->status == MET_OK && worker->text.failed) out->status = met_failure_memory(&out->error);
    if (out->status == MET_E_DEVICE) {
        met_session_free(worker->session); /* it may only be freed now */
        worker->session = NULL;
        return;
    }
    snapshot(worker, met_clock_seconds(), true);
    out->has_summary = met_session_summary(worker->session, &out->summary);
    if (out->status == MET_OK) {
        met_metrics_tell(worker->invocation->metrics, worker->engine->context,
                         worker->engine->model, worker->session);
    }
}

static void *run(void *user)
{
    met_tui_worker *worker = user;

    lock(worker);
    for (;;) {
        while (!worker->quit && !worker->busy)
            (void)pthread_cond_wait(&worker->asked, &worker->mutex);
        if (worker->quit) break;
        (void)pthread_mutex_unlock(&worker->mutex);

        met_tui_answer ended = {0};
        int32_t held = 0;
        answer(worker, &ended);
        if (worker->session != NULL) (void)met_session_tokens(worker->session, &held);

        lock(worker);
        worker->answer.status = ended.status;
        worker->answer.error = ended.error;
        worker->answer.result = ended.result;
        worker->answer.summary = ended.summary;
        worker->answer.has_summary = ended.has_summary;
        worker->progress.phase = MET_TUI_PHASE_IDLE;
        worker->progress.context_used = held;
        worker->busy = false;
        unlock_and_tell(worker);
        lock(worker);
    }
    (void)pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* Signals are for the thread that owns the screen; those of a crash go where the crash is. */
static int start_thread(met_tui_worker *worker)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH, SIGQUIT};
    sigset_t blocked, before;

    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        sigaddset(&blocked, ours[i]);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &before);
    int failure = pthread_create(&worker->thread, NULL, run, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

met_status met_tui_worker_create(const met_engine *engine, const met_engine_options *options,
                                 const met_invocation *invocation, void (*wake)(void *user),
                                 void *user, met_tui_worker **out, met_error *err)
{
    *out = NULL;
    met_tui_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) return met_failure_memory(err);
    worker->engine = engine;
    worker->options = options;
    worker->invocation = invocation;
    worker->wake = wake;
    worker->user = user;
    (void)pthread_mutex_init(&worker->mutex, NULL);
    (void)pthread_cond_init(&worker->asked, NULL);
    met_status status = hold_session(worker, err);
    if (status == MET_OK) {
        worker->context_length = met_session_context_length(worker->session);
        int failure = start_thread(worker);
        worker->has_thread = failure == 0;
        if (failure != 0) {
            status = met_failure_set(err, MET_E_MEMORY, "thread: %s", strerror(failure));
        }
    }
    if (status != MET_OK) {
        met_tui_worker_free(worker);
        return status;
    }
    *out = worker;
    return MET_OK;
}

int32_t met_tui_worker_context_length(const met_tui_worker *worker)
{
    return worker->context_length;
}

void met_tui_worker_start(met_tui_worker *worker, const int32_t *tokens, size_t count,
                          const met_generate_options *options)
{
    atomic_store(&worker->stop, false);
    lock(worker);
    worker->prompt = tokens;
    worker->prompt_count = count;
    worker->generate = *options;
    int32_t used = worker->progress.context_used;
    worker->progress = (met_tui_progress){
        .phase = MET_TUI_PHASE_PREFILL,
        .prompt_tokens = (int32_t)count,
        .start_seconds = met_clock_seconds(),
        .context_used = used,
    };
    worker->answer = (met_tui_answer){.status = MET_OK};
    worker->running = true;
    worker->busy = true;
    (void)pthread_cond_signal(&worker->asked);
    (void)pthread_mutex_unlock(&worker->mutex);
}

void met_tui_worker_stop(met_tui_worker *worker)
{
    atomic_store(&worker->stop, true);
}

bool met_tui_worker_take(met_tui_worker *worker, met_tui_buffer *text, met_tui_progress *progress,
                         met_tui_answer *answer_out)
{
    lock(worker);
    worker->told = false;
    met_tui_buffer_add(text, worker->text.data, worker->text.bytes);
    met_tui_buffer_clear(&worker->text);
    *progress = worker->progress;
    bool ended = worker->running && !worker->busy;
    if (ended) {
        worker->running = false;
        worker->answer.tokens = worker->tokens;
        *answer_out = worker->answer;
    }
    (void)pthread_mutex_unlock(&worker->mutex);
    return ended;
}

size_t met_tui_worker_op_times(met_tui_worker *worker, met_op_time *out, size_t capacity)
{
    lock(worker);
    size_t count = worker->op_count;
    size_t copied = count < capacity ? count : capacity;
    if (copied > 0) memcpy(out, worker->times, copied * sizeof *out);
    (void)pthread_mutex_unlock(&worker->mutex);
    return count;
}

void met_tui_worker_profile(met_tui_worker *worker, bool on)
{
    atomic_store(&worker->profile, on);
}

void met_tui_worker_forget(met_tui_worker *worker)
{
    if (worker->session != NULL) (void)met_session_rewind(worker->session, 0, NULL);
    lock(worker);
    worker->progress.context_used = 0;
    worker->progress.generated = 0;
    (void)pthread_mutex_unlock(&worker->mutex);
}

void met_tui_worker_free(met_tui_worker *worker)
{
    if (worker == NULL) return;
    atomic_store(&worker->stop, true);
    lock(worker);
    worker->quit = true;
    (void)pthread_cond_signal(&worker->asked);
    (void)pthread_mutex_unlock(&worker->mutex);
    if (worker->has_thread) (void)pthread_join(worker->thread, NULL);
    met_session_free(worker->session);
    (void)pthread_mutex_destroy(&worker->mutex);
    (void)pthread_cond_destroy(&worker->asked);
    met_tui_buffer_free(&worker->text);
    free(worker->tokens);
    free(worker->times);
    free(worker->fresh_times);
    free(worker);
}
