/* Correct uses, most of them the twin of a mistake in bad.m: none may end the program. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void every_argument_bound(void)
{
    id<MTLBuffer> x = floats(@"x", 70, 0), y = floats(@"y", 70, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"scale");
    y.label = @"say \"y\"";
    float k = 3.0f;
    [encoding setBuffer:x offset:0 atIndex:0];
    [encoding setBuffer:y offset:0 atIndex:1];
    [encoding setBytes:&k length:sizeof k atIndex:2];
    k = 0.0f; /* copied at once */
    dispatch(encoding, 70);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    CHECK(commands.status == MTLCommandBufferStatusCompleted && commands.error == nil);
    CHECK(commands.GPUEndTime >= commands.GPUStartTime && commands.GPUStartTime > 0.0);
    for (int i = 0; i < 70; i++)
        CHECK(values(y)[i] == 3.0f * (float)i);
}

static void offsets_move_a_binding(void)
{
    id<MTLBuffer> x = floats(@"x", 16, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"add_one");
    [encoding setBuffer:x offset:32 atIndex:0];
    dispatch(encoding, 4);
    [encoding setBufferOffset:48 atIndex:0];
    dispatch(encoding, 4);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    for (int i = 0; i < 16; i++)
        CHECK(values(x)[i] == (float)i + (i >= 8 ? 1.0f : 0.0f));
}

static void conditional_argument(void)
{
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        MTLFunctionConstantValues *constants =
            [[[MTLFunctionConstantValues alloc] init] autorelease];
        bool has_bias = with_bias != 0;
        int factor = 3;
        NSError *error = nil;
        [constants setConstantValue:&has_bias type:MTLDataTypeBool atIndex:0];
        [constants setConstantValue:&factor type:MTLDataTypeInt atIndex:1];
        id<MTLFunction> function = [[library() newFunctionWithName:@"with_constants"
                                                    constantValues:constants
                                                             error:&error] autorelease];
        CHECK(function != nil && [function.name isEqualToString:@"with_constants"]);
        id<MTLBuffer> x = floats(@"x", 8, 0), bias = floats(@"bias", 8, 100);
        id<MTLCommandBuffer> commands = command_buffer();
        id<MTLComputeCommandEncoder> encoding = [commands computeCommandEncoder];
        [encoding setComputePipelineState:[[device() newComputePipelineStateWithFunction:function
                                                                                   error:&error]
                                              autorelease]];
        [encoding setBuffer:x offset:0 atIndex:0];
        if (has_bias) [encoding setBuffer:bias offset:0 atIndex:1];
        dispatch(encoding, 8);
        [encoding endEncoding];
        [commands commit];
        [commands waitUntilCompleted];
        for (int i = 0; i < 8; i++)
            CHECK(values(x)[i] == 3.0f * (float)i + (has_bias ? 100.0f + (float)i : 0.0f));
    }
}

static void constant_not_given(void)
{
    MTLFunctionConstantValues *constants = [[[MTLFunctionConstantValues alloc] init] autorelease];
    NSError *error = nil;
    CHECK([library() newFunctionWithName:@"with_constants" constantValues:constants
                                   error:&error] == nil);
    CHECK(error != nil && [error.domain isEqualToString:MTLLibraryErrorDomain]);
}

static void threadgroup_memory(void)
{
    id<MTLBuffer> x = floats(@"x", 32, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"reverse");
    [encoding setBuffer:x offset:0 atIndex:0];
    [encoding setThreadgroupMemoryLength:128 atIndex:0];
    dispatch(encoding, 32);
    [encoding endEncoding];
    encoding = encoder(commands, @"two_memories");
    [encoding setBuffer:x offset:0 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 atIndex:1];
    dispatch(encoding, 32);
    [encoding endEncoding]; /* what is set goes with the encoder */
    encoding = encoder(commands, @"static_memory");
    [encoding setBuffer:x offset:0 atIndex:0];
    [encoding setThreadgroupMemoryLength:16384 atIndex:0];
    dispatch(encoding, 32);
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    for (int i = 0; i < 32; i++)
        CHECK(values(x)[i] == (float)(32 - i));
}

static void threads_1024(void)
{
    id<MTLBuffer> x = floats(@"x", 1024, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"add_one");
    [encoding setBuffer:x offset:0 atIndex:0];
    [encoding dispatchThreadgroups:MTLSizeMake(1, 1, 1)
             threadsPerThreadgroup:MTLSizeMake(1024, 1, 1)];
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    CHECK(values(x)[0] == 1.0f && values(x)[1023] == 1024.0f);
}

static void a_ragged_grid_runs_each_thread_once(void)
{
    id<MTLBuffer> n = floats(@"n", 1, 0);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"count_threads");
    [encoding setBuffer:n offset:0 atIndex:0];
    [encoding dispatchThreads:MTLSizeMake(37, 5, 3) threadsPerThreadgroup:MTLSizeMake(16, 2, 2)];
    [encoding endEncoding];
    [commands commit];
    [commands waitUntilCompleted];
    uint32_t count;
    memcpy(&count, [n contents], sizeof count);
    CHECK(count == 37 * 5 * 3);
}

static void debug_groups(void)
{
    id<MTLCommandBuffer> commands = command_buffer();
    [commands pushDebugGroup:@"step"];
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"add_one");
    [encoding pushDebugGroup:@"layer 0"];
    [encoding insertDebugSignpost:@"here"];
    [encoding popDebugGroup];
    [encoding endEncoding];
    [commands popDebugGroup];
    [commands commit];
    [commands waitUntilCompleted];
}

static void no_copy_pages(void)
{
    char *pages = aligned_alloc(16384, 3 * 16384);
    MTLResourceOptions shared = MTLResourceStorageModeShared;
    CHECK([device() newBufferWithBytesNoCopy:pages + 4096
                                      length:16384
                                     options:shared
                                 deallocator:nil] == nil);
    CHECK([device() newBufferWithBytesNoCopy:pages
                                      length:16384 + 4096
                                     options:shared
                                 deallocator:nil] == nil);
    id<MTLBuffer> buffer = [device() newBufferWithBytesNoCopy:pages + 16384
                                                       length:2 * 16384
                                                      options:shared
                                                  deallocator:nil];
    CHECK(buffer != nil && [buffer contents] == pages + 16384 && buffer.length == 2 * 16384);
    CHECK(device().currentAllocatedSize == 2 * 16384);
    memset(pages, 0, 3 * 16384);
    id<MTLCommandBuffer> commands = command_buffer();
    encode_add_one(commands, buffer);
    [commands commit];
    [commands waitUntilCompleted];
    CHECK(((float *)(void *)pages)[4095] == 0.0f && ((float *)(void *)pages)[4096] == 1.0f);
    [buffer release];
    CHECK(device().currentAllocatedSize == 0);
    free(pages);
}

static void storage_modes(void)
{
    id<MTLBuffer> hidden =
        [[device() newBufferWithLength:64 options:MTLResourceStorageModePrivate] autorelease];
    id<MTLBuffer> seen = [[device() newBufferWithBytes:"0123456789abcdef"
                                                length:16
                                               options:MTLResourceStorageModeShared] autorelease];
    CHECK([hidden contents] == NULL && hidden.storageMode == MTLStorageModePrivate);
    CHECK(memcmp([seen contents], "0123456789abcdef", 16) == 0);
    CHECK(seen.storageMode == MTLStorageModeShared && seen.length == 16);
    id<MTLBuffer> zero = [[device() newBufferWithLength:100 options:0] autorelease];
    for (int i = 0; i < 100; i++)
        CHECK(((char *)[zero contents])[i] == 0);
}

static void blits(void)
{
    id<MTLBuffer> from = floats(@"from", 8, 0), to = floats(@"to", 8, 100);
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLBlitCommandEncoder> blit = [commands blitCommandEncoder];
    blit.label = @"move";
    [blit copyFromBuffer:from sourceOffset:8 toBuffer:to destinationOffset:0 size:16];
    [blit copyFromBuffer:from sourceOffset:0 toBuffer:from destinationOffset:16 size:16];
    [blit fillBuffer:to range:NSMakeRange(28, 4) value:0];
    [blit endEncoding];
    [commands commit];
    CHECK(values(to)[0] == 100.0f); /* not yet */
    [commands waitUntilCompleted];
    CHECK(values(to)[0] == 2.0f && values(to)[3] == 5.0f && values(to)[4] == 104.0f);
    CHECK(values(to)[7] == 0.0f && values(from)[7] == 3.0f);
}

static MPSMatrix *matrix(id<MTLBuffer> buffer, NSUInteger rows, NSUInteger columns,
                         NSUInteger count, MPSDataType type)
{
    NSUInteger row = columns * (type == MPSDataTypeFloat32 ? 4 : 2);
    MPSMatrixDescriptor *shape = [MPSMatrixDescriptor matrixDescriptorWithRows:rows
                                                                       columns:columns
                                                                      matrices:count
                                                                      rowBytes:row
                                                                   matrixBytes:rows * row
                                                                      dataType:type];
    return [[[MPSMatrix alloc] initWithBuffer:buffer descriptor:shape] autorelease];
}

/* Small whole numbers: sums are exact in F32, and in F16 below 2048. */
static void matrix_products(void)
{
    enum { ROWS = 3, COLUMNS = 4, INNER = 5, COUNT = 2 };
    for (int way = 0; way < 4; way++) {
        bool left_turned = (way & 1) != 0, right_turned = (way & 2) != 0;
        id<MTLBuffer> a = floats(@"a", COUNT * ROWS * INNER, -7);
        id<MTLBuffer> b = floats(@"b", COUNT * INNER * COLUMNS, -20);
        id<MTLBuffer> c = floats(@"c", COUNT * ROWS * COLUMNS, 0);
        MPSMatrixMultiplication *product =
            [[[MPSMatrixMultiplication alloc] initWithDevice:device()
                                               transposeLeft:left_turned
                                              transposeRight:right_turned
                                                  resultRows:ROWS
                                               resultColumns:COLUMNS
                                             interiorColumns:INNER
                                                       alpha:2.0
                                                        beta:1.0] autorelease];
        id<MTLCommandBuffer> commands = command_buffer();
        [product
            encodeToCommandBuffer:commands
                       leftMatrix:matrix(a, left_turned ? INNER : ROWS, left_turned ? ROWS : INNER,
                                         COUNT, MPSDataTypeFloat32)
                      rightMatrix:matrix(b, right_turned ? COLUMNS : INNER,
                                         right_turned ? INNER : COLUMNS, COUNT, MPSDataTypeFloat32)
                     resultMatrix:matrix(c, ROWS, COLUMNS, COUNT, MPSDataTypeFloat32)];
        [commands commit];
        [commands waitUntilCompleted];
        for (int m = 0; m < COUNT; m++)
            for (int i = 0; i < ROWS; i++)
                for (int j = 0; j < COLUMNS; j++) {
                    float sum = 0.0f;
                    for (int k = 0; k < INNER; k++) {
                        int at = left_turned ? k * ROWS + i : i * INNER + k;
                        int bt = right_turned ? j * INNER + k : k * COLUMNS + j;
                        sum +=
                            values(a)[m * ROWS * INNER + at] * values(b)[m * INNER * COLUMNS + bt];
                    }
                    int ct = m * ROWS * COLUMNS + i * COLUMNS + j;
                    CHECK(values(c)[ct] == 2.0f * sum + (float)ct);
                }
    }
}

static void half_matrix_product(void)
{
    _Float16 a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8};
    id<MTLBuffer> left = [[device() newBufferWithBytes:a length:8 options:0] autorelease];
    id<MTLBuffer> right = [[device() newBufferWithBytes:b length:8 options:0] autorelease];
    id<MTLBuffer> out = [[device() newBufferWithLength:8 options:0] autorelease];
    MPSMatrixMultiplication *product =
        [[[MPSMatrixMultiplication alloc] initWithDevice:device()
                                              resultRows:2
                                           resultColumns:2
                                         interiorColumns:2] autorelease];
    id<MTLCommandBuffer> commands = command_buffer();
    [product encodeToCommandBuffer:commands
                        leftMatrix:matrix(left, 2, 2, 1, MPSDataTypeFloat16)
                       rightMatrix:matrix(right, 2, 2, 1, MPSDataTypeFloat16)
                      resultMatrix:matrix(out, 2, 2, 1, MPSDataTypeFloat16)];
    [commands commit];
    [commands waitUntilCompleted];
    const _Float16 *c = [out contents];
    CHECK(c[0] == 19 && c[1] == 22 && c[2] == 43 && c[3] == 50);
}

static void compile_error_has_the_line(void)
{
    NSError *error = nil;
    NSString *source = @"#include <metal_stdlib>\nusing namespace metal;\n"
                        "kernel void k(device float *x [[buffer(0)]])\n{ x[0] = nothing; }\n";
    CHECK([device() newLibraryWithSource:source options:nil error:&error] == nil);
    CHECK([error.domain isEqualToString:MTLLibraryErrorDomain]);
    CHECK(error.code == MTLLibraryErrorCompileFailure);
    CHECK(strstr(error.localizedDescription.UTF8String, "program_source:4:") != NULL);
    CHECK(strstr(error.localizedDescription.UTF8String, "nothing") != NULL);
    CHECK([device() newLibraryWithSource:source options:nil error:NULL] == nil);
}

static void macros_reach_the_source(void)
{
    MTLCompileOptions *options = [[[MTLCompileOptions alloc] init] autorelease];
    CHECK(options.fastMathEnabled && options.mathMode == MTLMathModeFast);
    options.fastMathEnabled = NO;
    CHECK(options.mathMode == MTLMathModeSafe);
    options.preprocessorMacros = @{@"ADD" : @5, @"KIND" : @"float"};
    NSError *error = nil;
    id<MTLLibrary> made =
        [device() newLibraryWithSource:@"kernel void k(device KIND *x [[buffer(0)]])"
                                        "{ x[0] += ADD; }"
                               options:options
                                 error:&error];
    CHECK(made != nil && made.functionNames.count == 1);
    CHECK([[made.functionNames objectAtIndex:0] isEqualToString:@"k"]);
    CHECK([made newFunctionWithName:@"other"] == nil);
    [made release];
}

static void device_has_what_a_host_asks(void)
{
    id<MTLDevice> one = device();
    CHECK([one.name length] > 0 && one.hasUnifiedMemory);
    CHECK([one supportsFamily:MTLGPUFamilyMetal3] && [one supportsFamily:MTLGPUFamilyApple7]);
    CHECK(![one supportsFamily:MTLGPUFamilyApple9]);
    CHECK(one.maxThreadgroupMemoryLength == 32768 && one.maxThreadsPerThreadgroup.width == 1024);
    NSArray<id<MTLDevice>> *all = MTLCopyAllDevices();
    CHECK(all.count == 1 && [all objectAtIndex:0] == one);
    [all release];
    id<MTLComputePipelineState> state = pipeline(@"add_one");
    CHECK(state.threadExecutionWidth == 32 && state.maxTotalThreadsPerThreadgroup == 1024);
    metalsim_set_max_buffer_bytes(1 << 20);
    CHECK(one.maxBufferLength == 1 << 20);
    CHECK([one newBufferWithLength:(1 << 20) + 1 options:0] == nil);
    [[one newBufferWithLength:1 << 20 options:0] release];
}

static bool run_one(NSInteger *code)
{
    id<MTLCommandBuffer> commands = command_buffer();
    id<MTLBuffer> x = floats(@"x", 8, 0);
    encode_add_one(commands, x);
    [commands commit];
    [commands waitUntilCompleted];
    bool is_done = commands.status == MTLCommandBufferStatusCompleted;
    CHECK(is_done == (commands.error == nil));
    CHECK(values(x)[0] == (is_done ? 1.0f : 0.0f));
    if (!is_done) {
        CHECK(commands.status == MTLCommandBufferStatusError);
        CHECK([commands.error.domain isEqualToString:MTLCommandBufferErrorDomain]);
        CHECK([commands.error.localizedDescription length] > 0);
        *code = commands.error.code;
    }
    return is_done;
}

static void too_much_for_the_working_set(void)
{
    NSInteger code = 0;
    CHECK(run_one(&code));
    metalsim_set_working_set_bytes(16);
    CHECK(device().recommendedMaxWorkingSetSize == 16);
    CHECK(!run_one(&code) && code == MTLCommandBufferErrorOutOfMemory);
    metalsim_set_working_set_bytes(0);
    CHECK(run_one(&code));
}

static void failures_by_number(void)
{
    NSInteger code = 0;
    NSError *error = nil;
    metalsim_fail(METALSIM_FAULT_BUFFER, 2);
    id<MTLBuffer> first = [[device() newBufferWithLength:16 options:0] autorelease];
    CHECK(first != nil && [device() newBufferWithLength:16 options:0] == nil);
    CHECK([[device() newBufferWithLength:16 options:0] autorelease] != nil);
    metalsim_fail(METALSIM_FAULT_LIBRARY, 1);
    CHECK([device() newLibraryWithSource:@"" options:nil error:&error] == nil && error != nil);
    metalsim_fail(METALSIM_FAULT_FUNCTION, 1);
    CHECK([library() newFunctionWithName:@"add_one"] == nil);
    id<MTLFunction> function = [[library() newFunctionWithName:@"add_one"] autorelease];
    metalsim_fail(METALSIM_FAULT_PIPELINE, 1);
    error = nil;
    CHECK([device() newComputePipelineStateWithFunction:function error:&error] == nil &&
          error != nil);
    metalsim_fail(METALSIM_FAULT_QUEUE, 1);
    CHECK([device() newCommandQueue] == nil);
    metalsim_fail(METALSIM_FAULT_COMMAND, 2);
    CHECK(run_one(&code) && !run_one(&code) && code == MTLCommandBufferErrorTimeout);
    CHECK(run_one(&code));
    metalsim_fail(METALSIM_FAULT_NO_DEVICE, 1);
    CHECK(MTLCreateSystemDefaultDevice() == nil);
    metalsim_fail(METALSIM_FAULT_DEVICE_LOST, 1);
    CHECK(!run_one(&code) && code == MTLCommandBufferErrorDeviceRemoved);
    CHECK(!run_one(&code) && code == MTLCommandBufferErrorAccessRevoked);
}

static MTLComputePipelineDescriptor *descriptor_of(NSString *kernel)
{
    MTLComputePipelineDescriptor *descriptor =
        [[[MTLComputePipelineDescriptor alloc] init] autorelease];
    descriptor.computeFunction = [[library() newFunctionWithName:kernel] autorelease];
    descriptor.label = kernel;
    return descriptor;
}

static id<MTLBinaryArchive> archive_from(NSURL *url, NSError **error)
{
    MTLBinaryArchiveDescriptor *where = [[[MTLBinaryArchiveDescriptor alloc] init] autorelease];
    where.url = url;
    return [[device() newBinaryArchiveWithDescriptor:where error:error] autorelease];
}

static bool is_in(id<MTLBinaryArchive> archive, NSString *kernel)
{
    NSError *error = nil;
    MTLComputePipelineDescriptor *descriptor = descriptor_of(kernel);
    descriptor.binaryArchives = @[ archive ];
    id<MTLComputePipelineState> state =
        [device() newComputePipelineStateWithDescriptor:descriptor
                                                options:MTLPipelineOptionFailOnBinaryArchiveMiss
                                             reflection:nil
                                                  error:&error];
    CHECK((state != nil) == (error == nil));
    CHECK(state == nil || [state.label isEqualToString:kernel]);
    [state release];
    return state != nil;
}

static void archive_written_and_read(void)
{
    NSError *error = nil;
    NSURL *url =
        [NSURL fileURLWithPath:[NSString stringWithFormat:@"%s/kernels.archive", case_folder]];
    id<MTLBinaryArchive> archive = archive_from(nil, &error);
    CHECK(archive != nil && !is_in(archive, @"add_one"));
    CHECK([archive addComputePipelineFunctionsWithDescriptor:descriptor_of(@"add_one")
                                                       error:&error]);
    CHECK([archive serializeToURL:url error:&error]);
    id<MTLBinaryArchive> read = archive_from(url, &error);
    CHECK(read != nil && is_in(read, @"add_one") && !is_in(read, @"twice"));
}

static void archive_that_cannot_be_read_or_written(void)
{
    NSError *error = nil;
    NSString *path = [NSString stringWithFormat:@"%s/broken.archive", case_folder];
    NSURL *url = [NSURL fileURLWithPath:path];
    CHECK(archive_from(url, &error) == nil && error.code == MTLBinaryArchiveErrorInvalidFile);
    FILE *file = fopen(path.UTF8String, "w");
    fputs("metalsim archive 1\n0123456789abcdef\n", file); /* cut before its end */
    fclose(file);
    error = nil;
    CHECK(archive_from(url, &error) == nil && error.code == MTLBinaryArchiveErrorInvalidFile);
    id<MTLBinaryArchive> archive = archive_from(nil, &error);
    error = nil;
    CHECK(![archive serializeToURL:[NSURL fileURLWithPath:@"/dev/full"] error:&error]);
    CHECK([error.domain isEqualToString:MTLBinaryArchiveDomain]);
}

static void nothing_is_left_alive(void)
{
    NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
    size_t before = metalsim_live_objects(false);
    id<MTLBuffer> kept = [floats(@"kept", 8, 0) retain];
    NSInteger code;
    CHECK(run_one(&code));
    [pool drain];
    /* The pool, which was counted by neither; the label of the buffer is an object as well. */
    size_t after = metalsim_live_objects(false);
    [kept release];
    CHECK(after > before - 1 && metalsim_live_objects(false) < after);
    CHECK(metalsim_pending_command_buffers() == 0);
}

#define CASE(name)                                                                                 \
    {                                                                                              \
        #name, name                                                                                \
    }
const struct test_case good_cases[] = {
    CASE(every_argument_bound),
    CASE(offsets_move_a_binding),
    CASE(conditional_argument),
    CASE(constant_not_given),
    CASE(threadgroup_memory),
    CASE(threads_1024),
    CASE(a_ragged_grid_runs_each_thread_once),
    CASE(debug_groups),
    CASE(no_copy_pages),
    CASE(storage_modes),
    CASE(blits),
    CASE(matrix_products),
    CASE(half_matrix_product),
    CASE(compile_error_has_the_line),
    CASE(macros_reach_the_source),
    CASE(device_has_what_a_host_asks),
    CASE(too_much_for_the_working_set),
    CASE(failures_by_number),
    CASE(archive_written_and_read),
    CASE(archive_that_cannot_be_read_or_written),
    CASE(nothing_is_left_alive),
    {NULL, NULL},
};
