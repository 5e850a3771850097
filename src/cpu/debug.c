/* Breakpoints by the debug registers (cpu/debug.h). */
#include "cpu/debug.h"

#define BREAKPOINTS 4

/* R/Wn of DR7 (SDM 3B, 18.2.4). */
enum condition { ON_EXECUTION, ON_WRITE, ON_PORT, ON_ACCESS };

static bool is_enabled(const struct rf_cpu *cpu, unsigned n)
{
    return cpu->dr[7] >> 2 * n & 3;
}

/* With CR4.DE clear the port condition is undefined: here there is none. */
static bool has_condition(const struct rf_cpu *cpu, unsigned n, enum condition condition)
{
    return is_enabled(cpu, n) && (cpu->dr[7] >> (16 + 4 * n) & 3) == condition &&
           (condition != ON_PORT || cpu->mmu.cr4 & RF_CR4_DE);
}

/* Does [at, at + size) meet the bytes of breakpoint n? Its address is aligned to its length
 * (SDM 3B, 18.2.5). */
static bool meets(const struct rf_cpu *cpu, unsigned n, uint64_t at, unsigned size)
{
    static const uint8_t lengths[4] = { 1, 2, 8, 4 };
    unsigned length = lengths[cpu->dr[7] >> (18 + 4 * n) & 3];
    uint64_t first = cpu->dr[n] & ~(uint64_t)(length - 1);
    return at - first < length || first - at < size;
}

bool rf_debug_watches_data(const struct rf_cpu *cpu)
{
    if (RF_LIKELY(!rf_debug_enabled(cpu)))
        return false;
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (has_condition(cpu, n, ON_WRITE) || has_condition(cpu, n, ON_ACCESS))
            return true;
    return false;
}

void rf_debug_data(struct rf_cpu *cpu, uint64_t va, unsigned size, bool write)
{
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if ((has_condition(cpu, n, ON_ACCESS) || (write && has_condition(cpu, n, ON_WRITE))) &&
            meets(cpu, n, va, size))
            cpu->breakpoints_hit |= (uint8_t)(1u << n);
}

void rf_debug_port(struct rf_cpu *cpu, uint16_t port, unsigned size)
{
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (has_condition(cpu, n, ON_PORT) && meets(cpu, n, port, size))
            cpu->breakpoints_hit |= (uint8_t)(1u << n);
}

/* B0 to B3 tell of this exception alone; what else DR6 holds stays (SDM 3B, 18.2.3). */
static void raise(struct rf_cpu *cpu, uint64_t why, bool is_fault)
{
    const struct rf_event event = { .vector = RF_DB, .sets_rf = is_fault };
    cpu->dr[6] = (cpu->dr[6] & ~RF_DR6_BREAKPOINTS) | why;
    rf_cpu_deliver(cpu, &event);
}

/* RFLAGS.RF holds back the breakpoint of one instruction, and is clear while it runs (SDM 3B,
 * 18.3.1.1). The fault saves RF as it is: the handler sets it to go on. */
bool rf_debug_begin(struct rf_cpu *cpu)
{
    uint64_t at = cpu->r[RF_REG_IP], hit = 0;
    if (cpu->code_bits != 64)
        at = (uint32_t)(at + cpu->seg[RF_CS].base);
    for (unsigned n = 0; n < BREAKPOINTS && !(cpu->flags & RF_FLAG_RF); n++)
        if (has_condition(cpu, n, ON_EXECUTION) && cpu->dr[n] == at)
            hit |= UINT64_C(1) << n;
    if (hit)
        raise(cpu, hit, false);
    else
        cpu->flags &= ~RF_FLAG_RF;
    return hit;
}

void rf_debug_detect(struct rf_cpu *cpu)
{
    raise(cpu, RF_DR6_BD, true);
}

void rf_debug_trap(struct rf_cpu *cpu)
{
    raise(cpu, (cpu->step_armed ? RF_DR6_BS : 0) | cpu->breakpoints_hit, false);
}

/* SDM 3A, 6.8.3, and 3B, 18.3.1.1: the next instruction's own breakpoint is held back as if RF
 * were set; its single step, if TF still is, comes of itself. */
void rf_debug_postpone(struct rf_cpu *cpu)
{
    cpu->step_armed = false;
    if (rf_debug_enabled(cpu))
        cpu->flags |= RF_FLAG_RF;
}
