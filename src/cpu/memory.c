/* Memory accesses that the software TLB does not serve (cpu/op.h), and what must be looked at
 * for each of them: alignment at CPL 3, and breakpoints on data. While either is on, cpu->tlb has
 * no entries, and so all accesses end here; else they cost nothing. */
#include "cpu/debug.h"
#include "cpu/engine.h"

#define NOTHING { RF_TLB_INVALID, RF_TLB_INVALID, RF_TLB_INVALID, 0 }
static const struct rf_tlb_entry no_entries[RF_TLB_ENTRIES] = {
    [0 ... RF_TLB_ENTRIES - 1] = NOTHING,
};

const struct rf_tlb_entry *rf_cpu_tlb(struct rf_cpu *cpu)
{
    cpu->checks_alignment =
        cpu->cpl == 3 && cpu->mmu.cr0 & RF_CR0_AM && cpu->flags & RF_FLAG_AC;
    cpu->watches_data = rf_debug_watches_data(cpu);
    return cpu->checks_alignment || cpu->watches_data ? no_entries : cpu->mmu.set->entry[cpu->tlb_mode];
}

/* What an operand's address must be a multiple of (SDM 3A, table 6-7; what it leaves open is
 * as AMD's CPUs have it). Vectors of 32 bytes are checked for 16. The sizes of several parts are
 * those of FNSTENV and FNSAVE, and of pseudo-descriptors; FXSAVE and XSAVE, which are larger,
 * have rules of their own. */
static unsigned alignment_of(unsigned size)
{
    switch (size) {
    case 2: case 14: case 94: return 2;
    case 4: case 6: case 28: case 108: return 4;
    case 8: case 10: return 8;
    case 16: case 32: return 16;
    default: return 1;
    }
}

/* An address that is not canonical is refused before, one that is not mapped after it. */
static bool refused(struct rf_cpu *cpu, uint64_t va, unsigned size, unsigned alignment)
{
    if (!(va & (alignment - 1)))
        return false;
    if (!rf_mmu_canonical(&cpu->mmu, va) || !rf_mmu_canonical(&cpu->mmu, va + size - 1))
        return false;
    cpu->fault = (struct rf_fault){ .kind = RF_FAULT_ALIGNMENT, .address = va };
    return true;
}

static bool misaligned(struct rf_cpu *cpu, uint64_t va, unsigned size)
{
    return RF_UNLIKELY(cpu->checks_alignment) && refused(cpu, va, size, alignment_of(size));
}

/* Outside 64-bit mode an operand across the end of the 4 GiB is refused as one beyond a limit
 * of 4 GiB - 1 (SDM 3A, 5.3, leaves that to the implementation). It never takes the fast path:
 * it crosses a page. */
static bool crosses_4gib(struct rf_cpu *cpu, uint64_t va, unsigned size)
{
    if (RF_LIKELY(cpu->code_bits == 64 || va + size <= UINT64_C(1) << 32))
        return false;
    cpu->fault = (struct rf_fault){ .kind = RF_FAULT_SEGMENT };
    return true;
}

bool rf_load_unaligned(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size)
{
    if (crosses_4gib(cpu, va, size) ||
        !rf_mmu_read(&cpu->mmu, va, out, size, (enum rf_tlb_mode)cpu->tlb_mode, &cpu->fault))
        return false;
    if (RF_UNLIKELY(cpu->watches_data))
        rf_debug_data(cpu, va, size, false);
    return true;
}

bool rf_store_unaligned(struct rf_cpu *cpu, uint64_t va, const void *data, unsigned size)
{
    if (crosses_4gib(cpu, va, size) ||
        !rf_mmu_write(&cpu->mmu, va, data, size, (enum rf_tlb_mode)cpu->tlb_mode, &cpu->fault))
        return false;
    if (RF_UNLIKELY(cpu->watches_data))
        rf_debug_data(cpu, va, size, true);
    return true;
}

/* Not seen by breakpoints: a store will be. */
static bool load_for_write(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size)
{
    if (crosses_4gib(cpu, va, size))
        return false;
    return rf_mmu_read_for_write(&cpu->mmu, va, out, size, (enum rf_tlb_mode)cpu->tlb_mode,
                                 &cpu->fault);
}

bool rf_probe_write_unaligned(struct rf_cpu *cpu, uint64_t va, unsigned size)
{
    return rf_tlb_write(cpu->tlb, va, size) ||
           (!crosses_4gib(cpu, va, size) &&
            rf_mmu_probe_write(&cpu->mmu, va, size, (enum rf_tlb_mode)cpu->tlb_mode, &cpu->fault));
}

bool rf_load_slow(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size)
{
    return !misaligned(cpu, va, size) && rf_load_unaligned(cpu, va, out, size);
}

bool rf_load_aligned(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size, unsigned alignment)
{
    return !(cpu->checks_alignment && refused(cpu, va, size, alignment)) &&
           rf_load_unaligned(cpu, va, out, size);
}

bool rf_store_slow(struct rf_cpu *cpu, uint64_t va, const void *data, unsigned size)
{
    return !misaligned(cpu, va, size) && rf_store_unaligned(cpu, va, data, size);
}

bool rf_load_rmw_slow(struct rf_cpu *cpu, uint64_t va, void *out, unsigned size)
{
    return !misaligned(cpu, va, size) && load_for_write(cpu, va, out, size);
}

bool rf_probe_write(struct rf_cpu *cpu, uint64_t va, unsigned size)
{
    return !misaligned(cpu, va, size) && rf_probe_write_unaligned(cpu, va, size);
}

/* Implicit accesses of the supervisor are not checked for alignment, whatever the CPL. Outside
 * IA-32e mode linear addresses have 32 bits. */
static uint64_t system_address(const struct rf_cpu *cpu, uint64_t va)
{
    return rf_cpu_is_legacy(cpu) ? (uint32_t)va : va;
}

bool rf_cpu_read_system(struct rf_cpu *cpu, uint64_t va, void *out, size_t size)
{
    return rf_mmu_read(&cpu->mmu, system_address(cpu, va), out, size, RF_TLB_SUPERVISOR, &cpu->fault);
}

bool rf_cpu_write_system(struct rf_cpu *cpu, uint64_t va, const void *data, size_t size)
{
    return rf_mmu_write(&cpu->mmu, system_address(cpu, va), data, size, RF_TLB_SUPERVISOR, &cpu->fault);
}
