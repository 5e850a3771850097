/* Which CPU a machine has, by the names in its config: what every kind of machine shares. */
#ifndef RF_MACHINE_CPU_CHOICE_H
#define RF_MACHINE_CPU_CHOICE_H

#include "cpu/cpu.h"

/* Names as a config has them; NULL = the default, x86-64-v3 and Intel's rules. */
struct rf_cpu_choice {
    const char *model, *vendor;
};

/* RF_ERR_ARGUMENT if there is nothing of a name. */
rf_status rf_cpu_choice_check(const struct rf_cpu_choice *choice, struct rf_error *err);
/* Make a CPU that rf_cpu_init has just made the one of a choice that was checked. */
void rf_cpu_choice_apply(const struct rf_cpu_choice *choice, struct rf_cpu *cpu);

#endif
