/* Writes of CR0, CR3 and CR4: what may be set when, and the switches between real, protected and
 * IA-32e mode that they make (SDM 2A, MOV to control registers; 3A, 2.5, 4.1 and 9.8.5). */
#include "cpu/cpu.h"

/* Bits whose change loads the PDPTE registers while PAE paging is on (SDM 3A, 4.4.1). */
#define CR0_LOADS_PDPTES (RF_CR0_CD | RF_CR0_NW | RF_CR0_PG)
#define CR4_LOADS_PDPTES (RF_CR4_PAE | RF_CR4_PGE | RF_CR4_PSE | RF_CR4_SMEP)

static bool is_pae_paging(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
    return cr0 & RF_CR0_PG && cr4 & RF_CR4_PAE && !(efer & RF_EFER_LMA);
}

/* A 16-bit TSS, available or busy. */
static bool has_short_task(const struct rf_cpu *cpu)
{
    return cpu->tr.attributes & RF_SEG_P && (cpu->tr.attributes & (RF_SEG_TYPE & ~2u)) == 1;
}

/* EFER.LMA as CR0.PG makes it; false: the switch is refused. */
static bool switch_paging(const struct rf_cpu *cpu, bool on, uint64_t *efer)
{
    if (on && *efer & RF_EFER_LME) {
        if (!(cpu->mmu.cr4 & RF_CR4_PAE) || cpu->seg[RF_CS].attributes & RF_SEG_L || has_short_task(cpu))
            return false;
        *efer |= RF_EFER_LMA;
    } else if (!on) {
        if (cpu->code_bits == 64 || cpu->mmu.cr4 & RF_CR4_PCIDE)
            return false;
        *efer &= ~RF_EFER_LMA;
    }
    return true;
}

bool rf_cpu_write_cr0(struct rf_cpu *cpu, uint64_t value)
{
    const uint64_t defined = RF_CR0_PE | RF_CR0_MP | RF_CR0_EM | RF_CR0_TS | RF_CR0_NE | RF_CR0_WP |
                             RF_CR0_AM | RF_CR0_NW | RF_CR0_CD | RF_CR0_PG;
    uint64_t efer = cpu->mmu.efer, changed = cpu->mmu.cr0 ^ value;
    if (value >> 32 || (value & RF_CR0_PG && !(value & RF_CR0_PE)) ||
        (value & RF_CR0_NW && !(value & RF_CR0_CD)) ||
        (cpu->mmu.cr4 & RF_CR4_CET && !(value & RF_CR0_WP)))
        return false;
    if (changed & RF_CR0_PG && !switch_paging(cpu, value & RF_CR0_PG, &efer))
        return false;
    if (changed & CR0_LOADS_PDPTES && is_pae_paging(value, cpu->mmu.cr4, efer) &&
        !rf_mmu_load_pdptes(&cpu->mmu, cpu->mmu.cr3))
        return false;
    rf_mmu_set_efer(&cpu->mmu, efer);
    rf_mmu_set_cr0(&cpu->mmu, (value & defined) | RF_CR0_ET);
    return true;
}

uint64_t rf_cpu_cr4_defined(const struct rf_cpu *cpu)
{
    uint64_t defined = RF_CR4_TSD | RF_CR4_DE | RF_CR4_PSE | RF_CR4_PAE | RF_CR4_MCE | RF_CR4_PGE |
                       RF_CR4_PCE | RF_CR4_OSFXSR | RF_CR4_OSXMMEXCPT | RF_CR4_UMIP | RF_CR4_LA57 |
                       RF_CR4_FSGSBASE | RF_CR4_PCIDE | RF_CR4_SMEP | RF_CR4_SMAP;
    if (rf_has(cpu->features, RF_FEATURE_PKU))
        defined |= RF_CR4_PKE;
    if (rf_has(cpu->features, RF_FEATURE_PKS))
        defined |= RF_CR4_PKS;
    if (rf_has(cpu->features, RF_FEATURE_XSAVE))
        defined |= RF_CR4_OSXSAVE;
    if (rf_has(cpu->features, RF_FEATURE_SHSTK) && cpu->mmu.cr0 & RF_CR0_WP) /* SDM 3A, 2.5 */
        defined |= RF_CR4_CET;
    return defined;
}

bool rf_cpu_write_cr4(struct rf_cpu *cpu, uint64_t value)
{
    uint64_t changed = cpu->mmu.cr4 ^ value;
    if (value & ~rf_cpu_cr4_defined(cpu))
        return false;
    if (!rf_cpu_is_legacy(cpu) && (!(value & RF_CR4_PAE) || changed & RF_CR4_LA57))
        return false;
    if (value & changed & RF_CR4_PCIDE && (rf_cpu_is_legacy(cpu) || cpu->mmu.cr3 & 0xfff))
        return false;
    if (changed & CR4_LOADS_PDPTES && is_pae_paging(cpu->mmu.cr0, value, cpu->mmu.efer) &&
        !rf_mmu_load_pdptes(&cpu->mmu, cpu->mmu.cr3))
        return false;
    rf_mmu_set_cr4(&cpu->mmu, value);
    return true;
}

bool rf_cpu_write_cr3(struct rf_cpu *cpu, uint64_t value)
{
    bool pcids = cpu->mmu.cr4 & RF_CR4_PCIDE, keep = pcids && value & RF_CR3_NO_FLUSH;
    uint64_t reserved = ~((UINT64_C(1) << RF_MAXPHYADDR) - 1) & ~(pcids ? RF_CR3_NO_FLUSH : 0);
    if (!rf_cpu_is_legacy(cpu) && value & reserved)
        return false;
    if (is_pae_paging(cpu->mmu.cr0, cpu->mmu.cr4, cpu->mmu.efer) &&
        !rf_mmu_load_pdptes(&cpu->mmu, value))
        return false;
    rf_mmu_set_cr3(&cpu->mmu, value);
    cpu->budget -= cpu->cost->event[keep ? RF_EVENT_MOV_CR3_KEEP : RF_EVENT_MOV_CR3];
    return true;
}
