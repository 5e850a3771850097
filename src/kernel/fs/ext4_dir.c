/* Reading directories and symbolic links of ext4 images. Directories with an index (htree) are read like the others:
 * the index' blocks look like empty ones. */
#include "kernel/fs/ext4.h"

#include <stdlib.h>
#include <string.h>

#define ENTRY_HEAD 8u /* inode, length, name length, type */

static int64_t read_directory_block(struct rf_ext4_mount *m, struct rf_inode *dir, uint64_t logical, uint8_t *out)
{
    struct rf_ext4_run run;
    int64_t error = rf_ext4_map(m, rf_ext4_node_of(dir), logical, &run);
    if (error)
        return error;
    if (!run.physical || run.unwritten)
        return -RF_EUCLEAN;
    return rf_ext4_error(ext2fs_read_dir_block4(m->fs, run.physical, out, 0, (ext2_ino_t)dir->ino));
}

/* One block's entries. libext2fs has looked at checksums, nothing else. */
static int64_t block_entries(const struct rf_ext4_mount *m, const uint8_t *block, size_t size, rf_ext4_entry *entry,
                             void *user)
{
    bool has_type = ext2fs_has_feature_filetype(m->fs->super);
    for (size_t at = 0; at + ENTRY_HEAD <= size;) {
        uint32_t ino;
        uint16_t length16;
        memcpy(&ino, block + at, sizeof ino);
        memcpy(&length16, block + at + 4, sizeof length16);
        size_t length = length16 == 65535 || length16 == 0 ? 65536 : length16; /* blocks of 64 KiB */
        size_t name_length = block[at + 6];
        if (length16 & 3 && length16 != 65535) /* the low bits hold more of it: EXT4_DIR rec_len */
            length = (size_t)(length16 & 0xfffc) | (size_t)(length16 & 3) << 16;
        if (length < ENTRY_HEAD + (ino ? name_length : 0) || length > size - at)
            return -RF_EUCLEAN;
        if (ino && name_length) {
            const char *name = (const char *)block + at + ENTRY_HEAD;
            int64_t result = entry(user, name, name_length, ino, has_type ? block[at + 7] & 7 : EXT2_FT_UNKNOWN);
            if (result)
                return result;
        }
        at += length;
    }
    return 0;
}

static int64_t inline_entries(struct rf_ext4_mount *m, struct rf_inode *dir, rf_ext4_entry *entry, void *user)
{
    size_t size = 0;
    errcode_t error = ext2fs_inline_data_size(m->fs, (ext2_ino_t)dir->ino, &size);
    if (error || size > m->fs->blocksize || size < 4)
        return error ? rf_ext4_error(error) : -RF_EUCLEAN;
    uint8_t *bytes = calloc(1, m->fs->blocksize);
    if (!bytes)
        return -RF_ENOMEM;
    error = ext2fs_inline_data_get(m->fs, (ext2_ino_t)dir->ino, rf_ext4_raw(rf_ext4_node_of(dir)), bytes, &size);
    uint32_t parent;
    memcpy(&parent, bytes, sizeof parent);
    int64_t result = error ? rf_ext4_error(error) : entry(user, "..", 2, parent, EXT2_FT_DIR);
    size_t own = sizeof((struct ext2_inode *)0)->i_block - sizeof parent; /* what follows lies among the attributes */
    if (!result)
        result = block_entries(m, bytes + 4, size - 4 < own ? size - 4 : own, entry, user);
    if (!result && size - 4 > own)
        result = block_entries(m, bytes + 4 + own, size - 4 - own, entry, user);
    free(bytes);
    return result;
}

int64_t rf_ext4_entries(struct rf_kernel *k, struct rf_inode *dir, rf_ext4_entry *entry, void *user)
{
    struct rf_ext4_mount *m = rf_ext4_of(dir);
    const struct rf_ext4_node *node = rf_ext4_node_of(dir);
    (void)k;
    if (node->raw.i_flags & EXT4_ENCRYPT_FL)
        return -RF_ENOKEY;
    if (node->raw.i_flags & EXT4_INLINE_DATA_FL)
        return inline_entries(m, dir, entry, user);
    uint8_t *block = malloc(m->fs->blocksize);
    if (!block)
        return -RF_ENOMEM;
    int64_t result = 0;
    for (uint64_t i = 0; i < dir->size / m->fs->blocksize && !result; i++) {
        result = read_directory_block(m, dir, i, block);
        if (!result)
            result = block_entries(m, block, m->fs->blocksize, entry, user);
    }
    free(block);
    return result;
}

/* --- finding one --- */

struct search {
    const char *name;
    size_t length;
    uint32_t ino;
};

static int64_t compare(void *user, const char *name, size_t length, uint32_t ino, uint8_t type)
{
    struct search *search = user;
    (void)type;
    if (length != search->length || memcmp(name, search->name, length) != 0)
        return 0;
    search->ino = ino;
    return 1;
}

int64_t rf_ext4_lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    struct search search = { name, strlen(name), 0 };
    int64_t result = rf_ext4_entries(k, dir, compare, &search);
    if (result <= 0)
        return result ? result : -RF_ENOENT;
    return rf_ext4_inode(k, rf_ext4_of(dir), search.ino, out);
}

/* --- listing --- */

struct fill {
    struct rf_kernel *k;
    struct rf_listing *list;
    uint64_t *parent;
};

static int64_t add(void *user, const char *name, size_t length, uint32_t ino, uint8_t type)
{
    static const uint8_t types[8] = { RF_DT_UNKNOWN, RF_DT_REG, RF_DT_DIR, RF_DT_CHR,
                                      RF_DT_BLK, RF_DT_FIFO, RF_DT_SOCK, RF_DT_LNK };
    struct fill *fill = user;
    if (length == 2 && memcmp(name, "..", 2) == 0)
        *fill->parent = ino;
    if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))
        return 0;
    return rf_image_add_entry(fill->k, fill->list, name, length, ino, types[type & 7]);
}

static int64_t fill_list(struct rf_kernel *k, struct rf_inode *dir, struct rf_listing *list, uint64_t *parent)
{
    struct fill fill = { k, list, parent };
    return rf_ext4_entries(k, dir, add, &fill);
}

static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos), void *user)
{
    return rf_image_readdir(k, file, emit, user, fill_list);
}

const struct rf_file_ops rf_ext4_directory_ops = { .readdir = readdir, .release = rf_image_release_list };

/* --- links --- */

int64_t rf_ext4_readlink(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    size_t length = inode->size < size ? (size_t)inode->size : size;
    (void)k;
    if (node->raw.i_flags & EXT4_ENCRYPT_FL)
        return -RF_ENOKEY;
    if (ext2fs_is_fast_symlink(rf_ext4_raw(node)) && !(node->raw.i_flags & EXT4_INLINE_DATA_FL)) {
        memcpy(out, node->raw.i_block, length);
        return (int64_t)length;
    }
    char *block = malloc(m->fs->blocksize);
    if (!block)
        return -RF_ENOMEM;
    struct rf_ext4_run run = { 0 };
    int64_t error;
    if (node->raw.i_flags & EXT4_INLINE_DATA_FL) {
        size_t got = 0;
        error = rf_ext4_error(ext2fs_inline_data_size(m->fs, (ext2_ino_t)inode->ino, &got));
        if (!error && (got < length || got > m->fs->blocksize))
            error = -RF_EUCLEAN;
        if (!error)
            error = rf_ext4_error(ext2fs_inline_data_get(m->fs, (ext2_ino_t)inode->ino, rf_ext4_raw(node), block, &got));
    } else {
        error = rf_ext4_map(m, node, 0, &run);
        if (!error && !run.physical)
            error = -RF_EUCLEAN;
        if (!error) /* it may be held back */
            error = rf_ext4_error(io_channel_read_blk64(m->fs->io, run.physical, 1, block));
    }
    if (!error)
        memcpy(out, block, length);
    free(block);
    return error ? error : (int64_t)length;
}
