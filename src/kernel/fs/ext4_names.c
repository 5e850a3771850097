/* Names in ext4 images: making, linking, removing, moving.
 *
 * Everything that can refuse comes first: room for the blocks that a directory may need is asked for at the beginning,
 * so that a change that has begun is finished. */
#include "kernel/fs/ext4.h"

#include <string.h>

static const uint8_t file_types[16] = {
    [RF_S_IFREG >> 12] = EXT2_FT_REG_FILE, [RF_S_IFDIR >> 12] = EXT2_FT_DIR,  [RF_S_IFCHR >> 12] = EXT2_FT_CHRDEV,
    [RF_S_IFBLK >> 12] = EXT2_FT_BLKDEV,   [RF_S_IFIFO >> 12] = EXT2_FT_FIFO, [RF_S_IFSOCK >> 12] = EXT2_FT_SOCK,
    [RF_S_IFLNK >> 12] = EXT2_FT_SYMLINK,
};

static int type_of(const struct rf_inode *inode)
{
    return file_types[inode->mode >> 12 & 15];
}

/* A directory that is about to be changed. */
static int64_t begin(struct rf_kernel *k, struct rf_inode *dir)
{
    if (rf_ext4_node_of(dir)->raw.i_flags & (EXT4_ENCRYPT_FL | EXT2_IMMUTABLE_FL))
        return -RF_EPERM;
    return rf_ext4_begin(k, rf_ext4_of(dir), RF_EXT4_SPARE_BLOCKS);
}

static bool is_fixed(const struct rf_inode *inode)
{
    return rf_ext4_node_of(inode)->raw.i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL);
}

/* --- entries --- */

static int64_t touch(struct rf_kernel *k, struct rf_inode *dir)
{
    int64_t error = rf_ext4_reload(k, dir); /* libext2fs may have made it longer */
    rf_inode_modified(k, dir);
    int64_t failed = rf_ext4_store(k, dir);
    return error ? error : failed;
}

static int64_t add_entry(struct rf_kernel *k, struct rf_inode *dir, const char *name, const struct rf_inode *inode)
{
    ext2_filsys fs = rf_ext4_of(dir)->fs;
    int64_t error = rf_ext4_store(k, dir);
    if (error)
        return error;
    errcode_t failed = ext2fs_link(fs, (ext2_ino_t)dir->ino, name, (ext2_ino_t)inode->ino, type_of(inode));
    if (failed == EXT2_ET_DIR_NO_SPACE) {
        failed = ext2fs_expand_dir(fs, (ext2_ino_t)dir->ino);
        if (!failed)
            failed = ext2fs_link(fs, (ext2_ino_t)dir->ino, name, (ext2_ino_t)inode->ino, type_of(inode));
    }
    error = touch(k, dir);
    return failed ? rf_ext4_error(failed) : error;
}

static int64_t drop_entry(struct rf_kernel *k, struct rf_inode *dir, const char *name)
{
    errcode_t failed = ext2fs_unlink(rf_ext4_of(dir)->fs, (ext2_ino_t)dir->ino, name, 0, 0);
    int64_t error = touch(k, dir);
    return failed ? rf_ext4_error(failed) : error;
}

struct change {
    const char *name;
    size_t length;
    uint32_t ino;
    int type;
    bool has_type, done;
};

static int change_one(ext2_ino_t dir, int entry, struct ext2_dir_entry *dirent, int offset, int blocksize, char *buf,
                      void *user)
{
    struct change *change = user;
    (void)dir, (void)entry, (void)offset, (void)blocksize, (void)buf;
    if ((size_t)ext2fs_dirent_name_len(dirent) != change->length || memcmp(dirent->name, change->name, change->length) != 0)
        return 0;
    dirent->inode = change->ino;
    if (change->has_type)
        ext2fs_dirent_set_file_type(dirent, change->type);
    change->done = true;
    return DIRENT_CHANGED | DIRENT_ABORT;
}

/* An entry that exists gets another inode: one write of one block. */
static int64_t set_entry(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint64_t ino, int type)
{
    struct rf_ext4_mount *m = rf_ext4_of(dir);
    struct change change = { name, strlen(name), (uint32_t)ino, type, ext2fs_has_feature_filetype(m->fs->super), false };
    errcode_t failed = ext2fs_dir_iterate2(m->fs, (ext2_ino_t)dir->ino, 0, NULL, change_one, &change);
    if (!failed && !change.done)
        failed = EXT2_ET_FILE_NOT_FOUND;
    int64_t error = touch(k, dir);
    return failed ? rf_ext4_error(failed) : error;
}

/* --- link counts: a directory with too many has 1 (dir_nlink) --- */

static bool may_have_another(const struct rf_inode *dir)
{
    return dir->nlink < RF_EXT4_LINK_MAX || ext2fs_has_feature_dir_nlink(rf_ext4_of(dir)->fs->super);
}

static void add_subdirectory(struct rf_inode *dir)
{
    if (dir->nlink != 1 && ++dir->nlink >= RF_EXT4_LINK_MAX && ext2fs_has_feature_dir_nlink(rf_ext4_of(dir)->fs->super))
        dir->nlink = 1;
}

static void lose_subdirectory(struct rf_inode *dir)
{
    if (dir->nlink > 2)
        dir->nlink--;
}

/* --- making --- */

/* ".", ".." in a first block. */
static int64_t make_directory_block(struct rf_kernel *k, struct rf_inode *parent, struct rf_inode *inode)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    struct rf_ext4_run none = { 0 };
    uint64_t physical;
    char *block;
    errcode_t failed = ext2fs_new_dir_block(m->fs, (ext2_ino_t)inode->ino, (ext2_ino_t)parent->ino, &block);
    if (failed)
        return rf_ext4_error(failed);
    int64_t error = rf_ext4_allocate(k, m, node, 0, &none, &physical);
    if (!error)
        error = rf_ext4_error(ext2fs_write_dir_block4(m->fs, physical, block, 0, (ext2_ino_t)inode->ino));
    ext2fs_free_mem(&block);
    if (!error)
        inode->size = m->fs->blocksize;
    return error;
}

/* Whatever is in it already: name it, or give it back. */
static int64_t finish(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode, int64_t error,
                      struct rf_inode **out)
{
    if (!error)
        error = rf_ext4_store(k, inode);
    if (!error)
        error = add_entry(k, dir, name, inode);
    if (error) {
        inode->nlink = 0;
        rf_inode_put(k, inode); /* which frees it */
    } else {
        *out = inode;
    }
    rf_ext4_end(rf_ext4_of(dir));
    return error;
}

int64_t rf_ext4_create(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint32_t mode, uint64_t rdev,
                       struct rf_inode **out)
{
    struct rf_inode *inode;
    bool directory = RF_S_ISDIR(mode);
    if (directory && !may_have_another(dir))
        return -RF_EMLINK;
    int64_t error = begin(k, dir);
    if (!error)
        error = rf_ext4_new_inode(k, dir, mode, &inode);
    if (error)
        return error;
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    if (RF_S_ISCHR(mode) || RF_S_ISBLK(mode))
        rf_ext4_set_device(node, rdev);
    if (directory) {
        inode->nlink = 2;
        error = make_directory_block(k, dir, inode);
    }
    error = finish(k, dir, name, inode, error, out);
    if (!error && directory) {
        add_subdirectory(dir);
        error = rf_ext4_store(k, dir);
    }
    return error;
}

int64_t rf_ext4_symlink(struct rf_kernel *k, struct rf_inode *dir, const char *name, const char *target,
                        struct rf_inode **out)
{
    struct rf_ext4_mount *m = rf_ext4_of(dir);
    struct rf_inode *inode;
    size_t length = strlen(target);
    if (length + 1 > m->fs->blocksize)
        return -RF_ENAMETOOLONG;
    int64_t error = begin(k, dir);
    if (!error)
        error = rf_ext4_new_inode(k, dir, RF_S_IFLNK | 0777, &inode);
    if (error)
        return error;
    struct rf_ext4_node *node = rf_ext4_node_of(inode);
    if (length < sizeof node->raw.i_block) {
        node->raw.i_flags &= ~(uint32_t)EXT4_EXTENTS_FL;
        memset(node->raw.i_block, 0, sizeof node->raw.i_block);
        memcpy(node->raw.i_block, target, length);
    } else {
        struct rf_ext4_run none = { 0 };
        uint64_t physical;
        char block[65536] = { 0 };
        memcpy(block, target, length);
        error = rf_ext4_allocate(k, m, node, 0, &none, &physical);
        if (!error)
            error = rf_ext4_error(io_channel_write_blk64(m->fs->io, physical, 1, block));
    }
    inode->size = length;
    return finish(k, dir, name, inode, error, out);
}

int64_t rf_ext4_tmpfile(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode, struct rf_inode **out)
{
    int64_t error = begin(k, dir);
    if (!error)
        error = rf_ext4_new_inode(k, dir, mode, out);
    if (error)
        return error;
    (*out)->nlink = 0;
    rf_ext4_orphan_add(k, *out);
    error = rf_ext4_store(k, *out);
    if (error)
        rf_inode_put(k, *out);
    rf_ext4_end(rf_ext4_of(dir));
    return error;
}

int64_t rf_ext4_link(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode)
{
    if (inode->nlink >= RF_EXT4_LINK_MAX)
        return -RF_EMLINK;
    int64_t error = is_fixed(inode) ? -RF_EPERM : begin(k, dir);
    if (!error)
        error = add_entry(k, dir, name, inode);
    if (error)
        return error;
    if (inode->nlink++ == 0)
        rf_ext4_orphan_remove(k, inode);
    inode->ctime = rf_now(k);
    error = rf_ext4_store(k, inode);
    rf_ext4_end(rf_ext4_of(dir));
    return error;
}

/* --- removing --- */

static int64_t is_other(void *user, const char *name, size_t length, uint32_t ino, uint8_t type)
{
    (void)user, (void)ino, (void)type;
    return !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

static int64_t check_empty(struct rf_kernel *k, struct rf_inode *inode)
{
    int64_t result = RF_S_ISDIR(inode->mode) ? rf_ext4_entries(k, inode, is_other, NULL) : 0;
    return result > 0 ? -RF_ENOTEMPTY : result;
}

/* Its entry is gone or another's: it is freed when nobody holds it any more. */
static int64_t unname(struct rf_kernel *k, struct rf_inode *dir, struct rf_inode *inode)
{
    int64_t error = 0;
    if (RF_S_ISDIR(inode->mode)) {
        inode->nlink = 0;
        lose_subdirectory(dir);
        error = rf_ext4_store(k, dir);
    } else {
        inode->nlink--;
    }
    inode->ctime = rf_now(k);
    if (!inode->nlink)
        rf_ext4_orphan_add(k, inode);
    int64_t failed = rf_ext4_store(k, inode);
    return error ? error : failed;
}

int64_t rf_ext4_remove(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode)
{
    int64_t error = check_empty(k, inode);
    if (!error && (is_fixed(inode) || rf_ext4_node_of(dir)->raw.i_flags & (EXT2_APPEND_FL | EXT2_IMMUTABLE_FL)))
        error = -RF_EPERM;
    if (!error)
        error = rf_ext4_begin(k, rf_ext4_of(dir), 0); /* also on a full file system */
    if (!error)
        error = drop_entry(k, dir, name);
    if (error)
        return error;
    error = unname(k, dir, inode);
    rf_ext4_end(rf_ext4_of(dir));
    return error;
}

/* --- moving --- */

/* A directory has another one above it. */
static int64_t set_parent(struct rf_kernel *k, struct rf_inode *inode, struct rf_inode *from, struct rf_inode *to)
{
    struct rf_timespec mtime = inode->mtime, ctime = inode->ctime;
    int64_t error = set_entry(k, inode, "..", to->ino, EXT2_FT_DIR);
    inode->mtime = mtime;
    inode->ctime = ctime;
    lose_subdirectory(from);
    add_subdirectory(to);
    int64_t failed = rf_ext4_store(k, from);
    if (!failed)
        failed = rf_ext4_store(k, to);
    return error ? error : failed;
}

static int64_t check_move(const struct rf_inode *dir, const struct rf_inode *inode, const struct rf_inode *new_dir,
                          const struct rf_inode *victim)
{
    if (is_fixed(inode) || is_fixed(dir) || (victim && is_fixed(victim)))
        return -RF_EPERM;
    bool more = RF_S_ISDIR(inode->mode) && dir != new_dir && !(victim && RF_S_ISDIR(victim->mode));
    return more && !may_have_another(new_dir) ? -RF_EMLINK : 0;
}

int64_t rf_ext4_rename(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                       struct rf_inode *new_dir, const char *new_name, struct rf_inode *victim)
{
    int64_t error = check_move(dir, inode, new_dir, victim);
    if (!error && victim)
        error = check_empty(k, victim);
    if (!error)
        error = begin(k, new_dir);
    if (!error)
        error = victim ? set_entry(k, new_dir, new_name, inode->ino, type_of(inode))
                       : add_entry(k, new_dir, new_name, inode);
    if (error)
        return error;
    error = drop_entry(k, dir, name);
    if (!error && RF_S_ISDIR(inode->mode) && dir != new_dir)
        error = set_parent(k, inode, dir, new_dir);
    if (!error && victim)
        error = unname(k, new_dir, victim);
    inode->ctime = rf_now(k);
    int64_t failed = rf_ext4_store(k, inode);
    rf_ext4_end(rf_ext4_of(dir));
    return error ? error : failed;
}

int64_t rf_ext4_exchange(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                         struct rf_inode *new_dir, const char *new_name, struct rf_inode *other)
{
    int64_t error = check_move(dir, inode, new_dir, other);
    if (!error)
        error = check_move(new_dir, other, dir, inode);
    if (!error)
        error = begin(k, new_dir);
    if (!error)
        error = set_entry(k, dir, name, other->ino, type_of(other));
    if (!error)
        error = set_entry(k, new_dir, new_name, inode->ino, type_of(inode));
    if (!error && RF_S_ISDIR(inode->mode) && dir != new_dir)
        error = set_parent(k, inode, dir, new_dir);
    if (!error && RF_S_ISDIR(other->mode) && dir != new_dir)
        error = set_parent(k, other, new_dir, dir);
    inode->ctime = other->ctime = rf_now(k);
    int64_t failed = error ? error : rf_ext4_store(k, inode);
    if (!failed)
        failed = rf_ext4_store(k, other);
    rf_ext4_end(rf_ext4_of(dir));
    return failed;
}

/* Contents are in ext4_data.c, reading directories in ext4_dir.c, attributes in ext4_inode.c and ext4_xattr.c. */
const struct rf_inode_ops rf_ext4_inode_ops = {
    .lookup = rf_ext4_lookup,
    .create = rf_ext4_create,
    .symlink = rf_ext4_symlink,
    .link = rf_ext4_link,
    .remove = rf_ext4_remove,
    .rename = rf_ext4_rename,
    .exchange = rf_ext4_exchange,
    .tmpfile = rf_ext4_tmpfile,
    .readlink = rf_ext4_readlink,
    .setattr = rf_ext4_setattr,
    .open = rf_ext4_open,
    .page = rf_ext4_page,
    .sync = rf_ext4_sync,
    .punch = rf_ext4_punch,
    .fallocate = rf_ext4_fallocate,
    .getxattr = rf_ext4_getxattr,
    .listxattr = rf_ext4_listxattr,
    .setxattr = rf_ext4_setxattr,
    .destroy = rf_ext4_destroy,
};
