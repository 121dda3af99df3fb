/* Owns: the tokens of a timeline and which of them are computed again. Does not own the KV cache,
 * nor how a step is run.
 *
 * The invariant: tokens[0 .. count) are what the machine's cache holds. Everything is checked
 * before the first step, so that a refused call changes nothing. */
#include "generate/objects.h"

#include "base/checked.h"
#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static const met_machine_ops *ops_of(const met_session *session)
{
    return session->timeline->loaded->machine->ops;
}

static uint64_t token_bytes(const met_session *session)
{
    return (uint64_t)session->context_length * sizeof *session->tokens;
}

static met_status check_usable(const met_session *session, met_error *err)
{
    if (!session->failed) return MET_OK;
    return met_fail(err, MET_E_DEVICE,
                    "session: the machine failed in an earlier call; it can only be freed");
}

/* Bring the context's account up to date; nearly always nothing has changed. */
static void account(met_session *session)
{
    met_account *total = &session->model->context->account;
    met_holding *held = &session->holding;
    met_timeline_memory machine = ops_of(session)->timeline_memory(session->timeline);
    met_account_hold(total, held, MET_MEMORY_KV, machine.kv_bytes);
    met_account_hold(total, held, MET_MEMORY_SCRATCH,
                     machine.scratch_bytes + session->all_logits_bytes + token_bytes(session));
    met_account_hold(total, held, MET_MEMORY_GPU, machine.gpu_bytes);
}

/* Whether tokens [count] can be fed at `position`. */
static met_status check_tokens(const met_session *session, const int32_t *tokens, int32_t count,
                               int32_t position, met_error *err)
{
    met_status status = check_usable(session, err);
    if (status != MET_OK) return status;
    if (count < 1) {
        return met_fail(err, MET_E_ARGUMENT, "session: found %d tokens, expected at least 1",
                        count);
    }
    if (count > session->context_length - position) {
        return met_fail(err, MET_E_CONTEXT_FULL,
                        "session: %d tokens at position %d, expected at most %d in all", count,
                        position, session->context_length);
    }
    int32_t vocab = session->model->program.vocab;
    for (int32_t i = 0; i < count; i++) {
        if (tokens[i] < 0 || tokens[i] >= vocab) {
            return met_fail(err, MET_E_RANGE, "session: token %d of %d is %d, expected 0 to %d", i,
                            count, tokens[i], vocab - 1);
        }
    }
    return MET_OK;
}

/* One step of the machine, told when someone listens. */
static met_status run_step(met_session *session, met_step *step, const float **logits,
                           met_error *err)
{
    static const char *const wants[] = {"none", "last", "all"};
    const met_log *log = met_model_log(session->model);
    double start = met_log_on(log, MET_LOG_TRACE) ? met_clock_seconds() : 0;
    met_status status = met_measured_step(session->measured, session->timeline, step, logits, err);
    account(session);
    if (status != MET_OK) {
        if (status != MET_E_MEMORY) session->failed = true;
        return status;
    }
    MET_LOG(log, MET_LOG_TRACE, "step: %d tokens at %d, logits of %s, %.3f ms", step->count,
            step->position, wants[step->want], (met_clock_seconds() - start) * 1e3);
    return MET_OK;
}

/* Run tokens[0 .. count), already checked, at the session's position, in chunks that the machine
 * takes. The session holds them afterwards; also those before a stop by `watch`. On MET_E_MEMORY
 * the session holds what it held before, but the cache after that may have changed.
 * all: [count][vocab] for every token's logits, or NULL. */
static met_status run_chunks(met_session *session, const int32_t *tokens, int32_t count,
                             met_want want, float *all, met_watch *watch, const float **logits,
                             met_error *err)
{
    const met_machine_ops *ops = ops_of(session);
    int32_t position = session->count;
    int32_t done = 0;
    while (done < count) {
        int32_t left = count - done;
        int32_t chunk = left < ops->max_step_tokens ? left : ops->max_step_tokens;
        met_step step = {
            .tokens = tokens + done,
            .count = chunk,
            .position = position + done,
            .want = want == MET_WANT_LAST && chunk < left ? MET_WANT_NONE : want,
        };
        if (watch != NULL && watch->poll != NULL) {
            step.go_on = watch->poll;
            step.user = watch->user;
            step.stopped = &watch->stopped;
        }
        met_status status = run_step(session, &step, logits, err);
        if (status != MET_OK) return status;
        if (watch != NULL && watch->stopped) break;
        if (all != NULL) {
            size_t vocab = (size_t)session->model->program.vocab;
            memcpy(all + (size_t)done * vocab, *logits, (size_t)chunk * vocab * sizeof *all);
        }
        done += chunk;
        if (done < count && watch != NULL && watch->progress != NULL &&
            !watch->progress(watch->user, position + done, position + count)) {
            watch->stopped = true;
            break;
        }
    }
    if (watch != NULL && watch->stopped) {
        MET_LOG(met_model_log(session->model), MET_LOG_DEBUG,
                "session: stopped on request with %d of %d tokens held", position + done,
                position + count);
    }
    /* The caller may pass the session's own list back. */
    memmove(session->tokens + position, tokens, (size_t)done * sizeof *tokens);
    session->count = position + done;
    return MET_OK;
}

/* ---------------------------------------------------------------- generation on the machine */

bool met_session_can_decode(const met_session *session)
{
    const met_machine_ops *ops = ops_of(session);
    /* Layers and operations are recorded step by step. */
    return ops->decode_begin != NULL && session->model->program.vocab <= ops->decode_vocab_max &&
           !met_measured_wants_layers(session->measured);
}

/* What was chosen so far stays; a machine that failed is not asked again. */
static met_status decode_status(met_session *session, met_status status)
{
    account(session);
    if (status != MET_OK && status != MET_E_MEMORY) session->failed = true;
    return status;
}

met_status met_session_decode_begin(met_session *session, int32_t token, int32_t steps,
                                    const met_sampling *sampling, uint64_t (*draw)(void *user),
                                    void *user, met_error *err)
{
    met_status status = check_tokens(session, &token, 1, session->count, err);
    if (status != MET_OK) return status;
    met_decode decode = {
        .token = token,
        .position = session->count,
        .steps = steps,
        .sampling = *sampling,
        .history = session->tokens,
        .draw = draw,
        .user = user,
    };
    MET_LOG(met_model_log(session->model), MET_LOG_DEBUG,
            "session: the machine chooses up to %d tokens from %d on", steps, session->count);
    status = ops_of(session)->decode_begin(session->timeline, &decode, err);
    if (status == MET_OK) met_session_decode_fed(session, token);
    return decode_status(session, status);
}

met_status met_session_decode_next(met_session *session, int32_t *token, met_error *err)
{
    return decode_status(session,
                         met_measured_decode(session->measured, session->timeline, token, err));
}

void met_session_decode_fed(met_session *session, int32_t token)
{
    session->tokens[session->count++] = token;
}

met_status met_session_decode_end(met_session *session, met_error *err)
{
    return decode_status(session, ops_of(session)->decode_end(session->timeline, err));
}

/* ---------------------------------------------------------------- whole lists */

/* Tokens at the beginning of both lists. */
static int32_t common_prefix(const met_session *session, const int32_t *tokens, int32_t count)
{
    int32_t most = count < session->count ? count : session->count;
    int32_t same = 0;
    while (same < most && tokens[same] == session->tokens[same])
        same++;
    return same;
}

/* Room for the logits of `count` tokens, when that is more than one step holds. */
static met_status grow_all_logits(met_session *session, int32_t count, met_error *err)
{
    if (count <= ops_of(session)->max_step_tokens) return MET_OK;
    size_t bytes = 0;
    if (!met_mul_size((size_t)count * sizeof *session->all_logits,
                      (size_t)session->model->program.vocab, &bytes)) {
        return met_fail_memory(err, "logits of all tokens", SIZE_MAX);
    }
    if (bytes <= session->all_logits_bytes) return MET_OK;
    float *all = realloc(session->all_logits, bytes);
    if (all == NULL) return met_fail_memory(err, "logits of all tokens", bytes);
    session->all_logits = all;
    session->all_logits_bytes = bytes;
    account(session);
    return MET_OK;
}

static met_status parse_kv_type(const char *name, met_dtype *out, met_error *err)
{
    if (name == NULL || strcmp(name, "f16") == 0) {
        *out = MET_DTYPE_F16;
    } else if (strcmp(name, "f32") == 0) {
        *out = MET_DTYPE_F32;
    } else {
        return met_fail(err, MET_E_ARGUMENT, "kv_type: found \"%.32s\", expected f16 or f32", name);
    }
    return MET_OK;
}

/* What the session will take, as the machine has planned it. */
static void log_plan(const met_session *session, const char *kv_type)
{
    const met_log *log = met_model_log(session->model);
    if (!met_log_on(log, MET_LOG_INFO)) return;
    met_timeline_memory memory = ops_of(session)->timeline_memory(session->timeline);
    MET_LOG(log, MET_LOG_INFO,
            "session: context of %d tokens, KV cache %s of at most %llu bytes, scratch %llu bytes",
            session->context_length, kv_type, (unsigned long long)memory.kv_bytes_max,
            (unsigned long long)memory.scratch_bytes);
}

/* What the session will take at most, logits of all tokens aside: nobody may ask for them. */
static void plan(met_session *session)
{
    met_account *total = &session->model->context->account;
    met_holding *held = &session->holding;
    met_timeline_memory machine = ops_of(session)->timeline_memory(session->timeline);
    met_account_plan(total, held, MET_MEMORY_KV, machine.kv_bytes_max);
    met_account_plan(total, held, MET_MEMORY_SCRATCH,
                     machine.scratch_bytes_max + token_bytes(session));
    met_account_plan(total, held, MET_MEMORY_GPU, machine.gpu_bytes_max);
}

met_session_options met_session_options_default(void)
{
    return (met_session_options){.context_length = 0, .kv_type = "f16"};
}

met_status met_session_create(met_model *model, const met_session_options *options,
                              met_session **out, met_error *err)
{
    met_status status = MET_OK;
    met_session *session = NULL;
    const met_machine_ops *ops = model->loaded->machine->ops;
    *out = NULL;

    int32_t trained = model->program.context_length;
    int32_t length = options != NULL ? options->context_length : 0;
    if (length < 0 || length > trained) {
        return met_fail(err, MET_E_ARGUMENT,
                        "context_length: found %d, expected 1 to %d, the model's trained length, "
                        "or 0 for that",
                        length, trained);
    }
    if (length == 0) length = trained;
    met_dtype kv_type = MET_DTYPE_F16;
    status = parse_kv_type(options != NULL ? options->kv_type : NULL, &kv_type, err);
    if (status != MET_OK) return status;
    session = calloc(1, sizeof *session);
    if (session == NULL) return met_fail_memory(err, "session", sizeof *session);
    session->model = model;
    session->context_length = length;
    session->tokens = malloc((size_t)token_bytes(session));
    if (session->tokens == NULL) {
        status = met_fail_memory(err, "session's tokens", (size_t)token_bytes(session));
        goto done;
    }
    status = met_measured_create(model->context->recorder, &session->measured, err);
    if (status != MET_OK) goto done;
    status = ops->timeline_create(model->loaded, length, kv_type, &session->timeline, err);
    if (status != MET_OK) goto done;
    plan(session);
    account(session);
    log_plan(session, met_dtype_name(kv_type));
    *out = session;
    session = NULL;
done:
    met_session_free(session);
    return status;
}

void met_session_free(met_session *session)
{
    if (session == NULL) return;
    if (session->timeline != NULL) ops_of(session)->timeline_free(session->timeline);
    met_account_release(&session->model->context->account, &session->holding);
    met_measured_free(session->measured);
    free(session->tokens);
    free(session->all_logits);
    free(session);
}

const int32_t *met_session_tokens(const met_session *session, int32_t *count)
{
    *count = session->count;
    return session->tokens;
}

int32_t met_session_context_length(const met_session *session)
{
    return session->context_length;
}

met_status met_session_feed(met_session *session, const int32_t *tokens, int32_t count,
                            const float **logits, met_error *err)
{
    met_status status = check_tokens(session, tokens, count, session->count, err);
    if (status != MET_OK) return status;
    const float *rows = NULL;
    met_want want = logits != NULL ? MET_WANT_LAST : MET_WANT_NONE;
    status = run_chunks(session, tokens, count, want, NULL, NULL, &rows, err);
    if (status == MET_OK && logits != NULL) *logits = rows;
    return status;
}

met_status met_session_feed_all(met_session *session, const int32_t *tokens, int32_t count,
                                const float **logits, met_error *err)
{
    met_status status = check_tokens(session, tokens, count, session->count, err);
    if (status != MET_OK) return status;
    status = grow_all_logits(session, count, err);
    if (status != MET_OK) return status;
    float *all = count > ops_of(session)->max_step_tokens ? session->all_logits : NULL;
    const float *rows = NULL;
    status = run_chunks(session, tokens, count, MET_WANT_ALL, all, NULL, &rows, err);
    if (status == MET_OK && logits != NULL) *logits = all != NULL ? all : rows;
    return status;
}

met_status met_session_reserve(met_session *session, int32_t count, met_error *err)
{
    met_status status = check_usable(session, err);
    if (status != MET_OK) return status;
    status = grow_all_logits(session, count, err);
    if (status != MET_OK) return status;
    const met_machine_ops *ops = ops_of(session);
    int32_t step = count < ops->max_step_tokens ? count : ops->max_step_tokens;
    status = ops->timeline_reserve(session->timeline, step, err);
    account(session);
    return status;
}

met_status met_session_rewind(met_session *session, int32_t position, met_error *err)
{
    met_status status = check_usable(session, err);
    if (status != MET_OK) return status;
    if (position < 0 || position > session->count) {
        return met_fail(err, MET_E_RANGE,
                        "session: rewind to %d, expected 0 to %d, the tokens held", position,
                        session->count);
    }
    MET_LOG(met_model_log(session->model), MET_LOG_TRACE, "session: rewound from %d to %d tokens",
            session->count, position);
    session->count = position; /* the machine steps again from there */
    return MET_OK;
}

met_status met_session_set_watched(met_session *session, const int32_t *tokens, int32_t count,
                                   met_watch *watch, const float **logits, int32_t *reused,
                                   met_error *err)
{
    met_status status = check_tokens(session, tokens, count, 0, err);
    if (status != MET_OK) return status;
    int32_t same = common_prefix(session, tokens, count);
    if (same == count) same--; /* the last one is computed for its logits */
    MET_LOG(met_model_log(session->model), MET_LOG_DEBUG,
            "session: holds %d tokens, keeps the first %d, computes %d", session->count, same,
            count - same);
    session->count = same;
    const float *rows = NULL;
    met_want want = logits != NULL ? MET_WANT_LAST : MET_WANT_NONE;
    status = run_chunks(session, tokens + same, count - same, want, NULL, watch, &rows, err);
    if (status != MET_OK) return status;
    if (logits != NULL) *logits = rows;
    if (reused != NULL) *reused = same;
    return MET_OK;
}

met_status met_session_set(met_session *session, const int32_t *tokens, int32_t count,
                           const float **logits, int32_t *reused, met_error *err)
{
    return met_session_set_watched(session, tokens, count, NULL, logits, reused, err);
}

met_session_memory met_session_memory_used(const met_session *session)
{
    met_timeline_memory machine = ops_of(session)->timeline_memory(session->timeline);
    return (met_session_memory){
        .kv_bytes = machine.kv_bytes,
        .scratch_bytes = machine.scratch_bytes + session->all_logits_bytes + token_bytes(session),
    };
}

bool met_session_summary(const met_session *session, met_summary *out)
{
    bool there = session->measured != NULL && session->measured->summed;
    *out = there ? session->measured->summary : (met_summary){0};
    return there;
}

met_status met_session_profile(met_session *session, bool on, met_error *err)
{
    met_status status = check_usable(session, err);
    return status != MET_OK ? status : ops_of(session)->profile(session->timeline, on, err);
}

size_t met_session_op_times(const met_session *session, met_op_time *out, size_t capacity)
{
    return ops_of(session)->op_times(session->timeline, out, capacity);
}
