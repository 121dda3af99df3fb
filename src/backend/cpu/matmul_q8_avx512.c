/* Owns: the AVX-512 product of a Q8_0 matrix with many tokens.
 *
 * 32 rows at a time are packed into a panel, block by block, so that a lane is a row; then tiles of
 * up to 6 tokens walk along the panel. Every lane makes its sums in the order of matvec_q8, so the
 * number of tokens does not show in the result.
 *
 * Panel, for each block of 32 columns (1152 bytes, which met_cpu_panel_bytes covers):
 *     uint8_t quad[8][32][4]   4 columns of each row, + 128
 *     float scale[32] */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/q8_columns_avx512.h"

enum {
    TILE_TOKENS = 6,
    PANEL_TOKENS = 33, /* fewer do not repay the packing */
    QUAD_BYTES = 4 * MET_PANEL_ROWS,
    PANEL_BLOCK_BYTES = Q8_QUADS * QUAD_BYTES + MET_PANEL_ROWS * (int)sizeof(float)
};

_Static_assert(MET_PANEL_ROWS == 2 * Q8_LANE_ROWS, "the tile has two registers of 16 rows");
_Static_assert(PANEL_BLOCK_BYTES <= MET_PANEL_ROWS * MET_Q8_BLOCK * (int)sizeof(float),
               "a block fits its share of met_cpu_panel_bytes");

/* The tokens of a tile and where their results go. */
typedef struct q8_tile {
    const int8_t *q;
    const float *scale;
    const int32_t *offset;
    size_t cols;
    float *y;
    size_t y_stride;
} q8_tile;

static void pack_panel(const uint8_t *w, size_t blocks, uint8_t *panel)
{
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    const uint8_t *ahead = w + MET_PANEL_ROWS * row_bytes + Q8_AHEAD_BYTES;
    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES, panel += PANEL_BLOCK_BYTES) {
        float *scales = (float *)(panel + Q8_QUADS * QUAD_BYTES);
        for (size_t half = 0; half < 2; half++) {
            __m512i quad[Q8_QUADS];
            __m512 scale = q8_columns(w + half * Q8_LANE_ROWS * row_bytes, row_bytes, quad, ahead);
            _mm512_store_ps(scales + half * Q8_LANE_ROWS, scale);
            MET_UNROLL
            for (size_t i = 0; i < Q8_QUADS; i++)
                _mm512_store_si512(panel + i * QUAD_BYTES + half * QUAD_BYTES / 2, quad[i]);
            ahead += Q8_LANE_ROWS * MET_Q8_BLOCK_BYTES;
        }
    }
}

/* `tokens` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_tile(const uint8_t *panel, size_t blocks, const q8_tile *tile,
                               const size_t tokens)
{
    const int8_t *q = tile->q;
    const size_t cols = tile->cols;
    __m512 acc[TILE_TOKENS][2];
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        acc[t][0] = acc[t][1] = _mm512_setzero_ps();

    for (size_t b = 0; b < blocks; b++, panel += PANEL_BLOCK_BYTES, q += MET_Q8_BLOCK) {
        __m512i sum[TILE_TOKENS][2];
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            sum[t][0] = sum[t][1] = _mm512_set1_epi32(tile->offset[t * blocks + b]);
        }
        MET_UNROLL_TIGHT
        for (size_t i = 0; i < Q8_QUADS; i++) {
            __m512i w0 = _mm512_load_si512(panel + i * QUAD_BYTES);
            __m512i w1 = _mm512_load_si512(panel + i * QUAD_BYTES + QUAD_BYTES / 2);
            MET_UNROLL
            for (size_t t = 0; t < tokens; t++) {
                int32_t quad;
                memcpy(&quad, q + t * cols + 4 * i, sizeof quad);
                __m512i x = _mm512_set1_epi32(quad);
                sum[t][0] = _mm512_dpbusd_epi32(sum[t][0], w0, x);
                sum[t][1] = _mm512_dpbusd_epi32(sum[t][1], w1, x);
            }
        }
        const float *scales = (const float *)(panel + Q8_QUADS * QUAD_BYTES);
        __m512 d0 = _mm512_load_ps(scales);
        __m512 d1 = _mm512_load_ps(scales + Q8_LANE_ROWS);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            __m512 d = _mm512_set1_ps(tile->scale[t * blocks + b]);
            acc[t][0] =
                _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[t][0]), _mm512_mul_ps(d0, d), acc[t][0]);
            acc[t][1] =
                _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[t][1]), _mm512_mul_ps(d1, d), acc[t][1]);
        }
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        float *y = tile->y + t * tile->y_stride;
        _mm512_storeu_ps(y, acc[t][0]);
        _mm512_storeu_ps(y + Q8_LANE_ROWS, acc[t][1]);
    }
}

static void run_tile_of(size_t tokens, const uint8_t *panel, size_t blocks, const q8_tile *tile)
{
    switch (tokens) {
    case 1: run_tile(panel, blocks, tile, 1); break;
    case 2: run_tile(panel, blocks, tile, 2); break;
    case 3: run_tile(panel, blocks, tile, 3); break;
    case 4: run_tile(panel, blocks, tile, 4); break;
    case 5: run_tile(panel, blocks, tile, 5); break;
    default: run_tile(panel, blocks, tile, TILE_TOKENS); break;
    }
}

void met_avx512_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                          size_t tokens, float *y, size_t y_stride, void *panel)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    const size_t packed = tokens < PANEL_TOKENS ? 0 : rows / MET_PANEL_ROWS * MET_PANEL_ROWS;
    for (size_t r = 0; r < packed; r += MET_PANEL_ROWS) {
        pack_panel(w, blocks, panel);
        w += MET_PANEL_ROWS * blocks * MET_Q8_BLOCK_BYTES;
        for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
            q8_tile tile = {
                .q = x->q + t * cols,
                .scale = x->scale + t * blocks,
                .offset = x->offset + t * blocks,
                .cols = cols,
                .y = y + t * y_stride + r,
                .y_stride = y_stride,
            };
            run_tile_of(tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS, panel, blocks, &tile);
        }
    }
    met_avx512_matmul_q8_few(w, rows - packed, cols, x, tokens, y + packed, y_stride);
}
