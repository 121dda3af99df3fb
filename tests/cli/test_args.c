/* The command's own parts, without a process: options, arguments, environment, ids, JSON values. */
#include "support/testing.h"

#include "cli/args.h"
#include "cli/environment.h"
#include "cli/generate_flags.h"
#include "cli/ids.h"
#include "cli/json_value.h"

#include <math.h>

enum { ARGUMENTS_MAX = 40 };

/* Parse NULL-terminated arguments of the default command. */
static met_status parse(met_generate_flags *flags, met_args *args, met_error *err,
                        const char *const *argv)
{
    static char *copy[ARGUMENTS_MAX];
    int argc = 0;

    memset(flags, 0, sizeof *flags);
    for (; argv[argc] != NULL; argc++) {
        assert_true(argc < ARGUMENTS_MAX);
        copy[argc] = (char *)(uintptr_t)argv[argc];
    }
    return met_args_parse(&met_command_generate, argc, copy, flags, args, err);
}

#define PARSE(...) parse(&flags, &args, &err, (const char *const[]){__VA_ARGS__, NULL})

static void expect_text(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void defaults_are_those_of_the_library(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;
    met_sampling sampling = met_sampling_default();
    met_generate_options options = met_generate_options_default();

    assert_ok(parse(&flags, &args, &err, (const char *const[]){NULL}));
    assert_true((float)flags.temperature == sampling.temperature);
    assert_int_equal(flags.top_k, sampling.top_k);
    assert_true((float)flags.top_p == sampling.top_p);
    assert_true((float)flags.min_p == sampling.min_p);
    assert_true((float)flags.repeat_penalty == sampling.repeat_penalty);
    assert_true((float)flags.presence_penalty == sampling.presence_penalty);
    assert_true((float)flags.frequency_penalty == sampling.frequency_penalty);
    assert_int_equal(flags.repeat_last_n, sampling.repeat_last_n);
    assert_int_equal(flags.max_tokens, options.max_tokens);
    assert_int_equal(flags.logprobs, options.logprobs);
    assert_int_equal(flags.speculate, options.speculate);
    assert_int_equal(flags.seed, -1);
    assert_null(flags.output_format); /* chosen by what standard output is */
    assert_null(flags.engine.gguf_path);
    assert_int_equal(args.argument_count, 0);
}

static void a_value_follows_its_flag_or_an_equals_sign(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_ok(PARSE("--prompt", "hello", "--top-k=40", "-n", "7", "--raw", "-m", "x.gguf",
                    "--min-p=0.05", "--context-length", "+12"));
    assert_string_equal(flags.prompt, "hello");
    assert_int_equal(flags.top_k, 40);
    assert_int_equal(flags.max_tokens, 7);
    assert_true(flags.raw);
    assert_string_equal(flags.engine.gguf_path, "x.gguf");
    assert_true(flags.min_p == 0.05);
    assert_int_equal(flags.engine.context_length, 12);
    assert_string_equal(flags.engine.kv_type, "f16");
    assert_ok(PARSE("--kv-type", "f32"));
    assert_string_equal(flags.engine.kv_type, "f32");
}

static void a_value_is_taken_as_it_is_also_with_a_dash(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_ok(PARSE("--prompt", "--help", "--presence-penalty", "-0.5", "--repeat-last-n", "-1",
                    "--system="));
    assert_string_equal(flags.prompt, "--help");
    assert_true(flags.presence_penalty == -0.5);
    assert_int_equal(flags.repeat_last_n, -1);
    assert_string_equal(flags.system, "");
    assert_false(args.help);
}

static void the_last_of_two_counts_but_stop_collects(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_ok(PARSE("--seed", "1", "--seed=2", "--stop", "a", "--stop=b"));
    assert_int_equal(flags.seed, 2);
    assert_int_equal(flags.stop.count, 2);
    assert_string_equal(flags.stop.items[0], "a");
    assert_string_equal(flags.stop.items[1], "b");

    const char *many[2 * (MET_TEXTS_MAX + 1) + 1] = {NULL};
    for (size_t i = 0; i <= MET_TEXTS_MAX; i++) {
        many[2 * i] = "--stop";
        many[2 * i + 1] = "x";
    }
    assert_int_equal(parse(&flags, &args, &err, many), MET_E_ARGUMENT);
    expect_text(err.text, "--stop");
    expect_text(err.text, "16");
    many[2 * MET_TEXTS_MAX] = NULL;
    assert_ok(parse(&flags, &args, &err, many));
    assert_int_equal(flags.stop.count, MET_TEXTS_MAX);
}

static void two_dashes_end_the_flags_and_one_is_an_argument(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_ok(PARSE("-", "--raw"));
    assert_true(flags.raw);
    assert_int_equal(args.argument_count, 1);
    assert_string_equal(args.arguments[0], "-");
    assert_ok(PARSE("--", "--raw"));
    assert_false(flags.raw);
    assert_string_equal(args.arguments[0], "--raw");
}

static void help_wins_over_what_is_wrong(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_ok(PARSE("--top-k", "x", "-h"));
    assert_true(args.help);
}

static void bad_values_name_flag_found_and_accepted(void **state)
{
    (void)state;
    static const struct {
        const char *flag, *value, *accepted;
    } cases[] = {
        {"--top-k", "-1", "a whole number from 0 to 2147483647"},
        {"--top-k", "1.5", "a whole number"},
        {"--top-k", " 1", "a whole number"},
        {"--top-k", "1 ", "a whole number"},
        {"--top-k", "0x10", "a whole number"},
        {"--top-k", "", "a whole number"},
        {"--top-k", "-", "a whole number"},
        {"--top-k", "99999999999999999999", "a whole number"},
        {"--max-tokens", "2147483648", "from 0 to 2147483647"},
        {"--seed", "-1", "from 0 to 9223372036854775807"},
        {"--seed", "9223372036854775808", "from 0 to 9223372036854775807"},
        {"--threads", "0", "from 1 to 256"},
        {"--threads", "257", "from 1 to 256"},
        {"--context-length", "0", "from 1 to 2147483647"},
        {"--logprobs", "65", "from 0 to 64"},
        {"--logprobs", "-1", "from 0 to 64"},
        {"--repeat-last-n", "-2", "from -1 to 2147483647"},
        {"--temperature", "-0.1", "a number from 0"},
        {"--temperature", "nan", "a number from 0"},
        {"--temperature", "inf", "a number from 0"},
        {"--temperature", "1e39", "a number from 0"},
        {"--temperature", "0x1p3", "a number from 0"},
        {"--temperature", "1,5", "a number from 0"},
        {"--temperature", " 1", "a number from 0"},
        {"--temperature", "", "a number from 0"},
        {"--temperature", "1e", "a number from 0"},
        {"--top-p", "0", "a number above 0 up to 1"},
        {"--top-p", "1.01", "a number above 0 up to 1"},
        {"--min-p", "1", "a number from 0, below 1"},
        {"--min-p", "-0.01", "a number from 0, below 1"},
        {"--repeat-penalty", "0", "a number above 0"},
        {"--presence-penalty", "much", "a number"},
        {"--frequency-penalty", "1e99", "a number"},
        {"--output-format", "gui", "tui, text, json, jsonl or none"},
        {"--output-format", "TEXT", "tui, text, json, jsonl or none"},
        {"--backend", "gpu", "auto, cpu or metal"},
        {"--kv-type", "q8_0", "f16 or f32"},
        {"--matmul", "blas", "auto, native, vendor, mlx or mps"},
        {"--kv-type", "", "f16 or f32"},
        {"--gguf-path", "", "a file name"},
        {"--prompt-file", "", "a file name"},
    };
    met_generate_flags flags;
    met_args args;
    met_error err;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        met_status status = PARSE(cases[i].flag, cases[i].value);
        if (status != MET_E_ARGUMENT) fail_msg("%s \"%s\" passed", cases[i].flag, cases[i].value);
        char found[64];
        snprintf(found, sizeof found, "found \"%s\"", cases[i].value);
        expect_text(err.text, cases[i].flag);
        expect_text(err.text, found);
        expect_text(err.text, cases[i].accepted);
    }
}

static void bounds_themselves_are_accepted(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--top-k", "0"},
        {"--top-k", "2147483647"},
        {"--seed", "9223372036854775807"},
        {"--seed", "0"},
        {"--threads", "1"},
        {"--threads", "256"},
        {"--logprobs", "0"},
        {"--logprobs", "64"},
        {"--temperature", "0"},
        {"--temperature", "1e3"},
        {"--top-p", "1"},
        {"--top-p", "1e-30"},
        {"--min-p", "0"},
        {"--min-p", ".999"},
        {"--repeat-last-n", "-1"},
        {"--max-tokens", "0"},
        {"--presence-penalty", "-2"},
        {"--frequency-penalty", "+2."},
    };
    met_generate_flags flags;
    met_args args;
    met_error err;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(PARSE(cases[i][0], cases[i][1]));
    }
}

static void a_switch_takes_no_value_and_others_need_one(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_int_equal(PARSE("--raw=yes"), MET_E_ARGUMENT);
    assert_string_equal(err.text, "--raw: found \"yes\", expected no value");
    assert_int_equal(PARSE("--top-k"), MET_E_ARGUMENT);
    assert_string_equal(err.text,
                        "--top-k: no value, expected a whole number from 0 to 2147483647");
    assert_int_equal(PARSE("-m"), MET_E_ARGUMENT);
    assert_string_equal(err.text, "--gguf-path: no value, expected a file name");
}

static void an_unknown_flag_suggests_the_nearest(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"--temprature", "--temperature"},
        {"--temp", "--temperature"},
        {"--max-token", "--max-tokens"},
        {"--topk", "--top-k"},
        {"--pormpt", "--prompt"},
        {"--gguf_path=x", "--gguf-path"},
        {"-prompt", "--prompt"},
        {"--hlep", "--help"},
        {"--output_format", "--output-format"},
    };
    met_generate_flags flags;
    met_args args;
    met_error err;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(PARSE(cases[i][0]), MET_E_ARGUMENT);
        char hint[64];
        snprintf(hint, sizeof hint, "did you mean %s?", cases[i][1]);
        expect_text(err.text, hint);
    }
    assert_int_equal(PARSE("--frobnicate-the-whole-thing-and-then-some-more-words"),
                     MET_E_ARGUMENT);
    assert_null(strstr(err.text, "did you mean"));
    expect_text(err.text, "--help");
    assert_int_equal(PARSE("--zzz"), MET_E_ARGUMENT);
    assert_null(strstr(err.text, "did you mean"));
    assert_int_equal(PARSE("-Z"), MET_E_ARGUMENT);
    expect_text(err.text, "-Z: unknown flag");
    assert_int_equal(PARSE("--=5"), MET_E_ARGUMENT);
}

static void the_first_error_is_told_and_the_rest_is_read(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_int_equal(PARSE("--top-k", "x", "--top-p", "y", "--output-format", "json"),
                     MET_E_ARGUMENT);
    expect_text(err.text, "--top-k");
    assert_string_equal(flags.output_format, "json");
}

static void the_number_of_arguments_is_checked(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;
    int64_t options[8] = {0};
    char *synth[] = {(char *)"tiny", (char *)"f32", (char *)"a", (char *)"b"};

    assert_int_equal(PARSE("-", "-"), MET_E_ARGUMENT);
    assert_true(met_command_synth.options_bytes <= sizeof options);
    assert_int_equal(met_args_parse(&met_command_synth, 2, synth, options, &args, &err),
                     MET_E_ARGUMENT);
    expect_text(err.text, "synth SHAPE TYPE OUT");
    assert_int_equal(met_args_parse(&met_command_synth, 4, synth, options, &args, &err),
                     MET_E_ARGUMENT);
    expect_text(err.text, "\"b\": unexpected argument");
    assert_ok(met_args_parse(&met_command_synth, 3, synth, options, &args, &err));
}

static void errors_are_one_printable_line(void **state)
{
    (void)state;
    met_generate_flags flags;
    met_args args;
    met_error err;

    assert_int_equal(PARSE("--top-k", "1\n\x1b[2J"), MET_E_ARGUMENT);
    for (const char *c = err.text; *c != '\0'; c++) {
        assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

static size_t options_called(const met_command *command, const char *name)
{
    size_t found = 0;
    for (size_t g = 0; g <= command->group_count; g++) {
        met_option_group group = met_command_group(command, g);
        for (size_t i = 0; i < group.count; i++) found += strcmp(group.options[i].name, name) == 0;
    }
    return found;
}

static void every_flag_of_every_command_is_sound(void **state)
{
    (void)state;
    for (const met_command *const *at = met_commands; *at != NULL; at++) {
        const met_command *command = *at;
        assert_non_null(command->run);
        assert_ptr_equal(met_command_find(command->name), command);
        bool taken[128] = {['h'] = true};
        for (size_t g = 0; g <= command->group_count; g++) {
            met_option_group group = met_command_group(command, g);
            bool common = g == command->group_count;
            for (size_t i = 0; i < group.count; i++) {
                const met_option *option = &group.options[i];
                size_t at_byte = group.offset + option->offset;
                assert_true(at_byte < (common ? sizeof(met_common_flags) : command->options_bytes));
                assert_true(option->help != NULL && option->help[0] != '\0');
                assert_int_equal(option->value_name != NULL, met_option_takes_value(option));
                assert_int_equal(option->choices != NULL, option->kind == MET_OPTION_CHOICE);
                /* One name leads to one option. */
                assert_int_equal(options_called(command, option->name), 1);
                assert_false(option->letter != '\0' && taken[(unsigned char)option->letter]);
                taken[(unsigned char)option->letter] = true;
            }
        }
    }
}

static void the_environment_is_typed(void **state)
{
    (void)state;
    met_environment environment;
    met_error err;

    unsetenv("METALLIC_BACKEND");
    unsetenv("METALLIC_THREADS");
    unsetenv("FORCE_MATMUL_BACKEND");
    unsetenv("METALLIC_LOG_LEVEL");
    setenv("METALLIC_MAX_CONTEXT_LEN", "", 1);
    assert_ok(met_environment_read(&environment, &err));
    assert_string_equal(environment.backend, "auto"); /* the table's defaults */
    assert_string_equal(environment.matmul, "auto");
    assert_int_equal(environment.threads, 0);
    assert_int_equal(environment.max_context_length, 0);
    assert_string_equal(environment.log_level, "warn");

    setenv("METALLIC_BACKEND", "cpu", 1);
    setenv("METALLIC_THREADS", "3", 1);
    setenv("FORCE_MATMUL_BACKEND", "mps", 1);
    setenv("METALLIC_MAX_CONTEXT_LEN", "99", 1);
    assert_ok(met_environment_read(&environment, &err));
    assert_string_equal(environment.backend, "cpu");
    assert_int_equal(environment.threads, 3);
    assert_string_equal(environment.matmul, "mps");
    assert_int_equal(environment.max_context_length, 99);

    setenv("METALLIC_THREADS", "many", 1);
    assert_int_equal(met_environment_read(&environment, &err), MET_E_ARGUMENT);
    assert_string_equal(err.text,
                        "METALLIC_THREADS: found \"many\", expected a whole number from 1 to 256");
    unsetenv("METALLIC_BACKEND");
    unsetenv("METALLIC_THREADS");
    unsetenv("FORCE_MATMUL_BACKEND");
    unsetenv("METALLIC_MAX_CONTEXT_LEN");
}

static void ids_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const char *const good[] = {"1,2,3", "1 2 3",   "[1, 2, 3]",   " 1 ,2\n,\t3 \n",
                                       "1 2,3", "[1 2 3]", "001,0002,3,", NULL};
    static const char *const bad[] = {"1,,2",       ",1",  "x",  "1 2x", "-1",
                                      "2147483648", "1.5", "[1", "1]",   "99999999999999999999",
                                      "1;2",        NULL};
    met_error err;

    for (size_t i = 0; good[i] != NULL && i < 6; i++) {
        met_ids ids = {0};
        assert_ok(met_ids_parse(&ids, "x", good[i], strlen(good[i]), &err));
        assert_int_equal(ids.count, 3);
        for (int32_t k = 0; k < 3; k++) {
            assert_int_equal(ids.items[k], k + 1);
        }
        free(ids.items);
    }
    for (size_t i = 0; bad[i] != NULL; i++) {
        met_ids ids = {0};
        if (met_ids_parse(&ids, "--tokens", bad[i], strlen(bad[i]), &err) != MET_E_ARGUMENT) {
            fail_msg("\"%s\" passed", bad[i]);
        }
        expect_text(err.text, "--tokens");
        free(ids.items);
    }
    met_ids ids = {0};
    assert_int_equal(met_ids_parse(&ids, "x", good[6], strlen(good[6]), &err), MET_E_ARGUMENT);
    free(ids.items);
    ids = (met_ids){0};
    assert_ok(met_ids_parse(&ids, "x", "[]", 2, &err));
    assert_ok(met_ids_parse(&ids, "x", "", 0, &err));
    assert_ok(met_ids_parse(&ids, "x", " \n", 2, &err));
    assert_int_equal(ids.count, 0);
    assert_ok(met_ids_parse(&ids, "x", "2147483647", 10, &err));
    assert_int_equal(ids.items[0], INT32_MAX);
    free(ids.items);
}

static void json_text_is_always_utf8(void **state)
{
    (void)state;
    /* Python's errors="replace" gives one U+FFFD for each maximal part; here for each bad byte. */
    static const struct {
        const char *bytes;
        size_t count;
        const char *text;
    } cases[] = {
        {"", 0, ""},
        {"h\xc3\xa9", 3, "h\xc3\xa9"},
        {"\xff", 1, "\xef\xbf\xbd"},
        {"a\xc3", 2, "a\xef\xbf\xbd"},
        {"\xc0\x80z", 3, "\xef\xbf\xbd\xef\xbf\xbdz"},
        {"\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf0\x9f\x98\x80\xf4\x90", 6, "\xf0\x9f\x98\x80\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *text = met_json_text(cases[i].bytes, cases[i].count);
        assert_non_null(text);
        assert_string_equal(json_string_value(text), cases[i].text);
        json_decref(text);
    }
    json_t *nul = met_json_text("a\0b", 3);
    assert_int_equal(json_string_length(nul), 3);
    json_decref(nul);
}

static void json_numbers_that_json_has_not_are_null(void **state)
{
    (void)state;
    json_t *numbers[] = {met_json_real(-INFINITY), met_json_real(NAN), met_json_real(0.5)};
    assert_true(json_is_null(numbers[0]));
    assert_true(json_is_null(numbers[1]));
    assert_true(json_real_value(numbers[2]) == 0.5);
    for (size_t i = 0; i < 3; i++) {
        json_decref(numbers[i]);
    }
}

static void json_survives_the_way_to_values_and_back(void **state)
{
    (void)state;
    static const char source[] =
        "[{\"role\":\"user\",\"content\":\"h\xc3\xa9llo\\u0000\",\"z\":null,\"a\":true,"
        "\"n\":-9223372036854775808,\"x\":0.5,\"list\":[[],{},\"\",[false]]}]";
    json_t *document = json_loads(source, JSON_ALLOW_NUL, NULL);
    assert_non_null(document);
    met_value *value = met_json_to_value(document);
    assert_non_null(value);
    json_t *back = met_json_from_value(value);
    assert_non_null(back);
    char *text = json_dumps(back, JSON_COMPACT);
    assert_string_equal(text, source); /* the order of keys too */
    free(text);
    json_decref(back);
    met_value_free(value);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_library),
        cmocka_unit_test(a_value_follows_its_flag_or_an_equals_sign),
        cmocka_unit_test(a_value_is_taken_as_it_is_also_with_a_dash),
        cmocka_unit_test(the_last_of_two_counts_but_stop_collects),
        cmocka_unit_test(two_dashes_end_the_flags_and_one_is_an_argument),
        cmocka_unit_test(help_wins_over_what_is_wrong),
        cmocka_unit_test(bad_values_name_flag_found_and_accepted),
        cmocka_unit_test(bounds_themselves_are_accepted),
        cmocka_unit_test(a_switch_takes_no_value_and_others_need_one),
        cmocka_unit_test(an_unknown_flag_suggests_the_nearest),
        cmocka_unit_test(the_first_error_is_told_and_the_rest_is_read),
        cmocka_unit_test(the_number_of_arguments_is_checked),
        cmocka_unit_test(errors_are_one_printable_line),
        cmocka_unit_test(every_flag_of_every_command_is_sound),
        cmocka_unit_test(the_environment_is_typed),
        cmocka_unit_test(ids_are_read_as_people_write_them),
        cmocka_unit_test(json_text_is_always_utf8),
        cmocka_unit_test(json_numbers_that_json_has_not_are_null),
        cmocka_unit_test(json_survives_the_way_to_values_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
