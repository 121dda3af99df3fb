/* Owns: libraries, pipelines and the archive of compiled code. Does not own what is compiled: the
 * sources are the .metal files of this folder, embedded in the binary.
 *
 * The invariant: a variant is compiled at most once; a pipeline never moves while it is open. What
 * goes wrong with the archive on disk is never a failure: it only costs compiling again. */
#import "backend/metal/pipelines.h"

#import "backend/metal/failure.h"
#include "backend/metal/sources.h"
#include "base/error.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct pipeline {
    metal_variant variant;
    id<MTLComputePipelineState> state;
} pipeline;

struct metal_pipelines {
    id<MTLDevice> device;
    pthread_mutex_t mutex;
    id<MTLLibrary> *libraries; /* [met_metal_source_count] nil until one of its kernels is needed */
    pipeline *list;
    size_t count, capacity;
    NSURL *archive_url; /* nil: nothing is kept */
    char *folder;       /* of the archive */
    id<MTLBinaryArchive> archive;
    bool archive_changed;
    uint32_t found, compiled;
};

/* ---------------------------------------------------------------- the archive on disk */

/* Code is of one device, system and source: all are in the name, so that nothing old is found. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_sources(id<MTLDevice> device)
{
    uint64_t hash = hash_text(0xcbf29ce484222325u, [[device name] UTF8String]);
    for (size_t i = 0; i < met_metal_source_count; i++)
        hash = hash_text(hash, met_metal_sources[i].text);
    return hash;
}

static void open_archive(metal_pipelines *pipelines, const char *cache)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/metallic-%016llx.metalarchive", cache,
                          (unsigned long long)hash_sources(pipelines->device));
    if (length < 0 || (size_t)length >= sizeof path) return;
    NSString *name = [NSString stringWithUTF8String:path];
    if (name == nil) return; /* not UTF-8 */
    pipelines->folder = strdup(cache);
    if (pipelines->folder == NULL) return;
    pipelines->archive_url = [[NSURL fileURLWithPath:name] retain];
    MTLBinaryArchiveDescriptor *descriptor = [[MTLBinaryArchiveDescriptor alloc] init];
    if (access(path, R_OK) == 0) [descriptor setUrl:pipelines->archive_url];
    NSError *reason = nil;
    pipelines->archive = [pipelines->device newBinaryArchiveWithDescriptor:descriptor
                                                                     error:&reason];
    if (pipelines->archive == nil) { /* damaged, or of another system: begin anew */
        [descriptor setUrl:nil];
        pipelines->archive = [pipelines->device newBinaryArchiveWithDescriptor:descriptor
                                                                         error:&reason];
    }
    [descriptor release];
}

/* Written beside its place and moved there, so that another process never sees half of it. */
static void write_archive(metal_pipelines *pipelines)
{
    if (pipelines->archive == nil || !pipelines->archive_changed) return;
    const char *path = [[pipelines->archive_url path] UTF8String];
    char beside[4200];
    (void)snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    (void)mkdir(pipelines->folder, 0700); /* there, or whatever is wrong shows in a moment */
    NSURL *url = [NSURL fileURLWithPath:[NSString stringWithUTF8String:beside]];
    NSError *reason = nil;
    if (![pipelines->archive serializeToURL:url error:&reason] || rename(beside, path) != 0) {
        (void)unlink(beside);
    }
}

/* ---------------------------------------------------------------- compiling */

/* The library of the .metal file that has a function. NaN and infinity count in the kernels: fast
 * math is off. */
static met_status open_library(metal_pipelines *pipelines, const char *function,
                               id<MTLLibrary> *out, met_error *err)
{
    char definition[96];
    (void)snprintf(definition, sizeof definition, "kernel void %s(", function);
    size_t index = 0;
    while (index < met_metal_source_count &&
           strstr(met_metal_sources[index].text, definition) == NULL)
        index++;
    if (index == met_metal_source_count) {
        return met_fail(err, MET_E_DEVICE, "metal: kernel %s is not in this build", function);
    }
    if (pipelines->libraries[index] == nil) {
        MTLCompileOptions *options = [[MTLCompileOptions alloc] init];
        [options setLanguageVersion:MTLLanguageVersion3_0];
        /* Its successor, mathMode, needs macOS 15; both forbid the same. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdeprecated-declarations"
        [options setFastMathEnabled:NO];
#pragma clang diagnostic pop
        NSError *reason = nil;
        NSString *text = [NSString stringWithUTF8String:met_metal_sources[index].text];
        id<MTLLibrary> library = [pipelines->device newLibraryWithSource:text
                                                                 options:options
                                                                   error:&reason];
        [options release];
        if (library == nil) {
            return met_metal_fail(err, MET_E_DEVICE, met_metal_sources[index].name, reason);
        }
        pipelines->libraries[index] = library;
    }
    *out = pipelines->libraries[index];
    return MET_OK;
}

static id<MTLFunction> specialise(id<MTLLibrary> library, const metal_variant *variant,
                                  NSError **reason)
{
    MTLFunctionConstantValues *values = [[MTLFunctionConstantValues alloc] init];
    for (uint32_t i = 0; i < variant->constant_count; i++) {
        const metal_constant *constant = &variant->constants[i];
        bool truth = constant->value != 0;
        const void *value = constant->type == MTLDataTypeBool ? (const void *)&truth
                                                              : (const void *)&constant->value;
        [values setConstantValue:value type:constant->type atIndex:constant->index];
    }
    NSString *name = [NSString stringWithUTF8String:variant->function];
    id<MTLFunction> function = [library newFunctionWithName:name
                                             constantValues:values
                                                      error:reason];
    [values release];
    return function;
}

/* First from the archive alone; what is not there is compiled and added to it. */
static id<MTLComputePipelineState> compile(metal_pipelines *pipelines, id<MTLFunction> function,
                                           NSError **reason)
{
    id<MTLComputePipelineState> state = nil;
    MTLComputePipelineDescriptor *descriptor = [[MTLComputePipelineDescriptor alloc] init];
    [descriptor setComputeFunction:function];
    [descriptor setThreadGroupSizeIsMultipleOfThreadExecutionWidth:YES];
    if (pipelines->archive != nil) {
        NSError *miss = nil;
        [descriptor setBinaryArchives:[NSArray arrayWithObject:pipelines->archive]];
        state = [pipelines->device
            newComputePipelineStateWithDescriptor:descriptor
                                          options:MTLPipelineOptionFailOnBinaryArchiveMiss
                                       reflection:nil
                                            error:&miss];
        if (state != nil) {
            pipelines->found++;
        } else if ([pipelines->archive addComputePipelineFunctionsWithDescriptor:descriptor
                                                                           error:&miss]) {
            pipelines->archive_changed = true;
        }
    }
    if (state == nil) {
        state = [pipelines->device newComputePipelineStateWithDescriptor:descriptor
                                                                 options:MTLPipelineOptionNone
                                                              reflection:nil
                                                                   error:reason];
        if (state != nil) pipelines->compiled++;
    }
    [descriptor release];
    return state;
}

static met_status add_pipeline(metal_pipelines *pipelines, const metal_variant *variant,
                               id<MTLComputePipelineState> *out, met_error *err)
{
    if (pipelines->count == pipelines->capacity) {
        size_t capacity = pipelines->capacity == 0 ? 32 : 2 * pipelines->capacity;
        pipeline *larger = realloc(pipelines->list, capacity * sizeof *larger);
        if (larger == NULL) return met_fail_memory(err, "metal pipelines", capacity);
        pipelines->list = larger;
        pipelines->capacity = capacity;
    }
    id<MTLLibrary> library = nil;
    met_status status = open_library(pipelines, variant->function, &library, err);
    if (status != MET_OK) return status;
    NSError *reason = nil;
    id<MTLFunction> function = specialise(library, variant, &reason);
    if (function == nil) return met_metal_fail(err, MET_E_DEVICE, variant->function, reason);
    id<MTLComputePipelineState> state = compile(pipelines, function, &reason);
    [function release];
    if (state == nil) return met_metal_fail(err, MET_E_DEVICE, variant->function, reason);
    pipelines->list[pipelines->count++] = (pipeline){*variant, state};
    *out = state;
    return MET_OK;
}

static bool same_variant(const metal_variant *a, const metal_variant *b)
{
    if (strcmp(a->function, b->function) != 0 || a->constant_count != b->constant_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->constant_count; i++) {
        const metal_constant *x = &a->constants[i], *y = &b->constants[i];
        if (x->index != y->index || x->type != y->type || x->value != y->value) return false;
    }
    return true;
}

met_status met_metal_pipeline(metal_pipelines *pipelines, const metal_variant *variant,
                              id<MTLComputePipelineState> *out, met_error *err)
{
    met_status status = MET_OK;
    size_t index = 0;
    pthread_mutex_lock(&pipelines->mutex);
    while (index < pipelines->count && !same_variant(&pipelines->list[index].variant, variant))
        index++;
    if (index < pipelines->count) {
        *out = pipelines->list[index].state;
    } else {
        @autoreleasepool {
            status = add_pipeline(pipelines, variant, out, err);
        }
    }
    pthread_mutex_unlock(&pipelines->mutex);
    return status;
}

void met_metal_pipelines_count(metal_pipelines *pipelines, uint32_t *found, uint32_t *compiled)
{
    pthread_mutex_lock(&pipelines->mutex);
    *found = pipelines->found;
    *compiled = pipelines->compiled;
    pthread_mutex_unlock(&pipelines->mutex);
}

met_status met_metal_pipelines_open(id<MTLDevice> device, const char *cache, metal_pipelines **out,
                                    met_error *err)
{
    *out = NULL;
    metal_pipelines *pipelines = calloc(1, sizeof *pipelines);
    if (pipelines == NULL) return met_fail_memory(err, "metal pipelines", sizeof *pipelines);
    pthread_mutex_init(&pipelines->mutex, NULL);
    pipelines->device = [device retain];
    pipelines->libraries = calloc(met_metal_source_count, sizeof *pipelines->libraries);
    if (pipelines->libraries == NULL) {
        met_metal_pipelines_close(pipelines);
        return met_fail_memory(err, "metal pipelines", met_metal_source_count);
    }
    if (cache != NULL) {
        @autoreleasepool {
            open_archive(pipelines, cache);
        }
    }
    *out = pipelines;
    return MET_OK;
}

void met_metal_pipelines_close(metal_pipelines *pipelines)
{
    if (pipelines == NULL) return;
    @autoreleasepool {
        write_archive(pipelines);
    }
    for (size_t i = 0; i < pipelines->count; i++)
        [pipelines->list[i].state release];
    for (size_t i = 0; pipelines->libraries != NULL && i < met_metal_source_count; i++)
        [pipelines->libraries[i] release];
    [pipelines->archive release];
    [pipelines->archive_url release];
    [pipelines->device release];
    free(pipelines->folder);
    free(pipelines->list);
    free(pipelines->libraries);
    pthread_mutex_destroy(&pipelines->mutex);
    free(pipelines);
}
