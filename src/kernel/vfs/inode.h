/* What stands behind an open file: inodes (objects), dentries (names), mounts (file systems).
 *
 * A dentry lives while somebody holds it: an open file, a working directory, a child. Inodes
 * live while a dentry, or their driver's own directory, holds them. Each place where a file
 * system is seen has dentries of its own, over the same inodes, so a dentry alone says where
 * one is: also with bind mounts, and in copies of the mount namespace. */
#ifndef RF_KERNEL_VFS_INODE_H
#define RF_KERNEL_VFS_INODE_H

#include "kernel/namespace/namespace.h"
#include "kernel/vfs/vfs.h"

struct rf_lock;
struct rf_pipe;

/* A change of attributes: the fields that `mask` names. */
enum {
    RF_ATTR_MODE = 1,
    RF_ATTR_UID = 2,
    RF_ATTR_GID = 4,
    RF_ATTR_SIZE = 8,
    RF_ATTR_ATIME = 16,
    RF_ATTR_MTIME = 32,
    RF_ATTR_CTIME = 64, /* always with another */
};
struct rf_attributes {
    uint32_t mask;
    uint32_t mode; /* permission bits */
    uint32_t uid, gid;
    uint64_t size;
    struct rf_timespec atime, mtime, ctime;
};

/* Names reach a driver checked: 1 to 255 bytes, no slash, not "." or "..", and the rights of
 * the caller with them. Inodes handed out carry a reference for the caller. */
struct rf_inode_ops {
    int64_t (*lookup)(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                      struct rf_inode **out);
    /* mode holds the type: regular, directory, FIFO, socket or device. */
    int64_t (*create)(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint32_t mode,
                      uint64_t rdev, struct rf_inode **out);
    int64_t (*symlink)(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                       const char *target, struct rf_inode **out);
    int64_t (*link)(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                    struct rf_inode *inode);
    /* Remove a name; a directory must be empty (-RF_ENOTEMPTY). */
    int64_t (*remove)(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                      struct rf_inode *inode);
    /* victim: what new_name is now, or NULL; its kind fits. */
    int64_t (*rename)(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                      struct rf_inode *inode, struct rf_inode *new_dir, const char *new_name,
                      struct rf_inode *victim);
    /* Two names change places (RENAME_EXCHANGE): both exist. NULL: -RF_EINVAL. */
    int64_t (*exchange)(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                        struct rf_inode *inode, struct rf_inode *new_dir, const char *new_name,
                        struct rf_inode *other);
    /* A regular file without a name (O_TMPFILE). */
    int64_t (*tmpfile)(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode,
                       struct rf_inode **out);
    /* The target of a symbolic link, not terminated: its length, cut at size. */
    int64_t (*readlink)(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);
    /* A link that leads straight to an object (/proc/self/fd/1): a referenced dentry. */
    int64_t (*follow)(struct rf_kernel *k, struct rf_inode *inode, struct rf_dentry **out);
    /* Bring the inode's fields up to date. NULL: they always are. */
    int64_t (*getattr)(struct rf_kernel *k, struct rf_inode *inode);
    int64_t (*setattr)(struct rf_kernel *k, struct rf_inode *inode,
                       const struct rf_attributes *change);
    /* The file is made, its ops are inode->file_ops; may set private_data, refuse. */
    int64_t (*open)(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file);
    int64_t (*page)(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa);
    int64_t (*sync)(struct rf_kernel *k, struct rf_inode *inode);
    /* Bytes of [start, end) become holes. */
    int64_t (*punch)(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end);
    /* fallocate(2) with a mode that is allowed together (RF_FALLOC_FL_*); size limits are checked. NULL: -RF_EOPNOTSUPP. */
    int64_t (*fallocate)(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length);
    /* Extended attributes, full names ("user.x"); rights, prefixes and lengths are checked. value and out are kernel
     * memory of size bytes: size 0 asks for the length alone, too small is -RF_ERANGE; missing is -RF_ENODATA.
     * list: names, each with its NUL. NULL: -RF_EOPNOTSUPP (list: empty). flags: RF_XATTR_*; value NULL removes. */
    int64_t (*getxattr)(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size);
    int64_t (*listxattr)(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);
    int64_t (*setxattr)(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                        uint32_t flags);
    void (*destroy)(struct rf_kernel *k, struct rf_inode *inode); /* last reference gone */
};

struct rf_inode {
    const struct rf_inode_ops *ops;
    const struct rf_file_ops *file_ops; /* regular files and directories */
    struct rf_mount *mount;
    uint32_t references;
    uint32_t mode, uid, gid;
    uint32_t nlink;
    uint64_t ino, rdev, size, blocks; /* blocks of 512 bytes */
    struct rf_timespec atime, mtime, ctime, btime;
    struct rf_pipe *pipe;             /* FIFOs that are open, pipes */
    struct rf_inotify_watch *watches; /* fs/inotify.c */
    struct rf_socket *socket;         /* S_IFSOCK: who is bound to it; not a reference (net/) */
    struct rf_lock *locks;            /* advisory locks (vfs/lock.h) */
    struct rf_wait_queue lock_wait;
    uint32_t writers;                 /* regular files: descriptions open for writing */
    uint32_t seals;                   /* tmpfs: RF_F_SEAL_* (fs/memfd.c) */
    bool linkable;                    /* made without a name (O_TMPFILE), may be given one */
    uint32_t shared_writers;          /* set once a shared writable mapping was allowed */
    void *private_data;
};

struct rf_dentry {
    uint32_t references;
    bool deleted;
    struct rf_dentry *parent; /* NULL: root of a mount, or an object without a place */
    struct rf_inode *inode;
    struct rf_mount_point *point;   /* the place that it is part of; NULL: none (pipes, internal files) */
    struct rf_mount_point *mounted; /* what is seen here instead */
    struct rf_dentry *children, *next, *previous; /* live children */
    char *name;
};

struct rf_mount_ops {
    void (*statfs)(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out);
    /* mount(2)'s text for a remount: 0 or -errno. NULL: it means nothing. */
    int64_t (*remount)(struct rf_kernel *k, struct rf_mount *mount, const char *options);
    /* The options that /proc/mounts shows after the common ones, each with a comma before it. */
    void (*show)(struct rf_kernel *k, struct rf_mount *mount, char *out, size_t size);
    /* What was changed goes to where it is kept: sync(2). NULL: it is there. */
    int64_t (*sync)(struct rf_kernel *k, struct rf_mount *mount);
    /* Every dentry and inode is gone. */
    void (*destroy)(struct rf_kernel *k, struct rf_mount *mount);
};

/* A place where a file system, or a part of it, is seen. */
struct rf_mount_point {
    struct rf_mount_point *next; /* of the same namespace, by id */
    struct rf_mount_namespace *ns; /* NULL: of the set-up's, or detached */
    struct rf_mount *fs;
    struct rf_dentry *root;      /* referenced */
    struct rf_dentry *at;        /* referenced, in another place's tree; NULL: the root of all */
    char *subpath;               /* what a bind mount shows of fs, by its name then; NULL: all of it */
    struct rf_mount_point *copy; /* while a namespace is copied */
    uint32_t flags;              /* RF_MS_RDONLY, NOSUID, NODEV, NOEXEC, NOATIME, NODIRATIME, STRICTATIME */
    uint32_t id;
    bool locked;                 /* came with a copy for fewer rights: cannot be taken apart */
    bool expiring;               /* MNT_EXPIRE was tried once */
};
struct rf_mount_namespace {
    struct rf_namespace ns;
    struct rf_mount_point *points;
};

/* A file system. */
struct rf_mount {
    const struct rf_mount_ops *ops;
    struct rf_mount *next;
    const char *type, *source; /* as /proc/mounts shows them: constant text, or */
    char *source_given;        /* what mount(2) was told */
    struct rf_dentry *root;    /* of its first place */
    struct rf_mount_point first;
    uint32_t points, inodes;   /* places where it is seen, live inodes: it goes with the last */
    struct rf_user_namespace *user; /* counted: whose ids it can hold; NULL: the initial one's, all */
    bool keeps_inodes;         /* a name leads to the same inode each time: trees can be compared */
    uint64_t device;           /* st_dev */
    uint64_t magic;            /* f_type */
    uint64_t next_ino;
    uint32_t id;
    bool read_only;
    bool in_memory;            /* what is written to it stays in the machine */
    bool changes_outside;      /* names may change behind our back: look again each time */
    void *private_data;
};

/* --- inode.c --- */
/* One reference, one link, the next number, times now, owned by the current task. */
struct rf_inode *rf_inode_alloc(struct rf_kernel *k, struct rf_mount *mount, uint32_t mode);
void rf_inode_get(struct rf_inode *inode);
void rf_inode_put(struct rf_kernel *k, struct rf_inode *inode);
struct rf_timespec rf_now(struct rf_kernel *k); /* realtime */
/* Current time into mtime and ctime of a directory or file that was changed. */
void rf_inode_modified(struct rf_kernel *k, struct rf_inode *inode);
/* mask of RF_R_OK, RF_W_OK, RF_X_OK, with the current task's fsuid and groups: 0, -RF_EACCES,
 * -RF_EROFS. rf_inode_access is the same for another user, group and set of capabilities. */
int64_t rf_inode_permission(struct rf_kernel *k, struct rf_inode *inode, int mask);
int64_t rf_inode_access(struct rf_kernel *k, struct rf_inode *inode, int mask, uint32_t uid,
                        uint32_t gid, uint64_t capabilities);
bool rf_in_group(const struct rf_kernel *k, uint32_t gid);
/* Is it the program of some process? Then it must not be written: -RF_ETXTBSY. */
bool rf_inode_is_running(const struct rf_kernel *k, const struct rf_inode *inode);
int64_t rf_inode_getattr(struct rf_kernel *k, struct rf_inode *inode);
/* With -RF_EROFS and ctime, but no rights checked. */
int64_t rf_inode_setattr(struct rf_kernel *k, struct rf_inode *inode, struct rf_attributes *change);
/* The whole of truncate on an open or named file: type, limits. */
int64_t rf_inode_truncate(struct rf_kernel *k, struct rf_inode *inode, uint64_t size);
/* A write takes the set-user-ID and set-group-ID bits away, unless one with CAP_FSETID does it (file.c). */
void rf_inode_drop_privilege(struct rf_kernel *k, struct rf_inode *inode);
uint8_t rf_mode_to_dtype(uint32_t mode);
int64_t rf_generic_setattr(struct rf_kernel *k, struct rf_inode *inode,
                           const struct rf_attributes *change); /* fields only */

/* --- dentry.c --- */
/* A referenced dentry for inode (reference taken); parent may be NULL. NULL: no memory. */
struct rf_dentry *rf_dentry_new(struct rf_kernel *k, struct rf_dentry *parent, const char *name,
                                struct rf_inode *inode);
void rf_dentry_get(struct rf_dentry *dentry);
void rf_dentry_put(struct rf_kernel *k, struct rf_dentry *dentry); /* NULL is allowed */
/* The child of a directory; mounts on it are not crossed. -RF_ENOENT. */
int64_t rf_dentry_child(struct rf_kernel *k, struct rf_dentry *dir, const char *name,
                        struct rf_dentry **out);
/* A name was removed: a live dentry for it becomes nameless. */
void rf_dentry_forget(struct rf_kernel *k, struct rf_dentry *dir, const char *name);
/* What dentry, below `from`, is below `to`, a root of the same inodes. NULL: no memory. */
struct rf_dentry *rf_dentry_mirror(struct rf_kernel *k, const struct rf_dentry *from, struct rf_dentry *to,
                                   const struct rf_dentry *dentry);
/* A live dentry gets another place. False: no memory (nothing changed). */
bool rf_dentry_move(struct rf_kernel *k, struct rf_dentry *dentry, struct rf_dentry *dir,
                    const char *name);
bool rf_dentry_is_below(const struct rf_dentry *dentry, const struct rf_dentry *above);
/* The absolute path as seen from root: length without NUL, -RF_ENAMETOOLONG. *reachable
 * (may be NULL) tells whether root lies above it. " (deleted)" is added as Linux does. */
int64_t rf_dentry_path(struct rf_kernel *k, struct rf_dentry *dentry, struct rf_dentry *root,
                       char *out, size_t size, bool *reachable);
RF_INLINE bool rf_dentry_is_directory(const struct rf_dentry *dentry)
{
    return RF_S_ISDIR(dentry->inode->mode);
}

/* --- mount.c --- */
/* A file system whose root is not made yet. NULL: no memory. */
struct rf_mount *rf_mount_alloc(struct rf_kernel *k, const char *type, uint64_t magic,
                                const struct rf_mount_ops *ops);
/* Show mount (its root is set) at a directory or file; takes over the mount. */
void rf_mount_attach(struct rf_kernel *k, struct rf_mount *mount, struct rf_dentry *at);
/* The first place of a file system that was just made; not attached. */
struct rf_mount_point *rf_mount_adopt(struct rf_kernel *k, struct rf_mount *mount);
/* Another place for a tree whose root is an inode of fs; not attached. NULL: no memory. */
struct rf_mount_point *rf_mount_point_new(struct rf_kernel *k, struct rf_mount *fs, struct rf_inode *root);
void rf_mount_point_attach(struct rf_mount_namespace *ns, struct rf_mount_point *point, struct rf_dentry *at);
/* Take it out of its namespace and off its place; it stays. */
void rf_mount_point_detach(struct rf_kernel *k, struct rf_mount_point *point);
/* It is seen nowhere any more: return what it holds. */
void rf_mount_point_free(struct rf_kernel *k, struct rf_mount_point *point);
/* A copy of the tree at `from` (rec: with all that is mounted below), not attached. NULL: no memory. */
struct rf_mount_point *rf_mount_copy_tree(struct rf_kernel *k, struct rf_mount_point *from, struct rf_inode *root,
                                          struct rf_dentry *top, bool rec, struct rf_mount_namespace *ns);
/* Take the tree apart, those below first. */
void rf_mount_free_tree(struct rf_kernel *k, struct rf_mount_point *point);
bool rf_is_read_only(const struct rf_dentry *dentry);
RF_INLINE bool rf_has_mount_flag(const struct rf_dentry *dentry, uint32_t flag)
{
    return dentry && dentry->point && dentry->point->flags & flag;
}
struct rf_mount_namespace *rf_mount_namespace_copy(struct rf_kernel *k, struct rf_mount_namespace *from,
                                                   struct rf_user_namespace *owner);
void rf_mount_namespace_free(struct rf_kernel *k, struct rf_mount_namespace *ns); /* its mounts */
/* The same place in a copy that was just made. False: no memory. */
bool rf_fs_context_follow(struct rf_kernel *k, struct rf_fs_context *fs, const struct rf_mount_namespace *copy);
void rf_mount_free(struct rf_kernel *k, struct rf_mount *mount);
void rf_mount_inode_gone(struct rf_kernel *k, struct rf_mount *mount); /* for rf_inode_put */
/* The topmost file system at a dentry, and back down. */
struct rf_dentry *rf_mount_cross(struct rf_dentry *dentry);
struct rf_dentry *rf_mount_uncross(struct rf_dentry *dentry);

#endif
