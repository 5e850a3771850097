/* VAES, VPCLMULQDQ and the VEX forms of GFNI (SDM 2): the host's instruction of 256 bits, else
 * its instruction of 128 on each lane, else what stands for that. */
#include "cpu/ops/avx_fp.h"
#include "cpu/ops/crypto.h"

/* The host's instruction of 128 bits: the VEX form or the legacy one. */
#if RF_AVX_NATIVE
#define HARD(text) RF_VEX_ASM(text)
#define HARD_UNARY(text) RF_VEX_ASM_UNARY(text)
#define HARD_IMM(text, imm) RF_VEX_ASM_IMM(text, imm)
#define HARD_UNARY_IMM(text, imm) RF_VEX_ASM_UNARY_IMM(text, imm)
#else
#define HARD(text) RF_HARD(text)
#define HARD_UNARY(text) RF_HARD(text)
#define HARD_IMM(text, imm) RF_HARD_IMM(text, imm)
#define HARD_UNARY_IMM(text, imm) RF_HARD_IMM(text, imm)
#endif

#define BOTH(x) RF_LANES(x, x)

/* name_hard and name_soft of 128 bits, and which of them suits the host. `after_x`: what follows
 * either, with the immediate. */
#define DEFINE_X(name, hard, soft, after_x)                        \
    RF_AVX_LANEWISE(name##_hard, hard)                             \
    RF_AVX_LANEWISE(name##_soft, soft)                             \
    RF_AVX_X(name##_hard, 16, d = name##_hard_lane(d, s); after_x) \
    RF_AVX_X(name##_soft, 16, d = name##_soft_lane(d, s); after_x)
#define X_FORM(prefix) { .reg = { prefix##_x_reg }, .mem = { prefix##_x_mem } }
#define Y_FORM(prefix) { .reg = { NULL, prefix##_y_reg }, .mem = { NULL, prefix##_y_mem } }

/* name_wide: the host's instruction of 256 bits; no host that portable families run on has it. */
#if RF_AVX_NATIVE
#define WIDE(name, ...) RF_AVX_Y(name##_wide, __VA_ARGS__)
#define WIDE_FORM(name) Y_FORM(name##_wide)
#else
#define WIDE(name, ...)
#define WIDE_FORM(name) Y_FORM(name##_hard)
#endif

/* The same with 256 bits: by `wide_feature`, or twice by `feature`, or without. */
#define DEFINE(name, feature, wide_feature, hard, soft, after_x, after_y)                         \
    DEFINE_X(name, hard, soft, after_x)                                                           \
    RF_AVX_Y(name##_hard, RF_AVX_BOTH_LANES(name##_hard); after_y)                                \
    RF_AVX_Y(name##_soft, RF_AVX_BOTH_LANES(name##_soft); after_y)                                \
    WIDE(name, hard; after_y)                                                                     \
    static bool lower_##name(struct rf_lower *l)                                                  \
    {                                                                                             \
        static const struct rf_avx_form narrow[2] = { X_FORM(name##_soft), X_FORM(name##_hard) }; \
        static const struct rf_avx_form wide[3] = { Y_FORM(name##_soft), Y_FORM(name##_hard),     \
                                                    WIDE_FORM(name) };                            \
        const bool has = rf_host_has(l, feature);                                                 \
        if (!l->ins.raw.vex.L)                                                                    \
            return rf_avx_lower(l, &narrow[has]);                                                 \
        return rf_avx_lower(l, &wide[rf_host_has(l, wide_feature) ? 2 : has]);                    \
    }

/* --- AES --- */

#define AES(name, text, soft) DEFINE(V##name, RF_HOST_AES, RF_HOST_VAES, HARD(text), soft, , )
RF_AES_BINARY(AES)

#define DEFINE_128(name, hard, soft, after)                                                      \
    DEFINE_X(name, hard, soft, after)                                                            \
    static bool lower_##name(struct rf_lower *l)                                                 \
    {                                                                                            \
        static const struct rf_avx_form forms[2] = { X_FORM(name##_soft), X_FORM(name##_hard) }; \
        return rf_avx_lower(l, &forms[rf_host_has(l, RF_HOST_AES)]);                             \
    }
DEFINE_128(VAESIMC, HARD_UNARY("aesimc"), d = rf_soft_aesimc(s), )
DEFINE_128(VAESKEYGENASSIST, HARD_UNARY_IMM("aeskeygenassist", 0), d = rf_soft_aeskeygen(s),
           d = simde_mm_xor_si128(d, RF_AES_CONSTANT))

/* --- carry-less multiplication --- */

#define PCLMULQDQ(n)                                              \
    DEFINE(vpclmulqdq_##n, RF_HOST_PCLMULQDQ, RF_HOST_VPCLMULQDQ, \
           HARD_IMM("pclmulqdq", 0x##n), RF_SOFT_CLMUL(0x##n), , )
PCLMULQDQ(00)
PCLMULQDQ(01)
PCLMULQDQ(10)
PCLMULQDQ(11)

static bool lower_VPCLMULQDQ(struct rf_lower *l)
{
    static rf_lower_fn *const lower[4] = { lower_vpclmulqdq_00, lower_vpclmulqdq_01,
                                           lower_vpclmulqdq_10, lower_vpclmulqdq_11 };
    return lower[rf_clmul_choice(l->operand[3].imm.value.u)](l);
}

/* --- GFNI --- */

#define GFNI(name, hard, soft, after_x, after_y) \
    DEFINE(name, RF_HOST_GFNI, RF_HOST_GFNI | RF_HOST_AVX2, hard, soft, after_x, after_y)
#define AFFINE(name, text, soft)                                                        \
    GFNI(V##name, HARD_IMM(text, 0), soft, d = simde_mm_xor_si128(d, RF_GFNI_CONSTANT), \
         d = simde_mm256_xor_si256(d, BOTH(RF_GFNI_CONSTANT)))
GFNI(VGF2P8MULB, HARD("gf2p8mulb"), d = rf_soft_gfmul(d, s), , )
RF_GFNI_AFFINE(AFFINE)

#define ENTRY(name, text, soft) RF_AVX_ENTRY(V##name)

static const struct rf_lower_entry entries[] = {
    RF_AES_BINARY(ENTRY)
    RF_AVX_ENTRY(VAESIMC)
    RF_AVX_ENTRY(VAESKEYGENASSIST)
    RF_AVX_ENTRY(VPCLMULQDQ)
    RF_AVX_ENTRY(VGF2P8MULB)
    RF_GFNI_AFFINE(ENTRY)
};

const struct rf_lower_table RF_AVX_TABLE(crypto) = RF_LOWER_TABLE(entries);
