/* Small vocabularies made by hand, right or wrong, as GGUF bytes in memory. */
#ifndef MET_TESTS_TOKENIZER_VOCABULARY_H
#define MET_TESTS_TOKENIZER_VOCABULARY_H

#include "gguf/forge.h"
#include "tokenizer/tokenizer.h"

/* Zero-initialised is empty. Every part is optional, so that files with parts missing can be made:
 * an array with no element is written unless `omit` names its key. */
typedef struct vocabulary {
    const char *model;  /* NULL: gpt2 */
    const char *pre;    /* NULL: qwen2 */
    const char *omit;   /* the end of a key's name that is left out */
    uint32_t type_kind; /* 0: MET_GGUF_I32 */
    met_buffer tokens;
    met_buffer types;
    met_buffer merges;
    met_buffer extra; /* keys as stored */
    uint64_t token_count;
    uint64_t type_count;
    uint64_t merge_count;
    uint64_t extra_count;
} vocabulary;

/* A tokenizer and the bytes behind it. */
typedef struct loaded {
    char *bytes;
    size_t size;
    met_gguf *gguf;
    met_tokenizer *tokenizer;
} loaded;

static inline void vocabulary_token(vocabulary *v, const char *spelling, int32_t type)
{
    forge_str(&v->tokens, spelling);
    forge_u32(&v->types, (uint32_t)type);
    v->token_count++;
    v->type_count++;
}

static inline void vocabulary_merge_only(vocabulary *v, const char *merge)
{
    forge_str(&v->merges, merge);
    v->merge_count++;
}

/* "a b": the merge and the token that it makes. */
static inline void vocabulary_merge(vocabulary *v, const char *merge)
{
    char token[64] = {0};
    size_t used = 0;
    for (const char *c = merge; *c != '\0'; c++) {
        if (*c != ' ') token[used++] = *c;
    }
    vocabulary_token(v, token, 1);
    vocabulary_merge_only(v, merge);
}

/* GPT-2's spelling of a byte. */
static inline void vocabulary_spell(unsigned byte, char out[3])
{
    unsigned point = byte;
    if (byte < 0x21) {
        point = 0x100 + byte;
    } else if (byte >= 0x7f && byte < 0xa1) {
        point = 0x121 + byte - 0x7f;
    } else if (byte == 0xad) {
        point = 0x143;
    }
    memset(out, 0, 3);
    if (point < 0x80) {
        out[0] = (char)point;
    } else {
        out[0] = (char)(0xc0 | point >> 6);
        out[1] = (char)(0x80 | (point & 0x3f));
    }
}

/* The 256 byte tokens; token i is byte i. */
static inline void vocabulary_bytes(vocabulary *v)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char spelling[3];
        vocabulary_spell(byte, spelling);
        vocabulary_token(v, spelling, 1);
    }
}

static inline void vocabulary_u32(vocabulary *v, const char *key, uint32_t value)
{
    forge_key_u32(&v->extra, key, value);
    v->extra_count++;
}

static inline bool vocabulary_writes(const vocabulary *v, const char *name)
{
    return v->omit == NULL || strcmp(v->omit, name) != 0;
}

static inline void vocabulary_array(met_buffer *file, const char *name, uint32_t kind,
                                    const met_buffer *elements, uint64_t count)
{
    forge_key(file, name, MET_GGUF_ARRAY);
    forge_u32(file, kind);
    forge_u64(file, count);
    if (elements->bytes > 0) met_buffer_add(file, elements->data, elements->bytes);
}

static inline void vocabulary_free(vocabulary *v)
{
    met_buffer_free(&v->tokens);
    met_buffer_free(&v->types);
    met_buffer_free(&v->merges);
    met_buffer_free(&v->extra);
    memset(v, 0, sizeof *v);
}

static inline void vocabulary_keys(const vocabulary *v, met_buffer *file)
{
    uint32_t kind = v->type_kind == 0 ? MET_GGUF_I32 : v->type_kind;
    if (v->extra.bytes > 0) met_buffer_add(file, v->extra.data, v->extra.bytes);
    if (vocabulary_writes(v, "model")) {
        forge_key(file, "tokenizer.ggml.model", MET_GGUF_STRING);
        forge_str(file, v->model == NULL ? "gpt2" : v->model);
    }
    if (vocabulary_writes(v, "pre")) {
        forge_key(file, "tokenizer.ggml.pre", MET_GGUF_STRING);
        forge_str(file, v->pre == NULL ? "qwen2" : v->pre);
    }
    if (vocabulary_writes(v, "token_type")) {
        vocabulary_array(file, "tokenizer.ggml.token_type", kind, &v->types, v->type_count);
    }
    if (vocabulary_writes(v, "tokens")) {
        vocabulary_array(file, "tokenizer.ggml.tokens", MET_GGUF_STRING, &v->tokens,
                         v->token_count);
    }
    if (vocabulary_writes(v, "merges")) { /* last: nothing may be read after it */
        vocabulary_array(file, "tokenizer.ggml.merges", MET_GGUF_STRING, &v->merges,
                         v->merge_count);
    }
}

/* Make the tokenizer, from bytes that end at an unreadable page; `v` is free afterwards. */
static inline met_status vocabulary_load(vocabulary *v, loaded *out, met_error *err)
{
    met_buffer file = {0};
    forge_header(&file, 3, 0, v->extra_count + 6 - (v->omit != NULL));
    vocabulary_keys(v, &file);
    /* The reader wants an aligned base: pad, so that the end can meet the page all the same. */
    size_t size = file.bytes;
    met_buffer_free(&file);
    forge_header(&file, 3, 0, v->extra_count + 6 - (v->omit != NULL));
    forge_key(&file, "pad", MET_GGUF_STRING);
    size += 8 + 3 + 4 + 8;
    forge_u64(&file, (64 - size % 64) % 64);
    forge_zeros(&file, (64 - size % 64) % 64);
    vocabulary_keys(v, &file);
    memset(out, 0, sizeof *out);
    memset(err, 0, sizeof *err);
    out->size = file.bytes;
    out->bytes = test_guarded(file.bytes);
    memcpy(out->bytes, file.data, file.bytes);
    met_buffer_free(&file);
    vocabulary_free(v);
    met_status status = met_gguf_parse(out->bytes, out->size, "m.gguf", &out->gguf, err);
    if (status != MET_OK) fail_msg("the test's own file is wrong: %s", err->text);
    return met_tokenizer_create(out->gguf, &out->tokenizer, err);
}

static inline void loaded_free(loaded *l)
{
    met_tokenizer_free(l->tokenizer);
    met_gguf_free(l->gguf);
    test_guarded_free(l->bytes, l->size);
    memset(l, 0, sizeof *l);
}

/* The tokenizer refuses the vocabulary with this status and exactly this text. */
static inline void vocabulary_refused(vocabulary *v, met_status status, const char *text)
{
    met_error err;
    loaded l;
    met_status found = vocabulary_load(v, &l, &err);
    assert_null(l.tokenizer);
    if (found != status) {
        fail_msg("%s \"%s\", expected %s", met_status_name(found), err.text,
                 met_status_name(status));
    }
    assert_string_equal(err.text, text);
    loaded_free(&l);
}

static inline void vocabulary_accepted(vocabulary *v, loaded *l)
{
    met_error err;
    assert_ok(vocabulary_load(v, l, &err));
    assert_non_null(l->tokenizer);
}

#endif
