/* Path walking in the current task's name. Results are referenced dentries. */
#ifndef RF_KERNEL_VFS_PATH_H
#define RF_KERNEL_VFS_PATH_H

#include "kernel/vfs/inode.h"

/* How the last component is treated. */
enum {
    RF_WALK_FOLLOW = 1,    /* a symbolic link is followed */
    RF_WALK_DIRECTORY = 2, /* must be a directory */
    RF_WALK_EMPTY = 4,     /* "" is dirfd itself (AT_EMPTY_PATH) */
    RF_WALK_NO_XDEV = 8,
    RF_WALK_NO_MAGICLINKS = 16,
    RF_WALK_NO_SYMLINKS = 32,
    RF_WALK_BENEATH = 64,
    RF_WALK_IN_ROOT = 128,
};

/* The object a path names. */
int64_t rf_path_lookup(struct rf_kernel *k, int dirfd, const char *path, uint32_t walk,
                       struct rf_dentry **out);

enum rf_last_kind { RF_LAST_NAME, RF_LAST_DOT, RF_LAST_DOTDOT, RF_LAST_ROOT };

/* The directory of a path's last component, and that component, which is not looked up. */
struct rf_path_parent {
    struct rf_dentry *dir; /* referenced */
    enum rf_last_kind kind;
    bool trailing_slash;
    char name[RF_NAME_MAX + 1];
};
int64_t rf_path_parent(struct rf_kernel *k, int dirfd, const char *path,
                       struct rf_path_parent *out);

/* For open with O_CREAT: as rf_path_parent, but a final symbolic link is followed when walk
 * says so, and *child is the existing object (mounts crossed) or NULL. */
int64_t rf_path_create(struct rf_kernel *k, int dirfd, const char *path, uint32_t walk,
                       struct rf_path_parent *out, struct rf_dentry **child);

/* A path from user memory into a buffer of RF_PATH_MAX bytes: 0 or -errno; "" is -RF_ENOENT
 * unless empty_ok. */
int64_t rf_path_from_user(struct rf_kernel *k, char *buffer, uint64_t user, bool empty_ok);

/* rf_vfs_open with more RF_WALK_* bits (openat2). */
int64_t rf_vfs_open_walk(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags,
                         uint32_t mode, uint32_t walk, struct rf_file **out);

/* --- names.c: changes of the tree, with every check --- */
int64_t rf_vfs_mkdir(struct rf_kernel *k, int dirfd, const char *path, uint32_t mode);
int64_t rf_vfs_mknod(struct rf_kernel *k, int dirfd, const char *path, uint32_t mode, uint64_t rdev);
int64_t rf_vfs_symlink(struct rf_kernel *k, const char *target, int dirfd, const char *path);
int64_t rf_vfs_link(struct rf_kernel *k, int old_dirfd, const char *old_path, int dirfd,
                    const char *path, uint32_t flags);
int64_t rf_vfs_unlink(struct rf_kernel *k, int dirfd, const char *path);
int64_t rf_vfs_rmdir(struct rf_kernel *k, int dirfd, const char *path);
int64_t rf_vfs_rename(struct rf_kernel *k, int old_dirfd, const char *old_path, int dirfd,
                      const char *path, uint32_t flags);
/* May a name be made in dir: 0 or -errno. */
int64_t rf_may_create(struct rf_kernel *k, struct rf_dentry *dir);

#endif
