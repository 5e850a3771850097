/* System calls that change how large a file is and which parts of it exist: truncate(2), fallocate(2). */
#include "kernel/signal/signal.h"
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/path.h"

static int64_t sys_truncate(struct rf_kernel *k, const uint64_t a[6])
{
    char path[RF_PATH_MAX];
    if ((int64_t)a[1] < 0)
        return -RF_EINVAL;
    int64_t result = rf_path_from_user(k, path, a[0], false);
    if (result)
        return result;
    struct rf_dentry *dentry;
    result = rf_path_lookup(k, RF_AT_FDCWD, path, RF_WALK_FOLLOW, &dentry);
    if (result)
        return result;
    if (RF_S_ISDIR(dentry->inode->mode))
        result = -RF_EISDIR;
    else if (!RF_S_ISREG(dentry->inode->mode))
        result = -RF_EINVAL;
    else
        result = rf_inode_permission(k, dentry->inode, RF_W_OK);
    if (result == 0 && rf_inode_is_running(k, dentry->inode))
        result = -RF_ETXTBSY;
    if (result == 0)
        result = rf_inode_truncate(k, dentry->inode, a[1]);
    if (result == 0)
        rf_notify(k, dentry, RF_IN_MODIFY);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_ftruncate(struct rf_kernel *k, const uint64_t a[6])
{
    if ((int64_t)a[1] < 0)
        return -RF_EINVAL;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if (!RF_S_ISREG(file->inode->mode) || !(file->mode & RF_FMODE_WRITE))
        return -RF_EINVAL;
    int64_t result = rf_inode_truncate(k, file->inode, a[1]);
    if (result == 0)
        rf_notify(k, file->dentry, RF_IN_MODIFY);
    return result;
}

/* Which modes go together: vfs_fallocate of fs/open.c. */
static bool is_mode_known(uint32_t mode)
{
    switch (mode & ~(uint32_t)RF_FALLOC_FL_KEEP_SIZE) {
    case 0:
    case RF_FALLOC_FL_UNSHARE_RANGE:
    case RF_FALLOC_FL_ZERO_RANGE: return true;
    case RF_FALLOC_FL_PUNCH_HOLE: return mode & RF_FALLOC_FL_KEEP_SIZE;
    case RF_FALLOC_FL_COLLAPSE_RANGE:
    case RF_FALLOC_FL_INSERT_RANGE: return !(mode & RF_FALLOC_FL_KEEP_SIZE);
    default: return false;
    }
}

static int64_t check_fallocate(const struct rf_file *file, uint32_t mode, int64_t start, int64_t length)
{
    int64_t end;
    if (start < 0 || length <= 0)
        return -RF_EINVAL;
    if (!is_mode_known(mode))
        return -RF_EOPNOTSUPP;
    if (!(file->mode & RF_FMODE_WRITE))
        return -RF_EBADF;
    if (RF_S_ISFIFO(file->inode->mode))
        return -RF_ESPIPE;
    if (RF_S_ISDIR(file->inode->mode))
        return -RF_EISDIR;
    if (!RF_S_ISREG(file->inode->mode))
        return -RF_ENODEV;
    return __builtin_add_overflow(start, length, &end) ? -RF_EFBIG : 0;
}

/* Growth is limited by RLIMIT_FSIZE (inode_newsize_ok). */
static int64_t check_growth(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t end)
{
    bool grows = !(mode & (RF_FALLOC_FL_KEEP_SIZE | RF_FALLOC_FL_COLLAPSE_RANGE)) && end > inode->size;
    if (!grows || end <= k->current->process->rlimit[RF_RLIMIT_FSIZE].rlim_cur)
        return 0;
    rf_signal_send_current(k, RF_SIGXFSZ);
    return -RF_EFBIG;
}

static int64_t sys_fallocate(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t mode = (uint32_t)a[1];
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    int64_t error = check_fallocate(file, mode, (int64_t)a[2], (int64_t)a[3]);
    if (!error && !file->inode->ops->fallocate)
        error = -RF_EOPNOTSUPP;
    if (!error)
        error = rf_inode_getattr(k, file->inode);
    if (!error)
        error = check_growth(k, file->inode, mode, a[2] + a[3]);
    if (!error)
        error = file->inode->ops->fallocate(k, file->inode, mode, a[2], a[3]);
    if (!error)
        rf_notify(k, file->dentry, RF_IN_MODIFY);
    return error;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_truncate, sys_truncate },
    { RF_NR_ftruncate, sys_ftruncate },
    { RF_NR_fallocate, sys_fallocate },
};
const struct rf_handler_table rf_handlers_file_size = RF_HANDLER_TABLE(entries);
