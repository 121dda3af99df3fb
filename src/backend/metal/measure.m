/* Owns: the ceilings of a device, measured by it. Does not own the loops: measure.metal.
 *
 * The invariant: the device's own clock is read, and the median of several runs counts. Work is
 * doubled until a run is long enough to be measured, which suits a phone as well as a simulator. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/error.h"

enum {
    READ_GROUPS = 512,
    MAC_GROUPS = 1024, /* of one simdgroup */
    MACS_A_ROUND = 4 * 8 * 8 * 8,
    ROUNDS = 5
};

static const uint64_t read_bytes_first = (uint64_t)16 << 20, read_bytes_most = (uint64_t)1 << 30;
static const NSUInteger read_sums_bytes =
    (NSUInteger)READ_GROUPS * MET_METAL_READ_THREADS * sizeof(float);
static const uint64_t mac_rounds_first = 16, mac_rounds_most = 1 << 14;
static const double long_enough_seconds = 0.02;

/* One kernel over `count`, [0] read or [1] written. */
typedef struct measurement {
    metal_machine *machine;
    id<MTLComputePipelineState> pipeline;
    id<MTLBuffer> buffers[2];
    NSUInteger buffer_count, groups, threads;
    met_metal_ceiling arguments;
} measurement;

static met_status run_once(const measurement *m, double *seconds, met_error *err)
{
    met_status status = MET_OK;
    @autoreleasepool {
        id<MTLCommandBuffer> buffer = [m->machine->queue commandBuffer];
        id<MTLComputeCommandEncoder> encoder = [buffer computeCommandEncoder];
        [encoder setComputePipelineState:m->pipeline];
        [encoder setBytes:&m->arguments length:sizeof m->arguments atIndex:0];
        for (NSUInteger i = 0; i < m->buffer_count; i++)
            [encoder setBuffer:m->buffers[i] offset:0 atIndex:i + 1];
        [encoder dispatchThreadgroups:MTLSizeMake(m->groups, 1, 1)
                threadsPerThreadgroup:MTLSizeMake(m->threads, 1, 1)];
        [encoder endEncoding];
        [buffer commit];
        [buffer waitUntilCompleted];
        *seconds = [buffer GPUEndTime] - [buffer GPUStartTime];
        if ([buffer status] != MTLCommandBufferStatusCompleted) {
            status = met_metal_fail(err, MET_E_DEVICE, "measure", [buffer error]);
        }
    }
    return status;
}

/* The median of a few runs, after one that warms caches and clocks. */
static met_status median_seconds(const measurement *m, double *median, met_error *err)
{
    double sorted[ROUNDS], unused;
    met_status status = run_once(m, &unused, err);
    for (int32_t i = 0; i < ROUNDS && status == MET_OK; i++) {
        double seconds = 0;
        status = run_once(m, &seconds, err);
        int32_t at = i;
        for (; at > 0 && sorted[at - 1] > seconds; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = seconds;
    }
    if (status == MET_OK) *median = sorted[ROUNDS / 2];
    return status;
}

static met_status measure_read(metal_machine *machine, double *bytes_per_second, met_error *err)
{
    metal_variant variant = {.function = "met_measure_read"};
    measurement m = {.machine = machine, .buffer_count = 2, .groups = READ_GROUPS,
                     .threads = MET_METAL_READ_THREADS};
    met_status status = met_metal_pipeline(machine->pipelines, &variant, &m.pipeline, err);
    if (status != MET_OK) return status;
    m.buffers[1] = [machine->device newBufferWithLength:read_sums_bytes
                                                options:MTLResourceStorageModePrivate];
    if (m.buffers[1] == nil) {
        return met_metal_fail_memory(err, "read ceiling", read_sums_bytes);
    }
    double seconds = 0;
    uint64_t bytes = read_bytes_first;
    for (;;) {
        m.arguments.count = bytes / 16;
        m.buffers[0] = [machine->device newBufferWithLength:bytes
                                                    options:MTLResourceStorageModePrivate];
        if (m.buffers[0] == nil) {
            status = met_metal_fail_memory(err, "read ceiling", bytes);
            break;
        }
        status = run_once(&m, &seconds, err);
        bool enough = seconds >= long_enough_seconds || bytes >= read_bytes_most;
        if (status == MET_OK && enough) status = median_seconds(&m, &seconds, err);
        [m.buffers[0] release];
        if (status != MET_OK || enough) break;
        bytes *= 2;
    }
    [m.buffers[1] release];
    if (status == MET_OK) *bytes_per_second = (double)bytes / seconds;
    return status;
}

static met_status measure_macs(metal_machine *machine, double *macs_per_second, met_error *err)
{
    metal_variant variant = {.function = "met_measure_macs"};
    measurement m = {.machine = machine, .buffer_count = 1, .groups = MAC_GROUPS,
                     .threads = MET_METAL_MACS_THREADS, .arguments.count = mac_rounds_first};
    met_status status = met_metal_pipeline(machine->pipelines, &variant, &m.pipeline, err);
    if (status != MET_OK) return status;
    m.buffers[0] = [machine->device newBufferWithLength:MAC_GROUPS * 256 * sizeof(float)
                                                options:MTLResourceStorageModePrivate];
    if (m.buffers[0] == nil) {
        return met_metal_fail_memory(err, "product ceiling", MAC_GROUPS * 256 * sizeof(float));
    }
    double seconds = 0;
    status = run_once(&m, &seconds, err);
    while (status == MET_OK && seconds < long_enough_seconds &&
           m.arguments.count < mac_rounds_most) {
        m.arguments.count *= 2;
        status = run_once(&m, &seconds, err);
    }
    if (status == MET_OK) status = median_seconds(&m, &seconds, err);
    [m.buffers[0] release];
    double macs = (double)m.arguments.count * MACS_A_ROUND * MAC_GROUPS;
    if (status == MET_OK) *macs_per_second = macs / seconds;
    return status;
}

met_status met_metal_measure(met_machine *base, met_dtype weight_type, met_ceilings *out,
                             met_error *err)
{
    (void)weight_type; /* all are multiplied as float32 */
    metal_machine *machine = (metal_machine *)base;
    met_ceilings found = {0};
    met_status status = MET_OK;
    @autoreleasepool {
        status = measure_read(machine, &found.read_bytes_per_second, err);
        if (status == MET_OK) status = measure_macs(machine, &found.macs_per_second, err);
    }
    if (status == MET_OK) *out = found;
    return status;
}
