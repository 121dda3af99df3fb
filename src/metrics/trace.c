/* Owns: how the operations of a step become spans that nest and add up. The invariant: on the
 * session's track, what is recorded within a step tiles it. */
#include "metrics/recorder.h"

static void close_layer(met_trace *trace)
{
    if (trace->layer.id == 0) return;
    trace->layer.end_ns = trace->end_ns;
    met_recorder_add(trace->recorder, &trace->layer);
    trace->layer.id = 0;
}

static void open_layer(met_trace *trace, const met_event *op)
{
    trace->layer = (met_event){
        .id = met_recorder_new_id(trace->recorder),
        .parent = trace->step,
        .name = "layer",
        .track = trace->track,
        .layer = op->layer,
        .begin_ns = trace->end_ns,
    };
}

void met_trace_begin(met_trace *trace, met_recorder *recorder, met_record_level level,
                     int32_t track)
{
    uint64_t now = met_clock_ns();
    *trace = (met_trace){
        .recorder = recorder,
        .level = level,
        .step = met_recorder_new_id(recorder),
        .track = track,
        .begin_ns = now,
        .end_ns = now,
    };
}

void met_trace_op(met_trace *trace, const met_event *op)
{
    bool in_layer = op->layer >= 0;
    if (trace->layer.id != 0 && trace->layer.layer != op->layer) close_layer(trace);
    if (in_layer && trace->layer.id == 0) open_layer(trace, op);
    if (!in_layer || trace->level >= MET_RECORD_OP) {
        met_event span = *op;
        span.id = met_recorder_new_id(trace->recorder);
        span.parent = in_layer ? trace->layer.id : trace->step;
        span.track = trace->track;
        span.begin_ns = trace->end_ns;
        met_recorder_add(trace->recorder, &span);
    }
    if (in_layer) {
        trace->layer.tokens = op->tokens > trace->layer.tokens ? op->tokens : trace->layer.tokens;
        trace->layer.wait_ns += op->wait_ns;
        trace->layer.bytes += op->bytes;
        trace->layer.macs += op->macs;
    }
    trace->wait_ns += op->wait_ns;
    trace->done_bytes += op->bytes;
    trace->done_macs += op->macs;
    trace->end_ns = op->end_ns;
}

static void add_beside(const met_trace *trace, const met_event *op, uint64_t parent)
{
    met_event span = *op;
    span.id = met_recorder_new_id(trace->recorder);
    span.parent = parent;
    if (span.end_ns < span.begin_ns) span.end_ns = span.begin_ns;
    met_recorder_add(trace->recorder, &span);
}

void met_trace_aside(const met_trace *trace, const met_event *op)
{
    met_event span = *op;
    if (span.begin_ns < trace->begin_ns) span.begin_ns = trace->begin_ns;
    add_beside(trace, &span, trace->step);
}

/* So many seconds before `now_ns`. What cannot be, or is not a number, is now. */
static uint64_t moment(const met_recorder *recorder, uint64_t now_ns, double ago_seconds)
{
    uint64_t epoch_ns = met_recorder_epoch(recorder);
    double most_seconds = (double)(now_ns - epoch_ns) * 1e-9;
    bool good = ago_seconds > 0 && ago_seconds < most_seconds;
    return good ? now_ns - (uint64_t)(ago_seconds * 1e9) : now_ns;
}

void met_trace_device(const met_trace *trace, const met_event *op, double begin_seconds,
                      double end_seconds, double now_seconds)
{
    uint64_t now_ns = met_clock_ns();
    met_event span = *op;
    span.begin_ns = moment(trace->recorder, now_ns, now_seconds - begin_seconds);
    span.end_ns = moment(trace->recorder, now_ns, now_seconds - end_seconds);
    /* The caller reads the device's clock, this function the host's: when the thread stood still in
     * between, both moments come out as much too late. */
    if (op->end_ns != 0 && span.end_ns > op->end_ns) {
        uint64_t late_ns = span.end_ns - op->end_ns;
        uint64_t most_ns = span.begin_ns - met_recorder_epoch(trace->recorder);
        span.begin_ns -= late_ns < most_ns ? late_ns : most_ns;
        span.end_ns = op->end_ns;
    }
    double took_seconds = end_seconds - begin_seconds;
    if (took_seconds > 0 && took_seconds < 1e6) { /* false for what is not a number, too */
        met_recorder_count(trace->recorder, MET_COUNT_DEVICE_NS, (uint64_t)(took_seconds * 1e9));
    }
    bool ahead = span.begin_ns < trace->begin_ns;
    add_beside(trace, &span, ahead ? MET_SPAN_PROCESS : trace->step);
}

void met_trace_end(met_trace *trace)
{
    close_layer(trace);
    if (trace->end_ns == trace->begin_ns) trace->end_ns = met_clock_ns();
}
