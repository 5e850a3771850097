/* SYSCALL SYSRET SYSENTER SYSEXIT (SDM 2, the instructions' pages). */
#include "cpu/cet.h"
#include "cpu/engine.h"
#include "cpu/privilege.h"

static void charge(struct rf_cpu *cpu, enum rf_cost_event event)
{
    cpu->budget -= cpu->cost->event[event];
}

/* The new RIP may be an address that only 5-level paging has, and AMD's SYSRET looks at none. The fetch
 * faults then; the jump cache tells canonical addresses apart and must not be asked. */
static void rip_loaded(struct rf_cpu *cpu)
{
    rf_cpu_mode_changed(cpu);
    if (RF_UNLIKELY(!rf_mmu_canonical(&cpu->mmu, cpu->r[RF_REG_IP])))
        rf_jump_cache_clear(cpu);
}

/* SYSCALL and SYSRET trap by RFLAGS.TF as they leave it, other instructions as they found it: a
 * SYSCALL whose FMASK clears TF is not stepped over, a SYSRET that loads TF is followed by #DB at
 * once (AMD APM 2, 13.1.4; Linux, entry_64.S, on why it returns to stepped code by IRET). */
static void step_by_new_flags(struct rf_cpu *cpu)
{
    cpu->step_armed = cpu->flags & RF_FLAG_TF;
}

/* Intel's exist in 64-bit mode only; AMD's from compatibility mode too, by CSTAR (SDM 2B and AMD
 * APM 3, SYSCALL). */
bool rf_syscall(struct rf_cpu *cpu, struct rf_refusal *refusal)
{
    bool from_64bit = cpu->code_bits == 64;
    if (!(cpu->mmu.efer & RF_EFER_SCE) || !(cpu->mmu.efer & RF_EFER_LMA) ||
        (!from_64bit && cpu->vendor == RF_VENDOR_INTEL))
        return rf_refuse_plain(refusal, RF_UD);
    rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    charge(cpu, RF_EVENT_SYSCALL);
    cpu->counts.syscalls++;
    uint64_t flags = rf_cpu_flags(cpu);
    cpu->r[RF_RCX] = cpu->r[RF_REG_IP];
    cpu->r[RF_R11] = flags & ~(uint64_t)RF_FLAG_RF;
    cpu->r[RF_REG_IP] = from_64bit ? cpu->lstar : cpu->cstar;
    uint16_t cs = (uint16_t)(cpu->star >> 32) & 0xfffc;
    rf_cet_leave_user(cpu);
    rf_set_flat_code(cpu, cs, 0, true);
    rf_set_flat_stack(cpu, (uint16_t)(cs + 8), 0);
    rf_cet_system_entered(cpu);
    rf_cpu_set_flags(cpu, flags & ~cpu->fmask & ~(uint64_t)RF_FLAG_RF);
    step_by_new_flags(cpu);
    rip_loaded(cpu);
    return true;
}

/* May SYSRET run? Intel's needs 64-bit mode and checks RCX while still at CPL 0, on whatever RSP
 * software has loaded; AMD's loads it, and the fetch from there faults at CPL 3 (SDM 2B and AMD
 * APM 3, SYSRET). */
static bool check_sysret(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    bool intel = cpu->vendor == RF_VENDOR_INTEL;
    if (!(cpu->mmu.efer & RF_EFER_SCE) || (intel && cpu->code_bits != 64))
        return rf_refuse_plain(refusal, RF_UD);
    if (cpu->cpl != 0)
        return rf_refuse(refusal, RF_GP, 0);
    if (intel && to_64bit && !rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RCX]))
        return rf_refuse(refusal, RF_GP, 0);
    return true;
}

/* SS of SYSRET. AMD's loads the selector alone: base, limit and attributes stay what they were
 * (AMD APM 3, SYSRET), so after an interrupt that had made SS null, 32-bit code finds an unusable
 * stack. */
static void set_sysret_stack(struct rf_cpu *cpu, uint16_t selector)
{
    if (cpu->vendor == RF_VENDOR_AMD)
        cpu->seg[RF_SEG_SS].selector = selector;
    else
        rf_set_flat_stack(cpu, selector, 3);
}

bool rf_sysret(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    if (!check_sysret(cpu, to_64bit, refusal))
        return false;
    charge(cpu, RF_EVENT_SYSRET);
    cpu->counts.sysrets++;
    uint16_t base = (uint16_t)(cpu->star >> 48);
    cpu->r[RF_REG_IP] = to_64bit ? cpu->r[RF_RCX] : (uint32_t)cpu->r[RF_RCX];
    rf_set_flat_code(cpu, (uint16_t)((base + (to_64bit ? 16 : 0)) | 3), 3, to_64bit);
    set_sysret_stack(cpu, (uint16_t)((base + 8) | 3));
    rf_cet_system_left(cpu);
    rf_cpu_set_flags(cpu, cpu->r[RF_R11] & 0x3c7fd7);
    step_by_new_flags(cpu);
    rf_cpu_account(cpu, RF_ACCOUNT_USER);
    rip_loaded(cpu);
    return true;
}

/* AMD has SYSENTER and SYSEXIT in legacy mode only (AMD APM 3, SYSENTER). */
static bool has_sysenter(const struct rf_cpu *cpu)
{
    return cpu->vendor != RF_VENDOR_AMD || !(cpu->mmu.efer & RF_EFER_LMA);
}

bool rf_sysenter(struct rf_cpu *cpu, struct rf_refusal *refusal)
{
    uint16_t cs = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!has_sysenter(cpu))
        return rf_refuse_plain(refusal, RF_UD);
    if (!cs || rf_cpu_is_real(cpu))
        return rf_refuse(refusal, RF_GP, 0);
    rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    charge(cpu, RF_EVENT_SYSENTER);
    cpu->counts.sysenters++;
    bool long_mode = !rf_cpu_is_legacy(cpu);
    cpu->flags &= ~(RF_FLAG_VM | RF_FLAG_IF | RF_FLAG_RF);
    cpu->r[RF_RSP] = long_mode ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    cpu->r[RF_REG_IP] = long_mode ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip;
    rf_cet_leave_user(cpu);
    rf_set_flat_code(cpu, cs, 0, long_mode);
    rf_set_flat_stack(cpu, (uint16_t)(cs + 8), 0);
    rf_cet_system_entered(cpu);
    rip_loaded(cpu);
    return true;
}

bool rf_sysexit(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    uint16_t base = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!has_sysenter(cpu))
        return rf_refuse_plain(refusal, RF_UD);
    if (!base || cpu->cpl != 0 || rf_cpu_is_real(cpu))
        return rf_refuse(refusal, RF_GP, 0);
    if (to_64bit && (!rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RDX]) ||
                     !rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RCX])))
        return rf_refuse(refusal, RF_GP, 0);
    charge(cpu, RF_EVENT_SYSEXIT);
    cpu->counts.sysexits++;
    cpu->r[RF_RSP] = to_64bit ? cpu->r[RF_RCX] : (uint32_t)cpu->r[RF_RCX];
    cpu->r[RF_REG_IP] = to_64bit ? cpu->r[RF_RDX] : (uint32_t)cpu->r[RF_RDX];
    rf_set_flat_code(cpu, (uint16_t)((base + (to_64bit ? 32 : 16)) | 3), 3, to_64bit);
    rf_set_flat_stack(cpu, (uint16_t)((base + (to_64bit ? 40 : 24)) | 3), 3);
    rf_cet_system_left(cpu);
    rf_cpu_account(cpu, RF_ACCOUNT_USER);
    rf_cpu_mode_changed(cpu);
    return true;
}
