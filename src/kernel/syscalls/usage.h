/* What a process has used, as wait4 and getrusage tell it. */
#ifndef RF_KERNEL_SYSCALLS_USAGE_H
#define RF_KERNEL_SYSCALLS_USAGE_H

#include "kernel/task/task.h"

/* Its own time and that of the children it has waited for (RUSAGE_BOTH). */
void rf_usage_of_child(const struct rf_process *process, struct rf_rusage *out);

#endif
