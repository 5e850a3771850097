/* The stages before a system call's handler (kernel/entry/syscall_work.h), in the order of Linux'
 * syscall_trace_enter (kernel/entry/common.c): the tracer may change the call, the filter sees what it left. */
#include "kernel/entry/syscall_work.h"

#include "kernel/ptrace/ptrace.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

/* True: go on. */
static bool pass_tracer(struct rf_kernel *k, struct rf_task *task)
{
    return !task->trace || rf_ptrace_call_entry(k, task) != RF_BLOCKED;
}

enum rf_entry_result rf_syscall_entry_work(struct rf_kernel *k, struct rf_task *task)
{
    if (task->entry_stage == RF_ENTRY_STAGE_PTRACE) {
        bool emulate = task->trace && task->trace->emulate;
        if (!pass_tracer(k, task))
            return RF_ENTRY_WAIT;
        task->entry_stage = RF_ENTRY_STAGE_SECCOMP;
        if (emulate || rf_signal_fatal_pending(task)) {
            task->entry_stage = RF_ENTRY_STAGE_DONE;
            return RF_ENTRY_SKIP;
        }
    }
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
