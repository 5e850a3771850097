/* What every kind of machine is made of: memory for its own structure, RAM, and the CPU that its config names. */
#ifndef RF_MACHINE_HARDWARE_H
#define RF_MACHINE_HARDWARE_H

#include "cpu/cpu.h"

/* Zeroed memory for a structure that holds a CPU, whose vector registers are aligned inside; release it with free.
 * NULL: there is none, which *err says. */
void *rf_machine_allocate(size_t size, struct rf_error *err);

/* Names as a config has them; NULL = the default, x86-64-v3 and Intel's rules. */
struct rf_cpu_choice {
    const char *model, *vendor;
};

/* RF_ERR_ARGUMENT if there is nothing of a name. */
rf_status rf_cpu_choice_check(const struct rf_cpu_choice *choice, struct rf_error *err);

/* RAM of `memory` bytes, rounded up to pages, and a CPU of a choice that was checked, as after power-on. Both must be
 * zeroed. On failure there is nothing to release; else rf_hardware_destroy. */
rf_status rf_hardware_create(struct rf_cpu *cpu, struct rf_ram *ram, uint64_t memory,
                             const struct rf_cpu_choice *choice, struct rf_error *err);
void rf_hardware_destroy(struct rf_cpu *cpu, struct rf_ram *ram);

#endif
