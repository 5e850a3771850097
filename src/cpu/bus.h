/* What a CPU is connected to: I/O ports, memory-mapped devices, an interrupt controller. */
#ifndef RF_CPU_BUS_H
#define RF_CPU_BUS_H

#include "cpu/cpu.h"

/* Any may be NULL: then nothing is there. Ports: size is 1, 2 or 4; of a value that is narrower
 * than 32 bits the upper ones are ignored. Memory: outside RAM and the local APIC's page, at most
 * to the end of a page. They run in the middle of an instruction: they may call rf_cpu_stop,
 * rf_cpu_request_stop, rf_cpu_set_nmi, rf_apic_send, rf_apic_set_lint0 and rf_cpu_set_interrupt, but change no other
 * state of the CPU, and must not use x87 or MMX registers, which are the guest's then. */
struct rf_bus_ops {
    uint32_t (*port_read)(void *user, uint16_t port, unsigned size);
    void (*port_write)(void *user, uint16_t port, uint32_t value, unsigned size);
    void (*memory_read)(void *user, uint64_t pa, void *out, size_t size);
    void (*memory_write)(void *user, uint64_t pa, const void *data, size_t size);
    /* INTA for an interrupt of LINT0, or of rf_cpu_set_interrupt where there is no local APIC. */
    uint8_t (*acknowledge)(void *user);
    /* The local APIC ended a level-triggered interrupt. */
    void (*end_of_interrupt)(void *user, uint8_t vector);
};

/* ops and user must outlive the CPU. */
void rf_cpu_connect(struct rf_cpu *cpu, const struct rf_bus_ops *ops, void *user);

/* The level of the CPU's INTR pin, for machines without a local APIC. */
void rf_cpu_set_interrupt(struct rf_cpu *cpu, bool level);
/* A non-maskable interrupt; a second one that comes before the first is taken is lost. */
void rf_cpu_set_nmi(struct rf_cpu *cpu);
/* Make rf_cpu_run return after the instruction under way. */
void rf_cpu_stop(struct rf_cpu *cpu, enum rf_stop reason);

/* --- for src/cpu --- */

/* Modelled cycles up to the instruction under way, as far as it is known inside a block. */
uint64_t rf_cpu_now(const struct rf_cpu *cpu);
/* What is due has changed in the middle of a block. */
void rf_cpu_attend(struct rf_cpu *cpu);
uint8_t rf_cpu_acknowledge(struct rf_cpu *cpu);
/* As bus ops, with all ones where nothing is connected. */
uint32_t rf_cpu_port_read(struct rf_cpu *cpu, uint16_t port, unsigned size);
void rf_cpu_port_write(struct rf_cpu *cpu, uint16_t port, uint32_t value, unsigned size);
/* Accesses outside RAM come to the bus and the local APIC from now on. */
void rf_cpu_watch_memory(struct rf_cpu *cpu);

#endif
