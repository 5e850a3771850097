/* Model-specific registers (SDM 4, chapter 2). An unknown number, a reserved bit or a
 * non-canonical address is refused: #GP(0) at RDMSR and WRMSR. */
#include "cpu/cpu.h"

enum msr {
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_PAT = 0x277,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_PKRS = 0x6e1,
    MSR_X2APIC_FIRST = 0x800,
    MSR_X2APIC_LAST = 0x8ff,
    MSR_EFER = 0xc0000080,
    MSR_STAR = 0xc0000081,
    MSR_LSTAR = 0xc0000082,
    MSR_CSTAR = 0xc0000083,
    MSR_FMASK = 0xc0000084,
    MSR_FS_BASE = 0xc0000100,
    MSR_GS_BASE = 0xc0000101,
    MSR_KERNEL_GS_BASE = 0xc0000102,
    MSR_TSC_AUX = 0xc0000103,
};

/* Registers that are a plain field; `address` ones must be canonical. */
struct plain_msr {
    uint32_t number;
    bool address;
    size_t offset;
    uint64_t writable;
};
#define FIELD(member) offsetof(struct rf_cpu, member)
static const struct plain_msr plain[] = {
    { MSR_SYSENTER_CS, false, FIELD(sysenter_cs), UINT32_MAX },
    { MSR_SYSENTER_ESP, true, FIELD(sysenter_esp), UINT64_MAX },
    { MSR_SYSENTER_EIP, true, FIELD(sysenter_eip), UINT64_MAX },
    { MSR_STAR, false, FIELD(star), UINT64_MAX },
    { MSR_LSTAR, true, FIELD(lstar), UINT64_MAX },
    { MSR_CSTAR, true, FIELD(cstar), UINT64_MAX },
    { MSR_FMASK, false, FIELD(fmask), UINT32_MAX },
    { MSR_FS_BASE, true, FIELD(seg[RF_FS].base), UINT64_MAX },
    { MSR_GS_BASE, true, FIELD(seg[RF_GS].base), UINT64_MAX },
    { MSR_KERNEL_GS_BASE, true, FIELD(kernel_gs_base), UINT64_MAX },
    { MSR_TSC_AUX, false, FIELD(tsc_aux), UINT32_MAX },
    { MSR_MISC_ENABLE, false, FIELD(misc_enable), UINT64_MAX },
};

static const struct plain_msr *find_plain(uint32_t msr)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(plain); i++)
        if (plain[i].number == msr)
            return &plain[i];
    return NULL;
}

static uint64_t *field_of(struct rf_cpu *cpu, const struct plain_msr *msr)
{
    return (uint64_t *)((char *)cpu + msr->offset);
}

static uint64_t read_tsc(struct rf_cpu *cpu)
{
    return (cpu->read_tsc ? cpu->read_tsc(cpu->read_tsc_user, cpu) : rf_cpu_cycles(cpu)) + cpu->tsc_offset;
}

/* Does the local APIC, if the CPU has one, answer for this MSR? */
static bool is_apic_msr(uint32_t msr)
{
    return msr == MSR_TSC_DEADLINE || (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST);
}

static void write_tsc(struct rf_cpu *cpu, uint64_t value)
{
    cpu->tsc_offset += value - read_tsc(cpu);
    rf_apic_tsc_written(cpu);
}

bool rf_cpu_read_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t *value)
{
    if (is_apic_msr(msr))
        return rf_apic_read_msr(cpu, msr, value);
    const struct plain_msr *field = find_plain(msr);
    if (field) {
        *value = *field_of(cpu, field);
        return true;
    }
    switch (msr) {
    case MSR_TSC: *value = read_tsc(cpu); return true;
    case MSR_EFER: *value = cpu->mmu.efer; return true;
    case MSR_PAT: *value = cpu->pat; return true;
    case MSR_APIC_BASE: *value = cpu->apic_base; return true;
    case MSR_PKRS: *value = cpu->mmu.pkrs; return true;
    default: return false;
    }
}

/* EFER: SCE, LME, NXE; LMA is read-only; LME must not change while paging (SDM 3A, 2.2.1). */
static bool write_efer(struct rf_cpu *cpu, uint64_t value)
{
    uint64_t defined = RF_EFER_SCE | RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE;
    if (value & ~defined)
        return false;
    if (cpu->mmu.cr0 & RF_CR0_PG && (value ^ cpu->mmu.efer) & RF_EFER_LME)
        return false;
    rf_mmu_set_efer(&cpu->mmu, (value & ~RF_EFER_LMA) | (cpu->mmu.efer & RF_EFER_LMA));
    rf_cpu_mode_changed(cpu);
    return true;
}

/* Eight memory types of three bits; 2, 3 and reserved bits are refused. */
static bool write_pat(struct rf_cpu *cpu, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        uint8_t type = (uint8_t)(value >> 8 * i);
        if (type > 7 || type == 2 || type == 3)
            return false;
    }
    cpu->pat = value;
    return true;
}

bool rf_cpu_write_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t value)
{
    if (is_apic_msr(msr))
        return rf_apic_write_msr(cpu, msr, value);
    const struct plain_msr *field = find_plain(msr);
    if (field) {
        if (value & ~field->writable || (field->address && !rf_mmu_canonical(&cpu->mmu, value)))
            return false;
        *field_of(cpu, field) = value;
        return true;
    }
    switch (msr) {
    case MSR_TSC: write_tsc(cpu, value); return true;
    case MSR_APIC_BASE: return rf_apic_write_base(cpu, value);
    case MSR_EFER: return write_efer(cpu, value);
    case MSR_PAT: return write_pat(cpu, value);
    case MSR_PKRS:
        if (value > UINT32_MAX)
            return false;
        rf_mmu_set_pkrs(&cpu->mmu, (uint32_t)value);
        return true;
    default: return false;
    }
}
