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
    trace->end_ns = op->end_ns;
}

void met_trace_aside(const met_trace *trace, const met_event *op)
{
    met_event span = *op;
    span.id = met_recorder_new_id(trace->recorder);
    span.parent = trace->step;
    if (span.begin_ns < trace->begin_ns) span.begin_ns = trace->begin_ns;
    if (span.end_ns < span.begin_ns) span.end_ns = span.begin_ns;
    met_recorder_add(trace->recorder, &span);
}

void met_trace_device(const met_trace *trace, const met_event *op, double begin_seconds,
                      double end_seconds, double now_seconds)
{
    uint64_t now_ns = met_clock_ns();
    double ago_begin = (now_seconds - begin_seconds) * 1e9;
    double ago_end = (now_seconds - end_seconds) * 1e9;
    met_event span = *op;
    span.begin_ns = ago_begin > 0 && ago_begin < (double)now_ns ? now_ns - (uint64_t)ago_begin
                                                               : now_ns;
    span.end_ns = ago_end > 0 && ago_end < (double)now_ns ? now_ns - (uint64_t)ago_end : now_ns;
    double took_seconds = end_seconds - begin_seconds;
    if (took_seconds > 0 && took_seconds < 1e6) { /* false for what is not a number, too */
        met_recorder_count(trace->recorder, MET_COUNT_DEVICE_NS, (uint64_t)(took_seconds * 1e9));
    }
    met_trace_aside(trace, &span);
}

void met_trace_end(met_trace *trace)
{
    close_layer(trace);
    if (trace->end_ns == trace->begin_ns) trace->end_ns = met_clock_ns();
}
