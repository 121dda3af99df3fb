/* Owns: the AVX-VNNI product of a Q8_0 matrix with many tokens.
 *
 * 32 rows x 16 blocks of columns at a time are packed into a panel that stays in the first cache,
 * so that a lane is a row. Tiles of 8 rows x 6 tokens walk along it; between panels the sums wait
 * in y, which is exact. Every lane makes its sums in the order of matvec_q8, so the number of
 * tokens does not show in the result.
 *
 * Panel, for each block of 32 columns (1152 bytes):
 *     uint8_t quad[4][8][8][4]   strip of 8 rows, four columns, row, column; + 128
 *     float scale[32] */
#include "backend/cpu/kernels_avxvnni.h"

#include "backend/cpu/math_avx2.h"

enum {
    STRIP_ROWS = 8, /* the lanes of one register */
    STRIPS = MET_PANEL_ROWS / STRIP_ROWS,
    QUADS = MET_Q8_BLOCK / 4,
    QUAD_BYTES = 4 * STRIP_ROWS,
    STRIP_BYTES = QUADS * QUAD_BYTES,
    TILE_TOKENS = 6,
    PANEL_TOKENS = 3, /* fewer are multiplied one by one */
    CHUNK_BLOCKS = 16,
    PANEL_BLOCK_BYTES = STRIPS * STRIP_BYTES + MET_PANEL_ROWS * (int)sizeof(float)
};

_Static_assert(PANEL_BLOCK_BYTES <= MET_PANEL_ROWS * MET_Q8_BLOCK * (int)sizeof(float),
               "a block fits its share of met_cpu_panel_bytes");

/* What a tile works on: some blocks of 8 rows, some tokens. */
typedef struct q8_tile {
    const uint8_t *panel;  /* the strip's first quad; PANEL_BLOCK_BYTES to the next block */
    const float *w_scale;  /* the strip's first scale; likewise */
    const int8_t *q;       /* of the first block; cols to the next token */
    const float *scale;    /* of the first block; scale_stride to the next token */
    const int32_t *offset; /* likewise */
    size_t cols;
    size_t scale_stride;
    size_t blocks;
    float *y;
    size_t y_stride;
    __m256i rows; /* mask of those that exist */
    bool first;   /* sums start at 0, not in y */
} q8_tile;

/* Rows become columns: 8 x 8 numbers of 32 bits. */
static inline void transpose8(__m256i v[8])
{
    __m256i a[8];
    for (size_t i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    for (size_t i = 0; i < 8; i += 4) {
        v[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        v[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        v[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        v[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (size_t i = 0; i < 4; i++) { /* v[i]: columns i and i + 4 of rows 0-3; v[i + 4]: of 4-7 */
        __m256i top = v[i];
        v[i] = _mm256_permute2x128_si256(top, v[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(top, v[i + 4], 0x31);
    }
}

/* One block of 8 rows. */
static inline void pack_strip(const uint8_t *const row[STRIP_ROWS], size_t block_offset,
                              uint8_t *quads, float *scales)
{
    const __m256i flip = _mm256_set1_epi8((char)0x80);
    uint16_t halves[STRIP_ROWS];
    __m256i v[STRIP_ROWS];
    for (size_t r = 0; r < STRIP_ROWS; r++) {
        const uint8_t *block = row[r] + block_offset;
        halves[r] = read_u16(block);
        v[r] = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(block + 2)), flip);
    }
    _mm256_store_ps(scales, load8_half(halves));
    transpose8(v);
    for (size_t i = 0; i < QUADS; i++)
        _mm256_store_si256((__m256i *)(quads + i * QUAD_BYTES), v[i]);
}

/* rows >= 1; where there are fewer than 32, the last one stands in for the missing. */
static void pack_panel(const uint8_t *w, size_t rows, size_t row_bytes, size_t blocks,
                       uint8_t *panel)
{
    const uint8_t *row[MET_PANEL_ROWS];
    for (size_t r = 0; r < MET_PANEL_ROWS; r++)
        row[r] = w + (r < rows ? r : rows - 1) * row_bytes;
    for (size_t b = 0; b < blocks; b++, panel += PANEL_BLOCK_BYTES) {
        float *scales = (float *)(panel + STRIPS * STRIP_BYTES);
        for (size_t s = 0; s < STRIPS; s++) {
            pack_strip(row + s * STRIP_ROWS, b * MET_Q8_BLOCK_BYTES, panel + s * STRIP_BYTES,
                       scales + s * STRIP_ROWS);
        }
    }
}

/* `tokens` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_tile(const q8_tile *tile, const size_t tokens)
{
    const uint8_t *panel = tile->panel;
    const uint8_t *w_scale = (const uint8_t *)tile->w_scale;
    const int8_t *q = tile->q;
    __m256 acc[TILE_TOKENS];
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        acc[t] = tile->first ? _mm256_setzero_ps()
                             : _mm256_maskload_ps(tile->y + t * tile->y_stride, tile->rows);
    }
    for (size_t b = 0; b < tile->blocks; b++) {
        __m256i sum[TILE_TOKENS];
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            sum[t] = _mm256_set1_epi32(tile->offset[t * tile->scale_stride + b]);
#pragma GCC unroll 4 /* more, and clang 14 spills */
        for (size_t i = 0; i < QUADS; i++) {
            __m256i w = _mm256_load_si256((const __m256i *)(panel + i * QUAD_BYTES));
            MET_UNROLL
            for (size_t t = 0; t < tokens; t++) {
                int32_t quad;
                memcpy(&quad, q + t * tile->cols + 4 * i, sizeof quad);
                sum[t] = _mm256_dpbusd_avx_epi32(sum[t], w, _mm256_set1_epi32(quad));
            }
        }
        __m256 d = _mm256_load_ps((const float *)w_scale);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            __m256 scale =
                _mm256_mul_ps(d, _mm256_set1_ps(tile->scale[t * tile->scale_stride + b]));
            acc[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[t]), scale, acc[t]);
        }
        panel += PANEL_BLOCK_BYTES;
        w_scale += PANEL_BLOCK_BYTES;
        q += MET_Q8_BLOCK;
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++)
        _mm256_maskstore_ps(tile->y + t * tile->y_stride, tile->rows, acc[t]);
}

static void run_tile_of(size_t tokens, const q8_tile *tile)
{
    switch (tokens) {
    case 1: run_tile(tile, 1); break;
    case 2: run_tile(tile, 2); break;
    case 3: run_tile(tile, 3); break;
    case 4: run_tile(tile, 4); break;
    case 5: run_tile(tile, 5); break;
    default: run_tile(tile, TILE_TOKENS); break;
    }
}

/* All tokens against one packed panel: blocks [first, first + here) of some rows. */
static void run_panel(const uint8_t *panel, size_t rows, size_t first, size_t here,
                      const met_q8_rows *x, size_t cols, size_t tokens, float *y, size_t y_stride)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
        size_t count = tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS;
        for (size_t r = 0; r < rows; r += STRIP_ROWS) {
            q8_tile tile = {
                .panel = panel + r / STRIP_ROWS * STRIP_BYTES,
                .w_scale = (const float *)(panel + STRIPS * STRIP_BYTES) + r,
                .q = x->q + t * cols + first * MET_Q8_BLOCK,
                .scale = x->scale + t * blocks + first,
                .offset = x->offset + t * blocks + first,
                .cols = cols,
                .scale_stride = blocks,
                .blocks = here,
                .y = y + t * y_stride + r,
                .y_stride = y_stride,
                .rows = mask8_first(rows - r),
                .first = first == 0,
            };
            run_tile_of(count, &tile);
        }
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
            met_avxvnni_matvec_q8(w + r * blocks * MET_Q8_BLOCK_BYTES, here, cols, x->q + t * cols,
                                  x->scale + t * blocks, x->offset + t * blocks,
                                  y + t * y_stride + r);
        }
    }
}

void met_avxvnni_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                           size_t tokens, float *y, size_t y_stride, void *panel)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    if (tokens < PANEL_TOKENS) {
        matvec_each(w, rows, cols, x, tokens, y, y_stride);
        return;
    }
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t count = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        size_t first = 0;
        do { /* once even without columns: y is written */
            size_t here = blocks - first < CHUNK_BLOCKS ? blocks - first : CHUNK_BLOCKS;
            pack_panel(w + r * row_bytes + first * MET_Q8_BLOCK_BYTES, count, row_bytes, here,
                       panel);
            run_panel(panel, count, first, here, x, cols, tokens, y + r, y_stride);
            first += here;
        } while (first < blocks);
    }
}
