/* Tokens that are found in text by their spelling, before anything else. */
#ifndef MET_TOKENIZER_SPECIALS_H
#define MET_TOKENIZER_SPECIALS_H

#include "tokenizer/vocab.h"

typedef struct met_specials {
    int32_t *ids; /* [count] control and user-defined tokens, by their bytes */
    size_t count;
    size_t memory_bytes; /* of `ids` */
    bool begins[256]; /* the first bytes of them */
} met_specials;

/* Fill a zeroed struct. Tokens whose spelling is empty or not UTF-8 cannot be in a text and are
 * left out; of two with one spelling the higher id is kept. */
met_status met_specials_init(met_specials *specials, const met_vocab *vocab, met_error *err);
void met_specials_free(met_specials *specials);

/* The longest one that is a prefix of text[0, bytes), and its length; -1: none. */
int32_t met_specials_match(const met_specials *specials, const met_vocab *vocab, const char *text,
                           size_t bytes, size_t *matched_bytes);

/* The one with exactly this spelling, or -1. */
int32_t met_specials_find(const met_specials *specials, const met_vocab *vocab, met_str spelling);

#endif
