/* The end of tasks and processes. */
#include "kernel/mm/mm.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/signal/signal.h"
#include "kernel/syscalls/futex.h"
#include "kernel/task/identity.h"
#include "kernel/task/itimer.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

static void release_mm(struct rf_kernel *k, struct rf_task *task)
{
    bool last = task->process->leader == k->init && task->process->thread_count == 1;
    if (last && k->keeps_last_mm)
        k->last_mm = task->mm;
    else
        rf_mm_put(k, task->mm);
    task->mm = NULL;
}

static void release_resources(struct rf_kernel *k, struct rf_task *task)
{
    rf_posix_timers_thread_ended(k, task);
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

static bool parent_ignores_children(const struct rf_process *parent)
{
    const struct rf_task *leader = parent->leader;
    if (!leader->sighand)
        return true;
    const struct rf_sigaction *action = &leader->sighand->action[RF_SIGCHLD];
    return action->handler == RF_SIG_IGN || action->flags & RF_SA_NOCLDWAIT;
}

static void notify_parent(struct rf_kernel *k, struct rf_process *process)
{
    struct rf_process *parent = process->parent;
    struct rf_siginfo info = { .si_signo = process->exit_signal };
    int status = process->wait_status;
    info.si_code = status & 0x7f ? (status & 0x80 ? RF_SI_CLD_DUMPED : RF_SI_CLD_KILLED) : RF_SI_CLD_EXITED;
    info.chld.pid = rf_pid_in(parent->leader->namespaces.pid, process->pid);
    info.chld.uid = process->leader->credentials.uid;
    info.chld.status = status & 0x7f ? status & 0x7f : status >> 8 & 0xff;
    if (process->exit_signal)
        rf_signal_send_process(k, parent, &info);
    rf_wake(k, &parent->child_exit);
}

/* A zombie changes hands: its new parent is told, unless it does not want to know. */
static void adopt_zombie(struct rf_kernel *k, struct rf_process *child)
{
    if (child->parent && !parent_ignores_children(child->parent)) {
        notify_parent(k, child);
        return;
    }
    child->parent = NULL;
    rf_task_free(k, child->leader);
}

static void send_death_signal(struct rf_kernel *k, struct rf_process *child)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process == child && task->parent_death_signal && task->state != RF_TASK_ZOMBIE) {
            const struct rf_siginfo info = { .si_signo = task->parent_death_signal, .si_code = RF_SI_USER };
            rf_signal_send_process(k, child, &info);
        }
}

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
        child->exit_signal = RF_SIGCHLD;
        send_death_signal(k, child);
        if (child->zombie)
            adopt_zombie(k, child);
        else
            rf_session_parent_ended(k, child, process);
    }
}

/* The process is a zombie: its parent is told, or it is gone. */
static void become_zombie(struct rf_kernel *k, struct rf_process *process)
{
    process->zombie = true;
    rf_wake_for(k, &k->process_ended, RF_POLLIN | RF_POLLRDNORM);
    if (process->parent && !(process->exit_signal == RF_SIGCHLD && parent_ignores_children(process->parent))) {
        notify_parent(k, process);
        return;
    }
    if (process->parent)
        rf_wake(k, &process->parent->child_exit);
    process->parent = NULL;
    if (process->leader == k->current)
        k->reap = process->leader;
    else
        rf_task_free(k, process->leader);
}

void rf_settle_namespaces(struct rf_kernel *k)
{
    struct rf_process *process;
    while ((process = rf_pid_namespace_empty(k)))
        become_zombie(k, process);
}

static void end_process(struct rf_kernel *k, struct rf_task *last, struct rf_process *process)
{
    rf_itimer_stop_all(k, process);
    rf_posix_timers_delete_all(k, process);
    rf_session_process_ends(k, process);
    orphan_children(k, process);
    if (k->observer && k->observer->exit)
        k->observer->exit(k->observer_user, k, last, process->wait_status);
    if (process->leader == k->init) {
        process->zombie = true;
        k->finished = true;
        k->exit_status = process->wait_status;
        return;
    }
    if (!rf_pid_namespace_ends(k, process))
        become_zombie(k, process);
}

/* All other threads of the process must end too. */
static void end_other_threads(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_process *process = task->process;
    for (struct rf_task *other = k->tasks; other; other = other->next_task) {
        if (other->process != process || other == task || other->state == RF_TASK_ZOMBIE)
            continue;
        rf_leave_queues(k, other);
        other->state = RF_TASK_SLEEPING;
        rf_make_runnable(k, other); /* they see process->exiting on their way */
    }
}

void rf_task_exit(struct rf_kernel *k, int wait_status, bool group)
{
    struct rf_task *task = k->current;
    struct rf_process *process = task->process;
    if (group && !process->exiting) {
        process->exiting = true;
        process->wait_status = wait_status;
        end_other_threads(k, task);
    } else if (!process->exiting && process->thread_count == 1) {
        process->wait_status = wait_status;
    }
    release_resources(k, task);
    task->state = RF_TASK_ZOMBIE;
    bool last = --process->thread_count == 0;
    if (task != process->leader)
        k->reap = task;
    if (last)
        end_process(k, task, process);
}
