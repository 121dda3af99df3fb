/* met_file_*: a file as it is, with every type of value as a met_value. */
#include "gguf/forge.h"

static void forge_example(met_buffer *f)
{
    const uint64_t shape[] = {256, 3};
    forge_header(f, 3, 1, 8);
    forge_key_u32(f, "u32", 7);
    forge_key(f, "u64", MET_GGUF_U64);
    forge_u64(f, UINT64_MAX);
    forge_key(f, "i8", MET_GGUF_I8);
    forge_u8(f, 0xff);
    double f64 = 0.25;
    forge_key(f, "f64", MET_GGUF_F64);
    met_buffer_add(f, &f64, 8);
    forge_key(f, "bool", MET_GGUF_BOOL);
    forge_u8(f, 1);
    forge_key(f, "string", MET_GGUF_STRING);
    forge_u64(f, 3);
    met_buffer_add(f, "a\0b", 3);
    forge_key(f, "words", MET_GGUF_ARRAY);
    forge_u32(f, MET_GGUF_STRING);
    forge_u64(f, 3);
    forge_str(f, "one");
    forge_str(f, "two");
    forge_str(f, "three");
    forge_key(f, "nested", MET_GGUF_ARRAY);
    forge_u32(f, MET_GGUF_ARRAY);
    forge_u64(f, 2);
    forge_u32(f, MET_GGUF_U16);
    forge_u64(f, 3);
    met_buffer_add(f, "\1\0\2\0\3\0", 6);
    forge_u32(f, MET_GGUF_F32);
    forge_u64(f, 0);
    forge_tensor(f, "w", 2, shape, 12, 0); /* Q4_K: shown, though it cannot run */
    forge_pad(f, 32);
    forge_zeros(f, 3 * 144);
}

static void check_key(const met_file *file, uint64_t index, const char *name, const char *type,
                      uint64_t count)
{
    met_file_key key = met_file_key_at(file, index);
    assert_true(met_str_is(key.key, name));
    assert_true(met_str_is(key.type, type));
    assert_int_equal(key.count, count);
}

static void a_file_is_described(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_error err;
    met_file *file = NULL;
    forge_example(&f);
    assert_ok(met_file_open_memory(f.data, f.bytes, "m.gguf", &file, &err));
    met_file_info info = met_file_describe(file);
    assert_int_equal(info.version, 3);
    assert_int_equal(info.alignment_bytes, 32);
    assert_int_equal(info.file_bytes, f.bytes);
    assert_int_equal(info.data_offset_bytes, f.bytes - 3 * 144);
    assert_int_equal(info.keys, 8);
    assert_int_equal(info.tensors, 1);
    check_key(file, 0, "u32", "u32", 1);
    check_key(file, 1, "u64", "u64", 1);
    check_key(file, 5, "string", "string", 1);
    check_key(file, 6, "words", "array<string>", 3);
    check_key(file, 7, "nested", "array<array>", 2);
    met_file_tensor tensor = met_file_tensor_at(file, 0);
    assert_true(met_str_is(tensor.name, "w"));
    assert_true(met_str_is(tensor.type, "Q4_K"));
    assert_int_equal(tensor.dims, 2);
    assert_true(tensor.shape[0] == 256 && tensor.shape[1] == 3);
    assert_true(tensor.shape[2] == 1 && tensor.shape[3] == 1);
    assert_int_equal(tensor.offset_bytes, info.data_offset_bytes);
    assert_int_equal(tensor.bytes, 3 * 144);
    met_file_close(file);
    met_file_close(NULL);
    met_buffer_free(&f);
}

static void values_keep_their_kind(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_error err;
    met_file *file = NULL;
    forge_example(&f);
    assert_ok(met_file_open_memory(f.data, f.bytes, "m.gguf", &file, &err));
    met_value *value = met_file_value_at(file, 0, 0);
    assert_int_equal(met_value_get_kind(value), MET_VALUE_INT);
    assert_true(met_value_get_int(value) == 7);
    met_value_free(value);
    value = met_file_value_at(file, 1, 0);
    assert_int_equal(met_value_get_kind(value), MET_VALUE_UINT);
    assert_true(met_value_get_uint(value) == UINT64_MAX);
    met_value_free(value);
    value = met_file_value_at(file, 2, 0);
    assert_int_equal(met_value_get_kind(value), MET_VALUE_INT);
    assert_true(met_value_get_int(value) == -1);
    met_value_free(value);
    value = met_file_value_at(file, 3, 0);
    assert_int_equal(met_value_get_kind(value), MET_VALUE_FLOAT);
    assert_true(met_value_get_float(value) == 0.25);
    met_value_free(value);
    value = met_file_value_at(file, 4, 0);
    assert_int_equal(met_value_get_kind(value), MET_VALUE_BOOL);
    assert_true(met_value_get_bool(value));
    met_value_free(value);
    value = met_file_value_at(file, 5, 0);
    met_str text = met_value_get_string(value);
    assert_int_equal(text.bytes, 3);
    assert_memory_equal(text.data, "a\0b", 3);
    met_value_free(value);
    met_file_close(file);
    met_buffer_free(&f);
}

static void long_arrays_are_cut_at_every_level(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_error err;
    met_file *file = NULL;
    forge_example(&f);
    assert_ok(met_file_open_memory(f.data, f.bytes, "m.gguf", &file, &err));
    for (uint64_t most = 0; most <= 4; most++) {
        met_value *words = met_file_value_at(file, 6, most);
        assert_int_equal(met_value_get_kind(words), MET_VALUE_LIST);
        assert_int_equal(met_value_get_count(words), most < 3 ? most : 3);
        if (most >= 2) {
            met_str second = met_value_get_string(met_value_get_item(words, 1));
            assert_true(met_str_is(second, "two"));
        }
        met_value_free(words);
        met_value *nested = met_file_value_at(file, 7, most);
        assert_int_equal(met_value_get_count(nested), most < 2 ? most : 2);
        if (most >= 1) {
            const met_value *numbers = met_value_get_item(nested, 0);
            assert_int_equal(met_value_get_count(numbers), most < 3 ? most : 3);
            assert_true(met_value_get_int(met_value_get_item(numbers, 0)) == 1);
        }
        if (most >= 2) assert_int_equal(met_value_get_count(met_value_get_item(nested, 1)), 0);
        met_value_free(nested);
    }
    met_file_close(file);
    met_buffer_free(&f);
}

static void what_cannot_be_opened_is_named(void **state)
{
    (void)state;
    met_error err;
    met_file *file = (met_file *)(uintptr_t)1;
    assert_int_equal(met_file_open("/nonexistent.gguf", &file, &err), MET_E_IO);
    assert_string_equal(err.text, "/nonexistent.gguf: No such file or directory");
    assert_null(file);
    file = (met_file *)(uintptr_t)1;
    assert_int_equal(met_file_open_memory("GGUF", 4, "cut.gguf", &file, &err), MET_E_TRUNCATED);
    assert_memory_equal(err.text, "cut.gguf: ", 10);
    assert_null(file);
    assert_int_equal(met_file_open("/", &file, &err), MET_E_IO);
}

static void the_bundled_model_can_be_inspected(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    met_file *file = NULL;
    test_source_path("models/bundled-q8_0.gguf", path, sizeof path);
    assert_ok(met_file_open(path, &file, &err));
    met_file_info info = met_file_describe(file);
    uint64_t end = 0;
    for (uint64_t i = 0; i < info.keys; i++) {
        met_file_key key = met_file_key_at(file, i);
        met_value *value = met_file_value_at(file, i, UINT64_MAX);
        assert_non_null(value);
        if (met_value_get_kind(value) == MET_VALUE_LIST) {
            assert_int_equal(met_value_get_count(value), key.count);
        }
        met_value_free(value);
    }
    for (uint64_t i = 0; i < info.tensors; i++) {
        met_file_tensor tensor = met_file_tensor_at(file, i);
        if (tensor.offset_bytes + tensor.bytes > end) end = tensor.offset_bytes + tensor.bytes;
    }
    assert_true(end <= info.file_bytes && info.file_bytes - end < info.alignment_bytes);
    met_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_described),
        cmocka_unit_test(values_keep_their_kind),
        cmocka_unit_test(long_arrays_are_cut_at_every_level),
        cmocka_unit_test(what_cannot_be_opened_is_named),
        cmocka_unit_test(the_bundled_model_can_be_inspected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
