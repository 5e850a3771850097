/* Process ids, process groups and sessions; set_tid_address, get_robust_list. */
#include "kernel/task/session.h"

#include "kernel/namespace/namespace.h"
#include "kernel/signal/signal.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

#define GETTER(name, expression)                                                          \
    static int64_t sys_##name(struct rf_kernel *k, const uint64_t a[6])                   \
    {                                                                                     \
        (void)a;                                                                          \
        return rf_pid_shown(k, (expression));                                             \
    }
GETTER(getpid, k->current->process->pid)
GETTER(gettid, k->current->tid)
GETTER(getpgrp, k->current->process->pgid)

/* Orphans belong to the machine's init, number 1, which is no program; 0: a parent outside the namespace. */
static int64_t sys_getppid(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    const struct rf_process *parent = k->current->process->parent;
    if (parent)
        return rf_pid_shown(k, parent->pid);
    return k->current->namespaces.pid->parent ? 0 : 1;
}

static struct rf_process *process_or_self(struct rf_kernel *k, int32_t pid)
{
    if (!pid)
        return k->current->process;
    struct rf_task *task = rf_task_find(k, rf_pid_given(k, pid));
    return task ? task->process : NULL;
}

static int64_t sys_getpgid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_process *p = process_or_self(k, (int32_t)a[0]);
    return p ? rf_pid_shown(k, p->pgid) : -RF_ESRCH;
}

static int64_t sys_getsid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_process *p = process_or_self(k, (int32_t)a[0]);
    return p ? rf_pid_shown(k, p->sid) : -RF_ESRCH;
}

static int64_t sys_setpgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_process *self = k->current->process;
    int32_t pid = (int32_t)a[0], pgid = (int32_t)a[1];
    if (pgid < 0 || (!pgid && pid < 0)) /* no group asked for: the process' own number */
        return -RF_EINVAL;
    const struct rf_task *task = pid ? rf_task_find(k, rf_pid_given(k, pid)) : self->leader;
    if (!task)
        return -RF_ESRCH;
    struct rf_process *p = task->process;
    if (task != p->leader)
        return -RF_EINVAL;
    if (p->parent == self && p != self) {
        if (p->sid != self->sid)
            return -RF_EPERM;
        if (p->executed)
            return -RF_EACCES;
    } else if (p != self) {
        return -RF_ESRCH;
    }
    if (p->pid == p->sid)
        return -RF_EPERM;
    int32_t wanted = pgid ? rf_pid_given(k, pgid) : p->pid;
    if (wanted != p->pid && rf_group_session(k, wanted) != self->sid)
        return -RF_EPERM;
    p->pgid = wanted;
    return 0;
}

static int64_t sys_setsid(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    struct rf_process *p = k->current->process;
    if (rf_group_session(k, p->pid))
        return -RF_EPERM;
    p->sid = p->pgid = p->pid;
    p->tty = NULL;
    p->lost_foreground = 0;
    return rf_pid_shown(k, p->sid);
}

static int64_t sys_set_tid_address(struct rf_kernel *k, const uint64_t a[6])
{
    k->current->clear_child_tid = a[0];
    return rf_pid_shown(k, k->current->tid);
}

static int64_t sys_get_robust_list(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t pid = (int32_t)a[0];
    const uint64_t size = sizeof(struct rf_robust_list_head);
    const struct rf_task *task = pid ? rf_task_find(k, rf_pid_given(k, pid)) : k->current;
    if (!task)
        return -RF_ESRCH;
    if (!rf_may_access_task(k, task, true))
        return -RF_EPERM;
    if (RF_PUT_USER(k, a[2], size) || RF_PUT_USER(k, a[1], task->robust_list))
        return -RF_EFAULT;
    return 0;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(getpid), ENTRY(gettid), ENTRY(getppid), ENTRY(getpgrp), ENTRY(getpgid), ENTRY(getsid),
    ENTRY(setpgid), ENTRY(setsid), ENTRY(set_tid_address), ENTRY(get_robust_list),
};
const struct rf_handler_table rf_handlers_session = RF_HANDLER_TABLE(entries);
