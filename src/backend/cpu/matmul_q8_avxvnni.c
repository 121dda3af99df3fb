/* Owns: the AVX-VNNI product of a Q8_0 matrix with several tokens.
 *
 * 8 rows are turned into columns block by block, in registers, and meet up to 6 tokens there;
 * nothing is packed: turning again for the next 6 costs less than writing a panel and reading it.
 * Every lane makes its sums in the order of matvec_q8, so the number of tokens does not show in the
 * result. */
#include "backend/cpu/kernels_avxvnni.h"

#include "backend/cpu/matvec_q8_256.h"

enum {
    GROUP_TOKENS = 6,  /* that meet 8 rows in registers */
    STRIP_TOKENS = 48, /* that meet BLOCK_ROWS rows in the second cache */
    BLOCK_ROWS = MET_PANEL_ROWS
};

/* Some tokens and where their results for 8 rows go. */
typedef struct token_group {
    const int8_t *q;
    const float *scale;
    const int32_t *offset;
    size_t cols;
    float *y;
    size_t y_stride;
} token_group;

/* The block at `w` and those of the 7 rows after it: quad[i] has columns 4i .. 4i + 3 of all rows,
 * each + 128. */
MET_FORCE_INLINE void load_columns(const uint8_t *w, size_t row_bytes, __m256i quad[Q8_ROWS])
{
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    __m256i a[Q8_ROWS];
    MET_UNROLL
    for (size_t r = 0; r < Q8_ROWS; r++) {
        const __m256i *block = (const __m256i *)(w + r * row_bytes + 2);
        quad[r] = _mm256_xor_si256(_mm256_loadu_si256(block), flip);
    }
    MET_UNROLL
    for (size_t i = 0; i < Q8_ROWS; i += 2) {
        a[i] = _mm256_unpacklo_epi32(quad[i], quad[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(quad[i], quad[i + 1]);
    }
    MET_UNROLL
    for (size_t i = 0; i < Q8_ROWS; i += 4) {
        quad[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        quad[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        quad[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        quad[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    MET_UNROLL
    for (size_t i = 0; i < 4; i++) { /* quad[i]: i and i + 4 of rows 0-3; quad[i + 4]: of 4-7 */
        __m256i top = quad[i];
        quad[i] = _mm256_permute2x128_si256(top, quad[i + 4], 0x20);
        quad[i + 4] = _mm256_permute2x128_si256(top, quad[i + 4], 0x31);
    }
}

/* 8 rows from `w` on. `tokens` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_rows(const uint8_t *w, size_t blocks, const token_group *x,
                               const size_t tokens)
{
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    const uint8_t *ahead = w + Q8_ROWS * row_bytes + Q8_AHEAD_BYTES;
    const int8_t *q = x->q;
    const size_t cols = x->cols;
    __m256 acc[GROUP_TOKENS];
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        acc[t] = _mm256_setzero_ps();

    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES, q += MET_Q8_BLOCK) {
        __m256i quad[Q8_ROWS];
        load_columns(w, row_bytes, quad);
        __m256 w_scale = _mm256_cvtph_ps(q8_scales8(w, row_bytes));
        __builtin_prefetch(ahead);
        __builtin_prefetch(ahead + Q8_LINE_BYTES);
        __builtin_prefetch(ahead + 2 * Q8_LINE_BYTES);
        __builtin_prefetch(ahead + 3 * Q8_LINE_BYTES);
        if (b % 4 == 3) __builtin_prefetch(ahead + 4 * Q8_LINE_BYTES);
        ahead += Q8_ROWS * MET_Q8_BLOCK_BYTES;
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            __m256i sum = _mm256_set1_epi32(x->offset[t * blocks + b]);
            MET_UNROLL
            for (size_t i = 0; i < Q8_ROWS; i++) {
                int32_t four;
                memcpy(&four, q + t * cols + 4 * i, sizeof four);
                sum = _mm256_dpbusd_avx_epi32(sum, quad[i], _mm256_set1_epi32(four));
            }
            __m256 d = _mm256_mul_ps(w_scale, _mm256_set1_ps(x->scale[t * blocks + b]));
            acc[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), d, acc[t]);
        }
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        _mm256_storeu_ps(x->y + t * x->y_stride, acc[t]);
}

static void rows_of(size_t tokens, const uint8_t *w, size_t blocks, const token_group *x)
{
    switch (tokens) {
    case 1: run_rows(w, blocks, x, 1); break;
    case 2: run_rows(w, blocks, x, 2); break;
    case 3: run_rows(w, blocks, x, 3); break;
    case 4: run_rows(w, blocks, x, 4); break;
    case 5: run_rows(w, blocks, x, 5); break;
    default: run_rows(w, blocks, x, GROUP_TOKENS); break;
    }
}

/* Up to BLOCK_ROWS rows and STRIP_TOKENS tokens. */
static void run_strip(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                      size_t tokens, float *y, size_t y_stride)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    size_t r = 0;
    for (; r + Q8_ROWS <= rows; r += Q8_ROWS, w += Q8_ROWS * blocks * MET_Q8_BLOCK_BYTES) {
        for (size_t t = 0, here; t < tokens; t += here) {
            size_t groups = (tokens - t + GROUP_TOKENS - 1) / GROUP_TOKENS;
            here = (tokens - t + groups - 1) / groups; /* 7 are 4 and 3 */
            token_group group = {.q = x->q + t * cols,
                                 .scale = x->scale + t * blocks,
                                 .offset = x->offset + t * blocks,
                                 .cols = cols,
                                 .y = y + t * y_stride + r,
                                 .y_stride = y_stride};
            rows_of(here, w, blocks, &group);
        }
    }
    for (size_t t = 0; t < tokens && r < rows; t++) {
        met_avxvnni_matvec_q8(w, rows - r, cols, x->q + t * cols, x->scale + t * blocks,
                              x->offset + t * blocks, y + t * y_stride + r);
    }
}

void met_avxvnni_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                           size_t tokens, float *y, size_t y_stride, void *panel)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    (void)panel; /* for levels that pack */
    for (size_t r = 0; r < rows; r += BLOCK_ROWS) {
        size_t here = rows - r < BLOCK_ROWS ? rows - r : BLOCK_ROWS;
        for (size_t t = 0; t < tokens; t += STRIP_TOKENS) {
            met_q8_rows strip = {x->q + t * cols, x->scale + t * blocks, x->offset + t * blocks};
            run_strip(w, here, cols, &strip,
                      tokens - t < STRIP_TOKENS ? tokens - t : STRIP_TOKENS, y + t * y_stride + r,
                      y_stride);
        }
        w += here * blocks * MET_Q8_BLOCK_BYTES;
    }
}
