/* Buffers. Those that own their memory end at a page that nobody may touch (the executor says which
 * kernel did); the bytes between the end and that page, for the start is aligned to 16, have a
 * pattern that is looked at after every run.
 *
 * Does not own: the content. It starts as zero, as documented for newBufferWithLength. */
#include "api.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NO_COPY_PAGE = 16384, ALIGNMENT = 16, SLACK_BYTE = 0xA5 };

SimBuffer *api_buffer_of(id object, const char *what)
{
    if (object == nil) api_misuse("%s: the buffer is nil", what);
    if (![object isKindOfClass:[SimBuffer class]])
        api_misuse("%s: %s is not a buffer", what, api_name(object));
    return object;
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t slack_of(const SimBuffer *buffer)
{
    return (ALIGNMENT - buffer->count % ALIGNMENT) % ALIGNMENT;
}

void api_buffer_check(SimBuffer *buffer, const char *kernel)
{
    if (buffer->mapping == NULL) return;
    for (size_t i = 0; i < slack_of(buffer); i++)
        if (buffer->bytes[buffer->count + i] != SLACK_BYTE)
            api_misuse("%s: wrote byte %zu of %s, which has %zu", kernel, buffer->count + i,
                       api_name(buffer), buffer->count);
}

@implementation SimBuffer
- (instancetype)initWithLength:(size_t)length options:(MTLResourceOptions)value
{
    size_t page = page_bytes();
    size_t body = (length + page - 1) / page * page;
    count = length;
    options = value;
    mapping_bytes = body + page;
    mapping = mmap(NULL, mapping_bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) {
        mapping = NULL;
        count = 0;
        [self release];
        return nil;
    }
    unsigned char *end = (unsigned char *)mapping + body;
    mprotect(end, page, PROT_NONE);
    bytes = end - slack_of(self) - length;
    memset(bytes + length, SLACK_BYTE, slack_of(self));
    api_device_account((int64_t)length);
    return self;
}

/* Apple's asks for whole pages of 16 KiB and returns nil otherwise. */
- (instancetype)initNoCopy:(void *)memory length:(size_t)length options:(MTLResourceOptions)value
{
    if ((uintptr_t)memory % NO_COPY_PAGE != 0 || length % NO_COPY_PAGE != 0 || memory == NULL) {
        fprintf(stderr,
                "metalsim: newBufferWithBytesNoCopy returns nil: address %p and length %zu are not "
                "both a multiple of %d\n",
                memory, length, NO_COPY_PAGE);
        [self release];
        return nil;
    }
    bytes = memory;
    count = length;
    options = value;
    api_device_account((int64_t)length);
    return self;
}

- (void *)contents
{
    return (options & MTLResourceStorageModePrivate) != 0 ? NULL : bytes;
}

- (NSUInteger)length
{
    return count;
}

- (NSUInteger)allocatedSize
{
    return count;
}

- (uint64_t)gpuAddress
{
    return (uint64_t)(uintptr_t)bytes;
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (MTLCPUCacheMode)cpuCacheMode
{
    return (MTLCPUCacheMode)(options & 15);
}

- (MTLStorageMode)storageMode
{
    return (MTLStorageMode)(options >> 4 & 15);
}

- (MTLHazardTrackingMode)hazardTrackingMode
{
    return MTLHazardTrackingModeTracked; /* what the default means for a buffer */
}

- (MTLResourceOptions)resourceOptions
{
    return options;
}

- (const char *)simKind
{
    return "buffer";
}

- (void)dealloc
{
    api_device_account(-(int64_t)count);
    if (mapping != NULL) {
        api_buffer_check(self, "before its release somebody");
        munmap(mapping, mapping_bytes);
    }
    bytes = NULL;
    [super dealloc];
}
@end
