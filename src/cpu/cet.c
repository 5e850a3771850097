/* Shadow stacks and branch tracking in far transfers and events (cpu/cet.h; SDM 1, 17.2 and 17.3; the
 * pseudo-code of INT n, IRET, CALL, RET, SYSCALL and their opposites in SDM 2). */
#include "cpu/cet.h"

#define BUSY UINT64_C(1)

bool rf_refuse_control(struct rf_refusal *refusal, enum rf_cp_error error)
{
    return rf_refuse(refusal, RF_CP, error);
}

bool rf_shadow_load(struct rf_cpu *cpu, uint64_t va, uint64_t *value, unsigned size)
{
    return rf_mmu_shadow_read(&cpu->mmu, va, value, size, cpu->cpl == 3, &cpu->fault);
}

bool rf_shadow_store(struct rf_cpu *cpu, uint64_t va, uint64_t value, unsigned size)
{
    return rf_mmu_shadow_write(&cpu->mmu, va, value, size, cpu->cpl == 3, &cpu->fault);
}

/* --- tracking --- */

void rf_cet_wait_for_endbranch(struct rf_cpu *cpu)
{
    uint64_t *control = rf_cet_control(cpu, cpu->cpl);
    if (rf_tracking_enabled(cpu, cpu->cpl) && !(*control & RF_CET_SUPPRESS))
        *control |= RF_CET_TRACKER;
}

void rf_cet_enter_tracking(struct rf_cpu *cpu)
{
    uint64_t *control = rf_cet_control(cpu, cpu->cpl);
    if (rf_tracking_enabled(cpu, cpu->cpl))
        *control = (*control & ~RF_CET_SUPPRESS) | RF_CET_TRACKER;
}

/* --- into --- */

/* The supervisor's words, whatever level the CPU is still at. */
static bool put(struct rf_cpu *cpu, uint64_t va, uint64_t value, unsigned size, bool user,
                struct rf_refusal *refusal)
{
    return rf_mmu_shadow_write(&cpu->mmu, va, value, size, user, &cpu->fault) ||
           rf_refuse_fault(cpu, refusal, false);
}

/* CS, the linear address to return to, and the old SSP, below an aligned *ssp. */
static bool push_frame(struct rf_cpu *cpu, uint64_t *ssp, uint64_t next_ip, bool user,
                       struct rf_refusal *refusal)
{
    const uint64_t frame[3] = { cpu->seg[RF_CS].selector,
                                cpu->code_bits == 64 ? next_ip : (uint32_t)(cpu->seg[RF_CS].base + next_ip),
                                cpu->ssp };
    for (unsigned i = 0; i < 3; i++)
        if (!put(cpu, *ssp - 8 * (i + 1), frame[i], 8, user, refusal))
            return false;
    *ssp -= 24;
    return true;
}

/* On the present stack: an SSP that is no multiple of 8 gets four bytes of zeroes first. */
static bool align(struct rf_cpu *cpu, uint64_t *ssp, bool user, struct rf_refusal *refusal)
{
    if (*ssp & 4 && !put(cpu, *ssp - 4, 0, 4, user, refusal))
        return false;
    *ssp &= ~UINT64_C(7);
    return true;
}

/* Take the token at the base of a supervisor's shadow stack: it holds its own address, and is not
 * busy (SDM 1, 17.2.3). */
static bool take_token(struct rf_cpu *cpu, uint64_t ssp, uint32_t ext, struct rf_refusal *refusal)
{
    uint64_t token;
    if (ssp & 7)
        return rf_refuse(refusal, RF_GP, ext);
    if (!rf_mmu_shadow_read(&cpu->mmu, ssp, &token, 8, false, &cpu->fault))
        return rf_refuse_fault(cpu, refusal, false);
    if (token != ssp)
        return rf_refuse(refusal, RF_GP, ext);
    return put(cpu, ssp, token | BUSY, 8, false, refusal);
}

static bool stack_of_ist(struct rf_cpu *cpu, unsigned ist, uint64_t *ssp, struct rf_refusal *refusal)
{
    return rf_cpu_read_system(cpu, cpu->interrupt_ssp_table + ist * 8u, ssp, 8) ||
           rf_refuse_fault(cpu, refusal, false);
}

/* A stack of its own: that of the level, or of the gate. */
static bool switch_stack(struct rf_cpu *cpu, unsigned new_cpl, unsigned ist, uint32_t ext, uint64_t *ssp,
                         struct rf_refusal *refusal)
{
    *ssp = cpu->pl_ssp[new_cpl];
    if (ist && !stack_of_ist(cpu, ist, ssp, refusal))
        return false;
    return take_token(cpu, *ssp, ext, refusal);
}

bool rf_cet_enter(struct rf_cpu *cpu, unsigned new_cpl, unsigned ist, uint64_t next_ip, uint32_t ext,
                  struct rf_cet_plan *plan, struct rf_refusal *refusal)
{
    const bool inward = new_cpl < cpu->cpl;
    *plan = (struct rf_cet_plan){ .ssp = cpu->ssp };
    plan->saves_user_ssp = inward && cpu->cpl == 3 && rf_shadow_stack_enabled(cpu, 3);
    if (!rf_shadow_stack_enabled(cpu, new_cpl))
        return true;
    plan->sets_ssp = true;
    const bool user = new_cpl == 3;
    if (inward || ist ? !switch_stack(cpu, new_cpl, ist, ext, &plan->ssp, refusal)
                      : !align(cpu, &plan->ssp, user, refusal))
        return false;
    /* a user's place is kept in IA32_PL3_SSP instead */
    return (inward && cpu->cpl == 3) || push_frame(cpu, &plan->ssp, next_ip, user, refusal);
}

bool rf_cet_far_jump(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    if (rf_shadow_stack_enabled(cpu, cpu->cpl) && !to_64bit && cpu->ssp >> 32)
        return rf_refuse(refusal, RF_GP, 0);
    return true;
}

bool rf_cet_far_call(struct rf_cpu *cpu, bool to_64bit, struct rf_cet_plan *plan, struct rf_refusal *refusal)
{
    return rf_cet_far_jump(cpu, to_64bit, refusal) &&
           rf_cet_enter(cpu, cpu->cpl, 0, cpu->r[RF_REG_IP], 0, plan, refusal);
}

/* --- back --- */

static bool check_frame(struct rf_cpu *cpu, uint64_t ssp, uint16_t cs, uint64_t lip, uint64_t *previous,
                        struct rf_refusal *refusal)
{
    uint64_t frame[3]; /* SSP, LIP, CS */
    for (unsigned i = 0; i < 3; i++)
        if (!rf_shadow_load(cpu, ssp + 8 * i, &frame[i], 8))
            return rf_refuse_fault(cpu, refusal, false);
    if (frame[2] != cs || frame[1] != lip || frame[0] & 3)
        return rf_refuse_control(refusal, RF_CP_FAR_RET);
    *previous = frame[0];
    return true;
}

/* The SSP that the target will have. */
static bool check_new(const struct rf_cpu *cpu, uint64_t ssp, bool to_64bit, struct rf_refusal *refusal)
{
    if (to_64bit ? !rf_mmu_canonical(&cpu->mmu, ssp) : ssp >> 32)
        return rf_refuse(refusal, RF_GP, 0);
    return true;
}

bool rf_cet_return(struct rf_cpu *cpu, uint16_t cs, uint64_t lip, bool to_64bit, struct rf_cet_plan *plan,
                   struct rf_refusal *refusal)
{
    const unsigned new_cpl = cs & RF_SELECTOR_RPL;
    const bool enabled = rf_shadow_stack_enabled(cpu, cpu->cpl), outward = new_cpl > cpu->cpl;
    uint64_t old = cpu->ssp;
    *plan = (struct rf_cet_plan){ .ssp = cpu->pl_ssp[3] };
    if (enabled && old & 7)
        return rf_refuse_control(refusal, RF_CP_FAR_RET);
    if (enabled && !(outward && new_cpl == 3)) {
        if (!check_frame(cpu, old, cs, lip, &plan->ssp, refusal))
            return false;
        old += 24;
    }
    plan->frees_token = enabled && outward;
    plan->token = old;
    plan->sets_ssp = outward ? rf_shadow_stack_enabled(cpu, new_cpl) : enabled;
    return !plan->sets_ssp || check_new(cpu, plan->ssp, to_64bit, refusal);
}

/* A busy token there becomes free; anything else stays. Past all that can be refused, so a fault is
 * nobody's. */
static void free_token(struct rf_cpu *cpu, uint64_t at)
{
    uint64_t token;
    struct rf_fault fault;
    if (rf_mmu_shadow_read(&cpu->mmu, at, &token, 8, false, &fault) && token == (at | BUSY))
        rf_mmu_shadow_write(&cpu->mmu, at, at, 8, false, &fault);
}

void rf_cet_commit(struct rf_cpu *cpu, const struct rf_cet_plan *plan)
{
    if (plan->saves_user_ssp)
        cpu->pl_ssp[3] = cpu->ssp;
    if (plan->frees_token)
        free_token(cpu, plan->token);
    if (plan->sets_ssp)
        cpu->ssp = plan->ssp;
}

/* --- fast system calls --- */

void rf_cet_leave_user(struct rf_cpu *cpu)
{
    if (rf_shadow_stack_enabled(cpu, cpu->cpl))
        cpu->pl_ssp[3] = cpu->ssp;
}

void rf_cet_system_entered(struct rf_cpu *cpu)
{
    if (rf_shadow_stack_enabled(cpu, cpu->cpl))
        cpu->ssp = 0;
    rf_cet_enter_tracking(cpu);
}

void rf_cet_system_left(struct rf_cpu *cpu)
{
    if (rf_shadow_stack_enabled(cpu, cpu->cpl))
        cpu->ssp = cpu->pl_ssp[3];
}
