/* Owns: the NEON products of an F16 or F32 matrix with many tokens.
 *
 * Tiles of 4 rows x 6 tokens. The 16 partial sums of an output are four registers; a tile makes one
 * of them for each of its 24 outputs in a pass, and takes four passes, because 96 accumulators do
 * not fit 32 registers. F16 weights are widened once into the panel; F32 weights are read in place.
 * Columns are walked in chunks that keep a tile's rows and tokens in the first cache; between
 * passes the partial sums are parked, which is exact. */
#include "backend/cpu/kernels_neon.h"

#include "backend/cpu/math_neon.h"

enum {
    TILE_ROWS = 4,
    TILE_TOKENS = 6,
    PANEL_TOKENS = 4, /* fewer are multiplied one by one, some rows at a time that stay in cache */
    PANEL_TILES = MET_PANEL_ROWS / TILE_ROWS,
    CHUNK_COLS = 512 /* 4 rows and 6 tokens x 512 columns x 4 bytes = 20 KB */
};

/* Partial sums of 4 rows between two passes. */
typedef struct parked_sums {
    float sums[TILE_TOKENS][TILE_ROWS][16];
} parked_sums;

/* One chunk of columns of one tile. */
typedef struct tile_chunk {
    const float *row[TILE_ROWS];
    const float *x;
    size_t cols;  /* of the matrix: from one token to the next */
    size_t begin; /* columns of this chunk; begin is a multiple of 16 */
    size_t end;   /* ... and so is end, unless it is cols */
} tile_chunk;

/* Partial sums [lane, lane + 4) of one chunk; `tokens` is a constant in every call. */
MET_FORCE_INLINE void run_lanes(const tile_chunk *chunk, size_t lane, parked_sums *parked,
                                const size_t tokens)
{
    const float *x = chunk->x;
    const size_t cols = chunk->cols;
    const size_t whole = chunk->begin + (chunk->end - chunk->begin) / 16 * 16 + lane;
    float32x4_t p[TILE_ROWS][TILE_TOKENS];

    MET_UNROLL
    for (size_t r = 0; r < TILE_ROWS; r++) {
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            p[r][t] = chunk->begin == 0 ? vdupq_n_f32(0.0f) : vld1q_f32(&parked->sums[t][r][lane]);
    }
    for (size_t k = chunk->begin + lane; k < whole; k += 16) {
        float32x4_t v[TILE_TOKENS];
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            v[t] = vld1q_f32(x + t * cols + k);
        MET_UNROLL
        for (size_t r = 0; r < TILE_ROWS; r++) {
            float32x4_t w = vld1q_f32(chunk->row[r] + k);
            MET_UNROLL
            for (size_t t = 0; t < tokens; t++)
                p[r][t] = vfmaq_f32(p[r][t], w, v[t]);
        }
    }
    MET_UNROLL
    for (size_t r = 0; r < TILE_ROWS; r++) {
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            vst1q_f32(&parked->sums[t][r][lane], p[r][t]);
    }
    if (whole >= chunk->end) return;
    /* The tail of the last chunk, in memory: clang 17 does not unroll it, and would not keep in
     * registers above what is indexed here. */
    const size_t n = chunk->end - whole;
    for (size_t r = 0; r < TILE_ROWS; r++) {
        float32x4_t w = load4_first(n, chunk->row[r] + whole);
        for (size_t t = 0; t < tokens; t++) {
            float *sum = &parked->sums[t][r][lane];
            float32x4_t v = load4_first(n, x + t * cols + whole);
            vst1q_f32(sum, fma_first(n, vld1q_f32(sum), w, v));
        }
    }
}

static void run_tile(const tile_chunk *chunk, parked_sums *parked, size_t tokens)
{
    for (size_t lane = 0; lane < 16; lane += 4) {
        switch (tokens) {
        case 1: run_lanes(chunk, lane, parked, 1); break;
        case 2: run_lanes(chunk, lane, parked, 2); break;
        case 3: run_lanes(chunk, lane, parked, 3); break;
        case 4: run_lanes(chunk, lane, parked, 4); break;
        case 5: run_lanes(chunk, lane, parked, 5); break;
        default: run_lanes(chunk, lane, parked, TILE_TOKENS); break;
        }
    }
}

static inline float32x4_t parked_to4(const float sums[16])
{
    const float32x4_t p[4] = {vld1q_f32(sums), vld1q_f32(sums + 4), vld1q_f32(sums + 8),
                              vld1q_f32(sums + 12)};
    return tree16_to4(p);
}

/* Up to MET_PANEL_ROWS rows, up to TILE_TOKENS tokens. */
static void run_tiles(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                      float *y, size_t y_stride)
{
    parked_sums parked[PANEL_TILES];
    size_t begin = 0;
    do { /* once even without columns: the sums are set to 0 */
        size_t end = cols - begin > CHUNK_COLS ? begin + CHUNK_COLS : cols;
        tile_chunk chunk = {.x = x, .cols = cols, .begin = begin, .end = end};
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            for (size_t i = 0; i < TILE_ROWS; i++) { /* the last row stands in for missing ones */
                chunk.row[i] = w + (r + i < rows ? r + i : rows - 1) * cols;
            }
            run_tile(&chunk, &parked[r / TILE_ROWS], tokens);
        }
        begin = end;
    } while (begin < cols);

    for (size_t r = 0; r < rows; r += TILE_ROWS) {
        for (size_t t = 0; t < tokens; t++) {
            float(*p)[16] = parked[r / TILE_ROWS].sums[t];
            store4_first(
                rows - r, y + t * y_stride + r,
                tree4_of4(parked_to4(p[0]), parked_to4(p[1]), parked_to4(p[2]), parked_to4(p[3])));
        }
    }
}

static void matmul_rows(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                        float *y, size_t y_stride)
{
    for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
        size_t count = tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS;
        run_tiles(w, rows, cols, x + t * cols, count, y + t * y_stride, y_stride);
    }
}

void met_neon_matmul_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel)
{
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        if (tokens < PANEL_TOKENS) {
            for (size_t t = 0; t < tokens; t++) {
                met_neon_matvec_f16(w + r * cols, here, cols, x + t * cols, y + t * y_stride + r);
            }
            continue;
        }
        met_neon_row_f16(w + r * cols, here * cols, panel);
        matmul_rows(panel, here, cols, x, tokens, y + r, y_stride);
    }
}

void met_neon_matmul_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                         float *y, size_t y_stride, void *panel)
{
    (void)panel;
    for (size_t r = 0; r < rows; r += MET_PANEL_ROWS) {
        size_t here = rows - r < MET_PANEL_ROWS ? rows - r : MET_PANEL_ROWS;
        if (tokens < PANEL_TOKENS) {
            for (size_t t = 0; t < tokens; t++) {
                met_neon_matvec_f32(w + r * cols, here, cols, x + t * cols, y + t * y_stride + r);
            }
            continue;
        }
        matmul_rows(w + r * cols, here, cols, x, tokens, y + r, y_stride);
    }
}
