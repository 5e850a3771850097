/* Extended attributes of host files: "user." ones alone, so that no program of the guest gives a file of the host
 * rights there. */
#include "kernel/fs/hostfs.h"
#include "kernel/fs/xattrs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define USER "user."

/* A descriptor of the host for the call: its own, closed by `done`, for directories. */
static int64_t open_for(struct rf_inode *inode, bool writing)
{
    if (RF_S_ISREG(inode->mode))
        return rf_host_content(inode, writing && rf_host_of(inode)->write_fd >= 0);
    if (!RF_S_ISDIR(inode->mode))
        return -RF_EOPNOTSUPP;
    int64_t dir = rf_host_directory(inode);
    if (dir < 0)
        return dir;
    int fd = openat((int)dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? rf_host_error() : fd;
}

static int64_t done(const struct rf_inode *inode, int64_t fd, ssize_t result)
{
    int64_t answer = result < 0 ? rf_host_error() : result;
    if (RF_S_ISDIR(inode->mode))
        close((int)fd);
    return answer;
}

int64_t rf_hostfs_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size)
{
    (void)k;
    if (strncmp(name, USER, strlen(USER)) != 0)
        return -RF_EOPNOTSUPP;
    int64_t fd = open_for(inode, false);
    return fd < 0 ? fd : done(inode, fd, fgetxattr((int)fd, name, value, size));
}

int64_t rf_hostfs_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    if (!RF_S_ISREG(inode->mode) && !RF_S_ISDIR(inode->mode))
        return 0;
    int64_t fd = open_for(inode, false);
    if (fd < 0)
        return fd;
    char *all = rf_kalloc(k, RF_XATTR_LIST_MAX);
    int64_t length = done(inode, fd, all ? flistxattr((int)fd, all, RF_XATTR_LIST_MAX) : -1);
    if (!all)
        return -RF_ENOMEM;
    if (length > 0)
        length = rf_xattrs_filter(all, length, USER, true, out, size);
    rf_kfree(k, all);
    return length;
}

int64_t rf_hostfs_setxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                           uint32_t flags)
{
    (void)k;
    if (strncmp(name, USER, strlen(USER)) != 0)
        return -RF_EOPNOTSUPP;
    int64_t fd = open_for(inode, true);
    if (fd < 0)
        return fd;
    return done(inode, fd, value ? fsetxattr((int)fd, name, value, size, (int)flags) : fremovexattr((int)fd, name));
}
