/* Owns: one kernel on a device, for tests. The invariant: what is not marked `out` comes back
 * nowhere; what is not used by a kernel is still bound to something. */
#include "metal/kernel_run.h"

#include "backend/metal/pipelines.h"

#import <Metal/Metal.h>

/* A test program has one device. */
static struct {
    id<MTLDevice> device;
    id<MTLCommandQueue> queue;
    id<MTLBuffer> spare; /* for bindings that are not used */
    metal_pipelines *pipelines;
} gpu;

static void open_device(void)
{
    met_error err = {0};
    if (gpu.device != nil) return;
    gpu.device = MTLCreateSystemDefaultDevice();
    assert_true(gpu.device != nil);
    gpu.queue = [gpu.device newCommandQueue];
    gpu.spare = [gpu.device newBufferWithLength:16 options:MTLResourceStorageModeShared];
    assert_ok(met_metal_pipelines_open(gpu.device, NULL, &gpu.pipelines, &err));
}

void kernel_run_close(void)
{
    if (gpu.device == nil) return;
    met_metal_pipelines_close(gpu.pipelines);
    [gpu.spare release];
    [gpu.queue release];
    [gpu.device release];
    gpu.device = nil;
}

static id<MTLComputePipelineState> pipeline_of(const kernel_run *run)
{
    met_error err = {0};
    id<MTLComputePipelineState> pipeline = nil;
    metal_variant variant = {.function = run->function};
    for (uint32_t i = 0; i < MET_METAL_FC_COUNT; i++) {
        bool is_int = i == MET_METAL_FC_WEIGHT_TYPE || i == MET_METAL_FC_TOKENS ||
                      i == MET_METAL_FC_PAIRS || i == MET_METAL_FC_HEAD_DIM;
        if (is_int)
            metal_variant_int(&variant, i, run->constants[i]);
        else
            metal_variant_bool(&variant, i, run->constants[i] != 0);
    }
    assert_ok(met_metal_pipeline(gpu.pipelines, &variant, &pipeline, &err));
    return pipeline;
}

/* A device buffer for each binding; the same for the same memory. */
static void fill_buffers(const kernel_run *run, id<MTLBuffer> buffers[KERNEL_BINDINGS])
{
    for (size_t i = 1; i < KERNEL_BINDINGS; i++) {
        const kernel_buffer *from = &run->buffers[i];
        buffers[i] = nil;
        for (size_t j = 1; j < i && from->data != NULL; j++) {
            if (run->buffers[j].data == from->data) buffers[i] = [buffers[j] retain];
        }
        if (from->data == NULL) buffers[i] = [gpu.spare retain];
        if (buffers[i] != nil) continue;
        buffers[i] = [gpu.device newBufferWithLength:from->bytes
                                             options:MTLResourceStorageModeShared];
        assert_true(buffers[i] != nil);
        memcpy([buffers[i] contents], from->data, from->bytes);
    }
}

void kernel_run_now(const kernel_run *run)
{
    id<MTLBuffer> buffers[KERNEL_BINDINGS];
    open_device();
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    id<MTLComputePipelineState> pipeline = pipeline_of(run);
    assert_true([pipeline maxTotalThreadsPerThreadgroup] >= run->threads);
    fill_buffers(run, buffers);

    id<MTLCommandBuffer> commands = [gpu.queue commandBuffer];
    id<MTLComputeCommandEncoder> encoder = [commands computeCommandEncoder];
    [encoder setComputePipelineState:pipeline];
    [encoder setBytes:run->arguments length:run->argument_bytes atIndex:0];
    for (size_t i = 1; i < KERNEL_BINDINGS; i++)
        [encoder setBuffer:buffers[i] offset:0 atIndex:i];
    if (run->group_bytes > 0) {
        [encoder setThreadgroupMemoryLength:run->group_bytes atIndex:0];
    }
    [encoder dispatchThreadgroups:MTLSizeMake(run->groups[0], run->groups[1], run->groups[2])
            threadsPerThreadgroup:MTLSizeMake(run->threads, 1, 1)];
    [encoder endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    if ([commands status] == MTLCommandBufferStatusError) {
        fail_msg("%s", [[[commands error] localizedDescription] UTF8String]);
    }
    for (size_t i = 1; i < KERNEL_BINDINGS; i++) {
        const kernel_buffer *to = &run->buffers[i];
        if (to->out) memcpy(to->data, [buffers[i] contents], to->bytes);
        [buffers[i] release];
    }
    [pool drain];
}
