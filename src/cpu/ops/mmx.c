/* The MMX instructions that no vector family has: EMMS and the moves between MMX and XMM
 * registers. The others share their mnemonics with SSE2 and are made beside it (sse_*.c). */
#include "cpu/ops/mmx.h"
#include "cpu/lower.h"

static RF_OP(emms)
{
    RF_MMX_CHECK;
    cpu->fpu.tag_valid = 0;
    cpu->fpu.sw &= (uint16_t)~RF_X87_TOP;
    RF_NEXT;
}

static RF_OP(movq2dq)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    RF_V(op->a).u64[0] = rf_mmx(cpu, op->b);
    RF_V(op->a).u64[1] = 0;
    RF_NEXT;
}

static RF_OP(movdq2q)
{
    RF_MMX_CHECK;
    rf_mmx_enter(cpu);
    rf_mmx_set(cpu, op->a, RF_V(op->b).u64[0]);
    RF_NEXT;
}

static bool lower_emms(struct rf_lower *l)
{
    rf_emit(l, emms);
    return true;
}

static bool lower_pair(struct rf_lower *l, rf_run *run)
{
    struct rf_op *op = rf_emit(l, run);
    op->a = rf_vec_slot(l->operand[0].reg.value);
    op->b = rf_vec_slot(l->operand[1].reg.value);
    return true;
}

static bool lower_movq2dq(struct rf_lower *l)
{
    return lower_pair(l, movq2dq);
}

static bool lower_movdq2q(struct rf_lower *l)
{
    return lower_pair(l, movdq2q);
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_EMMS, lower_emms },
    { ZYDIS_MNEMONIC_MOVQ2DQ, lower_movq2dq },
    { ZYDIS_MNEMONIC_MOVDQ2Q, lower_movdq2q },
};

const struct rf_lower_table rf_lower_mmx = RF_LOWER_TABLE(entries);
