/* Cases about a local APIC: a bare machine that has one, in either mode, and short names for its
 * registers. */
#ifndef APIC_CASE_H
#define APIC_CASE_H

#include "bare_case.h"
#include "cpu/bus.h"

#define APIC UINT64_C(0x204000) /* where the page is mapped */
#define MSR_BASE 0x1b
#define MSR_DEADLINE 0x6e0

enum {
    ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0, SVR = 0xf0, ISR = 0x100,
    TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300, ICR_HIGH = 0x310, TIMER = 0x320, LINT0 = 0x350,
    LVT_ERROR = 0x370, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0
};

static inline uint32_t load(struct bare *b, unsigned offset)
{
    uint32_t value;
    rf_apic_load(b->cpu, offset, &value, 4);
    return value;
}
static inline void store(struct bare *b, unsigned offset, uint32_t value)
{
    rf_apic_store(b->cpu, offset, &value, 4);
}
static inline uint64_t msr(struct bare *b, uint32_t number)
{
    uint64_t value = 0;
    ck_assert_msg(rf_cpu_read_msr(b->cpu, number, &value), "RDMSR %#x is refused", number);
    return value;
}
static inline bool write_msr(struct bare *b, uint32_t number, uint64_t value)
{
    return rf_cpu_write_msr(b->cpu, number, value);
}
static inline bool readable(struct bare *b, uint32_t number)
{
    uint64_t value;
    return rf_cpu_read_msr(b->cpu, number, &value);
}
static inline void accept(struct bare *b, uint8_t vector, bool level)
{
    const struct rf_apic_message message = { .vector = vector, .level = level };
    rf_apic_send(b->cpu, &message);
}
static inline bool requested(struct bare *b, uint8_t vector)
{
    return load(b, IRR + vector / 32 * 16) >> vector % 32 & 1;
}
static inline bool in_service(struct bare *b, uint8_t vector)
{
    return load(b, ISR + vector / 32 * 16) >> vector % 32 & 1;
}

static inline void with_apic(struct bare *b)
{
    rf_apic_create(b->cpu);
    store(b, SVR, 0x1ff);
    *bare_pte(b, APIC) = RF_APIC_BASE | RF_PTE_P | RF_PTE_W;
    bare_flush(b);
    b->cpu->r[RF_RDI] = APIC;
}
static inline void with_x2apic(struct bare *b)
{
    with_apic(b);
    ck_assert(write_msr(b, MSR_BASE, RF_APIC_BASE | 0xd00));
}

#define XAPIC(name)                                                                       \
    static void name##_with(struct bare *b);                                              \
    CASE(name, 0) { with_apic(b); name##_with(b); }                                       \
    static void name##_with(struct bare *b)
#define X2APIC(name)                                                                      \
    static void name##_with(struct bare *b);                                              \
    CASE(name, 0) { with_x2apic(b); name##_with(b); }                                     \
    static void name##_with(struct bare *b)

#endif
