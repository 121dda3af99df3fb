/* Owns: names of element types. */
#include "base/dtype.h"

const char *met_dtype_name(met_dtype type)
{
    switch (type) {
    case MET_DTYPE_F32: return "F32";
    case MET_DTYPE_F16: return "F16";
    case MET_DTYPE_Q8_0: return "Q8_0";
    }
    return "?";
}
