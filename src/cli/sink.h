/* Where generated text goes. */
#ifndef MET_CLI_SINK_H
#define MET_CLI_SINK_H

#include "cli/generation.h"
#include "cli/output.h"

/* A sink writes to one output, which keeps the failures of writing. */
typedef struct met_sink met_sink;
struct met_sink {
    met_output *output;
    /* Before the first token. */
    void (*begin)(met_sink *sink, const met_generation *generation);
    /* Between parts of a long prompt: so many of its tokens are computed. */
    void (*progress)(met_sink *sink, int32_t done, int32_t total);
    /* False: memory is out; generation stops. */
    bool (*token)(met_sink *sink, const met_generation *generation, const met_token_event *event);
    /* After the last token; not called when generation failed. */
    void (*end)(met_sink *sink, const met_generation *generation);
    void (*free)(met_sink *sink);
};

/* "text": the answer as it comes. */
met_sink *met_sink_text_create(met_output *output);
/* "json": one document at the end, schema metallic.generate/1. */
met_sink *met_sink_json_create(met_output *output);
/* "jsonl": one event a line, schema metallic.events/1. */
met_sink *met_sink_jsonl_create(met_output *output);
/* "none". */
met_sink *met_sink_none_create(met_output *output);

#endif
