/* CPUID of the host (base/host.h; SDM 2A, CPUID). */
#include "base/host.h"

#if defined(__x86_64__)
#include <cpuid.h>

/* XCR0's SSE and AVX bits. */
static bool saves_ymm(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

unsigned rf_host_features(void)
{
    const unsigned avx = bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C;
    unsigned eax, ebx1, ecx1, edx, ebx7 = 0, ecx7 = 0;
    if (!__get_cpuid(1, &eax, &ebx1, &ecx1, &edx))
        return 0;
    __get_cpuid_count(7, 0, &eax, &ebx7, &ecx7, &edx);
    bool avx2 = (ecx1 & avx) == avx && ebx7 & bit_AVX2 && saves_ymm();
    return (avx2 ? RF_HOST_AVX2 : 0u) | (ecx1 & bit_AES ? RF_HOST_AES : 0u) |
           (ecx1 & bit_PCLMUL ? RF_HOST_PCLMULQDQ : 0u) | (ebx7 & bit_SHA ? RF_HOST_SHA : 0u) |
           (ecx7 & bit_GFNI ? RF_HOST_GFNI : 0u) |
           (avx2 && ecx7 & bit_VAES ? RF_HOST_VAES : 0u) |
           (avx2 && ecx7 & bit_VPCLMULQDQ ? RF_HOST_VPCLMULQDQ : 0u);
}

#else

unsigned rf_host_features(void)
{
    return 0;
}

#endif
