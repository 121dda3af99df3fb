/* Owns: reading tensor descriptions and finding their data inside the file. The invariant: a tensor
 * that passes has its bytes inside the file, aligned, and shares none with another. */
#include "gguf/internal.h"

#include "base/checked.h"
#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>

/* Elements and bytes of a shape, or a refusal. */
static void measure(met_gguf_reader *r, met_gguf_tensor *tensor, const met_gguf_block *block)
{
    uint64_t elements = 1;
    for (uint32_t i = 0; i < tensor->dims; i++) {
        if (tensor->shape[i] == 0) {
            met_gguf_refuse(r, MET_E_TENSOR,
                            "has dimension %" PRIu32 " of size 0, expected at least 1", i);
            return;
        }
        if (!met_mul_u64(elements, tensor->shape[i], &elements) || elements > INT64_MAX) {
            met_gguf_refuse(r, MET_E_TENSOR,
                            "has dimensions whose product is above %" PRId64 ": dimension %" PRIu32
                            " is %" PRIu64,
                            INT64_MAX, i, tensor->shape[i]);
            return;
        }
    }
    if (tensor->shape[0] % block->elements != 0) {
        met_gguf_refuse(r, MET_E_TENSOR,
                        "has rows of %" PRIu64 " elements, expected a multiple of %" PRIu32
                        " for type %s",
                        tensor->shape[0], block->elements, block->name);
        return;
    }
    uint64_t bytes = 0;
    if (!met_mul_u64(elements / block->elements, block->bytes, &bytes) || bytes > INT64_MAX) {
        met_gguf_refuse(r, MET_E_TENSOR, "has %" PRIu64 " elements of %s, more bytes than %" PRId64,
                        elements, block->name, INT64_MAX);
        return;
    }
    tensor->bytes = bytes;
}

void met_gguf_read_tensor(met_gguf_reader *r, met_gguf_tensor *tensor)
{
    tensor->name = met_gguf_take_name(r);
    tensor->dims = met_gguf_take_u32(r, "dimension count");
    if (r->status != MET_OK) return;
    if (tensor->dims < 1 || tensor->dims > MET_GGUF_DIMS_MAX) {
        met_gguf_refuse(r, MET_E_TENSOR, "has %" PRIu32 " dimensions, expected 1 to %d",
                        tensor->dims, MET_GGUF_DIMS_MAX);
        return;
    }
    for (uint32_t i = 0; i < MET_GGUF_DIMS_MAX; i++) {
        tensor->shape[i] = i < tensor->dims ? met_gguf_take_u64(r, "dimension") : 1;
    }
    tensor->ggml_type = met_gguf_take_u32(r, "type");
    tensor->offset_bytes = met_gguf_take_u64(r, "offset"); /* from the data, until it is placed */
    if (r->status != MET_OK) return;
    const met_gguf_block *block = met_gguf_block_of(tensor->ggml_type);
    if (block == NULL) {
        met_gguf_refuse(r, MET_E_TYPE, "has type number %" PRIu32 ", expected a type of ggml",
                        tensor->ggml_type);
        return;
    }
    measure(r, tensor, block);
}

/* One tensor's data: aligned, and inside the file. */
static void place(met_gguf_reader *r, met_gguf_tensor *tensor)
{
    const met_gguf *gguf = r->gguf;
    uint64_t offset = tensor->offset_bytes;
    uint64_t end = 0;
    if (offset % gguf->alignment != 0) {
        met_gguf_refuse(r, MET_E_FORMAT,
                        "has offset %" PRIu64 ", expected a multiple of the alignment %" PRIu32,
                        offset, gguf->alignment);
        return;
    }
    if (!met_add_u64(gguf->data_offset, offset, &offset) ||
        !met_add_u64(offset, tensor->bytes, &end)) {
        met_gguf_refuse(r, MET_E_TRUNCATED,
                        "has offset %" PRIu64 " and %" PRIu64
                        " bytes, but the file ends at byte %" PRIu64,
                        tensor->offset_bytes, tensor->bytes, gguf->bytes);
        return;
    }
    if (end > gguf->bytes) {
        met_gguf_refuse(r, MET_E_TRUNCATED,
                        "ends at byte %" PRIu64 ", but the file ends at byte %" PRIu64, end,
                        gguf->bytes);
        return;
    }
    tensor->offset_bytes = offset;
    tensor->data = gguf->data + offset;
}

static int compare_offsets(const void *left, const void *right)
{
    const met_gguf_tensor *a = *(const met_gguf_tensor *const *)left;
    const met_gguf_tensor *b = *(const met_gguf_tensor *const *)right;
    return (a->offset_bytes > b->offset_bytes) - (a->offset_bytes < b->offset_bytes);
}

static void refuse_overlaps(met_gguf_reader *r)
{
    const met_gguf *gguf = r->gguf;
    size_t count = (size_t)gguf->tensor_count;
    if (r->status != MET_OK || count < 2) return;
    const met_gguf_tensor **sorted = malloc(count * sizeof *sorted);
    if (sorted == NULL) {
        r->status = met_fail_memory(r->err, "index of a GGUF file", count * sizeof *sorted);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &gguf->tensors[i];
    qsort(sorted, count, sizeof *sorted, compare_offsets);
    for (size_t i = 1; i < count; i++) {
        const met_gguf_tensor *before = sorted[i - 1];
        if (sorted[i]->offset_bytes >= before->offset_bytes + before->bytes) continue;
        r->label = sorted[i]->name;
        met_gguf_refuse(r, MET_E_FORMAT,
                        "begins at byte %" PRIu64
                        " inside tensor %.*s, which ends at byte %" PRIu64,
                        sorted[i]->offset_bytes, met_str_shown(before->name), before->name.data,
                        before->offset_bytes + before->bytes);
        break;
    }
    free(sorted);
}

void met_gguf_place_tensors(met_gguf_reader *r)
{
    met_gguf *gguf = r->gguf;
    for (uint64_t i = 0; i < gguf->tensor_count && r->status == MET_OK; i++) {
        r->label = gguf->tensors[i].name;
        place(r, &gguf->tensors[i]);
    }
    refuse_overlaps(r);
}
