/* Instructions of shadow stacks: RDSSP INCSSP SAVEPREVSSP RSTORSSP WRSS WRUSS SETSSBSY CLRSSBSY
 * (SDM 2A to 2D, the instructions' pages; 1, 17.2). Where shadow stacks are off at this level RDSSP
 * is a NOP, and the others are #UD. */
#include "cpu/cet.h"
#include "cpu/engine.h"
#include "cpu/flags.h"
#include "cpu/ops/integer.h"

#define REQUIRE(bit)                                                                      \
    do {                                                                                  \
        if (!rf_shadow_stack_enabled(cpu, cpu->cpl) || !rf_cet_enabled(cpu, cpu->cpl, bit)) \
            return rf_op_ud(cpu, op);                                                     \
    } while (0)
#define REQUIRE_SUPERVISOR                                                                \
    do {                                                                                  \
        if (!rf_cet_enabled(cpu, 0, RF_CET_SH_STK_EN))                                    \
            return rf_op_ud(cpu, op);                                                     \
        if (cpu->cpl)                                                                     \
            return rf_op_gp0(cpu, op);                                                    \
    } while (0)

/* Most end in one of these. The work is in functions of their own, for they need local variables
 * whose addresses they hand on. */
enum outcome { DONE, FAULT, REFUSED /* #GP(0) */, BAD_TOKEN };

static struct rf_op *finish(struct rf_cpu *cpu, struct rf_op *op, enum outcome outcome, enum rf_cp_error bad_token)
{
    switch (outcome) {
    case FAULT: return rf_op_fault(cpu, op);
    case REFUSED: return rf_op_gp0(cpu, op);
    case BAD_TOKEN: return rf_op_raise(cpu, op, RF_CP, true, bad_token);
    case DONE: break;
    }
    rf_op_retire(cpu, op); /* a store may have been to code */
    return rf_dispatch(cpu);
}

/* Tokens tell the mode in bit 0. */
static uint64_t mode_bit(const struct rf_cpu *cpu)
{
    return cpu->code_bits == 64;
}

/* op->c: operand bytes */
static RF_OP(rdssp)
{
    if (rf_shadow_stack_enabled(cpu, cpu->cpl))
        RF_R64(op->a) = op->c == 8 ? cpu->ssp : (uint32_t)cpu->ssp;
    RF_NEXT;
}

/* The first and the last of the words that are skipped must be there. */
static RF_NOINLINE enum outcome skip_words(struct rf_cpu *cpu, unsigned count, unsigned size)
{
    uint64_t unused;
    unsigned last = count ? count - 1 : 0;
    if (!rf_shadow_load(cpu, cpu->ssp, &unused, size) || !rf_shadow_load(cpu, cpu->ssp + last * size, &unused, size))
        return FAULT;
    cpu->ssp += count * size;
    return DONE;
}
static RF_OP(incssp)
{
    REQUIRE(RF_CET_SH_STK_EN);
    return finish(cpu, op, skip_words(cpu, RF_R8(op->a), op->c), RF_CP_NEAR_RET);
}

static RF_OP(wrss)
{
    const uint64_t va = rf_ea(cpu, op);
    REQUIRE(RF_CET_WR_SHSTK_EN);
    if (va & (op->c - 1u))
        return rf_op_gp0(cpu, op);
    return finish(cpu, op, rf_shadow_store(cpu, va, RF_R64(op->a), op->c) ? DONE : FAULT, RF_CP_NEAR_RET);
}

static RF_OP(wruss)
{
    const uint64_t va = rf_ea(cpu, op);
    if (!(cpu->mmu.cr4 & RF_CR4_CET))
        return rf_op_ud(cpu, op);
    if (cpu->cpl || va & (op->c - 1u))
        return rf_op_gp0(cpu, op);
    bool done = rf_mmu_shadow_write(&cpu->mmu, va, RF_R64(op->a), op->c, true, &cpu->fault);
    return finish(cpu, op, done ? DONE : FAULT, RF_CP_NEAR_RET);
}

/* Only for a token that SAVEPREVSSP or a program has left at the place it names. */
static bool is_restore_token(const struct rf_cpu *cpu, uint64_t token, uint64_t at)
{
    if ((token & 3) != mode_bit(cpu) || (!mode_bit(cpu) && token >> 32))
        return false;
    return (((token & ~UINT64_C(1)) - 8) & ~UINT64_C(7)) == at;
}
static RF_NOINLINE enum outcome restore(struct rf_cpu *cpu, uint64_t at)
{
    uint64_t token;
    if (at & 7)
        return REFUSED;
    if (!rf_shadow_load(cpu, at, &token, 8))
        return FAULT;
    if (!is_restore_token(cpu, token, at))
        return BAD_TOKEN;
    if (!rf_shadow_store(cpu, at, cpu->ssp | mode_bit(cpu) | 2, 8))
        return FAULT;
    cpu->ssp = at;
    rf_flags_set_status(cpu, token & 4 ? RF_FLAG_CF : 0);
    return DONE;
}
static RF_OP(rstorssp)
{
    REQUIRE(RF_CET_SH_STK_EN);
    return finish(cpu, op, restore(cpu, rf_ea(cpu, op)), RF_CP_RSTORSSP);
}

/* CF, from RSTORSSP: below the token of a 32-bit program's stack lie four bytes of zeroes. */
static enum outcome pop_hole(struct rf_cpu *cpu, uint64_t *ssp)
{
    uint64_t zero;
    if (!(rf_flags_status(cpu) & RF_FLAG_CF))
        return DONE;
    if (mode_bit(cpu))
        return REFUSED;
    if (!rf_shadow_load(cpu, *ssp, &zero, 4))
        return FAULT;
    *ssp += 4;
    return zero ? REFUSED : DONE;
}
static RF_NOINLINE enum outcome save_previous(struct rf_cpu *cpu)
{
    uint64_t token, ssp = cpu->ssp;
    if (ssp & 7)
        return REFUSED;
    if (!rf_shadow_load(cpu, ssp, &token, 8))
        return FAULT;
    ssp += 8;
    enum outcome hole = pop_hole(cpu, &ssp);
    if (hole != DONE)
        return hole;
    if (!(token & 2) || (!mode_bit(cpu) && token >> 32))
        return REFUSED;
    uint64_t old = token & ~UINT64_C(3);
    if (!rf_shadow_store(cpu, old - 4, 0, 4) ||
        !rf_shadow_store(cpu, (old & ~UINT64_C(7)) - 8, old | mode_bit(cpu), 8))
        return FAULT;
    cpu->ssp = ssp;
    return DONE;
}
static RF_OP(saveprevssp)
{
    REQUIRE(RF_CET_SH_STK_EN);
    return finish(cpu, op, save_previous(cpu), RF_CP_NEAR_RET);
}

static RF_NOINLINE enum outcome set_busy(struct rf_cpu *cpu, uint64_t at)
{
    uint64_t token;
    if (at & 7)
        return REFUSED;
    if (!rf_shadow_load(cpu, at, &token, 8))
        return FAULT;
    if (token != at)
        return BAD_TOKEN;
    if (!rf_shadow_store(cpu, at, at | 1, 8))
        return FAULT;
    cpu->ssp = at;
    return DONE;
}
static RF_OP(setssbsy)
{
    REQUIRE_SUPERVISOR;
    return finish(cpu, op, set_busy(cpu, cpu->pl_ssp[0]), RF_CP_SETSSBSY);
}

static RF_NOINLINE enum outcome clear_busy(struct rf_cpu *cpu, uint64_t at)
{
    uint64_t token;
    if (at & 7)
        return REFUSED;
    if (!rf_shadow_load(cpu, at, &token, 8) || !rf_shadow_store(cpu, at, token == (at | 1) ? at : token, 8))
        return FAULT;
    rf_flags_set_status(cpu, token == (at | 1) ? 0 : RF_FLAG_CF);
    cpu->ssp = 0;
    return DONE;
}
static RF_OP(clrssbsy)
{
    REQUIRE_SUPERVISOR;
    return finish(cpu, op, clear_busy(cpu, rf_ea(cpu, op)), RF_CP_NEAR_RET);
}

/* --- lowering --- */

static bool lower_register(struct rf_lower *l)
{
    bool reads = l->ins.mnemonic == ZYDIS_MNEMONIC_RDSSPD || l->ins.mnemonic == ZYDIS_MNEMONIC_RDSSPQ;
    struct rf_op *op = rf_emit(l, reads ? rdssp : incssp);
    op->a = rf_reg_offset(l->operand[0].reg.value);
    op->c = (uint8_t)(l->operand[0].size / 8);
    l->ends_block = !reads;
    return true;
}

static bool lower_write(struct rf_lower *l)
{
    bool user = l->ins.mnemonic == ZYDIS_MNEMONIC_WRUSSD || l->ins.mnemonic == ZYDIS_MNEMONIC_WRUSSQ;
    struct rf_op *op = rf_emit_mem(l, user ? wruss : wrss, 0);
    op->a = rf_reg_offset(l->operand[1].reg.value);
    op->c = (uint8_t)(l->operand[1].size / 8);
    l->ends_block = true;
    return true;
}

static bool lower_token(struct rf_lower *l)
{
    rf_emit_mem(l, l->ins.mnemonic == ZYDIS_MNEMONIC_RSTORSSP ? rstorssp : clrssbsy, 0);
    l->ends_block = true;
    return true;
}

static bool lower_plain(struct rf_lower *l)
{
    rf_emit(l, l->ins.mnemonic == ZYDIS_MNEMONIC_SAVEPREVSSP ? saveprevssp : setssbsy);
    l->ends_block = true;
    return true;
}

static const struct rf_lower_entry entries[] = {
    { ZYDIS_MNEMONIC_RDSSPD, lower_register },   { ZYDIS_MNEMONIC_RDSSPQ, lower_register },
    { ZYDIS_MNEMONIC_INCSSPD, lower_register },  { ZYDIS_MNEMONIC_INCSSPQ, lower_register },
    { ZYDIS_MNEMONIC_WRSSD, lower_write },       { ZYDIS_MNEMONIC_WRSSQ, lower_write },
    { ZYDIS_MNEMONIC_WRUSSD, lower_write },      { ZYDIS_MNEMONIC_WRUSSQ, lower_write },
    { ZYDIS_MNEMONIC_RSTORSSP, lower_token },    { ZYDIS_MNEMONIC_CLRSSBSY, lower_token },
    { ZYDIS_MNEMONIC_SAVEPREVSSP, lower_plain }, { ZYDIS_MNEMONIC_SETSSBSY, lower_plain },
};
const struct rf_lower_table rf_lower_shadow_stack = RF_LOWER_TABLE(entries);
