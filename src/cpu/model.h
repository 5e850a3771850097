/* CPU models: which instructions and features a CPU has. CPUID, the decoder and the rules of
 * control registers all ask here. */
#ifndef RF_CPU_MODEL_H
#define RF_CPU_MODEL_H

#include "base/compiler.h"

/* What a model may have or lack. What every x86-64 CPU here has (SSE2, SYSCALL, NX, 1 GiB
 * pages, RDTSCP, FSGSBASE, SMEP, SMAP, UMIP, PCID, INVPCID, LA57) needs no name. */
#define RF_FEATURES(X)                                                                     \
    X(SSE3) X(SSSE3) X(SSE41) X(SSE42) X(CX16) X(POPCNT) X(LAHF64)                         \
    X(XSAVE) X(XSAVEOPT) X(XSAVEC) X(XGETBV1) X(AVX) X(AVX2) X(F16C) X(FMA) X(BMI1) X(BMI2) \
    X(LZCNT) X(MOVBE) X(PKU) X(PKS)                                                        \
    X(AES) X(PCLMULQDQ) X(VAES) X(VPCLMULQDQ) X(SHA) X(GFNI) X(ADX) X(RDRAND) X(RDSEED)    \
    X(CLFLUSHOPT) X(CLWB) X(PREFETCHW) X(RDPID) X(FSRM) X(SHSTK) X(IBT)

enum rf_feature {
#define RF_FEATURE_NAME(name) RF_FEATURE_##name,
    RF_FEATURES(RF_FEATURE_NAME)
#undef RF_FEATURE_NAME
    RF_FEATURE_COUNT
};

/* A set of features: bit i is enum rf_feature i. */
typedef uint64_t rf_feature_set;

/* The models: the micro-architecture levels of the x86-64 psABI (section 3.1.1), and all that
 * Ringfort implements. */
enum rf_cpu_model { RF_CPU_V3, RF_CPU_V1, RF_CPU_V2, RF_CPU_MAX, RF_CPU_MODEL_COUNT };

rf_feature_set rf_model_features(enum rf_cpu_model model);
/* The model of that name, RF_CPU_MODEL_COUNT if there is none. */
enum rf_cpu_model rf_model_by_name(const char *name);
/* "x86-64-v3"; never NULL for a model of the enum. */
const char *rf_model_name(enum rf_cpu_model model);

/* Where the architecture leaves vendors free, or they differ: CPUID's vendor, SYSCALL and SYSRET,
 * SYSENTER and SYSEXIT. */
enum rf_cpu_vendor { RF_VENDOR_INTEL, RF_VENDOR_AMD, RF_VENDOR_COUNT };

RF_INLINE bool rf_has(rf_feature_set set, enum rf_feature feature)
{
    return set >> feature & 1;
}

/* XSAVE state components (SDM 1, 13.1). */
#define RF_XCR0_X87 RF_BIT(0)
#define RF_XCR0_SSE RF_BIT(1)
#define RF_XCR0_AVX RF_BIT(2)
#define RF_XCR0_PKRU RF_BIT(9)
/* Bits that XCR0 may have on such a CPU. */
uint64_t rf_model_xcr0(rf_feature_set set);

#endif
