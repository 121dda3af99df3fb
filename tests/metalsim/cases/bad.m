/* Mistakes of a host, each of which ends the program with a line that names it (test_api.py has the
 * lines). The correct twin of each is in good.m or order.m. */
#include "fixture.h"

#include <pthread.h>

static void argument_not_bound(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"scale");
    float k = 2.0f;
    [encoding setBuffer:floats(@"x", 8, 0) offset:0 atIndex:0];
    [encoding setBytes:&k length:sizeof k atIndex:2];
    dispatch(encoding, 8);
}

static void argument_unbound_again(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding setBuffer:floats(@"x", 8, 0) offset:0 atIndex:0];
    [encoding setBuffer:nil offset:0 atIndex:0];
    dispatch(encoding, 8);
}

static void conditional_argument_not_bound(void)
{
    MTLFunctionConstantValues *constants = [[[MTLFunctionConstantValues alloc] init] autorelease];
    bool has_bias = true;
    int factor = 3;
    [constants setConstantValue:&has_bias type:MTLDataTypeBool atIndex:0];
    [constants setConstantValue:&factor type:MTLDataTypeInt atIndex:1];
    id<MTLFunction> function = [[library() newFunctionWithName:@"with_constants"
                                                constantValues:constants
                                                         error:NULL] autorelease];
    id<MTLComputeCommandEncoder> encoding = [command_buffer() computeCommandEncoder];
    [encoding
        setComputePipelineState:[[device() newComputePipelineStateWithFunction:function
                                                                         error:NULL] autorelease]];
    [encoding setBuffer:floats(@"x", 8, 0) offset:0 atIndex:0];
    dispatch(encoding, 8);
}

static void threadgroup_memory_not_set(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"reverse");
    [encoding setBuffer:floats(@"x", 32, 0) offset:0 atIndex:0];
    dispatch(encoding, 32);
}

static void threadgroup_memory_of_17(void)
{
    [encoder(command_buffer(), @"reverse") setThreadgroupMemoryLength:17 atIndex:0];
}

static void threadgroup_memory_over_32k(void)
{
    [encoder(command_buffer(), @"reverse") setThreadgroupMemoryLength:32768 + 16 atIndex:0];
}

static void threadgroup_memories_over_32k_together(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"two_memories");
    [encoding setBuffer:floats(@"x", 32, 0) offset:0 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 + 16 atIndex:1];
    dispatch(encoding, 32);
}

static void threadgroup_memory_over_32k_with_its_own(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"static_memory");
    [encoding setBuffer:floats(@"x", 32, 0) offset:0 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 + 16 atIndex:0];
    dispatch(encoding, 32);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
}

/* The length that the first kernel wanted is still set for the second, which has 16 KiB of its own. */
static void threadgroup_memory_left_set(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"two_memories");
    [encoding setBuffer:floats(@"x", 32, 0) offset:0 atIndex:0];
    [encoding setThreadgroupMemoryLength:1024 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 atIndex:1];
    dispatch(encoding, 32);
    [encoding setComputePipelineState:pipeline(@"static_memory")];
    dispatch(encoding, 32);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
}

static void threads_1025(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding setBuffer:floats(@"x", 1025, 0) offset:0 atIndex:0];
    [encoding dispatchThreadgroups:MTLSizeMake(1, 1, 1)
             threadsPerThreadgroup:MTLSizeMake(1025, 1, 1)];
}

static void threads_over_the_pipelines_limit(void)
{
    MTLComputePipelineDescriptor *descriptor =
        [[[MTLComputePipelineDescriptor alloc] init] autorelease];
    descriptor.computeFunction = [[library() newFunctionWithName:@"add_one"] autorelease];
    descriptor.maxTotalThreadsPerThreadgroup = 64;
    id<MTLComputePipelineState> state =
        [[device() newComputePipelineStateWithDescriptor:descriptor
                                                 options:MTLPipelineOptionNone
                                              reflection:nil
                                                   error:NULL] autorelease];
    id<MTLComputeCommandEncoder> encoding = [command_buffer() computeCommandEncoder];
    [encoding setComputePipelineState:state];
    [encoding setBuffer:floats(@"x", 96, 0) offset:0 atIndex:0];
    [encoding dispatchThreadgroups:MTLSizeMake(1, 1, 1)
             threadsPerThreadgroup:MTLSizeMake(96, 1, 1)];
}

static void threads_not_whole_simdgroups(void)
{
    MTLComputePipelineDescriptor *descriptor =
        [[[MTLComputePipelineDescriptor alloc] init] autorelease];
    descriptor.computeFunction = [[library() newFunctionWithName:@"add_one"] autorelease];
    descriptor.threadGroupSizeIsMultipleOfThreadExecutionWidth = YES;
    id<MTLComputePipelineState> state =
        [[device() newComputePipelineStateWithDescriptor:descriptor
                                                 options:MTLPipelineOptionNone
                                              reflection:nil
                                                   error:NULL] autorelease];
    id<MTLComputeCommandEncoder> encoding = [command_buffer() computeCommandEncoder];
    [encoding setComputePipelineState:state];
    [encoding setBuffer:floats(@"x", 40, 0) offset:0 atIndex:0];
    [encoding dispatchThreadgroups:MTLSizeMake(1, 1, 1)
             threadsPerThreadgroup:MTLSizeMake(40, 1, 1)];
}

static void empty_grid(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding setBuffer:floats(@"x", 8, 0) offset:0 atIndex:0];
    [encoding dispatchThreadgroups:MTLSizeMake(0, 1, 1) threadsPerThreadgroup:MTLSizeMake(8, 1, 1)];
}

static void no_pipeline(void)
{
    id<MTLComputeCommandEncoder> encoding = [command_buffer() computeCommandEncoder];
    dispatch(encoding, 8);
}

static void bytes_4097(void)
{
    static char bytes[4097];
    [encoder(command_buffer(), @"scale") setBytes:bytes length:sizeof bytes atIndex:2];
}

static void bytes_written_by_the_kernel(void)
{
    float x[8] = {0};
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding setBytes:x length:sizeof x atIndex:0];
    dispatch(encoding, 8);
}

static void index_31(void)
{
    [encoder(command_buffer(), @"add_one") setBuffer:floats(@"x", 8, 0) offset:0 atIndex:31];
}

static void offset_beyond_the_end(void)
{
    [encoder(command_buffer(), @"add_one") setBuffer:floats(@"kv", 8, 0) offset:32 atIndex:0];
}

static void offset_not_aligned(void)
{
    [encoder(command_buffer(), @"add_one") setBuffer:floats(@"kv", 8, 0) offset:2 atIndex:0];
}

static void two_encoders_open(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    commands.label = @"decode";
    encoder(commands, @"add_one");
    [commands blitCommandEncoder];
}

static void use_after_the_end(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding setBuffer:floats(@"x", 8, 0) offset:0 atIndex:0];
    [encoding endEncoding];
    dispatch(encoding, 8);
}

static void end_twice(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding endEncoding];
    [encoding endEncoding];
}

static void encoder_without_an_end(void)
{
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    encoder(command_buffer(), @"add_one");
    [pool drain];
}

static void debug_group_not_popped(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding pushDebugGroup:@"layer 0"];
    [encoding endEncoding];
}

static void debug_group_popped_twice(void)
{
    id<MTLComputeCommandEncoder> encoding = encoder(command_buffer(), @"add_one");
    [encoding pushDebugGroup:@"layer 0"];
    [encoding popDebugGroup];
    [encoding popDebugGroup];
}

static void commit_twice(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    encode_add_one(commands, floats(@"x", 8, 0));
    [commands commit];
    [commands commit];
}

static void commit_with_an_open_encoder(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    encoder(commands, @"add_one");
    [commands commit];
}

static void encode_after_commit(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    [commands commit];
    [commands computeCommandEncoder];
}

static void wait_before_commit(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    encode_add_one(commands, floats(@"x", 8, 0));
    [commands waitUntilCompleted];
}

static void too_many_command_buffers(void)
{
    id<MTLCommandQueue> small = [device() newCommandQueueWithMaxCommandBufferCount:2];
    small.label = @"small";
    for (int i = 0; i < 3; i++)
        [small commandBuffer];
}

static void event_that_nothing_signals(void)
{
    id<MTLSharedEvent> event = [[device() newSharedEvent] autorelease];
    event.label = @"prefill done";
    id<MTLCommandBuffer> commands = command_buffer();
    [commands encodeWaitForEvent:event value:1];
    [commands commit];
    [commands waitUntilCompleted];
}

static void buffer_released_twice(void)
{
    id<MTLBuffer> buffer = [device() newBufferWithLength:16 options:MTLResourceStorageModeShared];
    buffer.label = @"kv";
    [buffer release];
    [buffer release];
}

static void buffer_used_after_release(void)
{
    id<MTLBuffer> buffer = [device() newBufferWithLength:16 options:MTLResourceStorageModeShared];
    buffer.label = @"kv";
    [buffer release];
    [buffer contents];
}

static void unretained_buffer_released_in_flight(void)
{
    id<MTLBuffer> buffer = [device() newBufferWithLength:32 options:MTLResourceStorageModeShared];
    id<MTLCommandBuffer> commands = [queue() commandBufferWithUnretainedReferences];
    commands.label = @"decode";
    encode_add_one(commands, buffer);
    [commands commit];
    [buffer release];
    [commands waitUntilCompleted];
}

static void device_released_too_often(void)
{
    id<MTLDevice> one = MTLCreateSystemDefaultDevice();
    [one release];
    [one release];
}

static void *make_a_string(void *nothing)
{
    [NSString stringWithUTF8String:"lost"];
    return nothing;
}

static void autorelease_without_a_pool(void)
{
    pthread_t thread; /* a thread of its own has no pool yet */
    pthread_create(&thread, NULL, make_a_string, NULL);
    pthread_join(thread, NULL);
}

@protocol Tea
- (void)makeTheTea;
@end

static void unknown_method(void)
{
    [(id<Tea>)floats(@"x", 8, 0) makeTheTea];
}

static void private_buffer_with_bytes(void)
{
    [device() newBufferWithBytes:"abcd" length:4 options:MTLResourceStorageModePrivate];
}

static void buffer_of_0_bytes(void)
{
    [device() newBufferWithLength:0 options:MTLResourceStorageModeShared];
}

/* 4 bytes past the end: of 32, where the guard page begins, and of 28, which has slack. */
static void run_past_the_end(NSUInteger count)
{
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"past_the_end");
    uint32_t shift = 1;
    [encoding setBuffer:floats(@"small", count, 0) offset:0 atIndex:0];
    [encoding setBytes:&shift length:sizeof shift atIndex:1];
    dispatch(encoding, count);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
}

static void write_into_the_guard_page(void)
{
    run_past_the_end(8);
}

static void write_into_the_slack(void)
{
    run_past_the_end(7);
}

static void copy_beyond_the_end(void)
{
    id<MTLBlitCommandEncoder> blit = [command_buffer() blitCommandEncoder];
    [blit copyFromBuffer:floats(@"a", 8, 0)
             sourceOffset:0
                 toBuffer:floats(@"b", 4, 0)
        destinationOffset:0
                     size:32];
}

static void copy_over_itself(void)
{
    id<MTLBuffer> buffer = floats(@"a", 8, 0);
    [[command_buffer() blitCommandEncoder] copyFromBuffer:buffer
                                             sourceOffset:0
                                                 toBuffer:buffer
                                        destinationOffset:4
                                                     size:16];
}

static void fill_of_3_bytes(void)
{
    [[command_buffer() blitCommandEncoder] fillBuffer:floats(@"a", 8, 0)
                                                range:NSMakeRange(0, 3)
                                                value:0];
}

static MPSMatrix *matrix(NSUInteger rows, NSUInteger columns, MPSDataType type)
{
    id<MTLBuffer> buffer = floats(@"m", rows * columns, 0);
    NSUInteger element = type == MPSDataTypeFloat32 ? 4 : 2;
    MPSMatrixDescriptor *shape = [MPSMatrixDescriptor matrixDescriptorWithRows:rows
                                                                       columns:columns
                                                                      rowBytes:columns * element
                                                                      dataType:type];
    return [[[MPSMatrix alloc] initWithBuffer:buffer descriptor:shape] autorelease];
}

static MPSMatrixMultiplication *product(NSUInteger rows, NSUInteger columns, NSUInteger inner)
{
    return [[[MPSMatrixMultiplication alloc] initWithDevice:device()
                                                 resultRows:rows
                                              resultColumns:columns
                                            interiorColumns:inner] autorelease];
}

static void matrices_that_do_not_fit(void)
{
    [product(2, 3, 4) encodeToCommandBuffer:command_buffer()
                                 leftMatrix:matrix(2, 4, MPSDataTypeFloat32)
                                rightMatrix:matrix(3, 4, MPSDataTypeFloat32)
                               resultMatrix:matrix(2, 3, MPSDataTypeFloat32)];
}

static void matrices_of_two_types(void)
{
    [product(2, 3, 4) encodeToCommandBuffer:command_buffer()
                                 leftMatrix:matrix(2, 4, MPSDataTypeFloat32)
                                rightMatrix:matrix(4, 3, MPSDataTypeFloat16)
                               resultMatrix:matrix(2, 3, MPSDataTypeFloat32)];
}

static void matrix_larger_than_its_buffer(void)
{
    MPSMatrixDescriptor *shape = [MPSMatrixDescriptor matrixDescriptorWithRows:4
                                                                       columns:4
                                                                      rowBytes:16
                                                                      dataType:MPSDataTypeFloat32];
    [[MPSMatrix alloc] initWithBuffer:floats(@"m", 15, 0) descriptor:shape];
}

static void product_with_an_open_encoder(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    encoder(commands, @"add_one");
    [product(2, 3, 4) encodeToCommandBuffer:commands
                                 leftMatrix:matrix(2, 4, MPSDataTypeFloat32)
                                rightMatrix:matrix(4, 3, MPSDataTypeFloat32)
                               resultMatrix:matrix(2, 3, MPSDataTypeFloat32)];
}

/* Only ThreadSanitizer sees it whatever the seed. */
static void dispatches_without_a_barrier(void)
{
    id<MTLBuffer> x = floats(@"x", 64, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding =
        [commands computeCommandEncoderWithDispatchType:MTLDispatchTypeConcurrent];
    [encoding setBuffer:x offset:0 atIndex:0];
    [encoding setComputePipelineState:pipeline(@"add_one")];
    dispatch(encoding, 64);
    [encoding setComputePipelineState:pipeline(@"twice")];
    dispatch(encoding, 64);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
}

/* This one ends with a status, not a line of misuse. */
static void a_leak(void)
{
    [[device() newBufferWithLength:16 options:0] setLabel:@"forgotten"];
}

#define CASE(name)                                                                                 \
    {                                                                                              \
        #name, name                                                                                \
    }
const struct test_case bad_cases[] = {
    CASE(argument_not_bound),
    CASE(argument_unbound_again),
    CASE(conditional_argument_not_bound),
    CASE(threadgroup_memory_not_set),
    CASE(threadgroup_memory_of_17),
    CASE(threadgroup_memory_over_32k),
    CASE(threadgroup_memories_over_32k_together),
    CASE(threadgroup_memory_over_32k_with_its_own),
    CASE(threadgroup_memory_left_set),
    CASE(threads_1025),
    CASE(threads_over_the_pipelines_limit),
    CASE(threads_not_whole_simdgroups),
    CASE(empty_grid),
    CASE(no_pipeline),
    CASE(bytes_4097),
    CASE(bytes_written_by_the_kernel),
    CASE(index_31),
    CASE(offset_beyond_the_end),
    CASE(offset_not_aligned),
    CASE(two_encoders_open),
    CASE(use_after_the_end),
    CASE(end_twice),
    CASE(encoder_without_an_end),
    CASE(debug_group_not_popped),
    CASE(debug_group_popped_twice),
    CASE(commit_twice),
    CASE(commit_with_an_open_encoder),
    CASE(encode_after_commit),
    CASE(wait_before_commit),
    CASE(too_many_command_buffers),
    CASE(event_that_nothing_signals),
    CASE(buffer_released_twice),
    CASE(buffer_used_after_release),
    CASE(unretained_buffer_released_in_flight),
    CASE(device_released_too_often),
    CASE(autorelease_without_a_pool),
    CASE(unknown_method),
    CASE(private_buffer_with_bytes),
    CASE(buffer_of_0_bytes),
    CASE(write_into_the_guard_page),
    CASE(write_into_the_slack),
    CASE(copy_beyond_the_end),
    CASE(copy_over_itself),
    CASE(fill_of_3_bytes),
    CASE(matrices_that_do_not_fit),
    CASE(matrices_of_two_types),
    CASE(matrix_larger_than_its_buffer),
    CASE(product_with_an_open_encoder),
    CASE(dispatches_without_a_barrier),
    CASE(a_leak),
    {NULL, NULL},
};
