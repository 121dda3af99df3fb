/* Recording: what sessions and machines call.
 *
 * Times go in as the clock's (base/clock.h) and come out as nanoseconds since the recorder was
 * created. Nothing here fails: what cannot be recorded is counted. */
#ifndef MET_METRICS_RECORDER_H
#define MET_METRICS_RECORDER_H

#include "base/clock.h"
#include "metallic.h"

enum {
    MET_SPAN_PROCESS = 1, /* the id that every recorder's outermost span has */
    MET_TRACK_MAIN = 0,   /* what no session does: loading */
    MET_TRACKS_MAX = 512
};

/* The totals behind met_counters, in its order. */
typedef enum met_count {
    MET_COUNT_LOADS = 0,
    MET_COUNT_GENERATIONS,
    MET_COUNT_PROMPT_TOKENS,
    MET_COUNT_REUSED_TOKENS,
    MET_COUNT_GENERATED_TOKENS,
    MET_COUNT_PROPOSED_TOKENS,
    MET_COUNT_ACCEPTED_TOKENS,
    MET_COUNT_PREFILL_STEPS,
    MET_COUNT_PREFILL_TOKENS,
    MET_COUNT_PREFILL_NS,
    MET_COUNT_PREFILL_BYTES,
    MET_COUNT_DECODE_STEPS,
    MET_COUNT_DECODE_TOKENS,
    MET_COUNT_DECODE_NS,
    MET_COUNT_DECODE_BYTES,
    MET_COUNT_BARRIER_WAIT_NS,
    MET_COUNT_DEVICE_NS,
    MET_COUNT_DROPPED_EVENTS,
} met_count;

enum { MET_COUNTS = 18 };

void met_recorder_count(met_recorder *recorder, met_count what, uint64_t by);

/* The level, or OFF for no recorder: the one question that a step asks. */
static inline met_record_level met_recorder_asks(const met_recorder *recorder)
{
    return recorder == NULL ? MET_RECORD_OFF : met_recorder_level(recorder);
}

/* An id for a span whose children are recorded before it. */
uint64_t met_recorder_new_id(met_recorder *recorder);

/* Record a span that has ended. Its detail must have come from met_recorder_intern, or be empty;
 * its name is static. */
void met_recorder_add(met_recorder *recorder, const met_event *event);

/* A copy of `text` that lives as long as the recorder, the same for the same text. Empty when there
 * is no recorder or no memory. Takes a lock: for loading, not for steps. */
met_str met_recorder_intern(met_recorder *recorder, met_str text);

/* `count` neighbouring tracks named "KIND 1", "KIND 2", ...; returns the first. `kind` is static.
 * When all are taken it is the main track, where spans then overlap. */
int32_t met_recorder_open_tracks(met_recorder *recorder, const char *kind, int32_t count);
/* Whoever opens tracks of that kind next may be given these again. */
void met_recorder_close_tracks(met_recorder *recorder, int32_t first, int32_t count);

/* export.h */
struct met_exports *met_recorder_exports(const met_recorder *recorder);

/* How many events were recorded: the cursor of a reader that has seen all. */
uint64_t met_recorder_head(const met_recorder *recorder);
size_t met_recorder_capacity(const met_recorder *recorder);
/* The clock when it was created: no event is older. */
uint64_t met_recorder_epoch(const met_recorder *recorder);

/* ---------------------------------------------------------------- laps */

/* A span on a host's track whose parts follow each other. With a NULL recorder every call does
 * nothing. */
typedef struct met_laps {
    met_recorder *recorder;
    uint64_t id; /* of the span itself */
    int32_t track;
    uint64_t begin_ns;
    uint64_t at_ns; /* where the last part ended */
} met_laps;

/* `begin_ns` 0: now. */
void met_laps_begin(met_laps *laps, met_recorder *recorder, int32_t track, uint64_t begin_ns);
/* The part that began where the last one ended, or where met_laps_skip was called, ends now. */
void met_laps_next(met_laps *laps, const char *name);
void met_laps_skip(met_laps *laps);
/* The span itself ends now: name, detail, parent, tokens and bytes are taken from `span`. */
void met_laps_end(met_laps *laps, const met_event *span);

/* ---------------------------------------------------------------- steps */

/* One step of a machine as it is recorded. The session opens it, the machine fills it in: the
 * totals always, its operations when the level asks for them. */
typedef struct met_trace {
    met_recorder *recorder; /* not NULL */
    met_record_level level; /* TOKEN or above, the same for the whole step */
    uint64_t step;          /* id of the step's span */
    int32_t track;
    uint64_t begin_ns; /* of the step */
    uint64_t end_ns;   /* where the last operation ended; begin_ns when none was recorded */
    /* Totals of the whole step, by the machine. */
    uint64_t bytes;
    uint64_t macs;
    /* Of the operations that were recorded: less when the step was stopped. */
    uint64_t wait_ns;
    uint64_t done_bytes;
    uint64_t done_macs;
    met_event layer; /* inner: the one at hand; id 0: none */
} met_trace;

void met_trace_begin(met_trace *trace, met_recorder *recorder, met_record_level level,
                     int32_t track);

/* The next operation of a step: name, detail, layer, end_ns, wait_ns, tokens, bytes and macs are
 * taken from `op`. It began where the one before it ended, and so do layers: what is recorded tiles
 * the step without a gap, by construction. Operations of one layer follow each other. */
void met_trace_op(met_trace *trace, const met_event *op);

/* What another worker or a device did within the step, on a track of its own: name, detail, track,
 * layer, begin_ns, end_ns, tokens, bytes and macs are taken from `op`. It is kept within the step.
 * Called by any thread before the step ends. */
void met_trace_aside(const met_trace *trace, const met_event *op);

/* The same for work that a device timed by its own clock, in seconds; `now_seconds` is that clock
 * at this moment. Counts device time. Work that began before the step did, because the machine runs
 * ahead, is the process's and not cut. op->end_ns: by when the host saw that it had ended, or 0. */
void met_trace_device(const met_trace *trace, const met_event *op, double begin_seconds,
                      double end_seconds, double now_seconds);

/* Close the last layer. Afterwards end_ns is where the step's span ends: the last operation's end,
 * or now when the machine recorded none. */
void met_trace_end(met_trace *trace);

#endif
