/* Changing the tree: making, linking, removing and renaming, with the checks of Linux'
 * fs/namei.c in its order. */
#include "kernel/task/task.h"
#include "kernel/vfs/notify.h"
#include "kernel/vfs/path.h"

#include <string.h>

int64_t rf_may_create(struct rf_kernel *k, struct rf_dentry *dir)
{
    if (dir->deleted || !dir->inode->nlink)
        return -RF_ENOENT;
    if (rf_is_read_only(dir))
        return -RF_EROFS;
    const struct rf_user_namespace *user = dir->inode->mount->user;
    if (user && k->current && (rf_uid_from_kernel(user, k->current->credentials.fsuid) == RF_NO_ID ||
                               rf_gid_from_kernel(user, k->current->credentials.fsgid) == RF_NO_ID))
        return -RF_EOVERFLOW; /* the owner that it would have cannot be told */
    return rf_inode_permission(k, dir->inode, RF_W_OK | RF_X_OK);
}

static uint32_t after_umask(struct rf_kernel *k, uint32_t mode)
{
    return k->current && k->current->fs ? mode & ~k->current->fs->umask : mode;
}

/* The place for a new name. Existing ones are -RF_EEXIST, even on a read-only mount. */
static int64_t begin_create(struct rf_kernel *k, int dirfd, const char *path, bool directory,
                            struct rf_path_parent *parent)
{
    int64_t result = rf_path_parent(k, dirfd, path, parent);
    if (result)
        return result;
    struct rf_dentry *existing;
    if (parent->kind != RF_LAST_NAME)
        result = -RF_EEXIST;
    else if ((result = rf_dentry_child(k, parent->dir, parent->name, &existing)) == 0) {
        rf_dentry_put(k, existing);
        result = -RF_EEXIST;
    } else if (result == -RF_ENOENT) {
        result = parent->trailing_slash && !directory ? -RF_ENOENT : rf_may_create(k, parent->dir);
    }
    if (result)
        rf_dentry_put(k, parent->dir);
    return result;
}

static int64_t end_create(struct rf_kernel *k, struct rf_path_parent *parent, int64_t result,
                          struct rf_inode *inode)
{
    if (result == 0) {
        rf_notify_entry(k, parent->dir, RF_IN_CREATE, parent->name, inode->mode);
        rf_inode_put(k, inode);
    }
    rf_dentry_put(k, parent->dir);
    return result;
}

static int64_t make(struct rf_kernel *k, int dirfd, const char *path, uint32_t mode, uint64_t rdev)
{
    struct rf_path_parent parent;
    struct rf_inode *inode = NULL;
    int64_t result = begin_create(k, dirfd, path, RF_S_ISDIR(mode), &parent);
    if (result)
        return result;
    struct rf_inode *dir = parent.dir->inode;
    bool device = RF_S_ISCHR(mode) || RF_S_ISBLK(mode);
    if (device && !rf_capable(k, RF_CAP_MKNOD))
        result = -RF_EPERM;
    else if (!dir->ops->create)
        result = -RF_EPERM;
    else
        result = dir->ops->create(k, dir, parent.name, after_umask(k, mode), rdev, &inode);
    return end_create(k, &parent, result, inode);
}

int64_t rf_vfs_mkdir(struct rf_kernel *k, int dirfd, const char *path, uint32_t mode)
{
    return make(k, dirfd, path, RF_S_IFDIR | (mode & (RF_S_ISVTX | 0777)), 0);
}

int64_t rf_vfs_mknod(struct rf_kernel *k, int dirfd, const char *path, uint32_t mode, uint64_t rdev)
{
    switch (mode & RF_S_IFMT) {
    case 0: mode |= RF_S_IFREG; break;
    case RF_S_IFREG:
    case RF_S_IFCHR:
    case RF_S_IFBLK:
    case RF_S_IFIFO:
    case RF_S_IFSOCK: break;
    case RF_S_IFDIR: return -RF_EPERM;
    default: return -RF_EINVAL;
    }
    return make(k, dirfd, path, mode & (RF_S_IFMT | RF_S_IALLUGO), rdev);
}

int64_t rf_vfs_symlink(struct rf_kernel *k, const char *target, int dirfd, const char *path)
{
    struct rf_path_parent parent;
    struct rf_inode *inode = NULL;
    int64_t result = begin_create(k, dirfd, path, false, &parent);
    if (result)
        return result;
    struct rf_inode *dir = parent.dir->inode;
    result = dir->ops->symlink ? dir->ops->symlink(k, dir, parent.name, target, &inode) : -RF_EPERM;
    return end_create(k, &parent, result, inode);
}

static int64_t link_to(struct rf_kernel *k, struct rf_dentry *old, struct rf_path_parent *parent)
{
    struct rf_inode *dir = parent->dir->inode, *inode = old->inode;
    if (dir->mount != inode->mount || parent->dir->point != old->point)
        return -RF_EXDEV;
    if (RF_S_ISDIR(inode->mode) || !dir->ops->link)
        return -RF_EPERM;
    if (inode->nlink == 0 && !inode->linkable)
        return -RF_ENOENT;
    return dir->ops->link(k, dir, parent->name, inode);
}

int64_t rf_vfs_link(struct rf_kernel *k, int old_dirfd, const char *old_path, int dirfd,
                    const char *path, uint32_t flags)
{
    if (flags & ~(uint32_t)(RF_AT_SYMLINK_FOLLOW | RF_AT_EMPTY_PATH))
        return -RF_EINVAL;
    uint32_t walk = (flags & RF_AT_SYMLINK_FOLLOW ? RF_WALK_FOLLOW : 0) |
                    (flags & RF_AT_EMPTY_PATH ? RF_WALK_EMPTY : 0);
    struct rf_dentry *old;
    int64_t result = rf_path_lookup(k, old_dirfd, old_path, walk, &old);
    if (result)
        return result;
    struct rf_path_parent parent;
    result = begin_create(k, dirfd, path, false, &parent);
    if (result == 0) {
        result = link_to(k, old, &parent);
        if (result == 0 && rf_is_watched(k)) {
            rf_notify_inode(k, old->inode, RF_IN_ATTRIB, 0, NULL, false);
            rf_notify_entry(k, parent.dir, RF_IN_CREATE, parent.name, old->inode->mode);
        }
        rf_dentry_put(k, parent.dir);
    }
    rf_dentry_put(k, old);
    return result;
}

/* may_delete: dir must be writable, and sticky directories keep other people's entries. */
static int64_t may_remove(struct rf_kernel *k, struct rf_dentry *dir, struct rf_inode *victim)
{
    if (rf_is_read_only(dir))
        return -RF_EROFS;
    int64_t result = rf_inode_permission(k, dir->inode, RF_W_OK | RF_X_OK);
    if (result || !k->current)
        return result;
    uint32_t uid = k->current->credentials.fsuid;
    if ((dir->inode->mode & RF_S_ISVTX) && uid != victim->uid && uid != dir->inode->uid &&
        !rf_capable_for(k, victim, RF_CAP_FOWNER))
        return -RF_EPERM;
    return 0;
}

/* Look the last component up without following it or crossing a mount on it. */
static int64_t find_last(struct rf_kernel *k, struct rf_path_parent *parent, struct rf_dentry **out)
{
    return rf_dentry_child(k, parent->dir, parent->name, out);
}

static int64_t remove_child(struct rf_kernel *k, struct rf_path_parent *parent, bool directory)
{
    struct rf_inode *dir = parent->dir->inode;
    struct rf_dentry *child;
    int64_t result = find_last(k, parent, &child);
    if (result)
        return result;
    bool is_directory = rf_dentry_is_directory(child);
    if (!directory && parent->trailing_slash)
        result = is_directory ? -RF_EISDIR : -RF_ENOTDIR;
    else
        result = may_remove(k, parent->dir, child->inode);
    if (result == 0 && directory != is_directory)
        result = directory ? -RF_ENOTDIR : -RF_EISDIR;
    if (result == 0 && child->mounted)
        result = -RF_EBUSY;
    if (result == 0)
        result = dir->ops->remove ? dir->ops->remove(k, dir, parent->name, child->inode)
                                  : -RF_EPERM;
    uint32_t mode = child->inode->mode;
    if (result == 0) {
        if (rf_is_watched(k) && !is_directory)
            rf_notify_inode(k, child->inode, RF_IN_ATTRIB, 0, NULL, false);
        rf_dentry_forget(k, parent->dir, parent->name);
    }
    rf_dentry_put(k, child); /* whoever watches it hears of its end first */
    if (result == 0)
        rf_notify_entry(k, parent->dir, RF_IN_DELETE, parent->name, mode);
    return result;
}

int64_t rf_vfs_unlink(struct rf_kernel *k, int dirfd, const char *path)
{
    struct rf_path_parent parent;
    int64_t result = rf_path_parent(k, dirfd, path, &parent);
    if (result)
        return result;
    result = parent.kind != RF_LAST_NAME ? -RF_EISDIR : remove_child(k, &parent, false);
    rf_dentry_put(k, parent.dir);
    return result;
}

int64_t rf_vfs_rmdir(struct rf_kernel *k, int dirfd, const char *path)
{
    static const int64_t refusal[] = { [RF_LAST_DOT] = -RF_EINVAL, [RF_LAST_DOTDOT] = -RF_ENOTEMPTY,
                                       [RF_LAST_ROOT] = -RF_EBUSY };
    struct rf_path_parent parent;
    int64_t result = rf_path_parent(k, dirfd, path, &parent);
    if (result)
        return result;
    result = parent.kind != RF_LAST_NAME ? refusal[parent.kind] : remove_child(k, &parent, true);
    rf_dentry_put(k, parent.dir);
    return result;
}

/* --- rename --- */

/* fsnotify_move: both directories, and the object. */
static void tell_moved(struct rf_kernel *k, const struct rf_dentry *from, const char *name, const struct rf_dentry *to,
                       const char *new_name, struct rf_inode *inode)
{
    if (!rf_is_watched(k))
        return;
    uint32_t cookie = rf_notify_cookie(k), directory = RF_S_ISDIR(inode->mode) ? RF_IN_ISDIR : 0;
    rf_notify_inode(k, from->inode, RF_IN_MOVED_FROM | directory, cookie, name, false);
    rf_notify_inode(k, to->inode, RF_IN_MOVED_TO | directory, cookie, new_name, false);
    rf_notify_inode(k, inode, RF_IN_MOVE_SELF | directory, 0, NULL, false);
}

struct rename {
    struct rf_path_parent from, to;
    struct rf_dentry *source, *target; /* target NULL: the name is free */
};

static int64_t check_kinds(const struct rename *r, bool exchange)
{
    bool directory = rf_dentry_is_directory(r->source);
    bool other = exchange && rf_dentry_is_directory(r->target);
    if ((!directory && r->from.trailing_slash) || (!(exchange ? other : directory) && r->to.trailing_slash))
        return -RF_ENOTDIR;
    if (rf_dentry_is_below(r->to.dir, r->source))
        return -RF_EINVAL; /* into itself */
    if (!r->target)
        return 0;
    if (rf_dentry_is_below(r->from.dir, r->target))
        return exchange ? -RF_EINVAL : -RF_ENOTEMPTY; /* over its own ancestor */
    return 0;
}

static int64_t check_rights(struct rf_kernel *k, const struct rename *r, bool exchange)
{
    bool directory = rf_dentry_is_directory(r->source), other = r->target && rf_dentry_is_directory(r->target);
    int64_t result = may_remove(k, r->from.dir, r->source->inode);
    if (result)
        return result;
    result = r->target ? may_remove(k, r->to.dir, r->target->inode) : rf_may_create(k, r->to.dir);
    if (result)
        return result;
    if (r->target && directory != other && !exchange)
        return directory ? -RF_ENOTDIR : -RF_EISDIR;
    if (directory && r->from.dir != r->to.dir) /* its ".." changes */
        result = rf_inode_permission(k, r->source->inode, RF_W_OK);
    if (result == 0 && exchange && other && r->from.dir != r->to.dir)
        result = rf_inode_permission(k, r->target->inode, RF_W_OK);
    if (result == 0 && (r->source->mounted || (r->target && r->target->mounted)))
        result = -RF_EBUSY;
    return result;
}

static int64_t do_exchange(struct rf_kernel *k, struct rename *r)
{
    struct rf_inode *dir = r->from.dir->inode, *new_dir = r->to.dir->inode;
    if (!dir->ops->exchange)
        return -RF_EINVAL;
    int64_t result = dir->ops->exchange(k, dir, r->from.name, r->source->inode, new_dir, r->to.name, r->target->inode);
    if (result)
        return result;
    if (!rf_dentry_move(k, r->source, r->to.dir, r->to.name))
        rf_dentry_forget(k, r->from.dir, r->from.name);
    if (!rf_dentry_move(k, r->target, r->from.dir, r->from.name))
        rf_dentry_forget(k, r->to.dir, r->to.name);
    tell_moved(k, r->from.dir, r->from.name, r->to.dir, r->to.name, r->source->inode);
    tell_moved(k, r->to.dir, r->to.name, r->from.dir, r->from.name, r->target->inode);
    return 0;
}

/* What stays at the old name hides what a lower layer has there. */
static int64_t leave_whiteout(struct rf_kernel *k, struct rename *r)
{
    struct rf_inode *dir = r->from.dir->inode, *whiteout;
    int64_t result = dir->ops->create(k, dir, r->from.name, RF_S_IFCHR, 0, &whiteout);
    if (result == 0)
        rf_inode_put(k, whiteout);
    return result;
}

static int64_t do_rename(struct rf_kernel *k, struct rename *r, uint32_t flags)
{
    struct rf_inode *dir = r->from.dir->inode, *new_dir = r->to.dir->inode;
    if (r->target && r->target->inode == r->source->inode)
        return 0; /* two names of one file: nothing happens */
    int64_t result = check_rights(k, r, flags & RF_RENAME_EXCHANGE);
    if (result)
        return result;
    if (flags & RF_RENAME_EXCHANGE)
        return do_exchange(k, r);
    if (!dir->ops->rename)
        return -RF_EPERM;
    if (flags & RF_RENAME_WHITEOUT && !dir->mount->in_memory)
        return -RF_EINVAL;
    result = dir->ops->rename(k, dir, r->from.name, r->source->inode, new_dir, r->to.name,
                              r->target ? r->target->inode : NULL);
    if (result)
        return result;
    if (r->target)
        rf_dentry_forget(k, r->to.dir, r->to.name);
    if (!rf_dentry_move(k, r->source, r->to.dir, r->to.name))
        rf_dentry_forget(k, r->from.dir, r->from.name); /* it will be found again by its name */
    tell_moved(k, r->from.dir, r->from.name, r->to.dir, r->to.name, r->source->inode);
    if (r->target && rf_is_watched(k) && !rf_dentry_is_directory(r->target))
        rf_notify_inode(k, r->target->inode, RF_IN_ATTRIB, 0, NULL, false);
    return flags & RF_RENAME_WHITEOUT ? leave_whiteout(k, r) : 0;
}

static int64_t rename_found(struct rf_kernel *k, struct rename *r, uint32_t flags)
{
    if (r->from.dir->inode->mount != r->to.dir->inode->mount || r->from.dir->point != r->to.dir->point)
        return -RF_EXDEV;
    if (r->from.kind != RF_LAST_NAME)
        return -RF_EBUSY;
    if (r->to.kind != RF_LAST_NAME)
        return flags & RF_RENAME_NOREPLACE ? -RF_EEXIST : -RF_EBUSY;
    if (rf_is_read_only(r->from.dir))
        return -RF_EROFS;
    int64_t result = find_last(k, &r->from, &r->source);
    if (result)
        return result;
    result = find_last(k, &r->to, &r->target);
    if (result == -RF_ENOENT && !(flags & RF_RENAME_EXCHANGE))
        result = 0;
    else if (result == 0 && (flags & RF_RENAME_NOREPLACE))
        result = -RF_EEXIST;
    if (result == 0)
        result = check_kinds(r, flags & RF_RENAME_EXCHANGE);
    return result ? result : do_rename(k, r, flags);
}

int64_t rf_vfs_rename(struct rf_kernel *k, int old_dirfd, const char *old_path, int dirfd,
                      const char *path, uint32_t flags)
{
    const uint32_t known = RF_RENAME_NOREPLACE | RF_RENAME_EXCHANGE | RF_RENAME_WHITEOUT;
    if (flags & ~known || (flags & RF_RENAME_EXCHANGE && flags & (RF_RENAME_NOREPLACE | RF_RENAME_WHITEOUT)))
        return -RF_EINVAL;
    if (flags & RF_RENAME_WHITEOUT && !rf_capable(k, RF_CAP_MKNOD))
        return -RF_EPERM;
    struct rename r = { 0 };
    int64_t result = rf_path_parent(k, old_dirfd, old_path, &r.from);
    if (result)
        return result;
    result = rf_path_parent(k, dirfd, path, &r.to);
    if (result == 0) {
        result = rename_found(k, &r, flags);
        rf_dentry_put(k, r.source);
        rf_dentry_put(k, r.target);
        rf_dentry_put(k, r.to.dir);
    }
    rf_dentry_put(k, r.from.dir);
    return result;
}
