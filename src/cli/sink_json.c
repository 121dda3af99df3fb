/* Owns: the two JSON forms of a generation: one document (metallic.generate/1) and a stream of
 * events (metallic.events/1). The invariant: the texts of all token events, joined, are the
 * document's text.
 *
 * Jansson's setters take their value also on failure and fail for NULL, so that a document is built
 * without a check at every step: `failed` is looked at once. */
#include "cli/sink.h"

#include "cli/json_value.h"

#include <stdlib.h>
#include <string.h>

typedef struct json_sink {
    met_sink base;
    bool failed; /* memory is out */
    /* json only; NULL in jsonl */
    json_t *tokens;
    json_t *logprobs;
    char *text;
    size_t text_bytes;
    size_t text_capacity;
} json_sink;

static void set(json_sink *sink, json_t *dict, const char *key, json_t *value)
{
    if (json_object_set_new(dict, key, value) != 0) sink->failed = true;
}

static void push(json_sink *sink, json_t *list, json_t *value)
{
    if (json_array_append_new(list, value) != 0) sink->failed = true;
}

static json_t *text_of(met_str text)
{
    return met_json_text(text.data, text.bytes);
}

static json_t *model_facts(json_sink *sink, const met_generation *generation)
{
    met_model_info info = met_model_describe(generation->engine->model);
    const char *name = generation->engine->model_name;
    json_t *model = json_object();

    set(sink, model, "path", met_json_text(name, strlen(name)));
    set(sink, model, "name", text_of(info.name));
    set(sink, model, "architecture", text_of(info.architecture));
    set(sink, model, "weight_type", text_of(info.weight_type));
    set(sink, model, "parameters", json_integer((json_int_t)info.parameters));
    set(sink, model, "file_bytes", json_integer((json_int_t)info.file_bytes));
    set(sink, model, "weight_bytes", json_integer((json_int_t)info.weight_bytes));
    set(sink, model, "vocab", json_integer(info.vocab));
    set(sink, model, "layers", json_integer(info.layers));
    set(sink, model, "embedding_length", json_integer(info.embedding_length));
    set(sink, model, "context_length", json_integer(info.context_length));
    return model;
}

static json_t *settings(json_sink *sink, const met_generation *generation)
{
    const met_generate_flags *flags = generation->flags;
    met_context_info context = met_context_describe(generation->engine->context);
    json_t *all = json_object();
    json_t *stop = json_array();

    for (size_t i = 0; i < flags->stop.count; i++) {
        push(sink, stop, met_json_text(flags->stop.items[i], strlen(flags->stop.items[i])));
    }
    set(sink, all, "backend", json_string(context.backend));
    set(sink, all, "isa", json_string(context.isa));
    set(sink, all, "choice", json_string(context.choice));
    set(sink, all, "threads", json_integer(context.threads));
    set(sink, all, "matmul", json_string(context.matmul));
    set(sink, all, "context_length", json_integer(generation->context_length));
    set(sink, all, "kv_type", json_string(flags->engine.kv_type));
    set(sink, all, "max_tokens", json_integer(flags->max_tokens));
    set(sink, all, "temperature", met_json_real(flags->temperature));
    set(sink, all, "top_k", json_integer(flags->top_k));
    set(sink, all, "top_p", met_json_real(flags->top_p));
    set(sink, all, "min_p", met_json_real(flags->min_p));
    set(sink, all, "repeat_penalty", met_json_real(flags->repeat_penalty));
    set(sink, all, "presence_penalty", met_json_real(flags->presence_penalty));
    set(sink, all, "frequency_penalty", met_json_real(flags->frequency_penalty));
    set(sink, all, "repeat_last_n", json_integer(flags->repeat_last_n));
    set(sink, all, "seed", json_integer((json_int_t)generation->seed));
    set(sink, all, "ignore_end", json_boolean(flags->ignore_end));
    set(sink, all, "speculate", json_integer(flags->speculate));
    set(sink, all, "raw", json_boolean(flags->raw));
    set(sink, all, "stop", stop);
    return all;
}

static json_t *usage(json_sink *sink, const met_generation *generation)
{
    const met_generate_result *result = &generation->result;
    json_t *counts = json_object();

    set(sink, counts, "prompt_tokens", json_integer(result->prompt_tokens));
    set(sink, counts, "reused_tokens", json_integer(result->reused_tokens));
    set(sink, counts, "generated_tokens", json_integer(result->generated_tokens));
    set(sink, counts, "proposed_tokens", json_integer(result->proposed_tokens));
    set(sink, counts, "accepted_tokens", json_integer(result->accepted_tokens));
    return counts;
}

/* Null when nothing was counted. */
static json_t *rate(int32_t count, double seconds)
{
    return count > 0 && seconds > 0 ? met_json_real((double)count / seconds) : json_null();
}

/* Null when nothing is recorded, or when there was nothing to measure. */
static json_t *measured(const met_generation *generation, double value)
{
    return generation->has_summary && value > 0 ? met_json_real(value) : json_null();
}

/* From one token to the next; null when there were less than two. */
static json_t *between_tokens(json_sink *sink, const met_generation *generation)
{
    const met_summary *summary = &generation->summary;
    if (!generation->has_summary || generation->result.generated_tokens < 2) return json_null();
    json_t *seconds = json_object();
    set(sink, seconds, "p50", met_json_real(summary->token_seconds_p50));
    set(sink, seconds, "p95", met_json_real(summary->token_seconds_p95));
    set(sink, seconds, "p99", met_json_real(summary->token_seconds_p99));
    set(sink, seconds, "max", met_json_real(summary->token_seconds_max));
    return seconds;
}

static json_t *timings(json_sink *sink, const met_generation *generation)
{
    const met_generate_result *result = &generation->result;
    bool any = generation->first_token_at > 0;
    double process_to_first = generation->first_token_at - generation->start_seconds;
    json_t *all = json_object();

    set(sink, all, "load_seconds", met_json_real(generation->engine->load_seconds));
    set(sink, all, "prefill_seconds", met_json_real(result->prefill_seconds));
    set(sink, all, "first_token_seconds",
        any ? met_json_real(result->first_token_seconds) : json_null());
    set(sink, all, "process_to_first_token_seconds",
        any ? met_json_real(process_to_first) : json_null());
    set(sink, all, "decode_seconds", met_json_real(result->decode_seconds));
    set(sink, all, "total_seconds", met_json_real(generation->end_at - generation->start_seconds));
    set(sink, all, "prefill_tokens_per_second",
        rate(result->prompt_tokens - result->reused_tokens, result->prefill_seconds));
    set(sink, all, "decode_tokens_per_second",
        rate(result->generated_tokens - 1, result->decode_seconds));
    set(sink, all, "prefill_bytes_per_second",
        measured(generation, generation->summary.prefill_bytes_per_second));
    set(sink, all, "decode_bytes_per_second",
        measured(generation, generation->summary.decode_bytes_per_second));
    set(sink, all, "token_seconds", between_tokens(sink, generation));
    return all;
}

/* Most bytes of each kind so far, beside what was planned; null when nothing is recorded. */
static json_t *memory(json_sink *sink, const met_generation *generation)
{
    if (!generation->has_summary) return json_null();
    json_t *kinds = json_object();
    for (int i = 0; i < MET_MEMORY_KINDS; i++) {
        const met_memory_use *use = &generation->summary.memory.kind[i];
        json_t *kind = json_object();
        set(sink, kind, "peak_bytes", json_integer((json_int_t)use->peak_bytes));
        set(sink, kind, "planned_bytes", json_integer((json_int_t)use->planned_bytes));
        set(sink, kinds, met_memory_name((met_memory_kind)i), kind);
    }
    return kinds;
}

/* One token as it is spelled; a part of a character shows as U+FFFD. */
static json_t *spelling(const met_generation *generation, int32_t token)
{
    met_text text = {0};
    json_t *spelled = NULL;

    if (met_model_detokenize(generation->engine->model, &token, 1, true, &text, NULL) == MET_OK) {
        spelled = met_json_text(text.data, text.bytes);
    }
    met_text_free(&text);
    return spelled;
}

/* Adds "logprob" and "top" to `entry`. */
static void add_logprobs(json_sink *sink, json_t *entry, const met_generation *generation,
                         const met_token_event *event)
{
    json_t *top = json_array();

    for (size_t i = 0; i < event->top_count; i++) {
        json_t *other = json_object();
        set(sink, other, "id", json_integer(event->top[i].token));
        set(sink, other, "text", spelling(generation, event->top[i].token));
        set(sink, other, "logprob", met_json_real((double)event->top[i].logprob));
        push(sink, top, other);
    }
    set(sink, entry, "logprob", met_json_real((double)event->logprob));
    set(sink, entry, "top", top);
}

/* ---- json: one document */

static bool keep_text(json_sink *sink, met_str text)
{
    if (sink->text_capacity - sink->text_bytes < text.bytes) {
        size_t wanted = 2 * sink->text_capacity + text.bytes + 256;
        char *larger = realloc(sink->text, wanted);
        if (larger == NULL) return false;
        sink->text = larger;
        sink->text_capacity = wanted;
    }
    if (text.bytes > 0) memcpy(sink->text + sink->text_bytes, text.data, text.bytes);
    sink->text_bytes += text.bytes;
    return true;
}

static void document_begin(met_sink *base, const met_generation *generation)
{
    json_sink *sink = (json_sink *)base;

    sink->tokens = json_array();
    if (generation->flags->logprobs >= 0) sink->logprobs = json_array();
}

static void document_progress(met_sink *base, int32_t done, int32_t total)
{
    (void)base;
    (void)done;
    (void)total;
}

static bool document_token(met_sink *base, const met_generation *generation,
                           const met_token_event *event)
{
    json_sink *sink = (json_sink *)base;

    if (!keep_text(sink, event->text)) sink->failed = true;
    if (event->token >= 0) push(sink, sink->tokens, json_integer(event->token));
    if (event->token >= 0 && sink->logprobs != NULL) {
        json_t *entry = json_object();
        set(sink, entry, "id", json_integer(event->token));
        set(sink, entry, "text", spelling(generation, event->token));
        add_logprobs(sink, entry, generation, event);
        push(sink, sink->logprobs, entry);
    }
    return !sink->failed;
}

static void document_end(met_sink *base, const met_generation *generation)
{
    json_sink *sink = (json_sink *)base;
    json_t *document = json_object();

    set(sink, document, "schema", json_string("metallic.generate/1"));
    set(sink, document, "text", met_json_text(sink->text, sink->text_bytes));
    set(sink, document, "finish", json_string(met_finish_name(generation->finish)));
    set(sink, document, "tokens", sink->tokens);
    sink->tokens = NULL;
    set(sink, document, "prompt_tokens",
        met_json_ids(generation->prompt, (size_t)generation->prompt_count));
    if (sink->logprobs != NULL) set(sink, document, "logprobs", sink->logprobs);
    sink->logprobs = NULL;
    set(sink, document, "usage", usage(sink, generation));
    set(sink, document, "timings", timings(sink, generation));
    set(sink, document, "memory", memory(sink, generation));
    set(sink, document, "model", model_facts(sink, generation));
    set(sink, document, "settings", settings(sink, generation));
    if (sink->failed) {
        json_decref(document);
        document = NULL;
    }
    met_output_json(base->output, document, MET_JSON_FLOAT_DIGITS);
}

/* ---- jsonl: events */

static json_t *event_of(json_sink *sink, const char *kind)
{
    json_t *event = json_object();
    set(sink, event, "schema", json_string("metallic.events/1"));
    set(sink, event, "event", json_string(kind));
    return event;
}

static void write_event(json_sink *sink, json_t *event)
{
    if (sink->failed) {
        json_decref(event);
        event = NULL;
    }
    met_output_json(sink->base.output, event, MET_JSON_FLOAT_DIGITS);
    met_output_flush(sink->base.output);
}

static void events_begin(met_sink *base, const met_generation *generation)
{
    json_sink *sink = (json_sink *)base;
    json_t *event = event_of(sink, "start");

    set(sink, event, "prompt_tokens",
        met_json_ids(generation->prompt, (size_t)generation->prompt_count));
    set(sink, event, "load_seconds", met_json_real(generation->engine->load_seconds));
    set(sink, event, "model", model_facts(sink, generation));
    set(sink, event, "settings", settings(sink, generation));
    write_event(sink, event);
}

static void events_progress(met_sink *base, int32_t done, int32_t total)
{
    json_sink *sink = (json_sink *)base;
    json_t *event = event_of(sink, "progress");

    set(sink, event, "done", json_integer(done));
    set(sink, event, "total", json_integer(total));
    write_event(sink, event);
}

static bool events_token(met_sink *base, const met_generation *generation,
                         const met_token_event *event)
{
    json_sink *sink = (json_sink *)base;
    json_t *line = event_of(sink, "token");

    set(sink, line, "index", json_integer(event->index));
    set(sink, line, "id", event->token >= 0 ? json_integer(event->token) : json_null());
    set(sink, line, "text", text_of(event->text));
    if (event->token >= 0 && generation->flags->logprobs >= 0) {
        add_logprobs(sink, line, generation, event);
    }
    write_event(sink, line);
    return !sink->failed;
}

static void events_end(met_sink *base, const met_generation *generation)
{
    json_sink *sink = (json_sink *)base;
    json_t *event = event_of(sink, "end");

    set(sink, event, "finish", json_string(met_finish_name(generation->finish)));
    set(sink, event, "usage", usage(sink, generation));
    set(sink, event, "timings", timings(sink, generation));
    set(sink, event, "memory", memory(sink, generation));
    write_event(sink, event);
}

static void free_json(met_sink *base)
{
    json_sink *sink = (json_sink *)base;
    json_decref(sink->tokens);
    json_decref(sink->logprobs);
    free(sink->text);
    free(sink);
}

met_sink *met_sink_json_create(met_output *output)
{
    json_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) return NULL;
    sink->base = (met_sink){output,         document_begin, document_progress,
                            document_token, document_end,   free_json};
    return &sink->base;
}

met_sink *met_sink_jsonl_create(met_output *output)
{
    json_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) return NULL;
    sink->base = (met_sink){output,       events_begin, events_progress,
                            events_token, events_end,   free_json};
    return &sink->base;
}
