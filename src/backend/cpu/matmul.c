/* Owns: the matmul phase: norm and quantization of the input, products, epilogue.
 *
 * One token: every worker prepares the whole input for itself, which costs less than a barrier.
 * Several tokens: workers prepare some tokens each for all, wait, and then share out the rows.
 * F32 and F16 weights with many tokens go to the vendor's library where the machine has one; all
 * else is native. The invariant: a worker writes only its own output rows, in whole lines of the
 * cache. */
#include "backend/cpu/cpu.h"


enum { ROW_GRAIN = MET_PANEL_ROWS };

/* The prepared input of one matmul: floats for F16 and F32 weights, quantized for Q8_0. */
typedef struct matmul_input {
    const float *x; /* [tokens][cols] */
    met_q8_rows q8;
    size_t tokens;
    size_t cols;
    bool quantized;
} matmul_input;

static bool needs_q8(const met_program *program, const met_op *op)
{
    for (int32_t i = 0; i < op->weights; i++) {
        if (program->weights[op->weight[i]].type == MET_DTYPE_Q8_0) return true;
    }
    return false;
}

static void quantize_row(const met_cpu_kernels *kernels, const float *x, size_t cols, size_t row,
                         const met_q8_rows *to)
{
    size_t blocks = cols / MET_Q8_BLOCK;
    kernels->quantize_q8(x, cols, to->q + row * cols, to->scale + row * blocks,
                         to->offset + row * blocks);
}

static const float *norm_row(const cpu_run *run, const met_op *norm, size_t row, float *to)
{
    size_t cols = (size_t)run->program->activations[norm->in].cols;
    const float *weight = run->program->weights[norm->weight[0]].data;
    run->kernels->rmsnorm(cpu_activation(run, norm->in) + row * cols, weight, cols, norm->eps, to);
    return to;
}

/* One token: into this worker's own space, no barrier. */
static matmul_input prepare_one(const cpu_run *run, const cpu_phase *phase, int32_t worker)
{
    const met_op *op = phase->op;
    cpu_worker *own = &run->timeline->workers[worker];
    matmul_input input = {.tokens = 1, .cols = (size_t)run->program->activations[op->in].cols};
    input.x =
        phase->norm == NULL ? cpu_activation(run, op->in) : norm_row(run, phase->norm, 0, own->row);
    if (needs_q8(run->program, op)) {
        quantize_row(run->kernels, input.x, input.cols, 0, &own->q8);
        input.q8 = own->q8;
        input.quantized = true;
    }
    return input;
}

/* Several tokens: a slice of them for all workers, then a barrier. */
static matmul_input prepare_many(const cpu_run *run, const cpu_phase *phase, size_t tokens,
                                 int32_t worker, int32_t workers)
{
    const met_op *op = phase->op;
    cpu_timeline *timeline = run->timeline;
    matmul_input input = {.tokens = tokens,
                          .cols = (size_t)run->program->activations[op->in].cols,
                          .quantized = needs_q8(run->program, op)};
    const float *x = cpu_activation(run, op->in);
    size_t begin = 0, end = 0;
    met_team_slice(tokens, 1, worker, workers, &begin, &end);
    for (size_t t = begin; t < end; t++) {
        const float *row = x + t * input.cols;
        if (phase->norm != NULL) {
            row = norm_row(run, phase->norm, t, timeline->norm + t * input.cols);
        }
        if (input.quantized) quantize_row(run->kernels, row, input.cols, t, &timeline->q8);
    }
    input.x = phase->norm != NULL ? timeline->norm : x;
    input.q8 = timeline->q8;
    if (phase->norm != NULL || input.quantized) met_team_barrier(run->team, worker);
    return input;
}

/* Whether the vendor's library multiplies by this weight. */
static bool is_vendors(const cpu_run *run, const met_weight *weight, size_t tokens)
{
    return run->vendor != NULL && tokens >= MET_VENDOR_TOKENS && weight->type != MET_DTYPE_Q8_0;
}

/* Rows whose products go to the tile together. */
static size_t tile_rows(const cpu_run *run, const met_weight *weight, size_t tokens)
{
    return is_vendors(run, weight, tokens) ? MET_VENDOR_ROWS : ROW_GRAIN;
}

/* y[t * y_stride + r] for rows [begin, end) of one weight, all tokens. */
static void multiply(const cpu_run *run, const met_weight *weight, const matmul_input *in,
                     size_t begin, size_t end, float *y, size_t y_stride, void *panel)
{
    const met_cpu_kernels *k = run->kernels;
    size_t rows = end - begin, cols = in->cols;
    size_t row_bytes = met_dtype_row_bytes(weight->type, cols);
    const uint8_t *w = (const uint8_t *)weight->data + begin * row_bytes;
    bool one = in->tokens == 1, vendors = is_vendors(run, weight, in->tokens);
    switch (weight->type) {
    case MET_DTYPE_Q8_0:
        if (one)
            k->matvec_q8(w, rows, cols, in->q8.q, in->q8.scale, in->q8.offset, y);
        else
            k->matmul_q8(w, rows, cols, &in->q8, in->tokens, y, y_stride, panel);
        return;
    case MET_DTYPE_F16:
        if (one)
            k->matvec_f16((const void *)w, rows, cols, in->x, y);
        else if (vendors)
            met_cpu_vendor_matmul_f16(run->vendor, k, (const void *)w, rows, cols, in->x,
                                      in->tokens, y, y_stride, panel);
        else
            k->matmul_f16((const void *)w, rows, cols, in->x, in->tokens, y, y_stride, panel);
        return;
    case MET_DTYPE_F32:
        if (one)
            k->matvec_f32((const void *)w, rows, cols, in->x, y);
        else if (vendors)
            met_cpu_vendor_matmul_f32(run->vendor, (const void *)w, rows, cols, in->x, in->tokens,
                                      y, y_stride);
        else
            k->matmul_f32((const void *)w, rows, cols, in->x, in->tokens, y, y_stride, panel);
        return;
    }
}

/* Rows [begin, end) of out[0] = silu(gate) * up, a tile at a time so that both stay in cache. */
static void multiply_swiglu(const cpu_run *run, const met_op *op, const matmul_input *in,
                            size_t begin, size_t end, cpu_worker *own)
{
    const met_program *program = run->program;
    const met_weight *gate = &program->weights[op->weight[0]];
    const met_weight *up = &program->weights[op->weight[1]];
    size_t out_cols = (size_t)program->activations[op->out[0]].cols;
    float *out = cpu_activation(run, op->out[0]);
    if (in->tokens == 1) { /* one long stream over the gate's rows */
        multiply(run, gate, in, begin, end, out + begin, 0, NULL);
        for (size_t r = begin; r < end; r += ROW_GRAIN) {
            size_t last = r + ROW_GRAIN < end ? r + ROW_GRAIN : end;
            multiply(run, up, in, r, last, own->tile, 0, NULL);
            run->kernels->swiglu(out + r, own->tile, last - r, out + r);
        }
        return;
    }
    size_t most = tile_rows(run, up, in->tokens);
    int32_t worker = (int32_t)(own - run->timeline->workers);
    for (size_t r = begin; r < end && cpu_goes_on(run, worker); r += most) {
        size_t rows = end - r < most ? end - r : most;
        multiply(run, gate, in, r, r + rows, out + r, out_cols, own->panel);
        multiply(run, up, in, r, r + rows, own->tile, most, own->panel);
        for (size_t t = 0; t < in->tokens; t++) {
            float *y = out + t * out_cols + r;
            run->kernels->swiglu(y, own->tile + t * most, rows, y);
        }
    }
}

/* Rows [begin, end) of weight `index` with bias or residual. */
static void multiply_rows(const cpu_run *run, const met_op *op, int32_t index,
                          const matmul_input *in, size_t begin, size_t end, cpu_worker *own)
{
    const met_program *program = run->program;
    const met_weight *weight = &program->weights[op->weight[index]];
    size_t out_cols = (size_t)weight->rows;
    float *out = cpu_activation(run, op->out[index]);
    const float *bias = op->bias[index] == MET_NONE ? NULL : program->weights[op->bias[index]].data;

    if (op->residual == MET_NONE) {
        multiply(run, weight, in, begin, end, out + begin, out_cols, own->panel);
        for (size_t t = 0; bias != NULL && t < in->tokens; t++) {
            float *y = out + t * out_cols + begin;
            run->kernels->add(y, bias + begin, end - begin, y);
        }
        return;
    }
    /* The residual may be the output itself: products go to a tile first. */
    const float *residual = cpu_activation(run, op->residual);
    size_t most = tile_rows(run, weight, in->tokens);
    int32_t worker = (int32_t)(own - run->timeline->workers);
    for (size_t r = begin; r < end && cpu_goes_on(run, worker); r += most) {
        size_t rows = end - r < most ? end - r : most;
        multiply(run, weight, in, r, r + rows, own->tile, most, own->panel);
        for (size_t t = 0; t < in->tokens; t++) {
            float *y = own->tile + t * most;
            if (bias != NULL) run->kernels->add(y, bias + r, rows, y);
            run->kernels->add(y, residual + t * out_cols + r, rows, out + t * out_cols + r);
        }
    }
}

void met_cpu_run_matmul(const cpu_run *run, const cpu_phase *phase, int32_t worker, int32_t workers)
{
    const met_op *op = phase->op;
    const met_program *program = run->program;
    size_t tokens = (size_t)cpu_rows(run, op->in);
    if (tokens == 0) return; /* logits that nobody asked for */
    cpu_worker *own = &run->timeline->workers[worker];
    matmul_input input = tokens == 1 ? prepare_one(run, phase, worker)
                                     : prepare_many(run, phase, tokens, worker, workers);

    /* All weights' rows in one line, cut among the workers. */
    size_t total = 0, begin = 0, end = 0;
    int32_t weights = op->swiglu ? 1 : op->weights;
    for (int32_t i = 0; i < weights; i++)
        total += (size_t)program->weights[op->weight[i]].rows;
    met_team_slice(total, ROW_GRAIN, worker, workers, &begin, &end);
    if (op->swiglu) {
        if (begin < end) multiply_swiglu(run, op, &input, begin, end, own);
        return;
    }
    size_t first = 0;
    for (int32_t i = 0; i < op->weights; i++) {
        size_t rows = (size_t)program->weights[op->weight[i]].rows;
        size_t from = begin > first ? begin - first : 0;
        size_t to = end > first ? end - first : 0;
        if (to > rows) to = rows;
        if (from < to) multiply_rows(run, op, i, &input, from, to, own);
        first += rows;
    }
}
