/* One product as a test describes it: random operands, the three kernels that can compute it, and
 * what the scalar CPU kernels make of it. */
#ifndef MET_TESTS_METAL_PRODUCT_CASE_H
#define MET_TESTS_METAL_PRODUCT_CASE_H

#include "metal/kernel_run.h"

#include "backend/cpu/kernels.h"
#include "base/dtype.h"
#include "kernels/kernel_test.h"

/* What a test asks for. Zeroed: one part of F32 weights that goes to out. */
typedef struct product_shape {
    met_dtype type;
    int32_t cols, tokens;
    int32_t rows[MET_METAL_PARTS]; /* 0: no such part */
    int32_t kind[MET_METAL_PARTS];
    bool rotate[MET_METAL_PARTS];
    bool swiglu, norm, bias, residual;
    int32_t head_dim, position; /* where something rotates or goes to the cache */
    met_dtype kv_type;
    fill_kind fill;
    int32_t pairs; /* of a simdgroup of met_matvec; 0: 1 */
} product_shape;

/* Its operands and results. */
typedef struct product_case {
    product_shape shape;
    met_metal_product arguments;
    uint8_t *weight[MET_METAL_PARTS]; /* [rows] of the type */
    float *bias[MET_METAL_PARTS];
    float *x;        /* [tokens][cols] */
    float *norm;     /* [cols] */
    float *residual; /* [tokens][rows 0] */
    float *rotation; /* [tokens][head_dim / 2][2] */
    float *out[MET_METAL_PARTS]; /* [tokens][rows]; NaNs before a run */
    uint8_t *kv;     /* every block up to the last position, NaNs before a run */
    size_t kv_bytes;
    float *sums[MET_METAL_PARTS]; /* [tokens][rows] products alone: for met_finish */
} product_case;

/* With FILL_INTEGER every product and sum is an integer below 2^24, so exact in any order. */
product_case *product_open(const product_shape *shape, uint64_t seed);
void product_close(product_case *c);

/* Out and cache as before a run. */
void product_reset(product_case *c);

void product_run_matvec(product_case *c);
void product_run_matmul(product_case *c); /* x goes through met_prepare first, as on the machine */
void product_run_finish(product_case *c); /* from `sums`, which product_expect leaves */

/* What the scalar CPU kernels make of the same operands, op by op: out and the elements of keys and
 * values, [part][tokens][rows]; free each. */
void product_expect(product_case *c, float *expected[MET_METAL_PARTS]);

/* What a run left: a part's out, or its elements as the cache has them. */
void product_found(const product_case *c, int32_t part, float *found);

/* "q8_0 cols 64 rows 7 ...": for messages, valid until the next call. */
const char *product_name(const product_shape *shape);

/* A row's weights in double; the prepared input as met_prepare leaves it. */
double product_weight(const product_case *c, int32_t part, int32_t row, int32_t col);
void product_prepare(const product_case *c, float *prepared);

#endif
