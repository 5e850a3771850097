/* System calls about what files are: status, rights, owners, times, links' targets. */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/path.h"

#include <string.h>

static uint32_t device_major(uint64_t device)
{
    return (uint32_t)((device >> 8) & 0xfff) | (uint32_t)((device >> 32) & ~UINT64_C(0xfff));
}

static uint32_t device_minor(uint64_t device)
{
    return (uint32_t)(device & 0xff) | (uint32_t)((device >> 12) & ~UINT64_C(0xff));
}

/* --- finding what a call is about --- */

/* The object of (dirfd, path, AT_* flags). The path may be empty with AT_EMPTY_PATH. */
static int64_t find(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t flags,
                    struct rf_dentry **out)
{
    char path[RF_PATH_MAX];
    bool empty_ok = flags & RF_AT_EMPTY_PATH;
    int64_t result = rf_path_from_user(k, path, user_path, empty_ok);
    if (result)
        return result;
    return rf_path_lookup(k, dirfd, path,
                          (flags & RF_AT_SYMLINK_NOFOLLOW ? 0 : RF_WALK_FOLLOW) |
                              (empty_ok ? RF_WALK_EMPTY : 0),
                          out);
}

/* --- stat --- */

static void fill_stat(const struct rf_kernel *k, const struct rf_inode *inode, struct rf_stat *out)
{
    *out = (struct rf_stat){
        .st_dev = inode->mount->device,
        .st_ino = inode->ino,
        .st_nlink = inode->nlink,
        .st_mode = inode->mode,
        .st_uid = rf_uid_shown(k, inode->uid),
        .st_gid = rf_gid_shown(k, inode->gid),
        .st_rdev = inode->rdev,
        .st_size = (int64_t)inode->size,
        .st_blksize = RF_PAGE_SIZE,
        .st_blocks = (int64_t)inode->blocks,
        .st_atim = inode->atime,
        .st_mtim = inode->mtime,
        .st_ctim = inode->ctime,
    };
}

static int64_t stat_inode(struct rf_kernel *k, struct rf_inode *inode, uint64_t user)
{
    int64_t result = rf_inode_getattr(k, inode);
    if (result)
        return result;
    struct rf_stat stat;
    fill_stat(k, inode, &stat);
    return RF_PUT_USER(k, user, stat);
}

static int64_t stat_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t flags,
                       uint64_t user)
{
    struct rf_dentry *dentry;
    int64_t result = find(k, dirfd, user_path, flags, &dentry);
    if (result)
        return result;
    result = stat_inode(k, dentry->inode, user);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_stat(struct rf_kernel *k, const uint64_t a[6])
{
    return stat_at(k, RF_AT_FDCWD, a[0], 0, a[1]);
}

static int64_t sys_lstat(struct rf_kernel *k, const uint64_t a[6])
{
    return stat_at(k, RF_AT_FDCWD, a[0], RF_AT_SYMLINK_NOFOLLOW, a[1]);
}

static int64_t sys_fstat(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file_or_path(k, (int)a[0]);
    return file ? stat_inode(k, file->inode, a[1]) : -RF_EBADF;
}

static int64_t sys_newfstatat(struct rf_kernel *k, const uint64_t a[6])
{
    const uint32_t known = RF_AT_SYMLINK_NOFOLLOW | RF_AT_NO_AUTOMOUNT | RF_AT_EMPTY_PATH |
                           RF_AT_STATX_SYNC_TYPE;
    uint32_t flags = (uint32_t)a[3];
    return flags & ~known ? -RF_EINVAL : stat_at(k, (int)a[0], a[1], flags, a[2]);
}

static struct rf_statx_timestamp to_statx_time(struct rf_timespec t)
{
    return (struct rf_statx_timestamp){ t.tv_sec, (uint32_t)t.tv_nsec, 0 };
}

static void fill_statx(const struct rf_kernel *k, const struct rf_dentry *dentry, struct rf_statx *out)
{
    const struct rf_inode *i = dentry->inode;
    *out = (struct rf_statx){
        .stx_mask = RF_STATX_BASIC_STATS | RF_STATX_MNT_ID |
                    (i->btime.tv_sec ? RF_STATX_BTIME : 0),
        .stx_blksize = RF_PAGE_SIZE,
        .stx_nlink = i->nlink,
        .stx_uid = rf_uid_shown(k, i->uid),
        .stx_gid = rf_gid_shown(k, i->gid),
        .stx_mode = (uint16_t)i->mode,
        .stx_ino = i->ino,
        .stx_size = i->size,
        .stx_blocks = i->blocks,
        .stx_attributes = dentry->point && dentry->point->root == dentry ? RF_STATX_ATTR_MOUNT_ROOT : 0,
        .stx_attributes_mask = RF_STATX_ATTR_MOUNT_ROOT,
        .stx_atime = to_statx_time(i->atime),
        .stx_btime = to_statx_time(i->btime),
        .stx_ctime = to_statx_time(i->ctime),
        .stx_mtime = to_statx_time(i->mtime),
        .stx_rdev_major = device_major(i->rdev),
        .stx_rdev_minor = device_minor(i->rdev),
        .stx_dev_major = device_major(i->mount->device),
        .stx_dev_minor = device_minor(i->mount->device),
        .stx_mnt_id = dentry->point ? dentry->point->id : i->mount->id,
    };
}

static int64_t sys_statx(struct rf_kernel *k, const uint64_t a[6])
{
    const uint32_t known = RF_AT_SYMLINK_NOFOLLOW | RF_AT_NO_AUTOMOUNT | RF_AT_EMPTY_PATH |
                           RF_AT_STATX_SYNC_TYPE;
    uint32_t flags = (uint32_t)a[2];
    if (((uint32_t)a[3] & 0x80000000u) || (flags & ~known) ||
        (flags & RF_AT_STATX_SYNC_TYPE) == RF_AT_STATX_SYNC_TYPE)
        return -RF_EINVAL;
    struct rf_dentry *dentry;
    int64_t result = find(k, (int)a[0], a[1], flags, &dentry);
    if (result)
        return result;
    result = rf_inode_getattr(k, dentry->inode);
    if (result == 0) {
        struct rf_statx statx;
        fill_statx(k, dentry, &statx);
        result = RF_PUT_USER(k, a[4], statx);
    }
    rf_dentry_put(k, dentry);
    return result;
}

/* --- access --- */

/* access(2) asks for the real user: as root it has what is permitted, as another nothing. */
static uint64_t access_capabilities(const struct rf_credentials *c)
{
    if (c->securebits & RF_SECBIT_NO_SETUID_FIXUP)
        return c->effective;
    return c->uid == rf_uid_to_kernel(c->user, 0) ? c->permitted : 0;
}

static int64_t access_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t mask,
                         uint32_t flags)
{
    if (mask & ~(uint32_t)(RF_R_OK | RF_W_OK | RF_X_OK))
        return -RF_EINVAL;
    if (flags & ~(uint32_t)(RF_AT_EACCESS | RF_AT_SYMLINK_NOFOLLOW | RF_AT_EMPTY_PATH))
        return -RF_EINVAL;
    struct rf_dentry *dentry;
    int64_t result = find(k, dirfd, user_path, flags, &dentry);
    if (result)
        return result;
    const struct rf_credentials *c = &k->current->credentials;
    if (mask)
        result = flags & RF_AT_EACCESS
                     ? rf_inode_permission(k, dentry->inode, (int)mask)
                     : rf_inode_access(k, dentry->inode, (int)mask, c->uid, c->gid, access_capabilities(c));
    uint32_t mode = dentry->inode->mode;
    if (result == 0 && mask & RF_W_OK && rf_has_mount_flag(dentry, RF_MS_RDONLY) &&
        (RF_S_ISREG(mode) || RF_S_ISDIR(mode) || RF_S_ISLNK(mode)))
        result = -RF_EROFS;
    if (mask & RF_X_OK && RF_S_ISREG(mode) && rf_has_mount_flag(dentry, RF_MS_NOEXEC))
        result = -RF_EACCES;
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_access(struct rf_kernel *k, const uint64_t a[6])
{
    return access_at(k, RF_AT_FDCWD, a[0], (uint32_t)a[1], 0);
}

static int64_t sys_faccessat(struct rf_kernel *k, const uint64_t a[6])
{
    return access_at(k, (int)a[0], a[1], (uint32_t)a[2], 0);
}

static int64_t sys_faccessat2(struct rf_kernel *k, const uint64_t a[6])
{
    return access_at(k, (int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3]);
}

/* --- readlink --- */

static int64_t readlink_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint64_t user,
                           int size)
{
    char path[RF_PATH_MAX];
    if (size <= 0)
        return -RF_EINVAL;
    int64_t result = rf_path_from_user(k, path, user_path, true);
    if (result)
        return result;
    struct rf_dentry *dentry;
    result = rf_path_lookup(k, dirfd, path, dirfd == RF_AT_FDCWD ? 0 : RF_WALK_EMPTY, &dentry);
    if (result)
        return result;
    struct rf_inode *inode = dentry->inode;
    if (!RF_S_ISLNK(inode->mode) || !inode->ops->readlink)
        result = path[0] ? -RF_EINVAL : -RF_ENOENT;
    else
        result = inode->ops->readlink(k, inode, path, sizeof path);
    rf_dentry_put(k, dentry);
    if (result < 0)
        return result;
    if (result > size)
        result = size;
    return rf_copy_to_user(k, user, path, (size_t)result) ? -RF_EFAULT : result;
}

static int64_t sys_readlink(struct rf_kernel *k, const uint64_t a[6])
{
    return readlink_at(k, RF_AT_FDCWD, a[0], a[1], (int)a[2]);
}

static int64_t sys_readlinkat(struct rf_kernel *k, const uint64_t a[6])
{
    return readlink_at(k, (int)a[0], a[1], a[2], (int)a[3]);
}

/* --- statfs --- */

static int64_t statfs_mount(struct rf_kernel *k, struct rf_mount *mount, const struct rf_dentry *dentry, uint64_t user)
{
    uint32_t flags = dentry && dentry->point ? dentry->point->flags : 0;
    struct rf_statfs out = {
        .f_type = (int64_t)mount->magic,
        .f_bsize = RF_PAGE_SIZE,
        .f_fsid = { (int32_t)mount->device, 0 },
        .f_namelen = RF_NAME_MAX,
        .f_frsize = RF_PAGE_SIZE,
        .f_flags = RF_ST_VALID | (flags & RF_MS_NOATIME ? RF_ST_NOATIME : flags & RF_MS_STRICTATIME ? 0u : RF_ST_RELATIME) |
                   (mount->read_only ? RF_ST_RDONLY : 0) | (flags & (RF_ST_RDONLY | RF_ST_NOSUID | RF_ST_NODEV | RF_ST_NOEXEC)),
    };
    if (mount->ops->statfs)
        mount->ops->statfs(k, mount, &out);
    return RF_PUT_USER(k, user, out);
}

static int64_t sys_statfs(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_dentry *dentry;
    int64_t result = find(k, RF_AT_FDCWD, a[0], 0, &dentry);
    if (result)
        return result;
    result = statfs_mount(k, dentry->inode->mount, dentry, a[1]);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_fstatfs(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file_or_path(k, (int)a[0]);
    return file ? statfs_mount(k, file->inode->mount, file->dentry, a[1]) : -RF_EBADF;
}

/* --- mode and owner --- */

/* fsnotify_change */
static int64_t set_attributes(struct rf_kernel *k, struct rf_inode *inode, const struct rf_dentry *dentry,
                              struct rf_attributes *change)
{
    uint32_t times = change->mask & (RF_ATTR_ATIME | RF_ATTR_MTIME), told = 0;
    if (change->mask & (RF_ATTR_UID | RF_ATTR_GID | RF_ATTR_MODE) || times == (RF_ATTR_ATIME | RF_ATTR_MTIME))
        told = RF_IN_ATTRIB;
    else if (times)
        told = times == RF_ATTR_ATIME ? RF_IN_ACCESS : RF_IN_MODIFY;
    int64_t result = rf_inode_setattr(k, inode, change);
    if (result == 0 && told)
        rf_notify(k, dentry, told);
    return result;
}

static int64_t change_mode(struct rf_kernel *k, struct rf_inode *inode, const struct rf_dentry *dentry, uint32_t mode)
{
    if (inode->mount->read_only || rf_has_mount_flag(dentry, RF_MS_RDONLY))
        return -RF_EROFS;
    if (RF_S_ISLNK(inode->mode))
        return -RF_EOPNOTSUPP;
    if (!rf_owner_or_capable(k, inode))
        return -RF_EPERM;
    if (!rf_in_group(k, inode->gid) && !rf_capable_for(k, inode, RF_CAP_FSETID))
        mode &= ~(uint32_t)RF_S_ISGID;
    struct rf_attributes change = { .mask = RF_ATTR_MODE, .mode = mode & RF_S_IALLUGO };
    return set_attributes(k, inode, dentry, &change);
}

static int64_t chmod_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t mode,
                        uint32_t flags)
{
    struct rf_dentry *dentry;
    int64_t result = find(k, dirfd, user_path, flags, &dentry);
    if (result)
        return result;
    result = change_mode(k, dentry->inode, dentry, mode);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_chmod(struct rf_kernel *k, const uint64_t a[6])
{
    return chmod_at(k, RF_AT_FDCWD, a[0], (uint32_t)a[1], 0);
}

static int64_t sys_fchmodat(struct rf_kernel *k, const uint64_t a[6])
{
    return chmod_at(k, (int)a[0], a[1], (uint32_t)a[2], 0);
}

static int64_t sys_fchmod(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    return file ? change_mode(k, file->inode, file->dentry, (uint32_t)a[1]) : -RF_EBADF;
}

static int64_t change_owner(struct rf_kernel *k, struct rf_inode *inode, const struct rf_dentry *dentry, uint32_t uid,
                            uint32_t gid)
{
    const struct rf_credentials *c = &k->current->credentials;
    bool root = rf_capable_for(k, inode, RF_CAP_CHOWN), owner = c->fsuid == inode->uid;
    if (inode->mount->read_only || rf_has_mount_flag(dentry, RF_MS_RDONLY))
        return -RF_EROFS;
    struct rf_attributes change = { .uid = rf_uid_given(k, uid), .gid = rf_gid_given(k, gid) };
    if ((uid != UINT32_MAX && change.uid == RF_NO_ID) || (gid != UINT32_MAX && change.gid == RF_NO_ID))
        return -RF_EINVAL;
    uid = change.uid;
    gid = change.gid;
    if (uid != UINT32_MAX) {
        if (!root && !(owner && uid == inode->uid))
            return -RF_EPERM;
        change.mask |= RF_ATTR_UID;
    }
    if (gid != UINT32_MAX) {
        if (!root && !(owner && (gid == inode->gid || rf_in_group(k, gid))))
            return -RF_EPERM;
        change.mask |= RF_ATTR_GID;
    }
    if (!RF_S_ISDIR(inode->mode)) { /* set-ID bits do not survive, whether or not an owner is given (chown_common) */
        uint32_t drop = RF_S_ISUID | (inode->mode & RF_S_IXGRP ? RF_S_ISGID : 0);
        change.mode = inode->mode & RF_S_IALLUGO & ~drop;
        if (inode->mode & drop)
            change.mask |= RF_ATTR_MODE;
        if (inode->mode & drop && !rf_owner_or_capable(k, inode))
            return -RF_EPERM; /* to lose them is a change of mode (setattr_prepare of fs/attr.c) */
    }
    return set_attributes(k, inode, dentry, &change);
}

static int64_t chown_at(struct rf_kernel *k, int dirfd, uint64_t user_path, const uint64_t ids[2],
                        uint32_t flags)
{
    struct rf_dentry *dentry;
    int64_t result = find(k, dirfd, user_path, flags, &dentry);
    if (result)
        return result;
    result = change_owner(k, dentry->inode, dentry, (uint32_t)ids[0], (uint32_t)ids[1]);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_chown(struct rf_kernel *k, const uint64_t a[6])
{
    return chown_at(k, RF_AT_FDCWD, a[0], a + 1, 0);
}

static int64_t sys_lchown(struct rf_kernel *k, const uint64_t a[6])
{
    return chown_at(k, RF_AT_FDCWD, a[0], a + 1, RF_AT_SYMLINK_NOFOLLOW);
}

static int64_t sys_fchownat(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[4];
    if (flags & ~(uint32_t)(RF_AT_SYMLINK_NOFOLLOW | RF_AT_EMPTY_PATH))
        return -RF_EINVAL;
    return chown_at(k, (int)a[0], a[1], a + 2, flags);
}

static int64_t sys_fchown(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    return file ? change_owner(k, file->inode, file->dentry, (uint32_t)a[1], (uint32_t)a[2]) : -RF_EBADF;
}

/* --- times --- */

/* times NULL: now, which also a user with write permission may set. */
static int64_t change_times(struct rf_kernel *k, struct rf_inode *inode, const struct rf_dentry *dentry,
                            const struct rf_timespec *times)
{
    struct rf_attributes change = { .mask = RF_ATTR_ATIME | RF_ATTR_MTIME };
    bool now = !times || (times[0].tv_nsec == RF_UTIME_NOW && times[1].tv_nsec == RF_UTIME_NOW);
    struct rf_timespec *slot[2] = { &change.atime, &change.mtime };
    static const uint32_t bit[2] = { RF_ATTR_ATIME, RF_ATTR_MTIME };
    for (int i = 0; i < 2; i++) {
        *slot[i] = rf_now(k);
        if (times && times[i].tv_nsec == RF_UTIME_OMIT)
            change.mask &= ~bit[i];
        else if (times && times[i].tv_nsec != RF_UTIME_NOW)
            *slot[i] = times[i];
    }
    if (inode->mount->read_only || rf_has_mount_flag(dentry, RF_MS_RDONLY))
        return -RF_EROFS;
    if (!rf_owner_or_capable(k, inode)) {
        int64_t result = now ? rf_inode_permission(k, inode, RF_W_OK) : -RF_EPERM;
        if (result)
            return result;
    }
    return set_attributes(k, inode, dentry, &change);
}

static bool nanoseconds_ok(const struct rf_timespec *t)
{
    return (t->tv_nsec >= 0 && t->tv_nsec < 1000000000) || t->tv_nsec == RF_UTIME_NOW ||
           t->tv_nsec == RF_UTIME_OMIT;
}

/* path 0: dirfd itself (futimens). */
static int64_t times_at(struct rf_kernel *k, int dirfd, uint64_t user_path,
                        const struct rf_timespec *times, uint32_t flags)
{
    if (times && (!nanoseconds_ok(&times[0]) || !nanoseconds_ok(&times[1])))
        return -RF_EINVAL;
    if (!user_path && dirfd != RF_AT_FDCWD) {
        struct rf_file *file = rf_fd_file(k, dirfd);
        if (flags)
            return -RF_EINVAL;
        return file ? change_times(k, file->inode, file->dentry, times) : -RF_EBADF;
    }
    if (flags & ~(uint32_t)(RF_AT_SYMLINK_NOFOLLOW | RF_AT_EMPTY_PATH))
        return -RF_EINVAL;
    struct rf_dentry *dentry;
    int64_t result = find(k, dirfd, user_path, flags, &dentry);
    if (result)
        return result;
    result = change_times(k, dentry->inode, dentry, times);
    rf_dentry_put(k, dentry);
    return result;
}

static int64_t sys_utimensat(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_timespec times[2];
    if (a[2]) {
        if (RF_GET_USER(k, times, a[2]))
            return -RF_EFAULT;
        if (times[0].tv_nsec == RF_UTIME_OMIT && times[1].tv_nsec == RF_UTIME_OMIT)
            return 0;
    }
    return times_at(k, (int)a[0], a[1], a[2] ? times : NULL, (uint32_t)a[3]);
}

static int64_t utimes_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint64_t user)
{
    struct rf_timeval values[2];
    struct rf_timespec times[2];
    if (user && RF_GET_USER(k, values, user))
        return -RF_EFAULT;
    for (int i = 0; user && i < 2; i++) {
        if (values[i].tv_usec < 0 || values[i].tv_usec >= 1000000)
            return -RF_EINVAL;
        times[i] = (struct rf_timespec){ values[i].tv_sec, values[i].tv_usec * 1000 };
    }
    return times_at(k, dirfd, user_path, user ? times : NULL, 0);
}

static int64_t sys_utimes(struct rf_kernel *k, const uint64_t a[6])
{
    return utimes_at(k, RF_AT_FDCWD, a[0], a[1]);
}

static int64_t sys_futimesat(struct rf_kernel *k, const uint64_t a[6])
{
    return utimes_at(k, (int)a[0], a[1], a[2]);
}

static int64_t sys_utime(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_utimbuf buffer;
    if (a[1] && RF_GET_USER(k, buffer, a[1]))
        return -RF_EFAULT;
    struct rf_timespec times[2] = { { 0, 0 }, { 0, 0 } };
    if (a[1]) {
        times[0].tv_sec = buffer.actime;
        times[1].tv_sec = buffer.modtime;
    }
    return times_at(k, RF_AT_FDCWD, a[0], a[1] ? times : NULL, 0);
}

static int64_t sys_umask(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t old = k->current->fs->umask;
    k->current->fs->umask = (uint32_t)a[0] & 0777;
    return old;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_stat, sys_stat },
    { RF_NR_lstat, sys_lstat },
    { RF_NR_fstat, sys_fstat },
    { RF_NR_newfstatat, sys_newfstatat },
    { RF_NR_statx, sys_statx },
    { RF_NR_access, sys_access },
    { RF_NR_faccessat, sys_faccessat },
    { RF_NR_faccessat2, sys_faccessat2 },
    { RF_NR_readlink, sys_readlink },
    { RF_NR_readlinkat, sys_readlinkat },
    { RF_NR_statfs, sys_statfs },
    { RF_NR_fstatfs, sys_fstatfs },
    { RF_NR_chmod, sys_chmod },
    { RF_NR_fchmod, sys_fchmod },
    { RF_NR_fchmodat, sys_fchmodat },
    { RF_NR_chown, sys_chown },
    { RF_NR_lchown, sys_lchown },
    { RF_NR_fchown, sys_fchown },
    { RF_NR_fchownat, sys_fchownat },
    { RF_NR_utime, sys_utime },
    { RF_NR_utimes, sys_utimes },
    { RF_NR_futimesat, sys_futimesat },
    { RF_NR_utimensat, sys_utimensat },
    { RF_NR_umask, sys_umask },
};
const struct rf_handler_table rf_handlers_stat = RF_HANDLER_TABLE(entries);
