/* Open files: references, reading, writing, seeking, and what mappings ask of them. */
#include "kernel/fs/epoll.h"
#include "kernel/fs/fs.h"
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/async.h"
#include "kernel/vfs/lock.h"
#include "kernel/vfs/notify.h"

#include <string.h>

struct rf_file *rf_file_alloc(struct rf_kernel *k, const struct rf_file_ops *ops,
                              struct rf_inode *inode, struct rf_dentry *dentry, uint32_t flags)
{
    static const uint32_t modes[4] = { RF_FMODE_READ, RF_FMODE_WRITE,
                                       RF_FMODE_READ | RF_FMODE_WRITE, 0 };
    struct rf_file *file = rf_kalloc(k, sizeof *file);
    if (!file)
        return NULL;
    file->ops = ops;
    file->inode = inode;
    file->dentry = dentry;
    file->references = 1;
    file->flags = flags;
    file->mode = modes[flags & RF_O_ACCMODE];
    file->host_fd = -1;
    rf_inode_get(inode);
    if (dentry)
        rf_dentry_get(dentry);
    return file;
}

void rf_file_get(struct rf_file *file)
{
    file->references++;
}

void rf_file_put(struct rf_kernel *k, struct rf_file *file)
{
    if (!file || --file->references)
        return;
    rf_epoll_forget(k, file);
    rf_async_forget(k, file);
    if (!(file->mode & RF_FMODE_PATH))
        rf_notify(k, file->dentry, file->mode & RF_FMODE_WRITE ? RF_IN_CLOSE_WRITE : RF_IN_CLOSE_NOWRITE);
    if (file->mode & RF_FMODE_WRITER)
        file->inode->writers--;
    rf_lock_drop(k, file->inode, file);
    if (file->ops->release)
        file->ops->release(k, file);
    rf_dentry_put(k, file->dentry);
    rf_inode_put(k, file->inode);
    rf_kfree(k, file);
}

static void set_access_time(struct rf_kernel *k, struct rf_inode *inode, struct rf_timespec now)
{
    struct rf_attributes change = { .mask = RF_ATTR_ATIME, .atime = now };
    if (inode->ops->setattr)
        inode->ops->setattr(k, inode, &change); /* it is not worth an error */
}

static void touch_access_time(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_inode *inode = file->inode;
    if ((file->flags & RF_O_NOATIME) || inode->mount->read_only || inode->mount->changes_outside ||
        rf_has_mount_flag(file->dentry, RF_MS_RDONLY | RF_MS_NOATIME))
        return;
    /* relatime: once after a change, or once a day */
    struct rf_timespec now = rf_now(k), *a = &inode->atime, *m = &inode->mtime, *c = &inode->ctime;
    bool older_than_m = a->tv_sec < m->tv_sec ||
                        (a->tv_sec == m->tv_sec && a->tv_nsec <= m->tv_nsec);
    bool older_than_c = a->tv_sec < c->tv_sec ||
                        (a->tv_sec == c->tv_sec && a->tv_nsec <= c->tv_nsec);
    if (rf_has_mount_flag(file->dentry, RF_MS_STRICTATIME) || older_than_m || older_than_c || now.tv_sec - a->tv_sec >= 24 * 60 * 60)
        set_access_time(k, inode, now);
}

/* rw_verify_area of fs/read_write.c. */
static bool is_range(const struct rf_file *file, uint64_t at, uint64_t size)
{
    return file->mode & RF_FMODE_STREAM || ((int64_t)at >= 0 && (int64_t)(at + size) >= 0);
}

int64_t rf_file_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    if (!(file->mode & RF_FMODE_READ))
        return -RF_EBADF;
    if (RF_S_ISDIR(file->inode->mode))
        return -RF_EISDIR;
    if (!file->ops->read)
        return -RF_EINVAL;
    uint64_t *at = pos ? pos : &file->pos;
    if (!is_range(file, *at, uio->left))
        return -RF_EINVAL;
    int64_t result = file->ops->read(k, file, uio, at);
    rf_epoll_used(file);
    if (result > 0)
        rf_notify(k, file->dentry, RF_IN_ACCESS);
    if (result > 0 && RF_S_ISREG(file->inode->mode))
        touch_access_time(k, file);
    return result;
}

/* RLIMIT_FSIZE and the largest offset: how much of a write may happen, or -errno. */
static int64_t limit_write(struct rf_kernel *k, struct rf_uio *uio, uint64_t pos)
{
    uint64_t limit = INT64_MAX;
    uint64_t soft = k->current ? k->current->process->rlimit[RF_RLIMIT_FSIZE].rlim_cur : limit;
    if (soft < limit)
        limit = soft;
    if (uio->left == 0)
        return 0;
    if (pos >= limit) {
        if (limit == soft)
            rf_signal_send_current(k, RF_SIGXFSZ);
        return -RF_EFBIG;
    }
    if (uio->left > limit - pos)
        uio->left = limit - pos;
    return 0;
}

void rf_inode_drop_privilege(struct rf_kernel *k, struct rf_inode *inode)
{
    if (!k->current || rf_capable_here(k, RF_CAP_FSETID))
        return;
    uint32_t mode = inode->mode & ~(uint32_t)RF_S_ISUID;
    if ((mode & (RF_S_ISGID | RF_S_IXGRP)) == (RF_S_ISGID | RF_S_IXGRP))
        mode &= ~(uint32_t)RF_S_ISGID;
    struct rf_attributes change = { .mask = RF_ATTR_MODE, .mode = mode & RF_S_IALLUGO };
    if (mode != inode->mode)
        rf_inode_setattr(k, inode, &change);
}

int64_t rf_file_write(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    if (!(file->mode & RF_FMODE_WRITE))
        return -RF_EBADF;
    if (!file->ops->write)
        return -RF_EINVAL;
    uint64_t *at = pos ? pos : &file->pos;
    bool regular = RF_S_ISREG(file->inode->mode) && !(file->mode & RF_FMODE_STREAM);
    if (!is_range(file, *at, uio->left))
        return -RF_EINVAL;
    if (regular) {
        int64_t result = 0;
        if (file->flags & RF_O_APPEND) {
            result = rf_inode_getattr(k, file->inode);
            if (result == 0 && uio->left)
                *at = file->inode->size;
        }
        if (result == 0)
            result = limit_write(k, uio, *at);
        if (result)
            return result;
    }
    int64_t result = file->ops->write(k, file, uio, at);
    rf_epoll_used(file);
    if (result > 0)
        rf_notify(k, file->dentry, RF_IN_MODIFY);
    if (result > 0 && regular)
        rf_inode_drop_privilege(k, file->inode);
    return result;
}

/* SEEK_DATA and SEEK_HOLE where the driver knows of no holes: all is data. */
static int64_t seek_data(uint64_t size, int64_t offset, int whence)
{
    if (offset < 0 || (uint64_t)offset >= size)
        return -RF_ENXIO;
    return whence == RF_SEEK_DATA ? offset : (int64_t)size;
}

static int64_t seek_target(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    int64_t result = rf_inode_getattr(k, file->inode);
    if (result)
        return result;
    int64_t base = 0;
    switch (whence) {
    case RF_SEEK_SET: break;
    case RF_SEEK_CUR: base = (int64_t)file->pos; break;
    case RF_SEEK_END: base = (int64_t)file->inode->size; break;
    case RF_SEEK_DATA:
    case RF_SEEK_HOLE: return seek_data(file->inode->size, offset, whence);
    default: return -RF_EINVAL;
    }
    int64_t target;
    if (__builtin_add_overflow(base, offset, &target) || target < 0)
        return -RF_EINVAL;
    return target;
}

int64_t rf_file_seek(struct rf_kernel *k, struct rf_file *file, int64_t offset, int whence)
{
    if (whence < 0 || whence > RF_SEEK_HOLE)
        return -RF_EINVAL;
    if (file->mode & RF_FMODE_STREAM)
        return -RF_ESPIPE;
    if (file->ops->seek)
        return file->ops->seek(k, file, offset, whence);
    int64_t target = seek_target(k, file, offset, whence);
    if (target >= 0)
        file->pos = (uint64_t)target;
    return target;
}

int64_t rf_file_sync(struct rf_kernel *k, struct rf_file *file)
{
    if (file->ops->fsync)
        return file->ops->fsync(k, file);
    if (file->inode->ops->sync)
        return file->inode->ops->sync(k, file->inode);
    return RF_S_ISREG(file->inode->mode) || RF_S_ISDIR(file->inode->mode) ? 0 : -RF_EINVAL;
}

/* --- for exec and the memory manager --- */

int64_t rf_file_read_kernel(struct rf_kernel *k, struct rf_file *file, void *out, size_t size,
                            uint64_t offset)
{
    if (!file->ops->read || !RF_S_ISREG(file->inode->mode))
        return -RF_EINVAL;
    size_t done = 0;
    while (done < size) {
        struct rf_uio uio;
        uint64_t pos = offset + done;
        rf_uio_kernel(&uio, k, (uint8_t *)out + done, size - done);
        int64_t n = file->ops->read(k, file, &uio, &pos);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

uint64_t rf_file_size(struct rf_kernel *k, struct rf_file *file)
{
    rf_inode_getattr(k, file->inode); /* on failure: what was known last */
    return file->inode->size;
}

int64_t rf_file_may_execute(struct rf_kernel *k, struct rf_file *file)
{
    if (!RF_S_ISREG(file->inode->mode))
        return -RF_EACCES;
    return rf_inode_permission(k, file->inode, RF_X_OK);
}

bool rf_file_is_nosuid(const struct rf_file *file)
{
    return rf_has_mount_flag(file->dentry, RF_MS_NOSUID);
}

bool rf_file_is_noexec(const struct rf_file *file)
{
    return rf_has_mount_flag(file->dentry, RF_MS_NOEXEC);
}

int64_t rf_file_path(struct rf_kernel *k, struct rf_file *file, char *out, size_t size)
{
    struct rf_dentry *root = k->current && k->current->fs ? k->current->fs->root : NULL;
    if (file->dentry)
        return rf_dentry_path(k, file->dentry, root, out, size, NULL);
    if (size == 0)
        return -RF_ENAMETOOLONG;
    out[0] = '\0';
    return 0;
}

int64_t rf_file_page(struct rf_kernel *k, struct rf_file *file, uint64_t index, uint64_t *pa)
{
    const struct rf_inode_ops *ops = file->inode->ops;
    return ops->page ? ops->page(k, file->inode, index, pa) : -RF_ENODEV;
}

int64_t rf_file_may_map(struct rf_kernel *k, struct rf_file *file, uint32_t prot, bool shared)
{
    (void)k;
    if (!(file->mode & RF_FMODE_READ))
        return -RF_EACCES;
    if (shared && (prot & RF_PROT_WRITE) && !(file->mode & RF_FMODE_WRITE))
        return -RF_EACCES;
    if (!file->inode->ops->page || !(RF_S_ISREG(file->inode->mode) || !(file->inode->mode & RF_S_IFMT)))
        return -RF_ENODEV;
    if (shared && prot & RF_PROT_WRITE && file->inode->seals & (RF_F_SEAL_WRITE | RF_F_SEAL_FUTURE_WRITE))
        return -RF_EPERM;
    if (shared && (file->mode & RF_FMODE_WRITE))
        file->inode->shared_writers = 1; /* mprotect may make it writable later */
    return 0;
}
