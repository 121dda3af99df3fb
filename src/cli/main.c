/* Owns: the process: its three streams, which subcommand runs, how a failure is told and the exit
 * code. The invariant: standard output carries the answer alone; a failure is one line on standard
 * error. */
#include "cli/args.h"
#include "cli/clock.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/fault.h"
#include "cli/help.h"
#include "cli/json_value.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <unistd.h>

/* A stream that the caller closed must not become the first file that is opened. Each is replaced
 * by one that fails as a closed one does. */
static void hold_streams(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

    for (int descriptor = 0; descriptor < 3; descriptor++) {
        if (fcntl(descriptor, F_GETFD) != -1) continue;
        if (open("/dev/null", modes[descriptor]) != descriptor) _exit(MET_EXIT_FAILED);
    }
}

static void write_json_failure(met_json_failure form, const met_error *err, met_output *output)
{
    json_t *document = json_object();
    int bad = json_object_set_new(document, "schema", json_string(form.schema));
    if (form.event) bad |= json_object_set_new(document, "event", json_string("error"));
    json_t *reason = json_object();
    bad |= json_object_set_new(reason, "code", json_string(met_status_name(err->status)));
    bad |= json_object_set_new(reason, "text", met_json_text(err->text, strlen(err->text)));
    bad |= json_object_set_new(document, "error", reason);
    if (bad != 0) {
        json_decref(document);
        document = NULL;
    }
    met_output_json(output, document, MET_JSON_DOUBLE_DIGITS);
}

static met_json_failure failure_form(const met_command *command, const void *options)
{
    met_json_failure none = {NULL, false};
    return command->json_failure != NULL ? command->json_failure(options) : none;
}

/* One line, whatever the subcommand had already written. */
static met_exit tell_failure(const met_command *command, const void *options, const met_error *err,
                             const met_invocation *invocation)
{
    if (err->text[0] == '\0') return MET_EXIT_FAILED; /* a reader has gone: see met_output_close */
    met_json_failure form = failure_form(command, options);
    if (form.schema != NULL) write_json_failure(form, err, invocation->output);
    met_logger_fail(invocation->logger, err->text);
    return err->status == MET_E_ARGUMENT ? MET_EXIT_USAGE : MET_EXIT_FAILED;
}

/* Flags win over the environment. */
static met_log_level log_level(const met_common_flags *flags, const met_environment *environment)
{
    met_log_level level = MET_LOG_ERROR;

    if (flags->quiet) return MET_LOG_ERROR;
    if (flags->verbose == 1) return MET_LOG_INFO;
    if (flags->verbose == 2) return MET_LOG_DEBUG;
    if (flags->verbose > 2) return MET_LOG_TRACE;
    while (strcmp(met_log_level_name(level), environment->log_level) != 0) level++;
    return level;
}

/* Whether a line that is rewritten in place would be seen as such. */
static bool shows_progress(const met_common_flags *flags, const met_environment *environment)
{
    return !flags->quiet && environment->terminal != NULL &&
           strcmp(environment->terminal, "dumb") != 0 && met_output_is_terminal(STDERR_FILENO);
}

/* What the command reads or writes is never a file of metrics too: it would be emptied first. */
static void keep_files(const met_command *command, const void *options, const met_args *args,
                       met_environment *environment, met_logger *logger)
{
    const char **paths[] = {&environment->metrics_jsonl_path, &environment->trace_path};
    const char *const names[] = {"METALLIC_METRICS_JSONL_PATH", "METALLIC_TRACE_PATH"};

    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (*paths[i] == NULL || !met_args_name_file(command, options, args, *paths[i])) continue;
        met_logger_say(logger, MET_LOG_ERROR,
                       "%s: found %s, which this command reads or writes itself, expected another "
                       "file; no metrics are written to it",
                       names[i], *paths[i]);
        *paths[i] = NULL;
    }
}

static met_exit run_command(const met_command *command, int argc, char **argv,
                            met_invocation *invocation)
{
    met_environment environment;
    met_args args;
    met_error err = {MET_OK, ""};
    met_exit code = MET_EXIT_DONE;
    void *options = calloc(1, command->options_bytes);

    if (options == NULL) {
        (void)met_failure_memory(&err);
        met_logger_fail(invocation->logger, err.text);
        return MET_EXIT_FAILED;
    }
    met_status status = met_args_parse(command, argc, argv, options, &args, &err);
    if (status == MET_OK && args.help) {
        met_help_write(command, invocation->output);
        goto done;
    }
    if (status == MET_OK && args.version) {
        met_output_printf(invocation->output, "metallic %s\n", met_version());
        goto done;
    }
    if (status == MET_OK) status = met_environment_read(&environment, &err);
    if (status == MET_OK) {
        invocation->environment = &environment;
        invocation->logger->level = log_level(&args.common, &environment);
        invocation->shows_progress = shows_progress(&args.common, &environment);
        invocation->arguments = args.arguments;
        invocation->argument_count = args.argument_count;
        met_fault_watch(failure_form(command, options), invocation->shows_progress);
        met_metrics metrics = {.logger = invocation->logger};
        invocation->metrics = &metrics;
        if (!command->runs_no_model) {
            keep_files(command, options, &args, &environment, invocation->logger);
            status = met_metrics_open(&metrics, &environment, invocation->logger, &err);
        }
        if (status == MET_OK) status = command->run(invocation, options, &err);
        met_metrics_close(&metrics);
    }
    if (status != MET_OK) {
        code = tell_failure(command, options, &err, invocation);
    }
    if (invocation->interrupted && code != MET_EXIT_USAGE) code = MET_EXIT_INTERRUPTED;
done:
    free(options);
    return code;
}

static met_exit tell_unknown(const char *name, met_logger *logger)
{
    met_nearest nearest = {.word = name, .word_bytes = strlen(name)};
    met_error err;

    for (const met_command *const *at = met_commands; *at != NULL; at++) {
        if (!(*at)->hidden) met_nearest_offer(&nearest, (*at)->name);
    }
    bool near = nearest.best != NULL;
    (void)met_failure_set(&err, MET_E_ARGUMENT,
                          "\"%.64s\": unknown subcommand%s%s%s; see metallic --help", name,
                          near ? ", did you mean " : "", near ? nearest.best : "", near ? "?" : "");
    met_logger_fail(logger, err.text);
    return MET_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    double start_seconds = met_clock_seconds();

    hold_streams();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(), told by exit code 1 */
    signal(SIGXFSZ, SIG_IGN); /* so is a file that may not grow any more */
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);

    met_output output = {.file = stdout, .name = "standard output"};
    met_logger logger;
    met_logger_open(&logger, stderr, start_seconds);
    met_invocation invocation = {
        .output = &output, .logger = &logger, .start_seconds = start_seconds};
    const met_command *command = argc > 1 ? met_command_find(argv[1]) : NULL;
    int skipped = command != NULL ? 2 : argc > 0 ? 1 : 0;
    met_exit code;

    if (argc > 1 && strcmp(argv[1], "help") == 0 &&
        (argc == 2 || met_command_find(argv[2]) != NULL)) {
        met_help_write(argc == 2 ? met_commands[0] : met_command_find(argv[2]), &output);
        code = MET_EXIT_DONE;
    } else if (argc > 1 && command == NULL && argv[1][0] != '-') {
        code = tell_unknown(argv[1], &logger);
    } else {
        if (command == NULL) command = met_commands[0];
        code = run_command(command, argc - skipped, argv + skipped, &invocation);
    }

    met_error err = {MET_OK, ""};
    if (met_output_close(&output, &err) != MET_OK) {
        if (err.text[0] != '\0') met_logger_fail(&logger, err.text);
        if (code == MET_EXIT_DONE || code == MET_EXIT_INTERRUPTED) code = MET_EXIT_FAILED;
    }
    met_logger_close(&logger);
    return (int)code;
}
