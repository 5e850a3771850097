/* The work of a system call's entry, in Linux' order (kernel/entry/common.c, syscall_trace_enter): a tracer
 * first, then seccomp's filters, which see what the tracer has left. Called again after each wait, so its
 * progress is in the task. */
#include "kernel/entry/syscall_work.h"

#include "kernel/seccomp/seccomp.h"

enum rf_entry_result rf_syscall_entry_work(struct rf_kernel *k, struct rf_task *task)
{
    if (task->entry_stage == RF_ENTRY_STAGE_PTRACE)
        task->entry_stage = RF_ENTRY_STAGE_SECCOMP; /* no task is ever traced */
    if (task->entry_stage == RF_ENTRY_STAGE_SECCOMP && task->syscall_work & RF_SYSCALL_WORK_SECCOMP) {
        enum rf_entry_result result = rf_seccomp_entry(k, task);
        if (result == RF_ENTRY_WAIT)
            return result;
        task->entry_stage = RF_ENTRY_STAGE_DONE;
        if (result == RF_ENTRY_SKIP)
            return result;
    }
    task->entry_stage = RF_ENTRY_STAGE_DONE;
    return (int32_t)task->regs->orig_rax == -1 ? RF_ENTRY_SKIP : RF_ENTRY_GO;
}
