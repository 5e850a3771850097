/* Lowering shared by the VEX-encoded families (ops/avx.h). */
#include "cpu/block.h"
#include "cpu/ops/avx.h"

/* The operands behind the destination. */
struct sources {
    const ZydisDecodedOperand *first, *second; /* first: NULL for a unary instruction */
    uint64_t imm;
};

static struct sources sources_of(const struct rf_lower *l)
{
    const ZydisDecodedOperand *operand = l->operand;
    unsigned count = l->ins.operand_count_visible;
    struct sources s = { 0 };
    const ZydisDecodedOperand *last = &operand[count - 1];
    if (rf_is_imm(last)) {
        s.imm = last->imm.value.u & 0xff;
        count--;
    } else if (count == 4) {
        s.imm = rf_operand_number(last);
        count--;
    }
    s.second = &operand[count - 1];
    s.first = count > 2 ? &operand[1] : NULL;
    return s;
}

bool rf_avx_lower(struct rf_lower *l, const struct rf_avx_form *form)
{
    const struct sources s = sources_of(l);
    const bool wide = l->ins.raw.vex.L, memory = rf_is_mem(s.second);
    rf_run *run = memory ? form->mem[wide] : form->reg[wide];
    if (!run || !rf_is_reg(&l->operand[0]) || !(memory || rf_is_reg(s.second)))
        return false;
    const uint8_t a = rf_operand_number(&l->operand[0]);
    const uint8_t c = memory ? RF_OFFSET(RF_REG_ZERO) : rf_operand_number(s.second);
    const uint8_t b = s.first ? rf_operand_number(s.first) : memory ? a : c;
    if (form->raises && l->cpu->block_mode & RF_MODE_UNMASKED) {
        rf_emit_checked(l, &(struct rf_checked){ .run = form->reg[wide],
                                                 .memory = memory ? s.second : NULL,
                                                 .memory_bytes = form->mem_bytes[wide],
                                                 .unaligned = true,
                                                 .integer = form->integer,
                                                 .scratch_in_c = true,
                                                 .wide = wide,
                                                 .raises = form->raises,
                                                 .destination = form->destination,
                                                 .a = a, .b = b, .c = c, .imm = s.imm });
        return true;
    }
    struct rf_address address = { 0 };
    if (memory)
        address = rf_address(l, s.second);
    struct rf_op *op = rf_emit(l, run);
    op->a = a;
    op->b = b;
    op->c = c;
    op->imm = s.imm;
    if (memory)
        rf_set_address(op, &address);
    return true;
}
