/* Owns: the passes in vectors of AVX2. */
#include "generate/passes_loops.h"

const met_passes met_passes_avx2 = {
    .name = "avx2", .max = max_pass, .total = total_pass, .keys = keys_pass, .sum = sum_pass};
