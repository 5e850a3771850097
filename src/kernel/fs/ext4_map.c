/* Where the blocks of a file are: extent trees and indirect blocks, read by code of our own that trusts nothing, and
 * changed by libext2fs once a tree has been found to be sound. */
#include "kernel/fs/ext4.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 5 /* EXT4_MAX_EXTENT_DEPTH */
#define NODES_MAX (UINT64_C(1) << 22) /* blocks of one map: no sound one has more */

static bool has_extents(const struct rf_ext4_node *node)
{
    return node->raw.i_flags & EXT4_EXTENTS_FL;
}

static bool in_range(const struct rf_ext4_mount *m, uint64_t block, uint64_t count)
{
    uint64_t first = m->fs->super->s_first_data_block, end = ext2fs_blocks_count(m->fs->super);
    return block > first && block < end && count <= end - block;
}

static uint32_t le32(const void *p)
{
    uint32_t value;
    memcpy(&value, p, sizeof value);
    return value;
}

static int64_t read_block(struct rf_ext4_mount *m, uint64_t block, void *out)
{
    if (!in_range(m, block, 1))
        return -RF_EUCLEAN;
    return rf_ext4_error(io_channel_read_blk64(m->fs->io, block, 1, out));
}

/* --- extents --- */

static uint64_t leaf_of(const struct ext3_extent_idx *index)
{
    return index->ei_leaf | (uint64_t)index->ei_leaf_hi << 32;
}

static uint64_t start_of(const struct ext3_extent *extent)
{
    return extent->ee_start | (uint64_t)extent->ee_start_hi << 32;
}

static uint32_t length_of(const struct ext3_extent *extent)
{
    return extent->ee_len > EXT_INIT_MAX_LEN ? extent->ee_len - EXT_INIT_MAX_LEN : extent->ee_len;
}

/* A node of the tree, of so many bytes, that must have this depth. */
static bool header_ok(const struct ext3_extent_header *header, size_t size, int depth)
{
    return header->eh_magic == EXT3_EXT_MAGIC && header->eh_depth == depth &&
           header->eh_entries <= header->eh_max &&
           (header->eh_max + 1u) * sizeof(struct ext3_extent) <= size && (depth == 0 || header->eh_entries > 0);
}

struct check {
    struct rf_ext4_mount *m;
    uint64_t nodes; /* seen so far */
};

/* Every extent lies in [*next, end), one behind the other: so no node can be reached twice. */
static int64_t check_node(struct check *c, const struct ext3_extent_header *header, size_t size, int depth, uint64_t *next,
                          uint64_t end)
{
    if (!header_ok(header, size, depth) || ++c->nodes > NODES_MAX)
        return -RF_EUCLEAN;
    const struct ext3_extent *extent = EXT_FIRST_EXTENT(header);
    const struct ext3_extent_idx *index = EXT_FIRST_INDEX(header);
    for (unsigned i = 0; depth == 0 && i < header->eh_entries; i++) {
        uint64_t from = extent[i].ee_block, count = length_of(&extent[i]);
        if (!count || from < *next || from + count > end || !in_range(c->m, start_of(&extent[i]), count))
            return -RF_EUCLEAN;
        *next = from + count;
    }
    void *block = depth ? malloc(c->m->fs->blocksize) : NULL;
    if (depth && !block)
        return -RF_ENOMEM;
    int64_t error = 0;
    for (unsigned i = 0; depth && i < header->eh_entries && !error; i++) {
        uint64_t from = index[i].ei_block, below_end = i + 1u < header->eh_entries ? index[i + 1].ei_block : end;
        if (from < *next || below_end <= from || below_end > end)
            error = -RF_EUCLEAN;
        else
            error = read_block(c->m, leaf_of(&index[i]), block);
        *next = from;
        if (!error)
            error = check_node(c, block, c->m->fs->blocksize, depth - 1, next, below_end);
    }
    free(block);
    return error;
}

static int64_t check_extents(struct rf_ext4_mount *m, struct rf_ext4_node *node)
{
    struct check c = { m, 0 };
    const struct ext3_extent_header *root = (const void *)node->raw.i_block;
    uint64_t next = 0;
    if (root->eh_depth > DEPTH_MAX)
        return -RF_EUCLEAN;
    return check_node(&c, root, sizeof node->raw.i_block, root->eh_depth, &next, UINT64_C(1) << 32);
}

/* The entry whose range holds the block: the last that does not begin behind it. */
static unsigned find_entry(const struct ext3_extent_header *header, uint64_t logical)
{
    const struct ext3_extent *entries = EXT_FIRST_EXTENT(header); /* indexes begin with the same field */
    unsigned low = 0, high = header->eh_entries;
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (entries[middle].ee_block <= logical)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void leaf_run(const struct ext3_extent_header *header, uint64_t logical, uint64_t end, struct rf_ext4_run *out)
{
    const struct ext3_extent *entries = EXT_FIRST_EXTENT(header);
    *out = (struct rf_ext4_run){ .logical = logical, .count = end - logical };
    for (unsigned i = header->eh_entries ? find_entry(header, logical) : 0; i < header->eh_entries; i++) {
        uint64_t from = entries[i].ee_block, count = length_of(&entries[i]);
        if (from + count <= logical)
            continue;
        if (from > logical) {
            out->count = from - logical; /* a hole up to there */
        } else {
            out->count = from + count - logical;
            out->physical = start_of(&entries[i]) + (logical - from);
            out->unwritten = entries[i].ee_len > EXT_INIT_MAX_LEN;
        }
        return;
    }
}

static int64_t map_extent(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, struct rf_ext4_run *out)
{
    const struct ext3_extent_header *header = (const void *)node->raw.i_block;
    size_t size = sizeof node->raw.i_block;
    uint64_t end = UINT64_C(1) << 32;
    void *block = NULL;
    int64_t error = 0;
    if (header->eh_depth > DEPTH_MAX)
        return -RF_EUCLEAN;
    for (int depth = header->eh_depth;; depth--) {
        if (!header_ok(header, size, depth))
            error = -RF_EUCLEAN;
        if (error || depth == 0)
            break;
        const struct ext3_extent_idx *index = EXT_FIRST_INDEX(header);
        unsigned i = find_entry(header, logical);
        if (index[i].ei_block > logical) { /* a hole in front of all */
            *out = (struct rf_ext4_run){ .logical = logical, .count = index[i].ei_block - logical };
            free(block);
            return 0;
        }
        if (i + 1u < header->eh_entries && index[i + 1].ei_block < end)
            end = index[i + 1].ei_block;
        uint64_t leaf = leaf_of(&index[i]);
        if (!block && !(block = malloc(m->fs->blocksize)))
            return -RF_ENOMEM;
        error = read_block(m, leaf, block);
        header = block;
        size = m->fs->blocksize;
        if (error)
            break;
    }
    if (!error)
        leaf_run(header, logical, end, out);
    if (!error && (out->count == 0 || (out->physical && !in_range(m, out->physical, out->count))))
        error = -RF_EUCLEAN;
    free(block);
    return error;
}

/* --- indirect blocks --- */

static int64_t check_indirect(struct check *c, uint32_t block, int level)
{
    if (!block)
        return 0;
    if (!in_range(c->m, block, 1) || ++c->nodes > ext2fs_blocks_count(c->m->fs->super))
        return -RF_EUCLEAN; /* more than there are: some are met twice */
    if (level == 0)
        return 0;
    uint8_t *bytes = malloc(c->m->fs->blocksize);
    if (!bytes)
        return -RF_ENOMEM;
    int64_t error = read_block(c->m, block, bytes);
    for (unsigned i = 0; i < c->m->fs->blocksize && !error; i += 4)
        error = check_indirect(c, le32(bytes + i), level - 1);
    free(bytes);
    return error;
}

static int64_t map_indirect(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, struct rf_ext4_run *out)
{
    uint64_t per_block = m->fs->blocksize / 4, span = 1, rest = logical;
    *out = (struct rf_ext4_run){ .logical = logical, .count = 1 };
    int level = 0;
    if (rest < EXT2_NDIR_BLOCKS) {
        out->physical = node->raw.i_block[rest];
    } else {
        rest -= EXT2_NDIR_BLOCKS;
        for (level = 1, span = per_block; level <= 3 && rest >= span; level++, span *= per_block)
            rest -= span;
        if (level > 3)
            return -RF_EFBIG;
        out->physical = node->raw.i_block[EXT2_NDIR_BLOCKS + level - 1];
    }
    uint8_t *bytes = level ? malloc(m->fs->blocksize) : NULL;
    if (level && !bytes)
        return -RF_ENOMEM;
    int64_t error = 0;
    for (; level > 0 && out->physical && !error; level--) {
        span /= per_block;
        error = read_block(m, out->physical, bytes);
        if (!error)
            out->physical = le32(bytes + rest / span * 4);
        rest %= span;
    }
    free(bytes);
    if (!error && out->physical && !in_range(m, out->physical, 1))
        error = -RF_EUCLEAN;
    return error;
}

/* --- for the other files --- */

int64_t rf_ext4_check_map(struct rf_ext4_mount *m, struct rf_ext4_node *node)
{
    uint32_t mode = node->raw.i_mode;
    bool has_map = RF_S_ISREG(mode) || RF_S_ISDIR(mode) ||
                   (RF_S_ISLNK(mode) && !ext2fs_is_fast_symlink(rf_ext4_raw(node)));
    if (node->is_checked || !has_map || node->raw.i_flags & EXT4_INLINE_DATA_FL)
        return 0;
    int64_t error = 0;
    if (has_extents(node)) {
        error = check_extents(m, node);
    } else {
        struct check c = { m, 0 };
        for (int i = 0; i < EXT2_N_BLOCKS && !error; i++)
            error = check_indirect(&c, node->raw.i_block[i], i < EXT2_NDIR_BLOCKS ? 0 : i - EXT2_NDIR_BLOCKS + 1);
    }
    node->is_checked = !error;
    return error;
}

int64_t rf_ext4_map(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, struct rf_ext4_run *out)
{
    struct rf_ext4_run *run = &node->run;
    if (logical - run->logical >= run->count) {
        run->count = 0;
        if (logical >> 32)
            return -RF_EFBIG;
        int64_t error = has_extents(node) ? map_extent(m, node, logical, run) : map_indirect(m, node, logical, run);
        if (error) {
            run->count = 0;
            return error;
        }
    }
    uint64_t skipped = logical - run->logical;
    *out = *run;
    out->logical = logical;
    out->count -= skipped;
    if (out->physical)
        out->physical += skipped;
    return 0;
}

/* A free block near the file's others, or the rest of a cluster that the file has already. */
static errcode_t find_block(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, blk64_t *physical,
                            bool *is_new)
{
    ext2_filsys fs = m->fs;
    struct ext2_inode *raw = rf_ext4_raw(node);
    ext2_ino_t ino = (ext2_ino_t)node->inode->ino;
    *physical = 0;
    *is_new = false;
    errcode_t error = fs->cluster_ratio_bits ? ext2fs_map_cluster_block(fs, ino, raw, logical, physical) : 0;
    if (error || *physical)
        return error;
    error = ext2fs_new_block3(fs, ext2fs_find_inode_goal(fs, ino, raw, logical), NULL, physical, NULL);
    if (error)
        return error;
    *physical &= ~(blk64_t)EXT2FS_CLUSTER_MASK(fs);
    *physical += logical & (blk64_t)EXT2FS_CLUSTER_MASK(fs);
    *is_new = true;
    ext2fs_block_alloc_stats2(fs, *physical, 1);
    return ext2fs_iblk_add_blocks(fs, raw, 1);
}

static errcode_t set_extent(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, blk64_t physical,
                            bool unwritten)
{
    ext2_extent_handle_t handle;
    errcode_t error = ext2fs_extent_open2(m->fs, (ext2_ino_t)node->inode->ino, rf_ext4_raw(node), &handle);
    if (error)
        return error;
    error = ext2fs_extent_set_bmap(handle, logical, physical, unwritten ? EXT2_EXTENT_SET_BMAP_UNINIT : 0);
    ext2fs_extent_free(handle);
    return error;
}

/* A hole of a file with extents, or an unwritten block of it. */
static errcode_t allocate_extent(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical, bool unwritten,
                                 blk64_t *physical)
{
    bool is_new = false;
    errcode_t error = *physical ? 0 : find_block(m, node, logical, physical, &is_new);
    if (!error)
        error = set_extent(m, node, logical, *physical, unwritten);
    if (error && is_new) {
        ext2fs_block_alloc_stats2(m->fs, *physical, -1);
        ext2fs_iblk_sub_blocks(m->fs, rf_ext4_raw(node), 1);
    }
    return error;
}

int64_t rf_ext4_allocate(struct rf_kernel *k, struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t logical,
                         const struct rf_ext4_run *was, uint64_t *physical)
{
    blk64_t block = was->physical;
    if (!was->physical && rf_ext4_free_blocks(k, m) <= RF_EXT4_SPARE_BLOCKS)
        return -RF_ENOSPC;
    node->run.count = 0;
    errcode_t error = has_extents(node) ? allocate_extent(m, node, logical, false, &block)
                                        : ext2fs_bmap2(m->fs, (ext2_ino_t)node->inode->ino, rf_ext4_raw(node), NULL,
                                                       BMAP_ALLOC, logical, NULL, &block);
    *physical = block;
    return rf_ext4_error(error);
}

int64_t rf_ext4_reserve(struct rf_kernel *k, struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t first,
                        uint64_t count)
{
    for (uint64_t at = first; at < first + count;) {
        struct rf_ext4_run run;
        blk64_t block = 0;
        int64_t error = rf_ext4_map(m, node, at, &run);
        if (error)
            return error;
        if (run.physical) {
            at += run.count;
            continue;
        }
        if (rf_ext4_free_blocks(k, m) <= RF_EXT4_SPARE_BLOCKS)
            return -RF_ENOSPC;
        node->run.count = 0;
        error = rf_ext4_error(allocate_extent(m, node, at, true, &block));
        if (error)
            return error;
        at++;
    }
    return 0;
}

int64_t rf_ext4_unmap(struct rf_ext4_mount *m, struct rf_ext4_node *node, uint64_t first, uint64_t end)
{
    node->run.count = 0;
    if (first >= end)
        return 0;
    return rf_ext4_error(ext2fs_punch(m->fs, (ext2_ino_t)node->inode->ino, rf_ext4_raw(node), NULL, first,
                                      end == UINT64_MAX ? ~(blk64_t)0 : end - 1));
}

uint64_t rf_ext4_size_max(const struct rf_ext4_mount *m, const struct rf_ext4_node *node)
{
    uint64_t block = m->fs->blocksize, per_block = block / 4;
    if (has_extents(node))
        return UINT32_MAX * block;
    uint64_t blocks = EXT2_NDIR_BLOCKS + per_block + per_block * per_block + per_block * per_block * per_block;
    if (blocks > UINT32_MAX)
        blocks = UINT32_MAX;
    if (!(m->fs->super->s_feature_ro_compat & EXT4_FEATURE_RO_COMPAT_HUGE_FILE) && blocks * (block / 512) > UINT32_MAX)
        blocks = UINT32_MAX / (block / 512);
    return blocks * block;
}
