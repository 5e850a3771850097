/* sched_*: policies, priorities and affinity (sched(7), kernel/sched/syscalls.c). */
#include "kernel/namespace/namespace.h"
#include "kernel/task/clock.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

#include <string.h>

#define KEEP_POLICY (-1) /* SETPARAM_POLICY */
#define MAX_PRIORITY 99

static struct rf_task *task_or_self(struct rf_kernel *k, int32_t pid)
{
    return pid ? rf_task_find(k, rf_pid_given(k, pid)) : k->current;
}

static bool is_realtime(int32_t policy)
{
    return policy == RF_SCHED_FIFO || policy == RF_SCHED_RR;
}

static bool is_fair(int32_t policy)
{
    return policy == RF_SCHED_NORMAL || policy == RF_SCHED_BATCH;
}

static bool is_valid(int32_t policy)
{
    return is_realtime(policy) || is_fair(policy) || policy == RF_SCHED_IDLE || policy == RF_SCHED_DEADLINE;
}

static int64_t sys_sched_yield(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    k->current->yielded = true;
    rf_yield(k);
    return 0;
}

/* --- setting --- */

static bool same_owner(const struct rf_kernel *k, const struct rf_task *task)
{
    uint32_t euid = k->current->credentials.euid;
    return euid == task->credentials.euid || euid == task->credentials.uid;
}

static bool nice_is_allowed(const struct rf_task *task, int32_t nice)
{
    return (uint64_t)(20 - nice) <= task->process->rlimit[RF_RLIMIT_NICE].rlim_cur;
}

/* user_check_sched_setscheduler: what needs no CAP_SYS_NICE. */
static bool is_allowed(const struct rf_kernel *k, const struct rf_task *task, const struct rf_sched_attr *wanted,
                       int32_t policy, bool reset)
{
    uint64_t limit = task->process->rlimit[RF_RLIMIT_RTPRIO].rlim_cur;
    if (is_fair(policy) && wanted->sched_nice < task->nice && !nice_is_allowed(task, wanted->sched_nice))
        return false;
    if (is_realtime(policy) && policy != task->policy && !limit)
        return false;
    if (is_realtime(policy) && wanted->sched_priority > (uint32_t)task->rt_priority &&
        wanted->sched_priority > limit)
        return false;
    if (policy == RF_SCHED_DEADLINE)
        return false;
    if (task->policy == RF_SCHED_IDLE && policy != RF_SCHED_IDLE && !nice_is_allowed(task, task->nice))
        return false;
    return same_owner(k, task) && !(task->reset_on_fork && !reset);
}

/* __checkparam_dl, with the bounds of kernel.sched_deadline_period_{min,max}_us. */
static bool deadline_is_sane(const struct rf_sched_attr *w)
{
    uint64_t period = w->sched_period ? w->sched_period : w->sched_deadline;
    if (!w->sched_deadline || w->sched_runtime < 1024 || w->sched_deadline >> 63 || w->sched_period >> 63)
        return false;
    if (period < w->sched_deadline || w->sched_deadline < w->sched_runtime)
        return false;
    return period >= 100 * 1000 && period <= (UINT64_C(1) << 22) * 1000;
}

/* __sched_setscheduler; policy KEEP_POLICY: priority and nice value alone. */
static int64_t set_scheduler(struct rf_kernel *k, struct rf_task *task, const struct rf_sched_attr *wanted,
                             int32_t policy)
{
    bool reset = wanted->sched_flags & RF_SCHED_FLAG_RESET_ON_FORK;
    if (policy < 0) {
        reset = task->reset_on_fork;
        policy = task->policy;
    } else if (!is_valid(policy)) {
        return -RF_EINVAL;
    }
    if (wanted->sched_flags & ~(uint64_t)RF_SCHED_FLAG_ALL || wanted->sched_priority > MAX_PRIORITY)
        return -RF_EINVAL;
    if ((policy == RF_SCHED_DEADLINE && !deadline_is_sane(wanted)) ||
        is_realtime(policy) != (wanted->sched_priority != 0))
        return -RF_EINVAL;
    if (!is_allowed(k, task, wanted, policy, reset) && !rf_capable(k, RF_CAP_SYS_NICE))
        return -RF_EPERM;
    if (wanted->sched_flags & RF_SCHED_FLAG_UTIL_CLAMP)
        return -RF_EOPNOTSUPP;
    if (policy == RF_SCHED_DEADLINE)
        return -RF_EBUSY; /* no bandwidth is set aside for such tasks */
    task->policy = policy;
    task->rt_priority = (int32_t)wanted->sched_priority;
    task->reset_on_fork = reset;
    if (is_fair(policy))
        task->nice = wanted->sched_nice;
    rf_priority_changed(k, task);
    return 0;
}

static int64_t set_with_param(struct rf_kernel *k, const uint64_t a[6], int32_t policy, uint64_t param_user)
{
    struct rf_sched_param param;
    if (!param_user || (int32_t)a[0] < 0)
        return -RF_EINVAL;
    if (RF_GET_USER(k, param, param_user))
        return -RF_EFAULT;
    struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    if (!task)
        return -RF_ESRCH;
    struct rf_sched_attr wanted = { .sched_priority = (uint32_t)param.sched_priority, .sched_nice = task->nice };
    if (policy >= 0 && policy & RF_SCHED_RESET_ON_FORK) {
        wanted.sched_flags = RF_SCHED_FLAG_RESET_ON_FORK;
        policy &= ~RF_SCHED_RESET_ON_FORK;
    }
    return set_scheduler(k, task, &wanted, policy);
}

static int64_t sys_sched_setscheduler(struct rf_kernel *k, const uint64_t a[6])
{
    return (int32_t)a[1] < 0 ? -RF_EINVAL : set_with_param(k, a, (int32_t)a[1], a[2]);
}

static int64_t sys_sched_setparam(struct rf_kernel *k, const uint64_t a[6])
{
    return set_with_param(k, a, KEEP_POLICY, a[1]);
}

static int64_t wrong_size(struct rf_kernel *k, uint64_t user)
{
    uint32_t ours = sizeof(struct rf_sched_attr);
    (void)RF_PUT_USER(k, user, ours);
    return -RF_E2BIG;
}

static int64_t read_attr(struct rf_kernel *k, uint64_t user, struct rf_sched_attr *out)
{
    uint32_t size;
    memset(out, 0, sizeof *out);
    if (RF_GET_USER(k, size, user))
        return -RF_EFAULT;
    if (!size)
        size = RF_SCHED_ATTR_SIZE_VER0;
    if (size < RF_SCHED_ATTR_SIZE_VER0 || size > RF_PAGE_SIZE)
        return wrong_size(k, user);
    for (uint64_t at = sizeof *out; at < size; at++) { /* a newer struct must not ask for more */
        uint8_t byte;
        if (RF_GET_USER(k, byte, user + at))
            return -RF_EFAULT;
        if (byte)
            return wrong_size(k, user);
    }
    if (rf_copy_from_user(k, out, user, size < sizeof *out ? size : sizeof *out))
        return -RF_EFAULT;
    if (out->sched_flags & RF_SCHED_FLAG_UTIL_CLAMP && size < sizeof *out)
        return -RF_EINVAL;
    if (out->sched_nice < RF_NICE_MIN)
        out->sched_nice = RF_NICE_MIN;
    if (out->sched_nice > RF_NICE_MAX)
        out->sched_nice = RF_NICE_MAX;
    return 0;
}

static void get_params(const struct rf_task *task, struct rf_sched_attr *out)
{
    if (is_realtime(task->policy))
        out->sched_priority = (uint32_t)task->rt_priority;
    else
        out->sched_nice = task->nice;
}

static int64_t sys_sched_setattr(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_sched_attr wanted;
    if (!a[1] || (int32_t)a[0] < 0 || (uint32_t)a[2])
        return -RF_EINVAL;
    int64_t error = read_attr(k, a[1], &wanted);
    if (error)
        return error;
    int32_t policy = (int32_t)wanted.sched_policy;
    if (policy < 0)
        return -RF_EINVAL;
    if (wanted.sched_flags & RF_SCHED_FLAG_KEEP_POLICY)
        policy = KEEP_POLICY;
    struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    if (!task)
        return -RF_ESRCH;
    if (wanted.sched_flags & RF_SCHED_FLAG_KEEP_PARAMS)
        get_params(task, &wanted);
    return set_scheduler(k, task, &wanted, policy);
}

/* --- asking --- */

static int64_t sys_sched_getattr(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t size = (uint32_t)a[2];
    if (!a[1] || (int32_t)a[0] < 0 || size > RF_PAGE_SIZE || size < RF_SCHED_ATTR_SIZE_VER0 || (uint32_t)a[3])
        return -RF_EINVAL;
    const struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    if (!task)
        return -RF_ESRCH;
    struct rf_sched_attr attr = { .sched_policy = (uint32_t)task->policy,
                                  .sched_flags = task->reset_on_fork ? RF_SCHED_FLAG_RESET_ON_FORK : 0 };
    attr.size = size < sizeof attr ? size : sizeof attr;
    get_params(task, &attr);
    return rf_copy_to_user(k, a[1], &attr, attr.size) ? -RF_EFAULT : 0;
}

static int64_t sys_sched_getscheduler(struct rf_kernel *k, const uint64_t a[6])
{
    if ((int32_t)a[0] < 0)
        return -RF_EINVAL;
    const struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    return task ? task->policy | (task->reset_on_fork ? RF_SCHED_RESET_ON_FORK : 0) : -RF_ESRCH;
}

static int64_t sys_sched_getparam(struct rf_kernel *k, const uint64_t a[6])
{
    if ((int32_t)a[0] < 0 || !a[1])
        return -RF_EINVAL;
    const struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    if (!task)
        return -RF_ESRCH;
    int32_t priority = is_realtime(task->policy) ? task->rt_priority : 0;
    return RF_PUT_USER(k, a[1], priority) ? -RF_EFAULT : 0;
}

static int64_t sys_sched_rr_get_interval(struct rf_kernel *k, const uint64_t a[6])
{
    if ((int32_t)a[0] < 0)
        return -RF_EINVAL;
    const struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    if (!task)
        return -RF_ESRCH;
    uint64_t cycles = task->policy == RF_SCHED_FIFO ? 0 : rf_timeslice(task);
    struct rf_timespec t = rf_ns_timespec(rf_clock_to_ns(k, cycles));
    return RF_PUT_USER(k, a[1], t) ? -RF_EFAULT : 0;
}

static int64_t priority_bound(const uint64_t a[6], int64_t realtime)
{
    int32_t policy = (int32_t)a[0];
    if (!is_valid(policy))
        return -RF_EINVAL;
    return is_realtime(policy) ? realtime : 0;
}

static int64_t sys_sched_get_priority_max(struct rf_kernel *k, const uint64_t a[6])
{
    (void)k;
    return priority_bound(a, MAX_PRIORITY);
}

static int64_t sys_sched_get_priority_min(struct rf_kernel *k, const uint64_t a[6])
{
    (void)k;
    return priority_bound(a, 1);
}

/* --- affinity: there is one CPU --- */

static int64_t sys_sched_getaffinity(struct rf_kernel *k, const uint64_t a[6])
{
    const uint64_t mask = 1;
    uint32_t size = (uint32_t)a[1];
    if (!size || size % sizeof mask)
        return -RF_EINVAL;
    if (!task_or_self(k, (int32_t)a[0]))
        return -RF_ESRCH;
    return RF_PUT_USER(k, a[2], mask) ? -RF_EFAULT : (int64_t)sizeof mask;
}

static int64_t sys_sched_setaffinity(struct rf_kernel *k, const uint64_t a[6])
{
    uint64_t mask = 0;
    uint32_t size = (uint32_t)a[1];
    if (rf_copy_from_user(k, &mask, a[2], size < sizeof mask ? size : sizeof mask))
        return -RF_EFAULT;
    const struct rf_task *task = task_or_self(k, (int32_t)a[0]);
    if (!task)
        return -RF_ESRCH;
    if (!same_owner(k, task) && !rf_capable_in(k, task->credentials.user, RF_CAP_SYS_NICE))
        return -RF_EPERM;
    return mask & 1 ? 0 : -RF_EINVAL;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(sched_yield), ENTRY(sched_setscheduler), ENTRY(sched_setparam), ENTRY(sched_setattr),
    ENTRY(sched_getattr), ENTRY(sched_getscheduler), ENTRY(sched_getparam), ENTRY(sched_rr_get_interval),
    ENTRY(sched_get_priority_max), ENTRY(sched_get_priority_min), ENTRY(sched_getaffinity),
    ENTRY(sched_setaffinity),
};
const struct rf_handler_table rf_handlers_scheduling = RF_HANDLER_TABLE(entries);
