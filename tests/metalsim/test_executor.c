/* The executor with kernels that are plain C functions: no front end, as another one would use it.
 * What needs a sanitizer is in test_planted_bugs.py; this runs in the build's own mode. */
#include "support/testing.h"

#include "executor.h"
#include "group.h"
#include "group_memory.h"
#include "schedule.h"
#include "traffic.h"

enum { CELLS = 4096 };

static const sim_parameter buffer_parameter[] = {{"cells", SIM_BUFFER, 0, 1, -1}};

#define KERNEL(function)                                                                           \
    {                                                                                              \
        .name = #function, .entry = function, .parameters = buffer_parameter,                      \
        .parameter_count = 1, .line = __LINE__                                                     \
    }

static uint32_t *cells_of(const sim_thread *thread)
{
    return thread->buffers[0];
}

/* Run one dispatch; the report is returned. */
static sim_report run_one(const sim_kernel *kernel, uint32_t threads, uint32_t group,
                          uint32_t *cells, int workers, uint64_t seed)
{
    sim_executor *executor =
        sim_executor_open(&(sim_executor_options){.workers = workers, .seed = seed});
    sim_dispatch dispatch = {.kernel = kernel,
                             .buffers = {{cells, CELLS * sizeof *cells}},
                             .group_memory_bytes = {4 * SIM_MAX_THREADS},
                             .grid_threads = {threads, 1, 1},
                             .group_threads = {group, 1, 1}};
    sim_report report;
    assert_non_null(executor);
    bool ok = sim_executor_run(executor, &dispatch, 1, &report);
    assert_int_equal(ok, report.error[0] == '\0');
    sim_executor_close(executor);
    return report;
}

/* ---- Every thread runs once, knows where it is ----------------------------------------------- */

static void count_visits(const sim_thread *thread)
{
    __atomic_fetch_add(&cells_of(thread)[thread->thread_in_grid[0]], 1, __ATOMIC_RELAXED);
}

static void test_every_thread_runs_once_with_any_seed_and_workers(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(count_visits);
    for (uint64_t seed = 0; seed < 6; seed++) {
        for (int workers = 0; workers <= 4; workers += 2) {
            uint32_t cells[CELLS] = {0};
            sim_report report = run_one(&kernel, 1000, 96, cells, workers, seed);
            assert_string_equal(report.error, "");
            for (int i = 0; i < CELLS; i++)
                assert_int_equal(cells[i], i < 1000);
        }
    }
}

/* ---- Barriers and exchange ------------------------------------------------------------------- */

/* Each round, every thread reads what its neighbour wrote in the round before. */
static void pass_around(const sim_thread *thread)
{
    uint32_t *shared = thread->group_memory[0];
    uint32_t n = thread->threads_in_group[0], t = thread->thread_index_in_group;
    shared[t] = t;
    for (uint32_t round = 0; round < n; round++) {
        sim_group_barrier(1, __LINE__);
        uint32_t value = shared[(t + 1) % n];
        sim_group_barrier(1, __LINE__);
        shared[t] = value;
    }
    cells_of(thread)[thread->thread_in_grid[0]] = shared[t] + 1;
}

static void test_barriers_order_all_threads_of_a_group(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(pass_around);
    const uint32_t groups[] = {1, 31, 32, 33, 100, 256};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        for (uint64_t seed = 0; seed < 3; seed++) {
            uint32_t cells[CELLS] = {0};
            sim_report report = run_one(&kernel, 2 * groups[i], groups[i], cells, 2, seed);
            assert_string_equal(report.error, "");
            for (uint32_t t = 0; t < 2 * groups[i]; t++)
                assert_int_equal(cells[t], t % groups[i] + 1);
        }
    }
}

/* The largest value that lanes can hand over, many times: fast lanes must not disturb slow ones. */
static void exchange_often(const sim_thread *thread)
{
    struct wide {
        uint32_t words[SIM_LANE_BYTES / 4];
    } value, got;
    uint32_t sum = 0, present;
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t w = 0; w < SIM_LANE_BYTES / 4; w++)
            value.words[w] = thread->lane * 100 + round + w;
        const struct wide *slots = sim_subgroup_exchange(&value, sizeof value, &present, __LINE__);
        for (uint32_t lane = 0; lane < SIM_LANES; lane++) {
            if (!(present >> lane & 1)) continue;
            got = slots[lane];
            for (uint32_t w = 0; w < SIM_LANE_BYTES / 4; w++)
                sum += got.words[w] == lane * 100 + round + w;
        }
    }
    cells_of(thread)[thread->thread_in_grid[0]] = sum;
}

static void test_lanes_hand_over_values_of_any_size(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(exchange_often);
    for (uint64_t seed = 0; seed < 5; seed++) {
        uint32_t cells[CELLS] = {0};
        sim_report report = run_one(&kernel, 80, 80, cells, 1, seed);
        assert_string_equal(report.error, "");
        for (uint32_t t = 0; t < 80; t++)
            assert_int_equal(cells[t], 20 * (SIM_LANE_BYTES / 4) * (t < 64 ? 32 : 16));
    }
}

/* Lanes return one after another; the rest still meet. */
static void leave_early(const sim_thread *thread)
{
    uint32_t present = 0;
    for (uint32_t round = 0; round <= thread->lane; round++)
        sim_subgroup_exchange(&round, sizeof round, &present, __LINE__);
    cells_of(thread)[thread->thread_in_grid[0]] = present;
}

static void test_lanes_that_returned_are_not_waited_for(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(leave_early);
    for (uint64_t seed = 0; seed < 4; seed++) {
        uint32_t cells[CELLS] = {0};
        assert_string_equal(run_one(&kernel, 64, 64, cells, 1, seed).error, "");
        for (uint32_t t = 0; t < 64; t++)
            assert_int_equal(cells[t], UINT32_MAX << t % 32);
    }
}

static void too_wide(const sim_thread *thread)
{
    unsigned char value[SIM_LANE_BYTES + 1] = {0};
    uint32_t present;
    sim_subgroup_exchange(value, sizeof value, &present, __LINE__);
    cells_of(thread)[0] = 1;
}

static void test_an_exchange_of_too_much_is_refused(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(too_wide);
    uint32_t cells[CELLS] = {0};
    assert_non_null(strstr(run_one(&kernel, 32, 32, cells, 1, 0).error, "65 bytes"));
    assert_int_equal(cells[0], 0);
}

static void use_variables(const sim_thread *thread)
{
    uint32_t *first = sim_group_variable(0, 1000, 1), *second = sim_group_variable(1, 2000, 2);
    if (thread->thread_in_grid[0] > 0) return; /* one writer: ThreadSanitizer watches */
    first[0] = second[0] = 1;
    cells_of(thread)[0] = sim_group_variable(0, 1000, 3) == (void *)first && first != second;
}

static void test_group_memory_in_use_is_reported(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(use_variables);
    uint32_t cells[CELLS] = {0};
    sim_report report = run_one(&kernel, 64, 32, cells, 1, 0);
    assert_string_equal(report.error, "");
    assert_int_equal(report.group_memory_bytes, 4 * SIM_MAX_THREADS + 1000 + 2000);
    assert_int_equal(cells[0], 1);
}

/* ---- What is wrong is found ------------------------------------------------------------------ */

static void wait_for_ever(const sim_thread *thread)
{
    if (thread->lane < 16)
        sim_subgroup_barrier(0, 7);
    else
        sim_group_barrier(0, 9);
    cells_of(thread)[0] = 1;
}

/* The last thread raises what the others look at; in group 1 it forgets. */
static void wait_for_the_last(const sim_thread *thread)
{
    uint32_t *raised = &cells_of(thread)[thread->group_in_grid[0]];
    if (thread->thread_index_in_group + 1 != thread->threads_in_group[0]) {
        while (sim_turn(6), __atomic_load_n(raised, __ATOMIC_RELAXED) == 0)
            continue;
    } else if (thread->group_in_grid[0] != 1) {
        __atomic_store_n(raised, 1, __ATOMIC_RELAXED);
    }
    sim_group_barrier(0, 5); /* one place for all: two would be divergence */
}

static void test_threads_that_wait_for_what_never_comes_are_an_error(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(wait_for_the_last);
    for (uint64_t seed = 0; seed < 3; seed++) {
        uint32_t cells[CELLS] = {0};
        assert_string_equal(run_one(&kernel, 40, 40, cells, 1, seed).error, "");
        assert_int_equal(cells[0], 1);
        sim_report report = run_one(&kernel, 80, 40, cells, 1, seed);
        assert_non_null(strstr(report.error, "kernel wait_for_the_last, group (1, 0, 0), line 6: "));
        assert_non_null(strstr(report.error, "turns in this loop for ever: 39 of 40 threads"));
    }
}

static void find_itself_wrong(const sim_thread *thread)
{
    if (thread->thread_in_grid[0] == 70) sim_fail("the front end's words", 12);
    __atomic_fetch_add(&cells_of(thread)[0], 1, __ATOMIC_RELAXED);
}

static void test_an_error_ends_the_run_and_the_executor_goes_on(void **state)
{
    (void)state;
    static const sim_kernel bad = KERNEL(wait_for_ever), self = KERNEL(find_itself_wrong),
                            good = KERNEL(pass_around);
    for (uint64_t seed = 0; seed < 3; seed++) {
        sim_executor *executor =
            sim_executor_open(&(sim_executor_options){.workers = 2, .seed = seed});
        uint32_t cells[CELLS] = {0};
        sim_report report;
        sim_dispatch dispatch = {.buffers = {{cells, sizeof cells}},
                                 .group_memory_bytes = {4096},
                                 .grid_threads = {96, 1, 1},
                                 .group_threads = {32, 1, 1}};
        for (int turn = 0; turn < 3; turn++) {
            dispatch.kernel = &bad;
            assert_false(sim_executor_run(executor, &dispatch, 1, &report));
            assert_non_null(strstr(report.error, "kernel wait_for_ever, group ("));
            assert_non_null(strstr(report.error,
                                   "line 7: divergence: 16 threads wait in a subgroup "
                                   "operation, 16 at the group's barrier in line 9"));
            dispatch.kernel = &self;
            assert_false(sim_executor_run(executor, &dispatch, 1, &report));
            assert_string_equal(report.error, "kernel find_itself_wrong, group (2, 0, 0), line 12: "
                                              "the front end's words");
            dispatch.kernel = &good;
            assert_true(sim_executor_run(executor, &dispatch, 1, &report));
            for (uint32_t t = 0; t < 96; t++)
                assert_int_equal(cells[t], t % 32 + 1);
        }
        sim_executor_close(executor);
    }
}

static void test_a_dispatch_that_cannot_run_is_refused(void **state)
{
    (void)state;
    static const sim_parameter two[] = {{"cells", SIM_BUFFER, 0, 1, -1},
                                        {"scratch", SIM_GROUP_MEMORY, 5, 0, -1}};
    static const sim_kernel kernel = {.name = "k",
                                      .entry = count_visits,
                                      .parameters = two,
                                      .parameter_count = 2,
                                      .max_threads = 64};
    uint32_t cells[CELLS] = {0};
    const sim_dispatch good = {.kernel = &kernel,
                               .buffers = {{cells, sizeof cells}},
                               .group_memory_bytes = {[5] = 16},
                               .grid_threads = {64, 1, 1},
                               .group_threads = {64, 1, 1}};
    sim_executor *executor = sim_executor_open(&(sim_executor_options){0});
    sim_report report;
    sim_dispatch d = good;
    d.buffers[0].address = NULL;
    assert_false(sim_executor_run(executor, &d, 1, &report));
    assert_string_equal(report.error, "kernel k: parameter cells: no buffer in slot 0");
    d = good;
    d.group_memory_bytes[5] = 0;
    assert_false(sim_executor_run(executor, &d, 1, &report));
    assert_string_equal(report.error, "kernel k: parameter scratch: no group memory in slot 5");
    d = good;
    d.grid_threads[2] = 0;
    assert_false(sim_executor_run(executor, &d, 1, &report));
    assert_non_null(strstr(report.error, "without threads"));
    d = good;
    d.group_threads[1] = 2;
    assert_false(sim_executor_run(executor, &d, 1, &report));
    assert_non_null(strstr(report.error, "than the kernel declares"));
    d.group_threads[1] = UINT32_MAX;
    assert_false(sim_executor_run(executor, &d, 1, &report));
    assert_non_null(strstr(report.error, "than there can be"));
    assert_int_equal(cells[0], 0);
    assert_true(sim_executor_run(executor, &good, 1, &report));
    assert_true(sim_executor_run(executor, NULL, 0, NULL));
    sim_executor_close(executor);
}

/* ---- The parts ------------------------------------------------------------------------------- */

static void test_a_schedule_has_every_group_once(void **state)
{
    (void)state;
    static const sim_kernel kernel = KERNEL(count_visits);
    const sim_dispatch dispatches[3] = {
        {.kernel = &kernel, .grid_threads = {10, 3, 1}, .group_threads = {4, 2, 1}},
        {.kernel = &kernel, .grid_threads = {1, 1, 1}, .group_threads = {32, 1, 1}},
        {.kernel = &kernel, .grid_threads = {64, 1, 2}, .group_threads = {8, 1, 1}}};
    const size_t groups[3] = {6, 1, 16};
    for (uint64_t seed = 0; seed < 20; seed++) {
        sim_schedule schedule;
        int seen[3][16] = {{0}};
        assert_true(sim_schedule_open(&schedule, dispatches, 3, seed));
        assert_int_equal(schedule.count, 23);
        for (size_t i = 0; i < schedule.count; i++)
            seen[schedule.tasks[i].dispatch][schedule.tasks[i].group]++;
        for (size_t d = 0; d < 3; d++)
            for (size_t g = 0; g < 16; g++)
                assert_int_equal(seen[d][g], g < groups[d]);
        if (seed == 0) assert_int_equal(schedule.tasks[0].dispatch, 0);
        if (seed == 0) assert_int_equal(schedule.tasks[22].group, 15);
        if (seed == 1) assert_int_equal(schedule.tasks[0].dispatch, 2);
        if (seed == 1) assert_int_equal(schedule.tasks[22].dispatch, 0);
        sim_schedule_close(&schedule);
    }
}

static void test_group_memory_is_exact_and_full_of_ones(void **state)
{
    (void)state;
    for (size_t bytes = 1; bytes < 300; bytes += 7) {
        sim_group_memory memory;
        assert_true(sim_group_memory_open(&memory, bytes));
        unsigned char *at = memory.address;
        assert_int_equal((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < bytes; i++)
            assert_int_equal(at[i], 0xff);
        memset(at, 0, bytes);
        assert_true(sim_group_memory_intact(&memory));
#if !defined(SIM_ASAN) && !defined(SIM_TSAN)
        at[bytes] = 0;
        assert_false(sim_group_memory_intact(&memory));
#endif
        sim_group_memory_close(&memory);
        assert_null(memory.address);
    }
}

#ifndef SIM_ASAN
void __asan_load4_noabort(uintptr_t address);
void __asan_storeN_noabort(uintptr_t address, size_t bytes);

static void test_traffic_belongs_to_the_nearest_buffer_before_it(void **state)
{
    (void)state;
    static unsigned char memory[1024];
    uintptr_t base = (uintptr_t)memory;
    /* Two offsets of one allocation, one of them bound twice, and an unrelated slot. */
    const sim_dispatch dispatch = {
        .buffers = {
            [2] = {memory + 100, 924}, [5] = {memory + 200, 824}, [7] = {memory + 100, 924}}};
    sim_traffic traffic[SIM_SLOTS] = {{0}};
    sim_traffic_map *map = sim_traffic_open(&dispatch);
    assert_non_null(map);
    __asan_load4_noabort(base + 100); /* nothing is selected yet */
    sim_traffic_select(map);
    __asan_load4_noabort(base + 100);
    __asan_load4_noabort(base + 102);
    __asan_load4_noabort(base + 198);        /* two bytes each */
    __asan_load4_noabort(base + 98);         /* two bytes before all */
    __asan_storeN_noabort(base + 300, 200);  /* many words */
    __asan_storeN_noabort(base + 310, 20);   /* again */
    __asan_storeN_noabort(base + 1020, 100); /* over the end */
    sim_traffic_select(NULL);
    __asan_load4_noabort(base + 104);
    sim_traffic_close(map, traffic);
    assert_int_equal(traffic[2].read_total, 4 + 4 + 2 + 2);
    assert_int_equal(traffic[2].read_unique, 6 + 2);
    assert_int_equal(traffic[2].written_total, 0);
    assert_int_equal(traffic[5].read_total, 2);
    assert_int_equal(traffic[5].written_total, 200 + 20 + 4);
    assert_int_equal(traffic[5].written_unique, 200 + 4);
    assert_int_equal(traffic[7].read_total, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_thread_runs_once_with_any_seed_and_workers),
        cmocka_unit_test(test_barriers_order_all_threads_of_a_group),
        cmocka_unit_test(test_lanes_hand_over_values_of_any_size),
        cmocka_unit_test(test_lanes_that_returned_are_not_waited_for),
        cmocka_unit_test(test_an_exchange_of_too_much_is_refused),
        cmocka_unit_test(test_group_memory_in_use_is_reported),
        cmocka_unit_test(test_threads_that_wait_for_what_never_comes_are_an_error),
        cmocka_unit_test(test_an_error_ends_the_run_and_the_executor_goes_on),
        cmocka_unit_test(test_a_dispatch_that_cannot_run_is_refused),
        cmocka_unit_test(test_a_schedule_has_every_group_once),
        cmocka_unit_test(test_group_memory_is_exact_and_full_of_ones),
#ifndef SIM_ASAN
        cmocka_unit_test(test_traffic_belongs_to_the_nearest_buffer_before_it),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
