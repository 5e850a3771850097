/* Mounts: file systems and the place where each is seen. */
#include "kernel/vfs/notify.h"

#include <string.h>

struct rf_mount *rf_mount_alloc(struct rf_kernel *k, const char *type, uint64_t magic,
                                const struct rf_mount_ops *ops)
{
    struct rf_mount *mount = rf_kalloc(k, sizeof *mount);
    if (!mount)
        return NULL;
    mount->ops = ops;
    mount->type = type;
    mount->source = type;
    mount->magic = magic;
    mount->device = ++k->vfs->next_device; /* major 0, as Linux numbers such file systems */
    mount->id = (uint32_t)mount->device;
    mount->points = 1; /* held by who makes it; internal ones for ever */
    return mount;
}

bool rf_is_read_only(const struct rf_dentry *dentry)
{
    return dentry->inode->mount->read_only || rf_has_mount_flag(dentry, RF_MS_RDONLY);
}

static struct rf_mount_point **list_of(struct rf_kernel *k, struct rf_mount_namespace *ns)
{
    return ns ? &ns->points : &k->vfs->points;
}

/* By id, as Linux lists them since 6.8: a tree's root before what is mounted in it, also in copies. */
static void insert(struct rf_mount_point **list, struct rf_mount_point *point)
{
    while (*list && (*list)->id < point->id)
        list = &(*list)->next;
    point->next = *list;
    *list = point;
}

static void cover(struct rf_mount_point *point, struct rf_dentry *at)
{
    point->at = at;
    if (!at)
        return;
    rf_dentry_get(at);
    at->mounted = point;
}

struct rf_mount_point *rf_mount_adopt(struct rf_kernel *k, struct rf_mount *mount)
{
    struct rf_mount **last = &k->vfs->mounts;
    while (*last)
        last = &(*last)->next;
    *last = mount;
    mount->first = (struct rf_mount_point){ .fs = mount, .root = mount->root, .id = ++k->vfs->last_mount_id };
    mount->points = 1;
    mount->root->point = &mount->first;
    return &mount->first;
}

void rf_mount_attach(struct rf_kernel *k, struct rf_mount *mount, struct rf_dentry *at)
{
    struct rf_mount_point *point = rf_mount_adopt(k, mount);
    insert(&k->vfs->points, point);
    cover(point, at);
}

/* Nobody sees it and nothing of it is in use. */
static void free_if_unused(struct rf_kernel *k, struct rf_mount *mount)
{
    if (mount->points || mount->inodes || mount->root)
        return;
    for (struct rf_mount **m = &k->vfs->mounts; *m; m = &(*m)->next) {
        if (*m == mount) {
            *m = mount->next;
            break;
        }
    }
    if (mount->ops->destroy)
        mount->ops->destroy(k, mount);
    if (mount->user)
        rf_namespace_put(k, &mount->user->ns);
    rf_kfree(k, mount->source_given);
    rf_kfree(k, mount);
}

void rf_mount_inode_gone(struct rf_kernel *k, struct rf_mount *mount)
{
    if (k->vfs->ending)
        return; /* mounts go in their own order */
    mount->inodes--;
    free_if_unused(k, mount);
}

/* At set-up and at the machine's end. */
void rf_mount_free(struct rf_kernel *k, struct rf_mount *mount)
{
    if (!mount)
        return;
    struct rf_dentry *root = mount->root;
    mount->inodes++; /* it stays until the end of this function */
    mount->root = NULL;
    mount->points = 0;
    if (mount->first.fs)
        rf_mount_point_detach(k, &mount->first);
    rf_dentry_put(k, root);
    mount->inodes = 0;
    free_if_unused(k, mount);
}

struct rf_dentry *rf_mount_cross(struct rf_dentry *dentry)
{
    while (dentry->mounted)
        dentry = dentry->mounted->root;
    return dentry;
}

struct rf_dentry *rf_mount_uncross(struct rf_dentry *dentry)
{
    while (!dentry->parent && dentry->point && dentry->point->root == dentry && dentry->point->at)
        dentry = dentry->point->at;
    return dentry;
}

/* --- places --- */

struct rf_mount_point *rf_mount_point_new(struct rf_kernel *k, struct rf_mount *fs, struct rf_inode *root)
{
    struct rf_mount_point *point = rf_kalloc(k, sizeof *point);
    struct rf_dentry *dentry = point ? rf_dentry_new(k, NULL, "", root) : NULL;
    if (!dentry) {
        rf_kfree(k, point);
        return NULL;
    }
    point->fs = fs;
    point->root = dentry;
    point->id = ++k->vfs->last_mount_id;
    dentry->point = point;
    fs->points++;
    return point;
}

void rf_mount_point_attach(struct rf_mount_namespace *ns, struct rf_mount_point *point, struct rf_dentry *at)
{
    point->ns = ns;
    insert(&ns->points, point);
    cover(point, at);
}

void rf_mount_point_detach(struct rf_kernel *k, struct rf_mount_point *point)
{
    struct rf_mount_point **link = list_of(k, point->ns);
    while (*link && *link != point)
        link = &(*link)->next;
    if (*link)
        *link = point->next;
    point->ns = NULL;
    point->copy = NULL;
    if (point->at) {
        point->at->mounted = NULL;
        rf_dentry_put(k, point->at);
        point->at = NULL;
    }
}

/* Dentries that are still held keep their tree, in which there is no way up and no way back. */
static void forget_point(struct rf_dentry *root)
{
    struct rf_dentry *d = root; /* a walk without recursion: trees are as deep as programs make them */
    for (;;) {
        d->point = NULL;
        if (d->children) {
            d = d->children;
            continue;
        }
        while (d != root && !d->next)
            d = d->parent;
        if (d == root)
            return;
        d = d->next;
    }
}

void rf_mount_point_free(struct rf_kernel *k, struct rf_mount_point *point)
{
    struct rf_mount *fs = point->fs;
    struct rf_dentry *root = point->root;
    rf_mount_point_detach(k, point);
    forget_point(root);
    fs->points--;
    if (!fs->points && rf_is_watched(k))
        rf_notify_unmounted(k, fs);
    fs->inodes++; /* not before this function is through */
    rf_kfree(k, point->subpath);
    if (point == &fs->first) {
        fs->root = NULL;
        point->fs = NULL;
    } else {
        rf_kfree(k, point);
    }
    rf_dentry_put(k, root);
    rf_mount_inode_gone(k, fs);
}

/* --- trees --- */

static bool is_on(const struct rf_mount_point *child, const struct rf_mount_point *parent)
{
    return child->at && child->at->point == parent;
}

void rf_mount_free_tree(struct rf_kernel *k, struct rf_mount_point *point)
{
    for (;;) {
        struct rf_mount_point *child = *list_of(k, point->ns);
        while (child && !is_on(child, point))
            child = child->next;
        if (!child)
            break;
        rf_mount_free_tree(k, child);
    }
    rf_mount_point_free(k, point);
}

/* What is mounted on `from`, below `top`, on its copy too. */
static bool copy_children(struct rf_kernel *k, struct rf_mount_point *from, const struct rf_dentry *top,
                          struct rf_mount_point *to, struct rf_mount_namespace *ns)
{
    struct rf_mount_point *last = NULL; /* of the originals: copies may go to the same list */
    for (struct rf_mount_point *p = *list_of(k, from->ns); p; p = p->next)
        last = p;
    for (struct rf_mount_point *child = *list_of(k, from->ns); child; child = child->next) {
        bool below = is_on(child, from) && child != to && rf_dentry_is_below(child->at, top);
        struct rf_dentry *at = below ? rf_dentry_mirror(k, top, to->root, child->at) : NULL;
        if (below && !at)
            return false;
        struct rf_mount_point *copy =
            below ? rf_mount_copy_tree(k, child, child->root->inode, child->root, true, ns) : NULL;
        if (copy)
            rf_mount_point_attach(ns, copy, at);
        rf_dentry_put(k, at);
        if (below && !copy)
            return false;
        if (child == last)
            break;
    }
    return true;
}

/* The name of a directory of a place within the file system. False: no memory. */
static bool copy_subpath(struct rf_kernel *k, const struct rf_mount_point *place, const struct rf_dentry *top, char **out)
{
    const char *above = place->subpath ? place->subpath : "";
    size_t size = strlen(above) + 1;
    for (const struct rf_dentry *d = top; d->parent; d = d->parent)
        size += strlen(d->name) + 1;
    if (size == 1)
        return true;
    char *at = rf_kalloc(k, size);
    if (!at)
        return false;
    *out = at;
    memcpy(at, above, strlen(above));
    at += size - 1;
    for (const struct rf_dentry *d = top; d->parent; d = d->parent) {
        at -= strlen(d->name) + 1;
        *at = '/';
        memcpy(at + 1, d->name, strlen(d->name));
    }
    return true;
}

struct rf_mount_point *rf_mount_copy_tree(struct rf_kernel *k, struct rf_mount_point *from, struct rf_inode *root,
                                          struct rf_dentry *top, bool rec, struct rf_mount_namespace *ns)
{
    struct rf_mount_point *copy = rf_mount_point_new(k, from->fs, root);
    if (!copy)
        return NULL;
    copy->flags = from->flags;
    copy->locked = from->locked;
    copy->ns = ns;
    from->copy = copy;
    if (!copy_subpath(k, from, top, &copy->subpath) || (rec && !copy_children(k, from, top, copy, ns))) {
        rf_mount_free_tree(k, copy);
        return NULL;
    }
    return copy;
}

/* --- namespaces --- */

struct rf_mount_namespace *rf_mount_namespace_copy(struct rf_kernel *k, struct rf_mount_namespace *from,
                                                   struct rf_user_namespace *owner)
{
    struct rf_mount_namespace *ns = rf_kalloc(k, sizeof *ns);
    if (!ns)
        return NULL;
    rf_namespace_begin(k, &ns->ns, RF_NS_MNT, owner);
    struct rf_mount_point *top = from->points;
    for (struct rf_mount_point *p = from->points; p; p = p->next)
        p->copy = NULL;
    while (top && top->at)
        top = top->next;
    struct rf_mount_point *copy = top ? rf_mount_copy_tree(k, top, top->root->inode, top->root, true, ns) : NULL;
    if (!copy) {
        rf_namespace_put(k, &ns->ns);
        return NULL;
    }
    rf_mount_point_attach(ns, copy, NULL);
    if (owner != from->ns.owner)
        for (struct rf_mount_point *p = ns->points; p; p = p->next)
            p->locked = true;
    return ns;
}

void rf_mount_namespace_free(struct rf_kernel *k, struct rf_mount_namespace *ns)
{
    while (ns->points) {
        struct rf_mount_point *top = ns->points;
        while (top->at && top->at->point && top->at->point->ns == ns)
            top = top->at->point;
        rf_mount_free_tree(k, top);
    }
}

static bool follow(struct rf_kernel *k, struct rf_dentry **dentry, const struct rf_mount_namespace *copy)
{
    const struct rf_mount_point *point = (*dentry)->point;
    if (!point || !point->copy || point->copy->ns != copy)
        return true; /* in no place of the namespace: it stays */
    struct rf_dentry *there = rf_dentry_mirror(k, point->root, point->copy->root, *dentry);
    if (!there)
        return false;
    rf_dentry_put(k, *dentry);
    *dentry = there;
    return true;
}

bool rf_fs_context_follow(struct rf_kernel *k, struct rf_fs_context *fs, const struct rf_mount_namespace *copy)
{
    return follow(k, &fs->root, copy) && follow(k, &fs->cwd, copy);
}
