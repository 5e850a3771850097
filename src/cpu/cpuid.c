/* CPUID: exactly what is implemented (SDM 2, CPUID). Vendor GenuineIntel; a made-up model
 * so that no program takes it for a part with other features. */
#include "cpu/cpu.h"

#include <string.h>

/* Leaf 1 ECX and EDX, leaf 7 EBX, 8000_0001 ECX and EDX. */
#define LEAF1_ECX_BASE                                                                    \
    (RF_BIT(0) /* SSE3 */ | RF_BIT(1) /* PCLMULQDQ */ | RF_BIT(9) /* SSSE3 */ |           \
     RF_BIT(13) /* CMPXCHG16B */ | RF_BIT(17) /* PCID */ | RF_BIT(19) /* SSE4.1 */ |      \
     RF_BIT(20) /* SSE4.2 */ | RF_BIT(22) /* MOVBE */ | RF_BIT(23) /* POPCNT */ |         \
     RF_BIT(30) /* RDRAND */ | RF_BIT(31) /* hypervisor present */)
#define LEAF1_EDX                                                                         \
    (RF_BIT(0) /* FPU */ | RF_BIT(2) /* DE */ | RF_BIT(3) /* PSE */ | RF_BIT(4) /* TSC */ | \
     RF_BIT(5) /* MSR */ | RF_BIT(6) /* PAE */ | RF_BIT(8) /* CMPXCHG8B */ |              \
     RF_BIT(11) /* SYSENTER */ | RF_BIT(13) /* PGE */ | RF_BIT(15) /* CMOV */ |           \
     RF_BIT(16) /* PAT */ | RF_BIT(19) /* CLFLUSH */ | RF_BIT(23) /* MMX */ |             \
     RF_BIT(24) /* FXSR */ | RF_BIT(25) /* SSE */ | RF_BIT(26) /* SSE2 */)
#define LEAF7_EBX                                                                         \
    (RF_BIT(0) /* FSGSBASE */ | RF_BIT(3) /* BMI1 */ | RF_BIT(7) /* SMEP */ |             \
     RF_BIT(8) /* BMI2 */ | RF_BIT(9) /* ERMS */ | RF_BIT(10) /* INVPCID */ |             \
     RF_BIT(18) /* RDSEED */ | RF_BIT(19) /* ADX */ | RF_BIT(20) /* SMAP */ |             \
     RF_BIT(23) /* CLFLUSHOPT */ | RF_BIT(24) /* CLWB */)
#define LEAF7_ECX_BASE                                                                    \
    (RF_BIT(2) /* UMIP */ | RF_BIT(3) /* PKU */ | RF_BIT(16) /* LA57 */ |                 \
     RF_BIT(22) /* RDPID */ | RF_BIT(31) /* PKS */)
#define EXT1_ECX (RF_BIT(0) /* LAHF in 64-bit mode */ | RF_BIT(5) /* LZCNT */ | RF_BIT(8) /* PREFETCHW */)
#define EXT1_EDX                                                                          \
    (RF_BIT(11) /* SYSCALL */ | RF_BIT(20) /* NX */ | RF_BIT(26) /* 1 GiB pages */ |      \
     RF_BIT(27) /* RDTSCP */ | RF_BIT(29) /* long mode */)

static void set(uint32_t out[4], uint32_t eax, uint32_t ebx, uint32_t ecx, uint32_t edx)
{
    out[0] = eax;
    out[1] = ebx;
    out[2] = ecx;
    out[3] = edx;
}

static void text(uint32_t out[4], const char *sixteen)
{
    memcpy(out, sixteen, 16);
}

static void leaf_1(const struct rf_cpu *cpu, uint32_t out[4])
{
    uint64_t ecx = LEAF1_ECX_BASE;
    if (cpu->mmu.cr4 & RF_CR4_OSXSAVE)
        ecx |= RF_BIT(27);
    /* family 6, model 0x55 (Skylake server), stepping 0; CLFLUSH line 64 bytes; 1 CPU */
    set(out, 0x00050650, 8u << 8 | 1u << 16, (uint32_t)ecx, (uint32_t)LEAF1_EDX);
}

static void leaf_7(const struct rf_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    if (subleaf)
        return;
    uint64_t ecx = LEAF7_ECX_BASE;
    if (cpu->mmu.cr4 & RF_CR4_PKE)
        ecx |= RF_BIT(4); /* OSPKE */
    set(out, 0, (uint32_t)LEAF7_EBX, (uint32_t)ecx, 0);
}

/* Deterministic cache parameters: 32 KiB L1D and L1I (8 ways), 1 MiB L2 (16 ways). */
static void leaf_4(uint32_t subleaf, uint32_t out[4])
{
    static const uint32_t caches[][4] = {
        { 0x00000121, 7u << 22 | 63, 63, 0 },
        { 0x00000122, 7u << 22 | 63, 63, 0 },
        { 0x00000143, 15u << 22 | 63, 1023, 0 },
    };
    if (subleaf < RF_ARRAY_SIZE(caches))
        memcpy(out, caches[subleaf], 16);
}

void rf_cpu_cpuid(struct rf_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    set(out, 0, 0, 0, 0);
    switch (leaf) {
    case 0: set(out, 7, 0x756e6547, 0x6c65746e, 0x49656e69); break; /* GenuineIntel */
    case 1: leaf_1(cpu, out); break;
    case 2: set(out, 0x00feff01, 0, 0, 0); break; /* see leaf 4 */
    case 4: leaf_4(subleaf, out); break;
    case 6: set(out, RF_BIT(2) /* ARAT */, 0, 0, 0); break;
    case 7: leaf_7(cpu, subleaf, out); break;
    case 0x80000000: set(out, 0x80000008, 0, 0, 0); break;
    case 0x80000001: set(out, 0, 0, (uint32_t)EXT1_ECX, (uint32_t)EXT1_EDX); break;
    case 0x80000002: text(out, "Ringfort virtual"); break;
    case 0x80000003: text(out, " x86-64 CPU\0\0\0\0"); break;
    case 0x80000006: set(out, 0, 0, 1024u << 16 | 6u << 12 | 64, 0); break;
    case 0x80000007: set(out, 0, 0, 0, RF_BIT(8)); break; /* invariant TSC */
    case 0x80000008: set(out, RF_MAXPHYADDR | 57u << 8, 0, 0, 0); break;
    default: break;
    }
}
