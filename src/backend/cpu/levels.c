/* Owns: the ISA levels that this build knows. Does not own: the kernels, nor whether this processor
 * can run them (base/isa.h). */
#include "backend/cpu/kernels.h"

#include <assert.h>

typedef struct isa_level {
    const char *name;
    met_isa isa;
    void (*fill)(met_cpu_kernels *kernels);
} isa_level;

/* From the reference upwards. */
static const isa_level levels[] = {
    {"scalar", MET_ISA_BASELINE, met_cpu_fill_scalar},
#if defined(__x86_64__)
    {"avx2", MET_ISA_AVX2, met_cpu_fill_avx2},
    {"avxvnni", MET_ISA_AVXVNNI, met_cpu_fill_avxvnni},
    {"avx512", MET_ISA_AVX512, met_cpu_fill_avx512},
#elif defined(__aarch64__)
    {"neon", MET_ISA_NEON, met_cpu_fill_neon},
    {"i8mm", MET_ISA_I8MM, met_cpu_fill_i8mm},
#endif
};

int32_t met_cpu_level_count(void)
{
    return (int32_t)(sizeof levels / sizeof levels[0]);
}

const char *met_cpu_level_name(int32_t level)
{
    assert(level >= 0 && level < met_cpu_level_count());
    return levels[level].name;
}

bool met_cpu_level_available(int32_t level)
{
    assert(level >= 0 && level < met_cpu_level_count());
    return met_isa_available(levels[level].isa);
}

met_cpu_kernels met_cpu_level_kernels(int32_t level)
{
    assert(level >= 0 && level < met_cpu_level_count());
    met_cpu_kernels kernels;
    for (int32_t i = 0; i <= level; i++) {
        if (met_cpu_level_available(i)) levels[i].fill(&kernels);
    }
    kernels.name = levels[level].name;
    kernels.isa = levels[level].isa;
    return kernels;
}
