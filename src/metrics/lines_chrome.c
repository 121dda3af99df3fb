/* Owns: the events of a Chrome trace, as chrome://tracing and ui.perfetto.dev read them. The
 * invariant: every event begins with what separates it from the one before, so that a file that
 * ends early lacks nothing but the bracket that the format lets be missing. Times are microseconds,
 * with nanoseconds as decimals. */
#include "metrics/lines.h"

#include "base/text.h"
#include "metrics/recorder.h"

#include <stdio.h>
#include <unistd.h>

static void begin(met_writer *w, char phase, int32_t track)
{
    met_writer_literal(w, ",\n{\"ph\":\"");
    met_writer_bytes(w, &phase, 1);
    met_writer_literal(w, "\",\"pid\":1,\"tid\":");
    met_writer_uint(w, (uint64_t)track);
}

static void put_time(met_writer *w, uint64_t ns)
{
    met_writer_literal(w, ",\"ts\":");
    met_writer_decimal(w, ns, 3);
}

void met_chrome_start(met_writer *w)
{
    met_writer_literal(w, MET_CHROME_SIGNATURE);
    met_writer_uint(w, (uint64_t)getpid());
    met_writer_literal(w, "\"}}");
}

void met_chrome_track(met_writer *w, int32_t track, met_str name)
{
    begin(w, 'M', track);
    met_writer_literal(w, ",\"name\":\"thread_name\",\"args\":{\"name\":");
    met_writer_string(w, name);
    met_writer_literal(w, "}}");
    begin(w, 'M', track);
    met_writer_literal(w, ",\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":");
    met_writer_uint(w, (uint64_t)track);
    met_writer_literal(w, "}}");
}

/* One argument of a span, when there is something to say. */
static void put_argument(met_writer *w, const char *name, uint64_t value, bool *any)
{
    if (value == 0) return;
    met_writer_bytes(w, *any ? "," : "", *any ? 1 : 0);
    met_writer_string(w, met_str_of(name));
    met_writer_literal(w, ":");
    met_writer_uint(w, value);
    *any = true;
}

void met_chrome_span(met_writer *w, const met_event *event)
{
    char layer[24];
    met_str name = met_str_of(event->name);
    bool any = false;
    if (strcmp(event->name, "layer") == 0) {
        name.bytes = (size_t)snprintf(layer, sizeof layer, "layer %d", (int)event->layer);
        name.data = layer;
    }
    begin(w, 'X', event->track);
    put_time(w, event->begin_ns);
    met_writer_literal(w, ",\"dur\":");
    met_writer_decimal(w, event->end_ns - event->begin_ns, 3);
    met_writer_literal(w, ",\"name\":");
    met_writer_string(w, name);
    met_writer_literal(w, ",\"args\":{");
    if (event->detail.bytes > 0) {
        met_writer_literal(w, "\"detail\":");
        met_writer_string(w, event->detail);
        any = true;
    }
    put_argument(w, "tokens", event->tokens, &any);
    put_argument(w, "wait_ns", event->wait_ns, &any);
    put_argument(w, "bytes", event->bytes, &any);
    put_argument(w, "macs", event->macs, &any);
    met_writer_literal(w, "}}");
}

void met_chrome_lost(met_writer *w, uint64_t events, uint64_t now_ns)
{
    begin(w, 'i', MET_TRACK_MAIN);
    put_time(w, now_ns);
    met_writer_literal(w, ",\"s\":\"g\",\"name\":\"events lost\",\"args\":{\"events\":");
    met_writer_uint(w, events);
    met_writer_literal(w, "}}");
}

void met_chrome_memory(met_writer *w, const met_memory *memory, uint64_t now_ns)
{
    begin(w, 'C', MET_TRACK_MAIN);
    put_time(w, now_ns);
    met_writer_literal(w, ",\"name\":\"memory, bytes\",\"args\":{");
    for (int kind = 0; kind < MET_MEMORY_KINDS; kind++) {
        met_writer_bytes(w, ",", kind > 0);
        met_writer_string(w, met_str_of(met_memory_name((met_memory_kind)kind)));
        met_writer_literal(w, ":");
        met_writer_uint(w, memory->kind[kind].bytes);
    }
    met_writer_literal(w, "}}");
}

void met_chrome_finish(met_writer *w)
{
    met_writer_literal(w, "\n]\n");
}
