/* What a session records, and what its last generation came to. */
#ifndef MET_GENERATE_MEASURED_H
#define MET_GENERATE_MEASURED_H

#include "backend/backend.h"
#include "metrics/durations.h"
#include "metrics/recorder.h"

typedef struct met_measured {
    met_recorder *recorder; /* borrowed */
    int32_t track;
    met_laps generation; /* the span at hand; its recorder is NULL outside met_generate */
    bool prompt;         /* within it: the prompt is being computed */
    /* Of the generation at hand, or of the last one. */
    bool summed; /* it has ended, and `summary` is of it */
    met_summary summary;
    uint64_t prefill_ns, prefill_bytes, prefill_macs, decode_ns, decode_bytes; /* of its steps */
    uint64_t token_ns;     /* when its last token was chosen; 0: none yet */
    met_durations between; /* from token to token */
} met_measured;

/* `recorder` NULL leaves *out NULL, which every function below accepts: nothing is recorded. */
met_status met_measured_create(met_recorder *recorder, met_measured **out, met_error *err);
void met_measured_free(met_measured *measured);

/* Run a step, and record it. */
met_status met_measured_step(met_measured *measured, met_timeline *timeline, met_step *step,
                             const float **logits, met_error *err);

/* Let the machine choose the next token (met_decode), and record its step. */
met_status met_measured_decode(met_measured *measured, met_timeline *timeline, int32_t *token,
                               met_error *err);
/* Whether layers or operations are recorded. */
bool met_measured_wants_layers(const met_measured *measured);

/* A generation begins: it will compute its prompt. */
void met_measured_begin(met_measured *measured);
/* The prompt is computed. */
void met_measured_prompt(met_measured *measured, const met_generate_result *result);
/* A token was chosen; then it was shown. A step may follow. */
void met_measured_chosen(met_measured *measured);
void met_measured_shown(met_measured *measured);
/* The generation ended, well or not. `memory` is that of its context. */
void met_measured_end(met_measured *measured, const met_generate_result *result, met_memory memory);

#endif
