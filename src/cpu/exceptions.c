/* Delivery of exceptions and interrupts (SDM 3A, chapter 6): priorities among those that meet on
 * the way, #DF and triple faults, and what delivery does whatever the mode. The ways to the
 * handler are in idt.c and real_mode.c. */
#include "cpu/debug.h"
#include "cpu/privilege.h"

#include <stdio.h>

static const char *const vector_names[32] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "9",   "#TS",
    "#NP", "#SS", "#GP", "#PF", "15",  "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
};

const char *rf_vector_name(unsigned vector)
{
    return vector < 32 && vector_names[vector] ? vector_names[vector] : "interrupt";
}

void rf_report_unimplemented(struct rf_cpu *cpu, const char *part)
{
    if (!cpu->unimplemented)
        return;
    cpu->unimplemented_part = part;
    cpu->unimplemented(cpu->unimplemented_user, cpu, NULL, 0);
    cpu->unimplemented_part = NULL;
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
    else if (event->external && cpu->account_interrupted == RF_ACCOUNT_COUNT) {
        cpu->account_interrupted = cpu->account.current; /* until IRET */
        rf_cpu_account(cpu, RF_ACCOUNT_INTERRUPT);
    }
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
    unsigned old_cpl = cpu->cpl;
    uint64_t flags = flags_image(cpu, event);
    if (rf_cpu_is_real(cpu) ? !rf_deliver_real(cpu, event, flags, refusal)
                            : !rf_deliver_protected(cpu, event, flags, refusal))
        return false;
    charge(cpu, event, old_cpl);
    if (event->vector == RF_DB && !event->software)
        cpu->dr[7] &= ~RF_DR7_GD; /* SDM 3B, 18.2.4 */
    cpu->step_armed = false;
    cpu->shadow = cpu->shadow_ss = false;
    if (!event->software) /* after INT n, what MOV SS postponed comes before the handler */
        cpu->breakpoints_hit = 0;
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
