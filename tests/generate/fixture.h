/* A small model for the tests of sessions and generation, on a machine of the test's choice. Its
 * vocabulary: 256 single bytes, some letters merged, <|endoftext|> <|im_start|> <|im_end|>. */
#ifndef MET_TESTS_GENERATE_FIXTURE_H
#define MET_TESTS_GENERATE_FIXTURE_H

#include "base/text.h"
#include "generate/fake_machine.h"

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

/* A copy of the fixture's file as bytes, with another chat template, or without one (NULL). */
typedef struct fixture_bytes {
    met_mapping *mapping;
    const void *data;
    size_t count;
} fixture_bytes;

static inline fixture_bytes fixture_rewrite(const fixture *f, const char *chat_template)
{
    met_error err = {0};
    char path[64];
    met_gguf_writer *writer = NULL;
    const met_gguf *gguf = f->model->gguf;
    snprintf(path, sizeof path, "/tmp/metallic-rewrite-%d.gguf", (int)getpid());
    assert_ok(met_gguf_writer_begin(path, 32, &writer, &err));
    for (uint64_t k = 0; k < met_gguf_key_count(gguf); k++) {
        const met_gguf_key *key = met_gguf_key_at(gguf, k);
        if (met_str_is(key->name, "tokenizer.chat_template")) continue;
        if (met_str_is(key->name, "general.alignment")) continue;
        met_gguf_write_copy(writer, key);
    }
    if (chat_template != NULL) {
        met_gguf_write_str(writer, "tokenizer.chat_template", met_str_of(chat_template));
    }
    for (uint64_t t = 0; t < met_gguf_tensor_count(gguf); t++) {
        const met_gguf_tensor *tensor = met_gguf_tensor_at(gguf, t);
        char name[64];
        met_dtype type;
        snprintf(name, sizeof name, "%.*s", met_str_shown(tensor->name), tensor->name.data);
        assert_ok(met_gguf_tensor_dtype(gguf, tensor, &type, &err));
        met_gguf_describe_tensor(writer, name, type, tensor->dims, tensor->shape);
    }
    for (uint64_t t = 0; t < met_gguf_tensor_count(gguf); t++) {
        const met_gguf_tensor *tensor = met_gguf_tensor_at(gguf, t);
        met_gguf_write_data(writer, tensor->data, tensor->bytes);
    }
    assert_ok(met_gguf_writer_finish(writer, &err));
    fixture_bytes b = {NULL, NULL, 0};
    assert_ok(met_mapping_open(path, &b.mapping, &err));
    (void)unlink(path);
    b.data = met_mapping_data(b.mapping);
    b.count = met_mapping_bytes(b.mapping);
    return b;
}

#endif
