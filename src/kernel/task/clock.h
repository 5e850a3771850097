/* The virtual clock: modelled cycles as time, 3 cycles a nanosecond. */
#ifndef RF_KERNEL_TASK_CLOCK_H
#define RF_KERNEL_TASK_CLOCK_H

#include "kernel/kernel.h"

#define RF_CYCLES_PER_NS 3 /* a 3 GHz time stamp counter */

RF_INLINE uint64_t rf_clock_to_ns(const struct rf_kernel *k, uint64_t cycles)
{
    (void)k;
    return cycles / RF_CYCLES_PER_NS;
}

/* Saturates: UINT64_MAX for times beyond what cycles can say. */
RF_INLINE uint64_t rf_clock_to_cycles(const struct rf_kernel *k, uint64_t ns)
{
    (void)k;
    return ns > UINT64_MAX / RF_CYCLES_PER_NS - 1 ? UINT64_MAX : (ns + 1) * RF_CYCLES_PER_NS;
}

/* The CPU's timer callback: user is the kernel. */
void rf_kernel_timer(void *user, struct rf_cpu *cpu);

#endif
