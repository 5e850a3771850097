/* CPUID: exactly what the model has (SDM 2A and AMD APM 3, CPUID). A made-up part of either vendor,
 * so that no program takes it for one with other features. */
#include "cpu/cpu.h"
#include "cpu/xsave.h"

#include <string.h>

/* What every model has: leaf 1 ECX and EDX, leaf 7 EBX and ECX, 8000_0001 EDX. */
#define LEAF1_ECX (RF_BIT(17) /* PCID */ | RF_BIT(31) /* hypervisor present */)
#define LEAF1_EDX                                                                         \
    (RF_BIT(0) /* FPU */ | RF_BIT(2) /* DE */ | RF_BIT(3) /* PSE */ | RF_BIT(4) /* TSC */ | \
     RF_BIT(5) /* MSR */ | RF_BIT(6) /* PAE */ | RF_BIT(7) /* MCE */ | RF_BIT(8) /* CMPXCHG8B */ | \
     RF_BIT(11) /* SYSENTER */ | RF_BIT(13) /* PGE */ | RF_BIT(14) /* MCA */ |            \
     RF_BIT(15) /* CMOV */ |                                                              \
     RF_BIT(16) /* PAT */ | RF_BIT(17) /* PSE-36 */ | RF_BIT(19) /* CLFLUSH */ | \
     RF_BIT(23) /* MMX */ |                                                               \
     RF_BIT(24) /* FXSR */ | RF_BIT(25) /* SSE */ | RF_BIT(26) /* SSE2 */)
#define LEAF7_EBX                                                                         \
    (RF_BIT(0) /* FSGSBASE */ | RF_BIT(1) /* TSC_ADJUST */ | RF_BIT(6) /* FDP_EXCPTN_ONLY */ | RF_BIT(7) /* SMEP */ |   \
     RF_BIT(9) /* ERMS */ | RF_BIT(10) /* INVPCID */ |                                   \
     RF_BIT(13) /* no FCS and FDS */ | RF_BIT(20) /* SMAP */)
#define LEAF7_ECX (RF_BIT(2) /* UMIP */ | RF_BIT(16) /* LA57 */)
#define EXT1_EDX                                                                          \
    (RF_BIT(11) /* SYSCALL */ | RF_BIT(20) /* NX */ | RF_BIT(26) /* 1 GiB pages */ |      \
     RF_BIT(27) /* RDTSCP */ | RF_BIT(29) /* long mode */)

/* Where the features of models are told. */
enum { EAX, EBX, ECX, EDX };
static const struct {
    uint8_t feature; /* enum rf_feature */
    uint32_t leaf, subleaf;
    uint8_t word, bit;
} places[] = {
    { RF_FEATURE_SSE3, 1, 0, ECX, 0 },       { RF_FEATURE_PCLMULQDQ, 1, 0, ECX, 1 },
    { RF_FEATURE_SSSE3, 1, 0, ECX, 9 },      { RF_FEATURE_FMA, 1, 0, ECX, 12 },
    { RF_FEATURE_CX16, 1, 0, ECX, 13 },      { RF_FEATURE_SSE41, 1, 0, ECX, 19 },
    { RF_FEATURE_SSE42, 1, 0, ECX, 20 },     { RF_FEATURE_MOVBE, 1, 0, ECX, 22 },
    { RF_FEATURE_POPCNT, 1, 0, ECX, 23 },    { RF_FEATURE_AES, 1, 0, ECX, 25 },
    { RF_FEATURE_XSAVE, 1, 0, ECX, 26 },     { RF_FEATURE_AVX, 1, 0, ECX, 28 },
    { RF_FEATURE_F16C, 1, 0, ECX, 29 },      { RF_FEATURE_RDRAND, 1, 0, ECX, 30 },
    { RF_FEATURE_BMI1, 7, 0, EBX, 3 },       { RF_FEATURE_AVX2, 7, 0, EBX, 5 },
    { RF_FEATURE_BMI2, 7, 0, EBX, 8 },       { RF_FEATURE_RDSEED, 7, 0, EBX, 18 },
    { RF_FEATURE_ADX, 7, 0, EBX, 19 },       { RF_FEATURE_CLFLUSHOPT, 7, 0, EBX, 23 },
    { RF_FEATURE_CLWB, 7, 0, EBX, 24 },      { RF_FEATURE_SHA, 7, 0, EBX, 29 },
    { RF_FEATURE_PKU, 7, 0, ECX, 3 },        { RF_FEATURE_GFNI, 7, 0, ECX, 8 },
    { RF_FEATURE_VAES, 7, 0, ECX, 9 },       { RF_FEATURE_VPCLMULQDQ, 7, 0, ECX, 10 },
    { RF_FEATURE_RDPID, 7, 0, ECX, 22 },     { RF_FEATURE_PKS, 7, 0, ECX, 31 },
    { RF_FEATURE_SHSTK, 7, 0, ECX, 7 },      { RF_FEATURE_IBT, 7, 0, EDX, 20 },
    { RF_FEATURE_FSRM, 7, 0, EDX, 4 },       { RF_FEATURE_XSAVEOPT, 0xd, 1, EAX, 0 },
    { RF_FEATURE_XSAVEC, 0xd, 1, EAX, 1 },   { RF_FEATURE_XGETBV1, 0xd, 1, EAX, 2 },
    { RF_FEATURE_LAHF64, 0x80000001, 0, ECX, 0 },
    { RF_FEATURE_LZCNT, 0x80000001, 0, ECX, 5 },
    { RF_FEATURE_PREFETCHW, 0x80000001, 0, ECX, 8 },
};

static void add_features(const struct rf_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(places); i++)
        if (places[i].leaf == leaf && places[i].subleaf == subleaf &&
            rf_has(cpu->features, (enum rf_feature)places[i].feature))
            out[places[i].word] |= 1u << places[i].bit;
}

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

/* The vendor's name, of which leaf 8000_0000 has a copy on AMD's (AMD APM 3, E.3.1 and E.4.1). */
static void leaf_0(const struct rf_cpu *cpu, uint32_t leaf, uint32_t most, uint32_t out[4])
{
    if (cpu->vendor == RF_VENDOR_AMD)
        set(out, most, 0x68747541, 0x444d4163, 0x69746e65); /* AuthenticAMD */
    else if (leaf)
        set(out, most, 0, 0, 0);
    else
        set(out, most, 0x756e6547, 0x6c65746e, 0x49656e69); /* GenuineIntel */
}

static void leaf_1(const struct rf_cpu *cpu, uint32_t out[4])
{
    uint64_t ecx = LEAF1_ECX, edx = LEAF1_EDX;
    if (cpu->misc_enable & RF_MISC_ENABLE_MONITOR)
        ecx |= RF_BIT(3);
    if (cpu->mmu.cr4 & RF_CR4_OSXSAVE)
        ecx |= RF_BIT(27);
    if (cpu->apic.present)
        ecx |= RF_BIT(21) /* x2APIC */ | RF_BIT(24) /* TSC-deadline timer */;
    if (cpu->apic.present && cpu->apic_base & RF_APIC_BASE_EN) /* SDM 3A, 10.4.3 */
        edx |= RF_BIT(9);
    /* family 6, model 0x55 (Skylake server), stepping 0, or family 0x17, model 1 (Zen), stepping 0;
     * CLFLUSH line 64 bytes; 1 CPU */
    set(out, cpu->vendor == RF_VENDOR_AMD ? 0x00800f10 : 0x00050650, 8u << 8 | 1u << 16, (uint32_t)ecx,
        (uint32_t)edx);
}

static void leaf_7(const struct rf_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    if (subleaf)
        return;
    uint64_t ecx = LEAF7_ECX;
    if (cpu->mmu.cr4 & RF_CR4_PKE)
        ecx |= RF_BIT(4); /* OSPKE */
    set(out, 0, (uint32_t)LEAF7_EBX, (uint32_t)ecx, 0);
}

/* Only Intel's: see leaf 4. */
static void leaf_2(const struct rf_cpu *cpu, uint32_t out[4])
{
    if (cpu->vendor == RF_VENDOR_INTEL)
        set(out, 0x00feff01, 0, 0, 0);
}

/* Deterministic cache parameters, only Intel's: 32 KiB L1D and L1I (8 ways), 1 MiB L2 (16 ways). */
static void leaf_4(const struct rf_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    static const uint32_t caches[][4] = {
        { 0x00000121, 7u << 22 | 63, 63, 0 },
        { 0x00000122, 7u << 22 | 63, 63, 0 },
        { 0x00000143, 15u << 22 | 63, 1023, 0 },
    };
    if (cpu->vendor == RF_VENDOR_INTEL && subleaf < RF_ARRAY_SIZE(caches))
        memcpy(out, caches[subleaf], 16);
}

/* Extended topology: one thread in one core. */
static void leaf_b(uint32_t subleaf, uint32_t out[4])
{
    if (subleaf < 2)
        set(out, 0, 1, subleaf | (subleaf + 1) << 8, 0);
    else
        set(out, 0, 0, subleaf & 0xff, 0);
}

/* The XSAVE area (SDM 1, 13.2). */
static void leaf_d(const struct rf_cpu *cpu, uint32_t subleaf, uint32_t out[4])
{
    uint64_t supported = rf_model_xcr0(cpu->features);
    if (!supported)
        return;
    if (subleaf == 0)
        set(out, (uint32_t)supported, rf_xsave_size(cpu->xcr0, false),
            rf_xsave_size(supported, false), 0);
    else if (subleaf == 1)
        set(out, 0, rf_xsave_size(cpu->xcr0, true), 0, 0);
    else if (subleaf < 64 && supported >> subleaf & 1)
        set(out, rf_xsave_component(subleaf).size, rf_xsave_component(subleaf).offset, 0, 0);
}

static uint32_t ext1_edx(const struct rf_cpu *cpu)
{
    return (uint32_t)EXT1_EDX & ~(cpu->misc_enable & RF_MISC_ENABLE_XD_DISABLE ? 1u << 20 : 0);
}

#define MOST_EXTENDED 0x80000008
#define LIMITED_BASIC 2 /* with IA32_MISC_ENABLE[22] (SDM 4, table 2-2) */
static uint32_t most_basic(const struct rf_cpu *cpu)
{
    return cpu->misc_enable & RF_MISC_ENABLE_LIMIT_CPUID ? LIMITED_BASIC : 0x1f;
}

void rf_cpu_cpuid(struct rf_cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    set(out, 0, 0, 0, 0);
    if (leaf - 0x80000000 > MOST_EXTENDED - 0x80000000 && leaf > most_basic(cpu))
        leaf = most_basic(cpu); /* beyond the end: the data of the highest basic leaf */
    switch (leaf) {
    case 0: leaf_0(cpu, leaf, most_basic(cpu), out); break;
    case 1: leaf_1(cpu, out); break;
    case 2: leaf_2(cpu, out); break;
    case 4: leaf_4(cpu, subleaf, out); break;
    /* MONITOR: lines of 64 bytes; MWAIT takes hints, and interrupts as breaks; one C1 sub-state */
    case 5: set(out, 64, 64, 3, 1u << 4); break;
    case 6: set(out, RF_BIT(2) /* ARAT */, 0, 0, 0); break;
    case 7: leaf_7(cpu, subleaf, out); break;
    case 0xb:
    case 0x1f: leaf_b(subleaf, out); break;
    case 0xd: leaf_d(cpu, subleaf, out); break;
    case 0x80000000: leaf_0(cpu, leaf, MOST_EXTENDED, out); break;
    case 0x80000001: set(out, 0, 0, 0, ext1_edx(cpu)); break;
    case 0x80000002: text(out, "Ringfort virtual"); break;
    case 0x80000003: text(out, " x86-64 CPU\0\0\0\0"); break;
    case 0x80000006: set(out, 0, 0, 1024u << 16 | 6u << 12 | 64, 0); break;
    case 0x80000007: set(out, 0, 0, 0, RF_BIT(8)); break; /* invariant TSC */
    case 0x80000008: set(out, RF_MAXPHYADDR | 57u << 8, 0, 0, 0); break;
    default: break;
    }
    bool indexed = leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd || leaf == 0x1f;
    add_features(cpu, leaf, indexed ? subleaf : 0, out);
}
