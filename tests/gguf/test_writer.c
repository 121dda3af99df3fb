/* The writer: what it writes is what the reader reads, byte for byte as the format says; and what
 * happens when the disk or the caller fails. */
#include "gguf/forge.h"

#include "base/mapping.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char folder[] = "/tmp/metallic-writer-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder); /* fails when a test left something behind */
}

static void path_of(const char *name, char path[4096])
{
    snprintf(path, 4096, "%s/%s", folder, name);
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

static met_gguf_writer *begin(const char *path, uint32_t alignment)
{
    met_error err;
    met_gguf_writer *writer = NULL;
    assert_ok(met_gguf_writer_begin(path, alignment, &writer, &err));
    return writer;
}

/* The same file written and forged by hand. */
static void bytes_are_as_the_format_says(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    path_of("small.gguf", path);
    met_gguf_writer *writer = begin(path, 32);
    const uint64_t ne[] = {3, 2};
    const float values[6] = {1, 2, 3, 4, 5, 6};
    met_gguf_write_str(writer, "general.architecture", met_str_of("qwen2"));
    met_gguf_write_u32(writer, "n", 7);
    met_gguf_describe_tensor(writer, "w", MET_DTYPE_F32, 2, ne);
    met_gguf_write_data(writer, values, sizeof values);
    assert_int_equal(files_in_folder(), 1);
    assert_int_not_equal(access(path, F_OK), 0); /* not under its name yet */
    assert_ok(met_gguf_writer_finish(writer, &err));
    assert_int_equal(files_in_folder(), 1);

    met_buffer f = {0};
    forge_header(&f, 3, 1, 2);
    forge_key(&f, "general.architecture", MET_GGUF_STRING);
    forge_str(&f, "qwen2");
    forge_key_u32(&f, "n", 7);
    forge_tensor(&f, "w", 2, ne, 0, 0);
    forge_pad(&f, 32);
    met_buffer_add(&f, values, sizeof values);
    forge_zeros(&f, 8); /* the last tensor is padded too, as ggml does */

    met_mapping *mapping = NULL;
    assert_ok(met_mapping_open(path, &mapping, &err));
    assert_int_equal(met_mapping_bytes(mapping), f.bytes);
    assert_memory_equal(met_mapping_data(mapping), f.data, f.bytes);
    met_mapping_close(mapping);
    met_buffer_free(&f);
    assert_int_equal(unlink(path), 0);
}

static void write_everything(met_gguf_writer *writer)
{
    const int32_t numbers[] = {-1, 0, 1};
    const met_str words[] = {met_str_of("one"), met_str_of(""), {"a\0b", 3}};
    met_gguf_write_u32(writer, "u32", UINT32_MAX);
    met_gguf_write_u64(writer, "u64", UINT64_MAX);
    met_gguf_write_f32(writer, "f32", 0.1f);
    met_gguf_write_f64(writer, "f64", 0.1);
    met_gguf_write_bool(writer, "yes", true);
    met_gguf_write_bool(writer, "no", false);
    met_gguf_write_str(writer, "empty", met_str_of(""));
    met_gguf_write_array(writer, "numbers", MET_GGUF_I32, numbers, 3);
    met_gguf_write_array(writer, "nothing", MET_GGUF_F64, NULL, 0);
    met_gguf_write_strings(writer, "words", words, 3);
}

static void check_everything(const met_gguf *gguf)
{
    met_gguf_array array;
    met_error err;
    assert_int_equal(met_gguf_key_count(gguf), 10);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "u32")) == UINT32_MAX);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "u64")) == UINT64_MAX);
    assert_true(met_gguf_key_f64(met_gguf_find(gguf, "f32")) == 0.1f);
    assert_true(met_gguf_key_f64(met_gguf_find(gguf, "f64")) == 0.1);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "yes")) == 1);
    assert_true(met_gguf_key_u64(met_gguf_find(gguf, "no")) == 0);
    assert_int_equal(met_gguf_key_str(met_gguf_find(gguf, "empty")).bytes, 0);
    assert_ok(met_gguf_get_array(gguf, "numbers", MET_GGUF_I32, &array, &err));
    const int32_t numbers[] = {-1, 0, 1};
    assert_int_equal(array.count, 3);
    assert_memory_equal(array.data, numbers, sizeof numbers);
    assert_ok(met_gguf_get_array(gguf, "nothing", MET_GGUF_F64, &array, &err));
    assert_int_equal(array.count, 0);
    assert_ok(met_gguf_get_array(gguf, "words", MET_GGUF_STRING, &array, &err));
    const uint8_t *at = array.data;
    assert_true(met_str_is(met_gguf_next_string(&at), "one"));
    assert_true(met_str_is(met_gguf_next_string(&at), ""));
    assert_int_equal(met_gguf_next_string(&at).bytes, 3);
}

/* Written, read, copied key by key with write_copy, read again. */
static void every_kind_of_key_comes_back(void **state)
{
    (void)state;
    char first[4096], second[4096];
    met_error err;
    path_of("first.gguf", first);
    path_of("second.gguf", second);
    met_gguf_writer *writer = begin(first, 32);
    write_everything(writer);
    assert_ok(met_gguf_writer_finish(writer, &err));
    const char *paths[] = {first, second};
    for (int i = 0; i < 2; i++) {
        met_mapping *mapping = NULL;
        met_gguf *gguf = NULL;
        assert_ok(met_mapping_open(paths[i], &mapping, &err));
        assert_ok(met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping), paths[i],
                                 &gguf, &err));
        check_everything(gguf);
        if (i == 0) {
            writer = begin(second, 32);
            for (uint64_t k = 0; k < met_gguf_key_count(gguf); k++) {
                met_gguf_write_copy(writer, met_gguf_key_at(gguf, k));
            }
            assert_ok(met_gguf_writer_finish(writer, &err));
        }
        met_gguf_free(gguf);
        met_mapping_close(mapping);
    }
    assert_int_equal(unlink(first), 0);
    assert_int_equal(unlink(second), 0);
}

/* Tensors of sizes that need every length of padding, written in portions that ignore where one
 * tensor ends. */
static void data_may_come_in_any_portions(void **state)
{
    (void)state;
    enum { TENSORS = 40 };
    for (uint32_t alignment = 8; alignment <= 512; alignment *= 8) {
        char path[4096], name[16];
        met_error err;
        path_of("portions.gguf", path);
        met_gguf_writer *writer = begin(path, alignment);
        size_t elements = 0;
        for (uint64_t i = 0; i < TENSORS; i++) {
            const uint64_t ne[] = {1 + i};
            snprintf(name, sizeof name, "t%d", (int)i);
            met_gguf_describe_tensor(writer, name, MET_DTYPE_F16, 1, ne);
            elements += 1 + i;
        }
        uint16_t *values = calloc(elements, sizeof *values);
        assert_non_null(values);
        for (size_t i = 0; i < elements; i++)
            values[i] = (uint16_t)i;
        uint64_t seed = alignment;
        for (size_t at = 0; at < elements * 2;) {
            size_t part = 1 + test_random(&seed) % 99;
            if (part > elements * 2 - at) part = elements * 2 - at;
            met_gguf_write_data(writer, (const char *)values + at, part);
            at += part;
        }
        assert_ok(met_gguf_writer_finish(writer, &err));

        met_mapping *mapping = NULL;
        met_gguf *gguf = NULL;
        assert_ok(met_mapping_open(path, &mapping, &err));
        assert_ok(met_gguf_parse(met_mapping_data(mapping), met_mapping_bytes(mapping), path, &gguf,
                                 &err));
        assert_int_equal(met_gguf_alignment(gguf), alignment);
        const uint16_t *expected = values;
        for (uint64_t i = 0; i < TENSORS; i++) {
            const met_gguf_tensor *tensor = met_gguf_tensor_at(gguf, i);
            assert_int_equal(tensor->bytes, 2 * (1 + i));
            assert_memory_equal(tensor->data, expected, tensor->bytes);
            expected += 1 + i;
        }
        met_gguf_free(gguf);
        met_mapping_close(mapping);
        free(values);
        assert_int_equal(unlink(path), 0);
    }
}

static void an_older_file_is_replaced_only_at_the_end(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    struct stat info;
    path_of("old.gguf", path);
    FILE *old = fopen(path, "wb");
    assert_non_null(old);
    fputs("old", old);
    fclose(old);
    met_gguf_writer *writer = begin(path, 32);
    met_gguf_write_u32(writer, "n", 1);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 3);
    met_gguf_writer_abandon(writer);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(files_in_folder(), 1);
    writer = begin(path, 32);
    assert_ok(met_gguf_writer_finish(writer, &err));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, 32); /* a header of 24 bytes, padded */
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(unlink(path), 0);
    met_gguf_writer_abandon(NULL);
}

static void a_folder_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    met_error err;
    met_gguf_writer *writer = (met_gguf_writer *)(uintptr_t)1;
    assert_int_equal(met_gguf_writer_begin("/nonexistent/m.gguf", 32, &writer, &err), MET_E_IO);
    assert_null(writer);
    assert_string_equal(err.text, "/nonexistent/m.gguf: cannot create a file beside it: No such "
                                  "file or directory");
    assert_int_equal(met_gguf_writer_begin("/nonexistent/m.gguf", 32, &writer, NULL), MET_E_IO);
}

static void a_target_that_is_no_file_is_refused_before_anything_is_written(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    met_gguf_writer *writer = NULL;
    struct stat info;
    path_of("folder.gguf", path);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(met_gguf_writer_begin(path, 32, &writer, &err), MET_E_IO);
    assert_memory_equal(err.text, path, strlen(path));
    assert_string_equal(err.text + strlen(path),
                        ": not a regular file, expected one to replace or a new name");
    assert_int_equal(rmdir(path), 0);
    path_of("pipe.gguf", path); /* as /dev/null, which root may replace by a file */
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_int_equal(met_gguf_writer_begin(path, 32, &writer, &err), MET_E_IO);
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(met_gguf_writer_begin("", 32, &writer, &err), MET_E_ARGUMENT);
    assert_null(writer);
}

static void a_target_that_cannot_be_replaced_is_named(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    path_of("folder.gguf", path);
    met_gguf_writer *writer = begin(path, 32);
    assert_int_equal(mkdir(path, 0777), 0); /* by somebody else, meanwhile */
    assert_int_equal(met_gguf_writer_finish(writer, &err), MET_E_IO);
    assert_memory_equal(err.text, path, strlen(path));
    assert_non_null(strstr(err.text, ": cannot rename the finished file: "));
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(rmdir(path), 0);
}

/* The system refuses to write beyond 64 KiB, as a full disk would. */
static void a_full_disk_is_reported_with_the_path(void **state)
{
    (void)state;
    char path[4096], expected[4200];
    met_error err;
    struct rlimit before, limit;
    static char zeros[1 << 16];
    path_of("full.gguf", path);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    limit = before;
    limit.rlim_cur = sizeof zeros;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    met_gguf_writer *writer = begin(path, 32);
    const uint64_t ne[] = {64 * sizeof zeros / 4};
    met_gguf_describe_tensor(writer, "large", MET_DTYPE_F32, 1, ne);
    for (int i = 0; i < 64; i++)
        met_gguf_write_data(writer, zeros, sizeof zeros);
    assert_true(met_gguf_writer_failed(writer));
    met_status status = met_gguf_writer_finish(writer, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(status, MET_E_IO);
    snprintf(expected, sizeof expected, "%s: cannot write: File too large", path);
    assert_string_equal(err.text, expected);
    assert_int_equal(files_in_folder(), 0);
}

static void bad_alignments_and_shapes_are_refused(void **state)
{
    (void)state;
    char path[4096];
    met_error err;
    met_gguf_writer *writer = NULL;
    path_of("bad.gguf", path);
    const uint32_t alignments[] = {0, 1, 4, 24, 33};
    for (size_t i = 0; i < sizeof alignments / sizeof alignments[0]; i++) {
        assert_int_equal(met_gguf_writer_begin(path, alignments[i], &writer, &err), MET_E_ARGUMENT);
        assert_null(writer);
        assert_non_null(strstr(err.text, "expected a power of two of at least 8"));
    }
    static const struct {
        uint64_t shape[4];
        uint32_t dims;
        met_dtype type;
    } wrong[] = {
        {{1, 1, 1, 1}, 0, MET_DTYPE_F32},   {{1, 1, 1, 1}, 5, MET_DTYPE_F32},
        {{0, 1, 1, 1}, 1, MET_DTYPE_F32},   {{8, 0, 1, 1}, 2, MET_DTYPE_F16},
        {{48, 2, 1, 1}, 2, MET_DTYPE_Q8_0}, {{1 << 20, 1 << 30, 1 << 20, 1}, 3, MET_DTYPE_F32},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        writer = begin(path, 32);
        met_gguf_describe_tensor(writer, "blk.0.w", wrong[i].type, wrong[i].dims, wrong[i].shape);
        assert_int_equal(met_gguf_writer_finish(writer, &err), MET_E_ARGUMENT);
        assert_non_null(strstr(err.text, ": tensor blk.0.w: "));
    }
    assert_int_equal(files_in_folder(), 0);
}

static void data_must_fill_the_tensors_exactly(void **state)
{
    (void)state;
    char path[4096], expected[4200];
    met_error err;
    const uint64_t ne[] = {4};
    const float values[9] = {0};
    path_of("short.gguf", path);
    for (int pass = 0; pass < 2; pass++) {
        met_gguf_writer *writer = begin(path, 32);
        met_gguf_describe_tensor(writer, "a", MET_DTYPE_F32, 1, ne);
        met_gguf_describe_tensor(writer, "b", MET_DTYPE_F32, 1, ne);
        met_gguf_write_data(writer, values, pass == 0 ? 31 : 33);
        assert_int_equal(met_gguf_writer_finish(writer, &err), MET_E_ARGUMENT);
        snprintf(expected, sizeof expected,
                 pass == 0 ? "%s: tensor number 1 of 2 lacks 1 bytes of data"
                           : "%s: 1 bytes of data more than the tensors have",
                 path);
        assert_string_equal(err.text, expected);
        assert_int_equal(files_in_folder(), 0);
    }
}

static void the_header_cannot_be_added_to_after_data(void **state)
{
    (void)state;
    char path[4096], expected[4200];
    met_error err;
    const uint64_t ne[] = {4};
    const float values[4] = {0};
    path_of("late.gguf", path);
    for (int pass = 0; pass < 2; pass++) {
        met_gguf_writer *writer = begin(path, 32);
        met_gguf_describe_tensor(writer, "a", MET_DTYPE_F32, 1, ne);
        met_gguf_write_data(writer, values, sizeof values);
        if (pass == 0)
            met_gguf_write_u32(writer, "late", 1);
        else
            met_gguf_describe_tensor(writer, "late", MET_DTYPE_F32, 1, ne);
        assert_int_equal(met_gguf_writer_finish(writer, &err), MET_E_ARGUMENT);
        snprintf(expected, sizeof expected, "%s: late comes after tensor data, expected before",
                 path);
        assert_string_equal(err.text, expected);
        assert_int_equal(files_in_folder(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_as_the_format_says),
        cmocka_unit_test(every_kind_of_key_comes_back),
        cmocka_unit_test(data_may_come_in_any_portions),
        cmocka_unit_test(an_older_file_is_replaced_only_at_the_end),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_named),
        cmocka_unit_test(a_target_that_is_no_file_is_refused_before_anything_is_written),
        cmocka_unit_test(a_target_that_cannot_be_replaced_is_named),
        cmocka_unit_test(a_full_disk_is_reported_with_the_path),
        cmocka_unit_test(bad_alignments_and_shapes_are_refused),
        cmocka_unit_test(data_must_fill_the_tensors_exactly),
        cmocka_unit_test(the_header_cannot_be_added_to_after_data),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
