/* Set-up and end of the file system, and what the machine's owner puts into it. */
#include "kernel/vfs/vfs.h"
#include "kernel/fs/fs.h"
#include "kernel/fs/tty.h"
#include "kernel/vfs/fstype.h"
#include "kernel/vfs/path.h"

#include <string.h>
#include <sys/stat.h>

static rf_status no_memory(struct rf_error *err)
{
    return rf_error_set(err, RF_ERR_NO_MEMORY, "no memory for the file system");
}

static rf_status failed(struct rf_error *err, const char *what, const char *path, int64_t result)
{
    const char *text = rf_errno_text((int)-result);
    rf_status status = result == -RF_ENOMEM || result == -RF_ENOSPC ? RF_ERR_NO_MEMORY
                       : result == -RF_ENOENT                       ? RF_ERR_NOT_FOUND
                                                                    : RF_ERR_ARGUMENT;
    return rf_error_set(err, status, "%s %s: %s", what, path, text ? text : "failed");
}

/* Pipes and the like live in a file system that is seen nowhere. */
static const struct rf_mount_ops internal_ops;

/* A name that a file system which cannot be changed does not have, to mount something on. */
static struct rf_dentry *make_up(struct rf_kernel *k, struct rf_dentry *dir, const char *name,
                                 uint32_t type)
{
    static const struct rf_inode_ops nothing;
    struct rf_inode *inode = rf_inode_alloc(k, k->vfs->pipes, type | 0755);
    if (!inode)
        return NULL;
    inode->ops = &nothing;
    struct rf_dentry *dentry = rf_dentry_new(k, dir, name, inode);
    rf_inode_put(k, inode);
    return dentry;
}

static bool may_change(const struct rf_dentry *dir)
{
    return !dir->inode->mount->changes_outside && dir->inode->ops->create;
}

/* A directory's entry, made if it is missing: in memory where the file system cannot have it.
 * Mounts on it are crossed. */
static int64_t make_directory(struct rf_kernel *k, struct rf_dentry *dir, const char *name,
                              struct rf_dentry **out)
{
    struct rf_dentry *child;
    int64_t result = rf_dentry_child(k, dir, name, &child);
    if (result == -RF_ENOENT && may_change(dir)) {
        struct rf_inode *inode;
        result = dir->inode->ops->create(k, dir->inode, name, RF_S_IFDIR | 0755, 0, &inode);
        if (result)
            return result;
        rf_inode_put(k, inode);
        result = rf_dentry_child(k, dir, name, &child);
    } else if (result == -RF_ENOENT) {
        struct rf_mount *memory = rf_tmpfs_create(k, "tmpfs", 0755);
        child = memory ? make_up(k, dir, name, RF_S_IFDIR) : NULL;
        if (!child) {
            rf_mount_free(k, memory);
            return -RF_ENOMEM;
        }
        rf_mount_attach(k, memory, child);
        result = 0;
    }
    if (result)
        return result;
    *out = rf_mount_cross(child);
    rf_dentry_get(*out);
    rf_dentry_put(k, child);
    return 0;
}

/* The directory that holds the last component of path, made if need be; name is that
 * component. -RF_EEXIST: path is "/". */
static int64_t make_parents(struct rf_kernel *k, const char *path, struct rf_dentry **out,
                            char name[RF_NAME_MAX + 1])
{
    if (path[0] != '/')
        return -RF_EINVAL;
    struct rf_dentry *at = rf_mount_cross(k->vfs->root);
    rf_dentry_get(at);
    int64_t result = -RF_EEXIST;
    const char *p = path + strspn(path, "/");
    while (*p) {
        size_t length = strcspn(p, "/");
        const char *next = p + length + strspn(p + length, "/");
        result = length > RF_NAME_MAX ? -RF_ENAMETOOLONG : 0;
        if (result)
            break;
        memcpy(name, p, length);
        name[length] = '\0';
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            result = -RF_EINVAL;
        if (result || !*next)
            break;
        struct rf_dentry *child;
        result = make_directory(k, at, name, &child);
        if (result)
            break;
        rf_dentry_put(k, at);
        at = child;
        if (!rf_dentry_is_directory(at)) {
            result = -RF_ENOTDIR;
            break;
        }
        p = next;
    }
    if (result) {
        rf_dentry_put(k, at);
        return result;
    }
    *out = at;
    return 0;
}

/* A name to mount on, which need not exist in its directory's file system. */
static int64_t make_mountpoint(struct rf_kernel *k, const char *path, uint32_t type,
                               struct rf_dentry **out)
{
    char name[RF_NAME_MAX + 1];
    struct rf_dentry *dir;
    int64_t result = make_parents(k, path, &dir, name);
    if (result)
        return result;
    result = rf_dentry_child(k, dir, name, out);
    if (result == -RF_ENOENT && may_change(dir)) {
        struct rf_inode *inode;
        result = dir->inode->ops->create(k, dir->inode, name, type | 0755, 0, &inode);
        if (result == 0) {
            rf_inode_put(k, inode);
            result = rf_dentry_child(k, dir, name, out);
        }
    } else if (result == -RF_ENOENT) {
        *out = make_up(k, dir, name, type);
        result = *out ? 0 : -RF_ENOMEM;
    } else if (result == 0) {
        struct rf_dentry *top = rf_mount_cross(*out);
        rf_dentry_get(top);
        rf_dentry_put(k, *out);
        *out = top;
    }
    rf_dentry_put(k, dir);
    return result;
}

static int64_t mount_at(struct rf_kernel *k, struct rf_mount *mount, const char *path)
{
    struct rf_dentry *at;
    int64_t result = make_mountpoint(k, path, mount->root->inode->mode & RF_S_IFMT, &at);
    if (result)
        return result;
    if (rf_dentry_is_directory(at) != rf_dentry_is_directory(mount->root))
        result = -RF_ENOTDIR;
    else
        rf_mount_attach(k, mount, at);
    rf_dentry_put(k, at);
    return result;
}

static bool mount_new(struct rf_kernel *k, struct rf_mount *mount, const char *path)
{
    if (mount && mount_at(k, mount, path) == 0)
        return true;
    rf_mount_free(k, mount);
    return false;
}

/* /dev and /proc, on whatever the root is. */
static bool mount_standard(struct rf_kernel *k)
{
    struct rf_mount *dev = rf_tmpfs_create(k, "devtmpfs", 0755);
    if (!mount_new(k, dev, "/dev") || !rf_devfs_populate(k, dev->root))
        return false;
    if (!mount_new(k, rf_devpts_create(k, 5, true, 0620, 0), "/dev/pts"))
        return false;
    if (!mount_new(k, rf_sysfs_create(k), "/sys"))
        return false;
    return mount_new(k, rf_procfs_create(k), "/proc");
}

static bool make_tmp(struct rf_kernel *k)
{
    struct rf_dentry *tmp;
    if (make_directory(k, k->vfs->root, "tmp", &tmp))
        return false;
    tmp->inode->mode = RF_S_IFDIR | RF_S_ISVTX | 0777;
    rf_dentry_put(k, tmp);
    return true;
}

static bool create_root(struct rf_kernel *k)
{
    struct rf_mount *root = rf_tmpfs_create(k, "tmpfs", 0755);
    if (!root)
        return false;
    rf_mount_attach(k, root, NULL);
    k->vfs->root = root->root;
    k->vfs->pipes = rf_mount_alloc(k, "pipefs", RF_PIPEFS_MAGIC, &internal_ops);
    k->vfs->memory = rf_tmpfs_create(k, "tmpfs", 0777);
    return k->vfs->pipes && k->vfs->memory && make_tmp(k) && mount_standard(k);
}

rf_status rf_vfs_create(struct rf_kernel *k, struct rf_error *err)
{
    k->vfs = rf_kalloc(k, sizeof *k->vfs);
    if (!k->vfs)
        return no_memory(err);
    if (!create_root(k)) {
        rf_vfs_destroy(k);
        return no_memory(err);
    }
    return RF_OK;
}

void rf_vfs_destroy(struct rf_kernel *k)
{
    if (!k->vfs)
        return;
    k->vfs->ending = true;
    rf_hostfs_close_all(k); /* tasks that were not ended may still hold files */
    for (int i = 0; i < 3; i++)
        rf_inode_put(k, k->vfs->stdio[i]);
    while (k->vfs->mounts) { /* the last one mounted first: others may lie below it */
        struct rf_mount *last = k->vfs->mounts;
        while (last->next)
            last = last->next;
        rf_mount_free(k, last);
    }
    rf_mount_free(k, k->vfs->memory);
    rf_mount_free(k, k->vfs->pipes);
    rf_kfree(k, k->vfs);
    k->vfs = NULL;
}

/* What the owner names, as a file system: not yet seen anywhere. NULL with err filled. */
static struct rf_mount *open_host(struct rf_kernel *k, const char *host_path, bool image, rf_mount_access access,
                                  struct rf_error *err)
{
    bool writable = access == RF_MOUNT_WRITABLE;
    struct rf_mount *mount = image ? rf_image_open(k, host_path, writable, err)
                                   : rf_hostfs_create(k, host_path, writable, err);
    if (!mount || access != RF_MOUNT_OVERLAY || mount->in_memory)
        return mount;
    if (!rf_dentry_is_directory(mount->root)) {
        rf_mount_free(k, mount);
        rf_error_set(err, RF_ERR_ARGUMENT, "%s is not a directory: only directories can have an overlay", host_path);
        return NULL;
    }
    struct rf_mount *overlay = rf_overlay_create(k, mount);
    if (!overlay)
        no_memory(err);
    return overlay;
}

static rf_status mount_host(struct rf_kernel *k, const char *host_path, bool image, const char *guest_path,
                            rf_mount_access access, struct rf_error *err)
{
    struct rf_mount *mount = open_host(k, host_path, image, access, err);
    if (!mount)
        return err ? err->status : RF_ERR_IO;
    mount->read_only = access == RF_MOUNT_READ_ONLY;
    int64_t result = mount_at(k, mount, guest_path);
    if (result == 0)
        return RF_OK;
    rf_mount_free(k, mount);
    return failed(err, "cannot mount at", guest_path, result);
}

rf_status rf_vfs_mount_host(struct rf_kernel *k, const char *host_path, const char *guest_path,
                            rf_mount_access access, struct rf_error *err)
{
    return mount_host(k, host_path, false, guest_path, access, err);
}

rf_status rf_vfs_mount_image(struct rf_kernel *k, const char *host_path, const char *guest_path,
                             rf_mount_access access, struct rf_error *err)
{
    return mount_host(k, host_path, true, guest_path, access, err);
}

static bool is_regular(const char *host_path)
{
    struct stat st;
    return stat(host_path, &st) == 0 && S_ISREG(st.st_mode);
}

rf_status rf_vfs_mount_root(struct rf_kernel *k, const char *host_path, rf_mount_access access,
                            struct rf_error *err)
{
    struct rf_mount *mount = open_host(k, host_path, is_regular(host_path), access, err);
    if (!mount)
        return err ? err->status : RF_ERR_IO;
    mount->read_only = access == RF_MOUNT_READ_ONLY;
    if (!rf_dentry_is_directory(mount->root)) {
        rf_mount_free(k, mount);
        return rf_error_set(err, RF_ERR_ARGUMENT, "%s is not a directory", host_path);
    }
    while (k->vfs->points && k->vfs->points->next) /* what was on the root that nobody will see any more; the root itself is the first */
        rf_mount_free_tree(k, k->vfs->points->next);
    rf_mount_attach(k, mount, k->vfs->root);
    return mount_standard(k) ? RF_OK : no_memory(err);
}

/* Fill a new file from host memory. */
static int64_t write_all(struct rf_kernel *k, struct rf_dentry *dentry, const void *bytes, size_t size)
{
    struct rf_file *file;
    int64_t result = rf_dentry_open(k, dentry, RF_O_WRONLY | RF_O_TRUNC, true, &file);
    if (result)
        return result;
    size_t done = 0;
    while (result >= 0 && done < size) {
        struct rf_uio uio;
        rf_uio_kernel(&uio, k, (uint8_t *)(uintptr_t)bytes + done, size - done);
        result = rf_file_write(k, file, &uio, NULL);
        done += result > 0 ? (size_t)result : 0;
        if (result == 0)
            result = -RF_ENOSPC;
    }
    rf_file_put(k, file);
    return result < 0 ? result : 0;
}

rf_status rf_vfs_add_file(struct rf_kernel *k, const char *guest_path, const void *bytes, size_t size,
                          uint32_t mode, struct rf_error *err)
{
    char name[RF_NAME_MAX + 1];
    struct rf_dentry *dir, *dentry = NULL;
    struct rf_inode *inode = NULL;
    int64_t result = make_parents(k, guest_path, &dir, name);
    if (result)
        return failed(err, "cannot add", guest_path, result);
    struct rf_inode *parent = dir->inode;
    if (rf_dentry_child(k, dir, name, &dentry) == 0) {
        rf_dentry_put(k, dentry);
        dentry = NULL;
        result = -RF_EEXIST;
    } else {
        mode = RF_S_IFREG | (mode & RF_S_IALLUGO);
        result = may_change(dir) ? parent->ops->create(k, parent, name, mode, 0, &inode) : -RF_EROFS;
    }
    if (result == 0)
        dentry = rf_dentry_new(k, dir, name, inode);
    if (result == 0)
        result = dentry ? write_all(k, dentry, bytes, size) : -RF_ENOMEM;
    rf_inode_put(k, inode);
    rf_dentry_put(k, dentry);
    rf_dentry_put(k, dir);
    return result ? failed(err, "cannot add", guest_path, result) : RF_OK;
}
