/* Credentials: capability checks and what changes of user ids and execve do to capabilities
 * (security/commoncap.c, kernel/cred.c). */
#include "kernel/task/credentials.h"

#include "kernel/mm/mm.h"
#include "kernel/namespace/namespace.h"
#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"

/* --- life --- */

void rf_credentials_copy(struct rf_credentials *to, const struct rf_credentials *from)
{
    *to = *from;
    if (to->groups)
        to->groups->references++;
    if (to->user)
        rf_namespace_get(&to->user->ns);
}

void rf_credentials_drop(struct rf_kernel *k, struct rf_credentials *c)
{
    if (c->groups && --c->groups->references == 0)
        rf_kfree(k, c->groups);
    if (c->user)
        rf_namespace_put(k, &c->user->ns);
    c->groups = NULL;
    c->user = NULL;
}

void rf_credentials_first(struct rf_credentials *c, uint32_t uid, uint32_t gid, struct rf_user_namespace *user)
{
    c->uid = c->euid = c->suid = c->fsuid = uid;
    c->gid = c->egid = c->sgid = c->fsgid = gid;
    c->bounding = RF_CAP_ALL;
    c->permitted = c->effective = uid == 0 ? RF_CAP_ALL : 0;
    c->user = user;
}

void rf_credentials_enter(struct rf_kernel *k, struct rf_credentials *c, struct rf_user_namespace *user)
{
    struct rf_user_namespace *left = c->user;
    c->securebits = 0;
    c->inheritable = c->ambient = 0;
    c->permitted = c->effective = c->bounding = RF_CAP_ALL;
    c->user = user;
    rf_namespace_put(k, &left->ns);
}

/* --- checks --- */

/* cap_capable: the owner of a namespace has every right in it, if he is in its parent. */
bool rf_credentials_capable(const struct rf_credentials *c, const struct rf_user_namespace *ns, int cap)
{
    for (;; ns = ns->ns.owner) {
        if (ns == c->user)
            return c->effective & RF_CAP_BIT(cap);
        if (ns->level <= c->user->level)
            return false;
        if (ns->ns.owner == c->user && ns->owner_uid == c->euid)
            return true;
    }
}

bool rf_capable_in(const struct rf_kernel *k, const struct rf_user_namespace *ns, int cap)
{
    return !k->current || rf_credentials_capable(&k->current->credentials, ns, cap);
}

bool rf_capable(const struct rf_kernel *k, int cap)
{
    if (!k->current)
        return true; /* the kernel itself, at set-up */
    const struct rf_credentials *c = &k->current->credentials;
    return c->user->level == 0 && c->effective & RF_CAP_BIT(cap);
}

bool rf_capable_here(const struct rf_kernel *k, int cap)
{
    return !k->current || k->current->credentials.effective & RF_CAP_BIT(cap);
}

bool rf_capable_for(const struct rf_kernel *k, const struct rf_inode *inode, int cap)
{
    if (!k->current)
        return true;
    const struct rf_user_namespace *ns = k->current->credentials.user;
    return rf_capable_here(k, cap) && rf_uid_from_kernel(ns, inode->uid) != RF_NO_ID &&
           rf_gid_from_kernel(ns, inode->gid) != RF_NO_ID;
}

bool rf_owner_or_capable(const struct rf_kernel *k, const struct rf_inode *inode)
{
    if (!k->current || k->current->credentials.fsuid == inode->uid)
        return true;
    return rf_capable_here(k, RF_CAP_FOWNER) &&
           rf_uid_from_kernel(k->current->credentials.user, inode->uid) != RF_NO_ID;
}

bool rf_may_access_task(const struct rf_kernel *k, const struct rf_task *other, bool real)
{
    const struct rf_credentials *self = &k->current->credentials, *c = &other->credentials;
    uint32_t uid = real ? self->uid : self->fsuid, gid = real ? self->gid : self->fsgid;
    bool same = uid == c->euid && uid == c->suid && uid == c->uid && gid == c->egid && gid == c->sgid &&
                gid == c->gid;
    if (other->process == k->current->process)
        return true;
    if (!same && !rf_capable_in(k, c->user, RF_CAP_SYS_PTRACE))
        return false;
    if (other->mm && other->mm->undumpable && !rf_capable_in(k, c->user, RF_CAP_SYS_PTRACE))
        return false;
    /* cap_ptrace_access_check: nobody with more rights is looked into */
    uint64_t own = real ? self->permitted : self->effective;
    return (self->user == c->user && !(c->permitted & ~own)) || rf_capable_in(k, c->user, RF_CAP_SYS_PTRACE);
}

/* --- changes of user ids --- */

static uint32_t root_of(const struct rf_credentials *c)
{
    return rf_uid_to_kernel(c->user, 0);
}

/* cap_emulate_setxuid: giving up root gives up its capabilities. */
void rf_credentials_fix_setuid(struct rf_credentials *c, const struct rf_credentials *old)
{
    uint32_t root = root_of(old);
    if (c->securebits & RF_SECBIT_NO_SETUID_FIXUP)
        return;
    if ((old->uid == root || old->euid == root || old->suid == root) && c->uid != root && c->euid != root &&
        c->suid != root) {
        if (!(c->securebits & RF_SECBIT_KEEP_CAPS))
            c->permitted = c->effective = 0;
        c->ambient = 0;
    }
    if (old->euid == root && c->euid != root)
        c->effective = 0;
    if (old->euid != root && c->euid == root)
        c->effective = c->permitted;
}

void rf_credentials_fix_setfsuid(struct rf_credentials *c, const struct rf_credentials *old)
{
    uint32_t root = root_of(old);
    if (c->securebits & RF_SECBIT_NO_SETUID_FIXUP)
        return;
    if (old->fsuid == root && c->fsuid != root)
        c->effective &= ~RF_CAP_FS_SET;
    if (old->fsuid != root && c->fsuid == root)
        c->effective |= c->permitted & RF_CAP_FS_SET;
}

/* cred_cap_issubset: no rights that `set` did not have, its own new namespaces aside. */
static bool is_subset(const struct rf_credentials *set, const struct rf_credentials *c)
{
    if (set->user == c->user)
        return !(c->permitted & ~set->permitted);
    for (const struct rf_user_namespace *ns = c->user; ns->ns.owner; ns = ns->ns.owner)
        if (ns->ns.owner == set->user && ns->owner_uid == set->euid)
            return true;
    return false;
}

/* The second half of commit_creds: whoever changed for the better, or became someone else, hides its memory. */
void rf_credentials_changed(struct rf_kernel *k, const struct rf_credentials *old)
{
    struct rf_task *task = k->current;
    const struct rf_credentials *c = &task->credentials;
    if (old->euid == c->euid && old->egid == c->egid && old->fsuid == c->fsuid && old->fsgid == c->fsgid &&
        is_subset(old, c))
        return;
    if (task->mm)
        task->mm->undumpable = true;
    task->parent_death_signal = 0;
}

/* --- RLIMIT_NPROC --- */

bool rf_user_has_too_many(const struct rf_kernel *k, const struct rf_task *task, uint32_t uid, uint64_t more)
{
    uint64_t limit = task->process->rlimit[RF_RLIMIT_NPROC].rlim_cur, count = more;
    if (limit == RF_RLIM_INFINITY)
        return false;
    for (const struct rf_task *other = k->tasks; other; other = other->next_task)
        count += other->process && other->credentials.uid == uid;
    return count > limit;
}

/* --- execve --- */

/* Somebody else shares the working directory, or the task has renounced new privileges. */
static bool is_unsafe(const struct rf_kernel *k, const struct rf_task *task)
{
    uint32_t users = 0;
    for (const struct rf_task *other = k->tasks; other; other = other->next_task)
        users += other->process == task->process && other->fs == task->fs;
    return task->no_new_privs || task->fs->references > users;
}

static void set_ids(struct rf_credentials *c, const struct rf_inode *program)
{
    uint32_t mode = program->mode;
    if (rf_uid_from_kernel(c->user, program->uid) == RF_NO_ID || rf_gid_from_kernel(c->user, program->gid) == RF_NO_ID)
        return;
    if (mode & RF_S_ISUID)
        c->euid = program->uid;
    if ((mode & (RF_S_ISGID | RF_S_IXGRP)) == (RF_S_ISGID | RF_S_IXGRP))
        c->egid = program->gid;
}

bool rf_credentials_in_group(const struct rf_credentials *c, uint32_t gid)
{
    if (gid == c->fsgid)
        return true;
    for (uint32_t i = 0; c->groups && i < c->groups->count; i++)
        if (c->groups->gid[i] == gid)
            return true;
    return false;
}

/* cap_bprm_creds_from_file, for a file without capabilities of its own. */
void rf_credentials_before_exec(struct rf_kernel *k, struct rf_inode *program, bool nosuid,
                                struct rf_exec_credentials *out)
{
    const struct rf_task *task = k->current;
    const struct rf_credentials *old = &task->credentials;
    struct rf_credentials *c = &out->next;
    uint32_t root = root_of(old);
    bool becomes_effective = false;
    *c = *old;
    if (!nosuid && !task->no_new_privs)
        set_ids(c, program);
    c->permitted = 0;
    if (!(c->securebits & RF_SECBIT_NOROOT) && (c->euid == root || c->uid == root)) {
        c->permitted = old->bounding | old->inheritable;
        becomes_effective = c->euid == root;
    }
    bool changed = c->euid != old->euid || !rf_credentials_in_group(old, c->egid);
    if ((changed || c->permitted & ~old->permitted) && is_unsafe(k, task)) {
        if (!(old->effective & RF_CAP_BIT(RF_CAP_SETUID)) || task->no_new_privs) {
            c->euid = c->uid;
            c->egid = c->gid;
        }
        c->permitted &= old->permitted;
    }
    c->suid = c->fsuid = c->euid;
    c->sgid = c->fsgid = c->egid;
    if (changed)
        c->ambient = 0;
    c->permitted |= c->ambient;
    c->effective = becomes_effective ? c->permitted : c->ambient;
    c->securebits &= ~(uint32_t)RF_SECBIT_KEEP_CAPS;
    out->secure = changed || c->euid != old->uid || c->egid != old->gid ||
                  (c->uid != root && (becomes_effective || c->permitted & ~c->ambient));
    out->personality = k->current->personality & ~(uint32_t)RF_READ_IMPLIES_EXEC; /* set_personality_64bit */
    if (out->secure)
        out->personality &= ~(uint32_t)RF_PER_CLEAR_ON_SETID;
    out->unreadable = rf_inode_permission(k, program, RF_R_OK) != 0;
}

void rf_credentials_after_exec(struct rf_kernel *k, const struct rf_exec_credentials *exec)
{
    struct rf_task *task = k->current;
    struct rf_credentials old = task->credentials; /* what it points to is the same in both */
    task->credentials = exec->next;
    task->mm->undumpable = exec->unreadable || exec->next.euid != exec->next.uid || exec->next.egid != exec->next.gid;
    task->personality = exec->personality;
    if (exec->secure)
        task->parent_death_signal = 0;
    if (k->init)
        rf_credentials_changed(k, &old);
}
