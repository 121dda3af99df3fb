/* Owns: the Metal machine itself: the device, its queue, and programs that are loaded on it. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- programs */

static void metal_unload(met_loaded *base)
{
    if (base == NULL) return;
    metal_loaded *loaded = (metal_loaded *)base;
    @autoreleasepool {
        met_metal_weights_close(loaded);
    }
    met_metal_phases_free(&loaded->phases);
    free(loaded->rope_frequency);
    free(loaded->phase_weights);
    free(loaded);
}

static met_status fill_tables(metal_loaded *loaded, met_error *err)
{
    const met_program *program = loaded->program;
    size_t half = (size_t)program->head_dim / 2;
    loaded->rope_frequency = calloc(half + 1, sizeof *loaded->rope_frequency);
    loaded->phase_weights = calloc((size_t)loaded->phases.count + 1, sizeof *loaded->phase_weights);
    if (loaded->rope_frequency == NULL || loaded->phase_weights == NULL) {
        return met_fail_memory(err, "metal program", half);
    }
    for (size_t i = 0; i < half; i++) {
        /* RoFormer, arXiv:2104.09864, equation 15. */
        loaded->rope_frequency[i] = pow(program->rope_base, -2.0 * (double)i / program->head_dim);
    }
    met_metal_profile_load(loaded);
    return MET_OK;
}

static met_status metal_load(met_machine *machine, const met_program *program, met_loaded **out,
                             met_error *err)
{
    *out = NULL;
    metal_loaded *loaded = calloc(1, sizeof *loaded);
    if (loaded == NULL) return met_fail_memory(err, "metal program", sizeof *loaded);
    loaded->base.machine = machine;
    loaded->program = program;
    met_status status = met_metal_lower(program, &loaded->phases, err);
    if (status == MET_OK) status = fill_tables(loaded, err);
    if (status == MET_OK) {
        @autoreleasepool {
            status = met_metal_weights_open(loaded, err);
        }
    }
    if (status != MET_OK) {
        metal_unload(&loaded->base);
        return status;
    }
    *out = &loaded->base;
    return MET_OK;
}

/* ---------------------------------------------------------------- the machine */

static void metal_close(met_machine *base)
{
    if (base == NULL) return;
    metal_machine *machine = (metal_machine *)base;
    if (machine->recorder != NULL) met_recorder_close_tracks(machine->recorder, machine->track, 1);
    @autoreleasepool {
        met_metal_pipelines_close(machine->pipelines);
        [machine->row_numbers release];
        [machine->queue release];
        [machine->device release];
    }
    free(machine);
}

static void metal_describe(const met_machine *base, met_context_info *info)
{
    const metal_machine *machine = (const metal_machine *)base;
    info->backend = base->ops->name;
    info->isa = machine->name;
    info->choice = machine->choice;
    info->matmul = machine->vendor ? "vendor: Metal Performance Shaders" : "native";
    info->threads = 1; /* of this processor: the one that encodes */
}

static const met_machine_ops metal_ops = {
    .name = "metal",
    .close = metal_close,
    .describe = metal_describe,
    .load = metal_load,
    .unload = metal_unload,
    .timeline_create = met_metal_timeline_create,
    .timeline_free = met_metal_timeline_free,
    .step = met_metal_step,
    .timeline_reserve = met_metal_timeline_reserve,
    .timeline_memory = met_metal_timeline_memory,
    .profile = met_metal_profile,
    .op_times = met_metal_op_times,
    .measure = met_metal_measure,
    .decode_begin = met_metal_decode_begin,
    .decode_next = met_metal_decode_next,
    .decode_end = met_metal_decode_end,
    .decode_vocab_max = MET_METAL_SAMPLE_VOCAB_MAX,
    .max_step_tokens = METAL_STEP_TOKENS_MAX,
};

static met_status choose_matmul(metal_machine *machine, const char *asked, met_error *err)
{
    static const struct {
        const char *name;
        bool vendor;
    } choices[] = {
        {"auto", false}, {"native", false}, {"mlx", false}, {"vendor", true}, {"mps", true}};
    if (asked == NULL) asked = "auto";
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (strcmp(asked, choices[i].name) != 0) continue;
        machine->vendor = choices[i].vendor;
        if (!machine->vendor || met_metal_mps_available(machine->device)) return MET_OK;
        return met_fail(err, MET_E_DEVICE,
                        "matmul: Metal Performance Shaders do not support %s", machine->name);
    }
    return met_fail(err, MET_E_ARGUMENT,
                    "matmul: found \"%.64s\", expected auto, native, vendor, mlx or mps", asked);
}

/* What the kernels need: simdgroup matrices and reductions, Metal 3, pages that both sides see. */
static met_status check_device(id<MTLDevice> device, const char *name, met_error *err)
{
    if (![device supportsFamily:MTLGPUFamilyApple7]) {
        return met_fail(err, MET_E_DEVICE,
                        "metal: %s is not of family Apple7 (M1, A14), expected that or newer",
                        name);
    }
    if (![device hasUnifiedMemory]) {
        return met_fail(err, MET_E_DEVICE, "metal: %s has memory of its own, expected memory that "
                        "it shares with the processor", name);
    }
    return MET_OK;
}

static met_status number_rows(metal_machine *machine, met_error *err)
{
    NSUInteger bytes = METAL_PANEL_ROWS * sizeof(int32_t);
    machine->row_numbers = [machine->device newBufferWithLength:bytes
                                                        options:MTLResourceStorageModeShared];
    if (machine->row_numbers == nil) return met_metal_fail_memory(err, "row numbers", bytes);
    int32_t *numbers = [machine->row_numbers contents];
    for (int32_t i = 0; i < METAL_PANEL_ROWS; i++)
        numbers[i] = i;
    return MET_OK;
}

static met_status open_device(const struct met_machine_options *options, metal_machine *machine,
                              met_error *err)
{
    machine->device = MTLCreateSystemDefaultDevice();
    if (machine->device == nil) {
        return met_fail(err, MET_E_DEVICE, "metal: this system has no Metal device");
    }
    const char *name = [[machine->device name] UTF8String];
    (void)snprintf(machine->name, sizeof machine->name, "%s", name != NULL ? name : "unnamed");
    (void)snprintf(machine->choice, sizeof machine->choice, "metal: %s", machine->name);
    met_status status = check_device(machine->device, machine->name, err);
    if (status == MET_OK) status = choose_matmul(machine, options->matmul, err);
    if (status == MET_OK && machine->vendor) status = number_rows(machine, err);
    if (status != MET_OK) return status;
    machine->queue = [machine->device newCommandQueue];
    if (machine->queue == nil) {
        return met_fail(err, MET_E_DEVICE, "metal: %s gives no command queue", machine->name);
    }
    return met_metal_pipelines_open(machine->device, options->cache, &machine->pipelines, err);
}

met_status met_metal_machine_open(const struct met_machine_options *options, met_machine **out,
                                  met_error *err)
{
    met_status status = MET_OK;
    *out = NULL;
    metal_machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) return met_fail_memory(err, "metal machine", sizeof *machine);
    machine->base.ops = &metal_ops;
    machine->base.log = options->log;
    @autoreleasepool {
        status = open_device(options, machine, err);
    }
    if (status != MET_OK) {
        metal_close(&machine->base);
        return status;
    }
    machine->recorder = options->recorder;
    if (machine->recorder != NULL) {
        machine->track = met_recorder_open_tracks(machine->recorder, "device", 1);
    }
    MET_LOG(&machine->base.log, MET_LOG_INFO, "%s", machine->choice);
    *out = &machine->base;
    return MET_OK;
}
