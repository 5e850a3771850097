/* Packed integer arithmetic, logic, comparison and shifts, SSE2 to SSE4.1, and the MMX
 * forms of the same instructions: those work on the low half of a 128-bit operation. */
#include "cpu/ops/sse.h"

#define F(function) d = simde_mm_##function(d, s)

/* Lane by lane, so that the low half of the result is the MMX result. */
#define BOTH(X)                                                         \
    X(PADDB, F(add_epi8)) X(PADDW, F(add_epi16)) X(PADDD, F(add_epi32)) \
    X(PADDQ, F(add_epi64)) X(PADDSB, F(adds_epi8))                      \
    X(PADDSW, F(adds_epi16)) X(PADDUSB, F(adds_epu8))                   \
    X(PADDUSW, F(adds_epu16)) X(PSUBB, F(sub_epi8))                     \
    X(PSUBW, F(sub_epi16)) X(PSUBD, F(sub_epi32))                       \
    X(PSUBQ, F(sub_epi64)) X(PSUBSB, F(subs_epi8))                      \
    X(PSUBSW, F(subs_epi16)) X(PSUBUSB, F(subs_epu8))                   \
    X(PSUBUSW, F(subs_epu16)) X(PAND, F(and_si128))                     \
    X(PANDN, F(andnot_si128)) X(POR, F(or_si128)) X(PXOR, F(xor_si128)) \
    X(PCMPEQB, F(cmpeq_epi8)) X(PCMPEQW, F(cmpeq_epi16))                \
    X(PCMPEQD, F(cmpeq_epi32)) X(PCMPGTB, F(cmpgt_epi8))                \
    X(PCMPGTW, F(cmpgt_epi16)) X(PCMPGTD, F(cmpgt_epi32))               \
    X(PMAXSW, F(max_epi16)) X(PMAXUB, F(max_epu8))                      \
    X(PMINSW, F(min_epi16)) X(PMINUB, F(min_epu8))                      \
    X(PAVGB, F(avg_epu8)) X(PAVGW, F(avg_epu16))                        \
    X(PMULLW, F(mullo_epi16)) X(PMULHW, F(mulhi_epi16))                 \
    X(PMULHUW, F(mulhi_epu16)) X(PMULUDQ, F(mul_epu32))                 \
    X(PMADDWD, F(madd_epi16)) X(PMADDUBSW, F(maddubs_epi16))            \
    X(PMULHRSW, F(mulhrs_epi16)) X(PSADBW, F(sad_epu8))                 \
    X(PSIGNB, F(sign_epi8)) X(PSIGNW, F(sign_epi16))                    \
    X(PSIGND, F(sign_epi32)) X(PABSB, d = simde_mm_abs_epi8(s))         \
    X(PABSW, d = simde_mm_abs_epi16(s)) X(PABSD, d = simde_mm_abs_epi32(s))

/* Across lanes: an MMX operation is one on both operands' low halves put together. */
#define HORIZONTAL(X)                                                   \
    X(PHADDW, hadd_epi16) X(PHADDD, hadd_epi32) X(PHADDSW, hadds_epi16) \
    X(PHSUBW, hsub_epi16) X(PHSUBD, hsub_epi32) X(PHSUBSW, hsubs_epi16)

#define XMM_ONLY(X)                                       \
    X(PCMPEQQ, F(cmpeq_epi64)) X(PCMPGTQ, F(cmpgt_epi64)) \
    X(PMAXSB, F(max_epi8)) X(PMAXSD, F(max_epi32))        \
    X(PMAXUW, F(max_epu16)) X(PMAXUD, F(max_epu32))       \
    X(PMINSB, F(min_epi8)) X(PMINSD, F(min_epi32))        \
    X(PMINUW, F(min_epu16)) X(PMINUD, F(min_epu32))       \
    X(PMULLD, F(mullo_epi32)) X(PMULDQ, F(mul_epi32))     \
    X(PHMINPOSUW, d = simde_mm_minpos_epu16(s))

/* Counts of 64 bits: too large ones give zeros, or sign bits. */
#define SHIFTS(X)                                               \
    X(PSLLW, sll_epi16) X(PSLLD, sll_epi32) X(PSLLQ, sll_epi64) \
    X(PSRLW, srl_epi16) X(PSRLD, srl_epi32) X(PSRLQ, srl_epi64) \
    X(PSRAW, sra_epi16) X(PSRAD, sra_epi32)

#define DEFINE_BOTH(name, statement)                         \
    RF_SSE_XM(name, 16, statement)                           \
    RF_MMX_MM(MMX_##name, 8, statement)                      \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem, \
                 .mmx_reg = MMX_##name##_reg, .mmx_mem = MMX_##name##_mem)
BOTH(DEFINE_BOTH)

#define DEFINE_HORIZONTAL(name, function)                       \
    RF_SSE_XM(name, 16, F(function))                            \
    RF_MMX_MM(MMX_##name, 8, d = simde_mm_unpacklo_epi64(d, s); \
              d = simde_mm_##function(d, d))                    \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem,    \
                 .mmx_reg = MMX_##name##_reg, .mmx_mem = MMX_##name##_mem)
HORIZONTAL(DEFINE_HORIZONTAL)

#define DEFINE_XMM(name, statement) \
    RF_SSE_XM(name, 16, statement)  \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem)
XMM_ONLY(DEFINE_XMM)

/* --- shifts --- */

static bool lower_shift_imm(struct rf_lower *l, rf_run *xmm, rf_run *mmx)
{
    struct rf_op *op = rf_emit(l, rf_is_mmx(&l->operand[0]) ? mmx : xmm);
    op->a = rf_operand_number(&l->operand[0]);
    op->imm = l->operand[1].imm.value.u & 0xff;
    return true;
}

#define DEFINE_SHIFT(name, function)                                 \
    RF_SSE_XM(name, 16, F(function))                                 \
    RF_MMX_MM(MMX_##name, 8, F(function))                            \
    static RF_OP(name##_imm)                                         \
    {                                                                \
        rf_m128 d = rf_xmm(cpu, op->a), s = rf_m128_low(op->imm);    \
        rf_xmm_set(cpu, op->a, F(function));                         \
        RF_NEXT;                                                     \
    }                                                                \
    static RF_OP(MMX_##name##_imm)                                   \
    {                                                                \
        RF_MMX_CHECK;                                                \
        rf_m128 d = rf_mm(cpu, op->a), s = rf_m128_low(op->imm);     \
        rf_mmx_enter(cpu);                                           \
        rf_mmx_set(cpu, op->a, rf_m128_u64(F(function)));            \
        RF_NEXT;                                                     \
    }                                                                \
    static bool lower_##name(struct rf_lower *l)                     \
    {                                                                \
        static const struct rf_sse_form form = { .reg = name##_reg,  \
            .mem = name##_mem, .mmx_reg = MMX_##name##_reg,          \
            .mmx_mem = MMX_##name##_mem };                           \
        if (rf_is_imm(&l->operand[1]))                               \
            return lower_shift_imm(l, name##_imm, MMX_##name##_imm); \
        return rf_sse_lower(l, &form);                               \
    }
SHIFTS(DEFINE_SHIFT)

/* --- PTEST: ZF = no common bit, CF = s has no bit outside d; the others are cleared --- */

RF_INLINE void ptest(struct rf_cpu *cpu, rf_m128 d, rf_m128 s)
{
    uint32_t flags = simde_mm_testz_si128(d, s) ? RF_FLAG_ZF : 0;
    if (simde_mm_testc_si128(d, s))
        flags |= RF_FLAG_CF;
    rf_flags_set_status(cpu, flags);
}

static RF_OP(PTEST_reg)
{
    ptest(cpu, rf_xmm(cpu, op->a), rf_xmm(cpu, op->b));
    RF_NEXT;
}

RF_MEM_HANDLER(PTEST_mem)
{
    RF_SSE_LOAD_16(s);
    ptest(cpu, rf_xmm(cpu, op->a), s);
    RF_MEM_NEXT;
}

static bool lower_PTEST(struct rf_lower *l)
{
    static const struct rf_sse_form form = { .reg = PTEST_reg, .mem = PTEST_mem };
    l->cc_after = RF_CC_FLAGS;
    return rf_sse_lower(l, &form);
}

/* --- MPSADBW: one handler for each of the 8 offset pairs --- */

#define DEFINE_MPSADBW(n)                                                            \
    RF_SSE_XM(mpsadbw_##n, 16, d = simde_mm_mpsadbw_epu8(d, s, n))                   \
    static const struct rf_sse_form mpsadbw_##n##_form = { .reg = mpsadbw_##n##_reg, \
                                                           .mem = mpsadbw_##n##_mem };
DEFINE_MPSADBW(0) DEFINE_MPSADBW(1) DEFINE_MPSADBW(2) DEFINE_MPSADBW(3)
DEFINE_MPSADBW(4) DEFINE_MPSADBW(5) DEFINE_MPSADBW(6) DEFINE_MPSADBW(7)

static bool lower_MPSADBW(struct rf_lower *l)
{
    static const struct rf_sse_form *const forms[8] = {
        &mpsadbw_0_form, &mpsadbw_1_form, &mpsadbw_2_form, &mpsadbw_3_form,
        &mpsadbw_4_form, &mpsadbw_5_form, &mpsadbw_6_form, &mpsadbw_7_form
    };
    return rf_sse_lower(l, forms[l->operand[2].imm.value.u & 7]);
}

#define ENTRY(name, ignored) RF_SSE_ENTRY(name)

static const struct rf_lower_entry entries[] = {
    BOTH(ENTRY)
    HORIZONTAL(ENTRY)
    XMM_ONLY(ENTRY)
    SHIFTS(ENTRY)
    RF_SSE_ENTRY(PTEST)
    RF_SSE_ENTRY(MPSADBW)
};

const struct rf_lower_table rf_lower_sse_int = RF_LOWER_TABLE(entries);
