/* Owns: the buffers over a program's weights. Does not own the weights themselves: they stay in
 * their mapping.
 *
 * A region is one buffer over neighbouring weights. Pages of a mapping are wrapped without a copy;
 * weights that lie anywhere else are copied. The device limits the length of a buffer: a region
 * ends before the weight that would exceed it, and the next begins at the page of that weight, so
 * that regions may share a page and every weight lies whole in one.
 *
 * The invariant: the regions are read and never written. */
#import "backend/metal/metal.h"

#import "backend/metal/failure.h"
#include "base/error.h"
#include "base/mapping.h"

#include <stdlib.h>

typedef struct extent {
    uintptr_t begin, end;
    int32_t weight;
} extent;

static int by_address(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static void list_extents(const met_program *program, extent *extents)
{
    for (int32_t i = 0; i < program->weight_count; i++) {
        const met_weight *weight = &program->weights[i];
        uintptr_t begin = (uintptr_t)weight->data;
        size_t bytes =
            (size_t)weight->rows * met_dtype_row_bytes(weight->type, (size_t)weight->cols);
        extents[i] = (extent){begin, begin + bytes, i};
    }
    qsort(extents, (size_t)program->weight_count, sizeof *extents, by_address);
}

/* The buffer of [begin, end). */
static met_status add_region(metal_loaded *loaded, uintptr_t begin, uintptr_t end, met_error *err)
{
    metal_machine *machine = (metal_machine *)loaded->base.machine;
    void *data = (void *)begin;
    NSUInteger bytes = end - begin;
    id<MTLBuffer> buffer =
        loaded->program->pages != NULL
            ? [machine->device newBufferWithBytesNoCopy:data
                                                 length:bytes
                                                options:MTLResourceStorageModeShared
                                            deallocator:nil]
            : [machine->device newBufferWithBytes:data
                                           length:bytes
                                          options:MTLResourceStorageModeShared];
    if (buffer == nil) return met_metal_fail_memory(err, "weights", bytes);
    [buffer setLabel:@"weights"];
    loaded->regions[loaded->region_count++] = buffer;
    loaded->region_bytes += bytes;
    return MET_OK;
}

/* Where a region that holds [begin, end) has to begin and end. */
static void page_bounds(const met_program *program, uintptr_t *begin, uintptr_t *end)
{
    if (program->pages == NULL) return;
    *begin = *begin & ~(uintptr_t)(MET_MAPPING_ALIGN - 1);
    *end = met_align_up(*end, MET_MAPPING_ALIGN);
}

static met_status add_regions(metal_loaded *loaded, const extent *extents, met_error *err)
{
    const met_program *program = loaded->program;
    const metal_machine *machine = (const metal_machine *)loaded->base.machine;
    uint64_t most = [machine->device maxBufferLength];
    for (int32_t i = 0; i < program->weight_count;) {
        uintptr_t begin = extents[i].begin, end = extents[i].end;
        page_bounds(program, &begin, &end);
        if (end - begin > most) {
            return met_fail(err, MET_E_MEMORY,
                            "metal: weight %.*s needs a buffer of %llu bytes, this device allows "
                            "%llu",
                            (int)program->weights[extents[i].weight].name.bytes,
                            program->weights[extents[i].weight].name.data,
                            (unsigned long long)(end - begin), (unsigned long long)most);
        }
        int32_t last = i;
        for (int32_t next = i + 1; next < program->weight_count; next++) {
            uintptr_t longer_begin = begin, longer_end = extents[next].end;
            page_bounds(program, &longer_begin, &longer_end);
            if (longer_end < end) longer_end = end; /* a tensor used twice */
            if (longer_end - begin > most) break;
            end = longer_end;
            last = next;
        }
        met_status status = add_region(loaded, begin, end, err);
        if (status != MET_OK) return status;
        for (; i <= last; i++) {
            loaded->weights[extents[i].weight] = (metal_place){
                loaded->regions[loaded->region_count - 1], extents[i].begin - begin};
        }
    }
    return MET_OK;
}

/* Refuse what the device can never hold, before anything is taken. */
static met_status check_plan(const metal_loaded *loaded, const extent *extents, met_error *err)
{
    const metal_machine *machine = (const metal_machine *)loaded->base.machine;
    uint64_t bytes = 0, most = [machine->device recommendedMaxWorkingSetSize];
    for (int32_t i = 0; i < loaded->program->weight_count; i++)
        bytes += extents[i].end - extents[i].begin;
    if (most == 0 || bytes <= most) return MET_OK;
    return met_fail(err, MET_E_MEMORY,
                    "metal: the weights need %llu bytes, this device recommends at most %llu",
                    (unsigned long long)bytes, (unsigned long long)most);
}

met_status met_metal_weights_open(metal_loaded *loaded, met_error *err)
{
    size_t count = (size_t)loaded->program->weight_count;
    extent *extents = malloc((count + 1) * sizeof *extents);
    loaded->regions = calloc(count + 1, sizeof *loaded->regions);
    loaded->weights = calloc(count + 1, sizeof *loaded->weights);
    met_status status = MET_OK;
    if (extents == NULL || loaded->regions == NULL || loaded->weights == NULL) {
        status = met_fail_memory(err, "metal weights", count * sizeof *extents);
        goto done;
    }
    list_extents(loaded->program, extents);
    status = check_plan(loaded, extents, err);
    if (status == MET_OK) status = add_regions(loaded, extents, err);
done:
    free(extents);
    return status;
}

void met_metal_weights_close(metal_loaded *loaded)
{
    for (int32_t i = 0; i < loaded->region_count; i++)
        [loaded->regions[i] release];
    free(loaded->regions);
    free(loaded->weights);
}
