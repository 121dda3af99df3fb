#include "kernels/kernel_test.h"

#include "base/half.h"

#include <stdbool.h>

enum { BEFORE_BYTES = 64, NAME_BYTES = 128 };

const char *fill_name(fill_kind kind)
{
    static const char *const names[FILL_KINDS] = {"random", "integer",       "wide",
                                                  "tiny",   "tiny-negative", "special"};
    return names[kind];
}

static float special(uint64_t random)
{
    return random % 3 == 0 ? INFINITY : random % 3 == 1 ? -INFINITY : NAN;
}

static float fill_one(uint64_t *seed, fill_kind kind)
{
    uint64_t random = test_random(seed);
    switch (kind) {
    case FILL_RANDOM: return 2.0f * test_random_float(seed);
    case FILL_INTEGER: return (float)((int32_t)(random >> 32) % 8);
    case FILL_WIDE: {
        uint32_t bits = (uint32_t)(random >> 32);
        if ((random & 15) == 0) bits &= 0x807fffffu; /* subnormal */
        if ((random & 15) == 1) bits &= 0x80000000u; /* zero */
        if ((bits & 0x7f800000u) == 0x7f800000u) bits &= 0xbfffffffu;
        float x;
        memcpy(&x, &bits, sizeof x);
        return x;
    }
    case FILL_TINY: return test_random_float(seed) * 0x1p-75f;
    case FILL_TINY_NEGATIVE: return (1.5f + 0.5f * test_random_float(seed)) * 0x1p-80f;
    case FILL_SPECIAL: return random % 37 == 0 ? special(random >> 32) : test_random_float(seed);
    }
    return 0.0f;
}

void fill_floats(uint64_t *seed, fill_kind kind, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = fill_one(seed, kind);
}

void fill_weights_f32(uint64_t *seed, fill_kind kind, float *w, size_t n)
{
    fill_floats(seed, kind, w, n);
    if (kind != FILL_TINY_NEGATIVE) return;
    for (size_t i = 0; i < n; i++)
        w[i] = -w[i];
}

/* f16 has no number below 2^-24: the tiny kinds rely on their vector being smaller still. */
void fill_weights_f16(uint64_t *seed, fill_kind kind, uint16_t *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t random = test_random(seed);
        switch (kind) {
        case FILL_RANDOM:
        case FILL_INTEGER:
        case FILL_SPECIAL: w[i] = met_float_to_half(fill_one(seed, kind)); break;
        case FILL_WIDE: {
            uint16_t half = (uint16_t)(random >> 48);
            w[i] = (half & 0x7c00u) == 0x7c00u ? half & 0xbfffu : half; /* finite */
            break;
        }
        case FILL_TINY: w[i] = (uint16_t)(random >> 48 & 0x8003u); break;
        case FILL_TINY_NEGATIVE: w[i] = 0x8001; break;
        }
    }
}

void fill_weights_q8(uint64_t *seed, fill_kind kind, uint8_t *w, size_t blocks)
{
    for (size_t b = 0; b < blocks; b++, w += MET_Q8_BLOCK_BYTES) {
        uint64_t random = test_random(seed);
        uint16_t scale = 0;
        fill_weights_f16(seed, kind, &scale, 1);
        if (kind == FILL_INTEGER) scale = 0x3c00; /* 1.0 */
        memcpy(w, &scale, sizeof scale);
        for (size_t i = 0; i < MET_Q8_BLOCK; i++)
            w[2 + i] = (uint8_t)(test_random(seed) >> 40);
        if (random % 8 == 0) memset(w + 2, 0x80, MET_Q8_BLOCK); /* -128 everywhere */
        if (random % 8 == 1) memset(w + 2, 0x7f, MET_Q8_BLOCK);
        if (random % 8 == 2) memset(w + 2, 0, MET_Q8_BLOCK);
    }
}

void *guarded_copy(const void *from, size_t bytes)
{
    void *buffer = test_guarded(bytes);
    if (from != NULL && bytes > 0) memcpy(buffer, from, bytes);
    return buffer;
}

void *output_open(size_t bytes)
{
    uint8_t *buffer = test_guarded(bytes + BEFORE_BYTES);
    memset(buffer, 0xa5, bytes + BEFORE_BYTES);
    return buffer + BEFORE_BYTES;
}

void output_close(void *output, size_t bytes)
{
    uint8_t *before = (uint8_t *)output - BEFORE_BYTES;
    for (size_t i = 0; i < BEFORE_BYTES; i++)
        assert_int_equal(before[i], 0xa5);
    test_guarded_free(before, bytes + BEFORE_BYTES);
}

const char *describe(const char *format, ...)
{
    static char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return text;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

void expect_same_floats(const float *expected, const float *found, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        bool same =
            bits_of(expected[i]) == bits_of(found[i]) || (isnan(expected[i]) && isnan(found[i]));
        if (!same) {
            fail_msg("%s: element %zu of %zu is %a (0x%08x), expected %a (0x%08x)", what, i, n,
                     (double)found[i], (unsigned)bits_of(found[i]), (double)expected[i],
                     (unsigned)bits_of(expected[i]));
        }
    }
}

void expect_same_bytes(const void *expected, const void *found, size_t bytes, const char *what)
{
    const uint8_t *a = expected;
    const uint8_t *b = found;
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] != b[i]) {
            fail_msg("%s: byte %zu of %zu is 0x%02x, expected 0x%02x", what, i, bytes,
                     (unsigned)b[i], (unsigned)a[i]);
        }
    }
}

/* A test at a level. */
typedef struct level_test {
    const kernel_test *test;
    int32_t level;
    char name[NAME_BYTES];
} level_test;

static void run_level_test(void **state)
{
    const level_test *t = *state;
    if (!met_cpu_level_available(t->level)) {
        print_message("# not on this processor: %s\n", met_cpu_level_name(t->level));
        skip();
    }
    met_cpu_kernels kernels = met_cpu_level_kernels(t->level);
    met_cpu_kernels reference = met_cpu_level_kernels(0);
    t->test->run(&(kernel_case){.kernels = &kernels, .reference = &reference});
}

int run_kernel_tests(const char *group, const kernel_test *tests, size_t count)
{
    size_t levels = (size_t)met_cpu_level_count();
    size_t runs = count * (levels - 1);
    if (runs == 0) { /* a machine with nothing but the reference */
        printf("1..0 # SKIP %s: no level above the reference\n", group);
        return 0;
    }
    level_test *all = calloc(runs, sizeof *all);
    struct CMUnitTest *units = calloc(runs, sizeof *units);
    for (size_t i = 0; i < runs; i++) {
        all[i].test = &tests[i % count];
        all[i].level = (int32_t)(i / count) + 1;
        snprintf(all[i].name, NAME_BYTES, "%s: %s", met_cpu_level_name(all[i].level),
                 all[i].test->behaviour);
        units[i] = (struct CMUnitTest){
            .name = all[i].name, .test_func = run_level_test, .initial_state = &all[i]};
    }
    int failed = _cmocka_run_group_tests(group, units, runs, NULL, NULL);
    free(units);
    free(all);
    return failed;
}
