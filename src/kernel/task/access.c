/* Who may do what to another process (kernel/task/access.h). */
#include "kernel/task/access.h"

#include "kernel/mm/mm.h"

bool rf_task_may(const struct rf_task *task, int capability)
{
    (void)capability; /* user 0 has them all, others none */
    return task->credentials.euid == 0;
}

/* __ptrace_may_access of kernel/ptrace.c */
int64_t rf_may_access_process(struct rf_kernel *k, const struct rf_task *from, const struct rf_task *to)
{
    (void)k;
    const struct rf_credentials *c = &from->credentials, *t = &to->credentials;
    if (from->process == to->process)
        return 0;
    bool same = c->uid == t->euid && c->uid == t->suid && c->uid == t->uid && c->gid == t->egid &&
                c->gid == t->sgid && c->gid == t->gid;
    if (!same && !rf_task_may(from, RF_MAY_PTRACE))
        return -RF_EPERM;
    if (to->mm && to->mm->dumpable != RF_DUMPABLE_USER && !rf_task_may(from, RF_MAY_PTRACE))
        return -RF_EPERM;
    return 0;
}
