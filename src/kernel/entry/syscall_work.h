/* What a system call passes on its way to its handler, where somebody watches: a tracer, a filter.
 *
 * rf_task.syscall_work says what there is; 0 costs a call nothing. A stage may have to wait for another task: the door is
 * then left and entered again, and goes on where it was (rf_task.entry_stage). */
#ifndef RF_KERNEL_ENTRY_SYSCALL_WORK_H
#define RF_KERNEL_ENTRY_SYSCALL_WORK_H

#include "kernel/kernel.h"

/* Bits of rf_task.syscall_work. */
enum { RF_SYSCALL_WORK_PTRACE = 1, RF_SYSCALL_WORK_SECCOMP = 2 };

/* Values of rf_task.entry_stage. */
enum { RF_ENTRY_STAGE_PTRACE, RF_ENTRY_STAGE_SECCOMP, RF_ENTRY_STAGE_DONE };

enum rf_entry_result {
    RF_ENTRY_GO,   /* to the handler that the number in the registers names */
    RF_ENTRY_SKIP, /* the result is in pt_regs already */
    RF_ENTRY_WAIT, /* the task sleeps, has stopped or has ended */
};
enum rf_entry_result rf_syscall_entry_work(struct rf_kernel *k, struct rf_task *task);

#endif
