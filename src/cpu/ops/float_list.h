/* Floating-point instructions that exist both in legacy SSE (sse_float.c, sse_convert.c) and,
 * with a V before the name, in AVX (avx_float.c, avx_convert.c):
 *     X(name, instruction, bytes of memory, enum rf_sse_raises, what stands for it elsewhere)
 * of d and s, 128 bits each. */
#ifndef RF_CPU_OPS_FLOAT_LIST_H
#define RF_CPU_OPS_FLOAT_LIST_H

#include "cpu/ops/sse.h"

#define RF_PS_CALL(function) RF_FROM_PS(simde_mm_##function(RF_PS(d), RF_PS(s)))
#define RF_PD_CALL(function) RF_FROM_PD(simde_mm_##function(RF_PD(d), RF_PD(s)))
#define RF_PS_LOW(function) \
    RF_FROM_PS(simde_mm_move_ss(RF_PS(d), simde_mm_##function(RF_PS(s))))

/* Of two packed operands, also of 256 bits. */
#define RF_FLOAT_PACKED(X)                                                   \
    X(ADDPS, "addps", 16, RF_RAISES_ADD, RF_PS_CALL(add_ps))                 \
    X(ADDPD, "addpd", 16, RF_RAISES_ADD | RF_DOUBLE, RF_PD_CALL(add_pd))     \
    X(SUBPS, "subps", 16, RF_RAISES_SUB, RF_PS_CALL(sub_ps))                 \
    X(SUBPD, "subpd", 16, RF_RAISES_SUB | RF_DOUBLE, RF_PD_CALL(sub_pd))     \
    X(MULPS, "mulps", 16, RF_RAISES_MUL, RF_PS_CALL(mul_ps))                 \
    X(MULPD, "mulpd", 16, RF_RAISES_MUL | RF_DOUBLE, RF_PD_CALL(mul_pd))     \
    X(DIVPS, "divps", 16, RF_RAISES_DIV, RF_PS_CALL(div_ps))                 \
    X(DIVPD, "divpd", 16, RF_RAISES_DIV | RF_DOUBLE, RF_PD_CALL(div_pd))     \
    X(MINPS, "minps", 16, RF_RAISES, RF_PS_CALL(min_ps))                     \
    X(MINPD, "minpd", 16, RF_RAISES, RF_PD_CALL(min_pd))                     \
    X(MAXPS, "maxps", 16, RF_RAISES, RF_PS_CALL(max_ps))                     \
    X(MAXPD, "maxpd", 16, RF_RAISES, RF_PD_CALL(max_pd))                     \
    X(HADDPS, "haddps", 16, RF_RAISES_HADD, RF_PS_CALL(hadd_ps))             \
    X(HADDPD, "haddpd", 16, RF_RAISES_HADD | RF_DOUBLE, RF_PD_CALL(hadd_pd)) \
    X(HSUBPS, "hsubps", 16, RF_RAISES_HSUB, RF_PS_CALL(hsub_ps))             \
    X(HSUBPD, "hsubpd", 16, RF_RAISES_HSUB | RF_DOUBLE, RF_PD_CALL(hsub_pd)) \
    X(ADDSUBPS, "addsubps", 16, RF_RAISES_ADDSUB, RF_PS_CALL(addsub_ps))     \
    X(ADDSUBPD, "addsubpd", 16, RF_RAISES_ADDSUB | RF_DOUBLE, RF_PD_CALL(addsub_pd))

/* Of the lowest lane; the others are the first operand's. */
#define RF_FLOAT_SCALAR(X)                                                          \
    X(ADDSS, "addss", 4, RF_RAISES_ADD | RF_SCALAR, RF_PS_CALL(add_ss))             \
    X(ADDSD, "addsd", 8, RF_RAISES_ADD | RF_DOUBLE | RF_SCALAR, RF_PD_CALL(add_sd)) \
    X(SUBSS, "subss", 4, RF_RAISES_SUB | RF_SCALAR, RF_PS_CALL(sub_ss))             \
    X(SUBSD, "subsd", 8, RF_RAISES_SUB | RF_DOUBLE | RF_SCALAR, RF_PD_CALL(sub_sd)) \
    X(MULSS, "mulss", 4, RF_RAISES_MUL | RF_SCALAR, RF_PS_CALL(mul_ss))             \
    X(MULSD, "mulsd", 8, RF_RAISES_MUL | RF_DOUBLE | RF_SCALAR, RF_PD_CALL(mul_sd)) \
    X(DIVSS, "divss", 4, RF_RAISES_DIV | RF_SCALAR, RF_PS_CALL(div_ss))             \
    X(DIVSD, "divsd", 8, RF_RAISES_DIV | RF_DOUBLE | RF_SCALAR, RF_PD_CALL(div_sd)) \
    X(MINSS, "minss", 4, RF_RAISES, RF_PS_CALL(min_ss))                             \
    X(MINSD, "minsd", 8, RF_RAISES, RF_PD_CALL(min_sd))                             \
    X(MAXSS, "maxss", 4, RF_RAISES, RF_PS_CALL(max_ss))                             \
    X(MAXSD, "maxsd", 8, RF_RAISES, RF_PD_CALL(max_sd))                             \
    X(SQRTSS, "sqrtss", 4, RF_RAISES, RF_PS_LOW(sqrt_ss))                           \
    X(SQRTSD, "sqrtsd", 8, RF_RAISES, RF_PD_CALL(sqrt_sd))                          \
    X(RCPSS, "rcpss", 4, RF_RAISES_NOTHING, RF_PS_LOW(rcp_ss))                      \
    X(RSQRTSS, "rsqrtss", 4, RF_RAISES_NOTHING, RF_PS_LOW(rsqrt_ss))

/* Of one packed operand, s. */
#define RF_FLOAT_UNARY(X)                                                           \
    X(SQRTPS, "sqrtps", 16, RF_RAISES, RF_FROM_PS(simde_mm_sqrt_ps(RF_PS(s))))      \
    X(SQRTPD, "sqrtpd", 16, RF_RAISES, RF_FROM_PD(simde_mm_sqrt_pd(RF_PD(s))))      \
    X(RCPPS, "rcpps", 16, RF_RAISES_NOTHING, RF_FROM_PS(simde_mm_rcp_ps(RF_PS(s)))) \
    X(RSQRTPS, "rsqrtps", 16, RF_RAISES_NOTHING, RF_FROM_PS(simde_mm_rsqrt_ps(RF_PS(s))))

/* X(name, instruction, statement) */
#define RF_FLOAT_LOGIC(X)                                \
    X(ANDPS, "andps", d = simde_mm_and_si128(d, s))      \
    X(ANDPD, "andpd", d = simde_mm_and_si128(d, s))      \
    X(ANDNPS, "andnps", d = simde_mm_andnot_si128(d, s)) \
    X(ANDNPD, "andnpd", d = simde_mm_andnot_si128(d, s)) \
    X(ORPS, "orps", d = simde_mm_or_si128(d, s))         \
    X(ORPD, "orpd", d = simde_mm_or_si128(d, s))         \
    X(XORPS, "xorps", d = simde_mm_xor_si128(d, s))      \
    X(XORPD, "xorpd", d = simde_mm_xor_si128(d, s))

/* Packed conversions; what a 256-bit form reads and writes differs. */
#define RF_CONVERT_VECTOR(X)                                                           \
    X(CVTDQ2PS, "cvtdq2ps", 16, RF_RAISES, RF_FROM_PS(simde_mm_cvtepi32_ps(s)))        \
    X(CVTDQ2PD, "cvtdq2pd", 8, RF_RAISES_NOTHING, RF_FROM_PD(simde_mm_cvtepi32_pd(s))) \
    X(CVTPS2DQ, "cvtps2dq", 16, RF_RAISES, simde_mm_cvtps_epi32(RF_PS(s)))             \
    X(CVTTPS2DQ, "cvttps2dq", 16, RF_RAISES, simde_mm_cvttps_epi32(RF_PS(s)))          \
    X(CVTPD2DQ, "cvtpd2dq", 16, RF_RAISES, simde_mm_cvtpd_epi32(RF_PD(s)))             \
    X(CVTTPD2DQ, "cvttpd2dq", 16, RF_RAISES, simde_mm_cvttpd_epi32(RF_PD(s)))          \
    X(CVTPS2PD, "cvtps2pd", 8, RF_RAISES, RF_FROM_PD(simde_mm_cvtps_pd(RF_PS(s))))     \
    X(CVTPD2PS, "cvtpd2ps", 16, RF_RAISES_TO_SINGLE, RF_FROM_PS(simde_mm_cvtpd_ps(RF_PD(s))))

/* Of the lowest lane; the others are the first operand's. */
#define RF_CONVERT_SCALAR(X)                                                                 \
    X(CVTSS2SD, "cvtss2sd", 4, RF_RAISES, RF_FROM_PD(simde_mm_cvtss_sd(RF_PD(d), RF_PS(s)))) \
    X(CVTSD2SS, "cvtsd2ss", 8, RF_RAISES_TO_SINGLE | RF_SCALAR,                              \
      RF_FROM_PS(simde_mm_cvtsd_ss(RF_PS(d), RF_PD(s))))

/* Rounding to integers: imm bits 0 to 3. With bit 2 set the mode is MXCSR's, and bits 0 and 1
 * mean nothing. X(kind, size, imm) for each that differs. */
#define RF_ROUND_IMMEDIATES(X, kind, size)                                               \
    X(kind, size, 0) X(kind, size, 1) X(kind, size, 2) X(kind, size, 3) X(kind, size, 4) \
    X(kind, size, 8) X(kind, size, 9) X(kind, size, 10) X(kind, size, 11) X(kind, size, 12)
/* FORM(kind, imm) for each imm of 0 to 15. */
#define RF_ROUND_FORMS(FORM, kind)                                                  \
    FORM(kind, 0), FORM(kind, 1), FORM(kind, 2), FORM(kind, 3), FORM(kind, 4),      \
    FORM(kind, 4), FORM(kind, 4), FORM(kind, 4), FORM(kind, 8), FORM(kind, 9),      \
    FORM(kind, 10), FORM(kind, 11), FORM(kind, 12), FORM(kind, 12), FORM(kind, 12), \
    FORM(kind, 12)
#define RF_ROUND_FALLBACK_ps(imm) RF_FROM_PS(simde_mm_round_ps(RF_PS(s), imm))
#define RF_ROUND_FALLBACK_pd(imm) RF_FROM_PD(simde_mm_round_pd(RF_PD(s), imm))
#define RF_ROUND_FALLBACK_ss(imm) RF_FROM_PS(simde_mm_round_ss(RF_PS(d), RF_PS(s), imm))
#define RF_ROUND_FALLBACK_sd(imm) RF_FROM_PD(simde_mm_round_sd(RF_PD(d), RF_PD(s), imm))

#endif
