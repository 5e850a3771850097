/* Inside of a machine: what its own files share. */
#ifndef RF_MACHINE_MACHINE_H
#define RF_MACHINE_MACHINE_H

#include "cpu/cpu.h"
#include "kernel/kernel.h"
#include "machine/trace_feed.h"

#include <ringfort/machine.h>

struct rf_machine {
    struct rf_cpu cpu;
    struct rf_ram ram;
    struct rf_kernel kernel;
    struct rf_error error;
    struct rf_machine_config config;
    struct rf_trace_feed trace;
    bool started;
    rf_result death; /* filled when a signal of the first process may be its last */
    char unimplemented[128];
};

/* report.c: fill machine->death from a signal about to be acted on. */
void rf_report_signal(struct rf_machine *machine, const struct rf_task *task,
                      const struct rf_siginfo *info);

#endif
