/* The element types that weights can have here, and the bytes they take. */
#ifndef MET_BASE_DTYPE_H
#define MET_BASE_DTYPE_H

#include <stddef.h>
#include <stdint.h>

typedef enum met_dtype {
    MET_DTYPE_F32 = 0,
    MET_DTYPE_F16,
    MET_DTYPE_Q8_0, /* blocks of 32: one f16 scale, then 32 int8 */
} met_dtype;

enum { MET_DTYPES = 3, MET_Q8_BLOCK = 32, MET_Q8_BLOCK_BYTES = 34 };

/* "F32". Static storage. */
const char *met_dtype_name(met_dtype type);

/* Bytes of one row of `cols` elements. For Q8_0 `cols` is a multiple of 32. */
static inline size_t met_dtype_row_bytes(met_dtype type, size_t cols)
{
    switch (type) {
    case MET_DTYPE_F32: return cols * 4;
    case MET_DTYPE_F16: return cols * 2;
    case MET_DTYPE_Q8_0: return cols / MET_Q8_BLOCK * MET_Q8_BLOCK_BYTES;
    }
    return 0;
}

#endif
