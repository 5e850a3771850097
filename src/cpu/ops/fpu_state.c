/* MXCSR and the FXSAVE area (SDM 1, 10.5): LDMXCSR, STMXCSR, FXSAVE, FXRSTOR. */
#include "cpu/block.h"
#include "cpu/engine.h"
#include "cpu/lower.h"
#include "cpu/xsave.h"

/* --- MXCSR: blocks depend on whether it masks every exception, so a load ends the block --- */

#define END_BLOCK(masks_changed)                                             \
    do {                                                                     \
        if (!(masks_changed))                                                \
            RF_LEAVE(fall);                                                  \
        rf_op_retire(cpu, op);                                               \
        rf_cpu_mode_changed(cpu);                                            \
        RF_GO(cpu);                                                          \
    } while (0)

RF_MEM_HANDLER(ldmxcsr)
{
    RF_LOAD(uint32_t, value, rf_ea(cpu, op));
    if (value & ~RF_MXCSR_MASK)
        return rf_op_gp0(cpu, op);
    bool masks_changed = rf_mxcsr_set(cpu, value);
    END_BLOCK(masks_changed);
}

RF_MEM_HANDLER(stmxcsr)
{
    RF_STORE(uint32_t, rf_ea(cpu, op), rf_fpu_mxcsr(cpu));
    RF_MEM_NEXT;
}

/* --- the FXSAVE area --- */

/* Bits of op->a. */
#define WIDE_POINTERS 1u
#define SIXTEEN_XMM 2u /* 64-bit mode */
#define XMM_COUNT(op) ((op)->a & SIXTEEN_XMM ? 16u : 8u)

/* Helpers that hold the area. False: cpu->fault is set. */
static RF_NOINLINE bool save_area(struct rf_cpu *cpu, const struct rf_op *op)
{
    struct rf_fxsave_area area;
    /* all 512 bytes must be accessible, those that are not written too */
    if (!rf_load_rmw_slow(cpu, rf_ea(cpu, op), &area, sizeof area))
        return false;
    rf_x87_to_area(cpu, &area, op->a & WIDE_POINTERS);
    area.mxcsr = rf_fpu_mxcsr(cpu);
    area.mxcsr_mask = RF_MXCSR_MASK;
    rf_xmm_to_area(cpu, &area, XMM_COUNT(op));
    return rf_store_slow(cpu, rf_ea(cpu, op), &area, sizeof area);
}

enum restored { RESTORED, RESTORED_MASKS, RESERVED_BITS, NOT_READABLE };

static RF_NOINLINE enum restored restore_area(struct rf_cpu *cpu, const struct rf_op *op)
{
    struct rf_fxsave_area area;
    if (!rf_load_slow(cpu, rf_ea(cpu, op), &area, sizeof area))
        return NOT_READABLE;
    if (area.mxcsr & ~RF_MXCSR_MASK)
        return RESERVED_BITS;
    rf_x87_from_area(cpu, &area, op->a & WIDE_POINTERS);
    rf_xmm_from_area(cpu, &area, XMM_COUNT(op));
    return rf_mxcsr_set(cpu, area.mxcsr) ? RESTORED_MASKS : RESTORED;
}

/* Here, unlike at other aligned operands, CPUs look first whether the address is canonical.
 * Which misalignment is #AC where that is enabled is the CPU's choice (SDM 2A, FXSAVE). */
static struct rf_op *misaligned(struct rf_cpu *cpu, struct rf_op *op)
{
    const uint64_t va = rf_ea(cpu, op);
    bool canonical = rf_mmu_canonical(&cpu->mmu, va), stack = op->stack && !canonical;
    if (canonical && cpu->checks_alignment && va & 3)
        return rf_op_raise(cpu, op, RF_AC, true, 0);
    return rf_op_raise(cpu, op, stack ? RF_SS : RF_GP, true, 0);
}

static RF_OP(fxsave)
{
    if (rf_ea(cpu, op) & 15)
        return misaligned(cpu, op);
    if (!save_area(cpu, op))
        return rf_op_fault(cpu, op);
    return rf_after_slow(cpu, op);
}

static RF_OP(fxrstor)
{
    if (rf_ea(cpu, op) & 15)
        return misaligned(cpu, op);
    enum restored restored = restore_area(cpu, op);
    if (restored == NOT_READABLE)
        return rf_op_fault(cpu, op);
    if (restored == RESERVED_BITS)
        return rf_op_gp0(cpu, op);
    END_BLOCK(restored == RESTORED_MASKS);
}

/* --- lowering --- */

static struct rf_op *emit_memory(struct rf_lower *l, rf_run *run)
{
    struct rf_address address = rf_address(l, &l->operand[0]);
    struct rf_op *op = rf_emit(l, run);
    rf_set_address(op, &address);
    return op;
}

static bool lower_ldmxcsr(struct rf_lower *l)
{
    emit_memory(l, ldmxcsr);
    l->ends_block = true;
    return true;
}

static bool lower_stmxcsr(struct rf_lower *l)
{
    emit_memory(l, stmxcsr);
    return true;
}

static RF_OP(device_not_available)
{
    return rf_op_raise(cpu, op, RF_NM, false, 0);
}

/* #NM by CR0.EM or TS, whatever CR4.OSFXSR says (SDM 2A, FXSAVE). */
static bool lower_area(struct rf_lower *l, rf_run *run, bool wide)
{
    if (l->cpu->block_mode & (RF_MODE_NO_X87 | RF_MODE_TASK_SWITCHED)) {
        rf_emit(l, device_not_available);
        l->ends_block = true;
        return true;
    }
    struct rf_op *op = emit_memory(l, run);
    op->a = (uint8_t)((wide ? WIDE_POINTERS : 0) | (l->code_bits == 64 ? SIXTEEN_XMM : 0));
    l->ends_block = run == fxrstor;
    return true;
}

static bool lower_fxsave(struct rf_lower *l)
{
    return lower_area(l, fxsave, l->ins.mnemonic == ZYDIS_MNEMONIC_FXSAVE64);
}

static bool lower_fxrstor(struct rf_lower *l)
{
    return lower_area(l, fxrstor, l->ins.mnemonic == ZYDIS_MNEMONIC_FXRSTOR64);
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_LDMXCSR, lower_ldmxcsr },    { ZYDIS_MNEMONIC_STMXCSR, lower_stmxcsr },
    { ZYDIS_MNEMONIC_VLDMXCSR, lower_ldmxcsr },   { ZYDIS_MNEMONIC_VSTMXCSR, lower_stmxcsr },
    { ZYDIS_MNEMONIC_FXSAVE, lower_fxsave },      { ZYDIS_MNEMONIC_FXSAVE64, lower_fxsave },
    { ZYDIS_MNEMONIC_FXRSTOR, lower_fxrstor },    { ZYDIS_MNEMONIC_FXRSTOR64, lower_fxrstor },
};

const struct rf_lower_table rf_lower_fpu_state = RF_LOWER_TABLE(entries);
