/* XSAVE areas of tasks (kernel/signal/fpstate.h). */
#include "kernel/signal/fpstate.h"

#include "kernel/task/task.h"

#include <string.h>

uint64_t rf_fp_components(const struct rf_cpu *cpu)
{
    return cpu->mmu.cr4 & RF_CR4_OSXSAVE ? cpu->xcr0 : 0;
}

uint32_t rf_fp_size(const struct rf_cpu *cpu)
{
    uint64_t components = rf_fp_components(cpu);
    return components ? rf_xsave_size(components, false) : sizeof(struct rf_fxsave_area);
}

uint32_t rf_fp_frame_size(const struct rf_cpu *cpu)
{
    return rf_fp_size(cpu) + (rf_fp_components(cpu) ? 4 : 0);
}

void rf_fp_save(struct rf_cpu *cpu, uint8_t *out)
{
    struct rf_xsave_area area;
    uint64_t components = rf_fp_components(cpu);
    memset(&area, 0, sizeof area);
    rf_x87_to_area(cpu, &area.legacy, true);
    area.legacy.mxcsr = cpu->fpu.mxcsr;
    area.legacy.mxcsr_mask = RF_MXCSR_MASK;
    rf_xmm_to_area(cpu, &area.legacy, 16);
    memcpy(out, &area, rf_fp_size(cpu));
    if (!components)
        return;
    rf_ymm_to_area(cpu, &area);
    area.pkru = cpu->mmu.pkru;
    /* The kernel's XSAVE leaves what is in its initial state out, but for x87 and SSE. */
    area.xstate_bv = components & (rf_xsave_in_use(cpu) | RF_XCR0_X87 | RF_XCR0_SSE);
    const struct rf_fpx_sw_bytes software = {
        .magic1 = RF_FP_XSTATE_MAGIC1,
        .extended_size = rf_fp_size(cpu) + 4,
        .xfeatures = components,
        .xstate_size = rf_fp_size(cpu),
    };
    const uint32_t magic2 = RF_FP_XSTATE_MAGIC2;
    memcpy(out, &area, rf_fp_size(cpu));
    memcpy(out + offsetof(struct rf_fpstate, sw_reserved), &software, sizeof software);
    memcpy(out + rf_fp_size(cpu), &magic2, sizeof magic2);
}

void rf_fp_restore(struct rf_cpu *cpu, const struct rf_xsave_area *area)
{
    static const struct rf_xsave_area initial = { .legacy = { .fcw = 0x37f } };
    uint64_t present = area->xstate_bv;
    rf_x87_from_area(cpu, present & RF_XCR0_X87 ? &area->legacy : &initial.legacy, true);
    rf_xmm_from_area(cpu, present & RF_XCR0_SSE ? &area->legacy : &initial.legacy, 16);
    cpu->fpu.mxcsr = area->legacy.mxcsr;
    rf_ymm_from_area(cpu, present & RF_XCR0_AVX ? area : &initial);
    if (rf_fp_components(cpu) & RF_XCR0_PKRU)
        rf_mmu_set_pkru(&cpu->mmu, present & RF_XCR0_PKRU ? (uint32_t)area->pkru : 0);
}

bool rf_fp_valid(const struct rf_cpu *cpu, const struct rf_xsave_area *area)
{
    return !(area->legacy.mxcsr & ~RF_MXCSR_MASK) && !(area->xstate_bv & ~rf_fp_components(cpu)) &&
           !area->xcomp_bv && !area->reserved[0];
}

void rf_fp_swap(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_cpu *cpu = k->cpu;
    struct rf_cpu_context *c = &task->context;
    struct rf_fpu own = cpu->fpu;
    uint32_t pkru = cpu->mmu.pkru;
    if (task == k->current)
        return;
    cpu->fpu = c->fpu;
    cpu->fpu.host_mxcsr = own.host_mxcsr;
    rf_mmu_set_pkru(&cpu->mmu, c->pkru);
    c->fpu = own;
    c->pkru = pkru;
}

size_t rf_fp_of_task(struct rf_kernel *k, struct rf_task *task, uint8_t *out, bool whole)
{
    uint64_t components = whole ? rf_fp_components(k->cpu) : 0;
    rf_fp_swap(k, task);
    rf_fp_save(k->cpu, out);
    rf_fp_swap(k, task);
    memset(out + offsetof(struct rf_fpstate, sw_reserved), 0, sizeof(struct rf_fpx_sw_bytes));
    memcpy(out + offsetof(struct rf_fpstate, sw_reserved), &components, sizeof components);
    return rf_fp_size(k->cpu);
}
