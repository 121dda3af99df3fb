/* Pipeline states, their descriptor, and binary archives.
 *
 * An archive is a text file of one line a function: what the simulator checks is that the host
 * writes, reads and misses one correctly; the compiled code is in the front end's own cache. */
#include "api.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

NSErrorDomain const MTLBinaryArchiveDomain = @"MTLBinaryArchiveDomain";
static NSString *const pipeline_domain = @"AGXMetalSimulator";
static const char archive_first_line[] = "metalsim archive 1\n";

@implementation MTLComputePipelineDescriptor
- (NSString *)label
{
    return _label;
}

- (void)setLabel:(NSString *)label
{
    NSString *copy = [label copy];
    [_label release];
    _label = copy;
}

- (id<MTLFunction>)computeFunction
{
    return _function;
}

- (void)setComputeFunction:(id<MTLFunction>)function
{
    [function retain];
    [_function release];
    _function = function;
}

- (BOOL)threadGroupSizeIsMultipleOfThreadExecutionWidth
{
    return _multiple;
}

- (void)setThreadGroupSizeIsMultipleOfThreadExecutionWidth:(BOOL)multiple
{
    _multiple = multiple;
}

- (NSUInteger)maxTotalThreadsPerThreadgroup
{
    return _max_threads;
}

- (void)setMaxTotalThreadsPerThreadgroup:(NSUInteger)threads
{
    _max_threads = threads;
}

- (NSArray *)binaryArchives
{
    return _archives;
}

- (void)setBinaryArchives:(NSArray *)archives
{
    NSArray *copy = [archives copy];
    [_archives release];
    _archives = copy;
}

- (void)reset
{
    [self setLabel:nil];
    [self setComputeFunction:nil];
    [self setBinaryArchives:nil];
    _multiple = NO;
    _max_threads = 0;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    MTLComputePipelineDescriptor *copy = [[MTLComputePipelineDescriptor alloc] init];
    [copy setLabel:_label];
    [copy setComputeFunction:_function];
    [copy setBinaryArchives:_archives];
    copy->_multiple = _multiple;
    copy->_max_threads = _max_threads;
    return copy;
}

- (void)dealloc
{
    [self reset];
    [super dealloc];
}
@end

static SimFunction *function_of(MTLComputePipelineDescriptor *descriptor)
{
    id function = [descriptor computeFunction];
    if (function == nil) api_misuse("a compute pipeline without a function");
    if (![function isKindOfClass:[SimFunction class]])
        api_misuse("computeFunction: %s is not a function", api_name(function));
    return function;
}

static bool is_archived(NSArray *archives, const SimFunction *function)
{
    for (SimArchive *archive in archives)
        if ([archive holds:function->content]) return true;
    return false;
}

SimPipeline *api_pipeline_new(MTLComputePipelineDescriptor *descriptor, MTLPipelineOption options,
                              NSError **error)
{
    SimFunction *function = function_of(descriptor);
    NSUInteger most = [descriptor maxTotalThreadsPerThreadgroup];
    if (most > SIM_MAX_THREADS)
        api_misuse("maxTotalThreadsPerThreadgroup of %lu, over %d", most, SIM_MAX_THREADS);
    if (api_fault_due(METALSIM_FAULT_PIPELINE)) {
        api_set_error(error, pipeline_domain, 3, "Compiler encountered an internal error");
        return nil;
    }
    if ((options & MTLPipelineOptionFailOnBinaryArchiveMiss) != 0 &&
        !is_archived([descriptor binaryArchives], function)) {
        api_set_error(error, pipeline_domain, 3, "Binary archive is missing function %s",
                      function->kernel->name);
        return nil;
    }
    SimPipeline *pipeline = [[SimPipeline alloc] init];
    pipeline->function = [function retain];
    pipeline->name = [[descriptor label] copy];
    pipeline->whole_simdgroups = [descriptor threadGroupSizeIsMultipleOfThreadExecutionWidth];
    NSUInteger limit = function->kernel->max_threads != 0
                           ? (NSUInteger)function->kernel->max_threads
                           : SIM_MAX_THREADS;
    pipeline->max_threads = most != 0 && most < limit ? most : limit;
    return pipeline;
}

@implementation SimPipeline
- (NSString *)label
{
    return name;
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (NSUInteger)maxTotalThreadsPerThreadgroup
{
    return max_threads;
}

- (NSUInteger)threadExecutionWidth
{
    return SIM_LANES;
}

- (const char *)simKind
{
    return "pipeline";
}

- (const char *)simLabel
{
    if (name != nil) return [name UTF8String];
    return function != nil ? function->kernel->name : "";
}

- (void)dealloc
{
    [function release];
    [name release];
    function = nil;
    name = nil;
    [super dealloc];
}
@end

@implementation MTLBinaryArchiveDescriptor
- (NSURL *)url
{
    return _url;
}

- (void)setUrl:(NSURL *)url
{
    NSURL *copy = [url copy];
    [_url release];
    _url = copy;
}

- (id)copyWithZone:(void *)zone
{
    (void)zone;
    MTLBinaryArchiveDescriptor *copy = [[MTLBinaryArchiveDescriptor alloc] init];
    [copy setUrl:_url];
    return copy;
}

- (void)dealloc
{
    [_url release];
    [super dealloc];
}
@end

@implementation SimArchive
- (void)add:(uint64_t)content
{
    if ([self holds:content]) return;
    entries = realloc(entries, (entry_count + 1) * sizeof *entries);
    if (entries == NULL) api_misuse("no memory for an archive");
    entries[entry_count++] = content;
}

/* False: not an archive, or the end of one is missing. */
- (bool)read:(FILE *)file
{
    char line[64];
    if (fgets(line, sizeof line, file) == NULL || strcmp(line, archive_first_line) != 0)
        return false;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strcmp(line, "end\n") == 0) return true;
        char *end = NULL;
        uint64_t content = strtoull(line, &end, 16);
        if (end == line || *end != '\n') return false;
        [self add:content];
    }
    return false;
}

- (instancetype)initWithURL:(NSURL *)url error:(NSError **)error
{
    if (url == nil) return self;
    const char *path = [url fileSystemRepresentation];
    FILE *file = api_fault_due(METALSIM_FAULT_ARCHIVE) ? NULL : fopen(path, "r");
    bool is_read = file != NULL && [self read:file];
    if (file != NULL) fclose(file);
    if (is_read) return self;
    api_set_error(error, MTLBinaryArchiveDomain, MTLBinaryArchiveErrorInvalidFile,
                  "Invalid Binary Archive file: %s", path);
    [self release];
    return nil;
}

- (bool)holds:(uint64_t)content
{
    for (size_t i = 0; i < entry_count; i++)
        if (entries[i] == content) return true;
    return false;
}

- (BOOL)addComputePipelineFunctionsWithDescriptor:(MTLComputePipelineDescriptor *)descriptor
                                            error:(NSError **)error
{
    SimFunction *function = function_of(descriptor);
    if (api_fault_due(METALSIM_FAULT_ARCHIVE)) {
        api_set_error(error, MTLBinaryArchiveDomain, MTLBinaryArchiveErrorCompilationFailure,
                      "Compiling %s for a binary archive failed", function->kernel->name);
        return NO;
    }
    api_lock();
    [self add:function->content];
    api_unlock();
    return YES;
}

- (BOOL)serializeToURL:(NSURL *)url error:(NSError **)error
{
    if (url == nil) api_misuse("serializeToURL: nil");
    const char *path = [url fileSystemRepresentation];
    FILE *file = api_fault_due(METALSIM_FAULT_ARCHIVE) ? NULL : fopen(path, "w");
    bool is_written = file != NULL && fputs(archive_first_line, file) >= 0;
    api_lock();
    for (size_t i = 0; is_written && i < entry_count; i++)
        is_written = fprintf(file, "%016" PRIx64 "\n", entries[i]) > 0;
    api_unlock();
    is_written = is_written && fputs("end\n", file) >= 0;
    if (file != NULL && fclose(file) != 0) is_written = false;
    if (is_written) return YES;
    api_set_error(error, MTLBinaryArchiveDomain, MTLBinaryArchiveErrorInternalError,
                  "Cannot write binary archive %s: %s", path, strerror(errno));
    return NO;
}

- (id<MTLDevice>)device
{
    return api_device();
}

- (const char *)simKind
{
    return "binary archive";
}

- (void)dealloc
{
    free(entries);
    [super dealloc];
}
@end
