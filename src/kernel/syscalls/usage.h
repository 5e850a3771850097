/* What a process has used, as wait4 and getrusage tell it. */
#ifndef RF_KERNEL_SYSCALLS_USAGE_H
#define RF_KERNEL_SYSCALLS_USAGE_H

#include "kernel/task/task.h"

/* What the scheduler, page faults, and the ends of threads and programs tell. */
bool rf_usage_count_sleep(struct rf_task *task); /* it gives up the CPU: true, unless it would go on */
void rf_usage_count_preemption(struct rf_task *task, bool slept);
void rf_usage_count_fault(struct rf_task *task);
void rf_usage_leave_mm(struct rf_process *process, const struct rf_mm *mm);
/* A child has been waited for. */
void rf_usage_add_child(struct rf_process *parent, const struct rf_process *child);

/* Its own time and that of the children it has waited for (RUSAGE_BOTH). */
void rf_usage_of_child(const struct rf_process *process, struct rf_rusage *out);

#endif
