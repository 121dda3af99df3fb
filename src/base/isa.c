/* Owns: asking the processor and the system what they can run. Does not own: what is done with it.
 */
#include "base/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <stddef.h>
#include <sys/sysctl.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
/* __builtin_cpu_supports also asks the system (XGETBV) whether it saves the wider registers; F16C,
 * which clang 14 has no name for, uses the registers of AVX2. */
static bool has_avx2(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_F16C) != 0;
}

/* Leaf 7, second part: clang 14 has no name for it either. */
static bool has_avxvnni(void)
{
    unsigned eax = 0;
    unsigned ebx = 0;
    unsigned ecx = 0;
    unsigned edx = 0;
    return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) && (eax & 1u << 4) != 0;
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

static bool has(met_isa isa)
{
    return (isa == MET_ISA_AVX2 && has_avx2()) || (isa == MET_ISA_AVXVNNI && has_avxvnni()) ||
           (isa == MET_ISA_AVX512 && has_avx512());
}

#elif defined(__aarch64__) && defined(__APPLE__)
static bool has_feature(const char *name)
{
    int value = 0;
    size_t bytes = sizeof value;
    return sysctlbyname(name, &value, &bytes, NULL, 0) == 0 && value != 0;
}

static bool has(met_isa isa)
{
    bool neon = has_feature("hw.optional.arm.FEAT_DotProd");
    return (isa == MET_ISA_NEON && neon) ||
           (isa == MET_ISA_I8MM && neon && has_feature("hw.optional.arm.FEAT_I8MM"));
}

#elif defined(__aarch64__) && defined(__linux__)
static bool has(met_isa isa)
{
    bool neon = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
    return (isa == MET_ISA_NEON && neon) ||
           (isa == MET_ISA_I8MM && neon && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0);
}

#else /* what this file does not know how to ask */
static bool has(met_isa isa)
{
    (void)isa;
    return false;
}
#endif

bool met_isa_available(met_isa isa)
{
    return isa == MET_ISA_BASELINE || has(isa);
}
