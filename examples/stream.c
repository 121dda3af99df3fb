/* Streams an answer: stream MODEL.gguf "question". Uses only the public header. */
#include <stdio.h>
#include <stdlib.h>

#include "metallic.h"

static bool show(void *user, const met_token_event *event)
{
    (void)user;
    fwrite(event->text.data, 1, event->text.bytes, stdout);
    return fflush(stdout) == 0; /* false stops: nobody listens any more */
}

int main(int argc, char **argv)
{
    met_error err = {MET_OK, "usage: stream MODEL.gguf QUESTION"};
    met_context *context = NULL;
    met_model *model = NULL;
    met_session *session = NULL;
    met_text prompt = {0};
    int32_t tokens[1024];
    size_t count = 0;
    met_generate_result result;
    met_generate_options options = met_generate_options_default();
    met_message question = {"user", argc == 3 ? argv[2] : ""};
    options.on_token = show;

    bool ok = argc == 3 && met_context_create(NULL, &context, &err) == MET_OK &&
              met_model_open(context, argv[1], &model, &err) == MET_OK &&
              met_model_chat(model, &question, 1, &prompt, &err) == MET_OK &&
              met_model_tokenize(model, (met_str){prompt.data, prompt.bytes}, prompt.control,
                                 prompt.control_count, tokens, 1024, &count, &err) == MET_OK &&
              met_session_create(model, NULL, &session, &err) == MET_OK &&
              met_generate(session, tokens, (int32_t)count, &options, &result, &err) == MET_OK;
    ok ? (void)putchar('\n') : (void)fprintf(stderr, "stream: %s\n", err.text);

    met_session_free(session);
    met_text_free(&prompt);
    met_model_free(model);
    met_context_free(context);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
