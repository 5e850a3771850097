/* Namespaces: references, the initial ones, and the set that a clone or unshare makes. */
#include "kernel/namespace/namespace.h"

#include "kernel/ipc/mqueue.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"
#include "kernel/ipc/shm.h"
#include "kernel/task/task.h"
#include "kernel/vfs/inode.h"

#include <string.h>

/* Inode numbers as Linux has them (include/linux/proc_ns.h); later ones count up from there. */
static const uint32_t initial_inum[] = {
    [RF_NS_UTS] = 0xeffffffe, [RF_NS_IPC] = 0xefffffff, [RF_NS_MNT] = 0xf0000001,
    [RF_NS_PID] = 0xeffffffc, [RF_NS_USER] = 0xeffffffd,
};
#define FIRST_INUM 0xf0000100u

void rf_namespace_begin(struct rf_kernel *k, struct rf_namespace *ns, enum rf_namespace_kind kind,
                        struct rf_user_namespace *owner)
{
    ns->kind = kind;
    ns->references = 1;
    ns->inum = k->namespace_count == 0 ? initial_inum[kind] : FIRST_INUM + k->namespace_count;
    if (k->namespace_count)
        k->namespace_count++;
    ns->owner = owner;
    if (owner)
        rf_namespace_get(&owner->ns);
}

void rf_namespace_get(struct rf_namespace *ns)
{
    ns->references++;
}

static void end_ipc(struct rf_kernel *k, struct rf_ipc_namespace *ns)
{
    rf_shm_set_end(k, ns->shm);
    rf_sem_end(k, &ns->sem);
    rf_msg_end(k, &ns->msg);
    rf_mq_end(k, ns);
}

static void free_contents(struct rf_kernel *k, struct rf_namespace *ns)
{
    if (ns->kind == RF_NS_USER) {
        struct rf_user_namespace *user = (struct rf_user_namespace *)ns;
        rf_kfree(k, user->uid.extents);
        rf_kfree(k, user->gid.extents);
    }
    if (ns->kind == RF_NS_IPC)
        end_ipc(k, (struct rf_ipc_namespace *)ns);
    if (ns->kind == RF_NS_MNT)
        rf_mount_namespace_free(k, (struct rf_mount_namespace *)ns);
    if (ns->kind == RF_NS_PID) {
        struct rf_pid_namespace *pid = (struct rf_pid_namespace *)ns;
        while (pid->entries) {
            struct rf_pid_entry *entry = pid->entries;
            pid->entries = entry->next;
            rf_kfree(k, entry);
        }
        if (pid->parent)
            rf_namespace_put(k, &pid->parent->ns);
    }
}

void rf_namespace_put(struct rf_kernel *k, struct rf_namespace *ns)
{
    while (ns && --ns->references == 0) {
        struct rf_user_namespace *owner = ns->owner;
        free_contents(k, ns);
        rf_kfree(k, ns);
        ns = owner ? &owner->ns : NULL;
    }
}

/* The places where the set-up has mounted file systems. */
static struct rf_namespace *first_mounts(struct rf_kernel *k, struct rf_user_namespace *owner)
{
    struct rf_mount_namespace *mnt = rf_kalloc(k, sizeof *mnt);
    if (!mnt)
        return NULL;
    rf_namespace_begin(k, &mnt->ns, RF_NS_MNT, owner);
    mnt->points = k->vfs->points;
    k->vfs->points = NULL;
    for (struct rf_mount_point *p = mnt->points; p; p = p->next)
        p->ns = mnt;
    return &mnt->ns;
}

static struct rf_uts_namespace *new_uts(struct rf_kernel *k, struct rf_user_namespace *owner)
{
    struct rf_uts_namespace *uts = rf_kalloc(k, sizeof *uts);
    if (uts)
        rf_namespace_begin(k, &uts->ns, RF_NS_UTS, owner);
    return uts;
}

static struct rf_ipc_namespace *new_ipc(struct rf_kernel *k, struct rf_user_namespace *owner)
{
    struct rf_ipc_namespace *ipc = rf_kalloc(k, sizeof *ipc);
    if (ipc)
        rf_namespace_begin(k, &ipc->ns, RF_NS_IPC, owner);
    return ipc;
}

bool rf_namespaces_create(struct rf_kernel *k, struct rf_namespaces *out, struct rf_user_namespace **user)
{
    struct rf_user_namespace *first = rf_kalloc(k, sizeof *first);
    if (!first)
        return false;
    rf_namespace_begin(k, &first->ns, RF_NS_USER, NULL);
    out->uts = new_uts(k, first);
    out->ipc = new_ipc(k, first);
    out->mnt = first_mounts(k, first);
    out->pid = rf_kalloc(k, sizeof *out->pid);
    if (!out->uts || !out->ipc || !out->mnt || !out->pid)
        return false;
    rf_namespace_begin(k, &out->pid->ns, RF_NS_PID, first);
    out->pid_for_children = out->pid;
    rf_namespace_get(&out->pid->ns);
    memcpy(out->uts->nodename, k->hostname, sizeof out->uts->nodename);
    memcpy(out->uts->domainname, "(none)", sizeof "(none)");
    k->namespace_count = 1;
    *user = first;
    return true;
}

static void get_all(const struct rf_namespaces *set)
{
    rf_namespace_get(&set->uts->ns);
    rf_namespace_get(&set->ipc->ns);
    rf_namespace_get(set->mnt);
    rf_namespace_get(&set->pid->ns);
    rf_namespace_get(&set->pid_for_children->ns);
}

void rf_namespaces_drop(struct rf_kernel *k, struct rf_namespaces *set)
{
    if (!set->uts)
        return;
    rf_namespace_put(k, &set->uts->ns);
    rf_namespace_put(k, &set->ipc->ns);
    rf_namespace_put(k, set->mnt);
    rf_namespace_put(k, &set->pid->ns);
    rf_namespace_put(k, &set->pid_for_children->ns);
    memset(set, 0, sizeof *set);
}

int64_t rf_namespaces_copy(struct rf_kernel *k, struct rf_namespaces *to, const struct rf_namespaces *from,
                           uint64_t flags, struct rf_user_namespace *user)
{
    int64_t error = 0;
    *to = *from;
    get_all(to);
    if (flags & RF_CLONE_NEWUTS) {
        struct rf_uts_namespace *uts = new_uts(k, user);
        if (uts) {
            memcpy(uts->nodename, from->uts->nodename, sizeof uts->nodename);
            memcpy(uts->domainname, from->uts->domainname, sizeof uts->domainname);
            rf_namespace_put(k, &to->uts->ns);
            to->uts = uts;
        }
        error = uts ? 0 : -RF_ENOMEM;
    }
    if (!error && flags & RF_CLONE_NEWIPC) {
        struct rf_ipc_namespace *ipc = new_ipc(k, user);
        if (ipc) {
            rf_namespace_put(k, &to->ipc->ns);
            to->ipc = ipc;
        }
        error = ipc ? 0 : -RF_ENOMEM;
    }
    if (!error && flags & RF_CLONE_NEWNS) {
        struct rf_mount_namespace *mnt =
            rf_mount_namespace_copy(k, (struct rf_mount_namespace *)from->mnt, user);
        if (mnt) {
            rf_namespace_put(k, to->mnt);
            to->mnt = &mnt->ns;
        }
        error = mnt ? 0 : -RF_ENOMEM;
    }
    if (!error && flags & RF_CLONE_NEWPID) {
        struct rf_pid_namespace *pid;
        error = rf_pid_namespace_create(k, from->pid, user, &pid);
        if (!error) {
            rf_namespace_put(k, &to->pid_for_children->ns);
            to->pid_for_children = pid;
        }
    }
    if (error)
        rf_namespaces_drop(k, to);
    return error;
}
