/* The functions of the NEON level and of the i8mm level above it, by family; their contracts are in
 * kernels.h. */
#ifndef MET_BACKEND_CPU_KERNELS_NEON_H
#define MET_BACKEND_CPU_KERNELS_NEON_H

#include "backend/cpu/kernels.h"

/* matvec_neon.c */
void met_neon_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                        const float *scale, const int32_t *offset, float *y);
/* matvec_q8 of each token; some rows at a time, which stay in cache for all of them. */
void met_neon_matvec_q8_each(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                             size_t tokens, float *y, size_t y_stride);
void met_neon_matvec_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y);
void met_neon_matvec_f32(const float *w, size_t rows, size_t cols, const float *x, float *y);

/* matmul_q8_neon.c, matmul_q8_i8mm.c */
void met_neon_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                        size_t tokens, float *y, size_t y_stride, void *panel);
void met_i8mm_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                        size_t tokens, float *y, size_t y_stride, void *panel);

/* matmul_float_neon.c */
void met_neon_matmul_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel);
void met_neon_matmul_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel);

/* rows_neon.c */
void met_neon_quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset);
void met_neon_row_q8(const uint8_t *row, size_t cols, float *y);
void met_neon_row_f16(const uint16_t *row, size_t cols, float *y);
void met_neon_to_f16(const float *x, size_t n, uint16_t *y);
void met_neon_rmsnorm(const float *x, const float *w, size_t cols, float eps, float *y);
void met_neon_rope(float *x, const float *cosine, const float *sine, size_t heads, size_t head_dim);
void met_neon_swiglu(const float *g, const float *u, size_t n, float *y);
void met_neon_add(const float *a, const float *b, size_t n, float *y);
void met_neon_exp(const float *x, size_t n, float *y);

/* attention_neon.c */
void met_neon_attend(const met_attend *task);
void met_neon_attend_merge(float *max, float *sum, float *out, const float *block_max,
                           const float *block_sum, const float *block_out, size_t queries,
                           size_t head_dim);
void met_neon_attend_finish(const float *sum, const float *out, size_t tokens, size_t group,
                            size_t head_dim, float *y, size_t y_stride);

#endif
