/* overlay's own: what an inode stands for, shared by its files. */
#ifndef RF_KERNEL_FS_OVERLAY_H
#define RF_KERNEL_FS_OVERLAY_H

#include "kernel/fs/fs.h"

#define RF_OVERLAY_BUCKETS 1024u

/* A lower object with several names, of which one was changed: all that are left lead to the same file. */
struct rf_overlay_link {
    struct rf_overlay_link *next;
    struct rf_inode *lower, *upper; /* referenced; upper NULL: not copied up */
    uint32_t hidden;                /* names that only lower layers have, and that are still seen */
};

/* The layers of one file system: inodes of other ones, the topmost first. Its rf_mount.private_data. */
struct rf_overlay {
    struct rf_inode *upper;   /* root of the layer that is written; NULL: nothing can be */
    struct rf_inode **lowers; /* roots */
    uint32_t lower_count;
    struct rf_mount *owned[2]; /* file systems that live and die with it: the lower and the upper of the set-up */
    struct rf_overlay_link *links;
    char *options;            /* as /proc/mounts shows them; NULL: none */
    struct rf_overlay_inode *buckets[RF_OVERLAY_BUCKETS]; /* live inodes, by what they stand for */
};

struct rf_overlay_inode {
    struct rf_overlay_inode *next; /* of its bucket */
    struct rf_inode *inode;
    struct rf_inode *parent;  /* referenced; NULL: the root, or no name is left */
    char *name;               /* in parent */
    struct rf_inode *upper;   /* referenced; NULL: not copied up */
    struct rf_inode **lowers; /* referenced; of a directory all that are merged, of others one until it is copied up */
    uint32_t lower_count;
    uint32_t hidden;          /* as in struct rf_overlay_link, which comes after it */
    struct rf_overlay_link *link;
};

RF_INLINE struct rf_overlay_inode *rf_overlay_of(const struct rf_inode *inode)
{
    return inode->private_data;
}
/* What is read and shown: the upper, or the topmost lower. */
RF_INLINE struct rf_inode *rf_overlay_real(const struct rf_inode *inode)
{
    const struct rf_overlay_inode *o = inode->private_data;
    return o->upper ? o->upper : o->lowers[0];
}

RF_INLINE struct rf_overlay *rf_overlay_fs(const struct rf_inode *inode)
{
    return inode->mount->private_data;
}

#define RF_OVERLAY_PREFIX "trusted.overlay."
#define RF_OVERLAY_OPAQUE RF_OVERLAY_PREFIX "opaque"
#define RF_OVERLAY_ORIGIN RF_OVERLAY_PREFIX "origin" /* st_ino before it was copied up */

/* --- overlay.c --- */
/* Attributes of what stands behind it. */
int64_t rf_overlay_refresh(struct rf_kernel *k, struct rf_inode *inode);
bool rf_overlay_is_whiteout(const struct rf_inode *real);
bool rf_overlay_is_opaque(struct rf_kernel *k, struct rf_inode *real);
uint64_t rf_overlay_upper_ino(struct rf_kernel *k, struct rf_inode *upper);
/* One name of a layer's directory. 0, -RF_ENOENT, another error. */
int64_t rf_overlay_lookup_in(struct rf_kernel *k, struct rf_inode *real_dir, const char *name, struct rf_inode **out);
/* The inode for real ones, whose references (and the array) are taken over, also on failure. NULL: no memory. */
struct rf_inode *rf_overlay_inode(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *upper,
                                  struct rf_inode **lowers, uint32_t lower_count);
/* It is called so from now on; dir NULL: it has no name any more. False: no memory. */
bool rf_overlay_place(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *dir, const char *name);
/* It has an upper now (a reference is taken). */
void rf_overlay_set_upper(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *upper);
/* A name that only lower layers have is seen no more, or has become one of the upper layer. */
void rf_overlay_uncover(struct rf_kernel *k, struct rf_inode *inode);
void rf_overlay_destroy_inode(struct rf_kernel *k, struct rf_inode *inode);

/* --- overlay_copy.c --- */
/* There is an upper afterwards: of the object and of the directories above it. with_data: contents too (not when
 * they are cut to nothing at once). */
int64_t rf_overlay_copy_up(struct rf_kernel *k, struct rf_inode *inode, bool with_data);

/* --- overlay_names.c --- */
extern const struct rf_inode_ops rf_overlay_directory_ops;
extern const struct rf_file_ops rf_overlay_directory_file_ops;

/* --- overlay_data.c --- */
extern const struct rf_inode_ops rf_overlay_file_ops, rf_overlay_other_ops;
/* An open file of the real inode, for the time of one call or longer: 0 or -errno. */
int64_t rf_overlay_open_real(struct rf_kernel *k, struct rf_inode *real, uint32_t flags, struct rf_file **out);
extern const struct rf_file_ops rf_overlay_regular_ops;
int64_t rf_overlay_getattr(struct rf_kernel *k, struct rf_inode *inode);
int64_t rf_overlay_setattr(struct rf_kernel *k, struct rf_inode *inode, const struct rf_attributes *change);
int64_t rf_overlay_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size);
int64_t rf_overlay_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size);
int64_t rf_overlay_setxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                            uint32_t flags);

#endif
