/* Floating-point arithmetic, comparison, rounding, dot products, logic and blends on
 * packed and scalar, single and double. Conversions are in sse_convert.c. */
#include "cpu/ops/float_list.h"

/* --- arithmetic: the instruction itself, on the first and second operand in that order,
 * so that the NaN of the first wins (SDM 1, table 4-7) --- */

#define DEFINE(name, text, size, raising, fallback)   \
    RF_SSE_XM(name, size, RF_VEC_ASM(text, fallback)) \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem, .raises = raising, .mem_bytes = size)
RF_FLOAT_PACKED(DEFINE)
RF_FLOAT_SCALAR(DEFINE)
RF_FLOAT_UNARY(DEFINE)
#undef DEFINE

/* --- logic --- */

#define DEFINE(name, text, statement) \
    RF_SSE_XM(name, 16, statement)    \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem)
RF_FLOAT_LOGIC(DEFINE)
#undef DEFINE

/* --- comparison with a predicate: one handler for each --- */

#if RF_HOST_X86
#define COMPARE(kind, predicate) RF_VEC_ASM_IMM("cmp" #kind, predicate, 0)
#else
/* Predicates 4 to 7 are the opposites of 0 to 3. */
#define COMPARE(kind, predicate) d = compare_##kind(d, s, predicate)
#define COMPARE_FUNCTION(kind, cast, back, all)                               \
    static rf_m128 compare_##kind(rf_m128 d, rf_m128 s, unsigned predicate)   \
    {                                                                         \
        rf_m128 r;                                                            \
        switch (predicate & 3) {                                              \
        case 0: r = back(simde_mm_cmpeq_##kind(cast(d), cast(s))); break;     \
        case 1: r = back(simde_mm_cmplt_##kind(cast(d), cast(s))); break;     \
        case 2: r = back(simde_mm_cmple_##kind(cast(d), cast(s))); break;     \
        default: r = back(simde_mm_cmpunord_##kind(cast(d), cast(s))); break; \
        }                                                                     \
        return predicate & 4 ? simde_mm_xor_si128(r, all) : r;                \
    }
COMPARE_FUNCTION(ps, RF_PS, RF_FROM_PS, simde_mm_set1_epi32(-1))
COMPARE_FUNCTION(pd, RF_PD, RF_FROM_PD, simde_mm_set1_epi32(-1))
COMPARE_FUNCTION(ss, RF_PS, RF_FROM_PS, simde_mm_setr_epi32(-1, 0, 0, 0))
COMPARE_FUNCTION(sd, RF_PD, RF_FROM_PD, simde_mm_setr_epi32(-1, -1, 0, 0))
#endif

#define COMPARE_1(kind, size, p)                                                             \
    RF_SSE_XM(cmp##kind##_##p, size, COMPARE(kind, p))                                       \
    static const struct rf_sse_form cmp##kind##_##p##_form = { .reg = cmp##kind##_##p##_reg, \
        .mem = cmp##kind##_##p##_mem, .raises = RF_RAISES, .mem_bytes = size };
#define COMPARE_8(kind, size)                                                  \
    COMPARE_1(kind, size, 0) COMPARE_1(kind, size, 1) COMPARE_1(kind, size, 2) \
    COMPARE_1(kind, size, 3) COMPARE_1(kind, size, 4) COMPARE_1(kind, size, 5) \
    COMPARE_1(kind, size, 6) COMPARE_1(kind, size, 7)                          \
    static bool lower_cmp##kind(struct rf_lower *l)                            \
    {                                                                          \
        static const struct rf_sse_form *const forms[8] = {                    \
            &cmp##kind##_0_form, &cmp##kind##_1_form, &cmp##kind##_2_form,     \
            &cmp##kind##_3_form, &cmp##kind##_4_form, &cmp##kind##_5_form,     \
            &cmp##kind##_6_form, &cmp##kind##_7_form                           \
        };                                                                     \
        return rf_sse_lower(l, forms[l->operand[2].imm.value.u & 7]);          \
    }
COMPARE_8(ps, 16)
COMPARE_8(pd, 16)
COMPARE_8(ss, 4)
COMPARE_8(sd, 8)

static bool lower_cmpsd_or_string(struct rf_lower *l)
{
    if (l->ins.meta.category == ZYDIS_CATEGORY_STRINGOP)
        return rf_lower_by(&rf_lower_string, l);
    return lower_cmpsd(l);
}

/* --- comparison into the flags, the VEX-encoded ones too: ZF, PF, CF; OF, SF and AF are
 * cleared --- */

#if RF_HOST_X86
/* LAHF: SF, ZF, AF, PF, CF in AH, in their RFLAGS places. */
#define SET_FLAGS(text, kind, type)                        \
    uint64_t flags;                                               \
    __asm__ volatile(text " %2, %1\n\tlahf\n\tmovzbl %%ah, %%eax" \
                     : "=a"(flags) : "x"(d), "x"(s) : "cc");      \
    rf_flags_set_status(cpu, (uint32_t)flags & (RF_FLAG_ZF | RF_FLAG_PF | RF_FLAG_CF))
#define COMPARED(name, slot) rf_m128 name = rf_xmm(cpu, slot)
#define COMPARED_MEMORY(size) RF_SSE_LOAD_##size(s)
#else
/* Quiet NaNs raise nothing in UCOMIS. */
#define SET_FLAGS(text, kind, type)                                      \
    type first = d.kind[0], second = s.kind[0];                                 \
    const bool quiet = (text)[0] == 'u';                                        \
    bool less = quiet ? __builtin_isless(first, second) : first < second;       \
    bool greater = quiet ? __builtin_isgreater(first, second) : first > second; \
    rf_flags_set_status(cpu, greater           ? 0                              \
                             : less            ? RF_FLAG_CF                     \
                             : first == second ? RF_FLAG_ZF                     \
                                               : RF_FLAG_ZF | RF_FLAG_PF | RF_FLAG_CF)
#define COMPARED(name, slot) union rf_vec name = RF_V(slot)
#define COMPARED_MEMORY(size) \
    RF_SSE_LOAD_##size(loaded);  \
    union rf_vec s;              \
    memcpy(&s, &loaded, sizeof loaded)
#endif

#define COMPARE_FLAGS(name, text, size, kind, type)                                    \
    static RF_OP(name##_reg)                                                           \
    {                                                                                  \
        COMPARED(d, op->a);                                                            \
        COMPARED(s, op->b);                                                            \
        SET_FLAGS(text, kind, type);                                                   \
        RF_NEXT;                                                                       \
    }                                                                                  \
    RF_MEM_HANDLER(name##_mem)                                                         \
    {                                                                                  \
        COMPARED_MEMORY(size);                                                         \
        COMPARED(d, op->a);                                                            \
        SET_FLAGS(text, kind, type);                                                   \
        RF_MEM_NEXT;                                                                   \
    }                                                                                  \
    static bool lower_##name(struct rf_lower *l)                                       \
    {                                                                                  \
        static const struct rf_sse_form form = { .reg = name##_reg, .mem = name##_mem, \
            .raises = RF_RAISES, .destination = RF_SSE_TO_FLAGS, .mem_bytes = size };  \
        l->cc_after = RF_CC_FLAGS;                                                     \
        return rf_sse_lower(l, &form);                                                 \
    }
COMPARE_FLAGS(COMISS, "comiss", 4, f32, float)
COMPARE_FLAGS(COMISD, "comisd", 8, f64, double)
COMPARE_FLAGS(UCOMISS, "ucomiss", 4, f32, float)
COMPARE_FLAGS(UCOMISD, "ucomisd", 8, f64, double)

/* --- rounding to integers (SSE4.1) --- */

#define ROUND(kind, size, imm)                                                   \
    RF_SSE_XM(round##kind##_##imm, size,                                         \
              RF_VEC_ASM_IMM("round" #kind, imm, RF_ROUND_FALLBACK_##kind(imm))) \
    static const struct rf_sse_form round##kind##_##imm##_form = {               \
        .reg = round##kind##_##imm##_reg, .mem = round##kind##_##imm##_mem,      \
        .raises = RF_RAISES, .mem_bytes = size };
#define ROUND_FORM(kind, imm) &round##kind##_##imm##_form
#define ROUND_16(kind, size)                                                                     \
    RF_ROUND_IMMEDIATES(ROUND, kind, size)                                                       \
    static bool lower_round##kind(struct rf_lower *l)                                            \
    {                                                                                            \
        static const struct rf_sse_form *const forms[16] = { RF_ROUND_FORMS(ROUND_FORM, kind) }; \
        return rf_sse_lower(l, forms[l->operand[2].imm.value.u & 15]);                           \
    }
ROUND_16(ps, 16)
ROUND_16(pd, 16)
ROUND_16(ss, 4)
ROUND_16(sd, 8)

/* --- dot products: imm bits 4 and up choose the products, the low ones the lanes that get
 * the sum; the latter by a mask afterwards --- */

#define DPPS_1(n)                                                                            \
    RF_SSE_XM(dpps_##n, 16,                                                                  \
              RF_VEC_ASM_IMM("dpps", (n) << 4 | 15,                                          \
                             RF_FROM_PS(simde_mm_dp_ps(RF_PS(d), RF_PS(s), (n) << 4 | 15))); \
              d = simde_mm_and_si128(d, rf_lanes_32(op->imm)))                               \
    static const struct rf_sse_form dpps_##n##_form = { .reg = dpps_##n##_reg,               \
        .mem = dpps_##n##_mem, .raises = RF_RAISES_DP, .mem_bytes = 16 };
DPPS_1(0) DPPS_1(1) DPPS_1(2) DPPS_1(3) DPPS_1(4) DPPS_1(5) DPPS_1(6) DPPS_1(7)
DPPS_1(8) DPPS_1(9) DPPS_1(10) DPPS_1(11) DPPS_1(12) DPPS_1(13) DPPS_1(14) DPPS_1(15)

static bool lower_dpps(struct rf_lower *l)
{
    static const struct rf_sse_form *const forms[16] = {
        &dpps_0_form,  &dpps_1_form,  &dpps_2_form,  &dpps_3_form, &dpps_4_form,  &dpps_5_form,
        &dpps_6_form,  &dpps_7_form,  &dpps_8_form,  &dpps_9_form, &dpps_10_form, &dpps_11_form,
        &dpps_12_form, &dpps_13_form, &dpps_14_form, &dpps_15_form
    };
    return rf_sse_lower(l, forms[l->operand[2].imm.value.u >> 4 & 15]);
}

#define DPPD_1(n)                                                                           \
    RF_SSE_XM(dppd_##n, 16,                                                                 \
              RF_VEC_ASM_IMM("dppd", (n) << 4 | 3,                                          \
                             RF_FROM_PD(simde_mm_dp_pd(RF_PD(d), RF_PD(s), (n) << 4 | 3))); \
              d = simde_mm_and_si128(d, rf_lanes_64(op->imm)))                              \
    static const struct rf_sse_form dppd_##n##_form = { .reg = dppd_##n##_reg,              \
        .mem = dppd_##n##_mem, .raises = RF_RAISES_DP | RF_DOUBLE, .mem_bytes = 16 };
DPPD_1(0) DPPD_1(1) DPPD_1(2) DPPD_1(3)

static bool lower_dppd(struct rf_lower *l)
{
    static const struct rf_sse_form *const forms[4] = { &dppd_0_form, &dppd_1_form, &dppd_2_form,
                                                        &dppd_3_form };
    return rf_sse_lower(l, forms[l->operand[2].imm.value.u >> 4 & 3]);
}

/* --- blends --- */

RF_SSE_XM(BLENDPS, 16, d = rf_choose(rf_lanes_32(op->imm), s, d))
RF_SSE_XM(BLENDPD, 16, d = rf_choose(rf_lanes_64(op->imm), s, d))
RF_SSE_XM(BLENDVPS, 16,
          d = RF_FROM_PS(simde_mm_blendv_ps(RF_PS(d), RF_PS(s), RF_PS(rf_xmm(cpu, 0)))))
RF_SSE_XM(BLENDVPD, 16,
          d = RF_FROM_PD(simde_mm_blendv_pd(RF_PD(d), RF_PD(s), RF_PD(rf_xmm(cpu, 0)))))
RF_SSE_LOWER(BLENDPS, .reg = BLENDPS_reg, .mem = BLENDPS_mem)
RF_SSE_LOWER(BLENDPD, .reg = BLENDPD_reg, .mem = BLENDPD_mem)
RF_SSE_LOWER(BLENDVPS, .reg = BLENDVPS_reg, .mem = BLENDVPS_mem)
RF_SSE_LOWER(BLENDVPD, .reg = BLENDVPD_reg, .mem = BLENDVPD_mem)

#define ARITHMETIC_ENTRY(name, text, size, raising, fallback) RF_SSE_ENTRY(name)
#define LOGIC_ENTRY(name, text, statement) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    RF_FLOAT_PACKED(ARITHMETIC_ENTRY)
    RF_FLOAT_SCALAR(ARITHMETIC_ENTRY)
    RF_FLOAT_UNARY(ARITHMETIC_ENTRY)
    RF_FLOAT_LOGIC(LOGIC_ENTRY)
    { ZYDIS_MNEMONIC_CMPPS, lower_cmpps },
    { ZYDIS_MNEMONIC_CMPPD, lower_cmppd },
    { ZYDIS_MNEMONIC_CMPSS, lower_cmpss },
    { ZYDIS_MNEMONIC_CMPSD, lower_cmpsd_or_string },
    RF_SSE_ENTRY(COMISS)
    { ZYDIS_MNEMONIC_VCOMISS, lower_COMISS },
    RF_SSE_ENTRY(COMISD)
    { ZYDIS_MNEMONIC_VCOMISD, lower_COMISD },
    RF_SSE_ENTRY(UCOMISS)
    { ZYDIS_MNEMONIC_VUCOMISS, lower_UCOMISS },
    RF_SSE_ENTRY(UCOMISD)
    { ZYDIS_MNEMONIC_VUCOMISD, lower_UCOMISD },
    { ZYDIS_MNEMONIC_ROUNDPS, lower_roundps },
    { ZYDIS_MNEMONIC_ROUNDPD, lower_roundpd },
    { ZYDIS_MNEMONIC_ROUNDSS, lower_roundss },
    { ZYDIS_MNEMONIC_ROUNDSD, lower_roundsd },
    { ZYDIS_MNEMONIC_DPPS, lower_dpps },
    { ZYDIS_MNEMONIC_DPPD, lower_dppd },
    RF_SSE_ENTRY(BLENDPS)
    RF_SSE_ENTRY(BLENDPD)
    RF_SSE_ENTRY(BLENDVPS)
    RF_SSE_ENTRY(BLENDVPD)
};

const struct rf_lower_table rf_lower_sse_float = RF_LOWER_TABLE(entries);
