/* Owns: choosing and opening a machine. Does not own how any machine works. */
#include "generate/objects.h"

#include "base/error.h"
#include "base/team.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHOICE_BYTES = sizeof((met_context *)0)->choice };

met_context_options met_context_options_default(void)
{
    return (met_context_options){.backend = "auto", .isa = "auto", .threads = 0, .matmul = "auto"};
}

met_status met_context_adopt(met_machine *machine, const char *choice, met_context **out,
                             met_error *err)
{
    *out = NULL;
    met_context *context = calloc(1, sizeof *context);
    if (context == NULL) {
        machine->ops->close(machine);
        return met_fail_memory(err, "context", sizeof *context);
    }
    context->machine = machine;
    machine->ops->describe(machine, &context->info);
    (void)snprintf(context->choice, sizeof context->choice, "%s", choice);
    context->info.choice = context->choice;
    MET_LOG(&machine->log, MET_LOG_INFO, "machine %s", context->choice);
    *out = context;
    return MET_OK;
}

/* A machine that this project knows. Where `auto` may take it, the first that opens is taken. */
typedef struct machine_kind {
    const char *name;
    met_status (*open)(const struct met_machine_options *options, met_machine **out,
                       met_error *err); /* NULL: not in this build */
    const char *not_auto; /* why `auto` passes it over without a try; NULL: it tries */
} machine_kind;

static const machine_kind kinds[] = {
#if defined(MET_METAL_NATIVE)
    {"metal", met_metal_machine_open, NULL},
#elif defined(MET_METAL_SIMULATED)
    {"metal", met_metal_machine_open, "simulated in this build"},
#else
    {"metal", NULL, "not in this build"},
#endif
    {"cpu", met_cpu_machine_open, NULL},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* The machine asked for by name: no other will do. */
static met_status open_named(const char *name, const struct met_machine_options *options,
                             met_machine **out, char choice[CHOICE_BYTES], met_error *err)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(kinds[i].name, name) != 0) continue;
        (void)snprintf(choice, CHOICE_BYTES, "%s: asked for by name", name);
        if (kinds[i].open != NULL) return kinds[i].open(options, out, err);
        return met_fail(err, MET_E_DEVICE, "backend %s: not in this build, expected auto or cpu",
                        name);
    }
    return met_fail(err, MET_E_ARGUMENT, "backend: found \"%.96s\", expected auto, cpu or metal",
                    name);
}

/* The first machine that opens; `choice` says why those before it were passed over. An option that
 * is wrong for every machine fails at the last one, the CPU, which is always there. */
static met_status open_first(const struct met_machine_options *options, met_machine **out,
                             char choice[CHOICE_BYTES], met_error *err)
{
    char passed[CHOICE_BYTES] = "";
    met_error reason = {0};
    met_status status = MET_E_DEVICE;
    for (size_t i = 0; i < KINDS; i++) {
        if (kinds[i].not_auto == NULL) status = kinds[i].open(options, out, &reason);
        if (kinds[i].not_auto == NULL && status == MET_OK) {
            (void)snprintf(choice, CHOICE_BYTES, "%s: the first that runs here%.*s", kinds[i].name,
                           CHOICE_BYTES / 2, passed);
            return MET_OK;
        }
        const char *why = kinds[i].not_auto != NULL ? kinds[i].not_auto : reason.text;
        size_t used = strlen(passed);
        (void)snprintf(passed + used, sizeof passed - used, "; %s: %.80s", kinds[i].name, why);
    }
    return met_fail(err, status, "%s", reason.text);
}

met_status met_context_create(const met_context_options *options, met_context **out, met_error *err)
{
    *out = NULL;
    met_context_options o = options != NULL ? *options : met_context_options_default();
    if (o.backend == NULL) o.backend = "auto";
    if (o.isa == NULL) o.isa = "auto";
    if (o.threads < 0 || o.threads > MET_TEAM_THREADS_MAX) {
        return met_fail(err, MET_E_ARGUMENT, "threads: found %d, expected 0 (choose) or 1 to %d",
                        o.threads, MET_TEAM_THREADS_MAX);
    }
    struct met_machine_options machine_options = {
        .isa = o.isa,
        .threads = o.threads,
        .matmul = o.matmul,
        .cache = o.cache,
        .recorder = o.recorder,
        .log = {o.log, o.log_user, o.log_level},
    };
    met_machine *machine = NULL;
    char choice[CHOICE_BYTES];
    met_status status = strcmp(o.backend, "auto") == 0
                            ? open_first(&machine_options, &machine, choice, err)
                            : open_named(o.backend, &machine_options, &machine, choice, err);
    if (status != MET_OK) return status;
    status = met_context_adopt(machine, choice, out, err);
    if (status == MET_OK) (*out)->recorder = o.recorder;
    return status;
}

void met_context_free(met_context *context)
{
    if (context == NULL) return;
    context->machine->ops->close(context->machine);
    free(context);
}

met_context_info met_context_describe(const met_context *context)
{
    return context->info;
}

met_memory met_context_memory(const met_context *context)
{
    return met_account_read(&context->account);
}

met_status met_context_measure(met_context *context, met_str weight_type, met_ceilings *out,
                               met_error *err)
{
    for (int type = 0; type < MET_DTYPES; type++) {
        if (!met_str_is(weight_type, met_dtype_name((met_dtype)type))) continue;
        return context->machine->ops->measure(context->machine, (met_dtype)type, out, err);
    }
    return met_fail(err, MET_E_ARGUMENT, "weight type: found \"%.*s\", expected F32, F16 or Q8_0",
                    met_str_shown(weight_type), weight_type.data);
}
