/* Near JMP, CALL and RET while CET is on, for any mode and operand size, and the check at a
 * block's begin that an indirect branch has come to an ENDBRANCH (SDM 1, 17.2 and 17.3; 2A and 2B,
 * the instructions' pages). branch.c has the fast ones. */
#include "cpu/block.h"
#include "cpu/cet.h"
#include "cpu/engine.h"
#include "cpu/ops/integer.h"
#include "cpu/segmentation.h"

/* --- targets: the op before the transfer leaves it in cpu->branch_target --- */

/* op->c: operand bytes */
RF_INLINE uint64_t cut(const struct rf_op *op, uint64_t ip)
{
    return op->c == 8 ? ip : op->c == 4 ? (uint32_t)ip : (uint16_t)ip;
}

static RF_OP(target_relative)
{
    cpu->branch_target = cut(op, cpu->r[RF_REG_IP] + op->imm);
    RF_NEXT;
}
static RF_OP(target_register)
{
    cpu->branch_target = cut(op, RF_R64(op->a));
    RF_NEXT;
}
#define TARGET_MEMORY(N)                                                                  \
    RF_MEM_HANDLER(target_memory_##N)                                                     \
    {                                                                                     \
        RF_LOAD(uint##N##_t, target, rf_ea(cpu, op));                                     \
        cpu->branch_target = target;                                                      \
        RF_MEM_NEXT;                                                                      \
    }
TARGET_MEMORY(16)
TARGET_MEMORY(32)
TARGET_MEMORY(64)

/* --- transfers: op->c operand bytes; op->b: enum tracking; op->a: CALL of the next instruction --- */

enum tracking { UNTRACKED, TRACKED, NOTRACK_PREFIX };

static struct rf_op *go(struct rf_cpu *cpu, struct rf_op *op, uint64_t target)
{
    rf_op_retire(cpu, op);
    cpu->r[RF_REG_IP] = target;
    if (op->b == TRACKED || (op->b == NOTRACK_PREFIX && !rf_cet_enabled(cpu, cpu->cpl, RF_CET_NO_TRACK_EN)))
        rf_cet_wait_for_endbranch(cpu);
    return rf_dispatch(cpu);
}

static RF_OP(jump)
{
    const uint64_t target = cpu->branch_target;
    if (!rf_target_allowed(cpu, &cpu->seg[RF_CS], target))
        return rf_op_gp0(cpu, op);
    return go(cpu, op, target);
}

enum outcome { DONE, STACK_FAULT, SHADOW_FAULT, MISMATCH };

static unsigned shadow_size(const struct rf_cpu *cpu)
{
    return cpu->code_bits == 64 ? 8 : 4;
}

/* Return addresses go to both stacks, or to none (but for bytes beyond the stack pointers). */
static RF_NOINLINE enum outcome push_both(struct rf_cpu *cpu, const struct rf_op *op, uint64_t ip)
{
    const unsigned size = shadow_size(cpu);
    const bool shadow = rf_shadow_stack_enabled(cpu, cpu->cpl) && !op->a;
    if (!rf_stack_put(cpu, &ip, 1, op->c))
        return STACK_FAULT;
    if (shadow && !rf_shadow_store(cpu, cpu->ssp - size, ip, size))
        return SHADOW_FAULT;
    if (shadow)
        cpu->ssp -= size;
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] - op->c);
    return DONE;
}

static RF_OP(call)
{
    const uint64_t target = cpu->branch_target;
    if (!rf_target_allowed(cpu, &cpu->seg[RF_CS], target))
        return rf_op_gp0(cpu, op);
    enum outcome outcome = push_both(cpu, op, cut(op, cpu->r[RF_REG_IP] + op->ip_offset + op->length));
    if (outcome != DONE)
        return outcome == STACK_FAULT ? rf_op_stack_fault(cpu, op) : rf_op_fault(cpu, op);
    return go(cpu, op, target);
}

/* The target is left in cpu->branch_target. op->imm: bytes of parameters */
static RF_NOINLINE enum outcome pop_both(struct rf_cpu *cpu, const struct rf_op *op)
{
    const unsigned size = shadow_size(cpu);
    const bool shadow = rf_shadow_stack_enabled(cpu, cpu->cpl);
    uint64_t expected;
    if (!rf_stack_get(cpu, 0, &cpu->branch_target, 1, op->c))
        return STACK_FAULT;
    if (shadow && !rf_shadow_load(cpu, cpu->ssp, &expected, size))
        return SHADOW_FAULT;
    return shadow && expected != cpu->branch_target ? MISMATCH : DONE;
}

static RF_OP(ret)
{
    switch (pop_both(cpu, op)) {
    case STACK_FAULT: return rf_op_stack_fault(cpu, op);
    case SHADOW_FAULT: return rf_op_fault(cpu, op);
    case MISMATCH: return rf_op_raise(cpu, op, RF_CP, true, RF_CP_NEAR_RET);
    case DONE: break;
    }
    if (!rf_target_allowed(cpu, &cpu->seg[RF_CS], cpu->branch_target))
        return rf_op_gp0(cpu, op);
    if (rf_shadow_stack_enabled(cpu, cpu->cpl))
        cpu->ssp += shadow_size(cpu);
    rf_set_stack_pointer(cpu, cpu->r[RF_RSP] + op->c + op->imm);
    return go(cpu, op, cpu->branch_target);
}

/* --- lowering --- */

static uint8_t operand_bytes(const struct rf_lower *l)
{
    return l->code_bits == 64 ? 8 : (uint8_t)(l->ins.operand_width / 8);
}

static void emit_target(struct rf_lower *l)
{
    const ZydisDecodedOperand *operand = &l->operand[0];
    struct rf_op *op;
    if (rf_is_imm(operand)) {
        op = rf_emit(l, target_relative);
        op->imm = (uint64_t)rf_branch_delta(l);
    } else if (rf_is_mem(operand)) {
        rf_run *run = operand->size == 64 ? target_memory_64 : operand->size == 32 ? target_memory_32
                                                                                    : target_memory_16;
        op = rf_emit_mem(l, run, 0);
    } else {
        op = rf_emit(l, target_register);
        op->a = rf_reg_offset(operand->reg.value);
    }
    op->c = operand_bytes(l);
}

bool rf_lower_cet_transfer(struct rf_lower *l)
{
    const bool is_ret = l->ins.mnemonic == ZYDIS_MNEMONIC_RET, is_call = l->ins.mnemonic == ZYDIS_MNEMONIC_CALL;
    const bool direct = rf_is_imm(&l->operand[0]);
    if (!is_ret)
        emit_target(l);
    struct rf_op *op = rf_emit(l, is_ret ? ret : is_call ? call : jump);
    op->c = operand_bytes(l);
    op->b = UNTRACKED;
    if (is_ret && direct && l->ins.operand_count_visible)
        op->imm = l->operand[0].imm.value.u & 0xffff;
    if (!is_ret && !direct)
        op->b = l->ins.attributes & ZYDIS_ATTRIB_HAS_NOTRACK ? NOTRACK_PREFIX : TRACKED;
    op->a = is_call && direct && l->operand[0].imm.value.s == 0;
    l->ends_block = true;
    return true;
}

/* --- the target of an indirect branch --- */

/* Old code: a bitmap has a bit for each page where targets need no ENDBRANCH (SDM 1, 17.3.6). */
static RF_NOINLINE bool legacy_page(struct rf_cpu *cpu, uint64_t lip, bool *allowed)
{
    const uint64_t control = *rf_cet_control(cpu, cpu->cpl);
    uint8_t bits;
    *allowed = false;
    if (!(control & RF_CET_LEG_IW_EN))
        return true;
    if (!rf_mmu_read(&cpu->mmu, (control & ~UINT64_C(0xfff)) + (lip >> 15), &bits, 1,
                     (enum rf_tlb_mode)cpu->tlb_mode, &cpu->fault))
        return false;
    *allowed = bits >> (lip >> 12 & 7) & 1;
    return true;
}

static RF_NOINLINE enum outcome missing_endbranch(struct rf_cpu *cpu)
{
    uint64_t *control = rf_cet_control(cpu, cpu->cpl), lip = cpu->r[RF_REG_IP];
    bool allowed;
    if (cpu->code_bits != 64)
        lip = (uint32_t)(lip + cpu->seg[RF_CS].base);
    if (!legacy_page(cpu, lip, &allowed))
        return SHADOW_FAULT;
    if (!allowed)
        return MISMATCH;
    *control &= ~RF_CET_TRACKER;
    if (!(*control & RF_CET_SUPPRESS_DIS))
        *control |= RF_CET_SUPPRESS;
    return DONE;
}

/* Before a block whose first instruction is no ENDBRANCH of the mode. */
static RF_OP(target_begin)
{
    if (RF_LIKELY(!(*rf_cet_control(cpu, cpu->cpl) & RF_CET_TRACKER)))
        RF_NEXT;
    switch (missing_endbranch(cpu)) {
    case MISMATCH: return rf_op_raise(cpu, op, RF_CP, true, RF_CP_ENDBRANCH);
    case DONE: break;
    default: return rf_op_fault(cpu, op);
    }
    RF_NEXT;
}

static RF_OP(endbranch)
{
    *rf_cet_control(cpu, cpu->cpl) &= ~(RF_CET_TRACKER | RF_CET_SUPPRESS);
    RF_NEXT;
}
static RF_OP(nop) { RF_NEXT; }

static bool is_endbranch(const struct rf_lower *l, ZydisMnemonic mnemonic)
{
    return mnemonic == (l->code_bits == 64 ? ZYDIS_MNEMONIC_ENDBR64 : ZYDIS_MNEMONIC_ENDBR32);
}

/* INT3 and INT1 may stand in an ENDBRANCH's place, put there by a debugger (CET specification 3.0,
 * 7.3.3). */
void rf_emit_target_begin(struct rf_lower *l, ZydisMnemonic first)
{
    if (!is_endbranch(l, first) && first != ZYDIS_MNEMONIC_INT3 && first != ZYDIS_MNEMONIC_INT1)
        rf_emit(l, target_begin);
}

static bool lower_endbranch(struct rf_lower *l)
{
    bool tracked = l->cpu->block_mode & RF_MODE_TRACKING && is_endbranch(l, l->ins.mnemonic);
    rf_emit(l, tracked ? endbranch : nop);
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_ENDBR64, lower_endbranch },
    { ZYDIS_MNEMONIC_ENDBR32, lower_endbranch },
};
const struct rf_lower_table rf_lower_cet_branch = RF_LOWER_TABLE(entries);
