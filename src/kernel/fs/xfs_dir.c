/* Directories of XFS images: within the inode, or in data blocks. Lookups read the data blocks in order: the hash
 * blocks of large directories are not needed for that. */
#include "kernel/fs/xfs.h"

#include <stdlib.h>
#include <string.h>

#define LEAF_OFFSET (UINT64_C(1) << 35) /* XFS_DIR2_LEAF_OFFSET: data blocks lie before it */
#define UNUSED 0xffffu

enum { BLOCK2 = 0x58443242, DATA2 = 0x58443244, BLOCK3 = 0x58444233, DATA3 = 0x58444433 }; /* XD2B XD2D XDB3 XDD3 */

/* type: 0 where the format keeps none. */
typedef int64_t entry_fn(void *user, const char *name, size_t length, uint64_t ino, unsigned type);

/* --- in the inode --- */

static int64_t short_entries(const struct rf_xfs *fs, const struct rf_inode *dir, entry_fn *each, void *user,
                             uint64_t *parent)
{
    const uint8_t *bytes = rf_xfs_node_of(dir)->data.bytes;
    size_t size = (size_t)dir->size, width = size >= 6 && bytes[1] ? 8 : 4, at = 2 + width;
    if (size < 6 || at > size)
        return -RF_EUCLEAN;
    *parent = rf_be(bytes + 2, (unsigned)width);
    for (unsigned i = 0; i < bytes[0]; i++) {
        size_t length = at < size ? bytes[at] : 0, whole = 3 + length + fs->has_ftype + width;
        if (!length || whole > size - at)
            return -RF_EUCLEAN;
        const uint8_t *name = bytes + at + 3;
        int64_t result = each(user, (const char *)name, length, rf_be(name + length + fs->has_ftype, (unsigned)width),
                              fs->has_ftype ? name[length] : 0);
        if (result)
            return result;
        at += whole;
    }
    return 0;
}

/* --- in blocks --- */

/* Where the entries end; 0: the block is damaged. */
static size_t check_block(const struct rf_xfs *fs, const struct rf_inode *dir, const uint8_t *block, size_t size)
{
    uint32_t magic = rf_be32(block);
    bool is_block = magic == (fs->v5 ? BLOCK3 : BLOCK2);
    if (!is_block && magic != (fs->v5 ? DATA3 : DATA2))
        return 0;
    if (fs->v5 && (!rf_xfs_crc_ok(block, size, 4) || rf_be64(block + 40) != dir->ino))
        return 0;
    if (!is_block)
        return size;
    uint64_t leaves = rf_be32(block + size - 8); /* hash entries of a directory of one block, before the tail */
    return leaves > (size - 64 - 8) / 8 ? 0 : size - 8 - (size_t)leaves * 8;
}

static int64_t block_entries(const struct rf_xfs *fs, const uint8_t *block, size_t end, entry_fn *each, void *user,
                             uint64_t *parent)
{
    for (size_t at = fs->v5 ? 64 : 16; at + 8 <= end;) {
        const uint8_t *entry = block + at;
        if (rf_be16(entry) == UNUSED) {
            size_t length = rf_be16(entry + 2);
            if (length < 8 || length % 8 || length > end - at)
                return -RF_EUCLEAN;
            at += length;
            continue;
        }
        size_t length = at + 12 <= end ? entry[8] : 0, whole = (9 + length + fs->has_ftype + 2 + 7) & ~(size_t)7;
        if (!length || whole > end - at)
            return -RF_EUCLEAN;
        const char *name = (const char *)entry + 9;
        uint64_t ino = rf_be64(entry);
        if (length == 2 && !memcmp(name, "..", 2))
            *parent = ino;
        bool is_dot = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
        int64_t result = is_dot ? 0 : each(user, name, length, ino, fs->has_ftype ? entry[9 + length] : 0);
        if (result)
            return result;
        at += whole;
    }
    return 0;
}

static int64_t long_entries(struct rf_xfs *fs, const struct rf_inode *dir, entry_fn *each, void *user, uint64_t *parent)
{
    struct rf_xfs_fork *fork = &rf_xfs_node_of(dir)->data;
    uint32_t count = 1u << fs->dir_block_log;
    size_t size = (size_t)count * fs->block_size;
    uint64_t bytes = dir->size < LEAF_OFFSET ? dir->size : LEAF_OFFSET;
    uint8_t *block = malloc(size);
    int64_t result = block ? 0 : -RF_ENOMEM;
    for (uint64_t at = 0; !result && at < bytes / fs->block_size;) {
        struct rf_xfs_run run;
        result = rf_xfs_map(fs, dir, fork, at, &run);
        if (result)
            break;
        if (!run.physical) { /* blocks that were given back */
            at += (run.count + count - 1) & ~(uint64_t)(count - 1);
            continue;
        }
        result = rf_xfs_read_blocks(fs, dir, fork, at, count, block);
        size_t end = result ? 0 : check_block(fs, dir, block, size);
        if (!result)
            result = end ? block_entries(fs, block, end, each, user, parent) : -RF_EUCLEAN;
        at += count;
    }
    free(block);
    return result;
}

static int64_t entries(struct rf_inode *dir, entry_fn *each, void *user, uint64_t *parent)
{
    struct rf_xfs *fs = rf_xfs_of(dir);
    return rf_xfs_node_of(dir)->data.format == RF_XFS_LOCAL ? short_entries(fs, dir, each, user, parent)
                                                            : long_entries(fs, dir, each, user, parent);
}

/* --- operations --- */

struct search {
    const char *name;
    size_t length;
    uint64_t ino;
};

static int64_t compare(void *user, const char *name, size_t length, uint64_t ino, unsigned type)
{
    struct search *search = user;
    (void)type;
    if (length != search->length || memcmp(name, search->name, length) != 0)
        return 0;
    search->ino = ino;
    return 1;
}

int64_t rf_xfs_lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    struct search search = { name, strlen(name), 0 };
    uint64_t parent;
    int64_t result = entries(dir, compare, &search, &parent);
    return result > 0 ? rf_xfs_inode(k, dir->mount, search.ino, out) : result ? result : -RF_ENOENT;
}

struct fill {
    struct rf_kernel *k;
    struct rf_listing *list;
};

static int64_t add(void *user, const char *name, size_t length, uint64_t ino, unsigned type)
{
    static const uint8_t types[8] = { RF_DT_UNKNOWN, RF_DT_REG, RF_DT_DIR, RF_DT_CHR, RF_DT_BLK, RF_DT_FIFO, RF_DT_SOCK,
                                      RF_DT_LNK };
    struct fill *fill = user;
    return rf_image_add_entry(fill->k, fill->list, name, length, ino, types[type & 7]);
}

static int64_t fill_list(struct rf_kernel *k, struct rf_inode *dir, struct rf_listing *list, uint64_t *parent)
{
    struct fill fill = { k, list };
    return entries(dir, add, &fill, parent);
}

static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos), void *user)
{
    return rf_image_readdir(k, file, emit, user, fill_list);
}

const struct rf_file_ops rf_xfs_directory_ops = { .readdir = readdir, .release = rf_image_release_list };
