/* What drivers of images share: reading and mapping files whose bytes a function of the driver delivers, and lists of
 * a directory's entries as it was when reading began. */
#ifndef RF_KERNEL_FS_IMAGE_H
#define RF_KERNEL_FS_IMAGE_H

#include "kernel/fs/fs.h"
#include "kernel/fs/listing.h"

/* --- image.c --- */
/* Bytes of a file at offset: how many, fewer than size only at the end; or -errno. */
typedef int64_t rf_image_reader(struct rf_kernel *k, struct rf_inode *inode, void *out, size_t size, uint64_t offset);

int64_t rf_image_read(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos,
                      rf_image_reader *reader);
/* The frame of a page, from the cache or read into it; referenced for the caller. -RF_EFAULT past the end. */
int64_t rf_image_page(struct rf_kernel *k, struct rf_inode *inode, struct rf_pages *cache, uint64_t index, uint64_t *pa,
                      rf_image_reader *reader);
/* pread of the image's file until size bytes are there: false at the end or on failure. */
bool rf_image_pread(int fd, void *out, size_t size, uint64_t offset);
/* The mode of an inode in an image names a kind of file that there is. */
bool rf_image_mode_ok(uint32_t mode);

/* Live inodes of a read-only image by a number of the driver's: the first member of what inode->private_data is. */
#define RF_IMAGE_BUCKETS 256u
struct rf_image_node {
    struct rf_image_node *next;
    struct rf_inode *inode;
    uint64_t key;
    struct rf_pages cache; /* pages that were mapped */
};
struct rf_image_table {
    struct rf_image_node *buckets[RF_IMAGE_BUCKETS];
};
struct rf_image_node *rf_image_find(const struct rf_image_table *table, uint64_t key); /* NULL: not live */
/* A node of size bytes and its inode, in the table; mode and ops are the driver's to set. NULL: no memory. */
struct rf_image_node *rf_image_new(struct rf_kernel *k, struct rf_image_table *table, struct rf_mount *mount, uint64_t key,
                                   size_t size, const struct rf_inode_ops *ops);
/* In the driver's destroy: out of the table, with its pages. */
void rf_image_gone(struct rf_kernel *k, struct rf_image_table *table, struct rf_image_node *node);

/* Without "." and "..". 0 or -RF_ENOMEM; a name that nothing can have is -RF_EUCLEAN. */
int64_t rf_image_add_entry(struct rf_kernel *k, struct rf_listing *list, const char *name, size_t length, uint64_t ino,
                           uint8_t type);
/* Add every entry of dir; *parent is the number that ".." has. */
typedef int64_t rf_image_filler(struct rf_kernel *k, struct rf_inode *dir, struct rf_listing *list, uint64_t *parent);
/* readdir over a list that is made when reading begins and kept in file->private_data. */
int64_t rf_image_readdir(struct rf_kernel *k, struct rf_file *file,
                         bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos),
                         void *user, rf_image_filler *fill);
void rf_image_release_list(struct rf_kernel *k, struct rf_file *file);

#endif
