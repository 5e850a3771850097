/* Inodes of ext4 images: between their 128 to 256 bytes on disk and the VFS, made, freed, and kept on the list of
 * orphans while they are open without a name. */
#include "kernel/fs/ext4.h"

#include <string.h>

#define OLD_SIZE ((size_t)EXT2_GOOD_OLD_INODE_SIZE)

static size_t raw_size(const struct rf_ext4_mount *m)
{
    size_t size = EXT2_INODE_SIZE(m->fs->super);
    return size < sizeof(struct ext2_inode_large) ? size : sizeof(struct ext2_inode_large);
}

/* Does the inode have the field that ends at byte `end`? */
static bool has_field(const struct rf_ext4_mount *m, const struct rf_ext4_node *node, size_t end)
{
    return raw_size(m) > OLD_SIZE && end <= OLD_SIZE + node->raw.i_extra_isize &&
           end <= raw_size(m);
}
#define HAS_FIELD(m, node, field) \
    has_field(m, node, offsetof(struct ext2_inode_large, field) + sizeof((node)->raw.field))

/* --- times: 32 bits, two more for the years after 2038, nanoseconds --- */

static struct rf_timespec get_time(uint32_t seconds, uint32_t extra, bool has_extra)
{
    if (!has_extra)
        return (struct rf_timespec){ (int32_t)seconds, 0 };
    int64_t nanoseconds = extra >> EXT4_EPOCH_BITS;
    return (struct rf_timespec){ (int32_t)seconds + ((int64_t)(extra & EXT4_EPOCH_MASK) << 32),
                                 nanoseconds < 1000000000 ? nanoseconds : 0 };
}

static void put_time(struct rf_timespec time, uint32_t *seconds, uint32_t *extra, bool has_extra)
{
    int64_t least = INT32_MIN, most = has_extra ? INT32_MAX + (INT64_C(3) << 32) : INT32_MAX;
    int64_t kept = time.tv_sec < least ? least : time.tv_sec > most ? most : time.tv_sec; /* timestamp_truncate */
    *seconds = (uint32_t)kept;
    if (has_extra)
        *extra = (uint32_t)((kept - (int32_t)kept) >> 32 & EXT4_EPOCH_MASK) |
                 (kept == time.tv_sec ? (uint32_t)time.tv_nsec << EXT4_EPOCH_BITS : 0);
}

/* --- device numbers: an old form of 16 bits, a new one of 32 --- */

static uint64_t get_device(const struct ext2_inode_large *raw)
{
    uint32_t old = raw->i_block[0], new = raw->i_block[1];
    uint32_t major = old ? old >> 8 & 0xff : new >> 8 & 0xfff;
    uint32_t minor = old ? old & 0xff : (new & 0xff) | (new >> 12 & 0xfff00);
    return (minor & 0xff) | (uint64_t)major << 8 | (uint64_t)(minor & ~0xffu) << 12;
}

void rf_ext4_set_device(struct rf_ext4_node *node, uint64_t device)
{
    struct ext2_inode_large *raw = &node->raw;
    uint32_t major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);
    memset(raw->i_block, 0, sizeof raw->i_block);
    if (major < 256 && minor < 256)
        raw->i_block[0] = major << 8 | minor;
    else
        raw->i_block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
    node->inode->rdev = device;
}

/* --- between disk and VFS --- */

static void take(struct rf_ext4_mount *m, struct rf_ext4_node *node)
{
    struct rf_inode *inode = node->inode;
    struct ext2_inode_large *raw = &node->raw;
    inode->mode = raw->i_mode;
    inode->uid = raw->i_uid | (uint32_t)raw->osd2.linux2.l_i_uid_high << 16;
    inode->gid = raw->i_gid | (uint32_t)raw->osd2.linux2.l_i_gid_high << 16;
    inode->nlink = raw->i_links_count;
    inode->size = EXT2_I_SIZE(raw);
    inode->blocks = ext2fs_get_stat_i_blocks(m->fs, rf_ext4_raw(node));
    inode->rdev = RF_S_ISCHR(inode->mode) || RF_S_ISBLK(inode->mode) ? get_device(raw) : 0;
    inode->atime = get_time(raw->i_atime, raw->i_atime_extra, HAS_FIELD(m, node, i_atime_extra));
    inode->mtime = get_time(raw->i_mtime, raw->i_mtime_extra, HAS_FIELD(m, node, i_mtime_extra));
    inode->ctime = get_time(raw->i_ctime, raw->i_ctime_extra, HAS_FIELD(m, node, i_ctime_extra));
    inode->btime = HAS_FIELD(m, node, i_crtime)
                       ? get_time(raw->i_crtime, raw->i_crtime_extra, HAS_FIELD(m, node, i_crtime_extra))
                       : (struct rf_timespec){ 0, 0 };
}

static void give(struct rf_ext4_mount *m, struct rf_ext4_node *node)
{
    const struct rf_inode *inode = node->inode;
    struct ext2_inode_large *raw = &node->raw;
    raw->i_mode = (uint16_t)inode->mode;
    raw->i_uid = (uint16_t)inode->uid;
    raw->osd2.linux2.l_i_uid_high = (uint16_t)(inode->uid >> 16);
    raw->i_gid = (uint16_t)inode->gid;
    raw->osd2.linux2.l_i_gid_high = (uint16_t)(inode->gid >> 16);
    raw->i_links_count = (uint16_t)inode->nlink;
    raw->i_size = (uint32_t)inode->size;
    raw->i_size_high = (uint32_t)(inode->size >> 32);
    put_time(inode->atime, &raw->i_atime, &raw->i_atime_extra, HAS_FIELD(m, node, i_atime_extra));
    put_time(inode->mtime, &raw->i_mtime, &raw->i_mtime_extra, HAS_FIELD(m, node, i_mtime_extra));
    put_time(inode->ctime, &raw->i_ctime, &raw->i_ctime_extra, HAS_FIELD(m, node, i_ctime_extra));
    if (HAS_FIELD(m, node, i_crtime))
        put_time(inode->btime, &raw->i_crtime, &raw->i_crtime_extra, HAS_FIELD(m, node, i_crtime_extra));
}

int64_t rf_ext4_reload(struct rf_kernel *k, struct rf_inode *inode)
{
    (void)k;
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    int64_t error = rf_ext4_error(ext2fs_read_inode_full(m->fs, (ext2_ino_t)inode->ino, rf_ext4_raw(node),
                                                         (int)raw_size(m)));
    node->run.count = 0;
    if (error)
        return error;
    inode->size = EXT2_I_SIZE(&node->raw);
    inode->blocks = ext2fs_get_stat_i_blocks(m->fs, rf_ext4_raw(node));
    return 0;
}

/* Only the bytes that the inode's fields fill: what follows them are attributes. */
static int64_t write_raw(struct rf_ext4_mount *m, struct rf_ext4_node *node)
{
    size_t size = raw_size(m), used = OLD_SIZE + (size_t)node->raw.i_extra_isize;
    if (size > OLD_SIZE && used < size)
        size = used < OLD_SIZE + 4 ? OLD_SIZE : used;
    return rf_ext4_error(ext2fs_write_inode_full(m->fs, (ext2_ino_t)node->inode->ino, rf_ext4_raw(node), (int)size));
}

int64_t rf_ext4_store(struct rf_kernel *k, struct rf_inode *inode)
{
    (void)k;
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    give(m, node);
    inode->blocks = ext2fs_get_stat_i_blocks(m->fs, rf_ext4_raw(node));
    if (RF_S_ISREG(inode->mode) && inode->size > INT32_MAX && !ext2fs_has_feature_large_file(m->fs->super)) {
        ext2fs_set_feature_large_file(m->fs->super);
        ext2fs_mark_super_dirty(m->fs);
    }
    return write_raw(m, node);
}

/* The VFS changes times and modes without asking. */
static void store_if_changed(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    struct ext2_inode_large before = node->raw;
    give(m, node);
    if (memcmp(&before, &node->raw, sizeof before) == 0 || rf_ext4_begin(k, m, 0))
        return;
    write_raw(m, node);
}

/* --- live inodes --- */

static struct rf_ext4_node *find_live(const struct rf_ext4_mount *m, uint64_t ino)
{
    struct rf_ext4_node *node = m->live[ino % RF_EXT4_BUCKETS];
    while (node && node->inode->ino != ino)
        node = node->next;
    return node;
}

static void set_ops(struct rf_inode *inode)
{
    inode->ops = &rf_ext4_inode_ops;
    if (RF_S_ISREG(inode->mode))
        inode->file_ops = &rf_ext4_file_ops;
    else if (RF_S_ISDIR(inode->mode))
        inode->file_ops = &rf_ext4_directory_ops;
}

static struct rf_ext4_node *make_live(struct rf_kernel *k, struct rf_ext4_mount *m, uint32_t ino, uint32_t mode)
{
    struct rf_ext4_node *node = rf_kalloc(k, sizeof *node);
    struct rf_inode *inode = node ? rf_inode_alloc(k, m->mount, mode) : NULL;
    if (!inode) {
        rf_kfree(k, node);
        return NULL;
    }
    node->inode = inode;
    inode->ino = ino;
    inode->private_data = node;
    set_ops(inode);
    node->next = m->live[ino % RF_EXT4_BUCKETS];
    m->live[ino % RF_EXT4_BUCKETS] = node;
    return node;
}

static void forget_live(struct rf_ext4_mount *m, const struct rf_ext4_node *node)
{
    struct rf_ext4_node **link = &m->live[node->inode->ino % RF_EXT4_BUCKETS];
    while (*link && *link != node)
        link = &(*link)->next;
    if (*link)
        *link = node->next;
}

/* Give back an inode here, not on disk. */
static void drop(struct rf_kernel *k, struct rf_ext4_node *node)
{
    static const struct rf_inode_ops nothing;
    struct rf_inode *inode = node->inode;
    forget_live(rf_ext4_of(inode), node);
    inode->ops = &nothing;
    rf_kfree(k, node);
    rf_inode_put(k, inode);
}

static bool is_sound(const struct rf_ext4_mount *m, const struct rf_ext4_node *node)
{
    const struct ext2_inode_large *raw = &node->raw;
    uint64_t room = ext2fs_blocks_count(m->fs->super) * m->fs->blocksize;
    if (!rf_image_mode_ok(raw->i_mode) || !raw->i_links_count || EXT2_I_SIZE(raw) > INT64_MAX)
        return false;
    if (raw_size(m) > OLD_SIZE &&
        OLD_SIZE + raw->i_extra_isize > EXT2_INODE_SIZE(m->fs->super))
        return false;
    if (RF_S_ISDIR(raw->i_mode) && !(raw->i_flags & EXT4_INLINE_DATA_FL) &&
        (EXT2_I_SIZE(raw) > room || EXT2_I_SIZE(raw) % m->fs->blocksize))
        return false;
    return !RF_S_ISLNK(raw->i_mode) || EXT2_I_SIZE(raw) < m->fs->blocksize;
}

int64_t rf_ext4_inode(struct rf_kernel *k, struct rf_ext4_mount *m, uint32_t ino, struct rf_inode **out)
{
    struct rf_ext4_node *node = find_live(m, ino);
    if (node) {
        rf_inode_get(node->inode);
        *out = node->inode;
        return 0;
    }
    if (ino < EXT2_ROOT_INO || ino > m->fs->super->s_inodes_count ||
        (ino != EXT2_ROOT_INO && ino < EXT2_FIRST_INODE(m->fs->super)))
        return -RF_EUCLEAN;
    node = make_live(k, m, ino, 0);
    if (!node)
        return -RF_ENOMEM;
    int64_t error = rf_ext4_reload(k, node->inode);
    if (!error && !is_sound(m, node))
        error = -RF_EUCLEAN;
    if (!error)
        error = rf_ext4_check_map(m, node);
    if (error) {
        drop(k, node);
        return error;
    }
    take(m, node);
    set_ops(node->inode);
    *out = node->inode;
    return 0;
}

/* --- new ones --- */

static void fill_new(struct rf_kernel *k, struct rf_ext4_mount *m, struct rf_inode *parent, struct rf_ext4_node *node)
{
    struct rf_inode *inode = node->inode;
    struct ext2_inode_large *raw = &node->raw;
    memset(raw, 0, sizeof *raw);
    if (raw_size(m) > OLD_SIZE) {
        raw->i_extra_isize = m->fs->super->s_want_extra_isize;
        if (raw->i_extra_isize < 28 || raw->i_extra_isize > sizeof *raw - OLD_SIZE)
            raw->i_extra_isize = (uint16_t)(raw_size(m) - OLD_SIZE);
    }
    raw->i_generation = ++m->generation;
    if (parent->mode & RF_S_ISGID) {
        inode->gid = parent->gid;
        if (RF_S_ISDIR(inode->mode))
            inode->mode |= RF_S_ISGID;
    }
    inode->atime = inode->mtime = inode->ctime = inode->btime = rf_now(k);
    bool has_blocks = RF_S_ISREG(inode->mode) || RF_S_ISDIR(inode->mode) || RF_S_ISLNK(inode->mode);
    if (has_blocks && ext2fs_has_feature_extents(m->fs->super)) {
        struct ext3_extent_header *header = (void *)raw->i_block;
        *header = (struct ext3_extent_header){ .eh_magic = EXT3_EXT_MAGIC, .eh_max = 4 };
        raw->i_flags |= EXT4_EXTENTS_FL;
    }
    node->is_checked = true;
}

int64_t rf_ext4_new_inode(struct rf_kernel *k, struct rf_inode *parent, uint32_t mode, struct rf_inode **out)
{
    struct rf_ext4_mount *m = rf_ext4_of(parent);
    ext2_ino_t ino;
    if (!m->fs->super->s_free_inodes_count)
        return -RF_ENOSPC;
    errcode_t error = ext2fs_new_inode(m->fs, (ext2_ino_t)parent->ino, (int)mode, NULL, &ino);
    if (error)
        return rf_ext4_error(error);
    if (find_live(m, ino))
        return -RF_EUCLEAN; /* a damaged bitmap: it is in use */
    struct rf_ext4_node *node = make_live(k, m, ino, mode);
    if (!node)
        return -RF_ENOMEM;
    fill_new(k, m, parent, node);
    give(m, node);
    error = ext2fs_write_new_inode(m->fs, ino, rf_ext4_raw(node)); /* zeros behind the fields: no old attributes */
    if (!error)
        error = write_raw(m, node) ? EXT2_ET_INODE_CSUM_INVALID : 0;
    if (error) {
        drop(k, node);
        return rf_ext4_error(error);
    }
    ext2fs_inode_alloc_stats2(m->fs, ino, 1, RF_S_ISDIR(mode));
    *out = node->inode;
    return 0;
}

/* --- orphans --- */

void rf_ext4_orphan_add(struct rf_kernel *k, struct rf_inode *inode)
{
    (void)k;
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    rf_ext4_node_of(inode)->raw.i_dtime = m->fs->super->s_last_orphan;
    m->fs->super->s_last_orphan = (uint32_t)inode->ino;
    ext2fs_mark_super_dirty(m->fs);
}

void rf_ext4_orphan_remove(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    uint32_t next = rf_ext4_node_of(inode)->raw.i_dtime;
    rf_ext4_node_of(inode)->raw.i_dtime = 0;
    if (m->fs->super->s_last_orphan == inode->ino) {
        m->fs->super->s_last_orphan = next;
        ext2fs_mark_super_dirty(m->fs);
        return;
    }
    struct rf_ext4_node *before = find_live(m, m->fs->super->s_last_orphan);
    while (before && before->raw.i_dtime != inode->ino)
        before = find_live(m, before->raw.i_dtime);
    if (!before)
        return;
    before->raw.i_dtime = next;
    rf_ext4_store(k, before->inode);
}

/* Nobody can reach it any more: blocks, attributes and the inode itself become free. */
static void free_on_disk(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    struct ext2_inode *raw = rf_ext4_raw(node);
    if (rf_ext4_begin(k, m, 0))
        return;
    bool has_blocks = RF_S_ISREG(inode->mode) || RF_S_ISDIR(inode->mode) ||
                      (RF_S_ISLNK(inode->mode) && !ext2fs_is_fast_symlink(raw));
    if (has_blocks)
        rf_ext4_unmap(m, node, 0, UINT64_MAX);
    ext2fs_free_ext_attr(m->fs, (ext2_ino_t)inode->ino, &node->raw);
    rf_ext4_orphan_remove(k, inode);
    inode->nlink = 0;
    inode->size = 0;
    give(m, node);
    node->raw.i_dtime = (uint32_t)m->fs->now;
    write_raw(m, node);
    ext2fs_inode_alloc_stats2(m->fs, (ext2_ino_t)inode->ino, -1, RF_S_ISDIR(inode->mode));
    rf_ext4_end(m);
}

void rf_ext4_destroy(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    if (m && m->writable && inode->nlink) {
        rf_ext4_write_back(k, inode);
        store_if_changed(k, inode);
    } else if (m && m->writable) {
        free_on_disk(k, inode);
    }
    rf_pages_clear(k, &node->cache, 0, UINT64_MAX);
    if (m)
        forget_live(m, node);
    rf_kfree(k, node);
}

void rf_ext4_write_all(struct rf_kernel *k, struct rf_ext4_mount *m)
{
    for (unsigned i = 0; i < RF_EXT4_BUCKETS; i++) {
        for (struct rf_ext4_node *node = m->live[i]; node; node = node->next) {
            if (node->inode->nlink)
                rf_ext4_write_back(k, node->inode);
            store_if_changed(k, node->inode);
        }
    }
}

void rf_ext4_free_orphans(struct rf_kernel *k, struct rf_ext4_mount *m)
{
    for (unsigned i = 0; i < RF_EXT4_BUCKETS; i++)
        for (struct rf_ext4_node *node = m->live[i]; node; node = node->next)
            if (!node->inode->nlink)
                free_on_disk(k, node->inode);
}

/* --- attributes --- */

int64_t rf_ext4_setattr(struct rf_kernel *k, struct rf_inode *inode, const struct rf_attributes *change)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    int64_t error = rf_ext4_begin(k, m, 0);
    if (!error && node->raw.i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
        error = -RF_EPERM;
    if (!error && change->mask & RF_ATTR_SIZE)
        error = rf_ext4_set_size(k, inode, change->size);
    if (error)
        return error;
    rf_generic_setattr(k, inode, change);
    error = rf_ext4_store(k, inode);
    rf_ext4_end(m);
    return error;
}
