/* Stack instructions in every mode, slot size and stack segment: what stack.c and branch.c have
 * no fast handlers for. SS is looked at when they run. PUSHA and ENTER are here alone. */
#include "cpu/ops/integer.h"
#include "cpu/segmentation.h"

/* Handlers that push leave through rf_after_slow: code may have been overwritten. op->c is
 * the slot size in bytes, op->stack is set: only the stack segment can refuse. */
#define FINISH(done)                                                                      \
    do {                                                                                  \
        if (!(done))                                                                      \
            return rf_op_fault(cpu, op);                                                  \
        return rf_after_slow(cpu, op);                                                    \
    } while (0)

static RF_NOINLINE bool push(struct rf_cpu *cpu, uint64_t value, unsigned size)
{
    return rf_stack_push(cpu, &value, 1, size);
}

static RF_OP(push_reg) { FINISH(push(cpu, RF_R64(op->a), op->c)); }
static RF_OP(push_imm) { FINISH(push(cpu, op->imm, op->c)); }

static RF_NOINLINE bool push_memory(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t value = 0;
    return rf_load_slow(cpu, rf_ea(cpu, op), &value, op->c) && rf_stack_push(cpu, &value, 1, op->c);
}
static RF_OP(push_mem) { FINISH(push_memory(cpu, op)); }

static struct rf_op *emit_slot(struct rf_lower *l, rf_run *run)
{
    struct rf_op *op = rf_emit(l, run);
    op->c = (uint8_t)(l->ins.operand_width / 8);
    op->stack = 1;
    return op;
}

/* With a memory operand, whose own segment rf_address sees to. */
static struct rf_op *emit_slot_mem(struct rf_lower *l, rf_run *run)
{
    struct rf_op *op = rf_emit_mem(l, run, 0);
    op->c = (uint8_t)(l->ins.operand_width / 8);
    op->stack = 1;
    return op;
}

bool rf_lower_push_any(struct rf_lower *l)
{
    const ZydisDecodedOperand *o = &l->operand[0];
    if (rf_is_mem(o))
        emit_slot_mem(l, push_mem);
    else if (rf_is_imm(o))
        emit_slot(l, push_imm)->imm = (uint64_t)o->imm.value.s;
    else
        emit_slot(l, push_reg)->a = rf_reg_offset(o->reg.value);
    return true;
}

/* --- POP --- */

/* A pop into (E)SP leaves what was popped. */
static RF_NOINLINE bool pop_register(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t value;
    if (!rf_stack_get(cpu, 0, &value, 1, op->c))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + op->c);
    if (op->c == 2)
        RF_SET(16, op->a, value);
    else
        RF_SET(32, op->a, value);
    return true;
}
static RF_OP(pop_reg)
{
    if (!pop_register(cpu, op))
        return rf_op_fault(cpu, op);
    RF_NEXT;
}

static RF_NOINLINE bool pop_memory(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t value;
    if (!rf_stack_get(cpu, 0, &value, 1, op->c) || !rf_store_slow(cpu, rf_ea(cpu, op), &value, op->c))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + op->c);
    return true;
}
static RF_OP(pop_mem) { FINISH(pop_memory(cpu, op)); }

/* Before the address of POP's memory operand: the stack is read first. */
static RF_NOINLINE bool can_pop(struct rf_cpu *cpu, unsigned size)
{
    uint64_t value;
    return rf_stack_get(cpu, 0, &value, 1, size);
}
static RF_OP(pop_check)
{
    if (!can_pop(cpu, op->c))
        return rf_op_fault(cpu, op);
    RF_NEXT;
}

bool rf_lower_pop_any(struct rf_lower *l)
{
    const ZydisDecodedOperand *o = &l->operand[0];
    if (rf_is_mem(o)) {
        emit_slot(l, pop_check);
        rf_pop_address(l, l->ins.operand_width / 8);
        emit_slot_mem(l, pop_mem);
    } else {
        emit_slot(l, pop_reg)->a = rf_reg_offset(o->reg.value);
    }
    return true;
}

/* --- PUSHA, POPA --- */

/* Push by push, as CPUs do: a fault leaves the slots before it written, and RSP as it was. */
static RF_NOINLINE bool push_all(struct rf_cpu *cpu, unsigned size)
{
    uint64_t rsp = cpu->r[RF_RSP];
    for (unsigned i = 0; i < 8; i++)
        if (!push(cpu, i == RF_RSP ? rsp : cpu->r[i], size)) {
            cpu->r[RF_RSP] = rsp;
            return false;
        }
    return true;
}
static RF_OP(pusha) { FINISH(push_all(cpu, op->c)); }

/* The slot of (E)SP is read, but not loaded (SDM 2B, POPA). */
static RF_NOINLINE bool pop_all(struct rf_cpu *cpu, unsigned size)
{
    uint64_t values[8];
    if (!rf_stack_get(cpu, 0, values, 8, size))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + 8 * size);
    for (unsigned i = 0; i < 8; i++) {
        if (i == 7 - RF_RSP)
            continue;
        if (size == 2)
            RF_SET(16, RF_OFFSET(7 - i), values[i]);
        else
            RF_SET(32, RF_OFFSET(7 - i), values[i]);
    }
    return true;
}
static RF_OP(popa)
{
    if (!pop_all(cpu, op->c))
        return rf_op_fault(cpu, op);
    RF_NEXT;
}

static bool lower_pusha(struct rf_lower *l)
{
    emit_slot(l, pusha);
    return true;
}

static bool lower_popa(struct rf_lower *l)
{
    emit_slot(l, popa);
    return true;
}

/* --- LEAVE, ENTER: the stack segment says how many bits of (E)BP address it, the operand size
 * how many are loaded --- */

static RF_NOINLINE bool leave_frame(struct rf_cpu *cpu, unsigned size)
{
    uint64_t value, frame = cpu->r[RF_RBP];
    if (!rf_stack_read(cpu, frame, &value, size))
        return false;
    rf_set_stack_pointer(cpu, frame + size);
    if (size == 2)
        RF_SET(16, RF_OFFSET(RF_RBP), value);
    else
        RF_SET(32, RF_OFFSET(RF_RBP), value);
    return true;
}
static RF_OP(leave)
{
    if (!leave_frame(cpu, op->c))
        return rf_op_fault(cpu, op);
    RF_NEXT;
}

bool rf_lower_leave_any(struct rf_lower *l)
{
    emit_slot(l, leave);
    return true;
}

/* (E)BP points to the new frame; a 16-bit operand size changes BP alone. */
static void set_frame_pointer(struct rf_cpu *cpu, uint64_t frame, unsigned size)
{
    if (size == 2)
        RF_SET(16, RF_OFFSET(RF_RBP), frame);
    else if (size == 4)
        RF_SET(32, RF_OFFSET(RF_RBP), frame);
    else
        cpu->r[RF_RBP] = frame;
}

/* ENTER size, level (SDM 2A, ENTER): op->imm = size, op->b = level & 31. The pushes come one by
 * one, so that the slots below the stack are written up to the one that faults; a write at
 * the new stack pointer is checked last. False: RSP is anywhere. */
static bool push_frame(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t rbp = cpu->r[RF_RBP], frame = cpu->r[RF_RSP] - op->c, value;
    unsigned level = op->b, size = op->c;
    if (!push(cpu, rbp, size))
        return false;
    for (unsigned i = 1; i < level; i++)
        if (!rf_stack_read(cpu, rbp - size * i, &value, size) || !push(cpu, value, size))
            return false;
    if (level && !push(cpu, frame, size))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] - op->imm + size);
    if (!rf_stack_probe(cpu, 1, size))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] - size);
    set_frame_pointer(cpu, frame, size);
    return true;
}
static RF_NOINLINE bool make_frame(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t rsp = cpu->r[RF_RSP];
    bool made = push_frame(cpu, op);
    if (!made)
        cpu->r[RF_RSP] = rsp;
    return made;
}
static RF_OP(enter) { FINISH(make_frame(cpu, op)); }

bool rf_lower_enter_any(struct rf_lower *l)
{
    struct rf_op *op = emit_slot(l, enter);
    op->imm = l->operand[0].imm.value.u & 0xffff;
    op->b = l->operand[1].imm.value.u & 31;
    return true;
}

/* --- PUSHF, POPF --- */

static RF_NOINLINE bool push_flags(struct rf_cpu *cpu, unsigned size)
{
    uint64_t value = rf_cpu_flags(cpu) & ~(uint64_t)(RF_FLAG_VM | RF_FLAG_RF);
    return rf_stack_push(cpu, &value, 1, size);
}
static RF_OP(pushf) { FINISH(push_flags(cpu, op->c)); }

/* The image to cpu->bounce: the block is retired before the flags change the mode. */
static RF_NOINLINE bool pop_image(struct rf_cpu *cpu, unsigned size)
{
    uint64_t value;
    if (!rf_stack_get(cpu, 0, &value, 1, size))
        return false;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + size);
    memcpy(cpu->bounce, &value, sizeof value);
    return true;
}
static RF_OP(popf)
{
    if (!pop_image(cpu, op->c))
        return rf_op_fault(cpu, op);
    rf_op_retire(cpu, op);
    uint64_t value;
    memcpy(&value, cpu->bounce, sizeof value);
    rf_pop_flags(cpu, value, op->c == 2 ? 0xffff : UINT32_MAX);
    return rf_dispatch(cpu);
}

bool rf_lower_pushf_any(struct rf_lower *l)
{
    emit_slot(l, pushf);
    return true;
}

bool rf_lower_popf_any(struct rf_lower *l)
{
    emit_slot(l, popf);
    l->ends_block = true;
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_PUSHA, lower_pusha }, { ZYDIS_MNEMONIC_PUSHAD, lower_pusha },
    { ZYDIS_MNEMONIC_POPA, lower_popa },   { ZYDIS_MNEMONIC_POPAD, lower_popa },
};
const struct rf_lower_table rf_lower_stack_any = RF_LOWER_TABLE(entries);
