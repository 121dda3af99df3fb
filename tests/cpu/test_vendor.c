/* cpu: products by a vendor's library. What is opened and what is refused, how it is called, and
 * that results are within the bound that vendor.h states, on libraries made for this test and on
 * the system's where there is one. */
#include "backend/backend.h"
#include "backend/cpu/vendor.h"
#include "base/team.h"
#include "support/testing.h"
#include "support/tiny_model.h"

#include <dlfcn.h>
#include <stdatomic.h>

enum { PROMPT = 70, PATH_BYTES = 512 };

typedef int (*count_fn)(void);

static met_error err;

/* ---------------------------------------------------------------- libraries */

static const char *fake_path(const char *kind)
{
    static char paths[4][PATH_BYTES];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, PATH_BYTES, FAKE_BLAS, kind);
    return path;
}

/* A number that a fake library, which is in the process already, says of itself. */
static int told(const char *path, const char *function)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    assert_non_null(handle);
    void *address = dlsym(handle, function);
    assert_non_null(address);
    count_fn count;
    memcpy(&count, &address, sizeof count);
    int value = count();
    (void)dlclose(handle);
    return value;
}

/* The system's own library, or skip the test and say so. */
static met_cpu_vendor *open_system(void)
{
    met_cpu_vendor *vendor = NULL;
    met_status status = met_cpu_vendor_open(NULL, &vendor, &err);
    if (status != MET_OK) {
        assert_int_equal(status, MET_E_DEVICE);
        print_message("# needs a BLAS library: %s\n", err.text);
        skip();
    }
    return vendor;
}

static void absent_and_unusable_libraries_are_named_with_the_reason(void **state)
{
    (void)state;
    char no_library[] = "/tmp/metallic-test-XXXXXX";
    int fd = mkstemp(no_library);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "text\n", 5), 5);
    close(fd);
    const struct {
        const char *library, *reason;
    } cases[] = {
        {"libmetallic-absent.so.1", "libmetallic-absent.so.1"},
        {no_library, no_library},
        {fake_path("64-bit"), "takes integers of 64 bits"},
        {fake_path("empty"), "has no cblas_sgemm"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const names[] = {cases[i].library, NULL};
        met_cpu_vendor *vendor = (met_cpu_vendor *)&err;
        assert_int_equal(met_cpu_vendor_open(names, &vendor, &err), MET_E_DEVICE);
        assert_null(vendor);
        assert_non_null(strstr(err.text, cases[i].reason));
        assert_non_null(strstr(err.text, "expected one of them"));
    }
    const char *const both[] = {"libmetallic-absent.so.1", "libmetallic-absent.so.2", NULL};
    met_cpu_vendor *vendor = NULL;
    assert_int_equal(met_cpu_vendor_open(both, &vendor, &err), MET_E_DEVICE);
    assert_non_null(strstr(err.text, "absent.so.1"));
    assert_non_null(strstr(err.text, "absent.so.2"));
    (void)unlink(no_library);
}

static void the_first_usable_library_is_taken(void **state)
{
    (void)state;
    const char *good = fake_path("threads");
    const char *const names[] = {"libmetallic-absent.so.1", fake_path("64-bit"), good,
                                 fake_path("openmp"), NULL};
    met_cpu_vendor *vendor = NULL;
    assert_ok(met_cpu_vendor_open(names, &vendor, &err));
    assert_int_equal(strncmp(met_cpu_vendor_library(vendor), good, 100), 0);
    met_cpu_vendor_close(vendor);
    met_cpu_vendor_close(NULL);
}

static void a_library_with_threads_is_set_to_one(void **state)
{
    (void)state;
    const char *names[] = {fake_path("threads"), NULL};
    met_cpu_vendor *vendor = NULL;
    assert_ok(met_cpu_vendor_open(names, &vendor, &err));
    assert_int_equal(told(names[0], "fake_threads"), 1);
    float y = NAN;
    met_cpu_vendor_matmul_f32(vendor, &(float){3}, 1, 1, &(float){7}, 1, &y, 1);
    assert_true(y == 21);
    assert_int_equal(told(names[0], "fake_most_threads_in_call"), 1);
    met_cpu_vendor_close(vendor);
}

static void an_openmp_build_is_set_to_one_for_the_call_alone(void **state)
{
    (void)state;
    const char *names[] = {fake_path("openmp"), NULL};
    met_cpu_vendor *vendor = NULL;
    assert_ok(met_cpu_vendor_open(names, &vendor, &err));
    float y = NAN;
    met_cpu_vendor_matmul_f32(vendor, &(float){3}, 1, 1, &(float){7}, 1, &y, 1);
    assert_true(y == 21);
    assert_int_equal(told(names[0], "fake_most_threads_in_call"), 1);
    assert_int_equal(told(names[0], "fake_threads"), 7); /* as this thread had it */
    met_cpu_vendor_close(vendor);
}

/* Without OpenMP's functions it could not be kept to one thread. Where this process has an OpenMP
 * from elsewhere they are not looked up there: only the library and what it needs count. */
static void an_openmp_build_without_openmp_is_refused(void **state)
{
    (void)state;
    const char *names[] = {fake_path("lost-openmp"), NULL};
    met_cpu_vendor *vendor = NULL;
    assert_int_equal(met_cpu_vendor_open(names, &vendor, &err), MET_E_DEVICE);
    assert_non_null(strstr(err.text, "OpenMP"));
}

/* ---------------------------------------------------------------- products */

/* What `cols` products can lose in any order, as a part of sum |w * x|: see vendor.h. */
static double gamma_of(size_t cols)
{
    double n = (double)cols * 0x1p-24;
    return n / (1 - n);
}

/* Whether every element of y is within the bound of its value in double, whose own rounding is
 * 2^-29 of the bound. Says so when not: cmocka's asserts are for the main thread. */
static bool product_is_good(const met_cpu_vendor *vendor, met_dtype type, size_t rows, size_t cols,
                          size_t tokens, size_t gap)
{
    met_cpu_kernels kernels = met_cpu_level_kernels(0);
    uint64_t seed = 1 + rows * 31 + cols * 7 + tokens;
    size_t y_stride = rows + gap, y_count = (tokens - 1) * y_stride + rows;
    size_t w_bytes = rows * met_dtype_row_bytes(type, cols);
    size_t panel_bytes = met_cpu_vendor_panel_bytes(cols);
    float *x = test_guarded(tokens * cols * sizeof *x), *y = test_guarded(y_count * sizeof *y);
    float *panel = test_guarded(panel_bytes), *wide = malloc(rows * cols * sizeof *wide);
    void *w = test_guarded(w_bytes);
    for (size_t i = 0; i < rows * cols; i++) {
        wide[i] = 2 * test_random_float(&seed);
        if (type == MET_DTYPE_F16) {
            ((uint16_t *)w)[i] = met_float_to_half(wide[i]);
            wide[i] = met_half_to_float(((uint16_t *)w)[i]);
        } else {
            ((float *)w)[i] = wide[i];
        }
    }
    for (size_t i = 0; i < tokens * cols; i++) x[i] = test_random_float(&seed);
    for (size_t i = 0; i < y_count; i++) y[i] = NAN; /* what was there must not count */
    if (type == MET_DTYPE_F16) {
        met_cpu_vendor_matmul_f16(vendor, &kernels, w, rows, cols, x, tokens, y, y_stride, panel);
    } else {
        met_cpu_vendor_matmul_f32(vendor, w, rows, cols, x, tokens, y, y_stride);
    }
    bool good = true;
    for (size_t i = 0; i < y_count && good; i++) {
        size_t t = i / y_stride, r = i % y_stride;
        if (r >= rows) {
            good = isnan(y[i]); /* between the rows of y nothing is written */
            continue;
        }
        double exact = 0, size = 0;
        for (size_t k = 0; k < cols; k++) {
            double product = (double)wide[r * cols + k] * x[t * cols + k];
            exact += product;
            size += fabs(product);
        }
        good = fabs(y[i] - exact) <= gamma_of(cols) * size; /* false for a NaN */
        if (good) continue;
        print_message("# %s %zu x %zu x %zu: row %zu of token %zu is %.9g, expected %.9g +- %.3g\n",
                      met_cpu_vendor_library(vendor), rows, cols, tokens, r, t, (double)y[i], exact,
                      gamma_of(cols) * size);
    }
    test_guarded_free(w, w_bytes);
    test_guarded_free(panel, panel_bytes);
    test_guarded_free(y, y_count * sizeof *y);
    test_guarded_free(x, tokens * cols * sizeof *x);
    free(wide);
    return good;
}

static void check_products(const met_cpu_vendor *vendor)
{
    static const size_t rows[] = {1, 31, 255, 256, 257, 600}, cols[] = {1, 7, 64, 333},
                        tokens[] = {1, 2, 5, 33};
    static const met_dtype types[] = {MET_DTYPE_F32, MET_DTYPE_F16};
    for (size_t r = 0; r < 6; r++) {
        for (size_t c = 0; c < 4; c++) {
            for (size_t t = 0; t < 4; t++) {
                for (int type = 0; type < 2; type++) {
                    assert_true(product_is_good(vendor, types[type], rows[r], cols[c], tokens[t],
                                                (r + t) % 3));
                }
            }
        }
    }
    for (int type = 0; type < 2; type++) { /* more columns than one pass takes */
        assert_true(product_is_good(vendor, types[type], 40, 4864, 6, 3));
    }
}

static void products_are_within_the_bound(void **state)
{
    (void)state;
    const char *names[] = {fake_path("threads"), NULL};
    met_cpu_vendor *vendor = NULL;
    assert_ok(met_cpu_vendor_open(names, &vendor, &err));
    check_products(vendor);
    met_cpu_vendor_close(vendor);
}

static void products_of_the_systems_library_are_within_the_bound(void **state)
{
    (void)state;
    met_cpu_vendor *vendor = open_system();
    check_products(vendor);
    met_cpu_vendor_close(vendor);
}

typedef struct shared_check {
    const met_cpu_vendor *vendor;
    atomic_int bad;
} shared_check;

static void check_on_worker(void *arg, int32_t worker, int32_t workers)
{
    (void)workers;
    shared_check *check = arg;
    for (size_t i = 0; i < 20; i++) {
        met_dtype type = i % 2 == 0 ? MET_DTYPE_F32 : MET_DTYPE_F16;
        if (!product_is_good(check->vendor, type, 100 + (size_t)worker, 200 + i, 16, 0)) {
            check->bad++;
        }
    }
}

static void products_on_eight_threads_at_once_are_within_the_bound(void **state)
{
    (void)state;
    met_cpu_vendor *vendor = open_system();
    met_team *team = NULL;
    assert_ok(met_team_create(8, &team, &err));
    shared_check check = {.vendor = vendor};
    met_team_run(team, check_on_worker, &check);
    assert_int_equal(check.bad, 0);
    met_team_free(team);
    met_cpu_vendor_close(vendor);
}

/* ---------------------------------------------------------------- machines and models */

static met_machine *open_machine(const char *matmul, const char *const *libraries, int32_t threads)
{
    met_machine *machine = NULL;
    struct met_machine_options options = {.isa = "auto",
                                          .threads = threads,
                                          .matmul = matmul,
                                          .vendor_libraries = libraries};
    assert_ok(met_cpu_machine_open(&options, &machine, &err));
    return machine;
}

static void every_name_is_taken_and_what_runs_is_told(void **state)
{
    (void)state;
    const char *names[] = {fake_path("threads"), NULL};
    const struct {
        const char *name;
        bool vendor;
    } cases[] = {{NULL, false},  {"auto", false},  {"native", false},
                 {"mlx", false}, {"vendor", true}, {"mps", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met_machine *machine = open_machine(cases[i].name, names, 1);
        met_context_info info = {0};
        machine->ops->describe(machine, &info);
        if (cases[i].vendor) {
            assert_int_equal(strncmp(info.matmul, "vendor: /", 9), 0);
        } else {
            assert_string_equal(info.matmul, "native");
        }
        machine->ops->close(machine);
    }
}

static void unknown_names_and_absent_libraries_open_no_machine(void **state)
{
    (void)state;
    static const char *const names[] = {"libmetallic-absent.so.1", NULL};
    static const char *const bad[] = {"", "blas", "Vendor", "vendor "};
    met_machine *machine = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct met_machine_options options = {.matmul = bad[i], .vendor_libraries = names};
        assert_int_equal(met_cpu_machine_open(&options, &machine, &err), MET_E_ARGUMENT);
        assert_null(machine);
        assert_non_null(strstr(err.text, bad[i]));
        assert_non_null(strstr(err.text, "auto, native, vendor, mlx or mps"));
    }
    struct met_machine_options options = {.matmul = "vendor", .vendor_libraries = names};
    assert_int_equal(met_cpu_machine_open(&options, &machine, &err), MET_E_DEVICE);
    assert_null(machine);
    assert_non_null(strstr(err.text, "libmetallic-absent.so.1"));
    options.matmul = "native"; /* then nobody looks for a library */
    assert_ok(met_cpu_machine_open(&options, &machine, &err));
    machine->ops->close(machine);
}

/* Logits of every position: a prompt of PROMPT tokens in steps of `size`. */
static float *run(met_machine *machine, const met_program *program, int32_t size)
{
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    size_t vocab = (size_t)program->vocab;
    float *logits = malloc(PROMPT * vocab * sizeof *logits);
    int32_t tokens[PROMPT];
    uint64_t seed = 3;
    for (int i = 0; i < PROMPT; i++) tokens[i] = (int32_t)(test_random(&seed) % vocab);
    assert_ok(machine->ops->load(machine, program, &loaded, &err));
    assert_ok(machine->ops->timeline_create(loaded, PROMPT, MET_DTYPE_F32, &timeline, &err));
    for (int32_t at = 0; at < PROMPT; at += size) {
        int32_t count = PROMPT - at < size ? PROMPT - at : size;
        met_step step = {
            .tokens = tokens + at, .count = count, .position = at, .want = MET_WANT_ALL};
        const float *rows = NULL;
        assert_ok(machine->ops->step(timeline, &step, &rows, &err));
        memcpy(logits + (size_t)at * vocab, rows, (size_t)count * vocab * sizeof *rows);
    }
    machine->ops->timeline_free(timeline);
    machine->ops->unload(loaded);
    return logits;
}

static double distance(const float *a, const float *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(fabs((double)a[i] - b[i]) <= most)) most = fabs((double)a[i] - b[i]);
    }
    return most;
}

/* The same program with the matrices that multiply as F32, each number moved up or down by `part`
 * of itself. */
static met_program perturb(const met_program *program, double part)
{
    met_program moved = *program;
    uint64_t seed = 11;
    moved.weights = malloc((size_t)program->weight_count * sizeof *moved.weights);
    memcpy(moved.weights, program->weights,
           (size_t)program->weight_count * sizeof *moved.weights);
    for (int32_t i = 0; i < moved.weight_count; i++) {
        met_weight *weight = &moved.weights[i];
        size_t count = (size_t)weight->rows * (size_t)weight->cols;
        if (weight->rows == 1 || weight->type == MET_DTYPE_Q8_0) {
            weight->data = memcpy(malloc(count * 4), weight->data, count * 4);
            continue;
        }
        float *data = malloc(count * sizeof *data);
        for (size_t j = 0; j < count; j++) {
            float value = weight->type == MET_DTYPE_F32
                              ? ((const float *)weight->data)[j]
                              : met_half_to_float(((const uint16_t *)weight->data)[j]);
            double sign = (test_random(&seed) >> 63) != 0 ? 1 : -1;
            data[j] = (float)(value * (1 + sign * part));
        }
        weight->type = MET_DTYPE_F32;
        weight->data = data;
    }
    return moved;
}

static void free_perturbed(met_program *moved)
{
    for (int32_t i = 0; i < moved->weight_count; i++) {
        free((void *)(uintptr_t)moved->weights[i].data);
    }
    free(moved->weights);
}

/* A sum of K products within K * u / (1 - K * u) of sum |w x| is the exact sum of weights that are
 * each moved by that part at most (Higham, 3.1). So the vendor's logits must be no farther from the
 * native ones than those of weights moved as far, twice: native sums round as well. That measures
 * the model's own sensitivity instead of guessing it. */
static void check_model(const char *type, const char *const *libraries)
{
    test_model model;
    test_model_make(&model, &(test_shape){.name = type, .type = type, .layers = 2, .heads = 6,
                                          .kv_heads = 2, .head_dim = 10, .ffn = 300, .vocab = 301,
                                          .untied = true});
    size_t count = PROMPT * 301;
    met_machine *native = open_machine("native", NULL, 2);
    float *expected = run(native, &model.program, PROMPT);
    met_program moved = perturb(&model.program, 2 * gamma_of(300));
    float *shaken = run(native, &moved, PROMPT);
    double bound = distance(shaken, expected, count), largest = 0;
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs((double)expected[i]));
    assert_true(bound > 0 && bound < 1e-3 * largest); /* or it would judge nothing */
    for (int32_t threads = 1; threads <= 3; threads++) {
        met_machine *vendor = open_machine("vendor", libraries, threads);
        float *whole = run(vendor, &model.program, PROMPT);
        float *parts = run(vendor, &model.program, 33);
        float *few = run(vendor, &model.program, MET_VENDOR_TOKENS - 1);
        float *ones = run(vendor, &model.program, 1);
        double error = fmax(distance(whole, expected, count), distance(parts, expected, count));
        print_message("# %s, %d threads: %.1e of the largest logit, bound %.1e\n", type,
                      (int)threads, error / largest, bound / largest);
        assert_true(error <= bound);
        assert_memory_equal(few, expected, count * sizeof *few); /* few tokens are native */
        assert_memory_equal(ones, expected, count * sizeof *ones);
        free(whole);
        free(parts);
        free(few);
        free(ones);
        vendor->ops->close(vendor);
    }
    free(expected);
    free(shaken);
    free_perturbed(&moved);
    native->ops->close(native);
    test_model_free(&model);
}

static void models_are_within_the_bound_of_native(void **state)
{
    (void)state;
    const char *names[] = {fake_path("openmp"), NULL};
    check_model("f32", names);
    check_model("f16", names);
    /* 2 layers of 7 matrices and the head, in 3 steps of many tokens (70, 33 and 33) at the least,
     * for two models; and never on more than one thread */
    assert_true(told(names[0], "fake_calls") >= 15 * 3 * 2);
    assert_int_equal(told(names[0], "fake_most_threads_in_call"), 1);
}

static void models_on_the_systems_library_are_within_the_bound_of_native(void **state)
{
    (void)state;
    met_cpu_vendor_close(open_system());
    check_model("f32", NULL);
    check_model("f16", NULL);
}

static void q8_0_models_stay_native_to_the_bit(void **state)
{
    (void)state;
    const char *names[] = {fake_path("openmp"), NULL};
    test_model model;
    test_model_make(&model, &(test_shape){.name = "q8_0", .type = "q8_0", .layers = 2, .heads = 2,
                                          .kv_heads = 1, .head_dim = 32, .ffn = 160, .vocab = 301});
    met_machine *native = open_machine("native", NULL, 2);
    met_machine *vendor = open_machine("vendor", names, 2);
    int before = told(names[0], "fake_calls");
    float *expected = run(native, &model.program, PROMPT);
    float *found = run(vendor, &model.program, PROMPT);
    assert_memory_equal(found, expected, PROMPT * 301 * sizeof *found);
    assert_int_equal(told(names[0], "fake_calls"), before);
    free(expected);
    free(found);
    vendor->ops->close(vendor);
    native->ops->close(native);
    test_model_free(&model);
}

/* The vendor's larger tiles are for steps of several tokens, and panels have no copy of a model. */
static void work_space_is_bounded_and_only_for_prefill(void **state)
{
    (void)state;
    const char *names[] = {fake_path("threads"), NULL};
    test_model model;
    test_model_make(&model, &(test_shape){.name = "f16", .type = "f16", .layers = 1, .heads = 4,
                                          .kv_heads = 1, .head_dim = 32, .ffn = 1024,
                                          .vocab = 4096});
    uint64_t bytes[2][2]; /* [native, vendor][1 token, PROMPT tokens] */
    static const int32_t tokens[PROMPT] = {1};
    for (int v = 0; v < 2; v++) {
        met_machine *machine = open_machine(v == 0 ? "native" : "vendor", names, 2);
        for (int many = 0; many < 2; many++) {
            met_loaded *loaded = NULL;
            met_timeline *timeline = NULL;
            assert_ok(machine->ops->load(machine, &model.program, &loaded, &err));
            assert_ok(
                machine->ops->timeline_create(loaded, PROMPT, MET_DTYPE_F16, &timeline, &err));
            met_step step = {
                .tokens = tokens, .count = many ? PROMPT : 1, .want = MET_WANT_LAST};
            assert_ok(machine->ops->step(timeline, &step, NULL, &err));
            bytes[v][many] = machine->ops->timeline_memory(timeline).scratch_bytes;
            machine->ops->timeline_free(timeline);
            machine->ops->unload(loaded);
        }
        machine->ops->close(machine);
    }
    /* Of two workers each: tiles of 256 instead of 32 rows, here for 128 tokens; a panel of 256
     * rows of the widest input, 1024 columns, instead of 32 rows of 64 columns more. */
    assert_int_equal(bytes[1][0], bytes[0][0]);
    assert_int_equal(bytes[1][1] - bytes[0][1],
                     2 * ((256 - 32) * 128 * 4 + (256 * 1024 - 32 * (1024 + 64)) * 4));
    test_model_free(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_and_unusable_libraries_are_named_with_the_reason),
        cmocka_unit_test(the_first_usable_library_is_taken),
        cmocka_unit_test(a_library_with_threads_is_set_to_one),
        cmocka_unit_test(an_openmp_build_is_set_to_one_for_the_call_alone),
        cmocka_unit_test(an_openmp_build_without_openmp_is_refused),
        cmocka_unit_test(products_are_within_the_bound),
        cmocka_unit_test(products_of_the_systems_library_are_within_the_bound),
        cmocka_unit_test(products_on_eight_threads_at_once_are_within_the_bound),
        cmocka_unit_test(every_name_is_taken_and_what_runs_is_told),
        cmocka_unit_test(unknown_names_and_absent_libraries_open_no_machine),
        cmocka_unit_test(models_are_within_the_bound_of_native),
        cmocka_unit_test(models_on_the_systems_library_are_within_the_bound_of_native),
        cmocka_unit_test(q8_0_models_stay_native_to_the_bit),
        cmocka_unit_test(work_space_is_bounded_and_only_for_prefill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
