/* The kernels of the CPU machine: one table of functions for each ISA level.
 *
 * The numeric contract: for the same finite inputs every level returns the same bits. The scalar
 * level (kernels_scalar.c) is the definition; each comment below states the order of operations
 * that it fixes. Infinities and NaNs give NaNs in the same places (their payload is not part of
 * the contract). Everything is compiled with -ffp-contract=off; `fma` below is one fused rounding.
 *
 * General rules: no alignment is required beyond the element's own, except where stated; outputs
 * do not overlap inputs except where stated; sizes of 0 do nothing; nothing outside the named
 * ranges is read or written, except that prefetch hints may point anywhere.
 *
 * tree16(p): for h = 8, 4, 2, 1: p[i] = p[i] + p[i + h] for i < h; the result is p[0]. */
#ifndef MET_BACKEND_CPU_KERNELS_H
#define MET_BACKEND_CPU_KERNELS_H

#include "base/dtype.h"
#include "base/isa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MET_KEY_BLOCK = 64, /* keys that attention visits together, at fixed absolute positions */
    MET_KEY_TILE = 16,  /* keys that lie side by side in the cache */
    MET_PANEL_ROWS = 32 /* weight rows that a matmul packs at a time */
};

/* Activations quantized for Q8_0 weights, `cols` a multiple of 32. */
typedef struct met_q8_rows {
    int8_t *q;       /* [tokens][cols], in [-127, 127] */
    float *scale;    /* [tokens][cols / 32] */
    int32_t *offset; /* [tokens][cols / 32]: -128 * sum of the block's q */
} met_q8_rows;

/* Attention of some queries over one block of keys of one key-value head. */
typedef struct met_attend {
    const float *q;    /* query (t, g) begins at q + t * q_stride + g * head_dim */
    size_t q_stride;   /* floats from one token to the next */
    const void *k;     /* f16 or f32 [MET_KEY_BLOCK / 16][head_dim][16] */
    const void *v;     /* the same type [MET_KEY_BLOCK][head_dim] */
    bool kv_f32;       /* k and v are f32 */
    int32_t tokens;    /* >= 1 */
    int32_t group;     /* query heads that share this key-value head, >= 1 */
    int32_t head_dim;  /* even, >= 2 */
    int32_t visible;   /* keys that token 0 sees, >= 1; token t sees min(visible + t, 64) */
    float scale;       /* 1 / sqrt(head_dim) */
    const void *next;  /* a hint: keys and values of a block that comes soon; NULL: none */
    float *max;        /* out [tokens][group] */
    float *sum;        /* out [tokens][group] */
    float *out;        /* out [tokens][group][head_dim] */
} met_attend;

typedef struct met_cpu_kernels {
    const char *name;
    met_isa isa;

    /* Blocks of 32. m = max |x| (as unsigned bits of |x|, so that a NaN wins); scale = m / 127;
     * inverse = 127 / m if 2^-119 <= m < infinity, else 0; q = inverse == 0 ? 0 :
     * round_half_even(x * inverse); offset = -128 * sum(q). So |q| <= 127, which matvec and matmul
     * rely on. */
    void (*quantize_q8)(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset);

    /* y[r] for one token: acc = 0; for each block b ascending:
     * acc = fma((float)isum, half(w.scale) * x.scale, acc), isum the exact integer dot product.
     * w: [rows] of Q8_0, row_bytes = cols / 32 * 34. */
    void (*matvec_q8)(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                      const float *scale, const int32_t *offset, float *y);
    /* The same for many tokens: y[t * y_stride + r]. `panel` is work space of
     * met_cpu_panel_bytes(cols), 64-byte aligned. */
    void (*matmul_q8)(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                      size_t tokens, float *y, size_t y_stride, void *panel);

    /* y[r] for one token: p[16] = 0; for k ascending p[k % 16] = fma(w[k], x[k], p[k % 16]);
     * y = tree16(p). */
    void (*matvec_f16)(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y);
    void (*matvec_f32)(const float *w, size_t rows, size_t cols, const float *x, float *y);
    /* The same for many tokens: x[t * cols + k], y[t * y_stride + r]; panel as above. */
    void (*matmul_f16)(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t tokens,
                       float *y, size_t y_stride, void *panel);
    void (*matmul_f32)(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                       float *y, size_t y_stride, void *panel);

    /* One row of a weight matrix as floats; cols a multiple of 32 for Q8_0: half(scale) * q. */
    void (*row_q8)(const uint8_t *row, size_t cols, float *y);
    void (*row_f16)(const uint16_t *row, size_t cols, float *y);

    /* Round to nearest even; y as f16. */
    void (*to_f16)(const float *x, size_t n, uint16_t *y);

    /* p[16] = 0; p[i % 16] = fma(x[i], x[i], p[i % 16]);
     * s = 1 / sqrt(tree16(p) / (float)cols + eps); y[i] = (x[i] * s) * w[i]. y may be x. */
    void (*rmsnorm)(const float *x, const float *w, size_t cols, float eps, float *y);

    /* In place, each of `heads` vectors of head_dim; half = head_dim / 2; for i < half, with
     * a = x[i], b = x[i + half], c = cosine[i], s = sine[i]:
     * x[i] = fma(a, c, -(b * s)); x[i + half] = fma(b, c, a * s). (NeoX pairing.) */
    void (*rope)(float *x, const float *cosine, const float *sine, size_t heads, size_t head_dim);

    /* y[i] = (g[i] / (1 + met_exp(-g[i]))) * u[i]. y may be g or u. */
    void (*swiglu)(const float *g, const float *u, size_t n, float *y);

    /* y[i] = a[i] + b[i]. y may be a or b. */
    void (*add)(const float *a, const float *b, size_t n, float *y);

    /* For each query, with n visible keys (keys beyond n are never looked at):
     *   s_j = (acc = 0; for d ascending acc = fma(q[d], k_j[d], acc)) * scale
     *   m = -inf; for j ascending m = s_j > m ? s_j : m; max = m = m + 0 (so never -0)
     *   p_j = met_exp(s_j - m); l[16] = 0; l[j % 16] = l[j % 16] + p_j; sum = tree16(l)
     *   out[d] = 0; for j ascending out[d] = fma(p_j, v_j[d], out[d])
     * k and v are widened to float where they are f16 and used as they are where they are f32.
     * Rows of k and v beyond n may hold anything finite. */
    void (*attend)(const met_attend *task);
    /* Fold the next block's (max, sum, out) of `queries` queries into the running ones, in place:
     *   m = block_max > max ? block_max : max; a = met_exp(max - m); b = met_exp(block_max - m);
     *   sum = fma(sum, a, block_sum * b); out[d] = fma(out[d], a, block_out[d] * b); max = m. */
    void (*attend_merge)(float *max, float *sum, float *out, const float *block_max,
                         const float *block_sum, const float *block_out, size_t queries,
                         size_t head_dim);
    /* y[q * y_stride + g * head_dim + d] = out[q][g][d] / sum[q][g]. */
    void (*attend_finish)(const float *sum, const float *out, size_t tokens, size_t group,
                          size_t head_dim, float *y, size_t y_stride);

    /* y[i] = met_exp(x[i]), defined in exp.h: the one exponential of this machine, for tests and
     * benches. */
    void (*exp)(const float *x, size_t n, float *y);
} met_cpu_kernels;

/* Bytes of a matmul's work space for one thread: a packed panel of MET_PANEL_ROWS rows. */
static inline size_t met_cpu_panel_bytes(size_t cols)
{
    return MET_PANEL_ROWS * (cols + 64) * sizeof(float);
}

/* A level fills in what it improves and leaves the rest. From the reference upwards. */
void met_cpu_fill_scalar(met_cpu_kernels *kernels);
void met_cpu_fill_avx2(met_cpu_kernels *kernels);
void met_cpu_fill_avxvnni(met_cpu_kernels *kernels);
void met_cpu_fill_avx512(met_cpu_kernels *kernels);
void met_cpu_fill_neon(met_cpu_kernels *kernels);
void met_cpu_fill_i8mm(met_cpu_kernels *kernels);

/* The levels that this build knows, lowest first. */
int32_t met_cpu_level_count(void);
const char *met_cpu_level_name(int32_t level);
/* Whether this processor and system can run it. */
bool met_cpu_level_available(int32_t level);
/* The table of a level: every level up to it that this processor can run is filled in, in order. (A
 * processor may lack one in the middle: many with AVX-512 have no AVX-VNNI.) */
met_cpu_kernels met_cpu_level_kernels(int32_t level);

#endif
