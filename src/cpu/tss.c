/* Stacks that the task-state segment holds (SDM 3A, 7.2.1, 7.6 and 7.7): the 64-bit TSS has stack
 * pointers alone, the 32-bit and 16-bit ones have stack segments with them. */
#include "cpu/privilege.h"
#include "cpu/segmentation.h"

/* SS after a switch in IA-32e mode: null, with RPL = CPL (SDM 3A, 6.14.2). */
static struct rf_segment null_stack_segment(unsigned cpl)
{
    return (struct rf_segment){
        .selector = (uint16_t)cpl,
        .limit = UINT32_MAX,
        .attributes = (uint16_t)(0x03 | RF_SEG_S | cpl << RF_SEG_DPL_SHIFT | RF_SEG_G | RF_SEG_DB),
    };
}

static bool read_task(struct rf_cpu *cpu, uint32_t offset, void *out, unsigned size, uint32_t ext,
                      struct rf_refusal *refusal)
{
    if (offset + size - 1 > cpu->tr.limit)
        return rf_refuse(refusal, RF_TS, (cpu->tr.selector & ~3u) | ext);
    if (!rf_cpu_read_system(cpu, cpu->tr.base + offset, out, size))
        return rf_refuse_fault(cpu, refusal, false);
    return true;
}

static bool wide_stack(struct rf_cpu *cpu, unsigned cpl, unsigned ist, uint32_t ext, struct rf_stack *stack,
                       struct rf_refusal *refusal)
{
    uint32_t offset = ist ? 36 + (ist - 1) * 8 : 4 + cpl * 8;
    if (!read_task(cpu, offset, &stack->sp, 8, ext, refusal))
        return false;
    if (!rf_mmu_canonical(&cpu->mmu, stack->sp))
        return rf_refuse(refusal, RF_SS, ext);
    stack->ss = null_stack_segment(cpl);
    return true;
}

/* The checks of SDM 3A, 5.8.5 and 6.12.1: all are #TS but that of presence. */
static bool check_segment(struct rf_cpu *cpu, uint16_t selector, unsigned cpl, uint32_t ext,
                          struct rf_segment *ss, struct rf_refusal *refusal)
{
    const unsigned kind = RF_SEG_S | 0xa, writable_data = RF_SEG_S | 2;
    uint32_t error = (selector & ~3u) | ext;
    struct rf_descriptor d;
    if (!(selector & ~3u))
        return rf_refuse(refusal, RF_TS, ext);
    if (!rf_read_descriptor(cpu, selector, RF_TS, ext, &d, refusal))
        return false;
    if ((selector & RF_SELECTOR_RPL) != cpl || rf_segment_dpl(&d.segment) != cpl ||
        (d.segment.attributes & kind) != writable_data)
        return rf_refuse(refusal, RF_TS, error);
    if (!(d.segment.attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_SS, error);
    *ss = d.segment;
    ss->attributes |= 1;
    return rf_mark_accessed(cpu, &d, refusal);
}

static bool segmented_stack(struct rf_cpu *cpu, unsigned cpl, uint32_t ext, struct rf_stack *stack,
                            struct rf_refusal *refusal)
{
    struct __attribute__((packed)) { uint32_t sp; uint16_t ss; } wide = { 0 };
    struct { uint16_t sp, ss; } narrow = { 0 };
    uint16_t selector;
    if (cpu->tr.attributes & 8) { /* a 32-bit TSS */
        if (!read_task(cpu, 4 + cpl * 8, &wide, sizeof wide, ext, refusal))
            return false;
        stack->sp = wide.sp;
        selector = wide.ss;
    } else {
        if (!read_task(cpu, 2 + cpl * 4, &narrow, sizeof narrow, ext, refusal))
            return false;
        stack->sp = narrow.sp;
        selector = narrow.ss;
    }
    return check_segment(cpu, selector, cpl, ext, &stack->ss, refusal);
}

bool rf_inner_stack(struct rf_cpu *cpu, unsigned cpl, unsigned ist, uint32_t ext, struct rf_stack *stack,
                    struct rf_refusal *refusal)
{
    *stack = (struct rf_stack){ .cpl = (uint8_t)cpl, .is_64bit = !rf_cpu_is_legacy(cpu) };
    return stack->is_64bit ? wide_stack(cpu, cpl, ist, ext, stack, refusal)
                           : segmented_stack(cpu, cpl, ext, stack, refusal);
}
