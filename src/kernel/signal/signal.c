/* Sending and delivering signals (signal(7), sigaction(2)). */
#include "kernel/signal/signal.h"

#include "kernel/boot/boot.h"
#include "kernel/task/identity.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"

#include <string.h>

#define SYNCHRONOUS                                                                       \
    (RF_SIGMASK(RF_SIGSEGV) | RF_SIGMASK(RF_SIGBUS) | RF_SIGMASK(RF_SIGILL) |             \
     RF_SIGMASK(RF_SIGTRAP) | RF_SIGMASK(RF_SIGFPE) | RF_SIGMASK(RF_SIGSYS))
#define UNBLOCKABLE (RF_SIGMASK(RF_SIGKILL) | RF_SIGMASK(RF_SIGSTOP))
#define STOPPING                                                                          \
    (RF_SIGMASK(RF_SIGSTOP) | RF_SIGMASK(RF_SIGTSTP) | RF_SIGMASK(RF_SIGTTIN) | RF_SIGMASK(RF_SIGTTOU))
#define IGNORED_BY_DEFAULT                                                                \
    (RF_SIGMASK(RF_SIGCHLD) | RF_SIGMASK(RF_SIGCONT) | RF_SIGMASK(RF_SIGURG) | RF_SIGMASK(RF_SIGWINCH))

bool rf_signal_pending(const struct rf_task *task)
{
    return (task->pending | task->process->pending) & ~task->blocked;
}

/* A signal that has no handler does not reach the init of a pid namespace; from above, what cannot be blocked does. */
static bool is_protected(const struct rf_kernel *k, const struct rf_task *task, const struct rf_siginfo *info)
{
    bool from_inside = info->si_code != RF_SI_KERNEL && k->current &&
                       rf_pid_in(task->namespaces.pid, k->current->process->pid);
    return rf_is_unkillable(task->process) && task->sighand->action[info->si_signo].handler == RF_SIG_DFL &&
           (from_inside || !(RF_SIGMASK(info->si_signo) & UNBLOCKABLE));
}

static bool is_ignored(const struct rf_task *task, int signo)
{
    uint64_t handler = task->sighand->action[signo].handler;
    if (RF_SIGMASK(signo) & (task->blocked | task->awaited))
        return false; /* it may have a handler by the time it is unblocked */
    return handler == RF_SIG_IGN || (handler == RF_SIG_DFL && RF_SIGMASK(signo) & IGNORED_BY_DEFAULT);
}

/* The signal concerns the task now: unblocked, or awaited by rt_sigtimedwait. */
static bool concerns(const struct rf_task *task, int signo)
{
    return RF_SIGMASK(signo) & (~task->blocked | task->awaited);
}

/* A sleeping task runs its handler again and finds the signal. */
static void interrupt_task(struct rf_kernel *k, struct rf_task *task)
{
    if (task->state == RF_TASK_SLEEPING) {
        rf_leave_queues(k, task);
        rf_make_runnable(k, task);
    }
    if (task == k->current)
        rf_update_exit_work(k, 0);
}

static void continue_process(struct rf_kernel *k, struct rf_process *process)
{
    rf_pending_drop_process(k, process, STOPPING);
    if (!process->stopped)
        return;
    process->stopped = false;
    process->continued = true;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (task->process != process)
            continue;
        rf_pending_drop_task(k, task, STOPPING);
        if (task->state == RF_TASK_STOPPED) {
            task->state = RF_TASK_SLEEPING;
            rf_make_runnable(k, task);
        }
    }
    if (process->parent)
        rf_wake(k, &process->parent->child_exit);
}

static void prepare(struct rf_kernel *k, struct rf_process *process, int signo)
{
    if (signo == RF_SIGCONT || signo == RF_SIGKILL)
        continue_process(k, process);
    if (RF_SIGMASK(signo) & STOPPING)
        rf_pending_drop_process(k, process, RF_SIGMASK(RF_SIGCONT));
}

int64_t rf_signal_send_task(struct rf_kernel *k, struct rf_task *task, const struct rf_siginfo *info)
{
    int signo = info->si_signo;
    if (task->state == RF_TASK_ZOMBIE)
        return 0;
    prepare(k, task->process, signo);
    if (is_ignored(task, signo) || is_protected(k, task, info))
        return 0;
    int64_t error = rf_pending_add_task(k, task, info);
    if (error)
        return error;
    rf_wake_for(k, &k->signal_arrived, RF_POLLIN);
    if (concerns(task, signo))
        interrupt_task(k, task);
    return 0;
}

/* A signal of the process is pending. Wake the thread that is to take it: the current one if it may, else the
 * first that does not block it. */
static void interrupt_process(struct rf_kernel *k, struct rf_process *process, int signo)
{
    struct rf_task *chosen = NULL;
    rf_wake_for(k, &k->signal_arrived, RF_POLLIN);
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (task->process != process || task->state == RF_TASK_ZOMBIE || !concerns(task, signo))
            continue;
        if (!chosen || task == k->current)
            chosen = task;
    }
    if (chosen)
        interrupt_task(k, chosen);
}

/* A thread that has its handlers still: the leader may have ended before the others. */
static struct rf_task *live_thread(struct rf_kernel *k, struct rf_process *process)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process == process && task->sighand)
            return task;
    return NULL;
}

int64_t rf_signal_send_process(struct rf_kernel *k, struct rf_process *process, const struct rf_siginfo *info)
{
    int signo = info->si_signo;
    struct rf_task *task = live_thread(k, process);
    if (process->zombie || !task)
        return 0;
    prepare(k, process, signo);
    if (is_ignored(task, signo) || is_protected(k, task, info))
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
    struct rf_task *judge = task ? task : live_thread(k, process);
    if (!judge || !judge->sighand)
        return false;
    prepare(k, process, signo);
    if (is_ignored(judge, signo))
        return false;
    rf_pending_add_timer(process, task, node);
    rf_wake_for(k, &k->signal_arrived, RF_POLLIN);
    if (!task)
        interrupt_process(k, process, signo);
    else if (concerns(task, signo))
        interrupt_task(k, task);
    return true;
}

void rf_signal_send_current(struct rf_kernel *k, int signo)
{
    struct rf_siginfo info = { .si_signo = signo, .si_code = RF_SI_USER };
    info.kill.pid = k->current->process->pid;
    info.kill.uid = k->current->credentials.uid;
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
    interrupt_task(k, task);
}

static void stop_process(struct rf_kernel *k, struct rf_task *task, int signo)
{
    struct rf_process *process = task->process;
    process->stopped = true;
    process->stop_reported = false;
    process->wait_status = signo << 8 | 0x7f;
    for (struct rf_task *other = k->tasks; other; other = other->next_task)
        if (other->process == process && other->state != RF_TASK_ZOMBIE) {
            rf_leave_queues(k, other);
            other->state = RF_TASK_STOPPED;
        }
    if (process->parent) {
        struct rf_siginfo info = { .si_signo = RF_SIGCHLD, .si_code = RF_SI_CLD_STOPPED };
        info.chld.pid = rf_pid_in(process->parent->leader->namespaces.pid, process->pid);
        info.chld.status = signo;
        rf_signal_send_process(k, process->parent, &info);
        rf_wake(k, &process->parent->child_exit);
    }
}

/* What becomes of an interrupted system call: restarted (RIP back to SYSCALL) or EINTR. */
static void fix_interrupted_call(struct rf_pt_regs *regs, bool handler, uint64_t sa_flags)
{
    if ((int64_t)regs->orig_rax < 0)
        return;
    switch (-(int64_t)regs->rax) {
    case RF_ERESTART_RESTARTBLOCK:
        if (!handler) {
            regs->rax = RF_NR_restart_syscall;
            regs->rip -= 2;
            break;
        }
        regs->rax = (uint64_t)-RF_EINTR;
        break;
    case RF_ERESTARTNOHAND:
        if (handler) {
            regs->rax = (uint64_t)-RF_EINTR;
            break;
        }
        regs->rax = regs->orig_rax;
        regs->rip -= 2;
        break;
    case RF_ERESTARTSYS:
        if (handler && !(sa_flags & RF_SA_RESTART)) {
            regs->rax = (uint64_t)-RF_EINTR;
            break;
        } /* fall through */
    case RF_ERESTARTNOINTR:
        regs->rax = regs->orig_rax;
        regs->rip -= 2;
        break;
    default:
        return;
    }
}

static void run_handler(struct rf_kernel *k, struct rf_task *task, int signo, const struct rf_siginfo *info)
{
    struct rf_sigaction action = task->sighand->action[signo];
    fix_interrupted_call(task->regs, true, action.flags);
    task->regs->orig_rax = UINT64_MAX; /* at most one restart for several signals */
    uint64_t saved = task->restore_blocked ? task->saved_blocked : task->blocked;
    task->restore_blocked = false;
    if (action.flags & RF_SA_RESETHAND)
        task->sighand->action[signo].handler = RF_SIG_DFL;
    if (!rf_signal_push_frame(k, signo, &action, info, saved)) {
        /* the frame does not fit: SIGSEGV, which kills if it is the one that failed */
        struct rf_siginfo segv = { .si_signo = RF_SIGSEGV, .si_code = RF_SI_KERNEL };
        if (signo == RF_SIGSEGV)
            task->sighand->action[RF_SIGSEGV].handler = RF_SIG_DFL;
        rf_signal_force(k, task, &segv);
        return;
    }
    task->blocked |= action.mask;
    if (!(action.flags & RF_SA_NODEFER))
        task->blocked |= RF_SIGMASK(signo);
    task->blocked &= ~UNBLOCKABLE;
}

/* True if the task goes on towards user space. */
static bool act(struct rf_kernel *k, struct rf_task *task, int signo, const struct rf_siginfo *info)
{
    uint64_t handler = task->sighand->action[signo].handler;
    if (k->observer && k->observer->signal && handler != RF_SIG_IGN)
        k->observer->signal(k->observer_user, k, task, info);
    if (handler == RF_SIG_IGN || (handler == RF_SIG_DFL && RF_SIGMASK(signo) & IGNORED_BY_DEFAULT))
        return true;
    if (handler != RF_SIG_DFL) {
        run_handler(k, task, signo, info);
        return true;
    }
    if (RF_SIGMASK(signo) & STOPPING) {
        if (signo != RF_SIGSTOP && rf_group_is_orphaned(k, task->process->pgid))
            return true; /* nobody could continue it */
        stop_process(k, task, signo);
        return false;
    }
    task->process->death = *info;
    rf_task_exit(k, signo, true);
    return false;
}

void rf_signal_deliver(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    struct rf_siginfo info;
    int signo;
    bool any = false;
    if (task->process->exiting) {
        rf_task_exit(k, task->process->wait_status, true);
        return;
    }
    /* faults first, then by number (kernel/signal.c, next_signal) */
    while ((signo = rf_pending_take(k, task, ~task->blocked, SYNCHRONOUS, &info))) {
        uint64_t handler = task->sighand->action[signo].handler;
        if (!act(k, task, signo, &info))
            return;
        any |= handler > RF_SIG_IGN;
    }
    if (!any) {
        fix_interrupted_call(task->regs, false, 0);
        if (task->restore_blocked) {
            task->blocked = task->saved_blocked;
            task->restore_blocked = false;
        }
    }
}
