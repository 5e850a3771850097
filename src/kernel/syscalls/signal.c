/* rt_sigaction and its family, kill, sigaltstack, pause, signalfd. */
#include "kernel/fs/fs.h"
#include "kernel/signal/posix_timer.h"
#include "kernel/signal/signal.h"

#include "kernel/syscalls/signal.h"
#include "kernel/task/task.h"

#include <string.h>

static int64_t sys_rt_sigaction(struct rf_kernel *k, const uint64_t a[6])
{
    int signo = (int)a[0];
    struct rf_sigaction action;
    if (a[3] != 8)
        return -RF_EINVAL;
    if (a[1] && RF_GET_USER(k, action, a[1]))
        return -RF_EFAULT;
    if (signo < 1 || signo > RF_NSIG || (a[1] && RF_SIGMASK(signo) & RF_SIGNALS_UNBLOCKABLE))
        return -RF_EINVAL;
    struct rf_task *task = k->current;
    struct rf_sigaction old = task->sighand->action[signo];
    if (a[1]) {
        action.mask &= ~RF_SIGNALS_UNBLOCKABLE;
        task->sighand->action[signo] = action;
        /* a signal that is now ignored is not kept pending (POSIX) */
        bool by_default = action.handler == RF_SIG_DFL && RF_SIGMASK(signo) & RF_SIGNALS_IGNORED;
        if (action.handler == RF_SIG_IGN || by_default) {
            for (struct rf_task *other = k->tasks; other; other = other->next_task)
                if (other->process == task->process)
                    rf_pending_drop_task(k, other, RF_SIGMASK(signo));
            rf_pending_drop_process(k, task->process, RF_SIGMASK(signo));
        } else {
            rf_posix_timers_unignored(k, task->process, signo);
        }
    }
    return a[2] && RF_PUT_USER(k, a[2], old) ? -RF_EFAULT : 0;
}

static int64_t sys_rt_sigprocmask(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    uint64_t set, old = task->blocked;
    if (a[3] != 8)
        return -RF_EINVAL;
    if (a[1]) {
        if (RF_GET_USER(k, set, a[1]))
            return -RF_EFAULT;
        set &= ~RF_SIGNALS_UNBLOCKABLE;
        switch ((int)a[0]) {
        case RF_SIG_BLOCK: task->blocked |= set; break;
        case RF_SIG_UNBLOCK: task->blocked &= ~set; break;
        case RF_SIG_SETMASK: task->blocked = set; break;
        default: return -RF_EINVAL;
        }
        rf_update_exit_work(k, 0);
    }
    return a[2] && RF_PUT_USER(k, a[2], old) ? -RF_EFAULT : 0;
}

static int64_t sys_rt_sigpending(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t set = (k->current->pending | k->current->process->pending) & k->current->blocked;
    if (a[1] > 8)
        return -RF_EINVAL;
    return rf_copy_to_user(k, a[0], &set, a[1]);
}

static int64_t sys_rt_sigreturn(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    return rf_signal_return(k);
}

static int64_t sys_rt_sigsuspend(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    uint64_t set;
    if (a[1] != 8)
        return -RF_EINVAL;
    if (RF_GET_USER(k, set, a[0]))
        return -RF_EFAULT;
    if (!task->scratch[0]) { /* first run: swap the masks until a handler has run */
        task->scratch[0] = 1;
        task->saved_blocked = task->blocked;
        task->blocked = set & ~RF_SIGNALS_UNBLOCKABLE;
    }
    int64_t result = rf_sleep_until_deadline(k);
    if (result == RF_BLOCKED)
        return result;
    task->restore_blocked = true;
    return -RF_ERESTARTNOHAND;
}

static int64_t sys_pause(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    int64_t result = rf_sleep_until_deadline(k);
    return result == RF_BLOCKED ? result : -RF_ERESTARTNOHAND;
}

static int64_t sys_sigaltstack(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    bool on = rf_on_altstack(task, task->regs->rsp);
    rf_stack_t wanted, old = { .ss_sp = task->altstack_base, .ss_size = task->altstack_size };
    old.ss_flags = (int32_t)(!task->altstack_size ? RF_SS_DISABLE : on ? RF_SS_ONSTACK : task->altstack_flags);
    if (a[0]) {
        if (RF_GET_USER(k, wanted, a[0]))
            return -RF_EFAULT;
        uint32_t mode = (uint32_t)wanted.ss_flags & ~RF_SS_AUTODISARM;
        if (on)
            return -RF_EPERM;
        if (mode && mode != RF_SS_DISABLE && mode != RF_SS_ONSTACK)
            return -RF_EINVAL;
        bool off = mode == RF_SS_DISABLE;
        if (!off && wanted.ss_size < 2048) /* MINSIGSTKSZ */
            return -RF_ENOMEM;
        task->altstack_base = off ? 0 : wanted.ss_sp;
        task->altstack_size = off ? 0 : wanted.ss_size;
        task->altstack_flags = (uint32_t)wanted.ss_flags & RF_SS_AUTODISARM;
    }
    return a[1] && RF_PUT_USER(k, a[1], old) ? -RF_EFAULT : 0;
}

/* --- sending --- */

static bool may_signal(const struct rf_task *from, const struct rf_task *to, int signo)
{
    const struct rf_credentials *f = &from->credentials, *t = &to->credentials;
    if (from->process == to->process || f->euid == t->suid || f->euid == t->uid || f->uid == t->suid ||
        f->uid == t->uid || rf_credentials_capable(f, t->user, RF_CAP_KILL))
        return true;
    return signo == RF_SIGCONT && from->process->sid == to->process->sid;
}

/* The sender's ids are the receiver's namespaces'. */
struct rf_siginfo rf_signal_user_info(const struct rf_kernel *k, const struct rf_task *to, int signo, int code)
{
    struct rf_siginfo info = { .si_signo = signo, .si_code = code };
    if (!to)
        return info;
    info.kill.pid = rf_pid_in(to->namespaces.pid, k->current->process->pid);
    info.kill.uid = rf_uid_as_seen(to->credentials.user, k->current->credentials.uid);
    return info;
}

/* Any thread's number stands for its process. */
static struct rf_process *process_of(struct rf_kernel *k, int32_t tid)
{
    struct rf_task *task = rf_task_find(k, tid);
    return task ? task->process : NULL;
}

int64_t rf_signal_send_pid(struct rf_kernel *k, int32_t pid, const struct rf_siginfo *info)
{
    struct rf_process *process = process_of(k, pid);
    int signo = info->si_signo;
    if (!process)
        return -RF_ESRCH;
    if (signo < 0 || signo > RF_NSIG)
        return -RF_EINVAL;
    if (!may_signal(k->current, process->leader, signo))
        return -RF_EPERM;
    return signo ? rf_signal_send_process(k, process, info) : 0;
}

/* kill(2): 0 the caller's group, -1 everyone, < -1 a group. */
static bool addressed(const struct rf_kernel *k, const struct rf_process *p, int32_t pid)
{
    if (pid == -1) /* all that it sees but itself and init */
        return p != k->current->process && rf_pid_shown(k, p->pid) > 1;
    return p->pgid == (pid == 0 ? k->current->process->pgid : -pid);
}

static int64_t sys_kill(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t pid = rf_pid_given(k, (int32_t)a[0]);
    int signo = (int)a[1];
    bool found = false, sent = false;
    struct rf_siginfo info = rf_signal_user_info(k, pid > 0 ? rf_task_find(k, pid) : NULL, signo, RF_SI_USER);
    if (pid > 0)
        return rf_signal_send_pid(k, pid, &info);
    if (pid == INT32_MIN)
        return -RF_ESRCH;
    if (signo < 0 || signo > RF_NSIG)
        return -RF_EINVAL;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (task != task->process->leader || !addressed(k, task->process, pid))
            continue;
        found = true;
        if (!may_signal(k->current, task, signo))
            continue;
        sent = true;
        info = rf_signal_user_info(k, task, signo, RF_SI_USER);
        if (signo)
            rf_signal_send_process(k, task->process, &info);
    }
    if (!found)
        return -RF_ESRCH;
    return sent ? 0 : -RF_EPERM;
}

/* The same for one thread, of the process tgid unless that is 0. */
static int64_t send_to_thread(struct rf_kernel *k, int32_t tgid, int32_t tid, const struct rf_siginfo *info)
{
    struct rf_task *task = rf_task_find(k, rf_pid_given(k, tid));
    int signo = info->si_signo;
    if (!task || (tgid && task->process->pid != rf_pid_given(k, tgid)))
        return -RF_ESRCH;
    if (signo < 0 || signo > RF_NSIG)
        return -RF_EINVAL;
    if (!may_signal(k->current, task, signo))
        return -RF_EPERM;
    return signo ? rf_signal_send_task(k, task, info) : 0;
}

static const struct rf_task *thread_of(struct rf_kernel *k, uint64_t tid)
{
    return rf_task_find(k, rf_pid_given(k, (int32_t)tid));
}

static int64_t sys_tgkill(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_siginfo info = rf_signal_user_info(k, thread_of(k, a[1]), (int)a[2], RF_SI_TKILL);
    if ((int32_t)a[0] <= 0 || (int32_t)a[1] <= 0)
        return -RF_EINVAL;
    return send_to_thread(k, (int32_t)a[0], (int32_t)a[1], &info);
}

static int64_t sys_tkill(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_siginfo info = rf_signal_user_info(k, thread_of(k, a[0]), (int)a[1], RF_SI_TKILL);
    return (int32_t)a[0] <= 0 ? -RF_EINVAL : send_to_thread(k, 0, (int32_t)a[0], &info);
}

/* A siginfo of the caller's making: codes that say "from the kernel" or "from kill" need
 * the target to be the caller itself (kernel/signal.c, do_rt_sigqueueinfo). */
static int64_t get_siginfo(struct rf_kernel *k, uint64_t user, int signo, bool to_self, struct rf_siginfo *out)
{
    if (RF_GET_USER(k, *out, user))
        return -RF_EFAULT;
    out->si_signo = signo;
    return (out->si_code >= 0 || out->si_code == RF_SI_TKILL) && !to_self ? -RF_EPERM : 0;
}

static int64_t sys_rt_sigqueueinfo(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t pid = rf_pid_given(k, (int32_t)a[0]);
    struct rf_siginfo info;
    int64_t error = get_siginfo(k, a[2], (int)a[1], pid == k->current->process->pid, &info);
    return error ? error : rf_signal_send_pid(k, pid, &info);
}

static int64_t sys_rt_tgsigqueueinfo(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t tgid = (int32_t)a[0], tid = (int32_t)a[1];
    struct rf_siginfo info;
    if (tgid <= 0 || tid <= 0)
        return -RF_EINVAL;
    int64_t error = get_siginfo(k, a[3], (int)a[2], rf_pid_given(k, tid) == k->current->tid, &info);
    return error ? error : send_to_thread(k, tgid, tid, &info);
}

/* --- waiting for signals --- */

static int64_t sys_rt_sigtimedwait(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    uint64_t set, deadline = UINT64_MAX;
    struct rf_timespec timeout;
    struct rf_siginfo info;
    if (a[3] != 8)
        return -RF_EINVAL;
    if (RF_GET_USER(k, set, a[0]) || (a[2] && RF_GET_USER(k, timeout, a[2])))
        return -RF_EFAULT;
    if (a[2] && (timeout.tv_sec < 0 || timeout.tv_nsec < 0 || timeout.tv_nsec >= 1000000000))
        return -RF_EINVAL;
    if (a[2])
        deadline = (uint64_t)timeout.tv_sec * 1000000000 + (uint64_t)timeout.tv_nsec;
    set &= ~RF_SIGNALS_UNBLOCKABLE;
    if (rf_pending_take(k, task, set, RF_SIGNALS_SYNCHRONOUS, &info)) {
        if (a[1] && RF_PUT_USER(k, a[1], info))
            return -RF_EFAULT;
        return info.si_signo;
    }
    rf_sleep_deadline(k, deadline);
    if (rf_deadline_passed(k))
        return -RF_EAGAIN;
    uint64_t blocked = task->blocked; /* the awaited ones wake us though they are blocked */
    task->blocked &= ~set;
    int64_t result = rf_sleep_until_deadline(k);
    if (result == RF_BLOCKED) {
        task->awaited = set;
        task->blocked = blocked;
        return result;
    }
    task->blocked = blocked;
    return -RF_EINTR;
}

/* --- signalfd --- */

static int64_t signalfd(struct rf_kernel *k, const uint64_t a[6], uint32_t flags)
{
    uint64_t mask;
    struct rf_file *file;
    if (a[2] != sizeof mask)
        return -RF_EINVAL;
    if (RF_GET_USER(k, mask, a[1]))
        return -RF_EFAULT;
    if (flags & ~(uint32_t)(RF_SFD_CLOEXEC | RF_SFD_NONBLOCK))
        return -RF_EINVAL;
    mask &= ~RF_SIGNALS_UNBLOCKABLE;
    if ((int)a[0] != -1) {
        file = rf_fd_file(k, (int)a[0]);
        if (!file)
            return -RF_EBADF;
        if (!rf_file_is_signalfd(file))
            return -RF_EINVAL;
        rf_signalfd_set_mask(k, file, mask);
        return (int)a[0];
    }
    int64_t result = rf_signalfd_create(k, mask, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_SFD_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_signalfd(struct rf_kernel *k, const uint64_t a[6])
{
    return signalfd(k, a, 0);
}

static int64_t sys_signalfd4(struct rf_kernel *k, const uint64_t a[6])
{
    return signalfd(k, a, (uint32_t)a[3]);
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(rt_sigaction), ENTRY(rt_sigprocmask), ENTRY(rt_sigpending), ENTRY(rt_sigreturn),
    ENTRY(rt_sigsuspend), ENTRY(rt_sigtimedwait), ENTRY(pause), ENTRY(sigaltstack), ENTRY(kill),
    ENTRY(tgkill), ENTRY(tkill), ENTRY(rt_sigqueueinfo),
    ENTRY(rt_tgsigqueueinfo), ENTRY(signalfd), ENTRY(signalfd4),
};
const struct rf_handler_table rf_handlers_signal = RF_HANDLER_TABLE(entries);
