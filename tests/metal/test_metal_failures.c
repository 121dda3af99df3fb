/* metal: what Metal reports arrives in its own words, as an error and never as a wrong answer. */
#include "metal_model.h"

#include <inspect.h>

#include <dirent.h>

static met_error err;

static met_status open_with(const char *cache, met_machine **machine)
{
    struct met_machine_options options = {.cache = cache};
    return met_metal_machine_open(&options, machine, &err);
}

static void a_device_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    met_machine *machine = (met_machine *)&err;
    metalsim_fail(METALSIM_FAULT_NO_DEVICE, 1);
    assert_int_equal(open_with(NULL, &machine), MET_E_DEVICE);
    assert_null(machine);
    assert_string_equal(err.text, "metal: this system has no Metal device");
    metalsim_fail(METALSIM_FAULT_QUEUE, 1);
    assert_int_equal(open_with(NULL, &machine), MET_E_DEVICE);
    assert_non_null(strstr(err.text, "command queue"));
    assert_int_equal(metalsim_live_objects(true), 0);
}

static void an_unknown_matmul_is_refused(void **state)
{
    (void)state;
    met_machine *machine = NULL;
    struct met_machine_options options = {.matmul = "blas"};
    assert_int_equal(met_metal_machine_open(&options, &machine, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "blas"));
    assert_non_null(strstr(err.text, "expected auto, native, vendor, mlx or mps"));
}

typedef struct fixture {
    test_model model;
    met_machine *machine;
    met_loaded *loaded;
} fixture;

static void set_up(fixture *f)
{
    metal_model_make(&f->model, &metal_shapes[4]);
    f->machine = metal_open(NULL);
    assert_ok(f->machine->ops->load(f->machine, &f->model.program, &f->loaded, &err));
}

static void tear_down(fixture *f)
{
    f->machine->ops->unload(f->loaded);
    f->machine->ops->close(f->machine);
    test_model_free(&f->model);
}

static met_status create(fixture *f, met_timeline **timeline)
{
    return f->machine->ops->timeline_create(f->loaded, 300, MET_DTYPE_F16, timeline, &err);
}

static void what_cannot_be_compiled_is_an_error_of_the_session(void **state)
{
    (void)state;
    static const enum metalsim_fault faults[] = {METALSIM_FAULT_LIBRARY, METALSIM_FAULT_FUNCTION,
                                                 METALSIM_FAULT_PIPELINE};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        fixture f;
        met_timeline *timeline = NULL;
        set_up(&f);
        metalsim_fail(faults[i], 1);
        assert_int_equal(create(&f, &timeline), MET_E_DEVICE);
        assert_null(timeline);
        assert_memory_equal(err.text, "metal: ", 7);
        metalsim_fail(faults[i], 0);
        assert_ok(create(&f, &timeline)); /* nothing of the failure is kept */
        f.machine->ops->timeline_free(timeline);
        tear_down(&f);
        assert_int_equal(metalsim_live_objects(true), 0);
    }
}

/* Also when it is found out late: a chunk that nobody waited for. */
static void a_step_that_fails_says_so_in_the_devices_words(void **state)
{
    (void)state;
    static const enum metalsim_fault faults[] = {METALSIM_FAULT_COMMAND,
                                                 METALSIM_FAULT_DEVICE_LOST};
    for (size_t i = 0; i < 2; i++) {
        for (int late = 0; late < 2; late++) {
            fixture f;
            met_timeline *timeline = NULL;
            const float *logits = NULL;
            int32_t tokens[16] = {0};
            met_step chunk = {.tokens = tokens, .count = 8, .position = 0, .want = MET_WANT_NONE};
            met_step last = {.tokens = tokens, .count = 8, .position = late ? 8 : 0,
                             .want = MET_WANT_LAST};
            set_up(&f);
            assert_ok(create(&f, &timeline));
            metalsim_fail(faults[i], 1);
            if (late) assert_ok(f.machine->ops->step(timeline, &chunk, &logits, &err));
            assert_int_equal(f.machine->ops->step(timeline, &last, &logits, &err), MET_E_DEVICE);
            assert_null(logits);
            assert_memory_equal(err.text, "metal: step: ", 13);
            assert_true(strlen(err.text) > 20 && strstr(err.text, "no reason given") == NULL);
            metalsim_fail(faults[i], 0);
            f.machine->ops->timeline_free(timeline);
            tear_down(&f);
            assert_int_equal(metalsim_live_objects(true), 0);
        }
    }
}

/* ---------------------------------------------------------------- the cache of compiled code */

static int count_files(const char *folder)
{
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        count += strstr(entry->d_name, ".metalarchive") != NULL;
    closedir(dir);
    return count;
}

static void run_with(const char *cache)
{
    met_machine *machine = NULL;
    test_model model;
    metal_model_make(&model, &metal_shapes[4]);
    assert_ok(open_with(cache, &machine));
    free(metal_run(machine, &model.program, MET_DTYPE_F16, 20, (int32_t[]){12, 1}, 2));
    machine->ops->close(machine);
    test_model_free(&model);
}

/* The path of the archive in `folder`. */
static void archive_path(const char *folder, char path[512])
{
    DIR *dir = opendir(folder);
    path[0] = '\0';
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".metalarchive") == NULL) continue;
        snprintf(path, 512, "%s/%s", folder, entry->d_name);
    }
    closedir(dir);
}

static void compiled_code_is_kept_where_asked_and_nothing_depends_on_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/metallic-cache-XXXXXX", path[512];
    assert_non_null(mkdtemp(folder));
    run_with(folder);
    assert_int_equal(count_files(folder), 1);
    run_with(folder);
    assert_int_equal(count_files(folder), 1);
    archive_path(folder, path);
    /* Damaged, empty, a folder in its place, a folder that is not there or cannot be written. */
    FILE *file = fopen(path, "w");
    fputs("not an archive", file);
    fclose(file);
    run_with(folder);
    assert_int_equal(truncate(path, 0), 0);
    run_with(folder);
    (void)unlink(path);
    for (unsigned nth = 1; nth <= 3; nth++) {
        metalsim_fail(METALSIM_FAULT_ARCHIVE, nth);
        run_with(folder);
        metalsim_fail(METALSIM_FAULT_ARCHIVE, 0);
    }
    archive_path(folder, path);
    if (path[0] != '\0') (void)unlink(path);
    assert_int_equal(rmdir(folder), 0); /* no half-written file is left either */
    run_with("/nonexistent/folder");
    run_with("/proc");
    run_with("");
    /* A folder that is not there is made when it is needed, if its parent is there. */
    char parent[] = "/tmp/metallic-cache-XXXXXX", missing[64];
    assert_non_null(mkdtemp(parent));
    snprintf(missing, sizeof missing, "%s/metallic", parent);
    run_with(missing);
    assert_int_equal(count_files(missing), 1);
    archive_path(missing, path);
    (void)unlink(path);
    assert_int_equal(rmdir(missing), 0);
    assert_int_equal(rmdir(parent), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_that_is_not_there_is_an_error),
        cmocka_unit_test(an_unknown_matmul_is_refused),
        cmocka_unit_test(what_cannot_be_compiled_is_an_error_of_the_session),
        cmocka_unit_test(compiled_code_is_kept_where_asked_and_nothing_depends_on_it),
        /* Last: a lost device does not come back. */
        cmocka_unit_test(a_step_that_fails_says_so_in_the_devices_words),
    };
    return cmocka_run_group_tests_name("metal_failures", tests, NULL, NULL);
}
