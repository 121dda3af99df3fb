/* Owns: the NEON product of a Q8_0 matrix with many tokens, by the dot product of bytes.
 *
 * 32 rows x 16 blocks of columns at a time are packed into a panel that stays in the first cache,
 * so that a lane is a row. Tiles of 8 rows x 4 tokens walk along it; between panels the sums wait
 * in y, which is exact. Every lane makes its sums in the order of matvec_q8, so the number of
 * tokens does not show in the result.
 *
 * Panel, for each block of 32 columns (1152 bytes):
 *     int8_t quad[8][8][4][4]   strip of 4 rows, four columns, row, column
 *     float scale[32] */
#include "backend/cpu/kernels_neon.h"

#include "backend/cpu/math_neon.h"

enum {
    STRIP_ROWS = 4, /* the lanes of one register */
    STRIPS = MET_PANEL_ROWS / STRIP_ROWS,
    STRIP_BYTES = STRIP_ROWS * MET_Q8_BLOCK,
    TILE_ROWS = 2 * STRIP_ROWS,
    TILE_TOKENS = 4,
    PANEL_TOKENS = 4, /* fewer are multiplied one by one */
    CHUNK_BLOCKS = 16,
    PANEL_BLOCK_BYTES = STRIPS * STRIP_BYTES + MET_PANEL_ROWS * (int)sizeof(float)
};

_Static_assert(PANEL_BLOCK_BYTES <= MET_PANEL_ROWS * MET_Q8_BLOCK * (int)sizeof(float),
               "a block fits its share of met_cpu_panel_bytes");

/* What a tile works on: some blocks of 8 rows, some tokens. */
typedef struct q8_tile {
    const uint8_t *panel; /* the first strip; PANEL_BLOCK_BYTES to the next block */
    const float *w_scale; /* of its first row; likewise */
    const int8_t *q;      /* of the first block; cols to the next token */
    const float *scale;   /* of the first block; scale_stride to the next token */
    size_t cols;
    size_t scale_stride;
    size_t blocks;
    float *y;
    size_t y_stride;
    size_t rows; /* that exist, at most 8 */
    bool first;  /* sums start at 0, not in y */
} q8_tile;

/* One block of 4 rows: four columns of each row side by side. */
static inline void pack_strip(const uint8_t *const row[STRIP_ROWS], size_t block_offset,
                              uint8_t *quads, float *scales)
{
    uint16_t halves[STRIP_ROWS];
    for (size_t r = 0; r < STRIP_ROWS; r++)
        halves[r] = read_u16(row[r] + block_offset);
    vst1q_f32(scales, load4_half(halves));
    for (size_t c = 0; c < MET_Q8_BLOCK; c += 16) {
        uint32x4x4_t v;
        for (size_t r = 0; r < STRIP_ROWS; r++)
            v.val[r] = vreinterpretq_u32_u8(vld1q_u8(row[r] + block_offset + 2 + c));
        vst4q_u32((uint32_t *)(quads + c * STRIP_ROWS), v);
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

/* 16 columns of one token and of one strip, whose four quads are w. */
static inline int32x4_t dot16(int32x4_t sum, const int8x16_t w[4], int8x16_t x)
{
    sum = vdotq_laneq_s32(sum, w[0], x, 0);
    sum = vdotq_laneq_s32(sum, w[1], x, 1);
    sum = vdotq_laneq_s32(sum, w[2], x, 2);
    return vdotq_laneq_s32(sum, w[3], x, 3);
}

/* `tokens` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_tile(const q8_tile *tile, const size_t tokens)
{
    const size_t rows0 = tile->rows < STRIP_ROWS ? tile->rows : STRIP_ROWS;
    const size_t rows1 = tile->rows - rows0;
    const uint8_t *panel = tile->panel;
    const uint8_t *w_scale = (const uint8_t *)tile->w_scale;
    const int8_t *q = tile->q;
    float32x4_t acc[TILE_TOKENS][2];
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        const float *y = tile->y + t * tile->y_stride;
        acc[t][0] = tile->first ? vdupq_n_f32(0.0f) : load4_first(rows0, y);
        acc[t][1] = tile->first ? vdupq_n_f32(0.0f) : load4_first(rows1, y + rows0);
    }
    for (size_t b = 0; b < tile->blocks; b++) {
        int32x4_t sum[TILE_TOKENS][2];
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++)
            sum[t][0] = sum[t][1] = vdupq_n_s32(0);
        MET_UNROLL
        for (size_t c = 0; c < MET_Q8_BLOCK; c += 16) {
            const int8_t *quads = (const int8_t *)panel + c * STRIP_ROWS;
            int8x16_t w[2][4];
            MET_UNROLL
            for (size_t i = 0; i < 4; i++) {
                w[0][i] = vld1q_s8(quads + 16 * i);
                w[1][i] = vld1q_s8(quads + 16 * i + STRIP_BYTES);
            }
            MET_UNROLL
            for (size_t t = 0; t < tokens; t++) {
                int8x16_t x = vld1q_s8(q + t * tile->cols + c);
                sum[t][0] = dot16(sum[t][0], w[0], x);
                sum[t][1] = dot16(sum[t][1], w[1], x);
            }
        }
        float32x4_t d0 = vld1q_f32((const float *)w_scale);
        float32x4_t d1 = vld1q_f32((const float *)w_scale + STRIP_ROWS);
        MET_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            float scale = tile->scale[t * tile->scale_stride + b];
            acc[t][0] = vfmaq_f32(acc[t][0], vcvtq_f32_s32(sum[t][0]), vmulq_n_f32(d0, scale));
            acc[t][1] = vfmaq_f32(acc[t][1], vcvtq_f32_s32(sum[t][1]), vmulq_n_f32(d1, scale));
        }
        panel += PANEL_BLOCK_BYTES;
        w_scale += PANEL_BLOCK_BYTES;
        q += MET_Q8_BLOCK;
    }
    MET_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        float *y = tile->y + t * tile->y_stride;
        store4_first(rows0, y, acc[t][0]);
        store4_first(rows1, y + rows0, acc[t][1]);
    }
}

static void run_tile_of(size_t tokens, const q8_tile *tile)
{
    switch (tokens) {
    case 1: run_tile(tile, 1); break;
    case 2: run_tile(tile, 2); break;
    case 3: run_tile(tile, 3); break;
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
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            q8_tile tile = {
                .panel = panel + r / STRIP_ROWS * STRIP_BYTES,
                .w_scale = (const float *)(panel + STRIPS * STRIP_BYTES) + r,
                .q = x->q + t * cols + first * MET_Q8_BLOCK,
                .scale = x->scale + t * blocks + first,
                .cols = cols,
                .scale_stride = blocks,
                .blocks = here,
                .y = y + t * y_stride + r,
                .y_stride = y_stride,
                .rows = rows - r < TILE_ROWS ? rows - r : TILE_ROWS,
                .first = first == 0,
            };
            run_tile_of(count, &tile);
        }
    }
}

void met_neon_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                        size_t tokens, float *y, size_t y_stride, void *panel)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    const size_t row_bytes = blocks * MET_Q8_BLOCK_BYTES;
    if (tokens < PANEL_TOKENS) {
        met_neon_matvec_q8_each(w, rows, cols, x, tokens, y, y_stride);
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
