/* The bytes that single kernels move, counted by the simulator: every weight is read once, and what
 * else a dispatch of decoding reads and writes is little (test_metal_traffic has whole steps). Only
 * in the simulator: a GPU does not tell.
 *
 * `unique` counts a byte once for a dispatch, `total` as often as a thread asks for it. Four lanes
 * ask for the 2 bytes of a Q8_0 block's scale in one instruction, which memory answers once: so the
 * total of a matrix is 40 / 34 of its bytes if and only if each of its blocks is read once. */
#include "metal/product_case.h"

#include "inspect.h"

static const struct metalsim_entry *last_entry(const char *kernel)
{
    for (size_t i = metalsim_log_count(); i > 0; i--) {
        const struct metalsim_entry *entry = metalsim_log_entry(i - 1);
        if (strcmp(entry->kernel, kernel) == 0) return entry;
    }
    fail_msg("%s has not run", kernel);
    return NULL;
}

static uint64_t weight_bytes(const product_case *c, int32_t part)
{
    return (uint64_t)c->shape.rows[part] *
           met_dtype_row_bytes(c->shape.type, (size_t)c->shape.cols);
}

static uint64_t as_lanes_ask(const product_case *c, uint64_t bytes)
{
    return c->shape.type == MET_DTYPE_Q8_0 ? bytes / MET_Q8_BLOCK_BYTES * 40 : bytes;
}

/* The products of a layer of Qwen2.5-0.5B. */
static const product_shape layer[] = {
    {.cols = 896, .rows = {896, 128, 128}, .norm = true, .bias = true},
    {.cols = 896, .rows = {896}, .residual = true},
    {.cols = 896, .rows = {4864, 4864}, .norm = true, .swiglu = true},
    {.cols = 4864, .rows = {896}, .residual = true},
};

static void decoding_reads_every_weight_once_and_little_else(void **state)
{
    static const met_dtype types[] = {MET_DTYPE_Q8_0, MET_DTYPE_F16};
    (void)state;
    for (size_t t = 0; t < 2; t++) {
        uint64_t weights = 0, everything = 0;
        for (size_t i = 0; i < sizeof layer / sizeof layer[0]; i++) {
            product_shape shape = layer[i];
            shape.type = types[t];
            shape.tokens = 1;
            shape.pairs = 2;
            product_case *c = product_open(&shape, 3 + i);
            product_run_matvec(c);
            const struct metalsim_entry *entry = last_entry("met_matvec");
            for (int32_t part = 0; part < c->arguments.parts; part++) {
                const struct metalsim_traffic *of = &entry->bindings[MET_METAL_AT_WEIGHT + part];
                assert_int_equal(of->read_unique, weight_bytes(c, part));
                assert_int_equal(of->read_total, as_lanes_ask(c, weight_bytes(c, part)));
                weights += of->read_unique;
            }
            for (size_t b = 1; b < KERNEL_BINDINGS; b++)
                everything += entry->bindings[b].read_unique + entry->bindings[b].written_unique;
            product_close(c);
        }
        print_message("# %s: a layer's products read %llu bytes of weights, move %llu: %.4f\n",
                      met_dtype_name(types[t]), (unsigned long long)weights,
                      (unsigned long long)everything, (double)everything / (double)weights);
        assert_true((double)everything <= 1.05 * (double)weights);
    }
}

static void eight_tokens_read_every_weight_once(void **state)
{
    product_shape shape = layer[1];
    (void)state;
    shape.type = MET_DTYPE_Q8_0;
    shape.tokens = 8;
    product_case *c = product_open(&shape, 9);
    product_run_matvec(c);
    const struct metalsim_traffic *of = &last_entry("met_matvec")->bindings[MET_METAL_AT_WEIGHT];
    assert_int_equal(of->read_unique, weight_bytes(c, 0));
    assert_int_equal(of->read_total, as_lanes_ask(c, weight_bytes(c, 0)));
    product_close(c);
}

static void a_tile_of_tokens_reads_every_weight_once(void **state)
{
    product_shape shape = layer[1];
    (void)state;
    shape.type = MET_DTYPE_Q8_0;
    for (int32_t tiles = 1; tiles <= 2; tiles++) {
        shape.tokens = tiles * MET_METAL_MATMUL_TOKENS;
        product_case *c = product_open(&shape, 9);
        product_run_matmul(c);
        const struct metalsim_traffic *of =
            &last_entry("met_matmul")->bindings[MET_METAL_AT_WEIGHT];
        assert_int_equal(of->read_unique, weight_bytes(c, 0));
        assert_int_equal(of->read_total,
                         (uint64_t)tiles * as_lanes_ask(c, weight_bytes(c, 0)));
        product_close(c);
    }
}

/* 300 positions: two full blocks and 44 keys, which are two tiles; values only where there are
 * some. All 7 query heads of a group share what is read. */
static void attention_reads_every_key_and_value_once(void **state)
{
    enum { HEADS = 14, KV_HEADS = 2, DIM = 64, POSITION = 299, SPLITS = 3 };
    float *q = calloc(HEADS * DIM, sizeof *q), *out = calloc(HEADS * DIM, sizeof *out);
    size_t kv_bytes = SPLITS * KV_HEADS * (size_t)met_metal_head_elements(DIM) * 2;
    size_t floats = (size_t)met_metal_partial_floats(1, HEADS, DIM, SPLITS);
    float *partials = calloc(floats, sizeof *partials);
    void *kv = calloc(1, kv_bytes);
    met_metal_attention arguments = {
        .tokens = 1, .heads = HEADS, .kv_heads = KV_HEADS, .head_dim = DIM, .position = POSITION,
        .chunk = met_metal_attention_chunk(DIM, HEADS / KV_HEADS), .splits = SPLITS,
        .scale = 0.125f, .block_elements = KV_HEADS * met_metal_head_elements(DIM),
    };
    kernel_run run = {
        .function = "met_attention",
        .arguments = &arguments,
        .argument_bytes = sizeof arguments,
        .buffers = {{0}, {q, HEADS * DIM * 4, false}, {kv, kv_bytes, false},
                    {out, HEADS * DIM * 4, true}, {partials, floats * 4, true}},
        .groups = {SPLITS, KV_HEADS, 1},
        .threads = MET_METAL_ATTENTION_THREADS,
        .group_bytes = met_metal_attention_bytes(DIM, arguments.chunk),
    };
    (void)state;
    kernel_run_now(&run);
    const struct metalsim_entry *entry = last_entry("met_attention");
    uint64_t keys = (256 + 64) * DIM * 2, values = (POSITION + 1) * DIM * 2;
    assert_int_equal(entry->bindings[2].read_unique, KV_HEADS * (keys + values));
    assert_int_equal(entry->bindings[2].read_total, KV_HEADS * (keys + values));
    assert_int_equal(entry->bindings[4].written_total, floats * 4);
    free(q);
    free(out);
    free(partials);
    free(kv);
}

static int close_device(void **state)
{
    (void)state;
    kernel_run_close();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoding_reads_every_weight_once_and_little_else),
        cmocka_unit_test(eight_tokens_read_every_weight_once),
        cmocka_unit_test(a_tile_of_tokens_reads_every_weight_once),
        cmocka_unit_test(attention_reads_every_key_and_value_once),
    };
    metalsim_count_traffic(true);
    metalsim_log_enable(true);
    return cmocka_run_group_tests_name("metal kernel traffic", tests, NULL, close_device);
}
