/* metal: memory of the simulated device: weights in place, split, refused; sessions refused by plan;
 * what fails gives everything back. */
#include "metal_model.h"

#include <inspect.h>

static met_error err;

static float *logits_of(const met_program *program)
{
    met_machine *metal = metal_open(NULL);
    float *logits = metal_run(metal, program, MET_DTYPE_F16, 20, (int32_t[]){12, 1}, 2);
    metal->ops->close(metal);
    return logits;
}

static void weights_in_many_buffers_are_the_same_weights(void **state)
{
    (void)state;
    for (size_t i = getenv("MET_TEST_QUICK") != NULL ? 4 : 0; i < METAL_SHAPES; i++) {
        test_model model;
        metal_model_make(&model, &metal_shapes[i]);
        size_t bytes = 20 * (size_t)metal_shapes[i].vocab * sizeof(float);
        float *expected = logits_of(&model.program);
        size_t largest = 0;
        for (int32_t w = 0; w < model.program.weight_count; w++) {
            const met_weight *weight = &model.program.weights[w];
            size_t own = (size_t)weight->rows *
                         met_dtype_row_bytes(weight->type, (size_t)weight->cols);
            if (own > largest) largest = own;
        }
        /* Room for the largest weight wherever it lies in its pages, and then nearly none to spare:
         * weights straddle the places where one buffer must end. A cache must fit as well. */
        uint64_t least = met_align_up(largest, MET_MAPPING_ALIGN) + MET_MAPPING_ALIGN;
        if (least < 1 << 20) least = 1 << 20;
        metalsim_set_max_buffer_bytes(least);
        float *split = logits_of(&model.program);
        assert_memory_equal(split, expected, bytes);
        metalsim_set_max_buffer_bytes(0);
        /* Weights that lie in no mapping are copied. */
        met_program copied = model.program;
        copied.pages = NULL;
        float *copy = logits_of(&copied);
        assert_memory_equal(copy, expected, bytes);
        free(copy);
        free(split);
        free(expected);
        test_model_free(&model);
    }
}

static void a_mapping_is_wrapped_and_not_copied(void **state)
{
    (void)state;
    test_model model;
    metal_model_make(&model, &metal_shapes[0]);
    met_machine *metal = metal_open(NULL);
    met_loaded *loaded = NULL;
    /* The simulator does not count wrapped pages as allocated; a copy would exceed this. */
    metalsim_set_working_set_bytes(met_mapping_bytes(model.mapping));
    assert_ok(metal->ops->load(metal, &model.program, &loaded, &err));
    metal->ops->unload(loaded);
    metal->ops->close(metal);
    metalsim_set_working_set_bytes(0);
    test_model_free(&model);
}

static void a_weight_larger_than_any_buffer_is_refused(void **state)
{
    (void)state;
    test_model model;
    metal_model_make(&model, &metal_shapes[0]);
    met_machine *metal = metal_open(NULL);
    met_loaded *loaded = (met_loaded *)&err;
    metalsim_set_max_buffer_bytes(MET_MAPPING_ALIGN);
    assert_int_equal(metal->ops->load(metal, &model.program, &loaded, &err), MET_E_MEMORY);
    assert_null(loaded);
    assert_non_null(strstr(err.text, ".weight needs a buffer of"));
    assert_non_null(strstr(err.text, "16384"));
    metalsim_set_max_buffer_bytes(0);
    metal->ops->close(metal);
    test_model_free(&model);
}

static void what_the_device_cannot_hold_is_refused_with_exact_bytes(void **state)
{
    (void)state;
    test_model model;
    met_loaded *loaded = NULL;
    met_timeline *timeline = NULL;
    metal_model_make(&model, &metal_shapes[0]);
    met_machine *metal = metal_open(NULL);
    metalsim_set_working_set_bytes(1 << 20);
    assert_int_equal(metal->ops->load(metal, &model.program, &loaded, &err), MET_E_MEMORY);
    assert_non_null(strstr(err.text, "recommends at most 1048576"));
    metalsim_set_working_set_bytes(64 << 20);
    assert_ok(metal->ops->load(metal, &model.program, &loaded, &err));
    size_t before = metalsim_live_objects(false);
    met_status status = metal->ops->timeline_create(loaded, 1 << 20, MET_DTYPE_F32, &timeline, &err);
    assert_int_equal(status, MET_E_MEMORY);
    assert_null(timeline);
    /* 2 layers x 2 heads x keys and values x 64 x 4 bytes a position */
    assert_non_null(strstr(err.text, "2147483648 bytes of KV cache"));
    assert_non_null(strstr(err.text, "67108864"));
    assert_int_equal(metalsim_live_objects(false), before);
    assert_ok(metal->ops->timeline_create(loaded, 256, MET_DTYPE_F32, &timeline, &err));
    metal->ops->timeline_free(timeline);
    metal->ops->unload(loaded);
    metal->ops->close(metal);
    metalsim_set_working_set_bytes(0);
    test_model_free(&model);
}

/* Every allocation of a load, a session and a growing step fails once: an error that counts the
 * bytes, nothing left behind, and the same call succeeds afterwards. */
static void every_allocation_may_fail(void **state)
{
    (void)state;
    test_model model;
    metal_model_make(&model, &metal_shapes[4]);
    const met_program *program = &model.program;
    met_machine *metal = metal_open(NULL);
    int32_t tokens[400];
    metal_tokens(program, tokens, 400);
    size_t before = metalsim_live_objects(false);
    bool all_done = false;
    int failures = 0;
    for (unsigned nth = 1; !all_done; nth++) {
        met_loaded *loaded = NULL;
        met_timeline *timeline = NULL;
        const float *logits = NULL;
        met_step step = {.tokens = tokens, .count = 300, .position = 0, .want = MET_WANT_LAST};
        metalsim_fail(METALSIM_FAULT_BUFFER, nth);
        met_status status = metal->ops->load(metal, program, &loaded, &err);
        if (status == MET_OK) {
            status = metal->ops->timeline_create(loaded, 400, MET_DTYPE_F16, &timeline, &err);
        }
        if (status == MET_OK) {
            status = metal->ops->step(timeline, &step, &logits, &err);
            if (status == MET_E_MEMORY) { /* nothing has changed: once more */
                failures++;
                assert_non_null(strstr(err.text, "cannot allocate"));
                metalsim_fail(METALSIM_FAULT_BUFFER, 0);
                assert_ok(metal->ops->step(timeline, &step, &logits, &err));
            } else {
                assert_int_equal(status, MET_OK);
                all_done = true;
            }
        } else {
            failures++;
            assert_int_equal(status, MET_E_MEMORY);
            assert_non_null(strstr(err.text, "cannot allocate"));
            assert_null(timeline);
        }
        metalsim_fail(METALSIM_FAULT_BUFFER, 0);
        if (timeline != NULL) metal->ops->timeline_free(timeline);
        if (loaded != NULL) metal->ops->unload(loaded);
        assert_true(nth < 100);
    }
    assert_true(failures > 10);
    (void)before; /* pipelines stay */
    metal->ops->close(metal);
    test_model_free(&model);
}

static void nothing_is_left_when_a_machine_is_closed(void **state)
{
    (void)state;
    test_model model;
    metal_model_make(&model, &metal_shapes[1]);
    met_machine *metal = metal_open("mps");
    free(metal_run(metal, &model.program, MET_DTYPE_F16, 100, (int32_t[]){70, 1}, 2));
    metal->ops->close(metal);
    test_model_free(&model);
    assert_int_equal(metalsim_live_objects(true), 0);
    assert_int_equal(metalsim_pending_command_buffers(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_in_many_buffers_are_the_same_weights),
        cmocka_unit_test(a_mapping_is_wrapped_and_not_copied),
        cmocka_unit_test(a_weight_larger_than_any_buffer_is_refused),
        cmocka_unit_test(what_the_device_cannot_hold_is_refused_with_exact_bytes),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(nothing_is_left_when_a_machine_is_closed),
    };
    return cmocka_run_group_tests_name("metal_memory", tests, NULL, NULL);
}
