/* Files that must be read: every type, alignment and version that is legal, and what the reader
 * does not touch. */
#include "gguf/forge.h"

#include "base/mapping.h"

static void parse(const met_buffer *f, met_gguf **gguf)
{
    met_error err;
    assert_ok(met_gguf_parse(f->data, f->bytes, "m.gguf", gguf, &err));
}

static void a_file_of_nothing_is_read(void **state)
{
    (void)state;
    for (uint32_t version = 2; version <= 3; version++) {
        met_buffer f = {0};
        met_gguf *gguf = NULL;
        forge_header(&f, version, 0, 0);
        parse(&f, &gguf);
        assert_int_equal(met_gguf_version(gguf), version);
        assert_int_equal(met_gguf_alignment(gguf), 32);
        assert_int_equal(met_gguf_key_count(gguf), 0);
        assert_int_equal(met_gguf_tensor_count(gguf), 0);
        assert_string_equal(met_gguf_name(gguf), "m.gguf");
        assert_null(met_gguf_find(gguf, "any"));
        assert_null(met_gguf_find_tensor(gguf, "any"));
        met_gguf_free(gguf);
        met_buffer_free(&f);
    }
    met_gguf_free(NULL);
}

/* One key of each scalar type. */
static void forge_scalars(met_buffer *f)
{
    forge_header(f, 3, 0, 12);
    forge_key(f, "u8", MET_GGUF_U8);
    met_buffer_add(f, "\xff", 1);
    forge_key(f, "i8", MET_GGUF_I8);
    met_buffer_add(f, "\x80", 1);
    forge_key(f, "u16", MET_GGUF_U16);
    met_buffer_add(f, "\xfe\xff", 2);
    forge_key(f, "i16", MET_GGUF_I16);
    met_buffer_add(f, "\xfe\xff", 2);
    forge_key_u32(f, "u32", 0xfffffffeu);
    forge_key(f, "i32", MET_GGUF_I32);
    forge_u32(f, 0xfffffffeu);
    forge_key(f, "u64", MET_GGUF_U64);
    forge_u64(f, UINT64_MAX);
    forge_key(f, "i64", MET_GGUF_I64);
    forge_u64(f, (uint64_t)INT64_MIN);
    float f32 = 0.1f;
    double f64 = 0.1;
    forge_key(f, "f32", MET_GGUF_F32);
    met_buffer_add(f, &f32, 4);
    forge_key(f, "f64", MET_GGUF_F64);
    met_buffer_add(f, &f64, 8);
    forge_key(f, "bool", MET_GGUF_BOOL);
    forge_u8(f, 1);
    forge_key(f, "string", MET_GGUF_STRING);
    forge_u64(f, 4);
    met_buffer_add(f, "a\0\xff ", 4); /* values may hold NUL and bytes that are not UTF-8 */
}

static void every_scalar_type_is_read(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_gguf *gguf = NULL;
    forge_scalars(&f);
    parse(&f, &gguf);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "u8")) == 255);
    assert_true(met_gguf_key_i64(met_gguf_find(gguf, "i8")) == -128);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "u16")) == 65534);
    assert_true(met_gguf_key_i64(met_gguf_find(gguf, "i16")) == -2);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "u32")) == 4294967294u);
    assert_true(met_gguf_key_i64(met_gguf_find(gguf, "i32")) == -2);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "u64")) == UINT64_MAX);
    assert_true(met_gguf_key_i64(met_gguf_find(gguf, "i64")) == INT64_MIN);
    assert_true(met_gguf_key_f64(met_gguf_find(gguf, "f32")) == 0.1f);
    assert_true(met_gguf_key_f64(met_gguf_find(gguf, "f64")) == 0.1);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "bool")) == 1);
    met_str text = met_gguf_key_str(met_gguf_find(gguf, "string"));
    assert_int_equal(text.bytes, 4);
    assert_memory_equal(text.data, "a\0\xff ", 4);
    assert_int_equal(met_gguf_key_str(met_gguf_find(gguf, "u32")).bytes, 0); /* not a string */
    for (uint64_t i = 0; i < met_gguf_key_count(gguf); i++) {
        const met_gguf_key *key = met_gguf_key_at(gguf, i);
        assert_true(met_str_is(key->name, met_gguf_type_name(key->type)));
    }
    met_gguf_free(gguf);
    met_buffer_free(&f);
}

static void nested_arrays_are_walked(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_gguf *gguf = NULL;
    forge_header(&f, 3, 0, 2);
    forge_key(&f, "nested", MET_GGUF_ARRAY); /* [[1, 2], ["a", ""], [[]], []] */
    forge_u32(&f, MET_GGUF_ARRAY);
    forge_u64(&f, 4);
    forge_u32(&f, MET_GGUF_U16);
    forge_u64(&f, 2);
    met_buffer_add(&f, "\1\0\2\0", 4);
    forge_u32(&f, MET_GGUF_STRING);
    forge_u64(&f, 2);
    forge_str(&f, "a");
    forge_str(&f, "");
    forge_u32(&f, MET_GGUF_ARRAY);
    forge_u64(&f, 1);
    forge_u32(&f, MET_GGUF_F64);
    forge_u64(&f, 0);
    forge_u32(&f, MET_GGUF_BOOL);
    forge_u64(&f, 0);
    forge_key_u32(&f, "after", 7);
    parse(&f, &gguf);
    const met_gguf_key *key = met_gguf_find(gguf, "nested");
    const uint8_t *at = key->array.data;
    assert_int_equal(key->array.count, 4);
    met_gguf_key numbers = met_gguf_next_element(&key->array, &at);
    const uint8_t *inner = numbers.array.data;
    assert_int_equal(numbers.array.count, 2);
    met_gguf_key number = met_gguf_next_element(&numbers.array, &inner);
    assert_int_equal(met_gguf_key_u64(&number), 1);
    number = met_gguf_next_element(&numbers.array, &inner);
    assert_int_equal(met_gguf_key_u64(&number), 2);
    assert_ptr_equal(inner, numbers.array.end);
    met_gguf_key texts = met_gguf_next_element(&key->array, &at);
    inner = texts.array.data;
    assert_true(met_str_is(met_gguf_next_string(&inner), "a"));
    assert_true(met_str_is(met_gguf_next_string(&inner), ""));
    assert_ptr_equal(inner, texts.array.end);
    met_gguf_key deeper = met_gguf_next_element(&key->array, &at);
    inner = deeper.array.data;
    assert_int_equal(met_gguf_next_element(&deeper.array, &inner).array.type, MET_GGUF_F64);
    met_gguf_key last = met_gguf_next_element(&key->array, &at);
    assert_int_equal(last.array.count, 0);
    assert_ptr_equal(at, key->array.end);
    assert_int_equal(met_gguf_key_u64(met_gguf_find(gguf, "after")), 7);
    met_gguf_free(gguf);
    met_buffer_free(&f);
}

static void arrays_may_nest_eight_deep(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_gguf *gguf = NULL;
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "deep", MET_GGUF_ARRAY);
    for (int i = 0; i < 7; i++) {
        forge_u32(&f, MET_GGUF_ARRAY);
        forge_u64(&f, 1);
    }
    forge_u32(&f, MET_GGUF_U8);
    forge_u64(&f, 1);
    forge_u8(&f, 9);
    parse(&f, &gguf);
    assert_int_equal(met_gguf_key_bytes(met_gguf_key_at(gguf, 0)), 8 * 12 + 1);
    met_gguf_free(gguf);
    met_buffer_free(&f);
}

/* Every power of two from 8 that a test can afford; the data begins at the next multiple. */
static void any_legal_alignment_is_read(void **state)
{
    (void)state;
    for (uint32_t alignment = 8; alignment <= 1u << 16; alignment *= 2) {
        met_buffer f = {0};
        met_gguf *gguf = NULL;
        const uint64_t shape[] = {3};
        forge_header(&f, 3, 2, 1);
        forge_key_u32(&f, "general.alignment", alignment);
        forge_tensor(&f, "a", 1, shape, 0, 0);
        forge_tensor(&f, "b", 1, shape, 0, alignment > 12 ? alignment : 16);
        forge_pad(&f, alignment);
        size_t data = f.bytes;
        forge_zeros(&f, alignment > 12 ? alignment : 16);
        forge_zeros(&f, 12);
        parse(&f, &gguf);
        assert_int_equal(met_gguf_alignment(gguf), alignment);
        assert_int_equal(met_gguf_data_offset(gguf), data);
        const met_gguf_tensor *b = met_gguf_find_tensor(gguf, "b");
        assert_int_equal(b->offset_bytes + b->bytes, f.bytes);
        assert_ptr_equal(b->data, f.data + b->offset_bytes);
        met_gguf_free(gguf);
        met_buffer_free(&f);
    }
}

static void tensors_may_lie_in_any_order_with_gaps(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_gguf *gguf = NULL;
    const uint64_t shape[] = {2, 3, 1, 2}; /* 48 bytes of F32, 24 of F16 */
    forge_header(&f, 3, 2, 0);
    forge_tensor(&f, "late", 4, shape, 0, 160);
    forge_tensor(&f, "early", 2, shape, 1, 32);
    forge_pad(&f, 32);
    forge_zeros(&f, 160 + 48);
    parse(&f, &gguf);
    const met_gguf_tensor *late = met_gguf_tensor_at(gguf, 0);
    const met_gguf_tensor *early = met_gguf_tensor_at(gguf, 1);
    assert_true(met_str_is(late->name, "late"));
    assert_int_equal(late->bytes, 48);
    assert_int_equal(early->bytes, 12);
    assert_int_equal(early->dims, 2);
    assert_true(early->shape[0] == 2 && early->shape[1] == 3);
    assert_true(early->shape[2] == 1 && early->shape[3] == 1);
    met_gguf_free(gguf);
    met_buffer_free(&f);
}

/* Sizes of one block, from ggml-common.h. */
static void every_tensor_type_of_ggml_has_its_size(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *name;
        uint64_t elements, bytes;
    } types[] = {
        {0, "F32", 1, 4},
        {1, "F16", 1, 2},
        {2, "Q4_0", 32, 2 + 16},
        {3, "Q4_1", 32, 4 + 16},
        {6, "Q5_0", 32, 2 + 4 + 16},
        {7, "Q5_1", 32, 4 + 4 + 16},
        {8, "Q8_0", 32, 2 + 32},
        {9, "Q8_1", 32, 4 + 32},
        {10, "Q2_K", 256, 4 + 16 + 64},
        {11, "Q3_K", 256, 2 + 64 + 32 + 12},
        {12, "Q4_K", 256, 4 + 128 + 12},
        {13, "Q5_K", 256, 4 + 128 + 32 + 12},
        {14, "Q6_K", 256, 2 + 128 + 64 + 16},
        {15, "Q8_K", 256, 4 + 256 + 32},
        {16, "IQ2_XXS", 256, 2 + 64},
        {17, "IQ2_XS", 256, 2 + 64 + 8},
        {18, "IQ3_XXS", 256, 2 + 64 + 32},
        {19, "IQ1_S", 256, 2 + 32 + 16},
        {20, "IQ4_NL", 32, 2 + 16},
        {21, "IQ3_S", 256, 2 + 64 + 32 + 8 + 4},
        {22, "IQ2_S", 256, 2 + 64 + 16},
        {23, "IQ4_XS", 256, 2 + 2 + 128 + 4},
        {24, "I8", 1, 1},
        {25, "I16", 1, 2},
        {26, "I32", 1, 4},
        {27, "I64", 1, 8},
        {28, "F64", 1, 8},
        {29, "IQ1_M", 256, 32 + 16 + 8},
        {30, "BF16", 1, 2},
        {34, "TQ1_0", 256, 2 + 4 + 48},
        {35, "TQ2_0", 256, 2 + 64},
        {39, "MXFP4", 32, 1 + 16},
        {40, "NVFP4", 64, 4 + 32},
        {41, "Q1_0", 128, 2 + 16},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        met_buffer f = {0};
        met_gguf *gguf = NULL;
        met_error err;
        met_dtype dtype;
        char text[160];
        const uint64_t shape[] = {types[i].elements, 3};
        forge_header(&f, 3, 1, 0);
        forge_tensor(&f, "w", 2, shape, types[i].type, 0);
        forge_pad(&f, 32);
        forge_zeros(&f, 3 * types[i].bytes);
        parse(&f, &gguf);
        const met_gguf_tensor *tensor = met_gguf_tensor_at(gguf, 0);
        assert_int_equal(tensor->bytes, 3 * types[i].bytes);
        assert_string_equal(met_gguf_tensor_type_name(tensor->ggml_type), types[i].name);
        met_status status = met_gguf_tensor_dtype(gguf, tensor, &dtype, &err);
        if (types[i].type == 0 || types[i].type == 1 || types[i].type == 8) {
            assert_int_equal(status, MET_OK);
            assert_string_equal(met_dtype_name(dtype), types[i].name);
        } else {
            assert_int_equal(status, MET_E_TYPE);
            snprintf(text, sizeof text,
                     "m.gguf: tensor w has type %s, which is not supported; expected F32, F16 or "
                     "Q8_0",
                     types[i].name);
            assert_string_equal(err.text, text);
        }
        met_gguf_free(gguf);
        met_buffer_free(&f);
    }
    for (uint32_t type = 42; type < 1000; type++)
        assert_null(met_gguf_tensor_type_name(type));
}

/* 3 GiB of tensor data that nobody may read: the pages are not accessible. */
static void tensor_data_is_not_touched(void **state)
{
    (void)state;
    const size_t data_bytes = (size_t)3 << 30;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    met_buffer f = {0};
    met_error err;
    met_gguf *gguf = NULL;
    const uint64_t shape[] = {1 << 15, 3 << 13};
    forge_header(&f, 3, 1, 1);
    forge_key_u32(&f, "general.alignment", (uint32_t)page);
    forge_tensor(&f, "large", 2, shape, 0, 0);
    assert_true(f.bytes < page);
    char *file = mmap(NULL, page + data_bytes, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (file == MAP_FAILED) {
        print_message("# needs 3 GiB of address space\n");
        met_buffer_free(&f);
        skip();
    }
    assert_int_equal(mprotect(file, page, PROT_READ | PROT_WRITE), 0);
    memcpy(file, f.data, f.bytes);
    assert_ok(met_gguf_parse(file, page + data_bytes, "large.gguf", &gguf, &err));
    assert_true(met_gguf_tensor_at(gguf, 0)->bytes == data_bytes);
    met_gguf_free(gguf);
    munmap(file, page + data_bytes);
    met_buffer_free(&f);
}

/* Names in an order that hurts a tree, a prefix of each other, and many: all are found. */
static void many_keys_are_found_by_name(void **state)
{
    (void)state;
    enum { KEYS = 20000 };
    met_buffer f = {0};
    met_gguf *gguf = NULL;
    char name[64];
    forge_header(&f, 3, 0, KEYS);
    for (uint32_t i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "key.%u", i);
        forge_key_u32(&f, name, i);
    }
    parse(&f, &gguf);
    for (uint32_t i = 0; i < KEYS; i++) {
        snprintf(name, sizeof name, "key.%u", i);
        const met_gguf_key *key = met_gguf_find(gguf, name);
        assert_non_null(key);
        assert_int_equal(met_gguf_key_u64(key), i);
    }
    assert_null(met_gguf_find(gguf, "key."));
    assert_null(met_gguf_find(gguf, "key.20000"));
    assert_null(met_gguf_find(gguf, ""));
    assert_null(met_gguf_find(gguf, "key.1 "));
    met_gguf_free(gguf);
    met_buffer_free(&f);
}

static void the_bundled_model_is_read(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    met_mapping *mapping = NULL;
    met_gguf *gguf = NULL;
    met_str architecture;
    test_source_path("models/bundled-q8_0.gguf", path, sizeof path);
    assert_ok(met_mapping_open(path, &mapping, &err));
    assert_ok(
        met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping), path, &gguf, &err));
    assert_ok(met_gguf_get_str(gguf, "general.architecture", &architecture, &err));
    assert_true(met_str_is(architecture, "qwen2"));
    assert_non_null(met_gguf_find_tensor(gguf, "token_embd.weight"));
    met_gguf_free(gguf);
    met_mapping_close(mapping);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_nothing_is_read),
        cmocka_unit_test(every_scalar_type_is_read),
        cmocka_unit_test(nested_arrays_are_walked),
        cmocka_unit_test(arrays_may_nest_eight_deep),
        cmocka_unit_test(any_legal_alignment_is_read),
        cmocka_unit_test(tensors_may_lie_in_any_order_with_gaps),
        cmocka_unit_test(every_tensor_type_of_ggml_has_its_size),
        cmocka_unit_test(tensor_data_is_not_touched),
        cmocka_unit_test(many_keys_are_found_by_name),
        cmocka_unit_test(the_bundled_model_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
