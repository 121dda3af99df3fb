/* Owns: the answer as plain text, flushed as it comes, and nothing else; a line feed closes it when
 * it does not end in one. Also the sink that writes nothing. */
#include "cli/sink.h"

#include <stdlib.h>

typedef struct text_sink {
    met_sink base;
    char last; /* byte written; 0: none */
} text_sink;

static void begin(met_sink *base, const met_generation *generation)
{
    (void)base;
    (void)generation;
}

static void ignore_progress(met_sink *base, int32_t done, int32_t total)
{
    (void)base;
    (void)done;
    (void)total;
}

static bool token(met_sink *base, const met_generation *generation, const met_token_event *event)
{
    text_sink *sink = (text_sink *)base;

    (void)generation;
    if (event->text.bytes == 0) return true;
    met_output_write(base->output, event->text.data, event->text.bytes);
    met_output_flush(base->output);
    sink->last = event->text.data[event->text.bytes - 1];
    return true;
}

static void end(met_sink *base, const met_generation *generation)
{
    const text_sink *sink = (const text_sink *)base;

    (void)generation;
    if (sink->last != '\0' && sink->last != '\n') met_output_text(base->output, "\n");
    met_output_flush(base->output);
}

static void free_text(met_sink *base)
{
    free(base);
}

met_sink *met_sink_text_create(met_output *output)
{
    text_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) return NULL;
    sink->base = (met_sink){output, begin, ignore_progress, token, end, free_text};
    return &sink->base;
}

static bool ignore_token(met_sink *base, const met_generation *generation,
                         const met_token_event *event)
{
    (void)base;
    (void)generation;
    (void)event;
    return true;
}

met_sink *met_sink_none_create(met_output *output)
{
    met_sink *sink = calloc(1, sizeof *sink);
    if (sink == NULL) return NULL;
    *sink = (met_sink){output, begin, ignore_progress, ignore_token, begin, free_text};
    return sink;
}
