/* Values as callers build and read them. */
#include "support/testing.h"

#include "base/text.h"
#include "template/value.h"

static void scalars_read_back_as_they_were_made(void **state)
{
    (void)state;
    met_value *values[] = {met_value_null(),      met_value_bool(true),
                           met_value_int(-7),     met_value_uint(UINT64_MAX),
                           met_value_float(0.25), met_value_string("a\0b", 3)};
    const met_value_kind kinds[] = {MET_VALUE_NULL, MET_VALUE_BOOL,  MET_VALUE_INT,
                                    MET_VALUE_UINT, MET_VALUE_FLOAT, MET_VALUE_STRING};
    for (size_t i = 0; i < 6; i++) {
        assert_non_null(values[i]);
        assert_int_equal(met_value_get_kind(values[i]), kinds[i]);
        assert_int_equal(met_value_get_bool(values[i]), i == 1);
        assert_int_equal(met_value_get_int(values[i]), i == 2 ? -7 : 0);
        assert_true(met_value_get_uint(values[i]) == (i == 3 ? UINT64_MAX : 0));
        assert_true(met_value_get_float(values[i]) == (i == 4 ? 0.25 : 0.0));
        assert_int_equal(met_value_get_string(values[i]).bytes, i == 5 ? 3 : 0);
        assert_int_equal(met_value_get_count(values[i]), 0);
        assert_null(met_value_get_item(values[i], 0));
        assert_int_equal(met_value_get_key(values[i], 0).bytes, 0);
    }
    assert_memory_equal(met_value_get_string(values[5]).data, "a\0b", 4);
    for (size_t i = 0; i < 6; i++)
        met_value_free(values[i]);
}

static void small_naturals_are_plain_integers(void **state)
{
    (void)state;
    met_value *value = met_value_uint(INT64_MAX);
    assert_int_equal(met_value_get_kind(value), MET_VALUE_INT);
    assert_true(met_value_get_int(value) == INT64_MAX);
    assert_true(met_value_get_uint(value) == INT64_MAX);
    met_value_free(value);
}

static void null_pointers_read_as_nothing(void **state)
{
    (void)state;
    met_value_free(NULL);
    assert_int_equal(met_value_get_kind(NULL), MET_VALUE_NULL);
    assert_int_equal(met_value_get_count(NULL), 0);
    assert_null(met_value_get_item(NULL, 0));
    assert_null(met_value_find(NULL, met_str_of("a")));
}

static void dicts_keep_insertion_order_and_find_every_key(void **state)
{
    (void)state;
    enum { KEYS = 3000 };
    met_value *dict = met_value_dict();
    char key[32];
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key %d", i * 7919 % KEYS);
        assert_int_equal(met_value_set(dict, key, met_value_int(i)), MET_OK);
        assert_int_equal(met_value_get_count(dict), i + 1);
    }
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "key %d", i * 7919 % KEYS);
        assert_true(met_str_is(met_value_get_key(dict, (size_t)i), key));
        assert_int_equal(met_value_get_int(met_value_find(dict, met_str_of(key))), i);
    }
    assert_null(met_value_find(dict, met_str_of("key 3000")));
    assert_null(met_value_find(dict, met_str_of("")));
    met_value_free(dict);
}

static void setting_a_key_again_replaces_its_value_in_place(void **state)
{
    (void)state;
    met_value *dict = met_value_dict();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 20; i++) {
            char key[2] = {(char)('a' + i), '\0'};
            assert_int_equal(met_value_set(dict, key, met_value_int(100 * round + i)), MET_OK);
        }
    }
    assert_int_equal(met_value_get_count(dict), 20);
    assert_int_equal(met_value_get_int(met_value_get_item(dict, 3)), 103);
    met_value_free(dict);
}

static void failing_additions_say_so_and_take_the_item(void **state)
{
    (void)state;
    met_value *list = met_value_list();
    met_value *dict = met_value_dict();
    met_value *text = met_value_string("x", 1);
    assert_int_equal(met_value_push(list, NULL), MET_E_MEMORY);
    assert_int_equal(met_value_set(dict, "k", NULL), MET_E_MEMORY);
    assert_int_equal(met_value_push(dict, met_value_int(1)), MET_E_ARGUMENT);
    assert_int_equal(met_value_set(list, "k", met_value_int(1)), MET_E_ARGUMENT);
    assert_int_equal(met_value_push(text, met_value_int(1)), MET_E_ARGUMENT);
    assert_int_equal(met_value_push(NULL, met_value_int(1)), MET_E_ARGUMENT);
    assert_int_equal(met_value_push(list, list), MET_E_ARGUMENT);
    assert_int_equal(met_value_set(dict, "k", dict), MET_E_ARGUMENT);
    assert_int_equal(met_value_get_count(list), 0);
    assert_int_equal(met_value_get_count(dict), 0);
    met_value_free(list);
    met_value_free(dict);
    met_value_free(text);
}

static void a_million_nested_lists_are_freed_without_recursion(void **state)
{
    (void)state;
    met_value *outer = met_value_list();
    for (int i = 0; i < 1000000; i++) {
        met_value *list = met_value_list();
        assert_int_equal(met_value_push(list, outer), MET_OK);
        outer = list;
    }
    met_value_free(outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_read_back_as_they_were_made),
        cmocka_unit_test(small_naturals_are_plain_integers),
        cmocka_unit_test(null_pointers_read_as_nothing),
        cmocka_unit_test(dicts_keep_insertion_order_and_find_every_key),
        cmocka_unit_test(setting_a_key_again_replaces_its_value_in_place),
        cmocka_unit_test(failing_additions_say_so_and_take_the_item),
        cmocka_unit_test(a_million_nested_lists_are_freed_without_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
