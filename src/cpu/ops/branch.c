/* JMP Jcc CALL RET LOOP JRCXZ: near transfers in 64-bit mode and as 32-bit code in flat segments.
 * The others are in branch_any.c, far ones in segment.c. */
#include "cpu/block.h"
#include "cpu/ops/integer.h"

static RF_OP(jump) { RF_LEAVE(taken); }

static bool lower_relative(struct rf_lower *l, rf_run *run)
{
    rf_emit(l, run);
    l->ends_block = l->is_branch = true;
    l->taken_delta = rf_branch_delta(l);
    return true;
}

/* --- Jcc on flags that an earlier instruction left --- */
#define JUMP_IF(cond, name, kind, bits)                                                   \
    static RF_OP(jcc_##name##_##cond)                                                     \
    {                                                                                     \
        if (rf_cond_known(cpu, kind, bits, cond))                                         \
            RF_LEAVE(taken);                                                              \
        RF_LEAVE(fall);                                                                   \
    }
#define FOR_KIND(name, kind, bits) RF_CONDITIONS(JUMP_IF, name, kind, bits)
RF_KNOWN_KINDS(FOR_KIND)
#define ROW(name, kind, bits) RF_BY_CONDITION(jcc_##name),
static rf_run *const jcc[RF_KNOWN_COUNT][16] = { RF_KNOWN_KINDS(ROW) };

static bool lower_jcc(struct rf_lower *l)
{
    unsigned condition = rf_condition(l);
    if (rf_lower_any_stack(l))
        return rf_lower_near_any(l);
    if (!l->fusable)
        return lower_relative(l, jcc[rf_known_kind(l->cc_known)][condition]);
    /* the compare becomes compare-and-branch; this instruction has no op of its own */
    (l->out - 1)->run = l->fusable[condition];
    l->ends_block = l->is_branch = true;
    l->taken_delta = rf_branch_delta(l);
    return true;
}

/* --- LOOP, JRCXZ: the count register has the address size --- */
static RF_OP(loop_64) { if (--cpu->r[RF_RCX]) RF_LEAVE(taken); RF_LEAVE(fall); }
static RF_OP(loop_32)
{
    cpu->r[RF_RCX] = (uint32_t)(cpu->r[RF_RCX] - 1);
    if (cpu->r[RF_RCX])
        RF_LEAVE(taken);
    RF_LEAVE(fall);
}
static RF_OP(jrcxz) { if (!cpu->r[RF_RCX]) RF_LEAVE(taken); RF_LEAVE(fall); }
static RF_OP(jecxz) { if (!(uint32_t)cpu->r[RF_RCX]) RF_LEAVE(taken); RF_LEAVE(fall); }
static RF_OP(jcxz) { if (!(uint16_t)cpu->r[RF_RCX]) RF_LEAVE(taken); RF_LEAVE(fall); }
/* LOOPE and LOOPNE: op->a is the ZF value that goes on */
static RF_OP(loop_if_64)
{
    cpu->r[RF_RCX]--;
    if (cpu->r[RF_RCX] && rf_flags_test(cpu, 4) == op->a)
        RF_LEAVE(taken);
    RF_LEAVE(fall);
}
static RF_OP(loop_if_32)
{
    cpu->r[RF_RCX] = (uint32_t)(cpu->r[RF_RCX] - 1);
    if (cpu->r[RF_RCX] && rf_flags_test(cpu, 4) == op->a)
        RF_LEAVE(taken);
    RF_LEAVE(fall);
}

static bool lower_loop(struct rf_lower *l)
{
    bool wide = l->ins.address_width == 64;
    if (l->ins.address_width == 16 || rf_lower_any_stack(l))
        return rf_lower_near_any(l);
    switch (l->ins.mnemonic) {
    case ZYDIS_MNEMONIC_LOOP:
        return lower_relative(l, wide ? loop_64 : loop_32);
    default:
        lower_relative(l, wide ? loop_if_64 : loop_if_32);
        (l->out - 1)->a = l->ins.mnemonic == ZYDIS_MNEMONIC_LOOPE;
        return true;
    }
}

static bool lower_jcxz(struct rf_lower *l)
{
    if (rf_lower_any_stack(l))
        return rf_lower_near_any(l);
    rf_run *run = l->ins.mnemonic == ZYDIS_MNEMONIC_JRCXZ   ? jrcxz
                  : l->ins.mnemonic == ZYDIS_MNEMONIC_JECXZ ? jecxz
                                                            : jcxz;
    return lower_relative(l, run);
}

/* --- indirect jumps ---
 * A non-canonical target raises #GP before RIP changes (SDM 2, JMP). */
RF_INLINE bool canonical(const struct rf_cpu *cpu, uint64_t rip)
{
    return RF_LIKELY((uint64_t)(((int64_t)(rip << 16) >> 16)) == rip) || rf_mmu_canonical(&cpu->mmu, rip);
}

#define JUMP_TO(target)                                                                   \
    do {                                                                                  \
        uint64_t goal_ = (target);                                                        \
        if (RF_UNLIKELY(!canonical(cpu, goal_)))                                          \
            return rf_op_gp0(cpu, op);                                                    \
        const struct rf_exit *exit_ = (const struct rf_exit *)(op + 1);                   \
        cpu->budget -= exit_->cost;                                                       \
        cpu->instructions += exit_->instructions;                                         \
        cpu->r[RF_REG_IP] = goal_;                                                        \
        RF_GO(cpu);                                                                       \
    } while (0)

static RF_OP(jump_reg) { JUMP_TO(RF_R64(op->a)); }
RF_MEM_HANDLER(jump_mem)
{
    RF_LOAD(uint64_t, target, rf_ea(cpu, op));
    JUMP_TO(target);
}
static RF_OP(jump_reg_32) { JUMP_TO(RF_R32(op->a)); }
RF_MEM_HANDLER(jump_mem_32)
{
    RF_LOAD(uint32_t, target, rf_ea(cpu, op));
    JUMP_TO(target);
}

static bool lower_jmp(struct rf_lower *l)
{
    if (l->ins.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return rf_lower_far(l);
    if (l->cpu->block_mode & RF_MODE_TRACKING && !rf_is_imm(&l->operand[0]))
        return rf_lower_cet_transfer(l);
    if (rf_lower_any_stack(l))
        return rf_lower_near_any(l);
    if (rf_is_imm(&l->operand[0]))
        return lower_relative(l, jump);
    bool wide = l->code_bits == 64;
    l->ends_block = true;
    if (rf_is_mem(&l->operand[0])) {
        rf_emit_mem(l, wide ? jump_mem : jump_mem_32, 0);
    } else {
        struct rf_op *op = rf_emit(l, wide ? jump_reg : jump_reg_32);
        op->a = rf_reg_offset(l->operand[0].reg.value);
    }
    return true;
}

/* --- CALL and RET --- */
#define RETURN_ADDRESS (cpu->r[RF_REG_IP] + op->ip_offset + op->length)

RF_MEM_HANDLER(call)
{
    uint64_t rsp = cpu->r[RF_RSP] - 8;
    RF_STACK_STORE(uint64_t, rsp, RETURN_ADDRESS);
    cpu->r[RF_RSP] = rsp;
    RF_LEAVE(taken);
}

#define CALL_INDIRECT(get)                                                                \
    get;                                                                                  \
    if (RF_UNLIKELY(!canonical(cpu, target)))                                             \
        return rf_op_gp0(cpu, op);                                                        \
    uint64_t rsp = cpu->r[RF_RSP] - 8;                                                    \
    RF_STACK_STORE(uint64_t, rsp, RETURN_ADDRESS);                                              \
    cpu->r[RF_RSP] = rsp;                                                                 \
    JUMP_TO(target)

RF_MEM_HANDLER(call_reg) { CALL_INDIRECT(uint64_t target = RF_R64(op->a)); }
RF_MEM_HANDLER(call_mem) { CALL_INDIRECT(RF_LOAD(uint64_t, target, rf_ea(cpu, op))); }

RF_MEM_HANDLER(ret)
{
    RF_STACK_LOAD(uint64_t, target, cpu->r[RF_RSP]);
    if (RF_UNLIKELY(!canonical(cpu, target)))
        return rf_op_gp0(cpu, op);
    cpu->r[RF_RSP] += 8 + op->imm;
    JUMP_TO(target);
}

/* 32-bit code on a flat stack: 4-byte slots at ESP. */
#define STACK32(offset) ((uint32_t)(cpu->r[RF_RSP] + (uint64_t)(int64_t)(offset)))

RF_MEM_HANDLER(call_32)
{
    uint32_t esp = STACK32(-4);
    RF_STACK_STORE(uint32_t, esp, (uint32_t)RETURN_ADDRESS);
    cpu->r[RF_RSP] = esp;
    JUMP_TO((uint32_t)(RETURN_ADDRESS + op->imm));
}
#define CALL_INDIRECT_32(get)                                                             \
    get;                                                                                  \
    uint32_t esp = STACK32(-4);                                                           \
    RF_STACK_STORE(uint32_t, esp, (uint32_t)RETURN_ADDRESS);                        \
    cpu->r[RF_RSP] = esp;                                                                 \
    JUMP_TO(target)
RF_MEM_HANDLER(call_reg_32) { CALL_INDIRECT_32(uint32_t target = RF_R32(op->a)); }
RF_MEM_HANDLER(call_mem_32) { CALL_INDIRECT_32(RF_LOAD(uint32_t, target, rf_ea(cpu, op))); }
RF_MEM_HANDLER(ret_32)
{
    RF_LOAD(uint32_t, target, STACK32(0));
    cpu->r[RF_RSP] = STACK32(4 + (int64_t)op->imm);
    JUMP_TO(target);
}

static bool lower_call(struct rf_lower *l)
{
    if (l->ins.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return rf_lower_far(l);
    if (l->cpu->block_mode & (RF_MODE_SHADOW_STACK | RF_MODE_TRACKING))
        return rf_lower_cet_transfer(l);
    if (rf_lower_any_stack(l))
        return rf_lower_near_any(l);
    bool wide = l->code_bits == 64;
    l->ends_block = true;
    struct rf_op *op;
    if (rf_is_imm(&l->operand[0])) {
        op = rf_emit(l, wide ? call : call_32);
        op->imm = (uint64_t)l->operand[0].imm.value.s;
        l->is_branch = true;
        l->taken_delta = rf_branch_delta(l);
    } else if (rf_is_mem(&l->operand[0])) {
        rf_emit_mem(l, wide ? call_mem : call_mem_32, 0);
    } else {
        op = rf_emit(l, wide ? call_reg : call_reg_32);
        op->a = rf_reg_offset(l->operand[0].reg.value);
    }
    return true;
}

static bool lower_ret(struct rf_lower *l)
{
    if (l->ins.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
        return rf_lower_far(l);
    if (l->cpu->block_mode & (RF_MODE_SHADOW_STACK | RF_MODE_TRACKING))
        return rf_lower_cet_transfer(l);
    if (rf_lower_any_stack(l))
        return rf_lower_near_any(l);
    bool wide = l->code_bits == 64;
    struct rf_op *op = rf_emit(l, wide ? ret : ret_32);
    if (rf_is_imm(&l->operand[0]) && l->ins.operand_count_visible)
        op->imm = l->operand[0].imm.value.u & 0xffff;
    l->ends_block = true;
    return true;
}

#define JCC(cc) { ZYDIS_MNEMONIC_J##cc, lower_jcc }
static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_JMP, lower_jmp },     { ZYDIS_MNEMONIC_CALL, lower_call },
    { ZYDIS_MNEMONIC_RET, lower_ret },     { ZYDIS_MNEMONIC_LOOP, lower_loop },
    { ZYDIS_MNEMONIC_LOOPE, lower_loop },  { ZYDIS_MNEMONIC_LOOPNE, lower_loop },
    { ZYDIS_MNEMONIC_JRCXZ, lower_jcxz },  { ZYDIS_MNEMONIC_JECXZ, lower_jcxz },
    { ZYDIS_MNEMONIC_JCXZ, lower_jcxz },
    JCC(O), JCC(NO), JCC(B), JCC(NB), JCC(Z), JCC(NZ), JCC(BE), JCC(NBE),
    JCC(S), JCC(NS), JCC(P), JCC(NP), JCC(L), JCC(NL), JCC(LE), JCC(NLE),
};
const struct rf_lower_table rf_lower_branch = RF_LOWER_TABLE(entries);
