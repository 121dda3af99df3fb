/* Owns: the AVX-512 product of a Q8_0 matrix with a few tokens: guesses of speculation, short
 * prompts, and rows that do not fill a panel.
 *
 * It lives on memory as matvec_q8 does. 16 rows are turned into columns block by block, in
 * registers, and meet up to 16 tokens there: nothing is packed, and memory is read once. Every lane
 * makes its sums in the order of matvec_q8, so the number of tokens does not show in the result. */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/q8_columns_avx512.h"

enum { GROUP_TOKENS = 16 }; /* their sums, 8 registers of columns and what else is needed: 32 */

/* Some tokens and where their results for 16 rows go. */
typedef struct few_tokens {
    const int8_t *q;
    const float *scale;
    const int32_t *offset;
    size_t cols;
    float *y;
    size_t y_stride;
} few_tokens;

/* 16 rows from `w` on. `tokens` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_rows(const uint8_t *w, size_t blocks, const few_tokens *x,
                               const size_t tokens)
{
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    const uint8_t *ahead = w + Q8_LANE_ROWS * row_bytes + Q8_AHEAD_BYTES;
    const int8_t *q = x->q;
    const size_t cols = x->cols;
    __m512 acc[GROUP_TOKENS];
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        acc[t] = _mm512_setzero_ps();

    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES, q += MET_Q8_BLOCK) {
        __m512i quad[Q8_QUADS];
        __m512 w_scale = q8_columns(w, row_bytes, quad, ahead);
        ahead += Q8_LANE_ROWS * MET_Q8_BLOCK_BYTES;
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            __m512i sum = _mm512_set1_epi32(x->offset[t * blocks + b]);
            MET_UNROLL
            for (size_t i = 0; i < Q8_QUADS; i++) {
                int32_t four;
                memcpy(&four, q + t * cols + 4 * i, sizeof four);
                sum = _mm512_dpbusd_epi32(sum, quad[i], _mm512_set1_epi32(four));
            }
            __m512 d = _mm512_mul_ps(w_scale, _mm512_set1_ps(x->scale[t * blocks + b]));
            acc[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), d, acc[t]);
        }
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        _mm512_storeu_ps(x->y + t * x->y_stride, acc[t]);
}

#define ROWS(tokens)                                                                               \
    static void rows_##tokens(const uint8_t *w, size_t blocks, const few_tokens *x)                \
    {                                                                                              \
        run_rows(w, blocks, x, tokens);                                                            \
    }
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
ROWS(5)
ROWS(6)
ROWS(7)
ROWS(8)
ROWS(9)
ROWS(10)
ROWS(11)
ROWS(12)
ROWS(13)
ROWS(14)
ROWS(15)
ROWS(16)
#undef ROWS

typedef void (*rows_fn)(const uint8_t *w, size_t blocks, const few_tokens *x);
/* By number of tokens, less one. */
static const rows_fn rows_of[] = {rows_1,  rows_2,  rows_3,  rows_4,  rows_5,  rows_6,
                                  rows_7,  rows_8,  rows_9,  rows_10, rows_11, rows_12,
                                  rows_13, rows_14, rows_15, rows_16};
_Static_assert(sizeof rows_of / sizeof *rows_of == GROUP_TOKENS, "each has its own");

void met_avx512_matmul_q8_few(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                              size_t tokens, float *y, size_t y_stride)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    size_t r = 0;
    for (; r + Q8_LANE_ROWS <= rows; r += Q8_LANE_ROWS) {
        for (size_t t = 0, here; t < tokens; t += here) {
            size_t groups = (tokens - t + GROUP_TOKENS - 1) / GROUP_TOKENS;
            here = (tokens - t + groups - 1) / groups; /* 17 are 9 and 8 */
            few_tokens few = {.q = x->q + t * cols,
                              .scale = x->scale + t * blocks,
                              .offset = x->offset + t * blocks,
                              .cols = cols,
                              .y = y + t * y_stride + r,
                              .y_stride = y_stride};
            rows_of[here - 1](w, blocks, &few);
        }
        w += Q8_LANE_ROWS * blocks * MET_Q8_BLOCK_BYTES;
    }
    for (size_t t = 0; t < tokens && r < rows; t++) {
        met_avx512_matvec_q8(w, rows - r, cols, x->q + t * cols, x->scale + t * blocks,
                             x->offset + t * blocks, y + t * y_stride + r);
    }
}
