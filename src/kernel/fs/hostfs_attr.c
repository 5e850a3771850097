/* Attributes of host files: shown as the host has them, changed as far as it allows. */
#include "kernel/fs/hostfs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FCHMODAT2 452

static struct rf_timespec from_host(struct timespec t)
{
    return (struct rf_timespec){ t.tv_sec, t.tv_nsec };
}

void rf_host_take_attributes(struct rf_inode *inode, const struct stat *st)
{
    inode->mode = st->st_mode;
    inode->uid = st->st_uid;
    inode->gid = st->st_gid;
    inode->nlink = (uint32_t)st->st_nlink;
    inode->ino = st->st_ino;
    inode->rdev = st->st_rdev;
    inode->size = (uint64_t)st->st_size;
    inode->blocks = (uint64_t)st->st_blocks;
    inode->atime = from_host(st->st_atim);
    inode->mtime = from_host(st->st_mtim);
    inode->ctime = from_host(st->st_ctim);
}

/* When it was made never changes: asked once. */
static void take_birth(struct rf_inode *inode, int dir, const char *name)
{
    struct statx x;
    if (inode->btime.tv_sec || inode->btime.tv_nsec)
        return;
    inode->btime.tv_nsec = 1; /* asked */
    if (statx(dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BTIME, &x) == 0 && x.stx_mask & STATX_BTIME)
        inode->btime = (struct rf_timespec){ x.stx_btime.tv_sec, x.stx_btime.tv_nsec };
}

static int any_fd(const struct rf_hostfs_inode *host)
{
    return host->read_fd >= 0 ? host->read_fd : host->write_fd >= 0 ? host->write_fd : host->path_fd;
}

/* Where the object is: a directory's descriptor and a name in it. */
static int64_t location(const struct rf_inode *inode, const char **name)
{
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    *name = host->dir ? host->name : ".";
    return host->dir ? rf_host_directory(host->dir) : host->path_fd;
}

int64_t rf_hostfs_getattr(struct rf_kernel *k, struct rf_inode *inode)
{
    (void)k;
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    struct stat st;
    int fd = any_fd(host);
    if (fd >= 0) {
        if (fstat(fd, &st) < 0)
            return rf_host_error();
        rf_host_take_attributes(inode, &st);
        take_birth(inode, fd, "");
        return 0;
    }
    const char *name;
    int64_t dir = location(inode, &name);
    if (dir >= 0 && fstatat((int)dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        st.st_ino == host->host_ino && st.st_dev == host->host_device) {
        rf_host_take_attributes(inode, &st);
        take_birth(inode, (int)dir, name);
    } else {
        inode->nlink = 0; /* its name is gone; what was known stays */
    }
    return 0;
}

static int64_t set_mode(struct rf_inode *inode, uint32_t mode)
{
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    const char *name;
    if (host->read_fd >= 0 || host->write_fd >= 0)
        return fchmod(any_fd(host), mode) < 0 ? rf_host_error() : 0;
    int64_t dir = location(inode, &name);
    if (dir < 0)
        return dir;
    long result = syscall(FCHMODAT2, (int)dir, name, mode, AT_SYMLINK_NOFOLLOW);
    if (result < 0 && errno == ENOSYS) /* before Linux 6.6 the C library goes through /proc/self/fd */
        result = fchmodat((int)dir, name, mode, AT_SYMLINK_NOFOLLOW);
    return result < 0 ? rf_host_error() : 0;
}

static int64_t set_owner(struct rf_inode *inode, const struct rf_attributes *change)
{
    const char *name;
    uid_t uid = change->mask & RF_ATTR_UID ? change->uid : (uid_t)-1;
    gid_t gid = change->mask & RF_ATTR_GID ? change->gid : (gid_t)-1;
    int64_t dir = location(inode, &name);
    if (dir < 0)
        return dir;
    return fchownat((int)dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 ? rf_host_error() : 0;
}

static struct timespec to_host(const struct rf_attributes *change, uint32_t bit,
                               struct rf_timespec t)
{
    if (!(change->mask & bit))
        return (struct timespec){ 0, UTIME_OMIT };
    return (struct timespec){ t.tv_sec, t.tv_nsec };
}

static int64_t set_times(struct rf_inode *inode, const struct rf_attributes *change)
{
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    const struct timespec times[2] = { to_host(change, RF_ATTR_ATIME, change->atime),
                                       to_host(change, RF_ATTR_MTIME, change->mtime) };
    const char *name;
    if (host->read_fd >= 0 || host->write_fd >= 0)
        return futimens(any_fd(host), times) < 0 ? rf_host_error() : 0;
    int64_t dir = location(inode, &name);
    if (dir < 0)
        return dir;
    return utimensat((int)dir, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? rf_host_error() : 0;
}

static int64_t set_size(struct rf_kernel *k, struct rf_inode *inode, uint64_t size)
{
    int64_t fd = rf_host_content(inode, true);
    if (fd < 0)
        return fd;
    if (ftruncate((int)fd, (off_t)size) < 0)
        return rf_host_error();
    rf_hostfs_resized(k, inode, size);
    return 0;
}

int64_t rf_hostfs_setattr(struct rf_kernel *k, struct rf_inode *inode,
                          const struct rf_attributes *change)
{
    int64_t result = 0;
    if (change->mask & RF_ATTR_SIZE) {
        result = set_size(k, inode, change->size);
        return result ? result : rf_hostfs_getattr(k, inode); /* the host set the times */
    }
    if (change->mask & RF_ATTR_MODE)
        result = set_mode(inode, change->mode);
    if (result == 0 && (change->mask & (RF_ATTR_UID | RF_ATTR_GID)))
        result = set_owner(inode, change);
    if (result == 0 && (change->mask & (RF_ATTR_ATIME | RF_ATTR_MTIME)))
        result = set_times(inode, change);
    return result ? result : rf_hostfs_getattr(k, inode);
}
