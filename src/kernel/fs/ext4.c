/* ext2, ext3 and ext4 images as file systems: opening, features, space, flushing.
 *
 * There is no journal replay and no journaling: an image that needs recovery is refused for writing. What is changed
 * reaches the image in batches (ext4_io.c), at sync and at the end. */
#include "kernel/fs/ext4.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"
#include "kernel/vfs/fstype.h"

#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define HELD_MAX 16384u /* units: 16 MiB of changed metadata are enough for one batch */
#define SUPER_OFFSET 1024u

int64_t rf_ext4_error(errcode_t error)
{
    switch (error) {
    case 0: return 0;
    case EXT2_ET_NO_MEMORY: return -RF_ENOMEM;
    case EXT2_ET_BLOCK_ALLOC_FAIL:
    case EXT2_ET_INODE_ALLOC_FAIL:
    case EXT2_ET_DIR_NO_SPACE:
    case EXT2_ET_EA_NO_SPACE:
    case EXT2_ET_CANT_SPLIT_EXTENT: return -RF_ENOSPC;
    case EXT2_ET_FILE_NOT_FOUND: return -RF_ENOENT;
    case EXT2_ET_EA_KEY_NOT_FOUND: return -RF_ENODATA;
    case EXT2_ET_FILE_TOO_BIG: return -RF_EFBIG;
    case EXT2_ET_RO_FILSYS: return -RF_EROFS;
    case EXT2_ET_SHORT_READ:
    case EXT2_ET_SHORT_WRITE: return -RF_EIO;
    case EXT2_ET_INODE_CSUM_INVALID:
    case EXT2_ET_DIR_CSUM_INVALID:
    case EXT2_ET_EXTENT_CSUM_INVALID:
    case EXT2_ET_EXT_ATTR_CSUM_INVALID: return -RF_EBADMSG;
    default: return error > 0 && error < 134 ? -(int64_t)error : -RF_EUCLEAN;
    }
}

/* --- changing --- */

uint64_t rf_ext4_free_blocks(struct rf_kernel *k, struct rf_ext4_mount *m)
{
    const struct ext2_super_block *super = m->fs->super;
    uint64_t blocks = ext2fs_free_blocks_count((struct ext2_super_block *)(uintptr_t)super);
    uint64_t kept = ext2fs_r_blocks_count((struct ext2_super_block *)(uintptr_t)super);
    bool privileged = !k->current || rf_capable_here(k, RF_CAP_SYS_RESOURCE) ||
                      k->current->credentials.fsuid == super->s_def_resuid ||
                      (super->s_def_resgid && rf_in_group(k, super->s_def_resgid));
    return privileged ? blocks : blocks > kept ? blocks - kept : 0;
}

int64_t rf_ext4_begin(struct rf_kernel *k, struct rf_ext4_mount *m, uint64_t blocks)
{
    if (!m->writable)
        return -RF_EROFS;
    if (blocks && rf_ext4_free_blocks(k, m) < blocks)
        return -RF_ENOSPC;
    m->fs->now = (time_t)rf_now(k).tv_sec;
    if (!m->touched) {
        m->touched = true;
        m->fs->super->s_state &= (uint16_t)~EXT2_VALID_FS;
        m->fs->super->s_mtime = (uint32_t)m->fs->now;
        ext2fs_mark_super_dirty(m->fs);
    }
    return 0;
}

void rf_ext4_end(struct rf_ext4_mount *m)
{
    if (m->io.dirty > HELD_MAX && ext2fs_flush2(m->fs, EXT2_FLAG_FLUSH_NO_SYNC) == 0)
        rf_ext4_io_flush(&m->io);
}

int64_t rf_ext4_flush(struct rf_kernel *k, struct rf_ext4_mount *m, bool wait)
{
    if (!m->writable || !m->touched)
        return 0;
    rf_ext4_write_all(k, m);
    int64_t error = rf_ext4_error(ext2fs_flush2(m->fs, EXT2_FLAG_FLUSH_NO_SYNC));
    int64_t flush_error = rf_ext4_io_flush(&m->io);
    if (wait && fsync(m->io.fd) < 0)
        flush_error = -RF_EIO;
    return error ? error : flush_error;
}

/* --- the file system as a whole --- */

static void statfs(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out)
{
    (void)k;
    const struct rf_ext4_mount *m = mount->private_data;
    struct ext2_super_block *super = m->fs->super;
    uint64_t overhead = super->s_overhead_clusters; /* mke2fs has counted it */
    uint64_t blocks = ext2fs_blocks_count(super), kept = ext2fs_r_blocks_count(super);
    uint64_t available = ext2fs_free_blocks_count(super);
    overhead <<= m->fs->cluster_ratio_bits;
    out->f_bsize = out->f_frsize = m->fs->blocksize;
    out->f_blocks = (int64_t)(overhead < blocks ? blocks - overhead : blocks);
    out->f_bfree = (int64_t)available;
    out->f_bavail = (int64_t)(available > kept ? available - kept : 0);
    out->f_files = super->s_inodes_count;
    out->f_ffree = super->s_free_inodes_count;
    memcpy(out->f_fsid, super->s_uuid, sizeof out->f_fsid);
}

static int64_t sync_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    return rf_ext4_flush(k, mount->private_data, true);
}

/* The image can only be as writable as it was opened. */
static int64_t remount(struct rf_kernel *k, struct rf_mount *mount, const char *options)
{
    (void)options;
    return rf_ext4_flush(k, mount->private_data, false);
}

static void close_image(struct rf_kernel *k, struct rf_ext4_mount *m)
{
    if (m->touched) {
        rf_ext4_free_orphans(k, m);
        m->fs->super->s_state |= EXT2_VALID_FS;
        ext2fs_mark_super_dirty(m->fs);
        rf_ext4_flush(k, m, false);
    }
    m->fs->flags &= ~(EXT2_FLAG_DIRTY | EXT2_FLAG_CHANGED | EXT2_FLAG_BB_DIRTY | EXT2_FLAG_IB_DIRTY);
    ext2fs_free(m->fs);
}

static void destroy_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    struct rf_ext4_mount *m = mount->private_data;
    if (!m)
        return;
    close_image(k, m);
    rf_ext4_io_destroy(&m->io);
    close(m->io.fd);
    rf_kfree(k, m);
}

static const struct rf_mount_ops mount_ops = {
    .statfs = statfs,
    .remount = remount,
    .sync = sync_mount,
    .destroy = destroy_mount,
};

/* --- opening --- */

struct feature {
    uint32_t bit;
    const char *text;
};
static const struct feature incompatible[] = { /* cannot be written */
    { EXT3_FEATURE_INCOMPAT_RECOVER, "needs journal recovery: run e2fsck on it" },
    { EXT4_FEATURE_INCOMPAT_MMP, "is protected against multiple mounts (mmp)" },
    { EXT4_FEATURE_INCOMPAT_INLINE_DATA, "keeps data in inodes (inline_data)" },
    { EXT4_FEATURE_INCOMPAT_EA_INODE, "keeps attributes in inodes (ea_inode)" },
    { EXT4_FEATURE_INCOMPAT_ENCRYPT, "has encrypted files" },
    { EXT4_FEATURE_INCOMPAT_CASEFOLD, "has directories without case" },
};
static const struct feature read_only[] = {
    { EXT4_FEATURE_RO_COMPAT_QUOTA, "keeps quotas" },
    { EXT4_FEATURE_RO_COMPAT_PROJECT, "keeps project quotas" },
    { EXT4_FEATURE_RO_COMPAT_VERITY, "has files with verity" },
    { EXT4_FEATURE_RO_COMPAT_READONLY, "says that it is read-only" },
    { EXT4_FEATURE_RO_COMPAT_SHARED_BLOCKS, "shares blocks between files" },
};

static const char *find_feature(const struct feature *features, size_t count, uint32_t bits)
{
    for (size_t i = 0; i < count; i++)
        if (bits & features[i].bit)
            return features[i].text;
    return NULL;
}

/* Why the image must not be written. NULL: it may. */
static const char *not_writable(const struct ext2_super_block *super)
{
    const char *text = find_feature(incompatible, RF_ARRAY_SIZE(incompatible), super->s_feature_incompat);
    if (!text)
        text = find_feature(read_only, RF_ARRAY_SIZE(read_only), super->s_feature_ro_compat);
    if (!text && super->s_feature_ro_compat & ~(uint32_t)EXT2_LIB_FEATURE_RO_COMPAT_SUPP)
        text = "has features that are not known";
    if (!text && super->s_state & EXT2_ERROR_FS)
        text = "has errors: run e2fsck on it";
    if (!text && !(super->s_state & EXT2_VALID_FS))
        text = "was not unmounted cleanly: run e2fsck on it";
    if (!text && super->s_last_orphan)
        text = "has orphaned files: run e2fsck on it";
    return text;
}

static bool check_super(const struct rf_image *image, struct rf_error *err)
{
    struct ext2_super_block super;
    if (!rf_image_pread(image->fd, &super, sizeof super, SUPER_OFFSET)) {
        rf_error_set(err, RF_ERR_FORMAT, "%s: the superblock is cut off", image->path);
        return false;
    }
    uint32_t shift = super.s_log_block_size;
    uint64_t blocks = super.s_blocks_count;
    if (super.s_feature_incompat & EXT4_FEATURE_INCOMPAT_64BIT)
        blocks |= (uint64_t)super.s_blocks_count_hi << 32;
    if (shift > 6 || blocks > UINT64_MAX >> 20 || !blocks || !super.s_blocks_per_group || !super.s_inodes_per_group) {
        rf_error_set(err, RF_ERR_FORMAT, "%s: the superblock is damaged", image->path);
        return false;
    }
    if (blocks << (10 + shift) > image->size) {
        rf_error_set(err, RF_ERR_FORMAT, "%s is truncated: the file system has %llu bytes, the image %llu", image->path,
                     (unsigned long long)(blocks << (10 + shift)), (unsigned long long)image->size);
        return false;
    }
    if (super.s_feature_incompat & EXT3_FEATURE_INCOMPAT_JOURNAL_DEV) {
        rf_error_set(err, RF_ERR_FORMAT, "%s is a journal, not a file system", image->path);
        return false;
    }
    const char *refusal = image->writable ? not_writable(&super) : NULL;
    if (refusal) {
        rf_error_set(err, RF_ERR_UNSUPPORTED, "%s cannot be mounted for writing: it %s", image->path, refusal);
        return false;
    }
    return true;
}

/* Group descriptors that point out of the file system are found before libext2fs follows them. */
static bool check_groups(ext2_filsys fs)
{
    uint64_t blocks = ext2fs_blocks_count(fs->super);
    for (dgrp_t group = 0; group < fs->group_desc_count; group++) {
        uint64_t table = ext2fs_inode_table_loc(fs, group);
        if (ext2fs_block_bitmap_loc(fs, group) >= blocks || ext2fs_inode_bitmap_loc(fs, group) >= blocks ||
            table >= blocks || fs->inode_blocks_per_group > blocks - table)
            return false;
    }
    return true;
}

static errcode_t open_fs(struct rf_ext4_mount *m)
{
    char name[32];
    snprintf(name, sizeof name, "%p", (void *)&m->io);
    int flags = EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP | EXT2_FLAG_MASTER_SB_ONLY | (m->writable ? EXT2_FLAG_RW : 0);
    errcode_t error = ext2fs_open2(name, NULL, flags, 0, 0, (io_manager)(uintptr_t)&rf_ext4_io_manager, &m->fs);
    if (!error && !check_groups(m->fs))
        error = EXT2_ET_CORRUPT_SUPERBLOCK;
    if (!error && m->writable)
        error = ext2fs_read_bitmaps(m->fs);
    return error;
}

static const char *type_of(const struct ext2_super_block *super)
{
    uint32_t ext4 = EXT3_FEATURE_INCOMPAT_EXTENTS | EXT4_FEATURE_INCOMPAT_64BIT | EXT4_FEATURE_INCOMPAT_FLEX_BG;
    if (super->s_feature_incompat & ext4 || super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_METADATA_CSUM)
        return "ext4";
    return super->s_feature_compat & EXT3_FEATURE_COMPAT_HAS_JOURNAL ? "ext3" : "ext2";
}

static struct rf_mount *make_mount(struct rf_kernel *k, const struct rf_image *image, struct rf_ext4_mount *m,
                                   struct rf_error *err)
{
    struct rf_mount *mount = rf_mount_alloc(k, type_of(m->fs->super), RF_EXT4_SUPER_MAGIC, &mount_ops);
    if (!mount) {
        rf_error_set(err, RF_ERR_NO_MEMORY, "%s: no memory", image->path);
        return NULL;
    }
    struct rf_inode *root;
    m->mount = mount;
    mount->private_data = m;
    mount->keeps_inodes = true;
    mount->read_only = !image->writable;
    int64_t error = rf_ext4_inode(k, m, EXT2_ROOT_INO, &root);
    if (!error && RF_S_ISDIR(root->mode))
        mount->root = rf_dentry_new(k, NULL, "", root);
    if (!error)
        rf_inode_put(k, root);
    if (mount->root)
        return mount;
    rf_error_set(err, RF_ERR_FORMAT, "%s: the root directory is damaged", image->path);
    mount->private_data = NULL; /* the caller's again */
    rf_mount_free(k, mount);
    return NULL;
}

static struct rf_mount *open_image(struct rf_kernel *k, const struct rf_image *image, struct rf_error *err)
{
    if (!check_super(image, err))
        return NULL;
    if (flock(image->fd, (image->writable ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0) {
        rf_error_set(err, RF_ERR_STATE, "%s is in use by another machine", image->path);
        return NULL;
    }
    struct rf_ext4_mount *m = rf_kalloc(k, sizeof *m);
    if (!m || !rf_ext4_io_create(&m->io, image->fd, image->size, image->writable)) {
        rf_kfree(k, m);
        rf_error_set(err, RF_ERR_NO_MEMORY, "%s: no memory", image->path);
        return NULL;
    }
    m->writable = image->writable;
    errcode_t error = open_fs(m);
    struct rf_mount *mount = NULL;
    if (error)
        rf_error_set(err, error == EXT2_ET_NO_MEMORY ? RF_ERR_NO_MEMORY : RF_ERR_FORMAT, "%s: %s", image->path,
                     error_message(error)[0] == 'U' ? "the file system is damaged, or has unknown features"
                                                    : error_message(error));
    else
        mount = make_mount(k, image, m, err);
    if (mount)
        return mount;
    if (m->fs)
        ext2fs_free(m->fs);
    rf_ext4_io_destroy(&m->io);
    rf_kfree(k, m);
    return NULL;
}

static bool is_image(const uint8_t *head, uint64_t size)
{
    return size >= 2 * SUPER_OFFSET && head[SUPER_OFFSET + 56] == 0x53 && head[SUPER_OFFSET + 57] == 0xef;
}

const struct rf_fs_type rf_ext4_type = {
    .name = "ext4",
    .flags = RF_FS_DEVICE,
    .is_image = is_image,
    .open_image = open_image,
};
const struct rf_fs_type rf_ext3_type = { .name = "ext3", .flags = RF_FS_DEVICE };
const struct rf_fs_type rf_ext2_type = { .name = "ext2", .flags = RF_FS_DEVICE };
