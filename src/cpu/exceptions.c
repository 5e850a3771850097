/* Delivery of exceptions and interrupts through the IDT (SDM 3A, chapter 6; IA-32e mode:
 * 6.14). Nothing changes until every check and the push have succeeded, so a fault on the
 * way is delivered from the same state. */
#include "cpu/debug.h"
#include "cpu/privilege.h"

#include <stdio.h>
#include <string.h>

struct gate {
    uint64_t offset;
    uint16_t selector;
    uint8_t type, dpl, ist;
    bool present;
};

static const char *const vector_names[32] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",   "#TS",
    "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
};

const char *rf_vector_name(unsigned vector)
{
    return vector < 32 && vector_names[vector] ? vector_names[vector] : "interrupt";
}

static bool read_gate(struct rf_cpu *cpu, const struct rf_event *event, struct gate *gate,
                      struct rf_refusal *refusal)
{
    uint32_t error = event->vector * 8u + 2 + event->external;
    uint32_t offset = event->vector * 16u;
    if (offset + 15 > cpu->idtr.limit)
        return rf_refuse(refusal, RF_GP, error);
    uint64_t raw[2];
    if (!rf_cpu_read_system(cpu, cpu->idtr.base + offset, raw, sizeof raw))
        return rf_refuse_fault(cpu, refusal, false);
    gate->offset = (raw[0] & 0xffff) | (raw[0] >> 32 & 0xffff0000) | raw[1] << 32;
    gate->selector = (uint16_t)(raw[0] >> 16);
    gate->ist = raw[0] >> 32 & 7;
    gate->type = raw[0] >> 40 & 0x1f;
    gate->dpl = raw[0] >> 45 & 3;
    gate->present = raw[0] >> 47 & 1;
    if (gate->type != 0xe && gate->type != 0xf)
        return rf_refuse(refusal, RF_GP, error);
    if (event->software && gate->dpl < cpu->cpl)
        return rf_refuse(refusal, RF_GP, error);
    if (!gate->present)
        return rf_refuse(refusal, RF_NP, error);
    return true;
}

static bool read_handler_segment(struct rf_cpu *cpu, const struct gate *gate, uint32_t ext,
                                 struct rf_descriptor *code, struct rf_refusal *refusal)
{
    if (!(gate->selector & ~3u))
        return rf_refuse(refusal, RF_GP, ext);
    if (!rf_read_descriptor(cpu, gate->selector, RF_GP, ext, code, refusal))
        return false;
    const struct rf_segment *s = &code->segment;
    uint32_t error = (gate->selector & ~3u) | ext;
    if (!rf_segment_is_code(s) || rf_segment_dpl(s) > cpu->cpl || !(s->attributes & RF_SEG_L) ||
        s->attributes & RF_SEG_DB)
        return rf_refuse(refusal, RF_GP, error);
    if (!(s->attributes & RF_SEG_P))
        return rf_refuse(refusal, RF_NP, error);
    return rf_mark_accessed(cpu, code, refusal);
}

/* RSP0..2 or IST1..7 from the 64-bit TSS (SDM 3A, figure 8-11). */
static bool read_stack_pointer(struct rf_cpu *cpu, unsigned new_cpl, unsigned ist, uint32_t ext,
                               uint64_t *rsp, struct rf_refusal *refusal)
{
    uint32_t offset = ist ? 36 + (ist - 1) * 8 : 4 + new_cpl * 8;
    if (offset + 7 > cpu->tr.limit)
        return rf_refuse(refusal, RF_TS, (cpu->tr.selector & ~3u) | ext);
    if (!rf_cpu_read_system(cpu, cpu->tr.base + offset, rsp, 8))
        return rf_refuse_fault(cpu, refusal, false);
    if (!rf_mmu_canonical(&cpu->mmu, *rsp))
        return rf_refuse(refusal, RF_SS, ext);
    return true;
}

/* Faults save RF = 1 so that the instruction's own breakpoint does not trap again on
 * return (SDM 3B, 17.3.1.1); traps, INT n and interrupts save it as it is. */
static uint64_t flags_image(const struct rf_cpu *cpu, const struct rf_event *event)
{
    uint64_t flags = rf_cpu_flags(cpu);
    bool trap = event->software || event->external || (event->vector == RF_DB && !event->sets_rf) ||
                event->vector == RF_BP || event->vector == RF_OF;
    return trap ? flags : flags | RF_FLAG_RF;
}

static void charge(struct rf_cpu *cpu, const struct rf_event *event, unsigned old_cpl)
{
    enum rf_cost_event price = event->software            ? RF_EVENT_INT
                               : event->external          ? RF_EVENT_INTERRUPT
                               : event->vector == RF_PF   ? RF_EVENT_PAGE_FAULT
                                                          : RF_EVENT_EXCEPTION;
    if (old_cpl == 3)
        rf_cpu_account(cpu, event->software   ? RF_ACCOUNT_ENTRY
                            : event->external ? RF_ACCOUNT_INTERRUPT
                                              : RF_ACCOUNT_FAULT);
    cpu->budget -= cpu->cost->event[price];
    if (event->software)
        cpu->counts.software_interrupts++;
    else if (event->external || event->vector >= 32)
        cpu->counts.interrupts++;
    else
        cpu->counts.exceptions[event->vector]++;
}

static bool try_deliver(struct rf_cpu *cpu, const struct rf_event *event, struct rf_refusal *refusal)
{
    struct gate gate = { 0 };
    struct rf_descriptor code;
    uint32_t ext = event->software ? 0 : 1;
    if (!read_gate(cpu, event, &gate, refusal))
        return false;
    if (!read_handler_segment(cpu, &gate, ext, &code, refusal))
        return false;
    unsigned new_cpl = rf_segment_is_conforming(&code.segment) ? cpu->cpl : rf_segment_dpl(&code.segment);
    uint64_t rsp = cpu->r[RF_RSP];
    if ((new_cpl < cpu->cpl || gate.ist) &&
        !read_stack_pointer(cpu, new_cpl, gate.ist, ext, &rsp, refusal))
        return false;
    rsp &= ~UINT64_C(15);

    /* error code, RIP, CS, RFLAGS, RSP, SS: lowest address first */
    uint64_t frame[6] = { event->error_code,       cpu->r[RF_REG_IP], cpu->seg[RF_CS].selector,
                          flags_image(cpu, event), cpu->r[RF_RSP],    cpu->seg[RF_SEG_SS].selector };
    unsigned skip = event->has_error_code ? 0 : 1;
    size_t size = (6 - skip) * 8;
    enum rf_tlb_mode mode = new_cpl == 3 ? RF_TLB_USER : RF_TLB_SUPERVISOR;
    if (!rf_mmu_write(&cpu->mmu, rsp - size, frame + skip, size, mode, &cpu->fault))
        return rf_refuse_fault(cpu, refusal, true);
    if (!rf_mmu_canonical(&cpu->mmu, gate.offset))
        return rf_refuse(refusal, RF_GP, ext);

    charge(cpu, event, cpu->cpl);
    if (new_cpl != cpu->cpl) {
        rf_set_flat_stack(cpu, (uint16_t)new_cpl, new_cpl); /* null selector, RPL = CPL */
        cpu->seg[RF_SEG_SS].attributes &= (uint16_t)~RF_SEG_P;
    }
    cpu->cpl = (uint8_t)new_cpl;
    cpu->seg[RF_CS] = code.segment;
    cpu->seg[RF_CS].selector = (uint16_t)((gate.selector & ~3u) | new_cpl);
    cpu->r[RF_RSP] = rsp - size;
    cpu->r[RF_REG_IP] = gate.offset;
    cpu->flags &= ~(RF_FLAG_TF | RF_FLAG_NT | RF_FLAG_RF | RF_FLAG_VM);
    if (gate.type == 0xe)
        cpu->flags &= ~RF_FLAG_IF;
    if (event->vector == RF_DB && !event->software)
        cpu->dr[7] &= ~RF_DR7_GD; /* SDM 3B, 18.2.4 */
    cpu->step_armed = false;
    cpu->shadow = cpu->shadow_ss = false;
    if (!event->software) /* after INT n, what MOV SS postponed comes before the handler */
        cpu->breakpoints_hit = 0;
    rf_cpu_mode_changed(cpu);
    return true;
}

/* Classes of SDM 3A, table 6-4. */
static bool is_contributory(unsigned vector)
{
    return vector == RF_DE || (vector >= RF_TS && vector <= RF_GP) || vector == RF_CP;
}

static bool makes_double_fault(const struct rf_event *first, unsigned second)
{
    if (first->software || first->external)
        return false;
    if (first->vector == RF_PF)
        return second == RF_PF || is_contributory(second);
    return is_contributory(first->vector) && is_contributory(second);
}

static bool triple_fault(struct rf_cpu *cpu, const struct rf_refusal *last)
{
    cpu->stop = RF_STOP_TRIPLE_FAULT;
    snprintf(cpu->stop_text, sizeof cpu->stop_text,
             "triple fault: %s (error code %#x, CR2 %#llx) while delivering #DF, RIP %#llx, RSP %#llx, "
             "CPL %u, IDT %#llx+%#x",
             rf_vector_name(last->vector), last->error_code, (unsigned long long)cpu->cr2,
             (unsigned long long)cpu->r[RF_REG_IP], (unsigned long long)cpu->r[RF_RSP], cpu->cpl,
             (unsigned long long)cpu->idtr.base, cpu->idtr.limit);
    return false;
}

bool rf_cpu_deliver(struct rf_cpu *cpu, const struct rf_event *first)
{
    struct rf_event event = *first;
    for (;;) {
        if (event.vector == RF_PF && !event.software && !event.external)
            cpu->cr2 = event.cr2;
        struct rf_refusal refusal;
        if (try_deliver(cpu, &event, &refusal))
            return true;
        if (refusal.vector == RF_PF)
            cpu->cr2 = refusal.cr2;
        if (event.vector == RF_DF && !event.software && !event.external)
            return triple_fault(cpu, &refusal);
        if (makes_double_fault(&event, refusal.vector))
            event = (struct rf_event){ .vector = RF_DF, .has_error_code = true };
        else
            event = (struct rf_event){ .vector = refusal.vector,
                                       .has_error_code = refusal.has_error_code,
                                       .error_code = refusal.error_code,
                                       .cr2 = refusal.cr2 };
    }
}
