/* Owns: the i8mm product of a Q8_0 matrix with many tokens: smmla multiplies 2 rows x 8 columns
 * with 2 tokens x 8 columns at once.
 *
 * 32 rows x 16 blocks of columns at a time are packed into a panel that stays in the first cache,
 * two rows side by side, and so are the tokens of a tile. Tiles of 8 rows x 4 tokens walk along it;
 * between panels the sums wait in y, which is exact. A register of sums is {row 0 x token 0, row 0
 * x token 1, row 1 x token 0, row 1 x token 1}. Every lane makes its sums in the order of
 * matvec_q8, so the number of tokens does not show in the result.
 *
 * Panel, for each block of 32 columns (1280 bytes):
 *     int8_t octet[16][4][2][8]   pair of rows, eight columns, row, column
 *     float scale[16][4]          pair of rows: both, each twice */
#include "backend/cpu/kernels_neon.h"

#include "backend/cpu/math_neon.h"

enum {
    PAIRS = MET_PANEL_ROWS / 2,
    PAIR_BYTES = 2 * MET_Q8_BLOCK,
    TILE_ROWS = 8,
    TILE_PAIRS = TILE_ROWS / 2,
    TILE_TOKENS = 4,
    TOKEN_PAIRS = TILE_TOKENS / 2,
    PANEL_TOKENS = 4, /* fewer are multiplied one by one */
    CHUNK_BLOCKS = 16,
    OCTETS = MET_Q8_BLOCK / 8,
    PANEL_BLOCK_BYTES = PAIRS * (PAIR_BYTES + 4 * (int)sizeof(float))
};

_Static_assert(PANEL_BLOCK_BYTES <= MET_PANEL_ROWS * MET_Q8_BLOCK * (int)sizeof(float),
               "a block fits its share of met_cpu_panel_bytes");

/* The tokens of a tile, two side by side. */
typedef struct paired_tokens {
    int8_t q[CHUNK_BLOCKS][TOKEN_PAIRS][PAIR_BYTES];
    float scale[CHUNK_BLOCKS][TOKEN_PAIRS][4]; /* both, twice */
} paired_tokens;

/* What a tile works on: some blocks of 8 rows, some tokens. */
typedef struct q8_tile {
    const uint8_t *panel; /* the first pair of rows; PANEL_BLOCK_BYTES to the next block */
    const float *w_scale; /* of that pair; likewise */
    const paired_tokens *x;
    size_t blocks;
    float *y;
    size_t y_stride;
    size_t rows;   /* that exist, at most 8 */
    size_t tokens; /* that exist, at most 4 */
    bool first;    /* sums start at 0, not in y */
} q8_tile;

/* 32 bytes of a and of b, eight by eight in turn. */
static inline void pair_bytes(const int8_t *a, const int8_t *b, int8_t *out)
{
    for (size_t c = 0; c < MET_Q8_BLOCK; c += 16) {
        uint64x2_t u = vreinterpretq_u64_s8(vld1q_s8(a + c));
        uint64x2_t v = vreinterpretq_u64_s8(vld1q_s8(b + c));
        vst1q_s8(out + 2 * c, vreinterpretq_s8_u64(vzip1q_u64(u, v)));
        vst1q_s8(out + 2 * c + 16, vreinterpretq_s8_u64(vzip2q_u64(u, v)));
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
        float *scales = (float *)(panel + PAIRS * PAIR_BYTES);
        for (size_t i = 0; i < PAIRS; i++) {
            const uint8_t *even = row[2 * i] + b * MET_Q8_BLOCK_BYTES;
            const uint8_t *odd = row[2 * i + 1] + b * MET_Q8_BLOCK_BYTES;
            const uint16_t halves[4] = {read_u16(even), read_u16(even), read_u16(odd),
                                        read_u16(odd)};
            vst1q_f32(scales + 4 * i, load4_half(halves));
            pair_bytes((const int8_t *)even + 2, (const int8_t *)odd + 2,
                       (int8_t *)panel + i * PAIR_BYTES);
        }
    }
}

/* Blocks [first, first + here) of `tokens` (1 to 4) tokens from t; the last stands in for missing
 * ones. */
static void pair_tokens(const met_q8_rows *x, size_t cols, size_t t, size_t tokens, size_t first,
                        size_t here, paired_tokens *out)
{
    const size_t blocks = cols / MET_Q8_BLOCK;
    for (size_t i = 0; i < TOKEN_PAIRS; i++) {
        size_t even = t + (2 * i < tokens ? 2 * i : tokens - 1);
        size_t odd = t + (2 * i + 1 < tokens ? 2 * i + 1 : tokens - 1);
        const int8_t *even_q = x->q + even * cols + first * MET_Q8_BLOCK;
        const int8_t *odd_q = x->q + odd * cols + first * MET_Q8_BLOCK;
        for (size_t b = 0; b < here; b++) {
            float *scale = out->scale[b][i];
            scale[0] = scale[2] = x->scale[even * blocks + first + b];
            scale[1] = scale[3] = x->scale[odd * blocks + first + b];
            pair_bytes(even_q + b * MET_Q8_BLOCK, odd_q + b * MET_Q8_BLOCK, out->q[b][i]);
        }
    }
}

/* y of 4 rows (the first n exist) and 2 tokens to and from the sums of two pairs of rows. */
static inline void load_sums(const float *y, size_t y_stride, size_t n, size_t tokens,
                             float32x4_t *sums0, float32x4_t *sums1)
{
    float32x4_t t0 = load4_first(n, y);
    float32x4_t t1 = tokens > 1 ? load4_first(n, y + y_stride) : t0;
    *sums0 = vzip1q_f32(t0, t1);
    *sums1 = vzip2q_f32(t0, t1);
}

static inline void store_sums(float *y, size_t y_stride, size_t n, size_t tokens, float32x4_t sums0,
                              float32x4_t sums1)
{
    store4_first(n, y, vuzp1q_f32(sums0, sums1));
    if (tokens > 1) store4_first(n, y + y_stride, vuzp2q_f32(sums0, sums1));
}

/* `token_pairs` is a constant in every call: the loops over it disappear. */
MET_FORCE_INLINE void run_tile(const q8_tile *tile, const size_t token_pairs)
{
    const size_t rows0 = tile->rows < 4 ? tile->rows : 4;
    const size_t rows1 = tile->rows - rows0;
    const uint8_t *panel = tile->panel;
    const uint8_t *w_scale = (const uint8_t *)tile->w_scale;
    float32x4_t acc[TOKEN_PAIRS][TILE_PAIRS];
    MET_UNROLL
    for (size_t j = 0; j < token_pairs; j++) {
        const float *y = tile->y + 2 * j * tile->y_stride;
        acc[j][0] = acc[j][1] = acc[j][2] = acc[j][3] = vdupq_n_f32(0.0f);
        if (tile->first) continue;
        load_sums(y, tile->y_stride, rows0, tile->tokens - 2 * j, &acc[j][0], &acc[j][1]);
        load_sums(y + rows0, tile->y_stride, rows1, tile->tokens - 2 * j, &acc[j][2], &acc[j][3]);
    }
    for (size_t b = 0; b < tile->blocks; b++) {
        int32x4_t sum[TOKEN_PAIRS][TILE_PAIRS];
        MET_UNROLL
        for (size_t j = 0; j < token_pairs; j++)
            sum[j][0] = sum[j][1] = sum[j][2] = sum[j][3] = vdupq_n_s32(0);
        MET_UNROLL
        for (size_t c = 0; c < OCTETS; c++) {
            int8x16_t w[TILE_PAIRS];
            MET_UNROLL
            for (size_t i = 0; i < TILE_PAIRS; i++)
                w[i] = vld1q_s8((const int8_t *)panel + i * PAIR_BYTES + 16 * c);
            MET_UNROLL
            for (size_t j = 0; j < token_pairs; j++) {
                int8x16_t x = vld1q_s8(tile->x->q[b][j] + 16 * c);
                MET_UNROLL
                for (size_t i = 0; i < TILE_PAIRS; i++)
                    sum[j][i] = vmmlaq_s32(sum[j][i], w[i], x);
            }
        }
        MET_UNROLL
        for (size_t j = 0; j < token_pairs; j++) {
            float32x4_t scale = vld1q_f32(tile->x->scale[b][j]);
            MET_UNROLL
            for (size_t i = 0; i < TILE_PAIRS; i++) {
                float32x4_t d = vmulq_f32(vld1q_f32((const float *)w_scale + 4 * i), scale);
                acc[j][i] = vfmaq_f32(acc[j][i], vcvtq_f32_s32(sum[j][i]), d);
            }
        }
        panel += PANEL_BLOCK_BYTES;
        w_scale += PANEL_BLOCK_BYTES;
    }
    MET_UNROLL
    for (size_t j = 0; j < token_pairs; j++) {
        float *y = tile->y + 2 * j * tile->y_stride;
        store_sums(y, tile->y_stride, rows0, tile->tokens - 2 * j, acc[j][0], acc[j][1]);
        store_sums(y + rows0, tile->y_stride, rows1, tile->tokens - 2 * j, acc[j][2], acc[j][3]);
    }
}

/* All tokens against one packed panel: blocks [first, first + here) of some rows. */
static void run_panel(const uint8_t *panel, size_t rows, size_t first, size_t here,
                      const met_q8_rows *x, size_t cols, size_t tokens, float *y, size_t y_stride)
{
    paired_tokens paired;
    for (size_t t = 0; t < tokens; t += TILE_TOKENS) {
        size_t count = tokens - t < TILE_TOKENS ? tokens - t : TILE_TOKENS;
        pair_tokens(x, cols, t, count, first, here, &paired);
        for (size_t r = 0; r < rows; r += TILE_ROWS) {
            q8_tile tile = {
                .panel = panel + r / 2 * PAIR_BYTES,
                .w_scale = (const float *)(panel + PAIRS * PAIR_BYTES) + 2 * r,
                .x = &paired,
                .blocks = here,
                .y = y + t * y_stride + r,
                .y_stride = y_stride,
                .rows = rows - r < TILE_ROWS ? rows - r : TILE_ROWS,
                .tokens = count,
                .first = first == 0,
            };
            if (count > 2) {
                run_tile(&tile, TOKEN_PAIRS);
            } else {
                run_tile(&tile, 1);
            }
        }
    }
}

void met_i8mm_matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
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
