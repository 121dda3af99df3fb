/* Owns: a made-up vocabulary that is nevertheless a valid byte-level BPE.
 *
 * Its merges form a tree, breadth first: the roots are the space and the 26 letters, and each token
 * in turn gets 26 children, itself with one more letter. So merge number i is known without a
 * table: it joins token number i / 26 of the tree with letter i mod 26, and gives a text that no
 * other merge gives. */
#include "model/synth.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BYTE_TOKENS = 256,
    CONTROL_TOKENS = 3,
    LETTERS = 26,
    ROOTS = 1 + LETTERS,
    MERGES_MAX = 151387, /* as Qwen2 has: what is above are unused tokens */
    TEXT_BYTES = 24,
    TYPE_NORMAL = 1, /* tokenizer.ggml.token_type */
    TYPE_CONTROL = 3,
    TYPE_UNUSED = 5
};

/* Frequent letters first, so that a small vocabulary meets them. */
static const char letters[] = "etaoinshrdlcumwfgypbvkjxqz";

_Static_assert(sizeof letters == LETTERS + 1, "each letter once");

static const char chat_template[] =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>\\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\\n' }}{% endif %}";

typedef struct vocab_text {
    char text[TEXT_BYTES];
} vocab_text;

typedef struct vocab_lists {
    vocab_text *tokens; /* [vocab] */
    int32_t *types;     /* [vocab] */
    vocab_text *merges; /* [merges] */
    met_str *views;     /* [vocab] */
    int32_t vocab;
    int32_t merge_count;
} vocab_lists;

/* The letters that GPT-2 writes bytes with: printable ones stand for themselves, the others follow
 * from U+0100. Tokens 0 to 187 are the printable ones. */
static void byte_token(int32_t id, char text[TEXT_BYTES])
{
    int32_t code = id - 188 + 0x100;
    if (id < 94)
        code = '!' + id;
    else if (id < 106)
        code = 0xa1 + id - 94;
    else if (id < 188)
        code = 0xae + id - 106;
    if (code < 0x80) {
        (void)snprintf(text, TEXT_BYTES, "%c", code);
    } else {
        (void)snprintf(text, TEXT_BYTES, "%c%c", 0xc0 | code >> 6, 0x80 | (code & 0x3f));
    }
}

/* Text of a token of the tree: roots first, then the merges. */
static const char *tree_token(const vocab_lists *lists, int32_t node)
{
    if (node == 0) return "\xc4\xa0"; /* U+0120: the space */
    if (node < ROOTS) return lists->tokens[letters[node - 1] - '!'].text;
    return lists->tokens[BYTE_TOKENS + node - ROOTS].text;
}

static void make_lists(vocab_lists *lists)
{
    static const char *const control[CONTROL_TOKENS] = {"<|endoftext|>", "<|im_start|>",
                                                        "<|im_end|>"};
    for (int32_t id = 0; id < BYTE_TOKENS; id++) {
        byte_token(id, lists->tokens[id].text);
        lists->types[id] = TYPE_NORMAL;
    }
    for (int32_t i = 0; i < lists->merge_count; i++) {
        const char *left = tree_token(lists, i / LETTERS);
        int32_t id = BYTE_TOKENS + i;
        char letter = letters[i % LETTERS];
        (void)snprintf(lists->merges[i].text, TEXT_BYTES, "%.*s %c", TEXT_BYTES - 3, left, letter);
        (void)snprintf(lists->tokens[id].text, TEXT_BYTES, "%.*s%c", TEXT_BYTES - 2, left, letter);
        lists->types[id] = TYPE_NORMAL;
    }
    int32_t id = BYTE_TOKENS + lists->merge_count;
    for (int32_t i = 0; i < CONTROL_TOKENS; i++, id++) {
        (void)snprintf(lists->tokens[id].text, TEXT_BYTES, "%s", control[i]);
        lists->types[id] = TYPE_CONTROL;
    }
    for (; id < lists->vocab; id++) {
        (void)snprintf(lists->tokens[id].text, TEXT_BYTES, "[PAD%d]", id);
        lists->types[id] = TYPE_UNUSED;
    }
}

static void write_texts(met_gguf_writer *writer, const char *key, vocab_lists *lists,
                        const vocab_text *texts, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        lists->views[i] = met_str_of(texts[i].text);
    met_gguf_write_strings(writer, key, lists->views, (uint64_t)count);
}

met_status met_synth_write_vocab(met_gguf_writer *writer, int32_t vocab, met_error *err)
{
    met_status status = MET_OK;
    int32_t merges = vocab - BYTE_TOKENS - CONTROL_TOKENS;
    if (merges < 0) {
        return met_fail(err, MET_E_ARGUMENT, "a vocabulary of %d tokens, expected at least %d",
                        vocab, BYTE_TOKENS + CONTROL_TOKENS);
    }
    if (merges > MERGES_MAX) merges = MERGES_MAX;
    size_t count = (size_t)vocab;
    vocab_lists lists = {
        .tokens = calloc(count, sizeof(vocab_text)),
        .types = calloc(count, sizeof(int32_t)),
        .merges = calloc((size_t)merges + 1, sizeof(vocab_text)),
        .views = calloc(count, sizeof(met_str)),
        .vocab = vocab,
        .merge_count = merges,
    };
    if (lists.tokens == NULL || lists.types == NULL || lists.merges == NULL ||
        lists.views == NULL) {
        status = met_fail_memory(err, "vocabulary", count * sizeof(vocab_text));
        goto done;
    }
    make_lists(&lists);
    uint32_t control = (uint32_t)(BYTE_TOKENS + merges);
    met_gguf_write_str(writer, "tokenizer.ggml.model", met_str_of("gpt2"));
    met_gguf_write_str(writer, "tokenizer.ggml.pre", met_str_of("qwen2"));
    write_texts(writer, "tokenizer.ggml.tokens", &lists, lists.tokens, vocab);
    met_gguf_write_array(writer, "tokenizer.ggml.token_type", MET_GGUF_I32, lists.types, count);
    write_texts(writer, "tokenizer.ggml.merges", &lists, lists.merges, merges);
    met_gguf_write_u32(writer, "tokenizer.ggml.bos_token_id", control);
    met_gguf_write_u32(writer, "tokenizer.ggml.eos_token_id", control + 2);
    met_gguf_write_u32(writer, "tokenizer.ggml.padding_token_id", control);
    met_gguf_write_bool(writer, "tokenizer.ggml.add_bos_token", false);
    met_gguf_write_str(writer, "tokenizer.chat_template", met_str_of(chat_template));
done:
    free(lists.tokens);
    free(lists.types);
    free(lists.merges);
    free(lists.views);
    return status;
}
