/* metal: steps of whole models against the scalar CPU machine, in every way to cut a text. */
#include "metal_model.h"

#include "backend/metal/arguments.h"

#include <pthread.h>

enum {
    PROMPT_MOST = 150,  /* into the second block of keys */
    VENDOR_TOKENS = 33, /* more than a step has to have for the vendor to be asked */
};

static met_error err;

/* MET_TEST_QUICK: a little of everything, for the sanitizers, which are fifty times as slow. */
static bool quick(void)
{
    return getenv("MET_TEST_QUICK") != NULL;
}

static int32_t prompt_tokens(void)
{
    return quick() ? 17 : PROMPT_MOST;
}

/* Metal's sums have another order than the CPU's. A sum of K products in any order is the exact sum
 * of weights that are each moved by K u / (1 - K u) at most, u = 2^-24 (Higham, Accuracy and
 * Stability of Numerical Algorithms, 3.1). So Metal's logits must be no farther from the CPU's than
 * those of weights moved as far, twice, because the CPU's sums round as well: that measures the
 * model's own sensitivity instead of guessing it. What rounds coarsely on the way (F16 keys and
 * values, activations of Q8_0 products) may fall to the other side of a tie; it does so in the moved
 * model too, elsewhere: hence the farthest of several moved models. */
enum { MOVED_MODELS = 4 };

static double bound_of(met_machine *cpu, const met_program *program, met_dtype kv_type,
                       const float *expected, int32_t prompt)
{
    size_t count = (size_t)prompt * (size_t)program->vocab;
    const double k = 300, u = 0x1p-24; /* the longest sum of metal_shapes; softmax is shorter */
    double bound = 0;
    for (uint64_t seed = 1; seed <= MOVED_MODELS; seed++) {
        met_program moved = metal_move(program, 2 * k * u / (1 - k * u), seed);
        float *logits = metal_run(cpu, &moved, kv_type, prompt, (int32_t[]){PROMPT_MOST}, 1);
        bound = fmax(bound, metal_distance(logits, expected, count));
        free(logits);
        metal_move_free(&moved);
    }
    return bound;
}

static void check_shape(const test_shape *shape, met_dtype kv_type, const char *matmul)
{
    static const struct {
        int32_t sizes[6], count;
    } splits[] = {{{PROMPT_MOST}, 1}, {{1}, 1}, {{8}, 1}, {{3, 1, 64, 2, 7, 61}, 6}, {{33}, 1}};
    test_model model;
    metal_model_make(&model, shape);
    bool vendor = strcmp(matmul, "mps") == 0;
    int32_t prompt = vendor && quick() ? VENDOR_TOKENS : prompt_tokens();
    size_t count = (size_t)prompt * (size_t)shape->vocab;
    met_machine *cpu = metal_open_cpu(), *metal = metal_open(matmul);
    float *expected =
        metal_run(cpu, &model.program, kv_type, prompt, (int32_t[]){PROMPT_MOST}, 1);
    double bound = bound_of(cpu, &model.program, kv_type, expected, prompt);
    double largest = metal_largest(expected, count);
    assert_true(bound > 0 && bound < 0.05 * largest); /* or it would judge nothing */
    float *ones = NULL;
    for (size_t i = 0; i < sizeof splits / sizeof *splits - (quick() ? 2 : 0); i++) {
        int32_t longest = 0; /* the vendor is asked for long steps only */
        for (int32_t j = 0; j < splits[i].count; j++)
            longest = splits[i].sizes[j] > longest ? splits[i].sizes[j] : longest;
        if (vendor && longest < VENDOR_TOKENS) continue;
        float *found = metal_run(metal, &model.program, kv_type, prompt, splits[i].sizes,
                                 splits[i].count);
        double error = metal_distance(found, expected, count);
        print_message("# %s, kv %s, %s, steps of %d: %.1e of the largest logit, bound %.1e\n",
                      shape->name, met_dtype_name(kv_type), matmul, splits[i].sizes[0],
                      error / largest, bound / largest);
        assert_true(error <= bound);
        if (splits[i].sizes[0] == 1) ones = found;
        /* Up to 8 tokens go through the same sums as one. */
        if (splits[i].sizes[0] == 8) assert_memory_equal(found, ones, count * sizeof *found);
        if (found != ones) free(found);
    }
    free(ones);
    free(expected);
    cpu->ops->close(cpu);
    metal->ops->close(metal);
    test_model_free(&model);
}

static void logits_are_within_the_bound_of_the_CPUs(void **state)
{
    (void)state;
    for (size_t i = quick() ? 3 : 0; i < METAL_SHAPES; i++) {
        check_shape(&metal_shapes[i], MET_DTYPE_F32, "native");
    }
}

static void logits_with_an_F16_cache_are_within_the_bound(void **state)
{
    (void)state;
    check_shape(&metal_shapes[1], MET_DTYPE_F16, "native");
    if (!quick()) check_shape(&metal_shapes[3], MET_DTYPE_F16, "native");
}

static void logits_of_the_vendors_products_are_within_the_bound(void **state)
{
    (void)state;
    for (size_t i = quick() ? 4 : 0; i < METAL_SHAPES; i++) {
        check_shape(&metal_shapes[i], MET_DTYPE_F32, "mps");
    }
}

/* ---------------------------------------------------------------- timelines */

typedef struct fixture {
    test_model model;
    met_machine *machine;
    met_loaded *loaded;
    met_timeline *timeline;
    int32_t tokens[1024];
} fixture;

static void set_up(fixture *f, const test_shape *shape, int32_t context_length)
{
    metal_model_make(&f->model, shape);
    f->machine = metal_open(NULL);
    metal_tokens(&f->model.program, f->tokens, 1024);
    assert_ok(f->machine->ops->load(f->machine, &f->model.program, &f->loaded, &err));
    assert_ok(f->machine->ops->timeline_create(f->loaded, context_length, MET_DTYPE_F16,
                                               &f->timeline, &err));
}

static void tear_down(fixture *f)
{
    f->machine->ops->timeline_free(f->timeline);
    f->machine->ops->unload(f->loaded);
    f->machine->ops->close(f->machine);
    test_model_free(&f->model);
}

/* A copy of the last logits after tokens [position, position + count). */
static float *feed(fixture *f, int32_t position, int32_t count, met_want want)
{
    const float *rows = NULL;
    size_t bytes = (size_t)f->model.program.vocab * sizeof *rows;
    met_step step = {
        .tokens = f->tokens + position, .count = count, .position = position, .want = want};
    assert_ok(f->machine->ops->step(f->timeline, &step, &rows, &err));
    if (want == MET_WANT_NONE) return NULL;
    size_t skip = want == MET_WANT_ALL ? (size_t)(count - 1) : 0;
    return memcpy(malloc(bytes), rows + skip * (bytes / sizeof *rows), bytes);
}

static void expect_same(const fixture *f, float *found, float *expected)
{
    assert_memory_equal(found, expected, (size_t)f->model.program.vocab * sizeof *found);
    free(found);
    free(expected);
}

static void a_rewound_timeline_goes_on_as_if_nothing_had_been_after(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, &metal_shapes[3], 300);
    free(feed(&f, 0, 20, MET_WANT_LAST));
    float *first = feed(&f, 20, 1, MET_WANT_LAST);
    for (int32_t at = 21; at < 40; at++) free(feed(&f, at, 1, MET_WANT_LAST));
    expect_same(&f, feed(&f, 20, 1, MET_WANT_LAST), first);
    /* Another text from there on, and back: what was encoded ahead must not show. */
    float *second = feed(&f, 21, 1, MET_WANT_LAST);
    f.tokens[21] = (f.tokens[21] + 1) % f.model.program.vocab;
    float *other = feed(&f, 21, 1, MET_WANT_LAST);
    assert_memory_not_equal(other, second, (size_t)f.model.program.vocab * sizeof *other);
    free(other);
    f.tokens[21] = (f.tokens[21] + f.model.program.vocab - 1) % f.model.program.vocab;
    expect_same(&f, feed(&f, 21, 1, MET_WANT_LAST), second);
    tear_down(&f);
}

/* Chunks that want no logits are not waited for: more of them than can be on their way. */
static void chunks_on_their_way_are_in_order(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, &metal_shapes[0], 300);
    for (int32_t at = 0; at < 96; at += 8) assert_null(feed(&f, at, 8, MET_WANT_NONE));
    float *found = feed(&f, 96, 8, MET_WANT_LAST);
    for (int32_t at = 0; at < 104; at += 8) {
        float *logits = feed(&f, at, 8, MET_WANT_ALL);
        if (at < 96) free(logits);
        else expect_same(&f, found, logits);
    }
    tear_down(&f);
}

/* The cache begins with room for two blocks and doubles; what it held stays. */
static void a_cache_that_grows_keeps_its_positions(void **state)
{
    (void)state;
    fixture f, roomy;
    const test_shape *shape = &metal_shapes[4];
    const int32_t text = (quick() ? 2 : 5) * MET_METAL_KV_BLOCK + 3;
    set_up(&f, shape, 1024);
    set_up(&roomy, shape, 1024);
    free(feed(&roomy, 1000, 1, MET_WANT_LAST)); /* takes all of it */
    uint64_t before = f.machine->ops->timeline_memory(f.timeline).kv_bytes;
    for (int32_t at = 0; at < text; at += 30) {
        int32_t count = text - at < 30 ? text - at : 30;
        expect_same(&f, feed(&f, at, count, MET_WANT_LAST), feed(&roomy, at, count, MET_WANT_LAST));
    }
    for (int32_t at = text; at < text + 4; at++) {
        expect_same(&f, feed(&f, at, 1, MET_WANT_LAST), feed(&roomy, at, 1, MET_WANT_LAST));
    }
    met_timeline_memory memory = f.machine->ops->timeline_memory(f.timeline);
    assert_true(memory.kv_bytes == (quick() ? 2 : 4) * before);
    assert_true(memory.kv_bytes_max == 4 * before);
    tear_down(&f);
    tear_down(&roomy);
}

static void a_reserved_step_allocates_nothing(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, &metal_shapes[0], 200);
    assert_ok(f.machine->ops->timeline_reserve(f.timeline, 17, &err));
    uint64_t before = f.machine->ops->timeline_memory(f.timeline).scratch_bytes;
    free(feed(&f, 0, 17, MET_WANT_ALL));
    assert_true(f.machine->ops->timeline_memory(f.timeline).scratch_bytes == before);
    tear_down(&f);
}

static void a_profile_names_every_phase_and_changes_no_logit(void **state)
{
    (void)state;
    fixture f;
    met_op_time times[64];
    set_up(&f, &metal_shapes[3], 200);
    float *plain = feed(&f, 0, 20, MET_WANT_LAST);
    assert_int_equal(f.machine->ops->op_times(f.timeline, times, 64), 0);
    assert_ok(f.machine->ops->profile(f.timeline, true, &err));
    expect_same(&f, feed(&f, 0, 20, MET_WANT_LAST), plain);
    /* embed, two layers of five phases, the head */
    assert_int_equal(f.machine->ops->op_times(f.timeline, times, 64), 1 + 2 * 5 + 1);
    assert_string_equal(times[0].work, "embed");
    assert_string_equal(times[1].work, "rmsnorm, matmul, rope, kv_append");
    assert_string_equal(times[2].work, "attention");
    assert_string_equal(times[4].work, "rmsnorm, matmul, swiglu");
    uint64_t width = 7 * 64, kv = 64, block = 34;
    assert_true(times[1].bytes == (width + 2 * kv) * (width / 32) * block);
    assert_true(times[1].macs == 20 * (width + 2 * kv) * width);
    for (int i = 0; i < 12; i++) assert_true(times[i].calls == 1 && times[i].seconds >= 0);
    assert_ok(f.machine->ops->profile(f.timeline, false, &err));
    assert_int_equal(f.machine->ops->op_times(f.timeline, times, 64), 0);
    tear_down(&f);
}

/* Weights of one type are a phase; so of q8_0 with f32 q and f16 k, of an f32 up and of an f16 down. */
static void weights_of_several_types_are_multiplied_by_type(void **state)
{
    static const char *const works[] = {"rmsnorm, matmul, rope", "rmsnorm, matmul, rope, kv_append",
                                        "rmsnorm, matmul, kv_append", "attention", "matmul",
                                        "rmsnorm, matmul", "rmsnorm, matmul", "swiglu", "matmul"};
    static const char *const weights[] = {"attn_q", "attn_k", "attn_v", "", "attn_output",
                                          "ffn_gate", "ffn_up", "", "ffn_down"};
    enum { PHASES = sizeof works / sizeof *works };
    (void)state;
    fixture f;
    met_op_time times[64];
    set_up(&f, &metal_shapes[6], 64);
    assert_ok(f.machine->ops->profile(f.timeline, true, &err));
    free(feed(&f, 0, 1, MET_WANT_LAST));
    assert_int_equal(f.machine->ops->op_times(f.timeline, times, 64), 1 + 2 * PHASES + 1);
    uint64_t bytes = 0, macs = 0;
    for (int i = 0; i < PHASES; i++) {
        assert_string_equal(times[1 + i].work, works[i]);
        char name[64] = "";
        if (weights[i][0] != '\0') snprintf(name, sizeof name, "blk.0.%s.weight", weights[i]);
        assert_int_equal(times[1 + i].weight.bytes, strlen(name));
        assert_memory_equal(times[1 + i].weight.data, name, strlen(name));
        if (strstr(works[i], "matmul") == NULL) continue;
        bytes += times[1 + i].bytes;
        macs += times[1 + i].macs;
    }
    uint64_t width = 64, kv = 32, ffn = 160, block = 34;
    assert_true(macs == width * (width + kv + kv + width) + 3 * width * ffn);
    assert_true(bytes == width * width * 4 + kv * width * 2 + (kv + width) * (width / 32) * block +
                             ffn * (width / 32) * block + ffn * width * 4 + width * ffn * 2);
    tear_down(&f);
}

/* A queue gives out 64 command buffers; every idle session would keep one, encoded ahead. */
static void more_sessions_than_a_queue_has_command_buffers_all_go_on(void **state)
{
    enum { SESSIONS = 70 };
    (void)state;
    fixture f;
    set_up(&f, &metal_shapes[4], 64);
    met_timeline *first = f.timeline, *sessions[SESSIONS];
    float *expected[2] = {feed(&f, 0, 1, MET_WANT_LAST), feed(&f, 1, 1, MET_WANT_LAST)};
    size_t bytes = (size_t)f.model.program.vocab * sizeof(float);
    for (int32_t i = 0; i < SESSIONS; i++) {
        assert_ok(f.machine->ops->timeline_create(f.loaded, 64, MET_DTYPE_F16, &sessions[i], &err));
    }
    for (int32_t at = 0; at < 2; at++) {
        for (int32_t i = 0; i < SESSIONS; i++) {
            f.timeline = sessions[i];
            float *found = feed(&f, at, 1, MET_WANT_LAST);
            assert_memory_equal(found, expected[at], bytes);
            free(found);
        }
        free(expected[at]);
    }
    for (int32_t i = 0; i < SESSIONS; i++)
        f.machine->ops->timeline_free(sessions[i]);
    f.timeline = first;
    tear_down(&f);
}

/* ---------------------------------------------------------------- threads */

enum { THREADS = 3, THREAD_TOKENS = 12 };

typedef struct worker {
    const fixture *f;
    float *logits; /* [vocab] after the last token */
    bool failed;
} worker;

/* A session of its own; cmocka's asserts are for the main thread. */
static void *work(void *arg)
{
    worker *w = arg;
    const met_machine_ops *ops = w->f->machine->ops;
    met_timeline *timeline = NULL;
    w->failed = ops->timeline_create(w->f->loaded, 64, MET_DTYPE_F16, &timeline, NULL) != MET_OK;
    for (int32_t at = 0; at < THREAD_TOKENS && !w->failed; at += at < 8 ? 8 : 1) {
        const float *rows = NULL;
        met_step step = {.tokens = w->f->tokens + at,
                         .count = at < 8 ? 8 : 1,
                         .position = at,
                         .want = MET_WANT_LAST};
        w->failed = ops->step(timeline, &step, &rows, NULL) != MET_OK;
        if (w->failed) break;
        memcpy(w->logits, rows, (size_t)w->f->model.program.vocab * sizeof *rows);
    }
    ops->timeline_free(timeline);
    return NULL;
}

static void sessions_on_several_threads_do_not_disturb_each_other(void **state)
{
    (void)state;
    fixture f;
    set_up(&f, &metal_shapes[4], 64);
    size_t bytes = (size_t)f.model.program.vocab * sizeof(float);
    free(feed(&f, 0, 8, MET_WANT_LAST));
    float *expected = NULL;
    for (int32_t at = 8; at < THREAD_TOKENS; at++) {
        free(expected);
        expected = feed(&f, at, 1, MET_WANT_LAST);
    }
    worker workers[THREADS] = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.f = &f, .logits = malloc(bytes)};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_false(workers[i].failed);
        assert_memory_equal(workers[i].logits, expected, bytes);
        free(workers[i].logits);
    }
    free(expected);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_within_the_bound_of_the_CPUs),
        cmocka_unit_test(logits_with_an_F16_cache_are_within_the_bound),
        cmocka_unit_test(logits_of_the_vendors_products_are_within_the_bound),
        cmocka_unit_test(a_rewound_timeline_goes_on_as_if_nothing_had_been_after),
        cmocka_unit_test(chunks_on_their_way_are_in_order),
        cmocka_unit_test(a_cache_that_grows_keeps_its_positions),
        cmocka_unit_test(a_reserved_step_allocates_nothing),
        cmocka_unit_test(a_profile_names_every_phase_and_changes_no_logit),
        cmocka_unit_test(weights_of_several_types_are_multiplied_by_type),
        cmocka_unit_test(more_sessions_than_a_queue_has_command_buffers_all_go_on),
        cmocka_unit_test(sessions_on_several_threads_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests_name("metal_steps", tests, NULL, NULL);
}
