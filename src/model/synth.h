/* Models of an exact shape with random weights. */
#ifndef MET_MODEL_SYNTH_H
#define MET_MODEL_SYNTH_H

#include "base/dtype.h"
#include "gguf/gguf.h"
#include "metallic.h"

/* A Qwen2 model's sizes. Tests make their own. */
typedef struct met_synth_shape {
    const char *name; /* "qwen2.5-0.5b" */
    int32_t layers;
    int32_t embedding_length;
    int32_t feed_forward_length;
    int32_t heads;
    int32_t kv_heads;
    int32_t head_dim;
    int32_t vocab; /* >= 259: the byte tokens and three control tokens */
    int32_t context_length;
    bool tied; /* logits come from the embedding; else there is an output.weight */
} met_synth_shape;

/* The shape called `name`; NULL: none. */
const met_synth_shape *met_synth_find_shape(const char *name);

/* Weights in all: what the literature calls the model's size. 0: memory is out. */
uint64_t met_synth_parameters(const met_synth_shape *shape);

/* Write a model. `vocab` is a file whose tokenizer keys are copied; NULL for a made-up vocabulary.
 * The bytes depend on shape, type, seed and vocab alone, and the weights of different types are the
 * same numbers, rounded. Errors as met_synth. */
met_status met_synth_write(const met_synth_shape *shape, met_dtype type, uint64_t seed,
                           const met_gguf *vocab, const char *path, met_progress_fn progress,
                           void *user, met_error *err);

/* ---------------------------------------------------------------- parts, for synth.c and tests */

/* Numbers of one tensor: centre + spread * u with u uniform in [-1, 1], a pure function of `key`
 * and of the element's position. */
typedef struct met_synth_numbers {
    uint64_t key;
    float centre;
    float spread;
} met_synth_numbers;

/* The key of tensor number `tensor` in a model made from `seed`. */
uint64_t met_synth_key(uint64_t seed, uint64_t tensor);

/* Elements [first, first + count) as `type` stores them. For Q8_0 both are multiples of 32, and
 * blocks are quantized as ggml does: scale = max|x| / 127, halves away from zero. */
void met_synth_fill(const met_synth_numbers *numbers, met_dtype type, uint64_t first, size_t count,
                    void *out);

/* The tokenizer keys of a made-up vocabulary of `vocab` tokens, at least 259: byte-level BPE with
 * the 256 byte tokens, then one token for each merge, then <|endoftext|>, <|im_start|> and
 * <|im_end|>, then unused tokens up to the size. */
met_status met_synth_write_vocab(met_gguf_writer *writer, int32_t vocab, met_error *err);

#endif
