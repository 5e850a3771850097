/* Who traces whom (kernel/ptrace.c of Linux: ptrace_attach, __ptrace_unlink, exit_ptrace). */
#include "kernel/entry/syscall_work.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/signal/stop.h"
#include "kernel/task/task.h"

static int64_t link_to(struct rf_kernel *k, struct rf_task *task, struct rf_task *tracer, bool seized, uint32_t options)
{
    struct rf_ptrace *trace = rf_kalloc(k, sizeof *trace);
    if (!trace)
        return -RF_ENOMEM;
    trace->tracer = tracer;
    trace->seized = seized;
    trace->options = options;
    task->trace = trace;
    return 0;
}

int64_t rf_ptrace_set_options(struct rf_ptrace *trace, uint64_t options)
{
    if (options & ~(uint64_t)RF_PTRACE_O_MASK)
        return -RF_EINVAL;
    if (options & RF_PTRACE_O_SUSPEND_SECCOMP)
        return -RF_EINVAL; /* as without CONFIG_CHECKPOINT_RESTORE */
    trace->options = (uint32_t)options;
    return 0;
}

bool rf_ptrace_by_stranger(const struct rf_task *task)
{
    return task->trace->tracer->process != task->process->parent;
}

int64_t rf_ptrace_traceme(struct rf_kernel *k)
{
    struct rf_task *task = k->current, *parent = task->process->parent_thread;
    if (task->trace || !parent)
        return -RF_EPERM;
    return link_to(k, task, parent, false, 0);
}

int64_t rf_ptrace_attach(struct rf_kernel *k, struct rf_task *task, bool seize, uint64_t options)
{
    struct rf_ptrace checked;
    if (seize && rf_ptrace_set_options(&checked, options))
        return -RF_EIO;
    if (task->process == k->current->process)
        return -RF_EPERM;
    int64_t error = rf_may_access_task(k, task, true) ? 0 : -RF_EPERM;
    if (error)
        return error;
    if (task->state == RF_TASK_ZOMBIE || task->trace)
        return -RF_EPERM;
    error = link_to(k, task, k->current, seize, seize ? (uint32_t)options : 0);
    if (error)
        return error;
    if (!seize) {
        const struct rf_siginfo info = { .si_signo = RF_SIGSTOP, .si_code = RF_SI_KERNEL };
        rf_signal_send_task(k, task, &info);
    }
    if (task->state == RF_TASK_STOPPED) { /* from its process' stop into the tracer's */
        task->jobctl |= RF_JOBCTL_TRAP_STOP;
        rf_stop_wake(k, task);
    }
    return 0;
}

void rf_ptrace_unlink(struct rf_kernel *k, struct rf_task *task)
{
    bool was_stopped = task->state == RF_TASK_TRACED;
    struct rf_siginfo untold = { 0 };
    if (was_stopped && task->trace->phase == RF_TRACE_SIGNAL && task->trace->code)
        untold = task->trace->info; /* nobody has waited for its stop: the signal counts */
    rf_ptrace_disable_step(task);
    task->syscall_work &= ~(uint32_t)RF_SYSCALL_WORK_PTRACE;
    task->exit_work = false;
    rf_kfree(k, task->trace);
    task->trace = NULL;
    rf_jobctl_clear(task, RF_JOBCTL_TRAPS | RF_JOBCTL_LISTENING);
    if (task->state == RF_TASK_ZOMBIE)
        return;
    if (task->process->stopped || task->process->stop_count)
        task->jobctl |= RF_JOBCTL_STOP_PENDING; /* the stop of its process holds it again */
    if (untold.si_signo)
        rf_signal_send_task(k, task, &untold);
    if (was_stopped)
        rf_stop_wake(k, task);
    else if (task->jobctl & RF_JOBCTL_STOP_PENDING)
        rf_signal_interrupt(k, task);
}

int64_t rf_ptrace_inherit(struct rf_kernel *k, struct rf_task *child, const struct rf_task *parent)
{
    const struct rf_ptrace *trace = parent->trace;
    const struct rf_siginfo stop = { .si_signo = RF_SIGSTOP, .si_code = RF_SI_USER };
    int64_t error = link_to(k, child, trace->tracer, trace->seized, trace->options);
    if (error)
        return error;
    if (trace->seized)
        child->jobctl |= RF_JOBCTL_TRAP_STOP;
    else
        error = rf_pending_add_task(k, child, &stop);
    return error;
}

/* A zombie whose tracer is gone is its parent's to wait for, or nobody's (__ptrace_detach). */
static void drop_zombie(struct rf_kernel *k, struct rf_task *task)
{
    bool stranger = rf_ptrace_by_stranger(task);
    rf_ptrace_unlink(k, task);
    if (task != task->process->leader) {
        rf_task_reap(k, task);
        return;
    }
    if (!task->process->zombie)
        return;
    if (!task->process->parent || (stranger && rf_task_notify_parent(k, task)))
        rf_task_reap(k, task);
}

void rf_ptrace_tracer_ended(struct rf_kernel *k, struct rf_task *tracer)
{
    for (struct rf_task *task = k->tasks, *next; task; task = next) {
        next = task->next_task;
        if (!task->trace || task->trace->tracer != tracer)
            continue;
        if (task->trace->options & RF_PTRACE_O_EXITKILL) {
            const struct rf_siginfo info = { .si_signo = RF_SIGKILL, .si_code = RF_SI_KERNEL };
            rf_signal_send_process(k, task->process, &info);
        }
        if (task->state == RF_TASK_ZOMBIE)
            drop_zombie(k, task);
        else
            rf_ptrace_unlink(k, task);
    }
}
