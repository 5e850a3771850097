/* Who may do what to another process, and what superusers may do. */
#ifndef RF_KERNEL_TASK_ACCESS_H
#define RF_KERNEL_TASK_ACCESS_H

#include "kernel/task/task.h"

/* Capabilities, by their numbers in linux/capability.h. */
enum {
    RF_MAY_IPC_LOCK = 14,
    RF_MAY_IPC_OWNER = 15,
    RF_MAY_RAWIO = 17,
    RF_MAY_PTRACE = 19,
    RF_MAY_ADMIN = 21,
    RF_MAY_NICE = 23,
    RF_MAY_RESOURCE = 24,
};
/* Does the task have the capability? */
bool rf_task_may(const struct rf_task *task, int capability);

/* ptrace(2), "Ptrace access mode checking", PTRACE_MODE_ATTACH_REALCREDS: 0 or -RF_EPERM. */
int64_t rf_may_access_process(struct rf_kernel *k, const struct rf_task *from, const struct rf_task *to);

#endif
