/* Typed reading: integers of every width, and errors that name the key, what was found and what was
 * expected. */
#include "gguf/forge.h"

static met_gguf *gguf;
static met_buffer file;

static int make_file(void **state)
{
    (void)state;
    met_buffer *f = &file;
    forge_header(f, 3, 0, 14);
    forge_key(f, "u8", MET_GGUF_U8);
    forge_u8(f, 200);
    forge_key(f, "i16", MET_GGUF_I16);
    met_buffer_add(f, "\xff\x7f", 2);
    forge_key(f, "negative", MET_GGUF_I32);
    forge_u32(f, 0xffffffffu);
    forge_key_u32(f, "u32", UINT32_MAX);
    forge_key(f, "u64", MET_GGUF_U64);
    forge_u64(f, UINT32_MAX);
    forge_key(f, "large", MET_GGUF_U64);
    forge_u64(f, (uint64_t)UINT32_MAX + 1);
    forge_key(f, "largest", MET_GGUF_U64);
    forge_u64(f, UINT64_MAX);
    forge_key(f, "i64", MET_GGUF_I64);
    forge_u64(f, 1ull << 40);
    float f32 = 1e-6f;
    double f64 = 1e6;
    forge_key(f, "f32", MET_GGUF_F32);
    met_buffer_add(f, &f32, 4);
    forge_key(f, "f64", MET_GGUF_F64);
    met_buffer_add(f, &f64, 8);
    forge_key(f, "yes", MET_GGUF_BOOL);
    forge_u8(f, 1);
    forge_key(f, "text", MET_GGUF_STRING);
    forge_str(f, "qwen2");
    forge_key(f, "words", MET_GGUF_ARRAY);
    forge_u32(f, MET_GGUF_STRING);
    forge_u64(f, 1);
    forge_str(f, "one");
    forge_key(f, "numbers", MET_GGUF_ARRAY);
    forge_u32(f, MET_GGUF_I32);
    forge_u64(f, 2);
    forge_u64(f, 0x0000000200000001u);
    met_error err;
    return met_gguf_parse(f->data, f->bytes, "m.gguf", &gguf, &err) == MET_OK ? 0 : -1;
}

static int free_file(void **state)
{
    (void)state;
    met_gguf_free(gguf);
    met_buffer_free(&file);
    return 0;
}

static void integers_of_any_type_are_read_when_they_fit(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        uint32_t value;
    } fits[] = {{"u8", 200}, {"i16", 32767}, {"u32", UINT32_MAX}, {"u64", UINT32_MAX}};
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
        met_error err;
        uint32_t value = 0;
        assert_ok(met_gguf_get_u32(gguf, fits[i].key, &value, &err));
        assert_int_equal(value, fits[i].value);
        value = 0;
        assert_ok(met_gguf_maybe_u32(gguf, fits[i].key, &value, &err));
        assert_int_equal(value, fits[i].value);
    }
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text;
    } wrong[] = {
        {"negative", "m.gguf: key negative is -1, expected 0 to 4294967295"},
        {"large", "m.gguf: key large is 4294967296, expected 0 to 4294967295"},
        {"largest", "m.gguf: key largest is 18446744073709551615, expected 0 to 4294967295"},
        {"i64", "m.gguf: key i64 is 1099511627776, expected 0 to 4294967295"},
        {"f32", "m.gguf: key f32 is of type f32, expected an integer"},
        {"yes", "m.gguf: key yes is of type bool, expected an integer"},
        {"text", "m.gguf: key text is of type string, expected an integer"},
        {"numbers", "m.gguf: key numbers is of type array of i32, expected an integer"},
        {"none", "m.gguf: key none is missing, expected an integer"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        met_error err;
        uint32_t value = 77;
        assert_int_equal(met_gguf_get_u32(gguf, wrong[i].key, &value, &err), MET_E_KEY);
        assert_int_equal(err.status, MET_E_KEY);
        assert_string_equal(err.text, wrong[i].text);
        assert_int_equal(value, 77);
    }
}

static void floats_are_f32_or_f64(void **state)
{
    (void)state;
    met_error err;
    double value = 0;
    assert_ok(met_gguf_get_f64(gguf, "f32", &value, &err));
    assert_true(value == 1e-6f);
    assert_ok(met_gguf_get_f64(gguf, "f64", &value, &err));
    assert_true(value == 1e6);
    assert_int_equal(met_gguf_get_f64(gguf, "u8", &value, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key u8 is of type u8, expected f32 or f64");
    assert_int_equal(met_gguf_get_f64(gguf, "none", &value, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key none is missing, expected f32 or f64");
    assert_true(value == 1e6);
}

static void strings_are_views(void **state)
{
    (void)state;
    met_error err;
    met_str text = {0};
    assert_ok(met_gguf_get_str(gguf, "text", &text, &err));
    assert_true(met_str_is(text, "qwen2"));
    assert_true(text.data > file.data && text.data < file.data + file.bytes);
    assert_int_equal(met_gguf_get_str(gguf, "words", &text, &err), MET_E_KEY);
    assert_string_equal(err.text,
                        "m.gguf: key words is of type array of string, expected a string");
    assert_int_equal(met_gguf_get_str(gguf, "none", &text, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key none is missing, expected a string");
}

static void arrays_have_one_element_type(void **state)
{
    (void)state;
    met_error err;
    met_gguf_array array = {0};
    assert_ok(met_gguf_get_array(gguf, "numbers", MET_GGUF_I32, &array, &err));
    assert_int_equal(array.count, 2);
    assert_int_equal(array.end - array.data, 8);
    const uint8_t *at = array.data;
    (void)met_gguf_next_element(&array, &at);
    met_gguf_key second = met_gguf_next_element(&array, &at);
    assert_int_equal(met_gguf_key_i64(&second), 2);
    assert_int_equal(met_gguf_get_array(gguf, "numbers", MET_GGUF_STRING, &array, &err), MET_E_KEY);
    assert_string_equal(err.text,
                        "m.gguf: key numbers is of type array of i32, expected array of string");
    assert_int_equal(met_gguf_get_array(gguf, "text", MET_GGUF_STRING, &array, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key text is of type string, expected array of string");
    assert_int_equal(met_gguf_get_array(gguf, "none", MET_GGUF_F64, &array, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key none is missing, expected array of f64");
}

static void absent_keys_keep_the_default_and_wrong_ones_do_not(void **state)
{
    (void)state;
    met_error err;
    uint32_t number = 5;
    double real = 0.5;
    met_str text = {"kept", 4};
    bool flag = true;
    assert_ok(met_gguf_maybe_u32(gguf, "none", &number, &err));
    assert_ok(met_gguf_maybe_f64(gguf, "none", &real, &err));
    assert_ok(met_gguf_maybe_str(gguf, "none", &text, &err));
    assert_ok(met_gguf_maybe_bool(gguf, "none", &flag, &err));
    assert_true(number == 5 && real == 0.5 && met_str_is(text, "kept") && flag);
    flag = false;
    assert_ok(met_gguf_maybe_bool(gguf, "yes", &flag, &err));
    assert_true(flag);
    assert_int_equal(met_gguf_maybe_u32(gguf, "text", &number, &err), MET_E_KEY);
    assert_int_equal(met_gguf_maybe_f64(gguf, "text", &real, &err), MET_E_KEY);
    assert_int_equal(met_gguf_maybe_str(gguf, "u8", &text, &err), MET_E_KEY);
    assert_int_equal(met_gguf_maybe_bool(gguf, "u8", &flag, &err), MET_E_KEY);
    assert_string_equal(err.text, "m.gguf: key u8 is of type u8, expected bool");
    assert_true(number == 5 && real == 0.5 && met_str_is(text, "kept") && flag);
    assert_int_equal(met_gguf_maybe_u32(gguf, "text", &number, NULL),
                     MET_E_KEY); /* no error wanted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_any_type_are_read_when_they_fit),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(floats_are_f32_or_f64),
        cmocka_unit_test(strings_are_views),
        cmocka_unit_test(arrays_have_one_element_type),
        cmocka_unit_test(absent_keys_keep_the_default_and_wrong_ones_do_not),
    };
    return cmocka_run_group_tests(tests, make_file, free_file);
}
