/* Which lines are commands, and the places of the window. */
#include "cli/tui/command.h"
#include "cli/tui/layout.h"
#include "support/testing.h"

static met_str view(const char *text)
{
    met_str out = {text, strlen(text)};
    return out;
}

static void a_slash_and_a_word_is_a_command_and_a_path_is_not(void **state)
{
    static const char *const yes[] = {"/help", " /help ", "/", "/save a b", "/?", "/HELP",
                                      "/system two\nlines"};
    static const char *const no[] = {"", "help", "/etc/hosts", "a /help", "/3 of it", "//", "/\nx"};
    (void)state;

    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        if (!met_tui_command_is(view(yes[i]))) fail_msg("\"%s\" is a command", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        if (met_tui_command_is(view(no[i]))) fail_msg("\"%s\" is no command", no[i]);
}

static void every_command_is_parsed_with_its_argument(void **state)
{
    met_tui_command command;
    met_error err;
    (void)state;

    for (size_t i = 0; i < MET_TUI_COMMAND_COUNT; i++) {
        char line[64];
        bool takes = met_tui_commands[i].argument[0] != '\0';
        snprintf(line, sizeof line, " /%s %s", met_tui_commands[i].name, takes ? " a  b " : "");
        assert_ok(met_tui_command_parse(view(line), &command, &err));
        assert_int_equal(command.kind, met_tui_commands[i].kind);
        assert_int_equal(command.argument.bytes, takes ? 4 : 0);
        if (takes) assert_memory_equal(command.argument.data, "a  b", 4);
    }
}

static void what_is_wrong_is_said_in_one_line(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"/hlep", "/hlep: unknown command, did you mean /help?; see /help"},
        {"/frobnicate", "/frobnicate: unknown command; see /help"},
        {"/", "/: unknown command; see /help"},
        {"/clear now", "/clear: found \"now\", expected nothing"},
        {"/load", "/load: found nothing, expected FILE"},
    };
    met_tui_command command;
    met_error err;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(met_tui_command_parse(view(cases[i].line), &command, &err),
                         MET_E_ARGUMENT);
        assert_string_equal(err.text, cases[i].says);
    }
}

static bool within(const met_tui_area *area, const met_tui_layout *layout)
{
    return area->row >= 0 && area->column >= 0 && area->rows >= 0 && area->columns >= 0 &&
           area->row + area->rows <= layout->rows &&
           area->column + area->columns <= layout->columns;
}

static bool apart(const met_tui_area *a, const met_tui_area *b)
{
    return a->rows == 0 || b->rows == 0 || a->columns == 0 || b->columns == 0 ||
           a->row + a->rows <= b->row || b->row + b->rows <= a->row ||
           a->column + a->columns <= b->column || b->column + b->columns <= a->column;
}

static void areas_lie_within_any_window_and_apart(void **state)
{
    (void)state;
    for (int rows = 0; rows < 70; rows++) {
        for (int columns = 0; columns < 220; columns += 3) {
            for (int wish = 0; wish < 24; wish++) {
                met_tui_wishes wishes = {(met_tui_panel_choice)(wish % 3), wish / 3 % 2 == 1,
                                         wish < 6 ? 1 : wish * 3};
                met_tui_layout l = met_tui_layout_of(rows, columns, &wishes);
                if (l.too_small) {
                    assert_true(rows < MET_TUI_LEAST_ROWS || columns < MET_TUI_LEAST_COLUMNS);
                    continue;
                }
                const met_tui_area *areas[] = {&l.header, &l.chat,  &l.panel,
                                               &l.log,    &l.input, &l.status};
                assert_true(l.chat.rows > 0 || l.panel.rows > 0);
                assert_true(l.input.rows > 0 && l.status.rows == 1);
                for (size_t i = 0; i < 6; i++) {
                    if (!within(areas[i], &l)) fail_msg("%d x %d: area %zu", columns, rows, i);
                    for (size_t j = 0; j < i; j++)
                        if (!apart(areas[i], areas[j])) {
                            fail_msg("%d x %d, wish %d: areas %zu and %zu meet", columns, rows,
                                     wish, i, j);
                        }
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slash_and_a_word_is_a_command_and_a_path_is_not),
        cmocka_unit_test(every_command_is_parsed_with_its_argument),
        cmocka_unit_test(what_is_wrong_is_said_in_one_line),
        cmocka_unit_test(areas_lie_within_any_window_and_apart),
    };
    return cmocka_run_group_tests_name("tui_command", tests, NULL, NULL);
}
