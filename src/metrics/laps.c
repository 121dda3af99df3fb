/* Owns: spans on a host's track that follow each other. */
#include "metrics/recorder.h"

void met_laps_begin(met_laps *laps, met_recorder *recorder, int32_t track, uint64_t begin_ns)
{
    *laps = (met_laps){.recorder = recorder, .track = track};
    if (recorder == NULL) return;
    laps->id = met_recorder_new_id(recorder);
    laps->begin_ns = begin_ns != 0 ? begin_ns : met_clock_ns();
    laps->at_ns = laps->begin_ns;
}

void met_laps_next(met_laps *laps, const char *name)
{
    if (laps->recorder == NULL) return;
    uint64_t now = met_clock_ns();
    met_event part = {
        .id = met_recorder_new_id(laps->recorder),
        .parent = laps->id,
        .name = name,
        .track = laps->track,
        .layer = -1,
        .begin_ns = laps->at_ns,
        .end_ns = now,
    };
    met_recorder_add(laps->recorder, &part);
    laps->at_ns = now;
}

void met_laps_skip(met_laps *laps)
{
    if (laps->recorder != NULL) laps->at_ns = met_clock_ns();
}

void met_laps_end(met_laps *laps, const met_event *span)
{
    if (laps->recorder == NULL) return;
    met_event whole = *span;
    whole.id = laps->id;
    whole.track = laps->track;
    whole.layer = -1;
    whole.begin_ns = laps->begin_ns;
    whole.end_ns = met_clock_ns();
    met_recorder_add(laps->recorder, &whole);
    laps->recorder = NULL;
}
