/* The end of tasks and processes (kernel/exit.c of Linux: do_exit, exit_notify, release_task).
 *
 * A thread that ends gives up what it holds and is a zombie until nobody asks for its status any more: its tracer, or,
 * for a process, the parent. A process has ended when all its threads have; its status is that of exit_group, or of the
 * thread that ended last. */
#include "kernel/ipc/sem.h"
#include "kernel/mm/mm.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/signal/signal.h"
#include "kernel/signal/stop.h"
#include "kernel/syscalls/futex.h"
#include "kernel/syscalls/usage.h"
#include "kernel/task/clock.h"
#include "kernel/task/identity.h"
#include "kernel/task/itimer.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

static void release_mm(struct rf_kernel *k, struct rf_task *task)
{
    rf_usage_leave_mm(task->process, task->mm);
    bool last = task->process->leader == k->init && task->process->thread_count == 1;
    if (last && k->keeps_last_mm)
        k->last_mm = task->mm;
    else
        rf_mm_put(k, task->mm);
    task->mm = NULL;
}

static void release_resources(struct rf_kernel *k, struct rf_task *task)
{
    if (task->process->thread_count == 1)
        rf_sem_process_ended(k, task->process, task->namespaces.ipc);
    rf_seccomp_release(k, task);
    rf_posix_timers_thread_ended(k, task);
    rf_cpu_timer_stop(k, &task->cpu_sleep);
    rf_futex_release_robust(k);
    rf_futex_release_pi(k);
    if (task->clear_child_tid && task->mm->references > 1) {
        int32_t zero = 0;
        RF_PUT_USER(k, task->clear_child_tid, zero);
        rf_futex_wake(k, task->clear_child_tid, 1);
    }
    rf_wake(k, &task->vfork_done);
    task->vfork_parent = NULL;
    rf_fd_table_put(k, task->files);
    rf_fs_context_put(k, task->fs);
    task->files = NULL;
    task->fs = NULL;
    release_mm(k, task);
    if (--task->sighand->references == 0)
        rf_kfree(k, task->sighand);
    task->sighand = NULL;
}

/* --- children and tracees --- */

/* The children of a process that ends get another parent (forget_original_parent). */
static void orphan_children(struct rf_kernel *k, struct rf_process *process)
{
    struct rf_process *reaper = rf_new_parent(k, process);
    for (struct rf_task *task = k->tasks, *next; task; task = next) {
        struct rf_process *child = task->process;
        next = task->next_task;
        if (child->parent != process || task != child->leader)
            continue;
        child->parent = reaper;
        child->parent_thread = reaper ? rf_process_live_thread(k, reaper) : NULL;
        child->exit_signal = RF_SIGCHLD;
        if (!child->zombie)
            rf_session_parent_ended(k, child, process);
        else if (!task->trace && rf_task_notify_parent(k, task))
            rf_task_reap(k, task);
    }
}

/* Children of a thread belong to another thread of its process from now on. Those that asked for it hear of the end
 * (prctl(2), PR_SET_PDEATHSIG). */
static void pass_children_on(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_task *heir = rf_process_live_thread(k, task->process);
    for (struct rf_task *other = k->tasks; other; other = other->next_task) {
        if (other->process->parent_thread != task)
            continue;
        const struct rf_siginfo info = { .si_signo = other->parent_death_signal, .si_code = RF_SI_USER };
        if (info.si_signo && other->state != RF_TASK_ZOMBIE)
            rf_signal_send_process(k, other->process, &info);
    }
    for (struct rf_task *other = k->tasks; other; other = other->next_task)
        if (other->process->parent_thread == task)
            other->process->parent_thread = heir;
}

/* --- telling the parent --- */

static bool tell(struct rf_kernel *k, struct rf_task *task, int signo)
{
    struct rf_process *to = task->trace ? task->trace->tracer->process : task->process->parent;
    const struct rf_task *judge = to ? rf_process_live_thread(k, to) : NULL;
    bool unwanted = false;
    if (!to)
        return true;
    int status = task->exit_status;
    int why = status & 0x7f ? (status & 0x80 ? RF_SI_CLD_DUMPED : RF_SI_CLD_KILLED) : RF_SI_CLD_EXITED;
    struct rf_siginfo info = rf_child_info(task, to, why, status & 0x7f ? status & 0x7f : status >> 8 & 0xff);
    info.si_signo = signo;
    if (judge && !task->trace && signo == RF_SIGCHLD) {
        const struct rf_sigaction *action = &judge->sighand->action[RF_SIGCHLD];
        unwanted = action->handler == RF_SIG_IGN || action->flags & RF_SA_NOCLDWAIT;
        if (action->handler == RF_SIG_IGN)
            signo = 0;
    }
    if (signo && signo <= RF_NSIG) /* clone(2) takes any number; others are not sent */
        rf_signal_send_process(k, to, &info);
    rf_wake(k, &to->child_exit);
    return unwanted;
}

bool rf_task_notify_parent(struct rf_kernel *k, struct rf_task *leader)
{
    return tell(k, leader, leader->process->exit_signal);
}

/* No task of the process is there but its leader, nor, if it is a namespace's init, of the namespace. */
static bool is_alone(const struct rf_kernel *k, const struct rf_task *leader)
{
    if (leader->process->waits_for_namespace)
        return false;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process == leader->process && task != leader && task != k->reap)
            return false;
    return true;
}

/* True: the zombie is to go at once. */
static bool notify_of_end(struct rf_kernel *k, struct rf_task *task)
{
    bool leads = task == task->process->leader, alone = leads && is_alone(k, task);
    if (task->trace)
        return tell(k, task, alone && !rf_ptrace_by_stranger(task) ? task->process->exit_signal : RF_SIGCHLD);
    return !leads || (alone && rf_task_notify_parent(k, task));
}

void rf_task_reap(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_process *process = task->process;
    struct rf_task *leader = process->leader;
    if (task->trace)
        rf_ptrace_unlink(k, task);
    if (task == k->current)
        k->reap = task; /* the door that it is in needs it still */
    else
        rf_task_free(k, task);
    if (task == leader)
        return;
    rf_wake(k, &process->thread_ended);
    if (leader->state == RF_TASK_ZOMBIE && is_alone(k, leader) && process->leader != k->init &&
        rf_task_notify_parent(k, leader))
        rf_task_reap(k, leader);
}

/* --- ending --- */

static void become_zombie(struct rf_kernel *k, struct rf_process *process)
{
    process->zombie = true;
    rf_wake_for(k, &k->process_ended, RF_POLLIN | RF_POLLRDNORM);
}

void rf_settle_namespaces(struct rf_kernel *k)
{
    struct rf_process *process;
    while ((process = rf_pid_namespace_empty(k))) {
        become_zombie(k, process);
        if (notify_of_end(k, process->leader))
            rf_task_reap(k, process->leader);
    }
}

static void end_process(struct rf_kernel *k, struct rf_process *process)
{
    process->leader->exit_status = process->wait_status;
    rf_itimer_stop_all(k, process);
    rf_posix_timers_delete_all(k, process);
    rf_cpu_timers_forget_process(k, process);
    rf_session_process_ends(k, process);
    orphan_children(k, process);
    if (process->leader == k->init || !rf_pid_namespace_ends(k, process))
        become_zombie(k, process);
    if (process->leader == k->init) {
        k->finished = true;
        k->exit_status = process->wait_status;
    }
}

void rf_task_end_others(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_process *process = task->process;
    for (struct rf_task *other = k->tasks; other; other = other->next_task) {
        if (other->process != process || other == task || other->state == RF_TASK_ZOMBIE)
            continue;
        rf_jobctl_clear(other, RF_JOBCTL_STOP_PENDING | RF_JOBCTL_TRAPS);
        rf_leave_queues(k, other);
        other->state = RF_TASK_SLEEPING;
        rf_make_runnable(k, other); /* they see that they must die on their way */
    }
}

/* exit_group, by this thread: the status is its, unless the end is decided already. */
static void begin_group_exit(struct rf_kernel *k, struct rf_task *task, int wait_status)
{
    struct rf_process *process = task->process;
    if (rf_task_must_die(task))
        return;
    process->exiting = true;
    process->exec_task = NULL;
    process->stopped = false;
    process->stop_count = 0;
    process->wait_status = wait_status;
    rf_task_end_others(k, task);
}

/* True: the task has stopped to tell its tracer of its end, and comes again. */
static bool tell_tracer(struct rf_kernel *k, struct rf_task *task, int wait_status)
{
    if (!task->trace)
        return false;
    if (!task->trace->exit_told) {
        task->trace->exit_told = true;
        task->trace->phase = RF_TRACE_RUNNING; /* whatever stop its death has ended */
    }
    int status = task->process->exiting ? task->process->wait_status : wait_status;
    return rf_ptrace_event(k, task, RF_PTRACE_EVENT_EXIT, (uint64_t)status) == RF_BLOCKED;
}

void rf_task_exit(struct rf_kernel *k, int wait_status, bool group)
{
    struct rf_task *task = k->current;
    struct rf_process *process = task->process;
    if (group)
        begin_group_exit(k, task, wait_status);
    else if (!process->exiting && process->thread_count == 1)
        begin_group_exit(k, task, wait_status); /* the last thread decides (synchronize_group_exit) */
    if (tell_tracer(k, task, wait_status))
        return;
    task->exit_status = process->exiting ? process->wait_status : wait_status;
    if (k->observer && k->observer->exit)
        k->observer->exit(k->observer_user, k, task, task->exit_status);
    if (task->jobctl & RF_JOBCTL_STOP_PENDING && rf_stop_participate(task)) /* the others have stopped already */
        rf_stop_notify(k, task, false, RF_SI_CLD_STOPPED);
    rf_ptrace_tracer_ended(k, task);
    release_resources(k, task);
    task->state = RF_TASK_ZOMBIE;
    pass_children_on(k, task);
    if (--process->thread_count == 0)
        end_process(k, process);
    if (!k->finished && notify_of_end(k, task))
        rf_task_reap(k, task);
    rf_wake(k, &process->thread_ended);
}
