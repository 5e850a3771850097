/* The run queue: tasks that can run, in the order in which they became so. Real-time tasks come before others, by priority
 * (sched(7)); a seed of the scheduler perturbs the order of equals and the length of slices, reproducibly. */
#ifndef RF_KERNEL_TASK_RUNQUEUE_H
#define RF_KERNEL_TASK_RUNQUEUE_H

#include "kernel/kernel.h"

/* Take the task that is to run next off the queue; NULL: none can run. */
struct rf_task *rf_take_next(struct rf_kernel *k);
/* When the task that runs now must be looked at again, in cycles. */
uint64_t rf_slice_end(struct rf_kernel *k, const struct rf_task *task);
/* The current task has run until now: count it if it is a real-time task. */
void rf_account_realtime(struct rf_kernel *k);

/* idle.c: nobody can run. Let time pass, or wait for the host; false: nothing will ever run again. */
bool rf_idle(struct rf_kernel *k);
/* deadlock.c: say in k->stop_text who waits for what. */
void rf_deadlock_report(struct rf_kernel *k);

#endif
