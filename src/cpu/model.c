/* The CPU models (model.h). */
#include "cpu/model.h"

#include <string.h>

#define SET(name) (UINT64_C(1) << RF_FEATURE_##name)

/* psABI 1.0, table 3.1. Beyond it, a model has what an operating system needs for the rest:
 * the instructions that save its registers, and protection keys, which live in XSAVE's area. */
#define V1 0
#define V2 \
    (V1 | SET(SSE3) | SET(SSSE3) | SET(SSE41) | SET(SSE42) | SET(CX16) | SET(POPCNT) | SET(LAHF64))
#define V3                                                                                    \
    (V2 | SET(AVX) | SET(AVX2) | SET(F16C) | SET(FMA) | SET(BMI1) | SET(BMI2) | SET(LZCNT) |  \
     SET(MOVBE) | SET(XSAVE) | SET(XSAVEOPT) | SET(XSAVEC) | SET(XGETBV1) | SET(PKU) | SET(PKS))
#define MAX ((UINT64_C(1) << RF_FEATURE_COUNT) - 1)

static const struct {
    const char *name;
    rf_feature_set features;
} models[] = {
    [RF_CPU_V1] = { "x86-64-v1", V1 },
    [RF_CPU_V2] = { "x86-64-v2", V2 },
    [RF_CPU_V3] = { "x86-64-v3", V3 },
    [RF_CPU_MAX] = { "max", MAX },
};

rf_feature_set rf_model_features(enum rf_cpu_model model)
{
    return models[model].features;
}

const char *rf_model_name(enum rf_cpu_model model)
{
    return models[model].name;
}

enum rf_cpu_model rf_model_by_name(const char *name)
{
    unsigned i = 0;
    while (i < RF_CPU_MODEL_COUNT && strcmp(models[i].name, name) != 0)
        i++;
    return (enum rf_cpu_model)i;
}

uint64_t rf_model_xcr0(rf_feature_set set)
{
    if (!rf_has(set, RF_FEATURE_XSAVE))
        return 0;
    return RF_XCR0_X87 | RF_XCR0_SSE | (rf_has(set, RF_FEATURE_AVX) ? RF_XCR0_AVX : 0) |
           (rf_has(set, RF_FEATURE_PKU) ? RF_XCR0_PKRU : 0);
}
