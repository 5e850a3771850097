/* Lowering shared by the vector families, and the ops that surround an operation while
 * MXCSR unmasks an exception (SDM 1, 11.5).
 *
 * The operation itself always runs with the host's exceptions masked. Then: memory operand
 * to the scratch slot; save the destination and clear the sticky flags; operate; look what
 * was raised, and undo and raise #XM if it was unmasked. (The precision flag beside an
 * unmasked overflow or underflow is that of the masked operation; the products and sums of
 * DPPS and DPPD are looked at together, not one after the other.) */
#include "cpu/ops/sse.h"

#include "cpu/block.h"
#include "cpu/engine.h"

/* MXCSR flags; the masks are the same bits shifted left by 7. */
#define MXCSR_PRECOMPUTATION 0x07u /* invalid, denormal, divide by zero */
#define MXCSR_UE 0x10u
#define MXCSR_STICKY 0x3fu
#define MXCSR_MASK_SHIFT 7
#define MXCSR_UM (MXCSR_UE << MXCSR_MASK_SHIFT)
#define MXCSR_FTZ 0x8000u

static RF_OP(op_begin)
{
    uint32_t mxcsr = simde_mm_getcsr();
    cpu->fpu.saved_mxcsr = mxcsr;
    mxcsr &= ~MXCSR_STICKY;
    if (!(cpu->fpu.mxcsr & MXCSR_UM))
        mxcsr &= ~MXCSR_FTZ; /* only a masked underflow is flushed to zero */
    simde_mm_setcsr(mxcsr);
    switch (op->c) {
    case RF_SSE_TO_XMM:
        cpu->fpu.v[RF_VEC_SAVED] = RF_V(op->a);
        break;
    case RF_SSE_TO_GPR:
        cpu->fpu.saved[0] = RF_R64(op->a);
        break;
    case RF_SSE_TO_MMX:
        cpu->fpu.saved[0] = cpu->fpu.x87[op->a].mantissa;
        cpu->fpu.saved[1] = cpu->fpu.x87[op->a].sign_exponent;
        break;
    default:
        cpu->fpu.saved[0] = cpu->cc_op;
        cpu->fpu.saved[1] = cpu->cc_dst;
        cpu->fpu.saved[2] = cpu->cc_src;
        break;
    }
    RF_NEXT;
}

static void undo(struct rf_cpu *cpu, const struct rf_op *op)
{
    switch (op->c) {
    case RF_SSE_TO_XMM:
        RF_V(op->a) = cpu->fpu.v[RF_VEC_SAVED];
        break;
    case RF_SSE_TO_GPR:
        RF_R64(op->a) = cpu->fpu.saved[0];
        break;
    case RF_SSE_TO_MMX: /* TOP and tags stay as for any MMX instruction */
        cpu->fpu.x87[op->a].mantissa = cpu->fpu.saved[0];
        cpu->fpu.x87[op->a].sign_exponent = (uint16_t)cpu->fpu.saved[1];
        break;
    default:
        rf_cc_set(cpu, (uint32_t)cpu->fpu.saved[0], cpu->fpu.saved[1], cpu->fpu.saved[2]);
        break;
    }
}

/* Does a result lie below the normal numbers? Unmasked underflow is raised for it even when
 * it is exact (SDM 1, 4.9.1.5), of which the masked operation says nothing. */
static bool tiny_result(const union rf_vec *v, enum rf_sse_raises raises, bool wide)
{
    unsigned lanes = raises == RF_RAISES_PS ? 4 : raises == RF_RAISES_PD ? 2 : 1;
    if (wide && lanes > 1)
        lanes *= 2;
    for (unsigned i = 0; i < lanes; i++) {
        if (raises == RF_RAISES_PS || raises == RF_RAISES_SS) {
            if (!(v->u32[i] & 0x7f800000) && v->u32[i] << 1)
                return true;
        } else if (!(v->u64[i] & UINT64_C(0x7ff0000000000000)) && v->u64[i] << 1) {
            return true;
        }
    }
    return false;
}

/* Take note of what the operation raised; true if an unmasked exception was among it.
 * op->b: enum rf_sse_raises; op->imm: the result has 256 bits. */
static RF_NOINLINE bool note_raised(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint32_t raised = simde_mm_getcsr() & MXCSR_STICKY;
    uint32_t enabled = ~(cpu->fpu.mxcsr >> MXCSR_MASK_SHIFT) & MXCSR_STICKY;
    /* An unmasked exception of the operands comes before the operation, which then raises
     * nothing of its own (SDM 1, 4.9.2). */
    if (raised & enabled & MXCSR_PRECOMPUTATION)
        raised &= MXCSR_PRECOMPUTATION;
    else if (enabled & MXCSR_UE && op->b >= RF_RAISES_PS &&
             tiny_result(&RF_V(op->a), (enum rf_sse_raises)op->b, op->imm))
        raised |= MXCSR_UE;
    simde_mm_setcsr(cpu->fpu.saved_mxcsr | raised);
    return raised & enabled;
}

static RF_OP(op_check)
{
    if (RF_LIKELY(!note_raised(cpu, op)))
        RF_NEXT;
    undo(cpu, op);
    enum rf_vector vector = cpu->mmu.cr4 & RF_CR4_OSXMMEXCPT ? RF_XM : RF_UD;
    return rf_op_raise(cpu, op, vector, false, 0);
}

static RF_OP(op_mmx_check)
{
    RF_MMX_CHECK;
    RF_NEXT;
}

#define LOAD_SCRATCH(name, size)            \
    RF_MEM_HANDLER(name)                    \
    {                                       \
        RF_SSE_LOAD_##size(s);              \
        rf_xmm_set(cpu, RF_VEC_SLOT(RF_VEC_SCRATCH), s); \
        RF_MEM_NEXT;                        \
    }
LOAD_SCRATCH(op_load_4, 4)
LOAD_SCRATCH(op_load_8, 8)
LOAD_SCRATCH(op_load_16, 16)
LOAD_SCRATCH(op_load_16u, 16U)

RF_MEM_HANDLER(op_load_32)
{
    RF_LOAD(union rf_vec, s, rf_ea(cpu, op));
    cpu->fpu.v[RF_VEC_SCRATCH] = s;
    RF_MEM_NEXT;
}

/* The integer operand of CVTSI2SS/SD: to a register nobody needs any more. */
RF_MEM_HANDLER(op_load_integer_4)
{
    RF_LOAD(uint32_t, value, rf_ea(cpu, op));
    cpu->r[RF_REG_EA] = value;
    RF_MEM_NEXT;
}

RF_MEM_HANDLER(op_load_integer_8)
{
    RF_LOAD(uint64_t, value, rf_ea(cpu, op));
    cpu->r[RF_REG_EA] = value;
    RF_MEM_NEXT;
}

uint8_t rf_operand_number(const ZydisDecodedOperand *operand)
{
    if (rf_is_gpr(operand))
        return rf_reg_offset(operand->reg.value);
    return rf_vec_slot(operand->reg.value);
}

bool rf_lower_by(const struct rf_lower_table *table, struct rf_lower *l)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->entries[i].mnemonic == l->ins.mnemonic)
            return table->entries[i].lower(l);
    return false;
}

static uint64_t immediate(const struct rf_lower *l)
{
    const ZydisDecodedOperand *last = &l->operand[2];
    return l->ins.operand_count_visible > 2 && rf_is_imm(last) ? last->imm.value.u & 0xff : 0;
}

/* Emit the load of the memory operand; returns what names it to the operation. */
static uint8_t emit_scratch_load(struct rf_lower *l, const struct rf_checked *checked)
{
    struct rf_address address = rf_address(l, checked->memory);
    unsigned bytes = checked->memory_bytes;
    rf_run *run = checked->integer ? bytes == 8 ? op_load_integer_8 : op_load_integer_4
                  : bytes == 32 ? op_load_32
                  : bytes == 16 ? checked->unaligned ? op_load_16u : op_load_16
                  : bytes == 8  ? op_load_8
                                : op_load_4;
    rf_set_address(rf_emit(l, run), &address);
    return checked->integer ? RF_OFFSET(RF_REG_EA) : RF_VEC_SLOT(RF_VEC_SCRATCH);
}

void rf_emit_checked(struct rf_lower *l, const struct rf_checked *checked)
{
    if (checked->mmx)
        rf_emit(l, op_mmx_check);
    uint8_t b = checked->b, c = checked->c;
    if (checked->memory)
        *(checked->scratch_in_c ? &c : &b) = emit_scratch_load(l, checked);
    struct rf_op *op = rf_emit(l, op_begin);
    op->a = checked->a;
    op->c = checked->destination;
    op = rf_emit(l, checked->run);
    op->a = checked->a;
    op->b = b;
    op->c = c;
    op->imm = checked->imm;
    op = rf_emit(l, op_check);
    op->a = checked->a;
    op->b = checked->raises;
    op->c = checked->destination;
    op->imm = checked->wide;
}

static bool lower_checked(struct rf_lower *l, const struct rf_sse_form *form)
{
    const ZydisDecodedOperand *operand = l->operand;
    bool memory = rf_is_mem(&operand[1]);
    const struct rf_checked checked = {
        .run = rf_is_mmx(&operand[0])    ? form->mmx_reg
               : memory && form->scratch ? form->scratch
                                         : form->reg,
        .memory = memory ? &operand[1] : NULL,
        .memory_bytes = form->mem_bytes,
        .integer = form->integer,
        .mmx = rf_is_mmx(&operand[0]) || rf_is_mmx(&operand[1]),
        .raises = form->raises,
        .destination = form->destination,
        .a = rf_operand_number(&operand[0]),
        .b = memory ? 0 : rf_operand_number(&operand[1]),
        .c = RF_OFFSET(RF_REG_ZERO),
        .imm = immediate(l),
    };
    rf_emit_checked(l, &checked);
    return true;
}

bool rf_sse_lower(struct rf_lower *l, const struct rf_sse_form *form)
{
    const ZydisDecodedOperand *operand = l->operand;
    bool mmx = rf_is_mmx(&operand[0]);
    bool memory = rf_is_mem(&operand[1]);
    rf_run *run = mmx ? memory ? form->mmx_mem : form->mmx_reg : memory ? form->mem : form->reg;
    if (!run || !rf_is_reg(&operand[0]) || !(memory || rf_is_reg(&operand[1])))
        return false;
    if (form->raises && l->cpu->block_mode & RF_MODE_UNMASKED)
        return lower_checked(l, form);
    struct rf_address address = { 0 };
    if (memory)
        address = rf_address(l, &operand[1]);
    struct rf_op *op = rf_emit(l, run);
    op->a = rf_operand_number(&operand[0]);
    op->imm = immediate(l);
    if (memory)
        rf_set_address(op, &address);
    else
        op->b = rf_operand_number(&operand[1]);
    return true;
}
