/* State components and the areas they are saved to (cpu/xsave.h). */
#include "cpu/xsave.h"

#include "cpu/engine.h"
#include "cpu/ops/x87.h"

#include <simde/x86/sse.h>

struct rf_xsave_component rf_xsave_component(unsigned number)
{
    switch (number) {
    case 2: return (struct rf_xsave_component){ offsetof(struct rf_xsave_area, ymm_high), 256 };
    case 9: return (struct rf_xsave_component){ offsetof(struct rf_xsave_area, pkru), 8 };
    default: return (struct rf_xsave_component){ 0, 0 };
    }
}

uint32_t rf_xsave_size(uint64_t components, bool compacted)
{
    uint32_t end = offsetof(struct rf_xsave_area, ymm_high);
    for (unsigned i = 2; i < 63; i++) {
        struct rf_xsave_component c = rf_xsave_component(i);
        if (components >> i & 1)
            end = compacted ? end + c.size : c.offset + c.size;
    }
    return end;
}

static bool x87_in_use(const struct rf_fpu *fpu)
{
    if (fpu->cw != 0x37f || fpu->sw || fpu->tag_valid || fpu->fop || fpu->fip || fpu->fdp)
        return true;
    for (unsigned i = 0; i < 8; i++)
        if (fpu->x87[i].mantissa || fpu->x87[i].sign_exponent)
            return true;
    return false;
}

uint64_t rf_xsave_in_use(struct rf_cpu *cpu)
{
    const struct rf_fpu *fpu = &cpu->fpu;
    uint64_t low = 0, high = 0;
    for (unsigned i = 0; i < 16; i++) {
        low |= fpu->v[i].u64[0] | fpu->v[i].u64[1];
        high |= fpu->v[i].u64[2] | fpu->v[i].u64[3];
    }
    return (x87_in_use(fpu) ? RF_XCR0_X87 : 0) | (low ? RF_XCR0_SSE : 0) |
           (high ? RF_XCR0_AVX : 0) | (cpu->mmu.pkru ? RF_XCR0_PKRU : 0);
}

void rf_x87_to_area(struct rf_cpu *cpu, struct rf_fxsave_area *area, bool wide)
{
    const struct rf_fpu *fpu = &cpu->fpu;
    area->fcw = fpu->cw;
    area->fsw = fpu->sw;
    area->ftw = fpu->tag_valid;
    area->reserved = 0;
    area->fop = fpu->fop;
    area->fip = wide ? fpu->fip : (uint32_t)fpu->fip;
    area->fdp = wide ? fpu->fdp : (uint32_t)fpu->fdp;
    memset(area->st, 0, sizeof area->st);
    for (unsigned i = 0; i < 8; i++)
        memcpy(area->st[i], x87_st(cpu, i), 10);
}

/* The pointers are as wide as linear addresses can be: the SDM is silent, CPUs do it. */
static uint64_t as_linear(uint64_t pointer)
{
    return (uint64_t)((int64_t)(pointer << 7) >> 7);
}

void rf_x87_from_area(struct rf_cpu *cpu, const struct rf_fxsave_area *area, bool wide)
{
    struct rf_fpu *fpu = &cpu->fpu;
    rf_x87_set_control(fpu, area->fcw, area->fsw);
    fpu->tag_valid = area->ftw;
    fpu->fop = area->fop & 0x7ff;
    fpu->fip = wide ? as_linear(area->fip) : (uint32_t)area->fip;
    fpu->fdp = wide ? as_linear(area->fdp) : (uint32_t)area->fdp;
    for (unsigned i = 0; i < 8; i++)
        memcpy(x87_st(cpu, i), area->st[i], 10);
}

void rf_x87_initial(struct rf_cpu *cpu)
{
    const struct rf_fxsave_area initial = { .fcw = 0x37f };
    rf_x87_from_area(cpu, &initial, true);
}

void rf_xmm_to_area(const struct rf_cpu *cpu, struct rf_fxsave_area *area, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        memcpy(area->xmm[i], &cpu->fpu.v[i], 16);
}

void rf_xmm_from_area(struct rf_cpu *cpu, const struct rf_fxsave_area *area, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        memcpy(&cpu->fpu.v[i], area->xmm[i], 16);
}

void rf_ymm_to_area(const struct rf_cpu *cpu, struct rf_xsave_area *area)
{
    for (unsigned i = 0; i < 16; i++)
        memcpy(area->ymm_high[i], &cpu->fpu.v[i].u64[2], 16);
}

void rf_ymm_from_area(struct rf_cpu *cpu, const struct rf_xsave_area *area)
{
    for (unsigned i = 0; i < 16; i++)
        memcpy(&cpu->fpu.v[i].u64[2], area->ymm_high[i], 16);
}

bool rf_mxcsr_set(struct rf_cpu *cpu, uint32_t value)
{
    bool masks_changed = (cpu->fpu.mxcsr ^ value) & RF_MXCSR_ALL_MASKED;
    cpu->fpu.mxcsr = value;
    simde_mm_setcsr(value | RF_MXCSR_ALL_MASKED);
    return masks_changed;
}
