/* Owns: the AVX-512 products of an F16 or F32 matrix with many tokens.
 *
 * Tiles of 4 rows x 6 tokens. Each of the 24 outputs keeps the 16 partial sums of the contract in a
 * register of its own, so a weight and an activation are each loaded once for 6 and 4 products, and
 * nothing is packed: weights are read in place and widened in passing. Columns are walked in chunks
 * that keep the tile's activations in the first cache; between chunks the partial sums are parked,
 * which is exact. */
#include "backend/cpu/kernels_avx512.h"

#include "backend/cpu/math_avx512.h"

enum {
    TILE_ROWS = 4,
    TILE_TOKENS = 6,
    GROUP_TILES = MET_PANEL_ROWS / TILE_ROWS, /* tiles of rows that share a chunk of activations */
    STRIP_TILES = 8,                          /* tiles of tokens that share a chunk of rows */
    STRIP_TOKENS = STRIP_TILES * TILE_TOKENS,
    AHEAD_BYTES = 2048, /* how far into the next weights the prefetches point */
    CHUNK_COLS = 1024   /* 6 tokens and 4 rows of F32: 40 KB, which the first cache (48 KB) keeps */
};

/* Partial sums of a tile between two chunks. */
typedef struct parked_sums {
    _Alignas(64) float sums[TILE_TOKENS][TILE_ROWS][16];
} parked_sums;

_Static_assert(sizeof(parked_sums) * STRIP_TILES * GROUP_TILES <=
                   MET_PANEL_ROWS * (CHUNK_COLS + 1 + 64) * sizeof(float),
               "where there are several chunks, met_cpu_panel_bytes holds what is parked");

/* One chunk of columns of one tile. */
typedef struct tile_chunk {
    const uint8_t *row[TILE_ROWS];
    const float *x;
    const uint8_t *ahead;  /* prefetched, a line for each 16 columns from the first of all */
    const uint8_t *ahead2; /* as well; the same where one stream is enough */
    size_t cols;           /* of the matrix: from one token to the next */
    size_t begin;          /* columns of this chunk; begin is a multiple of 16 */
    size_t end;            /* ... and so is end, unless it is cols */
    float *y;
    size_t y_stride;
    __mmask16 rows; /* that exist: at most the first four lanes */
} tile_chunk;

/* `tokens` and `half` are constants in every call. */
MET_FORCE_INLINE void run_chunk(const tile_chunk *chunk, parked_sums *parked, const size_t tokens,
                                const bool half)
{
    const uint8_t *w0 = chunk->row[0];
    const uint8_t *w1 = chunk->row[1];
    const uint8_t *w2 = chunk->row[2];
    const uint8_t *w3 = chunk->row[3];
    const float *x = chunk->x;
    const uint8_t *ahead = chunk->ahead;
    const uint8_t *ahead2 = chunk->ahead2;
    const size_t cols = chunk->cols;
    const size_t whole = chunk->begin + (chunk->end - chunk->begin) / 16 * 16;
    __m512 p[TILE_TOKENS][TILE_ROWS];

    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        MET_UNROLL
        for (size_t r = 0; r < TILE_ROWS; r++) {
            p[t][r] = chunk->begin == 0 ? _mm512_setzero_ps() : _mm512_load_ps(parked->sums[t][r]);
        }
    }
    for (size_t k = chunk->begin; k < whole; k += 16) {
        __m512 a = load16(w0, k, half);
        __m512 b = load16(w1, k, half);
        __m512 c = load16(w2, k, half);
        __m512 d = load16(w3, k, half);
        __builtin_prefetch(ahead + k * sizeof(float));
        __builtin_prefetch(ahead2 + k * sizeof(float));
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            __m512 v = _mm512_loadu_ps(x + t * cols + k);
            p[t][0] = _mm512_fmadd_ps(a, v, p[t][0]);
            p[t][1] = _mm512_fmadd_ps(b, v, p[t][1]);
            p[t][2] = _mm512_fmadd_ps(c, v, p[t][2]);
            p[t][3] = _mm512_fmadd_ps(d, v, p[t][3]);
        }
    }
    if (chunk->end < cols) {
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            MET_UNROLL
            for (size_t r = 0; r < TILE_ROWS; r++)
                _mm512_store_ps(parked->sums[t][r], p[t][r]);
        }
        return;
    }
    const __mmask16 mask = mask16_first(cols - whole); /* 0: no tail */
    __m512 a = load16_masked(mask, w0, whole, half);
    __m512 b = load16_masked(mask, w1, whole, half);
    __m512 c = load16_masked(mask, w2, whole, half);
    __m512 d = load16_masked(mask, w3, whole, half);
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        __m512 v = _mm512_maskz_loadu_ps(mask, x + t * cols + whole);
        p[t][0] = _mm512_mask3_fmadd_ps(a, v, p[t][0], mask);
        p[t][1] = _mm512_mask3_fmadd_ps(b, v, p[t][1], mask);
        p[t][2] = _mm512_mask3_fmadd_ps(c, v, p[t][2], mask);
        p[t][3] = _mm512_mask3_fmadd_ps(d, v, p[t][3], mask);
        _mm512_mask_storeu_ps(chunk->y + t * chunk->y_stride, chunk->rows,
                              tree16_of4(p[t][0], p[t][1], p[t][2], p[t][3]));
    }
}

#define TILE(name, tokens, half)                                                                   \
    static void name(const tile_chunk *chunk, parked_sums *parked)                                 \
    {                                                                                              \
        run_chunk(chunk, parked, tokens, half);                                                    \
    }
TILE(f16_1, 1, true)
TILE(f16_2, 2, true)
TILE(f16_3, 3, true)
TILE(f16_4, 4, true)
TILE(f16_5, 5, true)
TILE(f16_6, 6, true)
TILE(f32_1, 1, false)
TILE(f32_2, 2, false)
TILE(f32_3, 3, false)
TILE(f32_4, 4, false)
TILE(f32_5, 5, false)
TILE(f32_6, 6, false)
#undef TILE

typedef void (*tile_fn)(const tile_chunk *chunk, parked_sums *parked);
/* By number of tokens, less one. */
static const tile_fn tiles_f16[TILE_TOKENS] = {f16_1, f16_2, f16_3, f16_4, f16_5, f16_6};
static const tile_fn tiles_f32[TILE_TOKENS] = {f32_1, f32_2, f32_3, f32_4, f32_5, f32_6};

/* Up to MET_PANEL_ROWS rows and STRIP_TOKENS tokens. */
typedef struct token_strip {
    const uint8_t *w;
    size_t rows;
    size_t row_bytes;
    const float *x;
    size_t cols;
    size_t tokens;
    bool first; /* of these rows */
    bool last;
    float *y;
    size_t y_stride;
} token_strip;

/* Choose what to prefetch while rows r .. and `count` tokens from t on of a strip are worked on:
 * the next tile of tokens, or, with the last, the weights of the next rows. When two tiles are all
 * that there is, each takes half of these: the last would be over too soon to ask for all. */
static void look_ahead(tile_chunk *chunk, const token_strip *strip, size_t t, size_t count,
                       size_t r)
{
    const size_t tokens = strip->tokens;
    bool two = strip->first && strip->last && tokens > TILE_TOKENS && tokens <= 2 * TILE_TOKENS;
    if (!two && (!strip->last || t + count < tokens)) {
        chunk->ahead = (const uint8_t *)(chunk->x + (count + r / TILE_ROWS) * chunk->cols);
        chunk->ahead2 = chunk->ahead;
        return;
    }
    size_t half = TILE_ROWS / 2 * strip->row_bytes;
    chunk->ahead = chunk->row[0] + MET_PANEL_ROWS * strip->row_bytes + AHEAD_BYTES;
    chunk->ahead2 = chunk->ahead + half;
    if (two && t == 0) chunk->ahead2 = chunk->ahead;
    if (two && t != 0) chunk->ahead = chunk->ahead2;
}

/* All the columns of a strip, chunk by chunk: a chunk of the rows and one of the tokens meet in the
 * second cache. parked: [STRIP_TILES][GROUP_TILES], not touched when the columns are one chunk. */
static void run_strip(const token_strip *strip, const tile_fn tiles[TILE_TOKENS],
                      parked_sums *parked)
{
    const size_t cols = strip->cols;
    tile_chunk chunk = {.cols = cols, .y_stride = strip->y_stride};
    do { /* once even without columns: y is written */
        chunk.begin = chunk.end;
        chunk.end = cols - chunk.begin > CHUNK_COLS ? chunk.begin + CHUNK_COLS : cols;
        for (size_t t = 0, tile = 0, count; t < strip->tokens; t += count, tile++) {
            size_t tiles_left = (strip->tokens - t + TILE_TOKENS - 1) / TILE_TOKENS;
            count = (strip->tokens - t + tiles_left - 1) / tiles_left; /* 8 are 4 and 4 */
            chunk.x = strip->x + t * cols;
            for (size_t r = 0; r < strip->rows; r += TILE_ROWS) {
                size_t here = strip->rows - r < TILE_ROWS ? strip->rows - r : TILE_ROWS;
                for (size_t i = 0; i < TILE_ROWS; i++) { /* the last row stands in for missing */
                    chunk.row[i] = strip->w + (r + (i < here ? i : here - 1)) * strip->row_bytes;
                }
                chunk.rows = mask16_first(here);
                chunk.y = strip->y + t * strip->y_stride + r;
                look_ahead(&chunk, strip, t, count, r);
                tiles[count - 1](&chunk, &parked[tile * GROUP_TILES + r / TILE_ROWS]);
            }
        }
    } while (chunk.end < cols);
}

static void matmul_float(const uint8_t *w, size_t rows, size_t cols, size_t row_bytes,
                         const float *x, size_t tokens, float *y, size_t y_stride,
                         const tile_fn tiles[TILE_TOKENS], void *panel)
{
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS, w += MET_PANEL_ROWS * row_bytes) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        for (size_t t = 0; t < tokens; t += STRIP_TOKENS) {
            token_strip strip = {
                .w = w,
                .rows = here,
                .row_bytes = row_bytes,
                .x = x + t * cols,
                .cols = cols,
                .tokens = tokens - t < STRIP_TOKENS ? tokens - t : STRIP_TOKENS,
                .first = t == 0,
                .last = tokens - t <= STRIP_TOKENS,
                .y = y + t * y_stride + r,
                .y_stride = y_stride,
            };
            run_strip(&strip, tiles, panel);
        }
    }
}

void met_avx512_matmul_f16(const uint16_t *w, size_t rows, size_t cols, const float *x,
                           size_t tokens, float *y, size_t y_stride, void *panel)
{
    matmul_float((const uint8_t *)w, rows, cols, cols * sizeof *w, x, tokens, y, y_stride,
                 tiles_f16, panel);
}

void met_avx512_matmul_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                           float *y, size_t y_stride, void *panel)
{
    matmul_float((const uint8_t *)w, rows, cols, cols * sizeof *w, x, tokens, y, y_stride,
                 tiles_f32, panel);
}
