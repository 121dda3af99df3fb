/* Templates through the C interface: provenance, bounds, errors. What they render is compared with
 * jinja2 by the Python tests. */
#include "support/testing.h"

#include <locale.h>

#include "base/text.h"
#include "template/eval.h"
#include "template/template.h"
#include "template/value.h"

/* "user" stands for what a caller gave: it looks like control tokens all over. */
static met_value *names_of_caller(void)
{
    met_value *names = met_value_dict();
    met_value *list = met_value_list();
    assert_int_equal(met_value_push(list, met_value_string("L1", 2)), MET_OK);
    assert_int_equal(met_value_push(list, met_value_string("L2", 2)), MET_OK);
    assert_int_equal(met_value_set(names, "user", met_value_string(" UsEr-text ", 11)), MET_OK);
    assert_int_equal(met_value_set(names, "list", list), MET_OK);
    assert_int_equal(met_value_set(names, "number", met_value_int(42)), MET_OK);
    return names;
}

/* Render, and compare with a text in which what is trusted stands between [ and ]. */
static void expect_marked(const char *source, const char *marked)
{
    met_error err = {.status = MET_OK};
    met_text text = {0};
    met_buffer found = {0};
    met_value *names = names_of_caller();
    assert_ok(met_template_render(met_str_of(source), names, &text, &err));
    size_t at = 0;
    for (size_t i = 0; i < text.control_count; i++) {
        met_span span = text.control[i];
        assert_true(span.begin >= at && span.begin < span.end && span.end <= text.bytes);
        assert_true(i == 0 || span.begin > at); /* ranges that touch are one */
        met_buffer_add(&found, text.data + at, span.begin - at);
        met_buffer_printf(&found, "[%.*s]", (int)(span.end - span.begin), text.data + span.begin);
        at = span.end;
    }
    met_buffer_add(&found, text.data + at, text.bytes - at);
    met_buffer_add(&found, "", 0);
    assert_string_equal(found.data, marked);
    met_buffer_free(&found);
    met_text_free(&text);
    met_value_free(names);
}

static void what_the_template_says_is_trusted_and_nothing_else(void **state)
{
    (void)state;
    expect_marked("data", "[data]");
    expect_marked("", "");
    expect_marked("{{ user }}", " UsEr-text ");
    expect_marked("a{{ user }}b", "[a] UsEr-text [b]");
    expect_marked("a{{ 'x' }}b{# no #}c", "[axbc]");
    expect_marked("{% raw %}{{ user }}{% endraw %}", "[{{ user }}]");
    expect_marked("{{ number }}{{ 5 }}{{ none }}{{ true }}", "425NoneTrue");
    expect_marked("{{ missing }}a", "[a]");
}

static void concatenation_keeps_provenance(void **state)
{
    (void)state;
    expect_marked("{{ '<' + user + '>' }}", "[<] UsEr-text [>]");
    expect_marked("{{ '<' ~ user ~ number ~ '>' }}", "[<] UsEr-text 42[>]");
    expect_marked("{{ 'a' 'b' + 'c' }}", "[abc]");
    expect_marked("{{ 'ab' * 2 }}{{ user * 2 }}", "[abab] UsEr-text  UsEr-text ");
    expect_marked("{{ ('a' + user) * 2 }}", "[a] UsEr-text [a] UsEr-text ");
    expect_marked("{{ ['a', user] | join('-') }}", "[a-] UsEr-text ");
    expect_marked("{{ '-'.join(list) }}{{ user.strip().join(['(', ')']) }}",
                  "L1[-]L2[(]UsEr-text[)]");
}

static void what_is_cut_out_keeps_provenance(void **state)
{
    (void)state;
    expect_marked("{{ ('<' + user + '>')[0] }}{{ ('<' + user + '>')[1] }}", "[<] ");
    expect_marked("{{ ('ab' + user)[1:4] }}", "[b] U");
    expect_marked("{{ ('ab' + user.strip())[::-1] }}", "txet-rEsU[ba]");
    expect_marked("{{ ('ab' + user.strip()) | reverse }}", "txet-rEsU[ba]");
    expect_marked("{{ ('  ab' + user) | trim }}", "[ab] UsEr-text");
    expect_marked("{{ ('a-' + user + '-b').split('-') | join }}", "[a] UsErtext [b]");
    expect_marked("{{ ('a' + user) | list | join }}", "[a] UsEr-text ");
    expect_marked("{{ ('a,' + user).split(',')[0] }}", "[a]");
    expect_marked("{% for c in 'a' + user.strip() %}{{ c }}{% endfor %}", "[a]UsEr-text");
    expect_marked("{{ ('a' + user + 'b').partition('-') | last }}", "text [b]");
    expect_marked("{{ ('ab' + user) | truncate(6, true) }}", "[ab] ...");
    expect_marked("{{ ('ab' + user) | truncate(6, true, '..', 0) }}", "[ab] U[..]");
}

static void what_is_changed_keeps_provenance(void **state)
{
    (void)state;
    expect_marked("{{ ('Ab' + user) | upper }}", "[AB] USER-TEXT ");
    expect_marked("{{ (user + 'Ab').lower() }}", " user-text [ab]");
    expect_marked("{{ ('\xc3\x9f' + user.strip()) | upper }}", "[SS]USER-TEXT");
    expect_marked("{{ ('ab' + user) | title }}{{ ('ab' + user).capitalize() }}",
                  "[Ab] User-Text [Ab] user-text ");
    expect_marked("{{ user | replace('-', '+') }}", " UsEr[+]text ");
    expect_marked("{{ 'a-b' | replace('-', user) }}", "[a] UsEr-text [b]");
    expect_marked("{{ 'ab' | replace('', user.strip()[0]) }}", "U[a]U[b]U");
    expect_marked("{{ '%s|%d' % (user, number) }}", " UsEr-text [|]42");
    expect_marked("{{ '{}|{:>4}'.format(user, number) }}", " UsEr-text [|]  42");
    expect_marked("{{ user.strip().replace('UsEr-text', '%s') % 'x' }}", "[x]");
    expect_marked("{{ ('a\\n' + user) | indent(2) }}", "[a]\n   UsEr-text ");
    expect_marked("{{ ('<' + user) | e }}", "&lt; UsEr-text ");
    expect_marked("{{ 'a'.center(3) }}{{ '7'.zfill(2) }}", " [a] 0[7]");
}

static void what_is_computed_is_not_trusted(void **state)
{
    (void)state;
    expect_marked("{{ 'a' | tojson }}{{ ['a'] }}{{ {'k': 'v'} }}", "\"a\"['a']{'k': 'v'}");
    expect_marked("{{ ['a'] | string }}{{ 'a' | length }}", "['a']1");
    expect_marked("{{ '%r' % 'a' }}{{ '{!r}'.format('a') }}", "'a''a'");
}

static void blocks_and_macros_keep_provenance(void **state)
{
    (void)state;
    expect_marked("{% set x %}a{{ user }}b{% endset %}{{ x }}", "[a] UsEr-text [b]");
    expect_marked("{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(user) }}{{ m('y') }}",
                  "[<] UsEr-text [><y>]");
    expect_marked("{% filter upper %}a{{ user }}{% endfilter %}", "[A] USER-TEXT ");
    expect_marked("{% set x = namespace(t='') %}{% for i in list %}{% set x.t = x.t + i + ';' %}"
                  "{% endfor %}{{ x.t }}",
                  "L1[;]L2[;]");
    expect_marked("{{ user if number else 'a' }}{{ 'a' if number else user }}", " UsEr-text [a]");
    expect_marked("{{ missing | default('a') }}{{ missing | default(user) }}", "[a] UsEr-text ");
    expect_marked("{% for k, v in {'key': user}.items() %}{{ k }}{{ v }}{% endfor %}",
                  "[key] UsEr-text ");
}

/* ---------------------------------------------------------------- errors and bounds */

static void expect_error(const char *source, met_status status, const char *part)
{
    met_error err = {.status = MET_OK};
    met_text text = {.data = NULL};
    met_value *names = names_of_caller();
    assert_int_equal(met_template_render(met_str_of(source), names, &text, &err), status);
    assert_int_equal(err.status, status);
    if (strstr(err.text, part) == NULL) fail_msg("'%s' is not in '%s'", part, err.text);
    assert_null(text.data);
    assert_null(text.control);
    met_value_free(names);
}

static void a_source_that_is_not_utf8_is_an_error(void **state)
{
    (void)state;
    expect_error("ab\xff", MET_E_TEMPLATE, "byte 2 is not valid UTF-8");
    expect_error("{{ '\xc3' }}", MET_E_TEMPLATE, "byte 4 is not valid UTF-8");
}

static void values_that_are_not_utf8_are_an_error_where_they_are_used(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_text text = {0};
    met_value *names = met_value_dict();
    assert_int_equal(met_value_set(names, "bad", met_value_string("a\x80", 2)), MET_OK);
    assert_int_equal(met_template_render(met_str_of("{{ bad }}"), names, &text, &err),
                     MET_E_FORMAT);
    assert_non_null(strstr(err.text, "not valid UTF-8 at byte 1"));
    assert_ok(met_template_render(met_str_of("{{ good }}"), names, &text, &err));
    met_text_free(&text);
    met_value_free(names);
}

static void names_are_a_dict_or_nothing(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_text text = {0};
    met_value *list = met_value_list();
    assert_int_equal(met_template_render(met_str_of("a"), list, &text, &err), MET_E_ARGUMENT);
    assert_ok(met_template_render(met_str_of("a{{ b }}"), NULL, &text, &err));
    assert_string_equal(text.data, "a");
    assert_int_equal(text.bytes, 1);
    met_text_free(&text);
    met_value_free(list);
    assert_int_equal(met_template_render(met_str_of("{{"), NULL, &text, NULL), MET_E_TEMPLATE);
}

static void integers_beyond_64_bits_with_a_sign_are_an_error(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_text text = {0};
    met_value *names = met_value_dict();
    assert_int_equal(met_value_set(names, "n", met_value_uint(UINT64_MAX)), MET_OK);
    assert_int_equal(met_template_render(met_str_of("{{ n }}"), names, &text, &err),
                     MET_E_TEMPLATE);
    assert_non_null(strstr(err.text, "18446744073709551615"));
    met_value_free(names);
}

static void a_huge_text_is_refused_before_it_is_made(void **state)
{
    (void)state;
    expect_error("{{ 'a' * 10 ** 9 }}", MET_E_TEMPLATE, "bound of 67108864 bytes");
    expect_error("{{ 'a' * 9223372036854775807 }}", MET_E_TEMPLATE, "bound of 67108864 bytes");
    expect_error("{{ 'a'.center(10 ** 12) }}", MET_E_TEMPLATE, "bound of 67108864 bytes");
    expect_error("{{ '%999999999d' % 1 }}", MET_E_TEMPLATE, "bound of 67108864 bytes");
    expect_error("{{ '{:999999999}'.format(1) }}", MET_E_TEMPLATE, "bound of 67108864 bytes");
    expect_error("{{ 'a\nb' | indent(10 ** 10) }}", MET_E_TEMPLATE, "bound of 67108864 bytes");
    expect_error("{{ [1] * 10 ** 12 }}", MET_E_TEMPLATE, "bytes of memory");
    expect_error("{{ [1, 2] * 9223372036854775807 }}", MET_E_TEMPLATE, "bytes of memory");
    expect_error("{{ range(10 ** 9) | list }}", MET_E_TEMPLATE, "expected at most 100000");
}

static void growing_output_meets_its_bound(void **state)
{
    (void)state;
    const char *source = "{% set x = 'a' * 10000000 %}{% for i in range(7) %}{{ x }}{% endfor %}";
    expect_error(source, MET_E_TEMPLATE, "bound of 67108864 bytes");
}

static void growing_memory_meets_its_bound(void **state)
{
    (void)state;
    const char *source = "{% set x = 'a' * 60000000 %}{% for i in range(20) %}"
                         "{% set y = x ~ i %}{% endfor %}";
    expect_error(source, MET_E_TEMPLATE, "bytes of memory");
}

static met_status evaluate_within(const char *source, met_template_limits limits, met_error *err)
{
    met_template *parsed = NULL;
    met_text text = {0};
    met_status status = met_template_parse(met_str_of(source), &parsed, err);
    if (status == MET_OK) {
        status = met_template_evaluate_within(parsed, NULL, limits, &text, err);
    }
    met_text_free(&text);
    met_template_free(parsed);
    return status;
}

static void endless_work_meets_its_bound(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_template_limits limits = met_template_limits_default();
    limits.steps = 100000;
    const char *loops = "{% for a in range(1000) %}{% for b in range(1000) %}{% endfor %}"
                        "{% endfor %}";
    assert_int_equal(evaluate_within(loops, limits, &err), MET_E_TEMPLATE);
    assert_non_null(strstr(err.text, "bound of 100000 steps"));
    limits.steps = 3000;
    const char *search = "{% set x = 'a' * 100000 %}{% for i in range(100) %}"
                         "{% if 'b' in x %}{% endif %}{% endfor %}";
    assert_int_equal(evaluate_within(search, limits, &err), MET_E_TEMPLATE);
    assert_non_null(strstr(err.text, "steps"));
}

/* Work that grows faster than the source or the values has to be counted. */
static void work_that_multiplies_is_counted(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_template_limits limits = met_template_limits_default();
    static const char *const sources[] = {
        "{% set x = 'ab' * 2000000 %}{{ x.strip(('c' * 2000000) ~ 'ab') | length }}",
        "{% set x = 'a' * 4000000 %}{{ x.rfind('b' ~ x[:2000000]) }}",
        ("{% set x = ('1,' * 90000).split(',') %}{% set y = '1' * 4000000 %}"
         "{% for i in x %}{{ y.startswith('2') }}{% endfor %}"),
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        assert_int_equal(evaluate_within(sources[i], limits, &err), MET_E_TEMPLATE);
        if (strstr(err.text, "steps") == NULL) fail_msg("%s: %s", sources[i], err.text);
    }
}

static void recursion_meets_its_bound(void **state)
{
    (void)state;
    expect_error("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", MET_E_TEMPLATE,
                 "nests deeper than the bound of 1000");
    expect_error("{% set n = namespace(x=[]) %}{% for i in range(2000) %}{% set n.x = [n.x] %}"
                 "{% endfor %}{{ n.x }}",
                 MET_E_TEMPLATE, "nests deeper than the bound of 1000");
    expect_error("{% set n = namespace(x=[]) %}{% for i in range(2000) %}{% set n.x = [n.x] %}"
                 "{% endfor %}{{ n.x | tojson }}",
                 MET_E_TEMPLATE, "nests deeper than the bound of 1000");
}

/* `text` repeated with `middle` between two halves. */
static char *nest(const char *open, const char *middle, const char *close, int depth)
{
    met_buffer made = {0};
    for (int i = 0; i < depth; i++) {
        met_buffer_add_str(&made, met_str_of(open));
    }
    met_buffer_add_str(&made, met_str_of(middle));
    for (int i = 0; i < depth; i++) {
        met_buffer_add_str(&made, met_str_of(close));
    }
    return made.data; /* freed with free: the buffer's storage */
}

static void nesting_in_the_source_meets_its_bound(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"{% if 1 %}", "x", "{% endif %}"},
        {"{% for i in x %}", "x", "{% endfor %}"},
        {"{{ ", "1", " }}"},
        {"{% set x %}", "x", "{% endset %}"},
    };
    static const char *const expressions[][3] = {
        {"(", "1", ")"},    {"[", "1", "]"},      {"{1: ", "1", "}"},        {"-", "1", ""},
        {"not ", "1", ""},  {"f(", "1", ")"},     {"1 if 1 else ", "1", ""}, {"x[", "1", "]"},
        {"", "1", " if 1"}, {"x | f(", "1", ")"}, {"x is f(", "1", ")"},     {"1 + (", "1", ")"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *source = nest(cases[i][0], cases[i][1], cases[i][2], 5000);
        expect_error(source, MET_E_TEMPLATE, i == 2 ? "template line" : "nested deeper than 100");
        free(source);
    }
    for (size_t i = 0; i < sizeof expressions / sizeof expressions[0]; i++) {
        char *inner = nest(expressions[i][0], expressions[i][1], expressions[i][2], 5000);
        met_buffer source = {0};
        met_buffer_printf(&source, "{{ %s }}", inner);
        expect_error(source.data, MET_E_TEMPLATE, "nested");
        met_buffer_free(&source);
        free(inner);
    }
}

static void long_chains_are_not_nesting(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_template_limits limits = met_template_limits_default();
    static const char *const links[] = {" + 1",  " ~ 1",   " and 1", " or 0",
                                        " == 1", " | abs", " - 1"};
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        char *chain = nest("", "{{ 1", links[i], 5000);
        met_buffer source = {0};
        met_buffer_printf(&source, "%s }}", chain);
        assert_ok(evaluate_within(source.data, limits, &err));
        met_buffer_free(&source);
        free(chain);
    }
    char *branches = nest("", "{% if 0 %}a", "{% elif 0 %}b", 5000);
    met_buffer source = {0};
    met_buffer_printf(&source, "%s{%% endif %%}", branches);
    assert_ok(evaluate_within(source.data, limits, &err));
    met_buffer_free(&source);
    free(branches);
}

static void values_nested_too_deep_are_an_error(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_text text = {0};
    met_value *inner = met_value_list();
    for (int i = 0; i < 100000; i++) {
        met_value *outer = met_value_list();
        assert_int_equal(met_value_push(outer, inner), MET_OK);
        inner = outer;
    }
    met_value *names = met_value_dict();
    assert_int_equal(met_value_set(names, "x", inner), MET_OK);
    assert_int_equal(met_template_render(met_str_of("{{ x }}"), names, &text, &err),
                     MET_E_TEMPLATE);
    assert_non_null(strstr(err.text, "nests deeper"));
    met_value_free(names);
}

static void the_clock_is_what_the_caller_gives(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_text text = {0};
    met_value *names = met_value_dict();
    const char *source = "{{ strftime_now('%d %b %Y %H:%M:%S') }}{{ strftime_now is defined }}";
    expect_error(source, MET_E_TEMPLATE, "'strftime_now' is undefined");
    /* 2024-07-26 12:34:56, as the seconds that date gives for it. */
    assert_int_equal(met_value_set(names, "strftime_now", met_value_int(1721997296)), MET_OK);
    assert_ok(met_template_render(met_str_of(source), names, &text, &err));
    assert_string_equal(text.data, "26 Jul 2024 12:34:56True");
    assert_int_equal(text.control_count, 0);
    met_text_free(&text);
    met_value_free(names);
}

static void a_template_can_be_evaluated_many_times(void **state)
{
    (void)state;
    met_error err = {.status = MET_OK};
    met_template *parsed = NULL;
    assert_ok(met_template_parse(met_str_of("{% set x = (x or 0) + 1 %}{{ x }}"), &parsed, &err));
    for (int i = 0; i < 3; i++) {
        met_text text = {0};
        met_value *names = met_value_dict();
        assert_int_equal(met_value_set(names, "x", met_value_int(i)), MET_OK);
        assert_ok(met_template_evaluate(parsed, names, &text, &err));
        assert_int_equal(text.data[0], '1' + i);
        met_text_free(&text);
        met_value_free(names);
    }
    met_template_free(parsed);
    met_template_free(NULL);
}

static void another_locale_changes_nothing(void **state)
{
    (void)state;
    const char *before = setlocale(LC_ALL, NULL);
    char *saved = strdup(before);
    static const char *const commas[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
    bool set = false;
    for (size_t i = 0; !set && i < sizeof commas / sizeof commas[0]; i++) {
        set = setlocale(LC_ALL, commas[i]) != NULL;
    }
    /* Without such a locale installed this still holds; it says less. */
    expect_marked("{{ 1.5 }}{{ '2.5' | float }}{{ '%.1f' % 3.25 }}{{ 4.5 | tojson }}",
                  "1.52.53.24.5");
    (void)setlocale(LC_ALL, saved);
    free(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_template_says_is_trusted_and_nothing_else),
        cmocka_unit_test(concatenation_keeps_provenance),
        cmocka_unit_test(what_is_cut_out_keeps_provenance),
        cmocka_unit_test(what_is_changed_keeps_provenance),
        cmocka_unit_test(what_is_computed_is_not_trusted),
        cmocka_unit_test(blocks_and_macros_keep_provenance),
        cmocka_unit_test(a_source_that_is_not_utf8_is_an_error),
        cmocka_unit_test(values_that_are_not_utf8_are_an_error_where_they_are_used),
        cmocka_unit_test(names_are_a_dict_or_nothing),
        cmocka_unit_test(integers_beyond_64_bits_with_a_sign_are_an_error),
        cmocka_unit_test(a_huge_text_is_refused_before_it_is_made),
        cmocka_unit_test(growing_output_meets_its_bound),
        cmocka_unit_test(growing_memory_meets_its_bound),
        cmocka_unit_test(endless_work_meets_its_bound),
        cmocka_unit_test(work_that_multiplies_is_counted),
        cmocka_unit_test(recursion_meets_its_bound),
        cmocka_unit_test(nesting_in_the_source_meets_its_bound),
        cmocka_unit_test(long_chains_are_not_nesting),
        cmocka_unit_test(values_nested_too_deep_are_an_error),
        cmocka_unit_test(the_clock_is_what_the_caller_gives),
        cmocka_unit_test(a_template_can_be_evaluated_many_times),
        cmocka_unit_test(another_locale_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
