/* What the cases of the API layer share. See fixture.h. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static NSString *const source =
    @"#include <metal_stdlib>\n"
     "using namespace metal;\n"
     "constant bool has_bias [[function_constant(0)]];\n"
     "constant int factor [[function_constant(1)]];\n"
     "kernel void add_one(device float *x [[buffer(0)]], uint i [[thread_position_in_grid]])\n"
     "{ x[i] += 1.0f; }\n"
     "kernel void scale(device const float *x [[buffer(0)]], device float *y [[buffer(1)]],\n"
     "    constant float &k [[buffer(2)]], uint i [[thread_position_in_grid]])\n"
     "{ y[i] = k * x[i]; }\n"
     /* Two of these in either order: 2 * (x + k) against 2 * x + k. */
     "kernel void twice(device float *x [[buffer(0)]], uint i [[thread_position_in_grid]])\n"
     "{ x[i] *= 2.0f; }\n"
     "kernel void reverse(device float *x [[buffer(0)]], threadgroup float *held "
     "[[threadgroup(0)]],\n"
     "    uint i [[thread_index_in_threadgroup]], uint n [[threads_per_threadgroup]])\n"
     "{ held[i] = x[i]; threadgroup_barrier(mem_flags::mem_threadgroup); x[i] = held[n - 1 - i]; "
     "}\n"
     "kernel void two_memories(device float *x [[buffer(0)]], threadgroup float *a "
     "[[threadgroup(0)]],\n"
     "    threadgroup float *b [[threadgroup(1)]], uint i [[thread_index_in_threadgroup]])\n"
     "{ a[i] = x[i]; b[i] = a[i]; x[i] = b[i]; }\n"
     "kernel void with_constants(device float *x [[buffer(0)]],\n"
     "    device const float *bias [[buffer(1), function_constant(has_bias)]],\n"
     "    uint i [[thread_position_in_grid]])\n"
     "{ x[i] = x[i] * factor; if (has_bias) x[i] += bias[i]; }\n"
     "kernel void past_the_end(device float *x [[buffer(0)]], constant uint &shift [[buffer(1)]],\n"
     "    uint i [[thread_position_in_grid]])\n"
     "{ x[i + shift] = 5.0f; }\n"
     /* 16 KiB of its own beside what the host gives it. */
     "kernel void static_memory(device float *x [[buffer(0)]],\n"
     "    threadgroup float *a [[threadgroup(0)]], uint i [[thread_index_in_threadgroup]])\n"
     "{ threadgroup float own[4096]; own[i] = x[i]; a[i] = own[i] + 1; x[i] = a[i]; }\n"
     "kernel void count_threads(device atomic_uint *n [[buffer(0)]])\n"
     "{ atomic_fetch_add_explicit(n, 1u, memory_order_relaxed); }\n";

const char *case_folder;
static id<MTLDevice> the_device;
static id<MTLCommandQueue> the_queue;
static id<MTLLibrary> the_library;

void check_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: not true: %s\n", file, line, condition);
    _Exit(1);
}

id<MTLDevice> device(void)
{
    if (the_device == nil) the_device = MTLCreateSystemDefaultDevice();
    CHECK(the_device != nil);
    return the_device;
}

id<MTLCommandQueue> queue(void)
{
    if (the_queue == nil) the_queue = [device() newCommandQueue];
    return the_queue;
}

id<MTLLibrary> library(void)
{
    NSError *error = nil;
    if (the_library == nil)
        the_library = [device() newLibraryWithSource:source options:nil error:&error];
    if (the_library == nil) fprintf(stderr, "%s\n", error.localizedDescription.UTF8String);
    CHECK(the_library != nil);
    return the_library;
}

void fixture_close(void)
{
    [the_library release];
    [the_queue release];
    [the_device release];
}

id<MTLComputePipelineState> pipeline(NSString *kernel)
{
    NSError *error = nil;
    id<MTLFunction> function = [library() newFunctionWithName:kernel];
    CHECK(function != nil);
    id<MTLComputePipelineState> made = [device() newComputePipelineStateWithFunction:function
                                                                               error:&error];
    [function release];
    CHECK(made != nil);
    return [made autorelease];
}

id<MTLBuffer> floats(NSString *label, NSUInteger count, float first)
{
    id<MTLBuffer> buffer = [device() newBufferWithLength:count * sizeof(float)
                                                 options:MTLResourceStorageModeShared];
    CHECK(buffer != nil);
    buffer.label = label;
    for (NSUInteger i = 0; i < count; i++)
        values(buffer)[i] = first + (float)i;
    return [buffer autorelease];
}

float *values(id<MTLBuffer> buffer)
{
    return [buffer contents];
}

id<MTLCommandBuffer> command_buffer(void)
{
    return [queue() commandBuffer];
}

id<MTLComputeCommandEncoder> encoder(id<MTLCommandBuffer> commands, NSString *kernel)
{
    id<MTLComputeCommandEncoder> encoding = [commands computeCommandEncoder];
    encoding.label = @"step";
    [encoding setComputePipelineState:pipeline(kernel)];
    return encoding;
}

void encode_add_one(id<MTLCommandBuffer> commands, id<MTLBuffer> buffer)
{
    id<MTLComputeCommandEncoder> encoding = encoder(commands, @"add_one");
    [encoding setBuffer:buffer offset:0 atIndex:0];
    dispatch(encoding, [buffer length] / sizeof(float));
    [encoding endEncoding];
}

void dispatch(id<MTLComputeCommandEncoder> encoding, NSUInteger count)
{
    [encoding dispatchThreads:MTLSizeMake(count, 1, 1)
        threadsPerThreadgroup:MTLSizeMake(count < 32 ? count : 32, 1, 1)];
}

static bool run_from(const struct test_case *cases, const char *name)
{
    for (; cases->name != NULL; cases++) {
        if (strcmp(cases->name, name) != 0) continue;
        NSAutoreleasePool *pool = [[NSAutoreleasePool alloc] init];
        cases->run();
        [pool drain];
        fixture_close();
        return true;
    }
    return false;
}

static void print_names(const char *kind, const struct test_case *cases)
{
    for (; cases->name != NULL; cases++)
        printf("%s %s\n", kind, cases->name);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_names("good", good_cases);
        print_names("good", foundation_cases);
        print_names("good", declared_cases);
        print_names("good", order_cases);
        print_names("bad", bad_cases);
        return 0;
    }
    case_folder = argc > 2 ? argv[2] : ".";
    if (run_from(good_cases, argv[1]) || run_from(foundation_cases, argv[1]) ||
        run_from(declared_cases, argv[1]) ||
        run_from(order_cases, argv[1]) || run_from(bad_cases, argv[1]))
        return 0;
    fprintf(stderr, "no case %s\n", argv[1]);
    return 2;
}
