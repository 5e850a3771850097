/* Mounts: file systems and the place where each is seen. */
#include "kernel/vfs/inode.h"

struct rf_mount *rf_mount_alloc(struct rf_kernel *k, const char *type, uint64_t magic,
                                const struct rf_mount_ops *ops)
{
    struct rf_mount *mount = rf_kalloc(k, sizeof *mount);
    if (!mount)
        return NULL;
    mount->ops = ops;
    mount->type = type;
    mount->source = type;
    mount->magic = magic;
    mount->device = ++k->vfs->next_device; /* major 0, as Linux numbers such file systems */
    mount->id = (uint32_t)mount->device;
    return mount;
}

void rf_mount_attach(struct rf_kernel *k, struct rf_mount *mount, struct rf_dentry *at)
{
    struct rf_mount **last = &k->vfs->mounts;
    while (*last)
        last = &(*last)->next;
    *last = mount;
    if (!at)
        return;
    rf_dentry_get(at);
    mount->mountpoint = at;
    at->mounted = mount;
}

void rf_mount_free(struct rf_kernel *k, struct rf_mount *mount)
{
    if (!mount)
        return;
    for (struct rf_mount **m = &k->vfs->mounts; *m; m = &(*m)->next) {
        if (*m == mount) {
            *m = mount->next;
            break;
        }
    }
    if (mount->mountpoint) {
        mount->mountpoint->mounted = NULL;
        rf_dentry_put(k, mount->mountpoint);
    }
    rf_dentry_put(k, mount->root);
    if (mount->ops->destroy)
        mount->ops->destroy(k, mount);
    rf_kfree(k, mount);
}

struct rf_dentry *rf_mount_cross(struct rf_dentry *dentry)
{
    while (dentry->mounted)
        dentry = dentry->mounted->root;
    return dentry;
}

struct rf_dentry *rf_mount_uncross(struct rf_dentry *dentry)
{
    while (!dentry->parent && dentry->inode->mount->root == dentry &&
           dentry->inode->mount->mountpoint)
        dentry = dentry->inode->mount->mountpoint;
    return dentry;
}
