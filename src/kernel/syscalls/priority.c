/* getpriority and setpriority: nice values (setpriority(2)); ioprio_get and ioprio_set (ioprio_set(2)). */
#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"

/* The kinds of `who` in the order of PRIO_*; ioprio's are one higher. who: as given, 0 the caller's own. */
static bool concerns(const struct rf_kernel *k, const struct rf_task *task, int which, int32_t who)
{
    const struct rf_task *self = k->current;
    if (task->state == RF_TASK_ZOMBIE && task != task->process->leader)
        return false;
    switch (which) {
    case RF_PRIO_PROCESS: return who ? task->tid == rf_pid_given(k, who) : task == self; /* one thread */
    case RF_PRIO_PGRP: return task->process->pgid == (who ? rf_pid_given(k, who) : self->process->pgid);
    default: return task->credentials.uid == (who ? rf_uid_given(k, (uint32_t)who) : self->credentials.uid);
    }
}

/* The highest priority among them, as 20 - nice: an error is negative. */
static int64_t sys_getpriority(struct rf_kernel *k, const uint64_t a[6])
{
    int64_t best = -RF_ESRCH;
    if ((int32_t)a[0] < RF_PRIO_PROCESS || (int32_t)a[0] > RF_PRIO_USER)
        return -RF_EINVAL;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (concerns(k, task, (int32_t)a[0], (int32_t)a[1]) && 20 - task->nice > best)
            best = 20 - task->nice;
    return best;
}

/* set_one_prio of kernel/sys.c; a lower value than before needs RLIMIT_NICE or CAP_SYS_NICE. */
static int64_t set_nice(struct rf_kernel *k, struct rf_task *task, int32_t nice)
{
    const struct rf_credentials *self = &k->current->credentials, *other = &task->credentials;
    uint64_t limit = task->process->rlimit[RF_RLIMIT_NICE].rlim_cur;
    if (self->euid != other->uid && self->euid != other->euid && !rf_capable_in(k, other->user, RF_CAP_SYS_NICE))
        return -RF_EPERM;
    if (nice < task->nice && (uint64_t)(20 - nice) > limit && !rf_capable(k, RF_CAP_SYS_NICE))
        return -RF_EACCES;
    task->nice = nice;
    return 0;
}

static int64_t sys_setpriority(struct rf_kernel *k, const uint64_t a[6])
{
    int32_t nice = (int32_t)a[2];
    int64_t result = -RF_ESRCH;
    if ((int32_t)a[0] < RF_PRIO_PROCESS || (int32_t)a[0] > RF_PRIO_USER)
        return -RF_EINVAL;
    nice = nice < RF_NICE_MIN ? RF_NICE_MIN : nice > RF_NICE_MAX ? RF_NICE_MAX : nice;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (!concerns(k, task, (int32_t)a[0], (int32_t)a[1]))
            continue;
        int64_t error = set_nice(k, task, nice);
        if (error || result == -RF_ESRCH)
            result = error;
    }
    return result;
}

/* --- I/O priorities: remembered and told; there is no disk to queue for --- */

enum { IOPRIO_CLASS_NONE, IOPRIO_CLASS_RT, IOPRIO_CLASS_BE, IOPRIO_CLASS_IDLE };
#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_VALUE(class, level) ((uint16_t)((class) << IOPRIO_CLASS_SHIFT | (level)))
#define IOPRIO_LEVELS 8

static int64_t check_ioprio(const struct rf_kernel *k, uint32_t ioprio)
{
    uint32_t class = (ioprio & 0xffff) >> IOPRIO_CLASS_SHIFT, level = ioprio & ((1u << IOPRIO_CLASS_SHIFT) - 1);
    switch (class) {
    case IOPRIO_CLASS_RT:
        if (!rf_capable(k, RF_CAP_SYS_ADMIN) && !rf_capable(k, RF_CAP_SYS_NICE))
            return -RF_EPERM;
        return level < IOPRIO_LEVELS ? 0 : -RF_EINVAL;
    case IOPRIO_CLASS_BE: return level < IOPRIO_LEVELS ? 0 : -RF_EINVAL;
    case IOPRIO_CLASS_IDLE: return 0;
    case IOPRIO_CLASS_NONE: return level ? -RF_EINVAL : 0;
    default: return -RF_EINVAL;
    }
}

static int64_t set_ioprio(const struct rf_kernel *k, struct rf_task *task, uint16_t ioprio)
{
    const struct rf_credentials *self = &k->current->credentials, *other = &task->credentials;
    if (other->uid != self->euid && other->uid != self->uid && !rf_capable(k, RF_CAP_SYS_NICE))
        return -RF_EPERM;
    task->ioprio = ioprio;
    return 0;
}

static int64_t sys_ioprio_set(struct rf_kernel *k, const uint64_t a[6])
{
    int which = (int32_t)a[0] - 1;
    int64_t result = check_ioprio(k, (uint32_t)a[2]);
    if (result)
        return result;
    if (which < RF_PRIO_PROCESS || which > RF_PRIO_USER)
        return -RF_EINVAL;
    result = -RF_ESRCH;
    for (struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (!concerns(k, task, which, (int32_t)a[1]))
            continue;
        result = set_ioprio(k, task, (uint16_t)a[2]);
        if (result)
            return result;
    }
    return result;
}

/* What a task that has set none counts as: __get_task_ioprio. */
static uint16_t effective_ioprio(const struct rf_task *task)
{
    uint16_t class = task->policy == RF_SCHED_IDLE                                       ? IOPRIO_CLASS_IDLE
                     : task->policy == RF_SCHED_FIFO || task->policy == RF_SCHED_RR ? IOPRIO_CLASS_RT
                                                                                        : IOPRIO_CLASS_BE;
    if (task->ioprio >> IOPRIO_CLASS_SHIFT)
        return task->ioprio;
    return IOPRIO_VALUE(class, (task->nice + 20) / 5);
}

/* The best of them; one thread alone is told what it has set. */
static int64_t sys_ioprio_get(struct rf_kernel *k, const uint64_t a[6])
{
    int which = (int32_t)a[0] - 1;
    int64_t best = -RF_ESRCH;
    if (which < RF_PRIO_PROCESS || which > RF_PRIO_USER)
        return -RF_EINVAL;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task) {
        if (!concerns(k, task, which, (int32_t)a[1]))
            continue;
        int64_t value = which == RF_PRIO_PROCESS ? task->ioprio : effective_ioprio(task);
        best = best < 0 || value < best ? value : best;
    }
    return best;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_getpriority, sys_getpriority },
    { RF_NR_setpriority, sys_setpriority },
    { RF_NR_ioprio_get, sys_ioprio_get },
    { RF_NR_ioprio_set, sys_ioprio_set },
};
const struct rf_handler_table rf_handlers_priority = RF_HANDLER_TABLE(entries);
