/* Extended attributes of XFS images: within the inode, in leaf blocks, and values in blocks of their own. */
#include "kernel/fs/xfs.h"

#include <stdlib.h>
#include <string.h>

#define VALUE_MAX 65536u
#define STEPS_MAX 65536u /* blocks of one fork that are followed */
#define REMOTE_VALUE_MAGIC 0x5841524du /* "XARM" */

enum { LEAF = 0xfbee, NODE = 0xfebe, LEAF3 = 0x3bee, NODE3 = 0x3ebe };
enum { LOCAL = 1, ROOT = 2, SECURE = 4, PARENT = 8, INCOMPLETE = 0x80 };

/* value NULL: it lies at a block of the fork. */
struct attribute {
    unsigned flags;
    const uint8_t *name, *value;
    size_t name_length, size;
    uint32_t block;
};
typedef int64_t attribute_fn(void *user, const struct attribute *a);

static int64_t short_attributes(const struct rf_xfs_fork *fork, attribute_fn *each, void *user)
{
    const uint8_t *bytes = fork->bytes;
    size_t end = fork->size >= 4 ? rf_be16(bytes) : 0, at = 4;
    if (end < 4 || end > fork->size)
        return end ? -RF_EUCLEAN : 0;
    for (unsigned i = 0; i < bytes[2]; i++) {
        if (end - at < 3 || (size_t)3 + bytes[at] + bytes[at + 1] > end - at)
            return -RF_EUCLEAN;
        struct attribute a = { .flags = bytes[at + 2], .name = bytes + at + 3, .name_length = bytes[at],
                               .value = bytes + at + 3 + bytes[at], .size = bytes[at + 1] };
        int64_t result = each(user, &a);
        if (result)
            return result;
        at += 3 + a.name_length + a.size;
    }
    return 0;
}

static int64_t leaf_entry(const uint8_t *block, size_t size, const uint8_t *entry, attribute_fn *each, void *user)
{
    size_t at = rf_be16(entry + 4), head = entry[6] & LOCAL ? 3 : 9, behind = 0;
    if (at > size - head)
        return -RF_EUCLEAN;
    struct attribute a = { .flags = entry[6], .name = block + at + head, .name_length = block[at + head - 1] };
    if (a.flags & LOCAL) {
        behind = a.size = rf_be16(block + at);
        a.value = a.name + a.name_length;
    } else {
        a.block = rf_be32(block + at);
        a.size = rf_be32(block + at + 4);
    }
    if (a.name_length + behind > size - at - head || a.size > VALUE_MAX)
        return -RF_EUCLEAN;
    return each(user, &a);
}

static int64_t leaf_attributes(const struct rf_xfs *fs, const uint8_t *block, attribute_fn *each, void *user)
{
    size_t head = fs->v5 ? 80 : 32, count = rf_be16(block + (fs->v5 ? 56 : 12));
    if (count > (fs->block_size - head) / 8)
        return -RF_EUCLEAN;
    int64_t result = 0;
    for (size_t i = 0; i < count && !result; i++)
        result = leaf_entry(block, fs->block_size, block + head + i * 8, each, user);
    return result;
}

/* One block, which must be a leaf or a node. */
static int64_t read_attribute_block(struct rf_xfs *fs, struct rf_inode *inode, uint32_t logical, uint8_t *out, bool *leaf)
{
    int64_t error = rf_xfs_read_blocks(fs, inode, &rf_xfs_node_of(inode)->attributes, logical, 1, out);
    if (error)
        return error;
    if (fs->v5 && !rf_xfs_crc_ok(out, fs->block_size, 12))
        return -RF_EBADMSG;
    uint16_t magic = rf_be16(out + 8);
    *leaf = magic == (fs->v5 ? LEAF3 : LEAF);
    if ((!*leaf && magic != (fs->v5 ? NODE3 : NODE)) || (fs->v5 && rf_be64(out + 48) != inode->ino))
        return -RF_EUCLEAN;
    return 0;
}

/* Down to the first leaf, then from leaf to leaf. */
static int64_t long_attributes(struct rf_xfs *fs, struct rf_inode *inode, attribute_fn *each, void *user)
{
    uint8_t *block = malloc(fs->block_size);
    int64_t result = block ? 0 : -RF_ENOMEM;
    uint32_t at = 0;
    for (unsigned step = 0; !result; step++) {
        bool leaf = false;
        result = step < STEPS_MAX ? read_attribute_block(fs, inode, at, block, &leaf) : -RF_EUCLEAN;
        if (result)
            break;
        if (leaf) {
            result = leaf_attributes(fs, block, each, user);
            at = rf_be32(block); /* forw */
            if (!at)
                break;
        } else {
            at = rf_be16(block + (fs->v5 ? 56 : 12)) ? rf_be32(block + (fs->v5 ? 64 : 16) + 4) : 0;
            if (!at)
                result = -RF_EUCLEAN;
        }
    }
    free(block);
    return result;
}

static int64_t attributes(struct rf_inode *inode, attribute_fn *each, void *user)
{
    const struct rf_xfs_fork *fork = &rf_xfs_node_of(inode)->attributes;
    if (!fork->size || (fork->format == RF_XFS_EXTENTS && !fork->extents))
        return 0;
    return fork->format == RF_XFS_LOCAL ? short_attributes(fork, each, user)
                                        : long_attributes(rf_xfs_of(inode), inode, each, user);
}

/* --- operations --- */

static const char *prefix_of(unsigned flags)
{
    return flags & (PARENT | INCOMPLETE) ? NULL : flags & ROOT ? "trusted." : flags & SECURE ? "security." : "user.";
}

struct value {
    struct rf_inode *inode;
    const char *name;
    void *out;
    size_t size;
};

static int64_t take_value(void *user, const struct attribute *a)
{
    struct value *v = user;
    const char *prefix = prefix_of(a->flags);
    size_t length = prefix ? strlen(prefix) : 0;
    if (!prefix || strncmp(v->name, prefix, length) != 0 || strlen(v->name + length) != a->name_length ||
        memcmp(v->name + length, a->name, a->name_length) != 0)
        return 0;
    if (v->size && a->size > v->size)
        return -RF_ERANGE;
    int64_t error = 0;
    if (v->size && a->value)
        memcpy(v->out, a->value, a->size);
    else if (v->size)
        error = rf_xfs_read_remote(rf_xfs_of(v->inode), v->inode, &rf_xfs_node_of(v->inode)->attributes, a->block,
                                   REMOTE_VALUE_MAGIC, v->out, a->size);
    return error ? error : (int64_t)a->size + 1;
}

int64_t rf_xfs_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size)
{
    struct value v = { inode, name, value, size };
    (void)k;
    int64_t result = attributes(inode, take_value, &v);
    return result > 0 ? result - 1 : result ? result : -RF_ENODATA;
}

struct names {
    char *out;
    size_t size, used;
};

static int64_t take_name(void *user, const struct attribute *a)
{
    struct names *n = user;
    const char *prefix = prefix_of(a->flags);
    size_t length = prefix ? strlen(prefix) : 0;
    if (!prefix || !a->name_length || memchr(a->name, 0, a->name_length))
        return 0;
    if (n->size && n->used + length + a->name_length + 1 > n->size)
        return -RF_ERANGE;
    if (n->size) {
        memcpy(n->out + n->used, prefix, length);
        memcpy(n->out + n->used + length, a->name, a->name_length);
        n->out[n->used + length + a->name_length] = '\0';
    }
    n->used += length + a->name_length + 1;
    return 0;
}

int64_t rf_xfs_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct names names = { out, size, 0 };
    (void)k;
    int64_t result = attributes(inode, take_name, &names);
    return result ? result : (int64_t)names.used;
}
