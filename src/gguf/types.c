/* Owns: the tables of metadata types and of ggml's tensor types. Every number that a file may hold
 * is looked up here; what is not in a table does not exist. */
#include "gguf/gguf.h"

#include "base/error.h"
#include "base/text.h"
#include "gguf/internal.h"

typedef struct type_row {
    const char *name;
    size_t bytes;
} type_row;

static const type_row types[] = {
    [MET_GGUF_U8] = {"u8", 1},         [MET_GGUF_I8] = {"i8", 1},
    [MET_GGUF_U16] = {"u16", 2},       [MET_GGUF_I16] = {"i16", 2},
    [MET_GGUF_U32] = {"u32", 4},       [MET_GGUF_I32] = {"i32", 4},
    [MET_GGUF_F32] = {"f32", 4},       [MET_GGUF_BOOL] = {"bool", 1},
    [MET_GGUF_STRING] = {"string", 0}, [MET_GGUF_ARRAY] = {"array", 0},
    [MET_GGUF_U64] = {"u64", 8},       [MET_GGUF_I64] = {"i64", 8},
    [MET_GGUF_F64] = {"f64", 8},
};

/* Numbers, names and sizes as ggml.h and ggml-common.h of ggml define them. Numbers that ggml gave
 * up (4, 5, 31 to 33, 36 to 38) stay unknown. */
static const met_gguf_block blocks[] = {
    [0] = {"F32", 1, 4},         [1] = {"F16", 1, 2},         [2] = {"Q4_0", 32, 18},
    [3] = {"Q4_1", 32, 20},      [6] = {"Q5_0", 32, 22},      [7] = {"Q5_1", 32, 24},
    [8] = {"Q8_0", 32, 34},      [9] = {"Q8_1", 32, 36},      [10] = {"Q2_K", 256, 84},
    [11] = {"Q3_K", 256, 110},   [12] = {"Q4_K", 256, 144},   [13] = {"Q5_K", 256, 176},
    [14] = {"Q6_K", 256, 210},   [15] = {"Q8_K", 256, 292},   [16] = {"IQ2_XXS", 256, 66},
    [17] = {"IQ2_XS", 256, 74},  [18] = {"IQ3_XXS", 256, 98}, [19] = {"IQ1_S", 256, 50},
    [20] = {"IQ4_NL", 32, 18},   [21] = {"IQ3_S", 256, 110},  [22] = {"IQ2_S", 256, 82},
    [23] = {"IQ4_XS", 256, 136}, [24] = {"I8", 1, 1},         [25] = {"I16", 1, 2},
    [26] = {"I32", 1, 4},        [27] = {"I64", 1, 8},        [28] = {"F64", 1, 8},
    [29] = {"IQ1_M", 256, 56},   [30] = {"BF16", 1, 2},       [34] = {"TQ1_0", 256, 54},
    [35] = {"TQ2_0", 256, 66},   [39] = {"MXFP4", 32, 17},    [40] = {"NVFP4", 64, 36},
    [41] = {"Q1_0", 128, 18},
};

enum { BLOCK_ROWS = sizeof blocks / sizeof blocks[0] };

const char *met_gguf_type_name(met_gguf_type type)
{
    return types[type].name;
}

size_t met_gguf_type_bytes(met_gguf_type type)
{
    return types[type].bytes;
}

const met_gguf_block *met_gguf_block_of(uint32_t ggml_type)
{
    if (ggml_type >= BLOCK_ROWS || blocks[ggml_type].name == NULL) return NULL;
    return &blocks[ggml_type];
}

const char *met_gguf_tensor_type_name(uint32_t ggml_type)
{
    const met_gguf_block *block = met_gguf_block_of(ggml_type);
    return block == NULL ? NULL : block->name;
}

met_status met_gguf_tensor_dtype(const met_gguf *gguf, const met_gguf_tensor *tensor,
                                 met_dtype *out, met_error *err)
{
    switch (tensor->ggml_type) {
    case MET_GGML_F32: *out = MET_DTYPE_F32; return MET_OK;
    case MET_GGML_F16: *out = MET_DTYPE_F16; return MET_OK;
    case MET_GGML_Q8_0: *out = MET_DTYPE_Q8_0; return MET_OK;
    default: break; /* a number from a file, not an enum */
    }
    return met_fail(err, MET_E_TYPE,
                    "%s: tensor %.*s has type %s, which is not supported; expected F32, F16 or "
                    "Q8_0",
                    met_gguf_name(gguf), met_str_shown(tensor->name), tensor->name.data,
                    met_gguf_tensor_type_name(tensor->ggml_type));
}
