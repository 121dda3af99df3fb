/* What C tests share: cmocka, seeded random numbers, buffers that end at a guard page, test data. */
#ifndef MET_TESTS_TESTING_H
#define MET_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metallic.h"

#include <sys/mman.h>
#include <unistd.h>

/* xorshift64*: the same numbers on every machine. Seed with anything but 0. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

/* Uniform in [-1, 1). */
static inline float test_random_float(uint64_t *state)
{
    return (float)(int64_t)(test_random(state) >> 40) * 0x1p-23f - 1.0f;
}

/* `bytes` bytes that end exactly where an unreadable page begins. */
static inline void *test_guarded(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (bytes + page - 1) / page * page;
    char *base = mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED);
    assert_int_equal(mprotect(base + body, page, PROT_NONE), 0);
    return base + body - bytes;
}

static inline void test_guarded_free(void *buffer, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t body = (bytes + page - 1) / page * page;
    (void)munmap((char *)buffer + bytes - body, body + page);
}

/* A path in the shared test data, or skip the test and say so. */
static inline void test_shared_path(const char *name, char *path, size_t path_bytes)
{
    const char *folder = getenv("MET_TEST_SHARED");
    snprintf(path, path_bytes, "%s/%s", folder == NULL ? "" : folder, name);
    if (access(path, R_OK) != 0) {
        print_message("# needs shared test data: %s\n", name);
        skip();
    }
}

/* A path in the source tree. */
static inline void test_source_path(const char *name, char *path, size_t path_bytes)
{
    const char *folder = getenv("MET_TEST_SOURCE");
    snprintf(path, path_bytes, "%s/%s", folder == NULL ? "." : folder, name);
}

/* Assert MET_OK and show the error's text otherwise. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        met_status assert_ok_status = (call);                                                      \
        if (assert_ok_status != MET_OK) {                                                          \
            fail_msg("%s: %s", met_status_name(assert_ok_status), err.text);                       \
        }                                                                                          \
    } while (0)

#endif
