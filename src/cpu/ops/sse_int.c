/* Packed integer arithmetic, logic, comparison and shifts, SSE2 to SSE4.1, and the MMX
 * forms of the same instructions: those work on the low half of a 128-bit operation. */
#include "cpu/ops/sse.h"
#include "cpu/ops/vector_int_list.h"

#define F(function) d = simde_mm_##function(d, s)

#define DEFINE_BOTH(name, statement)                         \
    RF_SSE_XM(name, 16, statement)                           \
    RF_MMX_MM(MMX_##name, 8, statement)                      \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem, \
                 .mmx_reg = MMX_##name##_reg, .mmx_mem = MMX_##name##_mem)
#define DEFINE_LANES(name, function) DEFINE_BOTH(name, F(function))
#define DEFINE_LOGIC(name, function) DEFINE_BOTH(name, F(function##_si128))
#define DEFINE_UNARY(name, function) DEFINE_BOTH(name, d = simde_mm_##function(s))
RF_INT_LANES(DEFINE_LANES)
RF_INT_LOGIC(DEFINE_LOGIC)
RF_INT_UNARY(DEFINE_UNARY)

/* An MMX operation across lanes is one on both operands' low halves put together. */
#define DEFINE_HORIZONTAL(name, function)                       \
    RF_SSE_XM(name, 16, F(function))                            \
    RF_MMX_MM(MMX_##name, 8, d = simde_mm_unpacklo_epi64(d, s); \
              d = simde_mm_##function(d, d))                    \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem,    \
                 .mmx_reg = MMX_##name##_reg, .mmx_mem = MMX_##name##_mem)
RF_INT_HORIZONTAL(DEFINE_HORIZONTAL)

#define DEFINE_XMM(name, statement) \
    RF_SSE_XM(name, 16, statement)  \
    RF_SSE_LOWER(name, .reg = name##_reg, .mem = name##_mem)
#define DEFINE_NO_MMX(name, function) DEFINE_XMM(name, F(function))
RF_INT_NO_MMX(DEFINE_NO_MMX)
DEFINE_XMM(PHMINPOSUW, d = simde_mm_minpos_epu16(s))

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
RF_INT_SHIFTS(DEFINE_SHIFT)

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
    RF_INT_LANES(ENTRY)
    RF_INT_LOGIC(ENTRY)
    RF_INT_UNARY(ENTRY)
    RF_INT_HORIZONTAL(ENTRY)
    RF_INT_NO_MMX(ENTRY)
    RF_INT_SHIFTS(ENTRY)
    RF_SSE_ENTRY(PHMINPOSUW)
    RF_SSE_ENTRY(PTEST)
    RF_SSE_ENTRY(MPSADBW)
};

const struct rf_lower_table rf_lower_sse_int = RF_LOWER_TABLE(entries);
