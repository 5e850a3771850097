/* ext2, ext3 and ext4 images through libext2fs: what the driver's files share.
 *
 * libext2fs keeps the superblock, group descriptors and bitmaps in memory, and works on metadata through a channel
 * that holds changed blocks back until a flush (ext4_io.c). Contents of files go to the image at once, past that
 * channel. Whoever changes something calls rf_ext4_begin first and rf_ext4_end last. */
#ifndef RF_KERNEL_FS_EXT4_H
#define RF_KERNEL_FS_EXT4_H

#include "base/error.h"
#include "kernel/fs/image.h"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>

#define RF_EXT4_BUCKETS 256u
#define RF_EXT4_SPARE_BLOCKS 8u /* that a change of names may need: directory, index and extent blocks */
#define RF_EXT4_LINK_MAX 65000u

/* --- ext4_io.c: the image's file, and changed metadata that it does not have yet --- */
struct rf_ext4_io {
    int fd;
    uint64_t size;
    bool writable;
    struct rf_ext4_unit **buckets;
    uint64_t bucket_count, dirty; /* units held back */
};
bool rf_ext4_io_create(struct rf_ext4_io *io, int fd, uint64_t size, bool writable);
void rf_ext4_io_destroy(struct rf_ext4_io *io); /* the descriptor stays open */
extern const struct struct_io_manager rf_ext4_io_manager;
/* Everything that was held back goes to the image. 0 or -errno: what could not be written is still held. */
int64_t rf_ext4_io_flush(struct rf_ext4_io *io);
/* Contents of files. */
bool rf_ext4_io_read(struct rf_ext4_io *io, void *out, size_t size, uint64_t offset);
int64_t rf_ext4_io_write(struct rf_ext4_io *io, const void *bytes, size_t size, uint64_t offset);

/* --- ext4.c --- */
struct rf_ext4_mount {
    ext2_filsys fs;
    struct rf_ext4_io io;
    struct rf_mount *mount;
    struct rf_ext4_node *live[RF_EXT4_BUCKETS];
    uint32_t generation; /* of the next new inode */
    bool writable;       /* the image may be changed */
    bool touched;        /* and has been: the superblock says that it is in use */
};
/* Blocks [logical, logical + count) are at physical on; physical 0: a hole; unwritten: they read as zeros. */
struct rf_ext4_run {
    uint64_t logical, count, physical;
    bool unwritten;
};
struct rf_ext4_node {
    struct rf_ext4_node *next; /* of its bucket */
    struct rf_inode *inode;
    struct rf_pages cache;     /* pages that were mapped */
    struct rf_ext4_run run;    /* the last one that was looked up; count 0: none */
    bool is_checked;           /* its block map was found to be sound */
    struct ext2_inode_large raw;
};

RF_INLINE struct rf_ext4_node *rf_ext4_node_of(const struct rf_inode *inode)
{
    return inode->private_data;
}
RF_INLINE struct rf_ext4_mount *rf_ext4_of(const struct rf_inode *inode)
{
    return inode->mount->private_data;
}
RF_INLINE struct ext2_inode *rf_ext4_raw(struct rf_ext4_node *node)
{
    return (struct ext2_inode *)&node->raw;
}
int64_t rf_ext4_error(errcode_t error); /* -errno */
/* A change begins: -RF_EROFS, or -RF_ENOSPC if so many blocks are not free for the current task. */
int64_t rf_ext4_begin(struct rf_kernel *k, struct rf_ext4_mount *m, uint64_t blocks);
void rf_ext4_end(struct rf_ext4_mount *m);
uint64_t rf_ext4_free_blocks(struct rf_kernel *k, struct rf_ext4_mount *m); /* that the current task may use */
int64_t rf_ext4_flush(struct rf_kernel *k, struct rf_ext4_mount *m, bool wait);
extern const struct rf_inode_ops rf_ext4_inode_ops;

/* --- ext4_inode.c --- */
/* The inode of that number: the live one or a new one, referenced. */
int64_t rf_ext4_inode(struct rf_kernel *k, struct rf_ext4_mount *m, uint32_t ino, struct rf_inode **out);
/* A new inode on disk and here, with a link count of 1; parent gives group and place. Released: freed again. */
int64_t rf_ext4_new_inode(struct rf_kernel *k, struct rf_inode *parent, uint32_t mode, struct rf_inode **out);
/* What the VFS knows of the inode goes to its place on disk; what libext2fs changed there comes back. */
int64_t rf_ext4_store(struct rf_kernel *k, struct rf_inode *inode);
int64_t rf_ext4_reload(struct rf_kernel *k, struct rf_inode *inode);
void rf_ext4_set_device(struct rf_ext4_node *node, uint64_t device);
/* It has no name any more, or has one again (a file of O_TMPFILE). */
void rf_ext4_orphan_add(struct rf_kernel *k, struct rf_inode *inode);
void rf_ext4_orphan_remove(struct rf_kernel *k, struct rf_inode *inode);
int64_t rf_ext4_setattr(struct rf_kernel *k, struct rf_inode *inode, const struct rf_attributes *change);
void rf_ext4_destroy(struct rf_kernel *k, struct rf_inode *inode);
void rf_ext4_write_all(struct rf_kernel *k, struct rf_ext4_mount *m); /* every live inode */
void rf_ext4_free_orphans(struct rf_kernel *k, struct rf_ext4_mount *m);

/* --- ext4_map.c --- */
/* Is the block map sound: in order, within the file system, free of loops? 0, -RF_EUCLEAN, -RF_EIO. */
int64_t rf_ext4_check_map(struct rf_ext4_mount *m, struct rf_ext4_node *node);
/* Where a block is, and what follows it. */
int64_t rf_ext4_map(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, struct rf_ext4_run *out);
/* A block for a hole or unwritten block, which the caller has filled if *physical is not 0, or is to fill. */
int64_t rf_ext4_allocate(struct rf_kernel *k, struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical,
                         const struct rf_ext4_run *was, uint64_t *physical);
/* Unwritten blocks for the holes among [first, first + count) of a file with extents. */
int64_t rf_ext4_reserve(struct rf_kernel *k, struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t first,
                        uint64_t count);
/* Blocks [first, end) become a hole. */
int64_t rf_ext4_unmap(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t first, uint64_t end);
uint64_t rf_ext4_size_max(const struct rf_ext4_mount *m, const struct rf_ext4_node *node);

/* --- ext4_data.c --- */
extern const struct rf_file_ops rf_ext4_file_ops;
int64_t rf_ext4_open(struct rf_kernel *k, struct rf_inode *inode, struct rf_file *file);
int64_t rf_ext4_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa);
int64_t rf_ext4_set_size(struct rf_kernel *k, struct rf_inode *inode, uint64_t size);
int64_t rf_ext4_punch(struct rf_kernel *k, struct rf_inode *inode, uint64_t start, uint64_t end);
int64_t rf_ext4_fallocate(struct rf_kernel *k, struct rf_inode *inode, uint32_t mode, uint64_t start, uint64_t length);
int64_t rf_ext4_sync(struct rf_kernel *k, struct rf_inode *inode);
int64_t rf_ext4_write_back(struct rf_kernel *k, struct rf_inode *inode); /* what shared mappings have changed */

/* --- ext4_dir.c: reading directories; ext4_names.c: changing them --- */
extern const struct rf_file_ops rf_ext4_directory_ops;
/* Call entry for each name until it returns something else than 0, which is the result then. */
typedef int64_t rf_ext4_entry(void *user, const char *name, size_t length, uint32_t ino, uint8_t type);
int64_t rf_ext4_entries(struct rf_kernel *k, struct rf_inode *dir, rf_ext4_entry *entry, void *user);
int64_t rf_ext4_lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out);
int64_t rf_ext4_readlink(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);

int64_t rf_ext4_create(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                       struct rf_inode **out);
int64_t rf_ext4_symlink(struct rf_kernel *k, struct rf_inode *dir, const char *name, const char *target,
                        struct rf_inode **out);
int64_t rf_ext4_link(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode);
int64_t rf_ext4_remove(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode);
int64_t rf_ext4_rename(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                       struct rf_inode *new_dir, const char *new_name, struct rf_inode *victim);
int64_t rf_ext4_exchange(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                         struct rf_inode *new_dir, const char *new_name, struct rf_inode *other);
int64_t rf_ext4_tmpfile(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode, struct rf_inode **out);

/* --- ext4_xattr.c --- */
int64_t rf_ext4_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size);
int64_t rf_ext4_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);
int64_t rf_ext4_setxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                         uint32_t flags);

#endif
