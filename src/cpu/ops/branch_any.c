/* Near transfers outside 64-bit mode for which branch.c has no fast handlers: with a 16-bit
 * operand size, which cuts the target to IP, and in segments whose limits must be looked at. A
 * target beyond CS.limit is #GP(0) at the transfer itself, which then has changed nothing; CALL
 * looks at the stack before that. */
#include "cpu/ops/integer.h"
#include "cpu/segmentation.h"

/* op->c: operand size in bytes. op->simm: a relative target, from the block's start. */
RF_INLINE uint32_t cut(const struct rf_op *op, uint64_t target)
{
    return op->c == 2 ? (uint16_t)target : (uint32_t)target;
}
RF_INLINE bool is_outside(const struct rf_cpu *cpu, uint32_t target)
{
    return RF_UNLIKELY(target > cpu->seg[RF_CS].limit);
}

/* All that can be refused has been. */
static struct rf_op *go(struct rf_cpu *cpu, struct rf_op *op, uint32_t target)
{
    const struct rf_exit *exit = (const struct rf_exit *)(op + 1);
    cpu->budget -= exit->cost;
    cpu->instructions += exit->instructions;
    cpu->r[RF_REG_IP] = target;
    RF_GO(cpu);
}
#define RELATIVE cut(op, cpu->r[RF_REG_IP] + op->imm)

static RF_OP(jump)
{
    uint32_t target = RELATIVE;
    if (is_outside(cpu, target))
        return rf_op_gp0(cpu, op);
    return go(cpu, op, target);
}

/* op->b: condition */
static RF_OP(jump_if)
{
    uint32_t target = RELATIVE;
    if (!rf_flags_test(cpu, op->b))
        RF_LEAVE(fall);
    if (is_outside(cpu, target))
        return rf_op_gp0(cpu, op);
    return go(cpu, op, target);
}

/* op->a: address size in bytes, that of the count; op->b: enum count_rule */
enum count_rule { LOOP, LOOP_IF_ZERO, LOOP_IF_NOT_ZERO, IF_COUNT_ZERO };

RF_INLINE void set_count(struct rf_cpu *cpu, const struct rf_op *op, uint64_t count)
{
    if (op->a == 2)
        RF_R16(RF_OFFSET(RF_RCX)) = (uint16_t)count;
    else
        cpu->r[RF_RCX] = op->a == 4 ? (uint32_t)count : count;
}

static RF_OP(loop)
{
    uint32_t target = RELATIVE;
    uint64_t mask = op->a == 2 ? 0xffff : UINT32_MAX, count = cpu->r[RF_RCX] & mask;
    bool taken = count == 0;
    if (op->b != IF_COUNT_ZERO) {
        count = (count - 1) & mask;
        taken = count != 0 && (op->b == LOOP || rf_flags_test(cpu, 4) == (op->b == LOOP_IF_ZERO));
    }
    if (taken && is_outside(cpu, target))
        return rf_op_gp0(cpu, op);
    if (op->b != IF_COUNT_ZERO)
        set_count(cpu, op, count);
    if (taken)
        return go(cpu, op, target);
    RF_LEAVE(fall);
}

static RF_NOINLINE void push_return(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t next = cut(op, cpu->r[RF_REG_IP] + op->ip_offset + op->length);
    rf_stack_push(cpu, &next, 1, op->c);
}

static struct rf_op *transfer(struct rf_cpu *cpu, struct rf_op *op, uint32_t target)
{
    if (op->a && !rf_stack_probe(cpu, 1, op->c))
        return rf_op_fault(cpu, op);
    if (is_outside(cpu, target))
        return rf_op_gp0(cpu, op);
    if (op->a)
        push_return(cpu, op);
    return go(cpu, op, target);
}
/* op->a: CALL; then op->stack is set, for what the probe may be refused. */
static RF_OP(call) { return transfer(cpu, op, RELATIVE); }
static RF_OP(transfer_reg) { return transfer(cpu, op, cut(op, RF_R64(op->b))); }

static RF_NOINLINE bool load_target(struct rf_cpu *cpu, const struct rf_op *op)
{
    memset(cpu->bounce, 0, 8);
    return rf_load_slow(cpu, rf_ea(cpu, op), cpu->bounce, op->c);
}
static RF_OP(transfer_mem)
{
    uint32_t target;
    if (!load_target(cpu, op))
        return rf_op_fault(cpu, op);
    memcpy(&target, cpu->bounce, sizeof target);
    return transfer(cpu, op, target);
}

static RF_NOINLINE bool read_return(struct rf_cpu *cpu, const struct rf_op *op)
{
    uint64_t target;
    if (!rf_stack_get(cpu, 0, &target, 1, op->c))
        return false;
    memcpy(cpu->bounce, &target, sizeof target);
    return true;
}
/* op->imm: bytes of parameters to release */
static RF_OP(ret)
{
    uint32_t target;
    if (!read_return(cpu, op))
        return rf_op_fault(cpu, op);
    memcpy(&target, cpu->bounce, sizeof target);
    if (is_outside(cpu, target))
        return rf_op_gp0(cpu, op);
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + op->c + op->imm);
    return go(cpu, op, target);
}

/* --- lowering --- */

static struct rf_op *emit_relative(struct rf_lower *l, rf_run *run)
{
    struct rf_op *op = rf_emit(l, run);
    op->simm = rf_branch_delta(l);
    return op;
}

static struct rf_op *emit_count(struct rf_lower *l, enum count_rule rule)
{
    struct rf_op *op = emit_relative(l, loop);
    op->a = l->ins.address_width / 8;
    op->b = (uint8_t)rule;
    return op;
}

/* JMP and CALL */
static struct rf_op *emit_transfer(struct rf_lower *l, bool is_call)
{
    const ZydisDecodedOperand *o = &l->operand[0];
    struct rf_op *op;
    if (rf_is_imm(o)) {
        op = emit_relative(l, is_call ? call : jump);
    } else if (rf_is_mem(o)) {
        op = rf_emit_mem(l, transfer_mem, 0);
    } else {
        op = rf_emit(l, transfer_reg);
        op->b = rf_reg_offset(o->reg.value);
    }
    op->a = is_call;
    op->stack = is_call;
    return op;
}

static struct rf_op *emit_return(struct rf_lower *l)
{
    struct rf_op *op = rf_emit(l, ret);
    op->stack = 1;
    if (rf_is_imm(&l->operand[0]) && l->ins.operand_count_visible)
        op->imm = l->operand[0].imm.value.u & 0xffff;
    return op;
}

bool rf_lower_near_any(struct rf_lower *l)
{
    struct rf_op *op;
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_JMP: op = emit_transfer(l, false); break;
    case ZYDIS_MNEMONIC_CALL: op = emit_transfer(l, true); break;
    case ZYDIS_MNEMONIC_RET: op = emit_return(l); break;
    case ZYDIS_MNEMONIC_LOOP: op = emit_count(l, LOOP); break;
    case ZYDIS_MNEMONIC_LOOPE: op = emit_count(l, LOOP_IF_ZERO); break;
    case ZYDIS_MNEMONIC_LOOPNE: op = emit_count(l, LOOP_IF_NOT_ZERO); break;
    case ZYDIS_MNEMONIC_JECXZ:
    case ZYDIS_MNEMONIC_JCXZ: op = emit_count(l, IF_COUNT_ZERO); break;
    default:
        op = emit_relative(l, jump_if);
        op->b = (uint8_t)rf_condition(l);
        break;
    }
    op->c = l->ins.operand_width == 16 ? 2 : 4;
    l->ends_block = true;
    return true;
}
