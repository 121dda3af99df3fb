/* generate: after the first token a decode step allocates nothing, unless the KV cache doubles.
 * The linker sends every allocation of the library through the counters below (--wrap), and a
 * first test shows that it does. */
#include "base/text.h"
#include "fixture.h"

#include <stdatomic.h>

static atomic_int allocations; /* workers of the machine count too */

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *old, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
int __real_posix_memalign(void **out, size_t alignment, size_t bytes);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *old, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t bytes)
{
    allocations++;
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    allocations++;
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *old, size_t bytes)
{
    allocations++;
    return __real_realloc(old, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    allocations++;
    return __real_aligned_alloc(alignment, bytes);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t bytes)
{
    allocations++;
    return __real_posix_memalign(out, alignment, bytes);
}

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    allocations++;
    return __real_mmap(at, bytes, protection, flags, fd, offset);
}

static met_error err;

typedef struct watch {
    met_session *session;
    int32_t tokens;
    int32_t at_first; /* allocations when the first token was shown */
    int32_t at_last;
    uint64_t kv_bytes;
    int32_t growths;
    int32_t outside_growth; /* allocations in steps that did not make the cache grow */
} watch;

static bool on_token(void *user, const met_token_event *event)
{
    watch *w = user;
    uint64_t kv_bytes = met_session_memory_used(w->session).kv_bytes;
    int32_t now = allocations;
    if (event->index == 0)
        w->at_first = now;
    else if (kv_bytes != w->kv_bytes)
        w->growths++;
    else
        w->outside_growth += now - w->at_last;
    w->kv_bytes = kv_bytes;
    w->at_last = now;
    w->tokens++;
    return true;
}

static void decode(met_session *session, watch *w, bool everything, int32_t speculate)
{
    const char *const stop[] = {"never in a text of random letters", "\n\n\n\n\n\n\n\n"};
    int32_t prompt[] = {1, 2, 3, 4, 5};
    met_generate_result result;
    memset(w, 0, sizeof *w);
    w->session = session;
    met_generate_options options = met_generate_options_default();
    options.on_token = on_token;
    options.user = w;
    options.max_tokens = 400;
    options.ignore_end = true;
    options.speculate = speculate;
    if (everything) {
        options.sampling.temperature = 1;
        options.sampling.top_p = 0.95f;
        options.sampling.min_p = 0.01f;
        options.sampling.repeat_penalty = 1.1f;
        options.sampling.repeat_last_n = 64;
        options.logprobs = 64;
        options.stop = stop;
        options.stop_count = 2;
    }
    assert_ok(met_generate(session, prompt, 5, &options, &result, &err));
    assert_in_range(w->tokens, 400, 401); /* one more event for text held back */
    if (speculate > 0) assert_true(result.proposed_tokens > 0);
}

static void allocations_are_counted(void **state)
{
    (void)state;
    int32_t before = allocations;
    met_buffer buffer = {0};
    assert_true(met_buffer_reserve(&buffer, 100)); /* inside the library */
    met_buffer_free(&buffer);
    assert_int_equal(allocations, before + 1);
}

static void decoding_itself_allocates_nothing(void **state)
{
    (void)state;
    fixture f;
    watch w;
    fixture_open(&f, 16);
    met_session *session = fixture_session(&f, 0);
    for (int everything = 0; everything < 2; everything++) {
        decode(session, &w, everything, 0);
        assert_int_equal(w.growths, 0);
        assert_int_equal(w.at_last, w.at_first);
    }
    /* An answer that repeats itself: guesses are made, more than the machine takes at once. */
    int32_t repeated[400];
    for (int i = 0; i < 400; i++)
        repeated[i] = 10 + i % 7;
    f.fake.answer = repeated;
    f.fake.answer_count = 400;
    f.fake.answer_at = 5;
    decode(session, &w, false, 16);
    assert_int_equal(w.at_last, w.at_first);
    met_session_free(session);
    fixture_close(&f);
}

static void decoding_on_the_cpu_allocates_only_when_the_cache_grows(void **state)
{
    (void)state;
    met_context *context = NULL;
    met_model *model = NULL;
    met_session *session = NULL;
    watch w;
    met_context_options options = {.backend = "cpu", .threads = 2};
    assert_ok(met_context_create(&options, &context, &err));
    assert_ok(fixture_open_file(context, &model, &err));
    assert_ok(met_session_create(model, NULL, &session, &err));
    decode(session, &w, false, 0);
    assert_int_equal(w.outside_growth, 0);
    assert_in_range(w.growths, 0, 9); /* doublings up to 512 */
    decode(session, &w, true, 0);     /* the cache is as large as it gets */
    assert_int_equal(w.growths, 0);
    assert_int_equal(w.at_last, w.at_first);
    decode(session, &w, false, 16); /* greedy noise repeats itself */
    assert_int_equal(w.at_last, w.at_first);
    met_session_free(session);
    met_model_free(model);
    met_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_counted),
        cmocka_unit_test(decoding_itself_allocates_nothing),
        cmocka_unit_test(decoding_on_the_cpu_allocates_only_when_the_cache_grows),
    };
    return cmocka_run_group_tests_name("allocations", tests, NULL, NULL);
}
