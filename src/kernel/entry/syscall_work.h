/* What a system call passes before its handler: tracers and filters (entry/syscall_work.c). */
#ifndef RF_KERNEL_ENTRY_SYSCALL_WORK_H
#define RF_KERNEL_ENTRY_SYSCALL_WORK_H

#include <stdint.h>

struct rf_kernel;
struct rf_task;

/* Bits of rf_task.syscall_work. */
enum { RF_SYSCALL_WORK_PTRACE = 1, RF_SYSCALL_WORK_SECCOMP = 2 };

/* rf_task.entry_stage: what is to be done next. */
enum rf_entry_stage { RF_ENTRY_STAGE_PTRACE, RF_ENTRY_STAGE_SECCOMP, RF_ENTRY_STAGE_DONE };

enum rf_entry_result {
    RF_ENTRY_GO,   /* run the handler; number and arguments are those in the registers now */
    RF_ENTRY_SKIP, /* the result is in the registers' rax already */
    RF_ENTRY_WAIT, /* the task sleeps or stops; call again when it runs */
};
enum rf_entry_result rf_syscall_entry_work(struct rf_kernel *k, struct rf_task *task);

#endif
