/* The compute encoder: bindings, and the checks of a dispatch. */
#include "api.h"

#include <stdlib.h>

enum { MAX_BYTES = 4096, GROUP_MEMORY_UNIT = 16, OFFSET_UNIT = 4 };

static NSUInteger volume(MTLSize size)
{
    return size.width * size.height * size.depth;
}

@implementation SimComputeEncoder
- (instancetype)initWithOwner:(SimCommandBuffer *)buffer type:(MTLDispatchType)dispatch_type
{
    if (dispatch_type != MTLDispatchTypeSerial && dispatch_type != MTLDispatchTypeConcurrent)
        api_misuse("computeCommandEncoderWithDispatchType: %lu", (NSUInteger)dispatch_type);
    type = dispatch_type;
    return [super initWithOwner:buffer];
}

- (MTLDispatchType)dispatchType
{
    return type;
}

- (void)checkIndex:(NSUInteger)index for:(const char *)what
{
    [self checkFor:what];
    if (index >= SIM_SLOTS)
        api_misuse("%s: %s: index %lu, the last is %d", what, api_name(self), index, SIM_SLOTS - 1);
}

- (void)setComputePipelineState:(id<MTLComputePipelineState>)state
{
    [self checkFor:"setComputePipelineState"];
    if (![(id)state isKindOfClass:[SimPipeline class]])
        api_misuse("setComputePipelineState: %s is not a pipeline", api_name(state));
    pipeline = state;
    [owner hold:pipeline];
}

- (void)clear:(NSUInteger)index
{
    free(bindings[index].bytes);
    bindings[index] = (struct api_binding){.buffer = NULL};
}

- (void)checkOffset:(NSUInteger)offset of:(const SimBuffer *)buffer at:(NSUInteger)index
{
    if (offset >= buffer->count)
        api_misuse("%s: offset %lu of %s at index %lu, which has %zu bytes", api_name(self), offset,
                   api_name((id)buffer), index, buffer->count);
    if (offset % OFFSET_UNIT != 0)
        api_misuse("%s: offset %lu of %s at index %lu is not a multiple of %d", api_name(self),
                   offset, api_name((id)buffer), index, OFFSET_UNIT);
}

- (void)setBuffer:(id<MTLBuffer>)object offset:(NSUInteger)offset atIndex:(NSUInteger)index
{
    [self checkIndex:index for:"setBuffer"];
    [self clear:index];
    if (object == nil) return;
    SimBuffer *buffer = api_buffer_of(object, "setBuffer");
    [self checkOffset:offset of:buffer at:index];
    bindings[index].buffer = buffer;
    bindings[index].offset = offset;
    bindings[index].count = buffer->count - offset;
    [owner hold:buffer];
}

- (void)setBufferOffset:(NSUInteger)offset atIndex:(NSUInteger)index
{
    [self checkIndex:index for:"setBufferOffset"];
    SimBuffer *buffer = bindings[index].buffer;
    if (buffer == nil)
        api_misuse("setBufferOffset: %s: no buffer at index %lu", api_name(self), index);
    [self checkOffset:offset of:buffer at:index];
    bindings[index].offset = offset;
    bindings[index].count = buffer->count - offset;
}

- (void)setBytes:(const void *)bytes length:(NSUInteger)length atIndex:(NSUInteger)index
{
    [self checkIndex:index for:"setBytes"];
    if (bytes == NULL || length == 0)
        api_misuse("setBytes: %s: no bytes at index %lu", api_name(self), index);
    if (length > MAX_BYTES)
        api_misuse("setBytes: %s: %lu bytes at index %lu, at most %d", api_name(self), length,
                   index, MAX_BYTES);
    [self clear:index];
    bindings[index].bytes = malloc(length);
    if (bindings[index].bytes == NULL) api_misuse("no memory for setBytes");
    memcpy(bindings[index].bytes, bytes, length);
    bindings[index].count = length;
}

- (void)setThreadgroupMemoryLength:(NSUInteger)length atIndex:(NSUInteger)index
{
    [self checkIndex:index for:"setThreadgroupMemoryLength"];
    if (length % GROUP_MEMORY_UNIT != 0)
        api_misuse("setThreadgroupMemoryLength: %s: %lu at index %lu is not a multiple of %d",
                   api_name(self), length, index, GROUP_MEMORY_UNIT);
    if (length > API_MAX_GROUP_MEMORY)
        api_misuse("setThreadgroupMemoryLength: %s: %lu at index %lu, at most %d", api_name(self),
                   length, index, API_MAX_GROUP_MEMORY);
    group_memory_bytes[index] = (uint32_t)length;
}

/* Every argument of the kernel has to be there when it is dispatched. */
- (void)checkArguments
{
    const sim_kernel *kernel = pipeline->function->kernel;
    size_t group_memory = api_group_memory(group_memory_bytes);
    for (int32_t i = 0; i < kernel->parameter_count; i++) {
        const sim_parameter *one = &kernel->parameters[i];
        if (!api_function_has(pipeline->function, one)) continue;
        if (one->source == SIM_BUFFER) {
            const struct api_binding *bound = &bindings[one->index];
            if (bound->buffer == nil && bound->bytes == NULL)
                api_misuse("%s: kernel %s: buffer(%d) '%s' is not bound", api_name(self),
                           kernel->name, one->index, one->name);
            if (bound->bytes != NULL && one->writable)
                api_misuse("%s: kernel %s: writes to buffer(%d) '%s', which is setBytes",
                           api_name(self), kernel->name, one->index, one->name);
        } else if (one->source == SIM_GROUP_MEMORY) {
            if (group_memory_bytes[one->index] == 0)
                api_misuse("%s: kernel %s: threadgroup(%d) '%s' has no length", api_name(self),
                           kernel->name, one->index, one->name);
        }
    }
    if (group_memory > API_MAX_GROUP_MEMORY)
        api_misuse("%s: kernel %s: %zu bytes of threadgroup memory, at most %d", api_name(self),
                   kernel->name, group_memory, API_MAX_GROUP_MEMORY);
}

- (void)checkGrid:(MTLSize)grid threads:(MTLSize)threads for:(const char *)what
{
    [self checkFor:what];
    if (pipeline == nil) api_misuse("%s: %s has no pipeline", what, api_name(self));
    const char *kernel = pipeline->function->kernel->name;
    if (grid.width > UINT32_MAX || grid.height > UINT32_MAX || grid.depth > UINT32_MAX)
        api_misuse("%s: %s: a grid of %lu x %lu x %lu", what, kernel, grid.width, grid.height,
                   grid.depth);
    if (volume(grid) == 0)
        api_misuse("%s: %s: kernel %s: an empty grid", what, api_name(self), kernel);
    if (volume(threads) == 0 || threads.width > SIM_MAX_THREADS ||
        threads.height > SIM_MAX_THREADS || threads.depth > SIM_MAX_THREADS ||
        volume(threads) > pipeline->max_threads)
        api_misuse("%s: %s: kernel %s: %lu x %lu x %lu threads in a threadgroup, at most %lu", what,
                   api_name(self), kernel, threads.width, threads.height, threads.depth,
                   pipeline->max_threads);
    if (pipeline->whole_simdgroups && volume(threads) % SIM_LANES != 0)
        api_misuse("%s: %s: kernel %s: %lu threads in a threadgroup, promised a multiple of %d",
                   what, api_name(self), kernel, volume(threads), SIM_LANES);
}

static void copy_size(uint32_t out[3], MTLSize size)
{
    out[0] = (uint32_t)size.width;
    out[1] = (uint32_t)size.height;
    out[2] = (uint32_t)size.depth;
}

- (void)appendGrid:(MTLSize)grid threads:(MTLSize)threads
{
    [self checkArguments];
    struct api_command *command = [self append:API_DISPATCH];
    command->is_serial = type == MTLDispatchTypeSerial;
    command->pipeline = pipeline;
    copy_size(command->grid_threads, grid);
    copy_size(command->group_threads, threads);
    memcpy(command->group_memory_bytes, group_memory_bytes, sizeof group_memory_bytes);
    memcpy(command->bindings, bindings, sizeof bindings);
    for (size_t i = 0; i < SIM_SLOTS; i++) {
        if (bindings[i].bytes == NULL) continue;
        command->bindings[i].bytes = malloc(bindings[i].count);
        if (command->bindings[i].bytes == NULL) api_misuse("no memory for setBytes");
        memcpy(command->bindings[i].bytes, bindings[i].bytes, bindings[i].count);
    }
}

- (void)dispatchThreadgroups:(MTLSize)groups threadsPerThreadgroup:(MTLSize)threads
{
    [self checkGrid:groups threads:threads for:"dispatchThreadgroups"];
    MTLSize grid = MTLSizeMake(groups.width * threads.width, groups.height * threads.height,
                               groups.depth * threads.depth);
    [self checkGrid:grid threads:threads for:"dispatchThreadgroups"];
    [self appendGrid:grid threads:threads];
}

- (void)dispatchThreads:(MTLSize)grid threadsPerThreadgroup:(MTLSize)threads
{
    [self checkGrid:grid threads:threads for:"dispatchThreads"];
    [self appendGrid:grid threads:threads];
}

/* Dispatches read and write buffers only: a barrier for textures alone orders nothing of them. */
- (void)memoryBarrierWithScope:(MTLBarrierScope)scope
{
    [self checkFor:"memoryBarrierWithScope"];
    if ((scope & MTLBarrierScopeBuffers) != 0) [self append:API_BARRIER];
}

- (void)memoryBarrierWithResources:(const id<MTLResource>[])resources count:(NSUInteger)count
{
    [self checkFor:"memoryBarrierWithResources"];
    if (resources == NULL || count == 0)
        api_misuse("memoryBarrierWithResources: %s: no resource", api_name(self));
    SimBuffer **list = malloc(count * sizeof *list);
    if (list == NULL) api_misuse("no memory for a barrier");
    for (NSUInteger i = 0; i < count; i++) {
        list[i] = api_buffer_of(resources[i], "memoryBarrierWithResources");
        [owner hold:list[i]];
    }
    struct api_command *command = [self append:API_RESOURCE_BARRIER];
    command->resources = list;
    command->size = count;
}

- (const char *)simKind
{
    return "compute encoder";
}

- (void)dealloc
{
    for (size_t i = 0; i < SIM_SLOTS; i++)
        free(bindings[i].bytes);
    [super dealloc];
}
@end
