/* The formats of exported files: one function for each kind of line. */
#ifndef MET_METRICS_LINES_H
#define MET_METRICS_LINES_H

#include "metrics/writer.h"

/* How every file of either format begins: what tells one of ours from someone else's. */
#define MET_JSONL_SIGNATURE "{\"schema\":\"metallic.metrics/"
#define MET_CHROME_SIGNATURE                                                                       \
    "[\n{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"metallic, process "

/* JSON Lines, schema metallic.metrics/1: docs/METRICS.md and docs/schemas/metrics-1.json. */
void met_jsonl_start(met_writer *writer, const met_recorder *recorder);
void met_jsonl_track(met_writer *writer, int32_t track, met_str name);
void met_jsonl_span(met_writer *writer, const met_event *event);
void met_jsonl_lost(met_writer *writer, uint64_t events);
void met_jsonl_summary(met_writer *writer, int32_t track, const met_summary *summary,
                       const char *finish);
void met_jsonl_counters(met_writer *writer, const met_counters *counters);
void met_jsonl_end(met_writer *writer, uint64_t now_ns);

/* Chrome's trace events as one JSON array, which may end anywhere. */
void met_chrome_start(met_writer *writer);
void met_chrome_track(met_writer *writer, int32_t track, met_str name);
void met_chrome_span(met_writer *writer, const met_event *event);
void met_chrome_lost(met_writer *writer, uint64_t events, uint64_t now_ns);
void met_chrome_memory(met_writer *writer, const met_memory *memory, uint64_t now_ns);
void met_chrome_finish(met_writer *writer);

#endif
