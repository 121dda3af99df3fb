/* Synthetic models: the exact shapes, the numbers, the vocabulary, and what goes wrong. */
#include "support/testing.h"

#include "base/half.h"
#include "base/mapping.h"
#include "base/text.h"
#include "model/synth.h"

#include <dirent.h>
#include <math.h>

/* A folder of this test's own; every file that a test makes lies in it. */
static char folder[] = "/tmp/metallic-synth-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int files_in_folder(void)
{
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    int count = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        count += entry->d_name[0] != '.';
    }
    closedir(listing);
    return count;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test left something behind */
}

typedef struct opened {
    char path[4096];
    met_mapping *mapping;
    met_gguf *gguf;
} opened;

static void open_model(opened *model, const char *path)
{
    met_error err;
    snprintf(model->path, sizeof model->path, "%s", path);
    assert_ok(met_mapping_open(path, &model->mapping, &err));
    assert_ok(met_gguf_parse(met_mapping_data(model->mapping), met_mapping_bytes(model->mapping),
                             path, &model->gguf, &err));
}

static void close_model(opened *model)
{
    met_gguf_free(model->gguf);
    met_mapping_close(model->mapping);
}

static void make_model(opened *model, const char *shape, const char *type, uint64_t seed,
                       const char *vocab_path)
{
    met_error err;
    char path[4096];
    snprintf(path, sizeof path, "%s/%s-%s-%d.gguf", folder, shape, type, (int)seed);
    met_synth_options options = {shape, type, seed, vocab_path};
    assert_ok(met_synth(&options, path, NULL, NULL, &err));
    open_model(model, path);
}

static void remove_model(opened *model)
{
    close_model(model);
    assert_int_equal(unlink(model->path), 0);
}

/* Parameter counts as the model cards and safetensors indices of Qwen2.5 on Hugging Face give
 * them. */
static void shapes_have_the_published_number_of_parameters(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint64_t parameters;
    } published[] = {
        {"qwen2.5-0.5b", 494032768},
        {"qwen2.5-1.5b", 1543714304},
        {"qwen2.5-3b", 3085938688},
        {"qwen2.5-7b", 7615616512},
    };
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const met_synth_shape *shape = met_synth_find_shape(published[i].name);
        assert_non_null(shape);
        assert_true(met_synth_parameters(shape) == published[i].parameters);
    }
    assert_null(met_synth_find_shape("qwen2.5-9b"));
}

static void check_tensor(const met_gguf *gguf, const char *name, uint32_t type, uint32_t dims,
                         uint64_t cols, uint64_t rows)
{
    const met_gguf_tensor *tensor = met_gguf_find_tensor(gguf, name);
    if (tensor == NULL) fail_msg("no tensor %s", name);
    assert_int_equal(tensor->ggml_type, type);
    assert_int_equal(tensor->dims, dims);
    assert_true(tensor->shape[0] == cols && tensor->shape[1] == rows);
    assert_int_equal((uintptr_t)tensor->data % 32, 0);
}

static void a_model_has_the_tensors_of_the_converter(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t ggml_type;
    } types[] = {{"f32", 0}, {"f16", 1}, {"q8_0", 8}};
    for (size_t t = 0; t < 3; t++) {
        opened model;
        uint32_t type = types[t].ggml_type;
        make_model(&model, "tiny", types[t].name, 1, NULL);
        assert_int_equal(met_gguf_tensor_count(model.gguf), 1 + 2 * 12 + 1);
        check_tensor(model.gguf, "token_embd.weight", type, 2, 64, 512);
        check_tensor(model.gguf, "output_norm.weight", 0, 1, 64, 1);
        for (int layer = 0; layer < 2; layer++) {
            char name[64];
            static const struct {
                const char *name;
                bool matrix;
                uint64_t cols, rows;
            } tensors[] = {
                {"attn_norm.weight", false, 64, 1}, {"attn_q.weight", true, 64, 64},
                {"attn_q.bias", false, 64, 1},      {"attn_k.weight", true, 64, 32},
                {"attn_k.bias", false, 32, 1},      {"attn_v.weight", true, 64, 32},
                {"attn_v.bias", false, 32, 1},      {"attn_output.weight", true, 64, 64},
                {"ffn_norm.weight", false, 64, 1},  {"ffn_gate.weight", true, 64, 160},
                {"ffn_up.weight", true, 64, 160},   {"ffn_down.weight", true, 160, 64},
            };
            for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++) {
                snprintf(name, sizeof name, "blk.%d.%s", layer, tensors[i].name);
                check_tensor(model.gguf, name, tensors[i].matrix ? type : 0,
                             tensors[i].matrix ? 2 : 1, tensors[i].cols, tensors[i].rows);
            }
        }
        assert_null(met_gguf_find_tensor(model.gguf, "output.weight")); /* tied */
        remove_model(&model);
    }
}

static void an_untied_shape_has_its_output_and_odd_heads_their_key(void **state)
{
    (void)state;
    const met_synth_shape odd = {"odd", 1, 96, 64, 3, 1, 16, 300, 64, false};
    met_error err;
    opened model;
    char path[4096];
    uint32_t key_length = 0;
    snprintf(path, sizeof path, "%s/odd.gguf", folder);
    assert_ok(met_synth_write(&odd, MET_DTYPE_F16, 5, NULL, path, NULL, NULL, &err));
    open_model(&model, path);
    check_tensor(model.gguf, "output.weight", 1, 2, 96, 300);
    check_tensor(model.gguf, "blk.0.attn_q.weight", 1, 2, 96, 48);
    check_tensor(model.gguf, "blk.0.attn_output.weight", 1, 2, 48, 96);
    assert_ok(met_gguf_get_u32(model.gguf, "qwen2.attention.key_length", &key_length, &err));
    assert_int_equal(key_length, 16);
    remove_model(&model);
}

static void rows_of_part_blocks_cannot_be_q8_0(void **state)
{
    (void)state;
    const met_synth_shape odd = {"odd", 1, 48, 64, 3, 1, 16, 300, 64, true};
    met_error err;
    char path[4096];
    snprintf(path, sizeof path, "%s/odd.gguf", folder);
    assert_int_equal(met_synth_write(&odd, MET_DTYPE_Q8_0, 5, NULL, path, NULL, NULL, &err),
                     MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "token_embd.weight: 2 dimensions, rows of 48 Q8_0"));
    assert_int_equal(files_in_folder(), 0);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    opened a, b, other;
    make_model(&a, "tiny", "q8_0", 3, NULL);
    make_model(&other, "tiny", "q8_0", 4, NULL);
    char kept[4200];
    snprintf(kept, sizeof kept, "%s.kept", a.path);
    assert_int_equal(rename(a.path, kept), 0);
    snprintf(a.path, sizeof a.path, "%s/tiny-q8_0-3.gguf.kept", folder);
    make_model(&b, "tiny", "q8_0", 3, NULL);
    size_t bytes = met_mapping_bytes(a.mapping);
    assert_int_equal(bytes, met_mapping_bytes(b.mapping));
    assert_int_equal(bytes, met_mapping_bytes(other.mapping));
    assert_memory_equal(met_mapping_data(a.mapping), met_mapping_data(b.mapping), bytes);
    assert_true(memcmp(met_mapping_data(a.mapping), met_mapping_data(other.mapping), bytes) != 0);
    remove_model(&a);
    remove_model(&b);
    remove_model(&other);
}

static void any_division_of_the_work_gives_the_same_numbers(void **state)
{
    (void)state;
    enum { COUNT = 32 * 37 };
    const met_synth_numbers numbers = {met_synth_key(9, 2), 0.0f, 0.25f};
    uint64_t seed = 77;
    for (int type = MET_DTYPE_F32; type <= MET_DTYPE_Q8_0; type++) {
        uint8_t whole[COUNT * 4], parts[COUNT * 4];
        met_synth_fill(&numbers, (met_dtype)type, 0, COUNT, whole);
        for (size_t at = 0; at < COUNT;) {
            size_t part = 32 * (1 + test_random(&seed) % 5);
            if (part > COUNT - at) part = COUNT - at;
            met_synth_fill(&numbers, (met_dtype)type, at, part,
                           parts + met_dtype_row_bytes((met_dtype)type, at));
            at += part;
        }
        assert_memory_equal(whole, parts, met_dtype_row_bytes((met_dtype)type, COUNT));
    }
}

/* Weights of each type are the F32 ones: F16 rounded to nearest, Q8_0 within half a step and what
 * the rounding of its scale to F16 (2^-11 of at most 127 steps) and of the product adds. */
static void types_hold_the_same_numbers_rounded(void **state)
{
    (void)state;
    enum { COUNT = 32 * 100 };
    const met_synth_numbers numbers = {met_synth_key(1, 1), 0.0f, 0.05f};
    static float f32[COUNT];
    static uint16_t f16[COUNT];
    static uint8_t q8[COUNT / 32 * 34];
    met_synth_fill(&numbers, MET_DTYPE_F32, 0, COUNT, f32);
    met_synth_fill(&numbers, MET_DTYPE_F16, 0, COUNT, f16);
    met_synth_fill(&numbers, MET_DTYPE_Q8_0, 0, COUNT, q8);
    for (size_t block = 0; block < COUNT / 32; block++) {
        const uint8_t *at = q8 + block * 34;
        uint16_t half;
        memcpy(&half, at, 2);
        float scale = met_half_to_float(half);
        int largest = 0;
        for (size_t i = 0; i < 32; i++) {
            float x = f32[block * 32 + i];
            int q = (int8_t)at[2 + i];
            assert_int_equal(f16[block * 32 + i], met_float_to_half(x));
            assert_true(fabsf(x - scale * (float)q) <= scale * (0.5f + 127 * 0x1p-11f + 0x1p-10f));
            if (abs(q) > largest) largest = abs(q);
        }
        assert_int_equal(largest, 127); /* the largest of a block fills the range */
    }
}

/* Mean and deviation of uniform numbers in [-a, a), within five standard errors: of the mean
 * a / sqrt(3 n), of the second moment a^2 * sqrt(4 / (45 n)). */
static void numbers_are_uniform(void **state)
{
    (void)state;
    enum { COUNT = 1 << 18 };
    const double a = 0.5, n = COUNT;
    const met_synth_numbers numbers = {met_synth_key(0, 0), 0.0f, 0.5f};
    float *x = malloc(COUNT * sizeof *x);
    assert_non_null(x);
    double sum = 0, squares = 0, neighbours = 0;
    met_synth_fill(&numbers, MET_DTYPE_F32, 0, COUNT, x);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(x[i] >= -0.5f && x[i] <= 0.5f);
        sum += x[i];
        squares += (double)x[i] * x[i];
        if (i > 0) neighbours += (double)x[i] * x[i - 1];
    }
    assert_true(fabs(sum / n) < 5 * a / sqrt(3 * n));
    assert_true(fabs(squares / n - a * a / 3) < 5 * a * a * sqrt(4 / (45 * n)));
    assert_true(fabs(neighbours / n) <
                5 * a * a / 3 / sqrt(n)); /* product of two: deviation a^2/3 */
    free(x);
}

/* Each merge joins two tokens that are there into token 256 + its rank; no text comes twice. */
static void the_vocabulary_is_a_valid_bpe(void **state)
{
    (void)state;
    opened model;
    met_error err;
    met_gguf_array tokens, merges, types;
    make_model(&model, "tiny", "f32", 2, NULL);
    assert_ok(
        met_gguf_get_array(model.gguf, "tokenizer.ggml.tokens", MET_GGUF_STRING, &tokens, &err));
    assert_ok(
        met_gguf_get_array(model.gguf, "tokenizer.ggml.merges", MET_GGUF_STRING, &merges, &err));
    assert_ok(
        met_gguf_get_array(model.gguf, "tokenizer.ggml.token_type", MET_GGUF_I32, &types, &err));
    assert_int_equal(tokens.count, 512);
    assert_int_equal(types.count, 512);
    assert_int_equal(merges.count, 512 - 256 - 3);
    met_str text[512];
    const uint8_t *at = tokens.data;
    for (size_t i = 0; i < 512; i++) {
        text[i] = met_gguf_next_string(&at);
        for (size_t j = 0; j < i; j++)
            assert_false(met_str_equal(text[i], text[j]));
        int32_t type;
        memcpy(&type, types.data + 4 * i, 4);
        assert_int_equal(type, i >= 509 ? 3 : 1);
    }
    at = merges.data;
    for (size_t i = 0; i < merges.count; i++) {
        met_str merge = met_gguf_next_string(&at);
        const char *space = memchr(merge.data, ' ', merge.bytes);
        assert_non_null(space);
        met_str left = {merge.data, (size_t)(space - merge.data)};
        met_str right = {space + 1, merge.bytes - left.bytes - 1};
        met_str joined = text[256 + i];
        int found = 0;
        for (size_t j = 0; j < 256 + i; j++) {
            found += met_str_equal(text[j], left);
            found += met_str_equal(text[j], right);
        }
        assert_int_equal(found, 2); /* both parts, each once */
        assert_int_equal(joined.bytes, left.bytes + right.bytes);
        assert_memory_equal(joined.data, left.data, left.bytes);
        assert_memory_equal(joined.data + left.bytes, right.data, right.bytes);
    }
    remove_model(&model);
}

/* The 256 letters of GPT-2's bytes_to_unicode, in its order: '!'..'~', U+00A1..U+00AC,
 * U+00AE..U+00FF, then the other 68 bytes as U+0100 and up. */
static void byte_tokens_are_those_of_gpt2(void **state)
{
    (void)state;
    opened model;
    met_error err;
    met_gguf_array tokens;
    make_model(&model, "tiny", "f32", 2, NULL);
    assert_ok(
        met_gguf_get_array(model.gguf, "tokenizer.ggml.tokens", MET_GGUF_STRING, &tokens, &err));
    const uint8_t *at = tokens.data;
    uint32_t other = 0x100;
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t byte = 0; byte < 256; byte++) {
            bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
            if (printable == (pass == 1)) continue;
            met_str token = met_gguf_next_string(&at);
            uint32_t code_point = 0;
            assert_int_equal(met_utf8_next(token.data, token.bytes, &code_point), token.bytes);
            assert_int_equal(code_point, printable ? byte : other++);
        }
    }
    remove_model(&model);
}

static void a_vocabulary_is_copied_from_another_file(void **state)
{
    (void)state;
    opened model, bundled;
    char path[4096];
    met_error err;
    test_source_path("models/bundled-q8_0.gguf", path, sizeof path);
    open_model(&bundled, path);
    met_gguf_array tokens;
    assert_ok(
        met_gguf_get_array(bundled.gguf, "tokenizer.ggml.tokens", MET_GGUF_STRING, &tokens, &err));
    const met_synth_shape roomy = {"roomy", 1, 32, 32, 2, 1, 16, (int32_t)tokens.count, 64, true};
    snprintf(path, sizeof path, "%s/roomy.gguf", folder);
    assert_ok(met_synth_write(&roomy, MET_DTYPE_Q8_0, 1, bundled.gguf, path, NULL, NULL, &err));
    open_model(&model, path);
    int copied = 0;
    for (uint64_t i = 0; i < met_gguf_key_count(bundled.gguf); i++) {
        const met_gguf_key *key = met_gguf_key_at(bundled.gguf, i);
        char name[96];
        snprintf(name, sizeof name, "%.*s", (int)key->name.bytes, key->name.data);
        if (strncmp(name, "tokenizer.", 10) != 0) continue;
        const met_gguf_key *copy = met_gguf_find(model.gguf, name);
        assert_non_null(copy);
        assert_int_equal(copy->type, key->type);
        assert_int_equal(met_gguf_key_bytes(copy), met_gguf_key_bytes(key));
        assert_memory_equal(copy->value, key->value, met_gguf_key_bytes(key));
        copied++;
    }
    assert_true(copied >= 5);
    remove_model(&model);

    /* One token more than the shape has rows. */
    met_synth_shape narrow = roomy;
    narrow.vocab--;
    assert_int_equal(
        met_synth_write(&narrow, MET_DTYPE_F32, 1, bundled.gguf, path, NULL, NULL, &err),
        MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "bundled-q8_0.gguf: key tokenizer.ggml.tokens has "));
    assert_non_null(strstr(err.text, "of shape roomy"));
    assert_int_equal(files_in_folder(), 0);
    close_model(&bundled);
}

static void unknown_shapes_and_types_are_refused_with_the_list(void **state)
{
    (void)state;
    met_error err;
    char path[4096];
    snprintf(path, sizeof path, "%s/never.gguf", folder);
    met_synth_options shape = {"huge", "f32", 0, NULL};
    assert_int_equal(met_synth(&shape, path, NULL, NULL, &err), MET_E_ARGUMENT);
    assert_string_equal(err.text, "shape \"huge\", expected one of tiny, qwen2.5-0.5b, "
                                  "qwen2.5-1.5b, qwen2.5-3b, qwen2.5-7b");
    met_synth_options type = {"tiny", "q4_k", 0, NULL};
    assert_int_equal(met_synth(&type, path, NULL, NULL, &err), MET_E_ARGUMENT);
    assert_string_equal(err.text, "type \"q4_k\", expected one of f32, f16, q8_0");
    met_synth_options none = {NULL, NULL, 0, NULL};
    assert_int_equal(met_synth(&none, path, NULL, NULL, &err), MET_E_ARGUMENT);
    met_synth_options vocab = {"tiny", "f32", 0, "/nonexistent/vocab.gguf"};
    assert_int_equal(met_synth(&vocab, path, NULL, NULL, &err), MET_E_IO);
    assert_non_null(strstr(err.text, "/nonexistent/vocab.gguf"));
    const met_synth_shape few = {"few", 1, 32, 32, 2, 1, 16, 258, 64, true};
    assert_int_equal(met_synth_write(&few, MET_DTYPE_F32, 0, NULL, path, NULL, NULL, &err),
                     MET_E_ARGUMENT);
    assert_string_equal(err.text, "a vocabulary of 258 tokens, expected at least 259");
    assert_int_equal(files_in_folder(), 0);
}

/* A normalised vector has entries of about 1 and the embedding's rows have a deviation of
 * 1 / sqrt(cols), so logits have a deviation of 1 whatever the layers do: estimated from 512 of
 * them within 1 / sqrt(2 * 512) = 0.03, and norms that differ from 1 by less than 0.1 add under
 * 0.01. 0.2 is five times both. */
static void check_run(met_context *context, const char *path)
{
    static const char prompt[] = "<|im_start|>user\nis the rain near <|im_end|>?";
    const met_span control = {0, strlen("<|im_start|>")};
    met_error err;
    met_model *model = NULL;
    met_session *session = NULL;
    int32_t tokens[256];
    size_t count = 0;
    const float *logits = NULL;
    assert_ok(met_model_open(context, path, &model, &err));
    assert_ok(met_model_tokenize(model, (met_str){prompt, sizeof prompt - 1}, &control, 1, tokens,
                                 256, &count, &err));
    assert_int_equal(tokens[0], 510); /* <|im_start|> within the range */
    for (size_t i = 1; i < count; i++)
        assert_true(tokens[i] < 509); /* what follows is only text */
    assert_true(met_model_is_end(model, 511));
    assert_ok(met_session_create(model, NULL, &session, &err));
    assert_ok(met_session_feed(session, tokens, (int32_t)count, &logits, &err));
    double squares = 0;
    for (int i = 0; i < 512; i++)
        squares += (double)logits[i] * logits[i];
    assert_true(fabs(sqrt(squares / 512) - 1) < 0.2);
    met_session_free(session);
    met_model_free(model);
}

static void a_synthetic_model_runs_with_sane_logits(void **state)
{
    (void)state;
    met_error err;
    met_context *context = NULL;
    assert_ok(met_context_create(NULL, &context, &err));
    static const char *const types[] = {"f32", "f16", "q8_0"};
    for (size_t t = 0; t < 3; t++) {
        opened model;
        make_model(&model, "tiny", types[t], 11, NULL);
        check_run(context, model.path);
        remove_model(&model);
    }
    met_context_free(context);
}

typedef struct seen {
    int32_t calls, done, total, stop_after;
} seen;

static bool watch(void *user, int32_t done, int32_t total)
{
    seen *s = user;
    s->calls++;
    assert_int_equal(done, s->calls);
    s->done = done;
    s->total = total;
    return done != s->stop_after;
}

static void progress_counts_tensors_and_may_stop(void **state)
{
    (void)state;
    met_error err;
    char path[4096];
    seen s = {0};
    met_synth_options options = {"tiny", "f16", 0, NULL};
    snprintf(path, sizeof path, "%s/watched.gguf", folder);
    assert_ok(met_synth(&options, path, watch, &s, &err));
    assert_int_equal(s.calls, 26);
    assert_int_equal(s.total, 26);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(unlink(path), 0);
    s = (seen){.stop_after = 4};
    assert_int_equal(met_synth(&options, path, watch, &s, &err), MET_E_IO);
    assert_string_equal(err.text, "stopped by the caller after tensor 4 of 26");
    assert_int_equal(s.calls, 4);
    assert_int_equal(files_in_folder(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_have_the_published_number_of_parameters),
        cmocka_unit_test(a_model_has_the_tensors_of_the_converter),
        cmocka_unit_test(an_untied_shape_has_its_output_and_odd_heads_their_key),
        cmocka_unit_test(rows_of_part_blocks_cannot_be_q8_0),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
        cmocka_unit_test(any_division_of_the_work_gives_the_same_numbers),
        cmocka_unit_test(types_hold_the_same_numbers_rounded),
        cmocka_unit_test(numbers_are_uniform),
        cmocka_unit_test(the_vocabulary_is_a_valid_bpe),
        cmocka_unit_test(byte_tokens_are_those_of_gpt2),
        cmocka_unit_test(a_vocabulary_is_copied_from_another_file),
        cmocka_unit_test(a_synthetic_model_runs_with_sane_logits),
        cmocka_unit_test(unknown_shapes_and_types_are_refused_with_the_list),
        cmocka_unit_test(progress_counts_tensors_and_may_stop),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
