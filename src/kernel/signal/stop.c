/* Stopping and continuing whole processes (kernel/signal/stop.h). */
#include "kernel/signal/stop.h"

#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/clock.h"
#include "kernel/task/task.h"

void rf_jobctl_clear(struct rf_task *task, uint32_t bits)
{
    if (bits & RF_JOBCTL_STOP_PENDING)
        bits |= RF_JOBCTL_STOP_CONSUME | RF_JOBCTL_STOP_DEQUEUED;
    task->jobctl &= ~bits;
}

void rf_stop_wake(struct rf_kernel *k, struct rf_task *task)
{
    if (task->state != RF_TASK_STOPPED && task->state != RF_TASK_TRACED)
        return;
    task->state = RF_TASK_SLEEPING;
    rf_make_runnable(k, task);
}

bool rf_stop_participate(struct rf_task *task)
{
    struct rf_process *process = task->process;
    bool consume = task->jobctl & RF_JOBCTL_STOP_CONSUME;
    rf_jobctl_clear(task, RF_JOBCTL_STOP_PENDING);
    if (!consume)
        return false;
    if (process->stop_count)
        process->stop_count--;
    if (process->stop_count || process->stopped)
        return false;
    process->stopped = true;
    process->continued = false;
    return true;
}

/* One thread is to stop; those that are ending are not asked. */
static bool ask_to_stop(struct rf_task *task, int signo)
{
    if (task->state == RF_TASK_ZOMBIE || rf_task_must_die(task))
        return false;
    task->jobctl = (task->jobctl & ~(uint32_t)RF_JOBCTL_STOP_SIGNAL) | (uint32_t)signo |
                   RF_JOBCTL_STOP_PENDING | RF_JOBCTL_STOP_CONSUME;
    return true;
}

static bool begin_stop(struct rf_kernel *k, struct rf_task *task, int signo)
{
    struct rf_process *process = task->process;
    if (!(task->jobctl & RF_JOBCTL_STOP_DEQUEUED) || rf_task_must_die(task))
        return false;
    if (!process->stopped)
        process->stop_code = signo;
    process->stop_count = ask_to_stop(task, signo);
    for (struct rf_task *other = k->tasks; other; other = other->next_task) {
        if (other->process != process || other == task || other->state == RF_TASK_STOPPED ||
            !ask_to_stop(other, signo))
            continue;
        process->stop_count++;
        if (other->trace && other->trace->seized)
            rf_ptrace_trap_notify(k, other);
        else
            rf_signal_interrupt(k, other);
    }
    return true;
}

bool rf_stop_begin(struct rf_kernel *k, struct rf_task *task, int signo)
{
    if (!(task->jobctl & RF_JOBCTL_STOP_PENDING) && !begin_stop(k, task, signo))
        return false;
    if (task->trace) { /* it stops for its tracer, which takes part in the stop on the way */
        task->jobctl |= RF_JOBCTL_TRAP_STOP;
        return false;
    }
    bool last = rf_stop_participate(task);
    task->state = RF_TASK_STOPPED;
    if (last)
        rf_stop_notify(k, task, false, RF_SI_CLD_STOPPED);
    return true;
}

void rf_stop_continue(struct rf_kernel *k, struct rf_process *process)
{
    bool was_stopped = process->stopped, was_stopping = process->stop_count;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (task->process != process)
            continue;
        rf_jobctl_clear(task, RF_JOBCTL_STOP_PENDING);
        if (task->trace && task->trace->seized)
            rf_ptrace_trap_notify(k, task);
        else if (task->state == RF_TASK_STOPPED)
            rf_stop_wake(k, task);
    }
    if (!was_stopped && !was_stopping)
        return;
    process->stopped = false;
    process->continued = true;
    process->stop_count = 0;
    process->stop_code = 0;
    rf_stop_notify(k, process->leader, false, was_stopped ? RF_SI_CLD_CONTINUED : RF_SI_CLD_STOPPED);
}

struct rf_siginfo rf_child_info(const struct rf_task *task, const struct rf_process *to, int why, int status)
{
    struct rf_siginfo info = { .si_signo = RF_SIGCHLD, .si_code = why };
    info.chld.pid = rf_pid_in(to->leader->namespaces.pid, task->tid);
    info.chld.uid = rf_uid_as_seen(to->leader->credentials.user, task->credentials.uid);
    info.chld.utime = (int64_t)(task->process->user_cycles / RF_CYCLES_PER_TICK);
    info.chld.stime = (int64_t)(task->process->kernel_cycles / RF_CYCLES_PER_TICK);
    info.chld.status = status;
    return info;
}

void rf_stop_notify(struct rf_kernel *k, struct rf_task *task, bool to_tracer, int why)
{
    if (!to_tracer)
        task = task->process->leader;
    struct rf_process *parent = to_tracer ? task->trace->tracer->process : task->process->parent;
    if (!parent)
        return;
    int status = why == RF_SI_CLD_CONTINUED ? RF_SIGCONT
                 : why == RF_SI_CLD_STOPPED ? task->process->stop_code & 0x7f
                                            : task->trace->code & 0x7f;
    struct rf_siginfo info = rf_child_info(task, parent, why, status);
    const struct rf_task *judge = rf_process_live_thread(k, parent);
    const struct rf_sigaction *action = judge ? &judge->sighand->action[RF_SIGCHLD] : NULL;
    if (action && action->handler != RF_SIG_IGN && !(action->flags & RF_SA_NOCLDSTOP))
        rf_signal_send_process(k, parent, &info);
    rf_wake(k, &parent->child_exit);
}
