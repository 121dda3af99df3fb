/* What the library logs through the public interface: what, at which level, and how often. */
#include "fixture.h"

#include <pthread.h>

enum { LINES_MAX = 2048 };

typedef struct heard {
    pthread_mutex_t mutex;
    int count;
    met_log_level level[LINES_MAX];
    char line[LINES_MAX][160];
} heard;

static void hear(void *user, met_log_level level, const char *line)
{
    heard *to = user;
    pthread_mutex_lock(&to->mutex);
    assert_true(to->count < LINES_MAX);
    to->level[to->count] = level;
    (void)snprintf(to->line[to->count++], sizeof to->line[0], "%s", line);
    pthread_mutex_unlock(&to->mutex);
    assert_true(met_utf8_valid(met_str_of(line), NULL));
    for (const char *c = line; *c != '\0'; c++) assert_true((unsigned char)*c >= 0x20);
}

static void clear(heard *to)
{
    memset(to, 0, sizeof *to);
    pthread_mutex_init(&to->mutex, NULL);
}

static bool has(const heard *to, met_log_level level, const char *part)
{
    for (int i = 0; i < to->count; i++) {
        if (to->level[i] == level && strstr(to->line[i], part) != NULL) return true;
    }
    return false;
}

static int count_of(const heard *to, met_log_level level)
{
    int count = 0;
    for (int i = 0; i < to->count; i++) count += to->level[i] == level;
    return count;
}

typedef struct opened {
    met_context *context;
    met_model *model;
    met_session *session;
} opened;

static void open_all(opened *o, heard *to, met_log_level level, int32_t threads)
{
    met_error err = {0};
    met_context_options options = met_context_options_default();
    options.threads = threads;
    options.log = hear;
    options.log_user = to;
    options.log_level = level;
    assert_ok(met_context_create(&options, &o->context, &err));
    assert_ok(fixture_open_file(o->context, &o->model, &err));
    assert_ok(met_session_create(o->model, NULL, &o->session, &err));
}

static void close_all(opened *o)
{
    met_session_free(o->session);
    met_model_free(o->model);
    met_context_free(o->context);
}

static void generate(opened *o, int32_t prompt, int32_t tokens)
{
    met_error err = {0};
    int32_t ids[FIXTURE_CONTEXT];
    met_generate_options options = met_generate_options_default();
    for (int32_t i = 0; i < prompt; i++) ids[i] = i % 100;
    options.max_tokens = tokens;
    options.ignore_end = true;
    assert_ok(met_generate(o->session, ids, prompt, &options, NULL, &err));
}

static void each_level_tells_its_kind_and_nothing_deeper(void **state)
{
    (void)state;
    static heard to;
    for (int level = MET_LOG_OFF; level <= MET_LOG_TRACE; level++) {
        opened o;
        clear(&to);
        open_all(&o, &to, (met_log_level)level, 2);
        generate(&o, 20, 5);
        close_all(&o);
        for (int i = 0; i < to.count; i++) assert_in_range(to.level[i], MET_LOG_ERROR, level);
        if (level < MET_LOG_INFO) assert_int_equal(to.count, 0); /* all is well */
        assert_int_equal(has(&to, MET_LOG_INFO, "machine cpu: "), level >= MET_LOG_INFO);
        assert_int_equal(has(&to, MET_LOG_INFO, "2 threads"), level >= MET_LOG_INFO);
        assert_int_equal(has(&to, MET_LOG_INFO, "qwen2"), level >= MET_LOG_INFO);
        assert_int_equal(has(&to, MET_LOG_INFO, "KV cache"), level >= MET_LOG_INFO);
        assert_int_equal(has(&to, MET_LOG_INFO, "finish: length"), level >= MET_LOG_INFO);
        assert_int_equal(has(&to, MET_LOG_DEBUG, "weights bound"), level >= MET_LOG_DEBUG);
        assert_int_equal(has(&to, MET_LOG_DEBUG, "keeps the first 0, computes 20"),
                         level >= MET_LOG_DEBUG);
        assert_int_equal(has(&to, MET_LOG_TRACE, "step: 20 tokens at 0"), level == MET_LOG_TRACE);
        assert_int_equal(has(&to, MET_LOG_TRACE, "step: 1 tokens at 23"), level == MET_LOG_TRACE);
    }
}

static void only_trace_grows_with_the_tokens(void **state)
{
    (void)state;
    static heard to;
    int lines[2][MET_LOG_TRACE + 1];
    for (int i = 0; i < 2; i++) {
        opened o;
        open_all(&o, &to, MET_LOG_TRACE, 1);
        clear(&to);
        generate(&o, 20, i == 0 ? 10 : 200);
        for (int level = MET_LOG_ERROR; level <= MET_LOG_TRACE; level++) {
            lines[i][level] = count_of(&to, (met_log_level)level);
        }
        close_all(&o);
    }
    for (int level = MET_LOG_ERROR; level < MET_LOG_TRACE; level++) {
        assert_int_equal(lines[0][level], lines[1][level]);
    }
    assert_int_equal(lines[1][MET_LOG_TRACE] - lines[0][MET_LOG_TRACE], 190);
}

static void reuse_rewinds_and_stops_are_told(void **state)
{
    (void)state;
    static heard to;
    opened o;
    met_error err = {0};
    clear(&to);
    open_all(&o, &to, MET_LOG_TRACE, 1);
    generate(&o, 20, 5);
    generate(&o, 30, 5);
    assert_true(has(&to, MET_LOG_DEBUG, "holds 24 tokens, keeps the first 20, computes 10"));
    assert_ok(met_session_rewind(o.session, 3, &err));
    assert_true(has(&to, MET_LOG_TRACE, "rewound from 34 to 3 tokens"));
    close_all(&o);
}

static void *generate_there(void *user)
{
    generate(user, 10, 20);
    return NULL;
}

static void threads_of_one_context_may_log_at_once(void **state)
{
    (void)state;
    static heard to;
    opened o[2];
    met_error err = {0};
    pthread_t threads[2];
    clear(&to);
    open_all(&o[0], &to, MET_LOG_TRACE, 1);
    o[1] = o[0];
    assert_ok(met_session_create(o[0].model, NULL, &o[1].session, &err));
    int before = count_of(&to, MET_LOG_TRACE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, generate_there, &o[i]), 0);
    }
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_int_equal(count_of(&to, MET_LOG_TRACE) - before, 2 * 20); /* the last is not computed */
    met_session_free(o[1].session);
    close_all(&o[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_level_tells_its_kind_and_nothing_deeper),
        cmocka_unit_test(only_trace_grows_with_the_tokens),
        cmocka_unit_test(reuse_rewinds_and_stops_are_told),
        cmocka_unit_test(threads_of_one_context_may_log_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
