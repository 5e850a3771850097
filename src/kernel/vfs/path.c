/* Path walking: from a string to a dentry, component by component.
 *
 * Every component costs one lookup in its driver; symbolic links are put in front of what
 * is left of the path. Rules and the order of errors follow path_resolution(7) and Linux'
 * fs/namei.c. */
#include "kernel/vfs/path.h"
#include "kernel/task/task.h"

#include <string.h>

#define MAX_LINKS 40

struct walk {
    struct rf_kernel *k;
    struct rf_dentry *at;   /* referenced: where the walk is */
    struct rf_dentry *root; /* not left upwards; borrowed */
    struct rf_dentry *start; /* referenced: RF_WALK_BENEATH and RF_WALK_IN_ROOT stay below */
    uint32_t flags;
    unsigned links;    /* symbolic links met so far */
    unsigned depth;    /* remainders below */
    const char *rest[MAX_LINKS + 1];
    char *body[MAX_LINKS + 1]; /* text that rest[] points into, ours; NULL for the path itself */
    enum rf_last_kind kind;
    bool trailing_slash;
    char name[RF_NAME_MAX + 1];
};

static struct rf_dentry *context_root(struct rf_kernel *k)
{
    return k->current && k->current->fs ? k->current->fs->root : rf_mount_cross(k->vfs->root);
}

static void go_to(struct walk *w, struct rf_dentry *dentry) /* takes over the reference */
{
    rf_dentry_put(w->k, w->at);
    w->at = dentry;
}

static void go_to_borrowed(struct walk *w, struct rf_dentry *dentry)
{
    rf_dentry_get(dentry);
    go_to(w, dentry);
}

/* Where dirfd points, for a relative path. */
static int64_t start_of(struct rf_kernel *k, int dirfd, bool must_be_directory,
                        struct rf_dentry **out)
{
    if (dirfd == RF_AT_FDCWD) {
        *out = k->current && k->current->fs ? k->current->fs->cwd : context_root(k);
        rf_dentry_get(*out);
        return 0;
    }
    struct rf_file *file = k->current ? rf_fd_file_or_path(k, dirfd) : NULL;
    if (!file)
        return -RF_EBADF;
    if (must_be_directory && (!file->dentry || !rf_dentry_is_directory(file->dentry)))
        return -RF_ENOTDIR;
    if (file->dentry)
        rf_dentry_get(file->dentry);
    *out = file->dentry ? file->dentry : rf_dentry_new(k, NULL, "", file->inode);
    return *out ? 0 : -RF_ENOMEM;
}

static int64_t walk_begin(struct walk *w, struct rf_kernel *k, int dirfd, const char *path,
                          uint32_t flags)
{
    w->k = k;
    w->flags = flags;
    w->at = w->start = NULL;
    w->root = context_root(k);
    w->links = w->depth = 0;
    w->rest[0] = path;
    w->body[0] = NULL;
    w->trailing_slash = false;
    bool scoped = flags & (RF_WALK_BENEATH | RF_WALK_IN_ROOT);
    if (path[0] == '/' && (flags & RF_WALK_BENEATH))
        return -RF_EXDEV;
    if (path[0] == '/' && !scoped) {
        go_to_borrowed(w, w->root);
        return 0;
    }
    int64_t result = start_of(k, dirfd, true, &w->at);
    if (result == 0 && scoped) {
        w->start = w->at;
        rf_dentry_get(w->start);
        w->root = w->start;
    }
    return result;
}

static void walk_end(struct walk *w)
{
    for (unsigned i = 0; i <= w->depth; i++)
        rf_kfree(w->k, w->body[i]);
    rf_dentry_put(w->k, w->at);
    rf_dentry_put(w->k, w->start);
}

static int64_t go_up(struct walk *w)
{
    if (w->at == w->root)
        return w->flags & RF_WALK_BENEATH ? -RF_EXDEV : 0;
    struct rf_dentry *d = w->at;
    if (!d->parent) {
        d = rf_mount_uncross(d);
        if (d != w->at && (w->flags & RF_WALK_NO_XDEV))
            return -RF_EXDEV;
    }
    if (d->parent)
        go_to_borrowed(w, rf_mount_cross(d->parent));
    return 0;
}

/* Read a link's text and make it what is walked next; an absolute one starts at the root. */
static int64_t push_link(struct walk *w, struct rf_inode *link)
{
    struct rf_kernel *k = w->k;
    char *text = rf_kalloc(k, RF_PATH_MAX);
    if (!text)
        return -RF_ENOMEM;
    int64_t length = link->ops->readlink ? link->ops->readlink(k, link, text, RF_PATH_MAX - 1)
                                         : -RF_EINVAL;
    if (length <= 0) {
        rf_kfree(k, text);
        return length ? length : -RF_ENOENT;
    }
    text[length] = '\0';
    if (*w->rest[w->depth] == '\0') { /* nothing follows: it replaces the remainder */
        rf_kfree(k, w->body[w->depth]);
    } else {
        w->depth++;
    }
    w->body[w->depth] = text;
    w->rest[w->depth] = text;
    if (text[0] != '/')
        return 0;
    if (w->flags & RF_WALK_BENEATH)
        return -RF_EXDEV;
    go_to_borrowed(w, w->root);
    return 0;
}

/* at is the link's directory; on return the walk goes on there or at the link's object. */
static int64_t follow_link(struct walk *w, struct rf_dentry *link)
{
    if (++w->links > MAX_LINKS || (w->flags & RF_WALK_NO_SYMLINKS))
        return -RF_ELOOP;
    struct rf_inode *inode = link->inode;
    if (!inode->ops->follow)
        return push_link(w, inode);
    if (w->flags & RF_WALK_NO_MAGICLINKS)
        return -RF_ELOOP;
    struct rf_dentry *object;
    int64_t result = inode->ops->follow(w->k, inode, &object);
    if (result)
        return result;
    if (w->start) {
        rf_dentry_put(w->k, object);
        return -RF_EXDEV;
    }
    go_to(w, object);
    return 1; /* there already */
}

static int64_t check_searchable(struct walk *w)
{
    if (!rf_dentry_is_directory(w->at))
        return -RF_ENOTDIR;
    if (w->at->inode->mount->changes_outside) {
        int64_t result = rf_inode_getattr(w->k, w->at->inode);
        if (result)
            return result;
    }
    return rf_inode_permission(w->k, w->at->inode, RF_X_OK);
}

/* Take the next component off the text into w->name; *found is false when nothing is left.
 * The right to search comes before the length of the name, as in Linux. */
static int64_t next_component(struct walk *w, bool *found)
{
    for (;;) {
        const char *p = w->rest[w->depth];
        while (*p == '/')
            p++;
        if (*p) {
            w->rest[w->depth] = p;
            break;
        }
        w->rest[w->depth] = p;
        if (w->depth == 0) {
            *found = false;
            return 0;
        }
        rf_kfree(w->k, w->body[w->depth]);
        w->body[w->depth--] = NULL;
    }
    const char *p = w->rest[w->depth];
    int64_t result = check_searchable(w);
    if (result)
        return result;
    size_t length = strcspn(p, "/");
    if (length > RF_NAME_MAX)
        return -RF_ENAMETOOLONG;
    memcpy(w->name, p, length);
    w->name[length] = '\0';
    w->rest[w->depth] = p + length;
    w->kind = strcmp(w->name, ".") == 0    ? RF_LAST_DOT
              : strcmp(w->name, "..") == 0 ? RF_LAST_DOTDOT
                                           : RF_LAST_NAME;
    *found = true;
    rf_charge(w->k, RF_EVENT_PATH_LOOKUP, 1);
    return 0;
}

/* Is the component just taken the last one? Notes slashes after it. */
static bool at_last(struct walk *w)
{
    bool slash = w->trailing_slash;
    for (unsigned i = 0; i <= w->depth; i++) {
        size_t slashes = strspn(w->rest[i], "/");
        if (w->rest[i][slashes])
            return false;
        slash |= slashes != 0;
    }
    w->trailing_slash = slash;
    return true;
}

static int64_t look_up(struct walk *w, struct rf_dentry **out)
{
    struct rf_dentry *child;
    int64_t result = rf_dentry_child(w->k, w->at, w->name, &child);
    if (result)
        return result;
    struct rf_dentry *top = rf_mount_cross(child);
    if (top != child) {
        rf_dentry_get(top);
        rf_dentry_put(w->k, child);
        if (w->flags & RF_WALK_NO_XDEV) {
            rf_dentry_put(w->k, top);
            return -RF_EXDEV;
        }
    }
    *out = top;
    return 0;
}

/* Go one component down or up. */
static int64_t step(struct walk *w)
{
    if (w->kind == RF_LAST_DOT)
        return 0;
    if (w->kind == RF_LAST_DOTDOT)
        return go_up(w);
    struct rf_dentry *child;
    int64_t result = look_up(w, &child);
    if (result)
        return result;
    if (!RF_S_ISLNK(child->inode->mode)) {
        go_to(w, child);
        return 0;
    }
    result = follow_link(w, child);
    rf_dentry_put(w->k, child);
    return result < 0 ? result : 0;
}

/* Walk up to the last component, which is in w->name and w->kind then. */
static int64_t walk_to_last(struct walk *w)
{
    for (;;) {
        bool found;
        int64_t result = next_component(w, &found);
        if (result)
            return result;
        if (!found) {
            w->kind = RF_LAST_ROOT; /* "/", or a link that led straight to its object */
            w->name[0] = '\0';
            return 0;
        }
        if (at_last(w))
            return 0;
        result = step(w);
        if (result)
            return result;
    }
}

/* Resolve the last component (walk_to_last has run); final links are followed if wanted.
 * The object is w->at then. -RF_ENOENT leaves w at the parent of a missing name. */
static int64_t walk_last(struct walk *w)
{
    for (;;) {
        if (w->kind == RF_LAST_ROOT || w->kind == RF_LAST_DOT)
            return 0;
        if (w->kind == RF_LAST_DOTDOT)
            return go_up(w);
        struct rf_dentry *child;
        int64_t result = look_up(w, &child);
        if (result)
            return result;
        if (!RF_S_ISLNK(child->inode->mode) ||
            (!(w->flags & RF_WALK_FOLLOW) && !w->trailing_slash)) {
            go_to(w, child);
            return 0;
        }
        result = follow_link(w, child);
        rf_dentry_put(w->k, child);
        if (result)
            return result < 0 ? result : 0;
        result = walk_to_last(w);
        if (result)
            return result;
    }
}

static int64_t take_result(struct walk *w, struct rf_dentry **out)
{
    if ((w->trailing_slash || (w->flags & RF_WALK_DIRECTORY)) && !rf_dentry_is_directory(w->at))
        return -RF_ENOTDIR;
    *out = w->at;
    w->at = NULL;
    return 0;
}

int64_t rf_path_lookup(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags,
                       struct rf_dentry **out)
{
    if (path[0] == '\0')
        return flags & RF_WALK_EMPTY ? start_of(k, dirfd, flags & RF_WALK_DIRECTORY, out)
                                     : -RF_ENOENT;
    struct walk w;
    int64_t result = walk_begin(&w, k, dirfd, path, flags);
    if (result == 0)
        result = walk_to_last(&w);
    if (result == 0)
        result = walk_last(&w);
    if (result == 0)
        result = take_result(&w, out);
    walk_end(&w);
    return result;
}

static void take_parent(struct walk *w, struct rf_path_parent *out)
{
    out->dir = w->at;
    w->at = NULL;
    out->kind = w->kind;
    out->trailing_slash = w->trailing_slash;
    memcpy(out->name, w->name, sizeof out->name);
}

int64_t rf_path_parent(struct rf_kernel *k, int dirfd, const char *path,
                       struct rf_path_parent *out)
{
    if (path[0] == '\0')
        return -RF_ENOENT;
    struct walk w;
    int64_t result = walk_begin(&w, k, dirfd, path, 0);
    if (result == 0)
        result = walk_to_last(&w);
    if (result == 0)
        take_parent(&w, out);
    walk_end(&w);
    return result;
}

int64_t rf_path_create(struct rf_kernel *k, int dirfd, const char *path, uint32_t flags,
                       struct rf_path_parent *out, struct rf_dentry **child)
{
    *child = NULL;
    out->dir = NULL;
    if (path[0] == '\0')
        return -RF_ENOENT;
    struct walk w;
    int64_t result = walk_begin(&w, k, dirfd, path, flags);
    if (result == 0)
        result = walk_to_last(&w);
    if (result == 0 && w.trailing_slash && w.kind == RF_LAST_NAME)
        result = -RF_EISDIR; /* a regular file cannot be made under such a name */
    if (result == 0) {
        result = walk_last(&w);
        if (result == -RF_ENOENT && w.kind == RF_LAST_NAME && !w.trailing_slash && at_last(&w)) {
            take_parent(&w, out);
            result = 0;
        } else if (result == 0) {
            *child = w.at;
            w.at = NULL;
        }
    }
    walk_end(&w);
    return result;
}

int64_t rf_path_from_user(struct rf_kernel *k, char *buffer, uint64_t user, bool empty_ok)
{
    int64_t length = rf_strncpy_from_user(k, buffer, user, RF_PATH_MAX);
    if (length < 0)
        return length;
    return length == 0 && !empty_ok ? -RF_ENOENT : 0;
}
