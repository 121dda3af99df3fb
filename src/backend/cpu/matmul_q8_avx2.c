/* Owns: the AVX2 product of a Q8_0 matrix with many tokens.
 *
 * 32 rows x 8 blocks of columns at a time are packed as 16-bit numbers into a panel that stays in
 * the first cache, so that a lane is a row and pmaddwd makes exact sums of two products. Tiles of
 * 8 rows x 6 tokens walk along it; between panels the sums wait in y, which is exact. Every lane
 * makes its sums in the order of matvec_q8, so the number of tokens does not show in the result.
 *
 * Panel, for each block of 32 columns (2176 bytes):
 *     int16_t pair[4][16][8][2]   strip of 8 rows, pair of columns, row, column
 *     float scale[32] */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/math_avx2.h"

enum {
    STRIP_ROWS = 8, /* the lanes of one register */
    STRIPS = MET_PANEL_ROWS / STRIP_ROWS,
    TILE_TOKENS = 6,
    PANEL_TOKENS = 24, /* fewer do not repay the packing */
    CHUNK_BLOCKS = 8,
    CHUNK_COLS = CHUNK_BLOCKS * MET_Q8_BLOCK,
    PAIRS = MET_Q8_BLOCK / 2,
    PAIR_BYTES = STRIP_ROWS * 2 * (int)sizeof(int16_t),
    STRIP_BYTES = PAIRS * PAIR_BYTES,
    PANEL_BLOCK_BYTES = STRIPS * STRIP_BYTES + MET_PANEL_ROWS * (int)sizeof(float)
};

_Static_assert(PANEL_BLOCK_BYTES <= MET_PANEL_ROWS * MET_Q8_BLOCK * (int)sizeof(float),
               "a block fits its share of met_cpu_panel_bytes");

/* The tokens of a tile, widened to 16 bits. */
typedef struct wide_tokens {
    _Alignas(32) int16_t q[TILE_TOKENS][CHUNK_COLS];
} wide_tokens;

/* What a tile works on: some blocks of 8 rows, some tokens. */
typedef struct q8_tile {
    const uint8_t *panel; /* the strip's first pair */
    const float *w_scale; /* the strip's first scale; PANEL_BLOCK_BYTES to the next block */
    const wide_tokens *x;
    const float *scale; /* of the first block; scale_stride to the next token */
    size_t scale_stride;
    size_t blocks;
    float *y;
    size_t y_stride;
    __m256i rows; /* mask of those that exist */
    bool first;   /* sums start at 0, not in y */
} q8_tile;

/* Rows become columns: 8 x 8 numbers of 16 bits. */
static inline void transpose8(__m128i v[8])
{
    __m128i a[8];
    __m128i b[8];
    for (size_t i = 0; i < 4; i++) {
        a[i] = _mm_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
        a[i + 4] = _mm_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
    }
    for (size_t i = 0; i < 8; i += 4) {
        b[i] = _mm_unpacklo_epi32(a[i], a[i + 1]);
        b[i + 1] = _mm_unpackhi_epi32(a[i], a[i + 1]);
        b[i + 2] = _mm_unpacklo_epi32(a[i + 2], a[i + 3]);
        b[i + 3] = _mm_unpackhi_epi32(a[i + 2], a[i + 3]);
    }
    for (size_t i = 0; i < 8; i += 4) {
        v[i] = _mm_unpacklo_epi64(b[i], b[i + 2]);
        v[i + 1] = _mm_unpackhi_epi64(b[i], b[i + 2]);
        v[i + 2] = _mm_unpacklo_epi64(b[i + 1], b[i + 3]);
        v[i + 3] = _mm_unpackhi_epi64(b[i + 1], b[i + 3]);
    }
}

/* One block of 8 rows. */
static inline void pack_strip(const uint8_t *const row[STRIP_ROWS], size_t block_offset,
                              uint8_t *pairs, float *scales)
{
    uint16_t halves[STRIP_ROWS];
    for (size_t r = 0; r < STRIP_ROWS; r++)
        halves[r] = read_u16(row[r] + block_offset);
    _mm256_store_ps(scales, load8_half(halves));
    for (size_t c = 0; c < MET_Q8_BLOCK; c += 16) {
        __m128i v[STRIP_ROWS];
        for (size_t r = 0; r < STRIP_ROWS; r++) {
            v[r] = _mm_loadu_si128((const __m128i *)(row[r] + block_offset + 2 + c));
        }
        transpose8(v);
        for (size_t i = 0; i < 8; i++, pairs += PAIR_BYTES) {
            _mm256_store_si256((__m256i *)pairs, _mm256_cvtepi8_epi16(v[i]));
        }
    }
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

static void widen(const int8_t *q, size_t q_stride, size_t tokens, size_t cols, wide_tokens *out)
{
    for (size_t t = 0; t < tokens; t++) {
        for (size_t k = 0; k < cols; k += 16) {
            __m128i bytes = _mm_loadu_si128((const __m128i *)(q + t * q_stride + k));
            _mm256_store_si256((__m256i *)&out->q[t][k], _mm256_cvtepi8_epi16(bytes));
        }
    }
}

/* `tokens` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_tile(const q8_tile *tile, const size_t tokens)
{
    const uint8_t *panel = tile->panel;
    const uint8_t *w_scale = (const uint8_t *)tile->w_scale;
    const int16_t *q = tile->x->q[0];
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
            sum[t] = _mm256_setzero_si256();
#pragma GCC unroll 4 /* more, and gcc 12 spills */
        for (size_t i = 0; i < PAIRS; i++) {
            __m256i w = _mm256_load_si256((const __m256i *)(panel + i * PAIR_BYTES));
            MET_UNROLL
            for (size_t t = 0; t < tokens; t++) {
                int32_t pair;
                memcpy(&pair, q + t * CHUNK_COLS + 2 * i, sizeof pair);
                sum[t] = _mm256_add_epi32(sum[t], _mm256_madd_epi16(w, _mm256_set1_epi32(pair)));
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
    for (size_t t = 0; t < tokens; t++) {
        _mm256_maskstore_ps(tile->y + t * tile->y_stride, tile->rows, acc[t]);
    }
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
    const float *w_scale = (const float *)(panel + STRIPS * STRIP_BYTES);
    const size_t blocks = cols / MET_Q8_BLOCK;
    wide_tokens widened;
    for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
        size_t count = tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS;
        widen(x->q + t * cols + first * MET_Q8_BLOCK, cols, count, here * MET_Q8_BLOCK, &widened);
        for (size_t r = 0; r < rows; r += STRIP_ROWS) {
            q8_tile tile = {
                .panel = panel + r / STRIP_ROWS * STRIP_BYTES,
                .w_scale = w_scale + r,
                .x = &widened,
                .scale = x->scale + t * blocks + first,
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

void met_avx2_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                        size_t tokens, float *y, size_t y_stride, void *panel)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    if (tokens < PANEL_TOKENS) {
        met_avx2_matmul_q8_few(w, rows, cols, x, tokens, y, y_stride);
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
