/* What a processor may have beyond the baseline of its architecture. */
#ifndef MET_BASE_ISA_H
#define MET_BASE_ISA_H

#include <stdbool.h>

/* The instruction sets that code is compiled for; of one architecture, the better ones later. The
 * baseline is SSE2 on x86-64; on ARM it has NEON, but not its dot products. */
typedef enum met_isa {
    MET_ISA_BASELINE = 0,
    MET_ISA_AVX2,    /* with FMA and F16C */
    MET_ISA_AVXVNNI, /* AVX2's dot products; many with AVX-512 lack them */
    MET_ISA_AVX512,  /* F, BW, DQ, VL, VNNI */
    MET_ISA_NEON,    /* with dot products */
    MET_ISA_I8MM,
} met_isa;

/* Whether this processor and system can run it. It is asked once and remembered, by a machine: a
 * virtual machine takes microseconds to answer. */
bool met_isa_available(met_isa isa);

#endif
