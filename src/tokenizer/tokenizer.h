/* Byte-level BPE: text to token ids and back. */
#ifndef MET_TOKENIZER_TOKENIZER_H
#define MET_TOKENIZER_TOKENIZER_H

#include "gguf/gguf.h"
#include "metallic.h"

typedef struct met_tokenizer met_tokenizer;

/* From the tokenizer.ggml.* keys; nothing of `gguf` is kept. MET_E_TOKENIZER names an unknown model
 * or pre-tokenizer, a byte without a token, a bad merge, type or id; MET_E_KEY names a missing key.
 * A missing pre-tokenizer is refused, not guessed.
 *
 * Of tokens with the same bytes the one with the highest id is used, as in Hugging Face and
 * llama.cpp; likewise of merges of the same pair the last. */
met_status met_tokenizer_create(const met_gguf *gguf, met_tokenizer **out, met_error *err);
/* Accepts NULL. */
void met_tokenizer_free(met_tokenizer *tokenizer);

int32_t met_tokenizer_count(const met_tokenizer *tokenizer);

/* Bytes that the vocabulary and its tables take. */
size_t met_tokenizer_memory(const met_tokenizer *tokenizer);

/* See met_model_tokenize. Within `control` ranges control tokens and user-defined ones are found by
 * their spelling, the longest first, before normalisation; a spelling that crosses the border of a
 * range is text. Outside, neither kind is ever recognised. MET_E_ARGUMENT for ranges that do not
 * ascend or do not fit, and for a word of 4 GiB; MET_E_MEMORY. Time: linear in the text, n log n in
 * the length of its longest word. Thread-safe. */
met_status met_tokenizer_encode(const met_tokenizer *tokenizer, met_str text,
                                const met_span *control, size_t control_count, int32_t *tokens,
                                size_t capacity, size_t *count, met_error *err);

/* The raw bytes that a token stands for; empty for an id without text, such as an unused one that
 * pads the vocabulary. Borrowed until the tokenizer is freed. `id` is in [0, count). */
met_str met_tokenizer_bytes(const met_tokenizer *tokenizer, int32_t id);
bool met_tokenizer_is_control(const met_tokenizer *tokenizer, int32_t id);
/* eos, eot and eom of the metadata, and the control tokens that are such by their name
 * (<|im_end|>, <|endoftext|>). */
bool met_tokenizer_is_end(const met_tokenizer *tokenizer, int32_t id);
/* Token with exactly this spelling as a control token, or -1. */
int32_t met_tokenizer_find_control(const met_tokenizer *tokenizer, met_str spelling);

/* Bytes of a stream of tokens, cut at whole UTF-8 characters. Zero-initialised is ready. */
typedef struct met_utf8_stream {
    char held[4]; /* the beginning of a character that is not complete */
    size_t held_bytes;
} met_utf8_stream;

/* Add bytes; append to `out` what is complete. Bytes that can never become a character come out as
 * U+FFFD, one for each maximal part, as Python's errors="replace" does. O(bytes). */
struct met_buffer;
void met_utf8_stream_add(met_utf8_stream *stream, met_str bytes, struct met_buffer *out);
/* At the end: what is still held comes out as U+FFFD. */
void met_utf8_stream_finish(met_utf8_stream *stream, struct met_buffer *out);

#endif
