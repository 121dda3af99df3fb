/* Compiled kernels: one pipeline for each function and set of constants, made once.
 *
 * Objective-C only. All calls may come from several threads. */
#ifndef MET_BACKEND_METAL_PIPELINES_H
#define MET_BACKEND_METAL_PIPELINES_H

#include "metallic.h"

#import <Metal/Metal.h>

enum { METAL_CONSTANTS_MAX = 16 };

/* The value of a function constant. */
typedef struct metal_constant {
    uint32_t index;
    MTLDataType type; /* Bool or Int */
    uint32_t value;
} metal_constant;

/* Which code: a function of the embedded .metal files, and what specialises it. */
typedef struct metal_variant {
    const char *function; /* static storage */
    metal_constant constants[METAL_CONSTANTS_MAX];
    uint32_t constant_count;
} metal_variant;

static inline void metal_variant_int(metal_variant *variant, uint32_t index, int32_t value)
{
    variant->constants[variant->constant_count++] =
        (metal_constant){index, MTLDataTypeInt, (uint32_t)value};
}

static inline void metal_variant_bool(metal_variant *variant, uint32_t index, bool value)
{
    variant->constants[variant->constant_count++] = (metal_constant){index, MTLDataTypeBool, value};
}

typedef struct metal_pipelines metal_pipelines;

/* cache: a folder in which compiled code is kept, or NULL. Whatever is wrong with it, kernels are
 * compiled anew. */
met_status met_metal_pipelines_open(id<MTLDevice> device, const char *cache, metal_pipelines **out,
                                    met_error *err);
/* Keeps new code in the cache's folder. Accepts NULL. */
void met_metal_pipelines_close(metal_pipelines *pipelines);

/* The pipeline of a variant, compiled at its first use; borrowed until close. MET_E_DEVICE with the
 * compiler's words. */
met_status met_metal_pipeline(metal_pipelines *pipelines, const metal_variant *variant,
                              id<MTLComputePipelineState> *out, met_error *err);

/* How many pipelines were found in the cache's folder, and how many compiled. For tests. */
void met_metal_pipelines_count(metal_pipelines *pipelines, uint32_t *found, uint32_t *compiled);

#endif
