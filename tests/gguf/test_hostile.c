/* Files that must be refused: each is made byte by byte, and the text must name the subject, what
 * was found and what was expected. Every file is read from memory that ends at an unreadable page,
 * so that one byte too many ends the test. */
#include "gguf/forge.h"

static void header_is_checked(void **state)
{
    (void)state;
    met_buffer f = {0};
    met_error err;
    assert_int_equal(forge_parse_part(&f, 0, &err), MET_E_TRUNCATED);
    assert_string_equal(err.text, "m.gguf: 0 bytes, expected a GGUF file");

    met_buffer_add(&f, "GGUF", 4);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: has a version of 4 bytes at byte 4, but the file ends at byte 4");
    met_buffer_add(&f, "GGML\3\0\0\0", 8);
    forge_zeros(&f, 16);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: not a GGUF file: it begins with \"GGML\", expected \"GGUF\"");
    met_buffer_add(&f, "\x80\2", 2);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: not a GGUF file: it begins with \"??\", expected \"GGUF\"");
}

static void versions_other_than_2_and_3_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 1, 0, 0);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: GGUF version 1 is not supported, expected 2 or 3: convert the model "
                  "again");
    forge_header(&f, 0, 0, 0);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: GGUF version 0, expected 2 or 3");
    forge_header(&f, 4, 0, 0);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: GGUF version 4, expected 2 or 3");
    forge_header(&f, 0x03000000, 0, 0);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: big-endian GGUF file, expected little-endian");
}

static void counts_beyond_the_file_are_refused_before_anything_is_allocated(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, UINT64_MAX);
    forge_zeros(&f, 50);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: announces 18446744073709551615 keys of at least 14 bytes each, but 50 "
                  "bytes are left in the file");
    forge_header(&f, 3, UINT64_MAX / 32, 0);
    forge_zeros(&f, 50);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: announces 576460752303423487 tensors of at least 33 bytes each, but 50 "
                  "bytes are left in the file");
    forge_header(&f, 3, 0, 2);
    forge_zeros(&f, 27); /* one byte less than two keys */
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: announces 2 keys of at least 14 bytes each, but 27 bytes are left in "
                  "the file");
}

static void bad_key_names_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_u64(&f, UINT64_MAX);
    forge_zeros(&f, 20);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: key number 0 has a name of 18446744073709551615 bytes at byte 32, but "
                  "the file ends at byte 52");
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "", MET_GGUF_U32);
    forge_u32(&f, 7);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: key number 0 has a name of 0 bytes, expected 1 to 65535");
    forge_header(&f, 3, 0, 1);
    forge_u64(&f, 65536);
    for (int i = 0; i < 65536; i++)
        forge_u8(&f, 'a');
    forge_u32(&f, MET_GGUF_U8);
    forge_u8(&f, 1);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: key number 0 has a name of 65536 bytes, expected 1 to 65535");
    forge_header(&f, 3, 0, 1);
    forge_u64(&f, 3);
    met_buffer_add(&f, "a\0b", 3);
    forge_u32(&f, MET_GGUF_U8);
    forge_u8(&f, 1);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: key number 0 has a NUL in its name, expected text");
    forge_header(&f, 3, 0, 2);
    forge_key_u32(&f, "fine", 1);
    forge_key(&f, "ab\xc3(", MET_GGUF_U8);
    forge_u8(&f, 1);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: key number 1 has byte 0xc3 at position 2 of its name, expected UTF-8");
}

static void unknown_metadata_types_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "odd", 13);
    forge_u64(&f, 0);
    forge_refused(&f, MET_E_TYPE,
                  "m.gguf: key odd has metadata type 13, expected 0 (u8) to 12 (f64)");
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "odd", MET_GGUF_ARRAY);
    forge_u32(&f, 0xffffffffu);
    forge_u64(&f, 0);
    forge_refused(&f, MET_E_TYPE,
                  "m.gguf: key odd has metadata type 4294967295, expected 0 (u8) to 12 (f64)");
}

static void strings_longer_than_the_file_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "long", MET_GGUF_STRING);
    forge_u64(&f, 9);
    met_buffer_add(&f, "12345678", 8);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: key long has a string of 9 bytes at byte 48, but the file ends at byte "
                  "56");
    /* A length that wraps the address of its end. */
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "list", MET_GGUF_ARRAY);
    forge_u32(&f, MET_GGUF_STRING);
    forge_u64(&f, 2);
    forge_str(&f, "ab");
    forge_u64(&f, UINT64_MAX - 3);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: key list has string 1 of 2 with 18446744073709551612 bytes at byte 62, "
                  "but the file ends at byte 70");
}

static void arrays_longer_than_the_file_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "list", MET_GGUF_ARRAY);
    forge_u32(&f, MET_GGUF_F64);
    forge_u64(&f, UINT64_MAX / 8 + 2); /* times 8: wraps to 8 */
    forge_zeros(&f, 16);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: key list announces 2305843009213693953 array elements of at least 8 "
                  "bytes each, but 16 bytes are left in the file");
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "list", MET_GGUF_ARRAY);
    forge_u32(&f, MET_GGUF_ARRAY);
    forge_u64(&f, 2);
    forge_u32(&f, MET_GGUF_U8);
    forge_u64(&f, 12);
    forge_zeros(&f, 12);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: key list has a type of 4 bytes at byte 76, but the file ends at byte "
                  "76");
}

static void arrays_nested_too_deep_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "deep", MET_GGUF_ARRAY);
    for (int i = 0; i < 100000; i++) {
        forge_u32(&f, MET_GGUF_ARRAY);
        forge_u64(&f, 1);
    }
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: key deep nests arrays deeper than 8, expected at most 8");
}

static void bools_other_than_0_and_1_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "flag", MET_GGUF_BOOL);
    forge_u8(&f, 2);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: key flag has a bool of value 2, expected 0 or 1");
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "flags", MET_GGUF_ARRAY);
    forge_u32(&f, MET_GGUF_BOOL);
    forge_u64(&f, 3);
    met_buffer_add(&f, "\0\1\xff", 3);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: key flags has a bool of value 255, expected 0 or 1");
}

static void keys_that_come_twice_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 3);
    forge_key_u32(&f, "b", 1);
    forge_key_u32(&f, "a", 1);
    forge_key_u32(&f, "b", 1);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: key b is there twice, expected once");
}

static void forge_alignment(met_buffer *f, uint32_t alignment)
{
    forge_header(f, 3, 0, 1);
    forge_key_u32(f, "general.alignment", alignment);
}

static void bad_alignments_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_alignment(&f, 0);
    forge_refused(&f, MET_E_KEY,
                  "m.gguf: key general.alignment is 0, expected a power of two of at least 8");
    forge_alignment(&f, 48);
    forge_refused(&f, MET_E_KEY,
                  "m.gguf: key general.alignment is 48, expected a power of two of at least 8");
    forge_alignment(&f, 4);
    forge_refused(&f, MET_E_KEY,
                  "m.gguf: key general.alignment is 4, expected a power of two of at least 8");
    forge_alignment(&f, 0xffffffffu);
    forge_refused(&f, MET_E_KEY,
                  "m.gguf: key general.alignment is 4294967295, expected a power of two of at "
                  "least 8");
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "general.alignment", MET_GGUF_U64);
    forge_u64(&f, 32);
    forge_refused(&f, MET_E_KEY, "m.gguf: key general.alignment is of type u64, expected u32");
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "general.alignment", MET_GGUF_STRING);
    forge_str(&f, "32");
    forge_refused(&f, MET_E_KEY, "m.gguf: key general.alignment is of type string, expected u32");
}

/* A file of one tensor with `bytes` bytes of data. */
static void forge_one(met_buffer *f, uint32_t dims, const uint64_t *shape, uint32_t type,
                      uint64_t offset, size_t bytes)
{
    forge_header(f, 3, 1, 0);
    forge_tensor(f, "w", dims, shape, type, offset);
    forge_pad(f, 32);
    forge_zeros(f, bytes);
}

static void impossible_shapes_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_one(&f, 0, NULL, 0, 0, 64);
    forge_refused(&f, MET_E_TENSOR, "m.gguf: tensor w has 0 dimensions, expected 1 to 4");
    const uint64_t five[] = {1, 1, 1, 1, 1};
    forge_one(&f, 5, five, 0, 0, 64);
    forge_refused(&f, MET_E_TENSOR, "m.gguf: tensor w has 5 dimensions, expected 1 to 4");
    forge_header(&f, 3, 1, 0);
    forge_str(&f, "w");
    forge_u32(&f, 0xffffffffu);
    forge_zeros(&f, 64);
    forge_refused(&f, MET_E_TENSOR, "m.gguf: tensor w has 4294967295 dimensions, expected 1 to 4");
    const uint64_t zero[] = {8, 0, 2};
    forge_one(&f, 3, zero, 0, 0, 64);
    forge_refused(&f, MET_E_TENSOR,
                  "m.gguf: tensor w has dimension 1 of size 0, expected at least 1");
    const uint64_t wraps[] = {1u << 31, 1u << 31, 4, 1}; /* 2^64 */
    forge_one(&f, 4, wraps, 0, 0, 64);
    forge_refused(&f, MET_E_TENSOR,
                  "m.gguf: tensor w has dimensions whose product is above 9223372036854775807: "
                  "dimension 2 is 4");
    const uint64_t most[] = {1ull << 62}; /* elements fit, bytes do not */
    forge_one(&f, 1, most, 0, 0, 64);
    forge_refused(&f, MET_E_TENSOR,
                  "m.gguf: tensor w has 4611686018427387904 elements of F32, more bytes than "
                  "9223372036854775807");
}

static void rows_of_part_blocks_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    const uint64_t shape[] = {48, 2}; /* 96 elements: whole blocks, but not whole rows */
    forge_one(&f, 2, shape, 8, 0, 102);
    forge_refused(&f, MET_E_TENSOR,
                  "m.gguf: tensor w has rows of 48 elements, expected a multiple of 32 for type "
                  "Q8_0");
    const uint64_t k[] = {128};
    forge_one(&f, 1, k, 12, 0, 144);
    forge_refused(&f, MET_E_TENSOR,
                  "m.gguf: tensor w has rows of 128 elements, expected a multiple of 256 for type "
                  "Q4_K");
}

static void unknown_tensor_types_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    const uint64_t shape[] = {32};
    const uint32_t unknown[] = {4, 5, 31, 32, 33, 36, 37, 38, 43, 0xffffffffu};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "m.gguf: tensor w has type number %u, expected a type of ggml",
                 unknown[i]);
        forge_one(&f, 1, shape, unknown[i], 0, 128);
        forge_refused(&f, MET_E_TYPE, text);
    }
}

static void offsets_outside_the_file_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    const uint64_t shape[] = {16}; /* 64 bytes; the data begins at byte 64 */
    forge_one(&f, 1, shape, 0, 8, 128);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: tensor w has offset 8, expected a multiple of the alignment 32");
    forge_one(&f, 1, shape, 0, 0, 63);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: tensor w ends at byte 128, but the file ends at byte 127");
    forge_one(&f, 1, shape, 0, 32, 64);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: tensor w ends at byte 160, but the file ends at byte 128");
    forge_one(&f, 1, shape, 0, UINT64_MAX - 31, 64); /* its end wraps */
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: tensor w has offset 18446744073709551584 and 64 bytes, but the file "
                  "ends at byte 128");
    forge_one(&f, 1, shape, 0, UINT64_MAX - 127, 64); /* inside 64 bits until the bytes are added */
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: tensor w has offset 18446744073709551488 and 64 bytes, but the file "
                  "ends at byte 128");
    /* No padding and no data at all: the data would begin after the end. */
    forge_header(&f, 3, 1, 0);
    forge_tensor(&f, "w", 1, shape, 0, 0);
    forge_refused(&f, MET_E_TRUNCATED,
                  "m.gguf: tensor w ends at byte 128, but the file ends at byte 57");
}

static void overlapping_tensors_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    const uint64_t shape[] = {16}; /* 64 bytes */
    forge_header(&f, 3, 3, 0);
    forge_tensor(&f, "late", 1, shape, 0, 96);
    forge_tensor(&f, "first", 1, shape, 0, 0);
    forge_tensor(&f, "middle", 1, shape, 0, 64); /* ends at 128, in "late" */
    forge_pad(&f, 32);
    size_t data = f.bytes;
    forge_zeros(&f, 160);
    char text[160];
    snprintf(text, sizeof text,
             "m.gguf: tensor late begins at byte %zu inside tensor middle, which ends at byte %zu",
             data + 96, data + 128);
    forge_refused(&f, MET_E_FORMAT, text);
    /* The same place twice. */
    forge_header(&f, 3, 2, 0);
    forge_tensor(&f, "a", 1, shape, 0, 0);
    forge_tensor(&f, "b", 1, shape, 0, 0);
    forge_pad(&f, 32);
    forge_zeros(&f, 64);
    met_error err;
    assert_int_equal(forge_parse_part(&f, f.bytes, &err), MET_E_FORMAT);
    assert_non_null(strstr(err.text, "inside tensor"));
    met_buffer_free(&f);
}

static void tensors_that_come_twice_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    const uint64_t shape[] = {8};
    forge_header(&f, 3, 2, 0);
    forge_tensor(&f, "w", 1, shape, 0, 0);
    forge_tensor(&f, "w", 1, shape, 0, 32);
    forge_pad(&f, 32);
    forge_zeros(&f, 64);
    forge_refused(&f, MET_E_FORMAT, "m.gguf: tensor w is there twice, expected once");
}

static void bad_tensor_names_are_refused(void **state)
{
    (void)state;
    met_buffer f = {0};
    const uint64_t shape[] = {8};
    forge_header(&f, 3, 1, 0);
    forge_tensor(&f, "", 1, shape, 0, 0);
    forge_zeros(&f, 128);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: tensor number 0 has a name of 0 bytes, expected 1 to 65535");
    forge_header(&f, 3, 1, 0);
    forge_tensor(&f, "\xff", 1, shape, 0, 0);
    forge_zeros(&f, 128);
    forge_refused(&f, MET_E_FORMAT,
                  "m.gguf: tensor number 0 has byte 0xff at position 0 of its name, expected "
                  "UTF-8");
}

static void control_characters_in_names_do_not_reach_the_terminal(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 0, 1);
    forge_key(&f, "a\x1b[2Jb\n", 99);
    forge_zeros(&f, 8);
    forge_refused(&f, MET_E_TYPE,
                  "m.gguf: key a?[2Jb? has metadata type 99, expected 0 (u8) to 12 (f64)");
}

/* Every type of metadata and two tensors; every cut before the last byte of tensor data must be
 * MET_E_TRUNCATED, and only that. */
static void truncation_at_any_byte_is_an_error(void **state)
{
    (void)state;
    met_buffer f = {0};
    forge_header(&f, 3, 2, 14);
    for (uint32_t type = MET_GGUF_U8; type <= MET_GGUF_F64; type++) {
        static const size_t bytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
        char name[16];
        snprintf(name, sizeof name, "key.%u", type);
        forge_key(&f, name, type);
        forge_zeros(&f, bytes[type]);
        if (type == MET_GGUF_STRING) forge_str(&f, "some text");
        if (type == MET_GGUF_ARRAY) {
            forge_u32(&f, MET_GGUF_STRING);
            forge_u64(&f, 2);
            forge_str(&f, "one");
            forge_str(&f, "");
        }
    }
    forge_key(&f, "nested", MET_GGUF_ARRAY);
    forge_u32(&f, MET_GGUF_ARRAY);
    forge_u64(&f, 2);
    forge_u32(&f, MET_GGUF_U16);
    forge_u64(&f, 1);
    forge_zeros(&f, 2);
    forge_u32(&f, MET_GGUF_BOOL);
    forge_u64(&f, 3);
    forge_zeros(&f, 3);
    const uint64_t shape[] = {32, 2};
    forge_tensor(&f, "blk.0.attn_q.weight", 2, shape, 8, 0);     /* 68 bytes */
    forge_tensor(&f, "blk.0.attn_norm.weight", 1, shape, 0, 96); /* 128 bytes */
    forge_pad(&f, 32);
    forge_zeros(&f, 96 + 128);
    met_error err;
    assert_ok(forge_parse_part(&f, f.bytes, &err));
    for (size_t bytes = 0; bytes < f.bytes; bytes++) {
        met_status status = forge_parse_part(&f, bytes, &err);
        if (status != MET_E_TRUNCATED) {
            fail_msg("%zu of %zu bytes: %s %s", bytes, f.bytes, met_status_name(status), err.text);
        }
    }
    met_buffer_free(&f);
}

/* Look at everything that an accepted file promises. */
static void walk(const met_file *file)
{
    met_file_info info = met_file_describe(file);
    for (uint64_t i = 0; i < info.keys; i++) {
        met_value *value = met_file_value_at(file, i, UINT64_MAX);
        assert_non_null(value);
        met_value_free(value);
    }
    for (uint64_t i = 0; i < info.tensors; i++) {
        met_file_tensor tensor = met_file_tensor_at(file, i);
        assert_true(tensor.offset_bytes + tensor.bytes <= info.file_bytes);
    }
}

/* A byte changed anywhere in the header of a real model gives a file that can be walked, or is
 * refused with a text; never a crash. Most bytes are letters of tokens, so both happen often. */
static void changed_bytes_never_crash(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    met_file *file = NULL;
    test_source_path("models/bundled-q8_0.gguf", path, sizeof path);
    assert_ok(met_file_open(path, &file, &err));
    met_file_info info = met_file_describe(file);
    met_file_close(file);
    size_t bytes = (size_t)info.file_bytes;
    unsigned char *data = test_guarded(bytes);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    assert_int_equal(fread(data, 1, bytes, stream), bytes);
    fclose(stream);
    uint64_t seed = 20240607;
    int refused = 0, accepted = 0;
    for (int round = 0; round < 4000; round++) {
        /* Half of the changes near the beginning and the end, where the structure is. */
        size_t span = round % 2 == 0 ? (size_t)info.data_offset_bytes : 2048;
        size_t at = test_random(&seed) % span;
        if (round % 4 == 1) at = (size_t)info.data_offset_bytes - 1 - at;
        unsigned char kept = data[at];
        data[at] = (unsigned char)test_random(&seed);
        memset(&err, 0, sizeof err);
        if (met_file_open_memory(data, bytes, "m.gguf", &file, &err) == MET_OK) {
            walk(file);
            met_file_close(file);
            accepted++;
        } else {
            assert_memory_equal(err.text, "m.gguf: ", 8);
            refused++;
        }
        data[at] = kept;
    }
    assert_true(refused > 400 && accepted > 400);
    test_guarded_free(data, bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_checked),
        cmocka_unit_test(versions_other_than_2_and_3_are_refused),
        cmocka_unit_test(counts_beyond_the_file_are_refused_before_anything_is_allocated),
        cmocka_unit_test(bad_key_names_are_refused),
        cmocka_unit_test(unknown_metadata_types_are_refused),
        cmocka_unit_test(strings_longer_than_the_file_are_refused),
        cmocka_unit_test(arrays_longer_than_the_file_are_refused),
        cmocka_unit_test(arrays_nested_too_deep_are_refused),
        cmocka_unit_test(bools_other_than_0_and_1_are_refused),
        cmocka_unit_test(keys_that_come_twice_are_refused),
        cmocka_unit_test(bad_alignments_are_refused),
        cmocka_unit_test(impossible_shapes_are_refused),
        cmocka_unit_test(rows_of_part_blocks_are_refused),
        cmocka_unit_test(unknown_tensor_types_are_refused),
        cmocka_unit_test(offsets_outside_the_file_are_refused),
        cmocka_unit_test(overlapping_tensors_are_refused),
        cmocka_unit_test(tensors_that_come_twice_are_refused),
        cmocka_unit_test(bad_tensor_names_are_refused),
        cmocka_unit_test(control_characters_in_names_do_not_reach_the_terminal),
        cmocka_unit_test(truncation_at_any_byte_is_an_error),
        cmocka_unit_test(changed_bytes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
