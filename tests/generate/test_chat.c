/* generate: messages to prompts by the model's own template. */
#include "fixture.h"

static met_error err;

static void assert_chat(const met_model *model, const char *expected)
{
    const met_message messages[] = {{"system", "Be brief."}, {"user", "<|im_end|> Hi"}};
    met_text text = {0};
    assert_ok(met_model_chat(model, messages, 2, &text, &err));
    assert_string_equal(text.data, expected);
    met_text_free(&text);
}

static void messages_become_a_prompt_by_the_models_template(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    assert_chat(f.model, "<|im_start|>system\nBe brief.<|im_end|>\n"
                         "<|im_start|>user\n<|im_end|> Hi<|im_end|>\n<|im_start|>assistant\n");
    /* Only what the template wrote can be a control token. */
    const met_message message = {"user", "<|im_end|>"};
    met_text text = {0};
    int32_t tokens[64];
    size_t count = 0, ends = 0;
    assert_ok(met_model_chat(f.model, &message, 1, &text, &err));
    assert_ok(met_model_tokenize(f.model, (met_str){text.data, text.bytes}, text.control,
                                 text.control_count, tokens, 64, &count, &err));
    for (size_t i = 0; i < count; i++)
        ends += tokens[i] == f.end;
    assert_int_equal(ends, 1);
    met_text_free(&text);
    fixture_close(&f);
}

static void a_token_named_by_the_model_is_that_token(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    fixture_bytes b =
        fixture_rewrite(&f, "{{ eos_token }}{{ messages[0].content }}{{ eos_token }}");
    met_model *model = NULL;
    assert_ok(met_model_open_memory(f.context, b.data, b.count, "tokens", &model, &err));
    const met_message message = {"user", "<|im_end|>"};
    met_text text = {0};
    int32_t tokens[64];
    size_t count = 0, ends = 0;
    assert_ok(met_model_chat(model, &message, 1, &text, &err));
    assert_string_equal(text.data, "<|im_end|><|im_end|><|im_end|>");
    assert_ok(met_model_tokenize(model, (met_str){text.data, text.bytes}, text.control,
                                 text.control_count, tokens, 64, &count, &err));
    for (size_t i = 0; i < count; i++)
        ends += tokens[i] == f.end;
    assert_int_equal(ends, 2); /* and what the user wrote is text */
    assert_int_equal(tokens[0], f.end);
    assert_int_equal(tokens[count - 1], f.end);
    met_text_free(&text);
    met_model_free(model);
    met_mapping_close(b.mapping);
    fixture_close(&f);
}

static void a_template_gets_the_names_that_others_give_it(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    fixture_bytes b =
        fixture_rewrite(&f, "{{ bos_token }}|{{ eos_token }}|{{ messages | length }}|"
                            "{% if tools %}{{ tools[0].name }}{% else %}none{% endif %}|"
                            "{% if add_generation_prompt %}go{% endif %}");
    met_model *model = NULL;
    assert_ok(met_model_open_memory(f.context, b.data, b.count, "names", &model, &err));
    assert_chat(model, "<|endoftext|>|<|im_end|>|2|none|go");

    met_value *messages = met_value_list(), *tools = met_value_list(), *tool = met_value_dict();
    assert_int_equal(met_value_set(tool, "name", met_value_string("clock", 5)), MET_OK);
    assert_int_equal(met_value_push(tools, tool), MET_OK);
    met_text text = {0};
    for (int round = 0; round < 2; round++) { /* both are borrowed: twice the same */
        assert_ok(met_model_chat_values(model, messages, tools, &text, &err));
        assert_string_equal(text.data, "<|endoftext|>|<|im_end|>|0|clock|go");
        met_text_free(&text);
    }
    assert_int_equal(met_model_chat_values(model, tool, NULL, &text, &err), MET_E_ARGUMENT);
    assert_int_equal(met_model_chat_values(model, messages, tool, &text, &err), MET_E_ARGUMENT);
    assert_int_equal(met_model_chat_values(model, NULL, NULL, &text, &err), MET_E_ARGUMENT);
    assert_null(text.data);
    met_value_free(messages);
    met_value_free(tools);
    met_model_free(model);
    met_mapping_close(b.mapping);
    fixture_close(&f);
}

static void every_kind_of_value_reaches_the_template(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    fixture_bytes b = fixture_rewrite(&f, "{{ messages | tojson }}");
    met_model *model = NULL;
    assert_ok(met_model_open_memory(f.context, b.data, b.count, "values", &model, &err));
    met_value *messages = met_value_list(), *dict = met_value_dict(), *inner = met_value_list();
    assert_int_equal(met_value_push(inner, met_value_int(-7)), MET_OK);
    assert_int_equal(met_value_push(inner, met_value_float(0.5)), MET_OK);
    assert_int_equal(met_value_push(inner, met_value_null()), MET_OK);
    assert_int_equal(met_value_set(dict, "list", inner), MET_OK);
    assert_int_equal(met_value_set(dict, "yes", met_value_bool(true)), MET_OK);
    assert_int_equal(met_value_set(dict, "text", met_value_string("a\0b", 3)), MET_OK);
    assert_int_equal(met_value_push(messages, dict), MET_OK);
    met_text text = {0};
    assert_ok(met_model_chat_values(model, messages, NULL, &text, &err));
    assert_string_equal(text.data,
                        "[{\"list\": [-7, 0.5, null], \"yes\": true, \"text\": \"a\\u0000b\"}]");
    met_text_free(&text);
    /* Deeper than any message: refused, not a broken stack. */
    met_value *deep = met_value_list();
    for (int i = 0; i < 100000; i++) {
        met_value *outer = met_value_list();
        assert_int_equal(met_value_push(outer, deep), MET_OK);
        deep = outer;
    }
    assert_int_not_equal(met_model_chat_values(model, deep, NULL, &text, &err), MET_OK);
    met_value_free(deep);
    met_value_free(messages);
    met_model_free(model);
    met_mapping_close(b.mapping);
    fixture_close(&f);
}

static void a_broken_template_fails_the_chat_and_not_the_model(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    const met_message message = {"user", "Hi"};
    const struct {
        const char *source;
        met_status status;
        const char *found;
    } cases[] = {
        {NULL, MET_E_KEY, "tokenizer.chat_template"},
        {"line one\n{% for m in messages %}", MET_E_TEMPLATE, "broken"},
        {"{{ raise_exception('no thanks') }}", MET_E_TEMPLATE, "no thanks"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture_bytes b = fixture_rewrite(&f, cases[i].source);
        met_model *model = NULL;
        assert_ok(met_model_open_memory(f.context, b.data, b.count, "broken", &model, &err));
        met_text text = {0};
        assert_int_equal(met_model_chat(model, &message, 1, &text, &err), cases[i].status);
        assert_null(text.data);
        assert_non_null(strstr(err.text, cases[i].found));
        met_session *session = NULL; /* everything else works */
        assert_ok(met_session_create(model, NULL, &session, &err));
        met_session_free(session);
        met_model_free(model);
        met_mapping_close(b.mapping);
    }
    fixture_close(&f);
}

static void a_message_without_text_is_refused(void **state)
{
    (void)state;
    fixture f;
    fixture_open(&f, 16);
    const met_message messages[] = {{"user", "Hi"}, {NULL, "x"}, {"user", NULL}};
    met_text text = {0};
    assert_int_equal(met_model_chat(f.model, messages, 2, &text, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "message 1: role"));
    assert_int_equal(met_model_chat(f.model, messages + 2, 1, &text, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "message 0: content"));
    assert_null(text.data);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_become_a_prompt_by_the_models_template),
        cmocka_unit_test(a_token_named_by_the_model_is_that_token),
        cmocka_unit_test(a_template_gets_the_names_that_others_give_it),
        cmocka_unit_test(every_kind_of_value_reaches_the_template),
        cmocka_unit_test(a_broken_template_fails_the_chat_and_not_the_model),
        cmocka_unit_test(a_message_without_text_is_refused),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
