/* tmpfs: a file system in the machine's memory. Directories, links, names; contents of
 * files are in tmpfs_data.c. */
#include "kernel/fs/tmpfs.h"
#include "kernel/vfs/fstype.h"
#include "kernel/frames.h"
#include "kernel/task/task.h"

#include <string.h>

static const struct rf_inode_ops file_inode_ops, directory_ops, symlink_ops, special_ops;
static const struct rf_file_ops directory_file_ops;

#define ENTRY_BYTES 20 /* what an entry adds to a directory's size on Linux' tmpfs */

static struct rf_tmpfs_node *node_of(const struct rf_inode *inode)
{
    return inode->private_data;
}

/* One more inode, or name of one. */
static bool reserve_inode(struct rf_mount *mount)
{
    struct rf_tmpfs_limits *limits = mount->private_data;
    if (limits && limits->max_inodes && limits->inodes >= limits->max_inodes)
        return false;
    if (limits)
        limits->inodes++;
    return true;
}

static void release_inode(struct rf_mount *mount)
{
    struct rf_tmpfs_limits *limits = mount->private_data;
    if (limits)
        limits->inodes--;
}

static struct rf_inode *new_inode(struct rf_kernel *k, struct rf_mount *mount, uint32_t mode)
{
    if (!reserve_inode(mount))
        return NULL;
    struct rf_tmpfs_node *node = rf_kalloc(k, sizeof *node);
    struct rf_inode *inode = node ? rf_inode_alloc(k, mount, mode) : NULL;
    if (!inode) {
        release_inode(mount);
        rf_kfree(k, node);
        return NULL;
    }
    inode->private_data = node;
    switch (mode & RF_S_IFMT) {
    case RF_S_IFREG:
        inode->seals = RF_F_SEAL_SEAL;
        inode->ops = &file_inode_ops;
        inode->file_ops = &rf_tmpfs_file_ops;
        break;
    case RF_S_IFDIR:
        inode->ops = &directory_ops;
        inode->file_ops = &directory_file_ops;
        inode->nlink = 2;
        inode->size = 2 * ENTRY_BYTES;
        break;
    case RF_S_IFLNK: inode->ops = &symlink_ops; break;
    default: inode->ops = &special_ops; break;
    }
    return inode;
}

/* Hand a directory's entries over to another's list, so that trees of any depth are released
 * without recursion. */
static void take_entries(struct rf_tmpfs_node *to, struct rf_tmpfs_node *from)
{
    if (!from->first)
        return;
    from->last->next = to->first;
    to->first = from->first;
    from->first = from->last = NULL;
}

static void destroy_inode(struct rf_kernel *k, struct rf_inode *inode)
{
    struct rf_tmpfs_node *node = node_of(inode);
    rf_tmpfs_free_data(k, inode);
    release_inode(inode->mount);
    while (node->first) { /* only at the end of the whole file system */
        struct rf_tmpfs_entry *entry = node->first;
        node->first = entry->next;
        if (entry->inode->references == 1)
            take_entries(node, node_of(entry->inode));
        rf_inode_put(k, entry->inode);
        rf_kfree(k, entry);
    }
    rf_kfree(k, node->buckets);
    rf_kfree(k, node->target);
    rf_xattrs_free(k, &node->xattrs);
    rf_kfree(k, node);
}

/* --- entries of a directory --- */

static uint32_t hash_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619u;
    return h;
}

static struct rf_tmpfs_entry *find(struct rf_tmpfs_node *dir, const char *name)
{
    uint32_t hash = hash_of(name);
    struct rf_tmpfs_entry *e = dir->bucket_count ? dir->buckets[hash % dir->bucket_count] : NULL;
    while (e && (e->hash != hash || strcmp(e->name, name) != 0))
        e = e->next_hash;
    return e;
}

static bool grow_buckets(struct rf_kernel *k, struct rf_tmpfs_node *dir)
{
    uint32_t count = dir->bucket_count ? dir->bucket_count * 4 : 8;
    struct rf_tmpfs_entry **buckets = rf_kalloc(k, count * sizeof(struct rf_tmpfs_entry *));
    if (!buckets)
        return dir->bucket_count != 0; /* go on with longer chains */
    for (struct rf_tmpfs_entry *e = dir->first; e; e = e->next) {
        e->next_hash = buckets[e->hash % count];
        buckets[e->hash % count] = e;
    }
    rf_kfree(k, dir->buckets);
    dir->buckets = buckets;
    dir->bucket_count = count;
    return true;
}

/* An entry for inode, which gets a reference. */
static int64_t add(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                   struct rf_inode *inode)
{
    struct rf_tmpfs_node *node = node_of(dir);
    if (node->entry_count >= node->bucket_count * 2 && !grow_buckets(k, node))
        return -RF_ENOSPC;
    size_t size = strlen(name) + 1;
    struct rf_tmpfs_entry *e = rf_kalloc(k, sizeof *e + size);
    if (!e)
        return -RF_ENOSPC;
    memcpy(e->name, name, size);
    e->inode = inode;
    rf_inode_get(inode);
    e->hash = hash_of(name);
    e->cursor = ++node->next_cursor;
    e->next_hash = node->buckets[e->hash % node->bucket_count];
    node->buckets[e->hash % node->bucket_count] = e;
    e->previous = node->last;
    if (node->last)
        node->last->next = e;
    else
        node->first = e;
    node->last = e;
    node->entry_count++;
    if (RF_S_ISDIR(inode->mode)) {
        dir->nlink++;
        node_of(inode)->parent_ino = dir->ino;
    }
    dir->size += ENTRY_BYTES;
    rf_inode_modified(k, dir);
    return 0;
}

static void drop(struct rf_kernel *k, struct rf_inode *dir, const char *name)
{
    struct rf_tmpfs_node *node = node_of(dir);
    struct rf_tmpfs_entry *e = find(node, name);
    if (!e)
        return;
    struct rf_tmpfs_entry **p = &node->buckets[e->hash % node->bucket_count];
    while (*p != e)
        p = &(*p)->next_hash;
    *p = e->next_hash;
    *(e->previous ? &e->previous->next : &node->first) = e->next;
    *(e->next ? &e->next->previous : &node->last) = e->previous;
    node->entry_count--;
    dir->size -= ENTRY_BYTES;
    if (RF_S_ISDIR(e->inode->mode))
        dir->nlink--;
    rf_inode_modified(k, dir);
    rf_inode_put(k, e->inode);
    rf_kfree(k, e);
}

/* --- operations --- */

static int64_t lookup(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                      struct rf_inode **out)
{
    (void)k;
    struct rf_tmpfs_entry *e = find(node_of(dir), name);
    if (!e)
        return -RF_ENOENT;
    rf_inode_get(e->inode);
    *out = e->inode;
    return 0;
}

/* Name a new inode; on failure it is released. */
static int64_t add_new(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                       struct rf_inode *inode, struct rf_inode **out)
{
    if (dir->mode & RF_S_ISGID) { /* the group is inherited, and by directories the bit */
        inode->gid = dir->gid;
        if (RF_S_ISDIR(inode->mode))
            inode->mode |= RF_S_ISGID;
    }
    int64_t result = add(k, dir, name, inode);
    if (result) {
        rf_inode_put(k, inode);
        return result;
    }
    *out = inode;
    return 0;
}

static int64_t create(struct rf_kernel *k, struct rf_inode *dir, const char *name, uint32_t mode,
                      uint64_t rdev, struct rf_inode **out)
{
    struct rf_inode *inode = new_inode(k, dir->mount, mode);
    if (!inode)
        return -RF_ENOSPC;
    inode->rdev = rdev;
    return add_new(k, dir, name, inode, out);
}

static int64_t make_symlink(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                            const char *target, struct rf_inode **out)
{
    struct rf_inode *inode = new_inode(k, dir->mount, RF_S_IFLNK | 0777);
    if (!inode)
        return -RF_ENOSPC;
    inode->size = strlen(target);
    node_of(inode)->target = rf_kalloc(k, inode->size + 1);
    if (!node_of(inode)->target) {
        rf_inode_put(k, inode);
        return -RF_ENOSPC;
    }
    memcpy(node_of(inode)->target, target, inode->size + 1);
    return add_new(k, dir, name, inode, out);
}

static int64_t make_tmpfile(struct rf_kernel *k, struct rf_inode *dir, uint32_t mode,
                            struct rf_inode **out)
{
    *out = new_inode(k, dir->mount, mode);
    if (!*out)
        return -RF_ENOSPC;
    (*out)->nlink = 0;
    return 0;
}

static int64_t make_link(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                         struct rf_inode *inode)
{
    bool counts = inode->nlink; /* the first name of a file made without one is its inode's */
    if (counts && !reserve_inode(dir->mount))
        return -RF_ENOSPC;
    int64_t result = add(k, dir, name, inode);
    if (result) {
        if (counts)
            release_inode(dir->mount);
        return result;
    }
    inode->nlink++;
    inode->ctime = dir->ctime;
    return 0;
}

/* inode loses a name (its entry is still there). */
static void unname(struct rf_kernel *k, struct rf_inode *inode)
{
    if (!RF_S_ISDIR(inode->mode) && inode->nlink > 1)
        release_inode(inode->mount);
    inode->nlink = RF_S_ISDIR(inode->mode) ? 0 : inode->nlink - 1;
    inode->ctime = rf_now(k);
}

static int64_t remove_name(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                           struct rf_inode *inode)
{
    if (RF_S_ISDIR(inode->mode) && node_of(inode)->entry_count)
        return -RF_ENOTEMPTY;
    unname(k, inode);
    drop(k, dir, name);
    return 0;
}

static int64_t rename_entry(struct rf_kernel *k, struct rf_inode *dir, const char *name,
                            struct rf_inode *inode, struct rf_inode *new_dir, const char *new_name,
                            struct rf_inode *victim)
{
    if (victim) { /* its entry is used again: this cannot fail for want of memory */
        if (RF_S_ISDIR(victim->mode) && node_of(victim)->entry_count)
            return -RF_ENOTEMPTY;
        struct rf_tmpfs_entry *e = find(node_of(new_dir), new_name);
        unname(k, victim);
        e->inode = inode;
        rf_inode_get(inode);
        if (RF_S_ISDIR(inode->mode))
            node_of(inode)->parent_ino = new_dir->ino;
        rf_inode_put(k, victim);
        rf_inode_modified(k, new_dir);
    } else {
        int64_t result = add(k, new_dir, new_name, inode);
        if (result)
            return result;
    }
    drop(k, dir, name);
    inode->ctime = rf_now(k);
    return 0;
}

static int64_t exchange_entries(struct rf_kernel *k, struct rf_inode *dir, const char *name, struct rf_inode *inode,
                                struct rf_inode *new_dir, const char *new_name, struct rf_inode *other)
{
    struct rf_tmpfs_entry *a = find(node_of(dir), name), *b = find(node_of(new_dir), new_name);
    a->inode = other;
    b->inode = inode;
    if (RF_S_ISDIR(inode->mode)) {
        node_of(inode)->parent_ino = new_dir->ino;
        dir->nlink--;
        new_dir->nlink++;
    }
    if (RF_S_ISDIR(other->mode)) {
        node_of(other)->parent_ino = dir->ino;
        new_dir->nlink--;
        dir->nlink++;
    }
    rf_inode_modified(k, dir);
    rf_inode_modified(k, new_dir);
    inode->ctime = other->ctime = dir->ctime;
    return 0;
}

/* --- extended attributes --- */

static int64_t get_xattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, void *value, size_t size)
{
    (void)k;
    return rf_xattrs_get(node_of(inode)->xattrs, name, value, size);
}

static int64_t list_xattrs(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    (void)k;
    return rf_xattrs_list(node_of(inode)->xattrs, out, size);
}

static int64_t set_xattr(struct rf_kernel *k, struct rf_inode *inode, const char *name, const void *value, size_t size,
                         uint32_t flags)
{
    int64_t error = rf_xattrs_set(k, &node_of(inode)->xattrs, name, value, size, flags);
    if (!error)
        inode->ctime = rf_now(k);
    return error;
}

static int64_t read_link(struct rf_kernel *k, struct rf_inode *inode, char *out, size_t size)
{
    (void)k;
    size_t length = inode->size < size ? (size_t)inode->size : size;
    memcpy(out, node_of(inode)->target, length);
    return (int64_t)length;
}

/* Cursor: 0 before ".", 1 before "..", then 1 + the last entry's own cursor. */
static int64_t readdir(struct rf_kernel *k, struct rf_file *file,
                       bool (*emit)(void *user, const char *name, uint64_t ino, uint8_t type,
                                    uint64_t next_pos),
                       void *user)
{
    (void)k;
    struct rf_tmpfs_node *node = node_of(file->inode);
    uint64_t above = node->parent_ino ? node->parent_ino : file->inode->ino;
    if (file->pos == 0 && !emit(user, ".", file->inode->ino, RF_DT_DIR, 1))
        return 0;
    if (file->pos <= 1 && !emit(user, "..", above, RF_DT_DIR, 2))
        return 0;
    uint64_t from = file->pos;
    for (struct rf_tmpfs_entry *e = node->first; e; e = e->next)
        if (e->cursor + 1 >= from &&
            !emit(user, e->name, e->inode->ino, rf_mode_to_dtype(e->inode->mode), e->cursor + 2))
            break;
    return 0;
}

static const struct rf_file_ops directory_file_ops = { .readdir = readdir };

static const struct rf_inode_ops directory_ops = {
    .lookup = lookup,
    .create = create,
    .symlink = make_symlink,
    .link = make_link,
    .remove = remove_name,
    .rename = rename_entry,
    .exchange = exchange_entries,
    .tmpfile = make_tmpfile,
    .setattr = rf_generic_setattr,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
    .setxattr = set_xattr,
    .destroy = destroy_inode,
};
static const struct rf_inode_ops file_inode_ops = {
    .setattr = rf_tmpfs_setattr,
    .page = rf_tmpfs_page,
    .punch = rf_tmpfs_punch,
    .fallocate = rf_tmpfs_fallocate,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
    .setxattr = set_xattr,
    .destroy = destroy_inode,
};
static const struct rf_inode_ops symlink_ops = {
    .readlink = read_link,
    .setattr = rf_generic_setattr,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
    .setxattr = set_xattr,
    .destroy = destroy_inode,
};
static const struct rf_inode_ops special_ops = {
    .setattr = rf_generic_setattr,
    .getxattr = get_xattr,
    .listxattr = list_xattrs,
    .setxattr = set_xattr,
    .destroy = destroy_inode,
};

static void statfs(struct rf_kernel *k, struct rf_mount *mount, struct rf_statfs *out)
{
    const struct rf_tmpfs_limits *limits = mount->private_data;
    if (limits) { /* what has no limit is shown as nothing */
        out->f_blocks = (int64_t)limits->max_pages;
        out->f_bfree = out->f_bavail = limits->max_pages ? (int64_t)(limits->max_pages - limits->pages) : 0;
        out->f_files = (int64_t)limits->max_inodes;
        out->f_ffree = limits->max_inodes ? (int64_t)(limits->max_inodes - limits->inodes) : 0;
        return;
    }
    out->f_blocks = (int64_t)rf_frames_total(k);
    out->f_bfree = out->f_bavail = (int64_t)rf_frames_free(k);
    out->f_files = out->f_blocks;
    out->f_ffree = out->f_bfree;
}

static void destroy_mount(struct rf_kernel *k, struct rf_mount *mount)
{
    rf_kfree(k, mount->private_data);
}

static const struct rf_mount_ops mount_ops = {
    .statfs = statfs,
    .remount = rf_tmpfs_remount,
    .show = rf_tmpfs_show,
    .destroy = destroy_mount,
};

static struct rf_mount *make_fs(struct rf_kernel *k, const char *type, uint32_t root_mode, struct rf_tmpfs_limits *limits)
{
    struct rf_mount *mount = rf_mount_alloc(k, type, RF_TMPFS_MAGIC, &mount_ops);
    if (!mount) {
        rf_kfree(k, limits);
        return NULL;
    }
    mount->keeps_inodes = mount->in_memory = true;
    mount->private_data = limits;
    struct rf_inode *root = new_inode(k, mount, RF_S_IFDIR | root_mode);
    if (root) {
        mount->root = rf_dentry_new(k, NULL, "", root);
        rf_inode_put(k, root);
    }
    if (!mount->root) {
        rf_mount_free(k, mount);
        return NULL;
    }
    return mount;
}

struct rf_mount *rf_tmpfs_create(struct rf_kernel *k, const char *type, uint32_t root_mode)
{
    return make_fs(k, type, root_mode, NULL);
}

static int64_t mount_tmpfs(struct rf_kernel *k, const char *source, const char *options, struct rf_mount **out)
{
    (void)source;
    struct rf_tmpfs_limits *limits = rf_kalloc(k, sizeof *limits);
    if (!limits)
        return -RF_ENOMEM;
    limits->max_pages = limits->max_inodes = limits->default_pages = rf_frames_total(k) / 2;
    limits->mode = RF_S_ISVTX | 0777;
    limits->uid = k->current->credentials.fsuid;
    limits->gid = k->current->credentials.fsgid;
    int64_t error = rf_tmpfs_parse(k, options, limits);
    if (error) {
        rf_kfree(k, limits);
        return error;
    }
    struct rf_mount *mount = make_fs(k, "tmpfs", limits->mode, limits);
    if (!mount)
        return -RF_ENOMEM;
    mount->root->inode->uid = limits->uid;
    mount->root->inode->gid = limits->gid;
    *out = mount;
    return 0;
}

const struct rf_fs_type rf_tmpfs_type = { .name = "tmpfs", .flags = RF_FS_USER, .mount = mount_tmpfs };
