/* What the cases of the API layer share: kernels, objects made in one line, checks.
 *
 * A case is one run of the program in a process of its own (test_api.py), because a misuse ends it.
 */
#ifndef METALSIM_CASES_FIXTURE_H
#define METALSIM_CASES_FIXTURE_H

#import <Metal/Metal.h>
#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

#include "inspect.h"

struct test_case {
    const char *name;
    void (*run)(void);
};
extern const struct test_case good_cases[];       /* end with a NULL name; exit 0 */
extern const struct test_case foundation_cases[]; /* as well */
extern const struct test_case declared_cases[];   /* as well */
extern const struct test_case order_cases[];      /* as well */
extern const struct test_case bad_cases[]; /* end the program with a line that test_api.py knows */

#define CHECK(...)                                                                                 \
    do {                                                                                           \
        if (!(__VA_ARGS__)) check_failed(__FILE__, __LINE__, #__VA_ARGS__);                        \
    } while (0)
__attribute__((noreturn)) void check_failed(const char *file, int line, const char *condition);
/* The first argument after the case's name: a folder for files. */
extern const char *case_folder;

/* Made at the first call, released by fixture_close. */
id<MTLDevice> device(void);
id<MTLCommandQueue> queue(void);
id<MTLLibrary> library(void);
void fixture_close(void);

/* Autoreleased. */
id<MTLComputePipelineState> pipeline(NSString *kernel);
id<MTLBuffer> floats(NSString *label, NSUInteger count, float first);
float *values(id<MTLBuffer> buffer);
id<MTLCommandBuffer> command_buffer(void);
/* A serial encoder with the pipeline set. */
id<MTLComputeCommandEncoder> encoder(id<MTLCommandBuffer> commands, NSString *kernel);
/* add_one over all elements of the buffer, in an encoder of its own. */
void encode_add_one(id<MTLCommandBuffer> commands, id<MTLBuffer> buffer);
/* Dispatch `count` threads in groups of up to 32. */
void dispatch(id<MTLComputeCommandEncoder> encoding, NSUInteger count);

#endif
