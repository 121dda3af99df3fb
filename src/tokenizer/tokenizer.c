/* Owns: the tokenizer: which ranges of a text are control tokens, which are normalised, cut into
 * words and merged. Does not own: the tables (vocab.c), the pattern (scan.c), merging (bpe.c).
 * The invariant: a control token comes only from a range that the caller marked. */
#include "tokenizer/tokenizer.h"

#include "base/error.h"
#include "base/text.h"
#include "tokenizer/bpe.h"
#include "tokenizer/nfc.h"
#include "tokenizer/scan.h"
#include "tokenizer/specials.h"
#include "tokenizer/vocab.h"

#include <stdlib.h>

enum { END_IDS_MAX = 5 };

struct met_tokenizer {
    met_vocab vocab;
    met_specials specials;
    int32_t end_ids[END_IDS_MAX];
    int32_t end_count;
};

/* ---------------------------------------------------------------- creating */

/* The id under `key`, or -1 when the key is absent. */
static met_status read_id(const met_gguf *gguf, const char *key, int32_t count, int32_t *out,
                          met_error *err)
{
    *out = -1;
    if (met_gguf_find(gguf, key) == NULL) return MET_OK;
    uint32_t id = 0;
    met_status status = met_gguf_get_u32(gguf, key, &id, err);
    if (status != MET_OK) return status;
    if (id >= (uint32_t)count) {
        return met_fail(err, MET_E_TOKENIZER, "%s: %s is %u, expected an id below %d",
                        met_gguf_name(gguf), key, id, count);
    }
    *out = (int32_t)id;
    return MET_OK;
}

/* No token is added to a text: a chat template writes its own. */
static met_status check_bos(const met_tokenizer *tokenizer, const met_gguf *gguf, met_error *err)
{
    bool add = false;
    int32_t bos = -1;
    met_status status = met_gguf_maybe_bool(gguf, "tokenizer.ggml.add_bos_token", &add, err);
    if (status != MET_OK) return status;
    status = read_id(gguf, "tokenizer.ggml.bos_token_id", tokenizer->vocab.count, &bos, err);
    if (status != MET_OK) return status;
    if (add && bos < 0) {
        return met_fail(err, MET_E_KEY,
                        "%s: tokenizer.ggml.bos_token_id is missing, expected because "
                        "tokenizer.ggml.add_bos_token is true",
                        met_gguf_name(gguf));
    }
    return MET_OK;
}

static met_status read_end_ids(met_tokenizer *tokenizer, const met_gguf *gguf, met_error *err)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    static const char *const names[] = {"<|im_end|>", "<|endoftext|>"};
    _Static_assert(sizeof keys / sizeof *keys + sizeof names / sizeof *names == END_IDS_MAX,
                   "every end id has a place");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int32_t id = -1;
        met_status status = read_id(gguf, keys[i], tokenizer->vocab.count, &id, err);
        if (status != MET_OK) return status;
        if (id >= 0) tokenizer->end_ids[tokenizer->end_count++] = id;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int32_t id = met_tokenizer_find_control(tokenizer, met_str_of(names[i]));
        if (id >= 0) tokenizer->end_ids[tokenizer->end_count++] = id;
    }
    return MET_OK;
}

met_status met_tokenizer_create(const met_gguf *gguf, met_tokenizer **out, met_error *err)
{
    *out = NULL;
    met_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    if (tokenizer == NULL) return met_fail_memory(err, "tokenizer", sizeof *tokenizer);
    met_status status = met_vocab_init(&tokenizer->vocab, gguf, err);
    if (status == MET_OK) status = met_specials_init(&tokenizer->specials, &tokenizer->vocab, err);
    if (status == MET_OK) status = check_bos(tokenizer, gguf, err);
    if (status == MET_OK) status = read_end_ids(tokenizer, gguf, err);
    if (status != MET_OK) {
        met_tokenizer_free(tokenizer);
        return status;
    }
    *out = tokenizer;
    return MET_OK;
}

void met_tokenizer_free(met_tokenizer *tokenizer)
{
    if (tokenizer == NULL) return;
    met_specials_free(&tokenizer->specials);
    met_vocab_free(&tokenizer->vocab);
    free(tokenizer);
}

size_t met_tokenizer_memory(const met_tokenizer *tokenizer)
{
    return sizeof *tokenizer + tokenizer->vocab.memory_bytes + tokenizer->specials.memory_bytes;
}

/* ---------------------------------------------------------------- encoding */

/* One call of met_tokenizer_encode. */
typedef struct encoder {
    const met_tokenizer *tokenizer;
    met_ids out;
    met_bpe_work bpe;
    met_nfc_work nfc;
} encoder;

static inline met_status encode_word(encoder *e, const char *word, size_t bytes, met_error *err)
{
    const met_vocab *vocab = &e->tokenizer->vocab;
    if (bytes == 1) {
        met_ids_add(&e->out, vocab->byte_ids[(uint8_t)*word]);
        return MET_OK;
    }
    /* Most words are tokens, and the merges of most tokens lead to them. */
    int32_t id = met_vocab_find(vocab, word, bytes);
    unsigned whole = id < 0 ? MET_WHOLE_NO : met_vocab_whole(vocab, id);
    if (whole == MET_WHOLE_YES) {
        met_ids_add(&e->out, id);
        return MET_OK;
    }
    size_t before = e->out.count;
    met_status status = met_bpe_encode(vocab, word, bytes, &e->bpe, &e->out, err);
    if (status == MET_OK && whole == MET_WHOLE_UNKNOWN) {
        /* Merges never change bytes, and of two tokens with the same bytes met_vocab_find and
         * merges give the same one: a single token is this one. */
        met_vocab_set_whole(vocab, id, e->out.count == before + 1);
    }
    return status;
}

/* Text between control tokens. */
static met_status encode_stretch(encoder *e, met_str text, met_error *err)
{
    met_str normal;
    met_status status = met_nfc_normalize(text, &e->nfc, &normal, err);
    if (status != MET_OK) return status;
    for (size_t at = 0; at < normal.bytes;) {
        size_t end = met_scan_qwen2(normal.data, normal.bytes, at);
        status = encode_word(e, normal.data + at, end - at, err);
        if (status != MET_OK) return status;
        at = end;
    }
    return MET_OK;
}

/* Encode up to the end of a control range; *done is how far the text has been encoded. */
static met_status encode_control(encoder *e, met_str text, met_span range, size_t *done,
                                 met_error *err)
{
    const met_tokenizer *t = e->tokenizer;
    for (size_t at = range.begin; at < range.end;) {
        size_t bytes = 0;
        int32_t id = -1;
        if (t->specials.begins[(uint8_t)text.data[at]]) {
            id =
                met_specials_match(&t->specials, &t->vocab, text.data + at, range.end - at, &bytes);
        }
        if (id < 0) {
            at++;
            continue;
        }
        met_str before = {text.data + *done, at - *done};
        met_status status = encode_stretch(e, before, err);
        if (status != MET_OK) return status;
        met_ids_add(&e->out, id);
        at += bytes;
        *done = at;
    }
    return MET_OK;
}

static met_status check_input(met_str text, const met_span *control, size_t control_count,
                              met_error *err)
{
    size_t end = 0;
    for (size_t i = 0; i < control_count; i++) {
        if (control[i].begin < end || control[i].end < control[i].begin ||
            control[i].end > text.bytes) {
            return met_fail(err, MET_E_ARGUMENT,
                            "control range %zu is [%zu, %zu), expected ranges that ascend from "
                            "%zu within %zu bytes of text",
                            i, control[i].begin, control[i].end, end, text.bytes);
        }
        end = control[i].end;
    }
    size_t bad_at = 0;
    if (!met_utf8_valid(text, &bad_at)) {
        return met_fail(err, MET_E_FORMAT, "text has byte 0x%02x at offset %zu, expected UTF-8",
                        (uint8_t)text.data[bad_at], bad_at);
    }
    return MET_OK;
}

met_status met_tokenizer_encode(const met_tokenizer *tokenizer, met_str text,
                                const met_span *control, size_t control_count, int32_t *tokens,
                                size_t capacity, size_t *count, met_error *err)
{
    if (text.data == NULL) text.data = ""; /* an empty view: no arithmetic on NULL */
    encoder e = {.tokenizer = tokenizer, .out = {.ids = tokens, .capacity = capacity}};
    size_t done = 0;
    met_status status = check_input(text, control, control_count, err);
    for (size_t i = 0; status == MET_OK && i < control_count; i++) {
        status = encode_control(&e, text, control[i], &done, err);
    }
    if (status == MET_OK) {
        met_str rest = {text.data + done, text.bytes - done};
        status = encode_stretch(&e, rest, err);
    }
    met_bpe_work_free(&e.bpe);
    met_nfc_work_free(&e.nfc);
    if (status != MET_OK) return status;
    *count = e.out.count;
    if (e.out.count > capacity) {
        return met_fail(err, MET_E_RANGE, "text has %zu tokens, room is for %zu", e.out.count,
                        capacity);
    }
    return MET_OK;
}

/* ---------------------------------------------------------------- asking */

int32_t met_tokenizer_count(const met_tokenizer *tokenizer)
{
    return tokenizer->vocab.count;
}

met_str met_tokenizer_bytes(const met_tokenizer *tokenizer, int32_t id)
{
    /* "[PAD151935]" is no text: the id only makes the rows of a matrix a round number. The
     * published tokenizers do not have it, and leave it out when they decode. */
    if (tokenizer->vocab.types[id] == MET_TOKEN_UNUSED) return (met_str){"", 0};
    return met_vocab_bytes(&tokenizer->vocab, id);
}

bool met_tokenizer_is_control(const met_tokenizer *tokenizer, int32_t id)
{
    return tokenizer->vocab.types[id] == MET_TOKEN_CONTROL;
}

bool met_tokenizer_is_end(const met_tokenizer *tokenizer, int32_t id)
{
    for (int32_t i = 0; i < tokenizer->end_count; i++) {
        if (tokenizer->end_ids[i] == id) return true;
    }
    return false;
}

int32_t met_tokenizer_find_control(const met_tokenizer *tokenizer, met_str spelling)
{
    int32_t id = met_specials_find(&tokenizer->specials, &tokenizer->vocab, spelling);
    return id >= 0 && met_tokenizer_is_control(tokenizer, id) ? id : -1;
}
