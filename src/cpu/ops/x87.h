/* What the x87 families (x87*.c) share: the register stack, exceptions, and the tables of
 * handlers by opcode (SDM 1, chapter 8).
 *
 * Exceptions are recorded in the status word; an unmasked one sets ES, and the next waiting
 * instruction raises #MF (SDM 1, 8.6 and 8.7). */
#ifndef RF_CPU_OPS_X87_H
#define RF_CPU_OPS_X87_H

#include "cpu/lower.h"
#include "cpu/ops/mmx.h"
#include "cpu/ops/x87_host.h"

/* Status word. The exception flags are masked by the same bits of the control word. */
#define X87_IE 0x0001u
#define X87_DE 0x0002u
#define X87_ZE 0x0004u
#define X87_OE 0x0008u
#define X87_UE 0x0010u
#define X87_PE 0x0020u
#define X87_SF 0x0040u
#define X87_ES RF_X87_ES
#define X87_C0 0x0100u
#define X87_C1 0x0200u
#define X87_C2 0x0400u
#define X87_C3 0x4000u
#define X87_B 0x8000u
#define X87_EXCEPTIONS 0x003fu
/* Exceptions that, unmasked, keep the operation from being done. */
#define X87_BEFORE (X87_IE | X87_DE | X87_ZE)
#define X87_CW_RC 0x0c00u

/* A memory operand of the host's instructions: in the CPU's state, because a local variable
 * whose address an asm statement takes would keep compilers from tail calls (cpu/op.h). */
#define X87_BOUNCE(type) (*(type *)(void *)cpu->bounce)

/* Every waiting instruction begins with this. */
#define X87_WAIT RF_MMX_CHECK
/* The same as an op of its own. */
struct rf_op *rf_x87_wait(struct rf_cpu *cpu, struct rf_op *op);

/* Once a non-control instruction can no longer fail it is the last one (SDM 1, 8.1.8). Those
 * without a memory operand begin with X87_BEGIN or X87_COMPUTE_REGISTERS, which say so. */
#define X87_EXECUTED (cpu->fpu.fip = cpu->r[RF_REG_IP] + op->ip_offset)
#define X87_BEGIN \
    X87_WAIT;     \
    X87_EXECUTED

/* And every one that computes with the host's unit, with this. */
struct rf_op *rf_x87_enter_and_retry(struct rf_cpu *cpu, struct rf_op *op);
#define X87_COMPUTE                                 \
    X87_WAIT;                                       \
    do {                                            \
        if (RF_UNLIKELY(!cpu->fpu.x87_live))        \
            return rf_x87_enter_and_retry(cpu, op); \
    } while (0)
#define X87_COMPUTE_REGISTERS \
    X87_COMPUTE;              \
    X87_EXECUTED

RF_INLINE unsigned x87_top(const struct rf_cpu *cpu)
{
    return cpu->fpu.sw >> 11 & 7;
}
RF_INLINE union rf_x87_reg *x87_st(struct rf_cpu *cpu, unsigned i)
{
    return &cpu->fpu.x87[(x87_top(cpu) + i) & 7];
}
RF_INLINE bool x87_is_valid(const struct rf_cpu *cpu, unsigned i)
{
    return cpu->fpu.tag_valid >> ((x87_top(cpu) + i) & 7) & 1;
}
RF_INLINE void x87_mark_valid(struct rf_cpu *cpu, unsigned i)
{
    cpu->fpu.tag_valid |= (uint8_t)(1u << ((x87_top(cpu) + i) & 7));
}
RF_INLINE void x87_mark_empty(struct rf_cpu *cpu, unsigned i)
{
    cpu->fpu.tag_valid &= (uint8_t)~(1u << ((x87_top(cpu) + i) & 7));
}
RF_INLINE void x87_move_top(struct rf_cpu *cpu, unsigned by)
{
    unsigned top = (x87_top(cpu) + by) & 7;
    cpu->fpu.sw = (uint16_t)((cpu->fpu.sw & ~RF_X87_TOP) | top << 11);
}
RF_INLINE void x87_pop(struct rf_cpu *cpu)
{
    x87_mark_empty(cpu, 0);
    x87_move_top(cpu, 1);
}
/* A place for a new value on top, which the caller found free or may overwrite. */
RF_INLINE union rf_x87_reg *x87_push(struct rf_cpu *cpu)
{
    x87_move_top(cpu, 7);
    x87_mark_valid(cpu, 0);
    return x87_st(cpu, 0);
}

RF_INLINE void x87_set(union rf_x87_reg *to, uint16_t sign_exponent, uint64_t mantissa)
{
    to->mantissa = mantissa;
    to->sign_exponent = sign_exponent;
}
/* The QNaN that masked invalid operations give. */
RF_INLINE void x87_set_indefinite(union rf_x87_reg *to)
{
    x87_set(to, 0xffff, UINT64_C(0xc000000000000000));
}

RF_INLINE void x87_clear_c1(struct rf_cpu *cpu)
{
    cpu->fpu.sw &= (uint16_t)~X87_C1;
}

/* What an op's imm says of its instruction: the opcode as FOP has it (SDM 1, 8.1.9), and for a
 * memory operand the byte offset of its segment's base. */
#define X87_IMM_FOP(imm) ((uint16_t)((imm) & 0x7ff))
#define X87_IMM_MEMORY UINT64_C(0x8000)
#define X87_IMM_SEGMENT_SHIFT 16

/* FOP and FDP change with unmasked exceptions alone (FDP_EXCPTN_ONLY), FDP not without a memory
 * operand. It is the offset in the segment. */
RF_INLINE void x87_point_at_operand(struct rf_cpu *cpu, const struct rf_op *op)
{
    cpu->fpu.fop = X87_IMM_FOP(op->imm);
    if (!(op->imm & X87_IMM_MEMORY))
        return;
    uint64_t offset = rf_ea(cpu, op) - RF_AT(uint64_t, op->imm >> X87_IMM_SEGMENT_SHIFT);
    cpu->fpu.fdp = cpu->code_bits == 64 ? offset : (uint32_t)offset;
}

/* Record exceptions, with C1 as in `flags`. False: one of them is unmasked and in `forbid`. */
RF_INLINE bool x87_raise(struct rf_cpu *cpu, const struct rf_op *op, unsigned flags,
                         unsigned forbid)
{
    unsigned sw = (cpu->fpu.sw & ~X87_C1) | (flags & (X87_EXCEPTIONS | X87_SF | X87_C1));
    unsigned unmasked = flags & ~(unsigned)cpu->fpu.cw & X87_EXCEPTIONS;
    if (RF_UNLIKELY(unmasked)) {
        sw |= X87_ES | X87_B;
        x87_point_at_operand(cpu, op);
    }
    cpu->fpu.sw = (uint16_t)sw;
    return !(unmasked & forbid);
}

/* Stack overflow (C1 set) or underflow. False: unmasked, nothing more may happen. */
RF_INLINE bool x87_stack_fault(struct rf_cpu *cpu, const struct rf_op *op, bool overflow)
{
    return x87_raise(cpu, op, X87_IE | X87_SF | (overflow ? X87_C1 : 0), X87_IE);
}

/* Load both words, with ES and B as they then must be. */
void rf_x87_set_control(struct rf_fpu *fpu, uint16_t cw, uint16_t sw);

/* An x87 instruction by its two bytes: register forms by opcode and the low six bits of
 * ModRM, memory forms by opcode and ModRM.reg. */
#define X87_REG(opcode, modrm) (((opcode) - 0xd8) << 6 | ((modrm) & 0x3f))
#define X87_REG_8(opcode, modrm) X87_REG(opcode, modrm) ... X87_REG(opcode, (modrm) + 7)
#define X87_MEM(opcode, reg) (((opcode) - 0xd8) << 3 | (reg))
struct rf_x87_table {
    rf_run *reg[512], *mem[64];
};
extern const struct rf_x87_table rf_x87_arithmetic, rf_x87_control;

#endif
