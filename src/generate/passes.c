/* Owns: which passes a processor gets, and those that every processor can run. */
#include "generate/passes_loops.h"

const met_passes met_passes_baseline = {
    .name = "baseline", .max = max_pass, .total = total_pass, .keys = keys_pass, .sum = sum_pass};

/* On ARM the baseline has vectors as wide as any that this project compiles for. */
const met_passes *met_passes_up_to(met_isa highest)
{
    const met_passes *found = &met_passes_baseline;
#if defined(__x86_64__)
    if (highest >= MET_ISA_AVX2 && met_isa_available(MET_ISA_AVX2)) found = &met_passes_avx2;
    if (highest >= MET_ISA_AVX512 && met_isa_available(MET_ISA_AVX512)) found = &met_passes_avx512;
#endif
    (void)highest;
    return found;
}
