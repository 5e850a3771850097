/* A host directory or file as a file system: mounting, live inodes, host descriptors. */
#include "kernel/fs/hostfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define RESOLVE_CONFINED (RF_RESOLVE_BENEATH | RF_RESOLVE_NO_MAGICLINKS | RF_RESOLVE_NO_SYMLINKS)

int rf_host_open(int dirfd, const char *name, int flags, unsigned mode)
{
    flags |= O_NOFOLLOW | O_CLOEXEC;
    struct rf_open_how how = { .flags = (uint64_t)(unsigned)flags, .mode = mode,
                               .resolve = RESOLVE_CONFINED };
    long fd = syscall(SYS_openat2, dirfd, name, &how, sizeof how);
    if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
        return (int)fd;
    return openat(dirfd, name, flags, mode); /* one name, no link: this is confined too */
}

/* Is what fd refers to the object we know? */
static bool is_same(const struct rf_hostfs_inode *host, int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_dev == host->host_device && st.st_ino == host->host_ino;
}

int64_t rf_host_directory(struct rf_inode *dir)
{
    struct rf_hostfs_inode *host = rf_host_of(dir);
    if (host->path_fd >= 0)
        return host->path_fd;
    if (!host->dir)
        return -RF_ENOENT;
    int64_t parent = rf_host_of(host->dir)->path_fd;
    if (parent < 0)
        return -RF_ENOENT;
    int fd = rf_host_open((int)parent, host->name, O_PATH | O_DIRECTORY, 0);
    if (fd < 0)
        return rf_host_error();
    if (!is_same(host, fd)) {
        close(fd);
        return -RF_ENOENT; /* moved away behind our back */
    }
    host->path_fd = fd;
    return fd;
}

/* Open contents; what turns out not to be the regular file we know is let go. */
static int64_t open_content(struct rf_hostfs_inode *host, int access)
{
    if (!host->dir)
        return -RF_EIO;
    int64_t dir = rf_host_directory(host->dir);
    if (dir < 0)
        return dir;
    int fd = rf_host_open((int)dir, host->name, access | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return rf_host_error();
    if (!is_same(host, fd)) {
        close(fd);
        return -RF_ENOENT;
    }
    return fd;
}

int64_t rf_host_content(struct rf_inode *inode, bool writing)
{
    struct rf_hostfs_inode *host = rf_host_of(inode);
    int *slot = writing ? &host->write_fd : &host->read_fd;
    if (*slot >= 0)
        return *slot;
    int64_t fd = open_content(host, writing ? O_RDWR : O_RDONLY);
    bool both = writing && fd >= 0;
    if (fd == -RF_EACCES && writing)
        fd = open_content(host, O_WRONLY);
    if (fd < 0)
        return fd;
    *slot = (int)fd;
    if (both && host->read_fd < 0)
        host->read_fd = (int)fd;
    return fd;
}

/* --- live inodes --- */

static struct rf_hostfs_inode *find_live(struct rf_kernel *k, const struct rf_mount *mount,
                                         const struct stat *st)
{
    for (struct rf_hostfs_inode *h = k->vfs->host_inodes; h; h = h->next)
        if (h->host_ino == st->st_ino && h->host_device == st->st_dev && h->inode->mount == mount &&
            (h->inode->mode & RF_S_IFMT) == (st->st_mode & S_IFMT))
            return h;
    return NULL;
}

bool rf_host_place(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *dir,
                   const char *name)
{
    struct rf_hostfs_inode *host = rf_host_of(inode);
    if (host->dir == dir && host->name && strcmp(host->name, name) == 0)
        return true;
    char *copy = rf_kalloc(k, strlen(name) + 1);
    if (!copy)
        return false;
    strcpy(copy, name);
    rf_kfree(k, host->name);
    host->name = copy;
    if (dir)
        rf_inode_get(dir);
    rf_inode_put(k, host->dir);
    host->dir = dir;
    return true;
}

static void close_host(struct rf_hostfs_inode *host)
{
    if (host->path_fd >= 0)
        close(host->path_fd);
    if (host->write_fd >= 0 && host->write_fd != host->read_fd)
        close(host->write_fd);
    if (host->read_fd >= 0)
        close(host->read_fd);
    host->path_fd = host->write_fd = host->read_fd = -1;
}

void rf_hostfs_close_all(struct rf_kernel *k)
{
    for (struct rf_hostfs_inode *host = k->vfs->host_inodes; host; host = host->next) {
        rf_hostfs_write_back(k, host->inode);
        close_host(host);
    }
}

static void destroy_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_hostfs_inode *host = rf_host_of(inode);
    rf_hostfs_write_back(k, inode);
    rf_pages_clear(k, &host->cache, 0, UINT64_MAX);
    close_host(host);
    *(host->previous ? &host->previous->next : &k->vfs->host_inodes) = host->next;
    if (host->next)
        host->next->previous = host->previous;
    rf_inode_put(k, host->dir);
    rf_kfree(k, host->name);
    rf_kfree(k, host);
}

static struct rf_inode *new_inode(struct rf_kernel *k, struct rf_mount *mount, const struct stat *st)
{
    struct rf_hostfs_inode *host = rf_kalloc(k, sizeof *host);
    struct rf_inode *inode = host ? rf_inode_alloc(k, mount, st->st_mode) : NULL;
    if (!inode) {
        rf_kfree(k, host);
        return NULL;
    }
    host->inode = inode;
    host->host_device = st->st_dev;
    host->host_ino = st->st_ino;
    host->path_fd = host->read_fd = host->write_fd = -1;
    host->next = k->vfs->host_inodes;
    if (host->next)
        host->next->previous = host;
    k->vfs->host_inodes = host;
    inode->private_data = host;
    inode->ops = &rf_hostfs_inode_ops;
    inode->btime = (struct rf_timespec){ 0, 0 }; /* asked for when first looked at (hostfs_attr.c) */
    if (S_ISREG(st->st_mode))
        inode->file_ops = &rf_hostfs_file_ops;
    else if (S_ISDIR(st->st_mode))
        inode->file_ops = &rf_hostfs_directory_ops;
    return inode;
}

struct rf_inode *rf_host_inode(struct rf_kernel *k, struct rf_mount *mount, struct rf_inode *dir,
                               const char *name, const struct stat *st)
{
    struct rf_hostfs_inode *live = find_live(k, mount, st);
    struct rf_inode *inode = live ? live->inode : new_inode(k, mount, st);
    if (!inode)
        return NULL;
    if (live)
        rf_inode_get(inode);
    if (!rf_host_place(k, inode, dir, name)) {
        rf_inode_put(k, inode);
        return NULL;
    }
    rf_host_take_attributes(inode, st);
    return inode;
}

/* --- operations that are neither names nor contents --- */

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                      struct rf_inode **out)
{
    struct stat st;
    int64_t fd = rf_host_directory(dir);
    if (fd < 0)
        return fd;
    if (fstatat((int)fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return rf_host_error();
    *out = rf_host_inode(k, dir->mount, dir, name, &st);
    return *out ? 0 : -RF_ENOMEM;
}

static int64_t read_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    (void)k;
    const struct rf_hostfs_inode *host = rf_host_of(inode);
    int64_t dir = rf_host_directory(host->dir);
    if (dir < 0)
        return dir;
    ssize_t length = readlinkat((int)dir, host->name, out, size);
    return length < 0 ? rf_host_error() : length;
}

/* The host decides at once, so that open fails where the host refuses. */
static int64_t open_inode(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file)
{
    if (!RF_S_ISREG(inode->mode))
        return 0;
    int64_t fd = 0;
    if (file->mode & RF_FMODE_WRITE)
        fd = rf_host_content(inode, true);
    if (fd >= 0 && (file->mode & RF_FMODE_READ))
        fd = rf_host_content(inode, false);
    if (fd < 0)
        return fd;
    rf_hostfs_check_cache(k, inode);
    return 0;
}

/* --- mounting --- */

struct host_mount {
    int root_fd; /* the directory, or the parent of a single file */
};

static void mount_statfs(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out)
{
    (void)k;
    struct statfs s;
    const struct host_mount *host = mount->private_data;
    if (fstatfs(host->root_fd, &s) < 0)
        return;
    out->f_type = (int64_t)s.f_type;
    out->f_bsize = (int64_t)s.f_bsize;
    out->f_frsize = (int64_t)s.f_frsize;
    out->f_blocks = (int64_t)s.f_blocks;
    out->f_bfree = (int64_t)s.f_bfree;
    out->f_bavail = (int64_t)s.f_bavail;
    out->f_files = (int64_t)s.f_files;
    out->f_ffree = (int64_t)s.f_ffree;
}

static void mount_destroy(struct rf_kernel *k, struct rf_mount *mount)
{
    struct host_mount *host = mount->private_data;
    if (!host)
        return;
    close(host->root_fd);
    rf_kfree(k, host);
}

static const struct rf_mount_ops mount_ops = { .statfs = mount_statfs, .destroy = mount_destroy };

/* Open the directory that the mount is confined to; for a file, its parent: *name is then the
 * file's name in it. */
static int open_root(char *real, const struct stat *st, const char **name)
{
    *name = NULL;
    if (S_ISDIR(st->st_mode))
        return open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
    char *slash = strrchr(real, '/');
    *name = slash + 1;
    if (slash == real)
        return open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    *slash = '\0';
    return open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static struct rf_inode *root_inode(struct rf_kernel *k, struct rf_mount *mount, int root_fd,
                                   const char *name)
{
    struct stat st;
    if (fstat(root_fd, &st) < 0)
        return NULL;
    struct rf_inode *dir = rf_host_inode(k, mount, NULL, "", &st);
    if (!dir)
        return NULL;
    rf_host_of(dir)->path_fd = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
    if (!name)
        return dir;
    struct rf_inode *inode;
    int64_t result = lookup(k, dir, name, &inode);
    rf_inode_put(k, dir);
    return result ? NULL : inode;
}

static struct rf_mount *make_mount(struct rf_kernel *k, int root_fd, const char *name)
{
    struct rf_mount *mount = rf_mount_alloc(k, "hostfs", 0, &mount_ops);
    struct host_mount *host = mount ? rf_kalloc(k, sizeof *host) : NULL;
    if (!host) {
        close(root_fd);
        rf_mount_free(k, mount);
        return NULL;
    }
    host->root_fd = root_fd;
    mount->private_data = host;
    mount->changes_outside = true;
    struct rf_inode *inode = root_inode(k, mount, root_fd, name);
    if (inode) {
        mount->root = rf_dentry_new(k, NULL, "", inode);
        rf_inode_put(k, inode);
    }
    if (!mount->root) {
        rf_mount_free(k, mount);
        return NULL;
    }
    return mount;
}

static rf_status host_refused(struct rf_error *err, const char *host_path)
{
    int cause = errno;
    rf_status status = cause == ENOENT || cause == ENOTDIR ? RF_ERR_NOT_FOUND
                       : cause == EACCES || cause == EPERM ? RF_ERR_PERMISSION
                                                           : RF_ERR_IO;
    return rf_error_set(err, status, "cannot mount %s: %s", host_path, strerror(cause));
}

struct rf_mount *rf_hostfs_create(struct rf_kernel *k, const char *host_path, bool writable,
                                  struct rf_error *err)
{
    struct stat st;
    const char *name;
    char *real = realpath(host_path, NULL);
    if (!real || stat(real, &st) < 0) {
        host_refused(err, host_path);
        free(real);
        return NULL;
    }
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
        rf_error_set(err, RF_ERR_UNSUPPORTED,
                     "cannot mount %s: neither a directory nor a regular file", host_path);
        free(real);
        return NULL;
    }
    int root_fd = open_root(real, &st, &name);
    struct rf_mount *mount = NULL;
    if (root_fd < 0)
        host_refused(err, host_path);
    else if (!(mount = make_mount(k, root_fd, name)))
        rf_error_set(err, RF_ERR_NO_MEMORY, "cannot mount %s: no memory", host_path);
    else
        mount->read_only = !writable;
    free(real);
    return mount;
}

/* Names are in hostfs_names.c, contents in hostfs_data.c, attributes in hostfs_attr.c. */
const struct rf_inode_ops rf_hostfs_inode_ops = {
    .lookup = lookup,
    .create = rf_hostfs_create_name,
    .symlink = rf_hostfs_symlink,
    .link = rf_hostfs_link,
    .remove = rf_hostfs_remove,
    .rename = rf_hostfs_rename,
    .exchange = rf_hostfs_exchange,
    .tmpfile = rf_hostfs_tmpfile,
    .readlink = read_link,
    .getattr = rf_hostfs_getattr,
    .setattr = rf_hostfs_setattr,
    .open = open_inode,
    .page = rf_hostfs_page,
    .sync = rf_hostfs_sync,
    .fallocate = rf_hostfs_fallocate,
    .getxattr = rf_hostfs_getxattr,
    .listxattr = rf_hostfs_listxattr,
    .setxattr = rf_hostfs_setxattr,
    .destroy = destroy_inode,
};
