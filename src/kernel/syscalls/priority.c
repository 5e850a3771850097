/* getpriority and setpriority: nice values (setpriority(2)). */
#include "kernel/task/task.h"

static bool concerns(const struct rf_kernel *k, const struct rf_task *task, int which, int32_t who)
{
    const struct rf_task *self = k->current;
    if (task->state == RF_TASK_ZOMBIE && task != task->process->leader)
        return false;
    switch (which) {
    case RF_PRIO_PROCESS: return who ? task->tid == who : task == self; /* one thread */
    case RF_PRIO_PGRP: return task->process->pgid == (who ? who : self->process->pgid);
    default: return task->credentials.uid == (who ? (uint32_t)who : self->credentials.uid);
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

/* set_one_prio of kernel/sys.c; a lower value than before needs RLIMIT_NICE or root. */
static int64_t set_nice(const struct rf_kernel *k, struct rf_task *task, int32_t nice)
{
    const struct rf_credentials *self = &k->current->credentials, *other = &task->credentials;
    uint64_t limit = task->process->rlimit[RF_RLIMIT_NICE].rlim_cur;
    if (self->euid && self->euid != other->uid && self->euid != other->euid)
        return -RF_EPERM;
    if (nice < task->nice && self->euid && (uint64_t)(20 - nice) > limit)
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

static const struct rf_handler_entry entries[] = {
    { RF_NR_getpriority, sys_getpriority },
    { RF_NR_setpriority, sys_setpriority },
};
const struct rf_handler_table rf_handlers_priority = RF_HANDLER_TABLE(entries);
