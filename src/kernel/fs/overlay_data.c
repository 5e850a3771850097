/* overlay: contents and attributes, passed on to what stands behind an inode at the moment. */
#include "kernel/fs/overlay.h"
#include "kernel/fs/xattrs.h"
#include "kernel/mm/mm.h"

#include <string.h>

int64_t rf_overlay_open_real(struct rf_kernel *k, struct rf_inode *real, uint32_t flags, struct rf_file **out)
{
    static const struct rf_file_ops nothing;
    struct rf_file *file = rf_file_alloc(k, real->file_ops ? real->file_ops : &nothing, real, NULL, flags);
    if (!file)
        return -RF_ENOMEM;
    int64_t result = real->ops->open ? real->ops->open(k, real, file) : 0;
    if (result) {
        file->ops = &nothing; /* its driver has not opened it */
        rf_file_put(k, file);
        return result;
    }
    *out = file;
    return 0;
}

/* --- open files: private_data is the real one, another after a copy has been made --- */

static int64_t real_file(struct rf_kernel *k, struct rf_file *file, struct rf_file **out)
{
    struct rf_file *real = file->private_data;
    struct rf_inode *now = rf_overlay_real(file->inode);
    if (real && real->inode == now) {
        *out = real;
        return 0;
    }
    int64_t result = rf_overlay_open_real(k, now, file->flags & (RF_O_ACCMODE | RF_O_APPEND | RF_O_DIRECT), out);
    if (result)
        return result;
    if (real)
        rf_file_put(k, real);
    file->private_data = *out;
    return 0;
}

static int64_t open_file(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    struct rf_file *real;
    if (file->mode & RF_FMODE_WRITE) {
        int64_t result = rf_overlay_copy_up(k, inode, true);
        if (result)
            return result;
    }
    return real_file(k, file, &real);
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    struct rf_file *real;
    int64_t result = real_file(k, file, &real);
    if (result)
        return result;
    return real->ops->read ? real->ops->read(k, real, uio, pos) : -RF_EINVAL;
}

static int64_t write_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    struct rf_file *real;
    int64_t result = real_file(k, file, &real);
    if (result)
        return result;
    result = real->ops->write ? real->ops->write(k, real, uio, pos) : -RF_EINVAL;
    rf_overlay_refresh(k, file->inode);
    return result;
}

static int64_t seek_file(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    struct rf_file *real;
    int64_t result = real_file(k, file, &real);
    if (result)
        return result;
    real->pos = file->pos;
    result = rf_file_seek(k, real, offset, whence);
    if (result >= 0)
        file->pos = real->pos;
    return result;
}

static int64_t sync_file(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_file *real;
    int64_t result = real_file(k, file, &real);
    return result ? result : rf_file_sync(k, real);
}

static void release_file(struct rf_kernel *k, struct rf_file *file)
{
    if (file->private_data)
        rf_file_put(k, file->private_data);
}

const struct rf_file_ops rf_overlay_regular_ops = {
    .read = read_file,
    .write = write_file,
    .seek = seek_file,
    .fsync = sync_file,
    .release = release_file,
};

/* --- inodes --- */

static int64_t read_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    struct rf_inode *real = rf_overlay_real(inode);
    if (inode->shared_writers)
        real->shared_writers = 1;
    return real->ops->page ? real->ops->page(k, real, index, pa) : -RF_ENODEV;
}

static int64_t sync_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_inode *real = rf_overlay_real(inode);
    return real->ops->sync ? real->ops->sync(k, real) : 0;
}

/* Mappings are of the overlay's inode: what the real one tells of its own reaches none. */
static void unmap(struct rf_kernel *k, const struct rf_inode *inode, uint64_t start, uint64_t end)
{
    rf_mm_punched(k, inode, start / RF_PAGE_SIZE, end / RF_PAGE_SIZE + (end % RF_PAGE_SIZE != 0));
}

static int64_t allocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length)
{
    int64_t result = rf_overlay_copy_up(k, inode, true);
    if (result)
        return result;
    struct rf_inode *real = rf_overlay_real(inode);
    result = real->ops->fallocate ? real->ops->fallocate(k, real, mode, start, length) : -RF_EOPNOTSUPP;
    if (mode & ~(uint32_t)RF_FALLOC_FL_KEEP_SIZE)
        unmap(k, inode, start, mode & (RF_FALLOC_FL_COLLAPSE_RANGE | RF_FALLOC_FL_INSERT_RANGE) ? INT64_MAX : start + length);
    rf_overlay_refresh(k, inode);
    return result;
}

static int64_t punch(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end)
{
    int64_t result = rf_overlay_copy_up(k, inode, true);
    if (result)
        return result;
    struct rf_inode *real = rf_overlay_real(inode);
    result = real->ops->punch ? real->ops->punch(k, real, start, end) : -RF_EOPNOTSUPP;
    unmap(k, inode, start, end);
    rf_overlay_refresh(k, inode);
    return result;
}

int64_t rf_overlay_getattr(struct rf_kernel *k, struct rf_inode *inode)
{
    return rf_overlay_refresh(k, inode);
}

int64_t rf_overlay_setattr(struct rf_kernel *k, struct rf_inode *inode, const struct rf_attributes *change)
{
    const struct rf_overlay_inode *o = rf_overlay_of(inode);
    if (!o->upper && change->mask == RF_ATTR_ATIME)
        return 0; /* a look is no reason for a copy */
    bool emptied = change->mask & RF_ATTR_SIZE && change->size == 0;
    int64_t result = rf_overlay_copy_up(k, inode, !emptied);
    if (result)
        return result;
    struct rf_inode *real = rf_overlay_real(inode);
    result = real->ops->setattr ? real->ops->setattr(k, real, change) : -RF_EPERM;
    rf_overlay_refresh(k, inode);
    return result;
}

/* --- extended attributes: those that tell of layers are not shown --- */

static bool is_private(const char *name)
{
    return strncmp(name, RF_OVERLAY_PREFIX, strlen(RF_OVERLAY_PREFIX)) == 0;
}

int64_t rf_overlay_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size)
{
    struct rf_inode *real = rf_overlay_real(inode);
    if (is_private(name))
        return -RF_ENODATA;
    return real->ops->getxattr ? real->ops->getxattr(k, real, name, value, size) : -RF_EOPNOTSUPP;
}

int64_t rf_overlay_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct rf_inode *real = rf_overlay_real(inode);
    if (!real->ops->listxattr)
        return 0;
    char *all = rf_kalloc(k, RF_XATTR_LIST_MAX);
    if (!all)
        return -RF_ENOMEM;
    int64_t length = real->ops->listxattr(k, real, all, RF_XATTR_LIST_MAX);
    if (length > 0)
        length = rf_xattrs_filter(all, length, RF_OVERLAY_PREFIX, false, out, size);
    rf_kfree(k, all);
    return length;
}

int64_t rf_overlay_setxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                            uint32_t flags)
{
    if (is_private(name))
        return -RF_EPERM;
    int64_t result = rf_overlay_copy_up(k, inode, true);
    if (result)
        return result;
    struct rf_inode *real = rf_overlay_real(inode);
    result = real->ops->setxattr ? real->ops->setxattr(k, real, name, value, size, flags) : -RF_EOPNOTSUPP;
    rf_overlay_refresh(k, inode);
    return result;
}

static int64_t read_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct rf_inode *real = rf_overlay_real(inode);
    return real->ops->readlink ? real->ops->readlink(k, real, out, size) : -RF_EINVAL;
}

const struct rf_inode_ops rf_overlay_file_ops = {
    .getattr = rf_overlay_getattr,
    .setattr = rf_overlay_setattr,
    .open = open_file,
    .page = read_page,
    .sync = sync_inode,
    .punch = punch,
    .fallocate = allocate,
    .getxattr = rf_overlay_getxattr,
    .listxattr = rf_overlay_listxattr,
    .setxattr = rf_overlay_setxattr,
    .destroy = rf_overlay_destroy_inode,
};
/* Symbolic links, devices, FIFOs, sockets. */
const struct rf_inode_ops rf_overlay_other_ops = {
    .readlink = read_link,
    .getattr = rf_overlay_getattr,
    .setattr = rf_overlay_setattr,
    .getxattr = rf_overlay_getxattr,
    .listxattr = rf_overlay_listxattr,
    .setxattr = rf_overlay_setxattr,
    .destroy = rf_overlay_destroy_inode,
};
