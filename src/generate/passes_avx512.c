/* Owns: the passes in vectors of AVX-512. */
#include "generate/passes_loops.h"

const met_passes met_passes_avx512 = {
    .name = "avx512", .max = max_pass, .total = total_pass, .keys = keys_pass, .sum = sum_pass};
