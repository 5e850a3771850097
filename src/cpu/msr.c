/* Model-specific registers (SDM 4, chapter 2). An unknown number, a reserved bit or a
 * non-canonical address is refused: #GP(0) at RDMSR and WRMSR. */
#include "cpu/cet.h"

enum msr {
    MSR_P5_MC_ADDR = 0, /* machine checks: the architecture's registers, and no error banks, so */
    MSR_P5_MC_TYPE = 1, /* that none is ever raised (SDM 3B, 16.3) */
    MSR_MCG_CAP = 0x179,
    MSR_MCG_STATUS = 0x17a,
    MSR_TSC = 0x10,
    MSR_APIC_BASE = 0x1b,
    MSR_TSC_ADJUST = 0x3b,
    MSR_SYSENTER_CS = 0x174,
    MSR_SYSENTER_ESP = 0x175,
    MSR_SYSENTER_EIP = 0x176,
    MSR_MISC_ENABLE = 0x1a0,
    MSR_PAT = 0x277,
    MSR_TSC_DEADLINE = 0x6e0,
    MSR_U_CET = 0x6a0,
    MSR_S_CET = 0x6a2,
    MSR_PL0_SSP = 0x6a4,
    MSR_INTERRUPT_SSP_TABLE = 0x6a8,
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

/* Registers that are a plain field; `address` ones must be canonical. Those of shadow stacks are
 * there with the feature. */
struct plain_msr {
    uint32_t number;
    bool address;
    size_t offset;
    uint64_t writable;
    rf_feature_set needs;
};
#define SHSTK (UINT64_C(1) << RF_FEATURE_SHSTK)
#define TIMES_4 (~UINT64_C(3)) /* shadow stack pointers (SDM 4, table 2-2) */
#define FIELD(member) offsetof(struct rf_cpu, member)
static const struct plain_msr plain[] = {
    { MSR_SYSENTER_CS, false, FIELD(sysenter_cs), UINT32_MAX, 0 },
    { MSR_SYSENTER_ESP, true, FIELD(sysenter_esp), UINT64_MAX, 0 },
    { MSR_SYSENTER_EIP, true, FIELD(sysenter_eip), UINT64_MAX, 0 },
    { MSR_STAR, false, FIELD(star), UINT64_MAX, 0 },
    { MSR_LSTAR, true, FIELD(lstar), UINT64_MAX, 0 },
    { MSR_CSTAR, true, FIELD(cstar), UINT64_MAX, 0 },
    { MSR_FMASK, false, FIELD(fmask), UINT32_MAX, 0 },
    { MSR_FS_BASE, true, FIELD(seg[RF_FS].base), UINT64_MAX, 0 },
    { MSR_GS_BASE, true, FIELD(seg[RF_GS].base), UINT64_MAX, 0 },
    { MSR_KERNEL_GS_BASE, true, FIELD(kernel_gs_base), UINT64_MAX, 0 },
    { MSR_TSC_AUX, false, FIELD(tsc_aux), UINT32_MAX, 0 },
    { MSR_PL0_SSP, true, FIELD(pl_ssp[0]), TIMES_4, SHSTK },
    { MSR_PL0_SSP + 1, true, FIELD(pl_ssp[1]), TIMES_4, SHSTK },
    { MSR_PL0_SSP + 2, true, FIELD(pl_ssp[2]), TIMES_4, SHSTK },
    { MSR_PL0_SSP + 3, true, FIELD(pl_ssp[3]), TIMES_4, SHSTK },
    { MSR_INTERRUPT_SSP_TABLE, true, FIELD(interrupt_ssp_table), UINT64_MAX, SHSTK },
};

static const struct plain_msr *find_plain(const struct rf_cpu *cpu, uint32_t msr)
{
    for (size_t i = 0; i < RF_ARRAY_SIZE(plain); i++)
        if (plain[i].number == msr && !(plain[i].needs & ~cpu->features))
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

bool rf_cpu_read_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t *value)
{
    if (is_apic_msr(msr))
        return rf_apic_read_msr(cpu, msr, value);
    const struct plain_msr *field = find_plain(cpu, msr);
    if (field) {
        *value = *field_of(cpu, field);
        return true;
    }
    switch (msr) {
    case MSR_TSC: *value = read_tsc(cpu); return true;
    case MSR_EFER: *value = cpu->mmu.efer; return true;
    case MSR_PAT: *value = cpu->pat; return true;
    case MSR_TSC_ADJUST: *value = cpu->tsc_adjust; return true;
    case MSR_MISC_ENABLE:
        *value = cpu->misc_enable;
        return cpu->vendor == RF_VENDOR_INTEL;
    case MSR_APIC_BASE: *value = cpu->apic_base; return true;
    case MSR_PKRS: *value = cpu->mmu.pkrs; return rf_has(cpu->features, RF_FEATURE_PKS);
    case MSR_U_CET: *value = cpu->u_cet; return rf_has(cpu->features, RF_FEATURE_SHSTK);
    case MSR_S_CET: *value = cpu->s_cet; return rf_has(cpu->features, RF_FEATURE_SHSTK);
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE:
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS: *value = 0; return true;
    default: return false;
    }
}

/* EFER: SCE, LME, NXE; LMA is read-only; LME must not change while paging (SDM 3A, 2.2.1). */
static bool write_efer(struct rf_cpu *cpu, uint64_t value)
{
    uint64_t defined = RF_EFER_SCE | RF_EFER_LME | RF_EFER_LMA | RF_EFER_NXE;
    if (cpu->misc_enable & RF_MISC_ENABLE_XD_DISABLE)
        defined &= ~RF_EFER_NXE;
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

/* What the counter shows is the sum of cycles and this register: a write of either changes both by
 * the same amount (SDM 3B, 18.17.3). */
static void adjust_tsc(struct rf_cpu *cpu, uint64_t by)
{
    cpu->tsc_offset += by;
    cpu->tsc_adjust += by;
    rf_apic_tsc_written(cpu);
}

/* IA32_MISC_ENABLE: fast strings (0), thermal control (3), performance monitoring (7), FERR (10),
 * no BTS and PEBS (11, 12), SpeedStep (16), MONITOR (18), CPUID limit (22), no xTPR messages (23),
 * no XD (34) (SDM 4, table 2-2). Where a bit has no effect here, it has none to be seen by code. */
#define MISC_ENABLE_BITS UINT64_C(0x400c51c89)
static bool write_misc_enable(struct rf_cpu *cpu, uint64_t value)
{
    if (value & ~MISC_ENABLE_BITS || cpu->vendor != RF_VENDOR_INTEL)
        return false;
    cpu->misc_enable = value;
    return true;
}

/* Reserved bits, a tracker that waits though it is suppressed, and a bitmap that is nowhere are
 * refused (SDM 1, 17.3.1). */
static bool write_cet(struct rf_cpu *cpu, uint64_t *control, uint64_t value)
{
    const uint64_t both = RF_CET_SUPPRESS | RF_CET_TRACKER;
    const uint64_t reserved = rf_has(cpu->features, RF_FEATURE_IBT)
                                  ? RF_CET_RESERVED
                                  : ~(RF_CET_SH_STK_EN | RF_CET_WR_SHSTK_EN);
    if (!rf_has(cpu->features, RF_FEATURE_SHSTK) || value & reserved || (value & both) == both ||
        !rf_mmu_canonical_base(value & ~UINT64_C(0xfff)))
        return false;
    *control = value;
    rf_cpu_mode_changed(cpu);
    return true;
}

bool rf_cpu_write_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t value)
{
    if (is_apic_msr(msr))
        return rf_apic_write_msr(cpu, msr, value);
    const struct plain_msr *field = find_plain(cpu, msr);
    if (field) {
        if (value & ~field->writable || (field->address && !rf_mmu_canonical_base(value)))
            return false;
        *field_of(cpu, field) = value;
        return true;
    }
    switch (msr) {
    case MSR_TSC: adjust_tsc(cpu, value - read_tsc(cpu)); return true;
    case MSR_TSC_ADJUST: adjust_tsc(cpu, value - cpu->tsc_adjust); return true;
    case MSR_MISC_ENABLE: return write_misc_enable(cpu, value);
    case MSR_APIC_BASE: return rf_apic_write_base(cpu, value);
    case MSR_EFER: return write_efer(cpu, value);
    case MSR_U_CET: return write_cet(cpu, &cpu->u_cet, value);
    case MSR_S_CET: return write_cet(cpu, &cpu->s_cet, value);
    case MSR_PAT: return write_pat(cpu, value);
    case MSR_P5_MC_ADDR:
    case MSR_P5_MC_TYPE:
    case MSR_MCG_STATUS: return !value;
    case MSR_PKRS:
        if (value > UINT32_MAX || !rf_has(cpu->features, RF_FEATURE_PKS))
            return false;
        rf_mmu_set_pkrs(&cpu->mmu, (uint32_t)value);
        return true;
    default: return false;
    }
}
