/* The files behind /proc/PID/ns: each stands for a namespace and holds it (namespaces(7), ioctl_ns(2)). */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"

#include <stdio.h>

#define NS_GET_USERNS 0xb701u
#define NS_GET_PARENT 0xb702u
#define NS_GET_NSTYPE 0xb703u
#define NS_GET_OWNER_UID 0xb704u

static const struct rf_inode_ops inode_ops;
static const struct rf_file_ops file_ops;

static const struct {
    const char *name;
    uint64_t flag;
} kinds[] = {
    [RF_NS_UTS] = { "uts", RF_CLONE_NEWUTS },    [RF_NS_IPC] = { "ipc", RF_CLONE_NEWIPC },
    [RF_NS_MNT] = { "mnt", RF_CLONE_NEWNS },     [RF_NS_PID] = { "pid", RF_CLONE_NEWPID },
    [RF_NS_USER] = { "user", RF_CLONE_NEWUSER },
};

struct rf_namespace *rf_nsfs_namespace(const struct rf_file *file)
{
    return file->ops == &file_ops ? file->inode->private_data : NULL;
}

void rf_nsfs_name(const struct rf_namespace *ns, char *out, size_t size)
{
    snprintf(out, size, "%s:[%u]", kinds[ns->kind].name, ns->inum);
}

static void destroy(struct rf_kernel *k, struct rf_inode *inode)
{
    rf_namespace_put(k, inode->private_data);
}

int64_t rf_nsfs_dentry(struct rf_kernel *k, struct rf_namespace *ns, struct rf_dentry **out)
{
    char name[32];
    struct rf_inode *inode = rf_inode_alloc(k, k->vfs->pipes, RF_S_IFREG | 0444);
    if (!inode)
        return -RF_ENOMEM;
    rf_nsfs_name(ns, name, sizeof name);
    inode->ino = ns->inum;
    inode->uid = inode->gid = 0;
    inode->ops = &inode_ops;
    inode->file_ops = &file_ops;
    inode->private_data = ns;
    rf_namespace_get(ns);
    *out = rf_dentry_new(k, NULL, name, inode);
    rf_inode_put(k, inode);
    return *out ? 0 : -RF_ENOMEM;
}

/* A descriptor of another namespace. */
static int64_t give(struct rf_kernel *k, struct rf_namespace *ns)
{
    struct rf_dentry *dentry;
    struct rf_file *file;
    int64_t result = rf_nsfs_dentry(k, ns, &dentry);
    if (result)
        return result;
    result = rf_dentry_open(k, dentry, RF_O_RDONLY, true, &file);
    rf_dentry_put(k, dentry);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, true);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

/* Nothing above the caller's own namespaces is shown. */
static int64_t give_user(struct rf_kernel *k, const struct rf_namespace *ns)
{
    const struct rf_user_namespace *own = k->current->credentials.user;
    for (const struct rf_user_namespace *at = ns->owner; at; at = at->ns.owner)
        if (at == own)
            return give(k, &ns->owner->ns);
    return -RF_EPERM;
}

static int64_t give_parent(struct rf_kernel *k, struct rf_namespace *ns)
{
    if (ns->kind == RF_NS_USER)
        return give_user(k, ns);
    if (ns->kind != RF_NS_PID)
        return -RF_EINVAL;
    struct rf_pid_namespace *parent = ((struct rf_pid_namespace *)ns)->parent;
    if (!parent || !rf_pid_namespace_is_within(parent, k->current->namespaces.pid))
        return -RF_EPERM;
    return give(k, &parent->ns);
}

static int64_t ns_ioctl(struct rf_kernel *k, struct rf_file *file, uint32_t command, uint64_t argument)
{
    struct rf_namespace *ns = file->inode->private_data;
    switch (command) {
    case NS_GET_USERNS: return give_user(k, ns);
    case NS_GET_PARENT: return give_parent(k, ns);
    case NS_GET_NSTYPE: return (int64_t)kinds[ns->kind].flag;
    case NS_GET_OWNER_UID: {
        if (ns->kind != RF_NS_USER)
            return -RF_EINVAL;
        uint32_t uid = rf_uid_shown(k, ((struct rf_user_namespace *)ns)->owner_uid);
        return RF_PUT_USER(k, argument, uid) ? -RF_EFAULT : 0;
    }
    default: return -RF_ENOTTY;
    }
}

static const struct rf_inode_ops inode_ops = { .destroy = destroy };
static const struct rf_file_ops file_ops = { .ioctl = ns_ioctl };
