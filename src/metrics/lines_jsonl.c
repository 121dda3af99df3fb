/* Owns: the lines of metallic.metrics/1. The invariant: a line is a whole JSON object with its
 * schema, and all numbers in it are exact but rates, which have three decimals. */
#include "metrics/lines.h"

#include "base/text.h"

#include <time.h>
#include <unistd.h>

static void begin(met_writer *w, const char *kind)
{
    met_writer_literal(w, MET_JSONL_SIGNATURE "1\",\"event\":");
    met_writer_string(w, met_str_of(kind));
}

static void end(met_writer *w)
{
    met_writer_literal(w, "}\n");
}

static void key(met_writer *w, const char *name)
{
    met_writer_literal(w, ",\"");
    met_writer_bytes(w, name, strlen(name));
    met_writer_literal(w, "\":");
}

static void put_uint(met_writer *w, const char *name, uint64_t value)
{
    key(w, name);
    met_writer_uint(w, value);
}

static void put_int(met_writer *w, const char *name, int64_t value)
{
    put_uint(w, name, value > 0 ? (uint64_t)value : 0); /* none of them is negative */
}

static void put_string(met_writer *w, const char *name, met_str value)
{
    key(w, name);
    met_writer_string(w, value);
}

/* To three decimals. What is not a number, or too large, is nothing that was measured: 0. */
static void put_rate(met_writer *w, const char *name, double value)
{
    key(w, name);
    bool good = value > 0 && value < 1e15;
    met_writer_decimal(w, good ? (uint64_t)(value * 1e3 + 0.5) : 0, 3);
}

static void put_ns(met_writer *w, const char *name, double seconds)
{
    bool good = seconds > 0 && seconds < 1e9;
    put_uint(w, name, good ? (uint64_t)(seconds * 1e9 + 0.5) : 0);
}

void met_jsonl_start(met_writer *w, const met_recorder *recorder)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    begin(w, "start");
    put_string(w, "version", met_str_of(met_version()));
    put_string(w, "level", met_str_of(met_record_level_name(met_recorder_level(recorder))));
    put_int(w, "process", (int64_t)getpid());
    put_uint(w, "now_ns", met_recorder_now(recorder));
    key(w, "unix_seconds");
    met_writer_decimal(w, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000, 3);
    end(w);
}

void met_jsonl_track(met_writer *w, int32_t track, met_str name)
{
    begin(w, "track");
    put_int(w, "track", track);
    put_string(w, "name", name);
    end(w);
}

void met_jsonl_span(met_writer *w, const met_event *event)
{
    begin(w, "span");
    put_uint(w, "id", event->id);
    put_uint(w, "parent", event->parent);
    put_string(w, "name", met_str_of(event->name));
    put_string(w, "detail", event->detail);
    put_int(w, "track", event->track);
    key(w, "layer");
    if (event->layer >= 0)
        met_writer_uint(w, (uint64_t)event->layer);
    else
        met_writer_literal(w, "null");
    put_uint(w, "begin_ns", event->begin_ns);
    put_uint(w, "end_ns", event->end_ns);
    put_uint(w, "wait_ns", event->wait_ns);
    put_uint(w, "tokens", event->tokens);
    put_uint(w, "bytes", event->bytes);
    put_uint(w, "macs", event->macs);
    end(w);
}

void met_jsonl_lost(met_writer *w, uint64_t events)
{
    begin(w, "lost");
    put_uint(w, "events", events);
    end(w);
}

static void put_memory(met_writer *w, const met_memory *memory)
{
    key(w, "memory");
    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        const met_memory_use *use = &memory->kind[kind];
        met_writer_bytes(w, kind == 0 ? "{" : ",", 1);
        met_writer_string(w, met_str_of(met_memory_name((met_memory_kind)kind)));
        met_writer_literal(w, ":{\"bytes\":");
        met_writer_uint(w, use->bytes);
        put_uint(w, "peak_bytes", use->peak_bytes);
        put_uint(w, "planned_bytes", use->planned_bytes);
        met_writer_literal(w, "}");
    }
    met_writer_literal(w, "}");
}

void met_jsonl_summary(met_writer *w, int32_t track, const met_summary *s, const char *finish)
{
    const met_generate_result *r = &s->result;
    begin(w, "summary");
    put_int(w, "track", track);
    put_string(w, "finish", met_str_of(finish));
    put_int(w, "prompt_tokens", r->prompt_tokens);
    put_int(w, "reused_tokens", r->reused_tokens);
    put_int(w, "generated_tokens", r->generated_tokens);
    put_int(w, "proposed_tokens", r->proposed_tokens);
    put_int(w, "accepted_tokens", r->accepted_tokens);
    put_ns(w, "prefill_ns", r->prefill_seconds);
    put_ns(w, "first_token_ns", r->first_token_seconds);
    put_ns(w, "decode_ns", r->decode_seconds);
    put_rate(w, "prefill_tokens_per_second", s->prefill_tokens_per_second);
    put_rate(w, "decode_tokens_per_second", s->decode_tokens_per_second);
    put_ns(w, "token_ns_p50", s->token_seconds_p50);
    put_ns(w, "token_ns_p95", s->token_seconds_p95);
    put_ns(w, "token_ns_p99", s->token_seconds_p99);
    put_ns(w, "token_ns_max", s->token_seconds_max);
    put_rate(w, "prefill_bytes_per_second", s->prefill_bytes_per_second);
    put_rate(w, "decode_bytes_per_second", s->decode_bytes_per_second);
    put_rate(w, "prefill_macs_per_second", s->prefill_macs_per_second);
    put_uint(w, "barrier_wait_ns", s->barrier_wait_ns);
    put_memory(w, &s->memory);
    end(w);
}

void met_jsonl_counters(met_writer *w, const met_counters *c)
{
    begin(w, "counters");
    put_uint(w, "loads", c->loads);
    put_uint(w, "generations", c->generations);
    put_uint(w, "prompt_tokens", c->prompt_tokens);
    put_uint(w, "reused_tokens", c->reused_tokens);
    put_uint(w, "generated_tokens", c->generated_tokens);
    put_uint(w, "proposed_tokens", c->proposed_tokens);
    put_uint(w, "accepted_tokens", c->accepted_tokens);
    put_uint(w, "prefill_steps", c->prefill_steps);
    put_uint(w, "prefill_tokens", c->prefill_tokens);
    put_uint(w, "prefill_ns", c->prefill_ns);
    put_uint(w, "prefill_bytes", c->prefill_bytes);
    put_uint(w, "decode_steps", c->decode_steps);
    put_uint(w, "decode_tokens", c->decode_tokens);
    put_uint(w, "decode_ns", c->decode_ns);
    put_uint(w, "decode_bytes", c->decode_bytes);
    put_uint(w, "barrier_wait_ns", c->barrier_wait_ns);
    put_uint(w, "device_ns", c->device_ns);
    put_uint(w, "events", c->events);
    put_uint(w, "dropped_events", c->dropped_events);
    end(w);
}

void met_jsonl_end(met_writer *w, uint64_t now_ns)
{
    begin(w, "end");
    put_uint(w, "now_ns", now_ns);
    end(w);
}
