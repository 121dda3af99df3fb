/* Byte-pair merges: the bytes of one word to token ids. */
#ifndef MET_TOKENIZER_BPE_H
#define MET_TOKENIZER_BPE_H

#include "tokenizer/vocab.h"

/* Where ids go. Those beyond `capacity` are counted and not stored. */
typedef struct met_ids {
    int32_t *ids; /* [capacity] */
    size_t capacity;
    size_t count;
} met_ids;

static inline void met_ids_add(met_ids *out, int32_t id)
{
    if (out->count < out->capacity) out->ids[out->count] = id;
    out->count++;
}

/* Room for long words, kept from one to the next. Zero-initialised is empty; free with
 * met_bpe_work_free. */
typedef struct met_bpe_work {
    void *memory;
    size_t bytes;
} met_bpe_work;

void met_bpe_work_free(met_bpe_work *work);

enum { MET_BPE_SHORT_BYTES = 64 }; /* longest word for which no queue is used */

/* Append the tokens of a word: single bytes, and then the neighbours of the lowest rank merged,
 * the leftmost among equals, until no two merge. bytes >= 1. Time bytes * log(bytes).
 * MET_E_MEMORY; MET_E_ARGUMENT for a word of 4 GiB. Then nothing is appended. */
met_status met_bpe_encode(const met_vocab *vocab, const char *word, size_t bytes,
                          met_bpe_work *work, met_ids *out, met_error *err);

/* The same with the queue, whatever the length: for tests. */
met_status met_bpe_encode_long(const met_vocab *vocab, const char *word, size_t bytes,
                               met_bpe_work *work, met_ids *out, met_error *err);

#endif
