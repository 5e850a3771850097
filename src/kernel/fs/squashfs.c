/* SquashFS images, read-only, through libsquashfs: every compressor that it was built with.
 *
 * An inode is known by its reference, its place in the inode table. The library's own objects are the host's memory. */
#include "kernel/fs/image.h"
#include "kernel/vfs/fstype.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir.h>
#include <sqfs/error.h>
#include <sqfs/id_table.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/meta_reader.h>
#include <sqfs/super.h>
#include <sqfs/xattr.h>
#include <sqfs/xattr_reader.h>

#define SQUASHFS_MAGIC UINT64_C(0x73717368)
#define NO_XATTRS 0xffffffffu

struct image_file { /* what libsquashfs reads through */
    sqfs_file_t base;
    int fd;
    uint64_t size;
};
struct squashfs {
    struct rf_image_table live;
    struct image_file *file;
    sqfs_super_t super;
    sqfs_compressor_t *compressor;
    sqfs_id_table_t *ids;
    sqfs_meta_reader_t *inodes, *directories;
    sqfs_data_reader_t *data;
    sqfs_xattr_reader_t *xattrs;
};
struct node {
    struct rf_image_node image;
    sqfs_inode_generic_t *raw;
};

static const struct rf_inode_ops inode_ops;
static const struct rf_file_ops file_ops, directory_ops;

static struct squashfs *fs_of(const struct rf_inode *inode)
{
    return inode->mount->private_data;
}

static struct node *node_of(const struct rf_inode *inode)
{
    return inode->private_data;
}

static int64_t error_of(int status)
{
    switch (status) {
    case SQFS_ERROR_ALLOC: return -RF_ENOMEM;
    case SQFS_ERROR_IO: return -RF_EIO;
    case SQFS_ERROR_UNSUPPORTED: return -RF_EOPNOTSUPP;
    default: return status < 0 ? -RF_EIO : 0; /* as Linux says of damaged ones */
    }
}

/* --- the image's file --- */

static void destroy_file(sqfs_object_t *object)
{
    free(object);
}

static int read_at(sqfs_file_t *base, sqfs_u64 offset, void *out, size_t size)
{
    const struct image_file *file = (const struct image_file *)base;
    if (offset > file->size || size > file->size - offset)
        return SQFS_ERROR_OUT_OF_BOUNDS;
    return rf_image_pread(file->fd, out, size, offset) ? 0 : SQFS_ERROR_IO;
}

static int write_at(sqfs_file_t *base, sqfs_u64 offset, const void *bytes, size_t size)
{
    (void)base, (void)offset, (void)bytes, (void)size;
    return SQFS_ERROR_IO;
}

static sqfs_u64 get_size(const sqfs_file_t *base)
{
    return ((const struct image_file *)base)->size;
}

static int set_size(sqfs_file_t *base, sqfs_u64 size)
{
    (void)base, (void)size;
    return SQFS_ERROR_IO;
}

/* --- inodes --- */

static uint32_t link_count(const sqfs_inode_generic_t *raw)
{
    switch (raw->base.type) {
    case SQFS_INODE_DIR: return raw->data.dir.nlink;
    case SQFS_INODE_EXT_DIR: return raw->data.dir_ext.nlink;
    case SQFS_INODE_SLINK: return raw->data.slink.nlink;
    case SQFS_INODE_EXT_SLINK: return raw->data.slink_ext.nlink;
    case SQFS_INODE_EXT_FILE: return raw->data.file_ext.nlink;
    case SQFS_INODE_FILE: return 1;
    case SQFS_INODE_BDEV:
    case SQFS_INODE_CDEV:
    case SQFS_INODE_EXT_BDEV:
    case SQFS_INODE_EXT_CDEV: return raw->data.dev.nlink;
    default: return raw->data.ipc.nlink;
    }
}

static uint64_t size_of(const sqfs_inode_generic_t *raw)
{
    sqfs_u64 size = 0;
    switch (raw->base.type) {
    case SQFS_INODE_DIR: return raw->data.dir.size;
    case SQFS_INODE_EXT_DIR: return raw->data.dir_ext.size;
    case SQFS_INODE_SLINK:
    case SQFS_INODE_EXT_SLINK: return raw->data.slink.target_size;
    case SQFS_INODE_FILE:
    case SQFS_INODE_EXT_FILE: return sqfs_inode_get_file_size(raw, &size) ? 0 : size;
    default: return 0;
    }
}

static uint64_t device_of(const sqfs_inode_generic_t *raw)
{
    switch (raw->base.type) {
    case SQFS_INODE_BDEV:
    case SQFS_INODE_CDEV:
    case SQFS_INODE_EXT_BDEV:
    case SQFS_INODE_EXT_CDEV: break;
    default: return 0;
    }
    uint32_t device = raw->data.dev.devno, major = device >> 8 & 0xfff, minor = (device & 0xff) | (device >> 12 & 0xfff00);
    return (minor & 0xff) | (uint64_t)major << 8 | (uint64_t)(minor & ~0xffu) << 12;
}

/* The mode's kind must be the inode type's: contents are looked for by the mode. */
static bool is_sound(const sqfs_inode_generic_t *raw)
{
    static const uint32_t kinds[] = { 0, RF_S_IFDIR, RF_S_IFREG, RF_S_IFLNK, RF_S_IFBLK, RF_S_IFCHR, RF_S_IFIFO, RF_S_IFSOCK };
    unsigned type = raw->base.type > 7 ? raw->base.type - 7u : raw->base.type;
    return type >= 1 && type <= 7 && (raw->base.mode & RF_S_IFMT) == kinds[type] && size_of(raw) <= INT64_MAX &&
           (kinds[type] != RF_S_IFLNK || (size_of(raw) < RF_PATH_MAX && raw->payload_bytes_used >= size_of(raw)));
}

static int64_t take(struct squashfs *fs, struct node *node)
{
    struct rf_inode *inode = node->image.inode;
    const sqfs_inode_generic_t *raw = node->raw;
    sqfs_u32 uid, gid;
    if (!is_sound(raw) || sqfs_id_table_index_to_id(fs->ids, raw->base.uid_idx, &uid) ||
        sqfs_id_table_index_to_id(fs->ids, raw->base.gid_idx, &gid))
        return -RF_EIO;
    inode->mode = raw->base.mode;
    inode->uid = uid;
    inode->gid = gid;
    inode->nlink = link_count(raw);
    inode->ino = raw->base.inode_number;
    inode->size = size_of(raw);
    inode->blocks = RF_S_ISREG(inode->mode) ? (inode->size + 511) / 512 : 0;
    inode->rdev = device_of(raw);
    inode->atime = inode->mtime = inode->ctime = (struct rf_timespec){ (int32_t)raw->base.mod_time, 0 };
    if (RF_S_ISREG(inode->mode))
        inode->file_ops = &file_ops;
    else if (RF_S_ISDIR(inode->mode))
        inode->file_ops = &directory_ops;
    return 0;
}

static int64_t find_inode(struct rf_kernel *k, struct rf_mount *mount, uint64_t reference, struct rf_inode **out)
{
    struct squashfs *fs = mount->private_data;
    struct rf_image_node *live = rf_image_find(&fs->live, reference);
    if (live) {
        rf_inode_get(live->inode);
        *out = live->inode;
        return 0;
    }
    sqfs_inode_generic_t *raw;
    int64_t error = error_of(sqfs_meta_reader_read_inode(fs->inodes, &fs->super, reference >> 16, reference & 0xffff, &raw));
    if (error)
        return error;
    live = rf_image_new(k, &fs->live, mount, reference, sizeof(struct node), &inode_ops);
    if (!live) {
        sqfs_free(raw);
        return -RF_ENOMEM;
    }
    struct node *node = (struct node *)live;
    node->raw = raw;
    error = take(fs, node);
    if (error)
        rf_inode_put(k, live->inode);
    else
        *out = live->inode;
    return error;
}

static void destroy_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    struct node *node = node_of(inode);
    rf_image_gone(k, &fs_of(inode)->live, &node->image);
    sqfs_free(node->raw);
    rf_kfree(k, node);
}

/* --- directories --- */

typedef int64_t entry_fn(void *user, const char *name, size_t length, uint64_t ino, uint64_t reference, unsigned type);

static int64_t for_entries(struct rf_inode *dir, entry_fn *each, void *user)
{
    struct squashfs *fs = fs_of(dir);
    sqfs_readdir_state_t state;
    int64_t result = error_of(sqfs_readdir_state_init(&state, &fs->super, node_of(dir)->raw));
    while (!result) {
        sqfs_dir_entry_t *entry;
        sqfs_u32 ino;
        sqfs_u64 reference;
        int status = sqfs_meta_reader_readdir(fs->directories, &state, &entry, &ino, &reference);
        if (status > 0)
            break;
        result = error_of(status);
        if (result)
            break;
        result = each(user, (const char *)entry->name, entry->size + 1u, ino, reference, entry->type);
        sqfs_free(entry);
    }
    return result;
}

struct search {
    const char *name;
    size_t length;
    uint64_t reference;
};

static int64_t compare(void *user, const char *name, size_t length, uint64_t ino, uint64_t reference, unsigned type)
{
    struct search *search = user;
    (void)ino, (void)type;
    if (length != search->length || memcmp(name, search->name, length) != 0)
        return 0;
    search->reference = reference;
    return 1;
}

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode **out)
{
    struct search search = { name, strlen(name), 0 };
    int64_t result = for_entries(dir, compare, &search);
    return result > 0 ? find_inode(k, dir->mount, search.reference, out) : result ? result : -RF_ENOENT;
}

struct fill {
    struct rf_kernel *k;
    struct rf_listing *list;
};

static int64_t add(void *user, const char *name, size_t length, uint64_t ino, uint64_t reference, unsigned type)
{
    static const uint8_t types[8] = { RF_DT_UNKNOWN, RF_DT_DIR, RF_DT_REG, RF_DT_LNK, RF_DT_BLK, RF_DT_CHR, RF_DT_FIFO,
                                      RF_DT_SOCK };
    struct fill *fill = user;
    (void)reference;
    return rf_image_add_entry(fill->k, fill->list, name, length, ino, types[type & 7]);
}

static int64_t fill_list(struct rf_kernel *k, struct rf_inode *dir, struct rf_listing *list, uint64_t *parent)
{
    struct fill fill = { k, list };
    const sqfs_inode_generic_t *raw = node_of(dir)->raw;
    bool is_root = node_of(dir)->image.key == fs_of(dir)->super.root_inode_ref; /* whose parent is a number behind all */
    if (!is_root)
        *parent = raw->base.type == SQFS_INODE_DIR ? raw->data.dir.parent_inode : raw->data.dir_ext.parent_inode;
    return for_entries(dir, add, &fill);
}

static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type, uint64_t next_pos), void *user)
{
    return rf_image_readdir(k, file, emit, user, fill_list);
}

static int64_t read_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    (void)k;
    size_t length = inode->size < size ? (size_t)inode->size : size;
    memcpy(out, node_of(inode)->raw->extra, length);
    return (int64_t)length;
}

/* --- contents --- */

static int64_t read_bytes(struct rf_kernel *k, struct rf_inode *inode, void *out, size_t size, uint64_t offset)
{
    (void)k;
    if (offset >= inode->size)
        return 0;
    if (size > inode->size - offset)
        size = (size_t)(inode->size - offset);
    size_t done = 0;
    while (done < size) {
        sqfs_s32 n = sqfs_data_reader_read(fs_of(inode)->data, node_of(inode)->raw, offset + done, (uint8_t *)out + done,
                                           (sqfs_u32)(size - done));
        if (n <= 0)
            return done ? (int64_t)done : n ? error_of(n) : -RF_EIO;
        done += (size_t)n;
    }
    return (int64_t)done;
}

static int64_t read_file(struct rf_kernel *k, struct rf_file *file, struct rf_uio *uio, uint64_t *pos)
{
    return rf_image_read(k, file, uio, pos, read_bytes);
}

static int64_t page(struct rf_kernel *k, struct rf_inode *inode, uint64_t index, uint64_t *pa)
{
    return rf_image_page(k, inode, &node_of(inode)->image.cache, index, pa, read_bytes);
}

/* --- extended attributes --- */

/* Call each for every pair until it returns something else than 0. */
static int64_t for_xattrs(struct rf_inode *inode,
                          int64_t (*each)(void *user, const char *name, const void *value, size_t size), void *user)
{
    struct squashfs *fs = fs_of(inode);
    sqfs_u32 index;
    sqfs_xattr_id_t description;
    if (!fs->xattrs || sqfs_inode_get_xattr_index(node_of(inode)->raw, &index) || index == NO_XATTRS)
        return 0;
    int64_t result = error_of(sqfs_xattr_reader_get_desc(fs->xattrs, index, &description));
    if (!result)
        result = error_of(sqfs_xattr_reader_seek_kv(fs->xattrs, &description));
    for (uint32_t i = 0; !result && i < description.count; i++) {
        sqfs_xattr_entry_t *key;
        sqfs_xattr_value_t *value;
        result = error_of(sqfs_xattr_reader_read_key(fs->xattrs, &key));
        if (result)
            break;
        result = error_of(sqfs_xattr_reader_read_value(fs->xattrs, key, &value));
        if (!result) {
            result = each(user, (const char *)key->key, value->value, value->size);
            sqfs_free(value);
        }
        sqfs_free(key);
    }
    return result;
}

struct value {
    const char *name;
    void *out;
    size_t size;
};

static int64_t take_value(void *user, const char *name, const void *bytes, size_t size)
{
    struct value *value = user;
    if (strcmp(name, value->name) != 0)
        return 0;
    if (value->size && size > value->size)
        return -RF_ERANGE;
    if (value->size)
        memcpy(value->out, bytes, size);
    return (int64_t)size + 1;
}

static int64_t get_xattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *out, size_t size)
{
    struct value value = { name, out, size };
    (void)k;
    int64_t result = for_xattrs(inode, take_value, &value);
    return result > 0 ? result - 1 : result ? result : -RF_ENODATA;
}

struct names {
    char *out;
    size_t size, used;
};

static int64_t take_name(void *user, const char *name, const void *bytes, size_t size)
{
    struct names *names = user;
    size_t length = strlen(name) + 1;
    (void)bytes, (void)size;
    if (names->size && names->used + length > names->size)
        return -RF_ERANGE;
    if (names->size)
        memcpy(names->out + names->used, name, length);
    names->used += length;
    return 0;
}

static int64_t list_xattrs(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct names names = { out, size, 0 };
    (void)k;
    int64_t result = for_xattrs(inode, take_name, &names);
    return result ? result : (int64_t)names.used;
}

static const struct rf_file_ops file_ops = { .read = read_file };
static const struct rf_file_ops directory_ops = { .readdir = readdir, .release = rf_image_release_list };
static const struct rf_inode_ops inode_ops = {
    .lookup = lookup,
    .readlink = read_link,
    .page = page,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
    .destroy = destroy_inode,
};

/* --- the file system as a whole --- */

static void statfs(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out)
{
    (void)k;
    const struct squashfs *fs = mount->private_data;
    out->f_bsize = out->f_frsize = fs->super.block_size;
    out->f_blocks = (int64_t)((fs->super.bytes_used - 1) / fs->super.block_size + 1);
    out->f_files = fs->super.inode_count;
}

static void close_fs(struct rf_kernel *k, struct squashfs *fs)
{
    void *const objects[] = { fs->xattrs, fs->data, fs->directories, fs->inodes, fs->ids, fs->compressor, fs->file };
    for (size_t i = 0; i < RF_ARRAY_SIZE(objects); i++)
        if (objects[i])
            sqfs_destroy(objects[i]);
    rf_kfree(k, fs);
}

static void destroy_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    struct squashfs *fs = mount->private_data;
    if (!fs)
        return;
    int fd = fs->file->fd;
    close_fs(k, fs);
    close(fd);
}

static const struct rf_mount_ops mount_ops = { .statfs = statfs, .destroy = destroy_mount };

static uint64_t end_of_directories(const sqfs_super_t *super)
{
    uint64_t end = super->id_table_start;
    if (super->fragment_table_start < end && super->fragment_entry_count)
        end = super->fragment_table_start;
    if (super->export_table_start < end)
        end = super->export_table_start;
    return end;
}

/* What is wrong with it; NULL: it is open. */
static const char *open_fs(struct squashfs *fs, const struct rf_image *image)
{
    fs->file = calloc(1, sizeof *fs->file);
    if (!fs->file)
        return "no memory";
    fs->file->base = (sqfs_file_t){ .base = { .destroy = destroy_file }, .read_at = read_at, .write_at = write_at,
                                    .get_size = get_size, .truncate = set_size };
    fs->file->fd = image->fd;
    fs->file->size = image->size;
    sqfs_file_t *file = &fs->file->base;
    sqfs_super_t *super = &fs->super;
    sqfs_compressor_config_t config;
    if (sqfs_super_read(super, file))
        return "the superblock is damaged";
    if (!super->bytes_used || super->bytes_used > image->size)
        return "the image is truncated";
    if (sqfs_compressor_config_init(&config, super->compression_id, super->block_size, SQFS_COMP_FLAG_UNCOMPRESS) ||
        sqfs_compressor_create(&config, &fs->compressor))
        return "its compression is not supported";
    fs->ids = sqfs_id_table_create(0);
    fs->inodes = sqfs_meta_reader_create(file, fs->compressor, super->inode_table_start, super->directory_table_start);
    fs->directories = sqfs_meta_reader_create(file, fs->compressor, super->directory_table_start, end_of_directories(super));
    fs->data = sqfs_data_reader_create(file, super->block_size, fs->compressor, 0);
    if (!fs->ids || !fs->inodes || !fs->directories || !fs->data)
        return "no memory";
    if (sqfs_id_table_read(fs->ids, file, super, fs->compressor))
        return "the table of owners is damaged";
    if (super->fragment_entry_count && sqfs_data_reader_load_fragment_table(fs->data, super))
        return "the table of fragments is damaged";
    if (super->flags & SQFS_FLAG_NO_XATTRS || super->xattr_id_table_start == UINT64_MAX)
        return NULL;
    fs->xattrs = sqfs_xattr_reader_create(0);
    if (!fs->xattrs)
        return "no memory";
    return sqfs_xattr_reader_load(fs->xattrs, super, file, fs->compressor) ? "the table of attributes is damaged" : NULL;
}

static struct rf_mount *open_image(struct rf_kernel *k, const struct rf_image *image, struct rf_error *err)
{
    struct rf_inode *root;
    if (image->writable) {
        rf_error_set(err, RF_ERR_UNSUPPORTED, "%s is a SquashFS image, which cannot be written", image->path);
        return NULL;
    }
    struct squashfs *fs = rf_kalloc(k, sizeof *fs);
    struct rf_mount *mount = fs ? rf_mount_alloc(k, "squashfs", SQUASHFS_MAGIC, &mount_ops) : NULL;
    if (!mount) {
        rf_kfree(k, fs);
        rf_error_set(err, RF_ERR_NO_MEMORY, "%s: no memory", image->path);
        return NULL;
    }
    const char *text = open_fs(fs, image);
    mount->private_data = fs;
    mount->keeps_inodes = mount->read_only = true;
    if (!text && find_inode(k, mount, fs->super.root_inode_ref, &root) == 0) {
        if (RF_S_ISDIR(root->mode))
            mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (mount->root)
        return mount;
    rf_error_set(err, RF_ERR_FORMAT, "%s: %s", image->path, text ? text : "the root directory is damaged");
    close_fs(k, fs); /* the descriptor is still the caller's */
    mount->private_data = NULL;
    rf_mount_free(k, mount);
    return NULL;
}

static bool is_image(const uint8_t *head, uint64_t size)
{
    return size >= sizeof(sqfs_super_t) && !memcmp(head, "hsqs", 4);
}

const struct rf_fs_type rf_squashfs_type = {
    .name = "squashfs",
    .flags = RF_FS_DEVICE,
    .is_image = is_image,
    .open_image = open_image,
};
