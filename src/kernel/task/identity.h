/* What a new task inherits of who its parent is, and what its end means for others (task/identity.c). */
#ifndef RF_KERNEL_TASK_IDENTITY_H
#define RF_KERNEL_TASK_IDENTITY_H

#include "kernel/task/task.h"

/* Flags of clone that concern users and namespaces: 0 or -RF_EINVAL. */
int64_t rf_identity_check_flags(const struct rf_kernel *k, uint64_t flags);
/* Credentials, namespaces, personality and policy of a child that has a tid but no process yet. 0 or -errno; what
 * it holds goes with the task in any case. */
int64_t rf_identity_fork(struct rf_kernel *k, struct rf_task *child, uint64_t flags);
/* The child is complete. */
void rf_identity_born(struct rf_task *child);
/* The task has left the list of tasks: return what it holds. */
void rf_identity_drop(struct rf_kernel *k, struct rf_task *task);

/* Who takes the children of a process that ends: a subreaper, the init of its pid namespace; NULL: init. */
struct rf_process *rf_new_parent(const struct rf_kernel *k, const struct rf_process *process);
/* The process was number 1 of a pid namespace: nobody is born there any more, all others are killed. True: some
 * are left, and the process must look alive until they have gone. */
bool rf_pid_namespace_ends(struct rf_kernel *k, struct rf_process *process);
/* A process that waits so, whose namespace is empty now; NULL: none. */
struct rf_process *rf_pid_namespace_empty(struct rf_kernel *k);
/* Signals without a handler do not reach number 1 of a pid namespace, but SIGKILL and SIGSTOP from above do. */
bool rf_is_unkillable(const struct rf_process *process);

#endif
