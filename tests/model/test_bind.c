/* model: what binding reads, and how it refuses what is missing, mis-shaped or impossible. */
#include "model/model.h"
#include "support/testing.h"
#include "support/tiny_model.h"
#include "gguf/forge.h"

typedef struct copy {
    unsigned char *bytes;
    size_t size;
} copy;

static const test_shape tiny = {.name = "tiny", .type = "f16", .layers = 2, .heads = 4,
                                .kv_heads = 2, .head_dim = 16, .ffn = 96, .vocab = 100};

/* The file of `tiny`, in memory that a test may change. */
static copy load_copy(void)
{
    test_model model;
    copy c;
    test_model_make(&model, &tiny);
    c.size = met_mapping_bytes(model.mapping);
    c.bytes = aligned_alloc(64, (c.size + 63) / 64 * 64);
    memcpy(c.bytes, met_mapping_data(model.mapping), c.size);
    test_model_free(&model);
    return c;
}

/* First byte after the `nth` appearance of a key or name. */
static unsigned char *after(copy c, const char *text, int nth)
{
    size_t length = strlen(text);
    for (size_t i = 0; i + length < c.size; i++) {
        if (memcmp(c.bytes + i, text, length) == 0 && nth-- == 0) return c.bytes + i + length;
    }
    fail_msg("%s is not in the file", text);
    return NULL;
}

static void expect_refused(copy c, met_status expected, const char *words)
{
    met_gguf *gguf = NULL;
    met_hyper hyper;
    met_program program;
    met_error err = {0};
    assert_ok(met_gguf_parse(c.bytes, c.size, "t.gguf", &gguf, &err));
    met_status status = met_model_bind(gguf, &hyper, &program, &err);
    if (status != expected || strstr(err.text, words) == NULL) {
        fail_msg("%s '%s' is not %s with '%s'", met_status_name(status), err.text,
                 met_status_name(expected), words);
    }
    assert_int_equal(program.op_count, 0);
    assert_null(program.ops);
    met_gguf_free(gguf);
    free(c.bytes);
}

/* llama.cpp's converter splits large models; only the first part has the metadata. */
static void one_part_of_a_split_model_is_refused_as_such(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_gguf *gguf = NULL;
    met_hyper hyper;
    met_program program;
    met_error err;
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "split.count", MET_GGUF_U16);
    met_buffer_add(&f, "\3\0", 2);
    assert_ok(met_gguf_parse(f.data, f.bytes, "m.gguf", &gguf, &err));
    assert_int_equal(met_model_bind(gguf, &hyper, &program, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key split.count is 3: this is one of 3 parts, expected "
                                  "a whole model; merge them first");
    met_gguf_free(gguf);
    met_buffer_free(&f);
}

static void patch_u32(copy c, const char *key, uint32_t value)
{
    memcpy(after(c, key, 0) + 4, &value, 4); /* behind the value's type */
}

static void sizes_come_from_the_metadata(void **state)
{
    (void)state;
    test_model model;
    test_model_make(&model, &tiny);
    assert_int_equal(model.hyper.layers, 2);
    assert_int_equal(model.hyper.heads, 4);
    assert_int_equal(model.hyper.kv_heads, 2);
    assert_int_equal(model.hyper.head_dim, 16);
    assert_int_equal(model.hyper.vocab, 100);
    assert_int_equal(model.hyper.feed_forward_length, 96);
    assert_int_equal(model.program.context_length, 1024);
    assert_true(model.hyper.norm_eps == 1e-6f);
    /* embed; per layer norm, qkv, 2 ropes, append, attention, o, norm, gate-up, down; two last
     * rows; norm, head. */
    assert_int_equal(model.program.op_count, 1 + 2 * 10 + 2 + 2);
    test_model_free(&model);
}

static void every_missing_tensor_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {
        "token_embd.weight",     "output_norm.weight",     "blk.0.attn_norm.weight",
        "blk.0.attn_q.weight",   "blk.0.attn_q.bias",      "blk.0.attn_k.weight",
        "blk.1.attn_k.bias",     "blk.1.attn_v.weight",    "blk.1.attn_v.bias",
        "blk.1.ffn_norm.weight", "blk.0.attn_output.weight", "blk.1.ffn_gate.weight",
        "blk.1.ffn_up.weight",   "blk.1.ffn_down.weight"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        copy c = load_copy();
        char words[128];
        after(c, names[i], 0)[-1] = 'X';
        snprintf(words, sizeof words, "tensor %s is missing", names[i]);
        expect_refused(c, MET_E_TENSOR, words);
    }
}

static void a_wrong_shape_is_shown_with_the_expected_one(void **state)
{
    (void)state;
    copy c = load_copy(); /* u32 dims, u64 shape[dims]: exchange rows and cols of ffn_up */
    uint64_t shape[2] = {96, 64};
    memcpy(after(c, "blk.1.ffn_up.weight", 0) + 4, shape, sizeof shape);
    expect_refused(c, MET_E_TENSOR,
                   "tensor blk.1.ffn_up.weight has shape [96, 64], expected [64, 96]");
    c = load_copy();
    patch_u32(c, "qwen2.feed_forward_length", 95);
    expect_refused(c, MET_E_TENSOR, "has shape [64, 96], expected [64, 95]");
    c = load_copy();
    patch_u32(c, "qwen2.block_count", 3);
    expect_refused(c, MET_E_TENSOR, "tensor blk.2.attn_norm.weight is missing");
}

static void a_vector_that_is_not_f32_is_refused(void **state)
{
    (void)state;
    copy c = load_copy();
    uint32_t f16 = 1;
    memcpy(after(c, "blk.0.attn_norm.weight", 0) + 4 + 8, &f16, 4);
    expect_refused(c, MET_E_TYPE, "tensor blk.0.attn_norm.weight has type F16, expected F32");
}

static void impossible_sizes_are_refused_by_key(void **state)
{
    (void)state;
    static const struct { const char *key; uint32_t value; const char *words; } cases[] = {
        {"qwen2.block_count", 0, "qwen2.block_count is 0, expected 1 to 4096"},
        {"qwen2.block_count", 0xffffffffu, "qwen2.block_count is 4294967295"},
        {"qwen2.embedding_length", 0, "qwen2.embedding_length is 0"},
        {"qwen2.attention.head_count_kv", 3, "qwen2.attention.head_count_kv is 3, expected a divisor"},
        {"qwen2.attention.head_count_kv", 0, "qwen2.attention.head_count_kv is 0"},
        {"qwen2.context_length", 0, "qwen2.context_length is 0"},
        {"qwen2.rope.freq_base", 0, "qwen2.rope.freq_base is 0"},
        {"qwen2.rope.freq_base", 0x7f800000, "qwen2.rope.freq_base is inf"},
        {"qwen2.attention.layer_norm_rms_epsilon", 0xffc00000, "layer_norm_rms_epsilon is"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        copy c = load_copy();
        patch_u32(c, cases[i].key, cases[i].value);
        expect_refused(c, MET_E_KEY, cases[i].words);
    }
    copy c = load_copy();
    patch_u32(c, "qwen2.attention.head_count", 6); /* 64 / 6 is no head_dim */
    expect_refused(c, MET_E_KEY, "head_dim");
}

static void a_missing_key_is_named(void **state)
{
    (void)state;
    static const char *const keys[] = {"qwen2.block_count", "qwen2.embedding_length",
                                       "qwen2.feed_forward_length", "qwen2.context_length",
                                       "qwen2.attention.head_count",
                                       "qwen2.attention.layer_norm_rms_epsilon",
                                       "general.architecture"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        copy c = load_copy();
        after(c, keys[i], 0)[-1] = 'X';
        expect_refused(c, MET_E_KEY, keys[i]);
    }
}

static void an_unknown_architecture_is_named(void **state)
{
    (void)state;
    copy c = load_copy();
    memcpy(after(c, "general.architecture", 0) + 4 + 8, "llama", 5);
    expect_refused(c, MET_E_ARCHITECTURE, "architecture \"llama\" is not known, expected \"qwen2\"");
}

static void an_own_output_matrix_is_used_when_there(void **state)
{
    (void)state;
    test_model model;
    test_shape untied = tiny;
    untied.untied = true;
    test_model_make(&model, &untied);
    const met_op *head = &model.program.ops[model.program.op_count - 1];
    assert_int_equal(head->out[0], model.program.logits);
    assert_memory_equal(model.program.weights[head->weight[0]].name.data, "output.weight", 13);
    test_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_come_from_the_metadata),
        cmocka_unit_test(every_missing_tensor_is_named),
        cmocka_unit_test(one_part_of_a_split_model_is_refused_as_such),
        cmocka_unit_test(a_wrong_shape_is_shown_with_the_expected_one),
        cmocka_unit_test(a_vector_that_is_not_f32_is_refused),
        cmocka_unit_test(impossible_sizes_are_refused_by_key),
        cmocka_unit_test(a_missing_key_is_named),
        cmocka_unit_test(an_unknown_architecture_is_named),
        cmocka_unit_test(an_own_output_matrix_is_used_when_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
