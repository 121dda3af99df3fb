/* Owns: choosing and opening a machine. Does not own how any machine works. */
#include "generate/objects.h"

#include "base/error.h"
#include "base/team.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

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
    *out = context;
    return MET_OK;
}

met_status met_context_create(const met_context_options *options, met_context **out, met_error *err)
{
    *out = NULL;
    met_context_options o = options != NULL ? *options : met_context_options_default();
    if (o.backend == NULL) o.backend = "auto";
    if (o.isa == NULL) o.isa = "auto";
    bool is_auto = strcmp(o.backend, "auto") == 0;
    if (!is_auto && strcmp(o.backend, "cpu") != 0) {
        return met_fail(err, MET_E_ARGUMENT, "backend: found '%.96s', expected auto or cpu",
                        o.backend);
    }
    if (o.threads < 0 || o.threads > MET_TEAM_THREADS_MAX) {
        return met_fail(err, MET_E_ARGUMENT, "threads: found %d, expected 0 (choose) or 1 to %d",
                        o.threads, MET_TEAM_THREADS_MAX);
    }
    struct met_machine_options machine_options = {
        .isa = o.isa, .threads = o.threads, .matmul = o.matmul};
    met_machine *machine = NULL;
    met_status status = met_cpu_machine_open(&machine_options, &machine, err);
    if (status != MET_OK) return status;
    const char *choice = is_auto ? "cpu: the only machine in this build" : "cpu: asked for by name";
    return met_context_adopt(machine, choice, out, err);
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

met_status met_context_measure(met_context *context, met_str weight_type, met_ceilings *out,
                               met_error *err)
{
    for (int type = 0; type < MET_DTYPES; type++) {
        if (!met_str_is(weight_type, met_dtype_name((met_dtype)type))) continue;
        return context->machine->ops->measure(context->machine, (met_dtype)type, out, err);
    }
    return met_fail(err, MET_E_ARGUMENT, "weight type: found '%.*s', expected F32, F16 or Q8_0",
                    met_str_shown(weight_type), weight_type.data);
}
