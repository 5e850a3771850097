/* Sending signals (signal(7), kill(2)). */
#include "kernel/signal/signal.h"

#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/stop.h"
#include "kernel/task/identity.h"
#include "kernel/task/task.h"

bool rf_signal_pending(const struct rf_task *task)
{
    return (task->pending | task->process->pending) & ~task->blocked ||
           task->jobctl & (RF_JOBCTL_STOP_PENDING | RF_JOBCTL_TRAPS) || rf_task_must_die(task);
}

bool rf_signal_fatal_pending(const struct rf_task *task)
{
    uint64_t set = (task->pending | task->process->pending) & ~task->blocked;
    if (rf_task_must_die(task) || set & RF_SIGMASK(RF_SIGKILL))
        return true;
    for (int signo = 1; signo <= RF_NSIG && !task->trace; signo++)
        if (set & RF_SIGMASK(signo) & ~(RF_SIGNALS_IGNORED | RF_SIGNALS_STOPPING) &&
            task->sighand->action[signo].handler == RF_SIG_DFL)
            return true;
    return false;
}

/* A signal that has no handler does not reach the init of a pid namespace; from above, what cannot be blocked does. */
static bool is_protected(const struct rf_kernel *k, const struct rf_task *task, const struct rf_siginfo *info)
{
    bool from_inside = info->si_code != RF_SI_KERNEL && k->current &&
                       rf_pid_in(task->namespaces.pid, k->current->process->pid);
    return rf_is_unkillable(task->process) && task->sighand->action[info->si_signo].handler == RF_SIG_DFL &&
           (from_inside || !(RF_SIGMASK(info->si_signo) & RF_SIGNALS_UNBLOCKABLE));
}

static bool is_ignored(const struct rf_task *task, int signo)
{
    uint64_t handler = task->sighand->action[signo].handler;
    if (RF_SIGMASK(signo) & (task->blocked | task->awaited))
        return false; /* it may have a handler by the time it is unblocked */
    if (task->trace && signo != RF_SIGKILL)
        return false; /* its tracer is to see it */
    return handler == RF_SIG_IGN || (handler == RF_SIG_DFL && RF_SIGMASK(signo) & RF_SIGNALS_IGNORED);
}

/* The signal concerns the task now: unblocked, or awaited by rt_sigtimedwait. */
static bool concerns(const struct rf_task *task, int signo)
{
    return RF_SIGMASK(signo) & (~task->blocked | task->awaited);
}

void rf_signal_interrupt(struct rf_kernel *k, struct rf_task *task)
{
    if (task->state == RF_TASK_SLEEPING) {
        rf_leave_queues(k, task);
        rf_make_runnable(k, task);
    }
    if (task == k->current)
        rf_update_exit_work(k, 0);
}

/* What a signal does before it is pending (kernel/signal.c of Linux, prepare_signal). False: a process that is dying
 * gets none any more. */
static bool prepare(struct rf_kernel *k, struct rf_process *process, int signo)
{
    bool stops = RF_SIGMASK(signo) & RF_SIGNALS_STOPPING;
    if (process->exiting)
        return false;
    if (!stops && signo != RF_SIGCONT)
        return true;
    uint64_t undone = stops ? RF_SIGMASK(RF_SIGCONT) : RF_SIGNALS_STOPPING;
    rf_pending_drop_process(k, process, undone);
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process == process)
            rf_pending_drop_task(k, task, undone);
    if (!stops)
        rf_stop_continue(k, process);
    return true;
}

/* SIGKILL ends stops of every kind. */
static void wake_for_death(struct rf_kernel *k, struct rf_task *task, int signo)
{
    if (signo == RF_SIGKILL)
        rf_stop_wake(k, task);
}

int64_t rf_signal_send_task(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    int signo = info->si_signo;
    if (task->state == RF_TASK_ZOMBIE)
        return 0;
    if (!prepare(k, task->process, signo) || is_ignored(task, signo) || is_protected(k, task, info))
        return 0;
    int64_t error = rf_pending_add_task(k, task, info);
    if (error)
        return error;
    rf_wake_for(k, &k->signal_arrived, RF_POLLIN);
    if (concerns(task, signo))
        rf_signal_interrupt(k, task);
    wake_for_death(k, task, signo);
    return 0;
}

/* Threads that are stopped take signals only once they go on; SIGKILL makes them go on. */
static bool can_take(const struct rf_task *task, int signo)
{
    if (task->state == RF_TASK_ZOMBIE || !concerns(task, signo))
        return false;
    return signo == RF_SIGKILL || (task->state != RF_TASK_STOPPED && task->state != RF_TASK_TRACED);
}

/* A signal of the process is pending. Wake the thread that is to take it: the current one if it may, else the
 * first that does not block it. */
static void interrupt_process(struct rf_kernel *k, struct rf_process *process, int signo)
{
    struct rf_task *chosen = NULL;
    rf_wake_for(k, &k->signal_arrived, RF_POLLIN);
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (task->process != process || !can_take(task, signo))
            continue;
        if (!chosen || task == k->current)
            chosen = task;
    }
    if (!chosen)
        return;
    rf_signal_interrupt(k, chosen);
    wake_for_death(k, chosen, signo);
}

int64_t rf_signal_send_process(struct rf_kernel *k, struct rf_process *process, const struct rf_siginfo *info)
{
    int signo = info->si_signo;
    struct rf_task *task = rf_process_live_thread(k, process);
    if (process->zombie || !task || !prepare(k, process, signo) || is_ignored(task, signo) ||
        is_protected(k, task, info))
        return 0;
    int64_t error = rf_pending_add_process(k, process, info);
    if (!error)
        interrupt_process(k, process, signo);
    return error;
}

bool rf_signal_send_timer(struct rf_kernel *k, struct rf_process *process, struct rf_task *task,
                          struct rf_queued_signal *node)
{
    int signo = node->info.si_signo;
    struct rf_task *judge = task ? task : rf_process_live_thread(k, process);
    if (!judge || !judge->sighand)
        return false;
    if (!prepare(k, process, signo) || is_ignored(judge, signo))
        return false;
    rf_pending_add_timer(process, task, node);
    rf_wake_for(k, &k->signal_arrived, RF_POLLIN);
    if (!task)
        interrupt_process(k, process, signo);
    else if (concerns(task, signo))
        rf_signal_interrupt(k, task);
    return true;
}

void rf_signal_send_current(struct rf_kernel *k, int signo)
{
    struct rf_siginfo info = { .si_signo = signo, .si_code = RF_SI_USER };
    info.kill.pid = rf_pid_shown(k, k->current->process->pid);
    info.kill.uid = rf_uid_shown(k, k->current->credentials.uid);
    rf_signal_send_task(k, k->current, &info);
}

void rf_signal_force(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    int signo = info->si_signo;
    struct rf_sigaction *action = &task->sighand->action[signo];
    if (task->blocked & RF_SIGMASK(signo) || action->handler == RF_SIG_IGN) {
        action->handler = RF_SIG_DFL;
        task->blocked &= ~RF_SIGMASK(signo);
    }
    rf_pending_force(k, task, info);
    rf_signal_interrupt(k, task);
}
