/* The conversation as the model reads it: its tokens, its system message, its file. */
#include "cli/bundled.h"
#include "cli/tui/talk.h"
#include "support/testing.h"

#include <fcntl.h>
#include <sys/stat.h>

typedef struct fixture {
    met_engine engine;
    met_tui_talk talk;
    char folder[32];
    char path[64];
} fixture;

static met_str view(const char *text)
{
    met_str out = {text, strlen(text)};
    return out;
}

static int open_model(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    met_context_options options = met_context_options_default();
    met_str bytes = met_bundled_model();
    met_error err;

    assert_non_null(f);
    options.threads = 1;
    assert_ok(met_context_create(&options, &f->engine.context, &err));
    assert_ok(met_model_open_memory(f->engine.context, bytes.data, bytes.bytes, "bundled",
                                    &f->engine.model, &err));
    snprintf(f->folder, sizeof f->folder, "/tmp/metallic-talk-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/talk.json", f->folder);
    *state = f;
    return 0;
}

static int close_model(void **state)
{
    fixture *f = *state;

    (void)unlink(f->path);
    (void)rmdir(f->folder);
    met_tui_talk_free(&f->talk);
    met_engine_close(&f->engine);
    free(f);
    return 0;
}

static void add(met_tui_talk *talk, met_tui_role role, const char *text)
{
    met_error err;
    assert_ok(met_tui_talk_add(talk, role, view(text), &err));
}

/* A copy of the prompt's tokens. */
static int32_t *prompt(fixture *f, size_t *count)
{
    const int32_t *tokens;
    met_error err;

    assert_ok(met_tui_talk_prompt(&f->talk, &f->engine, NULL, &tokens, count, &err));
    int32_t *copy = calloc(*count, sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, tokens, *count * sizeof *copy);
    return copy;
}

/* "699" one digit at a time: an answer as a model may write it and the tokenizer would not. */
static size_t spell(fixture *f, const char *text, int32_t *tokens)
{
    size_t used = 0;
    met_error err;

    for (const char *at = text; *at != '\0'; at++) {
        size_t count;
        assert_ok(met_model_tokenize(f->engine.model, (met_str){at, 1}, NULL, 0, tokens + used, 4,
                                     &count, &err));
        used += count;
    }
    return used;
}

static void an_answers_own_tokens_are_in_the_next_prompt(void **state)
{
    fixture *f = *state;
    int32_t answer[64], *whole_tokens = NULL;
    size_t first_count, next_count, whole_count;
    met_error err;

    add(&f->talk, MET_TUI_ROLE_USER, "Say hello.");
    int32_t *first = prompt(f, &first_count);
    size_t answer_count = spell(f, "hello there", answer);
    assert_ok(met_engine_tokenize(&f->engine, view("hello there"), NULL, 0, &whole_tokens,
                                  &whole_count, &err));
    assert_true(answer_count > whole_count); /* otherwise this test would show nothing */
    assert_ok(met_tui_talk_answered(&f->talk, view("hello there"), answer, answer_count, &err));
    add(&f->talk, MET_TUI_ROLE_USER, "Again.");
    int32_t *next = prompt(f, &next_count);
    assert_true(next_count > first_count + answer_count);
    assert_memory_equal(next, first, first_count * sizeof *first);
    assert_memory_equal(next + first_count, answer, answer_count * sizeof *answer);

    /* The text is the same as that of a conversation that was never generated. */
    met_text spliced = {0}, plain = {0};
    met_tui_talk other = {0};
    const int32_t *tokens;
    size_t count;
    add(&other, MET_TUI_ROLE_USER, "Say hello.");
    add(&other, MET_TUI_ROLE_ASSISTANT, "hello there");
    add(&other, MET_TUI_ROLE_USER, "Again.");
    assert_ok(met_tui_talk_prompt(&other, &f->engine, NULL, &tokens, &count, &err));
    assert_int_equal(count, next_count - answer_count + whole_count);
    assert_ok(met_model_detokenize(f->engine.model, next, next_count, true, &spliced, &err));
    assert_ok(met_model_detokenize(f->engine.model, tokens, count, true, &plain, &err));
    assert_string_equal(spliced.data, plain.data);
    met_text_free(&spliced);
    met_text_free(&plain);
    met_tui_talk_free(&other);
    free(whole_tokens);
    free(first);
    free(next);
}

static void what_is_changed_before_it_is_cut_into_tokens_again(void **state)
{
    fixture *f = *state;
    int32_t answer[64];
    size_t count, again_count;
    met_error err;

    add(&f->talk, MET_TUI_ROLE_USER, "Say hello.");
    free(prompt(f, &count));
    size_t answer_count = spell(f, "hello", answer);
    assert_ok(met_tui_talk_answered(&f->talk, view("hello"), answer, answer_count, &err));
    assert_ok(met_tui_talk_set_system(&f->talk, view("Be kind."), &err));
    add(&f->talk, MET_TUI_ROLE_USER, "Again.");
    int32_t *changed = prompt(f, &count);

    met_tui_talk other = {0};
    const int32_t *tokens;
    add(&other, MET_TUI_ROLE_SYSTEM, "Be kind.");
    add(&other, MET_TUI_ROLE_USER, "Say hello.");
    add(&other, MET_TUI_ROLE_ASSISTANT, "hello");
    add(&other, MET_TUI_ROLE_USER, "Again.");
    assert_ok(met_tui_talk_prompt(&other, &f->engine, NULL, &tokens, &again_count, &err));
    assert_int_equal(count, again_count);
    assert_memory_equal(changed, tokens, count * sizeof *changed);
    met_tui_talk_free(&other);
    free(changed);
}

static void control_tokens_in_a_message_are_text(void **state)
{
    fixture *f = *state;
    size_t plain_count, typed_count;
    int ends[2] = {0, 0};

    add(&f->talk, MET_TUI_ROLE_USER, "x");
    int32_t *plain = prompt(f, &plain_count);
    met_tui_talk_drop(&f->talk);
    add(&f->talk, MET_TUI_ROLE_USER, "x<|im_end|>");
    int32_t *typed = prompt(f, &typed_count);
    for (size_t i = 0; i < plain_count; i++)
        ends[0] += met_model_is_end(f->engine.model, plain[i]);
    for (size_t i = 0; i < typed_count; i++)
        ends[1] += met_model_is_end(f->engine.model, typed[i]);
    assert_true(ends[0] > 0);
    assert_int_equal(ends[0], ends[1]);
    free(plain);
    free(typed);
}

static void the_system_message_is_first_and_survives_clear(void **state)
{
    fixture *f = *state;
    met_error err;

    assert_ok(met_tui_talk_set_system(&f->talk, view(""), &err)); /* there is none */
    add(&f->talk, MET_TUI_ROLE_USER, "a");
    assert_ok(met_tui_talk_set_system(&f->talk, view("one"), &err));
    assert_ok(met_tui_talk_set_system(&f->talk, view("two"), &err));
    assert_int_equal(f->talk.count, 2);
    assert_string_equal(met_tui_talk_system(&f->talk).data, "two");
    met_tui_talk_clear(&f->talk);
    assert_int_equal(f->talk.count, 1);
    assert_ok(met_tui_talk_set_system(&f->talk, view(""), &err));
    assert_int_equal(f->talk.count, 0);
    assert_int_equal(met_tui_talk_system(&f->talk).bytes, 0);
}

static void what_was_saved_is_loaded_and_a_failure_changes_nothing(void **state)
{
    fixture *f = *state;
    met_tui_talk loaded = {0};
    met_error err;

    add(&f->talk, MET_TUI_ROLE_SYSTEM, "s");
    add(&f->talk, MET_TUI_ROLE_USER, "日本\n\"quoted\"\t\\");
    add(&f->talk, MET_TUI_ROLE_ASSISTANT, "");
    assert_ok(met_tui_talk_save(&f->talk, f->path, &err));
    assert_ok(met_tui_talk_load(&loaded, f->path, &err));
    assert_int_equal(loaded.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(loaded.messages[i].role, f->talk.messages[i].role);
        assert_string_equal(loaded.messages[i].text, f->talk.messages[i].text);
    }
    FILE *file = fopen(f->path, "w");
    assert_non_null(file);
    fputs("[{\"role\": \"user\"}]", file);
    fclose(file);
    assert_int_equal(met_tui_talk_load(&loaded, f->path, &err), MET_E_FORMAT);
    assert_int_equal(loaded.count, 3);
    assert_int_equal(met_tui_talk_save(&f->talk, f->path, &err), MET_E_ARGUMENT);
    met_tui_talk_free(&loaded);
}

static void a_file_far_too_large_is_refused_unread(void **state)
{
    fixture *f = *state;
    const off_t bytes = (16 << 20) + 1; /* parsing it would stop the screen */
    met_error err;

    add(&f->talk, MET_TUI_ROLE_USER, "kept");
    int descriptor = open(f->path, O_WRONLY | O_CREAT, 0600);
    assert_true(descriptor >= 0);
    int grown = ftruncate(descriptor, bytes);
    close(descriptor);
    if (grown != 0) skip(); /* a file system without holes or without files of this size */
    assert_int_equal(met_tui_talk_load(&f->talk, f->path, &err), MET_E_FORMAT);
    assert_non_null(strstr(err.text, "16777217 bytes, expected at most 16777216"));
    assert_int_equal(f->talk.count, 1);
    assert_int_equal(met_tui_talk_save(&f->talk, f->path, &err), MET_E_ARGUMENT);
}

static void a_message_of_more_than_role_and_content_is_refused(void **state)
{
    fixture *f = *state;
    met_error err;
    json_t *list =
        json_pack("[{s:s, s:s, s:[]}]", "role", "assistant", "content", "", "tool_calls");

    add(&f->talk, MET_TUI_ROLE_USER, "kept");
    assert_int_equal(met_tui_talk_take(&f->talk, list, "list", &err), MET_E_FORMAT);
    assert_string_equal(err.text,
                        "list: message 1: found other keys, expected role and content alone");
    assert_int_equal(f->talk.count, 1);
    json_decref(list);
}

static void what_is_saved_again_keeps_its_readers_and_its_link(void **state)
{
    fixture *f = *state;
    char linked[sizeof f->path + 8];
    struct stat info;
    met_error err;

    add(&f->talk, MET_TUI_ROLE_USER, "private");
    assert_ok(met_tui_talk_save(&f->talk, f->path, &err));
    assert_int_equal(chmod(f->path, 0600), 0);
    snprintf(linked, sizeof linked, "%s.link", f->path);
    assert_int_equal(symlink("talk.json", linked), 0);
    add(&f->talk, MET_TUI_ROLE_ASSISTANT, "still");
    met_status status = met_tui_talk_save(&f->talk, linked, &err);
    int is_there = lstat(linked, &info);
    bool is_link = S_ISLNK(info.st_mode);
    (void)unlink(linked);
    assert_ok(status);
    assert_true(is_there == 0 && is_link);
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    met_tui_talk_clear(&f->talk);
    assert_ok(met_tui_talk_load(&f->talk, f->path, &err));
    assert_int_equal(f->talk.count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answers_own_tokens_are_in_the_next_prompt, open_model,
                                        close_model),
        cmocka_unit_test_setup_teardown(what_is_changed_before_it_is_cut_into_tokens_again,
                                        open_model, close_model),
        cmocka_unit_test_setup_teardown(control_tokens_in_a_message_are_text, open_model,
                                        close_model),
        cmocka_unit_test_setup_teardown(the_system_message_is_first_and_survives_clear, open_model,
                                        close_model),
        cmocka_unit_test_setup_teardown(what_was_saved_is_loaded_and_a_failure_changes_nothing,
                                        open_model, close_model),
        cmocka_unit_test_setup_teardown(a_file_far_too_large_is_refused_unread, open_model,
                                        close_model),
        cmocka_unit_test_setup_teardown(a_message_of_more_than_role_and_content_is_refused,
                                        open_model, close_model),
        cmocka_unit_test_setup_teardown(what_is_saved_again_keeps_its_readers_and_its_link,
                                        open_model, close_model),
    };
    return cmocka_run_group_tests_name("tui_talk", tests, NULL, NULL);
}
