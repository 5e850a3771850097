/* Where the blocks of a fork are in an XFS image, and the contents of files. */
#include "kernel/fs/xfs.h"

#include <stdlib.h>
#include <string.h>

#define EXTENT_BYTES 16u
#define BMAP_MAGIC 0x424d4150u  /* "BMAP" */
#define BMAP3_MAGIC 0x424d4133u /* "BMA3" */
#define LEVELS_MAX 9u           /* XFS_BM_MAXLEVELS */
#define REMOTE_HEAD 56u
#define OFFSETS_END (UINT64_C(1) << 54)

bool rf_xfs_address(const struct rf_xfs *fs, uint64_t block, uint64_t count, uint64_t *out)
{
    uint64_t ag = block >> fs->ag_block_log, in_ag = block & ((UINT64_C(1) << fs->ag_block_log) - 1);
    if (ag >= fs->ag_count || in_ag >= fs->ag_blocks || count > fs->ag_blocks - in_ag)
        return false;
    uint64_t linear = ag * fs->ag_blocks + in_ag;
    if (linear >= fs->blocks || count > fs->blocks - linear)
        return false;
    *out = linear * fs->block_size;
    return true;
}

static struct rf_xfs_run unpack(const uint8_t *record)
{
    uint64_t high = rf_be64(record), low = rf_be64(record + 8);
    return (struct rf_xfs_run){ .logical = (high & INT64_MAX) >> 9, .count = low & 0x1fffff,
                                .physical = (high & 0x1ff) << 43 | low >> 21, .unwritten = high >> 63 };
}

/* The run that holds the block, or the hole up to the next run or to end. */
static int64_t search(const uint8_t *records, uint64_t count, uint64_t logical, uint64_t end, struct rf_xfs_run *out)
{
    uint64_t low = 0, high = count; /* the first that ends behind it */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct rf_xfs_run run = unpack(records + middle * EXTENT_BYTES);
        if (run.logical + run.count <= logical)
            low = middle + 1;
        else
            high = middle;
    }
    struct rf_xfs_run run = { .logical = end };
    if (low < count)
        run = unpack(records + low * EXTENT_BYTES);
    if (low < count && run.logical <= logical) {
        *out = run;
        return run.count && run.physical ? 0 : -RF_EUCLEAN;
    }
    *out = (struct rf_xfs_run){ .logical = logical, .count = run.logical - logical };
    return run.logical > logical ? 0 : -RF_EUCLEAN;
}

/* The last key that does not lie behind the block. */
static unsigned search_keys(const uint8_t *keys, unsigned count, uint64_t logical)
{
    unsigned low = 0, high = count;
    while (high - low > 1) {
        unsigned middle = low + (high - low) / 2;
        if (rf_be64(keys + (size_t)middle * 8) <= logical)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t read_node(const struct rf_xfs *fs, const struct rf_inode *inode, uint64_t block, unsigned level, uint8_t *out)
{
    uint64_t address, head = fs->v5 ? 72 : 24;
    if (!rf_xfs_address(fs, block, 1, &address))
        return -RF_EUCLEAN;
    if (!rf_image_pread(fs->fd, out, fs->block_size, address))
        return -RF_EIO;
    if (rf_be32(out) != (fs->v5 ? BMAP3_MAGIC : BMAP_MAGIC) || rf_be16(out + 4) != level)
        return -RF_EUCLEAN;
    if (fs->v5 && !rf_xfs_crc_ok(out, fs->block_size, 64))
        return -RF_EBADMSG;
    uint16_t count = rf_be16(out + 6);
    return (fs->v5 && rf_be64(out + 56) != inode->ino) || !count || count > (fs->block_size - head) / 16 ? -RF_EUCLEAN : 0;
}

static int64_t map_btree(struct rf_xfs *fs, const struct rf_inode *inode, const struct rf_xfs_fork *fork, uint64_t logical,
                         struct rf_xfs_run *out)
{
    size_t head = 4, room = (fork->size - 4) / 16;
    const uint8_t *node = fork->bytes;
    unsigned level = rf_be16(node), count = rf_be16(node + 2);
    uint64_t end = OFFSETS_END;
    if (!level || level > LEVELS_MAX || !count || count > room)
        return -RF_EUCLEAN;
    uint8_t *block = malloc(fs->block_size);
    int64_t error = block ? 0 : -RF_ENOMEM;
    while (!error && level) {
        unsigned i = search_keys(node + head, count, logical);
        if (i + 1 < count && rf_be64(node + head + (i + 1) * 8) < end)
            end = rf_be64(node + head + (i + 1) * 8);
        uint64_t below = rf_be64(node + head + room * 8 + i * 8);
        error = read_node(fs, inode, below, --level, block);
        node = block;
        head = fs->v5 ? 72 : 24;
        room = (fs->block_size - head) / 16;
        if (!error)
            count = rf_be16(block + 6);
    }
    if (!error)
        error = search(block + head, count, logical, end > logical ? end : logical + 1, out);
    free(block);
    return error;
}

int64_t rf_xfs_map(struct rf_xfs *fs, const struct rf_inode *inode, struct rf_xfs_fork *fork, uint64_t logical,
                   struct rf_xfs_run *out)
{
    struct rf_xfs_run *run = &fork->run;
    if (logical - run->logical >= run->count) {
        int64_t error = -RF_EUCLEAN;
        uint64_t address;
        if (fork->format == RF_XFS_EXTENTS)
            error = search(fork->bytes, fork->extents, logical, OFFSETS_END, run);
        else if (fork->format == RF_XFS_BTREE)
            error = map_btree(fs, inode, fork, logical, run);
        if (!error && run->physical && !rf_xfs_address(fs, run->physical, run->count, &address))
            error = -RF_EUCLEAN;
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

int64_t rf_xfs_read_blocks(struct rf_xfs *fs, const struct rf_inode *inode, struct rf_xfs_fork *fork, uint64_t logical,
                           uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        struct rf_xfs_run run;
        uint64_t address;
        int64_t error = rf_xfs_map(fs, inode, fork, logical + i, &run);
        if (error)
            return error;
        if (!run.physical || run.unwritten || !rf_xfs_address(fs, run.physical, 1, &address))
            return -RF_EUCLEAN;
        if (!rf_image_pread(fs->fd, out + (size_t)i * fs->block_size, fs->block_size, address))
            return -RF_EIO;
    }
    return 0;
}

int64_t rf_xfs_read_remote(struct rf_xfs *fs, const struct rf_inode *inode, struct rf_xfs_fork *fork, uint64_t logical,
                           uint32_t magic, uint8_t *out, size_t size)
{
    uint8_t *block = malloc(fs->block_size);
    int64_t error = block ? 0 : -RF_ENOMEM;
    size_t head = fs->v5 ? REMOTE_HEAD : 0, room = fs->block_size - head;
    for (size_t done = 0; !error && done < size; logical++) {
        size_t n = size - done < room ? size - done : room;
        error = rf_xfs_read_blocks(fs, inode, fork, logical, 1, block);
        if (!error && fs->v5 && !rf_xfs_crc_ok(block, fs->block_size, 12))
            error = -RF_EBADMSG;
        if (!error && fs->v5 && (rf_be32(block) != magic || rf_be32(block + 4) != done || rf_be32(block + 8) != n ||
                                 rf_be64(block + 32) != inode->ino))
            error = -RF_EUCLEAN;
        if (!error)
            memcpy(out + done, block + head, n);
        done += n;
    }
    free(block);
    return error;
}

/* --- contents --- */

static int64_t read_bytes(struct rf_kernel *k, struct rf_inode *inode, void *out, size_t size, uint64_t offset)
{
    struct rf_xfs *fs = rf_xfs_of(inode);
    struct rf_xfs_fork *fork = &rf_xfs_node_of(inode)->data;
    (void)k;
    if (offset >= inode->size)
        return 0;
    if (size > inode->size - offset)
        size = (size_t)(inode->size - offset);
    for (uint64_t at = offset, end = offset + size; at < end;) {
        struct rf_xfs_run run;
        uint64_t address, in_block = at % fs->block_size;
        int64_t error = rf_xfs_map(fs, inode, fork, at / fs->block_size, &run);
        if (error)
            return error;
        uint64_t blocks = run.count < (UINT64_C(1) << 40) ? run.count : UINT64_C(1) << 40;
        uint64_t n = blocks * fs->block_size - in_block;
        if (n > end - at)
            n = end - at;
        if (!run.physical || run.unwritten)
            memset((uint8_t *)out + (at - offset), 0, n);
        else if (!rf_xfs_address(fs, run.physical, run.count, &address))
            return -RF_EUCLEAN;
        else if (!rf_image_pread(fs->fd, (uint8_t *)out + (at - offset), n, address + in_block))
            return -RF_EIO;
        at += n;
    }
    return (int64_t)size;
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    return rf_image_read(k, file, uio, pos, read_bytes);
}

int64_t rf_xfs_page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    return rf_image_page(k, inode, &rf_xfs_node_of(inode)->image.cache, index, pa, read_bytes);
}

const struct rf_file_ops rf_xfs_file_ops = { .read = read_file };
