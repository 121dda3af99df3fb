/* Owns: holding text back and finding stop strings. Does not own tokens or their bytes.
 *
 * The invariant between calls: the bytes not yet given out are exactly the longest end of the text
 * with which some stop string begins. Both are well-formed UTF-8, so that end begins with a whole
 * character, and what is given out always ends with one. */
#include "generate/stream.h"

#include "base/error.h"

#include <stdlib.h>

/* fallback[i]: length of the longest proper prefix of text[0..i] that is also its end. */
static void fill_fallback(met_stop *stop)
{
    size_t border = 0;
    stop->fallback[0] = 0;
    for (size_t i = 1; i < stop->text.bytes; i++) {
        while (border > 0 && stop->text.data[border] != stop->text.data[i]) {
            border = stop->fallback[border - 1];
        }
        border += stop->text.data[border] == stop->text.data[i];
        stop->fallback[i] = border;
    }
}

/* One byte goes by; true when it completes the stop string. */
static bool stop_step(met_stop *stop, char byte)
{
    while (stop->matched > 0 && stop->text.data[stop->matched] != byte) {
        stop->matched = stop->fallback[stop->matched - 1];
    }
    stop->matched += stop->text.data[stop->matched] == byte;
    return stop->matched == stop->text.bytes;
}

/* Look at text[from..]: returns where the text that can be shown ends. */
static size_t scan(met_text_stream *stream, size_t from)
{
    size_t held = 0;
    for (size_t i = from; i < stream->text.bytes; i++) {
        size_t complete = 0;
        held = 0;
        for (size_t s = 0; s < stream->stop_count; s++) {
            met_stop *stop = &stream->stops[s];
            size_t *longest = stop_step(stop, stream->text.data[i]) ? &complete : &held;
            if (stop->matched > *longest) *longest = stop->matched;
        }
        if (complete > 0) {
            stream->stopped = true;
            return i + 1 - complete;
        }
    }
    return stream->text.bytes - held;
}

/* Move what is held back to the front once it is the smaller part: amortised O(1) a byte. */
static void drop_shown(met_text_stream *stream)
{
    met_buffer *text = &stream->text;
    size_t held = text->bytes - stream->shown;
    if (held > stream->shown) return;
    if (held > 0) memmove(text->data, text->data + stream->shown, held);
    text->bytes = held;
    stream->shown = 0;
}

static met_status give_out(met_text_stream *stream, size_t end, met_str *out, met_error *err)
{
    if (stream->text.failed) return met_fail_memory(err, "generated text", stream->text.bytes);
    *out = (met_str){stream->text.data + stream->shown, end - stream->shown};
    stream->shown = end;
    return MET_OK;
}

met_status met_text_stream_init(met_text_stream *stream, const char *const *stop, size_t stop_count,
                                met_error *err)
{
    *stream = (met_text_stream){0};
    if (stop_count > 0) {
        stream->stops = calloc(stop_count, sizeof *stream->stops);
        if (stream->stops == NULL) {
            return met_fail_memory(err, "stop strings", stop_count * sizeof *stream->stops);
        }
        stream->stop_count = stop_count;
    }
    size_t longest = 0;
    for (size_t i = 0; i < stop_count; i++) {
        met_stop *one = &stream->stops[i];
        if (stop[i] == NULL || stop[i][0] == '\0') {
            return met_fail(err, MET_E_ARGUMENT,
                            "stop string %zu: found an empty one, expected text", i);
        }
        one->text = met_str_of(stop[i]);
        size_t bad = 0;
        if (!met_utf8_valid(one->text, &bad)) {
            return met_fail(err, MET_E_ARGUMENT,
                            "stop string %zu: byte %zu is not UTF-8, expected UTF-8 text", i, bad);
        }
        if (one->text.bytes > longest) longest = one->text.bytes;
        one->fallback = calloc(one->text.bytes, sizeof *one->fallback);
        if (one->fallback == NULL) {
            return met_fail_memory(err, "stop string", one->text.bytes * sizeof *one->fallback);
        }
        fill_fallback(one);
    }
    /* At most `longest` bytes are held, and as many shown ones before them; a token's bytes may
     * each become a U+FFFD of three. */
    size_t room = 2 * longest + 3 * (MET_TEXT_STREAM_TOKEN_BYTES + sizeof stream->utf8.held);
    if (!met_buffer_reserve(&stream->text, room)) {
        return met_fail_memory(err, "generated text", room);
    }
    return MET_OK;
}

void met_text_stream_close(met_text_stream *stream)
{
    for (size_t i = 0; i < stream->stop_count; i++)
        free(stream->stops[i].fallback);
    free(stream->stops);
    met_buffer_free(&stream->text);
    *stream = (met_text_stream){0};
}

met_status met_text_stream_add(met_text_stream *stream, met_str bytes, met_str *out, met_error *err)
{
    *out = (met_str){"", 0};
    if (stream->stopped) return MET_OK;
    drop_shown(stream);
    size_t from = stream->text.bytes;
    met_utf8_stream_add(&stream->utf8, bytes, &stream->text);
    if (stream->text.bytes == from && !stream->text.failed) return MET_OK;
    return give_out(stream, scan(stream, from), out, err);
}

met_status met_text_stream_finish(met_text_stream *stream, met_str *out, met_error *err)
{
    *out = (met_str){"", 0};
    if (stream->stopped) return MET_OK;
    size_t from = stream->text.bytes;
    met_utf8_stream_finish(&stream->utf8, &stream->text);
    size_t end = scan(stream, from);
    return give_out(stream, stream->stopped ? end : stream->text.bytes, out, err);
}
