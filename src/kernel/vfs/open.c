/* Opening by path: flags, creation, permission, truncation, and the driver's own open. */
#include "kernel/fs/fs.h"
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/path.h"

/* A description that is only a name (O_PATH). */
static const struct rf_file_ops path_ops;
/* Directories read by readdir alone; files of drivers without operations. */
static const struct rf_file_ops no_ops;

#define KNOWN_FLAGS                                                                             \
    (RF_O_ACCMODE | RF_O_CREAT | RF_O_EXCL | RF_O_NOCTTY | RF_O_TRUNC | RF_O_APPEND |            \
     RF_O_NONBLOCK | RF_O_SYNC | RF_O_ASYNC | RF_O_DIRECT | RF_O_LARGEFILE | RF_O_DIRECTORY |    \
     RF_O_NOFOLLOW | RF_O_NOATIME | RF_O_CLOEXEC | RF_O_PATH | RF_O_TMPFILE)
/* Flags that say how to open and are not kept. */
#define OPENING_FLAGS (RF_O_CREAT | RF_O_EXCL | RF_O_NOCTTY | RF_O_TRUNC | RF_O_CLOEXEC)
#define TMPFILE_BIT (RF_O_TMPFILE & ~RF_O_DIRECTORY)

static int wanted_access(uint32_t flags)
{
    static const int access[4] = { RF_R_OK, RF_W_OK, RF_R_OK | RF_W_OK, RF_R_OK | RF_W_OK };
    int mask = access[flags & RF_O_ACCMODE];
    return flags & RF_O_TRUNC ? mask | RF_W_OK : mask;
}

/* may_open of fs/namei.c: what kind of object, then rights. */
static int64_t check_open(struct rf_kernel *k, struct rf_inode *inode, uint32_t flags, bool created)
{
    if (RF_S_ISLNK(inode->mode))
        return -RF_ELOOP;
    if (RF_S_ISDIR(inode->mode) && (wanted_access(flags) & RF_W_OK))
        return -RF_EISDIR;
    if (RF_S_ISSOCK(inode->mode))
        return created ? 0 : -RF_ENXIO;
    int64_t result = created ? 0 : rf_inode_permission(k, inode, wanted_access(flags));
    if (result)
        return result;
    if ((flags & RF_O_NOATIME) && !rf_owner_or_capable(k, inode))
        return -RF_EPERM;
    return 0;
}

static int64_t driver_open(struct rf_kernel *k, struct rf_file *file)
{
    struct rf_inode *inode = file->inode;
    int64_t result = inode->ops->open ? inode->ops->open(k, inode, file) : 0;
    if (result)
        return result;
    if (RF_S_ISCHR(inode->mode) && file->ops == &no_ops)
        return rf_device_open(k, file);
    if (RF_S_ISFIFO(inode->mode) && file->ops == &no_ops)
        return rf_fifo_open(k, file);
    if (RF_S_ISBLK(inode->mode))
        return -RF_ENXIO;
    return 0;
}

/* A file that could not be opened: the driver's release must not see it. */
static void discard(struct rf_kernel *k, struct rf_file *file)
{
    file->ops = &no_ops;
    rf_file_put(k, file);
}

int64_t rf_dentry_open(struct rf_kernel *k, struct rf_dentry *dentry, uint32_t flags, bool created,
                       struct rf_file **out)
{
    struct rf_inode *inode = dentry->inode;
    struct rf_file *file;
    if (flags & RF_O_PATH) {
        file = rf_file_alloc(k, &path_ops, inode, dentry, flags & (RF_O_PATH | RF_O_DIRECTORY | RF_O_NOFOLLOW));
        if (!file)
            return -RF_ENOMEM;
        file->mode = RF_FMODE_PATH;
        *out = file;
        return 0;
    }
    int64_t result = check_open(k, inode, flags, created);
    bool special = !RF_S_ISREG(inode->mode) && !RF_S_ISDIR(inode->mode);
    if (!result && !special && wanted_access(flags) & RF_W_OK && rf_has_mount_flag(dentry, RF_MS_RDONLY))
        result = -RF_EROFS;
    if (!result && (RF_S_ISCHR(inode->mode) || RF_S_ISBLK(inode->mode)) && rf_has_mount_flag(dentry, RF_MS_NODEV))
        result = -RF_EACCES;
    if (result)
        return result;
    file = rf_file_alloc(k, inode->file_ops ? inode->file_ops : &no_ops, inode, dentry,
                         (flags & ~(uint32_t)OPENING_FLAGS) | (flags & RF_O_NOCTTY)); /* which terminals look at */
    if (!file)
        return -RF_ENOMEM;
    bool writes = (file->mode & RF_FMODE_WRITE) && RF_S_ISREG(inode->mode);
    if ((writes || (flags & RF_O_TRUNC)) && rf_inode_is_running(k, inode))
        result = -RF_ETXTBSY;
    else
        result = driver_open(k, file);
    file->flags &= ~(uint32_t)RF_O_NOCTTY;
    if (result) {
        discard(k, file);
        return result;
    }
    if (writes) {
        file->mode |= RF_FMODE_WRITER;
        inode->writers++;
    }
    if ((flags & RF_O_TRUNC) && !created && RF_S_ISREG(inode->mode)) /* that is part of opening: nobody is told */
        result = rf_inode_truncate(k, inode, 0);
    if (result) {
        rf_file_put(k, file);
        return result;
    }
    rf_notify(k, dentry, RF_IN_OPEN);
    *out = file;
    return 0;
}

static int64_t make_file(struct rf_kernel *k, struct rf_path_parent *parent, uint32_t mode,
                         struct rf_dentry **out)
{
    int64_t result = rf_may_create(k, parent->dir);
    if (result)
        return result;
    struct rf_inode *dir = parent->dir->inode, *inode;
    if (!dir->ops->create)
        return -RF_EACCES;
    mode &= ~(k->current && k->current->fs ? k->current->fs->umask : 0);
    result = dir->ops->create(k, dir, parent->name, RF_S_IFREG | (mode & RF_S_IALLUGO), 0, &inode);
    if (result)
        return result;
    *out = rf_dentry_new(k, parent->dir, parent->name, inode);
    rf_inode_put(k, inode);
    rf_notify_entry(k, parent->dir, RF_IN_CREATE, parent->name, RF_S_IFREG);
    return *out ? 0 : -RF_ENOMEM;
}

static int64_t open_creating(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags,
                             uint32_t mode, uint32_t walk, struct rf_file **out)
{
    struct rf_path_parent parent;
    struct rf_dentry *dentry;
    if (flags & RF_O_EXCL)
        walk &= ~(uint32_t)RF_WALK_FOLLOW;
    int64_t result = rf_path_create(k, dirfd, path, walk, &parent, &dentry);
    if (result)
        return result;
    bool created = !dentry;
    if (created)
        result = make_file(k, &parent, mode, &dentry);
    else if (flags & RF_O_EXCL)
        result = -RF_EEXIST;
    else if (rf_dentry_is_directory(dentry))
        result = -RF_EISDIR;
    if (result == 0)
        result = rf_dentry_open(k, dentry, flags, created, out);
    rf_dentry_put(k, dentry);
    rf_dentry_put(k, parent.dir);
    return result;
}

static int64_t open_tmpfile(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags,
                            uint32_t mode, uint32_t walk, struct rf_file **out)
{
    struct rf_dentry *dir, *dentry = NULL;
    struct rf_inode *inode;
    int64_t result = rf_path_lookup(k, dirfd, path, walk | RF_WALK_DIRECTORY, &dir);
    if (result)
        return result;
    result = rf_may_create(k, dir);
    if (result == 0 && !dir->inode->ops->tmpfile)
        result = -RF_EOPNOTSUPP;
    mode &= ~(k->current && k->current->fs ? k->current->fs->umask : 0);
    if (result == 0)
        result = dir->inode->ops->tmpfile(k, dir->inode, RF_S_IFREG | mode, &inode);
    if (result == 0) {
        inode->linkable = !(flags & RF_O_EXCL);
        dentry = rf_dentry_new(k, dir, "#tmpfile", inode);
        rf_inode_put(k, inode);
        if (dentry)
            rf_dentry_forget(k, dir, "#tmpfile");
        result = dentry ? rf_dentry_open(k, dentry, flags & ~(uint32_t)TMPFILE_BIT, true, out)
                        : -RF_ENOMEM;
    }
    rf_dentry_put(k, dentry);
    rf_dentry_put(k, dir);
    return result;
}

static int64_t check_flags(uint32_t flags)
{
    if (flags & RF_O_PATH)
        return 0;
    if (flags & TMPFILE_BIT) {
        if ((flags & RF_O_TMPFILE) != RF_O_TMPFILE || !(flags & RF_O_ACCMODE) ||
            (flags & RF_O_CREAT))
            return -RF_EINVAL;
    } else if ((flags & (RF_O_CREAT | RF_O_DIRECTORY)) == (RF_O_CREAT | RF_O_DIRECTORY)) {
        return -RF_EINVAL;
    }
    return 0;
}

int64_t rf_vfs_open_walk(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags,
                         uint32_t mode, uint32_t walk, struct rf_file **out)
{
    flags &= KNOWN_FLAGS;
    int64_t result = check_flags(flags);
    if (result)
        return result;
    if (flags & RF_O_PATH)
        flags &= RF_O_PATH | RF_O_DIRECTORY | RF_O_NOFOLLOW | RF_O_CLOEXEC;
    if (!(flags & RF_O_NOFOLLOW))
        walk |= RF_WALK_FOLLOW;
    mode &= RF_S_IALLUGO;
    if (flags & TMPFILE_BIT)
        return open_tmpfile(k, dirfd, path, flags, mode, walk, out);
    if (flags & RF_O_CREAT)
        return open_creating(k, dirfd, path, flags, mode, walk, out);
    if (flags & RF_O_DIRECTORY)
        walk |= RF_WALK_DIRECTORY;
    struct rf_dentry *dentry;
    result = rf_path_lookup(k, dirfd, path, walk, &dentry);
    if (result)
        return result;
    result = rf_dentry_open(k, dentry, flags, false, out);
    rf_dentry_put(k, dentry);
    return result;
}

int64_t rf_vfs_open(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags, uint32_t mode,
                    struct rf_file **out)
{
    return rf_vfs_open_walk(k, dirfd, path, flags, mode, 0, out);
}

int64_t rf_vfs_open_exec(struct rf_kernel *k, int dirfd, const char *path, uint32_t at_flags,
                         struct rf_file **out)
{
    uint32_t walk = (at_flags & RF_AT_SYMLINK_NOFOLLOW ? 0 : RF_WALK_FOLLOW) |
                    (at_flags & RF_AT_EMPTY_PATH ? RF_WALK_EMPTY : 0);
    struct rf_dentry *dentry;
    int64_t result = rf_path_lookup(k, dirfd, path, walk, &dentry);
    if (result)
        return result;
    if (RF_S_ISLNK(dentry->inode->mode))
        result = -RF_ELOOP;
    else if (!RF_S_ISREG(dentry->inode->mode))
        result = -RF_EACCES;
    else
        result = rf_inode_permission(k, dentry->inode, RF_X_OK);
    if (result == 0 && rf_has_mount_flag(dentry, RF_MS_NOEXEC))
        result = -RF_EACCES;
    if (result == 0 && dentry->inode->writers)
        result = -RF_ETXTBSY;
    if (result == 0) /* the right to execute is enough */
        result = rf_dentry_open(k, dentry, RF_O_RDONLY, true, out);
    rf_dentry_put(k, dentry);
    return result;
}
