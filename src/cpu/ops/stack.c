/* PUSH POP LEAVE PUSHF POPF in 64-bit mode, and as 32-bit code on a flat stack; the other forms,
 * and ENTER, are in stack_any.c. RSP changes only when nothing can fault any more. */
#include "cpu/block.h"
#include "cpu/ops/integer.h"

/* --- 64-bit mode: 8-byte slots, or 2-byte ones with an operand-size prefix --- */
#define PUSHES(N)                                                                         \
    RF_MEM_HANDLER(push_r_##N)                                                            \
    {                                                                                     \
        uint64_t rsp = cpu->r[RF_RSP] - sizeof(RF_TYPE_##N);                              \
        RF_STACK_STORE(RF_TYPE_##N, rsp, RF_GET(N, op->a));                                     \
        cpu->r[RF_RSP] = rsp;                                                             \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(push_i_##N)                                                            \
    {                                                                                     \
        uint64_t rsp = cpu->r[RF_RSP] - sizeof(RF_TYPE_##N);                              \
        RF_STACK_STORE(RF_TYPE_##N, rsp, (RF_TYPE_##N)op->imm);                                 \
        cpu->r[RF_RSP] = rsp;                                                             \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(push_m_##N)                                                            \
    {                                                                                     \
        RF_LOAD(RF_TYPE_##N, value, rf_ea(cpu, op));                                      \
        uint64_t rsp = cpu->r[RF_RSP] - sizeof(RF_TYPE_##N);                              \
        RF_STACK_STORE(RF_TYPE_##N, rsp, value);                                                \
        cpu->r[RF_RSP] = rsp;                                                             \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(pop_r_##N)                                                             \
    {                                                                                     \
        RF_STACK_LOAD(RF_TYPE_##N, value, cpu->r[RF_RSP]);                                      \
        cpu->r[RF_RSP] += sizeof(RF_TYPE_##N);                                            \
        RF_SET(N, op->a, value);                                                          \
        RF_MEM_NEXT;                                                                      \
    }                                                                                     \
    RF_MEM_HANDLER(pop_m_##N)                                                             \
    {                                                                                     \
        RF_STACK_LOAD(RF_TYPE_##N, value, cpu->r[RF_RSP]);                                      \
        RF_STORE(RF_TYPE_##N, rf_ea(cpu, op), value);                                     \
        cpu->r[RF_RSP] += sizeof(RF_TYPE_##N);                                            \
        RF_MEM_NEXT;                                                                      \
    }
PUSHES(16)
PUSHES(64)

/* Outside 64-bit mode, on a flat stack: 4-byte slots at ESP. */
#define PUSH_32(value)                                                                    \
    uint32_t esp = (uint32_t)cpu->r[RF_RSP] - 4;                                          \
    RF_STACK_STORE(uint32_t, esp, value);                                                       \
    cpu->r[RF_RSP] = esp;                                                                 \
    RF_MEM_NEXT
RF_MEM_HANDLER(push_r_32) { PUSH_32(RF_R32(op->a)); }
RF_MEM_HANDLER(push_i_32) { PUSH_32((uint32_t)op->imm); }
RF_MEM_HANDLER(push_m_32)
{
    RF_LOAD(uint32_t, value, rf_ea(cpu, op));
    PUSH_32(value);
}
RF_MEM_HANDLER(pop_r_32)
{
    RF_STACK_LOAD(uint32_t, value, (uint32_t)cpu->r[RF_RSP]);
    cpu->r[RF_RSP] = (uint32_t)cpu->r[RF_RSP] + 4;
    RF_SET(32, op->a, value);
    RF_MEM_NEXT;
}
RF_MEM_HANDLER(pop_m_32)
{
    RF_STACK_LOAD(uint32_t, value, (uint32_t)cpu->r[RF_RSP]);
    RF_STORE(uint32_t, rf_ea(cpu, op), value);
    cpu->r[RF_RSP] = (uint32_t)cpu->r[RF_RSP] + 4;
    RF_MEM_NEXT;
}

bool rf_lower_any_stack(const struct rf_lower *l)
{
    return l->code_bits != 64 &&
           (l->cpu->block_mode & RF_MODE_SEGMENTED || l->ins.operand_width == 16);
}

/* log2 of the slot size: 64 bits or 32 by mode, 16 with a prefix. */
static unsigned slot_size(const struct rf_lower *l)
{
    if (l->code_bits == 64)
        return l->ins.operand_width == 16 ? 1 : 3;
    return 2;
}

static bool is_segment(const ZydisDecodedOperand *o)
{
    return rf_is_reg(o) && ZydisRegisterGetClass(o->reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

static bool lower_push(struct rf_lower *l)
{
    static rf_run *const r[4] = { NULL, push_r_16, push_r_32, push_r_64 },
                         *const i[4] = { NULL, push_i_16, push_i_32, push_i_64 },
                         *const m[4] = { NULL, push_m_16, push_m_32, push_m_64 };
    unsigned size = slot_size(l);
    const ZydisDecodedOperand *o = &l->operand[0];
    if (is_segment(o))
        return rf_lower_push_segment(l);
    if (rf_lower_any_stack(l))
        return rf_lower_push_any(l);
    struct rf_op *op;
    if (rf_is_mem(o)) {
        rf_emit_mem(l, m[size], 0);
    } else if (rf_is_imm(o)) {
        op = rf_emit(l, i[size]);
        op->imm = (uint64_t)o->imm.value.s;
    } else {
        op = rf_emit(l, r[size]);
        op->a = rf_reg_offset(o->reg.value);
    }
    return true;
}

void rf_pop_address(struct rf_lower *l, unsigned bytes)
{
    ZydisRegister base = l->operand[0].mem.base;
    if (base == ZYDIS_REGISTER_RSP || base == ZYDIS_REGISTER_ESP)
        l->address_extra = (uint8_t)bytes;
}

static bool lower_pop(struct rf_lower *l)
{
    static rf_run *const r[4] = { NULL, pop_r_16, pop_r_32, pop_r_64 },
                         *const m[4] = { NULL, pop_m_16, pop_m_32, pop_m_64 };
    unsigned size = slot_size(l);
    const ZydisDecodedOperand *o = &l->operand[0];
    if (is_segment(o))
        return rf_lower_pop_segment(l);
    if (rf_lower_any_stack(l))
        return rf_lower_pop_any(l);
    struct rf_op *op;
    if (rf_is_mem(o)) {
        rf_pop_address(l, 1u << size);
        op = rf_emit_mem(l, m[size], 0);
    } else {
        op = rf_emit(l, r[size]);
        op->a = rf_reg_offset(o->reg.value);
    }
    return true;
}

/* --- LEAVE --- */
RF_MEM_HANDLER(leave_64)
{
    uint64_t frame = cpu->r[RF_RBP];
    RF_LOAD(uint64_t, value, frame);
    cpu->r[RF_RSP] = frame + 8;
    cpu->r[RF_RBP] = value;
    RF_MEM_NEXT;
}
RF_MEM_HANDLER(leave_32)
{
    uint32_t frame = (uint32_t)cpu->r[RF_RBP];
    RF_LOAD(uint32_t, value, frame);
    cpu->r[RF_RSP] = frame + 4;
    cpu->r[RF_RBP] = value;
    RF_MEM_NEXT;
}

static bool lower_leave(struct rf_lower *l)
{
    if (l->ins.operand_width == 16 || rf_lower_any_stack(l))
        return rf_lower_leave_any(l);
    struct rf_op *op = rf_emit(l, l->code_bits == 64 ? leave_64 : leave_32);
    op->stack = 1;
    return true;
}

/* --- PUSHF, POPF --- */
RF_MEM_HANDLER(pushf_64)
{
    uint64_t rsp = cpu->r[RF_RSP] - 8;
    RF_STACK_STORE(uint64_t, rsp, rf_cpu_flags(cpu) & ~(uint64_t)(RF_FLAG_VM | RF_FLAG_RF));
    cpu->r[RF_RSP] = rsp;
    RF_MEM_NEXT;
}
RF_MEM_HANDLER(pushf_16)
{
    uint64_t rsp = cpu->r[RF_RSP] - 2;
    RF_STACK_STORE(uint16_t, rsp, (uint16_t)rf_cpu_flags(cpu));
    cpu->r[RF_RSP] = rsp;
    RF_MEM_NEXT;
}
RF_MEM_HANDLER(pushf_32) { PUSH_32((uint32_t)rf_cpu_flags(cpu) & ~(RF_FLAG_VM | RF_FLAG_RF)); }

/* What POPF may change (SDM 2, POPF, table 4-17): IOPL at CPL 0 only, IF when
 * CPL <= IOPL; RF is cleared, VM, VIF and VIP stay. */
void rf_pop_flags(struct rf_cpu *cpu, uint64_t value, uint64_t width_mask)
{
    uint64_t mask = RF_FLAGS_STATUS | RF_FLAG_TF | RF_FLAG_DF | RF_FLAG_NT | RF_FLAG_AC | RF_FLAG_ID;
    unsigned iopl = (cpu->flags & RF_FLAG_IOPL) >> 12;
    if (cpu->cpl == 0)
        mask |= RF_FLAG_IOPL;
    if (cpu->cpl <= iopl)
        mask |= RF_FLAG_IF;
    mask &= width_mask;
    uint64_t old = rf_cpu_flags(cpu) & ~(uint64_t)RF_FLAG_RF;
    rf_cpu_set_flags(cpu, (old & ~mask) | (value & mask));
}

RF_MEM_HANDLER(popf_64)
{
    RF_STACK_LOAD(uint64_t, value, cpu->r[RF_RSP]);
    cpu->r[RF_RSP] += 8;
    rf_op_retire(cpu, op);
    rf_pop_flags(cpu, value, UINT32_MAX);
    return rf_dispatch(cpu);
}
RF_MEM_HANDLER(popf_16)
{
    RF_STACK_LOAD(uint16_t, value, cpu->r[RF_RSP]);
    cpu->r[RF_RSP] += 2;
    rf_op_retire(cpu, op);
    rf_pop_flags(cpu, value, 0xffff);
    return rf_dispatch(cpu);
}
RF_MEM_HANDLER(popf_32)
{
    RF_STACK_LOAD(uint32_t, value, (uint32_t)cpu->r[RF_RSP]);
    cpu->r[RF_RSP] = (uint32_t)cpu->r[RF_RSP] + 4;
    rf_op_retire(cpu, op);
    rf_pop_flags(cpu, value, UINT32_MAX);
    return rf_dispatch(cpu);
}

static bool lower_pushf(struct rf_lower *l)
{
    unsigned size = slot_size(l);
    if (rf_lower_any_stack(l))
        return rf_lower_pushf_any(l);
    struct rf_op *op = rf_emit(l, size == 3 ? pushf_64 : size == 2 ? pushf_32 : pushf_16);
    op->stack = 1;
    return true;
}

static bool lower_popf(struct rf_lower *l)
{
    unsigned size = slot_size(l);
    if (rf_lower_any_stack(l))
        return rf_lower_popf_any(l);
    struct rf_op *op = rf_emit(l, size == 3 ? popf_64 : size == 2 ? popf_32 : popf_16);
    op->stack = 1;
    l->ends_block = true;
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_PUSH, lower_push },    { ZYDIS_MNEMONIC_POP, lower_pop },
    { ZYDIS_MNEMONIC_LEAVE, lower_leave },  { ZYDIS_MNEMONIC_ENTER, rf_lower_enter_any },
    { ZYDIS_MNEMONIC_PUSHFQ, lower_pushf }, { ZYDIS_MNEMONIC_PUSHFD, lower_pushf },
    { ZYDIS_MNEMONIC_PUSHF, lower_pushf },  { ZYDIS_MNEMONIC_POPFQ, lower_popf },
    { ZYDIS_MNEMONIC_POPFD, lower_popf },   { ZYDIS_MNEMONIC_POPF, lower_popf },
};
const struct rf_lower_table rf_lower_stack = RF_LOWER_TABLE(entries);
