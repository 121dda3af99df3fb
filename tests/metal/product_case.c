/* Owns: operands, dispatch and CPU result of one product. */
#include "metal/product_case.h"

#include "base/half.h"

#include <math.h>

enum { FLOAT_BYTES = 4 };

static float *new_floats(size_t n)
{
    return calloc(n == 0 ? 1 : n, sizeof(float));
}

static size_t pairs_of_head(const product_shape *s)
{
    return (size_t)s->head_dim / 2;
}

static bool uses_cache(const product_shape *s)
{
    return s->kind[0] != 0 || s->kind[1] != 0 || s->kind[2] != 0;
}

const char *product_name(const product_shape *s)
{
    return describe("%s cols %d tokens %d rows %d %d %d%s%s%s%s head_dim %d position %d pairs %d",
                    met_dtype_name(s->type), s->cols, s->tokens, s->rows[0], s->rows[1], s->rows[2],
                    s->swiglu ? " swiglu" : "", s->norm ? " norm" : "", s->bias ? " bias" : "",
                    s->residual ? " residual" : "", s->head_dim, s->position, s->pairs);
}

/* Integers; in blocks of which each has 127, so that Q8_0 keeps them as they are. */
static void fill_input(uint64_t *seed, const product_shape *s, float *x, size_t n)
{
    fill_floats(seed, s->fill, x, n);
    for (size_t i = 0; i < n && s->fill == FILL_INTEGER && s->type == MET_DTYPE_Q8_0; i++)
        x[i] = i % 32 == 5 ? 127.0f : (float)((int32_t)(test_random(seed) >> 33) % 128);
}

static void fill_weights(uint64_t *seed, const product_shape *s, uint8_t *w, size_t rows)
{
    size_t n = rows * (size_t)s->cols;
    switch (s->type) {
    case MET_DTYPE_F32: fill_weights_f32(seed, s->fill, (void *)w, n); return;
    case MET_DTYPE_F16: fill_weights_f16(seed, s->fill, (void *)w, n); return;
    case MET_DTYPE_Q8_0: fill_weights_q8(seed, s->fill, w, n / MET_Q8_BLOCK); return;
    }
}

static void fill_rotation(const product_shape *s, float *rotation)
{
    for (size_t t = 0; t < (size_t)s->tokens; t++) {
        for (size_t i = 0; i < pairs_of_head(s); i++) {
            double angle = ((double)s->position + (double)t) *
                           pow(10000.0, -2.0 * (double)i / (double)s->head_dim);
            rotation[2 * (t * pairs_of_head(s) + i)] = (float)cos(angle);
            rotation[2 * (t * pairs_of_head(s) + i) + 1] = (float)sin(angle);
        }
    }
}

static met_metal_product make_arguments(const product_shape *s)
{
    met_metal_product a = {
        .cols = s->cols,
        .tokens = s->tokens,
        .residual = s->residual,
        .tile_cols = s->tokens <= MET_METAL_MATVEC_TOKENS
                         ? met_metal_matvec_tile(s->cols, s->tokens)
                         : 0,
        .eps = 1e-6f,
        .head_dim = s->head_dim,
        .position = s->position,
    };
    uint64_t heads = 0;
    for (int32_t i = 0; i < MET_METAL_PARTS && s->rows[i] > 0; i++) {
        a.part[i] = (met_metal_part){s->rows[i], s->kind[i], s->rotate[i], s->bias};
        a.parts = i + 1;
        if (s->kind[i] != 0 && s->head_dim > 0) heads = (uint64_t)(s->rows[i] / s->head_dim);
    }
    a.block_elements = heads * met_metal_head_elements(s->head_dim);
    return a;
}

void product_reset(product_case *c)
{
    for (int32_t i = 0; i < MET_METAL_PARTS; i++)
        memset(c->out[i], 0xff, (size_t)c->shape.tokens * (size_t)c->shape.rows[i] * FLOAT_BYTES);
    if (c->kv != NULL) memset(c->kv, 0xff, c->kv_bytes);
}

product_case *product_open(const product_shape *shape, uint64_t seed)
{
    product_case *c = calloc(1, sizeof *c);
    const product_shape *s = &c->shape;
    size_t tokens = (size_t)shape->tokens, cols = (size_t)shape->cols;
    c->shape = *shape;
    if (c->shape.pairs == 0) c->shape.pairs = 1;
    c->arguments = make_arguments(s);
    for (int32_t i = 0; i < MET_METAL_PARTS; i++) {
        size_t rows = (size_t)s->rows[i];
        c->weight[i] = calloc(rows + 1, met_dtype_row_bytes(s->type, cols));
        c->bias[i] = new_floats(rows);
        c->out[i] = new_floats(tokens * rows);
        c->sums[i] = new_floats(tokens * rows);
        fill_weights(&seed, s, c->weight[i], rows);
        fill_floats(&seed, s->fill == FILL_INTEGER ? FILL_INTEGER : FILL_RANDOM, c->bias[i], rows);
    }
    c->x = new_floats(tokens * cols);
    c->norm = new_floats(cols);
    c->residual = new_floats(tokens * (size_t)s->rows[0]);
    c->rotation = new_floats(2 * tokens * pairs_of_head(s));
    fill_input(&seed, s, c->x, tokens * cols);
    fill_floats(&seed, FILL_RANDOM, c->norm, cols);
    fill_floats(&seed, s->fill == FILL_INTEGER ? FILL_INTEGER : FILL_RANDOM, c->residual,
                tokens * (size_t)s->rows[0]);
    if (s->head_dim > 0) fill_rotation(s, c->rotation);
    if (uses_cache(s)) {
        size_t blocks = (size_t)met_metal_splits(s->position + s->tokens - 1);
        c->kv_bytes = blocks * (size_t)c->arguments.block_elements *
                      (s->kv_type == MET_DTYPE_F32 ? 4 : 2);
        c->kv = malloc(c->kv_bytes);
    }
    product_reset(c);
    return c;
}

void product_close(product_case *c)
{
    for (int32_t i = 0; i < MET_METAL_PARTS; i++) {
        free(c->weight[i]);
        free(c->bias[i]);
        free(c->out[i]);
        free(c->sums[i]);
    }
    free(c->x);
    free(c->norm);
    free(c->residual);
    free(c->rotation);
    free(c->kv);
    free(c);
}

/* ---------------------------------------------------------------- the kernels */

static kernel_buffer floats(float *data, size_t n, bool out)
{
    return (kernel_buffer){n == 0 ? NULL : data, n * FLOAT_BYTES, out};
}

/* What the three kernels have in common. */
static kernel_run make_run(product_case *c, const char *function)
{
    const product_shape *s = &c->shape;
    size_t tokens = (size_t)s->tokens, cols = (size_t)s->cols;
    kernel_run run = {
        .function = function,
        .arguments = &c->arguments,
        .argument_bytes = sizeof c->arguments,
    };
    run.constants[MET_METAL_FC_WEIGHT_TYPE] = (int32_t)s->type;
    run.constants[MET_METAL_FC_TOKENS] = s->tokens;
    run.constants[MET_METAL_FC_PAIRS] = s->pairs;
    run.constants[MET_METAL_FC_NORM] = s->norm;
    run.constants[MET_METAL_FC_SWIGLU] = s->swiglu;
    run.constants[MET_METAL_FC_KV_F32] = s->kv_type == MET_DTYPE_F32;
    run.buffers[MET_METAL_AT_X] = floats(c->x, tokens * cols, false);
    run.buffers[MET_METAL_AT_NORM] = floats(c->norm, cols, false);
    for (int32_t i = 0; i < c->arguments.parts; i++) {
        size_t rows = (size_t)s->rows[i];
        bool to_out = s->kind[i] == MET_METAL_PART_ROWS && !(s->swiglu && i == 1);
        run.buffers[MET_METAL_AT_WEIGHT + i] =
            (kernel_buffer){c->weight[i], rows * met_dtype_row_bytes(s->type, cols), false};
        if (s->bias) run.buffers[MET_METAL_AT_BIAS + i] = floats(c->bias[i], rows, false);
        if (to_out) run.buffers[MET_METAL_AT_OUT + i] = floats(c->out[i], tokens * rows, true);
    }
    if (s->residual) { /* in place: what out holds is the residual */
        memcpy(c->out[0], c->residual, tokens * (size_t)s->rows[0] * FLOAT_BYTES);
        run.buffers[MET_METAL_AT_RESIDUAL] = run.buffers[MET_METAL_AT_OUT];
    }
    run.buffers[MET_METAL_AT_ROTATION] = floats(c->rotation, 2 * tokens * pairs_of_head(s), false);
    run.buffers[MET_METAL_AT_KV] = (kernel_buffer){c->kv, c->kv_bytes, true};
    return run;
}

void product_run_matvec(product_case *c)
{
    kernel_run run = make_run(c, "met_matvec");
    run.groups[0] = (uint32_t)met_metal_matvec_groups(&c->arguments, c->shape.swiglu,
                                                      c->shape.pairs);
    run.groups[1] = run.groups[2] = 1;
    run.threads = MET_METAL_MATVEC_THREADS;
    run.group_bytes = met_metal_matvec_bytes(c->shape.cols, c->shape.tokens);
    kernel_run_now(&run);
}

void product_prepare(const product_case *c, float *prepared)
{
    const product_shape *s = &c->shape;
    size_t n = (size_t)s->tokens * (size_t)s->cols;
    met_metal_prepare arguments = {s->cols, c->arguments.eps};
    kernel_run run = {
        .function = "met_prepare",
        .arguments = &arguments,
        .argument_bytes = sizeof arguments,
        .buffers = {{0}, floats(c->x, n, false), floats(c->norm, (size_t)s->cols, false),
                    floats(prepared, n, true)},
        .groups = {(uint32_t)s->tokens, 1, 1},
        .threads = MET_METAL_MATVEC_THREADS,
    };
    run.constants[MET_METAL_FC_NORM] = s->norm;
    run.constants[MET_METAL_FC_QUANTIZE] = s->type == MET_DTYPE_Q8_0;
    kernel_run_now(&run);
}

void product_run_matmul(product_case *c)
{
    size_t n = (size_t)c->shape.tokens * (size_t)c->shape.cols;
    float *prepared = new_floats(n);
    kernel_run run = make_run(c, "met_matmul");
    product_prepare(c, prepared);
    run.buffers[MET_METAL_AT_X] = floats(prepared, n, false);
    run.groups[0] = (uint32_t)met_metal_matmul_groups(&c->arguments, c->shape.swiglu);
    run.groups[1] = (uint32_t)(c->shape.tokens + MET_METAL_MATMUL_TOKENS - 1) /
                    MET_METAL_MATMUL_TOKENS;
    run.groups[2] = 1;
    run.threads = MET_METAL_MATMUL_THREADS;
    run.group_bytes = MET_METAL_MATMUL_BYTES;
    kernel_run_now(&run);
    free(prepared);
}

void product_run_finish(product_case *c)
{
    kernel_run run = make_run(c, "met_finish");
    size_t tokens = (size_t)c->shape.tokens;
    for (int32_t i = 0; i < c->arguments.parts; i++)
        run.buffers[MET_METAL_AT_WEIGHT + i] =
            floats(c->sums[i], tokens * (size_t)c->shape.rows[i], false);
    run.groups[0] = (uint32_t)met_metal_finish_groups(&c->arguments, c->shape.swiglu);
    run.groups[1] = (uint32_t)tokens;
    run.groups[2] = 1;
    run.threads = MET_METAL_FINISH_THREADS;
    kernel_run_now(&run);
}

/* ---------------------------------------------------------------- the CPU */

double product_weight(const product_case *c, int32_t part, int32_t row, int32_t col)
{
    size_t bytes = met_dtype_row_bytes(c->shape.type, (size_t)c->shape.cols);
    const uint8_t *at = c->weight[part] + (size_t)row * bytes;
    switch (c->shape.type) {
    case MET_DTYPE_F32: return (double)((const float *)(const void *)at)[col];
    case MET_DTYPE_F16:
        return (double)met_half_to_float(((const uint16_t *)(const void *)at)[col]);
    case MET_DTYPE_Q8_0: break;
    }
    uint16_t scale;
    at += col / MET_Q8_BLOCK * MET_Q8_BLOCK_BYTES;
    memcpy(&scale, at, sizeof scale);
    return (double)met_half_to_float(scale) * (double)(int8_t)at[2 + col % MET_Q8_BLOCK];
}

static void cpu_sums(const product_case *c, const met_cpu_kernels *k, int32_t part, const float *x,
                     float *y)
{
    size_t rows = (size_t)c->shape.rows[part], cols = (size_t)c->shape.cols;
    const void *w = c->weight[part];
    switch (c->shape.type) {
    case MET_DTYPE_F32: k->matvec_f32(w, rows, cols, x, y); return;
    case MET_DTYPE_F16: k->matvec_f16(w, rows, cols, x, y); return;
    case MET_DTYPE_Q8_0: break;
    }
    size_t blocks = cols / MET_Q8_BLOCK;
    int8_t *q = malloc(cols);
    float *scale = new_floats(blocks);
    int32_t *offset = malloc(blocks * sizeof *offset);
    k->quantize_q8(x, cols, q, scale, offset);
    k->matvec_q8(w, rows, cols, q, scale, offset, y);
    free(q);
    free(scale);
    free(offset);
}

static void cpu_rotate(const product_case *c, const met_cpu_kernels *k, size_t token, size_t rows,
                       float *y)
{
    size_t half = pairs_of_head(&c->shape);
    float cosine[512], sine[512];
    for (size_t i = 0; i < half; i++) {
        cosine[i] = c->rotation[2 * (token * half + i)];
        sine[i] = c->rotation[2 * (token * half + i) + 1];
    }
    k->rope(y, cosine, sine, rows / (2 * half), 2 * half);
}

void product_expect(product_case *c, float *expected[MET_METAL_PARTS])
{
    const product_shape *s = &c->shape;
    met_cpu_kernels k = met_cpu_level_kernels(0);
    size_t cols = (size_t)s->cols;
    float *row = new_floats(cols);
    for (int32_t i = 0; i < MET_METAL_PARTS; i++)
        expected[i] = new_floats((size_t)s->tokens * (size_t)s->rows[i]);
    for (size_t t = 0; t < (size_t)s->tokens; t++) {
        memcpy(row, c->x + t * cols, cols * FLOAT_BYTES);
        if (s->norm) k.rmsnorm(row, c->norm, cols, c->arguments.eps, row);
        for (int32_t i = 0; i < c->arguments.parts; i++) {
            size_t rows = (size_t)s->rows[i];
            float *y = expected[i] + t * rows;
            cpu_sums(c, &k, i, row, y);
            memcpy(c->sums[i] + t * rows, y, rows * FLOAT_BYTES);
            if (s->bias) k.add(y, c->bias[i], rows, y);
            if (s->rotate[i]) cpu_rotate(c, &k, t, rows, y);
            if (s->residual && i == 0) k.add(y, c->residual + t * rows, rows, y);
        }
        size_t rows = (size_t)s->rows[0];
        float *gate = expected[0] + t * rows;
        if (s->swiglu) k.swiglu(gate, expected[1] + t * rows, rows, gate);
    }
    for (int32_t i = 0; i < MET_METAL_PARTS && s->kv_type == MET_DTYPE_F16; i++) {
        for (size_t j = 0; s->kind[i] != 0 && j < (size_t)s->tokens * (size_t)s->rows[i]; j++)
            expected[i][j] = met_half_to_float(met_float_to_half(expected[i][j]));
    }
    free(row);
}

/* Element d of a key or value, where arguments.h says that it lies. */
static float cached(const product_case *c, bool is_key, size_t position, size_t head, size_t d)
{
    const product_shape *s = &c->shape;
    size_t padded = (size_t)met_metal_padded_dim(s->head_dim), at = position % MET_METAL_KV_BLOCK;
    size_t index = position / MET_METAL_KV_BLOCK * (size_t)c->arguments.block_elements +
                   head * (size_t)met_metal_head_elements(s->head_dim);
    if (is_key)
        index += at / 32 * padded * 32 + d / 4 * 128 + at % 32 * 4 + d % 4;
    else
        index += MET_METAL_KV_BLOCK * padded + at * padded + d;
    if (s->kv_type == MET_DTYPE_F32) return ((const float *)(const void *)c->kv)[index];
    return met_half_to_float(((const uint16_t *)(const void *)c->kv)[index]);
}

/* Keys are padded with zeros to fours: attention multiplies them with zeros. */
static void expect_padding(const product_case *c, size_t position, size_t head)
{
    int32_t dim = c->shape.head_dim;
    for (int32_t d = dim; d < met_metal_padded_dim(dim); d++)
        assert_true(cached(c, true, position, head, (size_t)d) == 0.0f);
}

void product_found(const product_case *c, int32_t part, float *found)
{
    const product_shape *s = &c->shape;
    size_t rows = (size_t)s->rows[part], dim = (size_t)s->head_dim;
    if (s->kind[part] == MET_METAL_PART_ROWS) {
        memcpy(found, c->out[part], (size_t)s->tokens * rows * FLOAT_BYTES);
        return;
    }
    bool is_key = s->kind[part] == MET_METAL_PART_KEYS;
    for (size_t t = 0; t < (size_t)s->tokens; t++) {
        for (size_t r = 0; r < rows; r++) {
            size_t position = (size_t)s->position + t;
            found[t * rows + r] = cached(c, is_key, position, r / dim, r % dim);
            if (is_key && r % dim == 0) expect_padding(c, position, r / dim);
        }
    }
}
