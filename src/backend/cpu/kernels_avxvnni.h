/* The functions of the AVX-VNNI level; their contracts are in kernels.h. */
#ifndef MET_BACKEND_CPU_KERNELS_AVXVNNI_H
#define MET_BACKEND_CPU_KERNELS_AVXVNNI_H

#include "backend/cpu/kernels.h"

/* matvec_avxvnni.c */
void met_avxvnni_matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                           const float *scale, const int32_t *offset, float *y);

/* matmul_q8_avxvnni.c */
void met_avxvnni_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                           size_t tokens, float *y, size_t y_stride, void *panel);

#endif
