/* XFS images: superblock, log, inodes. An image whose log holds changes that are not in place yet is refused. */
#include "kernel/fs/xfs.h"
#include "kernel/vfs/fstype.h"

#include <ext2fs/ext2_fs.h>
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XFS_MAGIC UINT64_C(0x58465342)
#define INODE_MAGIC 0x494e
#define LOG_MAGIC 0xfeedbabeu
#define LOG_UNMOUNT 0x20 /* XLOG_UNMOUNT_TRANS */
#define SECTOR 512u
#define LOG_CHUNK (1u << 20)
#define REMOTE_LINK_MAGIC 0x58534c4du /* "XSLM" */

enum { V2_FTYPE = 0x200 };                     /* sb_features2 */
enum { FTYPE = 1, META_UUID = 4, NEEDSREPAIR = 16 }; /* sb_features_incompat */
#define INCOMPAT_KNOWN 0xffu /* and SPINODES, BIGTIME, NREXT64, EXCHRANGE, PARENT */
enum { FLAG_REALTIME = 1 };                     /* di_flags */
enum { FLAG2_BIGTIME = 8, FLAG2_NREXT64 = 16 }; /* di_flags2 */

bool rf_xfs_crc_ok(const uint8_t *bytes, size_t size, size_t offset)
{
    static const uint8_t zeros[4];
    uint32_t stored = bytes[offset] | (uint32_t)bytes[offset + 1] << 8 | (uint32_t)bytes[offset + 2] << 16 |
                      (uint32_t)bytes[offset + 3] << 24;
    uint32_t crc = ext2fs_crc32c_le(UINT32_MAX, bytes, offset);
    crc = ext2fs_crc32c_le(crc, zeros, sizeof zeros);
    return ~ext2fs_crc32c_le(crc, bytes + offset + 4, size - offset - 4) == stored;
}

/* --- inodes --- */

static struct rf_timespec get_time(const uint8_t *p, bool big)
{
    if (!big)
        return (struct rf_timespec){ (int32_t)rf_be32(p), rf_be32(p + 4) % 1000000000 };
    uint64_t ns = rf_be64(p);
    return (struct rf_timespec){ (int64_t)(ns / 1000000000) - INT64_C(0x80000000), (int64_t)(ns % 1000000000) };
}

static uint64_t get_device(const uint8_t *p)
{
    uint32_t device = rf_be32(p), major = device >> 18 & 0xfff, minor = device & 0x3ffff; /* IRIX' form */
    return (minor & 0xff) | (uint64_t)major << 8 | (uint64_t)(minor & ~0xffu) << 12;
}

static bool inode_address(const struct rf_xfs *fs, uint64_t ino, uint64_t *out)
{
    uint64_t in_block = ino & ((UINT64_C(1) << fs->inodes_per_block_log) - 1), address;
    if (!rf_xfs_address(fs, ino >> fs->inodes_per_block_log, 1, &address))
        return false;
    *out = address + in_block * fs->inode_size;
    return true;
}

static bool fork_ok(const struct rf_xfs_fork *fork)
{
    switch (fork->format) {
    case RF_XFS_DEVICE: return fork->size >= 4;
    case RF_XFS_LOCAL: return true;
    case RF_XFS_EXTENTS: return fork->extents <= fork->size / 16;
    case RF_XFS_BTREE: return fork->size >= 4 + 16;
    default: return false;
    }
}

/* Where the forks are in the inode, and how many extents they have. */
static bool find_forks(const struct rf_xfs *fs, struct rf_xfs_node *node)
{
    const uint8_t *raw = node->raw;
    bool large = fs->v5 && rf_be64(raw + 120) & FLAG2_NREXT64;
    size_t core = fs->v5 ? 176 : 100, room = fs->inode_size - core, split = (size_t)raw[82] * 8;
    if (split >= room)
        return false;
    node->data = (struct rf_xfs_fork){ .bytes = raw + core, .size = split ? split : room, .format = raw[5],
                                       .extents = large ? rf_be64(raw + 24) : rf_be32(raw + 76) };
    if (split)
        node->attributes = (struct rf_xfs_fork){ .bytes = raw + core + split, .size = room - split, .format = raw[83],
                                                 .extents = large ? rf_be32(raw + 76) : rf_be16(raw + 80) };
    return fork_ok(&node->data) && (!split || (fork_ok(&node->attributes) && raw[83] != RF_XFS_DEVICE));
}

/* The kind of file has the kind of fork that goes with it. */
static bool is_sound(const struct rf_xfs *fs, const struct rf_inode *inode, const struct rf_xfs_node *node)
{
    uint8_t format = node->data.format;
    bool fits = format != RF_XFS_LOCAL || inode->size <= node->data.size;
    if (!rf_image_mode_ok(inode->mode) || inode->size > INT64_MAX)
        return false;
    switch (inode->mode & RF_S_IFMT) {
    case RF_S_IFREG: return format == RF_XFS_EXTENTS || format == RF_XFS_BTREE;
    case RF_S_IFDIR: return format != RF_XFS_DEVICE && inode->size <= fs->blocks * fs->block_size && fits;
    case RF_S_IFLNK: return format != RF_XFS_DEVICE && inode->size && inode->size <= 1024 && fits;
    default: return format == RF_XFS_DEVICE;
    }
}

static int64_t check_raw(const struct rf_xfs *fs, const struct rf_xfs_node *node)
{
    const uint8_t *raw = node->raw;
    if (rf_be16(raw) != INODE_MAGIC || (fs->v5 ? raw[4] != 3 : raw[4] != 1 && raw[4] != 2))
        return -RF_EUCLEAN;
    if (fs->v5 && !rf_xfs_crc_ok(raw, fs->inode_size, 100))
        return -RF_EBADMSG;
    if (fs->v5 && (rf_be64(raw + 152) != node->image.key || memcmp(raw + 160, fs->uuid, 16) != 0))
        return -RF_EUCLEAN;
    return 0;
}

static int64_t load(const struct rf_xfs *fs, struct rf_inode *inode)
{
    struct rf_xfs_node *node = rf_xfs_node_of(inode);
    const uint8_t *raw = node->raw;
    uint64_t address;
    if (!inode_address(fs, node->image.key, &address))
        return -RF_EUCLEAN;
    if (!rf_image_pread(fs->fd, node->raw, fs->inode_size, address))
        return -RF_EIO;
    int64_t error = check_raw(fs, node);
    if (error || !find_forks(fs, node))
        return error ? error : -RF_EUCLEAN;
    bool big = fs->v5 && rf_be64(raw + 120) & FLAG2_BIGTIME;
    inode->mode = rf_be16(raw + 2);
    inode->uid = rf_be32(raw + 8);
    inode->gid = rf_be32(raw + 12);
    inode->nlink = raw[4] == 1 ? rf_be16(raw + 6) : rf_be32(raw + 16);
    inode->atime = get_time(raw + 32, big);
    inode->mtime = get_time(raw + 40, big);
    inode->ctime = get_time(raw + 48, big);
    inode->btime = fs->v5 ? get_time(raw + 144, big) : (struct rf_timespec){ 0, 0 };
    inode->size = rf_be64(raw + 56);
    inode->blocks = rf_be64(raw + 64) * (fs->block_size / SECTOR);
    if (RF_S_ISCHR(inode->mode) || RF_S_ISBLK(inode->mode))
        inode->rdev = get_device(node->data.bytes);
    if (!is_sound(fs, inode, node))
        return -RF_EUCLEAN;
    return rf_be16(raw + 90) & FLAG_REALTIME && RF_S_ISREG(inode->mode) ? -RF_EOPNOTSUPP : 0;
}

int64_t rf_xfs_inode(struct rf_kernel *k, struct rf_mount *mount, uint64_t ino, struct rf_inode **out)
{
    struct rf_xfs *fs = mount->private_data;
    struct rf_image_node *live = rf_image_find(&fs->live, ino);
    if (live) {
        rf_inode_get(live->inode);
        *out = live->inode;
        return 0;
    }
    live = rf_image_new(k, &fs->live, mount, ino, sizeof(struct rf_xfs_node) + fs->inode_size, &rf_xfs_inode_ops);
    if (!live)
        return -RF_ENOMEM;
    struct rf_inode *inode = live->inode;
    inode->ino = ino;
    int64_t error = load(fs, inode);
    if (error) {
        rf_inode_put(k, inode);
        return error;
    }
    if (RF_S_ISREG(inode->mode))
        inode->file_ops = &rf_xfs_file_ops;
    else if (RF_S_ISDIR(inode->mode))
        inode->file_ops = &rf_xfs_directory_ops;
    *out = inode;
    return 0;
}

static void destroy_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_xfs_node *node = rf_xfs_node_of(inode);
    rf_image_gone(k, &rf_xfs_of(inode)->live, &node->image);
    rf_kfree(k, node);
}

static int64_t read_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct rf_xfs_node *node = rf_xfs_node_of(inode);
    size_t length = inode->size < size ? (size_t)inode->size : size;
    uint8_t target[1024];
    (void)k;
    int64_t error = 0;
    if (node->data.format == RF_XFS_LOCAL)
        memcpy(target, node->data.bytes, inode->size);
    else
        error = rf_xfs_read_remote(rf_xfs_of(inode), inode, &node->data, 0, REMOTE_LINK_MAGIC, target,
                                   (size_t)inode->size);
    if (error)
        return error;
    memcpy(out, target, length);
    return (int64_t)length;
}

const struct rf_inode_ops rf_xfs_inode_ops = {
    .lookup = rf_xfs_lookup,
    .readlink = read_link,
    .page = rf_xfs_page,
    .getxattr = rf_xfs_getxattr,
    .listxattr = rf_xfs_listxattr,
    .destroy = destroy_inode,
};

/* --- the log --- */

/* Where the record with the highest number is: what was written last. *newest 0: there is none. */
static bool find_newest(const struct rf_xfs *fs, uint64_t start, uint64_t size, uint64_t *newest, uint64_t *at)
{
    uint8_t *chunk = malloc(LOG_CHUNK);
    bool ok = chunk != NULL;
    *newest = *at = 0;
    for (uint64_t done = 0; ok && done < size; done += LOG_CHUNK) {
        size_t n = size - done < LOG_CHUNK ? (size_t)(size - done) : LOG_CHUNK;
        ok = rf_image_pread(fs->fd, chunk, n, start + done);
        for (size_t i = 0; ok && i + SECTOR <= n; i += SECTOR) {
            uint64_t lsn = rf_be32(chunk + i) == LOG_MAGIC ? rf_be64(chunk + i + 16) : 0;
            if (lsn > *newest) {
                *newest = lsn;
                *at = done + i;
            }
        }
    }
    free(chunk);
    return ok;
}

/* The last record must say "unmounted", and nothing else. */
static const char *check_log(const struct rf_xfs *fs)
{
    uint64_t start, size = (uint64_t)fs->log_blocks * fs->block_size, newest, at;
    uint8_t header[SECTOR], op[SECTOR];
    if (!fs->log_start)
        return "its log is on another device";
    if (!size || !rf_xfs_address(fs, fs->log_start, fs->log_blocks, &start))
        return "its log lies outside of the image";
    if (!find_newest(fs, start, size, &newest, &at) || !rf_image_pread(fs->fd, header, SECTOR, start + at))
        return "its log cannot be read";
    if (!newest)
        return NULL; /* never used */
    uint32_t record = rf_be32(header + 8) >= 2 ? rf_be32(header + 320) : 0;
    uint64_t headers = record > 32768 ? ((uint64_t)record + 32767) / 32768 : 1;
    bool is_clean = rf_be32(header + 40) == 1 &&
                    rf_image_pread(fs->fd, op, SECTOR, start + (at + headers * SECTOR) % size) && op[9] & LOG_UNMOUNT;
    return is_clean ? NULL : "its log is not empty: mount it once on Linux, or run xfs_repair";
}

/* --- opening --- */

static bool in_range(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

/* Version, checksum, features. What is wrong, or NULL. */
static const char *check_version(struct rf_xfs *fs, const struct rf_image *image, uint8_t super[4096])
{
    if (!rf_image_pread(image->fd, super, SECTOR, 0))
        return "the superblock is cut off";
    uint32_t version = rf_be16(super + 100) & 15, sector = rf_be16(super + 102);
    if ((version != 4 && version != 5) || !in_range(sector, SECTOR, 4096) || sector & (sector - 1) ||
        !rf_image_pread(image->fd, super, sector, 0))
        return "the superblock is damaged, or of an old version";
    fs->v5 = version == 5;
    if (fs->v5 && !rf_xfs_crc_ok(super, sector, 224))
        return "the superblock's checksum is wrong";
    uint32_t features = fs->v5 ? rf_be32(super + 216) : 0;
    if (features & ~INCOMPAT_KNOWN || (!fs->v5 && !(rf_be16(super + 100) & 0x2000)))
        return "it has features that are not known";
    if (features & NEEDSREPAIR || super[126])
        return "it is damaged, or not finished: run xfs_repair";
    fs->has_ftype = fs->v5 ? features & FTYPE : rf_be32(super + 200) & V2_FTYPE;
    memcpy(fs->uuid, super + (features & META_UUID ? 248 : 32), sizeof fs->uuid);
    return NULL;
}

static bool geometry_ok(const struct rf_xfs *fs, const uint8_t *super)
{
    return in_range(super[120], 9, 16) && fs->block_size == 1u << super[120] && in_range(super[122], 8, 11) &&
           fs->inode_size == 1u << super[122] && super[122] <= super[120] &&
           fs->inodes_per_block_log == (uint32_t)super[120] - super[122] && in_range(fs->ag_block_log, 1, 31) &&
           fs->ag_blocks && fs->ag_blocks <= 1u << fs->ag_block_log && fs->ag_count &&
           super[120] + fs->dir_block_log <= 16 && fs->blocks <= INT64_MAX >> 17 &&
           fs->blocks <= (uint64_t)fs->ag_count * fs->ag_blocks && (!fs->v5 || fs->inode_size >= 512);
}

/* What is wrong with the superblock; NULL: it is taken over. */
static const char *read_super(struct rf_xfs *fs, const struct rf_image *image)
{
    uint8_t super[4096];
    const char *text = check_version(fs, image, super);
    if (text)
        return text;
    fs->block_size = rf_be32(super + 4);
    fs->blocks = rf_be64(super + 8);
    fs->log_start = rf_be64(super + 48);
    fs->root_ino = rf_be64(super + 56);
    fs->ag_blocks = rf_be32(super + 84);
    fs->ag_count = rf_be32(super + 88);
    fs->log_blocks = rf_be32(super + 96);
    fs->inode_size = rf_be16(super + 104);
    fs->inodes_per_block_log = super[123];
    fs->ag_block_log = super[124];
    fs->dir_block_log = super[192];
    fs->inodes = rf_be64(super + 128);
    fs->free_inodes = rf_be64(super + 136);
    fs->free_blocks = rf_be64(super + 144);
    if (!geometry_ok(fs, super))
        return "the superblock is damaged";
    return fs->blocks * fs->block_size > image->size ? "the image is truncated" : check_log(fs);
}

static void statfs(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out)
{
    (void)k;
    const struct rf_xfs *fs = mount->private_data;
    out->f_bsize = out->f_frsize = fs->block_size;
    out->f_blocks = (int64_t)(fs->blocks - fs->log_blocks);
    out->f_bfree = out->f_bavail = (int64_t)fs->free_blocks;
    out->f_files = (int64_t)fs->inodes;
    out->f_ffree = (int64_t)fs->free_inodes;
}

static void destroy_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    struct rf_xfs *fs = mount->private_data;
    if (!fs)
        return;
    if (fs->fd >= 0)
        close(fs->fd);
    rf_kfree(k, fs);
}

static const struct rf_mount_ops mount_ops = { .statfs = statfs, .destroy = destroy_mount };

static struct rf_mount *open_image(struct rf_kernel *k, const struct rf_image *image, struct rf_error *err)
{
    if (image->writable) {
        rf_error_set(err, RF_ERR_UNSUPPORTED, "%s is an XFS image, which can only be read here", image->path);
        return NULL;
    }
    struct rf_xfs *fs = rf_kalloc(k, sizeof *fs);
    struct rf_mount *mount = fs ? rf_mount_alloc(k, "xfs", XFS_MAGIC, &mount_ops) : NULL;
    if (!mount) {
        rf_kfree(k, fs);
        rf_error_set(err, RF_ERR_NO_MEMORY, "%s: no memory", image->path);
        return NULL;
    }
    struct rf_inode *root;
    fs->fd = image->fd;
    mount->private_data = fs;
    mount->keeps_inodes = mount->read_only = true;
    const char *text = read_super(fs, image);
    if (!text && rf_xfs_inode(k, mount, fs->root_ino, &root) == 0) {
        if (RF_S_ISDIR(root->mode))
            mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (mount->root)
        return mount;
    rf_error_set(err, RF_ERR_FORMAT, "%s: %s", image->path, text ? text : "the root directory is damaged");
    fs->fd = -1; /* the caller's still */
    rf_mount_free(k, mount);
    return NULL;
}

static bool is_image(const uint8_t *head, uint64_t size)
{
    return size >= SECTOR && !memcmp(head, "XFSB", 4);
}

const struct rf_fs_type rf_xfs_type = {
    .name = "xfs",
    .flags = RF_FS_DEVICE,
    .is_image = is_image,
    .open_image = open_image,
};
