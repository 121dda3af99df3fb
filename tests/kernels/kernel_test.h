/* What the kernel tests share: every test runs at every level above the reference, on seeded data
 * of several kinds, in buffers that end at a guard page, and compares bits. */
#ifndef MET_TESTS_KERNELS_KERNEL_TEST_H
#define MET_TESTS_KERNELS_KERNEL_TEST_H

#include "support/testing.h"

#include "backend/cpu/kernels.h"

#include <math.h>

/* What numbers a buffer is filled with. */
typedef enum fill_kind {
    FILL_RANDOM,        /* uniform in [-2, 2) */
    FILL_INTEGER,       /* small integers: sums are exact, so that only indexing can go wrong */
    FILL_WIDE,          /* any finite number: every exponent, subnormals, both zeros */
    FILL_TINY,          /* products underflow: sums are zeros and subnormals of both signs */
    FILL_TINY_NEGATIVE, /* all products are below zero and underflow: sums are -0 */
    FILL_SPECIAL,       /* some infinities and NaNs among random numbers */
} fill_kind;

#define FILL_KINDS ((fill_kind)(FILL_SPECIAL + 1))

typedef struct kernel_case {
    const met_cpu_kernels *kernels;   /* the level under test */
    const met_cpu_kernels *reference; /* the scalar level */
} kernel_case;

typedef struct kernel_test {
    const char *behaviour;
    void (*run)(const kernel_case *c);
} kernel_test;

const char *fill_name(fill_kind kind);

/* Floats, f16 and Q8_0 blocks of a kind. FILL_TINY_NEGATIVE makes weights negative and leaves
 * `fill_floats` positive, so that every product is below zero. */
void fill_floats(uint64_t *seed, fill_kind kind, float *x, size_t n);
void fill_weights_f32(uint64_t *seed, fill_kind kind, float *w, size_t n);
void fill_weights_f16(uint64_t *seed, fill_kind kind, uint16_t *w, size_t n);
void fill_weights_q8(uint64_t *seed, fill_kind kind, uint8_t *w, size_t blocks);

/* A guarded copy of `bytes` bytes (NULL: undefined content). Free with test_guarded_free. */
void *guarded_copy(const void *from, size_t bytes);

/* A guarded output whose bytes are all 0xa5, after 64 bytes of the same. */
void *output_open(size_t bytes);
/* Assert that the 64 bytes before it are as they were, and free it. */
void output_close(void *output, size_t bytes);

/* The same bits, or NaN in both. Fails with `what` (parameters and seed) and the first difference.
 */
void expect_same_floats(const float *expected, const float *found, size_t n, const char *what);
void expect_same_bytes(const void *expected, const void *found, size_t bytes, const char *what);

/* Text for `what`: valid until the next call. */
const char *describe(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Run every test at every level above the reference; a level that this processor lacks is skipped,
 * and counted. */
int run_kernel_tests(const char *group, const kernel_test *tests, size_t count);

#endif
