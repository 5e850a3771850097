/* PCLMULQDQ and the AES instructions (SDM 2, FIPS 197): the host's where it has them. */
#include "cpu/ops/crypto.h"

#define DEFINE(name, feature, hard, soft) RF_HARD_OR_SOFT(name, 16, feature, hard, soft)

#define PCLMULQDQ(n) \
    DEFINE(pclmulqdq_##n, RF_HOST_PCLMULQDQ, RF_HARD_IMM("pclmulqdq", 0x##n), RF_SOFT_CLMUL(0x##n))
PCLMULQDQ(00)
PCLMULQDQ(01)
PCLMULQDQ(10)
PCLMULQDQ(11)

static bool lower_PCLMULQDQ(struct rf_lower *l)
{
    static rf_lower_fn *const lower[4] = { lower_pclmulqdq_00, lower_pclmulqdq_01,
                                           lower_pclmulqdq_10, lower_pclmulqdq_11 };
    return lower[rf_clmul_choice(l->operand[2].imm.value.u)](l);
}

#define AES(name, text, soft) DEFINE(name, RF_HOST_AES, RF_HARD(text), soft)
RF_AES_BINARY(AES)
AES(AESIMC, "aesimc", d = rf_soft_aesimc(s))

#define ADD_CONSTANT d = simde_mm_xor_si128(d, RF_AES_CONSTANT)
DEFINE(AESKEYGENASSIST, RF_HOST_AES, RF_HARD_IMM("aeskeygenassist", 0); ADD_CONSTANT,
       d = rf_soft_aeskeygen(s); ADD_CONSTANT)

#define ENTRY(name, text, soft) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    RF_SSE_ENTRY(PCLMULQDQ)
    RF_AES_BINARY(ENTRY)
    RF_SSE_ENTRY(AESIMC)
    RF_SSE_ENTRY(AESKEYGENASSIST)
};

const struct rf_lower_table rf_lower_crypto = RF_LOWER_TABLE(entries);
