/* Owns: reading tokens and merges from a GGUF into tables. Does not own: the table from bytes to
 * token, which fills meanwhile (slots.c); applying merges (bpe.c).
 * The invariant: ids in `slots`, `byte_ids` and `products` are never those of control tokens, so
 * that text cannot become one. */
#include "tokenizer/vocab.h"

#include "base/error.h"
#include "base/text.h"
#include "tokenizer/slots.h"

#include <stdlib.h>

enum {
    MAPPED_POINTS = 0x144,
    PUBLISHED = 512, /* tokens that are read before others may see them */
};

#define NOT_MAPPED SIZE_MAX

/* What loading needs and encoding does not. */
typedef struct loader {
    met_vocab *vocab;
    const char *name; /* of the file */
    met_gguf_array tokens;
    met_gguf_array types;
    met_gguf_array merges;
    const uint8_t *after_bytes; /* the token with id 256 */
    int16_t map[MAPPED_POINTS]; /* code point to byte; -1: none */
    met_slots slots;
} loader;

/* GPT-2's spelling of bytes: printable characters of Latin-1 for themselves, the others from U+0100
 * on in ascending order (encoder.py, bytes_to_unicode). */
static void fill_map(int16_t map[MAPPED_POINTS])
{
    int next = 0x100;
    memset(map, 0xff, MAPPED_POINTS * sizeof *map);
    for (int byte = 0; byte < 256; byte++) {
        bool itself = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
        map[itself ? byte : next++] = (int16_t)byte;
    }
}

/* Write the bytes that `text` spells, at most text.bytes, and return how many; NOT_MAPPED when a
 * character spells none. */
static size_t unmap(const int16_t map[MAPPED_POINTS], met_str text, char *out)
{
    const unsigned char *s = (const unsigned char *)text.data;
    const unsigned char *stop = s + text.bytes;
    char *begin = out;
    while (s < stop) {
        unsigned point = *s++;
        if (point >= 0x80) {
            /* C2..C5 begin U+0080..U+017F. */
            if (point < 0xc2 || point > 0xc5 || s == stop || (*s & 0xc0) != 0x80) {
                return NOT_MAPPED;
            }
            point = (point & 0x1f) << 6 | (*s++ & 0x3f);
            if (point >= MAPPED_POINTS) return NOT_MAPPED;
        }
        if (map[point] < 0) return NOT_MAPPED;
        *out++ = (char)map[point];
    }
    return (size_t)(out - begin);
}

static met_status check_kind(const met_gguf *gguf, met_error *err)
{
    met_str model;
    met_str pre;
    met_status status = met_gguf_get_str(gguf, "tokenizer.ggml.model", &model, err);
    if (status != MET_OK) return status;
    if (!met_str_is(model, "gpt2")) {
        return met_fail(err, MET_E_TOKENIZER,
                        "%s: tokenizer.ggml.model is \"%.*s\", supported is \"gpt2\"",
                        met_gguf_name(gguf), met_str_shown(model), model.data);
    }
    status = met_gguf_get_str(gguf, "tokenizer.ggml.pre", &pre, err);
    if (status != MET_OK) return status;
    if (!met_str_is(pre, "qwen2")) {
        return met_fail(err, MET_E_TOKENIZER,
                        "%s: tokenizer.ggml.pre is \"%.*s\", supported is \"qwen2\"",
                        met_gguf_name(gguf), met_str_shown(pre), pre.data);
    }
    return MET_OK;
}

static met_status find_arrays(loader *load, const met_gguf *gguf, met_error *err)
{
    met_status status =
        met_gguf_get_array(gguf, "tokenizer.ggml.tokens", MET_GGUF_STRING, &load->tokens, err);
    if (status != MET_OK) return status;
    status = met_gguf_get_array(gguf, "tokenizer.ggml.merges", MET_GGUF_STRING, &load->merges, err);
    if (status != MET_OK) return status;
    /* Some writers store the types unsigned. */
    const met_gguf_key *types = met_gguf_find(gguf, "tokenizer.ggml.token_type");
    bool is_unsigned =
        types != NULL && types->type == MET_GGUF_ARRAY && types->array.type == MET_GGUF_U32;
    status = met_gguf_get_array(gguf, "tokenizer.ggml.token_type",
                                is_unsigned ? MET_GGUF_U32 : MET_GGUF_I32, &load->types, err);
    if (status != MET_OK) return status;

    if (load->tokens.count == 0 || load->tokens.count > MET_VOCAB_TOKENS_MAX) {
        return met_fail(err, MET_E_TOKENIZER,
                        "%s: tokenizer.ggml.tokens has %llu tokens, supported are 1 to %d",
                        load->name, (unsigned long long)load->tokens.count, MET_VOCAB_TOKENS_MAX);
    }
    if (load->types.count != load->tokens.count) {
        return met_fail(err, MET_E_TOKENIZER,
                        "%s: tokenizer.ggml.token_type has %llu entries, expected one for each of "
                        "%llu tokens",
                        load->name, (unsigned long long)load->types.count,
                        (unsigned long long)load->tokens.count);
    }
    if (load->merges.count > MET_VOCAB_TOKENS_MAX) {
        return met_fail(err, MET_E_TOKENIZER,
                        "%s: tokenizer.ggml.merges has %llu merges, supported are at most %d",
                        load->name, (unsigned long long)load->merges.count, MET_VOCAB_TOKENS_MAX);
    }
    if ((uint64_t)(load->tokens.end - load->tokens.data) > UINT32_MAX) {
        return met_fail(err, MET_E_TOKENIZER,
                        "%s: tokenizer.ggml.tokens has %llu bytes, supported are at most %u",
                        load->name, (unsigned long long)(load->tokens.end - load->tokens.data),
                        UINT32_MAX);
    }
    return MET_OK;
}

static met_status allocate(loader *load, met_error *err)
{
    met_vocab *vocab = load->vocab;
    size_t count = (size_t)load->tokens.count;
    vocab->count = (int32_t)count;
    vocab->merges = (int32_t)load->merges.count;
    /* No id is all ones, so that UINT32_MAX can mark an empty slot. */
    vocab->id_bits = 1;
    while (count >> vocab->id_bits != 0)
        vocab->id_bits++;
    /* At most 5/8 full. */
    size_t slots = 16;
    while (slots < count + count / 2 + count / 10)
        slots *= 2;
    vocab->slot_mask = (uint32_t)(slots - 1);

    size_t text_bytes = (size_t)(load->tokens.end - load->tokens.data) + 1;
    vocab->bytes = malloc(text_bytes);
    vocab->begins = malloc((count + 1) * sizeof *vocab->begins);
    vocab->types = malloc(count);
    vocab->slots = malloc(slots * sizeof *vocab->slots);
    vocab->byte_ranks = malloc(65536 * sizeof *vocab->byte_ranks);
    vocab->whole = calloc(count, 1);
    if (vocab->bytes == NULL || vocab->begins == NULL || vocab->types == NULL ||
        vocab->slots == NULL || vocab->byte_ranks == NULL || vocab->whole == NULL) {
        return met_fail_memory(err, "vocabulary", text_bytes + 6 * count + 4 * slots + 4 * 65536);
    }
    vocab->memory_bytes = text_bytes + (count + 1) * sizeof *vocab->begins + 2 * count +
                          slots * sizeof *vocab->slots + 65536 * sizeof *vocab->byte_ranks;
    memset(vocab->byte_ranks, 0xff, 65536 * sizeof *vocab->byte_ranks);
    return MET_OK;
}

static met_status read_tokens(loader *load, met_error *err)
{
    met_vocab *vocab = load->vocab;
    const uint8_t *at = load->tokens.data;
    uint32_t used = 0;
    vocab->begins[0] = 0;
    for (int32_t id = 0; id < vocab->count; id++) {
        int32_t type = 0;
        memcpy(&type, load->types.data + 4 * (size_t)id, 4);
        if (type < MET_TOKEN_NORMAL || type > MET_TOKEN_BYTE) {
            return met_fail(err, MET_E_TOKENIZER,
                            "%s: tokenizer.ggml.token_type[%d] is %d, expected 1 to 6", load->name,
                            id, type);
        }
        vocab->types[id] = (uint8_t)type;
        if (id == 256) load->after_bytes = at;
        met_str text = met_gguf_next_string(&at);
        bool literal = type == MET_TOKEN_CONTROL || type == MET_TOKEN_USER;
        size_t bytes = literal ? NOT_MAPPED : unmap(load->map, text, vocab->bytes + used);
        bool mapped = bytes != NOT_MAPPED;
        if (!mapped) { /* as Hugging Face decodes what is not spelled in bytes */
            bytes = text.bytes;
            if (bytes > 0) memcpy(vocab->bytes + used, text.data, bytes);
        }
        used += (uint32_t)bytes;
        vocab->begins[id + 1] = used; /* written once: it may be read from now on */
        bool reachable = mapped ? type != MET_TOKEN_UNUSED : type == MET_TOKEN_USER;
        load->slots.wanted[id] = reachable && bytes > 0;
        if ((id + 1) % PUBLISHED == 0) met_slots_publish(&load->slots, id + 1);
    }
    met_slots_publish(&load->slots, vocab->count);
    return MET_OK;
}

static met_status find_byte_tokens(loader *load, met_error *err)
{
    met_vocab *vocab = load->vocab;
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        vocab->byte_ids[byte] = met_vocab_find(vocab, &text, 1);
        if (vocab->byte_ids[byte] < 0) {
            return met_fail(err, MET_E_TOKENIZER,
                            "%s: tokenizer.ggml.tokens has no token for byte 0x%02x, expected one "
                            "for each byte",
                            load->name, byte);
        }
    }
    return MET_OK;
}

/* Offset of the one space that separates the two parts of a merge; 0: not of that form. */
static size_t merge_space(met_str merge)
{
    const char *space = memchr(merge.data, ' ', merge.bytes);
    if (space == NULL) return 0;
    size_t left = (size_t)(space - merge.data);
    return left + 1 < merge.bytes ? left : 0;
}

static size_t count_chars(const char *text, size_t text_bytes)
{
    size_t chars = 0;
    for (size_t i = 0; i < text_bytes; i++)
        chars += ((unsigned char)text[i] & 0xc0) != 0x80;
    return chars;
}

/* Whether this is a ranked vocabulary (see met_vocab), unless two tokens have the same bytes; fills
 * `splits` as far as it is. */
static bool read_ranked(loader *load)
{
    met_vocab *vocab = load->vocab;
    if (vocab->count - 256 < vocab->merges) return false;
    for (int32_t id = 0; id < 256; id++) {
        if (vocab->types[id] != MET_TOKEN_NORMAL || met_vocab_bytes(vocab, id).bytes != 1) {
            return false;
        }
    }
    const uint8_t *token_at = load->after_bytes;
    const uint8_t *merge_at = load->merges.data;
    for (int32_t id = 256; id < 256 + vocab->merges; id++) {
        /* Spelling against spelling: nothing need be looked up. */
        met_str token = met_gguf_next_string(&token_at);
        met_str merge = met_gguf_next_string(&merge_at);
        if (merge.bytes != token.bytes + 1 || vocab->types[id] != MET_TOKEN_NORMAL) return false;
        size_t left = merge_space(merge);
        if (left == 0 || memcmp(merge.data, token.data, left) != 0 ||
            memcmp(merge.data + left + 1, token.data + left, token.bytes - left) != 0) {
            return false;
        }
        met_str bytes = met_vocab_bytes(vocab, id);
        if (bytes.bytes > MET_VOCAB_MERGE_BYTES_MAX) return false;
        /* A character spells a byte. (A token that is not spelled in bytes is never found, whatever
         * its split.) */
        vocab->splits[id] =
            (uint16_t)(bytes.bytes == token.bytes ? left : count_chars(token.data, left));
        if (bytes.bytes == 2) {
            vocab->byte_ranks[(uint8_t)bytes.data[0] | (uint8_t)bytes.data[1] << 8] =
                (uint32_t)(id - 256);
        }
    }
    return true;
}

static met_status fail_merge(const loader *load, uint64_t index, met_str merge, const char *why,
                             met_error *err)
{
    return met_fail(err, MET_E_TOKENIZER, "%s: tokenizer.ggml.merges[%llu] is \"%.*s\": %s",
                    load->name, (unsigned long long)index, met_str_shown(merge), merge.data, why);
}

/* A repeated pair takes the later rank, as in Hugging Face. */
static void insert_pair(met_vocab *vocab, int32_t left, int32_t right, uint32_t rank)
{
    uint32_t slot = met_vocab_pair_slot(vocab, left, right);
    while (vocab->pairs[slot].rank != MET_VOCAB_NO_RANK &&
           (vocab->pairs[slot].left != left || vocab->pairs[slot].right != right)) {
        slot = (slot + 1) & vocab->pair_mask;
    }
    vocab->pairs[slot] = (met_pair){left, right, rank};
    met_str left_bytes = met_vocab_bytes(vocab, left);
    met_str right_bytes = met_vocab_bytes(vocab, right);
    if (left_bytes.bytes == 1 && right_bytes.bytes == 1) {
        vocab->byte_ranks[(uint8_t)*left_bytes.data | (uint8_t)*right_bytes.data << 8] = rank;
    }
}

static met_status read_pairs(loader *load, char *scratch, met_error *err)
{
    met_vocab *vocab = load->vocab;
    const uint8_t *at = load->merges.data;
    for (uint32_t rank = 0; rank < (uint32_t)vocab->merges; rank++) {
        met_str merge = met_gguf_next_string(&at);
        size_t space = merge_space(merge);
        if (space == 0) return fail_merge(load, rank, merge, "expected two parts and a space", err);
        met_str left = {merge.data, space};
        met_str right = {merge.data + space + 1, merge.bytes - space - 1};
        size_t left_bytes = unmap(load->map, left, scratch);
        if (left_bytes == NOT_MAPPED) {
            return fail_merge(load, rank, merge, "its left part spells no bytes", err);
        }
        size_t right_bytes = unmap(load->map, right, scratch + left_bytes);
        if (right_bytes == NOT_MAPPED) {
            return fail_merge(load, rank, merge, "its right part spells no bytes", err);
        }
        int32_t left_id = met_vocab_find(vocab, scratch, left_bytes);
        int32_t right_id = met_vocab_find(vocab, scratch + left_bytes, right_bytes);
        int32_t product = met_vocab_find(vocab, scratch, left_bytes + right_bytes);
        if (left_id < 0 || right_id < 0 || product < 0) {
            return fail_merge(load, rank, merge,
                              left_id < 0    ? "its left part is not a token for text"
                              : right_id < 0 ? "its right part is not a token for text"
                                             : "what it makes is not a token for text",
                              err);
        }
        vocab->products[rank] = product;
        insert_pair(vocab, left_id, right_id, rank);
    }
    return MET_OK;
}

/* The table of pairs, for a vocabulary in any order. */
static met_status read_unranked(loader *load, met_error *err)
{
    met_vocab *vocab = load->vocab;
    size_t merges = (size_t)vocab->merges;
    size_t pairs = 16;
    while (pairs < 2 * merges)
        pairs *= 2;
    vocab->pair_mask = (uint32_t)(pairs - 1);
    vocab->pairs = malloc(pairs * sizeof *vocab->pairs);
    vocab->products = malloc((merges + 1) * sizeof *vocab->products);
    /* No merge is longer than all of them. */
    size_t scratch_bytes = (size_t)(load->merges.end - load->merges.data) + 1;
    char *scratch = malloc(scratch_bytes);
    met_status status = MET_OK;
    if (vocab->pairs == NULL || vocab->products == NULL || scratch == NULL) {
        status = met_fail_memory(err, "merges",
                                 pairs * sizeof *vocab->pairs + 4 * merges + scratch_bytes);
        goto done;
    }
    vocab->memory_bytes +=
        pairs * sizeof *vocab->pairs + (merges + 1) * sizeof *vocab->products;
    memset(vocab->pairs, 0xff, pairs * sizeof *vocab->pairs); /* every rank: MET_VOCAB_NO_RANK */
    memset(vocab->byte_ranks, 0xff, 65536 * sizeof *vocab->byte_ranks);
    status = read_pairs(load, scratch, err);
done:
    free(scratch);
    return status;
}

/* What can be done while the slots are filled. */
static met_status try_ranked(loader *load, met_error *err)
{
    met_vocab *vocab = load->vocab;
    vocab->splits = calloc((size_t)vocab->count, sizeof *vocab->splits);
    if (vocab->splits == NULL) {
        return met_fail_memory(err, "merges", (size_t)vocab->count * sizeof *vocab->splits);
    }
    vocab->ranked = read_ranked(load);
    return MET_OK;
}

static met_status read_merges(loader *load, met_error *err)
{
    met_vocab *vocab = load->vocab;
    if (load->slots.duplicates) vocab->ranked = false;
    if (vocab->ranked) {
        vocab->memory_bytes += (size_t)vocab->count * sizeof *vocab->splits;
        return MET_OK;
    }
    free(vocab->splits);
    vocab->splits = NULL;
    return read_unranked(load, err);
}

/* Everything, in what `allocate` has made room for. */
static met_status read_vocabulary(loader *load, met_error *err)
{
    met_status status = met_slots_begin(&load->slots, load->vocab, err);
    if (status != MET_OK) return status;
    status = read_tokens(load, err);
    if (status == MET_OK) status = try_ranked(load, err);
    met_slots_finish(&load->slots, status != MET_OK);
    if (status == MET_OK) status = find_byte_tokens(load, err);
    if (status == MET_OK) status = read_merges(load, err);
    return status;
}

met_status met_vocab_init(met_vocab *vocab, const met_gguf *gguf, met_error *err)
{
    loader load = {.vocab = vocab, .name = met_gguf_name(gguf)};
    fill_map(load.map);
    met_status status = check_kind(gguf, err);
    if (status == MET_OK) status = find_arrays(&load, gguf, err);
    if (status == MET_OK) status = allocate(&load, err);
    if (status == MET_OK) status = read_vocabulary(&load, err);
    if (status != MET_OK) met_vocab_free(vocab);
    return status;
}

void met_vocab_free(met_vocab *vocab)
{
    free(vocab->bytes);
    free(vocab->begins);
    free(vocab->types);
    free(vocab->slots);
    free(vocab->splits);
    free(vocab->pairs);
    free(vocab->products);
    free(vocab->byte_ranks);
    free(vocab->whole);
    memset(vocab, 0, sizeof *vocab);
}
