/* GFNI, legacy encodings (SDM 2): the host's instructions where it has them. */
#include "cpu/ops/crypto.h"

#define DEFINE(name, hard, soft) RF_HARD_OR_SOFT(name, 16, RF_HOST_GFNI, hard, soft)

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
