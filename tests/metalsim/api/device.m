/* The one device: what it can do, and the objects that it makes. */
#include "api.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_COMMAND_BUFFERS = 64 };

static int64_t allocated_bytes;
static SimDevice *device;

SimDevice *api_device(void)
{
    api_lock();
    if (device == nil) device = [[SimDevice alloc] init];
    api_unlock();
    return device;
}

void api_device_account(int64_t bytes)
{
    __atomic_add_fetch(&allocated_bytes, bytes, __ATOMIC_RELAXED);
}

void api_set_error(NSError **out, NSErrorDomain domain, NSInteger code, const char *format, ...)
{
    if (out == NULL) return;
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) api_misuse("no memory for an error's text");
    va_end(arguments);
    NSString *said = [NSString stringWithUTF8String:text];
    free(text);
    *out = [NSError errorWithDomain:domain code:code userInfo:@{NSLocalizedDescriptionKey : said}];
}

uint64_t api_hash(uint64_t seed, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        seed = (seed ^ ((const unsigned char *)bytes)[i]) * 1099511628211ull;
    return seed;
}

/* As Metal's validation: a length of 0 and a private buffer with contents are mistakes of the
 * program, one that is too long is refused. */
static bool can_make_buffer(NSUInteger length, const char *what)
{
    if (length == 0) api_misuse("%s: a length of 0", what);
    return length <= api_settings_get()->max_buffer_bytes && !api_fault_due(METALSIM_FAULT_BUFFER);
}

static void check_options(MTLResourceOptions options, const char *what)
{
    const NSUInteger known = MTLResourceCPUCacheModeWriteCombined | MTLResourceStorageModePrivate |
                             MTLResourceHazardTrackingModeTracked;
    if ((options & ~known) != 0)
        api_misuse("%s: resource options %#lx are not in this subset", what, (NSUInteger)options);
}

@implementation SimDevice
- (NSString *)name
{
    return @"metalsim (a simulated Apple GPU)";
}

- (uint64_t)registryID
{
    return 1;
}

- (MTLSize)maxThreadsPerThreadgroup
{
    return MTLSizeMake(SIM_MAX_THREADS, SIM_MAX_THREADS, SIM_MAX_THREADS);
}

- (NSUInteger)maxThreadgroupMemoryLength
{
    return API_MAX_GROUP_MEMORY;
}

- (BOOL)isLowPower
{
    return NO;
}

- (BOOL)isHeadless
{
    return NO;
}

- (BOOL)isRemovable
{
    return NO;
}

- (BOOL)hasUnifiedMemory
{
    return YES;
}

- (uint64_t)recommendedMaxWorkingSetSize
{
    return api_settings_get()->working_set_bytes;
}

- (NSUInteger)currentAllocatedSize
{
    return (NSUInteger)__atomic_load_n(&allocated_bytes, __ATOMIC_RELAXED);
}

- (NSUInteger)maxBufferLength
{
    return (NSUInteger)api_settings_get()->max_buffer_bytes;
}

/* That of an M1: the first with simdgroup matrices and Metal 3. */
- (BOOL)supportsFamily:(MTLGPUFamily)family
{
    return (family >= MTLGPUFamilyApple1 && family <= MTLGPUFamilyApple7) ||
           family == MTLGPUFamilyMac1 || family == MTLGPUFamilyMac2 ||
           (family >= MTLGPUFamilyCommon1 && family <= MTLGPUFamilyCommon3) ||
           family == MTLGPUFamilyMetal3;
}

- (id<MTLCommandQueue>)newCommandQueue
{
    return [self newCommandQueueWithMaxCommandBufferCount:MAX_COMMAND_BUFFERS];
}

- (id<MTLCommandQueue>)newCommandQueueWithMaxCommandBufferCount:(NSUInteger)count
{
    if (count == 0) api_misuse("a command queue for 0 command buffers");
    if (api_fault_due(METALSIM_FAULT_QUEUE)) return nil;
    return [[SimQueue alloc] initWithMaximum:count];
}

- (id<MTLBuffer>)newBufferWithLength:(NSUInteger)length options:(MTLResourceOptions)options
{
    check_options(options, "newBufferWithLength");
    if (!can_make_buffer(length, "newBufferWithLength")) return nil;
    return [[SimBuffer alloc] initWithLength:length options:options];
}

- (id<MTLBuffer>)newBufferWithBytes:(const void *)bytes
                             length:(NSUInteger)length
                            options:(MTLResourceOptions)options
{
    check_options(options, "newBufferWithBytes");
    if (bytes == NULL) api_misuse("newBufferWithBytes: of NULL");
    if ((options & MTLResourceStorageModePrivate) != 0)
        api_misuse("newBufferWithBytes: the processor cannot write to a private buffer");
    if (!can_make_buffer(length, "newBufferWithBytes")) return nil;
    SimBuffer *buffer = [[SimBuffer alloc] initWithLength:length options:options];
    if (buffer != nil) memcpy(buffer->bytes, bytes, length);
    return buffer;
}

- (id<MTLBuffer>)newBufferWithBytesNoCopy:(void *)bytes
                                   length:(NSUInteger)length
                                  options:(MTLResourceOptions)options
                              deallocator:(MTLBufferDeallocator)deallocator
{
    check_options(options, "newBufferWithBytesNoCopy");
    if (deallocator != nil)
        api_misuse(
            "newBufferWithBytesNoCopy: a deallocator is a block, which is not in this subset");
    if ((options & MTLResourceStorageModePrivate) != 0)
        api_misuse("newBufferWithBytesNoCopy: memory of the program cannot be private");
    if (!can_make_buffer(length, "newBufferWithBytesNoCopy")) return nil;
    return [[SimBuffer alloc] initNoCopy:bytes length:length options:options];
}

- (id<MTLLibrary>)newLibraryWithSource:(NSString *)source
                               options:(MTLCompileOptions *)options
                                 error:(NSError **)error
{
    if (source == nil) api_misuse("newLibraryWithSource: nil");
    return [[SimLibrary alloc] initWithSource:[source UTF8String] options:options error:error];
}

- (id<MTLComputePipelineState>)newComputePipelineStateWithFunction:(id<MTLFunction>)function
                                                             error:(NSError **)error
{
    MTLComputePipelineDescriptor *descriptor = [[MTLComputePipelineDescriptor alloc] init];
    [descriptor setComputeFunction:function];
    SimPipeline *pipeline = api_pipeline_new(descriptor, MTLPipelineOptionNone, error);
    [descriptor release];
    return pipeline;
}

- (id<MTLComputePipelineState>)
    newComputePipelineStateWithDescriptor:(MTLComputePipelineDescriptor *)descriptor
                                  options:(MTLPipelineOption)options
                               reflection:(MTLAutoreleasedComputePipelineReflection *)reflection
                                    error:(NSError **)error
{
    if (reflection != NULL) api_misuse("reflection of a pipeline is not in this subset: pass nil");
    if (descriptor == nil) api_misuse("newComputePipelineStateWithDescriptor: nil");
    return api_pipeline_new(descriptor, options, error);
}

- (id<MTLBinaryArchive>)newBinaryArchiveWithDescriptor:(MTLBinaryArchiveDescriptor *)descriptor
                                                 error:(NSError **)error
{
    if (descriptor == nil) api_misuse("newBinaryArchiveWithDescriptor: nil");
    return [[SimArchive alloc] initWithURL:[descriptor url] error:error];
}

- (id<MTLEvent>)newEvent
{
    return [[SimEvent alloc] init];
}

- (id<MTLSharedEvent>)newSharedEvent
{
    return [[SimEvent alloc] init];
}

- (const char *)simKind
{
    return "device";
}

/* The first reference is the simulator's own: giving it away is one release too many. */
- (void)dealloc
{
    api_misuse("the device is released once more than it was retained");
    [super dealloc];
}
@end

id<MTLDevice> MTLCreateSystemDefaultDevice(void)
{
    if (api_fault_due(METALSIM_FAULT_NO_DEVICE)) return nil;
    return [api_device() retain];
}

NSArray<id<MTLDevice>> *MTLCopyAllDevices(void)
{
    if (api_fault_due(METALSIM_FAULT_NO_DEVICE)) return [[NSArray array] retain];
    id<MTLDevice> one = api_device();
    return [[NSArray alloc] initWithObjects:&one count:1];
}
