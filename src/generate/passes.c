/* Owns: which passes belong to an instruction set, and those that every processor can run. */
#include "generate/passes_loops.h"

const met_passes met_passes_baseline = {
    .name = "baseline", .max = max_pass, .total = total_pass, .keys = keys_pass, .sum = sum_pass};

/* On ARM the baseline has vectors as wide as any that this project compiles for. */
const met_passes *met_passes_for(met_isa isa)
{
#if defined(__x86_64__)
    if (isa >= MET_ISA_AVX512) return &met_passes_avx512;
    if (isa >= MET_ISA_AVX2) return &met_passes_avx2;
#endif
    (void)isa;
    return &met_passes_baseline;
}
