/* The three interval timers of a process (setitimer(2)). */
#ifndef RF_KERNEL_TASK_ITIMER_H
#define RF_KERNEL_TASK_ITIMER_H

#include "kernel/task/task.h"

void rf_itimer_init(struct rf_process *process);
/* Time left until the next expiry (0: not set) and the interval, in ns. */
void rf_itimer_get(struct rf_kernel *k, struct rf_process *process, int which, uint64_t *left, uint64_t *interval);
void rf_itimer_set(struct rf_kernel *k, struct rf_process *process, int which, uint64_t first, uint64_t interval);
void rf_itimer_stop_all(struct rf_kernel *k, struct rf_process *process);
/* SIGALRM has been taken: ITIMER_REAL goes on. */
void rf_itimer_delivered(struct rf_kernel *k, struct rf_process *process);

#endif
