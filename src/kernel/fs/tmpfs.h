/* tmpfs' own: what an inode holds, shared by its two files. */
#ifndef RF_KERNEL_FS_TMPFS_H
#define RF_KERNEL_FS_TMPFS_H

#include "kernel/fs/fs.h"
#include "kernel/fs/xattrs.h"

/* A directory's entries in order of creation; numbered for readdir's cursor. */
struct rf_tmpfs_entry {
    struct rf_tmpfs_entry *next, *previous;
    struct rf_tmpfs_entry *next_hash;
    struct rf_inode *inode; /* referenced */
    uint64_t cursor;        /* ascending, never used again */
    uint32_t hash;
    char name[];
};

struct rf_tmpfs_node {
    struct rf_pages pages; /* regular files */
    char *target;          /* symbolic links */
    struct rf_tmpfs_entry *first, *last; /* directories */
    struct rf_tmpfs_entry **buckets;
    uint32_t bucket_count, entry_count;
    uint64_t next_cursor;
    uint64_t parent_ino;
    struct rf_xattr *xattrs;
};

/* What a file system may hold, and holds: its rf_mount.private_data. */
struct rf_tmpfs_limits {
    uint64_t max_pages, max_inodes; /* 0: what RAM has room for */
    uint64_t pages, inodes;         /* names of a file after its first count as inodes, as in Linux */
    uint64_t default_pages;         /* what max_pages and max_inodes are if nothing is said */
    uint32_t mode, uid, gid;        /* of its root when it was made */
};

/* --- tmpfs_options.c --- */
/* Adds what the text says to limits, the root's ids as the kernel has them. 0 or -RF_EINVAL. */
int64_t rf_tmpfs_parse(struct rf_kernel *k, const char *options, struct rf_tmpfs_limits *limits);
int64_t rf_tmpfs_remount(struct rf_kernel *k, struct rf_mount *mount, const char *options);
void rf_tmpfs_show(struct rf_kernel *k, struct rf_mount *mount, char *out, size_t size);

extern const struct rf_file_ops rf_tmpfs_file_ops;
int64_t rf_tmpfs_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa);
int64_t rf_tmpfs_punch(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end);
int64_t rf_tmpfs_fallocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length);
int64_t rf_tmpfs_setattr(struct rf_kernel *k, struct rf_inode *inode,
                         const struct rf_attributes *change);
bool rf_tmpfs_has_page(const struct rf_inode *inode, uint64_t index);
void rf_tmpfs_free_data(struct rf_kernel *k, struct rf_inode *inode);

#endif
