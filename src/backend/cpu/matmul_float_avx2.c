/* Owns: the AVX2 products of an F16 or F32 matrix with many tokens.
 *
 * Tiles of 4 rows x 3 tokens. The 16 partial sums of an output are two registers; a tile makes the
 * low ones of its 12 outputs in one pass and the high ones in a second, because 24 accumulators do
 * not fit 16 registers. F16 weights are widened once into the panel; F32 weights are read in place.
 * Columns are walked in chunks that keep a tile's rows and tokens in the first cache; between
 * passes the partial sums are parked, which is exact. */
#include "backend/cpu/kernels_avx2.h"

#include "backend/cpu/math_avx2.h"

enum {
    TILE_ROWS = 4,
    TILE_TOKENS = 3,
    GROUP_TOKENS = 6, /* that walk along the same chunk of rows */
    PANEL_TOKENS = 8, /* fewer are quicker one by one, some rows at a time that stay in cache */
    GROUP_TILES = MET_PANEL_ROWS / TILE_ROWS,
    CHUNK_COLS = 512 /* 4 rows and 6 tokens x 512 columns x 4 bytes = 20 KB */
};

/* Partial sums of 4 rows between two passes. */
typedef struct parked_sums {
    _Alignas(32) float sums[GROUP_TOKENS][TILE_ROWS][16];
} parked_sums;

/* One chunk of columns of one tile. */
typedef struct tile_chunk {
    const float *row[TILE_ROWS];
    const float *x;
    size_t cols;  /* of the matrix: from one token to the next */
    size_t begin; /* columns of this chunk; begin is a multiple of 16 */
    size_t end;   /* ... and so is end, unless it is cols */
} tile_chunk;

/* Partial sums [lane, lane + 8) of one chunk; `tokens` is a constant in every call. */
MET_FORCE_INLINE void run_lanes(const tile_chunk *chunk, size_t lane, float sums[][TILE_ROWS][16],
                                const size_t tokens)
{
    const float *w0 = chunk->row[0];
    const float *w1 = chunk->row[1];
    const float *w2 = chunk->row[2];
    const float *w3 = chunk->row[3];
    const float *x = chunk->x;
    const size_t cols = chunk->cols;
    const size_t whole = chunk->begin + (chunk->end - chunk->begin) / 16 * 16 + lane;
    __m256 p[TILE_TOKENS][TILE_ROWS];

    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        MET_UNROLL
        for (size_t r = 0; r < TILE_ROWS; r++) {
            p[t][r] = chunk->begin == 0 ? _mm256_setzero_ps() : _mm256_load_ps(&sums[t][r][lane]);
        }
    }
    for (size_t k = chunk->begin + lane; k < whole; k += 16) {
        __m256 v[TILE_TOKENS];
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            v[t] = _mm256_loadu_ps(x + t * cols + k);
        __m256 w = _mm256_loadu_ps(w0 + k);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            p[t][0] = _mm256_fmadd_ps(w, v[t], p[t][0]);
        w = _mm256_loadu_ps(w1 + k);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            p[t][1] = _mm256_fmadd_ps(w, v[t], p[t][1]);
        w = _mm256_loadu_ps(w2 + k);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            p[t][2] = _mm256_fmadd_ps(w, v[t], p[t][2]);
        w = _mm256_loadu_ps(w3 + k);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            p[t][3] = _mm256_fmadd_ps(w, v[t], p[t][3]);
    }
    if (whole < chunk->end) { /* the tail of the last chunk */
        __m256i mask = mask8_first(chunk->end - whole);
        MET_UNROLL
        for (size_t r = 0; r < TILE_ROWS; r++) {
            __m256 w = _mm256_maskload_ps(chunk->row[r] + whole, mask);
            MET_UNROLL
            for (size_t t = 0; t < tokens; t++) {
                __m256 v = _mm256_maskload_ps(x + t * cols + whole, mask);
                __m256 all = _mm256_fmadd_ps(w, v, p[t][r]);
                p[t][r] = _mm256_blendv_ps(p[t][r], all, _mm256_castsi256_ps(mask));
            }
        }
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        MET_UNROLL
        for (size_t r = 0; r < TILE_ROWS; r++)
            _mm256_store_ps(&sums[t][r][lane], p[t][r]);
    }
}

static void run_tile(const tile_chunk *chunk, float sums[][TILE_ROWS][16], size_t tokens)
{
    for (size_t lane = 0; lane < 16; lane += 8) {
        switch (tokens) {
        case 1: run_lanes(chunk, lane, sums, 1); break;
        case 2: run_lanes(chunk, lane, sums, 2); break;
        default: run_lanes(chunk, lane, sums, TILE_TOKENS); break;
        }
    }
}

static inline __m128 parked_to4(const float sums[16])
{
    return tree16_to4(_mm256_load_ps(sums), _mm256_load_ps(sums + 8));
}

/* Up to MET_PANEL_ROWS rows, up to GROUP_TOKENS tokens. */
static void run_group(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                      float *y, size_t y_stride)
{
    parked_sums parked[GROUP_TILES];
    size_t begin = 0;
    do { /* once even without columns: the sums are set to 0 */
        size_t end = cols - begin > CHUNK_COLS ? begin + CHUNK_COLS : cols;
        tile_chunk chunk = {.cols = cols, .begin = begin, .end = end};
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            for (size_t i = 0; i < TILE_ROWS; i++) { /* the last row stands in for missing ones */
                chunk.row[i] = w + (r + i < rows ? r + i : rows - 1) * cols;
            }
            for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
                chunk.x = x + t * cols;
                run_tile(&chunk, &parked[r / TILE_ROWS].sums[t],
                         tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS);
            }
        }
        begin = end;
    } while (begin < cols);

    for (size_t r = 0; r < rows; r += TILE_ROWS) {
        size_t here = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
        for (size_t t = 0; t < tokens; t++) {
            float(*p)[16] = parked[r / TILE_ROWS].sums[t];
            __m128 results =
                tree4_of4(parked_to4(p[0]), parked_to4(p[1]), parked_to4(p[2]), parked_to4(p[3]));
            memcpy(y + t * y_stride + r, &results, here * sizeof *y);
        }
    }
}

static void matmul_rows(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                        float *y, size_t y_stride)
{
    for (size_t t = 0; t < tokens; t += GROUP_TOKENS) {
        size_t count = tokens - t < GROUP_TOKENS ? tokens - t : GROUP_TOKENS;
        run_group(w, rows, cols, x + t * cols, count, y + t * y_stride, y_stride);
    }
}

void met_avx2_matmul_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel)
{
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        if (tokens < PANEL_TOKENS) {
            for (size_t t = 0; t < tokens; t++) {
                met_avx2_matvec_f16(w + r * cols, here, cols, x + t * cols, y + t * y_stride + r);
            }
            continue;
        }
        met_avx2_row_f16(w + r * cols, here * cols, panel);
        matmul_rows(panel, here, cols, x, tokens, y + r, y_stride);
    }
}

void met_avx2_matmul_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel)
{
    (void)panel;
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        if (tokens < PANEL_TOKENS) {
            for (size_t t = 0; t < tokens; t++) {
                met_avx2_matvec_f32(w + r * cols, here, cols, x + t * cols, y + t * y_stride + r);
            }
            continue;
        }
        matmul_rows(w + r * cols, here, cols, x, tokens, y + r, y_stride);
    }
}
