/* Registers of a bare machine, with the manuals' rules for their values (ringfort/bare.h). */
#include "machine/bare.h"

#include "cpu/debug.h"

/* RFLAGS bits that exist (SDM 1, 3.4.3). */
#define FLAGS_DEFINED                                                                     \
    (RF_FLAGS_STATUS | RF_FLAG_FIXED | RF_FLAG_TF | RF_FLAG_IF | RF_FLAG_DF | RF_FLAG_IOPL | RF_FLAG_NT | \
     RF_FLAG_RF | RF_FLAG_VM | RF_FLAG_AC | RF_FLAG_VIF | RF_FLAG_VIP | RF_FLAG_ID)
#define CR0_DEFINED                                                                       \
    (RF_CR0_PE | RF_CR0_MP | RF_CR0_EM | RF_CR0_TS | RF_CR0_ET | RF_CR0_NE | RF_CR0_WP | RF_CR0_AM | \
     RF_CR0_NW | RF_CR0_CD | RF_CR0_PG)

static const char *const names[RF_BARE_REG_COUNT] = {
    [RF_BARE_RAX] = "RAX", [RF_BARE_RCX] = "RCX", [RF_BARE_RDX] = "RDX", [RF_BARE_RBX] = "RBX",
    [RF_BARE_RSP] = "RSP", [RF_BARE_RBP] = "RBP", [RF_BARE_RSI] = "RSI", [RF_BARE_RDI] = "RDI",
    [RF_BARE_R8] = "R8", [RF_BARE_R9] = "R9", [RF_BARE_R10] = "R10", [RF_BARE_R11] = "R11",
    [RF_BARE_R12] = "R12", [RF_BARE_R13] = "R13", [RF_BARE_R14] = "R14", [RF_BARE_R15] = "R15",
    [RF_BARE_RIP] = "RIP", [RF_BARE_RFLAGS] = "RFLAGS", [RF_BARE_CR0] = "CR0", [RF_BARE_CR2] = "CR2",
    [RF_BARE_CR3] = "CR3", [RF_BARE_CR4] = "CR4", [RF_BARE_CR8] = "CR8", [RF_BARE_DR0] = "DR0",
    [RF_BARE_DR1] = "DR1", [RF_BARE_DR2] = "DR2", [RF_BARE_DR3] = "DR3", [RF_BARE_DR6] = "DR6",
    [RF_BARE_DR7] = "DR7", [RF_BARE_XCR0] = "XCR0", [RF_BARE_PKRU] = "PKRU", [RF_BARE_SSP] = "SSP",
    [RF_BARE_GDTR_BASE] = "GDTR.base", [RF_BARE_GDTR_LIMIT] = "GDTR.limit",
    [RF_BARE_IDTR_BASE] = "IDTR.base", [RF_BARE_IDTR_LIMIT] = "IDTR.limit", [RF_BARE_CPL] = "CPL",
    [RF_BARE_ES] = "ES", [RF_BARE_CS] = "CS", [RF_BARE_SS] = "SS", [RF_BARE_DS] = "DS",
    [RF_BARE_FS] = "FS", [RF_BARE_GS] = "GS", [RF_BARE_LDTR] = "LDTR", [RF_BARE_TR] = "TR",
};

const char *rf_bare_reg_name(rf_bare_reg reg)
{
    return (unsigned)reg < RF_BARE_REG_COUNT ? names[reg] : NULL;
}

static bool is_segment(rf_bare_reg reg)
{
    return reg >= RF_BARE_ES && reg <= RF_BARE_TR;
}

/* The register of a number for which is_segment holds. The public order is the encoding's. */
static struct rf_segment *segment_of(struct rf_cpu *cpu, rf_bare_reg reg)
{
    if (reg == RF_BARE_LDTR)
        return &cpu->ldtr;
    return reg == RF_BARE_TR ? &cpu->tr : &cpu->seg[RF_ES + (reg - RF_BARE_ES)];
}
_Static_assert(RF_BARE_CS - RF_BARE_ES == RF_CS && RF_BARE_GS - RF_BARE_ES == RF_GS, "one order of segments");
_Static_assert((int)RF_BARE_RSP == RF_RSP && (int)RF_BARE_R15 == RF_R15, "one order of registers");

/* A register that is a field of the CPU with no rule but a mask of its bits; NULL for others. */
static uint64_t *plain_field(struct rf_cpu *cpu, rf_bare_reg reg)
{
    if (reg <= RF_BARE_R15)
        return &cpu->r[reg];
    if (reg >= RF_BARE_DR0 && reg <= RF_BARE_DR3)
        return &cpu->dr[reg - RF_BARE_DR0];
    switch (reg) {
    case RF_BARE_RIP: return &cpu->r[RF_REG_IP];
    case RF_BARE_CR2: return &cpu->cr2;
    case RF_BARE_GDTR_BASE: return &cpu->gdtr.base;
    case RF_BARE_IDTR_BASE: return &cpu->idtr.base;
    default: return NULL;
    }
}

uint64_t rf_bare_get(const rf_bare *bare, rf_bare_reg reg)
{
    if (!bare || (unsigned)reg >= RF_BARE_REG_COUNT)
        return 0;
    const struct rf_cpu *cpu = &bare->cpu;
    const uint64_t *field = plain_field((struct rf_cpu *)(uintptr_t)cpu, reg);
    if (field)
        return *field;
    if (is_segment(reg))
        return segment_of((struct rf_cpu *)(uintptr_t)cpu, reg)->selector;
    switch (reg) {
    case RF_BARE_RFLAGS: return rf_cpu_flags(cpu);
    case RF_BARE_CR0: return cpu->mmu.cr0;
    case RF_BARE_CR3: return cpu->mmu.cr3;
    case RF_BARE_CR4: return cpu->mmu.cr4;
    case RF_BARE_CR8: return cpu->cr8;
    case RF_BARE_DR6: return cpu->dr[6];
    case RF_BARE_DR7: return cpu->dr[7];
    case RF_BARE_XCR0: return cpu->xcr0;
    case RF_BARE_PKRU: return cpu->mmu.pkru;
    case RF_BARE_SSP: return cpu->ssp;
    case RF_BARE_GDTR_LIMIT: return cpu->gdtr.limit;
    case RF_BARE_IDTR_LIMIT: return cpu->idtr.limit;
    default: return cpu->cpl;
    }
}

/* --- setting --- */

static rf_status refuse(struct rf_bare *bare, rf_status status, rf_bare_reg reg, uint64_t value, const char *why)
{
    return rf_error_set(&bare->error, status, "%s = %#llx: %s", names[reg], (unsigned long long)value, why);
}
#define BAD(why) refuse(bare, RF_ERR_ARGUMENT, reg, value, why)
#define IMPOSSIBLE(why) refuse(bare, RF_ERR_STATE, reg, value, why)

/* PAE paging keeps its topmost table in registers, which some writes load (SDM 3A, 4.4.1). */
static bool loads_pdptes(struct rf_bare *bare, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer)
{
    bool pae = cr0 & RF_CR0_PG && cr4 & RF_CR4_PAE && !(efer & RF_EFER_LMA);
    return !pae || rf_mmu_load_pdptes(&bare->cpu.mmu, cr3);
}
#define BAD_PDPTE IMPOSSIBLE("a PDPTE of PAE paging has a reserved bit set")

/* SDM 3A, 2.5 and 4.1.2; EFER.LMA follows CR0.PG and EFER.LME (SDM 3A, 9.8.5). */
static rf_status set_cr0(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    struct rf_mmu *mmu = &bare->cpu.mmu;
    if (value & ~CR0_DEFINED)
        return BAD("a reserved bit is set");
    if (value & RF_CR0_PG && !(value & RF_CR0_PE))
        return BAD("PG without PE");
    if (value & RF_CR0_NW && !(value & RF_CR0_CD))
        return BAD("NW without CD");
    if (mmu->cr4 & RF_CR4_CET && !(value & RF_CR0_WP))
        return IMPOSSIBLE("WP cannot be cleared while CR4.CET is set");
    bool long_mode = value & RF_CR0_PG && mmu->efer & RF_EFER_LME;
    if (long_mode && !(mmu->cr4 & RF_CR4_PAE))
        return IMPOSSIBLE("paging with EFER.LME needs CR4.PAE");
    if (!(value & RF_CR0_PG) && mmu->cr4 & RF_CR4_PCIDE)
        return IMPOSSIBLE("paging cannot end while CR4.PCIDE is set");
    uint64_t efer = (mmu->efer & ~RF_EFER_LMA) | (long_mode ? RF_EFER_LMA : 0);
    if (!loads_pdptes(bare, value, mmu->cr3, mmu->cr4, efer))
        return BAD_PDPTE;
    rf_mmu_set_efer(mmu, efer);
    rf_mmu_set_cr0(mmu, value | RF_CR0_ET);
    return RF_OK;
}

static rf_status set_cr3(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    struct rf_mmu *mmu = &bare->cpu.mmu;
    uint64_t allowed = RF_BIT(RF_MAXPHYADDR) - 1;
    if (mmu->cr4 & RF_CR4_PCIDE)
        allowed |= RF_CR3_NO_FLUSH;
    if (value & ~allowed)
        return BAD("a reserved bit is set (physical addresses have 46 bits)");
    if (!loads_pdptes(bare, mmu->cr0, value, mmu->cr4, mmu->efer))
        return BAD_PDPTE;
    rf_mmu_set_cr3(mmu, value);
    return RF_OK;
}

static rf_status set_cr4(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    struct rf_mmu *mmu = &bare->cpu.mmu;
    bool long_mode = mmu->efer & RF_EFER_LMA;
    if (value & RF_CR4_CET && !(mmu->cr0 & RF_CR0_WP) && rf_has(bare->cpu.features, RF_FEATURE_SHSTK))
        return IMPOSSIBLE("CET can be set only while CR0.WP is set");
    if (value & ~rf_cpu_cr4_defined(&bare->cpu))
        return BAD("a bit is set that is reserved, or that this CPU model does not have");
    if (long_mode && !(value & RF_CR4_PAE))
        return IMPOSSIBLE("PAE cannot be cleared in long mode");
    if (long_mode && (value ^ mmu->cr4) & RF_CR4_LA57)
        return IMPOSSIBLE("LA57 cannot change in long mode");
    if (value & ~mmu->cr4 & RF_CR4_PCIDE && (!long_mode || mmu->cr3 & 0xfff))
        return IMPOSSIBLE("PCIDE can be set only in long mode and while bits 0 to 11 of CR3 are 0");
    if (!loads_pdptes(bare, mmu->cr0, mmu->cr3, value, mmu->efer))
        return BAD_PDPTE;
    rf_mmu_set_cr4(mmu, value);
    return RF_OK;
}

static rf_status set_xcr0(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    struct rf_cpu *cpu = &bare->cpu;
    if (value & ~rf_model_xcr0(cpu->features))
        return BAD("a bit is set that is reserved, or that this CPU model does not have");
    if (!(value & RF_XCR0_X87) || (value & RF_XCR0_AVX && !(value & RF_XCR0_SSE)))
        return BAD("bit 0 must be set, and AVX needs SSE");
    cpu->xcr0 = value;
    return RF_OK;
}

static rf_status set_limited(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    struct rf_cpu *cpu = &bare->cpu;
    switch (reg) {
    case RF_BARE_CR8:
        if (value > 15)
            return BAD("a task priority is 0 to 15");
        cpu->cr8 = value;
        rf_apic_cr8_written(cpu);
        return RF_OK;
    case RF_BARE_GDTR_LIMIT:
    case RF_BARE_IDTR_LIMIT:
        if (value > UINT16_MAX)
            return BAD("a table's limit is at most 0xffff");
        (reg == RF_BARE_GDTR_LIMIT ? &cpu->gdtr : &cpu->idtr)->limit = (uint16_t)value;
        return RF_OK;
    case RF_BARE_PKRU:
        if (value > UINT32_MAX)
            return BAD("PKRU has 32 bits");
        rf_mmu_set_pkru(&cpu->mmu, (uint32_t)value);
        return RF_OK;
    default: /* DR6, DR7 */
        if (value > UINT32_MAX)
            return BAD("bits 32 to 63 are reserved");
        if (reg == RF_BARE_DR6)
            cpu->dr[6] = (value & RF_DR6_WRITABLE) | RF_DR6_FIXED;
        else
            cpu->dr[7] = (value & RF_DR7_WRITABLE) | RF_DR7_FIXED;
        return RF_OK;
    }
}

/* The CPU loads no other value: SDM 1, 17.2 and SDM 2B, RSTORSSP. */
static rf_status set_ssp(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    if (!rf_has(bare->cpu.features, RF_FEATURE_SHSTK))
        return BAD("this CPU model has no shadow stacks: 'max' has");
    if (value & 3)
        return BAD("a shadow stack pointer is a multiple of 4");
    if (!rf_mmu_canonical(&bare->cpu.mmu, value))
        return BAD("the address is not canonical");
    bare->cpu.ssp = value;
    return RF_OK;
}

static rf_status set_flags(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    if (value & ~(uint64_t)FLAGS_DEFINED)
        return BAD("a reserved bit is set");
    rf_cpu_set_flags(&bare->cpu, value | RF_FLAG_FIXED);
    return RF_OK;
}

static rf_status set_plain(struct rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    bool table = reg == RF_BARE_GDTR_BASE || reg == RF_BARE_IDTR_BASE;
    if (table && !rf_mmu_canonical_base(value))
        return BAD("the address is not canonical");
    if (reg == RF_BARE_RIP)
        bare->cpu.halted = bare->shut_down = false;
    *plain_field(&bare->cpu, reg) = value;
    return RF_OK;
}

rf_status rf_bare_set(rf_bare *bare, rf_bare_reg reg, uint64_t value)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    rf_status status;
    if ((unsigned)reg >= RF_BARE_REG_COUNT)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "there is no register %u", (unsigned)reg);
    if (reg == RF_BARE_CPL || is_segment(reg))
        return BAD("set by loading the segment register: rf_bare_set_segment");
    if (plain_field(&bare->cpu, reg))
        status = set_plain(bare, reg, value);
    else if (reg == RF_BARE_RFLAGS)
        status = set_flags(bare, reg, value);
    else if (reg == RF_BARE_CR0)
        status = set_cr0(bare, reg, value);
    else if (reg == RF_BARE_CR3)
        status = set_cr3(bare, reg, value);
    else if (reg == RF_BARE_CR4)
        status = set_cr4(bare, reg, value);
    else if (reg == RF_BARE_SSP)
        status = set_ssp(bare, reg, value);
    else if (reg == RF_BARE_XCR0)
        status = set_xcr0(bare, reg, value);
    else
        status = set_limited(bare, reg, value);
    rf_cpu_mode_changed(&bare->cpu);
    return status;
}

/* --- segments --- */

rf_status rf_bare_get_segment(const rf_bare *bare, rf_bare_reg reg, rf_bare_segment *out)
{
    if (!bare || !out || !is_segment(reg))
        return RF_ERR_ARGUMENT;
    const struct rf_segment *s = segment_of((struct rf_cpu *)(uintptr_t)&bare->cpu, reg);
    *out = (rf_bare_segment){ s->selector, s->attributes, s->limit, s->base };
    return RF_OK;
}

/* Why the CPU could never hold this, or NULL (SDM 3A, 3.4.5 and 3.5). */
static const char *wrong_segment(const struct rf_bare *bare, rf_bare_reg reg, const rf_bare_segment *s)
{
    unsigned type = s->attributes & RF_SEG_TYPE, dpl = s->attributes >> RF_SEG_DPL_SHIFT & 3;
    bool memory = s->attributes & RF_SEG_S, code = memory && type & 8;
    if (s->attributes & 0x0f00)
        return "bits 8 to 11 of the attributes are the limit's, and 0 here";
    if (!rf_mmu_canonical_base(s->base))
        return "the base is not canonical";
    if (code && s->attributes & RF_SEG_L && s->attributes & RF_SEG_DB)
        return "L and D are set together, which is reserved";
    if (reg == RF_BARE_CS && !code && bare->cpu.mmu.cr0 & RF_CR0_PE)
        return "CS must be a code segment";
    if (reg == RF_BARE_CS && bare->cpu.mmu.cr0 & RF_CR0_PE && !(type & 4) && dpl != (s->selector & 3u))
        return "the DPL of CS must be the selector's RPL, which becomes CPL";
    if (!s->attributes)
        return NULL;
    if (reg == RF_BARE_TR && (memory || (type != 0xb && type != 3)))
        return "TR must be a busy TSS (type 0xb or 3)";
    if (reg == RF_BARE_LDTR && (memory || type != 2))
        return "LDTR must be an LDT (type 2)";
    return NULL;
}

rf_status rf_bare_set_segment(rf_bare *bare, rf_bare_reg reg, const rf_bare_segment *segment)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    if (!is_segment(reg) || !segment)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "no segment register or no segment was given");
    const char *wrong = wrong_segment(bare, reg, segment);
    if (wrong)
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "%s = %#x: %s", names[reg], segment->selector, wrong);
    struct rf_cpu *cpu = &bare->cpu;
    *segment_of(cpu, reg) =
        (struct rf_segment){ segment->selector, segment->attributes, segment->limit, segment->base };
    if (reg == RF_BARE_CS)
        cpu->cpl = cpu->mmu.cr0 & RF_CR0_PE ? segment->selector & 3 : 0;
    rf_cpu_mode_changed(cpu);
    return RF_OK;
}

/* --- MSRs --- */

rf_status rf_bare_read_msr(rf_bare *bare, uint32_t number, uint64_t *value)
{
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    if (!value || !rf_cpu_read_msr(&bare->cpu, number, value))
        return rf_error_set(&bare->error, RF_ERR_ARGUMENT, "MSR %#x does not exist", number);
    return RF_OK;
}

rf_status rf_bare_write_msr(rf_bare *bare, uint32_t number, uint64_t value)
{
    uint64_t old;
    if (!bare)
        return RF_ERR_ARGUMENT;
    rf_bare_begin(bare);
    if (rf_cpu_write_msr(&bare->cpu, number, value)) {
        rf_cpu_mode_changed(&bare->cpu);
        return RF_OK;
    }
    return rf_error_set(&bare->error, RF_ERR_ARGUMENT,
                        rf_cpu_read_msr(&bare->cpu, number, &old)
                            ? "MSR %#x = %#llx: WRMSR answers this value with #GP (reserved bits, or not canonical)"
                            : "MSR %#x = %#llx: it does not exist",
                        number, (unsigned long long)value);
}
