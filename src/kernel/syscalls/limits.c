/* Resource limits: getrlimit, setrlimit, prlimit64 (getrlimit(2), kernel/sys.c). */
#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/cpu_limit.h"
#include "kernel/task/task.h"

/* check_prlimit_permission: the process must be one's own in every id, or CAP_SYS_RESOURCE is needed. */
static bool may_touch(const struct rf_kernel *k, const struct rf_process *p)
{
    const struct rf_credentials *self = &k->current->credentials, *c = &p->leader->credentials;
    return p == k->current->process ||
           (self->uid == c->euid && self->uid == c->suid && self->uid == c->uid && self->gid == c->egid &&
            self->gid == c->sgid && self->gid == c->gid) ||
           rf_capable_in(k, c->user, RF_CAP_SYS_RESOURCE);
}

/* More descriptors than sysctl fs.nr_open allows are refused to everybody. */
#define NR_OPEN (1024 * 1024)

static int64_t change_limit(struct rf_kernel *k, struct rf_process *p, uint32_t which, const struct rf_rlimit64 *wanted)
{
    struct rf_rlimit64 *limit = &p->rlimit[which];
    if (wanted->rlim_cur > wanted->rlim_max)
        return -RF_EINVAL;
    if (which == RF_RLIMIT_NOFILE && wanted->rlim_max > NR_OPEN)
        return -RF_EPERM;
    if (wanted->rlim_max > limit->rlim_max && !rf_capable(k, RF_CAP_SYS_RESOURCE))
        return -RF_EPERM;
    *limit = *wanted;
    if (which == RF_RLIMIT_CPU)
        rf_cpu_limit_changed(k, p);
    return 0;
}

static int64_t sys_prlimit64(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_rlimit64 wanted;
    int32_t pid = (int32_t)a[0];
    uint32_t which = (uint32_t)a[1];
    if (a[2] && RF_GET_USER(k, wanted, a[2]))
        return -RF_EFAULT;
    const struct rf_task *task = pid ? rf_task_find(k, rf_pid_given(k, pid)) : k->current;
    if (!task)
        return -RF_ESRCH;
    if (!may_touch(k, task->process))
        return -RF_EPERM;
    if (which >= RF_RLIM_NLIMITS)
        return -RF_EINVAL;
    struct rf_rlimit64 old = task->process->rlimit[which];
    if (a[2]) {
        int64_t error = change_limit(k, task->process, which, &wanted);
        if (error)
            return error;
    }
    return a[3] && RF_PUT_USER(k, a[3], old) ? -RF_EFAULT : 0;
}

static int64_t sys_getrlimit(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t which = (uint32_t)a[0];
    if (which >= RF_RLIM_NLIMITS)
        return -RF_EINVAL;
    const struct rf_rlimit64 limit = k->current->process->rlimit[which];
    return RF_PUT_USER(k, a[1], limit) ? -RF_EFAULT : 0;
}

static int64_t sys_setrlimit(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_rlimit64 wanted;
    if (RF_GET_USER(k, wanted, a[1]))
        return -RF_EFAULT;
    if ((uint32_t)a[0] >= RF_RLIM_NLIMITS)
        return -RF_EINVAL;
    return change_limit(k, k->current->process, (uint32_t)a[0], &wanted);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_prlimit64, sys_prlimit64 },
    { RF_NR_getrlimit, sys_getrlimit },
    { RF_NR_setrlimit, sys_setrlimit },
};
const struct rf_handler_table rf_handlers_limits = RF_HANDLER_TABLE(entries);
