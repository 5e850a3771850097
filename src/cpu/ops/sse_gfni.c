/* GFNI, legacy encodings (SDM 2): the host's instructions where it has them. */
#include "cpu/ops/crypto.h"

#define DEFINE(name, hard, soft)                                      \
    RF_SSE_XM(hard_##name, 16, hard)                                  \
    RF_SSE_XM(soft_##name, 16, soft)                                  \
    static bool lower_##name(struct rf_lower *l)                      \
    {                                                                 \
        static const struct rf_sse_form forms[2] = {                  \
            { .reg = soft_##name##_reg, .mem = soft_##name##_mem },   \
            { .reg = hard_##name##_reg, .mem = hard_##name##_mem }    \
        };                                                            \
        return rf_sse_lower(l, &forms[rf_host_has(l, RF_HOST_GFNI)]); \
    }

#define ADD_CONSTANT d = simde_mm_xor_si128(d, RF_GFNI_CONSTANT)
#define AFFINE(name, text, soft) \
    DEFINE(name, RF_HARD_IMM(text, 0); ADD_CONSTANT, soft; ADD_CONSTANT)
RF_GFNI_AFFINE(AFFINE)
DEFINE(GF2P8MULB, RF_HARD("gf2p8mulb"), d = rf_soft_gfmul(d, s))

#define ENTRY(name, text, soft) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    RF_GFNI_AFFINE(ENTRY)
    RF_SSE_ENTRY(GF2P8MULB)
};

const struct rf_lower_table rf_lower_gfni = RF_LOWER_TABLE(entries);
