/* Names in host directories: making, removing, moving, listing (sorted by name). */
#include "kernel/fs/hostfs.h"
#include "kernel/fs/listing.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- changes --- */

static int64_t found(struct rf_kernel *k, struct rf_inode *dir, int fd, const char *name,
                     struct rf_inode **out)
{
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return rf_host_error();
    *out = rf_host_inode(k, dir->mount, dir, name, &st);
    return *out ? 0 : -RF_ENOMEM;
}

/* The file's descriptor is kept: its mode may not allow opening it again. */
static int64_t create_regular(struct rf_kernel *k, struct rf_inode *dir, int dirfd,
                              const char *name, uint32_t mode, struct rf_inode **out)
{
    int fd = rf_host_open(dirfd, name, O_CREAT | O_EXCL | O_RDWR, mode & 07777);
    if (fd < 0)
        return rf_host_error();
    fchmod(fd, mode & 07777); /* the host's umask has no say */
    int64_t result = found(k, dir, dirfd, name, out);
    if (result) {
        close(fd);
        return result;
    }
    struct rf_hostfs_inode *host = rf_host_of(*out);
    if (host->read_fd < 0 && host->write_fd < 0)
        host->read_fd = host->write_fd = fd;
    else
        close(fd);
    return 0;
}

static int64_t create_directory(int dirfd, const char *name, uint32_t mode)
{
    if (mkdirat(dirfd, name, mode & 07777) < 0)
        return rf_host_error();
    int fd = rf_host_open(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
    struct stat st;
    if (fd >= 0) {
        if (fstat(fd, &st) == 0) /* set-group-ID may be inherited */
            fchmod(fd, (mode & 07777) | (st.st_mode & S_ISGID));
        close(fd);
    }
    return 0;
}

int64_t rf_hostfs_create_name(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                              uint32_t mode, uint64_t rdev, struct rf_inode **out)
{
    (void)rdev;
    int64_t fd = rf_host_directory(dir), result;
    if (fd < 0)
        return fd;
    switch (mode & RF_S_IFMT) {
    case RF_S_IFREG: return create_regular(k, dir, (int)fd, name, mode, out);
    case RF_S_IFDIR: result = create_directory((int)fd, name, mode); break;
    case RF_S_IFIFO: /* names on the host; what goes through them never leaves the machine */
    case RF_S_IFSOCK:
        result = mknodat((int)fd, name, mode & (RF_S_IFMT | 07777), 0) < 0 ? rf_host_error() : 0;
        break;
    default: result = -RF_EPERM; break;
    }
    return result ? result : found(k, dir, (int)fd, name, out);
}

int64_t rf_hostfs_symlink(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                          const char *target, struct rf_inode **out)
{
    int64_t fd = rf_host_directory(dir);
    if (fd < 0)
        return fd;
    if (symlinkat(target, (int)fd, name) < 0)
        return rf_host_error();
    return found(k, dir, (int)fd, name, out);
}

/* A file that the host knows only by our descriptor; it stays known by that. */
int64_t rf_hostfs_tmpfile(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode, struct rf_inode **out)
{
    struct stat st;
    int64_t parent = rf_host_directory(dir);
    if (parent < 0)
        return parent;
    int fd = openat((int)parent, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, mode & 07777);
    if (fd < 0)
        return rf_host_error();
    fchmod(fd, mode & 07777);
    *out = fstat(fd, &st) == 0 ? rf_host_inode(k, dir->mount, NULL, "", &st) : NULL;
    if (!*out) {
        close(fd);
        return -RF_ENOMEM;
    }
    rf_host_of(*out)->read_fd = rf_host_of(*out)->write_fd = fd;
    return 0;
}

/* linkat's AT_EMPTY_PATH wants a capability that the host's user may lack: /proc does without. */
static int64_t name_file(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode)
{
    int64_t to = rf_host_directory(dir);
    int fd = rf_host_of(inode)->write_fd;
    char path[64];
    if (to < 0)
        return to;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (linkat(fd, "", (int)to, name, AT_EMPTY_PATH) < 0 && linkat(AT_FDCWD, path, (int)to, name, AT_SYMLINK_FOLLOW) < 0)
        return rf_host_error();
    if (!rf_host_place(k, inode, dir, name))
        return -RF_ENOMEM;
    return rf_hostfs_getattr(k, inode);
}

int64_t rf_hostfs_link(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                       struct rf_inode *inode)
{
    struct rf_hostfs_inode *host = rf_host_of(inode);
    if (inode->linkable && !inode->nlink)
        return name_file(k, dir, name, inode);
    int64_t fd = rf_host_directory(dir), from = host->dir ? rf_host_directory(host->dir) : -RF_EXDEV;
    if (fd < 0 || from < 0)
        return fd < 0 ? fd : from;
    if (linkat((int)from, host->name, (int)fd, name, 0) < 0)
        return rf_host_error();
    return rf_hostfs_getattr(k, inode);
}

int64_t rf_hostfs_remove(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                         struct rf_inode *inode)
{
    int64_t fd = rf_host_directory(dir);
    if (fd < 0)
        return fd;
    if (unlinkat((int)fd, name, RF_S_ISDIR(inode->mode) ? AT_REMOVEDIR : 0) < 0)
        return rf_host_error();
    return rf_hostfs_getattr(k, inode);
}

int64_t rf_hostfs_rename(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                         struct rf_inode *inode, struct rf_inode *new_dir, const char *new_name,
                         struct rf_inode *victim)
{
    int64_t from = rf_host_directory(dir), to = rf_host_directory(new_dir);
    if (from < 0 || to < 0)
        return from < 0 ? from : to;
    if (renameat((int)from, name, (int)to, new_name) < 0)
        return rf_host_error();
    rf_host_place(k, inode, new_dir, new_name); /* without memory: found again by its name */
    if (victim)
        rf_hostfs_getattr(k, victim);
    return 0;
}

int64_t rf_hostfs_exchange(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                           struct rf_inode *new_dir, const char *new_name, struct rf_inode *other)
{
    int64_t from = rf_host_directory(dir), to = rf_host_directory(new_dir);
    if (from < 0 || to < 0)
        return from < 0 ? from : to;
    if (syscall(SYS_renameat2, (int)from, name, (int)to, new_name, RF_RENAME_EXCHANGE) < 0)
        return rf_host_error();
    return rf_host_place(k, inode, new_dir, new_name) && rf_host_place(k, other, dir, name) ? 0 : -RF_ENOMEM;
}

/* --- listing --- */

static void free_snapshot(struct rf_kernel *k, struct rf_file *file)
{
    rf_listing_free(k, file->private_data);
    file->private_data = NULL;
}

/* One bufferful of the host's records. */
static bool add_records(struct rf_kernel *k, struct rf_listing *s, const uint8_t *records, long size)
{
    for (long at = 0; at < size;) {
        uint64_t ino;
        uint16_t length;
        memcpy(&ino, records + at, sizeof ino);
        memcpy(&length, records + at + offsetof(struct rf_dirent64, d_reclen), sizeof length);
        uint8_t type = records[at + (long)offsetof(struct rf_dirent64, d_type)];
        const char *name = (const char *)records + at + offsetof(struct rf_dirent64, d_name);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && !rf_listing_add(k, s, name, ino, type))
            return false;
        at += length;
    }
    return true;
}

static int64_t read_host_directory(struct rf_kernel *k, struct rf_listing *s, int fd)
{
    uint8_t records[8192] __attribute__((aligned(8)));
    for (;;) {
        long got = syscall(SYS_getdents64, fd, records, sizeof records);
        if (got <= 0)
            return got ? rf_host_error() : 0;
        if (!add_records(k, s, records, got))
            return -RF_ENOMEM;
    }
}

/* Mount points that the host's directory does not have are entries all the same. */
static bool add_mount_points(struct rf_kernel *k, struct rf_listing *s, const struct rf_dentry *dir)
{
    uint32_t on_host = s->count;
    for (const struct rf_dentry *d = dir ? dir->children : NULL; d; d = d->next) {
        bool known = !d->mounted;
        for (uint32_t i = 0; i < on_host && !known; i++)
            known = strcmp(s->entries[i]->name, d->name) == 0;
        if (!known && !rf_listing_add(k, s, d->name, d->inode->ino, rf_mode_to_dtype(d->inode->mode)))
            return false;
    }
    return true;
}

static int64_t take_snapshot(struct rf_kernel *k, struct rf_file *file)
{
    free_snapshot(k, file);
    int64_t dir = rf_host_directory(file->inode);
    if (dir < 0)
        return dir;
    int fd = openat((int)dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return rf_host_error();
    struct rf_listing *s = rf_listing_new(k);
    file->private_data = s;
    int64_t result = s ? read_host_directory(k, s, fd) : -RF_ENOMEM;
    close(fd);
    if (result == 0 && !add_mount_points(k, s, file->dentry))
        result = -RF_ENOMEM;
    if (result) {
        free_snapshot(k, file);
        return result;
    }
    rf_listing_sort(s);
    return 0;
}

static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type,
                                    uint64_t next_pos),
                       void *user)
{
    const struct rf_inode *inode = file->inode, *above = rf_host_of(inode)->dir;
    if (file->pos == 0 || !file->private_data) {
        int64_t result = take_snapshot(k, file);
        if (result)
            return result;
    }
    rf_listing_emit(file->private_data, file, above ? above->ino : inode->ino, emit, user);
    return 0;
}

const struct rf_file_ops rf_hostfs_directory_ops = {
    .readdir = readdir,
    .release = free_snapshot,
};
