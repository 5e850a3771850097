/* XFS images, read-only, by code of our own (XFS Algorithms & Data Structures): what the driver's files share.
 *
 * Everything on disk is big-endian but the checksums. Nothing of it is trusted: each block that is read has its magic
 * number, its checksum where the format has one, and every count and offset in it checked. */
#ifndef RF_KERNEL_FS_XFS_H
#define RF_KERNEL_FS_XFS_H

#include "base/error.h"
#include "kernel/fs/image.h"

enum { RF_XFS_DEVICE, RF_XFS_LOCAL, RF_XFS_EXTENTS, RF_XFS_BTREE }; /* what a fork is */

struct rf_xfs {
    struct rf_image_table live;
    int fd;
    bool v5, has_ftype;
    uint32_t block_size, ag_blocks, ag_count, inode_size;
    uint32_t inodes_per_block_log, ag_block_log, dir_block_log;
    uint64_t blocks, root_ino, free_blocks, inodes, free_inodes, log_start;
    uint32_t log_blocks;
    uint8_t uuid[16];
};
/* Blocks [logical, logical + count) are at physical on, a block number of the format's; physical 0: a hole. */
struct rf_xfs_run {
    uint64_t logical, count, physical;
    bool unwritten;
};
struct rf_xfs_fork {
    const uint8_t *bytes;
    size_t size;
    uint8_t format;
    uint64_t extents;
    struct rf_xfs_run run; /* the last that was looked up; count 0: none */
};
struct rf_xfs_node {
    struct rf_image_node image;
    struct rf_xfs_fork data, attributes; /* attributes.size 0: none */
    uint8_t raw[];
};

RF_INLINE struct rf_xfs *rf_xfs_of(const struct rf_inode *inode)
{
    return inode->mount->private_data;
}
RF_INLINE struct rf_xfs_node *rf_xfs_node_of(const struct rf_inode *inode)
{
    return inode->private_data;
}
RF_INLINE uint64_t rf_be(const uint8_t *p, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}
RF_INLINE uint16_t rf_be16(const uint8_t *p) { return (uint16_t)rf_be(p, 2); }
RF_INLINE uint32_t rf_be32(const uint8_t *p) { return (uint32_t)rf_be(p, 4); }
RF_INLINE uint64_t rf_be64(const uint8_t *p) { return rf_be(p, 8); }

/* --- xfs.c --- */
int64_t rf_xfs_inode(struct rf_kernel *k, struct rf_mount *mount, uint64_t ino, struct rf_inode **out);
/* CRC32c of size bytes with the four at offset taken as zero is what they hold. */
bool rf_xfs_crc_ok(const uint8_t *bytes, size_t size, size_t offset);
extern const struct rf_inode_ops rf_xfs_inode_ops;

/* --- xfs_map.c --- */
/* Byte address in the image of a block number as forks hold it, with count blocks behind it. False: outside. */
bool rf_xfs_address(const struct rf_xfs *fs, uint64_t block, uint64_t count, uint64_t *out);
int64_t rf_xfs_map(struct rf_xfs *fs, const struct rf_inode *inode, struct rf_xfs_fork *fork, uint64_t logical,
                   struct rf_xfs_run *out);
/* Whole blocks of a fork, all of which must be there. */
int64_t rf_xfs_read_blocks(struct rf_xfs *fs, const struct rf_inode *inode, struct rf_xfs_fork *fork, uint64_t logical,
                           uint32_t count, uint8_t *out);
/* Values with a header before each block's part: remote symbolic links and attributes. */
int64_t rf_xfs_read_remote(struct rf_xfs *fs, const struct rf_inode *inode, struct rf_xfs_fork *fork, uint64_t logical,
                           uint32_t magic, uint8_t *out, size_t size);
extern const struct rf_file_ops rf_xfs_file_ops;
int64_t rf_xfs_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa);

/* --- xfs_dir.c --- */
extern const struct rf_file_ops rf_xfs_directory_ops;
int64_t rf_xfs_lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out);

/* --- xfs_attr.c --- */
int64_t rf_xfs_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size);
int64_t rf_xfs_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);

#endif
