/* Extended attributes of ext4 images, in the inode and in a block of their own, by libext2fs. */
#include "kernel/fs/ext4.h"

#include <string.h>

enum { CREATE = 1, REPLACE = 2 };

static int64_t open_handle(struct rf_ext4_mount *m, const struct rf_inode *inode, struct ext2_xattr_handle **out)
{
    errcode_t error = ext2fs_xattrs_open(m->fs, (ext2_ino_t)inode->ino, out);
    if (error)
        return rf_ext4_error(error);
    error = ext2fs_xattrs_read(*out);
    if (error)
        ext2fs_xattrs_close(out);
    return rf_ext4_error(error);
}

int64_t rf_ext4_getxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct ext2_xattr_handle *handle;
    void *found = NULL;
    size_t length = 0;
    (void)k;
    int64_t error = open_handle(m, inode, &handle);
    if (error)
        return error;
    error = rf_ext4_error(ext2fs_xattr_get(handle, name, &found, &length));
    ext2fs_xattrs_close(&handle);
    if (error)
        return error;
    if (size && length > size)
        error = -RF_ERANGE;
    else if (size && length)
        memcpy(value, found, length);
    ext2fs_free_mem(&found);
    return error ? error : (int64_t)length;
}

struct list {
    char *out;
    size_t size, used;
};

static int add_name(char *name, char *value, size_t value_length, void *user)
{
    struct list *list = user;
    size_t length = strlen(name) + 1;
    (void)value, (void)value_length;
    if (strncmp(name, "system.", 7) == 0)
        return 0; /* access lists are what a kernel built without them does not show */
    if (list->size && list->used + length <= list->size)
        memcpy(list->out + list->used, name, length);
    list->used += length;
    return 0;
}

int64_t rf_ext4_listxattr(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    struct list list = { out, size, 0 };
    struct ext2_xattr_handle *handle;
    (void)k;
    int64_t error = open_handle(rf_ext4_of(inode), inode, &handle);
    if (error)
        return error;
    error = rf_ext4_error(ext2fs_xattrs_iterate(handle, add_name, &list));
    ext2fs_xattrs_close(&handle);
    if (!error && size && list.used > size)
        error = -RF_ERANGE;
    return error ? error : (int64_t)list.used;
}

static int64_t change(struct ext2_xattr_handle *handle, const char *name, const void *value, size_t size, uint32_t flags)
{
    void *found = NULL;
    size_t length;
    errcode_t error = ext2fs_xattr_get(handle, name, &found, &length);
    if (error && error != EXT2_ET_EA_KEY_NOT_FOUND)
        return rf_ext4_error(error);
    bool exists = !error;
    if (exists)
        ext2fs_free_mem(&found);
    if (exists && flags & CREATE)
        return -RF_EEXIST;
    if (!exists && (flags & REPLACE || !value))
        return -RF_ENODATA;
    error = value ? ext2fs_xattr_set(handle, name, value, size) : ext2fs_xattr_remove(handle, name);
    return rf_ext4_error(error);
}

int64_t rf_ext4_setxattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                         uint32_t flags)
{
    struct rf_ext4_mount *m = rf_ext4_of(inode);
    struct ext2_xattr_handle *handle;
    int64_t error = rf_ext4_begin(k, m, value ? RF_EXT4_SPARE_BLOCKS : 0);
    if (!error && rf_ext4_node_of(inode)->raw.i_flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
        error = -RF_EPERM;
    if (!error && size > m->fs->blocksize)
        error = -RF_ENOSPC;
    if (!error)
        error = rf_ext4_store(k, inode); /* libext2fs works on what is on disk */
    if (!error)
        error = open_handle(m, inode, &handle);
    if (error)
        return error;
    error = change(handle, name, value, size, flags);
    ext2fs_xattrs_close(&handle);
    int64_t failed = rf_ext4_reload(k, inode);
    inode->ctime = rf_now(k);
    if (!failed)
        failed = rf_ext4_store(k, inode);
    rf_ext4_end(m);
    return error ? error : failed;
}
