/* The classes behind Metal's protocols, and what they need of each other.
 *
 * Owns: the shapes. Each class has its own file of the same name (SimBuffer: buffer.m). A command
 * buffer is a list of commands; encoders append to it, schedule.m runs it.
 * Invariant: nothing runs at commit. Work runs when somebody waits for it, so that a result read
 * too early is seen to be missing. */
#ifndef METALSIM_API_H
#define METALSIM_API_H

#import <Metal/Metal.h>

#include <pthread.h>
#include <string.h>

#include "executor.h"
#include "object.h"

@class SimBuffer, SimCommandBuffer, SimEvent, SimLibrary, SimQueue;

/* ---- Device, resources --------------------------------------------------------------------- */

enum { API_MAX_GROUP_MEMORY = 32768 }; /* of a threadgroup, static and by index */

/* What is set by index, all together. */
static inline size_t api_group_memory(const uint32_t bytes[SIM_SLOTS])
{
    size_t sum = 0;
    for (size_t i = 0; i < SIM_SLOTS; i++)
        sum += bytes[i];
    return sum;
}

@interface SimDevice : NSObject <MTLDevice>
@end

SimDevice *api_device(void);
/* Bytes of all live buffers. */
void api_device_account(int64_t bytes);

@interface SimBuffer : SimNamed <MTLBuffer> {
  @public
    unsigned char *bytes;
    size_t count;
    MTLResourceOptions options;
    void *mapping; /* NULL for memory of the caller */
    size_t mapping_bytes;
    uint64_t counted_for; /* number of the command buffer whose working set has it already */
}
- (instancetype)initWithLength:(size_t)length options:(MTLResourceOptions)value;
- (instancetype)initNoCopy:(void *)memory length:(size_t)length options:(MTLResourceOptions)value;
@end

/* The buffer behind a protocol's pointer; ends the program when it is something else. */
SimBuffer *api_buffer_of(id object, const char *what);
/* The bytes between the end of the buffer and its guard page were written: ends the program. */
void api_buffer_check(SimBuffer *buffer, const char *kernel);

/* ---- Code ---------------------------------------------------------------------------------- */

@interface SimLibrary : SimNamed <MTLLibrary> {
  @public
    sim_library *library;
    uint64_t content; /* hash of the source and of how it was compiled */
    bool counts_bytes;
}
- (instancetype)initWithSource:(const char *)source
                       options:(MTLCompileOptions *)options
                         error:(NSError **)error;
@end

@interface SimFunction : SimNamed <MTLFunction> {
  @public
    SimLibrary *library; /* retained: the kernel is in it */
    const sim_kernel *kernel;
    MTLFunctionConstantValues *constants; /* a copy, or nil */
    uint64_t content;                     /* hash of the library, the name and the constants */
}
@end

/* False for an argument that a function constant switches off. */
bool api_function_has(const SimFunction *function, const sim_parameter *parameter);

@interface MTLFunctionConstantValues (Simulator)
- (const sim_constant *)simValues:(size_t *)count;
@end

@interface SimPipeline : NSObject <MTLComputePipelineState> {
  @public
    SimFunction *function; /* retained */
    NSString *name;
    NSUInteger max_threads;
    bool whole_simdgroups; /* threadGroupSizeIsMultipleOfThreadExecutionWidth */
}
@end

/* May return nil with an error. */
SimPipeline *api_pipeline_new(MTLComputePipelineDescriptor *descriptor, MTLPipelineOption options,
                              NSError **error);

@interface SimArchive : SimNamed <MTLBinaryArchive> {
  @public
    uint64_t *entries; /* content of the functions in it */
    size_t entry_count;
}
- (instancetype)initWithURL:(NSURL *)url error:(NSError **)error;
- (bool)holds:(uint64_t)content;
@end

/* ---- Commands ------------------------------------------------------------------------------ */

struct api_binding {
    SimBuffer *buffer; /* or NULL and bytes of its own */
    size_t offset;
    void *bytes;
    size_t count; /* from the offset to the end */
};

enum api_command_kind {
    API_DISPATCH,
    API_COPY,             /* bindings 0 to 1, size */
    API_FILL,             /* binding 0, size, value */
    API_MATMUL,           /* bindings 0 and 1 to 2 */
    API_BARRIER,          /* all that came before in the encoder */
    API_RESOURCE_BARRIER, /* what came before and used one of the resources */
    API_ENCODER_END,      /* a barrier, and not counted as one */
    API_SIGNAL,
    API_WAIT,
};

struct api_matrix {
    NSUInteger rows, columns, row_bytes, matrix_bytes;
    bool is_half;
};

struct api_matmul {
    struct api_matrix left, right, result;
    NSUInteger rows, columns, inner, matrices;
    bool transpose_left, transpose_right;
    float alpha, beta;
};

struct api_command {
    enum api_command_kind kind;
    bool is_serial; /* of an encoder that runs its dispatches one after the other */
    char encoder[METALSIM_LABEL_BYTES];
    SimPipeline *pipeline;
    struct api_binding bindings[SIM_SLOTS];
    uint32_t group_memory_bytes[SIM_SLOTS];
    uint32_t grid_threads[3], group_threads[3];
    size_t size;
    uint64_t value;
    SimEvent *event;
    SimBuffer **resources; /* of a resource barrier: [size] */
    struct api_matmul matmul;
};

@interface SimEvent : SimNamed <MTLSharedEvent> {
  @public
    uint64_t reached;
}
@end

@interface SimQueue : SimNamed <MTLCommandQueue> {
  @public
    NSUInteger max_command_buffers;
    NSUInteger outstanding; /* made and not completed */
    NSUInteger committed;   /* of these, waiting to run */
}
- (instancetype)initWithMaximum:(NSUInteger)maximum;
@end

@interface SimCommandBuffer : SimNamed <MTLCommandBuffer> {
  @public
    SimQueue *queue;
    struct api_command *commands;
    size_t command_count, command_capacity;
    size_t next_command; /* to run */
    id *held;            /* retained, or watched when `is_unretained` */
    size_t held_count, held_capacity;
    bool is_unretained;
    bool is_open; /* an encoder of it has not ended */
    MTLCommandBufferStatus state;
    uint64_t number;
    double start, end;
    NSError *failure;
    unsigned group_depth;  /* of debug groups */
    unsigned window_count; /* of work that ran: for the log */
}
- (instancetype)initWithQueue:(SimQueue *)owner unretained:(bool)unretained;
/* A new command, zeroed; valid until the next. */
- (struct api_command *)append:(enum api_command_kind)kind;
- (void)hold:(id)object;
/* Ends the program when an encoder is open or the buffer is committed. */
- (void)checkOpenFor:(const char *)what;
/* It has ended, well or with `failure`: what it used is let go. */
- (void)finish;
@end

SimCommandBuffer *api_command_buffer_of(id object, const char *what);

/* What the two kinds of encoders share. */
@interface SimEncoder : SimNamed <MTLCommandEncoder> {
  @public
    SimCommandBuffer *owner; /* retained */
    bool ended;
    unsigned group_depth;
}
- (instancetype)initWithOwner:(SimCommandBuffer *)buffer;
- (void)checkFor:(const char *)what;
- (void)endEncoding;
- (struct api_command *)append:(enum api_command_kind)kind;
@end

@interface SimComputeEncoder : SimEncoder <MTLComputeCommandEncoder> {
  @public
    SimPipeline *pipeline;
    struct api_binding bindings[SIM_SLOTS];
    uint32_t group_memory_bytes[SIM_SLOTS];
    MTLDispatchType type;
}
- (instancetype)initWithOwner:(SimCommandBuffer *)buffer type:(MTLDispatchType)dispatch_type;
@end

@interface SimBlitEncoder : SimEncoder <MTLBlitCommandEncoder>
@end

/* ---- Running ------------------------------------------------------------------------------- */

/* All with the lock held. */
void api_gpu_commit(SimCommandBuffer *buffer);
/* Run what has to run for the buffer to complete. */
void api_gpu_complete(SimCommandBuffer *buffer);
/* Run the oldest command buffer of the queue. */
void api_gpu_run_oldest(SimQueue *queue);
/* Run until the event has the value. False: nothing committed brings it there, and no other thread
 * did within the time. */
bool api_gpu_reach(SimEvent *event, uint64_t value, double seconds);
/* Somebody looked at a status instead of waiting: after some looks in a row a piece of work runs,
 * so that polling ends, while a single look shows what is not done. */
void api_gpu_polled(void);

void api_matmul_run(const struct api_command *command);

/* ---- Log ----------------------------------------------------------------------------------- */

/* Both with the lock held. `reports` may be NULL. */
void api_log_work(const SimCommandBuffer *buffer, const struct api_command *command,
                  const sim_report *report);
void api_log_barrier(void);
void api_log_completed(void);

/* ---- Errors -------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5))) void api_set_error(NSError **out, NSErrorDomain domain,
                                                         NSInteger code, const char *format, ...);
uint64_t api_hash(uint64_t seed, const void *bytes, size_t count);
#define API_HASH_START 14695981039346656037ull

#endif
