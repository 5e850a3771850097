/* What the legacy and the VEX-encoded cryptographic instructions share (sse_crypto.c,
 * sse_gfni.c, avx_crypto.c): their list, and what stands for them on hosts without. */
#ifndef RF_CPU_OPS_CRYPTO_H
#define RF_CPU_OPS_CRYPTO_H

#include "base/host.h"
#include "cpu/ops/sse.h"

/* Of 128 bits (sse_crypto_soft.c); those with an immediate take it for 0. */
rf_m128 rf_soft_aesenc(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_aesenclast(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_aesdec(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_aesdeclast(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_aesimc(rf_m128 s);
rf_m128 rf_soft_aeskeygen(rf_m128 s);
rf_m128 rf_soft_gfmul(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_gfaffine(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_gfaffineinv(rf_m128 d, rf_m128 s);
rf_m128 rf_soft_clmul(uint64_t a, uint64_t b);

/* X(name, instruction, what stands for it): of two operands, and of one. */
#define RF_AES_BINARY(X)                                      \
    X(AESENC, "aesenc", d = rf_soft_aesenc(d, s))             \
    X(AESENCLAST, "aesenclast", d = rf_soft_aesenclast(d, s)) \
    X(AESDEC, "aesdec", d = rf_soft_aesdec(d, s))             \
    X(AESDECLAST, "aesdeclast", d = rf_soft_aesdeclast(d, s))

/* X(name, instruction, what stands for it), immediate 0. */
#define RF_GFNI_AFFINE(X)                                         \
    X(GF2P8AFFINEQB, "gf2p8affineqb", d = rf_soft_gfaffine(d, s)) \
    X(GF2P8AFFINEINVQB, "gf2p8affineinvqb", d = rf_soft_gfaffineinv(d, s))

/* The immediate is added last. */
#define RF_GFNI_CONSTANT simde_mm_set1_epi8((char)op->imm)
/* AESKEYGENASSIST's goes into the second and fourth doubleword. */
#define RF_AES_CONSTANT simde_mm_set1_epi64x((int64_t)(op->imm << 32))

/* PCLMULQDQ: imm bits 0 and 4 choose the quadwords of d and s. */
#define RF_SOFT_CLMUL(imm)                                                        \
    d = rf_soft_clmul(rf_m128_u64((imm) & 1 ? simde_mm_unpackhi_epi64(d, d) : d), \
                      rf_m128_u64((imm) & 16 ? simde_mm_unpackhi_epi64(s, s) : s))
RF_INLINE unsigned rf_clmul_choice(uint64_t imm)
{
    return (unsigned)((imm & 1) | (imm >> 3 & 2));
}

/* The legacy instruction; nothing where it cannot be chosen. */
#if RF_HOST_X86
#define RF_HARD(text) __asm__(text " %1, %0" : "+x"(d) : "x"(s))
#define RF_HARD_IMM(text, imm) __asm__(text " %2, %1, %0" : "+x"(d) : "x"(s), "n"(imm))
#else
#define RF_HARD(text) (void)0
#define RF_HARD_IMM(text, imm) (void)0
#endif

RF_INLINE bool rf_host_has(const struct rf_lower *l, unsigned features)
{
    return RF_HOST_X86 && (l->host & features) == features;
}

/* Handlers of a legacy instruction by the host's own (`hard`, where it has `feature`) and without,
 * and lower_name. `size`: of the memory operand, as in RF_SSE_XM. */
#define RF_HARD_OR_SOFT(name, size, feature, hard, soft)                \
    RF_SSE_XM(hard_##name, size, hard)                                  \
    RF_SSE_XM(soft_##name, size, soft)                                  \
    static const struct rf_sse_form name##_forms[2] = {                 \
        { .reg = soft_##name##_reg, .mem = soft_##name##_mem },         \
        { .reg = hard_##name##_reg, .mem = hard_##name##_mem }          \
    };                                                                  \
    static bool lower_##name(struct rf_lower *l)                        \
    {                                                                   \
        return rf_sse_lower(l, &name##_forms[rf_host_has(l, feature)]); \
    }

#endif
