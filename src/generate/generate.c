/* Owns: the loop from logits to tokens to text, and when it ends. Does not own choosing
 * (sampler.h), text (stream.h) or computing (session.c).
 *
 * The invariant: a generated token is counted, then shown, then fed; so that the session holds the
 * prompt and every generated token but the last, whatever ended the loop. */
#include "generate/lookup.h"
#include "generate/objects.h"
#include "generate/sampler.h"
#include "generate/stream.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/pages.h"


enum { LOGPROBS_MAX = 64 };

typedef struct generation {
    met_session *session;
    const met_tokenizer *tokenizer;
    met_generate_options options;
    met_generate_result *result;
    met_sampler *sampler;
    met_text_stream text;
    met_lookup lookup;   /* when options.speculate > 0 */
    const float *logits; /* for the next token, unless the machine chooses */
    bool on_machine;     /* after the first token the machine chooses: nobody else needs logits */
    bool decoding;       /* it has begun to */
    bool ended;          /* result->finish is set */
    met_logprob top[LOGPROBS_MAX];
} generation;

static met_status check_options(const met_generate_options *o, met_error *err)
{
    if (o->max_tokens < 0) {
        return met_fail(err, MET_E_ARGUMENT, "max_tokens: found %d, expected 0 (no limit) or more",
                        o->max_tokens);
    }
    if (o->logprobs < -1 || o->logprobs > LOGPROBS_MAX) {
        return met_fail(err, MET_E_ARGUMENT, "logprobs: found %d, expected -1 (none) to %d",
                        o->logprobs, LOGPROBS_MAX);
    }
    if (o->speculate < 0 || o->speculate > MET_LOOKUP_GUESSES_MAX) {
        return met_fail(err, MET_E_ARGUMENT, "speculate: found %d, expected 0 (off) to %d",
                        o->speculate, MET_LOOKUP_GUESSES_MAX);
    }
    if (o->stop_count > 0 && o->stop == NULL) {
        return met_fail(err, MET_E_ARGUMENT, "stop: found NULL, expected %zu strings",
                        o->stop_count);
    }
    return MET_OK;
}

static void end(generation *g, met_finish finish)
{
    g->result->finish = finish;
    g->ended = true;
}

static met_status open_parts(generation *g, met_error *err)
{
    met_sampling sampling = g->options.sampling;
    /* A window that the context cannot fill is the whole context, and needs no ring. */
    if (sampling.repeat_last_n > g->session->context_length) sampling.repeat_last_n = -1;
    const met_model *model = g->session->model;
    met_status status = met_sampler_create(&sampling, model->program.vocab,
                                           model->context->machine->isa, &g->sampler, err);
    if (status != MET_OK) return status;
    g->on_machine = g->options.speculate == 0 && g->options.logprobs < 0 &&
                    met_session_can_decode(g->session);
    status = met_text_stream_init(&g->text, g->options.stop, g->options.stop_count, err);
    if (status != MET_OK || g->options.speculate == 0) return status;
    met_lookup_init(&g->lookup);
    return met_session_reserve(g->session, 1 + g->options.speculate, err);
}

/* Compute the prompt, and show the sampler as much of it as penalties look at. */
static met_status take_prompt(generation *g, const int32_t *tokens, int32_t count, met_error *err)
{
    double start = met_clock_seconds();
    met_watch watch = {.progress = g->options.on_progress,
                       .poll = g->options.on_poll,
                       .user = g->options.user};
    met_status status = met_session_set_watched(g->session, tokens, count, &watch, &g->logits,
                                                &g->result->reused_tokens, err);
    g->result->prefill_seconds = met_clock_seconds() - start;
    if (status != MET_OK) return status;
    g->result->prompt_tokens = g->session->count;
    met_measured_prompt(g->session->measured, g->result);
    if (watch.stopped) {
        end(g, MET_FINISH_CALLBACK);
        return MET_OK;
    }
    int32_t window = met_sampler_window(g->sampler);
    int32_t first = window >= 0 && window < count ? count - window : 0;
    if (window == 0) first = count;
    for (int32_t i = first; i < count; i++)
        met_sampler_accept(g->sampler, g->session->tokens[i]);
    return MET_OK;
}

/* Give an event to the caller; false asks to stop. */
static bool show(generation *g, int32_t token, met_str text)
{
    if (g->options.on_token == NULL) return true;
    met_token_event event = {.token = token, .text = text, .index = g->result->generated_tokens};
    if (token >= 0) event.index--; /* this one is counted already */
    if (token >= 0 && g->options.logprobs >= 0) {
        int32_t vocab = g->session->model->program.vocab;
        int32_t top = g->options.logprobs < vocab ? g->options.logprobs : vocab;
        met_sampler_logprobs(g->sampler, g->logits, token, &event.logprob, g->top, top);
        event.top = g->top;
        event.top_count = (size_t)top;
    }
    return g->options.on_token(g->options.user, &event);
}

/* Text and event of a token. A control token has no text. */
static met_status show_token(generation *g, int32_t token, met_error *err)
{
    met_str bytes = {"", 0};
    met_str text = bytes;
    if (token < met_tokenizer_count(g->tokenizer) &&
        !met_tokenizer_is_control(g->tokenizer, token)) {
        bytes = met_tokenizer_bytes(g->tokenizer, token);
    }
    met_status status = met_text_stream_add(&g->text, bytes, &text, err);
    if (status != MET_OK) return status;
    bool go_on = show(g, token, text);
    if (!go_on)
        end(g, MET_FINISH_CALLBACK);
    else if (g->text.stopped)
        end(g, MET_FINISH_STOP);
    return MET_OK;
}

/* What was held back is text after all. */
static met_status show_rest(generation *g, met_error *err)
{
    met_str text;
    met_status status = met_text_stream_finish(&g->text, &text, err);
    if (status != MET_OK) return status;
    if (g->text.stopped) g->result->finish = MET_FINISH_STOP;
    if (text.bytes > 0) (void)show(g, -1, text); /* nothing is left to stop */
    return MET_OK;
}

/* Whether `token` ends the answer. */
static bool ends(const generation *g, int32_t token)
{
    return !g->options.ignore_end && token < met_tokenizer_count(g->tokenizer) &&
           met_tokenizer_is_end(g->tokenizer, token);
}

/* Guess what follows `token`; returns how many guesses to compute with it. */
static int32_t speculate(generation *g, int32_t token)
{
    const met_session *session = g->session;
    int32_t most = g->options.speculate;
    int32_t room = session->context_length - session->count - 1;
    if (most > room) most = room;
    if (g->options.max_tokens > 0) { /* the last one is chosen, but not computed */
        int32_t left = g->options.max_tokens - g->result->generated_tokens - 1;
        if (most > left) most = left;
    }
    met_lookup_guess(&g->lookup, session->tokens, session->count, token, most);
    int32_t guesses = 0; /* an end token is never fed */
    while (guesses < g->lookup.computed && !ends(g, g->lookup.batch[1 + guesses]))
        guesses++;
    g->lookup.computed = guesses;
    return guesses;
}

static uint64_t draw(void *user)
{
    return met_sampler_draw(user);
}

/* The machine feeds by itself what it chooses; only the first token comes from here. */
static met_status feed_machine(generation *g, int32_t token, met_error *err)
{
    met_session *session = g->session;
    if (g->decoding) {
        met_session_decode_fed(session, token);
        return MET_OK;
    }
    int32_t steps = session->context_length - session->count;
    if (g->options.max_tokens > 0) {
        int32_t left = g->options.max_tokens - g->result->generated_tokens;
        if (steps > left) steps = left;
    }
    g->decoding = true;
    return met_session_decode_begin(session, token, steps, &g->options.sampling, draw, g->sampler,
                                    err);
}

/* Make the session hold `token` and g->logits those that follow it. Guesses are computed, and then
 * taken back, so that the session never holds more than the answer. A guess that turns out right
 * is still in its list and in the machine's cache, and has its row of logits. */
static met_status feed(generation *g, int32_t token, met_error *err)
{
    met_session *session = g->session;
    if (g->on_machine) return feed_machine(g, token, err);
    if (g->options.speculate == 0) return met_session_feed(session, &token, 1, &g->logits, err);
    if (met_lookup_judge(&g->lookup, token)) {
        session->count++;
        g->logits += session->model->program.vocab;
        g->result->accepted_tokens++;
        return MET_OK;
    }
    int32_t guesses = speculate(g, token);
    met_status status =
        met_session_feed_all(session, g->lookup.batch, 1 + guesses, &g->logits, err);
    if (status != MET_OK) return status;
    g->result->proposed_tokens += guesses;
    return met_session_rewind(session, session->count - guesses, err);
}

static met_status choose(generation *g, int32_t *token, met_error *err)
{
    if (!g->decoding) return met_sampler_choose(g->sampler, g->logits, token, err);
    met_status status = met_session_decode_next(g->session, token, err);
    if (status != MET_OK || *token >= 0) return status;
    return met_sampler_fail(g->session->model->program.vocab, err);
}

/* One token: choose, show, feed. */
static met_status step(generation *g, double start, met_error *err)
{
    met_generate_result *result = g->result;
    int32_t token = -1;
    met_status status = choose(g, &token, err);
    if (status != MET_OK) return status;
    if (result->first_token_seconds == 0) result->first_token_seconds = met_clock_seconds() - start;
    if (ends(g, token)) {
        end(g, MET_FINISH_END);
        return MET_OK;
    }
    met_sampler_accept(g->sampler, token);
    result->generated_tokens++;
    met_measured_chosen(g->session->measured);
    status = show_token(g, token, err);
    met_measured_shown(g->session->measured);
    if (status != MET_OK || g->ended) return status;
    if (result->generated_tokens == g->options.max_tokens) {
        end(g, MET_FINISH_LENGTH);
    } else if (g->session->count == g->session->context_length) {
        end(g, MET_FINISH_CONTEXT);
    } else {
        status = feed(g, token, err);
    }
    return status;
}

/* What it cost, in one line; and whether the weights were read through large pages, which only the
 * first generation shows: nothing is resident before. */
static void log_result(const generation *g)
{
    const met_generate_result *r = g->result;
    const met_model *model = g->session->model;
    const met_log *log = met_model_log(model);
    met_pages pages;

    MET_LOG(log, MET_LOG_INFO,
            "generate: prompt of %d tokens, %d of them held already, in %.2f ms; first token after "
            "%.2f ms; %d tokens in all, the later ones in %.2f ms; finish: %s",
            r->prompt_tokens, r->reused_tokens, r->prefill_seconds * 1e3,
            r->first_token_seconds * 1e3, r->generated_tokens, r->decode_seconds * 1e3,
            met_finish_name(r->finish));
    if (g->options.speculate > 0) {
        MET_LOG(log, MET_LOG_INFO, "generate: %d of %d guessed tokens were right",
                r->accepted_tokens, r->proposed_tokens);
    }
    if (!met_log_on(log, MET_LOG_DEBUG) || model->mapping == NULL) return;
    if (met_pages_query(met_mapping_data(model->mapping), met_mapping_bytes(model->mapping),
                        &pages)) {
        MET_LOG(log, MET_LOG_DEBUG, "model file: %llu bytes resident, %llu of them in large pages",
                (unsigned long long)pages.resident_bytes, (unsigned long long)pages.large_bytes);
    }
}

met_generate_options met_generate_options_default(void)
{
    return (met_generate_options){.sampling = met_sampling_default(), .logprobs = -1};
}

const char *met_finish_name(met_finish finish)
{
    switch (finish) {
    case MET_FINISH_END: return "end";
    case MET_FINISH_STOP: return "stop";
    case MET_FINISH_LENGTH: return "length";
    case MET_FINISH_CONTEXT: return "context";
    case MET_FINISH_CALLBACK: return "interrupted";
    }
    return "unknown";
}

met_status met_generate(met_session *session, const int32_t *tokens, int32_t count,
                        const met_generate_options *options, met_generate_result *result,
                        met_error *err)
{
    double start = met_clock_seconds();
    met_generate_result unwanted;
    generation g = {
        .session = session,
        .tokenizer = session->model->tokenizer,
        .options = options != NULL ? *options : met_generate_options_default(),
        .result = result != NULL ? result : &unwanted,
    };
    *g.result = (met_generate_result){0};
    met_status status = check_options(&g.options, err);
    if (status != MET_OK) return status;
    met_measured_begin(session->measured);
    status = open_parts(&g, err);
    if (status != MET_OK) goto done;
    status = take_prompt(&g, tokens, count, err);
    while (status == MET_OK && !g.ended)
        status = step(&g, start, err);
    if (g.decoding) {
        met_status ended = met_session_decode_end(session, status == MET_OK ? err : NULL);
        if (status == MET_OK) status = ended;
    }
    if (status == MET_OK && g.result->finish != MET_FINISH_CALLBACK) status = show_rest(&g, err);
    if (g.result->first_token_seconds > 0) {
        g.result->decode_seconds = met_clock_seconds() - start - g.result->first_token_seconds;
    }
    if (status == MET_OK) log_result(&g);
done:
    met_measured_end(session->measured, g.result, met_context_memory(session->model->context));
    met_text_stream_close(&g.text);
    met_sampler_free(g.sampler);
    return status;
}
