/* Identity over the life of tasks: birth (copy_creds, copy_namespaces, alloc_pid of kernel/fork.c), adoption of
 * orphans, the end of a pid namespace (zap_pid_ns_processes). */
#include "kernel/task/identity.h"

#include "kernel/signal/signal.h"

int64_t rf_identity_check_flags(const struct rf_kernel *k, uint64_t flags)
{
    const struct rf_namespaces *own = &k->current->namespaces;
    if (flags & RF_CLONE_NEWUSER && flags & RF_CLONE_FS)
        return -RF_EINVAL;
    if (flags & RF_CLONE_NEWNS && flags & RF_CLONE_FS)
        return -RF_EINVAL;
    if (flags & RF_CLONE_NEWIPC && flags & RF_CLONE_SYSVSEM)
        return -RF_EINVAL;
    if (flags & RF_CLONE_THREAD &&
        (flags & (RF_CLONE_NEWUSER | RF_CLONE_NEWPID) || own->pid != own->pid_for_children))
        return -RF_EINVAL;
    if (flags & RF_CLONE_PARENT && rf_is_unkillable(k->current->process))
        return -RF_EINVAL; /* it would have a sibling in the namespace above */
    return 0;
}

static void inherit(struct rf_task *child, const struct rf_task *parent)
{
    child->no_new_privs = parent->no_new_privs;
    child->tsc_faults = parent->tsc_faults;
    child->io_flusher = parent->io_flusher;
    child->personality = parent->personality;
    child->mce_policy = parent->mce_policy;
    child->timer_slack = child->default_timer_slack = parent->timer_slack;
    child->nice = parent->nice;
    child->policy = parent->policy;
    child->rt_priority = parent->rt_priority;
    child->ioprio = parent->ioprio;
    if (!parent->reset_on_fork)
        return;
    if (parent->rt_priority)
        child->policy = RF_SCHED_NORMAL;
    if (child->nice < 0 || parent->rt_priority)
        child->nice = 0;
    child->rt_priority = 0;
}

static int64_t join_namespaces(struct rf_kernel *k, struct rf_task *child, uint64_t flags)
{
    const struct rf_namespaces *from = &k->current->namespaces;
    struct rf_namespaces *to = &child->namespaces;
    struct rf_user_namespace *user = child->credentials.user;
    if (flags & RF_CLONE_NAMESPACES & ~RF_CLONE_NEWUSER &&
        !rf_credentials_capable(&child->credentials, user, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    if (flags & RF_CLONE_NEWPID && from->pid != from->pid_for_children)
        return -RF_EINVAL;
    int64_t error = rf_namespaces_copy(k, to, from, flags, user);
    if (error)
        return error;
    if (to->pid != to->pid_for_children) {
        rf_namespace_put(k, &to->pid->ns);
        to->pid = to->pid_for_children;
        rf_namespace_get(&to->pid->ns);
    }
    for (const struct rf_pid_namespace *ns = to->pid; ns; ns = ns->parent)
        if (ns->closed)
            return -RF_ENOMEM; /* alloc_pid says so */
    return rf_pid_register(k, to->pid, child->tid) ? 0 : -RF_ENOMEM;
}

int64_t rf_identity_fork(struct rf_kernel *k, struct rf_task *child, uint64_t flags)
{
    struct rf_task *parent = k->current;
    struct rf_credentials *c = &child->credentials;
    rf_credentials_copy(c, &parent->credentials);
    inherit(child, parent);
    if (flags & RF_CLONE_NEWUSER) {
        struct rf_user_namespace *user;
        int64_t error = rf_user_namespace_create(k, &user);
        if (error)
            return error;
        rf_credentials_enter(k, c, user);
    }
    parent->nproc_exceeded = false;
    if (c->uid != 0 && rf_user_has_too_many(k, parent, c->uid, 1) && !rf_capable(k, RF_CAP_SYS_RESOURCE) &&
        !rf_capable(k, RF_CAP_SYS_ADMIN))
        return -RF_EAGAIN;
    return join_namespaces(k, child, flags);
}

void rf_identity_born(struct rf_task *child)
{
    struct rf_pid_namespace *ns = child->namespaces.pid;
    if (ns->parent && !ns->init && ns->last == 1)
        ns->init = child->process;
}

void rf_identity_drop(struct rf_kernel *k, struct rf_task *task)
{
    if (task->namespaces.uts) {
        rf_pid_forget(k, task->namespaces.pid, task->tid);
        rf_namespaces_drop(k, &task->namespaces);
    }
    rf_credentials_drop(k, &task->credentials);
}

/* --- orphans --- */

/* find_new_reaper */
struct rf_process *rf_new_parent(const struct rf_kernel *k, const struct rf_process *process)
{
    (void)k;
    const struct rf_pid_namespace *ns = process->leader->namespaces.pid;
    struct rf_process *init = ns->init;
    if (init == process || ns->closed)
        return NULL;
    for (struct rf_process *p = process->parent; p && p != init; p = p->parent)
        if (p->subreaper && p->thread_count && p->leader->namespaces.pid == ns)
            return p;
    return init;
}

/* --- the end of a namespace --- */

bool rf_is_unkillable(const struct rf_process *process)
{
    const struct rf_pid_namespace *ns = process->leader->namespaces.pid;
    return ns && ns->init == process;
}

static bool anyone_left(const struct rf_kernel *k, const struct rf_pid_namespace *ns)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task != k->reap && task->process && task->process != ns->init && task->namespaces.pid &&
            rf_pid_namespace_is_within(task->namespaces.pid, ns))
            return true;
    return false;
}

bool rf_pid_namespace_ends(struct rf_kernel *k, struct rf_process *process)
{
    struct rf_pid_namespace *ns = process->leader->namespaces.pid;
    if (!rf_is_unkillable(process))
        return false;
    ns->closed = true;
    const struct rf_siginfo info = { .si_signo = RF_SIGKILL, .si_code = RF_SI_KERNEL };
    for (struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process != process && task == task->process->leader &&
            rf_pid_namespace_is_within(task->namespaces.pid, ns))
            rf_signal_send_process(k, task->process, &info);
    process->waits_for_namespace = anyone_left(k, ns);
    k->ending_namespaces += process->waits_for_namespace;
    if (!process->waits_for_namespace)
        ns->init = NULL;
    return process->waits_for_namespace;
}

struct rf_process *rf_pid_namespace_empty(struct rf_kernel *k)
{
    for (struct rf_task *task = k->tasks; k->ending_namespaces && task; task = task->next_task) {
        struct rf_process *process = task->process;
        if (!process || !process->waits_for_namespace || anyone_left(k, process->leader->namespaces.pid))
            continue;
        process->waits_for_namespace = false;
        process->leader->namespaces.pid->init = NULL;
        k->ending_namespaces--;
        return process;
    }
    return NULL;
}
