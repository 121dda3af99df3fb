/* Owns: the ISA levels that this build knows, and whether this processor can run them.
 * Does not own: the kernels. The only architecture #if outside the ISA files is here. */
#include "backend/cpu/kernels.h"

#include <assert.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

typedef struct isa_level {
    const char *name;
    bool (*available)(void);
    void (*fill)(met_cpu_kernels *kernels);
} isa_level;

static bool always_available(void)
{
    return true;
}

#if defined(__x86_64__)
/* __builtin_cpu_supports also asks the system (XGETBV) whether it saves the wider registers; F16C,
 * which clang 14 has no name for, uses the registers of AVX2. */
static bool avx2_available(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

/* Leaf 7, second part: clang 14 has no name for it either. */
static bool avxvnni_available(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return avx2_available() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) &&
           (eax & 1u << 4) != 0;
}

static bool avx512_available(void)
{
    return avx2_available() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

#elif defined(__aarch64__) && defined(__APPLE__)
static bool has_feature(const char *name)
{
    int value = 0;
    size_t bytes = sizeof value;
    return sysctlbyname(name, &value, &bytes, NULL, 0) == 0 && value != 0;
}

static bool neon_available(void)
{
    return has_feature("hw.optional.arm.FEAT_DotProd");
}

static bool i8mm_available(void)
{
    return neon_available() && has_feature("hw.optional.arm.FEAT_I8MM");
}

#elif defined(__aarch64__) && defined(__linux__)
static bool neon_available(void)
{
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
}

static bool i8mm_available(void)
{
    return neon_available() && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0;
}

#elif defined(__aarch64__) /* a system that this file does not know how to ask */
static bool neon_available(void)
{
    return false;
}

static bool i8mm_available(void)
{
    return false;
}
#endif

/* From the reference upwards. */
static const isa_level levels[] = {
    {"scalar", always_available, met_cpu_fill_scalar},
#if defined(__x86_64__)
    {"avx2", avx2_available, met_cpu_fill_avx2},
    {"avxvnni", avxvnni_available, met_cpu_fill_avxvnni},
    {"avx512", avx512_available, met_cpu_fill_avx512},
#elif defined(__aarch64__)
    {"neon", neon_available, met_cpu_fill_neon},
    {"i8mm", i8mm_available, met_cpu_fill_i8mm},
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
    return levels[level].available();
}

met_cpu_kernels met_cpu_level_kernels(int32_t level)
{
    assert(level >= 0 && level < met_cpu_level_count());
    met_cpu_kernels kernels;
    for (int32_t i = 0; i <= level; i++) {
        if (levels[i].available()) levels[i].fill(&kernels);
    }
    kernels.name = levels[level].name;
    return kernels;
}
