/* cpu: the numeric contract of docs/KERNELS.md on whole models. For every weight type the logits of
 * a prompt are the same bits at every ISA level, for 1 to 8 threads, for any split of the prompt
 * into steps, and for prefill against decode.
 *
 * Each model's logits are printed as a hash, by which tools/test_arm compares processors. With
 * MET_TEST_QUICK in the environment only 2 threads are tried: for an emulated processor, on which
 * waiting threads are dear. */
#include "backend/backend.h"
#include "backend/cpu/kernels.h"
#include "base/mapping.h"
#include "model/model.h"
#include "support/testing.h"
#include "support/tiny_model.h"

enum { PROMPT = 150 }; /* over two blocks of keys and into a third */

typedef struct fixture {
    test_model model;
    met_dtype kv_type;
    int32_t tokens[PROMPT];
    float *expected; /* [PROMPT][vocab]: scalar, one thread, one token a step */
} fixture;

/* Logits of every position, computed with steps of the given sizes (the last repeats). */
static void run_steps(met_machine *machine, const fixture *f, const int32_t *sizes,
                      int32_t size_count, float *logits)
{
    const met_program *program = &f->model.program;
    met_error err = {0};
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    assert_ok(machine->ops->load(machine, program, &loaded, &err));
    assert_ok(machine->ops->timeline_create(loaded, PROMPT, f->kv_type, &timeline, &err));
    size_t vocab = (size_t)program->vocab;
    for (int32_t at = 0, i = 0; at < PROMPT; i++) {
        int32_t count = sizes[i < size_count ? i : size_count - 1];
        if (count > PROMPT - at) count = PROMPT - at;
        met_step step = {
            .tokens = f->tokens + at, .count = count, .position = at, .want = MET_WANT_ALL};
        const float *rows = NULL;
        assert_ok(machine->ops->step(timeline, &step, &rows, &err));
        memcpy(logits + (size_t)at * vocab, rows, (size_t)count * vocab * sizeof *rows);
        at += count;
    }
    machine->ops->timeline_free(timeline);
    machine->ops->unload(loaded);
}

static met_machine *open_machine(const char *isa, int32_t threads)
{
    met_error err = {0};
    met_machine *machine = NULL;
    struct met_machine_options options = {.isa = isa, .threads = threads};
    assert_ok(met_cpu_machine_open(&options, &machine, &err));
    return machine;
}

/* FNV-1a of the bits, printed where it can be compared with that of another machine. */
static void print_hash(const char *name, const float *x, size_t n)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n * sizeof *x; i++)
        hash = (hash ^ ((const uint8_t *)x)[i]) * 0x100000001b3u;
    print_message("# logits of %s: %016llx\n", name, (unsigned long long)hash);
}

static int set_up(fixture *f, const test_shape *shape, met_dtype kv_type)
{
    uint64_t seed = 7;
    f->kv_type = kv_type;
    test_model_make(&f->model, shape);
    int32_t vocab = f->model.program.vocab;
    for (int i = 0; i < PROMPT; i++) f->tokens[i] = (int32_t)(test_random(&seed) % (uint64_t)vocab);
    f->expected = malloc((size_t)PROMPT * (size_t)vocab * sizeof *f->expected);
    met_machine *machine = open_machine("scalar", 1);
    run_steps(machine, f, (int32_t[]){1}, 1, f->expected);
    machine->ops->close(machine);
    for (size_t i = 0; i < (size_t)PROMPT * (size_t)vocab; i++) {
        assert_true(f->expected[i] > -1e6f && f->expected[i] < 1e6f); /* and not NaN */
    }
    print_hash(shape->name, f->expected, (size_t)PROMPT * (size_t)vocab);
    return 0;
}

static void tear_down(fixture *f)
{
    free(f->expected);
    test_model_free(&f->model);
}

static void expect_same(const fixture *f, met_machine *machine, const int32_t *sizes,
                        int32_t size_count, const char *what)
{
    met_context_info info = {0};
    size_t vocab = (size_t)f->model.program.vocab;
    float *found = malloc((size_t)PROMPT * vocab * sizeof *found);
    run_steps(machine, f, sizes, size_count, found);
    for (size_t row = 0; row < PROMPT; row++) {
        if (memcmp(found + row * vocab, f->expected + row * vocab, vocab * sizeof *found) == 0) {
            continue;
        }
        size_t i = row * vocab;
        while (memcmp(&found[i], &f->expected[i], sizeof *found) == 0) i++;
        machine->ops->describe(machine, &info);
        fail_msg("%s: %s, %d threads, steps of %s: token %zu, logit %zu is %.9g, expected %.9g",
                 f->model.shape.name, info.isa, info.threads, what, row, i - row * vocab,
                 (double)found[i], (double)f->expected[i]);
    }
    free(found);
}

/* Every level of this processor x 1..8 threads x several splits. */
static void check_everything(const test_shape *shape, met_dtype kv_type)
{
    static const int32_t ones[] = {1}, whole[] = {PROMPT}, odd[] = {3, 1, 64, 2, 7, 61},
                         eights[] = {8}, head[] = {63, 1, 1, 1, PROMPT};
    const bool quick = getenv("MET_TEST_QUICK") != NULL;
    fixture f;
    set_up(&f, shape, kv_type);
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        if (!met_cpu_level_available(level)) {
            print_message("# level %s is not on this processor\n", met_cpu_level_name(level));
            continue;
        }
        for (int32_t threads = quick ? 2 : 1; threads <= (quick ? 2 : 8); threads++) {
            met_machine *machine = open_machine(met_cpu_level_name(level), threads);
            expect_same(&f, machine, whole, 1, "150");
            if (threads <= 3) {
                expect_same(&f, machine, ones, 1, "1");
                expect_same(&f, machine, odd, 6, "3, 1, 64, 2, 7, 61");
                expect_same(&f, machine, eights, 1, "8");
                expect_same(&f, machine, head, 5, "63, 1, 1, 1, 84");
            }
            machine->ops->close(machine);
        }
    }
    tear_down(&f);
}

static void f32_logits_are_the_same_bits_however_computed(void **state)
{
    (void)state;
    check_everything(&(test_shape){.name = "f32", .type = "f32", .layers = 2, .heads = 6,
                                   .kv_heads = 2, .head_dim = 10, .ffn = 77, .vocab = 301},
                     MET_DTYPE_F16);
}

static void f16_logits_are_the_same_bits_however_computed(void **state)
{
    (void)state;
    check_everything(&(test_shape){.name = "f16", .type = "f16", .layers = 2, .heads = 4,
                                   .kv_heads = 1, .head_dim = 24, .ffn = 150, .vocab = 301},
                     MET_DTYPE_F16);
}

static void q8_0_logits_are_the_same_bits_however_computed(void **state)
{
    (void)state;
    check_everything(&(test_shape){.name = "q8_0", .type = "q8_0", .layers = 2, .heads = 7,
                                   .kv_heads = 1, .head_dim = 32, .ffn = 160, .vocab = 301},
                     MET_DTYPE_F16);
}

static void heads_of_64_and_128_keep_the_contract(void **state)
{
    (void)state;
    check_everything(&(test_shape){.name = "q8_0 64", .type = "q8_0", .layers = 1, .heads = 4,
                                   .kv_heads = 2, .head_dim = 64, .ffn = 96, .vocab = 100,
                                   .untied = true},
                     MET_DTYPE_F16);
    check_everything(&(test_shape){.name = "f16 128", .type = "f16", .layers = 1, .heads = 2,
                                   .kv_heads = 2, .head_dim = 128, .ffn = 96, .vocab = 100},
                     MET_DTYPE_F16);
}

static void an_f32_cache_keeps_the_contract(void **state)
{
    (void)state;
    check_everything(&(test_shape){.name = "f32, f32 cache", .type = "f32", .layers = 2, .heads = 6,
                                   .kv_heads = 2, .head_dim = 42, .ffn = 77, .vocab = 301},
                     MET_DTYPE_F32);
}

/* Were the option ignored, every other test of it would compare like with like. */
static void an_f32_cache_changes_logits_and_doubles_the_cache(void **state)
{
    (void)state;
    static const met_dtype types[2] = {MET_DTYPE_F16, MET_DTYPE_F32};
    fixture f;
    met_error err = {0};
    met_loaded *loaded = NULL;
    float *last[2] = {NULL, NULL};
    uint64_t kv_bytes[2], kv_bytes_max[2];
    set_up(&f, &(test_shape){.name = "f32", .type = "f32", .layers = 2, .heads = 4,
                             .kv_heads = 2, .head_dim = 24, .ffn = 96, .vocab = 301},
           MET_DTYPE_F16);
    met_machine *machine = open_machine("auto", 1);
    assert_ok(machine->ops->load(machine, &f.model.program, &loaded, &err));
    for (int i = 0; i < 2; i++) {
        met_timeline *timeline = NULL;
        const float *rows = NULL;
        assert_ok(machine->ops->timeline_create(loaded, PROMPT, types[i], &timeline, &err));
        met_step step = {.tokens = f.tokens, .count = PROMPT, .position = 0, .want = MET_WANT_LAST};
        assert_ok(machine->ops->step(timeline, &step, &rows, &err));
        last[i] = malloc(301 * sizeof *rows);
        memcpy(last[i], rows, 301 * sizeof *rows);
        kv_bytes[i] = machine->ops->timeline_memory(timeline).kv_bytes;
        kv_bytes_max[i] = machine->ops->timeline_memory(timeline).kv_bytes_max;
        machine->ops->timeline_free(timeline);
    }
    assert_memory_not_equal(last[0], last[1], 301 * sizeof *last[0]);
    /* 3 blocks of 64 positions x 2 layers x 2 heads x keys and values x 24 numbers */
    assert_int_equal(kv_bytes[0], 3 * 64 * 2 * 2 * 2 * 24 * 2);
    assert_int_equal(kv_bytes[1], 2 * kv_bytes[0]);
    assert_int_equal(kv_bytes_max[1], 2 * kv_bytes_max[0]);
    free(last[0]);
    free(last[1]);
    machine->ops->unload(loaded);
    machine->ops->close(machine);
    tear_down(&f);
}

/* The widths of Qwen2.5-0.5B: one layer, since all are alike, and a short vocabulary. The reference
 * is the scalar level, once; every faster level is held to it. */
static void a_real_shape_keeps_the_contract(void **state)
{
    (void)state;
    static const int32_t whole[] = {PROMPT}, odd[] = {3, 1, 64, 2, 7, 61};
    const bool quick = getenv("MET_TEST_QUICK") != NULL; /* a narrower feed-forward there */
    fixture f;
    set_up(&f,
           &(test_shape){.name = "0.5b", .type = "q8_0", .layers = 1, .heads = 14, .kv_heads = 2,
                         .head_dim = 64, .ffn = quick ? 896 : 4864, .vocab = 500},
           MET_DTYPE_F16);
    for (int32_t level = 1; level < met_cpu_level_count(); level++) {
        if (!met_cpu_level_available(level)) continue; /* said by the tests before */
        for (int32_t threads = quick ? 2 : 1; threads <= (quick ? 2 : 4); threads++) {
            met_machine *machine = open_machine(met_cpu_level_name(level), threads);
            expect_same(&f, machine, whole, 1, "150");
            expect_same(&f, machine, odd, 6, "3, 1, 64, 2, 7, 61");
            machine->ops->close(machine);
        }
    }
    tear_down(&f);
}

/* Logits of the last row alone are those of all rows, and a chunk may ask for none. */
static void asking_for_fewer_logits_changes_none(void **state)
{
    (void)state;
    fixture f;
    met_error err = {0};
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    const float *rows = NULL;
    set_up(&f, &(test_shape){.name = "q8_0", .type = "q8_0", .layers = 2, .heads = 2,
                             .kv_heads = 1, .head_dim = 32, .ffn = 160, .vocab = 301},
           MET_DTYPE_F16);
    size_t vocab = 301;
    met_machine *machine = open_machine("auto", 2);
    assert_ok(machine->ops->load(machine, &f.model.program, &loaded, &err));
    assert_ok(machine->ops->timeline_create(loaded, PROMPT, MET_DTYPE_F16, &timeline, &err));
    met_step none = {.tokens = f.tokens, .count = 100, .position = 0, .want = MET_WANT_NONE};
    assert_ok(machine->ops->step(timeline, &none, &rows, &err));
    assert_null(rows);
    met_step last = {.tokens = f.tokens + 100, .count = 50, .position = 100, .want = MET_WANT_LAST};
    assert_ok(machine->ops->step(timeline, &last, &rows, &err));
    assert_memory_equal(rows, f.expected + 149 * vocab, vocab * sizeof *rows);

    /* Back to position 20 and on from there: what was beyond is forgotten. */
    met_step again = {.tokens = f.tokens + 20, .count = 1, .position = 20, .want = MET_WANT_LAST};
    assert_ok(machine->ops->step(timeline, &again, &rows, &err));
    assert_memory_equal(rows, f.expected + 20 * vocab, vocab * sizeof *rows);
    machine->ops->timeline_free(timeline);
    machine->ops->unload(loaded);
    machine->ops->close(machine);
    tear_down(&f);
}

static void a_context_that_cannot_fit_is_refused_in_bytes(void **state)
{
    (void)state;
    test_model model;
    met_error err = {0};
    met_loaded *loaded = NULL;
    met_timeline *timeline = (met_timeline *)&model;
    test_model_make(&model, &(test_shape){.name = "wide", .type = "f32", .layers = 32, .heads = 16,
                                          .kv_heads = 16, .head_dim = 64, .ffn = 32, .vocab = 32});
    met_machine *machine = open_machine("scalar", 1);
    assert_ok(machine->ops->load(machine, &model.program, &loaded, &err));
    assert_int_equal(
        machine->ops->timeline_create(loaded, INT32_MAX, MET_DTYPE_F16, &timeline, &err),
        MET_E_MEMORY);
    assert_null(timeline);
    /* 2^31 positions (rounded up to blocks) x 32 layers x 16 heads x 2 x 64 x 2 bytes */
    assert_non_null(strstr(err.text, "281474976710656 bytes of KV cache"));
    assert_int_equal(
        machine->ops->timeline_create(loaded, INT32_MAX, MET_DTYPE_F32, &timeline, &err),
        MET_E_MEMORY);
    assert_non_null(strstr(err.text, "562949953421312 bytes of KV cache")); /* twice that */
    machine->ops->unload(loaded);
    machine->ops->close(machine);
    test_model_free(&model);
}

/* What the host does between steps, as choosing a token, keeps to the level that was asked for. */
static void the_level_asked_for_binds_the_host_as_well(void **state)
{
    (void)state;
    for (int32_t level = 0; level < met_cpu_level_count(); level++) {
        if (!met_cpu_level_available(level)) continue; /* said by the tests before */
        met_machine *machine = open_machine(met_cpu_level_name(level), 1);
        assert_int_equal(machine->isa, met_cpu_level_kernels(level).isa);
        assert_int_equal(machine->isa == MET_ISA_BASELINE, level == 0);
        machine->ops->close(machine);
    }
}

static void unusable_options_are_named(void **state)
{
    (void)state;
    met_error err = {0};
    met_machine *machine = NULL;
    struct met_machine_options options = {.isa = "avx1024", .threads = 1};
    assert_int_equal(met_cpu_machine_open(&options, &machine, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "avx1024"));
    options = (struct met_machine_options){.isa = "auto", .threads = 257};
    assert_int_equal(met_cpu_machine_open(&options, &machine, &err), MET_E_ARGUMENT);
    assert_non_null(strstr(err.text, "257"));
    options = (struct met_machine_options){.isa = "auto", .threads = -1};
    assert_int_equal(met_cpu_machine_open(&options, &machine, &err), MET_E_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_logits_are_the_same_bits_however_computed),
        cmocka_unit_test(f16_logits_are_the_same_bits_however_computed),
        cmocka_unit_test(q8_0_logits_are_the_same_bits_however_computed),
        cmocka_unit_test(heads_of_64_and_128_keep_the_contract),
        cmocka_unit_test(an_f32_cache_keeps_the_contract),
        cmocka_unit_test(an_f32_cache_changes_logits_and_doubles_the_cache),
        cmocka_unit_test(a_real_shape_keeps_the_contract),
        cmocka_unit_test(asking_for_fewer_logits_changes_none),
        cmocka_unit_test(a_context_that_cannot_fit_is_refused_in_bytes),
        cmocka_unit_test(the_level_asked_for_binds_the_host_as_well),
        cmocka_unit_test(unusable_options_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
