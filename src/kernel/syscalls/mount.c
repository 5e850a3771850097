/* mount, umount2, pivot_root (mount(2), mount_namespaces(7), fs/namespace.c).
 *
 * All mounts are private: to make them so is granted, to make them shared is refused as by a kernel without
 * propagation. */
#include "kernel/fs/fs.h"
#include "kernel/mm/mm.h"
#include "kernel/namespace/namespace.h"
#include "kernel/task/credentials.h"
#include "kernel/task/task.h"
#include "kernel/vfs/fstype.h"
#include "kernel/vfs/path.h"

#include <string.h>

#define ATIME_FLAGS (RF_MS_NOATIME | RF_MS_NODIRATIME | RF_MS_STRICTATIME) /* what is neither is RELATIME */
#define KEPT_FLAGS (RF_MS_RDONLY | RF_MS_NOSUID | RF_MS_NODEV | RF_MS_NOEXEC | ATIME_FLAGS)
#define PROPAGATION (RF_MS_SHARED | RF_MS_PRIVATE | RF_MS_SLAVE | RF_MS_UNBINDABLE)

static struct rf_mount_namespace *own_namespace(const struct rf_kernel *k)
{
    return (struct rf_mount_namespace *)k->current->namespaces.mnt;
}

static bool may_mount(const struct rf_kernel *k)
{
    return rf_capable_in(k, own_namespace(k)->ns.owner, RF_CAP_SYS_ADMIN);
}

/* The place is whole and in the caller's namespace. */
static bool is_root_here(const struct rf_kernel *k, const struct rf_dentry *dentry)
{
    return dentry->point && dentry->point->root == dentry && dentry->point->ns == own_namespace(k);
}

static bool is_here(const struct rf_kernel *k, const struct rf_dentry *dentry)
{
    return dentry->point && dentry->point->ns == own_namespace(k);
}

/* --- what is in use --- */

static bool is_within(const struct rf_dentry *dentry, const struct rf_mount_point *point)
{
    return dentry && dentry->point == point;
}

static bool task_uses(const struct rf_task *task, const struct rf_mount_point *point)
{
    if (task->fs && (is_within(task->fs->root, point) || is_within(task->fs->cwd, point)))
        return true;
    if (task->mm && task->mm->exe && is_within(task->mm->exe->dentry, point))
        return true;
    for (uint32_t i = 0; task->files && i < task->files->capacity; i++)
        if (task->files->fds[i].file && is_within(task->files->fds[i].file->dentry, point))
            return true;
    for (const struct rf_vma *vma = task->mm ? task->mm->vmas : NULL; vma; vma = vma->next)
        if (vma->file && is_within(vma->file->dentry, point))
            return true;
    return false;
}

static bool is_busy(const struct rf_kernel *k, const struct rf_mount_point *point)
{
    for (const struct rf_mount_point *p = own_namespace(k)->points; p; p = p->next)
        if (p->at && p->at->point == point)
            return true;
    for (const struct rf_task *task = k->tasks; task; task = task->next_task)
        if (task_uses(task, point))
            return true;
    return false;
}

/* --- the kinds of mount(2) --- */

static int64_t make_private(struct rf_kernel *k, const struct rf_dentry *dir, uint32_t flags)
{
    uint32_t type = flags & PROPAGATION;
    if (!is_root_here(k, dir))
        return -RF_EINVAL;
    if (flags & ~(uint32_t)(RF_MS_REC | RF_MS_SILENT | PROPAGATION) || type & (type - 1))
        return -RF_EINVAL;
    return type == RF_MS_PRIVATE || type == RF_MS_SLAVE ? 0 : -RF_EINVAL;
}

/* Written to through this place, or (point NULL) anywhere: or gone by name, but not yet from the file system. */
static bool is_written(const struct rf_file *file, const struct rf_mount *fs, const struct rf_mount_point *point)
{
    const struct rf_inode *inode = file->inode;
    if (inode->mount != fs || !file->dentry || (point && file->dentry->point != point))
        return false;
    return (file->mode & RF_FMODE_WRITE && (RF_S_ISREG(inode->mode) || RF_S_ISDIR(inode->mode))) ||
           (!point && !inode->nlink);
}

static bool has_writer(const struct rf_kernel *k, const struct rf_mount *fs, const struct rf_mount_point *point)
{
    for (const struct rf_task *task = k->tasks; task; task = task->next_task) {
        for (uint32_t i = 0; task->files && i < task->files->capacity; i++)
            if (task->files->fds[i].file && is_written(task->files->fds[i].file, fs, point))
                return true;
        for (const struct rf_vma *vma = task->mm ? task->mm->vmas : NULL; vma; vma = vma->next)
            if (vma->file && is_written(vma->file, fs, point))
                return true;
    }
    return false;
}

/* The file system itself, wherever it is seen. */
static int64_t remount_fs(struct rf_kernel *k, struct rf_mount *fs, bool read_only, const char *options)
{
    bool may = rf_capable_in(k, fs->user ? fs->user : k->init->credentials.user, RF_CAP_SYS_ADMIN);
    if (fs->changes_outside) /* as the user of the machine has mounted it */
        return !may && fs->read_only && !read_only ? -RF_EPERM : fs->read_only && !read_only ? -RF_EROFS : 0;
    if (!may)
        return -RF_EPERM;
    if (read_only && !fs->read_only && has_writer(k, fs, NULL))
        return -RF_EBUSY;
    int64_t error = fs->ops->remount ? fs->ops->remount(k, fs, options ? options : "") : 0;
    if (!error)
        fs->read_only = read_only;
    return error;
}

/* Flags that a copy for fewer rights came with stay (can_change_locked_flags). */
static int64_t remount(struct rf_kernel *k, struct rf_dentry *dir, uint32_t flags, const char *options)
{
    if (!is_root_here(k, dir))
        return -RF_EINVAL;
    struct rf_mount_point *point = dir->point;
    uint32_t wanted = flags & KEPT_FLAGS, read_only = wanted & RF_MS_RDONLY;
    if (!(flags & (ATIME_FLAGS | RF_MS_RELATIME))) /* nothing said of access times: they are kept as before */
        wanted |= point->flags & ATIME_FLAGS;
    if (point->locked && point->flags & ~wanted & (RF_MS_RDONLY | RF_MS_NOSUID | RF_MS_NODEV | RF_MS_NOEXEC))
        return -RF_EPERM;
    int64_t error = 0;
    if (!(flags & RF_MS_BIND))
        error = remount_fs(k, point->fs, read_only, options);
    else if (read_only && !(point->flags & RF_MS_RDONLY) && has_writer(k, point->fs, point))
        error = -RF_EBUSY;
    if (!error)
        point->flags = wanted;
    return error;
}

static int64_t find(struct rf_kernel *k, uint64_t user, uint32_t walk, struct rf_dentry **out)
{
    char *path = rf_kalloc(k, RF_PATH_MAX);
    if (!path)
        return -RF_ENOMEM;
    int64_t result = rf_path_from_user(k, path, user, false);
    if (result == 0)
        result = rf_path_lookup(k, RF_AT_FDCWD, path, walk, out);
    rf_kfree(k, path);
    return result;
}

/* Put a new tree at dir; on failure it is gone. */
static int64_t graft(struct rf_kernel *k, struct rf_mount_point *point, struct rf_dentry *dir)
{
    int64_t result = 0;
    if (!is_here(k, dir))
        result = -RF_EINVAL;
    else if (dir->deleted)
        result = -RF_ENOENT;
    else if (rf_dentry_is_directory(dir) != rf_dentry_is_directory(point->root))
        result = -RF_ENOTDIR;
    if (result)
        rf_mount_free_tree(k, point);
    else
        rf_mount_point_attach(own_namespace(k), point, dir);
    return result;
}

static int64_t bind(struct rf_kernel *k, uint64_t source, struct rf_dentry *dir, bool rec)
{
    struct rf_dentry *from;
    int64_t result = find(k, source, RF_WALK_FOLLOW, &from);
    if (result)
        return result;
    if (!is_here(k, from) || !is_here(k, dir)) {
        rf_dentry_put(k, from);
        return -RF_EINVAL;
    }
    struct rf_mount_point *copy =
        rf_mount_copy_tree(k, from->point, from->inode, from, rec, own_namespace(k));
    rf_dentry_put(k, from);
    return copy ? graft(k, copy, dir) : -RF_ENOMEM;
}

static int64_t move(struct rf_kernel *k, uint64_t source, struct rf_dentry *dir)
{
    struct rf_dentry *from;
    int64_t result = find(k, source, RF_WALK_FOLLOW, &from);
    if (result)
        return result;
    struct rf_mount_point *point = from->point;
    if (!is_root_here(k, from) || !is_here(k, dir) || !point->at || point->locked)
        result = -RF_EINVAL;
    else if (rf_dentry_is_directory(dir) != rf_dentry_is_directory(from))
        result = -RF_EINVAL;
    for (const struct rf_mount_point *p = dir->point; !result && p; p = p->at ? p->at->point : NULL)
        if (p == point)
            result = -RF_ELOOP;
    if (!result) {
        rf_mount_point_detach(k, point);
        rf_mount_point_attach(own_namespace(k), point, dir);
    }
    rf_dentry_put(k, from);
    return result;
}

/* --- new file systems --- */

/* What sys_mount has read; each is the kernel heap's. */
struct texts {
    char *type, *source, *options;
};

static int64_t make_fs(struct rf_kernel *k, const struct texts *texts, struct rf_mount **out)
{
    const struct rf_fs_type *type = rf_fs_type_find(texts->type);
    if (!type || !type->mount)
        return -RF_ENODEV;
    if (k->current->credentials.user->level && !(type->flags & RF_FS_USER))
        return -RF_EPERM;
    return type->mount(k, texts->source ? texts->source : "", texts->options ? texts->options : "", out);
}

static int64_t mount_new(struct rf_kernel *k, struct texts *texts, struct rf_dentry *dir, uint32_t flags)
{
    struct rf_mount *fs;
    if (!texts->type)
        return -RF_EINVAL;
    int64_t result = make_fs(k, texts, &fs);
    if (result)
        return result;
    if (texts->source) {
        fs->source = fs->source_given = texts->source;
        texts->source = NULL;
    } else {
        fs->source = "none";
    }
    fs->read_only = flags & RF_MS_RDONLY;
    if (k->current->credentials.user->level) {
        fs->user = k->current->credentials.user;
        rf_namespace_get(&fs->user->ns);
    }
    struct rf_mount_point *point = rf_mount_adopt(k, fs);
    point->flags = flags & KEPT_FLAGS;
    return graft(k, point, dir);
}

/* A string of at most a page: NULL for a NULL pointer. */
static int64_t read_string(struct rf_kernel *k, uint64_t user, char **out)
{
    *out = NULL;
    if (!user)
        return 0;
    char *text = rf_kalloc(k, RF_PAGE_SIZE);
    if (!text)
        return -RF_ENOMEM;
    int64_t length = rf_strncpy_from_user(k, text, user, RF_PAGE_SIZE);
    if (length < 0) {
        rf_kfree(k, text);
        return length == -RF_ENAMETOOLONG ? -RF_EINVAL : length;
    }
    *out = text;
    return 0;
}

/* path_mount */
static int64_t mount_at(struct rf_kernel *k, const uint64_t a[6], struct rf_dentry *dir, struct texts *texts)
{
    uint32_t flags = (uint32_t)a[3];
    if ((flags & 0xffff0000u) == RF_MS_MGC_VAL)
        flags &= 0xffff;
    if (flags & RF_MS_NOUSER)
        return -RF_EINVAL;
    if (!may_mount(k))
        return -RF_EPERM;
    if (flags & RF_MS_REMOUNT)
        return remount(k, dir, flags, texts->options);
    if (flags & RF_MS_BIND)
        return a[0] ? bind(k, a[0], dir, flags & RF_MS_REC) : -RF_EINVAL;
    if (flags & PROPAGATION)
        return make_private(k, dir, flags);
    if (flags & RF_MS_MOVE)
        return a[0] ? move(k, a[0], dir) : -RF_EINVAL;
    return mount_new(k, texts, dir, flags);
}

static int64_t sys_mount(struct rf_kernel *k, const uint64_t a[6])
{
    struct texts texts = { 0 };
    struct rf_dentry *dir;
    int64_t result = read_string(k, a[2], &texts.type);
    if (!result)
        result = read_string(k, a[0], &texts.source);
    if (!result)
        result = read_string(k, a[4], &texts.options);
    if (!result)
        result = find(k, a[1], RF_WALK_FOLLOW, &dir);
    if (!result) {
        result = mount_at(k, a, dir, &texts);
        rf_dentry_put(k, dir);
    }
    rf_kfree(k, texts.type);
    rf_kfree(k, texts.source);
    rf_kfree(k, texts.options);
    return result;
}

/* --- umount2 --- */

static int64_t unmount(struct rf_kernel *k, struct rf_dentry *root, uint32_t flags)
{
    if (!is_root_here(k, root))
        return -RF_EINVAL;
    struct rf_mount_point *point = root->point;
    if (point->locked)
        return -RF_EINVAL;
    if (flags & RF_MNT_FORCE && !rf_capable(k, RF_CAP_SYS_ADMIN))
        return -RF_EPERM;
    if (flags & RF_MNT_EXPIRE && (flags & (RF_MNT_FORCE | RF_MNT_DETACH) || root == k->current->fs->root))
        return -RF_EINVAL;
    if (!point->at)
        return flags & RF_MNT_DETACH ? -RF_EINVAL : -RF_EBUSY;
    if (!(flags & RF_MNT_DETACH) && is_busy(k, point))
        return -RF_EBUSY;
    if (flags & RF_MNT_EXPIRE && !point->expiring) {
        point->expiring = true;
        return -RF_EAGAIN;
    }
    rf_mount_free_tree(k, point);
    return 0;
}

static int64_t sys_umount2(struct rf_kernel *k, const uint64_t a[6])
{
    uint32_t flags = (uint32_t)a[1];
    struct rf_dentry *root;
    if (flags & ~(uint32_t)(RF_MNT_FORCE | RF_MNT_DETACH | RF_MNT_EXPIRE | RF_UMOUNT_NOFOLLOW))
        return -RF_EINVAL;
    int64_t result = find(k, a[0], flags & RF_UMOUNT_NOFOLLOW ? 0 : RF_WALK_FOLLOW, &root);
    if (result)
        return result;
    result = may_mount(k) ? unmount(k, root, flags) : -RF_EPERM;
    rf_dentry_put(k, root);
    return result;
}

/* --- pivot_root --- */

static int64_t check_pivot(struct rf_kernel *k, const struct rf_dentry *new_root, const struct rf_dentry *put_old)
{
    const struct rf_dentry *root = k->current->fs->root;
    if (!is_here(k, new_root) || !is_here(k, put_old) || !is_here(k, root) || new_root->point->locked)
        return -RF_EINVAL;
    if (new_root->deleted)
        return -RF_ENOENT;
    if (new_root->point == root->point || put_old->point == root->point)
        return -RF_EBUSY;
    if (root->point->root != root || new_root->point->root != new_root || !new_root->point->at || root->point->at)
        return -RF_EINVAL;
    const struct rf_dentry *at = put_old; /* must be at or below the new root */
    while (at->point != new_root->point && at->point && at->point->at)
        at = at->point->at;
    return at->point == new_root->point ? 0 : -RF_EINVAL;
}

/* chroot_fs_refs: whoever was at the old root is at the new one. */
static void follow_root(struct rf_kernel *k, struct rf_dentry **at, struct rf_dentry *old, struct rf_dentry *new_root)
{
    if (*at != old)
        return;
    rf_dentry_get(new_root);
    *at = new_root;
    rf_dentry_put(k, old);
}

static int64_t sys_pivot_root(struct rf_kernel *k, const uint64_t a[6])
{
    struct rf_dentry *new_root, *put_old;
    if (!may_mount(k))
        return -RF_EPERM;
    int64_t result = find(k, a[0], RF_WALK_FOLLOW | RF_WALK_DIRECTORY, &new_root);
    if (result)
        return result;
    result = find(k, a[1], RF_WALK_FOLLOW | RF_WALK_DIRECTORY, &put_old);
    if (!result) {
        result = check_pivot(k, new_root, put_old);
        if (!result) {
            struct rf_mount_namespace *ns = own_namespace(k);
            struct rf_dentry *old = k->current->fs->root;
            struct rf_mount_point *above = old->point, *below = new_root->point;
            rf_dentry_get(old);
            rf_mount_point_detach(k, below);
            rf_mount_point_detach(k, above);
            rf_mount_point_attach(ns, below, NULL);
            rf_mount_point_attach(ns, above, put_old);
            for (struct rf_task *task = k->tasks; task; task = task->next_task) {
                if (!task->fs)
                    continue;
                follow_root(k, &task->fs->root, old, new_root);
                follow_root(k, &task->fs->cwd, old, new_root);
            }
            rf_dentry_put(k, old);
        }
        rf_dentry_put(k, put_old);
    }
    rf_dentry_put(k, new_root);
    return result;
}

static const struct rf_handler_entry entries[] = {
    { RF_NR_mount, sys_mount },
    { RF_NR_umount2, sys_umount2 },
    { RF_NR_pivot_root, sys_pivot_root },
};
const struct rf_handler_table rf_handlers_mount = RF_HANDLER_TABLE(entries);
