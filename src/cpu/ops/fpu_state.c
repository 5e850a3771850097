/* MXCSR and the FXSAVE area (SDM 1, 10.5): LDMXCSR, STMXCSR, FXSAVE, FXRSTOR. */
#include "cpu/block.h"
#include "cpu/engine.h"
#include "cpu/lower.h"
#include "cpu/ops/x87.h"

#include <simde/x86/sse.h>

#define MXCSR_MASKS RF_MXCSR_ALL_MASKED

/* --- MXCSR: blocks depend on whether it masks every exception, so a load ends the block --- */

/* The guest's MXCSR from now on. True if the block mode must be looked at. */
static RF_NOINLINE bool set_mxcsr(struct rf_cpu *cpu, uint32_t value)
{
    bool masks_changed = (cpu->fpu.mxcsr ^ value) & MXCSR_MASKS;
    cpu->fpu.mxcsr = value;
    simde_mm_setcsr(value | MXCSR_MASKS);
    return masks_changed;
}

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
    bool masks_changed = set_mxcsr(cpu, value);
    END_BLOCK(masks_changed);
}

RF_MEM_HANDLER(stmxcsr)
{
    RF_STORE(uint32_t, rf_ea(cpu, op), rf_fpu_mxcsr(cpu));
    RF_MEM_NEXT;
}

/* --- the FXSAVE area --- */

struct fxsave_area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp; /* without REX.W: 32 bits, then a selector that reads as 0 */
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16];
    uint8_t xmm[16][16];
    uint8_t unused[96]; /* not written, but all 512 bytes must be accessible */
};
_Static_assert(sizeof(struct fxsave_area) == 512, "SDM 1, table 10-2");

/* Bits of op->a. */
#define WIDE_POINTERS 1u
#define SIXTEEN_XMM 2u /* 64-bit mode */
#define XMM_COUNT(op) ((op)->a & SIXTEEN_XMM ? 16u : 8u)

/* Helpers that hold the area. False: cpu->fault is set. */
static RF_NOINLINE bool save_area(struct rf_cpu *cpu, const struct rf_op *op)
{
    struct fxsave_area area;
    struct rf_fpu *fpu = &cpu->fpu;
    if (!rf_load_rmw_slow(cpu, rf_ea(cpu, op), &area, sizeof area))
        return false;
    memset(&area, 0, offsetof(struct fxsave_area, xmm));
    area.fcw = fpu->cw;
    area.fsw = fpu->sw;
    area.ftw = fpu->tag_valid;
    area.fop = fpu->fop;
    area.fip = op->a & WIDE_POINTERS ? fpu->fip : (uint32_t)fpu->fip;
    area.fdp = op->a & WIDE_POINTERS ? fpu->fdp : (uint32_t)fpu->fdp;
    area.mxcsr = rf_fpu_mxcsr(cpu);
    area.mxcsr_mask = RF_MXCSR_MASK;
    for (unsigned i = 0; i < 8; i++)
        memcpy(area.st[i], x87_st(cpu, i), 10);
    for (unsigned i = 0; i < XMM_COUNT(op); i++)
        memcpy(area.xmm[i], &fpu->v[i], 16);
    return rf_store_slow(cpu, rf_ea(cpu, op), &area, sizeof area);
}

enum restored { RESTORED, RESTORED_MASKS, RESERVED_BITS, NOT_READABLE };

static RF_NOINLINE enum restored restore_area(struct rf_cpu *cpu, const struct rf_op *op)
{
    struct fxsave_area area;
    struct rf_fpu *fpu = &cpu->fpu;
    if (!rf_load_slow(cpu, rf_ea(cpu, op), &area, sizeof area))
        return NOT_READABLE;
    if (area.mxcsr & ~RF_MXCSR_MASK)
        return RESERVED_BITS;
    rf_x87_set_control(fpu, area.fcw, area.fsw);
    fpu->tag_valid = area.ftw;
    fpu->fop = area.fop & 0x7ff;
    fpu->fip = op->a & WIDE_POINTERS ? area.fip : (uint32_t)area.fip;
    fpu->fdp = op->a & WIDE_POINTERS ? area.fdp : (uint32_t)area.fdp;
    for (unsigned i = 0; i < 8; i++)
        memcpy(x87_st(cpu, i), area.st[i], 10);
    for (unsigned i = 0; i < XMM_COUNT(op); i++)
        memcpy(&fpu->v[i], area.xmm[i], 16);
    return set_mxcsr(cpu, area.mxcsr) ? RESTORED_MASKS : RESTORED;
}

static RF_OP(fxsave)
{
    if (rf_ea(cpu, op) & 15)
        return rf_op_gp0(cpu, op);
    if (!save_area(cpu, op))
        return rf_op_fault(cpu, op);
    return rf_after_slow(cpu, op);
}

static RF_OP(fxrstor)
{
    if (rf_ea(cpu, op) & 15)
        return rf_op_gp0(cpu, op);
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
