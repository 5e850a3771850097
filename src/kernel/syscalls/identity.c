/* Process ids, groups and sessions; users and groups; limits; prctl and arch_prctl. */
#include "kernel/seccomp/seccomp.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"

#include <string.h>

#define GETTER(name, expression)                                                          \
    static int64_t sys_##name(struct rf_kernel *k, const uint64_t a[6])                   \
    {                                                                                     \
        (void)a;                                                                          \
        return (expression);                                                              \
    }
GETTER(getpid, k->current->process->pid)
GETTER(gettid, k->current->tid)
GETTER(getppid, k->current->process->parent ? k->current->process->parent->pid : 1)
GETTER(getpgrp, k->current->process->pgid)
GETTER(getuid, k->current->credentials.uid)
GETTER(geteuid, k->current->credentials.euid)
GETTER(getgid, k->current->credentials.gid)
GETTER(getegid, k->current->credentials.egid)

static struct rf_process *process_or_self(struct rf_kernel *k, int32_t pid)
{
    return pid ? rf_process_find(k, pid) : k->current->process;
}

static int64_t sys_getpgid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_process *p = process_or_self(k, (int32_t)a[0]);
    return p ? p->pgid : -RF_ESRCH;
}

static int64_t sys_getsid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_process *p = process_or_self(k, (int32_t)a[0]);
    return p ? p->sid : -RF_ESRCH;
}

static bool group_in_session(const struct rf_kernel *k, int32_t pgid, int32_t sid)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process->pgid == pgid && task->process->sid == sid)
            return true;
    return false;
}

static int64_t sys_setpgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_process *self = k->current->process, *p = process_or_self(k, (int32_t)a[0]);
    int32_t pgid = (int32_t)a[1];
    if (pgid < 0 || (!pgid && (int32_t)a[0] < 0)) /* no group asked for: the process' own number */
        return -RF_EINVAL;
    if (!p || (p != self && p->parent != self))
        return -RF_ESRCH;
    if (p->sid != self->sid || p->pid == p->sid)
        return -RF_EPERM;
    if (!pgid)
        pgid = p->pid;
    if (pgid != p->pid && !group_in_session(k, pgid, self->sid))
        return -RF_EPERM;
    p->pgid = pgid;
    return 0;
}

static int64_t sys_setsid(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    struct rf_process *p = k->current->process;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task->process->pgid == p->pid)
            return -RF_EPERM;
    p->sid = p->pgid = p->pid;
    return p->sid;
}

/* --- users and groups: credentials(7) --- */

static bool privileged(const struct rf_credentials *c)
{
    return c->euid == 0;
}

static int64_t sys_setuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    uint32_t uid = (uint32_t)a[0];
    if (uid == UINT32_MAX)
        return -RF_EINVAL;
    if (privileged(c))
        c->uid = c->suid = uid;
    else if (uid != c->uid && uid != c->suid)
        return -RF_EPERM;
    c->euid = c->fsuid = uid;
    return 0;
}

static int64_t sys_setgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    uint32_t gid = (uint32_t)a[0];
    if (gid == UINT32_MAX)
        return -RF_EINVAL;
    if (privileged(c))
        c->gid = c->sgid = gid;
    else if (gid != c->gid && gid != c->sgid)
        return -RF_EPERM;
    c->egid = c->fsgid = gid;
    return 0;
}

/* Real, effective, saved: -1 leaves one; unprivileged only among the present three. */
static int64_t set_three(bool may_all, uint32_t *real, uint32_t *effective, uint32_t *saved,
                         uint32_t *filesystem, const uint32_t wanted[3])
{
    const uint32_t now[3] = { *real, *effective, *saved };
    for (unsigned i = 0; i < 3; i++) {
        bool known = wanted[i] == UINT32_MAX || wanted[i] == now[0] || wanted[i] == now[1] || wanted[i] == now[2];
        if (!known && !may_all)
            return -RF_EPERM;
    }
    *real = wanted[0] == UINT32_MAX ? now[0] : wanted[0];
    *effective = wanted[1] == UINT32_MAX ? now[1] : wanted[1];
    *saved = wanted[2] == UINT32_MAX ? now[2] : wanted[2];
    *filesystem = *effective;
    return 0;
}

static int64_t sys_setresuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    const uint32_t wanted[3] = { (uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2] };
    return set_three(privileged(c), &c->uid, &c->euid, &c->suid, &c->fsuid, wanted);
}

static int64_t sys_setresgid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    const uint32_t wanted[3] = { (uint32_t)a[0], (uint32_t)a[1], (uint32_t)a[2] };
    return set_three(privileged(c), &c->gid, &c->egid, &c->sgid, &c->fsgid, wanted);
}

/* setreuid(2): the saved id follows the new effective one when the real one is set. */
static int64_t sys_setreuid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    uint32_t real = (uint32_t)a[0], effective = (uint32_t)a[1];
    bool follows = real != UINT32_MAX || (effective != UINT32_MAX && effective != c->uid);
    uint32_t next = effective == UINT32_MAX ? c->euid : effective;
    const uint32_t wanted[3] = { real, effective, follows ? next : UINT32_MAX };
    if (!privileged(c) && real != UINT32_MAX && real != c->uid && real != c->euid)
        return -RF_EPERM;
    return set_three(privileged(c), &c->uid, &c->euid, &c->suid, &c->fsuid, wanted);
}

static int64_t sys_setregid(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    uint32_t real = (uint32_t)a[0], effective = (uint32_t)a[1];
    bool follows = real != UINT32_MAX || (effective != UINT32_MAX && effective != c->gid);
    uint32_t next = effective == UINT32_MAX ? c->egid : effective;
    const uint32_t wanted[3] = { real, effective, follows ? next : UINT32_MAX };
    if (!privileged(c) && real != UINT32_MAX && real != c->gid && real != c->egid)
        return -RF_EPERM;
    return set_three(privileged(c), &c->gid, &c->egid, &c->sgid, &c->fsgid, wanted);
}

static int64_t put_three(struct rf_kernel *k, const uint64_t a[6], uint32_t x, uint32_t y, uint32_t z)
{
    return RF_PUT_USER(k, a[0], x) || RF_PUT_USER(k, a[1], y) || RF_PUT_USER(k, a[2], z) ? -RF_EFAULT : 0;
}

static int64_t sys_getresuid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_credentials *c = &k->current->credentials;
    return put_three(k, a, c->uid, c->euid, c->suid);
}

static int64_t sys_getresgid(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_credentials *c = &k->current->credentials;
    return put_three(k, a, c->gid, c->egid, c->sgid);
}

static int64_t sys_getgroups(struct rf_kernel *k, const uint64_t a[6])
{
    const struct rf_credentials *c = &k->current->credentials;
    int32_t room = (int32_t)a[0];
    if (room < 0 || (room && (uint32_t)room < c->group_count))
        return -RF_EINVAL;
    if (room && rf_copy_to_user(k, a[1], c->groups, c->group_count * sizeof c->groups[0]))
        return -RF_EFAULT;
    return c->group_count;
}

static int64_t sys_setgroups(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_credentials *c = &k->current->credentials;
    uint32_t groups[32];
    if (!privileged(c))
        return -RF_EPERM;
    if (a[0] > RF_ARRAY_SIZE(groups))
        return -RF_EINVAL;
    if (rf_copy_from_user(k, groups, a[1], a[0] * sizeof groups[0]))
        return -RF_EFAULT;
    memcpy(c->groups, groups, a[0] * sizeof groups[0]);
    c->group_count = (uint32_t)a[0];
    return 0;
}

/* --- limits --- */

static int64_t change_limit(struct rf_kernel *k, struct rf_rlimit64 *limit, const struct rf_rlimit64 *wanted)
{
    if (wanted->rlim_cur > wanted->rlim_max)
        return -RF_EINVAL;
    if (wanted->rlim_max > limit->rlim_max && !privileged(&k->current->credentials))
        return -RF_EPERM;
    *limit = *wanted;
    return 0;
}

static int64_t sys_prlimit64(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_process *p = process_or_self(k, (int32_t)a[0]);
    struct rf_rlimit64 wanted;
    if ((uint32_t)a[1] >= RF_ARRAY_SIZE(p->rlimit))
        return -RF_EINVAL;
    if (a[2] && RF_GET_USER(k, wanted, a[2]))
        return -RF_EFAULT;
    if (!p)
        return -RF_ESRCH;
    struct rf_rlimit64 old = p->rlimit[(uint32_t)a[1]];
    if (a[2]) {
        int64_t error = change_limit(k, &p->rlimit[(uint32_t)a[1]], &wanted);
        if (error)
            return error;
    }
    return a[3] && RF_PUT_USER(k, a[3], old) ? -RF_EFAULT : 0;
}

static int64_t sys_getrlimit(struct rf_kernel *k, const uint64_t a[6])
{
    const uint64_t args[6] = { 0, a[0], 0, a[1] };
    return a[1] ? sys_prlimit64(k, args) : -RF_EFAULT;
}

static int64_t sys_setrlimit(struct rf_kernel *k, const uint64_t a[6])
{
    const uint64_t args[6] = { 0, a[0], a[1], 0 };
    return a[1] ? sys_prlimit64(k, args) : -RF_EFAULT;
}

/* --- prctl, arch_prctl --- */

static int64_t sys_prctl(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_task *task = k->current;
    char name[16] = { 0 };
    switch ((int)a[0]) {
    case RF_PR_SET_NAME: {
        int64_t length = rf_strncpy_from_user(k, name, a[1], sizeof name);
        if (length == -RF_EFAULT)
            return -RF_EFAULT;
        name[15] = '\0';
        memcpy(task->comm, name, sizeof task->comm);
        return 0;
    }
    case RF_PR_GET_NAME:
        return rf_copy_to_user(k, a[1], task->comm, sizeof task->comm);
    case RF_PR_GET_SECCOMP: return task->seccomp_mode;
    case RF_PR_SET_SECCOMP: return rf_seccomp_prctl_set(k, a[1], a[2]);
    case RF_PR_SET_NO_NEW_PRIVS:
        if (a[1] != 1 || a[2] || a[3] || a[4])
            return -RF_EINVAL;
        task->no_new_privs = true;
        return 0;
    case RF_PR_GET_NO_NEW_PRIVS: return a[1] || a[2] || a[3] || a[4] ? -RF_EINVAL : task->no_new_privs;
    default:
        return -RF_EINVAL;
    }
}

static int64_t sys_arch_prctl(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_cpu *cpu = k->cpu;
    uint64_t *base = (int)a[0] == RF_ARCH_SET_FS || (int)a[0] == RF_ARCH_GET_FS ? &cpu->seg[RF_FS].base
                                                                           : &cpu->kernel_gs_base;
    switch ((int)a[0]) {
    case RF_ARCH_SET_FS:
    case RF_ARCH_SET_GS:
        if (a[1] >= RF_TASK_SIZE)
            return -RF_EPERM;
        *base = a[1];
        return 0;
    case RF_ARCH_GET_FS:
    case RF_ARCH_GET_GS:
        return RF_PUT_USER(k, a[1], *base) ? -RF_EFAULT : 0;
    default:
        return -RF_EINVAL;
    }
}

static int64_t sys_set_tid_address(struct rf_kernel *k, const uint64_t a[6])
{
    k->current->clear_child_tid = a[0];
    return k->current->tid;
}

#define ENTRY(name) { RF_NR_##name, sys_##name }
static const struct rf_handler_entry entries[] = {
    ENTRY(getpid), ENTRY(gettid), ENTRY(getppid), ENTRY(getpgrp), ENTRY(getuid), ENTRY(geteuid),
    ENTRY(getgid), ENTRY(getegid), ENTRY(getpgid), ENTRY(getsid), ENTRY(setpgid), ENTRY(setsid),
    ENTRY(setuid), ENTRY(setgid), ENTRY(setresuid), ENTRY(setresgid), ENTRY(setreuid),
    ENTRY(setregid), ENTRY(getresuid), ENTRY(getresgid), ENTRY(getgroups), ENTRY(setgroups),
    ENTRY(prlimit64), ENTRY(getrlimit), ENTRY(setrlimit), ENTRY(prctl), ENTRY(arch_prctl),
    ENTRY(set_tid_address),
};
const struct rf_handler_table rf_handlers_identity = RF_HANDLER_TABLE(entries);
