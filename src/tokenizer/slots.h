/* Filling the table from bytes to token while the tokens are still being read.
 *
 * Filling takes longer than reading, because every slot comes from memory on its own: a large
 * vocabulary does it on a thread beside the reader, and a third of the loading time goes. */
#ifndef MET_TOKENIZER_SLOTS_H
#define MET_TOKENIZER_SLOTS_H

#include "tokenizer/vocab.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct met_slots {
    met_vocab *vocab;
    uint8_t *wanted; /* [count] whether text may become the token; freed by met_slots_finish */
    atomic_int read; /* tokens [0, read) are complete: bytes, type, `wanted`; -1: given up */
    bool threaded;
    pthread_t thread;
    bool duplicates; /* after met_slots_finish: two tokens of text have the same bytes */
} met_slots;

/* Begin to fill the slots of a vocabulary that is allocated. Whoever begins must finish. */
met_status met_slots_begin(met_slots *slots, met_vocab *vocab, met_error *err);

/* Tokens [0, count) are complete. */
static inline void met_slots_publish(met_slots *slots, int32_t count)
{
    atomic_store_explicit(&slots->read, count, memory_order_release);
}

/* Wait until all slots are filled; or, with `give_up`, until nobody touches them any more. */
void met_slots_finish(met_slots *slots, bool give_up);

#endif
