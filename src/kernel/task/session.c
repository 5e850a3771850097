/* Process groups, sessions and the controlling terminal (kernel/exit.c, drivers/tty/tty_jobctrl.c). */
#include "kernel/task/session.h"

#include "kernel/signal/signal.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* --- groups --- */

#define FOR_EACH_PROCESS(k, task) \
    for (struct rf_task *task = (k)->tasks; task; task = task->next_task) \
        if (task->process && task == task->process->leader)

/* Does the process' parent keep its group from being orphaned? Init, to whom orphans belong, does not; what
 * started the machine's first process stands for a shell. */
static bool links(const struct rf_kernel *k, const struct rf_process *p)
{
    if (!p->parent)
        return p->leader == k->init;
    return p->parent->pgid != p->pgid && p->parent->sid == p->sid;
}

static bool becomes_orphaned(const struct rf_kernel *k, int32_t pgid, const struct rf_process *without)
{
    FOR_EACH_PROCESS(k, task)
    {
        const struct rf_process *p = task->process;
        if (p->pgid == pgid && p != without && !p->zombie && links(k, p))
            return false;
    }
    return true;
}

bool rf_group_is_orphaned(const struct rf_kernel *k, int32_t pgid)
{
    return becomes_orphaned(k, pgid, NULL);
}

int32_t rf_group_session(const struct rf_kernel *k, int32_t pgid)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process && task->process->pgid == pgid)
            return task->process->sid;
    return 0;
}

static bool has_stopped(const struct rf_kernel *k, int32_t pgid)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process && task->process->pgid == pgid && task->process->stopped)
            return true;
    return false;
}

void rf_group_signal(struct rf_kernel *k, int32_t pgid, int signo)
{
    const struct rf_siginfo info = { .si_signo = signo, .si_code = RF_SI_KERNEL };
    FOR_EACH_PROCESS(k, task)
    {
        if (task->process->pgid == pgid && !task->process->zombie)
            rf_signal_send_process(k, task->process, &info);
    }
}

static void hang_up_stopped(struct rf_kernel *k, int32_t pgid)
{
    rf_group_signal(k, pgid, RF_SIGHUP);
    rf_group_signal(k, pgid, RF_SIGCONT);
}

void rf_session_parent_ended(struct rf_kernel *k, struct rf_process *child, const struct rf_process *parent)
{
    if (parent->pgid != child->pgid && parent->sid == child->sid && becomes_orphaned(k, child->pgid, NULL) &&
        has_stopped(k, child->pgid))
        hang_up_stopped(k, child->pgid);
}

/* --- the controlling terminal --- */

static void forget_tty(struct rf_kernel *k, int32_t sid)
{
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process && task->process->sid == sid)
            task->process->tty = NULL;
}

/* disassociate_ctty: by the session's leader alone. At its end the terminal is hung up for the foreground. */
static void leave_tty(struct rf_kernel *k, struct rf_process *leader, bool ends)
{
    struct rf_tty *tty = leader->tty;
    int32_t group = tty ? tty->foreground : ends ? leader->lost_foreground : 0;
    if (group)
        rf_group_signal(k, group, RF_SIGHUP);
    if (group && !(ends && tty && tty->is_pty))
        rf_group_signal(k, group, RF_SIGCONT);
    leader->lost_foreground = 0;
    if (tty)
        tty->session = tty->foreground = 0;
    forget_tty(k, leader->sid);
}

void rf_tty_hang_up(struct rf_kernel *k, struct rf_tty *tty)
{
    FOR_EACH_PROCESS(k, task)
    {
        struct rf_process *p = task->process;
        if (p->tty != tty)
            continue;
        p->tty = NULL;
        if (p->pid != p->sid || p->zombie)
            continue;
        p->lost_foreground = tty->foreground;
        for (int i = 0; i < 2; i++) {
            const struct rf_siginfo info = { .si_signo = i ? RF_SIGCONT : RF_SIGHUP, .si_code = RF_SI_KERNEL };
            rf_signal_send_process(k, p, &info);
        }
    }
    tty->session = tty->foreground = 0;
}

void rf_session_process_ends(struct rf_kernel *k, struct rf_process *process)
{
    const struct rf_process *parent = process->parent;
    if (process->pid == process->sid && process->leader != k->init)
        leave_tty(k, process, true);
    if (parent && parent->pgid != process->pgid && parent->sid == process->sid &&
        becomes_orphaned(k, process->pgid, process) && has_stopped(k, process->pgid))
        hang_up_stopped(k, process->pgid);
}

bool rf_tty_is_controlling(const struct rf_kernel *k, const struct rf_tty *tty)
{
    const struct rf_process *p = k->current->process;
    return p->tty == tty && tty->session == p->sid;
}

void rf_tty_acquire(struct rf_kernel *k, struct rf_tty *tty)
{
    struct rf_process *p = k->current->process;
    tty->session = p->sid;
    tty->foreground = p->pgid;
    p->tty = tty;
}

static bool ignores(const struct rf_task *task, int signo)
{
    return task->blocked & RF_SIGMASK(signo) || task->sighand->action[signo].handler == RF_SIG_IGN;
}

int64_t rf_tty_check(struct rf_kernel *k, const struct rf_tty *tty, int signo)
{
    const struct rf_process *p = k->current->process;
    if (!rf_tty_is_controlling(k, tty) || !tty->foreground || p->pgid == tty->foreground)
        return 0;
    if (ignores(k->current, signo))
        return signo == RF_SIGTTIN ? -RF_EIO : 0;
    if (rf_group_is_orphaned(k, p->pgid))
        return -RF_EIO;
    rf_group_signal(k, p->pgid, signo);
    return -RF_ERESTARTSYS;
}

int64_t rf_tty_set_controlling(struct rf_kernel *k, struct rf_tty *tty, bool steal, bool readable)
{
    struct rf_process *p = k->current->process;
    bool leader = p->pid == p->sid;
    if (leader && tty->session == p->sid)
        return 0;
    if (!leader || p->tty)
        return -RF_EPERM;
    if (tty->session) {
        if (!steal || !rf_capable(k, RF_CAP_SYS_ADMIN))
            return -RF_EPERM;
        forget_tty(k, tty->session);
    }
    if (!readable && !rf_capable(k, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    rf_tty_acquire(k, tty);
    return 0;
}

int64_t rf_tty_give_up(struct rf_kernel *k, const struct rf_tty *tty)
{
    struct rf_process *p = k->current->process;
    if (!rf_tty_is_controlling(k, tty))
        return -RF_ENOTTY;
    if (p->pid == p->sid)
        leave_tty(k, p, false);
    p->tty = NULL;
    return 0;
}
