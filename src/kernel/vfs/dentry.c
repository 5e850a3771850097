/* Dentries: the names of live objects, and where they stand in the tree.
 *
 * A dentry holds its parent and its inode. Its parent knows it (without a reference) as long
 * as the name exists, so that two users of one name share one dentry. */
#include "kernel/vfs/notify.h"

#include <string.h>

static char *copy_name(struct rf_kernel *k, const char *name)
{
    size_t size = strlen(name) + 1;
    char *copy = rf_kalloc(k, size);
    return copy ? memcpy(copy, name, size) : NULL;
}

static void attach(struct rf_dentry *dentry, struct rf_dentry *parent)
{
    dentry->parent = parent;
    dentry->previous = NULL;
    dentry->next = NULL;
    if (!parent)
        return;
    dentry->point = parent->point;
    rf_dentry_get(parent);
    dentry->next = parent->children;
    if (dentry->next)
        dentry->next->previous = dentry;
    parent->children = dentry;
}

/* Take it out of its parent's list; the parent is still held. */
static void unlist(struct rf_dentry *dentry)
{
    if (!dentry->parent || dentry->deleted)
        return;
    if (dentry->previous)
        dentry->previous->next = dentry->next;
    else
        dentry->parent->children = dentry->next;
    if (dentry->next)
        dentry->next->previous = dentry->previous;
    dentry->next = dentry->previous = NULL;
}

struct rf_dentry *rf_dentry_new(struct rf_kernel *k, struct rf_dentry *parent, const char *name,
                                struct rf_inode *inode)
{
    struct rf_dentry *dentry = rf_kalloc(k, sizeof *dentry);
    char *copy = copy_name(k, name);
    if (!dentry || !copy) {
        rf_kfree(k, dentry);
        rf_kfree(k, copy);
        return NULL;
    }
    dentry->references = 1;
    dentry->name = copy;
    dentry->inode = inode;
    rf_inode_get(inode);
    attach(dentry, parent);
    return dentry;
}

void rf_dentry_get(struct rf_dentry *dentry)
{
    dentry->references++;
}

void rf_dentry_put(struct rf_kernel *k, struct rf_dentry *dentry)
{
    while (dentry && --dentry->references == 0) {
        struct rf_dentry *parent = dentry->parent;
        unlist(dentry);
        if (dentry->deleted && !dentry->inode->nlink && dentry->inode->watches && rf_is_watched(k))
            rf_notify_gone(k, dentry->inode);
        rf_inode_put(k, dentry->inode);
        rf_kfree(k, dentry->name);
        rf_kfree(k, dentry);
        dentry = parent;
    }
}

static struct rf_dentry *find_live(struct rf_dentry *dir, const char *name)
{
    for (struct rf_dentry *d = dir->children; d; d = d->next)
        if (strcmp(d->name, name) == 0)
            return d;
    return NULL;
}

static void forget(struct rf_dentry *dentry)
{
    unlist(dentry);
    dentry->deleted = true;
}

int64_t rf_dentry_child(struct rf_kernel *k, struct rf_dentry *dir, const char *name,
                        struct rf_dentry **out)
{
    struct rf_dentry *live = find_live(dir, name);
    const struct rf_mount *fs = dir->inode->mount;
    bool may_have_changed = fs->changes_outside || (fs->points > 1 && fs->keeps_inodes); /* from another place */
    if (live && (live->mounted || !may_have_changed)) {
        rf_dentry_get(live);
        *out = live;
        return 0;
    }
    if (!dir->inode->ops->lookup)
        return -RF_ENOTDIR;
    struct rf_inode *inode;
    int64_t result = dir->inode->ops->lookup(k, dir->inode, name, &inode);
    if (live && (result || inode != live->inode)) {
        forget(live);
        live = NULL;
    }
    if (result)
        return result;
    if (live)
        rf_dentry_get(live);
    else
        live = rf_dentry_new(k, dir, name, inode);
    rf_inode_put(k, inode);
    *out = live;
    return live ? 0 : -RF_ENOMEM;
}

struct rf_dentry *rf_dentry_mirror(struct rf_kernel *k, const struct rf_dentry *from, struct rf_dentry *to,
                                   const struct rf_dentry *dentry)
{
    if (dentry == from || !dentry->parent) {
        rf_dentry_get(to);
        return to;
    }
    struct rf_dentry *parent = rf_dentry_mirror(k, from, to, dentry->parent);
    struct rf_dentry *child = parent ? find_live(parent, dentry->name) : NULL;
    if (child && child->inode == dentry->inode)
        rf_dentry_get(child);
    else if (parent)
        child = rf_dentry_new(k, parent, dentry->name, dentry->inode);
    rf_dentry_put(k, parent);
    return child;
}

void rf_dentry_forget(struct rf_kernel *k, struct rf_dentry *dir, const char *name)
{
    (void)k;
    struct rf_dentry *live = find_live(dir, name);
    if (live)
        forget(live);
}

bool rf_dentry_move(struct rf_kernel *k, struct rf_dentry *dentry, struct rf_dentry *dir,
                    const char *name)
{
    char *copy = copy_name(k, name);
    if (!copy)
        return false;
    struct rf_dentry *old_parent = dentry->parent;
    unlist(dentry);
    rf_kfree(k, dentry->name);
    dentry->name = copy;
    attach(dentry, dir);
    rf_dentry_put(k, old_parent);
    return true;
}

bool rf_dentry_is_below(const struct rf_dentry *dentry, const struct rf_dentry *above)
{
    for (; dentry; dentry = dentry->parent)
        if (dentry == above)
            return true;
    return false;
}

/* Put text in front of what out holds from *at on. */
static bool prepend(char *out, size_t *at, const char *text, size_t length)
{
    if (length > *at)
        return false;
    *at -= length;
    memcpy(out + *at, text, length);
    return true;
}

static bool prepend_component(char *out, size_t *at, const char *name)
{
    return prepend(out, at, name, strlen(name)) && prepend(out, at, "/", 1);
}

int64_t rf_dentry_path(struct rf_kernel *k, struct rf_dentry *dentry, struct rf_dentry *root,
                       char *out, size_t size, bool *reachable)
{
    (void)k;
    static const char deleted[] = " (deleted)";
    if (size == 0)
        return -RF_ENAMETOOLONG;
    size_t at = size - 1;
    bool found = true, ok = true;
    if (dentry->deleted)
        ok = prepend(out, &at, deleted, sizeof deleted - 1);
    size_t end = at;
    struct rf_dentry *d = rf_mount_uncross(dentry);
    if (root)
        root = rf_mount_uncross(root);
    while (ok && d != root) {
        if (!d->parent) { /* the top of everything, or an object without a place */
            found = !root && d->name[0] == '\0';
            if (d->name[0])
                ok = prepend(out, &at, d->name, strlen(d->name));
            break;
        }
        ok = prepend_component(out, &at, d->name);
        d = rf_mount_uncross(d->parent);
    }
    if (!ok || (at == end && !prepend(out, &at, "/", 1)))
        return -RF_ENAMETOOLONG;
    if (reachable)
        *reachable = found;
    size_t length = size - 1 - at;
    memmove(out, out + at, length);
    out[length] = '\0';
    return (int64_t)length;
}
