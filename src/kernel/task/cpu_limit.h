/* The limit of CPU time of a process. */
#ifndef RF_KERNEL_TASK_CPU_LIMIT_H
#define RF_KERNEL_TASK_CPU_LIMIT_H

#include "kernel/task/task.h"

/* Its RLIMIT_CPU is another, or is a new process' own. */
void rf_cpu_limit_changed(struct rf_kernel *k, struct rf_process *process);

#endif
