/* Owns: products by Metal Performance Shaders, the vendor's library ("mps" against our own "mlx").
 *
 * MPS multiplies float32 by float32: F32 weights go from the mapping into the call; others are
 * widened a panel of rows at a time by met_embed, whose tokens are then the numbers of the rows.
 * Inputs are those of the native product, rounded for Q8_0, so that only the order of sums is
 * MPS's own.
 *
 * The invariant: what MPS reads and writes is ordered by Metal itself: MPS encodes encoders of its
 * own, and buffers are tracked from one encoder to the next. */
#import "backend/metal/metal.h"

#include "base/error.h"

#import <MetalPerformanceShaders/MetalPerformanceShaders.h>

bool met_metal_mps_available(id<MTLDevice> device)
{
    return MPSSupportsMTLDevice(device);
}

/* A float matrix over memory: rows of `cols`, `stride` floats apart. Owned by the caller. */
static MPSMatrix *make_matrix(metal_place place, NSUInteger rows, NSUInteger cols,
                              NSUInteger stride)
{
    MPSMatrixDescriptor *descriptor =
        [MPSMatrixDescriptor matrixDescriptorWithRows:rows
                                              columns:cols
                                             rowBytes:stride * sizeof(float)
                                             dataType:MPSDataTypeFloat32];
    return [[MPSMatrix alloc] initWithBuffer:place.buffer
                                      offset:place.offset
                                  descriptor:descriptor];
}

/* out[tokens][stride], columns [0, rows) = x . w^T */
static met_status multiply(metal_run *run, metal_place x, metal_place w, metal_place out,
                           NSUInteger tokens, NSUInteger rows, NSUInteger cols, NSUInteger stride,
                           met_error *err)
{
    met_status status = MET_OK;
    MPSMatrix *left = make_matrix(x, tokens, cols, cols);
    MPSMatrix *right = make_matrix(w, rows, cols, cols);
    MPSMatrix *result = make_matrix(out, tokens, rows, stride);
    MPSMatrixMultiplication *product =
        [[MPSMatrixMultiplication alloc] initWithDevice:run->machine->device
                                          transposeLeft:NO
                                         transposeRight:YES
                                             resultRows:tokens
                                          resultColumns:rows
                                        interiorColumns:cols
                                                  alpha:1.0
                                                   beta:0.0];
    if (left == nil || right == nil || result == nil || product == nil) {
        status = met_fail(err, MET_E_DEVICE,
                          "metal: MPS refused a product of %lu tokens and a matrix of %lu x %lu",
                          (unsigned long)tokens, (unsigned long)rows, (unsigned long)cols);
    } else {
        met_metal_encoder_end(run);
        [product encodeToCommandBuffer:run->buffer
                            leftMatrix:left
                           rightMatrix:right
                          resultMatrix:result];
    }
    [product release];
    [result release];
    [right release];
    [left release];
    return status;
}

/* Rows [first, first + count) of a weight as float32 in the panel. */
static met_status widen(metal_run *run, const met_weight *weight, metal_place from, int32_t first,
                        int32_t count, met_error *err)
{
    metal_variant variant = {.function = "met_embed"};
    metal_variant_int(&variant, MET_METAL_FC_WEIGHT_TYPE, (int32_t)weight->type);
    id<MTLComputePipelineState> pipeline = nil;
    met_status status = met_metal_pipeline(run->machine->pipelines, &variant, &pipeline, err);
    if (status != MET_OK) return status;
    size_t row_bytes = met_dtype_row_bytes(weight->type, (size_t)weight->cols);
    from.offset += (size_t)first * row_bytes;
    met_metal_embed arguments = {.cols = weight->cols, .vocab = count};
    metal_place places[] = {from, {run->machine->row_numbers, 0}, {run->timeline->panel, 0}};
    met_metal_dispatch(run, &(metal_dispatch){
                                .pipeline = pipeline,
                                .arguments = &arguments,
                                .argument_bytes = sizeof arguments,
                                .places = places,
                                .place_count = 3,
                                .groups = MTLSizeMake((NSUInteger)count, 1, 1),
                                .threads = MET_METAL_EMBED_THREADS,
                            });
    met_metal_encoder_end(run);
    return MET_OK;
}

met_status met_metal_mps_product(metal_run *run, int32_t index, metal_place x, metal_place out,
                                 int32_t tokens, met_error *err)
{
    const met_weight *weight = &run->program->weights[index];
    metal_place place = run->loaded->weights[index];
    NSUInteger cols = (NSUInteger)weight->cols, stride = (NSUInteger)weight->rows;
    if (weight->type == MET_DTYPE_F32) {
        return multiply(run, x, place, out, (NSUInteger)tokens, stride, cols, stride, err);
    }
    met_status status = MET_OK;
    for (int32_t row = 0; row < weight->rows && status == MET_OK; row += METAL_PANEL_ROWS) {
        int32_t left = weight->rows - row;
        int32_t count = left < METAL_PANEL_ROWS ? left : METAL_PANEL_ROWS;
        metal_place columns = {out.buffer, out.offset + (size_t)row * sizeof(float)};
        status = widen(run, weight, place, row, count, err);
        if (status != MET_OK) break;
        status = multiply(run, x, (metal_place){run->timeline->panel, 0}, columns,
                          (NSUInteger)tokens, (NSUInteger)count, cols, stride, err);
    }
    return status;
}
