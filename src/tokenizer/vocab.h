/* The vocabulary's tables: token bytes, bytes to token, pair of tokens to merge. */
#ifndef MET_TOKENIZER_VOCAB_H
#define MET_TOKENIZER_VOCAB_H

#include "gguf/gguf.h"
#include "metallic.h"

#include <string.h>

/* tokenizer.ggml.token_type */
enum {
    MET_TOKEN_NORMAL = 1,
    MET_TOKEN_UNKNOWN = 2,
    MET_TOKEN_CONTROL = 3,
    MET_TOKEN_USER = 4,
    MET_TOKEN_UNUSED = 5,
    MET_TOKEN_BYTE = 6,
};

enum {
    MET_VOCAB_TOKENS_MAX = 1 << 24,  /* also of merges; leaves a slot 8 bits of the hash */
    MET_VOCAB_MERGE_BYTES_MAX = 512, /* longest product of a merge in a ranked vocabulary */
};
#define MET_VOCAB_NO_RANK UINT32_MAX

/* Immutable but for `whole`, which remembers answers that are the same for every thread.
 *
 * Two kinds of vocabulary. A *ranked* one, such as every Qwen2's, lists its tokens in the order of
 * its merges: merge i makes token 256 + i and no bytes belong to two tokens. Then two neighbours
 * merge if and only if their bytes together are a token that is split where they meet, and its id
 * is the order: no table of pairs is needed, which makes loading fast. Any other vocabulary has
 * that table (`pairs`). */
typedef struct met_vocab {
    int32_t count;
    int32_t merges;
    char *bytes;      /* of all tokens, one after the other */
    uint32_t *begins; /* [count + 1] into `bytes` */
    uint8_t *types;   /* [count] */

    /* Bytes to token, for the tokens that text may become. Open addressing; a slot is
     * (high bits of the hash) << id_bits | id. */
    uint32_t *slots; /* [slot_mask + 1] */
    uint32_t slot_mask;
    uint32_t id_bits;
    size_t longest_bytes; /* of the tokens in `slots` */

    bool ranked;
    uint16_t *splits;       /* [count] ranked: bytes of the left part; 0: not made by a merge */
    struct met_pair *pairs; /* [pair_mask + 1] not ranked: (left, right) to rank */
    int32_t *products;      /* [merges] not ranked: rank to token */
    uint32_t pair_mask;
    uint32_t *byte_ranks; /* [65536] rank of merging two bytes: byte | next byte << 8 */
    int32_t byte_ids[256];
    uint8_t *whole; /* [count] MET_WHOLE_*: does the token's own text encode to it alone? */
    size_t memory_bytes; /* of all that is allocated here */
} met_vocab;

typedef struct met_pair {
    int32_t left;
    int32_t right;
    uint32_t rank; /* MET_VOCAB_NO_RANK: empty slot */
} met_pair;

/* What is known about a token's own text. Found out at the first use and the same for whoever asks,
 * so that relaxed loads and stores are enough. */
enum { MET_WHOLE_UNKNOWN = 0, MET_WHOLE_YES = 1, MET_WHOLE_NO = 2 };

static inline unsigned met_vocab_whole(const met_vocab *vocab, int32_t id)
{
    return __atomic_load_n(&vocab->whole[id], __ATOMIC_RELAXED);
}

static inline void met_vocab_set_whole(const met_vocab *vocab, int32_t id, bool whole)
{
    __atomic_store_n(&vocab->whole[id], whole ? MET_WHOLE_YES : MET_WHOLE_NO, __ATOMIC_RELAXED);
}

/* Fill a zeroed vocabulary. Nothing of `gguf` is kept. On failure it is zeroed again. */
met_status met_vocab_init(met_vocab *vocab, const met_gguf *gguf, met_error *err);
/* Accepts a zeroed one. */
void met_vocab_free(met_vocab *vocab);

static inline met_str met_vocab_bytes(const met_vocab *vocab, int32_t id)
{
    uint32_t begin = vocab->begins[id];
    met_str view = {vocab->bytes + begin, vocab->begins[id + 1] - begin};
    return view;
}

static inline uint64_t met_vocab_load64(const char *at)
{
    uint64_t value;
    memcpy(&value, at, 8);
    return value;
}

static inline uint64_t met_vocab_load32(const char *at)
{
    uint32_t value;
    memcpy(&value, at, 4);
    return value;
}

/* Both halves of the 128-bit product, folded. */
static inline uint64_t met_vocab_mix(uint64_t a, uint64_t b)
{
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Reads exactly the given bytes (>= 1), in overlapping loads. */
static inline uint64_t met_vocab_hash(const char *at, size_t bytes)
{
    uint64_t a;
    uint64_t b = 0;
    uint64_t seed = 0x9e3779b97f4a7c15u ^ bytes;
    if (bytes < 4) {
        a = (uint64_t)(uint8_t)at[0] << 16 | (uint64_t)(uint8_t)at[bytes >> 1] << 8 |
            (uint8_t)at[bytes - 1];
    } else if (bytes <= 8) {
        a = met_vocab_load32(at) << 32 | met_vocab_load32(at + bytes - 4);
    } else {
        for (; bytes > 16; bytes -= 16, at += 16) {
            seed = met_vocab_mix(met_vocab_load64(at) ^ seed,
                                 met_vocab_load64(at + 8) ^ 0xe7037ed1a0b428dbu);
        }
        /* The last 1 to 16 bytes; when the loop ran, the loads may reach back into it. */
        size_t back = bytes < 8 ? 8 : bytes;
        a = met_vocab_load64(at + bytes - back);
        b = met_vocab_load64(at + bytes - 8);
    }
    return met_vocab_mix(a ^ seed, b ^ 0xa0761d6478bd642fu);
}

static inline bool met_vocab_same(const char *a, const char *b, size_t bytes)
{
    if (bytes < 8) {
        if (bytes < 4) {
            for (size_t i = 0; i < bytes; i++) {
                if (a[i] != b[i]) return false;
            }
            return true;
        }
        return met_vocab_load32(a) == met_vocab_load32(b) &&
               met_vocab_load32(a + bytes - 4) == met_vocab_load32(b + bytes - 4);
    }
    size_t i = 0;
    for (; i + 8 < bytes; i += 8) {
        if (met_vocab_load64(a + i) != met_vocab_load64(b + i)) return false;
    }
    return met_vocab_load64(a + bytes - 8) == met_vocab_load64(b + bytes - 8);
}

/* Token whose bytes are these, among those that text may become; -1: none. bytes >= 1. */
static inline int32_t met_vocab_find(const met_vocab *vocab, const char *at, size_t bytes)
{
    if (bytes > vocab->longest_bytes) return -1;
    uint64_t hash = met_vocab_hash(at, bytes);
    uint32_t tag = (uint32_t)(hash >> 32) >> vocab->id_bits << vocab->id_bits;
    uint32_t id_mask = (1u << vocab->id_bits) - 1;
    for (uint32_t slot = (uint32_t)hash & vocab->slot_mask;; slot = (slot + 1) & vocab->slot_mask) {
        uint32_t entry = vocab->slots[slot];
        if (entry == UINT32_MAX) return -1;
        if ((entry & ~id_mask) != tag) continue;
        met_str token = met_vocab_bytes(vocab, (int32_t)(entry & id_mask));
        if (token.bytes == bytes && met_vocab_same(token.data, at, bytes)) {
            return (int32_t)(entry & id_mask);
        }
    }
}

static inline uint32_t met_vocab_pair_slot(const met_vocab *vocab, int32_t left, int32_t right)
{
    uint64_t key = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    return (uint32_t)met_vocab_mix(key ^ 0x9e3779b97f4a7c15u, 0xa0761d6478bd642fu) &
           vocab->pair_mask;
}

/* Rank of merging the neighbours `left` and `right`, whose bytes begin at `at`, or
 * MET_VOCAB_NO_RANK. `both_bytes` is their length together. */
static inline uint32_t met_vocab_rank(const met_vocab *vocab, int32_t left, int32_t right,
                                      const char *at, size_t left_bytes, size_t both_bytes)
{
    if (both_bytes == 2) return vocab->byte_ranks[(uint8_t)at[0] | (uint8_t)at[1] << 8];
    if (vocab->ranked) {
        int32_t id = met_vocab_find(vocab, at, both_bytes);
        return id >= 0 && vocab->splits[id] == left_bytes ? (uint32_t)id - 256 : MET_VOCAB_NO_RANK;
    }
    uint32_t slot = met_vocab_pair_slot(vocab, left, right);
    for (;; slot = (slot + 1) & vocab->pair_mask) {
        const met_pair *pair = &vocab->pairs[slot];
        if (pair->rank == MET_VOCAB_NO_RANK) return MET_VOCAB_NO_RANK;
        if (pair->left == left && pair->right == right) return pair->rank;
    }
}

/* Token that the merge of this rank makes. */
static inline int32_t met_vocab_product(const met_vocab *vocab, uint32_t rank)
{
    return vocab->ranked ? (int32_t)(256 + rank) : vocab->products[rank];
}

#endif
