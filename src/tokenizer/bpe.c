/* Owns: applying merges to one word, in two ways with one result: short words in arrays that are
 * searched and closed up at every merge, long ones in a linked list with a queue of ranks. Does not
 * own: which pairs merge (vocab.h).
 * The invariant: of all neighbours the lowest rank merges first, the leftmost among equals. */
#include "tokenizer/bpe.h"

#include "base/error.h"

#include <stdlib.h>

void met_bpe_work_free(met_bpe_work *work)
{
    free(work->memory);
    work->memory = NULL;
    work->bytes = 0;
}

/* ---------------------------------------------------------------- short words */

typedef struct short_word {
    uint32_t ranks[MET_BPE_SHORT_BYTES];     /* of merging symbol i with i + 1 */
    int32_t ids[MET_BPE_SHORT_BYTES];        /* symbol i */
    uint8_t begins[MET_BPE_SHORT_BYTES + 1]; /* symbol i is word[begins[i], begins[i + 1]) */
} short_word;

static inline uint32_t short_rank(const met_vocab *vocab, const short_word *w, const char *word,
                                  size_t i)
{
    size_t begin = w->begins[i];
    return met_vocab_rank(vocab, w->ids[i], w->ids[i + 1], word + begin, w->begins[i + 1] - begin,
                          w->begins[i + 2] - begin);
}

static void encode_short(const met_vocab *vocab, const char *word, size_t bytes, met_ids *out)
{
    short_word w;
    size_t count = bytes;
    for (size_t i = 0; i < bytes; i++) {
        w.begins[i] = (uint8_t)i;
        w.ids[i] = vocab->byte_ids[(uint8_t)word[i]];
        w.ranks[i] = i + 1 < bytes ? vocab->byte_ranks[(uint8_t)word[i] | (uint8_t)word[i + 1] << 8]
                                   : MET_VOCAB_NO_RANK;
    }
    w.begins[bytes] = (uint8_t)bytes;

    for (;;) {
        size_t best = 0;
        uint32_t rank = w.ranks[0];
        for (size_t i = 1; i + 1 < count; i++) {
            if (w.ranks[i] < rank) {
                rank = w.ranks[i];
                best = i;
            }
        }
        if (rank == MET_VOCAB_NO_RANK) break;
        w.ids[best] = met_vocab_product(vocab, rank);
        count--;
        for (size_t i = best + 1; i < count; i++) {
            w.ids[i] = w.ids[i + 1];
            w.begins[i] = w.begins[i + 1];
            w.ranks[i] = w.ranks[i + 1];
        }
        w.begins[count] = (uint8_t)bytes;
        w.ranks[best] = best + 1 < count ? short_rank(vocab, &w, word, best) : MET_VOCAB_NO_RANK;
        if (best > 0) w.ranks[best - 1] = short_rank(vocab, &w, word, best - 1);
    }
    for (size_t i = 0; i < count; i++)
        met_ids_add(out, w.ids[i]);
}

/* ---------------------------------------------------------------- long words */

#define NO_SYMBOL UINT32_MAX

/* A symbol stands at the offset of its first byte. */
typedef struct symbol {
    uint32_t next;     /* `bytes` for the last */
    uint32_t previous; /* NO_SYMBOL for the first */
    uint32_t rank;     /* of merging with the next; none also where a symbol was merged away */
    int32_t id;
} symbol;

/* A binary heap of rank << 32 | offset: the lowest rank first, the leftmost among equals. An entry
 * is stale when its symbol has another rank by now. */
typedef struct queue {
    uint64_t *entries;
    size_t count;
} queue;

static void queue_sink(queue *q, size_t at)
{
    uint64_t entry = q->entries[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= q->count) break;
        if (child + 1 < q->count && q->entries[child + 1] < q->entries[child]) child++;
        if (q->entries[child] >= entry) break;
        q->entries[at] = q->entries[child];
        at = child;
    }
    q->entries[at] = entry;
}

static void queue_push(queue *q, uint64_t entry)
{
    size_t at = q->count++;
    while (at > 0 && q->entries[(at - 1) / 2] > entry) {
        q->entries[at] = q->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    q->entries[at] = entry;
}

static uint64_t queue_pop(queue *q)
{
    uint64_t least = q->entries[0];
    q->entries[0] = q->entries[--q->count];
    if (q->count > 0) queue_sink(q, 0);
    return least;
}

static void fill_long(const met_vocab *vocab, const char *word, uint32_t bytes, symbol *symbols,
                      queue *q)
{
    for (uint32_t i = 0; i < bytes; i++) {
        symbols[i].next = i + 1;
        symbols[i].previous = i == 0 ? NO_SYMBOL : i - 1;
        symbols[i].id = vocab->byte_ids[(uint8_t)word[i]];
        symbols[i].rank = i + 1 < bytes
                              ? vocab->byte_ranks[(uint8_t)word[i] | (uint8_t)word[i + 1] << 8]
                              : MET_VOCAB_NO_RANK;
        if (symbols[i].rank != MET_VOCAB_NO_RANK) {
            q->entries[q->count++] = (uint64_t)symbols[i].rank << 32 | i;
        }
    }
    for (size_t i = q->count / 2; i-- > 0;)
        queue_sink(q, i);
}

/* Find the rank of `at` with its next anew and put it into the queue. */
static void rank_long(const met_vocab *vocab, const char *word, uint32_t bytes, symbol *symbols,
                      queue *q, uint32_t at)
{
    uint32_t next = symbols[at].next;
    symbols[at].rank = MET_VOCAB_NO_RANK;
    if (next == bytes) return;
    uint32_t rank = met_vocab_rank(vocab, symbols[at].id, symbols[next].id, word + at, next - at,
                                   symbols[next].next - at);
    symbols[at].rank = rank;
    if (rank != MET_VOCAB_NO_RANK) queue_push(q, (uint64_t)rank << 32 | at);
}

met_status met_bpe_encode_long(const met_vocab *vocab, const char *word, size_t bytes,
                               met_bpe_work *work, met_ids *out, met_error *err)
{
    if (bytes >= UINT32_MAX) {
        return met_fail(err, MET_E_ARGUMENT,
                        "text has a word of %zu bytes, supported are at most %u", bytes,
                        UINT32_MAX - 1);
    }
    /* At most `bytes` entries to begin with; a merge takes one and adds two, and there are fewer
     * merges than bytes. */
    size_t needed = bytes * (sizeof(symbol) + 2 * sizeof(uint64_t));
    if (needed > work->bytes) {
        met_bpe_work_free(work);
        work->memory = malloc(needed);
        if (work->memory == NULL) return met_fail_memory(err, "a long word", needed);
        work->bytes = needed;
    }
    queue q = {.entries = work->memory};
    symbol *symbols = (symbol *)(void *)(q.entries + 2 * bytes);
    uint32_t end = (uint32_t)bytes;
    fill_long(vocab, word, end, symbols, &q);

    while (q.count > 0) {
        uint64_t entry = queue_pop(&q);
        uint32_t at = (uint32_t)entry;
        uint32_t rank = (uint32_t)(entry >> 32);
        if (symbols[at].rank != rank) continue;
        uint32_t merged = symbols[at].next;
        symbols[merged].rank = MET_VOCAB_NO_RANK;
        symbols[at].id = met_vocab_product(vocab, rank);
        symbols[at].next = symbols[merged].next;
        if (symbols[at].next != end) symbols[symbols[at].next].previous = at;
        rank_long(vocab, word, end, symbols, &q, at);
        if (symbols[at].previous != NO_SYMBOL) {
            rank_long(vocab, word, end, symbols, &q, symbols[at].previous);
        }
    }
    for (uint32_t at = 0; at != end; at = symbols[at].next)
        met_ids_add(out, symbols[at].id);
    return MET_OK;
}

met_status met_bpe_encode(const met_vocab *vocab, const char *word, size_t bytes,
                          met_bpe_work *work, met_ids *out, met_error *err)
{
    if (bytes > MET_BPE_SHORT_BYTES) {
        return met_bpe_encode_long(vocab, word, bytes, work, out, err);
    }
    encode_short(vocab, word, bytes, out);
    return MET_OK;
}
