/* Descriptor tables and segment registers (SDM 3A, chapters 3 and 5). */
#include "cpu/privilege.h"

#include <string.h>

bool rf_refuse(struct rf_refusal *refusal, enum rf_vector vector, uint32_t error_code)
{
    *refusal = (struct rf_refusal){ .vector = (uint8_t)vector,
                                    .has_error_code = true,
                                    .error_code = error_code };
    return false;
}

bool rf_refuse_plain(struct rf_refusal *refusal, enum rf_vector vector)
{
    *refusal = (struct rf_refusal){ .vector = (uint8_t)vector };
    return false;
}

bool rf_refuse_fault(const struct rf_cpu *cpu, struct rf_refusal *refusal, bool stack)
{
    if (cpu->fault.kind == RF_FAULT_ALIGNMENT)
        return rf_refuse(refusal, RF_AC, 0);
    if (cpu->fault.kind != RF_FAULT_PAGE)
        return rf_refuse(refusal, stack ? RF_SS : RF_GP, 0);
    rf_refuse(refusal, RF_PF, cpu->fault.error_code);
    refusal->cr2 = cpu->fault.address;
    return false;
}

bool rf_refuse_push(const struct rf_cpu *cpu, struct rf_refusal *refusal, uint32_t error_code)
{
    rf_refuse_fault(cpu, refusal, true);
    if (refusal->vector == RF_SS)
        refusal->error_code = error_code;
    return false;
}

/* Fields of an 8-byte descriptor (SDM 3A, figure 3-8). */
static void unpack(uint64_t raw, uint16_t selector, struct rf_segment *out)
{
    uint32_t limit = (uint32_t)(raw & 0xffff) | (uint32_t)(raw >> 32 & 0xf0000);
    out->selector = selector;
    out->attributes = (uint16_t)(raw >> 40 & 0xf0ff);
    out->base = (raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000);
    out->limit = out->attributes & RF_SEG_G ? limit << 12 | 0xfff : limit;
}

bool rf_read_descriptor(struct rf_cpu *cpu, uint16_t selector, enum rf_vector vector, uint32_t ext,
                        struct rf_descriptor *out, struct rf_refusal *refusal)
{
    bool local = selector & RF_SELECTOR_TI;
    uint64_t base = local ? cpu->ldtr.base : cpu->gdtr.base;
    uint32_t limit = local ? cpu->ldtr.limit : cpu->gdtr.limit;
    uint32_t offset = selector & ~7u, error = (selector & ~3u) | ext;
    if (local && !(cpu->ldtr.attributes & RF_SEG_P))
        return rf_refuse(refusal, vector, error);
    if (offset + 7 > limit)
        return rf_refuse(refusal, vector, error);
    memset(out, 0, sizeof *out);
    out->address = base + offset;
    if (!rf_cpu_read_system(cpu, out->address, out->raw, 8))
        return rf_refuse_fault(cpu, refusal, false);
    unpack(out->raw[0], selector, &out->segment);
    /* system descriptors are 16 bytes in IA-32e mode: the upper half holds base 63:32 */
    if (!(out->segment.attributes & RF_SEG_S) && cpu->mmu.efer & RF_EFER_LMA) {
        if (offset + 15 > limit)
            return rf_refuse(refusal, vector, error);
        if (!rf_cpu_read_system(cpu, out->address + 8, &out->raw[1], 8))
            return rf_refuse_fault(cpu, refusal, false);
        out->segment.base |= out->raw[1] << 32;
    }
    return true;
}

bool rf_mark_accessed(struct rf_cpu *cpu, const struct rf_descriptor *descriptor,
                      struct rf_refusal *refusal)
{
    uint8_t type = (uint8_t)(descriptor->raw[0] >> 40);
    if (!(type & RF_SEG_S) || type & 1)
        return true;
    type |= 1;
    if (!rf_cpu_write_system(cpu, descriptor->address + 5, &type, 1))
        return rf_refuse_fault(cpu, refusal, false);
    return true;
}

static bool load_null(struct rf_cpu *cpu, enum rf_seg which, uint16_t selector,
                      struct rf_refusal *refusal)
{
    /* SS may be null only in 64-bit mode below CPL 3, with RPL = CPL */
    if (which == RF_SEG_SS &&
        (cpu->code_bits != 64 || cpu->cpl == 3 || (selector & RF_SELECTOR_RPL) != cpu->cpl))
        return rf_refuse(refusal, RF_GP, 0);
    struct rf_segment *s = &cpu->seg[which];
    *s = (struct rf_segment){ .selector = selector };
    if (which == RF_SEG_SS)
        s->attributes = (uint16_t)(cpu->cpl << RF_SEG_DPL_SHIFT | RF_SEG_DB);
    return true;
}

static bool check_stack(const struct rf_cpu *cpu, const struct rf_segment *s, uint16_t selector)
{
    bool writable_data = (s->attributes & RF_SEG_S) && !(s->attributes & 8) && (s->attributes & 2);
    return writable_data && (selector & RF_SELECTOR_RPL) == cpu->cpl && rf_segment_dpl(s) == cpu->cpl;
}

static bool check_data(const struct rf_cpu *cpu, const struct rf_segment *s, uint16_t selector)
{
    if (!(s->attributes & RF_SEG_S))
        return false;
    if (rf_segment_is_code(s) && !(s->attributes & 2)) /* execute only */
        return false;
    if (rf_segment_is_conforming(s))
        return true;
    unsigned rpl = selector & RF_SELECTOR_RPL;
    return rpl <= rf_segment_dpl(s) && cpu->cpl <= rf_segment_dpl(s);
}

bool rf_load_segment(struct rf_cpu *cpu, enum rf_seg which, uint16_t selector,
                     struct rf_refusal *refusal)
{
    uint32_t error = selector & ~3u;
    if (rf_cpu_is_real(cpu)) {
        rf_real_load_segment(cpu, which, selector);
        return true;
    }
    if (!(selector & ~3u))
        return load_null(cpu, which, selector, refusal);
    struct rf_descriptor d;
    if (!rf_read_descriptor(cpu, selector, RF_GP, 0, &d, refusal))
        return false;
    bool good = which == RF_SEG_SS ? check_stack(cpu, &d.segment, selector)
                                   : check_data(cpu, &d.segment, selector);
    if (!good)
        return rf_refuse(refusal, RF_GP, error);
    if (!(d.segment.attributes & RF_SEG_P))
        return rf_refuse(refusal, which == RF_SEG_SS ? RF_SS : RF_NP, error);
    if (!rf_mark_accessed(cpu, &d, refusal))
        return false;
    cpu->seg[which] = d.segment;
    cpu->seg[which].attributes |= 1;
    return true;
}

void rf_set_flat_code(struct rf_cpu *cpu, uint16_t selector, unsigned cpl, bool is_64bit)
{
    cpu->seg[RF_CS] = (struct rf_segment){
        .selector = selector,
        .limit = UINT32_MAX,
        .attributes = (uint16_t)(0x0b | RF_SEG_S | cpl << RF_SEG_DPL_SHIFT | RF_SEG_P | RF_SEG_G |
                                 (is_64bit ? RF_SEG_L : RF_SEG_DB)),
    };
    cpu->cpl = (uint8_t)cpl;
}

void rf_set_flat_stack(struct rf_cpu *cpu, uint16_t selector, unsigned dpl)
{
    cpu->seg[RF_SEG_SS] = (struct rf_segment){
        .selector = selector,
        .limit = UINT32_MAX,
        .attributes = (uint16_t)(0x03 | RF_SEG_S | dpl << RF_SEG_DPL_SHIFT | RF_SEG_P | RF_SEG_G |
                                 RF_SEG_DB),
    };
}

void rf_drop_privileged_segments(struct rf_cpu *cpu)
{
    static const enum rf_seg data[] = { RF_ES, RF_DS, RF_FS, RF_GS };
    for (size_t i = 0; i < RF_ARRAY_SIZE(data); i++) {
        struct rf_segment *s = &cpu->seg[data[i]];
        bool is_null = !(s->selector & ~RF_SELECTOR_RPL); /* 1 to 3 become 0 */
        if (!is_null && (!(s->attributes & RF_SEG_P) || rf_segment_is_conforming(s)))
            continue;
        if (is_null || rf_segment_dpl(s) < cpu->cpl) {
            s->selector = 0;
            s->attributes = 0;
        }
    }
}
