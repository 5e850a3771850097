/* SYSCALL SYSRET SYSENTER SYSEXIT (SDM 2, the instructions' pages). */
#include "cpu/privilege.h"

static void charge(struct rf_cpu *cpu, enum rf_cost_event event)
{
    cpu->budget -= cpu->cost->event[event];
}

bool rf_syscall(struct rf_cpu *cpu, struct rf_refusal *refusal)
{
    bool from_64bit = cpu->code_bits == 64;
    if (!(cpu->mmu.efer & RF_EFER_SCE) || !(cpu->mmu.efer & RF_EFER_LMA))
        return rf_refuse_plain(refusal, RF_UD);
    rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    charge(cpu, RF_EVENT_SYSCALL);
    cpu->counts.syscalls++;
    uint64_t flags = rf_cpu_flags(cpu);
    cpu->r[RF_RCX] = cpu->r[RF_REG_IP];
    cpu->r[RF_R11] = flags & ~(uint64_t)RF_FLAG_RF;
    cpu->r[RF_REG_IP] = from_64bit ? cpu->lstar : cpu->cstar;
    uint16_t cs = (uint16_t)(cpu->star >> 32) & 0xfffc;
    rf_set_flat_code(cpu, cs, 0, true);
    rf_set_flat_stack(cpu, (uint16_t)(cs + 8), 0);
    rf_cpu_set_flags(cpu, flags & ~cpu->fmask & ~(uint64_t)RF_FLAG_RF);
    rf_cpu_mode_changed(cpu);
    return true;
}

bool rf_sysret(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    if (!(cpu->mmu.efer & RF_EFER_SCE) || cpu->code_bits != 64)
        return rf_refuse_plain(refusal, RF_UD);
    if (cpu->cpl != 0)
        return rf_refuse(refusal, RF_GP, 0);
    /* Intel: the check is made at CPL 0 with the guest's RSP already loaded by software */
    if (to_64bit && !rf_mmu_canonical(&cpu->mmu, cpu->r[RF_RCX]))
        return rf_refuse(refusal, RF_GP, 0);
    charge(cpu, RF_EVENT_SYSRET);
    cpu->counts.sysrets++;
    uint16_t base = (uint16_t)(cpu->star >> 48);
    cpu->r[RF_REG_IP] = to_64bit ? cpu->r[RF_RCX] : (uint32_t)cpu->r[RF_RCX];
    rf_set_flat_code(cpu, (uint16_t)((base + (to_64bit ? 16 : 0)) | 3), 3, to_64bit);
    rf_set_flat_stack(cpu, (uint16_t)((base + 8) | 3), 3);
    rf_cpu_set_flags(cpu, cpu->r[RF_R11] & 0x3c7fd7);
    rf_cpu_account(cpu, RF_ACCOUNT_USER);
    rf_cpu_mode_changed(cpu);
    return true;
}

bool rf_sysenter(struct rf_cpu *cpu, struct rf_refusal *refusal)
{
    uint16_t cs = (uint16_t)cpu->sysenter_cs & 0xfffc;
    if (!cs || rf_cpu_is_real(cpu))
        return rf_refuse(refusal, RF_GP, 0);
    rf_cpu_account(cpu, RF_ACCOUNT_ENTRY);
    charge(cpu, RF_EVENT_SYSENTER);
    cpu->counts.sysenters++;
    bool long_mode = !rf_cpu_is_legacy(cpu);
    cpu->flags &= ~(RF_FLAG_VM | RF_FLAG_IF | RF_FLAG_RF);
    cpu->r[RF_RSP] = long_mode ? cpu->sysenter_esp : (uint32_t)cpu->sysenter_esp;
    cpu->r[RF_REG_IP] = long_mode ? cpu->sysenter_eip : (uint32_t)cpu->sysenter_eip;
    rf_set_flat_code(cpu, cs, 0, long_mode);
    rf_set_flat_stack(cpu, (uint16_t)(cs + 8), 0);
    rf_cpu_mode_changed(cpu);
    return true;
}

bool rf_sysexit(struct rf_cpu *cpu, bool to_64bit, struct rf_refusal *refusal)
{
    uint16_t base = (uint16_t)cpu->sysenter_cs & 0xfffc;
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
    rf_cpu_account(cpu, RF_ACCOUNT_USER);
    rf_cpu_mode_changed(cpu);
    return true;
}
