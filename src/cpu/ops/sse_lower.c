/* Lowering shared by the vector families (ops/sse.h). */
#include "cpu/block.h"
#include "cpu/ops/sse.h"

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
