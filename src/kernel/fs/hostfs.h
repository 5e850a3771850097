/* hostfs' own: what an inode of a host directory holds, shared by its files.
 *
 * The host is only ever asked about single names in a directory that is held open, without
 * following symbolic links: a path cannot lead out of the mount. */
#ifndef RF_KERNEL_FS_HOSTFS_H
#define RF_KERNEL_FS_HOSTFS_H

#include "kernel/fs/fs.h"

#include <errno.h>

struct stat;

struct rf_hostfs_inode {
    struct rf_hostfs_inode *next, *previous; /* live ones: k->vfs->host_inodes */
    struct rf_inode *inode;
    struct rf_inode *dir; /* referenced; where it was last found. NULL: the root */
    char *name;           /* in dir */
    uint64_t host_device, host_ino;
    int path_fd;          /* directories: O_PATH, -1 = not opened yet */
    int read_fd, write_fd; /* regular files, opened when needed; may be the same */
    struct rf_pages cache; /* pages that were mapped */
    struct rf_timespec cache_mtime;
    uint64_t cache_size;
};

RF_INLINE struct rf_hostfs_inode *rf_host_of(const struct rf_inode *inode)
{
    return inode->private_data;
}

/* -errno; a host without descriptors is a full table of files here. */
RF_INLINE int64_t rf_host_error(void)
{
    return errno == EMFILE ? -RF_ENFILE : -errno;
}

/* --- hostfs.c --- */
extern const struct rf_inode_ops rf_hostfs_inode_ops;
/* openat2 that stays below dirfd and follows no link. */
int rf_host_open(int dirfd, const char *name, int flags, unsigned mode);
/* The host descriptor of a directory: >= 0 or -errno. */
int64_t rf_host_directory(struct rf_inode *dir);
/* An inode for what was found as name in dir: the live one or a new one. Referenced. */
struct rf_inode *rf_host_inode(struct rf_kernel *k, struct rf_mount *mount, struct rf_inode *dir,
                               const char *name, const struct stat *st);
/* It is known as name in dir from now on. False: no memory. */
bool rf_host_place(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *dir,
                   const char *name);
/* A descriptor to read or write contents with: >= 0 or -errno. */
int64_t rf_host_content(struct rf_inode *inode, bool writing);

/* --- hostfs_names.c --- */
extern const struct rf_file_ops rf_hostfs_directory_ops;
int64_t rf_hostfs_create_name(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                              uint32_t mode, uint64_t rdev, struct rf_inode **out);
int64_t rf_hostfs_symlink(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                          const char *target, struct rf_inode **out);
int64_t rf_hostfs_link(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                       struct rf_inode *inode);
int64_t rf_hostfs_remove(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                         struct rf_inode *inode);
int64_t rf_hostfs_rename(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                         struct rf_inode *inode, struct rf_inode *new_dir, const char *new_name,
                         struct rf_inode *victim);

int64_t rf_hostfs_exchange(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                           struct rf_inode *new_dir, const char *new_name, struct rf_inode *other);

int64_t rf_hostfs_tmpfile(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode, struct rf_inode **out);

/* --- hostfs_xattr.c --- */
int64_t rf_hostfs_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size);
int64_t rf_hostfs_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);
int64_t rf_hostfs_setxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                           uint32_t flags);

/* --- hostfs_data.c --- */
int64_t rf_hostfs_fallocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length);
extern const struct rf_file_ops rf_hostfs_file_ops;
int64_t rf_hostfs_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa);
int64_t rf_hostfs_sync(struct rf_kernel *k, struct rf_inode *inode);
void rf_hostfs_write_back(struct rf_kernel *k, struct rf_inode *inode);
/* Forget cached pages if the host's file is no longer the one they were read from. */
void rf_hostfs_check_cache(struct rf_kernel *k, struct rf_inode *inode);
void rf_hostfs_resized(struct rf_kernel *k, struct rf_inode *inode, uint64_t size);

/* --- hostfs_attr.c --- */
void rf_host_take_attributes(struct rf_inode *inode, const struct stat *st);
int64_t rf_hostfs_getattr(struct rf_kernel *k, struct rf_inode *inode);
int64_t rf_hostfs_setattr(struct rf_kernel *k, struct rf_inode *inode,
                          const struct rf_attributes *change);

#endif
