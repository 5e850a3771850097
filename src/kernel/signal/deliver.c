/* Delivering signals to the current task on its way to user space (kernel/signal.c of Linux, get_signal). */
#include "kernel/boot/boot.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/coredump.h"
#include "kernel/signal/signal.h"
#include "kernel/signal/stop.h"
#include "kernel/syscalls/rseq.h"
#include "kernel/task/session.h"
#include "kernel/task/task.h"

/* whose default is to leave a core file */
#define DUMPING                                                                           \
    (RF_SIGMASK(RF_SIGQUIT) | RF_SIGMASK(RF_SIGILL) | RF_SIGMASK(RF_SIGTRAP) |            \
     RF_SIGMASK(RF_SIGABRT) | RF_SIGMASK(RF_SIGBUS) | RF_SIGMASK(RF_SIGFPE) |             \
     RF_SIGMASK(RF_SIGSEGV) | RF_SIGMASK(RF_SIGXCPU) | RF_SIGMASK(RF_SIGXFSZ) | RF_SIGMASK(RF_SIGSYS))

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
    if (task->rseq)
        rf_rseq_resume(k, task, signo);
    if (action.flags & RF_SA_RESETHAND)
        task->sighand->action[signo].handler = RF_SIG_DFL;
    bool stepping = rf_ptrace_hide_step(task); /* the frame is to hold the program's own flags */
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
    task->blocked &= ~RF_SIGNALS_UNBLOCKABLE;
    if (stepping)
        task->trace->handler_started = true;
}

/* The default action. True: the task goes on towards user space. */
static bool act_by_default(struct rf_kernel *k, struct rf_task *task, int signo, const struct rf_siginfo *info)
{
    if (RF_SIGMASK(signo) & RF_SIGNALS_IGNORED)
        return true;
    if (RF_SIGMASK(signo) & RF_SIGNALS_STOPPING) {
        if (signo != RF_SIGSTOP && rf_group_is_orphaned(k, task->process->pgid))
            return true; /* nobody could continue it */
        task->jobctl |= RF_JOBCTL_STOP_DEQUEUED;
        return !rf_stop_begin(k, task, signo);
    }
    if (!rf_task_must_die(task))
        task->process->death = *info;
    bool dumped = RF_SIGMASK(signo) & DUMPING && rf_coredump(k, info);
    rf_task_exit(k, signo | (dumped ? RF_WCOREFLAG : 0), true);
    return false;
}

static bool act(struct rf_kernel *k, struct rf_task *task, int signo, const struct rf_siginfo *info)
{
    uint64_t handler = task->sighand->action[signo].handler;
    if (k->observer && k->observer->signal && handler != RF_SIG_IGN)
        k->observer->signal(k->observer_user, k, task, info);
    if (handler == RF_SIG_IGN)
        return true;
    if (handler == RF_SIG_DFL)
        return act_by_default(k, task, signo, info);
    run_handler(k, task, signo, info);
    return true;
}

/* The next signal to act on: its number; 0: there is none; -1: the task has stopped. */
static int next_signal(struct rf_kernel *k, struct rf_task *task, struct rf_siginfo *info)
{
    for (;;) {
        if (task->trace && rf_ptrace_resumed(task, RF_TRACE_SIGNAL)) {
            int signo = rf_ptrace_signal_resumed(k, task, info);
            if (signo)
                return signo;
        }
        if (task->jobctl & RF_JOBCTL_STOP_PENDING && rf_stop_begin(k, task, 0))
            return -1;
        if (task->trace)
            rf_ptrace_resumed(task, RF_TRACE_TRAP);
        if (task->jobctl & RF_JOBCTL_TRAPS || (task->trace && task->trace->handler_started)) {
            rf_ptrace_trap(k, task);
            return -1;
        }
        /* faults first, then by number (next_signal of Linux) */
        int signo = rf_pending_take(k, task, ~task->blocked, RF_SIGNALS_SYNCHRONOUS, info);
        if (!signo || !task->trace || signo == RF_SIGKILL)
            return signo;
        rf_ptrace_signal_stop(k, task, info);
        return -1;
    }
}

void rf_signal_deliver(struct rf_kernel *k)
{
    struct rf_task *task = k->current;
    struct rf_siginfo info;
    task->deliver_again = true;
    for (;;) {
        if (rf_task_must_die(task)) {
            rf_task_exit(k, task->process->wait_status, true);
            return;
        }
        int signo = next_signal(k, task, &info);
        if (signo < 0 || (signo && !act(k, task, signo, &info)))
            return;
        if (!signo)
            break;
    }
    task->deliver_again = false;
    /* A handler's frame has settled both already. */
    fix_interrupted_call(task->regs, false, 0);
    if (task->restore_blocked) {
        task->blocked = task->saved_blocked;
        task->restore_blocked = false;
    }
}
