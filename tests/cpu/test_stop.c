/* cpu: a step that is stopped half-way. Wherever the stop comes and however many workers there are,
 * all of them leave, and the next step computes what it would have computed. */
#include "backend/backend.h"
#include "support/testing.h"
#include "support/tiny_model.h"

#include <pthread.h>

enum { PROMPT = 150, BEFORE = 70 };

typedef struct asker {
    pthread_t caller;
    int asked;
    int stop_at; /* the question that is answered with false; -1: none */
} asker;

static bool go_on(void *user)
{
    asker *a = user;
    assert_true(pthread_equal(a->caller, pthread_self()));
    assert_true(a->stop_at < 0 || a->asked <= a->stop_at); /* not asked again after a no */
    return a->asked++ != a->stop_at;
}

typedef struct fixture {
    test_model model;
    int32_t tokens[PROMPT];
    float expected[512]; /* logits of the last token, nobody asked */
    met_machine *machine;
    met_loaded *loaded;
    met_timeline *timeline;
} fixture;

static void open_fixture(fixture *f, const char *type, int32_t threads)
{
    static const test_shape shape = {.name = "stop", .layers = 2, .heads = 4, .kv_heads = 2,
                                     .head_dim = 32, .ffn = 96, .vocab = 301};
    met_error err = {0};
    uint64_t seed = 11;
    struct met_machine_options options = {.isa = "auto", .threads = threads};
    memset(f, 0, sizeof *f);
    test_shape typed = shape;
    typed.type = type;
    test_model_make(&f->model, &typed);
    for (int i = 0; i < PROMPT; i++) f->tokens[i] = (int32_t)(test_random(&seed) % 301);
    assert_ok(met_cpu_machine_open(&options, &f->machine, &err));
    assert_ok(f->machine->ops->load(f->machine, &f->model.program, &f->loaded, &err));
    assert_ok(f->machine->ops->timeline_create(f->loaded, PROMPT, MET_DTYPE_F16, &f->timeline,
                                               &err));
}

static void close_fixture(fixture *f)
{
    f->machine->ops->timeline_free(f->timeline);
    f->machine->ops->unload(f->loaded);
    f->machine->ops->close(f->machine);
    test_model_free(&f->model);
}

/* Tokens [begin, end) in one step. Returns whether it was stopped. */
static bool step(fixture *f, int32_t begin, int32_t end, asker *who, const float **logits)
{
    met_error err = {0};
    bool stopped = false;
    met_step step = {.tokens = f->tokens + begin,
                     .count = end - begin,
                     .position = begin,
                     .want = MET_WANT_LAST};
    if (who != NULL) {
        who->caller = pthread_self();
        step.go_on = go_on;
        step.user = who;
        step.stopped = &stopped;
    }
    assert_ok(f->machine->ops->step(f->timeline, &step, logits, &err));
    return stopped;
}

static void a_stop_anywhere_lets_every_worker_leave(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "q8_0"};
    static const int32_t threads[] = {1, 2, 3, 8};
    for (int i = 0; i < 8; i++) {
        fixture f;
        const float *logits = NULL;
        asker all = {.stop_at = -1};
        open_fixture(&f, types[i / 4], threads[i % 4]);
        assert_false(step(&f, 0, BEFORE, NULL, &logits));
        assert_false(step(&f, BEFORE, PROMPT, &all, &logits));
        memcpy(f.expected, logits, 301 * sizeof *logits);
        /* Layers have seven phases or more, tasks within them come on top. */
        assert_true(all.asked > 2 * 7);
        for (int at = 0; at < all.asked; at++) {
            asker some = {.stop_at = at};
            /* With several workers the tasks of worker 0, and so its questions, vary. */
            if (step(&f, BEFORE, PROMPT, &some, &logits)) assert_int_equal(some.asked, at + 1);
            else assert_true(some.asked <= at && threads[i % 4] > 1);
            assert_false(step(&f, BEFORE, PROMPT, NULL, &logits));
            assert_memory_equal(logits, f.expected, 301 * sizeof *logits);
        }
        close_fixture(&f);
    }
}

static void a_step_that_nobody_stops_says_so_and_is_the_same(void **state)
{
    (void)state;
    fixture f;
    const float *logits = NULL;
    asker patient = {.stop_at = -1};
    open_fixture(&f, "f16", 2);
    assert_false(step(&f, 0, PROMPT, NULL, &logits));
    memcpy(f.expected, logits, 301 * sizeof *logits);
    assert_false(step(&f, 0, PROMPT, &patient, &logits));
    assert_memory_equal(logits, f.expected, 301 * sizeof *logits);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stop_anywhere_lets_every_worker_leave),
        cmocka_unit_test(a_step_that_nobody_stops_says_so_and_is_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
