/* The local APIC of a CPU (SDM 3A, chapter 10), in xAPIC and x2APIC mode.
 *
 * It is absent, and costs nothing, until rf_apic_create: the emulated Linux kernel does without.
 * There is one CPU: a message for another one is accepted and goes nowhere. Its timer counts
 * modelled cycles, one a count before division. */
#ifndef RF_CPU_APIC_H
#define RF_CPU_APIC_H

#include "base/compiler.h"

struct rf_cpu;

#define RF_APIC_BASE UINT64_C(0xfee00000) /* where the page is after reset */
#define RF_APIC_BASE_BSP RF_BIT(8)
#define RF_APIC_BASE_EXTD RF_BIT(10)
#define RF_APIC_BASE_EN RF_BIT(11)

/* The local vector table, in the order of its registers from 320H on. */
enum rf_apic_lvt {
    RF_LVT_TIMER, RF_LVT_THERMAL, RF_LVT_PERFORMANCE, RF_LVT_LINT0, RF_LVT_LINT1, RF_LVT_ERROR,
    RF_LVT_COUNT
};

struct rf_apic {
    bool present;
    bool lint0; /* the level of the pin that the PIC drives */
    uint8_t tpr; /* its upper half is CR8 */
    uint32_t id; /* of xAPIC mode, which software may change; x2APIC's is 0 */
    uint32_t ldr, dfr, svr;
    uint32_t esr, esr_seen; /* what a read gives, and the errors since the last write */
    uint32_t icr[2];
    uint32_t lvt[RF_LVT_COUNT];
    uint32_t initial_count, divide;
    uint32_t isr[8], tmr[8], irr[8];
    uint64_t tsc_deadline;
    /* When the count reaches zero: total cycles; UINT64_MAX = it stands still. */
    uint64_t expiry;
};

/* Delivery modes (SDM 3A, 10.5.1 and 10.6.1). */
enum rf_apic_mode {
    RF_APIC_FIXED, RF_APIC_LOWEST, RF_APIC_SMI, RF_APIC_NMI = 4, RF_APIC_INIT, RF_APIC_STARTUP,
    RF_APIC_EXTINT
};

/* An interrupt message as an I/O APIC or an ICR sends it. */
struct rf_apic_message {
    uint8_t vector;
    enum rf_apic_mode mode;
    bool logical, level;
    uint32_t destination; /* 8 bits of xAPIC form; all ones is everybody */
};

/* Give the CPU a local APIC with ID 0, enabled in xAPIC mode and in its state after reset. CPUID
 * tells of it from then on. */
void rf_apic_create(struct rf_cpu *cpu);

/* The same, as firmware hands it over: enabled, a PIC behind LINT0, "virtual wire mode" (Intel
 * MultiProcessor Specification 1.4, 3.6.2.2). */
void rf_apic_create_wired(struct rf_cpu *cpu);
/* What the pin LINT0 means now; RF_APIC_EXTINT while the APIC is disabled. */
enum rf_apic_mode rf_apic_lint0_mode(const struct rf_cpu *cpu);

/* Deliver a message from outside, if it is for this CPU. */
void rf_apic_send(struct rf_cpu *cpu, const struct rf_apic_message *message);
/* The level of LINT0, which a PIC drives: goes by the LVT, or straight to the CPU while the APIC is
 * disabled. */
void rf_apic_set_lint0(struct rf_cpu *cpu, bool level);

/* --- for src/cpu --- */

/* MSR 1BH, 6E0H and 800H-8FFH; false: #GP(0). */
bool rf_apic_read_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t *value);
bool rf_apic_write_msr(struct rf_cpu *cpu, uint32_t msr, uint64_t value);
bool rf_apic_write_base(struct rf_cpu *cpu, uint64_t value);

/* Is pa in the page of registers, which only xAPIC mode has? Then these serve the access. */
bool rf_apic_has_page(const struct rf_cpu *cpu, uint64_t pa);
void rf_apic_load(struct rf_cpu *cpu, unsigned offset, void *out, size_t size);
void rf_apic_store(struct rf_cpu *cpu, unsigned offset, const void *data, size_t size);

/* After cpu->cr8 was written. */
void rf_apic_cr8_written(struct rf_cpu *cpu);
/* After the TSC was written: a TSC deadline moves. */
void rf_apic_tsc_written(struct rf_cpu *cpu);
/* The timer's expiry has come. */
void rf_apic_expire(struct rf_cpu *cpu);
/* Could the timer's interrupt be taken when it comes? */
bool rf_apic_timer_wakes(const struct rf_cpu *cpu);
/* INTA: the vector of the interrupt that the CPU takes. */
uint8_t rf_apic_acknowledge(struct rf_cpu *cpu);

#endif
