/* Floating-point arithmetic, logic, comparison, rounding and dot products, AVX. Conversions are
 * in avx_convert.c, fused multiply-add in avx_fma.c. */
#include "cpu/ops/avx_fp.h"

/* --- arithmetic and logic --- */

#define DEFINE(name, text, size, raising, fallback)                  \
    RF_AVX_PACKED(V##name, RF_VEX(text), RF_VEC_ASM(text, fallback)) \
    RF_AVX_LOWER(V##name, RF_AVX_PACKED_FORM(V##name, raising))
RF_FLOAT_PACKED(DEFINE)
#undef DEFINE

#define DEFINE(name, text, size, raising, fallback)                        \
    RF_AVX_SCALAR(V##name, size, RF_VEX(text), RF_VEC_ASM(text, fallback)) \
    RF_AVX_LOWER(V##name, RF_AVX_SCALAR_FORM(V##name, size, raising))
RF_FLOAT_SCALAR(DEFINE)
#undef DEFINE

#define DEFINE(name, text, size, raising, fallback)                        \
    RF_AVX_PACKED(V##name, RF_VEX_UNARY(text), RF_VEC_ASM(text, fallback)) \
    RF_AVX_LOWER(V##name, RF_AVX_PACKED_FORM(V##name, raising))
RF_FLOAT_UNARY(DEFINE)
#undef DEFINE

#define DEFINE(name, text, statement)               \
    RF_AVX_PACKED(V##name, RF_VEX(text), statement) \
    RF_AVX_LOWER(V##name, RF_AVX_PACKED_FORM(V##name, RF_RAISES_NOTHING))
RF_FLOAT_LOGIC(DEFINE)
#undef DEFINE

/* --- comparison with one of 32 predicates (SDM 2, CMPPD, table 3-1) --- */

#if RF_AVX_NATIVE

/* X(kind, size, predicate) for each. */
#define PREDICATES_8(X, kind, size, a, b, c, d, e, f, g, h)             \
    X(kind, size, a) X(kind, size, b) X(kind, size, c) X(kind, size, d) \
    X(kind, size, e) X(kind, size, f) X(kind, size, g) X(kind, size, h)
#define PREDICATES(X, kind, size)                               \
    PREDICATES_8(X, kind, size, 0, 1, 2, 3, 4, 5, 6, 7)         \
    PREDICATES_8(X, kind, size, 8, 9, 10, 11, 12, 13, 14, 15)   \
    PREDICATES_8(X, kind, size, 16, 17, 18, 19, 20, 21, 22, 23) \
    PREDICATES_8(X, kind, size, 24, 25, 26, 27, 28, 29, 30, 31)

#define COMPARE_PACKED(kind, size, p) \
    RF_AVX_PACKED(vcmp##kind##_##p, RF_VEX_IMM("cmp" #kind, p), )
#define COMPARE_SCALAR(kind, size, p) \
    RF_AVX_SCALAR(vcmp##kind##_##p, size, RF_VEX_IMM("cmp" #kind, p), )
#define PACKED_FORM(kind, size, p) [p] = { RF_AVX_PACKED_FORM(vcmp##kind##_##p, RF_RAISES) },
#define SCALAR_FORM(kind, size, p) [p] = { RF_AVX_SCALAR_FORM(vcmp##kind##_##p, size, RF_RAISES) },
#define COMPARE(shape, kind, size)                                      \
    PREDICATES(COMPARE_##shape, kind, size)                             \
    static bool lower_vcmp##kind(struct rf_lower *l)                    \
    {                                                                   \
        static const struct rf_avx_form forms[32] = {                   \
            PREDICATES(shape##_FORM, kind, size)                        \
        };                                                              \
        return rf_avx_lower(l, &forms[l->operand[3].imm.value.u & 31]); \
    }

#else

/* The relations between d and s (or neither) for which predicates 0 to 15 hold; 16 to 31 differ
 * in which of them signal quiet NaNs. */
enum { LESS = 1, EQUAL = 2, GREATER = 4, UNORDERED = 8 };
static const uint8_t holds[16] = {
    EQUAL, LESS, LESS | EQUAL, UNORDERED, LESS | GREATER | UNORDERED, EQUAL | GREATER | UNORDERED,
    GREATER | UNORDERED, LESS | EQUAL | GREATER, EQUAL | UNORDERED, LESS | UNORDERED,
    LESS | EQUAL | UNORDERED, 0, LESS | GREATER, EQUAL | GREATER, GREATER,
    LESS | EQUAL | GREATER | UNORDERED
};
#define SIGNALS UINT32_C(0x99996666) /* a bit for each predicate */

RF_INLINE rf_m128 chosen(rf_m128 mask, unsigned relations, unsigned relation)
{
    return relations & relation ? mask : simde_mm_setzero_si128();
}

/* The legacy comparisons of d and s: EQ and UNORD are quiet, LT signals. */
#define PRIMITIVES(kind, RF_CAST, RF_BACK)                                                         \
    static rf_m128 equal_##kind(rf_m128 d, rf_m128 s)                                              \
    {                                                                                              \
        RF_VEC_ASM_IMM("cmp" #kind, 0, RF_BACK(simde_mm_cmpeq_##kind(RF_CAST(d), RF_CAST(s))));    \
        return d;                                                                                  \
    }                                                                                              \
    static rf_m128 less_##kind(rf_m128 d, rf_m128 s)                                               \
    {                                                                                              \
        RF_VEC_ASM_IMM("cmp" #kind, 1, RF_BACK(simde_mm_cmplt_##kind(RF_CAST(d), RF_CAST(s))));    \
        return d;                                                                                  \
    }                                                                                              \
    static rf_m128 unordered_##kind(rf_m128 d, rf_m128 s)                                          \
    {                                                                                              \
        RF_VEC_ASM_IMM("cmp" #kind, 3, RF_BACK(simde_mm_cmpunord_##kind(RF_CAST(d), RF_CAST(s)))); \
        return d;                                                                                  \
    }                                                                                              \
    static RF_NOINLINE rf_m128 compare_##kind(rf_m128 d, rf_m128 s, unsigned predicate)            \
    {                                                                                              \
        const unsigned relations = holds[predicate & 15];                                          \
        const rf_m128 unordered = unordered_##kind(d, s), equal = equal_##kind(d, s);              \
        if (!(SIGNALS >> (predicate & 31) & 1)) {                                                  \
            d = simde_mm_andnot_si128(unordered, d);                                               \
            s = simde_mm_andnot_si128(unordered, s);                                               \
        }                                                                                          \
        const rf_m128 less = less_##kind(d, s);                                                    \
        const rf_m128 others = simde_mm_or_si128(simde_mm_or_si128(less, equal), unordered);       \
        const rf_m128 greater = simde_mm_xor_si128(others, simde_mm_set1_epi32(-1));               \
        return simde_mm_or_si128(                                                                  \
            simde_mm_or_si128(chosen(less, relations, LESS), chosen(equal, relations, EQUAL)),     \
            simde_mm_or_si128(chosen(greater, relations, GREATER),                                 \
                              chosen(unordered, relations, UNORDERED)));                           \
    }
PRIMITIVES(ps, RF_PS, RF_FROM_PS)
PRIMITIVES(pd, RF_PD, RF_FROM_PD)

/* Scalars: by the packed comparison of the lowest lane and zeros. */
RF_INLINE rf_m128 compare_ss(rf_m128 d, rf_m128 s, unsigned predicate)
{
    const rf_m128 lowest = simde_mm_setr_epi32(-1, 0, 0, 0);
    rf_m128 r = compare_ps(simde_mm_and_si128(lowest, d), simde_mm_and_si128(lowest, s), predicate);
    return rf_choose(lowest, r, d);
}
RF_INLINE rf_m128 compare_sd(rf_m128 d, rf_m128 s, unsigned predicate)
{
    const rf_m128 lowest = simde_mm_setr_epi32(-1, -1, 0, 0);
    rf_m128 r = compare_pd(simde_mm_and_si128(lowest, d), simde_mm_and_si128(lowest, s), predicate);
    return rf_choose(lowest, r, d);
}

#define COMPARE_PACKED(kind, size)                                           \
    RF_AVX_X(vcmp##kind, 16, d = compare_##kind(d, s, (unsigned)op->imm))    \
    RF_AVX_Y(vcmp##kind, d = RF_LANES(                                       \
        compare_##kind(RF_HIGH_LANE(d), RF_HIGH_LANE(s), (unsigned)op->imm), \
        compare_##kind(RF_LOW_LANE(d), RF_LOW_LANE(s), (unsigned)op->imm)))
#define COMPARE_SCALAR(kind, size) \
    RF_AVX_X(vcmp##kind, size, d = compare_##kind(d, s, (unsigned)op->imm))
#define PACKED_FORM(kind, size) RF_AVX_PACKED_FORM(vcmp##kind, RF_RAISES)
#define SCALAR_FORM(kind, size) RF_AVX_SCALAR_FORM(vcmp##kind, size, RF_RAISES)
#define COMPARE(shape, kind, size)                                           \
    COMPARE_##shape(kind, size)                                              \
    static bool lower_vcmp##kind(struct rf_lower *l)                         \
    {                                                                        \
        static const struct rf_avx_form form = { shape##_FORM(kind, size) }; \
        return rf_avx_lower(l, &form);                                       \
    }

#endif

COMPARE(PACKED, ps, 16)
COMPARE(PACKED, pd, 16)
COMPARE(SCALAR, ss, 4)
COMPARE(SCALAR, sd, 8)

/* --- rounding to integers --- */

#define ROUND_PACKED(kind, size, imm)                                         \
    RF_AVX_PACKED(vround##kind##_##imm, RF_VEX_UNARY_IMM("round" #kind, imm), \
                  RF_VEC_ASM_IMM("round" #kind, imm, RF_ROUND_FALLBACK_##kind(imm)))
#define ROUND_SCALAR(kind, size, imm)                                         \
    RF_AVX_SCALAR(vround##kind##_##imm, size, RF_VEX_IMM("round" #kind, imm), \
                  RF_VEC_ASM_IMM("round" #kind, imm, RF_ROUND_FALLBACK_##kind(imm)))
#define ROUND_FORM_PACKED(kind, imm) { RF_AVX_PACKED_FORM(vround##kind##_##imm, RF_RAISES) }
#define ROUND_FORM_ss(kind, imm) { RF_AVX_SCALAR_FORM(vround##kind##_##imm, 4, RF_RAISES) }
#define ROUND_FORM_sd(kind, imm) { RF_AVX_SCALAR_FORM(vround##kind##_##imm, 8, RF_RAISES) }
#define ROUND(shape, form, kind, size)                                                  \
    RF_ROUND_IMMEDIATES(ROUND_##shape, kind, size)                                      \
    static bool lower_vround##kind(struct rf_lower *l)                                  \
    {                                                                                   \
        static const struct rf_avx_form forms[16] = { RF_ROUND_FORMS(form, kind) };     \
        const ZydisDecodedOperand *imm = &l->operand[l->ins.operand_count_visible - 1]; \
        return rf_avx_lower(l, &forms[imm->imm.value.u & 15]);                          \
    }
ROUND(PACKED, ROUND_FORM_PACKED, ps, 16)
ROUND(PACKED, ROUND_FORM_PACKED, pd, 16)
ROUND(SCALAR, ROUND_FORM_ss, ss, 4)
ROUND(SCALAR, ROUND_FORM_sd, sd, 8)

/* --- dot products: imm bits 4 and up choose the products, the low ones the lanes that get the
 * sum; the latter by a mask afterwards --- */

#define MASK_X(kind) d = simde_mm_and_si128(d, rf_lanes_##kind(op->imm))
#define MASK_Y(kind) \
    d = simde_mm256_and_si256(d, RF_LANES(rf_lanes_##kind(op->imm), rf_lanes_##kind(op->imm)))
#if RF_AVX_NATIVE
#define DOT_X(text, imm, fallback) RF_VEX_ASM_IMM(text, imm)
#define DOT_Y(name, imm) RF_VEX_ASM_IMM("dpps", imm)
#else
#define DOT_X(text, imm, fallback) RF_VEC_ASM_IMM(text, imm, fallback)
#define DOT_Y(name, imm) RF_AVX_BOTH_LANES(name)
#endif

#define DPPS(n)                                                                     \
    RF_AVX_LANEWISE(vdpps_##n, DOT_X("dpps", (n) << 4 | 15,                         \
                    RF_FROM_PS(simde_mm_dp_ps(RF_PS(d), RF_PS(s), (n) << 4 | 15)))) \
    RF_AVX_X(vdpps_##n, 16, d = vdpps_##n##_lane(d, s); MASK_X(32))                 \
    RF_AVX_Y(vdpps_##n, DOT_Y(vdpps_##n, (n) << 4 | 15); MASK_Y(32))
DPPS(0) DPPS(1) DPPS(2) DPPS(3) DPPS(4) DPPS(5) DPPS(6) DPPS(7)
DPPS(8) DPPS(9) DPPS(10) DPPS(11) DPPS(12) DPPS(13) DPPS(14) DPPS(15)

static bool lower_VDPPS(struct rf_lower *l)
{
#define FORM(n) [n] = { RF_AVX_PACKED_FORM(vdpps_##n, RF_RAISES_DP) }
    static const struct rf_avx_form forms[16] = {
        FORM(0), FORM(1), FORM(2), FORM(3), FORM(4), FORM(5), FORM(6), FORM(7),
        FORM(8), FORM(9), FORM(10), FORM(11), FORM(12), FORM(13), FORM(14), FORM(15)
    };
#undef FORM
    return rf_avx_lower(l, &forms[l->operand[3].imm.value.u >> 4 & 15]);
}

#define DPPD(n)                                                                    \
    RF_AVX_LANEWISE(vdppd_##n, DOT_X("dppd", (n) << 4 | 3,                         \
                    RF_FROM_PD(simde_mm_dp_pd(RF_PD(d), RF_PD(s), (n) << 4 | 3)))) \
    RF_AVX_X(vdppd_##n, 16, d = vdppd_##n##_lane(d, s); MASK_X(64))
DPPD(0) DPPD(1) DPPD(2) DPPD(3)

static bool lower_VDPPD(struct rf_lower *l)
{
#define FORM(n) [n] = { .reg = { vdppd_##n##_x_reg }, .mem = { vdppd_##n##_x_mem }, \
                        .raises = RF_RAISES_DP | RF_DOUBLE, .mem_bytes = { 16 } }
    static const struct rf_avx_form forms[4] = { FORM(0), FORM(1), FORM(2), FORM(3) };
#undef FORM
    return rf_avx_lower(l, &forms[l->operand[3].imm.value.u >> 4 & 3]);
}

#define ARITHMETIC_ENTRY(name, text, size, raising, fallback) RF_AVX_ENTRY(V##name)
#define LOGIC_ENTRY(name, text, statement) RF_AVX_ENTRY(V##name)

static const struct rf_lower_entry entries[] = {
    RF_FLOAT_PACKED(ARITHMETIC_ENTRY)
    RF_FLOAT_SCALAR(ARITHMETIC_ENTRY)
    RF_FLOAT_UNARY(ARITHMETIC_ENTRY)
    RF_FLOAT_LOGIC(LOGIC_ENTRY)
    { ZYDIS_MNEMONIC_VCMPPS, lower_vcmpps },
    { ZYDIS_MNEMONIC_VCMPPD, lower_vcmppd },
    { ZYDIS_MNEMONIC_VCMPSS, lower_vcmpss },
    { ZYDIS_MNEMONIC_VCMPSD, lower_vcmpsd },
    { ZYDIS_MNEMONIC_VROUNDPS, lower_vroundps },
    { ZYDIS_MNEMONIC_VROUNDPD, lower_vroundpd },
    { ZYDIS_MNEMONIC_VROUNDSS, lower_vroundss },
    { ZYDIS_MNEMONIC_VROUNDSD, lower_vroundsd },
    RF_AVX_ENTRY(VDPPS)
    RF_AVX_ENTRY(VDPPD)
};

const struct rf_lower_table RF_AVX_TABLE(float) = RF_LOWER_TABLE(entries);
