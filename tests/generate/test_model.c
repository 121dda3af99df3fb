/* generate: contexts and models through the public interface. */
#include "fixture.h"

static met_error err;

/* ---------------------------------------------------------------- contexts */

static void a_context_says_what_it_took(void **state)
{
    (void)state;
    const char *const backends[] = {NULL, "auto", "cpu"};
    for (size_t i = 0; i < 3; i++) {
        met_context *context = NULL;
        met_context_options options = {.backend = backends[i], .isa = NULL, .threads = 2};
        assert_ok(met_context_create(&options, &context, &err));
        met_context_info info = met_context_describe(context);
        bool is_cpu = strcmp(info.backend, "cpu") == 0; /* auto may take a GPU */
        assert_true(is_cpu || i < 2);
        assert_true(strlen(info.isa) > 0 && strlen(info.choice) > 0);
        if (is_cpu) assert_int_equal(info.threads, 2);
        assert_string_equal(info.matmul, "native");
        met_context_free(context);
    }
    met_context *context = NULL;
    assert_ok(met_context_create(NULL, &context, &err));
    assert_in_range(met_context_describe(context).threads, 1, 256);
    met_context_free(context);
    met_context_free(NULL);
}

static void auto_says_why_a_machine_was_passed_over(void **state)
{
    (void)state;
    met_context *context = NULL;
    assert_ok(met_context_create(NULL, &context, &err));
    met_context_info info = met_context_describe(context);
    /* The Apple GPU is tried first: it is taken, or there is a reason. */
    assert_true(strcmp(info.backend, "metal") == 0 || strstr(info.choice, "; metal: ") != NULL);
    met_context_free(context);
    met_context_options named = {.backend = "cpu"};
    assert_ok(met_context_create(&named, &context, &err));
    assert_string_equal(met_context_describe(context).choice, "cpu: asked for by name");
    met_context_free(context);
}

/* Either it opens, or it fails: never another machine in its place. */
static void a_machine_asked_for_by_name_is_never_another(void **state)
{
    (void)state;
    met_context *context = NULL;
    met_context_options options = {.backend = "metal"};
    met_status status = met_context_create(&options, &context, &err);
    if (status == MET_OK) {
        assert_string_equal(met_context_describe(context).backend, "metal");
    } else {
        assert_int_equal(status, MET_E_DEVICE);
        assert_null(context);
        assert_non_null(strstr(err.text, "metal"));
    }
    met_context_free(context);
}

static void a_context_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    const struct {
        met_context_options options;
        met_status status;
        const char *found;
    } cases[] = {
        {{.backend = "tpu"}, MET_E_ARGUMENT, "tpu"}, {{.backend = ""}, MET_E_ARGUMENT, "backend"},
        {{.isa = "sse9"}, MET_E_ARGUMENT, "sse9"},   {{.threads = -1}, MET_E_ARGUMENT, "-1"},
        {{.threads = 257}, MET_E_ARGUMENT, "257"},   {{.matmul = "blas"}, MET_E_ARGUMENT, "blas"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        met_context *context = (met_context *)&err;
        assert_int_equal(met_context_create(&cases[i].options, &context, &err), cases[i].status);
        assert_null(context);
        assert_non_null(strstr(err.text, cases[i].found));
        assert_non_null(strstr(err.text, "expected"));
    }
}

/* ---------------------------------------------------------------- opening */

static void a_model_is_described(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    met_model_info info = met_model_describe(f.model);
    assert_true(met_str_is(info.architecture, "qwen2"));
    assert_true(met_str_is(info.weight_type, "F32"));
    assert_true(info.chat_template.bytes > 0);
    assert_int_equal(info.vocab, 512);
    assert_int_equal(info.context_length, 512);
    assert_int_equal(info.layers, 2);
    assert_int_equal(info.embedding_length, 64);
    assert_int_equal(info.feed_forward_length, 160);
    assert_int_equal(info.heads, 4);
    assert_int_equal(info.kv_heads, 2);
    assert_int_equal(info.head_dim, 16);
    /* Embedding and last norm; a layer: q, k, v with bias, output, gate, up, down, two norms. */
    uint64_t layer = 65 * 64 + 2 * 65 * 32 + 64 * 64 + 3 * 160 * 64 + 2 * 64;
    assert_int_equal(info.parameters, 512 * 64 + 64 + 2 * layer);
    assert_int_equal(info.weight_bytes, 4 * info.parameters);
    assert_true(info.file_bytes > info.weight_bytes);
    assert_true(info.open_seconds > 0 && info.open_seconds < 60);
    met_text listing = {0};
    assert_ok(met_model_program(f.model, &listing, &err));
    assert_non_null(strstr(listing.data, "attention"));
    met_text_free(&listing);
    fixture_close(&f);
    met_model_free(NULL);
}

static void what_is_no_model_is_refused_with_its_name(void **state)
{
    (void)state;
    fake_machine fake;
    met_context *context = NULL;
    fake_machine_init(&fake, 4);
    assert_ok(met_context_adopt(&fake.machine, "", &context, &err));
    met_model *model = (met_model *)&err;
    assert_int_equal(met_model_open(context, "/nowhere/a.gguf", &model, &err), MET_E_IO);
    assert_null(model);
    assert_non_null(strstr(err.text, "/nowhere/a.gguf"));
    assert_int_equal(met_model_open(context, "/tmp", &model, &err), MET_E_IO);
    _Alignas(64) static const char garbage[128] = "this is no GGUF file";
    assert_int_equal(met_model_open_memory(context, garbage, 128, "garbage", &model, &err),
                     MET_E_FORMAT);
    assert_non_null(strstr(err.text, "garbage"));
    assert_int_equal(met_model_open_memory(context, garbage + 1, 64, "crooked", &model, &err),
                     MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "crooked"));
    assert_int_equal(met_model_open_memory(context, NULL, 0, "nothing", &model, &err),
                     MET_E_ARGUMENT);
    assert_null(model);
    met_context_free(context);
    assert_int_equal(fake.closed, 1);
}

static void a_machine_that_cannot_load_is_reported(void **state)
{
    (void)state;
    fake_machine fake;
    met_context *context = NULL;
    fake_machine_init(&fake, 4);
    fake.fail_load = true;
    assert_ok(met_context_adopt(&fake.machine, "", &context, &err));
    met_model *model = (met_model *)&err;
    assert_int_equal(fixture_open_file(context, &model, &err), MET_E_MEMORY);
    assert_null(model);
    met_context_free(context);
}

static void a_model_in_memory_is_the_same_model(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    fixture_bytes b = fixture_rewrite(&f, "a template");
    met_model *model = NULL;
    assert_ok(met_model_open_memory(f.context, b.data, b.count, "copy", &model, &err));
    met_model_info file = met_model_describe(f.model), copy = met_model_describe(model);
    assert_int_equal(copy.parameters, file.parameters);
    assert_int_equal(copy.file_bytes, b.count);
    assert_true(met_str_is(copy.chat_template, "a template"));
    met_model_free(model);
    met_mapping_close(b.mapping);
    fixture_close(&f);
}

/* ---------------------------------------------------------------- tokens */

static void text_goes_to_tokens_and_back(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    const char *text = "<|im_start|>caf\u00e9 <|im_end|>";
    size_t length = strlen(text), count = 0, again = 0;
    met_span all = {0, length};
    int32_t tokens[64];
    met_text back = {0};
    /* Without control ranges the same spelling is plain text. */
    assert_ok(met_model_tokenize(f.model, met_str_of(text), NULL, 0, tokens, 64, &count, &err));
    assert_ok(met_model_detokenize(f.model, tokens, count, false, &back, &err));
    assert_string_equal(back.data, text);
    met_text_free(&back);
    for (size_t i = 0; i < count; i++)
        assert_false(met_model_is_end(f.model, tokens[i]));
    assert_ok(met_model_tokenize(f.model, met_str_of(text), &all, 1, tokens, 64, &again, &err));
    assert_true(again < count);
    assert_true(met_model_is_end(f.model, tokens[again - 1]));
    assert_int_equal(tokens[again - 1], f.end);
    assert_ok(met_model_detokenize(f.model, tokens, again, true, &back, &err));
    assert_string_equal(back.data, text);
    met_text_free(&back);
    assert_ok(met_model_detokenize(f.model, tokens, again, false, &back, &err));
    assert_string_equal(back.data, "caf\u00e9 ");
    met_text_free(&back);
    assert_ok(met_model_detokenize(f.model, NULL, 0, true, &back, &err));
    assert_int_equal(back.bytes, 0);
    assert_string_equal(back.data, "");
    met_text_free(&back);
    assert_int_equal(
        met_model_tokenize(f.model, met_str_of(text), NULL, 0, tokens, 2, &again, &err),
        MET_E_RANGE);
    assert_int_equal(again, count);
    fixture_close(&f);
}

static void an_id_outside_the_vocabulary_is_refused(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    const int32_t bad[] = {-1, 512, INT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        int32_t tokens[] = {1, 2, bad[i]};
        char found[16];
        met_text text = {0};
        snprintf(found, sizeof found, "%d", bad[i]);
        assert_int_equal(met_model_detokenize(f.model, tokens, 3, true, &text, &err), MET_E_RANGE);
        assert_null(text.data);
        assert_non_null(strstr(err.text, found));
        assert_non_null(strstr(err.text, "token 2 of 3"));
        assert_false(met_model_is_end(f.model, bad[i]));
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_says_what_it_took),
        cmocka_unit_test(auto_says_why_a_machine_was_passed_over),
        cmocka_unit_test(a_machine_asked_for_by_name_is_never_another),
        cmocka_unit_test(a_context_refuses_what_it_does_not_know),
        cmocka_unit_test(a_model_is_described),
        cmocka_unit_test(what_is_no_model_is_refused_with_its_name),
        cmocka_unit_test(a_machine_that_cannot_load_is_reported),
        cmocka_unit_test(a_model_in_memory_is_the_same_model),
        cmocka_unit_test(text_goes_to_tokens_and_back),
        cmocka_unit_test(an_id_outside_the_vocabulary_is_refused),
    };
    return cmocka_run_group_tests_name("model_api", tests, NULL, NULL);
}
