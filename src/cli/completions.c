/* Owns: the hidden subcommand completions, which writes the shells' completion scripts from the
 * tables of the parser, so that they cannot disagree. */
#include "cli/command.h"
#include "cli/failure.h"

#include <string.h>

typedef void (*option_fn)(met_output *output, const met_command *command, const met_option *option);

static void for_each_option(met_output *output, const met_command *command, option_fn write)
{
    for (size_t g = 0; g <= command->group_count; g++) {
        met_option_group group = met_command_group(command, g);
        for (size_t i = 0; i < group.count; i++) {
            write(output, command, &group.options[i]);
        }
    }
}

static void write_choices(met_output *output, const met_option *option, const char *between)
{
    for (const char *const *choice = option->choices; *choice != NULL; choice++) {
        met_output_printf(output, "%s%s", choice == option->choices ? "" : between, *choice);
    }
}

/* The names of all subcommands but the default one. */
static void write_subcommands(met_output *output, const char *between)
{
    const char *before = "";
    for (const met_command *const *at = met_commands + 1; *at != NULL; at++) {
        if ((*at)->hidden) continue;
        met_output_printf(output, "%s%s", before, (*at)->name);
        before = between;
    }
}

/* ---- bash: works with 3.2, which macOS has. Words are separated by line feeds, so that file names
 * may hold spaces. */

static void write_bash_value(met_output *output, const met_command *command,
                             const met_option *option)
{
    if (!met_option_takes_value(option)) return;
    met_output_printf(output, "    %s:--%s", command->name, option->name);
    if (option->letter != '\0') {
        met_output_printf(output, " | %s:-%c", command->name, option->letter);
    }
    met_output_text(output, ")\n");
    if (option->kind == MET_OPTION_PATH) {
        met_output_text(output, "        compopt -o filenames 2>/dev/null\n"
                                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n");
    } else if (option->kind == MET_OPTION_CHOICE) {
        met_output_text(output, "        COMPREPLY=($(compgen -W $'");
        write_choices(output, option, "\\n");
        met_output_text(output, "' -- \"$cur\"))\n");
    }
    met_output_text(output, "        return ;;\n");
}

static void write_bash_flag(met_output *output, const met_command *command,
                            const met_option *option)
{
    (void)command;
    met_output_printf(output, "--%s\\n", option->name);
}

static void write_bash(met_output *output)
{
    met_output_text(output, "# bash completion for metallic; made by: metallic completions bash\n"
                            "# shellcheck shell=bash disable=SC2207\n"
                            "_metallic() {\n"
                            "    local IFS=$'\\n' command=generate flags=''\n"
                            "    local cur=${COMP_WORDS[COMP_CWORD]} "
                            "prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
                            "    COMPREPLY=()\n"
                            "    if [[ $cur == '=' ]]; then\n"
                            "        cur=''\n"
                            "    elif [[ $prev == '=' ]]; then\n"
                            "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
                            "    fi\n"
                            "    if ((COMP_CWORD > 1)); then\n"
                            "        case ${COMP_WORDS[1]} in\n"
                            "        ");
    write_subcommands(output, " | ");
    met_output_text(output, ") command=${COMP_WORDS[1]} ;;\n"
                            "        esac\n"
                            "    fi\n"
                            "    case $command:$prev in\n");
    for (const met_command *const *at = met_commands; *at != NULL; at++) {
        if (!(*at)->hidden) for_each_option(output, *at, write_bash_value);
    }
    met_output_text(output, "    esac\n    case $command in\n");
    for (const met_command *const *at = met_commands; *at != NULL; at++) {
        if ((*at)->hidden) continue;
        met_output_printf(output, "    %s) flags=$'", (*at)->name);
        for_each_option(output, *at, write_bash_flag);
        if (at == met_commands) met_output_text(output, "--version\\n");
        met_output_text(output, "--help' ;;\n");
    }
    met_output_text(output, "    esac\n"
                            "    if [[ $cur == -* ]]; then\n"
                            "        COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n"
                            "    elif ((COMP_CWORD == 1)); then\n"
                            "        COMPREPLY=($(compgen -W $'");
    write_subcommands(output, "\\n");
    met_output_text(output, "' -- \"$cur\"))\n"
                            "    else\n"
                            "        compopt -o filenames 2>/dev/null\n"
                            "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                            "    fi\n"
                            "}\n"
                            "complete -F _metallic metallic\n");
}

/* ---- zsh */

/* Text within single quotes, within the brackets of an _arguments specification. */
static void write_zsh_text(met_output *output, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            met_output_text(output, "'\\''");
            continue;
        }
        if (strchr("[]:\\", *text) != NULL) met_output_text(output, "\\");
        met_output_write(output, text, 1);
    }
}

static void write_zsh_option(met_output *output, const met_command *command,
                             const met_option *option)
{
    bool takes_value = met_option_takes_value(option);
    const char *equals = takes_value ? "=" : "";

    (void)command;
    met_output_text(output, " \\\n            ");
    if (option->kind == MET_OPTION_TEXTS) {
        met_output_printf(output, "'*--%s%s[", option->name, equals);
    } else if (option->kind == MET_OPTION_COUNT) {
        met_output_printf(output, "'*'{-%c,--%s}'[", option->letter, option->name);
    } else if (option->letter != '\0') {
        met_output_printf(output, "'(-%c --%s)'{-%c,--%s%s}'[", option->letter, option->name,
                          option->letter, option->name, equals);
    } else {
        met_output_printf(output, "'--%s%s[", option->name, equals);
    }
    write_zsh_text(output, option->help);
    met_output_text(output, "]");
    if (takes_value) met_output_printf(output, ":%s:", option->value_name);
    if (option->kind == MET_OPTION_PATH) met_output_text(output, "_files");
    if (option->kind == MET_OPTION_CHOICE) {
        met_output_text(output, "(");
        write_choices(output, option, " ");
        met_output_text(output, ")");
    }
    met_output_text(output, "'");
}

static void write_zsh(met_output *output)
{
    met_output_text(output, "#compdef metallic\n"
                            "# zsh completion for metallic; made by: metallic completions zsh\n"
                            "_metallic() {\n"
                            "    local command=generate\n"
                            "    if (( CURRENT > 2 )); then\n"
                            "        case ${words[2]} in\n"
                            "        (");
    write_subcommands(output, "|");
    met_output_text(output, ")\n"
                            "            command=${words[2]}\n"
                            "            shift words\n"
                            "            (( CURRENT-- )) ;;\n"
                            "        esac\n"
                            "    fi\n"
                            "    case $command in\n");
    for (const met_command *const *at = met_commands; *at != NULL; at++) {
        if ((*at)->hidden) continue;
        met_output_printf(output, "    (%s)\n        _arguments -S", (*at)->name);
        for_each_option(output, *at, write_zsh_option);
        met_output_text(output, " \\\n            '(- *)'{-h,--help}'[print help and exit]'");
        if (at == met_commands) {
            met_output_text(output, " \\\n            '(- *)--version[print the version and exit]'"
                                    " \\\n            '1:subcommand:(");
            write_subcommands(output, " ");
            met_output_text(output, ")'");
        } else if ((*at)->arguments_most > 0) {
            met_output_text(output, " \\\n            '*:argument:_files'");
        }
        met_output_text(output, " ;;\n");
    }
    met_output_text(output, "    esac\n"
                            "}\n"
                            "_metallic \"$@\"\n");
}

static met_status run(met_invocation *invocation, const void *options, met_error *err)
{
    const char *shell = invocation->arguments[0];

    (void)options;
    if (strcmp(shell, "bash") == 0) {
        write_bash(invocation->output);
    } else if (strcmp(shell, "zsh") == 0) {
        write_zsh(invocation->output);
    } else {
        return met_failure_set(err, MET_E_ARGUMENT,
                               "completions: found \"%.64s\", expected bash or zsh", shell);
    }
    return MET_OK;
}

const met_command met_command_completions = {
    .name = "completions",
    .summary = "Print the completion script for a shell.",
    .synopsis = "completions bash|zsh",
    .hidden = true,
    .runs_no_model = true,
    .options_bytes = 1, /* none */
    .arguments_least = 1,
    .arguments_most = 1,
    .run = run,
};
