/* The local APIC: interrupt acceptance, messages, the timer, IA32_APIC_BASE (cpu/apic.h). Its two
 * programming interfaces are in apic_registers.c. */
#include "cpu/apic_registers.h"
#include "cpu/bus.h"

#include <string.h>

/* --- bits of IRR, ISR and TMR --- */

static void set_bit(uint32_t *table, uint8_t vector)
{
    table[vector / 32] |= 1u << vector % 32;
}
static void clear_bit(uint32_t *table, uint8_t vector)
{
    table[vector / 32] &= ~(1u << vector % 32);
}
static bool has_bit(const uint32_t *table, uint8_t vector)
{
    return table[vector / 32] >> vector % 32 & 1;
}

/* The highest vector in a table, or -1. */
static int highest(const uint32_t *table)
{
    for (int i = 7; i >= 0; i--)
        if (table[i])
            return i * 32 + 31 - __builtin_clz(table[i]);
    return -1;
}

/* --- acceptance and priorities: SDM 3A, 10.8 --- */

/* 10.8.3.1: PPR is TPR, or the class of the highest interrupt in service if that is higher. */
uint8_t rf_apic_ppr(const struct rf_apic *apic)
{
    int in_service = highest(apic->isr);
    if (in_service < 0 || apic->tpr >> 4 >= in_service >> 4)
        return apic->tpr;
    return (uint8_t)(in_service & 0xf0);
}

/* The vector that the CPU may take now, or -1. */
static int deliverable(const struct rf_apic *apic)
{
    int vector = highest(apic->irr);
    return vector >= 0 && vector >> 4 > rf_apic_ppr(apic) >> 4 ? vector : -1;
}

static bool is_enabled(const struct rf_cpu *cpu)
{
    return cpu->apic_base & RF_APIC_BASE_EN;
}

/* Is the PIC's line connected to the CPU? 10.4.3: a disabled APIC is as if it were not there. */
static bool extint_due(const struct rf_cpu *cpu)
{
    bool masked = is_enabled(cpu) && cpu->apic.lvt[RF_LVT_LINT0] & RF_LVT_MASKED;
    return cpu->apic.lint0 && !masked && rf_apic_lint0_mode(cpu) == RF_APIC_EXTINT;
}

void rf_apic_update(struct rf_cpu *cpu)
{
    rf_cpu_set_interrupt(cpu, extint_due(cpu) || (is_enabled(cpu) && deliverable(&cpu->apic) >= 0));
}

/* 10.5.3: noted at once, told by ESR after a write to it, and by an interrupt if the LVT has one. */
void rf_apic_error(struct rf_cpu *cpu, uint32_t error)
{
    struct rf_apic *apic = &cpu->apic;
    bool known = apic->esr_seen & error;
    apic->esr_seen |= error;
    uint8_t vector = (uint8_t)apic->lvt[RF_LVT_ERROR];
    if (!known && !(apic->lvt[RF_LVT_ERROR] & RF_LVT_MASKED) && vector >= 16)
        rf_apic_accept(cpu, vector, false);
}

/* 10.4.7.2: while software has disabled the APIC it accepts none. 10.5.2: vectors 0 to 15 are an
 * error. */
void rf_apic_accept(struct rf_cpu *cpu, uint8_t vector, bool level)
{
    struct rf_apic *apic = &cpu->apic;
    if (!is_enabled(cpu) || !(apic->svr & RF_SVR_ENABLE))
        return;
    if (vector < 16) {
        rf_apic_error(cpu, RF_ESR_RECEIVED_ILLEGAL_VECTOR);
        return;
    }
    set_bit(apic->irr, vector);
    if (level)
        set_bit(apic->tmr, vector);
    else
        clear_bit(apic->tmr, vector);
    rf_apic_update(cpu);
}

uint8_t rf_apic_acknowledge(struct rf_cpu *cpu)
{
    struct rf_apic *apic = &cpu->apic;
    int vector = is_enabled(cpu) ? deliverable(apic) : -1;
    if (vector < 0 && extint_due(cpu)) {
        /* The PIC lets its line fall when it has answered, and raises it again for the next. */
        uint8_t external = cpu->bus && cpu->bus->acknowledge ? cpu->bus->acknowledge(cpu->bus_user) : 0xff;
        rf_apic_update(cpu);
        return external;
    }
    if (vector < 0) { /* 10.9 */
        rf_apic_update(cpu);
        return (uint8_t)apic->svr;
    }
    clear_bit(apic->irr, (uint8_t)vector);
    set_bit(apic->isr, (uint8_t)vector);
    rf_apic_update(cpu);
    return (uint8_t)vector;
}

/* 10.8.5. */
void rf_apic_eoi(struct rf_cpu *cpu)
{
    struct rf_apic *apic = &cpu->apic;
    int vector = highest(apic->isr);
    if (vector < 0)
        return;
    clear_bit(apic->isr, (uint8_t)vector);
    if (has_bit(apic->tmr, (uint8_t)vector) && cpu->bus && cpu->bus->end_of_interrupt)
        cpu->bus->end_of_interrupt(cpu->bus_user, (uint8_t)vector);
    rf_apic_update(cpu);
}

void rf_apic_set_tpr(struct rf_cpu *cpu, uint8_t value)
{
    cpu->apic.tpr = value;
    cpu->cr8 = value >> 4;
    rf_apic_update(cpu);
}

/* 10.8.6.1: MOV to CR8 clears the sub-class. */
void rf_apic_cr8_written(struct rf_cpu *cpu)
{
    if (cpu->apic.present)
        rf_apic_set_tpr(cpu, (uint8_t)(cpu->cr8 << 4));
}

/* --- messages: 10.6 --- */

bool rf_apic_is_x2(const struct rf_cpu *cpu)
{
    return cpu->apic_base & RF_APIC_BASE_EXTD;
}

/* 10.6.2.2: flat model (DFR all ones) or clusters. */
static bool matches_logical(const struct rf_apic *apic, uint8_t destination)
{
    uint8_t own = (uint8_t)(apic->ldr >> 24);
    if (apic->dfr >> 28 == 0xf)
        return destination & own;
    return (destination >> 4 == own >> 4 || destination >> 4 == 0xf) && destination & own & 0xf;
}

/* 10.12.9 and 10.12.10: all 32 bits; the ID is 0, so the logical one is cluster 0, bit 0. */
static bool matches(const struct rf_cpu *cpu, uint32_t destination, bool logical)
{
    if (rf_apic_is_x2(cpu)) {
        if (destination == UINT32_MAX)
            return true;
        return logical ? !(destination >> 16) && destination & 1 : destination == 0;
    }
    uint8_t short_form = (uint8_t)destination;
    if (logical)
        return matches_logical(&cpu->apic, short_form);
    return short_form == 0xff || short_form == cpu->apic.id;
}

/* To this CPU. SMI does nothing: there is no system management mode. SIPI is for one that waits
 * after INIT, which this one never does. */
static void deliver(struct rf_cpu *cpu, const struct rf_apic_message *m)
{
    switch (m->mode) {
    case RF_APIC_FIXED:
    case RF_APIC_LOWEST: rf_apic_accept(cpu, m->vector, m->level); break;
    case RF_APIC_NMI: rf_cpu_set_nmi(cpu); break;
    case RF_APIC_INIT: rf_cpu_stop(cpu, RF_STOP_RESET); break;
    case RF_APIC_EXTINT: rf_apic_set_lint0(cpu, true); break;
    case RF_APIC_SMI:
    case RF_APIC_STARTUP: break;
    }
}

void rf_apic_send(struct rf_cpu *cpu, const struct rf_apic_message *message)
{
    uint32_t destination = message->destination;
    if (rf_apic_is_x2(cpu) && destination == 0xff)
        destination = UINT32_MAX;
    if (is_enabled(cpu) && matches(cpu, destination, message->logical))
        deliver(cpu, message);
}

static bool is_destination(const struct rf_cpu *cpu, uint64_t icr)
{
    uint32_t destination = (uint32_t)(icr >> 32);
    switch (icr >> 18 & 3) {
    case 0: return matches(cpu, rf_apic_is_x2(cpu) ? destination : destination >> 24, icr >> 11 & 1);
    case 3: return false; /* all but this one */
    default: return true;
    }
}

/* 10.6.1. IPIs are edge-triggered; INIT level de-assert (level 0, trigger 1) does nothing on these
 * CPUs. */
void rf_apic_send_ipi(struct rf_cpu *cpu, uint64_t icr)
{
    const struct rf_apic_message message = { .vector = (uint8_t)icr,
                                             .mode = (enum rf_apic_mode)(icr >> 8 & 7) };
    const bool deassert = !(icr >> 14 & 1) && icr >> 15 & 1;
    const bool to_itself = (icr >> 18 & 3) == 1;
    if (message.mode <= RF_APIC_LOWEST && message.vector < 16) {
        rf_apic_error(cpu, RF_ESR_SENT_ILLEGAL_VECTOR);
        return;
    }
    /* Table 10-3: the shorthand for itself goes with fixed delivery; NMI works on CPUs too. */
    if (message.mode == RF_APIC_INIT && (deassert || to_itself))
        return;
    if (message.mode != RF_APIC_EXTINT && is_destination(cpu, icr))
        deliver(cpu, &message);
}

/* --- local interrupts: 10.5.1 --- */

enum rf_apic_mode rf_apic_lint0_mode(const struct rf_cpu *cpu)
{
    if (!is_enabled(cpu))
        return RF_APIC_EXTINT;
    return (enum rf_apic_mode)((cpu->apic.lvt[RF_LVT_LINT0] & RF_LVT_MODE) >> 8);
}

/* The pin's mode decides: ExtINT asks the PIC; fixed and NMI come with a rising edge. */
void rf_apic_set_lint0(struct rf_cpu *cpu, bool level)
{
    struct rf_apic *apic = &cpu->apic;
    uint32_t lvt = apic->lvt[RF_LVT_LINT0];
    bool rises = level && !apic->lint0 && is_enabled(cpu) && !(lvt & RF_LVT_MASKED);
    apic->lint0 = level;
    if (rises && (lvt & RF_LVT_MODE) >> 8 == RF_APIC_FIXED)
        rf_apic_accept(cpu, (uint8_t)lvt, lvt >> 15 & 1);
    else if (rises && (lvt & RF_LVT_MODE) >> 8 == RF_APIC_NMI)
        rf_cpu_set_nmi(cpu);
    rf_apic_update(cpu);
}

/* --- the timer: 10.5.4 --- */

enum timer_mode { ONE_SHOT, PERIODIC, TSC_DEADLINE };

static enum timer_mode timer_mode(const struct rf_apic *apic)
{
    return (enum timer_mode)(apic->lvt[RF_LVT_TIMER] >> 17 & 3);
}

/* Cycles a count, as a shift (figure 10-10): 2, 4 .. 128, and 1. */
static unsigned divide_shift(const struct rf_apic *apic)
{
    unsigned field = (apic->divide & 3) | (apic->divide >> 1 & 4);
    return (field + 1) & 7;
}

static uint64_t period(const struct rf_apic *apic)
{
    return (uint64_t)apic->initial_count << divide_shift(apic);
}

static void set_expiry(struct rf_cpu *cpu, uint64_t cycles)
{
    cpu->apic.expiry = cycles;
    rf_cpu_attend(cpu);
}

uint32_t rf_apic_current_count(const struct rf_cpu *cpu)
{
    const struct rf_apic *apic = &cpu->apic;
    uint64_t now = rf_cpu_now(cpu), expiry = apic->expiry;
    if (timer_mode(apic) == TSC_DEADLINE || expiry == UINT64_MAX)
        return 0;
    if (expiry <= now && timer_mode(apic) == PERIODIC) /* seen at the block's end */
        expiry += ((now - expiry) / period(apic) + 1) * period(apic);
    if (expiry <= now)
        return 0;
    unsigned shift = divide_shift(apic);
    return (uint32_t)((expiry - now + (UINT64_C(1) << shift) - 1) >> shift);
}

/* In TSC-deadline mode the register is ignored (10.5.4.1). Zero stops the timer. */
void rf_apic_set_initial_count(struct rf_cpu *cpu, uint32_t count)
{
    struct rf_apic *apic = &cpu->apic;
    if (timer_mode(apic) == TSC_DEADLINE)
        return;
    apic->initial_count = count;
    set_expiry(cpu, count ? rf_cpu_now(cpu) + period(apic) : UINT64_MAX);
}

/* What is left is counted at the new speed. */
void rf_apic_set_divide(struct rf_cpu *cpu, uint32_t value)
{
    struct rf_apic *apic = &cpu->apic;
    uint32_t left = rf_apic_current_count(cpu);
    apic->divide = value;
    if (left)
        set_expiry(cpu, rf_cpu_now(cpu) + ((uint64_t)left << divide_shift(apic)));
}

/* Going to or from TSC-deadline mode disarms the timer (10.5.4.1); between the others it goes on. */
void rf_apic_set_timer_lvt(struct rf_cpu *cpu, uint32_t value)
{
    struct rf_apic *apic = &cpu->apic;
    enum timer_mode before = timer_mode(apic);
    apic->lvt[RF_LVT_TIMER] = value;
    if ((before == TSC_DEADLINE) == (timer_mode(apic) == TSC_DEADLINE))
        return;
    apic->tsc_deadline = 0;
    apic->initial_count = 0;
    set_expiry(cpu, UINT64_MAX);
}

void rf_apic_expire(struct rf_cpu *cpu)
{
    struct rf_apic *apic = &cpu->apic;
    uint64_t now = rf_cpu_cycles(cpu);
    if (timer_mode(apic) == PERIODIC && apic->initial_count)
        apic->expiry += now < apic->expiry ? 0 : ((now - apic->expiry) / period(apic) + 1) * period(apic);
    else
        apic->expiry = UINT64_MAX;
    apic->tsc_deadline = 0;
    if (!(apic->lvt[RF_LVT_TIMER] & RF_LVT_MASKED))
        rf_apic_accept(cpu, (uint8_t)apic->lvt[RF_LVT_TIMER], false);
}

/* The TSC counts cycles, so the distance to the deadline is one in cycles. One that is decades away
 * never comes. */
#define NEVER (UINT64_C(1) << 62)
static void arm_deadline(struct rf_cpu *cpu)
{
    struct rf_apic *apic = &cpu->apic;
    uint64_t tsc;
    rf_cpu_read_msr(cpu, 0x10, &tsc);
    const uint64_t distance = apic->tsc_deadline - tsc;
    if (apic->tsc_deadline && apic->tsc_deadline <= tsc)
        rf_apic_expire(cpu);
    else
        set_expiry(cpu, apic->tsc_deadline && distance < NEVER ? rf_cpu_cycles(cpu) + distance : UINT64_MAX);
}

void rf_apic_tsc_written(struct rf_cpu *cpu)
{
    if (cpu->apic.present && cpu->apic.tsc_deadline)
        arm_deadline(cpu);
}

/* In other modes it reads as zero and writes are ignored (10.5.4.1). */
bool rf_apic_write_deadline(struct rf_cpu *cpu, uint64_t value)
{
    if (timer_mode(&cpu->apic) == TSC_DEADLINE) {
        cpu->apic.tsc_deadline = value;
        arm_deadline(cpu);
    }
    return true;
}

bool rf_apic_timer_wakes(const struct rf_cpu *cpu)
{
    const struct rf_apic *apic = &cpu->apic;
    uint32_t lvt = apic->lvt[RF_LVT_TIMER];
    return apic->present && is_enabled(cpu) && (cpu->flags & RF_FLAG_IF || cpu->wakes_masked) &&
           apic->svr & RF_SVR_ENABLE && !(lvt & RF_LVT_MASKED) && (lvt >> 4 & 0xf) > rf_apic_ppr(apic) >> 4;
}

/* --- state after reset, and IA32_APIC_BASE --- */

/* 10.4.7.1. LINT0's level is the PIC's. */
static void reset(struct rf_cpu *cpu)
{
    struct rf_apic *apic = &cpu->apic;
    *apic = (struct rf_apic){ .present = true, .lint0 = apic->lint0, .dfr = UINT32_MAX, .svr = 0xff,
                              .expiry = UINT64_MAX };
    for (unsigned i = 0; i < RF_LVT_COUNT; i++)
        apic->lvt[i] = RF_LVT_MASKED;
    rf_apic_set_tpr(cpu, 0);
}

void rf_apic_create(struct rf_cpu *cpu)
{
    cpu->apic_base = RF_APIC_BASE | RF_APIC_BASE_EN | RF_APIC_BASE_BSP;
    reset(cpu);
    rf_cpu_watch_memory(cpu);
}

void rf_apic_create_wired(struct rf_cpu *cpu)
{
    rf_apic_create(cpu);
    cpu->apic.svr = 0xff | RF_SVR_ENABLE;
    cpu->apic.lvt[RF_LVT_LINT0] = RF_APIC_EXTINT << 8;
    cpu->apic.lvt[RF_LVT_LINT1] = RF_APIC_NMI << 8;
}

/* 10.12.5, figure 10-27: x2APIC mode is entered from xAPIC mode, and left by disabling the APIC,
 * which resets it. */
bool rf_apic_write_base(struct rf_cpu *cpu, uint64_t value)
{
    const uint64_t mode = RF_APIC_BASE_EN | RF_APIC_BASE_EXTD;
    const uint64_t defined = mode | RF_APIC_BASE_BSP | (RF_PTE_ADDRESS & ~UINT64_C(0xfff));
    uint64_t before = cpu->apic_base & mode, after = value & mode;
    if (!cpu->apic.present || value & ~defined || after == RF_APIC_BASE_EXTD)
        return false;
    if (before == mode && after == RF_APIC_BASE_EN)
        return false;
    if (!before && after == mode)
        return false;
    cpu->apic_base = value;
    if (before && !after)
        reset(cpu);
    else if (after == mode && before != mode)
        cpu->apic.id = 0, cpu->apic.ldr = 0;
    rf_apic_update(cpu);
    return true;
}
