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

#include "backend/cpu/math_avx512.h"

enum {
    HALF_ROWS = MET_PANEL_ROWS / 2, /* the lanes of one register */
    TILE_TOKENS = 6,
    PANEL_TOKENS = 3, /* fewer do not repay the packing */
    QUADS = MET_Q8_BLOCK / 4,
    QUAD_BYTES = 4 * MET_PANEL_ROWS,
    PANEL_BLOCK_BYTES = QUADS * QUAD_BYTES + MET_PANEL_ROWS * (int)sizeof(float),
    AHEAD_BYTES = 2048 /* how far into the next rows the prefetches point */
};

_Static_assert(MET_PANEL_ROWS == 32, "the tile has two registers of 16 rows");
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
    __mmask16 rows[2]; /* that exist */
} q8_tile;

/* One block of 16 rows: bytes transposed by fours, scales widened. As many bytes are prefetched at
 * `ahead`. */
static inline void pack_half(const uint8_t *const row[HALF_ROWS], size_t block_offset,
                             uint8_t *quads, float *scales, const uint8_t *ahead)
{
    const __m512i flip = _mm512_set1_epi8((char)0x80);
    const __m512i low = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
    const __m512i high = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
    __m512i z[8];
    __m512i t[8];
    uint16_t halves[HALF_ROWS];

    for (size_t i = 0; i < 8; i++) { /* rows i and i + 8 */
        const uint8_t *a = row[i] + block_offset;
        const uint8_t *b = row[i + 8] + block_offset;
        halves[i] = read_u16(a);
        halves[i + 8] = read_u16(b);
        __m512i both = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(a + 2)));
        both = _mm512_inserti64x4(both, _mm256_loadu_si256((const __m256i *)(b + 2)), 1);
        z[i] = _mm512_xor_si512(both, flip);
        __builtin_prefetch(ahead + 2 * i * MET_Q8_BLOCK_BYTES);
    }
    _mm512_store_ps(scales, load16_half(halves));

    for (size_t i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_epi32(z[i], z[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(z[i], z[i + 1]);
    }
    for (size_t i = 0; i < 8; i += 4) {
        z[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        z[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        z[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        z[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* z[c], c < 4: quads c and c + 4 of rows 0-3, then of rows 8-11; z[4 + c]: of the others. */
    for (size_t c = 0; c < 4; c++) {
        _mm512_store_si512(quads + c * QUAD_BYTES, _mm512_permutex2var_epi64(z[c], low, z[4 + c]));
        _mm512_store_si512(quads + (c + 4) * QUAD_BYTES,
                           _mm512_permutex2var_epi64(z[c], high, z[4 + c]));
    }
}

/* rows >= 1; where there are fewer than 32, the last one stands in for the missing. */
static void pack_panel(const uint8_t *w, size_t rows, size_t blocks, uint8_t *panel)
{
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    const uint8_t *ahead = w + MET_PANEL_ROWS * row_bytes + AHEAD_BYTES;
    const uint8_t *row[MET_PANEL_ROWS];
    for (size_t r = 0; r < MET_PANEL_ROWS; r++)
        row[r] = w + (r < rows ? r : rows - 1) * row_bytes;
    for (size_t b = 0; b < blocks; b++, panel += PANEL_BLOCK_BYTES) {
        float *scales = (float *)(panel + QUADS * QUAD_BYTES);
        pack_half(row, b * MET_Q8_BLOCK_BYTES, panel, scales, ahead);
        pack_half(row + HALF_ROWS, b * MET_Q8_BLOCK_BYTES, panel + QUAD_BYTES / 2,
                  scales + HALF_ROWS, ahead + HALF_ROWS * MET_Q8_BLOCK_BYTES);
        ahead += MET_PANEL_ROWS * MET_Q8_BLOCK_BYTES;
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
        MET_UNROLL
        for (size_t i = 0; i < QUADS; i++) {
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
        const float *scales = (const float *)(panel + QUADS * QUAD_BYTES);
        __m512 d0 = _mm512_load_ps(scales);
        __m512 d1 = _mm512_load_ps(scales + HALF_ROWS);
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
        _mm512_mask_storeu_ps(y, tile->rows[0], acc[t][0]);
        _mm512_mask_storeu_ps(y + HALF_ROWS, tile->rows[1], acc[t][1]);
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

/* Token by token, some rows at a time that stay in cache for all of them. */
static void matvec_each(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                        size_t tokens, float *y, size_t y_stride)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        for (size_t t = 0; t < tokens; t++) {
            met_avx512_matvec_q8(w + r * blocks * MET_Q8_BLOCK_BYTES, here, cols, x->q + t * cols,
                                 x->scale + t * blocks, x->offset + t * blocks,
                                 y + t * y_stride + r);
        }
    }
}

void met_avx512_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                          size_t tokens, float *y, size_t y_stride, void *panel)
{
    size_t blocks = cols / MET_Q8_BLOCK;
    if (tokens < PANEL_TOKENS) {
        matvec_each(w, rows, cols, x, tokens, y, y_stride);
        return;
    }
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        pack_panel(w + r * blocks * MET_Q8_BLOCK_BYTES, here, blocks, panel);
        for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
            q8_tile tile = {
                .q = x->q + t * cols,
                .scale = x->scale + t * blocks,
                .offset = x->offset + t * blocks,
                .cols = cols,
                .y = y + t * y_stride + r,
                .y_stride = y_stride,
                .rows = {mask16_first(here), mask16_first(here > 16 ? here - 16 : 0)},
            };
            run_tile_of(tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS, panel, blocks, &tile);
        }
    }
}
