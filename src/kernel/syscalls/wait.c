/* wait4 and waitid: children that have changed their state, and traced tasks that have stopped (kernel/exit.c of
 * Linux: wait_consider_task). A child is waited for as a process, by its parent; a traced task as the thread it is, by
 * its tracer. */
#include "kernel/fs/fs.h"
#include "kernel/ptrace/ptrace.h"
#include "kernel/signal/signal.h"
#include "kernel/signal/stop.h"
#include "kernel/syscalls/usage.h"
#include "kernel/task/task.h"
#include "kernel/vfs/vfs.h"

/* What a caller waits for. */
struct wait {
    int which;        /* RF_P_ALL, RF_P_PID, RF_P_PGID */
    int32_t id;
    uint32_t options; /* RF_W* */
};

/* What was found: a task and why it is reported. */
struct found {
    struct rf_task *task;
    int why;    /* RF_SI_CLD_* */
    int status; /* as wait4 gives it */
    bool any;   /* something matches, and may be reported later */
};

static bool has_id(const struct wait *w, const struct rf_task *task)
{
    switch (w->which) {
    case RF_P_PID: return task->tid == w->id;
    case RF_P_PGID: return task->process->pgid == w->id;
    default: return true;
    }
}

/* __WCLONE: only children that do not announce their end by SIGCHLD; __WALL: those, too. */
static bool is_eligible(const struct wait *w, const struct rf_task *task, bool traced)
{
    bool clone = task->process->exit_signal != RF_SIGCHLD;
    return has_id(w, task) && (traced || w->options & RF___WALL || clone == !!(w->options & RF___WCLONE));
}

static int death_code(int status)
{
    return !(status & 0x7f) ? RF_SI_CLD_EXITED : status & 0x80 ? RF_SI_CLD_DUMPED : RF_SI_CLD_KILLED;
}

/* Another thread of the process is still there: its leader cannot be waited for. */
static bool is_delayed(const struct rf_kernel *k, const struct rf_task *task)
{
    if (task != task->process->leader)
        return false;
    if (task->process->waits_for_namespace)
        return true;
    for (const struct rf_task *other = k->tasks; other; other = other->next_task)
        if (other->process == task->process && other != task && other != k->reap)
            return true;
    return false;
}

/* The stop that is to be reported, or 0. */
static int stop_code(const struct rf_task *task, bool traced)
{
    if (traced)
        return task->state == RF_TASK_TRACED && !(task->jobctl & RF_JOBCTL_LISTENING) ? task->trace->code : 0;
    return task->process->stopped ? task->process->stop_code : 0;
}

/* True: this is it. */
static bool consider(const struct rf_kernel *k, const struct wait *w, struct rf_task *task, bool traced,
                     struct found *f)
{
    if (!is_eligible(w, task, traced))
        return false;
    if (!traced && task->trace && !rf_ptrace_by_stranger(task))
        traced = true; /* its parent traces it: one report is enough */
    f->task = task;
    if (task->state == RF_TASK_ZOMBIE) {
        if (!is_delayed(k, task) && (traced || !task->trace)) {
            f->status = task->exit_status;
            f->why = death_code(f->status);
            return w->options & RF_WEXITED;
        }
        if (!traced || w->options & (RF_WCONTINUED | RF_WEXITED))
            f->any = true;
    } else {
        f->any = true;
    }
    int code = traced || w->options & RF_WUNTRACED ? stop_code(task, traced) : 0;
    if (code) {
        f->status = code << 8 | 0x7f;
        f->why = traced ? RF_SI_CLD_TRAPPED : RF_SI_CLD_STOPPED;
        return true;
    }
    f->status = RF_W_CONTINUED;
    f->why = RF_SI_CLD_CONTINUED;
    return w->options & RF_WCONTINUED && task->process->continued && task == task->process->leader;
}

static bool find(const struct rf_kernel *k, const struct wait *w, struct found *f)
{
    const struct rf_task *self = k->current;
    bool own_only = w->options & RF___WNOTHREAD;
    *f = (struct found){ 0 };
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        const struct rf_process *p = task->process;
        if (task == k->reap)
            continue;
        if (task == p->leader && p->parent == self->process && (!own_only || p->parent_thread == self) &&
            consider(k, w, task, false, f))
            return true;
        const struct rf_task *tracer = task->trace ? task->trace->tracer : NULL;
        if (tracer && tracer->process == self->process && (!own_only || tracer == self) &&
            consider(k, w, task, true, f))
            return true;
    }
    return false;
}

/* The end of a traced child of another: its parent learns of it only now (wait_task_zombie). */
static void reap(struct rf_kernel *k, struct rf_task *task)
{
    struct rf_process *self = k->current->process, *child = task->process;
    bool leads = task == child->leader;
    if (task->trace && rf_ptrace_by_stranger(task)) {
        rf_ptrace_unlink(k, task);
        if (leads && !rf_task_notify_parent(k, task))
            return;
    } else if (leads) {
        rf_usage_add_child(self, child);
        self->child_user_cycles += child->user_cycles + child->child_user_cycles;
        self->child_kernel_cycles += child->kernel_cycles + child->child_kernel_cycles;
    }
    rf_task_reap(k, task);
}

/* It is reported once. */
static void consume(struct rf_kernel *k, const struct found *f)
{
    switch (f->why) {
    case RF_SI_CLD_TRAPPED: f->task->trace->code = 0; break;
    case RF_SI_CLD_STOPPED: f->task->process->stop_code = 0; break;
    case RF_SI_CLD_CONTINUED: f->task->process->continued = false; break;
    default: reap(k, f->task); break;
    }
}

#define COMMON_OPTIONS (RF_WNOHANG | RF_WUNTRACED | RF_WCONTINUED | RF___WNOTHREAD | RF___WCLONE | RF___WALL)

static int64_t sys_wait4(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t pid = rf_pid_given(k, (int32_t)a[0]);
    struct wait w = { .options = (uint32_t)a[2] | RF_WEXITED };
    struct found f;
    if ((uint32_t)a[2] & ~COMMON_OPTIONS)
        return -RF_EINVAL;
    if ((int32_t)a[0] == INT32_MIN)
        return -RF_ESRCH;
    w.which = pid == -1 ? RF_P_ALL : pid > 0 ? RF_P_PID : RF_P_PGID;
    w.id = pid > 0 ? pid : pid == 0 ? k->current->process->pgid : -pid;
    if (!find(k, &w, &f)) {
        if (!f.any)
            return -RF_ECHILD;
        return w.options & RF_WNOHANG ? 0 : rf_sleep_on(k, &k->current->process->child_exit);
    }
    int32_t status = f.status, tid = rf_pid_shown(k, f.task->tid);
    struct rf_rusage usage;
    rf_usage_of_child(f.task->process, &usage);
    consume(k, &f);
    if (a[1] && RF_PUT_USER(k, a[1], status))
        return -RF_EFAULT;
    return a[3] && RF_PUT_USER(k, a[3], usage) ? -RF_EFAULT : tid;
}

static void fill_info(const struct rf_kernel *k, const struct found *f, struct rf_siginfo *info)
{
    info->si_signo = RF_SIGCHLD;
    info->si_code = f->why;
    info->chld.pid = rf_pid_shown(k, f->task->tid);
    info->chld.uid = rf_uid_shown(k, f->task->credentials.uid);
    info->chld.status = f->why == RF_SI_CLD_CONTINUED ? RF_SIGCONT
                        : f->why == RF_SI_CLD_EXITED  ? f->status >> 8 & 0xff
                        : f->status & 0x7f && (f->status & 0x7f) != 0x7f ? f->status & 0x7f
                                                                         : f->status >> 8;
}

/* What P_PIDFD names becomes a process number; *nonblocking: by PIDFD_NONBLOCK. */
static int64_t resolve_pidfd(struct rf_kernel *k, struct wait *w, bool *nonblocking)
{
    const struct rf_file *file = rf_fd_file(k, w->id);
    int32_t pid = file ? rf_pidfd_pid(file) : 0;
    if (!pid)
        return -RF_EBADF;
    *nonblocking = file->flags & RF_O_NONBLOCK && !(w->options & RF_WNOHANG);
    w->which = RF_P_PID;
    w->id = pid;
    return 0;
}

static int64_t sys_waitid(struct rf_kernel *k, const uint64_t a[6])
{
    struct wait w = { .which = (int)a[0], .id = (int32_t)a[1], .options = (uint32_t)a[3] };
    bool nonblocking = false;
    struct found f;
    struct rf_siginfo info = { 0 };
    struct rf_rusage usage;
    if (w.options & ~(COMMON_OPTIONS | RF_WNOWAIT | RF_WEXITED) ||
        !(w.options & (RF_WEXITED | RF_WSTOPPED | RF_WCONTINUED)) || w.which < RF_P_ALL || w.which > RF_P_PIDFD)
        return -RF_EINVAL;
    if ((w.which == RF_P_PID && w.id <= 0) || (w.which != RF_P_ALL && w.id < 0))
        return -RF_EINVAL;
    if (w.which == RF_P_PGID)
        w.id = w.id ? rf_pid_given(k, w.id) : k->current->process->pgid;
    else if (w.which == RF_P_PID)
        w.id = rf_pid_given(k, w.id);
    int64_t error = w.which == RF_P_PIDFD ? resolve_pidfd(k, &w, &nonblocking) : 0;
    if (error)
        return error;
    bool found = find(k, &w, &f);
    if (!found && !f.any)
        return -RF_ECHILD;
    if (!found && nonblocking)
        return -RF_EAGAIN;
    if (!found && !(w.options & RF_WNOHANG))
        return rf_sleep_on(k, &k->current->process->child_exit);
    if (found) {
        fill_info(k, &f, &info);
        rf_usage_of_child(f.task->process, &usage);
        if (!(w.options & RF_WNOWAIT))
            consume(k, &f);
    }
    if (found && a[4] && RF_PUT_USER(k, a[4], usage))
        return -RF_EFAULT;
    return a[2] && RF_PUT_USER(k, a[2], info) ? -RF_EFAULT : 0;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_wait4, sys_wait4 },
    { RF_NR_waitid, sys_waitid },
};
const struct rf_handler_table rf_handlers_wait = RF_HANDLER_TABLE(entries);
