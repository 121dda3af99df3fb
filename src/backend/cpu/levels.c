/* Owns: the ISA levels that this build knows, and whether this processor can run them.
 * Does not own: the kernels. */
#include "backend/cpu/kernels.h"

#include <assert.h>

typedef struct isa_level {
    const char *name;
    bool (*available)(void);
    void (*fill)(met_cpu_kernels *kernels);
} isa_level;

static bool always_available(void)
{
    return true;
}

/* From the reference upwards. */
static const isa_level levels[] = {
    {"scalar", always_available, met_cpu_fill_scalar},
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
    return levels[level].available();
}

met_cpu_kernels met_cpu_level_kernels(int32_t level)
{
    assert(level >= 0 && level < met_cpu_level_count());
    met_cpu_kernels kernels;
    for (int32_t i = 0; i <= level; i++) levels[i].fill(&kernels);
    kernels.name = levels[level].name;
    return kernels;
}
