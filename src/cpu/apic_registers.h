/* The parts of the local APIC, to each other: apic.c acts, apic_registers.c decodes accesses. */
#ifndef RF_CPU_APIC_REGISTERS_H
#define RF_CPU_APIC_REGISTERS_H

#include "cpu/cpu.h"

#define RF_SVR_ENABLE 0x100u
#define RF_LVT_MASKED 0x10000u
#define RF_LVT_MODE 0x700u

/* ESR (SDM 3A, figure 10-9). */
#define RF_ESR_SENT_ILLEGAL_VECTOR 0x20u
#define RF_ESR_RECEIVED_ILLEGAL_VECTOR 0x40u
#define RF_ESR_ILLEGAL_REGISTER 0x80u

bool rf_apic_is_x2(const struct rf_cpu *cpu);
uint8_t rf_apic_ppr(const struct rf_apic *apic);
/* What the CPU's INTR sees, after a change of state. */
void rf_apic_update(struct rf_cpu *cpu);
void rf_apic_accept(struct rf_cpu *cpu, uint8_t vector, bool level);
void rf_apic_error(struct rf_cpu *cpu, uint32_t error);
void rf_apic_eoi(struct rf_cpu *cpu);
void rf_apic_set_tpr(struct rf_cpu *cpu, uint8_t value);
/* icr: the destination in the upper half, in the form of the present mode. */
void rf_apic_send_ipi(struct rf_cpu *cpu, uint64_t icr);
uint32_t rf_apic_current_count(const struct rf_cpu *cpu);
void rf_apic_set_initial_count(struct rf_cpu *cpu, uint32_t count);
void rf_apic_set_divide(struct rf_cpu *cpu, uint32_t value);
void rf_apic_set_timer_lvt(struct rf_cpu *cpu, uint32_t value);
bool rf_apic_write_deadline(struct rf_cpu *cpu, uint64_t value);

#endif
