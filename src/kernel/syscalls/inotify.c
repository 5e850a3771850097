/* inotify_init, inotify_init1, inotify_add_watch, inotify_rm_watch. */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/path.h"

static int64_t create(struct rf_kernel *k, uint32_t flags)
{
    struct rf_file *file;
    int64_t result = rf_inotify_create(k, flags, &file);
    if (result)
        return result;
    result = rf_fd_install(k, file, 0, flags & RF_IN_CLOEXEC);
    if (result < 0)
        rf_file_put(k, file);
    return result;
}

static int64_t sys_inotify_init(struct rf_kernel *k, const uint64_t a[6])
{
    (void)a;
    return create(k, 0);
}

static int64_t sys_inotify_init1(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[0];
    return flags & ~(uint32_t)(RF_IN_NONBLOCK | RF_IN_CLOEXEC) ? -RF_EINVAL : create(k, flags);
}

static int64_t sys_inotify_add_watch(struct rf_kernel *k, const uint64_t a[6])
{
    const uint32_t known = RF_IN_ALL_EVENTS | RF_IN_UNMOUNT | RF_IN_Q_OVERFLOW | RF_IN_IGNORED | RF_IN_ONLYDIR |
                           RF_IN_DONT_FOLLOW | RF_IN_EXCL_UNLINK | RF_IN_MASK_ADD | RF_IN_MASK_CREATE | RF_IN_ISDIR |
                           RF_IN_ONESHOT;
    uint32_t mask = (uint32_t)a[2];
    char path[RF_PATH_MAX];
    struct rf_dentry *dentry;
    if (!(mask & known))
        return -RF_EINVAL;
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if ((mask & RF_IN_MASK_ADD && mask & RF_IN_MASK_CREATE) || !rf_file_is_inotify(file))
        return -RF_EINVAL;
    int64_t result = rf_path_from_user(k, path, a[1], false);
    uint32_t walk = (mask & RF_IN_DONT_FOLLOW ? 0 : RF_WALK_FOLLOW) | (mask & RF_IN_ONLYDIR ? RF_WALK_DIRECTORY : 0);
    if (!result)
        result = rf_path_lookup(k, RF_AT_FDCWD, path, walk, &dentry);
    if (result)
        return result;
    result = rf_inode_permission(k, dentry->inode, RF_R_OK);
    if (!result)
        result = rf_inotify_watch(k, file, dentry->inode, mask);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_inotify_rm_watch(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    return rf_file_is_inotify(file) ? rf_inotify_unwatch(k, file, (int32_t)a[1]) : -RF_EINVAL;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_inotify_init, sys_inotify_init },
    { RF_NR_inotify_init1, sys_inotify_init1 },
    { RF_NR_inotify_add_watch, sys_inotify_add_watch },
    { RF_NR_inotify_rm_watch, sys_inotify_rm_watch },
};
const struct rf_handler_table rf_handlers_inotify = RF_HANDLER_TABLE(entries);
