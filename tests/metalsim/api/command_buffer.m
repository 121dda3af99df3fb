/* Command queues and command buffers: what is recorded, and its life from made to completed. */
#include "api.h"

#include <stdlib.h>

NSErrorDomain const MTLCommandBufferErrorDomain = @"MTLCommandBufferErrorDomain";

@implementation SimQueue
- (instancetype)initWithMaximum:(NSUInteger)maximum
{
    max_command_buffers = maximum;
    return self;
}

/* With as many outstanding as the queue allows, Apple's blocks until one is done. */
- (SimCommandBuffer *)newBufferUnretained:(bool)unretained
{
    api_lock();
    while (outstanding >= max_command_buffers) {
        if (committed == 0)
            api_misuse("%s: %lu command buffers were made and none is committed: the next would "
                       "block for ever",
                       api_name(self), outstanding);
        api_gpu_run_oldest(self);
    }
    outstanding++;
    SimCommandBuffer *buffer = [[SimCommandBuffer alloc] initWithQueue:self unretained:unretained];
    api_unlock();
    return buffer;
}

- (id<MTLCommandBuffer>)commandBuffer
{
    return [[self newBufferUnretained:false] autorelease];
}

- (id<MTLCommandBuffer>)commandBufferWithUnretainedReferences
{
    return [[self newBufferUnretained:true] autorelease];
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (const char *)simKind
{
    return "command queue";
}
@end

SimCommandBuffer *api_command_buffer_of(id object, const char *what)
{
    if (![object isKindOfClass:[SimCommandBuffer class]])
        api_misuse("%s: %s is not a command buffer", what, api_name(object));
    return object;
}

static void free_command(struct api_command *command)
{
    for (size_t i = 0; i < SIM_SLOTS; i++)
        free(command->bindings[i].bytes);
    free(command->resources);
}

@implementation SimCommandBuffer
- (instancetype)initWithQueue:(SimQueue *)owner unretained:(bool)unretained
{
    queue = [owner retain];
    is_unretained = unretained;
    state = MTLCommandBufferStatusNotEnqueued;
    return self;
}

- (struct api_command *)append:(enum api_command_kind)kind
{
    if (command_count == command_capacity) {
        command_capacity = command_capacity != 0 ? 2 * command_capacity : 16;
        commands = realloc(commands, command_capacity * sizeof *commands);
        if (commands == NULL) api_misuse("no memory for %zu commands", command_capacity);
    }
    struct api_command *command = &commands[command_count++];
    memset(command, 0, sizeof *command);
    command->kind = kind;
    return command;
}

- (void)hold:(id)object
{
    if (held_count == held_capacity) {
        held_capacity = held_capacity != 0 ? 2 * held_capacity : 64;
        held = realloc(held, held_capacity * sizeof *held);
        if (held == NULL) api_misuse("no memory for %zu references", held_capacity);
    }
    held[held_count++] = object;
    if (is_unretained)
        api_watch(object);
    else
        [object retain];
}

- (void)checkOpenFor:(const char *)what
{
    if (state != MTLCommandBufferStatusNotEnqueued)
        api_misuse("%s: %s is committed already", what, api_name(self));
    if (is_open) api_misuse("%s: an encoder of %s is still open", what, api_name(self));
}

- (id<MTLComputeCommandEncoder>)computeCommandEncoder
{
    return [self computeCommandEncoderWithDispatchType:MTLDispatchTypeSerial];
}

- (id<MTLComputeCommandEncoder>)computeCommandEncoderWithDispatchType:(MTLDispatchType)type
{
    [self checkOpenFor:"computeCommandEncoder"];
    return [[[SimComputeEncoder alloc] initWithOwner:self type:type] autorelease];
}

- (id<MTLBlitCommandEncoder>)blitCommandEncoder
{
    [self checkOpenFor:"blitCommandEncoder"];
    return [[[SimBlitEncoder alloc] initWithOwner:self] autorelease];
}

- (void)encodeEvent:(id)event value:(uint64_t)value as:(enum api_command_kind)kind
{
    [self checkOpenFor:kind == API_SIGNAL ? "encodeSignalEvent" : "encodeWaitForEvent"];
    if (![event isKindOfClass:[SimEvent class]]) api_misuse("%s is not an event", api_name(event));
    struct api_command *command = [self append:kind];
    command->event = event;
    command->value = value;
    [self hold:event];
}

- (void)encodeSignalEvent:(id<MTLEvent>)event value:(uint64_t)value
{
    [self encodeEvent:event value:value as:API_SIGNAL];
}

- (void)encodeWaitForEvent:(id<MTLEvent>)event value:(uint64_t)value
{
    [self encodeEvent:event value:value as:API_WAIT];
}

- (void)pushDebugGroup:(NSString *)name
{
    (void)name;
    group_depth++;
}

- (void)popDebugGroup
{
    if (group_depth-- == 0) api_misuse("%s: popDebugGroup without a push", api_name(self));
}

- (void)commit
{
    api_lock();
    [self checkOpenFor:"commit"];
    if (group_depth != 0)
        api_misuse("commit: %u debug groups of %s are not popped", group_depth, api_name(self));
    state = MTLCommandBufferStatusCommitted;
    queue->committed++;
    api_gpu_commit(self);
    api_unlock();
}

- (void)waitUntilScheduled
{
    if (state < MTLCommandBufferStatusCommitted)
        api_misuse("waitUntilScheduled: %s is not committed", api_name(self));
}

- (void)waitUntilCompleted
{
    api_lock();
    if (state < MTLCommandBufferStatusCommitted)
        api_misuse("waitUntilCompleted: %s is not committed", api_name(self));
    api_gpu_complete(self);
    api_unlock();
}

- (void)finish
{
    state = failure != nil ? MTLCommandBufferStatusError : MTLCommandBufferStatusCompleted;
    queue->committed--;
    queue->outstanding--;
    [self letGo];
}

- (void)letGo
{
    for (size_t i = 0; i < held_count; i++) {
        if (is_unretained)
            api_unwatch(held[i]);
        else
            [held[i] release];
    }
    for (size_t i = 0; i < command_count; i++)
        free_command(&commands[i]);
    held_count = command_count = 0;
}

- (MTLCommandBufferStatus)status
{
    api_lock();
    MTLCommandBufferStatus seen = state;
    if (seen == MTLCommandBufferStatusCommitted) api_gpu_polled();
    api_unlock();
    return seen;
}

- (NSError *)error
{
    return failure;
}

- (CFTimeInterval)kernelStartTime
{
    return start;
}

- (CFTimeInterval)kernelEndTime
{
    return end;
}

- (CFTimeInterval)GPUStartTime
{
    return start;
}

- (CFTimeInterval)GPUEndTime
{
    return end;
}

- (BOOL)retainedReferences
{
    return !is_unretained;
}

- (id<MTLCommandQueue>)commandQueue
{
    return queue;
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (const char *)simKind
{
    return "command buffer";
}

- (void)dealloc
{
    api_lock();
    if (state == MTLCommandBufferStatusNotEnqueued) queue->outstanding--;
    api_unlock();
    [self letGo];
    free(commands);
    free(held);
    [failure release];
    [queue release];
    [super dealloc];
}
@end
