/* Bytes of generated tokens become text that can be shown. */
#ifndef MET_GENERATE_STREAM_H
#define MET_GENERATE_STREAM_H

#include "base/text.h"
#include "tokenizer/tokenizer.h"

/* Matches one stop string as text goes by (Knuth, Morris, Pratt). */
typedef struct met_stop {
    met_str text;     /* not empty, well-formed UTF-8; borrowed */
    size_t *fallback; /* [text.bytes] longest proper border of each prefix */
    size_t matched;   /* bytes of `text` that the stream ends with now */
} met_stop;

/* Holds back the beginning of a UTF-8 character, and text that may still become a stop string.
 * What it shows does not depend on how the bytes were cut into tokens: the stop string that is
 * complete first ends the text, of several at the same byte the longest. */
typedef struct met_text_stream {
    met_utf8_stream utf8;
    met_buffer text; /* whole characters */
    size_t shown;    /* bytes of `text` that were given out */
    met_stop *stops; /* [stop_count] */
    size_t stop_count;
    bool stopped; /* a stop string appeared; nothing comes after */
} met_text_stream;

/* stop [stop_count] is borrowed until close. MET_E_ARGUMENT for a stop string that is NULL, empty
 * or not UTF-8; MET_E_MEMORY; met_text_stream_close is due also then. */
met_status met_text_stream_init(met_text_stream *stream, const char *const *stop, size_t stop_count,
                                met_error *err);
/* Accepts a zeroed stream. */
void met_text_stream_close(met_text_stream *stream);

/* Add a token's bytes; `out` is what can be shown now, borrowed until the next call. Amortised
 * O(bytes * stop strings), whatever is held back; allocates only for a token of more than
 * MET_TEXT_STREAM_TOKEN_BYTES. MET_E_MEMORY. */
met_status met_text_stream_add(met_text_stream *stream, met_str bytes, met_str *out,
                               met_error *err);
/* The end: `out` is what was held back. */
met_status met_text_stream_finish(met_text_stream *stream, met_str *out, met_error *err);

enum { MET_TEXT_STREAM_TOKEN_BYTES = 1024 };

#endif
