/* Owns: inserting tokens into the table from bytes to token, and the thread that does it. Does not
 * own looking tokens up (vocab.h).
 *
 * The invariant: tokens are inserted in ascending order of ids, whoever does it, so that the table
 * is the same with and without the thread. */
#include "tokenizer/slots.h"

#include "base/error.h"
#include "base/text.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 32,            /* slots prefetched at a time */
    THREAD_TOKENS = 1 << 14 /* fewer are in the table before a thread has started */
};

/* Of two tokens with the same bytes the one with the higher id is found, as llama.cpp and
 * Hugging Face have it; but a user-defined token, which is matched before merges are, never takes
 * the place of one that merges make. */
static void insert(met_slots *slots, int32_t id, uint64_t hash)
{
    met_vocab *vocab = slots->vocab;
    uint32_t id_mask = (1u << vocab->id_bits) - 1;
    uint32_t tag = (uint32_t)(hash >> 32) & ~id_mask;
    uint32_t slot = (uint32_t)hash & vocab->slot_mask;
    for (;; slot = (slot + 1) & vocab->slot_mask) {
        uint32_t entry = vocab->slots[slot];
        if (entry == UINT32_MAX) break;
        if ((entry & ~id_mask) != tag) continue;
        int32_t other = (int32_t)(entry & id_mask);
        if (!met_str_equal(met_vocab_bytes(vocab, other), met_vocab_bytes(vocab, id))) continue;
        if (vocab->types[id] == MET_TOKEN_USER) return;
        if (vocab->types[other] != MET_TOKEN_USER) slots->duplicates = true;
        break;
    }
    vocab->slots[slot] = tag | (uint32_t)id;
}

/* Tokens [begin, end), some at a time, so that their slots come from memory together. */
static void insert_range(met_slots *slots, int32_t begin, int32_t end)
{
    met_vocab *vocab = slots->vocab;
    int32_t ids[BATCH];
    uint64_t hashes[BATCH];
    size_t count = 0;
    for (int32_t id = begin; id < end; id++) {
        if (slots->wanted[id]) {
            met_str token = met_vocab_bytes(vocab, id);
            if (token.bytes > vocab->longest_bytes) vocab->longest_bytes = token.bytes;
            hashes[count] = met_vocab_hash(token.data, token.bytes);
            __builtin_prefetch(&vocab->slots[(uint32_t)hashes[count] & vocab->slot_mask], 1);
            ids[count++] = id;
        }
        if (count < BATCH && id + 1 < end) continue;
        for (size_t i = 0; i < count; i++)
            insert(slots, ids[i], hashes[i]);
        count = 0;
    }
}

/* All tokens, as they are read. */
static void *fill(void *arg)
{
    met_slots *slots = arg;
    met_vocab *vocab = slots->vocab;
    memset(vocab->slots, 0xff, ((size_t)vocab->slot_mask + 1) * sizeof *vocab->slots);
    for (int32_t done = 0; done < vocab->count;) {
        int32_t read = atomic_load_explicit(&slots->read, memory_order_acquire);
        if (read < 0) return NULL;
        if (read == done) sched_yield(); /* rare: reading is faster */
        insert_range(slots, done, read);
        done = read;
    }
    return NULL;
}

met_status met_slots_begin(met_slots *slots, met_vocab *vocab, met_error *err)
{
    size_t count = (size_t)vocab->count;
    *slots = (met_slots){.vocab = vocab};
    atomic_init(&slots->read, 0);
    slots->wanted = calloc(count, 1);
    if (slots->wanted == NULL) return met_fail_memory(err, "vocabulary", count);
    /* Without the thread met_slots_finish does the work. */
    slots->threaded =
        count >= THREAD_TOKENS && pthread_create(&slots->thread, NULL, fill, slots) == 0;
    return MET_OK;
}

void met_slots_finish(met_slots *slots, bool give_up)
{
    if (give_up) met_slots_publish(slots, -1);
    if (slots->threaded)
        pthread_join(slots->thread, NULL);
    else
        (void)fill(slots);
    free(slots->wanted);
    slots->wanted = NULL;
}
