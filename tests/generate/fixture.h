/* A small model for the tests of sessions and generation, on a machine of the test's choice. Its
 * vocabulary: 256 single bytes, some letters merged, <|endoftext|> <|im_start|> <|im_end|>. */
#ifndef MET_TESTS_GENERATE_FIXTURE_H
#define MET_TESTS_GENERATE_FIXTURE_H

#include "fake_machine.h"

enum { FIXTURE_CONTEXT = 512 };

typedef struct fixture {
    fake_machine fake;
    met_context *context;
    met_model *model;
    int32_t byte[256]; /* the token of each byte */
    int32_t end;       /* <|im_end|> */
} fixture;

/* Write the model once and open it; the file is gone when the process ends. */
static inline met_status fixture_open_file(met_context *context, met_model **out, met_error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/metallic-generate-%d.gguf", (int)getpid());
    met_synth_options options = {.shape = "tiny", .type = "f32", .seed = 1};
    met_status status = met_synth(&options, path, NULL, NULL, err);
    if (status == MET_OK) status = met_model_open(context, path, out, err);
    (void)unlink(path); /* the mapping keeps it alive */
    return status;
}

static inline void fixture_find_tokens(fixture *f)
{
    met_error err = {0};
    memset(f->byte, -1, sizeof f->byte);
    f->end = -1;
    for (int32_t id = 0; id < met_model_describe(f->model).vocab; id++) {
        met_text text = {0};
        assert_ok(met_model_detokenize(f->model, &id, 1, true, &text, &err));
        if (text.bytes == 1) f->byte[(unsigned char)text.data[0]] = id;
        if (strcmp(text.data, "<|im_end|>") == 0) f->end = id;
        met_text_free(&text);
    }
    for (int i = 0; i < 256; i++)
        assert_true(f->byte[i] >= 0);
    assert_true(f->end >= 0);
}

/* On a fake machine that takes at most max_step_tokens at a time. */
static inline void fixture_open(fixture *f, int32_t max_step_tokens)
{
    met_error err = {0};
    memset(f, 0, sizeof *f);
    fake_machine_init(&f->fake, max_step_tokens);
    assert_ok(met_context_adopt(&f->fake.machine, "the test brought it", &f->context, &err));
    assert_ok(fixture_open_file(f->context, &f->model, &err));
    fixture_find_tokens(f);
}

/* Everything that was opened on the fake machine is closed. */
static inline void fixture_close(fixture *f)
{
    met_model_free(f->model);
    met_context_free(f->context);
    assert_int_equal(f->fake.loaded, 0);
    assert_int_equal(f->fake.timelines, 0);
    assert_int_equal(f->fake.closed, 1);
}

static inline met_session *fixture_session(fixture *f, int32_t context_length)
{
    met_error err = {0};
    met_session *session = NULL;
    met_session_options options = {.context_length = context_length};
    assert_ok(met_session_create(f->model, &options, &session, &err));
    return session;
}

#endif
