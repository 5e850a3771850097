/* Files without a name: what eventfd, timerfd and their like have in common. */
#include "kernel/fs/fs.h"

static const struct rf_inode_ops inode_ops;

int64_t rf_anonymous_file(struct rf_kernel *k, const struct rf_file_ops *ops, uint32_t flags,
                          void *private_data, struct rf_file **out)
{
    struct rf_inode *inode = rf_inode_alloc(k, k->vfs->pipes, 0600);
    struct rf_file *file = NULL;
    if (inode) {
        inode->ops = &inode_ops;
        file = rf_file_alloc(k, ops, inode, NULL, flags);
        rf_inode_put(k, inode);
    }
    if (!file) {
        rf_kfree(k, private_data);
        return -RF_ENOMEM;
    }
    file->private_data = private_data;
    *out = file;
    return 0;
}

int64_t rf_anonymous_seek(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    (void)k, (void)offset, (void)whence;
    return (int64_t)file->pos;
}
