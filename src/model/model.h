/* A GGUF file becomes a program: hyper-parameters are read, weights are bound, the architecture's
 * one file builds the operations. */
#ifndef MET_MODEL_MODEL_H
#define MET_MODEL_MODEL_H

#include "gguf/gguf.h"
#include "program/program.h"

/* Sizes of a decoder-only transformer, as read from the metadata and checked to be sane. */
typedef struct met_hyper {
    met_str architecture; /* view into the file */
    int32_t layers;
    int32_t embedding_length;
    int32_t feed_forward_length;
    int32_t heads;
    int32_t kv_heads;
    int32_t head_dim;
    int32_t vocab;
    int32_t context_length;
    double rope_base;
    float norm_eps;
} met_hyper;

/* Read the metadata, find every tensor, build and seal the program. Weights stay where they are:
 * `gguf` and its bytes are borrowed until met_program_free.
 * MET_E_ARCHITECTURE names one that is not known; MET_E_KEY a missing or impossible value;
 * MET_E_TENSOR a missing or mis-shaped tensor with found and expected shape; MET_E_TYPE a type that
 * cannot be used there. On failure the program is left empty. */
met_status met_model_bind(const met_gguf *gguf, met_hyper *hyper, met_program *program,
                          met_error *err);

/* ---------------------------------------------------------------- for the architectures */

/* Bind a matrix [rows, cols] (in GGUF order: shape[0] = cols) or a float32 vector [cols]; MET_NONE
 * and an error when it is missing or of another shape or type. */
met_status met_model_matrix(const met_gguf *gguf, met_program *program, const char *name,
                            int32_t rows, int32_t cols, int32_t *weight, met_error *err);
met_status met_model_vector(const met_gguf *gguf, met_program *program, const char *name,
                            int32_t cols, int32_t *weight, met_error *err);

met_status met_qwen2_build(const met_gguf *gguf, const met_hyper *hyper, met_program *program,
                           met_error *err);

#endif
