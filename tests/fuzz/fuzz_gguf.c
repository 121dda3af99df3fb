/* Any bytes as a GGUF file: they are read, shown, bound to a model and asked for one token, or
 * refused with a text. Nothing else may happen.
 *
 * Seeds come from seeds_gguf, so that no corpus is kept. */
#include "metallic.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* One machine for all inputs, as a server would have. */
static met_context *context;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    met_context_options options = met_context_options_default();
    options.backend = "cpu";
    options.threads = 1;
    if (met_context_create(&options, &context, NULL) != MET_OK) abort();
    return 0;
}

/* Look at every byte that the views promise, and at the promises. */
static void show(const met_file *file)
{
    met_file_info info = met_file_describe(file);
    for (uint64_t i = 0; i < info.keys; i++) {
        met_file_key key = met_file_key_at(file, i);
        if (key.key.bytes == 0 || memchr(key.key.data, 0, key.key.bytes) != NULL) abort();
        met_value_free(met_file_value_at(file, i, UINT64_MAX));
    }
    for (uint64_t i = 0; i < info.tensors; i++) {
        met_file_tensor tensor = met_file_tensor_at(file, i);
        if (tensor.offset_bytes > info.file_bytes) abort();
        if (tensor.bytes > info.file_bytes - tensor.offset_bytes) abort();
        if (tensor.type.bytes == 0 || tensor.name.bytes == 0) abort();
    }
}

/* One token through the whole model, and some text through its tokenizer. */
static void use(met_model *model)
{
    static const char text[] = "the rain\n<|im_end|> 12";
    met_session *session = NULL;
    met_session_options options = met_session_options_default();
    met_span control = {0, sizeof text - 1};
    int32_t tokens[64];
    size_t count = 0;
    met_text program = {0}, back = {0};
    met_error err;
    met_model_info info = met_model_describe(model);
    (void)met_model_program(model, &program, &err);
    met_text_free(&program);
    if (met_model_tokenize(model, (met_str){text, sizeof text - 1}, &control, 1, tokens, 64, &count,
                           &err) == MET_OK) {
        (void)met_model_detokenize(model, tokens, count, true, &back, &err);
        met_text_free(&back);
    }
    options.context_length = 4;
    if (info.vocab > 4096 || info.layers > 8) return; /* too slow to be worth it */
    if (met_session_create(model, &options, &session, &err) != MET_OK) return;
    const int32_t token = info.vocab - 1;
    const float *logits = NULL;
    if (met_session_feed(session, &token, 1, &logits, &err) == MET_OK) {
        volatile float last = logits[info.vocab - 1];
        (void)last;
    }
    met_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    met_file *file = NULL;
    met_model *model = NULL;
    met_error err = {0};
    void *copy = NULL; /* aligned as the interface asks; the sanitizer guards its end */
    if (posix_memalign(&copy, 64, bytes > 0 ? bytes : 1) != 0) return 0;
    if (bytes > 0) memcpy(copy, data, bytes);
    met_status status = met_file_open_memory(copy, bytes, "fuzz.gguf", &file, &err);
    if (status == MET_OK) {
        show(file);
        met_file_close(file);
        if (met_model_open_memory(context, copy, bytes, "fuzz.gguf", &model, &err) == MET_OK) {
            use(model);
            met_model_free(model);
        } else if (err.text[0] == '\0') {
            abort();
        }
    } else if (err.status != status || strncmp(err.text, "fuzz.gguf: ", 11) != 0) {
        abort();
    }
    free(copy);
    return 0;
}
