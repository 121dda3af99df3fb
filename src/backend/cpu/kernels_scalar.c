/* Owns: the reference level. Each function is its contract in kernels.h, word by word.
 * Does not own: speed. Nothing here is optimised, because every other level is compared with it.
 * Invariant: products and sums are rounded where the contract says so; fusing happens in fmaf only
 * (-ffp-contract=off). */
#include "backend/cpu/kernels.h"

#include "backend/cpu/exp.h"
#include "base/half.h"

#include <math.h>
#include <string.h>

enum { LANES = 16 };

static uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float bits_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float read_half(const uint8_t *p)
{
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return met_half_to_float(half);
}

static float tree16(float p[LANES])
{
    for (size_t h = LANES / 2; h > 0; h /= 2) {
        for (size_t i = 0; i < h; i++)
            p[i] = p[i] + p[i + h];
    }
    return p[0];
}

/* exp.h says why each step is as it is. */
static float exp_one(float x)
{
    x = MET_EXP_HI < x ? MET_EXP_HI : x;
    x = MET_EXP_LO > x ? MET_EXP_LO : x;
    float t = fmaf(x, MET_EXP_LOG2E, MET_EXP_MAGIC);
    float n = t - MET_EXP_MAGIC;
    float r = fmaf(n, MET_EXP_MINUS_LN2_HIGH, x);
    r = fmaf(n, MET_EXP_MINUS_LN2_LOW, r);
    float p = fmaf(MET_EXP_P6, r, MET_EXP_P5);
    p = fmaf(p, r, MET_EXP_P4);
    p = fmaf(p, r, MET_EXP_P3);
    p = fmaf(p, r, MET_EXP_P2);
    p = fmaf(p, r, MET_EXP_P1);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    int32_t k = (int32_t)(float_bits(t) - MET_EXP_MAGIC_BITS);
    int32_t a = k >> 1;
    int32_t b = k - a;
    return p * bits_float((uint32_t)(a + 127) << 23) * bits_float((uint32_t)(b + 127) << 23);
}

static void exp_many(const float *x, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = exp_one(x[i]);
}

static void quantize_q8(const float *x, size_t cols, int8_t *q, float *scale, int32_t *offset)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++, x += MET_Q8_BLOCK, q += MET_Q8_BLOCK) {
        uint32_t max_bits = 0;
        for (size_t i = 0; i < MET_Q8_BLOCK; i++) {
            uint32_t bits = float_bits(x[i]) & 0x7fffffffu;
            if (bits > max_bits) max_bits = bits;
        }
        float max = bits_float(max_bits);
        float inverse = max >= 0x1p-119f && max < INFINITY ? 127.0f / max : 0.0f;
        int32_t sum = 0;
        for (size_t i = 0; i < MET_Q8_BLOCK; i++) {
            q[i] = inverse == 0.0f ? 0 : (int8_t)rintf(x[i] * inverse);
            sum += q[i];
        }
        scale[b] = max / 127.0f;
        offset[b] = -128 * sum;
    }
}

static void matvec_q8(const uint8_t *w, size_t rows, size_t cols, const int8_t *q,
                      const float *scale, const int32_t *offset, float *y)
{
    (void)offset; /* for levels whose products take unsigned weights */
    for (size_t r = 0; r < rows; r++) {
        float acc = 0.0f;
        for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++, w += MET_Q8_BLOCK_BYTES) {
            const int8_t *wq = (const int8_t *)w + 2;
            const int8_t *xq = q + b * MET_Q8_BLOCK;
            int32_t sum = 0;
            for (size_t i = 0; i < MET_Q8_BLOCK; i++)
                sum += wq[i] * xq[i];
            acc = fmaf((float)sum, read_half(w) * scale[b], acc);
        }
        y[r] = acc;
    }
}

static void matmul_q8(const uint8_t *w, size_t rows, size_t cols, const met_q8_rows *x,
                      size_t tokens, float *y, size_t y_stride, void *panel)
{
    (void)panel;
    size_t blocks = cols / MET_Q8_BLOCK;
    for (size_t t = 0; t < tokens; t++) {
        matvec_q8(w, rows, cols, x->q + t * cols, x->scale + t * blocks, x->offset + t * blocks,
                  y + t * y_stride);
    }
}

static void matvec_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t r = 0; r < rows; r++, w += cols) {
        float p[LANES] = {0};
        for (size_t k = 0; k < cols; k++) {
            p[k % LANES] = fmaf(met_half_to_float(w[k]), x[k], p[k % LANES]);
        }
        y[r] = tree16(p);
    }
}

static void matvec_f32(const float *w, size_t rows, size_t cols, const float *x, float *y)
{
    for (size_t r = 0; r < rows; r++, w += cols) {
        float p[LANES] = {0};
        for (size_t k = 0; k < cols; k++)
            p[k % LANES] = fmaf(w[k], x[k], p[k % LANES]);
        y[r] = tree16(p);
    }
}

static void matmul_f16(const uint16_t *w, size_t rows, size_t cols, const float *x, size_t tokens,
                       float *y, size_t y_stride, void *panel)
{
    (void)panel;
    for (size_t t = 0; t < tokens; t++)
        matvec_f16(w, rows, cols, x + t * cols, y + t * y_stride);
}

static void matmul_f32(const float *w, size_t rows, size_t cols, const float *x, size_t tokens,
                       float *y, size_t y_stride, void *panel)
{
    (void)panel;
    for (size_t t = 0; t < tokens; t++)
        matvec_f32(w, rows, cols, x + t * cols, y + t * y_stride);
}

static void row_q8(const uint8_t *row, size_t cols, float *y)
{
    for (size_t b = 0; b < cols / MET_Q8_BLOCK; b++, row += MET_Q8_BLOCK_BYTES) {
        float scale = read_half(row);
        const int8_t *q = (const int8_t *)row + 2;
        for (size_t i = 0; i < MET_Q8_BLOCK; i++)
            *y++ = scale * (float)q[i];
    }
}

static void row_f16(const uint16_t *row, size_t cols, float *y)
{
    for (size_t i = 0; i < cols; i++)
        y[i] = met_half_to_float(row[i]);
}

static void to_f16(const float *x, size_t n, uint16_t *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = met_float_to_half(x[i]);
}

static void rmsnorm(const float *x, const float *w, size_t cols, float eps, float *y)
{
    if (cols == 0) return;
    float p[LANES] = {0};
    for (size_t i = 0; i < cols; i++)
        p[i % LANES] = fmaf(x[i], x[i], p[i % LANES]);
    float s = 1.0f / sqrtf(tree16(p) / (float)cols + eps);
    for (size_t i = 0; i < cols; i++)
        y[i] = (x[i] * s) * w[i];
}

static void rope(float *x, const float *cosine, const float *sine, size_t heads, size_t head_dim)
{
    size_t half = head_dim / 2;
    for (size_t h = 0; h < heads; h++, x += head_dim) {
        for (size_t i = 0; i < half; i++) {
            float a = x[i];
            float b = x[i + half];
            x[i] = fmaf(a, cosine[i], -(b * sine[i]));
            x[i + half] = fmaf(b, cosine[i], a * sine[i]);
        }
    }
}

static void swiglu(const float *g, const float *u, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (g[i] / (1.0f + exp_one(-g[i]))) * u[i];
}

static void add(const float *a, const float *b, size_t n, float *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = a[i] + b[i];
}

/* Element i of a key or value tile. */
static float kv_at(const void *tile, size_t i, bool f32)
{
    return f32 ? ((const float *)tile)[i] : met_half_to_float(((const uint16_t *)tile)[i]);
}

/* One query over its n visible keys. */
static void attend_one(const met_attend *task, const float *q, size_t n, float *max_out,
                       float *sum_out, float *out)
{
    size_t head_dim = (size_t)task->head_dim;
    float p[MET_KEY_BLOCK];
    float max = -INFINITY;
    for (size_t j = 0; j < n; j++) {
        size_t at = j / MET_KEY_TILE * head_dim * MET_KEY_TILE + j % MET_KEY_TILE;
        float acc = 0.0f;
        for (size_t d = 0; d < head_dim; d++) {
            acc = fmaf(q[d], kv_at(task->k, at + d * MET_KEY_TILE, task->kv_f32), acc);
        }
        p[j] = acc * task->scale;
        max = p[j] > max ? p[j] : max;
    }
    max = max + 0.0f;

    float lanes[LANES] = {0};
    for (size_t j = 0; j < n; j++) {
        p[j] = exp_one(p[j] - max);
        lanes[j % LANES] = lanes[j % LANES] + p[j];
    }
    *max_out = max;
    *sum_out = tree16(lanes);

    for (size_t d = 0; d < head_dim; d++) {
        float acc = 0.0f;
        for (size_t j = 0; j < n; j++) {
            acc = fmaf(p[j], kv_at(task->v, j * head_dim + d, task->kv_f32), acc);
        }
        out[d] = acc;
    }
}

static void attend(const met_attend *task)
{
    size_t head_dim = (size_t)task->head_dim;
    size_t group = (size_t)task->group;
    for (size_t t = 0; t < (size_t)task->tokens; t++) {
        size_t n = (size_t)task->visible + t;
        if (n > MET_KEY_BLOCK) n = MET_KEY_BLOCK;
        for (size_t g = 0; g < group; g++) {
            size_t query = t * group + g;
            attend_one(task, task->q + t * task->q_stride + g * head_dim, n, task->max + query,
                       task->sum + query, task->out + query * head_dim);
        }
    }
}

static void attend_merge(float *max, float *sum, float *out, const float *block_max,
                         const float *block_sum, const float *block_out, size_t queries,
                         size_t head_dim)
{
    for (size_t i = 0; i < queries; i++, out += head_dim, block_out += head_dim) {
        float m = block_max[i] > max[i] ? block_max[i] : max[i];
        float a = exp_one(max[i] - m);
        float b = exp_one(block_max[i] - m);
        sum[i] = fmaf(sum[i], a, block_sum[i] * b);
        for (size_t d = 0; d < head_dim; d++)
            out[d] = fmaf(out[d], a, block_out[d] * b);
        max[i] = m;
    }
}

static void attend_finish(const float *sum, const float *out, size_t tokens, size_t group,
                          size_t head_dim, float *y, size_t y_stride)
{
    for (size_t t = 0; t < tokens; t++) {
        for (size_t g = 0; g < group; g++, sum++, out += head_dim) {
            float *head = y + t * y_stride + g * head_dim;
            for (size_t d = 0; d < head_dim; d++)
                head[d] = out[d] / *sum;
        }
    }
}

void met_cpu_fill_scalar(met_cpu_kernels *kernels)
{
    *kernels = (met_cpu_kernels){
        .name = "scalar",
        .quantize_q8 = quantize_q8,
        .matvec_q8 = matvec_q8,
        .matmul_q8 = matmul_q8,
        .matvec_f16 = matvec_f16,
        .matvec_f32 = matvec_f32,
        .matmul_f16 = matmul_f16,
        .matmul_f32 = matmul_f32,
        .row_q8 = row_q8,
        .row_f16 = row_f16,
        .to_f16 = to_f16,
        .rmsnorm = rmsnorm,
        .rope = rope,
        .swiglu = swiglu,
        .add = add,
        .attend = attend,
        .attend_merge = attend_merge,
        .attend_finish = attend_finish,
        .exp = exp_many,
    };
}
