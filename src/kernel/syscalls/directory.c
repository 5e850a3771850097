/* System calls about directories and names. */
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/path.h"

#include <string.h>

/* --- getdents --- */

struct listing {
    struct rf_kernel *k;
    struct rf_file *file;
    uint64_t user;      /* where the next record goes */
    uint64_t left;
    uint64_t used;
    bool old_layout;    /* getdents: the type is a record's last byte */
    int64_t error;
};

/* A record's length: fixed part, name, NUL (and type), rounded up to 8. */
static size_t record_size(const char *name, bool old_layout)
{
    size_t fixed = old_layout ? offsetof(struct rf_dirent, d_name) + 1
                              : offsetof(struct rf_dirent64, d_name);
    return (fixed + strlen(name) + 1 + 7) & ~(size_t)7;
}

static void fill_record(uint8_t *record, size_t size, const char *name, uint64_t ino,
                        uint64_t next_pos, uint8_t type, bool old_layout)
{
    uint16_t length = (uint16_t)size;
    memset(record, 0, size);
    memcpy(record, &ino, sizeof ino);
    memcpy(record + 8, &next_pos, sizeof next_pos);
    memcpy(record + 16, &length, sizeof length);
    if (old_layout) {
        memcpy(record + offsetof(struct rf_dirent, d_name), name, strlen(name));
        record[size - 1] = type;
    } else {
        record[offsetof(struct rf_dirent64, d_type)] = type;
        memcpy(record + offsetof(struct rf_dirent64, d_name), name, strlen(name));
    }
}

static bool emit_entry(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos)
{
    struct listing *l = user;
    uint8_t record[RF_NAME_MAX + 32];
    if (strlen(name) > RF_NAME_MAX)
        return true; /* cannot be told in a record: passed over */
    size_t size = record_size(name, l->old_layout);
    if (size > l->left) {
        l->error = -RF_EINVAL; /* when not even the first fits */
        return false;
    }
    fill_record(record, size, name, ino, next_pos, type, l->old_layout);
    if (rf_copy_to_user(l->k, l->user, record, size)) {
        l->error = -RF_EFAULT;
        return false;
    }
    l->user += size;
    l->left -= size;
    l->used += size;
    l->file->pos = next_pos;
    return true;
}

static int64_t list(struct rf_kernel *k, const uint64_t a[6], bool old_layout)
{
    struct rf_file *file = rf_fd_file(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if (!file->ops->readdir)
        return -RF_ENOTDIR;
    if (file->dentry && file->dentry->deleted)
        return -RF_ENOENT;
    struct listing l = { .k = k, .file = file, .user = a[1], .left = (uint32_t)a[2],
                         .old_layout = old_layout };
    int64_t result = file->ops->readdir(k, file, emit_entry, &l);
    rf_notify(k, file->dentry, RF_IN_ACCESS);
    if (l.used)
        return (int64_t)l.used;
    return result < 0 ? result : l.error;
}

static int64_t sys_getdents(struct rf_kernel *k, const uint64_t a[6])
{
    return list(k, a, true);
}

static int64_t sys_getdents64(struct rf_kernel *k, const uint64_t a[6])
{
    return list(k, a, false);
}

/* --- working directory and root --- */

static int64_t sys_chdir(struct rf_kernel *k, const uint64_t a[6])
{
    char path[RF_PATH_MAX];
    int64_t result = rf_path_from_user(k, path, a[0], false);
    return result ? result : rf_fs_chdir(k, k->current->fs, path);
}

static int64_t sys_fchdir(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_file *file = rf_fd_file_or_path(k, (int)a[0]);
    if (!file)
        return -RF_EBADF;
    if (!file->dentry || !rf_dentry_is_directory(file->dentry))
        return -RF_ENOTDIR;
    int64_t result = rf_inode_permission(k, file->inode, RF_X_OK);
    if (result)
        return result;
    rf_dentry_get(file->dentry);
    rf_dentry_put(k, k->current->fs->cwd);
    k->current->fs->cwd = file->dentry;
    return 0;
}

static int64_t sys_chroot(struct rf_kernel *k, const uint64_t a[6])
{
    char path[RF_PATH_MAX];
    struct rf_dentry *dir;
    int64_t result = rf_path_from_user(k, path, a[0], false);
    if (result == 0)
        result = rf_path_lookup(k, RF_AT_FDCWD, path, RF_WALK_FOLLOW | RF_WALK_DIRECTORY, &dir);
    if (result)
        return result;
    result = rf_inode_permission(k, dir->inode, RF_X_OK);
    if (result == 0 && !rf_capable_here(k, RF_CAP_SYS_CHROOT))
        result = -RF_EPERM;
    if (result) {
        rf_dentry_put(k, dir);
        return result;
    }
    rf_dentry_put(k, k->current->fs->root);
    k->current->fs->root = dir;
    return 0;
}

static int64_t sys_getcwd(struct rf_kernel *k, const uint64_t a[6])
{
    static const char prefix[] = "(unreachable)";
    struct rf_fs_context *fs = k->current->fs;
    char path[RF_PATH_MAX + sizeof prefix];
    bool reachable = true;
    if (fs->cwd->deleted)
        return -RF_ENOENT;
    int64_t length = rf_dentry_path(k, fs->cwd, fs->root, path, RF_PATH_MAX, &reachable);
    if (length < 0)
        return length;
    if (!reachable) {
        memmove(path + sizeof prefix - 1, path, (size_t)length + 1);
        memcpy(path, prefix, sizeof prefix - 1);
        length += (int64_t)sizeof prefix - 1;
    }
    if ((uint64_t)length + 1 > a[1])
        return -RF_ERANGE;
    return rf_copy_to_user(k, a[0], path, (size_t)length + 1) ? -RF_EFAULT : length + 1;
}

/* --- making, removing, renaming --- */

static int64_t mkdir_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t mode)
{
    char path[RF_PATH_MAX];
    int64_t result = rf_path_from_user(k, path, user_path, false);
    return result ? result : rf_vfs_mkdir(k, dirfd, path, mode);
}

static int64_t sys_mkdir(struct rf_kernel *k, const uint64_t a[6])
{
    return mkdir_at(k, RF_AT_FDCWD, a[0], (uint32_t)a[1]);
}

static int64_t sys_mkdirat(struct rf_kernel *k, const uint64_t a[6])
{
    return mkdir_at(k, (int)a[0], a[1], (uint32_t)a[2]);
}

static int64_t mknod_at(struct rf_kernel *k, int dirfd, uint64_t user_path, uint32_t mode,
                        uint32_t device)
{
    char path[RF_PATH_MAX];
    int64_t result = rf_path_from_user(k, path, user_path, false);
    return result ? result : rf_vfs_mknod(k, dirfd, path, mode & 0xffff, device);
}

static int64_t sys_mknod(struct rf_kernel *k, const uint64_t a[6])
{
    return mknod_at(k, RF_AT_FDCWD, a[0], (uint32_t)a[1], (uint32_t)a[2]);
}

static int64_t sys_mknodat(struct rf_kernel *k, const uint64_t a[6])
{
    return mknod_at(k, (int)a[0], a[1], (uint32_t)a[2], (uint32_t)a[3]);
}

static int64_t sys_rmdir(struct rf_kernel *k, const uint64_t a[6])
{
    char path[RF_PATH_MAX];
    int64_t result = rf_path_from_user(k, path, a[0], false);
    return result ? result : rf_vfs_rmdir(k, RF_AT_FDCWD, path);
}

static int64_t sys_unlink(struct rf_kernel *k, const uint64_t a[6])
{
    char path[RF_PATH_MAX];
    int64_t result = rf_path_from_user(k, path, a[0], false);
    return result ? result : rf_vfs_unlink(k, RF_AT_FDCWD, path);
}

static int64_t sys_unlinkat(struct rf_kernel *k, const uint64_t a[6])
{
    char path[RF_PATH_MAX];
    if ((uint32_t)a[2] & ~(uint32_t)RF_AT_REMOVEDIR)
        return -RF_EINVAL;
    int64_t result = rf_path_from_user(k, path, a[1], false);
    if (result)
        return result;
    return a[2] & RF_AT_REMOVEDIR ? rf_vfs_rmdir(k, (int)a[0], path)
                                  : rf_vfs_unlink(k, (int)a[0], path);
}

/* Two paths, the way rename, link and symlink take them. */
static int64_t two_paths(struct rf_kernel *k, uint64_t user1, char path1[RF_PATH_MAX],
                         bool empty_ok, uint64_t user2, char path2[RF_PATH_MAX])
{
    int64_t result = rf_path_from_user(k, path1, user1, empty_ok);
    return result ? result : rf_path_from_user(k, path2, user2, false);
}

static int64_t rename_at(struct rf_kernel *k, int old_dirfd, uint64_t old_path, int dirfd,
                         uint64_t path, uint32_t flags)
{
    char from[RF_PATH_MAX], to[RF_PATH_MAX];
    int64_t result = two_paths(k, old_path, from, false, path, to);
    return result ? result : rf_vfs_rename(k, old_dirfd, from, dirfd, to, flags);
}

static int64_t sys_rename(struct rf_kernel *k, const uint64_t a[6])
{
    return rename_at(k, RF_AT_FDCWD, a[0], RF_AT_FDCWD, a[1], 0);
}

static int64_t sys_renameat(struct rf_kernel *k, const uint64_t a[6])
{
    return rename_at(k, (int)a[0], a[1], (int)a[2], a[3], 0);
}

static int64_t sys_renameat2(struct rf_kernel *k, const uint64_t a[6])
{
    return rename_at(k, (int)a[0], a[1], (int)a[2], a[3], (uint32_t)a[4]);
}

static int64_t link_at(struct rf_kernel *k, int old_dirfd, uint64_t old_path, int dirfd,
                       uint64_t path, uint32_t flags)
{
    char from[RF_PATH_MAX], to[RF_PATH_MAX];
    int64_t result = two_paths(k, old_path, from, flags & RF_AT_EMPTY_PATH, path, to);
    return result ? result : rf_vfs_link(k, old_dirfd, from, dirfd, to, flags);
}

static int64_t sys_link(struct rf_kernel *k, const uint64_t a[6])
{
    return link_at(k, RF_AT_FDCWD, a[0], RF_AT_FDCWD, a[1], 0);
}

static int64_t sys_linkat(struct rf_kernel *k, const uint64_t a[6])
{
    return link_at(k, (int)a[0], a[1], (int)a[2], a[3], (uint32_t)a[4]);
}

static int64_t symlink_at(struct rf_kernel *k, uint64_t user_target, int dirfd, uint64_t user_path)
{
    char target[RF_PATH_MAX], path[RF_PATH_MAX];
    int64_t result = two_paths(k, user_target, target, false, user_path, path);
    return result ? result : rf_vfs_symlink(k, target, dirfd, path);
}

static int64_t sys_symlink(struct rf_kernel *k, const uint64_t a[6])
{
    return symlink_at(k, a[0], RF_AT_FDCWD, a[1]);
}

static int64_t sys_symlinkat(struct rf_kernel *k, const uint64_t a[6])
{
    return symlink_at(k, a[0], (int)a[1], a[2]);
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_getdents, sys_getdents },
    { RF_NR_getdents64, sys_getdents64 },
    { RF_NR_chdir, sys_chdir },
    { RF_NR_fchdir, sys_fchdir },
    { RF_NR_chroot, sys_chroot },
    { RF_NR_getcwd, sys_getcwd },
    { RF_NR_mkdir, sys_mkdir },
    { RF_NR_mkdirat, sys_mkdirat },
    { RF_NR_mknod, sys_mknod },
    { RF_NR_mknodat, sys_mknodat },
    { RF_NR_rmdir, sys_rmdir },
    { RF_NR_unlink, sys_unlink },
    { RF_NR_unlinkat, sys_unlinkat },
    { RF_NR_rename, sys_rename },
    { RF_NR_renameat, sys_renameat },
    { RF_NR_renameat2, sys_renameat2 },
    { RF_NR_link, sys_link },
    { RF_NR_linkat, sys_linkat },
    { RF_NR_symlink, sys_symlink },
    { RF_NR_symlinkat, sys_symlinkat },
};
const struct rf_handler_table rf_handlers_directory = RF_HANDLER_TABLE(entries);
