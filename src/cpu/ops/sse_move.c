/* Vector moves: whole registers, scalars, halves, to and from general registers, masks,
 * and the non-temporal forms (which store like the others here). */
#include "cpu/ops/sse.h"

/* --- whole registers --- */

static RF_OP(copy)
{
    rf_xmm_set(cpu, op->a, rf_xmm(cpu, op->b));
    RF_NEXT;
}

RF_MEM_HANDLER(load_aligned)
{
    RF_SSE_LOAD_16(s);
    rf_xmm_set(cpu, op->a, s);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(load_unaligned)
{
    RF_SSE_LOAD_16U(s);
    rf_xmm_set(cpu, op->a, s);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(store_aligned)
{
    const uint64_t va = rf_ea(cpu, op);
    if (RF_UNLIKELY(va & 15))
        return rf_op_gp0(cpu, op);
    RF_STORE(rf_m128, va, rf_xmm(cpu, op->a));
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(store_unaligned)
{
    RF_STORE(rf_m128, rf_ea(cpu, op), rf_xmm(cpu, op->a));
    RF_MEM_NEXT;
}

/* --- scalars and halves --- */

RF_MEM_HANDLER(load_4)
{
    RF_SSE_LOAD_4(s);
    rf_xmm_set(cpu, op->a, s);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(load_8)
{
    RF_SSE_LOAD_8(s);
    rf_xmm_set(cpu, op->a, s);
    RF_MEM_NEXT;
}

/* A part of a register is replaced by writing the whole of it: a store narrower than the
 * next op's load would not be forwarded. */
RF_MEM_HANDLER(load_low)
{
    RF_SSE_LOAD_8(s);
    rf_xmm_set(cpu, op->a, RF_FROM_PD(simde_mm_move_sd(RF_PD(rf_xmm(cpu, op->a)), RF_PD(s))));
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(load_high)
{
    RF_SSE_LOAD_8(s);
    rf_xmm_set(cpu, op->a, simde_mm_unpacklo_epi64(rf_xmm(cpu, op->a), s));
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(store_4)
{
    RF_STORE(uint32_t, rf_ea(cpu, op), RF_V(op->a).u32[0]);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(store_low)
{
    RF_STORE(uint64_t, rf_ea(cpu, op), RF_V(op->a).u64[0]);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(store_high)
{
    RF_STORE(uint64_t, rf_ea(cpu, op), RF_V(op->a).u64[1]);
    RF_MEM_NEXT;
}

static RF_OP(merge_4)
{
    rf_m128 d = rf_xmm(cpu, op->a), s = rf_xmm(cpu, op->b);
    rf_xmm_set(cpu, op->a, RF_FROM_PS(simde_mm_move_ss(RF_PS(d), RF_PS(s))));
    RF_NEXT;
}

static RF_OP(merge_8)
{
    rf_m128 d = rf_xmm(cpu, op->a), s = rf_xmm(cpu, op->b);
    rf_xmm_set(cpu, op->a, RF_FROM_PD(simde_mm_move_sd(RF_PD(d), RF_PD(s))));
    RF_NEXT;
}

static RF_OP(copy_low_zero)
{
    rf_xmm_set(cpu, op->a, rf_m128_low(RF_V(op->b).u64[0]));
    RF_NEXT;
}

static RF_OP(low_from_high) /* MOVHLPS */
{
    rf_xmm_set(cpu, op->a, simde_mm_unpackhi_epi64(rf_xmm(cpu, op->b), rf_xmm(cpu, op->a)));
    RF_NEXT;
}

static RF_OP(high_from_low) /* MOVLHPS */
{
    rf_xmm_set(cpu, op->a, simde_mm_unpacklo_epi64(rf_xmm(cpu, op->a), rf_xmm(cpu, op->b)));
    RF_NEXT;
}

RF_SSE_XM(movddup, 8, d = simde_mm_unpacklo_epi64(s, s))
RF_SSE_XM(movshdup, 16, d = simde_mm_shuffle_epi32(s, 0xf5))
RF_SSE_XM(movsldup, 16, d = simde_mm_shuffle_epi32(s, 0xa0))

/* --- general registers --- */

static RF_OP(xmm_from_r32)
{
    rf_xmm_set(cpu, op->a, rf_m128_low(RF_R32(op->b)));
    RF_NEXT;
}

static RF_OP(xmm_from_r64)
{
    rf_xmm_set(cpu, op->a, rf_m128_low(RF_R64(op->b)));
    RF_NEXT;
}

static RF_OP(r32_from_xmm)
{
    RF_R64(op->a) = RF_V(op->b).u32[0];
    RF_NEXT;
}

static RF_OP(r64_from_xmm)
{
    RF_R64(op->a) = RF_V(op->b).u64[0];
    RF_NEXT;
}

static RF_OP(movmskps)
{
    RF_R64(op->a) = (uint64_t)(uint32_t)simde_mm_movemask_ps(RF_PS(rf_xmm(cpu, op->b)));
    RF_NEXT;
}

static RF_OP(movmskpd)
{
    RF_R64(op->a) = (uint64_t)(uint32_t)simde_mm_movemask_pd(RF_PD(rf_xmm(cpu, op->b)));
    RF_NEXT;
}

static RF_OP(pmovmskb)
{
    RF_R64(op->a) = (uint64_t)(uint32_t)simde_mm_movemask_epi8(rf_xmm(cpu, op->b));
    RF_NEXT;
}

/* --- MMX registers --- */

static RF_OP(mm_copy)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, rf_mmx(cpu, op->b));
    RF_NEXT;
}

RF_MEM_HANDLER(mm_load_8)
{
    RF_MMX_CHECK;
    RF_LOAD(uint64_t, s, rf_ea(cpu, op));
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, s);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(mm_load_4)
{
    RF_MMX_CHECK;
    RF_LOAD(uint32_t, s, rf_ea(cpu, op));
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, s);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(mm_store_8)
{
    RF_MMX_CHECK;
    RF_STORE(uint64_t, rf_ea(cpu, op), rf_mmx(cpu, op->a));
    rf_mmx_enter(cpu);
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(mm_store_4)
{
    RF_MMX_CHECK;
    RF_STORE(uint32_t, rf_ea(cpu, op), (uint32_t)rf_mmx(cpu, op->a));
    rf_mmx_enter(cpu);
    RF_MEM_NEXT;
}

static RF_OP(mm_from_r32)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, RF_R32(op->b));
    RF_NEXT;
}

static RF_OP(mm_from_r64)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, RF_R64(op->b));
    RF_NEXT;
}

static RF_OP(r32_from_mm)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    RF_R64(op->a) = (uint32_t)rf_mmx(cpu, op->b);
    RF_NEXT;
}

static RF_OP(r64_from_mm)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    RF_R64(op->a) = rf_mmx(cpu, op->b);
    RF_NEXT;
}

static RF_OP(mm_pmovmskb)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    RF_R64(op->a) = (uint64_t)(uint32_t)simde_mm_movemask_epi8(rf_mm(cpu, op->b));
    RF_NEXT;
}

/* --- MASKMOVDQU, MASKMOVQ: the bytes of a whose twins in b have bit 7 set. Page faults are
 * those of a store of the whole, whatever the mask says: SDM 2A leaves that open --- */

/* Alignment, where it is checked, is that of the two halves, as on AMD's CPUs. */
static RF_COLD RF_NOINLINE bool mask_bytes_slow(struct rf_cpu *cpu, const struct rf_op *op)
{
    const uint64_t va = rf_ea(cpu, op);
    rf_m128 old;
    if (!rf_load_rmw_slow(cpu, va, cpu->bounce, 8) ||
        !rf_load_rmw_slow(cpu, va + 8, cpu->bounce + 8, 8))
        return false;
    memcpy(&old, cpu->bounce, sizeof old);
    old = simde_mm_blendv_epi8(old, rf_xmm(cpu, op->a), rf_xmm(cpu, op->b));
    memcpy(cpu->bounce, &old, sizeof old);
    return rf_store_slow(cpu, va, cpu->bounce, 8) && rf_store_slow(cpu, va + 8, cpu->bounce + 8, 8);
}
static RF_OP(maskmovdqu)
{
    uint8_t *place = rf_tlb_write(cpu->tlb, rf_ea(cpu, op), sizeof(rf_m128));
    if (RF_UNLIKELY(!place)) {
        if (!mask_bytes_slow(cpu, op))
            return rf_op_fault(cpu, op);
        return rf_after_slow(cpu, op);
    }
    rf_m128 old;
    memcpy(&old, place, sizeof old);
    old = simde_mm_blendv_epi8(old, rf_xmm(cpu, op->a), rf_xmm(cpu, op->b));
    memcpy(place, &old, sizeof old);
    RF_NEXT;
}

RF_MEM_HANDLER(maskmovq)
{
    RF_MMX_CHECK;
    RF_RMW_LOAD(uint64_t, old, rf_ea(cpu, op));
    rf_m128 mask = rf_mm(cpu, op->b);
    RF_RMW_STORE(uint64_t, old,
                 rf_m128_u64(simde_mm_blendv_epi8(rf_m128_low(old), rf_mm(cpu, op->a), mask)));
    rf_mmx_enter(cpu);
    RF_MEM_NEXT;
}

/* --- lowering --- */

/* Register copy, load, or store; a NULL handler: no such form. */
static bool lower_move(struct rf_lower *l, rf_run *reg, rf_run *load, rf_run *store)
{
    const ZydisDecodedOperand *to = &l->operand[0], *from = &l->operand[1];
    rf_run *run = rf_is_mem(to) ? store : rf_is_mem(from) ? load : reg;
    if (!run)
        return false;
    struct rf_address address = { 0 };
    if (rf_is_mem(to) || rf_is_mem(from))
        address = rf_address(l, rf_is_mem(to) ? to : from);
    struct rf_op *op = rf_emit(l, run);
    if (run == store) {
        op->a = rf_operand_number(from);
        rf_set_address(op, &address);
        return true;
    }
    op->a = rf_operand_number(to);
    if (run == load)
        rf_set_address(op, &address);
    else
        op->b = rf_operand_number(from);
    return true;
}

static bool lower_aligned(struct rf_lower *l)
{
    return lower_move(l, copy, load_aligned, store_aligned);
}

static bool lower_unaligned(struct rf_lower *l)
{
    return lower_move(l, copy, load_unaligned, store_unaligned);
}

static bool lower_movss(struct rf_lower *l)
{
    return lower_move(l, merge_4, load_4, store_4);
}

static bool lower_movsd(struct rf_lower *l)
{
    if (l->ins.meta.category == ZYDIS_CATEGORY_STRINGOP)
        return rf_lower_by(&rf_lower_string, l);
    return lower_move(l, merge_8, load_8, store_low);
}

static bool lower_low(struct rf_lower *l)
{
    return lower_move(l, NULL, load_low, store_low);
}

static bool lower_high(struct rf_lower *l)
{
    return lower_move(l, NULL, load_high, store_high);
}

static bool lower_movhlps(struct rf_lower *l)
{
    return lower_move(l, low_from_high, NULL, NULL);
}

static bool lower_movlhps(struct rf_lower *l)
{
    return lower_move(l, high_from_low, NULL, NULL);
}

static bool lower_movd(struct rf_lower *l)
{
    const ZydisDecodedOperand *to = &l->operand[0], *from = &l->operand[1];
    if (rf_is_mmx(to) || rf_is_mmx(from))
        return lower_move(l, rf_is_mmx(to) ? mm_from_r32 : r32_from_mm, mm_load_4, mm_store_4);
    return lower_move(l, rf_is_xmm(to) ? xmm_from_r32 : r32_from_xmm, load_4, store_4);
}

static bool lower_movq(struct rf_lower *l)
{
    const ZydisDecodedOperand *to = &l->operand[0], *from = &l->operand[1];
    if (rf_is_mmx(to) || rf_is_mmx(from)) {
        rf_run *reg = rf_is_gpr(from) ? mm_from_r64 : rf_is_gpr(to) ? r64_from_mm : mm_copy;
        return lower_move(l, reg, mm_load_8, mm_store_8);
    }
    rf_run *reg = rf_is_gpr(from) ? xmm_from_r64 : rf_is_gpr(to) ? r64_from_xmm : copy_low_zero;
    return lower_move(l, reg, load_8, store_low);
}

static bool lower_movmskps(struct rf_lower *l)
{
    return lower_move(l, movmskps, NULL, NULL);
}

static bool lower_movmskpd(struct rf_lower *l)
{
    return lower_move(l, movmskpd, NULL, NULL);
}

static bool lower_pmovmskb(struct rf_lower *l)
{
    return lower_move(l, rf_is_mmx(&l->operand[1]) ? mm_pmovmskb : pmovmskb, NULL, NULL);
}

static bool lower_movntq(struct rf_lower *l)
{
    return lower_move(l, NULL, NULL, mm_store_8);
}

RF_SSE_LOWER(MOVDDUP, .reg = movddup_reg, .mem = movddup_mem)
RF_SSE_LOWER(MOVSHDUP, .reg = movshdup_reg, .mem = movshdup_mem)
RF_SSE_LOWER(MOVSLDUP, .reg = movsldup_reg, .mem = movsldup_mem)

/* The destination is a hidden operand, DS:rDI with whatever override. */
static bool lower_maskmov(struct rf_lower *l)
{
    unsigned i = 0;
    while (i < l->ins.operand_count && !rf_is_mem(&l->operand[i]))
        i++;
    if (i == l->ins.operand_count)
        return false;
    struct rf_address address = rf_address(l, &l->operand[i]);
    struct rf_op *op = rf_emit(l, rf_is_mmx(&l->operand[0]) ? maskmovq : maskmovdqu);
    rf_set_address(op, &address);
    unsigned registers = 0;
    for (i = 0; i < l->ins.operand_count && registers < 2; i++) {
        if (!rf_is_xmm(&l->operand[i]) && !rf_is_mmx(&l->operand[i]))
            continue;
        *(registers++ ? &op->b : &op->a) = rf_operand_number(&l->operand[i]);
    }
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_MOVAPS, lower_aligned },
    { ZYDIS_MNEMONIC_MOVAPD, lower_aligned },
    { ZYDIS_MNEMONIC_MOVDQA, lower_aligned },
    { ZYDIS_MNEMONIC_MOVNTPS, lower_aligned },
    { ZYDIS_MNEMONIC_MOVNTPD, lower_aligned },
    { ZYDIS_MNEMONIC_MOVNTDQ, lower_aligned },
    { ZYDIS_MNEMONIC_MOVNTDQA, lower_aligned },
    { ZYDIS_MNEMONIC_MOVUPS, lower_unaligned },
    { ZYDIS_MNEMONIC_MOVUPD, lower_unaligned },
    { ZYDIS_MNEMONIC_MOVDQU, lower_unaligned },
    { ZYDIS_MNEMONIC_LDDQU, lower_unaligned },
    { ZYDIS_MNEMONIC_MOVSS, lower_movss },
    { ZYDIS_MNEMONIC_MOVSD, lower_movsd },
    { ZYDIS_MNEMONIC_MOVLPS, lower_low },
    { ZYDIS_MNEMONIC_MOVLPD, lower_low },
    { ZYDIS_MNEMONIC_MOVHPS, lower_high },
    { ZYDIS_MNEMONIC_MOVHPD, lower_high },
    { ZYDIS_MNEMONIC_MOVHLPS, lower_movhlps },
    { ZYDIS_MNEMONIC_MOVLHPS, lower_movlhps },
    { ZYDIS_MNEMONIC_MOVD, lower_movd },
    { ZYDIS_MNEMONIC_MOVQ, lower_movq },
    { ZYDIS_MNEMONIC_MOVMSKPS, lower_movmskps },
    { ZYDIS_MNEMONIC_MOVMSKPD, lower_movmskpd },
    { ZYDIS_MNEMONIC_PMOVMSKB, lower_pmovmskb },
    { ZYDIS_MNEMONIC_MOVNTQ, lower_movntq },
    { ZYDIS_MNEMONIC_MASKMOVDQU, lower_maskmov },
    { ZYDIS_MNEMONIC_MASKMOVQ, lower_maskmov },
    { ZYDIS_MNEMONIC_VMASKMOVDQU, lower_maskmov },
    RF_SSE_ENTRY(MOVDDUP)
    RF_SSE_ENTRY(MOVSHDUP)
    RF_SSE_ENTRY(MOVSLDUP)
};

const struct rf_lower_table rf_lower_sse_move = RF_LOWER_TABLE(entries);
