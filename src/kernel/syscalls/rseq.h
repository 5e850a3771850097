/* Restartable sequences, seen from the scheduler, signals and exec. */
#ifndef RF_KERNEL_SYSCALLS_RSEQ_H
#define RF_KERNEL_SYSCALLS_RSEQ_H

#include "kernel/task/task.h"

/* The current task returns to user space after it was preempted, or a handler is about to run for `signo`
 * (else 0): a critical section is aborted, the CPU numbers are written. Bad user data: SIGSEGV. */
void rf_rseq_resume(struct rf_kernel *k, struct rf_task *task, int signo);
void rf_rseq_fork(struct rf_task *child, const struct rf_task *parent, uint64_t flags);
void rf_rseq_exec(struct rf_task *task);

#endif
