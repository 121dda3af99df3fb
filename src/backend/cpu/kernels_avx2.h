/* The functions of the AVX2 level, by family; their contracts are in kernels.h. */
#ifndef MET_BACKEND_CPU_KERNELS_AVX2_H
#define MET_BACKEND_CPU_KERNELS_AVX2_H

#include "backend/cpu/kernels.h"

/* matvec_avx2.c */
void met_avx2_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                        const float *scale, const int32_t *offset, float *y);
void met_avx2_matvec_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y);
void met_avx2_matvec_f32(const float *w, size_t rows, size_t cols, const float *x, float *y);

/* matmul_q8_avx2.c */
void met_avx2_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                        size_t tokens, float *y, size_t y_stride, void *panel);

/* matmul_q8_few_avx2.c: any number of tokens, meant for few. */
void met_avx2_matmul_q8_few(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                            size_t tokens, float *y, size_t y_stride);

/* matmul_float_avx2.c */
void met_avx2_matmul_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel);
void met_avx2_matmul_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel);

/* rows_avx2.c */
void met_avx2_quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset);
void met_avx2_row_q8(const uint8_t *row, size_t cols, float *y);
void met_avx2_row_f16(const uint16_t *row, size_t cols, float *y);
void met_avx2_to_f16(const float *x, size_t n, uint16_t *y);
void met_avx2_rmsnorm(const float *x, const float *w, size_t cols, float eps, float *y);
void met_avx2_rope(float *x, const float *cosine, const float *sine, size_t heads, size_t head_dim);
void met_avx2_swiglu(const float *g, const float *u, size_t n, float *y);
void met_avx2_add(const float *a, const float *b, size_t n, float *y);
void met_avx2_exp(const float *x, size_t n, float *y);

/* attention_avx2.c */
void met_avx2_attend(const met_attend *task);
void met_avx2_attend_merge(float *max, float *sum, float *out, const float *block_max,
                           const float *block_sum, const float *block_out, size_t queries,
                           size_t head_dim);
void met_avx2_attend_finish(const float *sum, const float *out, size_t tokens, size_t group,
                            size_t head_dim, float *y, size_t y_stride);

#endif
